"""PyTorch as `backends.interface.Backend` wants it. Inside, pictures are (N, C, H, W)."""

import contextlib
import copy
from contextlib import contextmanager

from dlcourse.arrays import as_floats, to_numpy
from dlcourse.backends import axes, checks
from dlcourse.backends.interface import Run, Slot
from dlcourse.errors import CourseError, KindError, RangeError, ShapeError, told

import numpy as np
import torch
from torch import nn

WITH_KERNEL = (nn.Linear, nn.modules.conv._ConvNd, nn.Embedding)
KINDS = {
    "dense": nn.Linear,
    "convolution": (nn.Conv1d, nn.Conv2d, nn.Conv3d),
    "transposed convolution": (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    "batch norm": (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d),
    "layer norm": nn.LayerNorm,
    "embedding": nn.Embedding,
    "simple recurrent": nn.RNN,
    "lstm": nn.LSTM,
    "gru": nn.GRU,
}
PARTS = {"weight": "kernel", "bias": "bias"}
NORM_PARTS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
RECURRENT_PARTS = {
    "weight_ih": "kernel",
    "weight_hh": "recurrent_kernel",
    "bias_ih": "bias",
    "bias_hh": "recurrent_bias",
}
DROPOUT = (
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout),
    nn.FeatureAlphaDropout,
)


def _cross_entropy(scores, labels):
    """Return the mean over examples, and over steps where scores are (N, T, K)."""
    return nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), labels.reshape(-1))


LOSSES = {
    "cross-entropy": _cross_entropy,
    "squared error": nn.functional.mse_loss,
    "absolute error": nn.functional.l1_loss,
}
# Their two biases are only ever added up: the course counts the sum.
ONE_BIAS = ("simple recurrent", "lstm")


