"""Facts, figures, exercises and quiz of notebooks/*_optimisation.ipynb."""

from collections.abc import Callable
from functools import cache, cached_property
from typing import NamedTuple

from dlcourse import challenges, data, exercise, plot, predictions, quiz, results, written_tests
from dlcourse.arrays import to_numpy
from dlcourse.errors import KindError
from dlcourse.exercise import Mistake, WhatIf

import numpy as np

TITLE = "Optimisers and learning rates"
NEEDS = ("11",)
DATA = ("fashion-mnist",)


# Surfaces, and a race on them ---------------------------------------------------------------------


class Surface(NamedTuple):
    """A loss of two weights, whose lowest value is 0.

    Attributes:
        loss: Function of weights (…, 2) that gives losses (…).
        slopes: Function of two weights that gives both slopes.
        start: Where the races begin.
        limits: ((left, right), (bottom, top)) of what is drawn.
    """

    loss: Callable
    slopes: Callable
    start: np.ndarray
    limits: tuple


def _bent_slopes(w):
    off = w[1] - w[0] ** 2
    return np.array([-2 * (1 - w[0]) - 40 * w[0] * off, 20 * off])


SURFACES = {
    "valley": Surface(
        lambda w: (w[..., 0] ** 2 + 25 * w[..., 1] ** 2) / 2,
        lambda w: np.array([1.0, 25.0]) * w,
        np.array([10.0, 1.0]),
        ((-5, 11), (-3, 3)),
    ),
    "bent valley": Surface(
        lambda w: (1 - w[..., 0]) ** 2 + 10 * (w[..., 1] - w[..., 0] ** 2) ** 2,
        _bent_slopes,
        np.array([-1.2, 1.5]),
        ((-2, 2), (-1, 3)),
    ),
    "saddle": Surface(
        lambda w: w[..., 0] ** 2 + (w[..., 1] ** 2 - 1) ** 2 / 4,
        lambda w: np.array([2 * w[0], (w[1] ** 2 - 1) * w[1]]),
        np.array([1.5, 0.001]),
        ((-2, 2), (-2, 2)),
    ),
}


def draw_surface(axes, loss, across, up, points=81):
    """Draw lines of equal loss of two weights, each twice as high as the one below.

    Args:
        axes: Where to draw.
        loss: Function of weights (…, 2).
        across, up: (lowest, highest) of the first and of the second weight.
        points: At how many places in each direction the loss is computed.
    """
    w1, w2 = np.meshgrid(np.linspace(*across, points), np.linspace(*up, points))
    heights = loss(np.stack([w1, w2], axis=-1))
    levels = heights.max() / 2.0 ** np.arange(11, -1, -1)
    axes.contour(w1, w2, heights, levels=levels, colors="lightgray", linewidths=0.8)
    axes.set(xlim=across, ylim=up)


def draw_race(figure, surface, optimiser, rate, keep, path, other):
    """Draw the path of an optimiser beside that of plain descent.

    Args:
        figure: Where to draw.
        surface: Name of one of `SURFACES`.
        optimiser, rate, keep: What is said of the path.
        path, other: Places on the way (steps + 1, 2) of it, and of plain descent; shorter than 101
            if it ran away.

    Returns:
        A sentence, and the facts that decide the explorer's challenges.
    """
    ground = SURFACES[surface]
    ground_axes, axes = figure.subplots(1, 2, width_ratios=(1.3, 1))
    draw_surface(ground_axes, ground.loss, *ground.limits, points=25)
    for each, colour in ((other, "gray"), (path, plot.COLOURS[1])):
        ground_axes.plot(*each.T, ".-", color=colour, markersize=3, linewidth=0.8)
        powers = np.log10(np.maximum(ground.loss(each), 1e-9))
        axes.plot(powers, color=colour)
    ground_axes.plot(*ground.start, "o", color="black", markersize=4)
    ground_axes.set(title=surface, xlabel="w₁", ylabel="w₂")
    (left, right), (bottom, top) = ground.limits
    ground_axes.set(xticks=(left, 0, right), yticks=(bottom, 0, top))
    axes.set(title="Loss, as a power of ten", xlabel="step", xlim=(0, 100), ylim=(-9, 6))
    axes.set(xticks=(0, 50, 100), yticks=(-9, -6, -3, 0, 3, 6))
    end, end_of_descent = (float(ground.loss(each[-1])) for each in (path, other))
    ran_away = len(path) < 101
    kept = f", {keep:.2f} kept" if optimiser != "descent" else ""
    what = "it has run away" if ran_away else f"the loss is {end:.2g}"
    sentence = (
        f"{optimiser} on the {surface}, rate {rate:.3g}{kept}: after {len(path) - 1} steps {what}."
    )
    facts = {
        "surface": surface,
        "optimiser": optimiser,
        "rate": rate,
        "keep": keep,
        "end": end,
        "end_of_descent": end_of_descent,
        "ran_away": ran_away,
        "descent_ran_away": len(other) < 101,
    }
    return sentence, facts


def adam_keeping(w, memory, slope, rate, keep):
    """Take a step of Adam that keeps any share of the old mean; return weights and memory."""
    m, q, t = memory
    m, q = keep * m + (1 - keep) * slope, 0.999 * q + 0.001 * slope**2
    mean, square = m / (1 - keep ** (t + 1)), q / (1 - 0.999 ** (t + 1))
    return w - rate * mean / (np.sqrt(square) + 1e-8), (m, q, t + 1)


def bound(gap):
    """Return the smaller one of two powers of ten that a gap stays below."""
    return next((f"below {most:g}" for most in (1e-12, 1e-4) if gap < most), "more")


CHALLENGES = challenges.Challenges(
    __name__,
    racers={
        "run_away": challenges.challenge(
            ask="Make plain descent run away at a rate below 0.1.",
            met=lambda optimiser, ran_away, rate: (
                optimiser == "descent" and ran_away and rate < 0.1
            ),
            because="At {rate:.3g}, on the {surface}: in the steepest direction each step jumped "
            "over the lowest place and landed higher than before.",
            solution={"optimiser": "descent", "rate": 0.0955},
        ),
        "off_the_saddle": challenges.challenge(
            ask="On the saddle plain descent at a rate of 0.02 is stuck near the middle. Bring the "
            "loss below 0.01 at a rate of 0.03 or less.",
            met=lambda surface, rate, end: surface == "saddle" and rate <= 0.03 and end < 0.01,
            because="{end:.1e} with {optimiser}, at a rate of {rate:.3g}. Near the middle the "
            "slope is tiny, but it points the same way in each step: what adds slopes up, or "
            "divides them by their size, gets away sooner.",
            solution={"surface": "saddle", "optimiser": "momentum", "rate": 0.02, "keep": 0.9},
        ),
        "round_the_bend": challenges.challenge(
            ask="Bring the loss below 0.001 on the bent valley.",
            met=lambda surface, end: surface == "bent valley" and end < 0.001,
            because="{end:.1e} with {optimiser} at a rate of {rate:.3g}, and {end_of_descent:.2g} "
            "for plain descent at the same rate. Along the bend no single rate suits every step.",
            solution={"surface": "bent valley", "optimiser": "Adam", "rate": 0.2, "keep": 0.8},
        ),
        "too_much": challenges.challenge(
            ask="Show that more memory can be worse: let momentum or Nesterov, without running "
            "away, end at a loss 100 times that of plain descent at the same rate.",
            met=lambda optimiser, ran_away, descent_ran_away, end, end_of_descent: (
                optimiser in ("momentum", "Nesterov")
                and not ran_away
                and not descent_ran_away
                and end > 100 * end_of_descent
            ),
            because="{end:.2g} against {end_of_descent:.2g}. With {keep:.2f} of the velocity kept, "
            "it swings past the lowest place again and again.",
            solution={"rate": 0.0501, "keep": 0.98},
        ),
    },
)


