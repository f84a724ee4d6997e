"""Explorer: sliders over a plain function that draws. It computes nothing itself."""

import ast
import base64
import html
import io
import itertools
import math
import random
import statistics
import sys
import time
from collections.abc import KeysView, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Integral, Real
from typing import Any

from dlcourse.answers import Feedback, Raised, guarded
from dlcourse.arrays import expect_count
from dlcourse.challenges import Challenge, faults, recall
from dlcourse.errors import CourseError, KindError, RangeError, expect_text, in_short, told

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DOTS_PER_INCH = 96
MOST_OPTIONS = 1000  # more is nothing to choose from, and may never end
LARGEST = 50  # inches
PLACES = 60  # drawn at random, where the challenges are judged


@dataclass(frozen=True)
class Slider:
    """A control for a number: see `slider`."""

    low: float
    high: float
    start: float
    step: float
    logarithmic: bool
    label: str

    def expect(self, value, name) -> None:
        """Check that the control can take `value`."""
        _expect_number(value, name)
        if not self.low <= value <= self.high:
            raise RangeError(f"`{name}` is {value!r}, but goes from {self.low} to {self.high}.")

    def stops(self) -> list:
        """Return a few values for a test: both ends and the start."""
        return [self.low, self.start, self.high]

    def drawn(self, random) -> float:
        """Return the value of one stop, drawn with Python's generator."""
        low, high = map(math.log10 if self.logarithmic else float, (self.low, self.high))
        value = low + self.step * random.randint(0, math.floor((high - low) / self.step + 1e-9))
        value = self.rounded(10**value if self.logarithmic else value)
        return int(value) if self._is_whole else value

    def rounded(self, value) -> float:
        """Return a value of the widget as people write it: 0.03, not 0.030000000000000002.

        It is off by less than a hundredth of a step, and within the ends.
        """
        if self._is_whole or value in (self.low, self.start, self.high):
            return value
        step = 10**self.step - 1 if self.logarithmic else self.step  # the former, as a share
        digits = 2 - math.floor(math.log10(step))
        value = float(f"{value:.{max(1, digits)}g}") if self.logarithmic else round(value, digits)
        return min(max(value, self.low), self.high)

    @property
    def _is_whole(self):
        numbers = (self.low, self.high, self.start, self.step)  # 50.0 stays a float everywhere
        return not self.logarithmic and all(isinstance(number, Integral) for number in numbers)

    def widget(self, name) -> Any:
        """Return the ipywidgets slider."""
        import ipywidgets
        import numpy as np

        shared = {
            "value": self.start,
            "description": self.label or name,
            "continuous_update": True,
            "style": {"description_width": "initial"},
            "layout": {"width": "28em"},
        }
        if self.logarithmic:
            ends = {"min": float(np.log10(self.low)), "max": float(np.log10(self.high))}
            return ipywidgets.FloatLogSlider(**shared, **ends, step=self.step)
        kind = ipywidgets.IntSlider if self._is_whole else ipywidgets.FloatSlider
        return kind(**shared, min=self.low, max=self.high, step=self.step)


@dataclass(frozen=True)
class Choice:
    """A control for one of several values: see `choice`."""

    options: tuple
    start: object
    label: str

    def expect(self, value, name) -> None:
        """Check that the control can take `value`."""
        try:
            there = value in self.options
        except Exception:  # an array does not say whether it is equal
            there = False
        if not there:
            raise RangeError(f"`{name}` is {in_short(value)}, but should be one of {self.options}.")

    def stops(self) -> list:
        """Return the values for a test: all of them."""
        return list(self.options)

    def drawn(self, random) -> Any:
        """Return one of the values, drawn with Python's generator."""
        return random.choice(self.options)

    def rounded(self, value) -> Any:
        """Return the value itself: there is nothing to round."""
        return value

    def widget(self, name) -> Any:
        """Return the ipywidgets drop-down list."""
        import ipywidgets

        return ipywidgets.Dropdown(
            options=[(str(option), option) for option in self.options],
            value=self.start,
            description=self.label or name,
            style={"description_width": "initial"},
        )


