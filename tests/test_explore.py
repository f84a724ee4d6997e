"""An explorer draws what its controls say, describes it, and notices its own faults."""

import html
import io
import re

from dlcourse import explore
from dlcourse.errors import KindError, RangeError

import matplotlib.pyplot as plt
import pytest
from ipywidgets import HTML, Dropdown, FloatLogSlider, FloatSlider, IntSlider
from matplotlib.figure import Figure

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
    assert picture._repr_png_() == (picture.png, {"alt": picture.text})
    assert picture.text == repr(picture) == 'A blue line, "0.25" high & straight.'
    assert explorer().text == 'A red line, "0.5" high & straight.'
    assert explorer().png == explorer(height=0.5, colour="red").png != picture.png


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


@pytest.mark.parametrize("text", [None, "", "  ", 5])
def test_a_function_that_says_nothing_is_refused(text):
    silent = explore.Explorer(lambda figure, x: text, SIZE, x=explore.slider(0, 1, 0))
    with pytest.raises(KindError, match="must return a sentence"):
        silent()


def test_what_is_shown_is_a_picture_text_and_a_widget(explorer):
    bundle, metadata = explorer._repr_mimebundle_()
    assert metadata == {"image/png": {"alt": explorer().text}}
    assert bundle["image/png"].startswith("iVBORw0KGgo")  # PNG's first bytes in base64
    assert bundle["text/plain"] == f"Explorer of height, colour: {explorer().text}"
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
    explorer = explore.Explorer(lambda figure, shape: f"Window {shape}", SIZE, shape=shapes)
    menu, seen = controls_of(explorer)
    assert (menu.description, menu.value) == ("window", (1, 1))
    menu.value = (3, 5)
    assert 'alt="Window (3, 5)"' in seen.value


def test_a_control_is_named_by_its_label_or_its_argument(explorer):
    assert [control.description for control in controls_of(explorer)[:2]] == ["height", "colour"]
    labelled = explore.slider(0, 1, 0, label="height (m)")
    assert controls_of(explore.Explorer(draw, SIZE, height=labelled))[0].description == "height (m)"


def test_a_sound_explorer_has_no_faults(explorer):
    assert explorer.faults() == []


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
    faults = explorer.faults()
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
