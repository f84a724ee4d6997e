"""Data that come with the course: `load(name)` gives NumPy splits, class names and a card."""

import json
import math
import tomllib
import zlib
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from dlcourse import memory, runtime
from dlcourse.arrays import expect_axes, to_numpy
from dlcourse.errors import DataError, KindError, RangeError, expect_text

import numpy as np

FOLDER = Path(__file__).parent / "datasets"
SPLITS = ("train", "valid", "test")  # also their order inside a file
BLOCKS = 16  # of a packed file: small ones, one after another, keep the memory low


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
    kind: str  # one of KINDS, or "weights" for those of a network
    splits: dict = field(default_factory=dict)  # of weights there are none
    classes: tuple = ()
    labels: str = ""
    pixel_maximum: int = 255
    features: tuple = ()
    units: tuple = ()  # of the features of a series
    start: str = ""  # time of a series' first step, such as "2014-01-01T00:00"
    step_minutes: int = 0
    samples_per_second: int = 0  # of sound

    @property
    def path(self) -> Path:
        """Return the path of the data file."""
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

    def times(self) -> np.ndarray | None:
        """Return the time of every step of a series (T,), datetime64 in minutes; None without."""
        if not self.start:
            return None
        steps = np.arange(sum(self.splits.values())) * self.step_minutes
        return np.datetime64(self.start, "m") + steps


class NotOfThisKindError(KindError, AttributeError):
    """Something was asked of a split that another kind of data has."""


@dataclass(frozen=True, repr=False, eq=False)
class Split:
    """Examples of one dataset: arrays with one entry for each, read-only. Copy to change one.

    Each kind of data is a class below; a dataset's card says which it is.
    """

    card: Card

    def arrays(self) -> dict:
        """Return the arrays by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)[1:]}

    def __len__(self):
        return len(next(iter(self.arrays().values())))

    def __getitem__(self, rows):
        """Return the chosen examples as a smaller split: `train[:1000]`, `train[labels == 3]`.

        Raises:
            RangeError: There are no such examples.
            KindError: `rows` is no number, slice, or list of numbers or truth values.
        """
        if not isinstance(rows, slice):
            rows = np.atleast_1d(to_numpy(rows))  # one example keeps its batch axis
            rows = rows.astype(int) if not rows.size else rows
        try:
            return replace(self, **{name: array[rows] for name, array in self.arrays().items()})
        except IndexError as error:
            if getattr(rows, "dtype", np.dtype(int)).kind not in "iub" or np.ndim(rows) > 1:
                raise KindError(self._how_to_choose()) from error
            raise RangeError(f"There are {len(self)} examples, counted from 0: {error}.") from error
        except (TypeError, ValueError) as error:
            raise KindError(self._how_to_choose()) from error

    def _how_to_choose(self):
        return (
            "Examples are chosen by a number, a slice such as [:1000], or a list of numbers or "
            f"truth values, one for each of {len(self)} examples."
        )

    def __iter__(self):
        raise KindError(self._not_an_array())

    def __contains__(self, _):
        raise KindError(self._not_an_array())

    def __array__(self, dtype=None, copy=None):
        raise KindError(self._not_an_array())

    def _not_an_array(self):
        has = " or ".join(f"`.{name}`" for name in self._has() if name != "labels")
        return f"A split of `{self.card.name}` is no array: hand over its {has}."

    @classmethod
    def _has(cls):
        """Return the names of what this kind of data has."""
        names = {*vars(cls), *(each.name for each in fields(cls)[1:])} - {"KIND", "from_file"}
        return sorted(name for name in names if not name.startswith("_"))

    def __getattr__(self, name):
        """Say what this kind of data has, where another kind's is asked for."""
        if any(name in kind._has() for kind in KINDS.values()):
            raise NotOfThisKindError(
                f"`{self.card.name}` is {self.KIND} and has no {name}. "
                f"It has: {', '.join(self._has())}."
            )
        raise AttributeError(name)

    @classmethod
    def from_file(cls, card, arrays) -> dict:
        """Return the split's arrays, of all examples, from those of the data file."""
        return arrays

    def __repr__(self):
        shapes = (f"{name} {array.shape}" for name, array in self.arrays().items())
        return f"{len(self)} examples: {', '.join(shapes)}"


@dataclass(frozen=True, repr=False, eq=False)
class Pictures(Split):
    """Raw bytes `pixels` (N, H, W, C), uint8, and class indices `labels` (N,), int64."""

    KIND: ClassVar = "a set of pictures"
    pixels: np.ndarray
    labels: np.ndarray

    @classmethod
    def from_file(cls, card, arrays) -> dict:
        """Bring pixels that were measured from 0 to 16, say, to 0 to 255, as bytes count here."""
        pixels, most = arrays["pixels"], card.pixel_maximum
        if most != 255:
            pixels = np.rint(pixels * (255 / most)).astype(np.uint8)
        return arrays | {"pixels": pixels}

    @cached_property
    def images(self) -> np.ndarray:
        """Pictures (N, H, W, C), float32 in 0..1. Made when first asked for: four bytes a pixel."""
        images, most = self.pixels.astype("float32"), self.card.pixel_maximum
        if most != 255:  # as they were measured, without the rounding to bytes
            images = np.rint(images * (most / 255))
        images /= most
        return _frozen(images)

    @property
    def features(self) -> np.ndarray:
        """One row of numbers for each picture (N, D), float32: its pixels in reading order."""
        return self.images.reshape(len(self), math.prod(self.pixels.shape[1:]))

    def __repr__(self):
        return f"{len(self)} examples: images {self.pixels.shape}, labels {self.labels.shape}"


