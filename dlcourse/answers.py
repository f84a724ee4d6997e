"""A learner's answer: call it within limits, compare it with what is expected, say it in words."""

import ast
import contextlib
import copy
import functools
import html
import inspect
import linecache
import re
import sysconfig
import textwrap
import traceback
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlcourse.arrays import close, to_numpy
from dlcourse.errors import CourseError, told
from dlcourse.limits import AnswerError, TimeUp, within

import numpy as np

MANY = 100_000
READING_SECONDS = 2  # of the processor's time, for an answer that is a value
SHOWN_CHARACTERS = 160
SHOWN_ITEMS = (0, 3, 5, 12, 60)  # of a list, by how many lists it may still hold inside
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
        ways: {the word on a button: function that gives the Feedback shown below it}.
    """

    outcome: str
    message: str
    code: str = ""
    heading: str | None = None
    ways: Mapping[str, Callable] = field(default_factory=dict, compare=False)

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

    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = {"text/plain": str(self), "text/html": self._repr_html_()}
        return self.widget()._repr_mimebundle_() | bundle if self.ways else bundle

    def in_widget(self) -> str:
        """Return it as HTML for an ipywidgets box, where lines else stand two lines apart."""
        return f'<div style="line-height: 1.5">{self._repr_html_()}</div>'

    def widget(self) -> Any:
        """Return it as an ipywidgets box with a button for each way on."""
        from ipywidgets import HTML, Button, HBox, VBox

        below, buttons = HTML(), []
        for word, way in self.ways.items():
            button = Button(description=word)
            button.on_click(lambda _, way=way: setattr(below, "value", way().in_widget()))
            buttons.append(button)
        box = VBox([HTML(self.in_widget()), HBox(buttons), below])
        box.add_class("dlcourse-exercise")
        return box


# Calling it


class Raised(Exception):
    """The learner's own code raised an error: what it says, and the line it came from."""

    def __init__(self, error):
        self.message, self.code = told(error), ""
        for frame in traceback.extract_tb(error.__traceback__):
            if not any(Path(frame.filename).is_relative_to(folder) for folder in NOT_A_LEARNERS):
                line = linecache.getline(frame.filename, frame.lineno).strip()
                self.code = f"line {frame.lineno}: {line[:SHOWN_CHARACTERS]}" if line else ""
                break
        super().__init__(self.message)


def guarded(call) -> Any:
    """Return what `call` gives; an error in it is the learner's to read, not a traceback."""
    try:
        return call()
    except (AnswerError, KeyboardInterrupt, TimeUp):
        raise
    except BaseException as error:  # SystemExit too
        raise Raised(error) from error


def call(function, cases, seconds, expected=None, tolerance=0) -> tuple:
    """Call a learner's function on a copy of each case, within limits for all calls together.

    Args:
        function, cases: The learner's; a dict of arguments by name for each call.
        seconds: For all calls, and for looking at what they give.
        expected, tolerance: Function of a case's index that gives what its result will be compared
            with; see `looked_at`. Nothing is looked at without it.

    Returns:
        (what it gives for each case, up to the one that ended it; what ended it, a `Raised` or an
        `AnswerError`, or None; the names of the arguments that it has changed).
    """
    results, changes, ended = [], set(), None

    def call_each():
        for i, case in enumerate(cases):
            given = copied(case)
            result = copied(bound(function, given)())
            if expected:
                looked_at(result, functools.partial(expected, i), tolerance)
            changes.update(name for name in case if not same(given[name], case[name], 0))
            results.append(result)

    try:
        guarded(lambda: within(seconds, call_each))
    except (Raised, AnswerError) as error:
        ended = error.with_traceback(None)  # which would keep this frame, and all results, alive
    return results, ended, changes


def bound(function, case) -> Callable:
    """Return a call of a function with a case's arguments: by name, or else in their order."""
    try:
        inspect.signature(function).bind(**case)
        return functools.partial(function, **case)
    except (TypeError, ValueError):  # parameters renamed, or a function that tells none
        return functools.partial(function, *case.values())


def looked_at(value, expected, tolerance) -> None:
    """Look at a value as a check does: what a class of the learner's own says may never end.

    Within limits, that is before the check looks: what has ended once will end again. `expected` is
    a function that gives what the solution gives.
    """
    if value is None or value is ...:
        return
    for look in (
        lambda: same(value, expected(), tolerance),
        lambda: difference(value, expected()),
    ):
        with contextlib.suppress(Exception):  # the check will say it
            look()


def copied(value) -> Any:
    """Return a copy that later calls cannot change; what cannot be copied is returned itself."""
    if type(value) in (list, dict, set) and len(value) > MANY:  # value by value it takes long
        return value.copy()
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def as_arrays(answer, depth=3) -> Any:
    """Return an answer with NumPy's arrays in place of PyTorch's tensors, in lists of them too."""
    if hasattr(answer, "detach") and hasattr(answer, "dtype"):
        try:
            return to_numpy(answer)
        except CourseError:
            return answer
    if depth and type(answer) in (list, tuple):
        return type(answer)(as_arrays(each, depth - 1) for each in answer)
    if depth and type(answer) is dict:
        return {key: as_arrays(each, depth - 1) for key, each in answer.items()}
    return answer


