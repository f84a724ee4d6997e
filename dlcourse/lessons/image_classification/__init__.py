"""Facts, exercises and quiz of notebooks/*_image_classification.ipynb."""

from dlcourse import backends, data, exercise, quiz
from dlcourse.exercise import Mistake

import numpy as np

TITLE = "Classifying images fast"
STUDY_MINUTES = 135
NEEDS = ("11", "20")
DATA = ("fashion-mnist",)


def _without_biases():
    return 32 * 16 * 3 * 3


def _a_bias_for_each_channel():
    return 32 * 16 * 9 + 16


def _one_channel_only():
    return 32 * 3 * 3 + 32


def _one_filter():
    return 16 * 3 * 3 + 1


@exercise.value(
    ask="Replace the `...` by the number of weights and biases of `torch.nn.Conv2d(16, 32, 3)`.",
    unit="weights and biases",
    hints=(
        "Each of the 32 filters looks at a window of 3 × 3 pixels. How many numbers are in it?",
        "Each pixel holds 16 numbers, one for each channel; each filter also has one bias.",
        "32 filters, each with 16 · 3 · 3 weights and 1 bias.",
    ),
    mistakes=[
        Mistake("The biases are missing: one for each filter.", _without_biases),
        Mistake(
            "A bias belongs to a filter, not to a channel that comes in.", _a_bias_for_each_channel
        ),
        Mistake(
            "Your filters look at one channel only. A filter weighs all 16 of them.",
            _one_channel_only,
        ),
        Mistake("That is one filter. The layer has 32.", _one_filter),
    ],
)
def weights_of_a_layer():
    return 32 * (16 * 3 * 3 + 1)


def _upside_down(images):
    return images[:, ::-1]


def _other_order(images):
    return images[::-1]


def _channels_reversed(images):
    return images[..., ::-1]


def _on_its_side(images):
    return images.swapaxes(1, 2)


def _some_images(random):
    shape = random.integers(1, 6, 4)
    images = random.permutation(shape.prod()).reshape(shape)
    return {"images": (images - random.choice([0, 9])) / random.choice([1, 100])}


@exercise.function(
    ask="Fix the function: it should flip each picture of `images` (N, H, W, C) left to right.",
    cases=[
        {"images": np.arange(24.0).reshape(2, 2, 3, 2)},
        {"images": np.arange(18.0).reshape(1, 3, 3, 2)},
    ],
    draw=_some_images,
    hints=(
        "Draw what the function does to a boot: `plot.images(mirrored(test[:5].images))`.",
        "The function reverses one of the four axes (N, H, W, C). Which one runs from left to "
        "right?",
        "Reverse the third axis: a `:` for each axis before it.",
    ),
    given=_upside_down,
    mistakes=[
        Mistake("Now each picture is upside down: you reversed the axis H.", _upside_down),
        Mistake(
            "Each picture is as it was, only their order has changed: you reversed the axis N.",
            _other_order,
        ),
        Mistake("You reversed the order of the channels: that is the axis C.", _channels_reversed),
        Mistake("You swapped rows and columns: the pictures lie on their side.", _on_its_side),
    ],
)
def mirrored(images):
    return images[:, :, ::-1]


def _one_on_each_side(pixels, window, stride):
    return window // 2, window // 2


def _as_for_stride_one(pixels, window, stride):
    return (window - 1) // 2, window - 1 - (window - 1) // 2


def _above_first(pixels, window, stride):
    above, below = same_padding.solve(pixels, window, stride)
    return below, above


