"""A diagram is well-formed, has a name and words, and is readable in light and in dark."""

import re
import xml.etree.ElementTree as ET

from dlcourse import plot, svg
from dlcourse.errors import RangeError

import pytest

HOSTILE = "</title><script>alert('1')</script>&\"\0\ud800"
THEMES = {"light": ((33, 33, 33), (255, 255, 255)), "dark": ((255, 255, 255), (17, 17, 17))}


def drawing(diagram):
    """Return a diagram's SVG as a tree; it must be well-formed."""
    return ET.fromstring(re.search(r"(?s)<svg.*</svg>", diagram._repr_html_())[0])


def texts(diagram):
    """Return all texts that are drawn, without title and description."""
    return [
        "".join(each.itertext()) for each in drawing(diagram).iter() if each.tag.endswith("}text")
    ]


def diagram(said="a", words=("It is a.", "b: 1")):
    return svg.Diagram(f"About {said}", words, svg.box([said, "b"]))


def test_a_diagram_has_a_name_and_a_description_that_its_root_points_at():
    root = drawing(diagram())
    found = {each.get("id"): each.text for each in root if each.get("id")}
    assert root.get("role") == "img"
    assert [found[name] for name in root.get("aria-labelledby").split()] == [
        "About a",
        "It is a.\nb: 1",
    ]


def test_a_diagram_says_the_same_in_words():
    assert repr(diagram()) == "Diagram: About a\nIt is a.\nb: 1"
    assert texts(diagram()) == ["About a", "a", "b"]


def test_the_same_content_gives_the_same_bytes_and_other_content_another_name():
    assert diagram()._repr_html_() == diagram()._repr_html_()
    names = [re.findall(r'id="([^"]+)"', diagram(said)._repr_html_()) for said in "ab"]
    assert len({*names[0], *names[1]}) == 4


def test_hostile_text_is_only_text():
    shown = diagram(HOSTILE, [HOSTILE])
    assert "<script" not in shown._repr_html_()
    assert texts(shown)[1] == HOSTILE.replace("\0", "\ufffd").replace("\ud800", "\ufffd")
    shown._repr_html_().encode()
    repr(shown).encode()


def test_on_a_narrow_page_a_diagram_gets_a_little_smaller_and_is_then_scrolled_by_key_too():
    shown = diagram()._repr_html_()
    least, width = (
        float(re.search(rf"{before}([\d.]+)", shown)[1]) for before in ("min-width: ", ' width="')
    )
    assert 0.75 * width < least < width and "max-width: 100%" in shown
    assert re.match('<div [^>]*tabindex="0"[^>]*overflow-x: auto', shown)


def test_every_piece_is_well_formed_and_escaped():
    block = svg.stack(
        svg.grid([[HOSTILE]], [[1]], caption=HOSTILE, rows=[HOSTILE], columns=[HOSTILE],
                 frames=[svg.Frame(0, 0, kind=kind) for kind in ("edge", "window", "differs")]),
        svg.beside(svg.arrow(label=HOSTILE), svg.bar(0.5), bottom=True),
        svg.arrow(down=True, dashed=True, label=HOSTILE),
    )  # fmt: skip
    small = svg.Block(1, 1, block.drawn)
    assert len(texts(svg.Diagram("", [""], small))) == 7


@pytest.mark.parametrize("width, height", [(701, 10), (10, 1700)])
def test_what_cannot_be_read_is_refused(width, height):
    with pytest.raises(RangeError, match="700 × 1600 is the most that can be read"):
        svg.Diagram("a", ["a"], svg.Block(width, height, ""))


def test_where_no_svg_is_let_through_the_words_come_in_its_place():
    shown = diagram()._repr_html_()
    rest = re.sub(r"(?s)<svg.*</svg>", "", shown)
    assert "<pre" in rest and "It is a." in rest
    assert "svg ~ pre {display: none}" in shown  # else they come beside it
    assert re.match("<div [^>]*font-size: 0px", shown)  # else its letters would be left over


def test_what_does_not_fit_in_a_row_goes_below():
    wide = svg.Block(300, 20, "")
    assert svg.flow(wide, wide, wide)[:2] == (610, 50)


def luminance(colour):
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in (each / 255 for each in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(one, other, share):
    return tuple(share * a + (1 - share) * b for a, b in zip(one, other))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("colour", [svg.BLUE, svg.VERMILION])
def test_lines_and_numbers_on_colour_are_readable_in_both_themes(theme, colour):
    letters, page = THEMES[theme]
    assert colour in plot.COLOURS
    rgb = tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))
    assert contrast(mixed(rgb, letters, svg.SHARE), page) >= 4.5
    assert contrast(letters, mixed(rgb, page, svg.STRONGEST)) >= 4.5


def test_no_colour_is_used_but_the_page_s_own_and_two():
    block = svg.grid([["1", "−1"]], [[1, -1]], frames=[svg.Frame(0, 0)])
    shown = svg.Diagram("a", ["a"], block)._repr_html_()
    assert set(re.findall("#[0-9A-F]{6}", shown)) == {svg.BLUE, svg.VERMILION}
    assert '"white"' not in shown and "background" not in shown
