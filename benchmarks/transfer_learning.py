"""Measure lesson 50: which advice about fine-tuning matters on 128 stamps.

    python benchmarks/transfer_learning.py

Takes about a quarter of an hour on one core. It executes the lesson's own `recipe` cells and writes
what the lesson shows, dlcourse/lessons/transfer_learning.json: for each setting and each of five
seeds the accuracy in five-fold cross-validation over the training stamps, and on the test stamps.
"""

import json

from dlcourse import lessons, notebooks, runtime

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
    "0.00003, norm of each batch": {"frozen_norm": False},
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
    runtime.seed(seed)
    maps, labels = cells["maps"]["train"][chosen], cells["labels"][chosen]
    model = cells["fine_tune"](maps, labels, **options)
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


def main():
    torch.set_num_threads(1)
    cells = notebooks.recipe(SLUG)
    settings = [{"name": "linear probe, network frozen", **measured_probe(cells)}]
    for name, options in SETTINGS.items():
        settings.append({"name": name, **measured(cells, options)})
        print(json.dumps(settings[-1]), flush=True)
    facts = {"cores": 1, "seeds": SEEDS, "settings": settings}
    path = lessons.FOLDER / f"{SLUG}.json"
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
