# %% [markdown]
# # Classifying images fast
# Ten classes of clothes, 70 000 photographs, two processor cores. We go from a linear model to
# LeNet (1998) to a small residual network, test what each choice in it is worth, and then look
# hard at what the best network still gets wrong.
#
# **After this lesson you can:** write a training loop in PyTorch, with both modes and a schedule ·
# build and train a residual network · say what batch norm computes in each mode · test what a
# choice is worth · judge a classifier by more than its accuracy.
#
# **Needs:** lessons 11 and 20. **Data:** Fashion-MNIST, all of it (shipped).
#
# {measured}

# %%
import copy

from dlcourse import arrays, backends, course, data, draw, explore
from dlcourse import lessons, parity, plot, results, runtime
from dlcourse.lessons import image_classification as lesson

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
course.review("21")

# %% [markdown]
# ## 1 · The pictures, and a linear model in Keras

# %%
fashion = data.load("fashion-mnist")
fashion

# %%
valid, test = fashion.valid, fashion.test
one_each = [np.flatnonzero(test.labels == k)[0] for k in range(10)]
plot.images(test[one_each].images, titles=fashion.classes, size=1.0, columns=5)
plot.describe(
    "One small grey picture of each of the ten classes. Pullover and coat have "
    "nearly the same outline; shirt and T-shirt have shorter sleeves."
)
# %% [markdown]
# Each class has the same number of test pictures, so a program that always gives the same answer
# is right for 1 picture in 10. That is the first baseline. The second is logistic regression:
# one dense layer and no hidden units. Here it is in Keras, with Keras's own `compile` and `fit`.
#
# **Predict, then run.** How many of 100 test pictures will a linear model get right: (a) about 45,
# (b) about 65, (c) about 85?

# %% tags=["parameters"]
train_examples = 55_000  # quick: 2_000
fast_epochs = 2  # quick: 1
seed = 0

# %% tags=["predict"] tolerance=0.01
lesson.PREDICTIONS["linear"].ask()
train = fashion.train[:train_examples]
keras.utils.set_random_seed(seed)
linear = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Rescaling(1 / 255),  # bytes become numbers from 0 to 1
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ]
)
linear.compile(
    optimizer=keras.optimizers.Adam(learning_rate=0.003),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
linear.fit(train.pixels, train.labels, batch_size=128, epochs=3, verbose=0)
_, linear_accuracy = linear.evaluate(test.pixels, test.labels, verbose=0)
print(f"test accuracy {linear_accuracy:.2f}")

# %% [markdown]
# (c). A linear model keeps one table of weights for each class and asks how well a picture
# matches it. That is enough for more than four pictures in five. Whatever a network adds must be
# counted from here, not from zero.

# %% [markdown]
# ## 2 · LeNet, and a training loop
# LeNet set the pattern that networks for pictures have kept: convolutions find local shapes,
# pooling halves the resolution, and as the maps get smaller the number of filters grows. We
# build its layers in their sizes of 1998, but with ReLU, maximum pooling and an ordinary last
# layer.


# %% tags=["recipe"]
def lenet():
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 6, 5, padding=2),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(6, 16, 5),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(400, 120),
        torch.nn.ReLU(),
        torch.nn.Linear(120, 84),
        torch.nn.ReLU(),
        torch.nn.Linear(84, 10),
    )


# %% [markdown]
# **Predict, then run.** Which layer holds most of the weights: (a) the second convolution, (b) the
# first dense layer, (c) the second dense layer?

# %% tags=["predict"]
lesson.PREDICTIONS["most_weights"].ask()
network = lenet()
draw.network(network, valid.images[:2], title="LeNet in PyTorch")

# %% [markdown]
# (b): 48 120 of 61 706, weights and biases. A convolution uses its few weights at every position of the picture. A
# dense layer has a weight of its own for every position of every map. Later networks drop the
# large dense layers for this reason, and so will ours.

# %% [markdown]
# **Exercise.** The next network has a layer `torch.nn.Conv2d(16, 32, 3)`: 16 channels in, 32
# filters, each 3 × 3. How many weights and biases is that?

# %% tags=["exercise"]
weights_of_a_layer = ...

lesson.weights_of_a_layer.check(weights_of_a_layer)

# %% [markdown]
# ### Pictures as PyTorch needs them
# NumPy pictures in this course, and Keras, have the axes (N, H, W, C): picture, row, column,
# channel. PyTorch's convolutions need (N, C, H, W), with the channels before the rows. `permute`
# reorders them.


# %%
def as_torch(images):
    """From (N, H, W, C), NumPy, to (N, C, H, W), PyTorch."""
    return torch.tensor(images).permute(0, 3, 1, 2)


def batches(split, shuffle):
    """Pictures (as bytes) and labels, 128 at a time."""
    dataset = torch.utils.data.TensorDataset(
        as_torch(split.pixels), torch.tensor(split.labels)
    )
    return torch.utils.data.DataLoader(dataset, batch_size=128, shuffle=shuffle)


train_batches = batches(train, shuffle=True)
valid_batches = batches(valid, shuffle=False)
pictures, labels = next(iter(valid_batches))
print("course and Keras:", valid.pixels[:128].shape)
print("PyTorch:", tuple(pictures.shape))

# %% [markdown]
# ### The loop, written out
# Some layers compute differently while the network learns and when it is used (section 3 has one).
# So a PyTorch model has two modes: `model.train()` before the training steps, `model.eval()`
# before measuring. `torch.no_grad()` saves the work of preparing a gradient that nobody asks for.
# These are two separate things, and an evaluation needs both.


# %%
def train_one_epoch(model, loader, optimizer, scheduler):
    model.train()
    for pictures, labels in loader:
        scores = model(pictures.float() / 255)
        loss = torch.nn.functional.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()  # this one is called after every batch


def accuracy_on(model, loader):
    model.eval()
    correct = 0
    with torch.no_grad():
        for pictures, labels in loader:
            predicted = model(pictures.float() / 255).argmax(dim=1)
            correct += (predicted == labels).sum().item()
    return correct / len(loader.dataset)


