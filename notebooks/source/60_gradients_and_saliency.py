# %% [markdown]
# # Which pixels matter
# A network names what it sees, and does not say why. But its score is a function of the pixels, and a
# function can be asked: what happens to you if this pixel changes? Five ways to ask, what each of
# them answers, and a test that tells us which answers to trust.
#
# **After this lesson you can:** compute saliency, gradient × input, SmoothGrad, integrated gradients
# and occlusion by hand in two frameworks · check that an explanation adds up · choose a baseline, and
# say what it hides · test an explanation against random pixels.
#
# **Needs:** lessons 11, 20 and 50. **Data:** handwritten digits, five photographs, a network with
# 4.7 million trained weights (all shipped).
#
# {measured}

# %%
import time

from dlcourse import (
    arrays,
    backends,
    course,
    data,
    explore,
    interpret,
    lessons,
    plot,
    pretrained,
    results,
    runtime,
)
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

# %% tags=["quiz"]
course.review("60")

# %% [markdown]
# ## 1 · A score that is a sum
# We begin where nothing is hidden. A linear model on handwritten digits has one weight for each pixel
# and class, and its score for class $k$ is a sum:
#
# $$s_k = \sum_i w_{ik}\, x_i + b_k$$
#
# The **gradient** of the score says how steeply it changes with each pixel: $\partial s_k / \partial
# x_i$. In training we took the gradient of the loss along the weights. Here the weights stay as they
# are, and we take the gradient of a *score* along the *pixels*.

# %%
digits = data.load("digits")
inputs = torch.tensor(digits.train.features)
labels = torch.tensor(digits.train.labels)


def descend(model, steps=300, learning_rate=0.5):
    """Train on all pictures at once, as in lesson 11."""
    parameters = list(model.parameters())
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(model(inputs), labels)
        for p, slope in zip(parameters, torch.autograd.grad(loss, parameters)):
            p.data -= learning_rate * slope


linear = torch.nn.Linear(64, 10)
descend(linear)
found = backends.of(linear).scores(linear, digits.test.features)
print(f"test accuracy {results.accuracy(found, digits.test.labels):.2f}")


# %%


def slope_of_linear(features, k):
    """Slope of score k along each of the 64 pixels, by PyTorch."""
    pixels = torch.tensor(features, requires_grad=True)
    (slope,) = torch.autograd.grad(linear(pixels)[k], pixels)
    return slope.numpy()


weights = linear.weight.detach().numpy().T  # (64, 10)
threes = digits.test.features[digits.test.labels == 3][:2]
slopes = [slope_of_linear(three, 3) for three in threes]
print("slope = weight:", np.array_equal(slopes[0], weights[:, 3]))

# %% [markdown]
# **Predict, then run.** `threes` holds two different pictures of a 3. How do the slopes of the score
# for *3* differ between them: (a) where the ink lies, (b) everywhere a little, (c) not at all?

# %% tags=["predict"]
print(f"largest difference: {np.abs(slopes[0] - slopes[1]).max():.3f}")

# %% [markdown]
# Not at all. The slope of a sum is its weight, whatever the picture shows. So the slope alone does not
# explain a *picture*; it explains the model. To get a share of this picture's score, multiply by what
# the pixel has: $w_{ik}\, x_i$. That is **gradient × input**.
#
# **Exercise.** Write it for the linear model.


# %% tags=["exercise"]
def shares_of_score(weights, pixels, k):
    return ...  # your code


lesson.shares_of_score.check(shares_of_score)

# %%
shares_of_score = lesson.shares_of_score.carry_on_with(shares_of_score)
figure, places = plt.subplots(2, 3, figsize=(7, 4.2))
for row, three in zip(places, threes):
    row[0].imshow(three.reshape(8, 8), vmin=0, vmax=1)
    row[0].axis("off")
    shares = shares_of_score(weights, three, 3)
    for axes, values in zip(row[1:], (weights[:, 3], shares)):
        plot.heat_map(
            values.reshape(8, 8), axes=axes, limit=1, label="score units"
        )
for axes, title in zip(places[0], ("picture", "slope", "slope × pixel")):
    axes.set_title(title)
