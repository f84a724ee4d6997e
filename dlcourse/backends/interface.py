"""What the class of a framework must be able to do, for `dlcourse.backends` to use its models."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

import numpy as np


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
        conditions: What may change them too, and need not, since the model may make up for it
            elsewhere: "padding", "strides", "dilation", the axis of "steps", "mask", "shared with".
    """

    name: str
    type: str
    kind: str
    arrays: dict
    settings: dict
    conditions: dict


class Slot(NamedTuple):
    """A layer with weights as its framework holds it: `tensors` by part, in its own layout."""

    name: str
    owner: Any
    kind: str
    tensors: dict


class Run(NamedTuple):
    """One layer at work on a batch. Axes are the framework's own: (N, C, H, W) in PyTorch.

    Attributes:
        name, type: What the framework calls the layer and its class: "conv2d_1", "Conv2D".
        gets, gives: Shapes of what goes in and what comes out, batch axis included.
        parameters: How many weights and biases it holds that no layer before it holds.
        follows: Whether it gets what the layer before it gave, and nothing was done in between.
    """

    name: str
    type: str
    gets: tuple
    gives: tuple
    parameters: int
    follows: bool


class Backend(Protocol):
    """A model of one framework. Batches are NumPy arrays, pictures (N, H, W, C) both ways.

    "Looking" means in evaluation mode: no dropout, batch norm by its averages.
    """

    NAME: str
    model: Any
    dtype: np.dtype  # kind of floats that the model computes with
    known: dict  # what `checks` has found out by asking the model

    @property
    def narrowest(self) -> tuple:
        """Return (name, largest number) of the kind of floats that ends first, as float16 does."""

    def build(self, inputs: np.ndarray) -> None:
        """Make the weights, if the model makes them when it meets its first inputs."""

    def looked_up(self, tokens: np.ndarray) -> list:
        """Return what each embedding was asked for, as (its number of rows, array), in order.

        It ends before the first array that an embedding has no row for.

        Args:
            tokens: int64 array (1, …), one example; or floats, where a part of it is looked up.
        """

    def first_given(self, inputs: np.ndarray) -> np.ndarray | None:
        """Return what the first layer with weights is given, looking; without one, the outputs.

        Args:
            inputs: Array (1, …) of floats, one example.

        Returns:
            Array, or None if the model cannot take the example.
        """

    def to_device(self) -> None:
        """Move the model to where it is to be trained."""

    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        """Return what the model gives for a batch, looking.

        Raises:
            ShapeError: It cannot take the batch; see `checks.refused`.
        """

    def input_slopes(self, inputs: np.ndarray, classes_for) -> np.ndarray:
        """Return d score[class] / d input, looking, for classes `classes_for(outputs.shape)`."""

    def named_layers(self) -> list:
        """Return (name, layer) of every layer, in the model's order."""

    def runs(self, inputs: np.ndarray, depth: int) -> list[Run]:
        """Return what each layer does with a batch, looking, in the order in which they run.

        A block of layers counts as one, unless it lies less than `depth` blocks deep.
        """

    def parameters(self) -> int:
        """Return how many weights and biases the model holds; running averages are neither."""

    def has_kernel(self, layer) -> bool: ...

    def kernel(self, layer) -> np.ndarray | None:
        """Return a layer's kernel, laid out as in `Layer`, or None if it has none."""

    def reader(self, name, layer) -> Callable:
        """Return a function of a batch that gives what this layer gives, looking."""

    def slope_reader(self, name, layer) -> Callable:
        """Return a function (batch, classes_for) → (what the layer gives, its slopes)."""

    def slots(self) -> list[Slot]:
        """Return every layer that has weights, in the model's order.

        Raises:
            KindError: A layer with weights of a kind that cannot be compared.
        """

    def lay_out(self, kind: str, arrays: dict) -> dict:
        """Return a slot's NumPy arrays in the layout of `Layer`."""

    def settings(self, slot: Slot) -> dict:
        """Return a slot's settings, as `Layer` says."""

    def conditions(self, slot: Slot) -> dict:
        """Return a slot's conditions, as `Layer` says, "shared with" aside."""

    def assign(self, slot: Slot, arrays: dict, settings: dict) -> None:
        """Write arrays, laid out as `Layer` says, and settings into the model."""

    def loss_and_slopes(
        self, inputs: np.ndarray, targets: np.ndarray, loss: str
    ) -> tuple[float, list]:
        """Return the loss of a batch in training mode, and {part: slope} for each slot."""

    def flattened_maps(self, inputs: np.ndarray) -> dict:
        """Return {index of a dense slot: (axes, sizes) of the flattened map that it reads}."""

    def trial(self) -> AbstractContextManager:
        """Lend the model for a trial with dropout off; afterwards it is as it was."""

    def trained(self) -> list:
        """Return the weights that training changes: those that are not frozen."""

    def trainer(self, optimizer, learning_rate: float | None, loss) -> "Trainer":
        """Return what trains the model."""


class Trainer(Protocol):
    """One model, its optimizer and its loss."""

    backend: Backend

    def check(self, inputs: np.ndarray, targets: np.ndarray, options) -> None:
        """Look at a first batch before training, so that mistakes show at once and in words."""

    def step(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[float, int | None]:
        """Take one step; return the mean loss, and how many labels a classifier got right."""

    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        """Return what the model gives for a batch, looking."""

    def mean_loss(self, inputs: np.ndarray, targets: np.ndarray) -> float:
        """Return the loss of a batch, looking."""

    def learning_rate(self) -> float: ...

    def scale_learning_rate(self, factor: float) -> None:
        """Set the learning rate to `factor` times what it was when the training started."""