# %% [markdown]
# The optimiser is plain gradient descent with three additions.
#
# - Momentum 0.9: the optimiser keeps a *velocity*. Each step multiplies it by 0.9, adds the new slope,
#   and moves the weights against it, by the learning rate times the velocity. Where the slopes of many
#   batches agree, they add up to ten times a single one; where they change sign from batch to batch, they
#   cancel.
# - Nesterov's version gives the newest slope more say: it moves against that slope plus 0.9
#   times the velocity, which has just taken the slope in.
# - Weight decay 0.0005: each slope gets 0.0005 times its own weight added, so every step also
#   shrinks the weights a little. A weight that the loss has no use for shrinks step by step.
#
# The one-cycle schedule changes the learning rate from batch to batch: it rises for a quarter
# of the training, then falls to almost zero. Section 4 says what it brings here.

# %%
optimizer = torch.optim.SGD(
    network.parameters(),
    lr=0.05,
    momentum=0.9,
    nesterov=True,
    weight_decay=0.0005,
)
scheduler = torch.optim.lr_scheduler.OneCycleLR(
    optimizer,
    max_lr=0.05,
    total_steps=fast_epochs * len(train_batches),
    pct_start=0.25,
    anneal_strategy="linear",
    cycle_momentum=False,
)

# %% tolerance=0.03
for epoch in range(fast_epochs):
    train_one_epoch(network, train_batches, optimizer, scheduler)
    accuracy = accuracy_on(network, valid_batches)
    print(f"epoch {epoch + 1}: validation accuracy {accuracy:.2f}")
del train_batches, valid_batches, optimizer, linear
keras.utils.clear_session()

# %% [markdown]
# That is all of it: with these two functions you can train any PyTorch classifier of pictures that
# are stored as bytes, with a schedule that goes by batches. From here on
# the course's `backends.fit` takes their place. It runs the same loop, for models of PyTorch and
# of Keras, on NumPy pictures (N, H, W, C), and it also does the `permute`, the division by 255 and
# the two modes.
#
# ### One number of one map
# What has the first layer learned? Each of its filters is a grid of 5 × 5 weights, and each number that
# it gives is 25 products, their sum, and a bias. Choose a piece of clothing and a filter, and move the
# window. Where does a filter answer most, and what does its grid look like there? And can a bright window
# give a number below 0?

# %%
one_of_each = [np.flatnonzero(valid.labels == k)[0] for k in range(10)]
seen = np.pad(
    valid.images[one_of_each][..., 0], ((0, 0), (2, 2), (2, 2))
)  # with the border of zeros that the layer adds: (10, 32, 32)
grids = network[0].weight.detach().numpy()[:, 0]  # (6, 5, 5)
biases = network[0].bias.detach().numpy()
with torch.no_grad():
    first_maps = network[0](as_torch(valid.images[one_of_each])).numpy()


def show_products(figure, clothes, filter, row, column):
    """Draw how one number of the first layer comes about."""
    k = fashion.classes.index(clothes)
    window = seen[k, row : row + 5, column : column + 5]
    products = window * grids[filter]
    total, bias = products.sum(), biases[filter]
    value = total + bias
    # This is what PyTorch itself gives at this place.
    assert np.isclose(value, first_maps[k, filter, row, column], atol=1e-5)
    lesson.draw_products(
        figure,
        seen[k, 2:-2, 2:-2],
        (row, column),
        window,
        grids[filter],
        f"products: {total:z.2f} in all",
    )
    sentence = (
        f"{clothes}, filter {filter} at row {row}, column {column}: the 25 "
        f"products add up to {total:z.2f}; with the bias of {bias:z.2f} that "
        f"is {value:z.2f}, as PyTorch gives, and {max(0, value):.2f} after ReLU."
    )
    return sentence, {
        "sizes": np.abs(products).sum(),
        "total": total,
        "bias": bias,
        "value": value,
        "brightness": window.mean(),
        "largest": first_maps[k, filter].max(),
    }


# %% tags=["explorer"] tolerance=0.1 image_tolerance=0.3
one_number = explore.Explorer(
    show_products,
    size=(7.4, 2.2),
    challenges=lesson.CHALLENGES["one_number"],
    clothes=explore.choice(fashion.classes, "ankle boot"),
    filter=explore.slider(0, 5, 2),
    row=explore.slider(0, 27, 10),
    column=explore.slider(0, 27, 14),
)
one_number

# %% [markdown]
# There is nothing else in it: the drawing multiplies and adds, and stops with an error where the result is
# not what PyTorch gives. A filter answers most where its window looks like its grid, bright on the red
# weights and dark on the blue ones. Bright pixels on blue weights push the number down; if they outweigh the
# rest, it falls below 0, and ReLU makes it 0. Nobody has drawn these grids. They were random, and the training has made them.

# %% [markdown]
# ## 3 · A small residual network
# Two parts are new: a layer that rescales its maps, and a block with a way past its layers.
#
# ### Batch normalisation
# A batch norm layer works on each channel of the maps separately.
#
# 1. In training mode it takes the mean and the variance of this channel over all pictures of the
#    batch and all positions, subtracts the mean and divides by the standard deviation. (The
#    variance is the mean squared distance from the mean; the standard deviation is its root.)
# 2. Then it multiplies by a **scale** and adds a **shift**. Both are learned, two numbers for each
#    channel. So the layer can learn any mean and spread that helps.
# 3. In training mode it also keeps running averages of mean and variance: nine tenths of the
#    old average, one tenth of the new batch.
# 4. In evaluation mode it uses the running averages in place of the batch's own numbers.
#
# By hand, for a batch of random maps:

# %%
maps = 2 + 3 * torch.randn(8, 4, 5, 5)  # (N, C, H, W)
norm = torch.nn.BatchNorm2d(4)  # scale 1, shift 0, averages 0 and 1
mean = maps.mean(dim=(0, 2, 3))  # one for each channel: (C,)
variance = maps.var(dim=(0, 2, 3), unbiased=False)


def normalised(maps, mean, variance):
    """Channel by channel; scale and shift are still 1 and 0."""
    mean, variance = mean[:, None, None], variance[:, None, None]
    return (maps - mean) / torch.sqrt(variance + norm.eps)


norm.train()
by_hand = normalised(maps, mean, variance)
print("training mode:", torch.allclose(norm(maps), by_hand, atol=1e-5))
print("average moved:", torch.allclose(norm.running_mean, 0.1 * mean))
norm.eval()
by_hand = normalised(maps, norm.running_mean, norm.running_var)
print("evaluation mode:", torch.allclose(norm(maps), by_hand, atol=1e-5))

