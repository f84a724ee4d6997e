"""The exercises of every lesson keep their promises, and the check itself keeps its own."""

import datetime
import html
import importlib
import inspect
import math
import operator
import re
import time
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

from dlcourse import answers, backends, exercise, lessons, limits, progress
from dlcourse.errors import CourseError, LessonError
from dlcourse.exercise import Feedback, Mistake, WhatIf

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

HINTS = ("Think of the sides.", "Multiply both.", "`width` times `height`.")


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """A folder of its own for what each test's learner has done."""
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path))
    monkeypatch.delenv("DLCOURSE_PROGRESS", raising=False)


# The exercises of the lessons ---------------------------------------------------------------------

MODULES = {
    path.parent.name: importlib.import_module(f"dlcourse.lessons.{path.parent.name}")
    for path in sorted(lessons.FOLDER.glob("*/__init__.py"))
}
EXERCISES = [
    each
    for module in MODULES.values()
    for each in vars(module).values()
    if isinstance(each, exercise.Exercise)
]
NEED_A_NOTEBOOK = [it for it in EXERCISES if isinstance(it, exercise.MeasuredExercise)]


def name_of(each):
    return f"{each.lesson}.{each.name}"


@pytest.mark.parametrize("each", [it for it in EXERCISES if it not in NEED_A_NOTEBOOK], ids=name_of)
def test_an_exercise_keeps_the_promises_that_need_no_notebook(each):
    assert each.faults() == []


@pytest.mark.parametrize("each", NEED_A_NOTEBOOK, ids=name_of)  # the solved run proves the rest
def test_an_outcome_exercise_has_hints_and_advice_and_knows_a_blank(each):
    assert each.judge(...).outcome == "not tried"
    assert len(each.hints) >= 2
    assert len({mistake.advice for mistake in each.mistakes}) == len(each.mistakes) >= 1
    assert all(mistake.sign for mistake in each.mistakes)
    assert list(each._told_early()) == []


@pytest.mark.parametrize("each", EXERCISES, ids=name_of)
def test_an_exercise_stands_in_its_lesson_under_its_own_name(each):
    assert getattr(MODULES[each.lesson], each.name) is each


@pytest.mark.parametrize("slug", MODULES)
def test_a_lesson_has_three_exercises_and_three_questions(slug):
    assert sum(each.lesson == slug for each in EXERCISES) >= 3
    assert len(MODULES[slug].QUIZ) >= 3


# A function ---------------------------------------------------------------------------------------


def _sum_of_sides(width, height):
    return width + height


def some_sides(random):
    return {"width": float(random.integers(1, 50)), "height": float(random.integers(1, 50))}


@exercise.function(
    ask="Return the area, as `def area(width, height)` promises.",
    cases=[{"width": 2.0, "height": 3.0}, {"width": 4.0, "height": 5.0}],
    draw=some_sides,
    hints=HINTS,
    mistakes=[Mistake("You added the sides.", _sum_of_sides)],
    seconds=0.3,
)
def area(width, height):
    # a square metre is a square
    product = width * height
    return product


def some_number(random):
    return {"n": int(random.integers(1000))}


def asks_for(solution, cases=({"n": 1},), mistakes=(), **options):
    """Return a function exercise whose solution is the given function."""
    mistakes = mistakes or [Mistake("It is 12345.", lambda **case: 12345)]
    options = {"ask": "…", "hints": HINTS, "draw": None, **options}
    return exercise.function(cases=cases, mistakes=mistakes, **options)(solution)


def verdict(want, got, **options):
    """Return what is said to a function that gives `got` where `want` is wanted."""
    return asks_for(lambda n: want, **options).judge(lambda n: got)


def test_a_function_that_does_the_same_is_right():
    said = area.judge(lambda height, width: height * width)
    assert (said.outcome, said.message) == ("right", "It agrees with the solution on all 26 cases.")


def test_a_function_that_is_wrong_in_a_later_case_only_is_wrong():
    said = area.judge(lambda width, height: 6.0)
    assert said.outcome == "wrong"
    assert said.message == "`area(width=4, height=5)` gives 6, but should give 20."


def test_a_known_mistake_gets_its_own_advice_and_no_other_wrong_answer_does():
    assert area.judge(lambda width, height: height + width) == Feedback(
        "wrong", "You added the sides."
    )
    assert "added" not in area.judge(lambda width, height: height - width).message


