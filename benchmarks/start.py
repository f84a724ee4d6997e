"""How long a learner waits before anything is computed: the import, the data, a slider's picture.

Prints the median of several runs beside its budget, and fails if one is broken. Run nothing else
meanwhile.
"""

import statistics
import subprocess
import sys
import time

from dlcourse import data, notebooks

IMPORT_BUDGET_SECONDS = 0.06
LOAD_BUDGET_SECONDS = 0.5
ROUNDS = 9


def seconds_of(call):
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def python(code):
    return lambda: subprocess.run([sys.executable, "-c", code], check=True)


def measured():
    """Yield (what, seconds, budget in seconds)."""
    extra = [seconds_of(python("import dlcourse")) - seconds_of(python("")) for _ in range(ROUNDS)]
    yield "import dlcourse", statistics.median(extra), IMPORT_BUDGET_SECONDS
    data.load("fashion-mnist")  # the first time, its checksum is compared
    loads = [seconds_of(lambda: data.load("fashion-mnist")) for _ in range(ROUNDS)]
    yield 'data.load("fashion-mnist")', statistics.median(loads), LOAD_BUDGET_SECONDS
    for lesson in notebooks.lessons():
        slowest = lesson.measured.slowest_explorer_seconds
        yield (
            f"slowest slider of lesson {lesson.number}, when it was built",
            slowest,
            notebooks.EXPLORER_BUDGET_SECONDS,
        )


if __name__ == "__main__":
    broken = 0
    for what, seconds, budget in measured():
        broken += seconds > budget
        print(f"{what}: {1000 * seconds:.0f} ms of {1000 * budget:.0f} ms allowed")
    sys.exit(bool(broken))