# Exercises ----------------------------------------------------------------------------------------


def _one_step_to_the_bottom():
    return 1 / 40


def _for_the_flat_weight():
    return 2.0


def _of_the_lessons_valley():
    return 2 / 25


def _upside_down():
    return 40 / 2


def _fastest():
    return 2 / (1 + 40)


@exercise.value(
    ask="A valley has the curvatures 1 and 40. At which learning rate does its steep weight jump "
    "back and forth for ever, neither nearer nor further?",
    hints=(
        "By which number is that weight multiplied in one step, at a rate η?",
        "Multiplied by which number does a weight change sides and keep its size?",
        "1 less 40 times the rate has to be −1.",
    ),
    mistakes=[
        Mistake(
            "At that rate one step takes it to 0, where it stays. It should land on the other "
            "side, as far away.",
            _one_step_to_the_bottom,
        ),
        Mistake("That is where the *flat* weight jumps back and forth.", _for_the_flat_weight),
        Mistake("That is for a curvature of 25, as in the lesson.", _of_the_lessons_valley),
        Mistake("Upside down: a steeper direction needs a smaller rate.", _upside_down),
        Mistake(
            "At that rate both weights shrink equally fast, as in lesson 10. At which one does the "
            "steep one not shrink at all?",
            _fastest,
        ),
    ],
)
def rate_at_the_edge():
    return 2 / 40


def _plain_momentum(w, v, slope, rate, keep):
    v = keep * v + slope
    return w - rate * v, v


def _looks_ahead_twice(w, v, slope, rate, keep):
    v = keep * v + slope
    return w - rate * (v + keep * v), v


def _looks_ahead_without_the_slope(w, v, slope, rate, keep):
    v = keep * v + slope
    return w - rate * keep * v, v


def _by_the_slope_alone(w, v, slope, rate, keep):
    v = keep * v + slope
    return w - rate * slope, v


def _average_of_slopes(w, v, slope, rate, keep):
    v = keep * v + (1 - keep) * slope
    return w - rate * (slope + keep * v), v


def _average_in_both(w, v, slope, rate, keep):
    v = keep * v + (1 - keep) * slope
    return w - rate * ((1 - keep) * slope + keep * v), v


def _rate_inside(w, v, slope, rate, keep):
    v = keep * v - rate * slope
    return w + keep * v - rate * slope, v


def _rate_inside_downwards(w, v, slope, rate, keep):
    v = keep * v + rate * slope
    return w - keep * v - rate * slope, v


def _uphill(w, v, slope, rate, keep):
    v = keep * v + slope
    return w + rate * (slope + keep * v), v


def _slope_twice(w, v, slope, rate, keep):
    v = keep * (v + slope)
    return w - rate * (slope + keep * v), v


def _velocity_that_looked_ahead(w, v, slope, rate, keep):
    v = slope + keep * (keep * v + slope)
    return w - rate * v, v


def _velocity_first(w, v, slope, rate, keep):
    v = keep * v + slope
    return v, w - rate * (slope + keep * v)


def _some_velocity(random):
    shape = random.integers(1, 4, random.integers(1, 3))
    w, v, slope = (random.normal(0, 2, shape).round(1) for _ in range(3))
    rate, keep = float(random.choice([0.01, 0.1, 0.5])), float(random.choice([0, 0.5, 0.9, 0.99]))
    return {"w": w, "v": v, "slope": slope, "rate": rate, "keep": keep}


@exercise.function(
    ask="Return the weights and the velocity after one step of Nesterov's momentum, as a pair.",
    cases=[
        {
            "w": np.array([1.0, -2.0]),
            "v": np.zeros(2),
            "slope": np.array([0.5, 4.0]),
            "rate": 0.1,
            "keep": 0.9,
        },
        {
            "w": np.array([1.0]),
            "v": np.array([3.0]),
            "slope": np.array([-2.0]),
            "rate": 0.5,
            "keep": 0.5,
        },
    ],
    draw=_some_velocity,
    hints=(
        "Two lines, one for each formula. Which of the two comes first?",
        "The velocity in the second formula is the new one: it has taken the slope in.",
        "First `keep` times the old velocity plus the slope; then the weights less `rate` times "
        "the slope plus `keep` times that new velocity.",
    ),
    mistakes=[
        Mistake(
            "That is plain momentum. (Or did you put the *old* velocity into the second formula? "
            "Then it comes to the same.)",
            _plain_momentum,
        ),
        Mistake(
            "You look ahead twice: in the second formula it is the slope that is added to μv.",
            _looks_ahead_twice,
        ),
        Mistake(
            "In the second formula the slope itself is missing.", _looks_ahead_without_the_slope
        ),
        Mistake(
            "You compute a velocity, but move the weights by the slope alone.", _by_the_slope_alone
        ),
        Mistake(
            "Your velocity is an average: the slope gets only 1 − keep. In the formula it counts "
            "in full.",
            (_average_of_slopes, _average_in_both),
        ),
        Mistake(
            "You put the rate into the velocity, as lesson 10 and Keras do. That works too, but "
            "`v` then means something else: here it should hold slopes alone.",
            (_rate_inside, _rate_inside_downwards),
        ),
        Mistake("Your weights go uphill: move them against the velocity.", _uphill),
        Mistake(
            "In the first formula the new slope is multiplied by `keep` too. Only the old velocity "
            "is.",
            _slope_twice,
        ),
        Mistake(
            "The weights are right, but the velocity that you return has already looked ahead. "
            "Return that of the first formula.",
            _velocity_that_looked_ahead,
        ),
        Mistake("The right arrays in the wrong order: the weights come first.", _velocity_first),
    ],
    what_if=WhatIf(
        "all of the velocity is kept, and there is no slope any more",
        {
            "w": np.array([1.0]),
            "v": np.array([2.0]),
            "slope": np.zeros(1),
            "rate": 0.1,
            "keep": 1.0,
        },
        "Then nothing ever stops it: the weight moves on by the same step for ever.",
    ),
)
def nesterov_step(w, v, slope, rate, keep):
    v = keep * v + slope
    return w - rate * (slope + keep * v), v


def _uncorrected(w, m, q, t, slope, rate):
    m = 0.9 * m + 0.1 * slope
    q = 0.999 * q + 0.001 * slope**2
    w = w - rate * m / (np.sqrt(q) + 1e-8)
    return w, m, q


def _one_corrected(w, m, q, t, slope, rate):
    m = 0.9 * m + 0.1 * slope
    q = 0.999 * q + 0.001 * slope**2
    return w - rate * m / (1 - 0.9**t) / (np.sqrt(q) + 1e-8), m, q


