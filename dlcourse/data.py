"""Data that come with the course: `load(name)` gives NumPy splits, class names and a card."""

import json
import math
import tomllib
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dlcourse import memory, runtime
from dlcourse.errors import DataError, KindError

import numpy as np

FOLDER = Path(__file__).parent / "datasets"
SPLITS = ("train", "valid", "test")  # also their order inside a file
PARTS = 16  # of a packed file: small ones, one after another, keep the memory low


@dataclass(frozen=True, repr=False, eq=False)
class Card:
    """What a dataset is, where it comes from and what may be done with it (`card.toml`)."""

    name: str
    title: str
    about: str
    file: str
    sha256: str
    licence: str
    source: str
    recipe: str
    splits: dict = field(default_factory=dict)  # stays empty for the weights of a network
    classes: tuple = ()
    labels: str = ""
    pixel_maximum: int = 255
    features: tuple = ()
    units: tuple = ()  # of the features of a series
    start: str = ""  # time of a series' first step, such as "2014-01-01T00:00"
    step_minutes: int = 0

    @property
    def path(self):
        """Return the place of the data file."""
        return FOLDER / self.name / self.file

    def __str__(self):
        units = self.units or ("",) * len(self.features)
        features = (
            f"{name} ({unit})" if unit else name for name, unit in zip(self.features, units)
        )
        rows = [
            ("Splits", ", ".join(f"{count} {name}" for name, count in self.splits.items())),
            ("Classes", ", ".join(self.classes)),
            ("Labels", self.labels),
            ("Features", ", ".join(features)),
            ("Time", self._time() if self.start else ""),
            ("Licence", self.licence),
            ("Source", self.source),
            ("Recipe", self.recipe),
            ("File", f"{self.file}, sha256 {self.sha256}"),
        ]
        return "\n".join(
            [f"{self.title} ({self.name})", self.about, ""]
            + [f"{key}: {text}" for key, text in rows if text]
        )

    __repr__ = __str__

    def _time(self):
        return f"from {_written(self.start)}, every {self.step_minutes} minutes"

    def times(self):
        """Return the time of every step of a series (T,), datetime64 in minutes; None without."""
        if not self.start:
            return None
        steps = np.arange(sum(self.splits.values())) * self.step_minutes
        return np.datetime64(self.start, "m") + steps


@dataclass(frozen=True, repr=False, eq=False)
class Split:
    """One part of a dataset. Its arrays are read-only: copy before you change one.

    Attributes:
        labels: Class indices (N,), int64; None for a series, which is its own target.
        pixels: Raw bytes (N, H, W, C), uint8, of an image dataset; None for others.
        table: Measurements (N, D), float32, of a table; None for others.
        series: Measurements (T, D), float32, of a time series, in time order; None for others.
        times: When each step of the series was (T,), datetime64 in minutes; None for others.
    """

    labels: np.ndarray | None = None
    pixels: np.ndarray | None = None
    table: np.ndarray | None = None
    pixel_maximum: int = 255
    series: np.ndarray | None = None
    times: np.ndarray | None = None

    def __len__(self):
        return len(self.series if self.labels is None else self.labels)

    def __getitem__(self, selection):
        """Return the chosen examples as a smaller split: `train[:1000]`, `train[labels == 3]`."""
        if isinstance(selection, (int, np.integer)):
            selection = slice(selection, selection + 1 or None)  # one example keeps its batch axis
        labels, pixels, table, series, times = (
            None if part is None else part[selection]
            for part in (self.labels, self.pixels, self.table, self.series, self.times)
        )
        return Split(labels, pixels, table, self.pixel_maximum, series, times)

    @cached_property
    def images(self):
        """Pictures (N, H, W, C), float32 in 0..1. Made when first asked for: four bytes a pixel."""
        if self.pixels is None:
            kind = "table" if self.series is None else "series"
            raise KindError(
                f"This dataset is a {kind} and has no images. Use `.features`, shape (N, D)."
            )
        images = self.pixels.astype("float32")
        images /= self.pixel_maximum
        images.setflags(write=False)
        return images

    @property
    def features(self):
        """One row of numbers for each example (N, D), float32; pixels in reading order."""
        if self.series is not None:
            return self.series
        return (
            self.table
            if self.table is not None
            else self.images.reshape(len(self), math.prod(self.pixels.shape[1:]))
        )

    def __repr__(self):
        if self.series is not None:
            start = f", from {_written(self.times[0])}" if len(self) else ""
            return f"{len(self)} steps: series {self.series.shape}{start}"
        kind, array = ("features", self.table) if self.pixels is None else ("images", self.pixels)
        return f"{len(self)} examples: {kind} {array.shape}, labels {self.labels.shape}"


@dataclass(frozen=True, repr=False, eq=False)
class Dataset:
    """A dataset's three splits, class names and card. See `load`."""

    train: Split
    valid: Split
    test: Split
    classes: tuple
    card: Card

    def __repr__(self):
        rows = "\n".join(f"  {name}: {getattr(self, name)!r}" for name in SPLITS)
        columns = f"columns {', '.join(self.card.features)}"
        kinds = f"{len(self.classes)} classes" if self.classes else columns
        return f"{self.card.title}, {kinds}\n{rows}"


def names():
    """Return the names of the datasets and of the shipped weights, in alphabetical order."""
    return sorted(path.parent.name for path in FOLDER.glob("*/card.toml"))


def card(name):
    """Return the card of dataset `name`.

    Raises:
        DataError: There is no such dataset; the message lists those there are.
    """
    path = FOLDER / str(name) / "card.toml"
    if name not in names():
        raise DataError(f"There is no dataset {name!r}. There are: {', '.join(names())}.")
    facts = tomllib.loads(path.read_text(encoding="utf-8"))
    for key in ("classes", "features", "units"):
        facts[key] = tuple(facts.get(key, ()))
    return Card(name=name, **facts)


