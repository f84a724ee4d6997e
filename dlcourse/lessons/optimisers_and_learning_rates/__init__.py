"""Facts, exercises and quiz of notebooks/*_optimisers_and_learning_rates.ipynb."""

from dlcourse import exercise, predictions, quiz, written_tests
from dlcourse.exercise import Mistake, WhatIf

TITLE = "Optimisers and learning rates"
NEEDS = ()
DATA = ()


def _the_height(place):
    return place**2


def _the_place(place):
    return place


def _some_place(random):
    return {"place": round(random.normal(0, 3), 2)}


@exercise.function(
    ask="Return the slope of the parabola at `place`.",
    cases=[{"place": 1.0}, {"place": -0.5}],
    draw=_some_place,
    hints=(
        "Look at the figure: is the slope at -0.5 positive or negative?",
        "Twice the place: `2 * place`.",
    ),
    mistakes=[
        Mistake("That is the height of the curve. How steep is it?", _the_height),
        Mistake("That is the place. The slope is twice as large.", _the_place),
    ],
    what_if=WhatIf(
        "the place is the lowest point", {"place": 0.0}, "There the curve neither rises nor falls."
    ),
)
def slope_at(place):
    return 2 * place


def _at_two(slope_at):
    assert slope_at(2) == 4


@written_tests.of(
    slope_at,
    ask="Write a test that every right `slope_at` passes and that a wrong one fails.",
    hints=("Where is the height not the slope?", "At 1 the height is 1 and the slope 2."),
    mistakes=[Mistake("At your place the height and the slope are the same.", _at_two)],
)
def test_slope_at(slope_at):
    assert slope_at(1) == 2


def _uphill(place, step):
    return place + step * 2 * place


def _one_step_for_all(place, step):
    return place - step


def _some_step(random):
    return {**_some_place(random), "step": float(random.choice([0.01, 0.1, 0.25, 0.5]))}


@exercise.function(
    ask="Fix the function: one step has to bring us closer to the lowest point.",
    cases=[{"place": 1.0, "step": 0.1}, {"place": -0.5, "step": 0.25}],
    draw=_some_step,
    hints=(
        "Start at 1 and take one step. Are you closer to 0?",
        "Where the curve rises, you have to go back: what is the sign of the step?",
    ),
    given=_uphill,
    mistakes=[
        Mistake("Your step goes uphill. Which way does the slope point?", _uphill),
        Mistake("Your step is always the same. It should grow with the slope.", _one_step_for_all),
    ],
)
def downhill(place, step):
    return place - step * 2 * place


def _rule_at_one():
    return 2.0


@exercise.value(
    ask="Put the place where the slope is 3 into `steep_place`.",
    hints=("Twice which number is 3?", "Half of 3."),
    mistakes=[Mistake("The slope there is 4.", _rule_at_one)],
)
def steep_place():
    return 3 / 2


def _place_after_ten_steps(step):
    place = 1.0
    for _ in range(10):
        place = downhill.solve(place, step)
    return place


def _one_that_jumps_over():
    return 1.0


@exercise.measured(
    ask="Choose a `step_size` with which ten steps from 1 come within 0.001 of the lowest point.",
    measure=lambda step: 1 - abs(_place_after_ten_steps(step)),
    bar=0.999,
    what="The share of the way that your ten steps go is",
    hints=(
        "With 0.1 each step goes a fifth of what is left. Is that enough?",
        "At 0.5 one step is all it takes; a little less will do as well.",
    ),
    mistakes=[
        Mistake(
            "Your steps jump over the lowest point, there and back again. Try shorter ones.",
            _one_that_jumps_over,
            sign=lambda step: step >= 1,
        )
    ],
)
def step_size():
    return 0.4


PREDICTIONS = predictions.Predictions(
    __name__,
    steepest=predictions.predict(
        options={
            "in the middle": "There it is level.",
            "at both ends": "Its slope grows with the distance from the middle.",
            "everywhere the same": "That is true of a straight line.",
        },
        key=lambda x: (
            "at both ends" if x[-1] ** 2 - x[-2] ** 2 > x[51] ** 2 - x[50] ** 2 else "in the middle"
        ),
    ),
    at_the_end=predictions.predict(
        options={
            "0": "That is the slope in the middle.",
            "1": "That is the height there. The slope is how fast it changes.",
            "2": "Twice the place, as at every place of this curve.",
        },
        key=lambda slope: str(round(slope)),
    ),
)

QUIZ = quiz.Quiz(
    __name__,
    flat=quiz.choice(
        "Where is the slope of a parabola 0?",
        right="at its lowest point",
        because="Left of it the curve falls, right of it it rises.",
        wrong={
            "nowhere on the curve": "A curve can be level at one point.",
            "at both of its ends": "It is steepest there.",
        },
        key="argument",  # or "definition", "measured": no program can tell
    ),
    sign=quiz.choice(
        "The slope at a point is {slope}. Which way is downhill?",
        draw={"slope": [-3, -2, -1, -0.5]},
        right="to the right",
        because="A negative slope falls from left to right.",
        wrong={
            "to the left": "There the curve is higher.",
            "to either side": "It falls on one side and rises on the other.",
        },
        key=lambda slope: "to the right" if slope < 0 else "to the left",
    ),
    steepness=quiz.number(
        "How steep is the parabola x² at {place}?",
        # The first of each list is asked first, and is what the notebook stores.
        draw={"place": [3, *range(4, 60)], "height": lambda place: place**2},
        right=lambda place: 2 * place,
        because="Twice {place}.",
        wrong={
            "That is the place. The slope is twice as large.": lambda place: place,
            "That is how high the curve is: {height}.": lambda height: height,
        },
    ),
)
