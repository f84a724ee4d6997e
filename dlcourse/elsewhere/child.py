"""What runs in the other Python: call one function of one file. NumPy is all that it needs.

python child.py FILE FUNCTION ASKED.npz ANSWERED.npz
"""

import importlib.util
import json
import platform
import sys
import time
from pathlib import Path

import numpy as np


def main(file, function, asked, answered) -> None:
    """Read the arrays, call the function with them by name, write what it gives."""
    sys.path.insert(0, str(Path(file).parent))
    spec = importlib.util.spec_from_file_location("asked_elsewhere", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with np.load(asked, allow_pickle=False) as arrays:
        names = json.loads(str(arrays["arr_0"]))
        arrays = {name: arrays[f"arr_{i}"] for i, name in enumerate(names, 1)}
    start = time.perf_counter()
    given = getattr(module, function)(**arrays)
    given = given if isinstance(given, dict) else {"result": given}
    seconds, facts = round(time.perf_counter() - start, 3), {}
    for name in [name for name in given if name.endswith("_fact")]:
        facts[name[: -len("_fact")]] = str(given.pop(name))
    facts.update(python=platform.python_version(), numpy=np.__version__, seconds=seconds)
    arrays = {name: np.asarray(array) for name, array in given.items()}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(
                f"{function} gives Python objects as {name!r}: numbers or text are wanted"
            )
    np.savez(answered, json.dumps({"names": list(arrays), "facts": facts}), *arrays.values())


if __name__ == "__main__":
    main(*sys.argv[1:])
