"""The plugin runs notebooks as pytest's tests, lets pass what may differ, and nothing else."""

import base64
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

from dlcourse.notebooks import kernel

import course_nbval
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from small_course import rewrite as edit_text

TESTS = Path(__file__).parent

PREPARE = """
import sys, warnings
import ipywidgets
import matplotlib.pyplot as plt
from IPython.display import HTML, Latex, Markdown, clear_output, display
%matplotlib inline

class Explorer:
    def _repr_mimebundle_(self, include=None, exclude=None):
        view = ipywidgets.IntSlider(3)._repr_mimebundle_()
        return view | {"text/plain": "Explorer(3)", "text/html": str(id(self))}
"""
SAID = "print('accuracy: 0.973, typically 0.970 to 0.977 over 5 seeds')"
CURVE = "plt.figure(figsize=(2, 2)); plt.plot([1, 2, 4]);"


def rewrite(pattern, replacement):
    """Return an edit of the stored outputs: as if the reference had said something else."""

    def edit(cell):
        before = str(cell.outputs)
        for output in cell.outputs:
            for place, key in [(output, "text"), *((output.get("data", {}), k) for k in TEXTS)]:
                if key in place:
                    place[key] = re.sub(pattern, replacement, place[key])
        assert str(cell.outputs) != before, "the edit changed nothing, so it tests nothing"

    return edit


TEXTS = ("text/plain", "text/html", "text/markdown", "text/latex")


def pixels_of(picture):
    return Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")


def encoded(pixels):
    file = io.BytesIO()
    pixels.save(file, "png")
    return base64.b64encode(file.getvalue()).decode()


def repaint(share, grey=0):
    """Return an edit that paints a corner of the stored picture, a share of its width."""

    def edit(cell):
        (output,) = (output for output in cell.outputs if "image/png" in output.data)
        pixels = pixels_of(output.data["image/png"])
        side = max(1, int(pixels.width * share))
        pixels.paste((grey,) * 3, (0, 0, side, side))
        output.data["image/png"] = encoded(pixels)

    return edit


def without_picture(cell):
    del cell.outputs[0].data["image/png"]


def with_picture(cell):
    cell.outputs[0].data["image/png"] = encoded(Image.new("RGB", (80, 60), "white"))


def without_outputs(cell):
    cell.outputs = []


def never_run(cell):
    cell.outputs, cell.execution_count = [], None


def raised_before(cell):
    cell.outputs = [new_output("error", ename="ValueError", evalue="no", traceback=[])]


def said_otherwise(cell):
    cell.outputs[0].evalue = "something else"


def tags(*names):
    return {"tags": list(names)}


def keep(cell):
    """Leave the reference as it was."""


