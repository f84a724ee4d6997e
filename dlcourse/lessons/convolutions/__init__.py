"""Facts, exercises and quiz of notebooks/*_convolutions.ipynb."""

from dlcourse import challenges, exercise, predictions, quiz, written_tests
from dlcourse.exercise import Mistake, WhatIf

import numpy as np

TITLE = "Convolutions"
NEEDS = ("11",)
DATA = ("photographs", "fashion-mnist")


def _one_short(pixels, window, stride, padding):
    return (pixels + 2 * padding - window) // stride


def _padding_once(pixels, window, stride, padding):
    return (pixels + padding - window) // stride + 1


def _without_stride(pixels, window, stride, padding):
    return pixels + 2 * padding - window + 1


def _positions_divided(pixels, window, stride, padding):
    return (pixels + 2 * padding - window + 1) // stride


def _not_rounded(pixels, window, stride, padding):
    return (pixels + 2 * padding - window) / stride + 1


def _no_padding(pixels, window, stride, padding):
    return (pixels - window) // stride + 1


def _rounded_up(pixels, window, stride, padding):
    return -(-(pixels + 2 * padding - window) // stride) + 1


def _some_window(random):
    window, stride, padding = random.integers((1, 1, 0), (8, 5, 4)).tolist()
    pixels = max(1, window - 2 * padding) + int(random.integers(30))  # it fits at least once
    return {"pixels": pixels, "window": window, "stride": stride, "padding": padding}


@exercise.function(
    ask="Return at how many positions a window of `window` pixels fits, along one side.",
    cases=[
        {"pixels": 28, "window": 5, "stride": 1, "padding": 0},
        {"pixels": 28, "window": 3, "stride": 2, "padding": 1},
        {"pixels": 28, "window": 3, "stride": 1, "padding": 1},
        {"pixels": 7, "window": 7, "stride": 1, "padding": 0},
        {"pixels": 10, "window": 2, "stride": 3, "padding": 0},
        {"pixels": 7, "window": 3, "stride": 2, "padding": 0},
    ],
    draw=_some_window,
    hints=(
        "At which pixels can the window begin? First count for stride 1 and no padding.",
        "Padding makes the picture longer on both sides. The last window is the last one that "
        "still fits; with a stride of 2 only every second position counts.",
        "The last window begins at `pixels + 2 * padding - window`. Divide that by the stride, "
        "round down, and count position 0 too.",
    ),
    mistakes=[
        Mistake("One too small every time. Position 0 counts too.", _one_short),
        Mistake("Padding is added on both sides.", _padding_once),
        Mistake("The window moves `stride` pixels at a time.", _without_stride),
        Mistake("A window that sticks out does not count: round down.", _rounded_up),
        Mistake("There are no half positions: round down.", _not_rounded),
        Mistake("You never use `padding`.", _no_padding),
        Mistake(
            "You divide the number of positions by the stride. Position 0 counts whatever the "
            "stride is: divide first, then add it.",
            _positions_divided,
        ),
    ],
    what_if=WhatIf(
        "the window is larger than the picture",
        {"pixels": 2, "window": 5, "stride": 1, "padding": 0},
        "That is no number of positions: the window fits nowhere. PyTorch and Keras "
        "raise an error.",
    ),
)
def output_size(pixels, window, stride, padding):
    last_left_edge = pixels + 2 * padding - window
    return last_left_edge // stride + 1


def _means(maps):
    n, h, w, c = maps.shape
    return maps.reshape(n, h // 2, 2, w // 2, 2, c).mean(axis=(2, 4))


def _every_second(maps):
    return maps[:, ::2, ::2]


def _another_corner(maps):
    return maps[:, 1::2, 1::2]


def _overlapping(maps):
    shifted = (maps[:, a : maps.shape[1] - 1 + a, b : maps.shape[2] - 1 + b] for a in (0, 1)
               for b in (0, 1))  # fmt: skip
    return np.max(list(shifted), axis=0)


def _from_zero(maps):
    return np.maximum(max_pool.solve(maps), 0)


def _wrong_order(maps):
    n, h, w, c = maps.shape
    return maps.reshape(n, 2, h // 2, 2, w // 2, c).max(axis=(1, 3))


def _some_maps(random):
    n, h, w, c = random.integers(1, 4, 4) * (1, 2, 2, 1)
    maps = random.permutation(n * h * w * c).reshape(n, h, w, c)
    return {"maps": (maps - random.choice([0, maps.size // 2, maps.size])) / 4}


@exercise.function(
    ask="Return the largest of each 2 × 2 square of each map: from (N, H, W, C) to "
    "(N, H/2, W/2, C).",
    cases=[
        {
            "maps": np.array([[3.0, 1, 0, 2], [2, 5, 4, 1], [0, 0, 9, 8], [1, 7, 6, 6]])[
                None, ..., None
            ]
        },
        {"maps": np.random.default_rng(0).normal(size=(2, 4, 6, 3))},
        {"maps": -np.random.default_rng(1).uniform(1, 2, (1, 4, 4, 2))},
    ],
    draw=_some_maps,
    hints=(
        "On paper first: the squares of a 4 × 4 map do not overlap, so 4 numbers remain.",
        "Two ways: take four shifted copies, each with every second row and column, and compare "
        "them; or give each square two axes of its own with `reshape`.",
        "`reshape(n, h // 2, 2, w // 2, 2, c)`, then the largest along axes 2 and 4.",
    ),
    mistakes=[
        Mistake("Those are the means of the squares. Keep the largest value instead.", _means),
        Mistake(
            "You keep one corner of each square, whatever else is in it.",
            (_every_second, _another_corner),
        ),
        Mistake("Your squares overlap: they must move by two pixels.", _overlapping),
        Mistake(
            "Where all four numbers are negative, so is the largest. With what did you begin?",
            _from_zero,
        ),
        Mistake(
            "The sizes are right, but far-apart rows are compared: split each axis into (half, 2), "
            "not (2, half).",
            _wrong_order,
        ),
    ],
    what_if=WhatIf(
        "a map has an odd side",
        {"maps": np.arange(9.0).reshape(1, 3, 3, 1)},
        "Three rows are no whole number of squares. PyTorch and Keras leave the last "
        "row and column out.",
    ),
)
def max_pool(maps):
    n, h, w, c = maps.shape
    return maps.reshape(n, h // 2, 2, w // 2, 2, c).max(axis=(2, 4))


def _rising_numbers(max_pool):
    maps = np.arange(16.0).reshape(1, 4, 4, 1)
    assert (max_pool(maps)[0, :, :, 0] == [[5, 7], [13, 15]]).all()


def _no_negative_number(max_pool):
    maps = np.array([[3.0, 1, 0, 2], [2, 5, 4, 1], [0, 0, 9, 8], [1, 7, 6, 6]])
    assert (max_pool(maps[None, ..., None])[0, :, :, 0] == [[5, 4], [7, 9]]).all()


def _only_the_shape(max_pool):
    assert max_pool(np.zeros((2, 4, 6, 3))).shape == (2, 2, 3, 3)


@written_tests.of(
    max_pool,
    ask="Write a test that every right maximum pooling passes and that a wrong one fails.",
    hints=(
        "A map of 4 × 4 with numbers of your own gives 2 × 2. Mind the axes: (N, H, W, C).",
        "Where does the largest number of each of your squares lie? If it is always the same "
        "corner, a function that keeps this corner passes.",
        "Let the largest lie in another corner of each square, and make all numbers of one square "
        "negative.",
    ),
    mistakes=[
        Mistake(
            "A function that keeps the same corner of each square passes, and one that begins with "
            "0: where must the largest number lie, and what must it be?",
            _rising_numbers,
        ),
        Mistake(
            "A wrong function that begins with 0 passes. When does the 0 win?", _no_negative_number
        ),
        Mistake(
            "Functions that give the right shape and other numbers pass. Which numbers must come "
            "out, exactly?",
            _only_the_shape,
        ),
    ],
)
def test_max_pool(max_pool):
    squares = np.array([[3.0, 1, -4, -2], [2, 5, -7, -1], [0, 0, 9, 8], [1, 7, 6, 6]])
    pooled = max_pool(squares[None, ..., None])
    assert pooled.shape == (1, 2, 2, 1)
    assert (pooled[0, :, :, 0] == [[5, -1], [7, 9]]).all()


def _sum_of_windows(windows, strides):
    return sum(windows)


def _forgets_strides(windows, strides):
    return 1 + sum(window - 1 for window in windows)


def _last_stride(windows, strides):
    seen, step = 1, 1
    for window, stride in zip(windows, strides):
        seen += (window - 1) * step
        step = stride
    return seen


def _doubled_by_each_stride(windows, strides):
    seen, step = 1, 1
    for window, stride in zip(windows, strides):
        seen += (window - 1) * step
        step *= 2 if stride > 1 else 1
    return seen


def _stride_of_its_own(windows, strides):
    seen, step = 1, 1
    for window, stride in zip(windows, strides):
        step *= stride
        seen += (window - 1) * step
    return seen


def _some_layers(random):
    layers = random.integers(1, 6)
    windows, strides = random.integers(1, 8, layers), random.integers(1, 5, layers)
    return {"windows": tuple(windows.tolist()), "strides": tuple(strides.tolist())}


@exercise.function(
    ask="Return how many pixels along one side can influence one number after all the layers: "
    "`windows` and `strides` from the first layer to the last.",
    cases=[
        {"windows": (3,), "strides": (1,)},
        {"windows": (3, 3), "strides": (1, 1)},
        {"windows": (3, 2, 3), "strides": (1, 2, 1)},
        {"windows": (7, 3, 3), "strides": (2, 2, 1)},
        {"windows": (3, 3), "strides": (3, 1)},
        {"windows": (3, 3, 3, 2), "strides": (2, 1, 2, 1)},
    ],
    draw=_some_layers,
    hints=(
        "Two 3 × 3 layers see 5 pixels: the second window of 3 adds one on each side.",
        "After a stride of 2, neighbours in the next map lie two pixels apart, so its window "
        "adds twice as much.",
        "Keep two numbers: `seen`, beginning at 1, and `step`, beginning at 1. Each layer adds "
        "(window − 1) · step to the first, then multiplies the second by its stride.",
    ),
    mistakes=[
        Mistake("Windows overlap: a second one of 3 adds two pixels, not three.", _sum_of_windows),
        Mistake(
            "Right without strides. What does a stride do to the layers behind it?",
            _forgets_strides,
        ),
        Mistake("A layer's own stride matters only for the layers behind it.", _stride_of_its_own),
        Mistake(
            "You double the step at each stride. A stride of 3 makes it three times as large.",
            _doubled_by_each_stride,
        ),
        Mistake(
            "You use the last stride alone. Behind two strides of 2, neighbours lie four pixels "
            "apart.",
            _last_stride,
        ),
    ],
    what_if=WhatIf(
        "there is no layer",
        {"windows": [], "strides": []},
        "Without layers a number sees one pixel: itself.",
    ),
)
def receptive_field(windows, strides):
    seen, step = 1, 1
    for window, stride in zip(windows, strides):
        seen += (window - 1) * step
        step *= stride
    return seen


def _overwrites(d_out, kernel):
    rows, columns = d_out.shape
    slopes = np.zeros((rows + 2, columns + 2))
    for row in range(rows):
        for column in range(columns):
            slopes[row : row + 3, column : column + 3] = d_out[row, column] * kernel
    return slopes


def _nothing_arrives(d_out, kernel):
    return np.zeros((d_out.shape[0] + 2, d_out.shape[1] + 2))


def _flipped(d_out, kernel):
    return back_to_pixels.solve(d_out, kernel[::-1, ::-1])


def _only_the_inside(d_out, kernel):
    return back_to_pixels.solve(d_out, kernel)[1:-1, 1:-1]


def _transposed(d_out, kernel):
    return back_to_pixels.solve(d_out, kernel.T)


def _some_slopes(random):
    d_out = random.normal(0, 2, random.integers(1, 5, 2)).round(1)
    return {"d_out": d_out, "kernel": random.integers(-5, 6, (3, 3)) / 2}


@exercise.function(
    size="write it",
    ask="Fix the way back of one 3 × 3 kernel: from the slopes `d_out` (H−2, W−2) of the loss "
    "along its outputs to those along the pixels (H, W).",
    cases=[
        {"d_out": np.array([[1.0]]), "kernel": np.arange(9.0).reshape(3, 3)},
        {
            "d_out": np.array([[1.0, -2.0], [0.5, 3.0]]),
            "kernel": np.array([[1.0, 2, 0], [0, -1, 4], [3, 0, 1]]),
        },
        {
            "d_out": np.array([[1.0, -2.0, 4.0], [0.5, 3.0, -1.0]]),
            "kernel": np.array([[0.0, 2, 1], [1, -1, 0], [3, 0, -2]]),
        },
    ],
    draw=_some_slopes,
    tolerance=1e-5,
    hints=(
        "Try it with a single output, `d_out` of shape (1, 1), then with two outputs side by side. "
        "Which of the two is wrong?",
        "A pixel lies in several windows. What happens to the part of its slope that came from the "
        "first one?",
        "Each window *adds* its part to what its pixels have already: `+=`.",
    ),
    given=_overwrites,
    mistakes=[
        Mistake(
            "Each window overwrites what its pixels got from the windows before it.",
            _overwrites,
        ),
        Mistake(
            "All slopes are 0. `window = window + …` makes a new array, and `slopes` stays as it "
            "was.",
            _nothing_arrives,
        ),
        Mistake(
            "The kernel is flipped. A pixel's slope comes through the very weight that it was "
            "multiplied by.",
            _flipped,
        ),
        Mistake("The border pixels have slopes too: each lies in some window.", _only_the_inside),
        Mistake("Rows and columns of the kernel are swapped.", _transposed),
    ],
    what_if=WhatIf(
        "there is one output only",
        {"d_out": np.array([[2.0]]), "kernel": np.arange(1.0, 10).reshape(3, 3)},
        "Its slopes are the kernel itself, times the slope 2 that comes in.",
    ),
)
def back_to_pixels(d_out, kernel):
    rows, columns = d_out.shape
    slopes = np.zeros((rows + 2, columns + 2))
    for row in range(rows):
        for column in range(columns):
            slopes[row : row + 3, column : column + 3] += d_out[row, column] * kernel
    return slopes


def _edges(other_diagonal=False):
    """Return pictures (5, 6, 6) with an edge along one diagonal, dark at the upper left."""
    rows, columns = np.indices((6, 6))
    distance = rows - columns if other_diagonal else rows + columns - 5
    return np.stack([(distance > at).astype(float) for at in (-2, -1, 0, 1, 2)])


def _responses(kernel, pictures):
    """Return the mean response to each picture (N,)."""
    windows = np.lib.stride_tricks.sliding_window_view(pictures, (3, 3), axis=(1, 2))
    return (windows * np.asarray(kernel)).sum(axis=(3, 4)).mean(axis=(1, 2))


def _selectivity(kernel):
    """Return the share (0..1) of a kernel's response that the right edges cause."""
    if not _is_kernel(kernel):
        raise TypeError("a kernel is 3 × 3 numbers")
    right = _responses(kernel, _edges()).min()
    others = np.concatenate(
        [
            _responses(kernel, _edges(other_diagonal=True)),
            _responses(kernel, 1 - _edges(other_diagonal=True)),
            _responses(kernel, np.ones((1, 6, 6))),
        ]
    )
    wrong = np.abs(others).max()
    return max(right, 0.0) / (max(right, 0.0) + wrong) if right > 0 or wrong > 0 else 0.0


def _blurs():
    return np.full((3, 3), 1 / 9)


def _dark_side_wrong():
    return np.array([[2, 1, 0], [1, 0, -1], [0, -1, -2]])


def _other_diagonal():
    return np.array([[0, -1, -2], [1, 0, -1], [2, 1, 0]])


def _nothing():
    return np.zeros((3, 3))


def _horizontal():
    return np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])


def _is_kernel(answer):
    return np.shape(answer) == (3, 3)


def _sizes(kernel):
    """Return how strongly a kernel responds to each diagonal, without the sign."""
    return [
        float(np.abs(_responses(kernel, _edges(other_diagonal=other))).mean())
        for other in (False, True)
    ]


@exercise.measured(
    size="write it",
    ask="Find a 3 × 3 kernel that responds to edges from the lower left to the upper right (dark "
    "at the upper left, light at the lower right) with positive numbers, and gives 0 for a uniform "
    "picture and for edges along the other diagonal. Put it in `my_kernel`.",
    measure=_selectivity,
    bar=0.99,
    what="The share of its response that the right edges cause is",
    hints=(
        "A uniform picture must give 0. What must the nine weights add up to?",
        "Draw the light side of the edge over the nine weights. Which of them should be positive, "
        "which negative, and which lie on the edge itself?",
        "Zeros along the diagonal of the edge, negative weights above it and positive ones below: "
        "for example −2, −1, 0 in the first row.",
    ),
    mistakes=[
        Mistake(
            "Its weights do not add up to 0, so a uniform picture gets a response too.",
            _blurs,
            sign=lambda answer: _is_kernel(answer) and abs(np.sum(answer)) > 1e-6,
        ),
        Mistake(
            "It finds these edges, but with negative numbers: which side should be light?",
            _dark_side_wrong,
            sign=lambda answer: (
                _is_kernel(answer)
                and _selectivity(answer) == 0
                and _selectivity(-np.asarray(answer)) > 0.9
            ),
        ),
        Mistake(
            "It responds to the other diagonal and is blind to this one.",
            _other_diagonal,
            sign=lambda answer: (
                _is_kernel(answer) and _sizes(answer)[1] > 0.01 > 10 * _sizes(answer)[0]
            ),
        ),
        Mistake(
            "It responds to both diagonals: they differ only in which corner is dark.",
            _horizontal,
            sign=lambda answer: (
                _is_kernel(answer)
                and any(0.2 < _selectivity(side * np.asarray(answer)) < 0.8 for side in (1, -1))
            ),
        ),
        Mistake(
            "All its weights are 0, so it responds to nothing.",
            _nothing,
            sign=lambda answer: _is_kernel(answer) and not np.any(answer),
        ),
    ],
)
def my_kernel():
    kernel = np.array([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]])
    return kernel


def _after_a_shift():
    """Return what happens to the map of a picture of random pixels, away from its border."""
    pixels = np.random.default_rng(0).random((1, 16, 16, 1))
    shifted = np.roll(pixels, 1, axis=2)
    before, after = (max_pool.solve(maps)[0, :, 1:-1, 0] for maps in (pixels, shifted))
    if (after == before).all():
        return "none of its values change"
    moved = (after[:, 1:] == before[:, :-1]).all()
    return "all values move one position" if moved else "many of its values change"


def _nearest(number, options):
    """Return the option whose own number is nearest."""
    return min(options, key=lambda option: abs(options[option] - number))


def _who_finds_the_legs(edge_maps):
    """The strongest response in each row beside the right leg, against that of the lawn."""
    leg, lawn = np.s_[78:100, 66:82], np.s_[78:100, 90:106]
    found = 0
    for edges in np.abs(list(edge_maps.values())):
        found += edges[leg].max(axis=1).mean() > 1.5 * edges[lawn].max(axis=1).mean()
    return {2: "both edge kernels find them", 1: "only one"}.get(int(found))


def _how_much_faster(loops_ms, product_ms):
    if loops_ms > 10 * product_ms:
        return "more than ten times faster"
    return "a few times faster" if loops_ms > 2 * product_ms else "about as fast"


def _without_permute(forgotten):
    if forgotten is None:
        return "an error"
    if forgotten[-1] == 8:  # the filters
        return "the maps come out in the other order"
    return "wrong numbers, without a word"


def _only_shifted(tests):
    """The first six tests: the convolution's two, stride's two, pooling's two."""
    same = tuple(share < 0.01 for _, (share, _, _) in tests[:6])
    return {
        (True, True, False, False, False, False): "For both convolutions only",
        (True, True, True, True, False, False): "for all but pooling",
        (True, False, False, True, False, True): "for the convolution away from the border, and "
        "stride and pooling after a shift by 2",
    }.get(same)


def _directions_ahead(after_shift):
    """Ahead by 0.06: over five seeds the gap is 0.014 at most downwards, else 0.109 or more."""
    gaps = np.subtract(after_shift["large squares"], after_shift["dense"])
    return {4: "in all four", 3: "in three", 2: "in two"}.get(int((gaps > 0.06).sum()))


def _best_when_shifted(recorded, DIRECTIONS):
    names = {
        "small squares, as above": "small squares",
        "dense, shifted": "dense, shifted",
        "convolutions only": "convolutions only",
    }

    def mean(option):
        runs = recorded["networks"][names[option]]["black"]
        return np.mean([[run[way] for way in DIRECTIONS] for run in runs])

    return max(names, key=mean)


def _what_copies_change(recorded):
    copied = np.mean([run["down"] for run in recorded["networks"]["large squares"]["copied"]])
    return _nearest(copied, {"0.60 as before": 0.6, "about 0.66": 0.66, "about 0.81": 0.81})


CHALLENGES = challenges.Challenges(
    __name__,
    filters_explorer={
        "a_quarter": challenges.challenge(
            ask="Let the map have exactly 28 rows, a quarter of the photograph's 112.",
            met=lambda rows: rows == 28,
            because="(112 + 2 × {padding} − 3) / {stride}, rounded down, plus 1: {rows} positions."
            " The stride divides; the window and the padding move the result by a row or two.",
            solution={"stride": 4},
        ),
        "hardly_an_edge": challenges.challenge(
            ask="Find a map of edges that is nearly white: a mean strength below 0.1.",
            met=lambda edges, strength: edges and strength < 0.1,
            because="A mean strength of {strength:.2f}. The weights of a kernel for edges add up "
            "to 0, so it gives 0 wherever the picture is even, however bright it is there.",
            solution={"photograph": "rocket", "padding": 0},
        ),
        "more_frame_than_picture": challenges.challenge(
            ask="Find a map of edges that says more about the frame of zeros than about the "
            "photograph: more than half of its strength is in windows that reach into the frame.",
            met=lambda edges, of_frame: edges and of_frame > 0.5,
            because="{of_frame:.2f} of the strength is where zeros meet the photograph. The larger"
            " the stride, the fewer windows lie inside, and the more the frame weighs.",
            solution={
                "photograph": "rocket",
                "kernel": "all edges",
                "stride": 8,
                "padding": 1,
            },
        ),
    },
)

PREDICTIONS = predictions.Predictions(
    __name__,
    dot=predictions.predict(
        options={
            "one white pixel": "That would be so if only the window centred on the pixel reported "
            "it. Every window that contains it does.",
            "a 3 × 3 white square": "Nine windows contain the white pixel, and each of them adds "
            "up to 1.",
            "a plus sign": "In a plus sign the corners are missing. But a kernel of ones weighs "
            "the corners of its window like the rest.",
        },
        key=lambda answer: {
            1: "one white pixel",
            5: "a plus sign",
            9: "a 3 × 3 white square",
        }.get(int((answer > 0).sum())),
    ),
    legs=predictions.predict(
        options={
            "both edge kernels find them": "A leaning edge is a step to the side and a step down "
            "at once, and each kernel responds to its part.",
            "only one": "That holds for edges exactly along a row or a column. A leaning one has "
            "a part in each direction, even if one of the two is faint.",
        },
        key=_who_finds_the_legs,
    ),
    product=predictions.predict(
        options={
            "about as fast": "The multiplications are the same, but they are not all that takes "
            "time: the loops run lines of Python for every window.",
            "a few times faster": "That expects Python to cost little. The loops run their lines "
            "once for each of more than ten thousand windows.",
            "more than ten times faster": "The loops run lines of Python for every window, the "
            "product a few lines for all windows together.",
        },
        key=_how_much_faster,
    ),
    permute=predictions.predict(
        options={
            "the maps come out in the other order": "An array does not say what its axes mean. "
            "PyTorch takes axis 1 for the channels, whatever is there.",
            "wrong numbers, without a word": "That happens if the pictures have as many rows as "
            "the layer wants channels, here 3. These have 56.",
            "an error": "PyTorch takes axis 1 for the channels. It finds 56 rows there, and the "
            "layer wants 3 channels.",
        },
        key=_without_permute,
    ),
    patch=predictions.predict(
        options={
            "6": "That is how many neighbours of the first map are seen. They see one more pixel "
            "on each side.",
            "8": "Three neighbours of the pooled map cover six of the first map, and these see "
            "eight pixels.",
            "10": "Two convolutions see 5 pixels, but pooling does not double all of them: only "
            "the steps behind it are two pixels wide.",
        },
        key=lambda pixels_seen: str(pixels_seen),
    ),
    only_shifted=predictions.predict(
        options={
            "For both convolutions only": "Zeros come in at the border, and they were not in the "
            "picture. And a shift by 2 is just one step of a window with stride 2.",
            "for all but pooling": "Pooling is no exception: like a convolution of stride 2, it "
            "needs a shift by a multiple of 2. And at the border zeros come in.",
            "for the convolution away from the border, and stride and pooling after a shift by 2": (
                "The map only moves if the shift is a multiple of the stride, and away from the "
                "border."
            ),
        },
        key=_only_shifted,
    ),
    to_the_right=predictions.predict(
        options={
            "about 0.8": "To us the shifted picture is the same. To a dense layer it is not: it "
            "has a weight for each pixel, and another one for the next.",
            "about 0.6": "Three of 28 columns seem little. But every pixel now meets a weight that "
            "was learned for another one.",
            "about 0.4": "Every pixel now meets a weight that was learned for the pixel three "
            "columns further on, and no training picture was shifted.",
        },
        key=lambda rows: _nearest(
            float({row[0]: row[-1] for row in rows}["dense"]),
            {"about 0.8": 0.8, "about 0.6": 0.6, "about 0.4": 0.4},
        ),
    ),
    directions=predictions.predict(
        options={
            "in all four": "One direction had suggested it. Downwards the two differ by so little "
            "that another seed can turn it round.",
            "in three": "To both sides and upwards it is well ahead. Downwards the two are about "
            "the same.",
            "in two": "That would be to the sides only. Upwards it is ahead as well, though by "
            "less.",
        },
        key=_directions_ahead,
    ),
    controls=predictions.predict(
        options={
            "small squares, as above": "What is built in brings it to 0.62, though it has never "
            "seen a shifted picture. Training on shifted ones takes the dense network further.",
            "dense, shifted": "Of the three it is the only one that trained on shifted pictures, "
            "and the shifts of the test are among those that it met.",
            "convolutions only": "It never saw a shifted picture, and nothing is pooled. It gets "
            "0.52, less than small squares with just as many weights.",
        },
        key=_best_when_shifted,
    ),
    copies=predictions.predict(
        options={
            "0.60 as before": "So it would be if only what is cut off counted. As much is cut off "
            "as before.",
            "about 0.66": "As much is cut off, and yet it rises by 0.06: so part of the loss came "
            "from the new edge.",
            "about 0.81": "So it would be if only the new edge counted. Much of the loss is still "
            "there without it.",
        },
        key=_what_copies_change,
    ),
)


QUIZ = quiz.Quiz(
    __name__,
    weights=quiz.number(
        "A layer has {filters} filters of {side} × {side} on a grey picture of {pixels} × {pixels} "
        "pixels. How many weights, without biases?",
        draw={
            "filters": [8, 4, 6, 12, 16, 24, 32],
            "side": [5, 3, 7],
            "pixels": [100, 64, 80, 120, 200],
            "one": lambda side: side**2,
        },
        right=lambda filters, side: filters * side**2,
        because="{one} for each filter. How large the picture is does not matter.",
        wrong={
            "That is one filter.": lambda side: side**2,
            "That would be a weight for every position. A filter is the same everywhere.": (
                lambda filters, side, pixels: filters * side**2 * pixels**2
            ),
        },
        unit="weights",
    ),
    size=quiz.number(
        "{pixels} pixels, a window of {window}, stride 1. How much padding on each side keeps "
        "{pixels} pixels?",
        draw={
            "pixels": [32, *range(16, 65, 3)],
            "window": [5, 3, 7, 9, 11],
            "lost": lambda window: window - 1,
        },
        right=lambda window: (window - 1) // 2,
        because="A window of {window} loses {lost} positions, {right} on each side.",
        wrong={
            "That is both sides together.": lambda window: window - 1,
            "Then the map would grow.": lambda window: window,
        },
        unit="pixels",
    ),
    axes=quiz.choice(
        "`nn.Conv2d(3, {filters}, {window}, padding={padding})` gets {pictures} colour pictures of "
        "{rows} rows by {columns} columns. What shape does PyTorch give?",
        draw={
            "pictures": [10, 4, 6, 12, 20],
            "filters": [16, 8, 24],
            "window": [5, 3, 7],
            "padding": lambda window: (window - 1) // 2,
            "rows": [64, 40, 72, 100],
            "columns": [48, 32, 56, 88],
            "fewer_rows": lambda rows, window: rows - window + 1,
            "fewer_columns": lambda columns, window: columns - window + 1,
            "unmixed": lambda filters: 3 * filters,
        },
        right="({pictures}, {filters}, {rows}, {columns})",
        because="N, C, H, W: the {filters} maps take the place of the 3 channels, and the padding "
        "keeps the size.",
        wrong={
            "({pictures}, {rows}, {columns}, {filters})": "That is the order of NumPy and Keras.",
            "({pictures}, {filters}, {fewer_rows}, {fewer_columns})": "That is without padding.",
            "({pictures}, {unmixed}, {rows}, {columns})": "Each filter adds up over its channels: "
            "{filters} filters, {filters} maps.",
        },
        key=lambda pictures, filters, window, padding, rows, columns: (
            f"({pictures}, {filters}, {output_size.solve(rows, window, 1, padding)}, "
            f"{output_size.solve(columns, window, 1, padding)})"
        ),
    ),
    shift=quiz.choice(
        "You shift a picture by one pixel. Away from the border, what happens to the map of a "
        "maximum pooling over 2 × 2?",
        right="many of its values change",
        because="A shift by half a square puts other pixels together. By two pixels, it would only "
        "have shifted.",
        wrong={
            "none of its values change": "Some stay. Where the largest pixel crosses into the next "
            "square, the value goes with it.",
            "all values move half a position": "A map has no half positions.",
            "all values move one position": "Its positions are two pixels apart: one step of the "
            "map is two pixels.",
        },
        key=_after_a_shift,
    ),
    pooling=quiz.choice(
        "A picture goes through a {square} × {square} pooling of stride {square} and then a "
        "{window} × {window} convolution. How many pixels of the picture does one window of the "
        "convolution see, along one side?",
        draw={
            "square": [2, 3, 4],
            "window": [3, 5, 7, 9],
            "seen": lambda square, window: square * window,
            "one_at_a_time": lambda square, window: square + window - 1,
            "area": lambda seen: seen**2,
        },
        right="{seen} pixels",
        because="{window} values of the pooled map, and each of them stands for {square} pixels. "
        "Layers behind a pooling see more of the picture.",
        wrong={
            "{window} pixels": "That is how many values of the pooled map it sees. Each stands for "
            "{square} pixels.",
            "{one_at_a_time} pixels": "So it would be if the pooling moved by one pixel. It moves "
            "by {square}.",
            "{area} pixels": "That is the whole square. Along one side it is {seen}.",
        },
        key=lambda square, window: f"{receptive_field.solve([square, window], [square, 1])} pixels",
    ),
)
