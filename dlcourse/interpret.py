"""Which pixels a classifier's answer rests on; each method once, for models of both frameworks."""

import time

from dlcourse import backends
from dlcourse.arrays import (
    as_floats,
    expect_axes,
    expect_count,
    expect_examples,
    expect_finite,
    expect_labels,
    expect_number,
    expect_scale_of,
    expect_seed,
    expect_switch,
    for_each,
    to_numpy,
)
from dlcourse.backends.checks import check_class_scores
from dlcourse.bar import Bar
from dlcourse.errors import KindError, ShapeError

import numpy as np

# Slopes

MOST_NOISE = 1e6  # times the range of brightness: far beyond it floats end


def saliency(model, images, classes, *, batch_size=256) -> np.ndarray:
    """Map how steeply each class score changes with each pixel, whatever the direction.

    Args:
        model: Classifier that gives raw scores (N, K).
        images: Array (N, H, W, C), floats in 0..1 or uint8 bytes.
        classes: N class indices, the scores to explain; or one for all.
        batch_size: Images at a time; fewer need less memory.

    Returns:
        Array (N, H, W), 0 or more: the steepest slope among a pixel's channels, in score units
        for a change of the pixel from 0 to 1.

    Raises:
        ShapeError, RangeError, KindError: Inputs that do not fit; the message says why.

    Source:
        Simonyan, Vedaldi, Zisserman (2013), "Deep Inside Convolutional Networks".
        https://arxiv.org/abs/1312.6034

    Example:
        >>> model, few = torch.nn.Sequential(torch.nn.Flatten(), network), digits.test[:2]
        >>> interpret.saliency(model, few.images, few.labels).shape
        (2, 8, 8)
    """
    checked = _checked(model, images, classes, batch_size, look=False)
    return _steepest(_gradient(*checked, batch_size))


def gradient_times_input(model, images, classes, *, batch_size=256) -> np.ndarray:
    """Map each value's slope times the value: its share of the score, were the model linear.

    Args:
        model: Classifier that gives raw scores (N, K).
        images: Array (N, H, W, C), floats in 0..1 or uint8 bytes.
        classes: N class indices, the scores to explain; or one for all.
        batch_size: Images at a time; fewer need less memory.

    Returns:
        Array (N, H, W, C) in score units; negative where a value speaks against the class.

    Raises:
        ShapeError, RangeError, KindError: Inputs that do not fit; the message says why.

    Source:
        Shrikumar, Greenside, Shcherbina, Kundaje (2016), "Not Just a Black Box".
        https://arxiv.org/abs/1605.01713

    Example:
        >>> model, few = torch.nn.Sequential(torch.nn.Flatten(), network), digits.test[:2]
        >>> interpret.gradient_times_input(model, few.images, few.labels).shape
        (2, 8, 8, 1)
    """
    model, images, classes = _checked(model, images, classes, batch_size, look=False)
    return images * _gradient(model, images, classes, batch_size)


def smooth_grad(
    model, images, classes, *, noise=0.15, samples=50, seed=0, show=False, batch_size=256
) -> np.ndarray:
    """Map the slopes as `saliency` does, but averaged over noisy copies of each image.

    Args:
        model: Classifier that gives raw scores (N, K).
        images: Array (N, H, W, C), floats in 0..1 or uint8 bytes.
        classes: N class indices, the scores to explain; or one for all.
        noise: Standard deviation of the noise, as a share of each image's range of brightness.
        samples: Noisy copies of each image.
        seed: Start of the noise.
        show: Show a progress bar, and one line when done.
        batch_size: Noisy copies at a time; fewer need less memory.

    Returns:
        Array (N, H, W), 0 or more, in the units of `saliency`.

    Raises:
        ShapeError, RangeError, KindError: Inputs that do not fit; the message says why.

    Source:
        Smilkov and others (2017), "SmoothGrad". https://arxiv.org/abs/1706.03825

    Example:
        >>> model, few = torch.nn.Sequential(torch.nn.Flatten(), network), digits.test[:2]
        >>> interpret.smooth_grad(model, few.images, few.labels, samples=5).shape
        (2, 8, 8)
    """
    model, images, classes = _checked(model, images, classes, batch_size)
    expect_number(noise, "noise", low=0, high=MOST_NOISE)
    samples = expect_count(samples, "samples")
    expect_seed(seed)
    generator = np.random.default_rng(seed)
    brightness = np.ptp(images, axis=(1, 2, 3), keepdims=True)  # (N, 1, 1, 1)

    def noisy(image, _sample):
        draw = generator.standard_normal((len(image), *images.shape[1:]), dtype="float32")
        return images[image] + draw * (images.dtype.type(noise) * brightness[image])

    portions = _portions(len(images), samples, batch_size, show, "smoothing", "noisy copies")
    return _steepest(_mean_gradient(model, images, classes, noisy, samples, portions))