BAR = r"""
for share in ("50%|#5  | 5/10 [00:01<00:01, 3.2it/s]", "100%|####| 10/10 [00:02<00:00, 3.5it/s]"):
    print(f"\r{share}", end="", file=sys.stderr)
"""
PASSES = {
    "the-same": ("print('accuracy 0.902'); {'a': 1}", {}, keep),
    "number-within-tolerance": (
        "print('accuracy 0.902')",
        {"tolerance": 0.02},
        rewrite("0.902", "0.915"),
    ),
    "number-in-html": (
        "HTML('<td>0.902</td>')",
        {"tolerance": 0.02},
        rewrite("0.902", "0.915"),
    ),
    "number-in-markdown": ("Markdown('**250** steps')", {"tolerance": 0.02}, rewrite("250", "254")),
    "duration": ("print('trained in 0.8 s, 3 minutes in all')", {}, rewrite("0.8 s, 3", "97 s, 9")),
    "headline": (SAID, tags("headline"), rewrite("0.973", "0.979")),
    "trailing-semicolon": ("x = 3\nx;", {}, keep),
    "clear-output": ("for i in range(3):\n    clear_output(wait=True)\n    print(i)", {}, keep),
    "display-update": ("shown = display('a', display_id=True)\nshown.update('b')", {}, keep),
    "carriage-return": ("for i in range(3):\n    print(f'\\r{i}', end='')", {}, keep),
    "progress-bar": (BAR, {}, rewrite("3.5it/s", "9.9it/s")),
    "display-objects": ("display(HTML('<b>1</b>'), Latex('$x^2$'), Markdown('*a*'))", {}, keep),
    "address": ("print(object())\nobject()", {}, keep),
    "warning": ("warnings.warn('careful')", {}, rewrite(r"ipykernel_\d+", "ipykernel_1")),
    "widget": ("ipywidgets.IntSlider(3)", {}, keep),
    "interact": ("ipywidgets.interact(lambda i: print(i), i=3);", {}, keep),
    "output-widget": ("out = ipywidgets.Output()\nwith out:\n    print(1)\nout", {}, keep),
    "explorer": ("Explorer()", {}, keep),
    "picture": (CURVE, {}, keep),
    "picture-with-a-grey-pixel": (CURVE, {}, repaint(0.005, grey=230)),
    "picture-within-its-tolerance": (CURVE, {"image_tolerance": 1}, repaint(0.2)),
    "learner-state": ("print(1)", tags("learner-state"), without_outputs),
    "raises": ("raise ValueError('no')", tags("raises-exception"), keep),
    "output-ignored": ("print(1)", tags("nbval-ignore-output"), rewrite("1", "2")),
    "skipped": ("print(1)", tags("nbval-skip"), rewrite("1", "2")),
    "no-code": ("", {}, keep),
}
FAILS = {
    "word": ("print('accuracy 0.9')", {"tolerance": 1}, rewrite("accuracy", "precision")),
    "number": ("print('accuracy 0.902')", {}, rewrite("0.902", "0.903")),
    "number-beyond-tolerance": (
        "print('accuracy 0.902')",
        {"tolerance": 0.02},
        rewrite("0.902", "0.93"),
    ),
    "number-in-a-word": ("print('conv2d')", {"tolerance": 1}, rewrite("2", "3")),
    "number-missing": ("print(1, 2)", {"tolerance": 1}, rewrite("1 ", "")),
    "number-in-html-beyond": ("HTML('<td>0.9</td>')", {"tolerance": 0.02}, rewrite("0.9", "0.8")),
    "duration-in-another-unit": ("print('60 s')", {}, rewrite("60 s", "60 ms")),
    "headline-beyond": (SAID, tags("headline"), rewrite("0.973", "0.985")),
    "headline-untagged": (SAID, {}, rewrite("0.973", "0.974")),
    "html": ("HTML('<b>cat</b>')", {}, rewrite("cat", "dog")),
    "widget-text": ("ipywidgets.IntSlider(3)", {}, rewrite("value=3", "value=4")),
    "more-printed": ("print(1)", {}, without_outputs),
    "less-printed": ("pass", {}, lambda cell: cell.outputs.append(stream("1"))),
    "stderr": ("print(1); sys.stderr.write('careful\\n');", {}, lambda cell: cell.outputs.pop()),
    "picture-changed": (CURVE, {}, repaint(0.2)),
    "picture-beyond-its-tolerance": (CURVE, {"image_tolerance": 0.3}, repaint(0.2)),
    "picture-new": (CURVE, {}, without_picture),
    "picture-gone": ("3", {}, with_picture),
    "error-new": ("raise ValueError('no')", {}, without_outputs),
    "error-as-before": ("raise ValueError('no')", {}, keep),
    "error-gone": ("pass", tags("raises-exception"), raised_before),
    "error-never-there": ("pass", tags("raises-exception"), keep),
    "error-changed": ("raise ValueError('no')", tags("raises-exception"), said_otherwise),
    "never-run": ("x = 1", {}, never_run),
    "network": ("import urllib.request as r\nr.urlopen('http://example.org')", {}, without_outputs),
}


def stream(text):
    return new_output("stream", name="stdout", text=text)


def write_notebook(path, cases):
    """Run the cases' cells for true, edit their outputs, store them; ids are the cases' names."""
    cells = [new_code_cell(PREPARE, id="prepare"), new_markdown_cell("Text.")]
    for name, (source, metadata, _) in cases.items():
        cells.append(new_code_cell(source, id=name, metadata=metadata))
    notebook = new_notebook(cells=cells)
    with kernel(notebook, path.parent, kernel_name="python3", allow_errors=True) as client:
        for i, cell in enumerate(notebook.cells):
            client.execute_cell(cell, i)
    for cell in notebook.cells[2:]:
        cases[cell.id][2](cell)
    nbformat.write(notebook, path)


