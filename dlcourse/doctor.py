"""Check a learner's machine: each finding says what was found, what is needed and what to do."""

import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

# Everything that may be missing or broken is imported by the check that looks at it.

OLDEST_PYTHON = (3, 11)
MEMORY_MB = 1200  # a lesson may take 1000, JupyterLab takes about 200
DISK_MB = 1000
TRAINING_SECONDS = 5
TRAINING = Path(__file__).parent / "elsewhere" / "training.py"
START_SECONDS = 120  # for a framework's import on a slow machine
ACCURACY = 0.9  # on 300 test digits; 0.92 to 0.94 over ten seeds, in both frameworks
FRAMEWORKS = ("pytorch", "keras")


@dataclass(frozen=True)
class Finding:
    """What one check found. `state` is "ok", "warning" (lessons run all the same) or "problem"."""

    name: str
    state: str
    found: str
    wanted: str = ""
    fix: str = ""


def examine(course) -> Iterator[Finding]:
    """Yield a Finding for each thing that lessons need, as soon as it is known.

    Args:
        course: The course's folder, which holds `constraints.txt`.
    """
    for check in (python, versions, kernel, memory, disk, device, checksums, training):
        try:
            yield from check(course)
        except Exception as error:  # whatever is broken here is what the doctor was called for
            yield Finding(
                check.__name__,
                "problem",
                f"{type(error).__name__}: {error}",
                "a check that runs",
                _reinstall(course),
            )


def python(course) -> Iterator[Finding]:
    """Yield whether this Python is new enough."""
    found = ".".join(map(str, sys.version_info[:3]))
    wanted = f"{'.'.join(map(str, OLDEST_PYTHON))} or newer"
    if sys.version_info >= OLDEST_PYTHON:
        yield Finding("python", "ok", found, wanted)
    else:
        yield Finding("python", "problem", found, wanted, "make PYTHON=python3.12 lab")
    if not __debug__:
        yield Finding(
            "assert",
            "problem",
            "left out, since Python was started with PYTHONOPTIMIZE or -O",
            "tests that learners write need it",
            "unset PYTHONOPTIMIZE",
        )


def versions(course) -> Iterator[Finding]:
    """Yield every package that is missing or is not the version that the tests ran with."""
    from packaging.requirements import Requirement

    pinned = pins(course)
    needs = [Requirement(text) for text in metadata.requires("dlcourse") or ()]
    direct = {need.name: need for need in needs if not need.marker or need.marker.evaluate()}
    faults = 0
    for name, pin in pinned.items():
        found, need = _installed(name), direct.get(name)
        if found == pin or (found is None and need is None):
            continue
        faults += 1
        bad = found is None or (need is not None and found not in need.specifier)
        yield Finding(
            name,
            "problem" if bad else "warning",
            found or "not installed",
            f"{pin}, as in constraints.txt",
            _install(f"{name}=={pin}"),
        )
    if not faults:
        yield Finding("versions", "ok", f"all {len(pinned)} as in constraints.txt")


def pins(course) -> dict:
    """Return {package: version} of the `constraints.txt` in the course's folder.

    Lines that pin nothing here are left out: comments, other bounds, what is for other machines.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    found = {}
    for line in (Path(course) / "constraints.txt").read_text(encoding="utf-8").splitlines():
        try:
            need = Requirement(re.sub(r"(^|\s)#.*", "", line))  # as pip sees a comment
        except InvalidRequirement:  # nothing, or an option for pip
            continue
        for bound in need.specifier if not need.marker or need.marker.evaluate() else ():
            if bound.operator in ("==", "===") and "*" not in bound.version:
                found[canonicalize_name(need.name)] = bound.version
    return found


def _installed(name):
    """Return the version of a package, or of its CPU build, or None."""
    for candidate in dict.fromkeys((name, name.removesuffix("-cpu"))):
        try:
            return metadata.version(candidate).partition("+")[0]
        except metadata.PackageNotFoundError:
            continue
    return None


def _install(what):
    return f'"{sys.executable}" -m pip install {what}'


def _reinstall(course):
    constraints = Path(course) / "constraints.txt"
    return _install(f'--force-reinstall --constraint "{constraints}" --editable "{course}"')


def kernel(course) -> Iterator[Finding]:
    """Yield whether notebooks run with this Python, and not with another that JupyterLab finds."""
    from jupyter_client.kernelspec import KernelSpecManager

    found = KernelSpecManager().get_kernel_spec("python3").argv[0]
    mine = {"python", "python3", Path(sys.executable).name, sys.executable}
    if found in mine or Path(found).absolute() == Path(sys.executable).absolute():
        yield Finding("kernel", "ok", "notebooks run with this Python")
    else:
        fix = f'"{sys.executable}" -m ipykernel install --sys-prefix'
        yield Finding("kernel", "problem", found, sys.executable, fix)


def memory(course) -> Iterator[Finding]:
    """Yield whether the largest lesson fits into the free memory; a container's limit counts."""
    from dlcourse.memory import other_kernels, own_mb, room

    fix, others = "Close other programs.", other_kernels()
    if others:
        held = sum(map(own_mb, others)) / 1000
        notebooks = "Another notebook holds" if len(others) == 1 else "Other notebooks hold"
        fix = (
            f"{notebooks} {held:.1f} GB: close its tab, which ends its kernel, or choose File → "
            "Shut Down All Kernels. What you have written stays."
        )
    yield _enough("memory", room().free_mb, MEMORY_MB, fix)


