"""A member of a group of processes that train together."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import safetensors.torch
import torch
import torch.distributed as dist
from torch import Tensor, nn

from munjang import __version__
from munjang.data.dataset import AnyBatch
from munjang.errors import ConfigError
from munjang.layers.parameters import embedding_tables
from munjang.processes import count_cores
from munjang.tasks.task import TaskScores
from munjang.training.fingerprints import describe_change
from munjang.training.state import TrainingState
from munjang.training.threads import use_threads
from munjang.training.workers.alone import Workers
from munjang.training.workers.collectives import (
    add_up,
    broadcast,
    broadcast_json,
    losing_workers,
)
from munjang.training.workers.dealing import deal_rows
from munjang.training.workers.exchange import GradientExchange

# Seconds between two looks for what another worker announces.
_PAUSE = 0.02
# Spreads the seeds of dropout of the workers (the golden ratio in 64 bits).
_SEED_STRIDE = 0x9E3779B97F4A7C15
_LARGEST_SEED = 2**63


@dataclass(frozen=True)
class Place:
    """Place of a worker among all.

    Attributes:
        rank: its number, from 0.
        count: number of workers.
        local_rank: its number among those on this machine.
        local_count: number of workers on this machine.
    """

    rank: int
    count: int
    local_rank: int
    local_count: int


@dataclass(frozen=True)
class SharedScores:
    """The leader's scores, as the other workers know them.

    Attributes:
        rows: number of scored rows.
        metrics: metrics by name.
        is_finite: True if the weights gave finite numbers.
    """

    unit: ClassVar[str] = "row"

    rows: int
    metrics: dict[str, float]
    is_finite: bool

    def to_json(self) -> dict[str, Any]:
        """Return the metrics."""
        return dict(self.metrics)


class WorkerGroup(Workers):
    """A worker of the default process group of `torch.distributed`, which has been initialized.

    Args:
        place: the place of this worker.
        store: a `torch.distributed.Store` of the group.
        check: called while this worker waits for another one; raises if that has ended.
    """

    def __init__(self, place: Place, store: Any, check: Callable[[], None] | None = None) -> None:
        self.rank, self.count, self.place = place.rank, place.count, place
        self.store, self.check = store, check
        self._validations = 0
        self._exchange: GradientExchange | None = None
        self._tables: set[int] = set()
        self._dealt, self._whole = torch.zeros(0, dtype=torch.int64), 0
        # this worker's news, and those of all that came with the last gradients
        self._seconds, self._stop, self._checkpoint = 0.0, False, False
        self._told = (0.0, False, False)

    @property
    def facts(self) -> dict[str, Any]:
        """The number of workers, and the seconds of exchanging gradients."""
        seconds = 0.0 if self._exchange is None else self._exchange.seconds
        return {"workers": self.count, "exchange_seconds": round(seconds, 3)}

    def device(self, name: str) -> str:
        """Return the GPU of this worker: as many share one as there are more workers than GPUs.

        Raises:
            ConfigError: the settings name a single GPU for all.
        """
        if name == "cpu":
            return name
        if name != "cuda":
            raise ConfigError(
                f"training.device: expected cuda for {self.count} workers, which take a GPU each; "
                f"got {name}"
            )
        return f"cuda:{self.place.local_rank % max(1, torch.cuda.device_count())}"

    def announce_prepared(self, fingerprint: str) -> None:
        """Wait until all workers have prepared the training, and compare what they have."""
        versions = {"munjang": __version__, "torch": torch.__version__}
        self._announce({"fingerprint": fingerprint, "versions": versions})
        others = range(self.count) if self.leads else [0]
        for rank in others:
            announced = json.loads(self._wait_for(f"prepared/{rank}"))
            self._compare(rank, announced, fingerprint, versions)

    def announce_failure(self, message: str) -> None:
        """Let the leader, which waits for `announce_prepared`, say why this worker ended."""
        self._announce({"error": message})

    def wait_for_leader(self) -> None:
        """Wait until the leader has prepared the training, whose files this worker reads."""
        if not self.leads:
            self._wait_for("prepared/0")

    def _announce(self, values: Mapping[str, Any]) -> None:
        with losing_workers():
            self.store.set(f"prepared/{self.rank}", json.dumps(values))

    def _wait_for(self, key: str) -> bytes:
        """Return what a worker wrote under a key, however long it takes until then."""
        while True:
            with losing_workers():
                if self.store.check([key]):
                    value: bytes = self.store.get(key)
                    return value
            if self.check is not None:
                self.check()
            time.sleep(_PAUSE)

    def _compare(
        self, rank: int, announced: Any, fingerprint: str, versions: Mapping[str, str]
    ) -> None:
        if "error" in announced:
            raise ConfigError(f"worker {rank}: {announced['error']}")
        for name, version in versions.items():
            if announced["versions"][name] != version:
                raise ConfigError(
                    f"worker {rank} has {name} {announced['versions'][name]}, and worker "
                    f"{self.rank} has {version}; install one version everywhere"
                )
        if announced["fingerprint"] != fingerprint:
            changed = describe_change(announced["fingerprint"], fingerprint)
            raise ConfigError(
                f"worker {rank} has other data or settings than worker {self.rank}"
                f"{f' ({changed})' if changed else ''}; give all of them the same files"
            )

    def share_state(self, state: TrainingState) -> None:
        """Give the leader's state to all workers."""
        self._tables = {id(table) for table in embedding_tables(state.model)}
        numbers = broadcast_json(state.numbers(), leads=self.leads)
        data = broadcast(safetensors.torch.save(state.tensors()) if self.leads else b"")
        if not self.leads:
            device = next(state.model.parameters()).device
            tensors = safetensors.torch.load(data)
            state.restore({name: t.to(device) for name, t in tensors.items()}, numbers)
        self.deal_carried(state)

    def gather_carried(self, state: TrainingState) -> None:
        """Let every worker carry the tensors of all rows."""
        carriers = dict(state.carriers())
        shapes = [
            (prefix, key, list(tensor.shape[1:]))
            for prefix, module in carriers.items()
            for key, tensor in module.carried.items()
        ]
        for prefix, key, shape in broadcast_json(shapes, leads=self.leads):
            carried = carriers[prefix].carried
            device = next(state.model.parameters()).device
            whole = torch.zeros(self._whole, *shape, device=device)
            if key in carried:  # a worker without rows has none
                whole[self._dealt.to(device)] = carried[key]
            whole = whole.cpu()
            add_up(whole)
            carried[key] = whole.to(device)

    def deal_carried(self, state: TrainingState) -> None:
        """Let every worker carry the tensors of its own rows."""
        for _, module in state.carriers():
            for key, whole in module.carried.items():
                self._whole = len(whole)
                self._dealt = deal_rows(torch.ones(len(whole)), self.rank, self.count)
                module.carried[key] = whole[self._dealt.to(whole.device)]

    def take_part(self, batch: Any) -> Any:
        """Return the rows of a batch that this worker computes; None if it has none."""
        self._whole = len(batch.rows)
        self._dealt = deal_rows(batch.row_sizes, self.rank, self.count)
        return batch.take(self._dealt) if len(self._dealt) else None

    def part_loss(self, task: Any, outputs: Any, part: AnyBatch, whole: AnyBatch) -> Tensor:
        """Return the loss of the rows of this worker: those of all workers add up."""
        loss: Tensor = task.part_loss(outputs, part, whole)
        return loss

    def seed_dropout(self, generator: torch.Generator, seed: int) -> None:
        """Let dropout of each worker differ; that of the leader is that of one process."""
        if self.rank:
            generator.manual_seed((seed + self.rank * _SEED_STRIDE) % _LARGEST_SEED)

    def sum_gradients(self, parameters: Sequence[nn.Parameter], loss: Tensor | float) -> float:
        """Replace the gradients by the sums over all workers, and return the sum of the losses."""
        numbers = [
            float(loss),
            self._seconds if self.leads else 0.0,
            float(self._stop),
            float(self._checkpoint and self.leads),
        ]
        if self._exchange is None:
            device = self._exchange_device(parameters[0].device)
            self._exchange = GradientExchange(
                parameters, self._tables, self.rank, self.count, device
            )
        total, seconds, stop, checkpoint = self._exchange(numbers)
        self._seconds, self._stop, self._checkpoint = 0.0, False, False
        self._told = (seconds, stop > 0, checkpoint > 0)
        return total

    def _exchange_device(self, device: torch.device) -> torch.device:
        """Return the device of the buffers: NCCL takes one worker per GPU."""
        is_shared = self.place.local_count > torch.cuda.device_count()
        return torch.device("cpu") if is_shared or not dist.is_nccl_available() else device

    def share_seconds(self, seconds: float, *, at_once: bool = False) -> float:
        """Return the seconds by which the run has become longer, by the leader's clock."""
        self._seconds += seconds
        if at_once:
            shared: float = broadcast_json(self._seconds, leads=self.leads)
            self._seconds = 0.0
            return shared
        told, _, _ = self._told
        return told

    def agree(self, *, stop: bool, checkpoint: bool) -> tuple[bool, bool]:
        """Return what was wished before the last step; note the wishes for the next one."""
        self._stop |= stop
        self._checkpoint |= checkpoint
        _, is_stopped, is_due = self._told
        return is_stopped, is_due

    def lead(self, validate: Callable[[], TaskScores]) -> TaskScores:
        """Return the scores of the leader, which has the cores of the waiting workers meanwhile."""
        self._validations += 1
        key = f"validated/{self._validations}"
        if not self.leads:
            self._wait_for(key)  # an exchange has a time limit, and a validation run has none
            return SharedScores(**broadcast_json(None, leads=False))
        threads = min(count_cores(), torch.get_num_threads() * self.place.local_count)
        with use_threads(threads):
            scores = validate()
        with losing_workers():
            self.store.set(key, "")
        told = {
            "rows": scores.rows,
            "metrics": scores.metrics,
            "is_finite": bool(scores.is_finite),
        }
        broadcast_json(told, leads=True)
        return scores
