"""What the course needs from PyTorch. NumPy arrays come in and go out, pictures as (N, H, W, C)."""

import copy

import numpy as np
import torch

from dlcourse.arrays import expect_axes, expect_examples, expect_labels, to_numpy
from dlcourse.backends import loop
from dlcourse.errors import KindError, RangeError
from dlcourse.results import Evaluation

WITH_KERNEL = (
    torch.nn.Linear,
    torch.nn.modules.conv._ConvNd,
    torch.nn.Embedding,
)


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
    model.to("cuda" if torch.cuda.is_available() else "cpu")
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
    with _evaluating(model), torch.no_grad():
        return np.concatenate([_to_course(model(_to_torch(model, part))) for part in _batches(images, batch_size)])


def weights(model, layer):
    """Return a layer's kernel as NumPy, laid out alike in both backends.

    Args:
        model: A model of this framework.
        layer: Its name, or its place (0, 1, …) among the layers that have a kernel.

    Returns:
        Dense (inputs, outputs); convolution (filters, H, W, C); embedding (tokens, D).
    """
    found = _layer(model, layer)
    if not isinstance(found, WITH_KERNEL):
        raise KindError(f"Layer {layer!r} is a {type(found).__name__} and has no kernel.")
    kernel = to_numpy(found.weight)
    if isinstance(found, torch.nn.Linear):
        return kernel.T
    return kernel if isinstance(found, torch.nn.Embedding) else np.moveaxis(kernel, 1, -1)


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
    with _evaluating(model):
        for start in range(0, len(images), batch_size):
            inputs = _to_torch(model, images[start : start + batch_size]).requires_grad_()
            outputs = model(inputs)
            chosen = expect_labels(classes, outputs.shape[1], "classes")[start : start + batch_size]
            total = outputs[torch.arange(len(chosen)), torch.from_numpy(chosen)].sum()
            gradients.append(_to_course(torch.autograd.grad(total, inputs)[0]))
    return np.concatenate(gradients)


def activations(model, images, layer, batch_size=256):
    """Return what a layer gives for `images`: (N, H, W, C) of a convolution, (N, D) of a dense layer.

    Args:
        model: A model of this framework.
        images: Array (N, …).
        layer: Its name, or its place (0, 1, …) among the layers that have a kernel.
        batch_size: Examples at a time; fewer need less memory.
    """
    images, seen = to_numpy(images), []
    expect_examples(images, images)
    hook = _layer(model, layer).register_forward_hook(lambda _layer, _inputs, output: seen.append(_to_course(output)))
    try:
        scores(model, images, batch_size)
    finally:
        hook.remove()
    return np.concatenate(seen)


class _Trainer:
    """One model, its optimizer and its loss: see `loop.Trainer`."""

    def __init__(self, model, optimizer, learning_rate, loss):
        self.model = model
        self.loss, self.classifies = _loss(loss)
        self.optimizer = _optimizer(model, optimizer, learning_rate)
        if any(parameter.ndim == 4 for parameter in model.parameters()):
            model.to(memory_format=torch.channels_last)  # several times faster on a CPU

    def check(self, inputs, targets, options):
        """Look at one batch before training, so that mistakes show at once and in words."""
        if not self.classifies:
            return
        outputs = scores(self.model, inputs)
        for labels in (targets, *([options.valid[1]] if options.valid else [])):
            labels = expect_labels(labels, None)
            loop.check_scores(outputs, np.concatenate([labels[: len(outputs) - 1], [labels.max()]]))

    def step(self, inputs, targets):
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        targets = torch.from_numpy(targets).to(_device(self.model))
        outputs = self.model(_to_torch(self.model, inputs))
        loss = self.loss(outputs, targets)
        loss.backward()
        self.optimizer.step()
        return loss.item(), (outputs.argmax(1) == targets).sum().item() if self.classifies else None

    def evaluate(self, inputs, targets, batch_size):
        if self.classifies:
            return evaluate(self.model, inputs, targets, batch_size)
        total = 0.0
        with _evaluating(self.model), torch.no_grad():
            for start in range(0, len(inputs), batch_size):
                part = targets[start : start + batch_size]
                outputs = self.model(_to_torch(self.model, inputs[start : start + batch_size]))
                total += self.loss(outputs, torch.from_numpy(part).to(outputs.device)).item() * len(part)
        return Evaluation(total / len(inputs), None)

    def set_learning_rate(self, learning_rate):
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate

    def learning_rate(self):
        return self.optimizer.param_groups[0]["lr"]

    def copy_weights(self):
        return copy.deepcopy(self.model.state_dict())

    def restore_weights(self, weights):
        self.model.load_state_dict(weights)


class _evaluating:
    """Put the model in evaluation mode (dropout off, batch norm by its averages), then back as it was."""

    def __init__(self, model):
        self.model, self.was_training = model, model.training

    def __enter__(self):
        self.model.eval()

    def __exit__(self, *_):
        self.model.train(self.was_training)


def _optimizer(model, optimizer, learning_rate):
    made = {
        "sgd": lambda: torch.optim.SGD(model.parameters(), lr=0.1),
        "adam": lambda: torch.optim.Adam(model.parameters(), lr=0.001),
    }
    if isinstance(optimizer, str):
        if optimizer not in made:
            raise RangeError(f"`optimizer` is {optimizer!r}, but one of {', '.join(made)}, or a torch optimizer, is wanted.")
        optimizer = made[optimizer]()
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise KindError(f"`optimizer` is a {type(optimizer).__name__}, but a name or a torch.optim.Optimizer is wanted.")
    mine = {id(parameter) for parameter in model.parameters()}
    if not any(id(parameter) in mine for group in optimizer.param_groups for parameter in group["params"]):
        raise KindError("The optimizer was made for another model: make it again from this model's parameters().")
    if learning_rate is not None:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
    return optimizer


def _loss(loss):
    if loss == "cross-entropy":
        return torch.nn.functional.cross_entropy, True
    if callable(loss):
        return loss, False
    raise KindError(f'`loss` is {loss!r}, but "cross-entropy" or a function (outputs, targets) is wanted.')


def _device(model):
    parameter = next(model.parameters(), None)
    return parameter.device if parameter is not None else torch.device("cpu")


def _to_torch(model, inputs):
    """Return a batch on the model's device: pictures as (N, C, H, W) in channels-last memory, bytes as 0..1."""
    inputs = np.ascontiguousarray(inputs)
    if not inputs.flags.writeable:  # a dataset's arrays are read-only, and PyTorch has no such tensors
        inputs = inputs.copy()
    tensor = torch.from_numpy(inputs).to(_device(model))
    if tensor.dtype == torch.uint8:
        tensor = tensor.float().div_(255)
    elif tensor.dtype == torch.float64:
        tensor = tensor.float()
    return tensor.permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor


def _to_course(tensor):
    return to_numpy(tensor.permute(0, 2, 3, 1) if tensor.ndim == 4 else tensor)


def _batches(array, size):
    return (array[start : start + size] for start in range(0, len(array), size))


def _layer(model, layer):
    named = {name: module for name, module in model.named_modules() if name}
    if isinstance(layer, str):
        if layer not in named:
            raise RangeError(f"The model has no layer {layer!r}. It has: {', '.join(named)}.")
        return named[layer]
    with_kernel = [module for module in named.values() if isinstance(module, WITH_KERNEL)]
    if not 0 <= layer < len(with_kernel):
        raise RangeError(f"Layer {layer} was asked for, but the model has {len(with_kernel)} layers with a kernel, from 0.")
    return with_kernel[layer]
