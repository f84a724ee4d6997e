"""What a diagram writes is what the arrays and the models hold."""

import re

from dlcourse import backends, draw
from dlcourse.errors import CourseError, KindError, RangeError, ShapeError

import keras
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from test_svg import HOSTILE, drawing, texts
from torch import nn

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.random((3, 8, 8, 1)).astype("float32")
SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
UNIT = {"product": "w · x", "z": "product + b", "h": "max(0, z)", "L": "(h − t)²"}
VALUES = {"w": 3, "x": 0.5, "b": -0.3, "t": 2, "product": 1.5, "z": 1.2, "h": 1.2, "L": 0.64}


def read(text):
    """Return the numbers of a text, as floats."""
    found = re.findall(r"(?<![\w.])[−-]?\d[\d,]*\.?\d*(?:e[+−-]?\d+)?", text)
    return [float(number.replace("−", "-").replace(",", "")) for number in found]


def line(drawn, start):
    """Return the numbers of the line of words that begins so."""
    (found,) = [line for line in drawn.words if line.startswith(start)]
    return read(found.removeprefix(start))


def torch_network():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Sequential(nn.ReLU(), nn.Flatten()),
        nn.Linear(144, 10),
    )  # fmt: skip


def keras_network():
    layers = keras.layers
    inner = keras.Sequential([layers.ReLU(), layers.Flatten()])
    return keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.BatchNormalization(), inner,
         layers.Dense(10)]
    )  # fmt: skip


@pytest.mark.parametrize("make", [torch_network, keras_network])
def test_a_network_s_shapes_and_counts_are_its_tensors(make):
    model = make()
    drawn = draw.network(model, IMAGES)
    tensors = [
        backends.activations(model, IMAGES, name)
        for name, _ in backends.of(model).named_layers()
        if name in {run.name for run in backends.runs(model, IMAGES)}
    ] if make is torch_network else []  # fmt: skip
    runs = backends.runs(model, IMAGES)
    assert [run.gives[0] for run in runs] == [3] * 4
    assert [int(np.prod(run.gives)) for run in runs][: len(tensors)] == [t.size for t in tensors]
    assert [run.parameters for run in runs] == [40, 8, 0, 1450]
    assert backends.parameters(model) == 1498
    shapes = [run.gives[1:] for run in runs]
    written = [f"(N, {', '.join(map(str, shape))})" for shape in shapes]
    assert [text for text in texts(drawn) if text.startswith("(N")][1:] == written
    assert [text for text in texts(drawn) if "parameters" in text] == [
        "40 parameters", "8 parameters", "0 parameters", "1,450 parameters",
        "in all: 1,498 parameters",
    ]  # fmt: skip
    assert drawn.words[0].startswith("It holds 1,498 parameters, 97% of them in ")
    assert (4, 6, 6) in shapes if make is torch_network else (6, 6, 4) in shapes


@pytest.mark.parametrize("make", [torch_network, keras_network])
def test_blocks_are_opened_down_to_a_depth(make):
    model = make()
    assert [run.type.lower() for run in backends.runs(model, IMAGES, depth=2)] == [
        "conv2d",
        "batchnorm2d" if make is torch_network else "batchnormalization",
        "relu",
        "flatten",
        "linear" if make is torch_network else "dense",
    ]
    assert all(run.follows for run in backends.runs(model, IMAGES, depth=2))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.own = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        return self.second(self.first(x) + x)


def test_what_happens_between_layers_and_what_no_layer_holds_is_said():
    drawn = draw.network(Residual(), np.ones((2, 4)))
    assert "something that is no layer gave (N, 4)" in drawn.words[3]
    assert drawn.words[-1] == "elsewhere: 3 parameters"
    assert "stroke-dasharray" in drawn._repr_html_()


def test_keras_says_where_branches_meet():
    start = keras.Input((4,))
    branch = keras.layers.Dense(4)(start)
    model = keras.Model(start, keras.layers.Add()([start, branch]))
    assert [run.follows for run in backends.runs(model, np.ones((2, 4)))] == [True, False]


def test_a_layer_that_runs_twice_is_counted_once():
    shared = nn.Linear(4, 4)
    runs = backends.runs(nn.Sequential(shared, nn.ReLU(), shared), np.ones((2, 4)))
    assert [run.parameters for run in runs if run.type == "Linear"] == [20, 0]


