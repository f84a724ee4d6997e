"""Facts, figures, exercises and quiz of notebooks/*_tensors_and_gradients.ipynb."""

from dlcourse import challenges, data, exercise, plot, predictions, quiz, written_tests
from dlcourse.exercise import Mistake, WhatIf

import numpy as np

TITLE = "Tensors, slopes, descent"
NEEDS = ("00",)
DATA = ("wine",)

EDGE = 2.2  # of the surfaces that are drawn
LINE = np.linspace(-EDGE, EDGE, 33)


def graph_of(end, **named):
    """Return the steps, values and slopes of a Value's graph, for `draw.computation_graph`.

    Args:
        end: The Value at the end.
        named: The Values that were put in, by their names. Any other that was computed from nothing
            is a plain number, and is written into the formulas.
    """
    names, values, slopes, steps = {}, {}, {}, {}

    def visit(value):
        if value in names:
            return
        for each in value.inputs:
            visit(each)
        given = [name for name, each in named.items() if each is value]
        if not value.inputs and not given:
            names[value] = f"{value.data:g}"
            return
        name = given[0] if given else "y" if value is end else f"s{len(steps) + 1}"
        names[value] = name
        if value.inputs:
            steps[name] = value.formula.format(*(names[each] for each in value.inputs))
        values[name], slopes[name] = value.data, value.slope

    visit(end)
    return steps, values, slopes


def draw_descent(figure, height, path, heights):
    """Draw the path of a descent over lines of equal height, and the height step by step.

    Args:
        figure: The figure to draw on.
        height: Function of u and v.
        path: Array (steps + 1, 2), the places; some may lie far outside.
        heights: Array (steps + 1,), their heights; some may be infinite.
    """
    above, below = figure.subplots(1, 2, width_ratios=(1, 1.2))
    ground = height(*np.meshgrid(LINE, LINE))
    levels = np.quantile(ground, (0.03, 0.12, 0.3, 0.6))
    above.contour(LINE, LINE, ground, levels=levels, colors="gray", linewidths=0.7)
    lowest = np.unravel_index(ground.argmin(), ground.shape)
    above.plot(LINE[lowest[1]], LINE[lowest[0]], "x", color="black", markersize=9)
    with np.errstate(all="ignore"):
        near = np.abs(path).max(axis=1) < 1e6  # nan is not
    last = len(path) if near.all() else int(near.argmin())
    above.plot(*path[:last].T, ".-", color=plot.COLOURS[0], linewidth=1, markersize=4)
    above.plot(*path[0], "o", color=plot.COLOURS[1])
    ticks = (-2, 0, 2)  # each takes time
    above.set(xlim=(-EDGE, EDGE), ylim=(-EDGE, EDGE), xticks=ticks, yticks=ticks, aspect="equal")
    above.set(title="Seen from above, o: start", xlabel="u", ylabel="v")
    powers = np.log10(np.clip(heights, 1e-9, 1e9))  # a logarithmic axis takes longer to draw
    below.plot(powers, ".-", color=plot.COLOURS[0], linewidth=1, markersize=4)
    below.axhline(-3, color="gray", linestyle="--", linewidth=1)
    below.set_yticks((-9, -6, -3, 0, 9), ("1e-9", "1e-6", "0.001", "1", "1e9"))
    below.set(ylim=(-9.3, 9.3), xlim=(0, len(heights) - 1), xticks=(0, 20, 40, 60))
    below.set(title="Height above the lowest point", xlabel="step", ylabel="height (no unit)")


def _their_own_statistics(train, new):
    return (new - new.mean(axis=0)) / new.std(axis=0)


def _one_mean_for_all(train, new):
    return (new - train.mean()) / train.std()


def _by_the_squared_spread(train, new):
    return (new - train.mean(axis=0)) / train.var(axis=0)


def _without_the_spread(train, new):
    return new - train.mean(axis=0)


def _without_the_mean(train, new):
    return new / train.std(axis=0)


def _without_brackets(train, new):
    return new - train.mean(axis=0) / train.std(axis=0)


def _by_range(train, new):
    return (new - train.min(axis=0)) / np.ptp(train, axis=0)


def _divided_by_one_less(train, new):
    return (new - train.mean(axis=0)) / train.std(axis=0, ddof=1)


def _the_training_rows(train, new):
    return (train - train.mean(axis=0)) / train.std(axis=0)


def _some_tables(random):
    rows, more, columns = random.integers(3, 6), random.integers(1, 5), random.integers(1, 4)
    scale = 10.0 ** random.integers(-1, 3, columns)
    train = random.normal(5, 4, (rows, columns)).round(1) * scale
    new = random.normal(5, 4, (more, columns)).round(1) * scale
    return {"train": train, "new": new}


