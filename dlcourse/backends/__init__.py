"""One face for models of every framework: `backends.fit(model, …)`. NumPy comes in and goes out.

Pictures are (N, H, W, C) on this side, whatever a framework wants. Four axes are a picture's unless
the layer that takes or gives them works along the last axis, as those of text and attention do:
`axes` looks at what runs.
"""

import functools
import math
import sys
from contextlib import AbstractContextManager

from dlcourse.arrays import (
    as_floats,
    expect_count,
    expect_examples,
    expect_labels,
    expect_number,
    expect_real,
    expect_scale_of,
    for_each,
    to_numpy,
)
from dlcourse.backends.checks import (
    batch_targets,
    check_batch,
    check_class_scores,
    check_valid,
    expect_inputs,
    looks_up,
    no_slopes,
    scales_pixels,
)
from dlcourse.backends.interface import Backend, Layer, Run
from dlcourse.backends.loop import Options, evaluation, train
from dlcourse.errors import KindError, RangeError, ShapeError, in_short
from dlcourse.results import Evaluation, History

import numpy as np


def of(model) -> Backend:
    """Return the model as an object of its framework's class, importing no other framework.

    Raises:
        KindError: `model` belongs to no framework that the course knows; or Keras is set to what
            the course cannot work with.
    """
    torch, keras = sys.modules.get("torch"), sys.modules.get("keras")
    if keras and isinstance(model, keras.Model):
        from dlcourse import runtime
        from dlcourse.backends.keras import Keras

        if faults := runtime.keras_faults():
            raise KindError(" ".join(faults))
        return Keras(model)
    if torch and isinstance(model, torch.nn.Module):
        from dlcourse.backends.pytorch import PyTorch

        return PyTorch(model)
    raise KindError(
        f"The model is a {type(model).__name__}, but should be a torch.nn.Module or a keras.Model."
    )


# Training


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
    augment=None,
    shuffle=True,
    seed=0,
    show=True,
) -> History:
    """Train `model` in place and return its History: loss and accuracy, epoch by epoch.

    For models with one array of inputs. A game of two networks, or an example of several arrays,
    needs a loop of its own: its lesson writes it.

    Args:
        model: A torch.nn.Module or keras.Model; a classifier gives raw scores (N, K), no softmax.
        images: Array (N, …): pictures (N, H, W, C) as floats in 0..1 or uint8 bytes, features
            (N, D), or tokens (N, T) as whole numbers.
        labels: N class indices, or (N, T) for a model that scores each step, (N, T, K); with
            another loss, targets such as floats of the outputs' shape.
        epochs, batch_size: How often and in what portions the examples are seen.
        optimizer: "sgd", "adam", or an optimizer of the model's framework, made for this model.
        learning_rate: Step size; None means 0.1 for "sgd", 0.001 for "adam", else the
            optimizer's own.
        schedule: Function of training's progress (0..1) that gives a factor for the learning rate.
        loss: "cross-entropy", "squared error", "absolute error" (means over all outputs), or a
            function of the model's framework: (outputs, targets) → mean loss.
        valid: Pair (images, labels) to evaluate on after each epoch.
        augment: Function (images, generator) → images, applied to each batch, as NumPy.
        shuffle, seed: New order for each epoch, drawn by NumPy from `seed`, the same for all
            frameworks.
        show: Show a live progress bar, and one line when done.

    Raises:
        ShapeError, RangeError, KindError: Inputs that cannot be trained on; the message says why.
        TrainingError: The loss is no longer a finite number; the model keeps its last weights.

    Example:
        >>> network = torch.nn.Sequential(torch.nn.Linear(64, 10))
        >>> history = backends.fit(network, digits.train.features, digits.train.labels, show=False)
    """
    backend = of(model)
    options = Options(
        epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, schedule=schedule,
        loss=loss, valid=valid, augment=augment, shuffle=shuffle, seed=seed, show=show,
    )  # fmt: skip
    inputs, targets = options.examples(images, labels)
    expect_inputs(backend, inputs)
    if options.valid:
        expect_inputs(backend, options.valid[0], "valid[0]")
        if not scales_pixels(backend, inputs):
            expect_scale_of(inputs, options.valid[0], "images", "valid[0]")
            expect_scale_of(options.valid[0], inputs, "valid[0]", "images")
    backend.to_device()
    backend.build(inputs)
    trainer = backend.trainer(optimizer, options.learning_rate, loss)
    check_valid(inputs, targets, options)
    trainer.check(inputs[:batch_size], targets, options)
    return train(trainer, inputs, targets, options)


# Looking


