"""Facts, exercises and quiz of notebooks/*_time_series.ipynb."""

import functools

from dlcourse import challenges, data, exercise, predictions, quiz, written_tests
from dlcourse.exercise import Mistake, WhatIf

import numpy as np

TITLE = "Forecasting"
NEEDS = ("11",)
DATA = ("electricity-demand",)

GENERATOR = np.random.default_rng(31)


def _one_step_late(series, starts, steps):
    return series[starts[:, None] + 1 + np.arange(steps)]


def _one_step_early(series, starts, steps):
    return series[starts[:, None] - 1 + np.arange(steps)]


def _before_the_start(series, starts, steps):
    return series[starts[:, None] - steps + np.arange(steps)]


def _one_step_more(series, starts, steps):
    return series[starts[:, None] + np.arange(steps + 1)]


def _lying(series, starts, steps):
    return series[starts + np.arange(steps)[:, None]]


def _some_starts(random):
    steps, more, count = random.integers(1, 6, 3)
    series = random.permutation(steps + 2 * more) / 4 - 1
    starts = random.integers(0, len(series) - steps + 1, count)
    return {"series": series, "starts": starts, "steps": int(steps)}


@exercise.function(
    ask="Return the windows (N, steps) of `series` (T,): row i begins at step `starts[i]`.",
    cases=[
        {"series": np.arange(10.0) ** 2, "starts": np.array([0, 3, 4]), "steps": 2},
        {"series": np.arange(20.0), "starts": np.array([5, 1]), "steps": 4},
    ],
    draw=_some_starts,
    hints=(
        "Which indices of `series` does the first row need? `starts[0]`, `starts[0] + 1`, …",
        "`series[indices]` takes a whole table of indices. Make one with a row for each start: a "
        "column of starts plus a row of steps.",
        "`starts[:, None]` is the column, `np.arange(steps)` the row, and their sum the table.",
    ),
    mistakes=[
        Mistake("Your windows begin one step late.", _one_step_late),
        Mistake("Your windows begin one step early.", _one_step_early),
        Mistake("Your windows end where they should begin.", _before_the_start),
        Mistake("Your windows are one step too long.", _one_step_more),
        Mistake("Your windows are columns. Return one row for each start.", _lying),
    ],
    what_if=WhatIf(
        "a window runs over the end of the series",
        {"series": np.arange(5.0), "starts": np.array([3]), "steps": 4},
        "NumPy refuses an index that is too large. A slice, `series[3:7]`, would have "
        "given two numbers without a word.",
    ),
)
def cut(series, starts, steps):
    return series[starts[:, None] + np.arange(steps)]


def _one_season_later(series, starts, season, steps):
    return series[starts[:, None] + season + np.arange(steps)]


def _two_seasons(series, starts, season, steps):
    return series[starts[:, None] - 2 * season + np.arange(steps)]


def _last_steps(series, starts, season, steps):
    return series[starts[:, None] - steps + np.arange(steps)]


def _last_value(series, starts, season, steps):
    return np.repeat(series[starts - 1][:, None], steps, axis=1)


def _some_seasons(random):
    steps, more, count, seasons = random.integers(1, (5, 9, 5, 5))
    season = steps + more - 1
    series = random.permutation(season * (seasons + 1)) / 4 - 1
    starts = random.integers(season, len(series) + 1, count)
    return {"series": series, "starts": starts, "season": int(season), "steps": int(steps)}


@exercise.function(
    ask="Return the seasonal naive forecast (N, steps): for each step, the value of `series` (T,) "
    "one `season` of steps earlier. (`season` is at least `steps`.)",
    cases=[
        {"series": np.arange(30.0) ** 2, "starts": np.array([12, 20]), "season": 7, "steps": 3},
        {"series": np.sin(np.arange(40.0)), "starts": np.array([30]), "season": 5, "steps": 5},
    ],
    draw=_some_seasons,
    hints=(
        "Say it in words for one number: 9:00 tomorrow will be as 9:00 was … ago.",
        "It is a window of the series itself. Where does it begin?",
        "`cut` does it, from `starts - season`.",
    ),
    mistakes=[
        Mistake(
            "You look one season *ahead*: those values have not happened yet.", _one_season_later
        ),
        Mistake("You went back two seasons.", _two_seasons),
        Mistake(
            "You took the last `steps` values. That is right only if the season is as long as the "
            "forecast.",
            _last_steps,
        ),
        Mistake("You repeat the last value: that is the plain naive forecast.", _last_value),
    ],
    what_if=WhatIf(
        "a start lies in the first season",
        {"series": np.arange(6.0), "starts": np.array([1]), "season": 3, "steps": 2},
        "An index below 0 counts from the end: the forecast comes from the future, and "
        "no error says so.",
    ),
)
def seasonal_naive(series, starts, season, steps):
    return series[starts[:, None] - season + np.arange(steps)]


