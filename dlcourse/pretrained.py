"""Networks with the weights that others trained: the same ones in either framework."""

import importlib
from typing import Any

from dlcourse import backends, data
from dlcourse.errors import RangeError, expect_text

BUILDERS = {"efficientnet-lite0": "efficientnet_lite0"}  # card of the weights: network's function
FRAMEWORKS = ("pytorch", "keras")


def load(name, framework) -> Any:
    """Return a pretrained network, ready to predict.

    Args:
        name: "efficientnet-lite0": ImageNet's 1000 classes (see `classes`), for pictures of
            224 × 224 pixels, values 0..1.
        framework: "pytorch" (in evaluation mode) or "keras".

    Returns:
        A torch.nn.Sequential or a keras.Model that gives raw scores (N, 1000).

    Raises:
        RangeError: No such network or framework.
        DataError: The file of the weights is missing or damaged.

    Example:
        >>> network = pretrained.load("efficientnet-lite0", "pytorch")
        >>> backends.scores(network, np.zeros((1, 224, 224, 3), "float32")).shape
        (1, 1000)
    """
    _expect_known(name)
    if expect_text(framework, "framework") not in FRAMEWORKS:
        raise RangeError(
            f"`framework` is {framework!r}, but should be one of these: {', '.join(FRAMEWORKS)}."
        )
    networks = importlib.import_module(f"dlcourse.networks.{framework}")
    model = getattr(networks, BUILDERS[name])()
    stored = data.weights(name)
    for index, layer in enumerate(backends.layers_with_weights(model)):
        arrays = {part: stored[f"{layer.name}.{part}"] for part in layer.arrays}
        backends.set_layer_weights(model, index, arrays, {})
    return model.eval() if framework == "pytorch" else model


def classes(name) -> tuple:
    """Return the names of a pretrained network's classes, in the order of its scores.

    Example:
        >>> pretrained.classes("efficientnet-lite0")[281]
        'tabby, tabby cat'
    """
    _expect_known(name)
    return tuple(data.weights(name)["classes"].tolist())


def _expect_known(name):
    if expect_text(name, "name") not in BUILDERS:
        raise RangeError(
            f"There is no pretrained network {name!r}. There are: {', '.join(BUILDERS)}."
        )
