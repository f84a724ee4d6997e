# %% [markdown]
# # A network from scratch
# Four programs train the same network: one in NumPy, where we write every formula ourselves, and
# one each in PyTorch, Keras and TensorFlow. They start from the same weights. At the end their
# four loss curves lie on top of each other, and no step of the libraries is a mystery.
#
# **After this lesson you can:** write the forward and the backward pass of a network · check a
# gradient without trusting it · carry weights from one framework to another · say what a framework
# does for you, and what it does not.
#
# **Needs:** lesson 00; NumPy, the chain rule from school. **Data:** handwritten digits (shipped).
#
# {measured}

# %%
import time
from itertools import islice

from dlcourse import (
    backends,
    course,
    data,
    explore,
    lessons,
    parity,
    plot,
    results,
    runtime,
)
from dlcourse.lessons import network_from_scratch as lesson

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import torch
from sklearn.linear_model import LogisticRegression

plot.use_course_style()
runtime.seed(0)

# %% [markdown]
# ### Do you remember?
# Two questions from before.

# %% tags=["quiz"]
course.review("11")

# %% [markdown]
# ## 1 · The pictures
# Each picture has 8 × 8 pixels, and each pixel is a number from 0 (paper) to 1 (ink). For the
# network a picture is only a row of 64 numbers.

# %%
digits = data.load("digits")
digits

# %%
plot.images(digits.train.images[:20], titles=digits.train.labels[:20])
plot.describe(
    "Twenty small grey pictures of handwritten digits, with their labels."
)
# %% [markdown]
# Some are hard even for us: at 8 × 8 pixels a 5 and a 9 can look alike. We write `N` for the number
# of examples, `D = 64` for the pixels of one, `K = 10` for the classes.

# %%
x_train, y_train = digits.train.features, digits.train.labels
x_test, y_test = digits.test.features, digits.test.labels
print("pictures", x_train.shape, "labels", y_train.shape)

# %% [markdown]
# ## 2 · Forward: from pixels to a loss
# One **layer** multiplies by a matrix of weights and adds a bias: `x @ W + b`. Two layers in a row
# would still be one matrix product, so between them stands a bend, the **ReLU**: negative numbers
# become 0. Our network has 32 hidden units:
#
# $$h = \max(0,\; x W_1 + b_1) \qquad s = h W_2 + b_2$$
#
# | letter | what | shape |
# |---|---|---|
# | $x$ | pictures | (N, 64) |
# | $h$ | hidden units | (N, 32) |
# | $s$ | scores, one for each class | (N, 10) |

# %%
HIDDEN = 32


def new_weights(seed):
    """Random weights, small enough that signals keep their size."""
    generator = np.random.default_rng(seed)
    w1 = generator.normal(0, np.sqrt(2 / 64), (64, HIDDEN))
    w2 = generator.normal(0, np.sqrt(2 / HIDDEN), (HIDDEN, 10))
    arrays = w1, np.zeros(HIDDEN), w2, np.zeros(10)
    return [array.astype("float32") for array in arrays]


def forward(weights, x):
    w1, b1, w2, b2 = weights
    hidden = np.maximum(0, x @ w1 + b1)  # (N, 32)
    return hidden, hidden @ w2 + b2  # (N, 32), (N, 10)


# %% [markdown]
# Scores become probabilities with **softmax**: raise e to each score, then divide by the sum. The
# **cross-entropy** loss is the surprise at the right answer, −log of the probability that the
# network gave it, averaged over the examples. Its unit is the nat.


# %%
def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def cross_entropy(scores, labels):
    right = softmax(scores)[np.arange(len(labels)), labels]  # (N,)
    return -np.log(right).mean()


# %% [markdown]
# **Predict, then run.** Suppose the network knows nothing and gives each of the ten digits the
# same probability. What is its loss? Choose: (a) 0, (b) about 2.3, (c) 10.

