"""Which four axes are a picture's, (N, C, H, W) in PyTorch: judged by what runs, not guessed.

Four axes are a picture's unless a layer that works along the last axis says otherwise.
"""

import torch
from torch import nn

OF_PICTURES = (
    *(nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.InstanceNorm2d, nn.GroupNorm),
    *(nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.Upsample),
    *(nn.PixelShuffle, nn.Dropout2d),
)
ON_THE_LAST_AXIS = (nn.Linear, nn.LayerNorm, nn.Embedding, nn.RNNBase, nn.MultiheadAttention)


class _Told(Exception):
    """What was to be known is known: the rest of the model need not run."""


def are_taken(model, batch, turned) -> bool:
    """Return whether the model takes a batch of four axes as pictures.

    It does not if the layer that gets the batch itself fits its last axis, or looks up tokens; nor
    if one that fits it is the first with weights, and the model can run on the batch as it came.

    Args:
        model: A torch.nn.Module in evaluation mode.
        batch: Tensor (N, …) of four axes, as it came.
        turned: The same as (N, C, H, W).
    """
    fitting = [module for module in model.modules() if _fits(module, batch.shape)]
    if not fitting:
        return True
    pictures = [module for module in model.modules() if isinstance(module, OF_PICTURES)]
    ran = []

    def look(module, inputs):
        if module in fitting and inputs and inputs[0] is turned:
            raise _Told
        ran.append(module in fitting and getattr(inputs[0] if inputs else None, "ndim", 0) > 2)

    hooks = [module.register_forward_pre_hook(look) for module in (*fitting, *pictures)]
    try:
        works = _runs(model, turned)
        # What is done to the batch before hides it: a product, two axes made into one.
        return (works and ran[:1] != [True]) or not _runs(model, batch)
    except _Told:
        return False
    finally:
        for hook in hooks:
            hook.remove()


def _runs(model, batch):
    try:
        model(batch)
    except _Told:
        raise
    except Exception:  # whatever the model cannot take, it says when it is asked for its outputs
        return False
    return True


def _fits(module, shape):
    if isinstance(module, nn.Linear):
        return module.in_features == shape[-1]
    if isinstance(module, nn.LayerNorm):
        return tuple(module.normalized_shape) == tuple(shape[-len(module.normalized_shape) :])
    return isinstance(module, nn.Embedding)


def are_given(model, tensor, layer=None) -> bool:
    """Return whether four axes that come out of a layer, or of the model, are a picture's.

    The last layer that ran before they came tells: one of pictures, or one that works along the
    last axis of three (of a text, unless the model makes a picture of it) or of four.

    Args:
        model: A torch.nn.Module in evaluation mode.
        tensor: A batch that it takes, with its axes as it takes them.
        layer: One of its modules; None means the model itself.
    """
    if not any(isinstance(module, ON_THE_LAST_AXIS) for module in model.modules()):
        return True
    last, answers = [None], []

    def tell(module, _, output):
        output = output[0] if isinstance(output, tuple) else output
        if _is_of_pictures(module):
            last[0] = None
        elif output.ndim == 4 or (output.ndim == 3 and layer is not None):
            last[0] = output

    def ask(module, _, output):
        answers.append(last[0] is None or _turns(module, last[0], output))

    told = [each for each in model.modules() if isinstance(each, OF_PICTURES + ON_THE_LAST_AXIS)]
    hooks = [module.register_forward_hook(tell) for module in told]
    hooks.append((layer or model).register_forward_hook(ask))
    try:
        model(tensor)
    finally:
        for hook in hooks:
            hook.remove()
    return answers[-1] if answers else True


def _is_of_pictures(module):
    return isinstance(module, OF_PICTURES) or (
        isinstance(module, nn.LayerNorm) and len(module.normalized_shape) == 3
    )


def _turns(module, channels_last, output):
    """Return whether a module that worked with channels last has turned them back to the front."""
    if channels_last.ndim == 3 or not isinstance(output, torch.Tensor):
        return False
    count, height, width, channels = channels_last.shape
    if output.shape != (count, channels, height, width):
        return False
    is_block = next(module.children(), None) is not None
    return output.shape != channels_last.shape or (is_block and output is not channels_last)
