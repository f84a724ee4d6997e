"""Outputs are compared as the lessons promise: what may differ passes, and nothing else."""

import base64
import copy
import io
import time

from dlcourse import draw
from dlcourse.arrays import close
from dlcourse.errors import RangeError
from dlcourse.outputs import (
    contents,
    faults,
    headline_faults,
    image_distance,
    read_from,
    steady,
    text_faults,
    without_chance,
)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_output
from PIL import Image


@pytest.mark.parametrize(
    "reference, new, tolerance",
    [
        ("0.90", "0.92", 0.02),  # 0.92 - 0.90 is more than 0.02 in binary
        ("-0.01 end", "0.01 end", 0.02),
        ("100", "102", 0.02),
        ("1,000 pictures", "1,010 pictures", 0.02),
        ("1e-05", "2e-05", 0.02),
        ("[0.52 0.3 ]", "[0.51 0.31]", 0.02),
        ("scores  9.9 and", "scores 10.0 and", 0.02),
        ("from 0.897-0.906.", "from 0.899-0.905.", 0.02),
        ("90.2%", "91.0%", 0.02),
        ("−0.5", "-0.5", 0.02),
        ("0.4 s", "9.7 s", 0),
        ("took 12s", "took 500s", 0),
        ("100 ms", "1,999 ms", 0),
        ("2 minutes", "90 minutes", 0),
        ("3.1 seconds", "3.2 seconds", 0),
    ],
)
def test_numbers_within_their_bounds_agree(reference, new, tolerance):
    assert text_faults(reference, new, tolerance) == []


@pytest.mark.parametrize(
    "reference, new, tolerance",
    [
        ("0.90", "0.93", 0.02),
        ("100", "103", 0.02),
        ("0.5", "0.50", 0),  # alike, but written otherwise
        ("1 2", "1  2", 0.02),
        ("1", "1 2", 0.02),
        ("0.9", "nan", 0.02),
        ("ResNet18", "ResNet34", 10),
        ("numpy 2.4.6", "numpy 2.5.6", 10),
        ("float32", "float64", 10),
        ("3x3", "5x5", 10),
        ("0 errors", "3 errors", 0.02),
        ("0.9", "1.0", 0.02),
        ("3 seeds", "4 seeds", 0),
        ("48 hours ahead", "24 hours ahead", 0),
        ("12 s", "12 ms", 0),
        ("12 s", "some s", 0),
        ("5 minus 1", "6 minus 1", 0),
    ],
)
def test_numbers_beyond_their_bounds_differ(reference, new, tolerance):
    assert text_faults(reference, new, tolerance) != []


@given(st.floats(-30, 30), st.floats(-30, 30), st.floats(0.001, 0.5))
def test_numbers_are_compared_as_arrays_close_compares_them(reference, new, tolerance):
    reference, new = round(reference, 3), round(new, 3)
    agree = text_faults(f"score {reference:.3f}", f"score {new:.3f}", tolerance) == []
    assert agree == bool(close(new, reference, tolerance))


HEADLINE = """accuracy on 300 test digits: {}, typically 0.970 to 0.977 over 5 seeds
logistic regression: {}
2410 weights, trained in {} s"""


@pytest.mark.parametrize("score", ["0.970", "0.977", "0.966", "0.981"])
def test_a_headline_within_the_width_of_its_band_agrees_however_long_it_took(score):
    stored = HEADLINE.format("0.973", "0.973", "0.1")
    assert headline_faults(stored, HEADLINE.format(score, "0.973", "7.5")) == []


@pytest.mark.parametrize(
    "reference, new, tolerance",
    [
        (("0.973", "0.973"), ("0.982", "0.973"), 0),  # further away than the band is wide
        (("0.973", "0.973"), ("0.982", "0.973"), 0.5),  # whatever the rest of the cell may do
        (("0.990", "0.973"), ("0.990", "0.973"), 0),  # both alike, and both far outside
        (("0.973", "0.973"), ("0.973", "0.963"), 0.005),  # the baseline is no headline
        (("0.973", "0.973"), ("nan", "0.973"), 0.5),
    ],
)
def test_a_headline_out_of_its_band_or_another_baseline_differs(reference, new, tolerance):
    texts = [HEADLINE.format(*numbers, "0.1") for numbers in (reference, new)]
    assert headline_faults(*texts, tolerance) != []