class LastState(nn.Module):
    def __init__(self):
        super().__init__()
        self.recurrent = nn.GRU(5, 3, batch_first=True)

    def forward(self, x):
        return self.recurrent(x)[0][:, -1]


def test_a_recurrent_layer_shows_its_sequence():
    assert backends.runs(LastState(), np.ones((2, 7, 5)))[0].gives == (2, 7, 3)


def test_drawing_a_model_leaves_it_as_it_was():
    model = torch_network().train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    draw.network(model, IMAGES)
    assert model.training and not model[0]._forward_hooks
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    twin = keras_network()
    draw.network(twin, IMAGES)
    assert all("call" not in vars(layer) for layer in twin.layers)


def test_a_graph_s_arrows_come_from_the_names_in_its_formulas():
    sources = draw._sources(UNIT, VALUES)
    assert sources == {
        **{"w": [], "x": [], "b": [], "t": []},
        **{"product": ["w", "x"], "z": ["product", "b"], "h": ["z"], "L": ["h", "t"]},
    }
    columns, chains = draw._columns(sources)
    assert columns == [["w", "x"], ["product", "b"], ["z"], ["h", "t"], ["L"]]
    assert sorted(chains) == sorted([source, name] for name in sources for source in sources[name])


def test_a_graph_s_numbers_are_those_given():
    slopes = {"w": -0.8, "x": -4.8, "h": -1.6}
    drawn = draw.computation_graph(UNIT, VALUES, slopes)
    assert {"3", "0.5", "−0.3", "slope −0.8", "slope −4.8", "L = (h − t)²", "0.64"} <= {
        *texts(drawn)
    }
    assert drawn.words[0] == "L is 0.64. The steepest slope is along x: −4.8."
    assert "product = w · x = 1.5" in drawn.words
    heads = [each for each in drawing(drawn).iter() if each.tag.endswith("path")]
    assert len(heads) == 2 * 7  # a line and a head for each arrow


def test_an_arrow_that_skips_a_column_passes_beside_the_boxes():
    _, chains = draw._columns(draw._sources({"a": "x + 1", "b": "a + x"}, {"x": 1, "a": 2, "b": 3}))
    assert ["x", ("x", "b", 1), "b"] in chains


@pytest.mark.parametrize(
    "steps, values, message",
    [
        ({"y": "z"}, {"y": 1}, "names none of the values 'y'|uses 'y'"),
        ({"y": "x"}, {"x": 1}, "Step 'y' has no value"),
        ({"y": "z", "z": "x"}, {"x": 1, "y": 1, "z": 1}, "uses 'z', which is not computed before"),
        ({}, {"x": 1}, "one step at least"),
        ({"y": "x" * 200}, {"x" * 200: 1, "y": 1}, "pixels"),
        ({"y": "x"}, {"x": float("nan"), "y": 1}, "finite number"),
        ({"y": "x"}, {"x": "1", "y": 1}, "finite number"),
    ],
)
def test_a_graph_that_cannot_be_drawn_is_refused_in_words(steps, values, message):
    with pytest.raises(RangeError, match=message):
        draw.computation_graph(steps, values)


@given(
    arrays_of.arrays("int8", st.tuples(st.integers(3, 7), st.integers(3, 7))),
    st.integers(1, 3),
    st.integers(0, 2),
)
def test_a_window_s_numbers_are_those_of_the_convolution(image, stride, padding):
    from_torch = nn.functional.conv2d(
        torch.tensor(image[None, None].astype("float32")),
        torch.tensor(SOBEL[None, None].astype("float32")),
        stride=stride,
        padding=padding,
    )[0, 0].numpy()
    row, column = from_torch.shape[0] - 1, from_torch.shape[1] // 2
    drawn = draw.sliding_window(image, SOBEL, (row, column), stride=stride, padding=padding)
    top, left = row * stride, column * stride
    window = np.pad(image, padding)[top : top + 3, left : left + 3].astype(float)
    assert line(drawn, "window: ") == window.ravel().tolist()
    assert line(drawn, "products: ") == (window * SOBEL).ravel().tolist()
    assert line(drawn, f"map {from_torch.shape}, stride {stride}: ") == from_torch.ravel().tolist()
    total = float(from_torch[row, column])
    assert read(drawn.words[0])[-1] == total == sum(line(drawn, "products: "))
    drawn_numbers = [read(text) for text in texts(drawn)]
    every = [*np.pad(image, padding).ravel(), *SOBEL.ravel(), *(window * SOBEL).ravel(), total]
    alone = [each[0] for each in drawn_numbers if len(each) == 1]
    assert sorted(alone) == sorted([*every, *from_torch.ravel()])