def slider(low, high, start, step=None, *, logarithmic=False, label="") -> Slider:
    """Return a control for a number.

    Args:
        low, high, start: Its ends, and its value at the start.
        step: Between two stops; a hundredth of the way if None, 1 if all three are whole numbers.
            Of a logarithmic slider, in powers of ten.
        logarithmic: Equal steps multiply.
        label: The text beside it, with its unit; the argument's name if empty.

    Raises:
        RangeError: The start lies outside, a logarithmic slider begins at 0, or no step is left.
        KindError: An end, the start or the step is no number.

    Example:
        >>> rate = explore.slider(0.001, 1.0, 0.1, logarithmic=True)
    """
    for name, value in (("low", low), ("high", high), ("start", start)):
        _expect_number(value, name)
    if not isinstance(logarithmic, bool):
        raise KindError(f"`logarithmic` is {in_short(logarithmic)}, but should be True or False.")
    expect_text(label, "label")
    if not low <= start <= high or low == high or (logarithmic and low <= 0):
        raise RangeError(f"A slider cannot go from {low} to {high} and start at {start}.")
    if step is None:
        whole = all(isinstance(x, Integral) for x in (low, high, start)) and not logarithmic
        step = 1 if whole else 0.1 if logarithmic else (high - low) / 100
    if logarithmic:  # ipywidgets' own takes no large whole numbers
        low, high, start = float(low), float(high), float(start)
    _expect_number(step, "step")
    if step <= 0:
        raise RangeError(f"`step` is {step!r}, but should be larger than 0.")
    return Slider(low, high, start, step, logarithmic, label)


def choice(options, start=None, *, label="") -> Choice:
    """Return a control for one of several values; it starts at the first if `start` is None.

    Args:
        options: The values, in their order: a list, a tuple, the keys of a dictionary.
        start: One of them.
        label: The text beside it; the argument's name if empty.

    Raises:
        KindError: The options are one text, or have no order, or one of them is an array.
        RangeError: No options, too many, or a start that is none of them.

    Example:
        >>> method = explore.choice(["saliency", "occlusion"], label="method")
    """
    try:
        unordered = isinstance(options, Set) and not isinstance(options, KeysView)
        if unordered or isinstance(options, (str, bytes)):
            raise TypeError
        options = tuple(itertools.islice(options, MOST_OPTIONS + 1))
    except Exception:  # whatever such a thing says when it is read
        raise KindError(
            f"The options of a choice are a list or a tuple, not {in_short(options)}."
        ) from None
    if arrays := [option for option in options if getattr(option, "ndim", 0)]:
        raise KindError(f"An option is a text or a number, not an array: {in_short(arrays[0])}.")
    try:
        [str(option) for option in options]
    except Exception as error:
        raise KindError(f"An option of a choice cannot be written as text: {error}.") from None
    if any(isinstance(option, float) and math.isnan(option) for option in options):
        raise RangeError("An option of a choice is nan, which equals nothing, itself not either.")
    if not 1 <= len(options) <= MOST_OPTIONS:
        count = f"more than {MOST_OPTIONS}" if options else "none"
        raise RangeError(f"A choice needs 1 to {MOST_OPTIONS} options, got {count}.")
    expect_text(label, "label")
    start = options[0] if start is None else start
    Choice(options, start, label).expect(start, "start")
    return Choice(options, start, label)


