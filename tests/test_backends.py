"""Both backends offer the same functions and keep the same promises."""

import inspect

import dlcourse
from dlcourse import backends, data, parity
from dlcourse.backends import keras as keras_backend
from dlcourse.backends import loop
from dlcourse.backends import pytorch as torch_backend
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

    backend = torch_backend
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

    backend = keras_backend
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


@pytest.fixture
def backend(framework):
    return framework.backend


def public(module):
    return {
        name: function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and function.__module__ == module.__name__
    }


# One interface


def test_both_backends_have_the_same_public_functions():
    assert public(torch_backend).keys() == public(keras_backend).keys() >= {"fit", "scores"}


@pytest.mark.parametrize("name", public(torch_backend))
def test_a_function_has_the_same_signature_and_docstring_in_both_backends(name):
    ours, theirs = getattr(torch_backend, name), getattr(keras_backend, name)
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert inspect.getdoc(ours) == inspect.getdoc(theirs) != ""


def test_a_model_leads_to_its_backend(framework):
    assert backends.of(framework.linear(2, 1)) is framework.backend


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
    history = framework.backend.fit(
        model, train.features, train.labels, epochs=6, optimizer=optimizer, **rate, **QUIET
    )
    assert history.train_loss[-1] < 0.5 * history.train_loss[0]
    assert framework.backend.evaluate(model, test.features, test.labels).accuracy > 0.85


def test_the_history_has_one_entry_for_each_epoch_and_each_step(framework, backend):
    valid = DIGITS.valid.features, DIGITS.valid.labels
    history = backend.fit(framework.mlp(), FEATURES, LABELS, epochs=3, valid=valid, **QUIET)
    for name in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "seconds"):
        assert len(getattr(history, name)) == 3, name
    assert len(history.step_loss) == 3 * 10
    assert history.epochs == 3 and history.stopped == ""
    assert history.learning_rate == [0.001] * 3
    assert all(0 <= value <= 1 for value in history.train_accuracy + history.valid_accuracy)
    assert all(isinstance(value, float) for value in history.step_loss + history.train_loss)


def test_without_validation_examples_the_history_has_none(framework, backend):
    history = backend.fit(framework.mlp(), FEATURES, LABELS, **QUIET)
    assert history.valid_loss == history.valid_accuracy == []


def test_validation_is_measured_after_the_epoch(framework, backend):
    model, valid = framework.mlp(), (DIGITS.valid.features, DIGITS.valid.labels)
    history = backend.fit(model, FEATURES, LABELS, valid=valid, **QUIET)
    after = backend.evaluate(model, *valid)
    assert history.valid_loss[0] == pytest.approx(after.loss, abs=1e-6)
    assert history.valid_accuracy[0] == after.accuracy


def test_epoch_means_are_over_examples_not_over_batches(framework, backend):
    model = framework.mlp()
    rows, labels = FEATURES[:70], LABELS[:70]  # batches of 32, 32 and 6
    history = backend.fit(model, rows, labels, optimizer="sgd", learning_rate=0, **QUIET)
    whole = backend.evaluate(model, rows, labels)
    assert history.train_loss[0] == pytest.approx(whole.loss, abs=1e-5)
    assert history.train_accuracy[0] == pytest.approx(whole.accuracy)
    assert np.mean(history.step_loss) != pytest.approx(whole.loss, abs=1e-5)


def test_the_schedule_scales_every_step(framework, backend):
    model, progress, rates = framework.mlp(), [], []
    optimizer = framework.sgd(model, 0.5)

    def schedule(share):
        progress.append(share)
        return 1 - share

    def augment(images, generator):
        rates.append(framework.rate(optimizer))
        return images

    history = backend.fit(
        model, FEATURES[:128], LABELS[:128], epochs=2, optimizer=optimizer, schedule=schedule,
        augment=augment, **QUIET,
    )  # fmt: skip
    np.testing.assert_allclose(progress, np.arange(8) / 8)
    np.testing.assert_allclose(rates, 0.5 * (1 - np.arange(8) / 8), rtol=1e-6)
    assert history.learning_rate == [0.3125, 0.0625]  # at the last step of each epoch
    assert framework.rate(optimizer) == 0.5  # ready to go on


def test_a_factor_of_zero_stops_all_learning(framework, backend):
    model = framework.mlp()
    before = backend.scores(model, FEATURES)
    backend.fit(model, FEATURES, LABELS, optimizer="sgd", schedule=lambda share: 0.0, **QUIET)
    np.testing.assert_array_equal(backend.scores(model, FEATURES), before)


def test_the_schedule_keeps_the_ratio_of_parameter_groups():
    model = PyTorch().mlp()
    groups = [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[2].parameters()}]
    optimizer, rates = torch.optim.SGD(groups, lr=1.0), []

    def augment(images, generator):
        rates.append([group["lr"] for group in optimizer.param_groups])
        return images

    torch_backend.fit(
        model, FEATURES[:64], LABELS[:64], optimizer=optimizer, schedule=lambda share: 1 - share,
        augment=augment, **QUIET,
    )  # fmt: skip
    np.testing.assert_allclose(rates, [[0.1, 1.0], [0.05, 0.5]])


