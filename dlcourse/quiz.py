"""Quiz questions: other numbers each time, a reason for every answer; as a widget or as text."""

import copy
import html
import inspect
import math
import numbers
import random
import re
import string
from collections.abc import Mapping
from itertools import combinations, islice
from typing import Any

from dlcourse import progress
from dlcourse.answers import Feedback, in_html, in_widget, short
from dlcourse.arrays import close
from dlcourse.errors import (
    CourseError,
    KindError,
    LessonError,
    NoSuchNameError,
    RangeError,
    expect_text,
    in_short,
)

MOST_QUESTIONS = 1000  # shown together
MOST_VARIANTS = 10_000  # of one question: the tests try each of them
KEYS = {  # why no program can say which option is right
    "definition": "it is what a word means",
    "measured": "it is what the lesson found",
    "argument": "it follows from what the question says",
}


class Question:
    """A question of a Quiz. Show it as the last line of a cell, or `answer` it.

    Attributes:
        ask: The question, with the numbers of its present variant.
        lesson, name: Where it belongs; the Quiz fills them in.
        variants: How many there are: one for each combination of the numbers to draw from.
        variant, numbers: The present one, which `answer` judges, and its numbers by their names.
    """

    def __init__(self, ask, because, wrong, draw):
        if not isinstance(ask, str) or not ask.strip():
            raise LessonError(f"A question is asked in text, not as {in_short(ask)}.")
        self._ask, self._because, self._wrong = ask, because, wrong
        self._draw = {} if draw is None else draw
        self.lesson = self.name = ""
        self.variants = self._count_variants()
        self._shown = False
        try:
            self.take(0)
        except LessonError:
            raise
        except Exception as error:  # whatever goes wrong in a function or a text of the lesson's
            raise LessonError(
                f"{ask!r} cannot be asked ({type(error).__name__}: {error}). Its functions and the "
                f"{{…}} of its texts can use these numbers: {', '.join(self._draw) or 'none'}."
            ) from error

    def _count_variants(self):
        draw = self._draw
        if not isinstance(draw, dict) or not all(isinstance(name, str) for name in draw):
            raise LessonError(f"{self._ask!r} needs draw={{name: numbers to draw from}}.")
        self._drawn = {name: choices for name, choices in draw.items() if not callable(choices)}
        for name, choices in self._drawn.items():
            if not isinstance(choices, list | tuple | range) or not choices:
                raise LessonError(
                    f"{self._ask!r} draws {name} from {in_short(choices)}, but needs a list, "
                    "of which the first is asked first, or a function of the numbers before it."
                )
        if (variants := math.prod(map(len, self._drawn.values()))) > MOST_VARIANTS:
            raise LessonError(
                f"{self._ask!r} has {variants} variants, but the tests try each: have at most "
                f"{MOST_VARIANTS}."
            )
        return variants

    def take(self, variant) -> None:
        """Ask with the numbers of a variant: in 0 each is the first of its list; −1 is the last."""
        if isinstance(variant, bool) or not isinstance(variant, numbers.Integral):
            raise KindError(f"A variant is a whole number, not {in_short(variant)}.")
        self.variant = int(variant) % self.variants
        self.numbers = self._numbers()
        self.ask = " ".join(_told(self._ask, self.numbers).split())
        self._fill()

    def _numbers(self):
        place = self.variant
        if place:  # shuffled, not drawn one by one: none comes again before all have been asked
            places = [*range(1, self.variants)]
            random.Random(_seed(self._ask)).shuffle(places)
            place = places[place - 1]
        taken = {}
        for name, choices in self._draw.items():
            if name in self._drawn:
                place, own = divmod(place, len(choices))
                taken[name] = choices[own]
            else:
                taken[name] = _value(choices, taken)
        return taken

    def ask_again(self) -> None:
        """Take the next variant, unless this one was not shown yet."""
        if self._shown:
            self.take(self.variant + 1)
        self._shown = True

    def answer(self, given) -> Feedback:
        """Judge an answer to the variant that was shown last; return the Feedback.

        The attempt is kept with the numbers that were drawn, see `progress`.
        """
        outcome, reason = self.judge(given)
        drawn = ", ".join(f"{name}={self.numbers[name]}" for name in self._drawn)
        given = given if isinstance(given, str) else short(given)
        kept = f"{drawn}: {given}" if drawn else given
        progress.record(self.lesson, self.name, "quiz", outcome, kept)
        return Feedback(outcome, reason, heading=f"{outcome.capitalize()}. ")

    def widget(self) -> Any:
        """Return the question as an ipywidgets box that answers at once."""
        from ipywidgets import HTML, Layout, VBox

        asked = copy.copy(self)  # it judges the variant that it shows, whatever is shown later
        head, said = HTML(in_widget(f"<b>{in_html(self.ask)}</b>")), HTML()

        def tell(given):
            try:
                feedback = asked.answer(given)
            except CourseError as error:  # it cannot be read: the learner sees why, and corrects it
                feedback = Feedback("shown", str(error))
            said.value = feedback.in_widget()

        box = VBox([head, asked._controls(tell), said], layout=Layout(margin="4px 0 12px 0"))
        box.add_class("dlcourse-quiz")
        return box

    def __str__(self):
        return f"{self.ask}\n{self._ways()}\nTo answer in code: {self._call()}"

    __repr__ = __str__

    def _repr_mimebundle_(self, include=None, exclude=None):
        self.ask_again()
        return self.widget()._repr_mimebundle_() | {"text/plain": str(self)}

    def _call(self):
        return f'lesson.QUIZ["{self.name}"].answer({self._example()})'


