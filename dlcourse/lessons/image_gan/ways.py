"""Other right answers to the exercises of this lesson, to be read after one's own."""

import math

import numpy as np
import torch


def best_discriminator_from_the_fakes(p, q):
    """What is not fake is real."""
    return 1 - q / (p + q)


def best_discriminator_by_odds(p, q):
    """The odds are fakes to real ones, q / p; where p is 0 they are infinite, and 1 / inf is 0."""
    return 1 / (1 + np.divide(q, p))


def best_discriminator_in_pytorch(p, q):
    """The same in PyTorch."""
    p, q = torch.as_tensor(p), torch.as_tensor(q)
    return p / (p + q)


def non_saturating_slope_in_one(s):
    """1/(1 + e⁻ˢ) − 1, with a common denominator."""
    return -1 / (1 + np.exp(s))


def non_saturating_slope_by_the_chain_rule(s):
    """The slope of the logarithm times the slope of the sigmoid, as it comes."""
    sigmoid = 1 / (1 + np.exp(-s))
    return -1 / sigmoid * sigmoid * (1 - sigmoid)


def non_saturating_slope_by_a_tangent(s):
    """A sigmoid is a hyperbolic tangent, shifted and squeezed."""
    return (np.tanh(s / 2) - 1) / 2


def non_saturating_slope_by_autograd(s):
    """PyTorch finds the slope of what it has computed."""
    s = torch.tensor(s, requires_grad=True)
    (-torch.nn.functional.logsigmoid(s)).sum().backward()
    return s.grad


def judging_loss_by_sigmoids(real_scores, fake_scores):
    """−log of the probability that each picture is what it is."""

    def sigmoid(s):
        return 1 / (1 + np.exp(-s))

    return -np.log(sigmoid(real_scores)).mean() - np.log(sigmoid(-fake_scores)).mean()


def judging_loss_by_a_loop(real_scores, fake_scores):
    """One picture after the other, the two sums divided by their own numbers."""
    loss = 0
    for score in real_scores:
        loss += math.log1p(math.exp(-score)) / len(real_scores)
    for score in fake_scores:
        loss += math.log1p(math.exp(score)) / len(fake_scores)
    return loss


def judging_loss_in_pytorch(real_scores, fake_scores):
    """Cross-entropy with labels of 1 for the real ones and of 0 for the fakes."""
    cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits
    real, fake = torch.tensor(real_scores), torch.tensor(fake_scores)
    return cross_entropy(real, torch.ones_like(real)) + cross_entropy(fake, torch.zeros_like(fake))


def grown_size_by_stamping(pixels, window, stride, padding):
    """The last stamp begins `pixels - 1` steps after the first; cut both ends off."""
    ends = [stamp * stride + window for stamp in range(pixels)]
    return ends[-1] - padding - padding


def grown_size_by_adding_up(pixels, window, stride, padding):
    """One whole stamp, and `stride` more for each further one."""
    return window + sum(stride for _ in range(1, pixels)) - 2 * padding


def grown_size_backwards(pixels, window, stride, padding):
    """The smallest size from which a convolution with the same numbers gives `pixels`."""
    size = 1
    while (size + 2 * padding - window) // stride + 1 < pixels or size + 2 * padding < window:
        size += 1
    return size


def grown_size_by_asking_pytorch(pixels, window, stride, padding):
    """Send a row of pixels through the layer."""
    layer = torch.nn.ConvTranspose1d(1, 1, window, stride, padding)
    return layer(torch.zeros(1, 1, pixels)).shape[-1]


def test_grown_size_against_pytorch(grown_size):
    """Send a map through the layer and look at its size."""
    for pixels, window, stride, padding in ((7, 4, 2, 1), (5, 3, 2, 0), (6, 5, 3, 2), (4, 3, 1, 1)):
        layer = torch.nn.ConvTranspose2d(1, 1, window, stride, padding)
        assert grown_size(pixels, window, stride, padding) == (
            layer(torch.zeros(1, 1, pixels, pixels)).shape[2])  # fmt: skip


def test_grown_size_by_stamping(grown_size):
    """Stamp a row, cut both ends, count."""
    for pixels, window, stride, padding in ((3, 5, 3, 1), (4, 3, 2, 0), (5, 6, 2, 2)):
        covered = {stride * i + j for i in range(pixels) for j in range(window)}
        left = sorted(covered)[padding : len(covered) - padding]
        assert grown_size(pixels, window, stride, padding) == len(left)


def test_grown_size_undoes_a_convolution(grown_size):
    """A convolution brings the grown map back to the size with which it began."""
    for pixels in range(2, 9):
        for window, stride, padding in ((4, 2, 1), (5, 2, 2), (3, 1, 0)):
            grown = grown_size(pixels, window, stride, padding)
            assert (grown + 2 * padding - window) / stride + 1 == pixels


def my_run_in_batches_of_six(short_run):
    """Still smaller batches, still more rounds."""
    return short_run(batch_size=6, rounds=1_600)


def my_run_in_batches_of_ten(short_run):
    """Not every batch size divides 9 600; this one does."""
    return short_run(batch_size=10, rounds=960)


def my_run_in_batches_of_twelve(short_run):
    """Fewer rounds of larger batches are done sooner, and are enough."""
    return short_run(batch_size=12, rounds=800)
