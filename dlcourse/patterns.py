"""What went wrong, in the words of whoever meets it: how results differ, and what errors mean.

Each sentence about results is computed from them, over all cases, so that it is true of the answer.
"""

import re

from dlcourse.arrays import to_numpy
from dlcourse.errors import CourseError

import numpy as np

NEAR = 1e-6
ERRORS = {  # what an error's message says, and what it means
    r"could not be broadcast|must match the size of tensor|Incompatible shapes": (
        "Two arrays do not fit together: counted from the last, their axes must be equal or 1. "
        "Print both shapes. Is a `[:, None]` or `keepdims=True` missing, or one too many?"
    ),
    r"not aligned|mismatch in its core dimension|cannot be multiplied": (
        "In a product of matrices the inner sizes must be equal: (N, D) @ (D, K). Print both "
        "shapes. Is one of them to be turned, `.T`, or in the other place?"
    ),
    r"truth value of an array|Boolean value of Tensor": (
        "An `if`, `and`, `or` or `not` got a whole array. Say what is meant with `.all()` or "
        "`.any()`, or compare number by number with `&`, `|` and `~`."
    ),
    r"index \S+ is out of bounds|index out of range": (
        "An index lies outside. They go from 0 to the size less 1, and from −1 back to minus the "
        "size; print it and the shape."
    ),
    r"only integer|indices must be integers": (
        "An index is not a whole number. `//` divides to a whole number, `int(…)` makes one."
    ),
    r"too many indices|invalid index to scalar": (
        "There are more indices than axes. Print the shape before that line."
    ),
    r"does not support input requests|cannot ask for input": (
        "Within a check nobody can type anything, into a debugger neither. Call your function in "
        "a cell of its own to debug it."
    ),
    r"NoneType": "Something there is None, which a function gives that has no `return`.",
    r"name '.*' is not defined|cannot access local variable": (
        "That name has no value here: is it misspelled, or does the line that gives it one not run?"
    ),
    r"missing \d+ required positional|takes .* arguments? .*given": (
        "A function was called with too few or too many values: compare the call with its `def`."
    ),
    r"object is not callable": (
        "Round brackets call something that is no function. Was an index meant, `[…]`, or an `*` "
        "before the bracket?"
    ),
    r"inhomogeneous shape|setting an array element with a sequence": (
        "Rows of different length were to become one array. Print the length of each."
    ),
    r"can only concatenate|unsupported operand type\(s\) for \+": (
        "Two kinds of things that cannot be added: with lists, `+` joins them. For sums make "
        "arrays first: `np.array(…)`."
    ),
    r"unsupported operand type": (
        "That sign does not work between these two kinds of things. Lists and texts are no "
        "numbers: make arrays first, `np.array(…)`."
    ),
    r"axis \S+ is out of bounds|Dimension out of range": (
        "There is no such axis. The first is 0, the last is −1; print the shape."
    ),
}


def in_words(message) -> str:
    """Return what an error's message means, in plain words; "" if nobody has written it yet."""
    found = (words for pattern, words in ERRORS.items() if re.search(pattern, message))
    return next(found, "")


def of_results(results, wanted) -> str:
    """Return how all results are related to the wanted ones, as a sentence; "" if they are not.

    Args:
        results, wanted: What an answer and the solution give, case by case; as many of each.
    """
    try:
        pairs = [(to_numpy(ours), to_numpy(theirs)) for ours, theirs in zip(results, wanted)]
    except CourseError:  # no numbers
        return ""
    pairs = [pair for pair in pairs if pair[1].size]
    if not pairs or any(each.dtype.kind == "c" for pair in pairs for each in pair):
        return ""
    if any(np.isnan(ours).any() and not np.isnan(theirs).any() for ours, theirs in pairs):
        return "There is nan in it, which is what 0 / 0, ∞ − ∞ and the root of −1 give."
    if any(ours.shape != theirs.shape for ours, theirs in pairs):
        return _of_shapes(pairs)
    return _of_numbers(pairs)


def _of_shapes(pairs):
    if all(
        ours.size == theirs.size and _equal(ours.ravel(), theirs.ravel()) for ours, theirs in pairs
    ):
        more = [ours.ndim - theirs.ndim for ours, theirs in pairs]
        if max(more) > 0 and min(more) >= 0:
            return "The numbers are right, but there is an axis too many."
        if min(more) < 0 and max(more) <= 0:
            return "The numbers are right, but there is an axis too few."
        return "The numbers are right, but their rows are cut elsewhere."
    if all(ours.T.shape == theirs.shape and _equal(ours.T, theirs) for ours, theirs in pairs):
        return "It is what should come out with its axes swapped."
    return ""


def _of_numbers(pairs):
    ours, theirs = (np.concatenate([each.ravel() * 1.0 for each in side]) for side in zip(*pairs))
    if not np.isfinite(ours).all() or not np.isfinite(theirs).all() or len(np.unique(theirs)) < 3:
        return ""
    there = theirs != 0
    factors = ours[there] / theirs[there]
    if _equal(factors, factors[:1]) and not ours[~there].any():
        factor = factors[0]
        if not factor:
            return "It is always 0."
        if _equal(factor, -1):
            return "Each number has the opposite sign."
        return f"Each number is {_told(factor)} times what it should be."
    if _equal(ours - theirs, (ours - theirs)[:1]):
        off = ours[0] - theirs[0]
        return f"Each number is {_told(abs(off))} too {'large' if off > 0 else 'small'}."
    if _equal(ours, abs(theirs)):
        return "The numbers are right without their signs."
    rows = [pair for pair in pairs if pair[1].ndim]
    if len(rows) == len(pairs):
        if all(_equal(ours[::-1], theirs) for ours, theirs in rows):
            return "They are the right numbers in the reverse order."
        if all(
            _equal(np.sort(ours, axis=None), np.sort(theirs, axis=None)) for ours, theirs in rows
        ):
            return "They are the right numbers in another order."
    if any(map(_has_fractions, theirs)) and not any(map(_has_fractions, ours)):
        return "Only whole numbers come out: is there a `//`, an `int(…)`, or an array of integers?"
    return ""


def _has_fractions(number):
    return number != np.floor(number)


def _equal(one, other):
    largest = np.max(np.abs(other), initial=0)  # what is near is told by the numbers' own size
    return bool(np.allclose(one, other, rtol=NEAR, atol=NEAR * min(1, largest)))


def _told(number):
    return f"{number:.4g}".replace("-", "−")
