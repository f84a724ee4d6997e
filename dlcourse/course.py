"""The course as a whole, for a learner: its map, questions that come back, the machine."""

import html
import time
from difflib import get_close_matches
from itertools import groupby
from pathlib import Path

from dlcourse import catalogue, doctor, predictions, progress, quiz, results
from dlcourse.arrays import expect_number
from dlcourse.errors import LessonError, expect_text, in_short
from dlcourse.exercise import Exercise
from dlcourse.glossary import Term, Terms

SYMBOLS = {"done": "●", "begun": "◐", "": "○"}
QUESTIONS = 2  # that come back at the start of a lesson
# A question is due so long after its last answer, by how many were right in a row.
DAYS = (0, 1, 3, 7, 21)
DAY_SECONDS = 24 * 60 * 60
LEAST_GUESSES = 5  # for a picture of how sure they were

_brought = {}  # {(slug, name): how often a question was brought back, as far as this kernel knows}


def exercises(lesson) -> dict:
    """Return a lesson's exercises, {name: Exercise}, in their order."""
    return _exercises_and_questions(lesson)[0]


def questions(lesson) -> dict:
    """Return a lesson's quiz questions, {name: Question}, in their order."""
    return _exercises_and_questions(lesson)[1]


def _exercises_and_questions(lesson):
    module = catalogue.module(lesson)
    found = {name: it for name, it in vars(module).items() if isinstance(it, Exercise)}
    return found, dict(getattr(module, "QUIZ", {}))


def _no_clone():
    """Return why there is no course here, as where a notebook lies alone; "" where there is one."""
    try:
        catalogue.folder()
    except LessonError as error:
        return f"No clone of the course here. {error}"
    return ""


class Standing:
    """What this learner has done of a lesson: `done` items of `all`, and one word for it.

    Args:
        lesson: One of `catalogue.lessons()`.
        kept: What `progress.attempts()` gave; None reads it.
    """

    def __init__(self, lesson, kept=None):
        kept = progress.attempts() if kept is None else kept
        names = set().union(*_exercises_and_questions(lesson))
        done = set().union(*(progress.done(slug, kept) for slug in lesson.slugs))
        self.done, self.all = len(done & names), len(names)
        self.word = "done" if self.all and self.done == self.all else "begun" if self.done else ""

    def __str__(self):
        return f"{self.done}/{self.all}"


class Map:
    """Every lesson: its minutes, what it builds on, what this learner has done. See `map`."""

    def __init__(self):
        self.no_clone = _no_clone()
        kept, lessons = progress.attempts(), [] if self.no_clone else catalogue.lessons()
        rows = [(lesson, Standing(lesson, kept)) for lesson in lessons]
        by_part = groupby(rows, key=lambda row: row[0].part)
        self.parts = [(part, list(rows)) for part, rows in by_part]

    def __str__(self):
        lines = [self.no_clone] if self.no_clone else []
        for part, rows in self.parts:
            lines.append(part)
            for lesson, standing in rows:
                after = f", after {', '.join(lesson.needs)}" if lesson.needs else ""
                lines.append(
                    f"  {SYMBOLS[standing.word]} {lesson.number} {lesson.title} "
                    f"({lesson.study_minutes} min{after}): {standing} done"
                )
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_mimebundle_(self, include=None, exclude=None):
        text = {"text/plain": str(self)}
        return text if self.no_clone else text | {"text/html": self._html()}

    def _html(self):
        """Return the map as a table with links that JupyterLab opens beside this notebook."""
        lines = []
        for part, rows in self.parts:
            lines.append(
                f'<tr><th colspan="5" scope="rowgroup" style="text-align: left">'
                f"{html.escape(part)}</th></tr>"
            )
            lines += [self._html_row(*row) for row in rows]
        heads = "".join(
            f'<th scope="col" style="text-align: left">{head}</th>'
            for head in ("Number", "Lesson", "Study", "Builds on", "Exercises and questions done")
        )
        return (
            f"<table><thead><tr>{heads}</tr></thead>\n<tbody>\n"
            + "\n".join(lines)
            + "\n</tbody></table>"
        )

    def _html_row(self, lesson, standing):
        title = html.escape(lesson.title)
        link = f'<a href="{lesson.notebook.name}">{title}</a>'
        bar = (
            f'<progress value="{standing.done}" max="{max(1, standing.all)}" '
            f'aria-label="{title}"></progress>'
        )
        cells = (
            lesson.number,
            link,
            f"{lesson.study_minutes} min",
            f"after {', '.join(lesson.needs)}" if lesson.needs else "",
            f"{bar} {standing}",
        )
        return (
            "<tr>"
            + "".join(f'<td style="text-align: left">{cell}</td>' for cell in cells)
            + "</tr>"
        )