class Choice(Question):
    """Several answers, one of them right. Each variant has an order of its own, always the same."""

    def __init__(self, ask, right, because, wrong, key, draw):
        if not callable(key) and (not isinstance(key, str) or key not in ("", *KEYS)):
            raise LessonError(
                f"{ask!r} needs a key that is a function, which returns the right answer, or one "
                f"of the words {', '.join(KEYS)}, not {in_short(key)}."
            )
        self.key, self._right = key, right
        super().__init__(ask, because, wrong, draw)

    def _fill(self):
        wrong, ask = self._wrong, self.ask
        if not isinstance(wrong, dict) or not _all_text(self._because, *wrong.values()):
            raise LessonError(
                f"{ask!r} needs its reasons as text: because='why', wrong={{answer: 'why not'}}."
            )
        if not _all_text(self._right, *wrong):
            raise LessonError(f"{ask!r} needs answers to choose from that are text.")
        self.right = _told(self._right, self.numbers)
        reasons = [(self.right, self._because)]
        reasons += [(_told(option, self.numbers), reason) for option, reason in wrong.items()]
        self.reasons = {option: _told(reason, self.numbers) for option, reason in reasons}
        if len(self.reasons) < len(reasons) or len(wrong) < 2:
            raise LessonError(f"{ask!r} needs one right answer and at least two others.")
        if len(reasons) > len(string.ascii_lowercase):
            raise LessonError(f"{ask!r} has {len(reasons)} answers, but there are 26 letters.")
        if letters := [text for text in self.reasons if len(text) == 1 and text.isalpha()]:
            raise LessonError(f"{ask!r} has answers that look like another's letter: {letters}.")
        self.options = sorted(self.reasons)
        # The same order for everybody.
        random.Random(_seed(_told(self._ask, self.numbers))).shuffle(self.options)

    def computed(self) -> str:
        """Return the right answer as the key's function finds it; "" where the key is a word.

        The tests compare. Nothing else calls it: a key may take its time.
        """
        return _value(self.key, self.numbers) if callable(self.key) else ""

    def judge(self, given) -> tuple:
        """Return ("right" or "wrong", the reason) for an option, or for its letter.

        Raises:
            RangeError: It is none of them, or could be two.
        """
        option = self._option(given)
        return "right" if option == self.right else "wrong", self.reasons[option]

    def _option(self, given):
        """Return the option that is meant: by its words, its letter, or its number."""
        letters = dict(zip(string.ascii_lowercase, self.options))
        if isinstance(given, str):
            if given in self.options:
                return given
            if (letter := _plain(given)) in letters:
                return letters[letter]
            meant = [option for option in self.options if _plain(option) == _plain(given)]
        else:
            meant = []
        if not meant and (values := readings(given)):
            meant = [option for option in self.options if not values.isdisjoint(readings(option))]
        if len(meant) != 1:
            raise RangeError(
                f"There is no answer {in_short(given)}. Give its letter: {', '.join(letters)}."
            )
        return meant[0]

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

    def __init__(self, ask, right, because, wrong, draw, tolerance, unit):
        if not _is_number(tolerance) or tolerance < 0:
            raise LessonError(f"{ask!r} needs a tolerance of at least 0.")
        if not isinstance(unit, str):
            raise LessonError(f"{ask!r} needs its unit as text, not as {in_short(unit)}.")
        self._right, self.tolerance, self.unit = right, tolerance, unit
        super().__init__(ask, because, wrong, draw)

    def _fill(self):
        wrong, ask = self._wrong, self.ask
        if not isinstance(wrong, dict) or not _all_text(self._because, *wrong):
            raise LessonError(
                f"{ask!r} needs its reasons as text: because='why', wrong={{'why not': number}}."
            )
        self.right = _value(self._right, self.numbers)
        known = [self.right, *(_value(way, self.numbers) for way in wrong.values())]
        if not all(map(_is_number, known)):
            raise LessonError(
                f"{ask!r} needs numbers, or functions that give them: right, and each of `wrong`."
            )
        if len(known) < 2 or any(self._is(one, other) for one, other in combinations(known, 2)):
            raise LessonError(
                f"{ask!r} needs a known wrong number, and numbers that differ by more than the "
                f"tolerance, not {known}."
            )
        told = self.numbers and self.numbers | {"right": self.right}
        self.because = _told(self._because, told)
        self.reasons = {value: _told(reason, told) for value, reason in zip(known[1:], wrong)}

    def _is(self, number, value):
        return bool(close(number, value, self.tolerance))

    def judge(self, given) -> tuple:
        """Return ("right" or "wrong", the reason) for a number, or for text that holds one.

        Text that can be read in two ways, such as 1,386 or 50 %, is right if one of them is.

        Raises:
            KindError: No number can be read.
        """
        numbers = readings(given)
        if isinstance(given, str) and self.unit in TIMES:  # a question in millions
            numbers |= readings(given.lower().removesuffix(self.unit))
        if not numbers:
            raise KindError(f"{in_short(given)} is not a number. {_why_not(given)}")
        if other := _other_unit(given, self.unit):
            raise KindError(f"That is in {other}. Give the number in {self.unit}.")
        if any(self._is(number, self.right) for number in numbers):
            return "right", self.because
        for value, reason in self.reasons.items():
            if any(self._is(number, value) for number in numbers):
                return "wrong", reason
        known = (self.right, *self.reasons)
        likely = min(numbers, key=lambda number: min(_apart(number, value) for value in known))
        return "wrong", "Too large." if likely > self.right else "Too small."

    def _ways(self):
        return f"  A number ({self.unit})." if self.unit else "  A number."

    def _example(self):
        return "0.5"

    def _controls(self, tell):
        from ipywidgets import Button, HBox, Text

        holder = f"a number, in {self.unit}" if self.unit else "a number"
        # The question stands above. A label without width names the field for a screen reader.
        field = Text(placeholder=holder, description=self.ask, style={"description_width": "0"})
        button = Button(description="Check")
        button.on_click(lambda _: tell(field.value))
        # `on_submit` is deprecated, and what it is to be replaced by answers on leaving the field.
        field.on_msg(lambda _, sent, __: sent.get("event") == "submit" and tell(field.value))
        return HBox([field, button])


