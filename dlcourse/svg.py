"""Boxes, arrows and grids of numbers, put beside and below each other, shown as one SVG.

Lines and letters have the page's own colour, so a diagram is readable in a light and in a dark
theme. Blue and vermilion are mixed with it, for the same reason.
"""

import hashlib
import html
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dlcourse.errors import RangeError

WIDEST, HIGHEST = 700, 1600  # pixels: what fits into a notebook, and what one scrolls through
BLUE, VERMILION = "#0072B2", "#D55E00"  # Okabe and Ito's
SMALLEST = 0.8  # of its size, where the page is narrower than a diagram
SHARE = 0.65  # of the colour in a line; the rest is the page's own
STRONGEST = 0.5  # opacity behind numbers, which stay readable on it
SIZE, SMALL = 13, 12  # of letters, in pixels
MARGIN, GAP = 6, 10
# What XML cannot hold, even escaped.
UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Block(NamedTuple):
    """A piece of a diagram: its size in pixels, and its SVG with the upper left corner at 0, 0."""

    width: float
    height: float
    drawn: str


class Frame(NamedTuple):
    """A line around cells of a grid: "edge" is thin, "window" thick, "differs" thick and dashed."""

    row: int
    column: int
    rows: int = 1
    columns: int = 1
    kind: str = "window"


def text(said, *, bold=False, left=False, size=SIZE) -> Block:
    """Return one line of text, in the middle of the width that it may need, or at its left end."""
    width = _width(said, size) * (1.12 if bold else 1)
    weight = ' font-weight="bold"' if bold else ""
    look = (' text-anchor="start"' if left else "") + weight
    look += "" if size == SIZE else f' font-size="{size}"'
    x = 0 if left else width / 2
    drawn = f'<text x="{_n(x)}" y="{_n(size * 1.1)}"{look}>{_safe(said)}</text>'
    return Block(width, size * 1.5, drawn)


def box(lines, colour="currentColor", width=40) -> Block:
    """Return a rounded box of at least this width around lines of text; of several, one is bold."""
    several = len(lines) > 1
    shown = (text(line, bold=several and not place) for place, line in enumerate(lines))
    inside = stack(*shown, gap=0)
    width, height = max(inside.width + 16, width), inside.height + 10
    frame = f'<rect width="{_n(width)}" height="{_n(height)}" rx="6" {_line(colour)}/>'
    return Block(width, height, frame + moved(inside, (width - inside.width) / 2, 5))


def arrow(length=26, *, down=False, dashed=False, label="") -> Block:
    """Return an arrow to the right, or down, with a label beside it."""
    name = text(label, size=SMALL) if label else Block(0, 0, "")
    if down:
        middle = 8 + name.width  # as much at its left: it stays in the middle of what it joins
        line = arrow_path([(middle, 0), (middle, length)], dashed)
        return Block(2 * middle, length, line + moved(name, middle + 8, length / 2 - 9))
    width = max(length, name.width + 6)
    line = arrow_path([(0, 22), (width, 22)], dashed)
    return Block(width, 44, line + moved(name, (width - name.width) / 2, 0))


def arrow_path(points, dashed=False) -> str:
    """Return the SVG of an arrow through some points (x, y)."""
    (x, y), (end_x, end_y) = points[-2:]
    angle = math.atan2(end_y - y, end_x - x)
    head = [
        (end_x - 8 * math.cos(angle + turn), end_y - 8 * math.sin(angle + turn))
        for turn in (-0.45, 0.45)
    ]
    path = "M" + "L".join(f"{_n(x)},{_n(y)}" for x, y in points)
    sides = "L".join(f"{_n(x)},{_n(y)}" for x, y in (head[0], points[-1], head[1]))
    return f'<path d="{path}" {_line(dashed=dashed)}/><path d="M{sides}" {_line()}/>'


def bar(share, length=80) -> Block:
    """Return a bar, filled to a share from 0 to 1."""
    filled = f'<rect width="{_n(length * share)}" height="12" fill="{_mixed(BLUE)}"/>'
    return Block(length, 12, filled + f'<rect width="{length}" height="12" {_line(width=0.6)}/>')