def _other_corrected(w, m, q, t, slope, rate):
    m = 0.9 * m + 0.1 * slope
    q = 0.999 * q + 0.001 * slope**2
    return w - rate * m / (np.sqrt(q / (1 - 0.999**t)) + 1e-8), m, q


def _kept_corrected(w, m, q, t, slope, rate):
    m = (0.9 * m + 0.1 * slope) / (1 - 0.9**t)
    q = (0.999 * q + 0.001 * slope**2) / (1 - 0.999**t)
    return w - rate * m / (np.sqrt(q) + 1e-8), m, q


def _a_step_late(w, m, q, t, slope, rate):
    m = 0.9 * m + 0.1 * slope
    q = 0.999 * q + 0.001 * slope**2
    mean, square = m / (1 - 0.9 ** (t + 1)), q / (1 - 0.999 ** (t + 1))
    return w - rate * mean / (np.sqrt(square) + 1e-8), m, q


def _times_instead_of_power(w, m, q, t, slope, rate):
    m = 0.9 * m + 0.1 * slope
    q = 0.999 * q + 0.001 * slope**2
    mean, square = m / (1 - 0.9), q / (1 - 0.999)
    return w - rate * mean / (np.sqrt(square) + 1e-8), m, q


def _without_the_root(w, m, q, t, slope, rate):
    m = 0.9 * m + 0.1 * slope
    q = 0.999 * q + 0.001 * slope**2
    return w - rate * m / (1 - 0.9**t) / (q / (1 - 0.999**t) + 1e-8), m, q


def _corrections_swapped(w, m, q, t, slope, rate):
    m = 0.9 * m + 0.1 * slope
    q = 0.999 * q + 0.001 * slope**2
    mean, square = m / (1 - 0.999**t), q / (1 - 0.9**t)
    return w - rate * mean / (np.sqrt(square) + 1e-8), m, q


def _corrected_after_the_root(w, m, q, t, slope, rate):
    m = 0.9 * m + 0.1 * slope
    q = 0.999 * q + 0.001 * slope**2
    mean, root = m / (1 - 0.9**t), np.sqrt(q) / (1 - 0.999**t)
    return w - rate * mean / (root + 1e-8), m, q


def _times_t(w, m, q, t, slope, rate):
    m = 0.9 * m + 0.1 * slope
    q = 0.999 * q + 0.001 * slope**2
    mean, square = m / (1 - 0.9 * t), q / np.abs(1 - 0.999 * t)
    return w - rate * mean / (np.sqrt(square) + 1e-8), m, q


def _multiplied(w, m, q, t, slope, rate):
    m = 0.9 * m + 0.1 * slope
    q = 0.999 * q + 0.001 * slope**2
    mean, square = m * (1 - 0.9**t), q * (1 - 0.999**t)
    return w - rate * mean / (np.sqrt(square) + 1e-8), m, q


def _adam_uphill(w, m, q, t, slope, rate):
    m = 0.9 * m + 0.1 * slope
    q = 0.999 * q + 0.001 * slope**2
    mean, square = m / (1 - 0.9**t), q / (1 - 0.999**t)
    return w + rate * mean / (np.sqrt(square) + 1e-8), m, q


def _some_adam(random):
    shape = random.integers(1, 5)
    w, m, slope = (random.normal(0, 1, shape).round(2) for _ in range(3))
    if random.random() < 0.3:
        slope = (slope * random.choice([0.001, 100])).round(5)
    t = int(random.choice([1, 2, 3, 10, 100, 2000]))
    start = random.random() < 0.3
    return {
        "w": w,
        "m": np.zeros(shape) if start else m,
        "q": np.zeros(shape) if start else random.uniform(0.01, 2, shape).round(2),
        "t": 1 if start else t,
        "slope": slope,
        "rate": float(random.choice([0.001, 0.1, 1.0])),
    }


@exercise.function(
    ask="Fix the function: return the weights, `m` and `q` after one step of Adam. `t` is the "
    "number of this step, 1 for the first.",
    cases=[
        {
            "w": np.array([1.0, 2.0]),
            "m": np.zeros(2),
            "q": np.zeros(2),
            "t": 1,
            "slope": np.array([0.5, -8.0]),
            "rate": 0.1,
        },
        {
            "w": np.array([0.0]),
            "m": np.array([0.2]),
            "q": np.array([0.01]),
            "t": 5,
            "slope": np.array([-1.0]),
            "rate": 0.1,
        },
        {
            "w": np.array([0.0]),
            "m": np.array([0.0]),
            "q": np.array([0.0]),
            "t": 1,
            "slope": np.array([1e-8]),
            "rate": 1.0,
        },
    ],
    draw=_some_adam,
    given=_uncorrected,
    hints=(
        "Let it take a first step from m = 0 and q = 0. How long is the step, beside the rate?",
        "The averages start at 0. What does the text divide them by? The function gets `t` and "
        "never uses it.",
        "In the line for `w`, put m / (1 − 0.9 to the power of t) for `m`, and in the same way "
        "with 0.999 for `q`. The function still returns `m` and `q` as they are.",
    ),
    mistakes=[
        Mistake("The first step is still about three rates long.", _uncorrected),
        Mistake("Now `m` is corrected. And `q`?", _one_corrected),
        Mistake("Now `q` is corrected. And `m`?", _other_corrected),
        Mistake(
            "The step is right, but you keep the corrected averages: in the next step they would "
            "be corrected again. Correct them where they are used.",
            _kept_corrected,
        ),
        Mistake("Your correction is one step late: in the first step, t is 1.", _a_step_late),
        Mistake(
            "You divide by 1 − 0.9 in every step. Where is the power of t?", _times_instead_of_power
        ),
        Mistake("Divide by the root of q, not by q itself.", _without_the_root),
        Mistake(
            "`m` is corrected with 0.9, `q` with 0.999. You swapped them.", _corrections_swapped
        ),
        Mistake(
            "Correct `q` before you take the root: a root over both is not the root over one.",
            _corrected_after_the_root,
        ),
        Mistake("0.9 to the *power* of t, not times t.", _times_t),
        Mistake("You multiply by the share that was taken in. Divide by it.", _multiplied),
        Mistake("Now the weights go uphill.", _adam_uphill),
    ],
    what_if=WhatIf(
        "the slope is 0 from the first step on",
        {
            "w": np.array([1.0]),
            "m": np.zeros(1),
            "q": np.zeros(1),
            "t": 1,
            "slope": np.zeros(1),
            "rate": 0.1,
        },
        "0 / (0 + 1e-8) is 0. Without that small number it would be no number at all.",
    ),
)
def adam_step(w, m, q, t, slope, rate):
    m = 0.9 * m + 0.1 * slope
    q = 0.999 * q + 0.001 * slope**2
    mean, square = m / (1 - 0.9**t), q / (1 - 0.999**t)
    return w - rate * mean / (np.sqrt(square) + 1e-8), m, q


def _length_of_the_first(adam_step):
    w, _, _ = adam_step(np.array([0.0]), np.array([0.0]), np.array([0.0]), 1, np.array([9.0]), 0.1)
    assert np.allclose(w, -0.1)


def _what_is_kept(adam_step):
    zero = np.array([0.0])
    _, m, q = adam_step(zero, zero, zero, 1, np.array([2.0]), 0.1)
    assert np.allclose(m, 0.2) and np.allclose(q, 0.004)


