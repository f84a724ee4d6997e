"""Networks from the literature in PyTorch."""

from collections import OrderedDict

from dlcourse.networks import efficientnet_blocks

import torch
from torch import nn


def efficientnet_lite0(classes=1000) -> nn.Sequential:
    """Return an untrained EfficientNet-lite0 for pictures of 224 × 224 pixels, values 0..1.

    Its parts, by name: `scale`, `stem`, `block_0` … `block_15`, `head`, `pooled` (1280 features),
    `classifier`. It gives raw scores (N, classes).

    Source:
        Tan and Le (2019), EfficientNet. https://arxiv.org/abs/1905.11946
    """
    parts = OrderedDict(scale=_Scale(), stem=_convolution(3, 32, 3, stride=2))
    for name, window, stride, wider, channels, filters in efficientnet_blocks():
        parts[name] = InvertedBottleneck(channels, filters, window, stride, wider)
    parts["head"] = _convolution(320, 1280, 1)
    parts["pooled"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    parts["classifier"] = nn.Linear(1280, classes)
    return nn.Sequential(parts)


class InvertedBottleneck(nn.Module):
    """A block that widens, convolves each map by itself and narrows; its input is added if it fits.

    Source:
        Sandler and others (2018), MobileNetV2. https://arxiv.org/abs/1801.04381
    """

    def __init__(self, channels, filters, window, stride, wider):
        super().__init__()
        inside = channels * wider
        self.expand = _convolution(channels, inside, 1) if wider > 1 else nn.Identity()
        self.depthwise = _convolution(inside, inside, window, stride, groups=inside)
        self.project = _convolution(inside, filters, 1, activation=False)
        self.skips = stride == 1 and channels == filters

    def forward(self, maps) -> torch.Tensor:
        """Return maps (N, filters, H / stride, W / stride) of maps (N, channels, H, W)."""
        output = self.project(self.depthwise(self.expand(maps)))
        return output + maps if self.skips else output


class _Scale(nn.Module):
    """Turns pixel values 0..1 into the range that the weights were trained with."""

    def forward(self, images):
        return images * (255 / 128) - 127 / 128


def _convolution(channels, filters, window, stride=1, groups=1, activation=True):
    """Return a padded convolution with batch norm, and ReLU up to 6 unless it is left out."""
    parts = OrderedDict()
    if stride == 2:  # as TensorFlow pads an even side: one less before than after
        before, after = (window - 2) // 2, (window - 1) // 2
        parts["pad"] = nn.ZeroPad2d((before, after, before, after))
    parts["conv"] = nn.Conv2d(
        channels,
        filters,
        window,
        stride,
        padding=0 if stride == 2 else window // 2,
        groups=groups,
        bias=False,
    )
    parts["norm"] = nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01)
    if activation:
        parts["relu6"] = nn.ReLU6()
    return nn.Sequential(parts)
