"""The build, the runs and `new` keep what they promise."""

import asyncio
import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from queue import Empty
from types import SimpleNamespace

from dlcourse import catalogue, notebooks, outputs
from dlcourse.errors import LessonError

import nbformat
import pytest
from small_course import rewrite

TESTS = Path(__file__).parent

STORED = "notebooks/70_fraud_faults_anomalies.ipynb"
SOURCE = "notebooks/source/70_fraud_faults_anomalies.py"
FACTS_OF_70 = "dlcourse/lessons/fraud_faults_anomalies/__init__.py"


def test_a_built_notebook_has_outputs_fixed_ids_and_the_measurement(small):
    stored = json.loads(small.notebook.read_text(encoding="utf-8"))
    head, parameters, prints = stored["cells"][:3]
    assert [cell["id"] for cell in stored["cells"]] == [f"small_numbers-{i:02d}" for i in range(5)]
    assert parameters["metadata"] == {"tags": ["parameters"], "tolerance": 0.02}
    assert "epochs 4\n" in prints["outputs"][0]["text"]
    assert prints["execution_count"] == 2
    pattern = r"Study about 5 min; the notebook runs in \d+ s on \w+ cores? and peaks at \d+0 MB "
    assert re.fullmatch(pattern + r"\(measured by the build\)\.", head["source"][-1])
    assert stored["metadata"].keys() == {"dlcourse", "kernelspec", "language_info"}
    assert "version" not in stored["metadata"]["language_info"]
    assert small.measured.seconds >= small.measured.slowest_cell_seconds > 0
    assert 30 < small.measured.peak_own_memory_mb < small.measured.peak_memory_mb < 1000
    assert small.size_bytes == small.notebook.stat().st_size
    assert not list(small.notebook.parent.glob("*.part"))


def test_a_stored_notebook_says_nothing_of_the_machine_or_the_moment(small, course):
    text = small.notebook.read_text(encoding="utf-8")
    assert "dlcourse/arrays.py" in text and "cell.py:4: UserWarning: careful" in text
    assert "IntSlider(value=3)" in text and "<object object at 0x…>" in text
    for told in ("model_id", str(course), "/tmp", sys.prefix):
        assert told not in text


@pytest.mark.slow
def test_a_change_of_the_package_that_changes_no_output_leaves_every_byte(course, monkeypatch):
    # A busy machine takes longer: when that is noted, other tests say.
    monkeypatch.setattr(notebooks, "_measured", lambda lesson, _: lesson.measured)
    before = {lesson.number: lesson.notebook.read_bytes() for lesson in catalogue.lessons()}
    rewrite(course / "dlcourse" / "arrays.py", "def expect_axes", "# A comment.\ndef expect_axes")
    for lesson in catalogue.lessons():
        assert notebooks.stale(lesson) is None
        assert notebooks.build(lesson, force=True).error is None
        assert lesson.notebook.read_bytes() == before[lesson.number]


@pytest.mark.slow
def test_a_change_of_the_package_that_changes_an_output_is_written(course, small):
    rewrite(course / "dlcourse" / "arrays.py", "but needs", "and wants")
    before = small.notebook.read_text(encoding="utf-8")
    assert notebooks.build(small) is None, "nothing of its own has changed"
    assert notebooks.build(small, force=True).error is None
    assert small.notebook.read_text(encoding="utf-8") != before


@pytest.mark.parametrize(
    "path, kept",
    [
        (
            "https://github.com/someone/dlcourse/issues",
            "https://github.com/someone/dlcourse/issues",
        ),
        (
            'File "/opt/x/lib/python3.11/site-packages/torch/nn.py"',
            'File "site-packages/torch/nn.py"',
        ),
        ("\x1b[32m/srv/course/dlcourse/data.py:4", "\x1b[32mdlcourse/data.py:4"),
        ("~/my-course/dlcourse/data.py", "dlcourse/data.py"),
        (r"C:\Users\ada\course\dlcourse\data.py", r"dlcourse\data.py"),
        ("../dlcourse/data.py and a/dlcourse/b", "../dlcourse/data.py and a/dlcourse/b"),
    ],
)
def test_only_the_machine_s_part_of_a_path_goes(path, kept):
    assert outputs.steady({"text": [path]}) == {"text": [kept]}


