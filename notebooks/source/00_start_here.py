# %% [markdown]
# # Your first network in ten lines
# Ten lines of Python and ten thousand pictures of clothes: at the end, a program recognises clothes in
# pictures that it has never seen. First we make it work. Then we look at what it gets wrong, and at what
# is inside.
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
# Run a cell with **Shift+Enter**; its result appears below it. Many results are stored already, and yours
# replace them. Where a text asks you to predict something, the result of the next cell waits until you have
# guessed, and said how sure you are, or have chosen *Skip*. The first cell loads what we need and takes some
# seconds.

# %%
import time

from dlcourse import arrays, backends, course, data, draw, explore
from dlcourse import lessons, parity, plot, results, runtime
from dlcourse.lessons import start_here as lesson

import keras
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

plot.use_course_style()
runtime.seed(0)

# %% [markdown]
# Is this machine ready? A line that does not say *ok* says what to do.

# %% tags=["learner-state"]
course.machine()

# %% [markdown]
# ## 1 · Ten lines
# Each picture shows a piece of clothing and has 28 × 28 grey pixels. There are ten **classes**: trouser,
# sandal, bag and so on. The name of the right class is the picture's **label**.
#
# The program will learn from 10 000 pictures, the **training set**. Then we test it on 5 000 others, the
# **test set**, which it has never seen: new pictures are what counts.

# %%
fashion = data.load("fashion-mnist")
train, test = fashion.train[:10_000], fashion.test[:5_000]
plot.images(
    train[:10].images,
    titles=[fashion.classes[k] for k in train[:10].labels],
    columns=5,
)
plot.describe("Ten small grey pictures of clothes, each with its label above.")

# %% [markdown]
# A **network** turns the pixels of a picture into ten numbers, one for each class, called **scores**. The
# highest score is its answer. It gets from pixels to scores by multiplying and adding, again and again,
# with tens of thousands of numbers of its own, its **weights**. At first they are random and so are the
# answers. **Training** changes them, little by little.
#
# In the ten lines below,
#
# - lines 1 to 5 build the network as a chain of **layers**. `Input` says what comes in: 28 × 28 pixels with 1
#   number each (a colour picture would have 3). `Flatten` turns that into one long row of numbers,
#   `Dense(64)` computes 64 new numbers from them, and `Dense(10)` computes the ten scores from those.
#   (`relu` is explained in section 4.)
# - line 6 chooses the **loss**: one number that says how far the scores are from the right answer. Training
#   makes it smaller. (`from_logits=True` says that we give raw scores, not probabilities.)
# - line 7 gets it ready: `"adam"` is the rule by which the weights are changed, and `"accuracy"` asks
#   Keras to count the right answers too.
# - line 8 trains. The pictures come in **batches** of 64, and after each batch the weights change a little.
#   One pass over all training pictures is an **epoch**. We make three.
# - lines 9 and 10 test. **Accuracy** is the share of pictures that it gets right. (`evaluate` gives the loss
#   first; `_` takes it, and nobody uses it.)
#
# **Predict, then run.** Of 100 new pictures, how many will it get right? (a) about 10, (b) about 50,
# (c) about 80.

# %% tags=["predict"] tolerance=0.03
lesson.PREDICTIONS["ten_lines"].ask()
keras_model = keras.Sequential()
keras_model.add(keras.Input(shape=(28, 28, 1)))
keras_model.add(keras.layers.Flatten())
keras_model.add(keras.layers.Dense(64, activation="relu"))
keras_model.add(keras.layers.Dense(10))
keras_loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
keras_model.compile(optimizer="adam", loss=keras_loss, metrics=["accuracy"])
record = keras_model.fit(train.images, train.labels, batch_size=64, epochs=3, verbose=0)  # fmt: skip
_, keras_accuracy = keras_model.evaluate(test.images, test.labels, verbose=0)
print(f"of 100 new pictures, correct: {100 * keras_accuracy:.0f}")