def _late_step_alone(adam_step):
    one = np.array([1.0])
    w, _, _ = adam_step(one, one, one, 100_000, one, 0.5)
    assert np.allclose(w, 0.5)


@written_tests.of(
    adam_step,
    ask="Write a test that every right `adam_step` passes and that a wrong one fails.",
    hints=(
        "From m = q = 0 the first step is one rate long, whatever the slope: ask for that.",
        "Look at all three results. After a first slope of 2, m is 0.2 and q is 0.004.",
        "One more case with t = 2 tells a power from a product: with m = q = 1 and a slope of 1, m "
        "and q stay 1, and the step is the rate times (1 / (1 − 0.81)) / √(1 / (1 − 0.998001)).",
    ),
    mistakes=[
        Mistake(
            "You look at the length of the first step only. What does a function hand to the next "
            "step, and what if t is larger than 1?",
            _length_of_the_first,
        ),
        Mistake(
            "You look at what is kept only. How far did the weight move?",
            _what_is_kept,
        ),
        Mistake(
            "After thousands of steps hardly any correction is left. Look at an early step too.",
            _late_step_alone,
        ),
    ],
)
def test_adam_step(adam_step):
    zero, one = np.array([0.0]), np.array([1.0])
    w, m, q = adam_step(zero, zero, zero, 1, np.array([2.0]), 0.1)
    assert np.allclose(w, -0.1) and np.allclose(m, 0.2) and np.allclose(q, 0.004)
    w, m, q = adam_step(one, one, one, 2, one, 0.1)
    assert np.allclose(m, 1) and np.allclose(q, 1)
    assert np.allclose(w, 1 - 0.1 / (1 - 0.9**2) * np.sqrt(1 - 0.999**2))
    w, m, q = adam_step(one, zero, one / 4, 3, 3 * one, 0.1)
    assert np.allclose(m, 0.3) and np.allclose(q, 0.25875)
    assert np.allclose(w, 1 - 0.1 * 0.3 / (1 - 0.9**3) / np.sqrt(0.25875 / (1 - 0.999**3)))


def _cosine_alone(progress, warm):
    return (1 + np.cos(np.pi * progress)) / 2


def _not_stretched(progress, warm):
    return progress / warm if progress < warm else (1 + np.cos(np.pi * progress)) / 2


def _shifted(progress, warm):
    return progress / warm if progress < warm else (1 + np.cos(np.pi * (progress - warm))) / 2


def _straight_down(progress, warm):
    return progress / warm if progress < warm else (1 - progress) / (1 - warm)


def _whole_wave(progress, warm):
    if progress < warm:
        return progress / warm
    return (1 + np.cos(2 * np.pi * (progress - warm) / (1 - warm))) / 2


def _quarter_wave(progress, warm):
    if progress < warm:
        return progress / warm
    return np.cos(np.pi / 2 * (progress - warm) / (1 - warm))


def _warm_up_not_scaled(progress, warm):
    return progress if progress < warm else warm_cosine.solve(progress, warm)


def _upwards(progress, warm):
    if progress < warm:
        return progress / warm
    return (1 - np.cos(np.pi * (progress - warm) / (1 - warm))) / 2


def _below_zero(progress, warm):
    if progress < warm:
        return progress / warm
    return np.cos(np.pi * (progress - warm) / (1 - warm))


def _in_degrees(progress, warm):
    if progress < warm:
        return progress / warm
    return (1 + np.cos(180 * (progress - warm) / (1 - warm))) / 2


def _multiplied_factors(progress, warm):
    return min(1, progress / warm) * (1 + np.cos(np.pi * progress)) / 2


def _some_progress(random):
    return {
        "progress": float(random.integers(0, 20) / 20),
        "warm": float(random.choice([0.05, 0.1, 0.25, 0.5, 0.8])),
    }


@exercise.function(
    ask="Return the factor of the learning rate when a share `progress` of the training is done; "
    "`warm` lies between 0 and 1.",
    cases=[
        {"progress": 0.0, "warm": 0.1},
        {"progress": 0.05, "warm": 0.1},
        {"progress": 0.1, "warm": 0.1},
        {"progress": 0.55, "warm": 0.1},
        {"progress": 0.75, "warm": 0.5},
        {"progress": 0.95, "warm": 0.2},
    ],
    draw=_some_progress,
    hints=(
        "Two parts, so an `if`. What must come out at `progress = warm`, from both sides?",
        "In the second part, which share of *that part* is done? It should go from 0 to 1.",
        "The share is (progress − warm) / (1 − warm). Put it where `cosine` in the text has "
        "`progress`.",
    ),
    mistakes=[
        Mistake("There is no warm-up in it yet: at `progress = 0` it gives 1.", _cosine_alone),
        Mistake(
            "At the end of the warm-up yours jumps: the cosine has begun too early. It should "
            "start from 1 there.",
            _not_stretched,
        ),
        Mistake(
            "Yours does not come down to 0 at the end. The cosine has less time than before, so it "
            "has to be faster.",
            _shifted,
        ),
        Mistake("Your second part is a straight line. It should be half a cosine.", _straight_down),
        Mistake("A whole wave: yours is 0 in the middle and comes back to 1.", _whole_wave),
        Mistake(
            "A quarter of a wave: it ends steeply. The half wave begins and ends flat.",
            _quarter_wave,
        ),
        Mistake("Your warm-up ends at `warm`, not at 1.", _warm_up_not_scaled),
        Mistake("After the warm-up yours begins again at 0 and rises.", _upwards),
        Mistake("Yours comes down to −1: a wave of the cosine goes from 1 to −1.", _below_zero),
        Mistake("NumPy takes angles in radians: half a wave is π, not 180.", _in_degrees),
        Mistake(
            "You multiply a warm-up by a cosine that began at 0. In the first part there should be "
            "no cosine, and in the second it should begin at `warm`.",
            _multiplied_factors,
        ),
    ],
    what_if=WhatIf(
        "the training is over",
        {"progress": 1.0, "warm": 0.1},
        "The rate has come down to 0: a further step would change nothing.",
    ),
)
def warm_cosine(progress, warm):
    if progress < warm:
        return progress / warm
    share = (progress - warm) / (1 - warm)
    return (1 + np.cos(np.pi * share)) / 2


def _each_by_itself(slopes, largest):
    return [each * min(1, largest / max(np.linalg.norm(each), 1e-12)) for each in slopes]


def _each_number(slopes, largest):
    return [np.clip(each, -largest, largest) for each in slopes]


def _always_scaled(slopes, largest):
    length = np.sqrt(sum((each**2).sum() for each in slopes))
    return [each * largest / length for each in slopes]


def _length_without_root(slopes, largest):
    length = sum((each**2).sum() for each in slopes)
    return [each * min(1, largest / length) for each in slopes]


def _by_the_largest_number(slopes, largest):
    most = max(np.abs(each).max() for each in slopes)
    return [each * min(1, largest / most) for each in slopes]


def _sum_of_lengths(slopes, largest):
    length = sum(np.linalg.norm(each) for each in slopes)
    return [each * min(1, largest / length) for each in slopes]


def _the_other_way_round(slopes, largest):
    length = np.sqrt(sum((each**2).sum() for each in slopes))
    return [each * max(1, largest / length) for each in slopes]


def _as_it_was(slopes, largest):
    return [each.copy() for each in slopes]


