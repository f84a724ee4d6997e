"""Facts, exercises and quiz of notebooks/*_gradients_and_saliency.ipynb."""

import functools

from dlcourse import (
    arrays,
    backends,
    challenges,
    data,
    exercise,
    predictions,
    pretrained,
    quiz,
    written_tests,
)
from dlcourse.exercise import Mistake, WhatIf

import numpy as np

TITLE = "Which pixels matter"
NEEDS = ("11", "20", "21", "50")
DATA = ("digits", "photographs", "efficientnet-lite0")


def _the_slope(weights, pixels, k):
    return weights[:, k]


def _the_size(weights, pixels, k):
    return np.abs(weights[:, k] * pixels)


def _added_up(weights, pixels, k):
    return weights[:, k] @ pixels


def _the_mean(weights, pixels, k):
    return np.full(len(pixels), weights[:, k] @ pixels / len(pixels))


def _the_row(weights, pixels, k):
    return weights[k] * pixels


def _all_classes(weights, pixels, k):
    return weights * pixels[:, None]


def _some_model(random):
    pixels, classes = random.integers(1, 10), random.integers(1, 5)
    return {
        "weights": random.integers(-20, 21, (pixels, classes)) / 4,
        "pixels": random.random(pixels).round(2),
        "k": int(random.integers(classes)),
    }


@exercise.function(
    size="finish this line",
    ask="Return the share (D,) of each pixel in the score of class `k`, for the linear model with "
    "`weights` (D, K).",
    cases=[
        {"weights": np.array([[1.0, 2.0], [3.0, -4.0]]), "pixels": np.array([0.5, 0.25]), "k": 1},
        {"weights": np.arange(9.0).reshape(3, 3) - 5, "pixels": np.array([0, 1, 0.5]), "k": 0},
    ],
    draw=_some_model,
    hints=(
        "The score of class `k` is a sum over the pixels, plus a bias. What is one term of it?",
        "One term is a weight times a brightness. Which column of `weights` belongs to class `k`?",
        "`weights[:, k]` times `pixels`, element by element.",
    ),
    mistakes=[
        Mistake("Those are the slopes: they would be the same for every picture.", _the_slope),
        Mistake("You lost the signs: a pixel can speak against a class.", _the_size),
        Mistake("You added the shares up. Keep one for each pixel.", _added_up),
        Mistake("Each pixel gets the same. How much does each one add?", _the_mean),
        Mistake(
            "Those are the shares in all scores. Return those of class `k` only.", _all_classes
        ),
        Mistake(
            "You took a row of `weights`: those belong to one pixel and all classes. With as many "
            "pixels as classes no error tells you.",
            _the_row,
        ),
    ],
    what_if=WhatIf(
        "a pixel is black",
        {"weights": np.array([[2.0, 1.0], [3.0, 1.0]]), "pixels": np.array([0.0, 1.0]), "k": 0},
        "A black pixel has no share, however large its weight: that it is black cannot "
        "show in such a map.",
    ),
)
def shares_of_score(weights, pixels, k):
    return weights[:, k] * pixels


def _white_pixels(shares_of_score):
    weights = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])
    assert np.allclose(shares_of_score(weights, np.ones(2), 1), [-2, 5])


def _only_the_total(shares_of_score):
    weights = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])
    pixels = np.array([2.0, 0.5])
    assert np.isclose(np.sum(shares_of_score(weights, pixels, 1)), weights[:, 1] @ pixels)


def _nothing_against(shares_of_score):
    weights = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert np.allclose(shares_of_score(weights, np.array([2.0, 0.5]), 1), [4, 2.5])


@written_tests.of(
    shares_of_score,
    ask="Write a test that every right `shares_of_score` passes and that a wrong one fails.",
    hints=(
        "A model of two pixels and three classes is enough: six weights of your own.",
        "If a pixel is 1, its share is its weight. And where nothing is negative, no sign can be "
        "lost.",
        "Weights −2 and 5 for the class, pixels 2 and 0.5: the shares are −4 and 2.5.",
    ),
    mistakes=[
        Mistake(
            "The slopes alone, without the pixels, pass. For which pixels is a share no slope?",
            _white_pixels,
        ),
        Mistake(
            "Shares whose sum is right pass, though each one is wrong. Compare one by one.",
            _only_the_total,
        ),
        Mistake(
            "Shares that have lost their sign pass. Let a weight of the class be negative.",
            _nothing_against,
        ),
    ],
)
def test_shares_of_score(shares_of_score):
    weights = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])  # (2 pixels, 3 classes)
    pixels = np.array([2.0, 0.5])
    assert np.allclose(shares_of_score(weights, pixels, 1), [-4, 2.5])