class _Told(string.Formatter):
    """Text with numbers as the course writes them: 10 000, −3."""

    def format_field(self, value, spec):
        if isinstance(value, int) and not spec and abs(value) >= 10_000:
            spec = "_"
        text = super().format_field(value, spec)
        return text.replace("_", " ").replace("-", "−") if _is_number(value) else text


def _told(text, numbers):
    return _Told().vformat(text, (), numbers) if numbers else text


def _value(way, numbers):
    """Return what a function gives for the numbers that it names; what is no function, as it is."""
    if not callable(way):
        return way
    return way(**{name: numbers[name] for name in inspect.signature(way).parameters})


def _seed(text):
    return text.encode("utf-8", "replace").decode()


def _all_text(*parts):
    return all(isinstance(part, str) for part in parts)


def _apart(number, value):
    """Return by what share of the larger one two different numbers differ."""
    return abs(number - value) / max(abs(number), abs(value))


def readings(given) -> set:
    """Return the numbers that an answer may mean; none if it holds no number, or more than one.

    Read are numbers of any kind (of NumPy, of a framework, Fraction, Decimal) and text: 1700,
    1 700, 1_700, 1,700, 1.700, 1'700, 1.7e3, 0,5, .5, −3, +3, 3/4, 2½, 50 %, 2.50 €, 1.7 million,
    ~1700, 28 pixels, it is 5. Some texts mean two: with a comma for decimals or for thousands, as
    per cent or as a share, in metres or millions.

    Example:
        >>> sorted(quiz.readings("1,386")), quiz.readings("28 pixels"), quiz.readings("7 * 4")
        ([1.386, 1386.0], {28.0}, set())
    """
    found = _in_text(given) if isinstance(given, str) else _of_number(given)
    return {number for number in found if math.isfinite(number)}


