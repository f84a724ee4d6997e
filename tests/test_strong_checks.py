"""A check refuses what is nearly right, and accepts whatever way leads to the right result."""

import ast
import copy
import difflib
import functools
import importlib.util
import inspect
import textwrap
import warnings

from dlcourse import exercise, lessons, notebooks, written_tests
from dlcourse.answers import copied, same
from dlcourse.limits import trusting

import numpy as np
import pytest
import torch
from wrong_answers import WRONG

pytestmark = pytest.mark.slow

MODULES = {
    path.parent.name: importlib.import_module(f"dlcourse.lessons.{path.parent.name}")
    for path in sorted(lessons.FOLDER.glob("*/__init__.py"))
}
EXERCISES = {
    f"{each.lesson}.{each.name}": each
    for module in MODULES.values()
    for each in list(vars(module).values())
    if isinstance(each, exercise.Exercise)
}
FUNCTIONS, VALUES, MEASURED, TESTS = (
    [name for name, each in EXERCISES.items() if isinstance(each, kind)]
    for kind in (
        exercise.FunctionExercise,
        exercise.ValueExercise,
        exercise.MeasuredExercise,
        written_tests.WrittenTest,
    )
)


@pytest.fixture(autouse=True)
def of_the_house():
    """Nothing here ends Python or fills the memory: no copy of the process is needed."""
    with trusting(), warnings.catch_warnings(action="ignore"):
        yield


def answer_of(name, function):
    """Return what a function answers: itself, or the value that it computes."""
    return function if name in (*FUNCTIONS, *TESTS) else function()


# Mutants: the solution with one thing changed -----------------------------------------------------

ARITHMETIC = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.FloorDiv),
    ast.FloorDiv: (ast.Div, ast.Mult),
    ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr, ast.BitXor),
}
IN_ORDER = (ast.Sub, ast.Div, ast.FloorDiv, ast.Pow, ast.MatMult)
COMPARISONS = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.Eq: (ast.NotEq, ast.GtE),
}
NEIGHBOURS = {  # of a function or a method: what is taken for it
    "argmax": "argmin",
    "argmin": "argmax",
    "max": "min",
    "maximum": "minimum",
    "mean": "sum",
    "sum": "mean",
    "zeros": "ones",
    "zeros_like": "ones_like",
    "exp": "expm1",
    "sqrt": "square",
    "tanh": "sin",
    "logaddexp": "maximum",
    "diag": "diagflat",
}


def variants(node, parameters):
    """Yield what may stand in the place of an expression by mistake."""
    match node:
        case ast.BinOp(left, operator, right):
            for other in ARITHMETIC.get(type(operator), ()):
                yield ast.BinOp(left, other(), right)
            if isinstance(operator, IN_ORDER):
                yield ast.BinOp(right, operator, left)
            yield left
            yield right
        case ast.UnaryOp(ast.USub(), operand):
            yield operand
        case ast.Compare(left, [operator], [right]):
            for other in COMPARISONS[type(operator)]:
                yield ast.Compare(left, [other()], [right])
        case ast.Constant(value) if isinstance(value, bool):
            yield ast.Constant(not value)
        case ast.Constant(value) if isinstance(value, int | float):
            yield from map(ast.Constant, {value + 1, value - 1, 0, 1, 2 * value} - {value})
        case ast.Name(name, ast.Load()) if name in parameters:
            yield from (ast.Name(other, ast.Load()) for other in parameters if other != name)
        case ast.Attribute(value, "T"):
            yield value
        case ast.Slice(lower, upper, step) if lower or upper or step:
            yield ast.Slice()
        case ast.Tuple([first, second], ast.Store()):
            yield ast.Tuple([second, first], ast.Store())
        case ast.Tuple(elements, ast.Load()) | ast.List(elements) if len(elements) > 1:
            yield type(node)(elements[::-1], ast.Load())
            yield type(node)(elements[:-1], ast.Load())
            yield type(node)(elements[1:], ast.Load())
        case ast.Call(function, arguments, keywords):
            if len(arguments) > 1:
                swapped = [arguments[1], arguments[0], *arguments[2:]]
                yield ast.Call(function, swapped, keywords)
            if arguments:
                yield arguments[0]
            elif isinstance(function, ast.Attribute):  # x.copy() → x
                yield function.value
            for keyword in keywords:
                others = [each for each in keywords if each is not keyword]
                yield ast.Call(function, arguments, others)
                if keyword.arg == "axis" and isinstance(keyword.value, ast.Constant):
                    last = ast.keyword("axis", ast.Constant(-1))
                    yield ast.Call(function, arguments, [*others, last])
            if isinstance(function, ast.Attribute) and function.attr in NEIGHBOURS:
                other = ast.Attribute(function.value, NEIGHBOURS[function.attr], ast.Load())
                yield ast.Call(other, arguments, keywords)
            elif isinstance(function, ast.Name) and function.id in NEIGHBOURS:
                other = ast.Name(NEIGHBOURS[function.id], ast.Load())
                yield ast.Call(other, arguments, keywords)


