"""Record lesson 13: optimisers, schedules, starts and clipping, each with a rate of its own.

    dlcourse measure 13 optimisers   # minutes of one core, as each of the others
    dlcourse measure 13 neighbours
    dlcourse measure 13 again
    dlcourse measure 13 schedules
    dlcourse measure 13 clipping
    dlcourse measure 13 starts       # the longest

Whatever is compared gets the same small search: the same rates, each with the same three seeds, and
the best mean accuracy on the validation pictures wins. Then other seeds are trained at that rate,
which had no say in the search, and their test accuracies are what the lesson reports. (For
`schedules` the rates are seven around the one that is best with a line.)

The band of the headline has 20 seeds: `dlcourse.measure.band(lesson, seeds=20)`.
"""

from functools import partial

from dlcourse import notebooks

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

SLUG = "optimisation"
SEEDS_OF_CHOICE, SEEDS, SEEDS_AGAIN = range(100, 103), range(200, 220), range(300, 305)
RATES = (
    *(0.0003, 0.0006, 0.001, 0.002, 0.003, 0.006, 0.01),
    *(0.02, 0.03, 0.06, 0.1, 0.2, 0.3, 0.6, 1.0),
)  # each about twice the one before
DEEP_RATES = (1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0)
DEEP_EPOCHS, DEEP_SEEDS = 3, SEEDS[:10]
PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)

CELLS = notebooks.recipe(SLUG)
VALID = CELLS["x_valid"], CELLS["y_valid"]
TEST = CELLS["x_test"], CELLS["y_test"]
NORMS = {
    "no normalisation": None,
    "batch norm": torch.nn.BatchNorm1d,
    "layer norm": torch.nn.LayerNorm,
}
SPREADS = {"half of He's": 0.5, "Glorot's": np.sqrt(0.5), "He's": 1.0, "twice He's": 2.0}


def trained(optimiser, rate, seed, make=None, **options):
    """Return one trained network."""
    model = (make or CELLS["network"])(seed)
    optimizer = CELLS["OPTIMISERS"][optimiser](model.parameters(), lr=rate)
    CELLS["train_network"](model, optimizer, seed=seed, **options)
    return model


def accuracies(models, pictures):
    return [round(CELLS["accuracy"](model, *pictures), 4) for model in models]


def at_each_rate(optimiser, rates, seeds, **options):
    """Return {rate as text: mean accuracy on the validation pictures}."""
    return {
        str(rate): round(
            np.mean(
                [CELLS["accuracy"](trained(optimiser, rate, seed, **options), *VALID)
                 for seed in seeds]
            ).item(),
            4,
        )
        for rate in rates
    }  # fmt: skip


def searched(optimiser, rates=RATES, seeds=SEEDS, **options):
    """Return what was tried, {rate: mean accuracy}, the best rate, and new runs with it."""
    tried = at_each_rate(optimiser, rates, SEEDS_OF_CHOICE, **options)
    best = max(rates, key=lambda rate: tried[str(rate)])
    models = [trained(optimiser, best, seed, **options) for seed in seeds]
    found = {"tried": tried, "rate": best, "test": accuracies(models, TEST)}
    print(optimiser, best, np.round(np.mean(found["test"]), 4), flush=True)
    return found


def optimisers(recorded):
    """Six optimisers, at a constant rate and at one that falls to 0 along a line."""
    found = {
        name: {each: searched(each, factor=CELLS[name]) for each in CELLS["OPTIMISERS"]}
        for name in ("constant", "line")
    }
    return {"optimisers": found, "logistic": logistic()}