# %% tags=["predict"]
print(
    f"loss of equal scores: {cross_entropy(np.zeros((5, 10)), [3, 1, 4, 1, 5]):.4f}"
)

# %% [markdown]
# (b): each answer has probability 1/10, and −log(1/10) = 2.3026 nats. Keep this number. A network
# of ten classes whose loss starts far above it is badly initialised; one that stays at it has
# learned nothing. Ours has random weights, so it starts near it:

# %% tags=["parameters"]
seed = 0

# %% tolerance=0.0001
weights = new_weights(seed)
print(
    f"our network: {cross_entropy(forward(weights, x_train)[1], y_train):.4f}"
)

# %% [markdown]
# **Exercise.** And with 20 classes?

# %% tags=["exercise"]
loss_of_guessing = ...

lesson.loss_of_guessing.check(loss_of_guessing)

# %% [markdown]
# **Exercise: find the bug.** This softmax is the formula as it stands in books. For scores of 1000 it
# gives nan, *not a number*; ours above does not. Mend it.


# %% tags=["exercise"]
def safe_softmax(scores):
    powers = np.exp(scores)
    return powers / powers.sum(axis=1, keepdims=True)


lesson.safe_softmax.check(safe_softmax)

# %% [markdown]
# ## 3 · Backward: who is to blame?
# To lower the loss we need its slope along each of the 2 410 weights and biases: the **gradient**.
# **Backpropagation** is the chain rule, walked from the loss back to the pixels. We write $dW$ for
# the slope of the loss along $W$, which has the shape of $W$.
#
# The first step is the nicest formula of the field. For softmax and cross-entropy together,
#
# $$ds = \frac{p - y}{N}$$
#
# where $p$ are the probabilities and $y$ is 1 at the right class and 0 elsewhere: the blame is the
# difference between what was said and what was true. The rest follows by the chain rule:
#
# $$dW_2 = h^\top ds \qquad db_2 = \textstyle\sum_n ds \qquad dh = ds\, W_2^\top$$
# $$dz = dh \cdot [h > 0] \qquad dW_1 = x^\top dz \qquad db_1 = \textstyle\sum_n dz$$
#
# Read $dh = ds\,W_2^\top$ aloud: blame flows back along the same weights that carried the signal.
# A hidden unit that was switched off ($h = 0$) gets none.
#
# **Exercise.** Write that last sentence as code, the step from $dh$ to $dz$. It is the one line of
# `backward` below that is not a product of matrices; try it before you look.


# %% tags=["exercise"]
def before_relu(d_hidden, hidden):
    return ...  # your code


lesson.before_relu.check(before_relu)

# %% [markdown]
# Now the whole way back, in the order of the formulas.


# %%
def backward(weights, x, labels):
    _, _, w2, _ = weights
    hidden, scores = forward(weights, x)
    d_scores = softmax(scores)  # (N, 10)
    d_scores[np.arange(len(labels)), labels] -= 1
    d_scores /= len(labels)
    d_hidden = d_scores @ w2.T  # (N, 32)
    d_before_relu = d_hidden * (hidden > 0)  # (N, 32)
    d_w1, d_b1 = x.T @ d_before_relu, d_before_relu.sum(axis=0)
    d_w2, d_b2 = hidden.T @ d_scores, d_scores.sum(axis=0)
    return [d_w1, d_b1, d_w2, d_b2]


# %% [markdown]
# ## 4 · Do not trust, check
# A wrong gradient often still learns, only worse; that is why the mistake stays hidden. So check it
# against the definition of a slope. Move one weight up and down by a small $\varepsilon$ and see
# what the loss does:
#
# $$\frac{\partial L}{\partial w} \approx \frac{L(w + \varepsilon) - L(w - \varepsilon)}{2\varepsilon}$$
#
# This needs no calculus, only the forward pass, and is called a **finite difference**. It costs two
# forward passes for each weight: fine for a check, hopeless for training.


