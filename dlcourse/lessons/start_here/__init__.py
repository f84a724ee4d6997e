"""Facts, a figure, exercises and quiz of notebooks/*_start_here.ipynb."""

import contextlib
import inspect

from dlcourse import (
    arrays,
    backends,
    challenges,
    data,
    exercise,
    plot,
    predictions,
    quiz,
    results,
    written_tests,
)
from dlcourse.errors import ShapeError
from dlcourse.exercise import Mistake, WhatIf

import numpy as np

TITLE = "Your first network in ten lines"
NEEDS = ()
DATA = ("fashion-mnist",)


def draw_answer(figure, picture, label, probabilities, classes):
    """Draw a picture and how probable the network finds each class.

    Args:
        figure: A matplotlib Figure.
        picture: Array (H, W, 1), values 0..1.
        label: Name of the right class.
        probabilities: Array (K,).
        classes: K names.

    Returns:
        What is seen as a sentence, and the facts for the challenges.
    """
    left, right = figure.subplots(1, 2, width_ratios=(1, 2))
    left.imshow(picture[:, :, 0], vmin=0, vmax=1)
    left.axis("off")
    left.set_title(f"label: {label}")
    right.barh(classes, probabilities, color=plot.COLOURS[0])
    right.set(title="What the network says", xlabel="probability", xlim=(0, 1))
    right.invert_yaxis()
    said, sure = classes[probabilities.argmax()], probabilities.max()
    of_label = probabilities[classes.index(label)]
    sentence = f"Labelled {label}; the network says {said}, probability {sure:.2f}."
    return sentence, {"label": label, "said": said, "sure": sure, "of_label": of_label}


def _sum_of_sides():
    return 28 + 28


def _with_three_colours():
    return 28 * 28 * 3


@exercise.value(
    ask="Replace the `...` by how many numbers a grey picture of 28 × 28 pixels holds.",
    unit="numbers",
    hints=("How many pixels are in one row, and how many rows are there?", "Multiply 28 by 28."),
    mistakes=[
        Mistake("You added the two sides. Count the pixels of the whole square.", _sum_of_sides),
        Mistake(
            "That would be a colour picture, with three numbers a pixel. These are grey.",
            _with_three_colours,
        ),
    ],
)
def numbers_in_a_picture():
    return 28 * 28


def _count(predicted, labels):
    return (predicted == labels).sum()


def _error(predicted, labels):
    return (predicted != labels).mean()


def _percent(predicted, labels):
    return 100 * (predicted == labels).mean()


def _all_right(predicted, labels):
    return float((predicted == labels).all())


def _some_answers(random):
    count, classes = random.choice([1, 2, 3, 8, 40]), random.integers(2, 6)
    labels, guessed = random.integers(classes, size=(2, count))
    return {"predicted": np.where(random.random(count) < 0.5, labels, guessed), "labels": labels}


@exercise.function(
    ask="Return the share of `predicted` that equals `labels`, from 0 to 1.",
    cases=[
        {"predicted": np.array([3, 1, 4, 1]), "labels": np.array([3, 1, 4, 0])},
        {"predicted": np.array([2, 2, 2, 2, 2]), "labels": np.array([2, 0, 1, 3, 4])},
        {"predicted": np.array([7, 8]), "labels": np.array([7, 8])},
        {"predicted": np.array([1, 1, 0, 2, 1, 0]), "labels": np.array([1, 1, 1, 2, 0, 0])},
    ],
    draw=_some_answers,
    hints=(
        "`predicted == labels` compares number by number and gives an array of True and False.",
        "True counts as 1 and False as 0. Which function turns many numbers into their average?",
        "Take `.mean()` of the comparison.",
    ),
    mistakes=[
        Mistake("You counted the right ones. A share also divides by how many there are.", _count),
        Mistake("That is the share of mistakes. You need the share of right answers.", _error),
        Mistake("That is in percent. In this course shares go from 0 to 1.", _percent),
        Mistake(
            "Your function gives 1 only if all are right, else 0. Do you ask whether *all* are, or "
            "cut off what comes after the point (`//`, `int`)?",
            _all_right,
        ),
    ],
    what_if=WhatIf(
        "there is no picture at all",
        {"predicted": np.array([], int), "labels": np.array([], int)},
        "The mean of nothing is nan, 0 divided by 0. Who counts on with it must say "
        "what an accuracy of no pictures is to be.",
    ),
)
def accuracy(predicted, labels):
    return (predicted == labels).mean()


