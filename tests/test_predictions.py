"""A guess before a result: what waits, what is judged, what is kept."""

import re
from types import SimpleNamespace

from dlcourse import catalogue, course, notebooks, predictions, progress
from dlcourse.errors import CourseError, LessonError, RangeError

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

OPTIONS = {"one": "It is not doubled.", "two": "It is doubled.", "none": "Nothing is lost."}
ASK = 'lesson.PREDICTIONS["count"].ask()\n'


def of_count(count):
    return ("none", "one", "two")[count]


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path))
    monkeypatch.delenv("DLCOURSE_PROGRESS", raising=False)


@pytest.fixture
def count():
    there = predictions.Predictions(
        "dlcourse.lessons.start_here", count=predictions.predict(options=OPTIONS, key=of_count)
    )
    return there["count"]


@pytest.fixture
def shell(count):
    """A notebook's shell, in which somebody can be asked."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.kernel = SimpleNamespace(_allow_stdin=True)
    shell.user_ns["lesson"] = SimpleNamespace(PREDICTIONS={"count": count})
    yield shell
    InteractiveShell.clear_instance()


def seen(shell, cell):
    """Run a cell and return what a learner sees: the text, and the boxes with a question."""
    with capture_output() as shown:
        shell.run_cell(cell, store_history=True)
    boxes = [
        it.data for it in shown.outputs if "application/vnd.jupyter.widget-view+json" in it.data
    ]
    return shown.stdout, boxes


def the_box(monkeypatch, shell, count, cell):
    """Run a cell and return the box that it shows."""
    made = []
    make = count.widget
    monkeypatch.setattr(count, "widget", lambda held=None: made.append(make(held)) or made[0])
    stdout, boxes = seen(shell, cell)
    assert "the result" not in stdout and len(boxes) == len(made) == 1
    return made[0]


def parts(box):
    _, asks, said, _ = box.children
    choice, _, sure, buttons = asks.children
    return choice, sure, *buttons.children, said, asks


def test_the_result_waits_for_a_guess_and_later_cells_do_not(monkeypatch, shell, count):
    box = the_box(monkeypatch, shell, count, f"{ASK}count = 2\nprint('the result')\ncount")
    assert seen(shell, "print(count)") == ("2\n", [])
    choice, sure, guess, _, said, asks = parts(box)
    guess.click()
    assert "Choose one of them first" in said.value and progress.attempts() == []
    choice.index, sure.value = 0, 0.9
    with capture_output() as shown:
        guess.click()
    assert "the result" in shown.stdout
    assert "Wrong. It is not doubled. It is: two. It is doubled." in said.value
    assert asks.layout.display == "none"
    (attempt,) = progress.attempts()
    assert attempt[2:] == ("start_here", "count", "prediction", "wrong", "0.90 one")


def test_who_skips_sees_the_result_and_has_guessed_nothing(monkeypatch, shell, count):
    box = the_box(monkeypatch, shell, count, f"{ASK}count = 1\nprint('the result')")
    with capture_output() as shown:
        parts(box)[3].click()
    assert "the result" in shown.stdout
    assert predictions.guesses(progress.attempts()) == []
    assert progress.attempts()[0].outcome == "shown"


def test_a_guess_is_judged_by_what_the_cell_gave_not_by_what_came_later(monkeypatch, shell, count):
    box = the_box(monkeypatch, shell, count, f"{ASK}count = 2")
    seen(shell, "count = 0")
    choice, _, guess, *_ = parts(box)
    choice.index = 1
    guess.click()
    assert progress.attempts()[0].outcome == "right"


def test_once_guessed_the_result_shows_at_once(shell, count):
    count.skip()
    assert seen(shell, f"{ASK}count = 2\nprint('the result')") == ("the result\n", [])


def test_where_nobody_can_answer_the_result_shows_at_once(shell, count):
    shell.kernel._allow_stdin = False
    assert seen(shell, f"{ASK}print('the result')") == ("the result\n", [])
    InteractiveShell.clear_instance()
    assert count.ask() is None


@pytest.mark.parametrize("rest", ["count = 7", "1 / 0", "count = 2\n1 / 0", "del count"])
def test_a_cell_that_does_not_work_shows_what_it_gave(shell, rest):
    stdout, boxes = seen(shell, f"{ASK}print('the result')\n{rest}")
    if rest.endswith("1 / 0") and "count" in rest:
        assert len(boxes) == 1
    else:
        assert "the result" in stdout and boxes == []
    assert seen(shell, "print('later')") == ("later\n", [])  # nothing is swallowed from now on


def test_a_guess_in_code(shell, count):
    seen(shell, "count = 2")
    assert str(count.guess("b", sure=0.7)).startswith("Right. It is doubled.")
    assert predictions.guesses(progress.attempts()) == [predictions.Guess("start_here", 0.7, True)]
    count.guess("one")
    assert len(predictions.guesses(progress.attempts())) == 1  # the first one counts
    assert '.guess("a", sure=0.7)' in str(count) and "(c) none" in str(count)


@pytest.mark.parametrize(
    "option, sure",
    [(option, 0.5) for option in ("d", 3, None, ["a"], "One")]
    + [("a", sure) for sure in (2, -0.1, "x", True, float("nan"), None)],
)
def test_a_guess_that_cannot_be_read_is_said(shell, count, option, sure):
    seen(shell, "count = 2")
    with pytest.raises(RangeError):
        count.guess(option, sure)
    assert progress.attempts() == []


def test_before_the_cell_has_run_a_guess_cannot_be_judged(count):
    with pytest.raises(LessonError, match="count is needed: run the cell"):
        count.guess("a")


@pytest.mark.parametrize(
    "options, key",
    [({"a": "b"}, len), ([], len), ({"a": "b", "c": ""}, len), ({"a": 1, "b": "c"}, len),
     ({"a": "b", "c": "d"}, "a"), (None, len)],
)  # fmt: skip
def test_a_declaration_that_is_none_is_said(options, key):
    with pytest.raises(CourseError):
        predictions.predict(options=options, key=key)


def test_an_unknown_name_is_said(count):
    with pytest.raises(RangeError, match="There are: count"):
        predictions.Predictions("a.b", count=count)["other"]


def test_what_is_wrong_with_a_prediction_is_found(count):
    assert count.faults({"count": 2}, "(b): two.") == count.faults({"count": 2}) == []
    assert "(b) comes out, but the text after it says (a)" in count.faults({"count": 2}, "(a).")[0]
    assert count.faults({}) and predictions.predict(options=OPTIONS, key=lambda: "four").faults({})


def test_the_learner_sees_how_often_guesses_were_right(count, shell):
    assert "No guess yet" in str(course.guesses("00"))
    for i in range(6):
        outcome = "right" if i % 2 else "wrong"
        progress.record("start_here" if i else "other", f"g{i}", "prediction", outcome, "0.90 one")
    plt.close("all")
    told = str(course.guesses("00"))
    assert "In this lesson: 3 of 5 guesses were right. You were 90% sure" in told
    assert "In the whole course: 3 of 6" in told
    assert "90% sure: 3 of 6 right" in plt.gcf().description


# The lessons' own: their keys are proved where the notebooks run, by `course_nbval` ---------------


@pytest.mark.parametrize("lesson", catalogue.lessons(), ids=lambda lesson: lesson.number)
def test_a_lesson_asks_in_the_words_of_its_options(lesson):
    declared = getattr(catalogue.module(lesson), "PREDICTIONS", {})
    asked, text = [], ""
    for cell in notebooks.from_text(lesson).cells:
        if found := notebooks.ASK.search(cell.source):
            asked.append(found[1])
            for letter, option in declared[found[1]]._lettered():
                assert f"({letter}) {option}" in text, f"{found[1]}: ({letter}) {option}"
        text = re.sub(r"\s+", " ", cell.source) if cell.cell_type == "markdown" else text
    assert sorted(asked) == sorted(declared)


@pytest.mark.parametrize("options", [{}, {"one": "W"}, {f"{n} of them": "W" for n in range(27)}])
def test_each_option_needs_a_letter_and_another_beside_it(options):
    with pytest.raises(LessonError, match=f"has {len(options)} options"):
        predictions.Prediction(options, lambda: "one")


@pytest.mark.parametrize("value", [None, "0.8", 7, [1]])
def test_a_name_that_the_learner_has_changed_is_told_not_raised(count, value):
    with pytest.raises(LessonError, match="Run the cell again"):
        count.right({"count": value})


def test_predictions_are_a_mapping_as_any_other_and_letters_come_as_people_write_them():
    there = predictions.Predictions(
        "dlcourse.lessons.start_here", count=predictions.predict(options=OPTIONS, key=of_count)
    )
    assert "nope" not in there and there.get("nope") is None
    with pytest.raises(RangeError, match="no prediction"):
        there[["a"]]
    InteractiveShell.clear_instance()
    InteractiveShell.instance().user_ns["count"] = 1
    try:
        for letter in ("a", "A", " a", "(a)", "a."):
            assert there["count"].guess(letter, sure=np.float32(0.7)).outcome == "right"
    finally:
        InteractiveShell.clear_instance()