def evaluate(model, images, labels, batch_size=128) -> Evaluation:
    """Return the model's Evaluation: mean cross-entropy (nats) and accuracy over all examples.

    Args:
        model: A torch.nn.Module or keras.Model that gives raw scores (N, K), or (N, T, K).
        images: Array (N, …).
        labels: Class indices (N,), or (N, T).
        batch_size: Examples at a time; fewer need less memory.

    Example:
        >>> backends.evaluate(network, digits.test.features, digits.test.labels).accuracy > 0.5
        True
    """
    expect_examples(images, labels)
    return evaluation(scores(model, images, batch_size), labels)


def scores(model, images, batch_size=128) -> np.ndarray:
    """Return the model's outputs for `images` as NumPy: raw scores (N, K) of a classifier.

    Args:
        model: A torch.nn.Module or keras.Model.
        images: Array (N, …).
        batch_size: Examples at a time; fewer need less memory.

    Example:
        >>> backends.scores(network, digits.test.features).shape
        (300, 10)
    """
    backend = of(model)
    images = expect_inputs(backend, images)
    return np.concatenate([backend.outputs(images[p]) for p in _parts(len(images), batch_size)])


def weights(model, layer) -> np.ndarray:
    """Return a layer's kernel as NumPy, laid out the same way for every framework.

    Args:
        model: A torch.nn.Module or keras.Model.
        layer: Its name, its index among the layers that have a kernel, or the layer itself.

    Returns:
        Dense (inputs, outputs); convolution (filters, H, W, C); embedding (tokens, D).

    Raises:
        RangeError: There is no such layer.
        KindError: It has no kernel.

    Example:
        >>> backends.weights(network, 0).shape
        (64, 10)
    """
    backend = of(model)
    _, found = _layer(backend, layer)
    kernel = backend.kernel(found)
    if kernel is None:
        raise KindError(f"Layer {layer!r} is a {type(found).__name__} and has no kernel.")
    return np.array(kernel)  # the model's own memory would change with it


def activations(model, images, layer, batch_size=256) -> np.ndarray:
    """Return what a layer gives for `images`: (N, H, W, C) of a convolution, (N, D) of a dense one.

    Args:
        model: A torch.nn.Module or keras.Model.
        images: Array (N, …).
        layer: Its name, its index among the layers that have a kernel, or the layer itself.
        batch_size: Examples at a time; fewer need less memory.

    Raises:
        RangeError: There is no such layer.
        KindError: The layer gives no single tensor, or does not run exactly once.

    Example:
        >>> backends.activations(network, digits.test.features, 0).shape
        (300, 10)
    """
    backend = of(model)
    images = expect_inputs(backend, images)
    parts = _parts(len(images), batch_size)
    backend.build(images)
    read = backend.reader(*_layer(backend, layer))
    return np.concatenate([read(images[part]) for part in parts])


def input_gradient(model, images, classes, batch_size=256) -> np.ndarray:
    """Return how each class score changes with each input: d score[class] / d input.

    Args:
        model: Classifier that gives raw scores (N, K).
        images: Array (N, …): floats, or bytes, which count as pixels from 0 to 1.
        classes: N class indices, the scores to differentiate; or one for all.
        batch_size: Examples at a time; fewer need less memory.

    Returns:
        Array of floats, shaped like `images`; of bytes, for a change of the pixel from 0 to 1.

    Raises:
        ShapeError, RangeError, KindError: No class scores, or classes that do not fit them.

    Example:
        >>> backends.input_gradient(network, digits.test.features[:5], digits.test.labels[:5]).shape
        (5, 64)
    """
    backend = of(model)
    images = as_floats(images, backend.dtype)
    classes = for_each(classes, len(images) if images.ndim else 0)
    expect_examples(images, classes, targets_name="classes")
    if looks_up(backend, images):
        raise no_slopes("the model looks its inputs up")
    expect_inputs(backend, images)
    slopes = [
        backend.input_slopes(images[part], functools.partial(_classes_of, classes, part))
        for part in _parts(len(images), batch_size)
    ]
    return np.concatenate(slopes)


