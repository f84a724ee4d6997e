# %% [markdown]
# # Your first network in ten lines
# Ten lines of Python, ten thousand photographs of clothes, a few seconds: at the end a network
# names pictures that it has never seen. First we make it work. Then we look at what it gets wrong, and
# at what is inside.
#
# **After this lesson you can:** train a network in Keras and in PyTorch · say how good it is, on
# pictures it has not seen · find out what it gets wrong · use the checks, quizzes and explorers of
# this course.
#
# **Needs:** Python, a little NumPy. No deep learning, no mathematics. **Data:** Fashion-MNIST
# (shipped).
#
# {measured}

# %% [markdown]
# Run a cell with **Shift+Enter**; its result appears below it. The results you see before that are
# stored ones: yours will replace them. The first cell loads what we need and takes some seconds.

# %%
import time

from dlcourse import (
    arrays,
    backends,
    course,
    data,
    explore,
    lessons,
    parity,
    plot,
    results,
    runtime,
)
from dlcourse.lessons import start_here as lesson

import keras
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

plot.use_course_style()
runtime.seed(0)

# %% [markdown]
# Is this machine ready? A line that does not say *ok* says what to do.

# %%
course.machine()

# %% [markdown]
# ## 1 · Ten lines
# Each picture shows one of ten kinds of clothes and has 28 × 28 grey pixels. We **train** on 10 000 of
# them, and **test** on 5 000 others. We never train on those: what counts is new pictures.

# %%
fashion = data.load("fashion-mnist")
train, test = fashion.train[:10_000], fashion.test[:5_000]
plot.images(
    train[:10].images,
    titles=[fashion.classes[k] for k in train[:10].labels],
    columns=5,
)
plot.describe(
    "Ten small grey pictures of clothes with the name of their kind above."
)

# %% [markdown]
# **Predict, then run.** Here is a whole network in Keras, ten lines. It sees each picture three times.
# Of 100 new pictures, how many will it name rightly: about 10, about 50, or about 80?

# %% tags=["predict"] tolerance=0.03
model = keras.Sequential()
model.add(keras.Input((28, 28, 1)))
model.add(keras.layers.Flatten())
model.add(keras.layers.Dense(64, activation="relu"))
model.add(keras.layers.Dense(10))
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
model.fit(train.images, train.labels, epochs=3, batch_size=64, verbose=0)
accuracy = model.evaluate(test.images, test.labels, verbose=0)[1]
print(f"of 100 new pictures, named rightly: {100 * accuracy:.0f}")

# %% [markdown]
# More than 80. That is deep learning at work: nobody told the program what a boot looks like. It saw
# pictures with their names and turned its own numbers until it named them well.
#
# What the lines say:
#
# - `Flatten` makes one row of 784 numbers of each picture. `Dense(64)` computes 64 new numbers from
#   them, `Dense(10)` ten **scores** from those, one for each kind. The highest score is the answer.
# - The **loss** says how far the scores are from the right answer. **Adam** is the rule by which the
#   network's numbers, its **weights**, are turned after each batch of 64 pictures so that the loss gets
#   smaller.
# - One pass over all training pictures is an **epoch**. We made three.

# %% [markdown]
# ## 2 · How this course answers you
# An exercise is a cell with a blank, `...`. Fill it in, run the cell, and read what it says. Wrong
# answers are welcome: the course knows the common ones and tells you what they mean.
#
# **Exercise.** How many numbers does one of these pictures hold? Do it wrong once, to see what happens:
# try `28 + 28` first.

# %% tags=["exercise"]
numbers_in_a_picture = ...

lesson.numbers_in_a_picture.check(numbers_in_a_picture)

# %% [markdown]
# Stuck? In a new cell, `lesson.numbers_in_a_picture.hint()` gives a hint, then another;
# `lesson.numbers_in_a_picture.solution()` shows one way to do it. What you try is kept on this machine,
# also when you close the notebook; `course.map()` at the end shows it.
#
# ## 3 · What does it get wrong?
# The model gives ten scores for each picture. **Softmax** turns them into probabilities that add up to
# 1; lesson 11 says how. Move the slider to look at single test pictures.


# %%
scores = model.predict(test.images, verbose=0)
probabilities = arrays.softmax(scores)
predicted = scores.argmax(axis=1)
wrong = np.flatnonzero(predicted != test.labels)[:100]
pools = {"all pictures": np.arange(100), "mistakes only": wrong}


