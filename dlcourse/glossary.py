"""The terms and symbols that the lessons define: each once, and linked where it comes back.

Each lesson's folder may hold a `glossary.toml`. A term is defined where the lesson's text sets it
in bold; the build links its first use in each later lesson to the cell that does so. Lessons are
those of `catalogue.lessons()`.
"""

import html
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

FILE = "glossary.toml"
# Where a word is no use of a term, or cannot be a link.
NO_PROSE = r"""
    (?P<ticks>`+).+?(?P=ticks)                # code, a block of it too
  | \$\$.+?\$\$ | \$[^$]+\$
  | ^(?P<heading>\#.*?)$
  | ^\|[^\n]*\n(?=\|[-:|\ ]+$)                # the head of a table
  | ^\*\*Sources.*?(?=\n\n|\Z)                # titles of papers
  | \*\*(?P<bold>(?:(?!\n\n).)+?)\*\*
  | \*(?!\s)(?:(?!\n\n)[^*])+\*
  | \(a\)\ .*?(?=\n\n|\Z)                     # answers to choose from
  | \[[^\]]*\]\([^)]*\) | https?://\S+ | </?[a-z][^>]*>
"""
FLAGS = re.VERBOSE | re.MULTILINE | re.DOTALL
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$]+)\$", re.DOTALL)
WORDS = re.compile(r"\\(?:text|operatorname|begin|end)\s*\{[^}]*\}")  # in a formula
SYMBOL = re.compile(r"\\(?P<command>[a-zA-Z]+)|(?P<letter>[a-zA-Z])")
SHAPE = re.compile(r"\(\w+,(?: \w+,)*(?: \w+)?\)")  # of an array, such as (N, 64)


class Term(NamedTuple):
    """A term of the field, what it means and the lesson that defines it.

    `forms` are what a text may call it, its name first. The definition is in the text's cell number
    `index`, which the notebook knows as `cell`, below `heading`; they are None and "" where no cell
    sets the term in bold. What is `everyday` in the course is not linked.
    """

    forms: tuple
    means: str
    lesson: Any
    everyday: bool
    index: int | None
    heading: str
    cell: str

    @property
    def name(self) -> str:
        """What the course calls it."""
        return self.forms[0]

    @property
    def address(self) -> str:
        """Of its definition, for a link from a notebook."""
        # JupyterLab finds cells by their ids. Headings it finds only if they are plain ASCII.
        return f"{self.lesson.notebook.name}#cell-id={self.cell}"

    @property
    def place(self) -> str:
        """Where it is defined, in words."""
        return ", ".join(filter(None, (f"Lesson {self.lesson.number}", self.heading)))

    @property
    def title(self) -> str:
        """Its name and its other forms."""
        return self.name + (f" (also: {', '.join(self.forms[1:])})" if self.forms[1:] else "")

    def __str__(self):
        return f"{self.title}: {self.means}\n  {self.place}"

    __repr__ = __str__

    def _repr_html_(self):
        title, means, place = map(html.escape, (self.title, self.means, self.place))
        return f'<p><b>{title}</b>: {means} <a href="{self.address}">{place}</a></p>'


class Terms(tuple):
    """Terms, one below the other."""

    def __str__(self):
        return "\n".join(map(str, self))

    __repr__ = __str__

    def _repr_html_(self):
        return "\n".join(term._repr_html_() for term in self)


class Symbol(NamedTuple):
    """What a letter stands for in a lesson; `shape` is "" where it has none."""

    letter: str
    means: str
    shape: str
    lesson: Any


def terms(lesson) -> list[Term]:
    """Return the terms that a lesson defines, in the order of its file."""
    told, places = read(lesson), {}
    for index, heading, words in in_bold(lesson):
        places.setdefault(words, (index, heading))
    found, ids = [], {}
    for names, means in told["terms"].items():
        forms = tuple(re.split(r",\s*", names))
        there = [places[form] for form in map(_plain, forms) if form in places]
        index, heading = min(there, default=(None, ""))
        # The first term of a cell names it. A number would change with each cell before it.
        name = re.sub(r"[^a-z0-9]+", "-", forms[0].lower())
        cell = ids.setdefault(index, f"term-{name}") if there else ""
        everyday = forms[0] in told["everyday"]
        found.append(Term(forms, means, lesson, everyday, index, heading, cell))
    return found


def cell_ids(lesson) -> dict[int, str]:
    """Return the ids of the cells that define terms, {index of the cell: id}."""
    return {term.index: term.cell for term in terms(lesson) if term.cell}


