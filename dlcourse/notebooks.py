"""The lessons as files: find them, build a notebook from its text, run it, begin a new one."""

import ast
import hashlib
import importlib.util
import json
import math
import os
import re
import statistics
import tempfile
import time
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from keyword import iskeyword
from pathlib import Path
from queue import Empty
from typing import NamedTuple

from dlcourse import data, runtime
from dlcourse import lessons as recorded  # `lessons` is a function here
from dlcourse.errors import LessonError

# jupytext, nbclient and nbformat are imported where they are used: they take a second and more,
# and a list of the lessons does without.

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
TAGS = (
    *("exercise", "explorer", "instructor", "parameters", "predict", "quiz", "raises-exception"),
    "recipe",  # a benchmark executes this cell too
    "headline",  # its result is measured over several seeds
)
NOTEBOOK_BUDGET_SECONDS = 60
CELL_BUDGET_SECONDS = 30
EXPLORER_BUDGET_SECONDS = 0.1  # later than that, a slider feels stuck
COURSE_BUDGET_SECONDS = 15 * 60
MEMORY_BUDGET_MB = 1200
STORED_BUDGET_MB = 1.5
CELL_TIMEOUT_SECONDS = 600  # twenty budgets: a busy machine may take longer, an endless loop not
NO_OUTPUT_DEPENDS_ON = (
    *("cli.py", "doctor.py", "lab.py", "notebooks.py", "progress.py", "workshop.py"),
    *("lessons", "datasets"),  # except a lesson's own
)
CHECK = re.compile(r"(?m)^lesson\.(\w+)\.check\(\1\)$")
PRINT_HEADLINE = """
import dataclasses, json
print(json.dumps(dataclasses.asdict(headline)))"""
PROOF_OF_EXERCISE = """\
said = lesson.{name}.check({name})
faults = lesson.{name}.faults(globals())
if said.outcome != "right" or faults:
    raise RuntimeError(f"{{said}}; {{faults}}")"""
PROOF_OF_EXPLORER = """
if faults := {name}.faults():
    raise RuntimeError(faults)"""
HIDDEN = {  # stored closed; JupyterLab opens an output by itself when its cell is run
    "predict": {"outputs_hidden": True},  # an answer that can be seen is not predicted
    "instructor": {"source_hidden": True},
}
# Of a hidden output JupyterLab shows the first line, which may be the answer: this one is empty.
CURTAIN = {"output_type": "display_data", "data": {"text/plain": ""}, "metadata": {}}
QUICK = re.compile(r"(?m)^(\s*\w+ *= *).*? *# quick: *(.+)$")
HOUSE_NOTE = re.compile(r"(?m) *# (quick: .*|fmt: skip)$")  # for authors, not for learners
MEASURED = "{measured}"  # the line of a head cell that the build fills in
STEADY = {  # what differs between two machines or runs, and what is stored in its place
    r"\S*ipykernel_\d+[/\\]\d+\.py": "cell.py",
    r"(?:(?<![\w:/.~])|(?<=\dm))(?:~|[A-Za-z]:)?(?:[/\\][\w.@+-]+)*[/\\]"
    r"(?=(?:dlcourse|site-packages|python3\.\d+)[/\\])": "",
    r" at 0x[0-9a-fA-F]{6,}": " at 0x…",
}
NEW_MODULE = """\
\"\"\"Facts, exercises and quiz of notebooks/*_{slug}.ipynb.\"\"\"

from dlcourse import exercise, quiz
from dlcourse.exercise import Mistake

TITLE = {title}
STUDY_MINUTES = 30
NEEDS = ()
DATA = ()
FRAMEWORKS = ()


def _the_height(place):
    return place**2


@exercise.function(
    ask="Return the slope of the parabola at `place`.",
    cases=[{{"place": 1.0}}, {{"place": -0.5}}],
    hints=(
        "Look at the figure: is the slope at -0.5 positive or negative?",
        "Twice the place: `2 * place`.",
    ),
    mistakes=[Mistake("That is the height of the curve. How steep is it?", _the_height)],
)
def slope_at(place):
    return 2 * place


def _uphill(place, step):
    return place + step * 2 * place


def _one_step_for_all(place, step):
    return place - step


@exercise.function(
    ask="Fix the function: one step has to bring us closer to the lowest point.",
    cases=[{{"place": 1.0, "step": 0.1}}, {{"place": -0.5, "step": 0.25}}],
    hints=(
        "Start at 1 and take one step. Are you closer to 0?",
        "Where the curve rises, you have to go back: what is the sign of the step?",
    ),
    given=_uphill,
    mistakes=[
        Mistake("Your step goes uphill. Which way does the slope point?", _uphill),
        Mistake("Your step is always the same. It should grow with the slope.", _one_step_for_all),
    ],
)
def downhill(place, step):
    return place - step * 2 * place


def _rule_at_one():
    return 2.0


@exercise.value(
    ask="Put the place where the slope is 3 into `steep_place`.",
    hints=("Twice which number is 3?", "Half of 3."),
    mistakes=[Mistake("The slope there is 4.", _rule_at_one)],
)
def steep_place():
    return 3 / 2


QUIZ = quiz.Quiz(
    __name__,
    flat=quiz.choice(
        "Where is the slope of a parabola 0?",
        right="at its lowest point",
        because="Left of it the curve falls, right of it it rises.",
        wrong={{
            "nowhere, because it is curved everywhere": "A curve can be level at one point.",
            "at both ends": "It is steepest there.",
        }},
    ),
    sign=quiz.choice(
        "The slope at a point is -3. Which way is downhill?",
        right="to the right",
        because="A negative slope falls from left to right.",
        wrong={{
            "to the left": "There the curve is higher.",
            "a slope does not tell": "Its sign does.",
        }},
    ),
    steepness=quiz.number(
        "How steep is the parabola at 2?",
        right=4,
        because="Twice 2. That 2² is 4 as well is chance: try 3.",
        wrong={{2: "That is the place. The slope is twice as large."}},
    ),
)
"""


