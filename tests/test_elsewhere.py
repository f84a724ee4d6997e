"""A function elsewhere gives arrays, an error in words, or what was recorded, and never hangs."""

import os
import signal
import subprocess
import sys
import time
import venv

from dlcourse import elsewhere
from dlcourse.elsewhere import ElsewhereError, TooSlowError, call, keep
from dlcourse.errors import CourseError

import numpy as np
import psutil
import pytest
from odd_files import odd_in_place

CODE = """
import sys, os, time
import numpy as np

def double(numbers):
    return 2 * numbers

def both(rows, names):
    return {"rows": rows.sum(axis=0), "names": names[::-1], "version_fact": "1.0.5"}

def nothing():
    return np.zeros(0)

def fails(numbers):
    print("looking at", numbers.shape)
    raise ValueError("no such thing")

def sleeps(numbers):
    import subprocess
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    open(os.path.join(os.path.dirname(__file__), "child"), "w").write(str(child.pid))
    time.sleep(600)

def python_path():
    return np.array([os.environ.get("PYTHONPATH", "none"), sys.executable])

def leaves_early():
    os._exit(0)

def leaves_something():
    import subprocess
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    subprocess.Popen(command, start_new_session=True)
    return np.ones(2)

def named(file, allow_pickle):
    return {"file": file + allow_pickle, "python_fact": "2.7"}

def objects():
    return np.array([object()])
"""
NUMBERS = {"numbers": np.arange(3.0)}


@pytest.mark.parametrize(
    "asked", [{"seconds": "5"}, {"seconds": np.nan}, {"file": "a\0.py"}, {"record": 5}]
)
def test_what_is_no_path_and_no_time_is_refused(asked):
    with pytest.raises(CourseError, match=f"`{next(iter(asked))}`"):
        call(**({"file": "x.py", "function": "double"} | asked))


@pytest.fixture
def file(tmp_path):
    (tmp_path / "asked.py").write_text(CODE)
    return tmp_path / "asked.py"


def test_arrays_go_in_and_come_out(file):
    answer = call(file, "double", NUMBERS)
    np.testing.assert_array_equal(answer["result"], [0, 2, 4])
    assert not answer.recorded and answer.facts["python"] == sys.version.split()[0]
    assert str(answer).startswith("result (3,): computed on 20")


def test_several_arrays_text_and_facts_come_out(file):
    rows, names = np.eye(3, dtype="float32"), np.array(["ä", "b"])
    answer = call(file, "both", {"rows": rows, "names": names})
    assert answer["rows"].dtype == np.float32 and answer["names"].tolist() == ["b", "ä"]
    assert answer.facts["version"] == "1.0.5" and answer.facts["seconds"] >= 0
    assert call(file, "nothing")["result"].shape == (0,)


@pytest.mark.parametrize(
    "function, words",
    [
        (
            "fails",
            r"asked.py, `fails` failed with exit code 1(.|\n)*ValueError: no such thing",
        ),
        ("missing", "no attribute 'missing'"),
        ("both", "unexpected keyword argument 'numbers'"),
    ],
)
def test_an_error_elsewhere_is_told_in_its_own_words(file, function, words):
    with pytest.raises(ElsewhereError, match=words):
        call(file, function, NUMBERS)


def test_what_arrays_cannot_hold_is_an_error(file):
    with pytest.raises(ElsewhereError, match="gives Python objects as 'result'"):
        call(file, "objects")


def test_an_end_without_an_answer_is_an_error(file):
    with pytest.raises(ElsewhereError, match="ended its Python before it gave an answer"):
        call(file, "leaves_early")


def test_what_a_function_leaves_behind_does_not_hold_its_answer(file):
    assert call(file, "leaves_something", seconds=300)["result"].tolist() == [1, 1]


def test_arrays_may_have_any_name_and_facts_of_the_call_stay_true(file):
    answer = call(file, "named", {"file": np.ones(1), "allow_pickle": np.ones(1)})
    assert answer["file"].tolist() == [2] and answer.facts["python"] == sys.version.split()[0]


def test_a_python_that_is_none_is_an_error(file, tmp_path):
    with pytest.raises(ElsewhereError, match="cannot be started"):
        call(file, "double", NUMBERS, python=tmp_path / "no-python")


