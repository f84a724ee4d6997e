"""Every answer has a reason; text and widget judge alike; an attempt is kept."""

import doctest
import importlib.util
import inspect
import os
import re
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from statistics import mean

from dlcourse import catalogue, course, notebooks, progress, quiz
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
            wrong={"That is the other way round.": 2, "The sign.": -0.5},
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
            for text in ("ln 2", "7 * 1281", "9 - 2", "28 x 28", "1/0", "2 pi", "2 and a half")
        ),
        *((text, set()) for text in ("5 minus two", "5 or six", "3 times four", "5 to 6")),
        *((text, set()) for text in ("5 thousandths", "28 28", "1,23,456", "2 of three", "x = 5")),
        *((text, set()) for text in ("", "x", "nan", "inf", "1e999", "--3", "9" * 10**5)),
        *((text, {2.5}) for text in ("2½", "2 1/2", "2 ½ hours", "2.50 €", "$2.50", "(2.5)")),
        *(
            (text, {2.5})
            for text in ("2.5.", "It is 2.5", "The answer is 2.5.", "I think about 2.5")
        ),
        *((text, {-0.5}) for text in ("-½", "− 1/2")),
        *((text, {1.7e6}) for text in ("1.7 million", "1.7 mio weights", "1700k")),
        ("1.5 M", {1.5, 1.5e6}),
        ("3 bn", {3e9}),
        ("50 pct", {0.5, 50}),
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
    question = quiz.number("How many?", right=right, because="So.", wrong={"Known.": wrong})
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
        lambda: quiz.number("Q", right=1, because="R", wrong={"N": 1.05}, tolerance=0.1),
        lambda: quiz.choice("Q", right="yes", because="R", wrong=["no", "maybe"]),
        lambda: quiz.choice("Q", right="yes", because="R", wrong=None),
        lambda: quiz.choice("Q", right="yes", because=None, wrong={"no": "N", "maybe": "M"}),
        lambda: quiz.choice("Q", right=["yes"], because="R", wrong={"no": "N", "maybe": "M"}),
        lambda: quiz.choice("Q", right=1, because="R", wrong={2: "N", "maybe": "M"}),
        lambda: quiz.number("Q", right="1", because="R", wrong={"N": 2}),
        lambda: quiz.number("Q", right=float("nan"), because="R", wrong={"N": 2}),
        lambda: quiz.number("Q", right=True, because="R", wrong={"N": 2}),
        lambda: quiz.number("Q", right=1, because="R", wrong={"N": "two"}),
        lambda: quiz.number("Q", right=1, because="R", wrong={"N": 2}, tolerance=-1),
        lambda: quiz.number("Q", right=1, because="R", wrong={"N": 2}, tolerance=None),
        lambda: quiz.number("Q", right=1, because="R", wrong={"N": 2}, unit=5),
        lambda: quiz.number("Q", right=1, because="R", wrong={2: "N"}),
        lambda: quiz.number("Q", right=1, because="R", wrong={"N": 2, "M": 2}),
        lambda: choice_of("Q", key="because"),
        lambda: choice_of("Q", key=5),
        lambda: choice_of("Q", draw=["n"]),
        lambda: choice_of("Q", draw={"n": []}),
        lambda: choice_of("Q", draw={"n": 5}),
        lambda: choice_of("Q", draw={5: [1]}),
        lambda: choice_of("Q", draw={"n": range(200), "m": range(200)}),
        lambda: choice_of("Q", right="{m}", draw={"n": [1, 2]}),
        lambda: choice_of("Q", right="{n}", wrong={"1": "N", "3": "M"}, draw={"n": [1, 2]}),
        lambda: choice_of("Q", right="{n", draw={"n": [1, 2]}),
        lambda: choice_of("Q", draw={"n": [1, 2], "m": lambda k: k}),
        lambda: choice_of("Q", wrong={f"{n} of them": "N" for n in range(26)}),
        lambda: choice_of("Q", draw={"n": [1, 0], "m": lambda n: 1 / (n - 1)}),
        lambda: quiz.number("Q", right=lambda n: "n", because="R", wrong={"N": 2}, draw={"n": [1]}),
    ],
)
def test_a_question_without_enough_different_answers_is_refused(make):
    with pytest.raises(LessonError, match="'Q'"):
        make()