plot.describe(
    "Two pictures of a 3: their slopes are the same, slope times pixel is not."
)

# %% tolerance=0.02
for three in threes:
    total = shares_of_score(weights, three, 3).sum() + linear.bias[3].item()
    score = backends.of(linear).scores(linear, three[None])[0, 3]
    print(f"shares + bias: {total:.2f}   score: {score:.2f}")

# %% [markdown]
# Vermilion speaks for a 3, blue against it. Every share lies where there is ink, and shares and bias
# add up to the score. For a linear model nothing is left to explain. All trouble begins with bends.

# %% [markdown]
# ## 2 · A score that levels off
# Take one pixel and the score $s(x) = \min(x, 1)$: it rises, then it is satisfied. ReLU networks are
# full of such bends.
#
# **Predict, then run.** At $x = 2$ the score is 1, and without the pixel it would be 0. What does
# gradient × input say: 1, 2 or 0?


# %% tags=["predict"]
def slope_of_min(x, k=None):
    return (x < 1) * 1.0


x = np.array([2.0])
print("score:", np.minimum(x, 1)[0])
print("gradient × input:", (slope_of_min(x) * x)[0])

# %% [markdown]
# 0. Nothing changes if the pixel changes a little, so the slope is 0, though the whole score comes from
# this pixel. The slope is asked at the wrong place. **Integrated gradients** ask it everywhere on the
# way from a **baseline** $b$, a picture without content such as black, to the picture $x$:
#
# $$a_i = (x_i - b_i) \cdot \frac{1}{m} \sum_{j=1}^{m}
# \frac{\partial s}{\partial x_i}\Big|_{\textstyle b + \alpha_j (x - b)}
# \qquad \alpha_j = \frac{j - \frac{1}{2}}{m}$$
#
# The mean slope on the way, times the way. If the steps are fine enough, the $a_i$ add up to $s(x) -
# s(b)$: the paper calls it **completeness**.

# %%
shares = (np.arange(8) + 0.5) / 8
line = np.linspace(0, 2.2, 100)
figure, axes = plt.subplots(figsize=(5, 2.8))
axes.plot(line, np.minimum(line, 1))
for share in shares:
    steep = slope_of_min(2 * share) == 1
    axes.plot(2 * share, min(2 * share, 1), "o", color=plot.COLOURS[1 - steep])
axes.set(
    title="8 points on the way: 4 slopes of 1, 4 of 0",
    xlabel="pixel x",
    ylabel="score",
)
plot.describe("The score rises up to x = 1, then stays; 4 of 8 points rise.")

# %% [markdown]
# Read it off: mean slope ½, way 2, share 1. Right.
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
# Now a real one. EfficientNet-lite0 learned the thousand classes of ImageNet from more than a million
# photographs. Lesson 50 shows how to build on it; here we only ask it.

# %% tolerance=0.02
name = "efficientnet-lite0"
network = pretrained.load(name, "pytorch")
class_names = [each.split(",")[0] for each in pretrained.classes(name)]
photographs = data.load("photographs")
titles = photographs.classes[:5]  # the other three show a texture, no thing
images = photographs.train.images[:5]  # (5, 224, 224, 3)
scores = backends.of(network).scores(network, images, batch_size=1)
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
# Three right; *missile* for the rocket is close, and for an astronaut ImageNet has no class at all, so
# every answer had to be wrong. All methods of this lesson need one thing from a framework, the slope.
# Everything else is NumPy.


# %%
def pytorch_slope(image, k):
    """Slope of score k along each value of one picture (H, W, 3)."""
    pixels = torch.tensor(image[None], dtype=torch.float32, requires_grad=True)
    inputs = pixels.permute(0, 3, 1, 2)  # (1, 3, H, W), as PyTorch wants it
    (slope,) = torch.autograd.grad(network(inputs)[0, k], pixels)
    return slope[0].numpy()


