"""Diagrams of the real arrays and models: numbers in, a drawing out that says the same in words."""

import re
from collections.abc import Set
from functools import partial
from itertools import islice, pairwise
from numbers import Real

from dlcourse import backends, svg
from dlcourse.arrays import (
    as_floats,
    close,
    expect_axes,
    expect_count,
    expect_finite,
    expect_number,
    expect_real,
    to_numpy,
)
from dlcourse.errors import KindError, RangeError, ShapeError, expect_text, in_short
from dlcourse.svg import Diagram, Frame, arrow, bar, beside, box, flow, grid, stack, text, within

import numpy as np

LARGEST = 12  # rows and columns of a grid of numbers
WIDEST_KERNEL = 5
MOST_CHANNELS = 4
MOST_LAYERS = 28
MOST_STEPS = 30
# A name in a formula; an exponent written above the line is none of it.
NAME = re.compile(r"[^\W\d²³¹⁰⁴-⁹ⁿ][^\W²³¹⁰⁴-⁹ⁿ]*")

# What is too large for a sum is refused in words, not warned of.
_overflowing = np.errstate(over="ignore", invalid="ignore")


def network(model, images, depth=1, title="") -> Diagram:
    """Draw a model's layers: what each gives for a batch, and how many parameters it holds.

    Shapes are the framework's own, with N for the examples: (N, C, H, W) in PyTorch. A dashed arrow
    says that something happens between two layers that is no layer.

    Args:
        model: A torch.nn.Module or keras.Model.
        images: Array (N, …), a few examples that it can take.
        depth: Down to which depth blocks are opened; 1 draws each of them as one layer.
        title: Stands above; the framework's name if empty.

    Raises:
        ShapeError, RangeError, KindError: The model cannot take the images, or has more than 28
            layers at this depth.

    Example:
        >>> print(draw.network(network, digits.test.features))
        Diagram: A network in PyTorch
        It holds 650 parameters, all of them in 0 (Linear).
        in: (N, 64)
        0 (Linear): gives (N, 10), 650 parameters
    """
    expect_text(title, "title")
    images = to_numpy(images)
    runs = backends.runs(model, images[:2] if images.ndim else images, depth)
    if len(runs) > MOST_LAYERS:
        raise RangeError(
            f"The model runs {len(runs)} layers at depth {depth}, but {MOST_LAYERS} at most can be "
            "read. Take a smaller depth, or draw a part of it, such as model[:5]."
        )
    total, count = backends.parameters(model), runs[0].gets[0]
    names = [f"{run.name} ({run.type})" for run in runs]
    shares = [run.parameters / max(1, total) for run in runs]
    largest = int(np.argmax(shares))
    where = "all of them" if shares[largest] == 1 else f"{shares[largest]:.0%} of them"
    found = f"It holds {total:,} parameters" + (
        f", {where} in {names[largest]}." if shares[largest] else "."
    )
    outside = total - sum(run.parameters for run in runs)
    words = [f"in: {_shape(runs[0].gets, count)}"]
    widest = max(box([name]).width for name in names)
    given = [text(_shape(run.gives, count), left=True) for run in runs]
    taken = text(_shape(runs[0].gets, count), left=True)
    shapes = max(each.width for each in (taken, *given))
    rows = [beside(within(text("in"), widest), taken, gap=14)]
    for run, name, share, shape in zip(runs, names, shares, given):
        got = "" if run.follows else _shape(run.gets, count)
        between = f", after something that is no layer gave {got}" if got else ""
        words.append(
            f"{name}: gives {_shape(run.gives, count)}, {run.parameters:,} parameters{between}"
        )
        rows.append(
            within(arrow(26 if got else 18, down=True, dashed=bool(got), label=got), widest)
        )
        numbers = beside(bar(share), text(f"{run.parameters:,} parameters", left=True))
        fields = box([name], width=widest), within(shape, shapes, left=True), numbers
        rows.append(beside(*fields, gap=14))
    rows.append(text(f"in all: {total:,} parameters", left=True))
    if outside:
        words.append(f"elsewhere: {outside:,} parameters")
        rows.append(text(words[-1], left=True))
    title = title or f"A network in {backends.of(model).NAME}"
    return Diagram(title, (found, *words), stack(*rows, gap=3, left=True))