@pytest.mark.parametrize(
    "want, got, said",
    [
        (2.0, 3.0, "gives 3, but should give 2"),
        (1.0, 1.000003, "gives 1.000003, but should give 1"),
        (2.0, "2", "gives '2', but should give one number"),
        (2.0, np.ones(3), "gives shape (3,), but should give one number"),
        (np.ones(3), 2.0, "gives one number, but should give shape (3,)"),
        (np.ones((2, 3)), np.ones((3, 2)), "gives shape (3, 2), but should give shape (2, 3)"),
        (np.ones(2), np.array(["a", "b"]), "gives ['a', 'b'], but should give shape (2,)"),
        (np.ones(2), [1, [2, 3]], "gives [1, [2, 3]], but should give shape (2,)"),
        (np.eye(2), np.array([[1, 0], [0.1, 3]]), "gives 3 at index (1, 1), but should give 1"),
        (np.ones(2), [1.0, 0.0], "gives 0 at index (1,), but should give 1"),
        (np.ones(2), np.array([1, np.nan]), "gives nan at index (1,), but should give 1"),
        (np.ones(2), np.full(2, np.nan), "gives nan at index (0,), but should give 1"),
        (np.array([np.inf, 1]), np.array([np.inf, 2]), "gives 2 at index (1,), but should give 1"),
        (
            np.ones(2, bool),
            np.array([True, False]),
            "gives False at index (1,), but should give True",
        ),
        (np.ones(1), np.ones(1) * 1j, "gives 1j at index (0,), but should give 1"),
        (torch.ones(2), torch.zeros(2, requires_grad=True), "gives 0 at index (0,), but should"),
        (torch.tensor(1.0), torch.tensor(2.0, requires_grad=True), "gives 2, but should give 1"),
        ([1, 2], torch.zeros(2, requires_grad=True), "gives [0., 0.], but should give [1, 2]"),
        ([1, 2], [np.float64(1), 3], "gives [1, 3], but should give [1, 2]"),
        ([1, 2], [1], "gives [1], but should give [1, 2]"),
        ((1, 2), (1,), "gives (1,), but should give (1, 2)"),
        ("boot", "coat", "gives 'coat', but should give 'boot'"),
        (True, False, "gives False, but should give True"),
        (True, 1, "gives 1, but should give True"),
        ({"a": 1}, {"b": 1}, "gives {'b': 1}, but should give {'a': 1}"),
    ],
)
def test_a_wrong_answer_is_told_how_it_differs(want, got, said):
    feedback = verdict(want, got)
    assert feedback.outcome == "wrong"
    assert said in feedback.message


@pytest.mark.parametrize(
    "want, got",
    [
        (1.0, 1),
        (1, np.float32(1)),
        (1 / 3, np.float32(1 / 3)),
        (np.nan, float("nan")),
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf])),
        (np.ones(2), [1, 1]),
        (np.ones(2), torch.ones(2, requires_grad=True)),
        (torch.ones(2), np.ones(2)),
        (torch.tensor(2.0), 2),
        ([1, 2], (1, 2)),
        ([1, 2], np.array([1, 2])),
        ([np.ones(2), "a"], [torch.ones(2), "a"]),
        (["boot", "coat"], np.array(["boot", "coat"])),
        (np.array(["boot", "coat"]), ["boot", "coat"]),
        ("boot", np.str_("boot")),
        (True, np.True_),
        (True, torch.tensor(True)),
        (np.True_, True),
        ({"a": np.ones(2)}, {"a": [1, 1]}),
    ],
)
def test_what_means_the_same_is_right(want, got):
    assert verdict(want, got).outcome == "right"


def test_numbers_may_differ_by_the_tolerance_absolutely_below_1_and_relatively_above():
    assert verdict(0.0, 0.009, tolerance=0.01).outcome == "right"
    assert verdict(0.0, 0.011, tolerance=0.01).outcome == "wrong"
    assert verdict(1000.0, 1009.0, tolerance=0.01).outcome == "right"
    assert verdict(1000.0, 1011.0, tolerance=0.01).outcome == "wrong"
    assert verdict(1000.0, 1000.1).outcome == "wrong"


def test_long_cases_and_functions_are_named_in_short_words():
    pictures = asks_for(
        lambda images, loss: 1, [{"images": np.ones((4, 5)), "loss": _sum_of_sides}]
    )
    said = pictures.judge(lambda images, loss: "x" * 500).message
    assert "images=an array of shape (4, 5), loss=_sum_of_sides" in said
    assert "…" in said and len(said) < 300


def blank(width, height):
    return ...


def forgets_to_return(width, height):
    area = width * height  # noqa: F841


@pytest.mark.parametrize("answer", [..., None, blank])
def test_a_blank_is_not_tried_and_is_told_what_to_do(answer):
    assert area.judge(answer) == Feedback("not tried", area.ask)
    assert str(area.check(answer)) == f"Not tried yet. {area.ask}"


def test_a_value_in_place_of_a_function_is_told_to_hand_over_the_function():
    said = area.judge(6.0)
    assert said.outcome == "wrong"
    assert "Your answer is 6, but should be a function: hand over `area` itself" in said.message


def test_a_forgotten_return_is_not_tried_and_is_named():
    said = area.judge(forgets_to_return)
    assert said.outcome == "not tried"
    assert "gives None: is a `return` missing?" in said.message


def test_a_function_that_returns_in_some_cases_only_is_wrong():
    said = area.judge(lambda width, height: 6.0 if width < 3 else None)
    assert said.outcome == "wrong"
    assert "`area(width=4, height=5)` gives None" in said.message


def divides_by_nothing(width, height):
    nothing = width - width
    return height / nothing


def asks_a_helper(width, height):
    return divides_by_nothing(width, height)


def test_an_error_is_shown_with_the_learners_own_line():
    said = area.judge(divides_by_nothing)
    number = inspect.getsourcelines(divides_by_nothing)[1] + 2
    assert (said.outcome, said.message) == ("raised", "ZeroDivisionError: float division by zero")
    assert said.code == f"line {number}: return height / nothing"
    assert area.judge(asks_a_helper).code.endswith(": return divides_by_nothing(width, height)")


def test_parameters_may_be_renamed_or_stand_in_another_order():
    assert area.judge(lambda a, b: a * b).outcome == "right"
    assert area.judge(math.prod).outcome == "raised"  # it takes one argument
    shorter = asks_for(lambda base, n: base**n, cases=({"base": 2.0, "n": 3.0},))
    assert shorter.judge(lambda n, base: base**n).outcome == "right"
    assert shorter.judge(lambda b, exponent: b**exponent).outcome == "right"
    assert shorter.judge(math.pow).outcome == "right"  # a function that names no parameters


def test_a_function_of_too_few_arguments_is_told_so():
    said = area.judge(lambda width: width**2)
    assert said.outcome == "raised" and "takes 1 positional argument but 2 were" in said.message


