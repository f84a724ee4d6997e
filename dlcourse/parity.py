"""Prove two frameworks equal: carry weights between models, compare what both compute."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from dlcourse import backends
from dlcourse.arrays import expect_examples, expect_number, to_numpy
from dlcourse.backends.checks import batch_targets
from dlcourse.errors import KindError, ShapeError
from dlcourse.results import Table

import numpy as np

CONVENTIONS = {  # kind of layer: (what the frameworks do differently, what is done about it)
    "dense": ("kernel: PyTorch (outputs, inputs), Keras (inputs, outputs)", "transposed"),
    "convolution": ("kernel: PyTorch (filters, C, …), Keras (…, C, filters)", "axes reordered"),
    "depthwise convolution": (
        "kernel: PyTorch (filters, 1, …), Keras (…, C, filters of each)",
        "axes reordered",
    ),
    "transposed convolution": (
        "kernel: PyTorch (C, filters, …), Keras (…, filters, C)",
        "axes reordered",
    ),
    "batch norm": (
        "momentum: PyTorch's is the new batch's share, Keras's the old average's; "
        "running variance: PyTorch divides by N - 1, Keras by N",
        "copied",
    ),
    "layer norm": ("nothing but the default epsilon", "copied"),
    "embedding": ("nothing", "copied"),
    "simple recurrent": ("biases: PyTorch two, Keras one", "kernels transposed"),
    "lstm": ("biases: PyTorch two, Keras one; gates: i, f, g, o in both", "kernels transposed"),
    "gru": ("gates: PyTorch r, z, n, Keras z, r, h", "gates reordered, kernels transposed"),
}
BIASES = {  # the target's framework: what happens where PyTorch has two biases and Keras one
    "PyTorch": "second bias set to 0 and frozen",
    "Keras": "biases added up (to train equally, freeze PyTorch's second: requires_grad_(False))",
}
SETTABLE = ("epsilon", "momentum")
SHARED, ALONE = "weights shared with", "no other layer"  # a condition, see `backends.Layer`
NOT_COMPARED = "moving_variance"  # PyTorch divides by N - 1, Keras by N: both are right


def carry_weights(source, target) -> Table:
    """Copy the weights of `source` into `target`, the same network in the other framework.

    Layers are paired in the order in which the models hold them. Nothing is written before every
    pair is known to fit. Batch norm's epsilon and momentum are carried too.

    Args:
        source: A PyTorch or a Keras model.
        target: A model of the other framework, changed in place.

    Returns:
        Table with a row for each layer: the convention that differs, and what was done about it.

    Raises:
        ShapeError: Two paired layers differ in size, or the models in their number of layers.
        KindError: Two paired layers differ in kind, or it cannot be known how to carry one.

    Example:
        >>> import keras
        >>> twin = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10)])
        >>> table = parity.carry_weights(network, twin)
    """
    ours, theirs = backends.of(source), backends.of(target)
    if type(ours) is type(theirs):
        raise KindError(
            f"Both models are {ours.NAME} models, but should be one of each framework. Within one "
            "framework no convention differs: use load_state_dict (PyTorch) or set_weights (Keras)."
        )
    rows = []
    for index, pair in enumerate(_pairs(source, target, _example(source, target))):
        arrays = pair.carried(pair.first.arrays)
        backends.set_layer_weights(target, index, arrays, pair.first.settings)
        rows.append(_report(pair, theirs.NAME))
    return Table((ours.NAME, theirs.NAME, "what differs", "what was done"), tuple(rows))


class Quantity(NamedTuple):
    """One thing that two models computed, how far apart they are, and where that begins.

    `where` is the first part, in the model's order, that differs by more than is allowed; of the
    scores it is the first layer that is set up differently, which may be why.

    Example:
        >>> parity.Quantity("loss", 3e-7, 1e-5, "").equal
        True
    """

    name: str
    difference: float
    allowed: float
    where: str

    @property
    def equal(self) -> bool:
        """Say whether the difference is as small as allowed."""
        return self.difference <= self.allowed


@dataclass(frozen=True, repr=False)
class Parity:
    """What `compare` found; shows as a small table.

    A difference is absolute for values up to 1 and relative to the largest value above that. It is
    shown as the power of ten that it does not pass: the same text on every machine.

    Attributes:
        rows: A Quantity each for forward scores, loss, gradient and weights after one step.

    Example:
        >>> result = parity.compare(network, network, digits.test.features, digits.test.labels)
        >>> result.ok, result.largest
        (True, 0.0)
    """

    rows: tuple

    @property
    def largest(self) -> float:
        """Return the largest difference."""
        return max(row.difference for row in self.rows)

    @property
    def ok(self) -> bool:
        """Say whether every quantity is equal, up to the tolerance."""
        return all(row.equal for row in self.rows)

    def _table(self):
        rows = (
            (row.name, _bound(row.difference, row.allowed), _power(row.allowed))
            + (("yes", "") if row.equal else ("no", row.where))
            for row in self.rows
        )
        return Table(("quantity", "largest difference", "allowed", "equal", "where"), tuple(rows))

    def __str__(self):
        return str(self._table())

    __repr__ = __str__

    def _repr_html_(self):
        return self._table()._repr_html_()


def compare(first, second, images, labels, learning_rate=0.1, tolerance=1e-5, loss=None) -> Parity:
    """Compare what two models compute for one batch: forwards, backwards, in a step of SGD.

    Both models stay as they are. Dropout is off, since no two frameworks draw the same numbers.

    Args:
        first, second: Models of the same layers, of one framework or of two.
        images: Array (N, …), one batch that both can take.
        labels: N class indices, or floats of the outputs' shape.
        learning_rate: Size of the step.
        tolerance: Largest difference that counts as equal, ten times as much in the gradient.
        loss: "cross-entropy", "squared error" or "absolute error"; None means the first for class
            indices and the second for floats.

    Returns:
        Parity: the largest difference in scores, loss, gradient and weights after the step.

    Raises:
        ShapeError, KindError: The models' layers do not pair up; see `carry_weights`.

    Example:
        >>> result = parity.compare(network, network, digits.test.features, digits.test.labels)
        >>> result.ok
        True
    """
    expect_examples(images, labels)
    expect_number(tolerance, "tolerance", low=0)
    pairs = _pairs(first, second, to_numpy(images)[:2])
    labels, loss = batch_targets(labels, loss)
    step = {"learning_rate": learning_rate, "loss": loss}
    ours, theirs = (_measure(model, images, labels, step) for model in (first, second))
    gradients = _by_part(pairs, ours.gradients, theirs.gradients)
    stepped = _by_part(pairs, ours.stepped, theirs.stepped)
    unlike = next(filter(None, map(_unlike, pairs)), "")
    rows = [
        _quantity("forward scores", [(unlike, ours.scores, theirs.scores)], tolerance),
        _quantity("loss", [("", ours.loss, theirs.loss)], tolerance),
        _quantity("gradient", gradients, 10 * tolerance),  # a sum over every pixel of every example
        _quantity("weights after one SGD step", stepped, tolerance),
    ]
    return Parity(tuple(rows))


class _Pair(NamedTuple):
    """Two layers that should be the same; `order` puts the first's inputs as the second's are."""

    first: backends.Layer
    second: backends.Layer
    order: np.ndarray | None

    def carried(self, arrays):
        """Return the first layer's arrays with the dense inputs in the second layer's order."""
        if self.order is None:
            return arrays
        parts = ["kernel"] if "kernel" in arrays else [*arrays]  # of a norm: all of them
        return arrays | {part: arrays[part][self.order] for part in parts if part in arrays}


def _unlike(pair):
    """Return what two layers have that may change the numbers and no weights carry, or ""."""
    theirs = pair.second.conditions
    found = [
        f"{name} {ours} against {theirs[name]}"
        for name, ours in pair.first.conditions.items()
        if name != SHARED and ours != theirs.get(name, ours)
    ]
    shared = pair.first.conditions[SHARED], theirs[SHARED]
    if shared.count(ALONE) == 1:
        found.append(f"{SHARED} {shared[0]} against {shared[1]}")
    return f"{pair.first.name} {', '.join(found)}" if found else ""


def _pairs(first, second, example):
    """Return the layers of two models as pairs that fit, or say which do not."""
    names = [backends.of(model).NAME for model in (first, second)]
    layers = [backends.layers_with_weights(model) for model in (first, second)]
    if len(layers[0]) != len(layers[1]):
        listed = "; ".join(
            f"{name}: {', '.join(each.type for each in found)}"
            for name, found in zip(names, layers)
        )
        raise ShapeError(
            f"The first model has {len(layers[0])} layers with weights, the second "
            f"{len(layers[1])}, so they cannot be paired. {listed}. "
            "Build both from the same layers in the same order."
        )
    for ours, theirs in zip(*layers):
        _expect_same(names[0], ours, names[1], theirs)
    orders = _orders(first, second, layers, example) if names[0] != names[1] else {}
    indices = range(len(layers[0]))
    return [_Pair(layers[0][index], layers[1][index], orders.get(index)) for index in indices]


def _expect_same(our_name, ours, their_name, theirs):
    """Check that two layers can hold the same weights."""
    met = f"{_described(our_name, ours)} meets {_described(their_name, theirs)}"
    if ours.kind != theirs.kind:
        raise KindError(
            f"{met}: a {ours.kind} layer and a {theirs.kind} layer. "
            "Give both models the same layers in the same order."
        )
    for setting in ours.settings:
        if setting not in SETTABLE and ours.settings[setting] != theirs.settings[setting]:
            raise KindError(
                f"{met}, but `{setting}` is {ours.settings[setting]!r} in the first and "
                f"{theirs.settings[setting]!r} in the second, which no weights can make up for. "
                "Make one layer again, with the other's value."
            )
    several_axes = any(array.ndim > 2 for array in ours.arrays.values())
    if ours.kind == "layer norm" and our_name != their_name and several_axes:
        raise KindError(
            f"{met}, each over three axes or more: a picture's are C, H, W in PyTorch and H, W, C "
            "in Keras, and whether these are a picture's cannot be known. Normalise over one axis."
        )
    if lacking := set(ours.arrays) ^ set(theirs.arrays):
        raise ShapeError(
            f"{met}, but only one of them has: {', '.join(sorted(lacking))}. Give it to both or to "
            "neither (bias=False in PyTorch, use_bias=False in Keras; in a norm affine=False in "
            "PyTorch, center=False and scale=False in Keras)."
        )
    if any(array.shape != theirs.arrays[part].shape for part, array in ours.arrays.items()):
        raise ShapeError(
            f"{met}: the shapes differ. Make both layers the same size. "
            "(A kernel is shown as (inputs, outputs), a convolution's as (filters, …, C).)"
        )


def _described(framework, layer):
    shapes = ", ".join(f"{part} {array.shape}" for part, array in layer.arrays.items())
    return f"{framework} layer {layer.name!r} ({layer.type}: {shapes})"


def _orders(first, second, layers, example):
    """Return {index: order of inputs} for layers that read a map flattened in two ways."""
    kinds = "dense", "batch norm", "layer norm"
    dense = [index for index, layer in enumerate(layers[0]) if layer.kind in kinds]
    if not dense:
        return {}
    if example is None:
        if any(layer.kind.endswith("convolution") for layer in layers[0][: dense[-1]]):
            raise KindError(
                "A dense layer follows a convolution, and PyTorch flattens a map as C, H, W but "
                "Keras as H, W, C. Which map is flattened cannot be known, because the Keras model "
                "has no fixed input shape: build it from keras.Input."
            )
        return {}
    ours, theirs = (backends.flattened_maps(model, example) for model in (first, second))
    orders = {
        index: _order(layers[0][index], ours.get(index), theirs.get(index)) for index in dense
    }
    return {index: order for index, order in orders.items() if order is not None}


def _order(layer, ours, theirs):
    """Return which of the first's inputs the second has at each index; None if both agree."""
    maps = [each for each in (ours, theirs) if each and sum(size > 1 for size in each[1]) > 1]
    if ours == theirs or not maps:
        return None
    if ours is None or theirs is None or dict(zip(*ours)) != dict(zip(*theirs)):
        seen = " and ".join(
            "an unknown map" if each is None else f"{', '.join(each[0])} = {each[1]}"
            for each in (ours, theirs)
        )
        raise KindError(
            f"The {layer.kind} layer {layer.name!r} reads a flattened map, {seen}, so it cannot be "
            f"known which of its {len(next(iter(layer.arrays.values())))} inputs belong together. "
            "Flatten the same map, with nn.Flatten in PyTorch and keras.layers.Flatten in Keras, "
            "one map alone for each layer."
        )
    indices = np.arange(math.prod(ours[1])).reshape(ours[1])
    return indices.transpose([ours[0].index(axis) for axis in theirs[0]]).ravel()


