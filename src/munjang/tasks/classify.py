"""Classification: one label per row."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self, cast, get_args

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from munjang.config import Settings
from munjang.data.dataset import AnyBatch
from munjang.data.labels import check_known_labels, check_labels, require_labels
from munjang.data.readers.values import ReadLabels, clean_labels
from munjang.data.table import Table
from munjang.errors import ConfigError
from munjang.layers.losses import LOSSES, RowLoss, focal, softened_kl
from munjang.names import KnownLabels
from munjang.reporting import escape_markdown, format_markdown_list
from munjang.tasks.calibration import NOT_CALIBRATED, CalibrationSettings
from munjang.tasks.class_answers import Prediction, SelectiveAnswer
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
from munjang.tasks.probabilities import softmax
from munjang.tasks.row_judgments import RowJudgments
from munjang.tasks.task import Answer, Bools, Card, Encoded, Floats, Ints, RunSettings

# enough digits for any class number; int() refuses thousands of digits
_WHOLE_NUMBER = re.compile(r"-?\d{1,18}")

# The least probability that a loss counts.
_LEAST = float(np.finfo(np.float64).tiny)

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
    calibration: CalibrationSettings | None = Field(
        None, description="written by munjang calibrate; a training begins without it"
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
        calibration: temperature and thresholds once they are fitted on held-out rows.
    """

    labels: tuple[str, ...]
    settings: ClassifySettings = field(default_factory=ClassifySettings)
    weights: tuple[float, ...] | None = None
    calibration: CalibrationSettings | None = None
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
        settings = cls.settings_in(recipe)
        task = cls(tuple(recipe.labels or ()), settings)
        return task if settings.calibration is None else task.with_calibration(settings.calibration)

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
        weights = self._row_weights(targets)
        return (rows * weights).sum() / weights.sum()

    def part_loss(self, outputs: Tensor, part: AnyBatch, whole: AnyBatch) -> Tensor:
        """Return a part's share of the loss of a batch, by the weights of its rows."""
        if self.weights is None:
            return super().part_loss(outputs, part, whole)
        assert part.targets is not None
        assert whole.targets is not None
        share = self._row_weights(part.targets).sum() / self._row_weights(whole.targets).sum()
        return self.loss(outputs, part.targets) * share

    def _row_weights(self, targets: Tensor) -> Tensor:
        """Return the weight of each row [batch], of class numbers or of soft targets."""
        table = torch.tensor(self.weights, dtype=torch.float32, device=targets.device)
        return table[targets] if targets.ndim == 1 else targets @ table

    def _row_loss(self) -> RowLoss:
        if self.loss_name == "focal":
            return partial(focal, gamma=self.settings.focal_gamma)
        return LOSSES[self.loss_name]

    def probabilities(self, logits: Tensor) -> Floats:
        """Return probabilities [rows, classes], which sum to 1, of logits [rows, outputs].

        Logits are divided by the temperature of a calibrated model.
        """
        # NumPy starts sooner than torch, which counts for a single row
        values: Floats = logits.detach().cpu().numpy().astype(np.float64)
        if self.calibration is not None:
            values /= self.calibration.temperature
        return softmax(values)

    def uncalibrated(self, logits: Tensor) -> Floats:
        """Return probabilities [rows, classes] of logits [rows, outputs] without temperature."""
        return softmax(logits.detach().cpu().numpy().astype(np.float64))

    def predict_classes(self, logits: Tensor, probabilities: Floats) -> Ints:
        """Return the class number of the answer to each row [rows].

        It is that of the most probable class, which a temperature never changes, or follows the
        threshold for stated costs.

        Args:
            logits: [rows, outputs].
            probabilities: those of the logits, [rows, classes].
        """
        if self.calibration is None:
            return self.decide(probabilities)
        decision = self.calibration.decision
        if decision is None:  # rounding of divided logits may make two classes equal
            return self.decide(self.uncalibrated(logits))
        positive = self.labels.index(decision.positive)
        reached = probabilities[:, positive] >= decision.threshold
        return np.where(reached, positive, 1 - positive).astype(np.int64)

    def with_calibration(self, calibration: CalibrationSettings | None) -> Self:
        """Return the task with another calibration, or without one.

        Raises:
            ConfigError: it decides between two classes that this task does not have.
        """
        decision = None if calibration is None else calibration.decision
        if decision is not None and (len(self.labels) != 2 or decision.positive not in self.labels):
            raise ConfigError(
                f"classify.calibration.decision: expected one of two classes, got "
                f"'{decision.positive}' of {len(self.labels)}"
            )
        return replace(self, calibration=calibration)

    def class_logits(self, logits: Tensor) -> Floats:
        """Return a logit per class, [rows, classes], of logits [rows, outputs]."""
        values: Floats = logits.detach().cpu().numpy().astype(np.float64)
        return np.hstack([np.zeros_like(values), values]) if values.shape[1] == 1 else values

    def student_settings(self) -> dict[str, Any]:
        """Return the names of the classes."""
        return {"labels": list(self.labels)}

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
        if self.calibration is not None:
            logits = logits * self.calibration.temperature
        return logits[:, 1:] - logits[:, :1] if self.outputs == 1 else logits

    def scorer(self, targets: Ints) -> "ClassScorer":
        """Return the scorer against class numbers [rows]."""
        return ClassScorer(self, targets, PredictedClasses.empty(len(targets)))

    def answers(
        self,
        network: nn.Module,
        encoded: Encoded,
        *,
        abstain: float | None = None,
        **options: Any,
    ) -> Sequence[Answer]:
        """Return an answer per row.

        Args:
            network: the network.
            encoded: the rows.
            abstain: largest share of wrong answers among the rows that are answered.
            options: none; options of other tasks are refused.

        Raises:
            ConfigError: the model is not calibrated, or no threshold keeps this share.
        """
        if abstain is None:
            return cast("Sequence[Prediction]", super().answers(network, encoded, **options))
        if self.calibration is None:
            raise ConfigError(f"abstain: {NOT_CALIBRATED}")
        threshold = self.calibration.find_threshold(abstain)
        logits = self.logits(network, encoded)
        answers = self.answers_of(logits, encoded.truncated)
        sure = [
            is_sure
            for part in slice_rows(*logits.shape)
            for is_sure in (self.uncalibrated(logits[part]).max(1) > threshold).tolist()
        ]
        return [SelectiveAnswer(*pair) for pair in zip(answers, sure, strict=True)]

    def answers_of(self, logits: Tensor, truncated: Bools) -> list[Prediction]:
        """Return the class of each row, the most probable one, and all probabilities."""
        return [
            answer
            for part in slice_rows(*logits.shape)
            for answer in self._answers(logits[part], truncated[part])
        ]

    def explain_logits(self, logits: Tensor, wanted: str | None) -> ExplainedScores:
        """Return the margin of a class, see `explain_classes`."""
        return explain_classes(self.labels, logits, wanted)

    def _answers(self, logits: Tensor, truncated: Bools) -> Iterator[Prediction]:
        probabilities = self.probabilities(logits)
        predicted = self.predict_classes(logits, probabilities).tolist()
        for best, row, is_cut in zip(predicted, probabilities, truncated.tolist(), strict=True):
            # a copy, so that keeping one answer does not keep the whole array
            yield Prediction(self.labels[best], float(row[best]), self.labels, row.copy(), is_cut)

    def judge_rows(self, logits: Tensor, targets: Ints) -> RowJudgments:
        """Judge each row by its predicted class, with the log loss in nats.

        Args:
            logits: [rows, outputs].
            targets: class numbers [rows].
        """
        rows = len(targets)
        loss, probability = np.empty(rows), np.empty(rows)
        predicted = np.empty(rows, dtype=np.int64)
        for part in slice_rows(*logits.shape):
            shares = self.probabilities(logits[part])
            predicted[part] = self.predict_classes(logits[part], shares)
            places = np.arange(len(shares))
            probability[part] = shares[places, predicted[part]]
            loss[part] = -np.log(shares[places, targets[part]].clip(min=_LEAST))
        return RowJudgments.of_classes(self.labels, targets, predicted, probability, loss)

    def state(self) -> dict[str, Any]:
        """Return the names of the classes, and the calibration if there is one."""
        calibration = self.calibration
        kept = None if calibration is None else calibration.model_dump(mode="json")
        # a task of another distribution may have these settings under a name of its own
        (section,) = self.sections
        return {"labels": list(self.labels), section: {"calibration": kept}}

    def card(self, scores: Mapping[str, Any], noun: str) -> Card:
        """Return the classes, and the metrics of each."""
        return Card(
            kind=f"{noun} classifier",
            about=f"Classes: {format_markdown_list(self.labels, 'config.yaml')}."
            f"{_describe_calibration(self.calibration)}",
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
            predicted = self.task.predict_classes(logits[part], probabilities)
            self.predicted.fill(indices, probabilities, self.targets[indices], predicted)

    def scores(self) -> Scores:
        """Return the scores of all rows."""
        return score_predicted_classes(self.predicted, self.targets, self.task.labels)


def _describe_calibration(calibration: CalibrationSettings | None) -> str:
    """Return a line of the model card; "" without a calibration."""
    if calibration is None:
        return ""
    decision = calibration.decision
    costs = (
        ""
        if decision is None
        else (
            f" The answer is {escape_markdown(decision.positive)} from the probability "
            f"{decision.threshold:.4f} on, for stated costs of errors."
        )
    )
    return (
        f"\nProbabilities are those of logits divided by the temperature "
        f"{calibration.temperature:.4f}, fitted on {calibration.rows:,} rows.{costs}"
    )


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
