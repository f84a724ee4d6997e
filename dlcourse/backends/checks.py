"""Checks of what goes into a model and comes out of it, and the words for what does not fit."""

import re

from dlcourse.arrays import expect_labels, looks_one_hot, softmax, to_numpy
from dlcourse.errors import KindError, RangeError, ShapeError

import numpy as np

LOSSES = ("cross-entropy", "squared error", "absolute error")  # names that all backends know


def expect_loss(loss) -> None:
    """Check that a loss is one of LOSSES, or a function.

    Raises:
        KindError: It is neither.
    """
    if loss not in LOSSES and not callable(loss):
        names = ", ".join(f'"{name}"' for name in LOSSES)
        raise KindError(
            f"`loss` is {loss!r}, but should be one of {names}, or a function (outputs, targets)."
        )


def batch_targets(targets, loss=None) -> tuple:
    """Return the targets of one batch as NumPy, and the name of the loss that they are for.

    Args:
        targets: Class indices (B,) or (B, T), or floats of the outputs' shape.
        loss: One of LOSSES; None means "squared error" for floats, else "cross-entropy".
    """
    targets = to_numpy(targets)
    loss = loss or ("squared error" if targets.dtype.kind == "f" else "cross-entropy")
    expect_loss(loss)
    if loss == "cross-entropy":
        return expect_labels(targets, None, steps=True), loss
    return targets.astype("float32"), loss


def check_batch(outputs, targets, loss) -> None:
    """Check that one batch of outputs can be compared with its targets by a named loss.

    Raises:
        ShapeError, RangeError: See `check_scores`; or outputs and targets differ in shape.
    """
    if loss == "cross-entropy":
        check_scores(outputs, targets)
    elif outputs.shape != targets.shape:
        raise ShapeError(
            f"The model gives shape {outputs.shape}, but the targets have {targets.shape}. "
            "Give both the same shape: as many outputs as numbers to predict."
        )


def check_outputs(outputs, targets, options) -> None:
    """Look at the outputs (B, …) of a first batch, so that mistakes show at once, in words.

    Raises:
        ShapeError, RangeError: See `check_scores`; or a column of outputs and a row of targets.
    """
    if options.classifies:
        for labels in (targets, *([options.valid[1]] if options.valid else [])):
            first = labels[: len(outputs)]
            scores = outputs[: len(first)]
            check_scores(scores, first)
            check_scores(scores, np.full_like(first, labels.max()))  # the highest needs one too
    elif outputs.shape == (len(outputs), 1) and targets.ndim == 1:
        raise ShapeError(
            f"The model gives shape {outputs.shape}, but the targets have "
            f"{targets[: len(outputs)].shape}: a loss would compare every output with every "
            "target. Give the targets the same shape: labels[:, None]."
        )
    elif options.named:
        check_batch(outputs, targets[: len(outputs)], "squared error")


def check_loss(loss) -> None:
    """Check that the learner's own loss function gave one number, of shape ().

    Raises:
        ShapeError: It gave more than one.
    """
    if tuple(loss.shape) != ():
        raise ShapeError(
            f"The loss function gives shape {tuple(loss.shape)}, but should give one number for "
            "the batch: return the mean."
        )


def refused(inputs, expected, error) -> ShapeError:
    """Return the ShapeError that says in words which inputs a model cannot take.

    Args:
        inputs: The batch that came.
        expected: What the model's first layer wants, such as "Linear (N, 64)".
        error: What the framework raised.
    """
    text = (
        f"The model cannot take inputs of shape {inputs.shape} and type {inputs.dtype}; "
        f"its first layer is {expected}. "
    )
    if inputs.ndim == expected.count(","):  # as many axes but one
        text += "For a single example, add the batch axis: images[None]. "
    if inputs.dtype == np.uint8 and inputs.ndim == 2:
        text += "Bytes count as pixels and are divided by 255: convert tokens to int64. "
    return ShapeError(f"{text}The framework says: {_reason(error)}")


def _reason(error):
    """Return the sentence that says what went wrong, out of a framework's long message."""
    marked = re.search(r"\x1b\[1m(.+?)\x1b\[0m", str(error), re.DOTALL)  # Keras prints it in bold
    text = re.sub(r"\{\{.*?\}\}", "", marked[1] if marked else str(error)).strip()
    lines = text.splitlines() or [type(error).__name__]
    return lines[-1 if lines[0].startswith("in user code") else 0].split(" for '")[0][:300]