def map() -> Map:
    """Return the course map; it shows as a table in a notebook and as text elsewhere.

    Example:
        >>> print(course.map())
        Start
          ○ 00 Your first network in ten lines (... min): 0/... done
        ...
    """
    return Map()


class Review:
    """Questions of earlier lessons that are due again. See `review`."""

    def __init__(self, questions, no_clone=""):
        self.questions, self.no_clone = questions, no_clone

    def __str__(self):
        if self.no_clone:
            return f"Nothing to bring back. {self.no_clone}"
        if not self.questions:
            return "Nothing to bring back yet: no earlier lesson has questions."
        return "\n\n".join(
            f"From lesson {lesson.number}. {_told(lesson, question)}"
            for lesson, question in self.questions
        )

    __repr__ = __str__

    def _repr_mimebundle_(self, include=None, exclude=None):
        text = {"text/plain": str(self)}
        if not self.questions:
            return text
        headings = [f"From lesson {lesson.number}, {lesson.title}" for lesson, _ in self.questions]
        box = quiz.together([question for _, question in self.questions], headings)
        return box._repr_mimebundle_() | text


def _told(lesson, question):
    return str(question).replace("lesson.QUIZ", f'course.quiz_of("{lesson.number}")')


def quiz_of(number) -> quiz.Quiz:
    """Return the Quiz of a lesson, so that a question can be answered in code.

    A question that was brought back asks what it asked then.
    """
    (lesson,) = catalogue.find([number])
    found = catalogue.module(lesson).QUIZ
    for name, question in found.items():
        question.take(-_brought.get((lesson.slug, name), 0))
    return found


def review(number, now=None) -> Review:
    """Bring back questions of the lessons that lesson `number` builds on, those due first.

    A question that was never answered, or last answered wrong, is due at once; each right answer in
    a row lets it rest longer. Where nothing is due, those that were answered longest ago come. Of
    equally urgent ones, those come that were skipped least often, then those of the latest lesson:
    a learner who skips two questions meets two others the next time. A question that draws its
    numbers comes with new ones each time.

    Args:
        number: The lesson that begins, such as "21".
        now: Moment in seconds since 1970; the clock's if None.

    Example:
        >>> len(course.review("21").questions)
        2
    """
    if no_clone := _no_clone():
        return Review([], no_clone)
    now = time.time() if now is None else now
    expect_number(now, "now")
    (lesson,) = catalogue.find([number])
    candidates, kept = [], progress.attempts()
    for earlier in catalogue.builds_on(lesson):
        asked = list(questions(earlier).items())
        first = int(number) % max(1, len(asked))  # each lesson begins with another question
        for place, (name, question) in enumerate(asked[first:] + asked[:first]):
            own = [it for it in kept if it.lesson in earlier.slugs and it.item == name]
            answers = [attempt for attempt in own if attempt.kind == "quiz"]
            due = _due(answers)
            since = answers[-1].moment if answers else 0
            skipped = sum(attempt.kind == "review" and attempt.moment > since for attempt in own)
            # What was answered before goes first, what waits longest before the rest.
            urgency = max(0, due - now), skipped, due or now, -int(earlier.number), place
            shown = sum(attempt.kind == "review" for attempt in own)
            candidates.append((urgency, earlier, question, shown))
    candidates.sort(key=lambda candidate: candidate[0])
    chosen = []
    for _, earlier, question, shown in candidates[:QUESTIONS]:
        chosen.append((earlier, question))
        at = earlier.slug, question.name
        _brought[at] = 1 + max(shown, _brought.get(at, 0))
        question.take(-_brought[at])  # from the last one down: the lesson goes up from the first
        progress.record(earlier.slug, question.name, "review", "shown")
    return Review(chosen)


def _due(answers):
    """Return the moment at which a question is due again; 0 if it never was answered."""
    if not answers:
        return 0.0
    row = 0
    for attempt in reversed(answers):
        if attempt.outcome != "right":
            break
        row += 1
    return answers[-1].moment + DAYS[min(row, len(DAYS) - 1)] * DAY_SECONDS


