"""Is what a cell gives now what is stored? The build and the tests both ask `faults`.

Numbers. A cell whose header says `tolerance=0.02` may print numbers that differ by that much from
the reference, as `dlcourse.arrays.close` measures it. That counts for printed text, `text/plain`,
HTML, Markdown and LaTeX, not for a number inside a word (conv2d, 3x3, 1.26.4). Words must agree
exactly, and so must the number of numbers; spaces may move by as many characters as numbers got
longer or shorter. Without `tolerance` every number must be the same.

Headlines. In a cell tagged `headline`, the score before "typically 0.79 to 0.83" may
differ from the reference by the width of that band, and must not lie further outside it than that.
The cell's other numbers, the band among them, keep to the cell's `tolerance`.

Durations. A number directly followed by a unit of time (`0.8 s`, `12 ms`, `4 seconds`) depends on
the machine and on what else it does. It must be there, in that unit; its size is for budgets and
benchmarks, on a quiet machine. `min` and `second` are no units: the one is mostly the minimum, the
other mostly what follows the first.

Pictures. PNG and JPEG are compared by what is seen, see `image_distance`: up to the header's
`image_tolerance`, else IMAGE_TOLERANCE; with `image_tolerance=1` they may be any of that size.

Diagrams. An SVG in HTML is compared as HTML is: each word exactly, each number, written or a
coordinate, within the tolerance. Only its name, which comes from what it holds, may be another one.

Widgets. Of an output with a live widget, the text and the pictures are compared.

The learner's own state. What a cell tagged `learner-state` shows (the course map, the questions
that come back) depends on what this learner has done: it is neither stored nor compared.
"""

import base64
import io
import json
import re
from collections import defaultdict
from typing import Any

from dlcourse.arrays import close, expect_number

import numpy as np

IMAGE_TOLERANCE = 0.02
# Of a hidden output JupyterLab shows the first line, which may be the answer: this one is empty.
CURTAIN = {"output_type": "display_data", "data": {"text/plain": ""}, "metadata": {}}
# What differs between two machines or runs, and what is stored in its place. Each pattern begins
# only where the thing itself can: at every place of a long line it would take the line's square.
STEADY = {
    r"(?<!\S)\S*ipykernel_\d+[/\\]\d+\.py": "cell.py",
    r"(?:(?<![\w:/.~])|(?<=\dm))(?:~|[A-Za-z]:)?(?:[/\\][\w.@+-]+)+": lambda path: re.sub(
        r"\A.*[/\\](?=(?:dlcourse|site-packages|python3\.\d+)[/\\])", "", path[0]
    ),
    r" at 0x[0-9a-fA-F]{6,}": " at 0x…",
}
CHANCE = STEADY | {  # what differs from run to run, and what replaces it
    r"(?<!\d)\d+(\.\d+)?(it/s|s/it)": "RATE",  # progress bars
    # What a bar says after its rate is a result.
    r"\[(?:\d+:)?\d\d:\d\d<[\d:?]*, *(?:[^,[\]\s]*(?:it/s|s/it)|RATE)?": "[ELAPSED",
}
TOLERANT = ("stdout", "text/plain", "text/html", "text/markdown", "text/latex")
PICTURES = ("image/png", "image/jpeg")
WIDGET = "application/vnd.jupyter.widget-view+json"
DATA = re.compile(r"(data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+)")  # a file in HTML
INLINE = re.compile(r"data:(image/(?:png|jpeg));base64,([A-Za-z0-9+/=]+)")  # a picture in HTML
DIAGRAM_NAME = re.compile(r"\bdrawn-[0-9a-f]{12}\b")  # see `dlcourse.svg`
TIME_UNITS = r"(?:ns|µs|μs|ms|s|sec|seconds|minutes?)"  # no hour is measured; "us" is a word
# A word may be the name of the value after it: "mean 3 s = 0.5"; "seconds" is a name also where a
# comma or a new line comes between.
NAMED = rf"[-+−]?(?:\.?\d[\d.,]*+(?! ?{TIME_UNITS}\b)|nan\b|inf\b)"
DURATION = (
    rf"(?!seconds\b[\s,:=]*{NAMED}){TIME_UNITS}\b(?![ \t]*[:=(\[]?[ \t]*{NAMED})"
    r"(?![-^⁻(\[]|\.\w)"  # not a rate, "5 ms^-1", no call "min(x)", no "s.d."
)
NUMBER = re.compile(
    r"(?<![\w.#])"  # a colour is a word; (10,100) are two numbers, 10,100 is one
    r"(?:(?<![(\[{,])[-+−]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[-+−]?(?:\d+\.?\d*|\.\d+))"
    r"(?:[eE][-+]?\d+)?"
    rf"(?:(?=[ \u00a0\u202f]?(?P<unit>{DURATION}))|(?!\w|\.\d))"
)
HEADLINE = re.compile(r"(?<=: )(?P<score>\S+)(?=, typically (?P<low>\S+) to (?P<high>\S+) over )")


