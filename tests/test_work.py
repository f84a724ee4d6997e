"""Nothing that a learner writes is lost: copies, updates, kills, and answers put back."""

import ast
import json
import os
import random
import re
import sys

from dlcourse import catalogue, notebooks, progress, work
from dlcourse.errors import KindError, LessonError

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_course import rewrite
from typer.testing import CliRunner

LESSONS = catalogue.lessons()
CHANGED, MOVED = 0.3, 0.1  # shares of a lesson's cells
LINES = st.lists(st.sampled_from("abcd"), max_size=8).map("\n".join)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCOURSE_WORK", str(tmp_path / "mine"))
    return tmp_path / "mine"


def read(path):
    return json.loads(path.read_text("utf-8"))


def write(path, notebook):
    path.write_text(json.dumps(notebook), "utf-8")


def source(cell):
    return "".join(cell["source"])


def text(cells):
    return "\n".join(map(source, cells))


def code(identity, source, **more):
    return {"id": identity, "cell_type": "code", "metadata": {}, "source": source} | more


def note(identity, source):
    return {"id": identity, "cell_type": "markdown", "metadata": {}, "source": source}


def solved(lesson, cells, chance):
    """Return what a learner makes of a lesson's cells: answers, notes, cells, other numbers."""
    result = []
    for i, cell in enumerate(cells):
        cell = dict(cell)
        if names := notebooks.exercise_names(source(cell)):
            cell["source"] = notebooks.solve(lesson, WithTags(cell), prove=False)
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": names[0]}]
        elif chance.random() < 0.1:
            cell["source"] += f"\n# mine {i}" if cell["cell_type"] == "code" else f"\n\nMine {i}."
        result.append(cell)
        if chance.random() < 0.15:
            result.append(chance.choice([note, code])(f"added{i}", f"my_note = {i}"))
    return result


class WithTags(dict):
    """A cell of JSON as nbformat gives it."""

    cell_type = property(lambda self: self["cell_type"])
    source = property(lambda self: source(self))
    metadata = property(lambda self: self["metadata"])


def next_edition(cells, chance):
    """Return a lesson's cells with 30 % changed, 10 % moved, some added, and the ids renumbered."""
    result = [dict(cell) for cell in cells]
    for cell in chance.sample(result, round(CHANGED * len(result))):
        lines = source(cell).split("\n")
        at = chance.randrange(len(lines) + 1)
        new = "# Said anew." if cell["cell_type"] == "code" else "A sentence that is new."
        inside = "\n".join([*lines[:at], new, *lines[at:]])
        cell["source"] = inside if parses(cell, inside) else f"{source(cell)}\n{new}"
    for _ in range(round(MOVED * len(result))):
        moved = result.pop(chance.randrange(1, len(result)))
        result.insert(chance.randrange(1, len(result) + 1), moved)
    for i in range(3):
        result.insert(chance.randrange(1, len(result)), note("", f"A new paragraph {i}."))
    return [cell | {"id": f"renamed-{i:02d}"} for i, cell in enumerate(result)]


def parses(cell, text):
    try:
        return cell["cell_type"] != "code" or bool(ast.parse(text))
    except SyntaxError:
        return False


def definitions(cells):
    """Return {exercise: its definition}, from the cells that check one."""
    found = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            names = notebooks.exercise_names(source(cell))
            for statement in ast.parse(source(cell)).body if names else ():
                for name in names:
                    if notebooks.defines([statement], name):
                        found.setdefault(name, ast.dump(statement))
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)
def test_a_large_update_keeps_every_answer_cell_and_note(lesson, seed):
    chance = random.Random(f"{lesson.slug} {seed}")
    base = work.shipped(lesson)["cells"]
    mine = solved(lesson, base, chance)
    new = next_edition(base, chance)
    cells, _ = work.merged(base, mine, new)
    answers = definitions(mine)
    assert answers.keys() == definitions(base).keys() and answers != definitions(base)
    assert definitions(cells) == answers
    assert len({cell["id"] for cell in cells}) == len(cells)
    written = {line for cell in mine for line in source(cell).split("\n")} - {
        line for cell in base for line in source(cell).split("\n")
    }
    assert [line for line in written if line not in text(cells)] == []
    added = [
        {cell["id"] for cell in each if cell["id"].startswith("added")} for each in (mine, cells)
    ]
    assert added[0] == added[1]
    # And what is new is there. (In an exercise, the learner's definition has replaced it.)
    for cell in (cell for cell in new if not notebooks.exercise_names(source(cell))):
        for line in {"# Said anew.", "A sentence that is new."} & set(source(cell).split("\n")):
            assert any(line in source(there) for there in cells if there["id"] == cell["id"])
    again, notes = work.merged(new, cells, new)
    assert (again, notes) == (cells, [])


