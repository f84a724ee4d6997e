"""Whatever comes: a function gives a result or an error in words. Thousands of calls of bad input.

Each function is called with good arguments of which one, or two, are replaced by something that a
person may hand over by mistake, and by what nobody would.
"""

import contextlib
import datetime
import inspect
import io
import itertools
import math
from fractions import Fraction
from pathlib import Path

from dlcourse import (
    arrays,
    backends,
    catalogue,
    challenges,
    course,
    data,
    draw,
    exercise,
    explore,
    interpret,
    lessons,
    parity,
    plot,
    pretrained,
    quiz,
    results,
    runtime,
)
from dlcourse.errors import CourseError
from dlcourse.exercise import Mistake

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf
import torch

DIGITS = data.load("digits")
FEW = DIGITS.test[:4]
SLUG = "start_here"


class Endless:
    """Half a sequence: every place holds itself."""

    def __len__(self):
        return 3

    def __getitem__(self, place):
        return self


class Deceiving:
    """Says that it is long, and holds nothing."""

    def __len__(self):
        return 10**9


class Unreadable:
    """Fails whatever is done with it."""

    def __array__(self, dtype=None, copy=None):
        raise ValueError("not read")

    def __len__(self):
        raise RuntimeError("not counted")

    def __bool__(self):
        raise RuntimeError("neither")

    def __eq__(self, other):
        raise RuntimeError("not compared")

    __hash__ = None


def holds_itself():
    held = [1]
    held += [held, held]
    return held


def torch_network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))


def torch_maps():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(), torch.nn.Linear(2, 10),
    )  # fmt: skip


def keras_network():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
    )


BAD = {
    "None": lambda: None,
    "Ellipsis": lambda: ...,
    "True": lambda: True,
    "0": lambda: 0,
    "-1": lambda: -1,
    "3": lambda: 3,
    "1.5": lambda: 1.5,
    "nan": lambda: math.nan,
    "inf": lambda: math.inf,
    "a number of 31 digits": lambda: 10**30,
    "1j": lambda: 1j,
    "a fraction": lambda: Fraction(1, 3),
    "no text": lambda: "",
    "text": lambda: "text",
    "odd text": lambda: "a\0ß\ud800" * 50,
    "a number as text": lambda: "0.5",
    "bytes": lambda: b"ab",
    "an empty list": lambda: [],
    "an empty row": lambda: [[]],
    "a list": lambda: [1, 2],
    "rows of unequal length": lambda: [[1, 2], [3]],
    "a list of text": lambda: ["a", "b"],
    "a list of nothing": lambda: [None, None],
    "a list that holds itself": holds_itself,
    "a tuple": lambda: (0, 1),
    "an empty tuple": lambda: (),
    "a set": lambda: {1, 2},
    "an empty dictionary": lambda: {},
    "a dictionary": lambda: {"a": 1},
    "a range": lambda: range(4),
    "a generator": lambda: (i for i in range(4)),
    "an endless generator": itertools.count,
    "half a sequence": Endless,
    "a deceiver": Deceiving,
    "unreadable": Unreadable,
    "an object": object,
    "a class": lambda: dict,
    "a function": lambda: len,
    "a function of nothing": lambda: lambda: None,
    "a module": lambda: math,
    "a path": lambda: Path("nowhere"),
    "a day": lambda: datetime.date(2026, 1, 1),
    "an array of one number": lambda: np.array(1.5),
    "an empty array": lambda: np.array([]),
    "no rows": lambda: np.zeros((0, 8, 8, 1)),
    "a row": lambda: np.arange(4.0),
    "rows": lambda: np.ones((4, 3)),
    "four axes": lambda: np.ones((4, 2, 2, 2)),
    "many axes": lambda: np.ones((1,) * 12),
    "nan in an array": lambda: np.full((4, 8, 8, 1), np.nan),
    "inf in an array": lambda: np.full((4, 8, 8, 1), np.inf),
    "whole numbers": lambda: np.arange(4),
    "negative numbers": lambda: -np.arange(4),
    "large whole numbers": lambda: np.full(4, 2**62),
    "pixels": lambda: FEW.pixels,
    "truth values": lambda: np.array([True, False, True, True]),
    "half precision": lambda: np.ones((4, 8, 8, 1), "float16"),
    "complex numbers": lambda: np.ones((4, 8, 8, 1), "complex64"),
    "an array of text": lambda: np.array(["a", "b", "c", "d"]),
    "an array of objects": lambda: np.array([None, 1, "a", []], dtype=object),
    "an array of days": lambda: np.array(["2026-01-01"] * 4, "datetime64[D]"),
    "a masked array": lambda: np.ma.array([1.0, 2, 3, 4], mask=[0, 1, 0, 0]),
    "a read-only array": lambda: FEW.features,
    "a backward view": lambda: np.ones((4, 8, 8, 1))[::-1, ::-1],
    "a tensor with a gradient": lambda: torch.ones(4, requires_grad=True) * 2,
    "tensors in a list": lambda: [*(torch.ones(4, requires_grad=True) * 2)],
    "a sparse tensor": lambda: torch.eye(4).to_sparse(),
    "a tensor without values": lambda: torch.ones(4, device="meta"),
    "bfloat16": lambda: torch.ones(4, dtype=torch.bfloat16),
    "a tensor of text": lambda: tf.constant(["a", "b"]),
    "a ragged tensor": lambda: tf.ragged.constant([[1], [2, 3]]),
    "a symbolic tensor": lambda: keras.Input((4,)),
    "a split": lambda: FEW,
    "a dataset": lambda: DIGITS,
    "a model": torch_network,
    "a Keras model": keras_network,
    "a layer": lambda: keras.layers.Dense(2),
    "a history": results.History,
    "an optimizer's class": lambda: torch.optim.SGD,
}

