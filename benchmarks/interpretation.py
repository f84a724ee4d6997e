"""What interpretation costs beside Captum: the ratio of the times for the same maps in PyTorch.

Run: python benchmarks/interpretation.py

Both explain the same pictures, by saliency and by integrated gradients with as many points on the
line: 64 small pictures for a small convolutional net, and lesson 60's photograph of a cat for its
pretrained network. They take turns, so that what else the machine does slows both alike; which of
them begins changes too. The median of the ratios is printed. Captum has no bound on memory unless
asked, so it is given the same number of copies at a time as the course.
"""

import statistics
import time

import dlcourse  # noqa: F401  (sets what the frameworks read when they are imported)
from dlcourse import backends, data, interpret, pretrained

import captum.attr
import numpy as np
import torch
from torch import nn

IMAGES, REPEATS, BAR = 64, 21, 1.1


def net():
    """Return the net that `fit_overhead.py` trains, as it is before training."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 49, 10),
    ).eval()  # fmt: skip


def small_task():
    """Return a model, its pictures and classes, and steps and copies at a time."""
    test = data.load("fashion-mnist").test[:IMAGES]
    return net(), test.images.copy(), test.labels.copy(), 32, 256


def pretrained_task():
    """Return the same for one photograph and the pretrained network."""
    network, photographs = (
        pretrained.load("efficientnet-lite0", "pytorch"),
        data.load("photographs"),
    )
    cat = photographs.train.images[[photographs.classes.index("cat")]]
    return network, cat, backends.scores(network, cat).argmax(axis=1), 8, 1


def contests(model, images, classes, steps, batch):
    """Return {method: (ours, Captum's)}, functions of nothing that give (N, H, W, C) or (N, H, W).

    Both start from NumPy and end there.
    """
    targets = torch.from_numpy(classes)
    gradients, saliency = captum.attr.IntegratedGradients(model), captum.attr.Saliency(model)

    def tensor():
        return torch.from_numpy(images).permute(0, 3, 1, 2).requires_grad_()

    def to_numpy(values):
        return values.detach().permute(0, 2, 3, 1).numpy()

    return {
        "saliency": (
            lambda: interpret.saliency(model, images, classes, batch_size=batch),
            lambda: to_numpy(saliency.attribute(tensor(), target=targets)).max(axis=-1),
        ),
        "integrated gradients": (
            lambda: interpret.integrated_gradients(
                model, images, classes, steps=steps, batch_size=batch
            ),
            lambda: to_numpy(
                gradients.attribute(
                    tensor(), target=targets, n_steps=steps, method="riemann_middle",
                    internal_batch_size=batch,
                )
            ),
        ),
    }  # fmt: skip


def seconds(function):
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def turn_about(pair):
    """Return the seconds of both, run one after the other, in an order that changes."""
    ours, theirs = pair
    times = []
    for repeat in range(REPEATS + 2):  # the first two warm up
        if repeat % 2:
            late = seconds(theirs)
            times.append((seconds(ours), late))
        else:
            times.append((seconds(ours), seconds(theirs)))
    return times[2:]


def main():
    """Print the ratio for each task and method."""
    for task in (small_task, pretrained_task):
        for name, pair in contests(*task()).items():
            ours, theirs = (function() for function in pair)
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * np.abs(theirs).max())
            times = turn_about(pair)
            ratios = [ours / theirs for ours, theirs in times]
            print(
                f"{task.__name__}, {name}: {statistics.median(ratios):.3f} times as long as Captum "
                f"(bar {BAR}; {min(ratios):.3f} to {max(ratios):.3f} in {REPEATS} runs; Captum "
                f"{1000 * statistics.median(theirs for _, theirs in times):.0f} ms)"
            )


if __name__ == "__main__":
    main()
