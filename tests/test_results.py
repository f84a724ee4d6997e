"""Metrics agree with scikit-learn and with cases solved by hand."""

import re

from dlcourse import results
from dlcourse.errors import CourseError, KindError, RangeError, ShapeError

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from odd_sequences import Endless, Lying
from sklearn import metrics


@st.composite
def scored(draw):
    count, classes = draw(st.integers(1, 30)), draw(st.integers(2, 5))
    generator = np.random.default_rng(draw(st.integers(0, 10**6)))
    return generator.normal(size=(count, classes)), generator.integers(0, classes, count)


@given(scored())
def test_confusion_and_class_scores_agree_with_scikit_learn(case):
    scores, labels = case
    classes = range(scores.shape[1])
    predicted = scores.argmax(axis=1)
    np.testing.assert_array_equal(
        results.confusion(scores, labels),
        metrics.confusion_matrix(labels, predicted, labels=classes),
    )
    ours = results.class_scores(scores, labels)
    theirs = metrics.precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=0
    )
    for mine, other in zip(ours, theirs):
        np.testing.assert_allclose(mine, other)
    assert results.accuracy(scores, labels) == pytest.approx(
        metrics.accuracy_score(labels, predicted)
    )


def test_a_classifier_as_sure_as_right_has_no_calibration_error():
    probabilities = np.tile([0.75, 0.25], (4, 1))
    measured = results.calibration(probabilities, [0, 0, 0, 1])
    assert measured.error == pytest.approx(0)
    assert measured.examples.sum() == 4


def test_calibration_error_of_an_overconfident_classifier_by_hand():
    probabilities = np.array([[0.95, 0.05]] * 2 + [[0.65, 0.35]] * 2)
    measured = results.calibration(probabilities, [0, 1, 0, 0])
    # Bin 0.9-1.0: sure 0.95, right 0.5; bin 0.6-0.7: sure 0.65, right 1.0.
    assert measured.error == pytest.approx((0.45 * 2 + 0.35 * 2) / 4)
    assert np.isnan(measured.accuracy[0])


def test_complete_certainty_falls_in_the_last_bin():
    assert results.calibration(np.eye(3), [0, 1, 2]).examples[-1] == 3


def test_raw_scores_are_refused_for_calibration():
    with pytest.raises(RangeError, match=r"add up to 1.*softmax"):
        results.calibration(np.array([[2.0, 1.0]]), [0])


@pytest.mark.parametrize(
    "scores, labels, error",
    [
        (np.zeros((2, 3)), [0, 3], RangeError),
        (np.zeros((2, 3)), [0], ShapeError),
        (np.zeros(3), [0, 1, 2], ShapeError),
        (np.zeros((0, 3)), [], ShapeError),
    ],
)
def test_scores_and_labels_that_do_not_fit_are_refused(scores, labels, error):
    with pytest.raises(error):
        results.accuracy(scores, labels)


def test_a_history_says_in_one_line_what_happened():
    history = results.History([0.5], [0.8], [0.6], [0.7], [0.1], [1.25], [0.7, 0.3])
    assert str(history) == (
        "1 epoch in 1.2 s: training loss 0.500, accuracy 0.800; "
        "validation loss 0.600, accuracy 0.700"
    )
    assert str(results.History()) == "No epoch was finished."


@pytest.mark.parametrize(
    "odd",
    [
        results.History([None]),
        results.History(["a"], seconds=["b"]),
        results.History([np.ones(3)]),
        results.Headline("accuracy", None, 0.8, "a guess", 1, 1.0),
        results.Headline("accuracy", 0.9, 0.8, "a guess", 1, "long"),
        results.Headline("accuracy", 0.9, np.ones(2), "a guess", 1, np.ones(2)),
        results.SeedBand("low", "high", 5),
    ],
)
def test_odd_values_are_told_as_they_are(odd):
    assert str(odd).startswith(f"{type(odd).__name__} of odd values: {{")
    assert 20 < len(repr(odd)) < 400


@pytest.mark.parametrize("fields", [{"train_loss": 5}, {"seconds": None}, {"step_loss": "ab"}])
def test_a_history_is_made_of_lists(fields):
    with pytest.raises(KindError, match="should be a list"):
        results.History(**fields)


