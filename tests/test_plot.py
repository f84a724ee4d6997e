"""Figures are labelled, describe themselves, and never call show."""

import re

import matplotlib

matplotlib.use("agg")

from dlcourse import plot, results
from dlcourse.errors import RangeError, ShapeError

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

PATIENCE_SECONDS = 600


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


HISTORY = results.History([0.5, 0.4], [0.8, 0.9], [0.6, 0.5], [0.7, 0.8], [0.1, 0.1], [1, 1])


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plot.learning_curves(HISTORY),
        lambda: plot.learning_curves(HISTORY, "accuracy"),
        lambda: plot.confusion(np.eye(3, dtype=int), ["a", "b", "c"]),
        lambda: plot.calibration(results.calibration(np.eye(3), [0, 1, 2])),
        lambda: plot.embedding(np.eye(2), [0, 1], ["a", "b"]),
        lambda: plot.forecast_fan([1, 2], [3, 4], {0.5: ([2, 3], [4, 5])}),
    ],
)
def test_every_chart_has_a_title_and_labelled_axes(draw):
    axes = draw()
    assert axes.get_title() and axes.get_xlabel() and axes.get_ylabel()


def test_a_loss_says_its_unit():
    assert plot.learning_curves(HISTORY).get_ylabel() == "loss (nats)"


def test_pictures_are_drawn_as_they_are():
    pixels = np.random.default_rng(0).random((3, 5, 4, 1))
    drawn = plot.images(pixels, titles=["a", "b", "c"])
    np.testing.assert_array_equal(drawn[1].images[0].get_array(), pixels[1, :, :, 0])
    assert drawn[2].get_title() == "c"


@pytest.mark.parametrize("shape", [(5, 4), (2, 5, 4, 2)])
def test_what_is_no_batch_of_pictures_is_refused(shape):
    with pytest.raises(ShapeError):
        plot.images(np.zeros(shape))


def test_confusion_wants_one_name_for_each_class():
    with pytest.raises(ShapeError, match=r"\(2, 2\).*3 classes"):
        plot.confusion(np.eye(2, dtype=int), ["a", "b", "c"])


def test_a_figure_carries_what_it_shows():
    figure, axes = plt.subplots()
    axes.set_title("A title")
    assert plot.description(figure) == "A title"
    plot.describe("The line rises.")
    assert plot.description(figure) == "The line rises."


def test_a_notebook_shows_the_description_as_text_and_as_the_picture_s_alternative_text():
    cells = (
        "import matplotlib.pyplot as plt\nfrom dlcourse import plot\nplot.use_course_style()",
        "plt.subplots()[1].plot([1, 2])\nplot.describe('The line rises.')",
        "%config InlineBackend.figure_formats = ['retina']\n"
        "plot.use_course_style()\nplt.subplots()[1].set_title('A title')",
        "plt.figure();",
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=PATIENCE_SECONDS).execute()
    (output,), (_, sharp), (empty,) = (cell.outputs for cell in notebook.cells[1:])
    assert output.data["text/plain"] == "Figure: The line rises."
    assert "image/png" in output.data
    assert output.metadata["image/png"] == {"alt": "The line rises."}
    assert sharp.metadata["image/png"]["alt"] == "A title" and sharp.metadata["image/png"]["width"]
    assert list(empty.data) == ["text/plain"]
    html, _ = HTMLExporter(template_name="classic").from_notebook_node(notebook)
    assert re.findall(r'<img[^>]* alt="([^"]*)"', html) == [
        "The line rises.",
        "A title",
    ]


def test_each_class_of_an_embedding_has_its_own_points_colour_and_shape():
    points = np.arange(12.0).reshape(6, 2)
    axes = plot.embedding(points, [0, 1, 2, 0, 1, 2], ["bird", "tool", "fruit"])
    drawn = axes.collections
    np.testing.assert_array_equal(drawn[1].get_offsets(), points[[1, 4]])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["bird", "tool", "fruit"]
    assert len({tuple(each.get_facecolor()[0]) for each in drawn}) == 3
    assert len({each.get_paths()[0].vertices.tobytes() for each in drawn}) == 3


@pytest.mark.parametrize(
    "points, classes, error, message",
    [
        (np.zeros((2, 3)), ["a", "b"], ShapeError, r"two coordinates: \(N, 2\)"),
        (np.zeros((3, 2)), ["a", "b"], ShapeError, "3 examples but `labels` has 2"),
        (np.zeros((2, 2)), ["a"], RangeError, "0 to 0, one for each of the 1 classes"),
        (np.zeros((2, 2)), list("abcdefghijk"), RangeError, "only 10 can be told apart"),
    ],
)
def test_an_embedding_that_cannot_be_drawn_says_why(points, classes, error, message):
    with pytest.raises(error, match=message):
        plot.embedding(points, [0, 1], classes)


