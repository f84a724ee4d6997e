# %% [markdown]
# # Standing on pretrained shoulders
# Somebody has trained a network on 1.28 million photographs. You have three of each kind. This lesson
# uses the one for the other.
#
# **After this lesson you can:** predict with a pretrained network, and say what it cannot know · cut it
# and use it as features · judge with few examples what that is worth · fine-tune it without breaking it.
#
# **Needs:** lessons 11, 20 and 21. **Data:** eight photographs, 194 stamps, and the weights of
# EfficientNet-lite0 (all shipped).
#
# {measured}

# %%
import copy
import time

from dlcourse import (
    arrays,
    backends,
    course,
    data,
    explore,
    lessons,
    parity,
    plot,
    pretrained,
    results,
    runtime,
)
from dlcourse.lessons import transfer_learning as lesson

import keras
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

plot.use_course_style()
runtime.seed(0)

# %% [markdown]
# ### Do you remember?
# Two questions from earlier lessons.

# %% tags=["quiz"]
course.review("50")

# %% tags=["parameters"]
seed = 0
draws = 10  # quick: 2
epochs = 4  # quick: 1

# %% [markdown]
# ## 1 · What it says
# **EfficientNet-lite0** is a convolutional network with 4.65 million weights. Google trained it on
# **ImageNet**: 1.28 million photographs, each with one of 1000 labels. We load the weights and show it our
# eight photographs.

# %%
photographs = data.load("photographs")
plot.images(
    photographs.train.images, titles=photographs.classes, columns=8, size=1.1
)
plot.describe(
    "An astronaut in orange, a cameraman, a cat, a cup of coffee, a rocket, brick, grass, gravel."
)

# %% [markdown]
# **Predict, then run.** Which of the eight will it name rightly? And what will it call the woman in the
# space suit: (a) astronaut, (b) woman, (c) something else?

# %% tags=["predict"] tolerance=0.02
network = pretrained.load("efficientnet-lite0", "pytorch")
names = [
    name.split(",")[0] for name in pretrained.classes("efficientnet-lite0")
]
backend = backends.of(network)
scores = backend.scores(network, photographs.train.images, batch_size=2)
probabilities = arrays.softmax(scores)  # (8, 1000)


def best_answer(row):
    place = row.argmax()
    return names[place], round(float(row[place]), 2)


results.Table(
    ("photograph", "best answer", "probability"),
    tuple(
        (name, *best_answer(row))
        for name, row in zip(photographs.classes, probabilities)
    ),
)

# %% [markdown]
# Cat, coffee and the tripod in front of the cameraman: right, without any training by us. The rocket became a
# missile, the nearest thing it knows. The astronaut is a *bobsled*, with a probability of 0.18. The reason is
# not bad training. **None of the 1000 labels is "astronaut" or "woman"**; the only people among them are a
# groom, a ballplayer and a scuba diver. Softmax divides all of the probability among the classes that there
# are. Brick, grass and gravel have no class either; a low highest probability is then the only sign that
# something is amiss, and not a safe one.
#
# **Exercise: worked but for one line.** A network wants its pixels as in its training. This one was given
# bytes, minus 127, divided by 128. (Our `network` does so inside, in its part `scale`.)


# %% tags=["exercise"]
def to_range(pixels):
    return ...  # your code


lesson.to_range.check(to_range)

# %% [markdown]
# **A misconception:** "Any wrong scaling ruins the answer." We pass the coffee past the part `scale`, in
# four ranges.

# %% tolerance=0.02
bytes_of_coffee = photographs.train.pixels[
    photographs.classes.index("coffee")
].astype("float32")
ranges = {
    "as trained, −1 to 1": (bytes_of_coffee - 127) / 128,
    "0 to 1": bytes_of_coffee / 255,
    "−1 to 1, red and blue swapped": (bytes_of_coffee[..., ::-1] - 127) / 128,
    "0 to 255": bytes_of_coffee,
}
without_scale = network[1:]
rows = []
for name, pixels in ranges.items():
    given = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[
        None
    ]  # (1, C, H, W)
    with torch.no_grad():
        row = without_scale(given).softmax(1)[0].numpy()
    rows.append((name, *best_answer(row)))
results.Table(("pixels", "best answer", "probability"), tuple(rows))

