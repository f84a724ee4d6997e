"""The training loop that both backends share; each backend only says how to take one step."""

import math
import re
import time
from typing import Protocol

from dlcourse.arrays import expect_examples, expect_labels, softmax, to_numpy
from dlcourse.errors import KindError, RangeError, ShapeError, TrainingError
from dlcourse.results import History

import numpy as np

LOSSES = ("cross-entropy", "squared error", "absolute error")  # names that both backends know


class Trainer(Protocol):
    """What a backend must be able to do with one model; inputs and targets are NumPy batches."""

    def step(self, inputs, targets):
        """Take one step; return the batch's mean loss and how many a classifier got right."""

    def evaluate(self, inputs, targets, batch_size):
        """Return mean loss and accuracy over all examples, the model unchanged."""

    def learning_rate(self): ...

    def scale_learning_rate(self, factor):
        """Set the learning rate to `factor` times what it was when the training started."""

    def copy_weights(self): ...

    def restore_weights(self, weights): ...


def train(trainer, inputs, targets, options):
    """Run the epochs and return their History.

    The order of the examples comes from NumPy, so that both frameworks see the same batches.
    """
    history, progress = History(), Progress(options, math.ceil(len(inputs) / options.batch_size))
    generator = np.random.default_rng(options.seed)
    best = _Best(trainer, options.patience)
    try:
        for epoch in range(options.epochs):
            started = time.perf_counter()
            _run_epoch(trainer, inputs, targets, options, generator, epoch, history, progress)
            if options.valid is not None:
                loss, accuracy = trainer.evaluate(*options.valid, options.batch_size)
                history.valid_loss.append(loss)
                history.valid_accuracy += [] if accuracy is None else [accuracy]
            history.learning_rate.append(trainer.learning_rate())
            history.seconds.append(time.perf_counter() - started)
            stops = [callback(history) for callback in options.callbacks]  # all are called
            if any(stops):
                history.stopped = "stopped by a callback"
            elif best.is_over(history):
                history.stopped = (
                    f"stopped early: {options.patience} epochs without a lower validation loss"
                )
            if history.stopped:
                break
    finally:
        if options.schedule:
            trainer.scale_learning_rate(1)  # so that training can go on with the same optimizer
        progress.finish(history)
    best.restore()
    return history


def _run_epoch(trainer, inputs, targets, options, generator, epoch, history, progress):
    order = generator.permutation(len(inputs)) if options.shuffle else np.arange(len(inputs))
    steps = math.ceil(len(inputs) / options.batch_size)
    loss_sum, right_sum, seen = 0.0, 0, 0
    for step in range(steps):
        if options.schedule:
            trainer.scale_learning_rate(
                options.schedule((epoch * steps + step) / (options.epochs * steps))
            )
        batch = order[step * options.batch_size : (step + 1) * options.batch_size]
        batch_inputs = inputs[batch]
        if options.augment:
            batch_inputs = options.augment(batch_inputs, generator)
        loss, right = trainer.step(batch_inputs, targets[batch])
        if not math.isfinite(loss):
            raise TrainingError(_not_a_number(loss, epoch, step, trainer, batch_inputs))
        history.step_loss.append(loss)
        loss_sum, seen = loss_sum + loss * len(batch), seen + len(batch)
        right_sum = None if right is None else right_sum + right
        progress.update(
            epoch, step + 1, loss_sum / seen, None if right is None else right_sum / seen
        )
    history.train_loss.append(loss_sum / seen)
    if right_sum is not None:
        history.train_accuracy.append(right_sum / seen)


def _not_a_number(loss, epoch, step, trainer, inputs):
    reason = (
        "The inputs of this batch hold nan or infinite values: clean the data."
        if inputs.dtype.kind == "f" and not np.isfinite(inputs).all()
        else f"The learning rate is {trainer.learning_rate():.3g}: try a tenth of it. "
        "If that does not help: are the inputs scaled (0..1, or mean 0 and standard deviation 1)? "
        "Is there a log or a division in the model that can meet 0?"
    )
    place = f"in epoch {epoch + 1}, step {step + 1}"
    return f"The loss became {loss} {place}, so training stopped. {reason}"


class _Best:
    """Remembers the weights with the lowest validation loss, and says when patience is over."""

    def __init__(self, trainer, patience):
        self.trainer, self.patience = trainer, patience
        self.loss, self.weights, self.waited = math.inf, None, 0

    def is_over(self, history):
        if self.patience is None:
            return False
        if history.valid_loss[-1] < self.loss:
            self.loss, self.weights, self.waited = (
                history.valid_loss[-1],
                self.trainer.copy_weights(),
                0,
            )
        else:
            self.waited += 1
        return self.waited >= self.patience

    def restore(self):
        if self.weights is not None:
            self.trainer.restore_weights(self.weights)


