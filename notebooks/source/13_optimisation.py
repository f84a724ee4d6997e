# %% [markdown]
# # Optimisers and learning rates
# The gradient says which way is down. It does not say how far to go. Six optimisers answer that in
# six ways. Each is a few lines of NumPy here; you will find it in two frameworks, and then ask on
# real pictures what each of them is worth once all of them have been tuned with the same care.
#
# **After this lesson you can:** write an optimiser and say in which conventions the frameworks
# differ · find a learning rate and let it change during training · start and normalise a deep
# network so that it learns at all · compare two optimisers fairly · find a bug with a single batch.
#
# **Needs:** lesson 11. **Data:** Fashion-MNIST (shipped).
#
# {measured}

# %%
import inspect
import time
from functools import partial
from itertools import pairwise

from dlcourse import course, data, draw, explore
from dlcourse import lessons, parity, plot, results, runtime
from dlcourse.lessons import optimisation as lesson

import keras
import matplotlib.pyplot as plt
import numpy as np
import torch

plot.use_course_style()
runtime.seed(0)

# %% [markdown]
# ### Do you remember?
# Two questions from earlier lessons.

# %% tags=["learner-state"]
course.review("13")

# %% tags=["parameters"]
seed = 0
epochs = 4  # quick: 1

# %% [markdown]
# ## 1 · One rate for two directions
# We begin without a network, in a long valley as in lesson 10. The loss depends on two weights
# only, and we know it exactly:
#
# $$L = \frac{1}{2}\,(w_1^2 + 25\,w_2^2) \qquad \text{slopes: } w_1 \text{ and } 25\,w_2$$
#
# Along $w_1$ the curvature is 1, along $w_2$ it is 25. Gradient descent moves each weight against
# its slope, by the learning rate $\eta$ times the slope.

# %%
CURVATURES = np.array([1.0, 25.0])
start = np.array([10.0, 1.0])


def valley(w):
    return (CURVATURES * w**2).sum(axis=-1) / 2


def valley_slopes(w):
    return CURVATURES * w


def gradient_descent(w, memory, slopes, rate):
    return w - rate * slopes, memory  # it remembers nothing


def descend(step, memory, slopes_of, start, steps, **options):
    """Take steps from a start; return all places on the way."""
    w, path = start, [start]
    for _ in range(steps):
        w, memory = step(w, memory, slopes_of(w), **options)
        path.append(w)
    return np.array(path)  # (steps + 1, 2)


plain = partial(descend, gradient_descent, None, valley_slopes, start)

# %% [markdown]
# **Predict, then run.** There is one rate for both. Up to which rate does $w_2$ come nearer to 0?
# (a) 0.04, (b) 0.08, (c) 2.

# %% tags=["predict"]
lesson.PREDICTIONS["edge"].ask()
rows, nearer = [], {}
for rate in (0.02, 0.04, 0.06, 0.075, 0.085, 0.1):
    end = np.abs(plain(steps=50, rate=rate)[-1])
    nearer[rate] = end[1] < 1
    rows.append((str(rate), f"{end[0]:.2f}", f"{end[1]:.2g}"))
results.Table(("learning rate", "w₁ after 50 steps", "w₂"), rows)

# %% [markdown]
# (b). One step takes $25\,\eta\,w_2$ from $w_2$, so it multiplies $w_2$ by $1 - 25\,\eta$. If that
# lies between −1 and 1, $w_2$ shrinks: below $\eta = 2/25$. At 0.04 one step brings it to 0 at once.
# Beyond 0.08 each step jumps to the other side of the valley and lands higher than it was. So the
# *steepest* direction sets the limit, and the flattest pays for it: at 0.075 $w_1$, which is
# multiplied by $1 - \eta$, is still at 0.20 after 50 steps.
#
# **Exercise.** Another valley has the curvatures 1 and 40. At which learning rate does its steep
# weight jump back and forth for ever, neither nearer nor further?

# %% tags=["exercise"]
rate_at_the_edge = ...

lesson.rate_at_the_edge.check(rate_at_the_edge)

# %% [markdown]
# Where do the steps of a small and of a large rate differ?

# %%
figure, panels = plt.subplots(2, 1, figsize=(6.4, 4.4), sharex=True)
for axes, rate in zip(panels, (0.02, 0.075)):
    lesson.draw_surface(axes, valley, (-2, 11), (-1.4, 1.4))
    path = plain(steps=40, rate=rate)
    axes.plot(*path.T, ".-", color=plot.COLOURS[1])
    axes.set(title=f"Learning rate {rate}", ylabel="$w_2$")
    print(f"rate {rate}: w₁ ends at {path[-1, 0]:.2f}")
panels[-1].set_xlabel("$w_1$")
plot.describe(
    "Two panels of a long flat valley with 40 steps from its upper right. "
    "At 0.02 the path goes down to the middle and crawls along it; of the ten "
    "units to the lowest point it leaves more than four. At 0.075 it jumps from "
    "side to side and leaves half a unit."
)

# %% [markdown]
# The small rate crawls along the floor of the valley, and after 40 steps $w_1$ has come from 10 to
# 4.46. The large one jumps from side to side, and gets along it all the same.

# %% [markdown]
# ## 2 · Momentum
# In lesson 10 momentum gave the weights a velocity $v$, in which slopes that change sign cancel and
# slopes that agree add up. There the velocity held the rate too, as it does in Keras. PyTorch keeps
# the rate out of it, and so do we from here on. With a number $\mu$ a little below 1, such as 0.9,
# and the slope $g$:
#
# $$v \leftarrow \mu\,v + g \qquad w \leftarrow w - \eta\,v$$
#
# (Lesson 10 called this number β, a letter that section 3 needs.) As long as the rate stays the
# same, both forms make the same steps; section 4 shows what happens when it does not. If the slope
# is always the same, the velocity grows to $g + \mu g + \mu^2 g + \ldots = g/(1 - \mu)$: with
# $\mu = 0.9$ a step becomes ten times as long.


# %%
def momentum_step(w, v, slope, rate, keep):
    v = keep * v + slope
    return w - rate * v, v


# %% [markdown]
# **Predict, then run.** How much does it bring in this valley? We count the steps until the loss is
# a millionth of what it was. Each method gets the best of a list of settings: descent 40 rates,
# momentum the same 40 and 40 larger ones, each with five values of $\mu$. Plain descent at its best
# needs 86 steps. And momentum? (a) about 80, (b) about 20, (c) about 5.


# %% tags=["predict"]
lesson.PREDICTIONS["steps"].ask()


def steps_needed(step, memory, steps=200, **options):
    """Steps to a millionth of the loss; infinite if they do not suffice."""
    path = descend(step, memory, valley_slopes, start, steps, **options)
    there = np.flatnonzero(valley(path) < 1e-6 * valley(start))
    return there[0] if len(there) else np.inf


rates = np.arange(1, 81) * 0.002
needed = {
    "descent": min(
        steps_needed(gradient_descent, None, rate=rate) for rate in rates[:40]
    ),
    "momentum": min(
        steps_needed(momentum_step, 0.0, rate=rate, keep=keep)
        for rate in rates
        for keep in (0.5, 0.6, 0.7, 0.8, 0.9)
    ),
}
for name, steps in needed.items():
    print(f"{name}, best setting: {steps} steps")

# %% [markdown]
# (b). The more the curvatures differ, the more momentum saves in such a valley: in theory the number
# of steps goes with the root of their ratio, in place of the ratio (Polyak, 1964). Here the root is
# 5, and 86 is nearly five times 18. Note that the list had more settings for momentum: it has one
# number more to choose.
#
# ### Nesterov
# **Nesterov**'s version looks ahead: it takes the slope where the velocity is about to carry the
# weight. The frameworks use a form that needs no slope at another place (Bengio,
# Boulanger-Lewandowski and Pascanu, 2012):
#
# $$v \leftarrow \mu\,v + g \qquad w \leftarrow w - \eta\,(g + \mu\,v)$$
#
# In this step the newest slope counts $1 + \mu$ times, in plain momentum once.
#
# **Exercise.** Write one step of it. `keep` is $\mu$, and `v` holds slopes alone, without the rate.


# %% tags=["exercise"]
def nesterov_step(w, v, slope, rate, keep):
    return ...  # the new w and the new v


lesson.nesterov_step.check(nesterov_step)

# %%
nesterov_step = lesson.nesterov_step.carry_on_with(nesterov_step)

# %% [markdown]
# ## 3 · A rate for each weight
# In the valley we would like a small rate for the steep direction and a large one for the flat one.
# The size of the slopes themselves says which is which.
#
# A **running average** follows a changing number: keep most of the old average, and add a little of
# the new number. **RMSProp** keeps such an average $q$ of the squared slopes, and divides each
# slope by the root of it (Tieleman and Hinton, 2012):
#
# $$q \leftarrow \rho\,q + (1 - \rho)\,g^2 \qquad w \leftarrow w - \frac{\eta\,g}{\sqrt{q} + \varepsilon}$$
#
# Each weight has a $q$ of its own, and the small $\varepsilon$ keeps us from dividing by 0.


# %%
def rmsprop_step(w, q, slope, rate, keep=0.99, epsilon=1e-8):
    q = keep * q + (1 - keep) * slope**2
    return w - rate * slope / (np.sqrt(q) + epsilon), q


