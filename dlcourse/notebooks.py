"""From a lesson's text to its notebook: run it, build it, measure it, begin a new one."""

import ast
import hashlib
import json
import math
import os
import re
import tempfile
import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import takewhile, zip_longest
from keyword import iskeyword
from pathlib import Path
from queue import Empty
from typing import Any

from dlcourse import catalogue, data, glossary, lessons, memory, minutes, runtime
from dlcourse.catalogue import Lesson, Measured
from dlcourse.errors import LessonError
from dlcourse.outputs import draw_curtains, faults, has_tag, steady, without_curtain

import psutil

# jupytext, nbclient and nbformat are imported where they are used: they take a second and more,
# and a learner's notebook does without.

TEMPLATES = Path(__file__).parent / "templates"
TAGS = (
    *("exercise", "explorer", "instructor", "parameters", "predict", "quiz", "raises-exception"),
    "recipe",  # a benchmark executes this cell too
    "headline",  # its result is measured over several seeds
    "learner-state",  # shows what this learner has done: neither stored nor compared
)
NOTEBOOK_BUDGET_SECONDS = 60
CELL_BUDGET_SECONDS = 30
EXPLORER_BUDGET_SECONDS = 0.1  # later than that, a slider feels stuck
COURSE_BUDGET_SECONDS = 15 * 60
MEMORY_BUDGET_MB = 1000  # the most that a kernel held at any moment
OWN_MEMORY_BUDGET_MB = (
    750  # the most of it that was its own: two lessons fit on Binder, beside JupyterLab
)
STORED_BUDGET_MB = 1.5
SAME = 0.25  # a measurement that differs by this share is not written anew
CELL_TIMEOUT_SECONDS = 600  # twenty budgets: a busy machine may take longer, an endless loop not
CHECK = re.compile(r"(?m)^lesson\.(\w+)\.check\(\1\)$")
PROOF_OF_EXERCISE = """\
said = lesson.{name}.check({name})
faults = lesson.{name}.faults(globals())
if said.outcome != "right" or faults:
    raise RuntimeError(f"{{said}}; {{faults}}")"""
ASK = re.compile(r"(?m)^lesson\.PREDICTIONS\[\"(\w+)\"\]\.ask\(\)$")
PROOF_OF_PREDICTION = """
if faults := lesson.PREDICTIONS["{name}"].faults(globals(), {after!r}):
    raise RuntimeError(faults)"""
PROOF_OF_EXPLORER = """
if faults := {name}.faults():
    raise RuntimeError(faults)"""
HIDDEN = {  # stored closed; JupyterLab opens an output by itself when its cell is run
    "predict": {"outputs_hidden": True},  # an answer that can be seen is not predicted
    "instructor": {"source_hidden": True},
}
QUICK = re.compile(r"(?m)^(\s*\w+ *= *).*? *# quick: *(.+)$")
HOUSE_NOTE = re.compile(r"(?m) *# (quick: .*|fmt: skip)$")  # for authors, not for learners
MEASURED = "{measured}"  # the line of a head cell that the build fills in


@dataclass(frozen=True)
class Run:
    """One run of a lesson's notebook: time with the kernel's start, peak memory (10⁶ bytes).

    `peak_own_memory_mb` leaves out pages of files, which kernels share and the system can drop.
    `error` is the cell that failed and its traceback, or None. What was not measured is nan.
    """

    lesson: Lesson
    seconds: float
    slowest_cell_seconds: float
    slowest_explorer_seconds: float
    peak_memory_mb: float
    peak_own_memory_mb: float
    error: str | None = None


def recipe(slug) -> dict:
    """Return the names that a lesson's imports and its `recipe` cells define, for a benchmark."""
    (lesson,) = (each for each in catalogue.lessons() if each.slug == slug)
    cells = [cell for cell in from_text(lesson).cells if cell.cell_type == "code"]
    chosen = cells[:1] + [cell for cell in cells if has_tag(cell, "recipe")]
    # An exercise is as blank here as for a learner who has not tried it: its solution carries on.
    namespace = {name: ... for cell in cells for name in exercise_names(cell.source)}
    for cell in chosen:
        exec(cell.source, namespace)
    return namespace