def test_an_untouched_copy_becomes_the_new_edition():
    for lesson in LESSONS:
        base = work.shipped(lesson)["cells"]
        new = next_edition(base, random.Random(1))
        cells, notes = work.merged(base, base, new)
        assert notes == []
        assert [source(cell) for cell in cells] == [source(cell) for cell in new]
        assert [cell["id"] for cell in cells] == [cell["id"] for cell in new]


BASE = [
    note("a-00", "# Title"),
    code("a-01", "import numpy as np"),
    code("a-02", "# Try it.\nshare = ...\nlesson.share.check(share)", outputs=["old"]),
    note("a-03", "The end is near, and this sentence is long enough to be known again."),
]


def changed(cells, **sources):
    return [
        cell | {"source": sources.get(cell["id"][-2:].join("c_").replace("_", ""), cell["source"])}
        for cell in cells
    ]


@pytest.mark.parametrize(
    "mine, new, wanted",
    [
        # Only one of both has changed it.
        (
            {"c02": "share = 3\nlesson.share.check(share)"},
            {},
            "share = 3\nlesson.share.check(share)",
        ),
        (
            {},
            {"c02": "share = ...\nlesson.share.check(share)"},
            "share = ...\nlesson.share.check(share)",
        ),
        # Both, in lines of their own.
        (
            {"c02": "# Try it.\nshare = 3\nlesson.share.check(share)"},
            {"c02": "# Try it now.\nshare = ...\nlesson.share.check(share)"},
            "# Try it now.\nshare = 3\nlesson.share.check(share)",
        ),
        # Both, the blank too: the answer takes its place.
        (
            {"c02": "# Try it.\n# half of it\nhalf = 3\nshare = half\nlesson.share.check(share)"},
            {"c02": "# Try it.\nshare = None  # a number\nlesson.share.check(share)\nshare"},
            "# Try it.\n# half of it\nhalf = 3\nshare = half\nlesson.share.check(share)\nshare",
        ),
    ],
)
def test_an_exercise_that_both_have_changed(mine, new, wanted):
    cells, notes = work.merged(BASE, changed(BASE, **mine), changed(BASE, **new))
    assert source(cells[2]) == wanted and notes == [] and len(cells) == 4


def test_what_cannot_be_brought_together_stays_as_text_below():
    mine = changed(BASE, c01="import numpy as N  # mine", c03="The end is mine. `x`")
    new = changed(BASE, c01="import numpy as np, torch", c03=f"{BASE[3]['source']} New.")
    cells, notes = work.merged(BASE, mine, new)
    assert [cell["cell_type"] for cell in cells] == [
        *("markdown", "code", "markdown", "code", "markdown", "markdown")
    ]
    assert source(cells[1]) == "import numpy as np, torch"
    assert "```python\nimport numpy as N  # mine\n```" in source(cells[2])
    assert "The end is mine. `x`" in source(cells[5]) and len(notes) == 2


def test_an_answer_is_found_by_its_exercise_wherever_the_cell_goes_and_keeps_its_outputs():
    mine = [*BASE[:2], BASE[2] | {"source": "share = 3\nlesson.share.check(share)"}, BASE[3]]
    new = [BASE[2] | {"id": "b-00"}, *BASE[:2], BASE[3]]
    cells, _ = work.merged(BASE, mine, new)
    assert source(cells[0]) == "share = 3\nlesson.share.check(share)"
    assert cells[0]["id"] == "b-00" and cells[0]["outputs"] == ["old"]


