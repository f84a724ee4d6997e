"""The machine is described as it is, and frameworks start quietly and repeatably."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from dlcourse import catalogue, runtime, work
from dlcourse.errors import DataError

import numpy as np
import pytest
from odd_files import odd_in_place


def test_a_container_with_one_core_counts_as_one(tmp_path):
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    assert runtime._container_cores(tmp_path) == 1
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    assert runtime._container_cores(tmp_path) == 2
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert runtime._container_cores(tmp_path) > 1000


def test_the_older_kind_of_container_limit_is_read_too(tmp_path):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("200000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert runtime._container_cores(tmp_path) == 2


def test_what_the_environment_says_is_kept(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    runtime.quiet_frameworks()
    assert os.environ["OMP_NUM_THREADS"] == "7"


@pytest.mark.parametrize("nothing", ["", "  "])
def test_what_is_set_to_nothing_counts_as_not_set(monkeypatch, tmp_path, nothing):
    for name in ("OMP_NUM_THREADS", "KERAS_BACKEND", "DLCOURSE_HOME"):
        monkeypatch.setenv(name, nothing)
    runtime.quiet_frameworks()
    assert os.environ["OMP_NUM_THREADS"] == str(runtime.available_cores())
    assert os.environ["KERAS_BACKEND"] == "tensorflow"
    assert runtime.path_variable("DLCOURSE_HOME") is None


@pytest.mark.parametrize("value", ["~nobody-here", "~nobody-here/work"])
def test_the_home_of_nobody_is_no_folder(monkeypatch, tmp_path, value):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLCOURSE_HOME", value)
    for ask in (lambda: runtime.folder("data"), work.folder):
        with pytest.raises(DataError, match="knows no home of ~nobody-here"):
            ask()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there a current folder cannot go")
def test_a_current_folder_that_is_gone_is_said_if_it_is_needed(monkeypatch, tmp_path):
    monkeypatch.delenv("DLCOURSE_COURSE", raising=False)
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert (catalogue.folder() / "notebooks").is_dir()
    monkeypatch.setenv("DLCOURSE_WORK", "mine")
    with pytest.raises(DataError, match="current folder is gone"):
        work.folder()


@pytest.mark.parametrize("value", ["", "abc", "-3", "1e3", "9" * 5000])
def test_no_odd_variable_breaks_the_import(value):
    names = ("KEPT_MEBIBYTES", "HOME", "COURSE", "PROGRESS")
    odd = {f"DLCOURSE_{name}": value for name in names} | {"OMP_NUM_THREADS": ""}
    run = subprocess.run(
        [sys.executable, "-c", "import dlcourse"],
        capture_output=True, text=True, env=os.environ | odd,
    )  # fmt: skip
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_a_home_in_a_variable_may_be_written_with_a_tilde(monkeypatch, tmp_path):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("DLCOURSE_HOME", " ~/learner ")
    assert runtime.folder("data") == tmp_path / "learner" / "data"
    assert runtime.folder("data").is_dir()


@odd_in_place
def test_what_is_no_file_is_not_opened(tmp_path, put):
    put(tmp_path / "odd")
    for read in (runtime.read_whole, runtime.read_json, runtime.checksum):
        with pytest.raises(OSError, match="it is no file"):
            read(tmp_path / "odd")


def test_json_that_cannot_be_read_is_a_value_error(tmp_path):
    for content in (b"{half", b"\xff\xfe", b"[" * 10**5, b""):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(ValueError):
            runtime.read_json(tmp_path / "file")


def test_a_framework_starts_without_a_word():
    code = "import dlcourse, tensorflow, torch, keras; tensorflow.constant(1) + 1"
    quiet = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "OMP_", "KERAS_"))}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=quiet)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_a_seed_repeats_every_source_of_chance():
    import random

    import keras
    import torch

    def draw():
        runtime.seed(3)
        keras_draw = float(keras.random.uniform(()))
        return random.random(), np.random.rand(), torch.rand(()).item(), keras_draw

    assert draw() == draw()


@pytest.fixture
def keras_json(monkeypatch, tmp_path):
    """The file of Keras's settings, in a home of its own; Keras is not loaded."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    (tmp_path / "keras").mkdir()
    return tmp_path / "keras" / "keras.json"


