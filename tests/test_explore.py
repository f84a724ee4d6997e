"""An explorer draws what its controls say, describes it, and notices its own faults."""

import base64
import html
import io
import itertools
import re
import sys

from dlcourse import explore
from dlcourse.errors import CourseError, KindError, RangeError

import matplotlib.pyplot as plt
import numpy as np
import pytest
from ipywidgets import HTML, Dropdown, FloatLogSlider, FloatSlider, IntSlider
from matplotlib.figure import Figure
from odd_sequences import Endless, Lying

PNG = b"\x89PNG\r\n\x1a\n"
SIZE = (1.5, 1)


def draw(figure, height, colour="red"):
    figure.add_artist(plt.Line2D([0, 1], [0, height], color=colour))
    return f'A {colour} line, "{height:.3g}" high & straight.'


@pytest.fixture(autouse=True)
def nothing_open():
    """No explorer leaves a figure open in pyplot."""
    plt.close("all")
    yield
    assert plt.get_fignums() == []


@pytest.fixture
def explorer():
    controls = {"height": explore.slider(0.0, 1.0, 0.5), "colour": explore.choice(["red", "blue"])}
    return explore.Explorer(draw, SIZE, **controls)


def controls_of(explorer):
    *controls, seen = explorer.widget().children
    assert isinstance(seen, HTML)
    return (*controls, seen)


def test_a_call_gives_the_picture_and_the_sentence(explorer):
    picture = explorer(height=0.25, colour="blue")
    assert picture.png.startswith(PNG)
    assert base64.b64encode(picture.png).decode() in picture._repr_html_()
    assert picture.text == repr(picture) == 'A blue line, "0.25" high & straight.'
    assert explorer().text == 'A red line, "0.5" high & straight.'
    assert explorer().png == explorer(height=0.5, colour="red").png != picture.png


def test_an_error_of_the_drawing_function_is_told_with_the_place():
    def breaks(figure, height):
        return f"{1 / height}"

    broken = explore.Explorer(breaks, SIZE, height=explore.slider(0, 2, 1))
    for ask in (lambda: broken(height=0), broken.faults):
        with pytest.raises(
            KindError, match=r"raised ZeroDivisionError: .* \(at height=0\)"
        ) as told:
            ask()
        assert isinstance(told.value.__cause__, ZeroDivisionError)


def test_an_option_can_be_written_as_text():
    class Mute:
        def __str__(self):
            raise ValueError("no")

    with pytest.raises(KindError, match="cannot be written as text: no"):
        explore.choice([Mute()])


def test_the_picture_has_the_size_asked_for(explorer):
    width, height = (int.from_bytes(explorer().png[i : i + 4], "big") for i in (16, 20))
    assert (width, height) == tuple(round(explore.DOTS_PER_INCH * inches) for inches in SIZE)
    assert f'width="{width}" height="{height}"' in controls_of(explorer)[-1].value


def test_the_picture_stands_on_white_whatever_the_theme(explorer):
    with plt.rc_context({"figure.facecolor": "black", "savefig.facecolor": "none"}):
        pixels = plt.imread(io.BytesIO(explorer(height=0.0).png))
    assert (pixels[0] == 1).all()  # the line lies at the bottom


def test_a_picture_is_drawn_once_since_a_slider_waits_for_it(explorer, monkeypatch):
    explorer()  # finds where the axes stand
    drawn, drawing = [], Figure.draw
    monkeypatch.setattr(
        Figure, "draw", lambda self, *given: (drawn.append(self), drawing(self, *given))
    )
    with plt.rc_context({"figure.constrained_layout.use": True}):  # as in the course's style
        explorer(height=0.1)
    assert len(drawn) == 1


@pytest.mark.parametrize(
    "values, error, message",
    [
        ({"height": 1.5}, RangeError, r"`height` is 1\.5, but goes from 0\.0 to 1\.0"),
        ({"height": -0.1}, RangeError, r"`height` is -0\.1"),
        ({"height": float("nan")}, RangeError, "`height` is nan"),
        ({"height": "0.5"}, KindError, "`height` is '0.5', but should be a number"),
        ({"colour": "green"}, RangeError, r"`colour` is 'green', but should be one of .*red.*blue"),
        ({"height": True}, KindError, "`height` is True, but should be a number"),
        ({"height": np.zeros(2)}, KindError, "but should be a number"),
        ({"colour": np.array(["red", "blue"])}, RangeError, "but should be one of"),
        ({"width": 1}, RangeError, "no control `width`. There are: height, colour"),
    ],
)
def test_values_that_no_control_reaches_are_refused(explorer, values, error, message):
    with pytest.raises(error, match=message):
        explorer(**values)