def activation_gradient(model, images, classes, layer, batch_size=256) -> tuple:
    """Return what a layer gives, and how each class score changes with it.

    Args:
        model: Classifier that gives raw scores (N, K).
        images: Array (N, …).
        classes: N class indices, the scores to differentiate; or one for all.
        layer: Its name, its index among the layers that have a kernel, or the layer itself.
        batch_size: Examples at a time; fewer need less memory.

    Returns:
        (activations, gradients): two arrays of floats of one shape, (N, H, W, C) of a convolution,
        (N, D) of a dense layer; gradients are d score[class] / d activation.

    Raises:
        KindError: The layer gives no single tensor, or does not run exactly once.
        RangeError: There is no such layer, or a class without a score.

    Example:
        >>> few = digits.test[:5]
        >>> values, slopes = backends.activation_gradient(network, few.features, few.labels, 0)
    """
    backend = of(model)
    images = expect_inputs(backend, images)
    classes = for_each(classes, len(images))
    expect_examples(images, classes, targets_name="classes")
    backend.build(images)
    read = backend.slope_reader(*_layer(backend, layer))
    pairs = [
        read(images[part], functools.partial(_classes_of, classes, part))
        for part in _parts(len(images), batch_size)
    ]
    return tuple(np.concatenate(each) for each in zip(*pairs))


def runs(model, images, depth=1) -> list[Run]:
    """Return what each layer does with a batch, in the order in which they run: see `Run`.

    Args:
        model: A torch.nn.Module or keras.Model.
        images: Array (N, …), a few examples that it can take.
        depth: Down to which depth blocks are opened; 1 counts each of them as one layer.

    Raises:
        ShapeError, RangeError, KindError: The model cannot take them, or shows no layer at work.

    Example:
        >>> [run] = backends.runs(network, digits.test.features[:2])
        >>> run.type, run.gives, run.parameters
        ('Linear', (2, 10), 650)
    """
    backend = of(model)
    found = backend.runs(expect_inputs(backend, images), expect_count(depth, "depth"))
    if not found:
        raise KindError(
            "No layer of the model gives one tensor from one tensor, so there is nothing to show."
        )
    return found


def parameters(model) -> int:
    """Return how many weights and biases a model holds; batch norm's averages are neither.

    Example:
        >>> backends.parameters(network)
        650

    Raises:
        KindError: It has no weights yet, since it has met no inputs.
    """
    return of(model).parameters()


# Comparing and carrying, for `parity`


def layers_with_weights(model) -> list[Layer]:
    """Return the Layer, see there, of each layer that has weights, in the model's order.

    Raises:
        KindError: A layer with weights of a kind that cannot be laid out the same everywhere.

    Example:
        >>> [layer.kind for layer in backends.layers_with_weights(network)]
        ['dense']
    """
    backend, layers, holders = of(model), [], {}
    for slot in backend.slots():
        arrays = {part: to_numpy(tensor).copy() for part, tensor in slot.tensors.items()}
        arrays, settings = backend.lay_out(slot.kind, arrays), backend.settings(slot)
        first = [holders.setdefault(id(each), slot.name) for each in slot.tensors.values()]
        shared = ", ".join(sorted({*first} - {slot.name})) or "no other layer"
        conditions = backend.conditions(slot) | {"weights shared with": shared}
        layer = type(slot.owner).__name__
        layers.append(Layer(slot.name, layer, slot.kind, arrays, settings, conditions))
    return layers


def set_layer_weights(model, index, arrays, settings) -> None:
    """Write one layer's weights and settings into the model.

    Args:
        model: A torch.nn.Module or keras.Model, changed in place.
        index: The layer's index in `layers_with_weights`.
        arrays: {part: array}, laid out as `Layer` says.
        settings: {name: value}; epsilon and momentum are set, others cannot be.

    Raises:
        RangeError, KindError, ShapeError: There is no such layer or part, or it has another size.

    Example:
        >>> backends.set_layer_weights(network, 0, {"bias": np.zeros(10, "float32")}, {})
    """
    backend = of(model)
    slots = list(backend.slots())
    if isinstance(index, bool) or not isinstance(index, int | np.integer):
        raise KindError(f"`index` is a {type(index).__name__}, but should be a layer's index.")
    if not 0 <= index < len(slots):
        raise RangeError(f"There is no layer {index}: there are {len(slots)}, counted from 0.")
    for name, given in (("arrays", arrays), ("settings", settings)):
        if not isinstance(given, dict):
            raise KindError(f"`{name}` is a {type(given).__name__}, but should be a dictionary.")
    slot = slots[index]
    known = backend.settings(slot)
    for name in settings:
        if name not in known:
            raise RangeError(
                f"The layer has no setting {in_short(name)}. It has: {', '.join(known) or 'none'}."
            )
        if name in ("epsilon", "momentum"):
            expect_number(settings[name], name, low=0, high=1 if name == "momentum" else math.inf)
    tensors = {part: to_numpy(tensor) for part, tensor in slot.tensors.items()}
    there = backend.lay_out(slot.kind, tensors)
    arrays = {part: expect_real(array, str(part)) for part, array in arrays.items()}
    for part, array in arrays.items():
        if part not in there:
            raise RangeError(f"The layer has no {part!r}. It has: {', '.join(there)}.")
        if array.shape != there[part].shape:
            raise ShapeError(
                f"{part!r} has shape {array.shape}, but the layer's has {there[part].shape}."
            )
        with np.errstate(over="ignore"):
            held = array.astype(there[part].dtype)
        if not np.array_equal(np.isfinite(held), np.isfinite(array)):
            raise RangeError(
                f"{part!r} goes to {np.abs(array[np.isfinite(array)]).max():g}, which is more "
                f"than the layer's {held.dtype} can hold."
            )
    backend.assign(slot, arrays, settings)


