# %% [markdown]
# # A network from scratch
# Four programs train the same network: one in NumPy, in which we write every formula ourselves, and
# one each in PyTorch, Keras and TensorFlow. They start from the same weights and see the same
# pictures, so at the end we can ask how nearly they agree. Whatever the libraries do for us there, you
# will have done by hand here.
#
# **After this lesson you can:** carry slopes backwards through a network, first with numbers, then
# with matrices · check a gradient without trusting it · carry weights from one framework to another ·
# say what a framework does for you, and what it does not.
#
# **Needs:** lesson 10; NumPy; slopes and the chain rule from school. **Data:** handwritten digits
# (shipped).
#
# {measured}

# %%
import time
from functools import partial
from itertools import pairwise

from dlcourse import backends, course, data, draw, explore
from dlcourse import lessons, parity, plot, results, runtime
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

# %% tags=["learner-state"]
course.review("11")

# %% [markdown]
# ## 1 · The pictures
# Each picture has 8 × 8 pixels, and each pixel is a number from 0 (paper) to 1 (ink). For the network, a
# picture is just a row of 64 numbers.

# %%
digits = data.load("digits")
digits

# %%
plot.images(
    digits.train.images[:20],
    titles=digits.train.labels[:20],
    colour_map="gray_r",
)
plot.describe("Twenty small pictures of handwritten digits with their labels.")

# %% [markdown]
# At 8 × 8 pixels some are hard even for us: the sixth in the first row is a 9, and could be a 3.
#
# Thirteen people wrote these digits. The pictures were shuffled before they were split, so the writers
# of the test digits almost certainly wrote training digits too. The test asks whether a network can read
# *new digits by writers that it knows*. It does not tell us about the handwriting of strangers.
#
# We call the number of pictures `N`. Each has `D = 64` pixels, and there are `K = 10` classes.

# %%
x_train, y_train = digits.train.features, digits.train.labels
x_valid, y_valid = digits.valid.features, digits.valid.labels
x_test, y_test = digits.test.features, digits.test.labels
print("pictures", x_train.shape, "labels", y_train.shape)

# %% [markdown]
# ## 2 · Forward: from pixels to a loss
# A **unit** multiplies each of its inputs by a weight, adds the products up, and adds one more
# number, its bias. That gives a sum, z. Then comes a kink, the **ReLU**: a negative z becomes 0, a
# positive one stays as it is. What comes out is called h.
#
# A layer is a group of units that all look at the same inputs. Ours has 32 of them. They are
# called **hidden units**, because they are neither what goes in nor what comes out. A second layer,
# this time without a ReLU, turns the 32 numbers into ten scores, one for each class. For all pictures
# at once, with a matrix of weights for each layer:
#
# $$z = x W_1 + b_1 \qquad h = \max(0, z) \qquad s = h W_2 + b_2$$
#
# | letter | what it is | shape |
# |---|---|---|
# | $x$ | pixels of the pictures | (N, 64) |
# | $W_1, b_1$ | weights and biases of the hidden units | (64, 32), (32,) |
# | $z$ | what the hidden units add up | (N, 32) |
# | $h$ | what the hidden units give | (N, 32) |
# | $W_2, b_2$ | weights and biases of the second layer | (32, 10), (10,) |
# | $s$ | scores, one for each class | (N, 10) |
#
# Why the kink? Without it, $s = x W_1 W_2 + \ldots$, and the product of two matrices is again one
# matrix: a single layer could do the same.

# %% tags=["parameters"]
seed = 0

# %%
HIDDEN = 32


def new_weights(seed, sizes=(64, HIDDEN, 10)):
    """Random weights and zero biases: [w1, b1, w2, b2]."""
    generator = np.random.default_rng(seed)
    arrays = []
    for inputs, outputs in pairwise(sizes):  # (64, 32), then (32, 10)
        spread = np.sqrt(2 / inputs)
        arrays.append(generator.normal(0, spread, (inputs, outputs)))
        arrays.append(np.zeros(outputs))
    return [array.astype("float32") for array in arrays]


weights = new_weights(seed)
lesson.draw_network(x_train, weights)
plot.describe(
    "Three columns of circles, each joined to all of the next: pixels, "
    "hidden units, scores, with the shapes of the arrays."
)

# %% [markdown]
# (Only some of the circles are drawn.) The weights start as random numbers with a spread of
# $\sqrt{2/\text{inputs}}$: a sum of 64 random products is about $\sqrt{64}$ times as large as one of
# them, and dividing by $\sqrt{64}$ makes up for that. The 2 makes up for the ReLU, which sets about
# half of the sums to 0 (He and others, 2015).


# %%
def forward(weights, x):
    w1, b1, w2, b2 = weights
    z = x @ w1 + b1  # (N, 32)
    hidden = np.maximum(0, z)  # (N, 32)
    scores = hidden @ w2 + b2  # (N, 10)
    return z, hidden, scores


# %% [markdown]
# Softmax turns the scores of a picture into probabilities $p$: raise e to the power of each score,
# then divide by the sum, so that they add up to 1.
#
# $$p_k = \frac{e^{s_k}}{e^{s_0} + e^{s_1} + \ldots + e^{s_9}}$$
#
# **Exercise: find the bug.** This function is the formula, word for word. It works for most scores.
# Find scores for which it fails, and fix it.


# %% tags=["exercise"]
def safe_softmax(scores):
    powers = np.exp(scores)
    return powers / powers.sum(axis=1, keepdims=True)


lesson.safe_softmax.check(safe_softmax)

# %%
softmax = lesson.safe_softmax.carry_on_with(safe_softmax)

# %% [markdown]
# **Exercise: write the test.** When is a softmax safe? Write a function that gets a softmax, calls
# it with scores of your own, and uses `assert` where you know what must come out. The check runs it
# on right functions and on the wrong ones that people write.


# %% tags=["exercise"]
def test_safe_softmax(safe_softmax):
    assert ...  # your cases


lesson.test_safe_softmax.check(test_safe_softmax)

# %% [markdown]
# The loss of one picture is the surprise at its right answer: −log of the probability that the network
# gave to it. It is 0 if that probability is 1, and grows without limit as it goes to 0. The mean over
# the pictures is called **cross-entropy**. It is measured in **nats**, because the logarithm is the
# natural one. (If that probability is so small that it is rounded to 0, the function below gives infinity. The
# libraries avoid this by computing the loss from the scores, without the softmax in between.)


# %%
def cross_entropy(scores, labels):
    """Mean loss in nats; labels are N class numbers."""
    right = softmax(scores)[np.arange(len(labels)), labels]  # (N,)
    return -np.log(right).mean()


def loss_of(weights, x, labels):
    _, _, scores = forward(weights, x)
    return cross_entropy(scores, labels)


# %% [markdown]
# **Predict, then run.** A network knows nothing and gives each of the ten digits the same probability.
# What is its loss? (a) 0, (b) about 2.3, (c) 10.

# %% tags=["predict"]
lesson.PREDICTIONS["knows_nothing"].ask()
equal_scores, five_labels = np.zeros((5, 10)), [3, 1, 4, 1, 5]
knows_nothing = cross_entropy(equal_scores, five_labels)
print(f"loss: {knows_nothing:.4f} nats")

