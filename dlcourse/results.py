"""What training and testing gave: histories, scores, calibration, distances, seed bands."""

import functools
import html
from collections.abc import MappingView
from dataclasses import dataclass, field
from typing import NamedTuple

from dlcourse.arrays import (
    as_floats,
    expect_axes,
    expect_count,
    expect_examples,
    expect_finite,
    expect_labels,
    expect_scale_of,
    to_numpy,
)
from dlcourse.errors import KindError, RangeError, ShapeError, in_short

import numpy as np

MOST_BINS = 10_000
MOST_CLASSES = 5_000
LARGEST = 1e75  # of a feature: its square, and that of a sum of them, are still numbers


class Evaluation(NamedTuple):
    """A model's mean loss (nats) and accuracy (0..1) over all examples of a set."""

    loss: float
    accuracy: float


def _or_what_it_holds(told):
    """Return a `__str__` that tells the fields as they are where they cannot be told as numbers."""

    @functools.wraps(told)
    def say(self):
        try:
            return told(self)
        except Exception:  # a text, None or an array in a number's place
            return f"{type(self).__name__} of odd values: {in_short(vars(self))}"

    return say


@dataclass
class History:
    """What happened while a model trained. `fit` returns one; lists have one entry for each epoch.

    Attributes:
        train_loss, train_accuracy: Means over the epoch's examples, taken while the model changed.
        valid_loss, valid_accuracy: After the epoch; empty without validation examples.
        learning_rate: At the end of the epoch.
        seconds: Time the epoch took, validation included.
        step_loss: Loss of every batch, in the order they came.

    Example:
        >>> results.History([2.1, 0.9], [0.3, 0.8], seconds=[1.0, 1.0])
        2 epochs in 2.0 s: training loss 0.900, accuracy 0.800
    """

    train_loss: list = field(default_factory=list)
    train_accuracy: list = field(default_factory=list)
    valid_loss: list = field(default_factory=list)
    valid_accuracy: list = field(default_factory=list)
    learning_rate: list = field(default_factory=list)
    seconds: list = field(default_factory=list)
    step_loss: list = field(default_factory=list)

    def __post_init__(self):
        for name, values in vars(self).items():
            if not isinstance(values, list):
                raise KindError(f"`{name}` is {in_short(values)}, but should be a list.")

    @property
    def epochs(self) -> int:
        """Return how many epochs were finished."""
        return len(self.train_loss)

    @_or_what_it_holds
    def __str__(self):
        if not self.epochs:
            return "No epoch was finished."
        plural = "" if self.epochs == 1 else "s"
        text = f"{self.epochs} epoch{plural} in {sum(self.seconds):.1f} s: "
        text += f"training loss {self.train_loss[-1]:.3f}"
        if self.train_accuracy:
            text += f", accuracy {self.train_accuracy[-1]:.3f}"
        if self.valid_loss:
            text += f"; validation loss {self.valid_loss[-1]:.3f}"
            text += f", accuracy {self.valid_accuracy[-1]:.3f}" if self.valid_accuracy else ""
        return text

    __repr__ = __str__


