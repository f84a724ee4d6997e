"""Facts, exercises and quiz of notebooks/*_transfer_learning.ipynb."""

import functools

from dlcourse import arrays, backends, data, exercise, pretrained, quiz
from dlcourse.exercise import Mistake

import numpy as np

TITLE = "Standing on pretrained shoulders"
STUDY_MINUTES = 80
NEEDS = ("11", "20", "21")
DATA = ("photographs", "efficientnet-lite0", "stamps")
FRAMEWORKS = ("numpy", "pytorch", "keras")


def _bytes_wrap(pixels):
    return (pixels - np.uint8(127)) / 128


def _to_one(pixels):
    return pixels / 255


def _only_divided(pixels):
    return pixels / 128 - 127


@exercise.function(
    ask="Return the pixels as the network wants them: 127 subtracted, then divided by 128.",
    cases=[
        {"pixels": np.array([[[[0, 127, 255]]]], np.uint8)},
        {"pixels": np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3) * 10},
    ],
    hints=(
        "What should come out for a black pixel, 0? A little less than −0.99.",
        "The pixels are bytes, whole numbers from 0 to 255. What is 0 − 127 as a byte?",
        '`pixels.astype("float32")` first, then subtract and divide.',
    ),
    mistakes=[
        Mistake(
            "Dark pixels come out bright. A byte cannot be negative: 0 − 127 turns into 129.",
            _bytes_wrap,
        ),
        Mistake("Your values lie between 0 and 1. This network wants −0.99 to 1.", _to_one),
        Mistake("First subtract, then divide: brackets.", _only_divided),
    ],
)
def to_range(pixels):
    return (pixels.astype("float32") - 127) / 128


_FEATURES = np.array([[0.0, 0], [2, 0], [0, 2], [9, 9], [11, 9], [5, 0], [5, 2]])
_LABELS = np.array([0, 0, 0, 1, 1, 2, 2])


def _nearest_example(features, labels, new):
    squared = ((new[:, None] - features[None]) ** 2).sum(axis=2)
    return labels[squared.argmin(axis=1)]


def _farthest(features, labels, new):
    means = np.stack([features[labels == k].mean(axis=0) for k in range(labels.max() + 1)])
    return ((new[:, None] - means[None]) ** 2).sum(axis=2).argmax(axis=1)


def _largest_product(features, labels, new):
    means = np.stack([features[labels == k].mean(axis=0) for k in range(labels.max() + 1)])
    return (new @ means.T).argmax(axis=1)


def _unsquared(features, labels, new):
    means = np.stack([features[labels == k].mean(axis=0) for k in range(labels.max() + 1)])
    return (new[:, None] - means[None]).sum(axis=2).argmin(axis=1)


@exercise.function(
    ask="Return the class of the nearest class mean for each row of `new` (M, D): one mean for "
    "each class of `labels` (N,), over its rows of `features` (N, D).",
    cases=[
        {
            "features": _FEATURES,
            "labels": _LABELS,
            "new": np.array([[1.0, 1], [8, 8], [5, 1], [3.5, 0.2], [20, 1], [0, 9]]),
        },
        {
            "features": np.random.default_rng(1).normal(size=(12, 5)),
            "labels": np.arange(12) % 4,
            "new": np.random.default_rng(2).normal(size=(9, 5)),
        },
    ],
    hints=(
        "Three steps: a mean for each class, the distance of each new row to each mean, the "
        "smallest.",
        "`features[labels == k].mean(axis=0)` is the mean of class k. `new[:, None] - means[None]` "
        "has shape (M, K, D).",
        "Square the differences and add them up along the last axis; then `argmin` along axis 1.",
    ),
    mistakes=[
        Mistake(
            "That is the class of the nearest single example. Take the mean of each class first.",
            _nearest_example,
        ),
        Mistake("You take the mean that is farthest away.", _farthest),
        Mistake(
            "A large product is not a small distance: a long mean wins against a near one.",
            _largest_product,
        ),
        Mistake(
            "Differences of opposite sign cancel each other. Square them before you add.",
            _unsquared,
        ),
    ],
)
def nearest_mean(features, labels, new):
    means = np.stack([features[labels == k].mean(axis=0) for k in range(labels.max() + 1)])
    squared = ((new[:, None] - means[None]) ** 2).sum(axis=2)  # (M, K)
    return squared.argmin(axis=1)


