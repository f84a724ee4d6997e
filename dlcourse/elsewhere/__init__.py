"""Call a function in another Python: arrays in, arrays out, a time limit, a recorded answer.

For what this Python cannot or should not load: a framework that was retired, or one whose memory is
wanted back. The other Python needs NumPy and what the function imports, not this package.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dlcourse import runtime
from dlcourse.arrays import expect_number, to_numpy
from dlcourse.errors import CourseError, KindError, NoSuchNameError, expect_text, in_short

import numpy as np

CHILD = Path(__file__).with_name("child.py")
SHOWN_LINES = 8  # of what went wrong in the other Python
SHOWN_BYTES, MOST_BYTES = 20_000, 100_000_000  # of what it prints: looked at, allowed


class ElsewhereError(CourseError, RuntimeError):
    """The function could not be called or failed, and no answer was recorded."""


class TooSlowError(ElsewhereError):
    """The function took longer than it was given."""


@dataclass(frozen=True, repr=False)
class Answer:
    """What a function elsewhere gave.

    Attributes:
        arrays: {name: array}; "result" is the name of a single array.
        facts: "python", "numpy", "date" and "seconds" of the call, and what the function noted.
        recorded: Whether it comes from a record, because the other Python is not here.
    """

    arrays: dict
    facts: dict
    recorded: bool = False

    def __getitem__(self, name):
        if name not in self.arrays:
            there = ", ".join(self.arrays)
            raise NoSuchNameError(f"The answer has no {in_short(name)}. It has: {there}.")
        return self.arrays[name]

    def __str__(self):
        made = "recorded" if self.recorded else "computed"
        shapes = ", ".join(f"{name} {array.shape}" for name, array in self.arrays.items())
        return f"{shapes}: {made} on {self.facts['date']} with Python {self.facts['python']}"

    __repr__ = __str__


def python_of(environment, course) -> Path | None:
    """Return the path of an environment's Python in the course's folder, or None.

    Args:
        environment: Its name, such as "frameworks": `make frameworks` makes the folder
            `.frameworks`.
        course: The course's folder.
    """
    inside = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    path = Path(course) / f".{environment}" / inside
    return path if path.exists() else None


def call(file, function, arrays=None, *, python=sys.executable, seconds=60, record=None) -> Answer:
    """Call a function of a file in another Python, once, in a process of its own.

    Args:
        file: Path of the Python file that defines it.
        function: Its name. It takes the arrays by name and returns an array, or {name: array}; a
            name that ends in "_fact" goes to the answer's facts, as text.
        arrays: {name: NumPy array}.
        python: Path of the other Python; None if it is not here, so that the record answers.
        seconds: After so many it is ended, with all that it started.
        record: Path of a record, see `keep`, for where the other Python is missing.

    Returns:
        The Answer.

    Raises:
        TooSlowError: It took too long.
        ElsewhereError: It failed; or there is no other Python and no record, or one of other
            arrays or of another version of the file.

    Example:
        >>> elsewhere.call("double.py", "double", {"numbers": np.arange(3)})
        result (3,): computed on 2026-01-31 with Python 3.11.7
    """
    expect_number(seconds, "seconds", low=0)
    for name, path in (("file", file), ("python", python), ("record", record)):
        if path is not None and (not isinstance(path, str | Path) or "\0" in str(path)):
            raise KindError(f"`{name}` is {in_short(path)}, but should be a path.")
    if arrays is not None and not isinstance(arrays, dict):
        raise KindError(f"`arrays` is {in_short(arrays)}, but should be {{name: array}}.")
    arrays = {expect_text(name, "a name"): _as_array(it) for name, it in (arrays or {}).items()}
    if file is None or not Path(file).is_file():
        raise ElsewhereError(f"There is no file {file} that could define `{function}`.")
    if python is None:
        return _recorded(file, function, arrays, record)
    with tempfile.TemporaryDirectory(prefix="dlcourse-", ignore_cleanup_errors=True) as folder:
        asked, answered = Path(folder) / "asked.npz", Path(folder) / "answered.npz"
        np.savez(asked, json.dumps([*arrays]), *arrays.values())
        words = [python, CHILD, Path(file).absolute(), function, asked, answered]
        what = f"{Path(file).name}, `{function}`"
        _run([str(word) for word in words], seconds, what, Path(folder) / "said.txt")
        if not answered.exists():
            raise ElsewhereError(f"{what} ended its Python before it gave an answer.")
        with np.load(answered, allow_pickle=False) as given:
            head = json.loads(str(given["arr_0"]))
            arrays = {name: given[f"arr_{i}"] for i, name in enumerate(head["names"], 1)}
    return Answer(arrays, head["facts"] | {"date": date.today().isoformat()})


def _as_array(value):
    """Return numbers, or an array of texts, as NumPy."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return value
    return to_numpy(value)