def test_an_optimizer_goes_on_where_it_stopped(framework, backend):
    def losses(*epochs):
        model = framework.mlp()
        optimizer = framework.adam(model)
        runs = [
            backend.fit(
                model, FEATURES, LABELS, epochs=n, optimizer=optimizer, shuffle=False, **QUIET
            )
            for n in epochs
        ]
        return [loss for history in runs for loss in history.step_loss]

    np.testing.assert_allclose(losses(1, 1), losses(2), atol=1e-5)


def test_early_stopping_keeps_the_best_weights(framework, backend):
    model = framework.mlp()
    valid = FEATURES[:100], (LABELS[:100] + 1) % 10  # what training makes worse
    history = backend.fit(
        model, FEATURES, LABELS, epochs=20, optimizer="sgd", valid=valid, patience=2, **QUIET
    )
    best = int(np.argmin(history.valid_loss))
    assert history.epochs == best + 3 < 20
    assert history.stopped == "stopped early: 2 epochs without a lower validation loss"
    assert backend.evaluate(model, *valid).loss == pytest.approx(min(history.valid_loss), abs=1e-6)


def test_callbacks_see_the_history_and_any_can_stop(framework, backend):
    seen, also_seen = [], []

    def stop_after_two(history):
        seen.append(history.epochs)
        return history.epochs == 2

    history = backend.fit(
        framework.mlp(), FEATURES[:64], LABELS[:64], epochs=5,
        callbacks=[stop_after_two, lambda history: also_seen.append(history.epochs)], **QUIET,
    )  # fmt: skip
    assert seen == also_seen == [1, 2]
    assert history.epochs == 2 and history.stopped == "stopped by a callback"


def test_one_callback_may_come_alone(framework, backend):
    seen = []
    backend.fit(framework.mlp(), FEATURES[:32], LABELS[:32], callbacks=seen.append, **QUIET)
    assert len(seen) == 1


def test_augment_changes_what_the_model_sees(framework, backend):
    def blank(images, generator):
        assert isinstance(generator, np.random.Generator)
        return np.zeros_like(images)

    model = framework.linear(64, 10)
    kernel = backend.weights(model, 0).copy()
    backend.fit(model, FEATURES, LABELS, optimizer="sgd", augment=blank, **QUIET)
    np.testing.assert_array_equal(backend.weights(model, 0), kernel)  # black pictures teach nothing


def batches(framework, **options):
    seen = []

    def augment(images, generator):
        seen.append((images.copy(), generator.random()))
        return images

    framework.backend.fit(
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


def test_bytes_are_pixels_from_0_to_1(framework, backend):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), dtype="uint8")
    images, model = pixels.astype("float32") / 255, framework.cnn()
    np.testing.assert_allclose(
        backend.scores(model, pixels), backend.scores(model, images), atol=1e-6
    )
    ours, theirs = (
        backend.fit(framework.cnn(), each, LABELS[:40], epochs=2, **QUIET).step_loss
        for each in (pixels, images)
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("kind", ["float64", "float32", "a list"])
def test_any_floats_will_do(framework, backend, kind):
    rows = FEATURES[:32].tolist() if kind == "a list" else FEATURES[:32].astype(kind)
    model = framework.mlp()
    np.testing.assert_allclose(
        backend.scores(model, rows), backend.scores(model, FEATURES[:32]), atol=1e-6
    )
    assert backend.fit(model, rows, list(LABELS[:32]), **QUIET).epochs == 1


@pytest.mark.parametrize("kind", ["uint8", "int32", "int64", "bool"])
def test_class_indices_may_be_any_whole_numbers(framework, backend, kind):
    labels = (LABELS[:32] % 2).astype(kind)
    assert backend.fit(framework.mlp(), FEATURES[:32], labels, **QUIET).epochs == 1


def test_a_loss_of_your_own_fits_a_line(framework, backend):
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(100, 2))
    targets = inputs @ [[2.0], [-1.0]] + 0.5
    model, valid = framework.linear(2, 1), (inputs[:30], targets[:30])
    history = backend.fit(
        model, inputs, targets, epochs=20, optimizer="sgd", loss=framework.squared_error,
        valid=valid, **QUIET,
    )  # fmt: skip
    np.testing.assert_allclose(backend.weights(model, 0), [[2], [-1]], atol=0.02)
    assert history.valid_loss[-1] < 1e-3
    assert history.train_accuracy == history.valid_accuracy == []
    assert "accuracy" not in str(history)