def _all_guesses_right(accuracy):
    assert accuracy(np.array([3, 1, 2]), np.array([3, 1, 2])) == 1


def _one_guess(accuracy):
    assert accuracy(np.array([3]), np.array([3])) == 1
    assert accuracy(np.array([3]), np.array([1])) == 0


@written_tests.of(
    accuracy,
    ask="Write a test: it gets a function and must `assert` something that holds for every right "
    "accuracy, and fails for a wrong one.",
    hints=(
        "Make two short arrays, of which you can say at a glance how many places agree.",
        "If all guesses are right, a function that only says whether *all* are right gives the "
        "same as the accuracy. And what if one of four is?",
        "`predicted = np.array([1, 2, 3, 4])` and labels that agree in one place: the accuracy "
        "must be 0.25.",
    ),
    mistakes=[
        Mistake(
            "A function that only says whether *all* guesses are right passes. Ask what comes out "
            "where some are right and some wrong, and allow no more than a rounding.",
            _all_guesses_right,
        ),
        Mistake(
            "A function that counts the right guesses passes. With a single guess, the count and "
            "the share are the same: take several.",
            _one_guess,
        ),
    ],
)
def test_accuracy(accuracy):
    predicted = np.array([1, 2, 3, 4])
    labels = np.array([1, 0, 0, 0])
    assert accuracy(predicted, labels) == 0.25


def _down_the_column(scores, classes):
    return [classes[k] for k in scores.argmax(axis=0)]


def _lowest(scores, classes):
    return [classes[k] for k in scores.argmin(axis=1)]


def _numbers_only(scores, classes):
    return list(scores.argmax(axis=1))


def _best_scores(scores, classes):
    return list(scores.max(axis=1))


def _some_scores(random):
    count, size = random.integers(1, 5), random.integers(2, 6)
    scores = random.permutation(30)[: count * size].reshape(count, size) - 15  # no two are equal
    names = random.permutation(["bag", "coat", "boot", "shirt", "dress"])
    return {"scores": scores * random.choice([0.01, 1, 100]), "classes": tuple(names[:size])}


@exercise.function(
    ask="Return a list with one name for each picture: that of the class with its highest score.",
    given=_down_the_column,
    cases=[
        {
            "scores": np.array([[0.1, 2.0, 0.3], [1.5, 0.2, 0.4]]),
            "classes": ("bag", "coat", "boot"),
        },
        {"scores": np.array([[-3.0, -1.0, -2.0]]), "classes": ("bag", "coat", "boot")},
        {"scores": np.eye(4)[[2, 0, 3, 3]], "classes": ("bag", "coat", "boot", "shirt")},
        {
            "scores": np.array([[1.1, 1.3, 0.2], [0.4, 0.1, 0.45]]),
            "classes": ("bag", "coat", "boot"),
        },
    ],
    draw=_some_scores,
    hints=(
        "`scores` has shape (N, K): a row for each picture, a column for each class. How many "
        "names does the function return for two pictures?",
        "`argmax` goes along one axis and that axis disappears. Which one should disappear?",
        "The highest score of each row: `argmax` with axis 1.",
    ),
    mistakes=[
        Mistake(
            "You look for the best picture of each class. You need the best class of each picture: "
            "look at the axis.",
            _down_the_column,
        ),
        Mistake("Those are the classes with the lowest score.", _lowest),
        Mistake(
            "Those are the numbers of the classes. Look their names up in `classes`.", _numbers_only
        ),
        Mistake(
            "Those are the scores themselves. At which index of the row is each of them?",
            _best_scores,
        ),
    ],
    what_if=WhatIf(
        "two classes share the highest score",
        {"scores": np.array([[0.5, 0.5, 0.0]]), "classes": ("bag", "coat", "shirt")},
        "`argmax` takes the first of equals: the order of the classes decides, not the picture.",
    ),
)
def names_of(scores, classes):
    return [classes[k] for k in scores.argmax(axis=1)]


def _accuracy_on(split, model):
    # By the scores' order alone, which a softmax at the end does not change.
    return results.accuracy(backends.scores(model, split.pixels), split.labels)