@dataclass(frozen=True)
class Table:
    """Rows under column names; shows as a table in a notebook and as aligned text elsewhere.

    Cells are strings, or numbers that show as `str` gives them: round them as they should be read.

    Example:
        >>> results.Table(("digit", "how often"), (("3", 31), ("8", 28)))
        digit  how often
        3...
    """

    columns: tuple
    rows: tuple

    def __post_init__(self):
        for name in ("columns", "rows"):
            cells = getattr(self, name)
            try:
                if not _in_a_row(cells):
                    raise TypeError
                object.__setattr__(self, name, tuple(cells))
            except Exception:  # whatever such a thing says when it is read
                raise KindError(
                    f"`{name}` of a table is a tuple, not {in_short(cells)}: columns are "
                    "names, such as ('digit', 'count'), and each row holds a cell for each of them."
                ) from None
        if not self.columns:
            raise ShapeError("A table needs at least one column, got none.")
        for row in self.rows:
            if not _in_a_row(row) or len(row) != len(self.columns):
                raise ShapeError(
                    f"The table has {len(self.columns)} columns, but this row has another number: "
                    f"{in_short(row)}."
                )

    @_or_what_it_holds
    def __str__(self):
        cells = [[str(cell) for cell in row] for row in (self.columns, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells)]
        aligned = [
            [self._align(cell, width, i) for i, (cell, width) in enumerate(zip(row, widths))]
            for row in cells
        ]
        return "\n".join("  ".join(row).rstrip() for row in aligned)

    __repr__ = __str__

    def _is_number(self, column):
        return bool(self.rows) and all(
            isinstance(row[column], (int, float, np.number)) for row in self.rows
        )

    def _align(self, cell, width, column):
        return cell.rjust(width) if self._is_number(column) else cell.ljust(width)

    def _repr_html_(self):
        sides = ["right" if self._is_number(i) else "left" for i in range(len(self.columns))]

        def line(row, header=False):
            # A header without a name is no header, as for the corner above names of rows.
            tags = ["th" if header and str(cell) else "td" for cell in row]
            return "".join(
                f'<{tag} style="text-align: {side}">{html.escape(str(cell))}</{tag}>'
                for tag, side, cell in zip(tags, sides, row)
            )

        body = "\n".join(f"<tr>{line(row)}</tr>" for row in self.rows)
        head = f"<thead><tr>{line(self.columns, header=True)}</tr></thead>"
        return f"<table>\n{head}\n<tbody>\n{body}\n</tbody>\n</table>"


def _in_a_row(cells):
    """Return whether there are several things in an order, which can be gone through again."""
    return isinstance(cells, (tuple, list, MappingView)) or getattr(cells, "ndim", 0) > 0


@dataclass(frozen=True)
class SeedBand:
    """The lowest and highest value that a number took over several seeds, on one machine."""

    low: float
    high: float
    seeds: int

    @classmethod
    def of(cls, values) -> "SeedBand":
        """Return the band of at least five values.

        Raises:
            RangeError: Fewer than five: a band of three runs says little. Or one is not finite: a
                run that diverged belongs to the result and cannot be left out.
        """
        values = expect_finite(values, "values").ravel()
        if len(values) < 5:
            raise RangeError(
                f"A seed band needs at least 5 runs, got {len(values)}. Run more seeds."
            )
        return cls(float(values.min()), float(values.max()), len(values))

    def __contains__(self, value):
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise KindError(f"{in_short(value)} is no number, so it lies in no band.")
        for end in (self.low, self.high):
            expect_finite(end, "an end of the band")
        return bool(self.low <= value <= self.high)

    @_or_what_it_holds
    def __str__(self):
        return f"{self.low:.3f} to {self.high:.3f} over {self.seeds} seeds"


@dataclass(frozen=True)
class Headline:
    """A lesson's main result beside its honest baseline, and the band that other seeds gave.

    Attributes:
        what: What the score is, such as "accuracy on 10 000 test pictures".
        score, baseline: Of the lesson's network, and of `baseline_name`, in the same unit.
        parameters: How many weights and biases the network has.
        seconds: Time its training took; 0 if the lesson trains nothing.
        band: The SeedBand of the score, from `lessons.band`; None before it was measured.

    Example:
        >>> results.Headline("accuracy", 0.91, 0.84, "a guess", 1234, 5.0)
        accuracy: 0.910...
    """

    what: str
    score: float
    baseline: float
    baseline_name: str
    parameters: int
    seconds: float
    band: SeedBand | None = None

    @_or_what_it_holds
    def __str__(self):
        typical = f"typically {self.band}" if self.band else "its band was not measured yet"
        trained = f"trained in {self.seconds:.1f} s" if self.seconds else "taken as they are"
        return (
            f"{self.what}: {self.score:.3f}, {typical}\n"
            f"{self.baseline_name}: {self.baseline:.3f}\n"
            f"{self.parameters} weights, {trained}"
        )

    __repr__ = __str__


