"""A written test is right if it tells right functions from wrong ones; else it says which slips."""

from dlcourse import exercise, written_tests
from dlcourse.errors import LessonError
from dlcourse.exercise import Mistake

import numpy as np
import pytest
import torch


def _sum(numbers):
    return numbers.sum()


def _largest(numbers):
    return numbers.max()


def _of_the_first_two(numbers):
    return numbers[:2].mean()


def _fails_alone(numbers):
    return numbers.sum() / len(numbers[1:]) if len(numbers) == 1 else numbers.max()


@exercise.function(
    ask="Return the mean of the numbers.",
    cases=[{"numbers": np.array([1.0, 2.0, 6.0])}],
    hints=("Add.", "Divide."),
    mistakes=[
        Mistake("That is the sum.", _sum),
        Mistake("That is the largest.", _largest),
        Mistake("You look at two only.", _of_the_first_two),
    ],
)
def mean_of(numbers):
    return numbers.mean()


def _two_numbers(mean_of):
    assert mean_of(np.array([1.0, 3.0])) == 2


@written_tests.of(
    mean_of,
    ask="Write a test of `mean_of`.",
    hints=("Which numbers?", "Three that differ."),
    mistakes=[Mistake("With two numbers the first two are all.", _two_numbers)],
)
def test_of_mean(mean_of):
    assert mean_of(np.array([1.0, 2.0, 6.0])) == 3


check_mean = test_of_mean
del test_of_mean  # else pytest would call it
check_mean.name = "check_mean"


def judged(test):
    return check_mean.judge(test)


def test_a_test_that_catches_all_is_right():
    said = judged(check_mean.solve)
    assert str(said) == "Right. It accepts 1 right functions and catches all 3 wrong ones."
    assert check_mean.faults() == []


def by_truth(mean_of):
    return mean_of(np.array([1.0, 2.0, 6.0])) == 3


def by_sentence(mean_of):
    result = mean_of(np.array([4.0, 5.0, 9.0]))
    assert abs(result - 6) < 1e-9, f"not {result}"


@pytest.mark.parametrize("test", [by_truth, by_sentence])
def test_another_way_to_write_it_is_right(test):
    assert judged(test).outcome == "right"


def test_what_slips_through_is_shown_counted_and_can_be_called():
    def by_four(mean_of):
        assert mean_of(np.array([1.0, 1.0, 1.0, 1.0])) == 1

    said = judged(by_four)
    assert said.message == "Your test catches 1 of 3 wrong functions."
    assert said.code.startswith("# Caught: 1 of 3 wrong functions. This one slipped through")
    assert "lesson.check_mean.slipped(…)" in said.code and "def _largest(numbers):" in said.code
    assert check_mean.slipped(np.array([1.0, 2.0])) == 2


def test_a_weak_test_that_catches_the_same_as_a_known_one_gets_its_advice():
    said = judged(lambda mean_of: mean_of(np.array([2.0, 4.0])) == 3)
    assert said.message == "With two numbers the first two are all."
    assert "Caught: 2 of 3" in said.code and "_of_the_first_two" in said.code


def test_a_test_that_catches_nothing_gets_no_advice_for_something():
    assert (
        judged(lambda mean_of: mean_of and None).message
        == "Your test catches 0 of 3 wrong functions."
    )


def test_a_test_that_refuses_what_is_right_is_told_where():
    def wrong_number(mean_of):
        assert mean_of(np.array([1.0, 2.0, 6.0])) == 4, "four"

    said = judged(wrong_number)
    assert said.outcome == "wrong"
    wanted = "Your test refuses the solution of `mean_of`: AssertionError: four"
    assert said.message.startswith(wanted)  # here pytest adds more
    assert "== 4" in said.code
    said = judged(lambda mean_of: mean_of("126") == 3)
    assert "AttributeError: 'str' object has no attribute 'mean'" in said.message


@pytest.mark.parametrize("numbers", [[1, 2, 6], (1.0, 2, 6), np.array([1, 2, 6], "float32")])
def test_a_test_may_give_the_values_in_any_kind_of_list_or_array(numbers):
    assert judged(lambda mean_of: mean_of(numbers) == 3).outcome == "right"


def test_a_test_of_another_function_is_told_so():
    said = judged(lambda tested: mean_of.solve(np.ones(3)) == 1)
    assert said.message == "Your test never uses the function that it gets, `mean_of`."


def nothing(mean_of):
    """Only words."""


unseen_by_pytest = {}  # which writes more into each assert that it sees
exec("def dots(mean_of):\n    assert ...  # your cases", unseen_by_pytest)


@pytest.mark.parametrize(
    "blank", [..., None, nothing, unseen_by_pytest["dots"], lambda mean_of: True]
)
def test_a_test_that_looks_at_no_function_is_not_tried(blank):
    assert judged(blank).outcome == "not tried"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (3, "should be a function: hand over `check_mean` itself"),
        (lambda mean_of: mean_of(np.ones(1)) + 2, "Your test gives 3. Let it `assert`"),
        (lambda mean_of: mean_of(np.ones(1)) + np.array([1, 2]), "Let it `assert`"),
    ],
)
def test_what_is_no_test_is_told(given, words):
    said = judged(given)
    assert said.outcome == "wrong" and words in said.message


def test_a_test_that_never_ends_is_ended():
    check_mean.asked.seconds, before = 0.2, check_mean.asked.seconds
    try:
        said = judged(lambda mean_of: [mean_of for _ in iter(int, 1)])
    finally:
        check_mean.asked.seconds = before
    assert said.outcome == "wrong" and "stopped" in said.message


def test_to_start_again_is_an_assert_of_one_s_own():
    assert check_mean.again().code == (
        "def check_mean(mean_of):\n    assert ...  # your cases\n\n\n"
        "lesson.check_mean.check(check_mean)"
    )


def test_only_an_exercise_s_functions_are_tested():
    with pytest.raises(LessonError, match="tests the functions of an exercise, not 3"):
        written_tests.of(3, ask="", hints=("a", "b"), mistakes=[])(nothing)


def test_a_known_weak_test_that_catches_nothing_or_all_is_a_fault():
    def anything(mean_of):
        assert mean_of(np.ones(1)) == 1

    declare = written_tests.of(
        mean_of, ask="A test.", hints=("a", "b"), mistakes=[Mistake("Weak.", anything)]
    )
    assert any("a weak test must catch something" in fault for fault in declare(by_truth).faults())


def test_the_truth_of_an_array_or_tensor_is_one():
    @exercise.function(
        ask="A", cases=[{"x": np.arange(6.0)}], hints=("a", "b"),
        mistakes=[Mistake("M", lambda x, stride=1: x)],
    )  # fmt: skip
    def every(x, stride=1):
        return x[::stride]

    def of_a_tensor(every):
        return (torch.tensor(every(np.arange(4.0), 2)) == torch.tensor([0, 2])).all()

    def of_an_array(every):
        return (every(np.arange(4.0), stride=2) == [0, 2]).all()

    for test in (of_a_tensor, of_an_array):
        asked = written_tests.of(every, ask="A", hints=("a", "b"), mistakes=[])(test)
        assert asked.judge(test).outcome == "right"