# %% [markdown]
# (b): each right answer has the probability 1/10, and −log(1/10) = log 10 = 2.3026. Remember this number.
# If the loss of ten equally frequent classes stays there, the network has learned nothing.
#
# **Exercise.** Turn the question round. A network with 1 000 classes has a loss of 4.6 nats. It is as
# undecided as somebody who guesses among how many equally likely classes?

# %% tags=["exercise"]
equally_likely_classes = ...

lesson.equally_likely_classes.check(equally_likely_classes)

# %% [markdown]
# ### Where does a network start?
# **Predict, then run.** Our weights are random, so the network knows nothing yet. We look at its loss
# before any training, for ten random starts, once with these weights, once with all of them a tenth as
# large, and once with all of them three times as large. Where is the loss nearest to log 10? (a) with the
# smallest weights, (b) with our weights, (c) everywhere, because random weights know nothing.

# %% tags=["predict"] tolerance=0.01
lesson.PREDICTIONS["start"].ask()
rows = []
for scale in (0.1, 1, 3):
    losses, spreads = [], []
    for start in range(10):
        scaled = [scale * array for array in new_weights(start)]
        losses.append(loss_of(scaled, x_train, y_train))
        spreads.append(forward(scaled, x_train)[2].std())
    row = (
        f"{np.mean(spreads):.2f}",
        f"{min(losses):.2f}",
        f"{max(losses):.2f}",
    )
    rows.append((f"{scale} times ours", *row))
results.Table(
    ("weights", "spread of the scores", "lowest loss", "highest loss"), rows
)

# %% [markdown]
# (a). It is the *size of the scores* that counts. Small scores give nearly equal probabilities. Large
# random scores make the network sure of something, and it is usually wrong. So a loss far above log K
# before training says that the scores are too large. Why not start with very small weights, then? The
# extreme case, all zeros, waits in section 12.
#
# ## 3 · Backward, with numbers
# To lower the loss we need its gradient: a slope for each of the 2 410 weights and biases. The engine of
# lesson 10 would find it number by number, box by box. Here we do the same walk back, backpropagation, for
# a whole network, with formulas of our own. We begin with the smallest network there is: one unit, one
# input, one weight.
#
# ### One weight
# The input is x = 0.5, the weight w = 3 and the bias b = −0.3. The unit should give the target
# t = 2, and for now the loss is simply the square of its error:
#
# $$z = w x + b \qquad h = \max(0, z) \qquad L = (h - t)^2$$
#
# The next cell computes this and draws it. Which numbers does the loss depend on, and on which way?


# %%
def one_unit_forward(w, b, x=0.5, t=2.0):
    product = w * x
    z = product + b
    h = max(0.0, z)
    loss = (h - t) ** 2
    return {
        "w": w, "x": x, "b": b, "t": t,
        "product": product, "z": z, "h": h, "L": loss,
    }  # fmt: skip


steps = {
    "product": "w · x",
    "z": "product + b",
    "h": "max(0, z)",
    "L": "(h − t)²",
}
values = one_unit_forward(w=3.0, b=-0.3)
draw.computation_graph(steps, values)

# %% [markdown]
# The loss depends on w, x and b only through h. Now walk this computation graph backwards, as in lesson 10:
# start at the end, where the slope is 1; at each box, what arrives from the right is multiplied by the box's
# own slope and handed on to the left. Here there are only four kinds of box:
#
# | box | what it hands back |
# |---|---|
# | square | 2 (h − t) times what arrived |
# | ReLU | what arrived if z > 0, else 0 |
# | sum | what arrived, unchanged, to each of its inputs |
# | product | what arrived times the *other* factor |
#
# **Predict, then run.** Walk back on paper, from L to w. What is the slope of the loss along w?
# (a) −4.8, (b) −1.6, (c) −0.8.

# %% tags=["predict"]
lesson.PREDICTIONS["slope"].ask()


def one_unit_backward(values):
    """The slope of L along each number of the graph."""
    slopes = {"L": 1.0}
    slopes["h"] = slopes["L"] * 2 * (values["h"] - values["t"])
    slopes["z"] = slopes["h"] if values["z"] > 0 else 0.0
    slopes["b"] = slopes["z"]
    slopes["product"] = slopes["z"]
    slopes["w"] = slopes["product"] * values["x"]
    slopes["x"] = slopes["product"] * values["w"]
    return slopes


slopes = one_unit_backward(values)
draw.computation_graph(steps, values, slopes)

# %% [markdown]
# (c). The number that reaches the product is −1.6, and the product hands it to w times the other factor,
# x = 0.5. Note what this means: *the slope along a weight is its input times the slope that arrives.*
# With an input of 0, no change of the weight would matter. The whole of section 4 is this one
# sentence, for many weights at once.
#
# Is it true? A slope is what the loss does when w moves a little, up and down. We can just try it:

# %%
epsilon = 0.001
above = one_unit_forward(w=3.0 + epsilon, b=-0.3)["L"]
below = one_unit_forward(w=3.0 - epsilon, b=-0.3)["L"]
print(f"slope along w: {(above - below) / (2 * epsilon):.4f}")

# %% [markdown]
# **Predict, then run.** Now one step of training. Both slopes are negative, so raising w and b lowers
# the loss. Move each of them *against* its slope, by 0.1 times the slope (this 0.1 is the learning
# rate). Work out the new w, b, z and h on paper. What is the new loss? (a) 0.36, (b) 0.58, (c) 1.00.

# %% tags=["predict"]
lesson.PREDICTIONS["step"].ask()
new_w = 3.0 - 0.1 * slopes["w"]
new_b = -0.3 - 0.1 * slopes["b"]
after = one_unit_forward(new_w, new_b)
print(f"w {new_w:.2f}, b {new_b:.2f}, z {after['z']:.2f}, h {after['h']:.2f}")
print(f"the loss was {values['L']:.2f} and is now {after['L']:.2f}")

# %% [markdown]
# (a). If you moved w only you got (b), and if you went uphill you got (c).
#
# **Predict, then run.** Start again, but with the bias b = −2. Then z = −0.5, the unit gives 0, and the
# loss is 4, larger than before. What is the slope along w now? (a) −2, (b) 0, (c) −0.8 as before. The
# graph shows at which box it is decided.

# %% tags=["predict"]
lesson.PREDICTIONS["switched_off"].ask()
off = one_unit_forward(w=3.0, b=-2.0)
off_slopes = one_unit_backward(off)
draw.computation_graph(steps, off, off_slopes)

# %% [markdown]
# (b). A slope of −4 arrives at the ReLU, and it hands back 0. So neither w nor b learns anything from this
# input, however wrong the unit is. A unit that is switched off for *every* input never changes again. It is a
# **dead unit**.
#
# ### Where p − y comes from
# In our real network the loss at the end is softmax and cross-entropy. Its slope is simpler than it
# looks. For a picture whose right class is r:
#
# $$L = -\log p_r = -\log \frac{e^{s_r}}{e^{s_0} + \ldots + e^{s_9}}
#   = \log\,(e^{s_0} + \ldots + e^{s_9}) - s_r$$
#
# Now take the slope along one score $s_k$. The first part is a logarithm of a sum. The slope of the
# logarithm is 1/sum, the slope of the sum along $s_k$ is $e^{s_k}$, and together they give
# $e^{s_k}/\text{sum}$, which is just $p_k$. The second part gives −1 if k is the right class, and 0 if
# not. So, with a row $y$ that is 1 at the right class and 0 elsewhere,
#
# $$\text{slope of } L \text{ along } s_k = p_k - y_k$$
#
# what the network said less what it should have said.
#
# **Predict, then run.** Take the three scores 2, 1 and −1. Their probabilities are about 0.71, 0.26
# and 0.04, and the second class is right. What is the slope along the second score? (a) 0.26, (b) −0.74,
# (c) −1.35.