def accuracy(scores, labels) -> float:
    """Return the share (0..1) of examples whose highest score is at their label.

    Args:
        scores: Raw scores or probabilities (N, K).
        labels: N class indices.

    Raises:
        ShapeError, RangeError, KindError: Scores and labels that do not fit; a score of nan.

    Example:
        >>> results.accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
        0.5
    """
    predicted, labels = _predicted(scores, labels)
    return float((predicted == labels).mean())


def confusion(scores, labels) -> np.ndarray:
    """Return counts (K, K) of who was called what: true class down, predicted class across.

    Example:
        >>> results.confusion([[0.1, 0.9], [0.8, 0.2]], [1, 1])
        array([[0, 0],
               [1, 1]])
    """
    predicted, labels = _predicted(scores, labels)
    if (classes := to_numpy(scores).shape[1]) > MOST_CLASSES:
        raise RangeError(
            f"`scores` has {classes} classes, but a table of who was called what is made of "
            f"{MOST_CLASSES} at most: it holds the square of their number."
        )
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (labels, predicted), 1)
    return counts


class ClassScores(NamedTuple):
    """Precision, recall and F1 of each class (K,), 0..1, and the number of its examples (K,)."""

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    examples: np.ndarray


def class_scores(scores, labels) -> Table:
    """Return precision, recall and F1 of each class.

    Precision: of the examples called this class, the share that are. Recall: of the examples that
    are this class, the share called so. F1: their harmonic mean. A share of nothing counts as 0.

    Example:
        >>> table = results.class_scores([[0.1, 0.9], [0.8, 0.2]], [1, 0])
    """
    counts = confusion(scores, labels)
    right, called, there = np.diag(counts), counts.sum(axis=0), counts.sum(axis=1)
    precision, recall = _share(right, called), _share(right, there)
    return ClassScores(precision, recall, _share(2 * right, called + there), there)


def _share(part, whole):
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


