# %% [markdown]
# # Which pixels matter
# A network says what it sees, and does not say why. But its score is a function of the pixels, and
# a function can be asked: what happens to you if this pixel changes? Five ways to ask, what each
# of them answers, and a test that tells us what the answers are worth.
#
# **After this lesson you can:** compute saliency, gradient × input, SmoothGrad, integrated
# gradients and occlusion by hand in two frameworks · check that an explanation adds up · choose a
# baseline, and say what it hides · test an explanation against random pixels.
#
# **Needs:** lessons 11, 20, 21 and 50. **Data:** handwritten digits, five photographs, a network with
# 4.65 million trained weights (all shipped).
#
# {measured}

# %%
import time

from dlcourse import arrays, backends, course, data, draw, explore
from dlcourse import interpret, lessons, plot, pretrained, results, runtime
from dlcourse.lessons import gradients_and_saliency as lesson

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import torch

plot.use_course_style()
runtime.seed(0)

# %% [markdown]
# ### Do you remember?
# Two questions from earlier lessons.

# %% tags=["learner-state"]
course.review("60")

# %% [markdown]
# ## 1 · A score that is a sum
# We begin where nothing is hidden. A linear model on handwritten digits has one weight for each
# pixel and class, and its score for class $k$ is a sum:
#
# $$s_k = \sum_i w_{ik}\, x_i + b_k$$
#
# The gradient of the score says how steeply it changes with each pixel: $\partial s_k /
# \partial x_i$. In training we took the gradient of the loss along the weights. Here the weights
# stay as they are, and we take the gradient of a *score* along the *pixels*. In PyTorch,
# `torch.autograd.grad` gives the gradient of a number along whatever we name.

# %%
digits = data.load("digits")
inputs = torch.tensor(digits.train.features)
labels = torch.tensor(digits.train.labels)


def train(model, steps=300, learning_rate=0.5):
    """Train on all pictures at once, as in lesson 11."""
    parameters = list(model.parameters())
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(model(inputs), labels)
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients):
                parameter -= learning_rate * gradient


linear = torch.nn.Linear(64, 10)
train(linear)
found = backends.scores(linear, digits.test.features)
print(f"test accuracy {results.accuracy(found, digits.test.labels):.2f}")


# %%
def slope_of_linear(features, k):
    """Slope of score k along each of the 64 pixels, by PyTorch."""
    pixels = torch.tensor(features, requires_grad=True)
    (slope,) = torch.autograd.grad(linear(pixels)[k], pixels)
    return slope.numpy()


threes = digits.test.features[digits.test.labels == 3][:2]

# %% [markdown]
# **Predict, then run.** `threes` holds two different pictures of a 3. How do the slopes of the
# score for *3* differ between them: (a) where the ink lies, (b) everywhere a little, (c) not at
# all?

# %% tags=["predict"]
lesson.PREDICTIONS["slopes"].ask()
first, second = (slope_of_linear(three, 3) for three in threes)
weights = linear.weight.detach().numpy().T  # (64, 10)
print(f"largest difference: {np.abs(first - second).max():.3f}")
print("slope = weight:", np.array_equal(first, weights[:, 3]))

# %% [markdown]
# (c), not at all. The slope of a sum is its weight, whatever the picture shows. So the slope alone does
# not explain a *picture*; it explains the model. To get a share of this picture's score, multiply
# it by the brightness of the pixel: $w_{ik}\, x_i$. That is **gradient × input**.
#
# Here are two pixels of the first 3; the rest is the sum over the other 62, and the bias. Which of the two
# has the steeper slope, and which the larger share of the score?

# %% tolerance=0.02
x1, x2 = threes[0, [26, 4]]  # row 3, column 2, and row 0, column 4
w1, w2 = weights[[26, 4], 3]
score = backends.scores(linear, threes[:1])[0, 3]
values = {
    "w1": w1, "x1": x1, "w2": w2, "x2": x2,
    "share1": w1 * x1, "share2": w2 * x2,
    "rest": score - w1 * x1 - w2 * x2, "score": score,
}  # fmt: skip
draw.computation_graph(
    {
        "share1": "w1 · x1",
        "share2": "w2 · x2",
        "score": "share1 + share2 + rest",
    },
    values,
    slopes={"x1": first[26], "x2": first[4]},
)

# %% [markdown]
# The first has the steeper slope: ink there would speak against a 3. But this 3 has no ink there, so its share
# is 0. The slope of the second is smaller, and its ink makes a share.
#
# **Exercise.** Write it for the linear model.


# %% tags=["exercise"]
def shares_of_score(weights, pixels, k):
    return ...  # your code


lesson.shares_of_score.check(shares_of_score)

# %% [markdown]
# **Exercise: write the test.** A wrong map need not look wrong, so test it on a case that you
# can work out. Write a function that gets a `shares_of_score`, calls it with a small model of your
# own, and uses `assert` where you know what must come out. The check runs it on right functions and
# on the wrong ones that people write.


# %% tags=["exercise"]
def test_shares_of_score(shares_of_score):
    assert ...  # your cases


lesson.test_shares_of_score.check(test_shares_of_score)

# %%
shares_of_score = lesson.shares_of_score.carry_on_with(shares_of_score)
figure, panels = plt.subplots(2, 3, figsize=(7, 4.2))
for row, three in zip(panels, threes):
    row[0].imshow(three.reshape(8, 8), vmin=0, vmax=1)
    row[0].axis("off")
    shares = shares_of_score(weights, three, 3)
    for axes, values, label in (
        (row[1], weights[:, 3], "score per unit of brightness"),
        (row[2], shares, "share of the score"),
    ):
        plot.heat_map(values.reshape(8, 8), axes=axes, limit=1, label=label)
for axes, title in zip(panels[0], ("picture", "slope", "slope × pixel")):
    axes.set_title(title)
plot.describe(
    "Two pictures of a 3: their slopes are the same, slope times pixel is not."
)

# %% tolerance=0.02
for three in threes:
    total = shares_of_score(weights, three, 3).sum() + linear.bias[3].item()
    score = backends.scores(linear, three[None])[0, 3]
    print(f"shares + bias: {total:.2f}   score: {score:.2f}")

# %% [markdown]
# Orange speaks for a 3, blue against it. Every share lies where there is ink, and shares and bias
# add up to the score. For a linear model the sum comes out exactly. (Counted from black, that is:
# remember it for section 6.) The trouble begins with the bends.

# %% [markdown]
# ## 2 · A score that levels off
# Take one pixel and the score $s(x) = \min(x, 1)$: it rises, then it levels off. ReLU networks are
# full of such bends.
#
# **Predict, then run.** At $x = 2$ the score is 1, and without the pixel it would be 0. What does
# gradient × input say: (a) 1, (b) 2, (c) 0?

