"""Checks of what goes into a model and comes out of it, and the words for what does not fit."""

import functools
import math
import pickle
import random
import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dlcourse.arrays import (
    as_floats,
    expect_examples,
    expect_finite,
    expect_labels,
    expect_real,
    looks_one_hot,
    softmax,
    to_numpy,
)
from dlcourse.errors import CourseError, KindError, RangeError, ShapeError, in_short, told

import numpy as np

GENERATORS = random.Random, np.random.Generator, np.random.RandomState
LOSSES = ("cross-entropy", "squared error", "absolute error")  # names that all backends know


def expect_loss(loss) -> None:
    """Check that a loss is one of LOSSES, or a function.

    Raises:
        KindError: It is neither.
    """
    if not callable(loss) and (not isinstance(loss, str) or loss not in LOSSES):
        names = ", ".join(f'"{name}"' for name in LOSSES)
        raise KindError(
            f"`loss` is {in_short(loss)}, but should be one of {names}, or a function "
            "(outputs, targets)."
        )


def batch_targets(targets, loss=None) -> tuple:
    """Return the targets of one batch as NumPy, and the name of the loss that they are for.

    Args:
        targets: Class indices (B,) or (B, T), or floats of the outputs' shape.
        loss: One of LOSSES; None means "squared error" for floats, else "cross-entropy".
    """
    targets = to_numpy(targets)
    if loss is None:
        loss = "squared error" if targets.dtype.kind == "f" else "cross-entropy"
    expect_loss(loss)
    if callable(loss):
        raise KindError(
            "`loss` is a function, but should be a name here, so that both frameworks compute the "
            f"same: {', '.join(LOSSES)}."
        )
    if loss == "cross-entropy":
        return expect_labels(targets, None, steps=True), loss
    return expect_finite(regression_targets(targets), "labels"), loss


def regression_targets(targets) -> np.ndarray:
    """Return targets of the squared or absolute error as floats; bytes of pictures as pixels.

    Raises:
        KindError: Bytes that are no pictures: are they pixels, or numbers to predict?
    """
    if targets.dtype == np.uint8 and targets.ndim != 4:
        raise KindError(
            f"The targets are bytes of shape {targets.shape}. As pixels, divide them by 255; as "
            'numbers to predict, make them floats: .astype("float32").'
        )
    return as_floats(targets, "float64" if targets.dtype == np.float64 else "float32")


def _once(question):
    """Let a question to a model be asked once for each shape of examples, and each setting."""

    @functools.wraps(question)
    def recalled(backend, inputs, *settings):
        key = question, inputs.shape[1:], settings
        if key not in backend.known:
            backend.known[key] = question(backend, inputs, *settings)
        return backend.known[key]

    return recalled


def expect_inputs(backend, images, name="images") -> np.ndarray:
    """Return examples as NumPy if the model may be asked about them.

    All are judged at once: what is right must not depend on the size of a batch. Frameworks take
    what is checked here without a word, each in its own way: a maximum that passes over nan, a
    token -1 that is the last one, 1.7 that is token 1.

    Args:
        backend: The model's class of `backends`.
        images: Array (N, …).
        name: What the caller calls them, for the message.

    Raises:
        ShapeError, KindError, RangeError: No examples; nan or infinite values; to a model that
            looks its inputs up, no tokens that it knows; to one that divides by 255, floats from
            0 to 1.
    """
    images = expect_real(images, name)
    expect_examples(images, images, name, name)
    if images.dtype.kind == "f":
        expect_finite(images, name)
        kind, largest = backend.narrowest
        low, high = float(images.min(initial=0)), float(images.max(initial=0))
        if max(-low, high) > largest:
            raise RangeError(
                f"`{name}` goes from {low:g} to {high:g}, but the model computes "
                f"with {kind}, which ends at {largest:g}. Scale them."
            )
    tables, whole = _tables(backend, images)
    if not tables:
        _expect_scaled_once(backend, images, name)
    elif images.dtype == np.uint8 or (whole and not may_be_tokens(images)):
        pixels = " Bytes count as pixels." if images.dtype == np.uint8 else ""
        raise KindError(
            f"The model looks its inputs up, so `{name}` should hold tokens as whole numbers, such "
            f"as int64, but holds {images.dtype}.{pixels} Use {name}.astype('int64') if they are "
            "tokens."
        )
    elif images.size:
        for ends in (images.min(axis=0), images.max(axis=0)):
            asked = _asked_for(backend, ends)
            for place, (rows, shift) in tables.items():
                # The frameworks stop at a row beyond the last, so that nothing was kept; or they
                # wrap.
                least, most = asked[place] if place < len(asked) else (-1, rows)
                if not 0 <= least <= most < rows:
                    raise _no_such_row(images, name, rows, shift, whole)
    return images


