"""Measure lesson 20: seven networks on pictures shifted in four directions, over five seeds.

    python benchmarks/convolutions.py

Takes about eight minutes of one core. It executes the lesson's own `recipe` cells and writes
what the lesson shows: dlcourse/lessons/convolutions.json.
"""

import json
from collections import Counter

from dlcourse import backends, data, lessons, notebooks, results, runtime

SLUG, SEEDS = "convolutions", range(5)
EXAMPLES, EPOCHS, TESTED = 5_000, 5, 4_000
FILLS = {"black": "constant", "copied": "edge"}  # what comes in at the edge: NumPy's names


def edge_kernels(cells, model):
    return cells["edge_kernels"](backends.weights(model, 0)[:, :, :, 0])


class ByClass:
    """How many of each class are right, and what the others are taken for, over all seeds."""

    def __init__(self, classes, labels):
        self.classes, self.labels = classes, labels
        self.found = {name: {} for name in classes}

    def add(self, what, predicted):
        for place, name in enumerate(self.classes):
            counts = self.found[name].setdefault(what, Counter())
            counts.update(self.classes[found] for found in predicted[self.labels == place])

    def facts(self):
        facts = {}
        for name, found in self.found.items():
            facts[name] = {what: round(n[name] / n.total(), 4) for what, n in found.items()}
            wrong = found["black"] - Counter({name: found["black"][name]})
            facts[name]["mostly taken for"] = max(wrong, key=wrong.get)
        return facts


def main():
    cells, fashion = notebooks.recipe(SLUG), data.load("fashion-mnist")
    train, test = fashion.train[:EXAMPLES], fashion.test[:TESTED]
    networks, by_class, edges = (
        {},
        ByClass(fashion.classes, test.labels),
        {"before": [], "after": []},
    )
    for name, make in (cells["NETWORKS"] | cells["CONTROLS"]).items():
        row = {"usual": [], "black": [], "copied": []}
        for seed in SEEDS:
            runtime.seed(seed)
            model = make()
            if name == "large squares":
                edges["before"].append(edge_kernels(cells, model))
            augment = cells["shifted_at_random"] if name == "dense, shifted" else None
            cells["train"](model, train, EPOCHS, seed, augment)

            def accuracy(images, model=model):
                return round(results.accuracy(backends.scores(model, images), test.labels), 4)

            row["usual"].append(accuracy(test.pixels))
            for fill, mode in FILLS.items():
                found = {
                    direction: accuracy(cells["shifted"](test.pixels, *move, mode))
                    for direction, move in cells["DIRECTIONS"].items()
                }
                row[fill].append(found)
            if name == "large squares":
                edges["after"].append(edge_kernels(cells, model))
                moved = {"usual": test.pixels} | {
                    fill: cells["shifted"](test.pixels, 3, 0, mode) for fill, mode in FILLS.items()
                }
                for what, images in moved.items():
                    by_class.add(what, backends.scores(model, images).argmax(axis=1))
        row["weights"] = sum(parameter.numel() for parameter in model.parameters())
        print(name, json.dumps(row), flush=True)
        networks[name] = row
    measured = {
        "cores": runtime.available_cores(),
        "tested": TESTED,
        "networks": networks,
        "shifted down, by class": by_class.facts(),
        "edge kernels of 16": edges,
    }
    path = lessons.FOLDER / f"{SLUG}.json"
    path.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
