# %% [markdown]
# # Generating images
# A network that has seen thousands of shoes and shirts draws shoes and shirts that nobody ever made. It
# never sees a right answer. It only hears from a second network how to become harder to catch.
#
# **After this lesson you can:** say what both players of a GAN minimise, and why the generator's loss is
# written as it is · compute a transposed convolution by hand · train a DCGAN in PyTorch, Keras and
# TensorFlow · measure generated pictures honestly, and recognise mode collapse.
#
# **Needs:** lessons 11, 20 and 21. **Data:** Fashion-MNIST (shipped).
#
# {measured}

# %%
import copy
import time
from functools import partial

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

# %% tags=["quiz"]
course.review("41")

# %% tags=["parameters"]
seed = 0
train_examples = 20_000  # quick: 2_000
rounds = 600  # quick: 20
drawn_pictures = 2_000  # quick: 500
keras_rounds = 30  # quick: 3

# %% [markdown]
# ## 1 · Two players
# A **generative adversarial network** (GAN) is a game of two networks.
#
# - The **generator** turns random numbers, called **noise**, into a picture.
# - The **discriminator** looks at a picture and gives the probability that it is real. It is an ordinary
#   classifier with two kinds: real, and **fake** (drawn by the generator).
#
# The discriminator learns to tell the two apart. The generator learns to be taken for real. Nobody shows
# the generator how to change a picture: the slope comes to it through the discriminator, by
# backpropagation.
#
# ### The best discriminator
# We begin on a line instead of with pictures. Real points are spread with density $p(x)$, fakes with
# density $q(x)$, and there are as many of the ones as of the others. Suppose that you stand at one place
# $x$ and know both densities.
#
# **Predict, then run.** At the place where the two curves cross, what is the best probability to give?
# And far to the left, where there are hardly any fakes?


# %% tags=["predict"]
def bell(x, mean, spread):
    height = 1 / (spread * np.sqrt(2 * np.pi))
    return height * np.exp(-(((x - mean) / spread) ** 2) / 2)


places = np.linspace(-3, 5, 161)
real_density, fake_density = bell(places, 0, 1), bell(places, 2, 0.8)
tried = np.linspace(0.001, 0.999, 999)  # probabilities that one could give
expected_loss = -real_density[:, None] * np.log(tried) - fake_density[
    :, None
] * np.log(1 - tried)
best = tried[expected_loss.argmin(axis=1)]
axes = plt.subplots()[1]
axes.plot(places, real_density, label="density of real points")
axes.plot(places, fake_density, "--", label="density of fakes")
axes.plot(places, best, ":", label="best probability of real")
axes.set(
    title="What the best discriminator says",
    xlabel="place x",
    ylabel="density, probability",
)
axes.legend()
plot.describe(
    "The best probability falls from 1 to 0 and is one half where both densities cross."
)

# %% [markdown]
# One half where the curves cross: a real point and a fake are equally likely there. Far to the left it is
# 1. The dotted line was found by trying 999 probabilities at each place and keeping the one with the
# smallest cross-entropy.
#
# **Exercise.** There is a formula for it. Of all points at $x$, which share is real?


# %% tags=["exercise"]
def best_discriminator(p, q):
    return ...  # your code


lesson.best_discriminator.check(best_discriminator)

# %%
best_discriminator = lesson.best_discriminator.carry_on_with(best_discriminator)
by_formula = best_discriminator(real_density, fake_density)
print(f"largest difference from trial: {np.abs(best - by_formula).max():.3f}")

# %% [markdown]
# Now let the fakes become perfect: $q = p$. Then the best discriminator says 1/2 everywhere, and its loss,
# once for the real points and once for the fakes, is $2 \log 2 \approx 1.39$. Keep this number. **A
# discriminator that is beaten has a loss of 1.39, not of 0.**
#
# ### Two losses for the generator
# The discriminator ends with a raw score $s$; the probability is $\sigma(s)$, the sigmoid of it. For a
# fake, the discriminator minimises $-\log(1 - \sigma(s))$. The game in its first form, **minimax**, lets
# the generator push the same number the other way. It minimises
#
# $$L_\text{minimax} = \log(1 - \sigma(s)).$$
#
# The form that everybody uses, **non-saturating**, minimises
#
# $$L = -\log \sigma(s).$$
#
# Both want $s$ to grow. They differ in how hard they pull, which is the slope along $s$. For minimax it is
# $-\sigma(s)$.
#
# **Exercise.** What is the slope of the non-saturating loss along $s$?


# %% tags=["exercise"]
def non_saturating_slope(s):
    return ...  # your code


lesson.non_saturating_slope.check(non_saturating_slope)

# %% [markdown]
# **Predict, then run.** At first fakes are bad and the discriminator is sure: $s = -5$. Which of the two
# losses pulls harder there, and by about what factor: 2, 10, or more than 100?

# %% tags=["predict"]
non_saturating_slope = lesson.non_saturating_slope.carry_on_with(
    non_saturating_slope
)


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


scores = np.linspace(-8, 8, 161)
axes = plt.subplots()[1]
axes.plot(scores, -sigmoid(scores), label="minimax")
axes.plot(scores, non_saturating_slope(scores), "--", label="non-saturating")
axes.set(
    title="How hard a fake is pulled",
    xlabel="score s of the fake (left: the discriminator is sure)",
    ylabel="slope of the loss (nats per score)",
)
axes.legend()
plot.describe(
    "Minimax is flat where the discriminator is sure; the other loss is steep there."
)
pull = non_saturating_slope(-5.0) / -sigmoid(-5.0)
print(f"at s = -5 the non-saturating loss pulls {pull:.0f} times as hard")

# %% [markdown]
# More than 100 times as hard. With minimax, the worse a fake is, the less it learns: the loss
# **saturates**. The other loss pulls hardest where there is most to learn. At a fake that is taken for
# real, both let go.
#
# **Exercise: find the bug.** Somebody wrote the discriminator's loss with `softplus`, since
# $-\log \sigma(s) = \log(1 + e^{-s}) = \text{softplus}(-s)$ never overflows. With it, the discriminator
# learned to praise fakes. Mend it.