def _reach_past_the_boundary(past, future, boundary):
    return np.arange(past, boundary)


def _one_too_few(past, future, boundary):
    return np.arange(past, boundary - future)


def _one_too_many(past, future, boundary):
    return np.arange(past, boundary - future + 2)


def _no_past(past, future, boundary):
    return np.arange(0, boundary - future + 1)


def _past_twice(past, future, boundary):
    return np.arange(past, boundary - past - future + 1)


def _some_boundary(random):
    past, future = random.integers(1, 9, 2).tolist()
    return {
        "past": past,
        "future": future,
        "boundary": past + future + int(random.integers(-1, 20)),
    }


@exercise.function(
    ask="Fix the function: return every start whose window may be trained on. None of the window's "
    "`past` steps before the start and `future` steps from it on may be at `boundary` or later.",
    cases=[
        {"past": 3, "future": 2, "boundary": 10},
        {"past": 336, "future": 48, "boundary": 1000},
    ],
    draw=_some_boundary,
    hints=(
        "Take the last start that the function gives. Which steps are its targets?",
        "A window that starts at s has the targets s, s + 1, …, s + future − 1. The last must be "
        "below the boundary.",
        "The last start is boundary − future, and `np.arange` leaves its end out.",
    ),
    given=_reach_past_the_boundary,
    mistakes=[
        Mistake(
            "The targets of the last windows reach past the boundary: the model would train on "
            "answers of the test.",
            _reach_past_the_boundary,
        ),
        Mistake("Nothing leaks, but one window that may be used is missing.", _one_too_few),
        Mistake("The last window still reaches one step past the boundary.", _one_too_many),
        Mistake("The first windows would need steps from before the series began.", _no_past),
        Mistake(
            "Nothing leaks, but you left out too much: only the targets need to end in time.",
            _past_twice,
        ),
    ],
    what_if=WhatIf(
        "the data are shorter than one window",
        {"past": 3, "future": 2, "boundary": 4},
        "No start is left, and a model that is fitted to nothing may not say so: look "
        "at the length first.",
    ),
)
def training_starts(past, future, boundary):
    return np.arange(past, boundary - future + 1)


def _gate_exchanged(h, r, z, inside, outside):
    return z * np.tanh(inside + r * outside) + (1 - z) * h


def _reset_forgotten(h, r, z, inside, outside):
    return (1 - z) * np.tanh(inside + outside) + z * h


def _reset_twice(h, r, z, inside, outside):
    return (1 - z) * np.tanh(r * (inside + outside)) + z * h


def _reset_of_the_input(h, r, z, inside, outside):
    return (1 - z) * np.tanh(r * inside + outside) + z * h


def _reset_of_the_memory(h, r, z, inside, outside):
    return (1 - z) * np.tanh(inside + r * h) + z * h


def _no_tanh(h, r, z, inside, outside):
    return (1 - z) * (inside + r * outside) + z * h


def _only_proposal(h, r, z, inside, outside):
    return np.tanh(inside + r * outside)


def _some_memory(random):
    shape = random.integers(1, 4, 2)
    h, r, z = random.uniform((-1, 0, 0), 1, (*shape, 3)).round(2).transpose(2, 0, 1)
    inside, outside = random.normal(0, 2, (2, *shape)).round(1)
    return {"h": h, "r": r, "z": z, "inside": inside, "outside": outside}


@exercise.function(
    ask="Return the new memory, from the old one `h`, the gates `r` and `z`, and the two parts of "
    "the proposal. All have the shape (N, units).",
    cases=[
        {name: GENERATOR.uniform(0, 1, (2, 4)) for name in ("h", "r", "z", "inside", "outside")},
        {name: GENERATOR.uniform(0, 1, (1, 3)) for name in ("h", "r", "z", "inside", "outside")},
    ],
    draw=_some_memory,
    hints=(
        "Read the second line of formulas once more. Which part of n does r multiply?",
        "First n: the tanh of the input's part plus r times the memory's part. Then the mix.",
        "In the mix, z multiplies h, and 1 − z multiplies `np.tanh` of `inside` plus r times "
        "`outside`.",
    ),
    mistakes=[
        Mistake(
            "z and 1 − z have changed places: with z = 1 the old memory must stay.", _gate_exchanged
        ),
        Mistake("You never use r.", _reset_forgotten),
        Mistake(
            "r multiplies the input's part too. It belongs to the memory's part alone.",
            _reset_twice,
        ),
        Mistake(
            "r multiplies the input's part in place of the memory's: it decides how much of the "
            "memory is heard.",
            _reset_of_the_input,
        ),
        Mistake(
            "r multiplies h itself. In this formula it multiplies `outside`, which is h after U.",
            _reset_of_the_memory,
        ),
        Mistake("The tanh is missing: n must stay between −1 and 1.", _no_tanh),
        Mistake(
            "You return the proposal n. The new memory keeps a share of the old one.",
            _only_proposal,
        ),
    ],
    what_if=WhatIf(
        "the gate `z` is 1",
        {
            "h": np.array([[0.5]]),
            "r": np.ones((1, 1)),
            "z": np.ones((1, 1)),
            "inside": np.array([[9.0]]),
            "outside": np.array([[9.0]]),
        },
        "The old memory stays, whatever comes in: so it can be kept over many steps.",
    ),
)
def new_memory(h, r, z, inside, outside):
    n = np.tanh(inside + r * outside)
    return (1 - z) * n + z * h