# %% [markdown]
# Wrong, and it still says espresso, a little less surely: that is what makes such a mistake hard to find.
# Only the bytes, a hundred times too large, ruin it. If a pretrained network is slightly worse than it should
# be, look at the scaling first.
#
# ## 2 · Two halves
# What is it made of? Lesson 20's convolutions, in 16 blocks, then a mean over each map, then one dense layer.
#
# **Predict, then run.** The dense layer at the end turns 1280 numbers into 1000 scores. Which share of all
# weights does it hold: 3 %, 10 % or more than 25 %?

# %% tags=["predict"]
parts = dict(network.named_children())
groups = {
    "stem (one convolution)": ["stem"],
    "blocks 0 to 7": [f"block_{number}" for number in range(8)],
    "blocks 8 to 15": [f"block_{number}" for number in range(8, 16)],
    "head (one convolution)": ["head"],
    "classifier (dense)": ["classifier"],
}


def count(names_of_parts):
    return sum(
        weight.numel()
        for name in names_of_parts
        for weight in parts[name].parameters()
    )


total = count(parts)
results.Table(
    ("part", "weights", "share"),
    tuple(
        (name, count(inside), f"{count(inside) / total:.1%}")
        for name, inside in groups.items()
    ),
)

# %% [markdown]
# More than a quarter, in one layer that only knows ImageNet's labels. Everything before it is of use to us: it
# turns a picture into 1280 numbers, the **features**. We cut there and put the last step together by
# hand.

# %%
features = backend.activations(
    network, photographs.train.images, "pooled", batch_size=2
)
last = backend.layers_with_weights(network)[-1].arrays
by_hand = features @ last["kernel"] + last["bias"]
print("features:", features.shape)
print("equal to the network's scores:", np.allclose(by_hand, scores, atol=1e-4))

# %% [markdown]
# ## 3 · The same weights in Keras
# The same arrays, in a network built from Keras's layers. One convention has to be met. Where a convolution
# has stride 2, PyTorch's `padding=1` puts a frame of one pixel around the map. TensorFlow's
# `padding="same"` puts nothing before and one pixel after: the windows stand one pixel further on. These
# weights were trained with the latter.

# %%
keras_network = pretrained.load("efficientnet-lite0", "keras")
keras_scores = backends.of(keras_network).scores(
    keras_network, photographs.train.images, batch_size=2
)
print("largest score:", f"{scores.max():.1f}")
print("equal to 1e-4:", bool(np.abs(keras_scores - scores).max() < 1e-4))

# %% [markdown]
# **Predict, then run.** Now with PyTorch's usual frame, on both sides. Do the scores change (a) hardly, (b)
# by less than 1, (c) by more than 1?

# %% tags=["predict"] tolerance=0.02
symmetric = copy.deepcopy(network)
for module in symmetric.modules():
    if isinstance(module, nn.ZeroPad2d):
        _, after, _, _ = module.padding  # left, right, top, bottom
        module.padding = (after, after, after, after)
moved = backend.scores(symmetric, photographs.train.images, batch_size=2)
changed = (moved.argmax(axis=1) != scores.argmax(axis=1)).sum()
print(f"largest change of a score: {np.abs(moved - scores).max():.1f}")
print("best answers changed:", changed, "of 8")

# %% [markdown]
# By far more than 1. Each size fits, no error is raised, cat and coffee still come out right, and some answers
# are others: **same sizes are not same numbers.** Whoever carries weights between frameworks compares the
# scores.

# %%
del keras_network, symmetric, without_scale
runtime.give_back_memory()  # three networks are much for a small machine

# %% [markdown]
# ## 4 · Our own pictures
# The **stamps** are small pictures of seven kinds of things, cut out of photographs: 128 to train with, 66
# to test. Few, and unevenly many, as one's own pictures are.

# %%
stamps = data.load("stamps")
train, test = stamps.train, stamps.test
one_each = [np.flatnonzero(train.labels == k)[:2] for k in range(7)]
order = np.concatenate(
    [pair[:1] for pair in one_each] + [pair[1:] for pair in one_each]
)
plot.images(
    train[order].images,
    titles=[stamps.classes[k] for k in train.labels[order]],
    columns=7,
    size=1.0,
)
plot.describe(
    "Two pictures of each of seven kinds: bird, flower, fruit, mammal, sea animal, tool, vegetable."
)