# %% tags=["exercise"]
def judging_loss(real_scores, fake_scores):
    def softplus(s):
        return np.logaddexp(0, s)

    return softplus(real_scores).mean() + softplus(-fake_scores).mean()


lesson.judging_loss.check(judging_loss)

# %% [markdown]
# ### The whole game in a few lines
# Real points lie around 2 with a standard deviation of 0.5. The generator is $x = a + b z$ with normal
# noise $z$: it should find $a = 2$ and $b = 0.5$ (or $-0.5$). The discriminator scores
# $s = w_0 + w_1 x + w_2 x^2$, which is enough for the best answer between two bell curves. All slopes are
# written out.
#
# **Predict, then run.** Both players follow their slopes for 3 000 rounds. Will $a$ settle at 2? Will $b$
# settle at 0.5?

# %% tags=["predict"]
draw = np.random.default_rng(0)
w, a, b, path = np.zeros(3), 0.0, 1.0, []


def powers(x):
    return np.stack([np.ones_like(x), x, x**2])  # (3, N)


for _ in range(3000):
    real, z = draw.normal(2, 0.5, 256), draw.normal(size=256)
    fake = a + b * z
    on_real = (sigmoid(w @ powers(real)) - 1) * powers(real)
    on_fake = sigmoid(w @ powers(fake)) * powers(fake)
    w = w - 0.1 * (on_real + on_fake).mean(axis=1)
    # The generator: slope along the score, then through the score to the fake.
    blame = (sigmoid(w @ powers(fake)) - 1) * (w[1] + 2 * w[2] * fake)
    a, b = a - 0.05 * blame.mean(), b - 0.05 * (blame * z).mean()
    path.append((a, b))
path = np.array(path)
axes = plt.subplots()[1]
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
plot.describe("The mean finds its goal; the spread falls to 0 and swings.")

# %% [markdown]
# The mean is found within a few hundred rounds. The spread falls to nearly 0 and stays there for a
# thousand rounds: all fakes in one place. Then the discriminator notices, and the spread swings back, past
# its goal. Two players who each follow their own slope need not come to rest, and the generator likes to
# put everything on one card. This is **mode collapse**; in section 6 we meet it in pictures.

# %% [markdown]
# ## 2 · From few numbers to a picture
# A classifier makes maps smaller. A generator must make them larger, and the tool is the **transposed
# convolution**. You have met it: in lesson 20 the way back of a convolution *scattered* the blame of each
# output over the window it came from. The same scattering, used forwards, makes a larger map: each number
# of the small map stamps the kernel, times itself, into the large one, and overlapping stamps add up. The
# **stride** is how far apart the stamps stand. **Padding** now cuts a frame off.

# %% [markdown]
# **Exercise.** How large is the output along one side? Draw `pixels=3, window=4, stride=2, padding=1`
# first: three stamps of four pixels, two pixels apart, then one pixel cut off at both ends.


# %% tags=["exercise"]
def grown_size(pixels, window, stride, padding):
    return ...  # your code


lesson.grown_size.check(grown_size)

# %%
grown_size = lesson.grown_size.carry_on_with(grown_size)


def transposed_convolve(maps, filters, stride, padding):
    """Stamp filters (F, size, size, C) by maps (N, H, W, C): (N, H', W', F)."""
    (n, height, width, _), size = maps.shape, filters.shape[1]
    sides = [grown_size(side, size, stride, 0) for side in (height, width)]
    large = np.zeros((n, *sides, len(filters)))
    for i in range(size):
        for j in range(size):  # one place of the kernel, for all stamps at once
            rows = slice(i, i + stride * height, stride)
            columns = slice(j, j + stride * width, stride)
            large[:, rows, columns] += maps @ filters[:, i, j].T
    inside = slice(padding, -padding or None)
    return large[:, inside, inside]


# %% [markdown]
# Both libraries have it as a layer. Once more one convention differs: PyTorch keeps these kernels as
# (in, out, h, w) and Keras as (h, w, out, in), each the other way round than for its own convolution.

# %%
draw = np.random.default_rng(0)
maps = draw.normal(size=(2, 7, 7, 8)).astype("float32")


def by_both_libraries(filters, **torch_options):
    """Stamp the same filters in PyTorch and in Keras (padding "same")."""
    count, size = filters.shape[:2]
    layer = nn.ConvTranspose2d(
        8, count, size, stride=2, bias=False, **torch_options
    )
    layer.weight.data = torch.from_numpy(filters.transpose(3, 0, 1, 2).copy())
    model = keras.Sequential(
        [
            keras.Input((7, 7, 8)),
            keras.layers.Conv2DTranspose(
                count, size, strides=2, padding="same", use_bias=False
            ),
        ]
    )
    model.set_weights([filters.transpose(1, 2, 0, 3)])
    return tuple(backends.of(x).scores(x, maps) for x in (layer, model))


filters = draw.normal(size=(4, 4, 4, 8)).astype("float32")
ours = transposed_convolve(maps, filters, stride=2, padding=1)
for name, output in zip(
    ("PyTorch", "Keras"), by_both_libraries(filters, padding=1)
):
    equal = np.allclose(output, ours, atol=1e-4)
    print(f"{name}: shape {output.shape}, equal to ours: {equal}")

# %% [markdown]
# **Predict, then run.** Now a window of 3. In Keras, `padding="same"` again doubles 7 to 14. In PyTorch we
# need `padding=1` and `output_padding=1` for the same size. Same weights, same size: same numbers?

# %% tags=["predict"]
narrow = draw.normal(size=(4, 3, 3, 8)).astype("float32")
first, second = by_both_libraries(narrow, padding=1, output_padding=1)
print("shapes:", first.shape, second.shape)
print("same numbers:", np.allclose(first, second, atol=1e-4))
print(
    "moved by one pixel:",
    np.allclose(first[:, :-1, :-1], second[:, 1:, 1:], atol=1e-4),
)

