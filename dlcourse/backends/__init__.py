"""One module per framework, all offering the same functions. See `of(model)`."""

import importlib
import sys
from typing import NamedTuple

from dlcourse.errors import KindError


class Layer(NamedTuple):
    """One layer's weights, laid out alike for every framework: to be compared and carried.

    Attributes:
        name, type: What the framework calls the layer and its class: "conv2d_1", "Conv2D".
        kind: "dense", "convolution", "depthwise convolution", "transposed convolution",
            "batch norm", "layer norm", "embedding", "simple recurrent", "lstm" or "gru".
        arrays: {part: NumPy array}. A kernel is (inputs, outputs) in a dense or recurrent layer,
            (filters, …, C) in a convolution of any kind, (tokens, D) in an embedding. Gates
            stand side by side: i, f, g, o in an LSTM, z, r, h in a GRU.
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
        f"The model is a {type(model).__name__}, but a torch.nn.Module or a keras.Model is wanted."
    )