class PyTorch:
    """A torch.nn.Module: see `backends.interface.Backend`."""

    NAME = "PyTorch"

    def __init__(self, model):
        _expect_nothing_beside(model)
        if any(each.is_meta for each in model.parameters()):
            raise KindError(
                'The model has shapes but no numbers, as made on the device "meta". Make it anew, '
                "without a device."
            )
        self.model = model
        self._taken, self._given = {}, {}  # whether four axes are a picture's, once it is known
        self._wants_whole = None  # whether whole numbers are tokens, once it is known
        self.known = {}  # what `checks` has found out by asking the model

    @property
    def dtype(self):
        # NumPy has no bfloat16, and PyTorch brings float32 to it and to float16.
        return np.dtype("float64" if self._dtype == torch.float64 else "float32")

    @property
    def _dtype(self):
        found = (each.dtype for each in self.model.parameters() if each.is_floating_point())
        return next(found, torch.get_default_dtype())

    @property
    def narrowest(self):
        return str(self._dtype).removeprefix("torch."), torch.finfo(self._dtype).max

    # Looking

    def build(self, inputs):
        """Do nothing: a PyTorch model has its weights from the start."""

    def looked_up(self, tokens):
        tables = [each for each in self.model.modules() if isinstance(each, nn.Embedding)]
        found = []

        def keep(table, given, _output):
            if given and given[0].numel():
                found.append((table.num_embeddings, to_numpy(given[0])))

        with contextlib.ExitStack() as hooks, _evaluating(self.model), torch.no_grad():
            for table in tables:
                hooks.enter_context(_hook(table, keep))
            # What is no model of tokens cannot take them; what it says then is of no interest.
            with checks.unheard():
                if tables:
                    tensor = torch.from_numpy(tokens).to(_device(self.model))
                    self.model(tensor if tokens.dtype.kind == "i" else tensor.to(self._dtype))
        return found

    def first_given(self, inputs):
        found = []

        def keep(_layer, given):
            found.append(_first_tensor(given))
            raise checks.Reached

        if any(isinstance(each, torch.jit.ScriptModule) for each in self.model.modules()):
            return None  # it lets nobody look inside
        tensor = self._as_it_lies(inputs)
        with contextlib.ExitStack() as hooks, _evaluating(self.model), torch.no_grad():
            for module in self.model.modules():
                # A module with layers inside it may have weights too, such as a cell of places; it
                # divides before it hands on.
                if next(module.children(), None) is None and [*module.parameters()]:
                    hooks.callback(module.register_forward_pre_hook(keep).remove)
            # Which way round a picture is wanted shows no example that is the same all over; the
            # other one is refused, and what the model says to it is of no interest here.
            for way in (_turned(tensor), tensor) if tensor.ndim == 4 else (tensor,):
                with checks.unheard():
                    found.append(_first_tensor(self.model(way)))
        return None if not found or found[0] is None else to_numpy(found[0])

    def to_device(self):
        self.model.to("cuda" if torch.cuda.is_available() else "cpu")

    def outputs(self, inputs):
        with _evaluating(self.model), torch.no_grad():
            return self._to_course(self._outputs(inputs, self.tensor(inputs)), inputs)

    def input_slopes(self, inputs, classes_for):
        with _evaluating(self.model):
            tensor = self.tensor(inputs).requires_grad_()
            total = _chosen(self._outputs(inputs, tensor), classes_for).sum()
            slopes = _slopes(total, tensor)
            tensor.requires_grad_(False)  # the model may have kept it
        return _turned_back(slopes, slopes.ndim == 4 and self._takes_pictures(inputs))

    def named_layers(self):
        return [(name, module) for name, module in self.model.named_modules() if name]

    def runs(self, inputs, depth):
        runs, counted = [], set()
        with contextlib.ExitStack() as hooks, _evaluating(self.model), torch.no_grad():
            last = [self.tensor(inputs)]  # what came out of the layer before
            for name, layer in _opened(self.model, depth) or [("model", self.model)]:

                def keep(layer, given, output, name=name):
                    alone, given, output = (
                        len(given) == 1,
                        _first_tensor(given),
                        _first_tensor(output),
                    )
                    if given is None or output is None:
                        return
                    new = {id(p): p.numel() for p in layer.parameters() if id(p) not in counted}
                    counted.update(new)
                    shapes = tuple(given.shape), tuple(output.shape)
                    follows = alone and given is last[0]
                    kind = type(layer).__name__
                    runs.append(Run(name, kind, *shapes, sum(new.values()), follows))
                    last[0] = output

                hooks.enter_context(_hook(layer, keep))
            self._outputs(inputs, last[0])
        return runs

    def parameters(self):
        if any(map(nn.parameter.is_lazy, self.model.parameters())):
            raise checks.no_weights_yet()
        return sum(parameter.numel() for parameter in self.model.parameters())

    def has_kernel(self, layer):
        return isinstance(layer, WITH_KERNEL)

    def kernel(self, layer):
        if not self.has_kernel(layer):
            return None
        return self.lay_out(_kind(layer), {"kernel": to_numpy(layer.weight)})["kernel"]

    def reader(self, name, layer):
        def read(inputs):
            seen = []

            def keep(_layer, _inputs, output):
                is_tensor = isinstance(output, torch.Tensor)
                seen.append(output.clone() if is_tensor else output)  # it may change in place

            tensor = self.tensor(inputs)
            with _hook(layer, keep), _evaluating(self.model), torch.no_grad():
                self._outputs(inputs, tensor)
            checks.check_seen(seen, name, torch.Tensor)
            return self._to_course(seen[0], inputs, layer)

        return read

    def slope_reader(self, name, layer):
        def read(inputs, classes_for):
            seen = []

            def cut(_layer, _inputs, output):
                if not isinstance(output, torch.Tensor):
                    seen.append(output)
                    return output
                seen.append(output.detach().requires_grad_())
                return seen[-1].clone()  # what follows may change its input in place

            tensor = self.tensor(inputs)
            with _hook(layer, cut), _evaluating(self.model):
                outputs = self._outputs(inputs, tensor)
                checks.check_seen(seen, name, torch.Tensor)
                total = _chosen(outputs, classes_for).sum()
                slopes = _slopes(total, seen[0], zeros=True)
            return tuple(self._to_course(each, inputs, layer) for each in (seen[0], slopes))

        return read

    def tensor(self, inputs):
        """Return a batch on the device: pictures as (N, C, H, W), channels last in memory."""
        tensor = self._as_it_lies(inputs)
        return _turned(tensor) if tensor.ndim == 4 and self._takes_pictures(inputs) else tensor

    def _as_it_lies(self, inputs):
        """Return a batch on the device, with its own axes, as numbers that the model takes."""
        if checks.may_be_tokens(inputs) and self._takes_whole(inputs):
            return torch.from_numpy(_writeable(inputs.astype("int64"))).to(_device(self.model))
        if inputs.dtype == np.uint8 and checks.scales_pixels(self, inputs):
            inputs = inputs.astype(self.dtype)
        floats = torch.from_numpy(_writeable(as_floats(inputs, self.dtype)))
        return floats.to(_device(self.model), self._dtype)

    def _takes_whole(self, inputs):
        """Return whether whole numbers are tokens to this model, as to an embedding."""
        if self._wants_whole is None:
            self._wants_whole = checks.looks_up(self, inputs)
            if not self._wants_whole:
                few = torch.from_numpy(inputs[:2].astype("int64")).to(_device(self.model))
                try:
                    with _evaluating(self.model), torch.no_grad():
                        self.model(few)
                    self._wants_whole = True  # it looks them up in a way of its own
                except Exception:  # whatever it says: to such a model they are measurements
                    pass
        return self._wants_whole

    def _outputs(self, inputs, tensor):
        """Return the outputs for a batch; say in words why the model cannot take it."""
        try:
            outputs = self.model(tensor)
        except CourseError:
            raise
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            if "view size" in str(error):
                raise ShapeError(
                    "The model calls .view() on pictures, which needs them in memory as "
                    "(N, C, H, W). They lie there as (N, H, W, C), which trains several times "
                    "faster. "
                    "Use nn.Flatten(), .flatten(1) or .reshape()."
                ) from error
            raise checks.refused(inputs, _first_layer(self.model), error) from error
        except Exception as error:  # in a line of the learner's own
            raise checks.raised(inputs, error) from error
        if not isinstance(outputs, torch.Tensor):
            raise KindError(
                f"The model gives a {type(outputs).__name__}, but should give one tensor, such as "
                "scores (N, K)."
            )
        return outputs

    def _to_course(self, tensor, inputs, layer=None):
        pictures = tensor.ndim == 4 and self._gives_pictures(inputs, layer)
        return _turned_back(tensor, pictures)

    def _takes_pictures(self, inputs):
        if inputs.shape[1:] not in self._taken:
            few = self._as_it_lies(inputs[:2])
            with _evaluating(self.model), torch.no_grad():
                self._taken[inputs.shape[1:]] = axes.are_taken(self.model, few, _turned(few))
        return self._taken[inputs.shape[1:]]

    def _gives_pictures(self, inputs, layer=None):
        if id(layer) not in self._given:
            with _evaluating(self.model), torch.no_grad():
                few = self.tensor(inputs[:2])
                self._given[id(layer)] = axes.are_given(self.model, few, layer)
        return self._given[id(layer)]

    def targets(self, targets, inputs, outputs):
        """Return targets on the model's device; pictures turned like the outputs they belong to."""
        tensor = torch.from_numpy(_writeable(targets)).to(_device(self.model))
        tensor = tensor.to(self._dtype) if tensor.is_floating_point() else tensor
        if tensor.ndim != 4:
            return tensor
        as_they_are = outputs.shape == tensor.shape and not self._gives_pictures(inputs)
        return tensor if as_they_are else _turned(tensor)

    # Comparing and carrying

    def slots(self):
        """Return every layer with weights; a recurrent layer may hold several of them."""
        slots = []
        for name, module in self.model.named_modules():
            kind = _kind(module)
            tensors = dict(module.named_parameters(recurse=False))
            if isinstance(module, nn.modules.batchnorm._NormBase):  # batch and instance norm
                buffers = dict(module.named_buffers(recurse=False))
                tensors |= {key: buffers[key] for key in NORM_PARTS if key in buffers}
            if not tensors:
                continue
            if kind is None:
                raise KindError(
                    f"Layer {name!r} ({type(module).__name__}) has weights of its own, "
                    f"{', '.join(tensors)}, that the course cannot compare. "
                    f"It knows these kinds of layers: {', '.join(KINDS)}."
                )
            if isinstance(module, nn.RNNBase):
                # One such layer may hold several: "_l0", "_l0_reverse", "_l1", …
                if beyond := [key for key in tensors if key.startswith("weight_hr")]:
                    raise KindError(
                        f"Layer {name!r} ({type(module).__name__}) projects its outputs "
                        f"(proj_size): the course cannot compare {', '.join(beyond)}."
                    )
                for suffix in (key[len("weight_ih") :] for key in tensors if "weight_ih" in key):
                    names = {key + suffix: part for key, part in RECURRENT_PARTS.items()}
                    of_one = {part: tensors[key] for key, part in names.items() if key in tensors}
                    name_of_one = name + (suffix if suffix != "_l0" else "")
                    slots.append(Slot(name_of_one, module, kind, of_one))
            else:
                parts = NORM_PARTS if kind in ("batch norm", "layer norm") else PARTS
                if beyond := tensors.keys() - parts.keys():
                    raise KindError(
                        f"Layer {name!r} ({type(module).__name__}) has weights that the course "
                        f"cannot compare: {', '.join(sorted(beyond))}."
                    )
                named = {parts[key]: tensor for key, tensor in tensors.items()}
                slots.append(Slot(name, module, kind, named))
        held = {id(tensor) for slot in slots for tensor in slot.tensors.values()}
        beyond = [  # buffers of one's own, and what a quantised layer packs
            key
            for key, saved in self.model.state_dict(keep_vars=True).items()
            if id(saved) not in held and not key.endswith("num_batches_tracked")
        ]
        if beyond:
            raise KindError(
                f"The model saves {', '.join(beyond)}, which no layer of a kind that the course "
                "can compare holds. Register what stays the same with persistent=False; compare a "
                "model before it is quantised."
            )
        return slots

    def lay_out(self, kind, arrays):
        arrays = {part: _to_layout(kind, part, array) for part, array in arrays.items()}
        if kind in ONE_BIAS and "recurrent_bias" in arrays:
            arrays["bias"] = arrays["bias"] + arrays.pop("recurrent_bias")
        return arrays

    def settings(self, slot):
        module, kind = slot.owner, slot.kind
        if kind == "batch norm" and module.momentum is None:
            raise KindError(
                "The batch norm has momentum=None, a plain mean over all batches, which Keras "
                "lacks. Give a number."
            )
        return {
            "batch norm": lambda: {
                "epsilon": module.eps,
                "momentum": round(1 - module.momentum, 12),
                "axis": "the channels'",
            },
            "layer norm": lambda: {"epsilon": module.eps},
            "simple recurrent": lambda: {"activation": module.nonlinearity},
            "convolution": lambda: {"groups": module.groups},
            "transposed convolution": lambda: {"groups": module.groups},
            "lstm": lambda: {"activation": "tanh", "gate activation": "sigmoid"},
            "gru": lambda: {
                "activation": "tanh",
                "gate activation": "sigmoid",
                "reset_after": True,
            },
        }.get(kind, dict)()

    def conditions(self, slot):
        layer = slot.owner
        if isinstance(layer, nn.RNNBase):
            return {"axis of the steps": 1 if layer.batch_first else 0}
        if isinstance(layer, nn.Embedding):
            untrained = "none" if layer.padding_idx is None else layer.padding_idx
            longest = "any" if layer.max_norm is None else layer.max_norm
            return {"mask": "none", "token that is not trained": untrained, "row's length": longest}
        if not isinstance(layer, nn.modules.conv._ConvNd):
            return {}
        found = {"strides": tuple(layer.stride), "dilation": tuple(layer.dilation)}
        if slot.kind == "transposed convolution":
            return found
        if isinstance(layer.padding, str):
            padding = checks.same_padding(layer.kernel_size, layer.dilation)
            padding = padding if layer.padding == "same" else ((0, 0),) * len(layer.stride)
        else:
            padding = tuple((each, each) for each in layer.padding)
        found["padding"] = padding
        filled = layer.padding_mode != "zeros" and any(map(any, padding))
        return found | {"padded with": layer.padding_mode if filled else "zeros"}

    def assign(self, slot, arrays, settings):
        _, module, kind, tensors = slot
        with torch.no_grad():
            for part, array in arrays.items():
                array = np.ascontiguousarray(_from_layout(kind, part, array.astype("float64")))
                tensors[part].copy_(torch.from_numpy(array))
            if kind in ONE_BIAS and "recurrent_bias" in tensors:
                tensors["recurrent_bias"].zero_()  # frozen, or the sum of both takes double steps
                tensors["recurrent_bias"].requires_grad_(False)
        if "epsilon" in settings:
            module.eps = settings["epsilon"]
        if "momentum" in settings:
            module.momentum = round(1 - settings["momentum"], 12)

    def loss_and_slopes(self, inputs, targets, loss):
        _train(self.model)
        self.model.zero_grad()
        tensor, state = self.tensor(inputs), torch.get_rng_state()
        with checks.watching_chance([*self.model.modules()]) as drawn_elsewhere:
            outputs = self._outputs(inputs, tensor)
            again = self._outputs(inputs, tensor).detach()
        drawn = drawn_elsewhere or not torch.equal(state, torch.get_rng_state())
        if drawn or not torch.allclose(outputs, again, 1e-4, 1e-4, equal_nan=True):
            raise checks.draws_random_numbers()
        mean_loss = LOSSES[loss](outputs, self.targets(targets, inputs, outputs))
        if mean_loss.requires_grad:  # else all is frozen
            mean_loss.backward()
        slopes = []
        for _, _, kind, tensors in self.slots():
            trained = {
                part: tensor
                for part, tensor in tensors.items()
                if not part.startswith("moving")
                and not (part == "recurrent_bias" and kind in ONE_BIAS)
            }
            slopes.append(
                {
                    part: to_numpy(torch.zeros_like(tensor) if tensor.grad is None else tensor.grad)
                    for part, tensor in trained.items()
                }
            )
        return mean_loss.item(), slopes

    def flattened_maps(self, inputs):
        following = _AxisNames()
        tensor = self.tensor(inputs)
        with _evaluating(self.model), torch.no_grad(), following:
            self._outputs(inputs, tensor)
        maps = {}
        for index, slot in enumerate(self.slots()):
            for tensor in slot.tensors.values():
                if id(tensor) in following.read_by:
                    maps[index] = following.read_by[id(tensor)]
        return maps

    @contextmanager
    def trial(self):
        try:
            twin = copy.deepcopy(self.model)
        except Exception as error:
            if not _kept(self.model):
                raise KindError(
                    f"The model cannot be copied for a trial: {told(error)}. Keep what cannot be "
                    "copied, such as a lock or an open file, outside of it."
                ) from error
            raise KindError(  # a tensor that belongs to an earlier run
                "The model cannot be copied for a trial, since it keeps a tensor of an earlier run "
                f"as an attribute, {_kept(self.model)}. Keep what you want to look at without its "
                "history: `.detach()`."
            ) from error
        for module in twin.modules():
            if isinstance(module, DROPOUT):
                module.p = 0.0
            elif isinstance(module, nn.RNNBase):
                module.dropout = 0.0
        yield twin

    def trained(self):
        return [each for each in self.model.parameters() if each.requires_grad]

    def trainer(self, optimizer, learning_rate, loss):
        return _Trainer(self, optimizer, learning_rate, loss)


