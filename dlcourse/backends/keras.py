"""What the course needs from Keras on TensorFlow; NumPy in and out, pictures as (N, H, W, C)."""

import functools
from contextlib import contextmanager

from dlcourse.arrays import expect_examples, expect_labels, to_numpy
from dlcourse.backends import Layer, loop
from dlcourse.errors import KindError, RangeError
from dlcourse.results import Evaluation

import keras
import numpy as np
import tensorflow as tf
from keras import layers

NAME = "Keras"
KINDS = {
    "dense": layers.Dense,
    "depthwise convolution": (layers.DepthwiseConv1D, layers.DepthwiseConv2D),
    "convolution": (layers.Conv1D, layers.Conv2D, layers.Conv3D),
    "transposed convolution": (
        layers.Conv1DTranspose,
        layers.Conv2DTranspose,
        layers.Conv3DTranspose,
    ),
    "batch norm": layers.BatchNormalization,
    "layer norm": layers.LayerNormalization,
    "embedding": layers.Embedding,
    "simple recurrent": layers.SimpleRNN,
    "lstm": layers.LSTM,
    "gru": layers.GRU,
}
PARTS = {
    "batch norm": ("gamma", "beta", "moving_mean", "moving_variance"),
    "layer norm": ("gamma", "beta"),
    "embedding": ("embeddings",),
    "simple recurrent": ("kernel", "recurrent_kernel", "bias"),
    "lstm": ("kernel", "recurrent_kernel", "bias"),
    "gru": ("kernel", "recurrent_kernel", "bias"),
}
COMPILED = "course_compiled"  # name of the attribute that keeps a model's compiled functions
DROPOUT = (layers.Dropout, layers.GaussianDropout, layers.AlphaDropout)


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
        images: Array (N, …): pictures (N, H, W, C) as floats in 0..1 or uint8 bytes, or features
            (N, D).
        labels: N class indices; with another loss, targets such as floats of the outputs' shape.
        epochs, batch_size: How often and in what portions the examples are seen.
        optimizer: "sgd", "adam", or an optimizer of this framework, made for this model.
        learning_rate: Step size; None means 0.1 for "sgd", 0.001 for "adam", else the
            optimizer's own.
        schedule: Function of training's progress (0..1) that gives a factor for the learning rate.
        loss: "cross-entropy", "squared error", "absolute error" (means over all outputs), or a
            function of this framework: (outputs, targets) → mean loss.
        valid: Pair (images, labels) to evaluate on after each epoch.
        patience: Stop after this many epochs without a lower validation loss; keep the best
            weights.
        callbacks: Functions of the History, called after each epoch; one that returns True stops
            the training.
        augment: Function (images, generator) → images, applied to each batch, as NumPy.
        shuffle, seed: New order for each epoch, drawn by NumPy from `seed`; equal in both backends.
        show: Show a live progress bar, and one line when done.

    Raises:
        ShapeError, RangeError, KindError: Inputs that cannot be trained on; the message says why.
        TrainingError: The loss is no longer a finite number; the model keeps its last weights.
    """
    _expect_model(model)
    options = loop.Options(
        epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, schedule=schedule,
        loss=loss, valid=valid, patience=patience, callbacks=callbacks, augment=augment,
        shuffle=shuffle, seed=seed, show=show,
    )  # fmt: skip
    inputs, targets = options.examples(images, labels)
    _build(model, inputs)
    trainer = _Trainer(model, optimizer, learning_rate, loss)
    trainer.check(inputs[: options.batch_size], targets, options)
    return loop.train(trainer, inputs, targets, options)


def evaluate(model, images, labels, batch_size=128):
    """Return the model's Evaluation: mean cross-entropy (nats) and accuracy over all examples."""
    expect_examples(images, labels)
    outputs = scores(model, images, batch_size)
    labels = expect_labels(labels, outputs.shape[1])
    loop.check_scores(outputs, labels)
    return Evaluation(
        loop.mean_cross_entropy(outputs, labels), float((outputs.argmax(axis=1) == labels).mean())
    )


def scores(model, images, batch_size=128):
    """Return the model's outputs for `images` as NumPy: raw scores (N, K) of a classifier."""
    _expect_model(model)
    images = to_numpy(images)
    expect_examples(images, images)
    return np.concatenate(
        [to_numpy(_outputs(model, part)) for part in _batches(images, batch_size)]
    )