def choice_of(ask, right="yes", wrong=None, **rest):
    wrong = wrong or {"no": "N", "maybe": "M"}
    return quiz.choice(ask, right=right, because="R", wrong=wrong, **rest)


@pytest.mark.parametrize("ask", [None, "", 5, ["Q"]])
def test_a_question_is_asked_in_text(ask):
    with pytest.raises(LessonError, match="asked in text"):
        quiz.number(ask, right=1, because="R", wrong={"N": 2})


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


def test_the_examples_of_the_module_give_what_they_say():
    result = doctest.testmod(quiz, extraglobs={"quiz": quiz})
    assert result.attempted > 3 and result.failed == 0


# Numbers that are drawn ---------------------------------------------------------------------------


@pytest.fixture
def drawn():
    """A quiz of one question with 3 × 2 variants."""
    return quiz.Quiz(
        "dlcourse.lessons.some_lesson",
        weights=quiz.number(
            "{filters} filters of {side} × {side} on {pixels} pixels: how many weights?",
            draw={
                "filters": [8, 4, 16],
                "side": [5, 3],
                "one": lambda side: side**2,
                "pixels": lambda: 10_000,
            },
            right=lambda filters, one: filters * one,
            because="{filters} times {one} is {right}.",
            wrong={"{one} is one filter.": lambda one: one, "The sign.": -1},
        ),
    )


def test_the_first_variant_has_the_first_numbers_and_each_showing_has_others(drawn):
    question = drawn["weights"]
    assert question.ask == "8 filters of 5 × 5 on 10 000 pixels: how many weights?"
    assert str(question.answer(200)) == "Right. 8 times 25 is 200."
    assert str(question.answer(25)) == "Wrong. 25 is one filter."
    shown = [drawn._repr_mimebundle_()["text/plain"] for _ in range(question.variants)]
    assert question.variants == 6 == len(set(shown))
    assert "8 filters of 5 × 5" in shown[0]
    assert drawn._repr_mimebundle_()["text/plain"] == shown[0]


def test_the_variant_shown_last_is_judged_and_its_numbers_are_kept(drawn):
    question = drawn["weights"]
    for _ in range(3):
        question._repr_mimebundle_()
        filters, side = question.numbers["filters"], question.numbers["side"]
        assert f"{filters} filters of {side} × {side}" in str(question)
        assert question.answer(filters * side**2).outcome == "right"
        kept = progress.attempts()[-1].answer
        assert kept == f"filters={filters}, side={side}: {filters * side**2}"


def test_to_print_a_question_does_not_change_its_numbers(drawn):
    assert len({str(drawn) for _ in range(5)}) == 1


def test_a_widget_judges_the_numbers_that_it_shows_though_others_are_shown_later(drawn):
    box = drawn["weights"].widget()
    drawn["weights"].take(1)
    assert "8 filters of 5 × 5" in box.children[0].value
    find(box, Text).value = "200"
    find(box, Button).click()
    assert "Right. 8 times 25" in said(box)
    assert progress.attempts()[-1].answer == "filters=8, side=5: 200"


