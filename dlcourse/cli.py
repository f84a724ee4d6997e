"""The `dlcourse` command: study, list, run, build and check lessons, and look at the machine."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

from dlcourse.errors import CourseError

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

# What a command needs is imported in it, so that `dlcourse --help` answers at once.

LEAST_COLUMNS = 20  # on which something can be read
if os.environ.get("COLUMNS", "").isdigit() and int(os.environ["COLUMNS"]) < LEAST_COLUMNS:
    del os.environ["COLUMNS"]  # some shells say 0 where there is no terminal
OUT, ERRORS = Console(highlight=False), Console(stderr=True, highlight=False)
COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
CHECKS = {  # `dlcourse check` runs these in the course's folder, and looks for stale notebooks
    "style": ["ruff", "check", "--quiet", "."],
    "layout": ["ruff", "format", "--check", "--quiet", "."],
    "spelling": ["codespell_lib", "."],
    "fast tests": ["pytest", "--quiet", "--no-header", "-m", "not slow", "tests"],
}


class _Commands(typer.core.TyperGroup):
    """The commands; an error raised on purpose is one red text and exit code 1."""

    def main(self, *args, **kwargs):
        for stream in (sys.stdout, sys.stderr):  # a console without the letter gets a "?"
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        return super().main(*args, **kwargs)

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except CourseError as error:
            ERRORS.print(f"[red]{escape(str(error))}[/red]", soft_wrap=True)
            raise typer.Exit(1) from None
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left of it
            ERRORS.print("[red]There is no room for what this command writes.[/red]")
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Commands,
    help="The deep-learning course: study, list, run, build and check its lessons.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(no_args_is_help=True)
app.add_typer(data_app, name="data", help="The datasets that come with the course.")

Numbers = Annotated[list[str] | None, typer.Argument(help="Such as 11 21; all if none is given.")]


@app.command()
def lab(
    number: Annotated[str | None, typer.Argument(help="Such as 21; else the first lesson.")] = None,
    port: Annotated[int | None, typer.Option(help="Else 8888, or a free one.")] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser too.")] = True,
    original: Annotated[
        bool, typer.Option("--original", help="For authors: the course's own notebooks.")
    ] = False,
):
    """Open JupyterLab on your own copy of a lesson. Ctrl-C ends it."""
    from dlcourse import catalogue, lab, work
    from dlcourse.errors import LessonError

    lessons = catalogue.find([number] if number else [])
    if not lessons or not lessons[0].notebook.exists():
        raise LessonError("There is no notebook to open yet. `dlcourse build` writes them.")
    if original:
        lab.serve(catalogue.folder(), lessons[0].notebook, port, browser, say=typer.echo)
        return
    copies = work.prepare([lesson for lesson in catalogue.lessons() if lesson.notebook.exists()])
    _tell([each for each in copies if each.notes])
    place = {each.lesson.number: each.copy for each in copies}[lessons[0].number]
    lab.serve(work.folder(), place, port, browser, say=typer.echo)


@app.command()
def update(numbers: Numbers = None):
    """Bring your copies of the lessons up to the course's present edition, with all you wrote.

    Save what is open in JupyterLab before, and open it anew after. The copies as they were stay in
    the folder `earlier` beside them.
    """
    from dlcourse import catalogue, work

    _tell(work.update(catalogue.find(numbers or ())))
    OUT.print(escape(f"Your copies are in {work.folder()}."), soft_wrap=True)


@app.command()
def reset(
    number: Annotated[str, typer.Argument(help="Such as 21.")],
    exercise: Annotated[
        str | None, typer.Argument(help="The name of one, such as accuracy; else the whole lesson.")
    ] = None,
):
    """Put your copy of a lesson, or one exercise in it, back to how it came.

    The copy as it was stays in the folder `earlier` beside it.
    """
    from dlcourse import catalogue, work

    (lesson,) = catalogue.find([number])
    _tell([work.reset(lesson, exercise)])


@app.command()
def restore(numbers: Numbers = None):
    """Put the answers that you have checked back into the blank exercises of your copies.

    They are in the progress file: `dlcourse progress` says where.
    """
    from dlcourse import catalogue, work

    _tell([work.restore(lesson) for lesson in catalogue.find(numbers or ())])


def _tell(done):
    """Print a line for each copy, and below it what the learner is to know."""
    for each in done:
        lesson = each.lesson
        OUT.print(f"{lesson.number}  {escape(lesson.title):<34} {each.word}", soft_wrap=True)
        for note in each.notes:
            OUT.print(f"    {escape(note)}", soft_wrap=True)


@app.command("list")
def list_lessons():
    """List the lessons: minutes to study, what the build measured, and what you have done."""
    from dlcourse import catalogue, course, progress

    kept = progress.attempts()
    table = Table("", "Lesson", "After", box=None, pad_edge=False)
    for heading in ("Study", "Runs in", "Memory", "Done"):
        table.add_column(heading, justify="right", no_wrap=True)
    for lesson in catalogue.lessons():
        needs, standing = ", ".join(lesson.needs), str(course.Standing(lesson, kept))
        table.add_row(
            lesson.number, escape(lesson.title), needs, *catalogue.costs(lesson), standing
        )
    OUT.print(table)


@app.command("progress")
def show_progress(
    on: Annotated[
        bool | None, typer.Option("--on/--off", help="Keep attempts from now on, or none.")
    ] = None,
):
    """Show what you have tried and done; it is kept on this machine only."""
    from datetime import datetime

    from dlcourse import catalogue, course, progress

    if on is not None:
        progress.switch(on)
    kept = progress.attempts()
    table = Table("", "Lesson", box=None, pad_edge=False)
    for heading in ("Done", "Attempts", "Last"):
        table.add_column(heading, justify="right", no_wrap=True)
    for lesson in catalogue.lessons():
        tried = [attempt for attempt in kept if attempt.lesson in lesson.slugs]
        last = f"{datetime.fromtimestamp(tried[-1].moment):%Y-%m-%d %H:%M}" if tried else "–"
        standing = str(course.Standing(lesson, kept))
        table.add_row(lesson.number, escape(lesson.title), standing, str(len(tried)), last)
    OUT.print(table)
    OUT.print(escape(_keeping(progress)), soft_wrap=True)


def _keeping(progress):
    """Return the sentences that say whether attempts are kept, and where."""
    file, place = progress.file(), progress.place()
    if progress.is_off_by_variable():
        return (
            f"Keeping is off: the environment variable DLCOURSE_PROGRESS says so. The file: {file}"
        )
    if not progress.is_on():
        return f"Keeping is off: --on starts it. The file: {file}"
    if place == file:
        return f"Keeping is on: --off stops it. The file: {file}"
    until = f"wait in {place}" if place else "are gone when the notebook's kernel ends"
    return (
        f"Keeping is on, but {file} cannot be written: attempts {until}. "
        "To keep them, set the environment variable DLCOURSE_HOME to a folder that can be written."
    )


@app.command()
def run(
    numbers: Numbers = None,
    quick: Annotated[bool, typer.Option("--quick", help="Use the small settings.")] = False,
    solved: Annotated[bool, typer.Option("--solved", help="With all exercises solved.")] = False,
):
    """Execute notebooks, one line for each; nothing is written. Fails if one breaks a budget.

    A budget is for a notebook as shipped: with --solved, only an exercise that breaks its own
    promises fails. With --quick as well they are not asked: small values need not reach a bar.
    """
    from dlcourse import catalogue, notebooks

    faults, total, chosen = [], 0.0, catalogue.find(numbers or ())
    for lesson in chosen:
        result = _run_with_bar(lesson, quick, solved)
        total += result.seconds
        broken = [] if solved else notebooks.budget_faults(lesson, result)
        broken = [result.error] if result.error else broken
        _report(result, "failed" if result.error else "over budget" if broken else "ok")
        faults += broken
    if not numbers and not solved and total > notebooks.COURSE_BUDGET_SECONDS:
        budget = notebooks.COURSE_BUDGET_SECONDS
        faults.append(f"All notebooks take {total:.0f} s; the budget is {budget} s.")
    _fail_with(faults)


def _run_with_bar(lesson, quick, solved):
    from dlcourse import notebooks

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=OUT, transient=True, disable=not OUT.is_terminal) as bar:
        task = bar.add_task(f"{lesson.number} {escape(lesson.title)}", total=None)

        def report(done, cells):
            bar.update(task, completed=done, total=cells)

        return notebooks.run(lesson, quick, solved, report)


def _report(result, word):
    """Print one line about a Run."""
    lesson, colour = result.lesson, "green" if word in ("ok", "built", "holds") else "red"
    OUT.print(
        f"{lesson.number}  {escape(lesson.title):<34} {result.seconds:6.1f} s  "
        f"{result.peak_memory_mb:5.0f} MB  [{colour}]{word}[/{colour}]",
        soft_wrap=True,
    )


def _fail_with(faults):
    """End with exit code 1 and one text for each fault, if there are any."""
    for fault in faults:
        ERRORS.print(f"[red]{escape(fault)}[/red]", soft_wrap=True)
    if faults:
        raise typer.Exit(1)


@app.command()
def build(
    numbers: Numbers = None,
    force: Annotated[bool, typer.Option("--force", help="Even what has not changed.")] = False,
):
    """Write the notebooks whose text, folder or data changed, and what other pages show of them.

    What still holds is left as it is: after a change of the package, `--force` runs everything and
    writes only notebooks in which an output differs.
    """
    from dlcourse import catalogue, notebooks, runtime

    faults = []
    for lesson in catalogue.find(numbers or ()):
        before = _bytes(lesson)
        with OUT.status(f"Building {lesson.number} {escape(lesson.title)}"):
            result = notebooks.build(lesson, force)
        if result is None:
            OUT.print(f"{lesson.number}  {escape(lesson.title):<34} nothing changed")
        else:
            _report(result, "built" if _bytes(lesson) != before else "holds")
            faults += notebooks.budget_faults(lesson, result)
    for page in catalogue.PAGES:
        path = catalogue.folder() / page
        if path.exists():
            text = catalogue.filled(page, catalogue.text_of(path))
            runtime.write_whole(path, text)
    _fail_with(faults)


def _bytes(lesson):
    from dlcourse import runtime

    try:
        return runtime.read_whole(lesson.notebook)
    except OSError:  # there is none, or something else is in its place
        return b""


@app.command()
def measure(
    number: Annotated[str, typer.Argument(help="Such as 41.")],
    parts: Annotated[
        list[str] | None, typer.Argument(help="Such as band; all of the lesson's if none is given.")
    ] = None,
):
    """Measure what a lesson quotes: its headline over five seeds, and the runs that it replays."""
    from dlcourse import catalogue, measure

    (lesson,) = catalogue.find([number])
    measure.measure(lesson, parts or (), say=lambda line: OUT.print(line, soft_wrap=True))
    OUT.print(f"Now `dlcourse build {number}`: the notebook shows what was measured.")


@app.command()
def check():
    """Run everything cheap: style, layout, spelling, stale notebooks and pages, fast tests."""
    from dlcourse import catalogue, notebooks

    course, failed = catalogue.folder(), []
    stale = [notebooks.stale(lesson) for lesson in catalogue.lessons()]
    for page in catalogue.PAGES:
        text = catalogue.text_of(course / page)
        fresh = catalogue.filled(page, text) == text
        stale += [None if fresh else f"{page} is stale. Run `dlcourse build`."]
    failed += _checked("notebooks", "\n".join(filter(None, stale)), 0)
    for name, command in CHECKS.items():
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=course, capture_output=True, text=True
        )
        fault = (done.stdout + done.stderr).strip() or "It failed." if done.returncode else ""
        failed += _checked(name, fault, time.perf_counter() - start)
    if failed:
        raise typer.Exit(1)


def _checked(name, fault, seconds):
    """Print how a check went; return [name] if it failed."""
    word = "[red]failed[/red]" if fault else "[green]ok[/green]"
    OUT.print(f"{name:<12} {seconds:5.1f} s  {word}")
    if fault:
        OUT.print(escape(fault), soft_wrap=True)
    return [name] if fault else []


@data_app.command("list")
def list_data():
    """List the datasets, and the weights of networks that others trained."""
    from dlcourse import data

    table = Table("Name", "What it is", box=None, pad_edge=False)
    for heading in ("Examples", "MB"):
        table.add_column(heading, justify="right")
    for name in data.names():
        card = data.card(name)
        size = f"{card.path.stat().st_size / 1e6:.2f}" if card.path.exists() else "missing"
        examples = str(sum(card.splits.values())) if card.splits else "weights"
        table.add_row(name, escape(card.title), examples, size)
    OUT.print(table)


@data_app.command()
def card(name: Annotated[str, typer.Argument(help="A name from `dlcourse data list`.")]):
    """Show a dataset's card: splits, classes, licence, source, checksum."""
    from dlcourse import data

    typer.echo(data.card(name))