def mutated_lines(line):
    """Yield what may stand in the place of a line by mistake."""
    if not isinstance(line, ast.Return | ast.FunctionDef):
        yield ast.Pass()
    match line:
        case ast.AugAssign(target, operator, value):
            read = copy.copy(target)
            read.ctx = ast.Load()
            yield ast.Assign([target], value)
            for other in ARITHMETIC.get(type(operator), ()):
                yield ast.AugAssign(target, other(), value)
        case ast.Return(value) if not isinstance(value, ast.Tuple | ast.List | ast.ListComp):
            yield ast.Return(ast.UnaryOp(ast.USub(), value))
            yield ast.Return(ast.Call(ast.Name("abs", ast.Load()), [value], []))


def mutants(function):
    """Yield {what was changed: source} of each mutant of a solution, once each."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    tree.decorator_list = []
    parameters = [*inspect.signature(function).parameters]
    shipped = ast.unparse(tree)
    found = {shipped}
    for node in list(ast.walk(tree)):
        for field, value in ast.iter_fields(node):
            if node is tree and field == "args":
                continue
            places = enumerate(value) if isinstance(value, list) else [(None, value)]
            for index, child in list(places):
                if not isinstance(child, ast.AST):
                    continue
                others = mutated_lines(child) if isinstance(child, ast.stmt) else ()
                for other in (*others, *variants(child, parameters)):
                    _put(node, field, index, other)
                    source = ast.unparse(ast.fix_missing_locations(tree))
                    _put(node, field, index, child)
                    if source not in found:
                        found.add(source)
                        yield changed(shipped, source), source


def _put(node, field, index, child):
    if index is None:
        setattr(node, field, child)
    else:
        getattr(node, field)[index] = child


def changed(shipped, source):
    """Return the line of a mutant that is not the solution's; of one that misses a line, that."""
    lines = list(difflib.ndiff(shipped.splitlines(), source.splitlines()))
    new = [line[2:].strip() for line in lines if line.startswith("+ ")]
    return "; ".join(new) or "without " + "".join(x[2:].strip() for x in lines if x[0] == "-")


@functools.cache
def survivors(name):
    """Return (what was changed in each mutant that is accepted, how many mutants there are)."""
    each = EXERCISES[name]
    tried = list(mutants(each.solve))
    return [what for what, source in tried if accepted(each, name, source)], len(tried)


def accepted(each, name, source):
    names = dict(vars(MODULES[each.lesson]))
    exec(source, names)
    try:
        answer = answer_of(name, names[each.name])
    except Exception:  # a value that cannot be computed
        return False
    return each.judge(answer).outcome == "right"


NEVER_NEGATIVE = "the result is never negative"
LAST_AXIS = "the axis is the last one"
ALL_OVERWRITTEN = "each place is written afterwards"
ANY_ORDER = "the order is all the same"
ANY_ZERO = "0 takes the shape of what is added"
EVEN = "a cosine is the same on both sides of 0"
NOT_ASKED = "at just this number (an end of an interval, a bend) either is right"