# %% [markdown]
# (c), a little more than 80. Nobody told the program what a boot looks like. It saw pictures with their
# labels and adjusted its own numbers until most of its answers were right. Here is how that went, epoch by
# epoch, on the training pictures:

# %% tolerance=0.03
untrained = keras.models.clone_model(keras_model)  # with new random weights
untrained.compile(loss=keras_loss, metrics=["accuracy"])
first = untrained.evaluate(train.images, train.labels, verbose=0)
rows = [("before", *(f"{number:.2f}" for number in first))]
for epoch in range(3):
    epoch_loss = record.history["loss"][epoch]
    epoch_accuracy = record.history["accuracy"][epoch]
    rows.append((epoch + 1, f"{epoch_loss:.2f}", f"{epoch_accuracy:.2f}"))
results.Table(("epoch", "loss", "accuracy"), rows)

# %% [markdown]
# The loss goes down and the accuracy goes up, most of all in the first epoch. With random weights a network
# guesses. (Keras adds these numbers up while the network is learning, so each row is a mean over its epoch.
# At the end of the first epoch the network is already better than its row says.)
#
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
# `lesson.numbers_in_a_picture.solution()` shows one way to do it. What you try is saved on this machine,
# even after you close the notebook; `course.map()` at the end shows what is done.
#
# ## 3 · What does it get wrong?
# `keras_scores` below has one row for each test picture and one column for each class. **Softmax** turns
# a row of scores into probabilities, which add up to 1; lesson 11 says how.

# %%
keras_scores = keras_model.predict(test.images, verbose=0)  # (5000, 10)
probabilities = arrays.softmax(keras_scores)
predicted = keras_scores.argmax(axis=1)  # the class with the highest score
mistakes = np.flatnonzero(predicted != test.labels)

# %% [markdown]
# The next cell is an **explorer**: move the slider to look at single test pictures. Then choose *mistakes
# only* and look at a dozen: cover the label with your hand and name the thing yourself first. Which classes
# does the network mix up? Below the picture are three **challenges**, things to find with the controls. Each is
# marked as soon as what you see meets it. The line *In code* shows the same picture again when you run it in
# a cell of its own.


# %%
def look(figure, show, number):
    """Draw one test picture and how sure the network is of each class."""
    n = mistakes[number] if show == "mistakes only" else number
    return lesson.draw_answer(
        figure,
        test.images[n],
        label=fashion.classes[test.labels[n]],
        probabilities=probabilities[n],
        classes=fashion.classes,
    )


# %% tags=["explorer"] tolerance=0.1 image_tolerance=0.1
gallery = explore.Explorer(
    look,
    challenges=lesson.CHALLENGES["gallery"],
    show=explore.choice(("all pictures", "mistakes only")),
    number=explore.slider(0, 99, 0),
)
gallery

# %% tolerance=0.3
upper_body = ("T-shirt/top", "pullover", "dress", "coat", "shirt")
shoes = ("sandal", "sneaker", "ankle boot")
print(f"mistakes: {len(mistakes)} of {len(test)}")
for group in (upper_body, shoes):
    members = [fashion.classes.index(name) for name in group]
    inside = np.isin(test.labels, members) & np.isin(predicted, members)
    count = inside[mistakes].sum()
    print(f"within {', '.join(group)}: {count}")

# %% [markdown]
# Most mistakes are within what is worn on the upper body, and many of the others are shoes taken for other
# shoes. You may have got some of them wrong yourself.
#
# **Exercise.** Write the accuracy yourself: the share of right answers, from 0 to 1, for two NumPy
# arrays of class numbers.


# %% tags=["exercise"]
def accuracy(predicted, labels):
    return ...  # your code


lesson.accuracy.check(accuracy)

# %% [markdown]
# **Exercise: write the test.** Somebody hands you an `accuracy`. Is it right? A test finds out: it
# calls the function with arrays of your own, and `assert` raises an error where what follows is not
# true. The check runs your test on several right functions, which must pass, and on the wrong ones
# that people write, which must not.