def build(lesson, force=False) -> Run | None:
    """Write the lesson's notebook: its text, run from top to bottom, with the outputs.

    Where all outputs agree with those that are stored (see `outputs.faults`), the stored ones stay,
    and so does the measurement if it is much the same: what nothing has changed for is not written.

    Args:
        lesson: One of `catalogue.lessons()`.
        force: Run it even if neither the text nor the lesson's folder nor its data have changed.

    Returns:
        The Run, or None if there was nothing to do.

    Raises:
        LessonError: A cell failed: the message shows it, and the notebook stays as it was. Or the
            first cell has no line `{measured}`.
    """
    if not force and stale(lesson) is None:
        return None
    notebook = from_text(lesson)
    if MEASURED not in notebook.cells[0].source.split("\n"):
        raise LessonError(f"{lesson.source.name}: the first cell has no line `{MEASURED}`.")
    result = execute(lesson, notebook)
    if result.error:
        raise LessonError(result.error)
    for cell in notebook.cells:
        raised = any(output.output_type == "error" for output in cell.get("outputs", ()))
        if has_tag(cell, "raises-exception") and not raised:
            raise LessonError(
                f"{lesson}, cell {cell.id} is to raise an exception, and raises none."
            )
        if cell.cell_type == "code":
            cell.outputs = [] if has_tag(cell, "learner-state") else steady(cell.outputs)
    _keep_what_holds(lesson, notebook)
    draw_curtains(notebook)
    measured = _measured(lesson, result)
    _fill(notebook, measured.sentence(lesson.study_minutes))
    notebook.metadata["dlcourse"] = {"fingerprint": fingerprint(lesson), **measured._asdict()}
    _write(lesson.notebook, notebook)
    return result


def _keep_what_holds(lesson, notebook):
    """Put the stored outputs into the notebook, if all of them still hold.

    All or none: two cells that show the same number must show the same digits.
    """
    import nbformat

    if not lesson.stored().get("cells"):
        return
    stored, new = (
        [cell for cell in each.cells if cell.cell_type == "code"]
        for each in (nbformat.read(lesson.notebook, as_version=4), notebook)
    )
    if len(stored) != len(new):
        return
    if all(_holds(old, now) for old, now in zip(stored, new)):
        for old, now in zip(stored, new):
            hidden = has_tag(now, "learner-state")
            now.outputs = [] if hidden else without_curtain(old.outputs)


def _holds(old, now):
    """Return whether a stored cell's outputs may stay.

    Within their bounds, if the cell is the same as before; to the letter, if it has changed.
    """
    tags = [set(cell.metadata.get("tags", ())) for cell in (old, now)]
    if old.source != now.source or tags[0] != tags[1]:
        return without_curtain(old.outputs) == now.outputs
    old.metadata = now.metadata  # how far they may differ is what the text says today
    return not faults(old, now.outputs)


def _measured(lesson, result):
    """Return what to note of a run: what is noted already, if that is much the same."""
    new = Measured(
        round(result.seconds, 1),
        round(result.slowest_cell_seconds, 1),
        round(result.slowest_explorer_seconds, 3),
        round(result.peak_memory_mb),
        round(result.peak_own_memory_mb),
        runtime.available_cores(),
    )
    old = lesson.measured
    if old is None or old.cores != new.cores:
        return new
    if budget_faults(lesson, new) or budget_faults(lesson, old):
        return new
    told = ("seconds", "peak_memory_mb", "peak_own_memory_mb")
    pairs = [(getattr(old, name), getattr(new, name)) for name in told]
    much_the_same = all(abs(now - before) <= SAME * before for before, now in pairs)
    return old if much_the_same else new