def _of_a_sum(image, k):
    """Slope of score = 3 a - 2 b, whatever the class."""
    return np.array([3.0, -2.0])


def _of_a_square(image, k):
    """Slope of score = a² + k b²."""
    return 2 * image * np.array([1, k])


def _of_a_ceiling(image, k):
    """Slope of score = min(a, 1) + min(b, 1)."""
    return (image < 1) * 1.0


def _mean_slope(slope, image, k, baseline, steps):
    way = image - baseline
    return sum(slope(baseline + (j + 0.5) / steps * way, k) for j in range(steps)) / steps


def _times_image(slope, image, k, baseline, steps):
    return image * _mean_slope(slope, image, k, baseline, steps)


def _not_divided(slope, image, k, baseline, steps):
    return (image - baseline) * steps * _mean_slope(slope, image, k, baseline, steps)


def _end_only(slope, image, k, baseline, steps):
    return (image - baseline) * slope(image, k)


def _of_a_cube(image, k):
    """Slope of score = (k + 1) times the sum of the cubes."""
    return 3 * (k + 1) * image**2


def _some_way(random):
    shape = random.integers(1, 4, random.integers(1, 4))
    return {
        "slope": random.choice([_of_a_cube, _of_a_ceiling]),
        "image": random.normal(0.5, 1, shape).round(2),
        "k": int(random.integers(4)),
        "baseline": float(random.choice([0, 0.5, 1])),
        "steps": int(random.integers(1, 9)),
    }


@exercise.function(
    ask="Finish the function: return the integrated gradients, shaped like `image`.",
    cases=[
        {"slope": slope, "image": np.array(image), "k": k, "baseline": baseline, "steps": steps}
        for slope, image, k, baseline, steps in (
            (_of_a_ceiling, [2.0, 0.5], 0, 0.0, 8),
            (_of_a_square, [1.0, 2.0], 3, 0.5, 5),
            (_of_a_sum, [0.2, 0.7], 0, 0.5, 4),
        )
    ],
    draw=_some_way,
    tolerance=1e-5,
    hints=(
        "In the loop, `total` collects the slopes at all the points. What does the formula do with "
        "their sum?",
        "The formula needs the mean of the slopes. And it multiplies by how far each value has "
        "gone: from the baseline, not from 0.",
        "The mean slope is `total / steps`; multiply it by `way`.",
    ),
    mistakes=[
        Mistake(
            "That is the mean slope. A slope is not yet a share: how far did each value go?",
            _mean_slope,
        ),
        Mistake(
            "It is right for a black baseline only. How far is it from the baseline to the image?",
            _times_image,
        ),
        Mistake(
            "Twice as many steps would give twice as much. The formula has a mean.", _not_divided
        ),
        Mistake(
            "You took the slope at the image only, where the score may have levelled off.",
            _end_only,
        ),
    ],
    what_if=WhatIf(
        "the image is the baseline",
        {"slope": _of_a_square, "image": np.ones(2), "k": 1, "baseline": np.ones(2), "steps": 4},
        "There is no way to go, so nothing is shared out, whatever the score is.",
    ),
)
def integrated_gradients(slope, image, k, baseline, steps):
    way = image - baseline
    total = 0 * image
    for j in range(steps):
        share = (j + 0.5) / steps
        total = total + slope(baseline + share * way, k)
    return way * total / steps