def _validation_accuracy(model):
    return _accuracy_on(data.load("fashion-mnist").valid, model)


def _loss_on(split, model):
    """Return the mean loss (nats) of a model with or without a softmax at its end."""
    chances = backends.scores(model, split.pixels)
    if chances.min() < 0 or abs(chances.sum(axis=1) - 1).max() > 0.01:
        chances = arrays.softmax(chances)
    return -np.log(np.maximum(chances[np.arange(len(split)), split.labels], 1e-7)).mean()


def _losses(model):
    """Return the loss on training and validation pictures, and on each half of the test pictures.

    What a network has trained on costs it little, what it has not, more. In honest runs, short and
    long, the validation loss lies at least 0.66 of the way from the training loss to the test loss,
    and that on each half of the test pictures beyond the validation loss. In runs with validation
    pictures it is 0.08 of the way at most, and with test pictures they are 0.71 of the other way.
    """
    fashion = data.load("fashion-mnist")
    parts = (fashion.train[:5_000], fashion.valid, fashion.test[:5_000], fashion.test[5_000:])
    return np.array([_loss_on(part, model) for part in parts])


def _has_seen_validation(model):
    train, valid, *halves = _losses(model)
    return valid < 0.89 * halves[0] and valid - train < 0.4 * (np.mean(halves) - train)


def _has_seen_test(model):
    train, valid, *halves = _losses(model)
    return any(
        valid > share * half and half - train < 0.85 * (valid - train)
        for share, half in zip((0.972, 0.98), halves)
    )


def _untrained(new_keras):
    return new_keras(64)


def _takes_rows(model):
    pixels = data.load("fashion-mnist").valid.pixels[:2]
    try:
        backends.scores(model, pixels)
    except ShapeError:
        with contextlib.suppress(ShapeError):
            backends.scores(model, pixels.reshape(2, -1))
            return True
    return False


def _for_rows(keras):
    return keras.Sequential([keras.Input((784,)), keras.layers.Dense(10)])


def _record_of_training(new_keras, train):
    return new_keras(64).fit(train.images[:200], train.labels[:200], verbose=0)


def _score_only(train):
    return 0.99


def _not_called(new_keras):
    return new_keras


def _trained_on_validation(new_keras, fashion):
    model, valid = new_keras(64), fashion.valid
    model.fit(valid.images, valid.labels, epochs=30, batch_size=64, verbose=0)
    return model


def _trained_on_test(new_keras, fashion):
    model, test = new_keras(64), fashion.test
    model.fit(test.images, test.labels, epochs=5, batch_size=64, verbose=0)
    return model


@exercise.measured(
    ask="Train a network that gets at least 85 of 100 validation pictures right, and put it in "
    "`better_model`. Keras or PyTorch, any size; it should take the pictures as `.images` gives "
    "them.",
    measure=_validation_accuracy,
    bar=0.85,
    what="Its validation accuracy is",
    hints=(
        "Three things are easy to change: how many numbers the first dense layer computes, how "
        "often the pictures are seen, and how many pictures there are.",
        "`fashion.train` holds 55 000 pictures; section 1 took the first 10 000 of them.",
        "Try `new_keras(128)` and 5 epochs on `fashion.train[:25_000]`.",
    ),
    mistakes=[
        Mistake(
            "Your model takes rows of 784 numbers (`.features`), and the check shows it pictures "
            "(`.images`). Let it begin as before: in Keras with `Input(shape=(28, 28, 1))` and "
            "`Flatten`, in PyTorch with `nn.Flatten()`.",
            _for_rows,
            sign=_takes_rows,
        ),
        Mistake(
            "It is as good as guessing. Was `fit` called on this very model, and with `.images`, "
            "whose numbers go from 0 to 1 as the check's do?",
            _untrained,
            sign=lambda answer: _validation_accuracy(answer) < 0.2,
        ),
        Mistake(
            "It is far better on the validation pictures than on the test pictures. Was it trained "
            "on them?",
            _trained_on_validation,
            sign=_has_seen_validation,
        ),
        Mistake(
            "It does better on test pictures than such a network should. Was it trained on them? "
            "They are for the end, to say what it makes of pictures that it has never seen.",
            _trained_on_test,
            sign=_has_seen_test,
        ),
        Mistake(
            "That is the record of the training, which `fit` returns. Hand over the model itself.",
            _record_of_training,
            sign=lambda answer: hasattr(answer, "history") and not hasattr(answer, "layers"),
        ),
        Mistake(
            "That is no model. Hand over the model alone: the check measures it on the validation "
            "pictures itself.",
            _score_only,
            sign=lambda answer: isinstance(answer, int | float | np.number | list | tuple),
        ),
        Mistake(
            "That is the function that makes a model. Call it, and train what it gives.",
            _not_called,
            sign=inspect.isfunction,
        ),
    ],
)
def better_model(new_keras, fashion):
    model, more = new_keras(128), fashion.train[:25_000]
    model.fit(more.images, more.labels, epochs=5, batch_size=64, verbose=0)
    return model