# %% tags=["predict"]
lesson.PREDICTIONS["slope_of_a_score"].ask()
three_scores = np.array([[2.0, 1.0, -1.0]])
p, y = softmax(three_scores)[0], np.array([0, 1, 0])
rows = []
for k in range(3):
    step = np.zeros((1, 3))
    step[0, k] = 0.0001
    above = cross_entropy(three_scores + step, [1])
    below = cross_entropy(three_scores - step, [1])
    by_difference = (above - below) / 0.0002
    rows.append(
        (f"{p[k]:.2f}", y[k], f"{p[k] - y[k]:.2f}", f"{by_difference:.2f}")
    )
results.Table(("p", "y", "p − y", "by moving the score"), rows)

# %% [markdown]
# (b), by the formula and by trying it. The loss of a batch is the *mean* over its N pictures, so each
# picture's slopes are divided by N. (In code, labels are class numbers. Taking y away from p means
# subtracting 1 at the label.)


# %%
def slopes_of_scores(scores, labels):
    """Slopes of the mean cross-entropy along the scores: (p - y) / N."""
    d_scores = softmax(scores)
    d_scores[np.arange(len(labels)), labels] -= 1
    return d_scores / len(labels)


# %% [markdown]
# ## 4 · Backward, with matrices
# We write $dW$ for the slopes of the loss along all numbers in $W$. It has the shape of $W$, and the
# same goes for every other letter: $ds$ is (N, 10), $dh$ is (N, 32).
#
# One rule of lesson 10 is needed here: if a number is used in several places, it changes the loss in several
# ways, and *the slopes that come back are added*. A weight is used once for every picture, so its slope
# is a sum over pictures. For each picture, the rule of section 3 holds: the slope along a weight is
# its input times the slope that arrives. `np.outer` computes this for all pairs of an input and a slope.
# Here are the weights of the second layer, whose inputs are the hidden units:

# %%
few, few_labels = x_train[:100], y_train[:100]
_, hidden, scores = forward(weights, few)
d_scores = slopes_of_scores(scores, few_labels)

d_w2 = np.zeros((HIDDEN, 10))
for n in range(100):  # one picture after the other
    d_w2 += np.outer(hidden[n], d_scores[n])

in_one_go = hidden.T @ d_scores
print("shapes", hidden.T.shape, "@", d_scores.shape, "=", in_one_go.shape)
print("the same numbers:", np.allclose(in_one_go, d_w2, atol=1e-6))

# %% [markdown]
# A matrix product does exactly this: it multiplies and adds up over the index that both sides share,
# and here that is the pictures. So $dW_2 = h^\top ds$.
#
# **Exercise.** Write the way back through any layer `x @ w + b`. You are given `d_out`, the slopes along
# what the layer gives, and return the slopes along its input, its weights and its bias, each in one line
# without a loop. Think about what is used several times: a weight and a bias by every example, an input
# by every unit. Then let the shapes guide you.


# %% tags=["exercise"]
def dense_backward(d_out, x, w):
    return ...  # d_x, d_w, d_b


lesson.dense_backward.check(dense_backward)

# %%
dense_backward = lesson.dense_backward.carry_on_with(dense_backward)

# %% [markdown]
# Now the whole way back, as formulas:
#
# $$ds = \frac{p - y}{N} \qquad dW_2 = h^\top ds \qquad db_2 = \textstyle\sum_n ds_n
#   \qquad dh = ds\, W_2^\top$$
# $$dz = dh \cdot [z > 0] \qquad dW_1 = x^\top dz \qquad db_1 = \textstyle\sum_n dz_n$$
#
# $[z > 0]$ is 1 where z is positive and 0 elsewhere: the box of the ReLU. And $dh = ds\,W_2^\top$ says that
# slopes flow back along the same weights that carried the signal.


# %%
def backward(weights, x, labels):
    w1, _, w2, _ = weights
    z, hidden, scores = forward(weights, x)
    d_scores = slopes_of_scores(scores, labels)  # (N, 10)
    d_hidden, d_w2, d_b2 = dense_backward(d_scores, hidden, w2)
    d_z = d_hidden * (z > 0)  # (N, 32); True counts as 1
    _, d_w1, d_b1 = dense_backward(d_z, x, w1)  # slopes of pixels: not used
    return [d_w1, d_b1, d_w2, d_b2]


# %% [markdown]
# ## 5 · Descent
# Training is the gradient descent of lesson 10, with one difference: each step computes the gradient from a
# few examples only (a batch). This is **stochastic gradient descent**, SGD. One pass over all training
# examples is an epoch.

# %% tags=["parameters"]
epochs = 40  # quick: 2
starts = 30  # quick: 2
batch_size = 32
learning_rate = 0.2


# %%
def batches(x, labels, epochs, seed=1):
    """Yield the batches in the order that all four programs will see."""
    generator = np.random.default_rng(seed)
    for _ in range(epochs):
        order = generator.permutation(len(x))
        for first in range(0, len(x), batch_size):
            chosen = order[first : first + batch_size]
            yield x[chosen], labels[chosen]


def train_numpy(weights, x, labels, epochs, backward=backward):
    """Return the trained weights, and the loss of every batch."""
    weights = [array.copy() for array in weights]
    losses = []
    for some_x, some_labels in batches(x, labels, epochs):
        losses.append(loss_of(weights, some_x, some_labels))
        gradients = backward(weights, some_x, some_labels)
        for array, gradient in zip(weights, gradients):
            array -= learning_rate * gradient
    return weights, np.array(losses)


# %% tolerance=0.01
trained, numpy_losses = train_numpy(weights, x_train, y_train, epochs)
last_epoch = numpy_losses[-38:]  # 38 batches
print(f"loss of the first batch: {numpy_losses[0]:.2f} nats")
print(f"mean loss of the last epoch: {last_epoch.mean():.2f} nats")

# %% [markdown]
# It learns. The learning rate was 0.2; is that a good choice? Move the slider: it trains the network
# from the same start for 60 steps. Find the rate at which the loss is lowest at the end, and one at
# which nothing is learned. (The figure ends at 4 nats; some losses go far beyond.)


# %%
def first_steps(start, rate, size=32):
    """Take 60 steps; return the losses and the weights they lead to."""
    moved = [array.copy() for array in start]
    losses = []
    with np.errstate(all="ignore"):  # too large a rate ends in infinities
        for step in range(60):
            first = step * size % 1000
            chosen = slice(first, first + size)
            x, labels = x_train[chosen], y_train[chosen]
            losses.append(loss_of(moved, x, labels))
            for array, gradient in zip(moved, backward(moved, x, labels)):
                array -= rate * gradient
    return losses, moved


# %%
def show_first_steps(figure, rate, batch):
    losses, _ = first_steps(weights, rate, batch)
    lesson.draw_first_steps(figure, losses)
    end = np.mean(losses[-10:])
    sentence = (
        f"Learning rate {rate:.3g}, batches of {batch}: "
        f"mean loss of the last ten steps {end:.2f}."
    )
    facts = {"rate": rate, "batch": batch, "end": end, "peak": max(losses)}
    return sentence, facts


