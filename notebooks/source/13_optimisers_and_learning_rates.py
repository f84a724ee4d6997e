# %% [markdown]
# # Optimisers and learning rates
# What is the question, and why is it worth half an hour? Every sentence here is to be replaced; the
# kinds of cells are what a lesson is made of.
#
# **After this lesson you can:** read a slope off a curve · say where a parabola is steepest.
#
# **Needs:** nothing. **Data:** none.
#
# {measured}

# %% [markdown] tags=["instructor"]
# **Run of show.** 5 min to predict, 10 min for the figure, 15 min for the slope. Learners stall at
# its sign: let them walk along the curve from left to right.

# %%
from dlcourse import course, draw, explore, lessons, plot, results
from dlcourse.lessons import optimisers_and_learning_rates as lesson

import matplotlib.pyplot as plt
import numpy as np

plot.use_course_style()

# %% tags=["parameters"]
seed = 0
points = 400  # quick: 100

# %% [markdown]
# **Predict, then run.** The next cell draws a **parabola**, $y = x^2$. Where is it steepest: (a) in the
# middle, (b) at both ends, (c) everywhere the same?

# %% tags=["predict"]
lesson.PREDICTIONS["steepest"].ask()
x = np.linspace(-1, 1, 101)
figure, axes = plt.subplots(figsize=(4, 2.5))
axes.plot(x, x**2)
axes.set(xlabel="x", ylabel="y", title="A parabola")
plot.describe("A parabola: it falls from 1 to 0, then rises to 1.")

# %% [markdown]
# (b): the further from the middle, the steeper.
#
# **Predict, then run.** And how steep is it at the right end, where $x = 1$: (a) 0, (b) 1, (c) 2?

# %% tags=["predict"]
lesson.PREDICTIONS["at_the_end"].ask()
step = 0.001
slope = (1 - (1 - step) ** 2) / step
print(f"slope at 1: {slope:.2f}")

# %% [markdown]
# (c). One step to the left, the curve is two steps lower: the slope is 2, as the rule $2x$ says. The next
# cell draws where the 2 comes from. On how many ways does $x$ reach $y$?

# %%
draw.computation_graph(
    {"left": "x", "right": "x", "y": "left · right"},
    {"x": 1, "left": 1, "right": 1, "y": 1},
    slopes={"x": 2, "left": 1, "right": 1},
)

# %% [markdown]
# On two, one for each factor. Each brings back a slope of 1, and they add up.
#
# What if each height is measured with some noise? We fit a parabola to all points, and compare its
# slope at 1 with that of two noisy points a step of 0.1 apart.

# %% tags=["headline"]
random = np.random.default_rng(seed)
places = np.linspace(-1, 1, points)
heights = places**2 + random.normal(scale=0.05, size=points)
fitted = np.polyfit(places, heights, deg=2)  # from the highest power
of_fit = abs(2 * fitted[0] + fitted[1] - 2)
pairs = random.normal([1, 0.9**2], scale=0.05, size=(1000, 2))
of_pairs = abs((pairs[:, 0] - pairs[:, 1]) / 0.1 - 2).mean()
headline = results.Headline(
    what="error of the slope at 1 (lower is better)",
    score=of_fit,
    baseline=of_pairs,
    baseline_name="two points, mean of 1 000 draws",
    parameters=3,
    seconds=0,
    band=lessons.band("optimisers_and_learning_rates"),
)
headline

# %% [markdown]
# The parabola uses every point, and the errors of many points cancel. Move the slider along the
# curve.


# %%
def touch(figure, place):
    """Draw the parabola and its slope at one place."""
    axes = figure.subplots()
    axes.plot(x, x**2)
    axes.plot(x, place**2 + 2 * place * (x - place), "--")
    axes.set(xlabel="x", ylabel="y", title="A slope", ylim=(-1, 1))
    return f"At {place:.2f} the slope is {2 * place:.2f}."


# %% tags=["explorer"]
slope = explore.Explorer(touch, place=explore.slider(-1.0, 1.0, 0.5))
slope

# %% [markdown]
# **Exercise.** Write the slope of $y = x^2$ as a function of the place.


# %% tags=["exercise"]
def slope_at(place):
    return ...  # your code


lesson.slope_at.check(slope_at)

# %% [markdown]
# **Exercise: write the test.** How would you know that somebody's `slope_at` is right? Write a
# function that gets it and uses `assert` where you know what must come out.


# %% tags=["exercise"]
def test_slope_at(slope_at):
    assert ...  # your cases


lesson.test_slope_at.check(test_slope_at)

# %% [markdown]
# **Exercise.** Where is the slope 3?

# %% tags=["exercise"]
steep_place = ...

lesson.steep_place.check(steep_place)

# %% [markdown]
# **Exercise: find the bug.** This function should take one step towards the lowest point. Fix it.


# %% tags=["exercise"]
def downhill(place, step):
    return place + step * 2 * place


lesson.downhill.check(downhill)

# %% [markdown]
# **Exercise.** Ten steps downhill begin at 1. How long must a step be to end close to 0?

# %% tags=["exercise"]
step_size = ...

lesson.step_size.check(step_size)

# %% [markdown]
# ## Questions

# %% tags=["quiz"]
lesson.QUIZ

# %% [markdown]
# How often were your guesses right, and how sure were you?

# %% tags=["learner-state"]
course.guesses("13")

# %% [markdown]
# ## To keep
# - A slope is a ratio of two small steps; no formula is needed to measure one.
#
# **Sources.** Name each paper with its year and a link.
