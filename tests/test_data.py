"""Datasets are whole, what their cards say, frozen, and fast to load."""

import hashlib
import shutil

from dlcourse import data, runtime
from dlcourse.errors import DataError, KindError, RangeError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from odd_files import odd_in_place

NAMES = data.names()
DATASETS = [name for name in NAMES if data.card(name).kind != "weights"]
SIZE_BUDGET_BYTES = 90_000_000


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path))


@pytest.fixture
def copied(monkeypatch, tmp_path, home):
    """Digits in a folder of its own, to be damaged."""
    shutil.copytree(data.FOLDER / "digits", tmp_path / "package" / "datasets" / "digits")
    monkeypatch.setattr(data, "FOLDER", tmp_path / "package" / "datasets")
    return data.card("digits").path


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_is_what_its_card_says(name):
    dataset, card = data.load(name), data.card(name)
    for split in data.SPLITS:
        part = getattr(dataset, split)
        assert len(part) == card.splits[split]
        if card.kind in ("pictures", "rows", "series"):
            assert part.features.shape[0] == len(part)
            assert part.features.dtype == np.float32
        if card.kind == "series":  # its own target
            assert not hasattr(part, "labels") and len(part.times) == len(part)
            continue
        assert part.labels.dtype == np.int64
        if len(part):  # a few photographs to look at have one split only
            assert set(np.unique(part.labels)) == set(range(len(card.classes)))
    if card.features:
        assert len(card.features) == dataset.train.features.shape[1]
    assert hashlib.sha256(card.path.read_bytes()).hexdigest() == card.sha256


@pytest.mark.parametrize("name", NAMES)
def test_a_card_names_licence_and_source_and_the_recipe_is_there(name):
    card = data.card(name)
    assert card.licence and card.source and card.about
    assert (card.path.parent / "make.py").exists()
    assert f"sha256 {card.sha256}" in str(card)


@pytest.mark.parametrize("name", [name for name in DATASETS if data.card(name).kind == "pictures"])
def test_images_are_float32_in_0_to_1_with_four_axes(name):
    images = data.load(name).train[:5000].images
    assert (images.ndim, images.dtype) == (4, np.float32)
    assert (images.min(), images.max()) == (0, 1)


def test_fashion_mnist_is_whole():
    fashion = data.load("fashion-mnist")
    labels = [fashion.train.labels, fashion.valid.labels]
    assert np.bincount(np.concatenate(labels)).tolist() == [6000] * 10
    assert np.bincount(fashion.test.labels).tolist() == [1000] * 10
    # The published test pictures, byte for byte: sha256 of the unzipped IDX file after its header.
    found = hashlib.sha256(fashion.test.pixels.tobytes()).hexdigest()
    assert found == "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a"


def test_digits_and_wine_are_scikit_learn_s():
    from sklearn.datasets import load_digits, load_wine

    for name, original in (("digits", load_digits()), ("wine", load_wine())):
        dataset = data.load(name)
        parts = [getattr(dataset, split) for split in data.SPLITS]
        rows = np.concatenate([part.features for part in parts]).astype("float64")
        rows *= dataset.card.pixel_maximum if name == "digits" else 1
        labels = np.concatenate([part.labels for part in parts])
        ours = sorted(map(tuple, np.column_stack([labels, rows]).round(3).tolist()))
        theirs = np.column_stack([original.target, original.data]).astype("float32").round(3)
        np.testing.assert_allclose(ours, sorted(map(tuple, theirs.tolist())), rtol=1e-5)


def test_electricity_demand_is_a_whole_year_in_time_order():
    demand = data.load("electricity-demand")
    parts = [getattr(demand, split) for split in data.SPLITS]
    times = np.concatenate([part.times for part in parts])
    half_hour = np.timedelta64(30, "m")
    year = np.arange(np.datetime64("2014-01-01T00:00"), np.datetime64("2015-01-01"), half_hour)
    np.testing.assert_array_equal(times, year)
    series = np.concatenate([part.series for part in parts])
    assert series.shape == (17_520, 3) and np.isfinite(series).all()
    # What the R package's own summary says: https://pkg.robjhyndman.com/fpp2/reference/elecdemand.html
    assert demand.card.features[0] == "demand" and demand.card.units[0] == "GW"
    assert [round(float(number), 3) for number in (series[:, 0].min(), series[:, 0].max())] == [
        2.858,
        9.345,
    ]
    work_day = series[:, 2].reshape(365, 48)
    assert (work_day == work_day[:, :1]).all()  # from midnight to midnight
    weekend = np.isin(np.arange(365) % 7, (3, 4))  # 1 January 2014 was a Wednesday
    assert not work_day[weekend].any() and (~weekend & (work_day[:, 0] == 0)).sum() == 10


