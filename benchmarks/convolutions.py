"""Measure lesson 20: four networks on pictures shifted in four directions, over five seeds.

    python benchmarks/convolutions.py

Takes about four minutes of one core. It executes the lesson's own `recipe` cells and writes
what the lesson shows: dlcourse/lessons/convolutions.json.
"""

import json

from dlcourse import backends, data, lessons, notebooks, results, runtime

SLUG, SEEDS = "convolutions", range(5)
EXAMPLES, EPOCHS, TESTED = 5_000, 5, 4_000
FILLS = {"black": "constant", "copied": "edge"}  # what comes in at the edge: NumPy's names


def main():
    cells, fashion = notebooks.recipe(SLUG), data.load("fashion-mnist")
    train, test = fashion.train[:EXAMPLES], fashion.test[:TESTED]
    rows = []
    for name, make in cells["NETWORKS"].items():
        row = {"network": name, "usual": [], "black": [], "copied": []}
        for seed in SEEDS:
            runtime.seed(seed)
            model = make()
            cells["train"](model, train, EPOCHS, seed)

            def accuracy(images, model=model):
                return round(results.accuracy(backends.scores(model, images), test.labels), 4)

            row["usual"].append(accuracy(test.pixels))
            for fill, mode in FILLS.items():
                found = {
                    direction: accuracy(cells["shifted"](test.pixels, *move, mode))
                    for direction, move in cells["DIRECTIONS"].items()
                }
                row[fill].append(found)
        row["weights"] = sum(parameter.numel() for parameter in model.parameters())
        print(json.dumps(row), flush=True)
        rows.append(row)
    measured = {"cores": runtime.available_cores(), "tested": TESTED, "rows": rows}
    path = lessons.FOLDER / f"{SLUG}.json"
    path.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