# %% tags=["predict"]
lesson.PREDICTIONS["past_the_bend"].ask()


def slope_of_min(x, k=None):  # k: there is only one score
    return np.where(x < 1, 1.0, 0.0)


x = np.array([2.0])
values = {"x": x[0], "s": np.minimum(x, 1)[0]}
print("gradient × input:", (slope_of_min(x) * x)[0])
draw.computation_graph({"s": "min(x, 1)"}, values, {"x": slope_of_min(x)[0]})

# %% [markdown]
# (c), it says 0. A small change of the pixel changes nothing, so the slope is 0, though the whole
# score comes from this pixel. We asked for the slope at the wrong point. **Integrated gradients**
# ask for it all along the way from a **baseline picture** $b$, one without content such as black, to
# the picture $x$:
#
# $$a_i = (x_i - b_i) \cdot \frac{1}{m} \sum_{j=1}^{m}
# \frac{\partial s}{\partial x_i}\Big|_{\textstyle b + \alpha_j (x - b)} \qquad \alpha_j = \frac{j
# - \frac{1}{2}}{m}$$
#
# This is the mean slope on the way, times the way. If the steps are fine enough, the $a_i$ add up
# to $s(x) - s(b)$. The paper calls that **completeness**.

# %%
shares = (np.arange(8) + 0.5) / 8
line = np.linspace(0, 2.2, 100)
figure, axes = plt.subplots(figsize=(5, 2.8))
axes.plot(line, np.minimum(line, 1))
for share in shares:
    rises = slope_of_min(2 * share) == 1
    colour = plot.COLOURS[0] if rises else plot.COLOURS[1]
    axes.plot(2 * share, min(2 * share, 1), "o", color=colour)
axes.set(
    title="8 points on the way: 4 slopes of 1, 4 of 0",
    xlabel="pixel x (brightness)",
    ylabel="score",
)
plot.describe("The score rises up to x = 1, then stays; 4 of 8 points rise.")

# %% [markdown]
# Read it off: the mean slope is ½, the way 2, so the share is 1, the whole score.
#
# **Exercise.** The loop that collects the slopes is there. Finish the function.


# %% tags=["exercise"]
def integrated_gradients(slope, image, k, baseline, steps):
    """`slope(image, k)` gives the slope of score k along each value of the image."""
    way = image - baseline
    total = 0 * image
    for j in range(steps):
        share = (j + 0.5) / steps
        total = total + slope(baseline + share * way, k)
    return ...  # your code


lesson.integrated_gradients.check(integrated_gradients)

# %%
integrated_gradients = lesson.integrated_gradients.carry_on_with(
    integrated_gradients
)
print(integrated_gradients(slope_of_min, x, None, baseline=0, steps=8))

# %% [markdown]
# ## 3 · A network that knows a thousand things
# Now a real one. EfficientNet-lite0 learned the thousand classes of ImageNet from more than a
# million photographs. Lesson 50 shows how to build on it; here we only ask it.

# %% tolerance=0.02
network_name = "efficientnet-lite0"
network = pretrained.load(network_name, "pytorch")
class_names = [each.split(",")[0] for each in pretrained.classes(network_name)]
photographs = data.load("photographs")
titles = photographs.classes[:5]  # the other three show a texture, no thing
images = photographs.train.images[:5]  # (5, 224, 224, 3)
scores = backends.scores(network, images, batch_size=1)
answers = scores.argmax(axis=1)
probability = arrays.softmax(scores)[np.arange(5), answers]
results.Table(
    ("photograph", "answer", "probability", "score"),
    tuple(
        (title, class_names[k], f"{p:.2f}", f"{s[k]:.1f}")
        for title, k, p, s in zip(titles, answers, probability, scores)
    ),
)

# %% [markdown]
# *Tripod* and *espresso* are right. For the cat, *tiger cat* is nearly as probable as *Egyptian cat*,
# and the photograph does not settle which it is. *Missile* for the rocket is close, and ImageNet has
# no class for an astronaut, so every answer had to be wrong there; both have a probability of only
# 0.18. Four of our five methods need one thing from a framework, the slope. Everything else is NumPy.


# %%
def pytorch_slope(image, k):
    """Slope of score k along each value of one picture (H, W, 3)."""
    pixels = torch.tensor(image[None], dtype=torch.float32, requires_grad=True)
    inputs = pixels.permute(0, 3, 1, 2)  # (1, 3, H, W), PyTorch's order
    (slope,) = torch.autograd.grad(network(inputs)[0, k], pixels)
    return slope[0].numpy()


# %% [markdown]
# We differentiate the *score*, not the probability: a probability can also rise because another
# class falls. (That is a choice. Scores may all rise together, and softmax takes no notice of it.)
# `load` gave us the network in evaluation mode, so batch normalisation uses its stored means and
# not those of one picture.
#
# **Saliency** is the size of the slope, the largest of the three colours. **SmoothGrad** averages
# the slope over noisy copies, because slopes jump from pixel to pixel.


# %%
def saliency(slope, image, k):
    return np.abs(slope(image, k)).max(axis=2)  # (H, W)


def gradient_times_input(slope, image, k):
    return slope(image, k) * image  # (H, W, 3)


def smooth_grad(slope, image, k, noise=0.15, samples=8, seed=0):
    generator = np.random.default_rng(seed)
    width = np.float32(noise * (image.max() - image.min()))
    total = 0 * image
    for _ in range(samples):
        dots = generator.standard_normal(image.shape, dtype="float32")
        total = total + slope(image + width * dots, k)
    return np.abs(total / samples).max(axis=2)


# %% [markdown]
# The fifth method needs no slope at all. **Occlusion** covers one place after another with a grey
# square and sees how far the score drops.
#
# **Exercise: find the bug.** This function runs and gives a map. Try it on a white picture, with the
# brightness as the score: each square should cost the same. But the numbers grow from left to right
# and from top to bottom.