# %% [markdown]
# **Adam** (Kingma and Ba, 2014) has both: a running average $m$ of the slopes, in place of a
# velocity, and $q$ of their squares. Both averages start at 0, so the first ones are too small. A
# **bias correction** divides each by the share that it has taken in so far: after $t$ steps,
# $1 - \beta_1^t$ and $1 - \beta_2^t$.
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\,g \qquad q \leftarrow \beta_2 q + (1 - \beta_2)\,g^2$$
# $$w \leftarrow w - \eta\,\frac{m / (1 - \beta_1^t)}{\sqrt{q / (1 - \beta_2^t)} + \varepsilon}$$
#
# The usual numbers are $\beta_1 = 0.9$, $\beta_2 = 0.999$ and $\varepsilon = 10^{-8}$.
#
# **Predict, then run.** PyTorch has it ready. Two weights have the slopes 100 and 0.01, and the
# learning rate is 0.1. How far does Adam move them in its first step? (a) 10 and 0.001, (b) 0.1 and
# 0.1, (c) 1 and 0.01.

# %% tags=["predict"]
lesson.PREDICTIONS["first_step"].ask()
both = torch.nn.Parameter(torch.zeros(2))
both.grad = torch.tensor([100, 0.01])
torch.optim.Adam([both], lr=0.1).step()
w = both.detach().numpy()
print("moved by", np.abs(w).round(4))

# %% [markdown]
# (b): in the first step $m$ and the root of $q$, both corrected, are the slope and its size, so
# what is left of the slope is its sign. Whether slopes are large or small, the step is as long as
# the rate.
#
# **Exercise: find the bug.** This function should be one step of Adam. Compare it with the
# formulas, or let it take a first step.


# %% tags=["exercise"]
def adam_step(w, m, q, t, slope, rate):
    m = 0.9 * m + 0.1 * slope
    q = 0.999 * q + 0.001 * slope**2
    w = w - rate * m / (np.sqrt(q) + 1e-8)
    return w, m, q


lesson.adam_step.check(adam_step)

# %%
adam_step = lesson.adam_step.carry_on_with(adam_step)


def adam(w, memory, slope, rate):
    """The same, with m, q and the number of steps so far in one memory."""
    m, q, t = memory
    w, m, q = adam_step(w, m, q, t + 1, slope, rate)
    return w, (m, q, t + 1)


# %% [markdown]
# **Exercise: write the test.** What would you ask of somebody's `adam_step`? Write a function that
# gets it and uses `assert`. A first step alone does not tell all of the mistakes apart.


# %% tags=["exercise"]
def test_adam_step(adam_step):
    assert ...  # your cases


lesson.test_adam_step.check(test_adam_step)

# %% [markdown]
# Here is the second step of the same rule for one weight,
# box by box. The first slope was 100, the second is −100, and *a* and *b* are the corrected mean
# and the root of the corrected square. How long is the second step? (The weight moves *against*
# it.)

# %%
weight, memory = np.array(0.0), (0.0, 0.0, 0)
for slope in (100.0, -100.0):
    before, (old_m, old_q, _) = weight, memory
    weight, memory = adam(weight, memory, slope, rate=0.1)
steps = {
    "m": "0.9 · m₀ + 0.1 · g",
    "q": "0.999 · q₀ + 0.001 · g²",
    "a": "m / 0.19",
    "b": "√(q / 0.001999)",
    "step": "0.1 · a / b",
}
m, q, _ = memory
mean, size = m / (1 - 0.9**2), np.sqrt(q / (1 - 0.999**2))
values = {
    "m₀": old_m, "q₀": old_q, "g": slope, "m": m, "q": q,
    "a": mean, "b": size, "step": before - weight,
}  # fmt: skip
draw.computation_graph(
    steps,
    {name: float(value) for name, value in values.items()},
    title="The second step of Adam",
)

# %% [markdown]
# It turns back, but only by a twentieth of the first step: slopes that disagree nearly cancel in
# $m$, and they do not cancel in $q$. Adam takes long steps where the slopes agree, and short ones
# where they do not.
#
# ### A race
# Besides the long valley there are two other surfaces: a *bent valley*, and a *saddle*, whose middle
# is the lowest point along one weight and the highest along the other, as on a horse's saddle.
# Choose a surface, an optimiser, a learning rate, and how much is kept of what came before ($\mu$;
# for Adam $\beta_1$, for RMSProp $\rho$; plain descent keeps nothing). The grey path is plain
# descent at the same rate.


# %%
RACERS = {
    "descent": (gradient_descent, None),
    "momentum": (momentum_step, 0.0),
    "Nesterov": (nesterov_step, 0.0),
    "RMSProp": (rmsprop_step, 0.0),
    "Adam": (lesson.adam_keeping, (0.0, 0.0, 0)),
}


def run(surface, optimiser, rate, keep, steps=100):
    """The path of an optimiser, as far as its loss is below a million."""
    ground = lesson.SURFACES[surface]
    step, memory = RACERS[optimiser]
    options = {} if optimiser == "descent" else {"keep": keep}
    w, path = ground.start, [ground.start]
    for _ in range(steps):
        slopes = ground.slopes(w)
        w, memory = step(w, memory, slopes, rate=rate, **options)
        if not ground.loss(w) < 1e6:  # it has run away
            break
        path.append(w)
    return np.array(path)


def race(figure, surface, optimiser, rate, keep):
    path = run(surface, optimiser, rate, keep)
    other = run(surface, "descent", rate, keep)
    return lesson.draw_race(figure, surface, optimiser, rate, keep, path, other)


# %% tags=["explorer"]
racers = explore.Explorer(
    race,
    size=(5.4, 2.6),
    challenges=lesson.CHALLENGES["racers"],
    surface=explore.choice(lesson.SURFACES),
    optimiser=explore.choice(RACERS, "momentum"),
    rate=explore.slider(0.001, 1.0, 0.02, logarithmic=True, label="rate"),
    keep=explore.slider(0.0, 0.99, 0.5, step=0.01, label="kept"),
)
racers

# %% [markdown]
# ## 4 · The same in PyTorch and Keras
# Six weights start at the same place, and each optimiser is given the same 20 gradients, with
# slopes from about a thousandth to about ten. By hand, in PyTorch and in Keras we compute with
# 64-bit numbers. (The learning rate, 1/64, and the decay are numbers that a computer holds
# exactly.)
#
# One of the six is new: **AdamW** is Adam with *weight decay*, which section 5 explains.

# %%
generator = np.random.default_rng(0)
six_weights = generator.normal(size=6)
gradients = generator.normal(size=(20, 6))
gradients *= 10.0 ** generator.integers(-3, 2, size=6)
RATE, DECAY, TINY = 1 / 64, 1 / 128, 1e-30


def adamw(w, memory, slope, rate, decay=DECAY):
    return adam(w - rate * decay * w, memory, slope, rate)


def by_hand(step, memory, **options):
    w = six_weights
    for slope in gradients:
        w, memory = step(w, memory, slope, RATE, **options)
    return w


def in_pytorch(make, **options):
    w = torch.nn.Parameter(torch.tensor(six_weights))
    optimizer = make([w], lr=RATE, **options)
    for slope in gradients:
        w.grad = torch.tensor(slope)
        optimizer.step()
    return w.detach().numpy()


def in_keras(make, **options):
    w = keras.Variable(six_weights, dtype="float64")
    optimizer = make(RATE, **options)
    for slope in gradients:
        slope = keras.ops.convert_to_tensor(slope, dtype="float64")
        optimizer.apply([slope], [w])
    return w.numpy()


# %% [markdown]
# What is called what? By hand → PyTorch → Keras: `keep` → `momentum`, `alpha`, `betas` →
# `momentum`, `rho`, `beta_1` and `beta_2`; `epsilon` → `eps` → `epsilon`. Between the frameworks we
# set $\varepsilon$ to next to nothing ($10^{-30}$) for now. The last column takes 7/8 and 1023/1024
# in place of 0.9, 0.99 and 0.999.

# %% tolerance=0.00001
P, K = torch.optim, keras.optimizers


def settings(keep, long_keep):
    """{name: PyTorch's optimiser and options, Keras's}."""
    both = {"eps": TINY, "betas": (keep, long_keep)}
    same = {"epsilon": TINY, "beta_1": keep, "beta_2": long_keep}
    look_ahead = {"momentum": keep, "nesterov": True}
    return {
        "descent": (P.SGD, {}, K.SGD, {}),
        "momentum": (P.SGD, {"momentum": keep}, K.SGD, {"momentum": keep}),
        "Nesterov": (P.SGD, look_ahead, K.SGD, look_ahead),
        "RMSProp": (
            *(P.RMSprop, {"alpha": long_keep, "eps": TINY}),
            *(K.RMSprop, {"rho": long_keep, "epsilon": TINY}),
        ),
        "Adam": (P.Adam, both, K.Adam, same),
        "AdamW": (
            *(P.AdamW, both | {"weight_decay": DECAY}),
            *(K.AdamW, same | {"weight_decay": DECAY}),
        ),
    }