def computation_graph(steps, values, slopes=None, title="") -> Diagram:
    """Draw how numbers are computed from each other, with the slopes that come back.

    Args:
        steps: {name: formula} in the order of computation, such as {"z": "w · x", "L": "(z - t)²"}.
            The names in a formula are where its arrows come from.
        values: {name: number} of every step, and of everything that goes in.
        slopes: {name: number}, of as many of them as are known; None draws the way forward only.
        title: Stands above.

    Raises:
        KindError: No dictionaries of texts and numbers.
        RangeError: A name without a value, or used before it is computed; more than 30 values, or
            a chain too long to be read.

    Example:
        >>> print(draw.computation_graph({"y": "x · x"}, {"x": 3.0, "y": 9.0}, {"x": 6.0}))
        Diagram: A computation graph, values and slopes
        y is 9. The slope along x is 6.
        x = 3, slope 6
        y = x · x = 9
    """
    slopes = {} if slopes is None else slopes
    for given, name in ((steps, "steps"), (values, "values"), (slopes, "slopes")):
        if not isinstance(given, dict):
            raise KindError(f"`{name}` is {in_short(given)}, but should be a dictionary by name.")
        for key, value in given.items():
            expect_text(key, f"a name in {name}")
            if name == "steps":
                expect_text(value, f"the formula of {key}")
            else:
                expect_number(value, f"{name}[{key!r}]")
    expect_text(title, "title")
    if not steps or len(values) > MOST_STEPS:
        raise RangeError(
            f"There are {len(steps)} steps and {len(values)} values, but a graph needs one step at "
            f"least, and {MOST_STEPS} values at most can be read."
        )
    if unknown := slopes.keys() - values.keys():
        raise RangeError(
            f"`slopes` has {min(unknown)!r}, which is none of the values {', '.join(values)}."
        )
    sources = _sources(steps, values)
    columns, chains = _columns(sources)
    said = {name: f"{name} = {steps[name]}" if name in steps else name for name in sources}
    boxes = {}
    for name in sources:
        lines = [said[name], _number(values[name])]
        lines += [f"slope {_number(slopes[name])}"] if name in slopes else []
        boxes[name] = partial(box, lines, svg.BLUE if name in steps else "currentColor")
    last = list(steps)[-1]
    found = f"{last} is {_number(values[last])}."
    if inner := [name for name in slopes if name in sources and name != last]:
        steepest = max(inner, key=lambda name: abs(slopes[name]))
        slope = _number(slopes[steepest])
        several = f"The steepest slope is along {steepest}: {slope}."
        found += f" {several if len(inner) > 1 else f'The slope along {steepest} is {slope}.'}"
    words = [found]
    for name in sources:
        slope = f", slope {_number(slopes[name])}" if name in slopes else ""
        words.append(f"{said[name]} = {_number(values[name])}{slope}")
    title = title or "A computation graph, " + ("values and slopes" if slopes else "values")
    return Diagram(title, words, _layered(columns, chains, boxes))


