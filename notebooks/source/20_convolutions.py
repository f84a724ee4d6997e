# %% [markdown]
# # Convolutions
# A dense layer has to learn the same edge again for every position in the picture. A convolution
# learns it once.
#
# **After this lesson you can:** compute a convolution by hand · predict the size of its output ·
# write its gradient and check it · say when a shifted picture gives just the shifted map, and when
# it does not.
#
# **Needs:** lesson 11. **Data:** eight photographs and Fashion-MNIST (shipped).
#
# {measured}

# %%
import time

from dlcourse import backends, course, data, draw, explore
from dlcourse import lessons, parity, plot, results, runtime
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

# %% tags=["learner-state"]
course.review("20")

# %% [markdown]
# ## 1 · A small window
# A **convolution** slides a small table of weights, the **kernel**, over a picture. At each
# position it takes the part of the picture under the kernel, the **window**, multiplies window and
# kernel number by number, and adds up. That sum is one number of the output, the **map**.


# %%
def convolve_by_loops(picture, kernel):
    """Slide a kernel (h, w) over a picture (H, W), one pixel at a time."""
    h, w = kernel.shape
    rows, columns = picture.shape[0] - h + 1, picture.shape[1] - w + 1
    output = np.empty((rows, columns))
    for row in range(rows):
        for column in range(columns):
            window = picture[row : row + h, column : column + w]
            output[row, column] = (window * kernel).sum()
    return output


# %% [markdown]
# **Predict, then run.** The next cell slides a 3 × 3 kernel of ones over a picture that is black
# except for one white pixel. What will come out: (a) one white pixel, (b) a 3 × 3 white square,
# (c) a plus sign?

# %% tags=["predict"]
lesson.PREDICTIONS["dot"].ask()
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
    "Left: one white pixel in the middle of the picture. "
    "Right: a white square of 3 by 3 in the middle of the map."
)

# %% [markdown]
# (b): every window that contains the white pixel reports it. And the map is smaller than the
# picture: a window of 3 fits at 7 positions along 9 pixels.
#
# (Mathematicians flip the kernel before they slide it. Without the flip they call this a
# **cross-correlation**. Deep learning does not flip, and says convolution all the same. Since the
# kernel is learned, nobody misses the flip.)
#
# At how many positions does a window fit? Two things change it. **Padding** puts a frame of zeros
# around the picture; **stride** moves the window by several pixels at a time. Here is the middle of
# the picture with the dot, 5 × 5 pixels, with a padding of 1 and a stride of 2. How many windows see
# the white pixel now?

# %%
draw.sliding_window(
    dot[2:7, 2:7],
    np.ones((3, 3)),
    position=(1, 1),
    stride=2,
    padding=1,
)

# %% [markdown]
# One, the window that is drawn: the others lie two rows or columns further, and the map has only
# 3 × 3 numbers. (Were the pixel one row lower, two windows would see it.)
#
# **Exercise.** How many positions are there along one side? Try
# `pixels=7, window=3, stride=2, padding=0` on paper first.


# %% tags=["exercise"]
def output_size(pixels, window, stride, padding):
    return ...  # your code


lesson.output_size.check(output_size)

# %% [markdown]
# ## 2 · What kernels respond to
# People designed kernels by hand before networks learned them: for edges, for blur, for
# sharpening. The two edge kernels below carry the name of **Sobel**.

# %%
photographs = data.load("photographs")
grey = photographs.train.images.mean(axis=3)  # (8, 224, 224)
grey = grey.reshape(8, 112, 2, 112, 2).mean(axis=(2, 4))  # (8, 112, 112)
kernels = {
    "vertical edges": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
    "horizontal edges": np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
    "blur": np.ones((3, 3)) / 9,
    "sharpen": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
    "all edges": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
}

# %% [markdown]
# **Predict, then run.** The legs of the cameraman's tripod lean. Will (a) both edge kernels find them, or
# (b) only one?

# %% tags=["predict"]
lesson.PREDICTIONS["legs"].ask()
cameraman = grey[photographs.classes.index("cameraman")]
edge_maps = {}
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(8, 2.7))
left.imshow(cameraman, vmin=0, vmax=1)
left.set_title("photograph")
for axes, name in ((middle, "vertical edges"), (right, "horizontal edges")):
    edge_maps[name] = convolve_by_loops(cameraman, kernels[name])
    drawn = axes.imshow(edge_maps[name], cmap="RdBu_r", vmin=-2, vmax=2)
    axes.set_title(name)
for axes in (left, middle, right):
    axes.axis("off")
figure.colorbar(drawn, ax=right, label="output of the kernel")
plot.describe(
    "In the map of vertical edges the man's outline and the legs of the tripod are "
    "strong; in the map of horizontal edges his head, his shoulders and his arm, and the "
    "legs only faintly."
)

# %% [markdown]
# (a), both. The legs lean, so they have a part in each direction: strong in the first map, faint in the
# second, since they are steep. Red and blue are the two ways to cross an edge. In the middle map red is a
# step from dark to light from left to right, blue from light to dark; in the right map the same from top to
# bottom.
#
# Where does such a positive number, red in the map, come from? The next cell shows a piece of the photograph
# at the edge of his coat, and one window in it. (A drawing paints positive numbers blue and negative ones
# orange.) Which of the nine products is the largest?

# %%
draw.sliding_window(
    cameraman[71:77, 34:40], kernels["vertical edges"], position=(2, 2)
)

