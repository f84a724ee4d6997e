"""Arrays of any framework become NumPy, and wrong ones are refused in words."""

from decimal import Decimal

from dlcourse.arrays import (
    as_floats,
    close,
    expect_axes,
    expect_count,
    expect_examples,
    expect_finite,
    expect_labels,
    expect_number,
    expect_seed,
    softmax,
    to_numpy,
)
from dlcourse.errors import CourseError, KindError, RangeError, ShapeError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst


def test_a_tensor_that_needs_a_gradient_becomes_numpy():
    import torch

    tensor = torch.tensor([1.0, 2.0], requires_grad=True) * 2
    np.testing.assert_array_equal(to_numpy(tensor), [2, 4])


def test_a_tensorflow_tensor_becomes_numpy():
    import tensorflow as tf

    np.testing.assert_array_equal(to_numpy(tf.constant([[1, 2]])), [[1, 2]])


@pytest.mark.parametrize("values", [["cat", "dog"], [None, 1]])
def test_what_is_not_numbers_is_refused(values):
    with pytest.raises(KindError, match="should hold numbers"):
        to_numpy(values)


def test_missing_batch_axis_is_named_with_the_way_out():
    with pytest.raises(
        ShapeError, match=r"shape \(28, 28, 1\).*4 axes \(N, H, W, C\).*images\[None\]"
    ):
        expect_axes(np.zeros((28, 28, 1)), "N H W C", "images")


def test_too_many_axes_get_no_wrong_advice():
    with pytest.raises(ShapeError) as caught:
        expect_axes(np.zeros((2, 2, 2, 2, 2)), "N H W C", "images")
    assert "batch axis" not in str(caught.value)


@pytest.mark.parametrize(
    "inputs, targets, message",
    [
        (np.zeros((0, 4)), [], "empty"),
        (np.zeros((3, 4)), [0, 1], "3 examples but `labels` has 2"),
        (np.zeros(4), np.zeros(4), r"shape \(4,\)"),
    ],
)
def test_examples_and_targets_must_pair_up(inputs, targets, message):
    with pytest.raises(ShapeError, match=message):
        expect_examples(inputs, targets)


@pytest.mark.parametrize(
    "labels, error, message",
    [
        ([0, 3], RangeError, "go from 0 to 3|goes from 0 to 3"),
        ([-1, 0], RangeError, "from -1"),
        ([[1, 0, 0], [0, 1, 0]], ShapeError, "one-hot"),
        ([0.0, 1.0], KindError, "whole numbers"),
        (["a", "b"], KindError, "should hold numbers"),
    ],
)
def test_labels_that_are_no_class_are_refused(labels, error, message):
    with pytest.raises(error, match=message) as caught:
        expect_labels(labels, classes=3)
    assert isinstance(caught.value, CourseError)


def test_good_labels_become_int64():
    assert expect_labels(np.array([0, 2], "uint8"), 3).dtype == np.int64


scores_2d = npst.arrays(
    float, npst.array_shapes(min_dims=2, max_dims=2), elements=st.floats(-1e3, 1e3)
)


@given(scores_2d)
def test_softmax_rows_are_probabilities(scores):
    probabilities = softmax(scores)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


@given(scores_2d, st.floats(-100, 100))
def test_softmax_ignores_what_is_added_to_all_scores(scores, constant):
    np.testing.assert_allclose(softmax(scores), softmax(scores + constant), atol=1e-9)


