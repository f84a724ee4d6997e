"""Each lesson keeps its promises, a new one too, and a broken promise is noticed."""

import ast
import html
import json
import math
import re
import shutil
import symtable
import sys

from dlcourse import (
    answers,
    catalogue,
    challenges,
    data,
    exercise,
    glossary,
    lessons,
    minutes,
    notebooks,
    outputs,
    written_tests,
)

import pytest
from small_course import rewrite

LESSONS = catalogue.lessons()


@pytest.fixture(params=LESSONS, ids=lambda lesson: lesson.number)
def lesson(request):
    return request.param


def cells_of(lesson):
    """Return the stored cells, with each source and text as one string."""
    cells = json.loads(lesson.notebook.read_text(encoding="utf-8"))["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in cells]


def outputs_of(lesson):
    """Return the contents of each stored output, {kind: text}."""
    for cell in cells_of(lesson):
        for output in cell.get("outputs", ()):
            kinds = output.get("data") or {
                key: value
                for key, value in output.items()
                if key in ("text", "traceback", "evalue")
            }
            yield {
                kind: outputs.read_from("".join(text))
                for kind, text in kinds.items()
                if isinstance(text, list | str)
            }


def test_a_lesson_is_built_from_its_text(lesson):
    assert notebooks.stale(lesson) is None


def test_a_lesson_opens_with_its_title_its_aims_and_its_cost(lesson):
    head = cells_of(lesson)[0]["source"].split("\n")
    assert head[0] == f"# {lesson.title}"
    assert lesson.measured.sentence(lesson.study_minutes) in head
    assert any("After this lesson you can" in line for line in head)


def test_a_lesson_keeps_its_budgets(lesson):
    assert notebooks.budget_faults(lesson, lesson.measured) == []


def test_a_lesson_says_what_its_pictures_show(lesson):
    for kinds in outputs_of(lesson):
        assert not any(kind.startswith("image/") for kind in kinds)  # no alternative text there
        if "<img" in kinds.get("text/html", ""):
            text = kinds.get("text/plain", "")
            assert text and not text.startswith("<") and not text.endswith("no description"), text


def diagrams_of(lesson):
    """Return (words, HTML) of each stored diagram."""
    for cell in cells_of(lesson):
        for output in cell.get("outputs", ()):
            kinds = {kind: "".join(text) for kind, text in output.get("data", {}).items()}
            if "<svg" in kinds.get("text/html", ""):
                yield kinds["text/plain"], kinds["text/html"]


def test_a_lesson_s_diagrams_say_the_same_in_words_and_have_names_of_their_own(lesson):
    drawn = list(diagrams_of(lesson))
    for words, content in drawn:
        title, found = words.split("\n")[:2]
        assert title.startswith("Diagram: ") and found
        assert html.escape("\n".join(words.split("\n")[1:])) in content
    named = [re.findall(r'<title id="([^"]+)"', content) for _, content in drawn]
    assert len({name for names in named for name in names}) == len(drawn)


def test_a_lesson_asks_before_it_shows_and_tells_the_teacher(lesson):
    tags = [tag for cell in cells_of(lesson) for tag in cell["metadata"].get("tags", ())]
    assert set(tags) <= set(notebooks.TAGS)
    assert tags.count("predict") >= 2
    assert tags.count("instructor") >= 1


def test_a_lesson_has_exercises_a_quiz_and_an_explorer(lesson):
    tags = [tag for cell in cells_of(lesson) for tag in cell["metadata"].get("tags", ())]
    checked = [
        name for cell in cells_of(lesson) for name in notebooks.exercise_names(cell["source"])
    ]
    declared = [
        name
        for name, value in vars(catalogue.module(lesson)).items()
        if isinstance(value, exercise.Exercise)
    ]
    assert sorted(checked) == sorted(declared) != []
    assert tags.count("exercise") == len(checked)
    assert "explorer" in tags and "quiz" in tags
    assert any(cell["source"] == "lesson.QUIZ" for cell in cells_of(lesson))


def test_a_lesson_hands_each_explorer_its_challenges(lesson):
    """Whether they are sound, `Explorer.faults` says where the lesson is run solved."""
    handed = []
    for cell in notebooks.from_text(lesson).cells:
        if "explorer" in cell.metadata.get("tags", ()):
            found = re.findall(r'challenges=lesson\.CHALLENGES\["(\w+)"\]', cell.source)
            assert found == cell.source.splitlines()[-1:]
            handed += found
    declared = catalogue.module(lesson).CHALLENGES
    assert sorted(handed) == sorted(declared) != []
    for asked in declared.values():
        assert len({each.ask for each in asked}) == len(asked) >= challenges.LEAST
        assert len({each.because for each in asked}) == len(asked)


def test_a_lesson_stores_nothing_of_what_a_learner_or_a_machine_is_like(lesson):
    for cell in cells_of(lesson):
        shows = re.search(r"(?m)^course\.(map|review|machine|guesses)\(", cell["source"])
        tagged = "learner-state" in cell["metadata"].get("tags", ())
        assert bool(shows) == tagged
        assert not tagged or cell["outputs"] == []


def test_a_lesson_brings_back_questions_of_the_lessons_it_builds_on(lesson):
    called = [f'course.review("{lesson.number}")' == cell["source"] for cell in cells_of(lesson)]
    assert any(called) == bool(lesson.needs)


def test_a_lesson_with_a_headline_was_measured_over_at_least_five_seeds(lesson):
    cells = cells_of(lesson)
    if places := notebooks.headline_cells(cells):
        facts = lessons.headline(lesson.slug)
        assert len(facts["scores"]) >= 5 and facts["cores"] >= 1
        (place,) = places
        told = [output.get("data", {}).get("text/plain", "") for output in cells[place]["outputs"]]
        score, low, high = map(
            float, outputs.HEADLINE.search("\n".join(map("".join, told))).groups()
        )
        assert low <= score <= high, "measure the band and build on the same machine"
        assert [f"{end:.3f}" for end in (min(facts["scores"]), max(facts["scores"]))] == [
            f"{low:.3f}",
            f"{high:.3f}",
        ]


def test_a_lesson_shows_no_folder_of_the_machine_that_built_it(lesson):
    texts = [cell["source"] for cell in cells_of(lesson)]
    for kinds in outputs_of(lesson):
        texts += kinds.values()
    homes = r"/root/|/home/|/Users/|/tmp/|\b[A-Z]:\\"
    ours = [re.escape(str(folder)) for folder in (catalogue.folder(), sys.prefix)]
    assert re.findall("|".join([homes, *ours]), "\n".join(texts)) == []


def test_a_lesson_names_the_data_that_it_loads(lesson):
    loaded = set(re.findall(r'\bload\("([\w-]+)"\)', lesson.source.read_text(encoding="utf-8")))
    assert loaded & set(data.names()) <= set(lesson.data) <= set(data.names())


def test_a_lesson_says_how_large_each_exercise_is(lesson):
    told = {}
    for place, cell in enumerate(cells_of(lesson)):
        if "exercise" in cell["metadata"].get("tags", ()):
            before = "\n".join(each["source"] for each in cells_of(lesson)[:place])
            found = re.findall(r"\*\*Exercise \(([a-z ]+), (\d+) min\)", before)
            assert before.count("**Exercise") == len(found)
            told |= dict.fromkeys(notebooks.exercise_names(cell["source"]), found[-1])
    assert told == {n: (size, str(minutes.SIZES[size])) for n, size in lesson.sizes.items()}


def test_exercises_grow_within_a_lesson(lesson):
    order = [*minutes.SIZES]
    names = notebooks.exercise_names(lesson.source.read_text(encoding="utf-8"))
    ranks = [order.index(lesson.sizes[name]) for name in names]
    half = len(ranks) // 2
    assert sum(ranks[:half]) <= sum(ranks[-half:]) and (ranks[0] < max(ranks) or len({*ranks}) == 1)


def test_each_lesson_has_a_test_to_write(lesson):
    asked = vars(catalogue.module(lesson)).values()
    assert any(isinstance(each, written_tests.WrittenTest) for each in asked)


def test_a_lesson_needs_only_earlier_lessons(lesson):
    earlier = {other.number for other in catalogue.lessons() if other.number < lesson.number}
    assert set(lesson.needs) <= earlier


def test_a_lesson_has_its_number_and_its_name_for_itself(lesson):
    others = [other for other in catalogue.lessons() if other != lesson]
    assert lesson.number not in {other.number for other in others}
    assert lesson.slug not in {other.slug for other in others}


def taken_as_they_are(cells):
    """Return the exercises whose answers a later cell takes other than by `carry_on_with`.

    `carry_on_with` gives a right answer, or the solution: `course_nbval`, which runs each lesson as
    shipped, has then run what follows with a solution.
    """
    open_ones, taken = set(), set()
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        source = re.sub(r"(?m)^\s*[%!].*$", "", cell["source"])
        open_ones -= set(re.findall(r"(?m)^(\w+) = lesson\.\1\.carry_on_with\(", source))
        source = re.sub(r"lesson\.(\w+)\.carry_on_with\(\s*\1,?\s*\)", "None", source)
        taken |= open_ones & global_names(symtable.symtable(source, "cell", "exec"))
        if "exercise" in cell["metadata"].get("tags", ()):
            open_ones |= set(notebooks.exercise_names(source))
    return taken


def global_names(scope):
    """Return the global names that a scope, or one inside it, reads."""
    names = {
        symbol.get_name()
        for symbol in scope.get_symbols()
        if symbol.is_referenced() and (symbol.is_global() or scope.get_type() == "module")
    }
    return names.union(*map(global_names, scope.get_children()))


@pytest.mark.slow
@pytest.mark.parametrize(
    "lesson",
    [lesson for lesson in LESSONS if taken_as_they_are(cells_of(lesson))],
    ids=lambda lesson: lesson.number,
)
def test_with_every_exercise_solved_the_quick_run_reaches_the_end(lesson):
    """As shipped, and what each exercise promises: `course_nbval`."""
    assert notebooks.run(lesson, quick=True, solved=True).error is None


@pytest.mark.parametrize(
    ("later", "taken"),
    [
        ("double = lesson.double.carry_on_with(double)\nprint(double(3))", set()),
        ("other = lesson.double.carry_on_with(double)\nprint(other(3))", set()),
        ("other = lesson.double.carry_on_with(double)\nprint(double(3))", {"double"}),
        ("print(double(3))", {"double"}),
        ("def four(n):\n    return double(double(n))", {"double"}),
        ("def four(double):\n    return double + double", set()),
        ("four = [double(n) for n in range(4)]", {"double"}),
        ("double = 3", set()),
    ],
)
def test_it_is_known_which_answers_a_lesson_takes_as_they_are(later, taken):
    solved = {
        "cell_type": "code",
        "source": "def double(n):\n    ...\n\nlesson.double.check(double)",
        "metadata": {"tags": ["exercise"]},
    }
    assert taken_as_they_are([solved, {**solved, "source": later, "metadata": {}}]) == taken


def tampered(text):
    """Yield (what was done, the text) for each number made half as large again, and each claim."""
    for number in outputs.NUMBER.finditer(text):
        if not number["unit"]:
            decimals = len(number[0].partition(".")[2])
            value = outputs._value(number[0])
            larger = abs(value) * 1.5 + 0.2 + 10.0**-decimals
            other = f"{math.copysign(larger, value):.{max(1, decimals)}f}"
            yield f"{number[0]} → {other}", text[: number.start()] + other + text[number.end() :]
    for word in re.finditer(r"\b(True|False|yes|no|[A-Za-z]{5,})\b", text):
        yield f"{word[0]} → {word[0]}x", text[: word.end()] + "x" + text[word.end() :]


def test_a_lesson_that_says_another_number_or_claim_is_caught(lesson):
    """Headlines, tables, claims: whatever a learner reads in an output is held to it."""
    passed = []
    for cell in cells_of(lesson):
        tags, tolerance = (cell["metadata"].get(key, 0) for key in ("tags", "tolerance"))
        judge = outputs.headline_faults if "headline" in (tags or ()) else outputs.text_faults
        for output in cell.get("outputs", ()):
            texts = {"stdout": output.get("text", ""), **output.get("data", {})}
            for kind in outputs.TOLERANT:
                text = outputs.read_from("".join(texts.get(kind, "")))
                for what, changed in tampered(text):
                    if judge(changed, text, tolerance) == []:
                        passed.append(f"{cell['id']}: {what}")
    assert passed == []


def test_a_lesson_hides_what_is_to_be_predicted_and_what_is_for_teachers(lesson):
    for cell in cells_of(lesson):
        tags, jupyter = (cell["metadata"].get(key, {}) for key in ("tags", "jupyter"))
        assert jupyter.get("outputs_hidden", False) == ("predict" in tags)
        if "predict" in tags:
            # The file holds text as a list of lines. Without this one JupyterLab shows the first.
            first = cell["outputs"][0]
            lines = {kind: "".join(text) for kind, text in first["data"].items()}
            assert first | {"data": lines} == outputs.CURTAIN
        assert jupyter.get("source_hidden", False) == ("instructor" in tags)


def test_a_lesson_shows_no_notes_of_the_house(lesson):
    code = [cell["source"] for cell in cells_of(lesson) if cell["cell_type"] == "code"]
    assert re.findall(r"# (?:fmt|quick|isort|noqa|type):?.*", "\n".join(code)) == []


DECIMAL = re.compile(r"(?<![\d.])\d+\.\d+(?![\d.])")


def numbers_given(lesson):
    """Return the numbers of a lesson's outputs, code and formulas, and each as per cent."""
    cells = cells_of(lesson)
    given = [text for kinds in outputs_of(lesson) for text in kinds.values()]
    given += [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    texts = [cell["source"] for cell in cells if cell["cell_type"] == "markdown"]
    given += re.findall(r"\$.*?\$", "\n".join(texts), re.DOTALL)
    given = re.sub(r"(?<=\d),(?=\d{3}\b)", "", "\n".join(given))  # 1,281,000
    values = {float(number) for number in DECIMAL.findall(given)}
    values |= {float(number) for number in re.findall(r"\b\d+e-\d+\b", given)}
    values |= {int(number) / 1e6 for number in re.findall(r"\b\d{7,8}\b", given)}  # "million"
    return values | {100 * value for value in values}  # "per cent"


def unproven(text, values):
    """Return the numbers with decimals of a text that are none of the values, rounded."""
    return [
        number
        for number in DECIMAL.findall(text)
        if not any(f"{value:.{len(number.partition('.')[2])}f}" == number for value in values)
    ]


def test_a_lesson_says_no_number_that_no_cell_gives(lesson):
    """A number with decimals in the text comes from an output, from code or from a formula."""
    # Not said as true: answers to choose from, up to the end of the paragraph, and code and links.
    elsewhere = r"(?s)\(a\) .*?(?=\n\n|$)|https?://\S+|`[^`]*`|\$.*?\$"
    values = numbers_given(lesson)
    found = {
        cell["id"]: unproven(re.sub(elsewhere, "", cell["source"]), values)
        for cell in cells_of(lesson)
        if cell["cell_type"] == "markdown"
    }
    assert {place: numbers for place, numbers in found.items() if numbers} == {}


def test_the_page_of_claims_says_no_number_that_no_cell_gives():
    page = (catalogue.folder() / "notebooks" / "claims.md").read_text(encoding="utf-8")
    for row in page.splitlines():
        values = set()
        for number in re.findall(r"\[(\d\d)\]\(", row):
            values |= numbers_given(catalogue.find([number])[0])
        assert unproven(row, values) == [], row


def test_a_lesson_names_no_article_that_nobody_can_see(lesson):
    texts = [cell["source"] for cell in cells_of(lesson) if cell["cell_type"] == "markdown"]
    assert re.findall(r"[Tt]he article", "\n".join(texts)) == []


def test_a_lesson_sets_each_of_its_terms_in_bold_once_and_no_term_of_another(lesson):
    bold = [words for _, _, words in glossary.in_bold(lesson)]
    times = {
        (term.lesson.number, term.name): sum(bold.count(form.lower()) for form in term.forms)
        for term in catalogue.glossary()
    }
    assert {
        (number, name): count
        for (number, name), count in times.items()
        if count != (number == lesson.number)
    } == {}


def test_a_lesson_uses_no_term_before_the_cell_that_defines_it(lesson):
    """What is no term in a lesson stands in its glossary, under `otherwise`, with a reason."""
    early = []
    for index, found, term in glossary.uses(lesson, catalogue.glossary()):
        defined = math.inf if term.index is None else term.index
        if (term.lesson.number, defined) > (lesson.number, index):
            early.append((index, found["term"]))
    assert early == []


def test_a_lesson_s_definitions_are_sentences_that_fit_into_a_link(lesson):
    for term in glossary.terms(lesson):
        # A quotation mark would end the link's title; a number with decimals needs a cell.
        assert re.fullmatch(r"[^\"$`\\<\]]{20,160}\.", term.means), term.means
        assert not DECIMAL.search(term.means)


def test_a_lesson_names_only_what_is_there_in_its_glossary(lesson):
    told = glossary.read(lesson)
    assert set(told) == {"terms", "everyday", "otherwise", "symbols"}
    assert {*told["everyday"]} <= {term.name for term in glossary.terms(lesson)}
    text = " ".join("\n".join(glossary.markdown(lesson).values()).split()).lower()
    assert [word for word in glossary.otherwise(lesson) if word not in text] == []


def symbols_of(lesson):
    """Return {letter: what it means} of the symbols that a lesson's formulas may use.

    Of the lessons that it builds on, the nearest counts, as long as all of them agree.
    """
    meanings = {}
    for earlier in catalogue.builds_on(lesson):
        for symbol in glossary.symbols(earlier):
            meanings.setdefault(symbol.letter, set()).add(symbol[1:3])
    known = {letter: said for letter, (said, *others) in meanings.items() if not others}
    return known | {symbol.letter: symbol[1:3] for symbol in glossary.symbols(lesson)}


def test_a_lesson_s_symbols_are_in_the_table_and_mean_one_thing_there(lesson):
    used = glossary.letters("\n".join(glossary.markdown(lesson).values()))
    assert used - symbols_of(lesson).keys() == set()
    assert {symbol.letter for symbol in glossary.symbols(lesson)} - used == set()


def test_a_bug_to_find_is_the_one_that_the_lesson_knows(lesson):
    """What the notebook gives is what the module calls given, so that its fault is not named."""
    exercises = {
        name: each
        for name, each in vars(catalogue.module(lesson)).items()
        if getattr(each, "given", None)
    }
    for cell in cells_of(lesson):
        for name in set(notebooks.exercise_names(cell["source"])) & exercises.keys():
            (blank,) = [
                statement
                for statement in ast.parse(cell["source"]).body
                if getattr(statement, "name", "") == name
            ]
            assert answers.code_in(ast.unparse(blank)) == answers.code_of(exercises[name].given)
            said = "".join(cell["outputs"][0]["data"]["text/plain"])
            assert said.startswith("Not tried yet. This is the function as it was given.")


def test_the_page_of_claims_and_the_lessons_point_at_each_other():
    page = (catalogue.folder() / "notebooks" / "claims.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\((\w+\.ipynb)\)", page))
    pointing = {
        lesson.notebook.name
        for lesson in LESSONS
        if any("(claims.md)" in cell["source"] for cell in cells_of(lesson))
    }
    assert named == pointing != set()


CHECKS = [check for name, check in globals().items() if name.startswith("test_a_lesson_")]


def test_every_notebook_has_a_text():
    stored = {path.stem for path in (catalogue.folder() / "notebooks").glob("*.ipynb")}
    assert stored <= {lesson.source.stem for lesson in LESSONS}


def test_the_whole_course_runs_within_its_budget():
    measured = [lesson.measured for lesson in LESSONS if lesson.measured]
    assert sum(each.seconds for each in measured) <= notebooks.COURSE_BUDGET_SECONDS


# Budgets are for a quiet machine, and this lesson is built while others are tested.
FOR_ANY_MACHINE = [check for check in CHECKS if "budgets" not in check.__name__]


@pytest.mark.parametrize("check", FOR_ANY_MACHINE, ids=lambda check: check.__name__)
def test_a_new_lesson_passes_every_check(begun, check):
    check(begun)


STORED = "notebooks/70_fraud_faults_anomalies.ipynb"
SOURCE = "notebooks/source/70_fraud_faults_anomalies.py"
FACTS_OF_70 = "dlcourse/lessons/fraud_faults_anomalies/__init__.py"
GLOSSARY_OF_70 = "dlcourse/lessons/fraud_faults_anomalies/glossary.toml"


@pytest.mark.parametrize(
    "check, file, old, new",
    [
        ("is_built_from_its_text", SOURCE, "y = x^2", "y = x^3"),
        ("opens_with_its_title", FACTS_OF_70, "Fraud, faults", "Fraud and faults"),
        ("opens_with_its_title", STORED, "After this lesson you can", "Then"),
        ("opens_with_its_title", STORED, "(measured by the build)", ""),
        ("keeps_its_budgets", STORED, '"peak_memory_mb": ', '"peak_memory_mb": 9'),
        ("keeps_its_budgets", STORED, '"seconds": ', '"seconds": 99'),
        ("says_what_its_pictures_show", STORED, "Figure: A parabola", "<Figure> A parabola"),
        ("says_what_its_pictures_show", STORED, "text/plain", "text/none"),
        ("asks_before_it_shows", STORED, '"predict"', '"predicted"'),
        ("asks_before_it_shows", STORED, '[\n     "predict"\n    ]', "[]"),
        ("asks_before_it_shows", STORED, '"instructor"', '"quiz"'),
        ("has_exercises", FACTS_OF_70, "def downhill(", "def uphill("),
        ("has_exercises", STORED, "lesson.slope_at.check(slope_at)", "slope_at(1)"),
        ("has_exercises", STORED, '"explorer"', '"predict"'),
        ("has_exercises", STORED, "lesson.QUIZ", "lesson.QUIZ.keys()"),
        ("hands_each_explorer", FACTS_OF_70, '"level": challenges', '"downhill": challenges'),
        ("hands_each_explorer", SOURCE, 'lesson.CHALLENGES["slope"]', "()"),
        ("brings_back", FACTS_OF_70, "NEEDS = ()", 'NEEDS = ("11",)'),
        ("shows_no_folder", STORED, "slope at 1: 2.00", "/home/ada/course 2.00"),
        ("shows_no_folder", STORED, "slope at 1: 2.00", "/tmp/x 2.00"),
        ("names_the_data", FACTS_OF_70, "DATA = ()", 'DATA = ("wines",)'),
        ("names_the_data", SOURCE, "step = 0.001", 'wine = load("wine")'),
        ("needs_only_earlier", FACTS_OF_70, "NEEDS = ()", 'NEEDS = ("71",)'),
        ("has_its_number", None, "", ""),
        ("says_no_number", STORED, "the slope is 2, as", "the slope is 2.01, as"),
        ("sets_each_of_its_terms", SOURCE, "**parabola**", "parabola"),
        ("sets_each_of_its_terms", SOURCE, "fit a parabola", "fit a **parabola**"),
        ("sets_each_of_its_terms", SOURCE, "fit a parabola", "fit **parabolas**"),
        ("uses_no_term_before", SOURCE, "draws a **parabola**", "draws a curve"),
        ("definitions_are_sentences", GLOSSARY_OF_70, "x².", "x²"),
        ("definitions_are_sentences", GLOSSARY_OF_70, "y = x²", "y = 0.5 x²"),
        ("definitions_are_sentences", GLOSSARY_OF_70, "of a square", "of a 'square`"),
        ("names_only_what_is_there", GLOSSARY_OF_70, "[symbols]", "[symbol]"),
        ("names_only_what_is_there", GLOSSARY_OF_70, "[terms]", "everyday = ['curve']\n[terms]"),
        ("names_only_what_is_there", GLOSSARY_OF_70, "[sym", "[otherwise]\ncat = 'a pet'\n[sym"),
        ("symbols_are_in_the_table", SOURCE, "$y = x^2$", "$y = a x^2$"),
        ("symbols_are_in_the_table", SOURCE, "$x = 1$", r"$\alpha = x = 1$"),
        ("symbols_are_in_the_table", GLOSSARY_OF_70, "y = {", "Y = {"),
    ],
)
def test_a_broken_promise_is_noticed(course, check, file, old, new):
    if file:
        rewrite(course / file, old, new)
    else:
        shutil.copy(course / SOURCE, course / "notebooks" / "source" / "70_twin.py")
    (lesson,) = (each for each in catalogue.lessons() if each.slug == "fraud_faults_anomalies")
    (check,) = (each for each in CHECKS if check in each.__name__)
    with pytest.raises(AssertionError):
        check(lesson)
