"""Every answer has a reason; text and widget judge alike; an attempt is kept."""

import os
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

from dlcourse import progress, quiz
from dlcourse.errors import CourseError, KindError, LessonError, RangeError

import numpy as np
import pytest
import torch
from ipywidgets import Button, RadioButtons, Text

WIDGET = "application/vnd.jupyter.widget-view+json"
REASONS = {"seven": "Right you are.", "six": "One too few.", "eight & more": "One < too many."}


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path))
    monkeypatch.delenv("DLCOURSE_PROGRESS", raising=False)
    monkeypatch.setattr(progress, "_unsaved", [])


@pytest.fixture
def questions():
    wrong = {option: reason for option, reason in REASONS.items() if option != "seven"}
    return quiz.Quiz(
        "dlcourse.lessons.some_lesson",
        days=quiz.choice(
            "How many days\n   has a week?", right="seven", because=REASONS["seven"], wrong=wrong
        ),
        share=quiz.number(
            "What is a half?",
            right=0.5,
            because="One of two.",
            wrong={2: "That is the other way round.", -0.5: "The sign."},
            tolerance=0.01,
            unit="parts",
        ),
    )


def find(widget, kind):
    """Return the first widget of a kind in a box."""
    if isinstance(widget, kind):
        return widget
    return next(
        filter(None, (find(child, kind) for child in getattr(widget, "children", ()))), None
    )


def said(box):
    return box.children[-1].value


@pytest.mark.parametrize("option", REASONS)
def test_every_option_has_a_reason_by_its_text_and_by_its_letter(questions, option):
    question = questions["days"]
    letter = "abc"[question.options.index(option)]
    wanted = f"{'Right' if option == 'seven' else 'Wrong'}. {REASONS[option]}"
    words = (option.upper(), f" {option}. ", option.replace(" ", "  "))
    letters = (letter, letter.upper(), f"({letter})", f"{letter}.", f"{letter.upper()})")
    for given in (option, *words, *letters):
        assert str(question.answer(given)) == wanted


ABSURD = [None, True, [0.5], {}, {"seven"}, 1j, b"0.5", np.zeros(3), np.array([0.5]), object(), ...]


@pytest.mark.parametrize("given", ["d", "", "?", "1", "sevenn", "x" * 10**6, 3, *ABSURD])
def test_an_unknown_option_names_the_letters(questions, given):
    with pytest.raises(RangeError, match=r"no answer.*a, b, c"):
        questions["days"].answer(given)
    assert progress.attempts() == []


@pytest.mark.parametrize(
    "given, wanted",
    [
        (0.5, "Right. One of two."),
        (0.509, "Right. One of two."),
        (0.491, "Right. One of two."),
        (2, "Wrong. That is the other way round."),
        (1.995, "Wrong. That is the other way round."),
        (0.52, "Wrong. Too large."),
        (0.48, "Wrong. Too small."),
        ("0,5", "Right. One of two."),
        (" .5 ", "Right. One of two."),
        ("0,500", "Right. One of two."),
        ("5e-1", "Right. One of two."),
        ("−0.5", "Wrong. The sign."),
    ],
)
def test_a_number_gets_its_reason_or_the_direction(questions, given, wanted):
    assert str(questions["share"].answer(given)) == wanted


def test_an_option_that_is_a_number_may_be_given_as_one():
    wrong = {"0.25": "N", "as many as before": "N", "more": "N"}
    question = quiz.choice("How many?", right="0.80", because="So.", wrong=wrong)
    for given in (0.8, "0,8", ".80", "80 %", Fraction(4, 5)):
        assert question.judge(given) == ("right", "So.")
    assert question.judge("AS MANY as before") == ("wrong", "N")
    twins = quiz.choice("Which?", right="Once", because="", wrong={"once": "", "never": ""})
    assert [twins.judge(given)[0] for given in ("Once", "once")] == ["right", "wrong"]
    with pytest.raises(RangeError, match="no answer"):
        twins.judge("ONCE")  # either of two