def _example(*models):
    """Return two zero examples of the shape that a model says it takes, or None if neither says."""
    shapes = [getattr(model, "input_shape", None) or _built_for(model) for model in models]
    shape = next((shape for shape in shapes if isinstance(shape, tuple)), None)
    if shape is None:
        return None
    sizes = (size or 8 for size in shape[1:])  # 8: long enough for most where any length will do
    layers = backends.layers_with_weights(models[0])
    tokens = layers and layers[0].kind == "embedding"
    return np.zeros((2, *sizes), "int64" if tokens else "float32")


def _built_for(model):
    """Return the shape of the pictures that a Keras model written as a class was built for."""
    config = model.get_build_config() if hasattr(model, "get_build_config") else None
    shape = (config or {}).get("input_shape")
    return shape if isinstance(shape, tuple) and len(shape) == 4 else None


def _report(pair, target):
    """Return the row of the table that says how one layer was carried."""
    differs, done = CONVENTIONS[pair.first.kind]
    if pair.order is not None:
        differs += "; flattened map: PyTorch C, H, W, Keras H, W, C"
        done += ", inputs reordered"
    if differs.startswith("biases") and "bias" in pair.first.arrays:
        done += f", {BIASES[target]}"
    for setting in SETTABLE:
        before, after = pair.second.settings.get(setting), pair.first.settings.get(setting)
        if before != after:
            done += f", {setting} {before:g} set to {after:g}"
            done += " (as Keras counts)" if setting == "momentum" else ""
    if unlike := _unlike(pair):
        done += f". Not carried: {unlike.removeprefix(pair.first.name).strip()}"
    names = (f"{layer.name} ({layer.type})".strip() for layer in pair[:2])
    return (*names, differs, done)


