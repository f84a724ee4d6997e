"""Figures of the course: arrays or a History in, `Axes` out, with a text that says what is seen."""

from dlcourse.arrays import expect_axes, to_numpy
from dlcourse.errors import ShapeError

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


def film_strip(pictures, moments, rows=None, title="", size=0.7, limits=(0, 1)):
    """Draw how pictures change: a row for each picture, a column for each moment.

    Args:
        pictures: Array (M, N, H, W, C) with C 1 or 3, or (M, N, H, W): M moments of N pictures.
        moments: M short texts or numbers to stand above the columns.
        rows: N short texts to stand beside the rows, if any.
        title: What changes from column to column, such as "The same noise after … rounds".
        size: Side of one picture, in inches.
        limits: Values drawn as black and as white.

    Returns:
        Array (N, M) of matplotlib Axes.

    Raises:
        ShapeError: `pictures` has other axes, or `moments` or `rows` another length.
    """
    pictures = to_numpy(pictures)
    pictures = pictures[..., None] if pictures.ndim == 4 else pictures
    count, height = expect_axes(pictures, "M N H W C", "pictures").shape[:2]
    wanted = (count, height if rows is None else len(rows), pictures.shape[-1])
    if (len(moments), height) != wanted[:2] or wanted[2] not in (1, 3):
        raise ShapeError(
            f"`pictures` has shape {pictures.shape}, with {len(moments)} names of moments"
            + ("" if rows is None else f" and {len(rows)} of rows")
            + ", but (moments, rows, H, W, 1 or 3) is wanted, with a name for each."
        )
    width = count * size * 1.05 + (0 if rows is None else 0.9)
    height_inches = height * size * 1.05 + (0.5 if title else 0.25)
    figure, grid = plt.subplots(height, count, figsize=(width, height_inches), squeeze=False)
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    for axes, picture in zip(grid.flat, pictures.swapaxes(0, 1).reshape(-1, *pictures.shape[2:])):
        picture = picture[..., 0] if picture.shape[-1] == 1 else picture
        axes.imshow(picture, cmap="gray", vmin=limits[0], vmax=limits[1])
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for axes, moment in zip(grid[0], moments):
        axes.set_title(moment, fontsize=8, loc="center")
    for axes, name in zip(grid[:, 0], rows or ()):
        axes.set_ylabel(name, fontsize=8, rotation=0, ha="right", va="center")
    return grid
