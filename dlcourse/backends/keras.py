"""What the course needs from Keras on TensorFlow. NumPy arrays come in and go out, pictures as (N, H, W, C)."""

import keras
import numpy as np
import tensorflow as tf

from dlcourse.arrays import expect_examples, expect_labels, to_numpy
from dlcourse.backends import loop
from dlcourse.errors import KindError, RangeError
from dlcourse.results import Evaluation


def fit(
    model,
    images,
    labels,
    *,
    epochs=1,
    batch_size=128,
    optimizer="adam",
    learning_rate=None,
    schedule=None,
    loss="cross-entropy",
    valid=None,
    patience=None,
    callbacks=(),
    augment=None,
    shuffle=True,
    seed=0,
    show=True,
):
    """Train `model` in place and return the History. The same call works in both backends.

    Args:
        model: Any model of this framework; a classifier gives raw scores (N, K), no softmax.
        images: Array (N, …): pictures (N, H, W, C) as floats in 0..1 or uint8 bytes, or features (N, D).
        labels: N class indices, or whatever targets your own `loss` compares with.
        epochs, batch_size: How often and in what portions the examples are seen.
        optimizer: "sgd", "adam", or an optimizer of this framework, made for this model.
        learning_rate: Step size; None means 0.1 for "sgd", 0.001 for "adam", else the optimizer's own.
        schedule: Function of training's progress (0..1) that gives a factor for the learning rate.
        loss: "cross-entropy", or a function of this framework: (outputs, targets) → mean loss.
        valid: Pair (images, labels) to evaluate on after each epoch.
        patience: Stop after this many epochs without a lower validation loss; keep the best weights.
        callbacks: Functions of the History, called after each epoch; one that returns True stops training.
        augment: Function (images, generator) → images, applied to each batch, as NumPy.
        shuffle, seed: New order for each epoch, drawn by NumPy from `seed`; equal in both backends.
        show: Show a live progress bar, and one line when done.

    Raises:
        ShapeError, RangeError, KindError: Inputs that cannot be trained on; the message says why.
        TrainingError: The loss is no longer a finite number; the model keeps its last weights.
    """
    options = loop.Options(
        epochs=epochs, batch_size=batch_size, schedule=schedule, valid=valid, patience=patience,
        callbacks=callbacks, augment=augment, shuffle=shuffle, seed=seed, show=show,
    )  # fmt: skip
    inputs, targets = to_numpy(images), to_numpy(labels)
    expect_examples(inputs, targets)
    _build(model, inputs)
    trainer = _Trainer(model, optimizer, learning_rate, loss)
    trainer.check(inputs[: options.batch_size], targets, options)
    return loop.train(trainer, inputs, targets, options)


def evaluate(model, images, labels, batch_size=512):
    """Return the model's Evaluation: mean cross-entropy (nats) and accuracy over all examples."""
    expect_examples(images, labels)
    outputs = scores(model, images, batch_size)
    labels = expect_labels(labels, outputs.shape[1])
    loop.check_scores(outputs, labels)
    return Evaluation(loop.mean_cross_entropy(outputs, labels), float((outputs.argmax(axis=1) == labels).mean()))


def scores(model, images, batch_size=512):
    """Return the model's outputs for `images` as NumPy: raw scores (N, K) of a classifier."""
    images = to_numpy(images)
    expect_examples(images, images)
    forward = _forward(model)
    return np.concatenate([forward(_to_tensorflow(part)).numpy() for part in _batches(images, batch_size)])


def weights(model, layer):
    """Return a layer's kernel as NumPy, laid out alike in both backends.

    Args:
        model: A model of this framework.
        layer: Its name, or its place (0, 1, …) among the layers that have a kernel.

    Returns:
        Dense (inputs, outputs); convolution (filters, H, W, C); embedding (tokens, D).
    """
    found = _layer(model, layer)
    if isinstance(found, keras.layers.Embedding):
        return to_numpy(found.embeddings)
    if not hasattr(found, "kernel"):
        raise KindError(f"Layer {layer!r} is a {type(found).__name__} and has no kernel.")
    kernel = to_numpy(found.kernel)
    return np.moveaxis(kernel, -1, 0) if kernel.ndim > 2 else kernel


def input_gradient(model, images, classes, batch_size=256):
    """Return how each class score changes with each input: d score[class] / d input, shaped like `images`.

    Args:
        model: Classifier that gives raw scores (N, K).
        images: Array (N, …) of floats.
        classes: N class indices, the scores to differentiate.
        batch_size: Examples at a time; fewer need less memory.
    """
    images = to_numpy(images).astype("float32", copy=False)
    expect_examples(images, classes, targets_name="classes")
    gradients = []
    for start in range(0, len(images), batch_size):
        inputs = tf.constant(images[start : start + batch_size])
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = model(inputs, training=False)
            chosen = expect_labels(classes, outputs.shape[1], "classes")[start : start + batch_size]
            total = tf.reduce_sum(tf.gather(outputs, chosen, batch_dims=1))
        gradients.append(tape.gradient(total, inputs).numpy())
    return np.concatenate(gradients)