# %% [markdown]
# The same numbers, one pixel further on. Stamps of 3 at a distance of 2 make 15 pixels; one row has to go.
# PyTorch cuts it off at the top, Keras at the bottom. With a window of 4 the stamps make 16 pixels, and
# both cut one off on each side. The window of 4 has a second advantage: with stride 2, each pixel lies
# under equally many stamps (but for the border). With 3 it is one, two or four by turns, which shows as a
# chequered pattern.

# %% [markdown]
# ## 3 · The two networks
# The recipe that made GANs work for pictures is called **DCGAN** (Radford, Metz and Chintala, 2015): no
# pooling but strides, batch normalisation in both players, and **leaky** ReLU in the discriminator, which
# lets a fifth of a negative number through, so that blame can always pass.

# %% tags=["recipe"]
NOISE = 32  # numbers that the generator starts from


def generator_network(inputs=NOISE):
    return nn.Sequential(
        nn.Linear(inputs, 64 * 7 * 7, bias=False),
        nn.Unflatten(1, (64, 7, 7)),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 16, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(16),  # (N, 16, 14, 14)
        nn.ReLU(),
        nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1),
        nn.Sigmoid(),  # (N, 1, 28, 28), pixels 0..1
    )


def discriminator_network(channels=1):
    return nn.Sequential(
        nn.Conv2d(channels, 16, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),  # (N, 16, 14, 14)
        nn.Conv2d(16, 64, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(64),  # (N, 64, 7, 7)
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(64 * 7 * 7, 1),  # the score
    )


# %% [markdown]
# A layer in front of batch normalisation has no bias: the normalisation subtracts the mean, and a bias
# with it, so its slope is 0 at all times.
#
# **Predict, then run.** Which of the two has more weights?


# %% tags=["predict"]
def count(network):
    return sum(weights.numel() for weights in network.parameters())


print("generator:", count(generator_network()))
print("discriminator:", count(discriminator_network()))

# %% [markdown]
# The generator, six times over, and most of them are in its first layer, which turns 32 numbers into 64
# maps. Telling is easier than making.
#
# ## 4 · The game
# A round has two steps. The discriminator sees 64 real pictures and 64 fakes and takes a step. Then the
# generator takes a step on the new discriminator's opinion of the same fakes. `detach` cuts the fakes off
# from the generator while the discriminator learns. (The argument `kinds` stays `None` until section 8.)


# %% tags=["recipe"]
def discriminator_loss(real_scores, fake_scores):
    return F.softplus(-real_scores).mean() + F.softplus(fake_scores).mean()


def generator_loss(fake_scores):
    return F.softplus(-fake_scores).mean()


def follow(optimizer, loss):
    """Take one step down the slope of a loss, and return the loss."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def play_round(players, optimizers, real, noise, kinds=None):
    """Let each player take one step; return both losses."""
    generator, discriminator = players
    fakes = generator(joined(noise, kinds))
    loss = discriminator_loss(
        discriminator(joined(real, kinds)),
        discriminator(joined(fakes.detach(), kinds)),
    )
    of_discriminator = follow(optimizers[1], loss)
    loss = generator_loss(discriminator(joined(fakes, kinds)))
    return follow(optimizers[0], loss), of_discriminator


# %% tags=["recipe"]
def joined(inputs, kinds):
    """Append the wanted kinds to noise (N, D) or pictures (N, 1, H, W)."""
    if kinds is None:
        return inputs
    marks = F.one_hot(torch.as_tensor(kinds).long(), 10).float()  # (N, 10)
    if inputs.ndim == 4:  # ten more channels, all ones or all zeros
        marks = marks[:, :, None, None].expand(-1, -1, *inputs.shape[2:])
    return torch.cat([inputs, marks], dim=1)


def adams(players, learning_rate=0.002):
    """One optimiser each; DCGAN's 0.5 forgets old slopes faster than 0.9."""
    return [
        torch.optim.Adam(player.parameters(), learning_rate, betas=(0.5, 0.999))
        for player in players
    ]


def train_gan(
    players,
    pixels,
    rounds,
    kinds=None,
    batch_size=64,
    learning_rate=0.002,
    schedule=None,
    watch=None,
    seed=0,
):
    """Play rounds; return both losses of each (rounds, 2): generator's first."""
    order, losses = np.random.default_rng(seed), []
    optimizers = adams(players, learning_rate)
    for finished in range(rounds):
        chosen = order.integers(0, len(pixels), batch_size)
        real = torch.from_numpy(pixels[chosen]).float().div(255)[:, None]
        asked = None if kinds is None else kinds[chosen]
        if schedule:
            for optimizer in optimizers:
                rate = learning_rate * schedule(finished / rounds)
                optimizer.param_groups[0]["lr"] = rate
        noise = torch.randn(batch_size, NOISE)
        losses.append(play_round(players, optimizers, real, noise, asked))
        if watch:
            watch(finished + 1)
    return np.array(losses)


def drawn(generator, noise, kinds=None):
    """Return pictures (N, 28, 28, 1); batch norm uses its averages."""
    inputs = joined(torch.as_tensor(noise), kinds).numpy()
    return backends.of(generator).scores(generator, inputs)


# %% [markdown]
# We watch with a **film strip**: the same six noise vectors, drawn at several moments.
#
# **Predict, then run.** What comes first: (a) sharp details in the wrong places, (b) the rough outlines of
# clothes, or (c) one good shoe, six times?

# %% tags=["predict"] tolerance=0.1
fashion = data.load("fashion-mnist")
train, test = fashion.train[:train_examples], fashion.test
pixels = train.pixels[..., 0]  # (N, 28, 28) bytes

runtime.seed(seed)
players = generator_network(), discriminator_network()
generator, discriminator = players
fixed_noise = torch.randn(drawn_pictures, NOISE)
moments = [m for m in (5, 20, 60, 150, 300, 600) if m <= rounds]
film, states = [], []


def watch(finished):
    if finished in moments:
        film.append(drawn(generator, fixed_noise[:6]))
        states.append(copy.deepcopy(generator))


started = time.perf_counter()
losses = train_gan(players, pixels, rounds, watch=watch, seed=seed)
seconds = time.perf_counter() - started
runtime.give_back_memory()  # of the training; a small machine needs it below
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
    "From grey blots over rough outlines to small pictures of shirts, bags and shoes."
)