@pytest.mark.parametrize(
    "given, wanted",
    [
        *(
            (text, {1700})
            for text in ("1700", "1 700", "1\u00a0700", "1\u202f700", "1_700", "1'700")
        ),
        *(
            (text, {1700})
            for text in ("1’700", "1.7e3", "1,7e3", "+1700", "1700.", " ~1700", "= 1700")
        ),
        *((text, {1700}) for text in ("about 1700", "ca. 1700", "1700 pictures", "1700. pictures")),
        *((text, {1.7, 1700}) for text in ("1,700", "1.700", "1.700 pictures")),
        *((text, {1234567.8}) for text in ("1,234,567.8", "1.234.567,8", "1 234 567,8")),
        *((text, {28}) for text in ("28 px", "28px", "28 pixels.", "28 km²", "28 m/s")),
        *((text, {-3}) for text in ("-3", "–3", "— 3", "−3", "-3,0")),
        *((text, {0.75}) for text in ("3/4", "75 / 100", "0.75", "0,750", ".75", "7.5e-1")),
        *((text, {0.5, 50}) for text in ("50 %", "50%", "50 per cent", "50 percent of them")),
        *((text, {0.6931}) for text in ("0.6931 nats", "0.693 1")),
        *(
            (text, set())
            for text in ("ln 2", "7 * 1281", "9 - 2", "28 x 28", "3 3/4", "1/0", "2 pi")
        ),
        *((text, set()) for text in ("1.7 million", "10k", "5 thousandths", "28 28", "1,23,456")),
        *((text, set()) for text in ("", "x", "nan", "inf", "1e999", "--3", "0.5.", "9" * 10**5)),
        *((kind(0.5), {0.5}) for kind in (float, np.float32, np.array, Fraction, Decimal)),
        (torch.tensor(0.5, requires_grad=True), {0.5}),
        (np.int64(3), {3}),
        *((given, set()) for given in (np.True_, torch.tensor(True), Decimal("nan"), 10**400)),
    ],
)
def test_a_number_is_read_as_people_write_it(given, wanted):
    assert quiz.readings(given) == wanted


@pytest.mark.parametrize(
    "right, wrong, given, outcome, reason",
    [
        (1700, 17, "1.700", "right", "So."),
        (1.386, 0.7, "1,386", "right", "So."),
        (0.5, 2, "50 %", "right", "So."),
        (50, 2, "50 %", "right", "So."),
        (3, 1386, "1,386", "wrong", "Known."),
        (1500, 17, "1.700", "wrong", "Too large."),
        (9, 2, "1,700", "wrong", "Too small."),
    ],
)
def test_of_two_readings_the_right_one_counts_else_the_likelier(
    right, wrong, given, outcome, reason
):
    question = quiz.number("How many?", right=right, because="So.", wrong={wrong: "Known."})
    assert question.judge(given) == (outcome, reason)


@pytest.mark.parametrize("given", ["abc", "", "nan", "inf", *ABSURD])
def test_what_is_not_a_number_is_said_to_be_none(questions, given):
    with pytest.raises(KindError, match=r"is not a number.*0\.5"):
        questions["share"].answer(given)
    assert progress.attempts() == []


def test_an_answer_is_kept_under_the_names_of_lesson_and_question(questions):
    questions["days"].answer("six")
    questions["share"].answer("0,5")
    assert [attempt[2:] for attempt in progress.attempts()] == [
        ("some_lesson", "days", "quiz", "wrong", "six"),
        ("some_lesson", "share", "quiz", "right", "0,5"),
    ]


def test_a_quiz_is_a_mapping_that_says_which_questions_there_are(questions):
    assert list(questions) == ["days", "share"] and len(questions) == 2
    assert questions["days"].name == "days"
    assert "days" in questions and "weeks" not in questions and questions.get("weeks") is None
    for name in ("weeks", None, 0, ["days"], {}):
        assert name not in questions
        with pytest.raises(KeyError) as raised:
            questions[name]
        assert isinstance(raised.value, CourseError)
        assert str(raised.value) == f"There is no question {name!r}. There are: days, share."


def test_the_text_shows_question_options_and_how_to_answer(questions):
    options = questions["days"].options
    assert str(questions).splitlines() == [
        "1. How many days has a week?",
        *(f"  ({letter}) {option}" for letter, option in zip("abc", options)),
        'To answer in code: lesson.QUIZ["days"].answer("a")',
        "",
        "2. What is a half?",
        "  A number (parts).",
        'To answer in code: lesson.QUIZ["share"].answer(0.5)',
    ]
    assert repr(questions) == str(questions)


