"""A graph of standard operators, written node by node.

A value is the name of a tensor. Names follow the modules of the network, as in
`encoder/recurrent/forward_0/LSTM`, so that a picture of the graph reads like `print(network)`. The
same network gives the same graph, byte by byte.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from munjang.errors import ConfigError
from munjang.export.onnx.quantization import FEWEST_NUMBERS, quantize_rows
from munjang.export.package import need_packages

Value = str
Operand = str | int | float | bool | list[int] | npt.NDArray[Any] | np.generic
Array = npt.NDArray[Any]
# Writes the nodes of one kind of layer: (graph, module, values) -> the values it returns.
Writer = Callable[..., Any]

# BitwiseAnd needs 18, Gelu 20. onnxruntime 1.17 and later run it.
OPSET, IR_VERSION = 20, 9
# A file of protobuf is shorter than 2 GiB.
MOST_BYTES = 2**31 - 2**20


@dataclass(frozen=True)
class Table:
    """Rows to look up.

    Attributes:
        rows: [rows, dim] float32, or int8 where there are scales.
        scales: factor of each row, [rows] float16; None for float rows.
        count: number of rows.
    """

    rows: Value
    scales: Value | None
    count: int


class Graph:
    """A graph that is written.

    Args:
        name: name of the graph.
        writers: function per kind of layer.
        int8: whether weights are written in 8 bits.
    """

    def __init__(
        self, name: str, writers: Mapping[type[nn.Module], Writer], *, int8: bool = False
    ) -> None:
        (self._onnx,) = need_packages("export onnx", "export", "onnx")
        self.name = name
        self.int8 = int8
        self._writers = writers
        self._scope: list[str] = []
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._known: dict[tuple[Any, ...], Value] = {}
        self._written: dict[nn.Module, Any] = {}
        self._uses: dict[str, int] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._bytes = 0

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Put `name` before the names of all nodes of the block."""
        self._scope.append(name)
        try:
            yield
        finally:
            self._scope.pop()

    def write(self, module: nn.Module, *values: Any, name: str | None = None) -> Any:
        """Write a layer by the function of its kind, in a scope of its own if it has a name.

        Raises:
            ConfigError: no function is known for this kind of layer.
        """
        writer = self._writers.get(type(module))
        if writer is None:
            raise ConfigError(
                f"export onnx: the layer {type(module).__name__} has no description as a graph of "
                "standard operators"
            )
        with self.scope(name) if name is not None else nullcontext():
            written = writer(self, module, *values)
        self._written.setdefault(module, written)
        return written

    def first_result(self, module: nn.Module) -> Any:
        """Return what `write` returned when it first wrote a layer."""
        return self._written[module]

    def input(self, name: str, dtype: Any, shape: Sequence[str | int]) -> Value:
        """Add an input of the graph; a dimension that is a string has any size."""
        self._inputs.append(self._describe(name, dtype, shape))
        return name

    def output(self, value: Value, name: str, dtype: Any, shape: Sequence[str | int]) -> None:
        """Add an output of the graph."""
        self._nodes.append(
            self._onnx.helper.make_node("Identity", [value], [name], name=f"output/{name}")
        )
        self._outputs.append(self._describe(name, dtype, shape))

    def op(self, kind: str, *operands: Operand | None, **attributes: Any) -> Value:
        """Add a node of one output, and return its value.

        Operands that are numbers or arrays become constants; None is an operand left out. A Python
        float becomes float32, an int or a list of them int64.
        """
        return self.ops(kind, *operands, outputs=1, **attributes)[0]

    def ops(
        self, kind: str, *operands: Operand | None, outputs: int, **attributes: Any
    ) -> tuple[Value, ...]:
        """Add a node of several outputs, and return their values; see `op`."""
        name = self._unique(kind)
        inputs = ["" if operand is None else self.constant(operand) for operand in operands]
        names = [name] if outputs == 1 else [f"{name}:{number}" for number in range(outputs)]
        make_node = self._onnx.helper.make_node
        self._nodes.append(make_node(kind, inputs, names, name=name, **attributes))
        return tuple(names)

    def constant(self, operand: Operand) -> Value:
        """Return the value of a number or an array; a value stays as it is."""
        if isinstance(operand, str):
            return operand
        return self._add(f"constant_{len(self._constants)}", _to_array(operand))

    def weight(self, name: str, values: Tensor | Array) -> Value:
        """Return the value of a weight, which keeps its type."""
        return self._add(self._path(name), _to_numpy(values))

    def matrix(self, name: str, values: Tensor | Array, axis: int = 0) -> Value:
        """Return the value of a matrix; with `int8` one scale per entry of `axis`."""
        array = np.ascontiguousarray(_to_numpy(values), dtype=np.float32)
        if not self.int8 or array.size < FEWEST_NUMBERS:
            return self._add(self._path(name), array)
        moved = np.moveaxis(array, axis, 0)
        small, scales = quantize_rows(moved.reshape(len(moved), -1), self._path(name))
        whole = np.ascontiguousarray(np.moveaxis(small.reshape(moved.shape), 0, axis))
        rows = self._add(f"{self._path(name)}.int8", whole)
        return str(
            self.op(
                "DequantizeLinear",
                rows,
                self._add(f"{self._path(name)}.scales", scales.astype(np.float32)),
                axis=axis,
            )
        )

    def table(self, name: str, values: Tensor | Array) -> Table:
        """Return a table of rows to look up; with `int8` one scale per row."""
        path, array = self._path(name), np.ascontiguousarray(_to_numpy(values), dtype=np.float32)
        if not self.int8 or array.size < FEWEST_NUMBERS:
            return Table(self._add(path, array), None, len(array))
        small, scales = quantize_rows(array, path)
        rows = self._add(f"{path}.int8", small)
        return Table(rows, self._add(f"{path}.scales", scales), len(array))

    def look_up(self, table: Table, rows: Value) -> Value:
        """Return the rows [..., dim] at some numbers [...]."""
        found = self.op("Gather", table.rows, rows, axis=0)
        if table.scales is None:
            return found
        scales = self.op("Cast", self.op("Gather", table.scales, rows, axis=0), to=self.kind("f4"))
        numbers = self.op("Cast", found, to=self.kind("f4"))
        return self.op("Mul", numbers, self.op("Unsqueeze", scales, [-1]))

    def first_rows(self, table: Table, count: int) -> Value:
        """Return the first rows of a table as a matrix of floats [count, dim]."""
        rows = table.rows
        if count < table.count:
            rows = self.op("Slice", rows, np.array([0]), np.array([count]), np.array([0]))
        if table.scales is None:
            return rows
        scales = table.scales
        if count < table.count:
            scales = self.op("Slice", scales, np.array([0]), np.array([count]), np.array([0]))
        scales = self.op("Unsqueeze", self.op("Cast", scales, to=self.kind("f4")), [-1])
        return self.op("Mul", self.op("Cast", rows, to=self.kind("f4")), scales)

    def kind(self, dtype: Any) -> int:
        """Return ONNX's number of a type of NumPy."""
        number: int = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return number

    def to_bytes(self, description: str = "") -> bytes:
        """Return the file of the graph, the same bytes for the same graph.

        Raises:
            ConfigError: it would be too large for a file of ONNX.
        """
        helper = self._onnx.helper
        if self._bytes > MOST_BYTES:
            raise ConfigError(
                f"export onnx: {self.name} has {self._bytes:,} bytes of weights, and a file of "
                "ONNX has at most 2 GB; train with a smaller vocabulary, or fewer buckets"
            )
        graph = helper.make_graph(
            self._nodes,
            self.name,
            self._inputs,
            self._outputs,
            list(self._constants.values()),
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="munjang",
            doc_string=description,
        )
        data: bytes = model.SerializeToString(deterministic=True)
        return data

    def _describe(self, name: str, dtype: Any, shape: Sequence[str | int]) -> Any:
        return self._onnx.helper.make_tensor_value_info(name, self.kind(dtype), list(shape))

    def _add(self, name: str, array: Array) -> Value:
        """Add a constant; of equal ones, such as those of two towers, the first is used again."""
        digest = blake2b(np.ascontiguousarray(array).data).digest()
        key = (array.dtype.str, array.shape, digest)
        if key in self._known:
            return self._known[key]
        self._known[key] = name = self._counted(name)
        self._bytes += array.nbytes
        self._constants[name] = self._onnx.numpy_helper.from_array(array, name)
        return name

    def _path(self, name: str) -> str:
        return "/".join([*self._scope, name])

    def _unique(self, kind: str) -> str:
        return self._counted(self._path(kind))

    def _counted(self, name: str) -> str:
        count = self._uses.get(name, 0)
        self._uses[name] = count + 1
        return f"{name}_{count}" if count else name


def _to_array(operand: Operand) -> Array:
    if isinstance(operand, list):
        return np.array(operand, dtype=np.int64)
    if isinstance(operand, bool):
        return np.array(operand)
    if isinstance(operand, float):
        return np.array(operand, dtype=np.float32)
    if isinstance(operand, int):
        return np.array(operand, dtype=np.int64)
    return np.asarray(operand)


def _to_numpy(values: Tensor | Array) -> Array:
    if isinstance(values, Tensor):
        return values.detach().cpu().numpy()
    return values
