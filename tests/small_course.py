"""A course of its own, with two small lessons, for tests that change, build or break one."""

import os
import shutil

from dlcourse import catalogue, lessons, notebooks
from dlcourse.outputs import has_tag

import nbformat
import pytest
from nbformat.v4 import new_output

TEXT = """# %% [markdown]
# # Small numbers
# {measured}

# %% tolerance=0.02 tags=["parameters"]
epochs = 4  # quick: 1
rate, name = 0.1, "a # b"  # not touched
steps = 10 * epochs  # quick: 2_000

# %%
import warnings, ipywidgets
from dlcourse.arrays import expect_axes

warnings.warn("careful")
print(object())
print("epochs", epochs)

# %% tags=["raises-exception"]
expect_axes([1, 2], "N D", "numbers")

# %%
ipywidgets.IntSlider(3)
"""
FACTS = """'''Facts.'''
TITLE = "Small numbers"
NEEDS = ()
DATA = ("wine",)
"""


def use(monkeypatch, course):
    """Let the functions, and the kernels, work on the course in this folder."""
    monkeypatch.delenv("DLCOURSE_COURSE", raising=False)
    monkeypatch.setattr(catalogue, "PACKAGE", course / "dlcourse")
    monkeypatch.setattr(lessons, "FOLDER", course / "dlcourse" / "lessons")
    paths = [str(course), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    """A copy of the package with two lessons: 11 is built, `new` has begun 70 and that is built."""
    course = tmp_path_factory.mktemp("course")
    ignored = shutil.ignore_patterns("datasets", "lessons", "__pycache__")
    shutil.copytree(catalogue.PACKAGE, course / "dlcourse", ignore=ignored)
    (course / "dlcourse" / "lessons" / "small_numbers").mkdir(parents=True)
    shutil.copy(lessons.FOLDER / "__init__.py", course / "dlcourse" / "lessons")
    (course / "notebooks" / "source").mkdir(parents=True)
    (course / "notebooks" / "source" / "11_small_numbers.py").write_text(TEXT)
    (course / "dlcourse" / "lessons" / "small_numbers" / "__init__.py").write_text(FACTS)
    with pytest.MonkeyPatch.context() as monkeypatch:
        use(monkeypatch, course)
        assert notebooks.build(catalogue.find(["11"])[0]).error is None
        assert notebooks.build(notebooks.new("Fraud, faults & ‘anomalies’")).error is None
    return course


@pytest.fixture
def course(original, tmp_path, monkeypatch):
    folder = tmp_path / "course"
    shutil.copytree(original, folder)
    use(monkeypatch, folder)
    return folder


@pytest.fixture
def small(course):
    return catalogue.find(["11"])[0]


@pytest.fixture
def begun(course):
    return catalogue.find(["70"])[0]


@pytest.fixture
def executed(monkeypatch):
    """The notebooks that would have been run; nothing is: their cells give what is stored."""
    seen = []

    def pretend(lesson, notebook, report=None, explorers=True):
        seen.append(notebook)
        cells = nbformat.read(lesson.notebook, as_version=4).cells if lesson.measured else ()
        stored = {cell.id: cell.outputs for cell in cells if cell.cell_type == "code"}
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.execution_count = 1
                cell.outputs = stored.get(cell.id, [])
                if has_tag(cell, "raises-exception") and not cell.outputs:
                    cell.outputs = [new_output("error", ename="E", evalue="e", traceback=[])]
        return notebooks.Run(lesson, 1.0, 0.5, 0.05, 100.0, 60.0)

    monkeypatch.setattr(notebooks, "execute", pretend)
    return seen


def rewrite(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text, "the edit changed nothing, so it tests nothing"
    path.write_text(text.replace(old, new), encoding="utf-8")
