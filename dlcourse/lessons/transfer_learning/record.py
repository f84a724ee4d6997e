"""Record lesson 50: which advice about fine-tuning matters on 128 stamps.

    dlcourse measure 50 settings          # about half an hour on one core
    dlcourse measure 50 random_weights

It executes the lesson's own `recipe` cells, on one thread. Recorded are, for each setting and each
of five seeds, the accuracy in five-fold cross-validation over the training stamps and on the test
stamps; and what the features of the same network are worth with random weights.
"""

import copy
import json

from dlcourse import notebooks, runtime
from dlcourse.networks import pytorch as networks

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
    "0.00003, random last layer alone, 20 epochs": {"epochs": 20, "last_layer_only": True},
    "0.00003, batch norm in training mode": {"frozen_norm": False},
    "0.00003, the whole network in training mode": {"whole_network": True},
    "the same, old averages put back": {"whole_network": True, "averages_back": True},
    "the same, a new probe": {"whole_network": True, "new_probe": True},
}


def share(correct):
    return round(float(np.mean(correct)), 4)


def probe_on(cells, chosen):
    """Return the lesson's linear probe, fitted on the chosen training stamps only."""
    probe = cells["LogisticRegression"](C=1.0, max_iter=2000)
    return probe.fit(cells["cache"]["train"][chosen], cells["train"].labels[chosen])


def right(cells, options, seed, chosen, judged):
    """Fine-tune on the chosen training stamps; return which of the judged ones are right."""
    split, rows = judged
    options = {"epochs": 4, "start": probe_on(cells, chosen)} | options
    labels = cells["labels"][chosen]
    runtime.seed(seed)
    if options.pop("whole_network", False):
        said = said_by_whole(cells, seed, chosen, judged, **options)
    elif options.pop("last_layer_only", False):
        body = cells["top"][:-1]
        features = outputs(body, cells["maps"]["train"][chosen])
        layer = trained_layer(features, labels, options["epochs"])
        said = cells["predicted"](layer, outputs(body, cells["maps"][split][rows]))
    else:
        model = cells["fine_tune"](cells["maps"]["train"][chosen], labels, **options)
        said = cells["predicted"](model, cells["maps"][split][rows])
    return said == cells[split].labels[rows]


def said_by_whole(cells, seed, chosen, judged, epochs, start, averages_back=False, new_probe=False):
    """Return the answers of a network that was in training mode as a whole while it learned."""
    model = trained_whole(cells, seed, chosen, epochs, start)
    if averages_back:
        before = dict(cells["network"].named_buffers())
        for name, buffer in model.named_buffers():
            buffer.copy_(before[name])
    split, rows = judged
    stamps = cells["enlarged"](cells[split][rows].images)
    if not new_probe:
        return cells["predicted"](model, stamps)
    learned = outputs(model[:-1], cells["enlarged"](cells["train"][chosen].images))
    probe = cells["LogisticRegression"](C=1.0, max_iter=2000)
    probe.fit(learned.numpy(), cells["train"].labels[chosen])
    return probe.predict(outputs(model[:-1], stamps).numpy())


def outputs(layers, inputs):
    """Return what layers in evaluation mode give for many inputs."""
    with torch.no_grad():
        return torch.cat([layers(few) for few in inputs.split(8)])


def trained_layer(features, labels, epochs, learning_rate=3e-5):
    """Train a random last layer alone, as `fine_tune` does with all of `top`."""
    layer = torch.nn.Linear(1280, 7)
    optimizer = torch.optim.Adam(layer.parameters(), lr=learning_rate)
    for _ in range(epochs):
        for batch in torch.randperm(len(labels)).split(8):
            descend(optimizer, layer(features[batch]), labels[batch])
    return layer.eval()


TRAINED = {}  # three settings look at the same networks


def trained_whole(cells, seed, chosen, epochs, start, learning_rate=3e-5):
    """Fine-tune the same layers, with every batch norm of the network in training mode."""
    key = seed, tuple(chosen)
    if key in TRAINED:
        return copy.deepcopy(TRAINED[key])
    model = copy.deepcopy(cells["network"]).requires_grad_(False)
    model.classifier = torch.nn.Linear(1280, 7)
    with torch.no_grad():
        model.classifier.weight.copy_(torch.from_numpy(start.coef_))
        model.classifier.bias.copy_(torch.from_numpy(start.intercept_))
    model[cells["cut"] :].requires_grad_(True)
    optimizer = torch.optim.Adam(model[cells["cut"] :].parameters(), lr=learning_rate)
    model.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(chosen)).split(8):
            few = chosen[batch.numpy()]
            stamps = cells["enlarged"](cells["train"][few].images)
            descend(optimizer, model(stamps), cells["labels"][few])
    TRAINED[key] = model.eval()
    return copy.deepcopy(model)


def descend(optimizer, scores, labels):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(scores, labels).backward()
    optimizer.step()


def measured(cells, options):
    """Return the setting's accuracies over seeds, in cross-validation and on the test stamps."""
    labels, everything = cells["train"].labels, np.arange(len(cells["train"]))
    folds = list(cells["folds"].split(everything, labels))
    found = {"folds": [], "test": []}
    for seed in range(SEEDS):
        correct = np.zeros(len(labels), bool)
        for chosen, held in folds:
            correct[held] = right(cells, options, seed, chosen, ("train", held))
        found["folds"].append(share(correct))
        on_test = ("test", np.arange(len(cells["test"])))
        found["test"].append(share(right(cells, options, seed, everything, on_test)))
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


def untrained(cells, seed):
    """Return the nearest mean's test accuracy on features of the network with random weights."""
    runtime.seed(seed)
    model = networks.efficientnet_lite0()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the plain mean of all batches
    model.train()
    with torch.no_grad():
        for start in range(0, len(cells["train"]), 32):
            model(cells["enlarged"](cells["train"][start : start + 32].images))
    model.eval()
    features = {
        part: cells["passed_through"](model[:-1], cells[part]).numpy() for part in ("train", "test")
    }
    guessed = cells["nearest_mean"](features["train"], cells["train"].labels, features["test"])
    return share(guessed == cells["test"].labels)


def settings(recorded):
    """Fine-tune with every setting, seed and fold."""
    torch.set_num_threads(1)
    cells = notebooks.recipe(SLUG)
    rows = [{"name": "linear probe, network frozen", **measured_probe(cells)}]
    for name, options in SETTINGS.items():
        rows.append({"name": name, **measured(cells, options)})
        print(json.dumps(rows[-1]), flush=True)
    return {"cores": 1, "seeds": SEEDS, "settings": rows}


def random_weights(recorded):
    """Judge the features of the network with random weights, for every seed."""
    torch.set_num_threads(1)
    cells = notebooks.recipe(SLUG)
    return {"cores": 1, "random weights": [untrained(cells, seed) for seed in range(SEEDS)]}


PARTS = {"settings": settings, "random_weights": random_weights}