@exercise.function(
    ask="Return `new`, standardised with the means and spreads of the columns of `train`.",
    size="finish this line",
    cases=[
        {
            "train": np.array([[1.0, 10.0], [3.0, 50.0]]),
            "new": np.array([[2.0, 50.0], [5.0, 10.0], [1.0, 30.0]]),
        },
        {"train": np.array([[0.0], [1.0], [5.0]]), "new": np.array([[4.0]])},
    ],
    draw=_some_tables,
    tolerance=1e-4,  # a column far from its mean has fewer digits left in 32 bits
    hints=(
        "You need one mean and one spread for each column. Along which axis do you go to get them?",
        "`train.mean(axis=0)` and `train.std(axis=0)` have the shape (D,). Subtract first, then "
        "divide, and mind the brackets.",
        "(new - the means of `train`) / the spreads of `train`, both with `axis=0`.",
    ),
    mistakes=[
        Mistake(
            "You take means and spreads of `new` itself. A single new wine would then always "
            "become 0: ask `train`.",
            _their_own_statistics,
        ),
        Mistake(
            "That is one mean and one spread for the whole table. Each column needs its own.",
            _one_mean_for_all,
        ),
        Mistake(
            "You divide by the squared spread (`var`). The spread is its root.",
            _by_the_squared_spread,
        ),
        Mistake(
            "The means are subtracted, but the columns still have their own spreads.",
            _without_the_spread,
        ),
        Mistake("The columns are divided, but their means were not subtracted.", _without_the_mean),
        Mistake(
            "Division comes before subtraction: here only the mean is divided. Put brackets.",
            _without_brackets,
        ),
        Mistake(
            "That brings each column of `train` between 0 and 1, by its smallest and largest "
            "number. Here we use mean and spread.",
            _by_range,
        ),
        Mistake(
            "A little too small: this spread divides by N − 1 (`ddof=1`, as pandas does).",
            _divided_by_one_less,
        ),
        Mistake(
            "You return the rows of `train`. Those of `new` are asked for.", _the_training_rows
        ),
    ],
    what_if=WhatIf(
        "a column is the same in all training rows",
        {"train": np.array([[2.0, 1.0], [2.0, 3.0]]), "new": np.array([[2.0, 3.0], [5.0, 1.0]])},
        "Its spread is 0, and 0 / 0 is nan, 3 / 0 infinite. Such a column says nothing and should "
        "be left out before.",
    ),
)
def standardised(train, new):
    return (new - train.mean(axis=0)) / train.std(axis=0)


def _each_with_each(answers, targets):
    return ((answers - targets) ** 2).mean()


def _answers_flat(answers, targets):
    return ((answers.ravel() - targets) ** 2).mean()


def _targets_flat(answers, targets):
    return ((answers - targets.ravel()) ** 2).mean()


def _turned_round(answers, targets):
    return ((answers.T - targets) ** 2).mean()


def _added_up(answers, targets):
    return ((answers.ravel() - targets.ravel()) ** 2).sum()


def _without_squares(answers, targets):
    return np.abs(answers.ravel() - targets.ravel()).mean()


def _with_a_root(answers, targets):
    return np.sqrt(((answers.ravel() - targets.ravel()) ** 2).mean())


def _square_of_the_mean(answers, targets):
    return (answers.ravel() - targets.ravel()).mean() ** 2


def _some_answers(random):
    count = random.integers(2, 7)
    answers, targets = random.normal(0, 3, (2, count)).round(1)
    columns = random.integers(0, 2, 2)
    return {
        "answers": answers[:, None] if columns[0] else answers,
        "targets": targets[:, None] if columns[1] else targets,
    }


def _one_of_two_flat(answers, targets):
    if answers.ndim == 2:
        answers = answers[:, 0]
    elif targets.ndim == 2:
        targets = targets[:, 0]
    return ((answers - targets) ** 2).mean()


_ROW = np.array([1.0, 2.0, 4.0])
_OTHER = np.array([1.0, 3.0, 2.0])


@exercise.function(
    ask="Return the mean squared error, whether answers and targets are rows (N,) or columns "
    "(N, 1).",
    cases=[
        {"answers": _ROW, "targets": _OTHER},
        {"answers": _ROW[:, None], "targets": _OTHER},
        {"answers": _ROW, "targets": _OTHER[:, None]},
        {"answers": _ROW[:, None], "targets": _OTHER[:, None]},
    ],
    draw=_some_answers,
    given=_each_with_each,
    hints=(
        "Print the shape of `answers - targets` for a column and a row. How many numbers should "
        "there be?",
        "Before you subtract, bring both to the same shape, whatever they had. `np.ravel(…)` gives "
        "a row.",
        "`np.ravel(answers) - np.ravel(targets)`: square that and take its mean.",
    ),
    mistakes=[
        Mistake(
            "Of a column and a row it still compares each answer with each target.",
            _each_with_each,
        ),
        Mistake(
            "The answers may now be a column. But if the targets are one, each still meets each.",
            (_answers_flat, _turned_round),
        ),
        Mistake(
            "The targets may now be a column. But if the answers are one, each still meets each.",
            _targets_flat,
        ),
        Mistake("If both are columns, each answer still meets each target.", _one_of_two_flat),
        Mistake("You add the squares up. The mean is asked for.", _added_up),
        Mistake("That is the mean of the errors' sizes. Square them.", _without_squares),
        Mistake("That is the root of the mean squared error.", _with_a_root),
        Mistake(
            "You take the mean before you square: errors of opposite signs cancel.",
            _square_of_the_mean,
        ),
    ],
    what_if=WhatIf(
        "there are no answers at all",
        {"answers": np.zeros((0, 1)), "targets": np.zeros(0)},
        "A mean of nothing is 0 / 0: nan. It says nothing about the answers, since there are none.",
    ),
)
def squared_error(answers, targets):
    return ((np.ravel(answers) - np.ravel(targets)) ** 2).mean()


def _rows_only(squared_error):
    assert np.isclose(squared_error(np.array([1.0, 2.0]), np.array([2.0, 5.0])), 5)


