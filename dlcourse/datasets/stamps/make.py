"""Make stamps.npz from the pictures of Debian's package tuxpaint-stamps-default 2022.06.04-1.

    apt-get download tuxpaint-stamps-default
    dpkg -x tuxpaint-stamps-default_2022.06.04-1_all.deb unpacked
    pip install pillow
    python make.py unpacked

Each picture, cut out of a photograph, is laid on a white square and brought to 128 by 128 pixels
by Lanczos resampling. Of each class, 35 % are held out for testing.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 128
FOLDERS = {
    "bird": ["animals/birds"],
    "flower": ["plants/flowers"],
    "fruit": ["food/fruit"],
    "mammal": [
        f"animals/{folder}"
        for folder in (
            "mammals",
            *(f"mammals/{kind}" for kind in ("apes", "bears", "bovines", "camel", "cats", "deer")),
            *(f"mammals/{kind}" for kind in ("dogs", "equines", "rodents")),
            "marsupials",
        )
    ],
    "sea animal": ["animals/fish", "animals/mammals/aquatic", "animals/shellfish"],
    "tool": ["household/tools"],
    "vegetable": ["food/vegetables"],
}
LEFT_OUT = {"hedgehog.png", "measuring_tape_mirror.png"}  # a drawing; a picture that is there twice
TEST_SHARE = 0.35


def stamp(path):
    cut_out = Image.open(path).convert("RGBA")
    side = max(cut_out.size)
    square = Image.new("RGBA", (side, side), "white")
    place = ((side - cut_out.width) // 2, (side - cut_out.height) // 2)
    square.paste(cut_out, place, cut_out)
    return np.asarray(square.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def main():
    root = Path(sys.argv[1]) / "usr/share/tuxpaint/stamps"
    generator = np.random.default_rng(0)
    train, test = [], []
    for label, folders in enumerate(FOLDERS.values()):
        found = [path for folder in folders for path in sorted((root / folder).glob("*.png"))]
        paths = [path for path in found if path.name not in LEFT_OUT]
        paths = [paths[place] for place in generator.permutation(len(paths))]
        held_out = round(TEST_SHARE * len(paths))
        test += [(label, path) for path in paths[:held_out]]
        train += [(label, path) for path in paths[held_out:]]
    chosen = [train[place] for place in generator.permutation(len(train))] + test
    print(len(train), "for training,", len(test), "for testing")
    np.savez_compressed(
        Path(__file__).with_name("stamps.npz"),
        pixels=np.stack([stamp(path) for _, path in chosen]),
        labels=np.array([label for label, _ in chosen], dtype=np.uint8),
    )


if __name__ == "__main__":
    main()