def _to_length_one(slopes, largest):
    length = np.sqrt(sum((each**2).sum() for each in slopes))
    return [each / length if length > largest else each for each in slopes]


def _upside_down_factor(slopes, largest):
    length = np.sqrt(sum((each**2).sum() for each in slopes))
    return [each * min(1, length / largest) for each in slopes]


def _root_of_the_mean(slopes, largest):
    length = np.sqrt(np.mean(np.concatenate([np.ravel(each) for each in slopes]) ** 2))
    return [each * min(1, largest / length) for each in slopes]


def _some_slopes(random):
    slopes = [
        random.normal(0, random.choice([0.1, 1, 10]), random.integers(1, 4, random.integers(1, 3)))
        for _ in range(random.integers(1, 4))
    ]
    return {
        "slopes": [(each + 0.05).round(1) for each in slopes],
        "largest": float(random.choice([0.5, 1, 2, 5, 20])),
    }


@exercise.function(
    ask="Return a list of new arrays, all multiplied by one number, so that the length of the "
    "whole gradient is at most `largest`. What is not too long stays as it is.",
    cases=[
        {"slopes": [np.array([3.0]), np.array([4.0])], "largest": 1.0},
        {"slopes": [np.array([[0.3, -0.1], [0.2, 0.0]]), np.array([0.1, 0.2])], "largest": 1.0},
        {"slopes": [np.array([6.0, 8.0, 0.0])], "largest": 5.0},
    ],
    draw=_some_slopes,
    hints=(
        "For [3] and [4] together the length is 5. By which number has each to be multiplied, if "
        "the limit is 1?",
        "One length for all arrays: the root of the sum of all their squares. Nothing changes "
        "where it is smaller than the limit.",
        "Multiply each array by the smaller one of 1 and largest / length.",
    ),
    mistakes=[
        Mistake(
            "You clip each array by its own length, as Keras's `clipnorm` does. The direction of "
            "the whole changes; one number should multiply all.",
            _each_by_itself,
        ),
        Mistake(
            "You cut off each number by itself, which changes the direction. One number should "
            "multiply all.",
            _each_number,
        ),
        Mistake(
            "A gradient that is short enough should stay as it is. Yours is made longer.",
            _always_scaled,
        ),
        Mistake("That is the square of the length. Take the root.", _length_without_root),
        Mistake(
            "You go by the largest single slope. The limit is for the length of them all together.",
            _by_the_largest_number,
        ),
        Mistake(
            "You add up the lengths of the arrays. Lengths do not add up like that: 3 and 4 "
            "make 5.",
            _sum_of_lengths,
        ),
        Mistake(
            "Long gradients stay as they are and short ones grow. Which of the two numbers is the "
            "smaller one?",
            _the_other_way_round,
        ),
        Mistake("Nothing has changed. What happens to a gradient that is too long?", _as_it_was),
        Mistake(
            "Long gradients get the length 1, whatever the limit is. They should get the length "
            "`largest`.",
            _to_length_one,
        ),
        Mistake(
            "Upside down: for a gradient twice as long as the limit the factor is a half.",
            _upside_down_factor,
        ),
        Mistake(
            "You took a mean of the squares. A length needs their sum, so that more slopes make it "
            "longer.",
            _root_of_the_mean,
        ),
    ],
    what_if=WhatIf(
        "all slopes are 0",
        {"slopes": [np.zeros(2)], "largest": 1.0},
        "The length is 0, and largest / 0 is infinite or an error: real code adds a tiny number to "
        "the length.",
    ),
)
def clip_by_norm(slopes, largest):
    length = np.sqrt(sum((each**2).sum() for each in slopes))
    factor = min(1, largest / length)
    return [each * factor for each in slopes]


# An optimiser of one's own ------------------------------------------------------------------------

STEPS, STARTS_OF_CHECK, UNITS = 150, (11, 12, 13), 32


class _Trial:
    """What an optimiser does with the check's network; each run is made once, when it is asked for.

    Attributes:
        optimiser: The learner's function.
    """

    def __init__(self, optimiser):
        self.optimiser = optimiser

    @cached_property
    def honest(self):
        """Mean validation accuracy over the starts."""
        return float(np.mean([self._run(start)[0] for start in STARTS_OF_CHECK]))

    @cached_property
    def after_noise(self):
        """Validation accuracy where the slopes come from labels that were drawn at random."""
        return self._run(STARTS_OF_CHECK[0], noise=True)[0]

    @cached_property
    def after_nothing(self):
        """By how much the weights move where all slopes are 0, and the accuracy after it."""
        return self._run(STARTS_OF_CHECK[0], blank=True)

    @cached_property
    def remembers(self):
        """Whether it hands anything to its next step."""
        weights = _new_weights(0)
        x, labels = (array[:50] for array in _pictures()[0])
        _, memory = self._step(weights, _slopes_and_loss(weights, x, labels)[0], None, 0.0)
        return memory is not None

    @cached_property
    def as_fast_at_the_end(self):
        """Whether a first step is at least as long near the end as at the beginning."""
        weights = _new_weights(0)
        x, labels = (array[:50] for array in _pictures()[0])
        slopes, _ = _slopes_and_loss(weights, x, labels)
        lengths = []
        for progress in (0.3, 0.95):
            new, _ = self._step(weights, slopes, None, progress)
            lengths.append(sum(np.abs(a - b).sum() for a, b in zip(new, weights)))
        return lengths[1] >= lengths[0]

    @cached_property
    def loss_rises(self):
        """Whether ten steps on one and the same batch make its loss larger."""
        before, after = self._on_one_batch
        return not after < before

    @cached_property
    def _on_one_batch(self):
        x, labels = (array[:50] for array in _pictures()[0])
        weights, memory, losses = _new_weights(0), None, []
        for _ in range(11):
            slopes, loss = _slopes_and_loss(weights, x, labels)
            losses.append(loss)
            weights, memory = self._step(weights, slopes, memory, 0.3)
        return losses[0], losses[-1]

    def _step(self, weights, slopes, memory, progress):
        given = [each.copy() for each in weights], [each.copy() for each in slopes]
        answer = self.optimiser(*given, memory, progress)
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise KindError(
                "`my_optimiser` should return a pair: the list of new weights, and the memory."
            )
        new, memory = answer
        new = [np.asarray(to_numpy(each), dtype="float64") for each in new]
        if [each.shape for each in new] != [each.shape for each in weights]:
            raise KindError(
                "`my_optimiser` should return four arrays of the shapes that it got, but the "
                f"shapes are {', '.join(str(each.shape) for each in new)}."
            )
        return new, memory

    def _run(self, start, noise=False, blank=False):
        """Return the accuracy after the steps, and by how much the weights have moved."""
        ((x, labels), valid), random = _pictures(), np.random.default_rng(start)
        labels = random.permutation(labels) if noise else labels
        first = weights = _new_weights(start)
        memory, order = None, []
        with np.errstate(all="ignore"):
            for step in range(STEPS):
                if step % 100 == 0:
                    order = random.permutation(len(x))
                chosen = order[50 * (step % 100) :][:50]
                slopes, _ = _slopes_and_loss(weights, x[chosen], labels[chosen])
                slopes = [0 * each for each in slopes] if blank else slopes
                weights, memory = self._step(weights, slopes, memory, step / STEPS)
            scores = _forward(weights, valid[0])[-1]
        moved = max(float(np.abs(a - b).max()) for a, b in zip(weights, first))
        if not np.isfinite(scores).all():
            return 0.0, moved
        return results.accuracy(scores, valid[1]), moved


