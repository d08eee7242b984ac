"""Classification: one label a text."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from munjang.config import Settings
from munjang.data.labels import check_known_labels, check_labels, require_labels
from munjang.data.readers.values import ReadLabels, clean_labels
from munjang.data.table import Table
from munjang.errors import ConfigError
from munjang.layers.losses import LOSSES, RowLoss, focal
from munjang.tasks.fitting import fitting_loss
from munjang.tasks.head import Head
from munjang.tasks.judged import JudgedByLogits
from munjang.tasks.linear import solve_logistic
from munjang.tasks.metrics import Scores, class_lines, classification_scores
from munjang.tasks.task import Bools, Card, Floats, Ints

# as many digits as any whole number needs; Python refuses to read thousands
_WHOLE_NUMBER = re.compile(r"-?\d{1,18}")

LossName = Literal[
    "auto",
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "focal",
]


# Of a mean in which a class does not count, or counts against the others, nothing is learned.
Weight = Annotated[float, Field(ge=1e-9, le=1e9)]


class ClassifySettings(Settings):
    """Settings of the task `classify`."""

    loss: LossName = Field("auto", description="auto: binary for two classes, else categorical")
    focal_gamma: float = Field(2.0, ge=0, le=100, description="how much focal loss mutes easy rows")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share spread over all classes")
    class_weights: Literal["balanced"] | dict[str, Weight] | None = Field(
        None, description="'balanced', or a weight for each label"
    )

    @field_validator("loss", mode="before")
    @classmethod
    def _fits(cls, loss: object) -> object:
        return fitting_loss(loss, "classify", get_args(LossName))


@dataclass(frozen=True)
class Prediction:
    """What the model says of one text.

    Attributes:
        label: the likeliest class.
        probability: its probability.
        probabilities: of every class, by label.
        truncated: the text was longer than the model reads; only its beginning counted.
    """

    label: str
    probability: float
    probabilities: dict[str, float]
    truncated: bool = False

    def lines(self, row: int, text: str) -> list[list[str]]:
        """Label, probability and text."""
        return [[self.label, f"{self.probability:.4f}", text]]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Classify(JudgedByLogits):
    """The task: what the classes are called and how a guess is judged.

    Attributes:
        labels: class names in order; the place is the class number.
        settings: loss and weights.
        weights: one factor a class on its rows' losses, or None.
    """

    labels: tuple[str, ...]
    settings: ClassifySettings = field(default_factory=ClassifySettings)
    weights: tuple[float, ...] | None = None
    stratified: ClassVar[bool] = True

    @classmethod
    def reader(cls, settings: ClassifySettings) -> ReadLabels:
        """One name a row."""
        return clean_labels

    @classmethod
    def check(cls, table: Table, least: int) -> None:
        """Two classes or more, each in every part."""
        check_labels(table, least=least)

    @classmethod
    def fit(
        cls, train: Table, whole: Table, settings: ClassifySettings, known: Sequence[str] | None
    ) -> Self:
        """Names and weights of the classes of the training part."""
        return cls.from_labels(require_labels(train).to_list(), settings, known)

    @classmethod
    def restore(cls, settings: ClassifySettings, labels: Sequence[str]) -> Self:
        """As it was; weights are for training alone."""
        return cls(tuple(labels), settings)

    @classmethod
    def from_labels(
        cls,
        labels: Sequence[str],
        settings: ClassifySettings,
        known: Sequence[str] | None = None,
    ) -> Self:
        """The task for a training column of labels; names are sorted, whole numbers by value.

        Args:
            labels: one a row.
            settings: loss and weights.
            known: all classes, when they are known beforehand; a class may have no row.
        """
        counts = Counter(labels)
        names = sorted(counts if known is None else set(known))
        if all(_WHOLE_NUMBER.fullmatch(name) for name in names):
            names.sort(key=int)
        rows = np.asarray([counts[name] for name in names], dtype=np.int64)
        return cls(tuple(names), settings, _weights(tuple(names), rows, settings))

    @property
    def loss_name(self) -> str:
        """The loss that is used, `auto` resolved."""
        if self.settings.loss != "auto":
            return self.settings.loss
        two = len(self.labels) == 2
        return "binary_crossentropy" if two else "sparse_categorical_crossentropy"

    @property
    def outputs(self) -> int:
        """Logits of the head: one for a binary loss, else one a class."""
        if self.loss_name != "binary_crossentropy":
            return len(self.labels)
        if len(self.labels) != 2:
            raise ConfigError(
                f"binary_crossentropy is for two classes, the data has {len(self.labels)}; "
                "use sparse_categorical_crossentropy"
            )
        return 1

    def remarks(self, train: Table) -> list[str]:
        """Nothing."""
        return []

    def targets(self, table: Table) -> Ints:
        """Class numbers [rows]."""
        return check_known_labels(require_labels(table), self.labels, table)

    def network(self, encoder: nn.Module) -> Head:
        """A fresh head on `encoder`; it gives [batch, 1] for two classes of a binary loss."""
        return Head(encoder, self.outputs)

    def solve(self, features: Any, targets: Ints) -> tuple[Floats, Floats]:
        """The linear model of features [rows, terms]: weights [outputs, terms], bias [outputs]."""
        weights = None if self.weights is None else np.asarray(self.weights)[targets]
        return solve_logistic(features, targets, self.outputs, row_weights=weights)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The training loss of a batch: a scalar, the mean of the (weighted) rows, in nats."""
        rows = self._row_loss()(logits, targets, self.settings.label_smoothing)
        if self.weights is None:
            return rows.mean()
        weights = torch.tensor(self.weights, dtype=rows.dtype, device=rows.device)[targets]
        return (rows * weights).sum() / weights.sum()

    def _row_loss(self) -> RowLoss:
        if self.loss_name == "focal":
            return partial(focal, gamma=self.settings.focal_gamma)
        return LOSSES[self.loss_name]

    def probabilities(self, logits: Tensor) -> Floats:
        """Logits [rows, outputs] to probabilities [rows, classes] that sum to 1."""
        logits = logits.double()
        if logits.shape[1] == 1:
            second = torch.sigmoid(logits)
            return torch.cat([1 - second, second], dim=1).cpu().numpy()
        return torch.softmax(logits, dim=1).cpu().numpy()

    def scores(self, logits: Tensor, targets: Ints) -> Scores:
        """Judge logits [rows, outputs] against class numbers [rows]."""
        return classification_scores(self.probabilities(logits), targets, self.labels)

    def finished(self, logits: Tensor, targets: Ints) -> Self:
        """Itself: the validation part teaches nothing more."""
        return self

    def answers(self, logits: Tensor, truncated: Bools) -> list[Prediction]:
        """The likeliest class of each row, and all probabilities."""
        chances = self.probabilities(logits)
        return [
            Prediction(
                label=self.labels[best],
                probability=float(row[best]),
                probabilities=dict(zip(self.labels, row.tolist(), strict=True)),
                truncated=bool(cut),
            )
            for best, row, cut in zip(chances.argmax(1), chances, truncated, strict=True)
        ]

    def learned(self) -> dict[str, Any]:
        """The names of the classes."""
        return {"labels": list(self.labels)}

    def card(self, scores: Mapping[str, Any]) -> Card:
        """Classes, and the figures of each."""
        return Card(
            kind="text classifier",
            about=f"Classes: {', '.join(self.labels)}.",
            details=class_lines("class", scores["classes"]),
            limits="It always answers with one of the classes above,\nalso for a text of none of "
            "them.",
        )


def _weights(
    labels: tuple[str, ...], counts: Ints, settings: ClassifySettings
) -> tuple[float, ...] | None:
    """`balanced` is rows / (classes * rows of the class), as scikit-learn weighs."""
    asked = settings.class_weights
    if asked is None:
        return None
    if asked == "balanced":
        return tuple(float(w) for w in counts.sum() / (len(labels) * counts.clip(min=1)))
    missing = [label for label in labels if label not in asked]
    unknown = [label for label in asked if label not in labels]
    if missing or unknown:
        raise ConfigError(
            f"class_weights needs one weight a label ({', '.join(labels)})"
            + (f"; missing: {', '.join(missing)}" if missing else "")
            + (f"; not a label: {', '.join(unknown)}" if unknown else "")
        )
    return tuple(float(asked[label]) for label in labels)
