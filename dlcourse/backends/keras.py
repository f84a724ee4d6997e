"""Keras on TensorFlow as `backends.interface.Backend` wants it."""

import contextlib
import functools
from contextlib import contextmanager

from dlcourse.arrays import as_floats, to_numpy
from dlcourse.backends import checks
from dlcourse.backends.interface import Run, Slot
from dlcourse.errors import CourseError, KindError, RangeError

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
# What Keras itself writes into a model while it is used.
UNSETTLED = ("built", "train_function", "test_function", "predict_function", "stop_training")
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
        if any(getattr(each, "stateful", False) for each in _inside(model)):
            raise KindError(
                "A stateful recurrent layer starts each batch where the one before ended, so that "
                "no two calls agree. Make it with stateful=False."
            )
        self.known = {}  # what `checks` has found out by asking the model
        self._wants_whole = None  # whether whole numbers are tokens, once it is known

    @property
    def dtype(self):
        kinds = (weight.dtype for weight in self.model.weights if "float" in weight.dtype)
        # Half precision is Keras's affair: it brings float32 to what each layer works with.
        return np.dtype("float64" if next(kinds, "") == "float64" else "float32")

    @property
    def narrowest(self):
        half = any(layer.compute_dtype == "float16" for layer in _flatten(self.model))
        kind = "float16" if half else self.dtype.name
        return kind, float(np.finfo(kind).max)

    # Looking

    def build(self, inputs):
        if not self.model.built:
            self._outputs(inputs[:1], compiled=False)

    def looked_up(self, tokens):
        tables = [each for each in _flatten(self.model) if isinstance(each, layers.Embedding)]
        found = []

        def keep(given, _output, table=None):
            if _is_known(given) and tf.size(given):
                found.append((table.input_dim, to_numpy(given)))

        if tables:
            self._build(tf.constant(tokens))
        with contextlib.ExitStack() as watched:
            for table in tables:
                watched.enter_context(_called(table, functools.partial(keep, table=table)))
            # What is no model of tokens cannot take them; what it says then is of no interest.
            with checks.unheard():
                if tables:
                    self.model(tf.constant(tokens), training=False)
        return found

    def first_given(self, inputs):
        found = []

        def keep(given, output, layer):
            if layer.weights and not isinstance(layer, layers.Normalization):
                found.append(given)
                raise checks.Reached

        self._build(self.tensor(inputs))
        with contextlib.ExitStack() as watched:
            for layer in _flatten(self.model):
                watched.enter_context(_called(layer, functools.partial(keep, layer=layer)))
            # What the model says to an example that it cannot take is of no interest here.
            with checks.unheard():
                found.append(self.model(self.tensor(inputs), training=False))
        return to_numpy(found[0]) if found and _is_known(found[0]) else None

    def _build(self, tensor):
        """Let the model make its weights now, whose first call runs twice: once with no numbers."""
        if not self.model.built:
            with checks.unheard():  # it is said when the model is used
                self.model(tensor, training=False)

    def to_device(self):
        """Do nothing: TensorFlow has put the model where it is to be trained."""

    def outputs(self, inputs):
        return to_numpy(self._outputs(inputs))

    def input_slopes(self, inputs, classes_for):
        tensor = self.tensor(inputs)
        if len(getattr(self.model, "outputs", None) or [0]) > 1:
            self._outputs(inputs[:1], compiled=False)  # says that one tensor is wanted
        try:
            compiled = _compiled(
                self.model, _forwards_and_back, _any_batch(tensor), tf.TensorSpec((None,), tf.int64)
            )
        except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
            raise checks.refused(inputs, _first_layer(self.model), error) from error
        if isinstance(compiled, functools.partial):  # it runs as it is
            shape = self._outputs(inputs[:1], compiled=False).shape
        else:
            shape = compiled.output_shapes[0]
        classes = classes_for((len(inputs), *shape[1:]))
        slopes = compiled(tensor, tf.constant(classes))[1]
        if slopes is None:
            raise checks.no_slopes("they do not depend on the inputs")
        return to_numpy(slopes)

    def named_layers(self):
        return [(layer.name, layer) for layer in _flatten(self.model)]

    def runs(self, inputs, depth):
        self.build(inputs)
        runs, counted = [], set()
        with contextlib.ExitStack() as watched:
            last = [self.tensor(inputs)]  # what came out of the layer before
            for layer in _opened(self.model, depth):

                def keep(given, output, layer=layer):
                    alone, given, output = tf.is_tensor(given), _first_of(given), _first_of(output)
                    if not (tf.is_tensor(given) and tf.is_tensor(output)):
                        return
                    # Keras makes a new tensor of what comes into the model.
                    same = given is last[0] or (not runs and given.shape == last[0].shape)
                    new = {id(v): int(np.prod(v.shape)) for v in _parameters(layer)}
                    count = sum(size for key, size in new.items() if key not in counted)
                    counted.update(new)
                    shapes = tuple(given.shape), tuple(output.shape)
                    kind = type(layer).__name__
                    runs.append(Run(layer.name, kind, *shapes, count, alone and same))
                    last[0] = output

                watched.enter_context(_called(layer, keep))
            self._outputs(inputs, compiled=False)
        return runs

    def parameters(self):
        if not self.model.built:
            raise checks.no_weights_yet()
        return sum(int(np.prod(variable.shape)) for variable in _parameters(self.model))

    def has_kernel(self, layer):
        return hasattr(layer, "kernel") or isinstance(layer, layers.Embedding)

    def kernel(self, layer):
        if isinstance(layer, layers.Embedding):
            return to_numpy(layer.embeddings)
        if not hasattr(layer, "kernel"):
            return None
        return self.lay_out(_kind(layer), {"kernel": to_numpy(layer.kernel)})["kernel"]

    def reader(self, name, layer):
        part = []

        def read(inputs):
            if not part:
                with tf.GradientTape() as tape, _watched(layer, tape) as seen:
                    self._outputs(inputs[:1], compiled=False)
                checks.check_seen(seen, name, tf.Tensor)  # `layer.output` is its first call's only
                part.append(self._up_to(layer))
            return part[0].outputs(inputs) if part[0] else self._given(inputs, layer)

        return read

    def _up_to(self, layer):
        """Return the part of the model that ends in a layer; None for a layer inside another."""
        if not any(layer is each for each in self.model.layers):
            return None
        if len(layer._inbound_nodes) != 1:  # `layer.output` is that of its first call, anywhere
            return None
        try:
            part = Keras(keras.Model(self.model.inputs, layer.output))
        except (AttributeError, ValueError):  # a model written as a class
            return None
        # It takes its inputs as the whole does, though it may end before what that tells by.
        part.known = self.known
        return part

    def _given(self, inputs, layer):
        """Return what a layer gives in a run of the whole model, which is slower."""
        seen = []
        with _called(layer, lambda _, output: seen.append(output)):
            self._outputs(inputs, compiled=False)
        return to_numpy(seen[0])

    def slope_reader(self, name, layer):
        def read(inputs, classes_for):
            with tf.GradientTape() as tape, _watched(layer, tape) as seen:
                outputs = self._outputs(inputs, compiled=False)
                checks.check_seen(seen, name, tf.Tensor)
                classes = classes_for(outputs.shape)
                total = tf.reduce_sum(tf.gather(outputs, classes, batch_dims=1))
            slopes = tape.gradient(total, seen[0], unconnected_gradients="zero")
            return to_numpy(seen[0]), to_numpy(slopes)

        return read

    # Comparing and carrying

    def slots(self):
        if not self.model.built:
            raise checks.no_weights_yet()
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
            beyond = {id(each): each.path for each in layer.weights}
            for variable in held.values():
                beyond.pop(id(variable), None)
            _expect_nothing_beyond(f"Layer {layer.name!r}", beyond.values())
            slots.append(Slot(layer.name, layer, kind, held))
        held = {id(each) for slot in slots for each in slot.owner.weights}
        own = [each.path for each in self.model.weights if id(each) not in held]
        _expect_nothing_beyond("The model", own)
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
        if kind in ("convolution", "transposed convolution"):
            settings["groups"] = getattr(layer, "groups", 1)
        if kind == "batch norm":  # PyTorch's is over the channels, which come last here
            last = layer.axis in (-1, (layer.input_spec.ndim or 0) - 1)
            settings["axis"] = "the channels'" if last else layer.axis
        if isinstance(layer, layers.RNN):
            settings["activation"] = layer.activation.__name__
        if kind in ("lstm", "gru"):
            settings["gate activation"] = layer.recurrent_activation.__name__
        return settings

    def conditions(self, slot):
        layer = slot.owner
        if isinstance(layer, layers.RNN):
            return {"axis of the steps": 1}
        if isinstance(layer, layers.Embedding):
            mask = "token 0" if layer.mask_zero else "none"
            return {"mask": mask, "token that is not trained": "none", "row's length": "any"}
        if "convolution" not in slot.kind:
            return {}
        found = {"strides": tuple(layer.strides), "dilation": tuple(layer.dilation_rate)}
        if slot.kind == "transposed convolution":
            return found
        padding = ((0, 0),) * len(layer.strides)
        if layer.padding == "same":  # with strides it depends on the input's size
            padding = checks.same_padding(layer.kernel_size, layer.dilation_rate)
            padding = padding if set(layer.strides) == {1} else "same"
        elif layer.padding != "valid":
            padding = layer.padding
        return found | {"padding": padding, "padded with": "zeros"}

    def assign(self, slot, arrays, settings):
        for part, array in _from_layout(slot.kind, arrays).items():
            if slot.kind == "depthwise convolution":
                array = array.reshape(slot.tensors[part].shape)
            slot.tensors[part].assign(array.astype(slot.tensors[part].dtype))
        for name in ("epsilon", "momentum"):
            if name in settings:
                setattr(slot.owner, name, settings[name])
        if settings:  # what Keras compiled before keeps the old ones; `_compiled` sees it
            for name in ("train_function", "test_function", "predict_function"):
                setattr(self.model, name, None)

    def loss_and_slopes(self, inputs, targets, loss):
        tensor, states = self.tensor(inputs), self._random_states()
        inside = [self.model, *_inside(self.model)]
        with tf.GradientTape() as tape, checks.watching_chance(inside) as drawn_elsewhere:
            outputs = tf.cast(self.model(tensor, training=True), self.dtype)
            mean_loss = LOSSES[loss](outputs, self.targets(targets)) + self.penalties()
            again = self.model(tensor, training=True)
        drawn = drawn_elsewhere or states != self._random_states()
        if drawn or not np.allclose(outputs, again, 1e-4, 1e-4, equal_nan=True):
            raise checks.draws_random_numbers()
        variables = self.model.trainable_variables
        gradients = tape.gradient(mean_loss, variables)
        gradient_of = {  # None: the loss does not depend on it
            id(variable): gradient
            for variable, gradient in zip(variables, gradients)
            if gradient is not None
        }
        slopes = []
        for slot in self.slots():
            of_slot = {}
            for part, variable in slot.tensors.items():
                if part.startswith("moving"):
                    continue  # batch norm's averages are not trained
                slope = gradient_of.get(id(variable), tf.zeros(variable.shape))  # 0: frozen
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
            elif isinstance(layer, (layers.BatchNormalization, layers.LayerNormalization)) and flat:
                index = index_of.get(id(layer))
                if index is not None and np.prod(flat[1]) == _any(slots[index].tensors).shape[0]:
                    maps[index] = flat
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
        cells = [each for cell in cells for each in getattr(cell, "cells", [cell])]
        names = "dropout", "recurrent_dropout"
        switches += [(cell, name) for cell in cells for name in names if hasattr(cell, name)]
        before = [getattr(owner, name) for owner, name in switches]
        try:
            for owner, name in switches:
                setattr(owner, name, 0.0)
            yield self.model
        finally:
            for (owner, name), rate in zip(switches, before):
                setattr(owner, name, rate)
            self.model.set_weights(weights)

    def trained(self):
        return self.model.trainable_variables

    def trainer(self, optimizer, learning_rate, loss):
        return _Trainer(self, optimizer, learning_rate, loss)

    def tensor(self, inputs):
        """Return a batch as the model takes it: floats, or tokens as whole numbers."""
        if checks.may_be_tokens(inputs) and self._takes_whole(inputs):
            return tf.constant(inputs.astype("int64"))
        if inputs.dtype == np.uint8 and checks.scales_pixels(self, inputs):
            inputs = inputs.astype(self.dtype)
        return tf.constant(as_floats(inputs, self.dtype))

    def _takes_whole(self, inputs):
        """Return whether whole numbers are tokens to this model, as to an embedding."""
        if any("int" in each.dtype for each in getattr(self.model, "inputs", None) or ()):
            return True
        if self._wants_whole is None:
            self._wants_whole = checks.looks_up(self, inputs) or self._takes_only_whole(inputs)
        return self._wants_whole

    def _takes_only_whole(self, inputs):
        """Return whether the model refuses floats, since it looks up in a way of its own."""
        for dtype, taken in ((self.dtype, False), ("int64", True)):
            try:
                self.model(tf.constant(inputs[:2].astype(dtype)), training=False)
            except Exception:
                if taken:
                    return False
            else:
                return taken
        return False

    def targets(self, targets):
        """Return targets as a tensor; floats as the model computes with them."""
        is_float = targets.dtype.kind == "f"
        return tf.constant(targets, tf.as_dtype(self.dtype) if is_float else None)

    def penalties(self):
        """Return the sum of what regularizers add to the loss; they are known after a run."""
        return sum(tf.cast(each, self.dtype) for each in self.model.losses)

    def _random_states(self):
        return [v.numpy().tolist() for v in self.model.variables if "seed_generator" in v.path]

    def _outputs(self, inputs, compiled=True):
        """Return the outputs for a NumPy batch; say in words why the model cannot take it."""
        tensor = self.tensor(inputs)
        try:
            if compiled:
                outputs = _compiled(self.model, _forwards, _any_batch(tensor))(tensor)
            else:
                outputs = self.model(tensor, training=False)
        except CourseError:
            raise
        except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
            if (count := len(getattr(self.model, "inputs", None) or ())) > 1:
                raise KindError(
                    f"The model takes {count} inputs, but the course's functions hand over one "
                    "array. Join them along an axis, and cut them apart inside the model."
                ) from error
            raise checks.refused(inputs, _first_layer(self.model), error) from error
        except Exception as error:  # in a line of the learner's own
            raise checks.raised(inputs, error) from error
        if not tf.is_tensor(outputs):
            raise KindError(
                f"The model gives a {type(outputs).__name__}, but should give one tensor, such as "
                "scores (N, K)."
            )
        return outputs