# %% [markdown]
# The one at the right of the middle row, where the kernel has a 2 and the coat ends. At the left
# the kernel is negative, but the coat is dark and takes little away. On the dark coat itself, at the upper
# left of the map, what is added and what is taken away nearly cancel.
#
# ### Channels and filters
# A colour picture has three **channels**: red, green, blue. So a window of 3 × 3 pixels holds 3 ·
# 3 · 3 numbers, and so do the weights that look at it: one kernel for each channel. These kernels
# together are a **filter**. A filter weighs all channels of its window and gives *one* number.
# Here is one window of a photograph, and one filter of random weights. How many products are there, and how
# many numbers come out?

# %%
generator = np.random.default_rng(0)
images = photographs.train.images[:4, ::4, ::4]  # (N, H, W, C)
filters = generator.normal(0, 0.2, (8, 3, 3, 3)).astype("float32")
draw.convolution(images[0], filters, position=(20, 30))

# %% [markdown]
# 27 products (channel 0 is red, 1 green, 2 blue), and one number. Slid over the whole picture, one filter
# gives one map. A layer has many filters, here 8, and the maps of all of them are the channels that the next
# layer sees.
#
# ### One product for everything
# Loops in Python are too slow for all this. The trick is called **im2col**: write each window as a
# row of numbers, each filter as a column, and let one matrix product do the work. First the
# windows:


# %%
def windows_of(images, size, stride=1, padding=0):
    """Cut (N, H, W, C) into windows: (N, H', W', C, size, size)."""
    frame = (padding, padding)
    images = np.pad(images, ((0, 0), frame, frame, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(
        images, (size, size), axis=(1, 2)
    )
    return windows[:, ::stride, ::stride]


print("pictures", images.shape)
print("windows", windows_of(images, 3).shape)

# %% [markdown]
# Read the six axes from the left: 4 pictures; 54 × 54 positions of the window; and at each
# position 3 channels of 3 × 3 numbers.


# %%
def convolve(images, filters, stride=1, padding=0):
    """Convolve (N, H, W, C) with filters (F, size, size, C): (N, H', W', F)."""
    windows = windows_of(images, filters.shape[1], stride, padding)
    rows = windows.reshape(*windows.shape[:3], -1)  # (N, H', W', 27)
    columns = filters.transpose(3, 1, 2, 0).reshape(-1, len(filters))  # (27, F)
    return rows @ columns


maps = convolve(images, filters)
print("maps", maps.shape)
print(f"the same number as above: {maps[0, 20, 30, 0]:.3f}")

# %% [markdown]
# **Predict, then run.** The loops and the product compute the same. Is the product (a) about as
# fast, (b) a few times faster, (c) more than ten times faster?

# %% tags=["predict"]
lesson.PREDICTIONS["product"].ask()


def milliseconds(call, repeats=5):
    """Median time of a call; one run alone may meet a busy moment."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - started))
    return np.median(times)


kernel = kernels["vertical edges"]
as_images, as_filters = cameraman[None, :, :, None], kernel[None, :, :, None]
by_loops = convolve_by_loops(cameraman, kernel)
by_product = convolve(as_images, as_filters)[0, :, :, 0]
print("equal:", np.allclose(by_loops, by_product, atol=1e-6))
loops_ms = milliseconds(lambda: convolve_by_loops(cameraman, kernel))
product_ms = milliseconds(lambda: convolve(as_images, as_filters))
print(f"{loops_ms:.0f} ms")
print(f"{product_ms:.1f} ms")

# %% [markdown]
# (c), as a rule; the first time is that of the loops. The multiplications are the same, but in the
# product none of them is a line of Python.
#
# ### The same layer in PyTorch
# (A layer of a library also adds one number to each map, a bias. Ours has none, hence `bias=False`.)
#
# Two conventions differ. **The pictures:** NumPy in this course, and Keras, write (N, H, W, C),
# with the channels last; PyTorch writes (N, C, H, W), with the channels before the rows. **The
# filters:** ours are (F, size, size, C), PyTorch's (F, C, size, size), Keras's (size, size, C, F).
# `permute` reorders the axes of a tensor.

# %%
layer = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
with torch.no_grad():
    layer.weight.copy_(torch.tensor(filters).permute(0, 3, 1, 2))
pictures = torch.tensor(images).permute(0, 3, 1, 2)
maps = layer(pictures)
print("into the layer:", tuple(pictures.shape))
print("out of it:", tuple(maps.shape))

# %%
ours = convolve(images, filters, stride=2, padding=1)
in_our_order = maps.detach().permute(0, 2, 3, 1).numpy()
print("ours:", ours.shape)
print("PyTorch's, reordered:", in_our_order.shape)
print("equal:", np.allclose(in_our_order, ours, atol=1e-5))

# %% [markdown]
# **Predict, then run.** What happens if you forget to permute the pictures: (a) the maps come out
# in the other order, (b) wrong numbers, without a word, (c) an error?

# %% tags=["predict"]
lesson.PREDICTIONS["permute"].ask()
forgotten = None
try:
    forgotten = tuple(layer(torch.tensor(images)).shape)
    print(forgotten)
except RuntimeError as error:
    print(error)

# %% [markdown]
# (c): PyTorch takes axis 1 for the channels, and finds 56 of them. Only the size gives the mistake
# away: a picture with as many rows as the layer wants channels would have passed.
#
# ### The same layer in Keras
# Keras takes the pictures as they are. The border is added by a layer of its own, so that it is
# one row and one column on every side; lesson 21 shows why.

# %%
keras_layer = keras.layers.Conv2D(8, 3, strides=2, use_bias=False)
bordered = keras.layers.ZeroPadding2D(1)(images)
keras_layer.build(bordered.shape)
keras_layer.set_weights([filters.transpose(1, 2, 3, 0)])
maps = keras_layer(bordered)
print("out of the layer:", tuple(maps.shape))
print("equal:", np.allclose(maps, ours, atol=1e-5))

# %% [markdown]
# ### Try them
# Choose a photograph and a kernel. Then move the stride and the padding. How large can the stride
# get before you can no longer tell that it is a cat? Then set the stride back to 1 and the padding to 1. What
# are the lines along two borders of the map under "vertical edges"? And the four under "all edges"?


# %%
def show_filter(figure, photograph, kernel, stride, padding):
    """Draw a photograph and its map under one kernel."""
    picture = grey[photographs.classes.index(photograph)]
    output = convolve(
        picture[None, :, :, None],
        kernels[kernel][None, :, :, None],
        stride=stride,
        padding=padding,
    )[0, :, :, 0]
    left, right = figure.subplots(1, 2)
    left.imshow(picture, vmin=0, vmax=1)
    if "edges" in kernel:  # white is 0
        drawn = right.imshow(output, cmap="RdBu_r", vmin=-2, vmax=2)
    else:
        drawn = right.imshow(output, cmap="gray", vmin=0, vmax=1)
    for axes, shown in ((left, picture), (right, output)):
        axes.set(xticks=(0, shown.shape[1] - 1), yticks=(0, shown.shape[0] - 1))
        axes.set(xlabel="column", ylabel="row")
    left.set_title(photograph)
    right.set_title(kernel)
    figure.colorbar(drawn, ax=right, label="output", shrink=0.7)
    strength = np.abs(output)
    first = stride * np.arange(len(output)) - padding  # row of each window
    inside = (first >= 0) & (first + 3 <= len(picture))
    of_frame = 1 - strength[np.ix_(inside, inside)].sum() / strength.sum()
    sentence = (
        f"{photograph}, {kernel}: from {picture.shape[0]} × {picture.shape[1]} "
        f"pixels to {output.shape[0]} × {output.shape[1]}, mean strength "
        f"{strength.mean():.2f}, {of_frame:.2f} of it along the frame of zeros."
    )
    return sentence, {
        "rows": len(output),
        "stride": stride,
        "padding": padding,
        "edges": "edges" in kernel,
        "strength": strength.mean(),
        "of_frame": of_frame,
    }


# %% tags=["explorer"]
filters_explorer = explore.Explorer(
    show_filter,
    size=(7, 3.2),
    challenges=lesson.CHALLENGES["filters_explorer"],
    photograph=explore.choice(photographs.classes, "cat"),
    kernel=explore.choice(kernels),
    stride=explore.slider(1, 8, 1),
    padding=explore.slider(0, 10, 1),
)
filters_explorer

# %% [markdown]
# The lines are the frame of zeros: between it and the photograph there is an edge that the camera
# never saw. Sections 5 and 6 come back to this.
#
# **Exercise.** Design a kernel of your own. It should respond to edges that run from the lower
# left to the upper right, with the dark side at the upper left, and give 0 for a uniform picture
# and for edges along the other diagonal.

# %% tags=["exercise"]
my_kernel = ...

lesson.my_kernel.check(my_kernel)

# %% [markdown]
# ## 3 · Pooling, and how far a layer sees
# **Pooling** makes maps smaller: it cuts them into squares and makes one number of each. **Maximum
# pooling** keeps the largest, **mean pooling** the mean.
#
# **Exercise.** Write maximum pooling over squares of 2 × 2, for whole batches. No loop over pixels
# is needed.


# %% tags=["exercise"]
def max_pool(maps):
    return ...  # your code


lesson.max_pool.check(max_pool)

# %%
max_pool = lesson.max_pool.carry_on_with(max_pool)

# %% [markdown]
# **Exercise: write the test.** How would you find out whether somebody's `max_pool` is right? Write
# a function that gets it, calls it with maps of your own, and uses `assert` where you know what must
# come out. The check runs it on right functions and on the wrong ones that people write.


# %% tags=["exercise"]
def test_max_pool(max_pool):
    assert ...  # your cases


lesson.test_max_pool.check(test_max_pool)

# %% [markdown]
# One number of a deep layer depends on a patch of the picture, its **receptive field**. Draw it,
# from the top down. One number of a second 3 × 3 map sees three neighbours of the first map, a, b
# and c, and each of them sees three pixels:
#
# ```
# pixels       1    2    3    4    5
# a sees       ●    ●    ●
# b sees            ●    ●    ●
# c sees                 ●    ●    ●
# together     ●    ●    ●    ●    ●
# ```
#
# We can also measure it: change one pixel at a time and see whether the number in the middle
# changes.


# %%
def patch_width(network, side=24):
    """Count the pixels of one row that change the middle of the output."""
    picture = generator.normal(size=(1, side, side, 1))
    pictures = np.repeat(picture, side + 1, axis=0)
    for column in range(side):  # the last picture stays as it is
        pictures[column, side // 2, column] += 100
    output = network(pictures)[:, :, :, 0]
    middle = output[:, output.shape[1] // 2, output.shape[2] // 2]
    return int((np.abs(middle[:-1] - middle[-1]) > 1e-9).sum())


ones = np.ones((1, 3, 3, 1))
print("one convolution:", patch_width(lambda x: convolve(x, ones)))
print("two:", patch_width(lambda x: convolve(convolve(x, ones), ones)))

# %% [markdown]
# **Predict, then run.** Now with mean pooling over 2 × 2 between the two convolutions. How many
# pixels wide is the patch: (a) 6, (b) 8, (c) 10? Draw it.

# %% tags=["predict"]
lesson.PREDICTIONS["patch"].ask()


def conv_pool_conv(pictures):
    mean_of_four = np.ones((1, 2, 2, 1)) / 4
    maps = convolve(pictures, ones)
    maps = convolve(maps, mean_of_four, stride=2)
    return convolve(maps, ones)


pixels_seen = patch_width(conv_pool_conv)
print("convolution, pooling, convolution:", pixels_seen)

# %% [markdown]
# (b). One number of the last map sees three neighbours of the pooled map. They lie two apart, so
# together they cover six neighbours of the first map, and these see eight pixels. Behind a stride
# of 2 each step of the window is two pixels wide. That is one reason why networks halve the
# resolution: a few layers then see the whole picture.
#
# **Exercise.** Compute it without measuring, for any chain of layers. The drawing and the chain above give you
# the first cases.


# %% tags=["exercise"]
def receptive_field(windows, strides):
    return ...  # your code


lesson.receptive_field.check(receptive_field)

# %% [markdown]
# ## 4 · The way back
# To learn the kernels we need the slope of the loss along each weight. Take a single kernel. Each
# output is a sum over its window, $o_{rc} = \sum_{ij} k_{ij}\, x_{r+i,\,c+j}$, so
#
# $$\frac{\partial L}{\partial k_{ij}} = \sum_{rc} d_{rc}\; x_{r+i,\,c+j} \qquad
# \frac{\partial L}{\partial x_{ab}} = \sum_{ij} d_{a-i,\,b-j}\; k_{ij}$$
#
# where $d_{rc}$ is the slope along $o_{rc}$ (and 0 outside the map). Read both aloud. A weight was
# used in every window, so its slope is a sum over all of them: that is **weight sharing**,
# backwards. A pixel lay in up to nine windows, and its slope is a sum over these, each through the weight
# that it met there.
#
# **Exercise: find the bug.** A colleague wrote the second formula for 3 × 3 kernels. Its sizes are
# right, its numbers are not. Fix it.


# %% tags=["exercise"]
def back_to_pixels(d_out, kernel):
    rows, columns = d_out.shape
    slopes = np.zeros((rows + 2, columns + 2))
    for row in range(rows):
        for column in range(columns):
            slopes[row : row + 3, column : column + 3] = (
                d_out[row, column] * kernel
            )
    return slopes


lesson.back_to_pixels.check(back_to_pixels)


# %% [markdown]
# For whole batches (stride 1, no padding) both formulas become operations that we have. The
# gradient of the filters is a sum of windows, each times its slope. `np.einsum` writes such sums
# by naming the axes: what is missing on the right of the arrow is summed over, here n, h and w,
# all pictures and positions.
#
# The gradient of the pixels is again a convolution: of the padded slopes with the *flipped*
# kernels. The loops above *scattered* the slope of each output over its window, kernel as it is.
# Here each pixel *gathers* what belongs to it, and the last output that sees it used the first weight:
# hence the flip.


# %%
def convolve_backward(images, filters, d_out):
    size = filters.shape[1]
    windows = windows_of(images, size)
    d_filters = np.einsum("nhwf,nhwcij->fijc", d_out, windows)
    flipped = filters[:, ::-1, ::-1].transpose(3, 1, 2, 0)  # (C, size, size, F)
    d_images = convolve(d_out, flipped, padding=size - 1)
    return d_filters, d_images


# %% [markdown]
# As in lesson 11 we check it against finite differences. The loss is the sum of all outputs, each
# times a random number.

# %%
small = generator.normal(size=(2, 7, 6, 3))
weights = generator.normal(size=(4, 3, 3, 3))
d_out = generator.normal(size=(2, 5, 4, 4))
d_weights, d_small = convolve_backward(small, weights, d_out)


def difference(array, index, epsilon=1e-6):
    """Slope of the loss along one number, by a two-sided difference."""
    kept, losses = array[index], []
    for sign in (1, -1):
        array[index] = kept + sign * epsilon
        losses.append((convolve(small, weights) * d_out).sum())
    array[index] = kept
    return (losses[0] - losses[1]) / (2 * epsilon)


for name, array, gradient in (
    ("filters", weights, d_weights),
    ("pixels", small, d_small),
):
    errors = [
        abs(difference(array, index) - gradient[index])
        for index in np.ndindex(array.shape)
    ]
    print(f"{name}: {len(errors)} slopes right: {max(errors) < 1e-6}")

# %% [markdown]
# And against PyTorch, which needs its own axes again. (`requires_grad_` asks it for the slopes along a tensor.)

# %%
x = torch.tensor(small).permute(0, 3, 1, 2).requires_grad_()
k = torch.tensor(weights).permute(0, 3, 1, 2).requires_grad_()
output = nn.functional.conv2d(x, k)
loss = (output * torch.tensor(d_out).permute(0, 3, 1, 2)).sum()
loss.backward()
x_gradient = x.grad.permute(0, 2, 3, 1).numpy()
k_gradient = k.grad.permute(0, 2, 3, 1).numpy()
print("filters as in PyTorch:", np.allclose(k_gradient, d_weights))
print("pixels as in PyTorch:", np.allclose(x_gradient, d_small))

# %% [markdown]
# ## 5 · A shifted picture
# Shift the picture, and the map shifts with it: convolving the shifted picture gives the shifted
# map. This is **translation equivariance**, and it is built in, not learned. A dense layer has
# nothing like it.
#
# To test it we do what a camera does: we cut two windows of 96 columns out of each of the eight
# photographs, the second a little further left, so that what it shows lies `step` pixels further right.


# %%
def view(step):
    return grey[:, :, 8 - step : 104 - step, None]  # (8, 112, 96, 1)


def changed(layer, step, stride=1, margin=2):
    """Share of the map that is not just shifted; change; change by spread."""
    before, after = layer(view(0)), layer(view(step))
    width, moved = before.shape[2], step // stride
    expected = before[:, :, margin : width - margin - moved]
    found = after[:, :, margin + moved : width - margin]
    change = np.abs(found - expected)
    by_spread = change.mean(axis=(1, 2, 3)) / expected.std(axis=(1, 2, 3))
    return (change > 1e-6).mean(), change.mean(), by_spread.mean()


# %% [markdown]
# **Predict, then run.** For which of these is the map of the shifted picture nothing but the shifted
# map: a convolution away from the border, one with the border, stride 2 after a shift by 1 and by
# 2, maximum pooling after a shift by 1 and by 2? (a) For both convolutions only; (b) for all but
# pooling; (c) for the convolution away from the border, and stride and pooling after a shift by 2.

# %% tags=["predict"]
lesson.PREDICTIONS["only_shifted"].ask()


def edges(pictures, stride=1):
    kernel = kernels["vertical edges"][None, :, :, None]
    return convolve(pictures, kernel, stride=stride, padding=1)


def edges_stride_2(pictures):
    return edges(pictures, stride=2)


def every_second(pictures):
    return pictures[:, ::2, ::2]


def pooled_edges(pictures):
    return max_pool(np.maximum(edges(pictures), 0))  # after a ReLU


def every_second_edge(pictures):
    return every_second(np.maximum(edges(pictures), 0))


tests = (
    ("convolution, away from the border", changed(edges, 1)),
    ("convolution, with the border", changed(edges, 1, margin=0)),
    ("stride 2, shift by 1", changed(edges_stride_2, 1, stride=2)),
    ("stride 2, shift by 2", changed(edges_stride_2, 2, stride=2)),
    ("maximum pooling, shift by 1", changed(max_pool, 1, stride=2)),
    ("maximum pooling, shift by 2", changed(max_pool, 2, stride=2)),
    ("every second pixel, shift by 1", changed(every_second, 1, stride=2)),
    ("edges, then pooling, shift by 1", changed(pooled_edges, 1, stride=2)),
    ("every second edge, shift by 1", changed(every_second_edge, 1, stride=2)),
)
rows = []
for name, (share, change, by_spread) in tests:
    rows.append((name, f"{share:.1%}", f"{change:.2f}", f"{by_spread:.2f}"))
heads = ("values changed", "mean change", "change / spread")
results.Table(("layer", *heads), tuple(rows))

# %% [markdown]
# (c). Away from the border a convolution with stride 1 only moves: not one value changes. At the border
# zeros take the place of what the camera did not see, and two of the 95 columns change, the first and the last.
# With stride 2 a shift by 1 changes nearly every value and a shift by 2 none. So equivariance holds for shifts
# by a multiple of the stride, away from the border.
#
# ### A common mistake in thinking
# "Maximum pooling makes the network ignore where things are." The table says how many pooled values
# change when the picture moves by a single pixel. Compare them with "every second pixel, shift by 1",
# where every second pixel is simply dropped: there more values change, and by more, 0.42 of the map's
# spread (its **standard deviation**, the typical distance from the mean) against 0.30. So pooling
# *softens* a small shift of the pixels. On a map of edges (the last two rows) it hardly does: nearly as
# many values change with pooling as without it (61.8 % and 62.7 %), and by as much (0.16 and 0.15). The
# quotient is smaller only because the pooled map has the larger spread. Pooling does not undo a shift,
# and it does not forget the position: it says in which 2 × 2 square the largest value was.

# %% [markdown]
# ## 6 · What is it worth?
# Does this help to recognise clothes? We train four networks on 5 000 pictures of Fashion-MNIST:
#
# - **linear** and **dense**, without convolutions;
# - **small squares**: two convolutions, each with pooling over 2 × 2, then a dense layer that sees
#   every position of the last map, 7 × 7 of them;
# - **large squares**: the same convolutions, but the last pooling takes squares of 7 × 7, so that
#   only 2 × 2 positions are left of each map.


# %% tags=["recipe"]
def linear():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))


def dense():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)
    )


def convolutional(square):
    positions = 14 // square
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),  # (N, 16, 28, 28)
        nn.ReLU(),
        nn.MaxPool2d(2),  # (N, 16, 14, 14)
        nn.Conv2d(16, 32, 3, padding=1),  # (N, 32, 14, 14)
        nn.ReLU(),
        nn.MaxPool2d(square),  # (N, 32, positions, positions)
        nn.Flatten(),
        nn.Linear(32 * positions * positions, 10),
    )


NETWORKS = {
    "linear": linear,
    "dense": dense,
    "small squares": lambda: convolutional(square=2),
    "large squares": lambda: convolutional(square=7),
}

# %% tags=["parameters"]
examples = 5_000  # quick: 1_000
epochs = 5  # quick: 1
seed = 0

# %% [markdown]
# The training loop is hidden in the course's `backends.fit`; lesson 21 writes it out. It takes NumPy
# pictures (N, H, W, C) and permutes them for PyTorch. (It trains with Adam, which is gradient descent with
# a step size of its own for each weight; hence the small learning rate. With `augment` it changes the
# pictures of each batch before it trains on them; the networks marked *shifted* further down had that.)


# %% tags=["recipe"]
def train(model, split, epochs, seed, augment=None):
    backends.fit(
        model,
        split.pixels,
        split.labels,
        epochs=epochs,
        batch_size=32,
        learning_rate=0.003,
        seed=seed,
        augment=augment,
        show=False,
    )


# %%
fashion = data.load("fashion-mnist")
test = fashion.test[:4_000]
models, seconds = {}, {}
for name, make in NETWORKS.items():
    runtime.seed(seed)
    models[name] = make()
    started = time.perf_counter()
    train(models[name], fashion.train[:examples], epochs, seed)
    seconds[name] = time.perf_counter() - started

# %% [markdown]
# Then we test them on new pictures, and on the same pictures shifted by three pixels, which none
# of them has ever seen. Black comes in at the edge.


# %% tags=["recipe"]
DIRECTIONS = {"right": (0, 3), "left": (0, -3), "up": (-3, 0), "down": (3, 0)}


def shifted(images, down, right, mode="constant"):
    """Shift (N, H, W, C) by up to 3 pixels; `np.pad` fills in by `mode`."""
    frame = ((0, 0), (3, 3), (3, 3), (0, 0))
    framed = np.pad(images, frame, mode=mode)
    rows = slice(3 - down, 3 - down + images.shape[1])
    columns = slice(3 - right, 3 - right + images.shape[2])
    return framed[:, rows, columns]


# %% [markdown]
# **Predict, then run.** In their usual position the dense network gets about 0.83 of the test
# pictures right. Shifted to the right by 3 pixels: (a) about 0.8, (b) about 0.6, (c) about 0.4?
# And the two convolutional ones?

# %% tags=["predict"] tolerance=0.08
lesson.PREDICTIONS["to_the_right"].ask()


def accuracy(model, images):
    return backends.evaluate(model, images, test.labels).accuracy


usual = {name: accuracy(model, test.pixels) for name, model in models.items()}
to_the_right = shifted(test.pixels, 0, 3)
rows = []
for name, model in models.items():
    there, moved = f"{usual[name]:.2f}", f"{accuracy(model, to_the_right):.2f}"
    count = sum(parameter.numel() for parameter in model.parameters())
    rows.append((name, count, there, moved))
results.Table(
    ("network", "weights", "usual position", "3 to the right"), tuple(rows)
)

# %% [markdown]
# (c) for the dense network: it loses more than half of its right answers. The convolutional ones
# lose less, and the one with large squares, with an eighth of the dense network's weights, loses
# least. (The column "weights" counts the biases too.) But that is one direction and one seed.
#
# **Predict, then run.** The same for all four directions, and the mean over them. Does the network
# with large squares stay ahead of the dense one (a) in all four, (b) in three, (c) in two?

# %% tags=["predict"] tolerance=0.08
lesson.PREDICTIONS["directions"].ask()
after_shift = {}
for name, model in models.items():
    after_shift[name] = [
        accuracy(model, shifted(test.pixels, down, right))
        for down, right in DIRECTIONS.values()
    ]
rows = []
for name, found in after_shift.items():
    rows.append((name, *(f"{a:.2f}" for a in found), f"{np.mean(found):.2f}"))
results.Table(("network", *DIRECTIONS, "mean"), tuple(rows))

# %% tags=["headline"] tolerance=0.03
headline = results.Headline(
    what="accuracy on pictures shifted by 3 pixels, mean of 4 directions",
    score=np.mean(after_shift["large squares"]),
    baseline=np.mean(after_shift["linear"]),
    baseline_name="linear model",
    parameters=6_090,
    seconds=seconds["large squares"],
    band=lessons.band("convolutions"),
)
headline

# %% [markdown]
# (b): downwards it is about as good as the dense network. One seed is one draw, so all were trained with five,
# ahead of time. And so were more, each of which answers one question:
#
# - **pooling only**: is it the pooling? Pooling over 2 × 2, then the dense network;
# - **convolutions only**: is it the convolutions? As *small squares*, but the convolutions have stride 2, and
#   nothing is pooled;
# - **dense, shifted**: can it be learned? The dense network, but each picture is shifted at random, by up to 3
#   pixels, whenever it is trained on; also for 20 epochs in place of 5;
# - **small squares, shifted**: the same pictures for *small squares*.


# %% tags=["recipe"]
def pooling_only():
    return nn.Sequential(
        nn.MaxPool2d(2),  # (N, 1, 14, 14)
        nn.Flatten(),
        nn.Linear(196, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def convolutions_only():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1),  # (N, 16, 14, 14)
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),  # (N, 32, 7, 7)
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 10),
    )


def shifted_at_random(images, generator):
    """Shift each picture of a batch by up to 3 pixels."""
    moves = generator.integers(-3, 4, (len(images), 2))
    pairs = zip(images, moves)
    return np.concatenate(
        [shifted(image[None], *move) for image, move in pairs]
    )


CONTROLS = {
    "pooling only": pooling_only,
    "convolutions only": convolutions_only,
    "dense, shifted": dense,
    "dense, shifted, 20 epochs": dense,
    "small squares, shifted": lambda: convolutional(square=2),
}

# %% [markdown]
# **Predict, then run.** Trained for 5 epochs, which will have the highest mean over the four directions:
# (a) small squares, as above; (b) dense, shifted; (c) convolutions only?


# %% tags=["predict"]
lesson.PREDICTIONS["controls"].ask()
recorded = lessons.recorded("convolutions")


def over_seeds(fill, names):
    rows = []
    for name in names:
        row = recorded["networks"][name]
        runs = [[run[way] for way in DIRECTIONS] for run in row[fill]]
        found = [np.mean(row["usual"]), *np.mean(runs, axis=0), np.mean(runs)]
        rows.append((name, row["weights"], *(f"{each:.3f}" for each in found)))
    heads = ("weights", "usual", *DIRECTIONS, "mean")
    return results.Table(("mean of 5 seeds", *heads), tuple(rows))


for share in (0.8, 0.5):
    standard_error = np.sqrt(share * (1 - share) / len(test))
    print(f"standard error of the test set at {share}: {standard_error:.3f}")
over_seeds("black", [*NETWORKS, *CONTROLS])

# %% [markdown]
# (b), 0.694. Shifts can be learned from shifted pictures. It takes longer: in the usual position this
# network has 0.729 after five epochs, where the plain dense one has 0.821; after twenty it has 0.783, and
# 0.749 in the mean. And what is built in still pays: with the same pictures *small squares* reaches 0.784
# in the mean after five epochs, and 0.810 in the usual position.
#
# Pooling alone brings nothing, 0.446 in the mean against the dense network's 0.470. Convolutions alone have
# 0.520, both together (*small squares*) 0.623. So neither does it alone. In the usual position *small
# squares* is the best, 0.851 (the seed that you ran is its worst of the five).
#
# The large pooling helps to the sides: to the right 0.692 against the 0.554 of small squares, to the left 0.669
# against 0.579. Upwards it brings nothing, and in the usual position it falls back to the linear model, 0.806.
# Downwards it even loses, 0.600 against 0.673, and is no better than the dense network.
#
# What is different downwards? Let us see what is cut off, and which side of the frame the clothes reach:

# %%
for direction, (down, right) in DIRECTIONS.items():
    lost = 1 - shifted(test.pixels, down, right).sum() / test.pixels.sum()
    print(f"{direction}: {lost:.1%} of the brightness is cut off")
sides = {
    "top": (0,),
    "bottom": (-1,),
    "left": (slice(None), 0),
    "right": (slice(None), -1),
}
for side, place in sides.items():
    touching = (test.pixels[:, *place, ..., 0] > 50).any(axis=1).mean()
    print(f"{side}: {touching:.0%} of the pictures reach the frame")

# %% [markdown]
# **Predict, then run.** Two causes come to mind. What is cut off: downwards the most is lost. And what comes
# in: three black rows
# *above* clothes that reach the frame make an edge that lies elsewhere in training. A test that tells them
# apart: shift again, cut off as much, but fill the three rows with copies of the outermost row in place of
# black. Then what comes in makes no edge any more. What will *large squares* reach downwards: (a) 0.60 as
# before, (b) about 0.66, (c) about 0.81, as in the usual position?

# %% tags=["predict"]
lesson.PREDICTIONS["copies"].ask()
over_seeds("copied", NETWORKS)

# %% [markdown]
# (b): filled with copies, *large squares* rises downwards from 0.60 to 0.66, and in the other directions it
# changes by less than 0.01. So part of the loss came from the new edge; the rest this test does not
# explain. But a mean over ten classes may hide something. So let us look at
# what each class loses: the share right in the usual position minus the share right after the shift. (A
# negative number is a gain.)

# %%
by_class = recorded["by class"]
rows = []
for name in fashion.classes:
    row = [name]
    for network, way in (
        ("dense", "down"),
        ("small squares", "down"),
        ("large squares", "down"),
        ("large squares", "down, copies"),
        ("dense", "up"),
        ("small squares", "up"),
        ("large squares", "up"),
    ):
        shares = by_class[network]
        row.append(f"{shares['usual'][name] - shares[way][name]:.2f}")
    rows.append(tuple(row))
down = ("dense, down", "small, down", "large, down", "large, down, copies")
up = ("dense, up", "small, up", "large, up")
results.Table(("lost, mean of 5 seeds", *down, *up), tuple(rows))

# %% [markdown]
# Downwards all three networks lose sneakers most or next to most. But *large squares* loses more of some
# classes than *dense* and *small squares* do: pullovers (0.59 against 0.48 and 0.32), dresses (0.34
# against 0.16 and 0.11), T-shirts (0.22 against 0.11 and 0.13) and trousers (0.21 against 0.04 for both).
# With copies in place of black the trousers, the dresses and the coats come back, so for them it was the
# new edge. The pullovers come back only in part, the T-shirts do not, and some shirts are lost that black
# had spared. Upwards all three lose many shirts and coats. A mean over classes hid all this. Why just
# these classes, nothing here shows.

# %% [markdown]
# ### What the kernels look like
# Nobody told the first layer to look for edges. These are its 16 kernels, before training (the two upper rows)
# and after it.

# %% image_tolerance=0.99
runtime.seed(seed)
untrained = NETWORKS["large squares"]()  # the start of the one above
before = backends.weights(untrained, 0)[:, :, :, 0]  # (16, 3, 3)
after = backends.weights(models["large squares"], 0)[:, :, :, 0]
strongest = np.abs(after).max()
plot.images(
    np.concatenate([before, after]),
    columns=8,
    limits=(-strongest, strongest),
    colour_map="RdBu_r",
    label="weight",
)
plot.describe(
    "32 kernels of 3 by 3 weights of both signs, 16 before training above and 16 after it "
    "below. Nearly all below are stronger, and many still resemble their start."
)

# %% [markdown]
# Some have one sign on one side and the other on the opposite side, after training and before it. Others
# have nearly one sign everywhere. To count them, we ask how much of a kernel is an edge kernel: the share
# of its squared weights that lies along "left minus right" and "top minus bottom". And how much of it is a
# blur: the share along nine equal numbers. More than half decides.


# %% tags=["recipe"]
def kinds_of(kernels):
    """Count the kernels (F, 3, 3) that are an edge, or a blur, by over half."""
    slope = np.repeat([[-1.0, 0.0, 1.0]], 3, axis=0) / np.sqrt(6)
    blur = np.full((3, 3), 1 / 3)
    edge, edge_too, even = (
        (kernels * way).sum(axis=(1, 2)) ** 2 for way in (slope, slope.T, blur)
    )
    half = 0.5 * (kernels**2).sum(axis=(1, 2))
    return int((edge + edge_too > half).sum()), int((even > half).sum())


# %%
rows = []
for when in ("before", "after"):
    for place, kind in enumerate(("edges", "blurs")):
        counts = [found[place] for found in recorded["kernels"][when]]
        rows.append((f"{kind}, {when} training", *counts))
heads = [f"seed {number}" for number in range(5)]
results.Table(("of 16 kernels", *heads), tuple(rows))

# %% [markdown]
# Before training 0 to 2 of the 16 are edge kernels and at most one is a blur, after it 4 to 7 and 1 to 4.
# So training makes both. (How many depends on where the line is drawn.) In the rest no pattern is to be
# seen. Kernels this small, trained on 5 000 pictures, are no textbook figures.
#
# ### The same network in Keras
# The network with large squares, carried over: do both frameworks compute the same?

# %%
keras_model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(7),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ]
)
parity.carry_weights(models["large squares"], keras_model)

# %%
parity.compare(
    models["large squares"], keras_model, test.images[:8], test.labels[:8]
)

# %% [markdown]
# They do. The first table says what had to be reordered on the way. The last row has one more
# reason: in PyTorch `Flatten` writes a map out channel by channel, in Keras pixel by pixel, so the
# inputs of the dense layer come in another order.

# %% [markdown]
# ## 7 · Questions

# %% tags=["quiz"]
lesson.QUIZ

# %% [markdown]
# How often were your guesses right, and how sure were you of them?

# %% tags=["learner-state"]
course.guesses("20")

# %% [markdown]
# ## Take-aways
# - A convolution uses the same weights at every position. What you build in, you need not learn
#   from data. Shifts can be learned from shifted pictures as well; both together keep most.
# - Positions along one side: (pixels + 2 · padding − window) / stride, rounded down, plus 1.
# - PyTorch: (N, C, H, W). NumPy here, and Keras: (N, H, W, C). `permute` goes from one to the
#   other.
# - The gradient of a convolution is a convolution, with the kernel flipped. Check it all the same.
# - Equivariance ends at borders and strides. Test a promise in every direction, not in the one
#   that suits it.
#
# **Claims you will meet elsewhere**, tested in this lesson: see
# [the page of claims](claims.md).
#
# **Sources:** LeCun, Bottou, Bengio and Haffner (1998), *Gradient-based learning applied to
# document recognition*, https://doi.org/10.1109/5.726791 · Chellapilla, Puri and Simard (2006),
# *High performance convolutional neural networks for document processing* (im2col),
# https://inria.hal.science/inria-00112631 · Dumoulin and Visin (2016), *A guide to convolution
# arithmetic for deep learning*, https://arxiv.org/abs/1603.07285 · Zhang (2019), *Making
# convolutional networks shift-invariant again*, https://arxiv.org/abs/1904.11486

# %% [markdown] tags=["instructor"]
# ### For teachers
# **Run of show, 110 minutes:** 1 a small window (10) · 2 kernels, channels, one product, PyTorch's
# and Keras's axes, the explorer (32) · 3 pooling, and how far a layer sees (20) · 4 the way back,
# with the bug (18) · 5 a shifted picture (10) · 6 what it is worth, four directions (17) · 7 questions
# (3). The written test is homework.
#
# **To cut:** section 4 if gradients were hard in lesson 11; the rows of windows in section 2.
# **Keep** the four directions: a promise that was tested in one direction only looks like a law.
#
# **Ask:** What should come in at the edge when you shift a photograph? For which pictures must a
# network *not* ignore the position?
#
# **Where people stall:** the six axes of the windows. Let them draw one window and count its
# numbers: 3 · 3 · 3.