def test_numpys_warnings_are_not_the_learners_to_read():
    assert verdict(np.nan, 1.0).outcome == "wrong"
    divided = asks_for(lambda n: np.zeros(1) / np.zeros(1))
    assert divided.judge(lambda n: np.ones(1) / np.zeros(1)).outcome == "wrong"


def endless(width, height):
    while True:
        width += 1


def endless_and_deaf(width, height):
    while True:
        try:
            for _ in range(10**12):
                width += 1
        except Exception:
            pass


@pytest.mark.parametrize("answer", [endless, endless_and_deaf])
def test_an_endless_loop_ends_in_words_and_nothing_comes_after_it(answer):
    start = time.monotonic()
    said = area.judge(answer)
    assert time.monotonic() - start >= 0.3
    assert said.outcome == "wrong"
    assert "stopped after 0.3 seconds" in said.message and "loop" in said.message
    end = time.monotonic() + 0.3
    while time.monotonic() < end:  # an exception that comes late would be raised in here
        sum(range(100))
    assert area.judge(area.solve).outcome == "right"


def test_an_answer_that_sleeps_for_ever_ends_too(monkeypatch):
    monkeypatch.setattr(limits, "PATIENCE", 2)

    def sleepy(width, height):
        while True:
            time.sleep(0.01)

    assert "stopped after 0.3 seconds" in area.judge(sleepy).message


def test_an_answer_that_waits_for_the_processor_is_not_endless():
    """Half a second by the clock, next to nothing of the processor's time."""

    def patient(width, height):
        time.sleep(0.5 if (width, height) == (2, 3) else 0)
        return width * height

    assert area.judge(patient).outcome == "right"


def test_nothing_waits_to_be_raised_once_a_loop_was_ended(monkeypatch):
    raised, really = [], limits._raise_in

    def noted(thread, error):
        raised.append(error)
        really(thread, error)

    monkeypatch.setattr(limits, "_raise_in", noted)
    monkeypatch.setattr(limits, "_rehearse", lambda seconds, call: None)
    area.judge(endless)
    assert len(raised) >= 2 and raised[-1] is None  # which takes back what is not delivered yet


def _spoils(numbers):
    result = numbers.sum()
    numbers[:] = 0
    return result


def _spoils_and_is_wrong(numbers):
    return -_spoils(numbers)


def test_a_function_that_changes_its_arguments_spoils_no_later_case():
    numbers = np.array([1, 2, 3])
    cases = [{"numbers": numbers}] * 2
    total = asks_for(lambda numbers: numbers.sum(), cases, [Mistake("…", _spoils_and_is_wrong)])
    assert total.judge(lambda numbers: 0).message.endswith("gives 0, but should give 6.")
    assert total.judge(_spoils).outcome == "right"
    assert numbers.tolist() == [1, 2, 3]


# Drawn cases --------------------------------------------------------------------------------------


def table(width, height):
    return {(2.0, 3.0): 6.0, (4.0, 5.0): 20.0}[width, height]


def table_with_a_guess(width, height):
    return {(2.0, 3.0): 6.0, (4.0, 5.0): 20.0}.get((width, height), 1.0)


def right_at_first(width, height):
    return width * height if width * height < 500 else 500.0


def test_a_table_of_the_told_cases_is_not_right_and_the_smallest_case_is_shown():
    least = min(area.drawn, key=lambda case: case["width"] + case["height"])
    sides = f"width={least['width']:g}, height={least['height']:g}"
    said = area.judge(table_with_a_guess)
    assert said.outcome == "wrong"
    product = least["width"] * least["height"]
    assert said.message == f"`area({sides})` gives 1, but should give {product:g}."
    said = area.judge(table)
    assert said.outcome == "raised" and said.code.startswith("line ")
    assert said.message.startswith(f"`area({sides})` raises KeyError")


def test_the_drawn_cases_are_the_same_for_everybody():
    again = asks_for(area.solve, area.cases, draw=some_sides)
    assert again.drawn == area.drawn and len(again.drawn) == 24
    assert area.judge(right_at_first) == area.judge(right_at_first) != Feedback("right", "")


def test_what_an_answer_prints_for_the_drawn_cases_is_not_shown(capsys):
    def prints(width, height):
        print(width)
        return width * height

    assert area.judge(prints).outcome == "right"
    assert capsys.readouterr().out == "2.0\n4.0\n"


def test_an_answer_that_never_ends_for_a_drawn_case_is_told_which():
    def loops(width, height):
        while width > 40:
            pass
        return width * height

    said = area.judge(loops)
    case = next(each for each in area.drawn if each["width"] > 40)
    assert said.outcome == "wrong"
    assert f"(width={case['width']:g}, height={case['height']:g})`: Your code was" in said.message


@pytest.fixture
def busy(monkeypatch):
    """Let a busy machine take its time: the processor's counts."""
    for module in (exercise, limits):
        monkeypatch.setattr(module, "PATIENCE", 10_000)


def test_an_answer_that_is_slow_for_all_cases_together_is_judged_all_the_same(busy):
    def slow(width, height):
        end = time.process_time() + 0.02
        while time.process_time() < end:
            pass
        return width * height

    assert area.judge(slow).outcome == "right"


def test_an_answer_that_is_far_too_slow_for_all_cases_together_is_stopped(busy, monkeypatch):
    calls = []
    monkeypatch.setattr(limits, "_rehearse", lambda seconds, call: None)

    def slow(width, height):
        calls.append(width)
        end = time.thread_time() + 0.15
        while time.thread_time() < end:
            pass
        return width * height

    said = area.judge(slow)
    assert said.outcome == "wrong" and "more than 1.2 seconds together" in said.message
    assert len(calls) < exercise.DRAWN