def _expect_number(value, name):
    """Check that a value is a number, and neither infinite nor not-a-number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise KindError(f"`{name}` is {in_short(value)}, but should be a number.")
    try:
        finite = math.isfinite(value)
    except OverflowError:  # a whole number with more than 300 digits
        finite = False
    if not finite:
        raise RangeError(f"`{name}` is {in_short(value)}, but should be a finite number.")


class Explorer:
    """Controls over a function that draws; live in JupyterLab, a picture and text elsewhere.

    Args:
        draw: Function of a matplotlib Figure and one argument for each control. It draws, and
            returns a sentence that says what is seen: alt text and caption. With challenges, it
            returns the sentence and the facts that decide them: `"A line.", {"rise": 0.5}`.
        size: Width and height of the figure, in inches; 50 at most.
        challenges: What to find: `lesson.CHALLENGES["line"]`, see the module `challenges`.
        controls: `slider(…)` or `choice(…)`, by the argument's name.

    Call it to look at one place without widgets: `explorer(learning_rate=0.1)` returns a Picture,
    and says which challenges that place meets. Below the widgets stands the call for their place.

    Example:
        >>> def draw(figure, slope):
        ...     figure.subplots().plot([0, 1], [0, slope])
        ...     return f"The line rises by {slope:g}."
        >>> line = explore.Explorer(draw, slope=explore.slider(-1.0, 1.0, 0.5))
    """

    def __init__(self, draw, size=(6.4, 3.4), challenges=(), **controls):
        if not callable(draw):
            raise KindError(
                f"An explorer needs a function that draws, not {in_short(draw)}: "
                "Explorer(draw, learning_rate=slider(0.01, 1, 0.1))."
            )
        if not isinstance(size, (tuple, list)) or len(size) != 2:
            raise KindError(
                f"`size` is {in_short(size)}, but should be width and height: (6.4, 3.4)."
            )
        for inches in size:
            _expect_number(inches, "size")
            if not 0.1 <= inches <= LARGEST:
                raise RangeError(f"`size` is {size}, but should be 0.1 to {LARGEST} inches each.")
        if not isinstance(challenges, (tuple, list)) or not all(
            isinstance(each, Challenge) for each in challenges
        ):
            raise KindError(
                f"`challenges` is {in_short(challenges)}, but should be those that the lesson "
                'declares: lesson.CHALLENGES["line"].'
            )
        wrong = [name for name, it in controls.items() if not isinstance(it, (Slider, Choice))]
        if "figure" in controls:
            raise KindError("A control cannot be called `figure`, as what is drawn on is.")
        if wrong or not controls:
            raise KindError(
                f"An explorer needs controls such as learning_rate=slider(0.01, 1, 0.1); "
                f"not a control: {', '.join(wrong) or 'none was given'}."
            )
        self.draw, self.size, self.controls = draw, size, controls
        self.challenges = tuple(challenges)

    def __call__(self, **values):
        """Return the Picture at these values; a control that is left out keeps its start value.

        Raises:
            RangeError: A value that the control does not reach, or a name that no control has.
            KindError: The drawing function raised an error, drew nothing or gave no sentence.
        """
        picture = self._looked_at(values)
        looked = [each.look(picture.facts) for each in self.challenges]
        return replace(picture, met=tuple(it for it in looked if it.outcome != "not tried"))

    def _looked_at(self, values):
        """Return the Picture at these values; challenges are not told."""
        try:
            return self._picture(values)
        except CourseError:
            raise
        except (Exception, SystemExit) as error:
            at = ", ".join(f"{name}={in_short(value)}" for name, value in values.items())
            raise KindError(
                f"The drawing function raised {told(error)}"
                f"{f' (at {at})' if at else ''}. Its line is in the error above this one."
            ) from error

    def _picture(self, values):
        """Return the Picture at these values; an error of the drawing function as it is."""
        figure, text, facts = self._drawn(values)
        # The layout at the start serves all: finding one takes as long as drawing, and axes that
        # stay where they are make it easier to see what a slider changes.
        if self._places and len(self._places) == len(figure.axes):
            for axes, place in zip(figure.axes, self._places):
                axes.set_position(place)
        else:
            figure.set_layout_engine("constrained")
        return Picture(_png(figure), text, facts)

    def _drawn(self, values):
        """Return figure, sentence and facts at these values, else the controls' starts."""
        for name, value in values.items():
            if name not in self.controls:
                raise RangeError(
                    f"There is no control `{name}`. There are: {', '.join(self.controls)}."
                )
            self.controls[name].expect(value, name)
        values = {name: control.start for name, control in self.controls.items()} | values
        # A Figure of its own, not one of pyplot's: nothing is shown twice or has to be closed.
        figure = Figure(figsize=self.size, dpi=DOTS_PER_INCH)
        figure.set_layout_engine("none")
        said = self.draw(figure, **values)
        text, facts = said if isinstance(said, tuple) and len(said) == 2 else (said, {})
        if not isinstance(text, str) or not text.strip():
            raise KindError("The drawing function must return a sentence that says what is seen.")
        if not isinstance(facts, Mapping) or not all(isinstance(name, str) for name in facts):
            raise KindError(
                f"Beside its sentence the drawing function returned {in_short(facts)}, but should "
                "return facts by their names: {'rise': 0.5}."
            )
        expect_text(text, "the sentence of the drawing function")
        if figure.get_children() == [figure.patch]:
            raise KindError(
                "The drawing function drew nothing on the figure that it was given. Draw on its "
                "axes, `figure.subplots()`, not with `plt`."
            )
        return figure, text, facts

    @cached_property
    def _places(self):
        """The places of the axes at the controls' start values, so that no label is cut.

        None if nothing can be drawn there.
        """
        try:
            figure, *_ = guarded(lambda: self._drawn({}))
        except Raised:  # said where it is shown; elsewhere the function may work
            return None
        figure.set_layout_engine("constrained")
        figure.draw_without_rendering()
        return [axes.get_position(original=True) for axes in figure.axes]

    def faults(self) -> list[str]:
        """Return what is wrong with the explorer itself, a sentence each; none if it is sound.

        Each control must change the picture and its sentence; of its challenges see
        `challenges.faults`.
        """
        found = []
        for name, control in self.controls.items():
            pictures = [self._looked_at({name: value}) for value in control.stops()]
            if len({picture.png for picture in pictures}) < 2:
                found.append(f"`{name}` does not change the picture")
            if len({picture.text for picture in pictures}) < 2:
                found.append(f"`{name}` does not change the sentence about the picture")
        generator = random.Random(0)
        places = [
            {name: control.drawn(generator) for name, control in self.controls.items()}
            for _ in range(PLACES)
        ]
        start, *others = (self._drawn(values)[-1] for values in ({}, *places))
        solutions = [self._facts_at_solution(each) for each in self.challenges]
        return found + faults(self.challenges, start, solutions, others)

    def _facts_at_solution(self, challenge):
        """Return the facts of the first place of a challenge's solution that meets it, if one does.

        Raises:
            RangeError: A control does not reach a value of the solution.
        """
        values = challenge.solution.values()
        each = [value if isinstance(value, (list, range)) else [value] for value in values]
        for chosen in itertools.product(*each):
            *_, facts = self._drawn(dict(zip(challenge.solution, chosen)))
            if challenge.judge(facts).outcome == "right":
                break
        return facts

    def typical_seconds(self, rounds=3) -> float:
        """Return the median time of a picture over all stops of all controls, in the best round."""
        expect_count(rounds, "rounds")

        def seconds_of(name, value):
            started = time.perf_counter()
            self._looked_at({name: value})
            return time.perf_counter() - started

        stops = [(name, v) for name, control in self.controls.items() for v in control.stops()]
        return min(statistics.median(seconds_of(*stop) for stop in stops) for _ in range(rounds))

    def widget(self) -> Any:
        """Return the controls, the picture, its call and the challenges as an ipywidgets box."""
        from ipywidgets import HTML, VBox

        controls = {name: control.widget(name) for name, control in self.controls.items()}
        recall(self.challenges)
        # One for each: what has not changed is not announced again.
        seen, *marks = HTML(), *(HTML(it.standing().in_widget()) for it in self.challenges)

        def show(_=None):
            values = {name: self.controls[name].rounded(w.value) for name, w in controls.items()}
            shown = self._shown(values)
            seen.value = shown._repr_html_() + self._line_as_html(values)
            for each, mark in zip(self.challenges, marks if isinstance(shown, Picture) else ()):
                looked = each.look(shown.facts)
                raised = looked.outcome == "raised" and not each.reason
                mark.value = (looked if raised else each.standing()).in_widget()

        for control in controls.values():
            control.observe(show, "value")
        show()
        box = VBox([*controls.values(), seen, *marks])
        box.add_class("dlcourse-explorer")
        return box

    def _shown(self, values):
        """Return the Picture at these values, or what to say in its place if drawing failed."""
        try:
            return guarded(lambda: self._picture(values))
        except Raised as raised:  # learners change the function: it is theirs to read
            heading = "The drawing function raised an error. "
            return Feedback("raised", raised.message, raised.code, heading)

    def _line(self, values):
        """Return the call that gives the picture at these values, with the notebook's name."""
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        named = [*getattr(shell, "user_ns", {}).items()]
        ours = (name for name, it in named if it is self and not name.startswith("_"))
        explorer = next(ours, "explorer")
        written = [
            f"{name}={_written(value, f'{explorer}.controls[{name!r}]', self.controls[name])}"
            for name, value in values.items()
        ]
        return f"{explorer}({', '.join(written)})"

    def _line_as_html(self, values):
        line = html.escape(self._line(values), quote=False)
        return f'<div>In code: <code style="user-select: all">{line}</code></div>'  # by one click

    def _repr_mimebundle_(self, include=None, exclude=None):
        values = {name: control.start for name, control in self.controls.items()}
        start = self._shown({})
        names = ", ".join(control.label or name for name, control in self.controls.items())
        # For where there are no widgets; what a learner has met is not stored.
        asked = [Feedback("shown", each.ask, heading="Challenge. ") for each in self.challenges]
        lines = [f"Explorer of {names}: {start}", f"In code: {self._line(values)}", *asked]
        boxes = "".join(feedback._repr_html_() for feedback in asked)
        content = start._repr_html_() + self._line_as_html(values) + boxes
        text = {"text/plain": "\n".join(map(str, lines)), "text/html": content}
        return self.widget()._repr_mimebundle_() | text


