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
# **Needs:** lessons 11, 20 and 21. **Data:** handwritten digits, five photographs, a network with
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
inputs = torch.from_numpy(digits.train.features)
labels = torch.from_numpy(digits.train.labels.astype("int64"))


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
    """`slope(image, k)`: slope of score k along each value of the image."""
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
    pixels = torch.tensor(image, dtype=torch.float32, requires_grad=True)
    inputs = pixels.permute(2, 0, 1)[None]  # (1, 3, H, W)
    (slope,) = torch.autograd.grad(network(inputs)[0, k], pixels)
    return slope.numpy()


# %%
twin = pretrained.load(name, "keras")  # the same weights, in Keras


def tensorflow_slope(image, k):
    """The same, with TensorFlow's tape over a Keras model."""
    pixels = tf.constant(image, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(pixels)  # a tape watches weights by itself, inputs not
        score = twin(pixels[None], training=False)[0, k]
    return tape.gradient(score, pixels).numpy()


# %% [markdown]
# Two things to note. We differentiate the **score**, not the probability: a probability can also rise
# because another class falls. And `training=False` (in PyTorch the network is in evaluation mode), so
# that batch normalisation uses its stored means and not those of one picture.
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
# **Exercise: find the bug.** It runs and gives a map. But the map gets darker and darker from left to
# right and from top to bottom, whatever the picture.


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
# The course has the same five in `dlcourse.interpret`, written for batches and for both frameworks, and
# its tests hold them equal to Captum, PyTorch's library for this. `batch_size=1`: a network keeps every
# map it makes until the slopes are done, about 90 MB for each of these pictures.

# %%
cat, k_cat = images[2], answers[2]


def score_of_cat(image):
    return backends.of(network).scores(network, image[None])[0, k_cat]


ours = {
    "saliency": saliency(pytorch_slope, cat, k_cat),
    "gradient_times_input": gradient_times_input(pytorch_slope, cat, k_cat),
    "smooth_grad": smooth_grad(pytorch_slope, cat, k_cat, samples=4),
    "integrated_gradients": integrated_gradients(
        pytorch_slope, cat, k_cat, 0.5, steps=4
    ),
    "occlusion": occlusion(score_of_cat, cat, patch=56),
}
options = {
    "smooth_grad": {"samples": 4},
    "integrated_gradients": {"steps": 4, "baseline": 0.5},
    "occlusion": {"patch": 56},
}


def by_course(method, model):
    """Return the map that `dlcourse.interpret` finds for the cat."""
    function, more = getattr(interpret, method), options.get(method, {})
    return function(model, cat[None], [k_cat], batch_size=1, **more)[0]


rows = []
for method, expected in ours.items():
    found = by_course(method, network)
    equal = np.allclose(found, expected, rtol=0, atol=1e-4 * np.abs(found).max())
    rows.append((method, str(found.shape), "yes" if equal else "no"))
results.Table(("method", "map", "as by hand, to 1 in 10 000"), tuple(rows))

# %% [markdown]
# ### The same in both frameworks?
# **Predict, then run.** Same weights, same photograph. The scores of PyTorch and Keras agree to five
# digits. And the slopes: to five digits too, to two, or not at all?

# %% tags=["predict"] tolerance=0.002
generator = np.random.default_rng(0)
whisper = generator.uniform(-1e-6, 1e-6, cat.shape).astype("float32")
keras_scores = backends.of(twin).scores(twin, images, batch_size=1)
print("scores agree to 0.0001:", np.abs(scores - keras_scores).max() < 1e-4)


def likeness(first, second):
    """Correlation of two maps, and how many values differ by over 1 % of the largest."""
    apart = np.abs(first - second) > 0.01 * np.abs(first).max()
    agreement = np.corrcoef(first.ravel(), second.ravel())[0, 1]
    return f"{agreement:.3f}", f"{apart.sum()} of {apart.size}"


rows = []
for title, image, k in zip(titles, images, answers):
    in_pytorch = pytorch_slope(image, k)
    rows.append(
        (title, *likeness(in_pytorch, tensorflow_slope(image, k)))
        + likeness(in_pytorch, pytorch_slope(image + whisper, k))
    )
results.Table(
    ("slopes of", "PyTorch and Keras", "differ", "pixels ± 0.000001", "differ "),
    tuple(rows),
)

# %% [markdown]
# To be completed.

# %% [markdown]
# ## 4 · Look at them
# **Predict, then run.** The network is sure that the second photograph shows a *tripod*. Which pixels
# does it need: the three legs, the camera, or the man?

# %% tags=["parameters"]
samples = 8  # quick: 1
steps = 8  # quick: 1
fine_steps = 27  # quick: 9
seed = 0


# %% tags=["predict"] image_tolerance=0.05
def maps_of(images, classes):
    """Return {method: maps (N, H, W)} of several pictures."""
    shared = {"model": network, "images": images, "classes": classes}
    shared["batch_size"] = 1
    integrate = interpret.integrated_gradients
    hidden = interpret.occlusion(**shared, patch=28)  # (N, 8, 8)
    return {
        "saliency": interpret.saliency(**shared),
        "SmoothGrad": interpret.smooth_grad(
            **shared, samples=samples, seed=seed
        ),
        "gradient × input": interpret.gradient_times_input(**shared).sum(3),
        "integrated from black": integrate(**shared, steps=steps).sum(3),
        "integrated from grey": integrate(
            **shared, steps=steps, baseline=0.5
        ).sum(3),
        "occlusion": hidden.repeat(28, axis=1).repeat(28, axis=2),
    }


maps = maps_of(images, answers)


def show_maps(place):
    """Draw all six maps over one photograph."""
    figure, axes = plt.subplots(2, 3, figsize=(9, 5.6))
    for each, (method, found) in zip(axes.flat, maps.items()):
        plot.heat_map(
            found[place], images[place], axes=each, title=method, label="score"
        )
    return figure


show_maps(1)
plot.describe("Six maps of the cameraman.")

# %% [markdown]
# To be completed.

# %% image_tolerance=0.05
show_maps(0)
plot.describe("Six maps of the astronaut.")

# %% [markdown]
# To be completed.

# %% [markdown]
# ## 5 · Does it add up?
# Completeness is a promise that we can test: the shares must add up to $s(x) - s(b)$. First for a small
# network on digits, then for the cat.

# %% tolerance=0.2
small = torch.nn.Sequential(
    torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
)
descend(small)


def small_slope(features, k):
    return backends.of(small).input_gradient(small, features[None], [k])[0]


three = threes[0]
ends = backends.of(small).scores(small, np.stack([0 * three, three]))[:, 3]
print(f"score: black {ends[0]:.2f}, a three {ends[1]:.2f}")
for m in (1, 3, 9, 27):
    found = integrated_gradients(small_slope, three, 3, 0.0, m).sum()
    print(f"{m:2} steps: gap {found - (ends[1] - ends[0]):+.3f}")

# %%


def slopes_on_the_way(slope, image, k, shares):
    """What each point on the way from black would add up to, by itself."""
    return np.array(
        [(image * slope(np.float32(a) * image, k)).sum() for a in shares]
    )


middles = (np.arange(fine_steps) + 0.5) / fine_steps
even = slopes_on_the_way(pytorch_slope, cat, k_cat, middles)
gained = score_of_cat(cat) - score_of_cat(0 * cat)
print(f"gained {gained:.2f}")
for m in (3, 9, 27):
    stride = fine_steps // m
    chosen = even[stride // 2 :: stride]
    print(m, f"gap {chosen.mean() - gained:+.1f}")

# %%
way = np.concatenate([np.linspace(0, 0.1, 21), np.linspace(0.15, 1, 18)])
on_the_way = [score_of_cat(np.float32(a) * cat) for a in way]
figure, axes = plt.subplots()
axes.plot(way, on_the_way)
axes.plot((np.arange(9) + 0.5) / 9, np.zeros(9), "|", color=plot.COLOURS[1])
axes.plot(((np.arange(9) + 0.5) / 9) ** 3, np.zeros(9) - 0.5, "|", color=plot.COLOURS[2])
axes.set(
    title="The cat is recognised in the dark",
    xlabel="brightness, as a share of the photograph's",
    ylabel="score",
)
plot.describe("The score.")

# %%
crowded = slopes_on_the_way(pytorch_slope, cat, k_cat, middles**3)
weighted = crowded * 3 * middles**2
for m in (3, 9, 27):
    stride = fine_steps // m
    chosen = weighted[stride // 2 :: stride]
    print(m, f"gap {chosen.mean() - gained:+.1f}")

# %% [markdown]
# ## 6 · The baseline decides what can be seen

# %%
cameraman = images[1]
dark = cameraman.max(axis=2) < 0.1
print(f"share of dark pixels: {dark.mean():.2f}")
for method in ("integrated from black", "integrated from grey"):
    size = np.abs(maps[method][1])
    print(f"{method}: {size[dark].sum() / size.sum():.2f} of the map")

# %% [markdown]
# ## 7 · A test

# %%
generator = np.random.default_rng(seed)
noise = generator.normal(0, 0.008, images.shape)
retaken = np.clip(images + noise, 0, 1).astype("float32")
started = time.perf_counter()
maps = maps_of(retaken, answers)
seconds = time.perf_counter() - started
rows, columns = np.mgrid[:224, :224] - 111.5
disc = np.tile(-(rows**2 + columns**2), (5, 1, 1))
maps |= {"a disc in the middle": disc}
maps |= {"random pixels": generator.random(disc.shape)}


def cover(image, importance, share, fill=0.5):
    """Give the `share` of the pixels with the highest importance one brightness."""
    count = round(share * importance.size)
    chosen = np.argsort(-importance.ravel(), kind="stable")[:count]
    covered = image.reshape(-1, 3).copy()
    covered[chosen] = fill
    return covered.reshape(image.shape)


def left(found, share, fill=0.5):
    """Probability of the answer that is left, as a share of what it was (5,)."""
    covered = [cover(*pair, share, fill) for pair in zip(images, found)]
    after = backends.of(network).scores(network, np.stack(covered), 1)
    return arrays.softmax(after)[np.arange(5), answers] / probability


portions = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
kept = {
    method: np.array([left(found, share) for share in portions])
    for method, found in maps.items()
}  # each (6 shares, 5 photographs)
lost = {method: 1 - shares.mean(axis=1) for method, shares in kept.items()}

# %%
table = tuple(
    (method, *(f"{value:.2f}" for value in values[1:]))
    for method, values in lost.items()
)
results.Table(("covered", *(f"{share:.0%}" for share in portions[1:])), table)

# %%
results.Table(
    ("2 % of the pixels", "covered with black", "covered with grey"),
    tuple(
        (method, f"{1 - left(maps[method], 0.02, 0.0).mean():.2f}", f"{lost[method][2]:.2f}")
        for method in ("integrated from black", "integrated from grey")
    ),
)

# %% tags=["headline"] tolerance="band"
headline = results.Headline(
    what="share of the probability lost when 2 % of the pixels are covered",
    score=float(lost["integrated from grey"][2]),
    baseline=float(lost["a disc in the middle"][2]),
    baseline_name="a disc in the middle, as large",
    parameters=sum(p.numel() for p in network.parameters()),
    seconds=seconds,
    band=lessons.band("gradients_and_saliency"),
)
headline

# %%
def show_covered(figure, photograph, method, covered):
    place, share = titles.index(photograph), float(covered.rstrip(" %")) / 100
    left_axes, right_axes = figure.subplots(1, 2)
    left_axes.imshow(cover(images[place], maps[method][place], share))
    left_axes.axis("off")
    plot.heat_map(maps[method][place], images[place], axes=right_axes, title=method)
    after = probability[place] * kept[method][portions.index(share), place]
    return f"{photograph}, {covered} covered: {class_names[answers[place]]} {after:.2f}"


# %% tags=["explorer"]
covering = explore.Explorer(
    show_covered,
    photograph=explore.choice(titles, "cat"),
    method=explore.choice(maps, "integrated from grey"),
    covered=explore.choice([f"{share:.0%}" for share in portions], "2%"),
)
covering

# %%
rocket, espresso = images[4], class_names.index("espresso")
pair = interpret.smooth_grad(network, np.stack([rocket] * 2), [answers[4], espresso], samples=samples, batch_size=1)
figure, axes = plt.subplots(1, 2, figsize=(7, 3))
for each, found, k in zip(axes, pair, (answers[4], espresso)):
    plot.heat_map(found, rocket, axes=each, title=class_names[k])
plot.describe("x")
print(np.corrcoef(pair[0].ravel(), pair[1].ravel())[0, 1])
blocks = pair.reshape(2, 14, 16, 14, 16).mean(axis=(2, 4)).reshape(2, -1)
print(np.corrcoef(blocks)[0, 1])

# %%
def probability_of_tripod(image):
    found = backends.of(network).scores(network, image[None])
    return arrays.softmax(found)[0, answers[1]]


probability = probability_of_tripod


# %% tags=["exercise"]
square = ...

lesson.square.check(square)

# %% tags=["quiz"]
lesson.QUIZ