ours = {
    "descent": by_hand(gradient_descent, None),
    "momentum": by_hand(momentum_step, 0.0, keep=0.9),
    "Nesterov": by_hand(nesterov_step, 0.0, keep=0.9),
    "RMSProp": by_hand(rmsprop_step, 0.0),
    "Adam": by_hand(adam, (0.0, 0.0, 0)),
    "AdamW": by_hand(adamw, (0.0, 0.0, 0)),
}
theirs = {
    "descent": in_pytorch(P.SGD),
    "momentum": in_pytorch(P.SGD, momentum=0.9),
    "Nesterov": in_pytorch(P.SGD, momentum=0.9, nesterov=True),
    "RMSProp": in_pytorch(P.RMSprop),
    "Adam": in_pytorch(P.Adam),
    "AdamW": in_pytorch(P.AdamW, weight_decay=DECAY),
}
usual, exact = settings(0.9, 0.999), settings(7 / 8, 1023 / 1024)
usual["RMSProp"] = settings(0.9, 0.99)["RMSProp"]
rows = []
for name in ours:
    gaps = [np.abs(ours[name] - theirs[name]).max()]
    for pytorch, options, in_the_other, same in (usual[name], exact[name]):
        gap = in_pytorch(pytorch, **options) - in_keras(in_the_other, **same)
        gaps.append(np.abs(gap).max())
    rows.append((name, *[lesson.bound(gap) for gap in gaps]))
results.Table(
    ("largest gap", "by hand, PyTorch", "PyTorch, Keras", "exact factors"),
    rows,
)

# %% [markdown]
# By hand and PyTorch agree to the last digits. PyTorch and Keras agree much less where an optimiser
# has a velocity or a mean, and only one thing differs: Keras computes there with 0.9 and 0.999 as
# 32-bit numbers, which have about seven digits. With factors that 32 bits hold exactly, the
# frameworks agree too. (In ordinary training, with 32-bit weights, you will not notice.)
#
# ### Where the conventions differ
# **1. Momentum, when the rate changes.** PyTorch keeps our $v$ and multiplies it by the rate. Keras
# multiplies each slope by the rate *before* it enters: $v \leftarrow \mu v - \eta g$, then
# $w \leftarrow w + v$. At a constant rate that is the same.
#
# **Predict, then run.** The slope is always 1 and $\mu = 0.9$. For 50 steps the rate is 0.1, and
# each step grows to a length of nearly 1. Then the rate drops to 0.01. How long is the next step,
# in PyTorch and in Keras? (a) 0.1 and 0.1, (b) 0.1 and 0.9, (c) 1.0 and 0.1.

# %% tags=["predict"] tolerance=0.00001
lesson.PREDICTIONS["rate_drops"].ask()
w_pytorch = torch.nn.Parameter(torch.zeros(1))
pytorch = torch.optim.SGD([w_pytorch], lr=0.1, momentum=0.9)
w_keras = keras.Variable(np.zeros(1))
in_the_other = keras.optimizers.SGD(0.1, momentum=0.9)
w_pytorch.grad, one = torch.ones(1), keras.ops.ones((1,))
places = []
for step in range(110):
    if step == 50:
        pytorch.param_groups[0]["lr"] = in_the_other.learning_rate = 0.01
    pytorch.step()
    in_the_other.apply([one], [w_keras])
    places.append((w_pytorch.item(), float(w_keras.numpy()[0])))
all_lengths = np.abs(np.diff(places, axis=0))  # (109, 2)
lengths = all_lengths[49]
print(f"PyTorch {lengths[0]:.3f}, Keras {lengths[1]:.3f}")
wait = np.flatnonzero(all_lengths[49:, 1] < 1.1 * all_lengths[-1, 0])[0]
print("steps until Keras is within a tenth of PyTorch:", wait)

# %% [markdown]
# (b). In Keras the velocity still carries the old rate: it takes about forty steps until its step
# is only a tenth too long. With a rate that falls slowly the two stay close; after a sudden drop,
# or with a rate that grows fast, they train differently.
#
# **2. The small number.** Both frameworks add $\varepsilon$ to the root, as we did, for Adam. But
# their defaults differ, and Keras adds it to the *uncorrected* root, which in the first step is
# about 30 times too small. For RMSProp, Keras adds it under the root. It matters where slopes are
# tiny: here 10⁻⁸ in the first step.
#
# **3. The defaults.** Many differ. (The last three rows belong to section 8.)


# %%
def default(make, name):
    return inspect.signature(make).parameters[name].default


norms, layers = torch.nn, keras.layers
batch_kept = 1 - default(norms.BatchNorm1d, "momentum")
table = {
    "SGD, rate": ((P.SGD, "lr"), (K.SGD, "learning_rate")),
    "RMSProp, rate": ((P.RMSprop, "lr"), (K.RMSprop, "learning_rate")),
    "RMSProp, ρ": ((P.RMSprop, "alpha"), (K.RMSprop, "rho")),
    "RMSProp, ε": ((P.RMSprop, "eps"), (K.RMSprop, "epsilon")),
    "Adam, rate": ((P.Adam, "lr"), (K.Adam, "learning_rate")),
    "Adam, ε": ((P.Adam, "eps"), (K.Adam, "epsilon")),
    "AdamW, decay": ((P.AdamW, "weight_decay"), (K.AdamW, "weight_decay")),
    "batch norm, ε": (
        *((norms.BatchNorm1d, "eps"), (layers.BatchNormalization, "epsilon")),
    ),
    "layer norm, ε": (
        *((norms.LayerNorm, "eps"), (layers.LayerNormalization, "epsilon")),
    ),
}
rows = [
    (name, *[f"{default(*where):g}" for where in both])
    for name, both in table.items()
]
in_keras_kept = default(layers.BatchNormalization, "momentum")
rows.append(("batch norm, kept", f"{batch_kept:g}", f"{in_keras_kept:g}"))
results.Table(("default", "PyTorch", "Keras"), rows)

# %% [markdown]
# Of these ten only Adam's rate is the same. What do the others do to a first step?

# %%
rows = []
for name, pytorch, in_the_other, slope in (
    ("Adam, slope 0.1", P.Adam, K.Adam, 0.1),
    ("Adam, slope 1e-8", P.Adam, K.Adam, 1e-8),
    ("RMSProp, slope 0.1", P.RMSprop, K.RMSprop, 0.1),
):
    w_pytorch = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    w_pytorch.grad = torch.full_like(w_pytorch, slope)
    pytorch([w_pytorch], lr=RATE).step()
    w_keras = keras.Variable(np.zeros(1), dtype="float64")
    slopes = keras.ops.full((1,), slope, dtype="float64")
    in_the_other(RATE).apply([slopes], [w_keras])
    first = abs(w_pytorch.item()), abs(float(w_keras.numpy()[0]))
    rows.append((name, *[f"{length / RATE:.4f}" for length in first]))
results.Table(("first step, in rates", "PyTorch", "Keras"), rows)

# %% [markdown]
# With a slope of 0.1 the two Adams agree; with one of 10⁻⁸ PyTorch's still moves by half a rate. RMSProp has no bias correction, so its first step is too long, by
# $1/\sqrt{1 - \rho}$: 10 rates in PyTorch and 3 in Keras. If you carry a recipe from one framework
# to the other, carry these numbers too.
#
# ## 5 · Weight decay, and L2
# Two ways to hold weights back look the same:
#
# - **Weight decay** makes every weight a little smaller at each step:
#   $w \leftarrow w - \eta \lambda w$.
# - An **L2 penalty** adds $\frac{\lambda}{2} w^2$, summed over the weights, to the loss. Its slope
#   along a weight is $\lambda w$, which is added to the slope of the loss.
#
# For plain gradient descent they *are* the same:
# $w - \eta\,(g + \lambda w) = w - \eta\lambda w - \eta g$. Adam divides whatever is in the slope by
# the size of the slopes, and with L2 the $\lambda w$ is in it.
#
# **Predict, then run.** A thousand weights start at 1, and the loss has no use for them: their
# slopes are random signs. For half of them the slopes are *loud*, ±1, for the other half *quiet*,
# ±0.01. All get the same L2 penalty, $\lambda = 0.1$, and 500 steps of Adam. Which end smaller? (a)
# the loud ones, (b) the quiet ones, (c) neither: all shrink equally.

# %% tags=["predict"] tolerance=0.005
lesson.PREDICTIONS["loud"].ask()
signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(500, 1000))
loudness = np.repeat([1.0, 0.01], 500)


def what_is_left(l2, decay, step, memory):
    w = np.ones(1000)
    for slopes in signs * loudness:
        w, memory = step(w - 0.001 * decay * w, memory, slopes + l2 * w, 0.001)
    return w[:500].mean(), w[500:].mean()


left = {
    "descent, L2": what_is_left(0.1, 0, gradient_descent, None),
    "descent, weight decay": what_is_left(0, 0.1, gradient_descent, None),
    "Adam, L2": what_is_left(0.1, 0, adam, (0.0, 0.0, 0)),
    "Adam, weight decay": what_is_left(0, 0.1, adam, (0.0, 0.0, 0)),
}
results.Table(
    ("mean weight after 500 steps", "loud", "quiet"),
    [(name, *[f"{each:.3f}" for each in both]) for name, both in left.items()],
)

# %% [markdown]
# (b). With weight decay, and with plain descent either way, loud and quiet weights shrink equally,
# apart from chance. Through Adam the penalty is divided by the size of the slopes: where slopes are
# quiet it is nearly all that is left, and the weight goes down by about a whole rate in each step.
# So a weight is held back less, the louder its slopes are. Loshchilov and Hutter (2017) therefore
# took the decay out of the slope. That is AdamW. (In their paper $\lambda$ is not multiplied by the
# learning rate that you choose. In both frameworks it is, as above.)
#
# **4. The fourth convention.** An optimiser's argument `weight_decay` does not mean the same in
# both frameworks. Here one weight of 1 has no slope at all, and the decay is 0.1. After 60 steps at
# a rate of 0.01, how much is left?


