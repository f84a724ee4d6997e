"""Facts, exercises and quiz of notebooks/*_image_gan.ipynb."""

import copy
import functools

from dlcourse import challenges, exercise, predictions, quiz, written_tests
from dlcourse.exercise import Mistake, WhatIf

import numpy as np

TITLE = "Generating images"
NEEDS = ("11", "20", "21")
DATA = ("fashion-mnist",)


def _share_of_fakes(p, q):
    return q / (p + q)


def _ratio(p, q):
    return p / q


def _the_larger(p, q):
    return np.where(p > q, 1.0, 0.0)


def _difference(p, q):
    return p - q


def _without_brackets(p, q):
    with np.errstate(invalid="ignore"):
        return p / p + q


def _some_densities(random):
    shape = random.integers(1, 4, random.integers(3))  # one number, a row, a table
    p, q = random.integers(0, 9, (2, *shape)) / random.choice([10, 1000])
    return {"p": p, "q": q + (p == 0) * 0.002}


@exercise.function(
    size="finish this line",
    ask="Return the probability of real that the best discriminator gives at a point where real "
    "points have density `p` and fakes density `q`; both may be arrays.",
    cases=[
        {"p": 0.3, "q": 0.1},
        {"p": np.array([0.4, 0.2, 0.0]), "q": np.array([0.4, 0.6, 0.5])},
    ],
    draw=_some_densities,
    hints=(
        "Count. Near x there are 30 real points and 10 fakes. You draw one of them: how likely is "
        "it to be real?",
        "The real ones, as a share of all points there.",
        "Divide p by the sum of p and q.",
    ),
    mistakes=[
        Mistake("That is the probability of a fake.", _share_of_fakes),
        Mistake("A probability cannot be above 1. Divide by all points, not by the fakes.", _ratio),
        Mistake(
            "You always choose the likelier one. A probability says how likely it is.",
            _the_larger,
        ),
        Mistake("Where both are equal this gives 0, but real is as likely as not.", _difference),
        Mistake("`p / p + q` divides first, then adds. Brackets are missing.", _without_brackets),
    ],
    what_if=WhatIf(
        "neither real pictures nor fakes ever lie at a point",
        {"p": np.array([0.0]), "q": np.array([0.0])},
        "0 / 0 is nan: where nothing comes, no answer is better than another.",
    ),
)
def best_discriminator(p, q):
    return p / (p + q)


def _sigmoid(s):
    return 1 / (1 + np.exp(-s))


def _minimax(s):
    return -_sigmoid(s)


def _wrong_sign(s):
    return 1 - _sigmoid(s)


def _of_the_sigmoid(s):
    return -_sigmoid(s) * (1 - _sigmoid(s))


def _loss_itself(s):
    return -np.log(_sigmoid(s))


def _without_chain(s):
    return -1 / _sigmoid(s)


def _some_scores(random):
    scores = random.normal(0, random.choice([1, 5, 30]), random.integers(1, 4, random.integers(3)))
    return {"s": scores.round(1)}


@exercise.function(
    ask="Return the slope of −log σ(s) along the score `s`.",
    cases=[{"s": 0.0}, {"s": np.array([-5.0, -1.0, 2.0])}],
    draw=_some_scores,
    hints=(
        "Two functions in a row: the logarithm of the sigmoid. So the chain rule: the slope of the "
        "logarithm, times the slope of the sigmoid.",
        "The slope of log y is 1 / y, and the sigmoid's own slope is σ (1 − σ). Something cancels.",
        "With σ = 1 / (1 + exp(−s)), the slope is σ − 1: nearly −1 where the discriminator is "
        "sure.",
    ),
    mistakes=[
        Mistake("That is the slope of minimax: nearly 0 where it should pull.", _minimax),
        Mistake("The size is right. A higher score should make the loss smaller.", _wrong_sign),
        Mistake("That is the slope of −σ(s). Where is the logarithm?", _of_the_sigmoid),
        Mistake("That is the loss. Return its slope along s.", _loss_itself),
        Mistake(
            "You have the logarithm's slope. The sigmoid inside it has a slope too.",
            _without_chain,
        ),
    ],
    what_if=WhatIf(
        "the score is −800",
        {"s": -800.0},
        "e to the power of 800 is infinite for a computer, but 1 / ∞ is 0, so the slope "
        "is right: the worst of fakes is pushed most.",
    ),
)
def non_saturating_slope(s):
    sigmoid = 1 / (1 + np.exp(-s))
    return sigmoid - 1


