"""Idle kernels end before memory runs out, the one that waited longest first."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

from dlcourse import kernels, lab, memory

import pytest
from odd_files import on_posix

SMALL_MACHINE = Path(__file__).with_name("small_machine.py")
PATIENCE = 600  # seconds
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SHORT, ENOUGH = memory.Room(2000, 150), memory.Room(2000, 900)


def kernel(idle_seconds, state="idle"):
    moment = NOW - timedelta(seconds=idle_seconds)
    return SimpleNamespace(last_activity=moment, execution_state=state)


@pytest.mark.parametrize(
    "open_kernels, room, ended",
    [
        ({"a": kernel(600), "b": kernel(60), "c": kernel(0, "busy")}, SHORT, "a"),
        ({"b": kernel(60), "a": kernel(600), "c": kernel(0)}, SHORT, "a"),
        ({"a": kernel(600, "busy"), "b": kernel(60), "c": kernel(0)}, SHORT, "b"),
        ({"a": kernel(600), "b": kernel(60)}, ENOUGH, None),
        ({"a": kernel(600)}, SHORT, None),  # the only one: the learner's own
        ({"a": kernel(600, "busy"), "b": kernel(60)}, SHORT, None),  # b was active last
        ({"a": kernel(5), "b": kernel(0)}, SHORT, None),  # between two cells
        ({}, SHORT, None),
    ],
)
def test_the_kernel_that_was_idle_longest_ends_and_never_the_last_one(open_kernels, room, ended):
    assert kernels.to_end(open_kernels, room, NOW) == ended


@pytest.mark.parametrize(
    "room, short",
    [
        (memory.Room(16_000, 310), False),
        (memory.Room(16_000, 290), True),
        (memory.Room(1_000, 160), False),
        (memory.Room(1_000, 140), True),
    ],
)
def test_what_counts_as_short_depends_on_how_much_there_is(room, short):
    two = {"a": kernel(600), "b": kernel(0)}
    assert (kernels.to_end(two, room, NOW) == "a") == short


def test_it_is_ended_through_the_server_and_said_in_the_log(monkeypatch, caplog):
    ended = []
    open_kernels = {"a": kernel(600), "b": kernel(0)}

    async def shutdown_kernel(name):
        ended.append(name)

    manager = SimpleNamespace(
        list_kernel_ids=lambda: list(open_kernels),
        get_kernel=open_kernels.get,
        shutdown_kernel=shutdown_kernel,
    )
    monkeypatch.setattr(memory, "room", lambda: SHORT)
    asyncio.run(kernels.end_idle(manager, logging.getLogger("test")))
    assert ended == ["a"]
    assert "150 of 2000 MB are free: kernel a, which was idle longest, is ended" in caplog.text
    monkeypatch.setattr(memory, "room", lambda: ENOUGH)
    asyncio.run(kernels.end_idle(manager, logging.getLogger("test")))
    assert ended == ["a"]


def test_the_course_s_jupyterlab_has_the_watch_and_ends_the_kernel_of_a_closed_notebook():
    server = lab.DEFAULTS / "jupyter_server_config.d" / "dlcourse.json"
    extensions = json.loads(server.read_text())["ServerApp"]["jpserver_extensions"]
    assert extensions == {kernels.__name__: True}
    labs = lab.DEFAULTS / "labconfig" / "default_setting_overrides.json"
    tracker = json.loads(labs.read_text())["@jupyterlab/notebook-extension:tracker"]
    assert tracker == {"kernelShutdown": True}


# Under a limit that kills -------------------------------------------------------------------------


@contextmanager
def group_of_the_system():
    """Yield the folder of a new memory control group; skip where none may be made."""
    for root in (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")):
        folder = root / f"dlcourse-test-{os.getpid()}"
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            limits = ("memory.limit_in_bytes", "memory.max")
            if any(os.access(folder / limit, os.W_OK) for limit in limits):
                yield str(folder)
                return
        finally:
            while left := (folder / "cgroup.procs").read_text().split():
                for process in left:
                    with suppress(ProcessLookupError):
                        os.kill(int(process), signal.SIGKILL)
                time.sleep(0.1)
            folder.rmdir()
    pytest.skip("no memory control group may be made here")


@on_posix
@pytest.mark.slow
@pytest.mark.parametrize(
    "limit", [group_of_the_system, lambda: nullcontext("")], ids=["a group's", "the test's"]
)
def test_under_a_limit_that_kills_an_idle_kernel_is_ended_first_and_said(limit, tmp_path):
    """Without the watch the limit kills one of them, or both, without a word."""

    def happens(watch):
        enter = 'test -z "$1" || echo $$ >"$1/cgroup.procs"; exec "$0" "$2" "$1" "$3" "$4"'
        with limit() as group:
            words = ["sh", "-c", enter, sys.executable, group, str(SMALL_MACHINE), watch, tmp_path]
            run = subprocess.run(words, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    alone = happens("")
    assert alone["killed"] and alone["ended"] == alone["said"] == []
    watched = happens("watch")
    assert (watched["killed"], watched["ended"]) == ([], ["first"])
    (said,) = watched["said"]
    assert said.endswith(
        "kernel first, which was idle longest, is ended. Its notebook stays as it is."
    )


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no such signal on Windows")
def test_a_kernel_that_is_ended_says_so_below_its_last_cell():
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    try:
        client.execute_interactive("import dlcourse", timeout=PATIENCE, output_hook=lambda _: None)
        last = client.execute("hours = 1")
        client.get_shell_msg(timeout=PATIENCE)
        asyncio.run(kernels.say_goodbye(manager))
        while (message := client.get_iopub_msg(timeout=PATIENCE))["msg_type"] != "stream":
            pass
        assert message["content"]["text"].strip() == memory.ENDED
        assert message["parent_header"]["msg_id"] == last
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no such signal on Windows")
def test_a_kernel_that_is_gone_needs_no_goodbye():
    gone = SimpleNamespace(signal_kernel=None)
    assert asyncio.run(kernels.say_goodbye(gone)) is None