SCORES = np.eye(4)[[0, 1, 2, 2]]
TRAIN = {"images": FEW.images, "labels": FEW.labels}
EXPLAIN = {"images": FEW.images, "classes": FEW.labels}


def line(figure, place=0):
    figure.subplots().plot([0, place])
    return f"A line to {place}."


def explorer(draw=line, size=(2, 1), place=None):
    place = explore.slider(0, 1, 0) if place is None else place
    return explore.Explorer(draw, size, place=place)._repr_mimebundle_()


def double(n):
    return 2 * n


def declared(**given):
    good = {"ask": "Double.", "cases": [{"n": 1}], "hints": ("a", "b"), "seconds": 0.5,
            "mistakes": [Mistake("No.", lambda n: n)], "given": None, "tolerance": 0.0}  # fmt: skip
    return exercise.function(**good | given)(double)


ASKED = declared()
HOLDS = exercise.value(ask="Two.", hints=("a", "b"), mistakes=[Mistake("No.", lambda: 3)])
CHALLENGE = challenges.challenge(
    ask="Find it.", met=lambda place: place == 1, because="{place}.", solution={"place": 1}
)
NUMBER = quiz.number(
    "Two?", right=2, because="So it is.", wrong={"That is more.": 3}, draw={"n": [1, 2]}
)
CHOICE = quiz.choice("Which?", right="this", because="So.", wrong={"that": "No.", "none": "No."})


def two():
    return 2


TWO = HOLDS(two)
MODELS = {"PyTorch": torch_network, "Keras": keras_network}
# What both frameworks share is tried in the one that needs no compiling.
OPTIONS = {"epochs": 1, "batch_size": 2, "learning_rate": 0.1, "schedule": None, "augment": None,
           "seed": 0}  # fmt: skip


