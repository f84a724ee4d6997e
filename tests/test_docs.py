"""The pages name files, commands, tags, kinds and floors that there are."""

import ast
import re

from dlcourse import catalogue, cli, data, notebooks

import pytest
from test_floors import FLOORS

COURSE = catalogue.PACKAGE.parent
PAGES = [*sorted(COURSE.glob("*.md")), *sorted(COURSE.glob("docs/*.md"))]


@pytest.fixture(params=PAGES, ids=lambda page: page.name)
def page(request):
    return request.param


def test_a_page_s_links_lead_somewhere(page):
    text = re.sub(r"(?s)```.*?```", "", page.read_text(encoding="utf-8"))
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", text)
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_a_page_s_commands_are_commands(page):
    known = {command.name or command.callback.__name__ for command in cli.app.registered_commands}
    known |= {group.name for group in cli.app.registered_groups}
    named = re.findall(r"(?:`|^    )dlcourse (\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    if page.name != "CHANGELOG.md":  # which names what is gone
        assert set(named) <= known


def test_a_page_s_code_is_python(page):
    for code in re.findall(r"(?s)```python\n(.*?)```", page.read_text(encoding="utf-8")):
        ast.parse(code)


def test_the_guide_explains_every_tag_and_no_other():
    text = (COURSE / "docs" / "write-a-lesson.md").read_text(encoding="utf-8")
    table = text.split("### Tags")[1].split("###")[0]
    assert set(re.findall(r"(?m)^\| `([\w-]+)` \|", table)) == set(notebooks.TAGS)


def test_the_guide_names_the_budgets_that_there_are():
    text = " ".join((COURSE / "docs" / "write-a-lesson.md").read_text(encoding="utf-8").split())
    budgets = (
        f"{notebooks.NOTEBOOK_BUDGET_SECONDS} s, {notebooks.CELL_BUDGET_SECONDS} s for a cell, "
        f"{notebooks.EXPLORER_BUDGET_SECONDS} s for a slider, {notebooks.MEMORY_BUDGET_MB} MB at "
        f"its peak and {notebooks.OWN_MEMORY_BUDGET_MB} MB of that its own, "
        f"{notebooks.STORED_BUDGET_MB} MB stored"
    )
    assert budgets in text


def test_the_page_on_data_explains_every_kind():
    text = (COURSE / "docs" / "add-data.md").read_text(encoding="utf-8")
    table = text.split("## 2.")[1].split("## 3.")[0]
    assert set(re.findall(r"(?m)^\| `(\w+)` \|", table)) == {*data.KINDS, "weights"}


def test_the_table_of_floors_is_the_one_that_is_held():
    text = (COURSE / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| (\d+) \| (.*?) \|", text)
    names = {f"lessons/*/{name}.py": f"lessons.{name}" for name in ("record", "ways")}
    for level, cell in rows:
        modules = {names.get(name, name) for name in re.findall(r"`([\w./*]+)`", cell)}
        assert modules <= FLOORS[int(level)] <= modules | {"elsewhere.child"}
    assert len(rows) == len(FLOORS)