def disk(course) -> Iterator[Finding]:
    """Yield whether there is room where the course lies."""
    free = shutil.disk_usage(course).free / 1e6
    yield _enough("disk", free, DISK_MB, f"Free some space on the disk of {course}.")


def _enough(name, found_mb, wanted_mb, fix):
    found, wanted = f"{found_mb / 1000:.1f} GB free", f"at least {wanted_mb / 1000:.1f} GB"
    return Finding(name, "ok" if found_mb >= wanted_mb else "problem", found, wanted, fix)


def device(course) -> Iterator[Finding]:
    """Yield how many cores lessons may use."""
    from dlcourse import runtime

    found = f"cores: {runtime.available_cores()}; a GPU is named with the training that used it"
    yield Finding("device", "ok", found, "2 cores, for the seconds that lessons state")


def checksums(course) -> Iterator[Finding]:
    """Yield whether each dataset's file is the one that its card describes."""
    from dlcourse import data
    from dlcourse.errors import DataError

    for name in data.names():
        try:
            data.verify(name)
        except DataError as error:
            found, _, fix = str(error).partition(" To get it back: ")
            yield Finding(f"data {name}", "problem", found, f"sha256 {data.card(name).sha256}", fix)
        else:
            yield Finding(f"data {name}", "ok", "the file is the one on the card")


def training(course) -> Iterator[Finding]:
    """Yield for each framework whether a small network learns digits, in its own process."""
    for framework in FRAMEWORKS:
        yield _train(framework, course)


def _train(framework, course):
    from dlcourse import elsewhere, runtime

    name, wanted = f"training {framework}", f"accuracy at least {ACCURACY} in {TRAINING_SECONDS} s"
    broken = _reinstall(course)
    # Seen before the training: its dense layers do not notice each of them.
    if faults := runtime.keras_faults() if framework == "keras" else ():
        halves = [fault.partition(": ") for fault in faults]
        fix = "; ".join(cure.rstrip(".") for _, _, cure in halves)
        return Finding(name, "problem", "; ".join(half[0] for half in halves), wanted, fix)
    try:
        answer = elsewhere.call(TRAINING, framework, seconds=START_SECONDS)
    except elsewhere.TooSlowError:
        slow = "Close other programs. If it stays so, install it again."
        return Finding(name, "problem", f"no end within {START_SECONDS} s", wanted, slow)
    except elsewhere.ElsewhereError as error:
        last = str(error).splitlines()[-1]
        return Finding(name, "problem", last, wanted, broken)
    result = {part: float(answer[part]) for part in ("accuracy", "seconds")}
    found = "accuracy {accuracy:.3f} in {seconds:.1f} s on {device}".format(
        **result, device=answer.facts["device"]
    )
    if result["accuracy"] < ACCURACY:
        return Finding(name, "problem", found, wanted, broken)
    if result["seconds"] > TRAINING_SECONDS:
        fix = "Close other programs: lessons will take longer than they state."
        return Finding(name, "warning", found, wanted, fix)
    return Finding(name, "ok", found, wanted)
