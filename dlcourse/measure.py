"""What a lesson quotes and replays, measured ahead of time: what `dlcourse measure NN` calls."""

import json
import statistics
import time

from dlcourse import catalogue, lessons, notebooks, runtime
from dlcourse.errors import LessonError

BAND = "band"  # the part that every lesson with a headline has
PRINT_HEADLINE = """
import dataclasses, json
print(json.dumps(dataclasses.asdict(headline)))"""


def parts(lesson) -> dict:
    """Return what can be measured of a lesson, {name: function that measures and stores it}.

    "band" runs the notebook with several seeds; the others are the `PARTS` of the lesson's
    `record.py`: functions of what is recorded already that give more of it, as a dictionary that
    JSON can hold, or a pair of that and {name: array} for `lessons.checkpoint`.
    """
    there = {}
    if notebooks.headline_cells(notebooks.from_text(lesson).cells):
        there[BAND] = band
    if (lesson.folder / "record.py").exists():
        recorders = catalogue.module(lesson, "record").PARTS
        there |= {name: _recorder(part) for name, part in recorders.items()}
    return there


def measure(lesson, names=(), say=print) -> None:
    """Measure parts of a lesson and store what was found in the lesson's folder.

    Args:
        lesson: One of `catalogue.lessons()`.
        names: Names of `parts(lesson)`; all of them if none is given.
        say: Called with a line of text when a part is done.

    Raises:
        LessonError: It has no such part, or no part at all, or a cell failed.
    """
    there = parts(lesson)
    if missing := [name for name in names if name not in there]:
        raise LessonError(
            f"{lesson} has no part {', '.join(missing)} to measure. "
            f"It has: {', '.join(there) or 'none'}."
        )
    if not there:
        raise LessonError(f"{lesson} has no cell tagged `headline` and no record.py to measure.")
    for name in names or there:
        started = time.perf_counter()
        there[name](lesson)
        say(f"{lesson.number}  {name}: {time.perf_counter() - started:.0f} s")


def band(lesson, seeds=5) -> None:
    """Run the lesson once for each seed, up to its headline, and store the scores.

    The notebook's cell tagged `parameters` has a line `seed = 0`, the one tagged `headline` makes a
    `results.Headline` called `headline`.

    Args:
        lesson: One of `catalogue.lessons()`.
        seeds: How many; at least 5.

    Raises:
        LessonError: A cell failed, or one of the two cells is missing.
    """
    runs = []
    for seed in range(seeds):
        notebook = notebooks.up_to_headline(lesson, seed)
        notebook.cells[-1].source += PRINT_HEADLINE
        error = notebooks.execute(lesson, notebook, explorers=False).error
        if error:
            raise LessonError(error)
        runs.append(json.loads(notebook.cells[-1].outputs[-1]["text"]))
    facts = {key: runs[0][key] for key in ("what", "baseline", "baseline_name", "parameters")}
    facts["scores"] = [round(each["score"], 4) for each in runs]
    facts["baseline"] = round(facts["baseline"], 4)
    facts["seconds"] = round(statistics.median(each["seconds"] for each in runs), 1)
    facts["cores"] = runtime.available_cores()
    lessons.keep_headline(lesson.slug, facts)


def _recorder(part):
    """Return a function of a lesson that calls the part and stores what it found."""

    def record(lesson):
        there = (lesson.folder / "recorded.json").exists()
        before = lessons.recorded(lesson.slug) if there else {}
        given = part(before)
        new, arrays = given if isinstance(given, tuple) else (given, None)
        facts = before | {"cores": runtime.available_cores()} | new
        if arrays and (lesson.folder / "weights.npz").exists():  # another part may have given some
            arrays = lessons.checkpoint(lesson.slug) | arrays
        lessons.keep_recorded(lesson.slug, facts, arrays)

    return record
