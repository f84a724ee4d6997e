"""The learner's own copies of the notebooks: made, brought up to date, put back, never lost.

A copy lies in a folder of the learner's own (see `folder`), so that an update of the course meets
no file that a learner has written in. Beside it lies, in `.dlcourse`, each cell as it came with the
course: what differs from it is the learner's. `update` carries that over into the new edition of a
lesson, cell by cell. Before a copy changes, it is kept in `earlier`; each file is written whole or
not at all, the copy itself last: a command that breaks off loses nothing and can be repeated.
"""

import ast
import difflib
import json
import os
import re
import textwrap
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from dlcourse import catalogue, notebooks, progress, runtime
from dlcourse.errors import CourseError, KindError, LessonError, in_short

NAME = "my-dlcourse"  # of the folder, in the learner's home
PAGE = "claims.md"  # lies beside the notebooks, which link to it
EARLIER, SHIPPED = "earlier", ".dlcourse"
ALIKE = 0.6  # of its words a cell keeps, at least, if it counts as the same cell rewritten
MANY_LINES = 500  # of two versions of a cell: to compare more takes long


class WorkError(CourseError, OSError):
    """A learner's copy cannot be read or written."""


class Done(NamedTuple):
    """What was done to a lesson's copy.

    `word` is "new", "as it was", "up to date", "put back"; `notes` are sentences for the learner.
    """

    lesson: catalogue.Lesson
    copy: Path
    word: str
    notes: tuple = ()


def folder() -> Path:
    """Return the folder of the learner's copies: `my-dlcourse` in the home.

    The environment variable DLCOURSE_WORK names another one; DLCOURSE_HOME moves it with the rest.

    Example:
        >>> work.folder().name in ("my-dlcourse", "work")
        True
    """
    if named := runtime.path_variable("DLCOURSE_WORK"):
        return named
    if home := runtime.path_variable("DLCOURSE_HOME"):
        return home / "work"
    return Path.home() / NAME


def prepare(lessons) -> list[Done]:
    """Make the copies that are missing; leave those that are there as they are.

    Returns:
        A Done for each lesson; a note says where `update` would bring a newer edition.

    Raises:
        WorkError: The folder cannot be written to.
    """
    return [_in_words(_prepared, lesson) for lesson in _several(lessons)]


def update(lessons) -> list[Done]:
    """Bring the copies up to the course's present edition, with all that the learner wrote.

    - A cell that the learner has left alone becomes the new one. One that only the learner has
      changed stays. Where both have changed it, both changes are made, or the learner's version
      follows the new cell as text.
    - An exercise is known by its name, whatever cell it is in. Cells that the learner has added
      stay behind the cell that they followed. What the learner has deleted stays deleted, unless
      the course has changed it.
    - A lesson that was renamed is known by its former name: FORMERLY in its folder.

    Raises:
        WorkError: A file cannot be read or written; the copy is then as it was.
    """
    return [_in_words(_updated, lesson) for lesson in _several(lessons)]


def reset(lesson, exercise=None) -> Done:
    """Put a lesson's copy, or one exercise in it, back to how it came; the copy is kept first.

    Args:
        lesson: One of `catalogue.lessons()`.
        exercise: The name of one, or None.

    Raises:
        LessonError: The lesson has no such exercise.
        WorkError: A file cannot be read or written; the copy is then as it was.
    """
    return _in_words(_reset, lesson, exercise)


def restore(lesson) -> Done:
    """Put each answer that the progress file holds into the copy's exercises that are blank.

    Of an exercise's attempts, the last right one counts, or the last one where none was right.

    Raises:
        WorkError: A file cannot be read or written; the copy is then as it was.
    """
    return _in_words(_restored, lesson)


def _in_words(command, lesson, *rest):
    if not isinstance(lesson, catalogue.Lesson):
        raise KindError(
            f"`lesson` is {in_short(lesson)}, but should be one of `catalogue.lessons()`, such as "
            'catalogue.find(["21"])[0].'
        )
    try:
        done = command(lesson, *rest)
        _bring_page()
        return done
    except CourseError:
        raise
    except OSError as error:
        raise WorkError(
            f"The copy of {lesson} in {folder()} cannot be read or written ({error}). Let the "
            "folder be yours to write in, or name another one in the environment variable "
            "DLCOURSE_WORK."
        ) from error


