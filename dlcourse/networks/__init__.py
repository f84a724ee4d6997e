"""Networks from the literature, built the same in both frameworks; `pretrained.load` fills them."""

from collections.abc import Iterator

# Tan and Le (2019), table 1, which EfficientNet-lite0 keeps except for its activation and its fixed
# stem and head: how many blocks, side of the window, stride of the first, how many times wider
# inside, filters out.
EFFICIENTNET_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def efficientnet_blocks() -> Iterator[tuple]:
    """Yield (name, window, stride, wider, channels in, channels out) of each of the 16 blocks."""
    channels, number = 32, 0  # the stem gives 32 maps
    for repeats, window, stride, wider, filters in EFFICIENTNET_STAGES:
        for repeat in range(repeats):
            yield (
                f"block_{number}",
                window,
                stride if repeat == 0 else 1,
                wider,
                channels,
                filters,
            )
            channels, number = filters, number + 1