# %% tags=["explorer"] tolerance=0.01
rates = explore.Explorer(
    show_first_steps,
    challenges=lesson.CHALLENGES["rates"],
    rate=explore.slider(
        0.01, 10.0, 0.2, logarithmic=True, label="learning rate"
    ),
    batch=explore.choice((8, 32, 128), 32, label="examples in a batch"),
)
rates

# %% [markdown]
# **Predict, then run.** At a rate of 5, with batches of 32, the loss jumps up and then stays near log 10. We
# look inside, for five random starts: how many of the 32 hidden units are still switched on by at least one
# of the 1 200 training pictures? (a) all of them, (b) about half, (c) almost none.

# %% tags=["predict"] tolerance=0.1
lesson.PREDICTIONS["alive"].ask()
rows = []
for rate in (0.02, 0.1, 0.2, 0.5, 1, 2, 5):
    ends, alive = [], []
    for start in range(5):
        losses, moved = first_steps(new_weights(start), rate)
        ends.append(np.mean(losses[-10:]))
        z = forward(moved, x_train)[0]
        alive.append((z > 0).any(axis=0).sum())
    rows.append(
        (str(rate), f"{np.median(ends):.1f}", f"{np.median(alive):.0f}")
    )
results.Table(
    ("learning rate", "loss after 60 steps", "units alive of 32"), rows
)

# %% [markdown]
# (c). Both columns give the **median**, the middle one of five starts. Up to 0.5 a larger rate learns faster,
# and 0.5 is the best of these seven. Our 0.2 has about twice its loss after 60 steps, but keeps its distance
# from the rates that do harm. At 1 the loss is higher again, and a good part of the units are dead. From 2
# on, nearly all of them are: within 60 steps the weights were thrown so far that no picture switches the
# units on. They get no slope and never come back, and what is left can learn little more than how frequent
# each digit is. Too large a rate does not just overshoot. Here it destroys the network. (What is too large
# depends on the batch. In the explorer, try a rate of 1 with batches of 8 and of 128.)
#
# ### How good is it?
# We compare with two honest baselines. The first always says the digit that is most frequent in the
# training set. The second, **logistic regression**, has the form of our network without its hidden layer.
# scikit-learn fits it in another way: until it no longer improves, and with a small penalty on large weights.
# Therefore we also train such a single layer with our own loop: once at our learning rate, so that it differs
# from the network in the hidden layer and the start only, and once at the rate that is best on the validation
# digits, out of 0.2, 0.5 and 1. (It may start from zeros. In section 12 you will see why the network may not.)


# %%
def train_one_layer(learning_rate):
    """The scores of the test pictures, without a hidden layer."""
    w, b = np.zeros((64, 10), "float32"), np.zeros(10, "float32")
    for x, labels in batches(x_train, y_train, epochs):
        d_scores = slopes_of_scores(x @ w + b, labels)
        w -= learning_rate * (x.T @ d_scores)
        b -= learning_rate * d_scores.sum(axis=0)
    return x_test @ w + b


# %% [markdown]
# **Predict, then run.** The network gets 97 of 100 right. What does the single layer reach in 40 epochs, at our
# rate? (a) about 80, (b) about 90, (c) 95 or more.

# %% tags=["predict"] tolerance=0.01
lesson.PREDICTIONS["one_layer"].ask()
baseline = LogisticRegression(max_iter=1000).fit(x_train, y_train)
most_frequent = np.bincount(y_train).argmax()
test_accuracy = results.accuracy(forward(trained, x_test)[2], y_test)
rows = [
    ("always the same digit", (y_test == most_frequent).mean(), 0),
    ("logistic regression, scikit-learn", baseline.score(x_test, y_test), 650),
]
for rate in (learning_rate, 1.0):
    reached = results.accuracy(train_one_layer(rate), y_test)
    rows.append((f"one layer, our loop, rate {rate:g}", reached, 650))
size = sum(array.size for array in trained)
rows.append((f"our network, rate {learning_rate:g}", test_accuracy, size))
results.Table(
    ("on 300 test pictures", "accuracy", "weights and biases"),
    [(name, f"{accuracy:.3f}", count) for name, accuracy, count in rows],
)

# %% [markdown]
# (c). At our rate the single layer is about five digits behind the network. But to catch up it needs no hidden
# layer, only a larger rate: at a rate of 1, which cost the network a good part of its units, it gets as many
# right as the network does at 0.2, give or take a digit. So does logistic regression.

# %% tags=["headline"]
started = time.perf_counter()
train_numpy(weights, x_train, y_train, epochs)  # again, to take the time
headline = results.Headline(
    what="accuracy on 300 test digits",
    score=test_accuracy,
    baseline=baseline.score(x_test, y_test),
    baseline_name="logistic regression",
    parameters=size,
    seconds=time.perf_counter() - started,
    band=lessons.band("network_from_scratch"),
)
headline

# %% [markdown]
# The seed band ("typically …") says what other random starts gave. But chance comes in a second
# time: with other test digits the accuracy would be different too. The
# **standard error** says how different. For an accuracy p, measured on n examples, it is $\sqrt{p(1-p)/n}$.

# %% tolerance=0.002
standard_error = np.sqrt(test_accuracy * (1 - test_accuracy) / len(y_test))
print(f"standard error of the accuracy: {standard_error:.3f}")
print(f"one test digit more or less: {1 / len(y_test):.3f}")

# %% [markdown]
# The standard error alone is about as large as the whole seed band, from its lowest to its highest
# accuracy. So on these small pictures the hidden layer buys nothing that this test could show, once the
# single layer has a rate that suits it. (Section 7 has a task for which it is needed.)
#
# ### What did the hidden units learn?
# Each hidden unit has 64 weights, one for each pixel, so we can look at them as a picture.

# %% image_tolerance=0.1
plot.images(
    trained[0].T.reshape(HIDDEN, 8, 8)[:20],
    colour_map="RdBu_r",
    limits=(-0.8, 0.8),
    label="weight (no unit)",
)
plot.describe(
    "Twenty 8 by 8 maps of weights: some show strokes and blotches, about as "
    "many look like noise, and none looks like a digit."
)

# %% [markdown]
# No digits: some units have strokes, red where ink switches them on and blue where ink switches them
# off. About as many look like noise. How much of it is left of the random start?
#
# **Predict, then run.** A weight with an input of 0 gets no slope. At which borders of the picture did
# the weights stay almost as they started? Look at the digits in section 1. (a) at all four borders,
# (b) at the left and right border only, (c) at the top and bottom border only.

# %% tags=["predict"] tolerance=0.03
lesson.PREDICTIONS["borders"].ask()
moved = np.abs(trained[0] - weights[0]).mean(axis=1).reshape(8, 8)
ink = x_train.mean(axis=0).reshape(8, 8)
regions = {
    "left and right column": np.s_[:, [0, 7]],
    "top and bottom row, without corners": np.s_[[0, 7], 1:7],
    "the 6 × 6 pixels inside": np.s_[1:7, 1:7],
}
rows = []
for name, where in regions.items():
    rows.append(
        (name, f"{ink[where].mean():.2f}", f"{moved[where].mean():.2f}")
    )
