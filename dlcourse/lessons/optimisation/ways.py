"""Other right answers to the exercises of this lesson, to be read after one's own."""

import math

from dlcourse.lessons import optimisation as lesson

import numpy as np
import torch


def rate_at_the_edge_from_the_factor():
    """Solve 1 − 40η = −1 for η."""
    return (1 - -1) / 40


def rate_at_the_edge_by_trying():
    """Raise the rate until a step leads as far away as it began."""
    rate = 0.001
    while abs(1 - 40 * rate) < 1 - 1e-9:
        rate += 0.001
    return round(rate, 3)


def rate_at_the_edge_of_a_step():
    """A step from 1 has to lead to −1: 2 in all, against a slope of 40."""
    slope, distance = 40 * 1, 1 - -1
    return distance / slope


def nesterov_step_from_the_old_velocity(w, v, slope, rate, keep):
    """One formula in the other: the new slope counts 1 + μ times, the old velocity μ² times."""
    return w - rate * ((1 + keep) * slope + keep**2 * v), keep * v + slope


def nesterov_step_in_two_moves(w, v, slope, rate, keep):
    """Move by the slope first, and then along the velocity, as far as it is kept."""
    v = keep * v + slope
    w = w - rate * slope
    return w - rate * keep * v, v


def nesterov_step_in_pytorch(w, v, slope, rate, keep):
    """Let PyTorch's SGD take the step, with the velocity put into its memory."""
    if not keep:  # then PyTorch keeps no velocity
        return w - rate * slope, slope
    parameter = torch.nn.Parameter(torch.tensor(w))
    optimizer = torch.optim.SGD([parameter], lr=rate, momentum=keep, nesterov=True)
    parameter.grad = torch.tensor(slope)
    optimizer.state[parameter]["momentum_buffer"] = torch.tensor(v)
    optimizer.step()
    return parameter.detach().numpy(), optimizer.state[parameter]["momentum_buffer"].numpy()


def adam_step_with_one_factor(w, m, q, t, slope, rate):
    """Both corrections in one number, and ε scaled with it, as Keras nearly does."""
    m, q = m + 0.1 * (slope - m), q + 0.001 * (slope**2 - q)
    root = np.sqrt(1 - 0.999**t)
    return w - rate * root / (1 - 0.9**t) * m / (np.sqrt(q) + 1e-8 * root), m, q


def adam_step_with_weighted_means(w, m, q, t, slope, rate):
    """A corrected average is a weighted mean, whose weights add up to 1: write it so."""
    share, share_of_squares = 0.1 / (1 - 0.9**t), 0.001 / (1 - 0.999**t)
    mean = m / (1 - 0.9**t) * 0.9 + share * slope
    square = q / (1 - 0.999**t) * 0.999 + share_of_squares * slope**2
    new_m, new_q = mean * (1 - 0.9**t), square * (1 - 0.999**t)
    return w - rate * mean / (np.sqrt(square) + 1e-8), new_m, new_q


def adam_step_in_pytorch(w, m, q, t, slope, rate):
    """PyTorch's Adam, with what it should remember put into its memory."""
    w, m, q, slope = (np.asarray(each, dtype="float64") for each in (w, m, q, slope))
    parameter = torch.nn.Parameter(torch.tensor(w))
    parameter.grad = torch.tensor(slope)
    optimizer = torch.optim.Adam([parameter], lr=rate)
    optimizer.state[parameter].update(
        step=torch.tensor(float(t - 1)),
        exp_avg=torch.tensor(m),
        exp_avg_sq=torch.tensor(q),
    )
    optimizer.step()
    kept = optimizer.state[parameter]
    return parameter.detach().numpy(), kept["exp_avg"].numpy(), kept["exp_avg_sq"].numpy()


def test_adam_step_over_twenty_steps(adam_step):
    """Compare a path of twenty steps, whose slopes change, with the formulas of the lesson."""
    slopes = np.random.default_rng(0).normal(size=(20, 3))
    w = m = q = np.zeros(3)
    mean = square = place = np.zeros(3)
    for t, slope in enumerate(slopes, start=1):
        w, m, q = adam_step(w, m, q, t, slope, 0.1)
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope**2
        divisor = np.sqrt(square / (1 - 0.999**t)) + 1e-8
        place = place - 0.1 * mean / (1 - 0.9**t) / divisor
        np.testing.assert_allclose(w, place, atol=1e-7)
    np.testing.assert_allclose(np.concatenate([m, q]), np.concatenate([mean, square]), atol=1e-7)