def weights(model, layer):
    """Return a layer's kernel as NumPy, laid out the same in both backends.

    Args:
        model: A model of this framework.
        layer: Its name, or its place (0, 1, …) among the layers that have a kernel.

    Returns:
        Dense (inputs, outputs); convolution (filters, H, W, C); embedding (tokens, D).
    """
    found = _layer(model, layer)
    if isinstance(found, layers.Embedding):
        return to_numpy(found.embeddings)
    if not hasattr(found, "kernel"):
        raise KindError(f"Layer {layer!r} is a {type(found).__name__} and has no kernel.")
    return _to_layout(_kind(found), {"kernel": to_numpy(found.kernel)})["kernel"]


def input_gradient(model, images, classes, batch_size=256):
    """Return how each class score changes with each input: d score[class] / d input.

    Args:
        model: Classifier that gives raw scores (N, K).
        images: Array (N, …) of floats.
        classes: N class indices, the scores to differentiate.
        batch_size: Examples at a time; fewer need less memory.

    Returns:
        Array of floats, shaped like `images`.

    Raises:
        ShapeError, RangeError, KindError: No class scores, or classes that do not fit them.
    """
    _expect_model(model)
    images = to_numpy(images).astype("float32", copy=False)
    expect_examples(images, classes, targets_name="classes")
    gradients = []
    for start in range(0, len(images), batch_size):
        part = slice(start, start + batch_size)
        gradients.append(_slopes(model, images[part], classes, part))
    return np.concatenate(gradients)


def activations(model, images, layer, batch_size=256):
    """Return what a layer gives for `images`.

    Args:
        model: A model of this framework.
        images: Array (N, …).
        layer: Its name, or its place (0, 1, …) among the layers that have a kernel.
        batch_size: Examples at a time; fewer need less memory.

    Returns:
        Array (N, H, W, C) of a convolution, (N, D) of a dense layer.
    """
    images = to_numpy(images)
    expect_examples(images, images)
    _expect_model(model)
    _build(model, images)
    found = _layer(model, layer)
    _shapes(found)  # refuses a layer whose place in the model is not known
    return scores(keras.Model(model.inputs, found.output), images, batch_size)


def activation_gradient(model, images, classes, layer, batch_size=256):
    """Return what a layer gives, and how each class score changes with it.

    Args:
        model: Classifier that gives raw scores (N, K).
        images: Array (N, …).
        classes: N class indices, the scores to differentiate.
        layer: Its name, or its place (0, 1, …) among the layers that have a kernel.
        batch_size: Examples at a time; fewer need less memory.

    Returns:
        (activations, gradients): two arrays of floats of one shape, (N, H, W, C) of a convolution,
        (N, D) of a dense layer; gradients are d score[class] / d activation.

    Raises:
        KindError: The layer gives no single tensor, or does not run exactly once.
        RangeError: There is no such layer, or a class without a score.
    """
    _expect_model(model)
    images, pairs = to_numpy(images), []
    expect_examples(images, classes, targets_name="classes")
    _build(model, images)
    found = _layer(model, layer)
    for start in range(0, len(images), batch_size):
        part = images[start : start + batch_size]
        with tf.GradientTape() as tape, _watched(found, tape) as seen:
            outputs = _outputs(model, part, _to_tensorflow(part))
            loop.check_seen(seen, layer, tf.Tensor)
            chosen = expect_labels(classes, outputs.shape[1], "classes")[start : start + batch_size]
            total = tf.reduce_sum(tf.gather(outputs, chosen, batch_dims=1))
        slope = tape.gradient(total, seen[0], unconnected_gradients="zero")
        pairs.append((seen[0].numpy(), slope.numpy()))
    return tuple(np.concatenate(part) for part in zip(*pairs))


def layers_with_weights(model):
    """Return every layer that has weights, in the model's order, as a list of `backends.Layer`.

    Raises:
        KindError: A layer with weights of a kind that cannot be laid out the same in both backends.
    """
    found = []
    for layer, kind, tensors in _slots(model):
        arrays = {part: to_numpy(tensor).copy() for part, tensor in tensors.items()}
        arrays, settings = _to_layout(kind, arrays), _settings(layer, kind)
        found.append(Layer(layer.name, type(layer).__name__, kind, arrays, settings))
    return found


