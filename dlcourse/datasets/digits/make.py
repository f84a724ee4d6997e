"""Make digits.npz from the digits that scikit-learn carries.

    python make.py

The 1 797 pictures are shuffled with seed 0 and split so that each class has the same share of
each split.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def main():
    pixels, labels = load_digits(return_X_y=True)
    order = np.arange(len(labels))
    rest, test = train_test_split(order, test_size=300, random_state=0, stratify=labels)
    train, valid = train_test_split(rest, test_size=297, random_state=0, stratify=labels[rest])
    order = np.concatenate([train, valid, test])
    np.savez_compressed(
        Path(__file__).with_name("digits.npz"),
        pixels=pixels[order].reshape(-1, 8, 8, 1).astype(np.uint8),
        labels=labels[order].astype(np.uint8),
    )


if __name__ == "__main__":
    main()
