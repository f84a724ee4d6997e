"""Call a learner's function within limits of time, memory and output: the notebook goes on."""

import builtins
import contextlib
import ctypes
import functools
import io
import mmap
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dlcourse.errors import CourseError
from dlcourse.memory import room

import numpy as np

PATIENCE = 12  # times as long by the clock as of the processor's time
PATIENCE_WITH_A_WAIT = 3  # the same, for an answer that was seen to wait
PRINTED_CHARACTERS = 10_000
MOST_OUTPUTS = 20  # that a call may display
SPARE_MB = (200, 1000)  # of memory that an answer may take: at least, at most
STALLED_SECONDS = 0.3  # a copy that computes nothing for so long is told that its time is up
FINE, TOO_LARGE = 86, 87  # exit codes of the copy; with any other it was ended
PR_SET_PDEATHSIG = 1  # prctl(2): the signal for when the parent has ended
LISTENS, HEARD = 1, 2  # what the copy says of the news that its time is up


class AnswerError(CourseError, RuntimeError):
    """A learner's answer cannot be judged at all: it never ends, or takes the notebook with it."""


def within(seconds, call) -> Any:
    """Return what `call` gives; what it raises is raised.

    Args:
        seconds: Of the processor's time, after which it is ended.
        call: Function without arguments.

    Raises:
        AnswerError: It took longer, asked for too much memory, or ended its process.
    """
    waits = not _trusted and _rehearse(seconds, call)
    with _harmless():
        return _in_time(seconds, call, PATIENCE_WITH_A_WAIT if waits else PATIENCE)


_trusted = []  # holds something while what is called is the course's own


@contextmanager
def trusting() -> Iterator[None]:
    """Call what is the course's own, such as a solution, without a copy of the process."""
    _trusted.append(True)
    try:
        yield
    finally:
        _trusted.pop()


# In a copy of this process


def _rehearse(seconds, call):
    """Run `call` in a copy of this process first; return whether it waited for something there.

    A copy can be ended whatever it does. Only there a loop inside a library can be stopped, and
    memory that was taken be given back. Where there are no copies (Windows, macOS), or where it
    waits for a thread that was not copied, what it does is seen when it is called in earnest.
    """
    if not sys.platform.startswith("linux"):
        return False
    parent = os.getpid()
    says = mmap.mmap(-1, 1)  # one byte that both processes see
    ends_with_parent = functools.partial(ctypes.CDLL(None).prctl, PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        with warnings.catch_warnings():  # Python 3.12 warns of threads: see above
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
    except OSError:  # no room for another process
        return False
    if not child:
        ends_with_parent()
        if os.getppid() != parent:  # it has ended before that was said
            os._exit(FINE)
        _run_and_leave(call, says)
    try:
        status = _watched(child, seconds, says)
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)  # programs that it has started
    if status == TOO_LARGE:
        raise AnswerError(
            f"Your code was stopped when it asked for more than {_spare_mb():.0f} MB of memory. "
            "Does a list in it grow for ever? Look at what is added in each round."
        )
    if status not in (FINE, None):
        raise AnswerError(
            "Your code would end Python itself, and all that this notebook holds with it. Take out "
            "what ends it, such as exit(); a function gives its result with `return`."
        )
    return status is None or says[0] == HEARD


def _run_and_leave(call, says):
    """Run `call` in the copy, unseen and unheard, and end the copy."""
    status, allowed = FINE, float("inf")
    os.setpgid(0, 0)

    def time_is_up(*_):
        says[0] = HEARD
        raise TimeUp

    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for channel in (0, 1, 2):
            os.dup2(nowhere, channel)
        sys.stdout = sys.stderr = io.StringIO()
        if shell := _notebook():
            shell.display_pub.publish = lambda *_, **__: None
        os.fork = _no_fork
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)  # the others were not copied
        allowed = _limit_memory()
        signal.signal(signal.SIGUSR2, time_is_up)
        says[0] = LISTENS
        call()
    except MemoryError:
        status = TOO_LARGE
    except BaseException as error:  # it is raised again, and told, when it is called in earnest
        status = TOO_LARGE if "allocate memory" in str(error) else FINE
    finally:
        try:  # what caught its MemoryError here would find no limit when it is called in earnest
            status = TOO_LARGE if _reserved_bytes("VmPeak") > allowed else status
        finally:
            os._exit(status)


def _limit_memory():
    """Return how many bytes the copy may reserve. Only twice as many more make it fail.

    So that what asks for a little more again and again, until it fails, is seen to have done so.
    """
    import resource

    held, spare = _reserved_bytes("VmSize"), int(_spare_mb() * 1e6)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + 2 * spare, hard))
    return held + spare


def _reserved_bytes(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))


def _spare_mb():
    least, most = SPARE_MB
    return min(most, max(least, room().free_mb / 2))


