"""What a lesson's kernel holds and what the machine has left; and how a kernel is kept small.

Of what a process holds, a part is its own (data, and what the frameworks have set up), and the rest
are pages of library files, which the system can drop when it needs room and which several kernels
share. Where memory is limited, as on Binder, the own part decides how many lessons can be open.
"""

import ctypes
import os
import re
import signal
import sys
import threading
from pathlib import Path
from typing import NamedTuple

FRAMEWORKS = {"torch", "tensorflow", "jax"}  # whose libraries are large
MOST_KEPT_MEBIBYTES = 2047  # the C library counts the bytes with 31 bits
HEAPS = 2  # of the C library: more of them, one for each thread, hold the more freed memory
GROUPS = Path("/sys/fs/cgroup")
DONT_NEED = 4  # madvise(2): MADV_DONTNEED
ENDED = (
    "This notebook's kernel ends now: memory is short, and it was idle longest. What is written "
    "here stays. To go on, run the cells again from the top."
)
NO_LIMIT = 1 << 60  # what a group without a limit says, and more


def set_up_allocator() -> None:
    """Let Linux's allocator keep freed memory for the next step instead of giving it back.

    A training step frees what the next one asks for again. When the system takes large blocks back
    in between, it must clear each page anew: lesson 21 says what that costs. Runs with
    `import dlcourse`; where the C library has no such setting, nothing happens. The environment
    variable DLCOURSE_KEPT_MEBIBYTES says how much is kept: 64 if it is not set to a whole number,
    0 for none.

    Source:
        mallopt(3) of the Linux manual: M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_ARENA_MAX.
    """
    named = os.environ.get("DLCOURSE_KEPT_MEBIBYTES", "").strip()
    whole = named.isdecimal() and len(named) < 10
    kept = min(int(named), MOST_KEPT_MEBIBYTES) if whole else 64
    if mallopt := _c_function("mallopt"):
        mallopt(-8, HEAPS)
        if kept > 0:
            mallopt(-3, kept << 19)  # blocks of up to half as much are taken from the heap
            mallopt(-1, kept << 20)  # and so much may lie free at its end


def give_back_freed() -> None:
    """Give back what was freed, after something large that will not be needed again."""
    if trim := _c_function("malloc_trim"):
        trim(0)


def drop_library_pages_after_imports() -> None:
    """In a notebook, after a cell that imported a framework, drop what only its import has read.

    Runs with `import dlcourse`. Importing PyTorch and TensorFlow reads 400 MB of library files, of
    which lessons use a third.
    """
    ipython = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    if not ipython:
        return
    if getattr(ipython, "dlcourse_drops_pages", False):  # imported again, as autoreload does
        return
    ipython.dlcourse_drops_pages, known = True, set()

    def drop(result):
        loaded = FRAMEWORKS & sys.modules.keys()
        if not loaded <= known:
            known.update(loaded)
            drop_library_pages()

    ipython.events.register("post_run_cell", drop)


def say_when_ended() -> None:
    """In a notebook, let the kernel say below its last cell that it is ended to make room.

    Runs with `import dlcourse`; `dlcourse.kernels` sends the signal before it ends a kernel. Not on
    Windows, which has no such signal.
    """
    ipython = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    if not getattr(ipython, "kernel", None) or not hasattr(signal, "SIGUSR1"):
        return
    if threading.current_thread() is not threading.main_thread():
        return
    last = {}

    def keep(_):
        last["cell"] = ipython.get_parent()

    def say(*_):
        if "cell" in last:
            sys.stdout.set_parent(last["cell"])
        print(f"\n{ENDED}", flush=True)

    ipython.events.register("post_run_cell", keep)
    signal.signal(signal.SIGUSR1, say)


def drop_library_pages() -> None:
    """Drop the pages of library files that are as they are in the file: they come back when read.

    Only on Linux. Pages that this process has changed, such as addresses filled in at the start,
    stay: Linux says for each range of memory whether there are any.

    Source:
        madvise(2) of the Linux manual, MADV_DONTNEED, and proc_pid_smaps(5).
    """
    madvise = _c_function("madvise")
    try:
        ranges = Path("/proc/self/smaps").read_text() if madvise else ""
    except OSError:
        return
    head = r"(?m)^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+ +(/\S.*\.so\b.*)\n((?:[A-Z]\w+:.*\n)+)"
    for start, end, rights, _, counts in re.findall(head, ranges):
        sizes = dict(re.findall(r"(\w+): +(\d+) kB", counts))
        untouched = sizes.get("Anonymous") == sizes.get("Private_Dirty") == "0"
        if untouched and "w" not in rights:
            address, length = int(start, 16), int(end, 16) - int(start, 16)
            madvise(ctypes.c_void_p(address), ctypes.c_size_t(length), DONT_NEED)


def _c_function(name):
    """Return a function of Linux's C library, or None."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), name, None)


def peak_mb() -> float:
    """Return the most memory this process has held so far, in MB (10⁶ bytes)."""
    if sys.platform == "win32":
        import psutil  # comes with ipykernel

        return psutil.Process().memory_info().peak_wset / 1e6
    status = Path("/proc/self/status")
    if status.exists():  # Linux; getrusage there also counts the process that started this one
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS counts bytes


def own_mb(process) -> float:
    """Return what a process holds for itself alone, in MB, without pages of files.

    Args:
        process: A psutil.Process. Where the system does not tell shared pages, all of it counts.
    """
    info = process.memory_info()
    return (info.rss - getattr(info, "shared", 0)) / 1e6


def other_kernels() -> list:
    """Return the processes of this user that are kernels of other notebooks."""
    import psutil

    me, kernels = psutil.Process(), []
    for process in psutil.process_iter():
        try:
            is_kernel = "ipykernel_launcher" in process.cmdline() and process.pid != me.pid
            if is_kernel and process.username() == me.username():
                kernels.append(process)
        except psutil.Error:  # it has ended, or is somebody else's
            continue
    return kernels


class Room(NamedTuple):
    """How much memory this machine, or this container, has in all and free, in MB (10⁶ bytes)."""

    total_mb: float
    free_mb: float


def room() -> Room:
    """Return the Room of this machine; a container's limit counts, less what is used of it."""
    import psutil

    machine = psutil.virtual_memory()
    rooms = [Room(machine.total / 1e6, machine.available / 1e6), *_limits()]
    return min(rooms, key=lambda room: room.free_mb)


def _limits(groups=None, own="/proc/self/cgroup"):
    """Yield the Room of each control group that this process is in and that has a limit."""
    groups = groups or GROUPS
    try:
        lines = [line.split(":", 2) for line in Path(own).read_text().splitlines()]
    except OSError:
        lines = []
    names = [(kinds, name.lstrip("/")) for _, kinds, name in lines]
    second = [groups / name for kinds, name in names if kinds == ""]
    first = [groups / "memory" / name for kinds, name in names if "memory" in kinds.split(",")]
    # Inside a container the own group is the root of what can be seen.
    for folder in dict.fromkeys([*second, groups]):
        yield from _limit(folder, "memory.max", "memory.current", "inactive_file")
    for folder in dict.fromkeys([*first, groups / "memory"]):
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        yield from _limit(folder, *names)


def _limit(folder, limit, usage, idle):
    try:
        total, used = (int((folder / name).read_text()) for name in (limit, usage))
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no such file, or "max"
        return
    if total < NO_LIMIT:
        # Pages of files count as used, but the system drops those that nobody reads any more.
        yield Room(total / 1e6, (total - used + int(stat.get(idle, 0))) / 1e6)
