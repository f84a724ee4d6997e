"""The functions of `backends` keep the same promises for models of both frameworks."""

import dlcourse
from dlcourse import backends, bar, data, parity
from dlcourse.backends import checks, interface, loop
from dlcourse.errors import CourseError, KindError, RangeError, ShapeError, TrainingError

import keras
import numpy as np
import pytest
import torch
from keras import layers
from torch import nn

DIGITS = data.load("digits")
IMAGES, LABELS = DIGITS.train.images[:300], DIGITS.train.labels[:300]
FEATURES = DIGITS.train.features[:300]
QUIET = {"show": False, "batch_size": 32}


class PyTorch:
    """Builds the models of these tests in PyTorch."""

    optimizers = torch.optim

    def mlp(self, inputs=64, hidden=32, classes=10, *end):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, classes), *end)

    def softmax_mlp(self):
        return self.mlp(64, 32, 10, nn.Softmax(1))

    def dropout_mlp(self):
        return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 10))

    def linear(self, inputs, outputs):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(inputs, outputs))

    def cnn(self):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 6, 3), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(54, 10)
        )

    def painter(self):
        return nn.Sequential(nn.Conv2d(3, 3, 1))

    def reader(self):
        return nn.Sequential(nn.Embedding(12, 4), nn.Flatten(), nn.Linear(20, 3))

    def linear_on_steps(self):
        return self.linear(5, 2)

    def tagger(self):
        torch.manual_seed(0)
        return nn.Sequential(nn.Embedding(12, 4), nn.Linear(4, 12))

    def no_flatten(self):
        return nn.Sequential(nn.Conv2d(1, 6, 3), nn.Linear(6, 10))

    def sgd(self, model, learning_rate):
        return torch.optim.SGD(model.parameters(), learning_rate)

    def adam(self, model):
        return torch.optim.Adam(model.parameters(), 0.01)

    def rate(self, optimizer):
        return optimizer.param_groups[0]["lr"]

    @staticmethod
    def squared_error(outputs, targets):
        return ((outputs - targets) ** 2).mean()


class Keras:
    """Builds the same models in Keras."""

    optimizers = keras.optimizers

    def mlp(self, inputs=64, hidden=32, classes=10, *end):
        keras.utils.set_random_seed(0)
        inner = [layers.Dense(hidden, "tanh"), layers.Dense(classes)]
        return keras.Sequential([keras.Input((inputs,)), *inner, *end])

    def softmax_mlp(self):
        return self.mlp(64, 32, 10, layers.Softmax())

    def dropout_mlp(self):
        inner = [layers.Dense(32, "relu"), layers.Dropout(0.5), layers.Dense(10)]
        return keras.Sequential([keras.Input((64,)), *inner])

    def linear(self, inputs, outputs):
        keras.utils.set_random_seed(0)
        return keras.Sequential([keras.Input((inputs,)), layers.Dense(outputs)])

    def cnn(self):
        keras.utils.set_random_seed(0)
        inner = [layers.Conv2D(6, 3), layers.Activation("tanh"), layers.MaxPooling2D(name="pool")]
        return keras.Sequential(
            [keras.Input((8, 8, 1)), *inner, layers.Flatten(), layers.Dense(10)]
        )

    def painter(self):
        return keras.Sequential([keras.Input((4, 5, 3)), layers.Conv2D(3, 1)])

    def reader(self):
        inner = [layers.Embedding(12, 4), layers.Flatten(), layers.Dense(3)]
        return keras.Sequential([keras.Input((5,), dtype="int64"), *inner])

    def linear_on_steps(self):
        return keras.Sequential([keras.Input((3, 4, 5)), layers.Dense(2)])

    def tagger(self):
        keras.utils.set_random_seed(0)
        inner = [layers.Embedding(12, 4), layers.Dense(12)]
        return keras.Sequential([keras.Input((5,), dtype="int64"), *inner])

    def no_flatten(self):
        return keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(6, 3), layers.Dense(10)])

    def sgd(self, model, learning_rate):
        optimizer = keras.optimizers.SGD(learning_rate)
        optimizer.build(model.trainable_variables)
        return optimizer

    def adam(self, model):
        return keras.optimizers.Adam(0.01)

    def rate(self, optimizer):
        return float(optimizer.learning_rate)

    @staticmethod
    def squared_error(outputs, targets):
        return keras.ops.mean((outputs - targets) ** 2)


FRAMEWORKS = {"pytorch": PyTorch(), "keras": Keras()}


@pytest.fixture(params=FRAMEWORKS.values(), ids=FRAMEWORKS)
def framework(request):
    return request.param


# One interface


def test_a_model_leads_to_its_framework(framework):
    assert type(framework).__name__ == backends.of(framework.linear(2, 1)).NAME


@pytest.mark.parametrize("protocol", [interface.Backend, interface.Trainer])
def test_each_framework_takes_every_step(framework, protocol):
    backend = backends.of(framework.linear(2, 1))
    found = (
        backend if protocol is interface.Backend else backend.trainer("sgd", None, "cross-entropy")
    )
    steps = {name for name in vars(protocol) if not name.startswith("_")}
    assert len(steps) > 5
    assert {name for name in steps if not hasattr(found, name)} == set()


def test_a_thing_of_no_framework_is_refused():
    with pytest.raises(
        KindError, match=r"is a str, but should be a torch\.nn\.Module or a keras\.Model"
    ):
        backends.of("model")


# Training


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_fit_lowers_the_loss_and_learns_digits(framework, optimizer):
    model, train, test = framework.mlp(), DIGITS.train, DIGITS.test
    rate = {"learning_rate": 0.01} if optimizer == "adam" else {}
    history = backends.fit(
        model, train.features, train.labels, epochs=6, optimizer=optimizer, **rate, **QUIET
    )
    assert history.train_loss[-1] < 0.5 * history.train_loss[0]
    assert backends.evaluate(model, test.features, test.labels).accuracy > 0.85


def test_the_history_has_one_entry_for_each_epoch_and_each_step(framework):
    valid = DIGITS.valid.features, DIGITS.valid.labels
    history = backends.fit(framework.mlp(), FEATURES, LABELS, epochs=3, valid=valid, **QUIET)
    for name in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "seconds"):
        assert len(getattr(history, name)) == 3, name
    assert len(history.step_loss) == 3 * 10
    assert history.epochs == 3
    assert history.learning_rate == [0.001] * 3
    assert all(0 <= value <= 1 for value in history.train_accuracy + history.valid_accuracy)
    assert all(isinstance(value, float) for value in history.step_loss + history.train_loss)


def test_without_validation_examples_the_history_has_none(framework):
    history = backends.fit(framework.mlp(), FEATURES, LABELS, **QUIET)
    assert history.valid_loss == history.valid_accuracy == []


def test_validation_is_measured_after_the_epoch(framework):
    model, valid = framework.mlp(), (DIGITS.valid.features, DIGITS.valid.labels)
    history = backends.fit(model, FEATURES, LABELS, valid=valid, **QUIET)
    after = backends.evaluate(model, *valid)
    assert history.valid_loss[0] == pytest.approx(after.loss, abs=1e-6)
    assert history.valid_accuracy[0] == after.accuracy


