"""Other right answers to the exercises of this lesson, to be read after one's own."""

import torch


def slope_at_by_a_small_step(place):
    """A slope is a ratio of two small steps."""
    step = 0.0001
    return ((place + step) ** 2 - (place - step) ** 2) / (2 * step)


def slope_at_by_autograd(place):
    """PyTorch finds the slope of what it has computed."""
    place = torch.tensor(place, dtype=torch.float64, requires_grad=True)
    (place**2).backward()
    return place.grad


def slope_at_by_adding(place):
    """Twice a number is the number and itself."""
    return place + place


def test_slope_at_half_way(slope_at):
    """At 0.5 the slope is 1, the height 0.25."""
    assert abs(slope_at(0.5) - 1) < 1e-6


def test_slope_at_both_sides(slope_at):
    """To the left the curve falls."""
    assert slope_at(1) == 2 and slope_at(-1) == -2


def test_slope_at_as_true_or_false(slope_at):
    """Without `assert`: True if it is right, else False."""
    return slope_at(3) == 6


def downhill_as_a_factor(place, step):
    """A step takes away the same share of the way, wherever it begins."""
    return (1 - 2 * step) * place


def downhill_by_the_slope(place, step):
    """Name the slope first."""
    slope = 2 * place
    return place - slope * step


def downhill_in_two_halves(place, step):
    """Two half steps with the slope of the beginning."""
    half = step * place
    return place - half - half


def steep_place_by_trying():
    """Go to the right until the slope is 3."""
    place = 0.0
    while 2 * place < 3:
        place += 0.25
    return place


def steep_place_by_solving():
    """2x = 3."""
    return 3 * 2**-1


def steep_place_between_two():
    """Between 1, where it is 2, and 2, where it is 4: halfway."""
    return (1 + 2) / 2


def step_size_of_one_step():
    """A step that long goes all the way at once."""
    return 0.5


def step_size_from_the_other_side():
    """It jumps over the lowest point, each time to a fifth of the distance."""
    return 0.6


def step_size_just_long_enough():
    """After ten steps a thousandth is left."""
    return (1 - 0.0009**0.1) / 2