def run(lesson, quick=False, solved=False, report=None) -> Run:
    """Run the lesson's text in a fresh kernel; write nothing.

    Args:
        lesson: One of `catalogue.lessons()`.
        quick: Use the small values of the cell tagged `parameters`: there, a line
            `epochs = 4  # quick: 1` becomes `epochs = 1`.
        solved: Put each exercise's solution in the place of its blank, and let each exercise and
            explorer prove its own promises (`Exercise.faults`, `Explorer.faults`). With `quick`
            nothing is proved: small values need not reach an exercise's bar.
        report: Called after each code cell with the number of cells done and of all.

    Returns:
        The Run; if a cell failed, `error` shows it.
    """
    notebook = from_text(lesson, quick)
    for cell, following in zip_longest(notebook.cells, notebook.cells[1:]) if solved else ():
        after = following.source if following and following.cell_type == "markdown" else ""
        cell.source = solve(lesson, cell, not quick, after)
    return execute(lesson, notebook, report, explorers=not solved)


def headline_cells(cells) -> list[int]:
    """Return the indices of the cells tagged `headline`."""
    return [i for i, cell in enumerate(cells) if has_tag(cell, "headline")]


def up_to_headline(lesson, seed) -> Any:
    """Return the lesson's notebook up to its headline, with another `seed`, not yet run.

    Raises:
        LessonError: It has no such cell, or no line `seed = 0` in a cell tagged `parameters`.
    """
    notebook = from_text(lesson)
    indices = headline_cells(notebook.cells)
    if len(indices) != 1:
        raise LessonError(f"{lesson.source.name} needs one cell tagged `headline`.")
    notebook.cells = notebook.cells[: indices[0] + 1]
    replaced = 0
    for cell in notebook.cells:
        if has_tag(cell, "parameters"):
            cell.source, count = re.subn(r"(?m)^seed = 0$", f"seed = {seed}", cell.source)
            replaced += count
    if replaced != 1:
        raise LessonError(f"{lesson.source.name} needs one line `seed = 0` tagged `parameters`.")
    return notebook


def exercise_names(source) -> list[str]:
    """Return the names of the exercises that a cell checks: `lesson.NAME.check(NAME)`."""
    return [found[1] for found in CHECK.finditer(source)]


def solve(lesson, cell, prove=True, after=None) -> str:
    """Return the source of a lesson's cell with each exercise's solution in place of its blank.

    Args:
        lesson: One of `catalogue.lessons()`.
        cell: A cell of its notebook; only one tagged `exercise` or `explorer` is changed.
        prove: Let each exercise and explorer prove its promises: the cell raises if one is broken.
        after: The text after the cell; then a prediction proves itself too.
    """
    source = cell.source
    if has_tag(cell, "exercise"):
        exercises = vars(catalogue.module(lesson))
        for name in exercise_names(source):
            source = with_definition(source, name, exercises[name].solution_text(), lesson)
            if prove:
                check = f"lesson.{name}.check({name})"
                source = source.replace(check, PROOF_OF_EXERCISE.format(name=name))
    if has_tag(cell, "explorer") and prove:
        source += PROOF_OF_EXPLORER.format(name=_explorer_name(source))
    if prove and after is not None and (asked := ASK.search(source)):
        source += PROOF_OF_PREDICTION.format(name=asked[1], after=after)
    return source


def prediction_faults(client, cell, after) -> list[str]:
    """Return what is wrong with the prediction of a cell that has just run: `Prediction.faults`.

    Args:
        client: The nbclient client of its kernel.
        cell: The cell; one without a prediction has no faults.
        after: The text after it.
    """
    if not (asked := ASK.search(cell.source)):
        return []
    question = f'lesson.PREDICTIONS["{asked[1]}"].faults(globals(), {after!r})'
    answer = _ask(client, question)
    told = answer["data"]["text/plain"] if answer["status"] == "ok" else answer["evalue"]
    return [] if told == "[]" else [told]