@pytest.mark.parametrize("controls", [{}, {"height": 0.5}, {"height": (0, 1)}])
def test_an_explorer_needs_controls(controls):
    with pytest.raises(KindError, match=r"needs controls.*(none was given|height)"):
        explore.Explorer(draw, SIZE, **controls)


@pytest.mark.parametrize(
    "make",
    [
        lambda: explore.slider(0, 1, 2),
        lambda: explore.slider(1, 1, 1),
        lambda: explore.slider(1, 0, 0.5),
        lambda: explore.slider(0, 1, 0.5, logarithmic=True),
        lambda: explore.choice(["red"], "blue"),
    ],
)
def test_a_control_that_cannot_stand_where_it_starts_is_refused(make):
    with pytest.raises(RangeError):
        make()


ABSURD = [
    *(None, "text", "", b"bytes", 1j, ..., True, float("nan"), float("inf"), -float("inf")),
    *([], {}, {1, 2}, {"a": 1}, (1, 2, 3)),
    *(np.zeros(3), np.zeros((2, 2)), np.array(1), np.array("a")),
    *(Endless(), Lying(), itertools.count(), 10**400, len, "x" * 10**6),
]  # fmt: skip


def sound():
    return explore.Explorer(draw, SIZE, height=explore.slider(0, 1, 0))


TAKES_ONE = [
    lambda it: explore.slider(it, 9, 3),
    lambda it: explore.slider(1, it, 3),
    lambda it: explore.slider(1, 9, it),
    lambda it: explore.slider(0, 1, 0.5, it),
    lambda it: explore.slider(0, 1, 0.5, logarithmic=it),
    lambda it: explore.slider(0, 1, 0.5, label=it),
    lambda it: explore.choice(it),
    lambda it: explore.choice([it]),
    lambda it: explore.choice(["red"], it),
    lambda it: explore.choice(["red"], label=it),
    lambda it: explore.Explorer(it, x=explore.slider(0, 1, 0)),
    lambda it: explore.Explorer(draw, it, height=explore.slider(0, 1, 0)),
    lambda it: explore.Explorer(draw, (it, 1), height=explore.slider(0, 1, 0)),
    lambda it: explore.Explorer(draw, height=it),
    lambda it: sound()(height=it),
]  # fmt: skip


@pytest.mark.parametrize("take", TAKES_ONE)
def test_absurd_arguments_are_taken_or_refused_in_words(take):
    for absurd in ABSURD:
        try:
            take(absurd)
        except CourseError as error:
            assert len(str(error)) < 400


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: explore.slider(0, 1, None), KindError, "`start` is None, but should be a number"),
        (lambda: explore.slider(0, float("inf"), 1), RangeError, "`high` is inf.*finite"),
        (lambda: explore.slider(0, 1, 0.5, step=0), RangeError, "`step` is 0.*larger than 0"),
        (lambda: explore.slider(0, 1, 0.5, step=-1), RangeError, "`step` is -1"),
        (lambda: explore.choice("red"), KindError, "a list or a tuple, not 'red'"),
        (lambda: explore.choice({"red", "blue"}), KindError, "a list or a tuple"),
        (lambda: explore.choice(np.eye(2)), KindError, "not an array"),
        (lambda: explore.choice(itertools.count()), RangeError, "got more than 1000"),
        (lambda: explore.choice([]), RangeError, "got none"),
        (lambda: sound().typical_seconds(0), RangeError, "`rounds` is 0"),
        (lambda: sound().typical_seconds(None), RangeError, "`rounds` is None"),
        (lambda: explore.Explorer("draw", x=explore.slider(0, 1, 0)), KindError, "a function"),
        (lambda: explore.Explorer(draw, 5, x=explore.slider(0, 1, 0)), KindError, "width and"),
        (lambda: explore.Explorer(draw, (0, 1), x=explore.slider(0, 1, 0)), RangeError, "`size`"),
    ],
)
def test_a_wrong_argument_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_the_options_of_a_choice_keep_their_order():
    for options in (["b", "a"], {"b": 1, "a": 2}, {"b": 1, "a": 2}.keys(), (x for x in "ba")):
        assert explore.choice(options).options == ("b", "a")
    assert explore.choice(np.array([3, 1])).options == (3, 1)


