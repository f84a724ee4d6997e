"""Facts, exercises and quiz of notebooks/*_transfer_learning.ipynb."""

import functools
import warnings

from dlcourse import (
    arrays,
    backends,
    challenges,
    data,
    exercise,
    predictions,
    pretrained,
    quiz,
    written_tests,
)
from dlcourse.exercise import Mistake, WhatIf

import numpy as np

TITLE = "Standing on pretrained shoulders"
NEEDS = ("11", "20", "21")
DATA = ("photographs", "efficientnet-lite0", "stamps")


def _bytes_wrap(pixels):
    return (pixels - np.uint8(127)) / 128


def _to_one(pixels):
    return pixels / 255


def _to_one_on_both_sides(pixels):
    return pixels / 127.5 - 1


def _only_divided(pixels):
    return pixels.astype("float32") - 127 / 128


def _some_pixels(random):
    return {"pixels": random.integers(0, 256, (*random.integers(1, 4, 3), 3)).astype(np.uint8)}


@exercise.function(
    size="finish this line",
    ask="Return the pixels in the range the network needs: 127 subtracted, then divided by 128.",
    cases=[
        {"pixels": np.array([[[[0, 127, 255]]]], np.uint8)},
        {"pixels": np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3) * 10},
    ],
    draw=_some_pixels,
    hints=(
        "What should come out for a black pixel, 0? A little less than −0.99.",
        "The pixels are bytes, whole numbers from 0 to 255. What is 0 − 127 as a byte?",
        '`pixels.astype("float32")` first, then subtract and divide.',
    ),
    mistakes=[
        Mistake(
            "Dark pixels come out bright. A byte cannot be negative: 0 − 127 becomes 129.",
            _bytes_wrap,
        ),
        Mistake("Your values lie between 0 and 1. This network wants −0.99 to 1.", _to_one),
        Mistake(
            "That is −1 to 1, as other networks want it. This one was trained with 127 and 128.",
            _to_one_on_both_sides,
        ),
        Mistake("Subtract first, then divide: you need brackets.", _only_divided),
    ],
    what_if=WhatIf(
        "the pixels go from 0 to 1 already",
        {"pixels": np.array([0.0, 1.0])},
        "Black and white come out almost the same: every picture would be nearly black, and "
        "no error would say so.",
    ),
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


def _squared_sum(features, labels, new):
    means = np.stack([features[labels == k].mean(axis=0) for k in range(labels.max() + 1)])
    return np.abs((new[:, None] - means[None]).sum(axis=2)).argmin(axis=1)


def _seven_classes(features, labels, new):
    with warnings.catch_warnings(action="ignore"):  # the mean of nothing
        means = np.stack([features[labels == k].mean(axis=0) for k in range(7)])
    return ((new[:, None] - means[None]) ** 2).sum(axis=2).argmin(axis=1)


def _some_classes(random):
    classes, size, news = random.integers(1, 5, 3)
    labels = random.permutation(
        [*range(classes), *random.integers(classes, size=random.integers(9))]
    )
    centres = random.normal(0, 3, (classes, size))
    return {
        "features": random.normal(centres[labels]).round(2),
        "labels": labels,
        "new": random.normal(0, 4, (news, size)).round(2),
    }


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
    draw=_some_classes,
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
            "You take means of more classes than `labels` has here, and a class without an example "
            "has no mean. Take the number of classes from `labels`.",
            _seven_classes,
        ),
        Mistake(
            "A large product is not a small distance: a long mean wins against a near one.",
            _largest_product,
        ),
        Mistake(
            "Differences of opposite sign cancel each other. Square them before you add.",
            (_unsquared, _squared_sum),
        ),
    ],
    what_if=WhatIf(
        "a class has no example",
        {
            "features": np.array([[0.0, 0.0], [4.0, 4.0], [4.0, 6.0]]),
            "labels": np.array([0, 2, 2]),
            "new": np.array([[0.0, 1.0], [4.0, 5.0]]),
        },
        "The mean of nothing is nan, and NumPy's `argmin` takes nan for the smallest: "
        "every picture would get the class that nobody has seen.",
    ),
)
def nearest_mean(features, labels, new):
    means = np.stack([features[labels == k].mean(axis=0) for k in range(labels.max() + 1)])
    squared = ((new[:, None] - means[None]) ** 2).sum(axis=2)  # (M, K)
    return squared.argmin(axis=1)


