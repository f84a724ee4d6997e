"""Facts, a figure, exercises and quiz of notebooks/*_image_classification.ipynb."""

from dlcourse import backends, challenges, data, exercise, plot, predictions, quiz, written_tests
from dlcourse.exercise import Mistake, WhatIf

import numpy as np

TITLE = "Classifying images fast"
NEEDS = ("11", "20")
DATA = ("fashion-mnist",)


def draw_products(figure, picture, place, window, kernel, title):
    """Draw a picture with a window marked, and beside it each product of window and kernel.

    Args:
        figure: A matplotlib Figure.
        picture: Array (H, W), values 0..1.
        place: Row and column of the window's middle.
        window: Array (side, side) of the picture there, with zeros outside of it.
        kernel: Array (side, side).
        title: Of the products.
    """
    whole, grids = figure.subplots(1, 2, width_ratios=(1, 3.4))
    whole.imshow(picture, vmin=0, vmax=1)
    side, (row, column) = len(kernel), place
    corner = column - side / 2, row - side / 2
    whole.add_patch(plot.plt.Rectangle(corner, side, side, fill=False, color=plot.COLOURS[1], lw=2))
    whole.set_title(f"row {row}, column {column}")
    products = window * kernel
    signed = plot.plt.Normalize(*(np.array([-1, 1]) * max(abs(kernel).max(), abs(products).max())))
    shown = (
        (window, "what is there", plot.plt.cm.gray(window)),
        (kernel, "the filter", plot.plt.cm.RdBu_r(signed(kernel))),
        (products, title, plot.plt.cm.RdBu_r(signed(products))),
    )
    # One picture with a white column between the grids: three axes take three times as long.
    cells = np.ones((side, 3 * side + 2, 4))
    for left, (numbers, name, colours) in zip(range(0, 3 * side + 2, side + 1), shown):
        cells[:, left : left + side] = colours
        dark = colours[..., :3] @ (0.3, 0.6, 0.1) < 0.5
        for (i, j), number in np.ndenumerate(numbers):
            ink = "white" if dark[i, j] else "black"
            written = f"{number:z.2f}" if number else "0"  # the shorter, the sooner drawn
            grids.text(left + j, i, written, ha="center", va="center", color=ink, size=7.5)
        grids.text(left + side / 2 - 0.5, -0.7, name, ha="center")
    for sign, gap in zip("×=", (side, 2 * side + 1)):
        grids.text(gap, side // 2, sign, ha="center", va="center", size=16)
    grids.imshow(cells)
    for axes in (whole, grids):
        axes.axis("off")


def _without_biases():
    return 32 * 16 * 3 * 3


def _a_bias_for_each_channel():
    return 32 * 16 * 9 + 16


def _one_channel_only():
    return 32 * 3 * 3 + 32


def _one_filter():
    return 16 * 3 * 3 + 1


@exercise.value(
    ask="Replace the `...` by the number of weights and biases of `torch.nn.Conv2d(16, 32, 3)`.",
    unit="weights and biases",
    hints=(
        "Each of the 32 filters looks at a window of 3 × 3 pixels. How many numbers are in it?",
        "Each pixel holds 16 numbers, one for each channel; each filter also has one bias.",
        "32 filters, each with 16 · 3 · 3 weights and 1 bias.",
    ),
    mistakes=[
        Mistake("The biases are missing: one for each filter.", _without_biases),
        Mistake(
            "A bias belongs to a filter, not to a channel that comes in.", _a_bias_for_each_channel
        ),
        Mistake(
            "Your filters look at one channel only. A filter weighs all 16 of them.",
            _one_channel_only,
        ),
        Mistake("That is one filter. The layer has 32.", _one_filter),
    ],
)
def weights_of_a_layer():
    return 32 * (16 * 3 * 3 + 1)


def _upside_down(images):
    return images[:, ::-1]


def _other_order(images):
    return images[::-1]


def _channels_reversed(images):
    return images[..., ::-1]


def _on_its_side(images):
    return images.swapaxes(1, 2)


def _some_images(random):
    shape = random.integers(1, 6, 4)
    images = random.permutation(shape.prod()).reshape(shape)
    return {"images": (images - random.choice([0, 9])) / random.choice([1, 100])}


@exercise.function(
    ask="Fix the function: it should flip each picture of `images` (N, H, W, C) left to right.",
    cases=[
        {"images": np.arange(24.0).reshape(2, 2, 3, 2)},
        {"images": np.arange(18.0).reshape(1, 3, 3, 2)},
    ],
    draw=_some_images,
    hints=(
        "Draw what the function does to a boot: `plot.images(mirrored(test[:5].images))`.",
        "The function reverses one of the four axes (N, H, W, C). Which one runs from left to "
        "right?",
        "Reverse the third axis: a `:` for each axis before it.",
    ),
    given=_upside_down,
    mistakes=[
        Mistake("Now each picture is upside down: you reversed the axis H.", _upside_down),
        Mistake(
            "Each picture is as it was, only their order has changed: you reversed the axis N.",
            _other_order,
        ),
        Mistake("You reversed the order of the channels: that is the axis C.", _channels_reversed),
        Mistake("You swapped rows and columns: the pictures lie on their side.", _on_its_side),
    ],
    what_if=WhatIf(
        "the batch is empty",
        {"images": np.zeros((0, 2, 3, 1))},
        "There is nothing to mirror: a selection that leaves no picture need not be an error.",
    ),
)
def mirrored(images):
    return images[:, :, ::-1]


def _one_on_each_side(pixels, window, stride):
    return window // 2, window // 2


def _as_for_stride_one(pixels, window, stride):
    return (window - 1) // 2, window - 1 - (window - 1) // 2


def _above_first(pixels, window, stride):
    above, below = same_padding.solve(pixels, window, stride)
    return below, above


def _fewer_than_none(pixels, window, stride):
    rows = (-(-pixels // stride) - 1) * stride + window - pixels
    return rows // 2, rows - rows // 2


def _rounded_down(pixels, window, stride):
    places = pixels // stride
    rows = max((places - 1) * stride + window - pixels, 0)
    return rows // 2, rows - rows // 2


def _some_window(random):
    pixels, window, stride = random.integers(1, (40, 8, 5)).tolist()
    return {"pixels": pixels, "window": window, "stride": stride}


@exercise.function(
    ask='Return how many rows of zeros Keras adds above and below under `padding="same"`, as a '
    "pair.",
    cases=[
        {"pixels": 28, "window": 3, "stride": 1},
        {"pixels": 14, "window": 3, "stride": 2},
        {"pixels": 7, "window": 3, "stride": 2},
        {"pixels": 9, "window": 5, "stride": 2},
        {"pixels": 9, "window": 1, "stride": 2},
        {"pixels": 10, "window": 4, "stride": 3},
        {"pixels": 10, "window": 1, "stride": 2},
        {"pixels": 28, "window": 1, "stride": 3},
    ],
    draw=_some_window,
    hints=(
        "On paper: 14 pixels, a window of 3, stride 2. Seven windows are needed. Where does the "
        "last one begin, and where does it end?",
        "The last of `n` windows begins (n − 1) · stride pixels after the first. What sticks out "
        "of the picture has to be zeros; their number is never negative.",
        "Positions: `-(-pixels // stride)`, rounded up. Rows in all: (positions − 1) · stride + "
        "window − pixels, at least 0. Half of them, rounded down, go above.",
    ),
    mistakes=[
        Mistake(
            "That is PyTorch's `padding`, the same on both sides, whatever the stride.",
            _one_on_each_side,
        ),
        Mistake(
            "Right for stride 1. With a larger stride fewer windows are needed: how many?",
            _as_for_stride_one,
        ),
        Mistake("The odd row goes below, not above.", _above_first),
        Mistake(
            "For a window smaller than the stride you get less than no row. There are at least 0.",
            _fewer_than_none,
        ),
        Mistake(
            "The number of positions is rounded up: 7 pixels, stride 2, gives 4.", _rounded_down
        ),
    ],
    what_if=WhatIf(
        "the window is wider than the picture",
        {"pixels": 2, "window": 5, "stride": 1},
        "The size stays all the same, but at each position most of what the window sees is zeros.",
    ),
)
def same_padding(pixels, window, stride):
    positions = -(-pixels // stride)
    rows = max((positions - 1) * stride + window - pixels, 0)
    return rows // 2, rows - rows // 2


def _stride_one(same_padding):
    assert same_padding(28, 3, 1) == (1, 1)
    assert same_padding(28, 4, 1) == (1, 2)


def _strides_that_divide(same_padding):
    assert same_padding(28, 4, 1) == (1, 2)
    assert same_padding(28, 3, 2) == (0, 1)


@written_tests.of(
    same_padding,
    ask="Write a test that every right `same_padding` passes and that a wrong one fails.",
    hints=(
        "One case for each thing that can go wrong: an even window, a stride of 2, a size that the "
        "stride does not divide, a window smaller than the stride.",
        "On paper: 28 pixels, a window of 4, stride 1. Three rows are missing; where does the odd "
        "one go?",
        "7 pixels, a window of 3, stride 2: four positions, so one row above and one below. "
        "8 pixels, a window of 1, stride 2: none.",
    ),
    mistakes=[
        Mistake("The rule for stride 1 passes. What changes with 2?", _stride_one),
        Mistake(
            "Two functions pass: one rounds the number of positions down, one gives fewer rows "
            "than none. When does the stride not divide the pixels, and what if the window is "
            "smaller than the stride?",
            _strides_that_divide,
        ),
    ],
)
def test_same_padding(same_padding):
    assert same_padding(28, 4, 1) == (1, 2)  # an odd row goes below
    assert same_padding(28, 3, 2) == (0, 1)
    assert same_padding(7, 3, 2) == (1, 1)  # four positions, not three
    assert same_padding(8, 1, 2) == (0, 0)  # nothing is missing


def _the_same_accuracy(counts, shares):
    return np.trace(counts) / counts.sum()


def _mean_recall(counts, shares):
    return np.mean(np.diag(counts) / counts.sum(axis=1))


def _precisions_weighed(counts, shares):
    return np.sum(shares * np.diag(counts) / counts.sum(axis=0))


def _counts_weighed(counts, shares):
    return np.sum(shares * np.diag(counts)) / counts.sum()


def _some_counts(random):
    classes = random.integers(2, 6)
    counts = random.integers(0, 9, (classes, classes)) + np.diag(random.integers(1, 30, classes))
    return {"counts": counts, "shares": random.multinomial(100, [1 / classes] * classes) / 100}


@exercise.function(
    ask="Return the accuracy to expect where the classes come in the given `shares` (K,), which "
    "add up to 1. `counts` (K, K) is a confusion matrix: true class down, answer across.",
    cases=[
        {
            "counts": np.array([[8, 2, 0], [1, 5, 4], [0, 0, 20]]),
            "shares": np.array([0.5, 0.3, 0.2]),
        },
        {"counts": np.array([[3, 1], [0, 20]]), "shares": np.array([0.9, 0.1])},
    ],
    draw=_some_counts,
    hints=(
        "Suppose the shop sold shirts only. Which of the ten recalls would its accuracy be?",
        "The recall of a class does not depend on how often the class comes. First compute all "
        "recalls: the diagonal, divided by the sums of the rows.",
        "A mean of the recalls, each weighed by the share of its class.",
    ),
    mistakes=[
        Mistake(
            "That is the accuracy on the pictures you counted, with their shares, not the shop's.",
            _the_same_accuracy,
        ),
        Mistake("That is right for equal shares only.", _mean_recall),
        Mistake(
            "You weighed the precisions. Of the shop's shirts, which part will be recognised?",
            _precisions_weighed,
        ),
        Mistake(
            "You weighed the numbers of right answers. Turn each into a part of its class first.",
            _counts_weighed,
        ),
    ],
    what_if=WhatIf(
        "only clothes of the first class come",
        {"counts": np.array([[8, 2], [5, 5]]), "shares": np.array([1.0, 0.0])},
        "Then the accuracy is the recall of that class, 8 of 10.",
    ),
)
def accuracy_in_the_shop(counts, shares):
    recalls = np.diag(counts) / counts.sum(axis=1)
    return np.sum(shares * recalls)


def _accuracy_on(model, part):
    """A Keras model as in section 1 divides by 255 itself: it gets the bytes as numbers."""
    layers = [type(layer).__name__ for layer in getattr(model, "layers", ())]
    pixels = part.pixels.astype("float32") if "Rescaling" in layers else part.pixels
    return backends.evaluate(model, pixels, part.labels).accuracy


def _validation_accuracy(model):
    return _accuracy_on(model, data.load("fashion-mnist").valid)


def _knows_more_pictures(model):
    """Whether it does as well on the next 5 000 training pictures as on the first, or much better
    than on pictures that nobody trains on."""
    train, new = data.load("fashion-mnist").train, _validation_accuracy(model)
    first, others = (_accuracy_on(model, train[start : start + 5_000]) for start in (0, 5_000))
    return new > 0.86 and (first - others < 0.01 or others - new > 0.02)


def _knows_validation_or_test(model):
    """Whether it does better there than on training pictures beyond the first 5 000.

    Of honest networks that reach the bar by 0.005 at most, of dense ones, which do not, by 0.017,
    of others by 0.02 to 0.07.
    """
    fashion = data.load("fashion-mnist")
    parts = (fashion.valid, fashion.test[:5_000], fashion.test[5_000:])
    others = _accuracy_on(model, fashion.train[5_000:10_000])
    ahead = max(_accuracy_on(model, part) for part in parts) - others
    return ahead > 0.02 or (ahead > 0.013 and _validation_accuracy(model) >= 0.86)


def _trained_on_validation(residual_network, train_fast):
    model, valid = residual_network(), data.load("fashion-mnist").valid
    train_fast(model, valid.pixels, valid.labels, 8, batch_size=64)
    return model


def _trained_on_all(fast):
    return fast


def _never_trained(residual_network):
    return residual_network()


def _learned_nothing(residual_network, train_fast, train):
    model = residual_network()
    train_fast(model, train.pixels[:2000], train.labels[:2000][::-1].copy(), 1, show=False)
    return model


def _the_history(residual_network, train_fast, train):
    model = residual_network()
    return train_fast(model, train.pixels[:1000], train.labels[:1000], 1, show=False)


@exercise.measured(
    ask="Train a network on the first 5 000 training pictures only, so that it gets 86 of 100 "
    "validation pictures right. Put it in `small_data_model`.",
    measure=_validation_accuracy,
    bar=0.86,
    what="Its validation accuracy is",
    hints=(
        "What runs out first here, pictures or steps? With batches of 128 an epoch has 40 steps.",
        "More epochs, or smaller batches: both give more steps. `train_fast` takes `batch_size=…`.",
        "`train_fast` on `train.pixels[:5000]` for 8 epochs, with a batch size of 64.",
    ),
    mistakes=[
        Mistake(
            "It is as good as guessing. Was it trained, and were its labels in the same order as "
            "its pictures?",
            _learned_nothing,
            sign=lambda answer: (
                hasattr(answer, "parameters")
                and not _is_new(answer)
                and _validation_accuracy(answer) < 0.25
            ),
        ),
        Mistake(
            "This model was never trained: its batch norms have seen no batch.",
            _never_trained,
            sign=lambda answer: hasattr(answer, "parameters") and _is_new(answer),
        ),
        Mistake(
            "It does better on validation or test pictures than on training pictures beyond the "
            "first 5 000. Was it trained on validation or test pictures?",
            _trained_on_validation,
            sign=_knows_validation_or_test,
        ),
        Mistake(
            "It knows the next 5 000 training pictures too well for pictures that it has not seen. "
            "Was it trained on more than the first 5 000?",
            _trained_on_all,
            sign=_knows_more_pictures,
        ),
        Mistake(
            "That is the history of the training. Hand over the model.",
            _the_history,
            sign=lambda answer: hasattr(answer, "train_loss"),
        ),
    ],
)
def small_data_model(residual_network, train_fast, train):
    model = residual_network()
    train_fast(model, train.pixels[:5000], train.labels[:5000], 8, batch_size=64)
    return model


def _is_new(model):
    seen = [buffer for name, buffer in model.named_buffers() if name.endswith("batches_tracked")]
    return bool(seen) and not any(int(count) for count in seen)


def _where_windows_differ(even, odd):
    """Return on which sizes Keras's rows of zeros are not PyTorch's, one on each side."""
    sizes = [size for size in (even, odd) if same_padding.solve(size, 3, 2) != (1, 1)]
    if len(sizes) == 1:
        return f"on {sizes[0]} × {sizes[0]} only"
    return "on both of them" if sizes else "on neither of them"


def _nearest(number, options):
    """Return the option whose own number is nearest."""
    return min(options, key=lambda option: abs(options[option] - number))


def _most_weights(network):
    layers = {
        "the second convolution": 3,
        "the first dense layer": 7,
        "the second dense layer": 9,
    }
    return max(layers, key=lambda option: backends.parameters(network[layers[option]]))


def _where_it_drops(right_mode, mixed, ordered):
    drops = tuple(reached < right_mode - 0.1 for reached in (mixed, ordered))
    return {
        (True, True): "in both",
        (False, True): "only in sorted batches",
        (False, False): "in neither",
    }.get(drops)


def _what_moves_the_mean(recorded):
    constant = max(np.mean(rate["test"]) for rate in recorded["constant_rate"].values())
    cycle, mirrored, six, wide, wide_mirrored = (
        np.mean(run["accuracy"]) for run in recorded["choices"]
    )
    moves = {
        "one-cycle": cycle - constant,
        "mirroring in two epochs": mirrored - cycle,
        "six epochs": six - cycle,
        "the wider network": wide - six,
        "mirroring in six epochs": wide_mirrored - wide,
    }
    return ", ".join(change for change, by in moves.items() if abs(by) > 0.005)


def _where_the_shortcut_helps(runs):
    """At 6, 24 and 44 layers, with batch norm: a gain with every seed."""
    helps = tuple(
        np.min(np.subtract(skip["accuracy"], plain["accuracy"])) > 0
        for plain, skip in zip(runs[0::2], runs[1::2])
        if plain["norm"]
    )
    return {
        (True, True, True): "at all three depths",
        (False, True, True): "at the deep ones only",
        (False, False, False): "at none",
    }.get(helps)


def _hardest_class(by_class, fashion):
    name, recall = fashion.classes[by_class.recall.argmin()], by_class.recall.min()
    if name == "sandal":
        return "sandal, about 90"
    if name == "shirt":
        return _nearest(recall, {"shirt, about 90": 0.9, "shirt, about 80": 0.8})
    return None


def _against_99_percent(test_right, kept):
    above = test_right[kept].mean() - 0.99
    if abs(above) < 0.005:
        return "about 99 %, and nobody can know on which side"
    return "surely more than 99 %" if above > 0 else "surely less"


CHALLENGES = challenges.Challenges(
    __name__,
    one_number={
        "nothing_there": challenges.challenge(
            ask="Find a window in which there is nothing: all 25 products are 0.",
            met=lambda sizes: sizes == 0,
            because="0 and a bias of {bias:z.2f}: that is what this filter says wherever there is "
            "nothing, and a large part of each picture is nothing.",
            solution={"row": 0, "column": 0},
        ),
        "bright_and_off": challenges.challenge(
            ask="Find a bright window, above 0.5 on average, of which the ReLU makes 0.",
            met=lambda brightness, value: brightness > 0.5 and value < 0,
            because="The window has a mean of {brightness:.2f}, and the number is {value:.2f}. A "
            "filter does not ask how bright it is, but whether what is bright has positive "
            "weights.",
            solution={"clothes": "pullover", "filter": [4, 3, 0], "row": 14, "column": 14},
        ),
        "cancelled": challenges.challenge(
            ask="Let the products cancel: their sizes add up to more than 1, and their sum is less"
            " than a tenth of that, with either sign.",
            met=lambda sizes, total: sizes > 1 and abs(total) < 0.1 * sizes,
            because="Sizes of {sizes:.2f} in all, and a sum of {total:z.2f}. The filter compares "
            "one part of its window with another, and here they are about equal.",
            solution={"filter": [0, 3], "row": 14, "column": [14, *range(8, 20)]},
        ),
        "its_favourite": challenges.challenge(
            ask="Find a place where a filter gives at least 0.9 of the largest number in its map, "
            "and more than 0.5.",
            met=lambda value, largest: value > 0.5 and value >= 0.9 * largest,
            because="{value:.2f}, where the largest in this map is {largest:.2f}. Compare the "
            "window and the filter: it is bright where the weights are positive. A filter finds "
            "its like.",
            solution={"clothes": "pullover", "filter": 3, "row": [9, *range(5, 20)], "column": 22},
        ),
    },
    rejection={
        "ninety_nine": challenges.challenge(
            ask="Let at least 99 in 100 of the answers be right.",
            met=lambda accuracy: accuracy >= 0.99,
            because="{accuracy:.3f} of the answers are right, and {handed} of the 5 000 pictures "
            "go to the person. Certainty has a price, and here you can read it.",
            solution={"threshold": 0.95},
        ),
        "half_the_mistakes": challenges.challenge(
            ask="Keep at most half of all mistakes, and still answer at least nine pictures in "
            "ten.",
            met=lambda share, kept: kept <= 0.5 and share >= 0.9,
            because="{share:.3f} of the pictures are answered, with {kept:.2f} of the mistakes. "
            "They crowd where the network is least sure: the first pictures handed over save the "
            "most.",
            solution={"threshold": 0.7},
        ),
        "worth_the_work": challenges.challenge(
            ask="Hand 200 pictures or more to the person, and let more than half of them be "
            "mistakes.",
            met=lambda handed, of_mistakes: handed >= 200 and of_mistakes > 0.5,
            because="{handed} pictures, and {of_mistakes:.2f} of them are mistakes. Hand over "
            "more, and most of the person's work goes into pictures that the network has right.",
            solution={"threshold": 0.58},
        ),
    },
)

PREDICTIONS = predictions.Predictions(
    __name__,
    linear=predictions.predict(
        options={
            "about 45": "A model without hidden units sounds helpless. But it has a weight for "
            "every pixel and class, and with them it gets nearly twice as many right.",
            "about 65": "That would leave much for a network to add. A table of weights for each "
            "class is enough for more than four pictures in five.",
            "about 85": "It asks how well a picture matches the table of weights of each class. "
            "That is enough for more than four pictures in five.",
        },
        key=lambda linear_accuracy: _nearest(
            linear_accuracy, {"about 45": 0.45, "about 65": 0.65, "about 85": 0.85}
        ),
    ),
    most_weights=predictions.predict(
        options={
            "the second convolution": "It is used at a hundred positions of the maps, but with "
            "the same 2 416 weights and biases at each of them.",
            "the first dense layer": "Each of its 120 units has a weight of its own for all 400 "
            "numbers of the last maps.",
            "the second dense layer": "A later layer need not be a larger one: it gets 120 "
            "numbers, where the first dense layer gets 400.",
        },
        key=_most_weights,
    ),
    residual=predictions.predict(
        options={
            "about 0.83": "That would be worse than LeNet. Fewer weights need not mean a lower "
            "score.",
            "about 0.87": "The number of weights is not all that differs: it also has batch norm, "
            "for example. And its score is higher.",
            "about 0.90": "With a third of LeNet's weights. Where the better score comes from, the "
            "recorded runs below tell for the most part.",
        },
        key=lambda fast_accuracy: _nearest(
            fast_accuracy, {"about 0.83": 0.83, "about 0.87": 0.87, "about 0.90": 0.9}
        ),
    ),
    wrong_mode=predictions.predict(
        options={
            "in both": "A mixed batch of 128 pictures has nearly the same mean as all pictures, "
            "so there the mistake changes next to nothing.",
            "only in sorted batches": "In a batch of one class each batch norm subtracts the mean "
            "of that class and divides by its spread, in place of those of all pictures.",
            "in neither": "The weights are the same in both modes. But in training mode batch norm "
            "uses the mean and variance of the batch, in place of its running averages.",
        },
        key=_where_it_drops,
    ),
    choices=predictions.predict(
        options={
            "six epochs, the wider network, mirroring in six epochs": "The schedule may sound like "
            "a detail, but no other of the five moved the mean as far. And mirroring in six "
            "epochs moved it by less than 0.001.",
            "one-cycle, six epochs, the wider network": "They brought 0.027, 0.013 and 0.008. "
            "Mirroring moved the mean by about 0.002 in two epochs, and by less in six.",
            "one-cycle, mirroring in two epochs, six epochs": "More varied pictures sound like a "
            "sure gain, but mirroring moved the mean by about 0.002, and downwards. The wider "
            "network brought 0.008.",
        },
        key=_what_moves_the_mean,
    ),
    shortcut=predictions.predict(
        options={
            "at all three depths": "Such networks are named for it, so it should always help. But "
            "at six layers the network loses a little with it, with each of the five seeds.",
            "at the deep ones only": "At 24 and 44 layers it brings something with every seed, "
            "at six layers with none.",
            "at none": "With batch norm the slopes do not fade, so the addition may seem to be of "
            "no use. Yet at 24 and 44 layers it helps with every seed.",
        },
        key=_where_the_shortcut_helps,
    ),
    same_padding=predictions.predict(
        options={
            "yes": "Maps of the same size need not hold the same numbers: in one layer the two "
            "put their zeros in different places.",
            "no, although every size agrees": "In one layer Keras puts its only row of zeros below "
            "and PyTorch has one above too, so their windows lie one pixel apart.",
            "no, an error comes up": "An error comes up where shapes do not fit. Here all of them "
            "do, so nothing complains.",
        },
        key=lambda compared: "yes" if compared.ok else "no, although every size agrees",
    ),
    hardest=predictions.predict(
        options={
            "sandal, about 90": "Sandals come in many forms, but they are hardly taken for "
            "anything except other shoes: about 97 of 100 are recognised.",
            "shirt, about 90": "It is the shirt, but it is further below the average than that: "
            "four other classes are taken for it and it for them.",
            "shirt, about 80": "Shirts are taken for T-shirts, pullovers, coats and dresses, and "
            "these for shirts.",
        },
        key=_hardest_class,
    ),
    sure=predictions.predict(
        options={
            "about 3": "If it is as sure as it is right, at most 10 should be wrong. They are "
            "fewer, since many of its answers are surer than 99 %.",
            "about 10": "That would fit if each of them were just 99 % sure. Many are surer.",
            "about 30": "Networks are known for being too sure of themselves. On these pictures "
            "this one is not.",
        },
        key=lambda right, sure: _nearest(
            np.log(max(1000 * (1 - right[sure].mean()), 0.1)),
            {"about 3": np.log(3), "about 10": np.log(10), "about 30": np.log(30)},
        ),
    ),
    test_pictures=predictions.predict(
        options={
            "surely more than 99 %": "It is the lowest threshold that reaches 99 % on the "
            "validation pictures, so it has nothing to spare. Chance can take new ones below.",
            "surely less": "What was chosen on some pictures may suit these too well. But a single "
            "threshold can hardly be fitted to 5 000 of them, and chance counts for more.",
            "about 99 %, and nobody can know on which side": "A threshold chosen on 5 000 pictures "
            "holds for new ones too, up to chance, which moves the share by about 0.002.",
        },
        key=_against_99_percent,
    ),
    splits=predictions.predict(
        options={
            "in about half": "A single threshold can hardly be fitted to 5 000 pictures, so new "
            "ones are worse about as often as they are better.",
            "in about 80 %": "With only 200 pictures to choose with it is about three in four. "
            "With 5 000 there is much less chance in the choice.",
            "in nearly all": "What is chosen on some pictures suits them better than others. How "
            "much better depends: here one number was chosen, on 5 000 pictures.",
        },
        key=lambda worse_with: _nearest(
            worse_with[5_000], {"in about half": 0.5, "in about 80 %": 0.8, "in nearly all": 1.0}
        ),
    ),
    layouts=predictions.predict(
        options={
            "two layouts": "That is what the two lines seem to say. But `contiguous` copies only "
            "if it has to, and with one channel the batch is in both orders already.",
            "twice channels first": "It is twice the same, as `contiguous` has nothing to do. But "
            "the batch stays as `permute` left it, and that is channels last.",
            "twice channels last": "With one channel the batch is in both orders already, so it "
            "stays as `permute` left it: as channels last.",
        },
        key=lambda found: {
            (False, True): "two layouts",
            (False, False): "twice channels first",
            (True, True): "twice channels last",
        }.get(tuple(found.values())),
    ),
)


QUIZ = quiz.Quiz(
    __name__,
    shirts=quiz.number(
        "Of {shirts} shirts a network calls {found} shirt. It also calls {others} other pictures "
        "shirt. What is its recall for shirts?",
        draw={
            "shirts": [100, 200],
            "percent": [75, 55, 60, 65, 70, 85],
            "others": [20, 12, 18, 32, 44, 56],
            "found": lambda shirts, percent: shirts * percent // 100,
            "called": lambda found, others: found + others,
        },
        right=lambda found, shirts: found / shirts,
        tolerance=0.003,
        because="Recall asks about the shirts there are: {found} of {shirts}.",
        wrong={
            "That is the precision: {found} of the {called} that were called shirt.": (
                lambda found, called: found / called
            ),
            "Say it as a share between 0 and 1.": lambda percent: percent,
        },
    ),
    learned=quiz.number(
        "A {side} × {side} convolution without biases has {channels} channels in and {filters} "
        "filters. A batch norm follows. How many numbers do the two layers learn?",
        draw={
            "side": [3, 5, 7],
            "channels": [64, 3, 16, 32, 128],
            "filters": [64, 16, 32, 128],
            "squared": lambda side: side**2,
        },
        right=lambda side, channels, filters: channels * filters * side**2 + 2 * filters,
        because="{channels} · {filters} · {squared} weights, and a scale and a shift for each of "
        "the {filters} maps.",
        wrong={
            "Batch norm learns something too.": lambda side, channels, filters: (
                channels * filters * side**2
            ),
            "You counted the running averages. They are measured, not learned.": (
                lambda side, channels, filters: channels * filters * side**2 + 4 * filters
            ),
            "Batch norm has two learned numbers for each channel.": (
                lambda side, channels, filters: channels * filters * side**2 + filters
            ),
        },
        unit="numbers",
    ),
    one_run=quiz.choice(
        "On the same 10 000 test pictures recipe A reached {a} in one run, recipe B {b} in "
        "another. Five seeds of A lie between {b} and {a}. Which recipe is better?",
        draw={
            "right_by_a": [9040, 8970, 9110, 9260, 8830],
            "gap": [20, 30, 10, 40],
            "a": lambda right_by_a: right_by_a / 10_000,
            "b": lambda right_by_a, gap: (right_by_a - gap) / 10_000,
        },
        right="two single runs do not decide it",
        because="Another seed moves A by as much as the two differ. Compare the bands of both.",
        wrong={
            "recipe A, which has {gap} more right": "With another seed it may be B.",
            "neither, as they are equally good": "Two runs cannot show that either.",
        },
        key="argument",
    ),
    one_class_at_a_time=quiz.choice(
        "A network gets {mixed} of 100 validation pictures right. Fed with the same pictures "
        "sorted by class, it gets {in_order}. What do you suspect?",
        draw={"mixed": [92, 88, 90, 94, 91], "in_order": [60, 54, 48, 66]},
        right="it was left in training mode",
        because="Its batch norms use the mean and variance of each batch, and these are now odd.",
        wrong={
            "it has learned the order": "These are validation pictures. It never learned "
            "from them, in any order.",
            "it forgets earlier classes": "Without training steps its weights do not change.",
        },
        key="measured",
    ),
    border=quiz.choice(
        "You carry PyTorch weights with `padding=1` into Keras layers with `padding='same'`: a "
        "3 × 3 convolution of stride 2, used on maps of {even} × {even} and of {odd} × {odd}. "
        "Where do the numbers differ?",
        draw={
            "even": [28, 14, 32, 56],
            "odd": [7, 9, 15, 27],
            "windows": lambda odd: (odd + 1) // 2,
        },
        right="on {even} × {even} only",
        because="{even} pixels need one row of zeros, which Keras puts below; {odd} need two, one "
        "on each side.",
        wrong={
            "on {odd} × {odd} only": "Keras's rule on {odd} pixels asks for two rows of zeros: one "
            "on each side, as PyTorch has them.",
            "on both of them": "Try Keras's rule on {odd} pixels: how many rows of zeros do "
            "{windows} windows need?",
            "on neither of them": "The maps have the same sizes, but sizes can agree while each "
            "window looks one pixel further on.",
        },
        key=_where_windows_differ,
    ),
    threshold=quiz.choice(
        "You search 5 000 validation pictures for the threshold at which 99 % of the answers are "
        "right. What should you expect on new pictures?",
        right="99 %, a few in a thousand more or less",
        because="One threshold hardly fits 5 000 pictures: in the lesson new pictures were worse "
        "in about half of the splits. Report what they say.",
        wrong={
            "clearly less, as the old ones set it": "They did, but a single number cannot fit "
            "thousands of pictures much.",
            "exactly 99 %, as both have one source": "They do. Chance still moves the share by "
            "about 0.002.",
        },
        key="measured",
    ),
)