@cache
def _pictures():
    """Return pictures and labels to train on, and those to measure with."""
    fashion = data.load("fashion-mnist")
    return [(part.features, part.labels) for part in (fashion.train[:5_000], fashion.valid)]


def _new_weights(start):
    random = np.random.default_rng(1000 + start)
    w1 = random.normal(0, np.sqrt(2 / 784), (784, UNITS))
    w2 = random.normal(0, np.sqrt(2 / UNITS), (UNITS, 10))
    return [w1, np.zeros(UNITS), w2, np.zeros(10)]


def _forward(weights, x):
    w1, b1, w2, b2 = weights
    hidden = np.maximum(0, x @ w1 + b1)
    return hidden, hidden @ w2 + b2


def _slopes_and_loss(weights, x, labels):
    hidden, scores = _forward(weights, x)
    with np.errstate(all="ignore"):  # weights that have run away give nan, and are told so
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities = powers / powers.sum(axis=1, keepdims=True)
    of_labels = probabilities[np.arange(len(labels)), labels]
    d_scores = (probabilities - np.eye(10)[labels]) / len(labels)
    d_z = d_scores @ weights[2].T * (hidden > 0)
    slopes = [x.T @ d_z, d_z.sum(axis=0), hidden.T @ d_scores, d_scores.sum(axis=0)]
    return slopes, float(-np.log(np.maximum(of_labels, 1e-12)).mean())


def _plain_descent():
    return lambda weights, slopes, memory, progress: (
        [w - 0.1 * slope for w, slope in zip(weights, slopes)],
        None,
    )


def _far_too_fast():
    return lambda weights, slopes, memory, progress: (
        [w - 50.0 * slope for w, slope in zip(weights, slopes)],
        None,
    )


def _never_moves():
    return lambda weights, slopes, memory, progress: (weights, memory)


def _climbs():
    return lambda weights, slopes, memory, progress: (
        [w + 0.1 * slope for w, slope in zip(weights, slopes)],
        None,
    )


def _momentum_at_a_constant_rate():
    def steps(weights, slopes, memory, progress):
        memory = memory or [0 * w for w in weights]
        memory = [0.9 * v + slope for v, slope in zip(memory, slopes)]
        return [w - 0.1 * v for w, v in zip(weights, memory)], memory

    return steps


def _a_library_s(torch):
    return torch.optim.Adam


def _settings():
    return {"optimiser": "Adam", "rate": 0.01}


def _looks_for_itself():
    """It takes five steps for each one, with slopes of its own, from pictures that it loads."""
    (x, labels), random = _pictures()[1], np.random.default_rng(0)

    def steps(weights, slopes, memory, progress):
        for _ in range(5):
            some = random.integers(0, 5_000, 100)
            own, _ = _slopes_and_loss(weights, x[some], labels[some])
            weights = [w - 0.1 * slope for w, slope in zip(weights, own)]
        return weights, memory

    return steps


@exercise.measured(
    ask="Put a function `(weights, slopes, memory, progress)` that returns (new weights, memory) "
    "into `my_optimiser`, and reach a mean validation accuracy of 0.785 in 150 steps.",
    examine=_Trial,
    measure=lambda trial: trial.honest,
    bar=0.785,
    size="write it",
    what="Its mean validation accuracy over three starts is",
    hints=(
        "Which of the optimisers of this lesson remembers something, and what? Its memory has to "
        "hold one array for each array of weights.",
        "Begin with momentum: if the memory is None, it is a list of zeros. Then let the rate fall "
        "with `progress`.",
        "Momentum 0.9 or Adam, with a rate as in section 6, times 1 − progress.",
    ),
    mistakes=[
        Mistake(
            "That is a class or a set of settings. The check wants a function that computes the "
            "new weights from weights, slopes and memory.",
            (_a_library_s, _settings),
            sign=lambda trial: (
                isinstance(trial.optimiser, type)
                or (not callable(trial.optimiser) and hasattr(trial.optimiser, "keys"))
            ),
        ),
        Mistake(
            "It learns even from slopes of labels that were drawn at random. So what it knows does "
            "not come from the slopes that it is given.",
            _looks_for_itself,
            sign=lambda trial: trial.after_noise > 0.35 or trial.after_nothing[0] > 0.45,
        ),
        Mistake(
            "It does not move the weights.",
            _never_moves,
            sign=lambda trial: trial._on_one_batch[0] == trial._on_one_batch[1],
        ),
        Mistake(
            "Ten steps on one and the same batch make its loss larger. Against the slope, or along "
            "it? Or are the steps too long?",
            (_climbs, _far_too_fast),
            sign=lambda trial: trial.loss_rises,
        ),
        Mistake(
            "It learns, but not fast enough, and it remembers nothing from step to step. What do "
            "momentum and Adam remember?",
            _plain_descent,
            sign=lambda trial: trial.honest < 0.785 and not trial.remembers,
        ),
        Mistake(
            "It learns, but not well enough, and its steps near the end are as long as before. "
            "What did section 6 gain by letting the rate fall?",
            _momentum_at_a_constant_rate,
            sign=lambda trial: trial.honest < 0.785 and trial.as_fast_at_the_end,
        ),
    ],
)
def my_optimiser():
    def steps(weights, slopes, memory, progress):
        velocities = memory or [0 * w for w in weights]
        velocities = [0.9 * v + slope for v, slope in zip(velocities, slopes)]
        rate = 0.05 * (1 - progress)
        return [w - rate * v for w, v in zip(weights, velocities)], velocities

    return steps


# Predictions --------------------------------------------------------------------------------------


def _nearest(number, options):
    """Return the option whose own number is nearest."""
    return min(options, key=lambda option: abs(options[option] - number))


def _nearest_power(number, options):
    """Return the option whose own number is nearest, in powers of ten."""
    return min(options, key=lambda option: abs(np.log(options[option] / number)))


def _edge(nearer):
    last = max(rate for rate, came in nearer.items() if came)
    first = min(rate for rate, came in nearer.items() if not came)
    return next((option for option in ("0.04", "0.08", "2") if last < float(option) < first), None)


def _first_step(w):
    told = {"10 and 0.001": (10, 0.001), "0.1 and 0.1": (0.1, 0.1), "1 and 0.01": (1, 0.01)}
    return min(told, key=lambda option: np.abs(np.log(np.abs(w) / told[option])).sum())


def _next_step(lengths):
    told = {"0.1 and 0.1": (0.1, 0.1), "0.1 and 0.9": (0.1, 0.9), "1.0 and 0.1": (1.0, 0.1)}
    return min(told, key=lambda option: np.abs(lengths - told[option]).sum())


def _smaller_one(left):
    loud, quiet = left["Adam, L2"]
    if abs(loud - quiet) < 0.02:
        return "neither: all shrink equally"
    return "the loud ones" if loud < quiet else "the quiet ones"


def _lowest(recorded):
    runs = recorded["optimisers"]["constant"]
    last = min(runs, key=lambda name: np.mean(runs[name]["test"]))
    return {"SGD": "plain SGD"}.get(last, last)