# %% [markdown]
# In training mode the answer for one picture therefore depends on the other pictures of its batch.
#
# ### The residual block
# A **residual block** adds what its layers compute to what came in:
#
# $$\text{out} = x + f(x)$$
#
# On the way back the slope of the output along $x$ is $1 + f'(x)$. The 1 is a way past $f$, for
# the picture going forward and for the blame going back. In a long plain chain the blame is
# multiplied by every $f'$; if each of twenty is 0.5, about a millionth of it arrives. Whether that
# matters for a network as short as ours, section 5 measures.


# %% tags=["recipe"]
def block(inputs, filters, stride=1):
    """A convolution (its bias is batch norm's shift), batch norm, ReLU."""
    return [
        torch.nn.Conv2d(
            inputs, filters, 3, stride=stride, padding=1, bias=False
        ),
        torch.nn.BatchNorm2d(filters),
        torch.nn.ReLU(),
    ]


class Residual(torch.nn.Module):
    """Add to the maps what one block makes of them."""

    def __init__(self, filters):
        super().__init__()
        self.change = torch.nn.Sequential(*block(filters, filters))

    def forward(self, maps):
        return maps + self.change(maps)


# %% [markdown]
# `torch.nn.Sequential` can only pass maps from layer to layer, so the addition needs a class of
# its own. Such a class has two parts: `__init__` makes the layers, `forward` says what they do
# with an input.
#
# The network has five convolutions. Three tricks keep it fast: the first map is pooled at once,
# the resolution is halved three times, and in place of a large dense layer each map is boiled down
# to two numbers, its mean and its largest value. The drawing below the code shows where. (Small recipes like this were refined in public
# contests for training in little time, such as Stanford's DAWNBench, and in the fast.ai library.)


# %% tags=["recipe"]
class MeanAndMax(torch.nn.Module):
    """Keep two numbers of each map (H, W): its mean and its largest value."""

    def forward(self, maps):
        mean, largest = maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))
        return torch.cat([mean, largest], dim=1)


def residual_network(filters=(16, 16, 32)):
    first, second, third = filters
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, first, 3, padding=1, bias=False),
        torch.nn.MaxPool2d(2),
        torch.nn.BatchNorm2d(first),
        torch.nn.ReLU(),
        *block(first, second, stride=2),
        Residual(second),
        *block(second, third, stride=2),
        Residual(third),
        MeanAndMax(),
        torch.nn.Linear(2 * third, 10),
    )


# %% [markdown]
# Where are most of the weights now? And how many numbers does the last layer get?

# %%
draw.network(residual_network(), valid.images[:2])

# %% [markdown]
# In the convolutions of the last two blocks, 4 608 and 9 216 plus their batch norms. The last layer gets
# two numbers of each of 32 maps, 64 in all, where the first dense layer of LeNet got 400.
#
# ### Train it
# The recipe is the one that LeNet had, with a higher learning rate. `one_cycle` gives the factor
# by which `backends.fit` multiplies the learning rate, nearly as PyTorch's `OneCycleLR` did above
# (which begins a little above 0).


# %% tags=["recipe"]
def one_cycle(progress):
    """Factor of the learning rate when `progress` (0..1) is done."""
    return 4 * progress if progress < 0.25 else (1 - progress) / 0.75


def train_fast(
    model,
    images,
    labels,
    epochs,
    peak=0.15,
    schedule=one_cycle,
    batch_size=128,
    **options,
):
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=peak,
        momentum=0.9,
        nesterov=True,
        weight_decay=5e-4,
    )
    return backends.fit(
        model,
        images,
        labels,
        epochs=epochs,
        optimizer=optimizer,
        schedule=schedule,
        batch_size=batch_size,
        **options,
    )


# %%
progress = np.linspace(0, 1, 201)
figure, axes = plt.subplots(figsize=(5, 2.6))
axes.plot(progress, [0.15 * one_cycle(moment) for moment in progress])
axes.set(
    title="One cycle",
    xlabel="share of the training done",
    ylabel="learning rate",
)
plot.describe(
    "The learning rate rises to 0.15 in the first quarter of the training, "
    "then falls to 0 along a straight line."
)
# %% [markdown]
# **Predict, then run.** LeNet has 61 706 weights, got about 87 of 100 validation pictures right, and
# had two epochs. Our network has 19 450 and gets two epochs as well. What will be its share on the
# test pictures: (a) about 0.83, (b) about 0.87, (c) about 0.90?

# %% tags=["predict"] tolerance=0.01
lesson.PREDICTIONS["residual"].ask()
runtime.seed(seed)
fast = residual_network()
history = train_fast(fast, train.pixels, train.labels, fast_epochs, seed=seed)
fast_accuracy = backends.evaluate(fast, test.pixels, test.labels).accuracy
print(f"{backends.parameters(fast)} weights, test accuracy {fast_accuracy:.3f}")

# %% tags=["headline"] tolerance=0.01
headline = results.Headline(
    what="accuracy on 10 000 test pictures",
    score=fast_accuracy,
    baseline=linear_accuracy,
    baseline_name="logistic regression",
    parameters=backends.parameters(fast),
    seconds=sum(history.seconds),
    band=lessons.band("image_classification"),
)
headline

# %% [markdown]
# (c), with a third of the weights. The band says how far other seeds moved the score, on the same test pictures. Another 10 000
# test pictures would move it too. How far, the standard error says:

# %% tolerance=0.001
share = fast_accuracy
error = np.sqrt(share * (1 - share) / len(test))
print(f"standard error {error:.3f}, two of them {2 * error:.3f}")

# %% [markdown]
# So the accuracy of this network on all clothes of this sort is known to about ±0.006 (two
# standard errors). Two recipes tested on the *same* pictures can be told apart more finely, since
# both meet the same easy and hard ones.

# %% [markdown]
# ### Against LeNet and the starter lesson
# One run is one draw, so we recorded five seeds of each. LeNet had the same optimiser, schedule
# and two epochs, with the best of three learning rates, chosen on the validation pictures (it is the highest of
# the three). The table also has the network of TensorFlow's [well-known starter
# lesson](https://www.tensorflow.org/tutorials/keras/classification) for this data set: one hidden
# layer, Adam, batches of 32, ten epochs. That lesson splits off no validation pictures, so it
# trains on 60 000 pictures and all others on 55 000.
#
# And because the residual network has batch norm and LeNet has not, LeNet comes twice: the second time with
# batch norm after each of its two convolutions, at the same learning rate, and nothing else changed.


# %% tags=["recipe"]
def lenet_with_norm():
    first, relu, pool, second, *rest = lenet()
    return torch.nn.Sequential(
        *(first, torch.nn.BatchNorm2d(6), relu, pool),
        *(second, torch.nn.BatchNorm2d(16), *rest),
    )


