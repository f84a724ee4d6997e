"""Other right answers to the exercises of this lesson, to be read after one's own."""

import numpy as np
import torch
from sklearn.neighbors import NearestCentroid


def to_range_by_a_float(pixels):
    """A float on one side makes floats of all: 127.0 in place of 127."""
    return (pixels - 127.0) / 128


def to_range_divided_first(pixels):
    """Without brackets both parts have to be divided."""
    return pixels / 128 - 127 / 128


def to_range_from_a_table(pixels):
    """There are only 256 bytes: compute each once and look them up."""
    return ((np.arange(256) - 127) / 128)[pixels]


def to_range_in_pytorch(pixels):
    """In PyTorch, too, bytes first become floats."""
    return torch.tensor(pixels).float().sub(127).div(128)


def nearest_mean_by_norms(features, labels, new):
    """By the distances themselves: the root of a square does not change which is smallest."""
    means = np.array([features[labels == k].mean(axis=0) for k in np.unique(labels)])
    return np.linalg.norm(new[:, None] - means, axis=-1).argmin(axis=1)


def nearest_mean_by_loops(features, labels, new):
    """Each new row against each mean."""
    classes = sorted(set(labels.tolist()))
    means = [features[labels == k].mean(axis=0) for k in classes]
    return [min(classes, key=lambda k: sum((row - means[k]) ** 2)) for row in new]


def nearest_mean_by_products(features, labels, new):
    """(a − b)² = a² − 2ab + b², and a² is the same for all means."""
    one_hot = np.eye(labels.max() + 1)[labels]  # (N, K)
    means = one_hot.T @ features / one_hot.sum(axis=0)[:, None]
    return ((means**2).sum(axis=1) - 2 * new @ means.T).argmin(axis=1)


def nearest_mean_in_pytorch(features, labels, new):
    """PyTorch has all distances in one call."""
    features, labels, new = map(torch.tensor, (features, labels, new))
    means = torch.stack([features[labels == k].mean(dim=0) for k in range(labels.max() + 1)])
    return torch.cdist(new, means).argmin(dim=1)


def frozen_batch_norm_as_one_line(maps, moving_mean, moving_variance):
    """Frozen, it is a straight line for each channel: a factor and a shift."""
    factor = (moving_variance + 0.001) ** -0.5
    return maps * factor - moving_mean * factor


def frozen_batch_norm_by_channels(maps, moving_mean, moving_variance):
    """One channel after the other."""
    normalised = np.empty(maps.shape)
    for channel, (mean, variance) in enumerate(zip(moving_mean, moving_variance)):
        normalised[..., channel] = (maps[..., channel] - mean) / (variance + 0.001) ** 0.5
    return normalised


def frozen_batch_norm_in_pytorch(maps, moving_mean, moving_variance):
    """PyTorch's own, in the mode of use; it wants the channels second."""
    maps, mean, variance = map(torch.tensor, (maps, moving_mean, moving_variance))
    normalised = torch.nn.functional.batch_norm(
        maps.permute(0, 3, 1, 2), mean, variance, training=False, eps=0.001
    )
    return normalised.permute(0, 2, 3, 1)


def shuttle_square_lower():
    """A little lower, and further to the left."""
    return [56, 156, 64]


def shuttle_square_as_an_array():
    """A little larger, as an array."""
    return np.array([48, 156, 68])


def shuttle_square_as_a_tensor():
    """Larger still; floats will do, as long as they are whole."""
    return torch.tensor([48.0, 152.0, 72.0])


def test_nearest_mean_on_a_line(nearest_mean):
    """On a line: class 0 at 0 and 10, class 1 at 6 and 8; whom does 5.5 belong to?"""
    features, labels = np.array([[0.0], [10], [6], [8]]), np.array([0, 0, 1, 1])
    new = np.array([[9.5], [5.5], [-3.0]])
    assert list(nearest_mean(features, labels, new)) == [1, 0, 0]
    across = np.array([[0.0, 9], [0, 9], [3, 3], [3, 3]])  # differences that cancel
    assert list(nearest_mean(across, labels, np.array([[2.0, 6]]))) == [1]


def test_nearest_mean_against_scikit_learn(nearest_mean):
    """The library calls it the nearest centroid."""
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(30, 3)), np.arange(30) % 3
    new = random.normal(size=(40, 3))
    theirs = NearestCentroid().fit(features, labels).predict(new)
    assert np.array_equal(nearest_mean(features, labels, new), theirs)


def test_nearest_mean_by_loops(nearest_mean):
    """One distance after the other, on random points."""
    random = np.random.default_rng(1)
    features, labels, new = (
        random.normal(size=(12, 2)),
        np.arange(12) % 4,
        random.normal(size=(30, 2)),
    )
    means = [features[labels == k].mean(axis=0) for k in range(4)]
    for point, guess in zip(new, nearest_mean(features, labels, new)):
        assert guess == np.argmin([np.linalg.norm(point - mean) for mean in means])