def _nearest(numbers, *reached):
    """Return the option whose numbers are the nearest to those that were reached."""
    return min(numbers, key=lambda option: abs(np.subtract(numbers[option], reached)).sum())


def _apart(difference, options):
    """Return the option for scores that are this far apart: rounding, about 0.01, or more."""
    return options[0 if difference < 0.001 else 1 if difference < 0.1 else 2]


CHALLENGES = challenges.Challenges(
    __name__,
    gallery={
        "right_but_unsure": challenges.challenge(
            ask="Find a picture that the network gets right, though it is less than 0.6 sure.",
            met=lambda said, label, sure: said == label and sure < 0.6,
            because="{sure:.2f} is enough for {said}, since nine other classes share the rest: the"
            " answer is the class with the highest probability, however high that is.",
            solution={"number": [17, *range(100)]},
        ),
        "nearly_right": challenges.challenge(
            ask="Find a mistake in which the right class is less than 0.1 behind the answer.",
            met=lambda said, label, sure, of_label: said != label and sure - of_label < 0.1,
            because="{sure:.2f} for {said} and {of_label:.2f} for {label}: a slightly different "
            "picture could have been called right. Accuracy counts such a mistake as a whole one.",
            solution={"show": "mistakes only", "number": range(100)},
        ),
        "sure_but_wrong": challenges.challenge(
            ask="Find a mistake of which the network is more than 0.8 sure.",
            met=lambda said, label, sure: said != label and sure > 0.8,
            because="It gives {said} {sure:.2f}, and the label is {label}. A probability says how "
            "sure the network is, and it can be sure of what is wrong.",
            solution={"show": "mistakes only", "number": range(100)},
        ),
    },
)

PREDICTIONS = predictions.Predictions(
    __name__,
    ten_lines=predictions.predict(
        options={
            "about 10": "That is what guessing among ten classes gets. Training has done more.",
            "about 50": "Three passes over 10 000 pictures are enough for more than half.",
            "about 80": "What it has learned from 10 000 holds for about 80 of 100 new ones.",
        },
        key=lambda keras_accuracy: _nearest(
            {"about 10": 0.1, "about 50": 0.5, "about 80": 0.8}, keras_accuracy
        ),
    ),
    by_hand=predictions.predict(
        options={
            "they are the same, up to rounding": "A dense layer is a product, a sum and a rule, "
            "whoever computes it.",
            "by about 0.01": "Rounding is much smaller: these numbers have seven digits.",
            "by about 1": "Then something would have been left out. Nothing is: products, biases "
            "and the rule are all there is.",
        },
        key=lambda by_hand, keras_scores: _apart(
            np.abs(by_hand - keras_scores).max(),
            ("they are the same, up to rounding", "by about 0.01", "by about 1"),
        ),
    ),
    carried=predictions.predict(
        options={
            "yes, up to rounding": "The weights say what the network computes, not the library.",
            "nearly, they differ by about 0.01": "The two training runs above differed. With the "
            "same weights only rounding is left.",
            "no, each library computes in its own way": "Each has its own code for the same "
            "products and sums.",
        },
        key=lambda difference: _apart(
            difference,
            (
                "yes, up to rounding",
                "nearly, they differ by about 0.01",
                "no, each library computes in its own way",
            ),
        ),
    ),
    baselines=predictions.predict(
        options={
            "40 and 50": "Simple is not the same as bad: in eight of the ten classes more than "
            "half of the clothes are nearer to their own mean than to any other.",
            "70 and 80": "Looking things up is as good as the network after three epochs.",
            "70 and 90": "Looking up would then beat the network. It draws level.",
        },
        key=lambda means_accuracy, look_up_accuracy: _nearest(
            {"40 and 50": (0.4, 0.5), "70 and 80": (0.7, 0.8), "70 and 90": (0.7, 0.9)},
            means_accuracy,
            look_up_accuracy,
        ),
    ),
    by_heart=predictions.predict(
        options={
            "1.00 and 0.95": "So good on its own pictures, it should be good on others? It has "
            "learned these 200 by heart.",
            "1.00 and 0.75": "It knows its 200 pictures by heart, and new ones not so well.",
            "0.80 and 0.75": "Shown 200 pictures a hundred times, it gets all of them right, or "
            "all but one or two.",
        },
        key=lambda own, new: _nearest(
            {"1.00 and 0.95": (1, 0.95), "1.00 and 0.75": (1, 0.75), "0.80 and 0.75": (0.8, 0.75)},
            own,
            new,
        ),
    ),
)