# %%
recorded = lessons.recorded("image_classification")


def row(name, weights, accuracies):
    """Mean over the seeds, lowest and highest."""
    low, high = min(accuracies), max(accuracies)
    mean = f"{np.mean(accuracies):.3f}"
    return name, weights, mean, f"{low:.3f} to {high:.3f}"


peaks = recorded["lenet"]
best_peak = max(peaks, key=lambda peak: np.mean(peaks[peak]["valid"]))
starter = recorded["starter"]
columns = ("recorded, five seeds each", "weights", "accuracy", "band")
results.Table(
    columns,
    (
        row(
            "starter lesson, 10 epochs", starter["weights"], starter["accuracy"]
        ),
        row(
            f"LeNet, 2 epochs, rate up to {best_peak}",
            61_706,
            peaks[best_peak]["test"],
        ),
        row(
            f"LeNet with batch norm, rate up to {best_peak}",
            backends.parameters(lenet_with_norm()),
            recorded["lenet_with_norm"]["test"],
        ),
        row("residual, 2 epochs", 19_450, recorded["fast"]["accuracy"]),
    ),
)

# %% [markdown]
# With the same optimiser, schedule and epochs LeNet reaches 0.875, about what the starter lesson has after
# ten epochs. Batch norm alone takes it to 0.896. The residual network, with a third of LeNet's weights,
# reaches 0.903. So most of the difference is batch norm. The rest may be the blocks, the small last layer
# or anything else that differs; section 5 looks at the block.

# %%
for name in ("fast", "starter"):
    epochs = recorded[name]["starter_epochs"]
    print(f"{name}: takes as long as {epochs:.1f} epochs of the starter")

# %% [markdown]
# The ratio was measured in one run on two cores, with the networks taking turns; on another machine
# it will be another. It compares what learners would run: PyTorch in batches of 128 here, Keras in
# batches of 32 in the starter lesson.
#
# ### The wrong mode
# Batch norm in training mode uses the batch it is given. So what if somebody forgets
# `model.eval()`?
#
# **Predict, then run.** We test the same trained network on the same 5 000 validation pictures, in
# training mode: first in batches of 128 as they come, then sorted by class, so that a batch holds
# almost only shirts, or only bags. Where does the accuracy drop: (a) in both, (b) only in sorted
# batches, (c) in neither?

# %% tags=["predict"] tolerance=0.03
lesson.PREDICTIONS["wrong_mode"].ask()


def accuracy_in_training_mode(model, images, labels, batch_size=128):
    model = copy.deepcopy(model).cpu()  # its running averages will change
    model.train()
    correct = 0
    with torch.no_grad():
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            predicted = model(as_torch(images[part])).argmax(dim=1).numpy()
            correct += (predicted == labels[part]).sum()
    return correct / len(images)


images, labels = valid.images, valid.labels
by_class = np.argsort(labels, kind="stable")
right_mode = backends.evaluate(fast, images, labels).accuracy
mixed = accuracy_in_training_mode(fast, images, labels)
ordered = accuracy_in_training_mode(fast, images[by_class], labels[by_class])
del images
print(f"evaluation mode               {right_mode:.2f}")
print(f"training mode, mixed batches  {mixed:.2f}")
print(f"training mode, one class each {ordered:.2f}")

# %% [markdown]
# (b). No error, no warning. A mixed batch of 128 has nearly the same mean as all pictures, so the
# mistake stays hidden while you test. In a batch of shirts each batch norm subtracts the mean of
# shirts and divides by their spread, in place of those of all clothes. The same network, put into use on one
# sort of clothes after another, then seems to have forgotten a good third of what it knew.
#
# And `torch.no_grad()` does not help: even without gradients a forward pass in training mode
# changes the running averages. That is why the cell above works on a copy.

# %% [markdown]
# ## 4 · What was each choice worth?
# For longer runs there is one more choice, **augmentation**, here by mirroring: half of the pictures of
# each batch are flipped left to right, since a mirrored boot is a boot. At test time the network
# then sees each picture both ways, and we average its scores.

# %% [markdown]
# **Exercise: find the bug.** A colleague's `mirrored` should flip each picture left to right. Draw
# what it does, then fix it.


# %% tags=["exercise"]
def mirrored(images):
    return images[:, ::-1]


lesson.mirrored.check(mirrored)

# %% [markdown]
# With it, the two halves of the recipe:


# %% tags=["recipe"]
def mirror_half(images, generator):
    chosen = generator.random(len(images)) < 0.5
    mirrored = images[:, :, ::-1]  # (N, H, W, C): backwards along W
    return np.where(chosen[:, None, None, None], mirrored, images)


def scores_both_ways(model, images):
    as_it_is = backends.scores(model, images)
    mirrored = backends.scores(model, images[:, :, ::-1])
    return (as_it_is + mirrored) / 2


# %% [markdown]
# Now step by step, five seeds each. (*Mirrored* is two changes in one: mirrored copies in training, and the
# mean of both views in the test. We have not measured them apart.) For comparison, the same training with a
# **constant** learning rate, at three rates.
#
# **Predict, then run.** Five changes: from the best constant rate to one-cycle; mirroring in two
# epochs; six epochs in place of two; a wider network, 70 970 weights in place of 19 450; mirroring
# in six epochs. Which three move the mean by more than 0.005: (a) six epochs, the wider network,
# mirroring in six epochs; (b) one-cycle, six epochs, the wider network; (c) one-cycle, mirroring in
# two epochs, six epochs?

# %% tags=["predict"]
lesson.PREDICTIONS["choices"].ask()
rates = recorded["constant_rate"]
rows = [
    row(f"constant {rate}, 2 epochs", 19_450, rates[rate]["test"])
    for rate in rates
]
for run in recorded["choices"]:
    name = f"{run['recipe']}, {run['epochs']} epochs"
    rows.append(row(name, run["weights"], run["accuracy"]))
results.Table(columns, tuple(rows))

# %% [markdown]
# (b): the schedule (0.903, and 0.876 with the best of the constant rates; the best is the lowest of the
# three, so a still lower one may do a little better), four more epochs (0.916) and the wider network
# (0.924). Mirroring moved 0.903 to 0.901 in two epochs, which other seeds could do as well, and
# brought nothing in six. Each change was tested on this network and this data set only.