def _of_number(given):
    try:
        truth = isinstance(given, bool) or "bool" in str(getattr(given, "dtype", ""))
        if truth or isinstance(given, (bytes, bytearray)) or getattr(given, "ndim", 0):
            return set()
        # PyTorch warns where a tensor needs a gradient.
        return {float(given.detach() if hasattr(given, "detach") else given)}
    except Exception:  # whatever it is, it is no number
        return set()


BEFORE = (  # words and signs before a number that say no more than "it is"
    r"(?:(?:i (?:think|guess|say)|(?:the )?(?:answer|result)(?: is)?:?|it is|it's|that is|that's|so"
    r"|about|approximately|approx\.?|around|roughly|circa|ca\.?) |[~≈=€$£¥] ?)*"
)
TIMES = {  # words after a number that multiply it; some may be a unit as well
    **dict.fromkeys(("hundred", "hundreds"), (100,)),
    **dict.fromkeys(("thousand", "thousands", "k"), (1000,)),
    **dict.fromkeys(("million", "millions", "mio", "mn", "mln"), (1e6,)),
    **dict.fromkeys(("billion", "billions", "bn"), (1e9,)),
    "m": (1, 1e6),
    "b": (1, 1e9),
    "dozen": (12,),
}
# With one of these words after it, a number is part of a sum, or of a choice of several.
SUMS = (
    "and|or|to|plus|minus|times|over|by|divided|half|halves|thirds?|quarters?|fifths?|tenths?"
    "|hundredths?|thousandths?|millionths?|billionths?|squared|cubed"
    "|pi|π|e|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
)
ANSWER = re.compile(
    rf"{BEFORE}(?P<sign>[+-]?) ?(?:(?P<whole>\d+) (?=\d+ ?/))?"
    r"(?P<number>[\d.,'_ ]*\d[.,]?(?:e[+-]?\d+)?)"
    r"(?: ?/ ?(?P<below>\d+)| ?(?P<percent>%|per ?cent|pct))?"
    rf"(?: ?(?P<times>{'|'.join(TIMES)})\.?(?!\S))?"
    rf"(?: ?(?!.*\b(?:{SUMS}|{'|'.join(TIMES)})(?!\S))(?P<unit>[^\W\d_]\D*|[€$£¥]))?"
)
LONGEST = 200  # characters; what is longer is no number, and takes long to read
HALVES = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3", "⅛": "1/8", "⅕": "1/5"}