def check_scores(scores, targets) -> None:
    """Check a batch's scores (B, K) against its class indices (B,), or (B, T, K) against (B, T).

    Raises:
        ShapeError: There is not one row of scores for each class index.
        RangeError: The last layer is too narrow for a label, or the model ends in softmax.
    """
    if scores.ndim < 2 or scores.shape[:-1] != targets.shape:
        raise ShapeError(_misfit(scores.shape, targets))
    highest, classes = int(targets.max()), scores.shape[-1]
    if highest >= classes:
        raise RangeError(
            f"The model's last layer gives {classes} scores, so labels may go from 0 to "
            f"{classes - 1}, but there is a label {highest}. "
            f"Make the last layer at least {highest + 1} wide, one score for each class."
        )
    if classes > 1 and np.all(scores >= 0) and np.allclose(scores.sum(axis=-1), 1, atol=1e-5):
        raise RangeError(
            "Every row of the model's output adds up to 1, so it ends in softmax, but should "
            "give raw scores: the loss applies softmax itself, and applied twice it learns badly. "
            "Remove the softmax."
        )


def _misfit(shape, targets):
    """Return what is wrong with scores of this shape for these class indices, and what to do."""
    count, given = len(targets), f"the model gives shape {tuple(shape)}"
    if targets.ndim == 1:
        if len(shape) == 3 and shape[0] == count:
            return (
                f"For {count} examples {given}, scores for each of {shape[1]} steps, but there is "
                f"one label for each example. Score the last step only, such as outputs[:, -1], or "
                f"give one label for each step: ({count}, {shape[1]})."
            )
        return (
            f"For {count} examples {given}, but one row "
            f"of class scores for each is needed: ({count}, K). "
            "Is a Flatten, or the last layer, missing?"
        )
    steps = targets.shape[1]
    if steps == 1 and len(shape) == 2:
        return (
            f"The labels have shape {targets.shape}, but one class index for each example is "
            "needed, shape (N,). Use labels[:, 0]."
        )
    if shape[0] == count and len(shape) == 3 and shape[2] == steps:
        return (
            f"For labels {targets.shape} {given}. Scores come last here: ({count}, {steps}, K). "
            "(N, K, T) is what PyTorch's own loss wants; leave the transpose out."
        )
    if looks_one_hot(targets):
        return (
            f"The labels have shape {targets.shape}: these look like one-hot rows, but one class "
            "index for each example is needed, shape (N,). Use labels.argmax(axis=1)."
        )
    return (
        f"The labels have shape {targets.shape}, one class for each of {steps} steps, but {given}. "
        f"Give one label for each example, or let the model score each step: ({count}, {steps}, K)."
    )


def check_class_scores(shape) -> None:
    """Check that a model gives class scores: outputs of shape (N, K).

    Raises:
        ShapeError: It gives something else, such as maps.
    """
    if len(shape) != 2:
        raise ShapeError(
            f"The model gives shape {tuple(shape)}, but should give class scores: ({shape[0]}, K). "
            "Is a Flatten, or the last layer, missing?"
        )


def check_seen(seen, layer, tensor) -> None:
    """Check that a layer ran exactly once for a batch, and gave one tensor.

    Raises:
        KindError: It did not, so "what the layer gives" is not one thing.
    """
    if len(seen) != 1:
        raise KindError(
            f"Layer {layer!r} runs {len(seen)} times for a batch, but should run exactly once. "
            "Ask for another layer, one that the scores pass through once."
        )
    if not isinstance(seen[0], tensor):
        raise KindError(
            f"Layer {layer!r} gives a {type(seen[0]).__name__}, but should give one tensor: ask "
            "for another layer."
        )


def mean_cross_entropy(scores, labels) -> float:
    """Return the mean cross-entropy (nats) of raw scores (…, K) with class indices (…)."""
    probabilities = softmax(scores.astype("float64")).reshape(labels.size, -1)
    chosen = probabilities[np.arange(labels.size), labels.ravel()]
    return float(-np.log(np.maximum(chosen, 1e-300)).mean())
