"""The base of tasks with one vector of logits per row."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from munjang.config import Settings
from munjang.data.dataset import Dataset
from munjang.data.table import Table
from munjang.errors import ConfigError
from munjang.registry import only_for_writers
from munjang.tasks.classification_scores import Ints
from munjang.tasks.explained import ExplainedScores, arguments_of, linear_scores
from munjang.tasks.heads import Head
from munjang.tasks.inference import compute_logits, evaluating, logits_in_batches
from munjang.tasks.shared_loss import MeanLoss
from munjang.tasks.task import Answer, Bools, Encoded, RunSettings

# Most probabilities, of 64 bits, in memory at once.
MOST_AT_ONCE = 2**20


class Scorer(Protocol):
    """An accumulator of scores that takes logits batch by batch."""

    def add(self, rows: Ints, logits: Tensor) -> None:
        """Add the logits [batch, outputs] of the rows at some indices [batch] of the targets."""

    def scores(self) -> Any:
        """Return the scores of all rows, each of which was added once."""


class LogitsTask(MeanLoss):
    """A linear head on one vector per row.

    A subclass implements `outputs`, `reader`, `fit`, `restore`, `targets`, `loss`, `scorer`,
    `answers_of`, `state` and `card`.

    Attributes:
        outputs: number of logits.
        scorer: makes a `Scorer` of targets [rows, ...].
        bounded_gradient: True if the gradient of the loss with respect to a logit is bounded.
    """

    sections: ClassVar[Mapping[str, type[Settings]]]
    has_labels: ClassVar[bool] = True
    stratified: ClassVar[bool] = False
    bounded_gradient: ClassVar[bool] = True

    @property
    def outputs(self) -> int:
        """Number of logits per row."""
        raise NotImplementedError

    def scorer(self, targets: Any) -> Scorer:
        """Return a scorer of rows against `targets` [rows, ...]."""
        raise NotImplementedError

    @classmethod
    def settings_in(cls, recipe: RunSettings) -> Any:
        """Return the settings of the task in a recipe: its first section."""
        return recipe.section(next(iter(cls.sections)))

    @classmethod
    def check_recipe(cls, recipe: RunSettings) -> None:
        """Accept any."""

    @classmethod
    def defaults(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the defaults of the task: `mean` needs no gradient clipping."""
        if given["model"]["name"] == "mean" and cls.bounded_gradient:
            # without layers a bounded gradient stays small, and its norm takes time to compute
            return {"training": {"clip_norm": None}}
        return {}

    @classmethod
    def check_rows(cls, rows: Table, least: int) -> None:
        """Accept any."""

    def with_input(self, fitted: Any) -> Self:
        """Return the task as it is."""
        return self

    def remarks(self, train: Table) -> list[str]:
        """Return no notes."""
        return []

    def targets(self, rows: Table) -> npt.NDArray[Any]:
        """Return the targets of loss and scores, [rows] or [rows, labels]."""
        raise NotImplementedError

    def dataset(self, encoded: Encoded, rows: Table) -> Dataset:
        """Return encoded rows with their targets."""
        return encoded.dataset(self.targets(rows))

    def network(self, body: nn.Module) -> nn.Module:
        """Return a fresh linear head on `body`, which gives [batch, outputs]."""
        return Head(body, self.outputs)

    def scores(self, logits: Tensor, targets: Any) -> Any:
        """Return the scores of logits [rows, outputs] against `targets` [rows, ...]."""
        scorer = self.scorer(targets)
        scorer.add(np.arange(len(targets)), logits)
        return scorer.scores()

    def evaluate(self, network: nn.Module, data: Dataset) -> Any:
        """Return the scores of `network` on `data`, in memory that grows with the rows alone."""
        scorer = self.scorer(data.targets)
        for rows, logits in logits_in_batches(network, data, self.outputs):
            scorer.add(rows.numpy(), logits)
        return scorer.scores()

    def validate(self, network: nn.Module, data: Dataset) -> Any:
        """Return the scores of `network` on all of `data`."""
        return self.evaluate(network, data)

    def finalize(self, network: nn.Module, data: Dataset) -> Self:
        """Return the task as it is: nothing is tuned."""
        return self

    def logits(self, network: nn.Module, encoded: Encoded) -> Tensor:
        """Return logits [rows, outputs] on the CPU."""
        if len(encoded) == 0:
            return torch.empty(0, self.outputs)
        return compute_logits(encoded.adapt(network), encoded.dataset())

    def explain_scores(
        self, network: nn.Module, sides: Sequence[Tensor], wanted: str | None
    ) -> ExplainedScores:
        """Return the scores that explain the answer to one row; see `ExplainsScores`."""
        with evaluating(network), torch.no_grad():
            logits = network(*arguments_of(sides)).float().cpu()
        return self.explain_logits(logits[0], wanted)

    def explain_logits(self, logits: Tensor, wanted: str | None) -> ExplainedScores:
        """Return the scores that explain the answer to a row: by default the largest output.

        Args:
            logits: of the row, [outputs].
            wanted: a class or label; None for those of the answer.

        Raises:
            ConfigError: there is no such class.
        """
        if wanted is not None:
            raise ConfigError("class: the outputs of this model have no names; leave it out")
        best = int(logits.argmax())
        weights = torch.eye(len(logits))[best : best + 1]
        return linear_scores(f"output {best}", [f"output {best}"], weights, [0.0])

    def answers(self, network: nn.Module, encoded: Encoded, **options: Any) -> Sequence[Answer]:
        """Return an answer per row."""
        if options:
            raise ConfigError(only_for_writers(next(iter(options))))
        return self.answers_of(self.logits(network, encoded), encoded.truncated)

    def answers_of(self, logits: Tensor, truncated: Bools) -> Sequence[Answer]:
        """Return an answer per row of logits [rows, outputs]; `truncated` [rows]."""
        raise NotImplementedError


def slice_rows(rows: int, outputs: int) -> Iterator[slice]:
    """Yield slices of rows, each with at most `MOST_AT_ONCE` numbers of `outputs` per row."""
    step = max(1, MOST_AT_ONCE // max(1, outputs))
    return (slice(start, start + step) for start in range(0, rows, step))
