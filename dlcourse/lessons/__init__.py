"""One module per lesson, and beside it what was measured for it ahead of time.

`<slug>.json` holds recorded measurements (seed bands, histories of runs too long for a notebook),
`<slug>.npz` the weights that such a run ended with. Both are written by `make bench`.
`<slug>.band.json` holds the headline result over several seeds; `dlcourse bands` writes it.
"""

import hashlib
import json
from pathlib import Path

from dlcourse.errors import DataError
from dlcourse.results import SeedBand

import numpy as np

FOLDER = Path(__file__).parent


def recorded(slug):
    """Return what was measured for lesson `slug` ahead of time, as a dictionary.

    Raises:
        DataError: Nothing was recorded; the message says which command records it.
    """
    path = FOLDER / f"{slug}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"The recorded measurements {path} cannot be read ({error}). "
            f"To get them back: `git checkout -- {path.name}`; to measure anew: `make bench`."
        ) from error


def keep_recorded(slug, measured, arrays):
    """Store what `recorded` and `checkpoint` return: a benchmark's figures and {name: weights}.

    Returns:
        The path of the weights; their checksum is kept with the figures.
    """
    path = FOLDER / f"{slug}.npz"
    np.savez_compressed(path, **arrays)
    measured = measured | {"checkpoint_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    text = json.dumps(measured, indent=1) + "\n"
    path.with_suffix(".json").write_text(text, encoding="utf-8")
    return path


def band(slug):
    """Return the SeedBand of lesson `slug`'s headline score, or None before it was measured."""
    facts = headline(slug)
    return SeedBand.of(facts["scores"]) if facts else None


def headline(slug):
    """Return what `dlcourse bands` measured for lesson `slug`, or None.

    Returns:
        {"what", "scores" (one for each seed), "baseline", "baseline_name", "parameters",
        "seconds" (median), "cores"}.
    """
    path = _headline_path(slug)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def keep_headline(slug, facts):
    """Store what `headline` returns, and return the path of the file."""
    path = _headline_path(slug)
    path.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _headline_path(slug):
    return FOLDER / f"{slug}.band.json"


def checkpoint(slug):
    """Return the stored weights of lesson `slug`, {name: array}, once their checksum agrees.

    Raises:
        DataError: The file is missing or is not the one that was recorded.
    """
    path = FOLDER / f"{slug}.npz"
    wanted = recorded(slug)["checkpoint_sha256"]
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "no file"
    if found != wanted:
        raise DataError(
            f"The stored weights {path} are not the recorded ones: "
            f"sha256 {found}, wanted {wanted}. "
            f"To get them back: `git checkout -- {path.name}`; to train anew: `make bench`."
        )
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
