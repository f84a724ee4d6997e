"""Tests use no network, and leave what the person who runs them has done alone."""

from course_nbval import isolate

isolate()
