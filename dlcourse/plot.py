"""Figures of the course: arrays or a History in, `Axes` out, with a text that says what is seen."""

from functools import partial
from typing import Any

from dlcourse.arrays import expect_axes, expect_examples, expect_labels, to_numpy
from dlcourse.errors import RangeError, ShapeError

import matplotlib.colors
import matplotlib.pyplot as plt
import numpy as np

# Okabe and Ito's colours: told apart with every common kind of colour blindness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vPX*<>"  # told apart without colour too


def use_course_style() -> None:
    """Set the course's colours, sizes and figure descriptions for this notebook.

    In a notebook, each figure then carries its description (see `describe`): as its text, in place
    of `<Figure size 640x480 with 1 Axes>`, for a terminal or a diff, and as the picture's
    alternative text, the metadata `alt`, for what shows pictures to a screen reader.

    Example:
        >>> plot.use_course_style()
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
        formatters = shell.display_formatter.formatters
        formatters["text/plain"].for_type(plt.Figure, _as_text)
        if as_png := formatters["image/png"].type_printers.get(plt.Figure):  # none where SVG shows
            formatters["image/png"].for_type(plt.Figure, partial(_with_alt, as_png))


def describe(text, figure=None) -> None:
    """Give the figure (the current one if none is named) the sentence that describes it.

    Say what is seen, not that there is a figure: "Both losses fall; validation levels off at 0.3."

    Example:
        >>> axes = plot.images(digits.test.pixels[:3])[0].axes
        >>> plot.describe("Three handwritten digits.")
    """
    (figure or plt.gcf()).description = text


def description(figure) -> str:
    """Return the figure's description; failing that, its titles."""
    titles = [axes.get_title(loc) for axes in figure.axes for loc in ("left", "center")]
    return (
        getattr(figure, "description", None)
        or "; ".join(title for title in titles if title)
        or "no description"
    )


def _as_text(figure, printer, cycle):
    printer.text(f"Figure: {description(figure)}")


def _with_alt(as_png, figure):
    """Return a figure's PNG and its metadata, or None for a figure without anything in it."""
    png = as_png(figure)
    png, metadata = png if isinstance(png, tuple) else (png, {})  # sharper screens get a size too
    return png and (png, {**metadata, "alt": description(figure)})


def images(
    pixels, titles=None, columns=10, size=0.9, colour_map="gray", limits=(0, 1), label=None
) -> Any:
    """Draw pictures side by side.

    Args:
        pixels: Array (N, H, W, C) with C 1 or 3, or (N, H, W).
        titles: N short texts to draw above the pictures.
        columns: Pictures in a row.
        size: Side of one picture, in inches.
        colour_map: For pictures with one channel; "RdBu_r" suits signed values.
        limits: Values drawn as the map's two ends; None takes them from the pictures.
        label: If given, a colour bar beside the pictures is labelled with this text, unit included.

    Returns:
        Array of N matplotlib Axes.

    Raises:
        ShapeError: `pixels` is not a batch of pictures.

    Example:
        >>> drawn = plot.images(digits.test.pixels[:5], titles=digits.test.labels[:5])
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


def learning_curves(history, quantity="loss", axes=None) -> plt.Axes:
    """Draw a History's loss (nats) or accuracy over the epochs, training and validation.

    Args:
        history: A `results.History`.
        quantity: "loss" or "accuracy".
        axes: Where to draw; a new figure if None.

    Example:
        >>> history = results.History([2.1, 0.9], [0.3, 0.8])
        >>> axes = plot.learning_curves(history, "accuracy")
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