# %%
counts = np.bincount(test.labels)
print("test stamps of each kind:", dict(zip(stamps.classes, counts.tolist())))
print(f"always the commonest kind: {counts.max() / len(test):.3f}")

# %% [markdown]
# With 66 test stamps one stamp is 1.5 points of accuracy. Keep that in mind for every number below.
#
# The network wants 224 × 224 pixels, the stamps have 128 × 128: we enlarge them. Then each stamp passes
# through the network **once**, and we keep its features. All that follows works on this **feature cache** and
# takes milliseconds.


# %%
def enlarged(images):
    """Bring pictures (N, H, W, C) to 224 by 224 pixels."""
    planes = torch.from_numpy(images.copy()).permute(0, 3, 1, 2)
    planes = nn.functional.interpolate(planes, size=(224, 224), mode="bilinear")
    return planes.permute(0, 2, 3, 1).numpy()


def through(split, part, size=4):
    """Return what a part of the network gives for all pictures of a split."""
    given = [
        backend.activations(network, enlarged(few.images), part)
        for few in (split[i : i + size] for i in range(0, len(split), size))
    ]
    return np.concatenate(given)


started = time.perf_counter()
cache = {"train": through(train, "pooled"), "test": through(test, "pooled")}
print(f"features of 194 stamps: {time.perf_counter() - started:.1f} s, once")
runtime.give_back_memory()

# %% [markdown]
# **Exercise.** The simplest classifier that can be built on features: each kind has a mean, and a new
# picture is of the kind whose mean is nearest. Write it. `features[labels == k].mean(axis=0)` is the mean
# of kind number k.


# %% tags=["exercise"]
def nearest_mean(features, labels, new):
    return ...  # your code: the kind of each row of `new`


lesson.nearest_mean.check(nearest_mean)

# %%
nearest_mean = lesson.nearest_mean.carry_on_with(nearest_mean)

# %% [markdown]
# **Predict, then run.** The same classifier on raw pixels and on features. With all 128 training stamps, how
# many of 100 test stamps does each name rightly?

# %% tags=["predict"] tolerance=0.02
pixels = {
    name: split.pixels[:, ::8, ::8].reshape(len(split), -1) / 255
    for name, split in (("train", train), ("test", test))
}


def share_right(predicted):
    return float((predicted == test.labels).mean())


for name, numbers in (("pixels", pixels), ("features", cache)):
    guessed = nearest_mean(numbers["train"], train.labels, numbers["test"])
    print(
        f"{name}: {numbers['train'].shape[1]} numbers, {share_right(guessed):.2f}"
    )

# %% [markdown]
# Twice as many with features. By pixels, two birds are alike when they stand at the same place in the same
# colour. By features they are alike when they are birds. See it in a picture: the same stamps, placed by their two **principal components**, the two
# directions in which they differ most.

# %% image_tolerance=0.1
figure, places = plt.subplots(1, 2, figsize=(8.4, 3.4))
for axes, (name, numbers) in zip(
    places, (("pixels", pixels), ("features", cache))
):
    centred = numbers["train"] - numbers["train"].mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(
        directions[:2].sum(axis=1, keepdims=True)
    )  # either is right
    plot.embedding(
        centred @ (signs * directions[:2]).T, train.labels, stamps.classes, axes
    )
    axes.set_title(f"128 stamps by their {name}")
places[0].get_legend().remove()
plot.describe(
    "By pixels the seven kinds lie mixed up; by features mammals, birds, plants and tools keep apart."
)

# %% [markdown]
# ### Try it
# Choose a test stamp, and what is compared. The five nearest training stamps are shown. Can you find a stamp
# whose neighbours by pixels are better than those by features?


# %%
def show_neighbours(figure, stamp, compare):
    """Draw a test stamp and its five nearest training stamps."""
    numbers = {"features": cache, "pixels": pixels}[compare]
    gaps = ((numbers["train"] - numbers["test"][stamp]) ** 2).sum(axis=1)
    nearest = gaps.argsort()[:5]
    pictures = [test.pixels[stamp], *train.pixels[nearest]]
    kinds = [test.labels[stamp], *train.labels[nearest]]
    axes = figure.subplots()
    axes.imshow(np.concatenate(pictures, axis=1)[::2, ::2])  # one long picture
    below = [stamps.classes[kind] for kind in kinds]
    axes.set_xticks(32 + 64 * np.arange(6), [f"test: {below[0]}", *below[1:]])
    axes.set(title=f"A test stamp and its nearest by {compare}", yticks=[])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    right = sum(kind == kinds[0] for kind in kinds[1:])
    return (
        f"Test stamp {stamp} ({stamps.classes[kinds[0]]}) by {compare}: "
        f"{right} of the 5 nearest are of the same kind."
    )


