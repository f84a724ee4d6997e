"""Exercises: the question, its solution, its hints and the mistakes people make; and the check.

A lesson's module writes the solution as a function and declares the rest above it:

    @exercise.function(
        ask="…", cases=[{"n": 3}], draw=some_case, hints=("…", "…"), mistakes=[Mistake("…", wrong)]
    )
    def answer(n): …

The solution that learners see is the text of that function, and it is what the tests run.
"""

import ast
import functools
import importlib.util
import inspect
import math
import re
import sys
import textwrap
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dlcourse import patterns, progress
from dlcourse.answers import (
    READING_SECONDS,
    Feedback,
    Raised,
    alike,
    as_arrays,
    beside,
    bound,
    call,
    code_of,
    copied,
    difference,
    guarded,
    looked_at,
    same,
    short,
    text_of,
)
from dlcourse.arrays import close, expect_finite, to_numpy
from dlcourse.errors import CourseError, KindError, LessonError, expect_text
from dlcourse.limits import PATIENCE, AnswerError, trusting, unseen, within
from dlcourse.minutes import SIZES

import numpy as np

SECONDS = 5  # of the processor's time, for one call of an answer, or for all drawn cases together
MEASURING_SECONDS = 60  # the same, for a network that is measured
TOGETHER = 4  # times as long for all drawn cases, called one by one since they are slow
DRAWN, LEAST_DRAWN = 24, 20  # cases; so many of them must differ
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give, and what to tell them.

    Attributes:
        advice: What the answer did, and what that suggests; never the solution.
        example: The wrong answer: for a function exercise a function, for the others a function
            that returns it (its parameters name what it needs from the notebook). Several, where
            the same mistake gives other results in another dress.
        sign: Function of an answer that says whether it is this mistake. Without one, an answer
            that agrees with an example is.
    """

    advice: str
    example: Callable | Sequence[Callable]
    sign: Callable | None = None

    @property
    def examples(self) -> Sequence[Callable]:
        return (self.example,) if callable(self.example) else self.example


@dataclass(frozen=True)
class WhatIf:
    """One more call of a right function, for those who want to know where it ends.

    Attributes:
        ask: What is different, after "What if": "there is no picture at all".
        case: Arguments by name; none of the exercise's cases is like it.
        because: Why what comes out comes out, and what follows from it.
    """

    ask: str
    case: Mapping
    because: str


class Exercise:
    """One question. `check` an answer, ask for a `hint`, look at the `solution`, begin `again`.

    Made by `function`, `value` and `measured`, which describe the fields.
    """

    def __init__(self, solution, ask, hints, mistakes, size=None):
        if size is not None and size not in SIZES:
            raise LessonError(f"`size` is {short(size)}, but should be one of {', '.join(SIZES)}.")
        self.solve, self.ask = solution, " ".join(expect_text(ask, "ask").split())
        self.hints = _several(hints, str, "hints")
        self.mistakes = _several(mistakes, Mistake, "mistakes")
        self.name = solution.__name__
        self.lesson = solution.__module__.rpartition(".")[2]
        self._hints_shown = 0
        self._ways_shown = 0
        self._checked = None  # the last answer, and the Feedback to it

    def check(self, answer) -> Feedback:
        """Judge an answer, keep the attempt (see `progress`), and return the Feedback."""
        feedback = self.judge(answer)
        self._checked = answer, feedback
        cell = _cell_that_checks(self.name)
        progress.record(
            self.lesson, self.name, "exercise", feedback.outcome, cell or text_of(answer)
        )
        if feedback.outcome in ("wrong", "raised"):
            asks = f"Stuck? `lesson.{self.name}.hint()`"
            message = f"{feedback.message}\n{asks}"
            feedback = Feedback(feedback.outcome, message, feedback.code, ways=self._ways_on)
        elif feedback.outcome == "not tried":
            feedback = replace(feedback, ways=self._ways_on)
        elif feedback.outcome == "right" and (more := self._ways_beyond):
            calls = ", ".join(f"`lesson.{self.name}.{way.__name__}()`" for way in more.values())
            message = f"{feedback.message}\nMore: {calls}"
            feedback = Feedback("right", message, feedback.code, ways=more)
        if cell and not _ends_with_check(cell, self.name):
            sys.modules["IPython"].display.display(feedback)
        return feedback

    @property
    def _ways_on(self):
        return {"Hint": self.hint, "Solution": self.solution, "Start again": self.again}

    @property
    def _ways_beyond(self):
        return {"Another way": self.another} if self._ways_file else {}

    def judge(self, answer) -> Feedback:
        """Return the Feedback to an answer, without a word to anybody else."""
        if self._is_blank(answer):
            return Feedback("not tried", self.ask)
        try:
            with np.errstate(all="ignore"):  # the feedback says it
                return self._verdict(answer)
        except AnswerError as error:
            return Feedback("wrong", str(error))
        except Raised as raised:
            message = f"{raised.message}\n{patterns.in_words(raised.message)}".rstrip()
            return Feedback("raised", message, raised.code)
        except (Exception, SystemExit) as error:  # whatever came: a learner gets a verdict
            message = f"Your answer cannot be judged ({type(error).__name__}). {self.ask}"
            return Feedback("wrong", message)

    def hint(self) -> Feedback:
        """Show the next hint, from a nudge to nearly the answer."""
        number = min(self._hints_told() + 1, len(self.hints))
        self._hints_shown = number
        progress.record(self.lesson, self.name, "hint", "shown", number)
        more = "" if number < len(self.hints) else f" After it: `lesson.{self.name}.solution()`"
        hint = self.hints[number - 1]
        return Feedback("shown", f"Hint {number} of {len(self.hints)}: {hint}{more}")

    def _hints_told(self):
        """Return how many hints were shown, before the kernel was restarted too."""
        kept = [
            int(attempt.answer)
            for attempt in progress.attempts(self.lesson)
            if (attempt.item, attempt.kind) == (self.name, "hint") and attempt.answer.isdecimal()
        ]
        return max([self._hints_shown, *kept])

    def solution(self) -> Feedback:
        """Show the solution: the code that the tests run."""
        progress.record(self.lesson, self.name, "solution", "shown")
        return Feedback("shown", "One way to do it:", self.solution_text())

    @functools.cached_property
    def _ways_file(self):
        """Whether there is one, without reading it: it may import what the lesson does not."""
        try:
            return importlib.util.find_spec(f"{self.solve.__module__}.ways") is not None
        except ModuleNotFoundError:  # the exercise is declared in no folder of its own
            return False

    @functools.cached_property
    def others(self) -> list:
        """Other right answers: functions of `ways` in the lesson's folder, which may lack it."""
        if not self._ways_file:
            return []
        ways = vars(importlib.import_module(f"{self.solve.__module__}.ways"))
        return [
            function
            for name, function in ways.items()
            if name.startswith(f"{self.name}_") and inspect.isfunction(function)
        ]

    def another(self) -> Feedback:
        """Show another right way to do it, the next one each time, and how long each takes."""
        ways = [*self.others, self.solve]
        way = ways[self._ways_shown % len(ways)]
        self._ways_shown += 1
        told = (inspect.getdoc(way) or "This is the course's own solution.").split("\n\n")[0]
        text = text_of(way) if way is not self.solve else self.solution_text()
        return Feedback("shown", " ".join([*told.split(), *self._times(way)]), text)

    def _times(self, way):
        """Yield a sentence on how long a way takes, where that can be compared."""
        return iter(())

    def again(self) -> Feedback:
        """Show the code to begin with."""
        code = f"{self._blank_text()}\n\n\nlesson.{self.name}.check({self.name})"
        return Feedback("shown", "Put this into the cell to start again:", code)

    def solution_text(self) -> str:
        """Return the solution as the code to write into a notebook."""
        source = textwrap.dedent(inspect.getsource(self.solve))
        return source[re.search(r"(?m)^def ", source).start() :].rstrip()

    def carry_on_with(self, answer, names=None) -> Any:
        """Return the answer if it is right, else the solution, so that later cells run either way.

        Args:
            answer: The learner's.
            names: `globals()`, where the solution needs the notebook's names.
        """
        return answer if self._outcome_of(answer) == "right" else self._solved(names)

    def _outcome_of(self, answer):
        """Return the outcome of an answer; the one that was checked last is not judged again."""
        if self._checked is None or self._checked[0] is not answer:
            self._checked = answer, self.judge(answer)
        return self._checked[1].outcome

    @trusting()
    def faults(self, names=None) -> list[str]:
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
            for example in mistake.examples:
                feedback = self.judge(self._wrong(example, names))
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

    def _no_function(self, answer):
        message = f"Your answer is {text_of(answer)}, but should be a function: hand over"
        return Feedback("wrong", f"{message} `{self.name}` itself, without calling it.")

    _is_function = True

    def _blank_text(self):
        return f"{self.name} = ..."

    def _is_blank(self, answer):
        return answer is ... or answer is None  # an empty function shows itself when called

    def _solved(self, names):
        return self.solve

    def _wrong(self, example, names):
        return example

    def _advice(self, answer, agrees):
        """Return the advice of the known mistake that this answer is, or None."""
        for mistake in self.mistakes:
            try:
                if mistake.sign(answer) if mistake.sign else any(map(agrees, mistake.examples)):
                    return mistake.advice
            except (Exception, SystemExit):  # it cannot look at such an answer: another mistake
                continue
        return None