# %%
def finite_difference(weights, x, labels, array, place, epsilon):
    losses = []
    for sign in (+1, -1):
        moved = [w.copy() for w in weights]
        moved[array][place] += sign * epsilon
        losses.append(cross_entropy(forward(moved, x)[1], labels))
    return (losses[0] - losses[1]) / (2 * epsilon)


def some_slopes(weights, x, labels, epsilon, count=50):
    """Slopes at random places of each array: by formula, by difference."""
    generator = np.random.default_rng(0)
    gradients = backward(weights, x, labels)
    pairs = []
    for array, gradient in enumerate(gradients):
        for _ in range(count):
            place = tuple(generator.integers(gradient.shape))
            difference = finite_difference(
                weights, x, labels, array, place, epsilon
            )
            pairs.append((gradient[place], difference))
    return np.array(pairs).T


# %% [markdown]
# For the check we compute with 64-bit numbers: a difference of two nearly equal losses loses digits,
# and 32-bit numbers have few to lose.

# %%
exact = [w.astype("float64") for w in weights]
by_formula, by_difference = some_slopes(
    exact, x_train[:100].astype("float64"), y_train[:100], epsilon=1e-5
)
figure, axes = plt.subplots(figsize=(4.4, 3.8))
axes.axline((0, 0), slope=1, color="gray", linestyle="--", label="equal")
axes.plot(by_formula, by_difference, "o", markersize=4, label="one weight")
axes.set(
    title="200 slopes, computed twice",
    xlabel="backpropagation (nats per unit of weight)",
    ylabel="finite difference",
)
axes.legend()
plot.describe(
    "200 points, all on the diagonal: both methods give equal slopes."
)
# %%
largest = np.abs(by_formula - by_difference).max()
print(f"largest difference below 1e-8: {largest < 1e-8}")

# %% [markdown]
# Every point is on the diagonal: the formulas are right. This test, four lines long, finds almost
# every mistake in a backward pass. Let us see it find one.
#
# **Predict, then run.** We forget `* (hidden > 0)`, so that switched-off units get blame too. Which
# arrays will the check accuse: all four, or only some?


# %% tags=["predict"]
def careless_backward(weights, x, labels):
    _, _, d_w2, d_b2 = backward(weights, x, labels)
    d_scores = softmax(forward(weights, x)[1])
    d_scores[np.arange(len(labels)), labels] -= 1
    d_hidden = d_scores / len(labels) @ weights[2].T  # the ReLU is forgotten
    return [x.T @ d_hidden, d_hidden.sum(axis=0), d_w2, d_b2]


right = backward(exact, x_train[:100], y_train[:100])
wrong = careless_backward(exact, x_train[:100], y_train[:100])
for name, a, b in zip(("W1", "b1", "W2", "b2"), right, wrong):
    print(name, "agrees" if np.allclose(a, b, atol=1e-8) else "is accused")

# %% [markdown]
# Only the first layer's. Blame flows backwards, so a mistake spoils what lies *before* it and leaves
# what lies behind it untouched. When a check accuses some layers and not others, the fault is just
# after the last one it accuses.

# %% [markdown]
# **Exercise.** Write the check for any loss: the whole gradient by differences on both sides. Start
# from an empty function; `finite_difference` above shows one place of it.


# %% tags=["exercise"]
def numeric_gradient(loss, weights, epsilon):
    return ...  # your code


lesson.numeric_gradient.check(numeric_gradient)

# %% [markdown]
# ### How small is small?
# **Predict, then run.** A slope is a limit, so the smaller $\varepsilon$, the better. True?

# %% tags=["predict"] image_tolerance=0.5
steps = 10.0 ** np.arange(-13, 0)
errors = {}
for kind in ("float64", "float32"):
    arrays = [w.astype(kind) for w in weights]
    x = x_train[:100].astype(kind)
    errors[kind] = [
        np.abs(np.subtract(*some_slopes(arrays, x, y_train[:100], e, 5))).mean()
        for e in steps
    ]
