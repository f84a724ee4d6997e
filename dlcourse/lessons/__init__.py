"""A folder for each lesson, and what was measured for it ahead of time.

    <slug>/__init__.py    facts, exercises and quiz
    <slug>/band.json      the headline result over several seeds
    <slug>/recorded.json  what runs that are too long for a notebook found
    <slug>/weights.npz    the weights that such a run ended with
    <slug>/record.py      how they were recorded

`dlcourse measure NN` writes the three files of data.
"""

import hashlib
import io
import json
from pathlib import Path

from dlcourse import runtime
from dlcourse.arrays import expect_finite
from dlcourse.errors import DataError, expect_text
from dlcourse.results import SeedBand

import numpy as np

FOLDER = Path(__file__).parent


def recorded(slug) -> dict:
    """Return what was measured for lesson `slug` ahead of time, as a dictionary.

    Raises:
        DataError: Nothing was recorded; the message says which command records it.
    """
    path = FOLDER / expect_text(slug, "slug") / "recorded.json"
    try:
        return runtime.read_json(path)
    except (OSError, ValueError) as error:
        raise DataError(
            f"The recorded measurements {path} cannot be read ({error}). {_ways_back(path)}"
        ) from error


def keep_recorded(slug, measured, arrays=None) -> None:
    """Store what `recorded` returns and, if there are any, the {name: weights} of `checkpoint`."""
    folder, file = FOLDER / slug, io.BytesIO()
    if arrays:
        np.savez_compressed(file, **arrays)
        measured = measured | {"checkpoint_sha256": hashlib.sha256(file.getvalue()).hexdigest()}
    text = json.dumps(measured, indent=1, allow_nan=False)  # first, since it may fail
    if arrays:
        runtime.write_whole(folder / "weights.npz", file.getvalue())
    runtime.write_whole(folder / "recorded.json", text + "\n")


def checkpoint(slug) -> dict:
    """Return the stored weights of lesson `slug`, {name: array}, once their checksum agrees.

    Raises:
        DataError: The file is missing or is not the one that was recorded.
    """
    path = FOLDER / expect_text(slug, "slug") / "weights.npz"
    expected = recorded(slug).get("checkpoint_sha256", "nothing: this lesson stores no weights")
    actual = runtime.checksum(path) if path.exists() else "no file"
    if actual != expected:
        raise DataError(
            f"The stored weights {path} are not the recorded ones: sha256 {actual}, expected "
            f"{expected}. {_ways_back(path)}"
        )
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _ways_back(path):
    anew = "delete it, then " if path.exists() else ""
    return (
        f"To get them back: `git checkout -- {path.name}` in {path.parent}; to measure anew, or a "
        f"new lesson for the first time: {anew}`dlcourse measure` with the lesson's number."
    )


def band(slug) -> SeedBand | None:
    """Return the SeedBand of lesson `slug`'s headline score, or None before it was measured."""
    facts = headline(slug)
    return SeedBand.of(facts["scores"]) if facts else None


def headline(slug) -> dict | None:
    """Return what `dlcourse measure` found for lesson `slug`'s headline, or None.

    Returns:
        {"what", "scores" (one for each seed), "baseline", "baseline_name", "parameters",
        "seconds" (median), "cores"}.
    """
    path = FOLDER / expect_text(slug, "slug") / "band.json"
    try:
        return runtime.read_json(path) if path.exists() else None
    except ValueError as error:
        raise DataError(f"{path} cannot be read ({error}). {_ways_back(path)}") from error


def keep_headline(slug, facts) -> None:
    """Store what `headline` returns.

    Raises:
        RangeError: A score is not finite.
    """
    expect_finite(facts["scores"], "scores")
    text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    runtime.write_whole(FOLDER / slug / "band.json", text)
