"""Classification: one label per row."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor

from munjang.config import Settings
from munjang.data.labels import check_known_labels, check_labels, require_labels
from munjang.data.readers.values import ReadLabels, clean_labels
from munjang.data.table import Table
from munjang.errors import ConfigError
from munjang.layers.losses import LOSSES, RowLoss, focal, softened_kl
from munjang.names import KnownLabels
from munjang.reporting import format_markdown_list
from munjang.tasks.class_answers import Prediction
from munjang.tasks.classification_scores import (
    PredictedClasses,
    Scores,
    format_class_table,
    score_predicted_classes,
)
from munjang.tasks.explained import ExplainedScores, explain_classes
from munjang.tasks.linear import solve_logistic
from munjang.tasks.logits import LogitsTask, slice_rows
from munjang.tasks.loss_names import resolve_loss
from munjang.tasks.task import Bools, Card, Floats, Ints, RunSettings

# enough digits for any class number; int() refuses thousands of digits
_WHOLE_NUMBER = re.compile(r"-?\d{1,18}")

# Of smaller ones the exponential overflows; probabilities are below 1e-304 there.
_LOWEST_LOGIT = -700.0

LossName = Literal[
    "auto",
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "focal",
]


# A class of weight 0 would never be learned.
Weight = Annotated[float, Field(ge=1e-9, le=1e9)]


class ClassifySettings(Settings):
    """Settings of the task `classify`."""

    loss: LossName = Field(
        "auto", description="auto: binary cross-entropy for two classes, else categorical"
    )
    focal_gamma: float = Field(
        2.0, ge=0, le=100, description="exponent of focal loss; higher down-weights easy rows more"
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="probability mass spread over all classes"
    )
    class_weights: Literal["balanced"] | dict[str, Weight] | None = Field(
        None, description="'balanced', or a weight per label; null: equal weights"
    )

    @field_validator("loss", mode="before")
    @classmethod
    def _resolve_loss(cls, loss: object) -> object:
        return resolve_loss(loss, "classify", get_args(LossName))


@dataclass(frozen=True)
class Classify(LogitsTask):
    """The task `classify`.

    Attributes:
        labels: class names in the order of class numbers.
        settings: loss and class weights.
        weights: factor on the losses of each class, or None.
    """

    labels: tuple[str, ...]
    settings: ClassifySettings = field(default_factory=ClassifySettings)
    weights: tuple[float, ...] | None = None
    stratified: ClassVar[bool] = True
    sections: ClassVar[Mapping[str, type[Settings]]] = {"classify": ClassifySettings}

    @classmethod
    def reader(cls, recipe: RunSettings) -> ReadLabels:
        """Return the reader of one name per row."""
        return clean_labels

    @classmethod
    def check_rows(cls, rows: Table, least: int) -> None:
        """Refuse fewer than two classes, and classes with too few rows for every part."""
        check_labels(rows, least=least)

    @classmethod
    def fit(cls, train: Table, whole: Table, recipe: RunSettings) -> Self:
        """Return the task with the classes of the training part and their weights."""
        settings = cls.settings_in(recipe)
        return cls.from_labels(require_labels(train).to_list(), settings, recipe.labels)

    @classmethod
    def restore(cls, recipe: RunSettings) -> Self:
        """Return the task of a model folder, without class weights, which only training needs."""
        return cls(tuple(recipe.labels or ()), cls.settings_in(recipe))

    @classmethod
    def from_labels(
        cls,
        labels: Sequence[str],
        settings: ClassifySettings,
        known: Sequence[str] | None = None,
    ) -> Self:
        """Return the task for a training column of labels; names are sorted, integers by value.

        Args:
            labels: one per row.
            settings: loss and class weights.
            known: all classes, if they are known beforehand; a class may have no row.
        """
        counts = Counter(labels)
        if known is not None:
            names_of = KnownLabels(known)
            counts = Counter(names_of.find(label) or label for label in labels)
        names = sorted(counts if known is None else set(known))
        if all(_WHOLE_NUMBER.fullmatch(name) for name in names):
            names.sort(key=int)
        rows = np.asarray([counts[name] for name in names], dtype=np.int64)
        return cls(tuple(names), settings, _weights(tuple(names), rows, settings))

    @property
    def loss_name(self) -> str:
        """Name of the loss, with `auto` resolved."""
        if self.settings.loss != "auto":
            return self.settings.loss
        is_binary = len(self.labels) == 2
        return "binary_crossentropy" if is_binary else "sparse_categorical_crossentropy"

    @property
    def outputs(self) -> int:
        """Number of logits: one for a binary loss, else one per class."""
        if self.loss_name != "binary_crossentropy":
            return len(self.labels)
        if len(self.labels) != 2:
            raise ConfigError(
                f"binary_crossentropy is for two classes, the data has {len(self.labels)}; "
                "use sparse_categorical_crossentropy"
            )
        return 1

    def targets(self, rows: Table) -> Ints:
        """Return class numbers [rows]."""
        return check_known_labels(require_labels(rows), self.labels, rows)

    def solve(self, features: Any, targets: Ints) -> tuple[Floats, Floats]:
        """Solve a linear model of features [rows, terms].

        Returns:
            Weights [outputs, terms] and bias [outputs].
        """
        weights = None if self.weights is None else np.asarray(self.weights)[targets]
        return solve_logistic(features, targets, self.outputs, row_weights=weights)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the training loss of a batch: the (weighted) mean over rows in nats, a scalar."""
        rows = self._row_loss()(logits, targets, self.settings.label_smoothing)
        if self.weights is None:
            return rows.mean()
        table = torch.tensor(self.weights, dtype=rows.dtype, device=rows.device)
        weights = table[targets] if targets.ndim == 1 else targets @ table
        return (rows * weights).sum() / weights.sum()

    def _row_loss(self) -> RowLoss:
        if self.loss_name == "focal":
            return partial(focal, gamma=self.settings.focal_gamma)
        return LOSSES[self.loss_name]

    def probabilities(self, logits: Tensor) -> Floats:
        """Return probabilities [rows, classes], which sum to 1, of logits [rows, outputs]."""
        # NumPy starts sooner than torch, which counts for a single row
        values: Floats = logits.detach().cpu().numpy().astype(np.float64)
        if values.shape[1] == 1:
            odds = np.exp(-np.maximum(values, _LOWEST_LOGIT))
            return np.concatenate([odds / (1 + odds), 1 / (1 + odds)], axis=1)
        powers: Floats = np.exp(values - values.max(axis=1, keepdims=True))
        powers /= powers.sum(axis=1, keepdims=True)
        return powers

    def student_settings(self) -> dict[str, Any]:
        """Return the names of the classes."""
        return self.state()

    def soft_targets(self, logits: Tensor) -> Floats:
        """Return probabilities [rows, classes] of logits [rows, outputs]."""
        return self.probabilities(logits)

    def soft_loss(self, logits: Tensor, soft: Tensor, temperature: float) -> Tensor:
        """Return T^2 KL of softened probabilities [batch]; `soft` is [batch, classes]."""
        return softened_kl(logits, soft, temperature)

    def decide(self, soft: Floats) -> Ints:
        """Return the class numbers [rows] of probabilities [rows, classes]."""
        numbers: Ints = soft.argmax(1).astype(np.int64)
        return numbers

    def logits_of(self, soft: Floats) -> Tensor:
        """Return logits [rows, outputs] of probabilities [rows, classes]."""
        logits = torch.from_numpy(soft).clamp(min=torch.finfo(torch.float32).tiny).log()
        return logits[:, 1:] - logits[:, :1] if self.outputs == 1 else logits

    def scorer(self, targets: Ints) -> "ClassScorer":
        """Return the scorer against class numbers [rows]."""
        return ClassScorer(self, targets, PredictedClasses.empty(len(targets)))

    def answers_of(self, logits: Tensor, truncated: Bools) -> list[Prediction]:
        """Return the most probable class of each row, and all probabilities."""
        return [
            answer
            for part in slice_rows(*logits.shape)
            for answer in self._answers(self.probabilities(logits[part]), truncated[part])
        ]

    def explain_logits(self, logits: Tensor, wanted: str | None) -> ExplainedScores:
        """Return the margin of a class, see `explain_classes`."""
        return explain_classes(self.labels, logits, wanted)

    def _answers(self, probabilities: Floats, truncated: Bools) -> Iterator[Prediction]:
        predicted = probabilities.argmax(1).tolist()
        for best, row, is_cut in zip(predicted, probabilities, truncated.tolist(), strict=True):
            # a copy, so that keeping one answer does not keep the whole array
            yield Prediction(self.labels[best], float(row[best]), self.labels, row.copy(), is_cut)

    def state(self) -> dict[str, Any]:
        """Return the names of the classes."""
        return {"labels": list(self.labels)}

    def card(self, scores: Mapping[str, Any], noun: str) -> Card:
        """Return the classes, and the metrics of each."""
        return Card(
            kind=f"{noun} classifier",
            about=f"Classes: {format_markdown_list(self.labels, 'config.yaml')}.",
            details=format_class_table("class", scores["classes"]),
            limits="It always answers with one of the classes above,\n"
            f"even for {noun}s of none of them.",
        )