def test_epoch_means_are_over_examples_not_over_batches(framework):
    model = framework.mlp()
    rows, labels = FEATURES[:70], LABELS[:70]  # batches of 32, 32 and 6
    history = backends.fit(model, rows, labels, optimizer="sgd", learning_rate=0, **QUIET)
    whole = backends.evaluate(model, rows, labels)
    assert history.train_loss[0] == pytest.approx(whole.loss, abs=1e-5)
    assert history.train_accuracy[0] == pytest.approx(whole.accuracy)
    assert np.mean(history.step_loss) != pytest.approx(whole.loss, abs=1e-5)


def test_the_schedule_scales_every_step(framework):
    model, progress, rates = framework.mlp(), [], []
    optimizer = framework.sgd(model, 0.5)

    def schedule(share):
        progress.append(share)
        return 1 - share

    def augment(images, generator):
        rates.append(framework.rate(optimizer))
        return images

    history = backends.fit(
        model, FEATURES[:128], LABELS[:128], epochs=2, optimizer=optimizer, schedule=schedule,
        augment=augment, **QUIET,
    )  # fmt: skip
    np.testing.assert_allclose(progress, np.arange(8) / 8)
    np.testing.assert_allclose(rates, 0.5 * (1 - np.arange(8) / 8), rtol=1e-6)
    assert history.learning_rate == [0.3125, 0.0625]  # at the last step of each epoch
    assert framework.rate(optimizer) == 0.5  # ready to go on


def test_a_factor_of_zero_stops_all_learning(framework):
    model = framework.mlp()
    before = backends.scores(model, FEATURES)
    backends.fit(model, FEATURES, LABELS, optimizer="sgd", schedule=lambda share: 0.0, **QUIET)
    np.testing.assert_array_equal(backends.scores(model, FEATURES), before)


def test_the_schedule_keeps_the_ratio_of_parameter_groups():
    model = PyTorch().mlp()
    groups = [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[2].parameters()}]
    optimizer, rates = torch.optim.SGD(groups, lr=1.0), []

    def augment(images, generator):
        rates.append([group["lr"] for group in optimizer.param_groups])
        return images

    backends.fit(
        model, FEATURES[:64], LABELS[:64], optimizer=optimizer, schedule=lambda share: 1 - share,
        augment=augment, **QUIET,
    )  # fmt: skip
    np.testing.assert_allclose(rates, [[0.1, 1.0], [0.05, 0.5]])


def test_an_optimizer_goes_on_where_it_stopped(framework):
    def losses(*epochs):
        model = framework.mlp()
        optimizer = framework.adam(model)
        runs = [
            backends.fit(
                model, FEATURES, LABELS, epochs=n, optimizer=optimizer, shuffle=False, **QUIET
            )
            for n in epochs
        ]
        return [loss for history in runs for loss in history.step_loss]

    np.testing.assert_allclose(losses(1, 1), losses(2), atol=1e-5)


def test_augment_changes_what_the_model_sees(framework):
    def blank(images, generator):
        assert isinstance(generator, np.random.Generator)
        return np.zeros_like(images)

    model = framework.linear(64, 10)
    kernel = backends.weights(model, 0).copy()
    backends.fit(model, FEATURES, LABELS, optimizer="sgd", augment=blank, **QUIET)
    np.testing.assert_array_equal(
        backends.weights(model, 0), kernel
    )  # black pictures teach nothing


def batches(framework, **options):
    seen = []

    def augment(images, generator):
        seen.append((images.copy(), generator.random()))
        return images

    backends.fit(
        framework.mlp(), FEATURES[:100], LABELS[:100], epochs=2, augment=augment, **options, **QUIET
    )
    return seen


def test_both_frameworks_see_the_same_batches_and_draw_the_same_numbers():
    ours, theirs = (batches(framework, seed=3) for framework in FRAMEWORKS.values())
    assert len(ours) == len(theirs) == 8
    for (our_images, our_number), (their_images, their_number) in zip(ours, theirs):
        np.testing.assert_array_equal(our_images, their_images)
        assert our_number == their_number


def test_the_order_changes_with_the_epoch_and_the_seed_and_not_without_shuffle():
    first, second = (batches(PyTorch(), seed=seed) for seed in (0, 1))
    assert not np.array_equal(first[0][0], second[0][0])
    assert not np.array_equal(first[0][0], first[4][0])
    plain = batches(PyTorch(), shuffle=False)
    np.testing.assert_array_equal(plain[0][0], FEATURES[:32])
    np.testing.assert_array_equal(plain[4][0], FEATURES[:32])


def test_bytes_are_pixels_from_0_to_1(framework):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), dtype="uint8")
    images, model = pixels.astype("float32") / 255, framework.cnn()
    np.testing.assert_allclose(
        backends.scores(model, pixels), backends.scores(model, images), atol=1e-6
    )
    ours, theirs = (
        backends.fit(framework.cnn(), each, LABELS[:40], epochs=2, **QUIET).step_loss
        for each in (pixels, images)
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("kind", ["float64", "float32", "a list"])
def test_any_floats_will_do(framework, kind):
    rows = FEATURES[:32].tolist() if kind == "a list" else FEATURES[:32].astype(kind)
    model = framework.mlp()
    np.testing.assert_allclose(
        backends.scores(model, rows), backends.scores(model, FEATURES[:32]), atol=1e-6
    )
    assert backends.fit(model, rows, list(LABELS[:32]), **QUIET).epochs == 1


@pytest.mark.parametrize("kind", ["uint8", "int32", "int64", "bool"])
def test_class_indices_may_be_any_whole_numbers(framework, kind):
    labels = (LABELS[:32] % 2).astype(kind)
    assert backends.fit(framework.mlp(), FEATURES[:32], labels, **QUIET).epochs == 1


def test_a_loss_of_your_own_fits_a_line(framework):
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(100, 2))
    targets = inputs @ [[2.0], [-1.0]] + 0.5
    model, valid = framework.linear(2, 1), (inputs[:30], targets[:30])
    history = backends.fit(
        model, inputs, targets, epochs=20, optimizer="sgd", loss=framework.squared_error,
        valid=valid, **QUIET,
    )  # fmt: skip
    np.testing.assert_allclose(backends.weights(model, 0), [[2], [-1]], atol=0.02)
    assert history.valid_loss[-1] < 1e-3
    assert history.train_accuracy == history.valid_accuracy == []
    assert "accuracy" not in str(history)


@pytest.mark.parametrize("name", checks.LOSSES[1:])
def test_a_named_loss_of_numbers_falls_and_has_the_right_slope(framework, name):
    generator = np.random.default_rng(0)
    inputs, targets = generator.normal(size=(40, 3)), generator.normal(size=(40, 2))
    model, power = framework.linear(3, 2), {"squared error": 2, "absolute error": 1}[name]

    def error():
        return (np.abs(backends.scores(model, inputs) - targets) ** power).mean()

    before = error()
    loss, gradients = backends.loss_and_gradients(model, inputs, targets, name)
    assert loss == pytest.approx(before, rel=1e-5)
    difference = backends.scores(model, inputs) - targets
    slope = np.sign(difference) if power == 1 else 2 * difference
    np.testing.assert_allclose(gradients[0]["kernel"], inputs.T @ slope / targets.size, atol=1e-5)
    valid = (inputs, targets)
    history = backends.fit(model, inputs, targets, loss=name, epochs=3, valid=valid, **QUIET)
    assert error() < before
    assert history.valid_loss[-1] == pytest.approx(error(), rel=1e-4)
    assert history.train_accuracy == []


