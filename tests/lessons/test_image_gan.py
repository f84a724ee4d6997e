"""What lesson 41 states of its recorded runs."""

from dlcourse import lessons, notebooks

import matplotlib
import pytest


@pytest.mark.parametrize("run, distance", [("any", 6), ("asked", 3)])
def test_the_longer_runs_of_lesson_41_come_nearer_and_keep_all_kinds(run, distance):
    moments = lessons.recorded("image_gan")[run]["moments"]
    assert moments[-1]["distance"] < distance < moments[0]["distance"] / 10
    assert min(moments[-1]["shares"]) > 0.05


def test_it_is_recorded_with_what_the_lesson_itself_executes():
    with matplotlib.rc_context():  # a lesson sets the course's style, which other tests do without
        assert callable(notebooks.recipe("image_gan")["train_gan"])