def keep(answer, record, file, function, arrays) -> None:
    """Store an answer as the record of a call, with what it belongs to.

    Args:
        answer: What `call` gave.
        record: Path of the `.npz` to write; its facts go beside it, as `.json`.
        file, function, arrays: As in the call.
    """
    record = Path(record).with_suffix(".npz")
    with record.open("wb") as target:
        np.savez_compressed(target, *answer.arrays.values())
    facts = answer.facts | {
        "names": [*answer.arrays],
        "asked": _checksum(file, function, arrays),
        "sha256": runtime.checksum(record),
    }
    runtime.write_whole(record.with_suffix(".json"), json.dumps(facts, indent=1) + "\n")


def _recorded(file, function, arrays, record):
    what = f"{Path(file).name}, `{function}`"
    record = record and Path(record).with_suffix(".npz")
    if record is None or not os.path.lexists(record):
        raise ElsewhereError(f"{what}: the other Python is not here, and no answer was recorded.")
    damaged = f"The recorded answer {record} is damaged. `git checkout` brings it back."
    try:
        facts = runtime.read_json(record.with_suffix(".json"))
        wanted, asked, names = (facts.pop(key) for key in ("sha256", "asked", "names"))
        whole = wanted == runtime.checksum(record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ElsewhereError(damaged) from error
    if not whole:
        raise ElsewhereError(damaged)
    if asked != _checksum(file, function, arrays):
        raise ElsewhereError(
            f"{what}: the other Python is not here, and the answer that was recorded belongs to "
            "other arrays, or to another version of the file."
        )
    with np.load(record, allow_pickle=False) as given:
        arrays = {name: given[f"arr_{i}"] for i, name in enumerate(names)}
    return Answer(arrays, facts, recorded=True)


def _checksum(file, function, arrays):
    """Return the sha256 of all that decides an answer."""
    digest = hashlib.sha256(function.encode())
    digest.update(Path(file).read_bytes().replace(b"\r\n", b"\n"))
    for name, array in sorted((arrays or {}).items()):
        array = np.ascontiguousarray(array)
        digest.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def _run(words, seconds, what, said):
    """Run a command; what it says goes into a file, since a pipe may be held by what it starts."""
    with said.open("w") as file:
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=_surroundings(words[0]),
                start_new_session=True,
            )
        except OSError as error:
            message = f"{what}: {words[0]} cannot be started ({error.strerror})."
            raise ElsewhereError(message) from error
    try:
        status = _waited(process, seconds, said, what)
    except subprocess.TimeoutExpired:
        raise TooSlowError(f"{what} took longer than {seconds:g} s and was ended.") from None
    finally:  # after an answer, and after Ctrl-C too: nothing stays behind
        _end(process)
    if status:
        with said.open("rb") as file:  # it may have said more than there is memory
            file.seek(max(0, said.stat().st_size - SHOWN_BYTES))
            lines = file.read().decode(errors="replace").strip().splitlines()
        last = "\n".join(lines[-SHOWN_LINES:]) or "It said nothing."
        raise ElsewhereError(f"{what} failed with exit code {status}.\n{last}")


def _waited(process, seconds, said, what):
    """Return the exit code, unless a process says more than anybody reads."""
    end = time.monotonic() + seconds
    while True:
        left = end - time.monotonic()
        try:
            return process.wait(min(1, max(0, left)))
        except subprocess.TimeoutExpired:
            if left <= 0:
                raise
        if said.stat().st_size > MOST_BYTES:
            raise ElsewhereError(f"{what} printed more than {MOST_BYTES:,} bytes and was ended.")


def _surroundings(python):
    """Return the environment variables: what is set up for this Python would mislead another."""
    if Path(python) == Path(sys.executable):
        return None
    ours = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"PYTHONNOUSERSITE": "1"}


def _end(process):
    """End a process and all that it started, as far as that stayed in its group."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