# %% tags=["exercise"]
def occlusion(score, image, patch):
    """`score(image)`: the score of one class, a number."""
    whole = score(image)
    drops = np.zeros((image.shape[0] // patch, image.shape[1] // patch))
    for row, column in np.ndindex(drops.shape):
        top, left = row * patch, column * patch
        covered = image
        covered[top : top + patch, left : left + patch] = 0.5
        drops[row, column] = whole - score(covered)
    return drops


lesson.occlusion.check(occlusion)

# %%
occlusion = lesson.occlusion.carry_on_with(occlusion)

# %% [markdown]
# ### Is it what a library computes?
# The course has the same five in `dlcourse.interpret`, for batches and for both frameworks. Its
# tests hold them equal to Captum, PyTorch's library for this, also on this network and this cat.

# %%
cat, k_cat = images[2], answers[2]


def compare(model, slope):
    """Say for each method whether the course gives the same map of the cat."""
    by_hand = {
        "saliency": saliency(slope, cat, k_cat),
        "gradient × input": gradient_times_input(slope, cat, k_cat),
        "SmoothGrad": smooth_grad(slope, cat, k_cat, samples=2),
        "integrated gradients": integrated_gradients(
            slope, cat, k_cat, baseline=0.5, steps=2
        ),
    }
    asked = {"model": model, "images": cat[None], "classes": [k_cat]}
    asked["batch_size"] = 1  # keeps the memory low
    by_course = {
        "saliency": interpret.saliency(**asked),
        "gradient × input": interpret.gradient_times_input(**asked),
        "SmoothGrad": interpret.smooth_grad(**asked, samples=2),
        "integrated gradients": interpret.integrated_gradients(
            **asked, baseline=0.5, steps=2
        ),
    }
    for method, ours in by_hand.items():
        theirs = by_course[method][0]
        gap = np.abs(ours - theirs).max() / np.abs(theirs).max()
        print(f"{method}: equal to 1 in 10 000: {gap < 1e-4}")


compare(network, pytorch_slope)


# %%
def score_in(model):
    """Return the function that gives a picture's score for the cat's class."""
    return lambda image: backends.scores(model, image[None])[0, k_cat]


ours = occlusion(score_in(network), cat, patch=112)
(theirs,) = interpret.occlusion(network, cat[None], [k_cat], patch=112)
print("occlusion: equal to 1 in 10 000:", np.allclose(ours, theirs, rtol=1e-4))

# %% [markdown]
# ### And in TensorFlow?
# All that changes is where the slope comes from. First we keep PyTorch's slopes of all five
# photographs, for later.

# %%
started = time.perf_counter()
in_pytorch = [pytorch_slope(*pair) for pair in zip(images, answers)]
seconds = time.perf_counter() - started
print(f"slopes of one photograph in PyTorch: {1000 * seconds / 5:.0f} ms")

generator = np.random.default_rng(0)
tiny = generator.uniform(-1e-6, 1e-6, images.shape).astype("float32")
moved = [pytorch_slope(*pair) for pair in zip(images + tiny, answers)]

# %%
twin = pretrained.load(network_name, "keras")  # the same weights, in Keras


@tf.function  # compiled at the first call
def compiled_slope(pixels, k):
    # The tape would watch the weights too; we only need the pixels.
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(pixels)
        score = twin(pixels, training=False)[0, k]
    return tape.gradient(score, pixels)


def tensorflow_slope(image, k):
    """The same, with TensorFlow's tape over a Keras model."""
    pixels = tf.constant(image[None], tf.float32)
    return compiled_slope(pixels, tf.constant(k, tf.int32)).numpy()[0]


compare(twin, tensorflow_slope)

# %%
started = time.perf_counter()
in_keras = [tensorflow_slope(*pair) for pair in zip(images, answers)]
seconds = time.perf_counter() - started
print(f"slopes of one photograph in TensorFlow: {1000 * seconds / 5:.0f} ms")

# %% [markdown]
# Which one is faster depends on the machine and its cores: believe your own two numbers. Compiled
# code has another advantage. It knows all layers before it starts, and drops a layer's output as
# soon as nothing needs it. So the Keras network does the rest of the work, and PyTorch's gives its
# memory back.

# %%
weights_of_network = sum(p.numel() for p in network.parameters())
print(f"{weights_of_network} weights")
network = None

# %% [markdown]
# ## 4 · Does it add up?
# Completeness is a promise, so we test it: the shares must add up to $s(x) - s(b)$. First for a
# small network on digits, then for the cat, both from black.

# %% tags=["parameters"]
samples = 6  # quick: 1
steps = 24  # quick: 3
fine_steps = 27  # quick: 9
draws = 10  # quick: 2
seed = 0


# %%
def sums_on_the_way(slope, image, k, shares):
    """What all shares would add up to with the slope of one point alone."""
    points = [np.float32(share) * image for share in shares]
    return np.array([(image * slope(point, k)).sum() for point in points])


def gained(model, image, k, baseline=0.0):
    """Score of the image minus score of the baseline."""
    ends = np.stack([0 * image + np.float32(baseline), image])
    before, after = backends.scores(model, ends, batch_size=1)[:, k]
    return after - before


small = torch.nn.Sequential(
    torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
)
train(small)


def small_slope(features, k):
    return backends.input_gradient(small, features[None], [k])[0]


# %% [markdown]
# **Predict, then run.** By how much do the sums miss what they should add up to? For the cat with
# 27 steps: (a) by 1 per cent, (b) by 10 per cent, (c) by 40 per cent? (The paper
# found 20 to 300 steps enough for
# 5 per cent, and advises you to check.)

# %% tags=["predict"] tolerance=0.05
lesson.PREDICTIONS["gap"].ask()
middles = (np.arange(fine_steps) + 0.5) / fine_steps
digit_sums = sums_on_the_way(small_slope, threes[0], 3, middles)
digit_gained = gained(small, threes[0], 3)
cat_sums = sums_on_the_way(tensorflow_slope, cat, k_cat, middles)
cat_gained = gained(twin, cat, k_cat)


def gap(sums, count, wanted):
    """How far `count` even steps miss what was gained, as a share of it."""
    stride = len(sums) // count  # the points of 9 steps are among those of 27
    chosen = sums[stride // 2 :: stride]
    return abs(chosen.mean() / wanted - 1)


rows = []
for count in [count for count in (1, 3, 9, 27) if count <= fine_steps]:
    digit, photograph = (
        gap(digit_sums, count, digit_gained),
        gap(cat_sums, count, cat_gained),
    )
    rows.append((count, f"{digit:.3f}", f"{photograph:.2f}"))
results.Table(("steps", "gap, digit", "gap, cat"), tuple(rows))

# %% [markdown]
# (c). For the digit even one step is good. For the cat 27 steps are still off by 40 % of the score.
# Where on the way does the score rise?

# %%
brightness = np.concatenate([np.linspace(0, 0.1, 21), np.linspace(0.15, 1, 9)])
score_of_cat = score_in(twin)
scores_on_the_way = [score_of_cat(np.float32(b) * cat) for b in brightness]
figure, axes = plt.subplots(figsize=(6.4, 3))
axes.plot(brightness, scores_on_the_way)
even = (np.arange(9) + 0.5) / 9
axes.plot(even, np.full(9, -1), "|", markersize=9, label="9 even steps")
axes.plot(even**3, np.full(9, -2), "|", markersize=9, label="9 crowded steps")
axes.set(
    title="The cat has its score in the dark",
    xlabel="brightness, as a share of the photograph's",
    ylabel="score of Egyptian cat",
)
axes.legend(loc="center right")
plot.describe(
    "The score rises from 0 to 9 before 4 percent of the brightness, then stays "
    "between 8 and 9."
)

# %% [markdown]
# At 4 % of its brightness, black to our eyes, the photograph already has its full score. Nearly the whole rise
# happens before the first of 9 even steps. Is that so for all five?

# %% tolerance=0.05
at_4, at_10 = [
    backends.scores(twin, np.float32(share) * images, batch_size=1)
    for share in (0.04, 0.1)
]
rows = []
for place, title in enumerate(titles):
    k = answers[place]
    said = class_names[at_4[place].argmax()]
    rise = at_4[place, k], at_10[place, k], scores[place, k]
    rows.append((title, said, *(f"{score:.1f}" for score in rise)))
heads = ("answer at 4 %", "score of its answer: at 4 %", "at 10 %", "at full")
results.Table(("photograph", *heads), tuple(rows))

# %% [markdown]
# No: of the others only the cameraman has its answer, *tripod*, at 4 % already, with two thirds of its
# score. The cat is the extreme case. But at 10 % all five have at least two thirds of their scores. So
# put the steps where the score rises: $\alpha_j = u_j^3$ with even $u_j$, and each slope weighted by $3
# u_j^2$, the width of its piece.


# %%
def crowded_gradients(slope, image, k, baseline, steps):
    """Integrated gradients with most of the steps near the baseline."""
    way = image - baseline
    total = 0 * image
    for j in range(steps):
        u = (j + 0.5) / steps
        total = total + 3 * u**2 * slope(baseline + u**3 * way, k)
    return way * total / steps


# %% tolerance=0.05
crowded_sums = sums_on_the_way(tensorflow_slope, cat, k_cat, middles**3)
crowded_sums = crowded_sums * 3 * middles**2
for count in [count for count in (1, 3, 9, 27) if count <= fine_steps]:
    with_even = gap(cat_sums, count, cat_gained)
    with_crowded = gap(crowded_sums, count, cat_gained)
    print(
        f"{count:2} steps: gap {with_even:.2f} even, {with_crowded:.2f} crowded"
    )

# %% [markdown]
# With 27 crowded steps the gap is 5 %. Completeness is a check that costs one subtraction. A
# formula that is exact in the limit says nothing about 27 steps.
#
# ## 5 · Look at them
# Now the maps of all five photographs, with our own functions. To learn later how firm the numbers
# are, we take each photograph again: with fresh noise of two grey levels in 256, as a camera adds,
# drawn from `seed`. You cannot see it.

# %%
generator = np.random.default_rng(seed)
noise = generator.normal(0, 2 / 256, images.shape)
retaken = np.clip(images + noise, 0, 1).astype("float32")


def maps_by(method, **settings):
    """Return a method's maps of all photographs, (5, 224, 224)."""
    found = []
    for image, k in zip(retaken, answers):
        values = method(tensorflow_slope, image, k, **settings)
        found.append(values if values.ndim == 2 else values.sum(axis=2))
    return np.stack(found)


maps = {
    "saliency": maps_by(saliency),
    "SmoothGrad": maps_by(smooth_grad, samples=samples, seed=seed),
    "gradient × input": maps_by(gradient_times_input),
}

# %%
for name, baseline in (("black", 0.0), ("grey", 0.5)):
    maps[f"integrated from {name}"] = maps_by(
        crowded_gradients, baseline=baseline, steps=steps
    )

# %%
drops = interpret.occlusion(twin, retaken, answers, patch=32, batch_size=2)
maps["occlusion"] = drops.repeat(32, axis=1).repeat(32, axis=2)  # (5, 224, 224)

# %% [markdown]
# Do they add up? For each photograph: what the shares add up to, divided by what they should (1 is
# right).

# %% tolerance=0.15
rows = []
for place, title in enumerate(titles):
    image, k = retaken[place], answers[place]
    shares = []
    for name, baseline in (("black", 0.0), ("grey", 0.5)):
        total = maps[f"integrated from {name}"][place].sum()
        shares.append(f"{total / gained(twin, image, k, baseline):.2f}")
    rows.append((title, *shares))
results.Table(("photograph", "from black", "from grey"), tuple(rows))

# %% [markdown]
# From black all five are within 20 per cent, from grey four of five; the coffee has only about 0.7
# of its score there. More steps would bring it closer. For the test below we keep 24, and keep
# this in mind.
#
# Before we draw them: do neighbouring pixels agree?

# %% tolerance=0.02
for method in ("gradient × input", "integrated from grey"):
    found = maps[method]
    opposite = (found[:, :, 1:] * found[:, :, :-1] < 0).mean()
    print(f"{method}: {opposite:.2f} of all neighbours have opposite signs")

# %% [markdown]
# In about 4 of 10 pairs one pixel speaks for the class and its neighbour against it; 5 would be
# pure chance. No eye can read that. To see *where* the network is sensitive, we draw the mean size
# over blocks of 8 × 8 pixels. (Occlusion keeps its sign: its squares are large.)
#
# **Predict, then run.** The network is sure that the second photograph shows a *tripod*. Five of
# the six maps are made of slopes. Which of these places will none of the five single out: (a) the
# place where hands and camera meet, (b) the sleeve of the dark coat, (c) the lower legs of the
# tripod?

# %% tags=["predict"] image_tolerance=0.05
lesson.PREDICTIONS["tripod"].ask()


def blocks(values, side=8):
    """Mean size of the values in each block: (224, 224) to (28, 28)."""
    count = len(values) // side
    return np.abs(values).reshape(count, side, count, side).mean(axis=(1, 3))


LABELS = {
    "saliency": "score per unit of brightness",
    "SmoothGrad": "score per unit of brightness",
    "occlusion": "drop of the score",
}


def show_maps(place):
    """Draw one photograph's six maps over it."""
    figure, panels = plt.subplots(2, 3, figsize=(9, 5.4))
    for axes, (method, found) in zip(panels.flat, maps.items()):
        seen = found[place]
        seen = seen[::32, ::32] if method == "occlusion" else blocks(seen)
        label = LABELS.get(method, "share of the score")
        plot.heat_map(seen, images[place], axes=axes, title=method, label=label)


show_maps(titles.index("cameraman"))
plot.describe(
    "Six maps for tripod. Saliency is strong around hands and camera and on the sleeve, "
    "SmoothGrad around the camera, at the head of the tripod and at a spot on the horizon, "
    "gradient times input and integration from black around camera and face, integration "
    "from grey on the sleeve below the hands. For occlusion a square over the left leg costs "
    "most, and squares over head and shoulder raise the score."
)

# %% [markdown]
# (c). Saliency is strongest around hands and camera and on the sleeve of the coat; SmoothGrad around the
# camera, at the head of the tripod and at a spot on the horizon; gradient × input and integration from black
# around camera and face; integration from grey on the sleeve. None of them singles out the lower legs.
# Occlusion disagrees: what costs most is a square over the middle of the left leg, and squares over the man's
# head and shoulder *raise* the score. Less man, more tripod.
#
# **Predict, then run.** For the astronaut the network says *bobsled*. Which of these will most
# of the six maps single out: (a) the flag behind her, (b) the helmet in her arms, (c) the shuttle?

# %% tags=["predict"] image_tolerance=0.05
lesson.PREDICTIONS["bobsled"].ask()
show_maps(titles.index("astronaut"))
plot.describe(
    "Six maps for bobsled. Saliency, SmoothGrad and integration from grey are strong on "
    "the black helmet, SmoothGrad on the face as well, occlusion at the helmet's left edge; "
    "gradient times input and integration from black are "
    "strong on the light background beside the shuttle, and weak on the helmet."
)

# %% [markdown]
# (b). Saliency, SmoothGrad and integration from grey are strong on the shining black helmet and on the
# black collar (SmoothGrad on the face as well); occlusion is strong at the helmet's left edge. A crew in
# a bobsled wears such helmets, and the network's second answer is *football helmet*. Gradient × input and
# integration from black can hardly show it: most of the helmet is black. A map is a guess about a cause.
# So take the cause away, and, to be fair, other places too.

# %% tolerance=0.03
astronaut = images[titles.index("astronaut")]
pair = [class_names.index(each) for each in ("bobsled", "football helmet")]
regions = {  # rows, columns
    "nothing": (slice(0, 0), slice(0, 0)),
    "helmet": (slice(144, 224), slice(128, 224)),
    "suit, as large": (slice(144, 224), slice(32, 128)),
    "her right shoulder, as large": (slice(96, 176), slice(0, 96)),
    "face, half as large": (slice(20, 84), slice(64, 120)),
}
rows = []
for name, place in regions.items():
    covered = astronaut.copy()
    covered[place] = 0.5
    chances = arrays.softmax(backends.scores(twin, covered[None]))[0]
    rows.append((name, *(f"{chances[k]:.2f}" for k in pair)))
results.Table(("covered", "bobsled", "football helmet"), tuple(rows))

# %% [markdown]
# Without the helmet, *football helmet* is gone: that answer does depend on the helmet. *Bobsled* falls to a
# third, but it falls with each of the other rectangles as well, with two of them further still, though one
# of these is only half as large. So nothing here shows that the helmet is the cause of *bobsled*. A map
# that lights up is no proof, and neither is one rectangle.
#
# ## 6 · The baseline decides what can be seen
# **Predict, then run.** The cameraman's coat is almost black: with the man's hair and camera, dark
# pixels make 13 % of the photograph. How large is their part in the map of integrated gradients
# from black: (a) about 0.02, (b) about 0.13, (c) about 0.3? And in the one from grey?

# %% tags=["predict"] tolerance=0.03
lesson.PREDICTIONS["dark"].ask()
place = titles.index("cameraman")
dark = images[place].max(axis=2) < 0.1
print(f"dark pixels: {dark.mean():.2f} of the photograph")
for method in list(maps)[2:5]:
    size = np.abs(maps[method][place])
    print(f"{method}: {size[dark].sum() / size.sum():.2f} of the map")

# %% [markdown]
# (a), from black almost nothing: $x_i - b_i$ is nearly 0, so no dark pixel *can* get a share. From grey
# the same pixels get more than twice their part. Neither map is wrong. Each answers another
# question: what changes if this were black, and what if it were grey? A map without its baseline
# is an answer without its question.
#
# ## 7 · A test
# What are the maps worth? If a map names the pixels that the answer needs, covering them must hurt the
# answer, and more than covering others (Samek and others, 2017, do so with small regions and call it region
# perturbation; Petsiuk and others, 2018, deletion). So we cover the first 2 % of the photograph's pixels with
# grey and see how much of the probability is lost. (The maps come from the photographs taken again; we cover
# the photographs themselves.) As baselines: pixels drawn at random, ten times, and a disc in the middle,
# where photographers put things.


# %%
def cover(image, importance, share, fill=0.5):
    """Give the `share` of pixels with the highest importance one brightness."""
    count = round(share * importance.size)
    chosen = np.argsort(-importance.ravel(), kind="stable")[:count]
    covered = image.reshape(-1, 3).copy()
    covered[chosen] = fill
    return covered.reshape(image.shape)


def lost(importance, share, fill=0.5):
    """Share of each photograph's probability that covering takes away, (5,)."""
    covered = [cover(*pair, share, fill) for pair in zip(images, importance)]
    scores = backends.scores(twin, np.stack(covered), batch_size=1)
    return 1 - arrays.softmax(scores)[np.arange(5), answers] / probability


def lost_at_random(share):
    """Mean over several draws of random pixels, (5,)."""
    shape = (5, 224, 224)
    return np.mean(
        [lost(generator.random(shape), share) for _ in range(draws)], axis=0
    )


# %% [markdown]
# And one more control. The map from grey multiplies slopes by the way from grey, $x - 0.5$, and keeps their
# signs. What do *one* slope at the photograph, and the mean of 24 noisy slopes as in SmoothGrad, reach when
# they are multiplied in the same way? (24 slopes are what the map from grey takes. They were computed ahead
# of time.)


# %%
def one_slope(slope, image, k):
    """One slope times the way from grey: nothing is integrated."""
    return slope(image, k) * (image - 0.5)


def noisy_slopes(slope, image, k, samples, seed=0):
    """The mean of noisy slopes, with its signs, times the way from grey."""
    generator = np.random.default_rng(seed)
    total = 0 * image
    for _ in range(samples):
        dots = generator.standard_normal(image.shape, dtype="float32")
        total = total + slope(image + np.float32(0.15) * dots, k)
    return total / samples * (image - 0.5)


controls = {"one slope × way": maps_by(one_slope)}

# %% [markdown]
# **Predict, then run.** Three of them, saliency, integrated gradients from grey, random pixels:
# what will the three lose with 2 % of the pixels, on average: (a) 0.4, 0.6, 0.1, (b) 0.6, 0.4,
# 0.3, (c) all about 0.5?

# %% tags=["predict"] tolerance=0.08
lesson.PREDICTIONS["at_2_percent"].ask()
rows_away, columns_away = np.mgrid[:224, :224] - 111.5
disc = -np.tile(rows_away**2 + columns_away**2, (5, 1, 1))
orders = maps | controls | {"disc in the middle": disc}
lost_at_2 = {method: lost(found, 0.02) for method, found in orders.items()}
lost_at_2["random pixels"] = lost_at_random(0.02)
rows = []
for method, values in lost_at_2.items():
    less = lost_at_2["integrated from grey"] - values  # pair by pair
    error = less.std(ddof=1) / np.sqrt(5)
    each = [round(float(value), 2) for value in (*values, values.mean())]
    behind = f"{less.mean():.2f} ± {error:.2f}" if less.any() else ""
    rows.append((method, *each, behind))
results.Table(
    ("lost at 2 %", *titles, "mean", "less than from grey"), tuple(rows)
)

# %% [markdown]
# (a). On average every map takes away more than random pixels do, and of the maps of section 5 the one from
# grey takes most: about 0.6 against 0.15. The last column compares the maps photograph by photograph, with
# the standard error of the difference: the lead over the other maps is roughly two to three such errors. On
# five photographs that is a hint and no proof. And read along the rows. On the cameraman no map does much:
# the tripod stays recognised. The two largest losses belong to wrong answers, *bobsled* and *missile*, that
# had a probability of 0.18 to begin with.

# %% tags=["headline"] tolerance=0.08
headline = results.Headline(
    what="share of the probability lost when the first 2 % of pixels are grey",
    score=float(lost_at_2["integrated from grey"].mean()),
    baseline=float(lost_at_2["random pixels"].mean()),
    baseline_name="as many random pixels, ten draws",
    parameters=weights_of_network,
    seconds=0.0,  # nothing is trained in this lesson
    band=lessons.band("gradients_and_saliency"),
)
headline

# %% [markdown]
# The band here is over the noise: the same five photographs, taken five times. Does each map hold
# as well as this one? Here are all the runs, recorded: the mean over the photographs, and the cat
# alone.

# %%
recorded = lessons.recorded("gradients_and_saliency")


def ends(shares):
    """Lowest and highest of five runs, as text."""
    return f"{min(shares):.2f} to {max(shares):.2f}"


rows = []
for method in (*lost_at_2, "24 noisy slopes × way"):
    pair = recorded["mean"][method], recorded["cat"][method]
    rows.append((method, *map(ends, pair)))
results.Table(
    ("lost at 2 %, in five runs", "mean of all", "cat alone"), tuple(rows)
)

# %% [markdown]
# Of the maps of section 5 the one from grey keeps its place, with 0.58 to 0.64. But the mean of 24 noisy
# slopes, the same number of slopes, times the same way, reaches as much, 0.57 to 0.65, and a single slope
# times the way 0.46 to 0.50. So it is not the integrating that wins here: averaging many slopes does part of
# it. What does the rest?
#
# SmoothGrad (here of 6 noisy copies) has no firm place: with other noise (the camera's, and its own) it
# takes away between 0.16, hardly more than random pixels, and 0.47. And on the cat alone saliency goes
# from 0.04 to 0.27, by noise that nobody sees. In the five runs these two come out anywhere from second
# to last of the six maps: their place in a ranking from one run would have been a lottery. And five runs
# of five photographs say nothing about other photographs: for those, read the standard errors above.
#
# **Is the comparison fair?** Saliency and SmoothGrad order the pixels by *size*, the other maps by
# *signed* share: what speaks against the class comes last. **Predict, then run.** What happens to
# the signed maps if they are ordered by size too: do they take away (a) more of the probability,
# (b) as much, (c) less? The five runs again:

# %% tags=["predict"]
lesson.PREDICTIONS["by_size"].ask()
rows = []
for method, sizes in recorded["by size"].items():
    rows.append((method, ends(recorded["mean"][method]), ends(sizes)))
by_direction = recorded["mean"]["24 noisy slopes × sign of the way"]
rows.append(("24 noisy slopes × sign of the way", ends(by_direction), ""))
results.Table(("lost at 2 %, in five runs", "by sign", "by size"), tuple(rows))

# %% [markdown]
# (c). From grey it is 0.40 to 0.45 in place of 0.58 to 0.64, and the slopes times the way keep only 0.31
# to 0.38, mostly less than saliency takes (0.33 to 0.47). (From black it is less in each of the five
# runs, too; for gradient × input in four of the five.) So the signs do the rest: a signed map leaves the
# pixels that speak against the class uncovered. The sign of one pixel is not only noise, even if no eye
# can read it. The last row has the sign of the way only, up or down, and not its length: 0.62 to 0.76,
# the most in four of the five runs. So this test rewards a map that knows, for each pixel, whether making
# it grey would lower the score, and how steeply. Many noisy slopes tell that best.
#
# What about larger shares?

# %% tolerance=0.08
lost_at_20 = {method: lost(found, 0.2) for method, found in orders.items()}
lost_at_20["random pixels"] = lost_at_random(0.2)
rows = []
for method, values in lost_at_20.items():
    each = [round(float(value), 2) for value in (*values, values.mean())]
    rows.append((method, *each))
results.Table(("lost at 20 %", *titles, "mean"), tuple(rows))

# %% [markdown]
# Look at the last row. On four of the five photographs random dots alone take most of the answer away: a
# photograph full of grey dots is something that the network has never met. (Hooker and others, 2019,
# therefore train anew on covered pictures.) There a deletion test at a large share says little about a map.
# On the cameraman the dots do nothing, and there it tells the maps apart.
#
# Is integrating from grey better than integrating from black, then? Look at the rules of the game:
# we cover with *grey*.
#
# **Predict, then run.** If we cover with black instead, which of the two maps wins: (a) from grey
# again, (b) from black, (c) neither?

# %% tags=["predict"] tolerance=0.08
lesson.PREDICTIONS["covered_with_black"].ask()
rows = []
for method in ("integrated from black", "integrated from grey"):
    means = [lost(maps[method], 0.02, fill).mean() for fill in (0, 0.5)]
    rows.append((method, *(round(float(mean), 2) for mean in means)))
heads = ("lost at 2 %", "covered with black", "covered with grey")
results.Table(heads, tuple(rows))

# %% [markdown]
# (b). From black wins where we cover with black, by about 0.7 to a mean of about nothing (on two photographs
# the map from grey costs the answer something, on two it helps it), from grey where we cover with grey,
# by about 0.6 to not quite 0.5. "Important" has no meaning before you say what takes the place of a pixel.
# The test has a baseline too, and with one of these four numbers alone you can prove what you like.
#
# ### Try it
# Cover the pixels that a method names. Where does the answer break down, and would *you* still
# recognise what is left?


# %%
def show_covered(figure, photograph, method, percent):
    """Draw the photograph with the pixels covered that the method names first."""
    place = titles.index(photograph)
    picture, lost_here, at_random = images[place], 0, 0
    if percent:
        picture = cover(picture, orders[method][place], percent / 100)
        lost_then = {2: lost_at_2, 20: lost_at_20}[percent]
        lost_here = lost_then[method][place]
        at_random = lost_then["random pixels"][place]
    after = probability[place] * (1 - lost_here)
    axes = figure.subplots()
    axes.imshow((255 * picture).astype("uint8"), interpolation="nearest")
    axes.axis("off")
    answer = class_names[answers[place]]
    axes.set_title(f"{answer}: {after:.2f}")
    sentence = (
        f"{photograph}, {percent} % covered, by {method}: {answer} goes from "
        f"{probability[place]:.2f} to {after:.2f}, so it loses {lost_here:z.2f} "
        f"of it. Dots at random: {at_random:z.2f}."
    )
    return sentence, {
        "percent": percent,
        "before": probability[place],
        "after": after,
        "lost": lost_here,
        "at_random": at_random,
    }


# %% tags=["explorer"] tolerance=0.1 image_tolerance=0.1
covering = explore.Explorer(
    show_covered,
    size=(3.6, 3.6),
    challenges=lesson.CHALLENGES["covering"],
    photograph=explore.choice(titles, "coffee"),
    method=explore.choice(orders, "integrated from grey"),
    percent=explore.choice((0, 2, 20), 2, label="per cent covered"),
)
covering

# %% [markdown]
# To us the coffee with 2 % grey dots is as good as new, and the network has lost most of its
# probability. It is sensitive to details that mean nothing to us. For grey dots this map is
# right about the network; it is the network that does not see as we do.
#
# ### A common mistake in thinking
# "The map shows the rocket clearly. So the network sees a missile." The test: ask for the map of a
# class that the network does *not* see there.
#
# **Predict, then run.** On the photograph of the rocket, will SmoothGrad's map for *espresso* (a)
# be empty, (b) show something else, (c) show the rocket?

# %% tags=["predict"] tolerance=0.05 image_tolerance=0.05
lesson.PREDICTIONS["espresso"].ask()
rocket, espresso = titles.index("rocket"), class_names.index("espresso")
pair = [answers[rocket], espresso]
found = [
    smooth_grad(tensorflow_slope, images[rocket], k, samples=samples)
    for k in pair
]
figure, panels = plt.subplots(1, 2, figsize=(7, 2.8))
for axes, values, k in zip(panels, found, pair):
    title = f"{class_names[k]} (score {scores[rocket, k]:.1f})"
    label = "score per unit of brightness"
    plot.heat_map(
        blocks(values), images[rocket], axes=axes, title=title, label=label
    )
plot.describe("Two maps, for missile and for espresso: both show the rocket.")
correlation = np.corrcoef(*[blocks(values).ravel() for values in found])[0, 1]
print(f"correlation of the two maps: {correlation:.2f}")

# %% [markdown]
# (c). The two maps have a **correlation** of about 0.9 (it is 1 if two maps rise and fall together, 0
# if they have nothing in common, and −1 if they are opposite), though one class is the answer and the
# other absurd. Do the slopes really know nothing of the class? For each photograph we compare the
# slopes of its answer with four others, all from the photograph taken again: those of the same class, so that
# we know how alike two maps can be; those of another class, the answer of the next photograph; and those of
# two broken networks, with the weights of the last layer shuffled, and with those of all layers. We compare the
# slopes themselves, with their signs, and their sizes in blocks. **Predict, then run.** Will the correlation of
# the *signed* slopes of two classes be (a) near 1, (b) near 0.5, (c) near 0?

# %% tags=["predict"] tolerance=0.15
lesson.PREDICTIONS["signed"].ask()


def correlations(first, second):
    """Correlation of slopes (224, 224, 3): of the signed ones, of sizes in blocks."""
    signed = np.corrcoef(first.ravel(), second.ravel())[0, 1]
    sizes = [
        blocks(np.abs(each).max(axis=2)).ravel() for each in (first, second)
    ]
    return signed, np.corrcoef(*sizes)[0, 1]


def slopes_with_shuffled(layers):
    """The slopes of the answers while the kernels of these layers are shuffled."""
    kept = [layer.get_weights() for layer in layers]
    for layer, weights in zip(layers, kept):
        layer.set_weights([shuffled(array) for array in weights])
    slopes = [tensorflow_slope(*pair) for pair in zip(retaken, answers)]
    for layer, weights in zip(layers, kept):
        layer.set_weights(weights)
    return slopes


def shuffled(array):
    if array.ndim == 1:  # biases and batch norm stay
        return array
    return generator.permutation(array.ravel()).reshape(array.shape)


own = [tensorflow_slope(*pair) for pair in zip(images, answers)]
compared = {
    "same class": [tensorflow_slope(*pair) for pair in zip(retaken, answers)],
    "other class": [
        tensorflow_slope(*pair) for pair in zip(retaken, np.roll(answers, -1))
    ],
    "last layer shuffled": slopes_with_shuffled(twin.layers[-1:]),
    "all layers": slopes_with_shuffled(twin.layers),
}
rows = []
for place, title in enumerate(titles):
    pairs = [
        correlations(own[place], found[place]) for found in compared.values()
    ]
    signed, sizes = [[f"{each:.1f}" for each in kind] for kind in zip(*pairs)]
    rows.append((title, *signed[:2], *sizes))
heads = [f"{name}: signed" for name in list(compared)[:2]]
more = [f"{name}: sizes" for name in compared]
results.Table(("photograph", *heads, *more), tuple(rows))

# %% [markdown]
# (c). The signed slopes of another class have correlations near 0, where those of the same class have 0.2
# to 0.5. Slopes of single pixels are noisy, but their signs do depend on the class. The sizes in blocks
# hardly do: for another class they are as alike as for the same one, or less by 0.2 at most. A map of
# sizes has thrown away most of what the slopes know of the class.
#
# A network whose last layer is shuffled has its features and knows no class any more, and its map of
# sizes is about as close to the old one as that of another class. With the kernels of all layers shuffled, the
# map is another one: in this draw the correlations are near 0. So the sizes depend on the features that
# the network has learned, and hardly on the class. (Such a network is broken in more ways than one: the
# stored averages of its batch norms no longer fit either.) Adebayo and others (2018) test many methods in
# this way: a map that a broken network draws as well cannot tell you what the network knows.
#
# Where are the sizes large, then? Mainly at edges? And the map from grey, the best of section 5: do its sizes,
# which we drew, depend on the class? Do its signs, which the test used? Maps for the next photograph's answer
# were computed ahead of time.

# %% tolerance=0.1
rows = []
for place, title in enumerate(titles):
    grey = images[place].mean(axis=2)
    at_edges = blocks(np.hypot(*np.gradient(grey)))
    sizes = blocks(np.abs(own[place]).max(axis=2))
    found = np.corrcoef(at_edges.ravel(), sizes.ravel())[0, 1]
    integrated = np.mean(recorded["other class, from grey"][title])
    rows.append((title, f"{found:.1f}", f"{integrated:.1f}"))
heads = ("sizes of slopes and edges", "from grey: other class")
results.Table(("correlation", *heads), tuple(rows))

# %%
for name in ("integrated from grey", "from grey, map of the next class"):
    print(f"lost at 2 %: {name}: {ends(recorded['mean'][name])}")

# %% [markdown]
# Not mainly at edges: the correlation is between −0.5 and 0.2. As section 5 drew it, the map from grey
# looks much the same for another class (correlations of 0.7 to 0.9). (Two such maps share a factor that
# knows no class, how far a pixel is from grey.) At helmet and sleeve it would probably light up for
# another class, too. With its signs it does know the class: the map of another class takes away about
# 0.4, as much as the sizes alone did, and its own about 0.6. Random pixels take away 0.15. So more than
# half of what this map gains over them comes with sizes, which we see and which hardly know the class.
# The part that knows it is in signs that we cannot see.
#
# ## 8 · Your turn, and questions
# Back to the man and his tripod.

# %% tolerance=0.05
cameraman = images[titles.index("cameraman")]


def probability_of_tripod(image):
    chances = arrays.softmax(backends.scores(twin, image[None]))
    return chances[0, class_names.index("tripod")]


centred = cameraman.copy()
centred[88:136, 88:136] = 0.5
print(f"tripod: {probability_of_tripod(cameraman):.2f}")
print(f"with a grey square in the middle: {probability_of_tripod(centred):.2f}")

# %% [markdown]
# **Exercise.** A grey square of 48 × 48 pixels in the middle makes the network *surer* that it
# sees a tripod. Find a place where such a square lowers the probability by 0.15 or more. The maps
# can lead you, or mislead you.

# %% tags=["exercise"]
square = ...  # (row, column) of its upper left corner

lesson.square.check(square)

# %% tags=["quiz"]
lesson.QUIZ

# %% [markdown]
# ## 9 · For the curious: the last digits
# PyTorch and Keras have the same weights, and their scores agree to 1 in 10 000. Do their slopes?
# We kept PyTorch's slopes of all five photographs, and their slopes after every pixel was moved by at
# most a millionth.
#
# **Predict, then run.** What changes the slopes more: (a) to take the other framework, or (b) to
# stay in PyTorch and move every pixel by a millionth?

# %% tags=["predict"] tolerance=0.01
lesson.PREDICTIONS["last_digits"].ask()
for change, slopes in (("in Keras", in_keras), ("pixels moved", moved)):
    largest_changes = [
        np.abs(first - second).max() / np.abs(first).max()
        for first, second in zip(in_pytorch, slopes)
    ]
    print(f"{change}: largest change of a slope")
    print("  over 5 % in some photograph:", max(largest_changes) > 0.05)
    print("  below 1 in 10 000 in most:", np.median(largest_changes) < 1e-4)

# %% [markdown]
# (b), the millionth. A unit with ReLU6, this network's bend, has the slope 1 between 0 and 6, and 0
# outside. Where it is next to one of its two bends, the seventh digit decides which, and a few
# slopes jump. PyTorch and TensorFlow round differently too, but that changes less than moving the pixels
# did. Both use the same rule at a bend; no convention differs apart from the
# order of the axes. Maps of slopes are the same map in both frameworks, but need not be equal to the
# last digit, not even to themselves on another machine.
#
# How often were your guesses in this lesson right, and how sure were you of them?

# %% tags=["learner-state"]
course.guesses("60")

# %% [markdown]
# ## Take-aways
# - A slope explains the model near this picture. A share of the score needs a *way*: from which
#   baseline to here?
# - If an explanation promises to add up, add it up. If it does not, look where the score rises.
# - "Important" means: compared with what. Name the baseline, and test with what you named.
# - Compare every map with random pixels, drawn more than once; with the map for another class; and
#   with that of a broken network.
# - Show all examples, not the best one.
#
# **What you will also meet.** *Grad-CAM* weights the maps of the last convolution instead of pixels
# (`dlcourse.interpret.grad_cam`). *LIME* fits a small linear model to pictures with parts covered; *SHAP*
# shares a score out by a rule from game theory, Shapley's; integrated gradients follow the form of it that
# Aumann and Shapley gave for smooth scores. None of them says whether a model may be trusted: where much
# depends on the answer, a model that needs no explanation can be the better choice (Rudin, 2019).
#
# **Sources:** Simonyan, Vedaldi and Zisserman (2013), *Deep inside convolutional networks*,
# https://arxiv.org/abs/1312.6034 · Zeiler and Fergus (2013), *Visualizing and understanding
# convolutional networks* (occlusion), https://arxiv.org/abs/1311.2901 · Shrikumar, Greenside,
# Shcherbina and Kundaje (2016), *Not just a black box* (gradient × input),
# https://arxiv.org/abs/1605.01713 · Smilkov, Thorat, Kim, Viégas and Wattenberg (2017),
# *SmoothGrad*, https://arxiv.org/abs/1706.03825 · Sundararajan, Taly and Yan (2017), *Axiomatic
# attribution for deep networks* (integrated gradients), https://arxiv.org/abs/1703.01365 ·
# Sturmfels, Lundberg and Lee (2020), *Visualizing the impact of feature attribution baselines*,
# https://distill.pub/2020/attribution-baselines/ · Samek and others (2017), *Evaluating the
# visualization of what a deep neural network has learned*, https://arxiv.org/abs/1509.06321 ·
# Petsiuk, Das and Saenko (2018), *RISE*, https://arxiv.org/abs/1806.07421 · Hooker and others
# (2019), *A benchmark for interpretability methods*, https://arxiv.org/abs/1806.10758 · Adebayo
# and others (2018), *Sanity checks for saliency maps*, https://arxiv.org/abs/1810.03292 · Rudin
# (2019), *Stop explaining black box machine learning models for high stakes decisions*,
# https://arxiv.org/abs/1811.10154 · Tan and Le (2019), *EfficientNet*,
# https://arxiv.org/abs/1905.11946
#
# **Claims you will meet elsewhere**, tested in this lesson: see
# [the page of claims](claims.md).

# %% [markdown] tags=["instructor"]
# ### For teachers
# **Run of show, 110 minutes:** 1 the linear model, on the board (14) · 2 levelling off and the way
# from a baseline (16) · 3 slopes in two frameworks, the bug in occlusion (18) · 4 does it add up
# (12) · 5 the maps; let the room argue about the bobsled (13) · 6 black or grey (7) · 7 the test,
# the slider and the espresso (20) · 8 questions (5) · 9 the last digits (5). `square` and the written
# test are homework.
#
# **To cut:** sections 6 and 9; the table of larger shares. **Keep** the espresso and the shuffled
# layer: people remember them when they see the next colourful map.
#
# **Ask:** What would be a picture without content for an X-ray, for a sentence, for a table of
# customers? Who would be harmed by a map that looks right and is not?
#
# **Where people stall:** the difference between a slope and a share. Let them fill in a table for
# 2 pixels and the score $3 x_1 - 2 x_2$.
