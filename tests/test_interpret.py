"""Methods of interpretation keep the promises of their papers, in both frameworks."""

from math import erf, sqrt

from dlcourse import backends, bar, data, interpret, parity, pretrained
from dlcourse.errors import CourseError, KindError, RangeError, ShapeError

import captum.attr
import keras
import numpy as np
import pytest
import torch
from keras import layers
from torch import nn

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.random((5, 8, 8, 3), dtype="float32")
CLASSES = np.array([0, 3, 1, 0, 2])
KERNEL = GENERATOR.normal(size=(8 * 8 * 3, 4)).astype("float32")  # its rows in the order H, W, C


class PyTorch:
    """Builds the models of these tests in PyTorch."""

    maps, flat = "1", "3"  # the layer just before the pooling, and one that gives no maps

    @staticmethod
    def cnn():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 6, 3), nn.Tanh(), nn.Flatten(), nn.Linear(216, 8), nn.Tanh(),
            nn.Linear(8, 4),
        )  # fmt: skip

    @staticmethod
    def averaged():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)
        )

    @staticmethod
    def dense(shape, widths, relu=True):
        """Return a model of dense layers, whose kernels and biases are set later."""
        model, inputs = [nn.Flatten()], int(np.prod(shape))
        for place, width in enumerate(widths):
            model += [nn.ReLU()] if place and relu else []
            model.append(nn.Linear(inputs, width))
            inputs = width
        return nn.Sequential(*model)


class Keras:
    """Builds the same models in Keras."""

    maps, flat = "maps", "flat"

    @staticmethod
    def cnn():
        keras.utils.set_random_seed(0)
        return keras.Sequential([
            keras.Input((8, 8, 3)), layers.Conv2D(6, 3, activation="tanh"),
            layers.Flatten(name="flat"), layers.Dense(8, activation="tanh"), layers.Dense(4),
        ])  # fmt: skip

    @staticmethod
    def averaged():
        keras.utils.set_random_seed(0)
        return keras.Sequential([
            keras.Input((8, 8, 3)), layers.Conv2D(6, 3), layers.ReLU(name="maps"),
            layers.GlobalAveragePooling2D(name="flat"), layers.Dense(4),
        ])  # fmt: skip

    @staticmethod
    def dense(shape, widths, relu=True):
        model = [keras.Input(shape), layers.Flatten()]
        for place, width in enumerate(widths):
            model += [layers.ReLU()] if place and relu else []
            model.append(layers.Dense(width))
        return keras.Sequential(model)


FRAMEWORKS = {"pytorch": PyTorch, "keras": Keras}


@pytest.fixture(params=FRAMEWORKS.values(), ids=FRAMEWORKS)
def framework(request):
    return request.param


@pytest.fixture(scope="module")
def twins():
    """Return one network with the same weights in both frameworks."""
    ours, theirs = PyTorch.cnn(), Keras.cnn()
    parity.carry_weights(ours, theirs)
    return ours, theirs


@pytest.fixture(scope="module")
def averaged_twins():
    ours, theirs = PyTorch.averaged(), Keras.averaged()
    parity.carry_weights(ours, theirs)
    return ours, theirs


def with_kernels(model, *kernels, biases=()):
    """Return the model with these kernels (inputs, outputs), and biases or none."""
    for place, kernel in enumerate(kernels):
        bias = biases[place] if biases else np.zeros(np.shape(kernel)[1])
        parts = {"kernel": np.array(kernel, "float32"), "bias": np.array(bias, "float32")}
        backends.set_layer_weights(model, place, parts, {})
    return model


def linear(framework):
    """Return the linear model score = KERNEL · image, and its kernel as (K, H, W, C)."""
    by_class = KERNEL.T.reshape(4, 8, 8, 3)
    rows = np.moveaxis(by_class, -1, 1).reshape(4, -1).T if framework is PyTorch else KERNEL
    return with_kernels(framework.dense((8, 8, 3), [4]), rows), by_class