def _several(lessons):
    """Return lessons that can be gone through; what is none is left to `_in_words` to refuse."""
    return lessons if isinstance(lessons, list | tuple) else [lessons]


def _bring_page():
    """Copy the page that the lessons link to; nobody writes in it."""
    page = catalogue.sources().parent / PAGE
    if page.exists():
        content, there = runtime.read_whole(page), folder() / PAGE
        if not there.exists() or runtime.read_whole(there) != content:
            runtime.write_whole(there, content)


def _prepared(lesson):
    found = _found(lesson)
    if found is None:
        return _updated(lesson)
    path, notebook = found
    newer = notebook is not None and _edition(notebook) != notebooks.fingerprint(lesson)
    advice = f"A newer edition is there: `dlcourse update {lesson.number}` takes your work along."
    return Done(lesson, path, "as it was", (advice,) if newer else ())


def _updated(lesson):
    new = shipped(lesson)
    path = folder() / lesson.notebook.name
    found = _found(lesson)
    if found is None:
        # Before there were copies, a learner wrote into the course's own notebook.
        stored = lesson.stored() or new
        cells, notes = merged(new["cells"], stored["cells"], new["cells"])
        _write(lesson, path, new | {"cells": cells}, new)
        return Done(lesson, path, "new", tuple(notes))
    there, mine = found
    if mine is None:
        _keep(there)
        _write(lesson, path, new, new)
        sentence = (
            f"{there.name} could not be read. It is kept in `{EARLIER}`, and a new copy is there. "
            f"`dlcourse restore {lesson.number}` puts your answers into it."
        )
        return Done(lesson, path, "new", (sentence,))
    if _edition(mine) == _edition(new) and there == path:
        return Done(lesson, path, "as it was")
    cells, notes = merged(_base(mine), mine["cells"], new["cells"])
    if cells != mine["cells"]:
        _keep(there)
    metadata = mine.get("metadata", {})  # the learner's kernel, and what is not the course's
    metadata = new["metadata"] | (metadata if isinstance(metadata, dict) else {})
    metadata["dlcourse"] = new["metadata"].get("dlcourse", {})
    _write(lesson, path, new | {"cells": cells, "metadata": metadata}, new)
    if there != path:
        there.unlink()
        notes.append(f"The lesson is called {path.name} now; it was {there.name}.")
    return Done(lesson, path, "up to date", tuple(notes))


def _reset(lesson, exercise):
    new = shipped(lesson)
    if exercise is None:
        if found := _found(lesson):
            _keep(found[0])
        path = folder() / lesson.notebook.name
        _write(lesson, path, new, new)
        return Done(lesson, path, "put back")
    blank = _expect_exercise(lesson, exercise, new["cells"])
    _updated(lesson)
    path, mine = _found(lesson)
    held = [i for i, cell in enumerate(mine["cells"]) if exercise in _exercises(cell)]
    cells = [cell for i, cell in enumerate(mine["cells"]) if i not in held[1:]]
    if held:
        cells[held[0]] = blank
    else:  # the learner has deleted it: it stands where it stands in the lesson
        unlike = [cell for cell in new["cells"] if cell is not blank]
        cells, _ = merged(unlike, cells, new["cells"])
    _keep(path)
    _write(lesson, path, mine | {"cells": cells})
    return Done(lesson, path, "put back")


def _restored(lesson):
    _updated(lesson)
    path, mine = _found(lesson)
    blanks = {name: cell for cell in shipped(lesson)["cells"] for name in _exercises(cell)}
    answers, put = _answers(lesson), []
    for cell in mine["cells"]:
        names = _exercises(cell)
        if not names or _source(cell) != _source(blanks.get(names[0], {"source": ""})):
            continue
        for name in names:
            text = _with_answer(_source(cell), name, answers.get(name), lesson)
            if text is not None:
                cell |= {"source": text, "outputs": [], "execution_count": None}
                put.append(name)
    if put:
        _keep(path)
        _write(lesson, path, mine)
    notes = (f"Put back: {', '.join(put)}.",) if put else ()
    return Done(lesson, path, "put back" if put else "as it was", notes)


def _answers(lesson):
    """Return {exercise: the text of its last right attempt, or else of its last}."""
    last, right = {}, {}
    for attempt in progress.attempts():
        if attempt.lesson in lesson.slugs and attempt.kind == "exercise":
            if attempt.outcome != "not tried":
                last[attempt.item] = attempt.answer
            cut = len(attempt.answer) >= progress.ANSWER_CHARACTERS
            if attempt.outcome == "right" and not (cut and attempt.item in right):
                right[attempt.item] = attempt.answer
    return last | right


