"""The same call gives the same answer in both frameworks, whatever numbers and layers come."""

import random

from dlcourse import backends, data, interpret, parity, results
from dlcourse.backends.loop import batches
from dlcourse.errors import CourseError, KindError, RangeError, ShapeError, TrainingError

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from keras import layers
from test_backends import DIGITS, FEATURES, FRAMEWORKS, IMAGES, LABELS, QUIET
from torch import nn


@pytest.fixture(params=FRAMEWORKS.values(), ids=FRAMEWORKS)
def framework(request):
    return request.param


def twins(first, second):
    """Return two models of one network, one of each framework, with the same weights."""
    parity.carry_weights(first, second)
    return first, second


def dense_twins(dtype="float32"):
    ours = nn.Sequential(nn.Linear(64, 10, dtype=getattr(torch, dtype)))
    theirs = keras.Sequential([keras.Input((64,), dtype=dtype), layers.Dense(10, dtype=dtype)])
    return twins(ours, theirs)


# Kinds of numbers

KINDS = ("bool", "int16", "int32", "int64", "uint16", "float16", "float32", "float64", ">f4", ">i4")


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_every_kind_count_with_their_value(kind):
    inputs = np.round(16 * FEATURES[:20]).astype(kind)
    ours, theirs = (backends.scores(model, inputs) for model in dense_twins())
    expected = backends.scores(dense_twins()[0], FEATURES[:20]).dtype
    assert ours.dtype == theirs.dtype == expected
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    same_values = [backends.scores(model, inputs.astype("float32")) for model in dense_twins()]
    assert np.shape(same_values[0]) == ours.shape


@pytest.mark.parametrize("kind", ["complex64", "datetime64[s]"])
def test_what_no_network_computes_with_is_refused(framework, kind):
    with pytest.raises(KindError):
        backends.scores(framework.mlp(), FEATURES[:5].astype("int64").astype(kind))


def test_tokens_stay_whole_numbers_also_without_an_embedding():
    class Looked(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(12, 3)

        def forward(self, tokens):
            return self.last(nn.functional.one_hot(tokens, 12).float().mean(1))

    assert backends.scores(Looked(), np.array([[1, 2], [3, 11]], "int32")).shape == (2, 3)


def test_networks_of_64_bits_are_computed_in_64_bits():
    inputs = FEATURES[:20].astype("float64") + 1e-9
    ours, theirs = dense_twins("float64")
    for model in (ours, theirs):
        scores = backends.scores(model, inputs)
        kernel, bias = backends.layers_with_weights(model)[0].arrays.values()
        assert scores.dtype == np.float64
        np.testing.assert_allclose(scores, inputs @ kernel + bias, rtol=1e-12)
        slopes = backends.input_gradient(model, inputs, LABELS[:20])
        np.testing.assert_allclose(slopes, kernel.T[LABELS[:20]], rtol=1e-12)
    # Keras keeps a learning rate in 32 bits: this one has a finite number of them.
    result = parity.compare(ours, theirs, inputs, LABELS[:20], 0.125, tolerance=1e-12)
    assert result.ok, result


def test_a_gradient_of_64_bits_agrees_with_finite_differences(framework):
    (model,) = (m for m in dense_twins("float64") if type(backends.of(m)) is type(
        backends.of(framework.mlp())))  # fmt: skip
    inputs, labels, step = FEATURES[:5].astype("float64"), LABELS[:5], 1e-6
    _, gradients = backends.loss_and_gradients(model, inputs, labels)
    kernel = backends.layers_with_weights(model)[0].arrays["kernel"]
    losses = []
    for sign in (1, -1):
        moved = kernel.copy()
        moved[10, 3] += sign * step
        backends.set_layer_weights(model, 0, {"kernel": moved}, {})
        losses.append(backends.loss_and_gradients(model, inputs, labels)[0])
    slope = (losses[0] - losses[1]) / (2 * step)
    np.testing.assert_allclose(slope, gradients[0]["kernel"][10, 3], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["int64", "float32", "float64", "uint16"])
def test_targets_of_every_kind_are_trained_on_alike(dtype, kind):
    targets = np.arange(200).reshape(20, 10).astype(kind)
    losses = []
    for model in dense_twins(dtype):
        framework = FRAMEWORKS["pytorch" if isinstance(model, nn.Module) else "keras"]
        for loss in ("squared error", framework.squared_error):
            history = backends.fit(
                model, FEATURES[:20], targets, loss=loss, learning_rate=0.0, **QUIET
            )
            losses += history.train_loss
    np.testing.assert_allclose(losses, losses[0], rtol=1e-5)


def test_mixed_precision_trains_on_numbers_and_classes():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = keras.Sequential([keras.Input((64,)), layers.Dense(10)])
    finally:
        keras.config.set_dtype_policy(policy)
    for targets, loss in ((LABELS, "cross-entropy"), (np.eye(10)[LABELS], "squared error")):
        assert np.isfinite(backends.fit(model, FEATURES, targets, loss=loss, **QUIET).train_loss)


def test_bytes_of_pictures_are_targets_from_0_to_1(framework):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 4, 5, 3), dtype=np.uint8)
    losses = [
        backends.fit(
            framework.painter(), pixels, targets, loss="squared error", learning_rate=0.0, **QUIET
        ).train_loss[0]
        for targets in (pixels, pixels / np.float32(255))
    ]
    assert losses[0] < 10  # in bytes it would be thousands
    with pytest.raises(KindError, match="As pixels, divide them by 255"):
        backends.fit(framework.linear(2, 1), np.ones((3, 2)), np.array([[1], [2], [3]], "uint8"),
                     loss="squared error", **QUIET)  # fmt: skip


def test_slopes_of_bytes_are_those_of_the_pictures(framework):
    pixels = (15 * IMAGES[:5]).round().astype("uint8")
    bytes_, floats = (
        backends.input_gradient(framework.cnn(), x, LABELS[:5]) for x in (pixels, pixels / 255)
    )
    np.testing.assert_allclose(bytes_, floats, atol=1e-6)


def test_a_model_that_scales_pixels_itself_gets_them_as_they_are():
    plain = FRAMEWORKS["keras"].cnn()
    scaling = keras.Sequential([keras.Input((8, 8, 1)), layers.Rescaling(1 / 255), plain])
    pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)
    expected = backends.scores(plain, pixels)
    for inputs in (pixels, pixels.astype("float32")):
        np.testing.assert_allclose(backends.scores(scaling, inputs), expected, atol=1e-5)
    with pytest.raises(RangeError, match="divides pixels by 255 itself"):
        backends.scores(scaling, pixels / np.float32(255))
    centred = keras.Sequential([keras.Input((8, 8, 1)), layers.Rescaling(2.0, -1.0), plain])
    assert backends.scores(centred, pixels / np.float32(255)).shape == (5, 10)


def test_a_model_that_scales_pixels_itself_is_explained_without_that_layer():
    plain = FRAMEWORKS["keras"].cnn()
    scaling = keras.Sequential([keras.Input((8, 8, 1)), layers.Rescaling(1 / 255), *plain.layers])
    pixels = (15 * IMAGES[:5]).round().astype("uint8")
    for explain in (backends.input_gradient, interpret.saliency, interpret.occlusion):
        with pytest.raises(RangeError, match=r"keras.Sequential\(model.layers\[1:\]\)"):
            explain(scaling, pixels, LABELS[:5])
        rest = keras.Sequential(scaling.layers[1:])
        np.testing.assert_allclose(
            explain(rest, pixels, LABELS[:5]), explain(plain, pixels, LABELS[:5]), atol=1e-6
        )