@dataclass(frozen=True, repr=False, eq=False)
class Rows(Split):
    """A table: measurements `features` (N, D), float32, and class indices `labels` (N,), int64."""

    KIND: ClassVar = "a table"
    features: np.ndarray
    labels: np.ndarray

    @classmethod
    def from_file(cls, card, arrays) -> dict:
        return {"features": arrays["table"], "labels": arrays["labels"]}


@dataclass(frozen=True, repr=False, eq=False)
class Series(Split):
    """Measurements in time order: `series` (T, D), float32, at `times` (T,), datetime64.

    A series is its own target, so it has no labels; its splits follow each other in time.
    """

    KIND: ClassVar = "a series"
    series: np.ndarray
    times: np.ndarray

    @classmethod
    def from_file(cls, card, arrays) -> dict:
        return arrays | {"times": card.times()}

    @property
    def features(self) -> np.ndarray:
        """The series (T, D), float32."""
        return self.series

    def __repr__(self):
        start = f", from {_written(self.times[0])}" if len(self) else ""
        return f"{len(self)} steps: series {self.series.shape}{start}"


@dataclass(frozen=True, repr=False, eq=False)
class Text(Split):
    """Texts, as an array of str `texts` (N,), and class indices `labels` (N,), int64."""

    KIND: ClassVar = "a set of texts"
    texts: np.ndarray
    labels: np.ndarray

    @classmethod
    def from_file(cls, card, arrays) -> dict:
        return {"texts": split_texts(arrays), "labels": arrays["labels"]}


@dataclass(frozen=True, repr=False, eq=False)
class Sound(Split):
    """Recordings of one length, as raw `samples` (N, T), int16, and class indices `labels` (N,)."""

    KIND: ClassVar = "a set of recordings"
    samples: np.ndarray
    labels: np.ndarray

    @cached_property
    def waves(self) -> np.ndarray:
        """Recordings (N, T), float32 in -1..1, `card.samples_per_second` of them a second."""
        return _frozen(self.samples.astype("float32") / 32768)


KINDS = {"pictures": Pictures, "rows": Rows, "series": Series, "text": Text, "sound": Sound}


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


def names() -> list[str]:
    """Return the names of the datasets and of the shipped weights, in alphabetical order."""
    return sorted(path.parent.name for path in FOLDER.glob("*/card.toml"))