def _with_answer(source, name, answer, lesson):
    """Return a blank cell's source with an answer in it, or None if the answer is no code."""
    if answer is None:
        return None
    if name in notebooks.exercise_names(answer):
        return answer  # the whole cell, as it was when it was checked
    answer = textwrap.dedent(answer).strip()
    try:
        if notebooks.defines(ast.parse(answer).body, name):
            return notebooks.with_definition(source, name, answer, lesson)
    except (CourseError, SyntaxError):  # what `repr` gave of a value, when no cell was seen
        pass
    return None


# Cell by cell ----------------------------------------------------------------------------------


def merged(base, mine, new) -> tuple:
    """Return a new edition's cells with what the learner wrote, and a note on each doubtful one.

    Args:
        base: The cells as they came with the course, when the copy was made. None if nobody knows:
            then the learner's version of each cell that differs stays, an exercise's in its place.
        mine: The learner's cells.
        new: The cells as they come with the course now.

    Returns:
        (the cells, sentences for the learner).
    """
    unknown, base = base is None, new if base is None else base
    of_mine = _same_cells(base, mine, by_id=True)  # {index in mine: index in base}
    of_new = _same_cells(base, new)
    held = {there: i for i, there in of_mine.items()}
    cells, notes, places = [], [], {}  # places: {index in mine: where in `cells` it went}
    for i, cell in enumerate(new):
        there = of_new.get(i)
        own = held.get(there)
        if there is not None and own is None and _source(base[there]) == _source(cell):
            continue  # deleted by the learner, and nothing new
        was = {"source": None} if unknown and not _exercises(cell) else base[there or 0]
        kept = [cell] if own is None else _one_of(was, mine[own], cell, notes)
        if own is not None:
            places[own] = len(cells) + len(kept) - 1
        cells += kept
    # What has no place of its own in the new edition follows the cell that it followed.
    after, last, taken = {}, -1, {cell["id"] for cell in new}
    for i, cell in enumerate(mine):
        if i in places:
            last = places[i]
        elif i not in of_mine:
            if not _id(cell) or _id(cell) in taken:
                cell = cell | {"id": _new_id()}
            taken.add(cell["id"])
            after.setdefault(last, []).append(cell)
        elif _source(cell) != _source(base[of_mine[i]]):
            after.setdefault(last, []).append(_as_text(cell, "The lesson no longer has this cell"))
            notes.append(
                "A cell that you had changed is no longer in the lesson: it stays as text."
            )
    result = list(after.get(-1, ()))
    for i, cell in enumerate(cells):
        result += [cell, *after.get(i, ())]
    return result, notes


def _same_cells(base, cells, by_id=False):
    """Return {index in cells: index in base} of the cells that are the same ones, if rewritten."""
    found, free = {}, dict(enumerate(base))

    def pair(key):
        there = {}
        for i, cell in free.items():
            if (name := key(cell)) is not None:
                there.setdefault(name, []).append(i)
        for i, cell in enumerate(cells):
            if i not in found and there.get(key(cell)):
                found[i] = there[key(cell)].pop(0)
                del free[found[i]]

    has_ids = by_id and any("id" in cell for cell in cells)
    if has_ids:  # which JupyterLab keeps, whatever is written into the cell
        pair(_id)
    pair(lambda cell: _exercises(cell) or None)
    if not has_ids:
        pair(lambda cell: (cell["cell_type"], _source(cell)))
        _pair_alike(cells, found, free)
    return found


def _id(cell):
    """Return a cell's id; None for what somebody has put in its place."""
    return cell["id"] if isinstance(cell.get("id"), str) else None


def _pair_alike(cells, found, free):
    """Add the pairs of cells that have most lines in common, the most alike first."""
    pairs = []
    for i, cell in enumerate(cells):
        for there, other in free.items() if i not in found else ():
            if cell["cell_type"] == other["cell_type"]:
                pairs.append((_likeness(_source(cell), _source(other)), -abs(i - there), i, there))
    for likeness, _, i, there in sorted(pairs, reverse=True):
        if likeness >= ALIKE and i not in found and there in free:
            found[i] = there
            del free[there]


def _likeness(text, other):
    """Return the share of words that two texts have in common, 0..1, whatever their order."""
    words, others = (Counter(each.split()) for each in (text, other))
    return 2 * (words & others).total() / max(1, words.total() + others.total())


