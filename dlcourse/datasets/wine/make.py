"""Make wine.npz from the wine table that scikit-learn carries.

    python make.py

The 178 rows are shuffled with seed 0 and split so that each class has the same share of each split.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split


def main():
    table, labels = load_wine(return_X_y=True)
    order = np.arange(len(labels))
    rest, test = train_test_split(order, test_size=36, random_state=0, stratify=labels)
    train, valid = train_test_split(rest, test_size=28, random_state=0, stratify=labels[rest])
    order = np.concatenate([train, valid, test])
    np.savez_compressed(
        Path(__file__).with_name("wine.npz"),
        table=table[order].astype(np.float32),
        labels=labels[order].astype(np.uint8),
    )


if __name__ == "__main__":
    main()
