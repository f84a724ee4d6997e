"""Every answer has a reason; text and widget judge alike; an attempt is kept."""

import os
import subprocess
import sys

from dlcourse import progress, quiz
from dlcourse.errors import KindError, LessonError, RangeError

import pytest
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
    for given in (option, letter, letter.upper(), f"({letter})"):
        assert str(question.answer(given)) == wanted


@pytest.mark.parametrize("given", ["d", "", "sevenn", 3, None, ["seven"]])
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


@pytest.mark.parametrize("given", ["1,700", "1 700", "1\u00a0700", "1\u202f700"])
def test_a_number_may_have_spaces_between_its_thousands(given):
    question = quiz.number("How many?", right=1700, because="So many.", wrong={17: "Percent."})
    assert question.judge(given) == ("right", "So many.")


@pytest.mark.parametrize("given", ["abc", "", "nan", "inf", None, True, [0.5]])
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
    with pytest.raises(RangeError, match=r"no question 'weeks'.*days, share"):
        questions["weeks"]


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
    ],
)
def test_a_question_without_enough_different_answers_is_refused(make):
    with pytest.raises(LessonError, match="'Q'"):
        make()


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
    assert "parts" in field.placeholder
    field.value = "about a half"
    button.click()
    assert (said(box), field.value) == ("", "")
    assert "a number" in field.placeholder
    field.value = "0,5"
    button.click()
    assert "Right. One of two." in said(box)
    assert [(a.outcome, a.answer) for a in progress.attempts()] == [("right", "0,5")]


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
