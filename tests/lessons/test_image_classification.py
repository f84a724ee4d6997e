"""What lesson 21 states of its recorded runs."""

from dlcourse import lessons, notebooks

import matplotlib
import pytest


@pytest.mark.parametrize("run, accuracy, starter_epochs", [("fast", 0.90, 2), ("slow", 0.92, 10)])
def test_every_seed_of_lesson_21_passes_its_bar_in_time(run, accuracy, starter_epochs):
    measured = lessons.recorded("image_classification")[run]
    assert min(measured["accuracy"]) >= accuracy
    assert len(measured["accuracy"]) >= 5
    assert measured["starter_epochs"] <= starter_epochs


def test_the_starter_lesson_was_measured_to_its_end():
    starter = lessons.recorded("image_classification")["starter"]
    assert starter["starter_epochs"] == 10
    assert 0.86 < starter["accuracy"][0] < 0.90  # the figure that lesson is known for is 88 %


def test_it_is_recorded_with_what_the_lesson_itself_executes():
    with matplotlib.rc_context():  # a lesson sets the course's style, which other tests do without
        assert callable(notebooks.recipe("image_classification")["residual_network"])
