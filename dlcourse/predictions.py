"""Predictions: a guess before a result, kept, and judged by what the cell itself computes.

A lesson's module declares them by name:

    PREDICTIONS = predictions.Predictions(
        __name__,
        dot=predictions.predict(
            options={"one white pixel": "why not", "a 3 × 3 white square": "why"},
            key=lambda answer: "one white pixel" if answer.sum() == 1 else "a 3 × 3 white square",
        ),
    )

The cell with the result begins with `lesson.PREDICTIONS["dot"].ask()`. In JupyterLab its outputs
then wait for a guess, or for *Skip*; where nobody can answer, as in a test, they show at once.
"""

import inspect
import re
import string
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from dlcourse import progress
from dlcourse.answers import Feedback
from dlcourse.arrays import expect_number
from dlcourse.errors import LessonError, NoSuchNameError, RangeError, expect_text, in_short

SURE = (0.5, 0.7, 0.9, 1.0)  # beside chance: how sure one can say to be
SKIPPED = "skipped"
OPEN = "dlcourse-open"  # class of a box that waits for a guess
# The text below the cell tells what comes out, so that it waits too.
WAITING = f"<style>.jp-Cell:has(.{OPEN}) + .jp-MarkdownCell {{visibility: hidden}}</style>"


class Guess(NamedTuple):
    """A guess that was kept: in which lesson, how sure (0..1), and whether it was right."""

    lesson: str
    sure: float
    right: bool


class Prediction:
    """A question before a result; see the module. `ask` stands at the top of the result's cell.

    Attributes:
        options: {what may come out: why it does, or does not}, in the order of their letters.
        key: Function of names in the notebook, once the cell has run, that gives the right option.
        lesson, name: Where it belongs; `Predictions` fills them in.
    """

    def __init__(self, options, key):
        self.options, self.key = dict(options), key
        if not 2 <= len(self.options) <= len(string.ascii_lowercase):
            raise LessonError(
                f"A prediction has {len(self.options)} options, but needs two at least, and a "
                "letter for each."
            )
        self.lesson = self.name = ""
        self._right = None  # later cells may give its names other values

    def ask(self) -> None:
        """Let the outputs of this cell wait for a guess, if somebody is there to make one."""
        shell = _shell()
        if not getattr(getattr(shell, "kernel", None), "_allow_stdin", False) or self._answered():
            return
        from IPython.utils.capture import capture_output

        capturing = capture_output()
        held = capturing.__enter__()

        def show_instead(_):
            shell.events.unregister("post_run_cell", show_instead)
            capturing.__exit__(None, None, None)
            try:
                self._right = self.right(shell.user_ns)
            except Exception:  # the learner has changed the cell: it is to be mended first
                held.show()
            else:
                sys.modules["IPython"].display.display(self.widget(held))

        shell.events.register("post_run_cell", show_instead)

    def _answered(self):
        return any(
            (attempt.item, attempt.kind) == (self.name, "prediction")
            for attempt in progress.attempts(self.lesson)
        )

    def widget(self, held=None) -> Any:
        """Return the question as an ipywidgets box; after a guess it shows what `held` holds."""
        from ipywidgets import HTML, Button, HBox, Layout, Output, RadioButtons, VBox

        letters = [f"({letter}) {option}" for letter, option in self._lettered()]
        wide = Layout(width="auto")
        choice = RadioButtons(options=letters, index=None, layout=wide)
        chance = round(1 / len(self.options), 2)
        levels = [chance, *(each for each in SURE if each > chance)]
        words = [f"{each:.0%}" for each in levels]
        words[0] += " (no idea)"
        words[-1] += " (certain)"
        sure = RadioButtons(options=list(zip(words, levels)), index=0, layout=wide)
        guess, skip = Button(description="This is my guess"), Button(description="Skip")
        said, result = HTML(), Output()
        head = HTML(f"<b>What will come out?</b> The result waits for your guess.{WAITING}")
        asks = VBox([choice, HTML("How sure are you?"), sure, HBox([guess, skip])])
        box = VBox([head, asks, said, result])
        box.add_class("dlcourse-prediction")
        box.add_class(OPEN)

        def show(feedback):
            said.value = feedback.in_widget()
            head.value, asks.layout.display = "", "none"
            box.remove_class(OPEN)
            if held is not None:
                with result:
                    held.show()

        def on_guess(_):
            if choice.index is None:
                said.value = Feedback("shown", "Choose one of them first.").in_widget()
            else:
                show(self.guess([*self.options][choice.index], sure.value))

        guess.on_click(on_guess)
        skip.on_click(lambda _: show(self.skip()))
        return box

    def guess(self, option, sure=0.5) -> Feedback:
        """Judge a guess by what the cell has computed, keep it, and return the Feedback.

        Args:
            option: One of `options`, or its letter.
            sure: How sure you are, 0..1.

        Raises:
            RangeError: There is no such option, or `sure` is no share.
        """
        if isinstance(option, str):
            letter = option.strip(" ().").lower()
            option = dict(self._lettered()).get(letter, option)
        if not isinstance(option, str) or option not in self.options:
            letters = ", ".join(letter for letter, _ in self._lettered())
            raise RangeError(f"There is no {in_short(option)} here. Give a letter: {letters}.")
        expect_number(sure, "sure", low=0, high=1)
        right = self._right or self.right(getattr(_shell(), "user_ns", {}))
        outcome = "right" if option == right else "wrong"
        progress.record(self.lesson, self.name, "prediction", outcome, f"{sure:.2f} {option}")
        message = self.options[right]
        if outcome == "wrong":
            message = f"{self.options[option]} It is: {right}. {message}"
        return Feedback(outcome, message, heading=f"{outcome.capitalize()}. ")

    def skip(self) -> Feedback:
        """Show the result without a guess."""
        progress.record(self.lesson, self.name, "prediction", "shown", SKIPPED)
        return Feedback("shown", "Skipped.")

    def right(self, names) -> str:
        """Return the right option.

        Args:
            names: {name: value} of the notebook, once the cell has run.

        Raises:
            LessonError: A name is not there, or what the key gives is none of the options.
        """
        needed = inspect.signature(self.key).parameters
        if missing := [name for name in needed if name not in names]:
            raise LessonError(
                f"To judge the guess, {', '.join(missing)} is needed: run the cell with the result."
            )
        try:
            option = self.key(**{name: names[name] for name in needed})
            known = option in self.options
        except Exception as error:  # the learner has given one of the names another value
            raise LessonError(
                f"The guess cannot be judged: {', '.join(needed)} hold something else than the "
                f"cell's result ({type(error).__name__}). Run the cell again."
            ) from error
        if not known:
            raise LessonError(f"The key of {self.name} gives {option!r}, which is no option.")
        return option

    def faults(self, names, after="") -> list[str]:
        """Return what is wrong with the prediction itself, a sentence each; none if it is sound.

        Args:
            names: `globals()` of a notebook, once the cell has run.
            after: The text after the cell; the first letter in brackets there is the right one.
        """
        try:
            right = self.right(names)
        except LessonError as error:
            return [str(error)]
        (letter,) = (letter for letter, option in self._lettered() if option == right)
        said = re.search(r"\(([a-z])\)", after)
        if said and said[1] != letter:
            return [f"{self.name}: ({letter}) comes out, but the text after it says ({said[1]})."]
        return []

    def _lettered(self):
        return zip(string.ascii_lowercase, self.options)

    def __str__(self):
        lines = [f"  ({letter}) {option}" for letter, option in self._lettered()]
        call = f'lesson.PREDICTIONS["{self.name}"].guess("a", sure=0.7)'
        return "\n".join([*lines, f"To guess in code: {call}"])

    __repr__ = __str__


