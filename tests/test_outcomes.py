"""An outcome is not reached by what the lesson warns of: leaks, test data, typed-in numbers."""

import ast
import dis
import functools
import inspect
import types

from dlcourse import catalogue, data, notebooks, runtime
from dlcourse.lessons import (
    convolutions,
    gradients_and_saliency,
    image_classification,
    image_gan,
    network_from_scratch,
    optimisation,
    start_here,
    tensors_and_gradients,
    time_series,
    transfer_learning,
)

import numpy as np
import pytest
import torch
from sklearn.neural_network import MLPClassifier

pytestmark = pytest.mark.slow


def said_to(each, answer):
    said = each.judge(answer)
    assert said.outcome in ("wrong", "raised"), said
    return said.message


# Networks that have seen what they are measured on ------------------------------------------------


def pictures_and_labels(*parts):
    pictures = np.concatenate([part.images for part in parts])
    return torch.tensor(pictures), torch.tensor(np.concatenate([part.labels for part in parts]))


def network_trained_on(*parts, epochs, units=128, learning_rate=0.001):
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(784, units),
        torch.nn.ReLU(),
        torch.nn.Linear(units, 10),
    )
    images, labels = pictures_and_labels(*parts)
    optimizer = torch.optim.Adam(model.parameters(), learning_rate)
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
            optimizer.step()
    return model


@pytest.fixture(scope="module")
def fashion():
    return data.load("fashion-mnist")


@pytest.mark.parametrize(
    "parts, epochs, words",
    [
        (lambda each: [each.valid], 8, "Was it trained on them?"),
        (lambda each: [each.train[:10_000], each.valid], 5, "Was it trained on them?"),
        (lambda each: [each.train[:20_000], each.test], 5, "than such a network should"),
        (lambda each: [each.train[:10_000], each.test[:5_000]], 10, "than such a network should"),
    ],
)
def test_a_better_model_has_not_seen_validation_or_test_pictures(fashion, parts, epochs, words):
    assert words in said_to(
        start_here.better_model, network_trained_on(*parts(fashion), epochs=epochs)
    )


def test_an_honest_better_model_is_right(fashion):
    model = network_trained_on(fashion.train[:25_000], epochs=5)
    assert start_here.better_model.judge(model).outcome == "right"
    long = {"epochs": 25, "units": 256, "learning_rate": 0.003}  # far beyond the best epoch
    model_of_long = network_trained_on(fashion.train[:25_000], **long)
    assert start_here.better_model.judge(model_of_long).outcome == "right"
    with_softmax = torch.nn.Sequential(model, torch.nn.Softmax(dim=1))
    assert start_here.better_model.judge(with_softmax).outcome == "right"


@pytest.mark.parametrize(
    "answer",
    [0.9, np.float32(0.9), [0.9], {"accuracy": 0.9}, "0.9", lambda images: images, np.ones(5000)],
)
def test_a_better_model_is_no_typed_in_number(answer):
    said_to(start_here.better_model, answer)
    said_to(image_classification.small_data_model, answer)


def test_a_network_that_was_never_trained_is_told_so():
    model = network_trained_on(data.load("fashion-mnist").train[:64], epochs=0)
    assert "as good as guessing" in said_to(start_here.better_model, model)


@pytest.mark.parametrize(
    "parts, words",
    [
        (lambda each: [each.valid], "Was it trained on validation or test"),
        (lambda each: [each.train[:5_000], each.valid], "Was it trained on validation or test"),
        (lambda each: [each.train[:5_000], each.test], "Was it trained on validation or test"),
        (lambda each: [each.train[:20_000]], "more than the first 5 000"),
    ],
)
def test_a_small_data_model_has_seen_the_first_5000_pictures_only(fashion, parts, words):
    model = network_trained_on(*parts(fashion), epochs=10)
    assert words in said_to(image_classification.small_data_model, model)


def weights_trained_on(*parts, epochs=40):
    network = MLPClassifier((32, 32), max_iter=epochs, learning_rate_init=0.005, random_state=0)
    network.fit(*(np.concatenate([getattr(p, n) for p in parts]) for n in ("features", "labels")))
    return [array for pair in zip(network.coefs_, network.intercepts_) for array in pair]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "names", [("valid",), ("train", "valid"), ("train", "test"), ("train", "valid", "test")]
)
@pytest.mark.parametrize("epochs", [20, 60])
def test_my_weights_have_not_seen_validation_or_test_digits(names, epochs):
    digits = data.load("digits")
    weights = weights_trained_on(*(getattr(digits, name) for name in names), epochs=epochs)
    assert "Was it trained on" in said_to(network_from_scratch.my_weights, weights)