class _Trainer:
    """See `backends.interface.Trainer`."""

    def __init__(self, backend, optimizer, learning_rate, loss):
        self.backend, self.model, self.outputs = backend, backend.model, backend.outputs
        self.classifies, self._floats = loss == "cross-entropy", False
        self.loss = checks.own_loss(loss) if callable(loss) else LOSSES[loss]
        checks.expect_trainable(backend.trained())
        self.optimizer = _optimizer(self.model, optimizer, learning_rate)
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        if any(parameter.ndim == 4 for parameter in self.model.parameters()):
            self.model.to(memory_format=torch.channels_last)  # lesson 21 times it

    def check(self, inputs, targets, options):
        checks.check_outputs(self.outputs(inputs), targets, options)
        if self.classifies:
            return
        try:
            self.mean_loss(inputs, targets[: len(inputs)])
        except KindError:
            if targets.dtype.kind not in "iub":
                raise
            self._floats = True  # some losses want floats of the labels too
            self.mean_loss(inputs, targets[: len(inputs)])

    def _targets(self, targets, inputs, outputs):
        targets = targets.astype(self.backend.dtype) if self._floats else targets
        return self.backend.targets(targets, inputs, outputs)

    def step(self, inputs, targets):
        _train(self.model)
        self.optimizer.zero_grad(set_to_none=True)
        outputs = self.backend._outputs(inputs, self.backend.tensor(inputs))
        targets = self._targets(targets, inputs, outputs)
        loss = self.loss(outputs, targets)
        checks.check_loss(loss, isinstance(loss, torch.Tensor))
        try:
            loss.backward()
        except RuntimeError as error:
            raise checks.no_gradient(error) from error
        try:
            self.optimizer.step()
        except (TypeError, RuntimeError) as error:  # one that wants more than gradients
            raise KindError(
                f"{type(self.optimizer).__name__} cannot take a step here: {error}. Take one that "
                "needs nothing but gradients, such as torch.optim.SGD or Adam."
            ) from error
        if not self.classifies:
            return loss.item(), None
        right = (outputs.argmax(-1) == targets).sum()
        both = torch.stack([loss.detach().double(), right.double()])
        loss, right = both.tolist()  # one wait for the device
        return loss, int(right)

    def mean_loss(self, inputs, targets):
        with _evaluating(self.model), torch.no_grad():
            outputs = self.backend._outputs(inputs, self.backend.tensor(inputs))
            loss = self.loss(outputs, self._targets(targets, inputs, outputs))
        checks.check_loss(loss, isinstance(loss, torch.Tensor))
        return loss.item()

    def learning_rate(self):
        return self.optimizer.param_groups[0]["lr"]

    def scale_learning_rate(self, factor):
        for group, rate in zip(self.optimizer.param_groups, self.rates):
            group["lr"] = rate * factor


