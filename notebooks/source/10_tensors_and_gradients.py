# %% [markdown]
# # Tensors, slopes, descent
# Every program that trains a network does three things. It keeps its numbers in arrays. It finds out how
# the loss changes when a weight changes a little. And it moves the weights downhill. Here you do all
# three yourself, in small: at the end, an engine whose every line you can read predicts how strong a
# wine is.
#
# **After this lesson you can:** say which shape and which type of number an array computation gives, and
# where it goes wrong in silence · write the walk that finds slopes by itself, and check it · say how
# long a step downhill may be, and measure it.
#
# **Needs:** lesson 00; NumPy; slopes and the chain rule from school. **Data:** wine (shipped), and
# surfaces made from formulas.
#
# {measured}

# %%
import math
import time
import warnings

from dlcourse import course, data, draw, explore, lessons, plot
from dlcourse import results, runtime
from dlcourse.lessons import tensors_and_gradients as lesson

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import torch
from sklearn.linear_model import LinearRegression

plot.use_course_style()
runtime.seed(0)

# %% [markdown]
# ### Do you remember?
# Two questions from before.

# %% tags=["learner-state"]
course.review("10")

# %% [markdown]
# ## 1 · Arrays
# Our data are wines from one region of Italy. Of each bottle thirteen things were measured.

# %%
wine = data.load("wine")
wine

# %%
table = wine.train.features
names = wine.card.features
print("shape", table.shape, "type", table.dtype)
for name, number in zip(names[:3], table[0]):
    print(f"{name} of the first wine: {number:.2f}")

# %% [markdown]
# An array has a **shape**: how many numbers it holds along each direction. This one has 114 rows, one for
# each wine, and 13 columns, one for each measurement. A direction is called an **axis**, and axes are
# counted from 0: along axis 0 we go from wine to wine, along axis 1 from measurement to measurement. In
# the course we write such a shape as (N, D): N examples, D measurements. PyTorch and TensorFlow call
# their arrays **tensors**, with any number of axes. The word means no more than that.
#
# **Predict, then run.** `table.mean(axis=0)` takes a mean. What is its shape? (a) (114,), a mean for each
# wine, (b) (13,), a mean for each measurement, (c) (1,), one mean of all.

# %% tags=["predict"]
lesson.PREDICTIONS["axis"].ask()
means = table.mean(axis=0)
spreads = table.std(axis=0)
print("shape:", means.shape)
rows = [
    (name, f"{mean:.2f}", f"{spread:.2f}")
    for name, mean, spread in zip(names, means, spreads)
]
results.Table(("measurement", "mean", "spread"), rows)

# %% [markdown]
# (b). The axis that you name is the one that *disappears*: the mean runs along it, over all wines. (The
# spread is what `std` gives: the root of the mean squared distance from the mean.)
#
# Look at the last row. Proline is counted in hundreds and hue in tenths. A program that adds such columns
# up would see little but proline. So we **standardise** them: subtract the mean of each column, then
# divide by its spread. Means and spreads come from the training wines *only*, for the test wines too:
# nothing about a test wine may be used before the test.
#
# **Exercise.** Write it. `train` and `new` have the same columns; standardise `new` with what `train`
# says.


# %% tags=["exercise"]
def standardised(train, new):
    return ...  # your code


lesson.standardised.check(standardised)

# %%
standardised = lesson.standardised.carry_on_with(standardised)
scaled = standardised(table, table)
print("largest mean:", f"{np.abs(scaled.mean(axis=0)).max():.3f}")
print("spreads from", f"{scaled.std(axis=0).min():.3f}", end=" ")
print("to", f"{scaled.std(axis=0).max():.3f}")

# %% [markdown]
# ## 2 · Broadcasting
# In `table - means` a shape (114, 13) meets a shape (13,). NumPy does not complain. It repeats the 13
# means for each of the 114 wines. This is called **broadcasting**, and it follows one rule:
#
# *Write both shapes so that they end at the same place. Where two lengths are equal, they fit. Where one
# is 1, or missing, it is repeated as often as the other says. Everything else is an error.*
#
# The rule knows nothing of what your axes mean. Here are the alcohol of the 114 wines, (114,), and the
# answers of a model that is always right. As models often do, it gives a column: (114, 1). The loss is
# the mean of the squared errors.
#
# **Predict, then run.** What comes out? (a) 0, since each answer is right, (b) an error message, since
# the shapes differ, (c) about 1.4, though each answer is right.

# %% tags=["predict"]
lesson.PREDICTIONS["silent"].ask()
alcohol = table[:, 0]  # (114,)
answers = alcohol[:, None]  # (114, 1), the same numbers
errors = answers - alcohol
silent_loss = (errors**2).mean()
print("shape of the errors:", errors.shape)
print(f"loss: {silent_loss:.2f}")
print(f"twice the squared spread: {2 * alcohol.std() ** 2:.2f}")

# %% [markdown]
# (c), and no word of warning. By the rule, (114, 1) and (114,) become (114, 114): *each* answer less
# *each* alcohol. The mean over all these pairs is twice the squared spread, and it does not depend on
# which answer belongs to which wine. How do the three libraries treat this, and their own losses?