def _changes(recorded):
    runs = recorded["optimisers"]
    rise = [
        np.mean(runs["line"][name]["test"]) > np.mean(runs["constant"][name]["test"])
        for name in runs["line"]
    ]
    if all(rise):
        return "all of them rise"
    return "some rise and some fall" if any(rise) else "all of them fall"


def _suggested(lost):
    constant, line = (
        [lost[schedule, name] for name in ("momentum", "Adam")] for schedule in ("constant", "line")
    )
    if np.subtract(line, constant).min() > 0.003:
        return "with a constant rate"
    if np.subtract(constant, line).min() > 0.003:
        return "with a rate that falls along a line"
    return "for both equally" if np.abs(np.subtract(line, constant)).max() < 0.003 else None


def _what_moves(moved):
    def both(schedule):
        return min(abs(moved[each, schedule]) for each in ("Nesterov", "Adam")) > 0.008

    return {
        (True, False): "only that the rate falls",
        (False, True): "only warm-up",
        (True, True): "both",
    }.get((both("constant"), both("warm_up")))


def _twice_he(recorded):
    (found,) = (
        each
        for each in recorded["starts"]
        if (each["norm"], each["start"]) == ("no normalisation", "twice He's")
    )
    return _nearest(
        np.mean(found["test"]), {"about 0.75": 0.75, "about 0.50": 0.5, "about 0.10": 0.1}
    )


def _damaged(recorded):
    (found,) = (
        each
        for each in recorded["clipping"]
        if (each["pictures"], each["optimiser"], each["largest"]) == ("damaged", "SGD", None)
    )
    return _nearest(
        np.mean(found["test"]), {"about 0.80": 0.8, "about 0.60": 0.6, "about 0.10": 0.1}
    )


def _not_found(of_one_batch):
    named = {
        "the softmax taken over the batch": "softmax over the batch",
        "labels in another order": "labels in another order",
        "gradients never reset": "gradients never reset",
    }
    passed = [option for option, bug in named.items() if of_one_batch[bug] < 0.1]
    return passed[0] if len(passed) == 1 else None


def _tolerant(close):
    groups = {
        "those that divide by the size of the slopes: RMSProp, Adam, AdamW": (
            *("RMSProp", "Adam", "AdamW"),
        ),
        "those with a velocity: momentum, Nesterov": ("momentum", "Nesterov"),
        "plain SGD": ("SGD",),
    }
    means = {option: np.mean([close[name] for name in names]) for option, names in groups.items()}
    return max(means, key=means.get)


def _of_one_alone(alone):
    if np.isnan(alone["Keras"]).any():
        return "`nan`: a division by 0"
    return "four zeros" if not alone["Keras"].any() else "the same as in evaluation mode"


PREDICTIONS = predictions.Predictions(
    __name__,
    edge=predictions.predict(
        options={
            "0.04": "At 0.04, 1/25, one step brings it to 0. A little more still jumps across and "
            "lands nearer.",
            "0.08": "1 − 25η has to lie above −1, so η below 2/25.",
            "2": "That is the limit of the other weight, whose curvature is 1. The steeper "
            "direction gives way first.",
        },
        key=_edge,
    ),
    steps=predictions.predict(
        options={
            "about 80": "A fixed rate is not all that limits descent: momentum lets the steps "
            "along the flat direction grow.",
            "about 20": "The steps along the flat direction add up, and those across it cancel.",
            "about 5": "It still has to brake: a velocity that was built up swings past the lowest "
            "place.",
        },
        key=lambda needed: _nearest_power(
            needed["momentum"], {"about 80": 80, "about 20": 20, "about 5": 5}
        ),
    ),
    first_step=predictions.predict(
        options={
            "10 and 0.001": "That is plain descent: rate times slope. Adam divides by the size of "
            "the slope.",
            "0.1 and 0.1": "The slope is divided by its own size, so only its sign is left, times "
            "the rate.",
            "1 and 0.01": "m is a tenth of the slope after one step, but the bias correction makes "
            "up for that, and then it is divided by the slope's size.",
        },
        key=_first_step,
    ),
    rate_drops=predictions.predict(
        options={
            "0.1 and 0.1": "In Keras the velocity holds lengths that were multiplied by the old "
            "rate already, and nine tenths of it stay.",
            "0.1 and 0.9": "PyTorch multiplies its whole velocity, nearly 10, by the new rate. In "
            "Keras nine tenths of the last step stay, whatever the rate is now.",
            "1.0 and 0.1": "The other way round: PyTorch multiplies by the rate last, so it obeys "
            "at once.",
        },
        key=_next_step,
    ),
    loud=predictions.predict(
        options={
            "the loud ones": "Loud slopes make Adam's divisor large, and the penalty's part of the "
            "slope is divided by it.",
            "the quiet ones": "Where the slopes are quiet, the penalty is most of the slope, and "
            "Adam makes a whole step of it.",
            "neither: all shrink equally": "That is so for weight decay. With L2 the penalty is in "
            "the slope, and Adam divides the slope by its size.",
        },
        key=_smaller_one,
    ),
    last=predictions.predict(
        options={
            "Adam": "It has the highest mean, with Nesterov so close that 20 seeds do not tell "
            "them apart.",
            "RMSProp": "It is last but one, with 0.797. At half of its rate it would have 0.806.",
            "plain SGD": "It remembers nothing, and 400 steps are few.",
        },
        key=_lowest,
    ),
    falling=predictions.predict(
        options={
            "all of them rise": "Short steps at the end let the noise of the batches settle, and "
            "for five of the six the search found a higher rate.",
            "some rise and some fall": "Shorter steps might mean less training. But the search "
            "may choose a higher rate, and each of the six gains.",
            "all of them fall": "The steps get shorter, but the search may choose a higher rate, "
            "and it mostly did.",
        },
        key=_changes,
    ),
    suggested=predictions.predict(
        options={
            "with a constant rate": "With a constant rate the best rates are lower, and the "
            "suggested ones lie near them.",
            "with a rate that falls along a line": "A falling rate bears higher rates than "
            "the test suggests: that costs 0.011 and 0.005.",
            "for both equally": "It costs momentum 0.001 and 0.011, Adam nothing and 0.005.",
        },
        key=_suggested,
    ),
    schedules=predictions.predict(
        options={
            "only that the rate falls": "It brings 0.015 and 0.014. Warm-up brings 0.002 "
            "and 0.003.",
            "only warm-up": "It brings 0.002 to Nesterov and 0.003 to Adam.",
            "both": "The fall does. Warm-up brings 0.002 and 0.003.",
        },
        key=_what_moves,
    ),
    fades=predictions.predict(
        options={
            "about 1/500": "That is a half for each of nine layers. The *mean of the squares* is "
            "halved, and the size is its root.",
            "about 1/20": "The root of a half, nine times: about 1/23.",
            "about the same": "It would be without the ReLU, for which this spread was not made.",
        },
        key=lambda sizes: _nearest_power(
            sizes["Glorot's"][9, 0] / sizes["Glorot's"][0, 0],
            {"about 1/500": 1 / 500, "about 1/20": 1 / 20, "about the same": 1.0},
        ),
    ),
    alone=predictions.predict(
        options={
            "the same as in evaluation mode": "In training mode the running averages are not used, "
            "only kept.",
            "four zeros": "The mean over one picture is the picture itself.",
            "`nan`: a division by 0": "The variance is 0, but the small ε is added to it before "
            "the root.",
        },
        key=_of_one_alone,
    ),
    starts=predictions.predict(
        options={
            "about 0.75": "A smaller rate makes up for part of it, and not for all.",
            "about 0.50": "At a hundredth of the rate that suits He's start it learns something.",
            "about 0.10": "So it would be at the rates that suit the other starts. The list also "
            "holds much smaller ones.",
        },
        key=_twice_he,
    ),
    damaged=predictions.predict(
        options={
            "about 0.80": "Ten pictures sound like few, but one is met every ten steps, and its "
            "gradient is many times as long as others.",
            "about 0.60": "The rate has to be so small that the long gradients do no harm, and "
            "then the others bring little.",
            "about 0.10": "It would be so at the old rate. The search found one at which something "
            "is learned.",
        },
        key=_damaged,
    ),
    not_found=predictions.predict(
        options={
            "the softmax taken over the batch": "Its loss is 1.70 after 300 steps: the "
            "probabilities add up to 1 over the pictures, not over the classes.",
            "labels in another order": "Wrong labels can be learned by heart as well as right "
            "ones.",
            "gradients never reset": "At this rate the sum of all earlier slopes swings past every "
            "low place, and the loss stays high.",
        },
        key=_not_found,
    ),
    tolerant=predictions.predict(
        options={
            "those that divide by the size of the slopes: RMSProp, Adam, AdamW": "Seven or "
            "eight of the 15. They forgive more, and not everything.",
            "those with a velocity: momentum, Nesterov": "Six of the 15 each.",
            "plain SGD": "Five of the 15.",
        },
        key=_tolerant,
    ),
)


