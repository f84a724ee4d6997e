# %% [markdown]
# # Classifying images fast
# Ten kinds of clothes, 70 000 photographs, two processor cores. We go from a linear model to LeNet
# (1998) to a small residual network, measure what made training fast, and then look hard at what
# the best network still gets wrong.
#
# **After this lesson you can:** build and train a residual network · say what a schedule, a mirror
# and a memory layout bring, in numbers · judge a classifier by more than its accuracy · name the
# conventions in which PyTorch and Keras differ for convolutions.
#
# **Needs:** lessons 11 and 20. **Data:** Fashion-MNIST, all of it (shipped).
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
    lessons,
    parity,
    plot,
    results,
    runtime,
)
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

# %% tags=["quiz"]
course.review("21")

# %% [markdown]
# ## 1 · The pictures, and what a linear model makes of them

# %%
fashion = data.load("fashion-mnist")
fashion

# %%
train, valid, test = fashion.train, fashion.valid, fashion.test
one_each = [np.flatnonzero(train.labels == k)[0] for k in range(10)]
plot.images(train[one_each].images, titles=fashion.classes, size=1.0, columns=5)
plot.describe("One small grey picture of each of the ten kinds of clothes.")
# %% [markdown]
# Each kind has the same number of pictures, so always naming one kind is right for 1 picture in 10.
# That is the first baseline. The second is **logistic regression**: one dense layer, no hidden
# units. The list `table` collects every result of this lesson.

# %% tags=["parameters"]
train_examples = 55_000  # quick: 2_000
fast_epochs = 2  # quick: 1
seed = 0

# %% tolerance=0.02
train = train[:train_examples]
table = [("always the same kind", 0.1, 0, "0.0 s")]


def fit_and_report(name, model, **options):
    """Train on the training split, score on the test split, add a row."""
    backend = backends.of(model)
    history = backend.fit(model, train.pixels, train.labels, **options)
    accuracy = backend.evaluate(model, test.pixels, test.labels).accuracy
    count = sum(p.numel() for p in model.parameters())
    seconds = f"{sum(history.seconds):.1f} s"
    table.append((name, round(accuracy, 3), count, seconds))


linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
fit_and_report("logistic regression", linear, epochs=3, learning_rate=0.003)
print(f"test accuracy {table[-1][1]:.3f}")

# %% [markdown]
# A linear model keeps one blurred template for each kind and asks how well a picture matches. That
# is enough for five pictures in six. Whatever a network brings must be counted from here, not from
# zero.

# %% [markdown]
# ## 2 · LeNet
# LeNet set the pattern that networks for pictures have kept: convolutions find local shapes,
# **pooling** halves the resolution, and as the map gets smaller the number of filters grows. We build
# it as in 1998, but with ReLU and maximum pooling, which learn faster than what it had.
#
# **Predict, then run.** It has two convolutions (6 and 16 filters of 5 × 5) and three dense layers
# (120, 84 and 10 units). Which of the five holds most of its weights?

# %% tags=["predict"]
lenet = torch.nn.Sequential(
    torch.nn.Conv2d(1, 6, 5, padding=2),  # (N, 6, 28, 28)
    torch.nn.ReLU(),
    torch.nn.MaxPool2d(2),  # (N, 6, 14, 14)
    torch.nn.Conv2d(6, 16, 5),  # (N, 16, 10, 10)
    torch.nn.ReLU(),
    torch.nn.MaxPool2d(2),  # (N, 16, 5, 5)
    torch.nn.Flatten(),
    torch.nn.Linear(400, 120),
    torch.nn.ReLU(),
    torch.nn.Linear(120, 84),
    torch.nn.ReLU(),
    torch.nn.Linear(84, 10),
)
for layer in lenet:
    if count := sum(p.numel() for p in layer.parameters()):
        print(f"{type(layer).__name__:7} {count:6}")

# %% [markdown]
# The first dense layer: 48 120 of 61 706. A convolution uses the same few weights at every place of
# the picture; a dense layer has a weight of its own for every place. Later networks drop the large
# dense layers for this reason, and so shall we.

# %% [markdown]
# **Exercise.** The next network has a layer `torch.nn.Conv2d(16, 32, 3)`: 16 channels in, 32 filters,
# each 3 × 3. How many weights and biases is that?

