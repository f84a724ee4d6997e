"""How large an exercise is, and how long a lesson takes to study: by a rule, nobody was timed.

The rule adds up what there is to do: words and lines of code to read, cells to run and look at,
predictions, questions, explorers with their challenges, and exercises by their size. It reads
texts and runs nothing.
"""

import ast
import re

SIZES = {"finish this line": 4, "write it": 8, "open": 15}  # minutes of an exercise
USUAL = {  # the size of an exercise that does not say one, by what declares it
    "exercise.function": "write it",
    "exercise.value": "finish this line",
    "exercise.measured": "open",
    "written_tests.of": "write it",
}
BUG = "finish this line"  # the usual size where the bug of a function is to be found
WORDS, LINES = 150, 15  # that are read in a minute: of text, of code
CELL, PREDICTION, QUESTION, EXPLORER, CHALLENGE = 0.25, 0.5, 1, 3, 1  # minutes


def sizes(module: ast.Module) -> dict[str, str]:
    """Return {exercise: its size} of a lesson's module, in the module's order.

    Args:
        module: Its text, as `ast.parse` reads it.

    Example:
        >>> text = "@exercise.measured(ask='…', size='write it')\\ndef model(): ..."
        >>> minutes.sizes(ast.parse(text))
        {'model': 'write it'}
    """
    found = {}
    for function in module.body:
        for call in getattr(function, "decorator_list", ()):
            if (
                isinstance(call, ast.Call)
                and (usual := USUAL.get(ast.unparse(call.func))) is not None
            ):
                said = {each.arg: each.value for each in call.keywords}
                size = BUG if "given" in said else usual
                found[function.name] = ast.literal_eval(said["size"]) if "size" in said else size
    return found


def study_minutes(text, module: ast.Module) -> int:
    """Return how many minutes a learner needs for a lesson, to the next five.

    Args:
        text: The lesson's text, in percent format; what only instructors read does not count.
        module: Its module, as `ast.parse` reads it.

    Example:
        >>> minutes.study_minutes("# %% [markdown]\\n" + "# word" * 1500, ast.parse(""))
        10
    """
    total = 0.0
    for cell in re.split(r"(?m)^# %%", text)[1:]:
        head, _, body = cell.partition("\n")
        if "instructor" in head:
            continue
        if "[markdown]" in head:
            total += len(re.findall(r"\w+", body)) / WORDS
            continue
        lines = [line.strip() for line in body.splitlines()]
        total += sum(bool(line) and not line.startswith("#") for line in lines) / LINES
        total += CELL + PREDICTION * ("predict" in head) + EXPLORER * ("explorer" in head)
    total += QUESTION * _declared(module, "QUIZ")
    total += CHALLENGE * _declared(module, "CHALLENGES")
    total += sum(SIZES.get(size, 0) for size in sizes(module).values())
    return max(5, 5 * round(total / 5))


def _declared(module, name):
    """Return how many questions, or challenges of all explorers, a lesson's module declares."""
    calls = [
        statement.value
        for statement in module.body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name
    ]
    given = [each.value for call in calls if isinstance(call, ast.Call) for each in call.keywords]
    return sum(len(each.keys) if isinstance(each, ast.Dict) else 1 for each in given)