class Measured(NamedTuple):
    """What the build measured: time with the kernel's start, peak memory (10⁶ bytes), cores.

    `slowest_explorer_seconds` is how long a slider waits for its picture.
    """

    seconds: float
    slowest_cell_seconds: float
    slowest_explorer_seconds: float
    peak_memory_mb: float
    cores: int

    def sentence(self, study_minutes):
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

    Its facts are read from `dlcourse/lessons/<slug>.py` without running that module.
    """

    number: str
    slug: str
    source: Path
    notebook: Path

    @cached_property
    def _facts(self):
        path = PACKAGE / "lessons" / f"{self.slug}.py"
        if not path.exists():
            raise LessonError(
                f"Lesson {self.number} has a text, {self.source.name}, but no {path}. "
                "`dlcourse new` shows what it must contain."
            )
        return {
            statement.targets[0].id: statement.value
            for statement in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
        }

    def _fact(self, name):
        facts = self._facts
        try:
            return ast.literal_eval(facts[name])
        except (KeyError, ValueError):
            raise LessonError(
                f"dlcourse/lessons/{self.slug}.py needs a line `{name} = …` with a plain value."
            ) from None

    @property
    def title(self):
        """Title, as in the head cell."""
        return self._fact("TITLE")

    @property
    def study_minutes(self):
        """Minutes that a learner needs."""
        return self._fact("STUDY_MINUTES")

    @property
    def needs(self):
        """Numbers of the lessons to do first."""
        return self._fact("NEEDS")

    @property
    def data(self):
        """Names of the datasets it uses."""
        return self._fact("DATA")

    @property
    def frameworks(self):
        """Frameworks it uses, such as ("pytorch", "keras")."""
        return self._fact("FRAMEWORKS")

    @property
    def part(self):
        """Name of the course's part: the number's first digit says which."""
        return PARTS[self.number[0]]

    @property
    def measured(self):
        """What the build measured, or None before the first build."""
        facts = self._built()
        if not facts.keys() >= set(Measured._fields):
            return None
        return Measured(*(facts[name] for name in Measured._fields))

    @property
    def size_bytes(self):
        """Size of the stored notebook; 0 before the first build."""
        return self.notebook.stat().st_size if self.notebook.exists() else 0

    def _stored(self):
        """Return the stored notebook's JSON; {} if there is none or a merge has damaged it."""
        try:
            return json.loads(self.notebook.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def _built(self):
        return self._stored().get("metadata", {}).get("dlcourse", {})

    def __str__(self):
        return f"Lesson {self.number} ({self.slug})"


@dataclass(frozen=True)
class Run:
    """One run of a lesson's notebook: time with the kernel's start, peak memory (10⁶ bytes).

    `error` is the cell that failed and its traceback, or None; after one, `peak_memory_mb` is nan.
    """

    lesson: Lesson
    seconds: float
    slowest_cell_seconds: float
    slowest_explorer_seconds: float
    peak_memory_mb: float
    error: str | None = None


def folder():
    """Return the course's folder, the one that holds `notebooks/source`.

    The environment variable DLCOURSE_COURSE decides if it is set; else it is the clone that this
    package lies in; else the current folder or one above it.

    Raises:
        LessonError: None of them holds `notebooks/source`.
    """
    if named := os.environ.get("DLCOURSE_COURSE"):
        places = [Path(named).absolute()]
    else:
        places = [PACKAGE.parent, Path.cwd(), *Path.cwd().parents]
    for place in places:
        if (place / "notebooks" / "source").is_dir():
            return place
    raise LessonError(
        f"{named or 'The current folder'} holds no folder `notebooks/source`. Go to a clone of the "
        "course, or set the environment variable DLCOURSE_COURSE to the place of one."
    )


def lessons():
    """Return every lesson, by number: one for each text `notebooks/source/NN_slug.py`."""
    return [_lesson(path) for path in sorted(_sources().glob("[0-9][0-9]_*.py"))]


def _sources():
    return folder() / "notebooks" / "source"


def _lesson(source):
    number, _, slug = source.stem.partition("_")
    if number[0] not in PARTS:
        raise LessonError(f"{source.name}: there is no part {number[0]}. Name it in PARTS.")
    return Lesson(number, slug, source, source.parents[1] / f"{source.stem}.ipynb")


def find(numbers=()):
    """Return the lessons with these numbers, such as ("11", "21"), by number; all if none is given.

    Raises:
        LessonError: A number that no lesson has; the message lists those there are.
    """
    there = {lesson.number: lesson for lesson in lessons()}
    if missing := [number for number in numbers if number not in there]:
        raise LessonError(
            f"There is no lesson {', '.join(missing)}. There are: {', '.join(there) or 'none yet'}."
        )
    return [lesson for number, lesson in there.items() if number in numbers or not numbers]


def recipe(slug):
    """Return the names that a lesson's imports and its `recipe` cells define, for a benchmark."""
    (lesson,) = [lesson for lesson in lessons() if lesson.slug == slug]
    cells = [cell for cell in _from_text(lesson).cells if cell.cell_type == "code"]
    chosen = cells[:1] + [cell for cell in cells if _is(cell, "recipe")]
    # An exercise is as blank here as for a learner who has not tried it: its solution carries on.
    namespace = {name: ... for cell in cells for name in exercise_names(cell.source)}
    for cell in chosen:
        exec(cell.source, namespace)
    return namespace


def builds_on(lesson):
    """Return the lessons that `lesson` builds on, those it names and theirs, the nearest first."""
    found, waiting = {}, list(lesson.needs)
    while waiting:
        number = waiting.pop(0)
        if number not in found:
            (found[number],) = find([number])
            waiting += found[number].needs
    return list(found.values())


def build(lesson, force=False):
    """Write the lesson's notebook: its text, run from top to bottom, with the outputs.

    Args:
        lesson: One of `lessons()`.
        force: Build even if neither the text nor anything that its outputs depend on has changed.

    Returns:
        The Run, or None if there was nothing to do.

    Raises:
        LessonError: A cell failed: the message shows it, and the notebook stays as it was. Or the
            first cell has no line `{measured}`.
    """
    fingerprint = _fingerprint(lesson)
    up_to_date = lesson._built().get("fingerprint") == fingerprint and stale(lesson) is None
    if up_to_date and not force:
        return None
    notebook = _from_text(lesson)
    if MEASURED not in notebook.cells[0].source.split("\n"):
        raise LessonError(f"{lesson.source.name}: the first cell has no line `{MEASURED}`.")
    result = _execute(lesson, notebook)
    if result.error:
        raise LessonError(result.error)
    measured = Measured(
        round(result.seconds, 1),
        round(result.slowest_cell_seconds, 1),
        round(result.slowest_explorer_seconds, 3),
        round(result.peak_memory_mb),
        runtime.available_cores(),
    )
    _fill(notebook, measured.sentence(lesson.study_minutes))
    notebook.metadata["dlcourse"] = {"fingerprint": fingerprint, **measured._asdict()}
    for cell in notebook.cells:
        cell.update(_steady({"outputs": cell.outputs}) if cell.cell_type == "code" else {})
    draw_curtains(notebook)
    _write(lesson.notebook, notebook)
    return result


def draw_curtains(notebook):
    """Put an empty output before what a cell tagged `predict` gave; see `CURTAIN`."""
    from nbformat import from_dict

    for cell in notebook.cells:
        if _is(cell, "predict") and cell.outputs[:1] != [CURTAIN]:
            cell.outputs.insert(0, from_dict(CURTAIN))


def run(lesson, quick=False, solved=False, progress=None):
    """Run the lesson's text in a fresh kernel; write nothing.

    Args:
        lesson: One of `lessons()`.
        quick: Use the small values of the cell tagged `parameters`: there, a line
            `epochs = 4  # quick: 1` becomes `epochs = 1`.
        solved: Put each exercise's solution in the place of its blank, and let each exercise and
            explorer prove its own promises (`Exercise.faults`, `Explorer.faults`).
        progress: Called after each code cell with the number of cells done and of all.

    Returns:
        The Run; if a cell failed, `error` shows it.
    """
    notebook = _from_text(lesson, quick)
    return _execute(lesson, _solve(lesson, notebook) if solved else notebook, progress)


def measure_band(lesson, seeds=5, progress=None):
    """Run the lesson once for each seed, up to its headline, and store the scores.

    The notebook's cell tagged `parameters` has a line `seed = 0`, the one tagged `headline` makes a
    `results.Headline` called `headline`.

    Args:
        lesson: One of `lessons()`.
        seeds: How many; at least 5.
        progress: Called after each run with the number of runs done and of all.

    Returns:
        The path that was written, `dlcourse/lessons/<slug>.band.json`.

    Raises:
        LessonError: A cell failed, or one of the two cells is missing.
    """
    found = []
    for seed in range(seeds):
        notebook = up_to_headline(lesson, seed)
        error = _execute(lesson, notebook).error
        if error:
            raise LessonError(error)
        found.append(json.loads(notebook.cells[-1].outputs[-1]["text"]))
        if progress:
            progress(seed + 1, seeds)
    facts = {key: found[0][key] for key in ("what", "baseline", "baseline_name", "parameters")}
    facts["scores"] = [round(each["score"], 4) for each in found]
    facts["baseline"] = round(facts["baseline"], 4)
    facts["seconds"] = round(statistics.median(each["seconds"] for each in found), 1)
    facts["cores"] = runtime.available_cores()
    return recorded.keep_headline(lesson.slug, facts)


def for_teachers(lesson):
    """Return the texts of the stored notebook's cells tagged `instructor`."""
    cells = lesson._stored().get("cells", ())
    return ["".join(cell["source"]) for cell in cells if _is(cell, "instructor")]


def headline_cells(cells):
    """Return the places of the cells tagged `headline`."""
    return [i for i, cell in enumerate(cells) if _is(cell, "headline")]


def _is(cell, tag):
    """Return whether a cell, stored or in a notebook, has this tag."""
    return tag in cell["metadata"].get("tags", ())


def up_to_headline(lesson, seed):
    """Return the lesson's notebook up to its headline, with another `seed`, not yet run.

    Raises:
        LessonError: It has no such cell, or no line `seed = 0` in a cell tagged `parameters`.
    """
    notebook = _from_text(lesson)
    places = headline_cells(notebook.cells)
    if len(places) != 1:
        raise LessonError(f"{lesson.source.name} needs one cell tagged `headline`.")
    notebook.cells = notebook.cells[: places[0] + 1]
    notebook.cells[-1].source += PRINT_HEADLINE
    replaced = 0
    for cell in notebook.cells:
        if _is(cell, "parameters"):
            cell.source, count = re.subn(r"(?m)^seed = 0$", f"seed = {seed}", cell.source)
            replaced += count
    if replaced != 1:
        raise LessonError(f"{lesson.source.name} needs one line `seed = 0` tagged `parameters`.")
    return notebook


def exercise_names(source):
    """Return the names of the exercises that a cell checks: `lesson.NAME.check(NAME)`."""
    return [found[1] for found in CHECK.finditer(source)]


def _solve(lesson, notebook):
    """Put the solutions into the notebook; a cell that is not as it should be then raises."""
    exercises = vars(module(lesson))
    for cell in notebook.cells:
        if _is(cell, "exercise"):
            for name in exercise_names(cell.source):
                solution = exercises[name].solution_text()
                cell.source = _with_solution(cell.source, name, solution, lesson)
                cell.source = cell.source.replace(
                    f"lesson.{name}.check({name})", PROOF_OF_EXERCISE.format(name=name)
                )
        if _is(cell, "explorer"):
            cell.source += PROOF_OF_EXPLORER.format(name=_explorer_name(cell.source))
    return notebook


def module(lesson):
    """Return the lesson's module, with its exercises and quiz, from the folder it was found in."""
    path = PACKAGE / "lessons" / f"{lesson.slug}.py"
    spec = importlib.util.spec_from_file_location(f"dlcourse.lessons.{lesson.slug}", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def _with_solution(source, name, solution, lesson):
    """Return a cell's source with the solution in place of the statement that defines `name`."""
    for statement in ast.parse(source).body:
        targets = getattr(statement, "targets", [statement])
        if any(name in (getattr(t, "id", ""), getattr(t, "name", "")) for t in targets):
            lines = source.splitlines()
            kept = lines[: statement.lineno - 1], lines[statement.end_lineno :]
            return "\n".join([*kept[0], solution, *kept[1]])
    raise LessonError(f"{lesson}: the cell that checks `{name}` defines no blank `{name}`.")


def budget_faults(lesson, measured):
    """Return a sentence for each budget that the lesson breaks.

    Args:
        lesson: One of `lessons()`; the size of its stored notebook counts too.
        measured: A `Measured` or a `Run`.
    """
    slider_seconds = measured.slowest_explorer_seconds
    checks = (
        ("the notebook takes", measured.seconds, NOTEBOOK_BUDGET_SECONDS, "s"),
        ("its slowest cell takes", measured.slowest_cell_seconds, CELL_BUDGET_SECONDS, "s"),
        ("its slowest slider waits", slider_seconds, EXPLORER_BUDGET_SECONDS, "s"),
        ("its memory peaks at", measured.peak_memory_mb, MEMORY_BUDGET_MB, "MB"),
        ("the stored notebook takes", lesson.size_bytes / 1e6, STORED_BUDGET_MB, "MB"),
    )
    return [
        f"{lesson}: {what} {value:.4g} {unit}; the budget is {budget} {unit}."
        for what, value, budget, unit in checks
        if not value <= budget  # nan, what nobody could measure, breaks the budget too
    ]


def stale(lesson):
    """Return a sentence that says why the stored notebook is not the one of the text, or None."""
    stored, measured = lesson._stored(), lesson.measured
    advice = f"Run `dlcourse build {lesson.number}`."
    if measured is None:
        return f"{lesson.notebook.name} was never built. {advice}"
    wanted = _fill(_from_text(lesson), measured.sentence(lesson.study_minutes))
    if len(stored["cells"]) != len(wanted.cells):
        there = len(stored["cells"])
        return f"{lesson.notebook.name} has {there} cells, its text {len(wanted.cells)}. {advice}"
    for cell, text in zip(stored["cells"], wanted.cells):
        if "".join(cell["source"]) != text.source:
            return f"{lesson.notebook.name}: cell {text.id} differs from the text. {advice}"
        if any(cell.get(key) != text[key] for key in ("id", "cell_type", "metadata")):
            return f"{lesson.notebook.name}: cell {text.id} has another id, kind or tags. {advice}"
        if text.cell_type == "code" and text.source.strip() and not cell["execution_count"]:
            return f"{lesson.notebook.name}: cell {text.id} was never run. {advice}"
    return None


def new(title, part=7):
    """Begin a lesson: write its text, its module and a notebook without outputs.

    Args:
        title: The title of the lesson; its file names are made from it.
        part: First digit of its number; the rest is the next that is free.

    Returns:
        The Lesson. Edit `lesson.source`, then `build(lesson)`.

    Raises:
        LessonError: An empty or existing title, or no number left.
    """
    title = " ".join(title.split())
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"\W+", "_", plain).strip("_")[:50].rstrip("_")
    if not slug:
        raise LessonError(f"The title {title!r} has no letters a to z, which name the files.")
    if not slug.isidentifier() or iskeyword(slug):
        slug = f"lesson_{slug}"
    there = lessons()
    module = PACKAGE / "lessons" / f"{slug}.py"
    if module.exists() or slug in {lesson.slug for lesson in there}:
        raise LessonError(f"There is a lesson {slug!r} already. Choose another title.")
    taken = {lesson.number for lesson in there}
    free = [number for number in (f"{part}{i}" for i in range(10)) if number not in taken]
    if not free or str(part) not in PARTS:
        raise LessonError(f"Part {part} has no free number. Parts: {', '.join(PARTS)}.")
    lesson = _lesson(_sources() / f"{free[0]}_{slug}.py")
    quoted = json.dumps(title, ensure_ascii=False)
    module.write_text(NEW_MODULE.format(slug=slug, title=quoted), encoding="utf-8")
    template = (PACKAGE / "lessons" / "template.txt").read_text(encoding="utf-8")
    template = template.replace("{title}", title).replace("{slug}", slug)
    lesson.source.write_text(template, encoding="utf-8")
    _write(lesson.notebook, _from_text(lesson))
    return lesson


@contextmanager
def kernel(notebook, folder, **options):
    """Start a kernel for the notebook and yield the nbclient client that runs its cells there.

    What this learner has done, and how this machine's IPython and matplotlib are set, stay outside.
    So does its GPU, which rounds in its own way, unless CUDA_VISIBLE_DEVICES names it.

    Args:
        notebook: An nbformat notebook; `client.execute_cell` puts the outputs into its cells.
        folder: Where the kernel works.
        options: For `nbclient.NotebookClient`.
    """
    from nbclient import NotebookClient

    # With `store_widget_state=False`, nbclient fails on ipywidgets' `interact`.
    options = {"record_timing": False, "extra_arguments": ["--log-level=ERROR"], **options}
    client = NotebookClient(notebook, **options)
    kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    with tempfile.TemporaryDirectory(prefix="dlcourse-", ignore_cleanup_errors=True) as home:
        ours = {"DLCOURSE_HOME": home, "IPYTHONDIR": str(Path(home) / "ipython")}
        surroundings = {"CUDA_VISIBLE_DEVICES": ""} | kept | ours
        with client.setup_kernel(cwd=str(folder), env=surroundings, cleanup_kc=True):
            _ask_often(client.kc.shell_channel)
            yield client


def _ask_often(channel, seconds=0.2):
    """Let the channel look for a message again and again, in place of once with a long wait.

    A message that comes while another is being sent wakes nobody, so that a cell with an output
    widget sometimes never ended. Source: https://github.com/jupyter/nbclient/issues/312
    """
    ask = channel.get_msg

    async def get_msg(timeout=None):
        end = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            try:
                return await ask(timeout=max(0, min(seconds, left)))
            except Empty:
                if left <= seconds:
                    raise

    channel.get_msg = get_msg


def _fingerprint(lesson):
    """Return the sha256 of all that the notebook's outputs are made from."""
    earlier = [other.slug for other in builds_on(lesson)]  # whose questions come back
    names = (lesson.slug, f"{lesson.slug}.band", "__init__")
    own = [path for path in PACKAGE.glob("lessons/*.*") if path.stem in names]
    own += [PACKAGE / "lessons" / f"{slug}.py" for slug in earlier]
    if "course.map()" in lesson.source.read_text(encoding="utf-8"):  # it shows every lesson
        own = [*{*own, *(PACKAGE / "lessons" / f"{other.slug}.py" for other in lessons())}]
    shared = (
        path
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] not in NO_OUTPUT_DEPENDS_ON
    )
    cards = (data.card(name).path.with_name("card.toml") for name in lesson.data)
    digest = hashlib.sha256()
    for file in (lesson.source, *sorted(own), *sorted(shared), *cards):
        digest.update(file.name.encode() + file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def _from_text(lesson, quick=False):
    """Return the lesson's text as a notebook without outputs; `quick` takes the small values."""
    import jupytext

    notebook = jupytext.reads(lesson.source.read_text(encoding="utf-8"), fmt="py:percent")
    notebook.metadata.clear()
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    }
    notebook.metadata["language_info"] = {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "pygments_lexer": "ipython3",
    }
    for i, cell in enumerate(notebook.cells):
        cell.id = f"{lesson.slug}-{i:02d}"
        for tag, hidden in HIDDEN.items():
            if _is(cell, tag):
                cell.metadata["jupyter"] = hidden
        if quick and _is(cell, "parameters"):
            cell.source = QUICK.sub(r"\1\2", cell.source)
        if cell.cell_type == "code":
            cell.source = HOUSE_NOTE.sub("", cell.source)
    return notebook


