"""The same network gives the same numbers in both frameworks; what breaks that is noticed."""

from itertools import pairwise
from typing import NamedTuple

import dlcourse.backends.keras
import dlcourse.backends.pytorch
from dlcourse import backends, data, parity
from dlcourse.errors import CourseError, KindError, ShapeError
from dlcourse.parity import Parity, Quantity, carry_weights, compare

import keras
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from torch import nn

DIGITS = data.load("digits")
IMAGES, LABELS = DIGITS.train.images, DIGITS.train.labels
ROWS, STEPS = (
    DIGITS.train.features,
    IMAGES[..., 0],
)  # (N, 64); (N, 8, 8): a picture read line by line

few = settings(max_examples=8)
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


class Recurrent(nn.Module):
    """A recurrent layer, and a dense one on its last step (or on all of them, flattened)."""

    def __init__(self, layer, embedding=None, classes=10, last=True, steps=1):
        super().__init__()
        self.embedding, self.layer, self.last = embedding, layer, last
        width = layer.hidden_size * (2 if layer.bidirectional else 1) * (1 if last else steps)
        self.dense = nn.Linear(width, classes)

    def forward(self, inputs):
        if self.embedding is not None:
            inputs = self.embedding(inputs)
        outputs = self.layer(inputs)[0]
        return self.dense(outputs[:, -1] if self.last else outputs.flatten(1))