def _flipped(real_scores, fake_scores):
    def softplus(s):
        return np.logaddexp(0, s)

    return softplus(real_scores).mean() + softplus(-fake_scores).mean()


def _only_real(real_scores, fake_scores):
    return np.logaddexp(0, -real_scores).mean()


def _both_real(real_scores, fake_scores):
    return np.logaddexp(0, -real_scores).mean() + np.logaddexp(0, -fake_scores).mean()


def _both_fake(real_scores, fake_scores):
    return np.logaddexp(0, real_scores).mean() + np.logaddexp(0, fake_scores).mean()


def _sums(real_scores, fake_scores):
    return np.logaddexp(0, -real_scores).sum() + np.logaddexp(0, fake_scores).sum()


def _one_mean_for_all(real_scores, fake_scores):
    return np.logaddexp(0, np.concatenate([-real_scores, fake_scores])).mean()


def _one_mean_for_all_twice(real_scores, fake_scores):
    return 2 * _one_mean_for_all(real_scores, fake_scores)


def _halved(real_scores, fake_scores):
    return judging_loss.solve(real_scores, fake_scores) / 2


def _some_scores_of_both(random):
    spread = random.choice([1, 5, 20])
    real, fake = (random.normal(0, spread, random.integers(1, 6)).round(1) for _ in range(2))
    return {"real_scores": real, "fake_scores": fake}


@exercise.function(
    ask="Fix the discriminator's loss, the mean over the real pictures plus the mean over the "
    "fakes: it must be small when real pictures get high scores and fakes low ones.",
    cases=[
        {"real_scores": np.array([3.0, 1.0]), "fake_scores": np.array([-2.0, -4.0, 1.0])},
        {"real_scores": np.array([0.0]), "fake_scores": np.array([0.0])},
    ],
    draw=_some_scores_of_both,
    tolerance=1e-5,
    hints=(
        "Try a perfect discriminator: 10 for the real ones, −10 for the fakes. How large should "
        "its loss be, and how large is it?",
        "softplus is near 0 for a very negative number. Which sign must a high score of a real "
        "picture get?",
        "softplus of minus the real scores, and softplus of the fake scores as they are.",
    ),
    given=_flipped,
    mistakes=[
        Mistake("A perfect discriminator still gets the largest loss: look at both signs.",
                _flipped),
        Mistake("The fakes are left out: a discriminator that praises everything gets 0.",
                _only_real),
        Mistake("This rewards high scores for real pictures and for fakes.", _both_real),
        Mistake("This rewards low scores for real pictures and for fakes.", _both_fake),
        Mistake("Those are sums: more pictures would give a larger loss. Take the mean of each.",
                _sums),
        Mistake("You take one mean over all pictures. The real ones have theirs, the fakes theirs.",
                (_one_mean_for_all, _one_mean_for_all_twice)),
        Mistake("That is half of it. Add the two means: at scores of 0 that gives 1.39, not 0.69.",
                _halved),
    ],
    what_if=WhatIf(
        "the discriminator gives 0 to everything",
        {"real_scores": np.zeros(2), "fake_scores": np.zeros(3)},
        "A score of 0 is a probability of one half, and each of the two means is then the "
        "logarithm of 2.",
    ),
)  # fmt: skip
def judging_loss(real_scores, fake_scores):
    def softplus(s):
        return np.logaddexp(0, s)

    return softplus(-real_scores).mean() + softplus(fake_scores).mean()


def _side_by_side(pixels, window, stride, padding):
    return pixels * window - 2 * padding


def _pixels_times_stride(pixels, window, stride, padding):
    return pixels * stride


def _forwards(pixels, window, stride, padding):
    return (pixels + 2 * padding - window) // stride + 1


def _padding_added(pixels, window, stride, padding):
    return (pixels - 1) * stride + window + 2 * padding


def _one_stamp_more(pixels, window, stride, padding):
    return pixels * stride + window - 2 * padding


def _cut_once(pixels, window, stride, padding):
    return (pixels - 1) * stride + window - padding


def _not_cut(pixels, window, stride, padding):
    return (pixels - 1) * stride + window