# %% tags=["explorer"]
neighbours = explore.Explorer(
    show_neighbours,
    stamp=explore.slider(0, 65, 0),
    compare=explore.choice(["features", "pixels"], "features"),
    size=(7.2, 1.7),
)
neighbours

# %% [markdown]
# ## 5 · How few are enough?
# Now with 3, 5 and 8 labelled stamps of each kind, drawn at random, several times. A third competitor joins:
# a small convolutional network trained **from scratch** on the same stamps.


# %%
def few_of_each(labels, count, generator):
    """Return the places of `count` random examples of each kind; all there are if fewer."""
    return np.concatenate(
        [
            generator.permutation(np.flatnonzero(labels == k))[:count]
            for k in range(labels.max() + 1)
        ]
    )


def small_network():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 7),
    )


def from_scratch(chosen):
    """Train a small network on the chosen stamps; return its share of right test answers."""
    model = small_network()
    small = train.pixels[chosen][:, ::2, ::2]  # 64 × 64 pixels
    backends.of(model).fit(
        model,
        small,
        train.labels[chosen],
        epochs=30,
        batch_size=16,
        learning_rate=0.002,
        show=False,
    )
    outputs = backends.of(model).scores(model, test.pixels[:, ::2, ::2])
    return share_right(outputs.argmax(axis=1))


# %% [markdown]
# **Predict, then run.** Three of each kind are 21 pictures in all. How many of 100 test stamps will the
# features get right: about 30, 50 or 75?

# %% tags=["predict"] tolerance=0.1
generator = np.random.default_rng(seed)
sizes = (3, 5, 8, "all")
shares = {"features": {}, "from scratch": {}, "pixels": {}}
for size in sizes:
    for method in shares:
        shares[method][size] = []
    for draw in range(2 if size == "all" else draws):
        chosen = few_of_each(
            train.labels, 128 if size == "all" else size, generator
        )
        for method, numbers in (("features", cache), ("pixels", pixels)):
            guessed = nearest_mean(
                numbers["train"][chosen], train.labels[chosen], numbers["test"]
            )
            shares[method][size].append(share_right(guessed))
        if draw < 2:  # each takes a second
            shares["from scratch"][size].append(from_scratch(chosen))
results.Table(
    ("stamps of each kind", *shares),
    tuple(
        (
            str(size),
            *(f"{np.mean(shares[method][size]):.2f}" for method in shares),
        )
        for size in sizes
    ),
)

# %% image_tolerance=0.5
figure, axes = plt.subplots(figsize=(5.6, 3))
for method, style in zip(shares, ("o-", "s--", "^:")):
    means = [np.mean(shares[method][size]) for size in sizes]
    low = [np.min(shares[method][size]) for size in sizes]
    high = [np.max(shares[method][size]) for size in sizes]
    axes.fill_between(range(4), low, high, alpha=0.2)
    axes.plot(range(4), means, style, label=method)
axes.axhline(counts.max() / len(test), color="gray", linewidth=1)
axes.set_xticks(range(4), [str(size) for size in sizes])
axes.set(
    title="Test accuracy; shaded: all draws; grey line: commonest kind",
    xlabel="labelled stamps of each kind",
    ylabel="accuracy (share right)",
    ylim=(0, 1),
)
axes.legend(loc="center", bbox_to_anchor=(0.5, 0.6), ncols=3)
plot.describe(
    "Features lie far above the small network from scratch and above pixels, at every size."
)

# %% [markdown]
# Three labelled stamps of each kind, through features, name more test stamps rightly than **all** 128 do in a
# network from scratch. That is the case for transfer in one line, and it says how little of one's own data
# can be enough: if somebody else had a lot of it. Be fair, though: ImageNet has birds, tools and mammals
# among its labels. The further your task is from the network's, the less its features are worth (Yosinski and
# others, 2014, measured by how much).
#
# ## 6 · Fine-tuning
# So far the network stayed as it was, **frozen**. To **fine-tune** means to train some of its last layers
# too, with small steps. We train block 15, the head and a new last layer. What lies before stays
# frozen, so its output can be cached too.

