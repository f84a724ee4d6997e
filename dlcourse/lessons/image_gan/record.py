"""Record lesson 41: longer runs, a frozen judge, and the generator's two losses.

    dlcourse measure 41 long_runs  # both generators, ten times as long as in the lesson
    dlcourse measure 41 alone      # the frozen judge, five seeds
    dlcourse measure 41 losses     # minimax and more beside the loss in use, five seeds
    dlcourse measure 41 only_time  # the lesson's own run, ten times as long

All of it takes about half an hour on two cores. It executes the lesson's own `recipe` cells. Of the
long runs both generators are kept, in half precision, and what they made of the same noise on the
way.
"""

import time

from dlcourse import data, notebooks, results, runtime

import numpy as np
import torch

SLUG = "image_gan"
ROUNDS = 6_000
MOMENTS = (25, 100, 300, 600, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000)
PICTURES, ROWS = 2_000, 10
SEEDS = range(5)


def falling(progress):
    """Full learning rate for half of the training, then down to zero."""
    return min(1.0, 2 * (1 - progress))


def new_game(cells, seed):
    """Return new players and the noise to draw with, in the lesson's order of random numbers."""
    cells["seed"] = seed
    runtime.seed(seed)
    players = cells["generator_network"](), cells["discriminator_network"]()
    return players, torch.randn(PICTURES, cells["NOISE"])


def distance(cells, generator, noise, real):
    """Return the squared Fréchet distance of what the generator draws to real features."""
    features, _ = cells["looked_at"](cells["drawn"](generator, noise))
    return results.frechet_distance(features, real)


def means_of_hundred(losses):
    """Return both losses (ROUNDS, 2) as means of a hundred rounds each."""
    of_generator, of_discriminator = losses.reshape(60, -1, 2).mean(axis=1).round(3).T.tolist()
    return {"discriminator_loss": of_discriminator, "generator_loss": of_generator}


def measured_run(cells, pixels, real, kinds):
    """Train both players; return the generator, the film (moments, rows, 28, 28) and measures."""
    runtime.seed(0)
    conditional = kinds is not None
    generator = cells["generator_network"](cells["NOISE"] + 10 * conditional)
    players = generator, cells["discriminator_network"](1 + 10 * conditional)
    noise = torch.randn(PICTURES, cells["NOISE"], generator=torch.Generator().manual_seed(1))
    asked = np.arange(PICTURES) % 10 if conditional else None
    shown = cells["joined"](noise, asked) if conditional else noise
    film, found, started = [], [], time.perf_counter()

    def measure(finished):
        if finished not in MOMENTS:
            return
        pictures = cells["drawn"](generator, shown)
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

    losses = train_long(cells, players, pixels, kinds, measure)
    return generator, np.array(film), {"moments": found} | means_of_hundred(losses)


def train_long(cells, players, pixels, kinds, measure):
    """Play the lesson's rounds with a falling learning rate; return both losses (ROUNDS, 2)."""
    order, losses = np.random.default_rng(0), []
    optimizers = cells["new_optimizers"](players)
    rates = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
    for finished in range(ROUNDS):
        chosen = order.integers(0, len(pixels), 64)
        real = torch.from_numpy(pixels[chosen]).float().div(255)[:, None]
        for optimizer, rate in zip(optimizers, rates):
            optimizer.param_groups[0]["lr"] = rate * falling(finished / ROUNDS)
        noise = torch.randn(64, cells["NOISE"])
        if kinds is None:
            losses.append(cells["play_round"](players, optimizers, real, noise))
        else:
            play = cells["play_conditional_round"]
            losses.append(play(players, optimizers, real, noise, kinds[chosen]))
        measure(finished + 1)
    return np.array(losses)