@_overflowing
def sliding_window(
    image, kernel, position=(0, 0), *, stride=1, padding=0, yours=None, title=""
) -> Diagram:
    """Draw a kernel at one position of a picture: its products, their sum, and the whole map.

    Args:
        image: Array (H, W); bytes are divided by 255. With its padding, at most 12 × 12.
        kernel: Array (h, w), at most 5 × 5.
        position: (row, column) of the number in the map.
        stride: Pixels from one window to the next.
        padding: Rows and columns of zeros on each side.
        yours: A map to be compared with the right one, if any; numbers that differ get a ≠.
        title: Stands above; the position if empty.

    Raises:
        ShapeError: Other axes, or a kernel larger than the picture.
        RangeError: Too large to be read, no such position, or values that are not finite.

    Example:
        >>> drawn = draw.sliding_window(np.eye(4), np.ones((2, 2)), position=(0, 1))
        >>> print(drawn.words[0])
        The window at (0, 1) starts at row 0, column 1: its 4 products add up to 1.
    """
    image, kernel = _array(image, "H W", "image"), _weights(kernel, "h w", "kernel")
    _expect_kernel(kernel.shape)
    padded, stride, padding = _padded(image, kernel.shape, stride, padding)
    _expect_readable(padded.shape, "image")
    expect_text(title, "title")
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    map_ = _finite((windows * kernel).sum(axis=(2, 3)))
    row, column = _position(position, map_.shape)
    top, left = row * stride, column * stride
    high, wide = kernel.shape
    window = padded[top : top + high, left : left + wide]
    products = window * kernel
    total = _number(map_[row, column])
    inner = Frame(padding, padding, *image.shape, "edge")
    around = f", {padding} of zeros around it" if padding else ""
    seen = Frame(top, left, high, wide)
    found = (
        f"The window at ({row}, {column}) starts at row {top}, column {left}"
        f"{' of the padded picture' if padding else ''}: its {products.size} products add up to "
        f"{total}."
    )
    words = [
        found,
        *_said(f"picture {image.shape}{around}", padded),
        *_said("window", window),
        *_said("kernel", kernel),
        *_said("products", products),
        *_said(f"map {map_.shape}, stride {stride}", map_),
    ]
    upper = beside(
        _numbers(padded, f"picture {image.shape}{around}", frames=(inner, seen)),
        text("×"),
        _numbers(kernel, f"kernel {kernel.shape}"),
    )
    lower = flow(
        _numbers(products, "window × kernel", frames=(Frame(0, 0, high, wide),)),
        arrow(label="sum"),
        box([total]),
        arrow(label=f"({row}, {column})"),
        _numbers(map_, f"map {map_.shape}", frames=(Frame(row, column),)),
    )
    rows = [upper, lower]
    if yours is not None:
        said, drawn = _yours(yours, map_)
        words = [f"{found} {said[0]}", *words[1:], *said[1:]]
        rows += [stack(text(said[0], left=True), drawn, left=True)]
    title = title or f"A window at ({row}, {column}), stride {stride}, padding {padding}"
    return Diagram(title, words, stack(*rows, gap=14, left=True))