def test_whole_numbers_may_be_the_targets_of_a_named_loss(framework):
    history = backends.fit(
        framework.linear(64, 1), FEATURES, LABELS[:, None], loss="squared error", **QUIET
    )
    assert history.epochs == 1


def test_floats_are_compared_by_their_squared_error_unless_another_loss_is_named(framework):
    model, targets = framework.linear(64, 1), np.full((300, 1), 0.5)
    error = backends.scores(model, FEATURES) - targets
    losses = [
        backends.loss_and_gradients(model, FEATURES, targets, loss)[0]
        for loss in (None, "absolute error")
    ]
    assert losses == pytest.approx([(error**2).mean(), np.abs(error).mean()], rel=1e-5)


def test_pictures_may_be_the_targets(framework):
    images = np.random.default_rng(0).random((6, 4, 5, 3), dtype="float32")
    model = framework.painter()
    painted = backends.scores(model, images)
    assert painted.shape == images.shape
    history = backends.fit(model, images, images, loss=framework.squared_error, **QUIET)
    assert history.step_loss[0] == pytest.approx(((painted - images) ** 2).mean(), rel=1e-4)


def test_tokens_stay_whole_numbers(framework):
    tokens = np.random.default_rng(0).integers(0, 12, (40, 5))
    model = framework.reader()
    assert backends.fit(model, tokens, tokens[:, 0] % 3, **QUIET).epochs == 1
    assert backends.scores(model, tokens).shape == (40, 3)
    assert backends.weights(model, 0).shape == (12, 4)


def test_fit_leaves_one_plain_line(framework, capsys):
    history = backends.fit(framework.mlp(), FEATURES[:64], LABELS[:64], batch_size=32)
    out, err = capsys.readouterr()
    assert out == f"{history}\n" and out.count("\n") == 1
    assert out.startswith("1 epoch in ") and "training loss" in out
    assert err == ""


def test_fit_without_show_prints_nothing(framework, capsys):
    backends.fit(framework.mlp(), FEATURES[:64], LABELS[:64], **QUIET)
    assert capsys.readouterr() == ("", "")


def test_in_a_notebook_a_bar_moves_and_leaves_the_same_line(framework, monkeypatch):
    shown = []

    class Handle:
        def update(self, bundle, raw):
            shown.append(bundle)

    monkeypatch.setattr(bar, "_in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: Handle())
    monkeypatch.setattr(loop.TrainingBar, "SECONDS_BETWEEN_UPDATES", 0)
    history = backends.fit(framework.mlp(), FEATURES[:64], LABELS[:64], batch_size=32)
    assert "epoch 1 of 1, step 2 of 2" in shown[1]["text/html"]
    assert shown[-1] == {"text/plain": str(history)}


def test_validation_may_have_fewer_examples_than_a_batch(framework):
    valid = FEATURES[:5], LABELS[:5]
    history = backends.fit(framework.mlp(), FEATURES, LABELS, valid=valid, **QUIET)
    assert history.valid_accuracy[0] in (0, 0.2, 0.4, 0.6, 0.8, 1)


# A class for each step of a sequence

TOKENS = np.random.default_rng(0).integers(0, 12, (40, 5))
NEXT = (TOKENS + 1) % 12  # what each token is followed by, to be learned


def test_a_model_that_scores_each_step_learns_a_class_for_each(framework):
    model = framework.tagger()
    before = backends.evaluate(model, TOKENS, NEXT)
    history = backends.fit(
        model, TOKENS, NEXT, epochs=30, learning_rate=0.1, valid=(TOKENS, NEXT), **QUIET
    )
    assert backends.scores(model, TOKENS).shape == (40, 5, 12)
    after = backends.evaluate(model, TOKENS, NEXT)
    assert before.accuracy < 0.5 and after.accuracy == history.valid_accuracy[-1] == 1
    assert history.train_accuracy[-1] == 1, "a share of the steps, not of the examples"
    assert after.loss == pytest.approx(history.valid_loss[-1], abs=1e-6)
    right = backends.scores(model, TOKENS).argmax(axis=2) == NEXT
    assert right.mean() == after.accuracy


def test_the_loss_of_steps_is_that_of_as_many_examples(framework):
    model = framework.tagger()
    scores = backends.scores(model, TOKENS).reshape(-1, 12)
    loss, gradients = backends.loss_and_gradients(model, TOKENS, NEXT)
    by_hand = scores - scores.max(axis=1, keepdims=True)
    by_hand = np.log(np.exp(by_hand).sum(axis=1)) - by_hand[np.arange(200), NEXT.ravel()]
    assert loss == pytest.approx(by_hand.mean(), rel=1e-5)
    assert loss == pytest.approx(backends.evaluate(model, TOKENS, NEXT).loss, rel=1e-5)
    assert gradients[1]["kernel"].shape == (4, 12)


def test_both_frameworks_train_equally_on_steps():
    ours, theirs = (framework.tagger() for framework in FRAMEWORKS.values())
    parity.carry_weights(ours, theirs)
    assert parity.compare(ours, theirs, TOKENS, NEXT).ok
    losses = [
        backends.fit(model, TOKENS, NEXT, epochs=3, optimizer="sgd", **QUIET).step_loss
        for model in (ours, theirs)
    ]
    np.testing.assert_allclose(*losses, atol=1e-5)


# Four axes that are no picture

SERIES = np.random.default_rng(0).random((6, 3, 4, 5), dtype="float32")  # (N, T, S, D)


def test_a_sequence_of_four_axes_is_not_turned(framework):
    model = framework.linear_on_steps()
    kernel, bias = (backends.layers_with_weights(model)[0].arrays[p] for p in ("kernel", "bias"))
    expected = SERIES @ kernel + bias  # (6, 3, 4, 2)
    np.testing.assert_allclose(backends.scores(model, SERIES), expected, atol=1e-6)
    np.testing.assert_allclose(backends.activations(model, SERIES, 0), expected, atol=1e-6)
    history = backends.fit(model, SERIES, expected, loss="squared error", **QUIET)
    assert history.step_loss[0] < 1e-10


class Attention(nn.Module):
    """Patches of a picture that look at each other: (N, heads, T, T) inside."""

    def __init__(self):
        super().__init__()
        self.patches, self.keys = nn.Conv2d(1, 6, 2, 2), nn.Linear(6, 6)
        self.weights, self.head = nn.Softmax(dim=-1), nn.Linear(6, 10)

    def forward(self, images):
        tokens = self.patches(images).flatten(2).transpose(1, 2)  # (N, 16, 6)
        keys = self.keys(tokens).unflatten(2, (2, 3)).transpose(1, 2)  # (N, 2, 16, 3)
        attention = self.weights(keys @ keys.transpose(2, 3))  # (N, 2, 16, 16)
        mixed = (attention @ tokens.unflatten(2, (2, 3)).transpose(1, 2)).transpose(1, 2)
        return self.head(mixed.flatten(2).mean(dim=1))


def test_an_attention_map_is_not_turned_and_a_picture_s_map_is():
    model = Attention()
    found = backends.activations(model, IMAGES[:3], "weights")
    assert found.shape == (3, 2, 16, 16)
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)
    assert backends.activations(model, IMAGES[:3], "patches").shape == (3, 4, 4, 6)
    values, slopes = backends.activation_gradient(model, IMAGES[:3], LABELS[:3], "weights")
    assert values.shape == slopes.shape == (3, 2, 16, 16)