def _perfect_answers_only(squared_error):
    row = np.array([1.0, 2.0, 4.0])
    assert squared_error(row[:, None], row) == 0
    assert squared_error(row, row[:, None]) == 0
    assert squared_error(row[:, None], row[:, None]) == 0


def _column_of_answers_only(squared_error):
    assert np.isclose(squared_error(np.array([[1.0], [2.0]]), np.array([2.0, 5.0])), 5)


@written_tests.of(
    squared_error,
    ask="Write a test that every right `squared_error` passes and that a wrong one fails, whatever "
    "shapes it is afraid of.",
    hints=(
        "Take two answers and two targets whose error you know, such as 1, 2 and 2, 5: the squares "
        "are 1 and 9.",
        "The same numbers must give the same error in other shapes. How many pairs of row and "
        "column are there?",
        "Loop over `answers` and `answers[:, None]`, and inside over `targets` and "
        "`targets[:, None]`.",
    ),
    mistakes=[
        Mistake(
            "With two rows the function as it was given is right as well. Which shapes was it "
            "wrong for?",
            _rows_only,
        ),
        Mistake(
            "A function that forgets the squares, or the mean, passes. For which answers does "
            "that make a difference?",
            _perfect_answers_only,
        ),
        Mistake(
            "A column of answers is not the only case: what if the targets are a column, or both?",
            _column_of_answers_only,
        ),
    ],
)
def test_squared_error(squared_error):
    answers, targets = np.array([1.0, 2.0]), np.array([2.0, 5.0])
    for some in (answers, answers[:, None]):
        for wanted in (targets, targets[:, None]):
            assert np.isclose(squared_error(some, wanted), 5)


def _walked(inputs, local, start=1.0, order=None, put=lambda old, new: old + new):
    slopes = [0.0] * len(inputs)
    slopes[-1] = start
    for i in order or range(len(inputs) - 1, -1, -1):
        for j, own in zip(inputs[i], local[i]):
            slopes[j] = put(slopes[j], slopes[i] * own)
    return slopes


def _written_not_added(inputs, local):
    return _walked(inputs, local, put=lambda old, new: new)


def _forwards(inputs, local):
    return _walked(inputs, local, order=range(len(inputs)))


def _never_started(inputs, local):
    return _walked(inputs, local, start=0.0)


def _own_slopes_only(inputs, local):
    slopes = [0.0] * len(inputs)
    slopes[-1] = 1.0
    for places, own in zip(inputs, local):
        for j, each in zip(places, own):
            slopes[j] += each
    return slopes


def _without_own_slopes(inputs, local):
    return _walked(inputs, [[1.0] * len(each) for each in local])


def _first_inputs_only(inputs, local):
    return _walked([each[:1] for each in inputs], local)


def _begins_at_ones(inputs, local):
    slopes = [1.0] * len(inputs)
    for i in reversed(range(len(inputs))):
        for j, own in zip(inputs[i], local[i]):
            slopes[j] += slopes[i] * own
    return slopes


def _of_inputs_alone(inputs, local):
    return [slope for slope, each in zip(slopes_of.solve(inputs, local), inputs) if not each]


def _last_first(inputs, local):
    return slopes_of.solve(inputs, local)[::-1]


def _some_graph(random):
    leaves, computed = random.integers(1, 4), random.integers(1, 6)
    inputs, local = [[] for _ in range(leaves)], [[] for _ in range(leaves)]
    for number in range(leaves, leaves + computed):
        count = random.integers(1, 3)
        inputs.append([int(place) for place in random.integers(0, number, count)])
        local.append([float(slope) for slope in random.integers(-3, 5, count)])
    return {"inputs": inputs, "local": local}


@exercise.function(
    ask="Return the slope of the last number along each number, as a list.",
    cases=[
        # a, b, a · b, a · b + a at a = 3 and b = 4
        {
            "inputs": [[], [], [0, 1], [2, 0]],
            "local": [[], [], [4.0, 3.0], [1.0, 1.0]],
        },
        # x, x · x at x = 3
        {"inputs": [[], [0, 0]], "local": [[], [3.0, 3.0]]},
        # a chain: 2 x, then −1 times that, then 5 times that
        {"inputs": [[], [0], [1], [2]], "local": [[], [2.0], [-1.0], [5.0]]},
    ],
    draw=_some_graph,
    hints=(
        "Begin with a list of zeros, and a 1 for the last number. Then go from the last number to "
        "the first: why in this direction?",
        "At number `i`, go through its inputs and its slopes along them in pairs. What it hands to "
        "an input is its own slope (which is complete by now) times the slope along that input.",
        "In two loops, `i` from the last place down to 0, and `j, own` from "
        "`zip(inputs[i], local[i])`: add `slopes[i] * own` to `slopes[j]`.",
    ),
    mistakes=[
        Mistake(
            "Where a number is used twice, you keep only one of the slopes that arrive. Add them.",
            _written_not_added,
        ),
        Mistake(
            "You go from the first number to the last. A number can hand on its slope only when "
            "that is complete: begin at the end.",
            _forwards,
        ),
        Mistake("All are 0: the slope of the last number along itself is 1.", _never_started),
        Mistake(
            "You add up the slopes along the inputs, but what is handed back is that times the "
            "slope that has arrived.",
            _own_slopes_only,
        ),
        Mistake(
            "You hand back what has arrived as it is. It has to be multiplied by the slope along "
            "that input.",
            _without_own_slopes,
        ),
        Mistake("A number may have two inputs. The second gets nothing.", _first_inputs_only),
        Mistake(
            "Only the last number begins with the slope 1. The others begin with 0.",
            _begins_at_ones,
        ),
        Mistake(
            "Those are the slopes along what was put in. Return one for each number, in between "
            "too.",
            _of_inputs_alone,
        ),
        Mistake("The right slopes, in the wrong order: the first number comes first.", _last_first),
    ],
    what_if=WhatIf(
        "nothing was computed, and the end is what was put in",
        {"inputs": [[]], "local": [[]]},
        "If it grows by a little, it grows by just that: the walk begins with this 1, and here it "
        "ends with it too.",
    ),
)
def slopes_of(inputs, local):
    slopes = [0.0] * len(inputs)
    slopes[-1] = 1.0
    for i in reversed(range(len(inputs))):
        for j, own in zip(inputs[i], local[i]):
            slopes[j] += slopes[i] * own
    return slopes