class FunctionExercise(Exercise):
    """The answer is a function; it is compared with the solution on every case, told or drawn."""

    def __init__(
        self, solution, ask, hints, mistakes, size, cases, draw, given, tolerance, seconds, beyond
    ):
        super().__init__(solution, ask, hints, mistakes, size)
        self.cases, self.draw = _several(cases, Mapping, "cases"), draw
        self.tolerance, self.seconds, self.given = tolerance, seconds, given
        close(0, 0, tolerance)  # says what is wrong with it
        if beyond is not None and not isinstance(beyond, WhatIf):
            raise LessonError(f"`what_if` is {short(beyond)}, but should be a WhatIf(…).")
        self.beyond = beyond
        if given is not None and not callable(given):
            raise LessonError(f"`given` is {short(given)}, but should be the function to mend.")

    @functools.cached_property
    def drawn(self) -> list:
        """The drawn cases, the smallest first: the first that fails is the easiest to look at."""
        random = np.random.default_rng(0)  # the same for everybody
        return sorted((self.draw(random) for _ in range(DRAWN if self.draw else 0)), key=_size)

    def _verdict(self, answer):
        if self.given and code_of(answer) == code_of(self.given) is not None:
            message = f"This is the function as it was given. What does it do wrong? {self.ask}"
            return Feedback("not tried", message)
        if not callable(answer):
            return self._no_function(answer)
        solved = functools.cache(lambda: self._results_of(self.solve))  # a blank needs it not
        results, ended, changes = self._one_by_one(answer, self.cases, lambda i: solved()[i])
        if ended:
            raise ended
        if results and results[-1] is ...:
            return Feedback("not tried", self.ask)
        if results and results[-1] is None:
            return self._returns_nothing(len(results))
        with unseen():  # what it prints, the told cases have shown
            others = self.drawn, self.seconds, lambda i: solved()[len(self.cases) + i]
            drawn, ended, changed = call(answer, *others, self.tolerance)
            if isinstance(ended, AnswerError):  # too many for the time, or which one is it?
                most = TOGETHER * self.seconds
                drawn, ended, changed = self._one_by_one(answer, self.drawn, others[-1], most)
        results += drawn
        fault = self._fault(results, guarded(solved), ended)
        if fault:
            advice = self._advice(answer, lambda wrong: self._agree(results, wrong))
            return Feedback("wrong", advice) if advice else fault
        message = f"It agrees with the solution on all {len(results)} cases."
        if changes | changed:
            names = ", ".join(map(repr, sorted(changes | changed)))
            message += (
                f" But it changes what it is given: {names}. Work on a copy, or later cells get it "
                "changed."
            )
        return Feedback("right", message)

    @property
    def _ways_beyond(self):
        more = {"What if …": self.what_if} if self.beyond else {}
        return super()._ways_beyond | more

    def what_if(self) -> Feedback:
        """Show what the learner's function and the solution make of one more case.

        Raises:
            LessonError: The exercise asks for none.
        """
        if not self.beyond:
            raise LessonError(f"`{self.name}` has no what-if.")
        made = {"The solution": self._made_of(self.solve)}
        if self._checked and self._checked[1].outcome == "right":
            made = {"Yours": self._made_of(self._checked[0])} | made
        if len(set(made.values())) < len(made):
            made = {"Yours, as the solution,": made["Yours"]}
        told = " ".join(f"{who} {what}" for who, what in made.items())
        return Feedback("shown", f"What if {self.beyond.ask}? {told} {self.beyond.because}")

    def _made_of(self, function):
        """Say what a function makes of the what-if's case."""
        call = bound(function, copied(self.beyond.case))
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings(), unseen():
                warnings.simplefilter("ignore")  # of a mean of nothing: it is what was asked for
                return f"gives {short(as_arrays(guarded(lambda: within(self.seconds, call))))}."
        except Raised as raised:
            return f"raises {raised.message.rstrip('.')}."
        except AnswerError as error:
            return f"does not end well: {error}"

    def _times(self, way):
        if self._checked is None or self._checked[1].outcome != "right":
            return
        mine, this, ours = (
            self._milliseconds(each) for each in (self._checked[0], way, self.solve)
        )
        yield (
            f"On the check's {len(self.cases) + len(self.drawn)} cases yours takes {mine:.2g} ms, "
            f"this {this:.2g} ms" + ("." if way is self.solve else f", the solution {ours:.2g} ms.")
        )

    def _milliseconds(self, function):
        """Return how long a right function takes for all cases, the shortest of three times."""
        taken = []
        for _ in range(3):
            cases = [copied(case) for case in (*self.cases, *self.drawn)]
            started = time.perf_counter()
            for case in cases:
                bound(function, case)()
            taken.append(time.perf_counter() - started)
        return 1000 * min(taken)

    def _blank_text(self):
        if self.given:
            source = textwrap.dedent(inspect.getsource(self.given))
            return re.sub(r"(?m)^def \w+", f"def {self.name}", source.rstrip(), count=1)
        definition = _definition(self.solve)[1]
        return f"def {self.name}({ast.unparse(definition.args)}):\n    return ..."

    def _one_by_one(self, answer, cases, expected, most=math.inf):
        """Call an answer on each case, up to the first that gives nothing; see `answers.call`.

        It ends with an AnswerError too where all take more than `most` seconds together.
        """
        results, changes, started, clock = [], set(), time.thread_time(), time.monotonic()
        for i, case in enumerate(cases):
            waited = time.monotonic() - clock > PATIENCE * self.seconds and most < math.inf
            if time.thread_time() - started > most or waited:
                took = "too long" if waited else f"more than {most:g} seconds"
                together = (
                    f"Your code was stopped here: the calls up to this one took {took} together. "
                    f"Is there a way {'without waiting' if waited else 'with less work'}?"
                )
                return results, AnswerError(together), changes
            of_this_one = functools.partial(lambda i, _: expected(i), i)
            result, ended, changed = call(answer, [case], self.seconds, of_this_one, self.tolerance)
            results, changes = results + result, changes | changed
            if ended or results[-1] is ... or results[-1] is None:
                return results, ended, changes
        return results, None, changes

    def _returns_nothing(self, called):
        """A blank gives None at once; a function that gives it later forgot a `return`."""
        shown = self._shown(self.cases[called - 1])
        message = f"`{shown}` gives None: is a `return` missing? {self.ask}"
        return Feedback("not tried" if called == 1 else "wrong", message)

    def _fault(self, results, solved, ended):
        """Return the Feedback to the first case whose result is wrong, or that has none; or None.

        Args:
            results, solved: Of the told cases, then of the drawn ones; the results up to the case
                that ended the call.
            ended: Its error, or None.
        """
        cases = (*self.cases, *self.drawn)
        for case, result, expected in zip(cases, results, solved):
            if not self._same(result, expected):
                message = f"`{self._shown(case)}` {difference(result, expected)}"
                pattern = patterns.of_results(results, solved)
                return Feedback("wrong", f"{message} {pattern}".rstrip())
        if isinstance(ended, Raised):
            message = f"`{self._shown(cases[len(results)])}` raises {ended.message}"
            words = patterns.in_words(ended.message)
            return Feedback("raised", f"{message}\n{words}".rstrip(), ended.code)
        if ended:
            return Feedback("wrong", f"`{self._shown(cases[len(results)])}`: {ended}")
        return None

    def _agree(self, results, function):
        others = self._results_of(function)
        return len(results) == len(others) and all(map(self._same, results, others))

    def carry_on_with(self, answer, names=None) -> Any:
        if self._outcome_of(answer) != "right":
            return self.solve
        expected = self._results_of(self.solve)[0]

        @functools.wraps(answer)
        def safe(*given, **named):
            try:
                # Later cells may rely on an array where a list was right as well, and on what
                # they hand over: an answer may have changed it in place.
                given_copies = [_copied_array(each) for each in given]
                named_copies = {name: _copied_array(each) for name, each in named.items()}
                return alike(answer(*given_copies, **named_copies), expected)
            except Exception as error:
                print(
                    f"Your `{self.name}` raised {type(error).__name__} here: {error}. "
                    "The lesson goes on with the solution."
                )
                return self.solve(*given, **named)

        return safe

    def _wrong(self, example, names):
        # Changed, for all that anyone can see: the function as it was given is not an attempt.
        return functools.partial(example)

    def faults(self, names=None) -> list[str]:
        """Say more: whether cases are drawn, enough of them different, and the bug to fix known."""
        faults = super().faults(names)
        known = [example for mistake in self.mistakes for example in mistake.examples]
        if self.given and self.given not in known:
            faults.append(f"{self.lesson}.{self.name}: the given function is no known mistake")
        if self.draw is None:
            faults.append(f"{self.lesson}.{self.name}: it draws no cases (`draw`)")
        elif (different := _different(self.drawn)) < LEAST_DRAWN:
            faults.append(
                f"{self.lesson}.{self.name}: of {DRAWN} drawn cases only {different} differ, but "
                f"{LEAST_DRAWN} should"
            )
        return faults

    def _results_of(self, function):
        """Return what the course's own function gives for each case, up to one that raises."""
        results = []
        for case in (*self.cases, *self.drawn):
            try:
                results.append(function(**copied(case)))
            except Exception:  # a known mistake may raise where a learner's raises
                break
        return results

    def _same(self, result, expected):
        return same(result, expected, self.tolerance)

    def _shown(self, case):
        return f"{self.name}({', '.join(f'{key}={short(value)}' for key, value in case.items())})"