def _outside(low, high, happened):
    return np.mean((happened < low) | (happened > high))


def _below_the_top(low, high, happened):
    return np.mean(happened <= high)


def _above_the_bottom(low, high, happened):
    return np.mean(happened >= low)


def _in_per_cent(low, high, happened):
    return 100 * np.mean((low <= happened) & (happened <= high))


def _how_many(low, high, happened):
    return np.sum((low <= happened) & (happened <= high))


def _width(low, high, happened):
    return np.mean(high - low)


def _some_intervals(random):
    rows, steps = random.integers(1, 5, 2)
    shape = random.choice([1, 2])  # of each step, or of each step in each row
    low = random.normal(0, 2, (rows, steps)[-shape:]).round(2)
    happened = random.normal(1, 2, (rows, steps)).round(2) + 0.005  # never just at an end
    return {"low": low, "high": low + 2, "happened": happened}


@exercise.function(
    ask="Return the coverage: the share (0..1) of the numbers in `happened` that lie between `low` "
    "and `high`, which are arrays. `happened` has their shape, or several such rows.",
    cases=[
        {
            "low": np.array([[0.0, 1.0], [2.0, 3.0]]),
            "high": np.array([[2.0, 2.0], [4.0, 3.5]]),
            "happened": np.array([[1.0, 2.5], [1.5, 3.2]]),
        },
        {"low": np.zeros(5), "high": np.ones(5), "happened": np.array([0.5, 0.1, 2, 0.9, 0.3])},
        {
            "low": np.array([0.0, 1.0]),
            "high": np.array([1.0, 2.0]),
            "happened": np.array([[0.5, 0.5], [2.0, 1.5], [0.1, 1.2]]),
        },
    ],
    draw=_some_intervals,
    hints=(
        "When is one number inside? It must pass two comparisons.",
        "`&` joins two tables of True and False. What is the mean of True and False?",
        "The mean of `(low <= happened) & (happened <= high)`.",
    ),
    mistakes=[
        Mistake("That is the share *outside*.", _outside),
        Mistake("You look at the upper end only.", _below_the_top),
        Mistake("You look at the lower end only.", _above_the_bottom),
        Mistake("That is in per cent. Return a share between 0 and 1.", _in_per_cent),
        Mistake("That is a count. Return a share between 0 and 1.", _how_many),
        Mistake("That is the mean width. It says nothing about what happened.", _width),
    ],
    what_if=WhatIf(
        "the ends of the interval are swapped",
        {
            "low": np.array([3.0, 3.0]),
            "high": np.array([1.0, 1.0]),
            "happened": np.array([2.0, 2.0]),
        },
        "Nothing lies above 3 and below 1: behind a coverage of 0 there may be a slip.",
    ),
)
def coverage(low, high, happened):
    inside = (low <= happened) & (happened <= high)
    return inside.mean()


def _everything_inside(coverage):
    assert coverage(np.array([1, 1, 1]), np.array([3, 3, 3]), np.array([2, 2, 2])) == 1


def _half_inside(coverage):
    assert coverage(np.array([1, 1]), np.array([3, 3]), np.array([2, 5])) == 0.5


def _nothing_above(coverage):
    low, high = np.array([1, 1, 1, 1]), np.array([3, 3, 3, 3])
    assert coverage(low, high, np.array([0, 2, 2, 2])) == 0.75