class Gate(nn.Module):
    """A squeeze-excitation block: maps, weighted by what dense layers say of their means."""

    def __init__(self):
        super().__init__()
        self.maps, self.gate, self.relu = nn.Conv2d(1, 5, 3, padding=1), nn.Linear(5, 5), nn.ReLU()

    def forward(self, images):
        maps = self.maps(images)
        return self.relu(maps * torch.sigmoid(self.gate(maps.mean((2, 3))))[:, :, None, None])


class ChannelsLast(nn.Module):
    """A ConvNeXt block: it works with channels last inside, and turns them back."""

    def __init__(self):
        super().__init__()
        self.window, self.norm = nn.Conv2d(6, 6, 3, padding=1), nn.LayerNorm(6)
        self.wide, self.act, self.narrow = nn.Linear(6, 12), nn.GELU(), nn.Linear(12, 6)

    def forward(self, maps):
        inside = self.norm(self.window(maps).permute(0, 2, 3, 1))
        return maps + self.narrow(self.act(self.wide(inside))).permute(0, 3, 1, 2)


class Head(nn.Module):
    """A stem, a block and a classifier of the means of its maps."""

    def __init__(self, block, stem, channels):
        super().__init__()
        self.stem, self.block, self.head = stem, block, nn.Linear(channels, 10)

    def forward(self, images):
        return self.head(self.block(self.stem(images)).mean((2, 3)))


@pytest.mark.parametrize(
    "name, shape",
    [
        ("stem", (3, 4, 4, 6)),
        ("block", (3, 4, 4, 6)),
        ("block.window", (3, 4, 4, 6)),
        ("block.norm", (3, 4, 4, 6)),
        ("block.act", (3, 4, 4, 12)),
    ],
)
def test_a_block_that_works_with_channels_last_inside_gives_pictures(name, shape):
    model = Head(ChannelsLast(), nn.Conv2d(1, 6, 2, 2), 6)
    assert backends.activations(model, IMAGES[:3], name).shape == shape


def test_dense_layers_beside_maps_do_not_make_them_something_else():
    model = Head(Gate(), nn.Identity(), 5)
    for name in ("block", "block.relu", "block.maps"):
        assert backends.activations(model, IMAGES[:3], name).shape == (3, 8, 8, 5)
    rows = np.random.default_rng(0).random((3, 12), dtype="float32")
    painter = nn.Sequential(
        nn.Linear(12, 24), nn.Unflatten(1, (2, 3, 4)), nn.Upsample(scale_factor=2)
    )
    assert backends.activations(painter, rows, "2").shape == (3, 6, 8, 2)