# What is another way to say the same, and why. A row that no mutant needs any more fails.
EQUIVALENT = {
    "convolutions.output_size": {
        "return abs(last_left_edge // stride + 1)": NEVER_NEGATIVE,
    },
    "convolutions.max_pool": {
        "return maps.reshape(n, h // 2, 2, w // 2, 2, c).max(axis=(4, 2))": ANY_ORDER,
    },
    "convolutions.receptive_field": {
        "return abs(seen)": NEVER_NEGATIVE,
        "step, seen = (1, 1)": ANY_ORDER,
    },
    "gradients_and_saliency.integrated_gradients": {
        "total = 0": ANY_ZERO,
        "total = 0 * k": ANY_ZERO,
        "total = 0 * baseline": ANY_ZERO,
        "total = 0 * steps": ANY_ZERO,
    },
    "gradients_and_saliency.occlusion": {
        "drops = np.ones((image.shape[0] // patch, image.shape[1] // patch))": ALL_OVERWRITTEN,
    },
    "image_classification.same_padding": {
        "rows = max(0, (positions - 1) * stride + window - pixels)": ANY_ORDER,
    },
    "image_classification.accuracy_in_the_shop": {
        "return abs(np.sum(shares * recalls))": NEVER_NEGATIVE,
        "recalls = np.diag(counts) / counts.sum(axis=-1)": LAST_AXIS,
    },
    "image_gan.best_discriminator": {
        "return abs(p / (p + q))": NEVER_NEGATIVE,
    },
    "image_gan.judging_loss": {
        "return abs(softplus(-real_scores).mean() + softplus(fake_scores).mean())": NEVER_NEGATIVE,
        "return abs(np.logaddexp(0, s))": NEVER_NEGATIVE,
        "return np.logaddexp(s, 0)": ANY_ORDER,
    },
    "image_gan.grown_size": {
        "return abs((pixels - 1) * stride + window - 2 * padding)": NEVER_NEGATIVE,
    },
    "network_from_scratch.safe_softmax": {
        "return abs(powers / powers.sum(axis=1, keepdims=True))": NEVER_NEGATIVE,
        "return powers / powers.sum(keepdims=True, axis=-1)": LAST_AXIS,
        "powers = np.exp(scores - scores.max(keepdims=True, axis=-1))": LAST_AXIS,
    },
    "network_from_scratch.numeric_gradient": {
        "gradient = np.ones_like(weights)": ALL_OVERWRITTEN,
        "below, above = (weights.copy(), weights.copy())": ANY_ORDER,
    },
    "network_from_scratch.deep_backward": {
        "h1 = np.maximum(z1, 0)": ANY_ORDER,
        "h2 = np.maximum(z2, 0)": ANY_ORDER,
        "d_z2 = d_scores @ w3.T * (z2 >= 0)": NOT_ASKED,
        "d_z1 = d_z2 @ w2.T * (z1 >= 0)": NOT_ASKED,
    },
    "optimisation.clip_by_norm": {
        "factor = min(largest / length, 1)": ANY_ORDER,
    },
    "optimisation.rate_at_the_edge": {
        "return abs(2 / 40)": NEVER_NEGATIVE,
    },
    "optimisation.warm_cosine": {
        "return abs(progress / warm)": NEVER_NEGATIVE,
        "return abs((1 + np.cos(np.pi * share)) / 2)": NEVER_NEGATIVE,
        "if progress <= warm:": NOT_ASKED,
        "share = (warm - progress) / (1 - warm)": EVEN,
        "share = (progress - warm) / (warm - 1)": EVEN,
    },
    "start_here.accuracy": {
        "return abs((predicted == labels).mean())": NEVER_NEGATIVE,
    },
    "start_here.names_of": {
        "return [classes[k] for k in scores.argmax(axis=-1)]": LAST_AXIS,
    },
    "time_series.training_starts": {
        "return abs(np.arange(past, boundary - future + 1))": NEVER_NEGATIVE,
    },
    "time_series.coverage": {
        "return abs(inside.mean())": NEVER_NEGATIVE,
        "inside = (low < happened) & (happened <= high)": NOT_ASKED,
        "inside = (low <= happened) & (happened < high)": NOT_ASKED,
    },
    "tensors_and_gradients.squared_error": {
        "return abs(((np.ravel(answers) - np.ravel(targets)) ** 2).mean())": NEVER_NEGATIVE,
        "return ((np.ravel(targets) - np.ravel(answers)) ** 2).mean()": "a square has no sign",
    },
    "tensors_and_gradients.slopes_of": {
        "slopes = [0.0] * len(local)": "both lists are as long",
        "for i in reversed(range(len(local))):": "both lists are as long",
    },
    "tensors_and_gradients.descend": {
        "return path": "a list of arrays is as good",
        **{
            f"place, velocity = (start, np.zeros_like({name}))": ANY_ZERO
            for name in ("slopes", "rate", "momentum", "steps")
        },
    },
    "transfer_learning.nearest_mean": {
        "return abs(squared.argmin(axis=1))": NEVER_NEGATIVE,
        "squared = ((new[:, None] - means[None]) ** 2).sum(axis=-1)": LAST_AXIS,
        "squared = ((new[:, None] - means[None]) ** 2).mean(axis=2)": "all are divided by D",
        "return squared.argmin(axis=-1)": LAST_AXIS,
        "squared = ((means[None] - new[:, None]) ** 2).sum(axis=2)": "a square has no sign",
    },
    "image_classification.weights_of_a_layer": {
        "return abs(32 * (16 * 3 * 3 + 1))": NEVER_NEGATIVE,
    },
    "network_from_scratch.equally_likely_classes": {
        "return abs(np.exp(4.6))": NEVER_NEGATIVE,
        "return np.expm1(4.6)": "1 of 99 is within the tolerance of 2 %",
    },
    "start_here.numbers_in_a_picture": {
        "return abs(28 * 28)": NEVER_NEGATIVE,
    },
}