def set_layer_weights(model, place, arrays, settings):
    """Write one layer's weights and settings into the model.

    Args:
        model: A model of this framework, changed in place.
        place: The layer's place (0, 1, …) in `layers_with_weights`.
        arrays: {part: array}, laid out as `backends.Layer` says.
        settings: {name: value}; epsilon and momentum are set, others cannot be.
    """
    layer, kind, tensors = list(_slots(model))[place]
    for part, array in _from_layout(kind, arrays).items():
        if kind == "depthwise convolution":
            array = array.reshape(tensors[part].shape)
        tensors[part].assign(array)
    if "epsilon" in settings:
        layer.epsilon = settings["epsilon"]
    if "momentum" in settings:
        layer.momentum = settings["momentum"]
    if settings:  # what was compiled before keeps the old ones, so it has to be compiled again
        for name in (COMPILED, "train_function", "test_function", "predict_function"):
            setattr(model, name, None)


def loss_and_gradients(model, images, labels, loss=None):
    """Return the mean loss of one batch in training mode, and its gradient.

    The model stays as it was. Dropout is off.

    Args:
        model: A model of this framework.
        images: Array (N, …), one batch.
        labels: N class indices, or floats of the outputs' shape.
        loss: One of `loop.LOSSES`; None means "cross-entropy" for class indices and
            "squared error" for floats.

    Returns:
        (loss, gradients): the mean, and for each of `layers_with_weights` a dict {part: array},
        shaped like the part; zeros where nothing is trained.
    """
    expect_examples(images, labels)
    images, (targets, loss) = to_numpy(images), loop.batch_targets(labels, loss)
    loop.check_batch(scores(model, images), targets, loss)
    with trial(model) as model, tf.GradientTape() as tape:
        loss = LOSSES[loss](model(_to_tensorflow(images), training=True), _targets(targets))
    variables = model.trainable_variables
    slopes = tape.gradient(loss, variables, unconnected_gradients="zero")
    found, gradients = dict(zip(map(id, variables), slopes)), []
    for _, kind, tensors in _slots(model):
        layer = {}
        for part, variable in tensors.items():
            if not part.startswith("moving"):
                gradient = found.get(id(variable), tf.zeros(variable.shape))
                layer[part] = tf.convert_to_tensor(gradient).numpy()  # an embedding's is sparse
        gradients.append(_to_layout(kind, layer))
    return float(loss), gradients


def flattened_maps(model, images):
    """Return which dense layers read a flattened map, and in which order its numbers come.

    Args:
        model: A model of this framework.
        images: Array (N, …), a few examples that it can take.

    Returns:
        {place in `layers_with_weights`: (axes, sizes)}, such as {2: (("H", "W", "C"), (4, 4, 16))}.
    """
    _build(model, to_numpy(images))
    places = {id(layer): (place, each) for place, (layer, _, each) in enumerate(_slots(model))}
    maps, names, flat = {}, None, None
    for layer in _flatten(model):
        if isinstance(layer, layers.Permute):
            names = names or _usual_axes(layer)
            names = tuple(names[axis - 1] for axis in layer.dims)
        elif isinstance(layer, (layers.Flatten, layers.Reshape)) and len(_shapes(layer)[1]) == 2:
            flat, names = (names or _usual_axes(layer), _shapes(layer)[0][1:]), None
        elif isinstance(layer, layers.Dense):
            place, tensors = places[id(layer)]
            if flat and np.prod(flat[1]) == tensors["kernel"].shape[0]:
                maps[place] = flat
            flat = None
    return maps


@contextmanager
def trial(model):
    """Lend the model for a trial with dropout off; afterwards it is as it was.

    Use: `with trial(model) as model: …`
    """
    _expect_model(model)
    weights = model.get_weights()
    switches = [(layer, "rate") for layer in _flatten(model) if isinstance(layer, DROPOUT)]
    cells = [layer.cell for layer in _flatten(model) if isinstance(layer, layers.RNN)]
    switches += [(cell, name) for cell in cells for name in ("dropout", "recurrent_dropout")]
    before = [getattr(owner, name) for owner, name in switches]
    try:
        for owner, name in switches:
            setattr(owner, name, 0.0)
        yield model
    finally:
        for (owner, name), rate in zip(switches, before):
            setattr(owner, name, rate)
        model.set_weights(weights)


@contextmanager
def _watched(layer, tape):
    """Watch what a layer gives, as a hook does in PyTorch; yield the list that it is put into."""
    seen, call = [], layer.call

    @functools.wraps(call)  # Keras reads the arguments' names
    def watching(*args, **kwargs):
        output = call(*args, **kwargs)
        seen.append(output)
        if tf.is_tensor(output):
            tape.watch(output)
        return output

    layer.call = watching
    try:
        yield seen
    finally:
        del layer.call  # the class's own is there again


