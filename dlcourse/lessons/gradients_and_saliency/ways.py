"""Other right answers to the exercises of this lesson, to be read after one's own."""

import numpy as np
import torch


def shares_of_score_by_a_loop(weights, pixels, k):
    """One pixel after the other."""
    return [weights[d, k] * pixels[d] for d in range(len(pixels))]


def shares_of_score_of_all_classes(weights, pixels, k):
    """The shares in all scores, and then those of class k."""
    return (weights * pixels[:, None])[:, k]


def shares_of_score_as_a_diagonal(weights, pixels, k):
    """The pixels on the diagonal of a matrix: each row is multiplied by its own."""
    return (np.diag(pixels) @ weights).T[k]


def shares_of_score_by_leaving_out(weights, pixels, k):
    """What the score loses when one pixel is black."""
    losses = []
    for d in range(len(pixels)):
        without = pixels.copy()
        without[d] = 0
        losses.append((pixels - without) @ weights[:, k])
    return np.array(losses)


def shares_of_score_by_autograd(weights, pixels, k):
    """Slope times pixel, the slope by PyTorch."""
    pixels = torch.tensor(pixels, requires_grad=True)
    (pixels.double() @ torch.tensor(weights))[k].backward()
    return pixels.grad * pixels.detach()


def integrated_gradients_as_a_mean(slope, image, k, baseline, steps):
    """All the points at once, then the mean of their slopes."""
    middles = (np.arange(steps) + 0.5) / steps
    slopes = [slope(baseline + middle * (image - baseline), k) for middle in middles]
    return (image - baseline) * np.mean(slopes, axis=0)


def integrated_gradients_step_by_step(slope, image, k, baseline, steps):
    """Walk: each step gives the slope at its middle times how far it goes."""
    step = (image - baseline) / steps
    gained, point = np.zeros(image.shape), baseline + step / 2
    for _ in range(steps):
        gained += slope(point, k) * step
        point = point + step
    return gained


def integrated_gradients_as_a_mixture(slope, image, k, baseline, steps):
    """Each point is a mixture of the baseline and the image."""
    total = sum(
        slope((1 - share) * baseline + share * image, k)
        for share in np.linspace(0.5 / steps, 1 - 0.5 / steps, steps)
    )
    return (image - baseline) / steps * total


def occlusion_by_a_list(score, image, patch):
    """Row after row of a list of lists."""

    def without(top, left):
        covered = np.array(image)
        covered[top : top + patch, left : left + patch] = 0.5
        return score(covered)

    height, width, _ = image.shape
    return [
        [score(image) - without(top, left) for left in range(0, width, patch)]
        for top in range(0, height, patch)
    ]


def occlusion_by_uncovering(score, image, patch):
    """Cover one square, look, and put back what was there."""
    covered, whole = image.copy(), score(image)
    drops = np.empty((image.shape[0] // patch, image.shape[1] // patch))
    for row, column in np.ndindex(*drops.shape):
        square = np.s_[row * patch : (row + 1) * patch, column * patch : (column + 1) * patch]
        covered[square] = 0.5
        drops[row, column] = whole - score(covered)
        covered[square] = image[square]
    return drops


def occlusion_by_masks(score, image, patch):
    """A small picture with a single 1, enlarged, says where grey takes the pixel's place."""
    rows, columns = image.shape[0] // patch, image.shape[1] // patch
    drops = []
    for one in np.eye(rows * columns):
        mask = np.kron(one.reshape(rows, columns), np.ones((patch, patch)))[..., None]
        drops.append(score(image) - score(np.where(mask == 1, 0.5, image)))
    return np.reshape(drops, (rows, columns))


def occlusion_in_32_bits(score, image, patch):
    """Floats of 32 bits, which is what networks take."""
    image = image.astype("float32")
    drops = np.zeros((image.shape[0] // patch, image.shape[1] // patch), "float32")
    for row in range(drops.shape[0]):
        for column in range(drops.shape[1]):
            covered = image.copy()
            covered[patch * row :, patch * column :][:patch, :patch] = 0.5
            drops[row, column] = score(image) - score(covered)
    return drops


def square_by_eye():
    """Just below the place where the legs meet, over parts of all three."""
    return 146, 110


def square_along_a_line(probability_of_tripod, cameraman):
    """Straight down from the place where the legs meet; keep the lowest probability."""

    def with_square(row):
        covered = cameraman.copy()
        covered[row : row + 48, 112:160] = 0.5
        return probability_of_tripod(covered)

    return min(range(120, 169, 8), key=with_square), 112


def square_by_walking_down(probability_of_tripod, cameraman):
    """From below the legs' meeting point, go on as long as a neighbour is lower."""

    def with_square(place):
        row, column = place
        covered = cameraman.copy()
        covered[row : row + 48, column : column + 48] = 0.5
        return probability_of_tripod(covered)

    place, lowest = (136, 104), 1.0
    while (chance := with_square(place)) < lowest:
        row, column = last = place
        lowest = chance
        place = min(
            ((row + i, column + j) for i, j in ((8, 0), (-8, 0), (0, 8), (0, -8))), key=with_square
        )
    return last


def test_shares_of_score_by_its_sum_and_signs(shares_of_score):
    """They add up to the score, and each is its weight times its pixel."""
    random = np.random.default_rng(0)
    weights, pixels = random.normal(size=(5, 3)), random.normal(size=5)
    shares = shares_of_score(weights, pixels, 2)
    assert np.shape(shares) == (5,) and np.isclose(np.sum(shares), pixels @ weights[:, 2])
    for share, weight, pixel in zip(shares, weights[:, 2], pixels):
        assert np.isclose(share, weight * pixel)


def test_shares_of_score_one_pixel_at_a_time(shares_of_score):
    """Without a pixel the score drops by its share."""
    weights, pixels = np.array([[2.0, -1], [3, 4], [-5, 6]]), np.array([1.0, -2, 3])
    for i in range(3):
        without = pixels.copy()
        without[i] = 0
        drop = (pixels - without) @ weights[:, 0]
        assert np.isclose(shares_of_score(weights, pixels, 0)[i], drop)


def test_shares_of_score_in_pytorch(shares_of_score):
    """For a linear model, slope times pixel: the slope by PyTorch's own hand."""
    weights, pixels = np.array([[2.0, -1], [3, 4], [-5, 6]]), np.array([1.0, -2, 3])
    inputs = torch.tensor(pixels, requires_grad=True)
    (inputs @ torch.tensor(weights))[1].backward()
    assert np.allclose(shares_of_score(weights, pixels, 1), inputs.grad.numpy() * pixels)
