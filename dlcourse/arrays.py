"""Arrays of any framework: bring them to NumPy, and check their axes and labels."""

import math
from array import array
from numbers import Number

from dlcourse.errors import KindError, RangeError, ShapeError, in_short

import numpy as np

NUMBERS = "buifc"  # NumPy's kinds of numbers
MOST_VALUES = 5_000_000  # in lists; an array may have more
SHORT = ("bfloat16", "float8_e4m3fn", "float8_e5m2")  # TensorFlow's, which NumPy cannot add up
DEEPEST = 32  # lists in lists; NumPy has no more axes either


def to_numpy(array) -> np.ndarray:
    """Return numbers as NumPy, off the device and the graph.

    Args:
        array: A NumPy, PyTorch or TensorFlow array, a number, or lists of these in lists. What is
            merely iterable is refused: a generator, a set, an object of one's own.

    Raises:
        KindError: The values are not numbers, or not all there: masked, text, rows of unequal
            length, a list that holds itself.
    """
    try:
        found = _asarray(array, inside=(), room=[MOST_VALUES])
    except KindError:
        raise
    except Exception as error:  # whatever an array of some kind says when it is read
        raise KindError(f"{_named(array)} cannot become one array of numbers: {error}") from error
    if found.dtype.name in SHORT:
        found = found.astype("float32")
    if found.dtype.kind not in NUMBERS:
        raise KindError(
            f"{_named(array)} holds {found.dtype} values, but should hold numbers. "
            "Rows of unequal length, or text, cannot become one array."
        )
    return found


def _asarray(value, inside, room):
    """Return a value as NumPy; `inside` are the ids of the lists that it lies in.

    `room` holds how many more values of lists may come: reading them takes long.
    """
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise KindError("The array is masked: hand over what is there, such as array.compressed().")
    if type(value) in (int, float, bool) or isinstance(value, np.ndarray | np.generic | range):
        return np.asarray(value)
    if isinstance(value, list | tuple):
        if id(value) in inside or len(inside) > DEEPEST:
            raise KindError("A list that holds itself, or lists nested too deep, are no array.")
        room[0] -= len(value)
        if room[0] < 0:
            raise KindError(
                f"The lists hold more than {MOST_VALUES} values: make an array of them first."
            )
        if all(type(each) in (int, float, bool) for each in value):
            return np.asarray(value)
        inside = (*inside, id(value))
        parts = [_asarray(each, inside, room) for each in value]
        _expect_bytes_alone(parts)
        return np.asarray(parts)
    if hasattr(value, "detach"):  # PyTorch
        return _of_tensor(value)
    if isinstance(value, Number) and not isinstance(value, complex):  # Fraction, Decimal
        return np.asarray(_as_float(value))
    if not isinstance(value, complex | memoryview | bytearray | array) and not any(
        hasattr(value, name) for name in ("__array__", "__array_interface__")
    ):
        raise KindError(
            f"{_named(value)} is no array, which should hold numbers. If it holds some, make an "
            "array of it first: np.array(list(values))."
        )
    return np.asarray(value)


def _as_float(number):
    """Return a Fraction or a Decimal as a float, which ends at 1.8e308."""
    found = float(number)
    if math.isinf(found) and number not in (math.inf, -math.inf):
        raise KindError(f"{in_short(number)} is larger than any float.")
    return found


def _expect_bytes_alone(parts):
    """Check that a list holds bytes, which count as pixels, beside no other kind of numbers.

    Single bytes may stand beside whole numbers: labels do.
    """
    if any(part.dtype == np.uint8 for part in parts) and any(
        part.dtype != np.uint8 and (part.ndim or part.dtype.kind == "f") for part in parts
    ):
        raise KindError(
            "The list holds bytes, which count as pixels from 0 to 255, beside other numbers. "
            "Bring all to one kind first: pixels / 255."
        )


def _of_tensor(tensor):
    tensor = tensor.detach().cpu()
    if "strided" not in str(tensor.layout):
        tensor = tensor.to_dense()
    if "bfloat16" in str(tensor.dtype):
        tensor = tensor.float()
    return np.asarray(tensor.resolve_conj().resolve_neg())


def _named(value):
    kind = type(value).__name__
    return "The array" if isinstance(value, np.ndarray | list | tuple) else f"A {kind}"