class Divides(nn.Module):
    """Divides by 255 in its `forward`, where no layer shows it."""

    def __init__(self, inner, change):
        super().__init__()
        self.inner, self.change = inner, change

    def forward(self, images):
        return self.inner(self.change(images))


class Divided(keras.Model):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, images):
        return self.inner(images / 255.0)


def keras_models_that_divide(plain):
    inputs = keras.Input((8, 8, 1))
    in_lambda = layers.Lambda(lambda images: images / 255.0)
    return (
        Divided(plain),
        keras.Model(inputs, plain(inputs / 255.0)),
        keras.Sequential([keras.Input((8, 8, 1)), in_lambda, plain]),
    )


def test_pixels_are_divided_once_however_the_model_does_it(framework):
    plain = framework.cnn()
    if type(framework).__name__ == "Keras":
        models = keras_models_that_divide(plain)
    else:
        models = [Divides(plain, lambda images: images / 255)]
    pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)
    for model in models:
        for inputs in (pixels, pixels.astype("float32")):
            expected = backends.scores(plain, pixels)
            np.testing.assert_allclose(backends.scores(model, inputs), expected, atol=1e-5)
        with pytest.raises(RangeError, match="divides pixels by 255 itself"):
            backends.scores(model, pixels / np.float32(255))
        seen = {"valid": (pixels.astype("float32"), LABELS[:5])}
        backends.fit(model, pixels, LABELS[:5], learning_rate=0.0, **seen, **QUIET)


@pytest.mark.parametrize(
    "change", [lambda x: x, lambda x: 2 * x - 1, torch.sigmoid, lambda x: x - x.mean(), torch.tanh]
)
def test_what_does_not_divide_by_255_is_not_taken_for_it(change):
    model = Divides(FRAMEWORKS["pytorch"].cnn(), change)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)
    np.testing.assert_allclose(
        backends.scores(model, pixels), backends.scores(model, pixels / np.float32(255)), atol=1e-5
    )


def test_bytes_are_not_compared_with_pixels_up_to_255():
    model, pixels = FRAMEWORKS["pytorch"].mlp(), (15 * FEATURES).astype("uint8")
    with pytest.raises(RangeError, match=r"`valid\[0\]` goes from 0 to "):
        backends.fit(model, pixels, LABELS, valid=(255 * FEATURES, LABELS), **QUIET)
    with pytest.raises(RangeError, match="`images` goes from 0 to "):
        backends.fit(model, 255 * FEATURES, LABELS, valid=(pixels, LABELS), **QUIET)
    with pytest.raises(RangeError, match="the bytes of `features` from 0 to 1"):
        results.frechet_distance(pixels, pixels.astype("float32"))
    with pytest.raises(RangeError, match="the bytes of `other_features` from 0 to 1"):
        results.frechet_distance(pixels.astype("float32"), pixels)


class Shifted(nn.Module):
    """Looks up what `change` makes of the tokens, beside a place for each."""

    def __init__(self, change):
        super().__init__()
        self.table, self.places = nn.Embedding(10, 4), nn.Embedding(5, 4)
        self.head, self.change = nn.Linear(20, 3), change

    def forward(self, tokens):
        places = self.places(torch.arange(5)[None])
        return self.head((self.table(self.change(tokens)) + places).flatten(1))


def shifted_in_keras(change):
    inputs = keras.Input((5,), dtype="int64")
    found = layers.Embedding(10, 4)(layers.Lambda(change)(inputs))
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(found)))


@pytest.mark.parametrize("make", [Shifted, shifted_in_keras])
def test_tokens_are_judged_by_what_the_table_is_asked_for(make):
    def tokens(*ends):
        return np.resize(ends, (3, 5)).astype("int64")

    plain, shifted, wrapped = (make(f) for f in (lambda x: x, lambda x: x + 1, lambda x: x % 10))
    for model, ends in ((plain, (0, 9)), (shifted, (-1, 8)), (wrapped, (-2, 15))):
        assert backends.scores(model, tokens(*ends)).shape == (3, 3)
    for model, ends in ((plain, (-1, 3)), (plain, (0, 10)), (shifted, (-2, 3)), (shifted, (0, 9))):
        known = "0 to 9" if model is plain else r"-1 to 8 \(it adds 1"
        with pytest.raises(RangeError, match=f"the model knows the tokens {known}"):
            backends.scores(model, tokens(*ends))


def test_numbers_that_no_layer_of_a_known_kind_holds_are_named():
    class Scaled(nn.Sequential):
        def __init__(self, saved):
            super().__init__(nn.Linear(64, 10), nn.BatchNorm1d(10))
            self.register_buffer("factor", torch.tensor(3.0), persistent=saved)

    assert len(backends.layers_with_weights(Scaled(saved=False))) == 2
    with pytest.raises(KindError, match="saves factor, which no layer"):
        parity.compare(Scaled(saved=True), Scaled(saved=True), FEATURES[:5], LABELS[:5])


@pytest.mark.parametrize("before", [layers.RandomFlip, layers.ZeroPadding2D])
def test_pixels_are_scaled_once_wherever_the_model_does_it(before):
    inner = [before(), layers.Rescaling(1 / 255), layers.GlobalMaxPooling2D()]
    model = keras.Sequential([keras.Input((8, 8, 1)), *inner])
    assert backends.scores(model, np.full((2, 8, 8, 1), 255, "uint8")).tolist() == [[1.0]] * 2


def test_pixels_are_judged_all_together_whatever_the_batch():
    inner = [layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)]
    model = keras.Sequential([keras.Input((8, 8, 1)), *inner])
    pictures = np.full((4, 8, 8, 1), 100, "float32")
    pictures[3] = 0  # black: alone it could be any kind of picture
    losses = [backends.evaluate(model, pictures, [0, 1, 0, 1], size).loss for size in (4, 3, 1)]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-6)
    backends.fit(model, pictures, [0, 1, 0, 1], valid=(pictures, [0, 1, 0, 1]), epochs=2,
                 **(QUIET | {"batch_size": 3}))  # fmt: skip


def test_a_model_of_bfloat16_is_used_like_any_other():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = FRAMEWORKS["keras"].cnn()
    finally:
        keras.config.set_dtype_policy(before)
    few, labels = IMAGES[:5], LABELS[:5]
    given = [
        backends.scores(model, few),
        backends.activations(model, few, 0),
        backends.input_gradient(model, few, labels),
        *backends.activation_gradient(model, few, labels, 0),
    ]
    assert {each.dtype for each in given} == {np.dtype("float32")}
    assert np.isfinite(backends.loss_and_gradients(model, few, labels)[0])
    assert np.isfinite(backends.fit(model, few, labels, **QUIET).train_loss)


def test_tokens_have_no_slopes(framework):
    with pytest.raises(CourseError):
        backends.input_gradient(framework.reader(), np.ones((2, 5), int), [0, 1])


# Batches


@pytest.mark.parametrize(
    "count, size, sizes",
    [
        (129, 128, [129]),
        (257, 128, [128, 129]),
        (130, 128, [128, 2]),
        (1, 128, [1]),
        (3, 1, [1, 1, 1]),
        (4, 2, [2, 2]),
        (5, 2, [2, 3]),
    ],
)
def test_a_single_example_left_over_joins_the_batch_before(count, size, sizes):
    parts = batches(count, size)
    assert [part.stop - part.start for part in parts] == sizes
    assert [i for part in parts for i in range(count)[part]] == [*range(count)]


def normed(framework):
    if framework is FRAMEWORKS["pytorch"]:
        return nn.Sequential(nn.Linear(64, 8), nn.BatchNorm1d(8), nn.Linear(8, 10))
    inner = [layers.Dense(8), layers.BatchNormalization(), layers.Dense(10)]
    return keras.Sequential([keras.Input((64,)), *inner])