# %% [markdown]
# We differentiate the **score**, not the probability: a probability can also rise because another class
# falls. And `load` gave us the network in evaluation mode, so batch normalisation uses its stored means and
# not those of one picture.
#
# **Saliency** is the size of the slope, the largest of the three colours. **SmoothGrad** averages the
# slope over noisy copies, since slopes jump from pixel to pixel.


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
# The fifth method needs no slope at all. **Occlusion** covers one place after the other with a grey
# square and looks how much the score drops.
#
# **Exercise: find the bug.** It runs and gives a map. But in this map the numbers grow from left to right and
# from top to bottom, whatever the picture.


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
# The course has the same five in `dlcourse.interpret`, for batches and for both frameworks. Its tests hold
# them equal to Captum, PyTorch's library for this, also on this network and this cat. `batch_size=1` keeps
# the memory low: PyTorch keeps every map that the network makes until the slopes are done.

# %%
cat, k_cat = images[2], answers[2]
methods = {  # by hand, by the course, and settings that both take
    "saliency": (saliency, interpret.saliency, {}),
    "gradient × input": (
        gradient_times_input,
        interpret.gradient_times_input,
        {},
    ),
    "SmoothGrad": (smooth_grad, interpret.smooth_grad, {"samples": 2}),
    "integrated gradients": (
        integrated_gradients,
        interpret.integrated_gradients,
        {"baseline": 0.5, "steps": 2},
    ),
}


def score_in(model):
    """Return the function that gives a picture's score for the cat's class."""
    return lambda image: backends.of(model).scores(model, image[None])[0, k_cat]


def compare(model, slope):
    """Say for each method whether both ways give the same map of the cat."""
    batch, pairs = (model, cat[None], [k_cat]), {}
    for method, (ours, theirs, settings) in methods.items():
        by_course = theirs(*batch, batch_size=1, **settings)[0]
        pairs[method] = ours(slope, cat, k_cat, **settings), by_course
    by_hand = occlusion(score_in(model), cat, patch=112)
    pairs["occlusion"] = by_hand, interpret.occlusion(*batch, patch=112)[0]
    for method, (first, second) in pairs.items():
        apart = np.abs(first - second).max() / np.abs(second).max()
        print(f"{method}: equal to 1 in 10 000: {apart < 1e-4}")


compare(network, pytorch_slope)

# %% [markdown]
# ### And in TensorFlow?
# All that changes is where the slope comes from. First we keep PyTorch's slopes of all five photographs, and
# those of the same photographs with every pixel moved by at most a millionth. We shall need both.

# %%
generator = np.random.default_rng(0)
whisper = generator.uniform(-1e-6, 1e-6, images.shape).astype("float32")
started = time.perf_counter()
in_pytorch = [*map(pytorch_slope, images, answers)]
pytorch_ms = 200 * (time.perf_counter() - started)  # for one of five
moved = [*map(pytorch_slope, images + whisper, answers)]

# %%
twin = pretrained.load(name, "keras")  # the same weights, in Keras


@tf.function  # compiled at the first call
def compiled_slope(pixels, k):
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        # a tape watches the weights by itself; here it is not to
        tape.watch(pixels)
        score = twin(pixels, training=False)[0, k]
    return tape.gradient(score, pixels)


def tensorflow_slope(image, k):
    """The same, with TensorFlow's tape over a Keras model."""
    pixels = tf.constant(image[None], tf.float32)
    return compiled_slope(pixels, tf.constant(k)).numpy()[0]


compare(twin, tensorflow_slope)

# %% [markdown]
# **Predict, then run.** Same weights, same photographs; the scores of PyTorch and Keras agree to 1 in
# 10 000. What changes the slopes more: to take the other framework, or to stay in PyTorch and move every
# pixel by a millionth?

# %% tags=["predict"] tolerance=0.01
started = time.perf_counter()
in_keras = [*map(tensorflow_slope, images, answers)]
keras_ms = 200 * (time.perf_counter() - started)
twin_scores = backends.of(twin).scores(twin, images, batch_size=1)
print("scores agree to 0.0001:", np.abs(scores - twin_scores).max() < 1e-4)
for change, slopes in (("in Keras", in_keras), ("pixels moved", moved)):
    pairs = [*zip(in_pytorch, slopes)]
    alike = min(np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs)
    apart = max(np.abs(a - b).max() / np.abs(a).max() for a, b in pairs)
    print(
        f"{change}: correlation at least {alike:.2f}, "
        f"some slope changes by over 5 % of the largest: {apart > 0.05}"
    )