def _in_text(text):
    text = text.lower()
    if re.search(r"\d ?[⁻⁺]?[⁰¹²³⁴-⁹]", text):  # a power is worked out first, as 10^3 is
        return set()
    for like, plain in (("‐‑‒–—−", "-"), ("’ʼ", "'"), ("⁄∕", "/")):
        text = re.sub(f"[{like}]", plain, text)
    for sign, fraction in HALVES.items():
        text = text.replace(sign, f" {fraction}")
    text = " ".join(text.split()).strip(" ()[]").removesuffix(".")
    if len(text) > LONGEST:
        return set()
    match = ANSWER.fullmatch(text)
    if not match:
        return set()
    numbers = _numerals(match["number"])
    if match["below"]:
        whole, below = float(match["whole"] or 0), float(match["below"])
        numbers = {whole + number / below for number in numbers} if below else set()
    if match["percent"]:
        numbers |= {number / 100 for number in numbers}
    numbers = {number * times for number in numbers for times in TIMES.get(match["times"], (1,))}
    return {-number for number in numbers} if match["sign"] == "-" else numbers


UNITS = {  # measures of one thing, whose numbers differ from each other's; with other names
    "time": "ns µs=us=μs ms s=sec=second min=minute h=hour day=d week month year",
    "length": "nm µm=um=μm mm cm m=metre=meter km",
    "information": "bit nat byte=B kb kib mb mib gb gib tb tib pb",
    "frequency": "Hz kHz MHz GHz",
    "power": "W kW MW GW",
    "energy": "Wh kWh MWh GWh",
}
MEASURES = {
    name: (thing, names.partition("=")[0])
    for thing, units in UNITS.items()
    for names in units.split()
    for name in names.split("=")
}
ANY_CASE = {name.lower(): measure for name, measure in MEASURES.items()}


def _other_unit(given, unit):
    """Return the unit that an answer names, if the question asks for another of the same thing."""
    named = re.search(r"\d ?([^\W\d_]+)$", given.strip()) if isinstance(given, str) else None
    ours, theirs = _measure(named[1] if named else ""), _measure(unit.partition(" ")[0])
    return named[1] if ours and theirs and ours[0] == theirs[0] and ours != theirs else ""


def _measure(word):
    """Return (thing, unit) of a word, such as ("time", "s") of "Seconds"; None of all others."""
    for name in (word, word.removesuffix("s")):
        if found := MEASURES.get(name) or (len(name) > 1 and ANY_CASE.get(name.lower())):
            return found
    return None


def _numerals(text):
    """Return what digits with separators mean, with a point and with a comma for decimals."""
    found = set()
    for point, comma in (".,", ",."):
        whole = rf"(?:\d+|[1-9]\d{{0,2}}(?:([{comma}'_ ])\d{{3}})(?:\1\d{{3}})*)"
        if re.fullmatch(rf"(?:{whole})?(?:[{point}](?:\d{{3}} )*\d*)?(?:e[+-]?\d+)?", text):
            digits = re.sub(rf"[{comma}'_ ]", "", text).replace(point, ".")
            found |= {float(digits)}
    return found


def _why_not(given):
    """Return in what way an answer cannot be read, and what to give."""
    if not isinstance(given, str):
        return "Give one such as 0.5."
    if not any(letter.isdigit() for letter in given):
        return "Give one in digits, such as 0.5."
    return "Give one number, such as 0.5, 1700, 3/4 or 50 %; work out sums first."


def _plain(text):
    """Return a text as far as it tells one option from another."""
    return " ".join(text.split()).strip(" .,;:!?()[]\"'").lower()


def _is_number(value):
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    try:
        return real and math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