# %% tolerance=0.0001
def left_of_one(make_pytorch, make_keras, **options):
    w_pytorch = torch.nn.Parameter(torch.ones(1))
    w_keras = keras.Variable(np.ones(1))
    pytorch = make_pytorch([w_pytorch], lr=0.01, weight_decay=0.1, **options)
    in_the_other = make_keras(0.01, weight_decay=0.1, **options)
    for _ in range(60):
        w_pytorch.grad = torch.zeros(1)
        pytorch.step()
        in_the_other.apply([keras.ops.zeros((1,))], [w_keras])
    return f"{w_pytorch.item():.3f}", f"{float(w_keras.numpy()[0]):.3f}"


results.Table(
    ("weight_decay=0.1", "PyTorch", "Keras"),
    (
        ("SGD", *left_of_one(P.SGD, K.SGD)),
        ("SGD, momentum 0.9", *left_of_one(P.SGD, K.SGD, momentum=0.9)),
        ("Adam", *left_of_one(P.Adam, K.Adam)),
        ("AdamW", *left_of_one(P.AdamW, K.AdamW)),
    ),
)

# %% [markdown]
# In Keras it is weight decay everywhere. In PyTorch it is L2, except in AdamW: with momentum the
# penalty adds up in the velocity, and Adam divides it by its own size. At first the weight then
# goes down by a whole rate in each step, however small the decay is. Sixty such steps would leave
# $1 - 60 \cdot 0.01 = 0.4$. But the steps grow a little shorter, and 0.460 is left.
#
# ## 6 · Real pictures: which optimiser?
# Now a network, of two hidden layers, and 5 000 photographs of clothes in ten classes. In 4 epochs
# with batches of 50 there are 400 steps.

# %% tags=["recipe"]
torch.set_num_threads(1)  # products as small as ours gain nothing from two
fashion = data.load("fashion-mnist")


def tensors(split):
    return torch.tensor(split.features), torch.tensor(split.labels)


x_train, y_train = tensors(fashion.train[:5_000])
x_valid, y_valid = tensors(fashion.valid[:])  # [:] keeps no second copy
x_test, y_test = tensors(fashion.test[:])

# %%
one_each = [np.flatnonzero(fashion.test.labels == k)[0] for k in range(10)]
plot.images(
    fashion.test[one_each].images, titles=fashion.classes, size=1.0, columns=5
)
plot.describe(
    "One small grey picture of each of the ten classes of clothes. Pullover, "
    "coat and shirt have similar outlines."
)
del fashion  # it holds 60 000 pictures more than we need


# %% tags=["recipe"]
def network(seed, hidden=(64, 64), spread=1.0, norm=None):
    """Dense layers and ReLUs. Section 8 needs `spread` and `norm`."""
    torch.manual_seed(seed)
    layers = []
    for inputs, outputs in pairwise((784, *hidden, 10)):
        dense = torch.nn.Linear(inputs, outputs)
        size = spread * np.sqrt(2 / inputs)  # as in lesson 11
        torch.nn.init.normal_(dense.weight, std=size)
        torch.nn.init.zeros_(dense.bias)
        layers += [dense]
        if outputs != 10:  # not the scores
            layers += [norm(outputs)] if norm else []
            layers += [torch.nn.ReLU()]
    return torch.nn.Sequential(*layers)


OPTIMISERS = {
    "SGD": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "Nesterov": partial(torch.optim.SGD, momentum=0.9, nesterov=True),
    "RMSProp": torch.optim.RMSprop,
    "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW,
}


# %% [markdown]
# The training loop is the one of lesson 11, and can do two things more: change the learning rate
# from step to step, and clip gradients (section 9). `factor` says what the rate is multiplied by
# when a share `progress` of the training is done.


# %% tags=["recipe"]
def constant(progress):
    return 1.0


def line(progress):
    return 1 - progress


def train_network(
    model, optimizer, factor=constant, epochs=4, seed=0, largest=None, x=x_train
):
    """Train in batches of 50; return the loss of each."""
    generator = torch.Generator().manual_seed(seed)
    rate = optimizer.param_groups[0]["lr"]
    steps, losses = epochs * len(x) // 50, []
    for _ in range(epochs):
        order = torch.randperm(len(x), generator=generator)
        for chosen in order.split(50):
            now = rate * factor(len(losses) / steps)
            optimizer.param_groups[0]["lr"] = now
            scores = model(x[chosen])
            loss = torch.nn.functional.cross_entropy(scores, y_train[chosen])
            optimizer.zero_grad()
            loss.backward()
            if largest:
                torch.nn.utils.clip_grad_norm_(model.parameters(), largest)
            optimizer.step()
            losses.append(loss.item())
    return losses


def accuracy(model, x, labels):
    model.eval()  # section 8 says why
    with torch.no_grad():
        right = model(x).argmax(dim=1) == labels
    model.train()
    return right.float().mean().item()


# %% [markdown]
# ### The same network in Keras
# First the check that lesson 11 taught: the same weights, the same batches, Nesterov at the same
# rate. How far apart are the losses of the first 60 steps?


# %%
def keras_network():
    layers = [keras.Input((784,))]
    layers += [keras.layers.Dense(64, activation="relu") for _ in range(2)]
    return keras.Sequential([*layers, keras.layers.Dense(10)])


pytorch_model, keras_model = network(seed=0), keras_network()
parity.carry_weights(pytorch_model, keras_model)
keras_model.compile(
    optimizer=keras.optimizers.SGD(0.03, momentum=0.9, nesterov=True),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
)

# %% tolerance=0.00001
optimizer = OPTIMISERS["Nesterov"](pytorch_model.parameters(), lr=0.03)
pytorch_losses = train_network(
    pytorch_model, optimizer, epochs=1, x=x_train[:3_000]
)
generator = torch.Generator().manual_seed(0)
keras_losses = []
for chosen in torch.randperm(3_000, generator=generator).split(50):
    batch = x_train[chosen].numpy(), y_train[chosen].numpy()
    keras_losses.append(float(keras_model.train_on_batch(*batch)))
    keras_model.reset_metrics()
gap = np.abs(np.subtract(pytorch_losses, keras_losses)).max()
print(f"{len(keras_losses)} steps, differences below 0.0001: {gap < 1e-4}")
keras.utils.clear_session()

# %% [markdown]
# They agree up to rounding. So from here on one framework is enough for the measurements.
#
# ### A fair comparison
# To compare a tuned optimiser with one that was not tuned is to measure the tuning. So each of the
# six gets the same small search: 15 learning rates, each about twice the one before, three random
# starts for each. The best mean accuracy on the *validation* pictures wins. Then 20 other starts,
# which had no say in the choice, are trained at that rate, and these are reported on the *test*
# pictures. All else is the same: network, pictures, batches, 400 steps. Only the rate is searched:
# $\mu$ is 0.9, and the rest are PyTorch's defaults. (These runs were recorded. The search is in the
# lesson's folder, `record.py`.)
#
# **Predict, then run.** With a constant rate, which has the *lowest* mean accuracy? (a) Adam, (b)
# RMSProp, (c) plain SGD.

# %% tags=["predict"]
lesson.PREDICTIONS["last"].ask()
recorded = lessons.recorded("optimisation")


def rows_of(runs):
    """Rate, mean, lowest and highest accuracy of each search."""
    rows = []
    for name, found in runs.items():
        reached = found["test"]
        band = f"{min(reached):.3f} to {max(reached):.3f}"
        rows.append((name, found["rate"], f"{np.mean(reached):.3f}", band))
    return rows


columns = ("test pictures", "rate", "mean accuracy", "lowest to highest of 20")
results.Table(columns, rows_of(recorded["optimisers"]["constant"]))

# %% [markdown]
# (c), with 0.787. But look at the last column: with a constant rate the last steps are as long as
# all the others, and each lands somewhere else. The seeds of plain SGD lie between 0.707 and 0.813;
# its luckiest is well ahead of Adam's unluckiest.
#
# **Predict, then run.** The same search again, with one change: the learning rate now falls along a
# straight line to 0. What becomes of the six means? (a) all of them rise, (b) some rise and some
# fall, (c) all of them fall.

# %% tags=["predict"]
lesson.PREDICTIONS["falling"].ask()
rows, before = [], recorded["optimisers"]["constant"]
for row, (name, found) in zip(
    rows_of(recorded["optimisers"]["line"]),
    recorded["optimisers"]["line"].items(),
):
    rise = np.mean(found["test"]) - np.mean(before[name]["test"])
    rows.append((*row, f"{rise:+.3f}"))
results.Table((*columns, "rise of the mean"), rows)

# %% [markdown]
# (a). Each of the six gains, from 0.014 (Adam) to 0.024 (plain SGD), and all bands become narrower.
# For all but RMSProp the search now finds a higher rate. Plain SGD has the lowest mean again. And the
# highest? Adam, AdamW and Nesterov are close. All have seen the same batches in the same order, so we
# can compare them seed by seed: the mean of 20 differences, and the standard error of that mean.
# Below it are the means of two of them at the rates beside those that were found.


# %%
def gap_of(one, other):
    """Mean of the differences, seed by seed, and its standard error."""
    gaps = np.subtract(one["test"], other["test"])
    return gaps.mean(), gaps.std(ddof=1) / np.sqrt(len(gaps))


for name, runs in recorded["optimisers"].items():
    for one, other in (("Adam", "Nesterov"), ("Nesterov", "SGD")):
        mean, error = gap_of(runs[one], runs[other])
        print(f"{name}: {one} less {other} {mean:+.4f} ± {error:.4f}")
