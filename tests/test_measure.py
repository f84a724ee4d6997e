"""What a lesson quotes is measured by one command, part by part."""

import json

from dlcourse import catalogue, lessons, measure, notebooks
from dlcourse.errors import LessonError

import numpy as np
import pytest
from small_course import rewrite

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
    measure.measure(small)
    facts = json.loads((small.folder / "band.json").read_text(encoding="utf-8"))
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
        measure.band(small)
    assert executed == []


def test_a_new_band_rebuilds(course, executed):
    (lesson,) = catalogue.find(["11"])
    (lesson.folder / "band.json").write_text('{"scores": [0]}')
    assert "was built before its lesson or data changed" in notebooks.stale(lesson)
    assert notebooks.build(lesson) is not None


RECORD = """
import numpy as np

def depths(recorded):
    return {"depths": [1, 2], "before": sorted(recorded)}

def long_run(recorded):
    return {"rounds": 3}, {"kernel": np.eye(2)}

PARTS = {"depths": depths, "long_run": long_run}
"""


@pytest.fixture
def recorder(small):
    (small.folder / "record.py").write_text(RECORD)
    return small


def test_every_part_is_measured_if_none_is_named(recorder):
    said = []
    measure.measure(recorder, say=said.append)
    assert [line.split()[1] for line in said] == ["depths:", "long_run:"]
    found = lessons.recorded("small_numbers")
    assert (found["depths"], found["rounds"], found["before"]) == ([1, 2], 3, [])
    assert found["cores"] >= 1
    np.testing.assert_array_equal(lessons.checkpoint("small_numbers")["kernel"], np.eye(2))


def test_a_part_measured_again_leaves_the_others_as_they_are(recorder):
    measure.measure(recorder, ["long_run"], say=lambda line: None)
    weights = (recorder.folder / "weights.npz").read_bytes()
    measure.measure(recorder, ["depths"], say=lambda line: None)
    found = lessons.recorded("small_numbers")
    assert found["before"] == ["checkpoint_sha256", "cores", "rounds"]
    assert (recorder.folder / "weights.npz").read_bytes() == weights
    assert "kernel" in lessons.checkpoint("small_numbers")


def test_two_parts_may_give_arrays(recorder):
    more = RECORD.replace(
        'return {"depths": [1, 2], "before": sorted(recorded)}', 'return {}, {"b": np.ones(1)}'
    )
    assert more != RECORD
    (recorder.folder / "record.py").write_text(more)
    measure.measure(recorder, say=lambda line: None)
    assert set(lessons.checkpoint("small_numbers")) == {"b", "kernel"}


def test_facts_that_cannot_be_stored_leave_what_was_there(recorder):
    measure.measure(recorder, say=lambda line: None)
    bad = RECORD.replace('return {"rounds": 3}', 'return {"rounds": float("nan")}')
    (recorder.folder / "record.py").write_text(bad)
    with pytest.raises(ValueError, match="not JSON compliant"):
        measure.measure(recorder, ["long_run"], say=lambda line: None)
    assert lessons.recorded("small_numbers")["rounds"] == 3
    assert "kernel" in lessons.checkpoint("small_numbers")


def test_an_unknown_part_is_answered_with_those_there_are(recorder):
    with pytest.raises(LessonError, match=r"no part width to measure\. It has: depths, long_run\."):
        measure.measure(recorder, ["width"])


def test_a_lesson_without_anything_to_measure_says_so(small):
    with pytest.raises(LessonError, match=r"no cell tagged `headline` and no record\.py"):
        measure.measure(small)


def test_how_it_was_recorded_does_not_decide_what_a_notebook_shows(recorder):
    assert notebooks.stale(recorder) is None


@pytest.mark.parametrize("lesson", catalogue.lessons(), ids=lambda lesson: lesson.number)
def test_every_lesson_s_recorded_runs_can_be_recorded_again(lesson):
    """Whatever is stored beside a lesson has the code beside it that made it."""
    stored = [name for name in ("recorded.json", "weights.npz") if (lesson.folder / name).exists()]
    assert bool(stored) == (lesson.folder / "record.py").exists()
