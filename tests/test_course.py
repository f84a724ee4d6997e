"""The map, the questions that come back, and the look at the machine."""

import html
import math
import re
from types import SimpleNamespace

from dlcourse import catalogue, course, doctor, progress
from dlcourse.doctor import Finding

import pytest

LESSONS = catalogue.lessons()
NOW = 1_800_000_000.0
DAY = 24 * 60 * 60
FIRST = next(lesson for lesson in LESSONS if not lesson.needs)
LATER = max(LESSONS, key=lambda lesson: len(catalogue.builds_on(lesson)))
EARLIER = {lesson.number for lesson in catalogue.builds_on(LATER)}


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """A folder of its own for what each test's learner has done."""
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path))
    monkeypatch.delenv("DLCOURSE_PROGRESS", raising=False)


# The map ------------------------------------------------------------------------------------------


def test_the_map_names_every_lesson_with_minutes_needs_and_standing():
    lines = str(course.map()).splitlines()
    for lesson in LESSONS:
        (line,) = [line for line in lines if lesson.title in line]
        wanted = len(course.exercises(lesson)) + len(course.questions(lesson))
        assert line.startswith(f"  ○ {lesson.number} ")
        assert f"({lesson.study_minutes} min" in line and line.endswith(f": 0/{wanted} done")
        assert all(number in line.partition("after")[2] for number in lesson.needs)
    assert {lesson.part for lesson in LESSONS} <= set(lines)


def test_the_map_as_html_links_to_the_notebook_files_and_has_headings():
    shown = course.map()._repr_mimebundle_()["text/html"]
    links = dict(re.findall(r'<a href="([^"]+)">([^<]+)</a>', shown))
    assert links == {lesson.notebook.name: html.escape(lesson.title) for lesson in LESSONS}
    assert re.findall(r'<th scope="col"[^>]*>(.*?)</th>', shown)[:2] == ["Number", "Lesson"]
    assert shown.count('scope="col"') == 5 and not re.search(r"<th[^>]*></th>", shown)
    bars = re.findall(r'<progress [^>]*aria-label="([^"]+)"', shown)
    assert bars == [html.escape(lesson.title) for lesson in LESSONS]
    rows = re.findall(r"<tr><td.*?</tr>", shown)
    for lesson, row in zip(LESSONS, rows, strict=True):
        assert f">{lesson.study_minutes} min<" in row and "0/" in row
        assert all(number in row.partition("after")[2] for number in lesson.needs)


def test_the_map_shows_the_same_standing_as_text_and_as_html():
    bundle = course.map()._repr_mimebundle_()
    assert bundle["text/plain"] == str(course.map()) == repr(course.map())
    standing = r"\d+/\d+"
    assert re.findall(standing, bundle["text/html"]) == re.findall(standing, bundle["text/plain"])


@pytest.mark.parametrize("show", [course.map, lambda: course.review(LATER.number)])
def test_what_was_tried_is_read_once(monkeypatch, show):
    reads = []
    monkeypatch.setattr(progress, "attempts", lambda *_: reads.append(1) or [])
    show()
    assert reads == [1]


def line_of(lesson):
    return next(line for line in str(course.map()).splitlines() if lesson.title in line)


def answer_right(lesson, names):
    for name in names:
        progress.record(lesson.slug, name, "quiz", "right")


def test_a_lesson_is_begun_with_a_right_answer_and_done_with_all_of_them():
    names = [*course.exercises(FIRST), *course.questions(FIRST)]
    course.exercises(FIRST)[names[0]].check(...)
    assert "○" in line_of(FIRST) and f"0/{len(names)}" in line_of(FIRST)
    answer_right(FIRST, names[:1])
    assert "◐" in line_of(FIRST) and f"1/{len(names)}" in line_of(FIRST)
    answer_right(FIRST, names)
    assert "●" in line_of(FIRST) and f"{len(names)}/{len(names)}" in line_of(FIRST)
    assert course.Standing(FIRST).word == "done"
    assert all("○" in line_of(lesson) for lesson in LESSONS if lesson != FIRST)


def test_a_real_answer_moves_the_map():
    name, question = next(iter(course.questions(FIRST).items()))
    wrong = next(reason for reason in question.reasons if reason != question.right)
    question.answer(wrong)
    assert course.Standing(FIRST).done == 0
    question.answer(question.right)
    assert course.Standing(FIRST).done == 1, name


def test_what_is_no_longer_asked_does_not_count():
    answer_right(FIRST, ["a_question_of_last_year"])
    assert course.Standing(FIRST).done == 0


# Questions that come back -------------------------------------------------------------------------


def questions():
    """Return every question that lesson LATER may bring back, as (slug, name)."""
    earlier = catalogue.builds_on(LATER)
    return [(lesson.slug, name) for lesson in earlier for name in course.questions(lesson)]


