"""The same functions for models of every framework: `backends.fit(model, …)` and so on.

Each looks up the module of the model's framework, see `of`, and calls its function of that name.
"""

import importlib
import sys
from typing import NamedTuple

from dlcourse.errors import KindError


class Layer(NamedTuple):
    """One layer's weights, laid out the same for every framework, to compare and carry.

    Attributes:
        name, type: What the framework calls the layer and its class: "conv2d_1", "Conv2D".
        kind: "dense", "convolution", "depthwise convolution", "transposed convolution",
            "batch norm", "layer norm", "embedding", "simple recurrent", "lstm" or "gru".
        arrays: {part: NumPy array}. A kernel is (inputs, outputs) in a dense or recurrent layer,
            (filters, …, C) in a convolution of any kind, (tokens, D) in an embedding. Gates
            lie side by side: i, f, g, o in an LSTM, z, r, h in a GRU.
        settings: What changes the numbers without being a weight; `momentum` is the share that
            an old average keeps.
    """

    name: str
    type: str
    kind: str
    arrays: dict
    settings: dict


def of(model):
    """Return the backend module that can work with `model`, importing no other framework.

    Raises:
        KindError: `model` belongs to no framework that the course knows.
    """
    torch, keras = sys.modules.get("torch"), sys.modules.get("keras")
    if keras and isinstance(model, keras.Model):
        return importlib.import_module("dlcourse.backends.keras")
    if torch and isinstance(model, torch.nn.Module):
        return importlib.import_module("dlcourse.backends.pytorch")
    raise KindError(
        f"The model is a {type(model).__name__}, but should be a torch.nn.Module or a keras.Model."
    )


def fit(model, images, labels, **options):
    """Train `model` in place and return its History: loss and accuracy, epoch by epoch.

    Args:
        model: A torch.nn.Module or keras.Model; a classifier gives raw scores (N, K), no softmax.
        images: Array (N, …): pictures (N, H, W, C) as floats in 0..1 or uint8 bytes, or features
            (N, D).
        labels: N class indices; with another loss, targets such as floats of the outputs' shape.
        options: epochs=1, batch_size=128, optimizer="adam", learning_rate=None, schedule=None,
            loss="cross-entropy", valid=None, patience=None, callbacks=(), augment=None,
            shuffle=True, seed=0, show=True; `help(backends.of(model).fit)` explains each.

    Raises:
        ShapeError, RangeError, KindError: Inputs that cannot be trained on; the message says why.
        TrainingError: The loss is no longer a finite number.
    """
    return of(model).fit(model, images, labels, **options)


def evaluate(model, images, labels, batch_size=128):
    """Return the model's Evaluation: mean cross-entropy (nats) and accuracy over all examples."""
    return of(model).evaluate(model, images, labels, batch_size)


def scores(model, images, batch_size=128):
    """Return the model's outputs for `images` as NumPy: raw scores (N, K) of a classifier."""
    return of(model).scores(model, images, batch_size)


def weights(model, layer):
    """Return a layer's kernel as NumPy, laid out the same way for every framework.

    Args:
        model: A torch.nn.Module or keras.Model.
        layer: Its name, or its index among the layers that have a kernel.

    Returns:
        Dense (inputs, outputs); convolution (filters, H, W, C); embedding (tokens, D).
    """
    return of(model).weights(model, layer)


def layers_with_weights(model):
    """Return a list with the Layer, see there, of each layer that has weights."""
    return of(model).layers_with_weights(model)


def activations(model, images, layer, batch_size=256):
    """Return what a layer gives for `images`: (N, H, W, C) of a convolution, (N, D) of a dense one.

    Args:
        model: A torch.nn.Module or keras.Model.
        images: Array (N, …).
        layer: Its name, or its index among the layers that have a kernel.
        batch_size: Examples at a time; fewer need less memory.
    """
    return of(model).activations(model, images, layer, batch_size)


def input_gradient(model, images, classes, batch_size=256):
    """Return how each class score changes with each input, shaped like `images`.

    Args:
        model: Classifier that gives raw scores (N, K).
        images: Array (N, …) of floats.
        classes: N class indices, the scores to differentiate.
        batch_size: Examples at a time; fewer need less memory.
    """
    return of(model).input_gradient(model, images, classes, batch_size)


def activation_gradient(model, images, classes, layer, batch_size=256):
    """Return (activations, gradients): what a layer gives, and how class scores change with it.

    Args:
        model: Classifier that gives raw scores (N, K).
        images: Array (N, …).
        classes: N class indices, the scores to differentiate.
        layer: Its name, or its index among the layers that have a kernel.
        batch_size: Examples at a time; fewer need less memory.
    """
    return of(model).activation_gradient(model, images, classes, layer, batch_size)
