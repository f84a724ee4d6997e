"""The machine is described as it is, and frameworks start quietly and repeatably."""

import os
import subprocess
import sys
from pathlib import Path

from dlcourse import runtime

import numpy as np
import pytest


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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a setting of Linux's C library")
@pytest.mark.parametrize("mebibytes", [64, 0])
def test_freed_memory_is_kept_for_the_next_step_unless_told_not_to(mebibytes):
    code = """if True:
        import dlcourse, resource
        for _ in range(20):
            [bytearray(18_000_000) for _ in range(3)]  # filled, and freed at once
        print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)"""
    surroundings = os.environ | {"DLCOURSE_KEPT_MEBIBYTES": str(mebibytes)}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=surroundings
    )
    cleared_anew = int(run.stdout) > 10 * 3 * 18_000_000 / 4096
    assert cleared_anew == (mebibytes == 0)


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


def test_peak_memory_grows_with_what_is_held():
    code = (
        "import numpy as np; from dlcourse import runtime; before = runtime.peak_memory_mb();"
        "held = np.ones(30_000_000); print(runtime.peak_memory_mb() - before)"
    )
    grown = float(subprocess.check_output([sys.executable, "-c", code]))
    assert 220 < grown < 300  # 30 million numbers of 8 bytes are 240 MB


def test_peak_memory_does_not_count_the_parent_process():
    code = (
        "import numpy as np, subprocess, sys; held = np.ones(60_000_000);"
        "child = 'from dlcourse import runtime; print(runtime.peak_memory_mb())';"
        "print(subprocess.check_output([sys.executable, '-c', child]).decode())"
    )
    assert float(subprocess.check_output([sys.executable, "-c", code])) < 200


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