figure, axes = plt.subplots()
for kind, style in (("float64", "o-"), ("float32", "s--")):
    axes.loglog(steps, errors[kind], style, markersize=4, label=kind)
axes.set(
    title="Too large a step is wrong, too small a step is worse",
    xlabel="ε (units of weight)",
    ylabel="mean error of the slope",
)
axes.legend()
plot.describe("Two V-shaped curves: the error is least at a middle ε.")
for kind in errors:
    print(f"{kind}: the best step is {steps[np.argmin(errors[kind])]:g}")
# %% [markdown]
# False. On the right the curve bends within the step, so a smaller step helps. On the left the two
# losses agree in nearly all their digits, and their difference is rounding noise, blown up by
# dividing by a tiny number. For 64-bit numbers the best step is near 10⁻⁵. For 32-bit numbers it is
# near 10⁻³, and even there the slope is a million times less exact; a step below 10⁻⁷ changes
# nothing at all, since the weight is rounded back to where it was. That is why we check in 64 bits
# and train in 32.

# %% [markdown]
# ## 5 · Descent
# Training repeats one thing: take a few examples (a **batch**), compute the gradient, and move each
# weight a little *against* it. This is **stochastic gradient descent**, SGD. One pass over all
# examples is an **epoch**.

# %% tags=["parameters"]
epochs = 40  # quick: 2
batch_size = 32
learning_rate = 0.2


# %%
def batches(seed=1):
    """The order in which all four programs see the examples."""
    generator = np.random.default_rng(seed)
    for _ in range(epochs):
        order = generator.permutation(len(x_train))
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            yield x_train[chosen], y_train[chosen]


def train_numpy(weights, steps=None):
    weights, losses = [w.copy() for w in weights], []
    for x, labels in islice(batches(), steps):  # None: to the end
        losses.append(cross_entropy(forward(weights, x)[1], labels))
        for w, gradient in zip(weights, backward(weights, x, labels)):
            w -= learning_rate * gradient
    return weights, np.array(losses)


trained, numpy_losses = train_numpy(weights)

# %% [markdown]
# How large a step? Move the slider: it trains the same network anew for 60 steps. Find the rate at which
# the loss falls fastest, and the one at which it no longer falls at all.


# %%
def first_steps(figure, learning_rate, batch):
    """Draw the loss of the first 60 steps from the same start."""
    moved, losses = [w.copy() for w in weights], []
    with np.errstate(all="ignore"):  # too large a rate ends in infinities
        for step in range(60):
            chosen = slice(step * batch % 1000, step * batch % 1000 + batch)
            x, labels = x_train[chosen], y_train[chosen]
            losses.append(cross_entropy(forward(moved, x)[1], labels))
            for w, gradient in zip(moved, backward(moved, x, labels)):
                w -= learning_rate * gradient
    axes = figure.subplots()
    axes.plot(losses)
    axes.axhline(np.log(10), color="gray", linestyle="--")
    axes.text(60, np.log(10), "knows nothing", ha="right", va="bottom")
    axes.set(
        title="The first 60 steps",
        xlabel="step",
        ylabel="loss (nats)",
        ylim=(0, 4),
    )
    end = np.mean(losses[-10:])
    return (
        f"Learning rate {learning_rate:.3g}, batches of {batch}: "
        f"mean loss of the last ten steps {end:.2f}."
    )


# %% tags=["explorer"] tolerance=0.01
rates = explore.Explorer(
    first_steps,
    learning_rate=explore.slider(
        0.01, 10.0, 0.2, logarithmic=True, label="learning rate"
    ),
    batch=explore.choice((8, 32, 128), 32, label="examples in a batch"),
)
rates

# %% [markdown]
# A rate ten times smaller learns ten times slower. One that is too large jumps across the valley and
# lands higher on the other side. Between the two lies a wide range in which it hardly matters.

# %% [markdown]
# How good is it? Compare with two honest **baselines**. The first always says the most frequent
# digit. The second, logistic regression, is our network without its hidden layer.