def test_what_is_up_to_date_is_not_built_again(small, executed):
    before = small.notebook.read_bytes()
    assert notebooks.build(small) is None
    assert (small.notebook.read_bytes(), executed) == (before, [])


OWN_FACTS = "dlcourse/lessons/small_numbers/__init__.py"


@pytest.mark.parametrize(
    "file, old, new, rebuilds",
    [
        ("notebooks/source/11_small_numbers.py", "epochs = 4", "epochs = 5", True),
        (OWN_FACTS, "NEEDS = ()", 'NEEDS = ("00",)', True),
        (OWN_FACTS, "Facts", "Other facts", True),
        (FACTS_OF_70, "Twice {place}.", "2 · {place}.", False),
        ("dlcourse/arrays.py", "axes", "Axes", False),  # running tells, see below
        ("notebooks/11_small_numbers.ipynb", "epochs 4", "epochs 40", False),  # nbval sees it
        ("notebooks/11_small_numbers.ipynb", "epochs = 4", "epochs = 40", True),
        ("notebooks/11_small_numbers.ipynb", '{\n "cells"', '<<<<<<< {\n "cells"', True),
    ],
)
def test_a_change_of_its_own_text_or_folder_rebuilds(course, executed, file, old, new, rebuilds):
    rewrite(course / file, old, new)
    (lesson,) = catalogue.find(["11"])
    assert (notebooks.build(lesson) is not None) == rebuilds == bool(executed)
    assert executed == [] or notebooks.build(lesson) is None


def test_recorded_measurements_and_another_dataset_rebuild(small, executed):
    (small.folder / "recorded.json").write_text("{}")
    assert notebooks.build(small) is not None
    assert notebooks.build(*catalogue.find(["70"])) is None
    rewrite(small.folder / "__init__.py", '"wine"', '"digits"')
    assert notebooks.build(*catalogue.find(["11"])) is not None


def test_a_typo_mended_in_one_lesson_s_quiz_touches_that_lesson_alone(course, executed):
    """Though lesson 70 brings its questions back, and the map shows both."""
    rewrite(course / FACTS_OF_70, "NEEDS = ()", 'NEEDS = ("11",)')
    rewrite(
        course / SOURCE, "# %%\nfrom", '# %% tags=["learner-state"]\ncourse.map()\n\n# %%\nfrom'
    )
    for lesson in catalogue.lessons():
        notebooks.build(lesson)
    rewrite(course / OWN_FACTS, "Facts", "The facts")
    built = [lesson.number for lesson in catalogue.lessons() if notebooks.build(lesson)]
    assert built == ["11"]


# Whether outputs still hold ----------------------------------------------------------------------


def stored_cell(lesson, index):
    return nbformat.read(lesson.notebook, as_version=4).cells[index]


@pytest.fixture
def says(monkeypatch):
    """Let a run give what is stored, but for one word in one cell's text."""

    def give(index, old, new, seconds=1.0, peak_memory_mb=100.0):
        def pretend(lesson, notebook, report=None, explorers=True):
            stored = nbformat.read(lesson.notebook, as_version=4).cells
            for i, cell in enumerate(notebook.cells):
                if cell.cell_type == "code":
                    cell.execution_count, cell.outputs = 1, stored[i].outputs
            for output in notebook.cells[index].outputs:
                output.text = output.text.replace(old, new) if "text" in output else ""
            own = lesson.measured.peak_own_memory_mb
            return notebooks.Run(lesson, seconds, 0.5, 0.05, peak_memory_mb, own)

        monkeypatch.setattr(notebooks, "execute", pretend)

    return give


