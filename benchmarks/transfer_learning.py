"""Measure lesson 50: which advice about fine-tuning matters on 128 stamps.

    python benchmarks/transfer_learning.py

Takes about a quarter of an hour on one core. It executes the lesson's own `recipe` cells and writes
what the lesson shows, dlcourse/lessons/transfer_learning.json: for each setting and each of five
seeds the accuracy in five-fold cross-validation over the training stamps, and on the test stamps;
and what the features of the same network are worth with random weights.
"""

import json

from dlcourse import lessons, notebooks, runtime
from dlcourse.networks import pytorch as networks

import numpy as np
import torch

SLUG = "transfer_learning"
SEEDS = 5
SETTINGS = {
    "fine-tuned, steps of 0.00003": {},
    "steps of 0.0003": {"learning_rate": 3e-4},
    "steps of 0.003": {"learning_rate": 3e-3},
    "steps of 0.03": {"learning_rate": 3e-2},
    "0.00003, random last layer": {"start": None},
    "0.00003, random last layer, 20 epochs": {"start": None, "epochs": 20},
    "0.00003, batch norm in training mode": {"frozen_norm": False},
    "the same, old averages put back": {"frozen_norm": False, "averages_back": True},
    "the same with steps of 0: only the averages move": {
        "frozen_norm": False,
        "learning_rate": 0.0,
    },
}


def share(correct):
    return round(float(np.mean(correct)), 4)


def probe_on(cells, chosen):
    """Return the lesson's linear probe, fitted on the chosen training stamps only."""
    probe = cells["LogisticRegression"](C=1.0, max_iter=2000)
    return probe.fit(cells["cache"]["train"][chosen], cells["train"].labels[chosen])


def right(cells, options, seed, chosen, judged):
    """Fine-tune on the chosen training stamps; return which of the judged maps are right."""
    options = {"epochs": 4, "start": probe_on(cells, chosen)} | options
    averages_back = options.pop("averages_back", False)
    runtime.seed(seed)
    maps, labels = cells["maps"]["train"][chosen], cells["labels"][chosen]
    model = cells["fine_tune"](maps, labels, **options)
    if averages_back:
        before = dict(cells["top"].named_buffers())
        for name, buffer in model.named_buffers():
            buffer.copy_(before[name])
    maps, labels = judged
    return cells["predicted"](model, maps) == labels


def measured(cells, options):
    """Return the setting's accuracies over seeds, in cross-validation and on the test stamps."""
    labels, everything = cells["train"].labels, np.arange(len(cells["train"]))
    folds = list(cells["folds"].split(everything, labels))
    found = {"folds": [], "test": []}
    for seed in range(SEEDS):
        correct = np.zeros(len(labels), bool)
        for chosen, held in folds:
            judged = cells["maps"]["train"][held], labels[held]
            correct[held] = right(cells, options, seed, chosen, judged)
        judged = cells["maps"]["test"], cells["test"].labels
        found["folds"].append(share(correct))
        found["test"].append(share(right(cells, options, seed, everything, judged)))
    return found


def measured_probe(cells):
    """Return the same for the linear probe, which knows no seed."""
    labels, everything = cells["train"].labels, np.arange(len(cells["train"]))
    correct = np.zeros(len(labels), bool)
    for chosen, held in cells["folds"].split(everything, labels):
        probe = probe_on(cells, chosen)
        correct[held] = probe.predict(cells["cache"]["train"][held]) == labels[held]
    test = probe_on(cells, everything).predict(cells["cache"]["test"]) == cells["test"].labels
    return {"folds": [share(correct)], "test": [share(test)]}


def untrained(cells, seed):
    """Return the nearest mean's test accuracy on features of the network with random weights."""
    runtime.seed(seed)
    model = networks.efficientnet_lite0()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the plain mean of all batches
    model.train()
    with torch.no_grad():
        for start in range(0, len(cells["train"]), 32):
            model(cells["enlarged"](cells["train"][start : start + 32].images))
    model.eval()
    features = {
        part: cells["passed_through"](model[:-1], cells[part]).numpy() for part in ("train", "test")
    }
    guessed = cells["nearest_mean"](features["train"], cells["train"].labels, features["test"])
    return share(guessed == cells["test"].labels)


def main():
    torch.set_num_threads(1)
    cells = notebooks.recipe(SLUG)
    settings = [{"name": "linear probe, network frozen", **measured_probe(cells)}]
    for name, options in SETTINGS.items():
        settings.append({"name": name, **measured(cells, options)})
        print(json.dumps(settings[-1]), flush=True)
    random = [untrained(cells, seed) for seed in range(SEEDS)]
    facts = {"cores": 1, "seeds": SEEDS, "settings": settings, "random weights": random}
    path = lessons.FOLDER / f"{SLUG}.json"
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
