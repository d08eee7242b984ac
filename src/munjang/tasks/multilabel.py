"""Multilabel classification: any number of labels per row, each with its own probability.

A label is predicted if its probability reaches its threshold. Thresholds are those with the best F1
on the validation part, tuned once the weights are final (Yang 2001, "A study of thresholding
strategies for text categorization"); labels that are too rare or too hard keep 0.5.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from munjang.config import Settings
from munjang.data.dataset import Dataset
from munjang.data.labels import require_labels
from munjang.data.readers.faults import shorten
from munjang.data.readers.header import join_names
from munjang.data.readers.targets import clean_label_sets
from munjang.data.readers.values import ReadLabels
from munjang.data.table import Table
from munjang.errors import ConfigError, DataError
from munjang.layers.losses import binary_crossentropy, softened_binary_kl
from munjang.names import KnownLabels
from munjang.reporting import format_markdown_list, pluralize
from munjang.tasks.classification_scores import format_class_table
from munjang.tasks.explained import ExplainedScores, explain_labels
from munjang.tasks.inference import logits_in_batches
from munjang.tasks.linear import solve_logistic
from munjang.tasks.logits import LogitsTask, slice_rows
from munjang.tasks.loss_names import resolve_loss
from munjang.tasks.probabilities import sigmoid
from munjang.tasks.row_judgments import RowJudgments
from munjang.tasks.set_scores import SetCounts, SetScores
from munjang.tasks.task import Bools, Card, Floats, Ints, RunSettings
from munjang.tasks.thresholds import FEWEST_ROWS, best_thresholds

# Most logits in memory at once while thresholds are tuned.
MOST_TUNED = 2**22

MultilabelLoss = Literal["binary_crossentropy"]


Share = Annotated[float, Field(ge=0, le=1)]


class MultilabelSettings(Settings):
    """Settings of the task `multilabel`."""

    separator: str = Field("|", min_length=1, description="string between the labels of a row")
    loss: MultilabelLoss = Field(
        "binary_crossentropy", description="loss per label, averaged over labels"
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="probability mass spread over yes and no"
    )
    thresholds: dict[str, Share] | None = Field(
        None, description="a probability per label; tuned for F1 on the validation part if omitted"
    )

    @field_validator("loss", mode="before")
    @classmethod
    def _resolve_loss(cls, loss: object) -> object:
        return resolve_loss(loss, "multilabel", get_args(MultilabelLoss))


@dataclass(frozen=True)
class LabelsAnswer:
    """The labels of one row.

    Attributes:
        labels: labels whose probability reaches their threshold; may be empty.
        probabilities: probability of every label; they need not sum to 1.
        truncated: True if the text was longer than the model reads and its end was ignored.
        separator: string between the labels on a line.
    """

    labels: tuple[str, ...]
    probabilities: dict[str, float]
    truncated: bool = False
    separator: str = "|"

    def lines(self, row: int, text: str) -> list[list[str]]:
        """Return the labels, joined by the separator, and the text."""
        return [[self.separator.join(self.labels), text]]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {key: value for key, value in asdict(self).items() if key != "separator"}


@dataclass(frozen=True)
class Multilabel(LogitsTask):
    """The task `multilabel`.

    Attributes:
        labels: names in the order of label numbers.
        settings: separator, loss and thresholds.
        thresholds: a probability per label; empty during training, when all are 0.5.
    """

    labels: tuple[str, ...]
    settings: MultilabelSettings = field(default_factory=MultilabelSettings)
    thresholds: tuple[float, ...] = ()
    sections: ClassVar[Mapping[str, type[Settings]]] = {"multilabel": MultilabelSettings}

    @classmethod
    def reader(cls, recipe: RunSettings) -> ReadLabels:
        """Return the reader of a set of labels per row."""
        return partial(clean_label_sets, separator=cls.settings_in(recipe).separator)

    @classmethod
    def check_rows(cls, rows: Table, least: int) -> None:
        """Refuse fewer than two labels."""
        labels = _distinct_labels(rows)
        if len(labels) < 2:
            got = f"only {labels[0]!r}" if labels else "none"
            raise DataError(
                f"expected labels in column {rows.target_name!r}, two different ones at least, "
                f"got {got}",
                file=rows.files[0],
            )

    @classmethod
    def fit(cls, train: Table, whole: Table, recipe: RunSettings) -> Self:
        """Return the task with all labels of `whole`, as a rare one may have no training row."""
        settings, known = cls.settings_in(recipe), recipe.labels
        labels = tuple(_distinct_labels(whole) if known is None else sorted(set(known)))
        if len(labels) < 2:
            raise ConfigError(f"labels: expected two or more, got {join_names(labels)}")
        _refuse_unknown(settings.thresholds, labels)
        return cls(labels, settings)

    @classmethod
    def restore(cls, recipe: RunSettings) -> Self:
        """Return the task of a model folder, with its thresholds."""
        settings = cls.settings_in(recipe)
        return cls(tuple(recipe.labels or ()), settings)._with_thresholds(settings.thresholds or {})

    def _with_thresholds(self, thresholds: Mapping[str, float]) -> Self:
        names = KnownLabels(self.labels)
        thresholds = {names.find(name) or name: share for name, share in thresholds.items()}
        return replace(self, thresholds=tuple(thresholds.get(name, 0.5) for name in self.labels))

    @property
    def outputs(self) -> int:
        """Number of logits: one per label."""
        return len(self.labels)

    def remarks(self, train: Table) -> list[str]:
        """Return labels per row, the separator, and labels that cannot be learned."""
        counts = self.targets(train).sum(1)
        notes = [
            f"{len(self.labels):,} labels, separated by '{self.settings.separator}' if they are "
            f"in one string; {counts.mean():.2f} per row, "
            f"{pluralize(int((counts == 0).sum()), 'row')} without any"
        ]
        seen = set(_distinct_labels(train))
        unseen = [name for name in self.labels if name not in seen]
        if unseen:
            notes.append(f"no training row has the label {join_names(unseen)}")
        other = next((sign for sign in ";,|" if any(sign in name for name in self.labels)), None)
        if counts.max() <= 1 and other:
            notes.append(
                f"no row has two labels, but some labels contain '{other}': if it separates "
                "labels, "
                f"set multilabel.separator to it"
            )
        return notes

    def targets(self, table: Table) -> Bools:
        """Return True where a row has a label, [rows, labels]."""
        sets = require_labels(table)
        names = KnownLabels(self.labels)
        numbers = {name: number for number, name in enumerate(self.labels)}
        distinct = sets.explode().drop_nulls().unique().to_list()
        columns = {
            label: numbers[name] for label in distinct if (name := names.find(label)) is not None
        }
        targets = np.zeros((len(sets), len(self.labels)), dtype=np.bool_)
        rows = pl.DataFrame({"row": np.arange(len(sets)), "label": sets}).explode("label")
        for row, label in rows.drop_nulls().iter_rows():
            if label not in columns:
                raise table.error(
                    row,
                    f"the label {shorten(label)} was never seen in training; the known labels are "
                    f"{join_names(self.labels)}",
                )
            targets[row, columns[label]] = True
        return targets

    def solve(self, features: Any, targets: Floats) -> tuple[Floats, Floats]:
        """Solve a linear model of features [rows, terms] for each label.

        Returns:
            Weights [labels, terms] and bias [labels].
        """
        models = [solve_logistic(features, label.astype(np.int64), 1) for label in targets.T]
        weights, biases = zip(*models, strict=True)
        return np.vstack(weights), np.concatenate(biases)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss over rows and labels in nats, a scalar."""
        return binary_crossentropy(logits, targets, self.settings.label_smoothing).mean()

    def probabilities(self, logits: Tensor) -> Floats:
        """Return independent probabilities [rows, labels] of logits [rows, labels]."""
        return sigmoid(logits.detach().cpu().numpy().astype(np.float64))

    def student_settings(self) -> dict[str, Any]:
        """Return the names of the labels and their separator."""
        return {"labels": list(self.labels), "multilabel": {"separator": self.settings.separator}}

    def soft_targets(self, logits: Tensor) -> Floats:
        """Return independent probabilities [rows, labels] of logits [rows, labels]."""
        return self.probabilities(logits)

    def soft_loss(self, logits: Tensor, soft: Tensor, temperature: float) -> Tensor:
        """Return T^2 KL of softened probabilities, the mean over labels [batch]."""
        return softened_binary_kl(logits, soft, temperature)

    def decide(self, soft: Floats) -> Bools:
        """Return True where a probability [rows, labels] reaches its threshold."""
        return self._reach_threshold(soft)

    def logits_of(self, soft: Floats) -> Tensor:
        """Return logits [rows, labels] of probabilities [rows, labels]."""
        return torch.logit(torch.from_numpy(soft), eps=torch.finfo(torch.float64).eps)

    def _reach_threshold(self, probabilities: Floats) -> Bools:
        return probabilities >= np.asarray(self.thresholds or [0.5] * len(self.labels))

    def scorer(self, targets: npt.NDArray[Any]) -> "SetScorer":
        """Return the scorer against targets in {0, 1}, [rows, labels]."""
        return SetScorer(self, targets, SetCounts.empty(len(self.labels)))

    def finalize(self, network: nn.Module, data: Dataset) -> Self:
        """Return the task with the thresholds that are set, or those with the best F1 on `data`."""
        thresholds = self.settings.thresholds
        return self._with_thresholds(
            self._tune(network, data) if thresholds is None else thresholds
        )

    def _tune(self, network: nn.Module, data: Dataset) -> dict[str, float]:
        """Tune the thresholds of the labels that are frequent enough, some labels at a time."""
        assert data.targets is not None
        frequent = np.flatnonzero(data.targets.sum(0) >= FEWEST_ROWS)
        step = max(1, MOST_TUNED // len(data))
        thresholds: dict[str, float] = {}
        for start in range(0, len(frequent), step):
            labels = frequent[start : start + step]
            logits = torch.empty(len(data), len(labels))
            for rows, part in logits_in_batches(network, data, self.outputs):
                logits[rows] = part[:, labels]
            thresholds |= self._best_thresholds(logits, data.targets[:, labels], labels)
        return thresholds

    def _best_thresholds(
        self, logits: Tensor, targets: npt.NDArray[Any], labels: Ints
    ) -> dict[str, float]:
        """Return the best thresholds on these rows of some labels, given by their numbers.

        Args:
            logits: [rows, these labels].
            targets: in {0, 1}, [rows, these labels].
            labels: numbers of the labels.
        """
        thresholds = best_thresholds(self.probabilities(logits), targets)
        return {self.labels[n]: value for n, value in zip(labels, thresholds, strict=True)}

    def answers_of(self, logits: Tensor, truncated: Bools) -> list[LabelsAnswer]:
        """Return the labels of each row, and all probabilities."""
        return [
            answer
            for part in slice_rows(*logits.shape)
            for answer in self._answers(self.probabilities(logits[part]), truncated[part])
        ]

    def explain_logits(self, logits: Tensor, wanted: str | None) -> ExplainedScores:
        """Return the logit of each label of the answer, see `explain_labels`."""
        answer = self.answers_of(logits[None], np.zeros(1, dtype=np.bool_))[0]
        return explain_labels(self.labels, answer.labels, logits, wanted)

    def _answers(self, probabilities: Floats, truncated: Bools) -> Iterator[LabelsAnswer]:
        predicted = self._reach_threshold(probabilities)
        for chosen, row, is_cut in zip(predicted, probabilities, truncated, strict=True):
            yield LabelsAnswer(
                tuple(self.labels[number] for number in np.flatnonzero(chosen)),
                dict(zip(self.labels, row.tolist(), strict=True)),
                bool(is_cut),
                self.settings.separator,
            )

    def judge_rows(self, logits: Tensor, targets: npt.NDArray[Any]) -> RowJudgments:
        """Judge each row by its set of labels, with the mean log loss of a label in nats.

        Args:
            logits: [rows, labels].
            targets: in {0, 1}, [rows, labels].
        """
        probabilities = self.probabilities(logits)
        return RowJudgments.of_sets(
            self.labels,
            targets.astype(np.bool_),
            self._reach_threshold(probabilities),
            probabilities,
            self.settings.separator,
        )

    def state(self) -> dict[str, Any]:
        """Return the names of the labels, and their thresholds once they are tuned."""
        if not self.thresholds:
            return {"labels": list(self.labels)}
        thresholds = dict(zip(self.labels, self.thresholds, strict=True))
        return {"labels": list(self.labels), "multilabel": {"thresholds": thresholds}}

    def card(self, scores: Mapping[str, Any], noun: str) -> Card:
        """Return the labels, their thresholds, and the metrics of each."""
        tuned = [
            f"{name[:80]} {value:.3f}"
            for name, value in zip(self.labels, self.thresholds, strict=True)
        ]
        listed = format_markdown_list(tuned, "config.yaml")
        return Card(
            kind=f"model that gives {noun}s any number of labels",
            about=f"Labels, and the probability that each must reach: {listed}.",
            details=format_class_table("label", scores["classes"]),
            limits="It knows the labels above and no other,\nand may give none. Thresholds "
            "were tuned on the rows of the metrics above.",
        )


@dataclass(frozen=True)
class SetScorer:
    """Scorer of label sets; see `munjang.tasks.logits.Scorer`.

    Attributes:
        task: turns logits into sets of labels.
        targets: in {0, 1}, [rows, labels].
        counts: counts of the rows so far.
    """

    task: Multilabel
    targets: npt.NDArray[Any]
    counts: SetCounts

    def add(self, rows: Ints, logits: Tensor) -> None:
        """Add the logits [batch, labels] of the rows at some indices."""
        for part in slice_rows(*logits.shape):
            probabilities = self.task.probabilities(logits[part])
            predicted = self.task._reach_threshold(probabilities)
            self.counts.add(probabilities, predicted, self.targets[rows[part]])

    def scores(self) -> SetScores:
        """Return the scores of all rows."""
        return self.counts.scores(self.task.labels)


def _distinct_labels(table: Table) -> list[str]:
    """Return all labels of a table in alphabetical order."""
    return sorted(require_labels(table).explode().drop_nulls().unique().to_list())


def _refuse_unknown(thresholds: Mapping[str, float] | None, labels: Sequence[str]) -> None:
    names = KnownLabels(labels)
    unknown = [name for name in thresholds or {} if names.find(name) is None]
    if unknown:
        raise ConfigError(
            f"multilabel.thresholds: '{unknown[0]}' is no label; known labels: {join_names(labels)}"
        )
