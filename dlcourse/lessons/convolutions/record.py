"""Record lesson 20: its networks on pictures shifted in four directions, over five seeds.

    dlcourse measure 20 networks    # about ten minutes of one core

It executes the lesson's own `recipe` cells.
"""

import json

from dlcourse import backends, data, notebooks, results, runtime

import numpy as np

SLUG, SEEDS = "convolutions", range(5)
EXAMPLES, EPOCHS, TESTED = 5_000, 5, 4_000
FILLS = {"black": "constant", "copied": "edge"}  # what comes in at the edge: NumPy's names
LOOKED_AT = ("dense", "small squares", "large squares")  # class by class


def accuracy_by_class(scores, labels, classes):
    right = scores.argmax(axis=1) == labels
    return {name: right[labels == place].mean() for place, name in enumerate(classes)}


def networks(recorded):
    """Train each network with every seed; look at all of them on shifted pictures."""
    cells, fashion = notebooks.recipe(SLUG), data.load("fashion-mnist")
    train, test = fashion.train[:EXAMPLES], fashion.test[:TESTED]
    shifted, ways = cells["shifted"], cells["DIRECTIONS"]
    views = {
        "usual": test.pixels,
        "up": shifted(test.pixels, *ways["up"]),
        "down": shifted(test.pixels, *ways["down"]),
        "down, copies": shifted(test.pixels, *ways["down"], FILLS["copied"]),
    }
    found, by_class, kernels = {}, {}, {"before": [], "after": []}
    for name, make in (cells["NETWORKS"] | cells["CONTROLS"]).items():
        row = {"usual": [], "black": [], "copied": []}
        classes = {view: [] for view in views}
        for seed in SEEDS:
            runtime.seed(seed)
            model = make()
            if name == "large squares":
                first = backends.weights(model, 0)[:, :, :, 0].copy()
                kernels["before"].append(cells["kinds_of"](first))
            augment = cells["shifted_at_random"] if ", shifted" in name else None
            epochs = 20 if "20 epochs" in name else EPOCHS
            cells["train"](model, train, epochs, seed, augment)

            def accuracy(images, model=model):
                return round(results.accuracy(backends.scores(model, images), test.labels), 4)

            row["usual"].append(accuracy(test.pixels))
            for fill, mode in FILLS.items():
                row[fill].append(
                    {way: accuracy(shifted(test.pixels, *ways[way], mode)) for way in ways}
                )
            for view, images in views.items() if name in LOOKED_AT else ():
                scores = backends.scores(model, images)
                classes[view].append(accuracy_by_class(scores, test.labels, fashion.classes))
            if name == "large squares":
                last = backends.weights(model, 0)[:, :, :, 0]
                kernels["after"].append(cells["kinds_of"](last))
        if name in LOOKED_AT:
            by_class[name] = {
                view: {
                    each: round(float(np.mean([seed[each] for seed in of_seeds])), 4)
                    for each in fashion.classes
                }
                for view, of_seeds in classes.items()
            }
        row["weights"] = sum(parameter.numel() for parameter in model.parameters())
        print(name, json.dumps(row), flush=True)
        found[name] = row
    return {"tested": TESTED, "networks": found, "by class": by_class, "kernels": kernels}


PARTS = {"networks": networks}