def test_batch_norm_trains_whatever_is_left_over(framework):
    history = backends.fit(normed(framework), FEATURES[:129], LABELS[:129], show=False)
    assert len(history.step_loss) == 1


@pytest.mark.parametrize("count, size", [(1, 128), (5, 1)])
def test_batch_norm_of_one_example_is_refused_in_words(framework, count, size):
    with pytest.raises(ShapeError, match="at least two examples"):
        backends.fit(
            normed(framework), FEATURES[:count], LABELS[:count], batch_size=size, show=False
        )


def test_a_comparison_by_one_example_says_what_batch_norm_wants():
    ours, theirs = twins(*map(normed, FRAMEWORKS.values()))
    with pytest.raises(ShapeError, match="at least two examples"):
        parity.compare(ours, theirs, FEATURES[:1], LABELS[:1])


# What is trained


def frozen(framework):
    model = framework.mlp()
    if framework is FRAMEWORKS["pytorch"]:
        return model.requires_grad_(False)
    model.trainable = False
    return model


def without_weights(framework):
    if framework is FRAMEWORKS["pytorch"]:
        return nn.Sequential(nn.Flatten())
    return keras.Sequential([keras.Input((64,)), layers.Flatten()])


@pytest.mark.parametrize("make", [frozen, without_weights])
def test_nothing_to_train_is_said(framework, make):
    with pytest.raises(KindError, match="nothing to train"):
        backends.fit(make(framework), FEATURES, LABELS, **QUIET)


def test_batch_norm_that_was_frozen_stays_frozen(framework):
    model = normed(framework)
    norm = model[1] if framework is FRAMEWORKS["pytorch"] else model.layers[1]
    if framework is FRAMEWORKS["pytorch"]:
        norm.eval()
    else:
        norm.trainable = False
    before = backends.layers_with_weights(model)[1].arrays
    backends.fit(model, FEATURES, LABELS, **QUIET)
    after = backends.layers_with_weights(model)[1].arrays
    for part in ("moving_mean", "moving_variance"):
        np.testing.assert_array_equal(after[part], before[part])


def test_a_model_that_was_looked_at_trains_again():
    model = normed(FRAMEWORKS["pytorch"]).eval()
    backends.fit(model, FEATURES, LABELS, **QUIET)
    assert model[1].running_mean.abs().max() > 0


def with_penalty():
    return keras.Sequential([
        keras.Input((64,)),
        layers.Dense(10, kernel_regularizer=keras.regularizers.L2(1.0)),
    ])  # fmt: skip


def test_training_and_validation_loss_count_the_same():
    history = backends.fit(
        with_penalty(), FEATURES, LABELS, valid=(FEATURES, LABELS), learning_rate=0.0, **QUIET
    )
    np.testing.assert_allclose(history.train_loss, history.valid_loss, rtol=1e-5)


def test_a_penalty_shrinks_the_weights_all_the_same():
    model = with_penalty()
    before = np.abs(backends.weights(model, 0)).sum()
    backends.fit(model, np.zeros_like(FEATURES), LABELS, optimizer="sgd", **QUIET)
    assert np.abs(backends.weights(model, 0)).sum() < 0.9 * before


def test_a_penalty_is_in_every_row_of_a_comparison_or_in_none():
    plain = nn.Sequential(nn.Linear(64, 10))
    twins(plain, penalised := with_penalty())
    result = parity.compare(penalised, plain, FEATURES, LABELS)
    assert [row.equal for row in result.rows] == [True, False, False, False]


def test_a_run_that_diverges_in_its_last_step_is_told(framework):
    model = framework.linear(64, 10)
    ones = np.ones_like(backends.weights(model, 0))
    backends.set_layer_weights(model, 0, {"kernel": ones}, {})
    valid = np.float32(3e38) * FEATURES[:5], LABELS[:5]  # whose scores are beyond float32
    with pytest.raises(TrainingError, match=r"in the validation after epoch 1.*inputs scaled"):
        backends.fit(model, FEATURES, LABELS, valid=valid, learning_rate=0.0, **QUIET)


def test_a_network_that_gives_no_numbers_has_no_accuracy(framework):
    model = framework.mlp()
    spoiled = np.full_like(backends.weights(model, 0), np.nan)
    backends.set_layer_weights(model, 0, {"kernel": spoiled}, {})
    with pytest.raises(RangeError, match="`scores` holds"):
        backends.evaluate(model, FEATURES, LABELS)


# Functions of the learner's own


def without_gradient(outputs, targets):
    right = outputs.argmax(-1) == targets if torch.is_tensor(outputs) else keras.ops.equal(
        keras.ops.argmax(outputs, -1), targets)  # fmt: skip
    return right.float().mean() if torch.is_tensor(outputs) else tf.reduce_mean(
        tf.cast(right, "float32"))  # fmt: skip


def through_numpy(outputs, targets):
    values = outputs.detach() if torch.is_tensor(outputs) else outputs
    return values.numpy().mean()


OWN = {
    "loss without a gradient": ({"loss": without_gradient}, KindError, "has no gradient"),
    "loss of a NumPy number": ({"loss": through_numpy}, KindError, r"\(float32\), but should give"),
    "loss of a plain number": ({"loss": lambda o, t: 1.0}, KindError, r"1\.0 \(float\)"),
    "augment gives nothing": ({"augment": lambda x, g: None}, KindError, "is a `return` missing"),
    "augment drops some": ({"augment": lambda x, g: x[:3]}, ShapeError, "as many examples"),
    "augment raises": ({"augment": lambda x, g: x.nothing}, KindError, "raised AttributeError"),
    "augment takes one": ({"augment": lambda x: x}, KindError, "raised TypeError"),
    "schedule gives nothing": ({"schedule": lambda share: None}, RangeError, "gave None"),
    "schedule gives nan": ({"schedule": lambda share: np.nan}, RangeError, "gave nan"),
    "loss raises": ({"loss": lambda o, t: o.nothing}, KindError, "raised AttributeError"),
    "loss gives nothing": ({"loss": lambda o, t: None}, KindError, "is a `return` missing"),
    "loss takes one": ({"loss": lambda o: o}, KindError, "raised TypeError"),
    "loss is a list": ({"loss": ["cross-entropy"]}, KindError, "should be one of"),
    "rate is endless": ({"learning_rate": np.inf}, RangeError, "`learning_rate`"),
    "rate is nan": ({"learning_rate": np.nan}, RangeError, "`learning_rate`"),
    "rate is true": ({"learning_rate": True}, RangeError, "`learning_rate`"),
}


@pytest.mark.parametrize("name", OWN)
def test_a_function_that_does_not_fit_is_told_in_words(framework, name):
    options, error, words = OWN[name]
    with pytest.raises(error, match=words):
        backends.fit(framework.mlp(), FEATURES, LABELS, **options, **QUIET)


@pytest.mark.parametrize("kind", ["uint64", "object"])
def test_numbers_that_fit_no_kind_are_refused_as_targets(framework, kind):
    targets = np.full((len(FEATURES), 10), 2**63, kind)
    with pytest.raises(CourseError, match=r"2⁶³|numbers"):
        backends.fit(framework.mlp(), FEATURES, targets, loss=framework.squared_error, **QUIET)


def test_a_row_against_a_column_is_refused_for_an_own_loss_as_well():
    squeezed = nn.Sequential(nn.Linear(64, 1), nn.Flatten(0))
    with pytest.raises(ShapeError, match=r"labels\[:, 0\]"):
        backends.fit(
            squeezed, FEATURES, np.zeros((300, 1)), loss=FRAMEWORKS["pytorch"].squared_error,
            **QUIET,
        )  # fmt: skip


