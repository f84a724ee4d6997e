"""The machine is described as it is, and frameworks start quietly and repeatably."""

import os
import subprocess
import sys
from pathlib import Path

from dlcourse import runtime

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
