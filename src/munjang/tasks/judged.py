"""How a task whose answer to a row is one vector of logits is judged on a dataset."""

from typing import Any, Self

from torch import nn

from munjang.data.dataset import Dataset
from munjang.tasks.inference import logits_of


class JudgedByLogits:
    """Judges by all logits at once, with the `scores` and `finished` of the task."""

    scores: Any
    finished: Any

    def judge(self, network: nn.Module, data: Dataset) -> Any:
        """Scores of `network` on `data`, which has targets."""
        return self.scores(logits_of(network, data), data.targets)

    def concluded(self, network: nn.Module, data: Dataset) -> tuple[Self, Any]:
        """The task with what `data` teaches once the weights are final, and the scores on it."""
        logits = logits_of(network, data)
        task: Self = self.finished(logits, data.targets)
        return task, task.scores(logits, data.targets)
