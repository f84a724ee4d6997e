# %% [markdown]
# # Generating images
# A network that has never seen a shoe or a shirt draws shoes and shirts that nobody ever
# made. It only hears from a second network, which has seen thousands, how to become harder to
# catch.
#
# **After this lesson you can:** say what both players of a GAN minimise, and why the generator's
# loss is written as it is · say what a transposed convolution computes, and how large · train a DCGAN in
# PyTorch, and play the same round in TensorFlow · measure generated pictures honestly · say what the losses of
# the game tell you and what they do not.
#
# **Needs:** lessons 11, 20 and 21. **Data:** Fashion-MNIST (shipped).
#
# {measured}

# %%
import copy
import time

from dlcourse import arrays, backends, course, data, draw, explore
from dlcourse import lessons, parity, plot, results, runtime
from dlcourse.lessons import image_gan as lesson

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import torch
from torch import nn
from torch.nn import functional as F

plot.use_course_style()
runtime.seed(0)

# %% [markdown]
# ### Do you remember?
# Two questions from earlier lessons.

# %% tags=["learner-state"]
course.review("41")

# %% tags=["parameters", "recipe"]
seed = 0
train_examples = 20_000  # quick: 2_000
rounds = 600  # quick: 20
drawn_pictures = 2_000  # quick: 500

# %% [markdown]
# ## 1 · Two players
# A **generative adversarial network** (GAN) is a game of two networks.
#
# - The **generator** turns random numbers, called **noise**, into a picture.
# - The **discriminator** looks at a picture and gives the probability that it is real. It is an
#   ordinary classifier with two classes: real, and **fake** (drawn by the generator).
#
# The discriminator learns to tell the two apart. The generator learns to pass its fakes off as
# real. Nobody shows the generator how to change a picture: the slope comes to it through the
# discriminator, by backpropagation.
#
# ### The best discriminator
# We begin on a line instead of with pictures. Real points are spread with density $p(x)$, fakes
# with density $q(x)$, and there are equally many of each. Suppose that you look at one point $x$
# and know both densities.
#
# **Predict, then run.** At the point where the two curves cross, what is the best probability to
# give: (a) 0, (b) 0.5, (c) 1? And far to the left, where there are hardly any fakes?

# %% tags=["predict"]
lesson.PREDICTIONS["crossing"].ask()


def bell(x, mean, spread):
    height = 1 / (spread * np.sqrt(2 * np.pi))
    return height * np.exp(-(((x - mean) / spread) ** 2) / 2)


places = np.linspace(-3, 5, 161)
real_density, fake_density = bell(places, 0, 1), bell(places, 2, 0.8)
tried = np.linspace(0.001, 0.999, 999)  # probabilities that one could give
loss_on_real = -real_density[:, None] * np.log(tried)  # (places, probabilities)
loss_on_fakes = -fake_density[:, None] * np.log(1 - tried)
best = tried[(loss_on_real + loss_on_fakes).argmin(axis=1)]
figure, axes = plt.subplots()
axes.plot(places, real_density, label="density of real points")
axes.plot(places, fake_density, "--", label="density of fakes")
axes.plot(places, best, ":", label="best probability of real")
axes.set(
    title="The best probability is one half where the curves cross",
    xlabel="x",
    ylabel="density (per unit of x); probability",
)
axes.legend()
plot.describe(
    "The best probability falls from 1 to 0 and is one half where both densities cross."
)

# %% [markdown]
# (b), one half where the curves cross: a real point and a fake are equally likely there. Far to the
# left it is 1. The dotted line was found by trying 999 probabilities at each point and keeping the
# one with the smallest cross-entropy.
#
# **Exercise.** There is a formula for it. Of all points at $x$, what share is real?


# %% tags=["exercise"]
def best_discriminator(p, q):
    return ...  # your code


lesson.best_discriminator.check(best_discriminator)

# %%
best_discriminator = lesson.best_discriminator.carry_on_with(best_discriminator)
by_formula = best_discriminator(real_density, fake_density)
print(f"largest difference from trial: {np.abs(best - by_formula).max():.3f}")

# %% [markdown]
# Now let the fakes become perfect: $q = p$. Then the best discriminator says 1/2 everywhere, and
# its loss, once for the real points and once for the fakes, is $2 \log 2 \approx 1.39$. Keep this
# number. **Against perfect fakes the best discriminator has a loss of 1.39, not of 0.** (One that is fooled can
# have more. In general the loss of
# the best discriminator is $2 \log 2$ minus twice the *Jensen-Shannon divergence* of $p$ and $q$,
# a measure of how far apart they are. That is what the generator would minimise with the minimax loss below,
# against a discriminator that is always at its best.)
#
# ### Two losses for the generator
# The discriminator ends with a raw score $s$. The sigmoid turns it into a probability,
#
# $$\sigma(s) = \frac{1}{1 + e^{-s}}, \qquad \sigma'(s) = \sigma(s)\,(1 - \sigma(s)),$$
#
# and the second formula is its slope. For a fake, the discriminator minimises $-\log(1 -
# \sigma(s))$. The game in its first form, **minimax**, lets the generator push the same number the
# other way. It minimises
#
# $$L_\text{minimax} = \log(1 - \sigma(s)).$$
#
# The form in common use, **non-saturating**, minimises
#
# $$L = -\log \sigma(s).$$
#
# Both make the generator raise $s$. They differ in how hard they pull, which is the slope along
# $s$. For minimax it is $-\sigma(s)$.
#
# **Exercise.** What is the slope of the non-saturating loss along $s$?


# %% tags=["exercise"]
def non_saturating_slope(s):
    return ...  # your code


lesson.non_saturating_slope.check(non_saturating_slope)

# %% [markdown]
# **Predict, then run.** At first fakes are bad and the discriminator is sure: $s = -5$. Which of
# the two losses pulls harder there, and by what factor: (a) about 2, (b) about 10, (c) more than
# 100?

# %% tags=["predict"]
lesson.PREDICTIONS["pull"].ask()
non_saturating_slope = lesson.non_saturating_slope.carry_on_with(
    non_saturating_slope
)


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


scores = np.linspace(-8, 8, 161)
figure, axes = plt.subplots()
axes.plot(scores, sigmoid(scores), label="minimax")
axes.plot(scores, -non_saturating_slope(scores), "--", label="non-saturating")
axes.set(
    title="How hard a fake is pulled upwards",
    xlabel="score s of the fake (left: the discriminator is sure it is fake)",
    ylabel="size of the slope (nats per unit of s)",
)
axes.legend()
plot.describe(
    "On the left, where the discriminator is sure, minimax pulls with 0 and the "
    "non-saturating loss with 1; on the right it is the other way round."
)
pull = non_saturating_slope(-5.0) / -sigmoid(-5.0)
print(f"at s = -5 the non-saturating loss pulls {pull:.0f} times as hard")

# %% [markdown]
# (c). With minimax, the surer the discriminator is that a picture is fake, the weaker the pull: the loss
# **saturates**. The non-saturating loss pulls hardest there, and lets go of a fake that is already taken
# for real. That is the argument. Section 5 tests what it is worth here.
#
# **Exercise: find the bug.** Somebody wrote the discriminator's loss with `softplus`, because
# $-\log \sigma(s) = \log(1 + e^{-s}) = \text{softplus}(-s)$ never overflows. With it, training
# went wrong. Fix it.


# %% tags=["exercise"]
def judging_loss(real_scores, fake_scores):
    def softplus(s):
        return np.logaddexp(0, s)

    return softplus(real_scores).mean() + softplus(-fake_scores).mean()


lesson.judging_loss.check(judging_loss)

