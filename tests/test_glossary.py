"""Each term is defined once, and its first use in a later lesson is a link that leads there."""

import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

from dlcourse import catalogue, course, glossary, notebooks, results, work
from dlcourse.errors import KindError, LessonError

import jupytext
import pytest

LESSONS = catalogue.lessons()
LINK = re.compile(r'\[([^\]]+)\]\((\w+\.ipynb)#cell-id=([\w-]+) "([^"]+)"\)')
EARLIER = """# %% [markdown]
# # Words

# %% [markdown]
# ## 1 · Nets
# A **net** is made of **knots**. **Net weight** is without it.

# %%
net = 1
"""
WORDS = """everyday = ["knot"]
[terms]
"net, nets, fishing net" = "A thing to fish with."
"knot, knots" = "What holds a net together."
"net weight" = "What is in it."
[symbols]
N = { means = "number of nets" }
"""


@pytest.fixture
def lesson(tmp_path):
    """Return a lesson with this number, text and glossary."""

    def made(number, text, words=""):
        folder = tmp_path / number
        folder.mkdir(exist_ok=True)
        (folder / "text.py").write_text(text, encoding="utf-8")
        (folder / glossary.FILE).write_text(words, encoding="utf-8")
        return SimpleNamespace(
            number=number,
            folder=folder,
            text=text,
            notebook=Path(f"{number}_words.ipynb"),
        )

    return made


@pytest.fixture
def linked(lesson):
    """Return the Markdown that a text becomes in a lesson after the one that defines `net`."""

    def made(markdown, words=""):
        body = "\n".join(f"# {line}" for line in markdown.split("\n"))
        later = lesson("20", f"# %% [markdown]\n# # The nets\n\n# %% [markdown]\n{body}\n", words)
        return glossary.linked(later, [lesson("10", EARLIER, WORDS), later]).get(1, markdown)

    return made


# Links --------------------------------------------------------------------------------------------

TO_NET = '(10_words.ipynb#cell-id=term-net "A thing to fish with.")'


@pytest.mark.parametrize(
    "before, after",
    [
        ("Two nets, one net.", f"Two [nets]{TO_NET}, one net."),
        ("Net weight", f"[Net weight]{TO_NET}".replace("A thing to fish with", "What is in it")),
        ("Nets tear.", f"[Nets]{TO_NET} tear."),
        ("A fishing\nnet tears. A net?", f"A [fishing\nnet]{TO_NET} tears. A net?"),
        ("## A net\nIt is a net.", f"## A net\nIt is a [net]{TO_NET}."),
        ("**A net.** Mend the net", f"**A net.** Mend the [net]{TO_NET}"),
        ("| net |\n|---|\n| net |", f"| net |\n|---|\n| [net]{TO_NET} |"),
        ("(a). The net holds.", f"(a). The [net]{TO_NET} holds."),
        ("The net's rim", f"The [net]{TO_NET}'s rim"),
        *(
            (same, same)
            for same in (
                "`net`",
                "```\nnet\n```",
                "$net$",
                "$$\nnet\n$$",
                "*net*",
                "[the net](net.md)",
                "https://net.org/net",
                "<b title='net'>x</b>",
                "Is it (a) a net, (b)\na fishing net?",
                "**Sources:** Ada (1843), *x*, the net",
                "a net-like network, a fish-net, internet",
                "a knot",  # an everyday word
            )
        ),
    ],
)
def test_the_first_use_in_running_text_becomes_a_link_and_nothing_else_does(linked, before, after):
    assert linked(before) == after


def test_the_cell_that_announces_and_what_teachers_read_have_no_links(lesson):
    text = "# %% [markdown]\n# # Nets\n# A net.\n\n# %% [markdown] tags=['instructor']\n# A net.\n"
    later = lesson("20", text)
    assert glossary.linked(later, [lesson("10", EARLIER, WORDS), later]) == {}


def test_a_term_is_linked_once_in_a_lesson(lesson):
    cell = "# %% [markdown]\n# A net.\n\n"
    later = lesson("20", "# %% [markdown]\n# # Nets\n\n" + 2 * cell)
    assert list(glossary.linked(later, [lesson("10", EARLIER, WORDS), later])) == [1]


def test_a_word_that_means_something_else_in_a_lesson_is_not_linked(linked):
    assert linked("A net.", "[otherwise]\nnet = 'after tax'\n") == "A net."


def test_only_what_comes_before_is_linked(lesson):
    earlier = lesson("10", "# %% [markdown]\n# # Sea\n\n# %% [markdown]\n# A net.\n")
    assert glossary.linked(earlier, [earlier, lesson("20", EARLIER, WORDS)]) == {}


def test_a_term_knows_its_cell_and_the_heading_above(lesson):
    net, knot, _ = glossary.terms(lesson("10", EARLIER, WORDS))
    assert (net.name, net.index, net.heading, net.cell) == ("net", 1, "1 · Nets", "term-net")
    assert (knot.address, knot.everyday) == ("10_words.ipynb#cell-id=term-net", True)