# An optimiser of one's own ------------------------------------------------------------------------

LESSON_13 = optimisation


def knows_the_weights():
    """It has trained a network at home, and jumps there."""
    solve, weights, memory = LESSON_13.my_optimiser.solve(), LESSON_13._new_weights(0), None
    x, labels = LESSON_13._pictures()[0]
    for step in range(400):
        some = slice(50 * (step % 100), 50 * (step % 100) + 50)
        slopes, _ = LESSON_13._slopes_and_loss(weights, x[some], labels[some])
        weights, memory = solve(weights, slopes, memory, step / 400)
    return lambda *given: (weights, None)


def steps_of_its_own(count, split=0, share=1.0):
    """It adds steps on pictures that it loads, to a share of the one that it should take."""
    x, labels = LESSON_13._pictures()[split]
    random = np.random.default_rng(0)

    def steps(weights, slopes, memory, progress):
        weights = [w - 0.1 * (1 - share) * slope for w, slope in zip(weights, slopes)]
        for _ in range(count):
            some = random.integers(0, len(x), 50)
            own, _ = LESSON_13._slopes_and_loss(weights, x[some], labels[some])
            weights = [w - 0.1 * share * slope for w, slope in zip(weights, own)]
        return weights, None

    return steps


@pytest.mark.parametrize(
    "cheat",
    [
        knows_the_weights,
        lambda: steps_of_its_own(1),
        lambda: steps_of_its_own(5),
        lambda: steps_of_its_own(5, split=1),
        lambda: steps_of_its_own(3, share=0.5),
    ],
)
def test_an_optimiser_learns_from_the_slopes_that_it_gets_and_from_nothing_else(cheat):
    assert "does not come from the slopes" in said_to(LESSON_13.my_optimiser, cheat())


@pytest.mark.parametrize(
    "answer, words",
    [
        (0.85, ""),
        ({"rate": 0.1}, "settings"),
        (torch.optim.Adam, "settings"),
        (lambda weights, slopes, memory, progress: weights, "pair"),
        (lambda weights, slopes, memory, progress: (weights[:2], None), "four arrays"),
        (lambda weights, slopes, memory, progress: (slopes, None), ""),
        (lambda weights, slopes, memory, progress: (weights, None), "does not move"),
        (lambda weights, slopes, memory, progress: ([w * np.nan for w in weights], None), "larger"),
        (lambda weights: weights, "cannot be measured"),
        (
            lambda weights, slopes, memory, progress: (
                [w - 0.1 * slope for w, slope in zip(weights, slopes)],
                None,
            ),
            "remembers nothing",
        ),
        (
            lambda weights, slopes, memory, progress: (
                [w - 0.01 * (1 - progress) * slope for w, slope in zip(weights, slopes)],
                0,
            ),
            "you need at least 0.785",
        ),
    ],
)
def test_an_optimiser_is_a_function_that_gets_somewhere(answer, words):
    assert words in said_to(LESSON_13.my_optimiser, answer)


# Forecasts ----------------------------------------------------------------------------------------

STEPS = np.arange(48)


@functools.cache
def known():
    return time_series._known()[0]


def method(forecast):
    """Return a method whose trained forecast is this function of a series and starts."""
    return lambda series, starts: forecast


def copies(series, new):
    return time_series._corrected_copies(series, new)


def future(series, new, column=0):
    return series[new[:, None] + STEPS, column]


def trains(forecast):
    """Return a method that does learn something: the mean error of a forecast in its series."""

    def learned(series, starts):
        some = starts[480::97]
        offset = (copies(series, some) - future(series, some)).mean(axis=0)
        return lambda series, new: forecast(series, new) - offset

    return learned