class _Trainer:
    """One model, its optimizer and its loss: see `loop.Trainer`."""

    def __init__(self, model, optimizer, learning_rate, loss):
        self.model = model
        self.classifies = loss == "cross-entropy"
        self.loss = loss if callable(loss) else LOSSES[loss]
        self.optimizer = _optimizer(optimizer, learning_rate)
        self.optimizer.build(model.trainable_variables)  # does nothing if it is built already
        self.rate = self.learning_rate()
        self._compiled_step = tf.function(self._step, reduce_retracing=True)

    def check(self, inputs, targets, options):
        """Look at one batch before training, so that mistakes show at once and in words."""
        batch, targets_of_batch = _to_tensorflow(inputs), _targets(targets[: len(inputs)])
        outputs = _outputs(self.model, inputs, batch)  # not compiled: it is needed only once
        loop.check_outputs(to_numpy(outputs), targets, options)
        if not self.classifies:
            loop.check_loss(self.loss(outputs, targets_of_batch))
        try:
            self._compiled_step.get_concrete_function(
                _any_batch(batch), _any_batch(targets_of_batch)
            )
        except ValueError as error:
            if "Unknown variable" not in str(error):
                raise
            raise KindError(
                "The optimizer was made for another model, or before this one's layers were "
                "unfrozen: make a new one."
            ) from error

    def _step(self, inputs, targets):
        with tf.GradientTape() as tape:
            outputs = self.model(inputs, training=True)
            loss = self.loss(outputs, targets) + sum(self.model.losses)
        variables = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        if not self.classifies:
            return loss, tf.constant(0)
        return loss, tf.math.count_nonzero(tf.argmax(outputs, axis=1) == targets)

    def step(self, inputs, targets):
        loss, right = self._compiled_step(_to_tensorflow(inputs), _targets(targets))
        return float(loss), int(right) if self.classifies else None

    def evaluate(self, inputs, targets, batch_size):
        if self.classifies:
            return evaluate(self.model, inputs, targets, batch_size)
        total = 0.0
        for start in range(0, len(inputs), batch_size):
            part = targets[start : start + batch_size]
            outputs = _outputs(self.model, inputs[start : start + batch_size])
            total += float(self.loss(outputs, _targets(part))) * len(part)
        return Evaluation(total / len(inputs), None)

    def learning_rate(self):
        return float(
            f"{float(self.optimizer.learning_rate):.7g}"
        )  # kept as float32: 0.1 comes back as 0.10000000149

    def scale_learning_rate(self, factor):
        _set_learning_rate(self.optimizer, self.rate * factor)

    def copy_weights(self):
        return self.model.get_weights()

    def restore_weights(self, weights):
        self.model.set_weights(weights)


def _optimizer(optimizer, learning_rate):
    made = {
        "sgd": lambda: keras.optimizers.SGD(0.1),
        "adam": lambda: keras.optimizers.Adam(0.001, epsilon=1e-8),
    }
    if isinstance(optimizer, str):
        if optimizer not in made:
            raise RangeError(
                f"`optimizer` is {optimizer!r}, but should be one of {', '.join(made)}, "
                "or a Keras optimizer."
            )
        optimizer = made[optimizer]()  # epsilon as in PyTorch: Keras would take 1e-7
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise KindError(
            f"`optimizer` is a {type(optimizer).__name__}, but should be a name or a Keras "
            "optimizer."
        )
    if learning_rate is not None:
        _set_learning_rate(optimizer, learning_rate)
    return optimizer


def _set_learning_rate(optimizer, learning_rate):
    try:
        optimizer.learning_rate = learning_rate
    except TypeError as error:
        raise KindError(
            "The optimizer has a schedule of its own, so its learning rate cannot be set. "
            "Make it with a number, and give the schedule to fit."
        ) from error


def _expect_model(model):
    if not isinstance(model, keras.Model):
        raise KindError(
            f"The model is a {type(model).__module__.split('.')[0]} {type(model).__name__}, but "
            "should be a keras.Model. For a PyTorch model, use dlcourse.backends.pytorch."
        )


def _cross_entropy(outputs, labels):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, outputs))


