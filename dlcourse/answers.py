"""A learner's answer: call it within limits, compare it with what is expected, say it in words."""

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlcourse.arrays import close, to_numpy
from dlcourse.errors import CourseError

import numpy as np

PATIENCE = 12  # times as long by the clock as of the processor's time
SHOWN_CHARACTERS = 160
COLOURS = {"right": "#009E73", "wrong": "#D55E00", "raised": "#D55E00"}  # Okabe and Ito's
HEADINGS = {
    "right": "Right. ",
    "wrong": "Not right yet. ",
    "not tried": "Not tried yet. ",
    "raised": "Your code raised an error. ",
    "shown": "",
}
NOT_A_LEARNERS = (  # folders of code: this package, the libraries, Python itself
    Path(__file__).parent,
    *(Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib", "stdlib")),
)


# What is said


@dataclass(frozen=True)
class Feedback:
    """What a check found.

    Attributes:
        outcome: "right", "wrong", "not tried", "raised" (the learner's code), or "shown" (a hint
            or a solution).
        message: For the learner, in Markdown's `code` marks.
        code: Lines of code that belong to it, if any.
        heading: What it begins with, in place of the usual words for the outcome.
    """

    outcome: str
    message: str
    code: str = ""
    heading: str | None = None

    def __str__(self):
        heading = HEADINGS[self.outcome] if self.heading is None else self.heading
        text = heading + self.message
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


# Calling it


class AnswerError(CourseError, RuntimeError):
    """A learner's answer cannot be judged at all: it never ends."""


class Raised(Exception):
    """The learner's own code raised an error: what it says, and the line it came from."""

    def __init__(self, error):
        self.message, self.code = f"{type(error).__name__}: {error}", ""
        for frame in traceback.extract_tb(error.__traceback__):
            if not any(Path(frame.filename).is_relative_to(folder) for folder in NOT_A_LEARNERS):
                line = linecache.getline(frame.filename, frame.lineno).strip()
                self.code = f"line {frame.lineno}: {line}" if line else ""
                break
        super().__init__(self.message)


def guarded(call) -> Any:
    """Return what `call` gives; an error in it is the learner's to read, not a traceback."""
    try:
        return call()
    except AnswerError:
        raise
    except Exception as error:
        raise Raised(error) from error


def call(function, case, seconds) -> Any:
    """Call a learner's function on a copy of the case, for at most so many seconds."""
    case = copy.deepcopy(case)
    try:
        inspect.signature(function).bind(**case)
        bound = functools.partial(function, **case)
    except (TypeError, ValueError):  # parameters renamed, or a function that tells none
        bound = functools.partial(function, *case.values())
    return guarded(lambda: _within(seconds, bound))


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


def code_of(function) -> tuple | None:
    """Return what a function's code says, without name, layout and comments; None if unseen."""
    try:
        return code_in(inspect.getsource(function))
    except (AttributeError, OSError, SyntaxError, TypeError, ValueError):
        return None


def code_in(source) -> tuple:
    (definition,) = ast.parse(textwrap.dedent(source)).body
    return ast.dump(definition.args), [ast.dump(line) for line in definition.body]


# Comparing it


def same(value, expected, tolerance) -> bool:
    """Return whether two values are equal: text exactly, numbers within the tolerance.

    NumPy's text and truth values count as Python's, and an array as the list of its rows.
    """
    value, expected = _plain(value), _plain(expected)
    if expected is None or isinstance(expected, str | bool):
        return type(value) is type(expected) and value == expected
    if isinstance(expected, dict):
        alike = isinstance(value, dict) and value.keys() == expected.keys()
        return alike and all(same(value[key], expected[key], tolerance) for key in expected)
    if isinstance(expected, tuple | list):
        if hasattr(value, "__array__") and np.ndim(value):
            value = list(value)
        if not isinstance(value, tuple | list) or len(value) != len(expected):
            return False
        return all(same(*pair, tolerance) for pair in zip(value, expected))
    if _shape(value) is None or _shape(value) != _shape(expected):
        return False
    return bool(np.all(close(to_numpy(value), to_numpy(expected), tolerance)))


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


def difference(value, expected) -> str:
    """Say how a value differs from the expected one."""
    is_list = isinstance(expected, tuple | list)
    shapes = [None if is_list else _shape(each) for each in (value, expected)]
    if shapes[0] != shapes[1]:
        kinds = [
            "one number" if shape == () else f"shape {shape}" if shape else short(each)
            for shape, each in zip(shapes, (value, expected))
        ]
        return f"gives {kinds[0]}, but should give {kinds[1]}."
    if shapes[1]:
        pair = [to_numpy(each).astype(complex) for each in (value, expected)]
        apart = np.nan_to_num(np.abs(pair[0] - pair[1]), nan=np.inf)
        apart[(pair[0] == pair[1]) | (np.isnan(pair[0]) & np.isnan(pair[1]))] = 0
        index = tuple(int(i) for i in np.unravel_index(apart.argmax(), apart.shape))
        there = [short(to_numpy(each)[index]) for each in (value, expected)]
        return f"gives {there[0]} at index {index}, but should give {there[1]}."
    return f"gives {short(value)}, but should give {short(expected)}."


def short(value) -> str:
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
        inner = ", ".join(map(short, value)) + ("," if text.endswith(",)") else "")
        text = f"{text[0]}{inner}{text[-1]}"
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def beside(number, bar) -> str:
    """Return a number with three figures, or as many as show on which side of the bar it lies."""
    for figures in range(3, 17):
        told = f"{number:.{figures}g}"
        if (float(told) >= bar) == (number >= bar):
            break
    return told


def text_of(answer) -> str:
    """Return the answer as text, to be kept: a function's source, else what `repr` gives."""
    try:
        return inspect.getsource(answer)
    except (TypeError, OSError):
        return repr(answer)