def with_definition(source, name, code, lesson) -> str:
    """Return a cell's source with other code in place of the statement that defines `name`.

    Raises:
        LessonError: There is no such statement; the message names the lesson.
    """
    for statement in ast.parse(source).body:
        if defines([statement], name):
            lines = source.splitlines()
            kept = lines[: statement.lineno - 1], lines[statement.end_lineno :]
            return "\n".join([*kept[0], code, *kept[1]])
    raise LessonError(f"{lesson}: the cell that checks `{name}` defines no blank `{name}`.")


def defines(statements, name) -> bool:
    """Return whether one of some `ast` statements is a function, class or value called `name`."""
    targets = [each for it in statements for each in getattr(it, "targets", [it])]
    return any(name in (getattr(it, "id", ""), getattr(it, "name", "")) for it in targets)


def budget_faults(lesson, measured) -> list[str]:
    """Return a sentence for each budget that the lesson breaks.

    Args:
        lesson: One of `catalogue.lessons()`; the size of its stored notebook counts too.
        measured: A `Measured` or a `Run`.
    """
    slider_seconds = measured.slowest_explorer_seconds
    checks = (
        ("the notebook takes", measured.seconds, NOTEBOOK_BUDGET_SECONDS, "s"),
        ("its slowest cell takes", measured.slowest_cell_seconds, CELL_BUDGET_SECONDS, "s"),
        ("its slowest slider waits", slider_seconds, EXPLORER_BUDGET_SECONDS, "s"),
        ("its memory peaks at", measured.peak_memory_mb, MEMORY_BUDGET_MB, "MB"),
        ("its own memory peaks at", measured.peak_own_memory_mb, OWN_MEMORY_BUDGET_MB, "MB"),
        ("the stored notebook takes", lesson.size_bytes / 1e6, STORED_BUDGET_MB, "MB"),
    )
    return [
        f"{lesson}: {what} {value:.4g} {unit}; the budget is {budget} {unit}."
        for what, value, budget, unit in checks
        if not value <= budget  # nan, what nobody could measure, breaks the budget too
    ]


def stale(lesson) -> str | None:
    """Return a sentence that says why the stored notebook is not that of the text, or None."""
    stored, measured = lesson.stored(), lesson.measured
    advice = f"Run `dlcourse build {lesson.number}`."
    if measured is None:
        return f"{lesson.notebook.name} was never built. {advice}"
    wanted = filled_from_text(lesson)
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
    if lesson.built["fingerprint"] != fingerprint(lesson):
        return f"{lesson.notebook.name} was built before its lesson or data changed. {advice}"
    return None


def new(title, part=7, number=None) -> Lesson:
    """Begin a lesson: write its text, its folder and a notebook without outputs.

    Args:
        title: The title of the lesson; its file names are made from it.
        part: First digit of its number; the rest is the next that is free.
        number: The number itself, such as "14", in place of the next that is free.

    Returns:
        The Lesson. Edit `lesson.source`, then `build(lesson)`.

    Raises:
        LessonError: An empty or existing title, a number that is taken, or none left.
    """
    title = " ".join(title.split())
    slug = _slug(title)
    there = catalogue.lessons()
    if slug in {lesson.slug for lesson in there} or (lessons.FOLDER / slug).exists():
        raise LessonError(f"There is a lesson {slug!r} already. Choose another title.")
    number = _free_number(part, number, {lesson.number for lesson in there})
    lesson = catalogue.of_text(catalogue.sources() / f"{number}_{slug}.py")
    quoted = json.dumps(title, ensure_ascii=False)
    _copy_template(
        "text.txt", lesson.source, {"{title}": title, "{slug}": slug, "{number}": lesson.number}
    )
    _copy_template("lesson.txt", lesson.folder / "__init__.py", {"{title}": quoted, "{slug}": slug})
    _copy_template("ways.txt", lesson.folder / "ways.py", {})
    _copy_template(glossary.FILE, lesson.folder / glossary.FILE, {})
    _copy_template("band.json", lesson.folder / "band.json", {})
    _write(lesson.notebook, from_text(lesson))
    return lesson