# %% [markdown]
# ### The whole game in a few lines
# Real points lie around 2 with a standard deviation of 0.5. The generator is $x = a + b z$ with
# normal noise $z$: it should find $a = 2$ and $b = 0.5$ (or $-0.5$). The discriminator's score is
# $s = w_0 + w_1 x + w_2 x^2$, which is enough for the best answer between two bell curves. All
# slopes are written out.
#
# **Predict, then run.** Both players follow their slopes for 12 000 rounds. What will $b$, the
# spread of the fakes, do: (a) go straight to 0.5, (b) fall to 0 and stay there, (c) fall to 0 and come
# back?

# %% tags=["predict"]
lesson.PREDICTIONS["spread"].ask()
random = np.random.default_rng(0)
w, a, b = np.zeros(3), 0.0, 1.0
path = []


def powers(x):
    return np.stack([np.ones_like(x), x, x**2])  # (3, N)


for _ in range(12_000):
    real, z = random.normal(2, 0.5, 256), random.normal(size=256)
    fake = a + b * z
    on_real = (sigmoid(w @ powers(real)) - 1) * powers(real)
    on_fake = sigmoid(w @ powers(fake)) * powers(fake)
    w = w - 0.1 * (on_real + on_fake).mean(axis=1)
    # The generator: slope along the score, then through the score to the fake.
    slope = (sigmoid(w @ powers(fake)) - 1) * (w[1] + 2 * w[2] * fake)
    a, b = a - 0.05 * slope.mean(), b - 0.05 * (slope * z).mean()
    path.append((a, b))
path = np.array(path)
figure, axes = plt.subplots()
for values, goal, name, style in (
    (path[:, 0], 2, "a, the mean", "-"),
    (path[:, 1], 0.5, "b, the spread", "--"),
):
    (line,) = axes.plot(values, style, label=name)
    axes.axhline(goal, color=line.get_color(), linestyle=":", linewidth=1)
axes.set(
    title="A GAN with five numbers (dotted: the goals)",
    xlabel="round",
    ylabel="value (units of x)",
)
axes.legend(loc=(0.2, 0.55))
plot.describe(
    "The mean rises to about 2 within a few hundred rounds and swings around it. The "
    "spread falls to nearly 0, stays there for a thousand rounds, then swings around its "
    "goal, less and less far. At the end both are within a tenth of their goals."
)

# %% [markdown]
# (c). The spread falls to nearly 0 and stays there for a thousand rounds: all fakes in one point. Then the
# discriminator catches up, and the spread swings back, to twice its goal. Two players who each follow their
# own slope do not go straight to the goal, they circle around it; here the circles become smaller, and
# after some 10 000 rounds both numbers are right. With all fakes in one point we have met **mode
# collapse**: whatever the noise, the generator draws nearly the same thing. (In its milder form, it draws
# only some of the kinds that there are.) Here it passed.

# %% [markdown]
# ## 2 · From few numbers to a picture
# A classifier makes maps smaller. A generator must make them larger, and the tool is the
# **transposed convolution**. You have met it: in lesson 20 the way back of a convolution
# *scattered* the slope of each output over the window it came from. The same scattering, used
# forwards, makes a larger map: each number of the small map stamps the kernel, times itself, into
# the large one, and overlapping stamps add up. The stride is the distance between two stamps.
# Padding now cuts a frame off.

# %% [markdown]
# **Exercise.** How large is the output along one side? Draw `pixels=3, window=4, stride=2,
# padding=1` first: three stamps of four pixels, two pixels apart, then one pixel cut off at both
# ends.


# %% tags=["exercise"]
def grown_size(pixels, window, stride, padding):
    return ...  # your code


lesson.grown_size.check(grown_size)

# %% [markdown]
# **Exercise: write the test.** Which cases would catch a wrong `grown_size`? Write a function that
# gets one, calls it, and uses `assert` where you know what must come out. The check runs it on right
# functions and on the wrong ones that people write.


# %% tags=["exercise"]
def test_grown_size(grown_size):
    assert ...  # your cases


lesson.test_grown_size.check(test_grown_size)

# %%
grown_size = lesson.grown_size.carry_on_with(grown_size)


def transposed_convolve(maps, filters, stride, padding):
    """Stamp filters (F, size, size, C) by maps (N, H, W, C): (N, H', W', F)."""
    (n, height, width, _), size = maps.shape, filters.shape[1]
    sides = [grown_size(side, size, stride, 0) for side in (height, width)]
    large = np.zeros((n, *sides, len(filters)))
    for i in range(size):
        for j in range(size):  # one element of the kernel, for all stamps
            rows = slice(i, i + stride * height, stride)
            columns = slice(j, j + stride * width, stride)
            large[:, rows, columns] += maps @ filters[:, i, j].T
    rows, columns = (slice(padding, side - padding) for side in sides)
    return large[:, rows, columns]


# %% [markdown]
# Both libraries have it as a layer. One convention differs again: PyTorch keeps these kernels as
# (in, out, h, w) and Keras as (h, w, out, in), each with in and out the other way round than for
# its own convolution.

# %%
random = np.random.default_rng(0)
maps = random.normal(size=(2, 7, 7, 8)).astype("float32")


def by_pytorch(filters, **options):
    """Stamp filters (F, size, size, C) with PyTorch's layer; NHWC out."""
    count, size = filters.shape[:2]
    layer = nn.ConvTranspose2d(8, count, size, stride=2, bias=False, **options)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(filters).permute(3, 0, 1, 2))
        outputs = layer(torch.from_numpy(maps).permute(0, 3, 1, 2))
    return outputs.permute(0, 2, 3, 1).numpy()


def by_keras(filters):
    """The same with Keras's layer and padding "same"."""
    count, size = filters.shape[:2]
    layer = keras.layers.Conv2DTranspose(
        count, size, strides=2, padding="same", use_bias=False
    )
    layer.build(maps.shape)
    layer.set_weights([filters.transpose(1, 2, 0, 3)])
    return np.array(layer(maps))


filters = random.normal(size=(4, 4, 4, 8)).astype("float32")
ours = transposed_convolve(maps, filters, stride=2, padding=1)
outputs = {
    "PyTorch": by_pytorch(filters, padding=1),
    "Keras": by_keras(filters),
}
for name, output in outputs.items():
    equal = np.allclose(output, ours, atol=1e-4)
    print(f"{name}: shape {output.shape}, equal to ours: {equal}")

# %% [markdown]
# **Predict, then run.** Now a window of 3. In Keras, `padding="same"` again doubles 7 to 14. In
# PyTorch we need `padding=1` and `output_padding=1` for the same size. With the same weights, do
# we get (a) the same numbers, (b) the same numbers, moved by a pixel, (c) other numbers?

# %% tags=["predict"]
lesson.PREDICTIONS["narrow_window"].ask()
narrow = random.normal(size=(4, 3, 3, 8)).astype("float32")
first = by_pytorch(narrow, padding=1, output_padding=1)
second = by_keras(narrow)
print("shapes:", first.shape, second.shape)
print("same numbers:", np.allclose(first, second, atol=1e-4))
print(
    "moved by one pixel:",
    np.allclose(first[:, :-1, :-1], second[:, 1:, 1:], atol=1e-4),
)

# %% [markdown]
# (b). Stamps of 3 at a distance of 2 make 15 pixels; one row has to go. PyTorch cuts it off at the
# top, Keras at the bottom. With a window of 4 the stamps make 16 pixels, and both cut one off on
# each side. The window of 4 has a second advantage: with stride 2, each pixel lies under equally
# many stamps (apart from the border). With 3 it is one, two or four by turns, which invites a
# chequered pattern (Odena, Dumoulin and Olah, 2016). Even overlap does not rule it out, as the
# pictures below will show.