def test_what_differs_within_its_bounds_stays_as_it_is_stored(small, says):
    rewrite(small.source, "# %%\nimport warnings", "# %% tolerance=0.1\nimport warnings")
    says(2, "epochs 4", "epochs 4.2", seconds=small.measured.seconds)
    notebooks.build(small)
    assert "epochs 4\n" in str(stored_cell(small, 2).outputs[0].text)
    assert stored_cell(small, 2).metadata["tolerance"] == 0.1


def test_where_one_output_no_longer_holds_all_are_written_anew(small, says):
    says(2, "epochs 4", "epochs 5")
    notebooks.build(small, force=True)
    assert "epochs 5\n" in stored_cell(small, 2).outputs[0].text


@pytest.mark.slow
def test_a_cell_that_has_changed_keeps_nothing_that_shows_the_old_code(small):
    call = 'expect_axes([1, 2], "N D", "numbers")'
    rewrite(small.source, call, "numbers = [1, 2]\nexpect_axes(numbers, 'N D', 'numbers')")
    assert notebooks.build(small).error is None
    (error,) = stored_cell(small, 3).outputs
    assert error.evalue.startswith("`numbers` has shape (2,)"), "as before"
    assert "expect_axes(numbers" in re.sub(r"\x1b\[[\d;]*m", "", "\n".join(error.traceback))


def test_the_curtain_goes_with_the_tag(small, says):
    rewrite(small.source, "# %%\nimport warnings", '# %% tags=["predict"]\nimport warnings')
    says(2, "", "")
    notebooks.build(small)
    assert stored_cell(small, 2).outputs[0] == outputs.CURTAIN
    rewrite(small.source, '# %% tags=["predict"]\nimport warnings', "# %%\nimport warnings")
    says(2, "", "")
    notebooks.build(small)
    assert outputs.CURTAIN not in stored_cell(small, 2).outputs


@pytest.mark.slow
def test_a_cell_that_is_to_raise_and_does_not_is_an_error(small):
    rewrite(small.source, 'expect_axes([1, 2], "N D", "numbers")', "print('well')")
    with pytest.raises(
        LessonError, match="small_numbers-03 is to raise an exception, and raises none"
    ):
        notebooks.build(small)


@pytest.mark.parametrize(
    "longer, larger, kept",
    [(1.1, 1, True), (1, 0.8, True), (1.6, 1, False), (1, 1.3, False), (0.5, 1, False)],
)
def test_a_measurement_that_is_much_the_same_is_not_written(small, says, longer, larger, kept):
    before = small.measured
    seconds, memory = before.seconds * longer, before.peak_memory_mb * larger
    says(2, "epochs 4", "epochs 4", seconds, memory)
    notebooks.build(small, force=True)
    assert (small.measured == before) == kept
    if not kept:
        assert small.measured.seconds == round(seconds, 1)
        assert small.measured.peak_memory_mb == round(memory)


def test_a_measurement_that_breaks_a_budget_is_always_written(small, says, monkeypatch):
    seconds = round(small.measured.seconds * 1.1 + 0.1, 1)
    monkeypatch.setattr(notebooks, "NOTEBOOK_BUDGET_SECONDS", small.measured.seconds)
    says(2, "epochs 4", "epochs 4", seconds, small.measured.peak_memory_mb)
    notebooks.build(small, force=True)
    assert small.measured.seconds == seconds


def test_a_measurement_that_broke_a_budget_is_replaced_by_one_that_does_not(
    small, says, monkeypatch
):
    before = small.measured
    monkeypatch.setattr(
        notebooks, "EXPLORER_BUDGET_SECONDS", before.slowest_explorer_seconds + 0.06
    )
    says(2, "epochs 4", "epochs 4", before.seconds, before.peak_memory_mb)
    stored = json.loads(small.notebook.read_text(encoding="utf-8"))
    stored["metadata"]["dlcourse"]["slowest_explorer_seconds"] += 0.5  # a busy machine
    small.notebook.write_text(json.dumps(stored), encoding="utf-8")
    notebooks.build(small, force=True)
    assert small.measured.slowest_explorer_seconds == 0.05
    assert notebooks.budget_faults(small, small.measured) == []