def _bowl_slopes(place):
    return np.arange(1, len(place) + 1) * place


def _tilted_slopes(place):
    return place - 1.5


def _cubic_slopes(place):
    return place**3 / 4


def _path(step, start, steps):
    """Return the places of a descent whose `step` turns (place, velocity) into the next ones."""
    places, velocity = [start], np.zeros_like(start)
    for _ in range(steps):
        place, velocity = step(places[-1], velocity)
        places.append(place)
    return np.array(places)


def _uphill(slopes, start, rate, momentum, steps):
    def step(place, velocity):
        velocity = momentum * velocity + rate * slopes(place)
        return place + velocity, velocity

    return _path(step, start, steps)


def _no_velocity(slopes, start, rate, momentum, steps):
    return descend.solve(slopes, start, rate, 0.0, steps)


def _push_weighted_too(slopes, start, rate, momentum, steps):
    def step(place, velocity):
        velocity = momentum * (velocity - rate * slopes(place))
        return place + velocity, velocity

    return _path(step, start, steps)


def _a_mean_of_pushes(slopes, start, rate, momentum, steps):
    return descend.solve(slopes, start, rate * (1 - momentum), momentum, steps)


def _without_the_start(slopes, start, rate, momentum, steps):
    return descend.solve(slopes, start, rate, momentum, steps)[1:]


def _the_end_alone(slopes, start, rate, momentum, steps):
    return descend.solve(slopes, start, rate, momentum, steps)[-1]


def _the_same_array_again(slopes, start, rate, momentum, steps):
    path = descend.solve(slopes, start, rate, momentum, steps)
    return np.array([path[-1]] * len(path))


def _slopes_of_the_start(slopes, start, rate, momentum, steps):
    there = slopes(start)
    return descend.solve(lambda place: there, start, rate, momentum, steps)


def _moved_by_the_old_velocity(slopes, start, rate, momentum, steps):
    def step(place, velocity):
        return place + velocity, momentum * velocity - rate * slopes(place)

    return _path(step, start, steps)


def _a_rate_too_many(slopes, start, rate, momentum, steps):
    def step(place, velocity):
        velocity = momentum * velocity - rate * slopes(place)
        return place + rate * velocity, velocity

    return _path(step, start, steps)


def _looking_ahead(slopes, start, rate, momentum, steps):
    def step(place, velocity):
        velocity = momentum * velocity - rate * slopes(place + momentum * velocity)
        return place + velocity, velocity

    return _path(step, start, steps)


def _some_descent(random):
    return {
        "slopes": random.choice([_bowl_slopes, _tilted_slopes, _cubic_slopes]),
        "start": random.normal(0, 2, random.integers(1, 4)).round(1),
        "rate": float(random.choice([0.05, 0.1, 0.3])),
        "momentum": float(random.choice([0.0, 0.5, 0.9])),
        "steps": int(random.integers(1, 6)),
    }


@exercise.function(
    ask="Return all places of a descent with momentum, from the start on: (steps + 1, weights).",
    cases=[
        {
            "slopes": _tilted_slopes,
            "start": np.array([1.0]),
            "rate": 0.5,
            "momentum": 0.0,
            "steps": 2,
        },
        {
            "slopes": _bowl_slopes,
            "start": np.array([1.0, -2.0]),
            "rate": 0.1,
            "momentum": 0.5,
            "steps": 3,
        },
    ],
    draw=_some_descent,
    hints=(
        "Keep two arrays, the place and the velocity, and a list of places that begins with the "
        "start.",
        "In each of `steps` rounds: a new velocity from the old one and the slopes at the place, "
        "then a new place from the old one and the new velocity, then into the list.",
        "`velocity = momentum * velocity - rate * …` and then `place = place + velocity`, a new "
        "array each time. At the end, `np.array` of the list.",
    ),
    mistakes=[
        Mistake("You go uphill: the push is *against* the slopes.", _uphill),
        Mistake(
            "There is no momentum: the velocity of one step must still be there in the next.",
            _no_velocity,
        ),
        Mistake(
            "You multiply the push of the slope by the momentum too. Only the old velocity is.",
            _push_weighted_too,
        ),
        Mistake(
            "You weight the push with 1 − β, as a mean would. Here the push counts in full.",
            _a_mean_of_pushes,
        ),
        Mistake("The start is missing: it is the first of the places.", _without_the_start),
        Mistake("That is where it ends. Return all places on the way.", _the_end_alone),
        Mistake(
            "All places are the last one: it is the same array again and again, changed in place "
            "(`+=`). Make a new one, `place = place + velocity`.",
            _the_same_array_again,
        ),
        Mistake(
            "The slopes are always those of the start. Ask for them at each new place.",
            _slopes_of_the_start,
        ),
        Mistake(
            "The weights move by the velocity of the step before. First the velocity, then the "
            "place.",
            _moved_by_the_old_velocity,
        ),
        Mistake("The rate comes in twice. The velocity has it already.", _a_rate_too_many),
        Mistake(
            "You take the slopes further ahead, at place plus momentum times velocity. That is "
            "another method (Nesterov's); here they are taken at the place.",
            _looking_ahead,
        ),
    ],
    what_if=WhatIf(
        "the momentum is 1 and the ground is level",
        {
            "slopes": np.zeros_like,
            "start": np.array([2.0]),
            "rate": 0.1,
            "momentum": 1.0,
            "steps": 3,
        },
        "Without slopes there is no push, and nothing moves. With a push at the start it would "
        "never stop again: with β = 1 no velocity is ever lost.",
    ),
)
def descend(slopes, start, rate, momentum, steps):
    place, velocity = start, np.zeros_like(start)
    path = [place]
    for _ in range(steps):
        velocity = momentum * velocity - rate * slopes(place)
        place = place + velocity
        path.append(place)
    return np.array(path)