def _expect_scaled_once(backend, images, name):
    """Check that pixels from 0 to 1 do not come to a model that divides by 255 once more."""
    divides = scales_pixels(backend, images)  # found out now, before anybody watches the layers
    if not divides or images.ndim != 4 or images.dtype == np.uint8:
        return
    # It may divide only what goes beyond 1.
    if 0 < np.abs(images).max(initial=0) <= 1 and scales_pixels(backend, images, 1):
        raise RangeError(
            "The model divides pixels by 255 itself, or nearly so, before its first layer with "
            f"weights, but `{name}` goes from 0 to 1. Hand over bytes, such as `.pixels`. Slopes "
            "and maps are of pictures from 0 to 1, bytes among them, so they need the model "
            "without this step, in Keras such as keras.Sequential(model.layers[1:])."
        )


@_once
def scales_pixels(backend, inputs, white=255) -> bool:
    """Return whether the model divides bytes by 255, or nearly so, before it computes.

    It may do so in a layer, in a Lambda, or in a line of its `forward` or `call`. So it is asked:
    what reaches its first layer with weights, if all of an example is black, a fifth, or white?
    """
    shape = (1, *inputs.shape[1:])
    examples = (np.full(shape, pixel, backend.dtype) for pixel in (0, white / 5, white))
    given = [backend.first_given(example) for example in examples]
    if any(each is None or not each.size for each in given):
        return False
    none, fifth, full = (float(each.max()) for each in given)
    # A sigmoid ends at 1 as well; but a fifth of the way up it does not stand at a fifth.
    straight = math.isclose(5 * (fifth - none), full - none, rel_tol=1e-3)
    return straight and 0 < full - none < white / 40


def looks_up(backend, inputs) -> bool:
    """Return whether the model takes what it is given for tokens, to be looked up in a table."""
    return bool(_tables(backend, inputs)[0])


@_once
def _tables(backend, inputs):
    """Return which embeddings are asked for what comes, and whether all of it are tokens.

    One that is asked for the same whatever comes, such as one of places, is not among them.

    Returns:
        ({place in the order of looking up: (rows, shift)}, whether an embedding looks up more than
        half of an example; a column of a table may be looked up beside others that are numbers).
    """
    shape = inputs.shape[1:]
    for dtype in ("int64", backend.dtype):  # a table's other columns may not pass as whole numbers
        zeros, ones = (backend.looked_up(np.full((1, *shape), t, dtype)) for t in (0, 1))
        asked = {
            place: (rows, given)
            for place, (rows, given) in enumerate(zeros)
            if place >= len(ones) or not np.array_equal(given, ones[place][1])
        }
        if asked:
            sizes = Counter()  # of what one table, or one by steps, is asked for
            for rows, given in asked.values():
                sizes[rows] += given.size
            shifts = {place: (rows, int(given.flat[0])) for place, (rows, given) in asked.items()}
            return shifts, 2 * max(sizes.values()) > math.prod(shape)
    return {}, False


def _asked_for(backend, example):
    """Return [(lowest, highest) row that each embedding is asked for] by one example."""
    if example.dtype.kind in "iu":
        example = np.minimum(example, np.iinfo("int64").max).astype("int64")
    else:
        example = example.astype(backend.dtype)
    return [(given.min(), given.max()) for _, given in backend.looked_up(example[None])]


def _no_such_row(inputs, name, rows, shift, whole):
    if not whole:
        return RangeError(
            f"A part of `{name}` is looked up in an embedding of {rows} rows, but asks for one "
            f"beyond 0 to {rows - 1}. Make the embedding wider, or put a row for what is unknown."
        )
    added = f" (it adds {shift} to each before it looks it up)" if shift else ""
    return RangeError(
        f"`{name}` goes from {inputs.min()} to {inputs.max()}, but the model knows the tokens "
        f"{-shift} to {rows - 1 - shift}{added}. Make the embedding wider, or put a token for what "
        "is unknown."
    )