@written_tests.of(
    coverage,
    ask="Write a test that every right coverage passes and that a wrong one fails.",
    hints=(
        "Four hours with the interval 1 to 3, and what happened in each of them, chosen by you.",
        "A function that looks at one end only must be caught too: let something lie below the "
        "interval, and something above it.",
        "Below, inside, inside, inside, above: the coverage must be 0.6. With a half inside, the "
        "share outside would pass too.",
    ),
    mistakes=[
        Mistake(
            "Functions that look at one end of the interval only pass. Let something lie below it "
            "and something above, and ask for one number, not for a range.",
            _everything_inside,
        ),
        Mistake(
            "The share outside passes, and a function that looks at the upper end only. What if "
            "more lies inside than outside, and some of it below?",
            _half_inside,
        ),
        Mistake(
            "A function that never looks at the upper end passes. Let something lie above the "
            "interval.",
            _nothing_above,
        ),
    ],
)
def test_coverage(coverage):
    low, high = np.full(5, 1.0), np.full(5, 3.0)
    happened = np.array([0.5, 1.5, 2.0, 2.5, 4.0])
    assert np.isclose(coverage(low, high, happened), 0.6)


PAST, FUTURE = 336, 48
BAR = 0.1


@functools.cache
def _known():
    """Return January to October (T, 3), and the step at which September begins."""
    electricity = data.load("electricity-demand")
    series = np.concatenate([electricity.train.series, electricity.valid.series])
    return series, len(electricity.train)


def _corrected_copies(series, starts):
    """Return the lesson's baseline (N, 48): it never trains, and knows calendar and last gap."""

    def two_copies(starts):
        when = starts[:, None] + np.arange(FUTURE)
        last_week = copied = series[when - PAST, 0]
        for day in range(6, 0, -1):
            same = series[when - 48 * day, 2] == series[when, 2]
            copied = np.where(same, series[when - 48 * day, 0], copied)
        return (last_week + copied) / 2

    gap = series[starts - 1, 0] - two_copies(starts - FUTURE)[:, -1]
    return two_copies(starts) + gap[:, None] * 0.5 ** (np.arange(FUTURE) / 16)