# %% tags=["exercise"]
weights_of_a_layer = ...

lesson.weights_of_a_layer.check(weights_of_a_layer)

# %% tolerance=0.02
fit_and_report("LeNet, 2 epochs", lenet, epochs=2, learning_rate=0.003)
print(f"test accuracy {table[-1][1]:.3f}")

# %% [markdown]
# ## 3 · A small residual network
# More layers should help, but a plain stack of many is hard to train: blame has to pass through all
# of them. A **residual block** adds what its layer computes to what came in,
#
# $$\text{out} = x + f(x),$$
#
# so that signal and blame always have a short way past $f$. If the block has nothing to add, it can
# leave the picture as it is. **Batch normalisation** keeps each filter's output at mean 0 and
# standard deviation 1 over the batch, which allows a larger learning rate.


# %% tags=["recipe"]
def block(inputs, filters, stride=1):
    """Convolve, normalise, bend."""
    return [
        torch.nn.Conv2d(inputs, filters, 3, stride, padding=1, bias=False),
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


class MeanAndMax(torch.nn.Module):
    """Keep of each map (H, W) two numbers: its mean and its highest value."""

    def forward(self, maps):
        return torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)


def residual_network(filters=(16, 16, 32)):
    first, second, third = filters
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, first, 3, padding=1, bias=False),
        torch.nn.MaxPool2d(2),  # (N, first, 14, 14)
        torch.nn.BatchNorm2d(first),
        torch.nn.ReLU(),
        *block(first, second, stride=2),  # (N, second, 7, 7)
        Residual(second),
        *block(second, third, stride=2),  # (N, third, 4, 4)
        Residual(third),
        MeanAndMax(),  # (N, 2 third)
        torch.nn.Linear(2 * third, 10),
    )


# %% [markdown]
# Two choices make the rest of the recipe.
#
# - **One-cycle schedule.** The learning rate rises for a quarter of the training, then falls to zero:
#   large steps to get far, small ones to settle.
# - **Stochastic gradient descent with momentum** and a little weight decay, which pulls every weight
#   towards zero.
#
# For longer runs there is a third, **augmentation by mirroring**: half of the pictures of each batch
# are flipped left to right, since a mirrored boot is a boot. At test time the network then sees each
# picture both ways and we average. Section 4 measures when it pays.


# %% tags=["recipe"]
def one_cycle(progress):
    """Factor of the learning rate when `progress` (0..1) is done."""
    return 4 * progress if progress < 0.25 else (1 - progress) / 0.75


def train_fast(model, images, labels, epochs, **changes):
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=0.15,
        momentum=0.9,
        nesterov=True,
        weight_decay=5e-4,
    )
    recipe = {
        "optimizer": optimizer,
        "schedule": one_cycle,
        "batch_size": 128,
        "epochs": epochs,
    }
    return backends.of(model).fit(model, images, labels, **recipe | changes)


def mirror_half(images, generator):
    chosen = generator.random(len(images)) < 0.5
    images[chosen] = images[chosen, :, ::-1]  # (N, H, W, C): turn W round
    return images


def scores_both_ways(model, images):
    scores = backends.of(model).scores
    return (scores(model, images) + scores(model, images[:, :, ::-1])) / 2


# %% [markdown]
# **Exercise: find the bug.** Somebody wrote the mirror without looking at a picture. Mend it.


# %% tags=["exercise"]
def mirrored(images):
    return images[:, ::-1]


lesson.mirrored.check(mirrored)

# %%
moments = np.linspace(0, 1, 201)
figure, axes = plt.subplots(figsize=(5, 2.6))
axes.plot(moments, [0.15 * one_cycle(moment) for moment in moments])
axes.set(
    title="One cycle", xlabel="share of training done", ylabel="learning rate"
)
plot.describe("The learning rate rises to a quarter of training, then falls.")
# %% [markdown]
# **Predict, then run.** LeNet has 61 706 weights. Has the residual network fewer or more? And after
# two epochs, is it better by about 0.5, 5 or 15 pictures in a hundred?

