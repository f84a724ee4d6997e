"""The doctor: each problem shows with its fix, and a broken part does not stop the others."""

import json
import subprocess
import sys
from collections import namedtuple
from importlib import metadata
from pathlib import Path

from dlcourse import cli, data, doctor, memory
from dlcourse.errors import DataError

import pytest
from typer.testing import CliRunner

COURSE = Path(__file__).parents[1]
Disk = namedtuple("Disk", "free")
BAD = """
def pytorch():
    return {"accuracy": 0.1, "seconds": 0.1, "device_fact": "the CPU"}
"""
GOOD = """
def pytorch():
    return {"accuracy": 0.95, "seconds": 0.1, "device_fact": "the CPU"}

keras = pytorch
"""


def only(findings):
    (finding,) = findings
    return finding


def call(*words):
    return CliRunner().invoke(cli.app, ["doctor", *words], catch_exceptions=False)


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """Trainings that take no time, so that a test sees the rest."""
    monkeypatch.setattr(doctor, "TRAINING", tmp_path / "training.py")
    doctor.TRAINING.write_text(GOOD)


def test_an_old_python_is_a_problem(monkeypatch):
    assert only(doctor.python(COURSE)).state == "ok"
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    finding = only(doctor.python(COURSE))
    assert (finding.state, finding.found, finding.wanted) == ("problem", "3.10.4", "3.11 or newer")
    assert "make PYTHON=" in finding.fix


def installed(monkeypatch, **changed):
    """Let some packages have another version; None means that it is not installed."""
    version = metadata.version

    def other(name):
        if name not in changed:
            return version(name)
        if changed[name] is None:
            raise metadata.PackageNotFoundError(name)
        return changed[name]

    monkeypatch.setattr(metadata, "version", other)


def test_the_versions_of_this_environment_are_the_pins():
    assert [f for f in doctor.versions(COURSE) if f.state != "ok"] == []


@pytest.mark.parametrize(
    "name, version, state",
    [
        ("numpy", "1.26.4", "problem"),  # pyproject.toml wants 2
        ("numpy", "2.99.0", "warning"),  # allowed, but not what the tests ran with
        ("numpy", None, "problem"),
        ("traitlets", "5.0.0", "warning"),  # needed by others only
    ],
)
def test_another_version_shows_with_the_command_that_installs_the_pin(
    monkeypatch, name, version, state
):
    pin = doctor.pins(COURSE)[name]
    installed(monkeypatch, **{name: version})
    finding = only(doctor.versions(COURSE))
    assert (finding.name, finding.state, finding.found) == (name, state, version or "not installed")
    assert pin in finding.wanted
    assert finding.fix.endswith(f"-m pip install {name}=={pin}")


def test_pins_are_read_as_pip_reads_them(tmp_path):
    lines = (
        "# written by hand", "", "  ", "numpy==2.4.6  # the newest", "torch===2.13.0",
        "Typing_Extensions == 4.16.0", "jupyter-client[test]==8.10.0", "rich>=13", "pillow==11.*",
        "pywin32==311; sys_platform == 'never'", "keras==3.15.1 ; python_version >= '3'",
        "-c other.txt", "not a line at all", "\ufeffodd",
    )  # fmt: skip
    (tmp_path / "constraints.txt").write_text("\r\n".join(lines), encoding="utf-8")
    assert doctor.pins(tmp_path) == {
        "numpy": "2.4.6",
        "torch": "2.13.0",
        "typing-extensions": "4.16.0",
        "jupyter-client": "8.10.0",
        "keras": "3.15.1",
    }


def test_a_build_of_the_same_version_is_as_good(monkeypatch):
    pins = doctor.pins(COURSE)
    installed(monkeypatch, torch=pins["torch"] + "+cu130")
    assert only(doctor.versions(COURSE)).state == "ok"


def test_a_gpu_build_stands_in_for_the_cpu_build(monkeypatch):
    installed(monkeypatch, **{"tensorflow-cpu": None, "tensorflow": "2.21.0"})
    assert doctor._installed("tensorflow-cpu") == "2.21.0"


def test_a_kernel_of_another_python_is_a_problem(monkeypatch):
    from jupyter_client import kernelspec

    assert only(doctor.kernel(COURSE)).state == "ok"
    other = kernelspec.KernelSpec(argv=["/somewhere/else/bin/python", "-m", "ipykernel_launcher"])
    monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", lambda *_: other)
    finding = only(doctor.kernel(COURSE))
    assert (finding.state, finding.found) == ("problem", "/somewhere/else/bin/python")
    assert finding.fix.endswith("-m ipykernel install --sys-prefix")


def test_little_memory_is_a_problem(monkeypatch):
    monkeypatch.setattr(memory, "room", lambda: memory.Room(2000, 900))
    monkeypatch.setattr(memory, "other_kernels", list)
    finding = only(doctor.memory(COURSE))
    assert (finding.state, finding.found) == ("problem", "0.9 GB free")
    assert finding.fix == "Close other programs."


