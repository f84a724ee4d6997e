"""What can be said about Binder without Docker: the files, and the Dockerfile made from them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from dlcourse import work

import pytest
import yaml
from rattler import MatchSpec

COURSE = Path(__file__).parents[1]
ROOT_FILES = ("requirements.txt", "Dockerfile", "apt.txt", "runtime.txt", "postBuild", "start")
README_LINK = re.compile(r"mybinder\.org/v2/gh/[^/]+/[^/]+/[^?]+\?urlpath=lab/tree/([^)]+)\)")


def file_faults(repo):
    """Return what is wrong with the files in `binder/`; they alone count once the folder exists."""
    binder = repo / "binder"
    faults = [f"/{name} is ignored: binder/ wins" for name in ROOT_FILES if (repo / name).exists()]
    faults += ["two folders for Binder"] if (repo / ".binder").exists() else []
    faults += ["a Dockerfile overrides the rest"] if (binder / "Dockerfile").exists() else []
    environment = yaml.safe_load((binder / "environment.yml").read_text(encoding="utf-8"))
    if environment["channels"] != ["conda-forge", "nodefaults"]:
        faults.append("other channels make the solve run out of memory")
    for dependency in environment["dependencies"]:
        if isinstance(dependency, dict):
            faults += [fault for line in dependency["pip"] for fault in pip_faults(line)]
        else:
            faults += conda_faults(dependency)
    for name in ("postBuild", "start"):
        faults += script_faults(binder / name)
    return faults


def conda_faults(spec):
    try:
        parsed = MatchSpec(spec, strict=True)
    except Exception as error:  # rattler's own kinds of error have no common base
        return [f"conda cannot read {spec!r}: {error}"]
    return [] if parsed.version is not None or spec == "pip" else [f"no version: {spec!r}"]


def pip_faults(line):
    faults = (
        [] if re.match(r"[\w-]+==[\w.]+(;|$)", line) else [f"pip is not told a version: {line!r}"]
    )
    if re.match(r"torch\b", line):
        faults.append("pip's torch brings CUDA, several GB: leave it to conda")
    return faults


def script_faults(script):
    text = script.read_text(encoding="utf-8")
    faults = [] if os.access(script, os.X_OK) else [f"{script.name} is not executable"]
    faults += [] if text.startswith("#!") else [f"{script.name} does not say what runs it"]
    shellcheck = Path(sys.executable).with_name("shellcheck")
    run = subprocess.run([shellcheck, script], capture_output=True, text=True)
    faults += [f"shellcheck: {run.stdout}"] if run.returncode else []
    if script.name == "start" and not text.rstrip().endswith('exec "$@"'):
        faults.append("start does not run what it is given")
    return faults


def dockerfile_faults(repo):
    """Return what is wrong with the Dockerfile that repo2docker makes of the repository."""
    no_default = "--Repo2Docker.default_buildpack=None"  # as on mybinder.org
    run = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", no_default, "."],
        cwd=repo,
        capture_output=True,
        text=True,
    )
    if run.returncode:
        return [f"repo2docker: {run.stderr[-500:]}"]
    wanted = (
        'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"',
        "KERNEL_PYTHON_PREFIX=${NB_PYTHON_PREFIX}",  # one Python for the server and the kernels
        "binder/postBuild",
        "binder/start",
        "src/binder/environment.yml ${REPO_DIR}",  # copied alone: a new commit solves nothing anew
    )
    return [f"not in the Dockerfile: {part}" for part in wanted if part not in run.stdout]


@pytest.fixture
def repo(tmp_path):
    shutil.copytree(COURSE / "binder", tmp_path / "binder", ignore=shutil.ignore_patterns("__*"))
    shutil.copy(COURSE / "environment.yml", tmp_path)
    return tmp_path


def replace(old, new, name="binder/environment.yml"):
    def change(repo):
        text = (repo / name).read_text(encoding="utf-8")
        assert old in text
        (repo / name).write_text(text.replace(old, new), encoding="utf-8")

    return change


BROKEN = {
    "a second folder": (lambda repo: (repo / ".binder").mkdir(), "two folders"),
    "a Dockerfile": (lambda repo: (repo / "binder/Dockerfile").touch(), "overrides"),
    "a root file": (lambda repo: (repo / "apt.txt").touch(), "/apt.txt is ignored"),
    "the default channel": (replace("nodefaults", "defaults"), "out of memory"),
    "a loose conda spec": (replace("pytorch-cpu=2.13.0", "pytorch-cpu"), "no version"),
    "a bad conda spec": (replace("python=3.11", "python=3.11=="), "conda cannot read"),
    "a loose pip line": (replace("numpy==", "numpy>="), "pip is not told a version"),
    "pip's torch": (replace("- pip:\n", "- pip:\n      - torch==2.13.0\n"), "brings CUDA"),
    "no right to run": (lambda repo: (repo / "binder/start").chmod(0o644), "not executable"),
    "no first line": (replace("#!/usr/bin/env bash", "", "binder/postBuild"), "what runs it"),
    "shell mistakes": (replace('"$@"', "$@", "binder/start"), "shellcheck"),
    "an end too early": (replace('exec "$@"', "true", "binder/start"), "does not run what"),
}


def test_the_files_are_sound(repo):
    assert file_faults(repo) == []


@pytest.mark.parametrize("change, fault", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_noticed(repo, change, fault):
    change(repo)
    assert any(fault in found for found in file_faults(repo)), file_faults(repo)


def test_the_dockerfile_installs_what_the_files_say(repo):
    assert dockerfile_faults(repo) == []


@pytest.mark.parametrize(
    "change, fault",
    [
        (lambda repo: (repo / "binder/environment.yml").unlink(), "repo2docker"),
        (lambda repo: (repo / "binder/postBuild").unlink(), "binder/postBuild"),
        (replace("- pip:\n", "- pip:\n      - -e ..\n"), "src/binder/environment.yml"),
    ],
)
def test_a_broken_dockerfile_is_noticed(repo, change, fault):
    change(repo)
    assert any(fault in found for found in dockerfile_faults(repo))


def test_start_makes_the_copies_and_runs_what_it_is_given(repo, tmp_path):
    code = "import os, sys; print(os.environ['JUPYTER_CONFIG_PATH'], sys.argv[1:])"
    place, scripts = tmp_path / "mine", Path(sys.executable).parent
    ours = {"DLCOURSE_WORK": str(place), "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    kept = {key: value for key, value in os.environ.items() if key != "JUPYTER_CONFIG_PATH"}
    run = subprocess.run(
        [repo / "binder" / "start", sys.executable, "-c", code, "two words"],
        cwd=COURSE,
        capture_output=True,
        text=True,
        env=kept | ours,
    )
    assert run.stdout.strip() == f"{COURSE / 'dlcourse' / 'jupyter'} ['two words']"
    notebooks = {path.name for path in (COURSE / "notebooks").glob("*.ipynb")}
    assert {path.name for path in place.glob("*.ipynb")} == notebooks


def test_post_build_installs_the_course_and_nothing_else(repo, tmp_path):
    fake = tmp_path / "bin" / "python"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$@"\n')
    fake.chmod(0o755)
    path = f"{fake.parent}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        [repo / "binder" / "postBuild"], env={"PATH": path}, capture_output=True, text=True
    )
    assert run.stdout.strip() == "-m pip install --no-cache-dir --no-deps -e ."


def test_the_badge_opens_a_lesson_that_exists():
    readme = (COURSE / "README.md").read_text(encoding="utf-8")
    (notebook,) = README_LINK.findall(readme)
    first = min((COURSE / "notebooks" / "source").glob("[0-9][0-9]_*.py"))
    assert notebook == f"{work.NAME}/{first.stem}.ipynb"
    start = (COURSE / "binder" / "start").read_text(encoding="utf-8")
    assert f"$PWD/{work.NAME}" in start  # Binder's JupyterLab shows the folder that it lies in
