"""The first lesson in a real JupyterLab in a real Chromium, as a learner works with it.

It needs Chromium from the system's packages. Without one these tests are skipped, but not in
continuous integration. Nothing may be asked of any other machine.
"""

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

from dlcourse import catalogue, course

import axe_playwright_python
import pytest
from playwright.sync_api import expect, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--disable-dev-shm-usage",
)
PATIENCE = 600_000  # milliseconds: what is asked is whether it happens, not how fast
KERNEL_IS = """(wanted) => {
    const panel = window.jupyterapp && window.jupyterapp.shell.currentWidget;
    const context = panel && panel.sessionContext;
    const kernel = context && context.isReady && context.session && context.session.kernel;
    return kernel && kernel.status === wanted;
}"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("CI"), reason="Chromium is not installed"
    ),
]


@contextmanager
def jupyterlab(home):
    """Start `dlcourse lab` for a learner with this home and yield the address that it prints."""
    surroundings = os.environ | {
        "DLCOURSE_HOME": str(home / "learner"),
        "BROWSER": "none",
        **{f"JUPYTER_{kind}_DIR": str(home / kind) for kind in ("CONFIG", "DATA", "RUNTIME")},
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    command = [sys.executable, "-c", "from dlcourse.cli import app; app()", "lab"]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=surroundings
    )
    try:
        lines = iter(server.stdout.readline, "")
        yield next(line.strip() for line in lines if "http://127.0.0.1" in line)
    finally:
        server.terminate()
        server.wait(timeout=300)
        server.stdout.close()


class Learner:
    """What a learner does in JupyterLab, on the notebook that is open."""

    def __init__(self, page):
        self.page = page

    def wait_for_kernel(self, status="idle"):
        self.page.wait_for_function(KERNEL_IS, arg=status, timeout=PATIENCE)

    def command(self, name):
        """Run one of JupyterLab's commands, as its menus do."""
        self.page.evaluate(f"() => window.jupyterapp.commands.execute('{name}')")

    def run_all(self):
        self.command("notebook:run-all-cells")
        self.page.wait_for_function(
            """() => {
                const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
                return [...cells].filter(c => c.type === 'code' && c.sharedModel.source.trim())
                                 .every(c => c.executionCount !== null);
            }""",
            timeout=PATIENCE,
        )
        self.wait_for_kernel()

    def turn_to(self, theme):
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
        )
        expect(self.page.locator("body")).to_have_attribute(
            "data-jp-theme-name", theme, timeout=PATIENCE
        )

    def hidden(self, tag):
        """Return for each cell with this tag whether its input and its output are closed."""
        return self.page.evaluate(
            """(tag) => {
                const notebook = window.jupyterapp.shell.currentWidget.content;
                return notebook.widgets
                    .filter(cell => (cell.model.getMetadata('tags') || []).includes(tag))
                    .map(cell => [cell.inputHidden, !!cell.outputHidden]);
            }""",
            tag,
        )

    def placeholders(self):
        """Return the different texts shown for closed outputs, without the three dots."""
        return self.page.evaluate(
            """() => {
                const notebook = window.jupyterapp.shell.currentWidget.content;
                const closed = notebook.widgets.filter(cell => cell.outputHidden);
                const texts = closed.map(cell => cell.getOutputPlaceholderText() || '');
                return [...new Set(texts)];
            }"""
        )

    def cell(self, text):
        """Return the place of the first code cell that holds `text`, and scroll it into view."""
        place = self.page.evaluate(
            """(text) => {
                const notebook = window.jupyterapp.shell.currentWidget.content;
                const cells = [...notebook.model.cells];
                const place = cells.findIndex(
                    c => c.type === 'code' && c.sharedModel.source.includes(text));
                notebook.activeCellIndex = place;
                return notebook.scrollToItem(place, 'center').then(() => place);
            }""",
            text,
        )
        assert place >= 0, f"no cell holds {text!r}"
        return place

    def show(self, place):
        """Scroll the cell at a place into view, where its outputs are drawn."""
        self.page.evaluate(
            "place => window.jupyterapp.shell.currentWidget.content.scrollToItem(place, 'center')",
            place,
        )

    def outputs(self, text):
        """Return the locator of the outputs of the cell that holds `text`."""
        place = self.cell(text)
        return self.page.locator(
            f'.jp-Notebook .jp-Cell[data-windowed-list-index="{place}"] .jp-Cell-outputArea'
        )

    def answer(self, text, source):
        """Write `source` into the cell that holds `text`, and run it."""
        place = self.cell(text)
        self.page.evaluate(
            """([place, source]) => {
                const notebook = window.jupyterapp.shell.currentWidget.content;
                notebook.model.cells.get(place).sharedModel.setSource(source);
                notebook.activeCellIndex = place;
            }""",
            [place, source],
        )
        self.command("notebook:run-cell")


