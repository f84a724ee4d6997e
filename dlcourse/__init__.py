"""dlcourse: the helper package of a deep-learning course. Importing it loads no framework."""

from dlcourse import memory as _memory
from dlcourse import runtime as _runtime

__version__ = "0.1.0"

_runtime.quiet_frameworks()
_memory.set_up_allocator()
_memory.drop_library_pages_after_imports()
_memory.say_when_ended()
