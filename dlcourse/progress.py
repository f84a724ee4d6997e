"""What this learner has tried: a SQLite file on this machine. Nothing leaves it, nothing is lost.

`record` never raises: a lesson goes on whatever happens to the file. After each attempt the file is
copied; when it is damaged it is set aside, and a new one takes in what the copy and the damaged one
hold. An attempt that cannot be written waits in a file beside it, or in memory, for the next one.
What is in the file's place and is no file, such as a named pipe, counts as damaged.
"""

import atexit
import hashlib
import json
import os
import sqlite3
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from dlcourse import runtime
from dlcourse.arrays import expect_switch
from dlcourse.errors import CourseError, KindError, expect_text, in_short

TABLE = """CREATE TABLE IF NOT EXISTS attempts (
    id TEXT PRIMARY KEY, moment REAL, lesson TEXT, item TEXT, kind TEXT, outcome TEXT, answer TEXT
)"""
INSERT = "INSERT OR IGNORE INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?)"
FILE, COPY, WAITING, OFF = "progress.sqlite3", "copy.sqlite3", "waiting-{}.json", "off"
WAIT_SECONDS = 5  # for another kernel that is writing
REST_SECONDS = 60  # after it has waited in vain: until then nothing waits again
LAST = 253e9  # a moment in the year 9987; Python knows no date after 9999
ANSWER_CHARACTERS = 100_000  # of an answer's text; the rest is cut

_unsaved = []  # rows that no file took yet
_patient_again = 0.0  # the moment, by time.monotonic(), from which it is worth waiting


class ProgressError(CourseError, OSError):
    """What the learner wants of the progress cannot be noted on this machine."""


class Attempt(NamedTuple):
    """One attempt: when (seconds since 1970), at what, and how it went.

    `kind` is "exercise", "hint", "solution", "quiz", "review" (a question that was brought back),
    "prediction" or "challenge"; `outcome` is "right", "wrong", "not tried", "raised", "shown" or,
    of a challenge, "met"; `answer` is the learner's choice as text, after the numbers that the
    question had drawn ("filters=8, side=5: 200"), the text of the cell in which an exercise was
    checked, or what was said when a challenge was met.
    """

    id: str
    moment: float
    lesson: str
    item: str
    kind: str
    outcome: str
    answer: str


def record(lesson, item, kind, outcome, answer="") -> bool:
    """Keep one attempt, unless the learner has switched this off. Never raises.

    Args:
        lesson: The lesson's slug, such as "network_from_scratch".
        item: Name of the exercise or question in that lesson.
        kind, outcome, answer: See `Attempt`.

    Returns:
        True if the attempt is in the progress file now; False if it waits, or is switched off.
    """
    try:
        if not is_on():
            return False
        texts = [_text(part) for part in (lesson, item, kind, outcome, answer)]
        _unsaved.append(_sealed(time.time(), *texts))
        return _save()
    except Exception as error:  # a full disk, a locked home: the lesson must go on all the same
        print(f"dlcourse: your progress could not be kept ({error}).", file=sys.stderr)
        return False


def attempts(lesson=None) -> list[Attempt]:
    """Return every Attempt kept so far, oldest first; of one lesson if its slug is given.

    Attempts that still wait for a file that can be written are among them.

    Raises:
        KindError: The slug is no text.
    """
    if lesson is not None:
        expect_text(lesson, "lesson")
    waiting = chain.from_iterable(_waiting().values())
    kept = (*_read(_copy_path()), *_read(file()), *waiting, *_unsaved)
    rows = {row[0]: row for row in kept}
    found = [Attempt(*row) for row in sorted(rows.values(), key=lambda row: row[1])]
    return [attempt for attempt in found if lesson in (None, attempt.lesson)]


