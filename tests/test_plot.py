"""Figures are labelled, describe themselves, and never call show."""

import itertools
import re
from types import SimpleNamespace

import matplotlib

matplotlib.use("agg")

from dlcourse import plot, results
from dlcourse.errors import CourseError, KindError, RangeError, ShapeError

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from odd_sequences import Endless, Lying

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


def test_bytes_are_pixels_from_0_to_1_everywhere():
    pixels = np.array([0, 51, 255], "uint8").reshape(1, 3, 1, 1).repeat(4, axis=2)
    colour = plot.images(pixels.repeat(3, axis=3))[0].images[0].get_array()
    film = plot.film_strip(pixels[None], ["now"])[0, 0].images[0].get_array()
    beneath = plot.heat_map(np.zeros((3, 4)), pixels[0]).images[0].get_array()
    for shown in (plot.images(pixels)[0].images[0].get_array(), colour[..., 0], film):
        np.testing.assert_allclose(shown[:, 0], [0, 0.2, 1], atol=1e-6)
    np.testing.assert_allclose(beneath[:, 0], [0.55, 0.64, 1], atol=1e-6)
    raw = plot.images(pixels, limits=(0, 255))[0].images[0]
    assert raw.get_array()[2, 0] == 255 and raw.get_clim() == (0, 255)


def test_limits_count_for_colour_too():
    pixels = np.array([-1.0, 0, 1]).reshape(1, 1, 3, 1).repeat(3, axis=3).repeat(4, axis=1)
    shown = plot.images(pixels, limits=np.array([-1, 1]))[0].images[0].get_array()
    np.testing.assert_allclose(shown[0, :, 0], [0, 0.5, 1])
    shown = plot.images(pixels, limits=None)[0].images[0].get_array()
    np.testing.assert_allclose(shown[0, :, 0], [0, 0.5, 1])


@pytest.mark.parametrize(
    "shape, message",
    [
        ((5, 4), r"add the batch axis: pixels\[None\]"),
        ((8, 8, 1), r"add the batch axis: pixels\[None\]"),
        ((9, 7, 3), r"add the batch axis: pixels\[None\]"),
        ((2, 5, 4, 2), "2 channels"),
        ((2, 2, 5, 4, 1), "needs 4 axes"),
        ((4,), "needs 4 axes"),
        ((0, 5, 4, 1), "is empty.*selects"),
        ((0, 5, 4), "is empty.*selects"),
        ((2, 0, 4, 1), "is empty"),
    ],
)
def test_what_is_no_batch_of_pictures_is_refused(shape, message):
    with pytest.raises(ShapeError, match=message):
        plot.images(np.zeros(shape))


@pytest.mark.parametrize("shape", [(16, 3, 3), (5, 1, 3), (2, 8, 7), (2, 8, 3, 1)])
def test_a_batch_of_narrow_pictures_is_drawn_one_by_one(shape):
    assert len(plot.images(np.zeros(shape))) == shape[0]


ONE, TWO = np.zeros((1, 5, 4)), np.zeros((2, 5, 4))


@pytest.mark.parametrize(
    "given, error, message",
    [
        ({"titles": ["a"]}, ShapeError, "2 pictures, but 1 titles"),
        ({"titles": "abc"}, KindError, "`titles` is 'abc', but should be a list"),
        ({"titles": ["a", "b", "c"]}, ShapeError, "2 pictures, but 3 titles"),
        ({"columns": 0}, RangeError, "`columns` is 0"),
        ({"columns": 2.5}, RangeError, "`columns` is 2.5"),
        ({"size": 0}, RangeError, "`size` is 0, but should be finite and above 0, and 50 at most"),
        ({"size": float("nan")}, RangeError, "`size` is nan"),
        ({"limits": "dark"}, KindError, "`limits`"),
        ({"limits": (0, 1, 2)}, ShapeError, "should be two numbers"),
        ({"limits": (1, 0)}, RangeError, "the lower one"),
        ({"limits": (0, float("nan"))}, RangeError, "`limits` is nan"),
        ({"colour_map": "grayscale"}, RangeError, "no colour map 'grayscale'.*'gray'"),
        ({"label": 5}, KindError, "`label` is 5, but should be text"),
        ({"pixels": np.full((2, 5, 4), np.nan)}, RangeError, "40 values that are infinite or not"),
        ({"pixels": np.zeros((1001, 1, 1))}, RangeError, r"1001 pictures.*pixels\[:20\]"),
        ({"pixels": [[1], [2, 3]]}, KindError, "cannot become one array"),
        ({"size": 50}, RangeError, "105 × 50 inches.*2500 square inches"),
        ({"pixels": np.zeros((200, 1, 1)), "columns": 200}, RangeError, "at most 150 on a side"),
    ],
)
def test_what_pictures_cannot_be_drawn_with_is_named(given, error, message):
    with pytest.raises(error, match=message):
        plot.images(**{"pixels": TWO} | given)
    assert plt.get_fignums() == []  # nothing half drawn is shown


