"""Tests use no network, and leave what the person who runs them has done alone."""

from course_nbval import isolate
from hypothesis import HealthCheck, settings
from small_course import begun, course, executed, original, small  # noqa: F401  (fixtures)

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
