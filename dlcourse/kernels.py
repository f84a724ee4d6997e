"""JupyterLab's server, on a small machine: idle kernels end before the memory runs out.

An extension of the Jupyter server. Without it the system ends a kernel when memory runs out, any
one, without a word. `dlcourse lab` and Binder's start switch it on.
"""

import asyncio
import signal
from contextlib import suppress

from dlcourse import memory

LOOK_SECONDS = 1
RESERVE_MB = 300  # what the importing of a framework takes in about two seconds
RESERVE_SHARE = 0.15  # of all memory, if that is less: a small machine has no 300 MB to spare
IDLE_SECONDS = 10  # between two cells a kernel is idle too
GOODBYE_SECONDS = 0.5  # for its last words to reach the notebook


def to_end(kernels, room, now) -> str | None:
    """Return the id of the kernel to end now, or None; never the one that was active last.

    Args:
        kernels: {id: kernel manager}, with `execution_state` and `last_activity` as the Jupyter
            server keeps them.
        room: A `memory.Room`.
        now: A datetime with a time zone.
    """
    if room.free_mb > min(RESERVE_MB, RESERVE_SHARE * room.total_mb):
        return None
    by_activity = sorted(kernels, key=lambda name: kernels[name].last_activity)
    for name in by_activity[:-1]:
        idle_seconds = (now - kernels[name].last_activity).total_seconds()
        if kernels[name].execution_state == "idle" and idle_seconds > IDLE_SECONDS:
            return name
    return None


async def end_idle(manager, log) -> None:
    """End the kernel that was idle longest, if memory is short."""
    from datetime import UTC, datetime

    from jupyter_core.utils import ensure_async

    kernels = {name: manager.get_kernel(name) for name in manager.list_kernel_ids()}
    room = memory.room()
    if name := to_end(kernels, room, datetime.now(UTC)):
        log.warning(
            f"{room.free_mb:.0f} of {room.total_mb:.0f} MB are free: kernel {name}, which was idle "
            "longest, is ended. Its notebook stays as it is."
        )
        await say_goodbye(kernels[name])
        await ensure_async(manager.shutdown_kernel(name))


async def say_goodbye(kernel) -> None:
    """Let a kernel write below its last cell that it is ended; see `memory.say_when_ended`.

    Args:
        kernel: Its manager. One that never imported dlcourse ends at once.
    """
    from jupyter_core.utils import ensure_async

    if hasattr(signal, "SIGUSR1"):
        with suppress(Exception):  # it has ended by itself
            await ensure_async(kernel.signal_kernel(signal.SIGUSR1))
            await asyncio.sleep(GOODBYE_SECONDS)


def _jupyter_server_extension_points():
    return [{"module": "dlcourse.kernels"}]


def _load_jupyter_server_extension(app):
    from tornado.ioloop import PeriodicCallback

    app.dlcourse_kernels = PeriodicCallback(
        lambda: end_idle(app.kernel_manager, app.log), 1000 * LOOK_SECONDS
    )
    app.dlcourse_kernels.start()
