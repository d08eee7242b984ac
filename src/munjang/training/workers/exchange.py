"""Sums of the gradients of all workers, dense and row-sparse.

All dense gradients and a few numbers of the step travel in one buffer, by one `all_reduce`. Of a
row-sparse gradient only the touched rows travel, all tables' in one `all_gather`: the numbers of
rows stand in the buffer before, and each worker pads to the most. Every worker adds up the same
numbers in the same order, so that all have the same gradients bit for bit.

PyTorch's DistributedDataParallel is not used: with gloo it fails on a row-sparse gradient without
rows (pytorch#87497), which a part of a batch easily has, and it would keep a loss per worker.
"""

import time
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor, nn

from munjang.training.kernels import coalesce_rows
from munjang.training.workers.collectives import add_up, gather, take_largest

# Kinds of a gradient, of which the largest of all workers counts.
_NONE, _SPARSE, _DENSE = 0, 1, 2
# A number of rows travels in two float32, which hold whole numbers up to 2^24 exactly.
_DIGIT = 1 << 16
# float32 numbers that one int64 takes.
_INDEX = 2


class GradientExchange:
    """Adds up the gradients of some parameters over all workers of the default process group.

    Args:
        parameters: those of the network, in the same order on every worker.
        tables: ids of the parameters whose gradient is row-sparse unless a worker has a dense one.
        rank: number of this worker.
        count: number of workers.
        device: device of the buffers.

    Attributes:
        seconds: time spent so far, waiting for the others included.
    """

    def __init__(
        self,
        parameters: Sequence[nn.Parameter],
        tables: set[int],
        rank: int,
        count: int,
        device: torch.device,
    ) -> None:
        self.parameters = [parameter for parameter in parameters if parameter.requires_grad]
        self.rank, self.count, self.device = rank, count, device
        self.seconds = 0.0
        kinds = self._agree_on_kinds(tables)
        self.sparse = [p for p, kind in zip(self.parameters, kinds, strict=True) if kind == _SPARSE]
        self.dense = [p for p, kind in zip(self.parameters, kinds, strict=True) if kind != _SPARSE]
        self.ordered = [*self.dense, *self.sparse]
        self._buffer, self._dense = torch.zeros(0), list[Tensor]()

    def _agree_on_kinds(self, tables: set[int]) -> list[int]:
        kinds = []
        for parameter in self.parameters:
            kind = _SPARSE if id(parameter) in tables else _NONE
            if parameter.grad is not None:
                kind = _SPARSE if parameter.grad.is_sparse else _DENSE
            kinds.append(kind)
        agreed = torch.tensor(kinds, dtype=torch.int64, device=self.device)
        take_largest(agreed)
        return agreed.tolist()

    def __call__(self, numbers: Sequence[float]) -> list[float]:
        """Set every gradient to its sum over the workers, and return the sums of `numbers`.

        A gradient that no worker has stays None. The gradients are views of a buffer that the next
        call fills anew.
        """
        rows = [self._touched_rows(parameter) for parameter in self.sparse]
        head = [*numbers, *(float(p.grad is not None) for p in self.ordered)]
        start = len(head)
        head += self._row_counts([len(numbers_of) for numbers_of, _ in rows])
        self._fill(head)
        began = time.perf_counter()
        add_up(self._buffer)
        totals: list[float] = self._buffer[: len(head)].tolist()
        self.seconds += time.perf_counter() - began
        held = totals[len(numbers) : start]
        for parameter, total, is_held in zip(self.dense, self._dense, held, strict=False):
            parameter.grad = total.to(parameter.device) if is_held else None
        if self.sparse:
            counts = self._read_counts(totals[start:])
            for parameter, total, is_held in zip(
                self.sparse, self._gather(rows, counts), held[len(self.dense) :], strict=True
            ):
                parameter.grad = total if is_held else None
        return totals[: len(numbers)]

    def _fill(self, head: list[float]) -> None:
        """Write the numbers and the dense gradients into the buffer; zeros where there is none."""
        if not len(self._buffer):
            ends = list(accumulate((p.numel() for p in self.dense), initial=len(head)))
            self._buffer = torch.zeros(ends[-1], device=self.device)
            self._dense = [
                self._buffer[start : start + p.numel()].view_as(p)
                for start, p in zip(ends, self.dense, strict=False)
            ]
        self._buffer[: len(head)] = torch.tensor(head, device=self.device)
        for parameter, values in zip(self.dense, self._dense, strict=True):
            gradient = parameter.grad
            if gradient is None:
                values.zero_()
            else:
                values.copy_(gradient.to_dense() if gradient.is_sparse else gradient)

    def _touched_rows(self, parameter: nn.Parameter) -> tuple[Tensor, Tensor]:
        """Return row numbers [touched], each once, and their gradients [touched, dim]."""
        gradient = parameter.grad
        if gradient is None:
            none = torch.zeros(0, dtype=torch.int64, device=self.device)
            return none, torch.zeros(0, *parameter.shape[1:], device=self.device)
        if not gradient.is_sparse:  # unlike in the first step; it touches every row
            every = torch.arange(len(gradient), device=gradient.device)
            return every.to(self.device), gradient.to(self.device)
        gradient = coalesce_rows(gradient)
        return gradient.indices()[0].to(self.device), gradient.values().to(self.device)

    def _row_counts(self, counts: list[int]) -> list[float]:
        """Return the numbers of touched rows, [table, worker, 2]: those of other workers are 0."""
        digits = [0.0] * (2 * len(counts) * self.count)
        for table, count in enumerate(counts):
            place = 2 * (table * self.count + self.rank)
            digits[place : place + 2] = divmod(count, _DIGIT)
        return digits

    def _read_counts(self, digits: list[float]) -> list[list[int]]:
        """Return the numbers of touched rows, [table][worker]."""
        pairs = zip(digits[::2], digits[1::2], strict=True)
        flat = [int(high) * _DIGIT + int(low) for high, low in pairs]
        return [flat[start : start + self.count] for start in range(0, len(flat), self.count)]

    def _gather(self, rows: list[tuple[Tensor, Tensor]], counts: list[list[int]]) -> list[Tensor]:
        """Return the sum of each row-sparse gradient over all workers.

        Args:
            rows: row numbers and gradients of this worker, by table.
            counts: numbers of touched rows, [table][worker].
        """
        widths = [parameter[0].numel() for parameter in self.sparse]
        touched = [[count[rank] for count in counts] for rank in range(self.count)]
        sizes = [
            sum(n * (_INDEX + width) for n, width in zip(numbers, widths, strict=True))
            for numbers in touched
        ]
        mine = torch.zeros(max(sizes), device=self.device)
        middle = sum(touched[self.rank]) * _INDEX
        # the bits of an int64 as two float32: nothing is computed with them on the way
        mine[:middle].view(torch.int64).copy_(torch.cat([part for part, _ in rows]))
        sums = torch.cat([part.flatten() for _, part in rows])
        mine[middle : sizes[self.rank]] = sums
        began = time.perf_counter()
        gathered = gather(mine, self.count)
        self.seconds += time.perf_counter() - began
        parts = [
            _take_apart(sent, numbers_of, widths)
            for sent, numbers_of in zip(gathered, touched, strict=True)
        ]
        totals = []
        for table, parameter in enumerate(self.sparse):
            indices = torch.cat([part[table][0] for part in parts])
            values = torch.cat([part[table][1] for part in parts])
            rows_of_all, sums = _merge_rows(indices, values.view(-1, *parameter.shape[1:]))
            totals.append(
                torch.sparse_coo_tensor(
                    rows_of_all[None].to(parameter.device),
                    sums.to(parameter.device),
                    parameter.shape,
                    is_coalesced=True,
                    check_invariants=False,
                )
            )
        return totals


