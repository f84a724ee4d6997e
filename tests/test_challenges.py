"""A challenge is met by what is drawn, stays met, is kept; what is declared wrongly is refused."""

import ast
import html
import random
import re
import sys
from types import SimpleNamespace

from dlcourse import challenges, course, explore, progress
from dlcourse.errors import KindError, LessonError, RangeError

import matplotlib.pyplot as plt
import numpy as np
import pytest

SIZE = (1.5, 1)


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path))


def draw(figure, height, colour="red"):
    figure.add_artist(plt.Line2D([0, 1], [0, height], color=colour))
    return f"A {colour} line, {height:.2f} high.", {"rise": np.float64(height), "colour": colour}


def declared(**changes):
    """Return the challenges of a lesson, with other fields in the first one."""
    first = {
        "ask": "Let it rise by more than 0.8 & less than 1.",
        "met": lambda rise: 0.8 < rise < 1,
        "because": "It rises by {rise:.2f}.",
        "solution": {"height": 0.9},
    } | changes
    flat = challenges.challenge(
        ask="Let it be level.",
        met=lambda rise: rise == 0,
        because="Nothing rises.",
        solution={"height": 0.0},
    )
    blue = challenges.challenge(
        ask="Let a blue line rise by 1.",
        met=lambda rise, colour: rise == 1 and colour == "blue",
        because="1 is the highest.",
        solution={"height": 1.0, "colour": "blue"},
    )
    return challenges.Challenges(
        "dlcourse.lessons.lines",
        line={"steep": challenges.challenge(**first), "flat": flat, "blue": blue},
    )


def made(function=draw, **changes):
    controls = {"height": explore.slider(0.0, 1.0, 0.5), "colour": explore.choice(["red", "blue"])}
    return explore.Explorer(function, SIZE, declared(**changes)["line"], **controls)


def parts(explorer):
    height, colour, seen, *marks = explorer.widget().children
    return height, colour, seen, marks


def test_a_challenge_is_marked_when_the_picture_meets_it_and_stays_marked():
    height, colour, _, (steep, flat, blue) = parts(made())
    assert all("Challenge. " in mark.value for mark in (steep, flat, blue))
    asked = html.escape("Let it rise by more than 0.8 & less than 1.")
    assert asked in steep.value and "It rises by" not in steep.value
    height.value = 0.9
    for _ in range(2):
        assert '<div role="status"' in steep.value and "Met. " in steep.value
        assert asked in steep.value and "It rises by 0.90." in steep.value
        assert "Challenge. " in flat.value and "Challenge. " in blue.value
        height.value = 0.3
    height.value = 1.0
    assert "Challenge. " in blue.value
    colour.value = "blue"
    assert "Met. " in blue.value and "It rises by 0.90." in steep.value


def test_what_has_not_changed_is_not_announced_again():
    height, _, _, (steep, flat, _) = parts(made())
    changes = []
    for mark in (steep, flat):
        mark.observe(lambda change: changes.append(change.owner), "value")
    height.value = 0.9
    height.value = 0.95
    assert changes == [steep]


def test_a_challenge_that_was_met_is_kept_once_and_shown_when_the_notebook_opens_again():
    height, *_ = parts(made())
    height.value = 0.9
    height.value = 0.85
    (attempt,) = progress.attempts()
    assert attempt[2:] == ("lines", "line.steep", "challenge", "met", "It rises by 0.90.")
    _, _, _, (steep, flat, _) = parts(made())
    assert "Met. " in steep.value and "It rises by 0.90." in steep.value
    assert "Challenge. " in flat.value


def test_progress_that_is_off_keeps_no_challenge_and_the_box_marks_it(monkeypatch):
    monkeypatch.setenv("DLCOURSE_PROGRESS", "off")
    explorer = made()
    height, _, _, (steep, *_) = parts(explorer)
    height.value = 0.9
    assert "Met. " in steep.value and progress.attempts() == []
    assert "Met. " in parts(explorer)[-1][0].value  # shown again, by the same kernel


def test_a_challenge_counts_as_no_exercise_and_no_question():
    made()(height=0.9)
    assert [attempt.kind for attempt in progress.attempts()] == ["challenge"]
    assert progress.done("lines") == set()
    assert course._due([]) == 0 and str(course.guesses("00")).startswith("No guess yet")


def test_a_call_says_which_challenges_its_place_meets_and_keeps_them():
    explorer = made()
    assert repr(explorer(height=0.3)) == "A red line, 0.30 high."
    picture = explorer(height=0.9)
    told = "Met. Let it rise by more than 0.8 & less than 1.\nIt rises by 0.90."
    assert repr(picture) == f"A red line, 0.90 high.\n{told}"
    assert html.escape(told.partition("\n")[0], quote=False) in picture._repr_html_()
    assert [attempt.item for attempt in progress.attempts()] == ["line.steep"]