ABSURD = [
    *(r"$\frac{$", "$$", "half \ud800"),
    *(None, "text", "", b"bytes", 1j, ..., True, 0, -1, 2.5, float("nan"), float("inf"), 10**400),
    *([], (), {}, {1, 2}, {"a": 1}, (1, 2, 3), ["a"], [None], [[1], [1, 2]], [1j], len),
    *(np.array(1), np.array("a"), np.zeros(0), np.zeros((2, 0)), np.zeros(3), np.full(2, np.nan)),
    *(np.array([1j]), np.array(["2020-01-01"], "datetime64[D]"), np.array([True, False])),
    *(Endless(), Lying(), itertools.count(), [Endless()], results.History(), plt.Figure()),
]
WITH_ONE = {
    "describe": lambda it: plot.describe(it),
    "describe figure": lambda it: plot.describe("Seen.", it),
    "description": lambda it: plot.description(it),
    "images": lambda it: plot.images(it),
    **{
        f"images {name}": lambda it, name=name: plot.images(ONE, **{name: it})
        for name in ("titles", "columns", "size", "colour_map", "limits", "label")
    },
    "curves": lambda it: plot.learning_curves(it),
    "curves loss": lambda it: plot.learning_curves(results.History(it)),
    "curves quantity": lambda it: plot.learning_curves(HISTORY, it),
    "curves axes": lambda it: plot.learning_curves(HISTORY, axes=it),
    "confusion": lambda it: plot.confusion(it, ["a", "b"]),
    "confusion classes": lambda it: plot.confusion(np.eye(2), it),
    "confusion axes": lambda it: plot.confusion(np.eye(2), ["a", "b"], it),
    "calibration": lambda it: plot.calibration(it),
    "embedding": lambda it: plot.embedding(it, [0, 1], ["a", "b"]),
    "embedding labels": lambda it: plot.embedding(np.eye(2), it, ["a", "b"]),
    "embedding classes": lambda it: plot.embedding(np.eye(2), [0, 1], it),
    "fan": lambda it: plot.forecast_fan(it, [1.0]),
    "fan forecast": lambda it: plot.forecast_fan([1.0], it),
    "fan share": lambda it: plot.forecast_fan([1.0], [2.0], {0.5: it}),
    **{
        f"fan {name}": lambda it, name=name: plot.forecast_fan([1.0], [2.0], **{name: it})
        for name in ("intervals", "happened", "step_hours", "quantity", "axes")
    },
    "titles": lambda it: plot.images(ONE, [it]),
    "a class": lambda it: plot.confusion(np.eye(1), [it]),
    "a moment": lambda it: plot.film_strip(ONE[None], [it]),
    "film": lambda it: plot.film_strip(it, ["a"]),
    "film moments": lambda it: plot.film_strip(ONE[None], it),
    **{
        f"film {name}": lambda it, name=name: plot.film_strip(ONE[None], ["a"], **{name: it})
        for name in ("rows", "title", "size", "limits")
    },
    "map": lambda it: plot.heat_map(it),
    **{
        f"map {name}": lambda it, name=name: plot.heat_map(np.eye(2), **{name: it})
        for name in ("picture", "axes", "title", "label", "limit")
    },
}


@pytest.mark.parametrize("draw", WITH_ONE.values(), ids=WITH_ONE)
def test_absurd_arguments_are_drawn_or_refused_in_words(draw):
    for absurd in ABSURD:
        try:
            draw(absurd)
            for number in plt.get_fignums():  # what the notebook does after the cell
                plt.figure(number).draw_without_rendering()
        except CourseError as error:
            assert len(str(error)) < 600
        plt.close("all")


@pytest.mark.parametrize(
    "ask",
    [
        lambda: plot.embedding([[1e308, 1], [-1e308, 2]], [0, 1], ["a", "b"]),
        lambda: plot.heat_map(np.full((2, 2), 1e308)),
        lambda: plot.forecast_fan([1.0, 2.0], [1.0, 2.0], step_hours=1e308),
        lambda: plot.calibration(results.Calibration(None, None, None, 0.0)),
        lambda: plot.calibration(results.Calibration([0.5], [0.5, 0.1], [3], 0.0)),
    ],
)
def test_what_cannot_be_drawn_is_told_at_the_call(ask):
    with pytest.raises(CourseError):
        ask()


def test_confusion_of_shares_writes_them_rounded_and_says_so():
    axes = plot.confusion(np.full((3, 3), 1 / 9), ["a", "b", "c"])
    assert {text.get_text() for text in axes.texts} == {"0.11"} and "share" in axes.get_title()
    np.testing.assert_allclose(axes.images[0].get_array(), 1 / 3)
    axes = plot.confusion([[3.0, 0], [1, 1200]], ["a", "b"])
    assert [text.get_text() for text in axes.texts] == ["3", "1", "1200"]
    assert "number" in axes.get_title()
    for counts in ([[1, np.nan], [0, 1]], [[1, -1], [0, 1]]):
        with pytest.raises(RangeError, match="`counts`"):
            plot.confusion(counts, ["a", "b"])