@pytest.mark.parametrize(
    "value, reference, tolerance, near",
    [
        (0.92, 0.90, 0.02, True),  # a little more than 0.02 in binary
        (0.93, 0.90, 0.02, False),
        (-0.01, 0.01, 0.02, True),
        (102, 100, 0.02, True),
        (103, 100, 0.02, False),
        (-102, -100, 0.02, True),
        (100, 103, 0.0, False),
        (1.0, 1, 0, True),
        (np.nan, np.nan, 0, True),
        (np.nan, 1.0, 9, False),
        (1.0, np.nan, 9, False),
        (np.inf, np.inf, 0, True),
        (np.inf, -np.inf, 9, False),
        (1e300, np.inf, 9, False),
        (np.inf, 1.0, 9, False),
        (np.inf, 1e308, 10, False),  # 10 × 1e308 is infinite too
        (True, False, 0.5, False),
        (np.uint8(0), np.uint8(1), 0.5, False),  # bytes would wrap: 0 - 1 = 255
        (np.uint8(0), np.uint8(1), 1, True),
        (1 + 1j, 1 + 1.01j, 0.02, True),
    ],
)
def test_a_tolerance_is_absolute_up_to_one_and_relative_above(value, reference, tolerance, near):
    assert bool(close(value, reference, tolerance)) == near


def test_what_is_close_is_said_element_by_element():
    found = close([[1.0, 2.0], [3.0, 40.0]], [[1.0, 2.5], [3.0, 41.0]], 0.1)
    assert found.tolist() == [[True, False], [True, True]]


class Endless:
    """Half a sequence: it can be indexed for ever."""

    def __getitem__(self, place):
        return self

    def __len__(self):
        return 3


def holds_itself():
    names = ["coat"]
    names += [names, names]
    return names


NO_ARRAYS = {
    "endless": Endless(),
    "holds itself": holds_itself(),
    "generator": (x for x in "ab"),
    "set": {1, 2},
    "dictionary": {0: 1},
    "nothing": None,
    "text": "12",
    "bytes": b"12",
    "rows of unequal length": [[1, 2], [3]],
    "too large for numbers of 64 bits": [2**70],
    "days": np.array(["2026-01-01"], "datetime64[D]"),
    "masked": np.ma.array([1, 2], mask=[True, False]),
    "a function": len,
}


@pytest.mark.parametrize("value", NO_ARRAYS.values(), ids=NO_ARRAYS)
def test_what_is_merely_iterable_is_no_array(value):
    with pytest.raises(KindError):
        to_numpy(value)


def test_tensors_of_every_kind_are_read_or_refused_in_words():
    import torch

    grown = torch.tensor([1.0, 2.0], requires_grad=True)
    for tensor, expected in (
        (grown * 2, [2, 4]),
        ([*(grown * 2)], [2, 4]),
        ([[grown.sum()], [1]], [[3], [1]]),
        (torch.tensor([1.5, 2], dtype=torch.bfloat16), [1.5, 2]),
        (torch.tensor([0.0, 2]).to_sparse(), [0, 2]),
        (torch.tensor([1 + 2j]).conj(), [1 - 2j]),
    ):
        np.testing.assert_array_equal(to_numpy(tensor), expected)
    with pytest.raises(KindError):
        to_numpy(torch.empty(2, device="meta"))


def test_fractions_and_decimals_are_numbers():
    from decimal import Decimal
    from fractions import Fraction

    assert to_numpy([Fraction(1, 2), Decimal("0.25"), 1]).tolist() == [0.5, 0.25, 1]


def test_bytes_are_pixels_and_other_numbers_keep_their_value():
    for pixels in (np.uint8(255), np.array([255], "uint8")):
        assert as_floats(pixels) == 1 and as_floats(pixels).dtype == np.float32
    assert as_floats([255]) == 255 and as_floats(255.0, "float64").dtype == np.float64
    with pytest.raises(KindError, match="complex"):
        as_floats(1j)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_counted_and_shown(bad):
    with pytest.raises(RangeError, match=r"`scores` holds 1 of 4 .* index \(1, 0\)"):
        expect_finite([[0, 1], [bad, 2]], "scores")
    if np.isinf(bad):
        expect_finite([bad], "scores", infinities=True)