def test_a_known_mistake_agrees_on_the_drawn_cases_too():
    """Equal on what is told is not enough: the advice would speak of another answer."""

    def sum_where_told(width, height):
        return width + height if width < 5 else width - height

    assert area.judge(_sum_of_sides).message == "You added the sides."
    assert "should give 6" in area.judge(sum_where_told).message


def test_a_mistake_may_have_several_examples_and_may_raise_where_the_learners_does():
    mistake = Mistake("A ratio.", (lambda n: 1 / (n - 3), lambda n: 2 / n))
    twice = asks_for(lambda n: 2 * n, draw=some_numbers_with_3, mistakes=[mistake])
    assert twice.judge(lambda m: 2 / m) == Feedback("wrong", "A ratio.")
    assert twice.judge(lambda m: (m - 3) ** -1) == Feedback("wrong", "A ratio.")
    assert twice.judge(lambda m: 3 / m).message.endswith("gives 3, but should give 2.")


def some_numbers_with_3(random):
    return {"n": int(random.integers(3, 99))} if random.random() > 0.05 else {"n": 3}


# A value and an outcome ---------------------------------------------------------------------------


def _only_one_side():
    return 28


@exercise.value(
    ask="Put the number of pixels in `pixels`.",
    hints=HINTS,
    mistakes=[
        Mistake("That is one side.", _only_one_side),
        Mistake("No picture has less than nothing.", lambda: -1, sign=lambda answer: answer < 0),
    ],
    unit="pixels",
)
def pixels():
    side = 28
    return side * side


def _a_copied_score():
    return 0.99


@exercise.measured(
    ask="Reach 0.9 and put it in `score`.",
    measure=float,
    bar=0.9,
    what="Your score is",
    hints=HINTS,
    mistakes=[
        Mistake("0.99 was copied.", _a_copied_score, sign=lambda answer: answer == 0.99),
        Mistake("That is a share of 100.", lambda start: 95, sign=lambda answer: answer > 1),
    ],
)
def score(
    start,
):
    better = start + 0.1  # a small return for much work
    return (
        better + 0.1  # twice is enough
    )


def test_a_value_is_right_or_wrong_with_its_unit():
    assert pixels.judge(784) == Feedback("right", "784 pixels.")
    assert pixels.judge(785) == Feedback("wrong", "It is not 785 pixels.")
    assert pixels.judge(28) == Feedback("wrong", "That is one side.")
    assert pixels.judge(-5) == Feedback("wrong", "No picture has less than nothing.")


@pytest.mark.parametrize("answer", ["many", np.ones(20), [784], len])
def test_a_value_of_another_kind_is_wrong_even_where_a_sign_cannot_read_it(answer):
    feedback = pixels.judge(answer)
    assert feedback.outcome == "wrong" and feedback.message.endswith("(pixels).")


@pytest.mark.parametrize("each", [pixels, score])
@pytest.mark.parametrize("answer", [..., None])
def test_a_blank_value_is_not_tried(each, answer):
    assert each.judge(answer) == Feedback("not tried", each.ask)


def test_an_outcome_is_held_against_its_bar():
    assert score.judge(0.9) == Feedback("right", "Your score is 0.9; you need at least 0.9.")
    assert score.judge(0.5) == Feedback("wrong", "Your score is 0.5; you need at least 0.9.")
    assert score.judge(0.8999) == Feedback("wrong", "Your score is 0.8999; you need at least 0.9.")


def _outcome(measure, examine=None):
    asked = {"ask": "Reach 1.", "bar": 1, "what": "It is", "hints": HINTS}
    mistake = Mistake("Negative.", lambda: -1, sign=lambda answer: answer.number < 0)
    declare = exercise.measured(measure=measure, examine=examine, mistakes=[mistake], **asked)
    return declare(score.solve)


def test_an_outcome_is_examined_once_for_each_judgement():
    made = []

    class Examined:
        def __init__(self, answer):
            self.number = answer
            made.append(answer)

    each = _outcome(lambda examined: examined.number, Examined)
    assert [each.judge(answer).outcome for answer in (1, 1, -1)] == ["right", "right", "wrong"]
    assert made == [1, 1, -1]


def test_an_error_inside_an_answer_is_shown_with_its_own_line():
    def method():
        return undefined_here  # noqa: F821

    feedback = _outcome(operator.methodcaller("__call__")).judge(method)
    assert feedback.outcome == "raised" and "undefined_here" in feedback.code


def test_a_sign_goes_before_the_measure():
    assert score.judge(0.99) == Feedback("wrong", "0.99 was copied.")


def test_a_measure_that_refuses_the_answer_says_so_in_its_own_words():
    said = _outcome(backends.of).judge(3)
    with pytest.raises(CourseError) as told:
        backends.of(3)
    assert said == Feedback("wrong", str(told.value))


@pytest.mark.parametrize("answer", ["x", 5, [1, 2], np.eye(2), (1.5, 2, 3), len])
@pytest.mark.parametrize("each", NEED_A_NOTEBOOK, ids=name_of)
def test_an_answer_of_another_kind_is_told_what_is_asked_for(each, answer):
    said = each.judge(answer)
    of_python = r"^(Type|Value|Index|Attribute|Key|UFunc\w+)Error"
    assert said.outcome in ("wrong", "raised") and not re.match(of_python, said.message)