@pytest.fixture(scope="module")
def requests():
    """Every address that the browser asked for."""
    return []


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def copy(home):
    """The learner's own copy of the first lesson."""
    return home / "learner" / "work" / catalogue.lessons()[0].notebook.name


@pytest.fixture(scope="module")
def learner(home, requests):
    """A learner who has opened the first lesson and run all of its cells."""
    assert CHROMIUM, "continuous integration needs Chromium: see .ci/run"
    with jupyterlab(home) as address, sync_playwright() as playwright:
        window = playwright.chromium.launch_persistent_context(
            home / "chromium",
            executable_path=CHROMIUM,
            headless=True,
            args=FLAGS,
            viewport={"width": 1280, "height": 900},
        )
        page = window.pages[0]
        page.on("request", lambda request: requests.append(request.url))
        page.goto(address)
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=PATIENCE)
        learner = Learner(page)
        learner.wait_for_kernel()
        learner.seen_at_first = {tag: learner.hidden(tag) for tag in ("predict", "instructor")}
        names = page.locator(".jp-DirListing-itemText")
        learner.seen_at_first["files"] = names.evaluate_all(
            "names => names.map(name => [name.innerText, name.clientWidth / name.scrollWidth])"
        )
        learner.seen_at_first["headings"] = page.locator("#table-of-contents").inner_text()
        learner.seen_at_first["placeholders"] = learner.placeholders()
        learner.run_all()
        axe = Path(axe_playwright_python.__file__).with_name("axe.min.js")
        page.evaluate(axe.read_text(encoding="utf-8"))
        # JupyterLab's body is 0 pixels high and cuts off what is outside: axe-core takes all texts
        # in it for invisible, and would not look at their contrast.
        page.add_style_tag(content="body {height: 100vh}")
        yield learner
        window.close()


def test_lab_opens_the_first_lesson_and_runs_it_without_a_dialog(learner):
    first = catalogue.lessons()[0]
    assert f"# {first.title}" == first.source.read_text(encoding="utf-8").splitlines()[1][2:]
    title = learner.page.evaluate("() => window.jupyterapp.shell.currentWidget.title.label")
    assert title == first.notebook.name
    assert learner.page.locator(".jp-Dialog").count() == 0
    assert learner.page.locator('[data-mime-type="application/vnd.jupyter.error"]').count() == 0


def test_what_is_to_be_predicted_is_closed_until_its_cell_is_run(learner):
    assert len(learner.seen_at_first["predict"]) >= 2
    assert all(closed == [False, True] for closed in learner.seen_at_first["predict"])
    assert all(closed == [False, False] for closed in learner.hidden("predict"))


def test_a_closed_prediction_shows_no_line_of_its_answer(learner):
    assert learner.seen_at_first["placeholders"] == [""]


