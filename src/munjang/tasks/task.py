"""What a task is to the rest: the one protocol behind reading, training, judging and answering."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from munjang.data.dataset import Dataset
from munjang.data.readers.values import ReadLabels
from munjang.data.table import Table
from munjang.tasks.head import Head

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class TaskScores(Protocol):
    """How good the answers are."""

    @property
    def rows(self) -> int:
        """How many rows were judged."""

    @property
    def figures(self) -> dict[str, float]:
        """The figures of the whole, by their names in `munjang.tasks.figures`; may be NaN."""

    @property
    def sound(self) -> bool:
        """Whether the weights gave finite numbers."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""


class Answer(Protocol):
    """What the model says of one text."""

    @property
    def truncated(self) -> bool:
        """The text was longer than the model reads; only its beginning counted."""

    def lines(self, row: int, text: str) -> list[list[str]]:
        """The columns of each line of `munjang predict`, `row` and `text` being what was asked."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""


@dataclass(frozen=True)
class Card:
    """What a task says in the model card.

    Attributes:
        kind: what the model is, such as "text classifier".
        about: what it answers with.
        details: more on how good it is, or nothing.
        limits: what its answers do not tell.
    """

    kind: str
    about: str
    details: str
    limits: str


class Learned(Protocol):
    """What a training needs of any task."""

    def loss(self, outputs: Any, targets: Tensor) -> Tensor:
        """The training loss of a batch, a scalar, from what the network gave."""

    def judge(self, network: nn.Module, data: Dataset) -> TaskScores:
        """Scores of `network` on `data`."""

    def concluded(self, network: nn.Module, data: Dataset) -> tuple[Self, TaskScores]:
        """The task with all that `data` teaches once the weights are final, and its scores."""

    def learned(self) -> dict[str, Any]:
        """What `config.yaml` holds beside the settings, nested as there."""

    def card(self, scores: Mapping[str, Any]) -> Card:
        """The task's part of the model card; `scores` are validation scores as JSON."""


class Task(Learned, Protocol):
    """A head, its loss, its scores, and the way from logits back to people's words."""

    stratified: ClassVar[bool]  # whether a split keeps the proportions of the labels

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels in order of their numbers; empty where there are none."""

    @property
    def outputs(self) -> int:
        """Logits of the head."""

    @classmethod
    def reader(cls, settings: Any) -> ReadLabels:
        """How a label column is read."""

    @classmethod
    def check(cls, table: Table, least: int) -> None:
        """Refuse labels from which nothing can be learned, before they are split.

        Args:
            table: all rows.
            least: how many parts it will be split into.

        Raises:
            DataError: naming the file, and the row where there is one.
        """

    @classmethod
    def fit(cls, train: Table, whole: Table, settings: Any, known: Sequence[str] | None) -> Self:
        """The task for the training part.

        Args:
            train: the rows to learn from.
            whole: these, and the validation rows that were split off them.
            settings: of this task.
            known: all labels, where they are known beforehand.
        """

    @classmethod
    def restore(cls, settings: Any, labels: Sequence[str]) -> Self:
        """The task as a model folder holds it."""

    def remarks(self, train: Table) -> list[str]:
        """What people should hear of the labels of the training part."""

    def targets(self, table: Table) -> npt.NDArray[Any]:
        """What the loss and the scores compare with: [rows] or [rows, labels].

        Raises:
            DataError: there are no labels, or one was never seen in training.
        """

    def network(self, encoder: nn.Module) -> Head:
        """A fresh head on `encoder`: `ids`, `mask` [batch, time] to logits [batch, outputs]."""

    def solve(self, features: Any, targets: npt.NDArray[Any]) -> tuple[Floats, Floats]:
        """The linear model of features [rows, terms], SciPy's CSR, for these targets.

        Returns:
            Weights [outputs, terms] and bias [outputs].

        Raises:
            ConfigError: the task has none.
        """

    def scores(self, logits: Tensor, targets: npt.NDArray[Any]) -> TaskScores:
        """Judge logits [rows, outputs]."""

    def answers(self, logits: Tensor, truncated: Bools) -> Sequence[Answer]:
        """An answer a row; `truncated` [rows] says whose text was cut."""

    def probabilities(self, logits: Tensor) -> Floats:
        """Logits [rows, outputs] to probabilities [rows, labels].

        Raises:
            ConfigError: the task has none.
        """