def has_tag(cell, tag) -> bool:
    """Return whether a cell, stored or in a notebook, has this tag."""
    return tag in cell["metadata"].get("tags", ())


def without_chance(text) -> str:
    """Return a text without what differs from run to run: addresses, folders, progress bars."""
    return _replaced(text, CHANCE)


def _replaced(text, patterns):
    """Return a text with what the patterns find replaced, but for files that it holds."""
    parts = DATA.split(text)
    for pattern, replacement in patterns.items():
        parts[::2] = [re.sub(pattern, replacement, part) for part in parts[::2]]
    return "".join(parts)


def faults(cell, outputs, sanitize=without_chance, image_tolerance=IMAGE_TOLERANCE) -> list[str]:
    """Return a sentence for each way in which a cell's outputs are not those that it stores.

    Args:
        cell: A code cell as nbformat reads it, with the outputs that are stored.
        outputs: What it gives now.
        sanitize: Function text → text that takes out what differs from run to run.
        image_tolerance: How different a picture may look (0..1), unless the cell says; None leaves
            pictures out.
    """
    if has_tag(cell, "learner-state"):
        return []
    stored = without_curtain(cell.get("outputs", []))
    there, here = contents(stored, outputs), contents(outputs, stored)
    kinds = (there.keys() | here.keys()) - (set(PICTURES) if image_tolerance is None else set())
    found = [
        f"{kind}: {len(there[kind])} in the reference, {len(here[kind])} now"
        for kind in sorted(kinds)
        if len(there[kind]) != len(here[kind])
    ]
    moved = image_tolerance is not None and _order(stored, outputs) != _order(outputs, stored)
    if moved and not found:
        found = ["the outputs come in another order"]
    tolerance = cell.metadata.get("tolerance", 0)
    expect_number(tolerance, "tolerance", low=0)
    faults_of = headline_faults if has_tag(cell, "headline") else text_faults
    for kind in sorted(kinds - set(PICTURES)):
        for old, now in zip(there[kind], here[kind]):
            old, now = (sanitize(text) if isinstance(text, str) else text for text in (old, now))
            if kind in TOLERANT:
                found += [f"{kind}, {fault}" for fault in faults_of(old, now, tolerance)]
            elif json.dumps(old) != json.dumps(now):  # not a number is equal to itself there
                found.append(f"{kind}: reference {old!r}, now {now!r}")
    if image_tolerance is not None:
        allowed = cell.metadata.get("image_tolerance", image_tolerance)
        expect_number(allowed, "image_tolerance", low=0)
        found += _picture_faults(there, here, allowed)
    return found


def _order(outputs, others):
    """Return the kinds of what is shown, output by output; how a long print is cut is chance.

    What is said to stderr has a channel of its own, and comes when it comes.
    """
    shown = []
    for index, output in enumerate(outputs):
        kinds = tuple(sorted(contents([output], others[index : index + 1])))
        if kinds == ("stdout",):
            lines = output["text"].count("\n")
            before = shown.pop()[1] if shown and shown[-1][0] == kinds else 0
            shown.append((kinds, before + lines))
        elif kinds != ("stderr",):
            shown.append((kinds, 0))
    return shown


