"""A module imports only from lower floors; only backends and networks import a framework."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "dlcourse"
FLOORS = [
    {"errors"},
    {"arrays", "bar", "glossary", "memory", "minutes", "runtime", "svg"},
    # progress: exercise and quiz both write to it
    {"data", "elsewhere", "limits", "progress", "results"},
    {"backends.axes", "backends.checks", "backends.interface", "networks"},
    {"backends.loop"},
    {"backends.pytorch", "backends.keras", "networks.pytorch", "networks.keras"},
    {"backends"},  # the one face: it imports a framework's class when a model of it comes
    {"draw", "parity", "interpret", "plot", "pretrained"},
    {"answers", "patterns"},
    {"challenges", "exercise", "predictions", "quiz"},
    {"explore", "written_tests"},  # over challenges and exercise, for the lessons
    {"lessons", "outputs"},
    {"catalogue", "doctor", "kernels"},  # the machine, for cli
    {"course", "lab", "notebooks"},  # map and review: over all lessons, for a learner; the build
    # Run by themselves, in another Python or (how one lesson's long runs were recorded) by measure;
    # other right answers to a lesson's exercises, which learners read after theirs.
    {"elsewhere.child", "elsewhere.training", "lessons.record", "lessons.ways"},
    {"measure", "work"},  # over the build: what is measured for it, what learners have of it
    {"cli"},
]
RUN_BY_THEMSELVES = (
    "elsewhere.training",
    "lessons.record",
    "lessons.ways",
)  # not imported by anything
FRAMEWORKS = {"torch", "torchvision", "tensorflow", "keras", "jax"}
FLOOR = {module: level for level, modules in enumerate(FLOORS) for module in modules}
MODULES = [
    path
    for path in sorted(PACKAGE.rglob("*.py"))
    if "datasets" not in path.parts and path != PACKAGE / "__init__.py"
]


def name_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts[0] == "lessons":
        return f"lessons.{parts[-1]}" if parts[-1] in ("record", "ways") else "lessons"
    return ".".join(part for part in parts if part != "__init__")


def imports_in(text):
    """Yield the full name of everything that `text` imports, inside functions too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, (
                "relative imports hide the floor: write `from dlcourse import …`"
            )
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from names
            if not all(name.removeprefix("dlcourse.") in FLOOR for name in names):
                yield node.module  # something of the module itself, not modules that lie in it
        elif getattr(getattr(node, "func", None), "attr", "") == "import_module":
            (name,) = node.args  # by name, at run time: a framework's module among several
            text = ast.unparse(name).strip("f'\"")
            yield from (text.replace("{framework}", each) for each in ("pytorch", "keras"))


def floor_faults(name, text):
    """Return what breaks the rule in a module called `name` with source `text`."""
    faults = []
    for imported in imports_in(text):
        local = imported.removeprefix("dlcourse.")
        local = "lessons" if local.startswith("lessons") else local
        if imported.startswith("dlcourse.") and local in FLOOR and FLOOR[local] >= FLOOR[name]:
            faults.append(f"{name} (floor {FLOOR[name]}) imports {local} (floor {FLOOR[local]})")
        may = name.startswith(("backends.", "networks.")) or name in RUN_BY_THEMSELVES
        if imported.split(".")[0] in FRAMEWORKS and not may:
            faults.append(f"{name} imports {imported}, but only backends and networks may")
    return faults


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_keeps_to_its_floor(path):
    assert name_of(path) in FLOOR, (
        f"{path.name} has no floor: rethink the table in CONTRIBUTING before adding a module"
    )
    assert floor_faults(name_of(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "name, text",
    [
        ("data", "from dlcourse import plot"),
        ("results", "from dlcourse.data import load"),
        ("plot", "import torch"),
        ("arrays", "def late():\n    from tensorflow import keras"),
        ("runtime", "import dlcourse.cli"),
        ("arrays", "import importlib\nimportlib.import_module('dlcourse.plot')"),
        ("data", "importlib.import_module(f'dlcourse.networks.{framework}')"),
        ("backends.pytorch", "from dlcourse import backends"),
        ("backends.loop", "from dlcourse.backends import keras"),
    ],
)
def test_a_broken_rule_is_noticed(name, text):
    assert len(floor_faults(name, text)) >= 1


def test_no_module_has_a_name_that_says_nothing():
    assert not {path.stem for path in MODULES} & {
        "utils",
        "util",
        "misc",
        "helpers",
        "common",
        "tools",
    }


def test_importing_dlcourse_loads_no_framework_and_not_even_numpy():
    import subprocess

    heavy = {"torch", "tensorflow", "keras", "numpy", "jax"}
    code = f"import sys, dlcourse; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_public_function_says_what_it_returns(path):
    """So that an editor can complete what a learner types after it."""
    if (
        name_of(path) in ("cli", "lessons", "lessons.record", "lessons.ways")
        and path.parent.name != "lessons"
    ):
        return  # commands return nothing; solutions are written as a learner would
    silent = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        owner = getattr(node, "name", "")
        for each in inner:
            is_function = isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
            named = f"{owner}.{each.name}" if is_function and each is not node else owner
            if is_function and not each.name.startswith("_") and not owner.startswith("_"):
                silent += [named] if each.returns is None else []
    backends_own = ("backends.pytorch", "backends.keras")  # the interface says it
    assert silent == [] or name_of(path) in backends_own, silent