QUIZ = quiz.Quiz(
    __name__,
    how_many_wrong=quiz.number(
        "A network has an accuracy of {accuracy} on {pictures} test pictures. How many does it get "
        "wrong?",
        draw={
            "pictures": [10_000, 2_000, 5_000, 20_000, 60_000],
            "percent": [83, *range(71, 83), 91, 94],
            "accuracy": lambda percent: percent / 100,
            "missed": lambda percent: 100 - percent,
            "share": lambda missed: missed / 100,
        },
        right=lambda pictures, missed: pictures * missed // 100,
        because="{share} of {pictures}. A share looks small; the pictures behind it are many.",
        wrong={
            "Those are the ones it gets right.": lambda pictures, percent: (
                pictures * percent // 100
            ),
            "That is {missed} in a hundred.": lambda missed: missed,
            "That is the share. How many pictures is that?": lambda share: share,
        },
        unit="pictures",
    ),
    naming=quiz.choice(
        "The scores of a picture are {first} for {names[0]}, {near} for {names[1]}, {lowest} for "
        "{names[2]} and {highest} for {names[3]}. Which class is the network's answer?",
        draw={
            "first": [0.7, 0.6, 0.8],
            "near": [1.1, 0.9],
            "lowest": [-6.3, -7.4, -9.8],
            "highest": [4.2, 3.5, 2.9],
            "names": [
                ("dress", "shirt", "bag", "coat"),
                ("coat", "bag", "shirt", "dress"),
                ("bag", "coat", "dress", "shirt"),
                ("shirt", "dress", "coat", "bag"),
            ],
        },
        right="{names[3]}",
        because="Its score is the highest: the higher, the likelier. Only their order matters.",
        wrong={
            "{names[0]}": "Its score is the first above 0.5, but there is no threshold: several "
            "scores may be above 0.5, or none.",
            "{names[1]}": "Its score is the nearest to 1, but scores are not probabilities yet: "
            "they may be negative, or 12.",
            "{names[2]}": "Its score is the farthest from 0, and the lowest of all: the network "
            "finds this class the least likely.",
        },
        key=lambda first, near, lowest, highest, names: names_of.solve(
            np.array([[first, near, lowest, highest]]), names
        )[0],
    ),
    epoch=quiz.choice(
        "What is an epoch?",
        right="one pass over all training pictures",
        because="With 10 000 pictures and batches of 64 that is 157 steps.",
        wrong={
            "one step with one batch": "That is a step. An epoch has as many steps as there are "
            "batches.",
            "one training of the network from start to end": "A training has several epochs.",
        },
        key="definition",
    ),
    which_score=quiz.choice(
        "A network gets {train} of 100 training pictures right and {test} of 100 test pictures. "
        "What share do you tell people to expect?",
        draw={
            "train": [99, 97, 98, 95],
            "test": [80, 72, 76, 84, 88],
            "train_share": lambda train: train / 100,
            "test_share": lambda test: test / 100,
            "mean": lambda train_share, test_share: (train_share + test_share) / 2,
        },
        right="{test_share:.3f}",
        because="New pictures are what it will meet. It has seen the training pictures before.",
        wrong={
            "{train_share:.3f}": "That measures memory most of all. Nobody needs a network for "
            "pictures whose labels are known.",
            "{mean:.3f}": "The mean of memory and skill is neither.",
        },
        key="argument",
    ),
)