# Layers


def nested():
    """Return a Keras model of two blocks whose layers have one name, and the blocks."""
    keras.utils.set_random_seed(0)
    blocks = [
        keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(1, 3, padding="same", name="c")])
        for _ in range(2)
    ]
    end = [layers.GlobalAveragePooling2D(), layers.Dense(2)]
    return keras.Sequential([keras.Input((8, 8, 1)), *blocks, *end]), blocks


def test_a_layer_inside_a_layer_is_read():
    model, (first, second) = nested()
    expected = second(first(IMAGES[:5])).numpy()
    for layer in (1, second.get_layer("c")):
        np.testing.assert_allclose(
            backends.activations(model, IMAGES[:5], layer, batch_size=2), expected, atol=1e-6
        )
    with pytest.raises(RangeError, match="several layers 'c'"):
        backends.weights(model, "c")
    both_ways = keras.Sequential(
        [keras.Input((5, 3)), layers.Bidirectional(layers.LSTM(4)), layers.Dense(2)]
    )
    steps = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    expected = both_ways.layers[0](steps).numpy()[:, :4]
    given = backends.activations(both_ways, steps, both_ways.layers[0].forward_layer)
    np.testing.assert_allclose(given, expected, atol=1e-6)


def test_weights_are_a_copy(framework):
    model = framework.mlp()
    before = backends.weights(model, 0)
    backends.fit(model, FEATURES, LABELS, **QUIET)
    after = backends.weights(model, 0)
    assert np.abs(after - before).max() > 0
    after *= 0
    assert backends.weights(model, 0).any()


def activation_changed(model):
    model.layers[0].activation = keras.activations.sigmoid


def layer_added(model):
    model.layers[1].add(layers.ReLU())


def layer_replaced(model):
    model.layers[1].layers[0].activation = keras.activations.softmax


@pytest.mark.parametrize("change", [activation_changed, layer_added, layer_replaced])
def test_a_change_of_a_keras_model_counts_at_once(change):
    keras.utils.set_random_seed(0)
    inner = keras.Sequential([keras.Input((8,)), layers.Dense(8)])
    inner_and_outer = [layers.Dense(8, "relu"), inner, layers.Dense(10)]
    model = keras.Sequential([keras.Input((64,)), *inner_and_outer])
    before = backends.scores(model, FEATURES[:5])
    change(model)
    after = backends.scores(model, FEATURES[:5])
    np.testing.assert_allclose(after, model(FEATURES[:5]).numpy(), atol=1e-5)
    assert np.abs(after - before).max() > 1e-3


def test_an_attribute_that_a_class_reads_counts_at_once():
    class Scaled(keras.Model):
        def __init__(self):
            super().__init__()
            self.last, self.scale = layers.Dense(10), 1.0

        def call(self, inputs):
            return self.scale * self.last(inputs)

    model = Scaled()
    before = backends.scores(model, FEATURES[:5])
    model.scale = 2.0
    np.testing.assert_allclose(backends.scores(model, FEATURES[:5]), 2 * before, atol=1e-5)


def test_a_layer_that_was_called_elsewhere_too_is_read_where_the_model_calls_it():
    inputs, shared = keras.Input((64,)), layers.Dense(3)
    shared(inputs)
    model = keras.Model(inputs, layers.Dense(10)(shared(layers.Rescaling(10.0)(inputs))))
    expected = shared(10 * FEATURES[:5]).numpy()
    np.testing.assert_allclose(
        backends.activations(model, FEATURES[:5], shared), expected, rtol=1e-5
    )


class Block(layers.Layer):
    """A block of a learner's own, as Keras's guides write it."""

    def __init__(self):
        super().__init__()
        self.dense, self.dropout = layers.Dense(64), layers.Dropout(0.5)

    def call(self, inputs, training=None):
        return self.dropout(self.dense(inputs), training=training)


def test_layers_inside_a_block_count():
    model = keras.Sequential([keras.Input((64,)), block := Block(), layers.Dense(10)])
    assert backends.weights(model, 0).shape == (64, 64)
    assert [layer.kind for layer in backends.layers_with_weights(model)] == ["dense", "dense"]
    assert backends.activations(model, FEATURES[:5], block.dense).shape == (5, 64)
    assert np.isfinite(backends.loss_and_gradients(model, FEATURES, LABELS)[0])  # dropout is off
    assert [run.type for run in backends.runs(model, FEATURES[:5], 2)] == [
        "Dense", "Dropout", "Dense",
    ]  # fmt: skip


def test_a_layer_used_twice_in_a_sequence_is_one_layer():
    ours, theirs = nn.Linear(64, 64), layers.Dense(64)
    first = nn.Sequential(ours, nn.ReLU(), ours, nn.Linear(64, 10))
    inner = [theirs, layers.ReLU(), theirs, layers.Dense(10)]
    second = keras.Sequential([keras.Input((64,)), *inner])
    twins(first, second)
    assert parity.compare(first, second, FEATURES, LABELS).ok
    assert [run.parameters for run in backends.runs(second, FEATURES[:5])] == [4160, 0, 0, 650]
    assert backends.weights(second, 1).shape == backends.weights(first, 1).shape == (64, 10)


def test_what_augmentation_gives_is_checked_as_inputs(framework):
    with pytest.raises(ShapeError, match="cannot take inputs of shape"):
        backends.fit(framework.mlp(), FEATURES, LABELS, augment=lambda x, g: x[:, :3], **QUIET)
    tokens = np.random.default_rng(0).integers(0, 12, (6, 5))
    for change in (lambda x: x + 99, lambda x: x * 0 - 1, lambda x: x + 0.5):
        with pytest.raises(CourseError, match=r"augment\(images\)"):
            backends.fit(
                framework.reader(), tokens, [0, 1, 2, 0, 1, 2],
                augment=lambda x, g, change=change: change(x), **QUIET,
            )  # fmt: skip


class Extended(nn.Linear):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.low_rank = nn.Parameter(torch.zeros(inputs, 1))


def test_further_weights_of_a_known_layer_are_named():
    for ask in (
        lambda model: backends.layers_with_weights(model),
        lambda model: backends.loss_and_gradients(model, FEATURES, LABELS),
    ):
        with pytest.raises(KindError, match="cannot compare: low_rank"):
            ask(nn.Sequential(Extended(64, 10)))


@pytest.mark.parametrize(
    "model",
    [keras.Sequential([layers.Dense(5)]), nn.Sequential(nn.LazyLinear(5))],
    ids=["keras", "pytorch"],
)
def test_a_model_without_weights_yet_is_not_counted(model):
    with pytest.raises(KindError, match="has no weights yet"):
        backends.parameters(model)


def test_numbers_beyond_the_model_s_are_refused(framework):
    with pytest.raises(RangeError, match="computes with float32, which ends at 3"):
        backends.scores(framework.mlp(), np.full((2, 64), 1e300))


def test_what_cannot_be_copied_is_told():
    class Locked(nn.Linear):
        def __init__(self):
            super().__init__(64, 10)
            import threading

            self.lock = threading.Lock()

    with pytest.raises(KindError, match=r"cannot be copied for a trial.*lock"):
        backends.loss_and_gradients(Locked(), FEATURES, LABELS)


def test_slopes_want_one_tensor_of_scores():
    inputs = keras.Input((64,))
    model = keras.Model(inputs, [layers.Dense(3)(inputs), layers.Dense(2)(inputs)])
    with pytest.raises(KindError, match="should give one tensor"):
        backends.input_gradient(model, FEATURES[:5], 0)


