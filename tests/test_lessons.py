"""What was measured ahead of time is there, whole, and says so if it is not."""

import json
import shutil

from dlcourse import lessons
from dlcourse.errors import DataError

import numpy as np
import pytest


@pytest.fixture
def copied(monkeypatch, tmp_path):
    """The recorded files of one lesson in a folder of their own, to be damaged."""
    folder = tmp_path / "image_classification"
    shutil.copytree(lessons.FOLDER / "image_classification", folder)
    monkeypatch.setattr(lessons, "FOLDER", tmp_path)
    return folder


def test_a_checkpoint_is_the_recorded_one():
    assert all(
        isinstance(w, np.ndarray) for w in lessons.checkpoint("image_classification").values()
    )


def test_a_changed_checkpoint_is_refused_with_the_repair(copied):
    path = copied / "weights.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(
        DataError, match=r"sha256 [0-9a-f]{64}, expected.*git checkout.*dlcourse measure"
    ):
        lessons.checkpoint("image_classification")


def test_a_missing_checkpoint_is_refused_with_the_repair(copied):
    (copied / "weights.npz").unlink()
    with pytest.raises(DataError, match=r"no file.*dlcourse measure"):
        lessons.checkpoint("image_classification")


@pytest.mark.parametrize("text", [None, "{damaged"])
def test_missing_or_damaged_measurements_name_the_command_that_records_them(copied, text):
    path = copied / "recorded.json"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(DataError, match="dlcourse measure"):
        lessons.recorded("image_classification")


def test_measurements_are_plain_json_with_the_cores_they_were_made_on():
    for path in lessons.FOLDER.glob("*/*.json"):
        assert json.loads(path.read_text())["cores"] >= 1


def test_what_is_recorded_is_what_a_lesson_reads(monkeypatch, tmp_path):
    monkeypatch.setattr(lessons, "FOLDER", tmp_path)
    (tmp_path / "slopes").mkdir()
    lessons.keep_recorded("slopes", {"rounds": 3}, {"kernel": np.eye(2)})
    assert lessons.recorded("slopes")["rounds"] == 3
    np.testing.assert_array_equal(lessons.checkpoint("slopes")["kernel"], np.eye(2))
    (tmp_path / "slopes" / "weights.npz").write_bytes(b"damaged")
    with pytest.raises(DataError, match="are not the recorded ones"):
        lessons.checkpoint("slopes")


def test_weights_that_a_lesson_does_not_store_and_a_damaged_band_are_said(monkeypatch, tmp_path):
    with pytest.raises(DataError, match="this lesson stores no weights"):
        lessons.checkpoint("convolutions")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "band.json").write_text('{"what": ')
    monkeypatch.setattr(lessons, "FOLDER", tmp_path)
    with pytest.raises(DataError, match=r"band\.json cannot be read"):
        lessons.band("odd")