def test_bytes_are_pixels_from_0_to_1():
    drawn = draw.sliding_window(np.full((3, 3), 51, "uint8"), np.ones((2, 2)))
    assert drawn.words[0].endswith("its 4 products add up to 0.8.")


def test_a_learner_s_map_is_marked_where_it_differs():
    right = np.array([[4.0, 4], [4, 4]])
    yours = right.copy()
    yours[1, 0] = 3
    image, kernel = np.ones((3, 3)), np.ones((2, 2))
    drawn = draw.sliding_window(image, kernel, yours=yours)
    assert "Yours differs at 1 of 4 positions, first at (1, 0): 3, not 4." in drawn.words[0]
    assert texts(drawn).count("≠ 3") == 1
    assert drawn._repr_html_().count('stroke-dasharray="5 4"') == 1
    assert "agrees everywhere" in draw.sliding_window(image, kernel, yours=right).words[0]
    turned = draw.sliding_window(image, kernel, yours=right.ravel())
    assert "Yours has shape (4,), but the map has (2, 2)." in turned.words[0]
    lost = draw.sliding_window(image, kernel, yours=right * np.nan)
    assert "4 of 4 positions, first at (0, 0): nan, not 4." in lost.words[0]


def test_channels_and_their_sum_are_those_of_the_convolution():
    image = GENERATOR.normal(size=(9, 8, 3))
    filters = GENERATOR.normal(size=(5, 3, 2, 3))
    drawn = draw.convolution(image, filters, (2, 1), stride=2, padding=1, index=4)
    maps = nn.functional.conv2d(
        torch.tensor(image).permute(2, 0, 1)[None],
        torch.tensor(filters).permute(0, 3, 1, 2),
        stride=2,
        padding=1,
    )[0].permute(1, 2, 0)
    assert f"maps {tuple(maps.shape)}" in drawn.words[1]
    assert read(drawn.words[0])[-1] == pytest.approx(float(maps[2, 1, 4]), rel=1e-3)
    sums = [line(drawn, f"channel {channel}, sum: ")[0] for channel in range(3)]
    assert sum(sums) == pytest.approx(float(maps[2, 1, 4]), abs=2e-3)
    assert {str(image.shape), str(filters.shape), str(tuple(maps.shape))} <= {*texts(drawn)}
    window = np.pad(image, ((1, 1), (1, 1), (0, 0)))[4:7, 2:4]
    for channel in range(3):
        wanted = window[..., channel].round(2).ravel()
        np.testing.assert_allclose(line(drawn, f"channel {channel}, window: "), wanted)


def test_a_recurrence_s_states_are_those_given():
    network = nn.RNN(2, 3, batch_first=True)
    inputs = torch.randn(1, 4, 2)
    states = network(inputs)[0][0].detach().numpy()
    states = np.concatenate([np.zeros((1, 3)), states])
    drawn = draw.recurrence(states, inputs[0])
    for step, name in enumerate("₀₁₂₃₄"):
        numbers = line(drawn, f"h{name}: ")
        np.testing.assert_allclose(numbers[:3], states[step], atol=0.00501)
    assert texts(drawn).count("U") == texts(drawn).count("W") == 4
    change = np.abs(np.diff(states, axis=0)).mean(axis=1)
    assert f"most at step {change.argmax() + 1}, by" in drawn.words[0]
    assert draw.recurrence(states, np.ones((4, 52))).words[2].endswith("x₁: 52 numbers")


def test_attention_says_which_weight_is_largest_and_which_row_does_not_add_up():
    drawn = draw.attention([[0.9, 0.1], [0.25, 0.75]], ["it", "sat"], ["cat", "mat"])
    assert drawn.words[0] == "The largest weight is 0.9, from it to cat. Each row adds up to 1."
    assert texts(drawn).count("= 1") == 2
    wrong = draw.attention([[0.9, 0.6], [0.1, 0.4]], ["it", "sat"], [0, 1])
    assert "These rows do not add up to 1: it (1.5), sat (0.5)." in wrong.words[0]
    assert "≠ 1: 1.5" in texts(wrong)


