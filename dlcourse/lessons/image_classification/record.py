"""Record lesson 21: its runs against the well-known starter lesson, and what each choice brings.

    dlcourse measure 21 runs             # the stored weights, and times: let nothing else run
    dlcourse measure 21 starter
    dlcourse measure 21 lenet
    dlcourse measure 21 lenet_with_norm
    dlcourse measure 21 choices
    dlcourse measure 21 depth            # the longest, about half an hour of one core
    dlcourse measure 21 layout           # times again

Each executes the lesson's own `recipe` cells. What is compared is trained with the same seeds, and
learning rates are chosen on the validation pictures, with other seeds.
"""

import time
from dataclasses import asdict

from dlcourse import data, notebooks, results, runtime
from dlcourse.errors import TrainingError

import keras
import numpy as np
import torch

SLUG = "image_classification"
SEEDS, SEED_OF_CHOICES = range(5), 100
FAST_EPOCHS, SLOW_EPOCHS, SLOW_FILTERS = 2, 6, (16, 32, 64)
STARTER_EPOCHS = 10

CELLS = notebooks.recipe(SLUG)
FASHION = data.load("fashion-mnist")


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def accuracy(model, split, both_ways=False):
    scores = CELLS["scores_both_ways"] if both_ways else CELLS["backends"].scores
    return round(results.accuracy(scores(model, split.pixels), split.labels), 4)


def trained(seed, epochs, make=None, pictures=None, **options):
    """Return the model and the History of one run of the lesson's recipe; (model, None) if it
    broke off because the loss was no longer a number."""
    runtime.seed(seed)
    model = (make or CELLS["residual_network"])()
    train = FASHION.train[:pictures]
    try:
        history = CELLS["train_fast"](
            model, train.pixels, train.labels, epochs, seed=seed, show=False, **options
        )
    except TrainingError:
        return model, None
    return model, history


def test_accuracies(epochs, both_ways=False, **options):
    return [
        accuracy(trained(seed, epochs, **options)[0], FASHION.test, both_ways) for seed in SEEDS
    ]


def wider():
    return CELLS["residual_network"](SLOW_FILTERS)


