"""The protocol of a task: what is learned, from the target column to answers and scores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from munjang.config import Settings
from munjang.data.dataset import AnyBatch, Dataset
from munjang.data.readers.values import ReadLabels
from munjang.data.table import Table

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class TaskScores(Protocol):
    """Scores of a model on some rows.

    Attributes:
        unit: the noun of one row for people, such as "token".
    """

    unit: ClassVar[str]

    @property
    def rows(self) -> int:
        """Number of scored rows."""

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics over all rows, by their names in `munjang.tasks.metric_table`; may be NaN."""

    @property
    def is_finite(self) -> bool:
        """True if the weights gave finite numbers."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""


class Answer(Protocol):
    """The model's answer to one row."""

    @property
    def truncated(self) -> bool:
        """True if the text was longer than the model reads and its end was ignored."""

    def lines(self, row: int, text: str) -> list[list[str]]:
        """Return the columns of each line of `munjang predict` for a row and its text."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""


@dataclass(frozen=True)
class Card:
    """The task's part of the model card.

    Attributes:
        kind: what the model is, such as "text classifier".
        about: what its answers are.
        details: more on its scores; may be empty.
        limits: limits of its answers.
    """

    kind: str
    about: str
    details: str
    limits: str


class RunSettings(Protocol):
    """The settings of a run that a task reads: a `munjang.recipe.Recipe`."""

    @property
    def input(self) -> str:
        """Name of the input."""

    @property
    def labels(self) -> tuple[str, ...] | None:
        """Known labels, or None."""

    @property
    def model(self) -> Settings:
        """Settings of the architecture."""

    @property
    def model_name(self) -> str:
        """Name of the architecture."""

    @property
    def training(self) -> Any:
        """Settings of the training loop."""

    def section(self, name: str) -> Any:
        """Return the settings of a section."""


class Encoded(Protocol):
    """Encoded rows: the arguments of a network."""

    @property
    def truncated(self) -> Bools:
        """True for each row that was longer than the model reads, [rows]."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def dataset(self, targets: Any = None) -> Dataset:
        """Return the rows with their targets [rows, ...], or without."""

    def adapt(self, network: nn.Module) -> nn.Module:
        """Return the network for these rows, such as with vectors of their OOV words."""


class TrainableTask(Protocol):
    """The methods of a task that the training loop uses."""

    def loss(self, outputs: Any, targets: Tensor) -> Tensor:
        """Return the loss of a batch, a scalar."""

    def validate(self, network: nn.Module, data: Dataset) -> TaskScores:
        """Return scores during training; may read fewer rows than `evaluate`."""


@runtime_checkable
class SharesBatches(Protocol):
    """A task whose loss of a batch is a sum over the batch's rows, so that workers share it."""

    @property
    def unshared(self) -> str:
        """Why batches cannot be shared with the settings at hand; "" if they can."""

    def part_loss(self, outputs: Any, part: AnyBatch, whole: AnyBatch) -> Tensor:
        """Return a part's share of the loss of a batch: those of all parts add up to `loss`.

        Args:
            outputs: of the network, for the part.
            part: some rows of the batch, one at least.
            whole: the batch.
        """


class Task(TrainableTask, Protocol):
    """Targets, head, loss, scores and answers. `munjang.tasks.logits.LogitsTask` is a base.

    Attributes:
        sections: settings of this task, by their section of `config.yaml`; the first is named as
            the task.
        has_labels: whether there is a set of labels.
        stratified: whether a split keeps the proportions of the labels.
    """

    sections: ClassVar[Mapping[str, type[Settings]]]
    has_labels: ClassVar[bool]
    stratified: ClassVar[bool]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels in order of their numbers; empty where there are none."""

    @classmethod
    def check_recipe(cls, recipe: RunSettings) -> None:
        """Refuse settings that do not go together.

        Raises:
            ValueError: naming the setting.
        """

    @classmethod
    def defaults(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return default settings, nested as in `config.yaml`; `given` are the user's."""

    @classmethod
    def reader(cls, recipe: RunSettings) -> ReadLabels | None:
        """Return how the target column is read; None where the input reads it."""

    @classmethod
    def check_rows(cls, rows: Table, least: int) -> None:
        """Refuse targets from which nothing can be learned, before they are split.

        Args:
            rows: all rows.
            least: number of parts they will be split into.

        Raises:
            DataError: naming the file, and the row where there is one.
        """

    @classmethod
    def fit(cls, train: Table, whole: Table, recipe: RunSettings) -> Self:
        """Return the task for a training part; `whole` has its validation rows too."""

    @classmethod
    def restore(cls, recipe: RunSettings) -> Self:
        """Return the task of a model folder, whose recipe holds `state`."""

    def with_input(self, fitted: Any) -> Self:
        """Return the task with what it needs of the fitted input, such as a tokenizer."""

    def remarks(self, train: Table) -> list[str]:
        """Return notes for people on the targets of the training part."""

    def dataset(self, encoded: Encoded, rows: Table) -> Dataset:
        """Return encoded rows with their targets.

        Raises:
            DataError: there are no targets, or a label was never seen in training.
        """

    def network(self, body: nn.Module) -> nn.Module:
        """Return the network to train: an architecture, and a fresh head on it."""

    def evaluate(self, network: nn.Module, data: Dataset) -> TaskScores:
        """Return scores of a network on data."""

    def finalize(self, network: nn.Module, data: Dataset) -> Self:
        """Fit what is tuned on validation data once training ends, such as thresholds."""

    def state(self) -> dict[str, Any]:
        """Return fitted values that `config.yaml` keeps, nested as there."""

    def answers(self, network: nn.Module, encoded: Encoded, **options: Any) -> Sequence[Answer]:
        """Return an answer per row.

        Raises:
            ConfigError: an option that the task does not have.
        """

    def card(self, scores: Mapping[str, Any], noun: str) -> Card:
        """Return the task's part of the model card.

        Args:
            scores: validation scores as JSON.
            noun: what a row is, such as "text".
        """