# %% [markdown]
# The millionth changes more. A unit with ReLU has the slope 1 or 0 and nothing between. Where it stands
# next to its bend, the seventh digit decides whether it is on, and a few slopes jump. PyTorch and
# TensorFlow round differently in that digit, so they fall on different sides of a few bends. Both use the
# same rule at a bend; no convention differs but the order of the axes. Maps of slopes are the same map in
# both frameworks, but never equal to the last digit, not even with themselves on another machine.
#
# We are free to choose, then. Which one is faster?

# %%
print(f"slopes of one photograph in PyTorch: {pytorch_ms:.0f} ms")
print(f"in TensorFlow, compiled: {keras_ms:.0f} ms")

# %% [markdown]
# Which one is faster depends on the machine and its cores: believe your own two numbers. Compiled code has
# another advantage: it knows all layers before it starts, and drops a map as soon as nobody needs it. So
# the Keras network does the rest of the work, and PyTorch's gives its memory back.

# %%
weights_of_network = sum(p.numel() for p in network.parameters())
network = in_pytorch = in_keras = moved = None
print(f"{weights_of_network} weights")

# %% [markdown]
# ## 4 · Look at them
# To learn later how firm our numbers are, we take each photograph again: with fresh noise of two grey
# levels in 256, as any camera adds, drawn from `seed`. Nobody sees it. Each map is then computed once.

# %% tags=["parameters"]
samples = 6  # quick: 1
steps = 6  # quick: 1
fine_steps = 27  # quick: 9
seed = 0

# %%
generator = np.random.default_rng(seed)
noise = generator.normal(0, 2 / 256, images.shape)
retaken = np.clip(images + noise, 0, 1).astype("float32")
asked = {"model": twin, "images": retaken, "classes": answers}
slowly = asked | {"batch_size": 1}
integrated = interpret.integrated_gradients
maps = {  # each (5, 224, 224)
    "saliency": interpret.saliency(**slowly),
    "SmoothGrad": interpret.smooth_grad(**slowly, samples=samples, seed=seed),
    "gradient × input": interpret.gradient_times_input(**slowly).sum(axis=3),
    "integrated from black": integrated(**slowly, steps=steps).sum(axis=3),
    "integrated from grey": integrated(**slowly, steps=steps, baseline=0.5).sum(
        axis=3
    ),
}

# %%
drops = interpret.occlusion(**asked, patch=32, batch_size=2)  # (5, 7, 7)
maps["occlusion"] = drops.repeat(32, axis=1).repeat(32, axis=2)

# %% [markdown]
# Before we look: do neighbouring pixels agree?

# %% tolerance=0.02
for method in ("gradient × input", "integrated from grey"):
    found = maps[method]
    opposite = (found[:, :, 1:] * found[:, :, :-1] < 0).mean()
    print(f"{method}: {opposite:.2f} of all neighbours have opposite signs")

# %% [markdown]
# In 4 of 10 pairs one speaks for the class and its neighbour against it; 5 would be pure chance. So the
# sign of one pixel means little. To see *where* the network is sensitive, we draw the mean size over
# blocks of 8 × 8 pixels. (Occlusion keeps its sign: its squares are large.)
#
# **Predict, then run.** The network is sure that the second photograph shows a *tripod*. Where will the
# maps be strongest: along the three legs, where legs and camera meet, or on the man?


# %% tags=["predict"] image_tolerance=0.05
def blocks(values, side=8):
    """Mean size of the values in each block: (224, 224) to (28, 28)."""
    count = len(values) // side
    return np.abs(values).reshape(count, side, count, side).mean(axis=(1, 3))


def show_maps(place):
    axes = plt.subplots(2, 3, figsize=(9, 5.4))[1]
    for each, (method, found) in zip(axes.flat, maps.items()):
        seen = found[place]
        seen = seen[::32, ::32] if method == "occlusion" else blocks(seen)
        plot.heat_map(
            seen, images[place], axes=each, title=method, label="score units"
        )


show_maps(titles.index("cameraman"))
plot.describe(
    "Six maps for tripod: five are strongest around camera and tripod head."
)