def test_a_dense_layer_on_the_means_of_channels_reads_pictures():
    """Though it has as many inputs as the pictures have channels."""
    square = np.random.default_rng(0).random((4, 3, 3, 3), dtype="float32")

    class Means(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(3, 2)

        def forward(self, images):
            return self.head(images.mean((2, 3)))

    model = Means()
    kernel, bias = (backends.layers_with_weights(model)[0].arrays[p] for p in ("kernel", "bias"))
    expected = square.mean(axis=(1, 2)) @ kernel + bias
    np.testing.assert_allclose(backends.scores(model, square), expected, atol=1e-6)


def test_targets_of_other_channels_than_the_outputs_are_turned_too():
    """Mean and log variance for each pixel, against one grey value."""
    model = nn.Conv2d(1, 2, 3, padding=1)

    def gaussian(outputs, targets):
        mean, log_variance = outputs[:, :1], outputs[:, 1:]
        return (log_variance + (targets - mean) ** 2 * torch.exp(-log_variance)).mean()

    options = {"loss": gaussian, "learning_rate": 0, "optimizer": "sgd"}
    loss = backends.fit(model, IMAGES[:6], IMAGES[:6], **options, **QUIET).step_loss[0]
    mean, log_variance = np.split(backends.scores(model, IMAGES[:6]), 2, axis=3)
    by_hand = log_variance + (IMAGES[:6] - mean) ** 2 * np.exp(-log_variance)
    assert loss == pytest.approx(by_hand.mean(), rel=1e-4)


def test_pictures_made_of_rows_are_turned():
    rows = np.random.default_rng(0).random((3, 12), dtype="float32")
    model = nn.Sequential(nn.Linear(12, 24), nn.Unflatten(1, (2, 3, 4)))
    assert backends.scores(model, rows).shape == (3, 3, 4, 2)
    model = nn.Sequential(nn.Linear(12, 8), nn.Unflatten(1, (2, 4)))
    assert backends.scores(model, rows).shape == (3, 2, 4)


def test_targets_are_turned_as_the_outputs_are():
    """Also where the layers do not tell: here a function makes the picture."""

    class Painter(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = nn.Linear(12, 24)

        def forward(self, rows):
            return self.dense(rows).view(-1, 2, 3, 4)  # (N, C, H, W)

    rows = np.random.default_rng(0).random((3, 12), dtype="float32")
    with torch.no_grad():
        pictures = Painter()(torch.from_numpy(rows)).permute(0, 2, 3, 1).numpy()  # (3, 3, 4, 2)
    model = Painter()
    options = {"loss": PyTorch.squared_error, "learning_rate": 0, "optimizer": "sgd"}
    loss = backends.fit(model, rows, pictures, **options, **QUIET).step_loss[0]
    with torch.no_grad():
        made = model(torch.from_numpy(rows)).permute(0, 2, 3, 1).numpy()
    assert loss == pytest.approx(((made - pictures) ** 2).mean(), rel=1e-5)


# Training that cannot go on


def test_a_loss_that_explodes_names_the_learning_rate_and_what_to_try(framework):
    with pytest.raises(TrainingError) as caught:
        backends.fit(
            framework.mlp(), 100 * FEATURES, LABELS, epochs=9, optimizer="sgd", learning_rate=1e30,
            **QUIET,
        )  # fmt: skip
    text = str(caught.value)
    assert "The learning rate is 1e+30: try a tenth of it." in text
    assert "epoch 1, step" in text and "scaled" in text


def test_a_nan_in_the_data_is_named_as_the_cause(framework):
    rows = FEATURES.copy()
    rows[7, 3] = np.nan
    for ask in (
        lambda: backends.fit(framework.mlp(), rows, LABELS, **QUIET),
        lambda: backends.fit(
            framework.mlp(), FEATURES, LABELS, valid=(rows, LABELS), epochs=99, **QUIET
        ),
        lambda: backends.evaluate(framework.mlp(), rows, LABELS),
        lambda: backends.activations(framework.mlp(), rows, 0),
        lambda: backends.input_gradient(framework.mlp(), rows, LABELS),
        lambda: backends.activation_gradient(framework.mlp(), rows, LABELS, 0),
        lambda: backends.loss_and_gradients(framework.mlp(), rows, LABELS),
        lambda: backends.runs(framework.mlp(), rows),
    ):
        with pytest.raises(RangeError, match=r"holds 1 of \d+ values that are nan .* \(7, 3\)"):
            ask()


def test_a_nan_in_the_targets_is_named_as_the_cause(framework):
    targets = np.zeros((len(FEATURES), 10), "float32")
    targets[7, 3] = np.nan
    clean = np.zeros_like(targets)
    for name, given, valid in (("labels", targets, clean), (r"valid\[1\]", clean, targets)):
        with pytest.raises(RangeError, match=f"`{name}` holds 1 of"):
            backends.fit(
                framework.mlp(), FEATURES, given, loss="squared error",
                valid=(FEATURES, valid), **QUIET,
            )  # fmt: skip


def test_a_nan_that_augmentation_makes_is_named_as_the_cause(framework):
    with pytest.raises(RangeError, match=r"`augment\(images\)` holds"):
        backends.fit(
            framework.mlp(), FEATURES, LABELS, augment=lambda images, _: images * np.nan, **QUIET
        )


def test_the_learning_rate_is_put_back_also_after_an_error(framework):
    model = framework.mlp()
    optimizer = framework.sgd(model, 0.5)
    with pytest.raises(KindError, match="`augment` raised ZeroDivisionError"):
        backends.fit(
            model, FEATURES, LABELS, epochs=9, optimizer=optimizer,
            schedule=lambda share: 1 - share, augment=lambda images, generator: 1 / 0, **QUIET,
        )  # fmt: skip
    assert framework.rate(optimizer) == 0.5


# Mistakes: what came, what was wanted

MISTAKES = {
    "features of another width": (
        lambda f: backends.fit(f.mlp(), FEATURES[:, :63], LABELS, **QUIET),
        ShapeError,
        ["(32, 63)", "(N, 64)"],
    ),
    "pictures for a dense model": (
        lambda f: backends.fit(f.mlp(), IMAGES, LABELS, **QUIET),
        ShapeError,
        ["(32, 8, 8, 1)", "(N, 64)"],
    ),
    "pictures of another size": (
        lambda f: backends.scores(f.cnn(), np.zeros((2, 9, 12, 1), "float32")),
        ShapeError,
        ["(2, 9, 12, 1)", "54"],
    ),
    "pictures with too many channels": (
        lambda f: backends.scores(f.cnn(), np.zeros((2, 8, 8, 3), "float32")),
        ShapeError,
        ["(2, 8, 8, 3)", "1)"],
    ),
    "one picture without the batch axis": (
        lambda f: backends.scores(f.cnn(), IMAGES[0]),
        ShapeError,
        ["(8, 8, 1)", "Conv2", "images[None]"],
    ),
    "one row without the batch axis": (
        lambda f: backends.scores(f.mlp(), FEATURES[0]),
        ShapeError,
        ["(64,)", "images[None]"],
    ),
    "one row without the batch axis, to train on": (
        lambda f: backends.fit(f.mlp(), FEATURES[0], LABELS[0], **QUIET),
        ShapeError,
        ["(64,)", "images[None]"],
    ),
    "a missing Flatten": (
        lambda f: backends.fit(f.no_flatten(), IMAGES, LABELS, **QUIET),
        ShapeError,
        ["(32, "],
    ),
    "tokens beyond the vocabulary": (
        lambda f: backends.scores(f.reader(), np.full((2, 5), 12)),
        RangeError,
        ["12", "tokens 0 to"],
    ),
    "tokens below zero": (
        lambda f: backends.scores(f.reader(), np.array([[3, 4, 5, 6, -1]])),
        RangeError,
        ["-1", "tokens 0 to"],
    ),
    "tokens as bytes": (
        lambda f: backends.scores(f.reader(), np.zeros((2, 5), "uint8")),
        KindError,
        ["uint8", "int64"],
    ),
    "tokens as floats": (
        lambda f: backends.fit(f.reader(), np.full((2, 5), 1.7), [0, 1], **QUIET),
        KindError,
        ["float64", "int64"],
    ),
    "tokens as truths": (
        lambda f: backends.activations(f.reader(), np.full((2, 5), True), 0),
        KindError,
        ["bool", "int64"],
    ),
    "a label without a class": (
        lambda f: backends.fit(f.mlp(classes=3), FEATURES, LABELS, **QUIET),
        RangeError,
        ["gives 3 scores", "a label 9", "at least 10 wide"],
    ),
    "a label without a class among the validation labels": (
        lambda f: backends.fit(
            f.mlp(classes=3), FEATURES, LABELS % 3, valid=(FEATURES, LABELS), **QUIET
        ),
        RangeError,
        ["gives 3 scores", "a label 9"],
    ),
    "a label without a class, evaluated": (
        lambda f: backends.evaluate(f.mlp(classes=3), FEATURES, LABELS),
        RangeError,
        ["from 0 to 9", "0 to 2"],
    ),
    "a class without a score, differentiated": (
        lambda f: backends.input_gradient(f.mlp(classes=3), FEATURES, LABELS),
        RangeError,
        ["from 0 to 9", "0 to 2"],
    ),
    "negative labels": (
        lambda f: backends.fit(f.mlp(), FEATURES, LABELS - 1, **QUIET),
        RangeError,
        ["from -1 to 8", "0 or more"],
    ),
    "one-hot labels": (
        lambda f: backends.fit(f.mlp(), FEATURES, np.eye(10)[LABELS], **QUIET),
        ShapeError,
        ["(300, 10)", "argmax(axis=1)"],
    ),
    "a label for each step of a model that scores each example": (
        lambda f: backends.fit(f.reader(), TOKENS, TOKENS % 3, **QUIET),
        ShapeError,
        ["(32, 5)", "(32, 3)", "each of 5 steps", "(32, 5, K)"],
    ),
    "one-hot rows of whole numbers": (
        lambda f: backends.fit(f.reader(), TOKENS, np.eye(3, dtype=int)[TOKENS[:, 0] % 3], **QUIET),
        ShapeError,
        ["(32, 3)", "argmax(axis=1)"],
    ),
    "one-hot rows of whole numbers, whose last is not of the last class": (
        lambda f: backends.fit(
            f.reader(), TOKENS, np.eye(3, dtype=int)[np.arange(40) % 2], **QUIET
        ),
        ShapeError,
        ["(32, 3)", "argmax(axis=1)"],
    ),
    "a column of labels": (
        lambda f: backends.fit(f.reader(), TOKENS, TOKENS[:, :1] % 3, **QUIET),
        ShapeError,
        ["(32, 1)", "labels[:, 0]"],
    ),
    "a split in place of its images": (
        lambda f: backends.fit(f.mlp(), DIGITS.train, DIGITS.train.labels, **QUIET),
        KindError,
        ["`digits` is no array", "`.features` or `.images`"],
    ),
    "one label for each example of a model that scores each step": (
        lambda f: backends.fit(f.tagger(), TOKENS, TOKENS[:, 0], **QUIET),
        ShapeError,
        ["(32, 5, 12)", "outputs[:, -1]", "(32, 5)"],
    ),
    "a label without a class among the steps": (
        lambda f: backends.fit(f.tagger(), TOKENS, TOKENS + 1, **QUIET),
        RangeError,
        ["gives 12 scores", "a label 12"],
    ),
    "float labels": (
        lambda f: backends.fit(f.mlp(), FEATURES, LABELS.astype("float32"), **QUIET),
        KindError,
        ["float32", "astype('int64')"],
    ),
    "labels as text": (
        lambda f: backends.fit(f.mlp(), FEATURES, LABELS.astype(str), **QUIET),
        KindError,
        ["<U", "should hold numbers"],
    ),
    "rows of unequal length": (
        lambda f: backends.fit(f.mlp(), np.array([[1], [1, 2]], object), [0, 1], **QUIET),
        KindError,
        ["object", "should hold numbers"],
    ),
    "no examples": (
        lambda f: backends.fit(f.mlp(), FEATURES[:0], LABELS[:0], **QUIET),
        ShapeError,
        ["(0, 64)", "At least one example"],
    ),
    "more examples than labels": (
        lambda f: backends.fit(f.mlp(), FEATURES, LABELS[:-1], **QUIET),
        ShapeError,
        ["300 examples", "299"],
    ),
    "more examples than labels, evaluated": (
        lambda f: backends.evaluate(f.mlp(), FEATURES, LABELS[:-1]),
        ShapeError,
        ["300 examples", "299"],
    ),
    "a model that ends in softmax": (
        lambda f: backends.fit(f.softmax_mlp(), FEATURES, LABELS, **QUIET),
        RangeError,
        ["ends in softmax", "raw scores"],
    ),
    "a model that ends in softmax, evaluated": (
        lambda f: backends.evaluate(f.softmax_mlp(), FEATURES, LABELS),
        RangeError,
        ["ends in softmax"],
    ),
    "an unknown optimizer": (
        lambda f: backends.fit(f.mlp(), FEATURES, LABELS, optimizer="adamm", **QUIET),
        RangeError,
        ["'adamm'", "sgd, adam"],
    ),
    "an optimizer that is none": (
        lambda f: backends.fit(f.mlp(), FEATURES, LABELS, optimizer=0.1, **QUIET),
        KindError,
        ["float", "optimizer"],
    ),
    "the optimizer of another model": (
        lambda f: backends.fit(f.mlp(), FEATURES, LABELS, optimizer=f.sgd(f.mlp(), 0.1), **QUIET),
        KindError,
        ["made for another model"],
    ),
    "a split as validation": (
        lambda f: backends.fit(f.mlp(), FEATURES, LABELS, valid=DIGITS.valid, **QUIET),
        KindError,
        ["valid=(images, labels)"],
    ),
    "no epochs": (
        lambda f: backends.fit(f.mlp(), FEATURES, LABELS, epochs=0, **QUIET),
        RangeError,
        ["`epochs` is 0", "at least 1"],
    ),
    "epochs that are a truth value": (
        lambda f: backends.fit(f.mlp(), FEATURES, LABELS, epochs=True, **QUIET),
        RangeError,
        ["`epochs` is True"],
    ),
    "batches of nothing": (
        lambda f: backends.scores(f.mlp(), FEATURES, batch_size=0),
        RangeError,
        ["`batch_size` is 0"],
    ),
    "half a batch": (
        lambda f: backends.fit(f.mlp(), FEATURES, LABELS, batch_size=0.5, show=False),
        RangeError,
        ["`batch_size` is 0.5", "whole number"],
    ),
    "a negative learning rate": (
        lambda f: backends.fit(f.mlp(), FEATURES, LABELS, learning_rate=-0.1, **QUIET),
        RangeError,
        ["`learning_rate` is -0.1"],
    ),
    "a learning rate as text": (
        lambda f: backends.fit(f.mlp(), FEATURES, LABELS, learning_rate="0.1", **QUIET),
        RangeError,
        ["`learning_rate` is '0.1'"],
    ),
    "a misspelt loss": (
        lambda f: backends.fit(f.mlp(), FEATURES, LABELS, loss="crossentropy", **QUIET),
        KindError,
        ["'crossentropy'", '"cross-entropy"'],
    ),
    "a loss for each example": (
        lambda f: backends.fit(
            f.linear(64, 1), FEATURES, LABELS[:, None] / 9, loss=lambda o, t: (o - t) ** 2, **QUIET
        ),
        ShapeError,
        ["(32, 1)", "return the mean"],
    ),
    "a column of outputs against a row of targets": (
        lambda f: backends.fit(
            f.linear(64, 1), FEATURES, LABELS / 9, loss=f.squared_error, **QUIET
        ),
        ShapeError,
        ["(32, 1)", "(32,)", "labels[:, None]"],
    ),
    "a row of validation targets, with a loss by name": (
        lambda f: backends.fit(
            f.linear(64, 1),
            FEATURES,
            LABELS[:, None] / 9,
            loss="absolute error",
            valid=(FEATURES, LABELS / 9),
            **QUIET,
        ),
        ShapeError,
        ["(300,)", "(300, 1)", "labels[:, None]"],
    ),
    "validation targets of another shape": (
        lambda f: backends.fit(
            f.linear(64, 3),
            FEATURES,
            FEATURES[:, :3],
            loss="squared error",
            valid=(FEATURES, FEATURES[:, :2]),
            **QUIET,
        ),
        ShapeError,
        ["(300, 3)", "(300, 2)", "Give both the same shape"],
    ),
    "a named loss of outputs and targets that differ in shape": (
        lambda f: backends.fit(
            f.linear(64, 2), FEATURES, FEATURES[:, :3], loss="absolute error", **QUIET
        ),
        ShapeError,
        ["(32, 2)", "(32, 3)", "as many outputs as numbers to predict"],
    ),
    "a gradient of outputs and targets that differ in shape": (
        lambda f: backends.loss_and_gradients(f.linear(64, 2), FEATURES, FEATURES[:, :3]),
        ShapeError,
        ["(300, 2)", "(300, 3)", "as many outputs as numbers to predict"],
    ),
    "a schedule that is no function": (
        lambda f: backends.fit(f.mlp(), FEATURES, LABELS, schedule=0.5, **QUIET),
        KindError,
        ["`schedule` is 0.5", "should be a function"],
    ),
    "a layer without a kernel": (
        lambda f: backends.weights(f.cnn(), f.cnn_pooling),
        KindError,
        ["has no kernel"],
    ),
    "a layer that is not there": (
        lambda f: backends.weights(f.cnn(), 2),
        RangeError,
        ["Layer 2", "2 layers with a kernel"],
    ),
    "a layer's name that is not there": (
        lambda f: backends.activations(f.cnn(), IMAGES, "conv_9"),
        RangeError,
        ["'conv_9'", "It has:"],
    ),
}
PyTorch.cnn_pooling = "2"
Keras.cnn_pooling = "pool"


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_in_words(framework, mistake):
    act, kind, words = MISTAKES[mistake]
    with pytest.raises(CourseError) as caught:
        act(framework)
    assert type(caught.value) is kind
    for word in words:
        assert word in str(caught.value)


def test_a_recurrent_layer_that_gives_two_things_is_explained():
    with pytest.raises(KindError, match="gives a tuple, but should give one tensor"):
        backends.scores(nn.LSTM(8, 4, batch_first=True), IMAGES[..., 0])


def test_a_schedule_inside_the_optimizer_is_explained():
    decay = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    with pytest.raises(KindError, match="has a schedule of its own"):
        backends.fit(
            Keras().mlp(), FEATURES, LABELS, optimizer=keras.optimizers.SGD(decay),
            learning_rate=0.1, show=False,
        )  # fmt: skip


# Looking into a model


def test_evaluate_is_cross_entropy_by_hand(framework):
    model, kernel = framework.linear(2, 2), np.array([[1.0, -1.0], [0.5, 2.0]], "float32")
    backends.set_layer_weights(model, 0, {"kernel": kernel, "bias": np.zeros(2, "float32")}, {})
    # Rows (1, 0) and (0, 1) give scores (1, -1) and (0.5, 2); labels 0 and 0.
    found = backends.evaluate(model, np.eye(2), [0, 0])
    assert found.loss == pytest.approx((np.log1p(np.exp(-2)) + np.log1p(np.exp(1.5))) / 2, rel=1e-6)
    assert found.accuracy == 0.5


@pytest.mark.parametrize("batch_size", [7, 512])
def test_scores_have_one_row_for_each_example(framework, batch_size):
    model = framework.cnn()
    found = backends.scores(model, IMAGES[:20], batch_size=batch_size)
    assert found.shape == (20, 10) and found.dtype == np.float32
    alone = np.concatenate([backends.scores(model, image[None]) for image in IMAGES[:20]])
    np.testing.assert_allclose(found, alone, atol=1e-5)


def test_scores_notice_a_layer_added_later():
    model = keras.Sequential([keras.Input((64,)), layers.Dense(4)])
    assert backends.scores(model, FEATURES).shape == (300, 4)
    model.add(layers.Dense(3))
    assert backends.scores(model, FEATURES).shape == (300, 3)


def test_looking_draws_no_dropout(framework):
    model = framework.dropout_mlp()
    np.testing.assert_array_equal(
        backends.scores(model, FEATURES[:9]), backends.scores(model, FEATURES[:9])
    )


@pytest.mark.parametrize("training", [True, False])
def test_looking_leaves_the_mode_as_it_was(training):
    model = PyTorch().cnn().train(training)
    backends.evaluate(model, IMAGES, LABELS)
    backends.activations(model, IMAGES, 0)
    backends.input_gradient(model, IMAGES, LABELS)
    backends.activation_gradient(model, IMAGES, LABELS, 0)
    backends.loss_and_gradients(model, IMAGES, LABELS)
    assert all(module.training is training for module in model.modules())


def test_pytorch_leaves_a_frozen_layer_in_evaluation_mode():
    model = nn.Sequential(nn.Linear(64, 4), nn.BatchNorm1d(4), nn.Linear(4, 10)).train()
    model[1].eval()
    backends.scores(model, FEATURES)
    assert [module.training for module in model.modules()] == [True, True, False, True]
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.fixture(scope="module")
def twins():
    """Two models of one network with the same weights, one of each framework."""
    ours, theirs = PyTorch().cnn(), Keras().cnn()
    parity.carry_weights(ours, theirs)
    return ours, theirs


def test_weights_are_laid_out_alike(twins):
    ours, theirs = twins
    for place, shape in enumerate([(6, 3, 3, 1), None]):
        found = backends.weights(ours, place), backends.weights(theirs, place)
        if shape:
            assert found[0].shape == shape
            np.testing.assert_array_equal(*found)
        else:  # after a flattened map the inputs are in each framework's own order
            assert found[0].shape == found[1].shape == (54, 10)
            np.testing.assert_array_equal(*(np.sort(kernel, axis=0) for kernel in found))


def test_activations_are_the_same_in_both(twins):
    for place, shape in enumerate([(20, 6, 6, 6), (20, 10)]):
        first, second = (
            backends.activations(model, IMAGES[:20], place, batch_size=16) for model in twins
        )
        assert first.shape == second.shape == shape
        np.testing.assert_allclose(first, second, atol=1e-5)


def test_the_last_activations_are_the_scores(framework):
    model = framework.cnn()
    np.testing.assert_allclose(
        backends.activations(model, IMAGES[:9], 1), backends.scores(model, IMAGES[:9]), atol=1e-6
    )


def test_a_layer_has_a_name_too(framework):
    model = framework.cnn()
    name = backends.layers_with_weights(model)[0].name
    np.testing.assert_array_equal(backends.weights(model, name), backends.weights(model, 0))


def test_the_input_gradient_of_a_linear_model_is_its_kernel(framework):
    model = framework.linear(64, 10)
    found = backends.input_gradient(model, FEATURES[:30], LABELS[:30], batch_size=7)
    assert found.shape == (30, 64)
    np.testing.assert_allclose(found, backends.weights(model, 0).T[LABELS[:30]], atol=1e-6)


def test_the_input_gradient_is_the_slope_of_the_class_score(framework):
    generator, step = np.random.default_rng(0), 2e-4
    image = generator.random(
        (1, 8, 8, 1), dtype="float32"
    )  # no two pixels equal: pooling is smooth
    model, label = framework.cnn(), LABELS[:1]
    gradient = backends.input_gradient(model, image, label)
    assert gradient.shape == image.shape
    for _ in range(5):
        direction = generator.normal(size=image.shape).astype("float32")
        up, down = (
            backends.scores(model, image + sign * step * direction)[0, label[0]] for sign in (1, -1)
        )
        assert (up - down) / (2 * step) == pytest.approx((gradient * direction).sum(), abs=5e-3)


def test_input_gradients_are_the_same_in_both(twins):
    ours, theirs = twins
    np.testing.assert_allclose(
        backends.input_gradient(ours, IMAGES[:9], LABELS[:9]),
        backends.input_gradient(theirs, IMAGES[:9], LABELS[:9]),
        atol=1e-5,
    )


@pytest.mark.parametrize("place", [0, 1])
def test_activation_gradients_are_the_same_in_both(twins, place):
    found = [
        backends.activation_gradient(model, IMAGES[:20], LABELS[:20], place, batch_size=7)
        for model in twins
    ]
    for first, second in zip(*found):
        assert first.shape == second.shape == [(20, 6, 6, 6), (20, 10)][place]
        np.testing.assert_allclose(first, second, atol=1e-5)


def test_activation_gradient_gives_the_activations_too(framework):
    model = framework.cnn()
    found, _ = backends.activation_gradient(model, IMAGES[:9], LABELS[:9], 0)
    np.testing.assert_allclose(found, backends.activations(model, IMAGES[:9], 0), atol=1e-6)


def test_the_gradient_of_the_last_activations_is_the_class(framework):
    _, found = backends.activation_gradient(framework.cnn(), IMAGES[:30], LABELS[:30], 1)
    np.testing.assert_array_equal(found, np.eye(10)[LABELS[:30]])


def test_the_activation_gradient_leads_on_to_the_input_gradient(framework):
    model = framework.mlp()  # dense: d score / d input = d score / d activation · kernel
    activations, slopes = backends.activation_gradient(model, FEATURES[:9], LABELS[:9], 0)
    if framework is FRAMEWORKS["keras"]:
        slopes = slopes * (1 - activations**2)  # its tanh is part of the layer
    np.testing.assert_allclose(
        slopes @ backends.weights(model, 0).T,
        backends.input_gradient(model, FEATURES[:9], LABELS[:9]),
        atol=1e-5,
    )


def test_a_frozen_model_has_activation_gradients(framework):
    model = framework.cnn()
    _, expected = backends.activation_gradient(model, IMAGES[:9], LABELS[:9], 0)
    if framework is FRAMEWORKS["keras"]:
        model.trainable = False
    else:
        model.requires_grad_(False)
    _, found = backends.activation_gradient(model, IMAGES[:9], LABELS[:9], 0)
    np.testing.assert_array_equal(found, expected)
    assert np.abs(found).max() > 0


def test_activation_gradients_need_no_weights_before_the_layer(framework):
    if framework is FRAMEWORKS["keras"]:
        inner = [layers.Activation("tanh", name="1"), layers.Dense(10)]
        model = keras.Sequential([keras.Input((64,)), *inner])
    else:
        model = nn.Sequential(nn.Identity(), nn.Tanh(), nn.Linear(64, 10))
    _, found = backends.activation_gradient(model, FEATURES[:9], LABELS[:9], "1")
    np.testing.assert_allclose(found, backends.weights(model, 0).T[LABELS[:9]], atol=1e-6)


def test_activation_gradients_draw_no_dropout(framework):
    model = framework.dropout_mlp()
    first, again = (
        backends.activation_gradient(model, FEATURES[:9], LABELS[:9], 0)[1] for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)


def test_bytes_have_activation_gradients_like_floats(framework):
    model, pixels = framework.cnn(), (255 * IMAGES[:9]).astype("uint8")
    found = backends.activation_gradient(model, pixels, LABELS[:9], 0)
    expected = backends.activation_gradient(model, pixels.astype("float32") / 255, LABELS[:9], 0)
    for first, second in zip(found, expected):
        np.testing.assert_allclose(first, second, atol=1e-6)


def test_a_layer_inside_a_model_has_activation_gradients():
    inner = Keras().cnn()
    outer = keras.Sequential([keras.Input((8, 8, 1)), inner])
    expected = backends.activation_gradient(inner, IMAGES[:9], LABELS[:9], 0)
    found = backends.activation_gradient(outer, IMAGES[:9], LABELS[:9], 0)
    for first, second in zip(found, expected):
        np.testing.assert_allclose(first, second, atol=1e-6)


def test_activations_are_those_before_a_change_in_place():
    model, changing = PyTorch().cnn(), PyTorch().cnn()
    model[1], changing[1] = nn.ReLU(), nn.ReLU(inplace=True)
    expected = backends.activation_gradient(model, IMAGES[:9], LABELS[:9], 0)
    found = backends.activation_gradient(changing, IMAGES[:9], LABELS[:9], 0)
    for first, second in zip(found, expected):
        np.testing.assert_array_equal(first, second)
    assert expected[0].min() < 0
    np.testing.assert_array_equal(backends.activations(changing, IMAGES[:9], 0), expected[0])


def test_the_activation_gradient_leaves_nothing_behind(framework):
    model = framework.cnn()
    before = backends.scores(model, IMAGES[:9])
    backends.activation_gradient(model, IMAGES[:9], LABELS[:9], 0)
    with pytest.raises(RangeError):
        backends.activation_gradient(model, IMAGES[:9], LABELS[:9] + 10, 0)
    np.testing.assert_array_equal(backends.scores(model, IMAGES[:9]), before)
    if framework is FRAMEWORKS["keras"]:
        assert not any("call" in vars(layer) for layer in model.layers)
    else:
        assert not any(module._forward_hooks for module in model.modules())


def test_a_layer_that_runs_twice_has_no_one_activation(framework):
    if framework is FRAMEWORKS["keras"]:
        shared, inputs = layers.Dense(10), keras.Input((10,))
        model = keras.Model(inputs, shared(shared(inputs)))
    else:
        shared = nn.Linear(10, 10)
        model = nn.Sequential(shared, nn.Tanh(), shared)
    with pytest.raises(KindError, match="Layer 0 runs 2 times for a batch, but should run"):
        backends.activation_gradient(model, FEATURES[:9, :10], LABELS[:9], 0)


def test_a_layer_that_gives_two_things_has_no_one_activation():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.reader, self.head = nn.LSTM(8, 4, batch_first=True), nn.Linear(4, 10)

        def forward(self, rows):
            return self.head(self.reader(rows)[0][:, -1])

    with pytest.raises(KindError, match="'reader' gives a tuple, but should give one tensor"):
        backends.activation_gradient(Last(), IMAGES[:9, ..., 0], LABELS[:9], "reader")


def test_the_gradient_is_the_slope_of_the_loss(framework):
    model = framework.mlp()
    before = backends.scores(model, FEATURES)
    loss, gradients = backends.loss_and_gradients(model, FEATURES, LABELS)
    np.testing.assert_array_equal(backends.scores(model, FEATURES), before)
    assert loss == pytest.approx(backends.evaluate(model, FEATURES, LABELS).loss, abs=1e-5)
    kernel = backends.layers_with_weights(model)[0].arrays["kernel"]
    ends = []
    for sign in (1, -1):
        moved = {"kernel": kernel + sign * 0.05 * gradients[0]["kernel"]}
        backends.set_layer_weights(model, 0, moved, {})
        ends.append(backends.evaluate(model, FEATURES, LABELS).loss)
    slope = (gradients[0]["kernel"] ** 2).sum()
    assert (ends[0] - ends[1]) / 0.1 == pytest.approx(slope, rel=1e-2)


def test_importing_one_backend_leaves_the_other_framework_alone():
    import subprocess
    import sys

    code = (
        "import sys, dlcourse.backends.pytorch; print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
    assert dlcourse.__version__


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_is_used_and_gives_numpy_back():
    model = PyTorch().cnn()
    backends.fit(model, IMAGES, LABELS, epochs=2, valid=(IMAGES, LABELS), **QUIET)
    assert next(model.parameters()).is_cuda
    assert isinstance(backends.scores(model, IMAGES), np.ndarray)
    assert backends.input_gradient(model, IMAGES, LABELS).shape == IMAGES.shape
    assert backends.activations(model, IMAGES, 0).shape == (300, 6, 6, 6)
    assert backends.activation_gradient(model, IMAGES, LABELS, 0)[1].shape == (300, 6, 6, 6)
    on_cpu = backends.scores(PyTorch().cnn(), IMAGES)
    on_device = backends.scores(PyTorch().cnn().cuda(), IMAGES)
    np.testing.assert_allclose(on_cpu, on_device, atol=1e-4)