def test_where_there_are_no_widgets_the_challenges_are_listed_without_a_learner_s_marks():
    explorer = made()
    before = explorer._repr_mimebundle_()
    explorer(height=0.9)
    after = explorer._repr_mimebundle_()
    for kind in ("text/plain", "text/html"):
        assert before[kind] == after[kind] and "Met. " not in after[kind]
        assert all(each.ask.partition("&")[0] in after[kind] for each in explorer.challenges)
        assert "It rises by" not in after[kind]


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"met": lambda rise: 1 // 0 if rise == 0.9 else False}, "ZeroDivisionError"),
        ({"met": lambda width: True}, "needs width, but the drawing function returns rise, colour"),
        ({"because": "{width}"}, "KeyError"),
        ({"met": lambda rise: np.array([True, False])}, "ValueError"),
        ({"met": lambda rise: sys.exit()}, "SystemExit"),
    ],
)
def test_a_goal_that_raises_is_told_in_the_box_and_the_picture_stays(changes, said):
    explorer = made(**changes)
    height, _, seen, (steep, flat, _) = parts(explorer)
    height.value = 0.9
    assert "<img" in seen.value and "This cannot be judged here. " in steep.value
    assert said in html.unescape(steep.value)
    assert said in repr(explorer(height=0.9)) and progress.attempts() == []
    assert any(said in fault for fault in explorer.faults())
    height.value = 0.0
    assert "Met. " in flat.value


def test_a_function_that_returns_no_facts_draws_all_the_same():
    explorer = made(lambda figure, height, colour: draw(figure, height, colour)[0])
    _, _, seen, (steep, *_) = parts(explorer)
    assert "<img" in seen.value and "returns no facts beside its sentence" in steep.value


def test_where_nothing_can_be_drawn_the_challenges_are_asked_all_the_same():
    def breaks(figure, height, colour):
        return draw(figure, 1 / (height - 0.5))

    _, _, seen, (steep, *_) = parts(made(breaks))
    assert "ZeroDivisionError" in seen.value and "Challenge. " in steep.value


@pytest.mark.parametrize("facts", [None, 5, ["rise"], {1: 2}])
def test_facts_of_another_form_are_refused_in_words(facts):
    explorer = made(lambda figure, height, colour: (draw(figure, height)[0], facts))
    with pytest.raises(KindError, match="should return facts by their names"):
        explorer()


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"ask": ""}, "`ask` of a challenge is ''"),
        ({"ask": 5}, "`ask` of a challenge is 5"),
        ({"because": None}, "`because` of a challenge is None"),
        ({"met": 0.8}, "`met` is 0.8, but should be a function of facts"),
        ({"solution": {}}, "`solution` is {}, but should be a place"),
        ({"solution": 0.9}, "`solution` is 0.9"),
    ],
)
def test_a_challenge_that_is_declared_wrongly_is_refused_in_words(changes, said):
    with pytest.raises(LessonError, match=said):
        declared(**changes)


def test_challenges_of_another_form_are_refused_in_words():
    for wrong in ((), "text", {"a": "text"}, None):
        with pytest.raises(LessonError, match=r"challenges of line are .*, but should be \{a name"):
            challenges.Challenges("lesson", line=wrong)
    with pytest.raises(RangeError, match=r"No explorer 'lines' has challenges\. There are: line"):
        declared()["lines"]
    assert [*declared()] == ["line"] and len(declared()) == 1
    for wrong in (declared(), "text", None, [5]):
        with pytest.raises(KindError, match=r"should be those that the lesson declares"):
            explore.Explorer(draw, SIZE, wrong, height=explore.slider(0, 1, 0))


def test_sound_challenges_have_no_faults_and_proving_them_keeps_nothing():
    explorer = made()
    assert explorer.faults() == [] and explorer.typical_seconds(1) > 0
    assert progress.attempts() == []
    assert not any(each.reason for each in explorer.challenges)


@pytest.mark.parametrize(
    "changes, fault",
    [
        ({"solution": {"height": 0.3}}, "line.steep is not met by its solution"),
        ({"solution": {"height": [0.3, 0.4]}}, "line.steep is not met by its solution"),
        ({"met": lambda rise: rise == 0.5, "solution": {"colour": "red"}}, "controls start"),
        ({"met": lambda rise: rise != 0.5}, r"line.steep is met by \d+% of all places"),
        ({"met": lambda rise: rise == 0, "solution": {"height": 0.0}}, "met where line.steep is"),
        ({"met": lambda rise: 1 / 0}, "line.steep: This cannot be judged here"),
    ],
)
def test_a_challenge_that_is_none_is_a_fault(changes, fault):
    (found,) = made(**changes).faults()
    assert re.search(fault, found)


def test_a_solution_may_name_several_values_of_which_one_meets_it():
    for values in ([0.3, 0.9], [0.9, 0.3], range(2)):
        met = (lambda rise: rise == 1) if values == range(2) else (lambda rise: 0.8 < rise < 1)
        assert made(met=met, solution={"height": values}).faults() == []


def test_a_solution_that_no_control_reaches_is_named():
    with pytest.raises(RangeError, match="`height` is 3, but goes from"):
        made(solution={"height": 3}).faults()