def test_a_headline_one_band_away_agrees_although_floats_say_a_little_more():
    text = "accuracy: {}, typically 0.902 to 0.904 over 5 seeds"
    assert headline_faults(text.format("0.902"), text.format("0.905")) == []
    assert headline_faults(text.format("0.902"), text.format("0.906")) != []


def test_a_headline_above_one_is_held_to_the_width_of_its_band():
    """A distance of 17.4 in a band from 16.3 to 18.8 is no distance of 61."""
    text = "Fréchet distance: {}, typically 16.274 to 18.811 over 5 seeds"
    assert headline_faults(text.format("17.418"), text.format("19.418")) == []
    assert headline_faults(text.format("17.418"), text.format("61.000")) != []
    assert headline_faults(text.format("17.418"), text.format("21.400")) != []


def test_a_headline_s_band_is_compared_word_for_word():
    assert (
        headline_faults(HEADLINE.format(1, 1, 1), HEADLINE.format(1, 1, 1).replace("0.977", "1"))
        != []
    )


@given(st.text("0123456789.-+e, \nabs%", max_size=30), st.floats(0, 1))
def test_a_text_agrees_with_itself(text, tolerance):
    assert text_faults(text, text, tolerance) == []


@given(st.text("abc .,\n<>/", max_size=20), st.text("abc .,\n<>/", max_size=20))
def test_without_numbers_no_tolerance_helps(reference, new):
    assert (text_faults(reference, new, 1.0) == []) == (reference == new)


def encoded(pixels):
    file = io.BytesIO()
    pixels.save(file, "png")
    return base64.b64encode(file.getvalue()).decode()


def test_the_distance_of_pictures_is_none_for_the_same_and_one_for_another_size():
    white, black = (Image.new("RGB", (80, 60), colour) for colour in ("white", "black"))
    wide = Image.new("RGB", (90, 60), "white")
    assert image_distance(encoded(white), encoded(white)) == 0
    assert image_distance(encoded(white), encoded(black)) == 1
    assert image_distance(encoded(white), encoded(wide)) == 1


def test_what_cannot_be_seen_on_white_makes_no_distance():
    clear, white = Image.new("RGBA", (80, 60), (9, 9, 9, 0)), Image.new("RGBA", (80, 60), "white")
    assert image_distance(encoded(clear), encoded(white)) == 0


def printed(*texts):
    return [new_output("stream", name="stdout", text=text) for text in texts]


def test_how_a_long_print_is_cut_into_messages_does_not_count():
    assert contents(printed("a", "b\n")) == contents(printed("ab\n")) == {"stdout": ["ab\n"]}
    assert contents(printed("1 %\r", "2 %\r\n")) == {"stdout": ["2 %\n"]}


