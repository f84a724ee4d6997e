"""Measure lesson 21: its runs against the well-known starter lesson, and what each choice brings.

    python benchmarks/image_classification.py

Takes about a quarter of an hour on two cores; let nothing else run. It executes the lesson's own
`recipe` cells, prints the ratios, and writes what the lesson shows:
dlcourse/lessons/image_classification.json and .npz.
"""

import hashlib
import json
import time
from dataclasses import asdict

from dlcourse import data, lessons, notebooks, results, runtime

import jupytext
import keras
import numpy as np
import torch

SEEDS = range(5)
FAST_EPOCHS, SLOW_EPOCHS, SLOW_WIDTH = 2, 8, 16
SLUG = "image_classification"


def recipe():
    """Return the names that the lesson's `recipe` cells and its imports define."""
    (lesson,) = [lesson for lesson in notebooks.lessons() if lesson.slug == SLUG]
    cells = [cell for cell in jupytext.read(lesson.source).cells if cell.cell_type == "code"]
    chosen = cells[:1] + [cell for cell in cells if "recipe" in cell.metadata.get("tags", [])]
    namespace = {}
    for cell in chosen:
        exec(cell.source, namespace)
    return namespace


class Starter:
    """The starter lesson: Flatten, Dense 128, Adam, batches of 32, all 60 000 training pictures."""

    def __init__(self, fashion):
        splits = fashion.train, fashion.valid
        self.images = np.concatenate([split.images[..., 0] for split in splits])
        self.labels = np.concatenate([split.labels for split in splits])
        keras.utils.set_random_seed(0)
        layers = keras.layers
        self.model = keras.Sequential(
            [layers.Input((28, 28)), layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(10)]
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile("adam", loss=loss, metrics=["accuracy"])
        self.seconds = []

    def train(self, epochs):
        for _ in range(epochs):
            started = time.perf_counter()
            self.model.fit(self.images, self.labels, verbose=0)
            self.seconds.append(time.perf_counter() - started)

    def accuracy(self, split):
        return results.accuracy(self.model.predict(split.images[..., 0], verbose=0), split.labels)


def main():
    cells, fashion = recipe(), data.load("fashion-mnist")
    train, valid, test = fashion.train, fashion.valid, fashion.test

    one_view = cells["backends"].of(cells["residual_network"]()).scores

    def run(seed, epochs, width=None, **changes):
        runtime.seed(seed)
        model = cells["residual_network"](*([width] if width else []))
        history = cells["train_fast"](
            model, train.pixels, train.labels, epochs, seed=seed, show=False, **changes
        )
        return model, history

    def accuracy(model, scores=cells["scores_both_ways"]):
        return round(results.accuracy(scores(model, test.pixels), test.labels), 4)

    def changed(scores=cells["scores_both_ways"], **changes):
        return [accuracy(run(seed, FAST_EPOCHS, **changes)[0], scores) for seed in SEEDS]

    # Turn about, so that a slow minute of the machine falls on both.
    starter, fast = Starter(fashion), []
    starter.train(1)  # the first epoch also builds the graph
    starter.seconds.clear()
    for seed in SEEDS:
        fast.append(run(seed, FAST_EPOCHS))
        starter.train(2 if seed else 1)
    starter_accuracy = starter.accuracy(test)
    slow = []
    for seed in SEEDS:
        checked = (valid.pixels, valid.labels)
        slow.append(run(seed, SLOW_EPOCHS, SLOW_WIDTH, valid=checked))
        starter.train(1)
    epoch_seconds = float(np.median(starter.seconds))

    def summary(runs):
        seconds = np.median([sum(history.seconds) for _, history in runs])
        return {
            "epochs": runs[0][1].epochs,
            "accuracy": [accuracy(model) for model, _ in runs],
            "starter_epochs": round(float(seconds) / epoch_seconds, 2),
        }

    fast_summary = summary(fast)
    model, history = slow[0]
    path = lessons.FOLDER / f"{SLUG}.npz"
    np.savez_compressed(path, **{name: array.cpu() for name, array in model.state_dict().items()})
    history.step_loss = []  # the lesson does not show it
    history.seconds = [round(seconds, 2) for seconds in history.seconds]
    measured = {
        "cores": runtime.available_cores(),
        "starter": {"accuracy": [round(starter_accuracy, 4)], "starter_epochs": 10.0},
        "fast": fast_summary,
        "slow": summary(slow) | {"width": SLOW_WIDTH, "history": asdict(history)},
        "ablation": {
            "the whole recipe": fast_summary["accuracy"],
            "one view at test time": [accuracy(model, one_view) for model, _ in fast],
            "no mirroring at all": changed(one_view, augment=None),
            "constant learning rate, 0.04": changed(schedule=lambda progress: 0.2),
        },
        "checkpoint_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    text = json.dumps(measured, indent=1) + "\n"
    (lessons.FOLDER / f"{SLUG}.json").write_text(text, encoding="utf-8")
    for name in ("starter", "fast", "slow"):
        told = measured[name]
        band = f"{min(told['accuracy']):.4f} to {max(told['accuracy']):.4f}"
        print(f"{name}: accuracy {band} in the time of {told['starter_epochs']} starter epochs")
    for name, values in measured["ablation"].items():
        print(f"{name}: {min(values):.4f} to {max(values):.4f}, mean {np.mean(values):.4f}")
    print(f"one starter epoch: {epoch_seconds:.1f} s; {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