def test_a_fan_counts_what_happened_inside_its_widest_interval():
    wide, narrow = ([0, 0, 0], [4, 4, 4]), ([1, 1, 1], [3, 3, 3])
    axes = plot.forecast_fan([2, 2], [2, 2, 2], {0.5: narrow, 0.9: wide}, [2, 3.5, 5])
    assert plot.description(axes.figure) == (
        "2 steps of history, then a forecast of 3; 2 of them lie inside the 90% interval."
    )
    heights = [band.get_paths()[0].get_extents().height for band in axes.collections]
    assert heights == [4, 2]  # the wide one is drawn first, so the narrow one stays visible


def test_a_fan_stands_on_its_own_hours():
    axes = plot.forecast_fan([1, 2, 3, 4], [5, 6], step_hours=0.5, quantity="demand (GW)")
    before, after = (line.get_xdata().tolist() for line in axes.lines[:2])
    assert (before, after) == ([-2, -1.5, -1, -0.5], [0, 0.5])
    assert axes.get_ylabel() == "demand (GW)"


@pytest.mark.parametrize(
    "rest", [{"happened": [1, 2, 3]}, {"intervals": {0.5: ([1], [2])}}, {"happened": [[1, 2]]}]
)
def test_a_fan_wants_one_number_for_each_step(rest):
    with pytest.raises(ShapeError, match=r"The forecast has shape \(2,\)"):
        plot.forecast_fan([1, 2], [3, 4], **rest)


FILM = np.random.default_rng(0).random((3, 2, 5, 4, 1))  # three moments of two pictures


def test_a_film_strip_has_a_row_for_each_picture_and_a_column_for_each_moment():
    grid = plot.film_strip(FILM, (1, 10, 100), rows=("a", "b"), title="Three rounds")
    assert grid.shape == (2, 3)
    for row, moment in np.ndindex(2, 3):
        shown = grid[row, moment].images[0].get_array()
        np.testing.assert_array_equal(shown, FILM[moment, row, :, :, 0])
    assert [axes.get_title(loc="center") for axes in grid[0]] == ["1", "10", "100"]
    assert [axes.get_ylabel() for axes in grid[:, 0]] == ["a", "b"]
    assert grid[0, 0].figure.get_suptitle() == "Three rounds"


@pytest.mark.parametrize(
    "film, moments, rows",
    [(FILM, (1, 2), None), (FILM, (1, 2, 3), ("a",)), (FILM[0, 0], (1, 2, 3), None),
     (FILM[..., [0, 0]], (1, 2, 3), None)],
)  # fmt: skip
def test_a_film_strip_without_a_name_for_each_row_and_column_is_refused(film, moments, rows):
    with pytest.raises(ShapeError):
        plot.film_strip(film, moments, rows)


MAP = np.array([[1.0, 0.0], [0.5, -2.0]])


def test_a_heat_map_shows_a_value_s_sign_and_size_by_colour():
    axes = plot.heat_map(MAP, limit=2)
    drawn = axes.images[-1]
    one, nothing, half, minus_two = drawn.cmap(drawn.norm(MAP.ravel()))
    np.testing.assert_allclose([one[3], nothing[3], half[3]], [0.5, 0, 0.25], atol=0.01)
    assert minus_two[3] == 1
    np.testing.assert_allclose(one[:3], matplotlib.colors.to_rgb(plot.COLOURS[1]))
    np.testing.assert_allclose(minus_two[:3], matplotlib.colors.to_rgb(plot.COLOURS[0]))


def test_a_heat_map_without_negative_values_begins_at_0():
    drawn = plot.heat_map(np.abs(MAP)).images[-1]
    assert drawn.get_clim()[0] == 0 and drawn.cmap(0.0)[3] == 0


def test_a_coarse_heat_map_covers_the_whole_picture():
    axes = plot.heat_map(MAP, np.zeros((6, 8, 3)))
    beneath, above = axes.images
    assert beneath.get_extent() == above.get_extent()
    assert beneath.get_array().shape == (6, 8)


def test_a_heat_map_s_colour_bar_says_what_the_colours_mean():
    axes = plot.heat_map(MAP, title="Where", label="drop of the score", limit=1)
    assert axes.get_title(loc="left") == "Where" or axes.get_title() == "Where"
    bar = axes.figure.axes[-1]
    assert bar.get_ylabel() == "drop of the score"
    assert axes.images[-1].colorbar.extend == "min"  # -2 lies beyond -1


def test_a_heat_map_of_zeros_is_clear():
    drawn = plot.heat_map(np.zeros((2, 2))).images[-1]
    assert drawn.get_clim() == (0, 1) and drawn.cmap(drawn.norm(0.0))[3] == 0


@pytest.mark.parametrize("values, picture", [(np.zeros((2, 2, 3)), None), (MAP, np.zeros(4))])
def test_a_heat_map_wants_one_map_and_one_picture(values, picture):
    with pytest.raises(ShapeError):
        plot.heat_map(values, picture)
