"""Challenges of an explorer: something to find with its controls, checked by what it has drawn.

A lesson's module declares them, by the name of the explorer and a name of their own:

    CHALLENGES = challenges.Challenges(
        __name__,
        line={
            "steep": challenges.challenge(
                ask="Let the line rise by more than 0.8.",
                met=lambda rise: rise > 0.8,
                because="It rises by {rise:.2f}: as much as its slope, since it is 1 long.",
                solution={"slope": 0.9},
            ),
        },
    )

The drawing function returns its sentence and the facts: `return "A line.", {"rise": rise}`. The
notebook hands the challenges over: `explore.Explorer(draw, challenges=lesson.CHALLENGES["line"],
slope=…)`.
"""

import inspect
import re
import string
from collections.abc import Callable, Mapping

from dlcourse import progress
from dlcourse.answers import Feedback, Raised, guarded
from dlcourse.errors import LessonError, NoSuchNameError, expect_text, in_short

LEAST = 3  # of an explorer in a lesson
MOST = 0.6  # of the places, that may meet one: more are found without looking


class Challenge:
    """Something to find in an explorer; see the module.

    Attributes:
        ask, met, because, solution: See `challenge`.
        lesson, name: Where it belongs; `Challenges` fills them in.
        reason: What is said once it is met, with the numbers of that place; "" before.
    """

    def __init__(self, ask, met, because, solution):
        self.ask, self.met, self.because, self.solution = ask, met, because, solution
        self.lesson = self.name = self.reason = ""

    def judge(self, facts) -> Feedback:
        """Return whether a place with these facts meets it, without a word to anybody else.

        Its outcome is "right", "not tried", or "raised" if that cannot be told.
        """
        try:
            reason = guarded(lambda: self._reason(facts))
        except Raised as raised:
            message = f"{self.ask}\n{raised.message}"
            return Feedback("raised", message, raised.code, "This cannot be judged here. ")
        return self._told(reason)

    def look(self, facts) -> Feedback:
        """Judge a place; keep it if it is the first to meet the challenge, which then stays met."""
        feedback = self.judge(facts)
        if feedback.outcome == "right" and not self.reason:
            self.reason = self._reason(facts)
            progress.record(self.lesson, self.name, "challenge", "met", self.reason)
        return feedback

    def standing(self) -> Feedback:
        """Return whether it has been met."""
        return self._told(self.reason)

    def _told(self, reason):
        if reason:
            return Feedback("right", f"{self.ask}\n{reason}", heading="Met. ")
        return Feedback("not tried", self.ask, heading="Challenge. ")

    def _reason(self, facts):
        """Return why a place with these facts meets it, or "" if it does not."""
        needed = inspect.signature(self.met).parameters
        if missing := [name for name in needed if name not in facts]:
            raise LessonError(
                f"The goal needs {', '.join(missing)}, but the drawing function returns "
                f"{', '.join(facts) or 'no facts beside its sentence'}."
            )
        if not self.met(**{name: facts[name] for name in needed}):
            return ""
        return self.because.format(**facts)


class Challenges(Mapping):
    """The challenges of one lesson: a tuple for each explorer, by its name.

    Args:
        module: `__name__` of the lesson's module.
        explorers: {a name: `challenge(…)`}, by the explorer's name.

    Raises:
        LessonError: What is declared is something else.
    """

    def __init__(self, module, **explorers):
        self._by_name = {}
        lesson = expect_text(module, "module").rpartition(".")[2]
        for explorer, asked in explorers.items():
            if not isinstance(asked, Mapping) or not all(
                isinstance(each, Challenge) for each in asked.values()
            ):
                raise LessonError(
                    f"The challenges of {explorer} are {in_short(asked)}, but should be "
                    "{a name: challenges.challenge(…)}."
                )
            for name, each in asked.items():
                each.lesson, each.name = lesson, f"{explorer}.{name}"
            self._by_name[explorer] = tuple(asked.values())

    def __getitem__(self, name):
        if not isinstance(name, str) or name not in self._by_name:
            raise NoSuchNameError(
                f"No explorer {in_short(name)} has challenges. There are: {', '.join(self)}."
            )
        return self._by_name[name]

    def __iter__(self):
        return iter(self._by_name)

    def __len__(self):
        return len(self._by_name)