class Starter:
    """The starter lesson: Flatten, Dense 128, Adam, batches of 32, all 60 000 training pictures."""

    def __init__(self, seed):
        splits = FASHION.train, FASHION.valid
        self.images = np.concatenate([split.images[..., 0] for split in splits])
        self.labels = np.concatenate([split.labels for split in splits])
        keras.utils.set_random_seed(seed)
        layers = keras.layers
        self.model = keras.Sequential(
            [layers.Input((28, 28)), layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(10)]
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile("adam", loss=loss, metrics=["accuracy"])

    def train(self, epochs):
        """Return the seconds of each epoch."""
        seconds = []
        for _ in range(epochs):
            started = time.perf_counter()
            self.model.fit(self.images, self.labels, verbose=0)
            seconds.append(time.perf_counter() - started)
        return seconds

    def accuracy(self, split):
        scores = self.model.predict(split.images[..., 0], verbose=0)
        return round(results.accuracy(scores, split.labels), 4)


def starter(recorded):
    """Train the starter lesson to its end with every seed; its accuracy is no question of time."""
    found = []
    for seed in SEEDS:
        each = Starter(seed)
        each.train(STARTER_EPOCHS)
        found.append(each.accuracy(FASHION.test))
    return {
        "starter": {
            "accuracy": found,
            "starter_epochs": float(STARTER_EPOCHS),
            "weights": each.model.count_params(),
        }
    }


def runs(recorded):
    """Train the lesson's two networks, taking turns with the starter lesson, and measure both."""
    # Taking turns, so that a slow minute of the machine falls on both.
    each, fast, slow = Starter(0), [], []
    each.train(1)  # the first epoch also builds the graph
    seconds = []
    for seed in SEEDS:
        fast.append(trained(seed, FAST_EPOCHS))
        seconds += each.train(2)
    mirrored = {"augment": CELLS["mirror_half"]}
    for seed in SEEDS:
        checked = {"valid": (FASHION.valid.pixels, FASHION.valid.labels)} | mirrored
        slow.append(trained(seed, SLOW_EPOCHS, wider, **checked))
        seconds += each.train(1)

    def summary(found, both_ways):
        spent = np.median([sum(history.seconds) for _, history in found])
        return {
            "epochs": found[0][1].epochs,
            "accuracy": [accuracy(model, FASHION.test, both_ways) for model, _ in found],
            "starter_epochs": round(float(spent / np.median(seconds)), 2),
        }

    model, history = slow[0]
    history.step_loss = []  # the lesson does not show it
    history.seconds = [round(each, 2) for each in history.seconds]
    weights = {name: array.cpu() for name, array in model.state_dict().items()}
    return {
        "fast": summary(fast, both_ways=False),
        "slow": summary(slow, both_ways=True)
        | {"filters": SLOW_FILTERS, "history": asdict(history)},
    }, weights


def accuracies(models):
    """Return {"valid", "test"}: the accuracy of each model on both."""
    return {
        "valid": [accuracy(model, FASHION.valid) for model in models],
        "test": [accuracy(model, FASHION.test) for model in models],
    }


def lenet(recorded):
    """Train LeNet with the residual network's recipe and several highest learning rates."""
    found = {}
    for peak in (0.05, 0.1, 0.15):
        models = [trained(seed, FAST_EPOCHS, CELLS["lenet"], peak=peak)[0] for seed in SEEDS]
        found[str(peak)] = accuracies(models)
    return {"lenet": found}


def lenet_with_norm(recorded):
    """Train LeNet with batch norm after its convolutions, at the rate that was best without."""
    without = recorded["lenet"]
    peak = float(max(without, key=lambda peak: sum(without[peak]["valid"])))
    models = [trained(seed, FAST_EPOCHS, CELLS["lenet_with_norm"], peak=peak)[0] for seed in SEEDS]
    return {"lenet_with_norm": accuracies(models)}


def choices(recorded):
    """Change the schedule, the mirror, the length and the width, one at a time."""
    constant = {}
    for rate in (0.015, 0.045, 0.15):
        models = [
            trained(seed, FAST_EPOCHS, peak=rate, schedule=lambda progress: 1.0)[0]
            for seed in SEEDS
        ]
        constant[str(rate)] = accuracies(models)
    mirrored = {"augment": CELLS["mirror_half"], "both_ways": True}
    narrow, wide = count(CELLS["residual_network"]()), count(wider())
    rows = [
        ("one-cycle", narrow, FAST_EPOCHS, recorded["fast"]["accuracy"]),
        ("one-cycle, mirrored", narrow, FAST_EPOCHS, test_accuracies(FAST_EPOCHS, **mirrored)),
        ("one-cycle", narrow, SLOW_EPOCHS, test_accuracies(SLOW_EPOCHS)),
        ("one-cycle", wide, SLOW_EPOCHS, test_accuracies(SLOW_EPOCHS, make=wider)),
        ("one-cycle, mirrored", wide, SLOW_EPOCHS, recorded["slow"]["accuracy"]),
    ]
    names = "recipe", "weights", "epochs", "accuracy"
    return {"constant_rate": constant, "choices": [dict(zip(names, row)) for row in rows]}


# ── Depth: the same network with more blocks, with and without `x +`, with and without batch norm

DEPTH_PICTURES, DEPTH_EPOCHS, DEPTH_BATCH = 5_000, 4, 64
DEPTH_RATES = (0.15, 0.05, 0.015, 0.005, 0.0015)
DEPTH_SEEDS_OF_CHOICES = range(SEED_OF_CHOICES, SEED_OF_CHOICES + 3)


def convolution(inputs, filters, stride, norm):
    layers = [torch.nn.Conv2d(inputs, filters, 3, stride, padding=1, bias=not norm)]
    return [*layers, torch.nn.BatchNorm2d(filters)] if norm else layers


class Block(torch.nn.Module):
    """The lesson's residual block; without `skip` the same layers in a row."""

    def __init__(self, filters, skip, norm):
        super().__init__()
        self.change = torch.nn.Sequential(*convolution(filters, filters, 1, norm), torch.nn.ReLU())
        self.skip = skip

    def forward(self, maps):
        changed = self.change(maps)
        return maps + changed if self.skip else changed


def stack(blocks, skip, norm):
    """Return the lesson's network with `blocks` blocks in place of each one, and its layers."""
    first, second, third = 16, 16, 32
    layers = convolution(1, first, 1, norm)
    layers[1:1] = [torch.nn.MaxPool2d(2)]
    layers += [torch.nn.ReLU()]
    for inputs, filters in ((first, second), (second, third)):
        layers += [*convolution(inputs, filters, 2, norm), torch.nn.ReLU()]
        layers += [Block(filters, skip, norm) for _ in range(blocks)]
    return torch.nn.Sequential(*layers, CELLS["MeanAndMax"](), torch.nn.Linear(2 * third, 10))


def expect_the_lessons_network():
    """One block, skip and norm must be the lesson's own network: same seed, same scores."""
    pictures = torch.from_numpy(FASHION.test[:4].images.copy()).permute(0, 3, 1, 2)
    scores = []
    for make in (CELLS["residual_network"], lambda: stack(1, skip=True, norm=True)):
        runtime.seed(0)
        scores.append(make()(pictures))
    torch.testing.assert_close(*scores)


def slope_at_first_layer(make):
    """Return the size of the first layer's slopes before training, beside the last layer's."""
    train = FASHION.train[:128]
    pictures = torch.from_numpy(train.images.copy()).permute(0, 3, 1, 2)
    ratios = []
    for seed in SEEDS:
        runtime.seed(seed)
        model = make()
        labels = torch.from_numpy(train.labels.copy())
        torch.nn.functional.cross_entropy(model(pictures), labels).backward()
        first, last = model[0].weight.grad, model[-1].weight.grad
        ratios.append((first.square().mean() / last.square().mean()).sqrt().item())
    return float(f"{np.median(ratios):.1e}")


def depth(recorded):
    """Train shallow and deep networks with every seed, each with the best of five rates."""
    expect_the_lessons_network()
    options = {"epochs": DEPTH_EPOCHS, "pictures": DEPTH_PICTURES, "batch_size": DEPTH_BATCH}
    rows = []
    for blocks, norm in ((1, True), (10, True), (20, True), (1, False), (10, False)):
        for skip in (False, True):

            def make(blocks=blocks, skip=skip, norm=norm):
                return stack(blocks, skip, norm)

            # Three seeds: near a rate that breaks a network, one of them may just be lucky.
            tried = {
                rate: [
                    accuracy(trained(seed, make=make, peak=rate, **options)[0], FASHION.valid)
                    for seed in DEPTH_SEEDS_OF_CHOICES
                ]
                for rate in DEPTH_RATES
            }
            best = max(tried, key=lambda rate: np.mean(tried[rate]))
            models = [trained(seed, make=make, peak=best, **options)[0] for seed in SEEDS]
            row = {
                "layers": 4 + 2 * blocks,
                "norm": norm,
                "skip": skip,
                "weights": count(make()),
                "rate": best,
                "tried": {str(rate): value for rate, value in tried.items()},
                "accuracy": [accuracy(model, FASHION.test) for model in models],
                "slope": slope_at_first_layer(make),
            }
            print(row, flush=True)
            rows.append(row)
    return {
        "depth": {
            "pictures": DEPTH_PICTURES,
            "epochs": DEPTH_EPOCHS,
            "batch_size": DEPTH_BATCH,
            "rows": rows,
        }
    }


# ── Layout: the order of numbers in memory

LAYOUTS = {"channels first": torch.contiguous_format, "channels last": torch.channels_last}


def seconds_of_step(model, batch, labels):
    """Return the processor's time of one training step, forward and backward."""
    started = time.process_time()
    torch.nn.functional.cross_entropy(model(batch), labels).backward()
    return time.process_time() - started


def expect_layout(model, batch, memory_format):
    """Check that the first convolution really gives maps in this layout."""
    seen = []
    hook = model[0].register_forward_hook(lambda layer, inputs, output: seen.append(output))
    model(batch)
    hook.remove()
    if not seen[0].is_contiguous(memory_format=memory_format):
        raise RuntimeError(f"The first convolution's output is not {memory_format}.")


def layout(recorded):
    """Time one step in both layouts, taking turns: the shortest of many, on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    train = FASHION.train[:64]
    labels = torch.from_numpy(train.labels.copy())
    pictures = torch.from_numpy(train.images.copy()).permute(0, 3, 1, 2)
    full_resolution = torch.nn.Sequential(
        *CELLS["block"](1, 16),
        CELLS["Residual"](16),
        CELLS["MeanAndMax"](),
        torch.nn.Linear(32, 10),
    )
    ratios = {}
    for name, model in (
        ("16 filters at full resolution", full_resolution),
        ("our network", CELLS["residual_network"]()),
    ):
        times = {kind: [] for kind in LAYOUTS}
        # `clone` really copies: `contiguous` leaves a picture of one channel as it is.
        batches = {kind: pictures.clone(memory_format=layout) for kind, layout in LAYOUTS.items()}
        for kind, memory_format in LAYOUTS.items():
            expect_layout(model.to(memory_format=memory_format), batches[kind], memory_format)
        for _ in range(60):
            for kind, memory_format in LAYOUTS.items():
                model.to(memory_format=memory_format)
                times[kind].append(seconds_of_step(model, batches[kind], labels))
        first, last = (min(times[kind]) for kind in LAYOUTS)
        ratios[name] = round(first / last, 2)
    torch.set_num_threads(threads)
    return {"layout": {"torch": torch.__version__, "first_by_last": ratios}}


PARTS = {
    "runs": runs,
    "starter": starter,
    "lenet": lenet,
    "lenet_with_norm": lenet_with_norm,
    "choices": choices,
    "depth": depth,
    "layout": layout,
}