def test_an_explorer_of_a_lesson_needs_three():
    explorer = made()
    explorer.challenges = explorer.challenges[:2]
    assert explorer.faults() == ["it has 2 challenges, but should have 3"]


class Odd:
    """An option that Python cannot write."""


OPTIONS = [
    *(1, -2, 0.03, 1e-7, True, None, "a", "it's", 'say "no"', "both ' and \"", "a\\b\n", "20 °C"),
    *(np.int64(3), np.float32(0.1), np.float64(0.5), np.str_("text"), np.bool_(True)),
    *((1, 2), (np.int64(1), 2), ("a", (1.5,)), 10**30, float("inf"), b"bytes", Odd(), print),
]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: repr(option)[:20])
def test_the_line_of_a_place_is_python_that_gives_the_same_picture(option):
    drawn = []

    def note(figure, value, part):
        drawn.append(value)
        return draw(figure, part)

    choice = explore.choice(["another", option])
    explorer = explore.Explorer(note, SIZE, value=choice, part=explore.slider(0.0, 1.0, 0.5))
    menu, part, seen = explorer.widget().children
    menu.index, part.value = 1, 0.1 + 0.2
    line = html.unescape(seen.value.partition("<code")[2].partition(">")[2].partition("</code>")[0])
    ast.parse(line)
    assert line.endswith("part=0.3)")
    picture = eval(line, {"explorer": explorer})
    assert drawn[-1] is option or drawn[-1] == option
    assert picture._repr_html_() in seen.value


@pytest.mark.parametrize("number", [3, np.int64(3), np.float32(0.1), np.float64(0.25)])
def test_numbers_of_numpy_are_written_as_numbers(number):
    explorer = explore.Explorer(draw, SIZE, height=explore.choice([0, number]))
    assert line_of(explorer, height=number) == f"explorer(height={number!s})"


def line_of(explorer, **values):
    return explorer._line(values)


def test_the_line_has_the_name_that_the_notebook_gives(monkeypatch):
    explorer = made()
    assert line_of(explorer, height=0.1, colour="blue") == 'explorer(height=0.1, colour="blue")'
    names = {"_": explorer, "_5": explorer, "other": made(), "gallery": explorer}
    shell = SimpleNamespace(user_ns=names)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert line_of(explorer, height=0.1) == "gallery(height=0.1)"


@pytest.mark.parametrize(
    "control, moved, written",
    [
        (explore.slider(0.0, 1.0, 0.5), 0.1 * 3, "0.3"),
        (explore.slider(-3.0, 3.0, 0.0, step=0.1), -3 + 30 * 0.1 + 1e-16, "0.0"),
        (explore.slider(0.0, 0.995, 0.5, step=0.005), 0.005 * 199, "0.995"),
        (explore.slider(0.01, 10.0, 0.2, logarithmic=True), 10 ** (-2 + 1.3), "0.2"),
        (explore.slider(0.01, 10.0, 0.2, logarithmic=True), 10 ** (-2 + 1.2), "0.158"),
        (explore.slider(0.00123, 10.0, 0.2, logarithmic=True, step=1), 0.001230001, "0.00123"),
        (explore.slider(0, 99, 0), 12, "12"),
    ],
)
def test_values_read_as_people_write_them_and_are_what_is_drawn(control, moved, written):
    drawn = []
    explorer = explore.Explorer(
        lambda figure, x: drawn.append(x) or draw(figure, 0.5), SIZE, x=control
    )
    slider, seen = explorer.widget().children
    slider.value = moved
    assert f"explorer(x={written})" in seen.value
    assert str(drawn[-1]) == written and type(drawn[-1]) is type(ast.literal_eval(written))


def test_a_stop_drawn_at_random_is_one_that_the_slider_has():
    generator = random.Random(0)
    for control in (
        explore.slider(0, 7, 3),
        explore.slider(1, 100, 10, step=10),
        explore.slider(-3.0, 3.0, 0.0, step=0.1),
        explore.slider(0.01, 10.0, 0.2, logarithmic=True),
    ):
        values = [control.drawn(generator) for _ in range(300)]
        assert all(control.low <= value <= control.high for value in values)
        assert 7 <= len(set(values)) <= 101
        assert type(values[0]) is type(control.start)
        for value in values:
            assert control.rounded(value) == value


@pytest.mark.parametrize("because", [r"It is $\\frac{1}{2}$.", "It is {.", "{0} of them", "{a b}"])
def test_braces_that_name_no_fact_are_told_where_they_are_written(because):
    with pytest.raises(LessonError, match="`because` of a challenge"):
        challenges.challenge(ask="A", met=lambda x: x > 0, because=because, solution={"x": 1})


def test_challenges_are_judged_by_places():
    asked = challenges.challenge(ask="A", met=lambda x: x > 0, because="B", solution={"x": 1})
    with pytest.raises(LessonError, match="there are none"):
        challenges.faults([asked], {"x": 0}, [{"x": 1}], [])