def _fill(notebook, sentence):
    head = notebook.cells[0]
    lines = head.source.split("\n")
    head.source = "\n".join(sentence if line == MEASURED else line for line in lines)
    return notebook


def _execute(lesson, notebook, progress=None):
    """Run the notebook in place, in a fresh kernel, and return its Run."""
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    options = {"kernel_name": "python3", "timeout": CELL_TIMEOUT_SECONDS}
    options["coalesce_streams"] = True  # how a long print is cut into messages is chance
    code = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    slowest, error, start = 0.0, None, time.perf_counter()
    with kernel(notebook, lesson.notebook.parent, **options) as client:
        for done, index in enumerate(code, 1):
            cell, cell_start = notebook.cells[index], time.perf_counter()
            try:
                client.execute_cell(cell, index)
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as failure:
                code_too = cell.source if isinstance(failure, DeadKernelError) else ""
                error = f"{lesson}, cell {cell.id}: {_plain(failure)}\n{code_too}".strip()
                break
            slowest = max(slowest, time.perf_counter() - cell_start)
            if progress:
                progress(done, len(code))
        seconds = time.perf_counter() - start
        peak = math.nan if error else _peak_memory_mb(client)
        slider = 0.0 if error else max(_explorer_seconds(client, notebook), default=0.0)
    return Run(lesson, seconds, slowest, slider, peak, error)