def test_a_cell_whose_id_an_editor_has_dropped_is_known_by_its_text():
    answered = changed(
        BASE, c02="share = 3\nlesson.share.check(share)", c03=f"{BASE[3]['source']} Mine."
    )
    mine = [{key: cell[key] for key in cell if key != "id"} for cell in answered]
    cells, _ = work.merged(BASE, mine, changed(BASE, c00="# A new title"))
    assert [source(cell) for cell in cells] == ["# A new title", *map(source, mine[1:])]


def test_what_is_deleted_stays_deleted_until_it_is_new():
    mine = [BASE[0], *BASE[2:]]
    assert work.merged(BASE, mine, BASE)[0] == mine
    cells, _ = work.merged(BASE, mine, changed(BASE, c01="import numpy"))
    assert source(cells[1]) == "import numpy"


def test_an_answer_to_an_exercise_that_is_gone_stays_as_text():
    mine = changed(BASE, c02="share = 3\nlesson.share.check(share)")
    cells, notes = work.merged(BASE, mine, [BASE[0], BASE[1], BASE[3]])
    assert "share = 3" in source(cells[2]) and cells[2]["cell_type"] == "markdown" and notes


def test_added_cells_follow_what_they_followed_at_the_top_too():
    mine = [code("x", "first"), BASE[0], code("y", "1"), code("z", "2"), *BASE[1:]]
    new = [note("n", "A long new beginning, unlike the others."), *BASE]
    assert [source(cell) for cell in work.merged(BASE, mine, new)[0]] == [
        "first", source(new[0]), "# Title", "1", "2", *map(source, BASE[1:])]  # fmt: skip


@given(LINES, LINES, LINES)
def test_a_three_way_merge_takes_what_one_has_changed_and_never_drops_a_line(base, mine, new):
    assert work.three_way(base, base, new) == new
    assert work.three_way(base, mine, base) == mine
    assert work.three_way(base, mine, mine) == mine
    assert work.three_way(base, mine, new) == work.three_way(base, new, mine)
    if (both := work.three_way(base, mine, new)) is not None:
        for written in (mine, new):
            for line in set(written.split("\n")) - set(base.split("\n")):
                assert line in both.split("\n")


# Files -----------------------------------------------------------------------------------------


def renamed(course, lesson):
    """Give a small lesson another slug, and say what it was."""
    folder = course / "dlcourse" / "lessons"
    (folder / lesson.slug).rename(folder / "other_numbers")
    facts = folder / "other_numbers" / "__init__.py"
    facts.write_text(f"{facts.read_text()}FORMERLY = ('{lesson.slug}',)\n")
    for path in (lesson.source, lesson.notebook):
        path.rename(path.with_name(path.name.replace(lesson.slug, "other_numbers")))
    return catalogue.find([lesson.number])[0]


def written_into(path):
    notebook = read(path)
    notebook["cells"].insert(2, code("mine", "my_own = 1", outputs=[], execution_count=None))
    write(path, notebook)


def test_every_link_from_a_copy_to_a_file_meets_one(place):
    work.prepare(LESSONS)
    for path in place.glob("[!.]*.*"):
        text = path.read_text("utf-8")
        links = re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", text)
        assert [
            link
            for link in links
            if link.endswith((".md", ".ipynb")) and not (place / link).exists()
        ] == []
    assert (place / "claims.md").exists()


def test_a_copy_is_made_once_and_left_alone(small, place):
    (made,) = work.prepare([small])
    assert (made.word, made.copy) == ("new", place / small.notebook.name)
    assert [source(cell) for cell in read(made.copy)["cells"]] == [
        source(cell) for cell in small.stored()["cells"]
    ]
    written_into(made.copy)
    before = made.copy.read_bytes()
    for command in (work.prepare, work.update):
        assert command([small])[0].word == "as it was"
    assert made.copy.read_bytes() == before and not (place / "earlier").exists()