class Predictions(Mapping):
    """The predictions of one lesson, by name."""

    def __init__(self, module, **predictions):
        self._by_name = predictions
        for name, prediction in predictions.items():
            prediction.lesson, prediction.name = (
                expect_text(module, "module").rpartition(".")[2],
                name,
            )

    def __getitem__(self, name):
        if not isinstance(name, str) or name not in self._by_name:
            raise NoSuchNameError(
                f"There is no prediction {in_short(name)}. There are: {', '.join(self)}."
            )
        return self._by_name[name]

    def __iter__(self):
        return iter(self._by_name)

    def __len__(self):
        return len(self._by_name)


def predict(*, options: Mapping[str, str], key: Callable) -> Prediction:
    """Declare a prediction; see the module.

    Args:
        options: {what may come out: why it does, or why it does not}, at least two; the lesson's
            text before the cell asks with the same words, in this order.
        key: Function of names in the notebook, once the cell has run, that gives the right option.
    """
    texts = [*options, *options.values()] if isinstance(options, Mapping) else [None]
    if len(texts) < 4 or not all(isinstance(text, str) and text.strip() for text in texts):
        raise LessonError("A prediction needs two options or more, {what: why}, in text.")
    if not callable(key):
        raise LessonError("The key of a prediction is a function of names in the notebook.")
    return Prediction(options, key)


def guesses(kept) -> list[Guess]:
    """Return the guesses among attempts (see `progress.attempts`), without those skipped."""
    found = {}
    for attempt in kept:
        if attempt.kind == "prediction" and attempt.outcome in ("right", "wrong"):
            share, _, _ = attempt.answer.partition(" ")
            right = attempt.outcome == "right"
            # The first counts: a second one has seen the result.
            found.setdefault(
                (attempt.lesson, attempt.item), Guess(attempt.lesson, float(share), right)
            )
    return list(found.values())


def _shell():
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