class _ComputedExercise(Exercise):
    """The answer is what the solution, a function of names in the notebook, returns."""

    _is_function = False

    def __init__(self, solution, *rest):
        super().__init__(solution, *rest)
        self.solution_text()  # says what does not fit

    def solution_text(self):
        lines, function = _definition(self.solve)
        last = function.body[-1]
        if [*_returns(function)] != [last] or last.value is None:
            raise LessonError(
                f"The solution `{self.name}` of an exercise of a value is shown to learners as "
                f"`{self.name} = …`, so it needs one `return` with a value, as its last line."
            )
        if function.body[0].lineno == function.lineno:  # def f(): return 3
            return f"{self.name} ={lines[-1][last.col_offset + len('return') :]}".strip()
        before = lines[_first_line(lines, function) : last.lineno - 1]
        returned = lines[last.lineno - 1 : last.end_lineno]
        indent = last.col_offset
        returned[0] = f"{' ' * indent}{self.name} ={returned[0][indent + len('return') :]}"
        return textwrap.dedent("\n".join(before + returned)).strip()

    def _is_blank(self, answer):
        return answer is ... or answer is None or answer is _empty

    def _solved(self, names):
        return _with_names(self.solve, names)

    def _wrong(self, example, names):
        return _with_names(example, names)