# %%
top = network[list(parts).index("block_15") :]
maps = {}
for name, split in (("train", train), ("test", test)):
    given = through(split, "block_14")  # (N, 7, 7, 192)
    maps[name] = torch.from_numpy(given).permute(0, 3, 1, 2)
labels = torch.from_numpy(train.labels.copy())
runtime.give_back_memory()
print("cached for each stamp:", tuple(maps["train"].shape[1:]))

# %% [markdown]
# The new last layer should not begin at random: its wild first gradients would shake the layers below. We
# begin with a logistic regression on the cached features, the **linear probe**, and copy its weights in.

# %% tolerance=0.03
probe = LogisticRegression(max_iter=1000).fit(cache["train"], train.labels)
probe_share = share_right(probe.predict(cache["test"]))
pixel_probe = LogisticRegression(max_iter=1000, C=0.01)
pixel_probe.fit(pixels["train"], train.labels)
pixel_share = share_right(pixel_probe.predict(pixels["test"]))
print(f"logistic regression on features: {probe_share:.2f}")
print(f"logistic regression on pixels: {pixel_share:.2f}")


# %% [markdown]
# One more thing must be decided. **Batch norm** (lesson 21) uses each batch's own mean while it trains, and
# its moving averages afterwards. Averages over 1.28 million photographs are better than those of 8 stamps,
# so we keep them: `eval()` while training.


