"""The workers of a training: what the loop asks of them, and the default of one process."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from munjang.data.dataset import AnyBatch
from munjang.tasks.task import TaskScores
from munjang.training.state import TrainingState


class WorkerDone(SystemExit):
    """Raised at the end of a training in a worker that does not lead; its process ends."""

    def __init__(self) -> None:
        super().__init__(0)


class Workers:
    """One process that trains alone; a `munjang.training.workers.group.WorkerGroup` is of several.

    Every worker builds the same loop on the same data. In each step it computes the gradients of
    its rows of the batch, which are then added up, so that all workers take the same step. The
    leader alone validates, decides, and writes files.

    Attributes:
        rank: number of this worker, from 0.
        count: number of workers.
    """

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """True for the worker that validates and writes."""
        return self.rank == 0

    @property
    def facts(self) -> dict[str, Any]:
        """Entries of the workers in `metrics.json`."""
        return {}

    def device(self, name: str) -> str:
        """Return the device of this worker, if the settings name `name`."""
        return name

    def wait_for_leader(self) -> None:
        """Wait until the leader has prepared the training, whose files this worker reads."""

    def announce_prepared(self, fingerprint: str) -> None:
        """Wait until all workers have prepared the training, and compare what they have.

        Raises:
            ConfigError: a worker has other data, settings or versions, or failed.
        """

    def announce_failure(self, message: str) -> None:
        """Let the leader, which waits for `announce_prepared`, say why this worker ended."""

    def share_state(self, state: TrainingState) -> None:
        """Give the leader's state to all workers."""

    def gather_carried(self, state: TrainingState) -> None:
        """Let every worker carry the tensors of all rows, as a checkpoint holds them."""

    def deal_carried(self, state: TrainingState) -> None:
        """Let every worker carry the tensors of its own rows, after `gather_carried`."""

    def take_part(self, batch: Any) -> Any:
        """Return the rows of a batch that this worker computes; None if it has none."""
        return batch

    def seed_dropout(self, generator: torch.Generator, seed: int) -> None:
        """Let dropout of each worker differ, once targets are drawn alike by all of them."""

    def sum_gradients(
        self, parameters: Sequence[nn.Parameter], loss: Tensor | float
    ) -> Tensor | float:
        """Replace the gradients by the sums over all workers, and return the sum of the losses."""
        return loss

    def share_seconds(self, seconds: float, *, at_once: bool = False) -> float:
        """Return the seconds by which the run has become longer.

        Args:
            seconds: those of this worker.
            at_once: exchange them now. Otherwise the workers learn the leader's with the gradients
                of the next step, and count those of the step before.
        """
        return seconds

    def agree(self, *, stop: bool, checkpoint: bool) -> tuple[bool, bool]:
        """Return whether the run stops now, and whether its state is written.

        Several workers learn a wish with the gradients of the next step.

        Args:
            stop: this worker was asked to stop.
            checkpoint: this worker, the leader, is due to write a checkpoint.
        """
        return stop, checkpoint

    def lead(self, validate: Callable[[], TaskScores]) -> TaskScores:
        """Return the scores that `validate` gives the leader."""
        return validate()

    def part_loss(self, task: Any, outputs: Any, part: AnyBatch, whole: AnyBatch) -> Tensor:
        """Return the loss of the rows of this worker: those of all workers add up."""
        assert part.targets is not None
        loss: Tensor = task.loss(outputs, part.targets)
        return loss


ALONE = Workers()
