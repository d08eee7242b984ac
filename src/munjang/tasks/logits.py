"""The base of tasks whose answer to a row is made of one vector of logits."""

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
from munjang.tasks.head import Head
from munjang.tasks.inference import logits_in_batches, logits_of
from munjang.tasks.metrics import Ints
from munjang.tasks.task import Answer, Bools, EncodedRows, RunSettings

# Probabilities, in 64 bits, of as many rows as have so many of them are held at once.
MOST_AT_ONCE = 2**20


class Scorer(Protocol):
    """Takes logits batch by batch, and keeps of each row only what the scores need."""

    def add(self, rows: Ints, logits: Tensor) -> None:
        """Take the logits [batch, outputs] of the rows at some places [batch] of the targets."""

    def scores(self) -> Any:
        """Return the scores of all rows, each of which has been added once."""


class LogitsTask:
    """A linear head on one vector per row.

    A subclass implements `outputs`, `reader`, `fit`, `restore`, `targets`, `loss`, `scorer`,
    `answers_of`, `state` and `card`.

    Attributes:
        bounded_gradient: whether the gradient of the loss in a logit is bounded.
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
        """Refuse nothing."""

    @classmethod
    def defaults(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the defaults of the task: averaged embeddings need no clipping."""
        if given["model"]["name"] == "mean" and cls.bounded_gradient:
            # without layers no bounded gradient grows large, and measuring it takes time
            return {"training": {"clip_norm": None}}
        return {}

    @classmethod
    def check_rows(cls, rows: Table, least: int) -> None:
        """Refuse nothing."""

    def with_input(self, fitted: Any) -> Self:
        """Return the task as it is."""
        return self

    def remarks(self, train: Table) -> list[str]:
        """Return no notes."""
        return []

    def targets(self, rows: Table) -> npt.NDArray[Any]:
        """Return what loss and scores compare with, [rows] or [rows, labels]."""
        raise NotImplementedError

    def dataset(self, encoded: EncodedRows, rows: Table) -> Dataset:
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

    def logits(self, network: nn.Module, encoded: EncodedRows) -> Tensor:
        """Return logits [rows, outputs] on the CPU."""
        if len(encoded) == 0:
            return torch.empty(0, self.outputs)
        return logits_of(encoded.adapt(network), encoded.dataset())

    def answers(self, network: nn.Module, encoded: EncodedRows, **options: Any) -> Sequence[Answer]:
        """Return an answer per row."""
        if options:
            raise ConfigError(
                f"{next(iter(options))}: is for models that answer with a text (task translate)"
            )
        return self.answers_of(self.logits(network, encoded), encoded.truncated)

    def answers_of(self, logits: Tensor, truncated: Bools) -> Sequence[Answer]:
        """Return an answer per row of logits [rows, outputs]; `truncated` [rows]."""
        raise NotImplementedError


def in_parts(rows: int, outputs: int) -> Iterator[slice]:
    """Cut so many rows of so many outputs into parts none of which has very many numbers."""
    most = max(1, MOST_AT_ONCE // max(1, outputs))
    return (slice(start, start + most) for start in range(0, rows, most))