# %% tags=["exercise"]
def test_accuracy(accuracy):
    assert ...  # your cases


lesson.test_accuracy.check(test_accuracy)

# %%
accuracy = lesson.accuracy.carry_on_with(accuracy)
same = np.isclose(accuracy(predicted, test.labels), keras_accuracy)
print("equal to what Keras counted:", same)

# %% [markdown]
# `carry_on_with` takes your function if it is right and the solution if it is not, so that the lesson
# always goes on.
#
# **Exercise: find the bug.** This function should give the name of the class for each picture. It runs,
# and what it returns is wrong. Fix it.


# %% tags=["exercise"]
def names_of(scores, classes):
    return [classes[k] for k in scores.argmax(axis=0)]


lesson.names_of.check(names_of)

# %% [markdown]
# ## 4 · What is inside?
# Where are the numbers that training changed? The drawing shows what each layer gives (N is the number of
# pictures) and how many numbers of its own, its **parameters**, it holds.

# %%
draw.network(keras_model, test.images)

# %% [markdown]
# Nearly all are in the first dense layer: a weight for each pair of one of the 784 pixels and one of the 64
# numbers that it computes. `Flatten` holds none, because it only puts the pixels in one row.
#
# What is done with these numbers? Nothing but multiplying and adding, and one simple rule. A **dense layer**
# multiplies its row of numbers by a table of weights and adds one number for each output, its **bias**. `relu`
# then replaces negative numbers by 0.
#
# **Predict, then run.** The next cell takes the four tables out of the trained network and does this in
# NumPy, without Keras. (`test.features` holds the same pictures as `test.images`, as rows of 784 numbers.)
# How far will its scores be from those of Keras? (a) they are the same, up to rounding, (b) by about 0.01,
# (c) by about 1.

# %% tags=["predict"] tolerance=0.0001
lesson.PREDICTIONS["by_hand"].ask()
w1, b1, w2, b2 = keras_model.get_weights()
hidden = np.maximum(0, test.features @ w1 + b1)  # (5000, 64)
by_hand = hidden @ w2 + b2  # (5000, 10)
print(f"largest difference: {np.abs(by_hand - keras_scores).max():.4f}")

# %% [markdown]
# (a). Here is the way of the first test picture through one of the 64 numbers of the first layer. We take the
# one that ends furthest below 0 before the rule. (*products* is the sum of all 784 products of a pixel and a
# weight.) What does `relu` make of it?

# %% tolerance=0.2
n = (test.features[0] @ w1 + b1).argmin()
products, bias = test.features[0] @ w1[:, n], b1[n]
steps = {"sum": "products + bias", "given": "max(0, sum)"}
values = {
    "products": products,
    "bias": bias,
    "sum": products + bias,
    "given": hidden[0, n],
}
draw.computation_graph(steps, values, title="One of the 64 numbers")

# %% [markdown]
# 0: `max(0, sum)` is `relu`. For this picture, the second layer hears nothing from here.
#
# The network *is* these four tables of numbers and the order in which they are used, and training is the
# search for the numbers. How that search works is the subject of lessons 10 and 11.
#
# ## 5 · The same network in PyTorch
# **PyTorch** is the other large library for networks. `Linear` is its name for a dense layer.


# %%
def new_torch():
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


# %% [markdown]
# What `fit` does in Keras, you write yourself here: a loop over epochs and batches. For each batch it
# computes the scores and their loss, forgets what it noted for the last batch (`zero_grad`), works out how
# each weight should change (`backward`), and changes it (`step`). We also keep each loss, to draw it.


# %%
def train_torch(model, images, labels, epochs):
    """Train `model`; return the loss of every batch."""
    training_set = TensorDataset(torch.tensor(images), torch.tensor(labels))
    loader = DataLoader(training_set, batch_size=64, shuffle=True)
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters())
    batch_losses = []
    for _ in range(epochs):
        for batch_images, batch_labels in loader:
            scores = model(batch_images)
            loss = loss_function(scores, batch_labels)

            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

            batch_losses.append(loss.item())
    return batch_losses