def _of_the_batch(maps, moving_mean, moving_variance):
    mean, variance = maps.mean(axis=(0, 1, 2)), maps.var(axis=(0, 1, 2))
    return (maps - mean) / np.sqrt(variance + 0.001)


def _half_mended(maps, moving_mean, moving_variance):
    mean = maps.mean(axis=(0, 1, 2))
    return (maps - mean) / np.sqrt(moving_variance + 0.001)


def _of_each_picture(maps, moving_mean, moving_variance):
    mean = maps.mean(axis=(1, 2), keepdims=True)
    variance = maps.var(axis=(1, 2), keepdims=True)
    return (maps - mean) / np.sqrt(variance + 0.001)


def _no_root(maps, moving_mean, moving_variance):
    return (maps - moving_mean) / (moving_variance + 0.001)


@exercise.function(
    ask="Mend the frozen batch norm: what comes out for a picture must not depend on the other "
    "pictures of its batch.",
    cases=[
        {
            "maps": np.random.default_rng(0).normal(2, 3, (2, 3, 3, 2)),
            "moving_mean": np.array([1.5, -0.5]),
            "moving_variance": np.array([4.0, 0.25]),
        },
        {
            "maps": np.arange(8.0).reshape(1, 2, 2, 2),
            "moving_mean": np.array([0.0, 1.0]),
            "moving_variance": np.array([1.0, 9.0]),
        },
    ],
    hints=(
        "From which numbers does the buggy version take its mean? Which pictures are in there?",
        "During the long training the layer kept averages of what it met. They are handed in.",
        "Use `moving_mean` and `moving_variance` in place of the batch's own.",
    ),
    mistakes=[
        Mistake("Mean and variance are still those of this batch.", _of_the_batch),
        Mistake("The mean is still that of this batch; the variance is right.", _half_mended),
        Mistake(
            "Each picture is measured against itself now. The network was trained with averages "
            "over very many pictures, which are handed in.",
            _of_each_picture,
        ),
        Mistake("A variance is a square: divide by its root.", _no_root),
    ],
)
def frozen_batch_norm(maps, moving_mean, moving_variance):
    return (maps - moving_mean) / np.sqrt(moving_variance + 0.001)


@functools.cache
def _network():
    return pretrained.load("efficientnet-lite0", "pytorch")


@functools.cache
def _place_of_shuttle():
    return pretrained.classes("efficientnet-lite0").index("space shuttle")


def _is_square(answer):
    return np.shape(answer) == (3,) and all(float(value).is_integer() for value in answer)


def _fits(answer):
    row, column, side = answer
    return side >= 16 and 0 <= row <= 224 - side and 0 <= column <= 224 - side


def _stretch(side):
    """Return the matrix (224, side) that stretches a row of pixels, linearly in between."""
    places = np.clip((np.arange(224) + 0.5) * side / 224 - 0.5, 0, side - 1)
    return np.maximum(0, 1 - np.abs(places[:, None] - np.arange(side)))


def _says_shuttle(answer):
    """Return the probability (0..1) of a space shuttle in a square (row, column, side)."""
    if not _is_square(answer) or not _fits(answer):
        return 0.0
    row, column, side = (int(value) for value in answer)
    photographs = data.load("photographs")
    picture = photographs.train.images[photographs.classes.index("astronaut")]
    stretch = _stretch(side)
    square = picture[row : row + side, column : column + side]
    enlarged = np.einsum("ai,ijc,bj->abc", stretch, square, stretch)
    scores = backends.of(_network()).scores(_network(), enlarged[None].astype("float32"))
    return float(arrays.softmax(scores)[0, _place_of_shuttle()])