def test_neither_text_nor_widget_says_which_is_right_before_the_answer(questions):
    boxes = [question.widget() for question in questions.values()]
    shown = [str(questions), *(widget.value for box in boxes for widget in (box.children[0],))]
    for text in (*shown, *map(said, boxes)):
        assert "right" not in text.lower()
        assert not any(reason in text for reason in (*REASONS.values(), "One of two."))
    assert find(boxes[0], RadioButtons).value is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: quiz.choice("Q", right="yes", because="R", wrong={"no": "N"}),
        lambda: quiz.choice("Q", right="yes", because="R", wrong={"no": "N", "yes": "Y"}),
        lambda: quiz.choice("Q", right="b", because="R", wrong={"no": "N", "yes": "Y"}),
        lambda: quiz.number("Q", right=1, because="R", wrong={}),
        lambda: quiz.number("Q", right=1, because="R", wrong={1.05: "N"}, tolerance=0.1),
        lambda: quiz.choice("Q", right="yes", because="R", wrong=["no", "maybe"]),
        lambda: quiz.choice("Q", right="yes", because="R", wrong=None),
        lambda: quiz.choice("Q", right="yes", because=None, wrong={"no": "N", "maybe": "M"}),
        lambda: quiz.choice("Q", right=["yes"], because="R", wrong={"no": "N", "maybe": "M"}),
        lambda: quiz.choice("Q", right=1, because="R", wrong={2: "N", "maybe": "M"}),
        lambda: quiz.number("Q", right="1", because="R", wrong={2: "N"}),
        lambda: quiz.number("Q", right=float("nan"), because="R", wrong={2: "N"}),
        lambda: quiz.number("Q", right=True, because="R", wrong={2: "N"}),
        lambda: quiz.number("Q", right=1, because="R", wrong={"two": "N"}),
        lambda: quiz.number("Q", right=1, because="R", wrong={2: "N"}, tolerance=-1),
        lambda: quiz.number("Q", right=1, because="R", wrong={2: "N"}, tolerance=None),
        lambda: quiz.number("Q", right=1, because="R", wrong={2: "N"}, unit=5),
    ],
)
def test_a_question_without_enough_different_answers_is_refused(make):
    with pytest.raises(LessonError, match="'Q'"):
        make()


@pytest.mark.parametrize("ask", [None, "", 5, ["Q"]])
def test_a_question_is_asked_in_text(ask):
    with pytest.raises(LessonError, match="asked in text"):
        quiz.number(ask, right=1, because="R", wrong={2: "N"})


@pytest.mark.parametrize("module, questions", [("m", {"days": "How many?"}), (None, {})])
def test_a_quiz_is_made_of_questions_and_a_name(module, questions):
    with pytest.raises(LessonError):
        quiz.Quiz(module, **questions)


def test_clicking_an_option_answers(questions):
    box = questions["days"].widget()
    buttons = find(box, RadioButtons)
    for option in ("eight & more", "seven"):
        buttons.index = questions["days"].options.index(option)
        assert ("Right." in said(box)) == (option == "seven")
    assert "Right you are." in said(box)
    assert [(a.outcome, a.answer) for a in progress.attempts()] == [
        ("wrong", "eight & more"), ("right", "seven"),
    ]  # fmt: skip
    buttons.index = questions["days"].options.index("eight & more")
    assert "One &lt; too many." in said(box)


def test_clicking_check_answers_with_the_number_in_the_field(questions):
    box = questions["share"].widget()
    field, button = find(box, Text), find(box, Button)
    assert "parts" in field.placeholder and field.description == "What is a half?"
    for given, why in (("", "in digits"), ("a half", "in digits"), ("1 - 0.5", "sums first")):
        field.value = given
        button.click()
        assert "is not a number" in said(box) and why in said(box)
        assert field.value == given
    assert progress.attempts() == []
    field.value = "0,5"
    button.click()
    assert "Right. One of two." in said(box)
    assert [(a.outcome, a.answer) for a in progress.attempts()] == [("right", "0,5")]


def test_enter_answers_with_the_number_in_the_field(questions):
    box = questions["share"].widget()
    field = find(box, Text)
    field.value = "2"
    field._handle_custom_msg({"event": "submit"}, [])  # what the browser sends
    assert "the other way round" in said(box)
    assert [(a.outcome, a.answer) for a in progress.attempts()] == [("wrong", "2")]


def test_what_is_shown_is_a_widget_and_text(questions):
    for shown in (questions, questions["days"], questions["share"]):
        bundle = shown._repr_mimebundle_()
        assert bundle["text/plain"] == str(shown)
        assert bundle[WIDGET]["model_id"]


def test_several_questions_stand_together_under_their_headings(questions):
    box = quiz.together(questions.values(), ["A & B", "C"])
    assert [box.children[i].value for i in (0, 2)] == ["A &amp; B", "C"]
    assert find(box.children[1], RadioButtons) and find(box.children[3], Text)
    assert len(quiz.together(questions.values()).children) == 2


def test_the_order_of_options_is_the_same_in_every_process_and_not_always_the_same():
    code = (
        "from dlcourse import quiz\n"
        "wrong = dict.fromkeys(['two', 'three', 'four', 'five'], '')\n"
        "for i in range(8):\n"
        "    print(quiz.choice(f'Question {i}', right='one', because='', wrong=wrong).options)"
    )
    orders = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    ]
    assert orders[0] == orders[1] == orders[2]
    assert len({*orders[0].splitlines()}) > 1
    wanted = quiz.choice("Question 0", right="one", because="", wrong={"two": "", "three": ""})
    other = quiz.choice("Question 0", right="three", because="", wrong={"two": "", "one": ""})
    assert wanted.options == other.options  # the place tells nothing about which is right
