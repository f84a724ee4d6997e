"""Wrong answers to the lessons' exercises: each is nearly right, or right in the told cases only.

{exercise: wrong answers}. Most were met when learners' answers were thrown at the checks.
"""

import math

import numpy as np


def _stops_at_the_first_miss(predicted, labels):
    right = 0
    for guess, label in zip(predicted, labels):
        if guess != label:
            break
        right += 1
    return right / len(labels)


def _forgets_the_rest(predicted, labels):
    for guess, label in zip(predicted, labels):
        return float(guess == label)


def _walk_that_keeps_the_largest(inputs, local):
    slopes = [0.0] * len(inputs)
    slopes[-1] = 1.0
    for i in reversed(range(len(inputs))):
        for j, own in zip(inputs[i], local[i]):
            slopes[j] = max(slopes[j], slopes[i] * own, key=abs)
    return slopes


def _walk_of_the_last_step(inputs, local):
    slopes = [0.0] * (len(inputs) - 1) + [1.0]
    for j, own in zip(inputs[-1], local[-1]):
        slopes[j] += own
    return slopes


def _walk_of_pairs_once(inputs, local):
    slopes = [0.0] * (len(inputs) - 1) + [1.0]
    for i in reversed(range(len(inputs))):
        for j, own in dict(zip(inputs[i], local[i])).items():
            slopes[j] += slopes[i] * own
    return slopes


def _descent(velocity_of):
    def answer(slopes, start, rate, momentum, steps):
        path, velocity = [start], 0 * start
        for k in range(steps):
            velocity = velocity_of(velocity, rate * slopes(path[-1]), momentum, k)
            path.append(path[-1] + velocity)
        return np.array(path)

    return answer


def _softmax_less(shift):
    def answer(scores):
        powers = np.exp(scores - shift(scores))
        return powers / powers.sum(axis=1, keepdims=True)

    return answer


def _gradient_of_three_weights(loss, weights, epsilon):
    gradient = np.zeros_like(weights)
    for index in list(np.ndindex(weights.shape))[:3]:
        step = np.zeros_like(weights)
        step[index] = epsilon
        gradient[index] = (loss(weights + step) - loss(weights - step)) / (2 * epsilon)
    return gradient


def _gradient_by(quotient):
    def answer(loss, weights, epsilon):
        gradient = np.zeros_like(weights)
        for index in np.ndindex(weights.shape):
            step = np.zeros_like(weights)
            step[index] = epsilon
            gradient[index] = quotient(loss, weights, step, epsilon)
        return gradient

    return answer