def grid(labels, shades=None, *, caption="", frames=(), rows=(), columns=()) -> Block:
    """Return numbers in cells, with a caption above.

    Args:
        labels: Rows of texts, all of one length.
        shades: Rows of numbers from -1 (vermilion) over 0 (clear) to 1 (blue), or None.
        caption: One line.
        frames: `Frame`s around cells.
        rows, columns: Names beside the rows and above the columns.
    """
    high, wide = len(labels), len(labels[0])
    shown = [*columns, *(label for row in labels for label in row)]
    cell = max(30, max(_width(label, SMALL) for label in shown) + 10)
    tall = 26
    left = max((_width(name, SMALL) for name in rows), default=-8) + 8
    top = tall if len(columns) else 0
    drawn = []
    for row, column in ((r, c) for r in range(high) for c in range(wide)):
        x, y = left + column * cell, top + row * tall
        shade = 0 if shades is None else shades[row][column]
        if opacity := round(STRONGEST * abs(shade), 2):
            colour = BLUE if shade > 0 else VERMILION
            drawn.append(
                f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(cell)}" height="{tall}" '
                f'fill="{colour}" fill-opacity="{opacity:g}"/>'
            )
        drawn.append(_label(x + cell / 2, y + 17, labels[row][column]))
    drawn += [_label(left + (n + 0.5) * cell, 17, name) for n, name in enumerate(columns)]
    drawn += [
        _label(left - 8, top + n * tall + 17, name, anchor="end") for n, name in enumerate(rows)
    ]
    # All thin lines are one path.
    lines = [f"M{_n(left)},{_n(top + n * tall)}h{_n(wide * cell)}" for n in range(high + 1)]
    lines += [f"M{_n(left + n * cell)},{_n(top)}v{high * tall}" for n in range(wide + 1)]
    drawn.append(f'<path d="{"".join(lines)}" {_line(width=0.6)}/>')
    styles = {
        "edge": _line(width=1.6),
        "window": _line(VERMILION, width=3),
        "differs": _line(VERMILION, width=2.5, dashed=True),
    }
    for frame in frames:
        x, y = left + frame.column * cell, top + frame.row * tall
        size = f'width="{_n(frame.columns * cell)}" height="{frame.rows * tall}"'
        drawn.append(f'<rect x="{_n(x)}" y="{_n(y)}" {size} {styles[frame.kind]}/>')
    cells = Block(left + wide * cell, top + high * tall, "".join(drawn))
    return stack(text(caption), cells, gap=2) if caption else cells


def beside(*blocks, gap=GAP, bottom=False) -> Block:
    """Return blocks in a row, their middles, or their lower ends, on one height."""
    height = max(block.height for block in blocks)
    x, drawn = 0, []
    for block in blocks:
        above = height - block.height
        drawn.append(moved(block, x, above if bottom else above / 2))
        x += block.width + gap
    return Block(x - gap, height, "".join(drawn))


def flow(*blocks) -> Block:
    """Return blocks in a row; where it would be too wide, the rest goes below, as in a text."""
    rows = [[]]
    for block in blocks:
        if rows[-1] and beside(*rows[-1], block).width > WIDEST:
            rows.append([])
        rows[-1].append(block)
    return stack(*(beside(*row) for row in rows), left=True)


def stack(*blocks, gap=GAP, left=False) -> Block:
    """Return blocks below each other, their middles, or their left sides, in one line."""
    width = max(block.width for block in blocks)
    y, drawn = 0, []
    for block in blocks:
        drawn.append(moved(block, 0 if left else (width - block.width) / 2, y))
        y += block.height + gap
    return Block(width, y - gap, "".join(drawn))


def within(block, width, *, left=False) -> Block:
    """Return a block in the middle, or at the left, of a field of this width, as in a table."""
    width = max(width, block.width)
    x = 0 if left else (width - block.width) / 2
    return Block(width, block.height, moved(block, x, 0))