results.Table(("pixels", "mean ink", "mean change of a weight"), rows)

# %% tolerance=0.2
change = np.abs(trained[0] - weights[0]).mean(axis=0)  # of each hidden unit
print(f"units whose weights changed by less than 0.06: {(change < 0.06).sum()}")

# %% [markdown]
# (b). Nearly every digit reaches the top and the bottom of its picture. The left and right columns hold hardly
# any ink: hardly any input, slope or change. There, and in the third of the units whose weights hardly
# changed at all, we see the random start. For the noise in the other units this is no explanation.
#
# ## 6 · Do not trust, check
# The network learns, so its gradient must be right. Must it? Here is `backward` again with one mistake:
# the ReLU is forgotten on the way back, and switched-off units get slopes too.


# %%
def careless_backward(weights, x, labels):
    w1, _, w2, _ = weights
    _, hidden, scores = forward(weights, x)
    d_scores = slopes_of_scores(scores, labels)
    d_hidden, d_w2, d_b2 = dense_backward(d_scores, hidden, w2)
    _, d_w1, d_b1 = dense_backward(d_hidden, x, w1)  # no (z > 0)
    return [d_w1, d_b1, d_w2, d_b2]


# %% [markdown]
# **Predict, then run.** We train from 30 random starts, once with the right gradient and once with this
# one: same starts, same batches, same learning rate for both. What accuracy does this one reach on the
# validation digits? (a) about 0.10, (b) about 0.80, (c) about 0.97.

# %% tags=["predict"] tolerance=0.01
lesson.PREDICTIONS["careless"].ask()
trained_often = {}
for name, method in (("right", backward), ("careless", careless_backward)):
    trained_often[name] = [
        train_numpy(new_weights(start), x_train, y_train, epochs, method)[0]
        for start in range(starts)
    ]
rows = []
for name, ends in trained_often.items():
    reached = [
        results.accuracy(forward(end, x_valid)[2], y_valid) for end in ends
    ]
    losses = [loss_of(end, x_train, y_train) for end in ends]
    row = (np.mean(reached), min(reached), max(reached), np.mean(losses))
    rows.append((f"{name} gradient", *[f"{number:.3f}" for number in row]))
results.Table(
    (f"{starts} starts", "accuracy", "lowest", "highest", "training loss"),
    rows,
)

# %% [markdown]
# (c). With a wrong gradient the network still gets nearly 97 of 100 digits right. Is it worse at all?
# Chance comes in twice, as in section 5: with other starts and with other digits. Both trainings use the
# same starts and are asked about the same digits, so we take the differences one by one, and look at the
# test digits too. (The standard error of a mean is the spread of the values that it is taken over,
# divided by the square root of how many there are.)


# %% tolerance=0.005
def right_ones(ends, x, labels):
    """1 where a network is right, else 0: (starts, digits)."""
    said = [forward(end, x)[2].argmax(axis=1) for end in ends]
    return (np.array(said) == labels).astype(int)


rows = []
for kind, x, labels in (
    ("validation", x_valid, y_valid),
    ("test", x_test, y_test),
):
    gaps = right_ones(trained_often["careless"], x, labels) - right_ones(
        trained_often["right"], x, labels
    )
    row = [gaps.mean()]
    for axis in (1, 0):  # means of the starts, then means of the digits
        means = gaps.mean(axis=axis)
        row.append(means.std(ddof=1) / np.sqrt(len(means)))
    rows.append((kind, *[f"{number:.4f}" for number in row]))
results.Table(
    (
        "careless minus right",
        "mean",
        "standard error, starts",
        "standard error, digits",
    ),
    rows,
)

# %% [markdown]
# On the validation digits it is worse by seven in a thousand, more than two standard errors of either kind. On
# the test digits it is worse by two in a thousand: more than two standard errors of the starts, but not of the
# digits. The
# careless gradient's loss on the training pictures, though, is half as large again. All this we know only
# because we have the right gradient to compare it with. If you make this mistake, you have only the row of
# the careless gradient, and nothing in it looks wrong. That is why a gradient that you wrote yourself needs
# a check that does not depend on training.
#
# ### The check
# We did it already in section 3, and in lesson 10 with formulas drawn by chance. A finite difference moves a
# weight up and down by a small $\varepsilon$ and looks at what the loss does.
#
# $$\frac{\partial L}{\partial w} \approx \frac{L(w + \varepsilon) - L(w - \varepsilon)}{2\varepsilon}$$
#
# It uses only the forward pass, so a mistake in `backward` cannot hide in it. It costs two forward
# passes for each weight: fine for a check, hopeless for training.
#
# **Exercise.** Write it for any loss: given a function `loss` of one array, return the slope along every
# number of that array. The array may have any shape; `np.ndindex(weights.shape)` gives all its
# indices one after the other.


# %% tags=["exercise"]
def numeric_gradient(loss, weights, epsilon):
    return ...  # your code


lesson.numeric_gradient.check(numeric_gradient)

# %%
numeric_gradient = lesson.numeric_gradient.carry_on_with(numeric_gradient)

# %% [markdown]
# Now we check all 2 410 slopes, array by array, on 100 pictures. For this we compute with 64-bit numbers:
# subtracting two nearly equal losses cancels most of their digits, and 32-bit numbers have few to
# spare.

# %%
exact = [array.astype("float64") for array in weights]
x_check, y_check = x_train[:100].astype("float64"), y_train[:100]


def loss_with(i, array, weights=exact, loss_of=loss_of):
    """The loss when array number i of the weights is replaced."""
    changed = list(weights)
    changed[i] = array
    return loss_of(changed, x_check, y_check)


by_formula = backward(exact, x_check, y_check)
by_difference = [
    numeric_gradient(partial(loss_with, i), exact[i], 1e-5) for i in range(4)
]

# %%
figure, axes = plt.subplots(figsize=(4.4, 3.8))
axes.axline((0, 0), slope=1, color="gray", linestyle="--", label="equal")
for name, a, b in zip(("W1", "b1", "W2", "b2"), by_formula, by_difference):
    axes.plot(a.ravel(), b.ravel(), "o", markersize=3, label=name)
axes.set(
    title="2 410 slopes, computed twice",
    xlabel="backpropagation (nats per unit)",
    ylabel="finite difference (nats per unit)",
)
axes.legend()
plot.describe("All points lie on the diagonal: the two methods agree.")

# %% [markdown]
# Every point is on the diagonal.
#
# **Predict, then run.** And `careless_backward`, with its forgotten ReLU? Which arrays will the check
# accuse? (a) all four, (b) W1 and b1, (c) W2 and b2.

# %% tags=["predict"] tolerance=0.001
lesson.PREDICTIONS["accused"].ask()
careless = careless_backward(exact, x_check, y_check)
rows = []
for i, name in enumerate(("W1", "b1", "W2", "b2")):
    row = [name]
    for gradients in (by_formula, careless):
        gap = np.abs(gradients[i] - by_difference[i]).max()
        row.append("agrees" if gap < 1e-8 else f"off by up to {gap:.3f}")
    rows.append(row)
results.Table(("array", "backward", "careless_backward"), rows)