def contents(outputs, others=()) -> dict:
    """Return what outputs hold, {kind: [one for each output]}, as far as it is compared.

    Streams count as kinds, "stdout" and "stderr": how a long print is cut into messages is chance.
    Of an output that is a live widget here or in `others`, text and pictures count.
    """
    held, printed = defaultdict(list), defaultdict(str)
    for index, output in enumerate(outputs):
        pair = (output, *others[index : index + 1])
        live = any(WIDGET in each.get("data", {}) for each in pair)
        if output.output_type == "stream":
            printed[output.name] += output.text
        elif output.output_type == "error":
            held["ename"].append(output.ename)
            held["evalue"].append(output.evalue)
        else:
            for kind, content in output.data.items():
                if kind == "text/html":  # pictures in it count as pictures
                    for picture_kind, picture in INLINE.findall(content):
                        held[picture_kind].append(picture)
                    content = DIAGRAM_NAME.sub("drawn", INLINE.sub(r"data:\1", content))
                if kind != WIDGET and (not live or kind in ("text/plain", *PICTURES)):
                    held[kind].append(content)
    for name, text in printed.items():
        held[name].append(re.sub(r"(?m)^.*\r.*$", _written_over, text))
    return held


def _written_over(line):
    """Return what is seen of a line that was begun again: the new text over the old one."""
    seen = ""
    for text in line[0].split("\r"):
        seen = text + seen[len(text) :]
    return seen.rstrip()


def read_from(content) -> str:
    """Return what a person reads in HTML: no pictures, and of a diagram its words and numbers."""
    texts = re.sub(r"(?s)<svg.*?</svg>", lambda drawn: re.sub("<[^>]*>", "\n", drawn[0]), content)
    return INLINE.sub("", texts)


def _picture_faults(there, here, allowed):
    found = []
    for kind in PICTURES:
        for index, (old, now) in enumerate(zip(there[kind], here[kind])):
            distance = 0.0 if old.strip() == now.strip() else _distance(old, now)
            if distance > allowed:
                found.append(
                    f"picture {index} differs: distance {distance:.3f}, allowed {allowed:g}"
                )
    return found


def _distance(old, now):
    try:
        return image_distance(old, now)
    except (OSError, ValueError):  # one of them is damaged
        return 1.0


def text_faults(reference, new, tolerance=0.0) -> list[str]:
    """Return a sentence for each way in which `new` is not what `reference` says; see above.

    Args:
        reference: The text that is stored.
        new: The text that the cell gives now.
        tolerance: By how much numbers may differ; with 0 they must be written the same.
    """
    if reference == new:
        return []
    pairs = list(zip(NUMBER.finditer(reference), NUMBER.finditer(new)))
    counts = [len(NUMBER.findall(text)) for text in (reference, new)]
    if counts[0] != counts[1]:
        return [f"{counts[0]} numbers in the reference, {counts[1]} now"]
    if _words(reference) != _words(new):
        return ["the words differ"]
    if _moved(reference, new, pairs):
        return ["the words agree, but spaces differ, so that something may stand in another column"]
    faults = [_number_fault(old, now, tolerance) for old, now in pairs if old[0] != now[0]]
    return [fault for fault in faults if fault]


def headline_faults(reference, new, tolerance=0.0) -> list[str]:
    """Return what `text_faults` does, but hold the headline's score to its seed band; see above."""
    old, now = HEADLINE.search(reference), HEADLINE.search(new)
    if not old or not now:
        return text_faults(reference, new, tolerance)
    try:
        numbers = [_value(text) for text in (old[0], now[0], old["low"], old["high"])]
    except ValueError:  # a word, or a number with a unit
        return text_faults(reference, new, tolerance)
    score, other, low, high = numbers
    step = 10.0 ** -len(old["high"].partition(".")[2])
    width = high - low + 1.01 * step  # both ends are rounded; a hundredth for float numbers
    found = []
    for name, value in (("reference", score), ("now", other)):
        if not low - width <= value <= high + width:
            found.append(f"{name}: the score {value:g} lies outside its band {low:g} to {high:g}")
    if not abs(other - score) <= width:
        found.append(f"the score: reference {old[0]}, now {now[0]}, allowed {width:.3g} (its band)")
    return found or text_faults(reference, HEADLINE.sub(old[0], new, count=1), tolerance)


def _value(number):
    """Return a number that was written for people: 1,700 or −3."""
    return float(number.replace(",", "").replace("−", "-"))