class Calibration(NamedTuple):
    """Confidence against accuracy in equal bins of confidence; empty bins hold nan.

    `error` is the expected calibration error: the mean gap, weighted by the examples in each bin.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    examples: np.ndarray
    error: float


def calibration(probabilities, labels, bins=10) -> tuple:
    """Compare how sure a classifier is with how often it is right.

    Args:
        probabilities: Array (N, K), rows adding up to 1 (`arrays.softmax` makes them from scores).
        labels: N class indices.
        bins: Number of equal bins of the highest probability, over 0..1.

    Raises:
        RangeError: The rows are no probabilities: they do not add up to 1, or one is negative.

    Source:
        Guo, Pleiss, Sun, Weinberger (2017), section 2. https://arxiv.org/abs/1706.04599

    Example:
        >>> measured = results.calibration([[0.9, 0.1], [0.3, 0.7]], [0, 1])
    """
    bins = expect_count(bins, "bins")
    if bins > MOST_BINS:
        raise RangeError(f"`bins` is {in_short(bins)}, but should be {MOST_BINS} at most.")
    probabilities = expect_finite(probabilities, "probabilities")
    kind = probabilities.dtype if probabilities.dtype.kind == "f" else np.dtype("float64")
    probabilities = probabilities.astype("float64")
    predicted, labels = _predicted(probabilities, labels, "probabilities")
    if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3) or probabilities.min() < 0:
        raise RangeError(
            "The rows of `probabilities` do not add up to 1, or hold negative numbers. Raw scores? "
            "Use arrays.softmax(scores)."
        )
    sure = probabilities.max(axis=1)
    place = (sure * bins * (1 + 2 * np.finfo(kind).eps)).astype(int)  # 0.57 * 100 is just below 57
    place = np.minimum(place, bins - 1)  # a confidence of exactly 1 is in the last bin
    examples = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(place, sure, bins) / examples
        right = np.bincount(place, predicted == labels, bins) / examples
    error = float(np.nansum(np.abs(confidence - right) * examples) / len(labels))
    return Calibration(confidence, right, examples, error)


def frechet_distance(features, other_features) -> float:
    """Return the squared Fréchet distance of two clouds of points, as if both were Gaussian.

    |m₁ − m₂|² + tr(C₁ + C₂ − 2 (C₁ C₂)^½), with the means m and covariances C. On features of a
    network called Inception it is known as the FID. It shrinks with more points: compare clouds of
    the same sizes.

    Args:
        features: Array (N, D), at least two points.
        other_features: Array (M, D), at least two points.

    Returns:
        A number of at least 0, in squared units of the features; 0 for equal means and covariances.

    Raises:
        ShapeError: The arrays differ in D, or one has fewer than two points.
        RangeError: A feature is nan or infinite.

    Source:
        Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter (2017). https://arxiv.org/abs/1706.08500

    Example:
        >>> points = np.random.default_rng(0).normal(size=(100, 2))
        >>> round(results.frechet_distance(points, points + 3), 3)
        18.0
    """
    names = "features", "other_features"
    clouds = [
        expect_axes(expect_finite(points, name), "N D", name)
        for points, name in zip((features, other_features), names)
    ]
    expect_scale_of(*clouds, *names)
    expect_scale_of(*reversed(clouds), *reversed(names))
    clouds = [as_floats(points, "float64").copy() for points in clouds]
    if (
        clouds[0].shape[1:] != clouds[1].shape[1:]
        or min(map(len, clouds)) < 2
        or not clouds[0].size
    ):
        raise ShapeError(
            f"`features` has shape {clouds[0].shape} and `other_features` {clouds[1].shape}, but "
            "both need at least two points, of the same number of features: (N, D) and (M, D)."
        )
    if clouds[0].shape[1] > MOST_CLASSES:
        raise RangeError(
            f"`features` has {clouds[0].shape[1]} features, but should have {MOST_CLASSES} at "
            "most, since the square of their number is computed with. Take those of a network."
        )
    if max(np.abs(points).max() for points in clouds) > LARGEST:
        raise RangeError(
            f"A feature is beyond ±{LARGEST:g}, whose square is no number any more: scale them."
        )
    (mean, spread), (other_mean, other_spread) = (_mean_and_covariance(points) for points in clouds)
    # With C₁ = R₁ᵀ R₁ and C₂ = R₂ᵀ R₂, tr (C₁ C₂)^½ is the sum of the singular values of R₁ R₂ᵀ.
    # Roots of the eigenvalues of C₁^½ C₂ C₁^½ would do, but lose half the digits to rounding.
    shared = np.linalg.svd(_root(spread) @ _root(other_spread).T, compute_uv=False).sum()
    apart = ((mean - other_mean) ** 2).sum() + np.trace(spread) + np.trace(other_spread)
    return max(0.0, float(apart - 2 * shared))


def _root(covariance):
    """Return a matrix R (D, D) with RᵀR = covariance."""
    values, axes = np.linalg.eigh(covariance)
    return np.sqrt(np.maximum(values, 0))[:, None] * axes.T


def _mean_and_covariance(points):
    """Return both of a cloud (N, D), which is moved to its mean on the way: no copy is made."""
    mean = points.mean(axis=0)
    points -= mean
    return mean, points.T @ points / (len(points) - 1)


def _predicted(scores, labels, name="scores"):
    scores = expect_axes(expect_finite(scores, name, infinities=True), "N K", name)
    expect_examples(scores, labels, name)
    if not scores.shape[1]:
        raise ShapeError(f"`{name}` has shape {scores.shape}: there is no score to be the highest.")
    highest = scores.max(axis=1)
    if (np.isneginf(highest) | ((scores == np.inf).sum(axis=1) > 1)).any():
        raise RangeError(
            f"`{name}` has a row in which no score is the highest: all are -inf, or several inf."
        )
    return scores.argmax(axis=1), expect_labels(labels, scores.shape[1])