class _Measured(NamedTuple):
    scores: np.ndarray
    loss: float
    gradients: list
    stepped: list


def _measure(model, images, labels, step):
    scores = backends.scores(model, images)
    loss, gradients = backends.loss_and_gradients(model, images, labels, step["loss"])
    step = step | {"optimizer": "sgd", "batch_size": len(images)}
    with backends.trial(model) as twin:
        if backends.of(twin).trained():  # else a step changes nothing
            backends.fit(twin, images, labels, shuffle=False, show=False, **step)
        stepped = [layer.arrays for layer in backends.layers_with_weights(twin)]
    return _Measured(scores, loss, gradients, stepped)


def _by_part(pairs, ours, theirs):
    """Yield (where, first array, second array) for every part that should be equal."""
    for pair, first, second in zip(pairs, ours, theirs):
        first = pair.carried(first)
        for part in sorted(first.keys() - {NOT_COMPARED}):
            yield f"{pair.first.name} {part}", first[part], second[part]


def _quantity(name, compared, allowed):
    differences = [(where, _difference(ours, theirs)) for where, ours, theirs in compared]
    # Not the largest: which one that is depends on the rounding of this machine.
    unequal = (where for where, difference in differences if not difference <= allowed)
    largest = max((each for _, each in differences), default=0.0)  # of no weights: none
    return Quantity(name, largest, allowed, next(unequal, ""))


def _difference(ours, theirs):
    """Return the largest difference: absolute up to 1, relative above; infinite with nan."""
    if np.shape(ours) != np.shape(theirs):
        return math.inf
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    apart = ours != theirs  # scores that a mask has set to -inf are equal, and have no difference
    if not apart.any():
        return 0.0
    with np.errstate(invalid="ignore"):
        largest = float(np.max(np.abs(ours[apart] - theirs[apart])))
    largest /= max(1.0, float(np.max(np.abs(theirs[np.isfinite(theirs)]), initial=0)))
    return largest if math.isfinite(largest) else math.inf


def _bound(difference, allowed):
    """Return "≤ 1e-6" and the like: the smallest power of ten, at least a tenth of the allowed."""
    if difference == math.inf:
        return "not a number"
    if not max(difference, allowed):
        return "0"
    return "≤ " + _power(10.0 ** math.ceil(math.log10(max(difference, allowed / 10)) - 1e-6))


def _power(number):
    mantissa, exponent = f"{number:.0e}".split("e")
    return f"{number:g}" if number >= 0.01 else f"{mantissa}e{int(exponent)}"
