"""Facts, exercises and quiz of notebooks/*_image_gan.ipynb."""

import copy
import functools

from dlcourse import exercise, quiz
from dlcourse.exercise import Mistake

import numpy as np

TITLE = "Generating images"
STUDY_MINUTES = 120
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
            "Right for a window of 4 with padding 1. What does a wider stamp change?",
            _pixels_times_stride,
        ),
        Mistake("That is the size after a convolution. This layer makes maps larger.", _forwards),
        Mistake("Padding is cut off here, not added.", _padding_added),
        Mistake("Between three stamps there are two steps.", _one_stamp_more),
        Mistake("Padding is cut off at both ends.", _cut_once),
        Mistake("You never cut the padding off.", _not_cut),
    ],
)
def grown_size(pixels, window, stride, padding):
    return (pixels - 1) * stride + window - 2 * padding


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


QUIZ = quiz.Quiz(
    __name__,
    beaten=quiz.number(
        "The fakes are perfect, and the discriminator says 1/2 to everything. What is its loss, "
        "−log of its probability once for a real picture and once for a fake, added up?",
        right=1.386,
        tolerance=0.015,
        because="Twice log 2: what the best discriminator has when nothing can be told apart.",
        wrong={
            0.0: "That is the loss of one that is sure and right every time.",
            0.693: "That is half of it: real pictures or fakes. It sees both.",
            1.0: "The probabilities add up to 1. The loss is the logarithm of each.",
        },
        unit="nats",
    ),
    losses=quiz.choice(
        "The generator's loss has fallen to nearly 0. What do you know?",
        right="this discriminator is fooled",
        because="The loss compares the players. Against a discriminator that no longer learns it "
        "goes to 0 while the pictures get worse.",
        wrong={
            "the pictures are as good as real ones": "They have to please one discriminator only, "
            "and a pattern that nobody wears can do that.",
            "the generator has collapsed to one picture": "It may have, and it may not: the loss "
            "does not look at variety.",
        },
    ),
    copier=quiz.choice(
        "A generator's Fréchet distance equals that of real training pictures. What do you check "
        "next?",
        right="the nearest training pictures",
        because="A generator that hands out training pictures gets just such a distance. Look for "
        "moved copies, too.",
        wrong={
            "the distance to the training pictures instead of the test pictures": "A copier would "
            "look even better there.",
            "the discriminator's loss": "It says how the game stands, not what was copied.",
        },
    ),
    saturating=quiz.choice(
        "What speaks for training the generator on −log σ(s), and not on log(1 − σ(s))?",
        right="its slope is large for a bad fake",
        because="There the slope is nearly −1; that of minimax is nearly 0. But Adam divides "
        "slopes by their usual size, and in the lesson both losses led equally far.",
        wrong={
            "its slope is larger everywhere": "Only for s below 0. For a fake that is taken for "
            "real, minimax pulls harder.",
            "its smallest value is reached for other pictures": "Both raise the score. They differ "
            "in how hard they pull.",
            "it keeps the generator from drawing one picture only": "It asks for high scores too, "
            "and says nothing about variety.",
        },
    ),
    size=quiz.number(
        "A transposed convolution with a window of 4, stride 2 and padding 1 gets 14 pixels along "
        "one side. How many does it give?",
        right=28,
        because="The last stamp begins at 13 · 2 = 26 and ends at 30; one pixel is cut off at both "
        "ends.",
        wrong={
            30: "Padding is cut off at both ends.",
            7: "That is what the convolution with the same numbers does.",
            29: "Padding is cut off at both ends, not at one.",
        },
        unit="pixels",
    ),
)