# %% [markdown]
# Outlines first, details later. The generator has never been told what a shirt is, not even that there
# are kinds.

# %% [markdown]
# ## 5 · How good are they?
# By eye, we judge six pictures, and we are kind to our own. Three measures are more honest. Two of them
# need an expert who knows clothes: we take the best network of lesson 21 with its recorded weights. Its
# code is repeated here; you know it.


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
expert.load_state_dict(
    {name: torch.from_numpy(weights) for name, weights in stored.items()}
)
eyes, verdict = expert[:-1], expert[-1:]


def looked_at(pictures):
    """Return the expert's features (N, 128) of pictures and their kinds."""
    features = backends.of(eyes).scores(eyes, pictures)
    scores = backends.of(verdict).scores(verdict, features)
    return features, scores.argmax(axis=1)


# %% [markdown]
# ### The Fréchet distance
# The expert turns each picture into 128 **features**, the numbers in front of its last layer. Real
# pictures make a cloud of points there, and so do fakes. We describe each cloud by its mean and its
# covariance, as if it were a bell curve, and measure how far apart the two are. On a line the **Fréchet
# distance** is simple: $(m_1 - m_2)^2 + (s_1 - s_2)^2$, with means $m$ and standard deviations $s$. In 128
# directions, with the sum of a matrix's diagonal written tr,
#
# $$|m_1 - m_2|^2 + \text{tr}\left(C_1 + C_2 - 2\,(C_1 C_2)^{1/2}\right).$$

# %%
first, second = draw.normal(0, 1, (50, 1)), draw.normal(3, 2, (60, 1))
by_hand = (first.mean() - second.mean()) ** 2 + (
    first.std(ddof=1) - second.std(ddof=1)
) ** 2
print(f"by hand:  {by_hand:.6f}")
print(f"function: {results.frechet_distance(first, second):.6f}")

# %% [markdown]
# A distance alone says little. We need a floor and a baseline.
#
# - **Floor:** as many *real* training pictures, against the same test pictures.
# - **Baseline:** a generator without a network. It takes the mean of the training pictures and adds
#   normal random numbers along the 100 directions in which the pictures vary most (their **principal
#   components**), each as large as the pictures vary there. So its pixels have the mean of the real ones
#   and nearly their covariance.
#
# **Predict, then run.** The floor is a comparison of real pictures with real pictures. Is it exactly 0?

# %% tags=["predict"] tolerance=0.02
test_features, test_kinds = looked_at(test.pixels)


def distance(pictures):
    """Fréchet distance to all test pictures, in the expert's features."""
    return results.frechet_distance(looked_at(pictures)[0], test_features)


def pixel_sampler(images, count, draw):
    """Draw pictures from a bell curve fitted to the pixels."""
    flat = images.reshape(len(images), -1)
    mean = flat.mean(axis=0)
    flat = flat - mean
    sizes, components = np.linalg.eigh(flat.T @ flat)
    sizes, components = sizes[-100:] / len(flat), components[:, -100:]
    mix = draw.normal(size=(count, 100)).astype("float32") * np.sqrt(sizes)
    pictures = mean + mix @ components.T  # (count, 784)
    return np.clip(pictures, 0, 1).reshape(count, 28, 28, 1)


draw = np.random.default_rng(0)
some = draw.permutation(len(train))[:drawn_pictures]
floor = distance(train[some].pixels)
baseline = distance(pixel_sampler(train[:2_000].images, drawn_pictures, draw))
print(f"real pictures, {drawn_pictures}: {floor:.2f}")
print(f"bell curve of pixels: {baseline:.1f}")

# %% [markdown]
# Not 0: 2 000 pictures are a sample, and so are the test pictures. With fewer pictures the distance grows,
# so compare only distances from equally many. Published distances use another expert (a network
# called Inception, trained on photographs), so their numbers cannot be compared with ours at all.

# %% tags=["headline"] tolerance="band"
fake_features, fake_kinds = looked_at(drawn(generator, fixed_noise))
score = results.frechet_distance(fake_features, test_features)
headline = results.Headline(
    what="Fréchet distance of 2 000 generated pictures, lower is better",
    score=score,
    baseline=baseline,
    baseline_name="bell curve of pixels",
    parameters=count(generator),
    seconds=seconds,
    band=lessons.band("image_gan"),
)
headline

# %% [markdown]
# The network is at about half of the baseline's distance, and far from the floor. How far would it come
# with more time? The same network was trained ten times as long, on all 55 000 training pictures, with a
# learning rate that falls to 0 in the second half. Its weights come with the course.

# %% tolerance=0.02
recorded = lessons.recorded("image_gan")
weights = lessons.checkpoint("image_gan")


def recorded_generator(name, inputs):
    network, part = generator_network(inputs), name + "."
    network.load_state_dict(
        {
            key.removeprefix(part): torch.from_numpy(array)
            for key, array in weights.items()
            if key.startswith(part) and not key.endswith("film")
        }
    )
    return network


long_generator = recorded_generator("any", NOISE)
long_noise = torch.randn(
    2000, NOISE, generator=torch.Generator().manual_seed(1)
)
long_fakes = drawn(long_generator, long_noise)
long_features, long_kinds = looked_at(long_fakes)
long_score = results.frechet_distance(long_features, test_features)
print(f"{recorded['rounds']} rounds: {long_score:.2f}")

# %%
shown = [0, 1, 2, 4, 6, 9]  # of the ten moments that were kept
numbered = [recorded["any"]["moments"][moment]["round"] for moment in shown]
plot.film_strip(
    weights["any.film"][shown, :6] / 255,
    numbered,
    title="The same noise after so many rounds (recorded)",
)
plot.describe("The same noise through 6 000 rounds; pictures become crisper.")