class Quiz(Mapping):
    """The questions of one lesson, by name. Show the whole quiz as the last line of a cell."""

    def __init__(self, module, **questions):
        if odd := [name for name, it in questions.items() if not isinstance(it, Question)]:
            raise LessonError(
                f"A quiz is made of quiz.choice(…) and quiz.number(…); not a question: "
                f"{', '.join(odd)}."
            )
        if not isinstance(module, str):
            raise LessonError(
                f"A quiz needs its module's name, `__name__`, not {in_short(module)}."
            )
        self.questions = questions
        for name, question in questions.items():
            question.lesson, question.name = module.rpartition(".")[2], name

    def __getitem__(self, name):
        if not isinstance(name, str) or name not in self.questions:
            raise NoSuchNameError(
                f"There is no question {in_short(name)}. There are: {', '.join(self)}."
            )
        return self.questions[name]

    def __iter__(self):
        return iter(self.questions)

    def __len__(self):
        return len(self.questions)

    def __str__(self):
        return "\n\n".join(f"{i}. {question}" for i, question in enumerate(self.values(), 1))

    __repr__ = __str__

    def _repr_mimebundle_(self, include=None, exclude=None):
        for question in self.values():
            question.ask_again()
        return together(self.values())._repr_mimebundle_() | {"text/plain": str(self)}


def together(questions, headings=()) -> Any:
    """Return one box with the widgets of several questions, each under its heading, if any."""
    from ipywidgets import HTML, VBox

    try:
        questions = [*islice(questions, MOST_QUESTIONS)]
        headings = [*islice(headings, MOST_QUESTIONS)]
    except Exception:  # whatever such a thing says when it is read
        questions = [None]
    if not all(isinstance(question, Question) for question in questions):
        raise KindError("Questions are shown together as a list of those of a quiz.")
    headings = [expect_text(heading, "a heading") for heading in headings]
    if headings and len(headings) != len(questions):
        raise LessonError(f"{len(questions)} questions have {len(headings)} headings.")
    boxes = [question.widget() for question in questions]
    if headings:
        titles = [HTML(html.escape(heading)) for heading in headings]
        boxes = [part for pair in zip(titles, boxes, strict=True) for part in pair]
    return VBox(boxes)


def choice(ask, *, right, because, wrong, key="", draw=None) -> Choice:
    """Return a multiple-choice question.

    Args:
        ask: The question. With `draw`, all texts may hold numbers, such as "{filters} filters".
        right, because: The right answer, and why it is.
        wrong: {answer: why not}, at least two.
        key: How the answer comes about: a function of the numbers drawn that returns it, for the
            tests; where no program can tell, a word of KEYS. In a lesson it is one or the other.
        draw: {name: list of numbers to draw from, or a function of the numbers before it}. The
            first variant takes the first of each list.

    Example:
        >>> size = quiz.choice(
        ...     "{pixels} pixels, a window of {window}. How many positions has it?",
        ...     draw={"pixels": [28, 32], "window": [5, 3], "last": lambda pixels, window: (
        ...         pixels - window)},
        ...     right="1 + {last}", because="0 to {last}.",
        ...     wrong={"{last} - 1": "Position 0 is one too.", "1 + {pixels}": "It must fit in."},
        ...     key=lambda pixels, window: f"1 + {len(range(window, pixels))}",
        ... )
        >>> print(size.answer("1 + 23"), size.computed())
        Right. 0 to 23. 1 + 23
    """
    return Choice(ask, right, because, wrong, key, draw)


def number(ask, *, right, because, wrong, draw=None, tolerance=0.0, unit="") -> Number:
    """Return a question whose answer is a number.

    Args:
        ask: The question. With `draw`, it and the reasons may hold numbers: "{filters} filters".
        right, because: The right number, or a function of the numbers drawn, and why it is; the
            reasons may also hold {right}.
        wrong: {how one gets there, and why it is not it: number or function}, at least one.
        draw: {name: list of numbers to draw from, or a function of the numbers before it}. The
            first variant takes the first of each list.
        tolerance: By how much an answer may differ; see `arrays.close`.
        unit: Of the answer; empty for none.

    Example:
        >>> weights = quiz.number(
        ...     "{filters} filters of {side} × {side}: how many weights?",
        ...     draw={"filters": [8, 4, 16], "side": [5, 3]},
        ...     right=lambda filters, side: filters * side**2,
        ...     because="One for each pixel of each filter.",
        ...     wrong={"That is one filter.": lambda side: side**2},
        ... )
        >>> print(weights.answer(25))
        Wrong. That is one filter.
    """
    return Number(ask, right, because, wrong, draw, tolerance, unit)