for name, beside in recorded["neighbours"].items():
    for each, at_rates in beside.items():
        means = [f"{np.mean(at_rates[r]):.3f} at {r}" for r in at_rates]
        print(f"{name}: {each} would have", ", ".join(means))
error = np.sqrt(0.83 * (1 - 0.83) / len(y_test))
print(f"standard error of an accuracy of 0.83 on these pictures: {error:.3f}")

# %% [markdown]
# Adam and Nesterov differ by less than a standard error, in both tables: 20 seeds do not say which of
# them is better.
#
# And is plain SGD last? These standard errors leave one thing out: a search with three seeds for each
# rate finds its rate partly by chance. So look at the rates beside it, too. With a constant rate
# RMSProp would have 0.806 at 0.001, in place of 0.797, and plain SGD no more than 0.787. With a falling
# rate RMSProp has 0.810 to 0.816 at three rates, and plain SGD 0.803 to 0.811: it is not clear which of
# the two is last. Nesterov is ahead of plain SGD by 0.018, and letting the rate fall brings it 0.015.
# Neither choice is a detail here.
#
# (What is tested is this network, these pictures, and so many steps. The weight decay of AdamW,
# 0.01, made no difference that we could measure. All were compared on the same 10 000 test
# pictures: other pictures would move all of them, by a standard error of 0.004 each.) One baseline
# is still missing:

# %%
logistic = recorded["logistic"]
print(f"logistic regression on the same 5 000 pictures: {logistic['test']:.3f}")
print(
    f"(best of {len(logistic['tried'])} penalties on the validation pictures)"
)

# %% tags=["headline"] tolerance=0.02
reached = {}
for name, rate in (("SGD", 0.2), ("Adam", 0.01)):
    model, started = network(seed), time.perf_counter()
    optimizer = OPTIMISERS[name](model.parameters(), lr=rate)
    train_network(model, optimizer, line, epochs, seed)
    seconds = time.perf_counter() - started
    reached[name] = accuracy(model, x_test, y_test)
headline = results.Headline(
    what="Adam, accuracy on 10 000 test pictures",
    score=reached["Adam"],
    baseline=reached["SGD"],
    baseline_name="plain SGD, tuned by the same search",
    parameters=sum(each.numel() for each in model.parameters()),
    seconds=seconds,
    band=lessons.band("optimisation"),
)
headline

# %% [markdown]
# The linear model, fitted by scikit-learn in up to 300 passes, reaches 0.820: more than our network
# with plain SGD or RMSProp, and nearly as much as with momentum. If you have few steps, a slow
# optimiser makes a network look worse than it is.
#
# ## 7 · Finding a rate, and changing it
# ### The learning-rate range test
# A search costs many trainings. Smith (2015) proposed one short one: the **learning-rate range
# test**. Let the rate grow from batch to batch, from far too small to far too large, and look at
# the loss. A common reading takes the rate at which the loss falls fastest. (The loss of single
# batches jumps, so we smooth it by a running average, with the bias correction of section 3.)


# %%
def range_test(name, seed, low=1e-4, high=10.0):
    """One epoch of growing rates: the rates, and the smoothed losses."""
    model = network(seed)
    optimizer = OPTIMISERS[name](model.parameters(), lr=low)
    losses = train_network(
        model, optimizer, lambda p: (high / low) ** p, epochs=1, seed=seed
    )
    average, smooth = 0.0, []
    for t, loss in enumerate(losses, start=1):
        average = 0.8 * average + 0.2 * loss
        smooth.append(average / (1 - 0.8**t))
    rates = low * (high / low) ** (np.arange(len(losses)) / len(losses))
    return rates, np.array(smooth)


def steepest(rates, smooth):
    before_it_rises = np.gradient(smooth)[: smooth.argmin() + 1]
    return rates[before_it_rises.argmin()]


tested = {
    name: [range_test(name, start) for start in range(5)]
    for name in ("SGD", "momentum", "Adam")
}

# %% image_tolerance=0.3
figure, axes = plt.subplots(figsize=(6.4, 3.4))
for (name, runs), colour in zip(tested.items(), plot.COLOURS):
    for rates, smooth in runs:
        axes.semilogx(rates, smooth, color=colour, linewidth=0.8)
        place = steepest(rates, smooth)
        axes.plot(place, np.interp(place, rates, smooth), "o", color=colour)
    axes.plot([], [], "o-", color=colour, label=name)
axes.set(
    title="Learning-rate range tests, five starts each",
    xlabel="learning rate",
    ylabel="loss, smoothed (nats)",
    ylim=(0, 4),
)
axes.legend()
plot.describe(
    "Fifteen curves of the loss against a growing rate. All begin near 2.5. "
    "Adam's fall first and are lowest near 0.01, those of momentum between 0.03 "
    "and 0.2, those of SGD between 0.1 and 0.2; then all rise steeply. Dots mark "
    "where each falls fastest: near 0.002 for Adam, near 0.015 for momentum. Of "
    "SGD's three are near 0.1 and two far to the left."
)

# %% [markdown]
# Adam's curves fall first, and rise first: its good rates are small ones, since each of its steps
# has about the length of the rate itself. The dots are what the test suggests. Is it a good
# suggestion? We look up what a whole training reaches at each of the five suggested rates (at the
# nearest of the 15), beside the best of the 15. These are five other seeds, that chose nothing.
#
# **Predict, then run.** For which training does the test suggest a better rate, for momentum and for
# Adam? (a) with a constant rate, (b) with a rate that falls along a line, (c) for both equally.

# %% tags=["predict"] tolerance=0.03
lesson.PREDICTIONS["suggested"].ask()
rows, lost = [], {}
for schedule in ("constant", "line"):
    for name, runs in tested.items():
        rate = recorded["optimisers"][schedule][name]["rate"]
        reached = recorded["again"][schedule][name]  # {rate: accuracy}
        near = [
            min(reached, key=lambda r: abs(np.log(float(r) / steepest(*run))))
            for run in runs
        ]
        losses = [reached[str(rate)] - reached[each] for each in near]
        lost[schedule, name] = np.mean(losses)
        suggested = sorted(map(float, near))
        rows.append(
            (
                *(f"{name}, {schedule}", rate),
                f"{suggested[0]:g} to {suggested[-1]:g}",
                f"{min(losses):.3f} to {max(losses):.3f}",
                f"{np.mean(losses):.3f}",
            )
        )
results.Table(
    ("training", "best rate", "suggested", "accuracy lost by it", "mean"), rows
)

# %% [markdown]
# (a). With a constant rate the suggestion costs momentum 0.001 on average, and Adam nothing that five
# seeds could show. With a falling rate, which bears higher rates, the suggestion is too low: it costs
# momentum 0.011 and Adam 0.005. For plain SGD it depends on the start: with two of five the loss of
# some early batch happened to fall fastest, and the suggestion is useless. The curve shows that at a
# glance, and the rule does not. So look at the curve, and try larger and smaller rates in the training
# that you mean to run.
#
# ### Schedules
# A rate that changes during training follows a **schedule**. Its largest rate is called its *peak
# rate*. Here are four schedules that fall to 0, one that falls to a tenth, and the constant one:


# %% tags=["recipe"]
def to_a_tenth(progress):
    return 1 - 0.9 * progress


def cosine(progress):
    return (1 + np.cos(np.pi * progress)) / 2


def warm_up(progress):
    """A tenth of the way up, then down along a line."""
    return min(progress / 0.1, (1 - progress) / 0.9)


def one_cycle(progress):
    """A quarter of the way up, then down along a line."""
    return min(progress / 0.25, (1 - progress) / 0.75)


# %%
figure, axes = plt.subplots(figsize=(6.0, 2.8))
progress = np.linspace(0, 1, 201)
schedules = (constant, to_a_tenth, line, cosine, warm_up, one_cycle)
for schedule in schedules:
    factors = [schedule(moment) for moment in progress]
    axes.plot(progress, factors, label=schedule.__name__)
axes.set(
    title="Six schedules",
    xlabel="share of the training done",
    ylabel="factor of the learning rate",
)
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plot.describe(
    "Six factors between 0 and 1 against the share of the training. One stays "
    "at 1. One falls along a straight line to a tenth. The others end "
    "at 0: a straight line, a half wave of the cosine, and two that rise first, "
    "for a tenth and for a quarter of the time."
)

# %% [markdown]
# A **cosine schedule** falls slowly at both ends. **Warm-up** begins with small steps. A **one-cycle
# schedule** has a long warm-up (Smith, 2018; there the momentum falls while the rate rises, which
# ours does not).
#
# **Exercise.** Write a cosine schedule with warm-up: from 0 to 1 along a straight line during the
# first part, of length `warm`, then along half a cosine from 1 to 0 in the rest.


# %% tags=["exercise"]
def warm_cosine(progress, warm):
    return ...  # the factor


lesson.warm_cosine.check(warm_cosine)

# %% [markdown]
# **Predict, then run.** Each of the new schedules gets a search of its own for the peak rate, seven
# rates around the one that suits the line, and 20 new seeds. Compare constant with line, and line
# with warm-up. Which change moves the means of both Nesterov and Adam by more than 0.008? (a) only
# that the rate falls, (b) only warm-up, (c) both.

# %% tags=["predict"]
lesson.PREDICTIONS["schedules"].ask()
runs = recorded["optimisers"] | recorded["schedules"]
rows, moved = [], {}
for each in ("Nesterov", "Adam"):
    for schedule in schedules:
        found = runs[schedule.__name__][each]
        mean, error = gap_of(found, runs["line"][each])
        moved[each, schedule.__name__] = mean
        row = (f"{each}, {schedule.__name__}", found["rate"])
        gap = "" if schedule is line else f"{mean:+.4f} ± {error:.4f}"
        rows.append((*row, f"{np.mean(found['test']):.3f}", gap))