def _train(model):
    """Put the model in training mode; a layer of it that was frozen by `eval()` stays so."""
    if not model.training:  # it was looked at as a whole
        model.train()


class _evaluating:
    """Put the model in evaluation mode (no dropout, batch norm by averages), then back.

    Each layer gets back its own mode: one that was frozen by `eval()` stays so.
    """

    def __init__(self, model):
        self.in_training = [layer for layer in model.modules() if layer.training]

    def __enter__(self):
        for layer in self.in_training:
            layer.training = False

    def __exit__(self, *_):
        for layer in self.in_training:
            layer.training = True


def _optimizer(model, optimizer, learning_rate):
    made = {
        "sgd": lambda: torch.optim.SGD(model.parameters(), lr=0.1),
        "adam": lambda: torch.optim.Adam(model.parameters(), lr=0.001),
    }
    if isinstance(optimizer, str):
        if optimizer not in made:
            raise RangeError(
                f"`optimizer` is {optimizer!r}, but should be one of {', '.join(made)}, "
                "or a torch optimizer."
            )
        optimizer = made[optimizer]()
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise KindError(
            f"`optimizer` is a {type(optimizer).__name__}, but should be a name or a "
            "torch.optim.Optimizer."
        )
    mine = {id(parameter) for parameter in model.parameters()}
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    if not mine & held:
        raise KindError(
            "The optimizer was made for another model: make it again from model.parameters()."
        )
    if learning_rate is not None:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
    return optimizer


