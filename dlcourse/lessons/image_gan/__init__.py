"""Facts, exercises and quiz of notebooks/*_image_gan.ipynb."""

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


@exercise.function(
    ask="Return the probability of real that the best discriminator gives at a point where real "
    "points have density `p` and fakes density `q`; both may be arrays.",
    cases=[
        {"p": 0.3, "q": 0.1},
        {"p": np.array([0.4, 0.2, 0.0]), "q": np.array([0.4, 0.6, 0.5])},
    ],
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


@exercise.function(
    ask="Return the slope of −log σ(s) along the score `s`.",
    cases=[{"s": 0.0}, {"s": np.array([-5.0, -1.0, 2.0])}],
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


def _halved(real_scores, fake_scores):
    return judging_loss.solve(real_scores, fake_scores) / 2


@exercise.function(
    ask="Fix the discriminator's loss, the mean over the real pictures plus the mean over the "
    "fakes: it must be small when real pictures get high scores and fakes low ones.",
    cases=[
        {"real_scores": np.array([3.0, 1.0]), "fake_scores": np.array([-2.0, -4.0, 1.0])},
        {"real_scores": np.array([0.0]), "fake_scores": np.array([0.0])},
    ],
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


@exercise.function(
    ask="Return how many pixels a transposed convolution gives along one side.",
    cases=[
        {"pixels": 7, "window": 4, "stride": 2, "padding": 1},
        {"pixels": 3, "window": 4, "stride": 2, "padding": 0},
        {"pixels": 5, "window": 3, "stride": 1, "padding": 1},
        {"pixels": 4, "window": 2, "stride": 3, "padding": 0},
    ],
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


def _the_settings():
    return {"batch_size": 16, "learning_rate": 0.002}


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
            sign=lambda answer: "better_by" not in answer or "pictures" not in answer,
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