@pytest.mark.parametrize("name", loop.LOSSES[1:])
def test_a_named_loss_of_numbers_falls_and_has_the_right_slope(framework, backend, name):
    generator = np.random.default_rng(0)
    inputs, targets = generator.normal(size=(40, 3)), generator.normal(size=(40, 2))
    model, power = framework.linear(3, 2), {"squared error": 2, "absolute error": 1}[name]

    def error():
        return (np.abs(backend.scores(model, inputs) - targets) ** power).mean()

    before = error()
    loss, gradients = backend.loss_and_gradients(model, inputs, targets, name)
    assert loss == pytest.approx(before, rel=1e-5)
    difference = backend.scores(model, inputs) - targets
    slope = np.sign(difference) if power == 1 else 2 * difference
    np.testing.assert_allclose(gradients[0]["kernel"], inputs.T @ slope / targets.size, atol=1e-5)
    valid = (inputs, targets)
    history = backend.fit(model, inputs, targets, loss=name, epochs=3, valid=valid, **QUIET)
    assert error() < before
    assert history.valid_loss[-1] == pytest.approx(error(), rel=1e-4)
    assert history.train_accuracy == []


def test_whole_numbers_may_be_the_targets_of_a_named_loss(framework, backend):
    history = backend.fit(
        framework.linear(64, 1), FEATURES, LABELS[:, None], loss="squared error", **QUIET
    )
    assert history.epochs == 1


def test_floats_are_compared_by_their_squared_error_unless_another_loss_is_named(
    framework, backend
):
    model, targets = framework.linear(64, 1), np.full((300, 1), 0.5)
    error = backend.scores(model, FEATURES) - targets
    losses = [
        backend.loss_and_gradients(model, FEATURES, targets, loss)[0]
        for loss in (None, "absolute error")
    ]
    assert losses == pytest.approx([(error**2).mean(), np.abs(error).mean()], rel=1e-5)


def test_pictures_may_be_the_targets(framework, backend):
    images = np.random.default_rng(0).random((6, 4, 5, 3), dtype="float32")
    model = framework.painter()
    painted = backend.scores(model, images)
    assert painted.shape == images.shape
    history = backend.fit(model, images, images, loss=framework.squared_error, **QUIET)
    assert history.step_loss[0] == pytest.approx(((painted - images) ** 2).mean(), rel=1e-4)


def test_tokens_stay_whole_numbers(framework, backend):
    tokens = np.random.default_rng(0).integers(0, 12, (40, 5))
    model = framework.reader()
    assert backend.fit(model, tokens, tokens[:, 0] % 3, **QUIET).epochs == 1
    assert backend.scores(model, tokens).shape == (40, 3)
    assert backend.weights(model, 0).shape == (12, 4)


def test_fit_leaves_one_plain_line(framework, backend, capsys):
    history = backend.fit(framework.mlp(), FEATURES[:64], LABELS[:64], batch_size=32)
    out, err = capsys.readouterr()
    assert out == f"{history}\n" and out.count("\n") == 1
    assert out.startswith("1 epoch in ") and "training loss" in out
    assert err == ""


def test_fit_without_show_prints_nothing(framework, backend, capsys):
    backend.fit(framework.mlp(), FEATURES[:64], LABELS[:64], **QUIET)
    assert capsys.readouterr() == ("", "")


