"""Quiz questions, each with a reason for every answer; a widget where widgets show, else text."""

import html
import math
import random
import re
import string
from collections.abc import Mapping
from typing import Any

from dlcourse import progress
from dlcourse.answers import Feedback
from dlcourse.arrays import close
from dlcourse.errors import KindError, LessonError, RangeError


class Question:
    """A question of a Quiz. Show it as the last line of a cell, or `answer` it.

    Attributes:
        ask: The question.
        lesson, name: Where it belongs; the Quiz fills them in.
    """

    def __init__(self, ask):
        self.ask = " ".join(ask.split())
        self.lesson = self.name = ""

    def answer(self, given) -> Feedback:
        """Judge an answer, keep the attempt (see `progress`), and return the Feedback."""
        outcome, reason = self.judge(given)
        progress.record(self.lesson, self.name, "quiz", outcome, given)
        return Feedback(outcome, reason, heading=f"{outcome.capitalize()}. ")

    def widget(self) -> Any:
        """Return the question as an ipywidgets box that answers at once."""
        from ipywidgets import HTML, Layout, VBox

        head, said = HTML(f"<b>{html.escape(self.ask)}</b>"), HTML()

        def tell(given):
            said.value = self.answer(given)._repr_html_()

        box = VBox([head, self._controls(tell), said], layout=Layout(margin="4px 0 12px 0"))
        box.add_class("dlcourse-quiz")
        return box

    def __str__(self):
        return f"{self.ask}\n{self._ways()}\nTo answer in code: {self._call()}"

    __repr__ = __str__

    def _repr_mimebundle_(self, include=None, exclude=None):
        return self.widget()._repr_mimebundle_() | {"text/plain": str(self)}

    def _call(self):
        return f'lesson.QUIZ["{self.name}"].answer({self._example()})'


class Choice(Question):
    """Several answers, one of them right. Their order is drawn at random, once."""

    def __init__(self, ask, right, because, wrong):
        super().__init__(ask)
        if right in wrong or len(wrong) < 2:
            raise LessonError(f"{ask!r} needs one right answer and at least two others.")
        if letters := [
            text for text in (right, *wrong) if len(str(text)) == 1 and str(text).isalpha()
        ]:
            raise LessonError(f"{ask!r} has answers that look like another's letter: {letters}.")
        self.reasons = {right: because} | dict(wrong)
        self.right = right
        self.options = sorted(self.reasons)
        random.Random(ask).shuffle(self.options)  # the same order for everybody

    def judge(self, given) -> tuple:
        """Return ("right" or "wrong", the reason) for an option, or for its letter."""
        letters = dict(zip(string.ascii_lowercase, self.options))
        option = letters.get(str(given).strip("() ").lower(), given)
        if option not in self.options:
            raise RangeError(
                f"There is no answer {given!r}. Give its letter: {', '.join(letters)}."
            )
        return "right" if option == self.right else "wrong", self.reasons[option]

    def _ways(self):
        return "\n".join(
            f"  ({letter}) {option}" for letter, option in zip(string.ascii_lowercase, self.options)
        )

    def _example(self):
        return '"a"'

    def _controls(self, tell):
        from ipywidgets import Layout, RadioButtons

        labels = [
            (f"({letter}) {option}", option)
            for letter, option in zip(string.ascii_lowercase, self.options)
        ]
        buttons = RadioButtons(options=labels, index=None, layout=Layout(width="auto"))
        buttons.observe(lambda change: tell(change["new"]), "value")
        return buttons


class Number(Question):
    """A short number as the answer, within a tolerance."""

    def __init__(self, ask, right, because, wrong, tolerance, unit):
        super().__init__(ask)
        self.right, self.because, self.tolerance, self.unit = right, because, tolerance, unit
        self.reasons = dict(wrong)
        if not self.reasons or any(self._is(value, right) for value in self.reasons):
            raise LessonError(f"{ask!r} needs a known wrong number, outside the tolerance.")

    def _is(self, number, value):
        return bool(close(number, value, self.tolerance))

    def judge(self, given) -> tuple:
        """Return ("right" or "wrong", the reason) for a number, or for text that holds one."""
        try:
            number = _number(given)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise KindError(f"{given!r} is not a number. Give one such as 0.5.")
        if self._is(number, self.right):
            return "right", self.because
        for value, reason in self.reasons.items():
            if self._is(number, value):
                return "wrong", reason
        return "wrong", "Too large." if number > self.right else "Too small."

    def _ways(self):
        return f"  A number ({self.unit})." if self.unit else "  A number."

    def _example(self):
        return "0.5"

    def _controls(self, tell):
        from ipywidgets import Button, HBox, Text

        field = Text(placeholder=f"a number, in {self.unit}" if self.unit else "a number")
        button = Button(description="Check")

        def check(_):
            try:
                tell(field.value)
            except KindError:
                field.placeholder, field.value = "a number, such as 0.5", ""

        button.on_click(check)
        return HBox([field, button])


def _number(given):
    """Read a number as people write it: 1700, 1 700, 1,700, 0.5, 0,5 or −3."""
    text = "".join(str(given).split()).replace("−", "-")
    thousands = re.fullmatch(r"-?[1-9]\d{0,2}(,\d{3})+", text)
    return float(text.replace(",", "" if thousands else "."))


class Quiz(Mapping):
    """The questions of one lesson, by name. Show the whole quiz as the last line of a cell."""

    def __init__(self, module, **questions):
        self.questions = questions
        for name, question in questions.items():
            question.lesson, question.name = module.rpartition(".")[2], name

    def __getitem__(self, name):
        if name not in self.questions:
            raise RangeError(f"There is no question {name!r}. There are: {', '.join(self)}.")
        return self.questions[name]

    def __iter__(self):
        return iter(self.questions)

    def __len__(self):
        return len(self.questions)

    def __str__(self):
        return "\n\n".join(f"{i}. {question}" for i, question in enumerate(self.values(), 1))

    __repr__ = __str__

    def _repr_mimebundle_(self, include=None, exclude=None):
        return together(self.values())._repr_mimebundle_() | {"text/plain": str(self)}


def together(questions, headings=()) -> Any:
    """Return one box with the widgets of several questions, each under its heading, if any."""
    from ipywidgets import HTML, VBox

    boxes = [question.widget() for question in questions]
    if headings:
        titles = [HTML(html.escape(heading)) for heading in headings]
        boxes = [part for pair in zip(titles, boxes, strict=True) for part in pair]
    return VBox(boxes)


def choice(ask, *, right, because, wrong) -> Choice:
    """Return a multiple-choice question.

    Args:
        ask: The question.
        right, because: The right answer, and why it is.
        wrong: {answer: why not}, at least two.
    """
    return Choice(ask, right, because, wrong)


def number(ask, *, right, because, wrong, tolerance=0.0, unit="") -> Number:
    """Return a question whose answer is a number.

    Args:
        ask: The question.
        right, because: The right number, and why it is.
        wrong: {number: how one gets there, and why it is not it}, at least one.
        tolerance: By how much an answer may differ; see `arrays.close`.
        unit: Of the answer; empty for none.
    """
    return Number(ask, right, because, wrong, tolerance, unit)