def class_scores(model, images, classes=CLASSES):
    return backends.scores(model, images)[np.arange(len(classes)), classes]


def count_passes(model, monkeypatch, sizes):
    """Let each pass through the model append the size of its batch to `sizes`."""
    backend = type(backends.of(model))
    outputs, slopes = backend._outputs, backend.input_slopes

    def counted(self, inputs, *rest, **named):
        sizes.append(len(inputs))
        return outputs(self, inputs, *rest, **named)

    monkeypatch.setattr(backend, "_outputs", counted)
    if backend.NAME == "Keras":  # its slopes are compiled
        monkeypatch.setattr(
            backend, "input_slopes", lambda *all: sizes.append(len(all[1])) or slopes(*all)
        )


METHODS = {
    "saliency": (interpret.saliency, {}, (5, 8, 8)),
    "gradient_times_input": (interpret.gradient_times_input, {}, (5, 8, 8, 3)),
    "smooth_grad": (interpret.smooth_grad, {"samples": 7}, (5, 8, 8)),
    "integrated_gradients": (interpret.integrated_gradients, {"steps": 7}, (5, 8, 8, 3)),
    "occlusion": (interpret.occlusion, {"patch": 2}, (5, 4, 4)),
    "cam": (interpret.cam, {"layer": "maps"}, (5, 6, 6)),
    "grad_cam": (interpret.grad_cam, {"layer": 0}, (5, 6, 6)),
}
LONG = ("smooth_grad", "integrated_gradients", "occlusion")


def settings(name, framework):
    options = METHODS[name][1]
    return options | {"layer": framework.maps} if name == "cam" else options


# All of them


@pytest.mark.parametrize("name", METHODS)
def test_both_frameworks_give_the_same_map_for_the_same_weights(name, twins, averaged_twins):
    method, _, shape = METHODS[name]
    found = [
        method(model, IMAGES, CLASSES, **settings(name, framework))
        for model, framework in zip(averaged_twins if name == "cam" else twins, (PyTorch, Keras))
    ]
    if name == "grad_cam":  # the convolution's tanh is part of it in Keras
        found[0] = method(twins[0], IMAGES, CLASSES, layer="1")
    assert found[0].shape == shape and found[0].dtype == np.float32
    assert np.abs(found[0]).max() > 1e-3
    np.testing.assert_allclose(*found, atol=1e-4)


@pytest.mark.parametrize("name", METHODS)
def test_the_batch_size_changes_nothing_and_bounds_what_the_model_sees(
    framework, name, monkeypatch
):
    method, options = METHODS[name][0], settings(name, framework)
    model, sizes = framework.averaged(), []
    whole = method(model, IMAGES, CLASSES, **options)
    count_passes(model, monkeypatch, sizes)
    for size in (1, 3):
        parts = method(model, IMAGES, CLASSES, batch_size=size, **options)
        np.testing.assert_allclose(parts, whole, atol=1e-5)
        assert max(sizes) == size


@pytest.mark.parametrize("name", ["saliency", "gradient_times_input"])
def test_a_slope_costs_one_pass_through_the_network(framework, name, monkeypatch):
    model, passes = framework.cnn(), []
    count_passes(model, monkeypatch, passes)
    METHODS[name][0](model, IMAGES, CLASSES)
    assert len(passes) == 1


@pytest.mark.parametrize("name", METHODS)
def test_bytes_are_read_as_brightness_from_0_to_1(framework, name):
    method, options, model = METHODS[name][0], settings(name, framework), framework.averaged()
    pixels = (255 * IMAGES).astype("uint8")
    np.testing.assert_allclose(
        method(model, pixels, CLASSES, **options),
        method(model, pixels.astype("float32") / 255, CLASSES, **options),
        atol=1e-5,
    )


@pytest.mark.parametrize("name", METHODS)
def test_a_method_changes_neither_images_nor_model(framework, name):
    method, options, model = METHODS[name][0], settings(name, framework), framework.averaged()
    images, before = IMAGES.copy(), backends.scores(model, IMAGES)
    method(model, images, CLASSES, **options)
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(backends.scores(model, IMAGES), before)