# %% [markdown]
# ## 3 · The two networks
# The recipe that made GANs work for pictures is called **DCGAN** (Radford, Metz and Chintala,
# 2015): strides instead of pooling, batch normalisation in both players, and **leaky ReLU** in the
# discriminator, which lets a fifth of a negative number through, so that gradients always pass.

# %% tags=["recipe"]
NOISE = 32  # numbers that the generator starts from


def generator_network(inputs=NOISE):
    return nn.Sequential(
        nn.Linear(inputs, 64 * 7 * 7, bias=False),
        nn.Unflatten(1, (64, 7, 7)),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 16, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1),
        nn.Sigmoid(),  # pixels 0..1
    )


def discriminator_network(channels=1):
    return nn.Sequential(
        nn.Conv2d(channels, 16, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(16, 64, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(64 * 7 * 7, 1),  # the score
    )


# %% [markdown]
# A convolution in front of batch normalisation needs no bias: it would have one for each map, and the
# normalisation subtracts the mean of each map, and the bias with it. (The dense layer at the start would
# have one for each pixel of a map, which would not cancel. That it has none is our choice.)
#
# **Predict, then run.** Which of these two has more weights: (a) the generator, (b) the
# discriminator, (c) both about the same?


# %% tags=["predict"]
lesson.PREDICTIONS["weights"].ask()
for make in (generator_network, discriminator_network):
    print(f"{make.__name__}: {backends.parameters(make())}")

# %% [markdown]
# (a), the generator, by a factor of six; that is our choice. Follow its shapes from 32 numbers to a picture. In
# which layer are most of its weights?

# %%
draw.network(generator_network(), torch.zeros(2, NOISE), title="Generator")

# %% [markdown]
# In the first, which turns 32 numbers into 3 136; the next folds them into 64 maps of 7 × 7. The two transposed convolutions then double the
# sides, to 14 and to 28. The discriminator goes the same way back. What does it end with?

# %%
blank = np.zeros((2, 28, 28, 1))
draw.network(discriminator_network(), blank, title="Discriminator")

# %% [markdown]
# With 64 maps of 7 × 7 again, and then with one number, its score, where the generator began with 32.
#
# ## 4 · The game
# A round has two steps. The discriminator sees 64 real pictures and 64 fakes and takes a step.
# Then the generator takes a step on the new discriminator's opinion of the same fakes. `detach`
# cuts the fakes off from the generator while the discriminator learns.


# %% tags=["recipe"]
def discriminator_loss(real_scores, fake_scores):
    return F.softplus(-real_scores).mean() + F.softplus(fake_scores).mean()


def generator_loss(fake_scores):
    return F.softplus(-fake_scores).mean()


def minimax_loss(fake_scores):
    return -F.softplus(fake_scores).mean()  # log(1 − σ(s)); we come back to it


def take_step(optimizer, loss):
    """Take one step down the slope of a loss, and return the loss."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def play_round(players, optimizers, real, noise, loss_of_fakes=generator_loss):
    """Let each player take one step; return both losses."""
    generator, discriminator = players
    fakes = generator(noise)
    loss = discriminator_loss(
        discriminator(real), discriminator(fakes.detach())
    )
    of_discriminator = take_step(optimizers[1], loss)
    loss = loss_of_fakes(discriminator(fakes))
    of_generator = take_step(optimizers[0], loss)
    return of_generator, of_discriminator


# %% tags=["recipe"]
def new_optimizers(players, learning_rate=0.002):
    """One Adam each; DCGAN's 0.5 forgets old slopes faster than 0.9."""
    return [
        torch.optim.Adam(player.parameters(), learning_rate, betas=(0.5, 0.999))
        for player in players
    ]


def train_gan(
    players, pixels, rounds, batch_size=64, learning_rate=0.002, watch=None,
    loss_of_fakes=generator_loss,
):  # fmt: skip
    """Play rounds; return both losses of each (rounds, 2): generator's first."""
    order, losses = np.random.default_rng(seed), []
    optimizers = new_optimizers(players, learning_rate)
    for finished in range(1, rounds + 1):
        chosen = order.integers(0, len(pixels), batch_size)
        real = torch.from_numpy(pixels[chosen]).float().div(255)[:, None]
        noise = torch.randn(batch_size, NOISE)
        losses.append(
            play_round(players, optimizers, real, noise, loss_of_fakes)
        )
        if watch:
            watch(finished)
    return np.array(losses)


def drawn(generator, noise):
    """Return pictures (N, 28, 28, 1); batch norm uses its averages."""
    return backends.scores(generator, noise.numpy())


# %% [markdown]
# We watch with a **film strip**: the same six noise vectors, drawn at several moments.
#
# **Predict, then run.** What comes first of the clothes: (a) sharp details, (b) rough outlines, (c)
# one good shoe, six times?

# %% tags=["predict"] tolerance=0.1
lesson.PREDICTIONS["film"].ask()
fashion = data.load("fashion-mnist")
train, test = fashion.train[:train_examples], fashion.test
pixels = train.pixels[..., 0]  # (N, 28, 28) bytes

runtime.seed(seed)
players = generator_network(), discriminator_network()
generator, discriminator = players
fixed_noise = torch.randn(drawn_pictures, NOISE)
moments = [m for m in (5, 20, 60, 150, 300, 600) if m <= rounds]
film = []


def watch(finished):
    if finished in moments:
        film.append(drawn(generator, fixed_noise[:6]))


started = time.perf_counter()
losses = train_gan(players, pixels, rounds, watch=watch)
seconds = time.perf_counter() - started
late = losses[-len(losses) // 4 :].mean(axis=0)
print(f"{rounds} rounds in {seconds:.0f} s")
print(
    f"last quarter: generator {late[0]:.2f}, discriminator {late[1]:.2f} nats"
)

# %% image_tolerance=0.99
plot.film_strip(
    np.array(film), moments, title="The same noise after so many rounds"
)
plot.describe(
    "A grey grid, then blots, then blurred outlines; in the end some look like bags and tops."
)

# %% [markdown]
# (b), outlines first, details later. Look closely, and a fine grid lies over all of them: the chequers.
# The generator has never been told what a shirt is, not even that there are classes.

# %% [markdown]
# ## 5 · How good are they?
# By eye, we judge six pictures, and we are kind to our own. Three measures are more honest. Two of
# them need an expert who knows clothes: we take a residual network like that of lesson 21, with
# recorded weights.


# %% tags=["recipe"]
def block(inputs, filters, stride=1):
    return [
        nn.Conv2d(inputs, filters, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(filters),
        nn.ReLU(),
    ]


class Residual(nn.Module):
    def __init__(self, filters):
        super().__init__()
        self.change = nn.Sequential(*block(filters, filters))

    def forward(self, maps):
        return maps + self.change(maps)


class MeanAndMax(nn.Module):
    def forward(self, maps):
        return torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)


expert = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1, bias=False),
    nn.MaxPool2d(2),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    *block(16, 32, stride=2),
    Residual(32),
    *block(32, 64, stride=2),
    Residual(64),
    MeanAndMax(),  # (N, 128): the features
    nn.Linear(128, 10),
)
stored = lessons.checkpoint("image_classification")
state = {name: torch.from_numpy(array) for name, array in stored.items()}
expert.load_state_dict(state)
eyes, verdict = expert[:-1], expert[-1:]


def looked_at(pictures):
    """Return the expert's features (N, 128) of pictures and its answers."""
    features = backends.scores(eyes, pictures)
    answers = backends.scores(verdict, features).argmax(axis=1)
    return features, answers


# %% [markdown]
# ### The Fréchet distance
# The expert turns each picture into 128 **features**, the numbers in front of its last layer. Real
# pictures make a cloud of points there, and so do fakes. We describe each cloud by its mean and
# its **covariance** (a table of how far each feature spreads, and how much every two of them go up and down
# together), as if it were a bell curve, and measure how far apart the two are. On a line the
# squared **Fréchet distance** is simple: $(m_1 - m_2)^2 + (s_1 - s_2)^2$, with means $m$ and
# standard deviations $s$. In 128 directions, with the sum of a matrix's diagonal written tr,
#
# $$|m_1 - m_2|^2 + \text{tr}\left(C_1 + C_2 - 2\,(C_1 C_2)^{1/2}\right).$$
#
# This sum is called the trace. That of the root of a matrix is the sum of the roots of its *eigenvalues*, the
# factors by which the matrix stretches the directions that it does not turn:


# %%
def frechet_distance(features, other):
    """Squared Fréchet distance of two clouds (N, D) and (M, D)."""
    apart = ((features.mean(axis=0) - other.mean(axis=0)) ** 2).sum()
    first, second = np.cov(features.T), np.cov(other.T)
    shared = np.sqrt(np.linalg.eigvals(first @ second).real.clip(0)).sum()
    return apart + np.trace(first) + np.trace(second) - 2 * shared


random = np.random.default_rng(0)
one_cloud, other_cloud = (
    random.normal(0, 1, (50, 3)),
    random.normal(3, 2, (60, 3)),
)
ours = frechet_distance(one_cloud, other_cloud)
theirs = results.frechet_distance(one_cloud, other_cloud)
print("equal to the course's helper:", np.isclose(ours, theirs))

# %% [markdown]
# With the features of a network called Inception, trained on photographs, this number is known as
# **FID**, and most papers quote it. Ours uses another expert, so it cannot be compared with those
# at all.
#
# A distance alone says little. We need a floor and a baseline.
#
# - **Floor:** as many *real* training pictures, against the same test pictures.
# - **Baseline:** a generator without a network. It takes the mean of the training pictures and adds normal
#   random numbers along the 100 directions in which the pictures vary most (their **principal
#   components**), each as large as the pictures vary there. So its pixels have the mean of the real ones
#   and nearly their covariance, until values below 0 and above 1 are cut off, a quarter of them, which
#   takes a third of the variance away.
#
# **Predict, then run.** The floor compares real pictures with real pictures. Is it (a) exactly 0,
# (b) a little above 0, (c) as large as the baseline?

# %% tags=["predict"] tolerance=0.02
lesson.PREDICTIONS["floor"].ask()
test_features, test_classes = looked_at(test.pixels)


def distance(pictures):
    """Squared Fréchet distance to all test pictures, in the expert's features."""
    return results.frechet_distance(looked_at(pictures)[0], test_features)


def pixel_sampler(images, count, random):
    """Draw pictures from a bell curve fitted to the pixels."""
    flat = images.reshape(len(images), -1).astype("float64")
    mean = flat.mean(axis=0)
    flat = flat - mean
    sizes, components = np.linalg.eigh(flat.T @ flat)
    sizes, components = sizes[-100:] / len(flat), components[:, -100:]
    components *= np.sign(components.sum(axis=0))  # else either sign may come
    mix = random.normal(size=(count, 100)) * np.sqrt(sizes)
    pictures = mean + mix @ components.T  # (count, 784)
    pictures = np.clip(pictures, 0, 1).reshape(count, 28, 28, 1)
    return pictures.astype("float32")


random = np.random.default_rng(0)
some = random.permutation(len(train))[:drawn_pictures]
floor = distance(train[some].pixels)
bell_curve = pixel_sampler(train[:2_000].images, drawn_pictures, random)
bell_curve_features, _ = looked_at(bell_curve)
baseline = results.frechet_distance(bell_curve_features, test_features)
print(f"real pictures, {drawn_pictures}: {floor:.2f}")
print(f"bell curve of pixels: {baseline:.1f}")

# %% [markdown]
# (b). 2 000 pictures are a sample, and so are the test pictures. With fewer pictures the distance
# grows, so compare only distances computed from equally many.

# %% tags=["headline"] tolerance=0.02
fake_features, fake_classes = looked_at(drawn(generator, fixed_noise))
score = results.frechet_distance(fake_features, test_features)
headline = results.Headline(
    what="Fréchet distance of 2 000 generated pictures, lower is better",
    score=score,
    baseline=baseline,
    baseline_name="bell curve of pixels",
    parameters=backends.parameters(generator),
    seconds=seconds,
    band=lessons.band("image_gan"),
)
headline

# %% [markdown]
# The network is at a little more than half of the baseline's distance, and far from the floor.
#
# Now the test that section 1 promised. For five seeds, the same 600 rounds were played with each of the two
# losses, ahead of time. **Predict, then run.** With minimax, will the distance be (a) about twice as large, (b)
# about the same, (c) near the baseline, since it hardly learns?

# %% tags=["predict"]
lesson.PREDICTIONS["minimax"].ask()
recorded = lessons.recorded("image_gan")
of_losses = recorded["losses"]


def row_of(name, distances):
    each = [f"{distance:.1f}" for distance in distances]
    return name, *each, f"{np.mean(distances):.1f}"


heads = [f"seed {number}" for number in range(5)]
results.Table(
    ("Fréchet distance", *heads, "mean"),
    (
        row_of("non-saturating", of_losses["non-saturating"]["distance"]),
        row_of("minimax", of_losses["minimax"]["distance"]),
        row_of(
            "non-saturating, played again",
            lessons.headline("image_gan")["scores"],
        ),
    ),
)

# %% [markdown]
# (b): no difference that we could measure. The last row shows how large chance is. It is the first row again,
# with the same seeds, in another run of the same code: sums were rounded differently (for example on another
# number of threads), and a game enlarges such differences.
#
# But did the factor of 148 ever occur? It holds at $s = -5$, where the discriminator is sure. We kept the
# fakes' scores of these runs:

# %%
for name in ("non-saturating", "minimax"):
    medians = of_losses[name]["median score"]
    shares = of_losses[name]["below -5"]
    print(f"{name}: medians {min(medians):.1f} to {max(medians):.1f}", end="")
    print(f", below -5: {min(shares):.0%} to {max(shares):.0%} of the fakes")

# %% [markdown]
# There were such fakes: few with the first loss, more with minimax, which lets go of them. At the medians the
# factor is only about 4 to 7. And part of any factor is taken away by the optimiser. Ours is Adam, which
# divides each slope by a running measure of its size (section 9 comes back to it). So a factor that is the same
# for all fakes and all rounds drops out. That can be tested. Divide the first loss by 148 and change nothing
# else:

# %%
weaker = "non-saturating, divided by 148"
results.Table(
    ("Fréchet distance", *heads, "mean"),
    (row_of(weaker, of_losses[weaker]["distance"]),),
)

# %% [markdown]
# A pull that is 148 times as weak leads just as far, so the overall size of the slopes does not count
# here. What can still differ is which fakes of a batch pull most, and which rounds. With these five seeds
# we could not measure that it mattered. (With plain SGD, as in lesson 11, a step is as large as its slope
# says, so the choice may matter more. We did not test that.)
#
# How far would it come with more time? Here are two longer runs, recorded: the one above, ten times as
# long; and one on all 55 000 training pictures, in which the learning rate falls to 0 in the second half.
# The weights of the second come with the course.

# %% tolerance=0.02
weights = lessons.checkpoint("image_gan")


def recorded_generator(name, inputs):
    """The generator with the weights that were stored under this name."""
    network, state = generator_network(inputs), {}
    for key in network.state_dict():
        state[key] = torch.from_numpy(weights[f"{name}.{key}"])
    network.load_state_dict(state)
    return network


RUNS = {
    "only_time": "more time",
    "any": "more time, all pictures, falling rate",
}
long_generator = recorded_generator("any", NOISE)
fixed_seed = torch.Generator().manual_seed(1)
long_noise = torch.randn(2000, NOISE, generator=fixed_seed)
long_fakes = drawn(long_generator, long_noise)
long_features, long_classes = looked_at(long_fakes)
long_score = results.frechet_distance(long_features, test_features)
only_time = recorded["only_time"]["moments"][-1]
print(f"{RUNS['only_time']}: {only_time['distance']:.2f}")
print(f"{RUNS['any']}: {long_score:.2f}")

# %% [markdown]
# Time alone takes the distance from 17 to about 7. The second run ends lower still. Whether that is due to the
# pictures, to the rate or to chance, one run of each cannot say.

# %%
shown = [0, 1, 2, 4, 6, 9]  # of the ten moments that were kept
numbered = [recorded["any"]["moments"][moment]["round"] for moment in shown]
plot.film_strip(
    weights["any.film"][shown, :6] / 255,
    numbered,
    title="The same noise after so many rounds (recorded)",
)
plot.describe(
    "Six pictures through 6 000 rounds: blots at first, then clothes, crisper with time."
)

# %% [markdown]
# ### Which classes does it draw?
# Of the real pictures, each of the ten classes is one tenth. And of the fakes, in the expert's
# opinion? As a single number we take the **imbalance**: the share of pictures that would have to
# change class to make all shares equal. It is 0 for a perfect balance and 0.9 if all pictures are
# of one class.


# %% tolerance=0.1
def imbalance(shares):
    return np.abs(shares - 0.1).sum() / 2


rows = []
for name, classes in (
    ("this notebook", fake_classes),
    ("longer run (recorded)", long_classes),
    ("test pictures", test_classes),
):
    shares = np.bincount(classes, minlength=10) / len(classes)
    each = [round(float(share), 2) for share in shares]
    rows.append((name, *each, round(imbalance(shares), 2)))
results.Table(("share of", *fashion.classes, "imbalance"), tuple(rows))

# %% [markdown]
# The short run neglects some classes and overdoes others: here pullovers, sneakers and ankle boots are rare,
# shirts and sandals too many. (A doubtful top is most often called a shirt, also by this expert.) In the longer
# run each class has
# between 0.08 and 0.12: only 4 pictures in 100 would have to change.
#
# ### Does it copy?
# Perhaps the generator has learned training pictures by heart. Then each fake would be very close to some
# training picture. For each of 200 fakes we look for the nearest of all 55 000 training pictures, and do
# the same for 200 real test pictures, which cannot be copies. And a test must be able to fail: the third
# row is a copier that moves each training picture down and to the right by one pixel.
#
# **Predict, then run.** Will the test catch this copier: (a) yes, its distances are far smaller than those of
# the test pictures, (b) no?

# %% tags=["predict"] tolerance=0.05
lesson.PREDICTIONS["moved_copies"].ask()


def nearest(pictures, chunk=2_500):
    """Nearest training picture of each picture, and how far it is per pixel."""
    a = pictures.reshape(len(pictures), -1)
    best, gaps = np.zeros(a.shape, "float32"), np.full(len(a), np.inf)
    for start in range(0, len(fashion.train), chunk):
        b = fashion.train[start : start + chunk].images.reshape(-1, 784)
        squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
        closest = squares.argmin(axis=1)
        away = np.sqrt(((a - b[closest]) ** 2).mean(axis=1))
        nearer = away < gaps
        best[nearer], gaps[nearer] = b[closest[nearer]], away[nearer]
    return best.reshape(pictures.shape), gaps


def moved(pictures, down, right):
    """Move pictures by at most one pixel; black comes in."""
    framed = np.pad(pictures, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return framed[:, 1 - down : 29 - down, 1 - right : 29 - right]


judged = {
    "fakes": long_fakes[:200],
    "test pictures": test[:200].images,
    "moved copies": moved(fashion.train[:200].images, 1, 1),
}
neighbours, _ = nearest(judged["fakes"])
rows = []
for name, pictures in judged.items():
    _, gaps = nearest(pictures)
    rows.append((name, f"{np.median(gaps):.3f}", f"{gaps.min():.3f}"))
results.Table(("distance to the nearest", "median", "smallest"), tuple(rows))

# %% [markdown]
# (b). The moved copies look as far from the training pictures as the fakes do. So we look again, and move each
# picture by up to one pixel in every direction before we compare. The smallest of the nine distances counts.

# %% tolerance=0.05
ways = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
rows = []
for name, pictures in judged.items():
    all_nine = np.concatenate([moved(pictures[:100], *way) for way in ways])
    _, gaps = nearest(all_nine)
    gaps = gaps.reshape(9, 100).min(axis=0)
    rows.append((name, f"{np.median(gaps):.3f}", f"{gaps.min():.3f}"))
heads = ("nearest of nine, 100 of each", "median", "smallest")
results.Table(heads, tuple(rows))

# %%
plot.film_strip(
    np.stack([long_fakes[:10], neighbours[:10]], axis=1),
    range(1, 11),
    rows=("generated", "nearest real"),
    title="Ten fakes and their nearest training pictures",
)
plot.describe(
    "Ten fakes above their nearest training pictures: similar, never the same."
)

# %% [markdown]
# Now the copier is caught: half of its pictures lie within 0.034 of a training picture (what is left comes
# from clothes that the move cuts off). No fake comes nearer than some test pictures do, and on the whole
# fakes are even further from the training pictures than real test pictures are. So nothing points to
# copies, of whole pictures, moved by a pixel at most. Mirrored copies, or copied parts, this test does not
# see.
#
# ### What the distance does not see
# **Predict, then run.** Two more "generators". The first is a copier: it hands out training
# pictures. The second fits one bell curve of pixels for *each class*, ten in all (for that it
# needs the labels). Which of them beats our network of this notebook: (a) the copier only, (b)
# both, (c) neither?

# %% tags=["predict"] tolerance=0.16
lesson.PREDICTIONS["two_more"].ask()
by_class = []
for label in range(10):
    of_this_class = train[train.labels == label][:500].images
    by_class.append(pixel_sampler(of_this_class, drawn_pictures // 10, random))
by_class = np.concatenate(by_class)
rows = (
    ("bell curve of pixels", f"{baseline:.1f}"),
    ("this notebook", f"{score:.1f}"),
    ("one bell curve for each class", f"{distance(by_class):.1f}"),
    ("longer run (recorded)", f"{long_score:.1f}"),
    ("copier", f"{floor:.1f}"),
)
results.Table(("generator", "Fréchet distance"), rows)

# %% image_tolerance=0.1
one_of_each = by_class[:: drawn_pictures // 10].copy()
plot.images(one_of_each, titles=fashion.classes)
plot.describe("One blurred, ghostly picture of each class from its bell curve.")

# %% [markdown]
# (b). The copier comes first: it hands out real pictures. **A perfect distance does not mean that anything
# new was made**, which is why we looked for copies. And ten bell curves fitted to nothing but means and
# covariances of pixels draw ghosts with double sleeves, yet beat our short run and come near the longer
# one. (They were fitted to 500 pictures of each class, the single one to 2 000.) The distance compares
# means and covariances of features. It sees nothing else of the clouds' shapes, and nothing that the expert
# does not look at.
#
# ## 6 · A judge that stands still
# The generator's loss asks for one thing: every picture should get a high score from the
# discriminator. It says nothing about real pictures, and nothing about pictures being different
# from each other. What happens if the discriminator no longer learns?
#
# We copy both trained players and **freeze** the discriminator: no gradients for its weights, and
# `eval()`, so that its batch normalisation no longer follows the fakes. The generator goes on
# alone for 200 rounds.
#
# **Predict, then run.** By the end, what will the pictures look like: (a) the best ones so far,
# (b) one picture, the same for any noise, (c) clothes covered with a pattern?


# %% tags=["recipe"]
def play_alone(players, rounds, watch):
    """Let the generator go on against a frozen copy of the discriminator."""
    alone, frozen = copy.deepcopy(players[0]), copy.deepcopy(players[1])
    frozen.requires_grad_(False)
    frozen.eval()
    optimizer = new_optimizers([alone])[0]
    for finished in range(rounds + 1):
        watch(finished, alone, frozen)
        noise = torch.randn(64, NOISE)
        take_step(optimizer, generator_loss(frozen(alone(noise))))


# %% tags=["predict"] image_tolerance=0.99
lesson.PREDICTIONS["frozen_judge"].ask()
film_alone = {}


def keep_pictures(finished, alone, frozen):
    if finished in (0, 25, 50, 100, 200):
        film_alone[finished] = drawn(alone, fixed_noise[:6]).copy()


runtime.seed(seed)
play_alone(players, rounds=200, watch=keep_pictures)
plot.film_strip(
    np.array(list(film_alone.values())),
    film_alone,
    title="The same noise after so many rounds alone",
)
plot.describe(
    "Six pictures, one in each row, five of them clothes and one nearly black. After 25 "
    "rounds the same bright dots and stripes lie over and beside their outlines; from "
    "there to round 200 little changes."
)

# %% [markdown]
# (c). Here the outlines stay, and within 25 rounds the same pattern of dots and stripes lies over all of
# them: the generator has found what *this* discriminator likes, and no clothes look like that. Such a
# pattern is called an **adversarial** texture. How does it look in numbers? Measured for five trained
# pairs of players, ahead of time:

# %%
before, after = recorded["alone"]["before"], recorded["alone"]["after"]
rows = []
for quantity, name, decimals in (
    ("loss", "generator's loss (nats)", 2),
    ("distance", "Fréchet distance", 1),
    ("apart", "mean distance of two fakes (pixels)", 1),
    ("variety", "variety of 500 fakes", 0),
    ("largest class", "share of the class drawn most", 2),
):
    row = [name]
    for values in (before[quantity], after[quantity]):
        low, high = round(min(values), decimals), round(max(values), decimals)
        row.append(f"{low:g} to {high:g}")
    rows.append(tuple(row))
growth = np.divide(after["distance"], before["distance"])
print(f"the distance grows {growth.min():.1f} to {growth.max():.1f} times")
results.Table(
    ("over five seeds", "before", "after 200 rounds alone"), tuple(rows)
)

# %% [markdown]
# For all five seeds the same: the loss goes to 0, so by its own measure the generator has won, and the
# distance to real pictures grows to 1.9 to 3.7 times what it was. Two fakes come nearer to each other,
# and their **variety** shrinks. (Variety: how many different ones of 2 000 training pictures are nearest,
# in the expert's features, to 500 fakes. For 500 real pictures it is 416; some share one. This loss is
# taken over 64 fakes, with the judge in `eval()`.) It is not the full collapse of section 1, where the
# distance of two fakes goes to 0: they stay more than half as far apart as before. How far it goes
# differs from seed to seed. In the worst of the five the expert puts 92 of 100 fakes in one class. (It
# has never seen such patterns, so that says that they look alike to it, not that they belong to that
# class.) Pattern and collapse have the same root: the loss asks for scores, not for variety. In the game
# the cure comes from the other player, who keeps learning and takes the favourite pattern's high score
# away. This was measured too: the judge learns again, and both play 200 rounds more.

# %%
again = recorded["alone"]["learning again"]["distance"]
straight_on = recorded["alone"]["straight on"]["distance"]
for name, found in (
    ("200 rounds alone", after["distance"]),
    ("then 200 rounds with a judge that learns again", again),
    ("in place of both, 200 rounds of the game", straight_on),
):
    print(f"{name}: {min(found):.1f} to {max(found):.1f}")

# %% [markdown]
# The distance falls again, below what it was before, 17.0 to 18.2. (Not because of the rounds alone: the last
# line shows that the game gets as far without them.)
#
# ### A common mistake in thinking
# "The losses tell how good the pictures are." **Predict, then run.** Here are both recorded runs of 6 000
# rounds. At the end the distance is the smallest of all in both. And the generator's loss, compared with
# that of round 2 000: is it (a) smaller in both, (b) larger in both, (c) smaller in one and larger in the
# other?

# %% tags=["predict"]
lesson.PREDICTIONS["later_losses"].ask()
rows = []
for name in ("only_time", "any"):
    run = recorded[name]
    for moment in run["moments"]:
        if moment["round"] in (600, 1000, 2000, 3000, 4000, 5000, 6000):
            then = moment["round"] // 100 - 1  # means of 100 rounds
            found = (
                f"{run['generator_loss'][then]:.2f}",
                f"{run['discriminator_loss'][then]:.2f}",
                f"{moment['distance']:.1f}",
            )
            rows.append((RUNS[name], moment["round"], *found))
heads = ("run", "round", "generator's loss", "discriminator's", "distance")
results.Table(heads, tuple(rows))

# %% [markdown]
# (c). Up to round 2 000 it falls in both, together with the distance. After that it goes on falling in one
# run, to 1.08, and in the other it rises, from 1.25 to 1.31, while the distance falls from 10.3 to 6.9. And
# with the frozen judge it fell to 0 while the pictures got worse. A loss of this game says how one player
# does against the other. By itself it does not tell which way the pictures go.
#
# ## 7 · Asking for a class
# Our generator draws what it likes. A **conditional GAN** (Mirza and Osindero, 2014) tells both
# players which class is meant: the generator gets ten more inputs, one of them 1 and the others 0;
# the discriminator gets ten more channels in the same way, and so can object "real perhaps, but
# not a boot".


# %% tags=["recipe"]
def joined(inputs, labels):
    """Append the classes to noise (N, D) or to pictures (N, 1, H, W)."""
    marks = F.one_hot(torch.as_tensor(labels).long(), 10).float()  # (N, 10)
    if inputs.ndim == 4:  # ten more channels, all ones or all zeros
        marks = marks[:, :, None, None].expand(-1, -1, *inputs.shape[2:])
    return torch.cat([inputs, marks], dim=1)


def play_conditional_round(players, optimizers, real, noise, labels):
    """The same round, with the class told to both players."""
    generator, discriminator = players
    fakes = generator(joined(noise, labels))
    loss = discriminator_loss(
        discriminator(joined(real, labels)),
        discriminator(joined(fakes.detach(), labels)),
    )
    of_discriminator = take_step(optimizers[1], loss)
    loss = generator_loss(discriminator(joined(fakes, labels)))
    of_generator = take_step(optimizers[0], loss)
    return of_generator, of_discriminator


# %% [markdown]
# This one was trained as long as the other; its weights are recorded too. **Predict, then run.**
# Of 100 pictures, how many will be what we asked for, in the opinion of an expert who is right
# about 92 of 100 real ones: (a) about 50, (b) about 85, (c) all?

# %% tags=["predict"] tolerance=0.02
lesson.PREDICTIONS["asked"].ask()
conditional_generator = recorded_generator("asked", NOISE + 10)
asked = np.arange(2000) % 10
asked_features, found = looked_at(
    drawn(conditional_generator, joined(long_noise, asked))
)
asked_score = results.frechet_distance(asked_features, test_features)
print(f"drawn as asked for, says the expert: {(found == asked).mean():.2f}")
print(f"Fréchet distance: {asked_score:.2f}, without asking {long_score:.2f}")

# %%
plot.film_strip(
    weights["asked.film"][shown] / 255,
    numbered,
    rows=fashion.classes,
    title="Asked for by class, after so many rounds (recorded)",
    size=0.62,
)
plot.describe(
    "Ten classes, each asked for by name, become clear over the rounds."
)

# %% [markdown]
# (b), 86. And the distance is half of what the other generator reached. The class is a hint to both
# players, and somebody has to label the pictures for it. (Each was trained once, so we cannot say how much
# of the difference is chance; and with ten more inputs both players have more weights, the generator by a
# quarter.)
#
# ## 8 · A walk through the noise
# Each point in the space of noise, the **latent space**, is a picture. What lies between two of
# them?
#
# **Predict, then run.** The upper row goes in a straight line from one noise vector to another.
# The lower row mixes the two pictures, pixel by pixel. What is in the middle of the upper row: (a)
# a boot and a pullover on top of each other, (b) one thing with clean edges, (c) noise?

# %% tags=["predict"]
lesson.PREDICTIONS["middle"].ask()
boot = int(np.flatnonzero(long_classes == 9)[0])
pullover = int(np.flatnonzero(long_classes == 2)[0])
shares = torch.linspace(0, 1, 11)[:, None]  # of the pullover
steps = (1 - shares) * long_noise[boot] + shares * long_noise[pullover]
through_noise = drawn(long_generator, steps)
part = shares.numpy()[:, :, None, None]
mixed = (1 - part) * long_fakes[boot] + part * long_fakes[pullover]
plot.film_strip(
    np.stack([through_noise, mixed], axis=1),
    [f"{float(share):.1f}" for share in shares],
    rows=("noise mixed", "pixels mixed"),
    title="From a boot to a pullover, by share of the pullover",
)
plot.describe(
    "One row changes shape step by step; the other is a double exposure."
)

# %%
_, said = looked_at(through_noise)
for share, k in zip(shares.ravel(), said):
    print(f"{float(share):.1f}: {fashion.classes[k]}")

# %% [markdown]
# (b), mostly. Below, two pictures are on top of each other at every step. Above, there is one thing at a
# time, though near the pullover its left edge dissolves for a step or two. The expert calls it a boot up
# to a share of 0.7, and a pullover or a shirt after that. By eye there is no such jump: the shaft widens
# until the toe has become a hem. The generator cannot jump, because a small step of the noise is always a
# small step of the picture. (One pair, one generator. With other pairs the middle is often clothes of a
# third class.)
#
# ### Turn the knobs
# In which directions do pictures change most? The first layer multiplies the noise by a matrix of weights.
# Its *singular value decomposition* lists directions by how much the matrix stretches them, the most first
# (Shen and Zhou, 2021). Choose a class and move along the two strongest.

# %%
first_layer = conditional_generator[0].weight.detach().numpy()[:, :NOISE]
_, _, directions = np.linalg.svd(first_layer, full_matrices=False)  # rows


def show_latent(figure, clothes, first, second):
    """Draw what the recorded generator makes of one point of the noise."""
    point = first * directions[:1] + second * directions[1:2]  # (1, NOISE)
    label = [fashion.classes.index(clothes)]
    noise = torch.from_numpy(point.astype("float32"))
    picture = drawn(conditional_generator, joined(noise, label))
    features, found = looked_at(picture)
    said = fashion.classes[found[0]]
    probabilities = arrays.softmax(backends.scores(verdict, features))[0]
    second_best, best = np.sort(probabilities)[-2:]
    axes = figure.subplots()
    axes.imshow(picture[0, :, :, 0], vmin=0, vmax=1)
    axes.set(title=clothes, xlabel="column", ylabel="row")
    sentence = (
        f"{clothes} at {first:.1f} and {second:.1f}: mean brightness "
        f"{picture.mean():.2f}; the expert says {said}, with a probability "
        f"of {best:.2f}, {best - second_best:.2f} above the next."
    )
    return sentence, {
        "clothes": clothes,
        "said": said,
        "brightness": picture.mean(),
        "gap": best - second_best,
    }


# %% tags=["explorer"]
latent_explorer = explore.Explorer(
    show_latent,
    size=(3.6, 3.4),
    challenges=lesson.CHALLENGES["latent_explorer"],
    clothes=explore.choice(fashion.classes, "ankle boot"),
    first=explore.slider(-3.0, 3.0, 0.0, step=0.1, label="first direction"),
    second=explore.slider(-3.0, 3.0, 0.0, step=0.1, label="second direction"),
)
latent_explorer

# %% [markdown]
# ## 9 · The same game in Keras and TensorFlow
# Layer by layer it is the same network. Three lines need thought. PyTorch unfolds the 3 136 numbers
# of the dense layer channel by channel, Keras pixel by pixel, so in the generator we unfold as PyTorch does
# and then permute the axes. The discriminator's `Flatten` has the same difference the other way round;
# `carry_weights` reorders the inputs of the dense layer after it. And `padding="same"` is safe, as section 2
# showed, because the window is 4.


# %%
def keras_players():
    layers = keras.layers
    generator = keras.Sequential(
        [
            keras.Input((NOISE,)),
            layers.Dense(64 * 7 * 7, use_bias=False),
            layers.Reshape((64, 7, 7)),
            layers.Permute((2, 3, 1)),  # (N, 7, 7, 64)
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(16, 4, 2, "same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(1, 4, 2, "same", activation="sigmoid"),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 4, 2, "same"),
            layers.LeakyReLU(0.2),
            layers.Conv2D(64, 4, 2, "same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    return generator, discriminator


twins = keras_players()
parity.carry_weights(generator, twins[0])

# %% [markdown]
# As it comes, Keras's `fit` makes one total loss smaller with one optimiser. A game has two of each, so we
# write the round ourselves. A `GradientTape` records what is computed inside it and can be asked for
# slopes. The outer tape belongs to the generator, the inner one to the discriminator.


# %%
def tape_round(players, optimizers, real, noise):
    """One step for each player, in TensorFlow; real pictures (N, 28, 28, 1)."""
    generator, discriminator = players
    softplus, mean = tf.nn.softplus, tf.reduce_mean
    with tf.GradientTape() as drawing:
        fakes = generator(noise, training=True)
        with tf.GradientTape() as judging:
            on_real = discriminator(real, training=True)
            on_fakes = discriminator(tf.stop_gradient(fakes), training=True)
            of_judge = mean(softplus(-on_real)) + mean(softplus(on_fakes))
        variables = discriminator.trainable_variables
        optimizers[1].apply(judging.gradient(of_judge, variables), variables)
        loss = mean(softplus(-discriminator(fakes, training=True)))
    variables = generator.trainable_variables
    optimizers[0].apply(drawing.gradient(loss, variables), variables)
    return loss, of_judge


# %% [markdown]
# The same weights, the same real pictures, the same noise: do both frameworks draw the same
# pictures, find the same two losses, and have the same weights after a round?

# %% tolerance=0.00001
real = (pixels[:32, :, :, None] / 255).astype("float32")
same_noise = torch.randn(32, NOISE)


def both_rounds(torch_optimizer, keras_optimizer):
    """Play one round in each framework from the same weights."""
    ours = copy.deepcopy(players)
    for one, other in zip(ours, twins):
        parity.carry_weights(one, other)
    optimizers = [keras_optimizer() for _ in twins]
    for optimizer, player in zip(optimizers, twins):
        optimizer.build(player.trainable_variables)
    first = play_round(
        ours,
        [torch_optimizer(player.parameters()) for player in ours],
        torch.from_numpy(real).permute(0, 3, 1, 2),
        same_noise,
    )
    second = tape_round(twins, optimizers, real, same_noise.numpy())
    differences = []
    for one, other in zip(ours, twins):
        back = copy.deepcopy(one)
        parity.carry_weights(other, back)
        for pair in zip(one.parameters(), back.parameters()):
            differences.append((pair[0] - pair[1]).abs().flatten())
    losses = np.abs(np.subtract(first, [float(loss) for loss in second]))
    return losses, torch.cat(differences).detach()


# %% tolerance=0.00001
parity.carry_weights(discriminator, twins[1])
pictures = drawn(generator, same_noise)
by_twin = backends.scores(twins[0], same_noise.numpy())
gaps, differences = both_rounds(
    lambda weights: torch.optim.SGD(weights, lr=0.01),
    lambda: keras.optimizers.SGD(learning_rate=0.01),
)
measured = {  # difference, and what is allowed
    "pictures": (np.abs(pictures - by_twin).max(), 1e-5),
    "discriminator's loss": (gaps[1], 1e-5),
    "generator's loss, after that step": (gaps[0], 1e-4),
    "all weights after a round of SGD": (differences.max(), 1e-5),
}
rows = [
    parity.Quantity(name, float(gap), allowed, "")
    for name, (gap, allowed) in measured.items()
]
parity.Parity(tuple(rows))

# %% [markdown]
# They do. Equal weights after a step of SGD also mean equal slopes.
#
# **Predict, then run.** Now the optimiser that we trained with, Adam, with the same learning rate
# and the same two decay rates in both. Each framework adds a tiny $\epsilon$ in the denominator,
# so that nothing is divided by 0: 0.00000001 in PyTorch, 0.0000001 in Keras. After one step, will
# the weights (a) agree to 0.00001, (b) differ by more for about one in ten?

# %% tags=["predict"] tolerance=0.04
lesson.PREDICTIONS["adam"].ask()
rows = []
for name, epsilon in (
    ("Keras's own epsilon", 1e-7),
    ("PyTorch's, translated", 1e-8 * (1 - 0.999) ** 0.5),
):
    _, differences = both_rounds(
        lambda weights: torch.optim.Adam(weights, lr=0.002, betas=(0.5, 0.999)),
        lambda epsilon=epsilon: keras.optimizers.Adam(
            learning_rate=0.002, beta_1=0.5, beta_2=0.999, epsilon=epsilon
        ),
    )
    share = (differences > 1e-5).float().mean().item()
    told = "less than 1 in 1 000" if share < 0.001 else f"about {share:.2f}"
    rows.append((name, told))
results.Table(
    ("Adam in Keras with", "weights that differ by > 0.00001"), tuple(rows)
)

# %% [markdown]
# (b), with Keras's own epsilon. Adam divides each slope by a running measure of its size. In the
# first step this measure is still about thirty times too small ($\sqrt{1 - 0.999}$), which a
# correction puts right. PyTorch adds its epsilon after the correction, Keras before it, where it
# counts thirty times as much. So weights with small slopes take shorter steps in Keras. With
# $10^{-8}\sqrt{1 - 0.999}$ in place of Keras's value hardly any differ. Batch normalisation
# differs as well in its defaults, by a factor of 100 in its epsilon and 10 in its momentum;
# `carry_weights` has put that right.
#
# ## 10 · Your turn, and questions
# **Exercise.** You may show the players 9 600 real pictures, no more. With batches of 64 that makes 150
# rounds, and they end about 6 to 8 below the bell curve, depending on the machine. Choose another batch
# size, or another learning rate, or both, so that the Fréchet distance ends at least 9 below that of the
# bell curve. You choose, so both are measured against *validation* pictures; the test pictures have no
# say in it.


# %%
valid_features, _ = looked_at(fashion.valid.pixels)
of_bell_curve = results.frechet_distance(bell_curve_features, valid_features)


@lesson.kept
def short_run(batch_size=64, rounds=150, learning_rate=0.002):
    """Tell how many pictures it used and by how much it beats the bell curve."""
    runtime.seed(0)
    players = generator_network(), discriminator_network()
    train_gan(players, pixels, rounds, batch_size, learning_rate)
    features, _ = looked_at(drawn(players[0], fixed_noise))
    away = results.frechet_distance(features, valid_features)
    return {"pictures": batch_size * rounds, "better_by": of_bell_curve - away}


# %% tags=["exercise"]
my_run = ...  # such as short_run(batch_size=64, rounds=150)

lesson.my_run.check(my_run)

# %% tags=["quiz"]
lesson.QUIZ

# %% [markdown]
# How often were your guesses in this lesson right, and how sure were you of them?

# %% tags=["learner-state"]
course.guesses("41")

# %% [markdown]
# ## Take-aways
# - A GAN is a game. Its losses say how one player does against the other, not how good the
#   pictures are. Measure the pictures.
# - An argument about slopes is not a result: train with both losses, over several seeds, and ask what the
#   optimiser makes of the slopes.
# - A distance needs a floor (real against real) and an honest baseline, from equally many
#   pictures.
# - One number never sees everything: look at the balance of classes and at the nearest training
#   pictures too, and at the pictures. A test for copies must catch a copier.
# - Frozen means `eval()` and no gradients.
#
# **Where GANs are today.** For pictures from text and for new records in picture quality,
# *diffusion models* have taken their place; they learn to remove noise, step by step, and train
# without a game. GANs live on where a picture must come in one fast step, and as an extra judge in
# other systems. *Variational autoencoders* and *autoregressive models* are two other families that
# learn from data to draw. Common cures for unstable games are a gradient penalty (WGAN-GP),
# spectral normalisation and different learning rates for the players; *precision and recall* for
# generators measure quality and variety apart.
#
# **Sources:** Goodfellow and others (2014), *Generative adversarial nets*,
# https://arxiv.org/abs/1406.2661 · Radford, Metz and Chintala (2015), *Unsupervised representation
# learning with deep convolutional generative adversarial networks*,
# https://arxiv.org/abs/1511.06434 · Mirza and Osindero (2014), *Conditional generative adversarial
# nets*, https://arxiv.org/abs/1411.1784 · Heusel and others (2017), *GANs trained by a two
# time-scale update rule* (the Fréchet distance, FID), https://arxiv.org/abs/1706.08500 · Dumoulin
# and Visin (2016), *A guide to convolution arithmetic*, https://arxiv.org/abs/1603.07285 · Odena,
# Dumoulin and Olah (2016), *Deconvolution and checkerboard artifacts*,
# https://distill.pub/2016/deconv-checkerboard/ · Kynkäänniemi and others (2019), *Improved
# precision and recall metric for assessing generative models*, https://arxiv.org/abs/1904.06991 ·
# Shen and Zhou (2021), *Closed-form factorization of latent semantics in GANs*,
# https://arxiv.org/abs/2007.06600
#
# **Claims you will meet elsewhere**, tested in this lesson: see
# [the page of claims](claims.md).

# %% [markdown] tags=["instructor"]
# ### For teachers
# **Run of show, 120 minutes:** 1 two players, both exercises on the board, the bug (32) · 2
# transposed convolution (15) · 3 and 4 the networks and the film strip; the training run is the
# break (14) · 5 the measures, one at a time, each with its prediction (25) · 6 the frozen judge
# and the losses (14) · 7 and 8 asking and walking (8) · 9 Keras and TensorFlow (8) · 10 questions
# (4). `my_run` and the written test are homework.
#
# **To cut:** the game of five numbers, and section 9 in a course that uses one framework. **Keep**
# the copier: it shows in one line what a good score does not mean.
#
# **Ask:** Who is harmed by a generated picture that is too good? What would the expert say of a
# picture of a cat? Why do we compare with test pictures and not with training pictures?
#
# **Where people stall:** the sign of the generator's loss. Let them say aloud what each player
# wants of the score s of a fake. And `detach`: draw both networks as boxes and cross out the arrow
# that is cut.
