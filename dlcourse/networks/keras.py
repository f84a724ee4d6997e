"""Networks from the literature in Keras."""

from dlcourse.networks import efficientnet_blocks

import keras
from keras import layers


def efficientnet_lite0(classes=1000) -> keras.Model:
    """Return an untrained EfficientNet-lite0 for pictures of 224 × 224 pixels, values 0..1.

    Its layers have the names of the PyTorch network's parts: `scale`, `stem.conv`, …,
    `block_15.project.norm`, `pooled` (1280 features), `classifier`. It gives raw scores
    (N, classes).

    Source:
        Tan and Le (2019), EfficientNet. https://arxiv.org/abs/1905.11946
    """
    images = keras.Input((224, 224, 3))
    maps = layers.Rescaling(255 / 128, offset=-127 / 128, name="scale")(images)
    maps = _convolution(maps, 32, 3, "stem", stride=2)
    for name, window, stride, wider, channels, filters in efficientnet_blocks():
        maps = _inverted_bottleneck(maps, channels, filters, window, stride, wider, name)
    maps = _convolution(maps, 1280, 1, "head")
    features = layers.GlobalAveragePooling2D(name="pooled")(maps)
    return keras.Model(images, layers.Dense(classes, name="classifier")(features))


def _inverted_bottleneck(maps, channels, filters, window, stride, wider, name):
    """Widen, convolve each map by itself, narrow; added to the input if it fits."""
    output = maps
    if wider > 1:
        output = _convolution(output, channels * wider, 1, f"{name}.expand")
    depthwise = layers.DepthwiseConv2D(
        window, stride, padding="same", use_bias=False, name=f"{name}.depthwise.conv"
    )
    output = _normed(depthwise(output), f"{name}.depthwise")
    output = _convolution(output, filters, 1, f"{name}.project", activation=False)
    skips = stride == 1 and channels == filters
    return layers.Add(name=name)([output, maps]) if skips else output


def _convolution(maps, filters, window, name, stride=1, activation=True):
    """Apply a padded convolution with batch norm, and ReLU up to 6 unless it is left out."""
    convolution = layers.Conv2D(
        filters, window, stride, padding="same", use_bias=False, name=f"{name}.conv"
    )
    return _normed(convolution(maps), name, activation)


def _normed(maps, name, activation=True):
    maps = layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=f"{name}.norm")(maps)
    return layers.ReLU(max_value=6, name=f"{name}.relu6")(maps) if activation else maps