@pytest.mark.parametrize("name", [name for name in METHODS if "cam" not in name])
def test_a_pixel_that_the_model_does_not_read_gets_nothing(framework, name):
    method, options, _ = METHODS[name]
    model, _ = linear(framework)
    kernel = backends.weights(model, 0).copy()
    places = np.arange(192).reshape((3, 8, 8) if framework is PyTorch else (8, 8, 3))
    kernel[places[:, :4] if framework is PyTorch else places[:4]] = 0  # blind in its upper half
    found = method(with_kernels(model, kernel), IMAGES, CLASSES, **options)
    half = found.shape[1] // 2
    np.testing.assert_allclose(found[:, :half], 0, atol=1e-5)
    assert (np.abs(found[:, half:]) > 1e-3).mean() > 0.9


@pytest.mark.parametrize("name", [name for name in METHODS if "cam" not in name])
def test_a_network_that_computes_the_same_by_other_steps_has_the_same_map(framework, name):
    method, options, _ = METHODS[name]
    first, second = GENERATOR.normal(size=(64, 6)), GENERATOR.normal(size=(6, 4))
    short = with_kernels(framework.dense((8, 8, 1), [4]), first @ second)
    long = with_kernels(framework.dense((8, 8, 1), [6, 4], relu=False), first, second)
    images = IMAGES[..., :1]
    np.testing.assert_allclose(
        method(short, images, CLASSES, **options),
        method(long, images, CLASSES, **options),
        atol=1e-4,
    )


@pytest.mark.parametrize("name", LONG)
def test_a_long_method_says_nothing_unless_asked(framework, name, capsys):
    method, options, _ = METHODS[name]
    model = framework.cnn()
    method(model, IMAGES, CLASSES, **options)
    assert capsys.readouterr() == ("", "")
    method(model, IMAGES, CLASSES, show=True, **options)
    out, error = capsys.readouterr()
    assert out.count("\n") == 1 and "5 images × " in out and error == ""


@pytest.mark.parametrize("name", LONG)
def test_in_a_notebook_a_bar_moves_and_leaves_one_line(name, monkeypatch):
    shown = []

    class Handle:
        def update(self, bundle, raw):
            shown.append(bundle)

    monkeypatch.setattr(bar, "_in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: Handle())
    monkeypatch.setattr(bar.Bar, "SECONDS_BETWEEN_UPDATES", 0)
    method, options, _ = METHODS[name]
    method(PyTorch.cnn(), IMAGES, CLASSES, show=True, batch_size=5, **options)
    assert 'value="1.000"' in shown[-2]["text/html"] and "100%" in shown[-2]["text/plain"]
    assert shown[-1].keys() == {"text/plain"} and " took " in shown[-1]["text/plain"]


# Slopes


def test_saliency_of_a_linear_model_is_its_largest_weight_in_each_pixel(framework):
    model, kernel = linear(framework)
    found = interpret.saliency(model, IMAGES, CLASSES)
    np.testing.assert_allclose(found, np.abs(kernel[CLASSES]).max(axis=-1), atol=1e-5)


def test_gradient_times_input_of_a_linear_model_adds_up_to_the_score(framework):
    model, kernel = linear(framework)
    found = interpret.gradient_times_input(model, IMAGES, CLASSES)
    np.testing.assert_allclose(found, kernel[CLASSES] * IMAGES, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=(1, 2, 3)), class_scores(model, IMAGES), atol=1e-3)


def test_smooth_grad_without_noise_is_saliency(framework):
    model = framework.cnn()
    np.testing.assert_allclose(
        interpret.smooth_grad(model, IMAGES, CLASSES, noise=0, samples=5),
        interpret.saliency(model, IMAGES, CLASSES),
        atol=1e-6,
    )


