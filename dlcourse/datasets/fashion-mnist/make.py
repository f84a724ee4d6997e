"""Make fashion-mnist.npz from the four IDX files of the Fashion-MNIST project.

    python make.py FOLDER

FOLDER holds train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and
t10k-labels-idx1-ubyte.gz, as Zalando Research publishes them (Debian's package
dataset-fashion-mnist carries the same files). Nothing is dropped or reordered: the first 55 000
training pictures are the training split, the last 5 000 the validation split.
"""

import gzip
import sys
from pathlib import Path

from dlcourse.data import pack

import numpy as np


def read(path, header_bytes):
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header_bytes)


def main(folder):
    pixels = [read(folder / f"{part}-images-idx3-ubyte.gz", 16) for part in ("train", "t10k")]
    labels = [read(folder / f"{part}-labels-idx1-ubyte.gz", 8) for part in ("train", "t10k")]
    images = np.concatenate(pixels).reshape(-1, 28, 28, 1)
    np.savez(
        Path(__file__).with_name("fashion-mnist.npz"), labels=np.concatenate(labels), **pack(images)
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