LOSSES = {
    "cross-entropy": _cross_entropy,
    "squared error": lambda outputs, targets: tf.reduce_mean(tf.square(outputs - targets)),
    "absolute error": lambda outputs, targets: tf.reduce_mean(tf.abs(outputs - targets)),
}


def _targets(targets):
    return _to_tensorflow(targets) if targets.ndim == 4 else tf.constant(targets)


def _build(model, inputs):
    """Make the weights of a model that has not been called yet."""
    if not model.built:
        _outputs(model, inputs[:1], _to_tensorflow(inputs[:1]))


class _Compiled:
    """A model's compiled functions; kept with the model, since compiling takes a second."""

    def __init__(self, model):
        self.layers, self.functions = list(model.layers), {}


def _compiled(model, function, *inputs):
    """Return `function(model, …)`, compiled for inputs of these kinds."""
    known = getattr(model, COMPILED, None)
    if known is None or known.layers != list(model.layers):  # a layer may have been added since
        known = _Compiled(model)
        setattr(model, COMPILED, known)
    if function not in known.functions:
        known.functions[function] = tf.function(functools.partial(function, model))
    return known.functions[function].get_concrete_function(*inputs)


def _forwards(model, inputs):
    return model(inputs, training=False)


def _forwards_and_back(model, inputs, classes):
    """Return the outputs, and d score[class] / d input.

    Compiled, it is faster than layer by layer, and drops each map as soon as nobody needs it.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        outputs = model(inputs, training=False)
        total = tf.reduce_sum(tf.gather(outputs, classes, batch_dims=1))
    return outputs, tape.gradient(total, inputs)


def _slopes(model, inputs, classes, part):
    """Return d score[class] / d input of one batch, `part` of all examples that `classes` is of."""
    tensor = _to_tensorflow(inputs)
    try:
        compiled = _compiled(
            model, _forwards_and_back, _any_batch(tensor), tf.TensorSpec((None,), tf.int64)
        )
    except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
        raise loop.refused(inputs, _first_layer(model), error) from error
    shape = (len(inputs), *compiled.output_shapes[0][1:])
    loop.check_class_scores(shape)
    chosen = expect_labels(classes, shape[1], "classes")[part]
    return compiled(tensor, tf.constant(chosen))[1].numpy()


def _any_batch(tensor):
    """Return the tensor's kind with any number of examples: short batches need no compiling."""
    return tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype)


def _outputs(model, inputs, tensor=None):
    """Return the model's outputs for a NumPy batch; say in words why it cannot take the batch."""
    if inputs.dtype == np.uint8 and isinstance(_first(model), layers.Embedding):
        # Keras would take 3 / 255 for token 0 and say nothing.
        raise loop.refused(inputs, _first_layer(model), TypeError("these are not whole numbers"))
    try:
        if tensor is None:
            tensor = _to_tensorflow(inputs)
            outputs = _compiled(model, _forwards, _any_batch(tensor))(tensor)
        else:
            outputs = model(tensor, training=False)
    except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
        raise loop.refused(inputs, _first_layer(model), error) from error
    if not tf.is_tensor(outputs):
        raise KindError(
            f"The model gives a {type(outputs).__name__}, but should give one tensor, such as "
            "scores (N, K)."
        )
    return outputs


def _first(model):
    return next((layer for layer in _flatten(model) if layer.weights), model)


def _first_layer(model):
    """Say what the first layer with weights wants."""
    shape = getattr(model, "input_shape", None) or ()
    sizes = ", ".join("any" if size is None else str(size) for size in shape[1:])
    return type(_first(model)).__name__ + (f" (N, {sizes})" if sizes else "")


def _to_tensorflow(inputs):
    if inputs.dtype == np.uint8:
        return tf.constant(inputs.astype("float32") / 255)
    return tf.constant(inputs, tf.float32 if inputs.dtype == np.float64 else None)


def _batches(array, size):
    return (array[start : start + size] for start in range(0, len(array), size))


def _layer(model, layer):
    _expect_model(model)
    flat = list(_flatten(model))
    if isinstance(layer, str):
        named = {found.name: found for found in flat}
        if layer not in named:
            raise RangeError(f"The model has no layer {layer!r}. It has: {', '.join(named)}.")
        return named[layer]
    with_kernel = [
        each for each in flat if hasattr(each, "kernel") or isinstance(each, layers.Embedding)
    ]
    if not 0 <= layer < len(with_kernel):
        raise RangeError(
            f"Layer {layer} was asked for, but the model has {len(with_kernel)} layers with a "
            "kernel, counted from 0."
        )
    return with_kernel[layer]