# %% tags=["predict"] tolerance=0.01
runtime.seed(seed)
fast = residual_network()
history = train_fast(fast, train.pixels, train.labels, fast_epochs, seed=seed)
fast_accuracy = (
    backends.of(fast).evaluate(fast, test.pixels, test.labels).accuracy
)
count = sum(p.numel() for p in fast.parameters())
seconds = f"{sum(history.seconds):.1f} s"
table.append(("residual, 2 epochs", round(fast_accuracy, 3), count, seconds))
print(f"{count} weights, test accuracy {fast_accuracy:.3f}")

# %% tags=["headline"] tolerance="band"
headline = results.Headline(
    what="accuracy on 10 000 test pictures",
    score=fast_accuracy,
    baseline=table[1][1],
    baseline_name="logistic regression",
    parameters=count,
    seconds=sum(history.seconds),
    band=lessons.band("image_classification"),
)
headline

# %% tolerance=0.02
results.Table(
    ("on 10 000 test pictures", "accuracy", "weights", "training"), tuple(table)
)

# %% [markdown]
# About one picture in ten is still wrong, against one in six for the linear model, and the network
# that is best has fewer weights than LeNet. What counts is where the weights are used.
#
# How fast is that? The well-known starter lesson for this data set (two dense layers, Adam, batches
# of 32, ten epochs in Keras) is what many people meet first. Measured side by side on two cores:

# %%
recorded = lessons.recorded("image_classification")
starter, quick, slow = (recorded[key] for key in ("starter", "fast", "slow"))
rows = [
    (name, f"{np.mean(run['accuracy']):.3f}", round(run["starter_epochs"], 1))
    for name, run in (
        ("starter lesson, 10 epochs", starter),
        (f"this network, {quick['epochs']} epochs", quick),
        (f"this network, {slow['epochs']} epochs", slow),
    )
]
results.Table(
    ("recorded", "test accuracy", "time (epochs of the starter)"), tuple(rows)
)

# %% [markdown]
# These three rows are recorded (`make bench` repeats them), since together they take minutes. Times
# are given as ratios, measured turn about in one run: seconds differ between machines, ratios less.
# The network passes in about two epochs' time what the starter lesson reaches in ten.

# %% [markdown]
# ## 4 · What made it fast
# ### The order of numbers in memory
# A batch of pictures is one long row of numbers. PyTorch's habit is *channels first*: all pixels of
# one channel, then all of the next. *Channels last* keeps the channels of one pixel together, which
# is how a convolution reads them.
#
# **Predict, then run.** The same arithmetic, only another order in memory. We time it for a network
# that keeps 16 filters at full resolution, and for ours, which halves the resolution at once. Where
# does the order matter, and is it by a tenth or by a multiple?

# %% tags=["predict"]
full_resolution = torch.nn.Sequential(
    *block(1, 16),
    Residual(16),
    MeanAndMax(),
    torch.nn.Linear(32, 10),
)


def step_times(model, memory_formats, steps=10):
    """Median time of one training step in each format, measured turn about."""
    labels = torch.from_numpy(train.labels[:64].copy())
    pictures = torch.from_numpy(train[:64].images.copy()).permute(0, 3, 1, 2)
    times = {memory_format: [] for memory_format in memory_formats}
    for _ in range(steps):
        for memory_format in memory_formats:
            model.to(memory_format=memory_format)
            batch = pictures.contiguous(memory_format=memory_format)
            started = time.perf_counter()
            torch.nn.functional.cross_entropy(model(batch), labels).backward()
            times[memory_format].append(time.perf_counter() - started)
    return [1000 * np.median(values) for values in times.values()]


orders = torch.contiguous_format, torch.channels_last
results.Table(
    ("one step of 64 pictures", "channels first", "channels last"),
    tuple(
        (
            name,
            *(
                f"{milliseconds:.0f} ms"
                for milliseconds in step_times(model, orders)
            ),
        )
        for name, model in (
            ("16 filters at full resolution", full_resolution),
            ("our network", residual_network()),
        )
    ),
)

# %% [markdown]
# Hardly at all, in either network. "Use channels last" is common advice, and with other processors or
# versions of PyTorch it can bring a multiple; on the machine that built this notebook it brings next to
# nothing. Advice about speed has a date and a machine, so measure before you believe it. (The course's
# `fit` uses channels last: here it costs nothing.)
#
# ### Memory that is asked for again and again
# Each step needs some tens of megabytes for its maps, frees them, and asks for the same in the next
# step. Linux hands out cleared pages only, so memory that was given back is cleared anew each time.
# When `dlcourse` is imported it tells the allocator to keep what was freed. Here is what that brought:

# %%
kept = recorded["kept_memory"]
print(f"memory given back after each step: {kept['slower']:.2f} × the time")

# %% [markdown]
# No line of the network changed, no number it computes, and no profile of the network shows it: the
# time goes by between the layers.
#
# ### Schedule and mirror
# These change what is learned, so one run says little. Each variant was trained with five seeds.

# %%
rows = [
    (name, f"{min(run):.3f} to {max(run):.3f}", f"{np.mean(run):.3f}")
    for name, run in recorded["ablation"].items()
]
results.Table(
    ("recorded, five seeds each", "test accuracy", "mean"), tuple(rows)
)

# %% [markdown]
# The schedule is worth about two pictures in a hundred. Mirroring is a close call: in two epochs it
# loses a little, in six it gains a little, and each time the bands overlap. In two epochs the network
# meets each picture only twice, so there is not much yet that it could learn by heart. With one seed
# each we could have "shown" either.

# %% [markdown]
# ## 5 · The same network in Keras
# Here is the same network again. Layer by layer it looks the same, and the weights can be carried
# over. We build it twice, with two ways to add the border of zeros (**padding**) that a 3 × 3 filter
# needs.


# %%
def keras_network(filters, explicit_border):
    layers, (first, second, third) = keras.layers, filters

    def convolve(x, count, stride=1):
        if explicit_border:
            x = layers.ZeroPadding2D(1)(x)  # one row or column on every side
        padding = "valid" if explicit_border else "same"
        convolution = layers.Conv2D(
            count, 3, stride, padding=padding, use_bias=False
        )
        return convolution(x)

    def normalise(x):
        normalised = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        return layers.ReLU()(normalised)

    pictures = keras.Input((28, 28, 1))
    x = normalise(layers.MaxPooling2D()(convolve(pictures, first)))
    for count in (second, third):
        x = normalise(convolve(x, count, stride=2))
        x = x + normalise(convolve(x, count))
    pooled = [
        layers.GlobalAveragePooling2D()(x),
        layers.GlobalMaxPooling2D()(x),
    ]
    scores = layers.Dense(10)(layers.Concatenate()(pooled))
    return keras.Model(pictures, scores)


# %% [markdown]
# **Predict, then run.** `padding="same"` in Keras and `padding=1` in PyTorch both give maps of the
# same size. With the same weights, will both Keras networks give the numbers of PyTorch, or one, or
# none?

# %% tags=["predict"]
same_size = keras_network((16, 16, 32), explicit_border=False)
parity.carry_weights(fast, same_size)
parity.compare(fast, same_size, test.images[:32], test.labels[:32])

# %%
same_numbers = keras_network((16, 16, 32), explicit_border=True)
parity.carry_weights(fast, same_numbers)

# %%
parity.compare(
    fast, same_numbers, test.images[:32], test.labels[:32], tolerance=1e-4
)

# %% [markdown]
# Only the explicit border. With stride 2 and an even number of pixels, one row of zeros too many has
# to go somewhere. PyTorch puts a row above and a row below; Keras's `"same"` puts one below only. So
# every filter looks one pixel further on. No error, no warning, the same sizes: only other numbers.
#
# With the border made explicit, a network trained in PyTorch runs in Keras:

# %%
pytorch_says = backends.of(fast).scores(fast, test.pixels).argmax(axis=1)
keras_says = (
    backends.of(same_numbers).scores(same_numbers, test.pixels).argmax(axis=1)
)
print(
    f"of {len(test)} test pictures, named alike: {(pytorch_says == keras_says).sum()}"
)

# %% [markdown]
# ## 6 · What does the best one get wrong?
# For a close look we take the recorded longer run: its weights come with the course, so everyone
# sees the same mistakes.

# %%
best = residual_network(recorded["slow"]["filters"])
stored = lessons.checkpoint("image_classification")
best.load_state_dict({name: torch.from_numpy(w) for name, w in stored.items()})
best.to(memory_format=torch.channels_last)
scores = scores_both_ways(best, test.pixels)
print(f"test accuracy {results.accuracy(scores, test.labels):.4f}")

