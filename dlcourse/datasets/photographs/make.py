"""Make photographs.npz from the photographs that scikit-image carries.

    pip install scikit-image
    python make.py

Each is cut to a square around its middle, a grey one gets three equal channels, and all are reduced
to 224 by 224 pixels by Lanczos resampling.
"""

from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

SIDE = 224
NAMES = ("astronaut", "camera", "cat", "coffee", "rocket", "brick", "grass", "gravel")


def square(photograph):
    height, width = photograph.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    cut = Image.fromarray(photograph[top : top + side, left : left + side]).convert("RGB")
    return np.asarray(cut.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def main():
    np.savez_compressed(
        Path(__file__).with_name("photographs.npz"),
        pixels=np.stack([square(getattr(data, name)()) for name in NAMES]),
        labels=np.arange(len(NAMES), dtype=np.uint8),
    )


if __name__ == "__main__":
    main()