@pytest.mark.parametrize("brightest", [1.0, 0.5])
def test_smooth_grad_at_a_kink_is_the_share_of_the_noise_beyond_it(framework, brightest):
    # score = relu(p - 0.9 b), p = b, and noise with deviation 0.15 b: Φ(0.1 / 0.15)
    model = with_kernels(
        framework.dense((1, 2, 1), [1, 1]), [[0], [1]], [[1]], biases=[[-0.9 * brightest], [0]]
    )
    image = np.array([[[[0.0], [brightest]]]], "float32")
    found = interpret.smooth_grad(model, image, [0], noise=0.15, samples=4000)
    expected = (1 + erf(0.1 / 0.15 / sqrt(2))) / 2
    np.testing.assert_allclose(found[0, 0], [0, expected], atol=0.03)


def test_smooth_grad_averages_slopes_with_their_sign(framework):
    # score = |p - 0.5| at p = 0.5: slopes of 1 and -1 cancel out
    model = with_kernels(
        framework.dense((1, 2, 1), [2, 1]), [[0, 0], [1, -1]], [[1], [1]], biases=[[-0.5, 0.5], [0]]
    )
    image = np.array([[[[0.0], [0.5]]]], "float32")
    assert interpret.smooth_grad(model, image, [0], samples=4000).max() < 0.06