def test_an_update_takes_along_what_was_written_and_keeps_the_copy(small, place):
    (made,) = work.prepare([small])
    written_into(made.copy)
    before = made.copy.read_bytes()
    rewrite(small.source, 'print("epochs", epochs)', 'print("epochs:", epochs)')
    (told,) = work.prepare([small])
    assert "dlcourse update 11" in told.notes[0] and made.copy.read_bytes() == before
    assert work.update([small])[0].word == "up to date"
    now = text(read(made.copy)["cells"])
    assert "my_own = 1" in now and 'print("epochs:", epochs)' in now
    assert [path.read_bytes() for path in (place / "earlier").iterdir()] == [before]


def test_a_lesson_that_was_renamed_is_found_again(course, small, place):
    (made,) = work.prepare([small])
    written_into(made.copy)
    (done,) = work.update([renamed(course, small)])
    assert "my_own = 1" in text(read(place / "11_other_numbers.ipynb")["cells"])
    assert not made.copy.exists() and "was 11_small_numbers.ipynb" in done.notes[0]
    assert (place / "earlier").glob("11_small_numbers*")


def test_what_a_learner_wrote_into_the_course_s_own_notebook_comes_along(small):
    written_into(small.notebook)
    (made,) = work.prepare([small])
    assert "my_own = 1" in text(read(made.copy)["cells"])
    rewrite(small.source, "epochs", "rounds")
    work.update([small])
    assert "my_own = 1" in text(read(made.copy)["cells"])


@pytest.mark.parametrize("content", [b"", b"{", b'{"cells": 3}', b'{"cells": [3]}', b"\xff\xfe"])
def test_a_copy_that_cannot_be_read_is_kept_aside(small, place, content):
    (made,) = work.prepare([small])
    made.copy.write_bytes(content)
    (done,) = work.update([small])
    assert "could not be read" in done.notes[0] and catalogue.notebook_at(made.copy)
    assert [path.read_bytes() for path in (place / "earlier").iterdir()] == [content]


def test_the_course_s_own_folder_is_no_place_for_copies(small, monkeypatch):
    monkeypatch.setenv("DLCOURSE_WORK", str(small.notebook.parent))
    with pytest.raises(work.WorkError, match="holds the course's own notebooks"):
        work.update([small])


def test_a_folder_that_cannot_be_written_is_said_in_words(small, place):
    place.write_text("a file")
    with pytest.raises(work.WorkError, match="DLCOURSE_WORK"):
        work.update([small])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no copies of a process on Windows")
def test_a_command_that_is_killed_whenever_it_touches_a_file_loses_nothing(course, small, place):
    """At each moment in turn, until one run gets through."""
    other = catalogue.find(["70"])[0]
    made, _ = work.prepare([small, other])
    rewrite(other.source, "# ", "# New: ")
    written_into(made.copy)
    rewrite(small.source, 'print("epochs", epochs)', 'print("epochs:", epochs)')
    changed_lessons = [renamed(course, small), other]
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    moments, through = 0, False
    while not through:
        through = killed_at(moments, changed_lessons, place)
        moments += 1
        notebooks_there = [catalogue.notebook_at(path) for path in place.rglob("*.ipynb")]
        assert any("my_own = 1" in text(there.get("cells", ())) for there in notebooks_there)
        work.update(changed_lessons)  # and the next call brings it to its end
        now = text(read(place / "11_other_numbers.ipynb")["cells"])
        assert "my_own = 1" in now and 'print("epochs:", epochs)' in now
        for path in place.rglob("*"):
            if path.is_file():
                path.unlink()
        for path, content in before.items():
            path.write_bytes(content)
    assert moments >= 20


def killed_at(moment, changed_lessons, place):
    """Update in a copy of this process that ends at its n-th touch of a file; True if it ended."""
    child = os.fork()
    if not child:
        touches = [0]

        def touch(event, given):
            if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.listdir") and str(
                place
            ) in str(given[0]):
                if touches[0] == moment:
                    os._exit(1)
                touches[0] += 1

        sys.addaudithook(touch)
        status = 2
        try:
            work.update(changed_lessons)
            status = 0
        finally:
            os._exit(status)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code != 2
    return code == 0