# %%
torch_model = new_torch()
batch_losses = train_torch(torch_model, train.images, train.labels, epochs=3)

# %% image_tolerance=0.1
figure, axes = plt.subplots()
axes.plot(batch_losses, linewidth=1)
axes.set(
    title="The loss of each batch while the network learns",
    xlabel="batches seen (157 are one epoch)",
    ylabel="loss (nats: see lesson 11)",
    ylim=(0, None),
)
plot.describe(
    "The loss falls from about 2.3 to below 1 within the first 100 batches, "
    "then slowly, and goes up and down from batch to batch all the time."
)

# %% [markdown]
# Such a **loss curve** is the first thing to look at in any training. It falls steeply at first. It is jagged
# because each batch holds other pictures, some harder and some easier. And the test:

# %% tolerance=0.03
with torch.no_grad():  # only compute, do not note anything for training
    torch_scores = torch_model(torch.tensor(test.images)).numpy()
torch_accuracy = accuracy(torch_scores.argmax(axis=1), test.labels)
print(f"of 100 new pictures, correct: {100 * torch_accuracy:.0f}")

# %% [markdown]
# The same network and nearly the same result. Not exactly the same, because it started from other random
# weights (the two libraries also draw them by different rules) and saw the pictures in another order.
#
# **Predict, then run.** Now we copy the trained weights from Keras into a new PyTorch network. Do the
# two libraries then give the same scores? (a) yes, up to rounding, (b) nearly, they differ by about 0.01,
# (c) no, each library computes in its own way.

# %% tags=["predict"] tolerance=0.0001
lesson.PREDICTIONS["carried"].ask()
twin = new_torch()
parity.carry_weights(keras_model, twin)
with torch.no_grad():
    twin_scores = twin(torch.tensor(test.images[:1000])).numpy()
difference = np.abs(twin_scores - keras_scores[:1000]).max()
print(f"largest difference on 1 000 pictures: {difference:.4f}")

# %% [markdown]
# (a). A library is a way of writing a network down; the network is the same. In this course, every network
# written in both is compared this way.
#
# ## 6 · How good is 80 of 100?
# A score means something only next to a **baseline**, what a simpler method gets. Guessing gets 10
# of 100. A better baseline: take the mean picture of each class, and give a new picture the class whose mean is
# nearest to it.

# %%
means = np.stack(
    [train.features[train.labels == k].mean(axis=0) for k in range(10)]
)
plot.images(means.reshape(10, 28, 28), titles=fashion.classes, columns=5)
plot.describe(
    "The mean picture of each class, blurred. The sandal can hardly be "
    "recognised; pullover, coat and shirt look much the same."
)

# %%
squares = np.stack(
    [((test.features - mean) ** 2).sum(axis=1) for mean in means], axis=1
)  # (5000, 10): how far each picture is from each mean
means_accuracy = accuracy(squares.argmin(axis=1), test.labels)

# %% [markdown]
# And one more, which learns nothing at all: look up the five most similar of the 10 000 training pictures,
# and give the label that most of them have. (Most similar: the squares of the differences between the
# pixels add up to the least. Five is the best of 1, 3, 5, 7 and 10 on other pictures, which you will meet in
# section 7.)

# %%
look_up = KNeighborsClassifier(5).fit(train.features, train.labels)
look_up_accuracy = accuracy(look_up.predict(test.features), test.labels)

# %% [markdown]
# Now the network of section 5, once more, with the pictures in another order. `backends.fit`, a helper of the
# course, runs the loop.
#
# **Predict, then run.** The network gets a little more than 80 of 100 right. The nearest mean, and the five
# most similar pictures: (a) 40 and 50, (b) 70 and 80, (c) 70 and 90?

# %% tags=["parameters"]
seed = 0