def judge(*paths, options=()):
    """Return what the plugin says of each code cell: {(notebook, id): failure or ""}."""
    report = paths[0].with_suffix(".xml")
    code_ids = {
        path: [c.id for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
        for path in paths
    }
    command = [sys.executable, "-m", "pytest", "-p", "course_nbval", "--nbval", "-q"]
    command += ["-p", "no:cacheprovider", "--color=no", f"--junitxml={report}", *options]
    search = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", ""), str(TESTS.parent)])
    run = subprocess.run(
        [*command, *(path.name for path in paths)],
        cwd=paths[0].parent,
        env=os.environ | {"PYTHONPATH": search},
        capture_output=True,
        text=True,
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    verdicts = {}
    for case in ElementTree.parse(report).iter("testcase"):
        path = next(path for path in paths if path.stem in case.get("classname"))
        name = code_ids[path][int(case.get("name").removeprefix("Cell "))]
        faults = [child for child in case if child.tag in ("failure", "error")]
        verdicts[path.stem, name] = "".join(child.text or "" for child in faults)
    return verdicts


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("judged")
    write_notebook(folder / "agrees.ipynb", PASSES)
    write_notebook(folder / "differs.ipynb", FAILS)
    return judge(folder / "agrees.ipynb", folder / "differs.ipynb")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["prepare", *PASSES])
def test_what_may_differ_passes(verdicts, name):
    assert verdicts["agrees", name] == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", FAILS)
def test_what_may_not_differ_fails(verdicts, name):
    assert f"{name}: " in verdicts["differs", name]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, words",
    [
        (
            "number-beyond-tolerance",
            "outputs differ: stdout, line 1, column 10: reference 0.93, now 0.902, "
            "difference 0.028, allowed 0.02 (tolerance 0.02)",
        ),
        ("number-beyond-tolerance", "print('accuracy 0.902')"),
        ("word", "the words differ"),
        ("number-missing", "1 numbers in the reference, 2 now"),
        ("word", "-precision 0.9\n+accuracy 0.9"),
        ("stderr", "stderr: 0 in the reference, 1 now"),
        ("picture-changed", "picture 0 differs: distance"),
        ("picture-gone", "image/png: 1 in the reference, 0 now"),
        ("error-new", "ValueError"),
        ("never-run", "the reference was never run"),
        ("error-never-there", "raised nothing"),
        ("network", "network use after install"),
    ],
)
def test_a_failure_says_what_differs(verdicts, name, words):
    assert words in verdicts["differs", name]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """Verdicts on two notebooks whose second cell stops the kernel."""
    folder = tmp_path_factory.mktemp("stopped")
    for name, code in (("dead", "import os; os._exit(1)"), ("endless", "while True: pass")):
        sources = {"before": "x = 1", "stops": code, "after": "2", "later": "3"}
        cells = [new_code_cell(source, id=id) for id, source in sources.items()]
        for cell in cells:
            cell.execution_count = 1
        nbformat.write(new_notebook(cells=cells), folder / f"{name}.ipynb")
    return judge(*folder.glob("*.ipynb"), options=["--nbval-cell-timeout=10"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "notebook, reason", [("dead", "its kernel died"), ("endless", "it took longer than 10 s")]
)
def test_a_cell_that_stops_the_kernel_fails_with_all_that_follow(stopped, notebook, reason):
    assert stopped[notebook, "before"] == ""
    assert f"stops stopped the kernel: {reason}" in stopped[notebook, "stops"]
    for later in ("after", "later"):
        assert f"not run, because stops stopped the kernel: {reason}" in stopped[notebook, later]


def failures(verdicts):
    return {name: text for (_, name), text in verdicts.items() if text}


@pytest.mark.slow
@pytest.mark.parametrize(
    "old, new, words",
    [
        ("", "", None),
        ("return place**2", "return place * 2", "the mistake 'That is the height"),
        ("return 2 * place\n", "return 2 * places\n", "places"),
    ],
)
def test_in_a_lesson_each_exercise_proves_its_promises(course, begun, old, new, words):
    if words:
        edit_text(begun.folder / "__init__.py", old, new)
    failed = list(failures(judge(begun.notebook)).values())
    assert len(failed) == (2 if words else 0), (
        failed
    )  # the exercise, and the test of such functions
    assert not words or words in failed[0]


@pytest.mark.slow
def test_a_result_that_depends_on_whether_an_exercise_was_solved_is_seen(course, begun):
    notebook = nbformat.read(begun.notebook, as_version=4)
    (cell,) = (cell for cell in notebook.cells if "lesson.slope_at.check" in cell.source)
    cell.source += "\nruns = globals().get('runs', 0) + 1\nprint(runs)"
    cell.outputs.append(stream("1\n"))
    nbformat.write(notebook, begun.notebook)
    failed = failures(judge(begun.notebook))
    assert failed.keys() == {cell.id} and "reference 1, now 2" in failed[cell.id]


@pytest.mark.parametrize("asked, wanted", [(2000, 600), (120, 120)])
def test_a_cell_has_ten_minutes_unless_something_else_is_asked_for(asked, wanted):
    option = SimpleNamespace(nbval_cell_timeout=asked, nbval=False, nbval_lax=False)
    course_nbval.pytest_configure(SimpleNamespace(option=option))
    assert option.nbval_cell_timeout == wanted