def test_hostile_names_are_only_names():
    drawn = draw.attention([[1.0]], ["</text><script>"], ["&"], title=HOSTILE[:-1])
    assert "<script" not in drawn._repr_html_() and "</text><script>" in texts(drawn)
    named = nn.Sequential()
    named.add_module("<b>&", nn.Linear(4, 2))
    assert "<b>& (Linear)" in texts(draw.network(named, np.ones((2, 4))))
    drawn = draw.computation_graph({"y": "<i> x"}, {"x": 1, "y": 1})
    assert "y = <i> x" in texts(drawn)


IMAGE, KERNEL, FILTERS = np.ones((4, 4)), np.ones((2, 2)), np.ones((2, 2, 2, 3))
COLOUR, STATES = np.ones((4, 4, 3)), np.zeros((3, 2))


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: draw.sliding_window(IMAGE * np.nan, KERNEL), RangeError, "16 of 16 values"),
        (lambda: draw.sliding_window(np.ones((0, 4)), KERNEL), ShapeError, "is empty"),
        (lambda: draw.sliding_window(COLOUR, KERNEL), ShapeError, r"needs 2 axes \(H, W\)"),
        (lambda: draw.sliding_window("text", KERNEL), KindError, "no array"),
        (lambda: draw.sliding_window(np.ones((13, 3)), KERNEL), RangeError, r"image\[:12, :12\]"),
        (lambda: draw.sliding_window(np.ones((9, 9)), KERNEL, padding=2), RangeError, r"13"),
        (lambda: draw.sliding_window(IMAGE, np.ones((6, 6))), RangeError, "5 × 5"),
        (lambda: draw.sliding_window(IMAGE, np.ones((5, 5))), ShapeError, "it fits nowhere"),
        (lambda: draw.sliding_window(IMAGE, KERNEL, (3, 0)), RangeError, "there are 3 rows"),
        (lambda: draw.sliding_window(IMAGE, KERNEL, 0), KindError, r"\(row, column\)"),
        (lambda: draw.sliding_window(IMAGE, KERNEL, stride=0), RangeError, "`stride` is 0"),
        (lambda: draw.sliding_window(IMAGE, KERNEL, padding=0.5), RangeError, "`padding` is 0.5"),
        (lambda: draw.sliding_window(IMAGE, KERNEL, yours="4"), KindError, "no array"),
        (lambda: draw.sliding_window(IMAGE * 1e308, KERNEL), RangeError, "infinite"),
        (lambda: draw.convolution(IMAGE, FILTERS), ShapeError, "needs 3 axes"),
        (lambda: draw.convolution(COLOUR, FILTERS[..., :2]), ShapeError, "number of channels"),
        (lambda: draw.convolution(COLOUR, FILTERS, index=2), RangeError, "there are 2 filters"),
        (lambda: draw.convolution(np.ones((4, 4, 9)), np.ones((1, 2, 2, 9))), RangeError, "9 chan"),
        (lambda: draw.recurrence(STATES[:1]), ShapeError, "with T at least 1"),
        (lambda: draw.recurrence(STATES, np.ones((3, 2))), ShapeError, r"should be \(2, …\)"),
        (lambda: draw.recurrence(np.zeros((3, 13))), RangeError, "cannot be read"),
        (lambda: draw.attention([[1.0]], ["a", "b"], ["c"]), ShapeError, "more names"),
        (lambda: draw.attention([[1.0]], "a", ["c"]), KindError, "list of 1 names"),
        (lambda: draw.attention([[1.0]], [["a"]], ["c"]), KindError, "short texts"),
        (lambda: draw.attention([[1.0]], ["a" * 200], ["c"]), RangeError, "shorter names"),
        (lambda: draw.network(torch_network(), IMAGES, 0), RangeError, "`depth` is 0"),
        (lambda: draw.network(torch_network(), IMAGES[0]), CourseError, "."),
        (lambda: draw.network("model", IMAGES), KindError, "torch.nn.Module or a keras.Model"),
        (lambda: draw.network(nn.Sequential(*[nn.ReLU()] * 29), IMAGES), RangeError, "29 layers"),
        (lambda: draw.computation_graph({"y": "x"}, {"x": 1, "y": 1}, {"z": 1}), RangeError, "'z'"),
        (lambda: draw.computation_graph("z", {}), KindError, "`steps` is 'z'"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused_in_words(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_largest_diagrams_fit():
    drawn = draw.sliding_window(np.full((12, 12), -0.55), np.ones((2, 2)), title="large")
    assert int(drawing(drawn).get("width")) <= 712
    draw.network(nn.Sequential(*[nn.ReLU()] * 28), IMAGES)