# %% tolerance=0.01
baseline = LogisticRegression(max_iter=1000).fit(x_train, y_train)
most_frequent = np.bincount(y_train).argmax()
accuracy = results.accuracy(forward(trained, x_test)[1], y_test)
results.Table(
    ("on 300 test pictures", "accuracy", "weights and biases"),
    (
        ("always the same digit", f"{(y_test == most_frequent).mean():.3f}", 0),
        ("logistic regression", f"{baseline.score(x_test, y_test):.3f}", 650),
        ("our network", f"{accuracy:.3f}", sum(w.size for w in trained)),
    ),
)

# %% tags=["headline"] tolerance="band"
started = time.perf_counter()
train_numpy(weights)
headline = results.Headline(
    what="accuracy on 300 test digits",
    score=accuracy,
    baseline=baseline.score(x_test, y_test),
    baseline_name="logistic regression",
    parameters=sum(w.size for w in trained),
    seconds=time.perf_counter() - started,
    band=lessons.band("network_from_scratch"),
)
headline

# %% [markdown]
# One number from one run is a sample of one. Started from other random weights the network ends
# elsewhere, so we train it ten times and look at the **seed band**: the lowest and the highest.

# %% tolerance=0.01
runs = [
    results.accuracy(
        forward(train_numpy(new_weights(seed))[0], x_test)[1], y_test
    )
    for seed in range(10)
]
print("accuracy", results.SeedBand.of(runs))

# %% [markdown]
# Logistic regression lies inside the band: on these few small digits a hidden layer buys nothing that
# this test could show. A single lucky run would have told another story. Each test picture weighs
# 1/300, so a difference of 0.01 is three pictures. What did the hidden units learn?

# %% image_tolerance=0.1
plot.images(
    trained[0].T.reshape(HIDDEN, 8, 8)[:20],
    colour_map="RdBu_r",
    limits=(-0.8, 0.8),
    label="weight (no unit)",
)
plot.describe("Twenty 8 by 8 maps of weights: blotches and strokes, no digits.")

# %% [markdown]
# Not digits, but strokes and gaps: red where ink excites the unit, blue where ink quiets it. The
# border pixels, nearly always paper, kept the noise they started with: no ink, no blame.

# %% [markdown]
# ## 6 · The same network in PyTorch
# PyTorch records what is computed and walks it backwards for us: `loss.backward()` is our
# `backward`. Everything else we write as before. We start it from the *same* weights.
#
# One convention differs: PyTorch stores a layer's weights as (outputs, inputs), the transpose of
# ours. Its layer computes `x @ weight.T + bias`.


# %%
def new_pytorch():
    w1, b1, w2, b2 = (torch.from_numpy(w.copy()) for w in weights)
    model = torch.nn.Sequential(
        torch.nn.Linear(64, HIDDEN),
        torch.nn.ReLU(),
        torch.nn.Linear(HIDDEN, 10),
    )
    model.load_state_dict(
        {"0.weight": w1.T, "0.bias": b1, "2.weight": w2.T, "2.bias": b2}
    )
    return model


def train_pytorch(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    losses = []
    for x, labels in batches():
        scores = model(torch.from_numpy(x))
        loss = torch.nn.functional.cross_entropy(
            scores, torch.from_numpy(labels)
        )
        optimizer.zero_grad()  # PyTorch adds gradients up until told otherwise
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


pytorch_losses = train_pytorch(new_pytorch())

# %% [markdown]
# ## 7 · The same network in Keras
# Keras goes one step further: it owns the loop too. We say which optimiser and which loss, and
# `train_on_batch` does forward, backward and step. Its weights have our layout.


# %%
def new_keras():
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(HIDDEN, activation="relu"),
            keras.layers.Dense(10),
        ]
    )
    model.set_weights(weights)
    return model