# %% [markdown]
# All five maps of slopes are strongest where camera, hands and the head of the tripod meet, and weak along
# the legs. Occlusion disagrees: what costs most is a square over the foot of a leg, and a square over the
# man's head *raises* the score. Less man, more tripod.
#
# **Predict, then run.** For the astronaut the network says *bobsled*. What in the picture could look like
# a bobsled?

# %% tags=["predict"] image_tolerance=0.05
show_maps(titles.index("astronaut"))
plot.describe("Six maps for bobsled: most are strong on the helmet.")

# %% [markdown]
# The black shining helmet, say saliency, SmoothGrad and integration from grey. A crew in a bobsled wears
# such helmets, and the network's second answer is *football helmet*. A map is a guess about a cause. So
# take the cause away, and, to be fair, another place of the same size too.

# %% tolerance=0.03
astronaut = images[titles.index("astronaut")]
pair = [class_names.index(each) for each in ("bobsled", "football helmet")]
rows = []
for what, columns in (
    ("nothing", slice(0, 0)),
    ("helmet", slice(128, 224)),
    ("suit, as large", slice(32, 128)),
):
    covered = astronaut.copy()
    covered[144:, columns] = 0.5
    found = backends.of(twin).scores(twin, covered[None])
    rows.append((what, *(f"{arrays.softmax(found)[0, k]:.2f}" for k in pair)))
results.Table(("covered", "bobsled", "football helmet"), tuple(rows))

# %% [markdown]
# Without the helmet, *football helmet* is gone and *bobsled* falls to a third. But without the suit *bobsled*
# falls too, and *football helmet* rises. The helmet alone is a football helmet; helmet and suit together
# are a crew. The map showed the one, and not that it needs the other.

# %% [markdown]
# ## 5 · Does it add up?
# Completeness is a promise, so we test it: the shares must add up to $s(x) - s(b)$. First for a small
# network on digits, then for the cat, both from black. (The points for 9 steps are among those for 27, so
# one run serves all rows of the table.)


# %%
def sums_on_the_way(slope, image, k, shares):
    """What all shares would add up to with the slope of one point alone."""
    points = (np.float32(share) * image for share in shares)
    return np.array([(image * slope(point, k)).sum() for point in points])


def gained(model, image, k):
    """Score of the image minus score of black."""
    ends = np.stack([0 * image, image])
    return np.diff(backends.of(model).scores(model, ends, 1)[:, k])[0]


small = torch.nn.Sequential(
    torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
)
descend(small)


def small_slope(features, k):
    return backends.of(small).input_gradient(small, features[None], [k])[0]


middles = (np.arange(fine_steps) + 0.5) / fine_steps
digit_sums = sums_on_the_way(small_slope, threes[0], 3, middles)
cat_sums = sums_on_the_way(tensorflow_slope, cat, k_cat, middles)
digit_gained = gained(small, threes[0], 3)
cat_gained = gained(twin, cat, k_cat)

# %% [markdown]
# **Predict, then run.** By how much do the sums miss the score that was gained? For the cat with 27 steps:
# by 1, 10 or 40 per cent? (The paper found 20 to 300 steps enough for 5 per cent, and advises to check.)


