"""Tests use no network, and leave what the person who runs them has done alone."""

from course_nbval import isolate
from hypothesis import HealthCheck, settings
from small_course import begun, course, executed, original, small  # noqa: F401  (fixtures)

CALLS = "calls of bad input"  # a property of the tests that make them


def pytest_terminal_summary(terminalreporter):
    """Say how many calls of bad input there were."""
    passed = terminalreporter.getreports("passed")
    calls = sum(dict(report.user_properties).get(CALLS, 0) for report in passed)
    if calls:
        terminalreporter.write_line(f"{calls} {CALLS}, each with a result or an error in words")


isolate()
# The same examples in every run, and no clock: a test fails because of the code, not of luck or a
# busy machine. For other examples: pytest --hypothesis-profile=default --hypothesis-seed=1
settings.register_profile(
    "course",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("course")
