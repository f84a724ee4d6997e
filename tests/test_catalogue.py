"""Lessons are found by their texts, say what they are, and are listed on the pages."""

import re
import shutil

from dlcourse import catalogue, notebooks
from dlcourse.errors import LessonError

import pytest
from odd_files import odd_in_place
from small_course import rewrite


def test_facts_are_read_without_running_the_module(course, small):
    rewrite(small.folder / "__init__.py", "'''Facts.'''", "1 / 0")
    assert (small.title, small.study_minutes, small.part) == ("Small numbers", 5, "Basics")
    assert (small.needs, small.data) == ((), ("wine",))


def test_a_missing_fact_or_module_is_said(course, small):
    path = small.folder / "__init__.py"
    rewrite(path, '"Small numbers"', "len")
    with pytest.raises(LessonError, match=r"small_numbers/__init__.py needs a line `TITLE = …`"):
        _ = small.title
    path.unlink()
    (again,) = catalogue.find(["11"])
    with pytest.raises(LessonError, match="Lesson 11 has a text"):
        _ = again.title


def test_lessons_come_by_number_from_the_texts_alone(course):
    sources = course / "notebooks" / "source"
    shutil.copy(sources / "11_small_numbers.py", sources / "05_first.py")
    (sources / "notes.py").write_text("")
    (course / "notebooks" / "99_only_a_notebook.ipynb").write_text("{}")
    numbers = [lesson.number for lesson in catalogue.lessons()]
    assert numbers == ["05", "11", "70"]
    assert catalogue.find() == catalogue.lessons()
    assert [lesson.number for lesson in catalogue.find(("70", "05"))] == ["05", "70"]


def test_an_unknown_number_is_answered_with_those_there_are(course):
    with pytest.raises(LessonError, match=r"no lesson 12, 7\. There are: 11, 70\."):
        catalogue.find(["12", "11", "7"])


def test_a_text_in_no_part_is_said(course):
    (course / "notebooks" / "source" / "80_late.py").write_text("")
    with pytest.raises(LessonError, match=r"80_late\.py: there is no part 8"):
        catalogue.lessons()


def test_the_folder_is_the_named_one_else_the_clone_else_one_above(course, monkeypatch, tmp_path):
    assert catalogue.folder() == course
    monkeypatch.setattr(catalogue, "PACKAGE", tmp_path / "elsewhere" / "dlcourse")
    monkeypatch.chdir(course / "notebooks")
    assert catalogue.folder() == course
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LessonError, match="DLCOURSE_COURSE"):
        catalogue.folder()
    monkeypatch.setenv("DLCOURSE_COURSE", str(course))
    assert catalogue.folder() == course
    monkeypatch.setenv("DLCOURSE_COURSE", str(tmp_path))
    with pytest.raises(LessonError, match=re.escape(str(tmp_path))):
        catalogue.folder()


def test_the_course_s_folder_may_be_written_with_a_tilde(course, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(course.parent))
    monkeypatch.setenv("DLCOURSE_COURSE", f"~/{course.name}")
    assert catalogue.folder() == course


NO_NOTEBOOK = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a number": b"5",
    "conflict marks": b"<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n",
    "no UTF-8": b"\xff\xfe{}",
    "too many brackets": b"[" * 10**5,
    "null cells": b'{"cells": null}',
    "a cell that is null": b'{"cells": [null]}',
    "a cell without a source": b'{"cells": [{"cell_type": "code"}]}',
    "null notes": b'{"cells": [], "metadata": {"dlcourse": null}}',
}


def looks_unbuilt(lesson):
    assert (lesson.stored(), lesson.built, lesson.measured) == ({}, {}, None)
    assert catalogue.for_teachers(lesson) == []
    assert catalogue.costs(lesson) == ("5 min", "–", "–")
    assert "was never built" in notebooks.stale(lesson)


@pytest.mark.parametrize("content", NO_NOTEBOOK.values(), ids=NO_NOTEBOOK)
def test_a_file_that_holds_no_notebook_is_as_good_as_none(small, content):
    assert small.measured
    small.notebook.write_bytes(content)
    looks_unbuilt(small)


@odd_in_place
def test_what_is_no_file_is_no_notebook_either(small, put):
    put(small.notebook)
    looks_unbuilt(small)


@pytest.mark.parametrize("cores, words", [(1, "one core "), (2, "two cores "), (16, "16 cores ")])
def test_the_measurement_reads_as_a_sentence(cores, words):
    sentence = catalogue.Measured(20.3, 4, 0.1, 612, 402, cores).sentence(50)
    assert sentence == (
        f"Study about 50 min; the notebook runs in 21 s on {words}and peaks at 610 MB "
        "(measured by the build)."
    )


def test_a_text_that_is_no_text_is_said(small):
    small.source.write_bytes(b"\xff\xfe")
    with pytest.raises(LessonError, match=r"cannot be read as text.*git checkout"):
        _ = small.text
    small.source.unlink()
    with pytest.raises(LessonError, match=re.escape(str(small.source))):
        notebooks.from_text(small)