def _moved(reference, new, pairs):
    """Return whether spaces differ by more than numbers that got longer or shorter can explain."""
    longer = sum(abs(len(old[0]) - len(now[0])) for old, now in pairs)
    if not longer:
        return NUMBER.sub("\0", reference) != NUMBER.sub("\0", new)
    gaps = [
        re.findall(r"(?<=\S)[ \t]*\0[ \t]*", NUMBER.sub("\0", text)) for text in (reference, new)
    ]
    return len(gaps[0]) == len(gaps[1]) and any(
        abs(len(one) - len(other)) > longer
        for pair in zip(*gaps)
        for one, other in zip(*(gap.split("\0") for gap in pair))
    )


def _words(text):
    """Return the text with its numbers blotted out and the spaces that line them up removed.

    A line that NumPy breaks within an array counts as a space: where it breaks depends on how long
    the numbers are.
    """
    blotted = re.sub(r"(?<![\]\n])\n +(?=\0)", " ", NUMBER.sub("\0", text))
    return re.sub("[ \t]+", " ", re.sub("[ \t]*\0[ \t]*", "\0", blotted))


def _number_fault(old, now, tolerance):
    """Return how a number breaks its bounds, or None."""
    reference, new = (_value(match[0]) for match in (old, now))
    if old["unit"] and (reference < 0) == (new < 0):  # the units are words, which agree
        return None
    if reference == new == 0:  # -0.00: the sign of what was rounded away
        return None
    if tolerance and close(new, reference, tolerance):
        return None
    difference, allowed = abs(new - reference), tolerance * max(1, abs(reference))
    line = old.string.count("\n", 0, old.start()) + 1
    column = old.start() - old.string.rfind("\n", 0, old.start())
    return (
        f"line {line}, column {column}: reference {old[0]}, now {now[0]}, "
        f"difference {difference:.3g}, allowed {allowed:.3g} (tolerance {tolerance:g})"
    )


def image_distance(reference, new, blocks=64) -> float:
    """Return how much two pictures look different, 0..1.

    Both are put on white and cut into `blocks` × `blocks`. Of each block count its mean, and half
    of how much its pixels differ from their neighbours down and across: stripes are neither grey
    nor stripes the other way. The largest difference counts, as a mean of the three colours. A line
    0.1 points wider gives 0.02, a letter of a title 0.15, another seed's curve 0.3 and more; 1 if
    the sizes differ by more than 4 pixels.

    Args:
        reference, new: PNG or JPEG in base64.
    """
    from PIL import Image

    pictures = [Image.open(io.BytesIO(base64.b64decode(x))) for x in (reference, new)]
    if any(picture.mode.startswith(("I", "F")) for picture in pictures):
        return float(reference.strip() != new.strip())  # as white, all of them would look the same
    pictures = [picture.convert("RGBA") for picture in pictures]
    if any(abs(a - b) > 4 for a, b in zip(*(picture.size for picture in pictures))):
        return 1.0
    means = []
    for picture in pictures:
        page = Image.new("RGBA", picture.size, "white")
        page.alpha_composite(picture)
        pixels = np.asarray(page.convert("RGB"), dtype="int16")
        steps = (np.diff(pixels, axis=i, prepend=pixels.take([0], i)) for i in (0, 1))
        maps = [Image.fromarray(m.astype("uint8")) for m in (pixels, *(abs(s) // 2 for s in steps))]
        small = [each.resize((blocks, blocks), Image.Resampling.BOX) for each in maps]
        means.append(np.array(small, dtype=float) / 255)
    return float(np.abs(means[0] - means[1]).mean(axis=3).max())


def without_curtain(outputs) -> list:
    """Return stored outputs without the empty one that `draw_curtains` put before them."""
    return outputs[1:] if outputs[:1] == [CURTAIN] else outputs


def draw_curtains(notebook) -> None:
    """Put an empty output before what a cell tagged `predict` gave; see `CURTAIN`."""
    from nbformat import from_dict

    for cell in notebook.cells:
        if has_tag(cell, "predict") and cell.outputs[:1] != [CURTAIN]:
            cell.outputs.insert(0, from_dict(CURTAIN))


def steady(value) -> Any:
    """Return a cell's outputs without widget ids, addresses and this machine's folders."""
    if isinstance(value, list):
        return [steady(item) for item in value]
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if not key.endswith("widget-view+json")}
        return type(value)(
            {key: v if key.startswith("image/") else steady(v) for key, v in kept.items()}
        )
    return _replaced(value, STEADY) if isinstance(value, str) else value