def test_the_text_below_a_prediction_waits_as_the_result_does(learner):
    """It says what came out."""
    outputs = learner.outputs("lesson.PREDICTIONS[")
    place = learner.cell("lesson.PREDICTIONS[")
    text = learner.page.locator(
        f'.jp-Notebook .jp-Cell[data-windowed-list-index="{place + 1}"] .jp-MarkdownOutput'
    )
    expect(outputs.get_by_role("button", name="Skip")).to_be_visible(timeout=PATIENCE)
    expect(text).to_be_hidden(timeout=PATIENCE)
    outputs.get_by_role("button", name="Skip").click()
    expect(text).to_be_visible(timeout=PATIENCE)


def test_what_is_for_teachers_is_closed_until_it_is_run(learner):
    assert learner.seen_at_first["instructor"] == [[True, False]]


def test_a_slider_changes_the_picture_and_its_alternative_text(learner):
    outputs = learner.outputs("explore.Explorer(")
    picture = outputs.locator(".dlcourse-explorer img")
    expect(picture).to_be_visible(timeout=PATIENCE)
    before = picture.get_attribute("src"), picture.get_attribute("alt")
    outputs.locator(".noUi-handle").focus()
    learner.page.keyboard.press("ArrowRight")
    expect(picture).not_to_have_attribute("src", before[0], timeout=PATIENCE)
    assert picture.get_attribute("alt") != before[1]
    assert picture.get_attribute("alt").startswith("Labelled ")


def test_a_challenge_is_marked_when_a_slider_moved_by_key_meets_it(learner):
    outputs = learner.outputs("explore.Explorer(")
    code = outputs.locator(".dlcourse-explorer code")
    asked = outputs.get_by_role("status").filter(has_text="less than 0.6 sure")
    expect(asked).to_contain_text("Challenge. ", timeout=PATIENCE)
    outputs.locator(".noUi-handle").focus()
    for number in range(2, 100):  # the test before has moved it once
        learner.page.keyboard.press("ArrowRight")
        line = f'gallery(show="all pictures", number={number})'
        expect(code).to_have_text(line, timeout=PATIENCE)
        if "Met. " in asked.inner_text():
            break
    expect(asked).to_contain_text("Met. ", timeout=PATIENCE)
    learner.page.keyboard.press("ArrowLeft")
    expect(code).not_to_have_text(line, timeout=PATIENCE)
    expect(asked).to_contain_text("Met. ", timeout=PATIENCE)


def test_the_folder_holds_lessons_only_and_their_headings_stand_beside(learner):
    files = dict(learner.seen_at_first["files"])
    lessons = [lesson.notebook.name for lesson in catalogue.lessons()]
    assert list(files) == [*lessons, "claims.md"]
    assert min(files.values()) > 0.9  # of a name's width is seen: the number and the slug
    text = catalogue.lessons()[0].source.read_text(encoding="utf-8")
    headings = re.findall(r"(?m)^# ##? (.*)$", text)
    assert len(headings) > 5
    assert [it for it in headings if it not in learner.seen_at_first["headings"]] == []


# What axe-core finds in libraries that the course shows things with, and why it stays.
OF_LIBRARIES = {
    "aria-input-field-name": "noUi-handle",  # ipywidgets gives a slider's handle no name
}
COUNT = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
FINDINGS = """outputs => axe.run(
    {include: [[outputs]]}, {resultTypes: ["violations"]},
).then(found => found.violations
    .filter(each => ["serious", "critical"].includes(each.impact))
    .flatMap(each => each.nodes.map(node => [each.id, node.html])))"""


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_nothing_serious_in_what_the_course_shows(learner, theme):
    """Tables, figures, verdicts, predictions, the quiz, an explorer, the map: all that is shown."""
    page = learner.page
    learner.turn_to(theme)
    looked_at, found = 0, []
    try:
        for place in range(page.evaluate(COUNT)):
            learner.show(place)
            outputs = (
                f'.jp-Notebook .jp-Cell[data-windowed-list-index="{place}"] .jp-OutputArea-output'
            )
            if page.locator(outputs).count():
                looked_at += 1
                found += page.evaluate(FINDINGS, outputs)
    finally:
        learner.turn_to("JupyterLab Light")
    assert looked_at > 20
    assert [each for each in found if OF_LIBRARIES.get(each[0], "nothing") not in each[1]] == []


