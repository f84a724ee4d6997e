# %% [markdown]
# # Convolutions
# A dense layer has to learn the same edge once for every place in the picture. A convolution learns it
# once.
#
# **After this lesson you can:** compute a convolution by hand · predict the size of what comes out ·
# write its gradient and check it · explain why a shifted cat is still a cat to the network, and when it
# is not.
#
# **Needs:** lesson 11. **Data:** eight photographs and Fashion-MNIST (shipped).
#
# {measured}

# %%
import time

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
from dlcourse.lessons import convolutions as lesson

import keras
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

plot.use_course_style()
runtime.seed(0)

# %% [markdown]
# ### Do you remember?
# Two questions from earlier lessons.

# %% tags=["quiz"]
course.review("20")

# %% [markdown]
# ## 1 · A small window
# A **convolution** slides a small table of weights, the **kernel**, over a picture. At each place it
# multiplies what lies under the window by the kernel, number by number, and adds up. That sum is one
# number of the output, the **map**.


# %%
def convolve_by_loops(picture, kernel):
    """Slide a kernel (h, w) over a picture (H, W); no padding, stride 1."""
    h, w = kernel.shape
    rows, columns = picture.shape[0] - h + 1, picture.shape[1] - w + 1
    output = np.empty((rows, columns))
    for row in range(rows):
        for column in range(columns):
            window = picture[row : row + h, column : column + w]
            output[row, column] = (window * kernel).sum()
    return output


# %% [markdown]
# **Predict, then run.** The next cell slides a 3 × 3 kernel of ones over a picture that is black but for
# one white pixel. What will come out: (a) one white pixel, (b) a 3 × 3 white square, (c) a plus sign?

# %% tags=["predict"]
dot = np.zeros((9, 9))
dot[4, 4] = 1
answer = convolve_by_loops(dot, np.ones((3, 3)))
figure, (left, right) = plt.subplots(1, 2, figsize=(4.6, 2.4))
left.imshow(dot, vmin=0, vmax=1)
right.imshow(answer, vmin=0, vmax=1)
left.set(title="picture, 9 × 9", xticks=range(0, 9, 2))
right.set(title="map, 7 × 7", xticks=range(0, 7, 2))
for axes in (left, right):
    axes.set(xlabel="column", ylabel="row")
plot.describe(
    "One white pixel on the left, a white square of 3 by 3 on the right."
)

# %% [markdown]
# A square: every window that contains the white pixel reports it. And the map is smaller than the
# picture: a window of 3 can stand at 7 places along 9 pixels.
#
# (Mathematicians turn the kernel round before they slide it. Deep learning does not, and calls it
# convolution all the same. Since the kernel is learned, nobody misses the turn.)
#
# **Exercise.** At how many places can a window stand? Two things change it. **Padding** puts a frame of
# zeros around the picture; **stride** moves the window by several pixels at a time. Try
# `pixels=7, window=3, stride=2, padding=0` on paper first.


# %% tags=["exercise"]
def output_size(pixels, window, stride, padding):
    return ...  # your code


lesson.output_size.check(output_size)

# %% [markdown]
# ## 2 · What kernels see
# Kernels are old. People made them by hand long before networks learned them: for edges, for sharpening,
# for blur. Here is one on a photograph.

# %%
photographs = data.load("photographs")
grey = photographs.train.images.mean(axis=3)[:, ::2, ::2]  # (8, 112, 112)
kernels = {
    "vertical edges": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
    "horizontal edges": np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
    "blur": np.ones((3, 3)) / 9,
    "sharpen": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
    "all edges": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
}
cameraman = grey[photographs.classes.index("cameraman")]
figure, places = plt.subplots(1, 3, figsize=(7, 2.6))
places[0].imshow(cameraman, vmin=0, vmax=1)
for axes, name in zip(places[1:], kernels):
    axes.imshow(
        convolve_by_loops(cameraman, kernels[name]),
        cmap="RdBu_r",
        vmin=-2,
        vmax=2,
    )
for axes, name in zip(places, ("photograph", *kernels)):
    axes.set_title(name)
    axes.axis("off")
plot.describe(
    "A cameraman; his upright edges in the one map, the lying ones in the other."
)

# %% [markdown]
# Red where it gets lighter along the kernel's direction, blue where it gets darker, white where nothing
# changes. The legs of the tripod are in the first map only if they stand upright enough.
#
# ### Many pictures, channels and filters at once
# A picture has **channels** (red, green, blue), and a layer has many **filters**. A filter weighs all
# channels of its window; its output is one map, and the maps of all filters are the channels of the next
# layer. Loops in Python are too slow for that. The trick is called **im2col**: write each window as a row
# of numbers, each filter as a column, and let one product of matrices do everything.