def brought(number=LATER.number, now=NOW):
    return [(lesson.slug, it.name) for lesson, it in course.review(number, now).questions]


@pytest.fixture
def history(monkeypatch):
    """Let progress hold answers: {(slug, name): [(outcome, days ago), …]}."""

    def use(answers):
        kept = [
            progress.Attempt("", NOW - days * DAY, slug, name, "quiz", outcome, "")
            for (slug, name), given in answers.items()
            for outcome, days in given
        ]
        monkeypatch.setattr(progress, "attempts", lambda: kept)

    return use


def test_two_questions_come_back_from_the_lessons_that_this_one_builds_on():
    found = course.review(LATER.number)
    assert len(found.questions) == 2
    assert {lesson.number for lesson, _ in found.questions} <= EARLIER
    assert len({it.name for _, it in found.questions}) == 2


def test_the_first_lesson_brings_nothing_back():
    found = course.review(FIRST.number)
    assert found.questions == []
    assert found._repr_mimebundle_() == {"text/plain": str(found)}
    assert str(found).startswith("Nothing to bring back yet")


@pytest.mark.parametrize("place", [0, 5, -1])
def test_a_question_never_answered_comes_before_right_ones_that_rest(history, place):
    never = questions()[place]
    history({it: [("right", 0.5)] for it in questions() if it != never})
    assert brought()[0] == never


@pytest.mark.parametrize("place", [0, 5, -1])
def test_a_wrong_answer_comes_back_at_once_even_after_right_ones(history, place):
    missed = questions()[place]
    given = {it: [("right", 0.5)] for it in questions()}
    history(given | {missed: [("right", 3), ("right", 2), ("wrong", 0.001)]})
    assert brought()[0] == missed


def test_a_right_answer_rests_longer_each_time_in_a_row(history):
    due_now, asked, *others = questions()
    rest = {it: [("right", 0)] for it in others} | {due_now: [("wrong", 0)]}

    def days_of_rest(right):
        """Return after how many days a question, answered right so often, comes back first."""
        for days in range(1, 100):
            history(rest | {asked: [("wrong", 300)] + [("right", days)] * right})
            if brought()[0] == asked:
                return days

    days = [days_of_rest(right) for right in range(1, 6)]
    assert days[0] < days[1] < days[2] < days[3] == days[4]


def test_where_nothing_is_due_what_was_answered_longest_ago_comes(history):
    old, *rest = questions()
    history({old: [("right", 0.9)]} | {it: [("right", 0.1)] for it in rest})
    assert brought()[0] == old


def test_answers_are_read_from_progress_at_the_moment_of_now():
    for lesson in catalogue.builds_on(LATER):
        for question in course.questions(lesson).values():
            question.answer(question.right)
    (lesson, question), _ = course.review(LATER.number).questions
    first = lesson.slug, question.name
    question.answer(question.right)  # it was the oldest, now it is the youngest
    assert brought(now=None)[0] != first
    missed = catalogue.module(lesson).QUIZ[question.name]
    wrong = next(reason for reason in missed.reasons if reason != missed.right)
    missed.answer(wrong)
    assert brought(now=None)[0] == first


def test_who_skips_the_questions_meets_every_one_of_them_in_turn():
    seen = [it for _ in range(math.ceil(len(questions()) / 2)) for it in brought(now=None)]
    assert set(seen) == set(questions())


def test_two_lessons_with_the_same_prerequisites_begin_with_other_questions(monkeypatch):
    earlier = catalogue.builds_on(LATER)
    monkeypatch.setattr(catalogue, "builds_on", lambda lesson: earlier)
    monkeypatch.setattr(catalogue, "find", lambda numbers: [LATER])
    monkeypatch.setattr(progress, "record", lambda *_: None)
    assert len({tuple(brought(number)) for number in ("30", "31", "32")}) == 3


def test_the_latest_lesson_is_asked_about_first():
    latest = max(earlier.number for earlier in catalogue.builds_on(LATER))
    assert {lesson.number for lesson, _ in course.review(LATER.number).questions} == {latest}


def test_the_text_says_how_to_answer_and_that_works():
    found = course.review(LATER.number)
    text, asked = str(found), [(lesson.slug, it.name) for lesson, it in found.questions]
    calls = re.findall(r'course\.quiz_of\("\d\d"\)\["\w+"\]\.answer\(.+\)', text)
    assert len(calls) == 2 and "lesson.QUIZ" not in text
    for call in calls:
        assert str(eval(call, {"course": course})).startswith(("Right. ", "Wrong. "))
    kept = [attempt for attempt in progress.attempts() if attempt.kind == "quiz"]
    assert len(kept) == 2
    assert {(attempt.lesson, attempt.item) for attempt in kept} == set(asked)