@pytest.mark.parametrize(
    "shape, advice",
    [
        ((28, 28, 1), "images[None]"),
        ((28, 28, 3), "images[None]"),
        ((5, 28, 28), "images[..., None]"),
    ],
)
def test_three_axes_are_a_single_picture_or_pictures_without_channels(shape, advice):
    with pytest.raises(ShapeError) as caught:
        expect_axes(np.zeros(shape), "N H W C", "images")
    assert advice in str(caught.value)


@pytest.mark.parametrize("scores", [[[np.inf, 0.0]], [[np.nan, 0.0]], [[-np.inf, -np.inf]]])
def test_rows_without_probabilities_are_refused(scores):
    with pytest.raises(RangeError, match="no probabilities"):
        softmax(scores)


def test_a_score_of_minus_infinity_has_no_probability():
    np.testing.assert_array_equal(softmax([[-np.inf, 3.0]]), [[0, 1]])


def test_large_whole_numbers_are_compared_to_the_last_digit():
    assert not close(2**53 + 1, 2**53, 0) and close(2**53, 2**53, 0)


@pytest.mark.parametrize(
    "values, reference, tolerance, error",
    [
        ([1, 2, 3], [[1], [2], [3]], 0.1, ShapeError),
        ("1", 1, 0.1, KindError),
        (1, 1, np.nan, RangeError),
        (1, 1, -1, RangeError),
        (1, 1, None, RangeError),
    ],
)
def test_what_cannot_be_compared_is_refused(values, reference, tolerance, error):
    with pytest.raises(error):
        close(values, reference, tolerance)


@pytest.mark.parametrize("kind", ["int8", "int16", "uint8", "int64", "float16"])
def test_probabilities_of_every_kind_of_numbers(kind):
    ends = (0, 100) if kind == "uint8" else (-100, 100)
    np.testing.assert_allclose(softmax(np.array([ends], kind)), [[0, 1]], atol=1e-6)
    np.testing.assert_allclose(softmax(np.zeros((1, 70_000), kind)).sum(), 1, rtol=1e-3)


@pytest.mark.parametrize(
    "mixed",
    [
        [np.zeros(3, "uint8"), np.zeros(3)],
        [np.array([255], "uint8"), np.array([255])],
        [np.array([255], "uint8"), [255]],
        [[np.uint8(255)], [0.5]],
        [np.uint8(255), 0.5],
    ],
)
def test_bytes_beside_other_numbers_are_refused(mixed):
    with pytest.raises(KindError, match="beside other numbers"):
        to_numpy(mixed)


def test_labels_may_come_as_bytes_beside_whole_numbers():
    np.testing.assert_array_equal(to_numpy([np.uint8(3), 5]), [3, 5])


def test_lists_of_millions_are_no_arrays():
    row = [0] * 100_000
    with pytest.raises(KindError, match="make an array of them first"):
        to_numpy([row] * 20_000)


def test_numbers_of_5000_digits_are_told_shortly():
    for ask in (expect_number, expect_count, expect_seed):
        with pytest.raises(RangeError, match="more than 4300 digits"):
            ask(-(10**5000), "x")


def test_what_is_no_finite_number_and_no_index_is_said():
    for value in (-np.inf, np.inf, np.nan):
        with pytest.raises(RangeError):
            expect_number(value, "x")
    with pytest.raises(RangeError, match="less than 2⁶³"):
        expect_labels(np.array([2**63], "uint64"), None)


def test_numbers_beyond_floats_and_odd_kinds_are_said():
    with pytest.raises(KindError, match="larger than any float"):
        to_numpy(Decimal("1e400"))
    assert to_numpy(Decimal("Infinity")) == np.inf
    for kind in ("foo", "int64", None.__class__):
        with pytest.raises(KindError, match="`dtype` is"):
            as_floats([1.7], kind)
    with pytest.raises(RangeError, match="`classes` is '2'"):
        expect_labels([1], "2")


def test_a_range_is_as_long_as_a_list_may_be():
    assert to_numpy(range(3)).tolist() == [0, 1, 2]
    with pytest.raises(KindError, match="make an array of them first"):
        to_numpy(range(400_000_000))