# %%
def windows_of(images, size, stride=1, padding=0, dilation=1):
    """Cut (N, H, W, C) into windows: (N, H', W', C, size, size)."""
    frame = (padding, padding)
    images = np.pad(images, ((0, 0), frame, frame, (0, 0)))
    reach = dilation * (size - 1) + 1
    views = np.lib.stride_tricks.sliding_window_view(
        images, (reach, reach), axis=(1, 2)
    )
    return views[:, ::stride, ::stride, :, ::dilation, ::dilation]


def convolve(images, filters, bias=0, **options):
    """Convolve (N, H, W, C) with filters (F, size, size, C): (N, H', W', F)."""
    size = filters.shape[1]
    views = windows_of(images, size, **options)
    rows = views.reshape(*views.shape[:3], -1)  # (N, H', W', C · size · size)
    columns = filters.transpose(3, 1, 2, 0).reshape(-1, len(filters))
    return rows @ columns + bias


# %% [markdown]
# **Predict, then run.** The loops and the product compute the same. Is the product about as fast, a few
# times faster, or more than ten times faster?

# %% tags=["predict"]
kernel = kernels["vertical edges"]
picture, filters = cameraman[None, :, :, None], kernel[None, :, :, None]


def milliseconds(call, repeats=5):
    """Median time of a call; one run alone may meet a busy moment."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - started))
    return np.median(times)


slow = convolve_by_loops(cameraman, kernel)
fast = convolve(picture, filters)[0, :, :, 0]
by_loops = milliseconds(lambda: convolve_by_loops(cameraman, kernel))
by_product = milliseconds(lambda: convolve(picture, filters))
print("equal:", np.allclose(slow, fast, atol=1e-6))
print(f"loops {by_loops:.0f} ms, product {by_product:.1f} ms")

# %% [markdown]
# More than ten times faster: the same multiplications, but none of them is a line of Python.
#
# Both libraries do it like this, or with tricks that save the copy. Do they compute the same as we? One
# convention differs again: PyTorch keeps filters as (F, C, size, size), Keras as (size, size, C, F).

# %%
generator = np.random.default_rng(0)
images = photographs.train.images[:4, ::4, ::4]  # (4, 56, 56, 3)
filters = generator.normal(0, 0.2, (8, 3, 3, 3)).astype("float32")
ours = convolve(images, filters, stride=2, padding=1)

torch_layer = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
torch_layer.weight.data = torch.from_numpy(filters.transpose(0, 3, 1, 2).copy())
theirs = backends.of(torch_layer).scores(torch_layer, images)

keras_layer = keras.Sequential(
    [
        keras.Input((56, 56, 3)),
        keras.layers.ZeroPadding2D(1),
        keras.layers.Conv2D(8, 3, strides=2, use_bias=False),
    ]
)
keras_layer.set_weights([filters.transpose(1, 2, 3, 0)])
kerases = backends.of(keras_layer).scores(keras_layer, images)
for name, output in (("PyTorch", theirs), ("Keras", kerases)):
    print(
        f"{name}: shape {output.shape}, equal to ours: {np.allclose(output, ours, atol=1e-5)}"
    )

# %% [markdown]
# ### Try them
# Choose a photograph and a kernel. Then move the stride, the padding and the **dilation**, which spreads
# the window's nine places apart without adding weights. How large a stride can the cat bear
# before you no longer know it?


# %%
def show_filter(figure, photograph, kernel, stride, padding, dilation):
    """Draw a photograph and its map under one kernel."""
    picture = grey[photographs.classes.index(photograph)]
    filters = kernels[kernel][None, :, :, None]
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    output = convolve(picture[None, :, :, None], filters, **options)[0, :, :, 0]
    left, right = figure.subplots(1, 2)
    left.imshow(picture, vmin=0, vmax=1)
    signed = output.min() < -0.1
    limits = (-2, 2) if signed else (0, 1)
    colours = "RdBu_r" if signed else "gray"
    right.imshow(output, cmap=colours, vmin=limits[0], vmax=limits[1])
    for axes, shown in ((left, picture), (right, output)):
        axes.set(xticks=(0, shown.shape[1] - 1), yticks=(0, shown.shape[0] - 1))
        axes.set(xlabel="column", ylabel="row")
    left.set_title(photograph)
    right.set_title(kernel)
    return (
        f"{photograph}, {kernel}: from {picture.shape[0]} × {picture.shape[1]} pixels to "
        f"{output.shape[0]} × {output.shape[1]}, mean strength {np.abs(output).mean():.2f}."
    )


# %% tags=["explorer"]
filters_explorer = explore.Explorer(
    show_filter,
    photograph=explore.choice(photographs.classes, "cat"),
    kernel=explore.choice(kernels),
    stride=explore.slider(1, 8, 1),
    padding=explore.slider(0, 10, 1),
    dilation=explore.slider(1, 6, 1),
)
filters_explorer

# %% [markdown]
# **Exercise.** Make a kernel of your own: one that answers to horizontal edges and to nothing else.

# %% tags=["exercise"]
my_kernel = ...

lesson.my_kernel.check(my_kernel)

# %% [markdown]
# ## 3 · Pooling, and how far a layer sees
# **Pooling** makes maps smaller: of each 2 × 2 square it keeps the largest value.
#
# **Exercise.** Write it, for whole batches. No loop over pixels is needed.


# %% tags=["exercise"]
def max_pool(maps):
    return ...  # your code


lesson.max_pool.check(max_pool)

# %%
max_pool = lesson.max_pool.carry_on_with(max_pool)

# %% [markdown]
# One number of a deep layer depends on a patch of the picture, its **receptive field**. We can measure
# it: change one pixel at a time and see whether the number in the middle changes.
#
# **Predict, then run.** Two 3 × 3 convolutions in a row: how many pixels wide is the patch, 3, 5, 6 or 9?
# And with a pooling between them?


# %% tags=["predict"]
def patch_width(network, side=24):
    """Count the pixels of one row that change the middle of the output."""
    pictures = np.tile(
        generator.normal(size=(1, side, side, 1)), (side + 1, 1, 1, 1)
    )
    for column in range(side):
        pictures[column, side // 2, column] += (
            100  # the last picture stays as it is
        )
    output = network(pictures)[:, :, :, 0]
    middle = output[:, output.shape[1] // 2, output.shape[2] // 2]
    return int((np.abs(middle[:-1] - middle[-1]) > 1e-9).sum())


ones = np.ones((1, 3, 3, 1))
print("one convolution:", patch_width(lambda x: convolve(x, ones)))
print("two:", patch_width(lambda x: convolve(convolve(x, ones), ones)))
halves = np.ones((1, 2, 2, 1)) / 4  # a pooling that takes the mean
print(
    "convolution, pooling, convolution:",
    patch_width(
        lambda x: convolve(convolve(convolve(x, ones), halves, stride=2), ones)
    ),
)

# %% [markdown]
# Five, and eight: behind a stride of 2 each step of the window is two pixels wide. That is why networks
# halve the resolution: a few layers then see the whole picture.
#
# **Exercise.** Compute it without measuring, for any chain of layers.


# %% tags=["exercise"]
def receptive_field(windows, strides):
    return ...  # your code


lesson.receptive_field.check(receptive_field)

# %% [markdown]
# ## 4 · The way back
# To learn the kernels we need the slope of the loss along each weight. Take a single filter. Each output
# is a sum over its window, $o_{rc} = \sum_{ij} k_{ij}\, x_{r+i,\,c+j}$, so
#
# $$\frac{\partial L}{\partial k_{ij}} = \sum_{rc} d_{rc}\; x_{r+i,\,c+j} \qquad
# \frac{\partial L}{\partial x_{ab}} = \sum_{ij} d_{a-i,\,b-j}\; k_{ij}$$
#
# where $d_{rc}$ is the slope along $o_{rc}$. Read both aloud. A weight was used in every window, so it
# collects blame from all of them: that is **weight sharing**, backwards. A pixel lay in up to nine
# windows and collects blame from each, through the weight that it met there.
#
# **Exercise: find the bug.** Somebody wrote the second formula and turned the kernel round, as one reads
# in books. Mend it.


# %% tags=["exercise"]
def back_to_pixels(d_out, kernel):
    rows, columns = d_out.shape
    blame = np.zeros((rows + 2, columns + 2))
    for row in range(rows):
        for column in range(columns):
            window = blame[row : row + 3, column : column + 3]
            window += d_out[row, column] * kernel[::-1, ::-1]
    return blame


lesson.back_to_pixels.check(back_to_pixels)


# %% [markdown]
# For whole batches, with the tools we have: the kernel's gradient is a product of the windows with the
# blame, and the pixels' gradient is again a convolution, of the padded blame with the kernels turned
# round. (Here the turn is right: we *gather* blame at each pixel, where the exercise *scattered* it.)


# %%
def convolve_backward(images, filters, d_out):
    size = filters.shape[1]
    views = windows_of(images, size)
    d_filters = np.einsum("nhwf,nhwcij->fijc", d_out, views)
    turned = filters[:, ::-1, ::-1].transpose(3, 1, 2, 0)  # (C, size, size, F)
    d_images = convolve(d_out, turned, padding=size - 1)
    return d_filters, d_images


# %% [markdown]
# As in lesson 11 we do not trust, but check: against finite differences, and against PyTorch. The loss is
# the sum of all outputs, each times a random weight.

# %%
small = generator.normal(size=(2, 7, 6, 3))
weights = generator.normal(size=(4, 3, 3, 3))
d_out = generator.normal(size=(2, 5, 4, 4))
d_weights, d_small = convolve_backward(small, weights, d_out)


def difference(array, place, epsilon=1e-6):
    """Slope of the loss along one number, by a two-sided difference."""
    kept, losses = array[place], []
    for sign in (1, -1):
        array[place] = kept + sign * epsilon
        losses.append((convolve(small, weights) * d_out).sum())
    array[place] = kept
    return (losses[0] - losses[1]) / (2 * epsilon)


for name, array, gradient in (
    ("filters", weights, d_weights),
    ("pixels", small, d_small),
):
    faults = [
        abs(difference(array, i) - gradient[i]) for i in np.ndindex(array.shape)
    ]
    print(
        f"{name}: all {len(faults)} slopes within 0.000001: {max(faults) < 1e-6}"
    )

x = torch.from_numpy(small.transpose(0, 3, 1, 2).copy()).requires_grad_()
k = torch.from_numpy(weights.transpose(0, 3, 1, 2).copy()).requires_grad_()
output = nn.functional.conv2d(x, k)
(output * torch.from_numpy(d_out.transpose(0, 3, 1, 2).copy())).sum().backward()
print(
    "filters as in PyTorch:", np.allclose(k.grad.permute(0, 2, 3, 1), d_weights)
)
print("pixels as in PyTorch:", np.allclose(x.grad.permute(0, 2, 3, 1), d_small))

# %% [markdown]
# ## 5 · A shifted cat
# Shift the picture, and the map shifts with it: `convolve(shift(x))` equals `shift(convolve(x))`. This is
# **translation equivariance**, and it is built in, not learned. A dense layer has nothing like it.
#
# **Predict, then run.** Does it hold everywhere? For convolution with padding, with a stride of 2, and for
# pooling: where does a shift by one pixel change nothing but the place, and where does it change more?


# %% tags=["predict"]
def changed(layer, step=1, margin=0):
    """Share of values that a shift by one pixel changes by more than the place."""
    cat = grey[photographs.classes.index("cat")][None, :, :, None]
    shifted = np.roll(cat, step, axis=2)
    before, after = layer(cat), layer(shifted)
    moved = np.roll(before, step * before.shape[2] // cat.shape[2], axis=2)
    inside = slice(margin, before.shape[2] - margin)
    return float((np.abs(after - moved)[:, :, inside] > 1e-6).mean())


edges = kernels["vertical edges"][None, :, :, None]
rows = (
    (
        "convolution, inside",
        changed(lambda x: convolve(x, edges, padding=1), margin=2),
    ),
    (
        "convolution, with the border",
        changed(lambda x: convolve(x, edges, padding=1)),
    ),
    (
        "stride 2, shift by 1",
        changed(lambda x: convolve(x, edges, padding=1, stride=2)),
    ),
    (
        "stride 2, shift by 2",
        changed(lambda x: convolve(x, edges, padding=1, stride=2), 2, 2),
    ),
    ("pooling, shift by 1", changed(max_pool)),
    ("pooling, shift by 2", changed(max_pool, 2, 2)),
)
results.Table(
    ("layer", "values changed"),
    tuple((name, f"{share:.0%}") for name, share in rows),
)

# %% [markdown]
# Inside a convolution nothing changes but the place. It breaks at the border, where zeros stand in for
# what the camera did not see; and with stride or pooling it holds only for shifts by a whole stride.
#
# ### A common mistake in thinking
# "Max pooling makes the network ignore where things are." The table says how many of the pooled values
# change when the cat moves by one pixel. Pooling makes the place coarser; it does not forget it.

# %% [markdown]
# ## 6 · What it is worth
# Does this help to recognise clothes? We train two networks on 5 000 pictures of Fashion-MNIST, one with
# convolutions and one with dense layers only, and as the baseline a linear model. Then we test them on new
# pictures, and on the same pictures shifted by three pixels, which none of them has ever seen.
#
# **Predict, then run.** Which one loses least?

# %% tags=["parameters"]
examples = 5_000  # quick: 1_000
epochs = 5  # quick: 1
seed = 0

# %% tags=["predict"] tolerance="band"
fashion = data.load("fashion-mnist")
train, test = fashion.train[:examples], fashion.test[:4_000]
shifted = np.zeros_like(test.pixels)
shifted[:, :, 3:] = test.pixels[:, :, :-3]  # black moves in from the left


def linear():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))


def dense():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)
    )


def convolutional():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),  # (N, 16, 28, 28)
        nn.ReLU(),
        nn.MaxPool2d(2),  # (N, 16, 14, 14)
        nn.Conv2d(16, 32, 3, padding=1),  # (N, 32, 14, 14)
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(2),  # (N, 32, 2, 2)
        nn.Flatten(),
        nn.Linear(128, 10),
    )


rows = []
for name, make in (
    ("linear", linear),
    ("dense", dense),
    ("convolutional", convolutional),
):
    runtime.seed(seed)
    model, started = make(), time.perf_counter()
    fit, evaluate = backends.of(model).fit, backends.of(model).evaluate
    fit(
        model, train.pixels, train.labels, epochs=epochs, batch_size=32,
        learning_rate=0.003, seed=seed, show=False,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    there = evaluate(model, test.pixels, test.labels).accuracy
    moved = evaluate(model, shifted, test.labels).accuracy
    count = sum(p.numel() for p in model.parameters())
    rows.append((name, round(there, 3), round(moved, 3), count))
results.Table(("", "accuracy", "shifted by 3 pixels", "weights"), tuple(rows))

# %% tags=["headline"] tolerance="band"
headline = results.Headline(
    what="accuracy on pictures shifted by 3 pixels",
    score=moved,
    baseline=rows[0][2],
    baseline_name="linear model",
    parameters=count,
    seconds=seconds,
    band=lessons.band("convolutions"),
)
headline

# %% [markdown]
# On pictures in their usual place the three are alike: five epochs on 5 000 pictures are little, and a linear
# model is hard to beat with so little. Moved by three pixels, the linear and the dense model lose more than
# half of their right answers. The convolutional one loses far fewer, with an eighth of the dense model's
# weights: what it learned about a sleeve here it knows about a sleeve there. Lesson 21 shows how far
# convolutions get with all pictures and a few more layers.
#
# ### The same network in Keras
# The last convolutional network, carried over: do both frameworks compute the same?

# %%
keras_model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(7),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ]
)
parity.carry_weights(model, keras_model)

# %%
parity.compare(model, keras_model, test.images[:32], test.labels[:32])

# %% [markdown]
# They do. Behind the scenes one thing had to be put right: `Flatten` writes a map out channel by channel
# in PyTorch and pixel by pixel in Keras, so the rows of the dense layer come in another order.

# %% [markdown]
# ## 7 · Questions

# %% tags=["quiz"]
lesson.QUIZ

# %% [markdown]
# ## Take-aways
# - If your network must answer alike wherever a thing stands, build that in: share the weights. What you
#   build in, you need not learn from data.
# - Places along one side: (pixels + 2 · padding − window) / stride, rounded down, plus 1.
# - The way back of a convolution is a convolution. Check it all the same.
# - Equivariance ends at borders and strides; a pooled map still knows where things are.
#
# **Sources:** LeCun, Bottou, Bengio and Haffner (1998), *Gradient-based learning applied to document
# recognition*, https://doi.org/10.1109/5.726791 · Dumoulin and Visin (2016), *A guide to convolution
# arithmetic*, https://arxiv.org/abs/1603.07285 · Zhang (2019), *Making convolutional networks
# shift-invariant again*, https://arxiv.org/abs/1904.11486
#
# **The article's claims, tested here:** that convolutional networks are the tool for recognising images.
# Section 6 says by how much they are, for these pictures, and what a shift costs without them.

# %% [markdown] tags=["instructor"]
# ### For teachers
# **Run of show, 75 minutes:** 1 window and sizes (15) · 2 kernels, im2col and the explorer (20) · 3 pooling
# and receptive field (12) · 4 the way back, on the board (12) · 5 the shifted cat (8) · 6 what it is worth
# (6) · 7 questions (2).
#
# **To cut:** section 4 in a course without calculus; the Keras cell. **Keep** the white pixel: the room
# remembers it.
#
# **Ask:** Which kernel would find a corner? What would you pad with, if not with zeros?
#
# **Where people stall:** the receptive field behind a stride. Let them draw two rows of boxes.