def test_axe_would_find_pale_words_and_a_picture_without_words(learner):
    """So that it means something if it finds nothing."""
    page, place = learner.page, learner.cell("course.machine()")
    learner.show(place)
    outputs = f'.jp-Notebook .jp-Cell[data-windowed-list-index="{place}"] .jp-OutputArea-output'
    page.evaluate(
        """outputs => document.querySelector(outputs).insertAdjacentHTML("beforeend",
            '<p class="fault" style="color: #ccc; background: #fff">pale</p>' +
            '<img class="fault" src="data:,">')""",
        outputs,
    )
    # Of what is out of view axe does not judge the contrast.
    page.locator("p.fault").evaluate("each => each.scrollIntoView({block: 'center'})")
    expect(page.locator("p.fault")).to_be_in_viewport(timeout=PATIENCE)
    found = page.evaluate(FINDINGS, outputs)
    page.evaluate("() => document.querySelectorAll('.fault').forEach(each => each.remove())")
    assert {each[0] for each in found} >= {"color-contrast", "image-alt"}


TOO_WIDE = """outputs => [...document.querySelectorAll(outputs)]
    .filter(each => each.scrollWidth > each.clientWidth + 1)
    .map(each => [each.scrollWidth, each.clientWidth, each.outerHTML.slice(0, 300)])"""


def test_at_twice_the_size_no_box_of_the_course_is_cut(learner):
    """Zooming to 200 % leaves half as many pixels, and one closes the panels beside the lesson.

    Tables and diagrams may be scrolled.
    """
    page = learner.page
    ours = ("prediction", "exercise", "quiz", "explorer")
    found, looked_at = [], 0
    sides = ("application:toggle-left-area", "application:toggle-right-area")
    page.set_viewport_size({"width": 640, "height": 450})
    for side in sides:
        learner.command(side)
    try:
        for place in range(page.evaluate(COUNT)):
            learner.show(place)
            cell = f'.jp-Notebook .jp-Cell[data-windowed-list-index="{place}"]'
            boxes = ", ".join(f"{cell} .dlcourse-{each}" for each in ours)
            looked_at += page.locator(boxes).count()
            found += page.evaluate(TOO_WIDE, boxes)
    finally:
        for side in sides:
            learner.command(side)
        page.set_viewport_size({"width": 1280, "height": 900})
    assert looked_at > 5 and found == []


def test_a_wrong_answer_gets_its_advice_and_a_right_one_is_right(learner):
    cell = "lesson.numbers_in_a_picture.check"
    for given, said in (("28 + 28", "You added the two sides"), ("28 * 28", "Right. 784")):
        learner.answer(cell, f"numbers_in_a_picture = {given}\n\n{cell}(numbers_in_a_picture)")
        expect(learner.outputs(cell)).to_contain_text(said, timeout=PATIENCE)


def test_below_a_verdict_are_a_hint_the_solution_and_the_beginning_by_keyboard_too(learner):
    cell = "lesson.numbers_in_a_picture.check"
    learner.answer(cell, f"numbers_in_a_picture = 56\n\n{cell}(numbers_in_a_picture)")
    outputs = learner.outputs(cell)
    for word, said in (("Hint", "Hint 1 of"), ("Solution", "One way to do it"),
                       ("Start again", "numbers_in_a_picture = ...")):  # fmt: skip
        button = outputs.get_by_role("button", name=word)
        button.focus()
        button.press("Enter")
        expect(outputs).to_contain_text(said, timeout=PATIENCE)
    learner.answer(cell, f"numbers_in_a_picture = 28 * 28\n\n{cell}(numbers_in_a_picture)")
    expect(outputs).to_contain_text("Right. 784", timeout=PATIENCE)
    outputs.get_by_role("button", name="Another way").click()
    expect(outputs).to_contain_text("def numbers_in_a_picture_", timeout=PATIENCE)