def test_the_progress_file_puts_every_answer_back(place, monkeypatch, tmp_path):
    """Every lesson: each cell was checked once, right; then the copies are gone."""
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path / "home"))
    for lesson in LESSONS:
        wanted = {}
        for cell in work.shipped(lesson)["cells"]:
            for name in notebooks.exercise_names(source(cell)):
                answered = notebooks.solve(lesson, WithTags(cell), prove=False)
                progress.record(lesson.slug, name, "exercise", "right", answered)
                progress.record(lesson.slug, name, "exercise", "wrong", "something else")
                wanted[name] = answered
        done = work.restore(lesson)
        assert wanted and done.word == "put back"
        held = [source(cell) for cell in read(done.copy)["cells"]]
        assert [name for name, answered in wanted.items() if answered not in held] == []


def test_an_answer_that_is_there_is_not_overwritten(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path / "home"))
    lesson = next(each for each in LESSONS if each.number == "00")
    (made,) = work.prepare([lesson])
    names = list(definitions(read(made.copy)["cells"]))
    progress.record(
        lesson.slug, "accuracy", "exercise", "right", "def accuracy(p, l):\n    return 1"
    )
    progress.record(lesson.slug, names[-1], "exercise", "wrong", "a Sequential")
    assert work.restore(lesson).notes == ("Put back: accuracy.",)
    assert "return 1" in text(read(made.copy)["cells"])
    progress.record(
        lesson.slug, "accuracy", "exercise", "right", "def accuracy(p, l):\n    return 2"
    )
    assert work.restore(lesson).word == "as it was"


def test_one_exercise_or_a_lesson_begins_again(place):
    lesson = next(each for each in LESSONS if each.number == "11")
    (made,) = work.prepare([lesson])
    notebook = read(made.copy)
    notebook["cells"] = solved(lesson, notebook["cells"], random.Random(3))
    write(made.copy, notebook)
    blank, answers = definitions(work.shipped(lesson)["cells"]), definitions(notebook["cells"])
    name = list(blank)[2]
    work.reset(lesson, name)
    assert definitions(read(made.copy)["cells"]) == answers | {name: blank[name]}
    without = read(made.copy)
    without["cells"] = [cell for cell in without["cells"] if name not in source(cell)]
    write(made.copy, without)
    work.reset(lesson, name)
    assert definitions(read(made.copy)["cells"])[name] == blank[name]
    work.reset(lesson)
    assert read(made.copy)["cells"] == work.shipped(lesson)["cells"]
    assert len([*(place / "earlier").iterdir()]) == 3
    with pytest.raises(LessonError, match="has no exercise 'nothing'"):
        work.reset(lesson, "nothing")


def test_the_commands_say_what_they_did(small, place):
    from dlcourse import cli

    def call(*words):
        result = CliRunner().invoke(cli.app, [*words])
        assert result.exit_code == 0, result.output
        return result.output

    assert re.search(r"11 +Small numbers +new", call("update", "11"))
    assert str(place) in call("update").replace("\n", "")
    assert "put back" in call("reset", "11") and "as it was" in call("restore", "11")


# Odd copies --------------------------------------------------------------------------------------


def odd(small, change):
    """Change a copy's notebook by hand, and let the lesson have a newer edition."""
    (made,) = work.prepare([small])
    notebook = read(made.copy)
    notebook["cells"].append(code("mine", "my_own = 1"))
    change(notebook)
    write(made.copy, notebook)
    rewrite(small.source, 'print("epochs", epochs)', 'print("epochs:", epochs)')
    return made.copy


@pytest.mark.parametrize(
    "change",
    [
        lambda cell: cell.update(id=["a"]),
        lambda cell: cell.update(id={}),
        lambda cell: cell.pop("id"),
        lambda cell: cell.update(metadata=None),
        lambda cell: cell.update(metadata=[]),
        lambda cell: cell.update(outputs=None),
        lambda cell: cell.update(source=["a\n", "b"]),
        lambda cell: cell.update(source="half an emoji \ud83d"),
        lambda cell: cell.update(execution_count="x"),
    ],
)
def test_a_copy_that_was_edited_by_hand_is_brought_up_to_date(small, change):
    copy = odd(small, lambda notebook: [change(cell) for cell in notebook["cells"][:-1]])
    work.update([small])
    now = text(read(copy)["cells"])
    assert "my_own = 1" in now and '"epochs:"' in now


