"""Other right answers to the exercises of this lesson, to be read after one's own."""

import math

import numpy as np
import torch


def output_size_by_counting(pixels, window, stride, padding):
    """Let the window walk, and count the positions where it still fits."""
    padded, left, positions = pixels + 2 * padding, 0, 0
    while left + window <= padded:
        positions += 1
        left += stride
    return positions


def output_size_as_a_range(pixels, window, stride, padding):
    """The left edges are a range; it knows its own length."""
    return len(range(0, pixels + 2 * padding - window + 1, stride))


def output_size_rounded_down(pixels, window, stride, padding):
    """Divide exactly, then round down."""
    return math.floor((pixels - window + 2 * padding) / stride + 1)


def output_size_by_asking_pytorch(pixels, window, stride, padding):
    """Send a picture through the layer and look at the size."""
    layer = torch.nn.Conv2d(1, 1, window, stride, padding)
    return layer(torch.zeros(1, 1, pixels + window, pixels)).shape[3]


def max_pool_by_shifted_copies(maps):
    """Four copies, each with every second row and column: compare them place by place."""
    above = np.maximum(maps[:, ::2, ::2], maps[:, ::2, 1::2])
    below = np.maximum(maps[:, 1::2, ::2], maps[:, 1::2, 1::2])
    return np.maximum(above, below)


def max_pool_by_loops(maps):
    """One square after the other, for all pictures and channels at once."""
    n, h, w, c = maps.shape
    pooled = np.empty((n, h // 2, w // 2, c))
    for row in range(h // 2):
        for column in range(w // 2):
            square = maps[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            pooled[:, row, column] = square.max(axis=(1, 2))
    return pooled


def max_pool_in_two_steps(maps):
    """First the larger of two rows, then the larger of two columns."""
    rows = np.maximum(maps[:, ::2], maps[:, 1::2])
    return np.maximum(rows[:, :, ::2], rows[:, :, 1::2])


def max_pool_in_pytorch(maps):
    """PyTorch wants the channels first: there and back."""
    channels_first = torch.tensor(maps).permute(0, 3, 1, 2)
    return torch.nn.functional.max_pool2d(channels_first, 2).permute(0, 2, 3, 1)


def receptive_field_from_behind(windows, strides):
    """Begin with one number of the last layer, and ask each layer what it needs."""
    seen = 1
    for window, stride in zip(windows[::-1], strides[::-1]):
        seen = (seen - 1) * stride + window
    return seen


def receptive_field_by_products(windows, strides):
    """The step of a layer is the product of the strides before it."""
    steps = np.cumprod([1, *strides[:-1]])
    return 1 + np.dot(np.array(windows) - 1, steps)


def receptive_field_by_marking_pixels(windows, strides):
    """Write down the pixels themselves: which of them feed the first number?"""
    pixels = {0}
    for window, stride in zip(reversed(windows), reversed(strides)):
        pixels = {stride * pixel + offset for pixel in pixels for offset in range(window)}
    return max(pixels) + 1


def back_to_pixels_by_weights(d_out, kernel):
    """Nine shifted copies of the slopes: one for each weight of the kernel."""
    rows, columns = d_out.shape
    slopes = np.zeros((rows + 2, columns + 2))
    for i in range(3):
        for j in range(3):
            slopes[i : i + rows, j : j + columns] += kernel[i, j] * d_out
    return slopes


def back_to_pixels_as_a_convolution(d_out, kernel):
    """Pad the slopes by 2, and slide the kernel over them, turned by half a turn."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(d_out, 2), (3, 3))
    return (windows * kernel[::-1, ::-1]).sum(axis=(2, 3))


def back_to_pixels_by_stamps(d_out, kernel):
    """A stamp of the kernel for each output; add up all stamped sheets."""
    rows, columns = d_out.shape
    sheets = []
    for row, column in np.ndindex(rows, columns):
        around = (row, rows - 1 - row), (column, columns - 1 - column)
        sheets.append(np.pad(d_out[row, column] * kernel, around))
    return sum(sheets)


def back_to_pixels_in_pytorch(d_out, kernel):
    """A transposed convolution is the way back of a convolution."""
    slopes, weights = (torch.tensor(array)[None, None] for array in (d_out, kernel))
    return torch.nn.functional.conv_transpose2d(slopes, weights)[0, 0]


def my_kernel_of_ones():
    """All pixels on either side count the same."""
    return np.array([[-1, -1, 0], [-1, 0, 1], [0, 1, 1]])


def my_kernel_of_two_corners():
    """The two corners alone will do."""
    return [[-1, 0, 0], [0, 0, 0], [0, 0, 1]]


def my_kernel_from_sobel():
    """The sum of the kernels for horizontal and for vertical edges."""
    downwards = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
    return torch.tensor(downwards + downwards.T)


def test_max_pool_by_loops(max_pool):
    """Look into each square of random maps, negative numbers among them."""
    maps = np.random.default_rng(0).normal(-1, 1, size=(2, 4, 6, 3))
    pooled = max_pool(maps)
    assert pooled.shape == (2, 2, 3, 3)
    for row in range(2):
        for column in range(3):
            square = maps[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            assert (pooled[:, row, column] == square.max(axis=(1, 2))).all()


def test_max_pool_against_pytorch(max_pool):
    """PyTorch's pooling, which wants the channels first."""
    maps = np.random.default_rng(1).normal(size=(1, 6, 4, 2))
    theirs = torch.nn.functional.max_pool2d(torch.tensor(maps).permute(0, 3, 1, 2), 2)
    assert np.array_equal(max_pool(maps), theirs.permute(0, 2, 3, 1).numpy())


def test_max_pool_of_one_large_number(max_pool):
    """Wherever in the square the −1 lies, it is larger than the −5 around it."""
    for row in range(2):
        for column in range(2):
            maps = np.full((1, 4, 2, 1), -5.0)
            maps[0, row, column] = -1
            assert max_pool(maps).ravel().tolist() == [-1, -5]