@pytest.mark.parametrize("each", NEED_A_NOTEBOOK, ids=name_of)
def test_a_lessons_own_line_is_not_shown_as_the_learners(each):
    said = each.judge({"not": "an answer"})
    assert said.outcome in ("raised", "wrong") and said.message
    assert said.code == ""


# Hints, solutions, going on -----------------------------------------------------------------------


def test_hints_come_in_order_and_the_last_stays():
    it = asks_for(lambda n: n)
    said = [it.hint().message for _ in range(5)]
    assert [message.partition(":")[0] for message in said] == [
        *("Hint 1 of 3", "Hint 2 of 3"),
        *["Hint 3 of 3"] * 3,
    ]
    assert all(hint in message for hint, message in zip(it.hints, said))
    assert ["solution()" in message for message in said] == [False, False, True, True, True]


def test_a_solution_is_the_code_that_runs():
    names = {"start": 0.75}
    for each in (area, pixels, score):
        assert each.solution().code == each.solution_text()
        exec(each.solution_text(), names)
    assert names["area"](3, 4) == 12
    assert names["pixels"] == 784
    assert names["score"] == pytest.approx(0.95)


def test_a_solution_is_the_text_in_the_file_without_what_stands_above_it():
    lines = area.solution_text().splitlines()
    assert lines[0] == "def area(width, height):"
    assert "# a square metre" in lines[1] and lines[-1] == "    return product"
    assert pixels.solution_text() == "side = 28\npixels = side * side"


def test_carry_on_with_gives_the_answer_if_it_is_right_and_else_the_solution():
    def mine(width, height):
        return height * width

    assert area.carry_on_with(mine).__wrapped__ is mine
    for answer in (_sum_of_sides, ..., divides_by_nothing):
        assert area.carry_on_with(answer)(3, 4) == 12
    assert pixels.carry_on_with(784.0) == 784.0
    assert pixels.carry_on_with(...) == pixels.carry_on_with(28) == 784


def test_carry_on_with_gives_an_array_where_a_list_was_right_as_well():
    def doubled(n):
        return [2 * each for each in n]

    @exercise.function(ask="Double.", cases=[{"n": np.arange(3)}], hints=HINTS, mistakes=[])
    def double(n):
        return 2 * n

    assert double.judge(doubled).outcome == "right"
    carried_on = double.carry_on_with(doubled)
    assert carried_on.__name__ == "doubled"
    assert isinstance(carried_on(np.arange(4)), np.ndarray)
    assert carried_on(n=np.arange(4)).tolist() == [0, 2, 4, 6]


def test_the_solution_of_a_value_with_parameters_is_refused_when_it_is_declared():
    with pytest.raises(
        LessonError, match=r"`share` of an exercise of a value has parameters \(rows"
    ):

        @exercise.value(ask="How many?", hints=("a", "b"), mistakes=[])
        def share(rows):
            return len(rows)


def test_carry_on_with_needs_the_notebooks_names_where_the_solution_does():
    assert score.carry_on_with(0.97) == 0.97
    assert score.carry_on_with(0.1, {"start": 0.75}) == pytest.approx(0.95)
    with pytest.raises(LessonError, match=r"score needs the notebook's start.*`globals\(\)`"):
        score.carry_on_with(0.1)


# Faults of an exercise itself ---------------------------------------------------------------------


def test_a_sound_exercise_has_no_faults():
    assert area.faults() == pixels.faults() == score.faults({"start": 0.75}) == []


def _one(n):
    return 1


def _two(n):
    return 2


def _nothing(n):
    pass


def _fails(n):
    raise RuntimeError("nothing was found")


def _fails_at_some(n):
    return 1 / (n % 10)


def _three():
    return 3