@pytest.mark.parametrize("name", [*FUNCTIONS, *VALUES])
def test_a_mutant_is_refused_unless_it_says_the_same(name):
    assert set(survivors(name)[0]) == set(EQUIVALENT.get(name, ()))


def test_of_all_mutants_95_in_100_are_refused():
    found = [survivors(name) for name in (*FUNCTIONS, *VALUES)]
    assert sum(len(alive) for alive, _ in found) <= 0.05 * sum(count for _, count in found)


def test_there_are_exercises_for_every_row():
    assert set(EQUIVALENT) <= {*FUNCTIONS, *VALUES}


def mutants_that_pass(test, asked):
    """Return what was changed in each mutant of a function that a test lets pass, and the count."""
    passed, tried = [], list(mutants(asked.solve))
    for what, source in tried:
        names = dict(vars(MODULES[asked.lesson]))
        exec(source, names)
        try:
            if test(names[asked.name]) is not False:
                passed.append(what)
        except Exception:
            continue
    return passed, len(tried)


def test_the_tests_that_learners_see_as_solutions_catch_nearly_all_mutants():
    """Of those that say the same, no test can catch any."""
    passed, count = 0, 0
    for name in TESTS:
        asked = EXERCISES[name].asked
        slipped, tried = mutants_that_pass(EXERCISES[name].solve, asked)
        same = EQUIVALENT.get(f"{asked.lesson}.{asked.name}", ())
        passed += len([what for what in slipped if what not in same])
        count += tried - len(same)
    assert passed <= 0.05 * count


# Typed-in answers ---------------------------------------------------------------------------------


def table_of(each, otherwise):
    """Return a function that knows the told cases by heart."""
    told = [(case, each.solve(**copied(case))) for case in each.cases]

    def answer(*arguments, **named):
        given = named or dict(zip(each.cases[0], arguments))
        for case, result in told:
            if all(same(given[key], case[key], 0) for key in case):
                return copied(result)
        return otherwise(told)

    return answer


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_table_of_the_told_cases_is_refused(name):
    each = EXERCISES[name]
    for otherwise in (lambda told: told[0][1], lambda told: told[-1][1], lambda told: 0):
        assert each.judge(table_of(each, otherwise)).outcome == "wrong"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_constant_is_refused(name):
    each = EXERCISES[name]
    for case in (*each.cases, *each.drawn):
        result = each.solve(**copied(case))
        assert each.judge(lambda *_, result=result, **__: result).outcome == "wrong"


# Other right ways ---------------------------------------------------------------------------------

WAYS = {
    f"{slug}.{function.__name__}": function
    for slug in MODULES
    for function in vars(importlib.import_module(f"dlcourse.lessons.{slug}.ways")).values()
    if inspect.isfunction(function) and function.__module__ == f"dlcourse.lessons.{slug}.ways"
}
TRAINED_FOR_LONG = {  # see test_outcomes.py
    "start_here.better_model",
    "image_classification.small_data_model",
    "image_gan.my_run",
    "time_series.better_method",
}


def exercise_of(way):
    """Return the name of the exercise that a way answers: with it, its own name begins."""
    return max((name for name in EXERCISES if way.startswith(f"{name}_")), key=len, default=None)


@functools.cache
def notebooks_names():
    """Return what the ways of outcomes take from their notebook."""
    lesson = MODULES["gradients_and_saliency"]
    network, picture = lesson._network_and_picture()
    tripod = lesson.pretrained.classes("efficientnet-lite0").index("tripod")

    def probability_of_tripod(image):
        return lesson.arrays.softmax(lesson.backends.scores(network, image[None]))[0, tripod]

    return {"probability_of_tripod": probability_of_tripod, "cameraman": picture}


@pytest.mark.parametrize("way", [way for way in WAYS if exercise_of(way) not in TRAINED_FOR_LONG])
def test_another_right_way_is_right(way):
    name, function = exercise_of(way), WAYS[way]
    if name in MEASURED and inspect.signature(function).parameters:
        function = functools.partial(function, **notebooks_names())
    said = EXERCISES[name].judge(answer_of(name, function))
    assert said.outcome == "right", said