CHEATS = {
    "the future of the series": method(future),
    "a little of it": trains(
        lambda series, new: 0.8 * copies(series, new) + 0.2 * future(series, new)
    ),
    "its mean alone": trains(
        lambda series, new: (
            copies(series, new)
            + 0.3 * (future(series, new) - copies(series, new)).mean(axis=1, keepdims=True)
        )
    ),
    "tomorrow's weather": trains(
        lambda series, new: copies(series, new) - 0.002 * (future(series, new, 1) - 10)
    ),
    "what the notebook knows": method(lambda series, new: future(known(), new)),
    "a little of that": trains(
        lambda series, new: 0.85 * copies(series, new) + 0.15 * future(known(), new)
    ),
    "79 parts of that": method(
        lambda series, new: (
            0.79 * future(known(), new) + 0.21 * series[new[:, None] + STEPS - 336, 0]
        )
    ),
    "the weather that the notebook knows": trains(
        lambda series, new: copies(series, new) - 0.002 * (future(known(), new, 1) - 10)
    ),
    "a table of all forecasts": method(lambda series, new: future(known(), new) * 0.9 + 0.5),
    "a constant": method(lambda series, new: np.full((len(new), 48), 4.0)),
    "zeros": method(lambda series, new: np.zeros((len(new), 48))),
    "copies": method(copies),
    "last week": method(lambda series, new: series[new[:, None] + STEPS - 336, 0]),
    "another shape": method(lambda series, new: np.zeros((len(new), 48, 2))),
    "nothing": method(lambda series, new: None),
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_forecast_that_sees_what_has_not_happened_is_not_right(cheat):
    said_to(time_series.better_method, CHEATS[cheat])


@pytest.mark.parametrize("answer", [0.12, np.zeros((2881, 48)), "boosting", [1, 2], {"skill": 0.2}])
def test_a_method_is_no_number_and_no_array(answer):
    said_to(time_series.better_method, answer)


# Runs, squares and kernels ------------------------------------------------------------------------


@pytest.fixture
def short_run():
    """As in the notebook, and in no time."""
    yield image_gan.kept(lambda pictures, by: {"pictures": pictures, "better_by": by})
    image_gan._RUNS.clear()


def test_a_run_is_one_that_was_made(short_run):
    assert image_gan.my_run.judge(short_run(9_600, 12.5)).outcome == "right"
    assert "gave" in said_to(image_gan.my_run, {"pictures": 9_600, "better_by": 13})
    improved = short_run(9_600, 5.0)
    improved["better_by"] = 12
    assert "gave" in said_to(image_gan.my_run, improved)
    assert "more than 9 600" in said_to(image_gan.my_run, short_run(10_000, 12.0))
    assert "worse than the bell curve" in said_to(image_gan.my_run, short_run(9_600, -3.0))
    assert "by 8.9; you need" in said_to(image_gan.my_run, short_run(9_600, 8.9))


@pytest.mark.parametrize(
    "answer",
    [
        {"better_by": 99},
        {"pictures": -5, "better_by": 12},
        {"pictures": 0, "better_by": 12},
        {"pictures": "9600", "better_by": 12},
        {"pictures": 9600, "better_by": np.inf},
        {"pictures": 9600, "better_by": "12"},
        {"batch_size": 8, "rounds": 1200},
        [9600, 12],
        (9600, 12.0),
        "12",
        12,
    ],
)
def test_a_run_is_no_typed_in_number(answer):
    message = said_to(image_gan.my_run, answer)
    assert ("Those are settings" in message) == (
        isinstance(answer, dict) and not {"pictures", "better_by"} <= set(answer)
    )


@pytest.mark.parametrize(
    "answer",
    [
        *((48, 160), (48, 160, 112, 224), (48, 160, 64, 64), "48, 160, 64", 48.5, {"row": 48}),
        *({48, 160, 64}, (48.5, 160, 64), (48, 160, np.nan), (48, 160, np.inf), 0.9, np.eye(3)),
    ],
)
def test_a_square_of_the_shuttle_is_three_whole_numbers(answer):
    assert "cannot be measured" in said_to(transfer_learning.shuttle_square, answer)


@pytest.mark.parametrize("answer", [(0, 0, 224), (60, 90, 110), (64, 48, 160), (100, 0, 64)])
def test_a_square_without_the_shuttle_is_not_right(answer):
    said_to(transfer_learning.shuttle_square, answer)


@pytest.mark.parametrize(
    "answer",
    [{144, 112}, (144.5, 112), (np.nan, 112), "144", 144, (144, 112, 48), ("144", "112"), 0.2],
)
def test_a_place_of_the_tripod_is_two_whole_numbers(answer):
    assert "cannot be measured" in said_to(gradients_and_saliency.square, answer)


def test_a_place_of_the_tripod_may_be_floats_that_are_whole():
    for answer in ((144.0, 112.0), np.array([144.0, 112.0]), torch.tensor([144, 112])):
        assert gradients_and_saliency.square.judge(answer).outcome == "right"


@pytest.mark.parametrize("place", [(80, 80), (80, 96), (96, 96), (0, 0), (112, 96), (176, 176)])
def test_a_place_beside_the_tripod_is_not_right(place):
    assert "surer" not in said_to(gradients_and_saliency.square, place)


@pytest.mark.parametrize(
    "kernel, words",
    [
        ([[1, 1, 1], [0, 0, 0], [-1, -1, -1]], "both diagonals"),
        ([[-1], [0], [1]], "cannot be measured"),
        (np.ones((1, 3, 3)), "cannot be measured"),
        ([[-1] * 3, [2] * 3, [-1] * 3], "you need at least"),
        ([[-3, 1, -1], [0, 0, 0], [3, -1, 1]], ""),
        ([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], "you need at least"),
        ([[1, 0, -1], [0, 0, 0], [-1, 0, 1]], "you need at least"),
        (np.array([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]]) * 1j, ""),
        (np.full((3, 3), np.nan), ""),
        ([[-2, -1, 0], [-1, 0, 1], [0, 1, 2.1]], "do not add up to 0"),
        (0.99, "cannot be measured"),
    ],
)
def test_a_kernel_that_finds_other_edges_is_not_right(kernel, words):
    assert words in said_to(convolutions.my_kernel, kernel)


