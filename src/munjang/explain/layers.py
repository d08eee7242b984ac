"""Shapes, parameters and multiply-adds of every layer of a module, measured while it runs once."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from munjang.explain.arithmetic import Call, Shape, uncalled_shape, write_arithmetic


@dataclass(frozen=True)
class LayerShape:
    """A layer's arithmetic for one text or one image.

    Attributes:
        name: path of the module, as in `named_modules`; "vector" for the whole model's output.
        shape: of the output: [time, dim], [height, width, filters] or [dim].
        parameters: trained numbers of the layer.
        multiply_adds: a multiplication with its addition counts one; sums, maxima, norms and
            activation functions count nothing.
        how: the arithmetic, written out where the kind of layer is known.
        is_rearranged: True if the output holds the numbers of the rows above in another shape, so
            that the total does not count them again.
    """

    name: str
    shape: Shape
    parameters: int = 0
    multiply_adds: int = 0
    how: str = ""
    is_rearranged: bool = False

    @property
    def activations(self) -> int:
        """Numbers in the output."""
        return prod(self.shape)


def measure_layers(module: nn.Module, *inputs: Tensor) -> list[LayerShape]:
    """Run a module once on a batch of one row and return its layers in the order of their calls.

    A layer is a module that has parameters of its own, multiplies by itself, or changes a shape
    and has no submodules; modules that only call others are opened.

    Args:
        module: any encoder.
        inputs: what its `forward` takes, with one row.
    """
    run = _Run(module, inputs)
    layers = list(run.layers("", module))
    layers += run.remainder(layers)
    vector = run.calls[""].output
    if not layers or layers[-1].shape != vector:
        layers.append(_vector(layers, vector))
    return layers


class _Run:
    """One run of a module under hooks and PyTorch's counter of products."""

    def __init__(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.module = module
        self.calls: dict[str, Call] = {}
        self._orders: dict[str, int] = {}
        hooks = [
            hook
            for path, part in module.named_modules()
            for hook in (
                part.register_forward_pre_hook(self._note_begin(path)),
                part.register_forward_hook(self._note_end(path)),
            )
        ]
        try:
            # with gradients, as in training: without them several layers go in one call
            with torch.enable_grad(), FlopCounterMode(display=False, custom_mapping=_MORE) as flops:
                module.eval()(*inputs)
        finally:
            for hook in hooks:
                hook.remove()
        root = type(module).__name__
        self._flops = {
            path.removeprefix(root).removeprefix("."): sum(counts.values())
            for path, counts in flops.get_flop_counts().items()
            if path.split(".")[0] == root
        }

    def _note_begin(self, path: str) -> Any:
        def hook(_: nn.Module, __: Any) -> None:
            self._orders[path] = len(self._orders)

        return hook

    def _note_end(self, path: str) -> Any:
        def hook(_: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            shapes = (_shape_of_row(inputs[0]) if inputs else (), _shape_of_row(output))
            self.calls[path] = Call(self._orders[path], *shapes)

        return hook

    def multiply_adds(self, path: str, module: nn.Module) -> int:
        """Products in a module and all below it: the counter counts additions, too."""
        if path in self.calls:
            return int(self._flops.get(path, 0)) // 2
        return sum(self.multiply_adds(*child) for child in _children(path, module).items())

    def layers(self, path: str, module: nn.Module) -> Iterator[LayerShape]:
        """The layers of a module, the module itself if it is one."""
        children = _children(path, module)
        below = sum(self.multiply_adds(child, children[child]) for child in children)
        multiplies = self.multiply_adds(path, module) > below
        own = multiplies or bool(list(module.parameters(recurse=False)))
        if path and (own or not children or write_arithmetic.dispatch(type(module)) is not _PLAIN):
            yield from self._layer(path, module)
            return
        for child in sorted(children, key=self._first_call):
            yield from self.layers(child, children[child])

    def _layer(self, path: str, module: nn.Module) -> Iterator[LayerShape]:
        call, multiply_adds = self.calls.get(path), self.multiply_adds(path, module)
        parameters = sum(parameter.numel() for parameter in module.parameters())
        changes_shape = call is not None and call.input != call.output
        if parameters or multiply_adds or changes_shape:
            shape = call.output if call else uncalled_shape(module)
            how = write_arithmetic(module, call)
            yield LayerShape(path, shape, parameters, multiply_adds, how)

    def _first_call(self, path: str) -> float:
        below = (o for p, o in self._orders.items() if p == path or p.startswith(f"{path}."))
        return min(below, default=inf)

    def remainder(self, layers: list[LayerShape]) -> list[LayerShape]:
        """What the module itself has beside its layers, as one more row, or no row."""
        total = sum(parameter.numel() for parameter in self.module.parameters())
        parameters = total - sum(layer.parameters for layer in layers)
        multiply_adds = self.multiply_adds("", self.module) - sum(
            layer.multiply_adds for layer in layers
        )
        if not parameters and not multiply_adds:
            return []
        name = type(self.module).__name__
        return [LayerShape(name, self.calls[""].output, parameters, multiply_adds)]


def _children(path: str, module: nn.Module) -> dict[str, nn.Module]:
    """The submodules of a module by their paths."""
    return {f"{path}.{name}" if path else name: m for name, m in module.named_children()}


_PLAIN = write_arithmetic.dispatch(nn.Module)


def _shape_of_row(output: Any) -> Shape:
    """The shape for one row, channels last: of a tensor, the first of several, or `pooled`."""
    tensor = output[0] if isinstance(output, tuple) else getattr(output, "pooled", output)
    shape = tuple(tensor.shape[1:]) if isinstance(tensor, Tensor) else ()
    return (*shape[1:], shape[0]) if len(shape) == 3 else shape


def _vector(layers: list[LayerShape], shape: Shape) -> LayerShape:
    """The model's output, where it is not that of the last layer."""
    *_, before, last = [LayerShape("", (0,)), LayerShape("", (0,)), *layers]
    if prod(shape) == last.activations:
        how, same = f"{_by(last.shape)}, one behind the other", True
    elif prod(shape) == before.activations + last.activations:
        how, same = f"{before.activations} + {last.activations}", True
    else:
        how, same = f"{_by(last.shape)} to {_by(shape)}", False
    return LayerShape("vector", shape, how=how, is_rearranged=same)


def _by(shape: Shape) -> str:
    return " x ".join(map(str, shape))


def _addmm_flops(_: Any, left: Any, right: Any, **__: Any) -> int:
    """A product in place: [rows, inner] by [inner, columns]."""
    return int(2 * prod(left) * right[1])


def _sdpa_flops(queries: Any, keys: Any, values: Any, *_: Any, **__: Any) -> int:
    """Fused attention, [batch, heads, time, dim] each."""
    return int(sdpa_flop_count(queries, keys, values))  # type: ignore[no-untyped-call]


def _lstm_flops(inputs: Any, weight_ih: Any, weight_hh: Any, *_: Any, **__: Any) -> int:
    """An LSTM of oneDNN, [time, batch, dim]: both matrices of all gates at every token."""
    return int(2 * inputs[0] * inputs[1] * (prod(weight_ih) + prod(weight_hh)))


aten = torch.ops.aten
# What PyTorch's counter does not know: products in place, and fused functions of a CPU.
_MORE = {
    aten.addmm_: _addmm_flops,
    aten._scaled_dot_product_flash_attention_for_cpu: _sdpa_flops,
    aten.mkldnn_rnn_layer: _lstm_flops,
}