def good_calls():
    """Return {name: (function, good arguments)}; arguments are made anew for each call."""
    calls = {
        "arrays.to_numpy": (arrays.to_numpy, {"array": [1]}),
        "arrays.as_floats": (arrays.as_floats, {"numbers": [1]}),
        "arrays.expect_real": (arrays.expect_real, {"numbers": [1], "name": "x"}),
        "arrays.expect_finite": (arrays.expect_finite, {"numbers": [1], "name": "x"}),
        "arrays.expect_axes": (lambda x: arrays.expect_axes(x, "N K", "x"), {"x": SCORES}),
        "arrays.expect_examples": (arrays.expect_examples, {"inputs": SCORES, "targets": [1] * 4}),
        "arrays.expect_scale_of": (
            lambda x: arrays.expect_scale_of(x, x, "x", "y"), {"x": SCORES},
        ),
        "arrays.expect_number": (lambda x: arrays.expect_number(x, "x"), {"x": 1}),
        "arrays.expect_seed": (lambda x: arrays.expect_seed(x, "x"), {"x": 1}),
        "arrays.expect_switch": (lambda x: arrays.expect_switch(x, "x"), {"x": True}),
        "arrays.looks_one_hot": (lambda x: arrays.looks_one_hot(arrays.to_numpy(x)), {"x": [[1]]}),
        "backends.of": (backends.of, {"model": None}),
        "backends.trial": (lambda model: backends.trial(model), {"model": None}),
        "arrays.expect_count": (lambda value: arrays.expect_count(value, "x"), {"value": 1}),
        "arrays.expect_labels": (lambda x: arrays.expect_labels(x, 2), {"x": [1, 0]}),
        "arrays.for_each": (lambda classes: arrays.for_each(classes, 4), {"classes": 3}),
        "arrays.close": (arrays.close, {"values": [1], "reference": [1], "tolerance": 0.1}),
        "arrays.softmax": (arrays.softmax, {"scores": SCORES}),
        "data.card": (data.card, {"name": "digits"}),
        "data.load": (data.load, {"name": "digits"}),
        "data.weights": (data.weights, {"name": "efficientnet-lite0"}),
        "data.verify": (data.verify, {"name": "digits"}),
        "data.join_texts": (data.join_texts, {"texts": ["a", "b"]}),
        "data.pack": (data.pack, {"pixels": np.ones((2, 3, 3, 1), "uint8")}),
        "data.unpack": (data.unpack, {"packed": data.pack(np.ones((32, 3, 3, 1), "uint8"))}),
        "data.split_texts": (data.split_texts, {"arrays": data.join_texts(["a", "b"])}),
        "quiz.together": (quiz.together, {"questions": [NUMBER, CHOICE], "headings": ["a", "b"]}),
        "Split.__getitem__": (lambda rows: FEW[rows], {"rows": 0}),
        "draw.sliding_window": (
            draw.sliding_window,
            {"image": np.eye(4), "kernel": np.ones((2, 2)), "position": (0, 1), "stride": 1,
             "padding": 1, "yours": np.eye(5), "title": ""},
        ),
        "draw.convolution": (
            draw.convolution,
            {"image": np.ones((4, 4, 2)), "filters": np.ones((3, 2, 2, 2)), "position": (0, 1),
             "stride": 1, "padding": 1, "index": 2, "title": ""},
        ),
        "draw.recurrence": (
            draw.recurrence, {"states": np.eye(3), "inputs": np.ones((2, 4)), "title": ""}
        ),
        "draw.attention": (
            draw.attention,
            {"weights": np.eye(2), "queries": ["a", "b"], "keys": ["c", "d"], "title": ""},
        ),
        "draw.computation_graph": (
            draw.computation_graph,
            {"steps": {"y": "a + x"}, "values": {"a": 1, "x": 2, "y": 3}, "slopes": {"x": 1},
             "title": ""},
        ),
        "explore.slider": (explore.slider, {"low": 0, "high": 1, "start": 0, "step": 0.5}),
        "explore.choice": (explore.choice, {"options": [1, 2], "start": 1, "label": ""}),
        "explore.Explorer": (explorer, {"draw": line, "size": (2, 1), "place": None}),
        "challenges.challenge": (
            challenges.challenge,
            {"ask": "Find it.", "met": bool, "because": "So.", "solution": {"place": 1}},
        ),
        "challenges.Challenges": (
            challenges.Challenges,
            {"module": "dlcourse.lessons.x", "line": {"one": CHALLENGE}},
        ),
        "lessons.recorded": (lessons.recorded, {"slug": SLUG}),
        "lessons.checkpoint": (lessons.checkpoint, {"slug": "image_classification"}),
        "lessons.band": (lessons.band, {"slug": SLUG}),
        "lessons.headline": (lessons.headline, {"slug": SLUG}),
        "plot.describe": (plot.describe, {"text": "A line.", "figure": None}),
        "plot.description": (plot.description, {"figure": plt.figure()}),
        "plot.images": (
            plot.images,
            {"pixels": FEW.images, "titles": [*"abcd"], "columns": 2, "size": 0.5,
             "colour_map": "gray", "limits": (0, 1), "label": None},
        ),
        "plot.learning_curves": (
            plot.learning_curves,
            {"history": results.History([1.0], [0.5]), "quantity": "loss", "axes": None},
        ),
        "plot.confusion": (plot.confusion, {"counts": np.eye(2), "classes": "ab", "axes": None}),
        "plot.calibration": (
            plot.calibration,
            {"measured": results.calibration(SCORES, [0, 1, 2, 3]), "axes": None},
        ),
        "plot.embedding": (
            plot.embedding,
            {"points": np.ones((2, 2)), "labels": [0, 1], "classes": ["a", "b"]},
        ),
        "plot.forecast_fan": (
            plot.forecast_fan,
            {"history": np.arange(4.0), "forecast": np.arange(3.0), "intervals": None,
             "happened": None, "step_hours": 1.0, "quantity": "value"},
        ),
        "plot.film_strip": (
            plot.film_strip,
            {"pictures": np.ones((2, 1, 8, 8)), "moments": ["a", "b"], "rows": None, "title": ""},
        ),
        "plot.heat_map": (
            plot.heat_map,
            {"values": np.eye(4), "picture": np.eye(8), "title": "", "label": "", "limit": 1.0},
        ),
        "pretrained.load": (pretrained.load, {"name": "x", "framework": "pytorch"}),
        "pretrained.classes": (pretrained.classes, {"name": "efficientnet-lite0"}),
        "quiz.choice": (
            quiz.choice,
            {"ask": "Which?", "right": "a b", "because": "So.", "wrong": {"b c": "", "c d": ""},
             "key": "argument", "draw": {"n": [1, 2]}},
        ),
        "quiz.number": (
            quiz.number,
            {"ask": "How many?", "right": 1, "because": "So.", "wrong": {"No.": 2},
             "draw": {"n": [1, 2]}, "tolerance": 0.0, "unit": ""},
        ),
        "Number.answer": (NUMBER.answer, {"given": 2}),
        "Choice.answer": (CHOICE.answer, {"given": "a"}),
        "Question.take": (CHOICE.take, {"variant": 1}),
        "Quiz.get": (quiz.Quiz("dlcourse.lessons.x", one=NUMBER).get, {"key": "one"}),
        "results.accuracy": (results.accuracy, {"scores": SCORES, "labels": [0, 1, 2, 3]}),
        "results.confusion": (results.confusion, {"scores": SCORES, "labels": [0, 1, 2, 3]}),
        "results.class_scores": (results.class_scores, {"scores": SCORES, "labels": [0, 1, 2, 3]}),
        "results.calibration": (
            results.calibration, {"probabilities": SCORES, "labels": [0, 1, 2, 3], "bins": 5}
        ),
        "results.frechet_distance": (
            results.frechet_distance, {"features": SCORES, "other_features": SCORES}
        ),
        "results.SeedBand.of": (results.SeedBand.of, {"values": [1.0] * 5}),
        "results.Table": (results.Table, {"columns": ("a",), "rows": ((1,),)}),
        "course.glossary": (course.glossary, {"term": "epoch"}),
        "course.quiz_of": (course.quiz_of, {"number": "00"}),
        "course.review": (course.review, {"number": "11", "now": 0.0}),
        "catalogue.find": (catalogue.find, {"numbers": ["00"]}),
        "exercise.function": (
            declared, {"ask": "Double.", "hints": ("a", "b"), "tolerance": 0.0, "given": None}
        ),
        "FunctionExercise.check": (ASKED.check, {"answer": double}),
        "FunctionExercise.carry_on_with": (ASKED.carry_on_with, {"answer": double}),
        "results of a FunctionExercise": (lambda it: ASKED.check(lambda n: it), {"it": 2}),
        "ValueExercise.check": (TWO.check, {"answer": 2}),
        "runtime.seed": (runtime.seed, {"number": 0}),
    }  # fmt: skip
    for name, make in MODELS.items():
        model = make()
        kernel = {"kernel": np.ones((64, 10), "float32")}
        calls |= {
            f"backends.fit in {name}": (
                backends.fit,
                TRAIN | {"model": model, "optimizer": "sgd", "loss": "cross-entropy",
                         "valid": None, "show": False} | (OPTIONS if name == "PyTorch" else {}),
            ),
            f"backends.evaluate in {name}": (backends.evaluate, TRAIN | {"model": model}),
            f"backends.scores in {name}": (
                backends.scores, {"model": model, "images": FEW.images, "batch_size": 2}
            ),
            f"backends.runs in {name}": (
                backends.runs, {"model": model, "images": FEW.images, "depth": 2}
            ),
            f"backends.parameters in {name}": (backends.parameters, {"model": model}),
            f"draw.network in {name}": (
                draw.network, {"model": model, "images": FEW.images, "depth": 2, "title": ""}
            ),
            f"backends.weights in {name}": (backends.weights, {"model": model, "layer": 0}),
            f"backends.activations in {name}": (
                backends.activations, {"model": model, "images": FEW.images, "layer": 0}
            ),
            f"backends.input_gradient in {name}": (
                backends.input_gradient, EXPLAIN | {"model": model, "batch_size": 2}
            ),
            f"backends.activation_gradient in {name}": (
                backends.activation_gradient, EXPLAIN | {"model": model, "layer": 0}
            ),
            f"backends.layers_with_weights in {name}": (
                backends.layers_with_weights, {"model": model}
            ),
            f"backends.set_layer_weights in {name}": (
                backends.set_layer_weights,
                {"model": model, "index": 0, "arrays": kernel, "settings": {}},
            ),
            f"backends.loss_and_gradients in {name}": (
                backends.loss_and_gradients, TRAIN | {"model": model, "loss": "cross-entropy"}
            ),
            f"backends.flattened_maps in {name}": (
                backends.flattened_maps, {"model": model, "images": FEW.images}
            ),
            f"interpret.saliency in {name}": (interpret.saliency, EXPLAIN | {"model": model}),
            f"interpret.gradient_times_input in {name}": (
                interpret.gradient_times_input, EXPLAIN | {"model": model}
            ),
            f"interpret.smooth_grad in {name}": (
                interpret.smooth_grad,
                EXPLAIN | {"model": model, "samples": 2, "noise": 0.1, "seed": 0, "batch_size": 4},
            ),
            f"interpret.integrated_gradients in {name}": (
                interpret.integrated_gradients,
                EXPLAIN | {"model": model, "steps": 2, "baseline": 0.0, "batch_size": 4},
            ),
            f"interpret.occlusion in {name}": (
                interpret.occlusion, EXPLAIN | {"model": model, "patch": 4, "fill": 0.5}
            ),
        }  # fmt: skip
    calls |= {
        "interpret.cam": (interpret.cam, EXPLAIN | {"model": torch_maps(), "layer": "1"}),
        "interpret.grad_cam": (interpret.grad_cam, EXPLAIN | {"model": torch_maps(), "layer": 0}),
        "parity.carry_weights": (
            parity.carry_weights, {"source": torch_network(), "target": keras_network()}
        ),
        "parity.compare": (
            parity.compare,
            TRAIN | {"first": torch_network(), "second": torch_network(), "learning_rate": 0.1,
                     "tolerance": 1e-5, "loss": None},
        ),
    }  # fmt: skip
    return calls


