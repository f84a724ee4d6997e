"""Pretrained networks compute in both frameworks what their weights were trained to compute."""

import math

from dlcourse import backends, data, networks, pretrained
from dlcourse.arrays import softmax
from dlcourse.errors import RangeError

import numpy as np
import pytest

NAME = "efficientnet-lite0"
PHOTOGRAPHS = data.load("photographs")


@pytest.fixture(scope="module", params=pretrained.FRAMEWORKS)
def network(request):
    return pretrained.load(NAME, request.param)


@pytest.fixture(scope="module")
def scores():
    models = (pretrained.load(NAME, framework) for framework in pretrained.FRAMEWORKS)
    images = PHOTOGRAPHS.train.images
    return [backends.scores(model, images, batch_size=4) for model in models]


@pytest.mark.parametrize(
    "photograph, expected",
    [("cat", "Egyptian cat"), ("coffee", "espresso"), ("cameraman", "tripod")],
)
def test_it_knows_what_is_seen(scores, photograph, expected):
    names = pretrained.classes(NAME)
    for outputs in scores:
        assert names[outputs[PHOTOGRAPHS.classes.index(photograph)].argmax()] == expected


def test_both_frameworks_give_the_same_scores_to_1e_4(scores):
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-4)


def test_it_gives_a_probability_to_each_of_1000_classes(scores):
    assert len(set(pretrained.classes(NAME))) > 990  # two pairs of ImageNet's names are alike
    assert scores[0].shape == (8, len(pretrained.classes(NAME)))
    assert softmax(scores[0]).max() > 0.9


def test_its_parts_have_the_same_names_in_both_frameworks(network):
    found = [layer.name for layer in backends.layers_with_weights(network)]
    blocks = [name for name, *_ in networks.efficientnet_blocks()]
    assert found[0] == "stem.conv" and found[-1] == "classifier"
    assert [name for name in found if name.endswith("depthwise.conv")] == [
        f"{block}.depthwise.conv" for block in blocks
    ]


def test_pooled_gives_1280_features_from_which_the_scores_follow(network):
    image = PHOTOGRAPHS.train.images[2:3]
    features = backends.activations(network, image, "pooled")
    last = backends.layers_with_weights(network)[-1].arrays
    assert features.shape == (1, 1280)
    np.testing.assert_allclose(
        features @ last["kernel"] + last["bias"], backends.scores(network, image), atol=1e-4
    )


def test_it_has_as_many_weights_as_its_card_says():
    model = pretrained.load(NAME, "pytorch")
    count = sum(math.prod(weight.shape) for weight in model.parameters())
    assert f"{count:,}".replace(",", " ") in data.card(NAME).about


@pytest.mark.parametrize(
    "name, framework, message",
    [
        ("resnet", "pytorch", "no pretrained network 'resnet'. There are: efficientnet-lite0"),
        (NAME, "torch", "is 'torch', but should be one of these: pytorch, keras"),
    ],
)
def test_an_unknown_name_lists_those_there_are(name, framework, message):
    with pytest.raises(RangeError, match=message):
        pretrained.load(name, framework)


def test_classes_of_an_unknown_network_are_refused():
    with pytest.raises(RangeError, match="no pretrained network"):
        pretrained.classes("resnet")