def integrated_gradients(
    model, images, classes, *, baseline=0.0, steps=50, show=False, batch_size=256
) -> np.ndarray:
    """Share out each image's class score, beyond that of `baseline`, among its values.

    Averages the slope along the straight line from baseline to image (midpoint rule), and
    multiplies it by the distance gone.

    Args:
        model: Classifier that gives raw scores (N, K).
        images: Array (N, H, W, C), floats in 0..1 or uint8 bytes.
        classes: N class indices, the scores to explain; or one for all.
        baseline: The image without content: one brightness (0 is black), or an array (H, W, C) or
            (N, H, W, C).
        steps: Points on the line; more take longer and add up more closely.
        show: Show a progress bar, and one line when done.
        batch_size: Points at a time; fewer need less memory.

    Returns:
        Array (N, H, W, C) in score units. Each image's values add up to
        score(image) - score(baseline), up to the error of `steps`.

    Raises:
        ShapeError, RangeError, KindError: Inputs that do not fit; the message says why.

    Source:
        Sundararajan, Taly, Yan (2017), "Axiomatic Attribution for Deep Networks".
        https://arxiv.org/abs/1703.01365

    Example:
        >>> model, few = torch.nn.Sequential(torch.nn.Flatten(), network), digits.test[:2]
        >>> interpret.integrated_gradients(model, few.images, few.labels, baseline=0.5).shape
        (2, 8, 8, 1)
    """
    given = to_numpy(images)
    several = given.shape[:1] != (1,)
    model, images, classes = _checked(model, given, classes, batch_size, look=several)
    steps = expect_count(steps, "steps")
    baselines = _baselines(_brightness(baseline, "baseline", given, images.dtype), images)
    ways = images - baselines

    def on_the_line(image, step):
        share = ((step + 0.5) / steps).astype(images.dtype)[:, None, None, None]
        return baselines[image] + share * ways[image]

    portions = _portions(len(images), steps, batch_size, show, "integrating", "steps")
    return ways * _mean_gradient(model, images, classes, on_the_line, steps, portions)


# Hiding