def _watched(child, seconds, says):
    """Return the exit code of the copy, minus a signal's number; None if it tells nothing.

    A copy that only waits is told that its time is up. One that does not heed it would not do so
    when it is called in earnest either; one that cannot hear it waits for what was not copied.

    Raises:
        AnswerError: It took more of the processor's time, or does not end when it is told to.
    """
    import psutil

    process, started, pause = psutil.Process(child), time.monotonic(), 0.002
    active, told = started, None
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        now, times = time.monotonic(), process.cpu_times()
        if times.user + times.system > seconds:
            raise _endless(seconds)
        if process.status() != psutil.STATUS_SLEEPING:
            active = now
        stalled, late = now - active > STALLED_SECONDS, now - started > PATIENCE * seconds
        if told is None and (stalled or late):
            if says[0] != LISTENS:
                return None
            os.kill(child, signal.SIGUSR2)
            active = told = now
        elif told and says[0] == HEARD:
            patience = PATIENCE_WITH_A_WAIT if stalled else PATIENCE
            if now - told > patience * seconds:
                raise _endless(seconds)
        elif told and (stalled or now - told > PATIENCE * seconds):
            return None
        time.sleep(pause)
        pause = min(2 * pause, 0.05)


# In this process


@contextmanager
def _harmless() -> Iterator[None]:
    """Print so much and no more, ask for no input, and leave the notebook's process running.

    What is printed is shown when the call has ended.
    """
    shell, asked, fork = _notebook(), builtins.input, getattr(os, "fork", None)
    builtins.input = _no_input
    kept = [(vars(module), dict(vars(module))) for module in (builtins, np)]
    settings = [(take, put_back, take()) for take, put_back in _settings()]
    kernel = getattr(shell, "kernel", None)
    answers = getattr(kernel, "_allow_stdin", None)  # whether anybody can, asked by a debugger too
    if answers:
        kernel._allow_stdin = False
    if fork:
        os.fork = _no_fork
    if shell:
        shell.ask_exit = _no_exit  # of `exit()` in a notebook
    printed, running = [_Short(sys.stdout), _Short(sys.stderr)], _programs()
    try:
        with (
            _displaying(MOST_OUTPUTS),
            _nothing_past_print(),
            contextlib.redirect_stdout(printed[0]),
            contextlib.redirect_stderr(printed[1]),
        ):
            yield
    finally:
        for program in _programs() - running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(program, signal.SIGKILL)
        for names, before in kept:  # by `np.all` it is judged, and all cells that follow use it
            names.update(before)
        for take, put_back, before in settings:
            if take() != before:
                put_back(before)
        if answers:
            kernel._allow_stdin = True
        for each in printed:
            each.show()
        builtins.input = asked
        if fork:
            os.fork = fork
        if shell:
            del shell.ask_exit