def loss_and_gradients(model, images, labels, loss=None) -> tuple:
    """Return the mean loss of one batch in training mode, and its gradient.

    The model stays as it was. Dropout is off.

    Args:
        model: A torch.nn.Module or keras.Model.
        images: Array (N, …), one batch.
        labels: Class indices (N,) or (N, T), or floats of the outputs' shape.
        loss: "cross-entropy", "squared error" or "absolute error"; None means the first for class
            indices and the second for floats.

    Returns:
        (loss, gradients): the mean, and for each of `layers_with_weights` a dict {part: array},
        shaped like the part; zeros where nothing is trained.

    Example:
        >>> few = digits.test[:5]
        >>> loss, gradients = backends.loss_and_gradients(network, few.features, few.labels)
    """
    expect_examples(images, labels)
    images, (targets, loss) = to_numpy(images), batch_targets(labels, loss)
    check_batch(scores(model, images), targets, loss)
    with trial(model) as twin:
        backend = of(twin)
        mean_loss, slopes = backend.loss_and_slopes(images, targets, loss)
    kinds = [slot.kind for slot in backend.slots()]
    return mean_loss, [backend.lay_out(kind, arrays) for kind, arrays in zip(kinds, slopes)]


def flattened_maps(model, images) -> dict:
    """Return which dense layers read a flattened map, and in which order its numbers come.

    Args:
        model: A torch.nn.Module or keras.Model.
        images: Array (N, …), a few examples that it can take.

    Returns:
        {index in `layers_with_weights`: (axes, sizes)}, such as {2: (("H", "W", "C"), (4, 4, 16))}.

    Example:
        >>> backends.flattened_maps(network, digits.test.features[:2])
        {}
    """
    backend = of(model)
    return backend.flattened_maps(expect_inputs(backend, images))


def trial(model) -> AbstractContextManager:
    """Lend the model for a trial with dropout off; afterwards it is as it was.

    Example:
        >>> with backends.trial(network) as twin:
        ...     history = backends.fit(twin, digits.train.features, digits.train.labels, show=False)
    """
    return of(model).trial()


def _parts(count, batch_size):
    """Return slices that cut `count` examples into batches."""
    batch_size = expect_count(batch_size, "batch_size")
    return [slice(start, start + batch_size) for start in range(0, count, batch_size)]


def _classes_of(classes, part, shape):
    """Return the classes of one batch, once a model's outputs are known to have this shape."""
    check_class_scores(shape)
    return expect_labels(classes, shape[1], "classes")[part]


def _layer(backend, layer):
    """Return (name, layer) of the layer with this name or index, or that is this one."""
    named = backend.named_layers()
    if found := [pair for pair in named if pair[1] is layer]:
        return found[0]
    if isinstance(layer, str) and [name for name, _ in named].count(layer) > 1:
        raise RangeError(
            f"The model has several layers {layer!r}, in models inside it. Give the layer itself, "
            f'such as inner.get_layer("{layer}"), or its index.'
        )
    if isinstance(layer, bool) or not isinstance(layer, str | int | np.integer):
        raise KindError(
            f"`layer` is {in_short(layer)}, but should be a layer's name, its index among the "
            "layers that have a kernel, or a layer of this model."
        )
    if isinstance(layer, str):
        if layer not in dict(named):
            names = ", ".join(dict(named))
            raise RangeError(f"The model has no layer {layer!r}. It has: {names}.")
        return layer, dict(named)[layer]
    with_kernel = [pair for pair in named if backend.has_kernel(pair[1])]
    if not 0 <= layer < len(with_kernel):
        raise RangeError(
            f"Layer {in_short(layer)} was asked for, but the model has {len(with_kernel)} layers "
            "with a kernel, counted from 0."
        )
    return layer, with_kernel[layer][1]