# %%
def trained(examples, epochs, seed):
    """Return a new network; `seed` sets its random start and the order."""
    runtime.seed(seed)
    network = new_torch()
    backends.fit(
        network,
        examples.images,
        examples.labels,
        epochs=epochs,
        batch_size=64,
        seed=seed,
        show=False,
    )
    return network


def share_right(network, examples):
    scores = backends.scores(network, examples.images)
    return accuracy(scores.argmax(axis=1), examples.labels)


# %% tags=["predict"] tolerance=0.03
lesson.PREDICTIONS["baselines"].ask()
started = time.perf_counter()
network = trained(train, 3, seed)
seconds = time.perf_counter() - started
rows = (
    ("nearest mean", f"{means_accuracy:.2f}"),
    ("five most similar", f"{look_up_accuracy:.2f}"),
    ("network, 3 epochs", f"{share_right(network, test):.2f}"),
)
results.Table(("5 000 test pictures", "accuracy"), rows)

# %% [markdown]
# (b). After three epochs the network does what looking things up does, and no more. Without the stronger
# baseline we would have been too proud of it. (It has one advantage already: it no longer needs the 10 000
# pictures when it answers. And in section 7 it will be trained for longer.)
#
# One training is one draw: with other random weights, or the pictures in another order, it ends a little higher
# or lower. The **seed band** ("typically …") says how much; it was measured once with five seeds (numbers that
# set both) and stored with the lesson. If two networks differ by less than such a band, it may be chance. Every
# lesson states its main result like this:

# %% tags=["headline"]
headline = results.Headline(
    what="accuracy on 5 000 test pictures, 3 epochs",
    score=share_right(network, test),
    baseline=float(look_up_accuracy),
    baseline_name="five most similar training pictures",
    parameters=sum(table.numel() for table in network.parameters()),
    seconds=seconds,
    band=lessons.band("start_here"),
)
headline

# %% [markdown]
# ### A common mistake in thinking
# "It gets nearly all of its training pictures right, so it works." **Predict, then run.** We take only 200
# pictures and show them 100 times, from five random starts. How good is the network on these 200, and how
# good on new pictures? (a) 1.00 and 0.95, (b) 1.00 and 0.75, (c) 0.80 and 0.75.

# %% tags=["predict"] tolerance=0.02
lesson.PREDICTIONS["by_heart"].ask()
few = train[:200]
for start in range(5):
    learner = trained(few, 100, start)
    own, new = share_right(learner, few), share_right(learner, test)
    print(f"start {start}: its 200 training pictures {own:.2f}, new {new:.2f}")

# %% [markdown]
# (b). Could you have known from its own pictures that it does so much worse on new ones? Stop after 15 epochs
# instead of 100: then the network gets about the same *share* of its own pictures right as the first network of
# this section, which saw 10 000 pictures three times.

# %% tolerance=0.03
stopped = [trained(few, 15, start) for start in range(5)]
own = np.mean([share_right(learner, few) for learner in stopped])
new = np.mean([share_right(learner, test) for learner in stopped])
rows = (
    ("200, seen 15 times, mean of 5", f"{own:.2f}", f"{new:.2f}"),
    (
        "10 000, seen 3 times",
        f"{share_right(network, train):.2f}",
        f"{share_right(network, test):.2f}",
    ),
)
results.Table(("trained on", "right of these", "right of new ones"), rows)

# %% [markdown]
# No: about the same on the pictures that they learned from, and quite different on new ones. Only pictures that
# a network has not seen say what it can do.
#
# ## 7 · Your turn
# **Exercise.** Get at least 85 of 100 *validation* pictures right. These are a third, separate part of the
# data, the **validation set** (5 000 pictures), kept for trying things out: whoever tries twenty networks
# on the test pictures and keeps the best has chosen with them, and they are no longer new.
# `new_keras(hidden)` below gives a fresh network, ready for `fit`; `hidden` is how many numbers its first
# dense layer computes. Change whatever you like, but train on pictures of `fashion.train` only.


