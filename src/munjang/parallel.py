"""One training by workers on the machines of a Ray cluster.

This process leads: it validates, decides, and writes the folder, as in a training by itself. The
other workers are tasks of the cluster, each of which prepares the same training and takes part in
its steps. When a node dies, all of them begin again from the last checkpoint.
"""

import json
import os
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from torch.distributed import TCPStore  # type: ignore[attr-defined]

from munjang.api import Trained, train
from munjang.cluster.connect import connect
from munjang.cluster.nodes import check_nodes, require_slots
from munjang.cluster.reservation import hold_cores, own_address
from munjang.cluster.tasks import Task, cancel_tasks
from munjang.errors import ConfigError, MunjangError
from munjang.reporting import Report, discard, pluralize
from munjang.training.loop import Step
from munjang.training.run import Interrupted, OnStep
from munjang.training.threads import use_threads
from munjang.training.workers import WorkerDone
from munjang.training.workers.collectives import WorkerLostError
from munjang.training.workers.group import Place
from munjang.training.workers.joining import TIMEOUT, joined_group, leave_group

# Attempts without a step further than before, after which the training is given up.
_MOST_ATTEMPTS = 3
# The longest wait for workers that have arrived to connect: one that dies meanwhile is not noticed.
_JOINING = timedelta(minutes=2)
# Seconds between two looks for workers that have arrived.
_PAUSE = 0.1
_LOST = "a worker was lost; the training goes on from its last checkpoint"


def train_on_cluster(
    data: Any,
    *,
    out: str | Path,
    cluster: str,
    workers: int | None = None,
    report: Report | None = None,
    on_step: OnStep | None = None,
    resume: bool = False,
    **arguments: Any,
) -> Trained:
    """Train a model by workers on a Ray cluster, one core and one thread each.

    Args:
        data: paths that all nodes see.
        out: model folder to write; all nodes see the folder that it is in.
        cluster: `auto`, or HOST:PORT of the head; this machine is a node of the cluster.
        workers: number of workers, this process among them; one per core if omitted.
        report: as for `munjang.train`.
        on_step: as for `munjang.train`.
        resume: as for `munjang.train`.
        arguments: further ones of `munjang.train`, of plain values.

    Raises:
        ConfigError: the cluster cannot be joined, has too few cores, or lost its workers again and
            again; or data are not in files.
        MunjangError: as for `munjang.train`.
        Interrupted: as for `munjang.train`.
    """
    report = report or discard
    theirs = _plain({"data": data, "out": str(out), **arguments})
    with connect(cluster):
        check_nodes(_existing_parent(Path(out)))
        slots = require_slots(1)
        count = workers or slots
        if count > slots:
            raise ConfigError(
                f"workers: {count} are asked for, and the cluster has {pluralize(slots, 'core')}"
            )
        report(f"cluster: {pluralize(count, 'worker')} of one core each")
        with hold_cores(1), use_threads(1):
            attempts = _Attempts(on_step)
            while True:
                try:
                    return _attempt(
                        count,
                        theirs,
                        data=data,
                        out=out,
                        report=report,
                        on_step=attempts,
                        resume=resume,
                        **arguments,
                    )
                except WorkerLostError as error:
                    attempts.count(error)
                    report(_LOST)
                    resume = True


class _Attempts:
    """Counts the attempts that came no further, as the `on_step` of all of them."""

    def __init__(self, on_step: OnStep | None) -> None:
        self.on_step = on_step
        self.furthest, self.reached, self.vain = 0, 0, 0

    def __call__(self, step: Step) -> None:
        """Note a step."""
        self.reached = step.number
        if self.on_step is not None:
            self.on_step(step)

    def count(self, error: WorkerLostError) -> None:
        """Note the end of an attempt.

        Raises:
            ConfigError: several in a row came no further.
        """
        self.vain = self.vain + 1 if self.reached <= self.furthest else 0
        self.furthest = max(self.furthest, self.reached)
        if self.vain >= _MOST_ATTEMPTS:
            raise ConfigError(
                f"cluster: workers were lost {self.vain} times at step {self.reached:,} ({error}); "
                "--resume continues once the cluster is well"
            ) from None