def _far_apart(nearest_mean):
    features = np.array([[0.0, 0.0], [1.0, 0.0], [10.0, 10.0], [11.0, 10.0]])
    new = np.array([[1.0, 1.0], [9.0, 9.0]])
    assert (nearest_mean(features, np.array([0, 0, 1, 1]), new) == [0, 1]).all()


def _one_example_each(nearest_mean):
    features = np.array([[4.0, 0.0], [5.0, 4.0]])
    new = np.array([[4.0, 1.0], [1.0, 4.0]])
    assert (nearest_mean(features, np.array([0, 1]), new) == [0, 1]).all()


@written_tests.of(
    nearest_mean,
    ask="Write a test that every right `nearest_mean` passes and that a wrong one fails.",
    hints=(
        "Draw it: two classes of two points each in the plane, their means, and a new point.",
        "If the classes lie far apart, the nearest example and the nearest mean agree. Move the "
        "new point to a place near one mean, but nearer to a single example of the other class.",
        "Class 0 with (0, 0) and (8, 0), class 1 with (5, 3) and (5, 5): (4, 1) belongs to class "
        "0. And (1, 4) to class 1, though its differences from the mean of class 0, −3 and 4, "
        "nearly cancel.",
    ),
    mistakes=[
        Mistake(
            "A function that asks for the nearest single example passes. Move a new point near "
            "one mean, but nearer to a single example of the other class.",
            _far_apart,
        ),
        Mistake(
            "A function that asks for the nearest single example passes. With one example in each "
            "class, that is the mean. Where do the two disagree?",
            _one_example_each,
        ),
    ],
)
def test_nearest_mean(nearest_mean):
    features = np.array([[0.0, 0.0], [8.0, 0.0], [5.0, 3.0], [5.0, 5.0]])
    labels = np.array([0, 0, 1, 1])  # the means: (4, 0) and (5, 4)
    new = np.array([[4.0, 1.0], [1.0, 4.0]])
    assert (nearest_mean(features, labels, new) == [0, 1]).all()


def _of_the_batch(maps, moving_mean, moving_variance):
    mean = maps.mean(axis=(0, 1, 2))  # maps: (N, H, W, C)
    variance = maps.var(axis=(0, 1, 2))
    return (maps - mean) / np.sqrt(variance + 0.001)


def _of_the_batch_less_one(maps, moving_mean, moving_variance):
    variance = maps.var(axis=(0, 1, 2), ddof=maps[..., 0].size > 1)
    return (maps - maps.mean(axis=(0, 1, 2))) / np.sqrt(variance + 0.001)


def _variance_of_the_batch(maps, moving_mean, moving_variance):
    return (maps - moving_mean) / np.sqrt(maps.var(axis=(0, 1, 2)) + 0.001)


def _half_fixed(maps, moving_mean, moving_variance):
    mean = maps.mean(axis=(0, 1, 2))
    return (maps - mean) / np.sqrt(moving_variance + 0.001)


def _of_each_picture(maps, moving_mean, moving_variance):
    mean = maps.mean(axis=(1, 2), keepdims=True)
    variance = maps.var(axis=(1, 2), keepdims=True)
    return (maps - mean) / np.sqrt(variance + 0.001)


def _no_root(maps, moving_mean, moving_variance):
    return (maps - moving_mean) / (moving_variance + 0.001)


