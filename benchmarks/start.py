"""What a learner waits for before anything is computed, beside NumPy: the import and the data.

Run: python benchmarks/start.py

Each pair takes turns, so that what else the machine does slows both alike; the medians are printed,
with their ratio and the budget in seconds. It fails if a budget is broken.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dlcourse import data

import numpy as np

IMPORT_BUDGET_SECONDS = 0.06
LOAD_BUDGET_SECONDS = 0.5
ROUNDS = 9


def seconds_of(call):
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def python(code):
    return lambda: subprocess.run([sys.executable, "-c", code], check=True)


def written_by_numpy(folder):
    """Return the path of the same pictures, compressed as NumPy compresses them."""
    dataset, path = data.load("fashion-mnist"), Path(folder) / "pictures.npz"
    splits = dataset.train, dataset.valid, dataset.test
    np.savez_compressed(path, pixels=np.concatenate([split.pixels for split in splits]))
    return path


def numpy_load(path):
    with np.load(path) as file:
        return file["pixels"]


def measured():
    """Yield (what, its seconds, NumPy's seconds, budget in seconds)."""
    empty, ours, numpys = [], [], []
    for _ in range(ROUNDS):
        empty.append(seconds_of(python("")))
        ours.append(seconds_of(python("import dlcourse")))
        numpys.append(seconds_of(python("import numpy")))
    start = statistics.median(empty)
    yield (
        "import dlcourse",
        statistics.median(ours) - start,
        statistics.median(numpys) - start,
        IMPORT_BUDGET_SECONDS,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = written_by_numpy(folder)
        pairs = [
            (seconds_of(lambda: data.load("fashion-mnist")), seconds_of(lambda: numpy_load(path)))
            for _ in range(ROUNDS)
        ]
    ours, numpys = map(statistics.median, zip(*pairs))
    yield 'data.load("fashion-mnist")', ours, numpys, LOAD_BUDGET_SECONDS


if __name__ == "__main__":
    broken = 0
    for what, seconds, numpys, budget in measured():
        broken += seconds > budget
        print(
            f"{what}: {1000 * seconds:.0f} ms, {seconds / numpys:.2f} times NumPy's; "
            f"{1000 * budget:.0f} ms allowed"
        )
    sys.exit(bool(broken))
