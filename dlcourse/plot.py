"""Figures of the course: arrays or a History in, `Axes` out, with a text that says what is seen."""

import html
import math
import sys
from collections.abc import Set
from functools import partial
from itertools import islice
from numbers import Real
from typing import Any

from dlcourse import results
from dlcourse.arrays import (
    as_floats,
    expect_axes,
    expect_count,
    expect_examples,
    expect_labels,
    to_numpy,
)
from dlcourse.errors import CourseError, KindError, RangeError, ShapeError, expect_text, in_short

import matplotlib.colors
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.mathtext import MathTextParser

# Okabe and Ito's colours: told apart with every common kind of colour blindness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vPX*<>"  # told apart without colour too
MOST_PICTURES = 1000  # in one figure: with more, drawing does not end while one waits
MOST_CLASSES = 50  # of a confusion matrix, for the same reason
LARGEST_DRAWN = 1e37  # a number: the distance of two is still one, in 32 bits as well
LARGEST = 50  # inches, of one picture
LARGEST_FIGURE = (150, 2500)  # inches of a side, square inches: seconds to draw
PAGE, LETTERS = 6.0, 8  # inches of a page in a notebook, points of the letters on it


def use_course_style() -> None:
    """Set the course's colours, sizes and figure descriptions for this notebook.

    In a notebook, each figure then carries its description (see `describe`): as its text, in place
    of `<Figure size 640x480 with 1 Axes>`, for a terminal or a diff, and as the alternative text
    of an HTML picture: JupyterLab and nbconvert give other pictures none.

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
            "image.origin": "upper",  # the first row of a picture is its top
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
        if as_png := formatters["image/png"].type_printers.pop(plt.Figure, None):  # None for SVG
            formatters["text/html"].for_type(plt.Figure, partial(_as_html, as_png))


def describe(text, figure=None) -> None:
    """Give the figure (the current one if none is named) the sentence that describes it.

    Say what is seen, not that there is a figure: "Both losses fall; validation levels off at 0.3."

    Example:
        >>> axes = plot.images(digits.test.images[:3])[0].axes
        >>> plot.describe("Three handwritten digits.")
    """
    expect_text(text, "text")
    figure = plt.gcf() if figure is None else figure
    _expect_figure(figure)
    figure.description = text


def description(figure) -> str:
    """Return the figure's description; failing that, its titles."""
    _expect_figure(figure)
    titles = [axes.get_title(loc) for axes in figure.axes for loc in ("left", "center")]
    return (
        getattr(figure, "description", None)
        or "; ".join(title for title in titles if title)
        or "no description"
    )


def _as_text(figure, printer, cycle):
    printer.text(f"Figure: {description(figure)}")


def _as_html(as_png, figure):
    """Return a figure as an HTML picture, or None for a figure without anything in it."""
    png = as_png(figure)
    png, size = png if isinstance(png, tuple) else (png, {})  # those for sharper screens have one
    given = {"alt": description(figure), **size}
    attributes = "".join(f' {name}="{html.escape(str(text))}"' for name, text in given.items())
    return png and f'<img src="data:image/png;base64,{png}"{attributes}>'