@_overflowing
def convolution(
    image, filters, position=(0, 0), *, stride=1, padding=0, index=0, title=""
) -> Diagram:
    """Draw one filter at one position, channel by channel, and the shapes of the whole.

    Args:
        image: Array (H, W, C) with at most 4 channels; bytes are divided by 255.
        filters: Array (F, h, w, C), windows of at most 5 × 5.
        position: (row, column) of the number in the map.
        stride: Pixels from one window to the next.
        padding: Rows and columns of zeros on each side.
        index: Which filter is drawn.
        title: Stands above; filter and position if empty.

    Raises:
        ShapeError: Other axes, two numbers of channels, or a kernel larger than the picture.
        RangeError: Too large to be read, no such position or filter, or values not finite.

    Example:
        >>> drawn = draw.convolution(np.ones((5, 5, 3)), np.ones((8, 2, 2, 3)))
        >>> print(drawn.words[0])
        Filter 0 at (0, 0): 3 channels of 4 products each, 4 + 4 + 4 = 12.
    """
    image, filters = _array(image, "H W C", "image"), _weights(filters, "F h w C", "filters")
    count, high, wide, channels = filters.shape
    if channels != image.shape[2]:
        raise ShapeError(
            f"`image` has shape {image.shape} and `filters` {filters.shape}, but both should have "
            "the same number of channels, the last axis: (H, W, C) and (F, h, w, C)."
        )
    if channels > MOST_CHANNELS:
        raise RangeError(
            f"`filters` has {channels} channels, but {MOST_CHANNELS} at most can be read. Draw "
            f"some: image[..., :{MOST_CHANNELS}] with filters[..., :{MOST_CHANNELS}]."
        )
    _expect_kernel((high, wide))
    padded, stride, padding = _padded(image, (high, wide), stride, padding)
    index = _index(index, count, "index", "filters")
    expect_text(title, "title")
    sizes = [(size - side) // stride + 1 for size, side in zip(padded.shape, (high, wide))]
    row, column = _position(position, sizes)
    top, left = row * stride, column * stride
    window, kernels = padded[top : top + high, left : left + wide], filters[index]
    products = _finite(window * kernels)
    sums = products.sum(axis=(0, 1))
    total = _number(_finite(sums.sum()))
    added = " + ".join(_number(each) for each in sums)
    words = [
        f"Filter {index} at ({row}, {column}): {channels} channel{'s' * (channels > 1)} of "
        f"{high * wide} products each, {added.replace('+ −', '− ')} = {total}.",
        f"image {image.shape}, {count} filters {filters.shape}, maps {(*sizes, count)}",
    ]
    rows = []
    for channel in range(channels):
        name = f"channel {channel}"
        parts = window[..., channel], kernels[..., channel], products[..., channel]
        for what, part in zip(("window", "kernel", "products"), parts):
            words += _said(f"{name}, {what}", part)
        words.append(f"{name}, sum: {_number(sums[channel])}")
        drawn = [
            _numbers(part, f"{what}, {name}")
            for what, part in zip(("window", "kernel", "products"), parts)
        ]
        end = box([_number(sums[channel])])
        rows.append(
            beside(drawn[0], text("×"), drawn[1], text("="), drawn[2], arrow(label="sum"), end)
        )
    said = text(f"{added.replace('+ −', '− ')} =")
    rows.append(
        beside(
            said, box([total]), text(f"one number, at ({row}, {column}) of map {index}", left=True)
        )
    )
    shapes = (("image", image.shape), ("filters", filters.shape), ("maps", (*sizes, count)))
    image_box, filters_box, maps_box = (box([name, str(shape)]) for name, shape in shapes)
    given = f"stride {stride}, padding {padding}"
    rows.append(beside(image_box, text("×"), filters_box, arrow(label=given), maps_box))
    title = title or f"Filter {index} of {count} at ({row}, {column}), channel by channel"
    return Diagram(title, words, stack(*rows, gap=14, left=True))


@_overflowing
def recurrence(states, inputs=None, *, title="") -> Diagram:
    """Draw a recurrence unrolled: one copy of the network for each step, and its real states.

    The arrows W bring each input into the state, the arrows U the state into the next one.

    Args:
        states: Array (T + 1, D), the state at the start and after each of T steps; at most 12
            numbers each.
        inputs: Array (T, …), what comes in at each step; of more than 4 numbers, only how many.
        title: Stands above.

    Raises:
        ShapeError: Other axes, or not one input for each step.
        RangeError: Too large to be read, or values that are not finite.

    Example:
        >>> drawn = draw.recurrence([[0.0], [0.5], [0.75]], inputs=[[1.0], [1.0]])
        >>> print(drawn.words[0])
        2 steps with the same weights. The state changes most at step 1, by 0.5 on average.
    """
    states = _array(states, "T D", "states")
    count = len(states) - 1
    if not count:
        raise ShapeError(
            f"`states` has shape {states.shape}, but needs the state at the start and after each "
            "step: (T + 1, D), with T at least 1."
        )
    _expect_readable(states.shape, "states")
    if inputs is not None:
        inputs = _finite(expect_real(inputs, "inputs"), "inputs")
        if not inputs.ndim or len(inputs) != count or not inputs.size:
            raise ShapeError(
                f"`inputs` has shape {inputs.shape}, but `states` has {count} steps after the "
                f"start, so it should be ({count}, …), one input for each."
            )
        inputs = as_floats(inputs, "float64").reshape(count, -1)
    expect_text(title, "title")
    changes = _finite(np.abs(np.diff(states, axis=0)).mean(axis=1))
    most = int(changes.argmax())
    words = [
        f"{count} step{'s' * (count > 1)} with the same weights. The state changes most at step "
        f"{most + 1}, by {_number(changes[most])} on average.",
    ]
    labels, shades = _written(states), _shades(states)
    pieces = []
    for step, row in enumerate(labels):
        cells = [[label] for label in row]
        state = grid(cells, shades[step][:, None], caption=f"h{_low(step)}")
        words.append(f"h{_low(step)}: {' '.join(row)}")
        if step:
            over = arrow(24, label="U")  # it meets the state in its middle
            pieces.append(svg.Block(over.width, (over.height + state.height) / 2, over.drawn))
        if inputs is not None and step:
            given = inputs[step - 1]
            shown = _written(given[None])[0] if len(given) <= MOST_CHANNELS else []
            words[-1] += f"; x{_low(step)}: {' '.join(shown) or f'{len(given)} numbers'}"
            comes = box([f"x{_low(step)}", *(shown or [str(given.shape)])])
            state = stack(comes, arrow(30, down=True, label="W"), state, gap=4)
        pieces.append(state)
    title = title or f"A recurrence, unrolled over {count} step{'s' * (count > 1)}"
    return Diagram(title, words, beside(*pieces, gap=4, bottom=True))


@_overflowing
def attention(weights, queries, keys, *, title="") -> Diagram:
    """Draw how much each query attends to each key, and whether each row of weights adds up to 1.

    Args:
        weights: Array (queries, keys), at most 12 × 12; each row should add up to 1.
        queries, keys: Short texts or numbers, such as the words of a sentence.
        title: Stands above.

    Raises:
        ShapeError: Other axes, or not one name for each row and column.
        RangeError: Too large to be read, or values that are not finite.

    Example:
        >>> drawn = draw.attention([[0.9, 0.1], [0.5, 0.5]], ["it", "sat"], ["cat", "mat"])
        >>> print(drawn.words[0])
        The largest weight is 0.9, from it to cat. Each row adds up to 1.
    """
    weights = _array(weights, "queries keys", "weights")
    _expect_readable(weights.shape, "weights")
    queries = _names(queries, len(weights), "queries")
    keys = _names(keys, weights.shape[1], "keys")
    expect_text(title, "title")
    sums = _finite(weights.sum(axis=1))
    right = close(sums, np.ones(len(sums)), 1e-3)
    row, column = np.unravel_index(weights.argmax(), weights.shape)
    found = f"The largest weight is {_number(weights[row, column])}, from {queries[row]} to "
    found += f"{keys[column]}. "
    wrong = [f"{queries[n]} ({_number(sums[n])})" for n in np.flatnonzero(~right)]
    uneven = f"These rows do not add up to 1: {', '.join(wrong)}."
    found += uneven if wrong else "Each row adds up to 1."
    labels = _written(weights)
    words = [found, f"keys: {', '.join(keys)}"]
    words += [
        f"{name}: {' '.join(row)}, sum {_number(total)}"
        for name, row, total in zip(queries, labels, sums)
    ]
    said = [("= " if fine else "≠ 1: ") + _number(total) for fine, total in zip(right, sums)]
    differs = [Frame(int(n), 0, kind="differs") for n in np.flatnonzero(~right)]
    shares = grid(labels, _shades(weights), rows=queries, columns=keys)
    totals = grid([[each] for each in said], columns=("sum",), frames=differs)
    return Diagram(title or "Attention: queries down, keys across", words, beside(shares, totals))


# Graphs


def _sources(steps, values):
    """Return {name: names that it is computed from}; what goes in comes first."""
    for name in steps:
        if name not in values:
            raise RangeError(f"Step {name!r} has no value: `values` should hold {{{name!r}: …}}.")
    computed, sources = [], {}
    for name, formula in steps.items():
        used = [each for each in dict.fromkeys(NAME.findall(formula)) if each in values]
        if later := [each for each in used if each in steps and each not in computed]:
            raise RangeError(
                f"The formula of {name!r}, {formula!r}, uses {later[0]!r}, which is not computed "
                "before it. Give the steps in the order of computation."
            )
        if not used:
            raise RangeError(
                f"The formula of {name!r}, {formula!r}, names none of the values "
                f"{', '.join(map(repr, values))}. Its arrows come from the names in it."
            )
        computed.append(name)
        sources[name] = used
    going_in = dict.fromkeys(
        each for used in sources.values() for each in used if each not in steps
    )
    return {name: [] for name in values if name in going_in} | sources


def _columns(sources):
    """Return the columns of a graph, and the chain of places that each arrow runs through.

    An arrow that skips a column has a place of its own there, so that it crosses no box.
    """
    depth = {}
    for name, used in sources.items():
        depth[name] = 1 + max((depth[each] for each in used), default=-1)
    for name, used in sources.items():  # what goes in is drawn just before its first use
        if not used:
            depth[name] = min(depth[user] for user in sources if name in sources[user]) - 1
    columns = [[] for _ in range(max(depth.values()) + 1)]
    for name in sorted(sources, key=lambda name: not sources[name]):  # what goes in comes last
        columns[depth[name]].append(name)
    chains = []
    for name, used in sources.items():
        for source in used:
            between = [(source, name, n) for n in range(depth[source] + 1, depth[name])]
            for place in between:
                columns[place[2]].append(place)
            chains.append([source, *between, name])
    before = {}
    for chain in chains:
        for start, end in pairwise(chain):
            before.setdefault(end, []).append(start)
    for left, column in pairwise(columns):
        heights = {
            place: np.mean([left.index(each) for each in before[place]])
            if place in before
            else len(left) + column.index(place)
            for place in column
        }
        column.sort(key=heights.get)
    return columns, chains


def _layered(columns, chains, boxes):
    """Return a graph as a block: columns of boxes from left to right, and arrows between them.

    The boxes of a column have one width, so that arrows run between columns only.
    """
    gap, apart = 26, 14
    widths = [max(boxes[each]().width for each in column if each in boxes) for column in columns]
    blocks = [
        [
            boxes[place](width=width) if place in boxes else svg.Block(width, apart, "")
            for place in column
        ]
        for column, width in zip(columns, widths)
    ]
    heights = [sum(each.height + apart for each in column) - apart for column in blocks]
    x, ends, parts = 0, {}, []
    for column, drawn, width, height in zip(columns, blocks, widths, heights):
        y = (max(heights) - height) / 2
        for place, each in zip(column, drawn):
            middle = y + each.height / 2
            ends[place] = (x, middle), (x + width, middle)
            parts.append(svg.moved(each, x, y))
            y += each.height + apart
        x += width + gap
    lines = []
    for chain in chains:
        points = [ends[chain[0]][1]]
        for place in chain[1:-1]:
            points += ends[place]
        lines.append(svg.arrow_path([*points, ends[chain[-1]][0]]))
    return svg.Block(x - gap, max(heights), "".join(lines + parts))


# How numbers are written


def _number(value):
    """Return one number, to four digits."""
    value = float(value)
    whole = abs(value) < 1e6 and value == int(value)
    return _signed(f"{int(value)}" if whole else f"{value:.4g}")


def _written(array):
    """Return the rows of an array (rows, columns) as texts, all in one format."""
    largest = np.abs(array[np.isfinite(array)]).max(initial=0)
    if largest < 1e5 and (array[np.isfinite(array)] % 1 == 0).all():
        form = ".0f"
    else:
        form = ".2f" if 0.05 <= largest < 1000 else ".1e"
    return [[_signed(f"{value:{form}}") for value in row] for row in array.tolist()]


def _signed(number):
    """Return a number with a real minus, and without one before a zero."""
    return number.lstrip("-") if not float(number) else number.replace("-", "−")


def _shades(array):
    """Return each number's share of the largest, from -1 to 1."""
    return array / (np.abs(array).max() or 1)


def _numbers(array, caption, frames=()):
    return grid(_written(array), _shades(array), caption=caption, frames=frames)


def _said(name, array):
    """Return an array (rows, columns) in words, as a list of one line."""
    return [f"{name}: {'; '.join(' '.join(row) for row in _written(array))}"]


def _low(number):
    """Return a number as an index below the line."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def _shape(shape, count):
    """Return a shape as text, with N where the examples are."""
    sizes = ["N" if place == 0 and size == count else str(size) for place, size in enumerate(shape)]
    return f"({', '.join(sizes)}{',' * (len(sizes) == 1)})"


def _yours(yours, right):
    """Return lines about a learner's map, and the drawing of it beside the right one."""
    yours = expect_real(yours, "yours")
    if yours.shape != right.shape:
        said = f"Yours has shape {yours.shape}, but the map has {right.shape}."
        if yours.ndim != 2 or not yours.size or max(yours.shape) > LARGEST:
            return [said], text("")
        return [said, *_said("yours", yours)], grid(_written(yours), caption="yours")
    differs = np.argwhere(~close(yours, right, 1e-6)).tolist()
    labels, frames = _written(yours * 1.0), [Frame(*place, kind="differs") for place in differs]
    said = "Yours agrees everywhere."
    if differs:
        first = tuple(differs[0])
        said = (
            f"Yours differs at {len(differs)} of {right.size} positions, first at {first}: "
            f"{_number(yours[first])}, not {_number(right[first])}."
        )
    for row, column in differs:
        labels[row][column] = f"≠ {labels[row][column]}"
    lines = [said, f"yours: {'; '.join(' '.join(row) for row in labels)}"]
    return lines, grid(labels, caption="yours", frames=frames)


# What is asked of arguments


def _array(values, axes, name):
    """Return finite real numbers with these axes, as float64; bytes are divided by 255."""
    return as_floats(_finite(expect_axes(expect_real(values, name), axes, name), name), "float64")


def _weights(values, axes, name):
    """Return finite real numbers with these axes, as float64: bytes of a kernel are no pixels."""
    return _finite(expect_axes(expect_real(values, name), axes, name), name).astype("float64")


def _finite(array, name="what is drawn"):
    """Return an array that holds something, and neither infinities nor not-a-number."""
    if not np.size(array):
        raise ShapeError(
            f"`{name}` is empty: shape {array.shape}. There is nothing to draw; look at the line "
            "that selects what is drawn."
        )
    return expect_finite(array, name)


def _expect_readable(shape, name):
    if max(shape) > LARGEST:
        raise RangeError(
            f"`{name}` has shape {shape}, but more than {LARGEST} × {LARGEST} numbers cannot be "
            f"read. Draw a part of it, such as {name}[:{LARGEST}, :{LARGEST}]."
        )


def _expect_kernel(shape):
    if max(shape) > WIDEST_KERNEL:
        raise RangeError(
            f"The kernel has shape {tuple(shape)}, but {WIDEST_KERNEL} × {WIDEST_KERNEL} at most "
            "can be read beside the rest. Draw a smaller one: the rule is the same."
        )


def _padded(image, kernel_shape, stride, padding):
    """Return the image (H, W, …) with zeros around it, the stride and the padding, all checked."""
    stride = expect_count(stride, "stride")
    whole = isinstance(padding, int | np.integer) and not isinstance(padding, bool)
    if not whole or not 0 <= padding <= LARGEST:
        raise RangeError(
            f"`padding` is {in_short(padding)}, but should be a whole number from 0 to "
            f"{LARGEST}: how many rows and columns of zeros are on each side."
        )
    around = [(int(padding),) * 2] * 2 + [(0, 0)] * (image.ndim - 2)
    padded = np.pad(image, around)
    if any(side > size for side, size in zip(kernel_shape, padded.shape)):
        raise ShapeError(
            f"The kernel has shape {tuple(kernel_shape)}, but the picture with its padding only "
            f"{padded.shape[:2]}: it fits nowhere. Take a smaller kernel, or more padding."
        )
    return padded, stride, int(padding)


def _position(position, sizes):
    """Return (row, column) of a number in a map of these sizes."""
    position = position.tolist() if isinstance(position, np.ndarray) else position
    if not isinstance(position, list | tuple) or len(position) != 2:
        raise KindError(
            f"`position` is {in_short(position)}, but should be (row, column) of a number in "
            "the map, such as (0, 1)."
        )
    return tuple(
        _index(each, size, f"the {axis} of position", f"{axis}s of the map")
        for each, size, axis in zip(position, sizes, ("row", "column"))
    )


def _index(value, count, name, counted):
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or not 0 <= value < count:
        raise RangeError(
            f"`{name}` is {in_short(value)}, but should be a whole number from 0 to "
            f"{count - 1}: there are {count} {counted}."
        )
    return int(value)


def _names(names, count, name):
    """Return names as a list of texts."""
    try:
        if isinstance(names, str | bytes | dict | Set):  # the letters are no names, a set no order
            raise TypeError
        found = list(islice(names, count + 1))
    except Exception:  # whatever such a thing says when it is read
        raise KindError(
            f"`{name}` is {in_short(names)}, but should be a list of {count} names."
        ) from None
    if len(found) != count:
        raise ShapeError(
            f"`{name}` holds {'more' if len(found) > count else len(found)} names, but `weights` "
            f"needs {count}: one for each row in queries, for each column in keys."
        )
    for each in found:
        if not isinstance(each, str | Real):
            raise KindError(f"`{name}` holds {in_short(each)}, but should hold short texts.")
    return [expect_text(str(each), name) for each in found]