def alike(result, expected) -> Any:
    """Return a right result as the kind of thing that the solution gives: array or number."""
    if isinstance(expected, tuple) and isinstance(result, tuple | list):
        return tuple(alike(*pair) for pair in zip(result, expected))
    if not isinstance(expected, np.ndarray | np.number | int | float) or isinstance(expected, bool):
        return result
    numbers = to_numpy(_plain(result))
    if np.asarray(expected).dtype.kind in "iu" and numbers.dtype.kind == "f":
        numbers = np.rint(numbers).astype(np.asarray(expected).dtype)
    if isinstance(expected, np.ndarray):
        return np.array(numbers)  # a plain one, not a matrix
    return numbers.item()


def code_of(function) -> tuple | None:
    """Return what a function's code says, without name, layout and comments; None if unseen."""
    try:
        return code_in(_source_of(function))
    except Exception:  # no function, or one whose text is not kept
        return None


def _source_of(answer):
    """Return a function's text; an object of the learner's own may never end when it is asked."""
    if type(answer) is types.FunctionType and not vars(answer):
        return inspect.getsource(answer.__code__)
    return guarded(lambda: within(READING_SECONDS, lambda: inspect.getsource(answer)))


def code_in(source) -> tuple:
    (definition,) = ast.parse(textwrap.dedent(source)).body
    return ast.dump(definition.args), [ast.dump(line) for line in definition.body]


# Comparing it


def same(value, expected, tolerance) -> bool:
    """Return whether two values are equal: text exactly, numbers within the tolerance.

    NumPy's text and truth values count as Python's, and an array as the list of its rows. What is
    neither text nor number, such as a date or a set, must be equal.
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
    if (shape := _shape(expected)) is None:
        return _equal(value, expected)
    if shape != _shape(value):
        return False
    return bool(np.all(close(to_numpy(value), to_numpy(expected), tolerance)))


def _equal(value, expected):
    if isinstance(expected, np.ndarray):  # of days, such as NumPy's
        rows = value.tolist() if isinstance(value, np.ndarray) else value
        return same(rows, expected.tolist(), 0)
    try:
        return type(value) is type(expected) and bool(value == expected)
    except Exception:  # it cannot be compared
        return False


def _plain(value):
    """Return text, objects, or one truth value, as Python's own if it lies in an array."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if not hasattr(value, "__array__"):
        return value
    held = _held(value)
    if not isinstance(held, np.ndarray):
        return value
    if held.dtype.kind == "S" or (held.dtype == object and held.size and _all_bytes(held)):
        return np.vectorize(_plain, otypes=[object])(held).tolist()  # TensorFlow's texts
    text_or_truth = held.dtype.kind in "UO" or (held.dtype.kind == "b" and not held.ndim)
    return held.tolist() if text_or_truth else value


def _all_bytes(array):
    return all(isinstance(each, bytes) for each in array.flat)


def _held(array):
    """Return what an array of any framework holds, which need not be numbers; itself if unread."""
    try:
        return to_numpy(array)
    except CourseError:
        try:
            return np.asarray(array)
        except Exception:
            return array


def _shape(value):
    """Return the shape of a number, an array or a list of numbers; None for what is none."""
    try:
        return to_numpy(value).shape
    except CourseError:
        return None


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


def short(value, depth=4) -> str:
    """Return a value as a person would say it."""
    if hasattr(value, "__array__"):
        held = _held(value)
        if not isinstance(held, np.ndarray):
            return f"a {type(value).__name__}"
        if held.size > 12:
            return f"an array of shape {held.shape}"
        if held.ndim:
            return np.array2string(held, precision=4, separator=", ").replace("\n", "")
        value = held.item()
    if isinstance(value, str | bytes):
        value = value[: 2 * SHOWN_CHARACTERS]  # what is longer takes long to write, and is cut
    if isinstance(value, dict | set | frozenset) and len(value) > SHOWN_ITEMS[-1]:
        return f"a {type(value).__name__} of {len(value)} entries"
    if isinstance(value, float):
        return f"{value:.7g}"  # two that differ by more than the tolerance look different
    if inspect.isroutine(value):
        return value.__name__
    if type(value) in (list, tuple):
        if not depth:
            return "…"
        inner = [short(each, depth - 1) for each in value[: SHOWN_ITEMS[depth]]]
        inner += ["…"] if len(value) > len(inner) else []
        ends = "[]" if type(value) is list else ("(", ",)" if len(value) == 1 else ")")
        text = ends[0] + ", ".join(inner) + ends[1]
    else:
        try:
            text = repr(value)
        except Exception:  # an object of the learner's own
            text = f"a {type(value).__name__}"
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
        return _source_of(answer)
    except Exception:  # no function, or one whose text is not kept
        pass
    try:
        return guarded(lambda: within(READING_SECONDS, lambda: short(answer)))
    except (AnswerError, Raised):  # what it says of itself never ends
        return f"a {type(answer).__name__}"