def load(name):
    """Return dataset `name`, from the file that is shipped with the course.

    The file's checksum is compared the first time, and again whenever the file has changed.

    Args:
        name: One of `names()`, such as "fashion-mnist".

    Returns:
        Dataset with `train`, `valid` and `test` (each with `images` (N, H, W, C) and `features`
        (N, D), float32, and `labels` (N,)), `classes` and `card`. A time series has `series`
        (T, D), float32, and `times` (T,) instead, and its splits follow each other in time.

    Raises:
        DataError: No such dataset, or its file is missing or damaged.
        KindError: `name` is the name of a network's weights.
    """
    facts = card(name)
    if not facts.splits:
        raise KindError(
            f"{name!r} are the weights of a network, not examples. "
            f'Use pretrained.load("{name}", "pytorch").'
        )
    arrays = _checked(facts)
    if "labels" in arrays:
        arrays["labels"] = arrays["labels"].astype("int64")
    if (times := facts.times()) is not None:
        arrays["times"] = times
    splits, start = {}, 0
    for split in SPLITS:
        stop = start + facts.splits[split]
        parts = {key: _frozen(array[start:stop]) for key, array in arrays.items()}
        splits[split] = Split(pixel_maximum=facts.pixel_maximum, **parts)
        start = stop
    return Dataset(classes=facts.classes, card=facts, **splits)


def weights(name):
    """Return the arrays of a network's weights, {name: array}, from its file.

    Raises:
        DataError: No such file, or it is missing or damaged.
        KindError: `name` is the name of a dataset.
    """
    facts = card(name)
    if facts.splits:
        raise KindError(f"{name!r} is a dataset, not a network's weights. Use data.load({name!r}).")
    return _checked(facts)


def verify(name):
    """Compare the file of dataset `name` with the checksum on its card; remember if it was good.

    Raises:
        DataError: The file is missing or damaged; the message says how to get it back.
    """
    facts = card(name)
    folder = facts.path.parent.relative_to(FOLDER.parents[1])
    repair = (
        f"To get it back: `git checkout -- {folder}` in a clone of the course, "
        "else `pip install --force-reinstall --no-deps dlcourse`."
    )
    try:
        found = runtime.checksum(facts.path)
    except OSError as error:
        raise DataError(
            f"The data file {facts.path} cannot be read ({error.strerror}). {repair}"
        ) from error
    if found != facts.sha256:
        raise DataError(
            f"The data file {facts.path} is damaged: its sha256 is {found}, "
            f"but the card says {facts.sha256}. {repair}"
        )
    _remember(facts)


def pack(pixels):
    """Return images (N, H, W, 1), uint8, as arrays of compressed bytes, without loss.

    A picture changes slowly down a column, so each pixel is stored as its difference from the one
    above, column by column; that is 9 % smaller than the pixels themselves.

    Returns:
        {"packed_0": bytes, …} for `numpy.savez`, and "shape". `unpack` gives the images back.
    """
    difference = pixels[..., 0].copy()
    difference[:, 1:] -= pixels[:, :-1, :, 0]  # modulo 256, as bytes do
    columns = difference.transpose(0, 2, 1)
    packed = {"shape": np.array(pixels.shape)}
    for part, block in enumerate(np.array_split(columns, PARTS)):
        squeeze = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_FILTERED)
        data = squeeze.compress(np.ascontiguousarray(block).tobytes()) + squeeze.flush()
        packed[f"packed_{part}"] = np.frombuffer(data, np.uint8)
    return packed


def unpack(packed):
    """Return the images (N, H, W, 1), uint8, that `pack` was given."""
    count, height, width, _ = (int(size) for size in packed["shape"])
    pixels = np.empty((count, height, width, 1), np.uint8)

    for part, block in enumerate(np.array_split(pixels, PARTS)):
        columns = np.frombuffer(zlib.decompress(packed[f"packed_{part}"]), np.uint8).reshape(
            -1, width, height
        )
        row = block[:, 0, :, 0]
        row[...] = columns[:, :, 0]
        for y in range(1, height):
            np.add(block[:, y - 1, :, 0], columns[:, :, y], out=block[:, y, :, 0])  # modulo 256
    return pixels


def _checked(facts):
    """Return the arrays of a card's file, once its checksum agrees."""
    if not _known_good(facts):
        verify(facts.name)
    arrays = _read(facts.path)
    memory.give_back_freed()  # the compressed bytes
    return arrays


def _read(path):
    with np.load(path, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    packed = {
        key: arrays.pop(key) for key in list(arrays) if key.startswith("packed_") or key == "shape"
    }
    return arrays | ({"pixels": unpack(packed)} if packed else {})


def _written(time):
    return str(time).replace("T", " ")


def _frozen(array):
    array.setflags(write=False)
    return array


def _good_files():
    try:
        return json.loads((runtime.folder("cache") / "verified.json").read_text())
    except (OSError, ValueError):
        return {}


def _version(facts):
    """Return what tells one version of a data file from another without reading it."""
    status = facts.path.stat()
    return [status.st_size, status.st_mtime_ns, facts.sha256]


def _known_good(facts):
    try:
        return _good_files().get(str(facts.path)) == _version(facts)
    except OSError:
        return False


def _remember(facts):
    good = _good_files() | {str(facts.path): _version(facts)}
    try:
        runtime.write_whole(runtime.folder("cache") / "verified.json", json.dumps(good))
    except OSError:
        pass  # no cache folder: the next load verifies again, which costs a tenth of a second