class Call(nn.Module):
    """A plain function as a layer."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, inputs):
        return self.function(inputs)


def keras_model(shape, *inner, dtype="float32"):
    return keras.Sequential([keras.Input(shape, dtype=dtype), *inner])


def shake(model, seed=0):
    """Give every weight, bias and moving average a value of its own, so that none can hide."""
    generator = np.random.default_rng(seed)

    def drawn(name, shape):
        low, high = (0.5, 1.5) if "var" in name or "gamma" in name else (-0.4, 0.4)
        return generator.uniform(low, high, tuple(shape)).astype("float32")

    if isinstance(model, keras.Model):
        for weight in model.weights:
            weight.assign(drawn(weight.name, weight.shape))
    else:
        with torch.no_grad():
            for name, tensor in model.state_dict().items():
                if tensor.is_floating_point():
                    tensor.copy_(torch.from_numpy(drawn(name, tensor.shape)))
    return model


def apart(ours, theirs, inputs):
    """Return how far the scores of a PyTorch and a Keras model are apart, as `compare` counts."""
    first, second = backends.scores(ours, inputs), backends.scores(theirs, inputs)
    assert first.shape == second.shape
    return np.abs(first - second).max() / max(1, np.abs(second).max())


def carried_both_ways(ours, theirs, inputs):
    """Return how far the scores are apart after carrying to Keras, and then to PyTorch."""
    carry_weights(shake(ours), theirs)
    forth = apart(ours, theirs, inputs)
    carry_weights(shake(theirs, seed=1), ours)
    return forth, apart(ours, theirs, inputs)


# Random networks: a strategy draws the plan, the function beside it builds both models from it


dense_plans = st.tuples(
    st.lists(st.integers(1, 12), min_size=2, max_size=5),
    st.sampled_from([*ACTIVATIONS]),
    st.booleans(),
)


def dense_networks(widths, activation, bias):
    ours, theirs = [], []
    for inputs, outputs in pairwise(widths):
        ours += [nn.Linear(inputs, outputs, bias=bias), ACTIVATIONS[activation]()]
        theirs += [layers.Dense(outputs, activation, use_bias=bias)]
    return nn.Sequential(*ours), keras_model((widths[0],), *theirs), (3, widths[0])


class Block(NamedTuple):
    """A convolution and what follows it."""

    filters: int
    window: int
    stride: int
    same: bool
    norm: bool
    activation: str
    pooling: str


blocks = st.builds(
    Block,
    filters=st.integers(1, 4),
    window=st.integers(1, 3),
    stride=st.integers(1, 2),
    same=st.booleans(),
    norm=st.booleans(),
    activation=st.sampled_from([*ACTIVATIONS]),
    pooling=st.sampled_from(["", "largest", "mean"]),
)
convolutional_plans = st.tuples(
    st.integers(5, 9), st.integers(1, 3), st.lists(blocks, min_size=1, max_size=3), st.booleans()
)


def convolutional_networks(size, channels, plan, flatten):
    shape, ours, theirs = (size, size + 1, channels), [], []
    for block in plan:
        # Padding "same" is the same in both only where it is equal on all sides.
        window = min(block.window, size)
        same = block.same and window % 2 == 1
        stride, padding = (1, window // 2) if same else (block.stride, 0)
        ours.append(nn.Conv2d(channels, block.filters, window, stride, padding))
        theirs.append(layers.Conv2D(block.filters, window, stride, "same" if same else "valid"))
        size, channels = (size + 2 * padding - window) // stride + 1, block.filters
        if block.norm:
            ours.append(nn.BatchNorm2d(channels))
            theirs.append(layers.BatchNormalization())
        ours.append(ACTIVATIONS[block.activation]())
        theirs.append(layers.Activation(block.activation))
        if block.pooling and size >= 2:
            size //= 2
            ours.append(nn.MaxPool2d(2) if block.pooling == "largest" else nn.AvgPool2d(2))
            theirs.append(
                layers.MaxPooling2D() if block.pooling == "largest" else layers.AveragePooling2D(2)
            )
    ours += [nn.Flatten()] if flatten else [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    theirs += [layers.Flatten() if flatten else layers.GlobalAveragePooling2D()]
    theirs = keras_model(shape, *theirs, layers.Dense(3))
    ours.append(nn.Linear(theirs.layers[-1].input.shape[1], 3))
    return nn.Sequential(*ours), theirs, (3, *shape)


RECURRENT = {
    "simple": (nn.RNN, layers.SimpleRNN),
    "lstm": (nn.LSTM, layers.LSTM),
    "gru": (nn.GRU, layers.GRU),
}
recurrent_plans = st.tuples(
    st.sampled_from([*RECURRENT]),
    *[st.integers(1, 6)] * 3,
    st.booleans(),
    st.booleans(),
)


def recurrent_networks(kind, features, units, steps, last, tokens):
    ours, theirs = RECURRENT[kind]
    embedding = nn.Embedding(9, features) if tokens else None
    layer = ours(features, units, batch_first=True)
    inner = [layers.Embedding(9, features)] if tokens else []
    inner += [theirs(units, return_sequences=not last)] + ([] if last else [layers.Flatten()])
    shape = (steps,) if tokens else (steps, features)
    return (
        Recurrent(layer, embedding, 4, last, steps),
        keras_model(shape, *inner, layers.Dense(4), dtype="int64" if tokens else "float32"),
        (3, *shape),
    )


@few
@given(dense_plans, st.integers(0, 99))
def test_random_dense_networks_are_equal(plan, seed):
    ours, theirs, shape = dense_networks(*plan)
    inputs = np.random.default_rng(seed).normal(size=shape)
    assert max(carried_both_ways(ours, theirs, inputs)) < 1e-5


@few
@given(convolutional_plans, st.integers(0, 99))
def test_random_convolutional_networks_are_equal(plan, seed):
    ours, theirs, shape = convolutional_networks(*plan)
    inputs = np.random.default_rng(seed).random(shape)
    assert max(carried_both_ways(ours, theirs, inputs)) < 1e-5


@few
@given(recurrent_plans, st.integers(0, 99))
def test_random_recurrent_networks_are_equal(plan, seed):
    ours, theirs, shape = recurrent_networks(*plan)
    generator, tokens = np.random.default_rng(seed), plan[-1]
    inputs = generator.integers(0, 9, shape) if tokens else generator.normal(size=shape)
    assert max(carried_both_ways(ours, theirs, inputs)) < 1e-5


# Networks by name


def cnn(norm=False, end=None):
    norms = ([nn.BatchNorm2d(8)], [layers.BatchNormalization()]) if norm else ([], [])
    ours = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), *norms[0], nn.ReLU(), nn.MaxPool2d(2),
        *(end or [nn.Flatten()]), nn.Linear(128, 10),
    )  # fmt: skip
    theirs = keras_model(
        (8, 8, 1), layers.Conv2D(8, 3, padding="same"), *norms[1], layers.ReLU(),
        layers.MaxPooling2D(), layers.Flatten(), layers.Dense(10),
    )  # fmt: skip
    return ours, theirs


def recurrent(kind):
    ours, theirs = RECURRENT[kind]
    return (
        Recurrent(ours(8, 16, batch_first=True)),
        keras_model((8, 8), theirs(16), layers.Dense(10)),
    )


def mlp():
    ours = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    return ours, keras_model((64,), layers.Dense(32, "relu"), layers.Dense(10))


NETWORKS = {
    "dense": (mlp, ROWS),
    "convolutional": (cnn, IMAGES),
    "with batch norm": (lambda: cnn(norm=True), IMAGES),
    "simple recurrent": (lambda: recurrent("simple"), STEPS),
    "LSTM": (lambda: recurrent("lstm"), STEPS),
    "GRU": (lambda: recurrent("gru"), STEPS),
}


def build(name):
    """Return a PyTorch model, the Keras model that its weights were carried from, and inputs."""
    torch.manual_seed(0)
    keras.utils.set_random_seed(0)
    make, inputs = NETWORKS[name]
    ours, theirs = make()
    carry_weights(theirs, ours)
    return ours, theirs, inputs


def largest_step_difference(ours, theirs, inputs):
    """Train both for one epoch of SGD; return how far the losses of any one step are apart."""
    options = {"optimizer": "sgd", "learning_rate": 0.1, "batch_size": 32, "show": False}
    first = backends.fit(ours, inputs, LABELS, **options)
    second = backends.fit(theirs, inputs, LABELS, **options)
    assert np.ptp(first.step_loss) > 0.01  # something happens
    assert len(first.step_loss) == len(second.step_loss) == 38
    return np.abs(np.subtract(first.step_loss, second.step_loss)).max()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_compares_equal_and_trains_equally_for_an_epoch(name):
    ours, theirs, inputs = build(name)
    found = compare(ours, theirs, inputs[:64], LABELS[:64])
    assert found.ok and found.largest < 1e-5, found
    assert largest_step_difference(ours, theirs, inputs) < 1e-5


@pytest.mark.parametrize("loss", [None, "squared error", "absolute error"])
@pytest.mark.parametrize("name", ["GRU", "LSTM"])
def test_networks_that_predict_numbers_compare_equal(name, loss):
    ours, theirs, inputs = build(name)
    targets = np.random.default_rng(0).normal(size=(64, 10))
    found = compare(ours, theirs, inputs[:64], targets, loss=loss)
    assert found.ok and found.largest < 1e-5, found
    assert found.rows[2].difference > 0  # the gradients are not all zero
    shake(theirs)
    assert not any(row.equal for row in compare(ours, theirs, inputs[:64], targets).rows)


def test_compare_uses_the_named_loss_and_no_other(monkeypatch):
    ours, theirs, inputs = build("GRU")
    for module in (dlcourse.backends.pytorch, dlcourse.backends.keras):
        only = {"absolute error": module.LOSSES["absolute error"]}
        monkeypatch.setattr(module, "LOSSES", only)
    targets = np.random.default_rng(0).normal(size=(64, 10))
    assert compare(ours, theirs, inputs[:64], targets, loss="absolute error").ok
    with pytest.raises(KeyError):
        compare(ours, theirs, inputs[:64], targets)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_round_trip_gives_the_same_scores_back(name):
    ours, theirs, inputs = build(name)
    shake(ours)
    before = backends.scores(ours, inputs[:64])
    carry_weights(ours, theirs)
    back = NETWORKS[name][0]()[0]
    carry_weights(theirs, back)
    np.testing.assert_allclose(backends.scores(back, inputs[:64]), before, atol=1e-5)


@pytest.mark.parametrize(
    "ours, theirs, words",
    [
        (nn.LayerNorm((3, 3, 3)), layers.LayerNormalization(axis=[1, 2, 3]), "C, H, W in PyTorch"),
        (nn.BatchNorm2d(3), layers.BatchNormalization(axis=1), "`axis` is"),
    ],
)
def test_a_norm_over_other_axes_is_not_carried(ours, theirs, words):
    theirs = keras_model((3, 3, 3), theirs, layers.Flatten(), layers.Dense(2))
    ours = nn.Sequential(ours, nn.Flatten(), nn.Linear(27, 2))
    for pair in ((ours, theirs), (theirs, ours)):
        with pytest.raises(KindError, match=words):
            carry_weights(*pair)


def test_groups_are_not_carried():
    ours = nn.Sequential(nn.Conv2d(4, 4, 3, groups=2))
    with pytest.raises(KindError, match="`groups` is 2 in the first and 1 in the second"):
        carry_weights(ours, keras_model((8, 8, 2), layers.Conv2D(4, 3)))


def test_models_without_weights_compare_equal():
    assert compare(nn.Identity(), nn.Identity(), ROWS[:6, :4], np.arange(6) % 3).ok


def test_frozen_models_compare_equal():
    ours, theirs, inputs = build("dense")
    ours.requires_grad_(False)
    theirs.trainable = False
    assert compare(ours, theirs, inputs[:64], LABELS[:64]).ok


def test_batch_norm_left_at_its_defaults_breaks_parity():
    ours, theirs, inputs = build("with batch norm")
    ours[1].eps, ours[1].momentum = 1e-5, 0.1  # Keras: 1e-3, and 0.01 in PyTorch's way of counting
    found = compare(ours, theirs, inputs[:64], LABELS[:64])
    assert not found.ok
    assert largest_step_difference(ours, theirs, inputs) > 1e-3


def test_an_unmatched_momentum_of_batch_norm_is_seen_after_one_step():
    ours, theirs, inputs = build("with batch norm")
    ours[1].momentum = 0.1
    found = compare(ours, theirs, inputs[:64], LABELS[:64])
    assert [row.equal for row in found.rows] == [True, True, True, False]
    assert found.rows[-1].where == "1 moving_mean"
    assert found.rows[-1].difference > 1e-3


@pytest.mark.parametrize("name", ["LSTM", "simple recurrent"])
def test_two_trainable_biases_break_parity_in_the_first_step(name):
    ours, theirs, inputs = build(name)
    assert not ours.layer.bias_hh_l0.requires_grad
    ours.layer.bias_hh_l0.requires_grad_(True)
    found = compare(ours, theirs, inputs[:64], LABELS[:64])
    assert [row.equal for row in found.rows] == [True, True, True, False]
    assert found.rows[-1].where == "layer bias"
    assert largest_step_difference(ours, theirs, inputs) > 1e-3


def test_carrying_to_keras_adds_up_both_biases_of_an_lstm():
    ours, theirs = recurrent("lstm")
    carry_weights(shake(ours), theirs)
    both = (ours.layer.bias_ih_l0 + ours.layer.bias_hh_l0).detach().numpy()
    np.testing.assert_allclose(theirs.layers[0].cell.bias, both)
    assert ours.layer.bias_hh_l0.requires_grad  # the source is left alone


def test_batch_norms_settings_are_carried_too():
    ours, theirs = cnn(norm=True)
    carry_weights(theirs, ours)
    assert (ours[1].eps, ours[1].momentum) == (1e-3, 0.01)
    ours[1].eps, ours[1].momentum = 0.5, 0.3
    backends.scores(theirs, IMAGES[:9])  # compiled with the old epsilon
    carry_weights(shake(ours), theirs)
    assert (theirs.layers[1].epsilon, theirs.layers[1].momentum) == (0.5, 0.7)
    assert apart(ours, theirs, IMAGES[:9]) < 1e-5


# Other ways to write a network


def test_layer_norm_is_carried():
    ours = nn.Sequential(nn.Linear(64, 16), nn.LayerNorm(16), nn.Linear(16, 10))
    inner = [layers.Dense(16), layers.LayerNormalization(), layers.Dense(10)]
    assert max(carried_both_ways(ours, keras_model((64,), *inner), ROWS[:9])) < 1e-5


def test_a_convolution_over_time_is_carried_with_its_flattened_map():
    turn = Call(lambda inputs: inputs.transpose(1, 2))
    ours = nn.Sequential(turn, nn.Conv1d(8, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(30, 10))
    inner = [layers.Conv1D(5, 3, activation="relu"), layers.Flatten(), layers.Dense(10)]
    assert max(carried_both_ways(ours, keras_model((8, 8), *inner), STEPS[:9])) < 1e-5


def test_a_transposed_convolution_is_carried():
    ours = nn.Sequential(
        nn.ConvTranspose2d(1, 5, 4, 2, padding=1), nn.Tanh(), nn.Conv2d(5, 2, 3), nn.Flatten(),
        nn.Linear(392, 10),
    )  # fmt: skip
    theirs = keras_model(
        (8, 8, 1), layers.Conv2DTranspose(5, 4, 2, padding="same", activation="tanh"),
        layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(10),
    )  # fmt: skip
    assert max(carried_both_ways(ours, theirs, IMAGES[:9])) < 1e-5
    assert compare(ours, theirs, IMAGES[:32], LABELS[:32]).ok
    assert "(C, filters, …)" in str(carry_weights(ours, theirs))
    np.testing.assert_array_equal(backends.weights(ours, 0), backends.weights(theirs, 0))


def test_layers_stacked_inside_one_are_carried_to_layers_stacked_outside():
    ours = Recurrent(nn.LSTM(8, 6, num_layers=2, batch_first=True))
    inner = [layers.LSTM(6, return_sequences=True), layers.LSTM(6), layers.Dense(10)]
    assert max(carried_both_ways(ours, keras_model((8, 8), *inner), STEPS[:9])) < 1e-5


def test_both_directions_of_a_recurrent_layer_are_carried():
    ours = Recurrent(nn.GRU(8, 6, batch_first=True, bidirectional=True), last=False, steps=8)
    inner = [layers.Bidirectional(layers.GRU(6, return_sequences=True)), layers.Flatten()]
    theirs = keras_model((8, 8), *inner, layers.Dense(10))
    assert max(carried_both_ways(ours, theirs, STEPS[:9])) < 1e-5


def test_a_dense_layer_at_every_step_is_carried():
    ours = nn.Sequential(nn.Linear(8, 4), nn.Flatten(), nn.Linear(32, 10))
    inner = [layers.TimeDistributed(layers.Dense(4)), layers.Flatten(), layers.Dense(10)]
    assert max(carried_both_ways(ours, keras_model((8, 8), *inner), STEPS[:9])) < 1e-5


def test_colour_pictures_flattened_at_once_are_carried():
    ours = nn.Sequential(nn.Flatten(), nn.Linear(4 * 5 * 3, 2))
    theirs = keras_model((4, 5, 3), layers.Flatten(), layers.Dense(2))
    images = np.random.default_rng(0).random((9, 4, 5, 3))
    assert max(carried_both_ways(ours, theirs, images)) < 1e-5


FLATTENS = {
    "flatten": lambda maps: maps.flatten(1),
    "torch.flatten": lambda maps: torch.flatten(maps, 1),
    "contiguous view": lambda maps: maps.contiguous().view(len(maps), -1),
    "reshape": lambda maps: maps.reshape(maps.shape[0], -1),
    "permute first": lambda maps: maps.permute(0, 2, 3, 1).flatten(1),
    "movedim first": lambda maps: maps.movedim(1, -1).flatten(1),
    "flat twice": lambda maps: torch.relu(maps.flatten(1)),
}


@pytest.mark.parametrize("way", FLATTENS)
def test_a_flattened_map_is_followed_however_it_is_written(way):
    ours, theirs = cnn(end=[Call(FLATTENS[way])])
    assert max(carried_both_ways(ours, theirs, IMAGES[:9])) < 1e-5


def test_a_view_of_a_picture_is_answered_with_a_way_out():
    ours, _ = cnn(end=[Call(lambda maps: maps.view(len(maps), -1))])
    with pytest.raises(ShapeError, match=r"Use nn\.Flatten\(\), \.flatten\(1\) or \.reshape\(\)"):
        backends.scores(ours, IMAGES[:9])


def test_keras_may_turn_the_map_into_pytorchs_order():
    ours, _ = cnn()
    theirs = keras_model(
        (8, 8, 1), layers.Conv2D(8, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
        layers.Permute((3, 1, 2)), layers.Flatten(), layers.Dense(10),
    )  # fmt: skip
    table = carry_weights(shake(ours), theirs)
    assert apart(ours, theirs, IMAGES[:9]) < 1e-5
    assert "flattened" not in str(table)  # nothing had to be reordered


@pytest.mark.parametrize(
    "layer, filters",
    [
        (layers.DepthwiseConv2D(3), 3),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), 6),
        (layers.Conv2D(6, 3, groups=3), 6),
    ],
    ids=["depthwise", "two filters for each map", "groups"],
)
def test_depthwise_convolutions_give_the_same_maps(layer, filters):
    ours = nn.Sequential(nn.Conv2d(3, filters, 3, groups=3), nn.Flatten())
    theirs = keras_model((5, 5, 3), layer, layers.Permute((3, 1, 2)), layers.Flatten())
    inputs = np.random.default_rng(0).normal(size=(4, 5, 5, 3)).astype("float32")
    assert max(carried_both_ways(ours, theirs, inputs)) < 1e-6
    assert backends.weights(ours, 0).shape == backends.weights(theirs, 0).shape
    np.testing.assert_array_equal(backends.weights(ours, 0), backends.weights(theirs, 0))


def test_a_cube_of_a_map_is_told_by_the_names_of_its_axes():
    ours = nn.Sequential(nn.Conv2d(1, 4, 5), nn.Flatten(), nn.Linear(64, 10))  # 4 by 4 by 4
    theirs = keras_model((8, 8, 1), layers.Conv2D(4, 5), layers.Flatten(), layers.Dense(10))
    assert max(carried_both_ways(ours, theirs, IMAGES[:9])) < 1e-5


def test_models_within_models_are_carried():
    ours = nn.Sequential(nn.Sequential(nn.Linear(64, 8), nn.Tanh()), nn.Linear(8, 10))
    inner = keras_model((64,), layers.Dense(8, "tanh"))
    assert (
        max(carried_both_ways(ours, keras_model((64,), inner, layers.Dense(10)), ROWS[:9])) < 1e-5
    )


# What compare notices


def mutate(name, change):
    ours, theirs, inputs = build(name)
    with torch.no_grad():
        change(ours)
    return compare(ours, theirs, inputs[:64], LABELS[:64])


def turned(parameter, *axes):
    parameter.copy_(parameter.permute(*axes).clone())


def test_a_kernel_that_was_not_transposed_is_noticed():
    ours = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    theirs = keras_model((64,), layers.Dense(64, "relu"), layers.Dense(10))
    carry_weights(theirs, ours)
    assert compare(ours, theirs, ROWS[:64], LABELS[:64]).ok
    with torch.no_grad():
        turned(ours[0].weight, 1, 0)
    assert not any(row.equal for row in compare(ours, theirs, ROWS[:64], LABELS[:64]).rows)


def test_a_filter_with_height_and_width_exchanged_is_noticed():
    found = mutate("convolutional", lambda model: turned(model[0].weight, 0, 1, 3, 2))
    assert not any(row.equal for row in found.rows)


@pytest.mark.parametrize("name, gates", [("LSTM", 4), ("GRU", 3)])
def test_gates_in_the_wrong_order_are_noticed(name, gates):
    def exchange(model):
        for tensor in model.layer.parameters():
            first, second, *rest = tensor.chunk(gates)
            tensor.copy_(torch.cat([second, first, *rest]))

    assert not mutate(name, exchange).rows[0].equal


def test_gates_carried_in_the_wrong_order_are_noticed(monkeypatch):
    ours, theirs = recurrent("gru")
    with monkeypatch.context() as patch:
        patch.setattr(dlcourse.backends.pytorch, "_swap_gates", lambda array: array)
        carry_weights(theirs, ours)
    assert not compare(ours, theirs, STEPS[:64], LABELS[:64]).rows[0].equal


def test_a_map_flattened_in_the_other_order_is_noticed(monkeypatch):
    ours, theirs = cnn()
    with monkeypatch.context() as patch:
        patch.setattr(parity, "_orders", lambda *_: {})
        carry_weights(theirs, ours)
    assert not compare(ours, theirs, IMAGES[:64], LABELS[:64]).rows[0].equal


@pytest.mark.parametrize("part", ["weight", "bias", "running_mean", "running_var"])
def test_one_changed_number_of_a_batch_norm_is_noticed(part):
    def change(model):
        getattr(model[1], part)[0] += 0.01

    assert not mutate("with batch norm", change).ok


def test_another_activation_is_noticed():
    ours, _, inputs = build("dense")
    theirs = keras_model((64,), layers.Dense(32, "tanh"), layers.Dense(10))
    carry_weights(ours, theirs)
    found = compare(ours, theirs, inputs[:64], LABELS[:64])
    assert not found.ok and found.largest > 1e-3


def test_a_frozen_layer_is_noticed():
    ours, theirs, inputs = build("dense")
    theirs.layers[0].trainable = False
    found = compare(ours, theirs, inputs[:64], LABELS[:64])
    assert [row.equal for row in found.rows] == [True, True, False, False]
    assert found.rows[2].where.startswith("0 ")


def test_where_is_the_first_part_that_differs_not_the_one_that_differs_most():
    ours, theirs, inputs = build("dense")
    for layer, much in ((theirs.layers[0], 0.01), (theirs.layers[-1], 1.0)):
        layer.bias.assign_add(np.linspace(0, much, layer.bias.shape[0]))
    stepped = compare(ours, theirs, inputs[:64], LABELS[:64]).rows[-1]
    assert stepped.difference > 0.5 and stepped.where == "0 bias"


def test_weights_that_are_no_numbers_are_never_equal():
    def spoil(model):
        model[0].bias[0] = np.nan

    with pytest.raises(CourseError, match="became nan"):
        mutate("dense", spoil)


def test_two_models_of_one_framework_can_be_compared():
    (ours, theirs, inputs), (again, other, _) = build("convolutional"), build("convolutional")
    assert compare(ours, again, inputs[:32], LABELS[:32]).ok
    assert compare(theirs, other, inputs[:32], LABELS[:32]).ok
    assert not compare(theirs, shake(other), inputs[:32], LABELS[:32]).ok


def test_compare_works_with_either_model_first():
    ours, theirs, inputs = build("convolutional")
    assert compare(theirs, ours, inputs[:32], LABELS[:32]).ok


def test_compare_and_carrying_leave_what_they_read_as_it_was():
    ours, theirs = cnn(norm=True, end=[nn.Dropout(0.5), nn.Flatten()])
    theirs = keras_model(
        (8, 8, 1), layers.Conv2D(8, 3, padding="same"), layers.BatchNormalization(), layers.ReLU(),
        layers.MaxPooling2D(), layers.Dropout(0.5), layers.Flatten(), layers.Dense(10),
    )  # fmt: skip
    carry_weights(shake(theirs), ours)
    ours.eval()
    before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    weights = theirs.get_weights()
    assert compare(ours, theirs, IMAGES[:64], LABELS[:64]).ok  # with dropout off
    carry_weights(ours, cnn(norm=True)[1])
    assert all(torch.equal(tensor, before[name]) for name, tensor in ours.state_dict().items())
    assert all(parameter.grad is None for parameter in ours.parameters())
    assert not ours.training and ours[4].p == 0.5
    for now, then in zip(theirs.get_weights(), weights):
        np.testing.assert_array_equal(now, then)
    assert theirs.layers[4].rate == 0.5


def test_dropout_inside_recurrent_layers_is_off_while_comparing():
    ours = Recurrent(nn.LSTM(8, 6, num_layers=2, batch_first=True, dropout=0.5))
    inner = [layers.LSTM(6, return_sequences=True, dropout=0.5), layers.LSTM(6), layers.Dense(10)]
    theirs = keras_model((8, 8), *inner)
    carry_weights(theirs, ours)
    assert compare(ours, theirs, STEPS[:32], LABELS[:32]).ok
    assert ours.layer.dropout == theirs.layers[0].cell.dropout == 0.5


# What is shown


def quantity(difference, allowed=1e-5):
    return Quantity("loss", difference, allowed, "dense kernel")


@pytest.mark.parametrize(
    "difference, text",
    [
        (0.0, "≤ 1e-6"),
        (4.8e-7, "≤ 1e-6"),
        (1e-6, "≤ 1e-6"),
        (1.1e-6, "≤ 1e-5"),
        (1e-5, "≤ 1e-5"),
        (7.2e-4, "≤ 1e-3"),
        (0.033, "≤ 0.1"),
        (2.4, "≤ 10"),
        (np.inf, "not a number"),
    ],
)
def test_a_difference_shows_as_the_power_of_ten_that_it_does_not_pass(difference, text):
    assert text in str(Parity((quantity(difference),)))


def test_a_parity_shows_where_it_is_broken_and_only_there():
    good, broken = Parity((quantity(1e-7),)), Parity((quantity(1e-7), quantity(0.2)))
    assert good.ok and not broken.ok
    assert broken.largest == 0.2
    assert "dense kernel" not in str(good) and "yes" in str(good)
    assert str(broken).splitlines()[2].split() == [
        "loss",
        "≤",
        "1",
        "1e-5",
        "no",
        "dense",
        "kernel",
    ]
    assert repr(good) == str(good)
    assert "<td" in good._repr_html_() and "loss" in good._repr_html_()


def test_compare_shows_its_four_quantities():
    ours, theirs, inputs = build("dense")
    text = str(compare(ours, theirs, inputs[:32], LABELS[:32]))
    for name in ("forward scores", "loss", "gradient", "weights after one SGD step"):
        assert name in text


def test_the_table_names_what_differed_and_what_was_done():
    ours, theirs = cnn(norm=True)
    table = carry_weights(theirs, ours)
    assert table.columns[:2] == ("Keras", "PyTorch")
    assert [row[1] for row in table.rows] == ["0 (Conv2d)", "1 (BatchNorm2d)", "5 (Linear)"]
    text = str(table)
    for words in ("axes reordered", "momentum 0.9 set to 0.99", "epsilon 1e-05 set to 0.001"):
        assert words in text
    assert "flattened map: PyTorch C, H, W, Keras H, W, C" in table.rows[-1][2]
    assert "second bias set to 0 and frozen" in str(carry_weights(*recurrent("lstm")[::-1]))
    assert "biases added up" in str(carry_weights(*recurrent("lstm")))
    assert "gates reordered" in str(carry_weights(*recurrent("gru")))


# Mistakes


class Hidden(keras.Model):
    """A Keras model as a class: the shapes inside it are not known from outside."""

    def __init__(self, *inner):
        super().__init__()
        self.inner = list(inner)

    def call(self, inputs):
        for layer in self.inner:
            inputs = layer(inputs)
        return inputs


def hidden(*inner):
    model = Hidden(*inner)
    model(IMAGES[:1])
    return model


def reshaping():
    inputs = keras.Input((8, 8, 1))
    maps = layers.MaxPooling2D()(layers.Conv2D(8, 3, padding="same")(inputs))
    return keras.Model(inputs, layers.Dense(10)(keras.ops.reshape(maps, (-1, 128))))


def no_gru():
    return keras_model((8, 8), layers.GRU(16, reset_after=False), layers.Dense(10))


MISTAKES = {
    "a dense layer of another size": (
        lambda: (mlp()[0], keras_model((64,), layers.Dense(31), layers.Dense(10))),
        ShapeError,
        ["PyTorch layer '0' (Linear: kernel (64, 32)", "(64, 31)", "the same size"],
    ),
    "a layer missing": (
        lambda: (mlp()[0], keras_model((64,), layers.Dense(10))),
        ShapeError,
        ["2 layers with weights", "1", "PyTorch: Linear, Linear", "Keras: Dense"],
    ),
    "layers in another order": (
        lambda: (
            nn.Sequential(nn.Linear(64, 8), nn.BatchNorm1d(8)),
            keras_model((64,), layers.BatchNormalization(), layers.Dense(8)),
        ),
        KindError,
        ["(Linear", "(BatchNormalization", "a dense layer and a batch norm layer"],
    ),
    "one bias too few": (
        lambda: (nn.Linear(64, 10, bias=False), keras_model((64,), layers.Dense(10))),
        ShapeError,
        ["only one of them has: bias", "bias=False", "use_bias=False"],
    ),
    "a batch norm without shift": (
        lambda: (
            nn.BatchNorm1d(64),
            keras_model((64,), layers.BatchNormalization(center=False)),
        ),
        ShapeError,
        ["only one of them has: beta"],
    ),
    "another activation inside a recurrent layer": (
        lambda: (
            Recurrent(nn.RNN(8, 16, batch_first=True, nonlinearity="relu")),
            recurrent("simple")[1],
        ),
        KindError,
        ["`activation` is 'relu' in the first and 'tanh' in the second"],
    ),
    "a GRU that resets before": (
        lambda: (recurrent("gru")[0], no_gru()),
        KindError,
        ["`reset_after` is True in the first and False"],
    ),
    "two models of one framework": (
        lambda: (mlp()[0], mlp()[0]),
        KindError,
        ["Both models are PyTorch models", "load_state_dict"],
    ),
    "a layer that the course does not know": (
        lambda: (nn.Sequential(nn.Bilinear(2, 2, 2)), mlp()[1]),
        KindError,
        ["'0' (Bilinear)", "weight, bias", "It knows these kinds"],
    ),
    "a Keras layer that the course does not know": (
        lambda: (mlp()[0], keras_model((64,), layers.Normalization())),
        KindError,
        ["(Normalization)", "It knows these kinds"],
    ),
    "a Keras model without weights yet": (
        lambda: (mlp()[0], keras.Sequential([layers.Dense(32), layers.Dense(10)])),
        KindError,
        ["no weights yet", "keras.Input"],
    ),
    "a batch norm without momentum": (
        lambda: (
            nn.BatchNorm1d(64, momentum=None),
            keras_model((64,), layers.BatchNormalization()),
        ),
        KindError,
        ["momentum=None"],
    ),
    "a Keras model whose maps are not known": (
        lambda: (
            cnn()[0],
            hidden(
                layers.Conv2D(8, 3, padding="same"),
                layers.MaxPooling2D(),
                layers.Flatten(),
                layers.Dense(10),
            ),
        ),
        KindError,
        ["written as a class", "keras.Input"],
    ),
    "a map flattened out of sight": (
        lambda: (cnn()[0], reshaping()),
        KindError,
        ["C, H, W = (8, 4, 4) and an unknown map", "keras.layers.Flatten"],
    ),
    "maps of other shapes": (
        lambda: (
            nn.Sequential(nn.Conv2d(1, 8, 3), nn.Flatten(), nn.Linear(8 * 36, 10)),
            keras_model(
                (8, 8, 1),
                layers.Conv2D(8, 3),
                layers.MaxPooling2D((1, 2)),
                layers.UpSampling2D((1, 2)),
                layers.Reshape((4, 9, 8)),
                layers.Flatten(),
                layers.Dense(10),
            ),
        ),
        KindError,
        ["C, H, W = (8, 6, 6) and H, W, C = (4, 9, 8)"],
    ),
    "a thing that is no model": (
        lambda: (mlp()[0], "model"),
        KindError,
        ["is a str"],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_in_words_and_changes_nothing(mistake):
    make, kind, words = MISTAKES[mistake]
    source, target = make()
    before = target.get_weights() if isinstance(target, keras.Model) else []
    with pytest.raises(CourseError) as caught:
        carry_weights(source, target)
    assert type(caught.value) is kind
    for word in words:
        assert word in str(caught.value)
    for now, then in zip(target.get_weights() if before else [], before):
        np.testing.assert_array_equal(now, then)


def test_a_pooled_map_is_not_taken_for_a_flattened_one():
    ours = nn.Sequential(
        nn.Conv2d(1, 64, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 9)
    )
    theirs = keras_model(
        (8, 8, 1), layers.Conv2D(64, 1), layers.GlobalAveragePooling2D(), layers.Reshape((4, 4, 4)),
        layers.Flatten(), layers.Dense(9),
    )  # fmt: skip
    with pytest.raises(KindError, match=r"C, H, W = \(64, 1, 1\) and H, W, C = \(4, 4, 4\)"):
        carry_weights(ours, theirs)


def test_models_without_weights_have_nothing_to_carry():
    assert carry_weights(nn.Flatten(), keras_model((8, 8), layers.Flatten())).rows == ()


def test_a_class_without_maps_needs_no_known_shape():
    ours = Recurrent(nn.LSTM(8, 4, batch_first=True))
    theirs = Hidden(layers.LSTM(4), layers.Dense(10))
    theirs(STEPS[:1])
    carry_weights(theirs, ours)
    assert apart(ours, theirs, STEPS[:9]) < 1e-5


def test_compare_refuses_models_that_do_not_pair_up():
    with pytest.raises(ShapeError, match="cannot be paired"):
        compare(mlp()[0], keras_model((64,), layers.Dense(10)), ROWS[:9], LABELS[:9])