# %% [markdown]
# ## 5 · What is the shortcut worth?
# Section 3 gave a reason for `x + f(x)`. Does it help, and is that the reason? The same network with more
# blocks in a row, with batch norm and without, each with the addition and without: *plain* is the same
# layers, only not added to their input. All networks had 5 000 training pictures and four epochs, and each
# the best of five learning rates, chosen on validation pictures with three other seeds.
#
# **Predict, then run.** With batch norm, at 6 layers (ours), 24 and 44: where does the addition
# help? (a) at all three depths, (b) at the deep ones only, (c) at none.

# %% tags=["predict"]
lesson.PREDICTIONS["shortcut"].ask()
runs = recorded["depth"]["rows"]
pairs = []
for plain, skip in zip(runs[0::2], runs[1::2]):
    gain = np.subtract(skip["accuracy"], plain["accuracy"])  # seed by seed
    pairs.append(
        (
            plain["layers"],
            "yes" if plain["norm"] else "no",
            f"{plain['rate']:g}, {skip['rate']:g}",
            f"{np.mean(plain['accuracy']):.3f}",
            f"{np.mean(skip['accuracy']):.3f}",
            f"{gain.min():+.3f} to {gain.max():+.3f}",
            f"{plain['slope']:.3g}",
            f"{skip['slope']:.3g}",
        )
    )
results.Table(
    (
        *("layers", "batch norm", "rates", "plain", "with x +"),
        "gain over five seeds",
        *("slopes, plain", "slopes, with x +"),
    ),
    tuple(pairs),
)

# %% [markdown]
# (b). At our six layers the addition brings nothing; with every seed it even loses a little, 0.003 to
# 0.009. **The block for which such networks are named does not help ours.** At 24 layers it brings 0.011
# to 0.056, at 44 layers 0.14 to 0.21, for every seed. (For the deepest the best of the five rates is the
# lowest. With a still lower one the plain chain may lose less.) With batch norm, depth is what it is for.
# And depth is no gain in itself: on 5 000 pictures and in four epochs the shortest network has the
# highest accuracy, plain or with the addition, with batch norm or without.
#
# Without batch norm the addition helps at six layers already, by 0.037 to 0.066. And the plain chain of 24
# learns nothing at any of the five rates, where with the addition it is nearly as good as the short one. (All
# began with PyTorch's own random weights, which are smaller than those of lesson 11. We recorded no other
# start.)
#
# And the reason? The last two columns say, before training, how large the slopes of the first convolution
# are, measured in those of the dense layer at the end. Without batch norm they fade in the plain chain of
# 24, to a few billionths: the trouble of section 3. With batch norm they do *not* fade. They grow, to 9.5
# times at 24 layers and 210 times at 44. The addition keeps them within bounds in both cases. But with
# batch norm our reason cannot explain the gain, since nothing fades there. Whether the growth explains it,
# we have not tested. We keep the block because the networks that you will meet are built of it. (Theirs has
# two convolutions, and its last ReLU comes after the sum.)

# %% [markdown]
# ## 6 · The same network in Keras
# Layer by layer the network looks the same in Keras, and the weights can be carried over. We build
# it twice, with two ways to add the border of zeros (padding) that a 3 × 3 filter needs.


# %%
def convolve(maps, filters, strides, explicit_border):
    padding = "same"
    if explicit_border:  # one row or column of zeros on every side
        maps = keras.layers.ZeroPadding2D(1)(maps)
        padding = "valid"
    return keras.layers.Conv2D(
        filters, 3, strides=strides, padding=padding, use_bias=False
    )(maps)


def normalise(maps):
    maps = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(maps)
    return keras.layers.ReLU()(maps)


# %% [markdown]
# (A third convention hides in `momentum`: PyTorch's 0.1 is the new batch's share of the running
# average, Keras's 0.9 is what the old average keeps. For the mean that is the same. Of the variance
# PyTorch averages the version divided by n − 1, Keras the one divided by n.)


# %%
def keras_network(filters, explicit_border):
    pictures = keras.Input((28, 28, 1))
    maps = convolve(pictures, filters[0], 1, explicit_border)
    maps = normalise(keras.layers.MaxPooling2D()(maps))
    for count in filters[1:]:
        maps = normalise(convolve(maps, count, 2, explicit_border))
        change = normalise(convolve(maps, count, 1, explicit_border))
        maps = keras.layers.Add()([maps, change])
    mean = keras.layers.GlobalAveragePooling2D()(maps)
    largest = keras.layers.GlobalMaxPooling2D()(maps)
    both = keras.layers.Concatenate()([mean, largest])
    return keras.Model(pictures, keras.layers.Dense(10)(both))


# %% [markdown]
# Whose weights do we carry over? The wider network's, after six epochs, mirrored (the last row of
# section 4). One such run was recorded, and its weights come with the course, so everyone compares
# the same numbers.

# %%
best = residual_network(recorded["slow"]["filters"])
stored = lessons.checkpoint("image_classification")
best.load_state_dict(
    {name: torch.from_numpy(array) for name, array in stored.items()}
)

# %% [markdown]
# **Predict, then run.** `padding="same"` in Keras and `padding=1` in PyTorch both give maps of the
# same size. With the same weights, will the Keras network with `"same"` give PyTorch's scores: (a)
# yes, (b) no, although every size agrees, (c) no, an error comes up?

# %% tags=["predict"]
lesson.PREDICTIONS["same_padding"].ask()
same_size = keras_network(recorded["slow"]["filters"], explicit_border=False)
parity.carry_weights(best, same_size)
compared = parity.compare(best, same_size, valid.images[:8], valid.labels[:8])
compared

# %% [markdown]
# (b). Now the network with the explicit border:

# %%
same_numbers = keras_network(recorded["slow"]["filters"], explicit_border=True)
parity.carry_weights(best, same_numbers)
parity.compare(
    best, same_numbers, valid.images[:8], valid.labels[:8], tolerance=1e-4
)

# %% [markdown]
# This one computes the same. So the border makes the difference, but not in every layer. With
# `padding="same"` Keras asks: how many rows of zeros are needed in all, so that the windows give
# (pixels ÷ stride, rounded up) positions? Half of them go above, half below, and if their number
# is odd, *the one left over goes below*. PyTorch's `padding=1` always puts one above and one
# below, needed or not.
#
# **Exercise.** Write Keras's rule. Then use it on the network's five convolutions, over 28, 14, 7,
# 7 and 4 pixels with strides 1, 2, 1, 2 and 1: which of them disagree with PyTorch's (1, 1)?