def test_an_error_that_cannot_say_what_it_is_is_told(framework):
    class Mute(Exception):
        def __str__(self):
            raise SystemExit

    def mute(*_):
        raise Mute

    for option in ("loss", "augment", "schedule"):
        with pytest.raises(KindError, match=r"raised Mute: .an error that cannot say"):
            backends.fit(framework.mlp(), FEATURES, LABELS, **{option: mute}, **QUIET)


class Written(keras.Model):
    """A model written as a class."""

    def __init__(self, *inner):
        super().__init__()
        self.inner = list(inner)

    def call(self, inputs, training=False):
        for layer in self.inner:
            norm = isinstance(layer, layers.BatchNormalization)
            inputs = layer(inputs, training=training) if norm else layer(inputs)
        return inputs


def test_a_model_written_as_a_class_trains_on_single_pictures():
    model = Written(
        layers.Conv2D(2, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(10)
    )
    one = QUIET | {"batch_size": 1}
    assert np.isfinite(backends.fit(model, IMAGES[:5], LABELS[:5], **one).train_loss)
    assert backends.activations(model, IMAGES[:5], 0).shape == (5, 6, 6, 2)
    model = Written(layers.BatchNormalization(), layers.Dense(10))
    with pytest.raises(ShapeError, match="`batch_size` of at least 2"):
        backends.fit(model, FEATURES[:5], LABELS[:5], **one)


def test_a_layer_may_be_named_counted_or_handed_over(framework):
    model = framework.mlp()
    name, layer = next(iter(backends.of(model).named_layers()))
    for asked in (name, 0, np.int64(0), layer):
        assert backends.activations(model, FEATURES[:3], asked).shape == (3, 32)
        assert backends.weights(model, asked).shape == (64, 32)
        assert backends.activation_gradient(model, FEATURES[:3], 3, asked)[1].shape == (3, 32)


@pytest.mark.parametrize("asked", [None, 1.0, True, b"0", nn.Linear(1, 1), len])
def test_what_is_no_layer_is_told(framework, asked):
    for look in (
        lambda m: backends.activations(m, FEATURES[:3], asked),
        lambda m: backends.weights(m, asked),
        lambda m: backends.activation_gradient(m, FEATURES[:3], 3, asked),
    ):
        with pytest.raises(KindError, match="`layer` is"):
            look(framework.mlp())


def used_twice(framework):
    if framework is FRAMEWORKS["pytorch"]:

        class Twice(nn.Module):
            def __init__(self):
                super().__init__()
                self.shared = nn.Linear(64, 64)

            def forward(self, inputs):
                return self.shared(self.shared(inputs))

        return Twice(), "shared"
    inputs, shared = keras.Input((64,)), layers.Dense(64, name="shared")
    return keras.Model(inputs, shared(shared(inputs))), "shared"


def gives_several(framework):
    if framework is FRAMEWORKS["pytorch"]:

        class Last(nn.Module):
            def __init__(self):
                super().__init__()
                self.recurrent = nn.LSTM(8, 10, batch_first=True)

            def forward(self, inputs):
                return self.recurrent(inputs)[0][:, -1]

        return Last(), "recurrent"
    inputs = keras.Input((8, 8))
    outputs = layers.LSTM(10, return_state=True, name="recurrent")(inputs)
    return keras.Model(inputs, outputs[0]), "recurrent"


@pytest.mark.parametrize(
    "make, words", [(used_twice, "runs 2 times"), (gives_several, "one tensor")]
)
def test_a_layer_that_is_not_one_thing_is_refused_by_all(framework, make, words):
    model, name = make(framework)
    inputs = FEATURES[:3] if make is used_twice else FEATURES[:3].reshape(3, 8, 8)
    for look in (
        lambda: backends.activations(model, inputs, name),
        lambda: backends.activation_gradient(model, inputs, 3, name),
    ):
        with pytest.raises(KindError, match=words):
            look()


# Comparisons


def noisy():
    return keras.Sequential([
        keras.Input((64,)), layers.Dense(10), layers.GaussianNoise(0.1),
    ])  # fmt: skip


def flipping():
    return keras.Sequential([
        keras.Input((8, 8, 1)), layers.RandomFlip(), layers.Flatten(), layers.Dense(10),
    ])  # fmt: skip


class Functional(nn.Module):
    """Dropout as a function, which no switch turns off."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(64, 10)

    def forward(self, inputs):
        return self.last(nn.functional.dropout(inputs, 0.01, self.training))


@pytest.mark.parametrize(
    "make, inputs", [(noisy, FEATURES), (flipping, IMAGES), (Functional, FEATURES)]
)
def test_a_model_that_draws_random_numbers_cannot_be_compared(make, inputs):
    model = make()
    with pytest.raises(KindError, match="draws random numbers"):
        parity.compare(model, model, inputs[:4], LABELS[:4])


def test_a_tensor_kept_from_an_earlier_run_is_named():
    class Keeps(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(64, 10)

        def forward(self, inputs):
            self.hidden = self.last(inputs)
            return self.hidden

    model = Keeps()
    model(torch.from_numpy(FEATURES[:3].copy()))
    with pytest.raises(KindError, match=r"`hidden`.*detach"), backends.trial(model):
        pass
    assert backends.loss_and_gradients(model, FEATURES[:3], LABELS[:3])[0] > 0


@pytest.mark.parametrize(
    "layer", [nn.LSTM(8, 6, proj_size=3), nn.InstanceNorm1d(8, track_running_stats=True)]
)
def test_no_weights_are_left_out_without_a_word(layer):
    with pytest.raises(KindError, match="cannot compare"):
        backends.layers_with_weights(nn.Sequential(layer))


def test_weights_of_a_keras_model_s_own_are_not_left_out():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(3)
            self.scale = self.add_weight(shape=(), name="scale")

        def call(self, inputs):
            return self.scale * self.inner(inputs)

    model = Own()
    model(np.zeros((1, 2), "float32"))
    with pytest.raises(KindError, match=r"cannot compare.*scale"):
        backends.layers_with_weights(model)


def convolution_twins(padding, **options):
    ours = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=padding, stride=2), nn.Flatten(), nn.Linear(32, 10)
    )
    theirs = keras.Sequential([
        keras.Input((8, 8, 1)), layers.Conv2D(2, 3, padding="same", strides=2), layers.Flatten(),
        layers.Dense(10),
    ])  # fmt: skip
    return ours, theirs


def test_padding_that_differs_is_named_where_the_scores_differ():
    ours, theirs = convolution_twins(padding=1)
    table = parity.carry_weights(theirs, ours)
    assert "Not carried: padding same against ((1, 1), (1, 1))" in str(table)
    result = parity.compare(ours, theirs, IMAGES[:8], LABELS[:8])
    assert not result.ok and "padding" in result.rows[0].where


class LastStep(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.recurrent = nn.LSTM(8, 10, **options)

    def forward(self, inputs):
        return self.recurrent(inputs)[0][:, -1]


def test_the_axis_of_the_steps_is_named():
    theirs = keras.Sequential([keras.Input((8, 8)), layers.LSTM(10)])
    ours = LastStep()
    assert "axis of the steps 1 against 0" in str(parity.carry_weights(theirs, ours))
    result = parity.compare(theirs, ours, FEATURES[:5].reshape(5, 8, 8), LABELS[:5])
    assert "axis of the steps" in result.rows[0].where


def test_a_mask_and_shared_weights_are_named():
    theirs = keras.Sequential([
        keras.Input((5,)), layers.Embedding(12, 4, mask_zero=True), layers.LSTM(12),
    ])  # fmt: skip
    ours = nn.Sequential(nn.Embedding(12, 4), nn.LSTM(4, 12, batch_first=True))
    assert "mask token 0 against none" in str(parity.carry_weights(theirs, ours))

    tied = nn.Sequential(nn.Embedding(12, 4), nn.Linear(4, 12, bias=False))
    tied[1].weight = tied[0].weight
    loose = keras.Sequential([keras.Input((5,)), layers.Embedding(12, 4),
                              layers.Dense(12, use_bias=False)])  # fmt: skip
    assert "weights shared with 0 against no other layer" in str(parity.carry_weights(tied, loose))


def test_the_dataset_s_splits_end_and_have_no_example_beyond_their_last():
    few = DIGITS.test[:3]
    for loop in (lambda: [*few], lambda: 3 in few, lambda: tuple(zip(few, few))):
        with pytest.raises(KindError, match=r"hand over its `\.features`"):
            loop()
    for place in (3, -4, 10_000):
        with pytest.raises(RangeError, match="3 examples"):
            few[place]
    assert len(few[-1]) == len(few[2]) == 1
    assert isinstance(tf.constant(few.features), tf.Tensor)


# Numbers at their limits


def test_a_large_loss_is_shown_as_large(framework):
    model = framework.mlp()
    kernels = [each.arrays["kernel"] for each in backends.layers_with_weights(model)]
    backends.set_layer_weights(model, 1, {"kernel": 20_000 * kernels[1]}, {})
    rate = {"learning_rate": 0.0, "optimizer": "sgd"}
    history = backends.fit(model, FEATURES, LABELS, valid=(FEATURES, LABELS), **rate, **QUIET)
    assert history.train_loss[0] > 1000
    np.testing.assert_allclose(history.valid_loss, history.train_loss, rtol=1e-5)
    loss = backends.evaluate(model, FEATURES, LABELS).loss
    np.testing.assert_allclose(loss, history.train_loss[0], rtol=1e-5)


def test_counts_of_few_bits_do_not_wrap(framework):
    model, few = framework.mlp(), np.uint8(200)
    many = np.concatenate([FEATURES, FEATURES])
    assert backends.scores(model, many, few).shape == (600, 10)
    rates = []
    backends.fit(
        model, FEATURES, LABELS, epochs=np.uint8(40), batch_size=np.uint8(100), show=False,
        schedule=lambda share: rates.append(share) or 1.0,
    )  # fmt: skip
    assert len(rates) == 120 and max(rates) < 1


def test_an_optimizer_for_half_precision_trains():
    first, second = FRAMEWORKS["keras"].mlp(), FRAMEWORKS["keras"].mlp()
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))
    backends.fit(first, FEATURES, LABELS, optimizer=scaled, **QUIET)
    backends.fit(second, FEATURES, LABELS, optimizer=keras.optimizers.SGD(0.1), **QUIET)
    np.testing.assert_allclose(backends.weights(first, 0), backends.weights(second, 0), atol=1e-3)


def test_augment_gives_bytes_for_bytes(framework):
    pixels = (15 * IMAGES).round().astype("uint8")
    for augment in (lambda x, g: x[:, :, ::-1], lambda x, g: x):
        backends.fit(framework.cnn(), pixels, LABELS, augment=augment, **QUIET)
    with pytest.raises(KindError, match="was given bytes and gave float64"):
        backends.fit(framework.cnn(), pixels, LABELS, augment=lambda x, g: x / 255, **QUIET)


@pytest.mark.parametrize("kind", ["uint8", "int8", "uint16", "int64", "bool", ">i4"])
def test_labels_of_an_own_loss_do_not_wrap(framework, kind):
    labels = (LABELS > 4).astype(kind)
    losses = backends.fit(
        framework.linear(64, 1), FEATURES, labels[:, None], epochs=1, learning_rate=0.0,
        loss=lambda o, t: ((1 - 2 * t - o) ** 2).mean() if hasattr(o, "mean")
        else keras.ops.mean((1 - 2 * t - o) ** 2), **QUIET,
    )  # fmt: skip
    assert losses.train_loss[0] < 10


def test_an_optimizer_that_wants_more_is_told():
    model = FRAMEWORKS["pytorch"].mlp()
    with pytest.raises(KindError, match="LBFGS cannot take a step here"):
        backends.fit(model, FEATURES, LABELS, optimizer=torch.optim.LBFGS(model.parameters()),
                     **QUIET)  # fmt: skip


def test_what_nothing_tells_apart_is_shown_as_nought():
    model = FRAMEWORKS["pytorch"].mlp()
    assert "0" in str(parity.compare(model, model, FEATURES, LABELS, tolerance=0))


@pytest.mark.parametrize("settings", [{"epsilon": -5}, {"momentum": np.nan}, {"momentum": None}])
def test_settings_are_numbers(framework, settings):
    with pytest.raises(RangeError, match="should be a finite number"):
        backends.set_layer_weights(normed(framework), 1, {}, settings)


def test_a_validation_s_pictures_may_have_another_size(framework):
    model = framework.painter()
    if framework is FRAMEWORKS["keras"]:
        model = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(3, 1)])
    small, large = np.ones((4, 4, 5, 3)), np.ones((4, 6, 6, 3))
    history = backends.fit(model, small, small, loss="squared error", valid=(large, large), **QUIET)
    assert len(history.valid_loss) == 1


def test_a_learning_rate_that_no_optimizer_can_keep_is_refused(framework):
    with pytest.raises(RangeError, match=r"`learning_rate` is 1e.300.*at most 3.4"):
        backends.fit(framework.mlp(), FEATURES, LABELS, learning_rate=1e300, **QUIET)


def test_a_last_step_that_ruins_the_weights_is_said():
    model, few = nn.Sequential(nn.Linear(64, 10)).half(), FEATURES[:9] * 1e-4
    with pytest.raises(TrainingError, match="after the last step"):  # Adam's epsilon is 0 there
        backends.fit(model, few, LABELS[:9], **QUIET)


@pytest.mark.parametrize(
    "complex_loss",
    [
        lambda outputs, targets: tf.reduce_mean(tf.cast(outputs, "complex64")),
        lambda outputs, targets: outputs.mean() * (1 + 0j),
    ],
)
def test_a_loss_is_no_complex_number(complex_loss):
    is_keras = (
        "tensorflow" in complex_loss.__code__.co_names or "tf" in complex_loss.__code__.co_names
    )
    model = FRAMEWORKS["keras" if is_keras else "pytorch"].mlp()
    with pytest.raises(KindError, match="complex"):
        backends.fit(model, FEATURES, LABELS, loss=complex_loss, **QUIET)


def test_a_layer_takes_the_settings_that_it_has(framework):
    model = normed(framework)
    with pytest.raises(RangeError, match=r"no setting 'foo'.*epsilon, momentum"):
        backends.set_layer_weights(model, 1, {}, {"foo": 1})
    with pytest.raises(RangeError, match="at least 0 and at most 1"):
        backends.set_layer_weights(model, 1, {}, {"momentum": 5})
    with pytest.raises(RangeError, match=r"goes to 1e\+300.*float32"):
        backends.set_layer_weights(model, 1, {"beta": np.full(there(model), 1e300)}, {})


def there(model):
    return backends.layers_with_weights(model)[1].arrays["beta"].shape


class Through(nn.Module):
    """Something is done to the batch before a layer works along its last axis."""

    def __init__(self, before):
        super().__init__()
        self.before, self.dense = before, nn.Linear(4, 4)

    def forward(self, x):
        return self.dense(self.before(x))


@pytest.mark.parametrize("before", [lambda x: x * 1.0, nn.Flatten(1, 2)], ids=["×1", "flattened"])
@pytest.mark.parametrize("shape", [(3, 4, 4, 4), (3, 4, 5, 4), (3, 5, 4, 4)])
def test_what_is_done_before_a_layer_along_the_last_axis_makes_no_picture(before, shape):
    batch, model = np.random.default_rng(0).normal(size=shape).astype("float32"), Through(before)
    with torch.no_grad():
        wanted = model(torch.from_numpy(batch)).numpy()
    np.testing.assert_allclose(backends.scores(model, batch), wanted, atol=1e-6)


class Patches(nn.Module):
    """Each pixel of a picture (N, C, H, W) is a token."""

    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(4, 6)

    def forward(self, x):
        return self.dense(x.flatten(2).transpose(1, 2)).mean(1)


def test_pixels_that_are_tokens_are_a_picture_s():
    batch, model = np.random.default_rng(0).normal(size=(3, 5, 7, 4)).astype("float32"), Patches()
    with torch.no_grad():
        wanted = model(torch.from_numpy(batch).permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(backends.scores(model, batch), wanted, atol=1e-6)


def test_masked_scores_are_equal():
    class Masking(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = nn.Linear(64, 10)

        def forward(self, x):
            return self.dense(x).index_fill(1, torch.tensor([9]), -torch.inf)

    model = Masking()
    result = parity.compare(model, model, FEATURES[:9], LABELS[:9] % 9)
    assert result.rows[0].difference == 0 and result.rows[0].equal


def test_models_that_show_nothing_of_themselves_are_told():
    with pytest.deprecated_call():
        compiled = torch.jit.script(nn.Sequential(nn.Linear(64, 10)))
    with pytest.raises(KindError, match=r"torch\.jit"):
        backends.runs(compiled, FEATURES[:2])
    with pytest.raises(KindError, match="no numbers"):
        backends.fit(nn.Linear(64, 10, device="meta"), FEATURES, LABELS, **QUIET)


def test_digits_are_the_same_pictures_as_bytes():
    digits = data.load("digits").test[:50]
    assert digits.pixels.max() == 255
    np.testing.assert_allclose(digits.pixels / 255, digits.images, atol=1 / 500)
    assert set(np.unique(16 * digits.images)) <= {*range(17)}  # as they were measured


class Gate(layers.Layer):
    def __init__(self):
        super().__init__()
        self.keep, self._scale = np.ones(64, "float32"), 1.0

    def call(self, x):
        return x * self.keep * self._scale


def test_what_a_layer_of_one_s_own_reads_is_read_at_each_call():
    gate = Gate()
    model = keras.Sequential([keras.Input((64,)), gate, layers.Dense(10, use_bias=False)])
    before = backends.scores(model, FEATURES[:3])
    slopes = backends.input_gradient(model, FEATURES[:3], 0)
    gate._scale = 5.0
    np.testing.assert_allclose(backends.scores(model, FEATURES[:3]), 5 * before, rtol=1e-4)
    np.testing.assert_allclose(
        backends.input_gradient(model, FEATURES[:3], 0), 5 * slopes, rtol=1e-4
    )
    gate.keep[:] = 0
    assert not backends.scores(model, FEATURES[:3]).any()


def test_bytes_come_as_they_are_to_a_layer_that_normalises_them():
    pixels = data.load("fashion-mnist").test.pixels[:20]
    normalise = layers.Normalization(axis=None)
    normalise.adapt(pixels.astype("float32"))
    model = keras.Sequential(
        [keras.Input((28, 28, 1)), normalise, layers.Flatten(), layers.Dense(3)]
    )
    wanted = np.array(model(pixels.astype("float32")))
    np.testing.assert_allclose(backends.scores(model, pixels), wanted, atol=1e-4)


def test_a_recurrent_layer_that_goes_on_from_batch_to_batch_is_refused():
    model = keras.Sequential([keras.Input((5, 3), batch_size=4), layers.LSTM(2, stateful=True)])
    with pytest.raises(KindError, match="stateful=False"):
        backends.scores(model, np.ones((4, 5, 3)))


class Hidden(nn.Module):
    def __init__(self, held):
        super().__init__()
        self.dense, self.held = nn.Linear(64, 10), held

    def forward(self, x):
        return self.dense(x)


@pytest.mark.parametrize(
    "held",
    [[nn.Linear(64, 32)], {"a": nn.Linear(2, 2)}, torch.ones(3, requires_grad=True)],
    ids=["list", "dict", "tensor"],
)
def test_weights_that_pytorch_does_not_see_are_not_left_out_without_a_word(held):
    with pytest.raises(KindError, match="`held` holds weights that PyTorch does not see"):
        backends.fit(Hidden(held), FEATURES, LABELS, **QUIET)


@pytest.mark.parametrize("held", [[nn.ReLU()], torch.ones(3), None, [1, 2], {"a": "b"}])
def test_what_holds_no_weights_may_lie_anywhere(held):
    assert backends.parameters(Hidden(held)) == 650


# Models that are built at their first call, and parts of models


class FlatFirst(keras.Model):
    def __init__(self):
        super().__init__()
        self.flat, self.out = layers.Flatten(), layers.Dense(10)

    def call(self, images):
        return self.out(self.flat(images))


class TableFirst(keras.Model):
    def __init__(self):
        super().__init__()
        self.table, self.flat, self.out = layers.Embedding(10, 4), layers.Flatten(), layers.Dense(3)

    def call(self, tokens):
        return self.out(self.flat(self.table(tokens)))


def test_a_model_that_is_built_at_its_first_call_is_asked_like_any_other():
    backends.fit(FlatFirst(), IMAGES, LABELS, **QUIET)
    assert backends.activations(FlatFirst(), IMAGES[:4], 0).shape == (4, 10)
    tokens = np.arange(20).reshape(4, 5) % 10
    backends.fit(TableFirst(), tokens, [0, 1, 2, 0], **QUIET)
    with pytest.raises(RangeError, match="the tokens 0 to 9"):
        backends.fit(TableFirst(), tokens + 1, [0, 1, 2, 0], **QUIET)


class Places(nn.Module):
    """Divides by 255, and has a weight of its own beside its layers, as a transformer has."""

    def __init__(self):
        super().__init__()
        self.places, self.out = nn.Parameter(torch.zeros(64)), nn.Linear(64, 3)

    def forward(self, images):
        return self.out((images / 255).flatten(1) + self.places)


def test_a_model_with_a_weight_of_its_own_divides_bytes_once():
    model = Places()
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), dtype=np.uint8)
    raw = torch.tensor(pixels).permute(0, 3, 1, 2).float()
    np.testing.assert_allclose(
        backends.scores(model, pixels), model(raw).detach().numpy(), atol=1e-6
    )


def test_a_layer_before_the_scaling_gives_what_it_gives_in_the_whole_model():
    for before, value in ((layers.Flatten(name="here"), 255), (layers.Permute((2, 1, 3)), 200)):
        before.name = "here"
        inner = [before, layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(3)]
        model = keras.Sequential([keras.Input((8, 8, 1)), *inner])
        pixels = np.full((2, 8, 8, 1), value, "uint8")
        assert backends.activations(model, pixels, "here").max() == value
        assert backends.activation_gradient(model, pixels, 0, "here")[0].max() == value


def in_keras(shape, dtype, looked_up, rows=10):
    inputs = keras.Input(shape, dtype=dtype)
    return keras.Model(inputs, looked_up(inputs, layers.Embedding(rows, 4)))


def in_pytorch(change):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.out = nn.Embedding(10, 4), nn.LazyLinear(3)

        def forward(self, inputs):
            return self.out(change(inputs, self.table))

    return Model()


SLICED = {
    "keras": lambda: in_keras((4,), "int64", lambda x, table: layers.Dense(3)(table(x[:, :-1]))),
    "pytorch": lambda: in_pytorch(lambda x, table: table(x[:, :-1])),
}
COLUMN = {
    "keras": lambda: in_keras(
        (2,),
        "float32",
        lambda x, table: layers.Dense(3)(
            layers.Concatenate()([layers.Flatten()(table(x[:, :1])), x[:, 1:]])
        ),
    ),
    "pytorch": lambda: in_pytorch(
        lambda x, table: torch.cat([table(x[:, 0].long()), x[:, 1:]], dim=1)
    ),
}


@pytest.mark.parametrize("kind", SLICED)
def test_tokens_of_which_a_part_is_looked_up_are_tokens(kind):
    model, tokens = SLICED[kind](), np.array([[1, 2, 9, 3], [0, 4, 5, 99]])
    tokens[1, 3] = 3
    assert backends.scores(model, tokens).shape == (2, 3, 3)
    for bad in (-1, 10, 99):
        wrong = tokens.copy()
        wrong[0, 1] = bad
        with pytest.raises(RangeError, match="the tokens 0 to 9"):
            backends.scores(model, wrong)
    for wrong in (tokens.astype("uint8"), tokens + 0.7):
        with pytest.raises(KindError, match="should hold tokens"):
            backends.scores(model, wrong)


@pytest.mark.parametrize("kind", COLUMN)
def test_a_column_of_a_table_may_be_looked_up_beside_numbers(kind):
    model, rows = COLUMN[kind](), np.array([[3, 0.5], [9, -20.25], [0, 1e4]])
    assert backends.scores(model, rows).shape == (3, 3)
    for bad in (-1, 10):
        wrong = rows.copy()
        wrong[1, 0] = bad
        with pytest.raises(RangeError, match="A part of `images` is looked up"):
            backends.scores(model, wrong)


def test_chance_of_python_s_and_of_numpy_s_is_seen():
    class Skips(nn.Linear):
        def forward(self, images):
            return super().forward(images) * (self.draw() < 0.5 if self.training else 1)

    own = np.random.default_rng(0)
    for draw in (lambda: random.random(), lambda: np.random.rand(), own.random):
        model = Skips(64, 10)
        model.draw = draw
        for _ in range(5):
            with pytest.raises(KindError, match="draws random numbers"):
                parity.compare(model, model, FEATURES[:5], LABELS[:5])


def test_what_the_loss_does_not_depend_on_has_slopes_of_zero(framework):
    if type(framework).__name__ == "Keras":
        inputs = keras.Input((64,))
        hidden = keras.ops.stop_gradient(layers.Dense(4)(inputs))
        model = keras.Model(inputs, layers.Dense(10)(hidden))
    else:
        model = nn.Sequential(nn.Linear(64, 4), Detach(), nn.Linear(4, 10))
    assert parity.compare(model, model, FEATURES[:5], LABELS[:5]).ok
    _, (first, last) = backends.loss_and_gradients(model, FEATURES[:5], LABELS[:5])
    assert not first["kernel"].any() and last["kernel"].any()


class Detach(nn.Module):
    def forward(self, values):
        return values.detach()


def test_a_head_of_another_precision_is_compared():
    inputs = keras.Input((64,))
    model = keras.Model(inputs, layers.Dense(3, dtype="float64")(layers.Dense(4)(inputs)))
    assert parity.compare(model, model, FEATURES[:5], np.zeros((5, 3))).ok


def test_a_loss_of_one_s_own_has_no_name_in_the_other_framework(framework):
    model, own = framework.mlp(), lambda outputs, targets: outputs.mean()
    for ask in (
        backends.loss_and_gradients,
        lambda m, *rest, loss: parity.compare(m, m, *rest, loss=loss),
    ):
        with pytest.raises(KindError, match="should be a name here"):
            ask(model, FEATURES[:5], LABELS[:5], loss=own)
    with pytest.raises(RangeError, match="`labels` holds"):
        backends.loss_and_gradients(model, FEATURES[:5], np.full((5, 10), np.nan))


def test_a_loss_that_wants_floats_gets_them_in_both_frameworks():
    both = (
        (FRAMEWORKS["pytorch"], nn.BCEWithLogitsLoss()),
        (FRAMEWORKS["keras"], lambda outputs, targets: keras.losses.BinaryCrossentropy(True)(
            targets, outputs)),
    )  # fmt: skip
    for framework, loss in both:
        labels = (LABELS > 4).astype("int64")[:, None]
        backends.fit(framework.linear(64, 1), FEATURES, labels, loss=loss, **QUIET)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x / 255 if x.max() > 1 else x,
        lambda x: (x - 50) / 30,
    ],
)
def test_what_is_no_picture_or_divided_only_where_it_must_be_is_taken(change):
    class Changes(nn.Linear):
        def forward(self, images):
            return super().forward(change(images))

    backends.fit(Changes(64, 10), FEATURES / FEATURES.max(), LABELS, **QUIET)
    if change(torch.ones(1)) == 1:
        model = Divides(FRAMEWORKS["pytorch"].cnn(), change)
        pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)
        both = backends.scores(model, pixels), backends.scores(model, pixels / np.float32(255))
        np.testing.assert_allclose(*both, atol=1e-5)


def test_half_precision_has_its_own_end():
    half = keras.Sequential([keras.Input((64,)), layers.Dense(3, dtype="mixed_float16")])
    for model in (half, nn.Linear(64, 3).half()):
        with pytest.raises(RangeError, match="float16, which ends at 65504"):
            backends.scores(model, np.full((2, 64), 1e5))


class OneHot(keras.Model):
    def __init__(self):
        super().__init__()
        self.out = layers.Dense(3)

    def call(self, tokens):
        return self.out(tf.reduce_mean(tf.one_hot(tokens, 10), 1))


class PlacesLookedUp(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches, self.places, self.out = nn.Conv2d(1, 4, 4, 4), nn.Embedding(4, 4), None
        self.out = nn.Linear(4, 3)

    def forward(self, images):
        patches = self.patches(images).flatten(2).transpose(1, 2)
        return self.out((patches + self.places(torch.arange(4))).mean(1))


def test_whole_numbers_are_what_the_model_takes_them_for():
    assert backends.scores(OneHot(), np.array([[1, 2, 3]])).shape == (1, 3)
    assert backends.scores(PlacesLookedUp(), np.zeros((2, 8, 8, 1), "int64")).shape == (2, 3)


def test_what_a_model_s_own_lines_raise_is_told_in_words(framework):
    class Wants(nn.Linear):
        def forward(self, images):
            assert images.shape[1] == 8, "eight features are needed"

    class WantsInKeras(keras.Model):
        def call(self, images):
            raise KeyError("eight features are needed")

    model = WantsInKeras() if type(framework).__name__ == "Keras" else Wants(64, 10)
    with pytest.raises(KindError, match="eight features are needed"):
        backends.scores(model, FEATURES[:5])
    two = keras.Input((8,)), keras.Input((8,))
    with pytest.raises(KindError, match="takes 2 inputs"):
        backends.scores(keras.Model([*two], layers.Dense(3)(layers.Add()([*two]))), FEATURES[:5])


def test_numbers_beyond_all_floats_are_told():
    with pytest.raises(RangeError, match="should give a factor"):
        backends.fit(nn.Linear(64, 10), FEATURES, LABELS, schedule=lambda p: 10**400, **QUIET)
    with pytest.raises(RangeError, match="`noise` is"):
        interpret.smooth_grad(FRAMEWORKS["pytorch"].cnn(), IMAGES[:1], 0, noise=1e39)