def _wine_bowl():
    """Return the training wines with a column of ones (114, 13), and their alcohol (114,)."""
    table = data.load("wine").train.features.astype("float64")
    measured = standardised.solve(table[:, 1:], table[:, 1:])
    return np.hstack([measured, np.ones((len(table), 1))]), table[:, 0]


def _lowest_and_reached(pair, steps=20):
    """Return the lowest loss there is, that at the start, and that after some steps."""
    rate, momentum = map(float, pair)
    x, y = _wine_bowl()

    def slopes(weights):
        return 2 / len(y) * (x.T @ (x @ weights - y))

    def loss(weights):
        return float(((x @ weights - y) ** 2).mean())

    with np.errstate(all="ignore"):
        end = descend.solve(slopes, np.zeros(13), rate, momentum, steps)[-1]
        reached = loss(end)
    lowest = loss(np.linalg.lstsq(x, y, rcond=None)[0])
    return lowest, loss(np.zeros(13)), reached if np.isfinite(reached) else np.inf


def loss_after_20_steps(pair):
    """Return the loss of the wine model after 20 steps from 0 with (rate, momentum)."""
    return _lowest_and_reached(pair)[2]


def _share(pair):
    lowest, _, reached = _lowest_and_reached(pair)
    return lowest / reached


def _is_pair(answer):
    return np.shape(answer) == (2,)


@exercise.measured(
    ask="Put a learning rate and a momentum into `rate_and_momentum`, as a pair, with which 20 "
    "steps of descent from weights of 0 bring the loss of the wine model within a thousandth of "
    "the lowest one possible.",
    measure=_share,
    bar=0.999,
    what="The lowest loss possible, divided by the one that you reach, is",
    hints=(
        "Without momentum the limit is 2 / c with the largest curvature, about 0.22. With "
        "momentum larger rates work as well: try them.",
        "Let a loop try rates from 0.05 to 0.5, and for each momenta from 0 to 0.9, and keep "
        "the pair with the lowest loss. `descend` gives the path.",
        "Look near a rate of 0.3 and a momentum between 0.4 and 0.6.",
    ),
    mistakes=[
        Mistake(
            "A learning rate *and* a momentum: give both as a pair, `(0.1, 0.0)`.",
            lambda: 0.2,
            sign=lambda answer: not _is_pair(answer),
        ),
        Mistake(
            "These two in the other order would do. The learning rate comes first.",
            lambda: (0.45, 0.31),
            sign=lambda answer: _share(answer) < 0.999 <= _share(answer[::-1]),
        ),
        Mistake(
            "The loss grows: the rate is beyond the limit of this bowl, or the momentum is 1 or "
            "more, or a sign is wrong.",
            lambda: (0.5, 0.0),
            sign=lambda answer: _lowest_and_reached(answer)[2] > _lowest_and_reached(answer)[1],
        ),
        Mistake(
            "Nothing moves: the rate is 0.",
            lambda: (0.0, 0.5),
            sign=lambda answer: answer[0] == 0,
        ),
        Mistake(
            "That is plain descent. Even at its best rate it does not come close enough.",
            lambda: (0.19, 0.0),
            sign=lambda answer: answer[1] == 0 and _share(answer) < 0.999,
        ),
        Mistake(
            "So much momentum carries the weights past the lowest point and back, and 20 steps are "
            "not enough for that to die down.",
            lambda: (0.1, 0.9),
            sign=lambda answer: answer[1] >= 0.75 and _share(answer) < 0.999,
        ),
        Mistake(
            "The rate is so small that 20 steps go only a part of the way, in the flat directions.",
            lambda: (0.05, 0.5),
            sign=lambda answer: 0 < answer[0] < 0.15 and _share(answer) < 0.999,
        ),
    ],
)
def rate_and_momentum(table, standardised, descend):
    x = np.hstack([standardised(table[:, 1:], table[:, 1:]), np.ones((114, 1))])
    y = table[:, 0]

    def slopes(weights):
        return 2 / 114 * (x.T @ (x @ weights - y))

    def loss_after(pair):
        end = descend(slopes, np.zeros(13), *pair, 20)[-1]
        return ((x @ end - y) ** 2).mean()

    pairs = [(rate, share / 20) for rate in (0.1, 0.2, 0.3, 0.4) for share in range(20)]
    return min(pairs, key=loss_after)