def _attempt(count: int, theirs: Mapping[str, Any], **ours: Any) -> Trained:
    """Train with new workers.

    Raises:
        WorkerLostError: one of them was lost.
    """
    if count == 1:
        return train(ours.pop("data"), progress=False, **ours)
    address = own_address()
    _choose_interface(address)
    store = TCPStore(address, 0, is_master=True, wait_for_workers=False, timeout=TIMEOUT)
    meeting = {"host": address, "port": store.port, "count": count}
    tasks = [
        Task(follow, {**meeting, "rank": rank, "arguments": theirs}, retries=0)
        for rank in range(1, count)
    ]

    def check() -> None:
        for task in tasks:
            if task.is_ended:
                _raise_if_lost(task)

    try:
        while not store.check([f"arrived/{rank}" for rank in range(1, count)]):
            check()
            time.sleep(_PAUSE)
        with ExitStack() as stack:
            try:
                joined = joined_group(Place(0, count, 0, 1), store, check, _JOINING)
                workers = stack.enter_context(joined)
            except ConfigError as error:  # one has died since it arrived
                raise WorkerLostError(str(error)) from None
            return train(ours.pop("data"), progress=False, workers=workers, **ours)
    finally:
        cancel_tasks(tasks)


def _raise_if_lost(task: Task) -> None:
    try:
        task.result()  # one that has failed by itself has said why in the store
    except MunjangError as error:
        raise WorkerLostError(str(error)) from None


def follow(item: Mapping[str, Any]) -> None:
    """Take part in a training that another process leads, in a task.

    Args:
        item: `host` and `port` of the store, `rank` and `count`, and the `arguments` of
            `munjang.train`.
    """
    _choose_interface(own_address())
    # Ray gives a process one task after another, and may have interrupted the last one anywhere
    leave_group()
    with suppress(WorkerLostError, WorkerDone, Interrupted):
        store = TCPStore(item["host"], item["port"], is_master=False, timeout=TIMEOUT)
        store.set(f"arrived/{item['rank']}", "")
        place = Place(item["rank"], item["count"], 0, 1)
        with joined_group(place, store, patience=_JOINING) as workers:
            arguments = dict(item["arguments"])
            try:
                train(arguments.pop("data"), progress=False, workers=workers, **arguments)
            except WorkerLostError:
                raise
            except MunjangError as error:
                workers.announce_failure(str(error))


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments as plain values, and relative paths as absolute ones.

    Raises:
        ConfigError: an argument is in memory.
    """
    try:
        plain: dict[str, Any] = json.loads(json.dumps(arguments, default=_to_text))
    except TypeError as error:
        raise ConfigError(
            f"cluster: expected files that all nodes see, got data in memory ({error})"
        ) from None
    paths = ("data", "out", "valid", "config", "vectors", "from_folder", "cache")
    return {key: _absolute(v) if key in paths else v for key, v in plain.items()}


def _to_text(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(type(value).__name__)


def _absolute(value: Any) -> Any:
    if isinstance(value, str):
        return str(Path(value).absolute())
    return [_absolute(each) for each in value] if isinstance(value, list) else value


def _existing_parent(path: Path) -> Path:
    """Return the folder that a path is in, or the next one above that exists."""
    return next(parent for parent in path.resolve().parents if parent.is_dir())


def _choose_interface(address: str) -> None:
    """Let gloo use the network interface of an address; by itself it looks up the host's name."""
    if "GLOO_SOCKET_IFNAME" in os.environ or not hasattr(socket, "if_nameindex"):
        return
    with suppress(OSError, ImportError):
        import fcntl

        for _, name in socket.if_nameindex():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
                # SIOCGIFADDR of Linux: the address of an interface stands at byte 20
                request = name.encode()[:15].ljust(256, b"\0")
                found = fcntl.ioctl(probe.fileno(), 0x8915, request)[20:24]
                if socket.inet_ntoa(found) == address:
                    os.environ["GLOO_SOCKET_IFNAME"] = name
                    return