def _flatten(model):
    """Yield every layer; in place of a model or a wrapper, the layers inside it."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _flatten(layer)
        elif isinstance(layer, layers.Bidirectional):
            yield from (layer.forward_layer, layer.backward_layer)
        elif isinstance(layer, layers.TimeDistributed):
            yield layer.layer
        else:
            yield layer


def _kind(layer):
    """Return a layer's kind (see `backends.Layer`), or None."""
    kind = next((kind for kind, classes in KINDS.items() if isinstance(layer, classes)), None)
    if kind == "convolution" and layer.groups > 1 == layer.kernel.shape[-2]:
        return "depthwise convolution"
    return kind


def _slots(model):
    """Yield (layer, kind, {part: variable}) for every layer that has weights."""
    _expect_model(model)
    if not model.built:
        raise KindError(
            "The model has no weights yet: give it a keras.Input, or call it once with a batch."
        )
    for layer in _flatten(model):
        if not layer.weights:
            continue
        if (kind := _kind(layer)) is None:
            raise KindError(
                f"Layer {layer.name!r} ({type(layer).__name__}) has weights of its own, "
                f"{', '.join(weight.name for weight in layer.weights)}, that the course cannot "
                f"compare. It knows these kinds of layers: {', '.join(KINDS)}."
            )
        owner = layer.cell if isinstance(layer, layers.RNN) else layer
        found = {part: getattr(owner, part, None) for part in PARTS.get(kind, ("kernel", "bias"))}
        if kind == "embedding":
            found = {"kernel": found["embeddings"]}
        yield layer, kind, {part: each for part, each in found.items() if each is not None}


def _to_layout(kind, arrays):
    """Turn Keras arrays {part: array} into the layout of `backends.Layer`."""
    if kind == "convolution":
        return arrays | {"kernel": np.moveaxis(arrays["kernel"], -1, 0)}
    if kind == "depthwise convolution":  # (…, C, filters of each) to (C · filters of each, …, 1)
        kernel = arrays["kernel"]
        kernel = np.moveaxis(kernel.reshape(*kernel.shape[:-2], -1), -1, 0)
        return arrays | {"kernel": kernel[..., None]}
    if kind == "transposed convolution":  # Keras (…, filters, C)
        return arrays | {"kernel": np.moveaxis(arrays["kernel"], -2, 0)}
    if kind == "gru" and np.ndim(arrays.get("bias")) == 2:
        return arrays | {"bias": arrays["bias"][0], "recurrent_bias": arrays["bias"][1]}
    return arrays


def _from_layout(kind, arrays):
    """Undo `_to_layout`."""
    if kind == "convolution":
        return arrays | {"kernel": np.moveaxis(arrays["kernel"], 0, -1)}
    if kind == "depthwise convolution":
        return arrays | {"kernel": np.moveaxis(arrays["kernel"][..., 0], 0, -1)}
    if kind == "transposed convolution":
        return arrays | {"kernel": np.moveaxis(arrays["kernel"], 0, -2)}
    if kind == "gru" and "recurrent_bias" in arrays:
        rest = {part: array for part, array in arrays.items() if not part.endswith("bias")}
        return rest | {"bias": np.stack([arrays["bias"], arrays["recurrent_bias"]])}
    return arrays


def _settings(layer, kind):
    names = {
        "batch norm": ("epsilon", "momentum"),
        "layer norm": ("epsilon",),
        "gru": ("reset_after",),
    }
    settings = {name: getattr(layer, name) for name in names.get(kind, ())}
    if isinstance(layer, layers.RNN):
        settings["activation"] = layer.activation.__name__
    if kind in ("lstm", "gru"):
        settings["gate activation"] = layer.recurrent_activation.__name__
    return settings


def _usual_axes(layer):
    return {3: ("T", "D"), 4: ("H", "W", "C")}.get(len(_shapes(layer)[0]), ("?",))


def _shapes(layer):
    """Return the shapes of what goes into a layer and comes out of it."""
    try:
        return layer.input.shape, layer.output.shape
    except AttributeError as error:
        raise KindError(
            f"Which map layer {layer.name!r} ({type(layer).__name__}) reads is not known, because "
            "the model is written as a class. Build it from keras.Input: as a Sequential, or "
            "keras.Model(inputs, outputs)."
        ) from error