def as_floats(numbers, dtype="float32") -> np.ndarray:
    """Return numbers as floats: bytes count as pixels and are divided by 255.

    This is what bytes mean everywhere in the course. All other numbers keep their value.

    Args:
        numbers: Array, or one number, of any kind but complex.
        dtype: Kind of floats to return.

    Example:
        >>> arrays.as_floats(np.array([0, 255], "uint8")), arrays.as_floats([0, 255])
        (array([0., 1.], dtype=float32), array([  0., 255.], dtype=float32))
    """
    numbers = expect_real(numbers, "numbers")
    try:
        floats = numbers.astype(np.dtype(dtype), copy=False)
    except TypeError as error:
        raise KindError(f"`dtype` is {in_short(dtype)}, which is no kind of numbers.") from error
    if floats.dtype.kind != "f":
        raise KindError(f"`dtype` is {in_short(dtype)}, but should be a kind of floats.")
    return floats / floats.dtype.type(255) if numbers.dtype == np.uint8 else floats


def expect_scale_of(pictures, numbers, pictures_name, name) -> None:
    """Check that numbers which are computed with beside bytes go from 0 to 1, as these do.

    Floats may be centred around 0: beside them any number is taken.

    Raises:
        RangeError: They go further, so they are pixels from 0 to 255, or centred.

    Example:
        >>> arrays.expect_scale_of(np.uint8([0, 255]), np.array([0.5]), "images", "baseline")
    """
    pictures, numbers = expect_real(pictures, pictures_name), expect_real(numbers, name)
    if pictures.dtype != np.uint8 or numbers.dtype == np.uint8:
        return
    if numbers.min(initial=0) < 0 or numbers.max(initial=0) > 1:
        raise RangeError(
            f"`{name}` goes from {numbers.min():g} to {numbers.max():g}, but the bytes of "
            f"`{pictures_name}` from 0 to 1, as they are divided by 255. Give bytes as well, such "
            "as np.uint8(128), or numbers from 0 to 1, such as 128 / 255."
        )


def expect_real(numbers, name) -> np.ndarray:
    """Return `numbers` as NumPy if none of them is complex.

    Raises:
        KindError: They are complex, or no numbers at all.
    """
    numbers = to_numpy(numbers)
    if numbers.dtype.kind == "c":
        raise KindError(f"`{name}` holds complex numbers, but should hold real ones.")
    return numbers


def expect_finite(numbers, name, infinities=False) -> np.ndarray:
    """Return `numbers` as NumPy if each is a finite number.

    Comparisons with nan are silently false: a run that diverged would vanish from a minimum, and
    `argmax` takes nan for the highest score.

    Args:
        numbers: Array, or one number.
        name: What the caller calls them, for the message.
        infinities: Whether inf and -inf may come too.

    Raises:
        RangeError: One is not a number, or infinite.
    """
    numbers = expect_real(numbers, name)
    bad = np.isnan(numbers) if infinities else ~np.isfinite(numbers)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        where = f", the first at index {first}" if first else ""
        wanted = "be numbers" if infinities else "be finite"
        raise RangeError(
            f"`{name}` holds {np.count_nonzero(bad)} of {bad.size} values that are nan"
            f"{'' if infinities else ' or infinite'}{where}, but all should {wanted}. "
            "Where do they come from: a training that diverged, a division by 0?"
        )
    return numbers


def expect_axes(array, axes, name) -> np.ndarray:
    """Return `array` if it has one axis for each name in `axes`, such as "N H W C".

    Raises:
        ShapeError: The number of axes differs; the message shows the shape that was given.
    """
    expected = axes.split()
    shape = _shape(array)
    if len(shape) != len(expected):
        raise ShapeError(
            f"`{name}` has shape {shape}, but needs {len(expected)} axes ({', '.join(expected)})."
            + _advice(shape, expected, name)
        )
    return array


def _advice(shape, expected, name):
    if len(shape) != len(expected) - 1:
        return ""
    if expected[-1] == "C" and shape[-1] not in (1, 3):  # grey pictures without their channel
        return f" For pictures of one channel, add its axis: {name}[..., None]."
    return f" For a single example, add the batch axis: {name}[None]."


def _shape(array):
    return array.shape if isinstance(array, np.ndarray) else to_numpy(array).shape


def expect_examples(inputs, targets, inputs_name="images", targets_name="labels") -> None:
    """Check that there is at least one example, and one target for each.

    Raises:
        ShapeError: No examples, or unequal numbers of inputs and targets.
    """
    shape, of_targets = _shape(inputs), _shape(targets)
    if len(shape) < 2:
        raise ShapeError(
            f"`{inputs_name}` has shape {shape}, but needs a batch axis and at least "
            "one more, such as (N, D) or (N, H, W, C). For a single example, add the batch axis: "
            f"{inputs_name}[None]."
        )
    if shape[0] == 0:
        raise ShapeError(
            f"`{inputs_name}` is empty: shape {shape}. At least one example is needed; "
            "look at the line that selects the examples."
        )
    if not of_targets:
        raise ShapeError(
            f"`{targets_name}` is one number, but each of {shape[0]} examples needs one: (N,)."
        )
    if shape[0] != of_targets[0]:
        raise ShapeError(
            f"`{inputs_name}` has {shape[0]} examples but `{targets_name}` has {of_targets[0]}. "
            "Each example needs one: take both from the same split, with the same selection."
        )


