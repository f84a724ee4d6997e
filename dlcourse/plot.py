"""Figures of the course: arrays or a History in, `Axes` out, with a text that says what is seen."""

from dlcourse.arrays import expect_axes, to_numpy
from dlcourse.errors import ShapeError

import matplotlib.colors
import matplotlib.pyplot as plt
import numpy as np

# Okabe and Ito's colours: told apart with every common kind of colour blindness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def use_course_style():
    """Set the course's colours, sizes and figure descriptions for this notebook.

    In a notebook, each figure then carries its description (see `describe`) as its text, in place
    of `<Figure size 640x480 with 1 Axes>`: what a screen reader, a terminal or a diff can show.
    """
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 11,
            "axes.titlelocation": "left",
            "figure.figsize": (6.4, 3.4),
            "figure.dpi": 96,
            "figure.facecolor": "white",  # stays readable in JupyterLab's dark theme
            "figure.constrained_layout.use": True,
            "image.cmap": "gray",
            "legend.frameon": False,
        }
    )
    try:
        from IPython import get_ipython
    except ImportError:
        return
    if (shell := get_ipython()) is not None:
        shell.enable_matplotlib("inline")  # first: it forgets how figures were to be shown
        shell.display_formatter.formatters["text/plain"].for_type(plt.Figure, _as_text)


def describe(text, figure=None):
    """Give the figure (the current one if none is named) the sentence that stands for it.

    Say what is seen, not that there is a figure: "Both losses fall; validation levels off at 0.3."
    """
    (figure or plt.gcf()).description = text


def description(figure):
    """Return the figure's description; failing that, its titles."""
    titles = [axes.get_title(loc) for axes in figure.axes for loc in ("left", "center")]
    return (
        getattr(figure, "description", None)
        or "; ".join(title for title in titles if title)
        or "no description"
    )


def _as_text(figure, printer, cycle):
    printer.text(f"Figure: {description(figure)}")


