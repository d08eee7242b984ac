"""Base of tasks whose loss of a batch can be computed in parts, by several workers."""

from typing import Any

from torch import Tensor

from munjang.data.dataset import AnyBatch


class MeanLoss:
    """A task whose loss is a mean over the first dimension of its targets.

    It is a `munjang.tasks.task.SharesBatches`. A subclass implements `loss`.
    """

    def loss(self, outputs: Any, targets: Tensor) -> Tensor:
        """Return the loss of a batch, a scalar."""
        raise NotImplementedError

    @property
    def unshared(self) -> str:
        """Why batches cannot be shared with the settings at hand; "" if they can."""
        return ""

    def part_loss(self, outputs: Any, part: AnyBatch, whole: AnyBatch) -> Tensor:
        """Return the loss of a part times its share of the targets of the batch."""
        assert part.targets is not None
        assert whole.targets is not None
        share = len(part.targets) / max(1, len(whole.targets))
        return self.loss(outputs, part.targets) * share