def test_what_takes_too_long_is_ended_with_all_that_it_started(file):
    start = time.monotonic()
    with pytest.raises(TooSlowError, match="took longer than 3 s and was ended"):
        call(file, "sleeps", NUMBERS, seconds=3)
    assert time.monotonic() - start < 300
    child = int((file.parent / "child").read_text())
    for _ in range(100):
        if not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie":
            break
        time.sleep(0.1)
    else:
        os.kill(child, signal.SIGKILL)
        pytest.fail("a process was left behind")


@pytest.mark.slow
def test_another_environment_is_not_misled_by_what_is_set_up_for_this_one(file, tmp_path):
    folder = tmp_path / "course" / ".other"
    venv.create(folder, system_site_packages=False, symlinks=True)
    other = elsewhere.python_of("other", tmp_path / "course")
    site = subprocess.run(
        [other, "-c", "import site; print(site.getsitepackages()[0])"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    numpy = os.path.dirname(os.path.dirname(np.__file__))
    with open(os.path.join(site, "numpy.pth"), "w") as link:
        link.write(numpy)
    path, executable = call(file, "python_path", python=other)["result"]
    assert path == "none" and executable == str(other)
    assert elsewhere.python_of("missing", tmp_path / "course") is None


# Records -----------------------------------------------------------------------------------------


@pytest.fixture
def record(file):
    path = file.with_name("answer.npz")
    keep(call(file, "double", NUMBERS), path, file, "double", NUMBERS)
    return path


def test_a_record_answers_where_the_other_python_is_missing(file, record):
    answer = call(file, "double", NUMBERS, python=None, record=record)
    np.testing.assert_array_equal(answer["result"], [0, 2, 4])
    assert answer.recorded and "recorded on 20" in str(answer)
    assert answer.facts["python"] == sys.version.split()[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda file, arrays: arrays | {"numbers": np.arange(4.0)},
        lambda file, arrays: arrays | {"numbers": np.arange(3)},
        lambda file, arrays: file.write_text(CODE + "# another version") and arrays,
    ],
)
def test_a_record_of_something_else_is_refused(file, record, change):
    arrays = change(file, NUMBERS)
    with pytest.raises(ElsewhereError, match="belongs to other arrays, or to another version"):
        call(file, "double", arrays, python=None, record=record)


@pytest.mark.parametrize("facts", ["null", "[]", "{}", "[" * 10**5, '{"sha256": 1, "asked": 2}'])
def test_facts_of_a_record_that_are_none_are_damage(file, record, facts):
    record.with_suffix(".json").write_text(facts)
    with pytest.raises(ElsewhereError, match="is damaged"):
        call(file, "double", NUMBERS, python=None, record=record)


@odd_in_place
@pytest.mark.parametrize("kind", [".npz", ".json"])
def test_what_is_no_file_in_a_record_s_place_is_damage(file, record, kind, put):
    put(record.with_suffix(kind))
    with pytest.raises(ElsewhereError, match="is damaged"):
        call(file, "double", NUMBERS, python=None, record=record)


def test_a_damaged_or_missing_record_is_refused(file, record):
    record.write_bytes(record.read_bytes() + b"x")
    with pytest.raises(ElsewhereError, match="is damaged"):
        call(file, "double", NUMBERS, python=None, record=record)
    with pytest.raises(ElsewhereError, match="is not here, and no answer was recorded"):
        call(file, "double", NUMBERS, python=None)
    record.with_suffix(".json").unlink()
    with pytest.raises(ElsewhereError, match="is damaged"):
        call(file, "double", NUMBERS, python=None, record=record)


@pytest.mark.parametrize(
    "arrays", [[1, 2], np.ones(3), {"x": [[1], [1, 2]]}, {3: np.ones(2)}, {"x": "text"}]
)
def test_what_are_no_arrays_by_name_is_said(arrays):
    with pytest.raises(CourseError):
        elsewhere.call(__file__, "double", arrays)


def test_a_file_that_is_not_there_and_an_array_that_was_not_given_are_said():
    for file in (None, "nowhere.py"):
        with pytest.raises(CourseError):
            elsewhere.call(file, "double", {})
    answer = elsewhere.Answer({"result": np.ones(2)}, {})
    with pytest.raises(KeyError, match="no 'nope'"):
        answer["nope"]


def test_a_function_that_prints_without_end_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(elsewhere, "MOST_BYTES", 100_000)
    talks = tmp_path / "talks.py"
    talks.write_text("def talks():\n    while True:\n        print('a' * 10_000)\n")
    with pytest.raises(elsewhere.ElsewhereError, match="printed more than 100,000 bytes"):
        elsewhere.call(talks, "talks", {}, seconds=300)
