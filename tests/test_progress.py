"""No attempt is lost, whatever happens to the file, and no lesson is stopped by it."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager

from dlcourse import progress
from dlcourse.errors import CourseError, KindError

import pytest
from odd_files import odd_in_place

LOOP = """
from dlcourse import progress
for i in range({count}):
    if progress.record("lesson", f"{name} {{i}}", "exercise", "right", "answer" * 100):
        print(i, flush=True)
"""
DAMAGE = {
    "whose header is overwritten": lambda data: b"\xff" * 100 + data[100:],
    "with zeros in its middle": lambda data: overwritten(data, bytes(3000)),
    "with noise in its middle": lambda data: overwritten(data, bytes(range(256)) * 12),
    "with one answer changed": lambda data: data.replace(b"my answer", b"no answer", 1),
    "with text that is not UTF-8": lambda data: data.replace(b"my answer", b"\xff\xfe answer"),
    "with a column's name that is not UTF-8": lambda data: data.replace(
        b"item TEXT", b"item\xd0TEXT"
    ),
    "of an unknown format": lambda data: data[:44] + b"\xff" * 4 + data[48:],
    "truncated to half": lambda data: data[: len(data) // 2],
    "truncated to 50 bytes": lambda data: data[:50],
}
GONE = {"emptied": lambda path: path.write_bytes(b""), "deleted": lambda path: path.unlink()}


def overwritten(data, new):
    start = (len(data) - len(new)) // 2
    return data[:start] + new + data[start + len(new) :]


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """A home of its own, in which nothing was tried yet."""
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DLCOURSE_PROGRESS", raising=False)
    monkeypatch.setattr(progress, "_unsaved", [])
    monkeypatch.setattr(progress, "_patient_again", 0.0)
    return tmp_path / "home"


@pytest.fixture
def twenty(home):
    """Twenty attempts, large enough for many pages of the file."""
    for i in range(20):
        assert progress.record("lesson", f"item {i}", "exercise", "right", f"my answer {i} " * 60)
    return progress.attempts()


def items():
    return [attempt.item for attempt in progress.attempts()]


def start(name, count):
    code = LOOP.format(name=name, count=count)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def rows_in(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM attempts ORDER BY moment").fetchall()


def test_attempts_are_read_back_whole_and_in_order():
    tried = [
        ("first", "a", "exercise", "wrong", "def f(x):\n    return 'ü'"),
        ("second", "b", "quiz", "right", "0.5"),
        ("first", "a", "hint", "shown", "1"),
    ]
    assert all(progress.record(*attempt) for attempt in tried)
    assert [attempt[2:] for attempt in progress.attempts()] == tried
    assert [attempt[2:] for attempt in progress.attempts("first")] == [tried[0], tried[2]]
    moments = [attempt.moment for attempt in progress.attempts()]
    assert moments == sorted(moments)


def test_done_is_what_was_right_at_least_once():
    for item, outcome in (("a", "wrong"), ("a", "right"), ("a", "raised"), ("b", "wrong")):
        progress.record("lesson", item, "exercise", outcome)
    progress.record("other", "c", "exercise", "right")
    assert progress.done("lesson") == {"a"}


@pytest.mark.parametrize(
    "ask",
    [
        lambda: progress.done("lesson", 3),
        lambda: progress.done("lesson", ["a"]),
        lambda: progress.done(["lesson"]),
        lambda: progress.attempts(3),
        lambda: progress.switch("no"),
    ],
)
def test_what_cannot_be_looked_up_or_switched_is_refused_in_words(ask):
    with pytest.raises(KindError, match="but should be"):
        ask()


@pytest.mark.parametrize("moment", [3e12, 1e300, float("nan"), float("inf"), -1.0, "noon", None, 3])
@pytest.mark.parametrize("waits", [True, False])
def test_an_attempt_at_no_date_is_damaged_and_stops_nothing(twenty, home, moment, waits):
    row = progress._sealed(moment, "lesson", "a", "quiz", "right", "1")
    if waits:
        (home / "data" / "progress" / "waiting-x.json").write_text(json.dumps([row, row[:3]]))
    else:
        with closing(sqlite3.connect(progress.file())) as connection, connection:
            connection.execute(progress.INSERT, row)
    assert progress.attempts() == twenty
    assert progress.record("lesson", "b", "quiz", "right") and len(progress.attempts()) == 21


def test_a_home_whose_name_is_too_long_keeps_attempts_in_memory(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path / ("a" * 300)))
    assert not progress.record("lesson", "a", "quiz", "right")
    assert items() == ["a"] and progress.place() is None and capsys.readouterr().err == ""
    progress._unsaved.clear()


def test_a_long_answer_is_cut(monkeypatch):
    monkeypatch.setattr(progress, "ANSWER_CHARACTERS", 10)
    progress.record("lesson", "a", "exercise", "wrong", "0123456789 and more")
    assert progress.attempts()[0].answer == "0123456789"


def test_an_answer_that_is_no_proper_text_does_not_stop_the_next_attempts():
    for answer in ("half a pair: \ud800", "\0", None, [1, 2]):
        assert progress.record("lesson", "a", "quiz", "wrong", answer)
    assert [attempt.answer for attempt in progress.attempts()] == [
        "half a pair: ?", "\0", "None", "[1, 2]",
    ]  # fmt: skip


def test_a_table_without_rowid_is_read_too(home):
    with closing(sqlite3.connect(progress.file())) as connection:
        connection.execute(f"{progress.TABLE} WITHOUT ROWID")
    assert progress.record("lesson", "item", "exercise", "right")
    assert [attempt.item for attempt in progress.attempts()] == ["item"]


def test_the_file_is_plain_sqlite(twenty):
    assert rows_in(progress.file()) == [tuple(attempt) for attempt in twenty]


def test_a_home_may_be_given_relative_to_the_working_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLCOURSE_HOME", "relative")
    assert progress.record("lesson", "a", "quiz", "right")
    assert items() == ["a"]


def test_two_processes_that_write_at_once_lose_nothing():
    processes = [start(name, 40) for name in ("one", "two")]
    assert [process.communicate()[0].count("\n") for process in processes] == [40, 40]
    wanted = {f"{name} {i}" for name in ("one", "two") for i in range(40)}
    assert len(items()) == 80 and set(items()) == wanted
    assert len(rows_in(progress.file())) == 80


def test_a_process_that_is_killed_loses_nothing_it_reported():
    for name in ("one", "two", "three"):
        process = start(name, 10**6)
        reported = [process.stdout.readline() for _ in range(7)]
        os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        reported += process.communicate()[0].splitlines()
        assert {f"{name} {int(line)}" for line in reported} <= set(items())
        assert progress.record("lesson", f"after {name}", "exercise", "right")
        assert {f"{name} {int(line)}" for line in reported} | {f"after {name}"} <= set(items())


@pytest.mark.parametrize("harm", DAMAGE.values(), ids=DAMAGE)
def test_a_file_that_is_damaged_is_set_aside_and_nothing_lost(twenty, harm, capsys):
    damaged = harm(progress.file().read_bytes())
    progress.file().write_bytes(damaged)
    assert progress.attempts() == twenty
    assert progress.record("lesson", "new", "quiz", "right")
    assert progress.attempts()[:-1] == twenty and items()[-1] == "new"
    aside = list(progress.file().parent.glob("damaged-*"))
    assert [path.read_bytes() for path in aside] == [damaged]
    assert len(rows_in(progress.file())) == 21
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("harm", GONE.values(), ids=GONE)
def test_a_file_that_is_emptied_or_deleted_is_made_anew_from_the_copy(twenty, harm):
    harm(progress.file())
    assert progress.attempts() == twenty
    assert progress.record("lesson", "new", "quiz", "right")
    assert rows_in(progress.file())[:-1] == [tuple(attempt) for attempt in twenty]


@pytest.mark.parametrize("lost", [progress.COPY, progress.FILE])
def test_what_one_of_file_and_copy_still_holds_is_enough(twenty, lost):
    """Without a copy, the sound pages of the file; without a file, the copy, damaged as it is."""
    folder = progress.file().parent
    (folder / lost).unlink()
    assert progress.attempts() == twenty
    (kept,) = folder.glob("*.sqlite3")
    kept.write_bytes(overwritten(kept.read_bytes(), b"\xff" * 20))
    assert progress.record("lesson", "new", "quiz", "right")
    assert {"item 1", "item 19", "new"} <= {*items()} and len(items()) > 10  # from both ends
    assert {*progress.attempts()[:-1]} < {*twenty}  # what is there, is whole


def test_files_damaged_in_the_same_second_are_all_there(twenty):
    for _ in range(3):
        progress.file().write_bytes(b"damaged " * 200)
        assert progress.record("lesson", "new", "quiz", "right")
    assert len(list(progress.file().parent.glob("damaged-*"))) == 3
    assert progress.attempts()[:-3] == twenty


def test_attempts_wait_in_files_while_theirs_cannot_be_opened(monkeypatch):
    def cannot(path, read_only=False):
        raise sqlite3.OperationalError("unable to open database file")

    with monkeypatch.context() as patch:
        patch.setattr(progress, "_open", cannot)
        assert not progress.record("lesson", "a", "exercise", "right", "first")
        assert not progress.record("lesson", "b", "exercise", "right", "second")
        assert progress._unsaved == []
        before = progress.attempts()
        assert [attempt.answer for attempt in before] == ["first", "second"]
    assert progress.record("lesson", "c", "exercise", "right")
    assert progress.attempts()[:2] == before
    assert [row[3] for row in rows_in(progress.file())] == ["a", "b", "c"]
    assert not list(progress._waiting_files())


@pytest.fixture
def waits(monkeypatch):
    """For each connection that is made, how long it would wait for a lock; in fact next to nothing.

    Nothing here takes a minute, so that after a wait in vain nothing waits again.
    """
    seconds = []

    def connect(address, timeout=0, **options):
        seconds.append(timeout)
        return connected(address, timeout=timeout and 0.01, **options)

    connected = sqlite3.connect
    monkeypatch.setattr(progress, "REST_SECONDS", 10**6)
    monkeypatch.setattr(progress.sqlite3, "connect", connect)
    return seconds


@contextmanager
def locked(path):
    """Lock a file as another process does that never ends."""
    with closing(sqlite3.Connection(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


def test_a_lock_that_stays_is_waited_for_once_and_nothing_is_lost(twenty, waits):
    with locked(progress.file()):
        for i in range(3):
            assert not progress.record("lesson", f"new {i}", "quiz", "right")
            assert items()[20:] == [f"new {j}" for j in range(i + 1)]
        assert not any(waits[4:]), "the copy three times, and the file: only that was locked"
        assert progress._unsaved == []
    assert progress.record("lesson", "free", "quiz", "right"), "no lock, no rest"
    assert progress.attempts()[:20] == twenty and len(rows_in(progress.file())) == 24


def test_a_lock_is_waited_for_again_after_a_while(twenty, waits, monkeypatch):
    monkeypatch.setattr(progress, "REST_SECONDS", 0)
    with locked(progress.file()):
        assert progress.attempts() == twenty == progress.attempts()
    assert all(waits)


def test_a_file_that_is_locked_before_it_is_copied_ends_no_call(twenty, waits):
    with locked(progress.file()):
        progress._copy()
    assert progress.attempts() == twenty
    assert not list(progress.file().parent.glob(f"{progress.COPY}.*"))


def test_a_read_only_file_is_no_damage(twenty, monkeypatch):
    opened = progress._open
    monkeypatch.setattr(progress, "_open", lambda path, read_only=True: opened(path, True))
    assert not progress.record("lesson", "new", "quiz", "right")
    assert progress.attempts()[:-1] == twenty and items()[-1] == "new"
    assert not list(progress.file().parent.glob("damaged-*"))
    monkeypatch.setattr(progress, "_open", opened)
    assert progress.record("lesson", "newer", "quiz", "right")
    assert len(rows_in(progress.file())) == 22


@odd_in_place
def test_what_is_no_file_in_the_file_s_place_is_set_aside_and_nothing_lost(twenty, put):
    put(progress.file())
    assert progress.attempts() == twenty
    assert progress.record("lesson", "new", "quiz", "right")
    assert len(rows_in(progress.file())) == 21 and progress.attempts()[:-1] == twenty
    (aside,) = progress.file().parent.glob("damaged-*")
    assert not aside.is_file()


@odd_in_place
def test_what_is_no_file_in_the_copy_s_place_stops_nothing(twenty, put):
    put(progress.file().with_name(progress.COPY))
    assert progress.attempts() == twenty
    assert progress.record("lesson", "new", "quiz", "right")
    assert progress.attempts()[:-1] == twenty
    names = {path.name for path in progress.file().parent.iterdir()}
    assert names == {progress.FILE, progress.COPY}, "no half copy is left"


@odd_in_place
def test_what_is_no_file_among_those_that_wait_is_left_alone(twenty, put):
    there = progress.file().with_name(progress.WAITING.format("odd"))
    put(there)
    assert progress.attempts() == twenty
    assert progress.record("lesson", "new", "quiz", "right")
    assert os.path.lexists(there)


@odd_in_place
def test_whatever_has_the_name_of_the_mark_switches_off(put):
    put(progress.file().with_name(progress.OFF))
    assert not progress.is_on() and not progress.record("lesson", "a", "quiz", "right")
    progress.switch(False)
    try:
        progress.switch(True)
    except progress.ProgressError as error:
        assert f"remove {progress.file().with_name(progress.OFF)} yourself" in str(error)
        assert not progress.is_on()
    else:
        assert progress.is_on()


def test_a_switch_that_cannot_be_noted_says_what_to_do(home):
    home.write_text("a file where the folder should be")
    with pytest.raises(CourseError, match="set the environment variable DLCOURSE_PROGRESS to off"):
        progress.switch(False)
    with pytest.raises(CourseError, match=r"cannot be changed .*, or remove .*off yourself"):
        progress.switch(True)


def test_the_place_of_the_next_attempt_is_the_file_or_where_it_waits(home, monkeypatch):
    assert progress.place() == progress.file()
    progress.record("lesson", "a", "quiz", "right")
    access = os.access
    read_only = {progress.file()}
    monkeypatch.setattr(os, "access", lambda path, how: path not in read_only and access(path, how))
    assert progress.place() == progress.file().parent
    read_only.add(progress.file().parent)
    assert progress.place() == home / "cache"
    read_only.add(home / "cache")
    assert progress.place() is None


@pytest.mark.parametrize("value, on", [("  OFF ", False), ("off", False), ("", True), (" ", True)])
def test_the_variable_switches_off_however_it_is_written(monkeypatch, value, on):
    monkeypatch.setenv("DLCOURSE_PROGRESS", value)
    assert progress.is_on() == on


def test_a_waiting_file_that_cannot_be_read_stays(home):
    progress.record("lesson", "a", "quiz", "right")
    waiting = progress.file().with_name(progress.WAITING.format("half"))
    waiting.write_text("[" * 10**5, encoding="utf-8")
    assert items() == ["a"]
    for text in ("[[", "5", "[5]", "[[]]", '{"a": 1}'):
        waiting.write_text(text, encoding="utf-8")
        assert progress.record("lesson", "b", "quiz", "right")
    assert items() == ["a", *"bbbbb"]
    waiting.write_text("[[", encoding="utf-8")
    assert progress.record("lesson", "c", "quiz", "right")
    assert waiting.exists()


def test_attempts_are_kept_in_memory_while_no_folder_can_be_written(home):
    home.write_text("a file where the folder should be")
    assert not progress.record("lesson", "a", "exercise", "right")
    assert not progress.record("lesson", "b", "exercise", "right")
    assert items() == ["a", "b"] and progress.done("lesson") == {"a", "b"}
    home.unlink()
    assert progress.record("lesson", "c", "exercise", "right")
    assert progress._unsaved == []
    assert [row[3] for row in rows_in(progress.file())] == ["a", "b", "c"]


def test_attempts_in_memory_are_written_when_python_ends(home, tmp_path):
    home.write_text("a file where the folder should be")
    code = LOOP.format(name="a", count=2) + "\nimport os; os.unlink(os.environ['DLCOURSE_HOME'])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).stdout == b""
    assert items() == ["a 0", "a 1"]


def test_an_unexpected_error_is_said_and_not_raised(monkeypatch, capsys):
    def fails():
        raise RuntimeError("out of luck")

    monkeypatch.setattr(progress, "_save", fails)
    assert not progress.record("lesson", "a", "quiz", "right")
    assert "could not be kept (out of luck)" in capsys.readouterr().err


def test_switched_off_nothing_is_kept_and_what_was_kept_stays(monkeypatch):
    progress.record("lesson", "a", "quiz", "right")
    progress.switch(False)
    assert not progress.is_on()
    assert not progress.record("lesson", "b", "quiz", "right")
    progress.switch(True)
    assert progress.record("lesson", "c", "quiz", "right")
    monkeypatch.setenv("DLCOURSE_PROGRESS", "off")
    assert not progress.is_on()
    assert not progress.record("lesson", "d", "quiz", "right")
    assert items() == ["a", "c"] and progress._unsaved == []


def test_what_this_learner_did_moves_with_the_folder(twenty, home, monkeypatch, tmp_path):
    shutil.copytree(home, tmp_path / "moved")
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path / "moved"))
    assert progress.attempts() == twenty
