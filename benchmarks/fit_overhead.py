"""What `fit` costs beside a loop written by hand: the ratio of their times for the same steps.

Run: python benchmarks/fit_overhead.py [pytorch] [keras]

Prints one ratio for each framework. Both train a small convolutional net on 6400 pictures of
Fashion-MNIST for two epochs, with the same batches. `fit` also checks its inputs, counts right
answers, looks for nan and keeps a History; the loop by hand only steps and keeps the losses.
They take turns, step by step, so that what else the machine does slows both alike; compiling and
everything that `fit` does before and after its steps counts. The median of several runs is printed.
"""

import statistics
import sys
import time

import dlcourse  # noqa: F401  (sets what the frameworks read when they are imported)
from dlcourse import backends, data

import numpy as np

EPOCHS, STEPS, BATCH, REPEATS, BAR = 2, 50, 128, 5, 1.03


def pytorch():
    """Return a function that builds the net, and one that makes its step by hand."""
    import torch
    from torch import nn

    def build():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 49, 10),
        )  # fmt: skip

    def by_hand(net):
        net.train().to(memory_format=torch.channels_last)
        optimizer = torch.optim.SGD(net.parameters(), 0.1)

        def step(images, labels):
            inputs = torch.from_numpy(images).permute(0, 3, 1, 2)
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(inputs), torch.from_numpy(labels))
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    return build, by_hand


def keras():
    """Return a function that builds the net, and one that makes its step by hand."""
    import keras
    import tensorflow as tf
    from keras import layers

    def build():
        keras.utils.set_random_seed(0)
        return keras.Sequential([
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"), layers.Flatten(),
            layers.Dense(10),
        ])  # fmt: skip

    def by_hand(net):
        optimizer = keras.optimizers.SGD(0.1)
        optimizer.build(net.trainable_variables)

        @tf.function
        def compiled(inputs, targets):
            with tf.GradientTape() as tape:
                scores = net(inputs, training=True)
                loss = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, scores)
                loss = tf.reduce_mean(loss)
            gradients = tape.gradient(loss, net.trainable_variables)
            optimizer.apply(gradients, net.trainable_variables)
            return loss

        return lambda images, labels: float(compiled(tf.constant(images), tf.constant(labels)))

    return build, by_hand


def batches(images, labels):
    """Yield every batch of all epochs, in the order in which `fit` draws them."""
    generator = np.random.default_rng(0)
    for _ in range(EPOCHS):
        order = generator.permutation(len(images))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            yield images[rows], labels[rows]


def run(build, by_hand, images, labels):
    """Train two nets at once, with `fit` and by hand; return the seconds that each of them took."""
    step, source, losses, seconds = by_hand(build()), batches(images, labels), [], 0.0

    def take_turns(batch, generator):  # `fit` calls this before each of its steps
        nonlocal seconds
        started = time.perf_counter()
        losses.append(step(*next(source)))
        seconds += time.perf_counter() - started
        return batch

    net, started = build(), time.perf_counter()
    history = backends.fit(
        net, images, labels, epochs=EPOCHS, batch_size=BATCH, optimizer="sgd", learning_rate=0.1,
        augment=take_turns, show=False,
    )  # fmt: skip
    total = time.perf_counter() - started
    np.testing.assert_allclose(history.step_loss, losses, atol=1e-2)  # the same work was done
    return total - seconds, seconds


def main(frameworks):
    """Print the ratio for each framework that was named."""
    train = data.load("fashion-mnist").train[: STEPS * BATCH]
    images, labels = np.array(train.images), np.array(train.labels)
    for framework in frameworks:
        parts = framework()
        runs = [run(*parts, images, labels) for _ in range(REPEATS + 1)][1:]  # the first warms up
        ratios = [with_fit / by_hand for with_fit, by_hand in runs]
        step = statistics.median(by_hand for _, by_hand in runs) / (EPOCHS * STEPS)
        print(
            f"{framework.__name__}: fit takes {statistics.median(ratios):.3f} times as long as a "
            f"loop by hand (bar {BAR}; {min(ratios):.3f} to {max(ratios):.3f} in {REPEATS} runs; "
            f"by hand {1000 * step:.1f} ms a step)"
        )


if __name__ == "__main__":
    known = {"pytorch": pytorch, "keras": keras}
    main([known[name] for name in sys.argv[1:] or known])