def occlusion(
    model, images, classes, *, patch=4, fill=0.5, show=False, batch_size=256
) -> np.ndarray:
    """Map how much each class score drops when a grey square hides a place.

    The squares lie side by side, without overlap.

    Args:
        model: Classifier that gives raw scores (N, K).
        images: Array (N, H, W, C), floats in 0..1 or uint8 bytes.
        classes: N class indices, the scores to explain; or one for all.
        patch: Side of the square, in pixels; it must divide H and W.
        fill: Brightness of the square; 0.5 is grey.
        show: Show a progress bar, and one line when done.
        batch_size: Hidden copies at a time; fewer need less memory.

    Returns:
        Array (N, H // patch, W // patch) in score units; larger means more needed.

    Raises:
        ShapeError, RangeError, KindError: Inputs that do not fit; the message says why.

    Source:
        Zeiler and Fergus (2014), "Visualizing and Understanding Convolutional Networks".
        https://arxiv.org/abs/1311.2901

    Example:
        >>> model, few = torch.nn.Sequential(torch.nn.Flatten(), network), digits.test[:2]
        >>> interpret.occlusion(model, few.images, few.labels, patch=4).shape
        (2, 2, 2)
    """
    given = to_numpy(images)
    model, images, classes = _checked(model, given, classes, batch_size)
    expect_number(fill, "fill")
    fill = _brightness(fill, "fill", given, images.dtype)
    patch = expect_count(patch, "patch")
    height, width = _grid(images, patch)
    whole = _chosen(backends.scores(model, images, batch_size), classes)
    count = height * width
    drops = np.empty((len(images), count), images.dtype)
    for image, square in _portions(len(images), count, batch_size, show, "hiding", "places"):
        hidden = images[image]  # a copy
        squares = hidden.reshape(len(image), height, patch, width, patch, -1)
        squares[np.arange(len(image)), square // width, :, square % width] = fill
        scores = backends.scores(model, hidden, batch_size)
        drops[image, square] = whole[image] - _chosen(scores, classes[image])
    return drops.reshape(-1, height, width)


# Maps of a layer


def cam(model, images, classes, *, layer, batch_size=256) -> np.ndarray:
    """Map each place's share of the class score, in a model whose last map is only averaged.

    The model must end: `layer` (H, W, C), global average pooling, dense layer.

    Args:
        model: Classifier that gives raw scores (N, K).
        images: Array (N, H, W, C), floats in 0..1 or uint8 bytes.
        classes: N class indices, the scores to explain; or one for all.
        layer: The layer that is averaged: its name, or its index among the layers that
            have a kernel. In PyTorch an activation such as ReLU is a layer of its own.
        batch_size: Images at a time; fewer need less memory.

    Returns:
        Array (N, h, w) of the layer's height and width, in score units; the mean over a map is
        the class score without its bias. Negative where a place speaks against the class.

    Raises:
        ShapeError, RangeError, KindError: Inputs that do not fit, or a model that does not end
            like this.

    Source:
        Zhou and others (2016), "Learning Deep Features for Discriminative Localization".
        https://arxiv.org/abs/1512.04150
    """
    model, images, classes = _checked(model, images, classes, batch_size)
    maps = _expect_maps(backends.activations(model, images, layer, batch_size), layer)
    scores, layers = (
        backends.scores(model, images, batch_size),
        backends.layers_with_weights(model),
    )
    classes = expect_labels(classes, scores.shape[1], "classes")
    shape = maps.shape[-1], scores.shape[1]
    heads = [each.arrays for each in layers if each.kind == "dense"]
    heads = [arrays for arrays in heads if arrays["kernel"].shape == shape]

    def fits(head):  # a model need not say how it is built: its numbers do
        predicted, rest = maps.mean(axis=(1, 2)) @ head["kernel"], scores - head.get("bias", 0)
        return np.allclose(predicted, rest, rtol=0, atol=1e-2 * np.abs(rest).max())

    head = next(filter(fits, heads), None)
    if head is None:
        raise KindError(
            f"The scores are not a dense layer over the average of layer {layer!r}, whose maps "
            f"have shape {maps.shape}, so CAM does not apply. Name the layer just before the "
            "global average pooling (after its activation), or use grad_cam, which takes any model."
        )
    return np.einsum("nhwc,nc->nhw", maps, head["kernel"].T[classes])


def grad_cam(model, images, classes, *, layer, batch_size=256) -> np.ndarray:
    """Map where a layer's activations speak for the class.

    Each of the layer's maps counts by its mean slope; what speaks against the class is cut off.

    Args:
        model: Classifier that gives raw scores (N, K).
        images: Array (N, H, W, C), floats in 0..1 or uint8 bytes.
        classes: N class indices, the scores to explain; or one for all.
        layer: A convolution, or another layer that gives maps: its name, or its place (0, 1, …)
            among the layers that have a kernel. The last one is usual.
        batch_size: Images at a time; fewer need less memory.

    Returns:
        Array (N, h, w) of the layer's height and width, 0 or more, in score units. With one dense
        layer over global average pooling it is `cam` / (h w), cut off at 0.

    Raises:
        ShapeError, RangeError, KindError: Inputs that do not fit; the message says why.

    Source:
        Selvaraju and others (2017), "Grad-CAM". https://arxiv.org/abs/1610.02391
    """
    model, images, classes = _checked(model, images, classes, batch_size)
    maps = []
    for start in range(0, len(images), batch_size):  # a layer's maps may be larger than the images
        part = slice(start, start + batch_size)
        activations, slopes = backends.activation_gradient(
            model, images[part], classes[part], layer, batch_size
        )
        importance = _expect_maps(slopes, layer).mean(axis=(1, 2))  # (N, C), alpha in the paper
        maps.append(np.maximum(np.einsum("nhwc,nc->nhw", activations, importance), 0))
    return np.concatenate(maps)


# What they share


def _checked(model, images, classes, batch_size, look=True):
    """Return model, images as floats and classes.

    With `look` they are checked against the first image's scores, so that a long method finds a
    mistake at once. A short one leaves that to `input_gradient`, and so does one on a single image,
    whose first step finds it: the look costs as much as a third of one image's slopes.
    """
    images = as_floats(expect_finite(images, "images"), backends.of(model).dtype)
    expect_axes(images, "N H W C", "images")
    classes = for_each(classes, len(images))
    expect_examples(images, classes, targets_name="classes")
    batch_size = expect_count(batch_size, "batch_size")
    if look:
        shape = backends.scores(model, images[:1]).shape
        check_class_scores(shape)
        classes = expect_labels(classes, shape[1], "classes")
    return model, images, classes


def _gradient(model, images, classes, batch_size):
    return backends.input_gradient(model, images, classes, batch_size)


def _steepest(gradient):
    return np.abs(gradient).max(axis=-1)  # (N, H, W, C) to (N, H, W)


def _mean_gradient(model, images, classes, change, copies, portions):
    """Return the mean slope (N, H, W, C) over each image's copies, made by `change`."""
    total = np.zeros_like(images)
    for image, copy in portions:
        gradients = _gradient(model, change(image, copy), classes[image], len(image))
        first = np.flatnonzero(np.diff(image, prepend=-1))  # where each image's copies begin
        if len(first) < len(image):
            gradients = np.add.reduceat(gradients, first, axis=0)
        total[image[first]] += gradients
    return total / copies


def _portions(images, copies, batch_size, show, work, unit):
    """Yield (image, copy), two arrays of at most `batch_size` indices, until all were there."""
    expect_switch(show, "show")
    bar, rows, started = Bar(show, work), images * copies, time.perf_counter()
    amount = f"{images} image{'s' if images > 1 else ''} × {copies} {unit}"
    for start in range(0, rows, batch_size):
        yield np.divmod(np.arange(start, min(start + batch_size, rows)), copies)
        if bar.is_due():
            share = min(start + batch_size, rows) / rows
            bar.show(f"{work} {amount}: {share:.0%}", share)
    bar.finish(f"{work} {amount} took {time.perf_counter() - started:.1f} s")


def _chosen(scores, classes):
    return scores[np.arange(len(classes)), classes]


def _brightness(value, name, given, dtype):
    """Return a brightness as floats: beside pictures of bytes, which go from 0 to 1, 128 is none.

    Floats may be centred around 0: with them any number is taken.
    """
    brightness = expect_finite(value, name)
    expect_scale_of(given, brightness, "images", name)
    return as_floats(brightness, dtype)


def _baselines(baseline, images):
    if baseline.shape not in [(), images.shape[1:], images.shape]:
        raise ShapeError(
            f"`baseline` has shape {baseline.shape}, but one brightness, an array "
            f"{images.shape[1:]} or an array {images.shape} is needed, like `images`."
        )
    return np.broadcast_to(baseline, images.shape)


def _grid(images, patch):
    """Return how many squares of side `patch` fit into a column and a row of the images."""
    height, width = images.shape[1:3]
    if height % patch or width % patch:
        common = np.gcd(height, width)
        sides = [str(side) for side in range(1, common + 1) if common % side == 0]
        raise ShapeError(
            f"`patch` is {patch}, but the images are {height} × {width} pixels: a whole number of "
            f"patches is needed in both directions. Take one of {', '.join(sides)}."
        )
    return height // patch, width // patch


def _expect_maps(maps, layer):
    if maps.ndim != 4:
        raise ShapeError(
            f"Layer {layer!r} gives shape {maps.shape}, but should give maps (N, H, W, C). "
            "Name a convolution, or a layer between the convolutions and the flattening."
        )
    return maps