# %%
def fine_tune(epochs, frozen_norm=True, learning_rate=3e-4, batch_size=8):
    """Train a copy of `top` on the cached maps; return it and its seconds."""
    model = copy.deepcopy(top)
    model.classifier = nn.Linear(1280, 7)
    model.classifier.weight.data = torch.from_numpy(probe.coef_).float()
    model.classifier.bias.data = torch.from_numpy(probe.intercept_).float()
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    started = time.perf_counter()
    for _ in range(epochs):
        model.train(not frozen_norm)
        for batch in torch.randperm(len(labels)).split(batch_size):
            loss = nn.functional.cross_entropy(
                model(maps["train"][batch]), labels[batch]
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval(), time.perf_counter() - started


def tuned_share(model):
    with torch.no_grad():
        outputs = torch.cat([model(part) for part in maps["test"].split(8)])
    return share_right(outputs.argmax(dim=1).numpy())


# %% [markdown]
# **Predict, then run.** A million weights are trained instead of 8967. Will the accuracy (a) rise
# clearly, (b) stay about the same, (c) fall clearly?

# %% tags=["headline", "predict"] tolerance="band"
runtime.seed(seed)
tuned, seconds = fine_tune(epochs)
headline = results.Headline(
    what="accuracy on 66 test stamps, fine-tuned with 128",
    score=tuned_share(tuned),
    baseline=pixel_share,
    baseline_name="logistic regression on pixels",
    parameters=sum(weight.numel() for weight in tuned.parameters()),
    seconds=seconds,
    band=lessons.band("transfer_learning"),
)
headline

# %% tolerance=0.1
runtime.seed(seed)
loose, _ = fine_tune(epochs, frozen_norm=False)


def weights_of(model):
    return sum(weight.numel() for weight in model.parameters())


scratch_share = np.mean(shares["from scratch"]["all"])
rows = (
    ("linear probe, network frozen", probe_share, weights_of(tuned.classifier)),
    ("fine-tuned, batch norm frozen", headline.score, weights_of(tuned)),
    ("fine-tuned, norm of each batch", tuned_share(loose), weights_of(loose)),
    ("from scratch", scratch_share, weights_of(small_network())),
)
results.Table(
    ("trained on all 128 stamps", "accuracy", "weights trained"),
    tuple((name, f"{share:.2f}", count) for name, share, count in rows),
)

# %% [markdown]
# No better: of five seeds the best is about level with the linear probe, and the others lie a few stamps below it
# (the band above; one stamp is 0.015). With 128 pictures there is nothing here that a million weights could learn
# and 8967 could not. With more pictures, or with pictures unlike ImageNet's, it can turn out otherwise: measure
# it. **Try the linear probe first**: it is cheaper, and here it is as good.
#
# **Exercise: find the bug.** A colleague froze a network, yet the same picture gives other scores when other
# pictures are in its batch. Here is his batch norm, without its two weights. Mend it.


# %% tags=["exercise"]
def frozen_batch_norm(maps, moving_mean, moving_variance):
    mean = maps.mean(axis=(0, 1, 2))  # maps: (N, H, W, C)
    variance = maps.var(axis=(0, 1, 2))
    return (maps - mean) / np.sqrt(variance + 0.001)


lesson.frozen_batch_norm.check(frozen_batch_norm)

# %% [markdown]
# ### Frozen is not the same in both frameworks
# `requires_grad_(False)` in PyTorch and `trainable = False` in Keras both stop the weights. What happens to
# the moving averages?

# %%
batch = np.random.default_rng(0).normal(5, 1, (8, 4)).astype("float32")
torch_norm = nn.BatchNorm1d(4).requires_grad_(False)
torch_norm.train()
torch_norm(torch.from_numpy(batch))

keras_norm = keras.layers.BatchNormalization()
keras_norm.build((None, 4))
keras_norm.trainable = False
keras_norm(batch, training=True)
print(
    "PyTorch, the averages moved:",
    bool(torch_norm.running_mean.abs().max() > 0),
)
print(
    "Keras, the averages moved:",
    bool(np.abs(keras_norm.moving_mean).max() > 0),
)

# %% [markdown]
# In PyTorch they move: freezing needs `eval()` as well. In Keras a batch norm with `trainable = False` stays
# as it is, even if asked to train.
#
# The part that we train, the new last layer, computes the same in both:

# %%
torch_layer = nn.Sequential(nn.Linear(1280, 7))
keras_layer = keras.Sequential([keras.Input((1280,)), keras.layers.Dense(7)])
parity.carry_weights(torch_layer, keras_layer)
parity.compare(torch_layer, keras_layer, cache["train"][:32], train.labels[:32])

# %% [markdown]
# **Open exercise.** Back to the astronaut. The network has no class for her, but it knows a *space shuttle*.
# Find a square of her photograph for which it says so. Nobody trains anything: what you show it decides what
# it says.

# %% tags=["exercise"]
shuttle_square = ...  # (row, column, side)

lesson.shuttle_square.check(shuttle_square)

# %% [markdown]
# ## 7 · Questions

# %% tags=["quiz"]
lesson.QUIZ

# %% [markdown]
# ## Take-aways
# - Few pictures of your own: take features from a pretrained network, and a linear model on top. That is the
#   baseline to beat.
# - A frozen part gives the same output each time: compute it once, keep it.
# - A classifier chooses among the classes it has. Ask what is missing before you ask how sure it is.
# - Check scaling, order of colours and padding against a known answer. A small mistake costs a little and
#   raises no error.
# - Frozen means the averages of batch norm too.
#
# **Sources:** Donahue and others (2014), *DeCAF*, https://arxiv.org/abs/1310.1531 · Yosinski, Clune, Bengio
# and Lipson (2014), *How transferable are features in deep neural networks?*,
# https://arxiv.org/abs/1411.1792 · Tan and Le (2019), *EfficientNet*, https://arxiv.org/abs/1905.11946 ·
# Kumar and others (2022), *Fine-tuning can distort pretrained features and underperform
# out-of-distribution*, https://arxiv.org/abs/2202.10054
#
# **The article's claims, tested here:** that a small amount of data can be enough. Section 5 says when: with
# features that came from a large amount of somebody else's; without them it was not.

# %% [markdown] tags=["instructor"]
# ### For teachers
# **Run of show, 80 minutes:** 1 what it says, and the scaling (15) · 2 two halves (8) · 3 the same in Keras
# (10) · 4 features and the nearest mean, with the explorer (17) · 5 how few are enough (12) · 6 fine-tuning
# (15) · 7 questions (3).
#
# **To cut:** the padding in section 3, for a room that uses one framework; fine-tuning, if people tire: the
# probe is the message. **Keep** the bet on three stamps of each kind.
#
# **Ask:** What would you photograph to fool it? Which data of your own have you, and is it like
# ImageNet's?
#
# **Where people stall:** that `eval()` and `requires_grad` are two things. Let them print a running mean
# before and after.
