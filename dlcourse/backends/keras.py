"""Keras on TensorFlow as `backends.interface.Backend` wants it."""

import functools
from contextlib import contextmanager

from dlcourse.arrays import to_numpy
from dlcourse.backends import checks
from dlcourse.backends.interface import Slot
from dlcourse.errors import KindError, RangeError

import keras
import numpy as np
import tensorflow as tf
from keras import layers

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


def _cross_entropy(outputs, labels):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, outputs))


LOSSES = {
    "cross-entropy": _cross_entropy,
    "squared error": lambda outputs, targets: tf.reduce_mean(tf.square(outputs - targets)),
    "absolute error": lambda outputs, targets: tf.reduce_mean(tf.abs(outputs - targets)),
}


class Keras:
    """A keras.Model: see `backends.interface.Backend`."""

    NAME = "Keras"

    def __init__(self, model):
        self.model = model

    # Looking

    def build(self, inputs):
        if not self.model.built:
            _outputs(self.model, inputs[:1], _to_tensorflow(inputs[:1]))

    def to_device(self):
        """Do nothing: TensorFlow has put the model where it is to be trained."""

    def outputs(self, inputs):
        return to_numpy(_outputs(self.model, inputs))

    def input_slopes(self, inputs, classes_for):
        tensor = _to_tensorflow(inputs)
        try:
            compiled = _compiled(
                self.model, _forwards_and_back, _any_batch(tensor), tf.TensorSpec((None,), tf.int64)
            )
        except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
            raise checks.refused(inputs, _first_layer(self.model), error) from error
        classes = classes_for((len(inputs), *compiled.output_shapes[0][1:]))
        return compiled(tensor, tf.constant(classes))[1].numpy()

    def named_layers(self):
        return [(layer.name, layer) for layer in _flatten(self.model)]

    def has_kernel(self, layer):
        return hasattr(layer, "kernel") or isinstance(layer, layers.Embedding)

    def kernel(self, layer):
        if isinstance(layer, layers.Embedding):
            return to_numpy(layer.embeddings)
        if not hasattr(layer, "kernel"):
            return None
        return self.lay_out(_kind(layer), {"kernel": to_numpy(layer.kernel)})["kernel"]

    def reader(self, name, layer):
        _shapes(layer)  # refuses a layer whose place in the model is not known
        return Keras(keras.Model(self.model.inputs, layer.output)).outputs

    def slope_reader(self, name, layer):
        def read(inputs, classes_for):
            with tf.GradientTape() as tape, _watched(layer, tape) as seen:
                outputs = _outputs(self.model, inputs, _to_tensorflow(inputs))
                checks.check_seen(seen, name, tf.Tensor)
                classes = classes_for(outputs.shape)
                total = tf.reduce_sum(tf.gather(outputs, classes, batch_dims=1))
            slopes = tape.gradient(total, seen[0], unconnected_gradients="zero")
            return seen[0].numpy(), slopes.numpy()

        return read

    # Comparing and carrying

    def slots(self):
        if not self.model.built:
            raise KindError(
                "The model has no weights yet: give it a keras.Input, or call it once with a batch."
            )
        slots = []
        for layer in _flatten(self.model):
            if not layer.weights:
                continue
            if (kind := _kind(layer)) is None:
                raise KindError(
                    f"Layer {layer.name!r} ({type(layer).__name__}) has weights of its own, "
                    f"{', '.join(weight.name for weight in layer.weights)}, that the course cannot "
                    f"compare. It knows these kinds of layers: {', '.join(KINDS)}."
                )
            owner = layer.cell if isinstance(layer, layers.RNN) else layer
            parts = PARTS.get(kind, ("kernel", "bias"))
            named = {part: getattr(owner, part, None) for part in parts}
            if kind == "embedding":
                named = {"kernel": named["embeddings"]}
            held = {part: variable for part, variable in named.items() if variable is not None}
            slots.append(Slot(layer.name, layer, kind, held))
        return slots

    def lay_out(self, kind, arrays):
        return _to_layout(kind, arrays)

    def settings(self, slot):
        layer, kind = slot.owner, slot.kind
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

    def assign(self, slot, arrays, settings):
        for part, array in _from_layout(slot.kind, arrays).items():
            if slot.kind == "depthwise convolution":
                array = array.reshape(slot.tensors[part].shape)
            slot.tensors[part].assign(array)
        for name in ("epsilon", "momentum"):
            if name in settings:
                setattr(slot.owner, name, settings[name])
        if settings:  # what was compiled before keeps the old ones, so it has to be compiled again
            for name in (COMPILED, "train_function", "test_function", "predict_function"):
                setattr(self.model, name, None)

    def loss_and_slopes(self, inputs, targets, loss):
        with tf.GradientTape() as tape:
            outputs = self.model(_to_tensorflow(inputs), training=True)
            mean_loss = LOSSES[loss](outputs, _targets(targets))
        variables = self.model.trainable_variables
        gradients = tape.gradient(mean_loss, variables, unconnected_gradients="zero")
        gradient_of = dict(zip(map(id, variables), gradients))
        slopes = []
        for slot in self.slots():
            of_slot = {}
            for part, variable in slot.tensors.items():
                if part.startswith("moving"):
                    continue  # batch norm's averages are not trained
                slope = gradient_of.get(id(variable), tf.zeros(variable.shape))  # 0: it is frozen
                of_slot[part] = tf.convert_to_tensor(slope).numpy()  # an embedding's is sparse
            slopes.append(of_slot)
        return float(mean_loss), slopes

    def flattened_maps(self, inputs):
        self.build(inputs)
        slots, maps, names, flat = self.slots(), {}, None, None
        index_of = {id(slot.owner): index for index, slot in enumerate(slots)}
        for layer in _flatten(self.model):
            if isinstance(layer, layers.Permute):
                names = names or _usual_axes(layer)
                names = tuple(names[axis - 1] for axis in layer.dims)
            elif (
                isinstance(layer, (layers.Flatten, layers.Reshape)) and len(_shapes(layer)[1]) == 2
            ):
                flat, names = (names or _usual_axes(layer), _shapes(layer)[0][1:]), None
            elif isinstance(layer, layers.Dense):
                index = index_of[id(layer)]
                if flat and np.prod(flat[1]) == slots[index].tensors["kernel"].shape[0]:
                    maps[index] = flat
                flat = None
        return maps

    @contextmanager
    def trial(self):
        weights = self.model.get_weights()
        flat = list(_flatten(self.model))
        switches = [(layer, "rate") for layer in flat if isinstance(layer, DROPOUT)]
        cells = [layer.cell for layer in flat if isinstance(layer, layers.RNN)]
        switches += [(cell, name) for cell in cells for name in ("dropout", "recurrent_dropout")]
        before = [getattr(owner, name) for owner, name in switches]
        try:
            for owner, name in switches:
                setattr(owner, name, 0.0)
            yield self.model
        finally:
            for (owner, name), rate in zip(switches, before):
                setattr(owner, name, rate)
            self.model.set_weights(weights)

    def trainer(self, optimizer, learning_rate, loss):
        return _Trainer(self, optimizer, learning_rate, loss)


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
    """See `backends.interface.Trainer`."""

    def __init__(self, backend, optimizer, learning_rate, loss):
        self.model, self.outputs = backend.model, backend.outputs
        self.classifies = loss == "cross-entropy"
        self.loss = loss if callable(loss) else LOSSES[loss]
        self.optimizer = _optimizer(optimizer, learning_rate)
        self.optimizer.build(self.model.trainable_variables)  # does nothing if it is built already
        self.rate = self.learning_rate()
        self._compiled_step = tf.function(self._step, reduce_retracing=True)

    def check(self, inputs, targets, options):
        batch, targets_of_batch = _to_tensorflow(inputs), _targets(targets[: len(inputs)])
        outputs = _outputs(self.model, inputs, batch)  # not compiled: it is needed only once
        checks.check_outputs(to_numpy(outputs), targets, options)
        if not self.classifies:
            checks.check_loss(self.loss(outputs, targets_of_batch))
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
        return loss, tf.math.count_nonzero(tf.argmax(outputs, axis=-1) == targets)

    def step(self, inputs, targets):
        loss, right = self._compiled_step(_to_tensorflow(inputs), _targets(targets))
        return float(loss), int(right) if self.classifies else None

    def mean_loss(self, inputs, targets):
        loss = self.loss(_outputs(self.model, inputs), _targets(targets))
        checks.check_loss(loss)
        return float(loss)

    def learning_rate(self):
        # Keras keeps it as float32: 0.1 comes back as 0.10000000149.
        return float(f"{float(self.optimizer.learning_rate):.7g}")

    def scale_learning_rate(self, factor):
        _set_learning_rate(self.optimizer, self.rate * factor)


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


def _targets(targets):
    return _to_tensorflow(targets) if targets.ndim == 4 else tf.constant(targets)


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


def _any_batch(tensor):
    """Return the tensor's kind with any number of examples: short batches need no compiling."""
    return tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype)


def _outputs(model, inputs, tensor=None):
    """Return the model's outputs for a NumPy batch; say in words why it cannot take the batch."""
    if inputs.dtype == np.uint8 and isinstance(_first(model), layers.Embedding):
        # Keras would take 3 / 255 for token 0 and say nothing.
        raise checks.refused(inputs, _first_layer(model), TypeError("these are not whole numbers"))
    try:
        if tensor is None:
            tensor = _to_tensorflow(inputs)
            outputs = _compiled(model, _forwards, _any_batch(tensor))(tensor)
        else:
            outputs = model(tensor, training=False)
    except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
        raise checks.refused(inputs, _first_layer(model), error) from error
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
