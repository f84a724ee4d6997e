"""Other right answers to the exercises of this lesson, to be read after one's own."""

from dlcourse import backends

import numpy as np
import torch
from sklearn import metrics


def numbers_in_a_picture_squared():
    """A square has as many pixels as its side, squared."""
    return 28**2


def numbers_in_a_picture_counted():
    """Let NumPy count those of an empty picture."""
    return np.zeros((28, 28)).size


def numbers_in_a_picture_row_by_row():
    """Add up 28 rows of 28 pixels."""
    return sum(28 for _ in range(28))


def accuracy_by_a_loop(predicted, labels):
    """Count one by one, then divide."""
    right = 0
    for guess, label in zip(predicted, labels):
        if guess == label:
            right += 1
    return right / len(labels)


def accuracy_by_counting(predicted, labels):
    """Let NumPy count what is not 0, that is, not False."""
    return np.count_nonzero(predicted == labels) / len(labels)


def accuracy_from_the_errors(predicted, labels):
    """What is not wrong is right."""
    return 1 - np.mean(predicted != labels)


def accuracy_in_pytorch(predicted, labels):
    """PyTorch has no mean of True and False: make them numbers first."""
    return (torch.tensor(predicted) == torch.tensor(labels)).float().mean()


def accuracy_by_scikit_learn(predicted, labels):
    """scikit-learn has it, as it has most metrics."""
    return metrics.accuracy_score(labels, predicted)


def names_of_by_a_loop(scores, classes):
    """One picture after the other."""
    names = []
    for row in scores:
        names.append(classes[row.argmax()])
    return names


def names_of_all_at_once(scores, classes):
    """An array of names takes a whole array of numbers in its brackets."""
    return np.array(classes)[scores.argmax(axis=1)]


def names_of_by_sorting(scores, classes):
    """Sort the numbers of the classes by their scores; the last has the highest."""
    return [classes[row[-1]] for row in scores.argsort(axis=1)]


def names_of_in_plain_python(scores, classes):
    """The largest of the pairs (score, name) has the highest score."""
    return [max(zip(row, classes))[1] for row in scores.tolist()]


def names_of_in_pytorch(scores, classes):
    """In PyTorch `axis` is called `dim`."""
    return [classes[k] for k in torch.tensor(scores).argmax(dim=1)]


def test_accuracy_of_five(accuracy):
    """Three of five agree; say so as a sentence, for the day when it fails."""
    share = accuracy(np.array([1, 1, 2, 2, 3]), np.array([1, 1, 2, 0, 0]))
    assert abs(share - 0.6) < 1e-9, f"three of five are right, not {share}"


def test_accuracy_by_every_count(accuracy):
    """From none right to all right, one more each time."""
    labels = np.arange(4)
    for right in range(5):
        predicted = np.where(np.arange(4) < right, labels, 9)
        assert accuracy(predicted, labels) == right / 4


def test_accuracy_says_true_or_false(accuracy):
    """Without `assert`: True if it is right, else False."""
    return np.isclose(accuracy(np.array([0, 1, 1]), np.array([0, 0, 1])), 2 / 3)


def better_model_that_sees_more(new_keras, fashion):
    """Half as many numbers in the first layer are enough, if it sees all of the pictures."""
    model = new_keras(64)
    model.fit(fashion.train.images, fashion.train.labels, epochs=4, batch_size=64, verbose=0)
    return model


def better_model_with_smaller_batches(new_keras, fashion):
    """Batches of 16 take more steps for the same pictures."""
    model, more = new_keras(128), fashion.train[:25_000]
    model.fit(more.images, more.labels, epochs=4, batch_size=16, verbose=0)
    return model


def better_model_in_pytorch(fashion):
    """The same network in PyTorch, trained by the course's own function `backends.fit`."""
    model = torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(784, 128),
        torch.nn.ReLU(),
        torch.nn.Linear(128, 10),
    )
    more = fashion.train[:25_000]
    backends.fit(model, more.images, more.labels, epochs=6, batch_size=64, show=False)
    return model