def _expect_nothing_beside(model):
    """Check that no weights lie where PyTorch does not see them, and would not train them."""
    known = {id(each) for each in (*model.modules(), *model.parameters())}
    for name, module in model.named_modules():
        for key, value in vars(module).items():
            held = value.values() if isinstance(value, dict) else value
            for each in held if isinstance(held, list | tuple | type({}.values())) else (held,):
                trained = isinstance(each, torch.Tensor) and each.requires_grad and each.is_leaf
                layer = isinstance(each, nn.Module) and any(True for _ in each.parameters())
                if (trained or layer) and id(each) not in known and not key.startswith("_"):
                    where = f"{name}.{key}".lstrip(".")
                    raise KindError(
                        f"`{where}` holds weights that PyTorch does not see there, so that they "
                        "are neither trained nor saved. Keep layers in an nn.ModuleList or "
                        "nn.ModuleDict, and a tensor as nn.Parameter."
                    )


@contextmanager
def _hook(layer, function):
    if isinstance(layer, torch.jit.ScriptModule):
        raise KindError(
            "What torch.jit has compiled does not let anybody look inside. Use the model that it "
            "was made from."
        )
    handle = layer.register_forward_hook(function)
    try:
        yield
    finally:
        handle.remove()


def _opened(module, depth, before=""):
    """Return (name, layer) of a module's layers, those inside blocks up to this depth."""
    found = []
    for name, layer in module.named_children():
        inner = _opened(layer, depth - 1, f"{before}{name}.") if depth > 1 else []
        found += inner or [(before + name, layer)]
    return found