# %%
def new_keras(hidden):
    model = keras.Sequential()
    model.add(keras.Input(shape=(28, 28, 1)))
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
# And the test pictures? Here they are beside the validation pictures, for your network (until it is there,
# for that of section 6) and for the look-up.

# %% tolerance=0.03
there = lesson.better_model.judge(better_model).outcome == "right"
chosen = better_model if there else network
rows = []
for name, pictures in (("validation", fashion.valid), ("test", test)):
    looked_up = accuracy(look_up.predict(pictures.features), pictures.labels)
    rows.append(
        (name, f"{looked_up:.3f}", f"{share_right(chosen, pictures):.3f}")
    )
results.Table(("pictures", "five most similar", "network"), rows)

# %% [markdown]
# Both get slightly fewer of the test pictures right. By itself that shows nothing about choosing: by
# chance alone the accuracies on two sets of 5 000 pictures may differ by a little more than 1 in 100. If
# yours loses clearly more, say 2 in 100, ask how much you have chosen with the validation pictures.
# (Strictly, the test pictures are no longer new either: section 3 has looked at them one by one.)

# %% [markdown]
# ## 8 · Questions
# Choose an answer and read why it is right or wrong. Questions come back in later lessons: what you recall
# after a few days, you keep better.

# %% tags=["quiz"]
lesson.QUIZ

# %% [markdown]
# ## 9 · Where to go from here
# The map shows every lesson, what it builds on and what you have done. `course.map()` works in any
# notebook; in a terminal, `dlcourse list` says the same. Later lessons use the words that
# you have met here. Where one is a link, point at it to read what it means, or click it to come back;
# `course.glossary("epoch")` tells you too, and `course.glossary()` lists them all.

# %% tags=["learner-state"]
course.map()

# %% [markdown]
# And your guesses? A wrong one is no fault: you have met something new. Where you were sure and wrong, read
# that section once more.

# %% tags=["learner-state"]
course.guesses("00")

# %% [markdown]
# ## Take-aways
# - A network is a chain of layers with many weights. Training changes them so that the loss becomes smaller.
# - Only new pictures say what a network can do. Keep test pictures apart.
# - A score needs a strong baseline beside it, and the band that other seeds give.
# - Look at what it gets wrong. It tells you about the network, and about the data.
#
# **Sources:** Xiao, Rasul and Vollgraf (2017), *Fashion-MNIST: a novel image dataset for benchmarking machine
# learning algorithms*, https://arxiv.org/abs/1708.07747 · Kingma and Ba (2014), *Adam: a method for stochastic
# optimization*, https://arxiv.org/abs/1412.6980 · Karpicke and Roediger (2008), *The critical importance of
# retrieval for learning*, https://doi.org/10.1126/science.1152408 (why questions come back)
#
# **Claims you will meet elsewhere**, tested in this lesson: see [the page of claims](claims.md).

# %% [markdown] tags=["instructor"]
# ### For teachers
# **Run of show, 70 minutes:** 1 the first network (15: let them predict aloud, run, wait for the 80) · 2 a
# check, wrong on purpose (5) · 3 mistakes and two exercises (15) · 4 inside (5) · 5 PyTorch and the loss
# curve (10) · 6 baselines, and learning by heart (8) · 7 open exercise (7, or homework) · 8–9 questions and
# the map (5). The written test is homework.
#
# **To cut:** most of section 5 in a course with one library (run its first code cell: section 6 needs it);
# section 7. **Keep** the mistakes.
#
# **Ask:** What would the network say to a picture of a cat? (One of the ten classes, perhaps with a high
# probability.) Is 0.83 good? (For what? Next to what?) Why must the validation pictures not be trained on?
#
# **Where people stall:** running cells out of order. *Kernel → Restart Kernel and Run All Cells…* helps, and
# progress stays. In `names_of`, let them print the length of the result for two pictures.
