"""Collective operations of the default process group; a lost worker is an error of its own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from munjang.errors import MunjangError


class WorkerLostError(MunjangError):
    """The connection to another worker was lost, which has most likely ended."""


@contextmanager
def losing_workers() -> Iterator[None]:
    """Raise `WorkerLostError` for a connection that was closed in the block.

    Nothing else may stand in it: torch raises a plain `RuntimeError` for this, as for much else.
    """
    try:
        yield
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise WorkerLostError(f"the connection to another worker was lost ({reason})") from None


def add_up(values: Tensor) -> None:
    """Replace `values` by the sums over all workers."""
    with losing_workers():
        dist.all_reduce(values)


def take_largest(values: Tensor) -> None:
    """Replace `values` by the largest of all workers."""
    with losing_workers():
        dist.all_reduce(values, dist.ReduceOp.MAX)


def gather(values: Tensor, count: int) -> list[Tensor]:
    """Return the values of each of `count` workers, which have as many."""
    gathered = [torch.empty_like(values) for _ in range(count)]
    if len(values):
        with losing_workers():
            dist.all_gather(gathered, values)
    return gathered


def broadcast(data: bytes) -> bytes:
    """Return the bytes of worker 0; the other workers give none."""
    size = torch.tensor([len(data)])
    with losing_workers():
        dist.broadcast(size, 0)
    content = torch.zeros(int(size), dtype=torch.uint8)
    if data:
        content = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    with losing_workers():
        dist.broadcast(content, 0)
    return content.numpy().tobytes()


def broadcast_json(values: Any, *, leads: bool) -> Any:
    """Return the values of worker 0, as they are after JSON; those of the others are not read."""
    return json.loads(broadcast(json.dumps(values).encode() if leads else b""))