def test_curves_are_read_from_keras_s_own_history():
    kept = {"loss": [0.5, 0.4], "val_loss": [0.6, np.nan], "acc": [0.7, 0.8]}
    axes = plot.learning_curves(SimpleNamespace(history=kept))
    assert [line.get_label() for line in axes.lines] == ["training", "validation"]
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [0.6, np.nan])  # a gap
    with pytest.raises(RangeError, match="holds no accuracy"):
        plot.learning_curves(SimpleNamespace(history=kept), "accuracy")


@pytest.mark.parametrize(
    "history, quantity, error, message",
    [
        (results.History(), "loss", RangeError, "no loss: no epoch was finished"),
        (HISTORY, "acc", RangeError, "`quantity` is 'acc', but should be 'loss' or 'accuracy'"),
        ([0.5, 0.4], "loss", KindError, r"backends.fit returns, or the History of Keras"),
        (None, "loss", KindError, "`history` is None"),
    ],
)
def test_what_holds_no_curve_is_told(history, quantity, error, message):
    with pytest.raises(error, match=message):
        plot.learning_curves(history, quantity)


@pytest.mark.parametrize("kind", ["float16", "int8", "uint8", "uint64", ">f4", "longdouble"])
def test_counts_of_every_kind_of_numbers_are_drawn_alike(kind):
    shown, expected = (
        plot.confusion(np.full((9, 9), 100).astype(dtype), [*"abcdefghi"]) for dtype in (kind, int)
    )
    texts = [[text.get_text() for text in axes.texts] for axes in (shown, expected)]
    assert texts[0] == texts[1] == ["100"] * 81
    np.testing.assert_array_equal(*(axes.images[0].get_array() for axes in (shown, expected)))


def test_counts_of_half_precision_are_added_without_overflow():
    counts = np.full((2, 2), 60_000, "float16")
    assert plot.confusion(counts, ["a", "b"]).images[0].get_array().tolist() == [[0.5, 0.5]] * 2


def test_a_large_count_is_written_to_the_last_digit():
    assert plot.confusion([[2**53 + 1]], ["a"]).texts[0].get_text() == "9007199254740993"


def test_confusion_of_more_classes_than_can_be_read_is_refused():
    with pytest.raises(RangeError, match=r"51 classes, but at most 50.*counts\[:20, :20\]"):
        plot.confusion(np.eye(51), range(51))


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
    assert output.data.keys() == {"text/plain", "text/html"}  # no second picture without one
    assert 'alt="A title" width="' in sharp.data["text/html"]
    assert list(empty.data) == ["text/plain"]
    for template in ("lab", "classic"):
        html, _ = HTMLExporter(template_name=template).from_notebook_node(notebook)
        said = re.findall(r'<img[^>]* alt="([^"]*)"', html)
        assert said == ["The line rises.", "A title"]
        assert "No description" not in html


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


def test_the_ends_of_an_interval_have_an_order():
    with pytest.raises(RangeError, match="At 1 of 2 steps the low end"):
        plot.forecast_fan([1, 2], [3, 4], {0.995: ([2, 5], [4, 3])})


def test_a_fan_names_its_intervals_by_their_shares():
    ends, shares = ([0], [4]), (0.5, 0.29, 0.995, 0.999)
    axes = plot.forecast_fan([2], [2], dict.fromkeys(shares, ends), [3])
    assert [band.get_label() for band in axes.collections] == ["99.9%", "99.5%", "50%", "29%"]
    assert plot.description(axes.figure).endswith("1 of them lie inside the 99.9% interval.")


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
     (FILM[..., [0, 0]], (1, 2, 3), None), (FILM[:, 0], (1, 2, 3), None),
     (FILM[:0], (), None), (FILM[:, :0], (1, 2, 3), ())],
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


def test_a_heat_map_with_values_that_have_no_colour_is_refused():
    with pytest.raises(RangeError, match=r"`values` holds 1 values.*nan"):
        plot.heat_map([[1.0, np.nan]])
    with pytest.raises(RangeError, match="`limit` is 0"):
        plot.heat_map(MAP, limit=0)


def test_what_is_not_known_lies_neither_inside_nor_outside():
    axes = plot.forecast_fan(
        np.arange(3.0), np.arange(3.0), {0.9: (np.zeros(3), np.full(3, 3.0))}, [1, np.nan, 5]
    )
    assert "1 of them lie inside the 90% interval, 1 are not known" in plot.description(axes.figure)


def test_pictures_stand_upright_whatever_a_matplotlibrc_says():
    with plt.rc_context({"image.origin": "lower"}):
        plot.images([np.eye(3)])
        assert all(each.origin == "upper" for each in plt.gcf().axes[0].get_images())