def _fewer_than_none(pixels, window, stride):
    rows = (-(-pixels // stride) - 1) * stride + window - pixels
    return rows // 2, rows - rows // 2


def _rounded_down(pixels, window, stride):
    places = pixels // stride
    rows = max((places - 1) * stride + window - pixels, 0)
    return rows // 2, rows - rows // 2


def _some_window(random):
    pixels, window, stride = random.integers(1, (40, 8, 5)).tolist()
    return {"pixels": pixels, "window": window, "stride": stride}


@exercise.function(
    ask='Return how many rows of zeros Keras adds above and below under `padding="same"`, as a '
    "pair.",
    cases=[
        {"pixels": 28, "window": 3, "stride": 1},
        {"pixels": 14, "window": 3, "stride": 2},
        {"pixels": 7, "window": 3, "stride": 2},
        {"pixels": 9, "window": 5, "stride": 2},
        {"pixels": 9, "window": 1, "stride": 2},
        {"pixels": 10, "window": 4, "stride": 3},
        {"pixels": 10, "window": 1, "stride": 2},
        {"pixels": 28, "window": 1, "stride": 3},
    ],
    draw=_some_window,
    hints=(
        "On paper: 14 pixels, a window of 3, stride 2. Seven windows are needed. Where does the "
        "last one begin, and where does it end?",
        "The last of `n` windows begins (n − 1) · stride pixels after the first. What sticks out "
        "of the picture has to be zeros; their number is never negative.",
        "Positions: `-(-pixels // stride)`, rounded up. Rows in all: (positions − 1) · stride + "
        "window − pixels, at least 0. Half of them, rounded down, go above.",
    ),
    mistakes=[
        Mistake(
            "That is PyTorch's `padding`, the same on both sides, whatever the stride.",
            _one_on_each_side,
        ),
        Mistake(
            "Right for stride 1. With a larger stride fewer windows are needed: how many?",
            _as_for_stride_one,
        ),
        Mistake("The odd row goes below, not above.", _above_first),
        Mistake(
            "For a window smaller than the stride you get less than no row. There are at least 0.",
            _fewer_than_none,
        ),
        Mistake(
            "The number of positions is rounded up: 7 pixels, stride 2, gives 4.", _rounded_down
        ),
    ],
)
def same_padding(pixels, window, stride):
    positions = -(-pixels // stride)
    rows = max((positions - 1) * stride + window - pixels, 0)
    return rows // 2, rows - rows // 2


def _the_same_accuracy(counts, shares):
    return np.trace(counts) / counts.sum()


def _mean_recall(counts, shares):
    return np.mean(np.diag(counts) / counts.sum(axis=1))


def _precisions_weighed(counts, shares):
    return np.sum(shares * np.diag(counts) / counts.sum(axis=0))


def _counts_weighed(counts, shares):
    return np.sum(shares * np.diag(counts)) / counts.sum()


def _some_counts(random):
    classes = random.integers(2, 6)
    counts = random.integers(0, 9, (classes, classes)) + np.diag(random.integers(1, 30, classes))
    return {"counts": counts, "shares": random.multinomial(100, [1 / classes] * classes) / 100}


@exercise.function(
    ask="Return the accuracy to expect where the classes come in the given `shares` (K,), which "
    "add up to 1. `counts` (K, K) is a confusion matrix: true class down, answer across.",
    cases=[
        {
            "counts": np.array([[8, 2, 0], [1, 5, 4], [0, 0, 20]]),
            "shares": np.array([0.5, 0.3, 0.2]),
        },
        {"counts": np.array([[3, 1], [0, 20]]), "shares": np.array([0.9, 0.1])},
    ],
    draw=_some_counts,
    hints=(
        "Suppose the shop sold shirts only. Which of the ten recalls would its accuracy be?",
        "The recall of a class does not depend on how often the class comes. First compute all "
        "recalls: the diagonal, divided by the sums of the rows.",
        "A mean of the recalls, each weighed by the share of its class.",
    ),
    mistakes=[
        Mistake(
            "That is the accuracy on the pictures you counted, with their shares, not the shop's.",
            _the_same_accuracy,
        ),
        Mistake("That is right for equal shares only.", _mean_recall),
        Mistake(
            "You weighed the precisions. Of the shop's shirts, which part will be recognised?",
            _precisions_weighed,
        ),
        Mistake(
            "You weighed the numbers of right answers. Turn each into a part of its class first.",
            _counts_weighed,
        ),
    ],
)
def accuracy_in_the_shop(counts, shares):
    recalls = np.diag(counts) / counts.sum(axis=1)
    return np.sum(shares * recalls)


def _accuracy_on(model, part):
    """A Keras model as in section 1 divides by 255 itself: it gets the bytes as numbers."""
    layers = [type(layer).__name__ for layer in getattr(model, "layers", ())]
    pixels = part.pixels.astype("float32") if "Rescaling" in layers else part.pixels
    return backends.evaluate(model, pixels, part.labels).accuracy


def _validation_accuracy(model):
    return _accuracy_on(model, data.load("fashion-mnist").valid)


def _knows_more_pictures(model):
    """Whether it does as well on the next 5 000 training pictures as on the first, or much better
    than on pictures that nobody trains on."""
    train, new = data.load("fashion-mnist").train, _validation_accuracy(model)
    first, others = (_accuracy_on(model, train[start : start + 5_000]) for start in (0, 5_000))
    return new > 0.86 and (first - others < 0.01 or others - new > 0.02)


def _knows_validation_or_test(model):
    """Whether it does better there than on training pictures beyond the first 5 000.

    Of honest networks by 0.005 at most, of others by 0.02 to 0.07.
    """
    fashion = data.load("fashion-mnist")
    parts = (fashion.valid, fashion.test[:5_000], fashion.test[5_000:])
    others = _accuracy_on(model, fashion.train[5_000:10_000])
    return any(_accuracy_on(model, part) - others > 0.013 for part in parts)


def _trained_on_validation(residual_network, train_fast):
    model, valid = residual_network(), data.load("fashion-mnist").valid
    train_fast(model, valid.pixels, valid.labels, 8, batch_size=64)
    return model


def _trained_on_all(fast):
    return fast


def _never_trained(residual_network):
    return residual_network()


def _learned_nothing(residual_network, train_fast, train):
    model = residual_network()
    train_fast(model, train.pixels[:2000], train.labels[:2000][::-1].copy(), 1, show=False)
    return model


def _the_history(residual_network, train_fast, train):
    model = residual_network()
    return train_fast(model, train.pixels[:1000], train.labels[:1000], 1, show=False)


@exercise.measured(
    ask="Train a network on the first 5 000 training pictures only, so that it gets 86 of 100 "
    "validation pictures right. Put it in `small_data_model`.",
    measure=_validation_accuracy,
    bar=0.86,
    what="Its validation accuracy is",
    hints=(
        "What runs out first here, pictures or steps? With batches of 128 an epoch has 40 steps.",
        "More epochs, or smaller batches: both give more steps. `train_fast` takes `batch_size=…`.",
        "`train_fast` on `train.pixels[:5000]` for 8 epochs, with a batch size of 64.",
    ),
    mistakes=[
        Mistake(
            "It is as good as guessing. Was it trained, and were its labels in the same order as "
            "its pictures?",
            _learned_nothing,
            sign=lambda answer: (
                hasattr(answer, "parameters")
                and not _is_new(answer)
                and _validation_accuracy(answer) < 0.25
            ),
        ),
        Mistake(
            "This model was never trained: its batch norms have seen no batch.",
            _never_trained,
            sign=lambda answer: hasattr(answer, "parameters") and _is_new(answer),
        ),
        Mistake(
            "It does better on validation or test pictures than on new training pictures. Was it "
            "trained on them?",
            _trained_on_validation,
            sign=_knows_validation_or_test,
        ),
        Mistake(
            "It knows the next 5 000 training pictures too well for pictures that it has not seen. "
            "Was it trained on more than the first 5 000?",
            _trained_on_all,
            sign=_knows_more_pictures,
        ),
        Mistake(
            "That is the history of the training. Hand over the model.",
            _the_history,
            sign=lambda answer: hasattr(answer, "train_loss"),
        ),
    ],
)
def small_data_model(residual_network, train_fast, train):
    model = residual_network()
    train_fast(model, train.pixels[:5000], train.labels[:5000], 8, batch_size=64)
    return model


def _is_new(model):
    seen = [buffer for name, buffer in model.named_buffers() if name.endswith("batches_tracked")]
    return bool(seen) and not any(int(count) for count in seen)


QUIZ = quiz.Quiz(
    __name__,
    shirts=quiz.number(
        "Of 100 shirts a network calls 75 shirt. It also calls 20 other pictures shirt. What is "
        "its recall for shirts?",
        right=0.75,
        tolerance=0.003,
        because="Recall asks about the shirts there are: 75 of 100.",
        wrong={
            0.789: "That is the precision: 75 of the 95 that were called shirt.",
            75: "Say it as a share between 0 and 1.",
        },
    ),
    learned=quiz.number(
        "A 3 × 3 convolution without biases has 64 channels in and 64 filters. A batch norm "
        "follows. How many numbers do the two layers learn?",
        right=36_992,
        because="64 · 64 · 9 weights, and a scale and a shift for each of the 64 channels.",
        wrong={
            36_864: "Batch norm learns something too.",
            37_120: "You counted the running averages. They are measured, not learned.",
            36_928: "Batch norm has two learned numbers for each channel.",
        },
        unit="numbers",
    ),
    one_run=quiz.choice(
        "On the same 10 000 test pictures recipe A reached 0.904 in one run, recipe B 0.902 in "
        "another. Five seeds of A lie between 0.902 and 0.904. Which recipe is better?",
        right="two single runs cannot tell",
        because="Another seed moves A by as much as the two differ. Compare the bands of both.",
        wrong={
            "A, by about two pictures in a thousand": "With another seed it may be B.",
            "neither: the two are equally good": "Two runs cannot show that either.",
        },
    ),
    one_class_at_a_time=quiz.choice(
        "A network gets 92 of 100 validation pictures right. Fed with the same pictures sorted by "
        "class, it gets 60. What do you suspect?",
        right="it is in training mode",
        because="Its batch norms use the mean and variance of each batch, and these are now odd.",
        wrong={
            "it learned the order of the pictures by heart": "These are validation pictures. It "
            "never learned from them, in any order.",
            "it forgets a class when it sees many of another": "Without training steps its weights "
            "do not change.",
        },
    ),
    border=quiz.choice(
        "You carry PyTorch weights with `padding=1` into Keras layers with `padding='same'`: a "
        "3 × 3 convolution of stride 2, used on maps of 28 × 28 and of 7 × 7. Where do the numbers "
        "differ?",
        right="on 28 × 28 only",
        because="28 pixels need one row of zeros, which Keras puts below; 7 need two, one on each "
        "side.",
        wrong={
            "on both, since both have a stride of 2": "Try Keras's rule on 7 pixels: how many rows "
            "of zeros do four windows need?",
            "on neither, since the maps have the same sizes": "Sizes can agree while each window "
            "looks one pixel further on.",
        },
    ),
    threshold=quiz.choice(
        "You search 5 000 validation pictures for the threshold at which 99 % of the answers are "
        "right. What should you expect on new pictures?",
        right="about 99 %, a few in a thousand either way",
        because="One threshold hardly fits 5 000 pictures: in the lesson new pictures were worse "
        "in about half of the splits. Report what they say.",
        wrong={
            "clearly less, since the threshold was fitted to the old ones": "It was, but a single "
            "number cannot fit thousands of pictures much.",
            "exactly 99 %, since both come from the same source": "They do. Chance still moves the "
            "share by about 0.002.",
        },
    ),
)