def test_the_variants_are_the_same_in_every_process():
    code = (
        "from dlcourse import catalogue, course\n"
        "question = course.questions(catalogue.find(['20'])[0])['axes']\n"
        "for variant in range(9):\n"
        "    question.take(variant)\n"
        "    print(question)"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(texts) == 1 and texts.pop().count("nn.Conv2d") == 9


def test_texts_without_numbers_to_draw_may_hold_braces():
    question = choice_of("Is {1, 2} a set?")
    assert question.ask == "Is {1, 2} a set?" and question.variants == 1


def test_a_key_is_not_called_before_it_is_asked_for():
    assert choice_of("Q", key=lambda: [][0]).judge("yes") == ("right", "R")
    assert choice_of("Q", key=lambda n: f"{n} m", draw={"n": [3]}).computed() == "3 m"
    assert choice_of("Q", key="definition").computed() == ""


def test_numbers_are_written_as_in_the_course():
    question = quiz.number(
        "{low}, {many}, {few}, {share}, {share:.2f}",
        draw={"low": [-3], "many": [12_000], "few": [1700], "share": [0.5]},
        right=1, because="", wrong={"N": 2},
    )  # fmt: skip
    assert question.ask == "−3, 12 000, 1700, 0.5, 0.50"


# The questions of the course ----------------------------------------------------------------------

COURSE = {
    f"{lesson.number} {name}": question
    for lesson in catalogue.lessons()
    for name, question in course.questions(lesson).items()
}
NUMBERS = {name: it for name, it in COURSE.items() if isinstance(it, quiz.Number)}
CHOICES = {name: it for name, it in COURSE.items() if isinstance(it, quiz.Choice)}


def variants(question):
    """Take each variant of a question in turn: all there are, which is more than a sample."""
    for variant in range(question.variants):
        question.take(variant)  # it refuses answers that lie within the tolerance of another
        yield variant
    question.take(0)


def texts(question):
    return [question.ask, *getattr(question, "options", ()), *question.reasons.values()]


def test_every_number_and_a_third_of_the_choices_are_drawn():
    assert [name for name, question in NUMBERS.items() if question.variants < 50] == []
    assert sum(question.variants >= 10 for question in CHOICES.values()) >= len(CHOICES) / 3


@pytest.mark.parametrize("name", [name for name in COURSE if COURSE[name].variants > 1])
def test_each_variant_asks_something_else_in_whole_and_tidy_numbers(name):
    question, asked = COURSE[name], []
    for _ in variants(question):
        asked.append(question.ask)
        for text in texts(question):
            assert not re.search(r"[{}]|\d\.\d{5}|\de[+-]?\d|nan|inf\b", text), text
        if getattr(question, "unit", "") in ("pixels", "weights", "pictures", "numbers"):
            assert isinstance(question.right, int) and question.right >= 1, question.ask
    assert len({*asked}) == question.variants
    assert all(one != other for one, other in pairwise(asked))


def writings(value):
    """Return how people write a number: separators of thousands, comma or point, as per cent."""
    if value == int(value):
        plain = str(int(value))
        thousands = {f"{int(value):,}".replace(",", mark) for mark in ",. '"}
        return {plain, *thousands, f"about {plain}", f"{plain} pixels", f"{plain}.0", f"{plain},0"}
    digits = {f"{value:.3f}", f"{value:.4f}", f"~{value:.4f}"}
    return digits | {text.replace(".", ",") for text in digits}


@pytest.mark.parametrize("name", NUMBERS)
def test_however_a_number_is_written_no_wrong_one_is_right(name):
    question = NUMBERS[name]
    for _ in variants(question):
        for text in writings(question.right):
            assert question.judge(text)[0] == "right", (question.ask, text)
        if question.right < 1 and question.right > 0:
            assert question.judge(f"{100 * question.right:g} %")[0] == "right"
        for value, reason in question.reasons.items():
            for text in writings(value):
                assert question.judge(text) == ("wrong", reason), (question.ask, text)
            if 0 < value < 1:
                assert question.judge(f"{100 * value:.4g} %")[0] == "wrong", (question.ask, value)


@pytest.mark.parametrize("name", CHOICES)
def test_the_key_of_a_choice_is_found_by_its_function_or_a_word_says_why_not(name):
    question = CHOICES[name]
    if not callable(question.key):
        assert question.key in quiz.KEYS
        return
    for _ in variants(question):
        assert question.computed() == question.right, question.ask


def conv(*sizes, **options):
    return torch.nn.Conv2d(*sizes, **options, device="meta")  # a shape needs no numbers


def learned(*layers):
    return sum(array.numel() for layer in layers for array in layer.parameters())


def shape_of(layer, *shape):
    return tuple(layer(torch.empty(shape, device="meta")).shape)


def slope_of_the_loss(first, second, third):
    scores = torch.tensor([[first, second, third]], dtype=torch.float64).log().requires_grad_()
    torch.nn.functional.cross_entropy(scores, torch.tensor([1])).backward()
    return float(scores.grad[0, 1])


def slope_at(place, function):
    place = torch.tensor(place, requires_grad=True)
    function(place).backward()
    return place.grad.item()


def loss_of_the_discriminator(real):
    said = torch.full((2,), real, dtype=torch.float64)
    loss = torch.nn.functional.binary_cross_entropy
    return float(loss(said, torch.tensor([1.0, 0.0], dtype=torch.float64), reduction="sum"))


def memory_with_an_open_gate():
    cell = torch.nn.GRUCell(3, 4)
    with torch.no_grad():
        cell.bias_ih[4:8] = 1e9  # PyTorch's order: reset, update, new
    memory = torch.zeros(1, 4)
    for _ in range(5):
        memory = cell(torch.randn(1, 3), memory)
    return "all zeros, as at the start" if not memory.any() else "something else"


# What PyTorch says, or counting: another way than the question's own function.
ORACLES = {
    "10 shape": lambda rows, columns: (
        f"an array of shape {tuple((torch.ones(rows, 1) - torch.ones(columns)).shape)}"
    ),
    "10 brighter": lambda pixel, more: int(torch.tensor(pixel, dtype=torch.uint8) + more),
    "10 used_twice": lambda x, shift: slope_at(float(x), lambda x: x * (x + shift)),
    "10 limit": lambda curvature: next(  # one hundredth of 1 / c after another
        hundredths / 100 / curvature
        for hundredths in range(1, 1000)
        if abs(100 - hundredths) >= 100
    ),
    "11 same_probability": lambda classes: float(
        torch.nn.functional.cross_entropy(torch.zeros(1, classes), torch.tensor([0]))
    ),
    "11 slope_of_a_score": slope_of_the_loss,
    "20 weights": lambda filters, side: learned(conv(1, filters, side, bias=False)),
    "20 size": lambda pixels, window: next(
        padding
        for padding in range(pixels)
        if shape_of(conv(1, 1, window, padding=padding), 1, pixels, pixels)[1] == pixels
    ),
    "20 axes": lambda pictures, filters, window, padding, rows, columns: str(
        shape_of(conv(3, filters, window, padding=padding), pictures, 3, rows, columns)
    ),
    "21 shirts": lambda shirts, found: np.repeat([1, 0], [found, shirts - found]).mean(),
    "21 learned": lambda channels, filters, side: learned(
        conv(channels, filters, side, bias=False), torch.nn.BatchNorm2d(filters)
    ),
    "31 last_window": lambda test, future: max(
        start for start in range(1000) if max(range(start, start + future)) < test
    ),
    "31 update": memory_with_an_open_gate,
    "41 beaten": loss_of_the_discriminator,
    "41 size": lambda pixels, window, stride, padding: shape_of(
        torch.nn.ConvTranspose1d(1, 1, window, stride, padding, device="meta"), 1, 1, pixels
    )[-1],
    "50 half": lambda features, new: learned(torch.nn.Linear(features, new, device="meta")),
}


@pytest.mark.parametrize("name", ORACLES)
def test_another_way_to_the_answer_finds_the_same(name):
    question, oracle = COURSE[name], ORACLES[name]
    needed = inspect.signature(oracle).parameters
    for _ in variants(question):
        found = oracle(**{number: question.numbers[number] for number in needed})
        same = isinstance(found, str) and found == question.right
        assert same or found == pytest.approx(question.right, rel=1e-6), question.ask


HEDGES = {
    *("usually", "only", "some", "can", "could", "may", "might", "often", "most", "mostly"),
    *("about", "nearly", "hardly", "sometimes", "rarely", "tends", "likely", "perhaps", "either"),
}


def words(option):
    return re.findall(r"[\w×.]+", option.lower())


def likeness(option, question):
    """Return what share of its words an option has in common with another one, on average."""
    own = {*words(option)}
    others = [{*words(other)} for other in question.options if other != option]
    return mean(len(own & other) / len(own | other) for other in others)


def difference(option, question):
    """Return by how much an option is longer or shorter than the others on average."""
    return abs(len(option) - mean(len(it) for it in question.options if it != option))


def echo(option, question):
    """Return which share of an option's words are the question's."""
    own = {*words(option)}
    return len(own & {*words(question.ask)}) / len(own)


def place(option, question):
    return question.options.index(option)


# Readers who know nothing. Each takes the option for which the function is highest.
READERS = {
    "longest": lambda option, question: len(option),
    "shortest": lambda option, question: -len(option),
    "first": lambda option, question: -place(option, question),
    "middle": lambda option, question: (
        -abs(place(option, question) - (len(question.options) - 1) / 2)
    ),
    "last": place,
    "most hedged": lambda option, question: sum(word in HEDGES for word in words(option)),
    "most technical": lambda option, question: sum(
        len(word) >= 9 or bool(re.search(r"[\d`*σ−@×]", word)) for word in option.split()
    ),
    "unlike the rest in words": lambda option, question: -likeness(option, question),
    "unlike the rest in length": difference,
    "like the question": echo,
    "unlike the question": lambda option, question: -echo(option, question),
    "without a reason": lambda option, question: (
        -len(re.findall(r"\b(since|because|as)\b", option))
    ),
}


def chance_to_be_right(reader, question):
    """Return how often a reader is right who tosses a coin between equals."""
    value = {option: reader(option, question) for option in question.options}
    taken = [option for option in value if value[option] >= max(value.values()) - 1e-9]
    return (question.right in taken) / len(taken)


def of_all_variants(reader, question):
    return mean(chance_to_be_right(reader, question) for _ in variants(question))


@pytest.mark.parametrize("share", [chance_to_be_right, of_all_variants])
@pytest.mark.parametrize("name", READERS)
def test_who_reads_only_the_form_of_the_options_does_not_beat_chance(name, share):
    for question in CHOICES.values():
        question.take(0)
    chance = mean(1 / len(question.options) for question in CHOICES.values())
    score = mean(share(READERS[name], question) for question in CHOICES.values())
    assert score <= chance + 0.1
    assert name != "longest" or score <= 0.4


def test_the_questions_that_a_new_lesson_begins_with_keep_all_this(tmp_path):
    text = (notebooks.TEMPLATES / "lesson.txt").read_text(encoding="utf-8")
    path = tmp_path / "new.py"
    path.write_text(text.replace("{title}", '"New"').replace("{slug}", "new"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("dlcourse.lessons.new", path)
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    for question in module.QUIZ.values():
        for _ in variants(question):
            assert all("{" not in text for text in texts(question))
            if callable(getattr(question, "key", None)):
                assert question.computed() == question.right
    steepness = module.QUIZ["steepness"]
    assert steepness.variants >= 50 and steepness.judge(6)[0] == "right"


@pytest.mark.parametrize("unit, wrong", [("seconds", "hours"), ("nats", "bits"), ("km", "meter")])
def test_a_number_in_another_unit_is_not_taken_for_one_in_the_question_s(unit, wrong):
    asked = quiz.number("How much?", right=5, because="It is.", wrong={"No.": 7}, unit=unit)
    with pytest.raises(KindError, match=f"in {wrong}. Give the number in {unit}"):
        asked.judge(f"5 {wrong}")
    for told in ("5", f"5 {unit}", f"5 {unit.removesuffix('s')}", "5 pictures"):
        assert asked.judge(told)[0] == "right"


def test_a_fraction_of_thousands_of_digits_is_an_answer():
    asked = quiz.number("{a} s?", draw={"a": [5, 6]}, right=5, because="It is.", wrong={"No.": 7})
    assert asked.answer(Fraction(10**5000 + 1, 10**5000)).outcome == "wrong"


def test_a_long_paste_is_no_number():
    assert quiz.readings("123 " * 3000 + "4x5") == set() == quiz.readings("1\n" * 10_000 + "x1")
    assert quiz.readings(" " * 500 + "5 pictures" + " " * 500) == {5.0}


@pytest.mark.parametrize("given", ["10³", "28²", "10⁻³", "1.7·10³"])
def test_a_power_is_to_be_worked_out_first(given):
    asked = quiz.number("How many?", right=28, because="It is.", wrong={"No.": 10})
    with pytest.raises(KindError, match="work out sums first"):
        asked.judge(given)


@pytest.mark.parametrize(
    "unit, wrong", [("ms", "µs"), ("GB", "TB"), ("bits", "B"), ("mm", "m"), ("MW", "kW")]
)
def test_a_unit_that_is_a_part_of_the_question_s_is_another_one(unit, wrong):
    asked = quiz.number("How much?", right=5, because="It is.", wrong={"No.": 7}, unit=unit)
    with pytest.raises(KindError, match=f"in {wrong}. Give the number in {unit}"):
        asked.judge(f"5 {wrong}")
    assert asked.judge(f"5 {unit}")[0] == "right"


def test_a_question_in_millions_takes_them():
    asked = quiz.number("How many?", right=5, because="It is.", wrong={"No.": 7}, unit="million")
    assert asked.judge("5 million")[0] == asked.judge("5")[0] == "right"


def test_a_tolerance_beyond_all_floats_is_none():
    with pytest.raises(LessonError, match="tolerance"):
        quiz.number("Q", right=3, because="It is.", wrong={"No.": 7}, tolerance=10**400)