def _slug(title):
    """Return the name for files and module that a title gives: "3-D data" → "lesson_3_d_data"."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"\W+", "_", plain).strip("_")[:50].rstrip("_")
    if not slug:
        raise LessonError(f"The title {title!r} has no letters a to z, which name the files.")
    return slug if slug.isidentifier() and not iskeyword(slug) else f"lesson_{slug}"


def _free_number(part, number, taken):
    parts = ", ".join(catalogue.PARTS)
    if number is None:
        free = [number for number in (f"{part}{i}" for i in range(10)) if number not in taken]
        if not free or str(part) not in catalogue.PARTS:
            raise LessonError(f"Part {part} has no free number. Parts: {parts}.")
        return free[0]
    if number in taken:
        raise LessonError(f"There is a lesson {number} already. Choose another number.")
    if not re.fullmatch(r"\d\d", number) or number[0] not in catalogue.PARTS:
        raise LessonError(
            f"{number!r} is no number for a lesson: two digits, the first of which names a part. "
            f"Parts: {parts}."
        )
    return number


def _copy_template(name, path, filled):
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    for blank, value in filled.items():
        text = text.replace(blank, value)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def kernel(notebook, folder, **options) -> Iterator:
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
    # A kernel that is ended logs an error, the KeyboardInterrupt that ended it.
    usual = {"record_timing": False, "extra_arguments": ["--log-level=CRITICAL"]}
    usual["coalesce_streams"] = True  # how a long print is cut into messages is chance
    options = usual | options
    client = NotebookClient(notebook, **options)
    kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    with tempfile.TemporaryDirectory(prefix="dlcourse-", ignore_cleanup_errors=True) as home:
        ours = {"DLCOURSE_HOME": home, "IPYTHONDIR": str(Path(home) / "ipython")}
        # A printed set has the same order in every run.
        surroundings = {"CUDA_VISIBLE_DEVICES": "", "PYTHONHASHSEED": "0"} | kept | ours
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


def fingerprint(lesson) -> str:
    """Return the sha256 of what decides what the notebook shows: text, folder, data, links.

    The package's own modules are not among them: running tells whether a change there matters.
    """
    others = ("record.py", "ways.py", glossary.FILE)
    own = [path for path in sorted(lesson.folder.glob("*.*")) if path.name not in others]
    cards = [data.card(name).path.with_name("card.toml") for name in lesson.data]
    digest = hashlib.sha256()
    for path in (lesson.source, *own, *cards):  # a card holds the checksum of its data
        digest.update(path.name.encode() + path.read_bytes().replace(b"\r\n", b"\n"))
    # Of all glossaries, what shows in this notebook: a new term makes no other lesson stale.
    shown = glossary.linked(lesson, catalogue.lessons()), glossary.cell_ids(lesson)
    digest.update(repr(shown).encode())
    return digest.hexdigest()


def from_text(lesson, quick=False) -> Any:
    """Return the lesson's text as a notebook without outputs; `quick` takes the small values.

    Terms of earlier lessons are linked where they are used first.
    """
    import jupytext

    notebook = jupytext.reads(lesson.text, fmt="py:percent")
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
    ids = glossary.cell_ids(lesson)
    for i, text in glossary.linked(lesson, catalogue.lessons()).items():
        notebook.cells[i].source = text
    for i, cell in enumerate(notebook.cells):
        cell.id = ids.get(i, f"{lesson.slug}-{i:02d}")
        for tag, hidden in HIDDEN.items():
            if has_tag(cell, tag):
                cell.metadata["jupyter"] = hidden
        if quick and has_tag(cell, "parameters"):
            cell.source = QUICK.sub(r"\1\2", cell.source)
        if cell.cell_type == "code":
            cell.source = HOUSE_NOTE.sub("", cell.source)
        for name in exercise_names(cell.source) if has_tag(cell, "exercise") else ():
            _say_size(notebook.cells[:i], lesson.sizes.get(name))
    return notebook


def _say_size(before, size):
    """Say in the text before an exercise how large it is."""
    if size in minutes.SIZES:
        asked = takewhile(lambda each: not has_tag(each, "exercise"), before[::-1])
        cell = next((each for each in asked if "**Exercise" in each.source), None)
        if cell and cell.cell_type == "markdown":
            said = f"**Exercise ({size}, {minutes.SIZES[size]} min)"
            cell.source = said.join(cell.source.rsplit("**Exercise", 1))


def filled_from_text(lesson) -> Any:
    """Return the lesson's text as a notebook whose head cell says what the build measured."""
    notebook, measured = from_text(lesson), lesson.measured
    return _fill(notebook, measured.sentence(lesson.study_minutes)) if measured else notebook