def test_smooth_grad_draws_the_noise_from_its_seed():
    model = PyTorch.cnn()
    first, again, other = (
        interpret.smooth_grad(model, IMAGES, CLASSES, samples=3, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-4


def test_integrated_gradients_add_up_the_better_the_more_steps(framework):
    model = framework.cnn()
    baseline = 1 - IMAGES
    gained = class_scores(model, IMAGES) - class_scores(model, baseline)
    faults = []
    for steps in (2, 8, 32):
        found = interpret.integrated_gradients(
            model, IMAGES, CLASSES, baseline=baseline, steps=steps
        )
        faults.append(np.abs(found.sum(axis=(1, 2, 3)) - gained).max())
    assert np.abs(gained).min() > 1e-3
    assert faults[0] > 8 * faults[1]  # the midpoint rule's fault shrinks with the square
    assert faults[1] > 4 * faults[2] and faults[2] < 1e-4


@pytest.mark.parametrize("form", ["brightness", "one image", "an image for each"])
def test_integrated_gradients_start_from_the_baseline(framework, form):
    model = framework.cnn()
    baseline = {
        "brightness": 0.5,
        "one image": IMAGES[3],
        "an image for each": IMAGES[::-1],
    }[form]
    found = interpret.integrated_gradients(model, IMAGES, CLASSES, baseline=baseline)
    starts = np.broadcast_to(np.float32(baseline), IMAGES.shape)
    gained = class_scores(model, IMAGES) - class_scores(model, starts)
    np.testing.assert_allclose(found.sum(axis=(1, 2, 3)), gained, atol=1e-4)


def test_the_default_baseline_is_black():
    model = PyTorch.cnn()
    np.testing.assert_array_equal(
        interpret.integrated_gradients(model, IMAGES, CLASSES),
        interpret.integrated_gradients(model, IMAGES, CLASSES, baseline=0 * IMAGES[0]),
    )


def test_integrated_gradients_see_what_a_flat_slope_hides(framework):
    # The paper's example, 1 - relu(1 - 2 x) at x = 1: the slope is 0, but the score rose by 1.
    model = with_kernels(framework.dense((1, 1, 1), [1, 1]), [[-2]], [[-1]], biases=[[1], [1]])
    image = np.ones((1, 1, 1, 1), "float32")
    assert interpret.saliency(model, image, [0]) == 0
    assert interpret.integrated_gradients(model, image, [0]).item() == pytest.approx(1, abs=1e-6)


def test_integrated_gradients_treat_symmetric_pixels_alike(framework):
    # score = relu(p + q - 0.5), p = q
    model = with_kernels(
        framework.dense((1, 2, 1), [1, 1]), [[1], [1]], [[1]], biases=[[-0.5], [0]]
    )
    found = interpret.integrated_gradients(model, np.full((1, 1, 2, 1), 0.8), [0], steps=64)
    np.testing.assert_allclose(found[0, 0, :, 0], [0.55, 0.55], atol=0.01)


def test_a_baseline_of_bytes_is_read_as_brightness_too():
    model, baseline = PyTorch.cnn(), (255 * IMAGES).astype("uint8")
    np.testing.assert_allclose(
        interpret.integrated_gradients(model, IMAGES[::-1], CLASSES, baseline=baseline),
        interpret.integrated_gradients(
            model, IMAGES[::-1], CLASSES, baseline=baseline.astype("float32") / 255
        ),
        atol=1e-6,
    )


# Hiding


@pytest.mark.parametrize("patch, fill", [(1, 0.0), (2, 0.5), (4, 1.0), (8, 0.5)])
def test_occlusion_of_a_linear_model_is_a_sum_over_each_patch(framework, patch, fill):
    model, kernel = linear(framework)
    shares = (kernel[CLASSES] * (IMAGES - fill)).sum(axis=-1)  # (N, H, W)
    expected = shares.reshape(5, 8 // patch, patch, 8 // patch, patch).sum(axis=(2, 4))
    found = interpret.occlusion(model, IMAGES, CLASSES, patch=patch, fill=fill)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_occlusion_takes_pictures_that_are_not_square(framework):
    model = with_kernels(framework.dense((2, 4, 1), [1]), np.arange(8)[:, None])
    found = interpret.occlusion(model, np.ones((1, 2, 4, 1)), [0], patch=2, fill=0)
    np.testing.assert_allclose(found, [[[0 + 1 + 4 + 5, 2 + 3 + 6 + 7]]], atol=1e-5)


# Maps of a layer


def test_cam_averages_to_the_score_without_its_bias(framework):
    model = framework.averaged()
    kernel, bias = backends.weights(model, 1), np.array([1, -2, 3, -4], "float32")
    backends.set_layer_weights(model, 1, {"kernel": kernel, "bias": bias}, {})
    found = interpret.cam(model, IMAGES, CLASSES, layer=framework.maps)
    expected = class_scores(model, IMAGES) - bias[CLASSES]
    np.testing.assert_allclose(found.mean(axis=(1, 2)), expected, atol=1e-5)


def test_grad_cam_is_cam_up_to_the_size_of_the_map(framework):
    model, layer = framework.averaged(), framework.maps
    cam = interpret.cam(model, IMAGES, CLASSES, layer=layer)
    found = interpret.grad_cam(model, IMAGES, CLASSES, layer=layer)
    assert cam.min() < 0 < cam.max()
    np.testing.assert_allclose(36 * found, np.maximum(cam, 0), atol=1e-4)


def test_grad_cam_is_not_negative(framework):
    found = interpret.grad_cam(framework.cnn(), IMAGES, CLASSES, layer=0)
    assert found.min() == 0 < found.max()


# An independent oracle


def in_captum(oracle, images=IMAGES, classes=CLASSES, **options):
    """Return Captum's values for the images as (N, H, W, C).

    The pictures lie in memory as the course lays them: in another order the sums round otherwise,
    and units next to a bend switch.
    """
    tensor = torch.from_numpy(images.copy()).permute(0, 3, 1, 2).requires_grad_()
    values = oracle.attribute(tensor, target=torch.from_numpy(classes), **options)
    return values.detach().permute(0, 2, 3, 1).numpy()


CAPTUM = {
    "saliency": lambda model: in_captum(captum.attr.Saliency(model)).max(axis=-1),
    "gradient_times_input": lambda model: in_captum(captum.attr.InputXGradient(model)),
    "integrated_gradients": lambda model: in_captum(
        captum.attr.IntegratedGradients(model), n_steps=7, method="riemann_middle"
    ),
    "occlusion": lambda model: in_captum(
        captum.attr.Occlusion(model), sliding_window_shapes=(3, 2, 2), strides=(3, 2, 2),
        baselines=0.5,
    )[:, ::2, ::2, 0],
    "grad_cam": lambda model: in_captum(
        captum.attr.LayerGradCam(model, model[0]), relu_attributions=True
    )[..., 0],
}  # fmt: skip


@pytest.mark.parametrize("name", CAPTUM)
def test_captum_finds_the_same(name, twins):
    method, options, _ = METHODS[name]
    model = twins[0]
    expected = CAPTUM[name](model)
    np.testing.assert_allclose(method(model, IMAGES, CLASSES, **options), expected, atol=1e-4)


@pytest.fixture(scope="module")
def pretrained_network():
    return pretrained.load("efficientnet-lite0", "pytorch")


ON_A_PHOTOGRAPH = {
    "saliency": (
        interpret.saliency, {},
        lambda model, *image: in_captum(captum.attr.Saliency(model), *image).max(axis=-1),
    ),
    "gradient_times_input": (
        interpret.gradient_times_input, {},
        lambda model, *image: in_captum(captum.attr.InputXGradient(model), *image),
    ),
    "integrated_gradients": (
        interpret.integrated_gradients, {"steps": 4, "baseline": 0.5},
        lambda model, *image: in_captum(
            captum.attr.IntegratedGradients(model), *image, baselines=0.5, n_steps=4,
            method="riemann_middle", internal_batch_size=1,
        ),
    ),
    "occlusion": (
        interpret.occlusion, {"patch": 56},
        lambda model, *image: in_captum(
            captum.attr.Occlusion(model), *image, baselines=0.5,
            sliding_window_shapes=(3, 56, 56), strides=(3, 56, 56),
        )[:, ::56, ::56, 0],
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_A_PHOTOGRAPH)
def test_captum_finds_the_same_in_a_photograph_of_a_cat(name, pretrained_network):
    method, options, oracle = ON_A_PHOTOGRAPH[name]
    photographs = data.load("photographs")
    cat = photographs.train.images[[photographs.classes.index("cat")]]
    best = backends.scores(pretrained_network, cat).argmax(axis=1)
    expected = oracle(pretrained_network, cat, best)
    found = method(pretrained_network, cat, best, batch_size=1, **options)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


# Mistakes

MISTAKES = {
    "a single image": (
        lambda f: interpret.saliency(f.cnn(), IMAGES[0], [0]),
        ShapeError,
        ["(8, 8, 3)", "N, H, W, C", "images[None]"],
    ),
    "no image": (
        lambda f: interpret.saliency(f.cnn(), IMAGES[:0], []),
        ShapeError,
        ["(0, 8, 8, 3)", "At least one"],
    ),
    "too few classes": (
        lambda f: interpret.occlusion(f.cnn(), IMAGES, CLASSES[:4]),
        ShapeError,
        ["5 examples", "`classes` has 4"],
    ),
    "a class without a score": (
        lambda f: interpret.integrated_gradients(f.cnn(), IMAGES, CLASSES + 1),
        RangeError,
        ["`classes` goes from", "to 4", "0 to 3"],
    ),
    "a class without a score, hidden": (
        lambda f: interpret.occlusion(f.cnn(), IMAGES, CLASSES - 1),
        RangeError,
        ["`classes` goes from -1 to 2", "0 to 3"],
    ),
    "one-hot classes": (
        lambda f: interpret.saliency(f.cnn(), IMAGES, np.eye(4)[CLASSES]),
        ShapeError,
        ["one-hot", "argmax"],
    ),
    "a patch that does not divide the picture": (
        lambda f: interpret.occlusion(f.cnn(), IMAGES, CLASSES, patch=3),
        ShapeError,
        ["`patch` is 3", "8 × 8 pixels", "one of 1, 2, 4, 8"],
    ),
    "a patch that divides the height only": (
        lambda f: interpret.occlusion(f.dense((8, 6, 3), [4]), IMAGES[:, :, :6], CLASSES),
        ShapeError,
        ["`patch` is 4", "8 × 6 pixels", "one of 1, 2."],
    ),
    "no patch": (
        lambda f: interpret.occlusion(f.cnn(), IMAGES, CLASSES, patch=0),
        RangeError,
        ["`patch` is 0", "at least 1"],
    ),
    "a fill that is no number": (
        lambda f: interpret.occlusion(f.cnn(), IMAGES, CLASSES, fill="grey"),
        RangeError,
        ["`fill` is 'grey'", "finite number"],
    ),
    "a baseline of another shape": (
        lambda f: interpret.integrated_gradients(f.cnn(), IMAGES, CLASSES, baseline=IMAGES[:2]),
        ShapeError,
        ["(2, 8, 8, 3)", "(8, 8, 3)", "(5, 8, 8, 3)"],
    ),
    "a baseline that could be stretched": (
        lambda f: interpret.integrated_gradients(f.cnn(), IMAGES, CLASSES, baseline=np.zeros(3)),
        ShapeError,
        ["(3,)", "one brightness"],
    ),
    "negative steps": (
        lambda f: interpret.integrated_gradients(f.cnn(), IMAGES, CLASSES, steps=-5),
        RangeError,
        ["`steps` is -5", "at least 1"],
    ),
    "half a sample": (
        lambda f: interpret.smooth_grad(f.cnn(), IMAGES, CLASSES, samples=0.5),
        RangeError,
        ["`samples` is 0.5", "whole number"],
    ),
    "negative noise": (
        lambda f: interpret.smooth_grad(f.cnn(), IMAGES, CLASSES, noise=-0.1),
        RangeError,
        ["`noise` is -0.1", "at least 0"],
    ),
    "no batch": (
        lambda f: interpret.saliency(f.cnn(), IMAGES, CLASSES, batch_size=0),
        RangeError,
        ["`batch_size` is 0", "at least 1"],
    ),
    "a layer without maps": (
        lambda f: interpret.grad_cam(f.cnn(), IMAGES, CLASSES, layer=1),
        ShapeError,
        ["Layer 1", "(5, 8)", "Name a convolution"],
    ),
    "a layer without maps, by name": (
        lambda f: interpret.cam(f.averaged(), IMAGES, CLASSES, layer=f.flat),
        ShapeError,
        ["Layer '", "(5, 6)", "Name a convolution"],
    ),
    "a layer that is not there": (
        lambda f: interpret.grad_cam(f.cnn(), IMAGES, CLASSES, layer=7),
        RangeError,
        ["Layer 7", "layers with a kernel"],
    ),
    "CAM before the activation": (
        lambda f: interpret.cam(f.averaged(), IMAGES, CLASSES, layer=0),
        KindError,
        ["average of layer 0", "after its activation", "grad_cam"],
    ),
    "CAM of a model that flattens": (
        lambda f: interpret.cam(f.cnn(), IMAGES, CLASSES, layer=0),
        KindError,
        ["average of layer 0", "(5, 6, 6, 6)", "grad_cam"],
    ),
    "a model without scores": (
        lambda f: interpret.saliency(f.mapper(), IMAGES, CLASSES),
        ShapeError,
        ["gives shape (5, ", "class scores: (5, K)", "Flatten"],
    ),
    "a model without scores, and a long method": (
        lambda f: interpret.integrated_gradients(f.mapper(), IMAGES, CLASSES),
        ShapeError,
        ["class scores: (1, K)", "Flatten"],
    ),
    "a class without a score, in one pass": (
        lambda f: interpret.saliency(f.cnn(), IMAGES, CLASSES + 1),
        RangeError,
        ["`classes` goes from", "to 4", "0 to 3"],
    ),
    "no model": (
        lambda f: interpret.saliency("model", IMAGES, CLASSES),
        KindError,
        ["is a str"],
    ),
}
PyTorch.mapper = staticmethod(lambda: nn.Sequential(nn.Conv2d(3, 4, 8)))
Keras.mapper = staticmethod(lambda: keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 8)]))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_in_words(framework, mistake):
    act, kind, words = MISTAKES[mistake]
    with pytest.raises(CourseError) as caught:
        act(framework)
    assert type(caught.value) is kind
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("build", [PyTorch.cnn, Keras.cnn], ids=["PyTorch", "Keras"])
def test_a_mistake_with_a_single_image_is_found_too(build):
    model, image = build(), IMAGES[:1]
    assert interpret.integrated_gradients(model, image, [3], steps=2).shape == image.shape
    with pytest.raises(RangeError, match="class indices are 0 to 3"):
        interpret.integrated_gradients(model, image, [4], steps=2)
    with pytest.raises(ShapeError, match=r"`images` has shape \(8, 8, 3\)"):
        interpret.integrated_gradients(model, image[0], [3], steps=2)
    with pytest.raises(CourseError):
        interpret.integrated_gradients(model, 5, [3], steps=2)


def explained(name, framework, images, classes):
    method, options = METHODS[name][0], settings(name, framework)
    model = framework.averaged() if name == "cam" else framework.cnn()
    return method(model, images, classes, **options)


@pytest.mark.parametrize("one", [3, np.int64(3), np.array(3)])
@pytest.mark.parametrize("name", METHODS)
def test_one_class_counts_for_all_pictures(name, framework, one):
    several = np.full(len(IMAGES), 3)
    np.testing.assert_array_equal(
        explained(name, framework, IMAGES, one), explained(name, framework, IMAGES, several)
    )


@pytest.mark.parametrize("name", METHODS)
def test_bytes_are_explained_as_the_pictures_they_are(name, framework):
    pixels = (255 * IMAGES).round().astype("uint8")
    np.testing.assert_allclose(
        explained(name, framework, pixels, CLASSES),
        explained(name, framework, pixels / np.float32(255), CLASSES),
        atol=1e-6,
    )


@pytest.mark.parametrize("name", METHODS)
def test_a_picture_with_a_hole_is_refused(name, framework):
    images = IMAGES.copy()
    images[1, 2, 3, 0] = np.nan
    with pytest.raises(RangeError, match=r"`images` holds 1 of .* index \(1, 2, 3, 0\)"):
        explained(name, framework, images, CLASSES)


def test_bytes_are_a_brightness_wherever_one_is_asked_for(framework):
    model = framework.cnn()
    for method, option in (
        (interpret.integrated_gradients, "baseline"),
        (interpret.occlusion, "fill"),
    ):
        np.testing.assert_allclose(
            method(model, IMAGES, CLASSES, **{option: np.uint8(128)}),
            method(model, IMAGES, CLASSES, **{option: 128 / 255}),
            atol=1e-5,
        )


@pytest.mark.parametrize(
    "method, option", [(interpret.integrated_gradients, "baseline"), (interpret.occlusion, "fill")]
)
def test_a_brightness_beside_bytes_goes_from_0_to_1(framework, method, option):
    model, pixels = framework.cnn(), (255 * IMAGES).round().astype("uint8")
    for wrong in (128, -1.0):
        with pytest.raises(RangeError, match=rf"`{option}` .* 0 to 1.*np.uint8\(128\)"):
            method(model, pixels, CLASSES, **{option: wrong})
    assert method(model, IMAGES, CLASSES, **{option: -1.0}).size  # of pictures around 0


class HeadFirst(nn.Module):
    """Its head is made before the layers that run before it."""

    def __init__(self):
        super().__init__()
        self.head, self.maps = nn.Linear(6, 10), nn.Conv2d(3, 6, 3)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.head(self.relu(self.maps(x)).mean((2, 3)))


def test_cam_finds_the_head_wherever_it_was_made():
    model = HeadFirst()
    found = interpret.cam(model, IMAGES, CLASSES, layer="relu")
    bias = model.head.bias.detach().numpy()[CLASSES]
    expected = class_scores(model, IMAGES) - bias
    np.testing.assert_allclose(found.mean(axis=(1, 2)), expected, atol=1e-5)