def test_what_is_no_number_lies_in_no_band():
    with pytest.raises(KindError, match="'a' is no number"):
        "a" in results.SeedBand(0.1, 0.2, 5)  # noqa: B015


def test_tables_that_fit_no_memory_are_refused():
    with pytest.raises(RangeError, match="10000 at most"):
        results.calibration([[0.9, 0.1], [0.3, 0.7]], [0, 1], bins=10**12)
    with pytest.raises(RangeError, match="300000 classes"):
        results.confusion(np.zeros((2, 300_000)), [0, 1])


def test_a_seed_band_is_lowest_to_highest_and_wants_five_runs():
    band = results.SeedBand.of([0.3, 0.1, 0.2, 0.25, 0.15])
    assert (band.low, band.high, band.seeds) == (0.1, 0.3, 5)
    assert 0.2 in band and 0.31 not in band
    with pytest.raises(RangeError, match="at least 5 runs, got 4"):
        results.SeedBand.of([1, 2, 3, 4])


def test_a_table_lines_up_and_escapes_what_is_not_markup():
    table = results.Table(("name", "count"), (("a<b", 1), ("long name", 20)))
    assert str(table).splitlines() == ["name       count", "a<b            1", "long name     20"]
    assert "a&lt;b" in table._repr_html_()
    assert "a<b" not in table._repr_html_()


def test_a_row_of_the_wrong_length_is_refused():
    with pytest.raises(ShapeError, match="2 columns"):
        results.Table(("a", "b"), (("only one",),))


def test_a_header_without_a_name_is_an_empty_cell():
    shown = results.Table(("", "count"), {"a": 1}.items())._repr_html_()
    assert re.findall(r"<th\b[^>]*>(.*?)</th>", shown) == ["count"]
    assert '<tr><td style="text-align: left"></td><th' in shown


ABSURD = [None, "text", b"bytes", 5, 1j, {1, 2}, {"a": 1}, np.array(1), ..., Endless(), Lying()]


@pytest.mark.parametrize("absurd", ABSURD)
def test_a_table_of_something_else_says_what_a_table_is(absurd):
    for parts in ((absurd, ()), (("a",), absurd), (("a",), (absurd,))):
        with pytest.raises(CourseError, match="table"):
            results.Table(*parts)
    with pytest.raises(ShapeError, match="at least one column"):
        results.Table((), ())


def test_a_headline_says_the_score_its_band_and_the_baseline():
    band = results.SeedBand.of([0.9, 0.904, 0.901, 0.902, 0.903])
    said = str(results.Headline("accuracy", 0.902, 0.84, "a guess", 1234, 5.04, band))
    assert said == (
        "accuracy: 0.902, typically 0.900 to 0.904 over 5 seeds\n"
        "a guess: 0.840\n1234 weights, trained in 5.0 s"
    )
    assert "not measured yet" in str(results.Headline("accuracy", 0.9, 0.8, "a guess", 1, 1.0))
    assert "1234 weights, taken as they are" in str(
        results.Headline("share lost", 0.6, 0.2, "random pixels", 1234, seconds=0)
    )


@st.composite
def clouds(draw):
    generator = np.random.default_rng(draw(st.integers(0, 10**6)))
    count, features = draw(st.integers(2, 30)), draw(st.integers(1, 6))
    stretch = generator.normal(size=(features, features))
    return generator.normal(size=(count, features)) @ stretch + generator.normal(size=features)


@given(clouds())
def test_a_cloud_has_no_frechet_distance_to_itself(points):
    assert results.frechet_distance(points, points) == pytest.approx(0, abs=1e-10)


@given(clouds(), st.integers(0, 10**6))
def test_the_frechet_distance_is_symmetric_and_never_negative(points, seed):
    generator = np.random.default_rng(seed)
    others = generator.normal(size=(20, points.shape[1])) * generator.uniform(0, 3)
    there, back = (
        results.frechet_distance(points, others),
        results.frechet_distance(others, points),
    )
    assert there == pytest.approx(back, rel=1e-10, abs=1e-10)
    assert there >= 0


@given(clouds(), st.floats(-3, 3))
def test_a_shifted_cloud_is_as_far_as_the_square_of_the_shift(points, shift):
    expected = points.shape[1] * shift**2
    found = results.frechet_distance(points, points + shift)
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-10)


