"""The machine a lesson runs on: cores, threads, seed, folders and files."""

import errno
import hashlib
import json
import operator
import os
import random
import sys
from pathlib import Path
from typing import Any

from dlcourse.errors import DataError, RangeError

KERAS_NEEDS = {  # {setting: values with which the course works, the usual one first}
    "backend": ("tensorflow",),
    "image_data_format": ("channels_last",),
    "floatx": ("float32", "float64"),
}


def quiet_frameworks() -> None:
    """Set what PyTorch, TensorFlow and Keras read when they are first imported.

    Runs with `import dlcourse`. What is already set in the environment stays; what is set to
    nothing, as in a compose file's `NAME=`, counts as not set.
    """
    cores = str(available_cores())
    defaults = {
        "TF_CPP_MIN_LOG_LEVEL": "2",  # TensorFlow prints three lines of hardware notes otherwise
        "TF_ENABLE_ONEDNN_OPTS": "0",  # its note cannot be silenced otherwise
        "KERAS_BACKEND": "tensorflow",
        # A thread that spins while it waits slows training many times over on a busy machine; one
        # that sleeps at once loses a third of the speed on a quiet one. So: spin a little, sleep.
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": "1500",
        "OMP_NUM_THREADS": cores,
        "TF_NUM_INTRAOP_THREADS": cores,
    }
    for name, value in defaults.items():
        os.environ[name] = variable(name) or value


def variable(name) -> str:
    """Return an environment variable without the spaces around it; "" if it is not set."""
    return os.environ.get(name, "").strip()


def path_variable(name) -> Path | None:
    """Return the path that an environment variable names, `~` being the home; None without one.

    Raises:
        DataError: It is the home of a user whom this system does not know, or lies in a current
            folder that is gone.
    """
    named = variable(name)
    if not named:
        return None
    path = Path(os.path.expanduser(named))
    if path.parts[0].startswith("~"):
        raise DataError(f"{name} is {named!r}, but this system knows no home of {path.parts[0]}.")
    try:
        return path.absolute()
    except OSError as error:
        raise DataError(
            f"{name} is {named!r}, but the current folder is gone ({error}). Give the whole path, "
            "or go to a folder that is there."
        ) from error


def available_cores() -> int:
    """Return how many cores this process may use; a container's limit counts (Binder gives 1)."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count())
    cores = len(allowed)
    return max(1, min(cores, _container_cores()))


def _container_cores(root=Path("/sys/fs/cgroup")):
    """Return the container's limit on cores, rounded up; a large number where there is none."""
    for files in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            quota, period = " ".join((root / file).read_text() for file in files).split()[:2]
            if quota != "max" and int(quota) > 0:
                return -(-int(quota) // int(period))
        except (OSError, ValueError):
            continue
    return 10**6


def keras_faults() -> list[str]:
    """Return a sentence for each setting of Keras with which the course does not work.

    It names the variable or the file to change. If Keras is loaded, what it uses counts; else what
    it will read.
    """
    keras, path = sys.modules.get("keras"), _keras_file()
    if keras:
        used = {name: getattr(keras.config, name)() for name in KERAS_NEEDS}
        if all(used[name] in wanted for name, wanted in KERAS_NEEDS.items()):
            return []  # as nearly always: the file need not be read
    try:
        written = read_json(path) if os.path.lexists(path) else {}
        fault = "" if isinstance(written, dict) else "holds no settings"
    except (OSError, ValueError) as error:
        fault = f"cannot be read ({error})"
    if fault:
        written = {}
    sentences = (
        [f"{path} {fault}: remove it, Keras writes a new one."] if fault and not keras else []
    )
    for name, wanted in KERAS_NEEDS.items():
        variable_says = variable("KERAS_BACKEND") if name == "backend" else ""
        value = used[name] if keras else variable_says or written.get(name, wanted[0])
        if value in wanted:
            continue
        if value == variable_says:
            where, cure = "KERAS_BACKEND", "unset this environment variable and restart the kernel"
        elif value == written.get(name):
            where, cure = f'"{name}" in {path}', f'write "{wanted[0]}" there and restart the kernel'
        elif name == "backend":
            where, cure = "Keras's backend", "import dlcourse before keras"
        else:
            where, cure = f"Keras's {name}", f'call `keras.config.set_{name}("{wanted[0]}")`'
        sentences.append(f"{where} is {value}, but the course needs {wanted[0]}: {cure}.")
    return sentences


def _keras_file():
    """Return the path of Keras's settings, as Keras finds it."""
    home = os.path.expanduser("~")
    usual = Path(home if os.access(home, os.W_OK) else "/tmp") / ".keras"
    return Path(os.path.expanduser(os.environ.get("KERAS_HOME", usual))) / "keras.json"


def seed(number=0) -> None:
    """Seed Python, NumPy and each framework that is loaded, so that a run can be repeated.

    Args:
        number: A whole number from 0 to 2³² - 1.

    Raises:
        RangeError: It is something else.

    Example:
        >>> runtime.seed(3)
    """
    try:
        number = operator.index(number)
    except Exception:  # whatever it says: it is no whole number
        number = -1
    if not 0 <= number < 2**32:
        raise RangeError(
            "The number to seed with should be a whole number from 0 to 4 294 967 295, such as 0."
        )
    random.seed(number)
    for name, seeding in (
        ("numpy", lambda numpy: numpy.random.seed(number)),
        ("torch", lambda torch: torch.manual_seed(number)),
        ("keras", lambda keras: keras.utils.set_random_seed(number)),
        ("tensorflow", lambda tensorflow: tensorflow.random.set_seed(number)),
    ):
        if name in sys.modules:
            seeding(sys.modules[name])


def write_whole(path, content) -> None:
    """Write text or bytes to `path` whole or not at all, also with two kernels at once.

    Raises:
        OSError: The folder cannot be written to; what was at `path` stays.
    """
    path = Path(path)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_whole(path) -> bytes:
    """Return the bytes of a file.

    Raises:
        OSError: It cannot be read; or it is no file, such as a named pipe, which may never end.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return path.read_bytes()


def read_json(path) -> Any:
    """Return what a JSON file holds.

    Raises:
        OSError: It cannot be read, or is no file.
        ValueError: It is no JSON in UTF-8, or is nested too deeply.
    """
    try:
        return json.loads(read_whole(path).decode("utf-8"))
    except RecursionError:
        raise ValueError(f"{path} is nested too deeply") from None


def checksum(path) -> str:
    """Return the sha256 of a file, as 64 hexadecimal digits."""
    return hashlib.sha256(read_whole(path)).hexdigest()


def folder(kind) -> Path:
    """Return this learner's `cache` or `data` folder; made if it can be.

    The environment variable DLCOURSE_HOME moves both: for a class, or a test.

    Args:
        kind: "cache" (may be deleted at any time) or "data" (what the learner has done).
    """
    import platformdirs

    if home := path_variable("DLCOURSE_HOME"):
        path = home / kind
    else:
        path = Path(
            {"cache": platformdirs.user_cache_dir, "data": platformdirs.user_data_dir}[kind](
                "dlcourse"
            )
        )
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError:
        pass  # a read-only home: the caller that writes there says so, or does without
    return path
