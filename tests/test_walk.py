"""A learner's first lesson from top to bottom, by keyboard, with what happens on the way.

Wrong answers, guesses, a kernel that is killed, and an update of the course in the middle.
"""

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress

from dlcourse import catalogue, notebooks

import psutil
import pytest
from playwright.sync_api import expect, sync_playwright
from test_browser import CHROMIUM, FLAGS, PATIENCE, Learner, jupyterlab, pytestmark  # noqa: F401

FIRST = catalogue.lessons()[0]
ACTIVE = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"
SOURCE = "() => window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.source"
SAVED = "() => !window.jupyterapp.shell.currentWidget.context.model.dirty"
WRONG = {"numbers_in_a_picture": "numbers_in_a_picture = 28 + 28"}


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A clone of the course's lessons, in which an update can come."""
    place = tmp_path / "course"
    shutil.copytree(catalogue.folder() / "notebooks", place / "notebooks")
    monkeypatch.setenv("DLCOURSE_COURSE", str(place))
    return place


@pytest.fixture
def learner(tmp_path, course):
    assert CHROMIUM, "continuous integration needs Chromium: see .ci/run"
    with jupyterlab(tmp_path) as address, sync_playwright() as playwright:
        window = playwright.chromium.launch_persistent_context(
            tmp_path / "chromium", executable_path=CHROMIUM, headless=True, args=FLAGS,
            viewport={"width": 1280, "height": 900},
        )  # fmt: skip
        page = window.pages[0]
        page.goto(address)
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=PATIENCE)
        learner = Walker(page)
        learner.wait_for_kernel()
        yield learner
        window.close()


class Walker(Learner):
    """A learner who touches nothing but the keyboard once the lesson is open."""

    def step(self):
        """Run the cell where one is, and go on to the next."""
        place = self.page.evaluate(ACTIVE)
        self.page.keyboard.press("Shift+Enter")
        self.page.wait_for_function(f"{ACTIVE[6:]} > {place}", timeout=PATIENCE)
        self.wait_for_kernel()
        return place

    def write(self, source):
        """Write over the cell where one is."""
        self.page.keyboard.press("Enter")
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Escape")
        assert self.page.evaluate(SOURCE) == source

    def go_to(self, place):
        self.page.evaluate(
            """place => {
                const notebook = window.jupyterapp.shell.currentWidget.content;
                notebook.activeCellIndex = place;
                return notebook.scrollToItem(place, 'center').then(() => notebook.activate());
            }""",
            place,
        )

    def below(self, place):
        return self.page.locator(
            f'.jp-Notebook .jp-Cell[data-windowed-list-index="{place}"] .jp-Cell-outputArea'
        )

    def press(self, control, key):
        control.focus()
        control.press(key)


def with_answer(source, answer):
    """Return an exercise's cell with an answer in place of its blank."""
    name = answer.partition(" ")[0]
    return re.sub(rf"(?m)^{name} = \.\.\.$", answer, source)


def is_kernel(process):
    with suppress(psutil.NoSuchProcess):  # it ended while we looked
        return "ipykernel_launcher" in " ".join(process.cmdline())


def test_a_lesson_is_worked_through_by_keyboard_and_nothing_is_lost(learner, course, tmp_path):
    page, guessed, tried = learner.page, 0, {}
    cells = [*notebooks.filled_from_text(FIRST).cells]
    learner.go_to(0)
    for cell in cells[:-1]:
        assert page.evaluate(SOURCE) == cell.source
        exercises = notebooks.exercise_names(cell.source)
        if set(exercises) & set(WRONG):  # wrong, with its advice; then right
            (name,) = exercises
            learner.write(with_answer(cell.source, WRONG[name]))
            place = learner.step()
            expect(learner.below(place)).to_contain_text("added the two sides", timeout=PATIENCE)
            learner.go_to(place)
            learner.write(with_answer(cell.source, f"{name} = 28 * 28"))
            tried[name] = learner.step()
            expect(learner.below(place)).to_contain_text("Right. 784", timeout=PATIENCE)
        else:
            place = learner.step()
        if ".ask()" in cell.source:
            box = learner.below(place)
            learner.press(box.get_by_role("radio").first, "Space")
            learner.press(box.get_by_role("button", name="This is my guess"), "Enter")
            expect(box).to_contain_text(re.compile("Right|Wrong"), timeout=PATIENCE)
            guessed += 1
            learner.go_to(place + 1)
    assert guessed >= 2 and tried
    assert page.locator('[data-mime-type="application/vnd.jupyter.error"]').count() == 0

    # The kernel is killed: JupyterLab says so, begins another one, and the text is still there.
    (kernel,) = filter(is_kernel, psutil.Process().children(recursive=True))
    kernel.kill()
    dialog = page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("restart", timeout=PATIENCE)
    page.keyboard.press("Enter")
    learner.wait_for_kernel()

    # An update comes: a cell more, and another word in each third cell of text.
    learner.command("docmanager:save")
    page.wait_for_function(SAVED, timeout=PATIENCE)
    text = course / "notebooks" / "source" / FIRST.source.name
    head, *rest = text.read_text(encoding="utf-8").split("\n# %% [markdown]\n")
    rest[::3] = [f"# Of the new edition.\n{each}" for each in rest[::3]]
    more = "\n# %% [markdown]\n# This cell is new.\n"
    text.write_text(head + more + "\n# %% [markdown]\n" + "\n# %% [markdown]\n".join(rest), "utf-8")
    home = os.environ | {"DLCOURSE_HOME": str(tmp_path / "learner")}
    command = [sys.executable, "-c", "from dlcourse.cli import app; app()", "update"]
    done = subprocess.run(command, capture_output=True, text=True, env=home, check=True)
    assert "up to date" in done.stdout
    learner.command("docmanager:reload")
    page.wait_for_function(
        """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
            .some(cell => cell.sharedModel.source === 'This cell is new.')""",
        timeout=PATIENCE,
    )
    learner.run_all()
    for name in tried:
        place = learner.cell(f"lesson.{name}.check")
        assert "28 * 28" in page.evaluate(SOURCE)
        expect(learner.below(place)).to_contain_text("Right. 784", timeout=PATIENCE)
    expect(learner.outputs("course.guesses(")).to_contain_text(f"{guessed}", timeout=PATIENCE)