def _first_tensor(value):
    """Return a tensor, or the first of a tuple: recurrent layers give their states as well."""
    value = value[0] if isinstance(value, tuple) and value else value
    return value if isinstance(value, torch.Tensor) else None


def _chosen(outputs, classes_for):
    """Return the score of each example's class."""
    classes = torch.from_numpy(classes_for(outputs.shape))
    return outputs[torch.arange(len(classes)), classes]


def _device(model):
    parameter = next(model.parameters(), None)
    return parameter.device if parameter is not None else torch.device("cpu")


def _writeable(array):
    """Return the array, or a copy where PyTorch has no such tensors: read-only, turned around."""
    array = np.ascontiguousarray(array)
    backwards = any(stride < 0 for stride in array.strides)  # along an axis of one, it may stay
    return array.copy() if backwards or not array.flags.writeable else array


def _slopes(total, tensor, zeros=False):
    """Return d total / d tensor; zeros, if allowed, where it does not depend on it."""
    try:
        slopes = torch.autograd.grad(total, tensor, allow_unused=True)[0]
    except RuntimeError as error:
        raise checks.no_slopes(error) from error
    if slopes is None and not zeros:
        raise checks.no_slopes("they do not depend on the inputs")
    return torch.zeros_like(tensor) if slopes is None else slopes