def test_a_quiz_answers_a_click_with_its_reason(learner):
    outputs = learner.outputs("lesson.QUIZ")
    outputs.get_by_label(re.compile("one step with one batch")).click()
    expect(outputs).to_contain_text("Wrong. That is a step.", timeout=PATIENCE)
    outputs.get_by_label(re.compile("one pass over all")).click()
    expect(outputs).to_contain_text("Right. With 10 000 pictures", timeout=PATIENCE)


def test_a_number_s_field_is_named_by_its_question_and_answers_to_enter(learner):
    outputs = learner.outputs("lesson.QUIZ")
    field = outputs.get_by_role("textbox", name=re.compile("accuracy of 0.83"))
    for given, said in (("10 000 - 8300", "work out sums first"), ("1.700 pictures", "Right. ")):
        field.fill(given)
        field.press("Enter")
        expect(outputs).to_contain_text(said, timeout=PATIENCE)
        assert field.input_value() == given


def test_a_restarted_kernel_finds_the_progress_kept(learner):
    page = learner.page
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    learner.wait_for_kernel()
    learner.answer("course.map()", "from dlcourse import course\ncourse.map()")
    outputs = learner.outputs("course.map()")
    first = catalogue.lessons()[0]
    there = len(course.exercises(first)) + len(course.questions(first))
    expect(outputs.locator("table")).to_contain_text(f"3/{there}", timeout=PATIENCE)


def test_no_request_left_this_machine(learner, requests):
    assert len(requests) > 50
    own = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")
    assert [address for address in requests if not address.startswith(own)] == []


def test_the_learner_s_copy_is_the_one_that_was_worked_in(copy, learner):
    learner.command("docmanager:save")
    learner.page.wait_for_function(
        "() => !window.jupyterapp.shell.currentWidget.context.model.dirty", timeout=PATIENCE
    )
    assert "28 * 28" in copy.read_text(encoding="utf-8")
    assert "28 * 28" not in catalogue.lessons()[0].notebook.read_text(encoding="utf-8")


def test_closing_the_notebook_ends_its_kernel_and_keeps_what_was_written(copy, learner):
    running = "() => window.jupyterapp.serviceManager.kernels.runningCount"
    assert learner.page.evaluate(running) == 1
    learner.command("application:close")
    learner.page.wait_for_function(
        """() => {
            const kernels = window.jupyterapp.serviceManager.kernels;
            return kernels.refreshRunning().then(() => kernels.runningCount === 0);
        }""",
        timeout=PATIENCE,
    )
    assert learner.page.locator(".jp-Dialog").count() == 0
    assert "28 * 28" in copy.read_text(encoding="utf-8")


def test_a_term_s_link_opens_the_cell_that_defines_it_in_the_learner_s_own_copy(learner):
    page, (later,) = learner.page, catalogue.find(["21"])
    term = course.glossary("logistic regression")
    link = page.get_by_role("link", name=term.name, exact=True)
    definition = page.locator("strong", has_text=term.name)

    def is_shown_by_the_link(patience):
        page.evaluate(
            "path => void window.jupyterapp.commands.execute('docmanager:open', {path})",
            later.notebook.name,
        )
        expect(link).to_have_attribute("title", term.means, timeout=PATIENCE)
        link.evaluate("link => link.click()")
        page.wait_for_function(
            "name => window.jupyterapp.shell.currentWidget.title.label === name",
            arg=term.lesson.notebook.name,
            timeout=PATIENCE,
        )
        definition.wait_for(state="attached", timeout=PATIENCE)
        with suppress(AssertionError):
            expect(definition).to_be_in_viewport(timeout=patience)
            return True

    # While JupyterLab still lays the notebook out, the cells above may push the cell out of view
    # again: then a learner clicks once more.
    assert any(is_shown_by_the_link(patience) for patience in (10_000, 30_000, PATIENCE))