def test_what_shows_the_learner_s_own_state_is_not_stored(small, says):
    rewrite(small.source, "# %%\nimport warnings", '# %% tags=["learner-state"]\nimport warnings')
    says(2, "epochs 4", "epochs 5", seconds=small.measured.seconds)
    notebooks.build(small)
    assert stored_cell(small, 2).outputs == []
    before = small.notebook.read_bytes()
    says(2, "", "", seconds=small.measured.seconds, peak_memory_mb=small.measured.peak_memory_mb)
    notebooks.build(small, force=True)
    assert small.notebook.read_bytes() == before


def git(folder, *words):
    settings = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    return subprocess.run(
        ["git", *settings, *words], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("numbers", [("72", "73"), ("05", "99")])
def test_two_authors_who_add_a_lesson_each_merge_without_a_conflict(course, executed, numbers):
    clone = catalogue.PACKAGE.parent
    shutil.copy(TESTS.parent / ".gitattributes", clone)
    for page in ("README.md", "CHANGELOG.md", *catalogue.PAGES):
        (clone / page).parent.mkdir(exist_ok=True)
        shutil.copy(TESTS.parent / page, clone / page)

    def commit(what):
        for page in catalogue.PAGES:
            path = clone / page
            path.write_text(catalogue.filled(page, path.read_text("utf-8")), "utf-8")
        git(clone, "add", "--all")
        git(clone, "commit", "--quiet", "--allow-empty", "--message", what)

    git(clone, "init", "--quiet", "--initial-branch", "main")
    commit("Two lessons")
    for number, title in zip(numbers, ("On sound", "On graphs")):
        git(clone, "checkout", "--quiet", "-b", title.replace(" ", "-"), "main")
        notebooks.build(notebooks.new(title, number=number))
        rewrite(clone / "CHANGELOG.md", "## Unreleased\n", f"## Unreleased\n- {title}\n")
        commit(title)
    git(clone, "merge", "--quiet", "--no-edit", "On-sound")
    assert [lesson.number for lesson in catalogue.lessons()] == sorted(["11", "70", *numbers])
    assert all(notebooks.stale(lesson) is None for lesson in catalogue.lessons())
    commit("The pages in order")
    text = (clone / "README.md").read_text("utf-8")
    assert text.count("On sound") == text.count("On graphs") == 1
    assert (clone / "CHANGELOG.md").read_text("utf-8").count("\n- On ") == 2


def test_windows_line_ends_are_no_change(small, executed):
    small.source.write_bytes(small.source.read_bytes().replace(b"\n", b"\r\n"))
    assert notebooks.build(small) is None


def test_force_builds_what_is_up_to_date(small, executed):
    assert notebooks.build(small, force=True) is not None


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda cells: cells.pop(), "has 4 cells, its text 5"),
        (lambda cells: cells[0].update(source="# Other"), "cell small_numbers-00 differs"),
        (lambda cells: cells[2].update(source="1"), "cell small_numbers-02 differs"),
        (lambda cells: cells[2].update(id="other"), "cell small_numbers-02 has another id"),
        (lambda cells: cells[1]["metadata"].update(tolerance=1), "small_numbers-01 has another id"),
        (lambda cells: cells[2].update(execution_count=None), "small_numbers-02 was never run"),
    ],
)
def test_a_notebook_that_is_not_its_text_s_is_stale(small, change, words):
    assert notebooks.stale(small) is None
    stored = json.loads(small.notebook.read_text(encoding="utf-8"))
    change(stored["cells"])
    small.notebook.write_text(json.dumps(stored), encoding="utf-8")
    assert words in notebooks.stale(small)
    assert "Run `dlcourse build 11`" in notebooks.stale(small)


