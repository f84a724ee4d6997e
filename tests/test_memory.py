"""A kernel stays small, and what it holds and what is left are told as they are."""

import json
import os
import subprocess
import sys

from dlcourse import memory

import psutil
import pytest

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="settings of Linux")


def run(code, **variables):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | variables,
    ).stdout


@on_linux
@pytest.mark.parametrize("mebibytes", [64, 0])
def test_freed_memory_is_kept_for_the_next_step_unless_told_not_to(mebibytes):
    code = """if True:
        import dlcourse, resource
        for _ in range(20):
            [bytearray(18_000_000) for _ in range(3)]  # filled, and freed at once
        print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)"""
    cleared_anew = int(run(code, DLCOURSE_KEPT_MEBIBYTES=str(mebibytes))) > 10 * 3 * 18e6 / 4096
    assert cleared_anew == (mebibytes == 0)


@on_linux
def test_freed_memory_is_given_back_after_something_large():
    code = """if True:
        import dlcourse, psutil
        from dlcourse import memory
        held = [bytearray(10_000_000) for _ in range(5)]
        del held
        before = memory.own_mb(psutil.Process())
        memory.give_back_freed()
        print(before - memory.own_mb(psutil.Process()))"""
    assert float(run(code)) > 30


NOTEBOOK = """if True:
    import json, psutil
    from IPython.core.interactiveshell import InteractiveShell
    shell = InteractiveShell.instance()
    def shared(cell):
        shell.run_cell(cell, silent=False)
        return psutil.Process().memory_info().shared / 1e6
    sizes = [shared("import torch"), shared("import dlcourse"), shared("1"), shared("import torch")]
    shell.run_cell("import importlib; importlib.reload(dlcourse)")
    assert sum("drop" in f.__qualname__ for f in shell.events.callbacks["post_run_cell"]) == 1
    sizes += [shared("import tensorflow"), shared("1")]
    shell.run_cell("correct = float(torch.ones(81).sum() + tensorflow.ones(81).numpy().sum())")
    print(json.dumps([sizes, shell.user_ns["correct"]]))"""


@on_linux
def test_in_a_notebook_pages_that_only_an_import_has_read_are_dropped():
    sizes, correct = json.loads(run(NOTEBOOK).splitlines()[-1])
    torch, course, later, again, tensorflow, at_last = sizes
    assert course < torch - 20, "the frameworks that were there already count too"
    assert course <= later <= again < torch
    assert tensorflow < again + 150, "importing TensorFlow reads 340 MB of library files"
    assert at_last >= tensorflow, "once for each framework"
    assert correct == 162


@on_linux
def test_pages_that_the_process_has_changed_stay():
    """Whatever is dropped comes back from the file, so nothing may be dropped that is not in it."""
    code = """if True:
        import numpy as np, sqlite3, ssl, ctypes, decimal, dlcourse
        from dlcourse import memory
        before = np.linalg.svd(np.eye(5) + 1)[1].tolist(), str(decimal.Decimal(2).sqrt())
        for _ in range(3):
            memory.drop_library_pages()
            now = np.linalg.svd(np.eye(5) + 1)[1].tolist(), str(decimal.Decimal(2).sqrt())
            assert now == before
            sqlite3.connect(":memory:").execute("select 1").fetchone()
            ssl.create_default_context()
        print("alive")"""
    assert run(code) == "alive\n"


def test_peak_memory_grows_with_what_is_held():
    code = (
        "import numpy as np; from dlcourse import memory; before = memory.peak_mb();"
        "held = np.ones(30_000_000); print(memory.peak_mb() - before)"
    )
    assert 220 < float(run(code)) < 300  # 30 million numbers of 8 bytes are 240 MB


def test_peak_memory_does_not_count_the_parent_process():
    code = (
        "import numpy as np, subprocess, sys; held = np.ones(60_000_000);"
        "child = 'from dlcourse import memory; print(memory.peak_mb())';"
        "print(subprocess.check_output([sys.executable, '-c', child]).decode())"
    )
    assert float(run(code)) < 200


def test_own_memory_is_what_is_held_without_files():
    process = psutil.Process()
    before = memory.own_mb(process)
    held = bytearray(50_000_000)
    assert 40 < memory.own_mb(process) - before < 60
    assert len(held) and memory.own_mb(process) < process.memory_info().rss / 1e6


# Limits ------------------------------------------------------------------------------------------


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_a_container_s_limit_counts_less_what_is_used_of_it(tmp_path):
    own = tmp_path / "cgroup"
    own.write_text("0::/\n")
    write(
        tmp_path,
        memory__max="2000000000\n",
        memory__current="1500000000\n",
        memory__stat="anon 1\ninactive_file 200000000\n",
    )
    assert list(memory._limits(tmp_path, own)) == [memory.Room(2000, 700)]
    write(tmp_path, memory__max="max\n")
    assert list(memory._limits(tmp_path, own)) == []


def test_the_older_kind_of_limit_is_read_in_the_own_group_and_at_the_root(tmp_path):
    own = tmp_path / "cgroup"
    own.write_text("9:cpuset:/x\n4:memory:/a/b\n0::/\n")
    files = {
        "memory__limit_in_bytes": "1000000000\n",
        "memory__usage_in_bytes": "900000000\n",
        "memory__stat": "cache 5\ntotal_inactive_file 100000000\n",
    }
    write(tmp_path / "memory" / "a" / "b", **files)
    write(tmp_path / "memory", **files | {"memory__limit_in_bytes": "9223372036854771712\n"})
    assert list(memory._limits(tmp_path, own)) == [memory.Room(1000, 200)]


def test_the_smallest_room_counts(monkeypatch):
    monkeypatch.setattr(memory, "_limits", lambda: iter([memory.Room(2000, 1)]))
    assert memory.room() == memory.Room(2000, 1)
    monkeypatch.setattr(memory, "_limits", lambda: iter([]))
    assert memory.room().total_mb == pytest.approx(psutil.virtual_memory().total / 1e6)


def test_kernels_of_other_notebooks_are_found():
    code = "import sys, time; print('up', flush=True); time.sleep(60)"
    words = [sys.executable, "-c", code, "ipykernel_launcher"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        found = [process.pid for process in memory.other_kernels()]
        child.kill()
    assert child.pid in found and os.getpid() not in found
