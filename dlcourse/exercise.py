"""Exercises: the question, its solution, its hints and the mistakes people make; and the check.

A lesson's module writes the solution as a function and declares the rest above it:

    @exercise.function(ask="…", cases=[{"n": 3}], hints=("…", "…"), mistakes=[Mistake("…", wrong)])
    def answer(n): …

The solution that learners see is the text of that function, and it is what the tests run.
"""

import ast
import copy
import ctypes
import functools
import html
import inspect
import linecache
import re
import sysconfig
import textwrap
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlcourse import progress
from dlcourse.arrays import close, to_numpy
from dlcourse.errors import CourseError, LessonError

import numpy as np

SECONDS = 5  # of the processor's time, for one call of an answer
PATIENCE = 12  # times as long by the clock
TOLERANCE = 1e-6
COLOURS = {"right": "#009E73", "wrong": "#D55E00", "raised": "#D55E00"}  # Okabe and Ito's
HEADINGS = {
    "right": "Right. ",
    "wrong": "Not right yet. ",
    "not tried": "Not tried yet. ",
    "raised": "Your code raised an error. ",
    "shown": "",
}
SHOWN_CHARACTERS = 160
NOT_A_LEARNERS = (  # folders of code: this package, the libraries, Python itself
    Path(__file__).parent,
    *(Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib", "stdlib")),
)


class AnswerError(CourseError, RuntimeError):
    """A learner's answer cannot be judged at all: it never ends."""


@dataclass(frozen=True)
class Feedback:
    """What a check found.

    Attributes:
        outcome: "right", "wrong", "not tried", "raised" (the learner's code), or "shown" (a hint
            or a solution).
        message: For the learner, in Markdown's `code` marks.
        code: Lines of code that belong to it, if any.
    """

    outcome: str
    message: str
    code: str = ""

    def __str__(self):
        text = HEADINGS[self.outcome] + self.message
        return f"{text}\n{self.code}".rstrip() if self.code else text

    __repr__ = __str__

    def _repr_html_(self):
        text, _, _ = str(self).partition(f"\n{self.code}" if self.code else "\0")
        words = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
        colour = COLOURS.get(self.outcome, "#0072B2")
        code = f"<pre>{html.escape(self.code)}</pre>" if self.code else ""
        return (
            f'<div role="status" style="border-left: 5px solid {colour}; padding: 2px 10px; '
            f'white-space: pre-line">{words}{code}</div>'
        )


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give, and what to tell them.

    Attributes:
        advice: What the answer did, and what that suggests; never the solution.
        example: The wrong answer: for a function exercise a function, for the others a function
            that returns it (its parameters name what it needs from the notebook).
        sign: Function of an answer that says whether it is this mistake. Without one, an answer
            that agrees with `example` is.
    """

    advice: str
    example: Callable
    sign: Callable | None = None


class Exercise:
    """One question. `check` an answer, ask for a `hint`, look at the `solution`.

    Made by `function`, `value` and `outcome`, which describe the fields.
    """

    def __init__(self, solution, ask, hints, mistakes):
        self.answer, self.ask = solution, " ".join(ask.split())
        self.hints, self.mistakes = tuple(hints), tuple(mistakes)
        self.name = solution.__name__
        self.lesson = solution.__module__.rpartition(".")[2]
        self._hints_shown = 0

    def check(self, answer):
        """Judge an answer, keep the attempt (see `progress`), and return the Feedback."""
        feedback = self.judge(answer)
        if feedback.outcome in ("wrong", "raised"):
            asks = f"Stuck? `lesson.{self.name}.hint()`"
            feedback = Feedback(feedback.outcome, f"{feedback.message}\n{asks}", feedback.code)
        progress.record(self.lesson, self.name, "exercise", feedback.outcome, _text_of(answer))
        return feedback

    def judge(self, answer):
        """Return the Feedback to an answer, without a word to anybody else."""
        if self._is_blank(answer):
            return Feedback("not tried", self.ask)
        try:
            with np.errstate(all="ignore"):  # the feedback says it
                return self._verdict(answer)
        except AnswerError as error:
            return Feedback("wrong", str(error))
        except _Raised as raised:
            return Feedback("raised", raised.message, raised.code)

    def hint(self):
        """Show the next hint, from a nudge to nearly the answer."""
        place = min(self._hints_told(), len(self.hints) - 1)
        self._hints_shown = place + 1
        progress.record(self.lesson, self.name, "hint", "shown", place + 1)
        more = "" if place + 1 < len(self.hints) else f" After it: `lesson.{self.name}.solution()`"
        return Feedback(
            "shown", f"Hint {place + 1} of {len(self.hints)}: {self.hints[place]}{more}"
        )

    def _hints_told(self):
        """Return how many hints were shown, before the kernel was restarted too."""
        kept = [
            int(attempt.answer)
            for attempt in progress.attempts(self.lesson)
            if (attempt.item, attempt.kind) == (self.name, "hint") and attempt.answer.isdecimal()
        ]
        return max([self._hints_shown, *kept])

    def solution(self):
        """Show the solution: the code that the tests run."""
        progress.record(self.lesson, self.name, "solution", "shown")
        return Feedback("shown", "One way to do it:", self.solution_text())

    def solution_text(self):
        """Return the solution as the code to write into a notebook."""
        source = textwrap.dedent(inspect.getsource(self.answer))
        return source[re.search(r"(?m)^def ", source).start() :].rstrip()

    def carry_on_with(self, answer, names=None):
        """Return the answer if it is right, else the solution, so that later cells run either way.

        Args:
            answer: The learner's.
            names: `globals()`, where the solution needs the notebook's names.
        """
        return answer if self.judge(answer).outcome == "right" else self._solved(names)

    def faults(self, names=None):
        """Return what is wrong with the exercise itself, a sentence each; none if it is sound.

        The solution must be right, a blank not tried, each known mistake wrong with its own
        advice, and no hint but the last may hold a line of the solution.

        Args:
            names: `globals()` of a notebook at this exercise, where the solution needs it.
        """
        solved = self.judge(self._solved(names))
        faults = [
            f"the {what} is {feedback.outcome}: {feedback.message}"
            for what, outcome, feedback in (
                ("solution", "right", solved),
                ("blank", "not tried", self.judge(...)),
                ("empty function", "not tried", self.judge(_empty)),
            )
            if feedback.outcome != outcome
        ]
        for mistake in self.mistakes if solved.outcome != "raised" else ():
            feedback = self.judge(self._example(mistake, names))
            if (feedback.outcome, feedback.message) != ("wrong", mistake.advice):
                faults.append(f"the mistake {mistake.advice!r} is answered by: {feedback}")
        if len({mistake.advice for mistake in self.mistakes}) < max(1, len(self.mistakes)):
            faults.append("it knows no mistake, or two with the same advice")
        if len(self.hints) < 2:
            faults.append("it has fewer than two hints")
        return [f"{self.lesson}.{self.name}: {fault}" for fault in (*faults, *self._told_early())]

    def _told_early(self):
        """Yield a sentence for each hint before the last that holds a line of the solution."""
        lines = self.solution_text().splitlines()[1 if self._is_function else 0 :]
        telling = [re.sub(r"^(return|\w+ =) |\s", "", line.strip()) for line in lines]
        for hint in self.hints[:-1]:
            for line in telling:
                if len(line) > 5 and not line.isidentifier() and line in re.sub(r"\s", "", hint):
                    yield f"a hint tells the solution too early: {hint!r}"

    _is_function = True

    def _is_blank(self, answer):
        return answer is ... or answer is None  # an empty function shows itself when called

    def _solved(self, names):
        return self.answer

    def _example(self, mistake, names):
        return mistake.example

    def _advice(self, answer, agrees):
        """Return the advice of the known mistake that this answer is, or None."""
        for mistake in self.mistakes:
            try:
                found = mistake.sign(answer) if mistake.sign else agrees(mistake.example)
                if found:
                    return mistake.advice
            except Exception:  # the sign cannot look at such an answer: it is not this mistake
                continue
        return None


class FunctionExercise(Exercise):
    """The answer is a function; it is compared with the solution on every case."""

    def __init__(self, solution, ask, hints, mistakes, cases, given, tolerance, seconds):
        super().__init__(solution, ask, hints, mistakes)
        self.cases, self.tolerance, self.seconds = tuple(cases), tolerance, seconds
        self.given = given

    def _verdict(self, answer):
        if self.given and _code_of(answer) == _code_of(self.given) is not None:
            said = f"This is the function as it was given. What does it do wrong? {self.ask}"
            return Feedback("not tried", said)
        if not callable(answer):
            said = f"Your answer is {_short(answer)}, but should be a function: hand over"
            return Feedback("wrong", f"{said} `{self.name}` itself, without calling it.")
        found = []
        for case in self.cases:
            found.append(_call(answer, case, self.seconds))
            if found[-1] is ...:
                return Feedback("not tried", self.ask)
            if found[-1] is None:
                said = f"`{self._shown(case)}` gives None: is a `return` missing? {self.ask}"
                return Feedback("not tried" if len(found) == 1 else "wrong", said)
        wanted = self._outputs(self.answer)
        wrong = [i for i, pair in enumerate(zip(found, wanted)) if not self._same(*pair)]
        if not wrong:
            return Feedback("right", f"It agrees with the solution on all {len(found)} cases.")

        def agrees(example):
            return all(map(self._same, found, self._outputs(example)))

        advice = self._advice(answer, agrees)
        case, got, want = self.cases[wrong[0]], found[wrong[0]], wanted[wrong[0]]
        return Feedback("wrong", advice or f"`{self._shown(case)}` {_difference(got, want)}")

    def carry_on_with(self, answer, names=None):
        # Later cells may rely on an array where a list was right as well.
        if self.judge(answer).outcome != "right":
            return self.answer
        found, wanted = _call(answer, self.cases[0], self.seconds), self._outputs(self.answer)[0]
        if isinstance(wanted, np.ndarray) and not hasattr(found, "__array__"):
            return functools.wraps(answer)(
                lambda *given, **named: np.array(answer(*given, **named))
            )
        return answer

    def _example(self, mistake, names):
        # Changed, for all that anyone can see: the function as it was given is not an attempt.
        return functools.partial(mistake.example)

    def faults(self, names=None):
        faults = super().faults(names)
        if self.given and self.given not in [mistake.example for mistake in self.mistakes]:
            faults.append(f"{self.lesson}.{self.name}: the given function is no known mistake")
        return faults

    def _outputs(self, function):
        return [function(**copy.deepcopy(case)) for case in self.cases]

    def _same(self, got, want):
        return _same(got, want, self.tolerance)

    def _shown(self, case):
        return f"{self.name}({', '.join(f'{key}={_short(value)}' for key, value in case.items())})"


class _ComputedExercise(Exercise):
    """The answer is what the solution, a function of names in the notebook, returns."""

    _is_function = False

    def solution_text(self):
        source = textwrap.dedent(inspect.getsource(self.answer))
        body = inspect.cleandoc("\n" + re.split(r"(?ms)^def .*?\):\n", source, maxsplit=1)[1])
        before, _, returned = body.rpartition("return ")
        return f"{before}{self.name} = {returned}"

    def _is_blank(self, answer):
        return answer is ... or answer is None or answer is _empty

    def _solved(self, names):
        return _with_names(self.answer, names)

    def _example(self, mistake, names):
        return _with_names(mistake.example, names)


class ValueExercise(_ComputedExercise):
    """The answer is a value; it is compared with the one that the solution computes."""

    def __init__(self, solution, ask, hints, mistakes, tolerance, unit):
        super().__init__(solution, ask, hints, mistakes)
        self.tolerance, self.unit = tolerance, unit

    def _verdict(self, answer):
        if _same(answer, self.answer(), self.tolerance):
            return Feedback("right", f"{_short(answer)} {self.unit}".rstrip() + ".")
        advice = self._advice(answer, lambda make: _same(answer, make(), self.tolerance))
        said = f"It is not {_short(answer)}"
        if self.unit and isinstance(answer, int | float | np.number):
            said += f" {self.unit}."
        else:
            said += f". Give a plain number ({self.unit})." if self.unit else "."
        return Feedback("wrong", advice or said)


class OutcomeExercise(_ComputedExercise):
    """The answer is something that was trained or found; it must reach a stated bar."""

    def __init__(self, solution, ask, hints, mistakes, measure, bar, what, examine):
        super().__init__(solution, ask, hints, mistakes)
        self.measure, self.bar, self.what = measure, bar, what
        self.examine = examine or (lambda answer: answer)

    def _verdict(self, answer):
        examined = self.examine(answer)
        # Signs first: a mistake may reach the bar, such as a score on the pictures trained on.
        advice = self._advice(examined, lambda make: False)
        if advice:
            return Feedback("wrong", advice)
        try:
            measured = _guarded(lambda: self.measure(examined))
        except _Raised as raised:
            if raised.code:
                raise  # the learner's own line
            said = f"Your answer is {_short(answer)}, and that cannot be measured. {self.ask}"
            if isinstance(raised.__cause__, CourseError):
                said = str(raised.__cause__)  # words that are meant to be read
            return Feedback("wrong", said)
        told = _beside(measured, self.bar)
        said = f"{self.what} {told}; you need at least {self.bar:g}."
        return Feedback("right" if measured >= self.bar else "wrong", said)


def function(
    *,
    ask: str,
    cases: Sequence[Mapping[str, Any]],
    hints: Sequence[str],
    mistakes: Sequence[Mistake],
    given: Callable | None = None,
    tolerance: float = TOLERANCE,
    seconds: float = SECONDS,
):
    """Declare an exercise whose answer is a function: put this above the solution.

    Args:
        ask: What is to be done, in one or two sentences.
        cases: Arguments by name, for each call that is compared.
        hints: From a nudge to nearly the answer; at least two.
        mistakes: The known wrong functions, each with its advice; at least one.
        given: For "find the bug": the function that the notebook holds, the example of a mistake.
            As long as nobody has changed it, its fault is not named.
        tolerance: By how much numbers may differ; see `arrays.close`.
        seconds: After so much of the processor's time a call counts as endless.
    """
    return lambda solution: FunctionExercise(
        solution, ask, hints, mistakes, cases, given, tolerance, seconds
    )


def value(
    *,
    ask: str,
    hints: Sequence[str],
    mistakes: Sequence[Mistake],
    tolerance: float = TOLERANCE,
    unit: str = "",
):
    """Declare an exercise whose answer is a value: put this above a function that returns it.

    Its body, with `name = ` in place of `return `, is the solution that learners see. Arguments
    are as in `function`; `unit` is said when the answer is wrong.
    """
    return lambda solution: ValueExercise(solution, ask, hints, mistakes, tolerance, unit)


def outcome(
    *,
    ask: str,
    measure: Callable[[Any], float],
    bar: float,
    what: str,
    hints: Sequence[str],
    mistakes: Sequence[Mistake],
    examine: Callable[[Any], Any] | None = None,
):
    """Declare an exercise whose answer must reach a bar: put this above a function that gets there.

    Args:
        ask, hints: As in `function`.
        measure: Function of the answer (a model, a History, a score) that gives one number. It
            looks at what the answer does, never at a framework's private attributes.
        bar: The least number that is right.
        what: What the number is, as the beginning of a sentence: "Its validation accuracy is".
        mistakes: Each with its `sign`, which is looked for before the number is taken.
        examine: Where several signs need the same long computation: what `measure` and the signs
            get in place of the answer, made once for each judgement. It computes when asked.

    The solution's parameters name what it uses of the notebook. Its body, with `name = ` in place
    of `return `, is what learners see.
    """
    return lambda solution: OutcomeExercise(
        solution, ask, hints, mistakes, measure, bar, what, examine
    )


class _Raised(Exception):
    """The learner's own code raised an error: what it says, and the line it came from."""

    def __init__(self, error):
        self.message, self.code = f"{type(error).__name__}: {error}", ""
        for frame in traceback.extract_tb(error.__traceback__):
            if not any(Path(frame.filename).is_relative_to(folder) for folder in NOT_A_LEARNERS):
                line = linecache.getline(frame.filename, frame.lineno).strip()
                self.code = f"line {frame.lineno}: {line}" if line else ""
                break
        super().__init__(self.message)


def _guarded(call):
    """Return what `call` gives; an error in it is the learner's to read, not a traceback."""
    try:
        return call()
    except AnswerError:
        raise
    except Exception as error:
        raise _Raised(error) from error


def _call(function, case, seconds):
    """Call a learner's function on a copy of the case, for at most so many seconds."""
    case = copy.deepcopy(case)
    try:
        inspect.signature(function).bind(**case)
        call = functools.partial(function, **case)
    except (TypeError, ValueError):  # parameters renamed, or a function that tells none
        call = functools.partial(function, *case.values())
    return _guarded(lambda: _within(seconds, call))


class _TimeUp(BaseException):
    """Raised inside an endless loop; not an Exception, so that no usual `except` there stops it."""


def _within(seconds, call):
    """Return what `call` gives, or end it in the next line of Python that it runs.

    Raises:
        AnswerError: It took longer.
    """
    thread, ended = threading.get_ident(), threading.Event()

    def interrupt():
        started, spent = time.monotonic(), _processor_seconds(thread)
        while not ended.wait(min(0.1, seconds)):
            waited = time.monotonic() - started
            # On a busy machine a good answer waits long; one that sleeps spends nothing.
            if _processor_seconds(thread) - spent > seconds or waited > PATIENCE * seconds:
                _raise_in(thread, _TimeUp)

    watch = threading.Thread(target=interrupt, daemon=True)
    watch.start()
    try:
        try:
            return call()
        finally:
            ended.set()
    except _TimeUp:
        raise AnswerError(
            f"Your code was stopped after {seconds:g} seconds. Does a loop in it never end? "
            "Look at what should change from one round to the next."
        ) from None
    finally:
        while True:
            try:
                ended.set()
                watch.join()
                _raise_in(thread, None)  # what was not delivered yet must not come later
                break
            except _TimeUp:
                continue


def _processor_seconds(thread):
    """Return the processor's time that a thread has taken; the clock's where nobody counts it."""
    try:
        return time.clock_gettime(time.pthread_getcpuclockid(thread))
    except (AttributeError, OSError):
        return time.monotonic()


def _raise_in(thread, error):
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(error) if error else None
    )