@pytest.mark.parametrize("text", [None, "{", "{}"])
def test_a_missing_or_damaged_notebook_was_never_built(small, text):
    small.notebook.unlink() if text is None else small.notebook.write_text(text)
    assert "never built" in notebooks.stale(small)
    assert small.measured is None


@pytest.mark.slow
def test_a_failing_cell_is_shown_and_leaves_the_old_notebook(small):
    before = small.notebook.read_bytes()
    rewrite(small.source, 'print("epochs", epochs)', 'print("epochs", 1 / 0)')
    with pytest.raises(LessonError) as raised:
        notebooks.build(small)
    message = str(raised.value)
    assert message.startswith("Lesson 11 (small_numbers), cell small_numbers-02: ")
    assert 'print("epochs", 1 / 0)' in message and "ZeroDivisionError" in message
    assert "\x1b" not in message
    assert small.notebook.read_bytes() == before


def test_a_head_cell_without_its_line_is_refused(small, executed):
    rewrite(small.source, "# {measured}\n", "")
    with pytest.raises(LessonError, match=r"no line `\{measured\}`"):
        notebooks.build(small)
    assert executed == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "code, words",
    [
        ("import os; os._exit(1)", "Kernel died\nimport os; os._exit(1)"),
        ("while True: pass", "while True: pass"),
    ],
)
def test_a_kernel_that_dies_or_never_ends_is_an_error_too(small, monkeypatch, code, words):
    monkeypatch.setattr(notebooks, "CELL_TIMEOUT_SECONDS", 3)
    small.source.write_text(f"# %%\n{code}\n")
    result = notebooks.run(small)
    assert words in result.error and "cell small_numbers-00" in result.error
    assert math.isnan(result.peak_memory_mb)


@pytest.mark.slow
def test_a_run_reports_time_and_memory_and_writes_nothing(small, monkeypatch, tmp_path):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path / "home"))
    rewrite(
        small.source,
        "import warnings, ",
        "import time; time.sleep(0.4); x = bytes(range(250)) * 10**6\nimport warnings, ",
    )
    rewrite(small.source, "print(object())", "from dlcourse import runtime; runtime.folder('data')")
    before = {path: path.read_bytes() for path in small.notebook.parent.rglob("*.*")}
    calls = []
    result = notebooks.run(small, report=lambda *counts: calls.append(counts))
    assert result.error is None
    assert result.seconds >= result.slowest_cell_seconds >= 0.4
    assert 250 + 30 < result.peak_memory_mb < 250 + 300
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert {path: path.read_bytes() for path in small.notebook.parent.rglob("*.*")} == before
    assert not (tmp_path / "home").exists(), "a run counts as something the learner did"


def test_a_message_that_woke_nobody_is_found_by_asking_again():
    asked = []

    async def get_msg(timeout):
        asked.append(timeout)
        if len(asked) < 3:
            await asyncio.sleep(timeout)
            raise Empty
        return "reply"

    channel = SimpleNamespace(get_msg=get_msg)
    notebooks._ask_often(channel, seconds=0.01)
    assert asyncio.run(channel.get_msg()) == "reply"
    assert asked == [0.01] * 3
    asked.clear()
    with pytest.raises(Empty):
        asyncio.run(channel.get_msg(timeout=0.015))
    assert len(asked) == 2 and sum(asked) < 0.016


@pytest.mark.parametrize(
    "quick, wanted",
    [
        (False, "epochs = 4"),
        (True, "epochs = 1"),
        (True, 'rate, name = 0.1, "a # b"  # not touched'),
        (False, "steps = 10 * epochs"),
        (True, "steps = 2_000"),
    ],
)
def test_a_quick_run_takes_the_small_values(small, executed, quick, wanted):
    notebooks.run(small, quick=quick)
    assert wanted in executed[0].cells[1].source.split("\n")