FAULTY = {
    "the solution is raised: RuntimeError": asks_for(_fails, draw=some_number),
    "the solution is raised: `_fails_at_some(n=": asks_for(_fails_at_some, draw=some_number),
    "the solution is not tried": asks_for(_nothing, draw=some_number),
    "it draws no cases (`draw`)": asks_for(_one),
    "of 24 drawn cases only 19 differ, but 20 should": asks_for(
        _one, draw=lambda random: {"n": int(random.integers(40))}
    ),
    "the mistake 'a' is answered by: Not right yet. b": asks_for(
        _two, mistakes=[Mistake("b", _one), Mistake("a", _one)], draw=some_number
    ),
    "the mistake 'a' is answered by: Right": asks_for(
        _one, mistakes=[Mistake("a", (_two, _one))], draw=some_number
    ),
    "the mistake 'a' is answered by: Your code raised": asks_for(
        _one, mistakes=[Mistake("a", _fails)], draw=some_number
    ),
    "two with the same advice": asks_for(
        _one, mistakes=[Mistake("a", _two), Mistake("a", lambda n: 3)], draw=some_number
    ),
    "knows no mistake": exercise.value(ask="…", hints=HINTS, mistakes=[])(_three),
    "fewer than two hints": exercise.value(
        ask="…", hints=HINTS[:1], mistakes=[Mistake("a", lambda: 4)]
    )(_three),
    "too early: 'Begin with `width*height`.'": asks_for(
        area.solve,
        area.cases,
        area.mistakes,
        draw=some_sides,
        hints=("Begin with `width*height`.", "…"),
    ),
    "too early: 'Try `side * side * 1`.'": exercise.value(
        ask="…", hints=("Try `side * side * 1`.", "`side * side`"), mistakes=pixels.mistakes
    )(pixels.solve),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_faulty_exercise_says_what_is_wrong_with_it(fault):
    faults = FAULTY[fault].faults()
    assert any(fault in sentence for sentence in faults)
    assert len(faults) == 1


def test_a_solution_that_misses_the_bar_is_a_fault():
    (fault,) = score.faults({"start": 0.5})
    assert fault == (
        "test_exercise.score: the solution is wrong: Your score is 0.7; you need at least 0.9."
    )


def test_hints_go_on_where_they_stopped_before_the_kernel_was_restarted():
    first, again = (asks_for(lambda n: n) for _ in range(2))
    assert [first.hint().message[:6] for _ in range(2)] == ["Hint 1", "Hint 2"]
    assert [again.hint().message[:6] for _ in range(3)] == ["Hint 3"] * 3
    progress.switch(False)
    assert [asks_for(lambda n: n).hint().message[:6]] == ["Hint 3"]  # what was kept stays


def test_hints_come_in_order_where_nothing_is_kept(monkeypatch):
    monkeypatch.setenv("DLCOURSE_PROGRESS", "off")
    it = asks_for(lambda n: n)
    assert [it.hint().message[:6] for _ in range(3)] == ["Hint 1", "Hint 2", "Hint 3"]


def _first_of_all(numbers):
    smallest = 0  # where it begins
    for number in numbers:
        smallest = min(smallest, number)
    return smallest


def least_of(numbers):
    return min(numbers)


def some_numbers(random):
    return {"numbers": random.integers(-9, 10, random.integers(1, 6)).tolist()}


def to_fix():
    """Return a "find the bug": what is given is right only if a number is below 0."""
    return exercise.function(
        ask="Fix the function: it must return the least of the numbers.",
        cases=[{"numbers": [3, 4]}, {"numbers": [-1, 5]}],
        draw=some_numbers,
        hints=HINTS,
        given=_first_of_all,
        mistakes=[Mistake("It begins with 0, which is less than all of them.", _first_of_all)],
    )(least_of)


def test_the_function_as_it_was_given_is_not_told_its_fault():
    def anything(numbers):
        smallest = 0
        # a note of the learner's, and another layout
        for number in numbers:
            smallest = min(smallest,
                                              number)  # fmt: skip
        return smallest

    said = to_fix().check(anything)
    assert said.outcome == "not tried"
    assert said.message.startswith("This is the function as it was given. What does it do wrong?")
    assert "Fix the function" in said.message and "begins with 0" not in said.message
    assert to_fix().carry_on_with(anything) is least_of


def test_a_second_try_with_the_same_fault_is_told_it():
    def other(numbers):
        return min([0, *numbers])

    said = to_fix().judge(other)
    assert said == Feedback("wrong", "It begins with 0, which is less than all of them.")
    assert to_fix().judge(least_of).outcome == "right"


def test_a_sound_bug_to_find_has_no_faults_and_one_without_its_mistake_has():
    assert to_fix().faults() == []
    it = to_fix()
    it.given = least_of
    assert "the given function is no known mistake" in it.faults()[-1]


def test_the_last_hint_may_tell_the_solution():
    told = exercise.value(ask="…", hints=(*HINTS, "`side * side`"), mistakes=pixels.mistakes)
    assert told(pixels.solve).faults() == []


# What is kept and what is shown -------------------------------------------------------------------


def test_every_check_hint_and_solution_is_kept_with_the_learners_source():
    for answer in (area.solve, _sum_of_sides, blank, divides_by_nothing):
        area.check(answer)
    pixels.check(784)
    area.solution()
    kept = progress.attempts("test_exercise")
    assert [attempt.outcome for attempt in kept] == [
        *("right", "wrong", "not tried", "raised", "right", "shown")
    ]
    assert [attempt.kind for attempt in kept] == ["exercise"] * 5 + ["solution"]
    assert [attempt.item for attempt in kept] == ["area"] * 4 + ["pixels", "area"]
    assert kept[1].answer == inspect.getsource(_sum_of_sides)
    assert kept[4].answer == "784"


def test_judging_and_carrying_on_keep_nothing():
    area.judge(area.solve)
    area.carry_on_with(...)
    area.faults()
    assert progress.attempts() == []


@pytest.mark.parametrize(
    "answer, stuck", [(_sum_of_sides, True), (divides_by_nothing, True), (blank, False)]
)
def test_who_is_stuck_is_told_where_a_hint_is(answer, stuck):
    assert ("Stuck? `lesson.area.hint()`" in area.check(answer).message) == stuck


@pytest.mark.parametrize("answer", [_sum_of_sides, divides_by_nothing, blank, ...])
def test_below_a_verdict_that_is_not_right_are_buttons(answer, monkeypatch):
    monkeypatch.setattr(area, "_hints_shown", 0)
    _, row, below = area.check(answer).widget().children
    assert [button.description for button in row.children] == ["Hint", "Solution", "Start again"]
    shown = []
    for button in (*row.children, row.children[0]):
        button.click()
        shown.append(below.value)
    first, second = (hint for hint in area.hints[:2])
    assert first in shown[0] and second in shown[3]
    assert area.solution_text().split("return ")[1].strip() in html.unescape(shown[1])
    assert "def area(width, height):\n    return ...\n\n\nlesson.area.check(area)" in shown[2]


def test_a_right_answer_needs_no_button_and_a_verdict_is_text_and_html_everywhere():
    right, wrong = area.check(area.solve), area.check(_sum_of_sides)
    assert right._repr_mimebundle_().keys() == {"text/plain", "text/html"}
    bundle = wrong._repr_mimebundle_()
    assert bundle["text/plain"] == str(wrong) and bundle["text/html"] == wrong._repr_html_()
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_what_one_starts_again_with_is_not_tried():
    for each in EXERCISES:
        code = each.again().code
        assert code.endswith(f"\n\n\nlesson.{each.name}.check({each.name})")
        if getattr(each, "given", None):  # seen as untouched where its text is kept
            assert answers.code_in(code.rpartition("\n\n\n")[0]) == answers.code_of(each.given)
            continue
        names = {}
        exec(code.rpartition("\n\n\n")[0], vars(inspect.getmodule(each.solve)) | {"np": np}, names)
        assert each.judge(names[each.name]).outcome == "not tried", each.name


@pytest.mark.parametrize(
    "rest, times", [("", 1), ("\nx = 3", 1), ("  # why", 1), ("\n%time x = 3", 1), (";", 0)]
)
def test_a_verdict_is_shown_once_wherever_the_check_stands(shell, rest, times):
    cell = f"area = lambda width, height: 3\nlesson.area.check(area){rest}"
    with capture_output() as shown:
        shell.user_ns["lesson"] = SimpleNamespace(area=area)
        shell.run_cell(cell, store_history=True)
    said = [it.data["text/plain"] for it in shown.outputs] + [shown.stdout]
    assert sum("Not right yet" in text for text in said) == times


def test_a_check_keeps_the_text_of_its_cell(shell):
    """So that the answer can be put back, also one that is a number or a network."""
    cell = "# mine\narea = lambda width, height: 3\nlesson.area.check(area)"
    shell.user_ns["lesson"] = SimpleNamespace(area=area)
    with capture_output():
        shell.run_cell(cell, store_history=True)
        shell.run_cell("lesson.area.check(lambda *_: 4)", store_history=True)
    kept = [attempt.answer for attempt in progress.attempts()]
    assert kept[0] == cell and "lambda *_: 4" in kept[1]


@pytest.fixture
def shell():
    InteractiveShell.clear_instance()
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_feedback_shows_the_same_words_as_text_and_as_html():
    said = Feedback("raised", "TypeError: `a < b` fails", "line 3: a < b & c")
    assert str(said) == ("Your code raised an error. TypeError: `a < b` fails\nline 3: a < b & c")
    shown = said._repr_html_()
    assert 'role="status"' in shown
    assert "Your code raised an error. TypeError: <code>a &lt; b</code> fails" in shown
    assert "<pre>line 3: a &lt; b &amp; c</pre>" in shown
    assert "a < b" not in shown and shown.count("line 3") == 1


def test_each_outcome_is_said_in_words_of_its_own():
    words = {Feedback(outcome, "")._repr_html_() for outcome in answers.HEADINGS}
    assert len(words) == len(answers.HEADINGS)
    for outcome in ("right", "wrong", "not tried", "raised"):
        heading = answers.HEADINGS[outcome].strip()
        assert heading in Feedback(outcome, "…")._repr_html_()
        assert str(Feedback(outcome, "…")) == f"{heading} …"


# Answers and solutions of other kinds -------------------------------------------------------------


def asks_for_value(solution, wrong):
    return exercise.value(ask="What?", hints=HINTS, mistakes=[Mistake("No.", wrong)])(solution)


OTHER_KINDS = {
    "a day": (datetime.date(2014, 1, 1), datetime.date(2014, 1, 2)),
    "a day of NumPy's": (np.datetime64("2014-01-01"), np.datetime64("2014-01-02")),
    "days": (np.array(["2014-01-01"], "datetime64[D]"), np.array(["2014-01-02"], "datetime64[D]")),
    "a span": (datetime.timedelta(hours=1), datetime.timedelta(hours=2)),
    "a set": ({1, 2}, {1}),
    "bytes": (b"ab", b"a"),
    "a kind of numbers": (np.dtype("float32"), np.dtype("float64")),
    "a whole number of 1 889 digits": (256**784, 256**783),
    "a fraction": (Fraction(1, 3), Fraction(1, 2)),
    "a decimal": (Decimal("0.5"), Decimal("0.25")),
}


@pytest.mark.parametrize("right, wrong", OTHER_KINDS.values(), ids=OTHER_KINDS)
def test_a_value_need_not_be_a_number(right, wrong):
    def thing():
        return right

    asked = asks_for_value(thing, lambda: wrong)
    assert asked.faults() == []
    assert asked.judge(wrong) == Feedback("wrong", "No.")
    for other in (Endless(), object(), [right], "many", np.ones(3), None):
        assert asked.judge(other).outcome in ("wrong", "not tried")


class Endless:
    def __len__(self):
        return 1

    def __getitem__(self, place):
        return self


def test_texts_of_every_framework_are_texts():
    import tensorflow as tf

    named = asks_for(lambda n: ["coat", "bag"], cases=({"n": 1},))
    for answer in (["coat", "bag"], ("coat", "bag"), np.array(["coat", "bag"])):
        assert named.judge(lambda n, answer=answer: answer).outcome == "right"
    said = named.judge(lambda n: tf.constant(["coat", "bag"]))
    assert said.outcome == "right"


@pytest.mark.parametrize("kind", ["bfloat16", "sparse", "grown", "list of grown"])
def test_tensors_of_every_kind_are_answers(kind):
    import torch

    grown = torch.tensor([1.0, 2.0], requires_grad=True)
    result = {
        "bfloat16": grown.to(torch.bfloat16),
        "sparse": grown.detach().to_sparse(),
        "grown": grown * 1,
        "list of grown": [*(grown * 1)],
    }[kind]
    asked = asks_for(lambda n: np.array([1.0, 2.0]), cases=({"n": 1},))
    assert asked.judge(lambda n: result).outcome == "right"


@pytest.mark.parametrize("reached", ["12", None, np.ones(2), 1j, float("nan"), object()])
def test_what_no_measure_can_give_is_told(reached):
    @exercise.measured(
        ask="Reach 1.", measure=lambda answer: answer["score"], bar=1, what="It is", hints=HINTS,
        mistakes=[Mistake("No.", lambda: {}, sign=lambda answer: False)],
    )  # fmt: skip
    def run():
        return {"score": 2}

    assert run.judge({"score": reached}).outcome == "wrong"
    assert run.judge({"score": 2}).outcome == "right"


def with_annotations() -> int:  # how many?
    # Half of them.
    half = 14

    return (
        half  # and the other half
        + half
    )


def in_one_line(): return 28  # fmt: skip


def with_a_function_inside():
    def half(n):
        return n // 2

    return half(56)


@pytest.mark.parametrize(
    "solution, text",
    [
        (
            with_annotations,
            "# Half of them.\nhalf = 14\n\nwith_annotations = (\n    half  # and the other half\n"
            "    + half\n)",
        ),
        (in_one_line, "in_one_line = 28  # fmt: skip"),
        (
            with_a_function_inside,
            "def half(n):\n    return n // 2\n\nwith_a_function_inside = half(56)",
        ),
    ],
)
def test_a_solution_is_shown_however_it_is_written(solution, text):
    shown = asks_for_value(solution, lambda: 0).solution_text()
    assert shown == text
    names = {}
    exec(shown, names)
    assert names[solution.__name__] == 28


def returns_twice():
    if len(HINTS) > 1:
        return 3
    return 4


def returns_nothing():
    pass


@pytest.mark.parametrize("solution", [returns_twice, returns_nothing])
def test_a_solution_that_cannot_be_shown_is_refused_when_it_is_declared(solution):
    with pytest.raises(LessonError, match="one `return` with a value, as its last line"):
        asks_for_value(solution, lambda: 0)


def test_after_a_right_answer_other_ways_are_shown_with_their_times():
    lesson = importlib.import_module("dlcourse.lessons.convolutions")
    asked = lesson.output_size
    answered = asked.check(lambda pixels, window, stride, padding: len(
        range(0, pixels + 2 * padding - window + 1, stride)))  # fmt: skip
    assert answered.outcome == "right" and list(answered.ways) == ["Another way", "What if …"]
    shown = [answered.ways["Another way"]() for _ in range(len(asked.others) + 1)]
    assert len({each.code for each in shown}) == len(shown) >= 4
    assert (
        "Let the window walk" in shown[0].message and "def output_size_by_counting" in shown[0].code
    )
    for each in shown:
        assert re.search(r"On the check's 30 cases yours takes \S+ ms, this \S+ ms", each.message)
    assert shown[-1].code == asked.solution_text()


def test_another_way_to_a_value_has_no_times():
    lesson = importlib.import_module("dlcourse.lessons.start_here")
    said = lesson.numbers_in_a_picture.check(784)
    shown = said.ways["Another way"]()
    assert "ms" not in shown.message.split() and "def numbers_in_a_picture_" in shown.code


def _mean_of_nothing(numbers):
    return numbers.sum()


def asks_what_if(what_if):
    @exercise.function(
        ask="Return the mean.",
        cases=[{"numbers": np.array([1.0, 2.0])}],
        hints=("a", "b"),
        mistakes=[Mistake("The sum.", _mean_of_nothing)],
        what_if=what_if,
    )
    def mean(numbers):
        return numbers.mean()

    return mean


def test_after_a_right_answer_one_may_ask_what_if():
    mean = asks_what_if(WhatIf("there is none", {"numbers": np.array([])}, "It is 0 / 0."))
    said = "What if there is none? The solution gives nan. It is 0 / 0."
    assert str(mean.what_if()) == said
    feedback = mean.check(lambda numbers: numbers.sum() / len(numbers))
    assert [*feedback.ways] == ["What if …"]
    assert "More: `lesson.mean.what_if()`" in feedback.message
    said = "What if there is none? Yours, as the solution, gives nan. It is 0 / 0."
    assert str(feedback.ways["What if …"]()) == said
    mean.check(lambda numbers: sum(numbers) / len(numbers))
    assert "Yours raises ZeroDivisionError" in str(mean.what_if())
    mean.check(len)
    assert str(mean.what_if()).startswith("What if there is none? The solution gives")


def test_a_what_if_that_never_ends_does_not_take_the_notebook_with_it():
    mean = asks_what_if(WhatIf("there is none", {"numbers": np.array([])}, "So it is."))
    mean.seconds = 0.2

    def waits_for_a_number(numbers):
        while not len(numbers):
            pass
        return numbers.mean()

    assert mean.check(waits_for_a_number).outcome == "right"
    assert "Yours does not end well: Your code was stopped" in str(mean.what_if())


def test_what_is_no_what_if_is_refused():
    with pytest.raises(LessonError, match="`what_if` is 'there is none'"):
        asks_what_if("there is none")
    with pytest.raises(LessonError, match="has no what-if"):
        asks_what_if(None).what_if()


FUNCTIONS = [it for it in EXERCISES if isinstance(it, exercise.FunctionExercise)]


@pytest.mark.parametrize("asked", FUNCTIONS, ids=name_of)
def test_each_function_of_the_lessons_asks_what_if_and_both_answers_are_shown(asked):
    known = [*asked.cases, *asked.drawn]
    assert not any(answers.same(asked.beyond.case, case, 0) for case in known)
    asked.check(asked.solve)
    said = str(asked.what_if())
    assert said.startswith("What if ") and "Yours, as the solution, " in said
    assert "end well" not in said