def _code_of(function):
    """Return what a function's code says, without name, layout and comments; None if unseen."""
    try:
        return _code_in(inspect.getsource(function))
    except (AttributeError, OSError, SyntaxError, TypeError, ValueError):
        return None


def _code_in(source):
    (definition,) = ast.parse(textwrap.dedent(source)).body
    return ast.dump(definition.args), [ast.dump(line) for line in definition.body]


def _empty(*_, **__): ...


def _with_names(function, names):
    """Call `function` with the names that its parameters ask for."""
    wanted = inspect.signature(function).parameters
    missing = [name for name in wanted if name not in (names or {})]
    if missing:
        raise LessonError(
            f"The solution of {function.__name__} needs the notebook's {', '.join(missing)}: "
            "run the cells above, and give `globals()`."
        )
    return function(**{name: names[name] for name in wanted})


def _same(got, want, tolerance):
    """Return whether two values are equal: text exactly, numbers within the tolerance.

    NumPy's text and truth values count as Python's, and an array as the list of its rows.
    """
    got, want = _plain(got), _plain(want)
    if want is None or isinstance(want, str | bool):
        return type(got) is type(want) and got == want
    if isinstance(want, dict):
        alike = isinstance(got, dict) and got.keys() == want.keys()
        return alike and all(_same(got[key], want[key], tolerance) for key in want)
    if isinstance(want, tuple | list):
        if hasattr(got, "__array__") and np.ndim(got):
            got = list(got)
        if not isinstance(got, tuple | list) or len(got) != len(want):
            return False
        return all(_same(*pair, tolerance) for pair in zip(got, want))
    if _shape(got) is None or _shape(got) != _shape(want):
        return False
    return bool(np.all(close(to_numpy(got), to_numpy(want), tolerance)))