def look(figure, show, number):
    """Draw one test picture, and how sure the network is of each kind."""
    place = pools[show][number]
    picture, bars = figure.subplots(1, 2, width_ratios=(1, 2))
    picture.imshow(test[place].images[0, :, :, 0])
    picture.axis("off")
    label = fashion.classes[test.labels[place]]
    picture.set_title(f"label: {label}")
    bars.barh(fashion.classes, probabilities[place], color=plot.COLOURS[0])
    bars.set(title="What the network says", xlabel="probability", xlim=(0, 1))
    bars.invert_yaxis()
    said, sure = fashion.classes[predicted[place]], probabilities[place].max()
    return f"Labelled {label}; the network says {said}, probability {sure:.2f}."


# %% tags=["explorer"] tolerance=0.1 image_tolerance=0.1
gallery = explore.Explorer(
    look,
    show=explore.choice(pools),
    number=explore.slider(0, 99, 0),
)
gallery

# %% [markdown]
# Choose *mistakes only* and look at a dozen. Shirts, coats and pullovers are taken for each other; a trouser is hardly ever taken
# for a bag. Some pictures you would have named wrongly too.
#
# **Exercise.** `accuracy` is the share of right answers. Write it yourself, for two NumPy arrays of
# class numbers.


# %% tags=["exercise"]
def accuracy(predicted, labels):
    return ...  # your code


lesson.accuracy.check(accuracy)

# %%
accuracy = lesson.accuracy.carry_on_with(accuracy)
print("equal to Keras:", np.isclose(
    accuracy(predicted, test.labels),
    model.evaluate(test.images, test.labels, verbose=0)[1],
))  # fmt: skip

# %% [markdown]
# `carry_on_with` takes your function if it is right and the solution if it is not, so that the lesson
# always goes on.
#
# **Exercise: find the bug.** This function should name each picture. It runs, and what it returns is
# wrong. Mend it.


# %% tags=["exercise"]
def names_of(scores, classes):
    return [classes[k] for k in scores.argmax(axis=0)]


lesson.names_of.check(names_of)

# %% [markdown]
# ## 4 · What is inside?
# Nothing but multiplying and adding. A dense layer multiplies a picture's row of numbers by a table of
# weights and adds a number for each unit; `relu` puts 0 in the place of negative numbers. Here is the
# trained network without Keras. **Predict, then run.** How far will its scores be from those of Keras?

# %% tags=["predict"] tolerance=0.00001
w1, b1, w2, b2 = model.get_weights()
hidden = np.maximum(0, test.features @ w1 + b1)  # (N, 64)
by_hand = hidden @ w2 + b2  # (N, 10)
print(f"largest difference: {np.abs(by_hand - scores).max():.4f}")

# %% [markdown]
# Not at all, but for rounding. The network *is* these four tables of numbers, 50 890 in all, and training
# is the search for them. How that search works is lesson 11.

# %% [markdown]
# ## 5 · Ten lines again, in PyTorch
# **PyTorch** leaves the loop to you. It takes a batch, computes the loss, computes how each weight
# should turn (`backward`), and turns it (`step`).

# %%
layers = nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)
torch_model = nn.Sequential(*layers)
optimizer = torch.optim.Adam(torch_model.parameters())
pairs = TensorDataset(torch.tensor(train.images), torch.tensor(train.labels))
for _ in range(3):
    for pictures, labels in DataLoader(pairs, 64, shuffle=True):
        loss = nn.functional.cross_entropy(torch_model(pictures), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

# %% tolerance=0.03
torch_scores = backends.of(torch_model).scores(torch_model, test.images)
share = accuracy(torch_scores.argmax(axis=1), test.labels)
print(f"of 100 new pictures, named rightly: {100 * share:.0f}")

# %% [markdown]
# The same network, nearly the same score. Not *the same* score: it started from other random weights
# and saw the pictures in another order. **Predict, then run.** Suppose both have the same weights. Do
# the two frameworks then give the same scores?

# %% tags=["predict"]
parity.carry_weights(torch_model, model)
parity.compare(torch_model, model, test.images[:64], test.labels[:64])

# %% [markdown]
# They do, to rounding. A framework is a way of writing; the network is the same. In this course every
# network that stands in two frameworks is compared like this.
#
# ## 6 · How good is 80 of 100?
# A score means something only next to a **baseline**, what one gets without a network. One is to guess:
# 10 of 100. Another keeps the mean picture of each kind, and names a new picture by the mean that is
# nearest. That takes three lines and no training.

# %%
means = np.stack(
    [train.features[train.labels == k].mean(axis=0) for k in range(10)]
)
plot.images(means.reshape(10, 28, 28), titles=fashion.classes, columns=5)
plot.describe(
    "The mean picture of each kind: blurred, but one sees what it is."
)

# %%
squares = np.stack(
    [((test.features - mean) ** 2).sum(axis=1) for mean in means], axis=1
)  # (N, 10)
by_means = accuracy(squares.argmin(axis=1), test.labels)

# %% [markdown]
# Now the network, once more and from other random weights. (`fit` of the course's helper runs the loop of
# section 5.)

# %% tags=["parameters"]
seed = 0


# %%
def trained(examples, epochs, seed):
    """Train a new network of the same kind in PyTorch."""
    runtime.seed(seed)
    layers = nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)
    model = nn.Sequential(*layers)
    backends.of(model).fit(
        model, examples.pixels, examples.labels, epochs=epochs, batch_size=64,
        seed=seed, show=False,
    )  # fmt: skip
    return model


