"""Which lessons there are, what each says of itself and builds on, and the pages that list them."""

import ast
import importlib.util
import math
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from dlcourse import glossary as terms_of  # `glossary` and `lessons` are functions here
from dlcourse import lessons as stores
from dlcourse import minutes, runtime
from dlcourse.errors import LessonError, in_short
from dlcourse.outputs import has_tag

PACKAGE = Path(__file__).parent
PARTS = {
    "0": "Start",
    "1": "Basics",
    "2": "CNNs",
    "3": "RNNs",
    "4": "GANs",
    "5": "Transfer learning",
    "6": "Interpretability",
    "7": "Practice",
    "9": "The article",
}


class Measured(NamedTuple):
    """What the build measured: time with the kernel's start, peak memory (10⁶ bytes), cores.

    `slowest_explorer_seconds` is how long a slider waits for its picture. `peak_own_memory_mb`
    leaves out pages of files, which kernels share and the system can drop.
    """

    seconds: float
    slowest_cell_seconds: float
    slowest_explorer_seconds: float
    peak_memory_mb: float
    peak_own_memory_mb: float
    cores: int

    def sentence(self, study_minutes) -> str:
        """Return the sentence for the lesson's first cell."""
        words = ("no cores", "one core", "two cores", "three cores", "four cores")
        cores = words[self.cores] if self.cores < len(words) else f"{self.cores} cores"
        return (
            f"Study about {study_minutes} min; the notebook runs in {math.ceil(self.seconds)} s on "
            f"{cores} and peaks at {round(self.peak_memory_mb, -1):.0f} MB (measured by the build)."
        )


@dataclass(frozen=True)
class Lesson:
    """A lesson: its number, its slug, the text that an author edits and the notebook built from it.

    All else that is the lesson's lies in its `folder`; its facts are read from `__init__.py` there
    without running it.
    """

    number: str
    slug: str
    source: Path
    notebook: Path

    @property
    def folder(self) -> Path:
        """Folder of its facts, exercises, quiz, seed band and recorded runs."""
        return stores.FOLDER / self.slug

    @property
    def text(self) -> str:
        """What its author has written; see `text_of`."""
        return text_of(self.source)

    @cached_property
    def _module(self):
        """Its module, read but not run."""
        path = self.folder / "__init__.py"
        if not path.exists():
            raise LessonError(
                f"Lesson {self.number} has a text, {self.source.name}, but no {path}. "
                "`dlcourse new` shows what it must contain."
            )
        return ast.parse(text_of(path))

    @cached_property
    def _facts(self):
        return {
            statement.targets[0].id: statement.value
            for statement in self._module.body
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
        }

    def _fact(self, name):
        facts = self._facts
        try:
            return ast.literal_eval(facts[name])
        except (KeyError, ValueError):
            raise LessonError(
                f"dlcourse/lessons/{self.slug}/__init__.py needs a line `{name} = …` with a plain "
                "value."
            ) from None

    @property
    def title(self) -> str:
        """Title, as in the head cell."""
        return self._fact("TITLE")

    @cached_property
    def study_minutes(self) -> int:
        """Minutes that a learner needs, by the rule of `minutes`."""
        return minutes.study_minutes(self.text, self._module)

    @cached_property
    def sizes(self) -> dict:
        """The size of each exercise, {name: one of minutes.SIZES}."""
        return minutes.sizes(self._module)

    @property
    def needs(self) -> tuple:
        """Numbers of the lessons to do first."""
        return self._fact("NEEDS")

    @property
    def data(self) -> tuple:
        """Names of the datasets it uses."""
        return self._fact("DATA")

    @property
    def slugs(self) -> tuple:
        """Its slug and those it had before (FORMERLY): of learners' copies and attempts."""
        return self.slug, *(self._fact("FORMERLY") if "FORMERLY" in self._facts else ())

    @property
    def part(self) -> str:
        """Name of the course's part: the number's first digit says which."""
        return PARTS[self.number[0]]

    @property
    def measured(self) -> Measured | None:
        """What the build measured, or None before the first build."""
        facts = self.built
        if not facts.keys() >= set(Measured._fields):
            return None
        return Measured(*(facts[name] for name in Measured._fields))

    @property
    def size_bytes(self) -> int:
        """Size of the stored notebook; 0 before the first build."""
        return self.notebook.stat().st_size if self.notebook.exists() else 0

    def stored(self) -> dict:
        """Return the stored notebook's JSON; {} if there is none or a merge has damaged it."""
        return notebook_at(self.notebook)

    @property
    def built(self) -> dict:
        """What the build noted in the stored notebook; {} before the first build."""
        return self.stored().get("metadata", {}).get("dlcourse", {})

    def __str__(self):
        return f"Lesson {self.number} ({self.slug})"