class Options:
    """What the learner asked of `fit`, checked. See `backends.pytorch.fit` for what each means."""

    def __init__(
        self,
        *,
        epochs,
        batch_size,
        learning_rate,
        schedule,
        loss,
        valid,
        patience,
        callbacks,
        augment,
        shuffle,
        seed,
        show,
    ):
        for name, value in (("epochs", epochs), ("batch_size", batch_size), ("patience", patience)):
            if name == "patience" and value is None:
                continue
            if not isinstance(value, (int, np.integer)) or value < 1:
                raise RangeError(
                    f"`{name}` is {value!r}, but should be a whole number of at least 1."
                )
        if learning_rate is not None and not (
            isinstance(learning_rate, (int, float, np.number)) and learning_rate >= 0
        ):
            raise RangeError(
                f"`learning_rate` is {learning_rate!r}, but should be a number of at least 0, "
                "such as 0.01."
            )
        callbacks = (callbacks,) if callable(callbacks) else tuple(callbacks)
        for name, value in (
            ("schedule", schedule),
            ("augment", augment),
            *(("callbacks", each) for each in callbacks),
        ):
            if value is not None and not callable(value):
                raise KindError(f"`{name}` is {value!r}, but should be a function.")
        expect_loss(loss)
        if patience is not None and valid is None:
            raise KindError(
                "`patience` watches the validation loss, so it needs `valid=(images, labels)` too."
            )
        self.classifies, self.named = loss == "cross-entropy", isinstance(loss, str)
        if valid is not None:
            if not hasattr(valid, "__len__") or len(valid) != 2 or hasattr(valid, "labels"):
                raise KindError("`valid` should be a pair: valid=(images, labels).")
            valid = self.examples(*valid, "valid[0]", "valid[1]")
        self.epochs, self.batch_size, self.schedule, self.valid = (
            epochs,
            batch_size,
            schedule,
            valid,
        )
        self.patience, self.callbacks, self.augment = patience, callbacks, augment
        self.shuffle, self.seed, self.show = shuffle, seed, show

    def examples(self, images, labels, images_name="images", labels_name="labels"):
        """Return inputs and targets as NumPy, checked; a classifier's targets are class indices."""
        inputs, targets = to_numpy(images), to_numpy(labels)
        expect_examples(inputs, targets, images_name, labels_name)
        if self.classifies:
            targets = expect_labels(targets, None, labels_name)
        elif self.named or targets.dtype == np.float64:
            targets = targets.astype("float32")
        return inputs, targets


def expect_loss(loss):
    """Check that a loss is one of LOSSES, or a function.

    Raises:
        KindError: It is neither.
    """
    if loss not in LOSSES and not callable(loss):
        names = ", ".join(f'"{name}"' for name in LOSSES)
        raise KindError(
            f"`loss` is {loss!r}, but should be one of {names}, or a function (outputs, targets)."
        )


def batch_targets(targets, loss=None):
    """Return the targets of one batch as NumPy, and the name of the loss that they are for.

    Args:
        targets: Class indices (B,), or floats of the outputs' shape.
        loss: One of LOSSES; None means "squared error" for floats, else "cross-entropy".
    """
    targets = to_numpy(targets)
    loss = loss or ("squared error" if targets.dtype.kind == "f" else "cross-entropy")
    expect_loss(loss)
    if loss == "cross-entropy":
        return expect_labels(targets, None), loss
    return targets.astype("float32"), loss


def check_batch(outputs, targets, loss):
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


def check_outputs(outputs, targets, options):
    """Look at the outputs (B, …) of a first batch, so that mistakes show at once, in words.

    Raises:
        ShapeError, RangeError: See `check_scores`; or a column of outputs and a row of targets.
    """
    if options.classifies:
        for labels in (targets, *([options.valid[1]] if options.valid else [])):
            check_scores(outputs, np.concatenate([labels[: len(outputs) - 1], [labels.max()]]))
    elif outputs.shape == (len(outputs), 1) and targets.ndim == 1:
        raise ShapeError(
            f"The model gives shape {outputs.shape}, but the targets have "
            f"{targets[: len(outputs)].shape}: a loss would compare every output with every "
            "target. Give the targets the same shape: labels[:, None]."
        )
    elif options.named:
        check_batch(outputs, targets[: len(outputs)], "squared error")