def test_only_the_parameters_cell_has_small_values(small, executed):
    rewrite(small.source, ' tags=["parameters"]', "")
    notebooks.run(small, quick=True)
    assert "epochs = 4" in executed[0].cells[1].source


@pytest.mark.parametrize(
    "numbers, words",
    [
        ((60, 30, 0.1, 1000, 750), []),
        (
            (61, 30, 0.1, 1000, 750),
            ["Lesson 11 (small_numbers): the notebook takes 61 s; the budget is 60 s."],
        ),
        ((60, 31, 0.1, 1001, 750), ["slowest cell takes 31 s", "memory peaks at 1001 MB"]),
        ((60, 30, 0.25, math.nan, 750), ["slowest slider waits 0.25 s", "memory peaks at nan MB"]),
        ((60, 30, 0.1, 1000, 751), ["its own memory peaks at 751 MB; the budget is 750 MB"]),
        ((60, 30, math.nan, 1000, 750), ["slowest slider waits nan s"]),
    ],
)
def test_each_broken_budget_is_a_sentence(small, numbers, words):
    for measured in (catalogue.Measured(*numbers, cores=2), notebooks.Run(small, *numbers)):
        faults = notebooks.budget_faults(small, measured)
        assert len(faults) == len(words)
        assert all(word in fault for word, fault in zip(words, faults))


def test_a_large_notebook_breaks_a_budget(small):
    small.notebook.write_text("x" * 1_600_000)
    (fault,) = notebooks.budget_faults(small, catalogue.Measured(1, 1, 0.1, 100, 60, 2))
    assert "the stored notebook takes 1.6 MB; the budget is 1.5 MB." in fault


@pytest.mark.slow
def test_a_new_lesson_s_numbers_are_right(begun):
    options = ["-p", "course_nbval", "--nbval", "-q", "-p", "no:cacheprovider"]
    search = os.pathsep.join([str(TESTS), os.environ["PYTHONPATH"]])
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, begun.notebook.name],
        cwd=begun.notebook.parent,
        env=os.environ | {"PYTHONPATH": search},
        capture_output=True,
        text=True,
    )
    cells = nbformat.read(begun.notebook, as_version=4).cells
    of_code = sum(cell.cell_type == "code" for cell in cells)
    assert run.returncode == 0 and f"\n{of_code} passed" in run.stdout, run.stdout


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]])
def test_a_new_lesson_is_written_in_the_course_s_style(begun, command, course):
    facts = begun.folder / "__init__.py"
    for config, path in (("pyproject.toml", facts), ("notebooks/source/ruff.toml", begun.source)):
        settings = ["--config", str(TESTS.parent / config), "--no-cache", str(path)]
        run = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *settings], capture_output=True, text=True
        )
        assert run.returncode == 0, run.stdout + run.stderr


RETURNED = 'return sentence, {"slope"'


@pytest.mark.slow
@pytest.mark.parametrize(
    "file, old, new, words",
    [
        (None, "", "", ""),
        ("FACTS", "return place**2", "return place * 2", "the mistake"),
        ("FACTS", '"Twice the place: `2 * place`."', '"Twice."', ""),
        ("FACTS", "Look at the figure: is", "Try 2 * place, is", "tells the solution too early"),
        ("SOURCE", RETURNED, 'return "A slope.", {"slope"', "does not change the sentence"),
        ("SOURCE", "return ...  # your code", "return place**2", ""),
    ],
)
def test_a_solved_run_lets_exercises_and_explorers_prove_their_promises(
    course, begun, file, old, new, words
):
    if file:
        rewrite(course / {"FACTS": FACTS_OF_70, "SOURCE": SOURCE}[file], old, new)
    error = notebooks.run(begun, solved=True).error
    assert words in error if words else error is None