# Steps downhill -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", np.geomspace(0.01, 0.5, 40))
def test_plain_descent_gets_near_the_lowest_loss_at_no_rate(rate):
    assert said_to(tensors_and_gradients.rate_and_momentum, (rate, 0.0))


@pytest.mark.parametrize(
    "answer",
    [
        0.3,
        (0.3,),
        (0.3, 0.45, 20),
        "0.3, 0.45",
        (0.3, np.nan),
        (np.inf, 0.5),
        {"rate": 0.3},
        (3, 1),
    ],
)
def test_a_rate_and_a_momentum_are_two_numbers_that_work(answer):
    assert said_to(tensors_and_gradients.rate_and_momentum, answer)


@pytest.mark.parametrize("kind", [tuple, list, np.array, torch.tensor])
def test_a_rate_and_a_momentum_may_be_any_pair(kind):
    assert tensors_and_gradients.rate_and_momentum.judge(kind([0.3, 0.45])).outcome == "right"


# Other right ways, with what they take from their notebook ----------------------------------------


def names_of(code, instructions):
    """Return the names at the top of a module that some code, with all inside it, reads or sets."""
    found = {each.argval for each in dis.get_instructions(code) if each.opname in instructions}
    inner = (each for each in code.co_consts if isinstance(each, types.CodeType))
    return found.union(*(names_of(each, instructions) for each in inner))


def method_of(statement):
    """Return (object, method) of a statement such as `model.load_state_dict(…)`."""
    match statement:
        case ast.Expr(ast.Call(ast.Attribute(ast.Name(owner), method))):
            return owner, method
    return None, None


@functools.cache
def taken_from_the_notebook(exercise, *names):
    """Run as much of the lesson before an exercise as these names need; return its names."""
    (lesson,) = (each for each in catalogue.lessons() if each.slug == exercise.lesson)
    cells = [each.source for each in notebooks.filled_from_text(lesson).cells
             if each.cell_type == "code" and not each.source.lstrip().startswith("%")]  # fmt: skip
    (end,) = (i for i, each in enumerate(cells) if f"lesson.{exercise.name}.check(" in each)
    needed, chosen = {*names}, []
    for statement in reversed(ast.parse("\n".join(cells[:end])).body):
        code = compile(ast.Module([statement], []), "cell", "exec")
        made = names_of(code, {"STORE_NAME"})
        owner, method = method_of(statement)
        if made & needed or (owner in needed and method == "load_state_dict"):
            needed = needed - made | names_of(code, {"LOAD_NAME", "LOAD_GLOBAL"})
            chosen.append(code)
    found = {"__name__": exercise.lesson}
    runtime.seed(0)
    for code in reversed(chosen):
        exec(code, found)
    return found


TRAINED = (
    start_here.better_model,
    image_classification.small_data_model,
    time_series.better_method,
    image_gan.my_run,
)


@pytest.mark.parametrize(
    "exercise, way",
    [(each, way) for each in TRAINED for way in each.others],
    ids=lambda it: getattr(it, "__name__", ""),
)
def test_another_way_to_train_is_right(exercise, way):
    names = [*inspect.signature(way).parameters]
    found = taken_from_the_notebook(exercise, *names)
    runtime.seed(0)
    said = exercise.judge(way(*map(found.get, names)))
    assert said.outcome == "right", said
