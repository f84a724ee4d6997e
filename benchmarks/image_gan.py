"""Measure lesson 41: its network trained ten times as long, without and with the kind asked for.

    python benchmarks/image_gan.py

Takes about ten minutes on two cores. It executes the lesson's own `recipe` cells and writes what
the lesson shows: dlcourse/lessons/image_gan.json and .npz (both generators, in half precision, and
what they made of the same noise on the way).
"""

import sys
import time

from dlcourse import data, lessons, notebooks, results, runtime

import numpy as np
import torch

SLUG = "image_gan"
ROUNDS = 6_000
MOMENTS = (25, 100, 300, 600, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000)
PICTURES, ROWS = 2_000, 10


def falling(progress):
    """Full learning rate for half of the training, then down to zero."""
    return min(1.0, 2 * (1 - progress))


def measured_run(cells, pixels, real, kinds):
    """Train both players; return the generator, the film (moments, rows, 28, 28) and measures."""
    runtime.seed(0)
    conditional = kinds is not None
    generator = cells["generator_network"](cells["NOISE"] + 10 * conditional)
    players = generator, cells["discriminator_network"](1 + 10 * conditional)
    noise = torch.randn(PICTURES, cells["NOISE"], generator=torch.Generator().manual_seed(1))
    asked = np.arange(PICTURES) % 10 if conditional else None
    film, found, started = [], [], time.perf_counter()

    def measure(finished):
        if finished not in MOMENTS:
            return
        pictures = cells["drawn"](generator, noise, asked)
        features, named = cells["looked_at"](pictures)
        shares = np.bincount(named, minlength=10) / PICTURES
        row = {
            "round": finished,
            "distance": round(results.frechet_distance(features, real), 3),
            "shares": shares.round(4).tolist(),
        }
        if conditional:
            row["as_asked"] = round(float((named == asked).mean()), 4)
        found.append(row)
        film.append(np.round(pictures[:ROWS, :, :, 0] * 255).astype("uint8"))
        print(row, f"{time.perf_counter() - started:.0f} s", flush=True)

    losses = cells["train_gan"](players, pixels, ROUNDS, kinds, schedule=falling, watch=measure)
    means = losses.reshape(60, -1, 2).mean(axis=1)  # of a hundred steps each
    return generator, np.array(film), {"moments": found, "losses": means.round(3).tolist()}


def main():
    cells, fashion = notebooks.recipe(SLUG), data.load("fashion-mnist")
    pixels = fashion.train.pixels[..., 0]
    real, _ = cells["looked_at"](fashion.test.images)
    arrays = {}
    measured = {"cores": runtime.available_cores(), "rounds": ROUNDS}
    for name, kinds in (("any", None), ("asked", fashion.train.labels)):
        generator, film, measured[name] = measured_run(cells, pixels, real, kinds)
        arrays[f"{name}.film"] = film
        for key, tensor in generator.state_dict().items():
            kept = tensor.half() if tensor.is_floating_point() else tensor
            arrays[f"{name}.{key}"] = kept.numpy()
    path = lessons.keep_recorded(SLUG, measured, arrays)
    print(f"{path.stat().st_size / 1e6:.2f} MB; {torch.get_num_threads()} threads")


if __name__ == "__main__":
    sys.exit(main())