# %%
def loss_and_warnings(loss_of, answers, targets):
    """What a loss gives, and what is said about it."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        loss = float(loss_of(answers, targets))
    kinds = {each.category.__name__ for each in said}
    return f"{loss:.2f}", ", ".join(kinds) or "nothing"


def written_out(answers, targets):
    return np.asarray((answers - targets) ** 2).mean()


keras_loss = keras.losses.MeanSquaredError()  # it wants the targets first
pairs = {
    "NumPy": (answers, alcohol),
    "PyTorch": (torch.tensor(answers), torch.tensor(alcohol)),
    "TensorFlow": (tf.constant(answers), tf.constant(alcohol)),
}
rows = [
    (f"{library}, written out", *loss_and_warnings(written_out, *pair))
    for library, pair in pairs.items()
]
for name, loss_of, pair in (
    ("PyTorch, mse_loss", torch.nn.functional.mse_loss, pairs["PyTorch"]),
    (
        "Keras, MeanSquaredError",
        lambda answers, targets: keras_loss(targets, answers),
        pairs["TensorFlow"],
    ),
):
    rows.append((name, *loss_and_warnings(loss_of, *pair)))
results.Table(("loss", "gives", "says"), rows)

# %% [markdown]
# PyTorch's own loss gives the wrong number too, but warns. Keras's takes the superfluous axis away, and
# is right. Write the formula out, and nobody helps you. In section 9 a model will be trained with this
# loss.
#
# **Exercise: find the bug.** Fix this function, so that it gives the mean squared error of N answers
# whether they are a row (N,) or a column (N, 1), and whatever the shape of the targets, row or column.


# %% tags=["exercise"]
def squared_error(answers, targets):
    return ((answers - targets) ** 2).mean()


lesson.squared_error.check(squared_error)

# %% [markdown]
# **Exercise: write the test.** Which arrays would have found this bug? Write a function that gets a
# `squared_error`, calls it with arrays of your own and uses `assert` where you know what must come out.


# %% tags=["exercise"]
def test_squared_error(squared_error):
    assert ...  # your cases


lesson.test_squared_error.check(test_squared_error)

# %% [markdown]
# Is this an unlucky special case? We take all shapes with one to three axes of the lengths 1, 3 and 4,
# and try each pair of *different* shapes.

# %%
lengths = (1, 3, 4)
shapes = [(i,) for i in lengths]
shapes += [(i, j) for i in lengths for j in lengths]
shapes += [(i, j, k) for i in lengths for j in lengths for k in lengths]
pairs = fitting = neither = 0
for first in shapes:
    for second in shapes:
        if first != second:
            pairs += 1
            try:
                together = np.broadcast_shapes(first, second)
            except ValueError:
                continue
            fitting += 1
            neither += together not in (first, second)
print(f"pairs of different shapes: {pairs}")
print(f"an error message: {pairs - fitting}")
print(f"broadcast in silence: {fitting}")
print(f"of these, into a shape that neither had: {neither}")

# %% [markdown]
# "Broadcasting complains if the shapes do not fit": of these pairs more than half get through, and nearly
# four in ten of those give a shape that neither array had. (It depends on the lengths: with 1 among three
# of them, much fits.) Print shapes; do not wait for an error message.
#
# ## 3 · Types of numbers
# An array holds numbers of one type, its **dtype**. Pictures usually come as `uint8`: 8 bits, whole
# numbers from 0 to 255.
#
# **Predict, then run.** A pixel has the value 200, and we make it brighter by 100. What comes out? (a)
# 44, (b) 255, (c) 300.

# %% tags=["predict"]
lesson.PREDICTIONS["brighter"].ask()
pixels = np.array([200], dtype="uint8")
brighter = pixels + 100
print("NumPy", brighter)
print("PyTorch", (torch.tensor(pixels) + 100).numpy())
print("TensorFlow", (tf.constant(pixels) + 100).numpy())

# %% [markdown]
# (a). Counting starts again at 0 after 255, in all three libraries, and a bright pixel becomes a dark
# one: 300 − 256 = 44. Turn pixels into `float32` first. Then 300 is no problem. But another limit is
# waiting.
#
# **Predict, then run.** A counter of type `float32` stands at 16 777 000. A loop adds 1 to it, a thousand
# times. Where does it end? (a) 16 777 216, (b) 16 778 000, (c) at infinity.

# %% tags=["predict"]
lesson.PREDICTIONS["counter"].ask()
counter = np.float32(16_777_000)
for _ in range(1000):
    counter += np.float32(1)
print(f"float32: {counter:.0f}")
counter_64 = np.float64(16_777_000)
for _ in range(1000):
    counter_64 += 1
print(f"float64: {counter_64:.0f}")
print("float32 of 16 777 217:", int(np.float32(16_777_217)))

# %% [markdown]
# (a). A `float32` keeps 24 binary digits, about seven decimal ones. Up to $2^{24}$ = 16 777 216 it holds
# every whole number, but not the next one: 16 777 217 is rounded back, and the loop stands still. A
# `float64` keeps 53 binary digits, and gets there. Networks are trained with `float32` all the same: it
# takes half the memory. To *check* something, take `float64`.
#
# A few more surprises, each executed:

# %%
whole = np.array([1, 2, 3])
whole[0] = 0.9
narrow = np.float32(0.1) + np.float32(0.2) == np.float32(0.3)
rows = [
    ("0.9 put into an array of whole numbers", whole[0]),
    ("-7 // 2", np.array([-7])[0] // 2),
    ("0.1 + 0.2 == 0.3 in float64", np.float64(0.1) + 0.2 == 0.3),
    ("0.1 + 0.2 == 0.3 in float32", narrow),
    ("np.isclose(0.1 + 0.2, 0.3)", np.isclose(0.1 + 0.2, 0.3)),
]
results.Table(("what is written", "what comes out"), rows)

# %% [markdown]
# 0.9 is cut off to 0 without a word. Whole-number division rounds *down*, to −4, not towards 0. And `==`
# between floats is a question of luck: none of the three numbers is exactly what it says, and whether the
# roundings cancel depends on the type. Ask with `np.isclose` or `np.allclose`.
#
# What if an array of whole numbers meets an array of floats? **Predict, then run.** One of the three
# libraries refuses to add them. Which? (a) NumPy, (b) PyTorch, (c) TensorFlow.


# %% tags=["predict"]
lesson.PREDICTIONS["mixed"].ask()


def type_of(array):
    return getattr(array.dtype, "name", str(array.dtype)[len("torch.") :])


def added(first, second):
    """The type of a sum, if the library adds at all."""
    try:
        return type_of(first + second)
    except tf.errors.InvalidArgumentError:
        return "an error"


makers = {"NumPy": np.array, "PyTorch": torch.tensor, "TensorFlow": tf.constant}
rows = []
for library, make in makers.items():
    ones, halves = make([1, 2]), make([0.5, 0.5])
    double = make(np.array([0.5, 0.5]))
    single = make(np.array([0.5, 0.5], dtype="float32"))
    types = type_of(ones), type_of(halves)
    rows.append((library, *types, added(ones, single), added(double, single)))
results.Table(
    ("library", "[1, 2]", "[0.5, 0.5]", "whole + float32", "float64 + float32"),
    rows,
)

# %% [markdown]
# (c). TensorFlow converts no tensor by itself: write `tf.cast(ones, "float32")`. The other two find a
# type by a rule, and each has its own: 64-bit whole numbers plus `float32` are `float64` in NumPy and `float32`
# in PyTorch. Even what `[0.5, 0.5]` becomes differs: `float64` in NumPy, `float32` in the others. If the
# "same" program gives other numbers in another library, look at the types first.
#
# ### A copy or the same memory?
# We take the first three numbers of an array in four ways, and *then* change the first number of the
# array. **Predict, then run.** Which of the four change with it? (a) none of them, (b) only the slice,
# (c) the slice and `from_numpy`.

# %% tags=["predict"]
lesson.PREDICTIONS["shared"].ask()
numbers = np.array([1.0, 2.0, 3.0, 4.0])
taken = {
    "a slice, numbers[:3]": numbers[:3],
    "a list of places, numbers[[0, 1, 2]]": numbers[[0, 1, 2]],
    "torch.from_numpy(numbers)[:3]": torch.from_numpy(numbers)[:3],
    "torch.tensor(numbers)[:3]": torch.tensor(numbers)[:3],
}
numbers[0] = 99.0
rows = [(how, float(array[0])) for how, array in taken.items()]
results.Table(("taken by", "its first number, afterwards"), rows)

# %% [markdown]
# (c). A slice is a **view**: another way to look at the same memory. `torch.from_numpy` shares memory as
# well, across two libraries. A list of places and `torch.tensor` make copies. Sharing is fast, and a
# change in one place is then a change in both. If in doubt: `.copy()`.
#
# ## 4 · Slopes
# Now to the second thing. How does a result change when one of its inputs changes a little? That is its
# **slope** along that input. Take
#
# `y = a · b + a`, at a = 3 and b = 4.
#
# We can just try it: move one number up and down a little, and see what y does. A slope that is found
# this way is a **finite difference**.


# %%
def formula(a, b):
    return a * b + a


small = 0.001
along_a = (formula(3 + small, 4) - formula(3 - small, 4)) / (2 * small)
along_b = (formula(3, 4 + small) - formula(3, 4 - small)) / (2 * small)
print(f"slope along b: {along_b:.3f}")

# %% [markdown]
# All slopes together are the **gradient**; what the cell has found along a we look at later. For two
# inputs that was easy. A network has thousands, and for each of them the whole computation would run twice. There is a way to get all slopes
# in *one* walk.
#
# It needs a record of what was computed from what. The class below is a number that keeps such a record:
# its own value, the numbers it was computed from (`inputs`), and its slope along each of those (`local`).
# Each operation needs to know only itself:
#
# | operation | its value | its slope along its input(s) |
# |---|---|---|
# | sum | a + b | 1 and 1 |
# | product | a · b | b and a: the *other* factor |
# | power | aⁿ | n · aⁿ⁻¹ |
# | `exp` | eᵃ | eᵃ, its own value |
# | `tanh` | `tanh(a)`, always between −1 and 1 | 1 − `tanh(a)`² |
# | `relu` | a, but 0 if a is negative | 1, but 0 if a is negative |


# %%
class Value:
    """A number that knows from which numbers it was computed, and how.

    data: the number itself.
    inputs: the Values that it was computed from.
    local: its slope along each of them.
    slope: the slope of the end along it, once that has been found.
    """

    def __init__(self, data, inputs=(), local=(), formula=""):
        self.data, self.slope = float(data), 0.0
        self.inputs, self.local, self.formula = inputs, local, formula

    def __add__(self, other):
        other = as_value(other)
        return Value(self.data + other.data, (self, other), (1, 1), "{} + {}")

    def __sub__(self, other):
        other = as_value(other)
        return Value(self.data - other.data, (self, other), (1, -1), "{} - {}")

    def __mul__(self, other):
        other = as_value(other)
        local = (other.data, self.data)
        return Value(self.data * other.data, (self, other), local, "{} · {}")

    def __pow__(self, n):
        local = n * self.data ** (n - 1)
        return Value(self.data**n, (self,), (local,), "{} ** " + str(n))

    def exp(self):
        result = math.exp(self.data)
        return Value(result, (self,), (result,), "exp({})")

    def tanh(self):
        result = math.tanh(self.data)
        return Value(result, (self,), (1 - result**2,), "tanh({})")

    def relu(self):
        on = self.data > 0
        return Value(self.data if on else 0, (self,), (int(on),), "relu({})")

    __radd__, __rmul__ = __add__, __mul__  # for 1 + a and 2 * a


def as_value(number):
    return number if isinstance(number, Value) else Value(number)


# %% [markdown]
# Nothing in it says how to find a slope of the *end*. Python calls `__mul__` for `a * b`, and so on, and
# the record writes itself. Here it is for our formula. (`s1` is the product, which has no name of its
# own.) How many arrows leave `a`?

# %%
a, b = Value(3), Value(4)
y = formula(a, b)
boxes, values, _ = lesson.graph_of(y, a=a, b=b)
draw.computation_graph(boxes, values)

# %% [markdown]
# Two: `a` goes into the product and into the sum. Such a drawing, or record, is a
# **computation graph**. We walk it backwards. At the end, the slope of y along y is 1. Then each box
# hands back to each of its inputs *the slope that has arrived at it, times its own slope along that
# input*. That is the chain rule.
#
# **Predict, then run.** The sum hands back 1 to the product and 1 to `a`. The product hands back 4 to `a`
# and 3 to `b`. So two slopes arrive at `a`. Which is the slope of y along a? (a) 4, the one that arrives
# last, (b) 5, both together, (c) 4 or 1, depending on where we start.

# %% tags=["predict"]
lesson.PREDICTIONS["used_twice"].ask()
product, total = y.inputs[0], y
received = [total.local[1] * 1, product.local[0] * total.local[0]]
print("what arrives at a:", received)
print(f"what moving a has shown: {along_a:.3f}")

# %% [markdown]
# (b). If `a` grows a little, y grows for two reasons, and what they bring **adds up**. This rule is
# easily forgotten. A program that *writes* the slope down where it should *add* it is right on every
# formula in which nothing is used twice, and wrong where a weight is used for each of many examples, as
# in a network.
#
# **Exercise.** Write the walk. `inputs[i]` lists the numbers from which number `i` was computed, by their
# places, and `local[i]` holds its slopes along them; numbers that were put in have empty lists. All
# inputs of a number come before it, and the last number is the end. Return the slope of the end along
# each number, as a list. For our formula, `inputs` is `[[], [], [0, 1], [2, 0]]`.


# %% tags=["exercise"]
def slopes_of(inputs, local):
    return ...  # your code


lesson.slopes_of.check(slopes_of)

# %% [markdown]
# ## 5 · An engine for slopes
# The same for our `Value`. It must first put all values in an order in which each comes after its inputs;
# then it walks that order backwards. To find slopes like this, from the end back to all inputs, is
# **backpropagation**. Done by a program, for any formula, it is one way of **automatic
# differentiation**.


# %%
def in_order(end):
    """All values that lead to `end`, each after its own inputs."""
    order, seen, waiting = [], set(), [(end, False)]
    while waiting:
        value, inputs_are_done = waiting.pop()
        if inputs_are_done:
            order.append(value)
        elif value not in seen:
            seen.add(value)
            waiting.append((value, True))  # once more, after its inputs
            waiting += [(each, False) for each in value.inputs]
    return order


def backward(end):
    """Give each value that leads to `end` the slope of `end` along it."""
    order = in_order(end)
    for value in order:
        value.slope = 0.0
    end.slope = 1.0
    for value in reversed(order):
        for each, local in zip(value.inputs, value.local):
            each.slope += value.slope * local  # added, not written


# %%
backward(y)
draw.computation_graph(*lesson.graph_of(y, a=a, b=b))

# %% [markdown]
# The slope along a is 5. That is the whole engine: the two cells have fewer than 80 lines. Is it right?
# We let chance write formulas: 300 of them, with three inputs and eight operations each, and the sum of
# all numbers as the end, so that whatever goes into an operation is used at least twice. Each formula is
# computed by our engine, by finite differences, and by both libraries. (Formulas above 100 are drawn
# again. All is in `float64`.)

# %% tags=["parameters"]
seed = 0
formulas = 300  # quick: 20
learning_rate = 0.15
steps = 150  # quick: 20

# %%
OPERATIONS = {
    "sum": lambda a, b, use: a + b,
    "difference": lambda a, b, use: a - b,
    "product": lambda a, b, use: a * b,
    "power": lambda a, b, use: (a * a + 1) ** -1,
    "exp": lambda a, b, use: use["exp"](a * a * -1),
    "tanh": lambda a, b, use: use["tanh"](a),
    "relu": lambda a, b, use: use["relu"](a),
}
LIBRARIES = {
    "numbers": {"exp": np.exp, "tanh": np.tanh, "relu": lambda a: max(a, 0.0)},
    "engine": {"exp": Value.exp, "tanh": Value.tanh, "relu": Value.relu},
    "PyTorch": {"exp": torch.exp, "tanh": torch.tanh, "relu": torch.relu},
    "TensorFlow": {"exp": tf.exp, "tanh": tf.tanh, "relu": tf.nn.relu},
}


def computed(recipe, inputs, library):
    """Follow a recipe: (operation, place, other place) for each step."""
    numbers = list(inputs)
    for name, i, j in recipe:
        step = OPERATIONS[name](numbers[i], numbers[j], LIBRARIES[library])
        numbers.append(step)
    return sum(numbers[1:], numbers[0])


def random_formula(random):
    """A recipe of eight steps, and three numbers to put in."""
    while True:
        names_drawn = random.choice(list(OPERATIONS), 8)
        places = [random.integers(0, 3 + step, 2) for step in range(8)]
        recipe = [(name, *place) for name, place in zip(names_drawn, places)]
        inputs = random.uniform(-1.5, 1.5, 3)
        if abs(computed(recipe, inputs, "numbers")) < 100:
            return recipe, inputs


# %%
def slopes_by_engine(recipe, inputs):
    leaves = [Value(number) for number in inputs]
    backward(computed(recipe, leaves, "engine"))
    return [leaf.slope for leaf in leaves]


def slopes_by_difference(recipe, inputs, small=1e-5):
    slopes = []
    for step in small * np.eye(3):
        above = computed(recipe, inputs + step, "numbers")
        below = computed(recipe, inputs - step, "numbers")
        slopes.append((above - below) / (2 * small))
    return slopes


def slopes_by_pytorch(recipe, inputs):
    leaves = [torch.tensor(number, requires_grad=True) for number in inputs]
    computed(recipe, leaves, "PyTorch").backward()
    return [leaf.grad.item() for leaf in leaves]


def slopes_by_tensorflow(recipe, inputs):
    leaves = [tf.constant(number) for number in inputs]
    with tf.GradientTape() as tape:
        tape.watch(leaves)
        end = computed(recipe, leaves, "TensorFlow")
    return [float(slope) for slope in tape.gradient(end, leaves)]


# %%
random = np.random.default_rng(0)
drawn = [random_formula(random) for _ in range(formulas)]
ours = np.array([slopes_by_engine(*each) for each in drawn])
rows = []
for name, method, bound in (
    ("finite differences", slopes_by_difference, 1e-6),
    ("PyTorch", slopes_by_pytorch, 1e-12),
    ("TensorFlow", slopes_by_tensorflow, 1e-12),
):
    theirs = np.array([method(*each) for each in drawn])
    apart = np.abs(ours - theirs) / np.maximum(1, np.abs(theirs))
    rows.append((name, ours.size, f"{bound:g}", bool((apart < bound).all())))
heads = ("engine against", "slopes", "bound", "all closer than that")
results.Table(heads, rows)

# %% [markdown]
# All slopes agree, relative to the slope where that is larger than 1: with both libraries to twelve
# digits, with finite differences to six. (Those are less exact themselves; lesson 11 looks into that.)
# And the program that writes where it should add? One line is changed.


# %%
def careless_backward(end):
    order = in_order(end)
    for value in order:
        value.slope = 0.0
    end.slope = 1.0
    for value in reversed(order):
        for each, local in zip(value.inputs, value.local):
            each.slope = value.slope * local  # written, not added


wrong = 0
for recipe, inputs in drawn:
    leaves = [Value(number) for number in inputs]
    careless_backward(computed(recipe, leaves, "engine"))
    right = slopes_by_engine(recipe, inputs)
    wrong += not np.allclose([leaf.slope for leaf in leaves], right)
print(f"formulas with a wrong slope: {wrong} of {len(drawn)}")

# %% [markdown]
# All of them. On these formulas the mistake cannot hide. On a formula without anything used twice, no
# check would find it.
#
# ### Why an order?
# It might look simpler to do without an order: whenever a slope arrives at a value, hand it on at once.
# The next cell doubles a number 16 times, `x = x + x`, so that each value is used twice by the next one.
# **Predict, then run.** Both ways give the right slope, $2^{16}$. With the order, each of the 17 values
# is visited once. How often is a value visited without it? (a) 17 times as well, (b) 33 times, (c) more
# than 100 000 times.


# %% tags=["predict"]
lesson.PREDICTIONS["order"].ask()


def hand_on_at_once(value, slope):
    """Hand on each slope when it arrives; return how many visits that takes."""
    value.slope += slope
    pairs = zip(value.inputs, value.local)
    return 1 + sum(hand_on_at_once(each, slope * own) for each, own in pairs)


start = end = Value(1)
for _ in range(16):
    end = end + end
backward(end)
with_order = start.slope
start.slope = 0.0
times = hand_on_at_once(end, 1.0)
print(f"slopes: {with_order:.0f} and {start.slope:.0f}")
print(f"values: {len(in_order(end))}, visits without the order: {times}")

# %% [markdown]
# (c). Without an order each *way* from the end to the start is walked on its own, and their number
# doubles with every step. With it, a value waits until everything has arrived, and hands on the sum. So
# the whole walk takes one step for each arrow of the graph, however many inputs there are.
#
# ## 6 · The libraries' engines
# PyTorch records in the same way, where we say `requires_grad=True`, and its `backward` is ours. There is
# one difference in habit. In a training loop, the formula is computed and walked back again and again.
# **Predict, then run.** We do so twice, and do nothing in between. The slope along a was 5. What does
# `a.grad` hold in the end? (a) 5, (b) 10, (c) 25.

# %% tags=["predict"]
lesson.PREDICTIONS["twice"].ask()
torch_a = torch.tensor(3.0, requires_grad=True)
torch_b = torch.tensor(4.0, requires_grad=True)
for _ in range(2):
    formula(torch_a, torch_b).backward()
    print(f"a.grad: {torch_a.grad.item():.0f}")
tf_a, tf_b = tf.Variable(3.0), tf.Variable(4.0)
for _ in range(2):
    with tf.GradientTape() as tape:
        tf_y = formula(tf_a, tf_b)
    tf_slope = tape.gradient(tf_y, tf_a)
    print(f"TensorFlow: {tf_slope.numpy():.0f}")

# %% [markdown]
# (b). PyTorch adds not only within a graph but also from one walk to the next, until it is told to
# forget: that is what `zero_grad` in lesson 00 was for. Our `backward` sets all slopes to 0 first, and
# TensorFlow returns the slopes afresh from each `GradientTape`, which records what happens inside its
# `with` block.
#
# ### Changed in place
# The record holds what the walk back will need. What if we change such a number afterwards? **Predict,
# then run.** Twice we compute y from x = 1 and then add 1 to y *in place*, `y += 1`, before we ask for
# slopes: once with y = 2x, and once with y = exp(x). Where does PyTorch refuse? (a) at both, (b) only at
# the product, (c) only at the exp.

# %% tags=["predict"]
lesson.PREDICTIONS["in_place"].ask()
operations = {"2 * x": lambda x: 2 * x, "exp(x)": torch.exp}
refused = {}
for name, operation in operations.items():
    x = torch.tensor([1.0], requires_grad=True)
    changed = operation(x)
    changed += 1
    try:
        changed.backward()
        refused[name] = False
        print(f"{name}: slope {x.grad.item():.2f}")
    except RuntimeError as error:
        refused[name] = True
        print(f"{name}: {str(error).split(':')[0]}")

# %% [markdown]
# (c). The slope of exp is its own *result*, and that has been overwritten; PyTorch notices and refuses.
# The product needs its factor 2 and never looks at its result. The rule for your own code: write `y = y +
# 1`, and change in place only what nothing has recorded. For the step of a training, which has to change
# weights in place, PyTorch wants `with torch.no_grad():` around it, and TensorFlow has `assign_sub`.
#
# ## 7 · Downhill
# Now the third thing. The slope of the loss along a weight says which way is up. So move *against* it, in
# proportion to it, and repeat: **gradient descent**. With η (eta), the **learning rate**,
#
# $$w \leftarrow w - \eta \cdot \text{slope of } L \text{ along } w$$
#
# How large may η be? Take the simplest valley, a bowl: $L = \frac{c}{2} w^2$. Its slope is $c\,w$, and
# $c$ says how quickly the slope changes: that is the **curvature**. One step turns $w$ into
#
# $$w - \eta\, c\, w = (1 - \eta\, c)\, w$$
#
# So each step multiplies $w$ by the same factor, $1 - \eta c$. The lowest point, 0, comes nearer only if
# that factor lies between −1 and 1, and this means $\eta < 2 / c$.
#
# **Predict, then run.** The bowl has the curvature 4, and we start at w = 1. What does descent do at the
# learning rate 0.5, exactly 2/c? (a) it is at 0 after one step, (b) it grows without end, (c) it jumps
# between 1 and −1.


# %% tags=["predict"]
lesson.PREDICTIONS["edge"].ask()
rows = []
for rate in (0.05, 0.25, 0.45, 0.5, 0.55):
    places = [1.0]
    for _ in range(20):
        places.append(places[-1] - rate * 4 * places[-1])
    first_places = " ".join(f"{place:.2f}" for place in places[:5])
    rows.append(
        (rate, f"{1 - rate * 4:.1f}", first_places, f"{places[20]:.4f}")
    )
results.Table(("rate", "factor", "the first places", "after 20 steps"), rows)

# %% [markdown]
# (c). The factor is −1. With 0.25 = 1/c it is 0, and one step is enough. Between 1/c and 2/c, descent
# jumps across the lowest point and still comes nearer; beyond 2/c it jumps further out each time.
#
# Is the limit really 2/c? For twenty random curvatures we search for the largest rate at which w is still
# smaller after 1000 steps than at the start, by halving an interval again and again.


# %%
def largest_rate(shrinks, low=1e-9, high=100.0):
    """The border between rates that shrink and rates that do not."""
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if shrinks(middle) else (low, middle)
    return low


def shrinks_on_a_bowl(rate, curvature):
    place = 1.0
    for _ in range(1000):
        place -= rate * curvature * place
        if abs(place) > 1e6:
            return False
    return abs(place) < 1


random = np.random.default_rng(1)
curvatures = 10 ** random.uniform(-1, 3, 20)
found = [
    largest_rate(lambda rate, c=c: shrinks_on_a_bowl(rate, c))
    for c in curvatures
]
gap = np.abs(np.array(found) * curvatures / 2 - 1).max()
print(f"curvatures from {curvatures.min():.2f} to {curvatures.max():.0f}")
print("largest rate is 2/c to nine digits:", bool(gap < 1e-9))

# %% [markdown]
# **Exercise.** Write descent for any number of weights, with a second idea that we need soon.
# **Momentum**: the weights have a velocity $v$. Each step keeps a share β (beta) of it, and adds the push
# of the slope; then the weights move by it.
#
# $$v \leftarrow \beta\, v - \eta \cdot \text{slopes} \qquad w \leftarrow w + v$$
#
# With β = 0 this is plain descent. `slopes` is a function that gives the slopes at a place, an array.
# Begin with a velocity of 0. Return an array with all places, from the start on: (steps + 1, weights).


# %% tags=["exercise"]
def descend(slopes, start, rate, momentum, steps):
    return ...  # your code


lesson.descend.check(descend)

# %%
descend = lesson.descend.carry_on_with(descend)

# %% [markdown]
# ### A common mistake in thinking
# "The gradient points away from the lowest point, so descent walks straight to it." Take a bowl with two
# weights whose curvatures are equal, and a *long valley*, with the curvatures 1 and 20. From 1000 random
# directions on a circle around the lowest point we measure the angle between the step of descent and the
# way to the lowest point.
#
# **Predict, then run.** How large is that angle in the long valley, on average? (a) 0°, (b) about 5°, (c)
# about 40°.

# %% tags=["predict"]
lesson.PREDICTIONS["angle"].ask()
random = np.random.default_rng(0)
directions = random.uniform(0, 2 * np.pi, 1000)
circle = np.stack([np.cos(directions), np.sin(directions)], axis=1)
rows, mean_angles = [], []
for name, bowl in (("round bowl", [1, 1]), ("long valley", [1, 20])):
    steps_taken = -np.array(bowl) * circle  # against the slopes
    lengths = np.linalg.norm(steps_taken, axis=1)
    cosines = (steps_taken * -circle).sum(axis=1) / lengths
    angles = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    mean_angles.append(angles.mean())
    across = np.abs(steps_taken[:, 1]) > np.abs(steps_taken[:, 0])
    told = (f"{angles.mean():.0f}°", f"{angles.max():.0f}°")
    rows.append((name, *told, f"{across.mean():.2f}"))
heads = ("surface", "mean angle", "largest", "steps more across than along")
results.Table(heads, rows)

# %% [markdown]
# (c), 37° on average and up to 65°. In the round bowl the gradient does point away from the lowest point.
# In the long valley 97 of 100 steps go more *across* the valley than along it, since across is where the
# ground is steep. With a rate above 1/20, descent goes back and forth between the walls. The steep direction forbids a large
# rate ($2/c$ with $c = 20$), and in the flat one, where $c = 1$, a small rate hardly moves. How slow
# descent is at its best depends on how many times the largest curvature is the smallest. The next cell
# draws both descents, each with the rate that suits it best, 2 divided by the sum of both curvatures.
# Watch how long the steps are.

# %%
figure, panels = plt.subplots(1, 2, figsize=(7.2, 3.4), sharey=True)
line = np.linspace(-2, 2, 81)
along, across = np.meshgrid(line, line)
for axes, (name, bowl) in zip(
    panels, (("Round bowl", [1, 1]), ("Long valley", [1, 20]))
):
    ground = (bowl[0] * along**2 + bowl[1] * across**2) / 2
    levels = np.geomspace(0.02, 40, 9)
    axes.contour(along, across, ground, levels, colors="gray", linewidths=0.7)
    path = descend(
        lambda place, bowl=bowl: np.array(bowl) * place,
        np.array([1.8, 0.5]),
        2 / sum(bowl),
        0,
        60,
    )
    axes.plot(*path.T, ".-", linewidth=1, label="descent")
    axes.plot(0, 0, "kx", markersize=9, label="lowest point")
    axes.set(title=name, xlabel="first weight (no unit)", aspect="equal")
panels[0].set_ylabel("second weight (no unit)")
panels[0].legend(fontsize=8)
plot.describe(
    "Lines of equal height around a lowest point. In the round bowl one step "
    "reaches it; in the long valley the path jumps from wall to wall, with "
    "steps that grow shorter and shorter."
)

# %% [markdown]
# In the bowl it is one. In the valley each step crosses the floor, and shortens the way by about a tenth.
#
# ### What momentum is for
# Pushes that change sign cancel in a velocity; pushes that agree add up. So momentum should help in a
# long valley. To compare fairly, each amount of momentum gets its own best rate: out of 25 rates from
# 0.005 to 0.2, the one that needs the fewest steps to stay below a loss of 0.001, on average over 20
# random starts, 1.8 from the lowest point.


# %%
def steps_needed(losses, bar=0.001):
    """From which step on all losses stay below the bar."""
    above = np.flatnonzero(~(losses < bar))
    return 0 if len(above) == 0 else int(above[-1]) + 1


def valley_slopes(places):
    return np.tile([1, 20], 20) * places  # twenty valleys side by side


starts = 1.8 * circle[:20].ravel()  # u and v of twenty places: (40,)
rows = []
for momentum in (0, 0.3, 0.5, 0.7, 0.9):
    best = (np.inf, 0)
    for rate in np.geomspace(0.005, 0.2, 25):
        with np.errstate(all="ignore"):  # some rates are too large
            paths = descend(valley_slopes, starts, rate, momentum, 300)
            losses = paths.reshape(301, 20, 2) ** 2 @ [1, 20] / 2
        needed = np.mean([steps_needed(each) for each in losses.T])
        best = min(best, (needed, rate))
    rows.append((momentum, f"{best[1]:.3f}", f"{best[0]:.0f}"))
results.Table(("momentum", "best rate of 25", "steps, mean of 20"), rows)

# %% [markdown]
# With the best of these settings, 0.5, it takes about 14 steps where plain descent takes 36, each at its
# best rate. More is not better: with 0.9 the weights swing past the lowest point and back for longer than
# plain descent needs. Another valley has another best momentum.
#
# ### Try it
# Now you. The curves are lines of equal height, and the lowest point is marked with a cross. Descent
# takes 60 steps from a place on a circle; the two weights are called u and v here. *Two hollows* has a deeper one on the left and a shallow one on
# the right.

# %%
SURFACES = {  # height and slopes at the place (u, v); this v is no velocity
    "round bowl": (
        lambda u, v: (u**2 + v**2) / 2,
        lambda u, v: (u, v),
    ),
    "long valley": (
        lambda u, v: (u**2 + 20 * v**2) / 2,
        lambda u, v: (u, 20 * v),
    ),
    "two hollows": (
        lambda u, v: (u**2 - 1) ** 2 + 0.3 * u + v**2 + 0.30543,
        lambda u, v: (4 * u * (u**2 - 1) + 0.3, 2 * v),
    ),
}


def show_descent(figure, surface, rate, momentum, start):
    """Draw 60 steps of descent on a surface, and its height step by step."""
    height, slopes = SURFACES[surface]
    angle = np.radians(start)
    place = 1.8 * np.array([np.cos(angle), np.sin(angle)])
    with np.errstate(all="ignore"):  # too large a rate ends in infinities
        path = descend(
            lambda place: np.array(slopes(*place)), place, rate, momentum, 60
        )
        heights = np.nan_to_num(height(*path.T), nan=np.inf)
    lesson.draw_descent(figure, height, path, heights)
    needed = steps_needed(heights)
    facts = {
        "surface": surface,
        "first": heights[0],
        "last": min(heights[-1], 1e300),
        "needed": needed,
        "oblique": bool(np.abs(path[0]).min() >= 0.5),
        "starts_right": bool(path[0, 0] > 0.5),
        "ends_left": bool(-2 < path[-1, 0] < -0.5),
        "slope": float(np.abs(slopes(*path[-1])).max()),
    }
    there = f"below 0.001 after {needed} steps"
    sentence = (
        f"{surface.capitalize()}, rate {rate:.3g}, momentum {momentum:.2f}, "
        f"start at {start}°: height {heights[0]:.2f} at the start, "
        f"{facts['last']:.3g} at the end, "
        f"{there if needed <= 60 else 'not below 0.001'}."
    )
    return sentence, facts


# %% tags=["explorer"]
descent = explore.Explorer(
    show_descent,
    size=(6.8, 3.0),
    challenges=lesson.CHALLENGES["descent"],
    surface=explore.choice(tuple(SURFACES), "long valley"),
    rate=explore.slider(
        0.01, 3.0, 0.09, logarithmic=True, label="learning rate"
    ),
    momentum=explore.slider(0.0, 0.95, 0.0, step=0.05),
    start=explore.slider(0, 350, 30, step=10, label="start (degrees)"),
)
descent

# %% [markdown]
# ### "A smaller rate is safer"
# A loss may have several hollows, and you often read that long steps help to jump out of the shallow
# ones. We take *two hollows* and 1000 random starts, u and v between −2 and 2, and count where plain
# descent has ended after 300 steps. **Predict, then run.** Does a rate of 0.15 bring more of them into
# the deeper hollow than a rate of 0.01? (a) yes, at least 0.10 more, (b) no, at least 0.10 fewer, (c) no,
# about as many.

# %% tags=["predict"] tolerance=0.01
lesson.PREDICTIONS["hollows"].ask()
random, found_at = np.random.default_rng(0), None
starts = random.uniform(-2, 2, (2, 1000))
_, hollow_slopes = SURFACES["two hollows"]
ends = {}
for rate in (0.001, 0.01, 0.05, 0.15, 0.24, 0.3):
    places = starts.copy()
    with np.errstate(all="ignore"):
        for _ in range(300):
            places = places - rate * np.array(hollow_slopes(*places))
    found_at = places[0] if rate == 0.01 else found_at
    slopes = np.abs(hollow_slopes(*places)).max(axis=0)
    where = np.where(places[0] < 0, "deeper", "shallow")
    ends[rate] = np.where(slopes < 0.1, where, "on the way or lost")
deeper = {
    rate: float((where == "deeper").mean()) for rate, where in ends.items()
}
at_first = ends[0.01]
rows = []
for rate, where in ends.items():
    came = (at_first == "shallow") & (where == "deeper")
    left = (at_first == "deeper") & (where == "shallow")
    moving = where == "on the way or lost"
    shares = (deeper[rate], came.mean(), left.mean(), moving.mean())
    if rate == 0.24:
        inside = moving & (places[0] < 0) & (np.abs(places[0]) < 2)
    rows.append((rate, *[f"{share:.2f}" for share in shares]))
for name in ("deeper", "shallow"):
    u = np.median(found_at[ends[0.01] == name])
    print(f"{name} hollow: curvature {12 * u**2 - 4:.2f},", end=" ")
    print(f"limit {2 / (12 * u**2 - 4):.3f}")
moved = ends[0.15] != ends[0.01]
after_one = starts[0] - 0.15 * hollow_slopes(*starts)[0]
first = moved & (np.sign(after_one) != np.sign(starts[0]))
print(f"other hollow at 0.15: {moved.sum()}, by the first step {first.sum()}")
print(f"moving at 0.24 inside the deeper hollow: {inside.mean():.2f}")
heads = ("rate", "at rest in the deeper", "came", "went", "not at rest")
results.Table(heads, rows)

# %% [markdown]
# (c). (*Came* and *went* compare with where the same start ends at 0.01.) At 0.15, ten in a hundred have
# come to the deeper hollow that would have ended in the other, and seven in a hundred have gone the other
# way, which leaves three more. But look when: nearly all of them cross with their *first* step, thrown over
# the ridge from the steep outer wall. None of this is leaving a hollow that one is in.
#
# Beyond a hollow's own limit, 2 divided by its curvature, descent no longer comes to rest in it. At 0.24
# nobody rests in the deeper hollow, whose limit comes first. But most of those who are moving jump back and
# forth *inside* it, and do not climb out. So on this surface the long steps left no hollow, shallow or deep.
#
# And "smaller is safer"? At 0.001 hardly a start has arrived after 300 steps. Too small a rate stops
# somewhere on the slope.
#
# ## 8 · How strong is this wine?
# Everything together. We predict the alcohol of a wine from its other twelve measurements: twelve weights
# and one bias, answer = bias + sum of weight times measurement. (The table does not say how it was
# measured; alcohol from 11 to 15 can only be per cent.) The loss is the mean squared error. Training
# takes 100 of the 114 training wines, drawn by the seed.

# %%
rest = slice(1, 13)  # all columns but the first, the alcohol
chosen = np.random.default_rng(seed).permutation(len(table))[:100]
x_train, y_train = table[chosen, rest], table[chosen, 0].astype("float64")
x_test, y_test = wine.test.features[:, rest], wine.test.features[:, 0]
x_test = standardised(x_train, x_test).astype("float64")
x_train = standardised(x_train, x_train).astype("float64")
print("training", x_train.shape, y_train.shape, "test", x_test.shape)


# %% [markdown]
# First with our engine, number by number. Each step builds a graph of a few thousand values, walks it
# backwards and moves the weights.


# %%
def engine_loss(weights, x, y):
    *factors, bias = weights
    total = 0
    for row, target in zip(x.tolist(), y.tolist()):
        answer = bias
        for factor, number in zip(factors, row):
            answer = answer + factor * number
        total = (answer - target) ** 2 + total
    return total * (1 / len(y))


def train_engine(x, y, steps):
    weights = [Value(0) for _ in range(13)]
    losses = []
    for _ in range(steps):
        loss = engine_loss(weights, x, y)
        backward(loss)
        for weight in weights:
            weight.data -= learning_rate * weight.slope
        losses.append(loss.data)
    return np.array([weight.data for weight in weights]), losses


started = time.perf_counter()
engine_weights, engine_losses = train_engine(x_train, y_train, steps)
engine_seconds = time.perf_counter() - started
zeros = [Value(0) for _ in range(13)]
size = len(in_order(engine_loss(zeros, x_train, y_train)))
print(f"values in the graph of one step: {size}")
print(f"loss at the start {engine_losses[0]:.1f}, at the end", end=" ")
print(f"{engine_losses[-1]:.3f}")

# %% [markdown]
# The other programs do the same with arrays: NumPy with the slopes as a formula (lesson 11 derives such
# formulas), PyTorch and TensorFlow with their engines, Keras with a layer that is just this model. All
# start at zero, take the same wines and the same rate.

# %%
ones = np.ones((100, 1))
with_bias = np.hstack([x_train, ones])  # the bias is a weight of 1


def wine_slopes(weights):
    errors = with_bias @ weights - y_train
    return 2 / len(y_train) * (with_bias.T @ errors)


numpy_weights = descend(wine_slopes, np.zeros(13), learning_rate, 0, steps)[-1]

torch_x, torch_y = torch.tensor(with_bias), torch.tensor(y_train)
torch_weights = torch.zeros(13, dtype=torch.float64, requires_grad=True)
for _ in range(steps):
    loss = ((torch_x @ torch_weights - torch_y) ** 2).mean()
    torch_weights.grad = None  # forget the slopes of the last step
    loss.backward()
    with torch.no_grad():
        torch_weights -= learning_rate * torch_weights.grad

tf_x, tf_y = tf.constant(with_bias), tf.constant(y_train)
tf_weights = tf.Variable(np.zeros(13))
for _ in range(steps):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((tf.linalg.matvec(tf_x, tf_weights) - tf_y) ** 2)
    tf_weights.assign_sub(learning_rate * tape.gradient(loss, tf_weights))

keras_model = keras.Sequential(
    [
        keras.Input(shape=(12,)),
        keras.layers.Dense(1, kernel_initializer="zeros"),
    ]
)
keras_model.compile(
    optimizer=keras.optimizers.SGD(learning_rate), loss="mean_squared_error"
)
for _ in range(steps):
    keras_model.train_on_batch(x_train, y_train[:, None])
keras_weights = np.concatenate([w.ravel() for w in keras_model.get_weights()])

# %%
programs = {
    "NumPy, float64": (numpy_weights, 1e-10),
    "PyTorch, float64": (torch_weights.detach().numpy(), 1e-10),
    "TensorFlow, float64": (tf_weights.numpy(), 1e-10),
    "Keras, float32": (keras_weights, 1e-4),
}
rows = []
for name, (weights, bound) in programs.items():
    apart = np.abs(weights - engine_weights).max()
    rows.append((name, f"{bound:g}", bool(apart < bound)))
results.Table(("13 weights against the engine's", "bound", "closer"), rows)

# %% [markdown]
# Five programs, the same weights. Keras computes in `float32`, so it is held to a wider bound.
#
# And how good is it? Two baselines. The first always says the mean alcohol of the training wines. The
# second, *least squares*, does not walk at all: for a model as simple as this the lowest point can be
# solved for, and scikit-learn's `LinearRegression` does so.
#
# **Predict, then run.** On 36 new wines, always saying the mean is off by 0.67 on average. By how much is
# our model off? (a) by about 0.05, (b) by about 0.45, (c) by about 0.65.

# %% tags=["predict"] tolerance=0.001
lesson.PREDICTIONS["alcohol"].ask()


def mean_error(answers):
    """By how much the answers are off on average, on the test wines."""
    return float(np.abs(answers - y_test).mean())


def model_error(weights):
    return mean_error(x_test @ weights[:12] + weights[12])


solved = LinearRegression().fit(x_train, y_train)
by_mean = mean_error(np.full(36, y_train.mean()))
by_solving = mean_error(solved.predict(x_test))
our_error = model_error(engine_weights)
rows = [
    ("always the mean", f"{by_mean:.3f}"),
    ("least squares, scikit-learn", f"{by_solving:.3f}"),
    (f"our engine, {steps} steps", f"{our_error:.3f}"),
]
results.Table(("on 36 test wines", "mean error (per cent alcohol)"), rows)

# %% [markdown]
# (b). The other twelve measurements tell something about the alcohol, but not everything. And how fast
# does descent come near the lowest loss there is?

# %%
lowest = ((solved.predict(x_train) - y_train) ** 2).mean()
figure, axes = plt.subplots(figsize=(6, 3))
axes.semilogy(np.array(engine_losses) - lowest)
axes.set(
    title="How far the loss is above the lowest one possible",
    xlabel="step",
    ylabel="squared per cent alcohol",
)
plot.describe(
    "On a logarithmic axis the distance falls along two nearly straight "
    "pieces: a steep one up to about step 15, then one that is less steep."
)

# %% [markdown]
# First the bias arrives, from 0 to the mean alcohol: that is nearly all of the distance. Then the flat
# directions are left. Where the curve is straight, each step leaves the same share of the distance, as in
# section 7.

# %% tags=["headline"] tolerance=0.002
headline = results.Headline(
    what="mean error in per cent alcohol, 36 test wines (lower is better)",
    score=our_error,
    baseline=by_solving,
    baseline_name="least squares, solved by scikit-learn",
    parameters=13,
    seconds=engine_seconds,
    band=lessons.band("tensors_and_gradients"),
)
headline

# %% [markdown]
# Descent and solving have the same error, to the third decimal: a bowl has one lowest point, and descent
# has come close. So descent buys nothing here. It pays where there is nothing that solves for the
# weights, as in the networks of lesson 00.
#
# The band says what other draws of the 100 training wines give. Ours is the luckiest of the five; with
# another it would have been 0.48. And 36 test wines are few. We divide all 178 wines anew, 142 to train and
# 36 to test, 200 times, and let scikit-learn solve each time:

# %% tolerance=0.001
everything = np.concatenate(
    [part.features for part in (wine.train, wine.valid, wine.test)]
).astype("float64")
random = np.random.default_rng(0)
found = []
for _ in range(200):
    order = random.permutation(len(everything))
    train, test = everything[order[:142]], everything[order[142:]]
    model = LinearRegression().fit(train[:, rest], train[:, 0])
    errors = model.predict(test[:, rest]) - test[:, 0]
    from_mean = train[:, 0].mean() - test[:, 0]
    found.append((np.abs(errors).mean(), np.abs(from_mean).mean()))
found = np.array(found)
for name, column in (("least squares", 0), ("always the mean", 1)):
    low, middle, high = np.percentile(found[:, column], [5, 50, 95])
    print(f"{name}: half below {middle:.2f}, 90 in 100 from", end=" ")
    print(f"{low:.2f} to {high:.2f}")
better = (found[:, 0] < found[:, 1]).sum()
print(f"least squares is better in {better} of 200 divisions")

# %% [markdown]
# The errors range much further than the band, in which only the training wines changed, and few of them:
# here the wines that we are asked about change as well. That the model beats the mean does not depend on
# it.
#
# ### The limit of this bowl
# The loss of this model is a bowl too, with thirteen weights. It has thirteen directions of its own, each
# with its curvature. NumPy finds these: they are the eigenvalues of `2 / N * X.T @ X`, where `X` is the
# table with a column of ones. (If you have not met eigenvalues, take them as the curvatures.) By section
# 7, descent must break beyond 2 divided by the largest. Does it?
#
# And why have we standardised? We do the same with the raw columns. **Predict, then run.** Each gets 0.7
# of its own largest rate, and 150 steps. How far off is the model with raw columns? (a) by about 0.45,
# like the other, (b) by about 0.67, like always saying the mean, (c) by more than 2.

# %% tags=["predict"] tolerance=0.02
lesson.PREDICTIONS["raw"].ask()


def bowl(x):
    """Curvatures of the loss; a function that says if a rate lowers it."""
    x = np.hstack([x, ones])
    curvatures = np.linalg.eigvalsh(2 / len(x) * (x.T @ x))

    def walked(rate, steps):
        weights = np.zeros(13)
        for _ in range(steps):
            slopes = 2 / len(x) * (x.T @ (x @ weights - y_train))
            weights = weights - rate * slopes
        return weights

    def loss_falls(rate):
        with np.errstate(all="ignore"):
            end = ((x @ walked(rate, 500) - y_train) ** 2).mean()
        return end < (y_train**2).mean()

    return curvatures, walked, loss_falls


raw_train = table[chosen, rest].astype("float64")
raw_test = wine.test.features[:, rest].astype("float64")
middle, spread = raw_train.mean(axis=0), raw_train.std(axis=0)
rows, errors_of = [], {}
for name, train, test in (
    ("standardised", x_train, x_test),
    ("raw", raw_train, raw_test),
    ("less their mean", raw_train - middle, raw_test - middle),
    ("divided by their spread", raw_train / spread, raw_test / spread),
):
    curvatures, walked, loss_falls = bowl(train)
    limit = 2 / curvatures[-1]
    measured = largest_rate(loss_falls)
    weights = walked(0.7 * limit, 150)
    errors_of[name] = mean_error(test @ weights[:12] + weights[12])
    rows.append(
        (
            name,
            f"{curvatures[-1] / curvatures[0]:.2g}",
            f"{limit:.3g}",
            f"{measured:.3g}",
            f"{errors_of[name]:.2f}",
        )
    )
heads = (
    "columns",
    "largest / smallest",
    "2 / largest",
    "measured limit",
    "test error (per cent)",
)
results.Table(heads, rows)

# %% [markdown]
# (c). The limit is where the formula says, to within 1 in 100. With raw columns the bowl is curved more
# than 100 million times as much in one direction as in another: proline, in hundreds, forbids every rate
# above about a millionth, and at such a rate the bias hardly moves. Standardising does two things, and the
# last two rows do one each: to take the mean away alone is worse than nothing here, to divide by the
# spread alone is not enough. With both, the largest curvature is about 38 times the smallest, and 150 steps
# come close. Standardising changes nothing about what the model *can* say. It changes the ground that it
# walks on.
#
# ## 9 · The silent loss, trained
# Section 2 had a loss that compares each answer with each target. What does a model learn from it?
# **Predict, then run.** In PyTorch, `Linear(12, 1)` gives a column, and our targets are a row. We write
# `((model(x) - y) ** 2).mean()` and train, with the same rate and steps. What does it say about a new
# wine? (a) the same as the model above, (b) about the mean, whatever the wine, (c) nonsense, since the
# loss explodes.

# %% tags=["predict"] tolerance=0.002
lesson.PREDICTIONS["silent_training"].ask()
x = torch.tensor(x_train)
y = torch.tensor(y_train)
silent_errors, rows = {}, []
for name, target in (("row (100,)", y), ("column (100, 1)", y[:, None])):
    model = torch.nn.Linear(12, 1).double()
    for weight in model.parameters():
        torch.nn.init.zeros_(weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(steps):
        loss = ((model(x) - target) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        said = model(torch.tensor(x_test)).numpy()[:, 0]
    silent_errors[name] = mean_error(said)
    numbers = (losses[0], losses[-1], silent_errors[name], said.std())
    rows.append((name, *[f"{number:.3f}" for number in numbers]))
heads = ("first loss", "last loss", "mean error", "spread of the answers")
results.Table(("targets", *heads), rows)

# %% [markdown]
# (b). To please all targets at once, each answer must be the mean. The loss falls, nobody complains, and
# the model has learned nothing but the mean: its error is that of the first baseline, to the third
# decimal. The baseline is what gives it away. (The cure is one pair of brackets, `y[:, None]`.)
#
# ## 10 · Your turn, and questions
# **Exercise.** The same bowl, all 114 training wines, standardised, from weights of 0. Find a learning
# rate and a momentum with which 20 steps bring the loss within a thousandth of the lowest one possible.
# Plain descent does not get there at any rate. Give both as a pair.

# %% tags=["exercise"]
rate_and_momentum = ...  # for example (0.1, 0.0)

lesson.rate_and_momentum.check(rate_and_momentum)

# %% tags=["quiz"]
lesson.QUIZ

# %% [markdown]
# How often did you guess right in this lesson, and how sure were you?

# %% tags=["learner-state"]
course.guesses("10")

# %% [markdown]
# ## Take-aways
# - Print shapes and dtypes. Broadcasting, overflow in arrays of whole numbers and shared memory make no noise.
# - A program finds slopes by handing them back box by box; where a number is used twice, they are added.
# - Check an engine by finite differences and by another engine, on formulas that you have not chosen.
# - The largest curvature sets the limit, 2/c; the smallest sets the pace. Standardise the columns
#   before you look for a better method.
# - A falling loss proves nothing. A baseline would have caught the silent one.
#
# **Sources:** Rumelhart, Hinton and Williams (1986), *Learning representations by back-propagating
# errors*, Nature 323, https://doi.org/10.1038/323533a0 · Baydin, Pearlmutter, Radul and Siskind (2018),
# *Automatic differentiation in machine learning: a survey*, https://arxiv.org/abs/1502.05767 · Polyak
# (1964), *Some methods of speeding up the convergence of iteration methods* (momentum),
# https://doi.org/10.1016/0041-5553(64)90137-5 · Harris and others (2020), *Array programming with NumPy*,
# https://doi.org/10.1038/s41586-020-2649-2 · Karpathy (2020), *micrograd* (an engine for slopes in a
# hundred lines), https://github.com/karpathy/micrograd · Aeberhard and Forina (1992), *Wine*,
# https://doi.org/10.24432/C5PC7J
#
# **Claims you will meet elsewhere**, tested in this lesson: "broadcasting complains if shapes do not fit"
# (section 2), "the gradient points away from the lowest point" and "long steps jump out of shallow
# hollows" (section 7).

# %% [markdown] tags=["instructor"]
# ### For teachers
# **Run of show, 170 minutes, best in two sittings:** 1 arrays and axes (15) · 2 broadcasting, with the
# bug (20) · 3 types and shared memory (20) · 4 slopes on the board, then the walk (30) · *break* · 5 the
# engine, checked (15) · 6 the libraries (10) · 7 downhill, the explorer (30) · 8 the wine (15) · 9 the
# silent loss (5) · 10 the open exercise and questions (10, or as homework). The written test is homework.
#
# **To cut:** "A few more surprises", "Why an order?", the two hollows. **Keep** the slopes that add up,
# and the silent loss in both places.
#
# **Ask:** Which axis disappears? (The one named.) Why does `a` get two slopes? What would the silent loss
# have cost you in a week of training? What is the unit of a learning rate? (That of weight² / loss: so no
# number is "a good rate" for all losses.)
#
# **Where people stall:** in `slopes_of`, that the walk goes from the last number to the first; let them
# do the four numbers of `a · b + a` on paper, with a finger. In `descend`, that the velocity must survive
# the step.