def symbols(lesson) -> list[Symbol]:
    """Return the symbols that a lesson brings, or uses for something else than before."""
    return [
        Symbol(letter, told["means"], told.get("shape", ""), lesson)
        for letter, told in read(lesson)["symbols"].items()
    ]


def otherwise(lesson) -> dict[str, str]:
    """Return the words that are no terms in a lesson, {word: what it means there}."""
    return {_plain(word): why for word, why in read(lesson)["otherwise"].items()}


def read(lesson) -> dict:
    """Return what a lesson's `glossary.toml` holds: terms, everyday, otherwise, symbols."""
    path = lesson.folder / FILE
    told = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {"terms": {}, "everyday": [], "otherwise": {}, "symbols": {}} | told


def in_bold(lesson) -> Iterator[tuple]:
    """Yield (index of the cell, heading above, words) of all that the lesson sets in bold."""
    heading = ""
    for index, text in markdown(lesson).items():
        for found in re.finditer(NO_PROSE, text, FLAGS):
            if found["heading"]:
                heading = found["heading"].lstrip("# ")
            elif found["bold"]:
                yield index, heading, _plain(found["bold"])


def uses(lesson, known) -> Iterator[tuple]:
    """Yield (index of the cell, match, term) of each use of the terms in a lesson's text.

    Its first cell, which announces, and what only instructors read do not count.
    """
    forms = {_plain(form): term for term in known for form in term.forms}
    forms |= dict.fromkeys(otherwise(lesson))
    if not forms:
        return
    longest_first = sorted(map(re.escape, forms), key=len, reverse=True)
    words = "|".join(longest_first).replace(r"\ ", r"\s+")
    pattern = re.compile(rf"{NO_PROSE}|(?<![\w-])(?P<term>{words})(?![\w-])", FLAGS | re.IGNORECASE)
    for index, text in list(markdown(lesson).items())[1:]:
        for found in pattern.finditer(text):
            if found["term"] and (term := forms[_plain(found["term"])]):
                yield index, found, term


def linked(lesson, lessons) -> dict[int, str]:
    """Return the Markdown in which a lesson's text uses an earlier lesson's term first, with links.

    Args:
        lesson: One of `lessons`.
        lessons: Those of the course.

    Returns:
        {index of the cell: its text}.
    """
    known = [term for other in lessons if other.number <= lesson.number for term in terms(other)]
    done, firsts = {term.name for term in terms(lesson)}, {}
    for index, found, term in uses(lesson, known):
        if not term.everyday and term.name not in done:
            done.add(term.name)
            firsts.setdefault(index, []).append((found, term))
    texts = {}
    for index, links in firsts.items():
        text = links[0][0].string
        for found, term in reversed(links):
            link = f'[{found["term"]}]({term.address} "{term.means}")'
            text = text[: found.start()] + link + text[found.end() :]
        texts[index] = text
    return texts


def letters(text) -> set[str]:
    """Return the symbols of a Markdown text: letters of its formulas, capitals of its shapes.

    Example:
        >>> sorted(glossary.letters("$W_1 = \\\\alpha \\\\max(x)$ has the shape (N, 64)"))
        ['N', 'W', 'x', 'α']
    """
    found = set()
    for formula in FORMULA.finditer(text):
        for symbol in SYMBOL.finditer(WORDS.sub(" ", formula[1] or formula[2])):
            found.add(symbol["letter"] or _greek(symbol["command"]))
    for shape in SHAPE.findall(text):
        found |= set(re.findall(r"\b[A-Z]\b", shape))
    return found - {""}


def _greek(command):
    """Return the Greek letter that a command of LaTeX writes, or ""."""
    name = command.removeprefix("var").replace("ambda", "amda")
    size = "CAPITAL" if name[:1].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {size} LETTER {name}")
    except KeyError:
        return ""


def _plain(words):
    return " ".join(words.split()).lower()


def markdown(lesson) -> dict[int, str]:
    """Return the Markdown of a lesson's text that learners read, {index of the cell: text}."""
    return _markdown_of(lesson.text)


@lru_cache
def _markdown_of(text):
    found = {}
    for index, cell in enumerate(re.split(r"(?m)^# %%", text)[1:]):
        head, _, body = cell.partition("\n")
        if "[markdown]" in head and "instructor" not in head:
            found[index] = re.sub(r"(?m)^# ?", "", body).strip("\n")
    return found