def _pool_from(least):
    def answer(maps):
        n, h, w, c = maps.shape
        pooled = np.full((n, h // 2, w // 2, c), least)
        for i in range(2):
            for j in range(2):
                pooled = np.maximum(pooled, maps[:, i::2, j::2])
        return pooled

    return answer


def _pool_by_size(maps):
    n, h, w, c = maps.shape
    squares = maps.reshape(n, h // 2, 2, w // 2, 2, c)
    squares = squares.transpose(0, 1, 3, 5, 2, 4).reshape(n, h // 2, w // 2, c, 4)
    largest = np.abs(squares).argmax(axis=-1)[..., None]
    return np.take_along_axis(squares, largest, axis=-1)[..., 0]


def _sees(step_after):
    def answer(windows, strides):
        seen, step = 1, 1
        for i, (window, stride) in enumerate(zip(windows, strides)):
            seen += (window - 1) * step
            step = step_after(step, stride, i)
        return seen

    return answer


def _three_layers(windows, strides):
    seen, step = 1, 1
    for window, stride in zip(windows[:3], strides[:3]):
        seen, step = seen + (window - 1) * step, step * stride
    return seen


def _times_the_last_stride(windows, strides):
    seen, step = 1, 1
    for window, stride in zip(windows, strides):
        seen, step = seen + (window - 1) * step, step * stride
    return seen * strides[-1]


def _back(rows_of, columns_of):
    def answer(d_out, kernel):
        rows, columns = rows_of(d_out), columns_of(d_out)
        slopes = np.zeros((rows + 2, columns + 2))
        for row in range(rows):
            for column in range(columns):
                slopes[row : row + 3, column : column + 3] += d_out[row, column] * kernel
        return slopes

    return answer


def _backwards(change):
    def answer(weights, x, d_scores):
        w1, b1, w2, b2, w3, _ = weights
        z1 = x @ w1 + b1
        h1 = np.maximum(0, z1)
        z2 = h1 @ w2 + b2
        h2 = np.maximum(0, z2)
        d_z2 = d_scores @ w3.T * (z2 > 0)
        d_z1 = d_z2 @ w2.T * (z1 > 0)
        parts = {"x": x, "h1": h1, "h2": h2, "d_z1": d_z1, "d_z2": d_z2, "d": d_scores}
        parts.update(change(z1=z1, z2=z2, weights=weights, **parts))
        p = parts
        pairs = ((p["x"], p["d_z1"]), (p["h1"], p["d_z2"]), (p["h2"], p["d"]))
        return [each for h, d in pairs for each in (h.T @ d, d.sum(axis=0))]

    return answer


def _windows(series, starts, steps):
    return series[starts[:, None] + np.arange(steps)]


def _nearest(distance, centre=lambda rows: rows.mean(axis=0)):
    def answer(features, labels, new):
        means = np.stack([centre(features[labels == k]) for k in range(labels.max() + 1)])
        return distance(new[:, None] - means[None]).argmin(axis=1)

    return answer


def _integrated(points, factor=lambda image, baseline: image - baseline):
    def answer(slope, image, k, baseline, steps):
        shares = points(steps)
        slopes = [slope(baseline + share * (image - baseline), k) for share in shares]
        return factor(image, baseline) * sum(slopes) / len(shares)

    return answer


def _occluded(grey=lambda image: 0.5, drop=lambda whole, left: whole - left, width=1):
    def answer(score, image, patch):
        whole = score(image)
        drops = np.zeros((image.shape[0] // patch, image.shape[1] // patch))
        for row, column in np.ndindex(drops.shape):
            covered, top, left = image.copy(), row * patch, column * patch
            covered[top : top + patch, left : left + patch * width] = grey(image)
            drops[row, column] = drop(whole, score(covered))
        return drops

    return answer


WRONG = {
    "start_here.numbers_in_a_picture": (783, 785, 28 * 29, "784", [28, 28], 28.28, 784j, True),
    "start_here.accuracy": (
        _stops_at_the_first_miss,
        _forgets_the_rest,
        lambda predicted, labels: (np.sort(predicted) == np.sort(labels)).mean(),
        lambda predicted, labels: np.isin(labels, predicted).mean(),
        lambda predicted, labels: len(set(predicted) & set(labels)) / len(labels),
        lambda predicted, labels: np.intersect1d(predicted, labels).size / labels.size,
        lambda predicted, labels: round(float((predicted == labels).mean()), 2),
        lambda predicted, labels: (predicted == labels).sum() / len(np.unique(labels)),
        lambda predicted, labels: {4: 0.75, 5: 0.2, 2: 1.0, 6: 4 / 6}.get(len(labels), 0.5),
        lambda predicted, labels: 1 - np.abs(predicted - labels).mean(),
        lambda predicted, labels: (predicted[:6] == labels[:6]).mean(),
        lambda predicted, labels: (predicted >= labels).mean(),
        lambda predicted, labels: ((predicted % 2) == (labels % 2)).mean(),
        lambda predicted, labels: np.median(predicted == labels),
        lambda predicted, labels: 1 - np.count_nonzero(predicted - labels) / predicted.max(),
        lambda predicted, labels: np.corrcoef(predicted, labels)[0, 1],
        lambda predicted, labels: (predicted[1:] == labels[1:]).mean(),
    ),
    "start_here.names_of": (
        lambda scores, classes: [classes[k] for k in scores.round().argmax(axis=1)],
        lambda scores, classes: [classes[k] for k in scores.astype(int).argmax(axis=1)],
        lambda scores, classes: [classes[k] for k in np.abs(scores).argmax(axis=1)],
        lambda scores, classes: [classes[row.argmax() % 3] for row in scores],
        lambda scores, classes: [classes[scores.argmax()]] * len(scores),
        lambda scores, classes: [classes[k] for k in scores.argsort(axis=1)[:, -2]],
        lambda scores, classes: [classes[scores[0].argmax()]],
        lambda scores, classes: ", ".join(classes[k] for k in scores.argmax(axis=1)),
        lambda scores, classes: [classes[len(row[row < row[-1]])] for row in scores],
        lambda scores, classes: sorted(classes[k] for k in scores.argmax(axis=1)),
        lambda scores, classes: [classes[int(np.where(row > 0)[0][0])] for row in scores],
    ),
    "tensors_and_gradients.standardised": (
        lambda train, new: (new - train.mean(axis=0)) / (train.std(axis=0) + 0.01),
        lambda train, new: (new - np.median(train, axis=0)) / train.std(axis=0),
        lambda train, new: (new - train[0]) / train.std(axis=0),
        lambda train, new: ((new - train.mean(axis=0)) / train.std(axis=0)).clip(-3, 3),
        lambda train, new: (new - train.mean(axis=1)) / train.std(axis=1),
        lambda train, new: (train.mean(axis=0) - new) / train.std(axis=0),
    ),
    "tensors_and_gradients.squared_error": (
        lambda answers, targets: ((answers.squeeze() - targets) ** 2).mean(),
        lambda answers, targets: ((answers[:, None] - targets) ** 2).mean(),
        lambda answers, targets: ((answers.reshape(targets.shape) - targets) ** 2).sum(),
        lambda answers, targets: np.diag((answers - targets) ** 2).mean(),
        lambda answers, targets: ((np.sort(answers, 0).ravel() - targets.ravel()) ** 2).mean(),
        lambda answers, targets: float(answers.shape != targets.shape),
    ),
    "tensors_and_gradients.slopes_of": (
        lambda inputs, local: [sum(own) for own in local],
        lambda inputs, local: [1.0] * len(inputs),
        _walk_that_keeps_the_largest,
        _walk_of_the_last_step,
        _walk_of_pairs_once,
    ),
    "tensors_and_gradients.descend": (
        lambda slopes, start, rate, momentum, steps: [start] * (steps + 1),
        _descent(lambda v, push, m, k: m * v - push if k else -push * (1 - m)),
        _descent(lambda v, push, m, k: -push / (1 - m)),
        _descent(lambda v, push, m, k: m**k * v - push),
        _descent(lambda v, push, m, k: m * v - np.sign(push) * 0.1),
        _descent(lambda v, push, m, k: min(m, 0.5) * v - push),
    ),
    "network_from_scratch.equally_likely_classes": (4.6, 100 + 10, 1000 / 4.6, 97, 1 / 4.6),
    "network_from_scratch.safe_softmax": (
        _softmax_less(lambda scores: scores.min(axis=1, keepdims=True)),
        _softmax_less(lambda scores: scores.mean(axis=1, keepdims=True)),
        _softmax_less(lambda scores: np.median(scores, axis=1, keepdims=True)),
        _softmax_less(lambda scores: scores[:, :1]),
        _softmax_less(lambda scores: scores[:, -1:]),
        _softmax_less(lambda scores: np.abs(scores).max(axis=1, keepdims=True)),
        _softmax_less(lambda scores: scores.max(axis=0, keepdims=True)),
        _softmax_less(lambda scores: scores.max(axis=1, keepdims=True) + 800),
        _softmax_less(lambda scores: 1000),
        lambda scores: np.exp(scores / 2) / np.exp(scores / 2).sum(axis=1, keepdims=True),
        lambda scores: np.exp(scores - scores.max(axis=1, keepdims=True)),
        lambda scores: scores / scores.sum(axis=1, keepdims=True),
        lambda scores: (scores == scores.max(axis=1, keepdims=True)) * 1.0,
        lambda scores: 1 / (1 + np.exp(-scores)),
    ),
    "network_from_scratch.dense_backward": (
        lambda d_out, x, w: (d_out @ w.T, x.T @ d_out, d_out[0]),
        lambda d_out, x, w: (d_out @ w.T, x.T @ d_out, d_out.sum(axis=-1)),
        lambda d_out, x, w: (d_out @ w.T, x.T @ d_out, np.abs(d_out).sum(axis=0)),
        lambda d_out, x, w: (d_out * w.sum(), x.T @ d_out, d_out.sum(axis=0)),
        lambda d_out, x, w: (d_out @ w.T, x.T @ d_out),
        lambda d_out, x, w: (d_out @ w.T * (x > 0), x.T @ d_out, d_out.sum(axis=0)),
        lambda d_out, x, w: (d_out @ w.T, np.outer(x[0], d_out[0]), d_out.sum(axis=0)),
        lambda d_out, x, w: (d_out @ w.T, x.T @ d_out, np.ones(len(x)) @ d_out / 2),
    ),
    "network_from_scratch.numeric_gradient": (
        _gradient_of_three_weights,
        _gradient_by(lambda f, w, step, e: abs(f(w + step) - f(w - step)) / (2 * e)),
        _gradient_by(lambda f, w, step, e: (f(w) - f(w - step)) / e),
        _gradient_by(lambda f, w, step, e: (f(w - step) - f(w + step)) / (2 * e)),
        _gradient_by(lambda f, w, step, e: (f(w + 2 * step) - f(w - 2 * step)) / (4 * e)),
        _gradient_by(lambda f, w, step, e: (f(w + step / 2) - f(w - step / 2)) / e),
        _gradient_by(lambda f, w, step, e: (f(w + step) - f(w - step)) / (2 * 0.01)),
        _gradient_by(lambda f, w, step, e: round((f(w + step) - f(w - step)) / (2 * e), 3)),
        lambda loss, weights, epsilon: np.gradient(weights),
        lambda loss, weights, epsilon: 3 * weights**2,
    ),
    "network_from_scratch.deep_backward": (
        _backwards(lambda **p: {"h2": np.maximum(0.1, p["h2"])}),
        _backwards(lambda **p: {"d_z2": p["d"] @ p["weights"][4].T * (p["h1"].sum() > 0)}),
        _backwards(lambda **p: {"d_z1": p["d_z2"] @ p["weights"][2].T * (p["z1"] > 0.5)}),
        _backwards(lambda **p: {"d_z1": p["d_z1"] / len(p["x"])}),
        _backwards(lambda **p: {"d_z2": np.abs(p["d_z2"])}),
        _backwards(lambda **p: {"x": p["x"] * (p["x"] > 0)}),
        _backwards(lambda **p: {"d_z1": p["d_z1"] * (p["h1"] < 5)}),
        _backwards(lambda **p: {"d_z2": p["d"] @ p["weights"][4].T * p["h2"]}),
        lambda weights, x, d_scores: [np.zeros_like(array) for array in weights],
    ),
    "convolutions.output_size": (
        lambda pixels, window, stride, padding: (pixels + 2 * padding - window + 1) // stride,
        lambda pixels, window, stride, padding: (
            math.ceil(pixels / stride) if padding else (pixels - window) // stride + 1
        ),
        lambda pixels, window, stride, padding: (
            (pixels - window) // stride + 1 + 2 * padding // stride
        ),
        lambda pixels, window, stride, padding: (
            (pixels + padding * (window - 1) - window) // stride + 1
        ),
        lambda pixels, window, stride, padding: (
            (pixels + (2 if padding else 0) - window) // stride + 1
        ),
        lambda pixels, window, stride, padding: (pixels - window) // stride + 1 + 2 * padding,
        lambda pixels, window, stride, padding: round((pixels + 2 * padding - window) / stride) + 1,
        lambda pixels, window, stride, padding: (
            (pixels + 2 * padding - window // 2 * 2 - 1) // stride + 1
        ),
        lambda pixels, window, stride, padding: (
            (pixels + 2 * padding - window) // min(stride, 3) + 1
        ),
        lambda pixels, window, stride, padding: min(
            pixels, (pixels + 2 * padding - window) // stride + 1
        ),
    ),
    "convolutions.max_pool": (
        _pool_from(0.0),
        _pool_from(-1.0),
        _pool_by_size,
        lambda maps: maps.max(axis=(1, 2), keepdims=True),
        lambda maps: np.maximum(maps[:, ::2, ::2], maps[:, 1::2, 1::2]),
        lambda maps: np.sort(maps[:, ::2, ::2], axis=1),
        lambda maps: maps.reshape(len(maps), 2, 2, -1, 1).max(axis=3),
        lambda maps: maps[:, 1::2, 1::2],
        lambda maps: np.stack([_pool_from(-1e9)(maps[:1])[0]] * len(maps)),
        lambda maps: _pool_from(-1e9)(maps.swapaxes(1, 2)),
    ),
    "convolutions.receptive_field": (
        _sees(lambda step, stride, i: step * 2 if stride > 1 else step),
        _sees(lambda step, stride, i: step + stride - 1),
        _sees(lambda step, stride, i: max(step, stride)),
        _sees(lambda step, stride, i: step * min(stride, 3)),
        _sees(lambda step, stride, i: stride ** (i + 1)),
        _three_layers,
        _times_the_last_stride,
        lambda windows, strides: {3: 3, 6: 5, 8: 8, 13: 19}.get(sum(windows), 5),
        lambda windows, strides: sum(windows) - len(windows) + 1,
        lambda windows, strides: 1 + (sum(windows) - len(windows)) * max(strides),
        lambda windows, strides: 1 + sum((w - 1) * s for w, s in zip(windows, strides)),
    ),
    "convolutions.back_to_pixels": (
        _back(len, len),
        _back(lambda d: d.shape[1], lambda d: d.shape[0]),
        _back(lambda d: min(d.shape), lambda d: min(d.shape)),
        lambda d_out, kernel: np.pad(d_out, 1) * kernel.sum(),
        lambda d_out, kernel: np.kron(d_out, kernel)[: len(d_out) + 2, : d_out.shape[1] + 2],
        lambda d_out, kernel: _back(len, lambda d: d.shape[1])(np.abs(d_out), kernel),
        lambda d_out, kernel: _back(len, lambda d: d.shape[1])(d_out, kernel[::-1]),
        lambda d_out, kernel: _back(len, lambda d: d.shape[1])(d_out, kernel) / 9,
    ),
    "image_classification.weights_of_a_layer": (
        32 * (16 * 3 * 3) + 16,
        16 * (32 * 9 + 1),
        32 * 16 * 3 + 32,
        (32 + 1) * 16 * 9,
        4641,
        "4640",
    ),
    "image_classification.mirrored": (
        lambda images: images[:, ::-1, ::-1],
        lambda images: np.sort(images, axis=2)[:, :, ::-1],
        lambda images: images[:, :, ::-1, ::-1],
        lambda images: images[:, :, np.arange(images.shape[2]) - 1],
        lambda images: np.roll(images, images.shape[2] // 2, axis=2),
        lambda images: np.flip(images),
        lambda images: images[:, :, 3::-1],
        lambda images: np.abs(images[:, :, ::-1]),
        lambda images: images[:, :, ::-1][..., :1],
        lambda images: images[:1, :, ::-1],
    ),
    "image_classification.same_padding": (
        lambda pixels, window, stride: (max(window - stride, 0) // 2,) * 2,
        lambda pixels, window, stride: (0, max(window - stride, 0)),
        lambda pixels, window, stride: ((window - stride) // 2, -(-(window - stride) // 2)),
        lambda pixels, window, stride: (
            max(window - stride, 0) // 2,
            max(window - stride, 0) - max(window - stride, 0) // 2,
        ),
        lambda pixels, window, stride: ((window - 1) // 2, window // 2),
        lambda pixels, window, stride: (0, 1) if stride > 1 else (1, 1),
        lambda pixels, window, stride: (0, max(window - (pixels % stride or stride), 0)),
    ),
    "image_classification.accuracy_in_the_shop": (
        lambda counts, shares: np.sum(shares * np.diag(counts) / counts.sum(axis=1).mean()),
        lambda counts, shares: np.sum(shares * counts.diagonal() / counts.max(axis=1)),
        lambda counts, shares: np.mean(shares * counts.diagonal() / counts.sum(axis=1)),
        lambda counts, shares: np.max(shares * counts.diagonal() / counts.sum(axis=1)),
        lambda counts, shares: np.sum(shares * counts[0, 0] / counts.sum(axis=1)),
        lambda counts, shares: 1 - np.sum(shares * counts.diagonal() / counts.sum(axis=1)),
        lambda counts, shares: np.sum(shares**2 * counts.diagonal() / counts.sum(axis=1)),
        lambda counts, shares: np.prod((counts.diagonal() / counts.sum(axis=1)) ** shares),
    ),
    "image_gan.best_discriminator": (
        lambda p, q: p / (p + q + 0.01),
        lambda p, q: 1 / (1 + np.exp(q - p)),
        lambda p, q: p**2 / (p**2 + q**2),
        lambda p, q: np.clip(p / (p + q), 0.01, 0.99),
        lambda p, q: p / np.maximum(p, q) / 2 if np.ndim(p) else p / (p + q),
        lambda p, q: (p / (p + q)).round(2) if np.ndim(p) else p / (p + q),
        lambda p, q: p / np.sum(p + q),
        lambda p, q: 0.5 + (p - q) / 2,
    ),
    "image_gan.non_saturating_slope": (
        lambda s: 1 / (1 + np.exp(-s)),
        lambda s: -1 / (1 + np.exp(-s)),
        lambda s: np.maximum(1 / (1 + np.exp(-s)) - 1, -0.999),
        lambda s: -np.exp(-s),
        lambda s: np.where(np.asarray(s) < 0, -1.0, 0.0),
        lambda s: np.tanh(s) / 2 - 0.5,
        lambda s: np.mean(1 / (1 + np.exp(-s)) - 1),
        lambda s: -np.log1p(np.exp(-s)),
    ),
    "image_gan.judging_loss": (
        lambda real, fake: np.logaddexp(0, np.concatenate([-real, fake])).mean(),
        lambda real, fake: 2 * np.logaddexp(0, np.concatenate([-real, fake])).mean(),
        lambda real, fake: np.logaddexp(0, -real).sum() + np.logaddexp(0, fake).sum(),
        lambda real, fake: np.maximum(0, -real).mean() + np.maximum(0, fake).mean(),
        lambda real, fake: np.logaddexp(0, -real.mean()) + np.logaddexp(0, fake.mean()),
        lambda real, fake: np.logaddexp(0, -real).mean(),
        lambda real, fake: np.logaddexp(0, -(real.mean() - fake.mean())),
        lambda real, fake: (np.exp(-real)).mean() + np.exp(fake).mean(),
        lambda real, fake: np.logaddexp(0, -real) + np.logaddexp(0, fake),
    ),
    "image_gan.grown_size": (
        lambda pixels, window, stride, padding: pixels * stride + window - stride - padding,
        lambda pixels, window, stride, padding: pixels * stride - 2 * padding + 2,
        lambda pixels, window, stride, padding: (
            (pixels - 1) * stride + window - (2 if padding else 0)
        ),
        lambda pixels, window, stride, padding: (
            (pixels - 1) * stride + max(window, stride) - 2 * padding
        ),
        lambda pixels, window, stride, padding: (pixels - 2 * padding - 1) * stride + window,
        lambda pixels, window, stride, padding: (
            (pixels - 1) * min(stride, 2) + window - 2 * padding
        ),
        lambda pixels, window, stride, padding: pixels * stride + window - stride - 2,
        lambda pixels, window, stride, padding: (
            stride * pixels if padding else (pixels - 1) * stride + window
        ),
    ),
    "time_series.cut": (
        lambda series, starts, steps: _windows(series, np.sort(starts), steps),
        lambda series, starts, steps: _windows(np.sort(series), starts, steps),
        lambda series, starts, steps: _windows(series, np.unique(starts), steps),
        lambda series, starts, steps: series[starts[0] + np.arange(steps)],
        lambda series, starts, steps: series[: len(starts) * steps].reshape(-1, steps),
        lambda series, starts, steps: _windows(series, starts, steps)[:, ::-1],
        lambda series, starts, steps: np.abs(_windows(series, starts, steps)),
        lambda series, starts, steps: _windows(series, starts, steps).ravel(),
        lambda series, starts, steps: _windows(series, starts, steps - 1),
        lambda series, starts, steps: (starts[:, None] + np.arange(steps)) ** 2,
    ),
    "time_series.seasonal_naive": (
        lambda series, starts, season, steps: _windows(series, starts - season - 1, steps),
        lambda series, starts, season, steps: _windows(series, starts - season + 1, steps),
        lambda series, starts, season, steps: _windows(series, starts % season, steps),
        lambda series, starts, season, steps: series[starts - season],
        lambda series, starts, season, steps: np.repeat(series[starts - season][:, None], steps, 1),
        lambda series, starts, season, steps: _windows(series, np.sort(starts - season), steps),
        lambda series, starts, season, steps: _windows(
            np.roll(series, season), starts % len(series) - 0, steps
        ),
        lambda series, starts, season, steps: _windows(series, np.maximum(starts - 7, 0), steps),
        lambda series, starts, season, steps: (
            (_windows(series, starts - season, steps) + _windows(series, starts - steps, steps)) / 2
        ),
    ),
    "time_series.training_starts": (
        lambda past, future, boundary: np.arange(past, boundary - future + 1, future),
        lambda past, future, boundary: np.arange(past, boundary - future + 1)[::-1],
        lambda past, future, boundary: np.arange(past + 1, boundary - future + 1),
        lambda past, future, boundary: np.arange(past, boundary - past + 1),
        lambda past, future, boundary: np.arange(past, boundary - 2 + 1),
        lambda past, future, boundary: np.arange(future, boundary - past + 1),
        lambda past, future, boundary: (past, boundary - future),
        lambda past, future, boundary: len(np.arange(past, boundary - future + 1)),
        lambda past, future, boundary: set(range(past, boundary - future + 1)),
    ),
    "time_series.new_memory": (
        lambda h, r, z, inside, outside: (1 - z) * h + z * np.tanh(inside + r * outside),
        lambda h, r, z, inside, outside: (1 - z) * np.tanh(r * inside + outside) + z * h,
        lambda h, r, z, inside, outside: (1 - r) * np.tanh(inside + z * outside) + r * h,
        lambda h, r, z, inside, outside: (1 - z) * np.tanh(inside + r * outside) + z * np.tanh(h),
        lambda h, r, z, inside, outside: np.tanh((1 - z) * (inside + r * outside) + z * h),
        lambda h, r, z, inside, outside: (1 - z) * np.tanh(inside + r * outside) + z * np.abs(h),
        lambda h, r, z, inside, outside: (1 - z) * np.tanh(inside) + z * h,
        lambda h, r, z, inside, outside: (1 - z) * np.clip(inside + r * outside, -1, 1) + z * h,
        lambda h, r, z, inside, outside: (1 - z) * np.tanh(inside + r * outside),
        lambda h, r, z, inside, outside: ((1 - z) * np.tanh(inside + r * outside) + z * h).mean(
            axis=0, keepdims=True
        ),
    ),
    "time_series.coverage": (
        lambda low, high, happened: ((low <= happened) & (happened <= high)).all(axis=-1).mean(),
        lambda low, high, happened: ((low <= happened) | (happened <= high)).mean(),
        lambda low, high, happened: round(
            float(np.mean((low <= happened) & (happened <= high))), 1
        ),
        lambda low, high, happened: np.mean((low.min() <= happened) & (happened <= high.max())),
        lambda low, high, happened: np.mean((low <= happened) & (happened <= high), axis=0),
        lambda low, high, happened: np.sum((low <= happened) & (happened <= high)) / low.size,
        lambda low, high, happened: np.sum((low <= happened) & (happened <= high)) / len(happened),
        lambda low, high, happened: np.mean(np.abs(happened - (low + high) / 2) <= 0.9),
        lambda low, high, happened: np.mean((high >= happened.mean(0)) & (low <= happened.mean(0))),
    ),
    "transfer_learning.to_range": (
        lambda pixels: pixels.astype("float32") / 127.5 - 1,
        lambda pixels: (pixels.astype("int8") - 127) / 128,
        lambda pixels: (pixels.astype("float32") - 127) // 128,
        lambda pixels: (pixels.astype("float32") - 128) / 127,
        lambda pixels: (pixels.astype("float32") - pixels.mean()) / 128,
        lambda pixels: (pixels.astype("float32") - 127) / pixels.max(),
        lambda pixels: np.abs(pixels.astype("float32") - 127) / 128,
        lambda pixels: (pixels.astype("float32") - 127) / 127,
        lambda pixels: ((pixels.astype("float32") - 127) / 128).round(1),
        lambda pixels: ((pixels.astype("float32") - 127) / 128)[..., ::-1],
    ),
    "transfer_learning.nearest_mean": (
        _nearest(lambda away: np.abs(away).sum(axis=2)),
        _nearest(lambda away: np.abs(away).max(axis=2)),
        _nearest(lambda away: np.abs(away.sum(axis=2))),
        _nearest(lambda away: (away**2)[:, :, :2].sum(axis=2)),
        _nearest(lambda away: (away**2).min(axis=2)),
        _nearest(lambda away: (away**2).sum(axis=2), lambda rows: np.median(rows, axis=0)),
        _nearest(lambda away: (away**2).sum(axis=2), lambda rows: rows.sum(axis=0)),
        _nearest(lambda away: (away**2).sum(axis=2), lambda rows: rows[0]),
        lambda features, labels, new: np.zeros(len(new), int),
        lambda features, labels, new: np.full(len(new), np.bincount(labels).argmax()),
    ),
    "transfer_learning.frozen_batch_norm": (
        lambda maps, mean, variance: (maps - mean) / np.sqrt(variance),
        lambda maps, mean, variance: (maps - mean) / np.sqrt(variance + 0.00001),
        lambda maps, mean, variance: (maps - mean) / (np.sqrt(variance) + 0.001),
        lambda maps, mean, variance: (maps - mean.mean()) / np.sqrt(variance + 0.001),
        lambda maps, mean, variance: (maps - mean) / np.sqrt(variance.mean() + 0.001),
        lambda maps, mean, variance: maps / np.sqrt(variance + 0.001) - mean,
        lambda maps, mean, variance: np.maximum(0, (maps - mean) / np.sqrt(variance + 0.001)),
        lambda maps, mean, variance: (
            (maps - maps.mean(axis=(0, 1, 2))) / np.sqrt(maps.var(axis=(0, 1, 2), ddof=1) + 0.001)
        ),
        lambda maps, mean, variance: (maps - mean) / np.sqrt(maps.var(axis=(0, 1, 2)) + 0.001),
    ),
    "gradients_and_saliency.shares_of_score": (
        lambda weights, pixels, k: weights[:, k] * np.sign(pixels),
        lambda weights, pixels, k: weights[:, k] * pixels**2,
        lambda weights, pixels, k: weights[:, -1] * pixels,
        lambda weights, pixels, k: weights[:, k] * pixels / (weights[:, k] @ pixels),
        lambda weights, pixels, k: np.maximum(weights[:, k] * pixels, 0),
        lambda weights, pixels, k: weights.T.ravel()[: len(pixels)] * pixels,
        lambda weights, pixels, k: weights[:, k] * pixels.mean(),
        lambda weights, pixels, k: (weights[:, k] - weights.mean(axis=1)) * pixels,
        lambda weights, pixels, k: weights[:, k] * (1 - pixels),
    ),
    "gradients_and_saliency.integrated_gradients": (
        _integrated(lambda steps: np.arange(steps) / steps),
        _integrated(lambda steps: (np.arange(steps) + 1) / steps),
        _integrated(lambda steps: np.linspace(0, 1, steps + 1)),
        _integrated(lambda steps: (np.arange(4 * steps) + 0.5) / (4 * steps)),
        _integrated(lambda steps: [0.5]),
        _integrated(lambda steps: (np.arange(steps) + 0.5) / steps, lambda i, b: np.abs(i - b)),
        _integrated(lambda steps: (np.arange(steps) + 0.5) / steps, lambda i, b: b - i),
        _integrated(lambda steps: (np.arange(steps) + 0.5) / steps, lambda i, b: i.mean() - b),
        lambda slope, image, k, baseline, steps: (
            (image - baseline) * slope(image * 0 + baseline, k)
        ),
    ),
    "gradients_and_saliency.occlusion": (
        _occluded(grey=lambda image: 0),
        _occluded(grey=lambda image: image.mean()),
        _occluded(grey=lambda image: 1.0),
        _occluded(drop=lambda whole, left: abs(whole - left)),
        _occluded(drop=lambda whole, left: max(whole - left, 0)),
        _occluded(drop=lambda whole, left: (whole - left) / whole),
        _occluded(drop=lambda whole, left: left / whole),
        _occluded(width=2),
        lambda score, image, patch: _occluded()(score, image[..., :1], patch),
    ),
}