# %%
past = results.History(**recorded["slow"]["history"])
axes = plot.learning_curves(past, "accuracy")
axes.axhline(results.accuracy(scores, test.labels), color="gray", linestyle=":")
axes.annotate(
    "test, at the end", (1, results.accuracy(scores, test.labels)), va="bottom"
)
plot.describe(
    "All accuracies rise; training ends highest, then validation, then test."
)
# %% [markdown]
# From the second epoch on the training accuracy lies above the validation accuracy: part of it is
# learned by heart, and that part is called **overfitting**. At the end it is about one
# picture in a hundred, measured against the test pictures. Both curves still rise in the last epochs,
# when the learning rate falls.
#
# **Predict, then run.** The accuracy is an average over ten kinds. Which kind is hardest, and how
# many of its thousand pictures are recognised?

# %% tags=["predict"] tolerance=0.003
by_class = results.class_scores(scores, test.labels)
results.Table(
    ("kind", "precision", "recall", "F1"),
    tuple(
        (name, *(f"{value:.3f}" for value in values))
        for name, *values in zip(fashion.classes, *by_class[:3])
    ),
)

# %% [markdown]
# **Recall**: of the shirts, how many were called shirt. **Precision**: of what was called shirt, how
# much was. **F1** is their harmonic mean, near the smaller of the two. The shirt is hardest by far.
# An average over classes had hidden that: whoever sells shirts does not care about trousers.

# %%
counts = results.confusion(scores, test.labels)
plot.confusion(counts, fashion.classes)
plot.describe(
    "Most pictures on the diagonal; shirts are spread over four tops."
)
# %% [markdown]
# **Exercise.** Compute the recalls yourself, from the matrix.


# %% tags=["exercise"]
def recalls(counts):
    return ...  # your code


lesson.recalls.check(recalls)

# %% [markdown]
# The mistakes are not scattered. Shirt, T-shirt, pullover and coat are taken for each other; so are
# the three kinds of shoe. Between the two groups there is hardly a mistake. Now look at the
# pictures where the network was most surely wrong.

# %% image_tolerance=0.05
probabilities = arrays.softmax(scores)
of_label = probabilities[np.arange(len(test)), test.labels]
worst = of_label.argsort()[:10]
titles = [
    f"{fashion.classes[k]}?\nlabel: {fashion.classes[label]}"
    for k, label in zip(probabilities[worst].argmax(axis=1), test.labels[worst])
]
plot.images(test[worst].images, titles=titles, columns=5, size=1.2)
plot.describe(
    "The ten surest mistakes; several labels look doubtful to us too."
)
# %% [markdown]
# Would you have done better? Several of these labels are doubtful, and no network can learn a label
# that is wrong. Looking at the worst mistakes is the cheapest test of a data set.

# %% [markdown]
# ### Is it as sure as it is right?
# A classifier is **calibrated** if, of all answers it gives with 80 % probability, 80 % are right.
# Networks are known for being too sure of themselves (Guo and others, 2017).
#
# **Predict, then run.** Of the pictures on which ours is at least 99 % sure, how many in a thousand
# are wrong: about 2, about 10, or about 50?

# %% tags=["predict"] tolerance=0.02
sure = probabilities.max(axis=1) >= 0.99
wrong = probabilities.argmax(axis=1) != test.labels
print(f"at least 99 % sure: {sure.sum()} of {len(test)} pictures")
print(f"of these wrong: {1000 * wrong[sure].mean():.1f} in a thousand")

# %% image_tolerance=0.05
measured = results.calibration(probabilities, test.labels)
axes = plot.calibration(measured)
axes.set_title(f"Calibration error {measured.error:.3f}")
plot.describe("The points lie near the diagonal: about as sure as it is right.")

# %% [markdown]
# Ours is not too sure: its points lie near the diagonal, and of a thousand answers at 99 % or more
# only about 2 are wrong. A small network, a short training and the average over two views keep it modest. So this is
# a property to measure for each network, not one to believe of all.
#
# ### Only when it is sure
# A classifier need not answer every time. Let it hand the pictures on which it is not sure enough to a
# person. Move the slider: how sure must it be, so that of its answers 99 in 100 are right? And how many
# pictures are left for the person?

# %%
confidence, right = probabilities.max(axis=1), ~wrong
thresholds = np.linspace(0, 0.999, 100)
answered = np.array([(confidence >= t).mean() for t in thresholds])
precise = np.array([right[confidence >= t].mean() for t in thresholds])