CHALLENGES = challenges.Challenges(
    __name__,
    descent={
        "quick": challenges.challenge(
            ask="Let the height fall below 0.001 within 12 steps, and stay there.",
            met=lambda needed: needed <= 12,
            because="It took {needed} steps. With the rate 1/c one step is enough. In the round "
            "bowl, c is 1 in every direction.",
            solution={"surface": "round bowl", "rate": 10**-0.1, "start": 30},
        ),
        "higher": challenges.challenge(
            ask="Let the descent end higher than it began.",
            met=lambda first, last: last > 2 * first,
            because="From {first:.2f} to {last:.3g}. Each step followed the slope at its place, "
            "and nothing warns you but the height.",
            solution={"surface": "long valley", "rate": 10**-0.8},
        ),
        "valley": challenges.challenge(
            ask="In the long valley, start with both u and v at least 0.5 away from 0, and "
            "stay below 0.001 after at most 25 steps.",
            met=lambda surface, oblique, needed: (
                surface == "long valley" and oblique and needed <= 25
            ),
            because="{needed} steps. Plain descent needs 29 or more here, at its best rate: "
            "momentum lets pushes along the valley add up while those across it cancel.",
            solution={
                "surface": "long valley",
                "rate": 10**-1.0,
                "momentum": 0.5,
                "start": 40,
            },
        ),
        "across": challenges.challenge(
            ask="With two hollows, start in the right half (u above 0.5) and come to rest in "
            "the left, deeper hollow.",
            met=lambda surface, starts_right, ends_left, slope: (
                surface == "two hollows" and starts_right and ends_left and slope < 0.1
            ),
            because="A long step or a large velocity has carried it over the ridge. Skill or luck? "
            "Change the start by 10° and look again.",
            solution={"surface": "two hollows", "rate": [0.1, 10**-0.9, 10**-1.1], "start": 10},
        ),
    },
)


def _nearest(number, options):
    """Return the option whose own number is nearest."""
    return min(options, key=lambda option: abs(options[option] - number))


def _whose_mean(means):
    return {
        (114,): "(114,), a mean for each wine",
        (13,): "(13,), a mean for each measurement",
        (1,): "(1,), one mean of all",
    }.get(means.shape)


def _where_the_counter_ends(counter):
    if not np.isfinite(counter):
        return "at infinity"
    return _nearest(float(counter), {"16 777 216": 16_777_216, "16 778 000": 16_778_000})


def _who_refuses(rows):
    refusing = [row[0] for row in rows if row[3] == "an error"]
    return refusing[0] if len(refusing) == 1 else None


def _who_shares(rows):
    shared = tuple(value == 99 for _, value in rows)
    return {
        (False, False, False, False): "none of them",
        (True, False, False, False): "only the slice",
        (True, False, True, False): "the slice and `from_numpy`",
    }.get(shared)


def _how_slopes_join(received, along_a):
    if np.isclose(along_a, sum(received)):
        return "5, both together"
    return "4, the one that arrives last" if np.isclose(along_a, 4) else None


def _who_is_refused(refused):
    return {
        (True, True): "at both",
        (True, False): "only at the product",
        (False, True): "only at the exp",
    }.get((refused["2 * x"], refused["exp(x)"]))


def _at_the_edge(rows):
    (places,) = (row[2].split() for row in rows if row[0] == 0.5)
    if places == ["1.00", "-1.00", "1.00", "-1.00", "1.00"]:
        return "it jumps between 1 and −1"
    sizes = [abs(float(place)) for place in places]
    return "it is at 0 after one step" if sizes[1] == 0 else "it grows without end"


def _more_in_the_deeper(deeper):
    more = deeper[0.15] - deeper[0.01]
    if abs(more) < 0.1:
        return "no, about as many"
    return "yes, at least 0.10 more" if more > 0 else "no, at least 0.10 fewer"


def _what_silence_taught(silent_errors, by_mean, our_error):
    error = silent_errors["row (100,)"]
    if not np.isfinite(error) or error > 10:
        return "nonsense, since the loss explodes"
    return _nearest(
        error,
        {"the same as the model above": our_error, "about the mean, whatever the wine": by_mean},
    )