def _kept(model):
    """Return the names of attributes of the model's layers that hold a tensor with a history."""
    return ", ".join(
        f"`{name}.{key}`" if name else f"`{key}`"
        for name, module in model.named_modules()
        for key, value in vars(module).items()
        if isinstance(value, torch.Tensor) and value.grad_fn is not None
    )


def _turned_back(tensor, pictures):
    return to_numpy(tensor.permute(0, 2, 3, 1) if pictures else tensor)


def _turned(tensor):
    return tensor.permute(0, 3, 1, 2)


def _first_layer(model):
    """Say what the first layer with weights wants."""
    first = next((each for each in model.modules() if list(each.parameters(recurse=False))), model)
    wanted = {
        nn.Linear: lambda: f"(N, {first.in_features})",
        nn.Conv2d: lambda: f"(N, H, W, {first.in_channels})",
        nn.Embedding: lambda: f"of (N, T) whole numbers from 0 to {first.num_embeddings - 1}",
        nn.RNNBase: lambda: f"(N, T, {first.input_size})",
    }
    text = next((say() for kind, say in wanted.items() if isinstance(first, kind)), "")
    return f"{type(first).__name__} {text}".strip()


def _kind(module):
    """Return a layer's kind (see `backends.Layer`), or None."""
    kind = next((kind for kind, classes in KINDS.items() if isinstance(module, classes)), None)
    if kind == "convolution" and module.groups == module.in_channels > 1:
        return "depthwise convolution"
    return kind


