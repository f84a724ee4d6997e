"""Facts, exercises and quiz of notebooks/*_image_classification.ipynb."""

from dlcourse import backends, data, exercise, quiz
from dlcourse.exercise import Mistake

import numpy as np

TITLE = "Classifying images fast"
STUDY_MINUTES = 95
NEEDS = ("11", "20")
DATA = ("fashion-mnist",)
FRAMEWORKS = ("pytorch", "keras")


def _without_biases():
    return 32 * 16 * 3 * 3


def _one_channel_only():
    return 32 * 3 * 3 + 32


def _one_filter():
    return 16 * 3 * 3 + 1


@exercise.value(
    ask="Replace the `...` by the number of weights and biases of `torch.nn.Conv2d(16, 32, 3)`.",
    unit="weights and biases",
    hints=(
        "Each of the 32 filters looks at a square of 3 × 3 places. How many numbers lie there?",
        "At each place lie 16 numbers, one for each channel; each filter also has one bias.",
        "32 filters, each with 16 · 3 · 3 weights and 1 bias.",
    ),
    mistakes=[
        Mistake("The biases are missing: one for each filter.", _without_biases),
        Mistake(
            "Your filters look at one channel only. A filter weighs all 16 of them.",
            _one_channel_only,
        ),
        Mistake("That is one filter. The layer has 32.", _one_filter),
    ],
)
def weights_of_a_layer():
    return 32 * (16 * 3 * 3 + 1)


def _precision(counts):
    return np.diag(counts) / counts.sum(axis=0)


def _accuracy(counts):
    return np.full(len(counts), np.trace(counts) / counts.sum())


def _share_of_all(counts):
    return np.diag(counts) / counts.sum()


def _hits(counts):
    return np.diag(counts).astype(float)


@exercise.function(
    ask="Return the recall of each kind (K,), from a confusion matrix with the true kind down and "
    "the predicted kind across.",
    cases=[
        {"counts": np.array([[8, 2, 0], [1, 5, 4], [0, 0, 10]])},
        {"counts": np.array([[3, 1], [0, 20]])},
    ],
    hints=(
        "Of the shirts, how many were called shirt? All shirts stand in one row.",
        "The right answers are on the diagonal: `np.diag`. How many pictures has each kind?",
        "Divide the diagonal by the sums of the rows.",
    ),
    mistakes=[
        Mistake("That is precision: you divided by how many were *called* this kind.", _precision),
        Mistake("That is the accuracy, the same for every kind.", _accuracy),
        Mistake("You divided by all pictures. Divide by those of the kind.", _share_of_all),
        Mistake("Those are counts. A share of the kind's pictures is wanted.", _hits),
    ],
)
def recalls(counts):
    return np.diag(counts) / counts.sum(axis=1)


def _upside_down(images):
    return images[:, ::-1]


def _other_order(images):
    return images[::-1]


def _channels_turned(images):
    return images[..., ::-1]


def _on_its_side(images):
    return images.swapaxes(1, 2)


@exercise.function(
    ask="Mend the function: it must mirror each picture of `images` (N, H, W, C) left to right.",
    cases=[
        {"images": np.arange(24.0).reshape(2, 2, 3, 2)},
        {"images": np.arange(18.0).reshape(1, 3, 3, 2)},
    ],
    hints=(
        "Draw what the function does to one picture. Is the boot mirrored, or upside down?",
        "Left to right is the axis W. At which place in (N, H, W, C) does it stand?",
        "Turn the third axis round: a `:` for each axis before it.",
    ),
    mistakes=[
        Mistake("The pictures stand on their heads: that is the axis H.", _upside_down),
        Mistake("The pictures are whole, only in another order: that is the axis N.", _other_order),
        Mistake("You turned the channels round: that is the axis C.", _channels_turned),
        Mistake("You swapped rows and columns: the pictures lie on their side.", _on_its_side),
    ],
)
def mirrored(images):
    return images[:, :, ::-1]


def _validation_accuracy(model):
    valid = data.load("fashion-mnist").valid
    return backends.of(model).evaluate(model, valid.pixels, valid.labels).accuracy


def _never_trained(residual_network):
    return residual_network()


def _learned_nothing(residual_network, train_fast, train):
    model = residual_network()
    train_fast(model, train.pixels[:2000], train.labels[:2000][::-1].copy(), 1, show=False)
    return model


def _the_history(residual_network, train_fast, train):
    model = residual_network()
    return train_fast(model, train.pixels[:1000], train.labels[:1000], 1, show=False)


@exercise.outcome(
    ask="Train a network on the first 5 000 pictures only, so that it names 83 of 100 validation "
    "pictures. Put it in `small_data_model`.",
    measure=_validation_accuracy,
    bar=0.83,
    what="Its validation accuracy is",
    hints=(
        "What runs out first here, pictures or steps? With batches of 128 an epoch has 40 steps.",
        "More epochs, or smaller batches: both give more steps. `train_fast` takes `batch_size=…`.",
        "`train_fast` on `train.pixels[:5000]` for 8 epochs, with a batch size of 64.",
    ),
    mistakes=[
        Mistake(
            "It is as good as guessing. Was it trained on labels in the same order as the "
            "pictures?",
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
        wrong={0.789: "That is the precision: 75 of the 95 that were called shirt."},
    ),
    one_run=quiz.choice(
        "Recipe A reached 0.905 in one run, recipe B 0.902 in another. Which is better?",
        right="one cannot say from this",
        because="Other seeds move the accuracy by as much. Compare bands, not single runs.",
        wrong={
            "A, by three pictures in a thousand": "With another seed it may be B.",
            "neither: they are equally good": "That is a claim too, and two runs cannot show it.",
        },
    ),
    same_padding=quiz.choice(
        "The same weights in Keras with padding='same', stride 2 and 28 pixels, and in PyTorch "
        "with padding=1. What do you see?",
        right="the same sizes, but other numbers",
        because="Keras puts the row of zeros below only, PyTorch one above and one below.",
        wrong={
            "the same numbers": "The two put their zeros in different places.",
            "an error about sizes": "The sizes agree, which is why nobody notices.",
        },
    ),
    where_weights=quiz.choice(
        "Which layer of LeNet holds most of its weights?",
        right="the first dense layer",
        because="It has a weight of its own for every place of every map.",
        wrong={
            "the first convolution": "It has the fewest: the same 25 weights are used everywhere.",
            "the last dense layer": "It has only 84 · 10 weights and 10 biases.",
        },
    ),
)
