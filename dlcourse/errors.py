"""The errors that dlcourse raises on purpose: what was given, what was expected, what to do."""

import reprlib

MOST_TOLD = 2_000  # characters of what an error says


class CourseError(Exception):
    """Base of every error that dlcourse raises on purpose."""


class ShapeError(CourseError, ValueError):
    """An array's axes or sizes are not the ones the function works on."""


class RangeError(CourseError, ValueError):
    """A value lies outside what it may be: a label without a class, no epochs at all."""


class NoSuchNameError(RangeError, KeyError):
    """Nothing is known by that name; a KeyError too, so that a mapping works as any other."""

    __str__ = Exception.__str__  # a KeyError would show the message in quotes


class KindError(CourseError, TypeError):
    """A thing of the wrong kind: a model of no known framework, text in place of numbers."""


class DataError(CourseError, OSError):
    """A dataset is unknown, missing or damaged."""


class TrainingError(CourseError, RuntimeError):
    """Training cannot go on: the loss is no longer a number."""


class LessonError(CourseError, ValueError):
    """A lesson's files are missing, disagree, or were asked for by a number that no lesson has."""


def expect_text(value, name) -> str:
    """Return a value if it is text that can be written to a file.

    Args:
        value: What was given, such as the name of a dataset.
        name: What the caller calls it, for the message.

    Raises:
        KindError: It is something else.
    """
    if not isinstance(value, str):
        raise KindError(f"`{name}` is {in_short(value)}, but should be text.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise KindError(f"`{name}` holds half of a character: {error}.") from error
    return value


def told(error) -> str:
    """Return the kind of an error and what it says, which may be long, or raise one in its turn.

    Example:
        >>> errors.told(ValueError("no"))
        'ValueError: no'
    """
    try:
        said = str(error).encode("utf-8", "replace").decode()  # half a character cannot be shown
    except (Exception, SystemExit):
        said = "(an error that cannot say what it is)"
    more = "…" if len(said) > MOST_TOLD else ""
    return f"{type(error).__name__}: {said[:MOST_TOLD]}{more}"


def in_short(value) -> str:
    """Return a value as a message shows it: short, whatever it is.

    Example:
        >>> errors.in_short(10**5000)
        'a whole number of more than 4300 digits'
    """
    try:
        return reprlib.repr(value)
    except ValueError:  # Python writes no number that long
        return "a whole number of more than 4300 digits"
    except Exception:
        return f"a {type(value).__name__}"