def card(name) -> Card:
    """Return the card of dataset `name`.

    Raises:
        DataError: There is no such dataset; the message lists those there are. Or its card does
            not say of which kind it is.
    """
    if expect_text(name, "name") not in names():
        raise DataError(f"There is no dataset {name!r}. There are: {', '.join(names())}.")
    path = FOLDER / name / "card.toml"
    try:
        facts = tomllib.loads(runtime.read_whole(path).decode("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"The card {path} cannot be read: {error}. `git checkout -- {path}` in a "
                        "clone of the course brings it back.") from error  # fmt: skip
    for key in ("classes", "features", "units"):
        facts[key] = tuple(facts.get(key, ()))
    if facts.get("kind") not in (*KINDS, "weights"):
        raise DataError(
            f"{path} needs a line `kind = …` with one of these: {', '.join(KINDS)}, weights."
        )
    return Card(name=name, **facts)


def load(name) -> Dataset:
    """Return dataset `name`, from the file that is shipped with the course.

    The file's checksum is compared the first time, and again whenever the file has changed.

    Args:
        name: One of `names()`, such as "fashion-mnist".

    Returns:
        Dataset with `train`, `valid` and `test`, each a split of the card's kind (`Pictures`,
        `Rows`, `Series`, `Text` or `Sound`), and `classes` and `card`.

    Raises:
        DataError: No such dataset, or its file is missing or damaged.
        KindError: `name` is the name of a network's weights.

    Example:
        >>> data.load("digits").train.images.shape
        (1200, 8, 8, 1)
    """
    facts = card(name)
    if facts.kind == "weights":
        raise KindError(
            f"{name!r} are the weights of a network, not examples. "
            f'Use pretrained.load("{name}", "pytorch").'
        )
    kind = KINDS[facts.kind]
    arrays = kind.from_file(facts, _checked(facts))
    if "labels" in arrays:
        arrays["labels"] = arrays["labels"].astype("int64")
    splits, start = {}, 0
    for split in SPLITS:
        stop = start + facts.splits[split]
        of_split = {key: _frozen(array[start:stop]) for key, array in arrays.items()}
        splits[split] = kind(facts, **of_split)
        start = stop
    return Dataset(classes=facts.classes, card=facts, **splits)


def weights(name) -> dict:
    """Return the arrays of a network's weights, {name: array}, from its file.

    Raises:
        DataError: No such file, or it is missing or damaged.
        KindError: `name` is the name of a dataset.
    """
    facts = card(name)
    if facts.kind != "weights":
        raise KindError(f"{name!r} is a dataset, not a network's weights. Use data.load({name!r}).")
    return _checked(facts)


def verify(name) -> None:
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


def join_texts(texts) -> dict:
    """Return texts as arrays for a data file, of which `split_texts` makes the texts again.

    Returns:
        {"text": all of them as UTF-8 bytes, "ends": where each one ends}, for `numpy.savez`.

    Raises:
        KindError: They are not a list of texts.

    Example:
        >>> data.join_texts(["a", "bc"])["ends"]
        array([1, 3])
    """
    is_array = isinstance(texts, np.ndarray) and texts.ndim == 1
    if not isinstance(texts, list | tuple) and not is_array:
        raise KindError(f"`texts` is a {type(texts).__name__}, but should be a list of texts.")
    encoded = [expect_text(text, "a text").encode() for text in texts]
    ends = np.cumsum([len(each) for each in encoded], dtype="int64")
    return {"text": np.frombuffer(b"".join(encoded), np.uint8), "ends": ends}


def split_texts(arrays) -> np.ndarray:
    """Return the texts (N,), as an array of str, of the arrays that `join_texts` gave.

    Example:
        >>> data.split_texts(data.join_texts(["a", "bc"]))
        array(['a', 'bc'], dtype=object)
    """
    if not isinstance(arrays, dict) or not {"text", "ends"} <= arrays.keys():
        raise KindError("`arrays` should be what `join_texts` gave: `text` and `ends`.")
    try:
        text, ends = to_numpy(arrays["text"]).tobytes(), to_numpy(arrays["ends"]).tolist()
        if [0, *ends] != sorted([0, *ends]) or (ends or [0])[-1] != len(text):
            raise ValueError("`ends` do not rise to the length of `text`")
        texts = [text[start:end].decode() for start, end in zip([0, *ends], ends)]
    except (TypeError, ValueError) as error:  # a UnicodeDecodeError is one
        raise KindError(f"`arrays` are damaged, not what `join_texts` gave: {error}.") from error
    return np.array([*texts, None], dtype=object)[:-1]  # a list of equal texts stays a row of them


def pack(pixels) -> dict:
    """Return images (N, H, W, 1), uint8, as arrays of compressed bytes, without loss.

    A picture changes slowly down a column, so each pixel is stored as its difference from the one
    above, column by column; that is 9 % smaller than the pixels themselves.

    Returns:
        {"packed_0": bytes, …} for `numpy.savez`, and "shape". `unpack` gives the images back.

    Raises:
        ShapeError, KindError: They are no such images.
    """
    pixels = expect_axes(to_numpy(pixels), "N H W C", "pixels")
    if pixels.dtype != np.uint8 or pixels.shape[-1] != 1:
        raise KindError(
            f"`pixels` has shape {pixels.shape} and type {pixels.dtype}, but should be bytes of "
            "one channel: (N, H, W, 1), uint8."
        )
    difference = pixels[..., 0].copy()
    difference[:, 1:] -= pixels[:, :-1, :, 0]  # modulo 256, as bytes do
    columns = difference.transpose(0, 2, 1)
    packed = {"shape": np.array(pixels.shape)}
    for number, block in enumerate(np.array_split(columns, BLOCKS)):
        squeeze = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_FILTERED)
        data = squeeze.compress(np.ascontiguousarray(block).tobytes()) + squeeze.flush()
        packed[f"packed_{number}"] = np.frombuffer(data, np.uint8)
    return packed


def unpack(packed) -> np.ndarray:
    """Return the images (N, H, W, 1), uint8, that `pack` was given.

    Raises:
        KindError: `packed` is not what `pack` gave.
    """
    if not isinstance(packed, dict) or not {"shape", f"packed_{BLOCKS - 1}"} <= packed.keys():
        raise KindError("`packed` should be the arrays that `pack` gave, by name.")
    try:
        return _unpacked(packed)
    except (zlib.error, ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:
        raise KindError(f"`packed` is damaged, it is not what `pack` gave: {error}.") from error


def _unpacked(packed):
    count, height, width, _ = (int(size) for size in packed["shape"])
    pixels = np.empty((count, height, width, 1), np.uint8)
    for number, block in enumerate(np.array_split(pixels, BLOCKS)):
        data = zlib.decompress(packed[f"packed_{number}"])
        columns = np.frombuffer(data, np.uint8).reshape(len(block), width, height)
        if not columns.size:
            continue
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
        found = runtime.read_json(runtime.folder("cache") / "verified.json")
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


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