def test_settings_of_keras_with_which_the_course_works(keras_json):
    assert runtime.keras_faults() == []
    for written in ("{}", '{"floatx": "float64"}', '{"backend": "torch", "epsilon": 1e-6}'):
        keras_json.write_text(written)
        assert runtime.keras_faults() == []


@pytest.mark.parametrize("backend", ["torch", "jax", "numpy", "openvino", "TensorFlow"])
def test_another_backend_in_the_variable_is_said(keras_json, monkeypatch, backend):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    assert runtime.keras_faults() == [
        f"KERAS_BACKEND is {backend}, but the course needs tensorflow: "
        "unset this environment variable and restart the kernel."
    ]


@pytest.mark.parametrize(
    "name, value, wanted",
    [
        ("image_data_format", "channels_first", "channels_last"),
        ("floatx", "float16", "float32"),
        ("floatx", "float99", "float32"),
        ("floatx", None, "float32"),
    ],
)
def test_the_line_to_change_in_the_file_is_said(keras_json, name, value, wanted):
    keras_json.write_text(json.dumps({name: value, "epsilon": 1e-7}))
    assert runtime.keras_faults() == [
        f'"{name}" in {keras_json} is {value}, but the course needs {wanted}: '
        f'write "{wanted}" there and restart the kernel.'
    ]


@pytest.mark.parametrize("content", ["{half", "", "[]", "null", "[" * 10**5])
def test_a_file_that_holds_no_settings_is_said(keras_json, content):
    keras_json.write_text(content)
    (said,) = runtime.keras_faults()
    assert said.startswith(str(keras_json)) and said.endswith(
        ": remove it, Keras writes a new one."
    )


@odd_in_place
def test_what_is_no_file_holds_no_settings(keras_json, put):
    put(keras_json)
    (said,) = runtime.keras_faults()
    assert "it is no file" in said


def test_what_a_loaded_keras_uses_counts(keras_json, monkeypatch):
    used = {"backend": "tensorflow", "image_data_format": "channels_last", "floatx": "float32"}
    config = SimpleNamespace(**{name: lambda name=name: used[name] for name in used})
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(config=config))
    keras_json.write_text("{half")
    assert runtime.keras_faults() == []
    used["floatx"] = "float16"
    cure = 'call `keras.config.set_floatx("float32")`.'
    assert runtime.keras_faults() == [
        f"Keras's floatx is float16, but the course needs float32: {cure}"
    ]
    used["floatx"], used["backend"] = "float32", "torch"
    (said,) = runtime.keras_faults()
    assert said.endswith("the course needs tensorflow: import dlcourse before keras.")


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings, words",
    [
        ({"image_data_format": "channels_first"}, '"image_data_format" in .* is channels_first'),
        ({"floatx": "float16"}, '"floatx" in .* is float16'),
        ({}, "KERAS_BACKEND is torch, but the course needs tensorflow"),
    ],
)
def test_a_model_of_a_keras_that_is_set_otherwise_is_refused(keras_json, settings, words):
    keras_json.write_text(json.dumps(settings))
    code = "import dlcourse, keras; from dlcourse import backends; backends.of(keras.Sequential())"
    own = {} if settings else {"KERAS_BACKEND": "torch"}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | own
    )
    assert re.search(f"KindError: .*{words}", run.stderr)


def test_one_variable_moves_the_learner_s_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path))
    assert runtime.folder("data") == tmp_path / "data"
    assert runtime.folder("cache").is_dir()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_home_is_no_error(monkeypatch):
    monkeypatch.setenv("DLCOURSE_HOME", "/proc/nowhere")
    assert runtime.folder("data") == Path("/proc/nowhere/data")


def test_a_home_that_cannot_be_made_is_no_error(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path / "file"))
    assert not runtime.folder("data").exists()