def test_adam_step_against_pytorch(adam_step):
    """Three steps of PyTorch's Adam, which nobody in this course wrote."""
    parameter = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))
    optimizer = torch.optim.Adam([parameter], lr=0.1)
    w, m, q = np.zeros(2), np.zeros(2), np.zeros(2)
    for t, slope in enumerate(np.array([[1.0, -3.0], [0.5, 2.0], [4.0, 0.1]]), start=1):
        parameter.grad = torch.tensor(slope)
        optimizer.step()
        w, m, q = adam_step(w, m, q, t, slope, 0.1)
    assert np.allclose(w, parameter.detach().numpy(), atol=1e-6)
    assert np.allclose(q, optimizer.state[parameter]["exp_avg_sq"].numpy())


def test_adam_step_by_its_properties(adam_step):
    """Where the slope is always the same, each step is one rate long; and averages are averages."""
    w, m, q = np.array([0.0]), np.array([0.0]), np.array([0.0])
    for t in range(1, 5):
        w, m, q = adam_step(w, m, q, t, np.array([-7.0]), 0.1)
        assert np.allclose(w, 0.1 * t)
        assert np.allclose(m, -7 * (1 - 0.9**t)) and np.allclose(q, 49 * (1 - 0.999**t))


def warm_cosine_by_a_list(progress, warm):
    """`interp` tells how far we are: from −1 to 0 on the way up, from 0 to 1 on the way down."""
    share = np.interp(progress, [0, warm, 1], [-1, 0, 1])  # −1 to 0 up, 0 to 1 down
    return 1 + share if share < 0 else np.cos(np.pi / 2 * share) ** 2


def warm_cosine_as_the_smaller_one(progress, warm):
    """Up to `warm` the line is the smaller of the two curves, if the cosine waits at 1."""
    share = max(0.0, (progress - warm) / (1 - warm))
    return min(progress / warm, 0.5 + 0.5 * math.cos(math.pi * share))


def warm_cosine_by_a_sine(progress, warm):
    """Half a cosine from 1 to 0 is 1 less the square of a sine."""
    if progress < warm:
        return progress / warm
    return 1 - np.sin(np.pi / 2 * (progress - warm) / (1 - warm)) ** 2


def clip_by_norm_in_one_row(slopes, largest):
    """Put all slopes into one long row: its length is the length of the gradient."""
    length = np.linalg.norm(np.concatenate([np.ravel(each) for each in slopes]))
    return [each / max(1, length / largest) for each in slopes]


def clip_by_norm_array_by_array(slopes, largest):
    """The length of the lengths is the length of the whole."""
    length = math.hypot(*(float(np.linalg.norm(each)) for each in slopes))
    return [each if length <= largest else largest / length * each for each in slopes]


def clip_by_norm_in_pytorch(slopes, largest):
    """PyTorch clips what parameters carry in `.grad` (and adds 0.000001 to the length)."""
    parameters = [torch.nn.Parameter(torch.zeros(each.shape).double()) for each in slopes]
    for parameter, each in zip(parameters, slopes):
        parameter.grad = torch.tensor(each * 1e6).double()
    torch.nn.utils.clip_grad_norm_(parameters, largest * 1e6)
    return [parameter.grad.numpy() / 1e6 for parameter in parameters]


def my_optimiser_adam():
    """Adam, whose memory is the list of its averages and the number of steps."""

    def steps(weights, slopes, memory, progress):
        if memory is None:
            memory = [(np.zeros_like(w), np.zeros_like(w), 0) for w in weights]
        rate = 0.01 * (1 - progress)
        moved = [
            lesson.adam_keeping(w, each, slope, rate, keep=0.9)
            for w, each, slope in zip(weights, memory, slopes)
        ]
        return [w for w, _ in moved], [each for _, each in moved]

    return steps


def my_optimiser_nesterov():
    """Nesterov with a warm-up and half a cosine."""

    def steps(weights, slopes, memory, progress):
        memory = memory or [np.zeros_like(w) for w in weights]
        memory = [0.9 * v + slope for v, slope in zip(memory, slopes)]
        rate = 0.05 * lesson.warm_cosine.solve(progress, 0.1)
        looking_ahead = [slope + 0.9 * v for v, slope in zip(memory, slopes)]
        return [w - rate * step for w, step in zip(weights, looking_ahead)], memory

    return steps


def my_optimiser_by_signs():
    """Only the sign of an average of slopes: one memory, and each step as long as the rate."""

    def steps(weights, slopes, memory, progress):
        memory = memory or [np.zeros_like(w) for w in weights]
        memory = [0.9 * m + 0.1 * slope for m, slope in zip(memory, slopes)]
        rate = 0.003 * (1 - progress)
        return [w - rate * np.sign(m) for w, m in zip(weights, memory)], memory

    return steps