def test_a_check_without_a_blank_is_refused(course, begun):
    rewrite(course / SOURCE, "def slope_at(", "def slope_of(")
    with pytest.raises(LessonError, match="defines no blank `slope_at`"):
        notebooks.run(begun, solved=True)


def test_the_blank_is_replaced_and_the_rest_of_the_cell_stays(begun):
    source = "before = 1\ndef f(x):\n    return ...\n\nlesson.f.check(f)"
    solved = notebooks.with_definition(source, "f", "def f(x):\n    return x", begun)
    assert solved == source.replace("...", "x")
    assert notebooks.with_definition("a = ...\nb", "a", "c = 1\na = c", begun) == "c = 1\na = c\nb"


@pytest.mark.parametrize("named", [None, "0"])
def test_a_notebook_runs_without_a_gpu_unless_one_is_named(monkeypatch, tmp_path, named):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    cell = nbformat.v4.new_code_cell("import os; print(os.environ['CUDA_VISIBLE_DEVICES'] + '!')")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    with notebooks.kernel(notebook, tmp_path, kernel_name="python3") as client:
        client.execute_cell(cell, 0)
    assert cell.outputs[0]["text"] == f"{named or ''}!\n"


@pytest.mark.parametrize(
    "title, part, stem",
    [
        ("Recommending", 7, "71_recommending"),
        ("  Überraschung:  3 × 3 ", "2", "20_uberraschung_3_3"),
        ("3-D pictures", 2, "20_lesson_3_d_pictures"),
        ("Import", 4, "40_lesson_import"),
        ('A "quoted" \\ title', 7, "71_a_quoted_title"),
    ],
)
def test_a_new_lesson_takes_its_names_from_its_title(course, title, part, stem):
    lesson = notebooks.new(title, part)
    assert lesson.source.stem == lesson.notebook.stem == stem
    assert lesson.title == " ".join(title.split())
    assert lesson in catalogue.lessons()
    assert "never built" in notebooks.stale(lesson)
    assert stored_cell(lesson, 0).source.split("\n")[0] == f"# {lesson.title}"


def test_a_new_lesson_takes_the_number_that_is_named(course):
    assert notebooks.new("Overfitting", number="14").source.stem == "14_overfitting"


@pytest.mark.parametrize(
    "number, words",
    [
        ("11", "There is a lesson 11 already"),
        ("8x", "'8x' is no number for a lesson"),
        ("81", "'81' is no number for a lesson"),
        ("7", "'7' is no number for a lesson"),
    ],
)
def test_a_number_that_is_taken_or_is_none_is_refused(course, number, words):
    with pytest.raises(LessonError, match=words):
        notebooks.new("Overfitting", number=number)


@pytest.mark.parametrize(
    "title, part, words",
    [
        ("", 7, "no letters"),
        ("?! …", 7, "no letters"),
        ("Small numbers", 7, "already"),
        ("small NUMBERS!", 7, "already"),
        ("New", 8, "Part 8 has no free number"),
        ("New", 77, "Part 77 has no free number"),
    ],
)
def test_a_lesson_that_cannot_be_begun_is_refused(course, title, part, words):
    before = sorted(course.rglob("*"))
    with pytest.raises(LessonError, match=words):
        notebooks.new(title, part)
    assert sorted(course.rglob("*")) == before


def test_a_full_part_takes_no_more(course):
    for number in range(71, 80):
        (course / "notebooks" / "source" / f"{number}_x{number}.py").write_text("")
    with pytest.raises(LessonError, match="Part 7 has no free number"):
        notebooks.new("One more")


@pytest.mark.parametrize("content", [b"null", b"[]", b"<<<<<<< ours", b"", b"\xff\xfe"])
def test_a_file_that_holds_no_notebook_is_built_anew(small, executed, content):
    small.notebook.write_bytes(content)
    assert notebooks.build(small) is not None
    assert small.measured and notebooks.stale(small) is None