@contextmanager
def unseen() -> Iterator[None]:
    """Drop what is printed, displayed and drawn."""
    figures = _figures()
    try:
        with (
            _displaying(0),
            open(os.devnull, "w") as nowhere,
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            yield
    finally:
        for number in _figures() - figures:
            sys.modules["matplotlib.pyplot"].close(number)


def _settings() -> Iterator[tuple]:
    """Yield for each setting that all cells share how it is read, and how it is put back."""
    yield np.get_printoptions, lambda options: np.set_printoptions(**options)
    yield np.geterr, lambda errors: np.seterr(**errors)
    yield sys.getrecursionlimit, sys.setrecursionlimit
    yield _folder, _put_folder_back
    yield _mask, os.umask
    yield warnings.filters.copy, _put_filters_back
    yield os.environ.copy, _put_environment_back
    if torch := sys.modules.get("torch"):
        yield torch.is_grad_enabled, torch.set_grad_enabled
        yield torch.get_default_dtype, torch.set_default_dtype
        # Where none was chosen, one that is set anew would slow all down.
        yield (
            torch.get_default_device,
            lambda device: torch.set_default_device(None if device.type == "cpu" else device),
        )
        yield torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms
    if keras := sys.modules.get("keras"):
        yield keras.config.floatx, keras.config.set_floatx
        yield keras.config.dtype_policy, keras.config.set_dtype_policy
        yield keras.config.image_data_format, keras.config.set_image_data_format
    if matplotlib := sys.modules.get("matplotlib"):
        yield matplotlib.rcParams.copy, matplotlib.rcParams.update
    if hasattr(signal, "setitimer"):  # an alarm of the answer's would end the kernel
        timer = signal.ITIMER_REAL
        yield lambda: signal.getitimer(timer), lambda before: signal.setitimer(timer, *before)


def _mask():
    """Return which rights a new file does not get; it is read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _folder():
    with contextlib.suppress(OSError):  # it is gone
        return os.getcwd()


def _put_folder_back(folder):
    with contextlib.suppress(OSError):
        if folder:
            os.chdir(folder)


def _put_filters_back(filters):
    if warnings.filters != filters:
        warnings.filters[:] = filters
        warnings._filters_mutated()


def _put_environment_back(variables):
    if os.environ != variables:
        os.environ.clear()
        os.environ.update(variables)


def _programs():
    """Return the ids of the programs that this process has started."""
    import psutil

    try:  # to look through all processes takes longer than most answers
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except (AttributeError, ChildProcessError):  # Windows, or there are none
        return set()
    return {child.pid for child in psutil.Process().children()}


def _figures():
    """Return the numbers of pyplot's open figures, which a notebook shows at the end of a cell."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return set(pyplot.get_fignums()) if pyplot else set()


@contextmanager
def _displaying(count) -> Iterator[None]:
    """Let so many outputs be displayed, and drop the rest."""
    publisher = getattr(_notebook(), "display_pub", None)
    if publisher is None:
        yield
        return
    publish, own, left = publisher.publish, vars(publisher).get("publish"), [count]

    def limited(*given, **named):
        left[0] -= 1
        if left[0] >= 0:
            return publish(*given, **named)

    publisher.publish = limited
    try:
        yield
    finally:
        if own is None:
            del publisher.publish  # the class's is there again
        else:
            publisher.publish = own


def _notebook():
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _no_input(*_):
    raise RuntimeError("An answer cannot ask for input: what it needs comes in as its arguments.")


def _no_fork():
    raise RuntimeError("An answer cannot make a copy of the notebook's process.")


def _no_exit():
    raise SystemExit("An answer cannot end the notebook.")


@contextmanager
def _nothing_past_print() -> Iterator[None]:
    """Drop what goes to the process's own channels, as from a subprocess: none of it is counted."""

    def flush():
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            with contextlib.suppress(AttributeError, OSError, ValueError):  # None, broken, closed
                stream.flush()

    flush()
    kept = {}
    for channel in (1, 2):
        with contextlib.suppress(OSError):  # closed
            kept[channel] = os.dup(channel)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for channel in kept:
        os.dup2(nowhere, channel)
    os.close(nowhere)
    try:
        yield
    finally:
        flush()
        for channel, copy in kept.items():
            os.dup2(copy, channel)
            os.close(copy)


class _Short(io.TextIOBase):
    """Keeps so many characters for a stream, and drops the rest; an answer cannot close it."""

    def __init__(self, stream):
        self.stream, self.left, self.parts = stream, PRINTED_CHARACTERS, []

    def write(self, text):
        if self.left > 0:
            self.parts.append(text[: self.left])
            self.left -= len(text)
            if self.left <= 0:
                self.parts.append("\n… and more, which is left out.\n")
        return len(text)

    def show(self):
        if self.parts:
            self.stream.write("".join(self.parts))

    def writable(self):
        return True

    def fileno(self):
        return self.stream.fileno()

    @property
    def encoding(self):
        return self.stream.encoding

    def close(self):
        """Do nothing: what comes later is still printed."""


class TimeUp(BaseException):
    """Raised inside an endless loop; not an Exception, so that no usual `except` there stops it."""


def _endless(seconds):
    return AnswerError(
        f"Your code was stopped after {seconds:g} seconds. Does a loop in it never end? "
        "Look at what should change from one round to the next."
    )


def _in_time(seconds, call: Callable, patience):
    """Return what `call` gives, or end it in the next line of Python that it runs.

    In the main thread a signal ends what only waits, too.
    """
    thread, ended = threading.get_ident(), threading.Event()

    def interrupt():
        started, spent = time.monotonic(), _processor_seconds(thread)
        while not ended.wait(min(0.1, seconds)):
            waited = time.monotonic() - started
            # On a busy machine a good answer waits long; one that sleeps spends nothing.
            if _processor_seconds(thread) - spent > seconds or waited > patience * seconds:
                _raise_in(thread, TimeUp)
                if before is not None and not ended.is_set():
                    signal.pthread_kill(thread, signal.SIGUSR2)

    before, stop, stopped = None, None, []
    if thread == threading.main_thread().ident:
        if hasattr(signal, "SIGUSR2"):
            before = signal.signal(signal.SIGUSR2, lambda *_: None)  # wakes what waits; see above
        if callable(stop := signal.getsignal(signal.SIGINT)):
            signal.signal(signal.SIGINT, lambda *given: (stopped.append(True), stop(*given)))
    watch = threading.Thread(target=interrupt, daemon=True)
    watch.start()
    try:
        try:
            return call()
        finally:
            ended.set()
    except TimeUp:
        raise _endless(seconds) from None
    except KeyboardInterrupt as error:
        if stopped:
            raise
        raise AnswerError(
            "Your code raised KeyboardInterrupt, which is what the stop button does. "
            "Raise another error."
        ) from error
    finally:
        while True:
            try:
                ended.set()
                watch.join()
                _raise_in(thread, None)  # what was not delivered yet must not come later
                if before is not None:
                    signal.signal(signal.SIGUSR2, before)
                if callable(stop):
                    signal.signal(signal.SIGINT, stop)
                break
            except TimeUp:
                continue


def _processor_seconds(thread):
    """Return the processor's time that a thread has taken; the clock's where nobody counts it."""
    try:
        return time.clock_gettime(time.pthread_getcpuclockid(thread))
    except (AttributeError, OSError):
        return time.monotonic()


def _raise_in(thread, error):
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(error) if error else None
    )