class ValueExercise(_ComputedExercise):
    """The answer is a value; it is compared with the one that the solution computes."""

    def __init__(self, solution, ask, hints, mistakes, size, tolerance, unit):
        super().__init__(solution, ask, hints, mistakes, size)
        self.tolerance, self.unit = tolerance, expect_text(unit, "unit")
        close(0, 0, tolerance)  # says what is wrong with it

    def _verdict(self, answer):
        solved = self.solve()
        within(READING_SECONDS, lambda: looked_at(answer, lambda: solved, self.tolerance))
        if same(answer, solved, self.tolerance):
            return Feedback("right", f"{short(answer)} {self.unit}".rstrip() + ".")
        advice = self._advice(answer, lambda make: same(answer, make(), self.tolerance))
        message = f"It is not {short(answer)}"
        if self.unit and isinstance(answer, int | float | np.number):
            message += f" {self.unit}."
        else:
            message += f". Give a plain number ({self.unit})." if self.unit else "."
        return Feedback("wrong", advice or message)


class MeasuredExercise(_ComputedExercise):
    """The answer is something that was trained or found; it must reach a stated bar."""

    def __init__(self, solution, ask, hints, mistakes, size, measure, bar, what, examine):
        super().__init__(solution, ask, hints, mistakes, size)
        self.measure, self.what = measure, expect_text(what, "what")
        self.bar = expect_finite(bar, "bar").item()
        self.examine = examine or (lambda answer: answer)

    def _verdict(self, answer):
        with trusting():  # a network cannot be run in a copy of the process
            return within(MEASURING_SECONDS, lambda: self._measured(answer))

    def _measured(self, answer):
        examined = self.examine(as_arrays(answer))
        # Signs first: a mistake may reach the bar, such as a score on the pictures trained on.
        advice = self._advice(examined, lambda make: False)
        if advice:
            return Feedback("wrong", advice)
        try:
            reached = guarded(lambda: _one_number(self.measure(examined)))
        except Raised as raised:
            if raised.code:
                raise  # the learner's own line
            message = f"Your answer is {short(answer)}, and that cannot be measured. {self.ask}"
            if isinstance(raised.__cause__, CourseError):
                message = str(raised.__cause__)  # words that are meant to be read
            return Feedback("wrong", message)
        message = f"{self.what} {beside(reached, self.bar)}; you need at least {self.bar:g}."
        return Feedback("right" if reached >= self.bar else "wrong", message)