PREDICTIONS = predictions.Predictions(
    __name__,
    axis=predictions.predict(
        options={
            "(114,), a mean for each wine": "Axis 0 holds the wines, and a mean along an axis "
            "makes that axis disappear. A mean for each wine is `axis=1`.",
            "(13,), a mean for each measurement": "The mean runs along axis 0, over the wines. "
            "The other axis is left.",
            "(1,), one mean of all": "That is `mean()` without an axis (and its shape is empty).",
        },
        key=_whose_mean,
    ),
    silent=predictions.predict(
        options={
            "0, since each answer is right": "Each answer is right for its own wine. But it "
            "meets all 114 alcohols, and for the others it is wrong.",
            "an error message, since the shapes differ": "They differ, and by the rule they fit: "
            "the 1 is repeated, and so is the axis that is missing.",
            "about 1.4, though each answer is right": "Each answer meets each alcohol. The mean "
            "over all pairs is twice the squared spread.",
        },
        key=lambda silent_loss: _nearest(
            silent_loss,
            {
                "0, since each answer is right": 0,
                "about 1.4, though each answer is right": 1.4,
            },
        ),
    ),
    brighter=predictions.predict(
        options={
            "44": "After 255 it goes on with 0: 300 − 256.",
            "255": "That is what a picture program does. An array does not stop at its largest "
            "number; it starts again at 0.",
            "300": "There is no 300 in 8 bits, and the type is not changed for one large result.",
        },
        key=lambda brighter: str(brighter[0]),
    ),
    counter=predictions.predict(
        options={
            "16 777 216": "There it stands still: the next whole number is rounded back to it.",
            "16 778 000": "That is what `float64` gives. A `float32` has only 24 binary digits.",
            "at infinity": "The largest `float32` is about 3 followed by 38 zeros. This is about "
            "digits, not about size.",
        },
        key=_where_the_counter_ends,
    ),
    mixed=predictions.predict(
        options={
            "NumPy": "NumPy converts both: whole numbers of 64 bits and `float32` give `float64`.",
            "PyTorch": "PyTorch converts the whole numbers to the type of the floats.",
            "TensorFlow": "It converts no tensor by itself, not even one type of float to another.",
        },
        key=_who_refuses,
    ),
    shared=predictions.predict(
        options={
            "none of them": "That would mean four copies. A slice is none: it looks at the same "
            "memory.",
            "only the slice": "`from_numpy` shares its memory with the array too, though it is "
            "another library's.",
            "the slice and `from_numpy`": "Both look at the memory of the array. A list of places, "
            "and `torch.tensor`, make copies.",
        },
        key=_who_shares,
    ),
    used_twice=predictions.predict(
        options={
            "4, the one that arrives last": "Then the second way, through the sum, would be "
            "forgotten. Moving a shows that it counts.",
            "5, both together": "a changes y in two ways, and both changes happen.",
            "4 or 1, depending on where we start": "A slope is a fact about y and a. It cannot "
            "depend on how we look for it.",
        },
        key=_how_slopes_join,
    ),
    order=predictions.predict(
        options={
            "17 times as well": "Each value is reached on every way that leads to it, and hands on "
            "each time.",
            "33 times": "That would be two for each doubling. But each of the two hands on to two, "
            "and so on.",
            "more than 100 000 times": "Each doubling doubles the number of ways.",
        },
        key=lambda times: _nearest(
            np.log(times),
            {
                "17 times as well": np.log(17),
                "33 times": np.log(33),
                "more than 100 000 times": np.log(131_071),
            },
        ),
    ),
    twice=predictions.predict(
        options={
            "5": "That is what a single walk gives. PyTorch adds the second to it.",
            "10": "PyTorch adds new slopes to those that are there, until it is told to forget.",
            "25": "Nothing is multiplied: the two walks know nothing of each other.",
        },
        key=lambda torch_a: _nearest(float(torch_a.grad), {"5": 5, "10": 10, "25": 25}),
    ),
    in_place=predictions.predict(
        options={
            "at both": "The slope of 2x is 2, whatever happens to the result afterwards.",
            "only at the product": "The product needs its factor for the way back, and not its "
            "result. Which of the two needs its result?",
            "only at the exp": "The slope of exp is its own result, and that was overwritten.",
        },
        key=_who_is_refused,
    ),
    edge=predictions.predict(
        options={
            "it is at 0 after one step": "That happens at half this rate, where the factor is 0.",
            "it grows without end": "That begins just beyond this rate: the factor must be below "
            "−1.",
            "it jumps between 1 and −1": "The factor is 1 − 0.5 · 4 = −1.",
        },
        key=_at_the_edge,
    ),
    angle=predictions.predict(
        options={
            "0°": "That is so in the round bowl. In a valley the steepest way leads across.",
            "about 5°": "At equal distances the slope across is 20 times the one along it.",
            "about 40°": "From most directions the slope across the valley is much larger than the "
            "one along it.",
        },
        key=lambda mean_angles: _nearest(mean_angles[1], {"0°": 0, "about 5°": 5, "about 40°": 40}),
    ),
    hollows=predictions.predict(
        options={
            "yes, at least 0.10 more": "First steps cross the ridge, but in both directions.",
            "no, at least 0.10 fewer": "Some are lost to the other hollow, but about as many come.",
            "no, about as many": "What crosses the ridge in one direction, others cross in the "
            "other.",
        },
        key=_more_in_the_deeper,
    ),
    alcohol=predictions.predict(
        options={
            "by about 0.05": "That would be a laboratory's accuracy. The other measurements do not "
            "know so much.",
            "by about 0.45": "About a third of the error of the mean is gone, and the rest stays.",
            "by about 0.65": "Then the twelve measurements would know next to nothing.",
        },
        key=lambda our_error: _nearest(
            our_error, {"by about 0.05": 0.05, "by about 0.45": 0.45, "by about 0.65": 0.65}
        ),
    ),
    raw=predictions.predict(
        options={
            "by about 0.45, like the other": "It could say the same, with enough steps. At this "
            "rate there would have to be hundreds of millions.",
            "by about 0.67, like always saying the mean": "For that the bias would have to reach "
            "the mean, and at such a rate it hardly moves.",
            "by more than 2": "The rate must suit proline, and for all else it is far too small.",
        },
        key=lambda errors_of: _nearest(
            min(errors_of["raw"], 2.5),
            {
                "by about 0.45, like the other": 0.45,
                "by about 0.67, like always saying the mean": 0.67,
                "by more than 2": 2.5,
            },
        ),
    ),
    silent_training=predictions.predict(
        options={
            "the same as the model above": "The targets are the same, but each answer is now "
            "compared with all of them.",
            "about the mean, whatever the wine": "The answer that is nearest to all targets "
            "at once is their mean.",
            "nonsense, since the loss explodes": "The loss falls as it should. It is only the loss "
            "of another task.",
        },
        key=_what_silence_taught,
    ),
)