@data_app.command()
def verify(names: Annotated[list[str] | None, typer.Argument(help="All if none is given.")] = None):
    """Compare each data file with the checksum on its card."""
    from dlcourse import data

    faults = []
    for name in names or data.names():
        try:
            data.verify(name)
        except CourseError as error:
            faults.append(str(error))
        else:
            OUT.print(f"{name:<20} [green]ok[/green]")
    _fail_with(faults)


@app.command()
def new(
    title: Annotated[str, typer.Argument(help="The title of the lesson.")],
    part: Annotated[int, typer.Option(help="First digit of its number.")] = 7,
    number: Annotated[str | None, typer.Option(help="Its number, else the next free.")] = None,
):
    """Begin a lesson: text, folder and built notebook. The tests pass on them at once."""
    from dlcourse import catalogue, notebooks

    lesson = notebooks.new(title, part, number)
    build([lesson.number])
    course = catalogue.folder()
    OUT.print(f"Lesson {lesson.number}, {escape(title)}:", soft_wrap=True)
    for path, what in (
        (lesson.source, "write the text here"),
        (lesson.folder / "__init__.py", "its facts, exercises and quiz here"),
        (lesson.notebook, f"`dlcourse build {lesson.number}` writes this one anew"),
    ):
        shown = path.relative_to(course) if path.is_relative_to(course) else path
        OUT.print(f"  {shown.as_posix():<44} {what}", soft_wrap=True)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="A list, for programs.")] = False,
):
    """Look over this machine; name each problem with its fix. Fails if there is one."""
    import json
    from dataclasses import asdict

    from dlcourse import doctor

    findings = []
    for finding in doctor.examine(_course_folder()):
        findings.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        typer.echo(json.dumps([asdict(f) for f in findings], indent=1, ensure_ascii=False))
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)


def _course_folder():
    try:
        from dlcourse import catalogue
    except ImportError:  # a broken install is what the doctor is for
        return Path(__file__).parents[1]
    return catalogue.folder()


def _show(finding):
    colour = COLOURS[finding.state]
    state = f"[{colour}]{finding.state:<8}[/{colour}]"
    OUT.print(f"{state} {finding.name:<20} {escape(finding.found)}", soft_wrap=True)
    if finding.state != "ok":
        for word, text in (("expected", finding.wanted), ("fix", finding.fix)):
            OUT.print(f"{'':<9}{word:<7} {escape(text)}", soft_wrap=True)