def _take_apart(sent: Tensor, counts: list[int], widths: list[int]) -> list[tuple[Tensor, Tensor]]:
    """Return the row numbers [touched] and the gradients [touched x width] of each table.

    Args:
        sent: what a worker sent: the row numbers of all tables, then their gradients.
        counts: numbers of touched rows, by table.
        widths: numbers per row, by table.
    """
    sizes = [count * _INDEX for count in counts]
    sizes += [count * width for count, width in zip(counts, widths, strict=True)]
    parts = torch.split(sent[: sum(sizes)], sizes)
    tables = len(counts)
    return [(parts[n].view(torch.int64), parts[tables + n]) for n in range(tables)]


def _merge_rows(rows: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Return each row once, ascending, and the sum of its values in the order of the workers.

    Args:
        rows: row numbers [touched], those of each worker ascending.
        values: [touched, dim].
    """
    if not len(rows) or rows.device.type != "cpu":
        merged = torch.sparse_coo_tensor(rows[None], values, check_invariants=False).coalesce()
        return merged.indices()[0], merged.values()
    # `coalesce` takes two and a half times as long
    numbers = rows.numpy()
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    is_first = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    starts = is_first.nonzero()[0]
    bags, ends = torch.from_numpy(order), torch.from_numpy(starts)
    sums = torch.embedding_bag(values, bags, ends, False, 0, False)[0]
    return torch.from_numpy(ordered[starts]), sums