# %% tags=["exercise"]
def same_padding(pixels, window, stride):
    return ...  # your code: (rows above, rows below)


lesson.same_padding.check(same_padding)

# %% [markdown]
# **Exercise: write the test.** Which cases would catch a wrong `same_padding`? Write a function that
# gets one, calls it, and uses `assert` where you know what must come out. The check runs it on right
# functions and on the wrong ones that people write.


# %% tags=["exercise"]
def test_same_padding(same_padding):
    assert ...  # your cases


lesson.test_same_padding.check(test_same_padding)

# %% [markdown]
# Of the five convolutions, only the second one disagrees: 14 pixels with stride 2 need one row, and it goes below. With the
# explicit border, a network trained in PyTorch runs in Keras:

# %%
pytorch_says = backends.scores(best, valid.pixels).argmax(axis=1)
keras_says = backends.scores(same_numbers, valid.pixels).argmax(axis=1)
same = (pytorch_says == keras_says).sum()
del same_size, same_numbers
keras.utils.clear_session()
print(f"same answer for at least 4 995 of 5 000 pictures: {same >= 4_995}")

# %% [markdown]
# ## 7 · What does the best one get wrong?
# For a close look we take the same recorded network.
#
# All the looking is done on the 5 000 *validation* pictures, and so is what we choose after looking,
# such as a threshold. The test pictures are kept for the report at the end of this section.
# (Sections 1 to 5 have shown test scores, this network's among them. From here on they stay closed
# until the report.)

# %%
scores = scores_both_ways(best, valid.pixels)
print(f"validation accuracy {results.accuracy(scores, valid.labels):.3f}")

# %% [markdown]
# ### How much of it holds for new pictures?
# While it trained, we recorded two curves. Careful with the first: the training accuracy is a mean
# over the epoch, taken while the weights still changed, and on mirrored pictures. The diamond is
# measured like the validation curve: after the last epoch, in evaluation mode, on plain pictures.

# %% image_tolerance=0.05
ten_thousand = train[:10_000]
on_seen = backends.evaluate(best, ten_thousand.pixels, ten_thousand.labels)
past = results.History(**recorded["slow"]["history"])
axes = plot.learning_curves(past, "accuracy")
axes.plot(
    [past.epochs], [on_seen.accuracy], "D", label="training, measured after"
)
axes.legend()
plot.describe(
    "Six epochs. Both curves rise to the end, training from 0.80 to 0.94, "
    "validation from 0.85 to 0.93. A diamond at 0.95 lies above both."
)
# %% tolerance=0.003
after = backends.evaluate(best, valid.pixels, valid.labels)
print(f"10 000 training pictures: {on_seen.accuracy:.3f}")
print(f"5 000 validation pictures: {after.accuracy:.3f}")

# %% [markdown]
# The difference, just under two pictures in a hundred, is the **generalisation gap**: the network
# does better on pictures that it has learned from. The curve alone would have shown half a
# picture.
#
# A gap is not yet **overfitting**. Some keep that word for the stage of a training where
# the validation score gets *worse* while the training score still gets better. Here both still
# rise in the last epochs, when the learning rate falls.
#
# ### Class by class
# **Predict, then run.** The accuracy is an average over ten classes. Which class is the hardest,
# and how many of 100 of it are recognised: (a) sandal, about 90, (b) shirt, about 90, (c) shirt,
# about 80?

# %% tags=["predict"] tolerance=0.005
lesson.PREDICTIONS["hardest"].ask()
by_class = results.class_scores(scores, valid.labels)
rows = []
for k, name in enumerate(fashion.classes):
    precision = f"{by_class.precision[k]:.3f}"
    recall, f1 = f"{by_class.recall[k]:.3f}", f"{by_class.f1[k]:.3f}"
    rows.append((name, int(by_class.examples[k]), precision, recall, f1))
results.Table(("class", "pictures", "precision", "recall", "F1"), tuple(rows))

# %% [markdown]
# (c). **Recall**: of the shirts, how many were called shirt. **Precision**: of the pictures called shirt, how
# many were shirts. **F1** is 2 · precision · recall / (precision + recall), a mean of the two that comes
# close to the smaller one where they differ much; here they do not. The shirt is the hardest on all three.
# The average had hidden that: if you sell shirts, you do not care about trousers.
#
# The **confusion matrix** counts every pair of true class and answer.

# %% image_tolerance=0.05
counts = results.confusion(scores, valid.labels)
plot.confusion(counts, fashion.classes)
plot.describe(
    "Most pictures lie on the diagonal. Shirts are taken for T-shirts, "
    "pullovers, coats and dresses; sneakers, sandals and boots for each other."
)

# %% [markdown]
# The mistakes are not scattered. Shirt, T-shirt, pullover, coat and dress are taken for each
# other, and so are the three classes of shoes. Between these two groups there is next to nothing.
# Now look at the pictures to whose label the network gave the least probability.

# %% image_tolerance=0.05
probabilities = arrays.softmax(scores)
answers = probabilities.argmax(axis=1)
of_label = probabilities[np.arange(len(valid)), valid.labels]
worst = of_label.argsort()[:10]
titles = []
for i in worst:
    answer, label = (
        fashion.classes[answers[i]],
        fashion.classes[valid.labels[i]],
    )
    titles.append(f"{answer} {probabilities[i].max():.2f}\nlabel: {label}")
plot.images(valid[worst].images, titles=titles, columns=5, size=1.3)
plot.describe(
    "Ten pictures, each with answer and label. Two wide, short things labelled "
    "trouser are called bag; a closed shoe labelled sandal is called sneaker; a "
    "top with long sleeves labelled shirt is called pullover."
)
# %% [markdown]
# Some of these labels look wrong: the first picture, labelled trouser, could be a skirt, and the
# fourth, labelled sandal, is a closed shoe. Others are as hard for us, and in some the network is
# plainly mistaken. A network can learn a wrong label by heart (Zhang and others, 2017, taught
# networks labels drawn at random), but it cannot be expected to *predict* one from the picture.
# Wrong labels in the test set limit the accuracy that anybody can reach.

# %% [markdown]
# ### Is it as sure as it is right?
# A classifier is **calibrated** if, of all answers that it gives with 80 % probability, 80 % are right. The
# **calibration error** is the mean distance between the two, over groups of answers with about the same
# probability, each group weighted by its number of pictures. Networks are known for being too sure of
# themselves (Guo and others, 2017).
#
# **Predict, then run.** Of the pictures on which ours is at least 99 % sure, how many in a
# thousand are wrong: (a) about 3, (b) about 10, (c) about 30?

