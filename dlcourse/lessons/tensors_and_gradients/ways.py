"""Other right answers to the exercises of this lesson, to be read after one's own."""

from functools import lru_cache
from itertools import accumulate, repeat

from dlcourse.lessons.tensors_and_gradients import loss_after_20_steps

import numpy as np
import torch
from scipy import optimize
from sklearn.preprocessing import StandardScaler


def standardised_column_by_column(train, new):
    """One column after the other: no axis to think of."""
    columns = [(new[:, d] - train[:, d].mean()) / train[:, d].std() for d in range(new.shape[1])]
    return np.stack(columns, axis=1)


def standardised_by_scikit_learn(train, new):
    """scikit-learn remembers what it has seen in `fit`, and uses it in `transform`."""
    return StandardScaler().fit(train).transform(new)


def standardised_from_sums(train, new):
    """The squared spread is the mean of the squares less the square of the mean."""
    train = np.asarray(train, dtype="float64")  # the difference of two large numbers needs digits
    mean = train.sum(axis=0) / len(train)
    squared_spread = (train**2).sum(axis=0) / len(train) - mean**2
    return (new - mean) * squared_spread**-0.5


def squared_error_one_by_one(answers, targets):
    """Pair them up: what is not an array cannot be broadcast."""
    pairs = list(zip(answers.ravel().tolist(), targets.ravel().tolist()))
    return sum((answer - target) ** 2 for answer, target in pairs) / len(pairs)


def squared_error_as_a_product(answers, targets):
    """The sum of squares of a row is its product with itself."""
    errors = answers.reshape(-1) - targets.reshape(-1)
    return errors @ errors / len(errors)


def squared_error_of_columns(answers, targets):
    """Make columns of both; then PyTorch's own loss has nothing to repeat."""
    columns = [torch.tensor(array).reshape(-1, 1) for array in (answers, targets)]
    return torch.nn.functional.mse_loss(*columns)


def test_squared_error_by_shapes(squared_error):
    """The same numbers must give the same error in each of four pairs of shapes."""
    answers, targets = np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 7.0])
    for some in ((3,), (3, 1)):
        for others in ((3,), (3, 1)):
            assert abs(squared_error(answers.reshape(some), targets.reshape(others)) - 10) < 1e-9


def test_squared_error_on_random_numbers(squared_error):
    """Random numbers, and a sum written out as a loop."""
    answers, targets = np.random.default_rng(0).normal(size=(2, 5))
    total = 0
    for answer, target in zip(answers, targets):
        total += (answer - target) ** 2
    for a, t in ((answers, targets[:, None]), (answers[:, None], targets)):
        assert np.isclose(squared_error(a, t), total / 5)
    assert np.isclose(squared_error(answers[:, None], targets[:, None]), total / 5)


def test_squared_error_by_what_must_hold(squared_error):
    """Right answers cost nothing; all off by 3 cost 9; some up and some down cost as much."""
    row = np.array([1.0, 5.0, 2.0, 8.0])
    signs = np.array([1.0, -1.0, -1.0, 1.0])
    for targets in (row, row[:, None]):
        assert np.isclose(squared_error(row, targets), 0)
        assert np.isclose(squared_error((row + 3)[:, None], targets), 9)
        assert np.isclose(squared_error(row + 3 * signs, targets), 9)


def slopes_of_asking_each_number(inputs, local):
    """Each number asks the later ones: who uses me, and what is your slope?"""
    last = len(inputs) - 1

    @lru_cache(None)
    def slope(j):
        uses = (
            slope(i) * own
            for i in range(j + 1, last + 1)
            for place, own in zip(inputs[i], local[i])
            if place == j
        )
        return float(j == last) + sum(uses)

    return [slope(j) for j in range(last + 1)]


def slopes_of_one_number_at_a_time(inputs, local):
    """Go forwards instead: move one number, see how the end moves. One walk for each number."""
    found = []
    for moved in range(len(inputs)):
        moves = []
        for i, (places, own) in enumerate(zip(inputs, local)):
            arrived = sum(moves[j] * slope for j, slope in zip(places, own))
            moves.append(1.0 if i == moved else arrived)
        found.append(moves[-1])
    return found


def slopes_of_as_equations(inputs, local):
    """Each slope is a sum of later slopes: linear equations, which NumPy solves at once."""
    count = len(inputs)
    handed = np.zeros((count, count))  # from row to column
    for i in range(count):
        for j, own in zip(inputs[i], local[i]):
            handed[i, j] += own
    return np.linalg.solve(np.eye(count) - handed.T, np.eye(count)[-1])


def slopes_of_by_autograd(inputs, local):
    """Let PyTorch build a formula that has these slopes, and ask it."""
    numbers = []
    for places, own in zip(inputs, local):
        number = torch.zeros((), dtype=torch.float64, requires_grad=True) + 0
        for j, slope in zip(places, own):
            number = number + slope * numbers[j]
        number.retain_grad()
        numbers.append(number)
    numbers[-1].backward()
    return [0.0 if number.grad is None else number.grad.item() for number in numbers]


def descend_in_pytorch_s_form(slopes, start, rate, momentum, steps):
    """The velocity without the rate, which comes in when the weights move: the same places."""
    path, velocity = [np.array(start)], 0
    for _ in range(steps):
        velocity = momentum * velocity + slopes(path[-1])
        path.append(path[-1] - rate * velocity)
    return np.array(path)


def descend_without_a_velocity(slopes, start, rate, momentum, steps):
    """The velocity is the last step: the difference of the last two places."""
    path = [start, start]
    for _ in range(steps):
        path.append(path[-1] + momentum * (path[-1] - path[-2]) - rate * slopes(path[-1]))
    return np.array(path[1:])


def descend_by_accumulate(slopes, start, rate, momentum, steps):
    """A pair of place and velocity, and a function that turns it into the next pair."""

    def step(pair, _):
        place, velocity = pair
        velocity = momentum * velocity - rate * slopes(place)
        return place + velocity, velocity

    pairs = accumulate(repeat(None, steps), step, initial=(start, 0 * start))
    return np.array([place for place, _ in pairs])


def rate_and_momentum_one_after_the_other():
    """The best rate for a momentum, then the best momentum for this rate, and again."""
    rate, momentum = 0.2, 0.0
    for _ in range(5):
        rate = min(np.linspace(0.1, 0.5, 41), key=lambda r: loss_after_20_steps((r, momentum)))
        momentum = min(np.linspace(0, 0.9, 31), key=lambda m: loss_after_20_steps((rate, m)))
    return rate, momentum


def rate_and_momentum_by_chance():
    """Try 200 random pairs and keep the best."""
    random = np.random.default_rng(0)
    pairs = random.uniform((0.1, 0), (0.5, 0.8), (200, 2))
    return tuple(min(pairs, key=loss_after_20_steps))


def rate_and_momentum_by_a_search_without_slopes():
    """SciPy walks downhill on the loss as a function of the pair itself."""
    found = optimize.minimize(loss_after_20_steps, (0.2, 0.3), method="Nelder-Mead")
    return tuple(found.x)