@pytest.mark.parametrize(
    "count, words", [(1, "Another notebook holds 0."), (2, "Other notebooks hold 0.")]
)
def test_little_memory_names_the_notebooks_that_hold_it(monkeypatch, count, words):
    monkeypatch.setattr(memory, "room", lambda: memory.Room(2000, 900))
    monkeypatch.setattr(memory, "other_kernels", lambda: ["a kernel"] * count)
    monkeypatch.setattr(memory, "own_mb", lambda kernel: 300)
    fix = only(doctor.memory(COURSE)).fix
    assert words in fix and "close its tab, which ends its kernel" in fix


def test_a_full_disk_is_a_problem(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: Disk(free=2e8))
    finding = only(doctor.disk(COURSE))
    assert (finding.state, finding.found) == ("problem", "0.2 GB free")
    assert "Free some space" in finding.fix


def test_a_damaged_data_file_shows_with_the_command_that_brings_it_back(monkeypatch, tmp_path):
    damaged = tmp_path / "digits"
    damaged.mkdir()
    for file in (data.FOLDER / "digits").glob("digits.*"):
        (damaged / file.name).write_bytes(file.read_bytes()[:-1])
    (damaged / "card.toml").write_bytes((data.FOLDER / "digits" / "card.toml").read_bytes())
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    finding = only(doctor.checksums(COURSE))
    assert (finding.name, finding.state) == ("data digits", "problem")
    assert "is damaged: its sha256 is" in finding.found
    assert "git checkout --" in finding.fix


@pytest.mark.slow
@pytest.mark.parametrize("framework", doctor.FRAMEWORKS)
def test_a_small_network_learns_digits_with(framework):
    finding = doctor._train(framework, COURSE)
    assert finding.state == "ok", finding
    assert finding.found.endswith(("on the CPU", "GPU"))


@pytest.mark.parametrize(
    "code, found",
    [
        ("import no_such_framework", "No module named 'no_such_framework'"),
        ("import os; os.abort()", "It said nothing."),
        (BAD, "accuracy 0.100"),
        ("import time; time.sleep(60)", "no end within 2 s"),
    ],
)
def test_a_framework_that_does_not_train_is_a_finding(monkeypatch, tmp_path, code, found):
    monkeypatch.setattr(doctor, "TRAINING", tmp_path / "training.py")
    doctor.TRAINING.write_text(code)
    if "sleep" in code:
        monkeypatch.setattr(doctor, "START_SECONDS", 2)
    finding = doctor._train("pytorch", COURSE)
    assert (finding.state, found in finding.found) == ("problem", True), finding
    assert finding.fix


@pytest.mark.parametrize(
    "variable, settings, found, fix",
    [
        ("jax", "{}", "KERAS_BACKEND is jax", "unset this environment variable"),
        ("tensorflow", '{"image_data_format": "channels_first"}', "channels_first", 'write "chann'),
        ("tensorflow", '{"floatx": "float16"}', "float16, but the course needs", 'write "float32'),
        ("tensorflow", "{half", "cannot be read", "remove it"),
    ],
)
def test_a_setting_of_keras_is_named_with_what_to_change(
    monkeypatch, quick, tmp_path, variable, settings, found, fix
):
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_BACKEND", variable)
    (tmp_path / "keras.json").write_text(settings)
    torch, keras = doctor.training(COURSE)
    assert torch.state == "ok" and keras.state == "problem"
    assert found in keras.found and fix in keras.fix and "pip install" not in keras.fix


def test_slow_training_is_a_warning(monkeypatch, quick):
    monkeypatch.setattr(doctor, "TRAINING_SECONDS", 0.05)
    assert doctor._train("keras", COURSE).state == "warning"


def test_a_check_that_breaks_is_a_finding_and_the_others_go_on(monkeypatch, quick):
    def broken(course):
        raise ImportError("psutil is half there")

    monkeypatch.setattr(doctor, "memory", broken)
    findings = {finding.name: finding for finding in doctor.examine(COURSE)}
    assert findings["broken"].found == "ImportError: psutil is half there"
    assert "--force-reinstall" in findings["broken"].fix
    assert findings["disk"].state == "ok"


def test_the_command_ends_with_0_and_lists_what_it_looked_at(quick):
    result = call()
    assert result.exit_code == 0, result.output
    for name in ("python", "versions", "kernel", "memory", "disk", "device", "data digits"):
        assert name in result.stdout
    assert "fix" not in result.stdout


def test_the_command_ends_with_1_and_shows_the_fix(monkeypatch, quick):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: Disk(free=2e8))
    result = call()
    assert result.exit_code == 1
    assert "fix     Free some space on the disk" in result.stdout


def test_a_warning_alone_ends_with_0(monkeypatch, quick):
    monkeypatch.setattr(doctor, "TRAINING_SECONDS", 0.05)
    result = call()
    assert result.exit_code == 0
    assert "Close other programs" in result.stdout


def test_json_is_one_list_of_findings(monkeypatch, quick):
    monkeypatch.setattr(data, "verify", _damaged)
    result = call("--json")
    findings = json.loads(result.stdout)
    assert result.exit_code == 1
    assert {tuple(finding) for finding in findings} == {("name", "state", "found", "wanted", "fix")}
    assert {finding["state"] for finding in findings} == {"ok", "problem"}


def _damaged(name):
    raise DataError(f"The data file of {name} is damaged. To get it back: `git checkout`.")


def test_the_doctor_starts_without_numpy_or_a_framework():
    heavy = {"numpy", "torch", "psutil"}
    code = f"import sys, dlcourse.doctor; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