def _some_stamps(random):
    window, stride, padding = random.integers((1, 1, 0), (8, 5, 4)).tolist()
    pixels = 1 + -(-2 * padding // stride) + int(random.integers(20))  # something is left
    return {"pixels": pixels, "window": window, "stride": stride, "padding": padding}


@exercise.function(
    ask="Return how many pixels a transposed convolution gives along one side.",
    cases=[
        {"pixels": 7, "window": 4, "stride": 2, "padding": 1},
        {"pixels": 3, "window": 4, "stride": 2, "padding": 0},
        {"pixels": 5, "window": 3, "stride": 1, "padding": 1},
        {"pixels": 4, "window": 2, "stride": 3, "padding": 0},
    ],
    draw=_some_stamps,
    hints=(
        "Where does the first stamp begin, where the last, and how long is a stamp?",
        "The last stamp begins after one step of `stride` fewer than there are stamps.",
        "The last stamp begins at (pixels − 1) · stride and is `window` long; padding is cut off "
        "at both ends.",
    ),
    mistakes=[
        Mistake("You put the stamps side by side. They are `stride` apart.", _side_by_side),
        Mistake(
            "Right for stride 2 with a window of 4 and padding 1, since 4 − 2 · 1 is 2. What does "
            "a wider stamp change?",
            _pixels_times_stride,
        ),
        Mistake("That is the size after a convolution. This layer makes maps larger.", _forwards),
        Mistake("Padding is cut off here, not added.", _padding_added),
        Mistake("Between three stamps there are two steps.", _one_stamp_more),
        Mistake("Padding is cut off at both ends.", _cut_once),
        Mistake("You never cut the padding off.", _not_cut),
    ],
    what_if=WhatIf(
        "the stamps are narrower than the stride",
        {"pixels": 3, "window": 2, "stride": 4, "padding": 0},
        "Between the stamps lie pixels that none of them reaches: they get the bias alone.",
    ),
)
def grown_size(pixels, window, stride, padding):
    return (pixels - 1) * stride + window - 2 * padding


def _always_doubled(grown_size):
    assert grown_size(7, 4, 2, 1) == 14
    assert grown_size(14, 4, 2, 1) == 28


def _no_padding(grown_size):
    assert grown_size(4, 5, 3, 0) == 14
    assert grown_size(3, 2, 2, 0) == 6


@written_tests.of(
    grown_size,
    ask="Write a test that every right `grown_size` passes and that a wrong one fails.",
    hints=(
        "Draw three stamps of 5 pixels, each 3 pixels further than the one before. How many pixels "
        "do they cover?",
        "In this lesson's generator the size doubles every time. A function that multiplies by the "
        "stride passes there: take other windows.",
        "With padding 0 nothing is cut off, so nothing is said about it. Three stamps of 5 pixels, "
        "2 apart, cover 9, and with padding 1 one is cut off at each end.",
    ),
    mistakes=[
        Mistake(
            "A function that multiplies the size by the stride passes. It is right where a window "
            "less twice the padding is as wide as the stride: take another one.",
            _always_doubled,
        ),
        Mistake(
            "Functions that cut off too little, or nothing, pass. Ask with padding.", _no_padding
        ),
    ],
)
def test_grown_size(grown_size):
    assert grown_size(7, 4, 2, 1) == 14
    assert grown_size(3, 5, 2, 1) == 7
    assert grown_size(4, 5, 3, 0) == 14


PICTURES = 9_600  # that `my_run` may use
_RUNS = []  # what `short_run` has given


def kept(run):
    """Let the check remember what `run` gives: numbers that were typed it has not seen."""

    @functools.wraps(run)
    def keeping(*arguments, **settings):
        result = run(*arguments, **settings)
        _RUNS.append(copy.copy(result))  # the learner's own may be changed
        return result

    return keeping


def _the_settings():
    return {"batch_size": 16, "learning_rate": 0.002}


def _typed_in():
    return {"pictures": 9_600, "better_by": 12.0}


def _too_many_pictures(short_run):
    return short_run(batch_size=250, rounds=40)


def _hardly_trained(short_run):
    return short_run(rounds=2)


@exercise.measured(
    ask="Replace the `...` by a `short_run(…)` that uses at most 9 600 pictures (batch size times "
    "rounds) and beats the bell curve of pixels by at least 9.",
    measure=lambda run: run["better_by"],
    bar=9,
    what="It beats the bell curve of pixels by",
    hints=(
        "What helps a network to learn: more pictures seen, or more steps taken?",
        "Smaller batches leave more rounds for the same pictures.",
        "Batches of 8 leave 1 200 rounds; the learning rate can stay.",
    ),
    mistakes=[
        Mistake(
            "Those are settings. Hand over what `short_run` returns for them.",
            _the_settings,
            sign=lambda answer: (
                isinstance(answer, dict) and not {"pictures", "better_by"} <= answer.keys()
            ),
        ),
        Mistake(
            "That is not what a `short_run` gave. Hand over all that it returns, as it is: "
            "`my_run = short_run(…)`.",
            _typed_in,
            sign=lambda answer: answer not in _RUNS,
        ),
        Mistake(
            "That used more than 9 600 pictures: batch size times rounds.",
            _too_many_pictures,
            sign=lambda answer: answer["pictures"] > PICTURES,
        ),
        Mistake(
            "It is worse than the bell curve: too few rounds, or a learning rate that is far too "
            "small or too large.",
            _hardly_trained,
            sign=lambda answer: answer["better_by"] < 0,
        ),
    ],
)
def my_run(short_run):
    return short_run(batch_size=8, rounds=1_200)


def _where_it_pulls_harder():
    """Return for which fakes the slope of −log σ(s) is larger than that of minimax."""
    bad, good = np.array([-5.0]), np.array([5.0])
    steeper = [abs(non_saturating_slope.solve(s)) > abs(_minimax(s)) for s in (bad, good)]
    return {
        (True, False): "its slope is large for a bad fake",
        (True, True): "its slope is larger everywhere",
    }[tuple(map(bool, steeper))]


def _nearest(value, numbers):
    """Return which option is nearest to the value, of {option: number}."""
    return min(numbers, key=lambda option: abs(numbers[option] - value))


def _at_the_crossing(places, real_density, fake_density, best):
    between = np.flatnonzero((places >= 0) & (places <= 2))  # the means of both
    crossing = between[np.abs(real_density - fake_density)[between].argmin()]
    return _nearest(best[crossing], {"0": 0, "0.5": 0.5, "1": 1})


def _of_the_spread(path):
    spread = np.abs(path[:, 1])
    if spread.min() > 0.25:
        return "go straight to 0.5"
    return "fall to 0 and come back" if spread[-1] > 0.25 else "fall to 0 and stay there"


def _compared(first, second):
    if np.allclose(first, second, atol=1e-4):
        return "the same numbers"
    moved = np.allclose(first[:, :-1, :-1], second[:, 1:, 1:], atol=1e-4)
    return "the same numbers, moved by a pixel" if moved else "other numbers"


def _larger_player(generator_network, discriminator_network):
    generator, discriminator = (
        sum(weights.numel() for weights in make().parameters())
        for make in (generator_network, discriminator_network)
    )
    if 2 / 3 < generator / discriminator < 3 / 2:
        return "both about the same"
    return "the generator" if generator > discriminator else "the discriminator"


def _in_blocks(pictures):
    """Split pictures (N, 28, 28, 1) into means of blocks of 4 × 4 pixels and what they leave."""
    blocks = pictures.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4))
    return blocks, pictures[..., 0] - blocks.repeat(4, axis=1).repeat(4, axis=2)