@dataclass(frozen=True)
class ClassScorer:
    """Scorer of classification; see `munjang.tasks.logits.Scorer`.

    Attributes:
        task: turns logits into probabilities.
        targets: class numbers [rows].
        predicted: predictions so far.
    """

    task: Classify
    targets: Ints
    predicted: PredictedClasses

    def add(self, rows: Ints, logits: Tensor) -> None:
        """Add the logits [batch, outputs] of the rows at some indices."""
        for part in slice_rows(*logits.shape):
            indices = rows[part]
            probabilities = self.task.probabilities(logits[part])
            self.predicted.fill(indices, probabilities, self.targets[indices])

    def scores(self) -> Scores:
        """Return the scores of all rows."""
        return score_predicted_classes(self.predicted, self.targets, self.task.labels)


def _weights(
    labels: tuple[str, ...], counts: Ints, settings: ClassifySettings
) -> tuple[float, ...] | None:
    """Return class weights; `balanced` is rows / (classes * rows of the class)."""
    given = settings.class_weights
    if given is None:
        return None
    if given == "balanced":
        return tuple(float(w) for w in counts.sum() / (len(labels) * counts.clip(min=1)))
    names = KnownLabels(labels)
    unknown = [label for label in given if names.find(label) is None]
    weights = {names.find(label) or label: weight for label, weight in given.items()}
    missing = [label for label in labels if label not in weights]
    if missing or unknown:
        raise ConfigError(
            f"class_weights: expected one weight per label ({', '.join(labels)})"
            + (f"; missing: {', '.join(missing)}" if missing else "")
            + (f"; not a label: {', '.join(unknown)}" if unknown else "")
        )
    return tuple(float(weights[label]) for label in labels)