def _shape_told(shape):
    return f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(map(str, shape))})"


QUIZ = quiz.Quiz(
    __name__,
    shape=quiz.choice(
        "An array of shape ({rows}, 1) less one of shape ({columns},). What comes out?",
        draw={"rows": [5, 32, 100, 8], "columns": [5, 7, 10, 64]},
        right="an array of shape ({rows}, {columns})",
        because="Written from the right, 1 meets {columns} and nothing meets {rows}. Both are "
        "repeated.",
        wrong={
            "an array of shape ({rows}, 1)": "The 1 is repeated as well: it meets {columns}.",
            "an error, for they do not match": "A 1 fits everything, and so does an axis that is "
            "missing.",
        },
        key=lambda rows, columns: (
            "an array of shape " + _shape_told(np.broadcast_shapes((rows, 1), (columns,)))
        ),
    ),
    brighter=quiz.number(
        "An array of type uint8 holds {pixel}. You add {more}. What does it hold then?",
        draw={
            "pixel": [240, 200, 210, 220, 230, 250],
            "more": [100, 60, 70, 80, 90, 110, 120, 130, 140, 150],
        },
        right=lambda pixel, more: (pixel + more) % 256,
        because="{pixel} + {more} − 256 = {right}: after 255 it goes on with 0.",
        wrong={
            "There is no such number in 8 bits.": lambda pixel, more: pixel + more,
            "It does not stop at the largest number. It starts again at 0.": lambda: 255,
            "After 255 comes 0: there are 256 numbers.": lambda pixel, more: pixel + more - 255,
        },
    ),
    used_twice=quiz.number(
        "y = x · (x + {shift}), at x = {x}. What is the slope of y along x?",
        draw={
            "x": [3, 4, 5, 6, 7, 8, 9, 10],
            "shift": [1, 2, 11, 13, 14, 15, 17],
            "factor": lambda x, shift: x + shift,
        },
        right=lambda x, factor: x + factor,
        because="x is used twice. One way brings {factor}, the other brings {x}, and they add up "
        "to {right}.",
        wrong={
            "That is what the first use brings. The second is missing.": lambda factor: factor,
            "That is what the second use brings. The first is missing.": lambda x: x,
            "That is y itself.": lambda x, factor: x * factor,
        },
    ),
    limit=quiz.number(
        "A bowl has the curvature {curvature}. Beyond which learning rate does plain descent "
        "diverge?",
        draw={"curvature": [5, 3, 4, *range(6, 60)]},
        right=lambda curvature: 2 / curvature,
        tolerance=0.001,
        because="2 / {curvature} = {right:.3f}. There the factor 1 − rate · {curvature} is −1.",
        wrong={
            "There one step reaches the lowest point. It may still be doubled.": lambda curvature: (
                1 / curvature
            ),
            "The larger the curvature, the smaller the limit.": lambda curvature: curvature / 2,
            "At this rate the factor is −3: it has long diverged.": lambda curvature: 4 / curvature,
        },
    ),
    disappears=quiz.choice(
        "`x` has the shape ({rows}, {columns}). What is the shape of `x.sum(axis={axis})`?",
        draw={
            "axis": [0, 1],
            "rows": [100, 32, 7],
            "columns": [12, 64, 3],
            "left": lambda axis, rows, columns: (columns, rows)[axis],
            "gone": lambda axis, rows, columns: (rows, columns)[axis],
        },
        right="({left},)",
        because="The axis that is named disappears.",
        wrong={
            "({gone},)": "That is the axis that was named. It is the one that disappears.",
            "({rows}, {columns})": "A sum along an axis leaves one number where there were many.",
        },
        key=lambda rows, columns, axis: _shape_told(np.zeros((rows, columns)).sum(axis=axis).shape),
    ),
    silent=quiz.choice(
        "A model was trained with the loss `((answers - targets) ** 2).mean()`, where `answers` is "
        "(N, 1) and `targets` is (N,). What will it say about new examples?",
        right="nearly the mean of the targets, to each of them",
        because="Each answer was compared with all targets, and the mean is the nearest to all. In "
        "the lesson its error was that of the first baseline.",
        wrong={
            "the right answer, but after twice as many steps": "More steps bring it nearer to the "
            "wrong goal.",
            "nothing useful, as its weights have become nan": "The loss is finite and falls, which "
            "is why nobody notices.",
        },
        key="measured",
    ),
    two_ways=quiz.choice(
        "A value is used in {uses} places of a formula. What does the walk back do with the "
        "slopes that arrive there?",
        draw={"uses": [2, 3, 4, 5]},
        right="it adds all {uses} up",
        because="Each use is a way in which the value changes the end, and the changes add up.",
        wrong={
            "it keeps the largest": "The smaller ones change the end too.",
            "it takes their mean": "A value that is used more often has more influence, not the "
            "same.",
            "it multiplies them": "Slopes are multiplied along a way, one box after another. Those "
            "of different ways are not.",
        },
        key="argument",
    ),
)