def train_keras(model):
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    losses = []
    for x, labels in batches():
        losses.append(float(model.train_on_batch(x, labels)))
        model.reset_metrics()  # else Keras reports the mean since the start
    return np.array(losses)


keras_losses = train_keras(new_keras())

# %% [markdown]
# `from_logits=True` says that the model gives raw scores (*logits*) and no probabilities. Forget it
# and Keras takes scores for probabilities: no error, only a network that hardly learns.

# %% [markdown]
# ## 8 · The same network in TensorFlow
# Underneath Keras lies TensorFlow. Its `GradientTape` records like PyTorch, but only what happens
# inside the `with` block. `tf.function` turns the step into a graph, compiled once and then fast.


# %%
def train_tensorflow(weights):
    w1, b1, w2, b2 = variables = [tf.Variable(w) for w in weights]

    @tf.function
    def step(x, labels):
        with tf.GradientTape() as tape:
            hidden = tf.nn.relu(x @ w1 + b1)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(
                    labels, hidden @ w2 + b2
                )
            )
        for w, gradient in zip(variables, tape.gradient(loss, variables)):
            w.assign_sub(learning_rate * gradient)
        return loss

    pairs = ((tf.constant(x), tf.constant(y)) for x, y in batches())
    return np.array([float(step(x, labels)) for x, labels in pairs])


tensorflow_losses = train_tensorflow(weights)

# %% [markdown]
# ## 9 · Four programs, one curve
# **Predict, then run.** Same weights, same batches, same arithmetic, four programs, hundreds of
# steps. How far apart will the losses be: exactly 0, about 0.000001, or about 0.01?

# %% tags=["predict"] image_tolerance=0.5
curves = {
    "NumPy, by hand": numpy_losses,
    "PyTorch": pytorch_losses,
    "Keras": keras_losses,
    "TensorFlow": tensorflow_losses,
}
figure, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(6.4, 5))
for name, width in zip(curves, (7, 5, 3, 1)):
    top.plot(curves[name], linewidth=width, label=name)
    if name != "NumPy, by hand":
        gap = np.abs(curves[name] - numpy_losses)
        bottom.semilogy(np.maximum.accumulate(gap), label=name)
top.set(
    title="Four loss curves, drawn from thick to thin", ylabel="loss (nats)"
)
bottom.set(
    title="Largest distance from the NumPy program so far",
    xlabel="step (batches of 32)",
    ylabel="difference (nats)",
)
top.legend()
bottom.axhline(1e-5, color="gray", linestyle="--", label="0.00001")
bottom.set_ylim(1e-8, 1e-4)
bottom.legend(loc="lower right", ncols=2)
plot.describe("Four loss curves coincide; their distances stay below 0.00001.")
# %% tolerance=0.000005
spread = np.ptp(list(curves.values()), axis=0)  # (steps,) highest less lowest
print(f"steps: {len(spread)}")
print(f"largest difference between any two programs: {spread.max():.7f} nats")
print("below 0.00001 nats at every step:", bool(spread.max() < 1e-5))

# %% [markdown]
# Not exactly 0, but below 0.00001. A 32-bit number carries about seven digits, and each library adds
# up the 64 products of a sum in an order of its own, so the last digit differs. Training carries
# such differences along and can make them grow; here they stay harmless. When two *correct* programs
# differ by 0.01, the reason is not rounding but a convention: another default, another start,
# another order of examples.

# %% [markdown]
# ### What exactly is equal?
# The course has a tool for this question. `parity.carry_weights` copies weights from one framework
# to the other and says what had to be turned; `parity.compare` then looks at the scores, the loss,
# the gradient and the weights after one step.

# %%
pytorch_model, keras_model = new_pytorch(), new_keras()
parity.carry_weights(pytorch_model, keras_model)

# %%
parity.compare(pytorch_model, keras_model, x_test[:64], y_test[:64])

# %% [markdown]
# From the next lesson on we write our networks in the frameworks, and let `fit` of the course's
# helper run the loop. It is the same loop as above, with a progress bar, for both frameworks:

# %% tolerance=0.01
for model in (pytorch_model, keras_model):
    backends.of(model).fit(
        model, x_train, y_train, epochs=epochs, batch_size=batch_size,
        optimizer="sgd", learning_rate=learning_rate,
    )  # fmt: skip

# %% [markdown]
# ## 10 · A common mistake in thinking
# "It does not matter where the weights start, training will sort it out." Start all of them from the
# same number and see how many *different* hidden units come out of two epochs of training.


# %% tolerance=0.01
def different_units(weights):
    return len(np.unique(weights[0].round(4), axis=1).T)


equal_start = [np.full_like(w, 0.1) for w in weights]
for name, start in (("random", weights), ("equal", equal_start)):
    end, _ = train_numpy(start, steps=76)  # two epochs of 38 batches
    accuracy = results.accuracy(forward(end, x_test)[1], y_test)
    print(
        f"{name} start: different units {different_units(end)} of {HIDDEN}, "
        f"accuracy {accuracy:.2f}"
    )
end, _ = train_numpy(equal_start)
few = different_units(end) < HIDDEN // 4
print(f"equal start, {epochs} epochs: fewer than {HIDDEN // 4} of them: {few}")

# %% [markdown]
# One. All 32 units see the same pixels, give the same output, get the same blame and make the same
# step: a network of one unit, at 32 times the price. Random starting weights are there to break this
# **symmetry**. Starting from zero is worse still: then the hidden layer gets no blame at all, since
# $dh = ds\,W_2^\top = 0$.
#
# With exact numbers it would stay at one for ever. A computer rounds, and some processors round not
# quite alike for all units; training enlarges what differs, and in the end a few different units may
# come out. That is luck, not a method.

# %% [markdown]
# ## 11 · Your turn, and questions
# **Exercise.** Train a network of your own with the tools of this lesson.

# %% tags=["exercise"]
my_weights = ...

lesson.my_weights.check(my_weights)

# %% tags=["quiz"]
lesson.QUIZ

# %% [markdown]
# ## Take-aways
# - A loss near log K at the start is right for K classes. Look before you train.
# - Backpropagation is the chain rule with shapes: each gradient has the shape of what it belongs to.
# - Check a hand-written gradient by finite differences, in 64 bits, with a middle-sized step.
# - The same weights, batches and formulas give the same numbers in every framework, to rounding.
#   When they do not, look for a convention.
# - Next to every score belongs a baseline, and the band that other seeds give.
#
# **Sources:** Rumelhart, Hinton and Williams (1986), *Learning representations by back-propagating
# errors*, Nature 323, https://doi.org/10.1038/323533a0 · He, Zhang, Ren and Sun (2015), *Delving
# deep into rectifiers* (the size of the starting weights), https://arxiv.org/abs/1502.01852 ·
# Alpaydin and Kaynak (1998), the digits, https://doi.org/10.24432/C50P49
#
# **The article's claims, tested here:** that a network models complex patterns (it reads digits; on
# this small set a linear model reads them nearly as well), and that one can build it from scratch.

# %% [markdown] tags=["instructor"]
# ### For teachers
# **Run of show, 80 minutes:** 1–2 forward and the loss of equal scores, two exercises (17) · 3
# backward, on the board first, shapes before formulas (18) · 4 the check, with the planted mistake (15)
# · 5 training, the explorer and the seed band (12) · 6–9 three libraries, one curve (12) · 10–11
# symmetry and questions (6). `my_weights` is homework.
#
# **To cut:** "How small is small?" and section 8. **Keep** the planted mistake: it is what people
# remember.
#
# **Ask:** Which array's gradient needs the pictures themselves? (Only `dW1`.) What changes if all
# pictures are twice as bright?
#
# **Where people stall:** the transpose in $dW_2 = h^\top ds$. Let them find it from the shapes alone:
# (32, 10) can only come from (32, N) times (N, 10).