# %% tags=["predict"] tolerance=0.05
def gap(sums, count, wanted):
    """How far `count` of the points miss what was gained, as a share of it."""
    stride = len(sums) // count
    return abs(sums[stride // 2 :: stride].mean() / wanted - 1)


counts = [count for count in (1, 3, 9, 27) if count <= fine_steps]
results.Table(
    ("steps", "gap, digit", "gap, cat"),
    tuple(
        (
            count,
            f"{gap(digit_sums, count, digit_gained):.3f}",
            f"{gap(cat_sums, count, cat_gained):.2f}",
        )
        for count in counts
    ),
)

# %% [markdown]
# For the digit even one step is good. For the cat 27 steps still miss 40 % of the score. Where on the
# way does the score rise?

# %%
brightness = np.concatenate([np.linspace(0, 0.1, 21), np.linspace(0.15, 1, 9)])
score_of_cat = score_in(twin)
scores_on_the_way = [score_of_cat(np.float32(b) * cat) for b in brightness]
figure, axes = plt.subplots(figsize=(6.4, 3))
axes.plot(brightness, scores_on_the_way)
for height, power, text in (
    (-1, 1, "9 even steps"),
    (-2, 3, "9 crowded steps"),
):
    places = ((np.arange(9) + 0.5) / 9) ** power
    axes.plot(places, np.full(9, height), "|", markersize=9, label=text)
axes.set(
    title="The cat is recognised in the dark",
    xlabel="brightness, as a share of the photograph's",
    ylabel="score of Egyptian cat",
)
axes.legend(loc="center right")
plot.describe(
    "The score rises from 0 to 9 before 4 percent of the brightness, then stays."
)

# %% [markdown]
# At 4 % of its brightness, black to our eyes, the photograph already has its full score. All that there is
# to integrate happens before the first of 9 even steps. So put the steps where the score rises:
# $\alpha_j = u_j^3$ with even $u_j$, each slope weighted by $3 u_j^2$, the width of its piece.

# %% tolerance=0.05
crowded_sums = sums_on_the_way(tensorflow_slope, cat, k_cat, middles**3)
crowded_sums = crowded_sums * 3 * middles**2
for count in counts:
    even, crowded = (
        gap(sums, count, cat_gained) for sums in (cat_sums, crowded_sums)
    )
    print(f"{count:2} steps: gap {even:.2f} even, {crowded:.2f} crowded")

# %% [markdown]
# With 27 crowded steps the gap is 5 %. Completeness is a check that costs one subtraction: never skip it. A
# formula that is exact in the limit says nothing about 27 steps.

# %% [markdown]
# ## 6 · The baseline decides what can be seen
# **Predict, then run.** The cameraman's coat is almost black: with the man's hair and camera, dark pixels
# make 13 % of the photograph. How large is their part in the map of integrated gradients from black, and
# in the one from grey?

# %% tags=["predict"] tolerance=0.03
place = titles.index("cameraman")
dark = images[place].max(axis=2) < 0.1
print(f"dark pixels: {dark.mean():.2f} of the photograph")
for method in (
    "gradient × input",
    "integrated from black",
    "integrated from grey",
):
    size = np.abs(maps[method][place])
    print(f"{method}: {size[dark].sum() / size.sum():.2f} of the map")

# %% [markdown]
# From black almost nothing: $x_i - b_i$ is nearly 0, so no dark pixel *can* get a share. From grey the
# same pixels get more than twice their part. Neither map is wrong. Each answers another question: what
# changes if this were black, and what if it were grey? A map without its baseline is an answer without its
# question.

# %% [markdown]
# ## 7 · A test
# Which map should we believe? If a map names the pixels that the answer needs, covering them must hurt the
# answer, and more than covering others. So we cover the first 2 % with grey and look what is lost of the
# probability. As baselines: pixels drawn at random, and a disc in the middle, where photographers put
# things.


# %%
def cover(image, importance, share, fill=0.5):
    """Give the `share` of pixels with the highest importance one brightness."""
    count = round(share * importance.size)
    chosen = np.argsort(-importance.ravel(), kind="stable")[:count]
    covered = image.reshape(-1, 3).copy()
    covered[chosen] = fill
    return covered.reshape(image.shape)


def kept(found, share, fill=0.5):
    """Probability that the answer keeps, as a share of what it was: (5,)."""
    covered = [cover(*pair, share, fill) for pair in zip(images, found)]
    after = backends.of(twin).scores(twin, np.stack(covered), 1)
    return arrays.softmax(after)[np.arange(5), answers] / probability


rows_away, columns_away = np.mgrid[:224, :224] - 111.5
disc = -np.tile(rows_away**2 + columns_away**2, (5, 1, 1))
by_chance = generator.random(disc.shape)
orders = maps | {"random pixels": by_chance, "disc in the middle": disc}

# %% [markdown]
# **Predict, then run.** Rank three of them by what is lost when the first 2 % of the pixels are covered:
# saliency, integrated gradients from grey, random pixels. And what will 20 % random pixels do?

# %% tags=["predict"] tolerance="band"
portions = (0.0, 0.02, 0.05, 0.1, 0.2)
left = {
    method: np.array([kept(found, share) for share in portions])
    for method, found in orders.items()
}  # each (portions, photographs)
lost = {method: 1 - shares.mean(axis=1) for method, shares in left.items()}
results.Table(
    ("lost when covered", *(f"{share:.0%}" for share in portions[1:])),
    tuple(
        (method, *(round(float(value), 2) for value in values[1:]))
        for method, values in lost.items()
    ),
)

# %% [markdown]
# Every map beats chance at 2 %, and integrating from grey does best: more than half of the probability is
# gone, over three times as much as by chance. Then look to the right. At 20 % the random dots do as much harm as
# most maps. A photograph full of grey dots is something that the network has never met, and it fails
# wherever they lie. A deletion test at a large share shows that, and nothing about the map.

# %% tags=["headline"] tolerance="band"
headline = results.Headline(
    what="share of the probability lost when the first 2 % of pixels are grey",
    score=float(lost["integrated from grey"][1]),
    baseline=float(lost["random pixels"][1]),
    baseline_name="as many random pixels",
    parameters=weights_of_network,
    seconds=0.0,  # nothing is trained in this lesson
    band=lessons.band("gradients_and_saliency"),
)
headline

# %% [markdown]
# Is integrating from grey better than integrating from black, then? Look at the rules of the game: we
# cover with *grey*.
#
# **Predict, then run.** If we cover with black instead, which of the two maps wins?

# %% tags=["predict"] tolerance="band"
results.Table(
    ("lost at 2 %", "covered with black", "covered with grey"),
    tuple(
        (
            method,
            *(
                round(1 - float(kept(maps[method], 0.02, fill).mean()), 2)
                for fill in (0, 0.5)
            ),
        )
        for method in ("integrated from black", "integrated from grey")
    ),
)

# %% [markdown]
# Each wins in its own colour, and by far. "Important" has no meaning before you say what takes the place of
# a pixel. The test has a baseline too, and whoever shows only one of the four numbers can prove
# anything.
#
# ### Try it
# Cover the pixels that a method names. Where does the answer break down, and would *you* still name what is
# left?


# %%
def show_covered(figure, photograph, method, covered):
    """Draw the photograph with the pixels covered that the method names first."""
    place, share = titles.index(photograph), float(covered[:-2]) / 100
    picture = cover(images[place], orders[method][place], share)
    axes = figure.subplots()
    axes.imshow((255 * picture).astype("uint8"), interpolation="nearest")
    axes.axis("off")
    before, answer = probability[place], class_names[answers[place]]
    after = before * left[method][portions.index(share), place]
    axes.set_title(f"{answer}: {after:.2f}")
    return (
        f"{photograph}, {covered} covered, by {method}: "
        f"{answer} goes from {before:.2f} to {after:.2f}."
    )


# %% tags=["explorer"] tolerance="band" image_tolerance=0.1
covering = explore.Explorer(
    show_covered,
    size=(3.6, 3.6),
    photograph=explore.choice(titles, "coffee"),
    method=explore.choice(orders, "integrated from grey"),
    covered=explore.choice(("0 %", "2 %", "5 %", "10 %", "20 %"), "2 %"),
)
covering

# %% [markdown]
# To us the coffee with 2 % grey dots is as good as new, and the network has lost most of its probability.
# It is sensitive to details that mean nothing to us. The maps are right about the network; it is the
# network that does not see as we do.
#
# ### A common mistake in thinking
# "The map shows the rocket clearly. So the network sees a missile." The test: ask for the map of a class
# that the network does *not* see there.
#
# **Predict, then run.** On the photograph of the rocket, will SmoothGrad's map for *espresso* (a) be empty,
# (b) show something else, (c) show the rocket?

# %% tags=["predict"] tolerance=0.05 image_tolerance=0.05
rocket, espresso = titles.index("rocket"), class_names.index("espresso")
pair = (answers[rocket], espresso)
found = interpret.smooth_grad(
    twin, images[[rocket] * 2], pair, samples=samples, batch_size=1
)
axes = plt.subplots(1, 2, figsize=(7, 2.8))[1]
for each, values, k in zip(axes, found, pair):
    plot.heat_map(
        blocks(values),
        images[rocket],
        axes=each,
        title=f"{class_names[k]} (score {scores[rocket, k]:.1f})",
        label="score units",
    )
plot.describe("Two maps, for missile and for espresso: both show the rocket.")
alike = np.corrcoef(*(blocks(values).ravel() for values in found))[0, 1]
print(f"correlation of the two maps: {alike:.2f}")

# %% [markdown]
# (c). The two maps have a correlation of about 0.9, though the one class is the answer and the other absurd. A
# map of slopes shows where the network is sensitive, and that is mostly where something *is*: edges,
# bright against dark. It says little about *what* the network sees there. Lesson 62 takes this test
# further, with networks whose weights were shuffled.

# %% [markdown]
# ## 8 · Your turn, and questions
# Back to the man and his tripod.

# %% tolerance=0.05
cameraman = images[titles.index("cameraman")]


def probability_of_tripod(image):
    found = backends.of(twin).scores(twin, image[None])
    return arrays.softmax(found)[0, class_names.index("tripod")]


centred = cameraman.copy()
centred[88:136, 88:136] = 0.5
print(f"tripod: {probability_of_tripod(cameraman):.2f}")
print(f"with a grey square in the middle: {probability_of_tripod(centred):.2f}")

# %% [markdown]
# **Exercise.** A grey square of 48 × 48 pixels in the middle makes the network *surer* that it sees a
# tripod. Find a place where such a square lowers the probability by 0.15 or more. The maps can lead you, or
# mislead you.

# %% tags=["exercise"]
square = ...

lesson.square.check(square)

# %% tags=["quiz"]
lesson.QUIZ

# %% [markdown]
# ## Take-aways
# - A slope explains the model near this picture. A share of the score needs a *way*: from which baseline to
#   here?
# - If an explanation promises to add up, add it up. If it does not, look where the score rises.
# - "Important" means: compared with what. Name the baseline, and test with what you named.
# - Compare every map with random pixels, and with the map for another class.
#
# **Sources:** Simonyan, Vedaldi and Zisserman (2013), *Deep inside convolutional networks*,
# https://arxiv.org/abs/1312.6034 · Zeiler and Fergus (2013), *Visualizing and understanding convolutional
# networks* (occlusion), https://arxiv.org/abs/1311.2901 · Shrikumar, Greenside, Shcherbina and Kundaje
# (2016), *Not just a black box* (gradient × input), https://arxiv.org/abs/1605.01713 · Smilkov, Thorat,
# Kim, Viégas and Wattenberg (2017), *SmoothGrad*, https://arxiv.org/abs/1706.03825 · Sundararajan, Taly
# and Yan (2017), *Axiomatic attribution for deep networks* (integrated gradients),
# https://arxiv.org/abs/1703.01365 · Tan and Le (2019), *EfficientNet*, https://arxiv.org/abs/1905.11946
#
# **The article's claims, tested here:** that deep learning is not a black box, since gradients show what
# matters. They do show where the network is sensitive, better than chance by the factor of section 7. They
# do not show what it sees there, and the answer depends on a baseline that somebody chose. That
# interpretability is a challenge: the four numbers of "black or grey" are its size here.

# %% [markdown] tags=["instructor"]
# ### For teachers
# **Run of show, 85 minutes:** 1 the linear model, on the board (12) · 2 levelling off and the way from a
# baseline (14) · 3 slopes in two frameworks, the bug in occlusion (18) · 4 the maps; let the room argue
# about the bobsled (10) · 5 does it add up (10) · 6 black or grey (6) · 7 the test, the slider and the
# espresso (12) · 8 questions (3). `square` is homework.
#
# **To cut:** section 5 after its first table; the comparison of the frameworks. **Keep** the espresso: it
# is what people remember when they see the next colourful map.
#
# **Ask:** What would be a picture without content for an X-ray, for a sentence, for a table of customers?
# Who would be harmed by a map that looks right and is not?
#
# **Where people stall:** the difference between a slope and a share. Let them fill in a table for 2 pixels
# and the score $3 x_1 - 2 x_2$.