def reject(figure, threshold):
    """Draw how many of the answers are right against how many are given."""
    chosen = confidence >= threshold
    share, accuracy = chosen.mean(), right[chosen].mean()
    axes = figure.subplots()
    axes.plot(answered, precise)
    axes.plot(share, accuracy, "o", color=plot.COLOURS[1])
    axes.set(
        title="Fewer answers, better answers",
        xlabel="share of pictures answered",
        ylabel="accuracy of the answers",
    )
    return (
        f"At least {threshold:.3f} sure: {share:.2f} of the pictures answered, "
        f"{accuracy:.3f} of the answers right."
    )


# %% tags=["explorer"] tolerance=0.003
rejection = explore.Explorer(
    reject,
    threshold=explore.slider(0.0, 0.999, 0.5, step=0.001),
)
rejection

# %% [markdown]
# With a threshold near 0.95, three pictures in four are answered and 99 in 100 of these answers are
# right. That is often worth more than another point of accuracy, and it costs one line.
#
# ### A common mistake in thinking
# "The accuracy is 92 %, so about 92 % of the shirts are recognised." The table above says otherwise, and
# so does one line:

# %% tolerance=0.003
recall = by_class.recall
print(f"mean of the ten recalls: {recall.mean():.4f}")
print(f"lowest: {recall.min():.3f} ({fashion.classes[recall.argmin()]})")
print(f"highest: {recall.max():.3f} ({fashion.classes[recall.argmax()]})")

# %% [markdown]
# With as many pictures of each kind, the accuracy *is* the mean of the recalls, and a mean says nothing
# about its parts.

# %% [markdown]
# ## 7 · Your turn, and questions
# **Exercise.** Suppose you have only 5 000 pictures. How good can you get?

# %% tags=["exercise"]
small_data_model = ...

lesson.small_data_model.check(small_data_model)

# %% tags=["quiz"]
lesson.QUIZ

# %% [markdown]
# ## Take-aways
# - Put a linear model first. What a network adds is the distance to it, not to zero.
# - Fast means: halve the resolution early, few filters where it is high, a schedule that ends at zero.
# - One run is one draw. Compare recipes over seeds, or say nothing.
# - Same sizes are not same numbers: `padding="same"` with stride 2 is a convention, not a fact.
# - An accuracy hides its classes. Read recall and the confusion matrix, then look at the pictures.
#
# **Sources:** LeCun, Bottou, Bengio and Haffner (1998), *Gradient-based learning applied to document
# recognition*, https://doi.org/10.1109/5.726791 · He, Zhang, Ren and Sun (2015), *Deep residual
# learning*, https://arxiv.org/abs/1512.03385 · Ioffe and Szegedy (2015), *Batch normalization*,
# https://arxiv.org/abs/1502.03167 · Smith (2018), the one-cycle schedule,
# https://arxiv.org/abs/1803.09820 · Guo, Pleiss, Sun and Weinberger (2017), *On calibration of modern
# neural networks*, https://arxiv.org/abs/1706.04599 · Xiao, Rasul and Vollgraf (2017), the data,
# https://arxiv.org/abs/1708.07747
#
# **The article's claims, tested here:** its table of accuracy, precision, recall and F1 names no data
# set, so none of its rows can be checked; the numbers above can. That overfitting is a challenge:
# the distance between the two curves of section 6 is its size here.

# %% [markdown] tags=["instructor"]
# ### For teachers
# **Run of show, 95 minutes:** 1 baselines (8) · 2 LeNet, count the weights by hand (13) · 3 residual
# block, recipe and the mirror's bug (24; the training run is the break in which to ask for
# predictions) · 4 what made it fast (12) · 5 Keras and the border (12) · 6 mistakes, one table and one
# figure at a time, then the slider (22) · 7 questions (4). `small_data_model` is homework.
#
# **To cut:** section 5 in a course that uses one framework. **Keep** the worst mistakes: the room
# argues about the labels by itself.
#
# **Ask:** Why is a mirrored boot a boot, and is a mirrored digit a digit? What would you do about the
# shirts: more shirts, another network, or another label?
#
# **Where people stall:** precision and recall. Have them cover the row, then the column, of one kind
# in the confusion matrix.