@pytest.mark.parametrize("kept", [True, False])
def test_a_question_comes_back_with_new_numbers_each_time(monkeypatch, kept):
    """Another kernel knows what is kept; this one knows it where nothing is kept."""
    if not kept:
        monkeypatch.setenv("DLCOURSE_PROGRESS", "off")
    (lesson,) = catalogue.find(["20"])
    monkeypatch.setattr(catalogue, "builds_on", lambda later: [lesson])
    asked = {name: [question.ask] for name, question in course.questions(lesson).items()}
    for _ in asked:  # two questions a time: each comes twice
        if kept:
            monkeypatch.setattr(course, "_brought", {})  # as in a new kernel
        for _, question in course.review(LATER.number).questions:
            if question.variants > 9:
                asked[question.name].append(question.ask)
    assert max(map(len, asked.values())) >= 3
    assert all(len({*texts}) == len(texts) for texts in asked.values())


def test_what_was_brought_back_is_what_an_answer_in_code_judges():
    for _ in range(9):
        for lesson, question in course.review(LATER.number).questions:
            again = course.quiz_of(lesson.number)[question.name]
            assert str(again) == str(question) and again.right == question.right
            assert again.answer(question.right).outcome == "right"


def test_the_questions_show_as_widgets_with_the_text_beside_them():
    found = course.review(LATER.number)
    bundle = found._repr_mimebundle_()
    assert bundle["text/plain"] == str(found)
    assert "application/vnd.jupyter.widget-view+json" in bundle
    for lesson, question in found.questions:
        assert f"From lesson {lesson.number}. {question.ask}" in str(found)


# A notebook alone -------------------------------------------------------------------------------


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """The package is installed, and there is no clone of the course."""
    monkeypatch.setattr(catalogue, "PACKAGE", tmp_path / "site-packages" / "dlcourse")
    monkeypatch.delenv("DLCOURSE_COURSE", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "show, start",
    [(course.map, "No clone of the"), (lambda: course.review("21"), "Nothing to bring back. No c")],
)
def test_without_a_clone_the_first_cells_say_so_and_go_on(alone, show, start):
    shown = show()
    assert str(shown) == repr(shown) and str(shown).startswith(start)
    assert "set the environment variable DLCOURSE_COURSE" in str(shown)
    assert shown._repr_mimebundle_() == {"text/plain": str(shown)}
    assert progress.attempts() == []


def test_without_a_clone_the_machine_is_looked_at_all_the_same(alone):
    states = {part: state for part, state, _ in course.machine().rows}
    assert (states["python"], states["kernel"], states["data"]) == ("ok", "ok", "ok")


# The machine --------------------------------------------------------------------------------------

CHECKS = ("python", "kernel", "memory", "disk", "checksums")
PARTS = ("python", "kernel", "memory", "disk", "data")


@pytest.fixture
def checks(monkeypatch):
    """Stand-ins for the doctor's checks, each of them well, to be replaced one by one."""
    for name in CHECKS:
        use(monkeypatch, name, Finding(name, "ok", "…", fix="nothing"))
    return SimpleNamespace(replace=lambda name, *found: use(monkeypatch, name, *found))


def use(monkeypatch, name, *found):
    monkeypatch.setattr(doctor, name, lambda folder: iter(found))


def test_the_machine_is_a_table_of_states_with_a_fix_where_one_is_not_ok():
    table = course.machine()
    assert table.columns == ("part", "state", "what to do")
    assert {"python", "kernel", "memory", "disk"} <= {part for part, _, _ in table.rows}
    for _, state, fix in table.rows:
        assert state in ("ok", "warning", "problem")
        assert (fix == "") == (state == "ok")


@pytest.mark.parametrize("state", ["warning", "problem"])
def test_what_is_not_ok_says_what_to_do(checks, state):
    checks.replace("memory", Finding("memory", state, "0.1 GB", fix="Close other programs."))
    rows = course.machine().rows
    assert ("memory", state, "Close other programs.") in rows
    assert [row for row in rows if row[0] != "memory"] == [
        (name, "ok", "") for name in PARTS if name != "memory"
    ]


def test_a_damaged_dataset_is_named_and_the_sound_ones_are_one_row(checks):
    sound, damaged = (
        Finding("data wine", "ok", ""),
        Finding("data digits", "problem", "", fix="Go."),
    )
    checks.replace("checksums", sound, damaged)
    assert course.machine().rows[-1] == ("data digits", "problem", "Go.")
    checks.replace("checksums", sound, sound)
    assert course.machine().rows[-1] == ("data", "ok", "")


def test_a_check_that_cannot_run_is_a_problem_and_the_others_are_shown(checks, monkeypatch):
    def kernel(folder):
        raise OSError("no kernel named python3")
        yield

    monkeypatch.setattr(doctor, "kernel", kernel)
    rows = {part: (state, fix) for part, state, fix in course.machine().rows}
    assert list(rows) == list(PARTS)
    assert rows["kernel"][0] == "problem"
    assert "dlcourse doctor" in rows["kernel"][1] and "no kernel named" in rows["kernel"][1]
