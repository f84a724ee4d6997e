"""What may be in a file's place and is no file: opening it may never end."""

import os
import socket

import pytest


def _socket(path):
    here = os.getcwd()
    os.chdir(path.parent)  # the name of a socket may be no longer than about 100 bytes
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(here)


ODD = {
    "a named pipe": lambda path: os.mkfifo(path),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a socket": _socket,
    "a folder": lambda path: path.mkdir(),
}
on_posix = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")


def odd_in_place(test):
    """Run a test with each of them; `put(path)` puts it in the place of what is there."""

    def putting(make):
        def put(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            make(path)

        return put

    puts = [pytest.param(putting(make), id=name) for name, make in ODD.items()]
    return on_posix(pytest.mark.parametrize("put", puts)(test))