def moved(block, x, y) -> str:
    """Return a block's SVG with its upper left corner at x, y."""
    if not block.drawn or (_n(x), _n(y)) == ("0", "0"):
        return block.drawn
    return f'<g transform="translate({_n(x)},{_n(y)})">{block.drawn}</g>'


@dataclass(frozen=True, repr=False)
class Diagram:
    """A drawing that shows itself as SVG and says the same in words.

    Attributes:
        title: One line, drawn above it.
        words: Lines of text; the first says what is found, the others what is written where.
        block: What is drawn.

    Raises:
        RangeError: It is too large to be read.
    """

    title: str
    words: Sequence[str]
    block: Block

    def __post_init__(self):
        width, height = self._page()[:2]
        if width > WIDEST or height > HIGHEST:
            raise RangeError(
                f"The diagram would need {width:.0f} × {height:.0f} pixels, but {WIDEST} × "
                f"{HIGHEST} is the most that can be read. Draw a part of it, or give shorter names."
            )

    def _page(self):
        return stack(text(self.title, bold=True, left=True), self.block, gap=6, left=True)

    def __repr__(self):
        return _written(f"Diagram: {self.title}\n{self._said()}")

    def _said(self):
        return _written("\n".join(self.words))

    def _repr_html_(self):
        page, words = self._page(), self._said()
        inside = f'<g transform="translate({MARGIN},{MARGIN})">{page.drawn}</g>'
        width, height = (_n(math.ceil(size) + 2 * MARGIN) for size in page[:2])
        # From what it holds: the same arrays give the same bytes, other arrays another name.
        name = (
            "drawn-"
            + hashlib.sha256((_safe(self.title) + words + inside).encode()).hexdigest()[:12]
        )
        # Where a page lets no SVG through (a notebook that JupyterLab does not trust yet, some
        # viewers), its letters would be left as a heap: they have no size there, and the words
        # come in their place.
        return (
            # On a narrow page it gets smaller, as long as it can be read, and then is scrolled: by
            # key too, so that it can have the focus.
            '<div class="dlcourse-diagram" tabindex="0" style="overflow-x: auto; font-size: 0px">'
            "<style>.dlcourse-diagram svg ~ pre {display: none}</style>"
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" '
            f'height="{height}" viewBox="0 0 {width} {height}" fill="currentColor" '
            f'text-anchor="middle" aria-labelledby="{name}-title {name}-desc" '
            f'style="font: {SIZE}px system-ui, sans-serif; display: block; max-width: 100%; '
            f'min-width: {_n(SMALLEST * float(width))}px; height: auto">'
            f'<title id="{name}-title">{_safe(self.title)}</title>'
            f'<desc id="{name}-desc">{_safe(words)}</desc>{inside}</svg>'
            f'<pre style="font-size: {SIZE}px; white-space: pre-wrap">{_safe(repr(self))}</pre>'
            "</div>"
        )


def _written(said):
    """Return a text with a mark in place of each letter that a file or XML cannot hold."""
    return UNWRITABLE.sub("\ufffd", said)


def _safe(said):
    return html.escape(_written(said))


def _n(number):
    """Return a coordinate, to a tenth of a pixel."""
    return f"{round(float(number), 1):g}"


def _width(said, size):
    """Return about how wide a text is, rather too much: fonts differ, and so do letters."""
    return size * sum(map(_width_of_letter, said))


def _width_of_letter(letter):
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.05
    return 0.85 if letter in "MWmw@" else 0.64 if letter.isupper() else 0.54


def _label(x, y, said, anchor="middle"):
    side = "" if anchor == "middle" else f' text-anchor="{anchor}"'
    return f'<text x="{_n(x)}" y="{_n(y)}" font-size="{SMALL}"{side}>{_safe(said)}</text>'


def _mixed(colour):
    if colour == "currentColor":
        return colour
    return f"color-mix(in srgb, {colour} {SHARE:.0%}, currentColor)"


def _line(colour="currentColor", width=1.3, dashed=False):
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return f'fill="none" stroke="{_mixed(colour)}" stroke-width="{width:g}"{dashes}'