def alone(recorded):
    """Return the measures before and after 200 rounds against a frozen judge, for each seed."""
    cells, fashion = notebooks.recipe(SLUG), data.load("fashion-mnist")
    pixels = fashion.train[:20_000].pixels[..., 0]
    real, _ = cells["looked_at"](fashion.test.pixels)
    library, _ = cells["looked_at"](fashion.train[:2_000].pixels)
    names = ("loss", "distance", "apart", "variety", "largest class")
    measures = {moment: {name: [] for name in names} for moment in ("before", "after")}
    again = {"distance": []}  # after 200 more rounds in which the judge learns again
    straight_on = {"distance": []}  # after 200 more rounds without the 200 alone
    for seed in SEEDS:
        players, noise = new_game(cells, seed)
        cells["train_gan"](players, pixels, 600)

        kept = []

        def look(finished, generator, frozen, noise=noise, kept=kept):
            if finished == 200:
                kept[:] = generator, frozen
            if finished not in (0, 200):
                return
            pictures = cells["drawn"](generator, noise)
            features, classes = cells["looked_at"](pictures)
            shares = np.bincount(classes, minlength=10) / PICTURES
            first, second = pictures[: PICTURES // 2], pictures[PICTURES // 2 :]
            apart = np.sqrt(((first - second) ** 2).sum(axis=(1, 2, 3))).mean()
            squares = (library**2).sum(axis=1) - 2 * features[:500] @ library.T
            with torch.no_grad():
                loss = cells["generator_loss"](frozen(generator(noise[:64]))).item()
            row = measures["after" if finished else "before"]
            row["loss"].append(round(loss, 3))
            row["distance"].append(round(results.frechet_distance(features, real), 2))
            row["apart"].append(round(float(apart), 2))
            row["variety"].append(len(np.unique(squares.argmin(axis=1))))
            row["largest class"].append(round(float(shares.max()), 3))

        cells["play_alone"](players, 200, look)
        kept[1].requires_grad_(True)
        kept[1].train()
        cells["train_gan"](kept, pixels, 200)
        again["distance"].append(round(distance(cells, kept[0], noise, real), 2))
        cells["train_gan"](players, pixels, 200)
        straight_on["distance"].append(round(distance(cells, players[0], noise, real), 2))
        print("alone", seed, measures, again, straight_on, flush=True)
    squares = (library**2).sum(axis=1) - 2 * real[:500] @ library.T
    variety = len(np.unique(squares.argmin(axis=1)))
    after = {"learning again": again, "straight on": straight_on}
    return {"alone": measures | after | {"variety_of_real": variety}}


def losses(recorded):
    """Return, for each loss of the generator, the distance after the lesson's 600 rounds and the
    share of fakes that the discriminator was sure of, with a score below -5, for each seed."""
    cells, fashion = notebooks.recipe(SLUG), data.load("fashion-mnist")
    pixels = fashion.train[:20_000].pixels[..., 0]
    real, _ = cells["looked_at"](fashion.test.pixels)
    of_generator = {
        "non-saturating": cells["generator_loss"],
        "minimax": cells["minimax_loss"],
        "non-saturating, divided by 148": lambda scores: cells["generator_loss"](scores) / 148,
    }
    found = {name: {"distance": [], "median score": [], "below -5": []} for name in of_generator}
    for seed in SEEDS:
        for name, loss in of_generator.items():
            met = []

            def watched(fake_scores, loss=loss, met=met):
                met.append(fake_scores.detach().ravel())
                return loss(fake_scores)

            players, noise = new_game(cells, seed)
            cells["train_gan"](players, pixels, 600, loss_of_fakes=watched)
            scores = torch.cat(met).numpy()
            row = found[name]
            row["distance"].append(round(distance(cells, players[0], noise, real), 2))
            row["median score"].append(round(float(np.median(scores)), 3))
            row["below -5"].append(round(float((scores < -5).mean()), 4))
        print("losses", seed, found, flush=True)
    return {"losses": found}


def only_time(recorded):
    """Return losses and distance of the lesson's own run (seed 0) after up to 6 000 rounds."""
    cells, fashion = notebooks.recipe(SLUG), data.load("fashion-mnist")
    pixels = fashion.train[:20_000].pixels[..., 0]
    real, _ = cells["looked_at"](fashion.test.pixels)
    players, noise = new_game(cells, 0)
    moments = []

    def measure(finished):
        if finished in MOMENTS:
            found = round(distance(cells, players[0], noise, real), 3)
            moments.append({"round": finished, "distance": found})
            print("only time", moments[-1], flush=True)

    both_losses = cells["train_gan"](players, pixels, ROUNDS, watch=measure)
    return {"only_time": {"moments": moments} | means_of_hundred(both_losses)}


def long_runs(recorded):
    """Return the measures of both long runs, and the arrays to keep of them."""
    cells, fashion = notebooks.recipe(SLUG), data.load("fashion-mnist")
    pixels = fashion.train.pixels[..., 0]
    real, _ = cells["looked_at"](fashion.test.images)
    found, arrays = {"rounds": ROUNDS}, {}
    for name, kinds in (("any", None), ("asked", fashion.train.labels)):
        generator, film, found[name] = measured_run(cells, pixels, real, kinds)
        arrays[f"{name}.film"] = film
        for key, tensor in generator.state_dict().items():
            kept = tensor.half() if tensor.is_floating_point() else tensor
            arrays[f"{name}.{key}"] = kept.numpy()
    return found, arrays


PARTS = {"losses": losses, "alone": alone, "only_time": only_time, "long_runs": long_runs}
