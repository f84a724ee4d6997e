"""The training loop: the same for models of every framework, which only say how to take a step."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from dlcourse.arrays import (
    expect_count,
    expect_examples,
    expect_finite,
    expect_labels,
    expect_number,
    expect_seed,
    expect_switch,
    to_numpy,
)
from dlcourse.backends.checks import (
    augmented,
    check_scores,
    expect_inputs,
    expect_loss,
    mean_cross_entropy,
    regression_targets,
)
from dlcourse.bar import Bar
from dlcourse.errors import KindError, RangeError, TrainingError, in_short, told
from dlcourse.results import Evaluation, History

import numpy as np


@dataclass(kw_only=True)
class Options:
    """What the learner asked of `backends.fit`, which says what each means, checked."""

    epochs: int
    batch_size: int
    learning_rate: float | None
    schedule: Callable | None
    loss: str | Callable
    valid: tuple | None
    augment: Callable | None
    shuffle: bool
    seed: int
    show: bool

    def __post_init__(self):
        self.epochs = expect_count(self.epochs, "epochs")
        self.batch_size = expect_count(self.batch_size, "batch_size")
        if self.learning_rate is not None:
            highest = float(np.finfo("float32").max)  # an optimizer keeps it as that
            expect_number(self.learning_rate, "learning_rate", low=0, high=highest)
            self.learning_rate = float(self.learning_rate)
        for name in ("schedule", "augment"):
            value = getattr(self, name)
            if value is not None and not callable(value):
                raise KindError(f"`{name}` is {in_short(value)}, but should be a function.")
        expect_loss(self.loss)
        expect_seed(self.seed)
        expect_switch(self.shuffle, "shuffle")
        expect_switch(self.show, "show")
        if self.valid is not None:
            if not isinstance(self.valid, tuple | list) or len(self.valid) != 2:
                raise KindError("`valid` should be a pair: valid=(images, labels).")
            self.valid = self.examples(*self.valid, "valid[0]", "valid[1]")

    @cached_property
    def classifies(self) -> bool:
        """Whether the loss compares scores with class indices."""
        return self.loss == "cross-entropy"

    @cached_property
    def named(self) -> bool:
        """Whether the loss is one of the course's own."""
        return isinstance(self.loss, str)

    def factor(self, progress) -> float:
        """Return the factor for the learning rate that the learner's schedule gives.

        Raises:
            RangeError: It is no finite number of at least 0.
        """
        try:
            factor = self.schedule(progress)
        except Exception as error:
            raise KindError(
                f"`schedule` raised {told(error)}. It was given {progress:.3g}, "
                "how far training is."
            ) from error
        try:
            if 0 <= float(factor) < math.inf:
                return float(factor)
        except (TypeError, ValueError, OverflowError):
            pass
        raise RangeError(
            f"`schedule` gave {in_short(factor)} at {progress:.3g}, but should give a factor for "
            "the learning rate, a number of at least 0."
        )

    def examples(self, images, labels, images_name="images", labels_name="labels") -> tuple:
        """Return inputs and targets as NumPy, checked; a classifier's targets are class indices."""
        inputs, targets = to_numpy(images), to_numpy(labels)
        expect_examples(inputs, targets, images_name, labels_name)
        if self.classifies:
            targets = expect_labels(targets, None, labels_name, steps=True)
        elif self.named or targets.dtype.kind == "f" or targets.ndim == 4:
            targets = expect_finite(regression_targets(targets), labels_name)
        elif targets.dtype.kind == "u" and targets.max() >= 2**63:
            raise RangeError(
                f"`{labels_name}` goes to {targets.max()}, but whole numbers end before 2⁶³."
            )
        else:
            targets = targets.astype("int64")  # bytes would wrap in a loss of the learner's own
        return inputs, targets


def train(trainer, inputs, targets, options) -> History:
    """Run the epochs and return their History.

    The order of the examples comes from NumPy, so that all frameworks see the same batches.
    """
    history = History()
    bar = TrainingBar(options, len(batches(len(inputs), options.batch_size)))
    generator = np.random.default_rng(options.seed)
    try:
        for epoch in range(options.epochs):
            started = time.perf_counter()
            _run_epoch(trainer, inputs, targets, options, generator, epoch, history, bar)
            if options.valid is not None:
                loss, accuracy = _validated(trainer, options, epoch)
                history.valid_loss.append(loss)
                history.valid_accuracy += [] if accuracy is None else [accuracy]
            history.learning_rate.append(trainer.learning_rate())
            history.seconds.append(time.perf_counter() - started)
    finally:
        if options.schedule:
            trainer.scale_learning_rate(1)  # so that training can go on with the same optimizer
        bar.finish(history)
    if not all(np.isfinite(to_numpy(each)).all() for each in trainer.backend.trained()):
        raise TrainingError(_not_a_number(math.nan, "after the last step", trainer))
    return history