def _one_of(base, mine, new, notes):
    """Return the cell, or the two cells, that one cell of the lesson becomes."""
    was, own, now = base["source"], _source(mine), _source(new)
    kept = mine | {"id": new["id"], "metadata": _metadata(mine, new)}
    if own == now or was == now:
        return [kept]
    if own == was:
        return [new]
    both = None
    if was is not None:
        both = three_way(was, own, now) or _answer_moved(was, own, now)
    if both is not None:
        return [new | _emptied(new, both)]
    notes.append("A cell that you had changed is new: your version stands below it as text.")
    return [new, _as_text(mine, "Your version of the cell above, from before the update")]


def _metadata(mine, new):
    """What the lesson says of a cell counts; whether it is folded is the learner's."""
    folding = ("jupyter", "collapsed", "scrolled")
    return mine.get("metadata", {}) | {
        key: value for key, value in new.get("metadata", {}).items() if key not in folding
    }


def _emptied(cell, source):
    gone = {"outputs": [], "execution_count": None} if cell["cell_type"] == "code" else {}
    return {"source": source} | gone


def three_way(base, mine, new) -> str | None:
    """Return a text with the changes of both, line by line; None where they meet in a line.

    None, too, for very long texts.

    Example:
        >>> work.three_way("a\\nb\\nc", "a\\nb\\nC", "A\\nb\\nc")
        'A\\nb\\nC'
    """
    lines = base.split("\n")
    if max(len(each.split("\n")) for each in (base, mine, new)) > MANY_LINES:
        return None
    changes = sorted(
        (start, end, written[first:last])
        for written in (mine.split("\n"), new.split("\n"))
        for what, start, end, first, last in difflib.SequenceMatcher(
            None, lines, written, autojunk=False
        ).get_opcodes()
        if what != "equal"
    )
    result, at = [], 0
    for i, (start, end, written) in enumerate(changes):
        if i and changes[i - 1] == (start, end, written):
            continue  # both made the same change
        if start < at or (i and start == end == changes[i - 1][0] == changes[i - 1][1]):
            return None  # they overlap, or nobody knows which comes first
        result += lines[at:start] + written
        at = end
    return "\n".join(result + lines[at:])


def _answer_moved(base, mine, new):
    """Return an exercise's new cell with the learner's lines in place of the blank, or None."""
    names = notebooks.exercise_names(new)
    if len(names) != 1 or notebooks.exercise_names(mine) != names:
        return None
    was, own = base.split("\n"), mine.split("\n")
    first = last = 0
    while first < min(len(was), len(own)) and was[first] == own[first]:
        first += 1
    while last < min(len(was), len(own)) - first and was[-1 - last] == own[-1 - last]:
        last += 1
    end = len(own) - last
    try:
        for statement in ast.parse(mine).body:
            if notebooks.defines([statement], names[0]):  # all of it, what is as it was too
                first, end = min(first, statement.lineno - 1), max(end, statement.end_lineno)
        written = "\n".join(own[first:end])
        moved = notebooks.with_definition(new, names[0], written, "The lesson")
        ast.parse(moved)
    except (CourseError, SyntaxError):
        return None
    return moved if notebooks.exercise_names(moved) == names else None


def _as_text(cell, why):
    """Return a learner's cell as one of text, which stays whatever it says and is never run."""
    source = _source(cell)
    if cell["cell_type"] == "code":
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", source)), default=0))
        source = f"{fence}python\n{source}\n{fence}"
    kept = {key: cell[key] for key in ("attachments",) if key in cell}
    text = f"*{why}:*\n\n{source}"
    return {"cell_type": "markdown", "id": _new_id(), "metadata": {}, "source": text} | kept


def _new_id():
    return uuid.uuid4().hex[:8]


def _source(cell):
    return "".join(cell["source"])


def _exercises(cell):
    return tuple(notebooks.exercise_names(_source(cell))) if cell["cell_type"] == "code" else ()


def _expect_exercise(lesson, name, cells):
    """Return the cell of the exercise as it came."""
    there = {each: cell for cell in cells for each in _exercises(cell)}
    if name not in there:
        raise LessonError(f"{lesson} has no exercise {name!r}. It has: {', '.join(there)}.")
    return there[name]


# Files -----------------------------------------------------------------------------------------


