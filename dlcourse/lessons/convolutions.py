"""Facts, exercises and quiz of notebooks/*_convolutions.ipynb."""

from dlcourse import exercise, quiz
from dlcourse.exercise import Mistake

import numpy as np

TITLE = "Convolutions"
STUDY_MINUTES = 75
NEEDS = ("11",)
DATA = ("photographs", "fashion-mnist")
FRAMEWORKS = ("numpy", "pytorch", "keras")


def _one_short(pixels, window, stride, padding):
    return (pixels + 2 * padding - window) // stride


def _padding_once(pixels, window, stride, padding):
    return (pixels + padding - window) // stride + 1


def _without_stride(pixels, window, stride, padding):
    return pixels + 2 * padding - window + 1


def _rounded_up(pixels, window, stride, padding):
    return -(-(pixels + 2 * padding - window) // stride) + 1


@exercise.function(
    ask="Return at how many places a window of `window` pixels can stand, along one side.",
    cases=[
        {"pixels": 28, "window": 5, "stride": 1, "padding": 0},
        {"pixels": 28, "window": 3, "stride": 2, "padding": 1},
        {"pixels": 28, "window": 3, "stride": 1, "padding": 1},
        {"pixels": 7, "window": 7, "stride": 1, "padding": 0},
        {"pixels": 10, "window": 2, "stride": 3, "padding": 0},
    ],
    hints=(
        "Where may the left edge of the window stand? First count for stride 1 and no padding.",
        "Padding makes the picture longer on both sides. The last left edge is where the window "
        "still fits; a stride takes only every so many of these places.",
        "The last left edge is at `pixels + 2 * padding - window`. Divide it by the stride, round "
        "down, and count place 0 too.",
    ),
    mistakes=[
        Mistake("One too small every time. Place 0 is a place too.", _one_short),
        Mistake("Padding is added on both sides.", _padding_once),
        Mistake("The window moves `stride` pixels at a time.", _without_stride),
        Mistake("A window that would stick out is left out: round down.", _rounded_up),
    ],
)
def output_size(pixels, window, stride, padding):
    last_left_edge = pixels + 2 * padding - window
    return last_left_edge // stride + 1


def _means(maps):
    n, h, w, c = maps.shape
    return maps.reshape(n, h // 2, 2, w // 2, 2, c).mean(axis=(2, 4))


def _every_second(maps):
    return maps[:, ::2, ::2]


def _overlapping(maps):
    shifted = (maps[:, a : maps.shape[1] - 1 + a, b : maps.shape[2] - 1 + b] for a in (0, 1)
               for b in (0, 1))  # fmt: skip
    return np.max(list(shifted), axis=0)


def _wrong_order(maps):
    n, h, w, c = maps.shape
    return maps.reshape(n, 2, h // 2, 2, w // 2, c).max(axis=(1, 3))


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
    ],
    hints=(
        "On paper first: the squares of a 4 × 4 map do not overlap, so 4 numbers remain.",
        "Two ways: take four shifted copies, each with every second row and column, and compare "
        "them; or give each square two axes of its own with `reshape`.",
        "`reshape(n, h // 2, 2, w // 2, 2, c)`, then the largest along axes 2 and 4.",
    ),
    mistakes=[
        Mistake("Those are the means of the squares. The largest value is wanted.", _means),
        Mistake("You keep one corner of each square, whatever is in the others.", _every_second),
        Mistake("Your squares overlap: they must move by two pixels.", _overlapping),
        Mistake(
            "The sizes are right, but far-apart rows are compared: split each axis into (half, 2), "
            "not (2, half).",
            _wrong_order,
        ),
    ],
)
def max_pool(maps):
    n, h, w, c = maps.shape
    return maps.reshape(n, h // 2, 2, w // 2, 2, c).max(axis=(2, 4))


def _sum_of_windows(windows, strides):
    return sum(windows)


def _forgets_strides(windows, strides):
    return 1 + sum(window - 1 for window in windows)


def _stride_of_its_own(windows, strides):
    seen, step = 1, 1
    for window, stride in zip(windows, strides):
        step *= stride
        seen += (window - 1) * step
    return seen


@exercise.function(
    ask="Return how many pixels along one side can influence one number after all the layers: "
    "`windows` and `strides` from the first layer to the last.",
    cases=[
        {"windows": (3,), "strides": (1,)},
        {"windows": (3, 3), "strides": (1, 1)},
        {"windows": (3, 2, 3), "strides": (1, 2, 1)},
        {"windows": (7, 3, 3), "strides": (2, 2, 1)},
    ],
    hints=(
        "Two 3 × 3 layers see 5 pixels: the second window of 3 adds one on each side.",
        "After a stride of 2, neighbours of the next layer lie two pixels apart, so its window "
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
    ],
)
def receptive_field(windows, strides):
    seen, step = 1, 1
    for window, stride in zip(windows, strides):
        seen += (window - 1) * step
        step *= stride
    return seen


def _turned_round(d_out, kernel):
    return back_to_pixels.answer(d_out, kernel[::-1, ::-1])


def _only_the_inside(d_out, kernel):
    return back_to_pixels.answer(d_out, kernel)[1:-1, 1:-1]


def _transposed(d_out, kernel):
    return back_to_pixels.answer(d_out, kernel.T)


@exercise.function(
    ask="Mend the way back of one 3 × 3 filter: from the slopes `d_out` (H−2, W−2) of the loss "
    "along its outputs to those along the pixels (H, W).",
    cases=[
        {"d_out": np.array([[1.0]]), "kernel": np.arange(9.0).reshape(3, 3)},
        {
            "d_out": np.array([[1.0, -2.0], [0.5, 3.0]]),
            "kernel": np.array([[1.0, 2, 0], [0, -1, 4], [3, 0, 1]]),
        },
    ],
    hints=(
        "Take one output only. Which pixel did the kernel's upper left weight multiply?",
        "On the way forward, `out[r, c]` took `kernel[i, j]` times the pixel (r + i, c + j). So "
        "its blame goes to that pixel, times the same weight.",
        "The window of `out[r, c]` gets `d_out[r, c] * kernel`, the kernel as it is.",
    ),
    mistakes=[
        Mistake(
            "The kernel is turned round. A pixel gets blame through the very weight that it was "
            "multiplied by.",
            _turned_round,
        ),
        Mistake("The border pixels have blame too: they lie in some window.", _only_the_inside),
        Mistake("Rows and columns of the kernel are swapped.", _transposed),
    ],
)
def back_to_pixels(d_out, kernel):
    rows, columns = d_out.shape
    blame = np.zeros((rows + 2, columns + 2))
    for row in range(rows):
        for column in range(columns):
            blame[row : row + 3, column : column + 3] += d_out[row, column] * kernel
    return blame


def _response(kernel, picture):
    windows = np.lib.stride_tricks.sliding_window_view(picture, (3, 3))
    return float(np.abs((windows * np.asarray(kernel)).sum(axis=(2, 3))).mean())


def _selectivity(kernel):
    """Return the share (0..1) of a kernel's response that comes from horizontal edges."""
    lying = np.repeat([0.0, 0.0, 0.0, 1.0, 1.0, 1.0], 6).reshape(6, 6)
    wanted = _response(kernel, lying)
    others = max(_response(kernel, lying.T), _response(kernel, np.ones((6, 6))))
    return wanted / (wanted + others) if wanted + others else 0.0


def _blurs():
    return np.full((3, 3), 1 / 9)


def _upright():
    return np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]])


