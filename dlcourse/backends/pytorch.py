"""What the course needs from PyTorch. NumPy arrays come in and go out, pictures as (N, H, W, C)."""

import copy
from contextlib import contextmanager

from dlcourse.arrays import expect_examples, expect_labels, to_numpy
from dlcourse.backends import Layer, loop
from dlcourse.errors import CourseError, KindError, RangeError, ShapeError
from dlcourse.results import Evaluation

import numpy as np
import torch
from torch import nn

NAME = "PyTorch"
WITH_KERNEL = (nn.Linear, nn.modules.conv._ConvNd, nn.Embedding)
KINDS = {
    "dense": nn.Linear,
    "convolution": (nn.Conv1d, nn.Conv2d, nn.Conv3d),
    "transposed convolution": (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    "batch norm": (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d),
    "layer norm": nn.LayerNorm,
    "embedding": nn.Embedding,
    "simple recurrent": nn.RNN,
    "lstm": nn.LSTM,
    "gru": nn.GRU,
}
PARTS = {"weight": "kernel", "bias": "bias"}
NORM_PARTS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
RECURRENT_PARTS = {
    "weight_ih": "kernel",
    "weight_hh": "recurrent_kernel",
    "bias_ih": "bias",
    "bias_hh": "recurrent_bias",
}
DROPOUT = (
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)
LOSSES = {
    "cross-entropy": nn.functional.cross_entropy,
    "squared error": nn.functional.mse_loss,
    "absolute error": nn.functional.l1_loss,
}
ONE_BIAS = (
    "simple recurrent",
    "lstm",
)  # two biases that are only ever added up: the course counts their sum


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
    model.to("cuda" if torch.cuda.is_available() else "cpu")
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
    with _evaluating(model), torch.no_grad():
        return np.concatenate(
            [_to_course(_outputs(model, part)) for part in _batches(images, batch_size)]
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
    if not isinstance(found, WITH_KERNEL):
        raise KindError(f"Layer {layer!r} is a {type(found).__name__} and has no kernel.")
    return _to_layout(_kind(found), "kernel", to_numpy(found.weight))


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
    with _evaluating(model):
        for start in range(0, len(images), batch_size):
            part = images[start : start + batch_size]
            inputs = _to_torch(model, part).requires_grad_()
            outputs = _outputs(model, part, inputs)
            loop.check_class_scores(outputs.shape)
            chosen = expect_labels(classes, outputs.shape[1], "classes")[start : start + batch_size]
            total = outputs[torch.arange(len(chosen)), torch.from_numpy(chosen)].sum()
            gradients.append(_to_course(torch.autograd.grad(total, inputs)[0]))
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
    images, seen = to_numpy(images), []
    expect_examples(images, images)

    def keep(_layer, _inputs, output):
        seen.append(_to_course(output).copy())  # what follows may change its input in place

    hook = _layer(model, layer).register_forward_hook(keep)
    try:
        scores(model, images, batch_size)
    finally:
        hook.remove()
    return np.concatenate(seen)


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
    images, found = to_numpy(images), _layer(model, layer)
    expect_examples(images, classes, targets_name="classes")
    seen, pairs = [], []

    def cut(_layer, _inputs, output):
        if not isinstance(output, torch.Tensor):
            seen.append(output)
            return output
        seen.append(output.detach().requires_grad_())
        return seen[-1].clone()  # what follows may change its input in place

    hook = found.register_forward_hook(cut)
    try:
        with _evaluating(model):
            for start in range(0, len(images), batch_size):
                seen.clear()
                outputs = _outputs(model, images[start : start + batch_size])
                loop.check_seen(seen, layer, torch.Tensor)
                chosen = expect_labels(classes, outputs.shape[1], "classes")
                chosen = torch.from_numpy(chosen[start : start + batch_size])
                total = outputs[torch.arange(len(chosen)), chosen].sum()
                slope = torch.autograd.grad(total, seen[0], materialize_grads=True)[0]
                pairs.append((_to_course(seen[0]), _to_course(slope)))
    finally:
        hook.remove()
    return tuple(np.concatenate(part) for part in zip(*pairs))


def layers_with_weights(model):
    """Return every layer that has weights, in the model's order, as a list of `backends.Layer`.

    Raises:
        KindError: A layer with weights of a kind that cannot be laid out the same in both backends.
    """
    layers = []
    for name, module, kind, tensors in _slots(model):
        arrays = {
            part: _to_layout(kind, part, to_numpy(tensor)).copy()
            for part, tensor in tensors.items()
        }
        if kind in ONE_BIAS and "bias" in arrays:
            arrays["bias"] += arrays.pop("recurrent_bias")
        layers.append(Layer(name, type(module).__name__, kind, arrays, _settings(module, kind)))
    return layers


def set_layer_weights(model, place, arrays, settings):
    """Write one layer's weights and settings into the model.

    Args:
        model: A model of this framework, changed in place.
        place: The layer's place (0, 1, …) in `layers_with_weights`.
        arrays: {part: array}, laid out as `backends.Layer` says.
        settings: {name: value}; epsilon and momentum are set, others cannot be.
    """
    _, module, kind, tensors = list(_slots(model))[place]
    with torch.no_grad():
        for part, array in arrays.items():
            array = np.ascontiguousarray(_from_layout(kind, part, array))
            tensors[part].copy_(torch.from_numpy(array))
        if kind in ONE_BIAS and "recurrent_bias" in tensors:
            tensors["recurrent_bias"].zero_()  # frozen, or the sum of both takes double steps
            tensors["recurrent_bias"].requires_grad_(False)
    if "epsilon" in settings:
        module.eps = settings["epsilon"]
    if "momentum" in settings:
        module.momentum = round(1 - settings["momentum"], 12)


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
    with trial(model) as model:
        model.train()
        outputs = _outputs(model, images)
        loop.check_batch(_to_course(outputs), targets, loss)
        model.zero_grad()
        loss = LOSSES[loss](outputs, _targets(model, targets))
        loss.backward()
    gradients = []
    for _, _, kind, tensors in _slots(model):
        layer = {}
        for part, tensor in tensors.items():
            if part.startswith("moving") or (part == "recurrent_bias" and kind in ONE_BIAS):
                continue
            gradient = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
            layer[part] = _to_layout(kind, part, to_numpy(gradient))
        gradients.append(layer)
    return loss.item(), gradients


def flattened_maps(model, images):
    """Return which dense layers read a flattened map, and in which order its numbers come.

    Args:
        model: A model of this framework.
        images: Array (N, …), a few examples that it can take.

    Returns:
        {place in `layers_with_weights`: (axes, sizes)}, such as {2: (("H", "W", "C"), (4, 4, 16))}.
    """
    images, following = to_numpy(images), _AxisNames()
    inputs = _to_torch(model, images)
    with _evaluating(model), torch.no_grad(), following:
        _outputs(model, images, inputs)
    kernels = [id(tensors.get("kernel")) for _, _, _, tensors in _slots(model)]
    found = {place: following.read_by.get(kernel) for place, kernel in enumerate(kernels)}
    return {place: read for place, read in found.items() if read is not None}


@contextmanager
def trial(model):
    """Lend the model for a trial with dropout off; afterwards it is as it was.

    Use: `with trial(model) as model: …`
    """
    _expect_model(model)
    twin = copy.deepcopy(model)
    for module in twin.modules():
        if isinstance(module, DROPOUT):
            module.p = 0.0
        elif isinstance(module, nn.RNNBase):
            module.dropout = 0.0
    yield twin


class _Trainer:
    """One model, its optimizer and its loss: see `loop.Trainer`."""

    def __init__(self, model, optimizer, learning_rate, loss):
        self.model = model
        self.classifies = loss == "cross-entropy"
        self.loss = loss if callable(loss) else LOSSES[loss]
        self.optimizer = _optimizer(model, optimizer, learning_rate)
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        if any(parameter.ndim == 4 for parameter in model.parameters()):
            model.to(memory_format=torch.channels_last)  # lesson 21 times it

    def check(self, inputs, targets, options):
        """Look at one batch before training, so that mistakes show at once and in words."""
        loop.check_outputs(scores(self.model, inputs), targets, options)
        if not self.classifies:
            with _evaluating(self.model), torch.no_grad():
                outputs = _outputs(self.model, inputs)
                loop.check_loss(self.loss(outputs, _targets(self.model, targets[: len(inputs)])))

    def step(self, inputs, targets):
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        targets = _targets(self.model, targets)
        outputs = self.model(_to_torch(self.model, inputs))
        loss = self.loss(outputs, targets)
        loss.backward()
        self.optimizer.step()
        if not self.classifies:
            return loss.item(), None
        right = (outputs.argmax(1) == targets).sum()
        loss, right = torch.stack(
            [loss.detach(), right.to(loss.dtype)]
        ).tolist()  # one wait for the device, not two
        return loss, int(right)

    def evaluate(self, inputs, targets, batch_size):
        if self.classifies:
            return evaluate(self.model, inputs, targets, batch_size)
        total = 0.0
        with _evaluating(self.model), torch.no_grad():
            for start in range(0, len(inputs), batch_size):
                part = targets[start : start + batch_size]
                outputs = _outputs(self.model, inputs[start : start + batch_size])
                total += self.loss(outputs, _targets(self.model, part)).item() * len(part)
        return Evaluation(total / len(inputs), None)

    def learning_rate(self):
        return self.optimizer.param_groups[0]["lr"]

    def scale_learning_rate(self, factor):
        for group, rate in zip(self.optimizer.param_groups, self.rates):
            group["lr"] = rate * factor

    def copy_weights(self):
        return copy.deepcopy(self.model.state_dict())

    def restore_weights(self, weights):
        self.model.load_state_dict(weights)


class _evaluating:
    """Put the model in evaluation mode (no dropout, batch norm by averages), then back.

    Each layer gets back its own mode: one that was frozen by `eval()` stays so.
    """

    def __init__(self, model):
        self.in_training = [layer for layer in model.modules() if layer.training]

    def __enter__(self):
        for layer in self.in_training:
            layer.training = False

    def __exit__(self, *_):
        for layer in self.in_training:
            layer.training = True


def _optimizer(model, optimizer, learning_rate):
    made = {
        "sgd": lambda: torch.optim.SGD(model.parameters(), lr=0.1),
        "adam": lambda: torch.optim.Adam(model.parameters(), lr=0.001),
    }
    if isinstance(optimizer, str):
        if optimizer not in made:
            raise RangeError(
                f"`optimizer` is {optimizer!r}, but should be one of {', '.join(made)}, "
                "or a torch optimizer."
            )
        optimizer = made[optimizer]()
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise KindError(
            f"`optimizer` is a {type(optimizer).__name__}, but should be a name or a "
            "torch.optim.Optimizer."
        )
    mine = {id(parameter) for parameter in model.parameters()}
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    if not mine & held:
        raise KindError(
            "The optimizer was made for another model: make it again from model.parameters()."
        )
    if learning_rate is not None:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
    return optimizer


def _expect_model(model):
    if not isinstance(model, nn.Module):
        raise KindError(
            f"The model is a {type(model).__module__.split('.')[0]} {type(model).__name__}, but "
            "should be a torch.nn.Module. For a Keras model, use dlcourse.backends.keras."
        )


def _device(model):
    parameter = next(model.parameters(), None)
    return parameter.device if parameter is not None else torch.device("cpu")


def _writeable(array):
    """Return the array, or a copy where PyTorch has no such tensors: read-only, turned around."""
    array = np.ascontiguousarray(array)
    return array if array.flags.writeable else array.copy()


def _to_torch(model, inputs):
    """Return a batch on the model's device: pictures as (N, C, H, W) in channels-last memory."""
    tensor = torch.from_numpy(_writeable(inputs)).to(_device(model))
    if tensor.dtype == torch.uint8:
        tensor = tensor.float().div_(255)
    elif tensor.dtype == torch.float64:
        tensor = tensor.float()
    return tensor.permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor


def _targets(model, targets):
    """Return targets on the model's device; pictures turned like the outputs they belong to."""
    if targets.ndim == 4:
        return _to_torch(model, targets)
    return torch.from_numpy(_writeable(targets)).to(_device(model))


def _to_course(tensor):
    return to_numpy(tensor.permute(0, 2, 3, 1) if tensor.ndim == 4 else tensor)


def _outputs(model, inputs, tensor=None):
    """Return the model's outputs for a NumPy batch; say in words why it cannot take the batch."""
    try:
        outputs = model(_to_torch(model, inputs) if tensor is None else tensor)
    except CourseError:
        raise
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        if "view size" in str(error):
            raise ShapeError(
                "The model calls .view() on pictures, which needs them in memory as (N, C, H, W). "
                "They lie there as (N, H, W, C), which trains several times faster. "
                "Use nn.Flatten(), .flatten(1) or .reshape()."
            ) from error
        raise loop.refused(inputs, _first_layer(model), error) from error
    if not isinstance(outputs, torch.Tensor):
        raise KindError(
            f"The model gives a {type(outputs).__name__}, but should give one tensor, such as "
            "scores (N, K)."
        )
    return outputs


def _first_layer(model):
    """Say what the first layer with weights wants."""
    first = next((each for each in model.modules() if list(each.parameters(recurse=False))), model)
    wanted = {
        nn.Linear: lambda: f"(N, {first.in_features})",
        nn.Conv2d: lambda: f"(N, H, W, {first.in_channels})",
        nn.Embedding: lambda: f"of (N, T) whole numbers from 0 to {first.num_embeddings - 1}",
        nn.RNNBase: lambda: f"(N, T, {first.input_size})",
    }
    text = next((say() for kind, say in wanted.items() if isinstance(first, kind)), "")
    return f"{type(first).__name__} {text}".strip()


def _batches(array, size):
    return (array[start : start + size] for start in range(0, len(array), size))


def _layer(model, layer):
    _expect_model(model)
    named = {name: module for name, module in model.named_modules() if name}
    if isinstance(layer, str):
        if layer not in named:
            raise RangeError(f"The model has no layer {layer!r}. It has: {', '.join(named)}.")
        return named[layer]
    with_kernel = [module for module in named.values() if isinstance(module, WITH_KERNEL)]
    if not 0 <= layer < len(with_kernel):
        raise RangeError(
            f"Layer {layer} was asked for, but the model has {len(with_kernel)} layers with a "
            "kernel, counted from 0."
        )
    return with_kernel[layer]


def _kind(module):
    """Return a layer's kind (see `backends.Layer`), or None."""
    kind = next((kind for kind, classes in KINDS.items() if isinstance(module, classes)), None)
    if kind == "convolution" and module.groups == module.in_channels > 1:
        return "depthwise convolution"
    return kind


def _slots(model):
    """Yield (name, module, kind, {part: tensor}) for every layer that has weights."""
    _expect_model(model)
    for name, module in model.named_modules():
        kind = _kind(module)
        tensors = dict(module.named_parameters(recurse=False))
        if kind == "batch norm":
            buffers = dict(module.named_buffers(recurse=False))
            tensors |= {key: buffers[key] for key in NORM_PARTS if key in buffers}
        if not tensors:
            continue
        if kind is None:
            raise KindError(
                f"Layer {name!r} ({type(module).__name__}) has weights of its own, "
                f"{', '.join(tensors)}, that the course cannot compare. "
                f"It knows these kinds of layers: {', '.join(KINDS)}."
            )
        if isinstance(module, nn.RNNBase):
            # One such layer may hold several: "_l0", "_l0_reverse", "_l1", …
            for suffix in (key[len("weight_ih") :] for key in tensors if "weight_ih" in key):
                names = {key + suffix: part for key, part in RECURRENT_PARTS.items()}
                parts = {part: tensors[key] for key, part in names.items() if key in tensors}
                yield name + (suffix if suffix != "_l0" else ""), module, kind, parts
        else:
            parts = NORM_PARTS if kind in ("batch norm", "layer norm") else PARTS
            yield name, module, kind, {parts[key]: tensor for key, tensor in tensors.items()}


def _to_layout(kind, part, array):
    """Turn a PyTorch array into the layout of `backends.Layer`."""
    if kind == "gru":
        array = _swap_gates(array)
    if kind in ("convolution", "depthwise convolution") and part == "kernel":
        return np.moveaxis(array, 1, -1)
    if kind == "transposed convolution" and part == "kernel":  # PyTorch (C, filters, …)
        return np.moveaxis(array, 0, -1)
    return array.T if part.endswith("kernel") and kind != "embedding" else array


def _from_layout(kind, part, array):
    """Undo `_to_layout`."""
    if kind in ("convolution", "depthwise convolution") and part == "kernel":
        return np.moveaxis(array, -1, 1)
    if kind == "transposed convolution" and part == "kernel":
        return np.moveaxis(array, -1, 0)
    array = array.T if part.endswith("kernel") and kind != "embedding" else array
    return _swap_gates(array) if kind == "gru" else array


def _swap_gates(array):
    reset, update, new = np.split(array, 3)  # PyTorch: r, z, n; the course and Keras: z, r, h
    return np.concatenate([update, reset, new])


def _settings(module, kind):
    if kind == "batch norm" and module.momentum is None:
        raise KindError(
            "The batch norm has momentum=None, a plain mean over all batches, which Keras lacks. "
            "Give a number."
        )
    return {
        "batch norm": lambda: {"epsilon": module.eps, "momentum": round(1 - module.momentum, 12)},
        "layer norm": lambda: {"epsilon": module.eps},
        "simple recurrent": lambda: {"activation": module.nonlinearity},
        "lstm": lambda: {"activation": "tanh", "gate activation": "sigmoid"},
        "gru": lambda: {"activation": "tanh", "gate activation": "sigmoid", "reset_after": True},
    }.get(kind, dict)()


class _AxisNames(torch.overrides.TorchFunctionMode):
    """Follows the names of a map's axes through the model to the dense layer that reads it."""

    TURNS = ("permute", "transpose", "movedim", "moveaxis", "swapaxes", "swapdims")
    USUAL = {3: ("T", "D"), 4: ("C", "H", "W")}  # noqa: RUF012

    def __init__(self):
        super().__init__()
        self.maps = {}  # id of a tensor: the tensor (kept alive), its map's names and sizes of axes
        self.read_by = {}  # id of a dense kernel: names and sizes of the map that it reads

    def __torch_function__(self, function, types, args=(), kwargs=None):
        output = function(*args, **(kwargs or {}))
        given = args[0] if args else None
        if not isinstance(given, torch.Tensor) or not isinstance(output, torch.Tensor):
            return output
        usual = (given, self.USUAL.get(given.ndim), tuple(given.shape[1:]))
        _, names, sizes = self.maps.get(id(given), usual)
        if names is None:
            return output
        if function.__name__ == "linear" and given.ndim == 2:
            self.read_by[id(args[1])] = names, sizes
        elif output.shape == (len(given), np.prod(given.shape[1:])):  # flattened, or flat before
            self.maps[id(output)] = output, names, sizes
        elif output.ndim == given.ndim > 2:
            if function.__name__ in self.TURNS:
                numbered = torch.empty(tuple(range(given.ndim)))  # each axis as long as its number
                turned = function(numbered, *args[1:], **(kwargs or {})).shape
                names = tuple(names[axis - 1] for axis in turned[1:])
            self.maps[id(output)] = output, names, tuple(output.shape[1:])
        return output