def check_loss(loss):
    """Check that the learner's own loss function gave one number, of shape ().

    Raises:
        ShapeError: It gave more than one.
    """
    if tuple(loss.shape) != ():
        raise ShapeError(
            f"The loss function gives shape {tuple(loss.shape)}, but should give one number for "
            "the batch: return the mean."
        )


def refused(inputs, wanted, error):
    """Return the ShapeError that says in words which inputs a model cannot take.

    Args:
        inputs: The batch that came.
        wanted: What the model's first layer wants, such as "Linear (N, 64)".
        error: What the framework raised.
    """
    text = (
        f"The model cannot take inputs of shape {inputs.shape} and type {inputs.dtype}; "
        f"its first layer is {wanted}. "
    )
    if inputs.ndim == wanted.count(","):  # as many axes but one
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


def check_scores(scores, targets):
    """Check the scores (B, K) of a first batch against its class indices (B,).

    Raises:
        ShapeError: The model's output is not (B, K).
        RangeError: The last layer is too narrow for a label, or the model ends in softmax.
    """
    if scores.ndim != 2 or len(scores) != len(targets):
        raise ShapeError(
            f"For {len(targets)} examples the model gives shape {tuple(scores.shape)}, but one row "
            f"of class scores for each is needed: ({len(targets)}, K). "
            "Is a Flatten, or the last layer, missing?"
        )
    highest = int(targets.max())
    if highest >= scores.shape[1]:
        raise RangeError(
            f"The model's last layer gives {scores.shape[1]} scores, so labels may go from 0 to "
            f"{scores.shape[1] - 1}, but there is a label {highest}. "
            f"Make the last layer at least {highest + 1} wide, one score for each class."
        )
    if (
        scores.shape[1] > 1
        and np.all(scores >= 0)
        and np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    ):
        raise RangeError(
            "Every row of the model's output adds up to 1, so it ends in softmax, but should "
            "give raw scores: the loss applies softmax itself, and applied twice it learns badly. "
            "Remove the softmax."
        )


def check_class_scores(shape):
    """Check that a model gives class scores: outputs of shape (N, K).

    Raises:
        ShapeError: It gives something else, such as maps.
    """
    if len(shape) != 2:
        raise ShapeError(
            f"The model gives shape {tuple(shape)}, but should give class scores: ({shape[0]}, K). "
            "Is a Flatten, or the last layer, missing?"
        )


def check_seen(seen, layer, tensor):
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


def mean_cross_entropy(scores, labels):
    """Return the mean cross-entropy (nats) of raw scores (N, K) with N class indices."""
    probabilities = softmax(scores.astype("float64"))
    return float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-300)).mean())


class Bar:
    """A live bar while something runs, which leaves one plain line behind when it is done.

    Outside a notebook there is only the line.
    """

    SECONDS_BETWEEN_UPDATES = 0.2

    def __init__(self, shown, work):
        self.shown, self.work = shown, work  # what runs, such as "training"
        self.handle, self.next_update = None, 0.0
        if self.shown and _in_notebook():
            from IPython.display import display

            bundle = self._bundle(f"{work.capitalize()} starts …", 0)
            self.handle = display(bundle, raw=True, display_id=True)

    def is_due(self):
        """Say whether it is time to show something, which is at most five times a second."""
        if self.handle is None or (now := time.perf_counter()) < self.next_update:
            return False
        self.next_update = now + self.SECONDS_BETWEEN_UPDATES
        return True

    def show(self, text, share):
        """Show a text, and a bar that is filled up to `share` (0..1)."""
        self.handle.update(self._bundle(text, share), raw=True)

    def finish(self, line):
        """Replace the bar by the plain line that the notebook keeps."""
        if self.handle is not None:
            self.handle.update({"text/plain": str(line)}, raw=True)
        elif self.shown:
            print(line)

    def _bundle(self, text, share):
        bar = f'<progress value="{share:.3f}" max="1" aria-label="{self.work} progress"></progress>'
        return {"text/plain": text, "text/html": f"{bar} {text}"}


class Progress(Bar):
    """The bar of a training; the line that it leaves is the History's."""

    def __init__(self, options, steps):
        self.epochs, self.steps = options.epochs, steps
        super().__init__(options.show, "training")

    def update(self, epoch, step, loss, accuracy):
        """Show where training is."""
        if not self.is_due():
            return
        text = f"epoch {epoch + 1} of {self.epochs}, step {step} of {self.steps}: loss {loss:.3f}"
        text += "" if accuracy is None else f", accuracy {accuracy:.3f}"
        self.show(text, (epoch + step / self.steps) / self.epochs)


def _in_notebook():
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None