def _brightness(image):
    """Score = brightness of the whole image, its lower half counted twice."""
    return image.sum() + image[len(image) // 2 :].sum()


def _brightest(image):
    return image.max()


def _left_covered(score, image, patch):
    """`score(image)`: the score of one class, a number."""
    whole = score(image)
    drops = np.zeros((image.shape[0] // patch, image.shape[1] // patch))
    for row, column in np.ndindex(drops.shape):
        top, left = row * patch, column * patch
        covered = image
        covered[top : top + patch, left : left + patch] = 0.5
        drops[row, column] = whole - score(covered)
    return drops


def _what_is_left(score, image, patch):
    return score(image) - occlusion.solve(score, image, patch)


def _rise(score, image, patch):
    return -occlusion.solve(score, image, patch)


def _rows_and_columns_swapped(score, image, patch):
    return occlusion.solve(score, image, patch).T


def _contrast(image):
    """Score = brightness, each value weighed by its place, and what is above one half once more."""
    return (image * np.arange(image.size).reshape(image.shape) / 9).sum() + (image > 0.5).sum()


def _some_image(random):
    patch, rows, columns, channels = random.integers(1, 4, 4)
    return {
        "score": random.choice([_contrast, _brightness, _brightest]),
        "image": random.random((rows * patch, columns * patch, channels)).round(2),
        "patch": int(patch),
    }


@exercise.function(
    ask="Fix the function: it must return how far the score drops when a grey square covers each "
    "place by itself.",
    cases=[
        {"score": score, "image": np.random.default_rng(seed).random((6, 6, 3)), "patch": patch}
        for seed, (score, patch) in enumerate(
            ((_brightness, 3), (_brightness, 2), (_brightest, 3), (_brightest, 1))
        )
    ],
    draw=_some_image,
    tolerance=1e-5,
    hints=(
        "Draw `covered` after the second round of the loop. How many squares are grey?",
        "`covered = image` makes no new picture: it is a second name for the same one.",
        "Give each place a fresh picture: `image.copy()`.",
    ),
    given=_left_covered,
    mistakes=[
        Mistake(
            "The squares stay: each place is measured with all earlier ones still covered.",
            _left_covered,
        ),
        Mistake("That is the score that is left. How far did it drop?", _what_is_left),
        Mistake(
            "Look at the sign: a place that the score needs must get a positive number.", _rise
        ),
        Mistake("Rows and columns are swapped.", _rows_and_columns_swapped),
    ],
    what_if=WhatIf(
        "the picture is as grey as the square",
        {"score": np.sum, "image": np.full((2, 2, 1), 0.5), "patch": 1},
        "Grey on grey changes nothing: what is grey cannot show in this map.",
    ),
)
def occlusion(score, image, patch):
    whole = score(image)
    drops = np.zeros((image.shape[0] // patch, image.shape[1] // patch))
    for row, column in np.ndindex(drops.shape):
        top, left = row * patch, column * patch
        covered = image.copy()
        covered[top : top + patch, left : left + patch] = 0.5
        drops[row, column] = whole - score(covered)
    return drops


SIDE, DROP = 48, 0.15


@functools.cache
def _network_and_picture():
    photographs = data.load("photographs")
    picture = photographs.train.images[photographs.classes.index("cameraman")]
    return pretrained.load("efficientnet-lite0", "pytorch"), picture


def _drop(place):
    """Return how far the probability of the tripod drops with a grey square at a place."""
    sides = np.asarray(place)
    if sides.shape != (2,) or sides.dtype.kind not in "iuf" or (sides % 1).any():
        raise TypeError("a place is two whole numbers")
    network, picture = _network_and_picture()
    row, column = map(int, place)
    covered = picture.copy()
    covered[row : row + SIDE, column : column + SIDE] = 0.5
    scores = backends.scores(network, np.stack([picture, covered]), batch_size=1)
    k = scores[0].argmax()
    before, after = arrays.softmax(scores)[:, k]
    return float(before - after)


def _inside(place):
    return all(0 <= int(side) <= 224 - SIDE for side in place)


def _the_middle():
    return 88, 88


def _swapped():
    return 112, 144


def _sticks_out():
    return 200, 112


@exercise.measured(
    ask="Put into `square` the row and column (whole numbers) of the upper left corner of a grey "
    "square, 48 pixels wide, that lowers the probability of *tripod* by 0.15 or more.",
    measure=_drop,
    bar=DROP,
    what="The probability of the tripod drops by",
    hints=(
        "A square over the middle makes the network surer: less man. Centred on the place where "
        "the legs meet it changes next to nothing. Print the probability for a few places further "
        "down.",
        "Just below the place where the legs meet one square still covers parts of all three. (A "
        "place on a single leg can do it, too.) Move it a few pixels at a time: the region is "
        "small.",
        "Try every place with a row from 112 to 160 and a column from 80 to 128, in steps of 16; "
        "keep the one with the lowest probability.",
    ),
    mistakes=[
        Mistake(
            "It sticks out: rows and columns of the corner go from 0 to 176.",
            _sticks_out,
            sign=lambda place: len(place) == 2 and not _inside(place),
        ),
        Mistake(
            "That is the middle of the picture, and there it makes the network surer: less man. "
            "Where is the tripod itself?",
            _the_middle,
            sign=lambda place: max(abs(int(side) - 88) for side in place) <= 8 and _drop(place) < 0,
        ),
        Mistake(
            "The row comes first, counted from the top, then the column, from the left.",
            _swapped,
            sign=lambda place: _drop(place) < DROP <= _drop(tuple(place)[::-1]),
        ),
    ],
)
def square(probability_of_tripod, cameraman):
    def with_square(row, column):
        covered = cameraman.copy()
        covered[row : row + 48, column : column + 48] = 0.5
        return probability_of_tripod(covered)

    places = [(r, c) for r in range(112, 161, 16) for c in range(80, 129, 16)]
    return min(places, key=lambda place: with_square(*place))


def _methods_that_give_a_share(knee, grey, bright):
    """Return which of the two gives a share to a pixel whose score rises up to `knee`."""

    def slope(brightness, k):
        return (brightness < knee).astype(float)

    pixel = np.array([bright])
    share = integrated_gradients.solve(slope, pixel, 0, np.array([grey]), 50)
    found = bool((pixel * slope(pixel, 0)).any()), bool(share.any())
    return {
        (False, False): "neither of the two",
        (True, False): "gradient × input only",
        (False, True): "integrated gradients only",
        (True, True): "both of the two",
    }[found]


def _changed(first, second):
    """Say where two slopes (D,) differ."""
    differ = (np.abs(first - second) > 1e-6).mean()
    if differ == 0:
        return "not at all"
    return "everywhere a little" if differ > 0.9 else "where the ink lies"


def _strongest(found, places, count=20):
    """Return how many of the `count` strongest blocks of 8 × 8 pixels lie in each place."""
    sizes = np.abs(found).reshape(28, 8, 28, 8).mean(axis=(1, 3))
    strong = np.zeros(sizes.size)
    strong[sizes.argsort(axis=None)[-count:]] = 1
    return [strong.reshape(28, 28)[place].sum() for place in places.values()]


ON_CAMERAMAN = {  # rows and columns of blocks
    "the place where hands and camera meet": np.s_[6:12, 12:19],
    "the sleeve of the dark coat": np.s_[13:17, 8:15],
    "the lower legs of the tripod": np.s_[20:28, 11:21],
}
ON_ASTRONAUT = {
    "the flag behind her": np.s_[0:14, 0:6],
    "the helmet in her arms": np.s_[18:28, 15:28],
    "the shuttle": np.s_[0:16, 19:26],
}


def _in_no_map(maps, titles):
    """Return the place of the cameraman that none of the five maps made of slopes singles out."""
    found = [maps[method][titles.index("cameraman")] for method in maps if method != "occlusion"]
    counts = np.max([_strongest(each, ON_CAMERAMAN) for each in found], axis=0)
    return [*ON_CAMERAMAN][counts.argmin()]


def _in_most_maps(maps, titles):
    """Return the place of the astronaut in which most maps have the most of their strongest."""
    counts = [_strongest(each[titles.index("astronaut")], ON_ASTRONAUT) for each in maps.values()]
    return [*ON_ASTRONAUT][np.bincount(np.argmax(counts, axis=1)).argmax()]


def _part_of_dark(maps, place, dark):
    size = np.abs(maps["integrated from black"][place])
    return _nearest(size[dark].sum() / size.sum(), 0.02, 0.13, 0.3)


def _nearest(value, *numbers):
    return f"about {min(numbers, key=lambda number: abs(number - value))}"


def _three_lost(lost_at_2):
    methods = ("saliency", "integrated from grey", "random pixels")
    means = [lost_at_2[method].mean() for method in methods]
    told = {
        "0.4, 0.6, 0.1": (0.4, 0.6, 0.1),
        "0.6, 0.4, 0.3": (0.6, 0.4, 0.3),
        "all about 0.5": (0.5, 0.5, 0.5),
    }
    return min(told, key=lambda option: np.abs(np.subtract(told[option], means)).sum())


def _by_size(recorded):
    by_sign = recorded["mean"]
    more = [np.mean(each) - np.mean(by_sign[name]) for name, each in recorded["by size"].items()]
    if min(more) > 0.02:
        return "more of the probability"
    return "less" if max(more) < -0.02 else "as much"


def _better_with_black(rows):
    (_, black, _), (_, grey, _) = rows
    if abs(black - grey) < 0.1:
        return "neither"
    return "from black" if black > grey else "from grey again"


def _map_of_espresso(found, correlation):
    own, absurd = (values.mean() for values in found)
    if absurd < 0.1 * own:
        return "be empty"
    return "show the rocket" if correlation > 0.5 else "show something else"


def _signed(rows):
    value = np.mean([float(row[2]) for row in rows])
    return f"near {min((1, 0.5, 0), key=lambda number: abs(number - value))}"


def _changes_more(in_pytorch, in_keras, moved):
    def change(slopes):
        pairs = zip(in_pytorch, slopes)
        return np.median([np.abs(a - b).max() / np.abs(a).max() for a, b in pairs])

    if change(in_keras) > change(moved):
        return "to take the other framework"
    return "to stay in PyTorch and move every pixel by a millionth"


CHALLENGES = challenges.Challenges(
    __name__,
    covering={
        "three_quarters": challenges.challenge(
            ask="Cover 2 % of the pixels, and let the network lose three quarters of its "
            "probability.",
            met=lambda percent, lost: percent == 2 and lost >= 0.75,
            because="{lost:.2f} of it is gone, and 98 of 100 pixels are as they were. For covering"
            " with grey, these are the pixels that the answer rests on.",
            solution={"photograph": "astronaut", "method": "integrated from grey"},
        ),
        "worse_than_random": challenges.challenge(
            ask="Find a map that loses less than dots at random do, by 0.1 or more of the "
            "probability.",
            met=lambda lost, at_random: lost <= at_random - 0.1,
            because="Covering what the map names costs {lost:z.2f}, and as many dots at random "
            "cost {at_random:.2f}. Without the random dots you would not know what to expect.",
            solution={"photograph": "astronaut", "method": "disc in the middle"},
        ),
        "surer_than_before": challenges.challenge(
            ask="Cover 20 % of a photograph, and make the network surer of its answer, by a "
            "twentieth or more.",
            met=lambda percent, lost: percent == 20 and lost <= -0.05,
            because="Its probability goes from {before:.2f} to {after:.2f}. What is covered had "
            "spoken against the answer, or for another one.",
            solution={"photograph": "cat", "method": "disc in the middle", "percent": 20},
        ),
        "a_test_that_tells": challenges.challenge(
            ask="Find where 20 % of dots at random cost less than 0.1 of the probability, and the "
            "dots of a map more than 0.3.",
            met=lambda percent, lost, at_random: percent == 20 and at_random < 0.1 and lost > 0.3,
            because="{at_random:z.2f} at random, {lost:.2f} where the map says. Here the grey dots"
            " as such do nothing, so what is lost is due to the places that the map has chosen.",
            solution={"photograph": "cameraman", "method": "occlusion", "percent": 20},
        ),
    },
)

PREDICTIONS = predictions.Predictions(
    __name__,
    slopes=predictions.predict(
        options={
            "where the ink lies": "The ink decides what a pixel adds to the score, weight times "
            "brightness. The slope is the weight alone.",
            "everywhere a little": "So it can be in a network with bends, where the slope changes "
            "with the picture. A sum has no bends.",
            "not at all": "The slope of a sum along a pixel is the weight of that pixel, and both "
            "pictures meet the same weights.",
        },
        key=_changed,
    ),
    past_the_bend=predictions.predict(
        options={
            "1": "That is what the score gained on the way from 0. Gradient × input does not look "
            "at the way, only at the slope in x = 2.",
            "2": "So it would be with a slope of 1, which the score had below x = 1.",
            "0": "At x = 2 the score has levelled off. Its slope there is 0, and 0 times 2 is 0.",
        },
        key=lambda slope_of_min, x: f"{(slope_of_min(x) * x)[0]:.0f}",
    ),
    gap=predictions.predict(
        options={
            "by 1 per cent": "For the digit one step already does better than that. But that was "
            "another network, and only 64 pixels.",
            "by 10 per cent": "27 lies in the paper's range of 20 to 300 steps. What was enough "
            "for other networks and pictures need not be enough here.",
            "by 40 per cent": "The formula is exact in the limit of many steps. With few of them "
            "the sum knows only the slopes where it looked: here 9 steps did worse than 3.",
        },
        key=lambda photograph: (
            f"by {min((1, 10, 40), key=lambda each: abs(each - 100 * photograph))} per cent"
        ),
    ),
    tripod=predictions.predict(
        options={
            "the place where hands and camera meet": "To us this is the man at work, not the "
            "tripod. But every one of the five maps has some of its strongest blocks here.",
            "the sleeve of the dark coat": "It is no part of a tripod, yet saliency and the map "
            "from grey are strong here.",
            "the lower legs of the tripod": "One expects the maps to mark what the answer names. "
            "They show where the score reacts to small changes, or what a way from a baseline "
            "added, and that need not be the same place.",
        },
        key=_in_no_map,
    ),
    bobsled=predictions.predict(
        options={
            "the flag behind her": "It has strong colours and edges, which catch our eyes. None "
            "of the maps has many of its strongest blocks here.",
            "the helmet in her arms": "Four of the six are strong here. Whether the helmet is the "
            "cause of 'bobsled', a map alone cannot tell.",
            "the shuttle": "Only gradient × input and integration from black are strong here, "
            "beside the shuttle more than on it.",
        },
        key=_in_most_maps,
    ),
    dark=predictions.predict(
        options={
            "about 0.02": "Counted from black, the way to a dark pixel is nearly 0, and a share is "
            "a slope times the way.",
            "about 0.13": "So it would be if a pixel's share did not depend on its brightness. But "
            "slopes are multiplied by the way from the baseline.",
            "about 0.3": "That is their part in the map from grey, where the way to black is long. "
            "From black there is hardly a way.",
        },
        key=_part_of_dark,
    ),
    at_2_percent=predictions.predict(
        options={
            "0.4, 0.6, 0.1": "On average the pixels that the map from grey names first cost most. "
            "Those that saliency names cost less, random ones least.",
            "0.6, 0.4, 0.3": "A large slope sounds like an important pixel. But it tells what a "
            "small change does, and for many pixels grey is a large one.",
            "all about 0.5": "Then no map would be worth more than chance. Most of the answer "
            "survives 2 % of the pixels if they are random, on average.",
        },
        key=_three_lost,
    ),
    by_size=predictions.predict(
        options={
            "more of the probability": "Size collects all pixels that matter much. Some of them "
            "speak against the class, and covering those can help it.",
            "as much": "Then the signs would be noise. No eye can read them, but they decide which "
            "pixels are covered.",
            "less": "By size, pixels that speak against the class are covered too. By sign they "
            "come last.",
        },
        key=_by_size,
    ),
    covered_with_black=predictions.predict(
        options={
            "from grey again": "It names the pixels where going to grey costs most. Going to black "
            "costs on two photographs, helps the answer on two, and is about 0 in the mean.",
            "from black": "It tells what each pixel adds on the way from black, and here pixels "
            "are set back to black.",
            "neither": "That would need two maps which do not care what pixels are covered with. "
            "Each of them does better with its own baseline.",
        },
        key=_better_with_black,
    ),
    espresso=predictions.predict(
        options={
            "be empty": "Where there is no espresso, one expects nothing to explain. But every "
            "class has a score, and every score has slopes.",
            "show something else": "So it would be if the map explained the answer. It shows where "
            "a score is sensitive, and for both classes that is nearly the same place.",
            "show the rocket": "The score for 'espresso' is low, but it reacts to changes of the "
            "rocket too.",
        },
        key=_map_of_espresso,
    ),
    signed=predictions.predict(
        options={
            "near 1": "The maps of missile and espresso were alike. But they hold sizes, averaged "
            "over blocks. The signs of single pixels are another matter.",
            "near 0.5": "Even the same class, on the photograph taken again, has only 0.2 to 0.5: "
            "slopes of single pixels are noisy.",
            "near 0": "The signs depend on the class, and a map of sizes leaves them out.",
        },
        key=_signed,
    ),
    last_digits=predictions.predict(
        options={
            "to take the other framework": "It is other code with the same formula and the same "
            "weights. It rounds differently, but that changes less than a millionth of the "
            "brightness does.",
            "to stay in PyTorch and move every pixel by a millionth": "Some units are so close to "
            "a bend that a millionth decides whether their slope is 0 or 1.",
        },
        key=_changes_more,
    ),
)


QUIZ = quiz.Quiz(
    __name__,
    black=quiz.choice(
        "Gradient × input gives a black pixel the share 0. What does that say about the network?",
        right="nothing about its use of this pixel",
        because="With brightness 0 the product is 0, whatever the slope. A black coat is invisible "
        "to the method, not to the network.",
        wrong={
            "that it makes no use of this pixel": "Its slope may be large: brighten the pixel and "
            "the score may jump.",
            "that no score rises with this pixel": "The slope is hidden in the product, "
            "which is 0 for any slope.",
        },
        key="argument",
    ),
    levelled_off=quiz.choice(
        "A score rises with a pixel until its brightness is {knee}, then it stays. The pixel has "
        "brightness {bright}, and the baseline is grey, {grey}. Which gives the pixel a share, "
        "gradient × input or integrated gradients?",
        draw={
            "knee": [0.5, 0.3, 0.35, 0.4, 0.45],
            "bright": [0.9, 0.8, 0.85, 0.95],
            "grey": [0.6, 0.55, 0.65, 0.7],
        },
        right="neither of the two",
        because="At {bright} the slope is 0, and on the way from {grey} to {bright} it is 0 all "
        "along. From black, integrated gradients would give it all that the score gained on the "
        "way.",
        wrong={
            "gradient × input only": "{bright} times a slope of 0 is 0.",
            "integrated gradients only": "From {grey} to {bright} the score does not rise. The "
            "baseline decides.",
            "both of the two": "The slope is 0 at {bright}, and on the whole way there.",
        },
        key=_methods_that_give_a_share,
    ),
    complete=quiz.number(
        "A picture has the score {score}, the baseline the score {baseline}. Your integrated "
        "gradients add up to {total}. By how much do they miss what they promise?",
        draw={
            # Two even numbers and an odd one: no two of the sums below are then the same.
            "baseline": [2, 4, 6],
            "missing": [2, 4, 6, 8],
            "total": [5, 3, 7, 9, 11],
            "gained": lambda total, missing: total + missing,
            "score": lambda baseline, gained: baseline + gained,
        },
        right=lambda score, baseline, total: score - baseline - total,
        because="They should add up to {score} - {baseline} = {gained}. More steps, or steps where "
        "the score rises.",
        wrong={
            "The baseline has a score too: only {gained} was gained.": lambda score, total: (
                score - total
            ),
            "That is how far the sum is from the baseline's score. What was gained on the way?": (
                lambda total, baseline: abs(total - baseline)
            ),
        },
    ),
    covered=quiz.choice(
        "You cover 20 % of the pixels, drawn at random, with grey, and the right answer is gone. "
        "What follows?",
        right="nothing about which pixels matter",
        because="A picture full of grey dots is strange to the network. That is why a map must be "
        "compared with random dots, and at small shares.",
        wrong={
            "that these pixels matter the most": "On most photographs other random pixels do "
            "the same harm.",
            "that every pixel of a picture matters": "It gives the cat its score at 4 % of the "
            "brightness; it is the dots that disturb it.",
        },
        key="measured",
    ),
    clear_map=quiz.choice(
        "A SmoothGrad map for *missile* shows the outline of the rocket. A colleague concludes "
        "that the network sees the rocket as a missile. Which test would you ask for first?",
        right="this rocket's map for *espresso*",
        because="It shows the rocket too: the sizes of slopes hardly depend on the class, even an "
        "absurd one.",
        wrong={
            "this rocket's map in finer blocks": "A sharper picture of the same thing proves no "
            "more.",
            "ten other rockets' maps for *missile*": "Ten more maps for the one class cannot tell "
            "whether the map knows the class.",
        },
        key="measured",
    ),
)