def _is_known(tensor):
    """Return whether a tensor holds numbers; while Keras builds a model, they hold none."""
    return tf.is_tensor(tensor) and hasattr(tensor, "numpy")


def _expect_nothing_beyond(who, weights):
    """Check that no weights are left out of a comparison without a word."""
    if names := ", ".join(weights):
        raise KindError(f"{who} has weights that the course cannot compare: {names}.")


@contextmanager
def _called(layer, keep):
    """Call `keep(first input, output)` each time the layer runs, as a hook does in PyTorch."""
    call, own = layer.call, vars(layer).get("call")

    @functools.wraps(call)  # Keras reads the arguments' names
    def watching(*args, **kwargs):
        output = call(*args, **kwargs)
        keep(args[0] if args else None, output)
        return output

    layer.call = watching
    try:
        yield
    finally:
        if own is None:
            del layer.call  # the class's is there again
        else:
            layer.call = own


@contextmanager
def _watched(layer, tape):
    """Watch what a layer gives; yield the list that it is put into."""
    seen = []

    def keep(_, output):
        seen.append(output)
        if tf.is_tensor(output):
            tape.watch(output)

    with _called(layer, keep):
        yield seen


class _Trainer:
    """See `backends.interface.Trainer`."""

    def __init__(self, backend, optimizer, learning_rate, loss):
        self.backend, self.model, self.outputs = backend, backend.model, backend.outputs
        self.classifies = loss == "cross-entropy"
        self._loss = checks.own_loss(loss) if callable(loss) else LOSSES[loss]
        self._floats = False  # whether the learner's own loss wants whole numbers as floats
        checks.expect_trainable(backend.trained())
        self.optimizer = _optimizer(optimizer, learning_rate)
        self.optimizer.build(self.model.trainable_variables)  # does nothing if it is built already
        self.rate = self.learning_rate()
        self._compiled_step = tf.function(self._step, reduce_retracing=True)

    def check(self, inputs, targets, options):
        with self._expecting_more_than_one_value():
            outputs = self.backend._outputs(inputs, compiled=False)  # it is needed only once
        checks.check_outputs(to_numpy(outputs), targets, options)
        if not self.classifies:
            self._check_loss(outputs, targets[: len(inputs)])
        batch, targets_of_batch = self.backend.tensor(inputs), self._targets(targets[:1])
        try:
            self._compiled_step.get_concrete_function(
                _any_batch(batch), _any_batch(targets_of_batch)
            )
        except CourseError:
            raise
        except Exception as error:  # what a compiler says of the learner's own code has no one kind
            if "Unknown variable" in str(error):
                raise KindError(
                    "The optimizer was made for another model, or before this one's layers were "
                    "unfrozen: make a new one."
                ) from error
            if "No gradients provided" in str(error):
                raise checks.no_gradient("it does not depend on the weights") from error
            raise KindError(
                f"A step of training cannot be compiled: {checks.reason(error)}. In the model and "
                "in the loss, use the framework's own functions: NumPy's have no gradient."
            ) from error

    @contextmanager
    def _expecting_more_than_one_value(self):
        """Refuse a run in which batch norm gets one value for each channel."""
        counts = []

        def keep(given, _output, layer=None):
            counts.append(np.prod(given.shape, dtype=object) // given.shape[layer.axis])

        with contextlib.ExitStack() as watched:
            for layer in _flatten(self.model):
                if isinstance(layer, layers.BatchNormalization) and layer.trainable:
                    watched.enter_context(_called(layer, functools.partial(keep, layer=layer)))
            yield
        if 1 in counts:
            raise checks.single_example()

    def _check_loss(self, outputs, targets):
        try:
            self._expect_loss(outputs, targets)
        except KindError:
            if targets.dtype.kind not in "iub":
                raise
            self._floats = True  # TensorFlow does not mix kinds of numbers, as PyTorch does
            self._expect_loss(outputs, targets)

    def _expect_loss(self, outputs, targets):
        loss = self.loss(outputs, self._targets(targets))
        checks.check_loss(loss, tf.is_tensor(loss))
        return loss

    def _targets(self, targets):
        return self.backend.targets(targets.astype(self.backend.dtype) if self._floats else targets)

    def loss(self, outputs, targets):
        """Return the loss of a batch, taken in the model's own precision."""
        return self._loss(tf.cast(outputs, self.backend.dtype), targets)

    def _step(self, inputs, targets):
        with tf.GradientTape() as tape:
            outputs = self.model(inputs, training=True)
            loss = self.loss(outputs, targets)
            with_penalties = loss + self.backend.penalties()
            scaled = self.optimizer.scale_loss(with_penalties)  # of one for half precision
        variables = self.model.trainable_variables
        slopes = tape.gradient(scaled, variables)
        if any(each is not None for each in slopes):  # what the loss does not depend on stays
            variables = [v for v, slope in zip(variables, slopes) if slope is not None]
            slopes = [slope for slope in slopes if slope is not None]
        self.optimizer.apply(slopes, variables)
        # Without penalties, as `evaluate` and the validation give it.
        if not self.classifies:
            return loss, tf.constant(0)
        return loss, tf.math.count_nonzero(tf.argmax(outputs, axis=-1) == targets)

    def step(self, inputs, targets):
        tensors = self.backend.tensor(inputs), self._targets(targets)
        try:
            loss, right = self._compiled_step(*tensors)
        except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
            raise checks.refused(inputs, _first_layer(self.model), error) from error
        return float(loss), int(right) if self.classifies else None

    def mean_loss(self, inputs, targets):
        return float(self._expect_loss(self.backend._outputs(inputs), targets))

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


class _Compiled:
    """A model's compiled functions; kept with the model, since compiling takes a second."""

    def __init__(self, state):
        self.state, self.functions = state, {}


def _compiled(model, function, *inputs):
    """Return `function(model, …)`, compiled for inputs of these kinds."""
    if any(map(_is_own_code, (model, *_inside(model)))):
        return functools.partial(function, model)  # nobody knows what it reads
    known, state = getattr(model, COMPILED, None), _state(model)
    if known is None or known.state != state:  # a layer was added, or an activation changed
        known = _Compiled(state)
        setattr(model, COMPILED, known)
    if function not in known.functions:
        known.functions[function] = tf.function(functools.partial(function, model))
    return known.functions[function].get_concrete_function(*inputs)


def _state(model):
    """Return all that a compiled function has taken for fixed: layers and their own settings."""
    settings = []
    for each in (model, *_inside(model)):
        for name, value in vars(each).items():
            if name.startswith("_") or name in (COMPILED, *UNSETTLED):
                continue
            plain = isinstance(value, bool | int | float | str | tuple | type(None))
            settings.append((id(each), name, value if plain else id(value)))
    return settings


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


def _first(model):
    return next((layer for layer in _flatten(model) if layer.weights), model)


def _first_layer(model):
    """Say what the first layer with weights wants."""
    shape = getattr(model, "input_shape", None) or ()
    sizes = ", ".join("any" if size is None else str(size) for size in shape[1:])
    return type(_first(model)).__name__ + (f" (N, {sizes})" if sizes else "")


def _flatten(model):
    """Return every layer once; in place of a model, a wrapper or a block, the layers inside it."""
    return list({id(layer): layer for layer in _inside(model)}.values())


def _inside(model):
    for layer in model.layers if isinstance(model, keras.Model) else model._layers:
        if isinstance(layer, keras.Model) or _is_block(layer):
            yield from _inside(layer)
        elif isinstance(layer, layers.Bidirectional):
            yield from (layer.forward_layer, layer.backward_layer)
        elif isinstance(layer, layers.TimeDistributed):
            yield layer.layer
        else:
            yield layer


def _is_own_code(layer):
    """Return whether a layer runs code of the learner's own, which may read what it likes."""
    return not type(layer).__module__.startswith("keras.") or isinstance(layer, layers.Lambda)


def _is_block(layer):
    """Return whether a layer is of the learner's own class and made of other layers."""
    return bool(layer._layers) and not type(layer).__module__.startswith("keras.")


def _opened(model, depth):
    """Return the layers that a batch passes, those inside inner models up to this depth."""
    found = {}
    for layer in model.layers if isinstance(model, keras.Model) else model._layers:
        if depth > 1 and (isinstance(layer, keras.Model) or _is_block(layer)):
            found |= {id(each): each for each in _opened(layer, depth - 1)}
        elif not isinstance(layer, layers.InputLayer):
            found[id(layer)] = layer
    return list(found.values())


def _first_of(value):
    """Return the first of several tensors: layers may take or give more than one."""
    return value[0] if isinstance(value, (list, tuple)) and value else value


def _parameters(layer):
    """Return weights and biases, without the averages that batch norm keeps."""
    return [weight for weight in layer.weights if not weight.name.startswith("moving_")]


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


def _any(tensors):
    return next(iter(tensors.values()))


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