results.Table((*columns[:3], "less line"), rows)

# %% [markdown]
# (a). That the rate falls along a line brings 0.015 to Nesterov and 0.014 to Adam. Need it fall to 0?
# A tenth is nearly as good: 0.0013 less than the line for Nesterov, which is little more than the
# standard error, and 0.0024 less for Adam. The cosine is no better than the line. To rise first
# brings a little to both, 0.0018 and 0.0034 with warm-up, and with one-cycle nearly the same. So
# here it matters most that the rate comes down. How, and how far, is worth less than 0.004.
#
# **Where warm-up does more.** Now nothing is tuned: both optimisers get three times and ten
# times the rate that was best for them without warm-up, and ten starts each.

# %%
rows = []
for found in recorded["too_large"]:
    reached = found["valid"]
    what = f"{found['optimiser']}, {found['schedule']}"
    band = f"{min(reached):.3f} to {max(reached):.3f}"
    mean = f"{np.mean(reached):.3f}"
    rows.append((what, f"{found['times']} times", found["rate"], mean, band))
results.Table(
    (
        *("validation pictures", "the best rate", "rate"),
        *("mean accuracy", "lowest to highest of 10"),
    ),
    rows,
)

# %% [markdown]
# At three times the best rate warm-up takes Nesterov from 0.693 to 0.796 and Adam from 0.823 to 0.838.
# At ten times it takes Adam from 0.411 to 0.707, and Nesterov learns nothing either way. So warm-up
# can make a wrong rate less wrong. It does not make every rate right.
#
# ## 8 · Where training begins
# Before an optimiser takes its first step, the starting weights decide how large the slopes are.
# Ten hidden layers of 64 units, before any training: how large is what the layers give, and how
# large are the slopes that come back? (By the size of an array we mean the root of the mean of its
# squares.)
#
# Four starts are compared. **He's start**, which lesson 11 used, gives the random weights a spread
# of $\sqrt{2/\text{inputs}}$. Two others have half of that spread, and twice of it. **Glorot's
# start** (2010) has a spread of $\sqrt{2/(\text{inputs} + \text{outputs})}$, which Keras takes for
# a dense layer if you say nothing. Between layers of equal width that is $\sqrt{1/\text{inputs}}$.
#
# **Predict, then run.** With Glorot's spread, how large are the sums of the tenth hidden layer,
# beside those of the first? (a) about 1/500, (b) about 1/20, (c) about the same.


# %%
def size(array):
    return array.square().mean().sqrt().item()


def layer_by_layer(model):
    """Size of what each dense layer gives, and of the slopes along it."""
    h, kept = x_train[:500], []
    for layer in model:
        h = layer(h)
        if isinstance(layer, torch.nn.Linear):
            h.retain_grad()
            kept.append(h)
    torch.nn.functional.cross_entropy(h, y_train[:500]).backward()
    return [(size(z), size(z.grad)) for z in kept]


STARTS = {
    "half of He's": {"spread": 0.5},
    "Glorot's": {"spread": np.sqrt(1 / 2)},
    "He's": {"spread": 1.0},
    "twice He's": {"spread": 2.0},
    "half of He's, batch norm": {"spread": 0.5, "norm": torch.nn.BatchNorm1d},
    "twice He's, layer norm": {"spread": 2.0, "norm": torch.nn.LayerNorm},
}
sizes = {}  # start: (11 layers, 2), the median of ten seeds
for name, options in STARTS.items():
    found = [
        layer_by_layer(network(s, (64,) * 10, **options)) for s in range(10)
    ]
    sizes[name] = np.median(found, axis=0)

# %% tags=["predict"] tolerance=0.02
lesson.PREDICTIONS["fades"].ask()
rows = []
for name in list(STARTS)[:4]:
    forward, back = sizes[name].T
    rows.append(
        (name, f"{forward[9] / forward[0]:.2g}", f"{back[0] / back[9]:.2g}")
    )
results.Table(
    ("start", "sums, tenth by first layer", "slopes, first by tenth"), rows
)

# %% image_tolerance=0.1
figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.6))
for (name, found), marker in zip(sizes.items(), "osD^vx"):
    for axes, values in zip(panels, found.T):
        axes.semilogy(range(1, 12), values, f"{marker}-", ms=4, label=name)
panels[0].set(title="Forward", xlabel="layer", ylabel="size of the sums")
panels[1].set(title="Backward", xlabel="layer", ylabel="size of the slopes")
panels[0].legend(fontsize=7)
plot.describe(
    "Two panels over eleven layers, six starts. Forward, the sums stay level for "
    "He's start and with a norm, fall to less than a thousandth for half of He's "
    "and rise several hundredfold for twice He's; Glorot's lies between half of He's "
    "and He's. Backward, from layer 10 to layer 1, the slopes do the same, but with "
    "batch norm they grow about tenfold."
)

# %% [markdown]
# (b). A ReLU sets about half of the sums to 0, and so halves the mean of the squares; He's 2 makes
# up for it, and Glorot's spread, which was derived without a ReLU, does not. Each layer then
# multiplies the size by about $\sqrt{1/2}$, forwards and backwards, and nine layers in a row by
# about 1/20. With half of He's it is 1/2 for each layer, with twice He's it is 2.
#
# Two more lines of the figure begin with these spreads and stay level all the same, at least forward:
# a layer after each dense one puts the size right.
#
# ### Batch norm, and its two modes
# A **batch norm** layer (Ioffe and Szegedy, 2015) looks at one unit after the other. It takes the
# mean of the unit's sums over the batch and their **variance**, the mean squared distance from that
# mean, and makes mean 0 and variance 1 of them. Then it multiplies by a **scale** and adds a
# **shift**, two numbers for each unit, which are learned.
#
# In use there may be no batch, only one picture. So a network has two **modes**. In *training mode*
# the layer takes mean and variance from the batch at hand, and keeps running averages of both. In
# *evaluation mode* it uses these averages.


# %%
def batch_norm(z, memory, training, keep=0.9, epsilon=1e-5):
    """Scale and shift are still 1 and 0. z: (N, units)."""
    mean, variance = memory
    if training:
        mean, variance = z.mean(axis=0), z.var(axis=0)
        n = len(z)
        unbiased = variance * n / (n - 1)  # what PyTorch remembers
        memory = (
            keep * memory[0] + (1 - keep) * mean,
            keep * memory[1] + (1 - keep) * unbiased,
        )
    return (z - mean) / np.sqrt(variance + epsilon), memory


z = np.random.default_rng(0).normal(3, 2, size=(8, 4)).astype("float32")
by_hand, memory = batch_norm(z, (np.zeros(4), np.ones(4)), training=True)
in_use, _ = batch_norm(z, memory, training=False)

pytorch_norm = torch.nn.BatchNorm1d(4)  # in training mode
keras_norm = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
said = {
    "PyTorch": [pytorch_norm(torch.tensor(z)).detach().numpy()],
    "Keras": [keras_norm(z, training=True).numpy()],
}
pytorch_norm.eval()
said["PyTorch"].append(pytorch_norm(torch.tensor(z)).detach().numpy())
said["Keras"].append(keras_norm(z, training=False).numpy())
for name, (in_training, in_evaluation) in said.items():
    agree = np.allclose(in_training, by_hand, atol=1e-5)
    gap = np.abs(in_evaluation - in_use).max()
    print(f"{name}: training mode agrees: {agree}, evaluation off by {gap:.2f}")

# %% [markdown]
# In training mode all three agree. In evaluation mode Keras differs a little, by a convention:
# PyTorch remembers the variance with n − 1 in place of n, Keras the one with n. (And what is called
# `momentum` here has nothing to do with section 2: Keras's 0.9 is what the old average keeps,
# PyTorch's 0.1 is the share of the new one.)
#
# **Predict, then run.** The batch is now a single picture, in training mode. What does the formula
# give for its four units? (a) the same as in evaluation mode, (b) four zeros, (c) `nan`: a division
# by 0.

# %% tags=["predict"]
lesson.PREDICTIONS["alone"].ask()
pytorch_norm.train()
alone = {"Keras": keras_norm(z[:1], training=True).numpy().round(4)}
try:
    alone["PyTorch"] = pytorch_norm(torch.tensor(z[:1])).detach().numpy()
except ValueError as error:
    alone["PyTorch"] = str(error)
for name, answer in alone.items():
    print(f"{name}: {answer}")

# %% [markdown]
# (b): a picture less the mean of itself. $\varepsilon$ keeps the division from failing, and
# whatever the picture was, the answer is the same. PyTorch refuses; Keras does not say a word. The
# same happens, less visibly, whenever a network that has been trained is used in the wrong mode:
# what it says about a picture depends on the others in the batch. That is why `accuracy` in section
# 6 calls `model.eval()` first, and `model.train()` afterwards.
#
# ### Layer norm
# **Layer norm** (Ba, Kiros and Hinton, 2016) takes mean and variance over the units of *one*
# picture. It needs no batch, no memory and no modes.


# %%
def layer_norm(z, epsilon=1e-5):
    mean, variance = z.mean(axis=1, keepdims=True), z.var(axis=1, keepdims=True)
    return (z - mean) / np.sqrt(variance + epsilon)


