"""Start JupyterLab on a notebook, on this machine only, and end it cleanly."""

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import webbrowser
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from dlcourse import catalogue
from dlcourse.errors import CourseError

DEFAULTS = Path(__file__).parent / "jupyter"  # no news, no look for updates; own settings win
HOST = "127.0.0.1"
USUAL_PORT = 8888
LAST_PORT = 65_535
PORT_TRIES = 5  # each of them with a port that was free a moment before
START_SECONDS = 120  # the first start on a cold disk is slow
STOP_SECONDS = 15
LOG_LINES = 15
# JupyterLab keeps what is open where in a workspace. This one is the course's, so that the
# learner's own stays as it is; it begins with the lesson's headings open at the right.
WORKSPACE = "dlcourse"
TOC = "@jupyterlab/toc:plugin"
ARRANGED = {
    "layout-restorer:data": {
        "left": {"collapsed": False, "current": "filebrowser"},
        "right": {"collapsed": False, "current": TOC, "widgets": [TOC]},
        "relativeSizes": [0.17, 0.63, 0.2],
    }
}
# The token goes through the environment: every user of a machine can read its command lines. The
# server makes an option of it, which counts more than own settings, and hands it to no kernel.
START = """\
import os, sys
from jupyterlab.labapp import LabApp
token = "--IdentityProvider.token=" + os.environ.pop("JUPYTER_TOKEN")
LabApp.launch_instance([*sys.argv[1:], token])"""
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class LabError(CourseError, RuntimeError):
    """JupyterLab does not start, or ended by itself with an error."""


def serve(folder, notebook, port=None, browser=True, say=print) -> None:
    """Open `notebook` in JupyterLab and stay until it ends or Ctrl-C (SIGTERM, SIGHUP) comes.

    Args:
        folder: The folder that JupyterLab shows.
        notebook: A path inside it.
        port: Where the server listens; None means 8888, or any free one if that is taken.
        browser: Open a browser if there is one to open.
        say: Called with each line for the learner.

    Raises:
        LabError: The port is taken, or JupyterLab does not start or ends by itself with an error.
    """
    place, token = quote(Path(notebook).relative_to(folder).as_posix()), secrets.token_hex(16)
    server, tries = None, PORT_TRIES if port is None else 1
    with (
        _signals(_interrupt),
        tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace") as log,
    ):
        try:
            for left in reversed(range(tries)):
                chosen = _free_port(port)
                server = _started(folder, chosen, token, log)
                if _answers(server, chosen, token, log):
                    break
                # Another program, such as a second `dlcourse lab`, may have been faster there.
                if not left or _can_listen(chosen):
                    raise LabError(f"JupyterLab did not start.\n{_end_of(log)}")
            _arrange(chosen, token)
            address = (
                f"http://{HOST}:{chosen}/lab/workspaces/{WORKSPACE}/tree/{place}?token={token}"
            )
            say(f"JupyterLab is ready. Ctrl-C ends it.\n\n    {address}\n")
            if browser and can_open_browser():
                webbrowser.open(address)
            if status := server.wait():
                raise LabError(f"JupyterLab ended with status {status}.\n{_end_of(log)}")
        except KeyboardInterrupt:
            pass
        finally:
            if server:
                _stop(server)
    say("JupyterLab has ended.")


def can_open_browser(environment=os.environ, platform=sys.platform) -> bool:
    """Return False for `BROWSER=none`, and on Linux without a display."""
    if environment.get("BROWSER", "").lower() == "none":
        return False
    return not platform.startswith("linux") or any(
        environment.get(display) for display in ("DISPLAY", "WAYLAND_DISPLAY")
    )


def _started(folder, port, token, log):
    # In a session of its own, Ctrl-C reaches only us: JupyterLab would ask whether it is meant.
    return subprocess.Popen(
        _command(folder, port),
        env=_environment() | {"JUPYTER_TOKEN": token},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _command(folder, port):
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [
        *(sys.executable, "-c", START, "--no-browser", "--log-level=WARN"),
        *(f"--ServerApp.ip={HOST}", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        f"--ServerApp.root_dir={folder}",
        "--LabApp.expose_app_in_browser=True",  # a test in a browser can see when a kernel is ready
        *(["--allow-root"] if as_root else []),
    ]


def _environment():
    paths = filter(None, [str(DEFAULTS), os.environ.get("JUPYTER_CONFIG_PATH")])
    # A learner's copies lie elsewhere: only this tells their kernels where the course is.
    course = {"DLCOURSE_COURSE": str(catalogue.folder())}
    return os.environ | course | {"JUPYTER_CONFIG_PATH": os.pathsep.join(paths)}


def _free_port(wanted):
    if wanted is not None and not 1 <= wanted <= LAST_PORT:
        raise LabError(
            f"Port {wanted} was asked for, but ports are the numbers from 1 to {LAST_PORT}. "
            "Choose one of them, such as --port 8899, or leave --port out."
        )
    for port in (wanted,) if wanted else (USUAL_PORT, 0):
        if found := _can_listen(port):
            return found
    raise LabError(
        f"Port {wanted} is taken or not allowed. Choose another one, such as --port 8899, "
        "or leave --port out."
    )


def _can_listen(port):
    """Return the port, or a free one for 0; None if it is taken or not allowed."""
    try:
        with socket.create_server((HOST, port)) as listener:
            return listener.getsockname()[1]
    except OSError:
        return None


def _answers(server, port, token, log):
    """Wait for the server; return False if it has ended."""
    last = time.monotonic() + START_SECONDS
    while time.monotonic() < last:
        if server.poll() is not None:
            return False
        if _asked(port, token, "GET", "/api/status", seconds=2)[0] == http.client.OK:
            return True
        time.sleep(0.1)
    raise LabError(f"JupyterLab did not answer within {START_SECONDS} s.\n{_end_of(log)}")


def _arrange(port, token):
    """Open the headings beside the lesson, unless the learner has a workspace of the course."""
    path = f"/lab/api/workspaces/{WORKSPACE}"
    status, kept = _asked(port, token, "GET", path)
    if status == http.client.OK and not json.loads(kept).get("data"):
        new = {"data": ARRANGED, "metadata": {"id": WORKSPACE}}
        _asked(port, token, "PUT", path, json.dumps(new))


def _asked(port, token, method, path, body=None, seconds=10):
    """Return (status, body) of the server's answer; (None, b"") if there is none."""
    # Past any proxy that is set.
    connection = http.client.HTTPConnection(HOST, port, timeout=seconds)
    try:
        connection.request(method, path, body, {"Authorization": f"token {token}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return None, b""
    finally:
        connection.close()


def _end_of(log):
    log.seek(0)
    return "".join(log.readlines()[-LOG_LINES:]).rstrip()


@contextmanager
def _signals(handler):
    """Let `handler` have Ctrl-C, a polite kill and a terminal that is closed."""
    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _interrupt(*_):
    raise KeyboardInterrupt


def _stop(server):
    """End the server and, through it, its kernels; a second Ctrl-C meanwhile changes nothing."""
    with _signals(signal.SIG_IGN):
        if server.poll() is None:
            server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