@contextmanager
def unheard() -> Iterator[None]:
    """Pass over what a model says to an example of the course's own, and free what it had made."""
    try:
        yield
    except Exception as error:
        # Else its maps wait in the frames of the error, call after call, for Python to tidy up.
        traceback.clear_frames(error.__traceback__)


class Reached(Exception):
    """Ends a run of a model at the layer that was wanted."""


def no_weights_yet() -> KindError:
    """Return the KindError for a model that makes its weights when it meets its first inputs."""
    return KindError(
        "The model has no weights yet: say the size of its inputs, in Keras with a keras.Input, or "
        "call it once with a batch."
    )


def may_be_tokens(inputs) -> bool:
    """Return whether a batch holds whole numbers that may be looked up; bytes are pixels."""
    return inputs.dtype.kind in "iu" and inputs.dtype != np.uint8


def same_padding(window, dilation) -> tuple:
    """Return (before, after) of each axis, so that without strides the size stays."""
    totals = [step * (size - 1) for size, step in zip(window, dilation)]
    return tuple((total // 2, total - total // 2) for total in totals)


def own_loss(loss) -> Callable:
    """Return the learner's own loss, an error in which is told with what it was given."""

    @functools.wraps(loss)
    def guarded(outputs, targets):
        try:
            return loss(outputs, targets)
        except Exception as error:
            given = [f"{tuple(each.shape)}, {each.dtype}" for each in (outputs, targets)]
            raise KindError(
                f"The loss function raised {told(error)}. It was given outputs "
                f"({given[0]}) and targets ({given[1]})."
            ) from error

    return guarded


def augmented(augment, batch, generator) -> np.ndarray:
    """Return a batch as the learner's function changes it.

    Raises:
        KindError: It raised an error, or did not give a batch of as many examples.
    """
    try:
        given = augment(batch, generator)
    except CourseError:
        raise
    except Exception as error:
        raise KindError(
            f"`augment` raised {told(error)}. It was given a batch of shape "
            f"{batch.shape}, {batch.dtype}, and a NumPy generator."
        ) from error
    if given is None:
        raise KindError("`augment` gave None, but should give the batch: is a `return` missing?")
    given = to_numpy(given)
    if batch.dtype == np.uint8 != given.dtype:
        raise KindError(
            f"`augment` was given bytes and gave {given.dtype}, of which nobody knows whether they "
            "go to 1 or to 255. Give bytes back, or train on floats: images / 255."
        )
    if given.shape[:1] != batch.shape[:1]:
        raise ShapeError(
            f"`augment` gave shape {given.shape} for a batch of shape {batch.shape}, but should "
            "give as many examples."
        )
    return given


@contextmanager
def watching_chance(layers) -> Iterator[list]:
    """Yield a list that holds something afterwards, if Python's or NumPy's chance was drawn from.

    The frameworks' own generators are watched where the frameworks are known.

    Args:
        layers: Objects that may hold generators of their own.
    """
    drawn, before = [], _chance(layers)
    yield drawn
    if _chance(layers) != before:
        drawn.append("elsewhere")


def _chance(layers):
    own = (value for layer in layers for value in vars(layer).values())
    states = [pickle.dumps(each) for each in own if isinstance(each, GENERATORS)]
    return random.getstate(), pickle.dumps(np.random.get_state()), states


def expect_trainable(weights) -> None:
    """Check that there is something to train.

    Raises:
        KindError: The model has no weights, or all are frozen.
    """
    if not weights:
        raise KindError(
            "There is nothing to train: the model has no weights, or all of them are frozen. "
            "Unfreeze a layer, or add one."
        )


def draws_random_numbers() -> KindError:
    """Return the KindError for a model that cannot be compared, since no two runs agree."""
    return KindError(
        "The model draws random numbers in training besides its dropout layers (noise, "
        "augmentation, or dropout written as a function), so no two runs agree and it cannot be "
        "compared. Take that out for the comparison."
    )


def no_slopes(reason) -> KindError:
    """Return the KindError for scores that have no slopes."""
    return KindError(
        f"The scores have no slopes here: {reason}. Tokens, rounding and what is detached have "
        "none; ask for the slopes at a layer behind them, such as an embedding."
    )


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
    elif outputs.ndim == 1 and targets.shape[1:] == (1,):
        raise ShapeError(
            f"The model gives shape {outputs.shape}, but the targets have "
            f"{targets[: len(outputs)].shape}: a loss would compare every output with every "
            "target. Give the targets the same shape: labels[:, 0]."
        )
    elif options.named:
        check_batch(outputs, targets[: len(outputs)], "squared error")


def check_valid(inputs, targets, options) -> None:
    """Check that targets for validation are shaped as those to train on, where the inputs are.

    Pictures of another size may give outputs of another size.

    Raises:
        ShapeError: They are not: a loss might compare every output with every target.
    """
    if not options.valid or options.classifies:
        return
    there = [each.shape[1:] for each in options.valid]
    if there[0] == inputs.shape[1:] and there[1] != targets.shape[1:]:
        raise ShapeError(
            f"Targets for validation have shape {options.valid[1].shape}, but those to train on "
            f"{targets.shape}. Give both the same shape, such as labels[:, None] for one number."
        )


def check_loss(loss, is_tensor) -> None:
    """Check that the learner's own loss function gave one number, of shape ().

    Args:
        loss: What it gave.
        is_tensor: Whether that is a tensor of the model's framework.

    Raises:
        KindError: It is none, so it has no gradient.
        ShapeError: It gave more than one number.
    """
    if not is_tensor:
        raise KindError(
            f"The loss function gives {in_short(loss)} ({type(loss).__name__}), but should give "
            "one number for the batch, as a tensor of the model's framework, made from the "
            "outputs: is a `return` missing, or was it turned into NumPy?"
        )
    if "complex" in str(loss.dtype):
        raise KindError("The loss function gives a complex number, which nothing can be made less.")
    if tuple(loss.shape) != ():
        raise ShapeError(
            f"The loss function gives shape {tuple(loss.shape)}, but should give one number for "
            "the batch: return the mean."
        )


def no_gradient(reason) -> KindError:
    """Return the KindError for a loss of the learner's own that cannot be trained with."""
    return KindError(
        f"The loss has no gradient: {reason}. Make it from the outputs, of the framework's own "
        "functions; counting, rounding and what is detached have none."
    )


def refused(inputs, expected, error) -> ShapeError:
    """Return the ShapeError that says in words which inputs a model cannot take.

    Args:
        inputs: The batch that came.
        expected: What the model's first layer wants, such as "Linear (N, 64)".
        error: What the framework raised.
    """
    if "more than 1 value per channel" in str(error):
        return single_example()
    text = (
        f"The model cannot take inputs of shape {inputs.shape} and type {inputs.dtype}; "
        f"its first layer is {expected}. "
    )
    if inputs.ndim == expected.count(","):  # as many axes but one
        text += "For a single example, add the batch axis: images[None]. "
    if inputs.dtype == np.uint8 and inputs.ndim == 2:
        text += "Bytes count as pixels and are divided by 255: convert tokens to int64. "
    return ShapeError(f"{text}The framework says: {reason(error)}")


def single_example() -> ShapeError:
    """Return the ShapeError for a batch of one example that meets batch norm."""
    return ShapeError(
        "Batch norm in training needs more than one value for each channel, but a batch holds one "
        "example: take at least two examples, and `batch_size` of at least 2."
    )


def reason(error) -> str:
    """Return the sentence that says what went wrong, out of a framework's long message."""
    marked = re.search(r"\x1b\[1m(.+?)\x1b\[0m", str(error), re.DOTALL)  # Keras prints it in bold
    text = re.sub(r"\{\{.*?\}\}", "", marked[1] if marked else str(error)).strip()
    lines = [line for line in text.splitlines() if not line.startswith("\t")]
    lines = lines or [type(error).__name__]
    last = lines[0].startswith(("in user code", "Graph execution error"))
    return lines[-1 if last else 0].split(" for '")[0].strip()[:300]


def raised(inputs, error) -> KindError:
    """Return the KindError for what the learner's own code in a model has raised."""
    return KindError(
        f"The model raised {told(error)}. It was given a batch of shape {inputs.shape}, "
        f"{inputs.dtype}."
    )


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
    softmax(scores)  # refuses a row that has no probabilities
    scores = scores.astype("float64").reshape(labels.size, -1)
    scores -= scores.max(axis=1, keepdims=True)
    chosen = scores[np.arange(labels.size), labels.ravel()]
    return float((np.log(np.exp(scores).sum(axis=1)) - chosen).mean())