def shipped(lesson) -> dict:
    """Return a lesson's notebook as it comes with the course, with its stored outputs."""
    import nbformat

    new = json.loads(nbformat.writes(notebooks.filled_from_text(lesson)))
    stored = {_id(cell): cell for cell in lesson.stored().get("cells", ())}
    for cell in new["cells"]:
        cell["source"] = _source(cell)
        there = stored.get(cell["id"])
        if cell["cell_type"] == "code" and there and _source(there) == cell["source"]:
            cell |= {key: there[key] for key in ("outputs", "execution_count") if key in there}
    new["metadata"]["dlcourse"] = {
        "lesson": lesson.slug,
        "fingerprint": notebooks.fingerprint(lesson),
    }
    return new


def _found(lesson):
    """Return (path, notebook) of a lesson's copy, also under another name; None if there is none.

    The notebook is None if it cannot be read.
    """
    place = folder()
    if place == catalogue.sources().parent:
        raise WorkError(
            f"{place} holds the course's own notebooks. Your copies need another folder: name it "
            "in the environment variable DLCOURSE_WORK."
        )
    path = place / lesson.notebook.name
    if path.exists():
        return path, _read(path)
    others = []
    for other in place.glob("*.ipynb"):
        if (
            other.is_file()
            and (notebook := _read(other))
            and _notes(notebook)["lesson"] in lesson.slugs
        ):
            others.append((other.stat().st_mtime, other, notebook))
    return max(others, key=lambda each: each[0])[1:] if others else None


def _read(path):
    """Return the notebook at `path` with its cells as the build writes them; None if it is none."""
    try:
        notebook = runtime.read_json(path)
        notebook["cells"] = [_sound(cell) for cell in notebook["cells"]]
        return notebook if _notes(notebook) else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _sound(cell):
    """Return a cell with one text as its source, and all that a cell must have."""
    source = _source(cell).encode("utf-8", "replace").decode("utf-8")  # half an emoji
    rest = {"metadata": cell.get("metadata") if isinstance(cell.get("metadata"), dict) else {}}
    if cell["cell_type"] == "code":
        outputs = cell.get("outputs")
        rest["outputs"] = outputs if isinstance(outputs, list) else []
        rest["execution_count"] = cell.get("execution_count")
    named = {"id": cell["id"]} if isinstance(cell.get("id"), str) else {}
    return {key: cell[key] for key in cell if key != "id"} | named | rest | {"source": source}


def _notes(notebook):
    """Return what a copy says of itself: its lesson, and the edition's fingerprint."""
    noted = notebook.get("metadata", {}).get("dlcourse", {})
    return {key: str(noted.get(key, "")) for key in ("lesson", "fingerprint")}


def _edition(notebook):
    return _notes(notebook)["fingerprint"]


def _base(mine):
    """Return the cells as they came when the copy was made, or None if they are not kept."""
    notes = _notes(mine)
    try:
        kept = runtime.read_json(_base_path(notes["lesson"], notes["fingerprint"]))
        return [_sound(cell) for cell in kept]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _base_path(slug, edition):
    return folder() / SHIPPED / f"{slug}-{edition[:16]}.json"


def _keep(path):
    """Copy a file into `earlier`, if no copy there is the same."""
    content = runtime.read_whole(path)
    kept = folder() / EARLIER
    kept.mkdir(exist_ok=True)
    there_already = (there for there in kept.glob(f"{path.stem} *.ipynb") if there.is_file())
    if any(runtime.read_whole(there) == content for there in there_already):
        return
    moment = time.strftime("%Y-%m-%d %H.%M.%S")
    there, count = kept / f"{path.stem} {moment}.ipynb", 1
    while os.path.lexists(there):
        count += 1
        there = kept / f"{path.stem} {moment} {count}.ipynb"
    runtime.write_whole(there, content)


def _write(lesson, path, notebook, new=None):
    """Write a copy and, before it, the cells as they come with the course now."""
    if new is not None:
        base = _base_path(lesson.slug, _edition(new))
        base.parent.mkdir(parents=True, exist_ok=True)
        runtime.write_whole(base, json.dumps([_bare(cell) for cell in new["cells"]]))
    # Where the learner has put a link, as to a folder that is synchronised, its target is written.
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    runtime.write_whole(os.path.realpath(path), text.encode("utf-8", "replace"))


def _bare(cell):
    return {key: cell[key] for key in ("id", "cell_type", "source")}