def test_in_a_notebook_a_bar_moves_and_leaves_the_same_line(framework, backend, monkeypatch):
    shown = []

    class Handle:
        def update(self, bundle, raw):
            shown.append(bundle)

    monkeypatch.setattr(loop, "_in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: Handle())
    monkeypatch.setattr(loop.Progress, "SECONDS_BETWEEN_UPDATES", 0)
    history = backend.fit(framework.mlp(), FEATURES[:64], LABELS[:64], batch_size=32)
    assert "epoch 1 of 1, step 2 of 2" in shown[1]["text/html"]
    assert shown[-1] == {"text/plain": str(history)}


# Training that cannot go on


def test_a_loss_that_explodes_names_the_learning_rate_and_what_to_try(framework, backend):
    with pytest.raises(TrainingError) as caught:
        backend.fit(
            framework.mlp(), 100 * FEATURES, LABELS, epochs=9, optimizer="sgd", learning_rate=1e30,
            **QUIET,
        )  # fmt: skip
    text = str(caught.value)
    assert "The learning rate is 1e+30: try a tenth of it." in text
    assert "epoch 1, step" in text and "scaled" in text


def test_a_nan_in_the_data_is_named_as_the_cause(framework, backend):
    rows = FEATURES.copy()
    rows[7, 3] = np.nan
    with pytest.raises(TrainingError, match="inputs of this batch hold nan") as caught:
        backend.fit(framework.mlp(), rows, LABELS, **QUIET)
    assert "learning rate" not in str(caught.value)


def test_the_learning_rate_is_put_back_also_after_an_error(framework, backend):
    model = framework.mlp()
    optimizer = framework.sgd(model, 0.5)
    with pytest.raises(ZeroDivisionError):
        backend.fit(
            model, FEATURES, LABELS, epochs=9, optimizer=optimizer,
            schedule=lambda share: 1 - share, callbacks=lambda history: 1 / 0, **QUIET,
        )  # fmt: skip
    assert framework.rate(optimizer) == 0.5


# Mistakes: what came, what was wanted

MISTAKES = {
    "features of another width": (
        lambda f: f.backend.fit(f.mlp(), FEATURES[:, :63], LABELS, **QUIET),
        ShapeError,
        ["(32, 63)", "(N, 64)"],
    ),
    "pictures for a dense model": (
        lambda f: f.backend.fit(f.mlp(), IMAGES, LABELS, **QUIET),
        ShapeError,
        ["(32, 8, 8, 1)", "(N, 64)"],
    ),
    "pictures of another size": (
        lambda f: f.backend.scores(f.cnn(), np.zeros((2, 9, 12, 1), "float32")),
        ShapeError,
        ["(2, 9, 12, 1)", "54"],
    ),
    "pictures with too many channels": (
        lambda f: f.backend.scores(f.cnn(), np.zeros((2, 8, 8, 3), "float32")),
        ShapeError,
        ["(2, 8, 8, 3)", "1)"],
    ),
    "one picture without the batch axis": (
        lambda f: f.backend.scores(f.cnn(), IMAGES[0]),
        ShapeError,
        ["(8, 8, 1)", "Conv2", "images[None]"],
    ),
    "one row without the batch axis": (
        lambda f: f.backend.scores(f.mlp(), FEATURES[0]),
        ShapeError,
        ["(64,)", "images[None]"],
    ),
    "one row without the batch axis, to train on": (
        lambda f: f.backend.fit(f.mlp(), FEATURES[0], LABELS[0], **QUIET),
        ShapeError,
        ["(64,)", "images[None]"],
    ),
    "a missing Flatten": (
        lambda f: f.backend.fit(f.no_flatten(), IMAGES, LABELS, **QUIET),
        ShapeError,
        ["(32, "],
    ),
    "tokens beyond the vocabulary": (
        lambda f: f.backend.scores(f.reader(), np.full((2, 5), 12)),
        ShapeError,
        ["Embedding", "(2, 5)", "int64", " in"],
    ),
    "tokens as bytes": (
        lambda f: f.backend.scores(f.reader(), np.zeros((2, 5), "uint8")),
        ShapeError,
        ["uint8", "int64"],
    ),
    "a label without a class": (
        lambda f: f.backend.fit(f.mlp(classes=3), FEATURES, LABELS, **QUIET),
        RangeError,
        ["gives 3 scores", "a label 9", "at least 10 wide"],
    ),
    "a label without a class among the validation labels": (
        lambda f: f.backend.fit(
            f.mlp(classes=3), FEATURES, LABELS % 3, valid=(FEATURES, LABELS), **QUIET
        ),
        RangeError,
        ["gives 3 scores", "a label 9"],
    ),
    "a label without a class, evaluated": (
        lambda f: f.backend.evaluate(f.mlp(classes=3), FEATURES, LABELS),
        RangeError,
        ["from 0 to 9", "0 to 2"],
    ),
    "a class without a score, differentiated": (
        lambda f: f.backend.input_gradient(f.mlp(classes=3), FEATURES, LABELS),
        RangeError,
        ["from 0 to 9", "0 to 2"],
    ),
    "negative labels": (
        lambda f: f.backend.fit(f.mlp(), FEATURES, LABELS - 1, **QUIET),
        RangeError,
        ["from -1 to 8", "0 or more"],
    ),
    "one-hot labels": (
        lambda f: f.backend.fit(f.mlp(), FEATURES, np.eye(10)[LABELS], **QUIET),
        ShapeError,
        ["(300, 10)", "argmax(axis=1)"],
    ),
    "float labels": (
        lambda f: f.backend.fit(f.mlp(), FEATURES, LABELS.astype("float32"), **QUIET),
        KindError,
        ["float32", "astype('int64')"],
    ),
    "labels as text": (
        lambda f: f.backend.fit(f.mlp(), FEATURES, LABELS.astype(str), **QUIET),
        KindError,
        ["<U", "should hold numbers"],
    ),
    "rows of unequal length": (
        lambda f: f.backend.fit(f.mlp(), np.array([[1], [1, 2]], object), [0, 1], **QUIET),
        KindError,
        ["object", "should hold numbers"],
    ),
    "no examples": (
        lambda f: f.backend.fit(f.mlp(), FEATURES[:0], LABELS[:0], **QUIET),
        ShapeError,
        ["(0, 64)", "At least one example"],
    ),
    "more examples than labels": (
        lambda f: f.backend.fit(f.mlp(), FEATURES, LABELS[:-1], **QUIET),
        ShapeError,
        ["300 examples", "299"],
    ),
    "more examples than labels, evaluated": (
        lambda f: f.backend.evaluate(f.mlp(), FEATURES, LABELS[:-1]),
        ShapeError,
        ["300 examples", "299"],
    ),
    "a model that ends in softmax": (
        lambda f: f.backend.fit(f.softmax_mlp(), FEATURES, LABELS, **QUIET),
        RangeError,
        ["ends in softmax", "raw scores"],
    ),
    "a model that ends in softmax, evaluated": (
        lambda f: f.backend.evaluate(f.softmax_mlp(), FEATURES, LABELS),
        RangeError,
        ["ends in softmax"],
    ),
    "an unknown optimizer": (
        lambda f: f.backend.fit(f.mlp(), FEATURES, LABELS, optimizer="adamm", **QUIET),
        RangeError,
        ["'adamm'", "sgd, adam"],
    ),
    "an optimizer that is none": (
        lambda f: f.backend.fit(f.mlp(), FEATURES, LABELS, optimizer=0.1, **QUIET),
        KindError,
        ["float", "optimizer"],
    ),
    "the optimizer of another model": (
        lambda f: f.backend.fit(f.mlp(), FEATURES, LABELS, optimizer=f.sgd(f.mlp(), 0.1), **QUIET),
        KindError,
        ["made for another model"],
    ),
    "patience without validation": (
        lambda f: f.backend.fit(f.mlp(), FEATURES, LABELS, patience=2, **QUIET),
        KindError,
        ["`patience`", "valid=(images, labels)"],
    ),
    "no patience": (
        lambda f: f.backend.fit(
            f.mlp(), FEATURES, LABELS, patience=0, valid=(FEATURES, LABELS), **QUIET
        ),
        RangeError,
        ["`patience` is 0"],
    ),
    "a split as validation": (
        lambda f: f.backend.fit(f.mlp(), FEATURES, LABELS, valid=DIGITS.valid, **QUIET),
        KindError,
        ["valid=(images, labels)"],
    ),
    "no epochs": (
        lambda f: f.backend.fit(f.mlp(), FEATURES, LABELS, epochs=0, **QUIET),
        RangeError,
        ["`epochs` is 0", "at least 1"],
    ),
    "half a batch": (
        lambda f: f.backend.fit(f.mlp(), FEATURES, LABELS, batch_size=0.5, show=False),
        RangeError,
        ["`batch_size` is 0.5", "whole number"],
    ),
    "a negative learning rate": (
        lambda f: f.backend.fit(f.mlp(), FEATURES, LABELS, learning_rate=-0.1, **QUIET),
        RangeError,
        ["`learning_rate` is -0.1"],
    ),
    "a learning rate as text": (
        lambda f: f.backend.fit(f.mlp(), FEATURES, LABELS, learning_rate="0.1", **QUIET),
        RangeError,
        ["`learning_rate` is '0.1'"],
    ),
    "a misspelt loss": (
        lambda f: f.backend.fit(f.mlp(), FEATURES, LABELS, loss="crossentropy", **QUIET),
        KindError,
        ["'crossentropy'", '"cross-entropy"'],
    ),
    "a loss for each example": (
        lambda f: f.backend.fit(
            f.linear(64, 1), FEATURES, LABELS[:, None] / 9, loss=lambda o, t: (o - t) ** 2, **QUIET
        ),
        ShapeError,
        ["(32, 1)", "return the mean"],
    ),
    "a column of outputs against a row of targets": (
        lambda f: f.backend.fit(
            f.linear(64, 1), FEATURES, LABELS / 9, loss=f.squared_error, **QUIET
        ),
        ShapeError,
        ["(32, 1)", "(32,)", "labels[:, None]"],
    ),
    "a named loss of outputs and targets that differ in shape": (
        lambda f: f.backend.fit(
            f.linear(64, 2), FEATURES, FEATURES[:, :3], loss="absolute error", **QUIET
        ),
        ShapeError,
        ["(32, 2)", "(32, 3)", "as many outputs as numbers to predict"],
    ),
    "a gradient of outputs and targets that differ in shape": (
        lambda f: f.backend.loss_and_gradients(f.linear(64, 2), FEATURES, FEATURES[:, :3]),
        ShapeError,
        ["(300, 2)", "(300, 3)", "as many outputs as numbers to predict"],
    ),
    "a schedule that is no function": (
        lambda f: f.backend.fit(f.mlp(), FEATURES, LABELS, schedule=0.5, **QUIET),
        KindError,
        ["`schedule` is 0.5", "should be a function"],
    ),
    "a callback that is no function": (
        lambda f: f.backend.fit(f.mlp(), FEATURES, LABELS, callbacks=["stop"], **QUIET),
        KindError,
        ["`callbacks` is 'stop'"],
    ),
    "a layer without a kernel": (
        lambda f: f.backend.weights(f.cnn(), f.cnn_pooling),
        KindError,
        ["has no kernel"],
    ),
    "a layer that is not there": (
        lambda f: f.backend.weights(f.cnn(), 2),
        RangeError,
        ["Layer 2", "2 layers with a kernel"],
    ),
    "a layer's name that is not there": (
        lambda f: f.backend.activations(f.cnn(), IMAGES, "conv_9"),
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


@pytest.mark.parametrize(
    "act",
    [
        lambda backend, model: backend.fit(model, FEATURES, LABELS, show=False),
        lambda backend, model: backend.evaluate(model, FEATURES, LABELS),
        lambda backend, model: backend.scores(model, FEATURES),
        lambda backend, model: backend.weights(model, 0),
        lambda backend, model: backend.input_gradient(model, FEATURES, LABELS),
        lambda backend, model: backend.activations(model, FEATURES, 0),
        lambda backend, model: backend.activation_gradient(model, FEATURES, LABELS, 0),
        lambda backend, model: backend.layers_with_weights(model),
        lambda backend, model: backend.loss_and_gradients(model, FEATURES, LABELS),
    ],
    ids=[
        "fit",
        "evaluate",
        "scores",
        "weights",
        "gradient",
        "activations",
        "slopes",
        "layers",
        "loss",
    ],
)
def test_a_model_of_the_other_framework_is_sent_there(framework, backend, act):
    other = next(each for each in FRAMEWORKS.values() if each is not framework)
    with pytest.raises(KindError, match=r"use dlcourse\.backends\.") as caught:
        act(backend, other.mlp())
    assert other.backend.__name__ in str(caught.value)


def test_a_recurrent_layer_that_gives_two_things_is_explained():
    with pytest.raises(KindError, match="gives a tuple, but should give one tensor"):
        torch_backend.scores(nn.LSTM(8, 4, batch_first=True), IMAGES[..., 0])


def test_a_schedule_inside_the_optimizer_is_explained():
    decay = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    with pytest.raises(KindError, match="has a schedule of its own"):
        keras_backend.fit(
            Keras().mlp(), FEATURES, LABELS, optimizer=keras.optimizers.SGD(decay),
            learning_rate=0.1, show=False,
        )  # fmt: skip


# Looking into a model


def test_evaluate_is_cross_entropy_by_hand(framework, backend):
    model, kernel = framework.linear(2, 2), np.array([[1.0, -1.0], [0.5, 2.0]], "float32")
    backend.set_layer_weights(model, 0, {"kernel": kernel, "bias": np.zeros(2, "float32")}, {})
    # Rows (1, 0) and (0, 1) give scores (1, -1) and (0.5, 2); labels 0 and 0.
    found = backend.evaluate(model, np.eye(2), [0, 0])
    assert found.loss == pytest.approx((np.log1p(np.exp(-2)) + np.log1p(np.exp(1.5))) / 2, rel=1e-6)
    assert found.accuracy == 0.5


@pytest.mark.parametrize("batch_size", [7, 512])
def test_scores_have_one_row_for_each_example(framework, backend, batch_size):
    model = framework.cnn()
    found = backend.scores(model, IMAGES[:20], batch_size=batch_size)
    assert found.shape == (20, 10) and found.dtype == np.float32
    alone = np.concatenate([backend.scores(model, image[None]) for image in IMAGES[:20]])
    np.testing.assert_allclose(found, alone, atol=1e-5)


def test_scores_notice_a_layer_added_later():
    model = keras.Sequential([keras.Input((64,)), layers.Dense(4)])
    assert keras_backend.scores(model, FEATURES).shape == (300, 4)
    model.add(layers.Dense(3))
    assert keras_backend.scores(model, FEATURES).shape == (300, 3)


def test_looking_draws_no_dropout(framework, backend):
    model = framework.dropout_mlp()
    np.testing.assert_array_equal(
        backend.scores(model, FEATURES[:9]), backend.scores(model, FEATURES[:9])
    )


@pytest.mark.parametrize("training", [True, False])
def test_looking_leaves_the_mode_as_it_was(training):
    model = PyTorch().cnn().train(training)
    torch_backend.evaluate(model, IMAGES, LABELS)
    torch_backend.activations(model, IMAGES, 0)
    torch_backend.input_gradient(model, IMAGES, LABELS)
    torch_backend.activation_gradient(model, IMAGES, LABELS, 0)
    torch_backend.loss_and_gradients(model, IMAGES, LABELS)
    assert all(module.training is training for module in model.modules())


def test_pytorch_leaves_a_frozen_layer_in_evaluation_mode():
    model = nn.Sequential(nn.Linear(64, 4), nn.BatchNorm1d(4), nn.Linear(4, 10)).train()
    model[1].eval()
    torch_backend.scores(model, FEATURES)
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
        found = torch_backend.weights(ours, place), keras_backend.weights(theirs, place)
        if shape:
            assert found[0].shape == shape
            np.testing.assert_array_equal(*found)
        else:  # after a flattened map the inputs are in each framework's own order
            assert found[0].shape == found[1].shape == (54, 10)
            np.testing.assert_array_equal(*(np.sort(kernel, axis=0) for kernel in found))


def test_activations_are_the_same_in_both(twins):
    ours, theirs = twins
    for place, shape in enumerate([(20, 6, 6, 6), (20, 10)]):
        found = (
            backend.activations(model, IMAGES[:20], place, batch_size=16)
            for backend, model in ((torch_backend, ours), (keras_backend, theirs))
        )
        first, second = found
        assert first.shape == second.shape == shape
        np.testing.assert_allclose(first, second, atol=1e-5)


def test_the_last_activations_are_the_scores(framework, backend):
    model = framework.cnn()
    np.testing.assert_allclose(
        backend.activations(model, IMAGES[:9], 1), backend.scores(model, IMAGES[:9]), atol=1e-6
    )


def test_a_layer_has_a_name_too(framework, backend):
    model = framework.cnn()
    name = backend.layers_with_weights(model)[0].name
    np.testing.assert_array_equal(backend.weights(model, name), backend.weights(model, 0))


def test_the_input_gradient_of_a_linear_model_is_its_kernel(framework, backend):
    model = framework.linear(64, 10)
    found = backend.input_gradient(model, FEATURES[:30], LABELS[:30], batch_size=7)
    assert found.shape == (30, 64)
    np.testing.assert_allclose(found, backend.weights(model, 0).T[LABELS[:30]], atol=1e-6)


def test_the_input_gradient_is_the_slope_of_the_class_score(framework, backend):
    generator, step = np.random.default_rng(0), 2e-4
    image = generator.random(
        (1, 8, 8, 1), dtype="float32"
    )  # no two pixels equal: pooling is smooth
    model, label = framework.cnn(), LABELS[:1]
    gradient = backend.input_gradient(model, image, label)
    assert gradient.shape == image.shape
    for _ in range(5):
        direction = generator.normal(size=image.shape).astype("float32")
        up, down = (
            backend.scores(model, image + sign * step * direction)[0, label[0]] for sign in (1, -1)
        )
        assert (up - down) / (2 * step) == pytest.approx((gradient * direction).sum(), abs=5e-3)


def test_input_gradients_are_the_same_in_both(twins):
    ours, theirs = twins
    np.testing.assert_allclose(
        torch_backend.input_gradient(ours, IMAGES[:9], LABELS[:9]),
        keras_backend.input_gradient(theirs, IMAGES[:9], LABELS[:9]),
        atol=1e-5,
    )


@pytest.mark.parametrize("place", [0, 1])
def test_activation_gradients_are_the_same_in_both(twins, place):
    ours, theirs = twins
    found = [
        backend.activation_gradient(model, IMAGES[:20], LABELS[:20], place, batch_size=7)
        for backend, model in ((torch_backend, ours), (keras_backend, theirs))
    ]
    for first, second in zip(*found):
        assert first.shape == second.shape == [(20, 6, 6, 6), (20, 10)][place]
        np.testing.assert_allclose(first, second, atol=1e-5)


def test_activation_gradient_gives_the_activations_too(framework, backend):
    model = framework.cnn()
    found, _ = backend.activation_gradient(model, IMAGES[:9], LABELS[:9], 0)
    np.testing.assert_allclose(found, backend.activations(model, IMAGES[:9], 0), atol=1e-6)


def test_the_gradient_of_the_last_activations_is_the_class(framework, backend):
    _, found = backend.activation_gradient(framework.cnn(), IMAGES[:30], LABELS[:30], 1)
    np.testing.assert_array_equal(found, np.eye(10)[LABELS[:30]])


def test_the_activation_gradient_leads_on_to_the_input_gradient(framework, backend):
    model = framework.mlp()  # dense: d score / d input = d score / d activation · kernel
    activations, slopes = backend.activation_gradient(model, FEATURES[:9], LABELS[:9], 0)
    if framework is FRAMEWORKS["keras"]:
        slopes = slopes * (1 - activations**2)  # its tanh is part of the layer
    np.testing.assert_allclose(
        slopes @ backend.weights(model, 0).T,
        backend.input_gradient(model, FEATURES[:9], LABELS[:9]),
        atol=1e-5,
    )


def test_a_frozen_model_has_activation_gradients(framework, backend):
    model = framework.cnn()
    _, expected = backend.activation_gradient(model, IMAGES[:9], LABELS[:9], 0)
    if framework is FRAMEWORKS["keras"]:
        model.trainable = False
    else:
        model.requires_grad_(False)
    _, found = backend.activation_gradient(model, IMAGES[:9], LABELS[:9], 0)
    np.testing.assert_array_equal(found, expected)
    assert np.abs(found).max() > 0


def test_activation_gradients_need_no_weights_before_the_layer(framework, backend):
    if framework is FRAMEWORKS["keras"]:
        inner = [layers.Activation("tanh", name="1"), layers.Dense(10)]
        model = keras.Sequential([keras.Input((64,)), *inner])
    else:
        model = nn.Sequential(nn.Identity(), nn.Tanh(), nn.Linear(64, 10))
    _, found = backend.activation_gradient(model, FEATURES[:9], LABELS[:9], "1")
    np.testing.assert_allclose(found, backend.weights(model, 0).T[LABELS[:9]], atol=1e-6)


def test_activation_gradients_draw_no_dropout(framework, backend):
    model = framework.dropout_mlp()
    first, again = (
        backend.activation_gradient(model, FEATURES[:9], LABELS[:9], 0)[1] for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)


def test_bytes_have_activation_gradients_like_floats(framework, backend):
    model, pixels = framework.cnn(), (255 * IMAGES[:9]).astype("uint8")
    found = backend.activation_gradient(model, pixels, LABELS[:9], 0)
    expected = backend.activation_gradient(model, pixels.astype("float32") / 255, LABELS[:9], 0)
    for first, second in zip(found, expected):
        np.testing.assert_allclose(first, second, atol=1e-6)


def test_a_layer_inside_a_model_has_activation_gradients():
    inner = Keras().cnn()
    outer = keras.Sequential([keras.Input((8, 8, 1)), inner])
    expected = keras_backend.activation_gradient(inner, IMAGES[:9], LABELS[:9], 0)
    found = keras_backend.activation_gradient(outer, IMAGES[:9], LABELS[:9], 0)
    for first, second in zip(found, expected):
        np.testing.assert_allclose(first, second, atol=1e-6)


def test_activations_are_those_before_a_change_in_place():
    model, changing = PyTorch().cnn(), PyTorch().cnn()
    model[1], changing[1] = nn.ReLU(), nn.ReLU(inplace=True)
    expected = torch_backend.activation_gradient(model, IMAGES[:9], LABELS[:9], 0)
    found = torch_backend.activation_gradient(changing, IMAGES[:9], LABELS[:9], 0)
    for first, second in zip(found, expected):
        np.testing.assert_array_equal(first, second)
    assert expected[0].min() < 0
    np.testing.assert_array_equal(torch_backend.activations(changing, IMAGES[:9], 0), expected[0])


def test_the_activation_gradient_leaves_nothing_behind(framework, backend):
    model = framework.cnn()
    before = backend.scores(model, IMAGES[:9])
    backend.activation_gradient(model, IMAGES[:9], LABELS[:9], 0)
    with pytest.raises(RangeError):
        backend.activation_gradient(model, IMAGES[:9], LABELS[:9] + 10, 0)
    np.testing.assert_array_equal(backend.scores(model, IMAGES[:9]), before)
    if framework is FRAMEWORKS["keras"]:
        assert not any("call" in vars(layer) for layer in model.layers)
    else:
        assert not any(module._forward_hooks for module in model.modules())


def test_a_layer_that_runs_twice_has_no_one_activation(framework, backend):
    if framework is FRAMEWORKS["keras"]:
        shared, inputs = layers.Dense(10), keras.Input((10,))
        model = keras.Model(inputs, shared(shared(inputs)))
    else:
        shared = nn.Linear(10, 10)
        model = nn.Sequential(shared, nn.Tanh(), shared)
    with pytest.raises(KindError, match="Layer 0 runs 2 times for a batch, but should run"):
        backend.activation_gradient(model, FEATURES[:9, :10], LABELS[:9], 0)


def test_a_layer_that_gives_two_things_has_no_one_activation():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.reader, self.head = nn.LSTM(8, 4, batch_first=True), nn.Linear(4, 10)

        def forward(self, rows):
            return self.head(self.reader(rows)[0][:, -1])

    with pytest.raises(KindError, match="'reader' gives a tuple, but should give one tensor"):
        torch_backend.activation_gradient(Last(), IMAGES[:9, ..., 0], LABELS[:9], "reader")


def test_the_gradient_is_the_slope_of_the_loss(framework, backend):
    model = framework.mlp()
    before = backend.scores(model, FEATURES)
    loss, gradients = backend.loss_and_gradients(model, FEATURES, LABELS)
    np.testing.assert_array_equal(backend.scores(model, FEATURES), before)
    assert loss == pytest.approx(backend.evaluate(model, FEATURES, LABELS).loss, abs=1e-5)
    kernel = backend.layers_with_weights(model)[0].arrays["kernel"]
    ends = []
    for sign in (1, -1):
        moved = {"kernel": kernel + sign * 0.05 * gradients[0]["kernel"]}
        backend.set_layer_weights(model, 0, moved, {})
        ends.append(backend.evaluate(model, FEATURES, LABELS).loss)
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
    torch_backend.fit(model, IMAGES, LABELS, epochs=2, valid=(IMAGES, LABELS), **QUIET)
    assert next(model.parameters()).is_cuda
    assert isinstance(torch_backend.scores(model, IMAGES), np.ndarray)
    assert torch_backend.input_gradient(model, IMAGES, LABELS).shape == IMAGES.shape
    assert torch_backend.activations(model, IMAGES, 0).shape == (300, 6, 6, 6)
    assert torch_backend.activation_gradient(model, IMAGES, LABELS, 0)[1].shape == (300, 6, 6, 6)
    on_cpu = torch_backend.scores(PyTorch().cnn(), IMAGES)
    on_device = torch_backend.scores(PyTorch().cnn().cuda(), IMAGES)
    np.testing.assert_allclose(on_cpu, on_device, atol=1e-4)