def for_each(classes, count) -> np.ndarray:
    """Return class indices (N,): one number counts for each of `count` examples."""
    classes = to_numpy(classes)
    return np.full(count, classes) if classes.ndim == 0 else classes


def expect_count(value, name) -> int:
    """Return a value as Python's int, which never wraps, if it is a whole number of at least 1.

    Raises:
        RangeError: It is something else; True is no number here.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise RangeError(
            f"`{name}` is {in_short(value)}, but should be a whole number of at least 1."
        )
    return int(value)


def expect_number(value, name, low=-math.inf, high=math.inf) -> None:
    """Check that a value is one finite number from `low` to `high`.

    Raises:
        RangeError: It is something else; True is no number here.
    """
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    try:
        is_finite = is_number and np.isrealobj(value) and math.isfinite(value)
    except OverflowError:  # a whole number of 400 digits is no float
        is_finite = False
    if not is_finite or not low <= value <= high:
        wanted = "a finite number" if low == -math.inf else f"a finite number of at least {low}"
        wanted += "" if high == math.inf else f" and at most {high:g}"
        raise RangeError(f"`{name}` is {in_short(value)}, but should be {wanted}.")


def expect_switch(value, name) -> None:
    """Check that a value is True or False.

    Raises:
        KindError: It is something else; 1 and "no" are no switches.
    """
    if not isinstance(value, bool | np.bool_):
        raise KindError(f"`{name}` is {in_short(value)}, but should be True or False.")


def expect_seed(value, name="seed") -> None:
    """Check that a value can be the start of random numbers: a whole number of at least 0.

    Raises:
        RangeError: It is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise RangeError(
            f"`{name}` is {in_short(value)}, but should be a whole number of at least 0."
        )


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
    classes = classes if classes is None else expect_count(classes, "classes")
    if not labels.size:
        raise ShapeError(f"`{name}` is empty: shape {labels.shape}. At least one is needed.")
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
    if low < 0 or high >= (2**63 if classes is None else classes):
        expected = (
            "0 or more, and less than 2⁶³"
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

    Raises:
        ShapeError, KindError, RangeError: Two shapes, no numbers, or no tolerance.
    """
    expect_number(tolerance, "tolerance", low=0)
    values, reference = to_numpy(values), to_numpy(reference)
    if values.ndim and reference.ndim and values.shape != reference.shape:
        raise ShapeError(
            f"`values` has shape {values.shape} and `reference` {reference.shape}, but what is "
            "compared number by number needs one shape."
        )
    equal = values == reference
    if tolerance == 0:  # whole numbers above 2⁵³ are equal as floats before they are equal
        return equal | ((values != values) & (reference != reference))
    values, reference = values * 1.0, reference * 1.0  # bytes would wrap
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(values - reference)
        allowed = tolerance * np.maximum(1, np.abs(reference))
    both_nan = (values != values) & (reference != reference)
    # 0.92 - 0.90 is a little more than 0.02
    finite = np.isfinite(values) & np.isfinite(reference)  # a large tolerance may reach infinity
    near = finite & (apart <= allowed * (1 + 1e-9) + 1e-15)
    return near | equal | both_nan


def softmax(scores) -> np.ndarray:
    """Return the probabilities (N, K) of raw scores (N, K); each row adds up to 1.

    Example:
        >>> arrays.softmax(np.array([[0.0, 0.0]]))
        array([[0.5, 0.5]])

    Raises:
        RangeError: A row with nan, inf or nothing but -inf.
    """
    scores = expect_real(scores, "scores")
    if scores.dtype.kind != "f":  # differences of whole numbers may wrap
        scores = scores.astype("float64")
    elif scores.dtype.itemsize < 4:  # a sum of half precision ends at 65 504
        scores = scores.astype("float32")
    if not scores.size or not scores.ndim:
        raise ShapeError(f"`scores` has shape {scores.shape}, but each row needs a score: (N, K).")
    with np.errstate(invalid="ignore"):
        # The largest power is 1: no overflow.
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    if np.isnan(powers).any():
        raise RangeError(
            "`scores` has a row with nan, inf or nothing but -inf, which has no probabilities."
        )
    return powers / powers.sum(axis=-1, keepdims=True)