def _all_edges():
    return np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])


def _is_kernel(answer):
    return np.shape(answer) == (3, 3)


@exercise.outcome(
    ask="Find a 3 × 3 kernel that answers to horizontal edges (dark above, light below) and to "
    "nothing else: 0 for an even picture, 0 for vertical edges. Put it in `my_kernel`.",
    measure=_selectivity,
    bar=0.99,
    what="The share of its answer that horizontal edges cause is",
    hints=(
        "An even picture must give 0. What must the nine weights add up to?",
        "A vertical edge changes from left to right. If each row of the kernel is even, it cannot "
        "see that.",
        "One row of −1, one of 0, one of 1.",
    ),
    mistakes=[
        Mistake(
            "Its weights do not add up to 0, so an even picture gets an answer too.",
            _blurs,
            sign=lambda answer: _is_kernel(answer) and abs(np.sum(answer)) > 1e-6,
        ),
        Mistake(
            "It answers to vertical edges and is blind to horizontal ones: turn it.",
            _upright,
            sign=lambda answer: _is_kernel(answer) and 0 == _selectivity(answer) != np.ptp(answer),
        ),
        Mistake(
            "It answers to edges of every direction.",
            _all_edges,
            sign=lambda answer: _is_kernel(answer) and 0.3 < _selectivity(answer) < 0.7,
        ),
    ],
)
def my_kernel():
    kernel = np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]])
    return kernel


QUIZ = quiz.Quiz(
    __name__,
    weights=quiz.number(
        "A layer has 8 filters of 5 × 5 on a grey picture of 100 × 100 pixels. How many weights, "
        "without biases?",
        right=200,
        because="25 for each filter. How large the picture is does not matter.",
        wrong={
            25: "That is one filter.",
            2000000: "That would be a weight for every place. A filter is the same everywhere.",
        },
        unit="weights",
    ),
    size=quiz.number(
        "32 pixels, a window of 5, stride 1. How much padding on each side keeps 32 pixels?",
        right=2,
        because="A window of 5 loses 4 places, 2 on each side.",
        wrong={4: "That is both sides together.", 5: "Then the map would grow."},
        unit="pixels",
    ),
    shift=quiz.choice(
        "You shift a picture by one pixel. What do the maps of a convolution with stride 1 do?",
        right="they shift by one pixel too, but for the border",
        because="The same filter meets the same windows, one place further on: equivariance.",
        wrong={
            "they stay the same": "That would be invariance, which a convolution alone does not "
            "have.",
            "they change in no simple way": "That is what a dense layer does.",
        },
    ),
    pooling=quiz.choice(
        "Why do networks pool?",
        right="the next layers see more of the picture and have less to compute",
        because="Half the resolution doubles what a window covers and quarters the work.",
        wrong={
            "so that the network forgets where things are": "Most values change when the picture "
            "moves by one pixel; the place is only coarser.",
            "because a convolution needs a smaller picture": "It takes any size.",
        },
    ),
)
