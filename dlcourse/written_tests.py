"""Exercises whose answer is a test: it lets right functions pass and catches the known wrong ones.

    @written_tests.of(
        output_size, ask="…", hints=("…", "…"), mistakes=[Mistake("…", _one_stride)]
    )
    def test_output_size(output_size):
        assert output_size(28, 5, 1, 0) == 24

The right functions are another exercise's solution and its other ways, the wrong ones its mistakes.
"""

import dis
import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from dlcourse.answers import (
    Feedback,
    Raised,
    alike,
    copied,
    guarded,
    same,
    short,
)
from dlcourse.errors import LessonError
from dlcourse.exercise import TOLERANCE, Exercise, FunctionExercise, Mistake
from dlcourse.limits import AnswerError, unseen, within

import numpy as np


class WrittenTest(Exercise):
    """The answer is a test of the functions that another exercise asks for.

    Attributes:
        asked: That other exercise, a FunctionExercise.
        slipped: The wrong function that passed the last test that was checked, to be called.
    """

    def __init__(self, solution, ask, hints, mistakes, size, asked):
        super().__init__(solution, ask, hints, mistakes, size)
        if not isinstance(asked, FunctionExercise):
            raise LessonError(
                f"`{self.name}` tests the functions of an exercise, not {short(asked)}."
            )
        self.asked, self.slipped = asked, None

    @functools.cached_property
    def right(self) -> list:
        """Functions that are right: the solution, then other ways to write it."""
        solve, case = self.asked.solve, self.asked.cases[0]
        example = solve(**copied(case))
        others = (_like(solve, each, example) for each in self.asked.others)
        return [_given(case, each, solve) for each in (solve, *others)]

    @functools.cached_property
    def wrong(self) -> list:
        """Functions that are wrong, each in a way that people are."""
        solve, case = self.asked.solve, self.asked.cases[0]
        wrong = (example for mistake in self.asked.mistakes for example in mistake.examples)
        return [_given(case, each, solve) for each in wrong]

    def _verdict(self, answer):
        if not callable(answer):
            return self._no_function(answer)
        if not __debug__:
            raise AnswerError(
                "This Python leaves every `assert` out: it was started with PYTHONOPTIMIZE, or "
                "with -O. Start JupyterLab without."
            )
        looked_up = _looked_up(answer)
        if looked_up == set():
            return Feedback("not tried", self.ask)
        if looked_up is not None and answer.__code__.co_varnames[0] not in looked_up:
            message = f"Your test never uses the function that it gets, `{self.asked.name}`."
            return Feedback("wrong", message)
        _ = self.right, self.wrong  # which may import a framework: not in the learner's time
        return within(self.asked.seconds, lambda: self._tried(answer))

    def _tried(self, answer):
        refused = _refusal(answer, self.right[0])
        if refused:
            message = f"Your test refuses the solution of `{self.asked.name}`: {refused.message}"
            return Feedback("wrong", message.rstrip(": ") + ".", refused.code)
        with unseen():  # what it prints, it has printed once
            for function in self.right[1:]:
                if refused := _refusal(answer, function):
                    message = f"Your test refuses this function, which is right: {refused.message}"
                    code = "\n\n".join(filter(None, [refused.code, _text(function, self.asked)]))
                    return Feedback("wrong", message.rstrip(": ") + ".", code)
            caught = self._caught(answer)
            if all(caught):
                functions = f"{len(self.right)} right functions and catches all {len(caught)}"
                return Feedback("right", f"It accepts {functions} wrong ones.")
            advice = any(caught) and self._advice(
                answer, lambda example: self._caught(example) == caught
            )
        self.slipped = self.wrong[caught.index(False)]
        count = f"{sum(caught)} of {len(caught)} wrong functions"
        code = (
            f"# Caught: {count}. This one slipped through.\n"
            f"# To call it: lesson.{self.name}.slipped(…)\n{_text(self.slipped, self.asked)}"
        )
        return Feedback("wrong", advice or f"Your test catches {count}.", code)

    def _caught(self, test):
        """Return whether a test refuses each of the wrong functions."""
        return [bool(_refusal(test, function)) for function in self.wrong]

    def _blank_text(self):
        return f"def {self.name}({self.asked.name}):\n    assert ...  # your cases"

    def faults(self, names=None) -> list[str]:
        """Say more: whether the tests that are known as weak are so in different ways."""
        faults = super().faults(names)
        with np.errstate(all="ignore"):
            weak = [tuple(self._caught(e)) for mistake in self.mistakes for e in mistake.examples]
        if not all(map(any, weak)) or len(set(weak)) < len(weak):
            faults.append(
                f"{self.lesson}.{self.name}: a weak test must catch something, and each something "
                "else, since by that it is known"
            )
        return faults