@dataclass(frozen=True, repr=False)
class Picture:
    """What an explorer shows at one place: the picture as PNG bytes, and the sentence about it.

    `facts` are what its challenges are judged by, `met` what is said of those that it meets.
    """

    png: bytes
    text: str
    facts: Mapping = field(default_factory=dict)
    met: tuple = ()

    def __repr__(self):
        return "\n".join(map(str, (self.text, *self.met)))

    def _repr_html_(self):
        # An <img> of our own: the widget for images has no alternative text, nor has JupyterLab.
        encoded, text = base64.b64encode(self.png).decode(), html.escape(self.text)
        width, height = (int.from_bytes(self.png[i : i + 4]) for i in (16, 20))  # a PNG's header
        return (
            f'<img src="data:image/png;base64,{encoded}" alt="{text}" width="{width}" '
            f'height="{height}" style="max-width: 100%; height: auto">'
            f'<div role="status">{text}</div>'
        ) + "".join(feedback._repr_html_() for feedback in self.met)


def _written(value, path, control):
    """Return a control's value as people write it in Python; `path` leads to the control."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    try:
        text = str(value) if number else repr(str(value) if isinstance(value, str) else value)
        if ast.literal_eval(text) == value:
            return f'"{text[1:-1]}"' if text.startswith("'") and '"' not in text else text
    except Exception:  # Python cannot write it, or not read what it writes
        pass
    return f"{path}.options[{control.options.index(value)}]"


def _png(figure):
    buffer = io.BytesIO()
    figure.set_facecolor("white")  # readable in JupyterLab's dark theme
    # `savefig` draws everything twice, and compresses for a file. A slider waits for this one.
    FigureCanvasAgg(figure).print_png(buffer, pil_kwargs={"compress_level": 1})
    return buffer.getvalue()