def striped(width, axis, size=640):
    rows = np.tile(np.array(np.arange(size) // width % 2 * 255, "uint8"), (size, 1))
    return Image.fromarray(rows.T.copy() if axis else rows)


@pytest.mark.parametrize("width", [1, 5])
def test_stripes_are_neither_grey_nor_stripes_the_other_way(width):
    grey = Image.new("L", (640, 640), 127)
    across, down = (encoded(striped(width, axis)) for axis in (0, 1))
    assert image_distance(across, across) == 0
    for other in (down, encoded(grey)):
        assert image_distance(across, other) > 0.09


def test_a_picture_more_is_a_fault_unless_pictures_are_left_out():
    picture = new_output("display_data", data={"image/png": encoded(Image.new("RGB", (9, 9)))})
    cell = new_code_cell("draw()", outputs=[picture])
    assert faults(cell, [picture]) == []
    assert faults(cell, [picture, picture]) == ["image/png: 1 in the reference, 2 now"]
    assert faults(cell, [], image_tolerance=None) == []


def test_a_damaged_picture_or_a_headline_in_words_is_a_fault_and_no_crash():
    good = new_output("display_data", data={"image/png": encoded(Image.new("RGB", (9, 9)))})
    bad = new_output("display_data", data={"image/png": "AAAA"})
    assert "distance 1.000" in faults(new_code_cell("draw()", outputs=[bad]), [good])[0]
    text = "accuracy: {}, typically 0.90 to 0.95 over 5 seeds"
    assert headline_faults(text.format("92%"), text.format("93%")) != []
    assert headline_faults(text.format("high"), text.format("high")) == []


def test_not_a_number_in_json_is_equal_to_itself():
    shown = [new_output("display_data", data={"application/json": {"a": float("nan")}})]
    again = [new_output("display_data", data={"application/json": {"a": float("nan")}})]
    assert faults(new_code_cell("show()", outputs=shown), again) == []


def test_json_and_other_kinds_must_be_the_same():
    def shown(number):
        return [new_output("display_data", data={"application/json": {"a": number}})]

    cell = new_code_cell("show()", outputs=shown(1), metadata={"tolerance": 5})
    assert faults(cell, shown(1)) == []
    assert faults(cell, shown(2)) == ["application/json: reference {'a': 1}, now {'a': 2}"]


def shown(grey, alt="A square."):
    file = io.BytesIO()
    Image.new("L", (80, 80), grey).save(file, "png")
    picture = base64.b64encode(file.getvalue()).decode()
    html = f'<img src="data:image/png;base64,{picture}" alt="{alt}">'
    return [new_output("display_data", {"text/html": html})]


@pytest.mark.parametrize(
    "now, fault",
    [
        (shown(100), None),
        (shown(101), None),  # nobody sees it
        (shown(200), "picture 0 differs"),
        (shown(100, "A circle."), "the words differ"),
        (shown(100) + shown(100), "image/png: 1 in the reference, 2 now"),
    ],
)
def test_a_picture_in_html_is_compared_as_a_picture(now, fault):
    cell = new_code_cell(outputs=shown(100))
    found = faults(cell, now)
    assert fault in " ".join(found) if fault else found == []


def drawn(total=0.64, formula="w · x", colour="#0072B2"):
    """Return an output with a diagram, as a notebook stores it."""
    steps, values = {"y": formula}, {"w": 1.5, "x": 0.5, "y": total}
    diagram = draw.computation_graph(steps, values)
    html = diagram._repr_html_().replace("#0072B2", colour)
    return [new_output("display_data", {"text/html": html, "text/plain": repr(diagram)})]


@pytest.mark.parametrize(
    "now, tolerance, fault",
    [
        (drawn(), 0, None),
        (drawn(0.65), 0.02, None),  # its name is another one, too
        (drawn(0.65), 0, "reference 0.64, now 0.65"),
        (drawn(0.67), 0.02, "reference 0.64, now 0.67"),
        (drawn(formula="w + x"), 0.02, "the words differ"),
        (drawn(colour="#D55E00"), 0.02, "the words differ"),
        ([], 0.02, "text/html: 1 in the reference, 0 now"),
    ],
)
def test_a_diagram_s_numbers_are_compared_and_its_words(now, tolerance, fault):
    cell = new_code_cell(outputs=drawn(), metadata={"tolerance": tolerance})
    found = faults(cell, now)
    assert fault in " ".join(found) if fault else found == []


def test_a_diagram_that_is_drawn_elsewhere_on_the_page_is_another_one():
    moved = copy.deepcopy(drawn())
    moved[0].data["text/html"] = moved[0].data["text/html"].replace('rx="6"', 'rx="7"', 1)
    assert "reference 6, now 7" in " ".join(faults(new_code_cell(outputs=drawn()), moved))


def test_what_is_read_from_a_diagram_are_its_words_and_no_coordinates():
    content = drawn()[0].data["text/html"]
    assert "0.64" in read_from(content) and "translate" not in read_from(content)
    assert read_from("a <b>1</b>") == "a <b>1</b>"


@pytest.mark.parametrize(
    "reference, new, tolerance",
    [
        ("[ 0.004 0.1\n  0.2 ]", "[-0.003 0.1 0.2 ]", 0.01),  # NumPy breaks the line elsewhere
        ("[ 0.004 0.1 0.2 ]", "[-0.003 0.1\n  0.2 ]", 0.01),
        ("0.00", "-0.00", 0.0),
        ("it takes 3 minutes 20 s", "it takes 2 minutes 10 s", 0.0),
        ("31 ms\n0.3 ms", "28 ms\n0.4 ms", 0.0),
        ("31 ms ± 2 ms", "28 ms ± 1 ms", 0.0),
        ("2 epochs in 2.0 s: training loss 0.9", "2 epochs in 3.0 s: training loss 0.9", 0.0),
        ("1 s, 10 epochs", "2 s, 10 epochs", 0.0),
        ("12.5 s.", "13.5 s.", 0.0),
        ("1.0 sec, then 0.5 s", "2.0 sec, then 0.7 s", 0.0),
    ],
)
def test_what_rounding_moves_agrees(reference, new, tolerance):
    assert text_faults(reference, new, tolerance) == []


@pytest.mark.parametrize(
    "reference, new, tolerance",
    [
        ("max 3 min 4", "max 9 min 4", 0.0),
        ("max 3 min: -4.5", "max 9 min: -4.5", 0.0),
        ("max 3 min .5", "max 9 min .5", 0.0),
        ("max 3 min nan", "max 9 min nan", 0.0),
        ("mean 0.9 s 0.05", "mean 0.1 s 0.05", 0.0),
        ("mean 0.9 s = 0.05", "mean 0.1 s = 0.05", 0.0),
        ("n 20 ms 0.5", "n 90 ms 0.5", 0.0),
        ("0.3 min(x)", "0.9 min(x)", 0.0),
        ("10 us dollars", "90 us dollars", 0.0),
        ("0x1f77b4", "0x1f77b5", 0.0),
        ("100%|###| 9/9 [00:01<00:00, 3.2it/s, loss=0.5]",
         "100%|###| 9/9 [00:02<00:00, 4.2it/s, loss=0.9]", 0.0),
        ("[[1 2]\n [3 4]]", "[[1 2] [3 4]]", 0.0),  # another shape
        ("accuracy: 0.91\nseconds: 12.5", "accuracy: 0.11\nseconds: 12.5", 0.0),
        ("first 0.91\nsecond 0.85", "first 0.11\nsecond 0.85", 0.0),
        ("first: 0.91 second: 0.85", "first: 0.11 second: 0.85", 0.0),
        ("0.9\ns 3", "0.1\ns 3", 0.0),
        ("2.1 s.d.", "9.9 s.d.", 0.0),
        ("440 s^-1", "220 s^-1", 0.0),
        ("5 ms⁻¹", "9 ms⁻¹", 0.0),
        ("0.31 min, 0.92 max", "7.31 min, 0.92 max", 0.0),
        ("0.3 min-max scaled", "0.9 min-max scaled", 0.0),
        ("0.95 max, 0.85 min", "0.95 max, 0.12 min", 0.0),
        ("mean 0.91 min (0.85)", "mean 0.11 min (0.85)", 0.0),
        ("mean 0.91 s (0.85)", "mean 0.11 s (0.85)", 0.0),
        ("mean 0.91 seconds [0.85]", "mean 0.11 seconds [0.85]", 0.0),
        ("epoch 3 min loss 0.2", "epoch 7 min loss 0.2", 0.0),
        ("first layer 0.12 second layer 0.34", "first layer 0.99 second layer 0.34", 0.0),
        ("(10,100)", "(10,200)", 0.02),
        ("[-10,100,100]", "[-10,100,200]", 0.02),
        ("translate(0,150.5)", "translate(0,150.9)", 0.001),
        ("0xdeadbeefdeadbeef", "0xdeadbeefdeadbeee", 0.0),
        ("a 1\nb 2", "a 1 b 2", 0.0),
        ("1 of 3\n\n 4", "1 of 3 4", 0.0),
        ("0.001", "-0.001", 0.0),
        ("[1, 2]", "[1, 2,]", 1.0),
        ("nan", "0.5", 1.0),
        ("inf", "0.5", 1.0),
        ("1 000", "1000", 0.0),
        ("conv2d 0.5", "conv3d 0.5", 1.0),
        ("0.5", "0.5 s", 1.0),
        ("0.5 s", "0.5 %", 1.0),
        ("{1, 2}", "{1, 3}", 0.0),
        ("1e-05", "1e-03", 1e-4),
        ("True", "False", 1.0),
    ],
)  # fmt: skip
def test_a_wrong_result_gets_past_no_rule(reference, new, tolerance):
    cell = new_code_cell(outputs=[new_output("stream", name="stdout", text=reference)])
    cell.metadata["tolerance"] = tolerance
    assert faults(cell, [new_output("stream", name="stdout", text=new)])
    assert not faults(cell, [new_output("stream", name="stdout", text=reference)])


def test_a_picture_between_other_quotes_hides_nothing_after_it():
    def said(number):
        html = shown(100)[0].data["text/html"].replace('"', "'") + f" accuracy {number}"
        return [new_output("display_data", {"text/html": html})]

    assert faults(new_code_cell(outputs=said(0.91)), said(0.11))
    assert not faults(new_code_cell(outputs=said(0.91)), said(0.91))


def test_pictures_of_16_bits_are_not_all_white():
    def encoded(grey):
        file = io.BytesIO()
        Image.new("I;16", (9, 9), grey).save(file, "png")
        return base64.b64encode(file.getvalue()).decode()

    assert image_distance(encoded(1000), encoded(1000)) == 0
    assert image_distance(encoded(1000), encoded(60_000)) == 1


@pytest.mark.parametrize("name", ["tolerance", "image_tolerance"])
@pytest.mark.parametrize("value", [None, "0.02", -1, float("nan")])
def test_a_tolerance_of_a_cell_is_a_number(name, value):
    cell = new_code_cell(outputs=shown(100), metadata={name: value})
    with pytest.raises(RangeError, match=f"`{name}` is"):
        faults(cell, shown(100))


@pytest.mark.parametrize(
    "reference, now",
    [
        ("name  train  test\nnet   0.90       ", "name  train  test\nnet          0.91"),
        (
            "took 1.0 s\nname  train  test\nnet   0.90",
            "took 2.0 s\nname  train  test\nnet          0.90",
        ),
        ("name  train  test\nnet   9.90       ", "name  train  test\nnet          10.1"),
    ],
)
def test_a_number_stays_in_its_column(reference, now):
    assert "another column" in text_faults(reference, now, 1)[0]


@pytest.mark.parametrize(
    "reference, now",
    [
        ("a  9.9   yes\nb  1.0   yes", "a  10.1   yes\nb   1.0   yes"),
        ("[1.2 3.4\n 5.6]", "[10.2  3.4  5.6]"),
        ("epochs  seconds\n     1   9.8 s", "epochs  seconds\n     1  12.1 s"),
    ],
)
def test_a_longer_number_moves_what_follows(reference, now):
    assert text_faults(reference, now, 100) == []


def test_a_line_that_is_begun_again_keeps_what_is_not_written_over():
    def printed(text):
        return [new_output("stream", name="stdout", text=text)]

    cell = new_code_cell(outputs=printed("accuracy 0.91\r!\nepoch 1\repoch 2\n"))
    assert faults(cell, printed("accuracy 0.19\r!\nepoch 2\n"))
    assert not faults(cell, printed("accuracy 0.91\r!\nepoch 2\n"))


def test_a_gain_of_time_is_no_loss_of_time():
    assert text_faults("gain 5 s", "gain -5 s") and not text_faults("gain 5 s", "gain 9 s")


def test_outputs_come_in_their_order():
    def printed(*order):
        kinds = {
            "print": new_output("stream", name="stdout", text="a\n"),
            "figure": shown(100)[0],
            "aside": new_output("stream", name="stderr", text="b\n"),
        }
        return [kinds[name] for name in order]

    cell = new_code_cell(outputs=printed("print", "figure"))
    assert "the outputs come in another order" in faults(cell, printed("figure", "print"))
    cell = new_code_cell(outputs=printed("aside", "print", "figure"))
    assert not faults(cell, printed("print", "aside", "figure"))


def test_a_sound_in_html_is_neither_searched_nor_changed():
    sound = "data:audio/wav;base64," + "A/dlcourse/" * 30_000
    html = f'<audio src="{sound}"></audio> /srv/somewhere/dlcourse/plot.py'
    assert steady(html) == f'<audio src="{sound}"></audio> dlcourse/plot.py'


@pytest.mark.parametrize(
    "piece", ["/a", "1", "a", "1,", " ", "\n", "\r", "[00:00<", "data:a;base64,", "<svg", "3 s, "]
)
def test_the_time_grows_as_the_output_does_and_not_as_its_square(piece):
    output, began = piece * 50_000, time.process_time()
    without_chance(output)
    faults(new_code_cell(outputs=printed(output)), printed(output + "1"))
    assert time.process_time() - began < 30  # a second; as its square it would be minutes


@pytest.mark.parametrize(
    "old, new",
    [
        ('<text fill="#999999">a</text>', '<text fill="#999900">a</text>'),
        ("5/5 [00:01<00:00, loss=0.5]", "5/5 [00:01<00:00, loss=0.9]"),
    ],
)
def test_a_colour_is_a_word_and_what_follows_no_rate_a_result(old, new):
    cell = new_code_cell(outputs=printed(old), metadata={"tolerance": 0.1})
    assert faults(cell, printed(new))


def test_a_line_that_moves_past_a_picture_is_a_fault():
    def shown(*lines):
        first, last = lines
        return [*printed(first), new_output("display_data", {"text/plain": "x"}), *printed(last)]

    cell = new_code_cell(outputs=shown("1\n2\n", "3\n"))
    assert faults(cell, shown("1\n", "2\n3\n")) == ["the outputs come in another order"]