# %% tags=["predict"] tolerance=0.01
lesson.PREDICTIONS["sure"].ask()
confidence, right = probabilities.max(axis=1), answers == valid.labels
sure = confidence >= 0.99
print(f"at least 99 % sure: {sure.mean():.2f} of the pictures")
print(f"wrong, in a thousand: {1000 * (1 - right[sure].mean()):.0f}")

# %% image_tolerance=0.05
measured = results.calibration(probabilities, valid.labels)
figure, (axes, below) = plt.subplots(
    2, 1, figsize=(4.4, 4.8), height_ratios=(3, 1), sharex=True
)
plot.calibration(measured, axes)
axes.set(title=f"Calibration error {measured.error:.3f}", xlabel="")
middles = np.arange(0.05, 1, 0.1)
below.bar(middles, measured.examples, width=0.09)
below.set(xlabel="confidence (highest probability)", ylabel="pictures")
below.set_yscale("log")
plot.describe(
    "Above, from a confidence of 0.3 on, the points lie near the diagonal. Below, the "
    "number of pictures in each group: one each in the two lowest, over 3 000 in the "
    "highest."
)

# %% [markdown]
# (a). Of all its answers to validation pictures it is about as sure as it is right; the calibration error
# is 0.007. The two points at the lower left are one picture each, as the bars show: nothing to read there.
# The report below asks the test pictures, too.
#
# ### Only when it is sure
# A classifier need not answer every time. It can hand the pictures on which it is not sure enough
# to a person. Move the slider: how sure must it be, so that 99 in 100 of its answers are right?
# And how many pictures are left for the person?

# %%
thresholds = np.arange(0, 1, 0.005)
answered = np.array([(confidence >= t).mean() for t in thresholds])
precise = np.array([right[confidence >= t].mean() for t in thresholds])


def reject(figure, threshold):
    """Draw how many of the answers are right against how many are given."""
    chosen = confidence >= threshold
    share, accuracy = chosen.mean(), right[chosen].mean()
    wrong, handed = ~right, ~chosen
    axes = figure.subplots()
    axes.plot(answered, precise)
    axes.plot(share, accuracy, "o", color=plot.COLOURS[1])
    axes.set(
        title="Fewer answers, better answers (validation)",
        xlabel="share of the pictures answered",
        ylabel="accuracy of the answers",
    )
    sentence = (
        f"At least {threshold:.3f} sure: {share:.2f} of the pictures answered, "
        f"{accuracy:.3f} of the answers right. Of all mistakes "
        f"{wrong[chosen].sum() / wrong.sum():.2f} are among them."
    )
    return sentence, {
        "share": share,
        "accuracy": accuracy,
        "kept": wrong[chosen].sum() / wrong.sum(),
        "handed": handed.sum(),
        "of_mistakes": wrong[handed].mean() if handed.any() else 0,
    }


# %% tags=["explorer"] tolerance=0.005
rejection = explore.Explorer(
    reject,
    size=(5.0, 3.0),
    challenges=lesson.CHALLENGES["rejection"],
    threshold=explore.slider(0.0, 0.995, 0.5, step=0.005),
)
rejection

# %% [markdown]
# ### The report, on the test pictures
# We choose the lowest threshold at which 99 % of the answers to *validation* pictures are right.
#
# **Predict, then run.** Of the answers to *test* pictures above the same threshold, how many will
# be right: (a) surely more than 99 %, (b) surely less, (c) about 99 %, and nobody can know on which side?

# %% tags=["predict"] tolerance=0.005
lesson.PREDICTIONS["test_pictures"].ask()
threshold = thresholds[precise >= 0.99][0]
test_probabilities = arrays.softmax(scores_both_ways(best, test.pixels))
test_right = test_probabilities.argmax(axis=1) == test.labels
kept = test_probabilities.max(axis=1) >= threshold
print(f"threshold {threshold:.3f}, chosen on validation pictures")
print(f"test pictures answered: {kept.mean():.3f}")
for name, chosen in (("these answers", kept), ("all", kept | True)):
    share = test_right[chosen].mean()
    error = np.sqrt(share * (1 - share) / chosen.sum())
    print(f"{name}: {share:.4f} right, standard error {error:.4f}")
surer = test_probabilities.max(axis=1) - test_right
error = surer.std() / np.sqrt(len(test))
print(f"surer than right, all: {surer.mean():.4f}, standard error {error:.4f}")

# %% [markdown]
# (c): here 98.9 %, with 77 % of the pictures answered. That is one standard error below 99 %. (And of all
# test pictures the network is a little surer than it is right, by more than three standard errors: on the
# validation pictures no such thing was to be seen.) Is the 98.9 lower *because* the threshold was chosen on
# the validation pictures? We can ask: put all 15 000 pictures together and split them at random, 500 times,
# into 5 000 to choose with and 10 000 to report on.
#
# **Predict, then run.** In how many of the splits are the new pictures worse than those that were
# chosen with: (a) in about half, (b) in about 80 %, (c) in nearly all?

# %% tags=["predict"] tolerance=0.05
lesson.PREDICTIONS["splits"].ask()
all_confidence = np.concatenate([confidence, test_probabilities.max(axis=1)])
all_right = np.concatenate([right, test_right])
level = np.searchsorted(thresholds, all_confidence, side="right") - 1


def right_above_each(chosen):
    """Share of right answers above each threshold."""
    counted = np.bincount(level[chosen], minlength=200)
    correct = np.bincount(level[chosen], all_right[chosen], minlength=200)
    return correct[::-1].cumsum()[::-1] / counted[::-1].cumsum()[::-1]


worse_with = {}
for count in (5_000, 200):  # pictures to choose with
    generator, changes = np.random.default_rng(0), []
    for _ in range(500):
        order = generator.permutation(15_000)
        old = right_above_each(order[:count])
        new = right_above_each(order[5_000:])
        reached = np.flatnonzero(old >= 0.99)
        if len(reached):  # of a few pictures, no threshold may reach it
            changes.append(new[reached[0]] - old[reached[0]])
    worse_with[count] = worse = np.mean(np.less(changes, 0))
    print(
        f"chosen with {count}, worse on new: {worse:.2f} of {len(changes)} splits"
    )
    print(f"change: mean {np.mean(changes):.4f}, spread {np.std(changes):.4f}")

