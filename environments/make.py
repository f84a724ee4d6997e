"""Write the two conda environments from `constraints.txt`, for maintainers.

    python environments/make.py            # after a pin was changed by hand
    python environments/make.py --freeze   # first pin everything as it is installed here

Run it in an environment that holds the course with its `test` extra.
"""

import argparse
import tomllib
from importlib import metadata
from pathlib import Path

from dlcourse.doctor import pins

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

COURSE = Path(__file__).parents[1]
TARGET = {  # what the environments are written for
    "python_version": "3.11",
    "python_full_version": "3.11.0",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_system": "Linux",
    "sys_platform": "linux",
}
BY_CONDA = "torch"
NEVER_PINNED = ("dlcourse", "pip")
INSTALL_COURSE = "-e ."
HEAD = """\
# Written by environments/make.py from constraints.txt: change the pins there.
name: dlcourse
channels: [conda-forge, nodefaults]
dependencies:
  - python={python_version}
  - pytorch-cpu={torch}
  - pip
  - pip:
"""


def requirements(extra=None, course=COURSE):
    """Return what pyproject.toml asks for at run time, or for one extra, as Requirements."""
    project = tomllib.loads((course / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return [Requirement(text) for text in texts]


def closure():
    """Return the names of all packages that the course needs at run time, directly or not."""
    seen, waiting = set(), [(need.name, need.extras) for need in _wanted(requirements())]
    while waiting:
        name, extras = waiting.pop()
        name = canonicalize_name(name)
        if (name, frozenset(extras)) in seen:
            continue
        seen.add((name, frozenset(extras)))
        needs = [Requirement(text) for text in metadata.requires(name) or ()]
        waiting += [(need.name, need.extras) for need in _wanted(needs, extras)]
    return {name for name, _ in seen}


def _wanted(needs, extras=()):
    environments = [TARGET | {"extra": extra} for extra in ("", *extras)]
    return [
        need
        for need in needs
        if not need.marker or any(need.marker.evaluate(environment) for environment in environments)
    ]


def environment(install_course):
    """Return the text of an environment file.

    Args:
        install_course: True for a clone, where one command is to do all; False for Binder, whose
            `postBuild` installs the course, so that a new commit does not solve everything anew.
    """
    pinned = pins(COURSE)
    conditions = {need.name: f"; {need.marker}" for need in requirements() if need.marker}
    names = (closure() | set(conditions)) - {BY_CONDA}
    lines = [f"{name}=={pinned[name]}{conditions.get(name, '')}" for name in sorted(names)]
    lines += [INSTALL_COURSE] if install_course else []
    head = HEAD.format(python_version=TARGET["python_version"], torch=pinned[BY_CONDA])
    return head + "".join(f"      - {line}\n" for line in lines).replace('"', "'")


def freeze():
    """Write constraints.txt: every version installed here, without a build's own suffix."""
    found = {canonicalize_name(d.name): d.version.split("+")[0] for d in metadata.distributions()}
    found["tensorflow"] = found["tensorflow-cpu"]  # the same release, for other machines
    lines = [f"{name}=={found[name]}\n" for name in sorted(found) if name not in NEVER_PINNED]
    (COURSE / "constraints.txt").write_text("".join(lines), encoding="utf-8")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--freeze", action="store_true", help="write constraints.txt first")
    if options.parse_args().freeze:
        freeze()
    for path, install_course in (("environment.yml", True), ("binder/environment.yml", False)):
        (COURSE / path).write_text(environment(install_course), encoding="utf-8")


if __name__ == "__main__":
    main()