def share_right(model, examples):
    evaluate = backends.of(model).evaluate
    return evaluate(model, examples.pixels, examples.labels).accuracy


# %% tags=["headline"] tolerance="band"
started = time.perf_counter()
network = trained(train, 3, seed)
headline = results.Headline(
    what="accuracy on 5 000 test pictures",
    score=share_right(network, test),
    baseline=float(by_means),
    baseline_name="nearest mean picture",
    parameters=model.count_params(),
    seconds=time.perf_counter() - started,
    band=lessons.band("start_here"),
)
headline

# %% [markdown]
# Two thirds can be had without any learning; what the network adds is the distance from there. One run is
# one draw: from other random weights it ends a little higher or lower. How much, says the **seed band**,
# measured once with several seeds and stored with the lesson. Yours will be near it. A difference smaller
# than the band says nothing. Every lesson states its main result like this.
#
# ### A common mistake in thinking
# "It names nearly all of its training pictures, so it works." **Predict, then run.** Take only 200
# pictures and look at them 100 times. How good is the network on these, and how good on new ones?

# %% tags=["predict"] tolerance=0.05
few = train[:200]
learner = trained(few, 100, seed)
print(f"its 200 training pictures: {share_right(learner, few):.2f}")
print(f"new pictures: {share_right(learner, test):.2f}")

# %% [markdown]
# All of its own, three quarters of the new ones. It has learned the 200 by heart. Only pictures that it
# has not seen say what it can do.

# %% [markdown]
# ## 7 · Your turn
# **Exercise.** Name at least 85 of 100 *validation* pictures, a third part of the data, kept for trying
# things out, so that the test pictures stay unseen. `new_keras(hidden)` below gives a fresh, compiled
# network; change what you like. It may take half a minute.


# %%
def new_keras(hidden):
    model = keras.Sequential()
    model.add(keras.Input((28, 28, 1)))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(hidden, activation="relu"))
    model.add(keras.layers.Dense(10))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    return model


# %% tags=["exercise"]
better_model = ...  # for example new_keras(64), then .fit as in section 1

lesson.better_model.check(better_model)

# %% [markdown]
# ## 8 · Questions
# Choose an answer and read why it is right or wrong. Questions come back in later lessons: what one
# recalls after some days, one keeps.

# %% tags=["quiz"]
lesson.QUIZ

# %% [markdown]
# ## 9 · Where to go from here
# The map shows every lesson, what it builds on and what you have done. `course.map()` works in any
# notebook; in a terminal, `dlcourse list` says the same.

# %%
course.map()

# %% [markdown]
# ## Take-aways
# - A network is a chain of layers whose weights are turned until the loss is small.
# - Only new pictures say what a network can do. Keep test pictures apart.
# - A score needs a baseline beside it, and the band that other seeds give.
# - Look at what it gets wrong. It is the quickest way to understand a network, and the data.
#
# **Sources:** Xiao, Rasul and Vollgraf (2017), *Fashion-MNIST*, https://arxiv.org/abs/1708.07747 ·
# Kingma and Ba (2014), *Adam*, https://arxiv.org/abs/1412.6980 · Karpicke and Roediger (2008), *The
# critical importance of retrieval for learning*, https://doi.org/10.1126/science.1152408 (why questions
# come back)
#
# **The article's claims, tested here:** that deep learning fits patterns with networks of several layers
# (it does, from pixels to names), that one need not be an expert to begin (ten lines; judging the result
# takes more), and that one can start from scratch with small projects.

# %% [markdown] tags=["instructor"]
# ### For teachers
# **Run of show, 40 minutes:** 1 ten lines (8: let them predict aloud, run, wait for the 80) · 2 a check,
# wrong on purpose (4) · 3 mistakes and two exercises (10) · 4 inside (3) · 5 PyTorch (4) · 6 baselines
# (6) · 7 open exercise (4, or homework) · 8 questions (2).
#
# **To cut:** section 5 in a course with one framework; section 7. **Keep** the mistakes.
#
# **Ask:** What would the network say to a picture of a cat? (One of the ten kinds, perhaps surely.) Is
# 0.83 good? (For what? Next to what?)
#
# **Where people stall:** running cells out of order. *Kernel, Restart and run all* mends it, and
# progress stays. In `names_of`, let them print the length of the result for two pictures.