# %% [markdown]
# Up to round 300 a picture can still turn into another kind. From round 1 000 on each keeps its kind here
# and becomes crisper.

# %% [markdown]
# ### Which kinds does it draw?
# Of the real pictures, each of the ten kinds is one tenth. And of the fakes, in the expert's opinion? As a
# single number we take the **imbalance**: the share of pictures that would have to change kind to make all
# shares equal. It is 0 for a perfect balance and 0.9 if all pictures are of one kind.


# %% image_tolerance=0.7
def imbalance(kinds):
    shares = np.bincount(kinds, minlength=10) / len(kinds)
    return np.abs(shares - 0.1).sum() / 2


axes = plt.subplots(figsize=(6.4, 3.2))[1]
for place, (name, kinds) in enumerate(
    (("this notebook", fake_kinds), ("recorded, longer", long_kinds))
):
    shares = np.bincount(kinds, minlength=10) / len(kinds)
    axes.bar(np.arange(10) + 0.4 * place - 0.2, shares, 0.4, label=name)
axes.axhline(0.1, color="black", linestyle=":", label="real pictures")
axes.set_xticks(range(10), fashion.classes, rotation=45, ha="right")
axes.set(
    title="What the expert says of the generated pictures",
    xlabel="kind",
    ylabel="share of pictures",
)
axes.legend()
plot.describe(
    "Shares of kinds: uneven for the short run, nearer to a tenth later."
)

# %% tolerance=0.05
print(f"imbalance, this notebook: {imbalance(fake_kinds):.2f}")
print(f"imbalance, longer run:    {imbalance(long_kinds):.2f}")
print(f"imbalance, test pictures: {imbalance(test_kinds):.2f}")

# %% [markdown]
# The short run draws twice as many shirts as it should, and too few pullovers and sneakers. (A doubtful top
# is most often called a shirt, also by this expert.) In the longer run each kind is near a tenth: only 4
# pictures in 100 would have to change.
#
# ### Does it copy?
# Perhaps the generator has learned training pictures by heart. Then each fake would lie on top of some
# training picture. For each of 200 fakes we look for the nearest of all 55 000 training pictures, and do the
# same for 200 real test pictures, which cannot be copies.


# %% tolerance=0.05
def nearest(pictures, chunk=2_500):
    """Nearest training picture of each picture, and how far it is per pixel."""
    a = pictures.reshape(len(pictures), -1)
    best, gaps = np.zeros(a.shape, "float32"), np.full(len(a), np.inf)
    for start in range(0, len(fashion.train), chunk):
        b = fashion.train[start : start + chunk].images.reshape(-1, 784)
        squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
        places = squares.argmin(axis=1)
        away = np.sqrt(((a - b[places]) ** 2).mean(axis=1))
        nearer = away < gaps
        best[nearer], gaps[nearer] = b[places[nearer]], away[nearer]
    return best.reshape(pictures.shape), gaps


twins, gaps = nearest(long_fakes[:200])
_, gaps_of_real = nearest(test[:200].images)
print(f"fakes, median distance to the nearest: {np.median(gaps):.3f}")
print(f"test pictures:                         {np.median(gaps_of_real):.3f}")
print(
    f"smallest: fakes {gaps.min():.3f}, test pictures {gaps_of_real.min():.3f}"
)

# %%
plot.film_strip(
    np.stack([long_fakes[:10], twins[:10]], axis=1),
    range(1, 11),
    rows=("generated", "nearest real"),
    title="Ten fakes and their nearest training pictures",
)
plot.describe(
    "Ten fakes above their nearest training pictures: alike, not equal."
)

# %% [markdown]
# No copies: a copy would have distance 0, and no fake comes nearer than some test pictures do. On the whole
# fakes lie even further from the training pictures than real test pictures, since many are not quite right.

# %% [markdown]
# ### What the distance does not see
# **Predict, then run.** Two more "generators". The first is a copier: it hands out training pictures. The
# second fits one bell curve of pixels for *each kind*, ten in all (for that it needs the labels). Which of
# these beats our network in Fréchet distance?

# %% tags=["predict"] tolerance="band"
by_kind = np.concatenate(
    [
        pixel_sampler(
            train[train.labels == kind][:500].images, drawn_pictures // 10, draw
        )
        for kind in range(10)
    ]
)
rows = (
    ("bell curve of pixels", f"{baseline:.1f}"),
    ("this notebook", f"{score:.1f}"),
    ("one bell curve for each kind", f"{distance(by_kind):.1f}"),
    ("longer run (recorded)", f"{long_score:.1f}"),
    ("copier", f"{floor:.1f}"),
)
results.Table(("generator", "Fréchet distance"), rows)