def confusion(counts, classes, axes=None) -> plt.Axes:
    """Draw a confusion matrix: true class down, predicted across, counts written in.

    Args:
        counts: Array (K, K) from `results.confusion`.
        classes: K class names.
        axes: Where to draw; a new figure if None.

    Example:
        >>> scores = backends.scores(network, digits.test.features)
        >>> axes = plot.confusion(results.confusion(scores, digits.test.labels), digits.classes)
    """
    counts = to_numpy(counts)
    if counts.shape != (len(classes),) * 2:
        raise ShapeError(
            f"`counts` has shape {counts.shape}, but {len(classes)} classes need "
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


def calibration(measured, axes=None) -> plt.Axes:
    """Draw confidence against accuracy; on the diagonal a classifier is as often right as sure.

    Args:
        measured: A `results.Calibration`.
        axes: Where to draw; a new figure if None.

    Example:
        >>> scores = backends.scores(network, digits.test.features)
        >>> measured = results.calibration(arrays.softmax(scores), digits.test.labels)
        >>> axes = plot.calibration(measured)
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


def embedding(points, labels, classes, axes=None) -> plt.Axes:
    """Draw examples as points in a plane, one colour and one shape for each class.

    Args:
        points: Array (N, 2): where each example lies, such as its first two principal components.
        labels: N class indices.
        classes: Names of the classes; ten at most can be told apart.
        axes: Where to draw; a new figure if None.

    Raises:
        ShapeError: `points` is not (N, 2), or not one for each label.
        RangeError: A label without a class, or more than ten classes.

    Example:
        >>> axes = plot.embedding(digits.test.features[:, 3:5], digits.test.labels, digits.classes)
    """
    points = expect_axes(to_numpy(points), "N coordinates", "points")
    expect_examples(points, labels, "points")
    labels = expect_labels(labels, len(classes))
    if points.shape[1] != 2:
        raise ShapeError(
            f"`points` has shape {points.shape}, but a point in the plane has two coordinates: "
            "(N, 2)."
        )
    if len(classes) > len(MARKERS):
        raise RangeError(
            f"There are {len(classes)} classes, but only {len(MARKERS)} can be told apart in one "
            "figure. Draw some of them."
        )
    axes = axes if axes is not None else plt.subplots(figsize=(5, 3.6))[1]
    for place, name in enumerate(classes):
        chosen = points[labels == place]
        axes.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=24,
            marker=MARKERS[place],
            color=COLOURS[place % len(COLOURS)],
            label=name,
        )
    axes.set(xlabel="first component", ylabel="second component", title="Examples in a plane")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return axes


def forecast_fan(
    history, forecast, intervals=None, happened=None, step_hours=1.0, quantity="value", axes=None
) -> plt.Axes:
    """Draw a forecast behind the history that it continues, with its intervals around it.

    The figure's description says how often what happened lay inside the widest interval.

    Args:
        history: Array (P,), the last steps before the forecast.
        forecast: Array (H,), the steps after them.
        intervals: {share: (low, high)}, such as {0.5: …, 0.9: …}; low and high are arrays (H,).
        happened: Array (H,), what came true, if it is known.
        step_hours: Time between two steps, in hours.
        quantity: What is forecast, with its unit: "demand (GW)".
        axes: Where to draw; a new figure if None.

    Raises:
        ShapeError: An interval or what happened is not as long as the forecast.

    Example:
        >>> axes = plot.forecast_fan([1.0, 2.0, 3.0], [3.5, 4.0], quantity="demand in GW")
    """
    history, forecast = to_numpy(history), to_numpy(forecast)
    intervals = {
        share: np.stack([*map(to_numpy, ends)]) for share, ends in (intervals or {}).items()
    }
    happened = None if happened is None else to_numpy(happened)
    for array in (*(end for ends in intervals.values() for end in ends), happened):
        if array is not None and array.shape != forecast.shape:
            raise ShapeError(
                f"The forecast has shape {forecast.shape}, but an interval or what happened has "
                f"{array.shape}. Give one number for each step of the forecast."
            )
    axes = axes if axes is not None else plt.subplots()[1]
    before = np.arange(-len(history), 0) * step_hours
    after = np.arange(len(forecast)) * step_hours
    axes.plot(before, history, color=COLOURS[6], label="before")
    shades = np.linspace(0.25, 0.6, len(intervals))
    for share, shade in zip(sorted(intervals, reverse=True), shades):  # the widest lies below
        low, high = intervals[share]
        colour = plt.get_cmap("Blues")(shade)
        axes.fill_between(after, low, high, color=colour, linewidth=0, label=f"{share:.0%}")
    axes.plot(after, forecast, color=COLOURS[6], linestyle=":", label="forecast")
    text = f"{len(history)} steps of history, then a forecast of {len(forecast)}"
    if happened is not None:
        axes.plot(after, happened, "--", color=COLOURS[1], label="happened")
        if intervals:
            low, high = intervals[max(intervals)]
            inside = int(((happened >= low) & (happened <= high)).sum())
            text += f"; {inside} of them lie inside the {max(intervals):.0%} interval"
    axes.axvline(0, color="gray", linewidth=0.8)
    axes.set(xlabel="hours after the forecast was made", ylabel=quantity, title="Forecast")
    below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.2), "ncols": 3 + len(intervals)}
    axes.legend(fontsize=8, columnspacing=1, **below)  # nothing is hidden, wherever the lines go
    describe(f"{text}.", axes.figure)
    return axes


def film_strip(pictures, moments, rows=None, title="", size=0.7, limits=(0, 1)) -> Any:
    """Draw how pictures change: a row for each picture, a column for each moment.

    Args:
        pictures: Array (M, N, H, W, C) with C 1 or 3, or (M, N, H, W): M moments of N pictures.
        moments: M short texts or numbers to draw above the columns.
        rows: N short texts to draw beside the rows, if any.
        title: What changes from column to column, such as "The same noise after … rounds".
        size: Side of one picture, in inches.
        limits: Values drawn as black and as white.

    Returns:
        Array (N, M) of matplotlib Axes.

    Raises:
        ShapeError: `pictures` has other axes, or `moments` or `rows` another length.

    Example:
        >>> strip = plot.film_strip(np.random.default_rng(0).random((2, 3, 8, 8)), ["start", "end"])
    """
    pictures = to_numpy(pictures)
    pictures = pictures[..., None] if pictures.ndim == 4 else pictures
    count, height = expect_axes(pictures, "M N H W C", "pictures").shape[:2]
    wanted = (count, height if rows is None else len(rows), pictures.shape[-1])
    if (len(moments), height) != wanted[:2] or wanted[2] not in (1, 3):
        raise ShapeError(
            f"`pictures` has shape {pictures.shape}, with {len(moments)} names of moments"
            + ("" if rows is None else f" and {len(rows)} of rows")
            + ", but should be (moments, rows, H, W, 1 or 3), with a name for each."
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


def heat_map(values, picture=None, *, axes=None, title="", label="value", limit=None) -> Any:
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

    Example:
        >>> drawn = plot.heat_map(digits.test.images[0, :, :, 0] - 0.5, title="Brightness")
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
