"""Measure lesson 21: its runs against the well-known starter lesson, and what each choice brings.

    python benchmarks/image_classification.py

Takes about ten minutes on two cores; let nothing else run. It executes the lesson's own
`recipe` cells, prints the ratios, and writes what the lesson shows:
dlcourse/lessons/image_classification.json and .npz.
"""

import os
import subprocess
import sys
import time
from dataclasses import asdict

from dlcourse import data, lessons, notebooks, results, runtime

import keras
import numpy as np
import torch

SEEDS = range(5)
FAST_EPOCHS, SLOW_EPOCHS, SLOW_FILTERS = 2, 6, (16, 32, 64)
SLUG = "image_classification"


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


def epoch_seconds(kept_mebibytes):
    """Return the time of one fast epoch in a fresh Python whose allocator keeps so much memory."""
    surroundings = os.environ | {"DLCOURSE_KEPT_MEBIBYTES": str(kept_mebibytes)}
    command = [sys.executable, __file__, "--one-epoch"]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=True)
    return float(done.stdout)


def one_epoch():
    cells, train = notebooks.recipe(SLUG), data.load("fashion-mnist").train
    model = cells["residual_network"]()
    history = cells["train_fast"](model, train.pixels, train.labels, 1, show=False)
    print(sum(history.seconds))


def main():
    cells, fashion = notebooks.recipe(SLUG), data.load("fashion-mnist")
    train, valid, test = fashion.train, fashion.valid, fashion.test
    both_ways, backend_of = cells["scores_both_ways"], cells["backends"].of

    def run(seed, epochs, filters=None, **changes):
        runtime.seed(seed)
        model = cells["residual_network"](*([filters] if filters else []))
        history = cells["train_fast"](
            model, train.pixels, train.labels, epochs, seed=seed, show=False, **changes
        )
        return model, history

    def accuracy(model, mirrored=False):
        scores = (both_ways if mirrored else backend_of(model).scores)(model, test.pixels)
        return round(results.accuracy(scores, test.labels), 4)

    # Turn about, so that a slow minute of the machine falls on both.
    starter, fast, slow = Starter(fashion), [], []
    starter.train(1)  # the first epoch also builds the graph
    starter.seconds.clear()
    for seed in SEEDS:
        fast.append(run(seed, FAST_EPOCHS))
        starter.train(2 if seed else 1)
    starter_accuracy = starter.accuracy(test)
    mirrored = {"augment": cells["mirror_half"]}
    for seed in SEEDS:
        checked = {"valid": (valid.pixels, valid.labels)} | mirrored
        slow.append(run(seed, SLOW_EPOCHS, SLOW_FILTERS, **checked))
        starter.train(1)
    starter_seconds = float(np.median(starter.seconds))
    kept, given_back = np.median([[epoch_seconds(64), epoch_seconds(0)] for _ in range(3)], axis=0)

    def summary(runs, mirrored):
        seconds = np.median([sum(history.seconds) for _, history in runs])
        return {
            "epochs": runs[0][1].epochs,
            "accuracy": [accuracy(model, mirrored) for model, _ in runs],
            "starter_epochs": round(float(seconds) / starter_seconds, 2),
        }

    def short(mirrored=False, **changes):
        return [accuracy(run(seed, FAST_EPOCHS, **changes)[0], mirrored) for seed in SEEDS]

    def long_without_mirroring():
        return [accuracy(run(seed, SLOW_EPOCHS, SLOW_FILTERS)[0]) for seed in SEEDS]

    fast_summary, slow_summary = summary(fast, mirrored=False), summary(slow, mirrored=True)
    model, history = slow[0]
    history.step_loss = []  # the lesson does not show it
    history.seconds = [round(seconds, 2) for seconds in history.seconds]
    measured = {
        "cores": runtime.available_cores(),
        "starter": {"accuracy": [round(starter_accuracy, 4)], "starter_epochs": 10.0},
        "fast": fast_summary,
        "slow": slow_summary | {"filters": SLOW_FILTERS, "history": asdict(history)},
        "kept_memory": {"slower": round(given_back / kept, 2)},
        "ablation": {
            f"{FAST_EPOCHS} epochs": fast_summary["accuracy"],
            f"{FAST_EPOCHS} epochs, constant learning rate": short(schedule=lambda progress: 0.3),
            f"{FAST_EPOCHS} epochs, mirrored": short(mirrored=True, **mirrored),
            f"{SLOW_EPOCHS} epochs": long_without_mirroring(),
            f"{SLOW_EPOCHS} epochs, mirrored": slow_summary["accuracy"],
        },
    }
    weights = {name: array.cpu() for name, array in model.state_dict().items()}
    lessons.keep_recorded(SLUG, measured, weights)
    for name in ("starter", "fast", "slow"):
        told = measured[name]
        band = f"{min(told['accuracy']):.4f} to {max(told['accuracy']):.4f}"
        print(f"{name}: accuracy {band} in the time of {told['starter_epochs']} starter epochs")
    for name, values in measured["ablation"].items():
        print(f"{name}: {min(values):.4f} to {max(values):.4f}, mean {np.mean(values):.4f}")
    print(f"given back memory: {given_back / kept:.2f} times the time")
    print(f"one starter epoch: {starter_seconds:.1f} s; {torch.get_num_threads()} threads")


if __name__ == "__main__":
    one_epoch() if "--one-epoch" in sys.argv else main()