def activations(model, images, layer, batch_size=256):
    """Return what a layer gives for `images`: (N, H, W, C) of a convolution, (N, D) of a dense layer.

    Args:
        model: A model of this framework.
        images: Array (N, …).
        layer: Its name, or its place (0, 1, …) among the layers that have a kernel.
        batch_size: Examples at a time; fewer need less memory.
    """
    images = to_numpy(images)
    expect_examples(images, images)
    _build(model, images)
    inner = keras.Model(model.inputs, _layer(model, layer).output)
    return scores(inner, images, batch_size)


class _Trainer:
    """One model, its optimizer and its loss: see `loop.Trainer`."""

    def __init__(self, model, optimizer, learning_rate, loss):
        self.model = model
        self.loss, self.classifies = _loss(loss)
        self.optimizer = _optimizer(optimizer, learning_rate)
        self.optimizer.build(model.trainable_variables)
        self._compiled_step = tf.function(self._step, reduce_retracing=True)

    def check(self, inputs, targets, options):
        if not self.classifies:
            return
        outputs = scores(self.model, inputs)
        for labels in (targets, *([options.valid[1]] if options.valid else [])):
            labels = expect_labels(labels, None)
            loop.check_scores(outputs, np.concatenate([labels[: len(outputs) - 1], [labels.max()]]))

    def _step(self, inputs, targets):
        with tf.GradientTape() as tape:
            outputs = self.model(inputs, training=True)
            loss = self.loss(targets, outputs) + sum(self.model.losses)
        variables = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        if not self.classifies:
            return loss, tf.constant(0)
        return loss, tf.math.count_nonzero(tf.argmax(outputs, axis=1) == targets)

    def step(self, inputs, targets):
        loss, right = self._compiled_step(_to_tensorflow(inputs), tf.constant(targets))
        return float(loss), int(right) if self.classifies else None

    def evaluate(self, inputs, targets, batch_size):
        if self.classifies:
            return evaluate(self.model, inputs, targets, batch_size)
        total = 0.0
        for start in range(0, len(inputs), batch_size):
            part = targets[start : start + batch_size]
            outputs = self.model(_to_tensorflow(inputs[start : start + batch_size]), training=False)
            total += float(self.loss(part, outputs)) * len(part)
        return Evaluation(total / len(inputs), None)

    def set_learning_rate(self, learning_rate):
        self.optimizer.learning_rate = learning_rate

    def learning_rate(self):
        return float(self.optimizer.learning_rate)

    def copy_weights(self):
        return self.model.get_weights()

    def restore_weights(self, weights):
        self.model.set_weights(weights)


def _optimizer(optimizer, learning_rate):
    made = {"sgd": lambda: keras.optimizers.SGD(0.1), "adam": lambda: keras.optimizers.Adam(0.001, epsilon=1e-8)}
    if isinstance(optimizer, str):
        if optimizer not in made:
            raise RangeError(f"`optimizer` is {optimizer!r}, but one of {', '.join(made)}, or a Keras optimizer, is wanted.")
        optimizer = made[optimizer]()  # epsilon as in PyTorch: Keras would take 1e-7
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise KindError(f"`optimizer` is a {type(optimizer).__name__}, but a name or a Keras optimizer is wanted.")
    if learning_rate is not None:
        optimizer.learning_rate = learning_rate
    return optimizer


def _loss(loss):
    if loss == "cross-entropy":
        return _cross_entropy, True
    if callable(loss):
        return lambda targets, outputs: loss(outputs, targets), False
    raise KindError(f'`loss` is {loss!r}, but "cross-entropy" or a function (outputs, targets) is wanted.')


def _cross_entropy(labels, outputs):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, outputs))


def _build(model, inputs):
    """Make the weights of a model that has not been called yet."""
    if not model.built:
        model(_to_tensorflow(inputs[:1]))


def _forward(model):
    """Return the model's compiled forward pass; made once for each model, since tracing takes a second."""
    if not hasattr(model, "course_forward"):
        model.course_forward = tf.function(lambda inputs: model(inputs, training=False), reduce_retracing=True)
    return model.course_forward


def _to_tensorflow(inputs):
    if inputs.dtype == np.uint8:
        return tf.constant(inputs.astype("float32") / 255)
    return tf.constant(inputs, tf.float32 if inputs.dtype == np.float64 else None)


def _batches(array, size):
    return (array[start : start + size] for start in range(0, len(array), size))


def _layer(model, layer):
    flat = list(_flatten(model))
    if isinstance(layer, str):
        named = {found.name: found for found in flat}
        if layer not in named:
            raise RangeError(f"The model has no layer {layer!r}. It has: {', '.join(named)}.")
        return named[layer]
    with_kernel = [found for found in flat if hasattr(found, "kernel") or isinstance(found, keras.layers.Embedding)]
    if not 0 <= layer < len(with_kernel):
        raise RangeError(f"Layer {layer} was asked for, but the model has {len(with_kernel)} layers with a kernel, from 0.")
    return with_kernel[layer]


def _flatten(model):
    for layer in model.layers:
        yield from _flatten(layer) if isinstance(layer, keras.Model) else [layer]
