"""Other right answers to the exercises of this lesson, to be read after one's own."""

import math

import numpy as np
import torch


def cut_row_by_row(series, starts, steps):
    """One slice for each start."""
    return np.array([series[start : start + steps] for start in starts])


def cut_from_all_windows(series, starts, steps):
    """NumPy shows all windows of a series without copying; take those that begin at a start."""
    return np.lib.stride_tricks.sliding_window_view(series, steps)[starts]


def cut_step_by_step(series, starts, steps):
    """One column for each step."""
    return np.stack([series[starts + step] for step in range(steps)], axis=1)


def cut_in_pytorch(series, starts, steps):
    """PyTorch calls it unfolding."""
    return torch.tensor(series).unfold(0, steps, 1)[torch.tensor(starts)]


def seasonal_naive_row_by_row(series, starts, season, steps):
    """One slice of the last season for each start."""
    begins = starts - season
    return np.stack([series[begin : begin + steps] for begin in begins])


def seasonal_naive_by_a_shift(series, starts, season, steps):
    """Shift the whole series by one season, then cut the windows at the starts themselves."""
    shifted = np.concatenate([np.full(season, np.nan), series])
    return shifted[np.add.outer(starts, np.arange(steps))]


def seasonal_naive_step_by_step(series, starts, season, steps):
    """Every forecast, one by one."""
    forecast = np.zeros((len(starts), steps))
    for row, start in enumerate(starts):
        for step in range(steps):
            forecast[row, step] = series[start + step - season]
    return forecast


def training_starts_by_asking(past, future, boundary):
    """Keep every start whose last target lies before the boundary."""
    return [start for start in range(past, boundary) if start + future <= boundary]


def training_starts_as_a_range(past, future, boundary):
    """Python's own range."""
    return range(past, boundary + 1 - future)


def training_starts_by_counting(past, future, boundary):
    """How many windows fit, and where the first one begins."""
    windows = boundary - past - future + 1
    return past + np.arange(windows)


def new_memory_as_a_step(h, r, z, inside, outside):
    """Go from the old memory towards the proposal, a share 1 − z of the way."""
    return h + (1 - z) * (np.tanh(inside + r * outside) - h)


def new_memory_number_by_number(h, r, z, inside, outside):
    """One unit after the other."""
    memory = np.zeros(h.shape)
    for index in np.ndindex(h.shape):
        proposal = math.tanh(inside[index] + r[index] * outside[index])
        memory[index] = z[index] * h[index] + (1 - z[index]) * proposal
    return memory


def new_memory_in_pytorch(h, r, z, inside, outside):
    """`lerp` goes from one tensor to another, as far as the third says."""
    h, r, z, inside, outside = map(torch.tensor, (h, r, z, inside, outside))
    return torch.lerp(torch.tanh(inside + r * outside), h, z)


def coverage_from_what_misses(low, high, happened):
    """What is neither below nor above is inside."""
    return 1 - np.mean((happened < low) | (happened > high))


def coverage_by_clipping(low, high, happened):
    """Clipping changes what lies outside, and nothing else."""
    return (np.clip(happened, low, high) == happened).mean()


def coverage_number_by_number(low, high, happened):
    """Give both ends the shape of what happened, then count."""
    pairs = zip(*(np.broadcast_to(end, happened.shape).flat for end in (low, high)))
    inside = [bottom <= number <= top for (bottom, top), number in zip(pairs, happened.flat)]
    return sum(inside) / len(inside)


def coverage_in_two_shares(low, high, happened):
    """Nothing is above `high` and below `low` at once: subtract one share from the other."""
    return (happened <= high).mean() - (happened < low).mean()


def test_coverage_counted_by_hand(coverage):
    """Ten hours: two below, one above, seven inside."""
    happened = np.array([-1.0, -2.0, 9.0, *np.linspace(0.5, 4.5, 7)])
    assert abs(coverage(np.zeros(10), np.full(10, 5.0), happened) - 0.7) < 1e-9


def test_coverage_of_random_numbers(coverage):
    """The same count in a loop."""
    random = np.random.default_rng(0)
    low, happened = random.normal(size=50), random.normal(size=50)
    high = low + random.uniform(0.5, 1.5, 50)
    inside = sum(a <= x <= b for a, x, b in zip(low, happened, high))
    assert np.isclose(coverage(low, high, happened), inside / 50)


def test_coverage_one_end_at_a_time(coverage):
    """Of four hours, one below; then one above; then one of each."""
    low, high = np.ones(4), np.full(4, 3.0)
    assert coverage(low, high, np.array([0.0, 2, 2, 2])) == 0.75
    assert coverage(low, high, np.array([2.0, 2, 2, 4])) == 0.75
    assert coverage(low, high, np.array([0.0, 2, 2, 4])) == 0.5


def better_method_by_the_median(fit_boosting, fit_dense, fit_ridge):
    """Three members, and in place of their mean the one in the middle, half-hour by half-hour."""

    def committee(series, starts):
        fits = fit_boosting, fit_dense, fit_ridge
        members = [fit(series, starts) for fit in fits]
        return lambda series, new: np.median([each(series, new) for each in members], axis=0)

    return committee


def better_method_with_shares(fit_boosting, fit_dense):
    """The better member counts for more."""

    def committee(series, starts):
        boosting, dense = fit_boosting(series, starts), fit_dense(series, starts)
        return lambda series, new: 0.6 * boosting(series, new) + 0.4 * dense(series, new)

    return committee


def better_method_from_squares(fit_boosting, fit_dense):
    """A boosting that was trained on the squared error is wrong in other places."""

    def committee(series, starts):
        boosting = fit_boosting(series, starts, loss="squared_error")
        dense = fit_dense(series, starts)
        return lambda series, new: (boosting(series, new) + dense(series, new)) / 2

    return committee