# %% [markdown]
# (b). Slopes flow backwards, so a mistake spoils whatever is computed from it on the way back, and nothing
# that was computed before. The check finds what training does not show, and it even says where to look.
#
# ### How small is small?
# A slope is a limit, $\varepsilon \to 0$. We checked with $\varepsilon = 10^{-5}$. **Predict, then run.**
# For the 32 biases $b_1$ we now take $\varepsilon = 10^{-13}$, still in 64-bit numbers. How accurate are
# the slopes? (a) about 10⁸ times more accurate, (b) as accurate as before, (c) about 10⁸ times less
# accurate.


# %%
def slope_errors(number_type, epsilon):
    """Errors of the slopes along b1; which of them meet a kink."""
    arrays = [array.astype(number_type) for array in weights]
    x = x_check.astype(number_type)
    errors = []
    for unit in range(HIDDEN):
        losses = []
        for sign in (+1, -1):
            moved = [array.copy() for array in arrays]
            moved[1][unit] += sign * epsilon
            losses.append(loss_of(moved, x, y_check))
        slope = (losses[0] - losses[1]) / (2 * epsilon)
        errors.append(abs(slope - by_formula[1][unit]))
    z = forward(exact, x_check)[0]
    return np.array(errors), (np.abs(z) < epsilon).any(axis=0)


# %% tags=["predict"]
lesson.PREDICTIONS["smaller_step"].ask()
steps = 10.0 ** np.arange(-13, 0)
found = {}
for number_type in ("float64", "float32"):
    found[number_type] = [slope_errors(number_type, step) for step in steps]
    means = [errors.mean() for errors, _ in found[number_type]]
    print(f"{number_type}: the best step is {steps[np.argmin(means)]:g}")

smallest, middle = [found["float64"][i][0].mean() for i in (0, 8)]
power = np.log10(smallest / middle)
print(f"error with 1e-13: about 10 to the power of {power:.0f} times as large")

# %% image_tolerance=0.5
figure, axes = plt.subplots()
for number_type, marker in (("float64", "o"), ("float32", "s")):
    smooth = [errors[~kink].mean() for errors, kink in found[number_type]]
    axes.loglog(steps, smooth, f"{marker}-", markersize=4, label=number_type)
met = [
    (step, e[k].mean())
    for step, (e, k) in zip(steps, found["float64"])
    if k.any()
]
axes.loglog(*np.transpose(met), "^", label="float64, slopes that meet a kink")
axes.set(
    title="The error of 32 slopes",
    xlabel="ε (units of bias)",
    ylabel="mean error (nats per unit)",
)
axes.legend(fontsize=8)
plot.describe(
    "In 64 bits the error falls below 1e-10 near ε = 0.0001 and rises on both "
    "sides; in 32 bits it stays above 1e-6. Slopes that meet a kink are off "
    "by 1e-4 to 1e-2; the first of them appears at ε = 0.0001."
)

# %%
errors, kink = slope_errors("float64", 0.01)
print(f"with a step of 0.01, biases that meet a kink: {kink.sum()} of {HIDDEN}")
print(f"mean error of these: {errors[kink].mean():.0e}")
print(f"mean error of the others: {errors[~kink].mean():.0e}")

# %% [markdown]
# (c). Small steps fail because of rounding: the two losses agree in nearly all their digits, and what is
# left of their difference is noise, blown up by dividing by a tiny number. (In 32 bits nothing is left of
# it at the far left: both losses are the same number, the slope comes out as 0, and the line is flat.)
# Large steps fail for two reasons. The curve of the loss bends within the step, which costs little here
# (the right end of the line of float64). And the ReLU has a **kink**: if a step moves some picture's z
# across 0, the two sides of the difference belong to two different straight pieces (the triangles; the
# lines leave these slopes out, and the best steps printed above count them in). In 64 bits a step near
# 0.00001 avoids both. If only a few slopes of your own network disagree, look at the kinks before you look
# for a mistake.

# %% [markdown]
# ## 7 · What is a hidden layer for?
# On the digits, logistic regression did as well as our network. Here is a task with just two inputs. The
# square is divided like a chessboard with four fields, and the class is the colour of the field.
#
# **Predict, then run.** Logistic regression divides the plane by a straight line; our network now gets two
# inputs and eight hidden units. What accuracy do the two reach on 500 new points? (a) 0.75 and 0.80,
# (b) 0.50 and 0.98, (c) 0.75 and 0.98.

# %%
generator = np.random.default_rng(0)
points = generator.uniform(-1, 1, (1000, 2)).astype("float32")
fields = (points[:, 0] * points[:, 1] > 0).astype(int)

# %% tags=["predict"] tolerance=0.02
lesson.PREDICTIONS["chessboard"].ask()
line = LogisticRegression().fit(points[:500], fields[:500])
print(f"logistic regression: {line.score(points[500:], fields[500:]):.2f}")
for start in range(5):
    eight_units, _ = train_numpy(
        new_weights(start, sizes=(2, 8, 2)), points[:500], fields[:500], epochs
    )
    scores = forward(eight_units, points[500:])[2]
    accuracy = results.accuracy(scores, fields[500:])
    print(f"eight hidden units, start {start}: {accuracy:.2f}")


# %% image_tolerance=0.1
def eight_units_predict(x):
    return forward(eight_units, x)[2].argmax(axis=1)


lesson.draw_squares(
    points[500:],
    fields[500:],
    {
        "Logistic regression": line.predict,
        "Eight hidden units": eight_units_predict,
    },
)
plot.describe(
    "Points of two classes on a chessboard of four fields. A straight line "
    "cannot separate them; the network's border follows the four fields."
)

# %% [markdown]
# (b). Each class lies in two opposite corners. A straight line can cut one corner off, and would then get
# about two thirds; it cannot have two opposite corners on one side and the other two on the other side.
# Logistic regression does not even find that line: the corners of a class pull it in opposite directions,
# and it does no better than tossing a coin. With hidden units the border is made of straight pieces, and
# the kinks of the ReLUs are where they meet. This task is known as XOR, *exclusive or*: the class depends
# on the two inputs together and on neither alone. Whether a task needs a hidden layer depends on the data,
# and the baseline tells you.

# %% [markdown]
# ## 8 · The same network in PyTorch
# PyTorch records what is computed, as the graph of section 3, and walks it backwards for us:
# `loss.backward()` is our `backward`. We start it from the *same* weights as the NumPy program.
#
# One convention differs: PyTorch stores a layer's weights as (outputs, inputs), the transpose of
# ours. Its layer computes `x @ weight.T + bias`.


# %%
def new_pytorch():
    model = torch.nn.Sequential(
        torch.nn.Linear(64, HIDDEN),
        torch.nn.ReLU(),
        torch.nn.Linear(HIDDEN, 10),
    )
    w1, b1, w2, b2 = [torch.tensor(array) for array in weights]
    with torch.no_grad():  # do not record this
        model[0].weight.copy_(w1.T)
        model[0].bias.copy_(b1)
        model[2].weight.copy_(w2.T)
        model[2].bias.copy_(b2)
    return model


# %% [markdown]
# Where in this model are the 2 410 weights and biases?

# %%
draw.network(new_pytorch(), x_train)

# %% [markdown]
# In the two layers called `Linear`: 64 · 32 + 32 and 32 · 10 + 10. The ReLU has nothing to learn.
#
# The loop has the same steps as ours. (`zero_grad`, since PyTorch adds new gradients to the old ones, as
# lesson 10 showed.)


