"""Facts, exercises and quiz of notebooks/*_network_from_scratch.ipynb."""

from dlcourse import data, exercise, quiz, results
from dlcourse.exercise import Mistake

import numpy as np

TITLE = "A network from scratch"
STUDY_MINUTES = 80
NEEDS = ("00",)
DATA = ("digits",)
FRAMEWORKS = ("numpy", "pytorch", "keras", "tensorflow")


def _in_bits():
    return np.log2(20)


def _the_probability():
    return 1 / 20


def _without_the_minus():
    return np.log(1 / 20)


@exercise.value(
    ask="Replace the `...` by the loss, in nats, of a network that gives each of 20 classes the "
    "same probability.",
    unit="nats",
    tolerance=1e-3,
    hints=(
        "With ten classes it was −log(1/10). What is the probability of each class now?",
        "The loss is −log of the probability of the right class, with the natural logarithm.",
        "It is the natural logarithm of 20: `np.log(20)`.",
    ),
    mistakes=[
        Mistake("That is in bits: you took the logarithm to base 2.", _in_bits),
        Mistake("That is the probability. The loss is the surprise at it.", _the_probability),
        Mistake("A loss is never negative. Look at the sign.", _without_the_minus),
    ],
)
def loss_of_guessing():
    return np.log(20)


def _lets_all_through(d_hidden, hidden):
    return d_hidden


def _times_the_signal(d_hidden, hidden):
    return d_hidden * hidden


def _sign_of_the_blame(d_hidden, hidden):
    return d_hidden * (d_hidden > 0)


@exercise.function(
    ask="Return the blame before the ReLU: what flows back where the unit was on, 0 elsewhere.",
    cases=[
        {
            "d_hidden": np.array([[0.5, -1.0, 2.0], [0.1, 0.2, -0.3]]),
            "hidden": np.array([[0.0, 3.0, 0.5], [2.0, 0.0, 1.5]]),
        },
        {"d_hidden": np.array([[1.0, -4.0]]), "hidden": np.array([[0.0, 0.0]])},
    ],
    hints=(
        "A unit was on where `hidden` is above 0. What should happen to `d_hidden` elsewhere?",
        "Comparing gives True and False, and these count as 1 and 0 in a product.",
        "Multiply `d_hidden` by the array that says where `hidden` is above 0.",
    ),
    mistakes=[
        Mistake("All blame goes through, also to units that were off.", _lets_all_through),
        Mistake(
            "You scale the blame by how strongly a unit was on. The slope of the ReLU is 1 "
            "wherever it is on.",
            _times_the_signal,
        ),
        Mistake(
            "You ask whether the blame is positive. Whether the unit was on decides.",
            _sign_of_the_blame,
        ),
    ],
)
def before_relu(d_hidden, hidden):
    return d_hidden * (hidden > 0)


def _overflowing(scores):
    with np.errstate(all="ignore"):
        powers = np.exp(scores)
        return powers / powers.sum(axis=1, keepdims=True)


def _one_shift_for_all(scores):
    with np.errstate(all="ignore"):
        powers = np.exp(scores - scores.max())
        return powers / powers.sum(axis=1, keepdims=True)