@given(clouds(), st.floats(0, 3))
def test_a_stretched_cloud_is_as_far_as_its_closed_form_says(points, factor):
    expected = ((factor - 1) ** 2) * (
        np.trace(np.atleast_2d(np.cov(points.T))) + (points.mean(axis=0) ** 2).sum()
    )
    found = results.frechet_distance(points, factor * points)
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_the_frechet_distance_agrees_with_a_square_root_of_a_matrix():
    from scipy import linalg  # comes with scikit-learn

    generator = np.random.default_rng(0)
    first, second = generator.normal(size=(50, 4)), generator.normal(1, 2, size=(40, 4))
    product = np.cov(first.T) @ np.cov(second.T)
    expected = ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum() + np.trace(
        np.cov(first.T) + np.cov(second.T) - 2 * linalg.sqrtm(product).real
    )
    assert results.frechet_distance(first, second) == pytest.approx(expected)


@pytest.mark.parametrize("other", [np.zeros((5, 2)), np.zeros((1, 3)), np.zeros(3)])
def test_clouds_of_other_features_or_of_one_point_are_refused(other):
    with pytest.raises(ShapeError):
        results.frechet_distance(np.zeros((5, 3)), other)


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_run_that_diverged_does_not_vanish_from_a_band(place, bad):
    values = [0.80, 0.82, 0.81, 0.83, 0.84]
    values[place] = bad
    with pytest.raises(RangeError, match="`values` holds 1 of 5"):
        results.SeedBand.of(values)


NO_NUMBERS = np.full((3, 2), np.nan)


@pytest.mark.parametrize(
    "measure",
    [results.accuracy, results.confusion, results.class_scores, results.calibration],
)
def test_scores_that_are_no_numbers_are_never_right(measure):
    with pytest.raises(RangeError, match="holds 6 of 6 values that are nan"):
        measure(NO_NUMBERS, [0, 0, 0])


def test_a_masked_score_is_never_the_highest():
    assert results.accuracy([[-np.inf, 0.0], [0.0, -np.inf]], [1, 0]) == 1


def test_a_cloud_of_no_numbers_is_not_at_distance_nought():
    with pytest.raises(RangeError, match="`other_features` holds"):
        results.frechet_distance(np.zeros((3, 2)), NO_NUMBERS)


def test_negative_probabilities_are_refused():
    with pytest.raises(RangeError, match="negative"):
        results.calibration([[1.5, -0.5]], [0])


@pytest.mark.parametrize("bins", [0, -1, 2.5, None, True])
def test_bins_are_a_whole_number(bins):
    with pytest.raises(RangeError, match="`bins`"):
        results.calibration([[0.5, 0.5]], [0], bins)


def test_features_whose_squares_are_no_numbers_are_refused():
    with pytest.raises(RangeError, match="scale them"):
        results.frechet_distance(np.full((3, 2), 1e155), np.zeros((3, 2)))


@pytest.mark.parametrize("row", [[-np.inf] * 3, [np.inf, np.inf, 0]])
def test_scores_of_which_none_is_the_highest_say_no_class(row):
    with pytest.raises(RangeError, match="no score is the highest"):
        results.accuracy(np.array([row]), [0])
    assert results.accuracy(np.array([[-np.inf, 0, np.inf]]), [2]) == 1


def test_bytes_and_brightness_are_the_same_cloud():
    pixels = np.random.default_rng(0).integers(0, 256, (50, 3)).astype("uint8")
    assert results.frechet_distance(pixels, pixels / 255) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("bins", [10, 50, 100])
def test_a_confidence_on_the_edge_of_a_bin_lies_above_it(bins):
    for edge in range(bins // 2, bins):
        probabilities = np.array([[edge / bins, 1 - edge / bins]])
        assert results.calibration(probabilities, [0], bins).examples[edge] == 1


def test_a_confusion_may_come_from_rows_of_a_tensor_with_a_gradient():
    rows = torch.eye(3, requires_grad=True)
    assert results.confusion([rows[0], rows[1], rows[2]], [0, 1, 2]).trace() == 3


def test_a_band_without_an_end_is_said():
    with pytest.raises(CourseError, match="no array"):
        _ = 0.5 in results.SeedBand(None, 1, 5)