# %%
def train_pytorch(model):
    loss_function = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    losses = []
    for x, labels in batches(x_train, y_train, epochs):
        scores = model(torch.tensor(x))
        loss = loss_function(scores, torch.tensor(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


pytorch_losses = train_pytorch(new_pytorch())

# %% [markdown]
# ## 9 · The same network in Keras
# Keras goes a step further. We say which **optimiser** (the rule that turns slopes into steps; ours is SGD)
# and which loss, and its `fit` runs the whole loop. Here we keep the loop, to give it our batches and see
# every loss: `train_on_batch` does one step of it, forward, backward and update. Its weights have our layout.


# %%
def new_keras():
    model = keras.Sequential(
        [
            keras.Input(shape=(64,)),
            keras.layers.Dense(HIDDEN, activation="relu"),
            keras.layers.Dense(10),
        ]
    )
    model.set_weights(weights)
    return model


# %% [markdown]
# The drawing of PyTorch's model has three boxes. Which one is missing here?

# %%
draw.network(new_keras(), x_train)

# %% [markdown]
# The ReLU: in Keras it can be a part of the dense layer before it. The shapes at the ends and the
# 2 410 parameters are the same.


# %%
def train_keras(model, epochs=epochs, from_logits=True):
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(
            from_logits=from_logits
        ),
    )
    losses = []
    for x, labels in batches(x_train, y_train, epochs):
        losses.append(float(model.train_on_batch(x, labels)))
        model.reset_metrics()  # else Keras gives the mean since the start
    return np.array(losses)


keras_losses = train_keras(new_keras())

# %% [markdown]
# `from_logits=True` tells Keras that the model gives raw scores, also called **logits**, and not probabilities.
# **Predict, then run.** We train for two epochs from five random starts, with it and without it. With it, the
# validation accuracy is about 0.9. And without? (a) an error message, (b)
# the same accuracy, (c) about 0.1.

# %% tags=["predict"] tolerance=0.05
lesson.PREDICTIONS["from_logits"].ask()
model = new_keras()
for from_logits in (True, False):
    reached = []
    for start in range(5):
        model.set_weights(new_weights(start))
        train_keras(model, epochs=2, from_logits=from_logits)
        scores = model.predict(x_valid, verbose=0)
        reached.append(results.accuracy(scores, y_valid))
    print(f"from_logits={from_logits}: median {np.median(reached):.2f}")

# %% [markdown]
# (c), no better than guessing, and without a word. Now and then a start gets a little further by luck, which
# is why we print the median. Keras takes the scores for probabilities, cuts off what is not between 0 and 1,
# and where something is cut off, no slope comes back. PyTorch has the opposite trap: its `CrossEntropyLoss`
# always expects raw scores, so a softmax at the end of the model is one too many.

# %% [markdown]
# ## 10 · The same network in TensorFlow
# Keras does its computing with another library. Several can be chosen; in this course it is TensorFlow, which
# we can also use directly. Its `GradientTape` records like PyTorch, but only what happens inside the `with`
# block. `tf.function` turns the step into a graph that is built once for each shape of its inputs and then
# used again (here there are two: the last batch of an epoch is smaller).


# %%
def train_tensorflow(weights):
    w1, b1, w2, b2 = [tf.Variable(array) for array in weights]

    @tf.function
    def step(x, labels):
        with tf.GradientTape() as tape:
            hidden = tf.nn.relu(x @ w1 + b1)
            scores = hidden @ w2 + b2
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores)
            )
        gradients = tape.gradient(loss, [w1, b1, w2, b2])
        for variable, gradient in zip([w1, b1, w2, b2], gradients):
            variable.assign_sub(learning_rate * gradient)
        return loss

    losses = []
    for x, labels in batches(x_train, y_train, epochs):
        losses.append(float(step(tf.constant(x), tf.constant(labels))))
    return np.array(losses)


tensorflow_losses = train_tensorflow(weights)

# %% [markdown]
# ## 11 · Four programs
# **Predict, then run.** Same weights, same batches, same formulas, four programs, 40 epochs. How far
# apart are their losses at most? (a) by nothing at all, (b) by less than 0.00001, but not 0, (c) by about 0.01.

# %% tags=["predict"] tolerance=0.000005
lesson.PREDICTIONS["four_programs"].ask()
curves = {
    "NumPy, by hand": numpy_losses,
    "PyTorch": pytorch_losses,
    "Keras": keras_losses,
    "TensorFlow": tensorflow_losses,
}
spread = np.ptp(list(curves.values()), axis=0)  # highest less lowest
print(f"steps: {len(spread)}")
print(f"largest difference between any two programs: {spread.max():.7f} nats")

# %% image_tolerance=0.5
figure, axes = plt.subplot_mosaic("AAA;BCD", figsize=(7, 5))
for name, width in zip(curves, (7, 5, 3, 1)):
    axes["A"].plot(curves[name], linewidth=width, label=name)
axes["A"].set(
    title="Four loss curves, drawn from thick to thin",
    xlabel="step (38 make an epoch)",
    ylabel="loss (nats)",
)
axes["A"].legend()
for panel, name, colour in zip("BCD", list(curves)[1:], plot.COLOURS[1:]):
    gap = np.abs(curves[name] - numpy_losses)
    axes[panel].semilogy(gap, ".", markersize=2, color=colour)
    axes[panel].set(title=name, xlabel="step", ylim=(1e-9, 1e-4))
axes["B"].set_ylabel("distance from NumPy\n(nats)")
plot.describe(
    "Four loss curves coincide. Below, the distance of each library "
    "from the NumPy program: no point lies above 0.00001."
)

# %% [markdown]
# (b). A 32-bit number carries about seven digits. A sum of 64 products can be added up in different orders,
# and each order rounds a little differently. Training can enlarge such differences. In this one the distances
# hardly grew, but the loss itself fell to a small part of what it was: measured against it, they did grow.
# Still, a difference of 0.01 between two such programs would not be rounding. Look for a convention in which
# they differ: another default, another start, another order of examples.
#
# ### What exactly is equal?
# The course has a tool for this question. `parity.carry_weights` copies weights from one framework
# to the other and says what had to be transposed; `parity.compare` then looks at the scores, the
# loss, the gradient, and the weights after one step.

# %%
pytorch_model, keras_model = new_pytorch(), new_keras()
parity.carry_weights(pytorch_model, keras_model)

# %%
parity.compare(pytorch_model, keras_model, x_test[:64], y_test[:64])

# %% [markdown]
# From the next lesson on we write our networks in the frameworks and often let `backends.fit`, a helper of
# the course, run the loop. It is the loop of section 8 with a progress bar, for both frameworks:

# %% tolerance=0.01
for model in (pytorch_model, keras_model):
    backends.fit(
        model,
        x_train,
        y_train,
        epochs=epochs,
        batch_size=batch_size,
        optimizer="sgd",
        learning_rate=learning_rate,
    )

# %% [markdown]
# ## 12 · A common mistake in thinking
# "It does not matter where the weights start, training will sort it out." **Predict, then run.** Start all
# weights and biases from the same number, 0.1, and train as long as above. How many of the 32 hidden units
# are then different from each other? (a) 32, (b) about half, (c) 1. And if they all start from 0?