def of(
    asked: FunctionExercise,
    *,
    ask: str,
    hints: Sequence[str],
    mistakes: Sequence[Mistake],
    size: str | None = None,
) -> Callable:
    """Declare an exercise whose answer is a test: put this above a test that catches everything.

    Args:
        asked: The exercise whose functions are to be tested; its mistakes are what a test catches.
        ask, hints, size: As in `exercise.function`.
        mistakes: Weak tests, each with its advice. One is known by what it catches: a learner's
            test that catches the same gets its advice.
    """
    return lambda solution: WrittenTest(solution, ask, hints, mistakes, size, asked)


def _refusal(test, function) -> Any:
    """Return the Raised of a test that refuses a function; None if it accepts it."""
    try:
        said = guarded(lambda: test(function))
    except Raised as raised:
        return raised
    if said is None or (_is_truth(said) and said):
        return None
    if _is_truth(said):
        return Raised(AssertionError("it gives False"))
    raise AnswerError(
        f"Your test gives {short(said)}. Let it `assert` what must hold, or give True or False."
    )


def _is_truth(value):
    if getattr(value, "shape", None) == () and "bool" in str(getattr(value, "dtype", "")):
        return True  # of an array or a tensor, as `(a == b).all()` gives it
    return isinstance(value, bool)


def _like(solve, function, example):
    """Return a function that is called as the solution is, and gives the same kind of thing.

    Where both agree, up to rounding, it gives the solution's own: no test is refused for the eighth
    digit.
    """

    @functools.wraps(function)
    def called(*given, **named):
        arguments = inspect.signature(solve).bind(*given, **named).args
        result = alike(function(*copied(arguments)), example)
        wanted = solve(*copied(arguments))
        return wanted if same(result, wanted, TOLERANCE) else result

    return called


def _given(case, function, solve):
    """Return a function that gets arrays of the kinds that the exercise's own case has.

    A learner's test may hand over lists, whole numbers or float32: all that it means is the values.
    """

    @functools.wraps(function)
    def called(*given, **named):
        bound = inspect.signature(solve).bind(*given, **named)
        for name, value in bound.arguments.items():
            usual = case.get(name)
            if isinstance(usual, np.ndarray) and isinstance(value, list | tuple | np.ndarray):
                array = np.asarray(value)
                is_float = usual.dtype.kind == "f" and array.dtype.kind in "biuf"
                bound.arguments[name] = array.astype("float64") if is_float else array
        return function(*bound.args)

    return called


def _text(function, asked):
    """Return a function's text as a notebook could hold it."""
    text = textwrap.dedent(inspect.getsource(inspect.unwrap(function))).rstrip()
    return re.sub(rf"\b{asked.name}\.solve\b", asked.name, text)


def _looked_up(test):
    """Return the names that a test looks up; None if it is no plain function of something."""
    code = getattr(test, "__code__", None)
    if code is None or not (code.co_argcount or code.co_flags & inspect.CO_VARARGS):
        return None
    names = set()
    for each in dis.get_instructions(code):
        if "LOAD" in each.opname and "CONST" not in each.opname:
            names |= {*each.argval} if isinstance(each.argval, tuple) else {each.argval}
    return names & {*code.co_varnames, *code.co_names, *code.co_cellvars, *code.co_freevars}
