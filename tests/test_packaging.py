"""The set-up: pins, environments, Makefile, import time, and what no text may hold."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

COURSE = Path(__file__).parents[1]
sys.path.insert(0, str(COURSE / "environments"))
import make as environments  # noqa: E402

TESTING = "-m pytest --numprocesses auto --maxprocesses 4 --dist loadscope"
TARGETS = ("help", "lab", "update", "test", "notebooks", "check", "bench")
PINNED_HERE = pytest.mark.skipif(
    sys.platform != "linux" or "tensorflow-cpu" not in environments.pins(COURSE),
    reason="the pins are made on Linux",
)
needs_make = pytest.mark.skipif(not shutil.which("make"), reason="no make here")


def test_constraints_hold_versions_and_nothing_else():
    lines = (COURSE / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)] == []
    assert lines == sorted(lines, key=lambda line: line.split("==")[0])
    assert len(lines) == len(environments.pins(COURSE))


@pytest.mark.parametrize("extra", [None, "test"])
def test_every_dependency_is_pinned_within_its_bounds(extra):
    pins = environments.pins(COURSE)
    for need in environments.requirements(extra):
        assert pins[canonicalize_name(need.name)] in need.specifier
        assert "==" not in str(need.specifier), "pyproject.toml has loose bounds"


def test_torch_is_the_release_that_the_cpu_build_is_made_of():
    assert environments.pins(COURSE)["torch"] == "2.13.0"


@PINNED_HERE
def test_all_that_the_dependencies_need_is_pinned():
    assert environments.closure() <= set(environments.pins(COURSE))


@PINNED_HERE
@pytest.mark.parametrize(
    "path, install_course", [("environment.yml", True), ("binder/environment.yml", False)]
)
def test_an_environment_holds_the_pins(path, install_course):
    text = (COURSE / path).read_text(encoding="utf-8")
    assert text == environments.environment(install_course), "run `python environments/make.py`"


def test_the_two_environments_differ_only_by_the_course_itself():
    ours, binders = (
        (COURSE / path).read_text(encoding="utf-8")
        for path in ("environment.yml", "binder/environment.yml")
    )
    assert ours == f"{binders}      - {environments.INSTALL_COURSE}\n"
    assert "--no-deps -e ." in (COURSE / "binder" / "postBuild").read_text(encoding="utf-8")


def test_no_test_tool_is_in_an_environment():
    text = (COURSE / "environment.yml").read_text(encoding="utf-8")
    pinned = set(re.findall(r"- ([\w-]+)==", text))
    runtime = {canonicalize_name(need.name) for need in environments.requirements()}
    tools = {canonicalize_name(need.name) for need in environments.requirements("test")}
    assert runtime - pinned == {environments.BY_CONDA}
    assert tools & pinned <= {"pillow", "pyyaml"}  # which others need at run time


def test_the_package_ships_what_it_reads():
    files = tomllib.loads((COURSE / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = files["tool"]["setuptools"]["package-data"]["dlcourse"]
    shipped = {path for pattern in patterns for path in (COURSE / "dlcourse").glob(pattern)}
    defaults = COURSE / "dlcourse" / "jupyter" / "labconfig" / "default_setting_overrides.json"
    assert defaults in shipped
    assert set((COURSE / "dlcourse" / "datasets").rglob("*.npz")) <= shipped


def test_the_command_is_installed():
    (script,) = metadata.entry_points(group="console_scripts", name="dlcourse")
    assert script.value == "dlcourse.cli:app"


def test_importing_the_course_imports_next_to_nothing_else():
    """How long it takes is measured by benchmarks/start.py, on a quiet machine."""
    code = (
        "import sys; before = set(sys.modules); import dlcourse; print(*set(sys.modules) - before)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert loaded - sys.stdlib_module_names <= {"dlcourse", "platformdirs"}


# The Makefile, with a Python that only writes down what it was asked to do.

FAKE_PYTHON = """\
#!/bin/sh
case "$1 $2" in "-c "*) exec {python} "$@" ;; esac
echo "$@" >>{log}
case "$1 $2" in
    "-m venv") mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; cp "$0" "$3/bin/dlcourse" ;;
    "-m pip") while test -e {slow}; do sleep 0.1; done; test ! -e {broken} ;;