def function(
    *,
    ask: str,
    cases: Sequence[Mapping[str, Any]],
    hints: Sequence[str],
    mistakes: Sequence[Mistake],
    draw: Callable[[np.random.Generator], Mapping[str, Any]] | None = None,
    given: Callable | None = None,
    tolerance: float = TOLERANCE,
    seconds: float = SECONDS,
    size: str | None = None,
    what_if: WhatIf | None = None,
) -> Callable:
    """Declare an exercise whose answer is a function: put this above the solution.

    Args:
        ask: What is to be done, in one or two sentences.
        cases: Arguments by name, for each call that is compared and told.
        hints: From a nudge to nearly the answer; at least two.
        mistakes: The known wrong functions, each with its advice; at least one.
        draw: Function of a random generator that returns one more case. At each check 24 are drawn,
            the same for everybody, so that a table of the told answers does not pass. Let sizes
            and kinds vary, and take numbers with few digits: the smallest case that fails is told.
        given: For "find the bug": the function that the notebook holds, the example of a mistake.
            As long as nobody has changed it, its fault is not named.
        tolerance: By how much numbers may differ; see `arrays.close`.
        seconds: After so much of the processor's time a call counts as endless.
        size: One of `minutes.SIZES`, where it is not the usual one of its kind.
        what_if: One more call, which a learner may look at after a right answer.
    """
    return lambda solution: FunctionExercise(
        solution, ask, hints, mistakes, size, cases, draw, given, tolerance, seconds, what_if
    )