@runtime_checkable
class GivesProbabilities(Protocol):
    """A task that turns logits into probabilities of labels."""

    def probabilities(self, logits: Tensor) -> Floats:
        """Return probabilities [rows, labels] of logits [rows, outputs]."""


@runtime_checkable
class GivesLogits(Protocol):
    """A task whose answer to a row is made of one vector of logits."""

    def logits(self, network: nn.Module, encoded: Encoded) -> Tensor:
        """Return logits [rows, outputs]."""


@runtime_checkable
class Calibrates(GivesLogits, Protocol):
    """A task whose probabilities can be calibrated, and which abstains when it is not sure.

    Its `answers` has the option `abstain`.
    """

    @property
    def calibration(self) -> Any:
        """The `munjang.tasks.calibration.CalibrationSettings`, or None."""

    def class_logits(self, logits: Tensor) -> Floats:
        """Return a logit per class, [rows, classes], of logits [rows, outputs]."""

    def with_calibration(self, calibration: Any) -> Any:
        """Return the task with another calibration, or with None."""


@runtime_checkable
class GivesSoftTargets(GivesLogits, Protocol):
    """A task whose answers a smaller model can learn from (distillation)."""

    def student_settings(self) -> dict[str, Any]:
        """Return settings that hold for a student too, nested as in `config.yaml`."""

    def soft_targets(self, logits: Tensor) -> Floats:
        """Return answers [rows, columns] that may be averaged over models: one column per label.

        Args:
            logits: [rows, outputs].
        """

    def soft_loss(self, logits: Tensor, soft: Tensor, temperature: float) -> Tensor:
        """Return the loss of each row [batch] of logits [batch, outputs] against soft targets."""

    def decide(self, soft: Floats) -> Any:
        """Return targets [rows, ...] as the task has them: the answers of soft targets."""

    def logits_of(self, soft: Floats) -> Tensor:
        """Return logits [rows, outputs] with these soft targets."""


@runtime_checkable
class SolvesLinearModel(Protocol):
    """A task whose network may answer together with a linear model."""

    @property
    def outputs(self) -> int:
        """Number of logits per row."""

    def solve(self, features: Any, targets: Any) -> tuple[Floats, Floats]:
        """Fit a linear model of features [rows, terms].

        Returns:
            Its weights [outputs, terms] and its bias [outputs].
        """


@runtime_checkable
class ComparesWithNgrams(Protocol):
    """A task on one stream of tokens, whose scores stand beside those of an n-gram model."""

    @property
    def ngram_orders(self) -> Sequence[int]:
        """Orders of n-gram models of which the best one is the baseline; none for no baseline."""

    def with_ngrams(self, baseline: Any) -> Any:
        """Return the task with an n-gram model of the training text."""


@runtime_checkable
class ReadsMarks(Protocol):
    """A task that answers marks in what is predicted for, such as [MASK] in a text."""

    def for_prediction(self, fitted: Any) -> Any:
        """Return the fitted input with marks read as such."""


@runtime_checkable
class Decodes(Protocol):
    """A task that writes its answers token by token."""

    def with_decoding(self, changes: Mapping[str, Any]) -> Any:
        """Return the task with other decoding settings."""


@runtime_checkable
class RanksTokens(Protocol):
    """A task whose answers are the likeliest tokens; `answers` has the option `top`.

    Attributes:
        default_top: number of tokens per answer unless asked.
    """

    default_top: ClassVar[int]


@runtime_checkable
class Generates(Protocol):
    """A task that continues texts."""

    def generate(
        self, network: nn.Module, encoded: Any, *, length: int, seed: int = 0
    ) -> Iterator[dict[int, int]]:
        """Yield the next token of each text by its place, step by step."""

    def continue_text(self, prompt: str, stop: Sequence[str]) -> Any:
        """Return the `munjang.text.plain.continuation.Continuation` of a text."""


@runtime_checkable
class ScoresTokens(Protocol):
    """A task that gives each token of a text a probability, given the tokens before it."""

    @property
    def fitted_tokenizer(self) -> Any:
        """The tokenizer of the fitted input."""

    def token_losses(self, network: nn.Module, ids: Any) -> Floats:
        """Return the negative log-likelihood of each token but the first, in nats [tokens - 1].

        Args:
            network: the language model.
            ids: one text, [tokens] int32.
        """