# %% image_tolerance=0.1
by_kind = by_kind[:: drawn_pictures // 10].copy()  # one of each, to look at
plot.images(by_kind, titles=fashion.classes)
plot.describe("One blurred, ghostly picture of each kind from its bell curve.")

# %% [markdown]
# Both. The copier comes first, of course: nothing can be nearer to real pictures than real pictures. **A
# perfect distance does not mean that anything new was made**, which is why we looked for copies. And ten
# bell curves that know nothing but means and covariances of pixels draw ghosts with double sleeves, yet beat
# our short run by far and come near the longer one. The distance compares means and covariances of features.
# Whoever gets the ten kinds and their shares right is close already. It sees nothing else of the clouds'
# shapes, and nothing that the expert does not look at.

# %% [markdown]
# ### A common mistake in thinking
# "When the discriminator's loss is low, the pictures are good", or "the losses tell when to stop". We have
# the losses of every round and can measure the distance at the moments we kept.

# %% tolerance=0.6
rows = []
for moment, state in zip(moments, states):
    before = losses[max(0, moment - 20) : moment].mean(axis=0)
    away = distance(drawn(state, fixed_noise))
    rows.append((moment, f"{before[0]:.1f}", f"{before[1]:.1f}", f"{away:.0f}"))
results.Table(
    ("round", "generator's loss", "discriminator's loss", "Fréchet distance"),
    tuple(rows),
)

# %%
judged = {row[0]: float(row[2]) for row in rows}
away = {row[0]: float(row[3]) for row in rows}
early, middle, last = moments[1], moments[len(moments) // 2], moments[-1]
for claim, holds in (
    (
        f"discriminator's loss lower at {early} than at {last}",
        judged[early] < judged[last],
    ),
    (
        f"distance at {last} below half of that at {early}",
        away[last] < away[early] / 2,
    ),
    (
        f"distance still falls from {middle} to {last}",
        away[last] < away[middle],
    ),
):
    print(f"{claim}: {holds}")

# %% [markdown]
# It is nearly the other way round. The discriminator's loss is lowest around round 20, when the fakes are
# grey blots that anyone would find out, and highest at the end, when they are best. From round 150 on both
# losses hardly move, while the distance still comes down. A loss of this game compares the two players. If
# both get better, it stays where it is.

# %% [markdown]
# ## 6 · Mode collapse
# Why would a generator draw only sandals? Look at what its loss asks for: every picture should get a high
# score. It says nothing about pictures being different from each other. If the discriminator stood
# still, the best answer would be to draw the one picture with the highest score, always.
#
# So let it stand still. We copy both trained players, freeze the discriminator, and let the generator go
# on alone for 300 rounds.
#
# **Predict, then run.** What will the generator's loss do? And the pictures?

# %% tags=["predict"] tolerance=3.0
library_features, _ = looked_at(train[:2_000].pixels)


def variety(features):
    """How many different training pictures are nearest to 500 pictures."""
    a, b = features[:500], library_features
    squares = (b**2).sum(1) - 2 * a @ b.T  # but for a's own length
    return len(np.unique(squares.argmin(axis=1)))


runtime.seed(seed)
alone, frozen = copy.deepcopy(players)
optimizer = adams([alone])[0]
rows, film = [], []
for finished in range(301):
    if finished in (0, 50, 100, 200, 300):
        pictures = drawn(alone, fixed_noise)
        features, kinds = looked_at(pictures)
        away = results.frechet_distance(features, test_features)
        with torch.no_grad():
            loss = generator_loss(frozen(alone(fixed_noise[:64]))).item()
        rows.append(
            (
                finished,
                f"{loss:.2f}",
                f"{away:.0f}",
                f"{imbalance(kinds):.1f}",
                variety(features),
            )
        )
        film.append(pictures[:6].copy())  # not a view of all
    noise = torch.randn(64, NOISE)
    follow(optimizer, generator_loss(frozen(alone(noise))))
of_real = variety(test_features)
results.Table(
    (
        "rounds alone",
        "generator's loss",
        "Fréchet distance",
        "imbalance",
        f"variety (of real: {of_real})",
    ),
    tuple(rows),
)

# %%
before, after = rows[0], rows[-1]
print("the loss falls to nearly 0:", float(after[1]) < 0.05)
print(
    "the distance grows by half or more:",
    float(after[2]) > 1.5 * float(before[2]),
)
print("a third of the variety is lost:", after[4] < 2 / 3 * before[4])

# %% image_tolerance=0.99
plot.film_strip(
    np.array(film),
    [each[0] for each in rows],
    title="The same noise after so many rounds alone",
)
plot.describe(
    "Different kinds of clothes all take on the same bright dots and stripes."
)

# %% [markdown]
# The loss goes to 0: by its own measure, the generator is winning. By two other measures it falls apart. The
# distance grows by half or more, and of the different nearest neighbours that 500 pictures had, a third or
# more are lost. (500 real pictures have not 500 either: some share one.) The balance of kinds tells least: a
# collapse can happen within each kind. The pictures take on the same dots and stripes: no clothes look like
# that, but this discriminator gives it a high score. That is mode collapse. In the running game it shows in a
# milder form whenever the discriminator is too slow to punish a favourite, as with the five numbers of
# section 1.
#
# The loss asks for nothing better, so the cure must come from the other player: a discriminator that keeps
# learning, and so takes the favourite picture's high score away.

# %% [markdown]
# ## 7 · The same game in Keras and TensorFlow
# Layer by layer it is the same network. Two lines need thought. PyTorch unfolds the 3 136 numbers of the
# dense layer channel by channel, Keras pixel by pixel, so here we unfold as PyTorch does and then turn the
# axes. And `padding="same"` is safe, as section 2 showed, because the window is 4.


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


runtime.give_back_memory()
twins = keras_players()
parity.carry_weights(generator, twins[0])

# %% [markdown]
# Keras's `fit` knows one model, one loss and one optimiser. A game has two of each, so we write the round
# ourselves. A `GradientTape` records what is computed inside it and can be asked for slopes. The outer tape
# belongs to the generator, the inner one to the discriminator.


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
# The same weights, the same real pictures, the same noise: do both frameworks draw the same pictures, find
# the same two losses, and have the same weights after a round?

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


parity.carry_weights(discriminator, twins[1])
pictures = drawn(generator, same_noise)
by_twin = backends.of(twins[0]).scores(twins[0], same_noise.numpy())
gaps, differences = both_rounds(
    lambda weights: torch.optim.SGD(weights, 0.01),
    lambda: keras.optimizers.SGD(0.01),
)
parity.Parity(
    tuple(
        parity.Quantity(name, float(gap), 1e-5, "")
        for name, gap in (
            ("pictures", np.abs(pictures - by_twin).max()),
            ("generator's loss", gaps[0]),
            ("discriminator's loss", gaps[1]),
            ("all weights after a round of SGD", differences.max()),
        )
    )
)

# %% [markdown]
# They do. Equal weights after a step of SGD also mean equal slopes.
#
# **Predict, then run.** Now the optimiser that we trained with, Adam, with the same learning rate and the
# same two decay rates in both. Each framework adds a tiny $\epsilon$ in the denominator, so that nothing
# is divided by 0: 0.00000001 in PyTorch, 0.0000001 in Keras. Will the weights still agree to 0.00001 after
# one step?

# %% tags=["predict"]
rows = []
for name, epsilon in (
    ("Keras's own epsilon", 1e-7),
    ("PyTorch's, translated", 1e-8 * (1 - 0.999) ** 0.5),
):
    _, differences = both_rounds(
        lambda weights: torch.optim.Adam(weights, 0.002, (0.5, 0.999)),
        partial(keras.optimizers.Adam, 0.002, 0.5, 0.999, epsilon=epsilon),
    )
    many = (differences > 1e-5).float().mean().item() > 0.01
    rows.append((name, "more than 1 in 100" if many else "at most 1 in 100"))
results.Table(
    ("Adam in Keras with", "weights that differ by > 0.00001"), tuple(rows)
)

# %% [markdown]
# Not with Keras's own epsilon: many weights differ, and not by rounding alone. Adam divides each slope by a
# running measure of its size. In the first step this measure is still about thirty times too small
# ($\sqrt{1 - 0.999}$), which a correction puts right. PyTorch adds its epsilon after the correction, Keras
# before it, where it counts thirty times as much. So weights with small slopes take shorter steps in Keras.
# With $10^{-8}\sqrt{1 - 0.999}$ in place of Keras's value both agree. Batch normalisation differs as well
# in its defaults, by a factor of 100 in its epsilon and 10 in its momentum; `carry_weights` has put that
# right.

# %% [markdown]
# ### Thirty rounds side by side
# From the same fresh weights, with the same pictures and the same noise. `tf.function` compiles the round
# into one graph, which saves TensorFlow the way through Python.
#
# **Predict, then run.** Keras keeps its own epsilon here. Will the two curves part at once, in the course
# of the thirty rounds, or not at all?

# %% tags=["predict"] image_tolerance=0.5
runtime.seed(seed)
ours = generator_network(), discriminator_network()
for one, other in zip(ours, twins):
    parity.carry_weights(one, other)
torch_adams = adams(ours)
keras_adams = [keras.optimizers.Adam(0.002, 0.5, 0.999) for _ in twins]
for optimizer, player in zip(keras_adams, twins):
    optimizer.build(player.trainable_variables)
compiled = tf.function(
    lambda real, noise: tape_round(twins, keras_adams, real, noise)
)
order, curves = np.random.default_rng(seed), []
for _ in range(keras_rounds):
    chosen = order.integers(0, len(pixels), 32)
    real = (pixels[chosen, :, :, None] / 255).astype("float32")
    noise = torch.randn(32, NOISE)
    as_torch = torch.from_numpy(real).permute(0, 3, 1, 2)
    first = play_round(ours, torch_adams, as_torch, noise)
    second = compiled(tf.constant(real), tf.constant(noise.numpy()))
    curves.append((first[0], float(second[0])))
curves = np.array(curves)
axes = plt.subplots()[1]
for values, name, style in zip(curves.T, ("PyTorch", "Keras"), ("-", "--")):
    axes.plot(values, style, label=name)
axes.set(
    title="The generator's loss, round by round",
    xlabel="round",
    ylabel="loss (nats)",
)
axes.legend()
plot.describe("Both curves are one for more than ten rounds, then they part.")
apart = np.abs(curves[:, 0] - curves[:, 1])
print("equal to 0.1 for ten rounds:", bool(apart[:10].max() < 0.1))
print("and to the end:", bool(apart.max() < 0.1))

# %% [markdown]
# For more than ten rounds one curve, through every peak: the two programs play the same game. Then the
# curves part. A small difference grows, since each player answers the other's last move and hands it on,
# enlarged. In the end the two would draw different pictures, and so would PyTorch alone with another
# number of processor cores. So compare GANs by measures of many pictures and over several seeds, never by
# single pictures.

# %% [markdown]
# ## 8 · Asking for a kind
# Our generator draws what it likes. A **conditional** GAN (Mirza and Osindero, 2014) tells both players
# which kind is wanted: the generator gets ten more inputs, one of them 1 and the others 0; the
# discriminator gets ten more channels in the same way, and so can object "real perhaps, but not a boot".
# That is all that `joined` does. It was trained as long as the other one; its weights are recorded too.
#
# **Predict, then run.** Now that it must draw each kind equally often, can its Fréchet distance still be
# bad?

# %% tags=["predict"] tolerance=0.02
runtime.give_back_memory()
asked_generator = recorded_generator("asked", NOISE + 10)
wanted = np.arange(2000) % 10
asked_features, asked_kinds = looked_at(
    drawn(asked_generator, long_noise, wanted)
)
asked_score = results.frechet_distance(asked_features, test_features)
print(
    f"drawn as asked for, says the expert: {(asked_kinds == wanted).mean():.2f}"
)
print(f"Fréchet distance: {asked_score:.2f}, without asking {long_score:.2f}")

# %%
plot.film_strip(
    weights["asked.film"][shown] / 255,
    numbered,
    rows=fashion.classes,
    title="Asked for by kind, after so many rounds (recorded)",
    size=0.62,
)
plot.describe(
    "Ten kinds, each asked for by name, become clear over the rounds."
)

# %% [markdown]
# It could be: the ten bell curves kept the balance too, and were at 7.5. It is not. The distance is half of
# what the other generator reached, and 86 in 100 pictures are what was asked for, in the opinion of an
# expert who is right about 92 in 100 real ones. The kind is a hint to both players, and it costs only that
# somebody has labelled the pictures.

# %% [markdown]
# ## 9 · A walk through the noise
# Each point in the space of noise, the **latent space**, is a picture. What lies between two of them?
#
# **Predict, then run.** The upper row goes in a straight line from one noise vector to another. The lower
# row mixes the two pictures, pixel by pixel. How will the middles differ?

# %% tags=["predict"]
shoe = int(np.flatnonzero(long_kinds == 9)[0])  # an ankle boot
shirt = int(np.flatnonzero(long_kinds == 2)[0])  # a pullover
ways = torch.linspace(0, 1, 11)[:, None]  # shares of the second picture
steps = (1 - ways) * long_noise[shoe] + ways * long_noise[shirt]
through_noise = drawn(long_generator, steps)
part = ways.numpy()[:, :, None, None]
mixed = (1 - part) * long_fakes[shoe] + part * long_fakes[shirt]
plot.film_strip(
    np.stack([through_noise, mixed], axis=1),
    [f"{float(way):.1f}" for way in ways],
    rows=("noise mixed", "pixels mixed"),
    title="From a boot to a pullover, by share of the pullover",
)
plot.describe(
    "One row changes shape step by step; the other is a double exposure."
)

# %% [markdown]
# Below, two pictures lie on top of each other at every step. Above, there is one thing at a time, with clean
# edges: the toe draws back, a sleeve comes off at the side, a collar opens. The generator has learned shapes,
# not a store of pictures. But look at the middle: neither boot nor pullover. There are no clothes between
# the two, yet the generator cannot jump, since a small step of the noise is always a small step of the
# picture.
#
# ### Turn the knobs
# In which directions do pictures change most? The first layer multiplies the noise by a matrix of weights.
# Its singular value decomposition gives the directions that this layer stretches most (Shen and Zhou,
# 2021). Choose a kind and move along the two strongest.

# %%
first_layer = asked_generator[0].weight.detach().numpy()[:, :NOISE]
directions = np.linalg.svd(first_layer, full_matrices=False)[2]  # rows
plain = torch.zeros(1, NOISE).numpy()


def show_latent(figure, kind, first, second):
    """Draw what the recorded generator makes of one point of the noise."""
    point = plain + first * directions[0] + second * directions[1]
    wanted = fashion.classes.index(kind)
    picture = drawn(asked_generator, point.astype("float32"), [wanted])
    _, named = looked_at(picture)
    axes = figure.subplots()
    axes.imshow(picture[0, :, :, 0], vmin=0, vmax=1)
    axes.set(title=kind, xlabel="column", ylabel="row")
    return (
        f"{kind} at {first:.1f} and {second:.1f}: mean brightness "
        f"{picture.mean():.2f}; the expert says {fashion.classes[named[0]]}."
    )


# %% tags=["explorer"]
latent_explorer = explore.Explorer(
    show_latent,
    size=(3.6, 3.4),
    kind=explore.choice(fashion.classes, "ankle boot"),
    first=explore.slider(-3.0, 3.0, 0.0, step=0.1, label="first direction"),
    second=explore.slider(-3.0, 3.0, 0.0, step=0.1, label="second direction"),
)
latent_explorer

# %% [markdown]
# ## 10 · Your turn, and questions
# **Exercise.** You may show the players 9 600 real pictures, no more. With batches of 64 that makes 150
# rounds, too few. Choose another batch size or learning rate, so that the Fréchet distance ends at least 11
# below that of the bell curve.


# %%
def short_run(batch_size=64, rounds=150, learning_rate=0.002):
    """Tell how many pictures it used and by how much it beats the bell curve."""
    runtime.give_back_memory()  # of the run before
    runtime.seed(0)
    players = generator_network(), discriminator_network()
    options = {"batch_size": batch_size, "learning_rate": learning_rate}
    train_gan(players, pixels, rounds, **options)
    away = distance(drawn(players[0], fixed_noise))
    return {"pictures": batch_size * rounds, "better_by": baseline - away}


# %% tags=["exercise"]
my_run = ...  # such as short_run(batch_size=64, rounds=150)

lesson.my_run.check(my_run)

# %% tags=["quiz"]
lesson.QUIZ

# %% [markdown]
# ## Take-aways
# - A GAN is a game. Its losses say who is ahead, not how good the pictures are. Measure the pictures.
# - Give the loser a slope: a loss must pull hardest where there is most to learn.
# - A distance needs a floor (real against real) and an honest baseline, from equally many pictures.
# - One number never sees everything: look at the balance of kinds and at the nearest training pictures
#   too, and at the pictures.
# - The generator is paid for each picture, not for variety. Check variety yourself.
#
# **Sources:** Goodfellow and others (2014), *Generative adversarial nets*,
# https://arxiv.org/abs/1406.2661 · Radford, Metz and Chintala (2015), *Unsupervised representation
# learning with deep convolutional generative adversarial networks*, https://arxiv.org/abs/1511.06434 ·
# Mirza and Osindero (2014), *Conditional generative adversarial nets*, https://arxiv.org/abs/1411.1784 ·
# Heusel and others (2017), the Fréchet distance and different speeds for the players,
# https://arxiv.org/abs/1706.08500 · Dumoulin and Visin (2016), *A guide to convolution arithmetic*,
# https://arxiv.org/abs/1603.07285 · Shen and Zhou (2021), *Closed-form factorization of latent
# semantics in GANs*, https://arxiv.org/abs/2007.06600
#
# **The article's claims, tested here:** that GANs generate images. They do, from noise alone. Sections 5
# and 6 add what the article leaves out: how far these pictures are from real ones, and how easily variety
# is lost.

# %% [markdown] tags=["instructor"]
# ### For teachers
# **Run of show, 95 minutes:** 1 two players, both exercises on the board, the bug (25) · 2 transposed
# convolution (12) · 3 and 4 the networks and the film strip; the training run is the break (13) · 5 the
# measures, one at a time, each with its prediction (20) · 6 mode collapse (8) · 7 Keras and TensorFlow (7)
# · 8 and 9 asking and walking (7) · 10 questions (3). `my_run` is homework.
#
# **To cut:** the game of five numbers, and section 7 in a course that uses one framework. **Keep** the
# copier: it shows in one line what a good score does not mean.
#
# **Ask:** Who is harmed by a generated picture that is too good? What would the expert say of a picture of
# a cat? Why do we compare with test pictures and not with training pictures?
#
# **Where people stall:** the sign of the generator's loss. Let them say aloud what each player wants of
# the score s of a fake. And `detach`: draw both networks as boxes and cross out the arrow that is cut.