def _plain(failure):
    return re.sub(r"\x1b\[[\d;]*m", "", str(failure))


def _peak_memory_mb(client):
    """Ask a running kernel for the most memory that it has held."""
    answer = _ask(client, "__import__('dlcourse.runtime', fromlist=['_']).peak_memory_mb()")
    if answer["status"] != "ok":
        raise LessonError(f"The kernel cannot use dlcourse ({answer['evalue']}). Install it there.")
    return float(answer["data"]["text/plain"])


def _explorer_seconds(client, notebook):
    """Yield how long each explorer of the notebook takes to draw, at the end of the notebook.

    It is infinite, which breaks the budget, if a later cell took a name away that the explorer
    draws with: then its slider is dead for the learner too.
    """
    for cell in notebook.cells:
        if _is(cell, "explorer"):
            answer = _ask(client, f"{_explorer_name(cell.source)}.typical_seconds()")
            drawn = answer["status"] == "ok"
            yield float(answer["data"]["text/plain"]) if drawn else math.inf


def _explorer_name(source):
    """Return the name that a cell tagged `explorer` shows: its last line."""
    return source.rstrip().splitlines()[-1]


def _ask(client, question):
    """Ask a running kernel for the value of an expression."""
    asked = client.kc.execute("", store_history=False, user_expressions={"answer": question})
    return client.wait_for_reply(asked)["content"]["user_expressions"]["answer"]


def _steady(value):
    """Return a cell's outputs without widget ids, addresses and this machine's folders."""
    if isinstance(value, list):
        return [_steady(item) for item in value]
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if not key.endswith("widget-view+json")}
        return type(value)(
            {key: v if key.startswith("image/") else _steady(v) for key, v in kept.items()}
        )
    if isinstance(value, str):
        for pattern, replacement in STEADY.items():
            value = re.sub(pattern, replacement, value)
    return value


def _write(path, notebook):
    """Write the notebook whole or not at all, and only if it differs from what is there."""
    import nbformat

    text = nbformat.writes(notebook) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(path)