def images(
    pixels, titles=None, columns=10, size=0.9, colour_map="gray", limits=(0, 1), label=None
) -> Any:
    """Draw pictures side by side.

    Args:
        pixels: Array (N, H, W, C) with C 1 or 3, or (N, H, W); bytes are divided by 255.
        titles: N short texts to draw above the pictures.
        columns: Pictures in a row.
        size: Side of one picture, in inches.
        colour_map: For pictures with one channel; "RdBu_r" suits signed values.
        limits: Values drawn as the map's two ends; None takes them from the pictures. Ends beyond 1
            count for bytes as they are.
        label: If given, a colour bar beside the pictures is labelled with this text, unit included.

    Returns:
        Array of N matplotlib Axes.

    Raises:
        ShapeError: `pixels` is not a batch of pictures, or there is not one title for each.
        RangeError: Values that are not finite, more than 1000 pictures, or too large a figure.

    Example:
        >>> drawn = plot.images(digits.test.images[:5], titles=digits.test.labels[:5])
    """
    pixels, (low, high) = _pictures(pixels, "N H W C", "pixels", limits)
    columns = expect_count(columns, "columns")
    _expect_inches(size)
    _expect_colour_map(colour_map)
    if label is not None:
        _expect_drawable(label, "label")
    if titles is not None and len(titles := _names(titles, "titles")) != len(pixels):
        raise ShapeError(
            f"There are {len(pixels)} pictures, but {len(titles)} titles. Give one for each."
        )
    columns = min(columns, len(pixels))
    rows = -(-len(pixels) // columns)
    title_lines = max((title.count("\n") + 1 for title in titles or ()), default=0)
    width = columns * size * 1.05 + (0.9 if label else 0)
    letters, in_titles = _letters(width, size, titles or ())
    height = rows * (size + 0.19 * title_lines * in_titles / LETTERS) + 0.1
    figure, grid = _new_figure(width, height, rows, columns)
    for axes in grid.flat:
        axes.axis("off")
    places = grid.flat[: len(pixels)]
    for i, (axes, picture) in enumerate(zip(places, pixels)):
        drawn = axes.imshow(picture, cmap=colour_map, vmin=low, vmax=high, origin="upper")
        if titles is not None:
            axes.set_title(titles[i], fontsize=in_titles, loc="center")
    if label:
        bar = figure.colorbar(drawn, ax=grid, shrink=0.9)
        bar.set_label(label, size=letters)
        bar.ax.tick_params(labelsize=letters)
    return np.array(list(places))


def learning_curves(history, quantity="loss", axes=None) -> plt.Axes:
    """Draw a History's loss (nats) or accuracy over the epochs, training and validation.

    Args:
        history: A `results.History`, or what Keras's own `fit` returns.
        quantity: "loss" or "accuracy".
        axes: Where to draw; a new figure if None.

    Raises:
        KindError: `history` is no history.
        RangeError: It does not hold the quantity.

    Example:
        >>> history = results.History([2.1, 0.9], [0.3, 0.8])
        >>> axes = plot.learning_curves(history, "accuracy")
    """
    if not isinstance(quantity, str) or quantity not in ("loss", "accuracy"):
        raise RangeError(f"`quantity` is {in_short(quantity)}, but should be 'loss' or 'accuracy'.")
    parts = _parts_of(history, quantity)
    curves = [(name, _numbers(values, f"history: {name}")) for name, values in parts]
    curves = [
        (name, expect_axes(values, "epochs", f"history: {name}"))
        for name, values in curves
        if values.size
    ]
    if not curves:
        raise RangeError(
            f"The history holds no {quantity}: no epoch was finished, or it was not measured."
        )
    axes = _axes(axes)
    styles = {"training": "--", "validation": "-"}
    for name, values in curves:
        epochs = np.arange(1, len(values) + 1)
        axes.plot(epochs, values, styles[name], marker="o", markersize=3, label=name)
    unit = " (nats)" if quantity == "loss" else ""
    axes.set(
        xlabel="epoch", ylabel=quantity + unit, title=f"{quantity.capitalize()} while training"
    )
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    return axes


def _parts_of(history, quantity):
    """Return (name, values) of training and validation, from a History of ours or of Keras."""
    if isinstance(history, results.History):
        names = f"train_{quantity}", f"valid_{quantity}"
        kept = vars(history)
    else:
        names = quantity, f"val_{quantity}"
        kept = getattr(history, "history", None)
        if not isinstance(kept, dict):
            raise KindError(
                f"`history` is {in_short(history)}, but should be the results.History that "
                "backends.fit returns, or the History of Keras's own fit."
            )
    return [(part, kept.get(name, ())) for part, name in zip(("training", "validation"), names)]


def confusion(counts, classes, axes=None) -> plt.Axes:
    """Draw a confusion matrix: true class down, predicted across, counts written in.

    Args:
        counts: Array (K, K) from `results.confusion`, or shares.
        classes: K class names.
        axes: Where to draw; a new figure if None.

    Raises:
        ShapeError: Not a row and a column for each class.
        RangeError: Counts below 0, or not finite; more than 50 classes.

    Example:
        >>> scores = backends.scores(network, digits.test.features)
        >>> axes = plot.confusion(results.confusion(scores, digits.test.labels), digits.classes)
    """
    counts, classes = _numbers(counts, "counts"), _names(classes, "classes")
    if counts.shape != (len(classes),) * 2 or not classes:
        raise ShapeError(
            f"`counts` has shape {counts.shape}, but {len(classes)} classes need "
            f"{(len(classes),) * 2}, with at least one class."
        )
    if len(classes) > MOST_CLASSES:
        raise RangeError(
            f"There are {len(classes)} classes, but at most {MOST_CLASSES} are drawn. Choose some: "
            "counts[:20, :20] and classes[:20]."
        )
    if _finite(counts, "counts").min() < 0:
        raise RangeError(f"`counts` goes down to {counts.min()}, but counts are 0 or more.")
    side = 1.6 + 0.45 * len(classes)
    axes = _axes(axes, figsize=(side + 0.6, side))
    whole = bool((counts == np.round(counts)).all())
    total = counts.sum(axis=1, keepdims=True, dtype=float)
    share = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, origin="upper")
    for row, column in np.argwhere(counts):
        colour = "white" if share[row, column] > 0.5 else "black"
        text = str(int(counts[row, column])) if whole else f"{counts[row, column]:.2g}"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    axes.set(
        xlabel="predicted class",
        ylabel="true class",
        title=f"Who is taken for whom ({'number' if whole else 'share'} of pictures)",
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
    if not isinstance(measured, results.Calibration):
        raise KindError(
            f"`measured` is {in_short(measured)}, but should be what "
            "results.calibration(probabilities, labels) returns."
        )
    confidence, accuracy, examples = (
        expect_axes(_numbers(getattr(measured, name), name), "bins", name)
        for name in ("confidence", "accuracy", "examples")
    )
    if not confidence.shape == accuracy.shape == examples.shape:
        raise ShapeError("`measured` has bins of three numbers, but one of them is left out.")
    axes = _axes(axes, figsize=(4.2, 3.8))
    axes.plot([0, 1], [0, 1], "--", color="gray", label="as sure as right")
    there = examples > 0
    axes.plot(confidence[there], accuracy[there], "o-", label="this classifier")
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
    points = expect_axes(_numbers(points, "points"), "N coordinates", "points")
    labels, classes = _numbers(labels, "labels"), _names(classes, "classes")
    expect_examples(points, labels if labels.ndim else labels[None], "points")
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
    _finite(points, "points")
    axes = _axes(axes, figsize=(5, 3.6))
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
        ShapeError: An interval or what happened is not as long as the forecast, or that is empty.
        KindError: The intervals are no dictionary of pairs.
        RangeError: The low end of an interval lies above its high end.

    Example:
        >>> axes = plot.forecast_fan([1.0, 2.0, 3.0], [3.5, 4.0], quantity="demand in GW")
    """
    history = expect_axes(_numbers(history, "history"), "steps", "history")
    forecast = expect_axes(_numbers(forecast, "forecast"), "steps", "forecast")
    if not len(forecast):
        raise ShapeError("The forecast is empty: it needs at least one step.")
    intervals = {} if intervals is None else intervals
    if not isinstance(intervals, dict):
        raise KindError(
            f"`intervals` is {in_short(intervals)}, but should be {{share: (low, high)}}, such "
            "as {0.9: (low, high)}."
        )
    for share in intervals:
        _expect_number(share, "a share of intervals", 0, 1)
    intervals = {share: _numbers(ends, "intervals") for share, ends in intervals.items()}
    happened = None if happened is None else _numbers(happened, "happened")
    for array, wanted in (
        *((ends, (2, *forecast.shape)) for ends in intervals.values()),
        *(() if happened is None else ((happened, forecast.shape),)),
    ):
        if array.shape != wanted:
            raise ShapeError(
                f"The forecast has shape {forecast.shape}, but an interval or what happened has "
                f"{array.shape}. Give one number for each step of the forecast, and an interval as "
                "(low, high)."
            )
    for share, (low, high) in intervals.items():
        if swapped := np.count_nonzero(low > high):
            raise RangeError(
                f"At {swapped} of {len(forecast)} steps the low end of the {_percent(share)} "
                "interval lies above its high end. Give (low, high), in this order; if quantiles "
                "cross, sort them: np.sort([low, high], axis=0)."
            )
    _expect_number(step_hours, "step_hours", 0, 1e9)
    _expect_drawable(quantity, "quantity")
    axes = _axes(axes)
    before = np.arange(-len(history), 0) * step_hours
    after = np.arange(len(forecast)) * step_hours
    axes.plot(before, history, color=COLOURS[6], label="before")
    shades = np.linspace(0.25, 0.6, len(intervals))
    for share, shade in zip(sorted(intervals, reverse=True), shades):  # the widest lies below
        low, high = intervals[share]
        colour = plt.get_cmap("Blues")(shade)
        axes.fill_between(after, low, high, color=colour, linewidth=0, label=_percent(share))
    axes.plot(after, forecast, color=COLOURS[6], linestyle=":", label="forecast")
    text = f"{len(history)} steps of history, then a forecast of {len(forecast)}"
    if happened is not None:
        axes.plot(after, happened, "--", color=COLOURS[1], label="happened")
        if intervals:
            low, high = intervals[max(intervals)]
            known = np.isfinite(happened + low + high)  # the others are gaps in the figure
            inside = int(((happened >= low) & (happened <= high))[known].sum())
            text += f"; {inside} of them lie inside the {_percent(max(intervals))} interval"
            text += "" if known.all() else f", {(~known).sum()} are not known"
    axes.axvline(0, color="gray", linewidth=0.8)
    axes.set(xlabel="hours after the forecast was made", ylabel=quantity, title="Forecast")
    below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.2), "ncols": 3 + len(intervals)}
    axes.legend(fontsize=8, columnspacing=1, **below)  # nothing is hidden, wherever the lines go
    describe(f"{text}.", axes.figure)
    return axes


def _percent(share):
    """Return a share as it was asked for: 99.5% is not 100%."""
    return f"{100 * float(share):.6g}%"


def film_strip(pictures, moments, rows=None, title="", size=0.7, limits=(0, 1)) -> Any:
    """Draw how pictures change: a row for each picture, a column for each moment.

    Args:
        pictures: Array (M, N, H, W, C) with C 1 or 3, or (M, N, H, W): M moments of N pictures;
            bytes are divided by 255.
        moments: M short texts or numbers to draw above the columns.
        rows: N short texts to draw beside the rows, if any.
        title: What changes from column to column, such as "The same noise after … rounds".
        size: Side of one picture, in inches.
        limits: Values drawn as black and as white; see `images`.

    Returns:
        Array (N, M) of matplotlib Axes.

    Raises:
        ShapeError: `pictures` has other axes, or `moments` or `rows` another length.
        RangeError: Values that are not finite, more than 1000 pictures, or too large a figure.

    Example:
        >>> strip = plot.film_strip(np.random.default_rng(0).random((2, 3, 8, 8)), ["start", "end"])
    """
    pictures, (low, high) = _pictures(pictures, "M N H W C", "pictures", limits)
    moments = _names(moments, "moments")
    rows = None if rows is None else _names(rows, "rows")
    count, height = pictures.shape[:2]
    if (len(moments), height if rows is None else len(rows)) != (count, height):
        raise ShapeError(
            f"`pictures` has {count} moments of {height} pictures, with {len(moments)} names of "
            "moments"
            + ("" if rows is None else f" and {len(rows)} of rows")
            + ", but should have a name for each: (moments, rows, H, W, 1 or 3)."
        )
    _expect_drawable(title, "title")
    _expect_inches(size)
    width = count * size * 1.05 + (0 if rows is None else 0.9)
    letters, in_titles = _letters(width, size, moments)
    height_inches = height * size * 1.05 + (0.5 if title else 0.25) * letters / LETTERS
    figure, grid = _new_figure(width, height_inches, height, count)
    figure.suptitle(title, fontsize=11 * letters / LETTERS, x=0.01, ha="left")
    for axes, picture in zip(grid.flat, pictures.swapaxes(0, 1).reshape(-1, *pictures.shape[2:])):
        axes.imshow(picture, cmap="gray", vmin=low, vmax=high, origin="upper")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for axes, moment in zip(grid[0], moments):
        axes.set_title(moment, fontsize=in_titles, loc="center")
    for axes, name in zip(grid[:, 0], rows or ()):
        axes.set_ylabel(name, fontsize=letters, rotation=0, ha="right", va="center")
    return grid


def heat_map(values, picture=None, *, axes=None, title="", label="value", limit=None) -> Any:
    """Draw a map of numbers as colours, over a pale picture if one is given.

    Values above 0 are vermilion, those below 0 blue, and the nearer to 0 the clearer. A colour bar
    says how much.

    Args:
        values: Array (h, w); it may be coarser than the picture, and is then stretched over it.
        picture: Array (H, W, C) with C 1 or 3, or (H, W), values 0..1 or bytes; its grey values are
            drawn.
        axes: Where to draw; a new figure if None.
        title: Stands above the map.
        label: Of the colour bar, with its unit.
        limit: Size of a value that has the full colour; what is larger has it too. If None, 1 value
            in 200 is larger.

    Returns:
        The matplotlib Axes.

    Raises:
        ShapeError: `values` is not one map, or `picture` not one picture.
        RangeError: Values that are not finite, or a limit of 0 or less.

    Example:
        >>> drawn = plot.heat_map(digits.test.images[0, :, :, 0] - 0.5, title="Brightness")
    """
    values = _finite(expect_axes(_numbers(values, "values"), "H W", "values"), "values") * 1.0
    for text, name in ((title, "title"), (label, "label")):
        _expect_drawable(text, name)
    if limit is not None:
        _expect_number(limit, "limit", 0)
    height, width = values.shape
    if picture is not None:
        picture = _numbers(picture, "picture")
        grey = picture[..., None] if picture.ndim == 2 else expect_axes(picture, "H W C", "picture")
        grey, _ = _pictures(grey[None], "N H W C", "picture", (0, 1))
        grey = grey[0].mean(axis=2) if grey.ndim == 4 else grey[0]
        height, width = grey.shape
    axes = _axes(axes, figsize=(4.2, 3.4))
    if picture is not None:
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


# What is asked of arguments


def _numbers(values, name):
    """Return real numbers as an array."""
    if not isinstance(values, (list, tuple, range, Real)) and not hasattr(values, "__array__"):
        told = in_short(values)
        raise KindError(f"`{name}` is {told}, but should be an array of numbers.")
    try:
        array = to_numpy(values)
    except CourseError:
        raise
    except Exception as error:  # rows of unequal length, and whatever a library's array refuses
        raise KindError(f"`{name}` cannot become one array of numbers: {error}") from None
    if array.dtype.kind not in "buif":
        raise KindError(f"`{name}` holds {array.dtype} values, but should hold real numbers.")
    if array.dtype.kind == "b":
        return array.astype("int64")
    there = array[np.isfinite(array)]
    low, high = float(there.min(initial=0)), float(there.max(initial=0))
    if max(-low, high) >= LARGEST_DRAWN:
        raise RangeError(
            f"`{name}` goes from {low:g} to {high:g}, but what is drawn lies within "
            f"±{LARGEST_DRAWN:g}: beyond it, distances are no numbers any more. Scale it first."
        )
    if array.dtype.kind == "f":  # sums of half precision overflow, and not all kinds are drawn
        return array.astype("float32" if array.dtype.itemsize <= 4 else "float64")
    return array


def _finite(array, name):
    """Return the array if it holds something, and neither infinities nor not-a-number."""
    if not array.size:
        raise ShapeError(
            f"`{name}` is empty: shape {array.shape}. There is nothing to draw; look at the line "
            "that selects what is drawn."
        )
    if count := int((~np.isfinite(array)).sum()):
        raise RangeError(
            f"`{name}` holds {count} values that are infinite or not a number (nan), which have no "
            "colour or place. Look for where they come from; np.nan_to_num replaces them."
        )
    return array


def _pictures(array, axes, name, limits):
    """Return pictures as they are drawn, without an axis of one channel, and their limits."""
    array = _numbers(array, name)
    wanted = len(axes.split())
    if array.ndim == wanted - 1:
        # A picture is hardly ever three pixels wide, if it is not a kernel of 3 × 3.
        if array.shape[-1] in (1, 3) and array.shape[-2] > 3:
            raise ShapeError(
                f"`{name}` has shape {array.shape}, which looks like an axis too few, with "
                f"{array.shape[-1]} channels last. For a single example, add the batch axis: "
                f"{name}[None]. For pictures of that width, add the channels: {name}[..., None]."
            )
        array = array[..., None]
    elif array.ndim == wanted - 2:
        raise ShapeError(
            f"`{name}` has shape {array.shape}, but needs {wanted} axes ({axes}). "
            f"For a single picture, add the batch axis: {name}[None]."
        )
    expect_axes(array, axes, name)
    if array.shape[-1] not in (1, 3):
        raise ShapeError(
            f"`{name}` has {array.shape[-1]} channels, but a picture has 1 (grey) or 3 (colour)."
        )
    _finite(array, name)
    if (count := math.prod(array.shape[: wanted - 3])) > MOST_PICTURES:
        raise RangeError(
            f"`{name}` holds {count} pictures, but at most {MOST_PICTURES} are drawn. "
            f"Choose some, such as {name}[:20]."
        )
    if limits is not None:
        limits = _numbers(limits, "limits").tolist()
        if np.shape(limits) != (2,):
            raise ShapeError(f"`limits` is {limits}, but should be two numbers, such as (0, 1).")
        for limit in limits:
            _expect_number(limit, "limits")
        if limits[0] > limits[1]:
            raise RangeError(f"`limits` is {limits}, but the first should be the lower one.")
    if array.dtype == np.uint8 and (limits is None or limits[1] <= 1):
        array = as_floats(array)
    low, high = limits or (array.min(), array.max())
    if array.shape[-1] == 1:
        return array[..., 0], (low, high)
    # matplotlib takes colours from 0 to 1 and no limits.
    return np.clip((array * 1.0 - low) / ((high - low) or 1), 0, 1), (low, high)


def _names(names, name):
    """Return names as texts; of more than a figure has room for, the first."""
    try:
        if hasattr(names, "__array__"):
            names = np.asarray(names.detach().cpu() if hasattr(names, "detach") else names)
        if isinstance(names, (str, bytes, Set)):  # the keys of a dictionary have an order
            raise TypeError
        names = [str(name) for name in islice(names, MOST_PICTURES + 1)]
    except Exception:  # whatever such a thing says when it is read
        raise KindError(
            f"`{name}` is {in_short(names)}, but should be a list or a tuple of names."
        ) from None
    for each in names:
        _expect_drawable(each, name)
    return names


def _expect_drawable(text, name):
    """Check that a value is text, and that a formula in it, between dollars, can be read.

    Else it would be told where the figure is shown, far from the call.
    """
    expect_text(text, name)
    try:
        if matplotlib.cbook.is_math_text(text):
            MathTextParser("path").parse(text)
    except ValueError as error:
        raise RangeError(
            f"`{name}` is {in_short(text)}, and what is between two dollar signs counts as a "
            "formula, but this one cannot be read. Correct it, or write \\$ for a dollar sign."
        ) from error


def _axes(axes, **options):
    """Return the Axes to draw on; those of a new figure if None are given."""
    if axes is None:
        return plt.subplots(**options)[1]
    if not isinstance(axes, plt.Axes):
        raise KindError(
            f"`axes` is {in_short(axes)}, but should be one matplotlib Axes, such as "
            "plt.subplots()[1]."
        )
    return axes


def _letters(width, size, titles):
    """Return the points of letters in a figure of so many inches, and of titles side by side.

    A page makes what is wider smaller. A title must fit above its picture, `size` inches wide.
    """
    letters = LETTERS * max(1, width / PAGE)
    longest = max((len(line) for title in titles for line in title.split("\n")), default=0)
    return letters, max(LETTERS, min(letters, 72 * size / (0.6 * max(1, longest))))


def _new_figure(width, height, rows, columns):
    """Return a figure of so many inches and its grid of Axes, if it can be drawn in seconds."""
    side, area = LARGEST_FIGURE
    if max(width, height) > side or width * height > area:
        raise RangeError(
            f"The figure would be {width:.0f} × {height:.0f} inches, but should be at most {side} "
            f"on a side and {area} square inches. Draw fewer pictures, or smaller ones (`size`)."
        )
    return plt.subplots(rows, columns, figsize=(width, height), squeeze=False)


def _expect_figure(figure):
    if not isinstance(figure, plt.Figure):
        raise KindError(
            f"`figure` is {in_short(figure)}, but should be a matplotlib Figure, such as "
            "axes.figure."
        )


def _expect_number(value, name, above=-math.inf, most=math.inf):
    """Check that a value is a finite number above a bound, and `most` at most."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise KindError(f"`{name}` is {in_short(value)}, but should be a number.")
    if not above < value <= most or abs(value) > sys.float_info.max:
        bounds = "finite" if above == -math.inf else f"finite and above {above}"
        bounds += "" if most == math.inf else f", and {most} at most"
        raise RangeError(f"`{name}` is {in_short(value)}, but should be {bounds}.")


def _expect_inches(size):
    _expect_number(size, "size", 0, LARGEST)


def _expect_colour_map(name):
    known = isinstance(name, matplotlib.colors.Colormap) or (
        isinstance(name, str) and name in matplotlib.colormaps
    )
    if not known:
        raise RangeError(
            f"There is no colour map {in_short(name)}. There are, among others, 'gray', "
            "'viridis' and 'RdBu_r'."
        )