@pytest.mark.parametrize("name", EXERCISES)
def test_an_exercise_has_three_other_right_ways(name):
    assert sum(exercise_of(way) == name for way in WAYS) >= 3


def imported(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return vars(module)


def test_a_new_lesson_begins_with_exercises_and_ways_that_are_right(tmp_path):
    for template, name in (("lesson.txt", "slopes.py"), ("ways.txt", "slopes_ways.py")):
        text = (notebooks.TEMPLATES / template).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("{title}", "'Slopes'"), encoding="utf-8")
    asked = {
        name: each
        for name, each in imported(tmp_path / "slopes.py").items()
        if isinstance(each, exercise.Exercise)
    }
    ways = imported(tmp_path / "slopes_ways.py")
    for name, each in asked.items():
        assert each.faults() == []
        mine = [way for way in ways if way.startswith(f"{name}_")]
        assert len(mine) == 3
        for way in mine:
            answer = ways[way] if each._is_function else ways[way]()
            assert each.judge(answer).outcome == "right", way


def as_lists(result):
    if isinstance(result, tuple | list):
        return [as_lists(each) for each in result]
    return result.tolist() if isinstance(result, np.ndarray) else result


def of_each_array(change):
    """Return a function that changes each array, or each number, of a result."""

    def changed(result):
        if isinstance(result, tuple | list):
            return [changed(each) for each in result]
        return result if isinstance(result, str) else change(result)

    return changed


KINDS = {
    "lists": as_lists,
    "tuples": lambda result: tuple(result) if isinstance(result, list) else result,
    "arrays without axes": of_each_array(np.asarray),
    "tensors": of_each_array(lambda each: torch.tensor(np.array(each))),
    "numbers of 32 bits": of_each_array(lambda each: np.asarray(each).astype("float32")),
    "objects": of_each_array(lambda each: np.asarray(each).astype(object)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_right_result_of_another_kind_is_right(name, kind):
    solve = EXERCISES[name].solve
    said = EXERCISES[name].judge(lambda *args, **named: KINDS[kind](solve(*args, **named)))
    assert said.outcome == "right", said


NEARLY = {
    "a thousandth more": of_each_array(lambda each: np.asarray(each) + 0.001),
    "in brackets": of_each_array(lambda each: [each]),
    "text": of_each_array(str),
    "of the other sign": of_each_array(lambda each: -np.asarray(each)),
}


@pytest.mark.parametrize("what", NEARLY)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_result_that_is_nearly_right_is_wrong(name, what):
    if name == "start_here.names_of":
        pytest.skip("it gives names")
    solve = EXERCISES[name].solve
    said = EXERCISES[name].judge(lambda *args, **named: NEARLY[what](solve(*args, **named)))
    assert said.outcome == "wrong"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parameters_of_other_names_are_right(name):
    solve = EXERCISES[name].solve
    count = len(inspect.signature(solve).parameters)
    others = ", ".join("abcdef"[:count])
    said = EXERCISES[name].judge(eval(f"lambda {others}: solve({others})", {"solve": solve}))
    assert said.outcome == "right", said


def in_32_bits(value):
    if isinstance(value, list):
        return [in_32_bits(each) for each in value]
    is_float = isinstance(value, np.ndarray | np.floating) and value.dtype == "float64"
    return value.astype("float32") if is_float else value


@pytest.mark.parametrize("name", FUNCTIONS)
def test_computing_in_32_bits_is_right(name):
    if name == "network_from_scratch.numeric_gradient":
        pytest.skip("the difference of two nearly equal losses has few digits in 32 bits")
    solve = EXERCISES[name].solve

    def answer(*args, **named):
        named = {key: in_32_bits(value) for key, value in named.items()}
        return solve(*map(in_32_bits, args), **named)

    said = EXERCISES[name].judge(answer)
    assert said.outcome == "right", said


# Wrong answers that people gave, or could give ----------------------------------------------------


@pytest.mark.parametrize(
    "name, number", [(name, i) for name in WRONG for i in range(len(WRONG[name]))]
)
def test_a_wrong_answer_is_not_right(name, number):
    assert EXERCISES[name].judge(WRONG[name][number]).outcome in ("wrong", "raised")


def test_wrong_answers_are_to_exercises_that_there_are():
    assert set(WRONG) <= {*FUNCTIONS, *VALUES}
