"""Facts, exercises and quiz of notebooks/*_time_series.ipynb."""

from dlcourse import data, exercise, quiz
from dlcourse.exercise import Mistake

import numpy as np

TITLE = "Forecasting"
STUDY_MINUTES = 100
NEEDS = ("11",)
DATA = ("electricity-demand",)
FRAMEWORKS = ("pytorch", "keras")

GENERATOR = np.random.default_rng(31)


def _one_step_late(series, starts, steps):
    return series[starts[:, None] + 1 + np.arange(steps)]


def _before_the_start(series, starts, steps):
    return series[starts[:, None] - steps + np.arange(steps)]


def _one_step_more(series, starts, steps):
    return series[starts[:, None] + np.arange(steps + 1)]


def _lying(series, starts, steps):
    return series[starts + np.arange(steps)[:, None]]


@exercise.function(
    ask="Return the windows (N, steps) of `series` (T,): row i begins at step `starts[i]`.",
    cases=[
        {"series": np.arange(10.0) ** 2, "starts": np.array([0, 3, 4]), "steps": 2},
        {"series": np.arange(20.0), "starts": np.array([5, 1]), "steps": 4},
    ],
    hints=(
        "Which places of `series` does the first row need? `starts[0]`, `starts[0] + 1`, …",
        "`series[places]` takes a whole table of places. Make one with a row for each start: a "
        "column of starts plus a row of steps.",
        "`starts[:, None]` is the column, `np.arange(steps)` the row, and their sum the table.",
    ),
    mistakes=[
        Mistake("Your windows begin one step late.", _one_step_late),
        Mistake("Your windows end where they should begin.", _before_the_start),
        Mistake("Your windows are one step too long.", _one_step_more),
        Mistake("Your windows stand upright: one row for each start is wanted.", _lying),
    ],
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


@exercise.function(
    ask="Return the seasonal naive forecast (N, steps): for each step, the value of `series` (T,) "
    "one `season` of steps earlier.",
    cases=[
        {"series": np.arange(30.0) ** 2, "starts": np.array([12, 20]), "season": 7, "steps": 3},
        {"series": np.sin(np.arange(40.0)), "starts": np.array([30]), "season": 5, "steps": 5},
    ],
    hints=(
        "Say it in words for one number: tomorrow at 9:00 will be as … at 9:00 was.",
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
)
def seasonal_naive(series, starts, season, steps):
    return series[starts[:, None] - season + np.arange(steps)]


def _reach_past_the_boundary(past, future, boundary):
    return np.arange(past, boundary)


def _one_too_few(past, future, boundary):
    return np.arange(past, boundary - future)


def _no_past(past, future, boundary):
    return np.arange(0, boundary - future + 1)


def _past_twice(past, future, boundary):
    return np.arange(past, boundary - past - future + 1)


@exercise.function(
    ask="Mend the function: return every start whose window may be trained on. The window has "
    "`past` steps before its start and `future` steps from it on, and none of its steps may lie at "
    "`boundary` or later.",
    cases=[
        {"past": 3, "future": 2, "boundary": 10},
        {"past": 336, "future": 48, "boundary": 1000},
    ],
    hints=(
        "Take the last start that the function gives. Which steps are its targets?",
        "A window that starts at s has the targets s, s + 1, …, s + future − 1. The last must be "
        "below the boundary.",
        "The last start is boundary − future, and `np.arange` leaves its end out.",
    ),
    mistakes=[
        Mistake(
            "The targets of the last windows reach past the boundary: the model would train on "
            "answers of the test.",
            _reach_past_the_boundary,
        ),
        Mistake("Nothing leaks, but one window that may be used is missing.", _one_too_few),
        Mistake("The first windows would need steps from before the series began.", _no_past),
        Mistake(
            "Nothing leaks, but you left out too much: only the targets need to end in time.",
            _past_twice,
        ),
    ],
)
def training_starts(past, future, boundary):
    return np.arange(past, boundary - future + 1)


def _gate_exchanged(h, r, z, inside, outside):
    return z * np.tanh(inside + r * outside) + (1 - z) * h


def _reset_forgotten(h, r, z, inside, outside):
    return (1 - z) * np.tanh(inside + outside) + z * h


def _reset_twice(h, r, z, inside, outside):
    return (1 - z) * np.tanh(r * (inside + outside)) + z * h


def _no_tanh(h, r, z, inside, outside):
    return (1 - z) * (inside + r * outside) + z * h


def _only_proposal(h, r, z, inside, outside):
    return np.tanh(inside + r * outside)


@exercise.function(
    ask="Return the new memory, from the old one `h`, the gates `r` and `z`, and the two parts of "
    "the proposal. All have the shape (N, units).",
    cases=[
        {name: GENERATOR.uniform(0, 1, (2, 4)) for name in ("h", "r", "z", "inside", "outside")},
        {name: GENERATOR.uniform(0, 1, (1, 3)) for name in ("h", "r", "z", "inside", "outside")},
    ],
    hints=(
        "Read the second line of formulas once more. Which part of n does r multiply?",
        "First n: a tanh of the input's part plus the damped part of the memory. Then the mix.",
        "In the mix, z stands with h, and 1 − z with `np.tanh` of `inside` plus r times `outside`.",
    ),
    mistakes=[
        Mistake(
            "z and 1 − z have changed places: with z = 1 the old memory must stay.", _gate_exchanged
        ),
        Mistake("You never use r.", _reset_forgotten),
        Mistake("r damps the input too. It belongs to the memory's part alone.", _reset_twice),
        Mistake("The bend is missing: n must stay between −1 and 1.", _no_tanh),
        Mistake(
            "You return the proposal n. The new memory keeps a share of the old.", _only_proposal
        ),
    ],
)
def new_memory(h, r, z, inside, outside):
    n = np.tanh(inside + r * outside)
    return (1 - z) * n + z * h


def _outside(low, high, happened):
    return np.mean((happened < low) | (happened > high))


def _below_the_top(low, high, happened):
    return np.mean(happened <= high)


def _how_many(low, high, happened):
    return np.sum((low <= happened) & (happened <= high))


def _width(low, high, happened):
    return np.mean(high - low)


@exercise.function(
    ask="Return the coverage: the share (0..1) of the numbers in `happened` that lie between `low` "
    "and `high`. All three arrays have one shape.",
    cases=[
        {
            "low": np.array([[0.0, 1.0], [2.0, 3.0]]),
            "high": np.array([[2.0, 2.0], [4.0, 3.5]]),
            "happened": np.array([[1.0, 2.5], [1.5, 3.2]]),
        },
        {"low": np.zeros(5), "high": np.ones(5), "happened": np.array([0.5, 0.1, 2, 0.9, 0.3])},
    ],
    hints=(
        "When is one number inside? It must pass two comparisons.",
        "Two tables of True and False are joined by `&`. What is the mean of True and False?",
        "The mean of `(low <= happened) & (happened <= high)`.",
    ),
    mistakes=[
        Mistake("That is the share *outside*.", _outside),
        Mistake("You look at the upper end only.", _below_the_top),
        Mistake("That is a count. A share between 0 and 1 is wanted.", _how_many),
        Mistake("That is the mean width. It says nothing about what happened.", _width),
    ],
)
def coverage(low, high, happened):
    inside = (low <= happened) & (happened <= high)
    return inside.mean()


def valid_starts():
    """Return the starts (N,) of September and October, as steps since the year began."""
    cards = data.card("electricity-demand").splits
    return np.arange(cards["train"], cards["train"] + cards["valid"] - 48 + 1)


def _valid_demand():
    """Return what happened (N, 48) after each of `valid_starts`, and a week before it, in GW."""
    electricity = data.load("electricity-demand")
    demand = np.concatenate([electricity.train.series, electricity.valid.series])[:, 0]
    places = valid_starts()[:, None] + np.arange(48)
    return demand[places], demand[places - 336]


def _skill(forecast):
    happened, last_week = _valid_demand()
    error = np.abs(np.asarray(forecast) - happened).mean()
    return 1 - error / np.abs(last_week - happened).mean()


def _a_change(boosting, gru, yesterday, valid_starts):
    return gru(valid_starts) - yesterday(valid_starts)


def _what_happened(boosting, gru, yesterday, valid_starts):
    return _valid_demand()[0]


def _another_shape(boosting, gru, yesterday, valid_starts):
    return gru(valid_starts)[:, 0]


@exercise.outcome(
    ask="Make a better forecast for September and October than any so far, in GW, one row for each "
    "of `valid_starts`: it must take away 0.36 of the error of last week's copy.",
    measure=_skill,
    bar=0.36,
    what="Of that error it takes away",
    hints=(
        "Two models that err in different places: what does a committee of them do?",
        "The trained boosting and the trained GRU are `boosting` and `gru`; both take starts.",
        "Add both forecasts for `valid_starts` and halve the sum.",
    ),
    mistakes=[
        Mistake(
            "That is the change against yesterday. Add yesterday's demand to get GW.",
            _a_change,
            sign=lambda answer: abs(np.mean(answer)) < 1,
        ),
        Mistake(
            "That is too good to be true. Did what happened find its way into the forecast?",
            _what_happened,
            sign=lambda answer: np.shape(answer) == (2881, 48) and _skill(answer) > 0.8,
        ),
        Mistake(
            "A forecast of 48 half-hours is wanted for each start: shape (2881, 48).",
            _another_shape,
            sign=lambda answer: np.shape(answer) != (2881, 48),
        ),
    ],
)
def better_forecast(boosting, gru, valid_starts):
    return (boosting(valid_starts) + gru(valid_starts)) / 2


QUIZ = quiz.Quiz(
    __name__,
    last_window=quiz.number(
        "A series has 1000 steps; the test begins at step 800. Windows have 100 steps of past and "
        "24 of future. At which step does the last window that may be trained on start (its first "
        "step to be forecast)?",
        right=776,
        because="Its targets are 776 to 799, the last step before the test.",
        wrong={
            799: "Its targets would be 799 to 822, and 23 of them lie in the test.",
            800: "All its targets lie in the test.",
            775: "That one may be used, but one more fits.",
            676: "Only the targets must end in time; the past lies before the start.",
        },
    ),
    random_split=quiz.choice(
        "Windows of a series are shuffled and split 80 to 20. The test error is excellent. Why?",
        right="most test windows have a neighbour in training that shares nearly all their steps",
        because="So a model that only looks up its nearest neighbour seems to see the future.",
        wrong={
            "shuffling makes the training better": "It does, inside the training set. The split is "
            "another matter.",
            "20 % is too small a test": "A small test makes the error uncertain, not excellent.",
            "the model has learned the season": "It would have in time order too, and there the "
            "error is larger.",
        },
    ),
    narrow=quiz.choice(
        "Two forecasts claim intervals of 90 %. A's are half as wide as B's. Which are better?",
        right="one cannot say before counting how often each was right",
        because="If A's hold 60 % of what happens, A promises what it does not keep.",
        wrong={
            "A's: they say more": "Only if they hold what they promise.",
            "B's: wide is safe": "An interval from nothing to infinity is safe, and useless.",
        },
    ),
    update=quiz.choice(
        "The update gate of a GRU is z = 1 for all units. What is the new memory?",
        right="the old memory, unchanged",
        because="(1 − z) n + z h with z = 1 is h: that is how a GRU carries something a long way.",
        wrong={
            "the proposal n": "That is z = 0.",
            "zero": "No gate of a GRU erases without writing something new.",
        },
    ),
)