def _fill(notebook, sentence):
    head = notebook.cells[0]
    lines = head.source.split("\n")
    head.source = "\n".join(sentence if line == MEASURED else line for line in lines)
    return notebook


def execute(lesson, notebook, report=None, explorers=True) -> Run:
    """Run a notebook of the lesson in place, in a fresh kernel, and return its Run.

    Args:
        lesson: One of `catalogue.lessons()`.
        notebook: Such as `from_text` gives.
        report: Called after each code cell with the number of cells done and of all.
        explorers: Measure how long a picture of each explorer takes; that takes a few seconds more.
    """
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    options = {"kernel_name": "python3", "timeout": CELL_TIMEOUT_SECONDS}
    options["shutdown_kernel"] = "immediate"  # a framework takes its time to say goodbye
    code = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    slowest, error, start = 0.0, None, time.perf_counter()
    with kernel(notebook, lesson.notebook.parent, **options) as client, _OwnMemory(client) as own:
        for done, index in enumerate(code, 1):
            cell, cell_start = notebook.cells[index], time.perf_counter()
            try:
                client.execute_cell(cell, index)
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as failure:
                code_too = cell.source if isinstance(failure, DeadKernelError) else ""
                error = f"{lesson}, cell {cell.id}: {_plain(failure)}\n{code_too}".strip()
                break
            slowest = max(slowest, time.perf_counter() - cell_start)
            if report:
                report(done, len(code))
        seconds = time.perf_counter() - start
        peaks = (math.nan, math.nan) if error else (_peak_memory_mb(client), own.peak_mb)
        slider = math.nan
        if explorers and not error:
            slider = max(_explorer_seconds(client, notebook), default=0.0)
    return Run(lesson, seconds, slowest, slider, *peaks, error)


class _OwnMemory:
    """Watches from outside what a kernel holds for itself: nobody else keeps that peak."""

    SECONDS = 0.05

    def __init__(self, client):
        self.process = psutil.Process(client.km.provisioner.pid)
        self.peak_mb, self.ended = 0.0, threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self.ended.wait(self.SECONDS):
            with suppress(psutil.Error):  # the kernel has died, which its cell says
                self.peak_mb = max(self.peak_mb, memory.own_mb(self.process))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def _plain(failure):
    return re.sub(r"\x1b\[[\d;]*m", "", str(failure))


def _peak_memory_mb(client):
    """Ask a running kernel for the most memory that it has held."""
    answer = _ask(client, "__import__('dlcourse.memory', fromlist=['_']).peak_mb()")
    if answer["status"] != "ok":
        raise LessonError(f"The kernel cannot use dlcourse ({answer['evalue']}). Install it there.")
    return float(answer["data"]["text/plain"])


def _explorer_seconds(client, notebook):
    """Yield how long each explorer of the notebook takes to draw, at the end of the notebook.

    It is infinite, which breaks the budget, if a later cell took a name away that the explorer
    draws with: then its slider is dead for the learner too.
    """
    for cell in notebook.cells:
        if has_tag(cell, "explorer"):
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


def _write(path, notebook):
    """Write the notebook whole or not at all, and only if it differs from what is there."""
    import nbformat

    text = nbformat.writes(notebook) + "\n"
    try:
        there = runtime.read_whole(path).decode("utf-8").replace("\r\n", "\n")
    except (OSError, ValueError):  # nothing, or nothing that is a text
        there = None
    if there != text:
        runtime.write_whole(path, text)
