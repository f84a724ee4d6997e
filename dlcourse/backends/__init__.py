"""One module per framework, all offering the same functions. See `of(model)`."""

import importlib
import sys

from dlcourse.errors import KindError


def of(model):
    """Return the backend module that can work with `model`, importing no other framework.

    Raises:
        KindError: `model` belongs to no framework that the course knows.
    """
    torch, keras = sys.modules.get("torch"), sys.modules.get("keras")
    if keras and isinstance(model, keras.Model):
        return importlib.import_module("dlcourse.backends.keras")
    if torch and isinstance(model, torch.nn.Module):
        return importlib.import_module("dlcourse.backends.pytorch")
    raise KindError(f"The model is a {type(model).__name__}, but a torch.nn.Module or a keras.Model is wanted.")