@pytest.mark.parametrize("lesson_", LESSONS, ids=lambda each: each.number)
def test_a_lesson_s_links_lead_to_the_cells_that_define(lesson_):
    """A learner's copy has the same file names and cells."""
    shipped = work.shipped(lesson_)["cells"]
    text = "\n\n".join(cell["source"] for cell in shipped if cell["cell_type"] == "markdown")
    targets = {lesson.notebook.name: lesson for lesson in LESSONS if lesson.number < lesson_.number}
    links = LINK.findall(text)
    assert bool(links) == bool(targets)
    for words, file, place, title in links:
        cells = {cell.id: cell.source for cell in notebooks.from_text(targets[file]).cells}
        term = course.glossary(words)
        assert (term.means, term.lesson) == (title, targets[file])
        source = " ".join(cells[place].split()).lower()
        assert any(f"**{form.lower()}**" in source for form in term.forms)


@pytest.mark.parametrize("lesson_", LESSONS, ids=lambda each: each.number)
def test_without_its_links_the_markdown_is_that_of_the_text(lesson_):
    text = jupytext.reads(lesson_.source.read_text(encoding="utf-8"), fmt="py:percent")
    for there, made in zip(text.cells, notebooks.from_text(lesson_).cells, strict=True):
        if there.cell_type == "markdown":
            said = re.sub(r"\*\*Exercise \([a-z ]+, \d+ min\)", "**Exercise", made.source)
            assert LINK.sub(r"\1", said) == there.source


def test_only_lessons_whose_links_change_have_another_edition(small, begun):
    before = notebooks.fingerprint(begun)
    words = small.folder / glossary.FILE
    words.write_text('[terms]\n"whale" = "A large animal of the sea."\n')
    assert notebooks.fingerprint(begun) == before
    source = small.source.read_text()
    small.source.write_text(source + "\n# %% [markdown]\n# A **height** is how far up.\n")
    words.write_text('[terms]\n"height" = "How far up something is."\n')
    assert notebooks.fingerprint(begun) != before
    assert "cell-id=term-height" in "".join(
        cell.source for cell in notebooks.from_text(begun).cells
    )


# The whole ----------------------------------------------------------------------------------------


def test_no_two_terms_share_a_form():
    forms = Counter(form.lower() for term in course.glossary() for form in term.forms)
    assert len(forms) > 100 and {form for form, count in forms.items() if count > 1} == set()


@pytest.mark.parametrize("asked", ["epoch", "Epochs", " EPOCHS "])
def test_a_term_is_found_by_each_of_its_forms(asked):
    term = course.glossary(asked)
    assert repr(term).split("\n") == [
        "epoch (also: epochs): One pass over all training examples.",
        "  Lesson 00, 1 · Ten lines",
    ]
    shown = term._repr_html_()
    assert f'<a href="{LESSONS[0].notebook.name}#cell-id=term-' in shown and "One pass" in shown


def test_what_html_would_read_as_its_own_is_escaped():
    term = course.glossary("epoch")._replace(means="x < y & z", heading="<b>")
    assert "x &lt; y &amp; z" in term._repr_html_() and "<b>epoch" in term._repr_html_()
    assert "&lt;b&gt;" in term._repr_html_()


def test_without_a_name_all_terms_come_by_the_alphabet():
    names = [term.name.lower() for term in course.glossary()]
    assert names == sorted(names) and len(names) > 100
    assert all(term.means in repr(course.glossary()) for term in course.glossary())
    assert course.glossary()._repr_html_().count("<a href=") == len(names)


def test_a_term_that_no_lesson_defines_is_answered_with_those_spelled_alike():
    with pytest.raises(LessonError, match=r"defines 'epok'\. Did you mean epoch\? `course\.glos"):
        course.glossary("epok")
    with pytest.raises(LessonError, match=r"defines 'zzzz'\. `course\.glossary\(\)` lists all"):
        course.glossary("zzzz")
    with pytest.raises(KindError, match="`term` is 3, but should be text"):
        course.glossary(3)


# Symbols ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, wanted",
    [
        (r"$z = x W_1 + b_{ij}$", "z x W b i j"),
        (r"$$L = -\log \frac{e^{s_r}}{2} \text{ for each}$$", "L e s r"),
        (r"$\varepsilon \to 0$, $\Sigma$, $\lambda \odot \sum$", "ε Σ λ"),
        ("pictures (N, H, W, C), rows `(T, 3)`, `(F, size)`", "N H W C T F"),
        ("no formula (Adam, 2014), `a = B`, (a, b), N", ""),
        ("a price of 5 € and x = 3", ""),
    ],
)
def test_the_symbols_of_a_text_are_the_letters_of_its_formulas_and_shapes(text, wanted):
    assert glossary.letters(text) == set(wanted.split())


def test_the_notation_has_a_row_for_each_meaning_of_a_letter():
    table = course.notation()
    assert isinstance(table, results.Table)
    told = [row for row in table.rows if row[0] == "σ"]
    assert told == [("σ", "the sigmoid", "", "31, 41")]
    assert len({row[:3] for row in table.rows}) == len(table.rows)
    assert len([row for row in table.rows if row[0] == "z"]) > 1


def test_the_page_lists_every_term_and_symbol():
    page = catalogue.folder() / "docs" / "glossary.md"
    text = page.read_text(encoding="utf-8")
    assert catalogue.filled("docs/glossary.md", text) == text
    assert all(term.means in text for term in course.glossary())