def text_of(path) -> str:
    """Return the text of one of the course's files.

    Raises:
        LessonError: There is none, or it is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # a UnicodeDecodeError is one
        raise LessonError(
            f"{path} cannot be read as text ({error}). `git checkout -- {path.name}` in its folder "
            "brings back the course's own."
        ) from error


def notebook_at(path) -> dict:
    """Return a notebook's JSON; {} if there is none at the path, or none that can be read."""
    try:
        found = runtime.read_json(path)
    except (OSError, ValueError):
        return {}
    return found if _is_notebook(found) else {}


def _is_notebook(found):
    """Return whether JSON has the parts of a notebook that are read here and by the build."""
    if not isinstance(found, dict) or not isinstance(cells := found.get("cells"), list):
        return False
    notes = found.get("metadata", {})
    if not isinstance(notes, dict) or not isinstance(notes.get("dlcourse", {}), dict):
        return False
    needed = {"markdown": {"source"}, "code": {"source", "execution_count"}}
    return all(
        isinstance(cell, dict) and cell.keys() >= needed.get(str(cell.get("cell_type")), set())
        for cell in cells
    )


def folder() -> Path:
    """Return the course's folder, the one that holds `notebooks/source`.

    The environment variable DLCOURSE_COURSE decides if it is set; else it is the clone that this
    package lies in; else the current folder or one above it.

    Raises:
        LessonError: None of them holds `notebooks/source`.
    """
    if named := runtime.path_variable("DLCOURSE_COURSE"):
        candidates = [named]
    else:
        candidates = [PACKAGE.parent]
        with suppress(FileNotFoundError):  # the current folder is gone
            candidates += [Path.cwd(), *Path.cwd().parents]
    for path in candidates:
        if (path / "notebooks" / "source").is_dir():
            return path
    raise LessonError(
        f"{named or 'The current folder'} holds no folder `notebooks/source`. Go to a clone of the "
        "course, or set the environment variable DLCOURSE_COURSE to one."
    )


def lessons() -> list[Lesson]:
    """Return every lesson, by number: one for each text `notebooks/source/NN_slug.py`."""
    return [of_text(path) for path in sorted(sources().glob("[0-9][0-9]_*.py"))]


def sources() -> Path:
    """Return the folder of the lessons' texts."""
    return folder() / "notebooks" / "source"


def of_text(source) -> Lesson:
    """Return the Lesson whose text is at the path `source`.

    Raises:
        LessonError: Its number names no part of the course.
    """
    number, _, slug = source.stem.partition("_")
    if number[0] not in PARTS:
        raise LessonError(f"{source.name}: there is no part {number[0]}. Name it in PARTS.")
    return Lesson(number, slug, source, source.parents[1] / f"{source.stem}.ipynb")


def find(numbers=()) -> list[Lesson]:
    """Return the lessons with these numbers, such as ("11", "21"), by number; all if none is given.

    Raises:
        LessonError: A number that no lesson has; the message lists those there are.
    """
    if not isinstance(numbers, list | tuple):
        raise LessonError(
            f"Lessons are asked for by a list of their numbers, such as ['11', '21'], not by a "
            f"{type(numbers).__name__}."
        )
    numbers = [number if isinstance(number, str) else in_short(number) for number in numbers]
    there = {lesson.number: lesson for lesson in lessons()}
    if missing := [number for number in numbers if number not in there]:
        raise LessonError(
            f"There is no lesson {', '.join(missing)}. There are: {', '.join(there) or 'none yet'}."
        )
    return [lesson for number, lesson in there.items() if number in numbers or not numbers]


def builds_on(lesson) -> list[Lesson]:
    """Return the lessons that `lesson` builds on, those it names and theirs, the nearest first."""
    earlier, waiting = {}, list(lesson.needs)
    while waiting:
        number = waiting.pop(0)
        if number not in earlier:
            (earlier[number],) = find([number])
            waiting += earlier[number].needs
    return list(earlier.values())


def for_teachers(lesson) -> list[str]:
    """Return the texts of the stored notebook's cells tagged `instructor`."""
    cells = lesson.stored().get("cells", ())
    return ["".join(cell["source"]) for cell in cells if has_tag(cell, "instructor")]


