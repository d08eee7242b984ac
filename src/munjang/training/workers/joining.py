"""Joining the group of workers that the environment describes.

torchrun gives each process that it starts its place and where the others are: RANK, WORLD_SIZE,
LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT. `munjang train --workers` gives the same,
but for the address: the workers of one machine meet in a file, and no port is open to other users.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed import (  # type: ignore[attr-defined]
    FileStore,
    PrefixStore,
    rendezvous,
)
from torch.distributed.distributed_c10d import _set_pg_timeout

from munjang.errors import ConfigError
from munjang.training.workers.alone import ALONE, Workers
from munjang.training.workers.group import Place, WorkerGroup

# The file in which the workers of one machine meet.
MEETING = "MUNJANG_MEETING"
# The longest wait in one exchange. A process that ends closes its connections, which the others
# notice at once; so this is for a machine that vanishes from the network, and longer than the
# leader takes to write a checkpoint.
TIMEOUT = timedelta(minutes=10)


def find_place(environment: Mapping[str, str]) -> Place | None:
    """Return the place of this process among several workers; None if it is no worker.

    Raises:
        ConfigError: a variable is no number.
    """
    if not (MEETING in environment or "MASTER_ADDR" in environment):
        return None
    if "RANK" not in environment or "WORLD_SIZE" not in environment:
        return None
    rank, count = _number(environment, "RANK"), _number(environment, "WORLD_SIZE")
    local = {"LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1", **environment}
    place = Place(rank, count, _number(local, "LOCAL_RANK"), _number(local, "LOCAL_WORLD_SIZE"))
    return place if count > 1 else None


@contextmanager
def join_workers(environment: Mapping[str, str] = os.environ) -> Iterator[Workers]:
    """Join the workers that the environment describes, for the duration of the block.

    Yields:
        This worker; `ALONE` if the environment describes none.

    Raises:
        ConfigError: the other workers cannot be reached.
    """
    place = find_place(environment)
    if place is None:
        yield ALONE
        return
    with joined_group(place, _open_store(place, environment)) as workers:
        yield workers


@contextmanager
def joined_group(
    place: Place,
    store: Any,
    check: Callable[[], None] | None = None,
    patience: timedelta = TIMEOUT,
) -> Iterator[WorkerGroup]:
    """Make the default process group of the workers of a store, for the duration of the block.

    Args:
        place: the place of this worker.
        store: a `torch.distributed.Store` that all of them have opened.
        check: as for `WorkerGroup`.
        patience: the longest wait for the others to join.

    Raises:
        ConfigError: the other workers cannot be reached.
    """
    has_nccl = torch.cuda.is_available() and dist.is_nccl_available()
    backend = "cpu:gloo,cuda:nccl" if has_nccl else "gloo"
    try:
        try:
            dist.init_process_group(
                backend,
                store=PrefixStore("group", store),
                rank=place.rank,
                world_size=place.count,
                timeout=patience,
            )
        except RuntimeError as error:
            raise ConfigError(f"workers: no connection to the others: {error}") from None
        if patience != TIMEOUT:
            _set_pg_timeout(TIMEOUT)
        yield WorkerGroup(place, PrefixStore("munjang", store), check)
    finally:  # also if joining was interrupted
        leave_group()


def leave_group() -> None:
    """Destroy the default process group of this process, if there is one."""
    if dist.is_initialized():
        dist.destroy_process_group()


def _open_store(place: Place, environment: Mapping[str, str]) -> Any:
    path = environment.get(MEETING)
    if path is not None:
        return FileStore(path, place.count)
    try:
        store, _, _ = next(iter(rendezvous("env://", place.rank, place.count)))
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"workers: no connection to the others: {error}") from None
    return store


def _number(environment: Mapping[str, str], name: str) -> int:
    value = environment[name]
    if not value.isdecimal():
        raise ConfigError(f"{name}: expected the whole number that torchrun gives, got {value!r}")
    return int(value)