def _some_maps(random):
    *shape, channels = random.integers(1, 4, 4)
    return {
        "maps": random.normal(1, 3, (*shape, channels)).round(1),
        "moving_mean": random.normal(size=channels).round(1),
        "moving_variance": random.choice([0.01, 0.5, 1, 9], channels),
    }


@exercise.function(
    ask="Fix the frozen batch norm: its output for a picture must not depend on the other pictures "
    "of its batch.",
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
    draw=_some_maps,
    tolerance=1e-5,
    hints=(
        "From which numbers does the buggy version take its mean? Which pictures are in there?",
        "During the long training the layer kept averages of what it saw. They are arguments here.",
        "Use `moving_mean` and `moving_variance` instead of the batch's own.",
    ),
    given=_of_the_batch,
    mistakes=[
        Mistake(
            "Mean and variance are still those of this batch.",
            (_of_the_batch, _of_the_batch_less_one),
        ),
        Mistake(
            "The variance is still that of this batch; the mean is right.", _variance_of_the_batch
        ),
        Mistake("The mean is still that of this batch; the variance is right.", _half_fixed),
        Mistake(
            "Each picture is normalised by itself now. While the network was trained, the layer "
            "collected averages over very many batches, to be used afterwards: they are arguments "
            "of the function.",
            _of_each_picture,
        ),
        Mistake("A variance is a square: divide by its square root.", _no_root),
    ],
    what_if=WhatIf(
        "a channel never varied, so that its variance is 0",
        {
            "maps": np.full((1, 1, 1, 1), 4.0),
            "moving_mean": np.array([3.0]),
            "moving_variance": np.array([0.0]),
        },
        "The 0.001 is there for this: without it, the division would be by 0.",
    ),
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
    if not _is_square(answer):
        raise TypeError("a square is three whole numbers")
    if not _fits(answer):
        return 0.0
    row, column, side = (int(value) for value in answer)
    photographs = data.load("photographs")
    picture = photographs.train.images[photographs.classes.index("astronaut")]
    stretch = _stretch(side)
    square = picture[row : row + side, column : column + side]
    enlarged = np.einsum("ai,ijc,bj->abc", stretch, square, stretch, optimize=True)
    scores = backends.scores(_network(), enlarged[None].astype("float32"))
    return float(arrays.softmax(scores)[0, _place_of_shuttle()])


def _whole_picture():
    return 0, 0, 224


def _rows_and_columns_swapped():
    return 160, 48, 64


def _sticks_out():
    return 48, 176, 64


def _her_helmet():
    return 130, 70, 90


@exercise.measured(
    ask="Find a square of the astronaut's photograph for which the network says 'space shuttle' "
    "with a probability of at least one half: `shuttle_square = (row, column, side)`, the row and "
    "column of its upper left corner and its side, in pixels.",
    measure=_says_shuttle,
    bar=0.5,
    what="The probability of a space shuttle in your square is",
    hints=(
        "Look at the photograph in section 1. Is there a shuttle, and where?",
        "There is a model of a shuttle at the right, its top at row 0, its base near row 120. "
        "Its lower two thirds are enough. Rows count from the top, columns from the left.",
        "Squares with a side of 64 to 72 pixels, a row near 48 and a column near 150 work.",
    ),
    mistakes=[
        Mistake(
            "Most of what is in this square is not the shuttle. Try a smaller one.",
            _whole_picture,
            sign=lambda answer: (
                _is_square(answer)
                and _fits(answer)
                and answer[2] > 100
                and _says_shuttle(answer) < 0.5
            ),
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
            "Your square sticks out of the photograph: row + side and column + side may be at most "
            "224, and the side must be at least 16.",
            _sticks_out,
            sign=lambda answer: _is_square(answer) and not _fits(answer),
        ),
        Mistake(
            "There is little of the shuttle in this square. It is at the upper right.",
            _her_helmet,
            sign=lambda answer: (
                _is_square(answer)
                and _fits(answer)
                and (answer[1] + answer[2] < 165 or answer[0] > 115)
                and _says_shuttle(answer) < 0.5
            ),
        ),
    ],
)
def shuttle_square():
    row, column, side = 48, 160, 64
    return row, column, side


def _called(names, answers):
    """Say what the network calls the first photograph."""
    called = names[int(answers[0])]
    return called if called in ("astronaut", "woman") else "something else"


def _share_of_classifier(parts):
    weights = {name: sum(w.numel() for w in part.parameters()) for name, part in parts.items()}
    share = weights["classifier"] / sum(weights.values())
    return "3 %" if share < 0.06 else "10 %" if share < 0.2 else "more than 25 %"


def _with_random_layer(recorded):
    (found,) = (each for each in recorded if each["name"] == "0.00003, random last layer")
    share = np.mean(found["folds"])
    if share > 0.75:
        return "about 0.9 as well"
    return "about 0.55" if share > 0.4 else "no more than guessing"


def _colours_swapped(rows):
    share = float(rows[2][1])
    return "below 0.3" if share < 0.4 else "about 0.5" if share < 0.65 else "about 0.8"


def _how_many(trained):
    if trained < 1e5:
        return "about 9 thousand"
    return "about a million" if trained < 2e6 else "all 4.65 million"


def _averages_change(torch_norm, keras_norm):
    in_pytorch = bool(torch_norm.running_mean.abs().max() > 0)
    in_keras = bool(np.abs(keras_norm.moving_mean).max() > 0)
    if in_pytorch == in_keras:
        return "in both" if in_keras else "in neither"
    return "in PyTorch only" if in_pytorch else "in Keras only"


def _nearest(value, *numbers):
    return f"about {min(numbers, key=lambda number: abs(number - value))}"


CHALLENGES = challenges.Challenges(
    __name__,
    neighbours={
        "all_or_none": challenges.challenge(
            ask="Find a stamp whose five nearest by features are all of its class, while none of "
            "the five nearest by pixels is.",
            met=lambda by_features, by_pixels: by_features == 5 and by_pixels == 0,
            because="A {label}: 5 of 5 by features, 0 of 5 by pixels. Pixels compare place by "
            "place; features have been trained to answer what is shown, wherever it is.",
            solution={"stamp": 14},
        ),
        "pixels_win": challenges.challenge(
            ask="Find a stamp whose neighbours by pixels are better than those by features.",
            met=lambda by_features, by_pixels: by_pixels > by_features,
            because="A {label}: {by_pixels} of 5 by pixels, {by_features} by features. It happens "
            "to few of the 66: features are better on average, and not for every stamp.",
            solution={"stamp": 26},
        ),
        "unanimous_and_wrong": challenges.challenge(
            ask="Find a stamp whose five nearest by features are all of one class, and of a wrong "
            "one.",
            met=lambda by_features, classes_by_features: (
                by_features == 0 and classes_by_features == 1
            ),
            because="The label says {label}, and five of five neighbours agree on another class. "
            "They agree about what it looks like, and what a stamp is called is another question.",
            solution={"stamp": 64},
        ),
    },
)

PREDICTIONS = predictions.Predictions(
    __name__,
    astronaut=predictions.predict(
        options={
            "astronaut": "To us the suit says so. The network can only give one of its 1000 "
            "labels, and none of them is 'astronaut'.",
            "woman": "To us the face comes first. But none of the 1000 labels is 'woman', and the "
            "network has no other words.",
            "something else": "Neither 'astronaut' nor 'woman' is among the 1000 labels. Softmax "
            "divides all of the probability among those that are.",
        },
        key=_called,
    ),
    classifier=predictions.predict(
        options={
            "3 %": "It is one layer among many. But a dense layer has a weight for every pair of "
            "an input and an output.",
            "10 %": "The convolutions do most of the computing. But they use the same few weights "
            "at every place, so they have fewer of them than one would think.",
            "more than 25 %": "1280 · 1000 weights and 1000 biases, of 4.65 million.",
        },
        key=_share_of_classifier,
    ),
    frame=predictions.predict(
        options={
            "none": "All sizes fit and no error comes, so it looks like the same network. But at "
            "stride 2 each window now begins one pixel further up and to the left.",
            "two to four": "At stride 2 each window begins one pixel further up and to the left. "
            "Nearly all scores change, and for three photographs without a class of their own "
            "another class comes out first.",
            "all": "Nearly all scores change. But a best answer changes only if another class "
            "comes past it.",
        },
        key=lambda changed: "none" if changed == 0 else "two to four" if changed < 6 else "all",
    ),
    features=predictions.predict(
        options={
            "about 0.5": "The network never learned these seven classes. But what it learned to "
            "tell apart in photographs serves for them as well.",
            "about 0.65": "To take the nearest mean is about the simplest thing one can do. Here "
            "that is enough: the hard part was done by the network.",
            "about 0.9": "By features, stamps of one class mostly lie close together, so the mean "
            "of the class is close to a new one.",
        },
        key=lambda guessed, share_right: _nearest(share_right(guessed), 0.5, 0.65, 0.9),
    ),
    three_of_each=predictions.predict(
        options={
            "about 0.3": "That is what 21 pictures are worth by pixels, or to a network that "
            "starts from scratch. These features were learned before, from 1.28 million.",
            "about 0.5": "That takes the network from scratch all 128 stamps. With features there "
            "is less to learn.",
            "about 0.75": "All that 21 stamps have to teach is seven means. What keeps the classes "
            "apart was learned from other pictures.",
        },
        key=lambda shares: _nearest(np.mean(shares["features"]["3"]), 0.3, 0.5, 0.75),
    ),
    red_and_blue=predictions.predict(
        options={
            "below 0.3": "To us the colours look plainly wrong. But all shapes are still there, "
            "and for most stamps what is left is enough.",
            "about 0.5": "That is nearly what bytes leave, values a hundred times too large. To "
            "swap two colours is a smaller mistake.",
            "about 0.8": "A few stamps fewer, and nothing tells you why.",
        },
        key=_colours_swapped,
    ),
    trained=predictions.predict(
        options={
            "about 9 thousand": "Those are the 7 · 1281 of the new layer. Block 15 and the head "
            "learn too.",
            "about a million": "605 440 and 412 160, which got their gradients back, and the 8 967 "
            "of the new layer.",
            "all 4.65 million": "Often a network is trained as a whole. This one was frozen, and "
            "only block 15, the head and the new layer learn.",
        },
        key=_how_many,
    ),
    random_last_layer=predictions.predict(
        options={
            "about 0.9 as well": "That takes longer: 0.88 after 20 epochs.",
            "about 0.55": "In four epochs, steps as small as these do not bring a random layer far "
            "enough.",
            "no more than guessing": "The random layer is not alone: block 15 and the head learn "
            "too, and adapt to it.",
        },
        key=_with_random_layer,
    ),
    frozen_averages=predictions.predict(
        options={
            "in both": "Averages are no weights, so it seems that neither switch would stop them. "
            "Keras's does: it also puts a batch norm in evaluation mode.",
            "in PyTorch only": "`requires_grad_(False)` stops gradients, and averages need none. "
            "`trainable = False` also puts Keras's batch norm in evaluation mode.",
            "in Keras only": "Keras's batch norm was even asked to train, and did not: `trainable "
            "= False` counts for more. PyTorch's switch says nothing about averages.",
            "in neither": "Frozen sounds as if nothing moved. In PyTorch only the weights stop; to "
            "stop the averages takes `eval()`.",
        },
        key=_averages_change,
    ),
)


QUIZ = quiz.Quiz(
    __name__,
    unsure=quiz.choice(
        "A network trained on ImageNet is shown a photograph. Its two best answers have "
        "probabilities of {best} and {second}. What is the most that these two numbers alone tell "
        "you?",
        draw={
            "in_100": [18, 12, 14, 16, 21, 23],
            "less": [1, 2, 3],
            "best": lambda in_100: in_100 / 100,
            "second": lambda in_100, less: (in_100 - less) / 100,
        },
        right="that it is unsure, but not the cause",
        because="A picture without a class of its own (the astronaut), one that several classes "
        "could claim (the cat) and one that it finds hard can all give a low best probability.",
        wrong={
            "that no class fits the photograph": "Three may fit: the cat's probability "
            "was divided among Egyptian cat, tiger cat and tabby.",
            "that it has not been trained well": "Even one that was has to divide 1 among the "
            "classes there are.",
            "that {in_100} in 100 such answers are right": "Only where such probabilities have "
            "been checked against how often they are right, on pictures of this sort.",
        },
        key="argument",
    ),
    half=quiz.number(
        "You replace the last layer, {features} features to {old} classes, by one for {new} "
        "classes. How many weights and biases does it have?",
        draw={
            "features": [1280, 512, 768, 2048],
            "old": [7, 5, 10, 1000],
            "new": [20, 12, 15, 30],
            "each": lambda features: features + 1,
        },
        right=lambda new, each: new * each,
        because="{features} for each class and one bias: {new} · {each}.",
        wrong={
            "Each class has a bias too.": lambda new, features: new * features,
            "That is the layer for {old} classes.": lambda old, each: old * each,
            "Every class weighs every feature: multiply.": lambda features, new: features + new,
        },
        unit="weights",
    ),
    cache=quiz.choice(
        "You mirror each picture at random in every epoch. Can you still keep the features of a "
        "frozen network and train on those?",
        right="yes, with one set for each version",
        because="A mirrored picture has other features. Keep both versions' features, and choose "
        "between them in each epoch.",
        wrong={
            "yes, mirroring changes no feature": "The features are similar, not the same: the "
            "network was not built to ignore mirroring.",
            "no, as pictures must not change": "Two versions can be computed once each, and kept.",
        },
        key="argument",
    ),
    frozen=quiz.choice(
        "In PyTorch you set `requires_grad = False` for every weight of the network and train a "
        "new last layer, with `model.train()`. What still changes in the frozen part?",
        right="the averages that batch norm keeps",
        because="They are no weights and need no gradient: `train()` lets them follow each batch. "
        "Keras keeps them when `trainable = False`.",
        wrong={
            "batch norm's scales and shifts": "They are weights: without a gradient, no step "
            "changes them.",
            "nothing, as it gets no gradient": "The weights do not change. Batch norm keeps "
            "something that needs no gradient.",
            "the last convolution's weights": "It has no gradient, so no step changes it.",
        },
        key="measured",
    ),
    folds=quiz.choice(
        "Two settings reach {lower:.2f} and {higher:.2f} in cross-validation over {pictures} "
        "pictures. What follows?",
        draw={
            "pictures": [128, 100, 110, 120, 140],
            "percent": [90, 85, 87, 88, 92],
            "higher": lambda percent: percent / 100,
            "lower": lambda percent: (percent - 1) / 100,
            "error": lambda higher, pictures: (higher * (1 - higher) / pictures) ** 0.5,
        },
        right="nothing yet: they cannot be told apart",
        because="0.01 is about one picture of {pictures}, and the standard error of each is "
        "{error:.2f}.",
        wrong={
            "the one with {higher:.2f} is the better one": "Cross-validation is fair, but not "
            "exact: {pictures} other pictures could turn the order round.",
            "the test pictures must decide between them": "Then the test set has chosen, and no "
            "longer says what new pictures will get.",
        },
        key="argument",
    ),
)
