"""Arrays of any framework: bring them to NumPy, and check their axes and labels."""

from dlcourse.errors import KindError, RangeError, ShapeError

import numpy as np


def to_numpy(array) -> np.ndarray:
    """Return a NumPy, PyTorch or TensorFlow array as NumPy, off the device and the graph.

    Raises:
        KindError: The values are not numbers.
    """
    if hasattr(array, "detach"):  # PyTorch refuses to convert a tensor that needs a gradient
        array = array.detach().cpu()
    array = np.asarray(array)
    if array.dtype == object or array.dtype.kind in "US":
        raise KindError(
            f"The array holds {array.dtype} values, but should hold numbers. "
            "Rows of unequal length, or text, cannot become one array."
        )
    return array


def expect_axes(array, axes, name) -> np.ndarray:
    """Return `array` if it has one axis for each name in `axes`, such as "N H W C".

    Raises:
        ShapeError: The number of axes differs; the message shows the shape that was given.
    """
    expected = axes.split()
    shape = np.shape(array)
    if len(shape) != len(expected):
        advice = f" For a single example, add the batch axis: {name}[None]."
        raise ShapeError(
            f"`{name}` has shape {shape}, but needs {len(expected)} axes ({', '.join(expected)})."
            + (advice if len(shape) == len(expected) - 1 else "")
        )
    return array


def expect_examples(inputs, targets, inputs_name="images", targets_name="labels") -> None:
    """Check that there is at least one example, and one target for each.

    Raises:
        ShapeError: No examples, or unequal numbers of inputs and targets.
    """
    if np.ndim(inputs) < 2:
        raise ShapeError(
            f"`{inputs_name}` has shape {np.shape(inputs)}, but needs a batch axis and at least "
            "one more, such as (N, D) or (N, H, W, C). For a single example, add the batch axis: "
            f"{inputs_name}[None]."
        )
    if len(inputs) == 0:
        raise ShapeError(
            f"`{inputs_name}` is empty: shape {np.shape(inputs)}. At least one example is needed; "
            "look at the line that selects the examples."
        )
    if len(inputs) != len(targets):
        raise ShapeError(
            f"`{inputs_name}` has {len(inputs)} examples but `{targets_name}` has {len(targets)}. "
            "Each example needs one: take both from the same split, with the same selection."
        )


def expect_count(value, name) -> None:
    """Check that a value is a whole number of at least 1.

    Raises:
        RangeError: It is something else; True is no number here.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise RangeError(f"`{name}` is {value!r}, but should be a whole number of at least 1.")


def looks_one_hot(labels) -> bool:
    """Say whether each row of an array holds a single 1 and otherwise zeros."""
    return labels.ndim == 2 and bool(
        np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()
    )


def expect_labels(labels, classes, name="labels", steps=False) -> np.ndarray:
    """Return `labels` as int64 (N,) if each is a class index from 0 to `classes` - 1.

    Args:
        labels: N class indices. One-hot rows and text are refused with the way out.
        classes: Number of classes K, or None to check only the kind and that none is negative.
        name: What the caller calls the array, for the message.
        steps: Whether (N, T) may come too: a class index for each step of each example.

    Raises:
        ShapeError: Not one index for each example.
        KindError: Not whole numbers.
        RangeError: An index without a class.
    """
    labels = to_numpy(labels)
    if labels.ndim == 2 and (labels.dtype.kind == "f" or not steps):
        if looks_one_hot(labels) or labels.dtype.kind == "f":
            raise ShapeError(
                f"`{name}` has shape {labels.shape}: these look like one-hot rows, but one class "
                f"index for each example is needed, shape (N,). Use {name}.argmax(axis=1)."
            )
        raise ShapeError(
            f"`{name}` has shape {labels.shape}, but one class index for each example is needed, "
            "shape (N,)." + (f" Use {name}[:, 0]." if labels.shape[1] == 1 else "")
        )
    if not (steps and labels.ndim == 2):
        expect_axes(labels, "N", name)
    if labels.dtype.kind not in "iub":
        raise KindError(
            f"`{name}` holds {labels.dtype} values, but class indices are whole numbers. "
            f"Use {name}.astype('int64') if they are indices."
        )
    low, high = int(labels.min(initial=0)), int(labels.max(initial=0))
    if low < 0 or (classes is not None and high >= classes):
        expected = (
            "0 or more"
            if classes is None
            else f"0 to {classes - 1}, one for each of the {classes} classes"
        )
        raise RangeError(
            f"`{name}` goes from {low} to {high}, but class indices are {expected}. "
            "Count classes from 0, or widen the model's last layer."
        )
    return labels.astype("int64")


def close(values, reference, tolerance) -> np.ndarray:
    """Return where `values` are within `tolerance` of `reference`, as an array of True and False.

    This is what a tolerance means everywhere in the course: the allowed difference is
    `tolerance × max(1, |reference|)`, so absolute for references from -1 to 1 and relative to
    larger ones. Not-a-number is close to itself, and so is an infinity.

    Args:
        values, reference: Numbers or arrays of one shape.
        tolerance: At least 0.
    """
    values, reference = (np.asarray(x) * 1.0 for x in (values, reference))  # bytes would wrap
    with np.errstate(invalid="ignore"):
        apart = np.abs(values - reference)
        allowed = tolerance * np.maximum(1, np.abs(reference))
    both_nan = (values != values) & (reference != reference)
    # 0.92 - 0.90 is a little more than 0.02
    near = np.isfinite(reference) & (apart <= allowed * (1 + 1e-9) + 1e-15)
    return near | (values == reference) | both_nan


def softmax(scores) -> np.ndarray:
    """Return the probabilities (N, K) of raw scores (N, K); each row adds up to 1.

    Example:
        >>> arrays.softmax(np.array([[0.0, 0.0]]))
        array([[0.5, 0.5]])
    """
    scores = to_numpy(scores)
    powers = np.exp(
        scores - scores.max(axis=-1, keepdims=True)
    )  # the largest power is 1: no overflow
    return powers / powers.sum(axis=-1, keepdims=True)