class Guesses:
    """How often this learner's guesses were right, and how sure they were. See `guesses`."""

    def __init__(self, here, all_of_them):
        self.here, self.all = here, all_of_them

    def __str__(self):
        if not self.all:
            return "No guess yet. Cells that ask you to predict keep what you guess."
        lines = [_in_words("In this lesson", self.here), _in_words("In the whole course", self.all)]
        return "\n".join(filter(None, lines))

    __repr__ = __str__


def _in_words(where, kept):
    if not kept:
        return f"{where}: no guess yet."
    right, sure = sum(it.right for it in kept), sum(it.sure for it in kept)
    return (
        f"{where}: {right} of {len(kept)} guesses were right. You were {sure / len(kept):.0%} sure "
        f"on average, and {right / len(kept):.0%} were right."
    )


def guesses(number) -> Guesses:
    """Return how often the learner's guesses were right; draw how sure they were, beside it.

    Args:
        number: The lesson, such as "21".

    Example:
        >>> course.guesses("21")
        No guess yet. Cells that ask you to predict keep what you guess.
    """
    slugs = () if _no_clone() else catalogue.find([number])[0].slugs
    found = predictions.guesses(progress.attempts())
    if len(found) >= LEAST_GUESSES:
        _draw_guesses(found)
    return Guesses([it for it in found if it.lesson in slugs], found)


def _draw_guesses(found):
    from dlcourse import plot

    levels = sorted({guess.sure for guess in found})
    rights = [[guess.right for guess in found if guess.sure == level] for level in levels]
    shares = [sum(right) / len(right) for right in rights]
    _, axes = plot.plt.subplots(figsize=(4.2, 3.8))
    axes.plot([0, 1], [0, 1], "--", color="gray", label="as sure as right")
    axes.plot(levels, shares, "o", label="your guesses")
    for level, share, right in zip(levels, shares, rights):
        axes.annotate(f" {len(right)}", (level, share))
    axes.set(
        title="Your guesses in the course, with their number", xlim=(0, 1.08), ylim=(-0.04, 1.04)
    )
    axes.set(xlabel="how sure you were", ylabel="share that was right")
    axes.legend()
    told = [
        f"{level:.0%} sure: {sum(right)} of {len(right)} right"
        for level, right in zip(levels, rights)
    ]
    plot.describe(f"Your guesses. {'; '.join(told)}.", axes.figure)


def glossary(term=None) -> Term | Terms:
    """Return what a term of the field means and which lesson defines it; all of them if None.

    Args:
        term: What a text calls it, such as "epoch" or "Epochs".

    Raises:
        LessonError: No lesson defines it; the message names terms that are spelled alike.

    Example:
        >>> course.glossary("Epochs")
        epoch (also: epochs): One pass over all training examples.
          Lesson 00, 1 · Ten lines
    """
    known = catalogue.glossary()
    if term is None:
        return known
    forms = {form.lower(): each for each in known for form in each.forms}
    asked = " ".join(expect_text(term, "term").split()).lower()
    if asked in forms:
        return forms[asked]
    alike = {forms[form].name: None for form in get_close_matches(asked, forms)}  # each once
    advice = f"Did you mean {', '.join(alike)}? " if alike else ""
    raise LessonError(
        f"No lesson defines {in_short(term)}. {advice}`course.glossary()` lists all terms."
    )


def notation() -> results.Table:
    """Return a Table of the letters in the lessons' formulas, with what they mean in which lesson.

    Example:
        >>> course.notation().columns
        ('symbol', 'what it is', 'shape', 'lessons')
    """
    return results.Table(("symbol", "what it is", "shape", "lessons"), catalogue.notation())


def machine() -> results.Table:
    """Return a Table that says whether this machine is ready: the start of `dlcourse doctor`.

    Example:
        >>> course.machine().columns
        ('part', 'state', 'what to do')
    """
    checks = {
        "python": doctor.python,
        "kernel": doctor.kernel,
        "memory": doctor.memory,
        "disk": doctor.disk,
        "data": doctor.checksums,
    }
    rows = []
    for name, check in checks.items():
        bad = [each for each in _findings(name, check) if each.state != "ok"]
        rows += [(each.name, each.state, each.fix) for each in bad] or [(name, "ok", "")]
    return results.Table(("part", "state", "what to do"), tuple(rows))


def _findings(name, check):
    try:
        return list(check(Path.cwd() if _no_clone() else catalogue.folder()))
    except Exception as error:  # whatever is broken here is what the table is for
        fix = f"In a terminal: `dlcourse doctor`. {type(error).__name__}: {error}"
        return [doctor.Finding(name, "problem", "", fix=fix)]