# %% [markdown]
# (a). One threshold on 5 000 pictures hardly fits them; chance moves the result by about 0.002 either
# way. With 200 pictures to choose with it does: three times in four the new pictures are worse. So
# the number to report is still the one on new pictures.

# %% [markdown]
# ### A common mistake in thinking
# "The accuracy is 92 %, so about 92 % of the shirts are recognised."

# %% tolerance=0.005
recall = results.class_scores(test_probabilities, test.labels).recall
print(f"test accuracy: {test_right.mean():.3f}")
print(f"mean of the ten recalls: {recall.mean():.3f}")
print(f"lowest: {recall.min():.3f} ({fashion.classes[recall.argmin()]})")
print(f"highest: {recall.max():.3f} ({fashion.classes[recall.argmax()]})")

# %% [markdown]
# With as many pictures of each class, the accuracy *is* the mean of the recalls, and a mean says
# nothing about its parts. It also depends on how often each class comes.
#
# **Exercise.** A shop sells these clothes, but not in equal shares: half of them are shirts. What
# will its accuracy be? Write it for any confusion matrix and any shares.


# %% tags=["exercise"]
def accuracy_in_the_shop(counts, shares):
    return ...  # your code


lesson.accuracy_in_the_shop.check(accuracy_in_the_shop)

# %% [markdown]
# ## 8 · A comparison that compared nothing
# A batch of pictures is one long row of numbers in memory. Whether the rows of one channel come
# together (**channels first**) or the channels of one pixel (**channels last**) changes no result,
# but it can change the speed. We wanted to time both. PyTorch has a line for each:
#
# `batch.contiguous(memory_format=torch.contiguous_format)` and
# `batch.contiguous(memory_format=torch.channels_last)`.
#
# **Predict, then run.** We reorder one batch both ways and ask how the *maps of the first
# convolution* lie in memory. Will the two lines bring (a) two layouts, (b) twice channels first,
# (c) twice channels last?

# %% tags=["predict"]
lesson.PREDICTIONS["layouts"].ask()
batch = as_torch(valid.images[:64])  # (64, 1, 28, 28)
convolution = torch.nn.Conv2d(1, 16, 3, padding=1)
orders = {
    "channels first": torch.contiguous_format,
    "channels last": torch.channels_last,
}
found = {}
for name, order in orders.items():
    maps = convolution(batch.contiguous(memory_format=order))
    is_last = maps.is_contiguous(memory_format=torch.channels_last)
    found[name] = is_last
    print(f"{name}? channels last: {is_last}")

# %% [markdown]
# (c). With a single channel both orders are the same, so `contiguous` has nothing to do and gives
# the batch back as it is, as `permute` left it: as channels last. Our first measurement therefore
# timed one layout twice, and found no difference. `clone` really copies:

# %%
for name, order in orders.items():
    maps = convolution(batch.clone(memory_format=order))
    is_last = maps.is_contiguous(memory_format=torch.channels_last)
    print(f"{name}? channels last: {is_last}")

# %%
for name, ratio in recorded["layout"]["first_by_last"].items():
    print(f"{name}: channels first takes {ratio:.1f} × the time")

# %% [markdown]
# On one machine, with one thread and version `2.13` of PyTorch: for our network channels first took 1.7
# times as long, for a network of two convolutions with 16 filters at full resolution the same. Other
# machines and versions will give other ratios. The course's `fit` keeps pictures channels last. Before
# you believe that two things are the same, check that they were two things.

# %% [markdown]
# ## 9 · Your turn, and questions
# **Exercise.** Suppose you have only the first 5 000 training pictures. How good can you get?

# %% tags=["exercise"]
small_data_model = ...

lesson.small_data_model.check(small_data_model)

# %% tags=["quiz"]
lesson.QUIZ

# %% [markdown]
# Section 7 asked whether the network is as sure as it is right. Are you, with your guesses?

# %% tags=["learner-state"]
course.guesses("21")

# %% [markdown]
# ## Take-aways
# - Put a linear model first. What a network adds is the distance to it, not to zero.
# - `model.train()` to train, `model.eval()` to measure. Batch norm in the wrong mode raises no
#   error.
# - Before you believe in a choice, change it alone, over several seeds. The block of a residual
#   network pays in deep networks, not in ours.
# - The same sizes are not the same numbers: `padding="same"` with stride 2 is a convention.
# - An accuracy hides its classes. Choose on validation pictures, report on test pictures.
# - Check that an experiment varied what it says it varied.
#
# **Claims you will meet elsewhere**, tested in this lesson: see
# [the page of claims](claims.md).
#
# **Sources:** LeCun, Bottou, Bengio and Haffner (1998), *Gradient-based learning applied to
# document recognition*, https://doi.org/10.1109/5.726791 · He, Zhang, Ren and Sun (2015), *Deep
# residual learning for image recognition*, https://arxiv.org/abs/1512.03385 · Ioffe and Szegedy
# (2015), *Batch normalization*, https://arxiv.org/abs/1502.03167 · Smith (2018), the one-cycle
# schedule, https://arxiv.org/abs/1803.09820 · Guo, Pleiss, Sun and Weinberger (2017), *On
# calibration of modern neural networks*, https://arxiv.org/abs/1706.04599 · Zhang, Bengio, Hardt,
# Recht and Vinyals (2017), *Understanding deep learning requires rethinking generalization*,
# https://arxiv.org/abs/1611.03530 · Xiao, Rasul and Vollgraf (2017), the data,
# https://arxiv.org/abs/1708.07747

# %% [markdown] tags=["instructor"]
# ### For teachers
# **Run of show, 135 minutes:** 1 a linear model (10) · 2 LeNet and the loop, line by line (25) · 3
# batch norm by hand, the block, the wrong mode (30) · 4 what each choice was worth (12) · 5 the
# shortcut (8) · 6 Keras, the border (15) · 7 what it gets wrong, the threshold and the report (25)
# · 8 a comparison that compared nothing (5) · 9 questions (5). `small_data_model` and the
# written test are homework.
#
# **To cut:** section 8, and section 6 in a course that uses one framework. **Keep** the wrong
# mode: sooner or later everybody forgets `eval()`.
#
# **Ask:** Which of the five choices would you have bet on? Would you let this network sort returns
# in a shop, and at which threshold?
#
# **Where people stall:** that `eval()` and `no_grad()` are two things. Let them leave out each in
# turn and compare the accuracy and the running averages.