def test_a_series_keeps_its_times_when_cut_and_says_when_it_begins():
    week = data.load("electricity-demand").valid[48 : 8 * 48]
    assert week.series.shape == (336, 3) and week.features is week.series
    assert repr(week) == "336 steps: series (336, 3), from 2014-09-02 00:00"
    assert repr(week[:0]) == "0 steps: series (0, 3)"
    with pytest.raises(ValueError, match="read-only"):
        week.series[0] = 1
    with pytest.raises(
        KindError, match=r"is a series and has no images\. It has: features, series, times"
    ):
        _ = week.images


def test_the_card_of_a_series_says_its_units_and_its_time():
    text = str(data.card("electricity-demand"))
    assert "Features: demand (GW), temperature (°C), work day (1 on work days" in text
    assert "Time: from 2014-01-01 00:00, every 30 minutes" in text and "Classes" not in text


def test_data_under_the_gpl_carry_its_text():
    for name in NAMES:
        if "GPL" in data.card(name).licence:
            assert "GNU GENERAL PUBLIC LICENSE" in (data.FOLDER / name / "LICENSE").read_text()


def test_everything_shipped_stays_within_its_budget():
    shipped = sum(path.stat().st_size for path in data.FOLDER.rglob("*") if path.is_file())
    assert shipped <= SIZE_BUDGET_BYTES


def test_arrays_and_dataset_are_frozen():
    digits = data.load("digits")
    with pytest.raises(ValueError, match="read-only"):
        digits.train.images[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        digits.train.labels[0] = 1
    with pytest.raises(AttributeError):
        digits.train = None


def test_a_selection_is_a_smaller_split():
    train = data.load("digits").train
    assert len(train[:10]) == 10
    assert train[-1].images.shape == (1, 8, 8, 1)
    threes = train[train.labels == 3]
    assert set(threes.labels) == {3}
    np.testing.assert_array_equal(threes.images, train.images[train.labels == 3])


def test_a_split_is_no_list_and_says_what_to_hand_over():
    train = data.load("digits").train
    for take in (list, np.asarray, lambda split: [*zip(split, split)]):
        with pytest.raises(KindError, match=r"no array: hand over its `.features` or `.images`"):
            take(train)
    assert len(train[np.array(2)]) == len(train[np.int64(2)]) == 1
    with pytest.raises(RangeError, match="1200 examples"):
        train[len(train)]


def test_examples_and_weights_are_not_taken_for_each_other():
    with pytest.raises(KindError, match="are the weights of a network, not examples"):
        data.load("efficientnet-lite0")
    with pytest.raises(KindError, match="is a dataset"):
        data.weights("digits")


@pytest.mark.parametrize(
    "name, asked, words",
    [
        ("wine", "images", "is a table and has no images. It has: features, labels"),
        ("electricity-demand", "labels", "is a series and has no labels. It has: features, series"),
        ("digits", "texts", "is a set of pictures and has no texts. It has: features, images, lab"),
    ],
)
def test_what_another_kind_of_data_has_is_answered_with_what_this_one_has(name, asked, words):
    train = data.load(name).train
    with pytest.raises(KindError, match=f"`{name}` {words}"):
        getattr(train, asked)
    assert not hasattr(train, asked)
    with pytest.raises(AttributeError, match="imagse"):
        _ = train.imagse


CARD = """
title = "Twelve"
about = "Made here."
kind = "{kind}"
file = "twelve.npz"
sha256 = "{sha256}"
licence = "CC0"
source = "here"
recipe = "make.py"
classes = ["a", "b"]
samples_per_second = 4

[splits]
train = 6
valid = 3
test = 3
"""


@pytest.fixture
def make(monkeypatch, tmp_path, home):
    """Make a dataset of twelve examples of a kind; return it."""

    def make(kind, **arrays):
        folder = tmp_path / "datasets" / "twelve"
        folder.mkdir(parents=True)
        monkeypatch.setattr(data, "FOLDER", folder.parent)
        np.savez_compressed(folder / "twelve.npz", labels=np.arange(12) % 2, **arrays)
        sha256 = runtime.checksum(folder / "twelve.npz")
        (folder / "card.toml").write_text(CARD.format(kind=kind, sha256=sha256))
        return data.load("twelve")

    return make


def test_texts_come_as_they_were_written(make):
    texts = [f"Text {i}: übel, 三, \n and {'long ' * i}" for i in range(11)] + [""]
    dataset = make("text", **data.join_texts(texts))
    assert dataset.train.texts.tolist() == texts[:6] and dataset.test.texts.tolist() == texts[9:]
    assert repr(dataset.valid) == "3 examples: texts (3,), labels (3,)"
    odd = dataset.train[dataset.train.labels == 1]
    assert odd.texts.tolist() == texts[1:6:2] and odd.labels.tolist() == [1, 1, 1]
    assert dataset.train[-1].texts.tolist() == texts[5:6]
    with pytest.raises(ValueError, match="read-only"):
        dataset.train.texts[0] = "other"


@given(st.lists(st.text(), max_size=5))
def test_joining_texts_loses_nothing(texts):
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]  # no halves of characters
    assert data.split_texts(data.join_texts(texts)).tolist() == texts