def done(lesson, kept=None) -> set:
    """Return the names of the exercises and questions of a lesson that were right at least once.

    Args:
        lesson: The lesson's slug.
        kept: What `attempts()` gave, so that several lessons need one reading; None reads it.

    Raises:
        KindError: The slug is no text, or `kept` holds something else.
    """
    expect_text(lesson, "lesson")
    kept = attempts() if kept is None else kept
    try:
        right = [it for it in kept if it.lesson == lesson and it.outcome == "right"]
        return {it.item for it in right if it.kind in ("exercise", "quiz", "review")}
    except (AttributeError, TypeError) as error:
        raise KindError(
            f"`kept` is {in_short(kept)}, but should be what `attempts()` gave."
        ) from error


def is_on() -> bool:
    """Return whether attempts are kept: the environment variable DLCOURSE_PROGRESS=off, or
    `dlcourse progress --off`, says that they are not.
    """
    if is_off_by_variable():
        return False
    return not os.path.lexists(_folder() / OFF)  # whatever it is: it is not opened


def is_off_by_variable() -> bool:
    """Return whether the environment variable DLCOURSE_PROGRESS is "off", which `switch` cannot
    change.
    """
    return runtime.variable("DLCOURSE_PROGRESS").lower() == "off"


def switch(on) -> None:
    """Keep attempts from now on, or keep none. What was kept stays.

    Raises:
        ProgressError: The mark that says so can be neither made nor taken away.
        KindError: `on` is neither True nor False.
    """
    expect_switch(on, "on")
    mark = _folder() / OFF
    try:
        if on:
            mark.unlink(missing_ok=True)
        else:
            mark.touch()
    except OSError as error:
        way = (
            f"remove {mark} yourself"
            if on
            else "set the environment variable DLCOURSE_PROGRESS to off"
        )
        raise ProgressError(
            f"Whether attempts are kept is noted in {mark}, and that cannot be changed "
            f"({error.strerror}). Let it be writable, or {way}."
        ) from error


def place() -> Path | None:
    """Return where the next attempt goes: the progress file, else a folder in which it waits; None
    if no folder can be written to, so that only the memory of its Python takes it.
    """
    path = file()
    if os.access(path.parent, os.W_OK) and (os.access(path, os.W_OK) or not path.is_file()):
        return path
    folders = (_folder(), runtime.folder("cache"))
    return next((folder for folder in folders if os.access(folder, os.W_OK)), None)


def file() -> Path:
    """Return the path of the progress file."""
    return _folder() / FILE


