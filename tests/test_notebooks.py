"""Each lesson keeps its promises, and the build, the runs and `new` keep theirs."""

import ast
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

from dlcourse import data, exercise, lessons, notebooks
from dlcourse.errors import LessonError

import course_nbval
import nbformat
import pytest
from course_nbval import text_faults

TESTS = Path(__file__).parent
LESSONS = notebooks.lessons()


# Every lesson ------------------------------------------------------------------------------------


@pytest.fixture(params=LESSONS, ids=lambda lesson: lesson.number)
def lesson(request):
    return request.param


def cells_of(lesson):
    """Return the stored cells, with each source and text as one string."""
    cells = json.loads(lesson.notebook.read_text(encoding="utf-8"))["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in cells]


def outputs_of(lesson):
    """Return the contents of each stored output, {kind: text}."""
    for cell in cells_of(lesson):
        for output in cell.get("outputs", ()):
            kinds = output.get("data") or {
                key: value
                for key, value in output.items()
                if key in ("text", "traceback", "evalue")
            }
            yield {
                kind: "".join(text) for kind, text in kinds.items() if isinstance(text, list | str)
            }


def test_a_lesson_is_built_from_its_text(lesson):
    assert notebooks.stale(lesson) is None


def test_a_lesson_opens_with_its_title_its_aims_and_its_cost(lesson):
    head = cells_of(lesson)[0]["source"].split("\n")
    assert head[0] == f"# {lesson.title}"
    assert lesson.measured.sentence(lesson.study_minutes) in head
    assert any("After this lesson you can" in line for line in head)


def test_a_lesson_keeps_its_budgets(lesson):
    assert notebooks.budget_faults(lesson, lesson.measured) == []


def test_a_lesson_says_what_its_pictures_show(lesson):
    for kinds in outputs_of(lesson):
        if any(kind.startswith("image/") for kind in kinds):
            text = kinds.get("text/plain", "")
            assert text and not text.startswith("<") and not text.endswith("no description"), text


def test_a_lesson_asks_before_it_shows_and_tells_the_teacher(lesson):
    tags = [tag for cell in cells_of(lesson) for tag in cell["metadata"].get("tags", ())]
    assert set(tags) <= set(notebooks.TAGS)
    assert tags.count("predict") >= 2
    assert tags.count("instructor") >= 1


def test_a_lesson_has_exercises_a_quiz_and_an_explorer(lesson):
    tags = [tag for cell in cells_of(lesson) for tag in cell["metadata"].get("tags", ())]
    checked = [
        name for cell in cells_of(lesson) for name in notebooks.exercise_names(cell["source"])
    ]
    declared = [
        name
        for name, value in vars(notebooks.module(lesson)).items()
        if isinstance(value, exercise.Exercise)
    ]
    assert sorted(checked) == sorted(declared) != []
    assert tags.count("exercise") == len(checked)
    assert "explorer" in tags and "quiz" in tags
    assert any(cell["source"] == "lesson.QUIZ" for cell in cells_of(lesson))


def test_a_lesson_brings_back_questions_of_the_lessons_it_builds_on(lesson):
    called = [f'course.review("{lesson.number}")' == cell["source"] for cell in cells_of(lesson)]
    assert any(called) == bool(lesson.needs)


def test_a_lesson_with_a_headline_was_measured_over_at_least_five_seeds(lesson):
    cells = cells_of(lesson)
    if places := notebooks.headline_cells(cells):
        facts = lessons.headline(lesson.slug)
        assert len(facts["scores"]) >= 5 and facts["cores"] >= 1
        (place,) = places
        told = "".join(cells[place]["outputs"][0]["data"]["text/plain"])
        score, low, high = map(float, course_nbval.HEADLINE.search(told).groups())
        assert low <= score <= high, "measure the band and build on the same machine"
        assert [f"{end:.3f}" for end in (min(facts["scores"]), max(facts["scores"]))] == [
            f"{low:.3f}",
            f"{high:.3f}",
        ]


def test_a_lesson_shows_no_folder_of_the_machine_that_built_it(lesson):
    texts = [cell["source"] for cell in cells_of(lesson)]
    for kinds in outputs_of(lesson):
        texts += [text for kind, text in kinds.items() if not kind.startswith("image/")]
    homes = r"/root/|/home/|/Users/|/tmp/|\b[A-Z]:\\"
    ours = [re.escape(str(folder)) for folder in (notebooks.folder(), sys.prefix)]
    assert re.findall("|".join([homes, *ours]), "\n".join(texts)) == []


def test_a_lesson_names_the_data_that_it_loads(lesson):
    loaded = set(re.findall(r'\bload\("([\w-]+)"\)', lesson.source.read_text(encoding="utf-8")))
    assert loaded & set(data.names()) <= set(lesson.data) <= set(data.names())


def test_a_lesson_needs_only_earlier_lessons(lesson):
    earlier = {other.number for other in notebooks.lessons() if other.number < lesson.number}
    assert set(lesson.needs) <= earlier


def test_a_lesson_has_its_number_and_its_name_for_itself(lesson):
    others = [other for other in notebooks.lessons() if other != lesson]
    assert lesson.number not in {other.number for other in others}
    assert lesson.slug not in {other.slug for other in others}


@pytest.mark.slow
def test_each_solution_is_right_and_each_known_mistake_gets_its_advice(lesson):
    result = notebooks.run(lesson, solved=True)
    assert result.error is None


@pytest.mark.slow
def test_the_quick_run_reaches_the_end(lesson):
    assert notebooks.run(lesson, quick=True).error is None


def tampered(text):
    """Yield (what was done, the text) for each number made half as large again, and each claim."""
    for number in course_nbval.NUMBER.finditer(text):
        if not number["unit"]:
            decimals = len(number[0].partition(".")[2])
            value = course_nbval._value(number[0])
            larger = abs(value) * 1.5 + 0.2 + 10.0**-decimals
            other = f"{math.copysign(larger, value):.{max(1, decimals)}f}"
            yield f"{number[0]} → {other}", text[: number.start()] + other + text[number.end() :]
    for word in re.finditer(r"\b(True|False|yes|no|[A-Za-z]{5,})\b", text):
        yield f"{word[0]} → {word[0]}x", text[: word.end()] + "x" + text[word.end() :]


def test_a_lesson_that_says_another_number_or_claim_is_caught(lesson):
    """Headlines, tables, claims: whatever a learner reads in an output is held to it."""
    passed = []
    for cell in cells_of(lesson):
        tags, tolerance = (cell["metadata"].get(key, 0) for key in ("tags", "tolerance"))
        judge = course_nbval.headline_faults if "headline" in (tags or ()) else text_faults
        for output in cell.get("outputs", ()):
            texts = {"stdout": output.get("text", ""), **output.get("data", {})}
            for kind in course_nbval.TOLERANT:
                text = "".join(texts.get(kind, ""))
                for what, changed in tampered(text):
                    if judge(changed, text, tolerance) == []:
                        passed.append(f"{cell['id']}: {what}")
    assert passed == []


def test_a_lesson_hides_what_is_to_be_predicted_and_what_is_for_teachers(lesson):
    for cell in cells_of(lesson):
        tags, jupyter = (cell["metadata"].get(key, {}) for key in ("tags", "jupyter"))
        assert jupyter.get("outputs_hidden", False) == ("predict" in tags)
        if "predict" in tags:
            # The file holds text as a list of lines. Without this one JupyterLab shows the first.
            first = cell["outputs"][0]
            lines = {kind: "".join(text) for kind, text in first["data"].items()}
            assert first | {"data": lines} == notebooks.CURTAIN
        assert jupyter.get("source_hidden", False) == ("instructor" in tags)


def test_a_lesson_shows_no_notes_of_the_house(lesson):
    code = [cell["source"] for cell in cells_of(lesson) if cell["cell_type"] == "code"]
    assert re.findall(r"# (?:fmt|quick|isort|noqa|type):?.*", "\n".join(code)) == []


DECIMAL = re.compile(r"(?<![\d.])\d+\.\d+(?![\d.])")


def numbers_given(lesson):
    """Return the numbers of a lesson's outputs, code and formulas, and each as per cent."""
    cells = cells_of(lesson)
    given = [text for kinds in outputs_of(lesson) for text in kinds.values()]
    given += [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    texts = [cell["source"] for cell in cells if cell["cell_type"] == "markdown"]
    given += re.findall(r"\$.*?\$", "\n".join(texts), re.DOTALL)
    given = "\n".join(given)
    values = {float(number) for number in DECIMAL.findall(given)}
    values |= {float(number) for number in re.findall(r"\b\d+e-\d+\b", given)}
    values |= {int(number) / 1e6 for number in re.findall(r"\b\d{7,8}\b", given)}  # "million"
    return values | {100 * value for value in values}  # "per cent"


def unproven(text, values):
    """Return the numbers with decimals of a text that are none of the values, rounded."""
    return [
        number
        for number in DECIMAL.findall(text)
        if not any(f"{value:.{len(number.partition('.')[2])}f}" == number for value in values)
    ]


def test_a_lesson_says_no_number_that_no_cell_gives(lesson):
    """A number with decimals in the text comes from an output, from code or from a formula."""
    # Not said as true: answers to choose from, up to the end of the paragraph, and code and links.
    elsewhere = r"(?s)\(a\) .*?(?=\n\n|$)|https?://\S+|`[^`]*`|\$.*?\$"
    values = numbers_given(lesson)
    found = {
        cell["id"]: unproven(re.sub(elsewhere, "", cell["source"]), values)
        for cell in cells_of(lesson)
        if cell["cell_type"] == "markdown"
    }
    assert {place: numbers for place, numbers in found.items() if numbers} == {}


def test_the_page_of_claims_says_no_number_that_no_cell_gives():
    page = (notebooks.folder() / "docs" / "claims.md").read_text(encoding="utf-8")
    for row in page.splitlines():
        values = set()
        for number in re.findall(r"\[(\d\d)\]\(", row):
            values |= numbers_given(notebooks.find([number])[0])
        assert unproven(row, values) == [], row


def test_a_lesson_names_no_article_that_nobody_can_see(lesson):
    texts = [cell["source"] for cell in cells_of(lesson) if cell["cell_type"] == "markdown"]
    assert re.findall(r"[Tt]he article", "\n".join(texts)) == []


def test_a_bug_to_find_is_the_one_that_the_lesson_knows(lesson):
    """What the notebook gives is what the module calls given, so that its fault is not named."""
    exercises = {
        name: each
        for name, each in vars(notebooks.module(lesson)).items()
        if getattr(each, "given", None)
    }
    for cell in cells_of(lesson):
        for name in set(notebooks.exercise_names(cell["source"])) & exercises.keys():
            (blank,) = [
                statement
                for statement in ast.parse(cell["source"]).body
                if getattr(statement, "name", "") == name
            ]
            assert exercise._code_in(ast.unparse(blank)) == exercise._code_of(exercises[name].given)
            said = "".join(cell["outputs"][0]["data"]["text/plain"])
            assert said.startswith("Not tried yet. This is the function as it was given.")


def test_the_page_of_claims_and_the_lessons_point_at_each_other():
    page = (notebooks.folder() / "docs" / "claims.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\(\.\./notebooks/(\w+\.ipynb)\)", page))
    pointing = {
        lesson.notebook.name
        for lesson in LESSONS
        if any("docs/claims.md" in cell["source"] for cell in cells_of(lesson))
    }
    assert named == pointing != set()


CHECKS = [check for name, check in globals().items() if name.startswith("test_a_lesson_")]


def test_every_notebook_has_a_text():
    stored = {path.stem for path in (notebooks.folder() / "notebooks").glob("*.ipynb")}
    assert stored <= {lesson.source.stem for lesson in LESSONS}


def test_the_whole_course_runs_within_its_budget():
    measured = [lesson.measured for lesson in LESSONS if lesson.measured]
    assert sum(each.seconds for each in measured) <= notebooks.COURSE_BUDGET_SECONDS


# A course of its own -----------------------------------------------------------------------------

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
STUDY_MINUTES = 20
NEEDS = ()
DATA = ("wine",)
FRAMEWORKS = ("numpy",)
"""


def use(monkeypatch, course):
    """Let the functions, and the kernels, work on the course in this folder."""
    monkeypatch.delenv("DLCOURSE_COURSE", raising=False)
    monkeypatch.setattr(notebooks, "PACKAGE", course / "dlcourse")
    monkeypatch.setattr(lessons, "FOLDER", course / "dlcourse" / "lessons")
    paths = [str(course), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A copy of the package with two lessons: 11 is built, `new` has begun 70 and that is built."""
    course = tmp_path_factory.mktemp("course")
    ignored = shutil.ignore_patterns("datasets", "lessons", "__pycache__")
    shutil.copytree(notebooks.PACKAGE, course / "dlcourse", ignore=ignored)
    (course / "dlcourse" / "lessons").mkdir()
    for name in ("__init__.py", "template.txt"):
        shutil.copy(notebooks.PACKAGE / "lessons" / name, course / "dlcourse" / "lessons")
    (course / "notebooks" / "source").mkdir(parents=True)
    (course / "notebooks" / "source" / "11_small_numbers.py").write_text(TEXT)
    (course / "dlcourse" / "lessons" / "small_numbers.py").write_text(FACTS)
    with pytest.MonkeyPatch.context() as monkeypatch:
        use(monkeypatch, course)
        assert notebooks.build(notebooks.find(["11"])[0]).error is None
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
    return notebooks.find(["11"])[0]


@pytest.fixture
def begun(course):
    return notebooks.find(["70"])[0]


@pytest.fixture
def executed(monkeypatch):
    """The notebooks that would have been run; nothing is."""
    seen = []

    def pretend(lesson, notebook, progress=None):
        seen.append(notebook)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.execution_count = 1
        return notebooks.Run(lesson, 1.0, 0.5, 0.05, 100.0)

    monkeypatch.setattr(notebooks, "_execute", pretend)
    return seen


def rewrite(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text, "the edit changed nothing, so it tests nothing"
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_facts_are_read_without_running_the_module(course, small):
    rewrite(course / "dlcourse" / "lessons" / "small_numbers.py", "'''Facts.'''", "1 / 0")
    assert (small.title, small.study_minutes, small.part) == ("Small numbers", 20, "Basics")
    assert (small.needs, small.data, small.frameworks) == ((), ("wine",), ("numpy",))


def test_a_missing_fact_or_module_is_said(course, small):
    path = course / "dlcourse" / "lessons" / "small_numbers.py"
    rewrite(path, '"Small numbers"', "len")
    with pytest.raises(LessonError, match=r"small_numbers.py needs a line `TITLE = …`"):
        _ = small.title
    path.unlink()
    (again,) = notebooks.find(["11"])
    with pytest.raises(LessonError, match="Lesson 11 has a text"):
        _ = again.title


def test_lessons_come_by_number_from_the_texts_alone(course):
    sources = course / "notebooks" / "source"
    shutil.copy(sources / "11_small_numbers.py", sources / "05_first.py")
    (sources / "notes.py").write_text("")
    (course / "notebooks" / "99_only_a_notebook.ipynb").write_text("{}")
    numbers = [lesson.number for lesson in notebooks.lessons()]
    assert numbers == ["05", "11", "70"]
    assert notebooks.find() == notebooks.lessons()
    assert [lesson.number for lesson in notebooks.find(("70", "05"))] == ["05", "70"]


def test_an_unknown_number_is_answered_with_those_there_are(course):
    with pytest.raises(LessonError, match=r"no lesson 12, 7\. There are: 11, 70\."):
        notebooks.find(["12", "11", "7"])


def test_a_text_in_no_part_is_said(course):
    (course / "notebooks" / "source" / "80_late.py").write_text("")
    with pytest.raises(LessonError, match=r"80_late\.py: there is no part 8"):
        notebooks.lessons()


def test_the_folder_is_the_named_one_else_the_clone_else_one_above(course, monkeypatch, tmp_path):
    assert notebooks.folder() == course
    monkeypatch.setattr(notebooks, "PACKAGE", tmp_path / "elsewhere" / "dlcourse")
    monkeypatch.chdir(course / "notebooks")
    assert notebooks.folder() == course
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LessonError, match="DLCOURSE_COURSE"):
        notebooks.folder()
    monkeypatch.setenv("DLCOURSE_COURSE", str(course))
    assert notebooks.folder() == course
    monkeypatch.setenv("DLCOURSE_COURSE", str(tmp_path))
    with pytest.raises(LessonError, match=re.escape(str(tmp_path))):
        notebooks.folder()


def test_a_built_notebook_has_outputs_fixed_ids_and_the_measurement(small):
    stored = json.loads(small.notebook.read_text(encoding="utf-8"))
    head, parameters, prints = stored["cells"][:3]
    assert [cell["id"] for cell in stored["cells"]] == [f"small_numbers-{i:02d}" for i in range(5)]
    assert parameters["metadata"] == {"tags": ["parameters"], "tolerance": 0.02}
    assert "epochs 4\n" in prints["outputs"][0]["text"]
    assert prints["execution_count"] == 2
    pattern = r"Study about 20 min; the notebook runs in \d+ s on \w+ cores? and peaks at \d+0 MB "
    assert re.fullmatch(pattern + r"\(measured by the build\)\.", head["source"][-1])
    assert stored["metadata"].keys() == {"dlcourse", "kernelspec", "language_info"}
    assert "version" not in stored["metadata"]["language_info"]
    assert small.measured.seconds >= small.measured.slowest_cell_seconds > 0
    assert 30 < small.measured.peak_memory_mb < 1000
    assert small.size_bytes == small.notebook.stat().st_size
    assert not list(small.notebook.parent.glob("*.part"))


def test_a_stored_notebook_says_nothing_of_the_machine_or_the_moment(small, course):
    text = small.notebook.read_text(encoding="utf-8")
    assert "dlcourse/arrays.py" in text and "cell.py:4: UserWarning: careful" in text
    assert "IntSlider(value=3)" in text and "<object object at 0x…>" in text
    for told in ("model_id", str(course), "/tmp", sys.prefix):
        assert told not in text


HEADLINE = """
# %% tags=["parameters"]
seed = 0

# %% tags=["headline"]
from dlcourse import results
headline = results.Headline("score", 0.5 + seed / 1000, 0.4, "a guess", 12, 1.5)
headline

# %%
raise RuntimeError("what comes after the headline is not run")
"""


@pytest.mark.slow
def test_a_band_is_measured_over_seeds(course, small):
    rewrite(small.source, "# %%\nipywidgets", HEADLINE + "\n# %%\nipywidgets")
    path = notebooks.measure_band(small, seeds=5)
    assert path == course / "dlcourse" / "lessons" / "small_numbers.band.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    assert facts.pop("cores") >= 1
    assert facts == {
        "what": "score",
        "baseline": 0.4,
        "baseline_name": "a guess",
        "parameters": 12,
        "scores": [0.5, 0.501, 0.502, 0.503, 0.504],
        "seconds": 1.5,
    }


@pytest.mark.parametrize(
    "old, new, words",
    [
        ('["headline"]', '["predict"]', "needs one cell tagged `headline`"),
        ("seed = 0", "seed = 1", "needs one line `seed = 0` tagged `parameters`"),
    ],
)
def test_a_band_without_a_headline_or_a_seed_is_refused(small, executed, old, new, words):
    text = HEADLINE.replace(old, new)
    rewrite(small.source, "# %%\nipywidgets", text + "\n# %%\nipywidgets")
    with pytest.raises(LessonError, match=words):
        notebooks.measure_band(small)
    assert executed == []


def test_a_new_band_rebuilds(course, executed):
    (course / "dlcourse" / "lessons" / "small_numbers.band.json").write_text('{"scores": [0]}')
    assert notebooks.build(*notebooks.find(["11"])) is not None


@pytest.mark.slow
def test_a_second_build_gives_the_same_outputs(small):
    before = cells_of(small)
    assert notebooks.build(small, force=True).error is None
    assert cells_of(small)[1:] == before[1:]


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
    assert notebooks._steady({"text": [path]}) == {"text": [kept]}


def test_what_is_up_to_date_is_not_built_again(small, executed):
    before = small.notebook.read_bytes()
    assert notebooks.build(small) is None
    assert (small.notebook.read_bytes(), executed) == (before, [])


@pytest.mark.parametrize(
    "file, old, new, rebuilds",
    [
        ("notebooks/source/11_small_numbers.py", "epochs = 4", "epochs = 5", True),
        ("dlcourse/lessons/small_numbers.py", "STUDY_MINUTES = 20", "STUDY_MINUTES = 25", True),
        ("dlcourse/lessons/small_numbers.py", "Facts", "Other facts", True),
        ("dlcourse/arrays.py", "axes", "Axes", True),
        ("dlcourse/backends/__init__.py", "import", "import  ", True),
        ("dlcourse/lessons/__init__.py", "FOLDER", "PLACE", True),
        ("dlcourse/notebooks.py", "Lesson", "lesson", False),
        ("notebooks/11_small_numbers.ipynb", "epochs 4", "epochs 40", False),  # nbval sees it
        ("notebooks/11_small_numbers.ipynb", "epochs = 4", "epochs = 40", True),
        ("notebooks/11_small_numbers.ipynb", '{\n "cells"', '<<<<<<< {\n "cells"', True),
    ],
)
def test_a_change_that_can_change_outputs_rebuilds(course, executed, file, old, new, rebuilds):
    rewrite(course / file, old, new)
    (lesson,) = notebooks.find(["11"])
    assert (notebooks.build(lesson) is not None) == rebuilds == bool(executed)
    assert executed == [] or notebooks.build(lesson) is None


def test_recorded_measurements_and_another_dataset_rebuild(course, executed):
    (course / "dlcourse" / "lessons" / "small_numbers.json").write_text("{}")
    (course / "dlcourse" / "lessons" / "fraud_faults_anomalies_2.json").write_text("{}")
    assert notebooks.build(*notebooks.find(["11"])) is not None
    assert notebooks.build(*notebooks.find(["70"])) is None
    rewrite(course / "dlcourse" / "lessons" / "small_numbers.py", '"wine"', '"digits"')
    assert notebooks.build(*notebooks.find(["11"])) is not None


def test_a_changed_question_rebuilds_the_lessons_that_bring_it_back(course, executed):
    facts = course / "dlcourse" / "lessons" / "fraud_faults_anomalies.py"
    rewrite(facts, "NEEDS = ()", 'NEEDS = ("11",)')
    (later,) = notebooks.find(["70"])
    assert notebooks.build(later) is not None
    assert notebooks.build(later) is None
    rewrite(course / "dlcourse" / "lessons" / "small_numbers.py", "Facts", "Other facts")
    assert notebooks.build(later) is not None


def test_a_changed_lesson_rebuilds_the_one_that_shows_the_map(course, small, executed):
    rewrite(small.source, "print(object())", "course.map()")
    assert notebooks.build(small) is not None
    assert notebooks.build(small) is None
    rewrite(course / FACTS_OF_70, "STUDY_MINUTES = 30", "STUDY_MINUTES = 35")
    assert notebooks.build(small) is not None


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
    result = notebooks.run(small, progress=lambda *counts: calls.append(counts))
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
    "seconds, slowest, slider, memory, words",
    [
        (60, 30, 0.1, 1200, []),
        (
            61,
            30,
            0.1,
            1200,
            ["Lesson 11 (small_numbers): the notebook takes 61 s; the budget is 60 s."],
        ),
        (60, 31, 0.1, 1201, ["slowest cell takes 31 s", "memory peaks at 1201 MB"]),
        (60, 30, 0.25, math.nan, ["slowest slider waits 0.25 s", "memory peaks at nan MB"]),
        (60, 30, math.nan, 1200, ["slowest slider waits nan s"]),
    ],
)
def test_each_broken_budget_is_a_sentence(small, seconds, slowest, slider, memory, words):
    for measured in (
        notebooks.Measured(seconds, slowest, slider, memory, cores=2),
        notebooks.Run(small, seconds, slowest, slider, memory),
    ):
        faults = notebooks.budget_faults(small, measured)
        assert len(faults) == len(words)
        assert all(word in fault for word, fault in zip(words, faults))


