"""dlcourse: the helper package of a deep-learning course. Importing it loads no framework."""

from dlcourse import runtime as _runtime

__version__ = "0.1.0"

_runtime.quiet_frameworks()
_runtime.keep_freed_memory()