def _folder():
    folder = runtime.folder("data") / "progress"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _text(part):
    """Return text that UTF-8 can hold: half of a surrogate pair would stop all later attempts."""
    return str(part)[:ANSWER_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _sealed(*rest):
    """Return a row whose id ends with a checksum of the row, so that damage can be told."""
    name = uuid.uuid4().hex
    return (name + _checksum(name, rest), *rest)


def _sound(row):
    """Return whether a row is what `_sealed` made: no byte is damaged, and its moment is a date."""
    if len(row) != len(Attempt._fields):
        return False
    name, moment, *texts = row
    kinds = isinstance(moment, float) and all(isinstance(text, str) for text in (name, *texts))
    return kinds and 0 <= moment < LAST and name[32:] == _checksum(name[:32], (moment, *texts))


def _checksum(name, rest):
    return hashlib.sha256(repr((name, *rest)).encode()).hexdigest()[:16]


def _save():
    """Write what is unsaved, and what waits, to the progress file; failing that, beside it."""
    waiting = _waiting()
    # The copy's rows too: a file that was emptied or deleted gets them back.
    rows = [*_read(_copy_path()), *chain.from_iterable(waiting.values()), *_unsaved]
    try:
        try:
            _insert(rows)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter: a column's name
            if _file_is_well(error):
                raise
            _insert([*rows, *_set_damaged_aside()])
    except (sqlite3.Error, OSError):
        return _let_wait()
    _unsaved.clear()
    for path in waiting:
        with suppress(OSError):
            path.unlink(missing_ok=True)
    _copy()
    return True


def _file_is_well(error):
    """Return whether only the writing failed: read-only, locked, a full disk."""
    code = getattr(error, "sqlite_errorcode", None)  # SQLITE_ERROR: of an unknown format
    return isinstance(error, sqlite3.OperationalError) and code != sqlite3.SQLITE_ERROR


def _insert(rows):
    with _open(file()) as connection:
        if (found := connection.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(found)
        with connection:  # all of them, or none
            connection.execute(TABLE)
            connection.executemany(INSERT, rows)
            # Damage may hide from SQLite: what the copy has must be there, to the letter.
            if not set(rows) <= set(connection.execute("SELECT * FROM attempts")):
                raise sqlite3.DatabaseError("some attempts are damaged")


@contextmanager
def _open(path, read_only=False) -> Iterator[sqlite3.Connection]:
    """Connect to a file, and wait if another process writes to it.

    A lock may stay for good. So after one wait in vain nothing waits for a while: the copy is read,
    and attempts wait in their own file, until the progress file can be had at once.
    """
    global _patient_again
    if os.path.exists(path) and not os.path.isfile(path):  # to open a named pipe may never end
        raise sqlite3.DatabaseError(f"{path} is no file")
    wait = WAIT_SECONDS if time.monotonic() >= _patient_again else 0
    address = f"{path.absolute().as_uri()}?mode=ro" if read_only else path
    connection = sqlite3.connect(address, timeout=wait, uri=read_only)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")  # damaged text is read too
    try:
        yield connection
    except sqlite3.OperationalError as error:
        if wait and error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            _patient_again = time.monotonic() + REST_SECONDS
        raise
    finally:
        connection.close()


def _copy_path():
    return _folder() / COPY


def _copy():
    """Copy the whole file, so that damage to it loses nothing."""
    part = _folder() / f"{COPY}.{uuid.uuid4().hex}"
    with suppress(sqlite3.Error, OSError):
        try:
            with _open(file()) as source, _open(part) as target:
                # `backup` would wait for ever for a lock; who reads already needs not wait.
                source.execute("BEGIN")
                source.execute("SELECT id FROM attempts").fetchone()
                source.backup(target)
            part.replace(_copy_path())
        finally:
            part.unlink(missing_ok=True)


def _set_damaged_aside():
    """Rename the damaged file, so that a new one can begin; return the rows it still gives."""
    path, moment = file(), time.strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"damaged-{moment}-{uuid.uuid4().hex[:8]}.sqlite3")
    with suppress(FileNotFoundError):  # another kernel was faster
        path.replace(aside)
    for rest in ("-journal", "-wal", "-shm"):
        path.with_name(path.name + rest).unlink(missing_ok=True)
    return _read(aside)  # read now: what another kernel has just begun anew is in it too


def _read(path):
    """Return the sound rows, read from both ends: a damaged page hides only what is on it.

    And once as they come: a table made by somebody else need have no `rowid`.
    """
    rows = {}
    for order in ("ORDER BY rowid", "ORDER BY rowid DESC", ""):
        with suppress(sqlite3.Error, UnicodeDecodeError), _open(path, read_only=True) as connection:
            for row in connection.execute(f"SELECT * FROM attempts {order}"):
                if _sound(row):
                    rows[row[0]] = row
    return list(rows.values())


def _waiting_files():
    for folder in (_folder(), runtime.folder("cache")):
        with suppress(OSError):  # a name too long for any folder
            yield from folder.glob(WAITING.format("*"))


def _waiting():
    """Return {path: rows} of the files beside the progress file that can be read."""
    waiting = {}
    for path in _waiting_files():
        with suppress(OSError, ValueError, TypeError):
            rows = [tuple(row) for row in runtime.read_json(path)]
            waiting[path] = [row for row in rows if _sound(row)]
    return waiting


def _let_wait():
    """Put the unsaved rows in a file of their own; if no folder takes one, keep them in memory."""
    for folder in (_folder(), runtime.folder("cache")):
        path = folder / WAITING.format(uuid.uuid4().hex)
        with suppress(OSError):
            runtime.write_whole(path, json.dumps(_unsaved))
            _unsaved.clear()
            return False
    return False


@atexit.register
def _save_at_last():
    if _unsaved:
        with suppress(Exception):
            _save()
