"""What `fit` costs beside a loop written by hand: its time over the bare loop's, for the same steps.

Run: python benchmarks/fit_overhead.py [pytorch] [keras]
Prints one ratio for each framework. `fit` counts the right answers, looks for nan and keeps a History;
the bare loop only steps and adds up the loss. Both see the same batches in the same order. Training
takes 2 epochs of 50 steps; runs alternate, and the median over the pairs of runs is printed.
"""

import statistics
import sys
import time

import dlcourse  # noqa: F401  (sets what the frameworks read when they are imported)
from dlcourse import data

import numpy as np

EPOCHS, STEPS, BATCH, REPEATS, BAR = 2, 50, 128, 5, 1.03
OPTIONS = {"epochs": EPOCHS, "batch_size": BATCH, "optimizer": "sgd", "learning_rate": 0.1}


def batches():
    """Yield the rows of every batch, as `fit` draws them."""
    generator = np.random.default_rng(0)
    for _ in range(EPOCHS):
        order = generator.permutation(STEPS * BATCH)
        yield from (order[start : start + BATCH] for start in range(0, len(order), BATCH))


def pytorch(images, labels):
    """Return two functions that train a small convolutional net in PyTorch: with `fit`, and by hand."""
    from dlcourse.backends import pytorch as backend

    import torch
    from torch import nn

    def model():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 49, 10),
        )  # fmt: skip

    def with_fit(net):
        return backend.fit(net, images, labels, show=False, **OPTIONS).step_loss

    def by_hand(net):
        net.train().to(memory_format=torch.channels_last)
        optimizer, losses = torch.optim.SGD(net.parameters(), 0.1), []
        for rows in batches():
            inputs = torch.from_numpy(images[rows]).permute(0, 3, 1, 2)
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(inputs), torch.from_numpy(labels[rows]))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    return model, with_fit, by_hand


def keras(images, labels):
    """Return two functions that train a small convolutional net in Keras: with `fit`, and by hand."""
    from dlcourse.backends import keras as backend

    import keras
    import tensorflow as tf
    from keras import layers

    def model():
        keras.utils.set_random_seed(0)
        return keras.Sequential([
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"), layers.Flatten(),
            layers.Dense(10),
        ])  # fmt: skip

    def with_fit(net):
        return backend.fit(net, images, labels, show=False, **OPTIONS).step_loss

    def by_hand(net):
        optimizer, losses = keras.optimizers.SGD(0.1), []
        optimizer.build(net.trainable_variables)

        @tf.function
        def step(inputs, targets):
            with tf.GradientTape() as tape:
                scores = net(inputs, training=True)
                loss = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, scores)
                loss = tf.reduce_mean(loss)
            gradients = tape.gradient(loss, net.trainable_variables)
            optimizer.apply(gradients, net.trainable_variables)
            return loss

        for rows in batches():
            losses.append(float(step(tf.constant(images[rows]), tf.constant(labels[rows]))))
        return losses

    return model, with_fit, by_hand


def seconds(train, net):
    """Return the losses of a training and its CPU time: what else runs on the machine counts less."""
    started = time.process_time()
    losses = train(net)
    return losses, time.process_time() - started


def ratio(model, with_fit, by_hand):
    """Return the median of the times of `fit` over those of the loop by hand, and the latter's."""
    ratios, bare = [], []
    for repeat in range(REPEATS + 1):
        pair = [("fit", with_fit), ("hand", by_hand)]
        runs = {name: seconds(run, model()) for name, run in (pair if repeat % 2 else pair[::-1])}
        np.testing.assert_allclose(runs["fit"][0], runs["hand"][0], atol=1e-3)  # the same work
        if repeat:  # the first pair warms up
            ratios.append(runs["fit"][1] / runs["hand"][1])
            bare.append(runs["hand"][1])
    return ratios, bare


def main(frameworks):
    """Print the ratio for each framework that was named."""
    train = data.load("fashion-mnist").train[: STEPS * BATCH]
    for framework in frameworks:
        ratios, bare = ratio(*framework(np.array(train.images), np.array(train.labels)))
        print(
            f"{framework.__name__}: fit takes {statistics.median(ratios):.3f} times as long as a "
            f"loop by hand (bar {BAR}; pairs {min(ratios):.3f} to {max(ratios):.3f}; "
            f"by hand {1000 * statistics.median(bare) / (EPOCHS * STEPS):.1f} ms a step)"
        )


if __name__ == "__main__":
    known = {"pytorch": pytorch, "keras": keras}
    main([known[name] for name in sys.argv[1:] or known])