def _to_layout(kind, part, array):
    """Turn a PyTorch array into the layout of `backends.Layer`."""
    if kind == "gru":
        array = _swap_gates(array)
    if kind in ("convolution", "depthwise convolution") and part == "kernel":
        return np.moveaxis(array, 1, -1)
    if kind == "transposed convolution" and part == "kernel":  # PyTorch (C, filters, …)
        return np.moveaxis(array, 0, -1)
    return array.T if part.endswith("kernel") and kind != "embedding" else array


def _from_layout(kind, part, array):
    """Undo `_to_layout`."""
    if kind in ("convolution", "depthwise convolution") and part == "kernel":
        return np.moveaxis(array, -1, 1)
    if kind == "transposed convolution" and part == "kernel":
        return np.moveaxis(array, -1, 0)
    array = array.T if part.endswith("kernel") and kind != "embedding" else array
    return _swap_gates(array) if kind == "gru" else array


def _swap_gates(array):
    reset, update, new = np.split(array, 3)  # PyTorch: r, z, n; the course and Keras: z, r, h
    return np.concatenate([update, reset, new])


class _AxisNames(torch.overrides.TorchFunctionMode):
    """Follows the names of a map's axes through the model to the dense layer that reads it."""

    NORMS = ("batch_norm", "layer_norm")
    TURNS = ("permute", "transpose", "movedim", "moveaxis", "swapaxes", "swapdims")
    USUAL = {3: ("T", "D"), 4: ("C", "H", "W")}  # noqa: RUF012

    def __init__(self):
        super().__init__()
        self.maps = {}  # id of a tensor: the tensor (kept alive), its map's names and sizes of axes
        self.read_by = {}  # id of a dense kernel: names and sizes of the map that it reads

    def __torch_function__(self, function, types, args=(), kwargs=None):
        output = function(*args, **(kwargs or {}))
        given = args[0] if args else None
        if isinstance(given, list | tuple) and isinstance(output, torch.Tensor):
            self._mark_mixture(given, output)
        if not isinstance(given, torch.Tensor) or not isinstance(output, torch.Tensor):
            return output
        usual = (given, self.USUAL.get(given.ndim), tuple(given.shape[1:]))
        _, names, sizes = self.maps.get(id(given), usual)
        if names is None:
            return output
        if function.__name__ == "linear" and given.ndim == 2:
            self.read_by[id(args[1])] = names, sizes
            return output
        if function.__name__ in self.NORMS and given.ndim == 2:
            weights = (*args[1:], *(kwargs or {}).values())
            self.read_by |= {id(each): (names, sizes) for each in weights if torch.is_tensor(each)}
        if output.shape == (len(given), np.prod(given.shape[1:])):  # flattened, or flat before
            self.maps[id(output)] = output, names, sizes
        elif output.ndim == given.ndim > 2:
            if function.__name__ in self.TURNS:
                numbered = torch.empty(tuple(range(given.ndim)))  # each axis as long as its number
                turned = function(numbered, *args[1:], **(kwargs or {})).shape
                names = tuple(names[axis - 1] for axis in turned[1:])
            self.maps[id(output)] = output, names, tuple(output.shape[1:])
        elif given.ndim == output.ndim == 2:
            self._mark_mixture([given], output)  # a part of a flattened map
        return output

    def _mark_mixture(self, given, output):
        """Keep in mind that a row is made of parts of maps: their order cannot be followed."""
        found = (self.maps.get(id(each)) for each in given if isinstance(each, torch.Tensor))
        if output.ndim == 2 and any(each and sum(n > 1 for n in each[2]) > 1 for each in found):
            self.maps[id(output)] = output, ("a part of a map", "others"), (2, output.shape[1])