def logistic():
    """scikit-learn's; its penalty is chosen on the validation pictures, too."""
    train, valid, test = (
        tuple(array.numpy() for array in pictures)
        for pictures in ((CELLS["x_train"], CELLS["y_train"]), VALID, TEST)
    )
    fitted = {c: LogisticRegression(C=c, max_iter=300).fit(*train) for c in PENALTIES}
    tried = {c: model.score(*valid) for c, model in fitted.items()}
    best = max(tried, key=tried.get)
    return {
        "tried": {str(c): round(score, 4) for c, score in tried.items()},
        "best": best,
        "test": round(fitted[best].score(*test), 4),
    }


def again(recorded):
    """All rates once more with seeds that had no say in the choice of the best one."""
    wanted = {"constant": ("SGD", "momentum", "Adam"), "line": CELLS["OPTIMISERS"]}
    return {
        "again": {
            name: {
                each: at_each_rate(each, RATES, SEEDS_AGAIN, factor=CELLS[name])
                for each in optimisers
            }
            for name, optimisers in wanted.items()
        }
    }


def neighbours(recorded):
    """The rates beside the one that was found, for the two optimisers with the lowest means."""
    return {
        "neighbours": {
            name: {
                each: {
                    str(rate): accuracies(
                        [trained(each, rate, seed, factor=CELLS[name]) for seed in SEEDS], TEST
                    )
                    for rate in beside(recorded["optimisers"][name][each]["rate"])
                }
                for each in ("SGD", "RMSProp")
            }
            for name in ("constant", "line")
        }
    }


def beside(rate):
    """Return the next smaller and the next larger rate of the list."""
    place = RATES.index(rate)
    return RATES[place - 1], RATES[place + 1]


def near(rate):
    """Return a rate of the list with four smaller and two larger ones."""
    place = RATES.index(rate)
    return RATES[place - 4 : place + 3]


def schedules(recorded):
    """Other schedules for two of them; and warm-up where the rate is too large."""
    names = "to_a_tenth", "cosine", "warm_up", "one_cycle"
    found = {
        name: {
            each: searched(
                each,
                near(recorded["optimisers"]["line"][each]["rate"]),
                factor=CELLS[name],
            )
            for each in ("Nesterov", "Adam")
        }
        for name in names
    }
    too_large = []
    for each in ("Nesterov", "Adam"):
        for times in (3, 10):
            rate = round(times * recorded["optimisers"]["line"][each]["rate"], 4)
            for name in ("line", "warm_up"):
                models = [trained(each, rate, seed, factor=CELLS[name]) for seed in SEEDS[:10]]
                run = {"optimiser": each, "times": times, "rate": rate, "schedule": name}
                too_large.append(run | {"valid": accuracies(models, VALID)})
    return {"schedules": found, "too_large": too_large}


def starts(recorded):
    """A deep network from four sizes of random weights, with and without normalisation."""
    rows = []
    for name, norm in NORMS.items():
        for start, spread in SPREADS.items():
            make = partial(CELLS["network"], hidden=(64,) * 10, spread=spread, norm=norm)
            options = {"make": make, "factor": CELLS["line"], "epochs": DEEP_EPOCHS}
            found = searched("momentum", DEEP_RATES, DEEP_SEEDS, **options)
            rows.append({"norm": name, "start": start, **found})
    return {"starts": rows}


def clipping(recorded):
    """Ten damaged pictures among 5 000: with clipping and without; and clipping on clean ones."""
    rows = []
    for pictures in ("clean", "damaged"):
        for optimiser in ("SGD", "Adam"):
            for largest in (None, 1.0):
                if pictures == "clean" and largest is None:
                    found = recorded["optimisers"]["line"][optimiser]
                else:
                    x = CELLS["damaged" if pictures == "damaged" else "x_train"]
                    found = searched(optimiser, x=x, largest=largest, factor=CELLS["line"])
                rows.append(
                    {"pictures": pictures, "optimiser": optimiser, "largest": largest, **found}
                )
    return {"clipping": rows}


PARTS = {
    "optimisers": optimisers,
    "neighbours": neighbours,
    "again": again,
    "schedules": schedules,
    "clipping": clipping,
    "starts": starts,
}
