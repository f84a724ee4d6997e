"""Two notebooks' kernels and the watch of `dlcourse.kernels`, on a machine with little memory.

    python small_machine.py GROUP WATCH FOLDER

The first kernel holds memory and is idle; the second takes more and more, which only fits without
the first. GROUP is a memory control group in which this runs and whose limit is set here, so that
the system kills; "" means that the limit is kept by this script, which kills as the system does:
the process that holds most. WATCH is "watch" or "". The kernels'
files go to FOLDER. What happened is printed as JSON.
"""

import asyncio
import json
import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from queue import Empty

from dlcourse import kernels, memory

import psutil
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets.config import Config

ROOM_MB = 300  # more than all hold at rest
FIRST_MB, STEP_MB, STEPS = 150, 25, 10
HOLD = "held = globals().get('held', []) + [b'x' * {}_000_000]"


class Machine:
    """The limit, and the two kernels."""

    def __init__(self, group, folder):
        self.group, self.limit_mb, self.names, self.clients = group and Path(group), 0, [], {}
        config = Config({"KernelManager": {"autorestart": False}})  # who was killed stays dead
        self.manager = AsyncMappingKernelManager(config=config, connection_dir=folder)

    async def start(self):
        for _ in range(2):
            name = await self.manager.start_kernel()
            client = self.clients[name] = self.manager.get_kernel(name).client()
            client.start_channels()
            await client.wait_for_ready()
            self.names.append(name)
            await self.run(name, "pass")
        if self.group:
            older = self.group / "memory.limit_in_bytes"
            used = (older.with_name("memory.usage_in_bytes"), self.group / "memory.current")
            used_mb = next(int(file.read_text()) for file in used if file.exists()) / 1e6
            limit = older if older.exists() else self.group / "memory.max"
            for file, value in (("memory.swappiness", "0"), ("memory.swap.max", "0")):
                with suppress(OSError):
                    (self.group / file).write_text(value)
            limit.write_text(str(int((used_mb + ROOM_MB) * 1e6)))
        else:
            self.limit_mb = sum(self.held().values()) + ROOM_MB
            memory.room = lambda: memory.Room(
                self.limit_mb, self.limit_mb - sum(self.held().values())
            )

    def held(self):
        """Return {process: what it holds for itself, in MB} of this one and of living kernels."""
        found, me = {}, psutil.Process()
        for process in (me, *me.children()):
            with suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE:
                    found[process] = memory.own_mb(process)
        return found

    def kill_above_limit(self):
        held = self.held()
        if not self.group and sum(held.values()) > self.limit_mb:
            max(held.keys() - {psutil.Process()}, key=held.get).send_signal(signal.SIGKILL)

    async def run(self, name, code):
        """Run code in a kernel; return False if that is killed meanwhile."""
        asked = self.clients[name].execute(code)
        while True:
            try:
                answer = await self.clients[name].get_shell_msg(timeout=1)
            except Empty:
                if name in await self.killed():
                    return False
            else:
                if answer["parent_header"].get("msg_id") == asked:
                    return True

    async def killed(self):
        there = [name for name in self.names if name in self.manager]
        codes = {name: await self.manager.get_kernel(name).provisioner.poll() for name in there}
        return [name for name, code in codes.items() if code is not None]


async def main(group, watch, folder):
    said = []
    log = logging.getLogger("watch")
    log.addFilter(lambda record: said.append(record.getMessage()))
    kernels.IDLE_SECONDS = 0  # the steps follow each other at once
    machine = Machine(group, folder)
    await machine.start()
    first, second = machine.names
    await machine.run(first, HOLD.format(FIRST_MB))
    for _ in range(STEPS):
        if not await machine.run(second, HOLD.format(STEP_MB)):
            break
        if watch:
            await kernels.end_idle(machine.manager, log)
        machine.kill_above_limit()
    killed = await machine.killed()
    ended = [name for name in machine.names if name not in machine.manager]
    roles = {first: "first", second: "second"}
    said = [line.replace(first, "first").replace(second, "second") for line in said]
    result = {"killed": [roles[name] for name in killed], "ended": [roles[it] for it in ended]}
    print(json.dumps(result | {"said": said}), flush=True)
    for process in psutil.Process().children():
        process.kill()
    os._exit(0)  # channels of kernels that are gone would be waited for


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
