"""Every function of the package that a lesson calls shows a call, which gives what it says."""

import ast
import doctest
import importlib
import inspect
import pkgutil

import dlcourse
from dlcourse import backends, catalogue, data

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

MODULES = {module.name for module in pkgutil.iter_modules(dlcourse.__path__)} - {"lessons"}


def called():
    """Return (module, name) of every function of the package that the lessons' texts call."""
    found = set()
    for lesson in catalogue.lessons():
        tree = ast.parse(lesson.source.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            match node:
                case ast.Attribute(value=ast.Name(id=module), attr=name) if module in MODULES:
                    found.add((module, name))
                case ast.ImportFrom(module=module, names=names) if module and "." in module:
                    package, _, module = module.partition(".")
                    if package == "dlcourse" and module in MODULES:
                        found |= {(module, alias.name) for alias in names}
    return sorted(found)


def functions():
    """Return {"module.name": function} of those that are functions or classes of the package."""
    here = {}
    for module, name in called():
        it = getattr(importlib.import_module(f"dlcourse.{module}"), name, None)
        if inspect.isfunction(it) or inspect.isclass(it):
            here[f"{module}.{name}"] = it
    return here


FUNCTIONS = functions()


@pytest.fixture
def names():
    """What an example may use without saying where it comes from."""
    digits = data.load("digits")
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(64, 10))
    backends.fit(network, digits.train.features, digits.train.labels, epochs=9, show=False)
    with matplotlib.rc_context():
        figure, axes = plt.subplots()
        yield {
            **{"np": np, "torch": torch, "digits": digits, "network": network, "plt": plt},
            **{"figure": figure, "axes": axes},
            **{module: importlib.import_module(f"dlcourse.{module}") for module in MODULES},
        }
        plt.close("all")


def test_the_lessons_call_the_package():
    assert len(FUNCTIONS) > 25 and {"backends.fit", "data.load"} <= FUNCTIONS.keys()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_that_lessons_call_has_an_example(name):
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(FUNCTIONS[name]) or "")
    assert examples, f"dlcourse.{name} needs two lines that show a call"


def others_with_an_example():
    """Return the other functions of `backends` and `data`, which show calls too."""
    return {
        f"{module.__name__.removeprefix('dlcourse.')}.{name}": function
        for module in (backends, data)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and ">>>" in (function.__doc__ or "")
    }


EXAMPLES = FUNCTIONS | others_with_an_example()


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_example_gives_what_it_says(name, names):
    test = doctest.DocTestParser().get_doctest(
        inspect.getdoc(EXAMPLES[name]) or "", names, name, None, 0
    )
    said = []
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    doctest.DocTestRunner(optionflags=flags).run(test, out=said.append)
    assert said == [], "".join(said)