# Quiz ---------------------------------------------------------------------------------------------

BOXES = [(1, 2, 2, 3), (2, 3, 6, 7), (1, 4, 8, 9), (4, 4, 7, 9), (2, 6, 9, 11), (6, 6, 7, 11)]


def _held_back_more(loud, quiet):
    """Return which of two weights ends smaller, with L2 through Adam."""
    left = {}
    for name, size in (("the one with slopes of ±{loud}", loud), ("the other one", quiet)):
        signs = np.random.default_rng(0).choice([-1.0, 1.0], 400)
        w, memory = 1.0, (0.0, 0.0, 0)
        for sign in signs:
            w, memory = adam_keeping(w, memory, size * sign + 0.05 * w, 0.001, 0.9)
        left[name] = w
    return min(left, key=left.get).format(loud=loud)


QUIZ = quiz.Quiz(
    __name__,
    grown=quiz.number(
        "The slope along a weight is always {slope}, the learning rate {rate}, and momentum keeps "
        "{keep} of the velocity. How long does a step become in the end?",
        draw={
            "slope": [2, 1, 3, 4],
            "rate": [0.1, 0.01, 0.02, 0.05],
            "keep": [0.9, 0.8, 0.5, 0.75],
            "size": lambda slope, rate: round(slope * rate, 4),
        },
        right=lambda size, keep: round(size / (1 - keep), 6),
        tolerance=0.0006,
        because="{size} / (1 − {keep}) = {right:.3f}: a sum of {size}, {keep} times that, and so "
        "on.",
        wrong={
            "That is a step without momentum.": lambda size: size,
            "That is the second step.": lambda size, keep: size * (1 + keep),
        },
    ),
    clipped=quiz.number(
        "A network has three arrays of slopes, of the lengths {a}, {b} and {c}. The gradient is "
        "clipped to a length of {limit}. By what is each slope multiplied?",
        draw={
            "box": BOXES,
            "times": [1, 2, 3],
            "limit": [2, 1, 1.5],
            "a": lambda box, times: box[0] * times,
            "b": lambda box, times: box[1] * times,
            "c": lambda box, times: box[2] * times,
            "length": lambda box, times: box[3] * times,
        },
        right=lambda limit, length: limit / length,
        tolerance=0.001,
        because="The whole gradient has the length √({a}² + {b}² + {c}²) = {length}, and {limit} / "
        "{length} = {right:.3f}.",
        wrong={
            "You added the lengths. Their squares add up.": lambda limit, a, b, c: (
                limit / (a + b + c)
            ),
            "You went by the longest array alone.": lambda limit, c: limit / c,
            "Take the root of the sum of squares.": lambda limit, length: limit / length**2,
        },
    ),
    uncorrected=quiz.number(
        "RMSProp has no bias correction. With a rate of {rate} and ρ = {keep}, how long is its "
        "first step?",
        draw={
            "rate": [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09],
            "keep": [0.99, 0.75, 0.84, 0.91, 0.96, 0.9375],
        },
        right=lambda rate, keep: round(rate / np.sqrt(1 - keep), 6),
        tolerance=0.0006,
        because="q is (1 − ρ) times the squared slope, so the slope is divided by its size times "
        "√(1 − ρ): {rate} / √(1 − {keep}) = {right:.4f}.",
        wrong={
            "That is with a bias correction.": lambda rate: rate,
            "There is a root over q.": lambda rate, keep: rate / (1 - keep),
        },
    ),
    penalty=quiz.choice(
        "Two weights of 1, for which the loss has no use, get the same L2 penalty through Adam. "
        "The slopes of one are ±{loud} at random, of the other ±{quiet}. Which is smaller in the "
        "end?",
        draw={"loud": [1, 2, 3, 5, 10], "quiet": [0.01, 0.02, 0.005]},
        right="the other one",
        because="Adam divides the penalty's slope by the size of all slopes. Where that is small, "
        "the penalty makes whole steps.",
        wrong={
            "the one with slopes of ±{loud}": "Its loud slopes make the divisor large, and the "
            "penalty is divided by it too.",
            "neither: both are the same": "So it is with weight decay, which is not in the slope.",
        },
        key=_held_back_more,
    ),
    dropped=quiz.choice(
        "In the middle of a training with momentum the learning rate is divided by {by}, and the "
        "slopes stay the same. In which framework is the next step shorter?",
        draw={"by": [10, 2, 3, 4, 5, 8, 20, 50, 100, 1000]},
        right="in PyTorch",
        because="PyTorch multiplies the whole velocity by the new rate; Keras's velocity still "
        "holds the old one.",
        wrong={
            "in Keras": "Its velocity was multiplied by the old rate, and most of it is kept.",
            "in neither": "At a constant rate there is no difference. Here it changes.",
        },
        key=lambda by: "in PyTorch" if 10 / by < 9 + 1 / by else "in neither",
    ),
    one_batch=quiz.choice(
        "A new program brings the loss of a single batch of {pictures} pictures down to 0.01. What "
        "do you know then?",
        draw={"pictures": [50, 20, 32, 40, 64, 16, 25, 30, 48, 60]},
        right="the batch can be learned by heart with this program",
        because="No more than that: in the lesson labels in another order passed as well, and at a "
        "small rate so did gradients that were never reset.",
        wrong={
            "the labels belong to the pictures they came with": "Labels in another order were "
            "learned by heart as well.",
            "the gradient of every step is computed right": "At a small rate a program that never "
            "reset its gradients passed as well.",
        },
        key="measured",
    ),
)