pytorch_norm = torch.nn.LayerNorm(4)
keras_norm = keras.layers.LayerNormalization(epsilon=1e-5)
with torch.no_grad():
    in_pytorch_now = pytorch_norm(torch.tensor(z)).numpy()
print("PyTorch:", np.allclose(in_pytorch_now, layer_norm(z), atol=1e-5))
print("Keras:", np.allclose(keras_norm(z).numpy(), layer_norm(z), atol=1e-5))
same = np.allclose(layer_norm(z[:1]), layer_norm(z)[:1])
print("one picture alone gives the same:", same)

# %% [markdown]
# ### Does it train?
# The deep network of ten hidden layers, recorded with momentum and a rate that falls along a line,
# 3 epochs. Each start has the best of 13 learning rates, from a millionth to 1, by the same search as
# before, and ten new seeds. 0.10 is guessing.
#
# **Predict, then run.** Without a norm, He's start reaches 0.78. And a start with twice He's
# spread, at the best of its 13 rates? (a) about 0.75, (b) about 0.50, (c) about 0.10.

# %% tags=["predict"]
lesson.PREDICTIONS["starts"].ask()
table = {}
for found in recorded["starts"]:
    reached = found["test"]
    cell = f"{np.mean(reached):.2f} ({min(reached):.2f} to {max(reached):.2f})"
    table.setdefault(found["start"], []).append(cell)
    if found["norm"] == "no normalisation":
        print(f"{found['start']}, no norm: best rate {found['rate']:g}")
norms = list(dict.fromkeys(found["norm"] for found in recorded["starts"]))
results.Table(
    ("start", *norms), [(name, *cells) for name, cells in table.items()]
)

# %% [markdown]
# (b): 0.48 on average, and from 0.31 to 0.59, at a rate of 0.0001. That is a hundredth of the rate
# that suits He's start. A list that began at 0.001 would have had us say that it learns nothing. Half
# of He's learns little at any of the rates (0.23), and Glorot's start reaches 0.69, He's 0.78. **With
# a norm all four train**, and lie within 0.03 of each other with batch norm, within 0.02 with layer
# norm. That is what a norm is for here: it makes the start matter less.
#
# Does it also make a good start better? Hardly: with He's start, batch norm and layer norm reach 0.78
# as well. (A norm has weights of its own and costs time. Neither was made up for here.)
#
# ## 9 · Clipping
# One bad batch can undo a training. Suppose that ten of our 5 000 pictures were damaged: somebody
# forgot to divide them by 255, so their pixels go from 0 to 255.


# %% tags=["recipe"]
damaged = x_train.clone()
damaged_ones = np.random.default_rng(0).choice(5_000, 10, replace=False)
damaged[damaged_ones] *= 255

# %% [markdown]
# **Gradient clipping** (Pascanu, Mikolov and Bengio, 2013) looks at the length of the whole
# gradient, over all arrays of slopes: the root of the sum of all squares. If it is larger than a
# limit, all slopes are multiplied by the same number, so that it is just the limit. The direction
# stays.
#
# **Exercise.** Write it, for a list of arrays.


# %% tags=["exercise"]
def clip_by_norm(slopes, largest):
    return ...  # a list of new arrays


lesson.clip_by_norm.check(clip_by_norm)

# %%
clip_by_norm = lesson.clip_by_norm.carry_on_with(clip_by_norm)
two = [np.array([3.0]), np.array([4.0])]  # together of length 5
print("by hand:", *clip_by_norm(two, 1.0))
arrays = [torch.nn.Parameter(torch.zeros(1)) for _ in two]
for array, slope in zip(arrays, two):
    array.grad = torch.tensor(slope, dtype=torch.float32)
torch.nn.utils.clip_grad_norm_(arrays, 1.0)
print("PyTorch:", *[array.grad.numpy().round(4) for array in arrays])
for option in ("global_clipnorm", "clipnorm"):
    arrays = [keras.Variable(np.zeros(1)) for _ in two]
    optimizer = keras.optimizers.SGD(1.0, **{option: 1.0})
    optimizer.apply([keras.ops.cast(slope, "float32") for slope in two], arrays)
    print(f"Keras, {option}:", *[-array.numpy().round(4) for array in arrays])

# %% [markdown]
# Again a convention: Keras's `clipnorm` clips each array by itself, which changes the direction.
# PyTorch's `clip_grad_norm_`, ours and `global_clipnorm` are the same.
#
# What does it do to a training on the damaged pictures?

# %% image_tolerance=0.3
LIMITS = {"not clipped": None, "clipped to 1": 1.0}


def on_damaged(largest, seed):
    """One epoch of plain SGD: its losses, and which batches were damaged."""
    model = network(seed)
    optimizer = OPTIMISERS["SGD"](model.parameters(), lr=0.03)
    options = {"epochs": 1, "seed": seed, "largest": largest, "x": damaged}
    losses = train_network(model, optimizer, line, **options)
    generator = torch.Generator().manual_seed(seed)  # the same order again
    order = torch.randperm(5_000, generator=generator).numpy()
    struck = np.isin(order, damaged_ones).reshape(100, 50).any(axis=1)
    return np.array(losses), struck


figure, axes = plt.subplots(figsize=(6.4, 3.2))
for name, largest in LIMITS.items():
    axes.semilogy(on_damaged(largest, seed=0)[0], label=name)
axes.set(
    title="One epoch with ten damaged pictures, plain SGD",
    xlabel="step",
    ylabel="loss (nats)",
    yticks=(1, 2, 5, 10, 20, 50),
    yticklabels=(1, 2, 5, 10, 20, 50),
)
axes.minorticks_off()
axes.legend()
plot.describe(
    "Two loss curves with spikes. Not clipped, the highest spike is above 50, "
    "and from step 50 on the curve is mostly above the other one, also between the "
    "spikes. Clipped, all spikes are below 10, and between them the curve falls "
    "to about 1.4."
)

# %% [markdown]
# There are spikes either way. (The loss of a damaged picture is large, whatever the step was.) What
# matters is what they leave behind. Compare the loss one step before a damaged batch with the loss
# one step after it, where both of these batches are clean, over ten starts.

# %% tolerance=0.1
for name, largest in LIMITS.items():
    rises, ends = [], []
    for start in range(10):
        losses, struck = on_damaged(largest, start)
        alone = struck[1:-1] & ~struck[:-2] & ~struck[2:]
        rises += list((losses[2:] - losses[:-2])[alone])
        ends.append(np.median(losses[80:][~struck[80:]]))
    worse = np.mean(np.array(rises) > 0.5)
    print(f"{name}: {len(rises)} damaged batches", end=", ")
    print(f"higher by 0.5 after {worse:.2f} of them", end=", ")
    print(f"at the end {np.median(ends):.1f}")

# %% [markdown]
# Not clipped, four in ten damaged batches throw the weights to a place where the next loss is higher
# by 0.5 or more. Clipped, none does: the step after such a batch is no longer than the limit allows.
# At the end the loss of clean batches is 2.1 without clipping and 1.5 with it.
#
# **Predict, then run.** On clean pictures plain SGD reached 0.81 with its best rate. With ten
# pictures damaged, and the best of the 15 rates *for these*, what does it reach? (a) about 0.80, (b)
# about 0.60, (c) about 0.10.

# %% tags=["predict"]
lesson.PREDICTIONS["damaged"].ask()
rows = []
for found in recorded["clipping"]:
    reached = found["test"]
    limit = f"{found['largest']:g}" if found["largest"] else "none"
    band = f"{min(reached):.3f} to {max(reached):.3f}"
    row = (found["pictures"], found["optimiser"], limit, found["rate"])
    rows.append((*row, f"{np.mean(reached):.3f}", band))
results.Table(("pictures", "optimiser", "limit", *columns[1:]), rows)

# %% [markdown]
# (b). Without clipping plain SGD reaches 0.574 in place of 0.811, at its own best rate, and Adam 0.778
# in place of 0.829. **With clipping both reach what they reach on clean pictures without it**, or a
# little more. On clean pictures clipping brings a little too: 0.821 in place of 0.811 for plain SGD,
# which can then take three times the rate, and 0.832 in place of 0.829 for Adam.
#
# It would be better still to find the ten pictures. A spike in the loss is worth a look before it
# is clipped away.
#
# ## 10 · Overfit one batch first
# Before a long training, do a short one: take a single batch and train on it until the loss is nearly
# 0. Our network, with 55 050 weights, can learn 50 pictures by heart. If it does not, something is
# broken, and you have found out in a second.
#
# Here are six programs, one of them right. Each trains on one batch of 50 pictures for 300 steps, at
# a rate of 0.1, and, to see what you would have got without the test, on 5 000 pictures for one
# epoch. **Predict, then run.** Which of these bugs does the test *not* find at that rate: its loss
# goes to 0 as that of the right program does? (a) the softmax taken over the batch, (b) labels in
# another order, (c) gradients never reset.


# %%
def broken_program(bug, x, labels, steps, seed, rate=0.1):
    """Train with one bug; return the last loss and the model."""
    cross_entropy = torch.nn.functional.cross_entropy
    model = network(seed)
    trained = model[-1] if bug == "only the last layer trained" else model
    optimizer = torch.optim.SGD(trained.parameters(), lr=rate)
    if bug == "labels in another order":
        labels = labels.roll(1)
    for step in range(steps):
        first = 50 * step % len(x)
        some, right = x[first : first + 50], labels[first : first + 50]
        scores = model(some)
        if bug == "softmax before the loss":
            scores = scores.softmax(dim=1)
        if bug == "softmax over the batch":
            logs = scores.log_softmax(dim=0)
            loss = torch.nn.functional.nll_loss(logs, right)
        else:
            loss = cross_entropy(scores, right)
        if bug != "gradients never reset":
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item(), model