def test_a_large_notebook_breaks_a_budget(small):
    small.notebook.write_text("x" * 1_600_000)
    (fault,) = notebooks.budget_faults(small, notebooks.Measured(1, 1, 0.1, 100, 2))
    assert "the stored notebook takes 1.6 MB; the budget is 1.5 MB." in fault


@pytest.mark.parametrize("cores, words", [(1, "one core "), (2, "two cores "), (16, "16 cores ")])
def test_the_measurement_reads_as_a_sentence(cores, words):
    sentence = notebooks.Measured(20.3, 4, 0.1, 612, cores).sentence(50)
    assert sentence == (
        f"Study about 50 min; the notebook runs in 21 s on {words}and peaks at 610 MB "
        "(measured by the build)."
    )


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_new_lesson_passes_every_check(begun, check):
    check(begun)


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
    facts = course / "dlcourse" / "lessons" / f"{begun.slug}.py"
    for config, path in (("pyproject.toml", facts), ("notebooks/source/ruff.toml", begun.source)):
        settings = ["--config", str(TESTS.parent / config), "--no-cache", str(path)]
        run = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *settings], capture_output=True, text=True
        )
        assert run.returncode == 0, run.stdout + run.stderr


RETURNED = 'return f"At {place:.2f} the slope is {2 * place:.2f}."'