def _plain(value):
    """Return text, or one truth value, as Python's own if it lies in an array."""
    if not hasattr(value, "__array__"):
        return value
    held = _held(value)
    text_or_truth = held.dtype.kind == "U" or (held.dtype.kind == "b" and not held.ndim)
    return held.tolist() if text_or_truth else value


def _held(array):
    """Return what an array of any framework holds, which need not be numbers."""
    return np.asarray(array.detach().cpu() if hasattr(array, "detach") else array)


def _shape(value):
    """Return the shape of a number, an array or a list of numbers; None for what is none."""
    try:
        numbers = to_numpy(value)
    except (TypeError, ValueError):
        return None
    return numbers.shape if numbers.dtype.kind in "buifc" else None


def _difference(got, want):
    """Say how a value differs from the wanted one."""
    shapes = [None if isinstance(want, tuple | list) else _shape(value) for value in (got, want)]
    if shapes[0] != shapes[1]:
        kinds = [
            "one number" if shape == () else f"shape {shape}" if shape else _short(value)
            for shape, value in zip(shapes, (got, want))
        ]
        return f"gives {kinds[0]}, but should give {kinds[1]}."
    if shapes[1]:
        pair = [to_numpy(value).astype(complex) for value in (got, want)]
        apart = np.nan_to_num(np.abs(pair[0] - pair[1]), nan=np.inf)
        apart[(pair[0] == pair[1]) | (np.isnan(pair[0]) & np.isnan(pair[1]))] = 0
        place = tuple(int(i) for i in np.unravel_index(apart.argmax(), apart.shape))
        there = [_short(to_numpy(value)[place]) for value in (got, want)]
        return f"gives {there[0]} at index {place}, but should give {there[1]}."
    return f"gives {_short(got)}, but should give {_short(want)}."


def _short(value):
    """Return a value as a person would say it."""
    if hasattr(value, "__array__"):
        value = _held(value)
        if value.size > 12:
            return f"an array of shape {value.shape}"
        if value.ndim:
            return np.array2string(value, precision=4, separator=", ").replace("\n", "")
        value = value.item()
    if isinstance(value, float):
        return f"{value:.7g}"  # two that differ by more than the tolerance look different
    if inspect.isroutine(value):
        return value.__name__
    text = repr(value)
    if type(value) in (list, tuple):
        inner = ", ".join(map(_short, value)) + ("," if text.endswith(",)") else "")
        text = f"{text[0]}{inner}{text[-1]}"
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _beside(number, bar):
    """Return a number with three figures, or as many as show on which side of the bar it lies."""
    for figures in range(3, 17):
        told = f"{number:.{figures}g}"
        if (float(told) >= bar) == (number >= bar):
            break
    return told


def _text_of(answer):
    """Return the answer as text, to be kept: a function's source, else what `repr` gives."""
    try:
        return inspect.getsource(answer)
    except (TypeError, OSError):
        return repr(answer)