def _whole_picture():
    return 0, 0, 224


def _rows_and_columns_swapped():
    return 160, 48, 64


def _sticks_out():
    return 48, 176, 64


def _her_helmet():
    return 130, 70, 90


@exercise.outcome(
    ask="Find a square of the astronaut's photograph for which the network says 'space shuttle' "
    "with a probability of at least one half: `shuttle_square = (row, column, side)`, the row and "
    "column of its upper left corner and its side, in pixels.",
    measure=_says_shuttle,
    bar=0.5,
    what="The probability of a space shuttle in your square is",
    hints=(
        "Look at the photograph in section 1. Is there a shuttle, and where?",
        "The model of a shuttle stands at the right, its nose near row 10, its foot near row 120. "
        "Rows count from the top, columns from the left.",
        "Squares with a side of 64 to 80 pixels, a row near 48 and a column near 150 do it.",
    ),
    mistakes=[
        Mistake(
            "That is nearly the whole photograph: most of what is in it is not the shuttle.",
            _whole_picture,
            sign=lambda answer: _is_square(answer) and answer[2] > 150,
        ),
        Mistake(
            "Rows count from the top and columns from the left. Did you swap them?",
            _rows_and_columns_swapped,
            sign=lambda answer: (
                _is_square(answer)
                and _says_shuttle((answer[1], answer[0], answer[2])) >= 0.5 > _says_shuttle(answer)
            ),
        ),
        Mistake(
            "Your square sticks out of the photograph: row + side and column + side may be 224 at "
            "most, and a side 16 at least.",
            _sticks_out,
            sign=lambda answer: _is_square(answer) and not _fits(answer),
        ),
        Mistake(
            "There is little of the shuttle in this square. It stands at the upper right.",
            _her_helmet,
            sign=lambda answer: (
                _is_square(answer) and _fits(answer) and (answer[1] + answer[2] < 165)
            ),
        ),
    ],
)
def shuttle_square():
    row, column, side = 48, 160, 64
    return row, column, side


QUIZ = quiz.Quiz(
    __name__,
    knows=quiz.choice(
        "A network trained on ImageNet is shown an astronaut. Its answer with the highest "
        "probability is 'bobsled', with 0.18. Why?",
        right="it has no class for an astronaut, and softmax must choose among those it has",
        because="The probabilities of the classes it has add up to 1, whatever is shown.",
        wrong={
            "it was trained badly": "On what it has classes for, it is right: cat, espresso, "
            "tripod.",
            "the picture is too small": "It has the size that the network was trained with.",
        },
    ),
    classifier=quiz.number(
        "Your network gives 1280 features, and you have 7 classes. How many weights and biases "
        "does a new last layer have?",
        right=8967,
        because="1280 for each class and one bias: 7 · 1281.",
        wrong={
            8960: "Each class has a bias too.",
            1287: "Every class weighs every feature: multiply.",
        },
        unit="weights",
    ),
    cache=quiz.choice(
        "You train only a new last layer on frozen features, for 50 epochs. How often must each "
        "picture pass through the network?",
        right="once",
        because="Frozen layers give the same features every time: keep them.",
        wrong={
            "50 times, once in each epoch": "Nothing in the frozen layers changes from one epoch "
            "to the next.",
            "never": "Without features there is nothing to train on.",
        },
    ),
    frozen=quiz.choice(
        "In PyTorch you set `requires_grad = False` for every weight of the network and train a "
        "new last layer, with `model.train()`. What still changes in the frozen part?",
        right="the moving averages of its batch norms",
        because="They are no weights and need no gradient: `train()` lets them follow each batch. "
        "Keras holds them when `trainable = False`.",
        wrong={
            "nothing": "Weights do not change. Batch norm keeps something else.",
            "its convolutions": "They have no gradient, so no step changes them.",
        },
    ),
)