def value(
    *,
    ask: str,
    hints: Sequence[str],
    mistakes: Sequence[Mistake],
    tolerance: float = TOLERANCE,
    unit: str = "",
    size: str | None = None,
) -> Callable:
    """Declare an exercise whose answer is a value: put this above a function that returns it.

    Its body, with `name = ` in place of `return `, is the solution that learners see. Arguments
    are as in `function`; `unit` is message when the answer is wrong.
    """

    def declare(solution):
        if needed := [*inspect.signature(solution).parameters]:
            raise LessonError(
                f"The solution `{solution.__name__}` of an exercise of a value has parameters "
                f"({', '.join(needed)}), but a check calls it without: let it load what it needs."
            )
        return ValueExercise(solution, ask, hints, mistakes, size, tolerance, unit)

    return declare


def measured(
    *,
    ask: str,
    measure: Callable[[Any], float],
    bar: float,
    what: str,
    hints: Sequence[str],
    mistakes: Sequence[Mistake],
    examine: Callable[[Any], Any] | None = None,
    size: str | None = None,
) -> Callable:
    """Declare an exercise whose answer must reach a bar: put this above a function that gets there.

    Args:
        ask, hints, size: As in `function`.
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
    return lambda solution: MeasuredExercise(
        solution, ask, hints, mistakes, size, measure, bar, what, examine
    )


def _cell_that_checks(name):
    """Return the text of the cell that runs, if it has the exercise's check; else None.

    It is kept, not the answer, since it can be put back: what is a number or a network tells
    nobody how it was found.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    typed = getattr(getattr(shell, "history_manager", None), "input_hist_raw", ())
    return typed[-1] if typed and f"lesson.{name}.check({name})" in typed[-1] else None