esac
"""


@pytest.fixture
def clone(tmp_path):
    """A clone in a folder with a space in its name: a function that calls make there."""
    folder = tmp_path / "my course"
    folder.mkdir()
    for name in ("Makefile", "constraints.txt", "pyproject.toml"):
        shutil.copy(COURSE / name, folder)
    log, broken, slow = tmp_path / "log", tmp_path / "broken", tmp_path / "slow"
    fake = tmp_path / "python"
    paths = {"log": log, "broken": broken, "slow": slow, "python": sys.executable}
    fake.write_text(FAKE_PYTHON.format(**paths))
    fake.chmod(0o755)

    def call(target):
        log.write_text("")
        made = make(target, call.folder, fake)
        return made.returncode, made.stdout, log.read_text().splitlines()

    call.folder, call.broken, call.slow, call.python, call.log = folder, broken, slow, fake, log
    return call


def make(target, folder, python):
    return subprocess.run(
        ["make", f"PYTHON={python}", target],
        cwd=folder, capture_output=True, text=True, env=outside_make(),
    )  # fmt: skip


def outside_make():
    """Return the environment without what a make that runs these tests has put there."""
    return {key: it for key, it in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}


def installs(log):
    return [line.split("constraints.txt ")[1] for line in log if line.startswith("-m pip")]


@needs_make
def test_make_alone_lists_the_targets(clone):
    _, output, _ = clone("help")
    assert [line.split()[1] for line in output.splitlines()] == list(TARGETS)


@needs_make
def test_make_test_sets_up_once_and_then_only_tests(clone):
    code, output, log = clone("test")
    assert code == 0
    assert installs(log) == ["torch", "--editable .", "--editable .[test]"]
    assert log[-1] == TESTING
    assert "about 3 minutes" in output
    assert clone("test") == (0, "", [TESTING])


@needs_make
def test_make_lab_needs_no_test_tools(clone):
    assert installs(clone("lab")[2]) == ["torch", "--editable ."]
    assert clone("lab")[2] == ["lab"]
    assert installs(clone("test")[2]) == ["--editable .[test]"]


@needs_make
@pytest.mark.parametrize("file", ["constraints.txt", "pyproject.toml"])
def test_changed_pins_are_installed_at_the_next_call(clone, file):
    clone("test")
    earlier = time.time() - 5
    for path in clone.folder.rglob("*"):
        os.utime(path, (earlier, earlier))
    (clone.folder / file).touch()
    assert len(installs(clone("test")[2])) == 3


@needs_make
def test_an_install_that_broke_off_is_repaired_by_the_next_call(clone):
    clone.broken.touch()
    code, _, log = clone("test")
    assert (code != 0, log[-1] == TESTING) == (True, False)
    clone.broken.unlink()
    code, _, log = clone("test")
    assert code == 0
    assert installs(log) == ["torch", "--editable .", "--editable .[test]"]


@contextmanager
def begun(clone, target):
    """Begin a make, whose set-up goes on until the file `clone.slow` is taken away."""
    words = ["make", f"PYTHON={clone.python}", target]
    process = subprocess.Popen(
        words,
        cwd=clone.folder,
        stdout=subprocess.PIPE,
        text=True,
        env=outside_make(),
        start_new_session=True,
    )
    try:
        yield process
    finally:
        clone.slow.unlink(missing_ok=True)
        process.stdout.close()
        process.wait()


@needs_make
def test_of_two_set_ups_at_once_one_waits_for_the_other(clone):
    clone.slow.touch()
    with begun(clone, "lab") as first:
        assert "Setting up .venv" in first.stdout.readline()
        with begun(clone, "test") as second:
            assert second.stdout.readline().startswith("Another make is setting up .venv: this")
            clone.slow.unlink()
            assert "Setting up" not in second.stdout.read()
        assert (first.wait(), second.wait()) == (0, 0)
    log = clone.log.read_text().splitlines()
    assert installs(log) == ["torch", "--editable .", "--editable .[test]"]


@needs_make
def test_a_set_up_that_was_killed_lets_the_next_one_in(clone):
    clone.slow.touch()
    with begun(clone, "lab") as first:
        first.stdout.readline()
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate(timeout=600)  # none of its processes can still write, so none is left
        clone.slow.unlink()
        code, _, log = clone("lab")
    assert code == 0 and log[-1] == "lab"


@needs_make
def test_a_folder_that_was_moved_sets_itself_up_again(clone):
    clone("lab")
    clone.folder = clone.folder.rename(clone.folder.with_name("moved"))
    assert len(installs(clone("lab")[2])) == 2
    assert clone("lab")[2] == ["lab"]


@needs_make
@pytest.mark.parametrize("version", ["3.10", "3.14"])
def test_a_python_that_does_not_fit_is_named_with_the_way_out(clone, tmp_path, version):
    fake = tmp_path / "other"
    fake.write_text(
        "#!/usr/bin/env python3\n"
        "import sys\n"
        f"sys.version, sys.version_info = '{version}.1 (fake)', ({version.replace('.', ', ')}, 1)\n"
        "exec(sys.argv[2])\n"
    )
    fake.chmod(0o755)
    made = make("lab", clone.folder, fake)
    assert made.returncode != 0
    assert f"needs Python 3.11, 3.12 or 3.13, but {fake} is {version}.1" in made.stderr
    assert "make PYTHON=python3.12 lab" in made.stderr
    assert not (clone.folder / ".venv").exists()


def test_ci_runs_the_command_of_the_readme():
    lines = (COURSE / ".ci" / "run").read_text(encoding="utf-8").split("\n")
    assert "set -euo pipefail" in lines
    assert [line for line in lines if line][-1] == "make test"
    assert "    make test " in (COURSE / "README.md").read_text(encoding="utf-8")


def test_the_scripts_are_sound():
    scripts = [COURSE / ".ci" / "run", COURSE / "binder" / "postBuild", COURSE / "binder" / "start"]
    shellcheck = Path(sys.executable).with_name("shellcheck")
    run = subprocess.run([shellcheck, *scripts], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
    assert all(script.stat().st_mode & 0o100 for script in scripts)


FORBIDDEN = "|".join(
    (
        r"pypi\.org/simple|pythonhosted\.|anaconda\.(org|com)|registry\.npmjs|whl/cpu|index-url|find-links",
        r"/root/\w|/home/(?!jovyan|ada)\w|/Users/\w|/work/",
    )
)


def tracked_texts():
    git = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=COURSE,
        capture_output=True,
        text=True,
    )
    if git.returncode:
        pytest.skip("not a git clone")
    for name in filter(None, git.stdout.split("\0")):
        path = COURSE / name
        if path.suffix not in (".npz", ".png", ".pt") and path.is_file() and path != Path(__file__):
            yield name, path.read_text(encoding="utf-8")


def test_no_tracked_text_names_a_registry_or_a_folder_of_somebodys_machine():
    found = {
        name: match[0] for name, text in tracked_texts() if (match := re.search(FORBIDDEN, text))
    }
    assert found == {}


@pytest.mark.parametrize(
    "text", ["--extra-index-" + "url x", "/ho" + "me/ann/course", "cd /wo" + "rk/main"]
)
def test_such_a_text_is_noticed(text):
    assert re.search(FORBIDDEN, text)
