"""Shapes, parameters and multiply-adds of every layer of a module, measured while it runs once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from munjang.explain.arithmetic import Call, Shape, uncalled_shape, write_arithmetic
from munjang.explain.products import PRODUCTS, Product, write_products


@dataclass(frozen=True)
class LayerShape:
    """A layer's arithmetic for one text or one image.

    Attributes:
        name: path of the module, as in `named_modules`; "vector" for the whole model's output.
        shape: of the output: [time, dim], [height, width, filters] or [dim].
        parameters: trained numbers of the layer.
        multiply_adds: a multiplication with its addition counts one; sums, maxima, norms and
            activation functions count nothing.
        how: the arithmetic, written out.
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
        self._counted: set[nn.Parameter] = set()
        self._open: list[str] = []  # modules that are being called, the innermost last
        self._products: list[tuple[str, Product]] = []  # with the innermost module, in order
        formulas = {operation: self._counting(find) for operation, find in PRODUCTS.items()}
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
            counter = FlopCounterMode(display=False, custom_mapping=formulas)
            with torch.enable_grad(), counter:
                module.eval()(*inputs)
        finally:
            for hook in hooks:
                hook.remove()
        root = type(module).__name__
        self._flops = {
            path.removeprefix(root).removeprefix("."): sum(counts.values())
            for path, counts in counter.get_flop_counts().items()
            if path.split(".")[0] == root
        }

    def _note_begin(self, path: str) -> Any:
        def hook(_: nn.Module, __: Any) -> None:
            self._orders.setdefault(path, len(self._orders))
            self._open.append(path)

        return hook

    def _note_end(self, path: str) -> Any:
        def hook(_: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            shapes = (_shape_of_row(inputs[0]) if inputs else (), _shape_of_row(output))
            self.calls[path] = Call(self._orders[path], *shapes)
            self._open.pop()

        return hook

    def _counting(self, find: Callable[..., list[Product]]) -> Callable[..., int]:
        """Return a formula for the counter that records the products of the innermost module."""

        def count(*shapes: Any, **_: Any) -> int:
            products = find(*shapes)
            self._products += ((self._open[-1], product) for product in products)
            return 2 * sum(map(prod, products))

        return count

    def multiply_adds(self, path: str, module: nn.Module) -> int:
        """Return the products in a module and all below it; the counter counts additions, too."""
        if path in self.calls:
            return int(self._flops.get(path, 0)) // 2
        return sum(self.multiply_adds(*child) for child in _children(path, module).items())

    def layers(self, path: str, module: nn.Module) -> Iterator[LayerShape]:
        """Yield the layers of a module: the module itself, or those below it."""
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
        parameters = self._count_new(module)
        changes_shape = call is not None and call.input != call.output
        if parameters or multiply_adds or changes_shape:
            shape = call.output if call else uncalled_shape(module)
            how = write_arithmetic(module, call) or write_products(self._products_below(path))
            yield LayerShape(path, shape, parameters, multiply_adds, how)

    def _count_new(self, module: nn.Module) -> int:
        """Count the parameters of a module that no earlier layer shares."""
        new = [parameter for parameter in module.parameters() if parameter not in self._counted]
        self._counted.update(new)
        return sum(parameter.numel() for parameter in new)

    def _products_below(self, path: str) -> list[Product]:
        """Return the products of a module and all below it, in their order."""
        return [n for p, n in self._products if p == path or p.startswith(f"{path}.")]

    def _first_call(self, path: str) -> float:
        below = (o for p, o in self._orders.items() if p == path or p.startswith(f"{path}."))
        return min(below, default=inf)

    def remainder(self, layers: list[LayerShape]) -> list[LayerShape]:
        """Return what the module itself holds and multiplies, as one more layer, or no layer."""
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
    """Return the submodules of a module by their paths."""
    return {f"{path}.{name}" if path else name: m for name, m in module.named_children()}


_PLAIN = write_arithmetic.dispatch(nn.Module)


def _shape_of_row(output: Any) -> Shape:
    """Return the shape per row, channels last, of a tensor, the first of several, or `pooled`."""
    tensor = output[0] if isinstance(output, tuple) else getattr(output, "pooled", output)
    shape = tuple(tensor.shape[1:]) if isinstance(tensor, Tensor) else ()
    return (*shape[1:], shape[0]) if len(shape) == 3 else shape


def _vector(layers: list[LayerShape], shape: Shape) -> LayerShape:
    """Return the model's output as a layer, where it is not that of the last layer."""
    none = LayerShape("", (0,))
    *_, before, last = [none, none, *layers]
    if prod(shape) == last.activations:
        how, same = f"{_by(last.shape)}, one behind the other", True
    elif prod(shape) == before.activations + last.activations:
        how, same = f"{before.activations} + {last.activations}", True
    else:
        how, same = f"{_by(last.shape)} to {_by(shape)}", False
    return LayerShape("vector", shape, how=how, is_rearranged=same)


def _by(shape: Shape) -> str:
    return " x ".join(map(str, shape))