def fragile(figure, height):
    if height > 0.7:
        raise ValueError("too <high>")
    figure.add_artist(plt.Line2D([0, 1], [0, height]))
    return f"A line up to {height:g}."


def test_an_error_at_one_position_stands_in_place_of_the_picture_until_the_next():
    explorer = explore.Explorer(fragile, SIZE, height=explore.slider(0.0, 1.0, 0.5))
    slider, seen = controls_of(explorer)
    assert "<img" in seen.value
    slider.value = 0.8
    assert "<img" not in seen.value and "A line up to" not in seen.value
    assert "ValueError: too &lt;high&gt;" in seen.value and 'role="status"' in seen.value
    assert 'raise ValueError("too <high>")' in html.unescape(seen.value)
    slider.value = 0.6
    assert "<img" in seen.value and "ValueError" not in seen.value


def test_an_error_at_the_first_position_is_shown_with_the_controls_and_the_others_work():
    explorer = explore.Explorer(fragile, SIZE, height=explore.slider(0.0, 1.0, 0.9))
    bundle = explorer._repr_mimebundle_()
    assert "ValueError: too <high>" in bundle["text/plain"] and "raise" in bundle["text/plain"]
    assert "ValueError: too &lt;high&gt;" in bundle["text/html"]
    assert "<img" not in bundle["text/html"]
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"]
    slider, seen = controls_of(explorer)
    assert "ValueError" in seen.value
    slider.value = 0.2
    assert 'alt="A line up to 0.2."' in seen.value


def test_a_function_that_would_end_python_is_told_and_ends_nothing():
    def leaves(figure, height):
        sys.exit(3)

    explorer = explore.Explorer(leaves, SIZE, height=explore.slider(0.0, 1.0, 0.9))
    assert "SystemExit: 3" in explorer._repr_mimebundle_()["text/plain"]


def test_a_function_that_draws_on_nothing_is_told_where_to_draw():
    nowhere = explore.Explorer(lambda figure, x: "A line.", SIZE, x=explore.slider(0, 1, 0))
    with pytest.raises(KindError, match="drew nothing on the figure"):
        nowhere()
    assert "drew nothing on the figure" in controls_of(nowhere)[-1].value


def test_a_picture_in_a_cell_has_its_alternative_text(explorer):
    shown = explorer()._repr_html_()
    assert f'alt="{html.escape(explorer().text)}"' in shown


@pytest.mark.parametrize("text", [None, "", "  ", 5])
def test_a_function_that_says_nothing_is_refused(text):
    silent = explore.Explorer(lambda figure, x: text, SIZE, x=explore.slider(0, 1, 0))
    with pytest.raises(KindError, match="must return a sentence"):
        silent()


def test_what_is_shown_is_a_picture_text_and_a_widget(explorer):
    bundle = explorer._repr_mimebundle_()
    assert "base64,iVBORw0KGgo" in bundle["text/html"]  # PNG's first bytes
    assert f'alt="{html.escape(explorer().text)}"' in bundle["text/html"]
    line = 'explorer(height=0.5, colour="red")'
    assert bundle["text/plain"] == (
        f"Explorer of height, colour: {explorer().text}\nIn code: {line}"
    )
    assert f">{line}</code>" in bundle["text/html"]
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"]


def test_moving_a_control_changes_the_picture_and_its_alternative_text(explorer):
    slider, colours, seen = controls_of(explorer)
    assert isinstance(slider, FloatSlider) and isinstance(colours, Dropdown)
    pictures = []
    for control, value in ((slider, 0.5), (slider, 0.75), (colours, "blue"), (slider, 1.0)):
        control.value = value
        text = explorer(height=slider.value, colour=colours.value).text
        (alternative,) = re.findall(r'<img [^>]*alt="([^"]*)"', seen.value)
        assert html.unescape(alternative) == text
        assert "&quot;" in alternative and "high &amp; straight" in alternative
        assert f'<div role="status">{alternative}</div>' in seen.value
        pictures += re.findall(r'src="data:image/png;base64,([^"]+)"', seen.value)
    assert len({*pictures}) == len(pictures) == 4


