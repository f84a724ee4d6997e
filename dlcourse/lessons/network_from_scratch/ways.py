"""Other right answers to the exercises of this lesson, to be read after one's own."""

import math
from functools import reduce

from dlcourse import arrays, data

import numpy as np
import torch
from scipy import special
from sklearn.neural_network import MLPClassifier


def equally_likely_classes_from_one_probability():
    """The loss is −log of the probability of one class; as many classes share 1."""
    return 1 / math.exp(-4.6)


def equally_likely_classes_by_trying():
    """Count up until guessing costs as much."""
    return next(count for count in range(1, 1001) if math.log(count) >= 4.6)


def equally_likely_classes_as_a_power():
    """What the logarithm undoes, written as a power."""
    return math.e**4.6


def safe_softmax_row_by_row(scores):
    """One row after the other: no axis to think of."""
    rows = []
    for row in scores:
        powers = np.exp(row - max(row))
        rows.append(powers / sum(powers))
    return np.array(rows)


def safe_softmax_by_logarithms(scores):
    """Subtract the logarithm of the sum of powers, which NumPy adds up safely."""
    sums = np.logaddexp.reduce(scores, axis=1)
    return np.exp(scores - sums[:, None])


def safe_softmax_from_differences(scores):
    """1 / softmax is a sum of powers of differences; where it is infinite, 1 / inf is 0."""
    differences = scores[:, None, :] - scores[:, :, None]  # (N, K, K)
    return 1 / np.exp(differences).sum(axis=2)


def safe_softmax_in_pytorch(scores):
    """PyTorch's own subtracts the largest, too."""
    return torch.softmax(torch.tensor(scores), dim=1)


def safe_softmax_by_scipy(scores):
    """SciPy has it as well."""
    return special.softmax(scores, axis=1)


def dense_backward_by_einsum(d_out, x, w):
    """Name the axes (n examples, i inputs, u units): what is not named behind `->` is added up."""
    d_x = np.einsum("nu,iu->ni", d_out, w)
    d_w = np.einsum("ni,nu->iu", x, d_out)
    return d_x, d_w, np.einsum("nu->u", d_out)


def dense_backward_example_by_example(d_out, x, w):
    """Each example gives its own gradients; those of the weights add up."""
    d_x, d_w, d_b = np.zeros_like(x), np.zeros_like(w), np.zeros(w.shape[1])
    for n in range(len(x)):
        d_x[n] = w @ d_out[n]
        d_w += np.outer(x[n], d_out[n])
        d_b += d_out[n]
    return d_x, d_w, d_b


def dense_backward_with_a_constant_input(d_out, x, w):
    """A bias is the weight of an input that is always 1."""
    with_one = np.column_stack([x, np.ones(len(x))])
    gradient = with_one.T @ d_out
    return d_out @ w.T, gradient[:-1], gradient[-1]


def dense_backward_by_autograd(d_out, x, w):
    """PyTorch goes back through a layer that it has seen going forwards."""
    x, w = (torch.tensor(array, requires_grad=True) for array in (x, w))
    b = torch.zeros(w.shape[1], dtype=w.dtype, requires_grad=True)
    (x @ w + b).backward(torch.tensor(d_out))
    return x.grad, w.grad, b.grad


def numeric_gradient_moving_back(loss, weights, epsilon):
    """One copy is enough if each weight goes back to where it was."""
    gradient, moved = np.zeros(weights.shape), weights.copy()
    for index, value in np.ndenumerate(weights):
        moved[index] = value + epsilon
        above = loss(moved)
        moved[index] = value - epsilon
        gradient[index] = (above - loss(moved)) / (2 * epsilon)
        moved[index] = value
    return gradient


def numeric_gradient_along_directions(loss, weights, epsilon):
    """A step along each axis of the space of weights: the rows of the identity matrix."""
    steps = epsilon * np.eye(weights.size).reshape(-1, *weights.shape)
    slopes = [(loss(weights + step) - loss(weights - step)) / (2 * epsilon) for step in steps]
    return np.reshape(slopes, weights.shape)


def numeric_gradient_from_both_sides(loss, weights, epsilon):
    """The mean of the slope to the right and the slope to the left."""
    here, gradient = loss(weights), np.empty(weights.shape)
    for index in np.ndindex(weights.shape):
        step = np.zeros(weights.shape)
        step[index] = epsilon
        right = (loss(weights + step) - here) / epsilon
        left = (here - loss(weights - step)) / epsilon
        gradient[index] = (right + left) / 2
    return gradient


def deep_backward_by_layers(weights, x, d_scores):
    """The same three lines for each layer, from the last to the first: any depth will do."""
    inputs = [x]  # of each layer
    for w, b in zip(weights[:-2:2], weights[1:-2:2]):
        inputs.append(np.maximum(0, inputs[-1] @ w + b))
    gradients, slopes = [], d_scores
    for h, w in zip(inputs[::-1], weights[-2::-2]):
        gradients = [h.T @ slopes, slopes.sum(axis=0), *gradients]
        slopes = slopes @ w.T * (h > 0)
    return gradients


