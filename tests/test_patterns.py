"""What is said of a wrong answer beside its numbers is true, and said only where it is."""

import re

from dlcourse import exercise, limits, patterns
from dlcourse.exercise import Mistake

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

NOTHING, NUMBERS = None, [1]
ROW, SQUARE = np.array([1.0, -2.5, 3.0, 0.0]), np.arange(6.0).reshape(2, 3) ** 2 - 3.5


def calls_nothing():
    def of_two(a, b):
        return a + b

    return of_two(1)


def asks_itself():
    later = later + 1  # noqa: F821, F841


RAISED = {
    "do not fit together": (
        lambda: np.ones((3, 2)) + np.ones(3),
        lambda: torch.ones(3, 2) + torch.ones(3),
    ),
    "inner sizes": (
        lambda: np.ones((2, 3)) @ np.ones((2, 3)),
        lambda: np.ones((2, 3)).dot(np.ones(2)),
        lambda: torch.ones(2, 3) @ torch.ones(2, 3),
    ),
    "a whole array": (
        lambda: 1 if np.ones(2) > 0 else 0,
        lambda: 1 if torch.ones(2) > 0 else 0,
    ),
    "lies outside": (lambda: ROW[9], lambda: NUMBERS[3], lambda: torch.ones(2)[5]),
    "not a whole number": (
        lambda: ROW[1.5],
        lambda: NUMBERS[1.0],
        lambda: np.zeros(3)["a"],
    ),
    "more indices than axes": (lambda: ROW[0, 1], lambda: ROW[0][1], lambda: torch.ones(2)[0, 1]),
    "Within a check": (limits._no_input,),
    "is None": (lambda: NOTHING + 1, lambda: NOTHING[0], lambda: NOTHING.shape),
    "no value here": (lambda: unknown, asks_itself),  # noqa: F821
    "compare the call": (calls_nothing, lambda: len(1, 2)),
    "no function": (lambda: ROW(0), lambda: ROW[0](3)),
    "different length": (lambda: np.array([[1], [1, 2]]), lambda: np.array([1, [2, 3]])),
    "cannot be added": (lambda: NUMBERS + 1, lambda: 1 + NUMBERS),
    "no numbers": (lambda: NUMBERS - NUMBERS, lambda: "2" / 3),
    "no such axis": (lambda: ROW.sum(axis=1), lambda: torch.ones(2).sum(dim=3)),
}


@pytest.mark.parametrize(
    "words, raises", [(words, each) for words, several in RAISED.items() for each in several]
)
def test_an_error_of_a_library_is_put_into_plain_words(words, raises):
    with pytest.raises(Exception) as raised:
        raises()
    assert words in patterns.in_words(f"{raised.type.__name__}: {raised.value}")


def test_every_pattern_is_met_by_an_error_and_an_unknown_one_gets_no_words():
    for words in patterns.ERRORS.values():
        assert any(each in words for each in RAISED)
    assert patterns.in_words("ValueError: four") == ""


RELATED = {
    "Each number is 2 times what it should be.": lambda x: 2 * x,
    "Each number is −0.5 times what it should be.": lambda x: -x / 2,
    "Each number has the opposite sign.": lambda x: -x,
    "Each number is 1 too large.": lambda x: x + 1,
    "Each number is 0.25 too small.": lambda x: x - 0.25,
    "It is always 0.": lambda x: 0 * x,
    "The numbers are right without their signs.": np.abs,
    "They are the right numbers in the reverse order.": lambda x: x[::-1],
    "They are the right numbers in another order.": lambda x: np.sort(x, axis=0),
    "Only whole numbers come out: is there a `//`, an `int(…)`, or an array of integers?": (
        lambda x: x // 1
    ),
    "There is nan in it, which is what 0 / 0, ∞ − ∞ and the root of −1 give.": (
        lambda x: np.where(x < 0, np.nan, x)
    ),
    "The numbers are right, but there is an axis too many.": lambda x: x[..., None],
    "The numbers are right, but there is an axis too few.": lambda x: (
        x.ravel() if x.ndim > 1 else x[0] if len(x) == 1 else x.ravel()[:, None][:, 0]
    ),
    "It is what should come out with its axes swapped.": lambda x: x.T,
    "": lambda x: x**2 + x / 3,
}


@pytest.mark.parametrize("said, wrong", RELATED.items())
def test_what_all_results_have_in_common_is_said(said, wrong):
    cases = [SQUARE] if "axes swapped" in said or "too few" in said else [ROW, ROW[:3] + 0.25]
    assert patterns.of_results([wrong(case) for case in cases], cases) == said


def test_what_only_one_case_shows_is_not_said_of_all():
    assert patterns.of_results([2 * ROW, 3 * ROW], [ROW, ROW]) == ""
    assert patterns.of_results([ROW.reshape(2, 2), ROW[:3]], [ROW, ROW]) == ""
    assert patterns.of_results(["a"], [ROW]) == patterns.of_results([], []) == ""
    assert patterns.of_results([5.0], [3.0]) == ""  # one number says nothing of a rule


numbers = st.lists(st.integers(-50, 50), min_size=1, max_size=6)


@given(st.lists(st.tuples(numbers, numbers), max_size=4))
def test_whatever_came_gets_a_sentence_or_none(pairs):
    assert isinstance(patterns.of_results(*zip(*pairs)) if pairs else "", str)


def _largest(numbers):
    return numbers.max()


@exercise.function(
    ask="Return half of each number.",
    cases=[{"numbers": ROW}, {"numbers": ROW + 1}],
    hints=("a", "b"),
    mistakes=[Mistake("That is the largest.", _largest)],
)
def half(numbers):
    return numbers / 2


def test_a_check_says_it_beside_the_numbers():
    assert half.judge(lambda n: n).message.endswith("Each number is 2 times what it should be.")
    assert half.judge(_largest).message == "That is the largest."
    said = half.judge(lambda n: n + np.ones(7)).message
    assert re.search(r"ValueError: .*\nTwo arrays do not fit together", said)


def test_an_index_below_the_first_is_no_large_one_and_no_difference_a_sum():
    assert "lies outside" in patterns.in_words("IndexError: index -4 is out of bounds for axis 0")
    assert "cannot be added" in patterns.in_words("unsupported operand type(s) for +: 'a' and 'b'")
    assert "no numbers" in patterns.in_words("unsupported operand type(s) for -: 'str' and 'str'")


def test_an_axis_too_many_in_some_results_is_told_and_tiny_numbers_by_their_own_size():
    both = [np.ones((1, 3)), np.eye(2)], [np.ones(3), np.eye(2)]
    assert "an axis too many" in patterns.of_results(*both)
    tiny = [np.array([1e-9, 3e-9, 9e-9])], [np.array([-2e-9, 4e-9, 5e-9])]
    assert patterns.of_results(*tiny) == ""
    doubled = [2 * tiny[1][0]], [tiny[1][0]]
    assert patterns.of_results(*doubled) == "Each number is 2 times what it should be."