def images(pixels, titles=None, columns=10, size=0.9, colour_map="gray", limits=(0, 1), label=None):
    """Draw pictures side by side.

    Args:
        pixels: Array (N, H, W, C) with C 1 or 3, or (N, H, W).
        titles: N short texts to stand above the pictures.
        columns: Pictures in a row.
        size: Side of one picture, in inches.
        colour_map: For pictures with one channel; "RdBu_r" suits signed values.
        limits: Values drawn as the map's two ends; None takes them from the pictures.
        label: If given, a colour bar stands beside the pictures and says this, with its unit.

    Returns:
        Array of N matplotlib Axes.

    Raises:
        ShapeError: `pixels` is not a batch of pictures.
    """
    pixels = to_numpy(pixels)
    pixels = pixels[..., None] if pixels.ndim == 3 else pixels
    expect_axes(pixels, "N H W C", "pixels")
    if pixels.shape[-1] not in (1, 3):
        raise ShapeError(
            f"`pixels` has {pixels.shape[-1]} channels, but a picture has 1 (grey) or 3 (colour)."
        )
    low, high = limits or (pixels.min(), pixels.max())
    columns = min(columns, len(pixels))
    rows = -(-len(pixels) // columns)
    title_lines = (
        max((str(title).count("\n") + 1 for title in titles), default=0)
        if titles is not None
        else 0
    )
    height = rows * (size + 0.19 * title_lines) + 0.1
    width = columns * size * 1.05 + (0.9 if label else 0)
    figure, grid = plt.subplots(rows, columns, figsize=(width, height), squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    places = grid.flat[: len(pixels)]
    for i, (axes, picture) in enumerate(zip(places, pixels)):
        picture = picture[..., 0] if picture.shape[-1] == 1 else picture
        drawn = axes.imshow(picture, cmap=colour_map, vmin=low, vmax=high)
        if titles is not None:
            axes.set_title(titles[i], fontsize=8, loc="center")
    if label:
        figure.colorbar(drawn, ax=grid, label=label, shrink=0.9)
    return np.array(list(places))


def learning_curves(history, quantity="loss", axes=None):
    """Draw a History's loss (nats) or accuracy over the epochs, training and validation.

    Args:
        history: A `results.History`.
        quantity: "loss" or "accuracy".
        axes: Where to draw; a new figure if None.
    """
    axes = axes if axes is not None else plt.subplots()[1]
    epochs = np.arange(1, history.epochs + 1)
    for part, name, style in (("train", "training", "--"), ("valid", "validation", "-")):
        if values := getattr(history, f"{part}_{quantity}"):
            axes.plot(epochs, values, style, marker="o", markersize=3, label=name)
    unit = " (nats)" if quantity == "loss" else ""
    axes.set(
        xlabel="epoch", ylabel=quantity + unit, title=f"{quantity.capitalize()} while training"
    )
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    return axes


def confusion(counts, classes, axes=None):
    """Draw a confusion matrix: true class down, predicted across, counts written in.

    Args:
        counts: Array (K, K) from `results.confusion`.
        classes: K class names.
        axes: Where to draw; a new figure if None.
    """
    counts = to_numpy(counts)
    if counts.shape != (len(classes),) * 2:
        raise ShapeError(
            f"`counts` has shape {counts.shape}, but {len(classes)} classes want "
            f"{(len(classes),) * 2}."
        )
    if axes is None:
        side = 1.6 + 0.45 * len(classes)
        axes = plt.subplots(figsize=(side + 0.6, side))[1]
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts):
        colour = "white" if share[row, column] > 0.5 else "black"
        axes.text(
            column, row, counts[row, column], ha="center", va="center", fontsize=8, color=colour
        )
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    axes.set(
        xlabel="predicted class",
        ylabel="true class",
        title="Who is taken for whom (number of pictures)",
    )
    axes.spines[:].set_visible(False)
    return axes


def calibration(measured, axes=None):
    """Draw confidence against accuracy; on the diagonal a classifier is as often right as sure.

    Args:
        measured: A `results.Calibration`.
        axes: Where to draw; a new figure if None.
    """
    axes = axes if axes is not None else plt.subplots(figsize=(4.2, 3.8))[1]
    axes.plot([0, 1], [0, 1], "--", color="gray", label="as sure as right")
    there = measured.examples > 0
    axes.plot(measured.confidence[there], measured.accuracy[there], "o-", label="this classifier")
    axes.set(
        xlabel="confidence (highest probability)",
        ylabel="accuracy",
        title="Calibration",
        xlim=(0, 1.02),
        ylim=(0, 1.02),
    )
    axes.legend()
    return axes


def heat_map(values, picture=None, *, axes=None, title="", label="value", limit=None):
    """Draw a map of numbers as colours, over a pale picture if one is given.

    Values above 0 are vermilion, those below 0 blue, and the nearer to 0 the clearer. A colour bar
    says how much.

    Args:
        values: Array (h, w); it may be coarser than the picture, and is then stretched over it.
        picture: Array (H, W, C) with C 1 or 3, or (H, W), values 0..1; its grey values are drawn.
        axes: Where to draw; a new figure if None.
        title: Stands above the map.
        label: Of the colour bar, with its unit.
        limit: Size of a value that has the full colour; what is larger has it too. If None, 1 value
            in 200 is larger.

    Returns:
        The matplotlib Axes.

    Raises:
        ShapeError: `values` is not one map, or `picture` not one picture.
    """
    values = expect_axes(to_numpy(values), "H W", "values")
    axes = axes if axes is not None else plt.subplots(figsize=(4.2, 3.4))[1]
    height, width = values.shape
    if picture is not None:
        grey = to_numpy(picture)
        grey = grey.mean(axis=2) if grey.ndim == 3 else expect_axes(grey, "H W", "picture")
        height, width = grey.shape
        axes.imshow(0.55 + 0.45 * grey, cmap="gray", vmin=0, vmax=1)  # pale: the map stands out
    limit = limit or float(np.quantile(np.abs(values), 0.995)) or 1.0
    signed = values.min() < 0
    drawn = axes.imshow(
        values,
        cmap=_clear_at_zero(signed),
        vmin=-limit if signed else 0,
        vmax=limit,
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        interpolation="nearest",
    )
    beyond = (values.min() < -limit, values.max() > limit)
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(beyond)
    axes.figure.colorbar(drawn, ax=axes, label=label, shrink=0.85, extend=extend or "neither")
    axes.set_title(title)
    axes.axis("off")
    return axes


def _clear_at_zero(signed):
    """Return a colour map from clear to vermilion; if `signed`, from blue over clear."""
    above, below = (matplotlib.colors.to_rgb(COLOURS[place]) for place in (1, 0))
    strength = np.linspace(0, 1, 128)[:, None]
    upper = np.hstack([np.tile(above, (128, 1)), strength])
    lower = np.hstack([np.tile(below, (128, 1)), strength])[::-1]
    return matplotlib.colors.ListedColormap(np.vstack([lower, upper]) if signed else upper)