def _ends_with_check(cell, name):
    """Return whether a cell's last line is the check: then the notebook shows what it gives."""
    try:
        last = ast.parse(cell).body[-1]
    except SyntaxError:  # a magic command, which Python does not know
        return cell.rstrip().endswith(f".{name}.check({name})")
    return isinstance(last, ast.Expr) and f".{name}.check(" in ast.unparse(last)


def _empty(*_, **__): ...


def _several(values, kind, name):
    """Return the values of an exercise's declaration as a tuple, if each is of this kind."""
    if isinstance(values, list | tuple) and all(isinstance(each, kind) for each in values):
        return tuple(values)
    wanted = {str: "texts", Mapping: "dictionaries of arguments"}.get(kind, f"{kind.__name__}s")
    raise LessonError(f"`{name}` is {short(values)}, but should be a list of {wanted}.")


def _definition(function):
    """Return the lines of a function's text, and what Python reads in them."""
    try:
        source = textwrap.dedent(inspect.getsource(function))
        return source.splitlines(), ast.parse(source).body[0]
    except (OSError, SyntaxError, TypeError) as error:
        raise LessonError(
            "A solution is a function written with `def` in a file, so that its text can be shown."
        ) from error


def _returns(node):
    """Yield the `return`s of a function, without those of functions inside it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Return):
            yield child
        elif not isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            yield from _returns(child)


def _first_line(lines, function):
    """Return the index of the first line of a function's body, its comments included."""
    index = function.body[0].lineno - 1
    while index > function.lineno and lines[index - 1].strip().startswith("#"):
        index -= 1
    return index


def _size(case):
    """Return how large a case is: how many numbers it holds, then how large they are."""
    numbers = [np.ravel(each) for value in case.values() for each in _arrays_in(value)]
    return sum(map(len, numbers)), sum(float(np.abs(each).sum()) for each in numbers)


def _arrays_in(value):
    """Yield the arrays and numbers of an argument; text and functions have none."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _arrays_in(each)
    elif isinstance(value, np.ndarray | np.number | int | float):
        yield value


def _different(cases):
    """Return how many different cases there are."""
    found = []
    for case in cases:
        if not any(same(case, other, 0) for other in found):
            found.append(case)
    return len(found)


def _one_number(reached):
    numbers = to_numpy(reached)
    if numbers.size != 1 or numbers.dtype.kind == "c":
        raise KindError(f"One number is wanted, but {short(reached)} came.")
    return numbers.item()


def _copied_array(value):
    return copied(value) if isinstance(value, np.ndarray | list | dict) else value


def _with_names(function, names):
    """Call `function` with the names that its parameters ask for."""
    needed = inspect.signature(function).parameters
    missing = [name for name in needed if name not in (names or {})]
    if missing:
        raise LessonError(
            f"The solution of {function.__name__} needs the notebook's {', '.join(missing)}: "
            "run the cells above, and give `globals()`."
        )
    return function(**{name: names[name] for name in needed})