@pytest.mark.parametrize("low, high", [(0.003, 0.7), (3e-5, 0.3), (0.001, 1), (0.3, 7)])
def test_a_logarithmic_slider_reaches_both_ends(low, high):
    drawn = []

    def note(figure, rate):
        drawn.append(rate)
        return f"{rate}"

    control = explore.slider(low, high, high, logarithmic=True)
    slider, _ = controls_of(explore.Explorer(note, SIZE, rate=control))
    assert isinstance(slider, FloatLogSlider)
    assert 0 < slider.step <= (slider.max - slider.min) / 10
    for end in (slider.min, slider.max):
        slider.value = slider.base**end
    assert drawn[-2:] == pytest.approx([low, high])
    assert all(low <= rate <= high for rate in drawn)


@pytest.mark.parametrize(
    "control, kind",
    [
        (explore.slider(1, 9, 3), int),
        (explore.slider(0, 100, 50, step=10), int),
        (explore.slider(0, 10, 5.5, step=1), float),
        (explore.slider(0, 1, 0.5), float),
    ],
)
def test_a_slider_of_whole_numbers_gives_whole_numbers(control, kind):
    drawn = []
    explorer = explore.Explorer(lambda figure, x: drawn.append(x) or "Seen.", SIZE, x=control)
    slider, _ = controls_of(explorer)
    assert isinstance(slider, IntSlider if kind is int else FloatSlider)
    assert slider.value == control.start
    slider.value = control.high
    assert drawn[-1] == control.high and type(drawn[-1]) is kind


def test_a_drop_down_hands_over_its_values_even_pairs():
    shapes = explore.choice([(1, 1), (3, 5)], label="window")

    def windows(figure, shape):
        figure.subplots()
        return f"Window {shape}"

    explorer = explore.Explorer(windows, SIZE, shape=shapes)
    menu, seen = controls_of(explorer)
    assert (menu.description, menu.value) == ("window", (1, 1))
    menu.value = (3, 5)
    assert 'alt="Window (3, 5)"' in seen.value


def test_a_control_is_named_by_its_label_or_its_argument(explorer):
    assert [control.description for control in controls_of(explorer)[:2]] == ["height", "colour"]
    labelled = explore.slider(0, 1, 0, label="height (m)")
    assert controls_of(explore.Explorer(draw, SIZE, height=labelled))[0].description == "height (m)"


def test_an_explorer_whose_controls_are_sound_lacks_challenges_only(explorer):
    assert explorer.faults() == ["it has 0 challenges, but should have 3"]


@pytest.mark.parametrize(
    "function, wanted",
    [
        (lambda figure, height, colour: draw(figure, height), ["picture", "sentence about"]),
        (
            lambda figure, height, colour: draw(figure, height) + f" Not {colour}.",
            ["picture"],
        ),
        (
            lambda figure, height, colour: draw(figure, height, colour).replace(colour, "nice"),
            ["sentence about"],
        ),
    ],
)
def test_a_control_that_changes_nothing_is_a_fault(explorer, function, wanted):
    explorer.draw = function
    *faults, _ = explorer.faults()
    assert len(faults) == len(wanted)
    for fault, part in zip(faults, wanted):
        assert fault.startswith(f"`colour` does not change the {part}")


def test_how_long_a_slider_waits_is_the_median_of_the_best_round(explorer, monkeypatch):
    explorer()  # the layout is found once
    stops = sum(len(control.stops()) for control in explorer.controls.values())
    first = [9.0] * stops  # other programs were busy
    best = [0.25] * (stops - 1) + [7.0]
    costs, now = iter([*first, *best, *first]), [0.0]

    def slow(figure, height, colour):
        now[0] += next(costs)
        return draw(figure, height, colour)

    explorer.draw = slow
    monkeypatch.setattr(explore.time, "perf_counter", lambda: now[0])
    assert explorer.typical_seconds(rounds=3) == 0.25


def test_a_logarithmic_slider_may_reach_far_and_no_option_is_nan():
    assert explore.slider(1, 10**20, 10**5, logarithmic=True).widget("x").value == 10**5
    with pytest.raises(RangeError, match="nan"):
        explore.choice([float("nan"), 1.0])


def test_a_sentence_that_cannot_be_written_and_a_control_called_figure_are_refused():
    def half(figure, height):
        figure.subplots()
        return "half a character: \ud800"

    with pytest.raises(KindError, match="half of a character"):
        explore.Explorer(half, height=explore.slider(1, 3, 2))()
    with pytest.raises(KindError, match="cannot be called `figure`"):
        explore.Explorer(draw, figure=explore.slider(1, 3, 2))