def challenge(*, ask: str, met: Callable, because: str, solution: Mapping) -> Challenge:
    """Declare a challenge; see the module.

    Args:
        ask: What to find, with a number where one belongs, and no word about where.
        met: Function of some of the facts, by their names, that says whether a place meets it.
        because: What this place teaches, shown once it is met; `{fact:.2f}` is its number there.
        solution: {control: value}, a place that meets it: only tests go there. A list or a range
            of values says that one of them does: what training gives is not known beforehand.

    Raises:
        LessonError: One of them is something else.
    """
    for name, text in (("ask", ask), ("because", because)):
        if not isinstance(text, str) or not text.strip():
            raise LessonError(f"`{name}` of a challenge is {in_short(text)}, but should be text.")
        expect_text(text, name)
    for fact in _facts(because):
        if not fact.isidentifier():
            raise LessonError(
                f"`because` of a challenge has {{{fact}}}, which names no fact. Write {{{{ and "
                "}} where braces are meant, as in formulas."
            )
    if not callable(met):
        raise LessonError(
            f"`met` is {in_short(met)}, but should be a function of facts: "
            "lambda accuracy: accuracy > 0.9."
        )
    if not isinstance(solution, Mapping) or not solution:
        raise LessonError(
            f"`solution` is {in_short(solution)}, but should be a place that meets the challenge: "
            "{control: value}."
        )
    return Challenge(ask, met, because, dict(solution))


def _facts(because):
    """Return what stands between the braces of a text: the names of facts."""
    try:
        parts = [*string.Formatter().parse(because)]
    except ValueError as error:
        raise LessonError(f"`because` of a challenge cannot be filled in: {error}.") from error
    return [re.split(r"[.\[]", name)[0] for _, name, _, _ in parts if name is not None]


def recall(asked) -> None:
    """Mark the challenges that were met before, in an earlier kernel too."""
    reasons = {
        (attempt.lesson, attempt.item): attempt.answer
        for lesson in {each.lesson for each in asked}
        for attempt in progress.attempts(lesson)
        if attempt.kind == "challenge"
    }
    for each in asked:
        each.reason = each.reason or reasons.get((each.lesson, each.name), "")


def faults(asked, start, solutions, places) -> list[str]:
    """Return what is wrong with an explorer's challenges, a sentence each; none if they are sound.

    Each must be met by its solution, by no start, by few of the places, and by others than the
    next one is.

    Args:
        asked: The challenges.
        start: Facts of the place where the controls start.
        solutions: Facts at each challenge's solution, in their order.
        places: Facts at places drawn at random.
    """
    faults, met_by = [], {}
    if not places:
        raise LessonError("Challenges are judged by places drawn at random, but there are none.")
    if len(asked) < LEAST:
        faults.append(f"it has {len(asked)} challenges, but should have {LEAST}")
    for number, each in enumerate(asked):
        judged = [each.judge(facts) for facts in (start, *solutions, *places)]
        if raised := [feedback for feedback in judged if feedback.outcome == "raised"]:
            faults.append(f"{each.name}: {raised[0]}")
            continue
        met = tuple(feedback.outcome == "right" for feedback in judged)
        share = sum(met[-len(places) :]) / len(places)
        if not met[1 + number]:
            faults.append(f"{each.name} is not met by its solution")
        if met[0]:
            faults.append(f"{each.name} is met where the controls start")
        if share > MOST:
            faults.append(f"{each.name} is met by {share:.0%} of all places")
        if met in met_by:
            faults.append(f"{each.name} is met where {met_by[met]} is, and nowhere else")
        met_by[met] = each.name
    return faults
