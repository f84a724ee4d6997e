"""The minutes of a lesson follow from what there is to do, by the stated rule."""

import ast

from dlcourse import exercise, minutes
from dlcourse.errors import LessonError
from dlcourse.exercise import Mistake

import pytest

MODULE = """
@exercise.function(ask="a", cases=[])
def written(n): ...

@exercise.function(ask="a", cases=[], given=_bug)
def mended(n): ...

@exercise.value(ask="a")
def number(): ...

@exercise.measured(ask="a", size="write it")
def found(): ...

@written_tests.of(written, ask="a")
def test_written(written): ...

def not_an_exercise(): ...

QUIZ = quiz.Quiz(__name__, first=quiz.choice(""), second=quiz.number(""))
"""


def test_sizes_are_those_of_the_kind_or_as_declared():
    assert minutes.sizes(ast.parse(MODULE)) == {
        "written": "write it",
        "mended": "finish this line",
        "number": "finish this line",
        "found": "write it",
        "test_written": "write it",
    }


@pytest.mark.parametrize(
    ("text", "module", "wanted"),
    [
        ("", "", 5),  # no lesson takes no time
        ("# %% [markdown]\n" + "# word word\n" * 750, "", 10),
        ('# %% [markdown] tags=["instructor"]\n' + "# word word\n" * 750, "", 5),
        ("# %%\n" + "x = 1\n# a comment\n\n" * 150, "", 10),
        ('# %% tags=["explorer"]\nx\n' * 5, "", 15),  # 5 · (3 + 1/4 + 1/15)
        ('# %% tags=["predict"]\nx\n' * 20, "", 15),  # 20 · (1/2 + 1/4 + 1/15)
        ("", MODULE, 35),  # 3 · 8 + 2 · 4 + 2 questions
        ("", "CHALLENGES = challenges.Challenges(N, one={'a': 1, 'b': 2}, two={'c': 3})\n" * 5, 15),
    ],
)
def test_minutes_are_added_up(text, module, wanted):
    assert minutes.study_minutes(text, ast.parse(module)) == wanted


def test_an_exercise_has_one_of_three_sizes():
    with pytest.raises(LessonError, match="`size` is 'huge', but should be one of finish this li"):
        exercise.value(ask="", hints=("a", "b"), mistakes=[Mistake("", lambda: 1)], size="huge")(
            lambda: 2
        )