CALLS = good_calls()
plt.close("all")
# Of these, a large number is merely much work.
MUCH = {"epochs", "samples", "steps", "size", "columns", "bins", "step_hours", "seconds"}


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path))


def judged(function, arguments):
    """Call a function; return the error that is neither in words nor about missing arguments."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            function(**arguments)
    except CourseError as error:
        return None if len(str(error)) > 20 else f"{type(error).__name__} says only {error}"
    except Exception as error:
        trace = error.__traceback__
        while trace.tb_next:
            trace = trace.tb_next
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        return f"{type(error).__name__} at {place}: {str(error)[:100]}"
    finally:
        plt.close("all")
    return None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CALLS)
def test_bad_input_gets_a_result_or_words(name, record_property):
    function, good = CALLS[name]
    raw, count = [], 0
    for changed, (kind, bad) in itertools.product(good, BAD.items()):
        if changed in MUCH and kind == "a number of 31 digits":
            continue
        count += 1
        if fault := judged(function, good | {changed: bad()}):
            raw.append(f"{changed} = {kind}: {fault}")
    record_property("calls of bad input", count)
    assert judged(function, good) is None
    assert raw == [], f"{len(raw)} of {count}:\n" + "\n".join(raw)


def test_there_are_thousands_of_calls_and_every_function_is_among_them():
    assert len(BAD) * sum(len(good) for _, good in CALLS.values()) >= 15_000
    called = {name.split(" in ")[0] for name in CALLS}
    for module in (arrays, backends, draw, interpret, parity, plot, results):
        name = module.__name__.removeprefix("dlcourse.")
        for each, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not each.startswith("_"):
                assert each == "use_course_style" or f"{name}.{each}" in called