@pytest.mark.parametrize("content", ["5", "[1, 2]", '{"a": 1}', '[{"id": "a"}]', "{", ""])
def test_a_damaged_base_loses_nothing(small, place, content):
    copy = odd(small, lambda notebook: None)
    for path in (place / ".dlcourse").iterdir():
        path.write_text(content)
    work.update([small])
    now = text(read(copy)["cells"])
    assert "my_own = 1" in now and '"epochs:"' in now


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes as on POSIX")
def test_what_is_no_notebook_is_passed_over(small, place):
    copy = odd(small, lambda notebook: None)
    for folder in (place, place / "earlier"):
        folder.mkdir(exist_ok=True)
        for name in ("x", "11_small_numbers x"):
            (folder / f"{name} a.ipynb").mkdir()
            (folder / f"{name} b.ipynb").symlink_to("nowhere")
            (folder / f"{name} c.ipynb").symlink_to(f"{name} c.ipynb")
            os.mkfifo(folder / f"{name} d.ipynb")
    assert work.update([small])[0].word == "up to date"
    copy.unlink()
    assert work.prepare([small])[0].word == "new"


@pytest.mark.skipif(sys.platform == "win32", reason="links as on POSIX")
def test_a_copy_that_is_a_link_stays_one(small, tmp_path):
    copy = odd(small, lambda notebook: None)
    elsewhere = tmp_path / "synchronised.ipynb"
    copy.rename(elsewhere)
    copy.symlink_to(elsewhere)
    work.update([small])
    assert copy.is_symlink() and '"epochs:"' in text(read(elsewhere)["cells"])


def test_long_texts_that_have_much_in_common_are_compared_in_time(monkeypatch):
    base, mine = "0,0\n" * 1000, "0,0\n" * 500 + "x\n" + "0,0\n" * 500
    assert work.three_way(base, mine, "0,1\n0,0\n" * 1000) is None
    # Cells without ids: no two texts are compared letter by letter.
    monkeypatch.setattr(work.difflib, "SequenceMatcher", None)
    words = [code("", f"{'word ' * 1200}{i}") for i in range(40)]
    without = [{**cell, "id": None} for cell in words]
    pairs = work._same_cells(
        words, [{**cell, "source": f"{cell['source']} new"} for cell in without]
    )
    assert len(pairs) == 40


@pytest.mark.parametrize("odd", ["00", 0, None])
def test_what_is_no_lesson_is_refused(odd):
    for ask in (work.update, work.prepare, work.reset, work.restore):
        with pytest.raises(KindError, match="one of `catalogue"):
            ask(odd)


@pytest.mark.parametrize("odd", [[], {}, 5, None])
def test_a_cell_with_an_odd_id_is_carried_all_the_same(odd):
    cell = {"cell_type": "code", "id": odd, "metadata": {}, "outputs": [], "source": "mine = 1"}
    base = [{"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "source": "x = 1"}]
    result, _ = work.merged(base, [*base, cell], base)
    assert [each["source"] for each in result] == ["x = 1", "mine = 1"]
    assert all(isinstance(each["id"], str) for each in result)


def test_an_update_keeps_the_kernel_that_the_learner_has_chosen(place):
    (lesson,) = catalogue.find(["00"])
    work.update([lesson])
    path = place / lesson.notebook.name
    mine = read(path)
    mine["metadata"] |= {"kernelspec": {"name": "mine", "display_name": "Mine"}, "own": 5}
    mine["metadata"]["dlcourse"]["fingerprint"] = "older"
    write(path, mine)
    work.update([lesson])
    now = read(path)["metadata"]
    assert now["kernelspec"]["name"] == "mine" and now["own"] == 5
    assert now["dlcourse"]["fingerprint"] == notebooks.fingerprint(lesson)