def deep_backward_by_one_layer_thrice(weights, x, d_scores):
    """Use the way back of one layer three times, as the hint says."""
    w1, b1, w2, b2, w3, _ = weights

    def back(d_out, h, w):
        return d_out @ w.T, h.T @ d_out, d_out.sum(axis=0)

    h1 = np.maximum(0, x @ w1 + b1)
    h2 = np.maximum(0, h1 @ w2 + b2)
    d_h2, d_w3, d_b3 = back(d_scores, h2, w3)
    d_h1, d_w2, d_b2 = back(d_h2 * (h2 > 0), h1, w2)
    _, d_w1, d_b1 = back(d_h1 * (h1 > 0), x, w1)
    return [d_w1, d_b1, d_w2, d_b2, d_w3, d_b3]


def deep_backward_by_autograd(weights, x, d_scores):
    """PyTorch writes down what it computes, and goes back by itself."""
    leaves = [torch.tensor(array, requires_grad=True) for array in weights]
    pairs = list(zip(leaves[::2], leaves[1::2]))
    h = reduce(lambda h, pair: torch.relu(h @ pair[0] + pair[1]), pairs[:-1], torch.tensor(x))
    (h @ pairs[-1][0] + pairs[-1][1]).backward(torch.tensor(d_scores))
    return [leaf.grad for leaf in leaves]


def my_weights_in_pytorch():
    """Let PyTorch train it, and turn the weights round: it keeps them as (outputs, inputs)."""
    train = data.load("digits").train
    x, labels = torch.tensor(train.features).float(), torch.tensor(train.labels)
    torch.manual_seed(0)
    sizes = (64, 32), (32, 32), (32, 10)
    first, second, third = (torch.nn.Linear(*size) for size in sizes)
    relu = torch.nn.ReLU()
    model = torch.nn.Sequential(first, relu, second, relu, third)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(20):
        for batch in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[batch]), labels[batch]).backward()
            optimizer.step()
    layers = first, second, third
    return [part for layer in layers for part in (layer.weight.T, layer.bias)]


def my_weights_by_scikit_learn():
    """scikit-learn has such networks, and keeps its weights as the lesson does."""
    train = data.load("digits").train
    network = MLPClassifier((32, 32), max_iter=40, learning_rate_init=0.005, random_state=0)
    network.fit(train.features, train.labels)
    return [part for pair in zip(network.coefs_, network.intercepts_) for part in pair]


def my_weights_with_momentum():
    """The lesson's gradients, and steps that keep most of the direction of the step before."""
    train, random = data.load("digits").train, np.random.default_rng(0)
    sizes = (64, 48), (48, 24), (24, 10)
    weights = []
    for inputs, outputs in sizes:
        weights += [random.normal(0, np.sqrt(2 / inputs), (inputs, outputs)), np.zeros(outputs)]
    steps = [0 * array for array in weights]
    for _ in range(30):
        order = random.permutation(len(train.labels))
        for batch in np.array_split(order, len(order) // 32):
            x = train.features[batch]
            h1 = np.maximum(0, x @ weights[0] + weights[1])
            h2 = np.maximum(0, h1 @ weights[2] + weights[3])
            probabilities = arrays.softmax(h2 @ weights[4] + weights[5])
            slopes = (probabilities - np.eye(10)[train.labels[batch]]) / len(batch)
            gradients = deep_backward_by_one_layer_thrice(weights, x, slopes)
            steps = [0.9 * step - 0.03 * slope for step, slope in zip(steps, gradients)]
            weights = [array + step for array, step in zip(weights, steps)]
    return weights


def test_safe_softmax_row_by_row(safe_softmax):
    """Each row of a mixed batch must be what the row gives alone, moved to where it is harmless."""
    scores = np.array([[3.0, 1.0, 2.0], [900.0, 902.0, 901.0], [-900.0, -901.0, 2000.0]])
    for row, probabilities in zip(scores, safe_softmax(scores)):
        powers = np.exp(row - row.max())
        np.testing.assert_allclose(probabilities, powers / powers.sum(), atol=1e-12)


def test_safe_softmax_against_pytorch(safe_softmax):
    """A library's own softmax, on random scores of every size."""
    scores = np.random.default_rng(0).normal(size=(6, 5)) * [[1], [10], [100], [1e3], [1e4], [0]]
    theirs = torch.softmax(torch.tensor(scores), dim=1).numpy()
    assert np.allclose(safe_softmax(scores), theirs)


def test_safe_softmax_by_ratios(safe_softmax):
    """One score 1 higher has e times the probability, wherever both lie."""
    scores = np.array([[0.0, 1.0], [1000.0, 1001.0], [-1000.0, -999.0]])
    low, high = safe_softmax(scores).T
    assert np.allclose(high / low, np.e) and np.allclose(low + high, 1)
    assert np.allclose(safe_softmax(np.array([[0.0, 0.0, 3000.0]])), [[0, 0, 1]])