def module(lesson, name="") -> ModuleType:
    """Return a module of the lesson from the folder it was found in.

    Args:
        lesson: One of `lessons()`.
        name: Such as "record"; without one it is the lesson's own, with its exercises and quiz.
    """
    path = lesson.folder / f"{name or '__init__'}.py"
    full_name = f"dlcourse.lessons.{lesson.slug}" + (f".{name}" if name else "")
    spec = importlib.util.spec_from_file_location(full_name, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def glossary() -> terms_of.Terms:
    """Return every term that a lesson defines, by the alphabet."""
    found = (term for lesson in lessons() for term in terms_of.terms(lesson))
    return terms_of.Terms(sorted(found, key=lambda term: term.name.lower()))


def notation() -> tuple:
    """Return (symbol, meaning, shape, numbers of lessons) of the lessons' symbols, by the alphabet.

    A letter that means several things has several rows.
    """
    numbers = {}
    for lesson in lessons():
        for symbol in terms_of.symbols(lesson):
            numbers.setdefault(symbol[:3], []).append(lesson.number)
    rows = sorted(numbers.items(), key=lambda row: (row[0][0].lower(), row[0][0].islower(), row[1]))
    return tuple((*symbol, ", ".join(found)) for symbol, found in rows)


# Pages that list the lessons -------------------------------------------------------------------


def filled(page, text) -> str:
    """Return a page's text with what the lessons' folders say between its marks; see `PAGES`.

    Raises:
        LessonError: The marks are not there.
    """
    for name, part in PAGES[page].items():
        lines, last = text.splitlines(), f"<!-- end of {name} -->"
        starts = [i for i, line in enumerate(lines) if line.startswith(f"<!-- {name}:")]
        if not starts or last not in lines[starts[0] :]:
            raise LessonError(f"{page} needs the lines `<!-- {name}: … -->` and `{last}`.")
        end = lines.index(last, starts[0])
        text = "\n".join([*lines[: starts[0] + 1], *part(), *lines[end:]]) + "\n"
    return text


def costs(lesson) -> tuple:
    """Return minutes, seconds and memory of a lesson as text; dashes before its first build."""
    measured = lesson.measured
    shown = (f"{measured.seconds:.0f} s", f"{measured.peak_memory_mb:.0f} MB") if measured else "––"
    return f"{lesson.study_minutes} min", *shown


def _lines_by_part():
    """Yield a list of the lessons, part by part, with links."""
    yield ""
    for part, of_part in groupby(lessons(), key=lambda lesson: lesson.part):
        yield f"- **{part}**"
        for lesson in of_part:
            yield f"  - {lesson.number} [{lesson.title}](notebooks/{lesson.notebook.name})"
    yield ""


def _table(rows):
    return [f"| {' | '.join(row)} |" for row in rows]


def _rows_of_costs():
    yield "", "Lesson", "Study", "Runs in", "Memory", "Its own"
    yield "---", "---", "---:", "---:", "---:", "---:"
    for lesson in lessons():
        link = f"[{lesson.title}](../notebooks/{lesson.notebook.name})"
        own = f"{lesson.measured.peak_own_memory_mb:.0f} MB" if lesson.measured else "–"
        yield lesson.number, link, *costs(lesson), own


def _rows_of_results():
    yield "", "What", "Score, over seeds", "Baseline", "Weights", "Training"
    yield "---", "---", "---", "---", "---:", "---:"
    for lesson in lessons():
        if facts := stores.headline(lesson.slug):
            yield (
                lesson.number,
                facts["what"],
                str(stores.band(lesson.slug)),
                f"{facts['baseline']:.3f} ({facts['baseline_name']})",
                f"{facts['parameters']:,}".replace(",", " "),
                f"{facts['seconds']:.1f} s" if facts["seconds"] else "none",
            )


def _runs_of_show():
    """Yield the lines of every lesson's cells for teachers."""
    for lesson in lessons():
        yield ""
        yield f"### {lesson.number} · [{lesson.title}](../notebooks/{lesson.notebook.name})"
        for text in for_teachers(lesson):
            yield from (line for line in text.splitlines() if not line.startswith("#"))


def _lines_of_terms():
    for term in glossary():
        link = f"[{term.place}](../notebooks/{term.lesson.notebook.name})"
        yield f"- **{term.title}**: {term.means} {link}"


def _rows_of_symbols():
    yield "Symbol", "What it is", "Shape", "Lessons"
    yield "---", "---", "---", "---"
    yield from notation()


PAGES = {  # what `dlcourse build` writes, between marks, into pages that people write
    "README.md": {"lessons": _lines_by_part},
    "docs/lessons.md": {
        "costs": lambda: _table(_rows_of_costs()),
        "results": lambda: _table(_rows_of_results()),
    },
    "docs/teach.md": {"runs of show": _runs_of_show},
    "docs/glossary.md": {
        "terms": lambda: ["", *_lines_of_terms(), ""],
        "symbols": lambda: ["", *_table(_rows_of_symbols()), ""],
    },
}
