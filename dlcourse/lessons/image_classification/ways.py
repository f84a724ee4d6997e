"""Other right answers to the exercises of this lesson, to be read after one's own."""

import math

import keras
import numpy as np
import torch


def weights_of_a_layer_by_asking_pytorch():
    """Let the layer count its own."""
    return sum(array.numel() for array in torch.nn.Conv2d(16, 32, 3).parameters())


def weights_of_a_layer_by_asking_keras():
    """Keras knows once it has heard how many channels come in."""
    layer = keras.layers.Conv2D(32, 3)
    layer.build((None, 28, 28, 16))
    return layer.count_params()


def weights_of_a_layer_in_two_parts():
    """Weights and biases apart."""
    weights, biases = 32 * 16 * 3**2, 32
    return weights + biases


def mirrored_by_name(images):
    """`np.flip` takes the number of the axis."""
    return np.flip(images, axis=2)


def mirrored_picture_by_picture(images):
    """One picture after the other; `np.fliplr` turns left to right."""
    return np.stack([np.fliplr(image) for image in images])


def mirrored_by_columns(images):
    """Take the columns from the last to the first."""
    return images.take(range(images.shape[2] - 1, -1, -1), axis=2)


def mirrored_in_pytorch(images):
    """PyTorch has no negative steps; `flip` it has."""
    return torch.tensor(images).flip(2)


def same_padding_rounded_up(pixels, window, stride):
    """The positions are what `math.ceil` gives; the rest sticks out."""
    end_of_last_window = (math.ceil(pixels / stride) - 1) * stride + window
    missing = max(0, end_of_last_window - pixels)
    return missing // 2, math.ceil(missing / 2)


def same_padding_by_adding_rows(pixels, window, stride):
    """Add a row, below and above in turns, until all the windows fit."""
    rows = [0, 0]  # above, below
    while (pixels + sum(rows) - window) // stride + 1 < math.ceil(pixels / stride):
        rows[0 if rows[0] < rows[1] else 1] += 1
    return rows


def same_padding_by_the_rest(pixels, window, stride):
    """The last window covers what the pixels leave over when divided by the stride."""
    rows = max(window - (pixels % stride or stride), 0)
    return rows // 2, (rows + 1) // 2


def accuracy_in_the_shop_as_a_product(counts, shares):
    """A sum of products of two rows is a product of vectors."""
    return shares @ (np.diag(counts) / counts.sum(axis=1))


def accuracy_in_the_shop_by_a_loop(counts, shares):
    """One class after the other."""
    expected = 0
    for k, share in enumerate(shares):
        expected += share * counts[k, k] / sum(counts[k])
    return expected


def accuracy_in_the_shop_by_a_new_matrix(counts, shares):
    """Write down the confusion matrix of the shop, and take its accuracy."""
    in_the_shop = counts / counts.sum(axis=1, keepdims=True) * shares[:, None]
    return np.trace(in_the_shop)


def accuracy_in_the_shop_as_a_mean(counts, shares):
    """NumPy's mean takes weights."""
    return np.average(counts.diagonal() / counts.sum(axis=1), weights=shares)


def test_same_padding_as_a_table(same_padding):
    """One line for each case that you have worked out."""
    for case, wanted in {
        (28, 3, 1): (1, 1), (28, 2, 1): (0, 1), (9, 3, 2): (1, 1), (9, 4, 2): (1, 2),
        (6, 2, 3): (0, 0),
    }.items():  # fmt: skip
        assert same_padding(*case) == wanted, case


def test_same_padding_by_its_size(same_padding):
    """What must hold for any case: enough windows, none too many, the odd row below."""
    for pixels in range(4, 12):
        for window in (1, 2, 3, 5):
            for stride in (1, 2, 3):
                above, below = same_padding(pixels, window, stride)
                positions = (pixels + above + below - window) // stride + 1
                assert positions == -(-pixels // stride) and 0 <= above <= below <= above + 1
                assert above + below <= max(window - 1, 0)
                assert above + below == 0 or (positions - 1) * stride + window == (
                    pixels + above + below)  # fmt: skip


def test_same_padding_against_keras(same_padding):
    """A kernel of ones over a picture of ones: where a zero comes in, the sum is less."""
    for pixels, window, stride in ((7, 3, 2), (8, 4, 1), (8, 3, 2), (8, 1, 2)):
        picture, kernel = np.ones((1, pixels, 1)), np.ones((window, 1, 1))
        sums = keras.ops.conv(picture, kernel, stride, padding="same")[0, :, 0]
        above, below = same_padding(pixels, window, stride)
        last = (len(sums) - 1) * stride + window - above - pixels  # rows beyond the picture
        assert window - int(sums[0]) == above and window - int(sums[-1]) == below == max(last, 0)


def small_data_model_in_smaller_batches(residual_network, train_fast, train):
    """Batches of 32: half the epochs bring as many steps."""
    model = residual_network()
    train_fast(model, train.pixels[:5000], train.labels[:5000], 4, batch_size=32)
    return model


def small_data_model_with_more_filters(residual_network, train_fast, train):
    """Half as many filters again, for as many steps."""
    model = residual_network((24, 24, 48))
    train_fast(model, train.pixels[:5000], train.labels[:5000], 6, batch_size=48)
    return model


def small_data_model_with_mirrored_pictures(residual_network, train_fast, train):
    """A picture in the mirror is another picture of the same class."""
    model, few = residual_network(), train[:5000]
    pictures = np.concatenate([few.pixels, few.pixels[:, :, ::-1]])
    train_fast(model, pictures, np.tile(few.labels, 2), 5, batch_size=64)
    return model