def _divided(scores):
    powers = np.exp(scores / np.abs(scores).max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _clipped(scores):
    powers = np.exp(np.clip(scores, -50, 50))
    return powers / powers.sum(axis=1, keepdims=True)


@exercise.function(
    ask="Mend the softmax: with scores of 1000 it gives nan. The probabilities must stay the same.",
    cases=[
        {"scores": np.array([[1.0, 2.0, 3.0], [0.5, 0.0, 1.0]])},
        {"scores": np.array([[1000.0, 1001.0, 1002.0], [3.0, 1.0, 2.0]])},
        {"scores": np.array([[-2000.0, -2001.0]])},
    ],
    hints=(
        "e to the power of 1000 is too large for a number of 64 bits. But only the differences "
        "of scores matter: softmax of (1, 2) equals softmax of (101, 102).",
        "Take something off each row, so that its largest score becomes 0.",
        "Before `np.exp`, subtract `scores.max(axis=1, keepdims=True)`.",
    ),
    mistakes=[
        Mistake("It still gives nan: e to the power of 1000 is computed as before.", _overflowing),
        Mistake(
            "You take the largest score of the whole batch off every row. A row far below it "
            "becomes 0 / 0.",
            _one_shift_for_all,
        ),
        Mistake("Dividing the scores changes the probabilities. Subtracting does not.", _divided),
        Mistake("Clipping makes different scores equal, so their order is lost.", _clipped),
    ],
)
def safe_softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _sum_of_cubes(weights):
    return (weights**3).sum()


def _distance(weights):
    return np.sqrt(1 + (weights**2).sum())


def _one_sided(loss, weights, epsilon):
    gradient = np.zeros_like(weights)
    for i in range(len(weights)):
        moved = weights.copy()
        moved[i] += epsilon
        gradient[i] = (loss(moved) - loss(weights)) / epsilon
    return gradient


def _half_the_width(loss, weights, epsilon):
    return 2 * numeric_gradient.answer(loss, weights, epsilon)


def _never_moved_back(loss, weights, epsilon):
    gradient, moved = np.zeros_like(weights), weights.copy()
    for i in range(len(weights)):
        moved[i] += epsilon
        above = loss(moved)
        moved[i] -= 2 * epsilon
        gradient[i] = (above - loss(moved)) / (2 * epsilon)
    return gradient


@exercise.function(
    ask="Return the gradient of `loss` at `weights` (D,), each slope by a two-sided difference.",
    cases=[
        {"loss": _sum_of_cubes, "weights": np.array([1.0, -2.0, 0.5]), "epsilon": 0.1},
        {"loss": _distance, "weights": np.array([0.3, 4.0]), "epsilon": 0.01},
    ],
    hints=(
        "Go through the weights one by one. Move only that one, and leave the array you were given "
        "as it is.",
        "For each place you need the loss a little above and a little below; their distance on the "
        "axis is twice epsilon.",
        "In a loop over `i`: copy the weights, add epsilon at `i`; copy again, subtract it; divide "
        "the difference of both losses by `2 * epsilon`.",
    ),
    mistakes=[
        Mistake(
            "Your difference looks to one side only. That is a slope too, but a hundred times less "
            "exact: go up and down.",
            _one_sided,
        ),
        Mistake("Twice too large: from below to above is two epsilons.", _half_the_width),
        Mistake(
            "The first slope is right, the later ones are off: a moved weight stays moved.",
            _never_moved_back,
        ),
    ],
)
def numeric_gradient(loss, weights, epsilon):
    gradient = np.zeros_like(weights)
    for i in range(len(weights)):
        above, below = weights.copy(), weights.copy()
        above[i] += epsilon
        below[i] -= epsilon
        gradient[i] = (loss(above) - loss(below)) / (2 * epsilon)
    return gradient


def _score(answer):
    w1, b1, w2, b2 = answer
    valid = data.load("digits").valid
    hidden = np.maximum(0, valid.features @ w1 + b1)
    return results.accuracy(hidden @ w2 + b2, valid.labels)


def _never_trained(new_weights):
    return new_weights(0)


def _from_equal_weights(train_numpy, new_weights):
    return train_numpy([np.full_like(w, 0.1) for w in new_weights(0)])[0]


def _with_the_losses(train_numpy, new_weights):
    return train_numpy(new_weights(0))


@exercise.outcome(
    ask="Train a network of 32 hidden units, in any way you like, that names 95 of 100 validation "
    "digits. Put its four arrays, as `train_numpy` returns them, in `my_weights`.",
    measure=_score,
    bar=0.95,
    what="Its validation accuracy is",
    hints=(
        "`train_numpy` returns two things. Which one are the weights?",
        "The start matters little as long as it is random; the number of epochs and the learning "
        "rate matter more.",
        "Start from `new_weights` with another seed and train with `train_numpy`.",
    ),
    mistakes=[
        Mistake(
            "Most hidden units are copies of others. What broke the symmetry in the lesson?",
            _from_equal_weights,
            sign=lambda answer: len(answer) == 4 and _mostly_copies(answer[0]),
        ),
        Mistake(
            "It is as good as guessing: these weights were never trained.",
            _never_trained,
            sign=lambda answer: len(answer) == 4 and _score(answer) < 0.4,
        ),
        Mistake(
            "`train_numpy` returns the weights and the losses. Only the weights are wanted.",
            _with_the_losses,
            sign=lambda answer: len(answer) == 2,
        ),
    ],
)
def my_weights(train_numpy, new_weights):
    trained, _ = train_numpy(new_weights(3))
    return trained


def _mostly_copies(w1):
    """Rounding lets a few of the equal units drift apart, on some processors."""
    different = len(np.unique(np.asarray(w1).round(4), axis=1).T)
    return different <= np.shape(w1)[1] / 4


QUIZ = quiz.Quiz(
    __name__,
    two_classes=quiz.number(
        "Spam or not: two classes. What is the loss, in nats, of a network that knows nothing?",
        right=0.693,
        tolerance=0.005,
        because="−log(1/2) = 0.693 nats. Every loss begins near log K for K classes.",
        wrong={1.0: "That is in bits, 1 bit = 0.693 nats.", 0.5: "That is the probability."},
        unit="nats",
    ),
    accused=quiz.choice(
        "A gradient check accuses the first layer's arrays and acquits the second layer's. "
        "Where is the mistake?",
        right="between the two layers, on the way back",
        because="Blame flows backwards: what lies behind the mistake is still right.",
        wrong={
            "in the loss": "Then every array would be accused.",
            "in the second layer's own gradient": "That one was acquitted.",
            "in the forward pass": "The check asks whether the gradient belongs to this forward "
            "pass, right or wrong.",
        },
    ),
    shape=quiz.choice(
        "x is (N, 64), d_before_relu is (N, 32). Which product is the gradient of W1?",
        right="x.T @ d_before_relu",
        because="(64, N) times (N, 32) gives (64, 32), the shape of W1.",
        wrong={
            "d_before_relu.T @ x": "That is (32, 64): the transpose.",
            "x @ d_before_relu.T": "That is (N, N): it compares examples with examples.",
        },
    ),
    apart=quiz.choice(
        "The same weights and batches, two frameworks, and after one epoch the losses differ by "
        "0.01. What do you suspect first?",
        right="a convention: another default in one of them",
        because="Rounding stays near 0.000001 for so few steps.",
        wrong={
            "rounding in 32 bits": "That is ten thousand times too much for rounding.",
            "chance": "Nothing is left to chance: weights and batches are the same.",
        },
    ),
)