def _what_comes_first(film):
    """Compare the middle of the film with its end: in what are they alike?"""
    middle, end = film[len(film) // 2 - 1], film[-1]
    if middle.std(axis=0).mean() < 0.2 * end.std(axis=0).mean():
        return "one good shoe, six times"
    coarse, fine = (
        np.corrcoef(early.ravel(), late.ravel())[0, 1]
        for early, late in zip(_in_blocks(middle), _in_blocks(end))
    )
    return "rough outlines" if coarse > fine else "sharp details"


def _of_the_floor(floor, baseline):
    if floor > baseline / 2:
        return "as large as the baseline"
    return "a little above 0" if floor > 1e-3 else "exactly 0"


def _with_minimax(of_losses, baseline):
    usual, minimax = (
        np.mean(of_losses[name]["distance"]) for name in ("non-saturating", "minimax")
    )
    if minimax < 1.4 * usual:
        return "about the same"
    near = minimax > 0.9 * baseline
    return "near the baseline, since it hardly learns" if near else "about twice as large"


CAUGHT = "yes, its distances are far smaller than those of the test pictures"


def _caught(rows):
    medians = {name: float(median) for name, median, _ in rows}
    return CAUGHT if medians["moved copies"] < medians["test pictures"] / 2 else "no"


def _beats_the_network(rows):
    distances = {name: float(distance) for name, distance in rows}
    ours = distances["this notebook"]
    better = [distances[name] < ours for name in ("copier", "one bell curve for each class")]
    return ("neither", "the copier only", "both")[sum(better)]


def _with_frozen_judge(film_alone):
    """Compare six pictures before and after 200 rounds alone: is what came alike in all?"""
    before, after = (film_alone[each].reshape(6, -1) for each in (min(film_alone), max(film_alone)))
    if after.std(axis=0).mean() < 0.2 * before.std(axis=0).mean():
        return "one picture, the same for any noise"
    alike = (np.corrcoef(after - before).sum() - 6) / 30  # the mean over pairs
    return "clothes covered with a pattern" if alike > 0.15 else "the best ones so far"


def _losses_later(recorded):
    later = [recorded[run]["generator_loss"] for run in ("only_time", "any")]
    larger = sum(loss[-1] > loss[19] for loss in later)  # means of 100 rounds
    return (
        "smaller in both",
        "smaller in one and larger in the other",
        "larger in both",
    )[larger]


def _as_asked(found, asked):
    share = np.mean(found == asked)
    return _nearest(share, {"about 50": 0.5, "about 85": 0.85, "all": 1})


def _in_the_middle(through_noise, mixed):
    middle, double = through_noise[5, :, :, 0], mixed[5, :, :, 0]
    if np.abs(middle - double).mean() < 0.02:
        return "a boot and a pullover on top of each other"
    beside = np.corrcoef(middle[:, 1:].ravel(), middle[:, :-1].ravel())[0, 1]
    return "one thing with clean edges" if beside > 0.5 else "noise"


CHALLENGES = challenges.Challenges(
    __name__,
    latent_explorer={
        "another_class": challenges.challenge(
            ask="Make a picture that the expert takes for another class than the one you chose.",
            met=lambda clothes, said: said != clothes,
            because="You asked for {clothes}, the expert says {said}. The label is one input among"
            " many: far enough along a strong direction, the noise says more than the label.",
            solution={"clothes": "sneaker", "first": -2.5, "second": -2.0},
        ),
        "bright": challenges.challenge(
            ask="Make a picture with a mean brightness above 0.55 that the expert still takes for "
            "what you chose.",
            met=lambda clothes, said, brightness: said == clothes and brightness > 0.55,
            because="A mean brightness of {brightness:.2f}, and still {said}. Along these two "
            "directions size and brightness change most: what the thing is changes less often.",
            solution={"clothes": "bag", "first": -3.0, "second": -0.5},
        ),
        "on_the_border": challenges.challenge(
            ask="Stand on a border: the expert's two highest probabilities less than 0.05 apart.",
            met=lambda gap: gap < 0.05,
            because="They are {gap:.3f} apart. One step further the expert's answer jumps, and the"
            " picture hardly changes: the border is the expert's, the generator has none here.",
            solution={"clothes": "ankle boot", "first": 2.8, "second": 0.2},
        ),
    },
)

PREDICTIONS = predictions.Predictions(
    __name__,
    crossing=predictions.predict(
        options={
            "0": "That would mean: surely a fake. Half of the points there are real.",
            "0.5": "Where the curves cross, a real point and a fake are equally likely.",
            "1": "That would mean: surely real. Half of the points there are fakes.",
        },
        key=_at_the_crossing,
    ),
    pull=predictions.predict(
        options={
            "about 2": "Both raise s, so one expects a similar pull. But that of minimax has the "
            "size σ(s), which is less than 0.01 at s = −5.",
            "about 10": "The factor is 10 near s = −2.3. It grows with every step to the left.",
            "more than 100": "At s = −5 minimax pulls with σ(s), less than 0.01, and the other "
            "loss with nearly 1.",
        },
        key=lambda pull: _nearest(
            np.log(pull),
            {"about 2": np.log(2), "about 10": np.log(10), "more than 100": np.log(200)},
        ),
    ),
    spread=predictions.predict(
        options={
            "go straight to 0.5": "So it goes downhill, when the hill stands still. Here the slope "
            "comes from the other player, who moves too.",
            "fall to 0 and stay there": "For a thousand rounds it looks like that. But the "
            "discriminator goes on learning.",
            "fall to 0 and come back": "With all fakes in one point the discriminator can learn "
            "that point, and then it pays to spread out again.",
        },
        key=_of_the_spread,
    ),
    narrow_window=predictions.predict(
        options={
            "the same numbers": "The sizes agree, so it seems. But one row and one column are cut "
            "off, and not at the same end.",
            "the same numbers, moved by a pixel": "Both frameworks add up the same stamps, 15 "
            "pixels along each side. PyTorch cuts the first one off, Keras the last.",
            "other numbers": "The stamps and their sums are the same in both. Only what is cut off "
            "differs.",
        },
        key=_compared,
    ),
    weights=predictions.predict(
        options={
            "the generator": "117 153 against 19 921. It need not be so: the sizes were our "
            "choice.",
            "the discriminator": "Its task may seem the harder one. But that does not decide how "
            "many weights a network has.",
            "both about the same": "Their middles mirror each other. Their ends do not.",
        },
        key=_larger_player,
    ),
    film=predictions.predict(
        options={
            "sharp details": "The fine grid is there from the first rounds, but it is the same all "
            "over and comes from the layers. Details of clothes come last.",
            "rough outlines": "Blots first, then blurred outlines, then details.",
            "one good shoe, six times": "That would be mode collapse, which can happen. Here the "
            "six differ.",
        },
        key=_what_comes_first,
    ),
    floor=predictions.predict(
        options={
            "exactly 0": "So it would be for the same pictures. These are two samples, and by "
            "chance their means and covariances differ a little.",
            "a little above 0": "Two samples of real pictures differ by chance.",
            "as large as the baseline": "The baseline's pictures look different to the expert. "
            "Two samples of real ones differ by chance only.",
        },
        key=_of_the_floor,
    ),
    minimax=predictions.predict(
        options={
            "about twice as large": "The argument of section 1 lets one expect a difference. Over "
            "five seeds there was none that could be measured.",
            "about the same": "The means are 17.0 and 17.6, and the same runs played again differ "
            "by as much.",
            "near the baseline, since it hardly learns": "Its pull is weak where the discriminator "
            "is sure. It learned as much all the same.",
        },
        key=_with_minimax,
    ),
    moved_copies=predictions.predict(
        options={
            CAUGHT: "They are copies, so one expects them to be close. But pixels are compared "
            "place by place, and all of them have moved.",
            "no": "Moved by one pixel, a picture differs from itself along every edge. That is so "
            "much that for nearly all of them another training picture is nearer.",
        },
        key=_caught,
    ),
    two_more=predictions.predict(
        options={
            "the copier only": "Bell curves draw ghosts. But the distance compares means and "
            "covariances, and those they come close to, class by class.",
            "both": "The copier hands out real pictures. And ten bell curves come closer in means "
            "and covariances of the features, which is all that the distance compares.",
            "neither": "One makes nothing new and the other draws ghosts. The distance asks for "
            "neither novelty nor beauty.",
        },
        key=_beats_the_network,
    ),
    frozen_judge=predictions.predict(
        options={
            "the best ones so far": "The loss does fall. But it only asks what this one judge "
            "likes.",
            "one picture, the same for any noise": "The loss would allow it, since it does not ask "
            "for variety. Within 200 rounds it does not go so far.",
            "clothes covered with a pattern": "The generator finds what this judge gives high "
            "scores, and the judge no longer learns that it is no part of clothes.",
        },
        key=_with_frozen_judge,
    ),
    later_losses=predictions.predict(
        options={
            "smaller in both": "Up to round 2 000 it falls in both, like the distance. After that "
            "in one of them only.",
            "larger in both": "A better judge is harder to fool, so it could be. In one of the two "
            "it is so.",
            "smaller in one and larger in the other": "The loss says how the generator does "
            "against the discriminator, which changes as well.",
        },
        key=_losses_later,
    ),
    asked=predictions.predict(
        options={
            "about 50": "Ten more numbers sound like a weak hint. But the discriminator gets the "
            "class too, and can object to a good picture of another one.",
            "about 85": "Mostly it draws what it was asked for. Nor is the expert always right: it "
            "errs on about 8 of 100 real pictures.",
            "all": "Even of real pictures the expert gets only about 92 of 100 right.",
        },
        key=_as_asked,
    ),
    middle=predictions.predict(
        options={
            "a boot and a pullover on top of each other": "That is the lower row, where pixels are "
            "mixed. In the upper row the generator draws every step anew.",
            "one thing with clean edges": "The middle of two noise vectors is a noise vector, too, "
            "and the generator draws one thing from it.",
            "noise": "Noise is only what goes in. The generator learned to make clothes of it.",
        },
        key=_in_the_middle,
    ),
    adam=predictions.predict(
        options={
            "agree to 0.00001": "With SGD they did, and both values of ε are tiny. But some slopes "
            "are tiny as well.",
            "differ by more for about one in ten": "Keras adds its ε where it counts thirty times "
            "as much, and weights with small slopes take shorter steps.",
        },
        key=lambda rows: (
            "agree to 0.00001"
            if rows[0][1].startswith("less")
            else "differ by more for about one in ten"
        ),
    ),
)


QUIZ = quiz.Quiz(
    __name__,
    beaten=quiz.number(
        "The fakes are perfect, and the discriminator gives everything the probability {real} of "
        "being real. What is its loss, −log of the probability that it gives the truth, once for a "
        "real picture and once for a fake, added up?",
        draw={
            # Not 0.37: its −log is nearly 1, one of the wrong answers.
            "percent": [50, *range(10, 37), *range(38, 50), *range(51, 91)],
            "real": lambda percent: percent / 100,
            "fake": lambda percent: (100 - percent) / 100,
        },
        right=lambda real, fake: -np.log(real) - np.log(fake),
        tolerance=0.015,
        because="−log {real} for the real picture and −log {fake} for the fake. With 0.5 it is "
        "twice log 2, the least where nothing can be told apart.",
        wrong={
            "That is the loss of one that is sure and right every time.": lambda: 0.0,
            "That is for the real picture alone. It sees both.": lambda real: -np.log(real),
            "The probabilities add up to 1. The loss is the logarithm of each.": lambda: 1.0,
        },
        unit="nats",
    ),
    losses=quiz.choice(
        "The generator's loss, −log σ(s), has fallen almost to 0. What do you know?",
        right="its pictures fool this discriminator",
        because="The loss compares the players. Against a discriminator that no longer learns it "
        "goes to 0 while the pictures get worse.",
        wrong={
            "its pictures look like real ones": "They have to please one discriminator only, "
            "and a pattern that nobody wears can do that.",
            "its pictures are all the same": "They may be, or not: the loss does not "
            "look at variety.",
        },
        key="measured",
    ),
    copier=quiz.choice(
        "A generator's Fréchet distance equals that of real training pictures. What do you check "
        "next?",
        right="the training pictures nearest to its own",
        because="A generator that hands out training pictures gets just such a distance. Look for "
        "moved copies, too.",
        wrong={
            "the same distance for more of its pictures": "It gets more exact, and a copier still "
            "looks perfect.",
            "the loss of the discriminator it beats": "It says how the game stands, not what was "
            "copied.",
        },
        key="measured",
    ),
    saturating=quiz.choice(
        "What speaks for training the generator on −log σ(s), and not on log(1 − σ(s))?",
        right="its slope is large for a bad fake",
        because="There the slope is nearly −1; that of minimax is nearly 0. But Adam divides "
        "slopes by their usual size, and in the lesson both losses led equally far.",
        wrong={
            "its slope is larger everywhere": "Only for s below 0. For a fake that is taken "
            "for real, minimax pulls harder.",
            "its lowest value is elsewhere": "Both are lowest where the score is highest. "
            "They differ in how hard they pull.",
            "its lowest value needs variety": "It asks for high scores too, and says nothing "
            "about variety.",
        },
        key=_where_it_pulls_harder,
    ),
    size=quiz.number(
        "A transposed convolution with a window of {window}, stride {stride} and padding {padding} "
        "gets {pixels} pixels along one side. How many does it give?",
        draw={
            "pixels": [14, 7, 8, 10, 12, 16, 20],
            "window": [4, 5, 6],
            "stride": [2, 3],
            "padding": [1, 2],
            "last": lambda pixels: pixels - 1,
            "begins": lambda last, stride: last * stride,
            "ends": lambda begins, window: begins + window,
        },
        right=lambda ends, padding: ends - 2 * padding,
        because="The last stamp begins at {last} · {stride} = {begins} and ends at {ends}; "
        "{padding} is cut off at both ends.",
        wrong={
            "Padding is cut off at both ends.": lambda ends: ends,
            "That is what the convolution with the same numbers does.": (
                lambda pixels, window, stride, padding: (
                    (pixels + 2 * padding - window) // stride + 1
                )
            ),
            "Padding is cut off at both ends, not at one.": lambda ends, padding: ends - padding,
        },
        unit="pixels",
    ),
)