class _Trial:
    """A learner's method, trained once on January to August, which is all it gets to see."""

    def __init__(self, method):
        self.method = method
        self.series, self.boundary = _known()
        self.starts = np.arange(self.boundary, len(self.series) - FUTURE + 1)

    def trained_before(self, end):
        starts = np.arange(PAST, end - FUTURE + 1)
        return self.method(self.series[:end].copy(), starts)

    @functools.cached_property
    def forecast(self):
        return self.trained_before(self.boundary)

    @functools.cached_property
    def forecasts(self):
        return np.asarray(self.forecast(self.series.copy(), self.starts.copy()))

    @functools.cached_property
    def skill(self):
        happened = self.series[self.starts[:, None] + np.arange(FUTURE), 0]
        error = np.abs(self.forecasts - happened).mean()
        return 1 - error / np.abs(_corrected_copies(self.series, self.starts) - happened).mean()

    def says_another_thing_when_asked_again(self):
        again = self.forecast(self.series.copy(), self.starts.copy())
        return not np.allclose(self.forecasts, again, equal_nan=True)

    def sees_the_future(self):
        """Return whether forecasts change when demand and temperature after their starts do."""
        for last in (self.boundary + 480, self.boundary + 1505):
            for new in (np.array([last]), last - np.arange(24)[::-1]):
                changed = self.series.copy()
                later = changed[last:, :2]
                # Each number by its own amount: one shift for all is not seen.
                later += np.random.default_rng(0).normal(size=later.shape)
                pair = [self.forecast(each, new.copy()) for each in (self.series.copy(), changed)]
                if not np.allclose(*pair):
                    return True
        return False

    def looks_elsewhere(self):
        """Return whether forecasts change when the series loses its first week: every index
        moves by 336, hour and day of the week stay."""
        new = self.starts[::480]
        moved = self.forecast(self.series[PAST:].copy(), new - PAST)
        # Counting the days of the year is allowed, and changes less than this.
        return np.abs(moved - self.forecasts[::480]).mean() > 0.01

    def is_deaf(self):
        """Return whether forecasts stay the same when the past that is handed over changes."""
        new, changed = self.starts[::480], self.series.copy()
        changed[:, 0] = 2 * changed[:, 0].mean() - changed[:, 0]  # upside down
        return np.allclose(self.forecast(changed, new.copy()), self.forecasts[::480])

    def does_not_learn(self):
        """Return whether four months of training give the same forecasts as eight."""
        made = self.forecasts[::480]  # before the method, which may be an object, learns again
        other = self.trained_before(self.boundary // 2)
        return np.allclose(other(self.series.copy(), self.starts[::480]), made)


def _an_array(boosting, known, valid_starts):
    return boosting(known, valid_starts)


def _a_forecast(boosting):
    return boosting


def _deaf(fit_boosting, fit_dense, known, train_starts):
    trained = better_method.solve(fit_boosting, fit_dense)(known, train_starts)
    return lambda series, starts: trained


def _deaf_forecast(fit_boosting, known):
    def method(series, starts):
        trained = fit_boosting(series, starts, weather=True)
        return lambda series, new: trained(known, new)

    return method


def _rolling_dice(fit_boosting):
    generator = np.random.default_rng(0)

    def method(series, starts):
        trained = fit_boosting(series, starts)

        def forecast(series, new):
            made = trained(series, new)
            return made + generator.normal(0, 0.01, made.shape)

        return forecast

    return method


def _with_gaps(fit_boosting):
    def method(series, starts):
        trained = fit_boosting(series, starts)
        return lambda series, new: np.where(trained(series, new) < 3.5, np.nan, 5.0)

    return method


def _a_change(fit_boosting, yesterday):
    def method(series, starts):
        trained = fit_boosting(series, starts)
        return lambda series, new: trained(series, new) - yesterday(series, new)

    return method


def _with_weather(fit_boosting):
    return lambda series, starts: fit_boosting(series, starts, weather=True)


def _with_the_notebooks_weather(fit_boosting, temperature):
    def method(series, starts):
        trained = fit_boosting(series, starts)
        usual = temperature.mean()

        def forecast(series, new):
            warmth = temperature[new[:, None] + np.arange(FUTURE)] - usual
            return trained(series, new) + 0.02 * warmth

        return forecast

    return method


def _seen_before(copycat, known, all_starts, kept):
    return lambda series, starts: copycat(known, all_starts[kept])


def _one_column(fit_boosting):
    def method(series, starts):
        trained = fit_boosting(series, starts)
        return lambda series, new: trained(series, new)[:, 0]

    return method


@exercise.measured(
    ask="Write a method, `better_method(series, starts)`, that gives back a forecast (a function "
    "of a series and new starts). Trained on January to August it must take away at least 0.1 of "
    "the corrected copies' error in September and October, and must not see the future.",
    examine=_Trial,
    measure=lambda trial: trial.skill,
    bar=BAR,
    what="The share of the corrected copies' error that it takes away is",
    hints=(
        "Two models that are wrong in different places: what does a committee of them do?",
        "`fit_boosting` and `fit_dense` are methods. Train both inside yours.",
        "Give back a function that adds up the forecasts of both, and halves the sum.",
    ),
    mistakes=[
        Mistake(
            "Those are forecasts. Hand over the method: the check trains it itself.",
            _an_array,
            sign=lambda trial: not callable(trial.method),
        ),
        Mistake(
            "That is a forecast, already trained. Hand over the method that trains it: called with "
            "a series and starts, it gives back a function.",
            _a_forecast,
            sign=lambda trial: not callable(trial.forecast),
        ),
        Mistake(
            "Your forecast has another shape. Return 48 half-hours for each start: (2881, 48).",
            _one_column,
            sign=lambda trial: trial.forecasts.shape != (2881, 48),
        ),
        Mistake(
            "Some of your forecasts are no numbers (nan or infinite). Do you divide by zero, or "
            "take the logarithm of what is not positive?",
            _with_gaps,
            sign=lambda trial: not np.isfinite(trial.forecasts).all(),
        ),
        Mistake(
            "The mean of your forecasts is near 0, so they are not in GW. Do you return the change "
            "against yesterday, or scaled numbers?",
            _a_change,
            sign=lambda trial: abs(trial.forecasts.mean()) < 1,
        ),
        Mistake(
            "Asked twice with the same series and starts, your forecast gives different numbers. "
            "Chance belongs into the training.",
            _rolling_dice,
            sign=_Trial.says_another_thing_when_asked_again,
        ),
        Mistake(
            "Your forecast changes when what comes after its start changes. At the start nobody "
            "knows tomorrow's demand, or tomorrow's temperature.",
            _with_weather,
            sign=_Trial.sees_the_future,
        ),
        Mistake(
            "It takes away more than any honest method that we know of. The check hands over "
            "January to August. Does your method use `known`, which holds September and October "
            "too?",
            _seen_before,
            sign=lambda trial: trial.skill > 0.22,
        ),
        Mistake(
            "Your forecast stays the same when the whole series that it is handed changes. Does it "
            "look at `known` in place of its argument?",
            _deaf_forecast,
            sign=_Trial.is_deaf,
        ),
        Mistake(
            "Your method forecasts the same, whether it is trained on four months or on eight: it "
            "does not learn from the series it is handed. Train on `series` and `starts`, its "
            "arguments.",
            _deaf,
            sign=lambda trial: trial.skill >= BAR and trial.does_not_learn(),
        ),
        Mistake(
            "Your forecast changes when the series is handed over without its first week, for the "
            "same days. Does it look into one of the notebook's arrays, such as `temperature` or "
            "`known`, at the index of the start? There it finds what has not happened yet.",
            _with_the_notebooks_weather,
            sign=_Trial.looks_elsewhere,
        ),
    ],
)
def better_method(fit_boosting, fit_dense):
    def committee(series, starts):
        members = [fit_boosting(series, starts), fit_dense(series, starts)]

        def forecast(series, new):
            return sum(member(series, new) for member in members) / 2

        return forecast

    return committee


def _memory_of_an_open_gate():
    """Return what a memory that starts at 0 is after five steps with z = 1."""
    generator = np.random.default_rng(0)
    memory = np.zeros(4)
    for _ in range(5):
        r, inside, outside = generator.random(4), *generator.normal(size=(2, 4))
        memory = new_memory.solve(memory, r, np.ones(4), inside, outside)
    return "a proposal of some step" if memory.any() else "all zeros, as at the start"


def _shape(day_temperature, days):
    """Say how the demand goes with the temperature, from cold to mild and from mild to hot days."""
    demand = days.mean(axis=1)
    cold, mild, hot = (
        demand[(day_temperature > low) & (day_temperature <= high)].mean()
        for low, high in ((-np.inf, 10), (15, 20), (25, np.inf))
    )
    if cold > mild:
        return "fall and then rise" if hot > mild else "fall"
    return "rise"


def _better_copy(error, yesterday, last_week, known, valid_starts):
    by_day, by_week = (error(copy, known, valid_starts) for copy in (yesterday, last_week))
    if abs(by_day / by_week - 1) < 0.05:
        return "both the same"
    return "yesterday's" if by_day < by_week else "last week's"


def _taken_away(error, two_copies, size, known, valid_starts):
    share = 1 - size / error(two_copies, known, valid_starts)
    return "nearly nothing" if share < 0.04 else "about a tenth" if share < 0.2 else "about a third"


def _nearest(value, **numbers):
    """Return which of some numbers, given as {text: number}, is nearest to the value."""
    return min(numbers, key=lambda text: abs(numbers[text] - value))


def _at_random(rows):
    pairs = {"0.19 and 0.18": 0.18, "0.19 and 0.10": 0.1, "0.19 and 0.045": 0.045}
    return _nearest(float(rows[2][1]), **pairs)


def _larger_gain(found):
    losses, targets = ("squared_error", "absolute_error"), (False, True)
    by_target = max(found[loss, False] - found[loss, True] for loss in losses)
    by_loss = max(found[losses[0], target] - found[losses[1], target] for target in targets)
    if max(by_target, by_loss) < 0.02:
        return "neither"
    return "the target" if by_target > by_loss else "the loss"


def _with_weather(error, with_weather, known, valid_starts):
    missed = error(with_weather, known, valid_starts)
    return _nearest(missed, **{"0.12": 0.12, "0.137 again": 0.137, "0.08": 0.08})


def _of_dense(rows):
    missed = float(dict(rows)["dense network"])
    return _nearest(missed, **{f"about {each:.2f}": each for each in (0.16, 0.14, 0.1)})


def _growth(forecasts, year, starts, cut):
    """Say how much larger the errors are in November and December, for the median method."""

    def missed(forecast, *months):
        gaps = [forecast[month] - cut(year[:, 0], starts[month], 48) for month in months]
        return np.abs(np.concatenate(gaps)).mean()

    growth = np.median(
        [missed(each, "Nov", "Dec") / missed(each, "Sep", "Oct") for each in forecasts.values()]
    )
    if growth < 1.15:
        return "as before"
    return "larger by about a third to a half" if growth < 2 else "three times as large"


def _held(rows):
    share = float(rows[1][2].rstrip("%"))
    return _nearest(share, **{f"about {each} %": each for each in (80, 70, 90)})


def _wider(rows):
    before, fresh = (float(rows[-1][i].removesuffix(" GW")) for i in (2, 4))
    wider = {"nothing": 1, "intervals a third wider": 4 / 3, "intervals twice as wide": 2}
    return _nearest(fresh / before, **wider)


CHALLENGES = challenges.Challenges(
    __name__,
    days_explorer={
        "inside": challenges.challenge(
            ask="Find a day that stays inside its 90 % interval from midnight to midnight.",
            met=lambda inside: inside == 1,
            because="All 48 half-hours of {date:%d %B} are inside. 90 % is a promise about many "
            "days: whole days inside must be paid for by others that miss it often.",
            solution={"method": "two copies", "day": 18},
        ),
        "the_copy_is_better": challenges.challenge(
            ask="Find a method and a day on which a copy of last week would have been better, by "
            "0.15 GW or more.",
            met=lambda error, of_copy: error - of_copy >= 0.15,
            because="On {date:%d %B} the copy is off by {of_copy:.2f} GW, and {method} by "
            "{error:.2f}. On average over all 60 days the copy is the worst of the seven: one day "
            "decides nothing.",
            solution={"method": "corrected copies", "day": 36},
        ),
        "hot": challenges.challenge(
            ask="Find a day with 30 °C or more, of which less than half is inside the interval.",
            met=lambda inside, hottest: hottest >= 30 and inside < 0.5,
            because="{hottest:.0f} °C, and {inside:.0%} of the day inside. The width of the "
            "interval comes from September and October, when it was seldom as hot.",
            solution={"method": "two copies", "day": 30},
        ),
        "not_the_weather": challenges.challenge(
            ask="Find a day below 28 °C on which all seven methods are off by more than 0.4 GW.",
            met=lambda hottest, least: hottest < 28 and least > 0.4,
            because="The heat cannot be why: {hottest:.0f} °C. Around {date:%d %B} people do what "
            "no earlier week has shown, and even the best of seven methods is off by {least:.2f} "
            "GW.",
            solution={"day": 59},
        ),
    },
)

PREDICTIONS = predictions.Predictions(
    __name__,
    temperature=predictions.predict(
        options={
            "fall": "On cold days people heat. But on hot ones they cool, and Melbourne has both.",
            "rise": "On hot days people cool. But on cold ones they heat, with electricity too.",
            "fall and then rise": "People heat on cold days and cool on hot ones.",
        },
        key=_shape,
    ),
    copies=predictions.predict(
        options={
            "yesterday's": "Yesterday is closer. But a Saturday is no Friday, and where the type "
            "of day changes, its error is about four times as large.",
            "last week's": "A Saturday is copied from a Saturday. Yesterday's copy fails wherever "
            "the type of day changes.",
            "both the same": "Each copies a whole day. But only one of them takes the same day of "
            "the week.",
        },
        key=_better_copy,
    ),
    last_gap=predictions.predict(
        options={
            "nearly nothing": "The gap of a single half-hour could be chance. But what lifts the "
            "demand now often goes on for hours.",
            "about a tenth": "The gap helps most in the first hours, and fades: after 24 hours an "
            "eighth of it is left.",
            "about a third": "The first hours gain most. But the error is a mean over all 48 "
            "half-hours.",
        },
        key=_taken_away,
    ),
    copycat=predictions.predict(
        options={
            "0.19 and 0.18": "A random draw sounds fair. But it leaves a training window half an "
            "hour before or after most test windows.",
            "0.19 and 0.10": "It leaks more than that. Half an hour away, 47 of the 48 half-hours "
            "to be forecast are in the training window, too.",
            "0.19 and 0.045": "Most test windows have a training window half an hour away, and 47 "
            "of the 48 half-hours to be forecast are in it. The copycat repeats their changes, "
            "half an hour out of step.",
        },
        key=_at_random,
    ),
    target_or_loss=predictions.predict(
        options={
            "the target": "The change spares the model what yesterday's copy knows. But it could "
            "learn that by itself: yesterday's demand is among its features.",
            "the loss": "To train on what is counted sounds decisive. It does bring a little more "
            "than the target, and even so far less than 0.02 GW.",
            "neither": "With these starts each of the two choices helps a little, and both "
            "together by little more than 0.01 GW.",
        },
        key=_larger_gain,
    ),
    weather=predictions.predict(
        options={
            "0.12": "Temperature drives demand, and the file has it for the very half-hours that "
            "are to be forecast. At the start nobody has it.",
            "0.137 again": "Yesterday's demand already tells something about the weather. But not "
            "how tomorrow's will differ.",
            "0.08": "Temperature is one cause of the demand among several, so most of the error "
            "stays.",
        },
        key=_with_weather,
    ),
    dense=predictions.predict(
        options={
            "about 0.16": "It is not built to read day by day. But it gets the same 364 numbers as "
            "the GRU.",
            "about 0.14": "It gets the same 364 numbers as the GRU. On these two months, reading "
            "them day by day brings nothing.",
            "about 0.10": "No honest forecast of this lesson comes near that, and this network has "
            "nothing to look at that the others have not.",
        },
        key=_of_dense,
    ),
    early_summer=predictions.predict(
        options={
            "as before": "What learns is trained again before each month. But on the past, and "
            "early summer is unlike the months just before it.",
            "larger by about a third to a half": "Hot days and Christmas are unlike the weeks that "
            "the forecasts look at.",
            "three times as large": "For every method here that would be worse than yesterday's "
            "copy was in September and October. Most days of early summer are not as odd as that.",
        },
        key=_growth,
    ),
    intervals=predictions.predict(
        options={
            "about 80 %": "That is the promise, and in October it is kept. It is a promise about "
            "months like those that the errors came from.",
            "about 70 %": "The errors of November and December are larger than those from which "
            "the intervals were made.",
            "about 90 %": "Two months give more errors to go by than one. That makes the "
            "intervals steadier, and cannot make later errors smaller.",
        },
        key=_held,
    ),
    fresh_errors=predictions.predict(
        options={
            "nothing": "They come closer to the promise by being wider: the fresh errors are "
            "larger.",
            "intervals a third wider": "The fresh errors are larger, and an interval that is to "
            "hold them has to be wider.",
            "intervals twice as wide": "That would be more than it takes: the errors grew by about "
            "a third to a half.",
        },
        key=_wider,
    ),
)


QUIZ = quiz.Quiz(
    __name__,
    last_window=quiz.number(
        "A series has 1000 steps; the test begins at step {test}. Windows have {past} steps of "
        "past and {future} of future. At which step does the last window that may be trained on "
        "start (its first step to be forecast)?",
        draw={
            "test": [800, 600, 650, 700, 750, 900],
            "past": [100, 50, 150, 200],
            "future": [24, 12, 36, 48],
            "last": lambda test: test - 1,
            "too_far": lambda last, future: last + future - 1,
            "leaked": lambda future: future - 1,
        },
        right=lambda test, future: test - future,
        because="Its targets are {right} to {last}, the last step before the test.",
        wrong={
            "Its targets would be {last} to {too_far}, and {leaked} of them are in the test.": (
                lambda last: last
            ),
            "All its targets are in the test.": lambda test: test,
            "That one may be used, but one more fits.": lambda test, future: test - future - 1,
            "Only the targets must end in time; the past comes before the start.": (
                lambda test, past, future: test - future - past
            ),
        },
    ),
    random_split=quiz.choice(
        "Windows of a series are shuffled and split 80 to 20. The test error is excellent. Why?",
        right="a test window's neighbours are in training",
        because="They share nearly all their steps with it, so a model that only looks up its "
        "nearest neighbour seems to see the future.",
        wrong={
            "a model trained on shuffled windows is better": "Shuffling does help training. The "
            "split is another matter.",
            "20 % is too small a test to show its errors": "A small test makes the error "
            "uncertain, not excellent.",
            "the model has learned what follows such weeks": "It would have in time order too, and "
            "there the error is larger.",
        },
        key="measured",
    ),
    winner=quiz.choice(
        "Two models were compared on two months. A is better by {gain} ± {error} GW, one standard "
        "error. What do you report?",
        draw={
            "megawatts": [8, 5, 6, 7],
            "error_megawatts": [6, 7, 8],
            "gain": lambda megawatts: megawatts / 1000,
            "error": lambda error_megawatts: error_megawatts / 1000,
            "ratio": lambda megawatts, error_megawatts: megawatts / error_megawatts,
        },
        right="{gain} ± {error} GW, and no winner yet",
        because="It is {ratio:.1f} standard errors: chance alone brings as much in at least one "
        "case of six. And it speaks of these two months: others may not be like them.",
        wrong={
            "{gain} GW, and A is the better one": "On these two months. Whoever reads your report "
            "will use it in others.",
            "that the two are equally good": "Not shown to be different is not shown to be equal.",
        },
        key="argument",
    ),
    column=quiz.choice(
        "You forecast a shop's sales for tomorrow. Which of these columns leaks?",
        right="the number of visitors tomorrow",
        because="It is in the file, and nobody knows it when the forecast is made.",
        wrong={
            "whether tomorrow is a holiday": "The calendar is known today.",
            "the sales one week before tomorrow": "They have happened.",
            "today's weather forecast for tomorrow": "It is there when the forecast is made.",
        },
        key="argument",
    ),
    update=quiz.choice(
        "The update gate of PyTorch's GRU is z = 1 for all units, at every step. What is the last "
        "memory?",
        right="all zeros, as at the start",
        because="(1 − z) n + z h with z = 1 is h: every step keeps the old memory, which starts "
        "at 0.",
        wrong={
            "the last step's proposal": "That is z = 0.",
            "the mean of all proposals": "No proposal ever gets in.",
        },
        key=_memory_of_an_open_gate,
    ),
)