# %% tags=["predict"] tolerance=0.05
lesson.PREDICTIONS["not_found"].ask()
BUGS = (
    "none",
    "gradients never reset",
    "softmax before the loss",
    "softmax over the batch",
    "only the last layer trained",
    "labels in another order",
)
rows, of_one_batch = [], {}
for bug in BUGS:
    program = partial(broken_program, bug)
    told = [], [], []
    for s in range(3):
        told[0].append(program(x_train[:50], y_train[:50], 300, s)[0])
        told[1].append(
            program(x_train[:50], y_train[:50], 300, s, rate=0.003)[0]
        )
        model = program(x_train, y_train, 100, s)[1]
        told[2].append(accuracy(model, x_valid, y_valid))
    medians = np.median(told, axis=1)
    of_one_batch[bug] = medians[0]
    rows.append((bug, *[f"{each:.2f}" for each in medians]))
results.Table(
    (
        *("bug (median of three)", "loss on one batch"),
        *("the same at 0.003", "accuracy after an epoch"),
    ),
    rows,
)

# %% [markdown]
# (b). At this rate the loss tells four of the five bugs from the right program. After 300 steps it is
# 1.70 with the softmax taken over the batch, 1.61 with a second softmax, and 0.80 where only the last
# layer is trained (it is still falling, so a limit of 300 steps is part of the test). The accuracy
# after an epoch tells two of the five at a glance, gradients never reset and labels in another order.
# The 0.51 to 0.58 of the others look like a network that needs more time.
#
# Labels in another order are learned by heart as well as right ones: this test says that the program
# can learn, and nothing about the data. Look at some pictures with their labels, too. And the rate
# matters: at 0.003 the program that never resets its gradients has the *lowest* loss of all. The sum
# of all earlier slopes is a velocity of which nothing is ever lost, momentum with $\mu = 1$. So make
# the test at the rate that you are going to use.
#
# ## 11 · A common mistake in thinking
# "Adam finds its own learning rate, so the rate hardly matters." With a rate that falls along a line,
# the next table shows for each optimiser the validation accuracy at its best rate, at about a tenth
# and at about ten times of it, and how many of the 15 rates came within 0.05 of the best. (The best
# rate is that of the search; the accuracies are means of five seeds that had no say in it.)
#
# **Predict, then run.** Which have the most rates within 0.05 of their best? (a) those that divide by
# the size of the slopes: RMSProp, Adam, AdamW, (b) those with a velocity: momentum, Nesterov, (c)
# plain SGD.

# %% tags=["predict"]
lesson.PREDICTIONS["tolerant"].ask()
rows, close = [], {}
for name, reached in recorded["again"]["line"].items():
    tried = {float(rate): accuracy for rate, accuracy in reached.items()}
    best = recorded["optimisers"]["line"][name]["rate"]
    cells = []
    for wanted in (best / 10, best, 10 * best):
        rate = min(tried, key=lambda rate: abs(np.log(rate / wanted)))
        cells.append(f"{tried[rate]:.2f} ({rate:g})")
    top = max(tried.values())
    close[name] = sum(each > top - 0.05 for each in tried.values())
    rows.append((name, *cells, close[name]))
results.Table(
    ("accuracy (at the rate)", "a tenth", "best", "ten times", "close, of 15"),
    rows,
)

# %% [markdown]
# (a). There is some truth in the saying: with Adam and AdamW eight of the 15 rates come within 0.05
# of the best, with RMSProp seven, with momentum and Nesterov six, with plain SGD five. But "hardly
# matters" is false: at ten times its best rate Adam falls from 0.84 to 0.37. Where does the saying
# come from? Perhaps from comparisons like this one, with the rates that you get if you name none:


# %%
reached, of_both = recorded["again"]["constant"], {}
for name, rate, whose in (
    ("SGD", "0.001", "PyTorch's default"),
    ("SGD", "0.01", "Keras's default"),
    ("SGD", str(recorded["optimisers"]["constant"]["SGD"]["rate"]), "best"),
    ("Adam", "0.001", "default of both"),
    ("Adam", str(recorded["optimisers"]["constant"]["Adam"]["rate"]), "best"),
):
    of_both.setdefault(name, []).append(reached[name][rate])
    print(f"{name} at {rate} ({whose}): accuracy {reached[name][rate]:.3f}")
default, best = of_both["Adam"]
gaps = np.subtract([default, default, best], of_both["SGD"])
print("Adam less SGD: PyTorch {:.3f}, Keras {:.3f}, best {:.3f}".format(*gaps))

# %% [markdown]
# At the defaults Adam seems to be ahead of plain SGD by 0.068 in Keras, and by 0.379 in PyTorch. With
# the best constant rate of each it is 0.018. (Five seeds are few: the means of 20 in section 6 are 0.787
# and 0.816.) Adam's default is the rate that the search found, those of SGD are a tenth and a hundredth.
#
# ## 12 · Your turn, and questions
# **Exercise.** Write an optimiser of your own. The check runs it: a network of 32 hidden units on
# the pictures of section 6, in NumPy, from three starts that you do not see, for **150 steps**,
# with batches of 50. You need a mean accuracy of 0.785 on the validation pictures. Your function
# gets `weights` and `slopes`, two lists of arrays; `memory`, which is `None` in the first step and
# then whatever you returned; and `progress`, from 0 to nearly 1. It returns the new list of
# weights, and the new memory.

# %% tags=["exercise"]
my_optimiser = ...

lesson.my_optimiser.check(my_optimiser)

# %% tags=["quiz"]
lesson.QUIZ

# %% [markdown]
# How often did you guess right in this lesson, and how sure were you?

# %% tags=["learner-state"]
course.guesses("13")

# %% [markdown]
# ## Take-aways
# - The steepest direction limits the rate. Momentum adds up slopes that agree; RMSProp and Adam
#   divide each slope by its size.
# - Compare tuned with tuned, by the same search, and report seeds that had no say in the search.
# - Let the rate fall. Here that brought 0.014 to 0.024 to each of six optimisers; to go from plain SGD
#   to Nesterov, both with a falling rate, brought 0.018.
# - Carry a recipe from one framework to another with its conventions: ε, ρ, where the rate enters
#   the velocity, and what `weight_decay` means.
# - Before you train, look at the size of sums and slopes, layer by layer. Then let the network
#   learn one batch by heart.
#
# **Claims you will meet elsewhere**, tested in this lesson: see [the page of claims](claims.md).
#
# **Sources:** Bengio, Boulanger-Lewandowski and Pascanu (2012), *Advances in optimizing recurrent
# networks* (the form of Nesterov's momentum), https://arxiv.org/abs/1212.0901 · Polyak (1964), *Some methods of speeding up the convergence of iteration methods*,
# https://doi.org/10.1016/0041-5553(64)90137-5 · Sutskever, Martens, Dahl and Hinton (2013), *On the
# importance of initialization and momentum in deep learning* (Nesterov's momentum for networks),
# https://proceedings.mlr.press/v28/sutskever13.html · Tieleman and Hinton (2012), *RMSProp*,
# lecture 6e of *Neural networks for machine learning*,
# https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf · Kingma and Ba (2014),
# *Adam: a method for stochastic optimization*, https://arxiv.org/abs/1412.6980 · Loshchilov and
# Hutter (2017), *Decoupled weight decay regularization*, https://arxiv.org/abs/1711.05101, and
# (2016), *SGDR* (the cosine), https://arxiv.org/abs/1608.03983 · Smith (2015), the range test,
# https://arxiv.org/abs/1506.01186, and (2018), one-cycle, https://arxiv.org/abs/1803.09820 · Glorot
# and Bengio (2010), *Understanding the difficulty of training deep feedforward neural networks*,
# https://proceedings.mlr.press/v9/glorot10a.html · He, Zhang, Ren and Sun (2015),
# https://arxiv.org/abs/1502.01852 · Ioffe and Szegedy (2015), *Batch normalization*,
# https://arxiv.org/abs/1502.03167 · Ba, Kiros and Hinton (2016), *Layer normalization*,
# https://arxiv.org/abs/1607.06450 · Pascanu, Mikolov and Bengio (2013), clipping,
# https://arxiv.org/abs/1211.5063 · Xiao, Rasul and Vollgraf (2017), the data,
# https://arxiv.org/abs/1708.07747

# %% [markdown] tags=["instructor"]
# ### For teachers
# **Run of show, best in two sittings:** 1 the valley on the board (10) · 2 momentum (15) · 3 a rate
# for each weight, the bug, the race (30) · 4 two frameworks and their conventions (15) · 5 decay (10)
# · *break* · 6 the fair comparison (20) · 7 range test and schedules (20) · 8 starts and norms (20)
# · 9 clipping (10) · 10 one batch (10) · 11 the misconception and questions (5). The written test and
# the optimiser of one's own are homework.
#
# **To cut:** section 4 from "The small number" on, layer norm, the range test. **Keep** section 6:
# take bets on the winner and on the loser before the table opens.
#
# **Ask:** Why may the test pictures not choose the rate? Why were the seeds of the search not
# reported? Which bug would your last program have hidden from the one-batch test?
#
# **Where people stall:** that momentum's steps are ten times as long at the same rate (compare
# rates only after dividing by 1 − μ), and that the bias correction is not kept in `m`. Let them
# compute two steps of Adam on paper, with a slope of 1 each time.