# %% tags=["predict"] tolerance=0.03
lesson.PREDICTIONS["symmetry"].ask()
first_weights = {
    "random": weights,
    "all 0.1": [np.full_like(array, 0.1) for array in weights],
    "all 0": [np.zeros_like(array) for array in weights],
    "random, one unit": new_weights(0, sizes=(64, 1, 10)),
}
rows = []
for name, start in first_weights.items():
    end, _ = train_numpy(start, x_train, y_train, epochs=epochs)
    units = {tuple(column) for column in end[0].T.round(4)}
    reached = results.accuracy(forward(end, x_valid)[2], y_valid)
    rows.append((name, len(units), f"{reached:.2f}"))
results.Table(("start", "different units", "validation accuracy"), rows)

# %% [markdown]
# (c). All 32 units see the same pixels, give the same output, receive the same slope and make the same
# step. It is a network of one unit at 32 times the price, and gets about as far as one unit (which often
# gets nowhere: its ReLU may be dead from the start). Random starting weights are there to break this
# **symmetry**.
#
# From 0 not even that one unit learns, however long we train. $dh = ds\,W_2^\top$ is 0, so the hidden layer
# gets no slope; and h is 0, so $dW_2 = h^\top ds$ is 0 too. Only the biases of the scores learn. This is the
# answer to the question from section 2: small starting weights give a loss near log K, but the smaller $W_2$
# is, the smaller are the slopes that it hands back.
#
# Does the size of the random weights matter? We take five starts for each of four sizes: a tenth of ours,
# ours, three times and ten times ours. **Predict, then run.** Which has the lowest validation accuracy
# after 40 epochs: (a) a tenth, (b) ten times, (c) none: after 40 epochs all are the same?

# %% tags=["predict"] tolerance=0.05
lesson.PREDICTIONS["size_of_the_start"].ask()
rows = []
for scale in (0.1, 1, 3, 10):
    found = []
    for start in range(5):
        begun = [scale * array for array in new_weights(start)]
        found.append([])
        for passes in (1, epochs):
            with np.errstate(divide="ignore"):  # some losses begin infinite
                end, _ = train_numpy(begun, x_train, y_train, passes)
            reached = results.accuracy(forward(end, x_valid)[2], y_valid)
            found[-1].append(reached)
        found[-1].append(loss_of(end, x_train, y_train))
    means = [f"{number:.2f}" for number in np.mean(found, axis=0)]
    rows.append((f"{scale} times ours", *means))
heads = ("accuracy, 1 epoch", f"{epochs} epochs", "training loss at the end")
results.Table(("weights, mean of five", *heads), rows)

# %% [markdown]
# (b). Small weights learn slowly at first and have caught up after 40 epochs. With three times the size
# the training loss at the end is the lowest of all, and yet about one digit in a hundred more is wrong: a
# better fit to the training digits need not be a better network. With ten times the size about eight in a
# hundred more are wrong, and 40 epochs do not even repair the training loss. Section 2 showed how that
# begins: the network is sure, and wrong.

# %% [markdown]
# ## 13 · Your turn, and questions
# A network with **two** hidden layers. Here is its way forward.


# %%
def deep_forward(weights, x):
    w1, b1, w2, b2, w3, b3 = weights
    z1 = x @ w1 + b1
    h1 = np.maximum(0, z1)
    z2 = h1 @ w2 + b2
    h2 = np.maximum(0, z2)
    return z1, h1, z2, h2, h2 @ w3 + b3


# %% [markdown]
# **Exercise.** Write the way back. `d_scores` is given; return the six gradients.


# %% tags=["exercise"]
def deep_backward(weights, x, d_scores):
    return ...  # [d_w1, d_b1, d_w2, d_b2, d_w3, d_b3]


lesson.deep_backward.check(deep_backward)

# %%
deep_backward = lesson.deep_backward.carry_on_with(deep_backward)

# %% [markdown]
# A check by the course is no proof for your next network. The gradient check is:


# %%
def deep_loss(weights, x, labels):
    return cross_entropy(deep_forward(weights, x)[-1], labels)


deep = [a.astype("float64") for a in new_weights(1, sizes=(64, 12, 12, 10))]
d_scores = slopes_of_scores(deep_forward(deep, x_check)[-1], y_check)
deep_slopes = deep_backward(deep, x_check, d_scores)
for i in range(6):
    loss_of_array = partial(loss_with, i, weights=deep, loss_of=deep_loss)
    slopes_by_difference = numeric_gradient(loss_of_array, deep[i], 1e-5)
    agree = np.allclose(deep_slopes[i], slopes_by_difference, atol=1e-8)
    print(f"array {i}, shape {deep[i].shape}: {'agrees' if agree else 'wrong'}")

# %% [markdown]
# **Exercise.** Train such a network, with 32 units in each hidden layer: it should get 95 of 100
# validation digits right. You will need a loop for six arrays.

# %% tags=["exercise"]
my_weights = ...

lesson.my_weights.check(my_weights)

# %% tags=["quiz"]
lesson.QUIZ

# %% [markdown]
# How often did you guess right in this lesson, and how sure were you?

# %% tags=["learner-state"]
course.guesses("11")

# %% [markdown]
# ## Take-aways
# - Backpropagation is the chain rule, box by box, from the loss to the weights: the slope along a
#   weight is its input times the slope that arrives, added up over the examples.
# - A network may train well with a wrong gradient. Check a gradient that you wrote yourself by finite
#   differences, in 64 bits, with a middle-sized step.
# - Look at the loss before you train. Far above log K, the scores are too large.
# - The same weights, batches and formulas give the same numbers in every framework, up to rounding. If
#   they do not, look for a convention.
# - Put a baseline beside every score, and two errors: what other seeds give, and what other test
#   examples would give.
#
# **Sources:** Rumelhart, Hinton and Williams (1986), *Learning representations by back-propagating
# errors*, Nature 323, https://doi.org/10.1038/323533a0 · He, Zhang, Ren and Sun (2015), *Delving deep
# into rectifiers: surpassing human-level performance on ImageNet classification* (the size of the starting
# weights), https://arxiv.org/abs/1502.01852 · Alpaydin and Kaynak (1998), *Optical recognition of
# handwritten digits*, https://doi.org/10.24432/C50P49
#
# **Claims you will meet elsewhere**, tested in this lesson: see [the page of claims](claims.md).

# %% [markdown] tags=["instructor"]
# ### For teachers
# **Run of show, 170 minutes, best in two sittings:** 1–2 forward and the loss, two exercises (30) · 3 one
# weight on the board, then p − y (25) · 4 matrices, with `dense_backward` (20) · *break* · 5 descent, the
# explorer, baselines and two kinds of chance (25) · 6 the careless gradient and the check (25) · 7 the
# chessboard (5) · 8–11 three libraries (15) · 12 symmetry and the size of the start (5) · 13 the deeper
# network and questions (20, or as homework). The written test is homework.
#
# **To cut:** "How small is small?", section 10, the borders of the picture. **Keep** section 3 and the
# careless gradient.
#
# **Ask:** Which array's gradient needs the pictures themselves? (Only `d_w1`.) What changes in it if all
# pictures are twice as bright? (Not just by a factor of 2: the scores change, and so do the slopes
# that arrive.) Why is the error of the seed band not enough?
#
# **Where people stall:** why slopes are *added* over pictures. Let them compute two pictures by hand with
# one weight. And the transpose in $dW_2 = h^\top ds$: let them find it from the shapes, (32, 10) can only
# come from (32, N) times (N, 10).