SHOWS = ".jp-OutputArea-output, .jp-MarkdownOutput"
TITLE = "name => window.jupyterapp.shell.currentWidget?.title.label === name"
IS_DRAWN = """() => window.jupyterapp.shell.currentWidget.content.widgets.every(cell =>
    cell.inputHidden || (cell.model.type === "markdown"
        ? cell.node.querySelector(".jp-MarkdownOutput :first-child")
        : !cell.model.outputs?.length || cell.node.querySelector(".jp-OutputArea-output")))"""
CLOSE = """() => Promise.all(
    [...window.jupyterapp.shell.widgets("main")].filter(panel => panel.context)
        .map(panel => panel.context.revert().then(() => panel.close())))"""
CUT = """shows => [...document.querySelectorAll(`.jp-Notebook :is(${shows})`)].flatMap(shown => {
    const edge = shown.closest(".jp-Cell").getBoundingClientRect().right + 1;
    return [shown, ...shown.querySelectorAll("*")]
        .filter(each => each.clientWidth > 0 && !each.closest("svg, mjx-assistive-mml"))
        .filter(each => each.getBoundingClientRect().right > edge
            || getComputedStyle(each).overflowX !== "visible"
            && each.scrollWidth > each.clientWidth + 1)
        .map(each => [each.scrollWidth, each.clientWidth, each.outerHTML.slice(0, 300)]);
})"""


@pytest.fixture(scope="module", params=catalogue.lessons(), ids=lambda lesson: lesson.number)
def shown(request, learner):
    """The learner, who has opened a lesson and has run nothing in it but its questions.

    All else is seen as the build has stored it, what is to be predicted too.
    """
    page, lesson = learner.page, request.param
    name = lesson.notebook.name
    page.evaluate(CLOSE)
    page.evaluate(
        "path => void window.jupyterapp.commands.execute('docmanager:open', {path})", name
    )
    page.wait_for_function(TITLE, arg=name, timeout=PATIENCE)
    learner.wait_for_kernel()
    learner.command("notebook:show-all-cell-outputs")
    for place in range(page.evaluate(COUNT)):  # each is drawn when it comes into view, and stays
        learner.show(place)
    page.wait_for_function(IS_DRAWN, timeout=PATIENCE)
    learner.answer(
        "lesson.QUIZ", f"from dlcourse.lessons import {lesson.slug} as lesson\nlesson.QUIZ"
    )
    questions = learner.outputs("lesson.QUIZ").locator(".dlcourse-quiz")
    expect(questions).to_have_count(len(course.questions(lesson)), timeout=PATIENCE)
    yield learner
    page.evaluate(CLOSE)


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_nothing_serious_in_what_a_lesson_shows(shown, theme):
    """All texts and stored outputs, and the questions, which are run.

    Not covered is what else is there only while a kernel runs: the boxes of a prediction, of an
    exercise and of an explorer, as widgets. Nor is the contrast of what is scrolled out of view.
    Both are the same in every lesson, and the test above looks at them in the first one.
    """
    shown.turn_to(theme)
    found = shown.page.evaluate(FINDINGS, f".jp-Notebook :is({SHOWS})")
    shown.turn_to("JupyterLab Light")
    assert [each for each in found if OF_LIBRARIES.get(each[0], "nothing") not in each[1]] == []


def test_nothing_that_a_lesson_shows_is_wider_than_its_page(shown):
    """Where there are 1280 pixels, with the panels beside it: neither cut, nor to be scrolled."""
    assert shown.page.evaluate(CUT, SHOWS) == []