def test_sound_comes_as_waves_from_minus_one_to_one(make):
    samples = np.linspace(-32768, 32767, 12 * 8).astype("int16").reshape(12, 8)
    dataset = make("sound", samples=samples)
    assert dataset.train.waves.shape == (6, 8) and dataset.train.waves.dtype == np.float32
    assert dataset.train.waves[0, 0] == -1 and dataset.test.waves.max() < 1
    np.testing.assert_array_equal(dataset.test.samples, samples[9:])
    assert dataset.card.samples_per_second == 4
    assert repr(dataset.test) == "3 examples: samples (3, 8), labels (3,)"


def test_a_card_of_no_known_kind_says_which_there_are(make):
    with pytest.raises(DataError, match=r"needs a line `kind = …`.*pictures, rows, series, text"):
        make("graphs")


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(DataError, match=r"'mnist'.*digits, .*fashion-mnist, .*wine"):
        data.load("mnist")


def test_the_checksum_is_compared_once_for_each_version_of_a_file(copied, monkeypatch):
    calls = []
    monkeypatch.setattr(
        data, "verify", lambda name, real=data.verify: (calls.append(name), real(name))
    )
    data.load("digits")
    data.load("digits")
    assert calls == ["digits"]
    copied.touch()  # another version of the file, as far as one can tell without reading it
    data.load("digits")
    assert calls == ["digits", "digits"]


def test_a_damaged_file_names_both_checksums_and_the_repair(copied):
    data.load("digits")
    bad = bytearray(copied.read_bytes())
    bad[100] ^= 1
    copied.write_bytes(bad)
    found = hashlib.sha256(bad).hexdigest()
    with pytest.raises(DataError, match=f"{found}.*{data.card('digits').sha256}.*git checkout"):
        data.load("digits")


def test_a_missing_file_is_named_with_the_repair(copied):
    copied.unlink()
    with pytest.raises(DataError, match=r"digits\.npz cannot be read.*git checkout"):
        data.load("digits")


def test_a_cache_that_is_damaged_or_cannot_be_written_only_costs_time(copied, monkeypatch):
    for damaged in ("{damaged", "null", "[" * 10**5):
        (runtime.folder("cache") / "verified.json").write_text(damaged)
        assert len(data.load("digits").train) == 1200
    monkeypatch.setattr(runtime, "folder", lambda kind: copied / "no folder")
    assert len(data.load("digits").train) == 1200


@odd_in_place
def test_what_is_no_file_is_not_opened(copied, put):
    verified = runtime.folder("cache") / "verified.json"
    put(verified)
    assert len(data.load("digits").train) == 1200
    put(copied)
    with pytest.raises(DataError, match="cannot be read"):
        data.load("digits")
    if verified.is_dir():
        verified.rmdir()
    else:
        verified.unlink(missing_ok=True)


@given(
    npst.arrays(
        np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 7), st.integers(1, 7), st.just(1))
    )
)
def test_packing_loses_nothing(pixels):
    np.testing.assert_array_equal(data.unpack(data.pack(pixels)), pixels)


@pytest.mark.parametrize("harm", [lambda data: data[:-9], lambda data: b"odd", lambda data: None])
def test_damaged_bytes_are_not_unpacked(harm):
    packed = data.pack(np.zeros((8, 4, 4, 1), "uint8"))
    with pytest.raises(KindError, match="not what `pack` gave"):
        data.unpack(packed | {"packed_0": harm(bytes(packed["packed_0"]))})
    with pytest.raises(KindError, match="not what `pack` gave"):
        data.unpack(packed | {"shape": [8, 4]})


def test_damaged_shapes_and_ends_are_not_unpacked():
    packed = data.pack(np.zeros((8, 4, 4, 1), "uint8"))
    with pytest.raises(KindError, match="not what `pack` gave"):
        data.unpack(packed | {"shape": [16, 4, 4, 1]})
    empty = np.zeros((3, 0, 2, 1), "uint8")
    assert data.unpack(data.pack(empty)).shape == empty.shape
    joined = data.join_texts(["a", "bc"])
    for ends in ([3, 1], [1, 9], [-1, 3], [1, 2]):
        with pytest.raises(KindError, match="not what `join_texts` gave"):
            data.split_texts(joined | {"ends": ends})