def batches(count, size) -> list[slice]:
    """Return the slices that cut `count` examples into batches for training.

    A single one that is left over joins the batch before it: batch norm cannot learn from one.
    """
    starts = [*range(0, count, size)]
    if size > 1 and len(starts) > 1 and count - starts[-1] == 1:
        starts.pop()
    return [slice(*ends) for ends in zip(starts, [*starts[1:], count])]


def _run_epoch(trainer, inputs, targets, options, generator, epoch, history, bar):
    order = generator.permutation(len(inputs)) if options.shuffle else np.arange(len(inputs))
    parts = batches(len(inputs), options.batch_size)
    loss_sum, right_sum, seen, labels_seen = 0.0, 0, 0, 0
    for step, part in enumerate(parts):
        if options.schedule:
            progress = (epoch * len(parts) + step) / (options.epochs * len(parts))
            trainer.scale_learning_rate(options.factor(progress))
        batch = order[part]
        batch_inputs = inputs[batch]
        if options.augment:
            batch_inputs = augmented(options.augment, batch_inputs, generator)
            expect_inputs(trainer.backend, batch_inputs, "augment(images)")
        batch_targets = targets[batch]
        loss, right = trainer.step(batch_inputs, batch_targets)
        if not math.isfinite(loss):
            when = f"in epoch {epoch + 1}, step {step + 1}"
            raise TrainingError(_not_a_number(loss, when, trainer))
        history.step_loss.append(loss)
        loss_sum, seen = loss_sum + loss * len(batch), seen + len(batch)
        right_sum, labels_seen = right_sum + (right or 0), labels_seen + batch_targets.size
        accuracy = right_sum / labels_seen if options.classifies else None
        bar.update(epoch, step + 1, loss_sum / seen, accuracy)
    history.train_loss.append(loss_sum / seen)
    if options.classifies:
        history.train_accuracy.append(accuracy)


def _not_a_number(loss, when, trainer):
    return (
        f"The loss became {loss} {when}, so training stopped. "
        f"The learning rate is {trainer.learning_rate():.3g}: try a tenth of it. "
        "If that does not help: are the inputs scaled (0..1, or mean 0 and standard deviation 1)? "
        "Is there a log or a division in the model that can meet 0?"
    )


def _validated(trainer, options, epoch):
    when = f"in the validation after epoch {epoch + 1}"
    (inputs, targets), size = options.valid, options.batch_size
    parts = [slice(start, start + size) for start in range(0, len(inputs), size)]
    if options.classifies:
        scores = np.concatenate([trainer.outputs(inputs[b]) for b in parts])
        if np.isnan(scores).any() or np.isposinf(scores).any():
            raise TrainingError(_not_a_number(math.nan, when, trainer))
        return evaluation(scores, targets)
    losses = (trainer.mean_loss(inputs[b], targets[b]) * len(targets[b]) for b in parts)
    loss = sum(losses) / len(inputs)
    if not math.isfinite(loss):
        raise TrainingError(_not_a_number(loss, when, trainer))
    return Evaluation(loss, None)


def evaluation(scores, labels) -> Evaluation:
    """Return the Evaluation of raw scores (N, K) with labels (N,), or (N, T, K) with (N, T).

    Raises:
        RangeError: A score is nan or infinite, as after a training that diverged.
    """
    expect_finite(scores, "scores", infinities=True)
    labels = expect_labels(labels, scores.shape[-1], steps=True)
    check_scores(scores, labels)
    right = scores.argmax(axis=-1) == labels
    return Evaluation(mean_cross_entropy(scores, labels), float(right.mean()))


class TrainingBar(Bar):
    """The bar of a training; the line that it leaves is the History's."""

    def __init__(self, options, steps):
        self.epochs, self.steps = options.epochs, steps
        super().__init__(options.show, "training")

    def update(self, epoch, step, loss, accuracy) -> None:
        """Show where training is."""
        if not self.is_due():
            return
        text = f"epoch {epoch + 1} of {self.epochs}, step {step} of {self.steps}: loss {loss:.3f}"
        text += "" if accuracy is None else f", accuracy {accuracy:.3f}"
        self.show(text, (epoch + step / self.steps) / self.epochs)
