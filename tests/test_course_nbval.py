"""The notebooks' judge lets pass what may differ, and nothing else."""

import base64
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

from dlcourse.arrays import close
from dlcourse.notebooks import kernel

import course_nbval
import nbformat
import pytest
from course_nbval import headline_faults, image_distance, text_faults
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

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
    "duration": ("print('trained in 0.8 s, 3 min in all')", {}, rewrite("0.8 s, 3", "97 s, 12")),
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
    "picture-skipped": (CURVE, tags("image-skip"), repaint(0.2)),
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
    search = os.pathsep.join([str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")])
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
        ("stderr", "Unexpected output fields from running code: {'stderr'}"),
        ("picture-changed", "picture 0 differs: distance"),
        ("picture-gone", "1 pictures in the reference, 0 now"),
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


@pytest.mark.parametrize("asked, wanted", [(2000, 600), (120, 120)])
def test_a_cell_has_ten_minutes_unless_something_else_is_asked_for(asked, wanted):
    option = SimpleNamespace(nbval_cell_timeout=asked, nbval=False, nbval_lax=False)
    course_nbval.pytest_configure(SimpleNamespace(option=option))
    assert option.nbval_cell_timeout == wanted


@pytest.mark.parametrize(
    "reference, new, tolerance",
    [
        ("0.90", "0.92", 0.02),  # 0.92 - 0.90 is more than 0.02 in binary
        ("-0.01 end", "0.01 end", 0.02),
        ("100", "102", 0.02),
        ("1,000 pictures", "1,010 pictures", 0.02),
        ("1e-05", "2e-05", 0.02),
        ("[0.52 0.3 ]", "[0.51 0.31]", 0.02),
        ("scores  9.9 and", "scores 10.0 and", 0.02),
        ("from 0.897-0.906.", "from 0.899-0.905.", 0.02),
        ("90.2%", "91.0%", 0.02),
        ("−0.5", "-0.5", 0.02),
        ("0.4 s", "9.7 s", 0),
        ("took 12s", "took 500s", 0),
        ("100 ms", "1,999 ms", 0),
        ("2 min", "90 min", 0),
        ("3.1 seconds", "3.2 seconds", 0),
    ],
)
def test_numbers_within_their_bounds_agree(reference, new, tolerance):
    assert text_faults(reference, new, tolerance) == []


@pytest.mark.parametrize(
    "reference, new, tolerance",
    [
        ("0.90", "0.93", 0.02),
        ("100", "103", 0.02),
        ("0.5", "0.50", 0),  # alike, but written otherwise
        ("1 2", "1  2", 0.02),
        ("1", "1 2", 0.02),
        ("0.9", "nan", 0.02),
        ("ResNet18", "ResNet34", 10),
        ("numpy 2.4.6", "numpy 2.5.6", 10),
        ("float32", "float64", 10),
        ("3x3", "5x5", 10),
        ("0 errors", "3 errors", 0.02),
        ("0.9", "1.0", 0.02),
        ("3 seeds", "4 seeds", 0),
        ("48 hours ahead", "24 hours ahead", 0),
        ("12 s", "12 ms", 0),
        ("12 s", "some s", 0),
        ("5 minus 1", "6 minus 1", 0),
    ],
)
def test_numbers_beyond_their_bounds_differ(reference, new, tolerance):
    assert text_faults(reference, new, tolerance) != []


@given(st.floats(-30, 30), st.floats(-30, 30), st.floats(0.001, 0.5))
def test_numbers_are_compared_as_arrays_close_compares_them(reference, new, tolerance):
    reference, new = round(reference, 3), round(new, 3)
    agree = text_faults(f"score {reference:.3f}", f"score {new:.3f}", tolerance) == []
    assert agree == bool(close(new, reference, tolerance))


HEADLINE = """accuracy on 300 test digits: {}, typically 0.970 to 0.977 over 5 seeds
logistic regression: {}
2410 weights, trained in {} s"""


@pytest.mark.parametrize("score", ["0.970", "0.977", "0.966", "0.981"])
def test_a_headline_within_the_width_of_its_band_agrees_however_long_it_took(score):
    stored = HEADLINE.format("0.973", "0.973", "0.1")
    assert headline_faults(stored, HEADLINE.format(score, "0.973", "7.5")) == []


@pytest.mark.parametrize(
    "reference, new, tolerance",
    [
        (("0.973", "0.973"), ("0.982", "0.973"), 0),  # further away than the band is wide
        (("0.973", "0.973"), ("0.982", "0.973"), 0.5),  # whatever the rest of the cell may do
        (("0.990", "0.973"), ("0.990", "0.973"), 0),  # both alike, and both far outside
        (("0.973", "0.973"), ("0.973", "0.963"), 0.005),  # the baseline is no headline
        (("0.973", "0.973"), ("nan", "0.973"), 0.5),
    ],
)
def test_a_headline_out_of_its_band_or_another_baseline_differs(reference, new, tolerance):
    texts = [HEADLINE.format(*numbers, "0.1") for numbers in (reference, new)]
    assert headline_faults(*texts, tolerance) != []


def test_a_headline_one_band_away_agrees_although_floats_say_a_little_more():
    text = "accuracy: {}, typically 0.902 to 0.904 over 5 seeds"
    assert headline_faults(text.format("0.902"), text.format("0.905")) == []
    assert headline_faults(text.format("0.902"), text.format("0.906")) != []


def test_a_headline_above_one_is_held_to_the_width_of_its_band():
    """A distance of 17.4 in a band from 16.3 to 18.8 is no distance of 61."""
    text = "Fréchet distance: {}, typically 16.274 to 18.811 over 5 seeds"
    assert headline_faults(text.format("17.418"), text.format("19.418")) == []
    assert headline_faults(text.format("17.418"), text.format("61.000")) != []
    assert headline_faults(text.format("17.418"), text.format("21.400")) != []


def test_a_headline_s_band_is_compared_word_for_word():
    assert (
        headline_faults(HEADLINE.format(1, 1, 1), HEADLINE.format(1, 1, 1).replace("0.977", "1"))
        != []
    )


@given(st.text("0123456789.-+e, \nabs%", max_size=30), st.floats(0, 1))
def test_a_text_agrees_with_itself(text, tolerance):
    assert text_faults(text, text, tolerance) == []


@given(st.text("abc .,\n<>/", max_size=20), st.text("abc .,\n<>/", max_size=20))
def test_without_numbers_no_tolerance_helps(reference, new):
    assert (text_faults(reference, new, 1.0) == []) == (reference == new)


def test_the_distance_of_pictures_is_none_for_the_same_and_one_for_another_size():
    white, black = (Image.new("RGB", (80, 60), colour) for colour in ("white", "black"))
    wide = Image.new("RGB", (90, 60), "white")
    assert image_distance(encoded(white), encoded(white)) == 0
    assert image_distance(encoded(white), encoded(black)) == 1
    assert image_distance(encoded(white), encoded(wide)) == 1


def test_what_cannot_be_seen_on_white_makes_no_distance():
    clear, white = Image.new("RGBA", (80, 60), (9, 9, 9, 0)), Image.new("RGBA", (80, 60), "white")
    assert image_distance(encoded(clear), encoded(white)) == 0