@pytest.mark.slow
@pytest.mark.parametrize(
    "file, old, new, words",
    [
        (None, "", "", ""),
        ("FACTS", "return place**2", "return place * 2", "the mistake"),
        ("FACTS", '"Twice the place: `2 * place`."', '"Twice."', ""),
        ("FACTS", "Look at the figure: is", "Try 2 * place, is", "tells the solution too early"),
        ("SOURCE", RETURNED, 'return "A slope."', "does not change the sentence"),
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
    solved = notebooks._with_solution(source, "f", "def f(x):\n    return x", begun)
    assert solved == source.replace("...", "x")
    assert notebooks._with_solution("a = ...\nb", "a", "c = 1\na = c", begun) == "c = 1\na = c\nb"


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


STORED = "notebooks/70_fraud_faults_anomalies.ipynb"
SOURCE = "notebooks/source/70_fraud_faults_anomalies.py"
FACTS_OF_70 = "dlcourse/lessons/fraud_faults_anomalies.py"


@pytest.mark.parametrize(
    "check, file, old, new",
    [
        ("is_built_from_its_text", SOURCE, "y = x^2", "y = x^3"),
        ("opens_with_its_title", FACTS_OF_70, "Fraud, faults", "Fraud and faults"),
        ("opens_with_its_title", STORED, "After this lesson you can", "Then"),
        ("opens_with_its_title", STORED, "(measured by the build)", ""),
        ("keeps_its_budgets", STORED, '"peak_memory_mb": ', '"peak_memory_mb": 9'),
        ("keeps_its_budgets", STORED, '"seconds": ', '"seconds": 99'),
        ("says_what_its_pictures_show", STORED, "Figure: A parabola", "<Figure> A parabola"),
        ("says_what_its_pictures_show", STORED, "text/plain", "text/none"),
        ("asks_before_it_shows", STORED, '"predict"', '"predicted"'),
        ("asks_before_it_shows", STORED, '[\n     "predict"\n    ]', "[]"),
        ("asks_before_it_shows", STORED, '"instructor"', '"quiz"'),
        ("has_exercises", FACTS_OF_70, "def slope_at(", "def slope_of("),
        ("has_exercises", STORED, "lesson.slope_at.check(slope_at)", "slope_at(1)"),
        ("has_exercises", STORED, '"explorer"', '"predict"'),
        ("has_exercises", STORED, "lesson.QUIZ", "lesson.QUIZ.keys()"),
        ("brings_back", FACTS_OF_70, "NEEDS = ()", 'NEEDS = ("11",)'),
        ("shows_no_folder", STORED, "slope at 1: 2.00", "/home/ada/course 2.00"),
        ("shows_no_folder", STORED, "slope at 1: 2.00", "/tmp/x 2.00"),
        ("names_the_data", FACTS_OF_70, "DATA = ()", 'DATA = ("wines",)'),
        ("names_the_data", SOURCE, "step = 0.001", 'wine = load("wine")'),
        ("needs_only_earlier", FACTS_OF_70, "NEEDS = ()", 'NEEDS = ("71",)'),
        ("has_its_number", None, "", ""),
        ("says_no_number", STORED, "the slope is 2, as", "the slope is 2.01, as"),
    ],
)
def test_a_broken_promise_is_noticed(course, check, file, old, new):
    if file:
        rewrite(course / file, old, new)
    else:
        shutil.copy(course / SOURCE, course / "notebooks" / "source" / "70_twin.py")
    (lesson,) = (each for each in notebooks.lessons() if each.slug == "fraud_faults_anomalies")
    (check,) = (each for each in CHECKS if check in each.__name__)
    with pytest.raises(AssertionError):
        check(lesson)


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
    assert lesson in notebooks.lessons()
    assert "never built" in notebooks.stale(lesson)
    assert f"# {lesson.title}" == cells_of(lesson)[0]["source"].split("\n")[0]


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
