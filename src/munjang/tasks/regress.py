"""Regression: one number per row.

The network learns standardized targets, (number - mean) / standard deviation of the training part,
so that losses do not depend on the unit; answers and scores are in the user's unit.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, field_validator
from torch import Tensor

from munjang.config import Settings
from munjang.data.labels import require_labels
from munjang.data.readers.targets import clean_numbers
from munjang.data.readers.values import ReadLabels
from munjang.data.table import Table
from munjang.errors import ConfigError, DataError
from munjang.layers.number_losses import NUMBER_LOSSES, NumberLoss, huber
from munjang.tasks.explained import ExplainedScores, linear_scores
from munjang.tasks.logits import LogitsTask
from munjang.tasks.loss_names import resolve_loss
from munjang.tasks.number_scores import NumberScores, score_numbers
from munjang.tasks.task import Bools, Card, Floats, RunSettings

RegressLoss = Literal["mean_squared_error", "mean_absolute_error", "huber", "log_cosh", "poisson"]


class RegressSettings(Settings):
    """Settings of the task `regress`."""

    loss: RegressLoss = Field(
        "mean_squared_error", description="or mse, mae; poisson is for counts"
    )
    huber_delta: float = Field(
        1.0,
        gt=0,
        le=10**9,
        description="where huber becomes linear, in standard deviations of the numbers",
    )
    mean: float | None = Field(
        None,
        ge=-1e30,
        le=1e30,
        description="subtracted from each number; that of the training part if omitted",
    )
    scale: float | None = Field(
        None,
        gt=0,
        ge=1e-30,
        le=1e30,
        description="divisor of each number; the standard deviation if omitted",
    )

    @field_validator("loss", mode="before")
    @classmethod
    def _resolve_loss(cls, loss: object) -> object:
        return resolve_loss(loss, "regress", get_args(RegressLoss))


@dataclass(frozen=True)
class NumberAnswer:
    """The number of one row.

    Attributes:
        value: the number, in the unit of the training data.
        truncated: True if the text was longer than the model reads and its end was ignored.
    """

    value: float
    truncated: bool = False

    def lines(self, row: int, text: str) -> list[list[str]]:
        """Return the number and the text."""
        return [[f"{self.value:.4f}", text]]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Regress(LogitsTask):
    """The task `regress`.

    Attributes:
        mean: mean of the training numbers; 0 for the loss poisson.
        scale: their standard deviation; for poisson, whose outputs are logarithms, their mean.
        settings: the loss.
    """

    mean: float = 0.0
    scale: float = 1.0
    settings: RegressSettings = field(default_factory=RegressSettings)
    has_labels: ClassVar[bool] = False
    bounded_gradient: ClassVar[bool] = False
    sections: ClassVar[Mapping[str, type[Settings]]] = {"regress": RegressSettings}
    labels: ClassVar[tuple[str, ...]] = ()
    outputs = 1

    @classmethod
    def check_recipe(cls, recipe: RunSettings) -> None:
        """Refuse a linear ensemble, which is for labels only."""
        if getattr(recipe.model, "linear_weight", 0):
            raise ValueError(
                "model.linear_weight: the linear model of an ensemble is for classify and "
                "multilabel, and the task is regress; set it to 0"
            )

    @classmethod
    def reader(cls, recipe: RunSettings) -> ReadLabels:
        """Return the reader of a finite number per row."""
        return clean_numbers

    @classmethod
    def check_rows(cls, rows: Table, least: int) -> None:
        """Refuse numbers that are all equal."""
        numbers = require_labels(rows)
        if numbers.n_unique() == 1:
            raise DataError(
                f"expected numbers that differ in column {rows.target_name!r}, but all "
                f"{len(rows):,} rows have {numbers[0]:g}",
                file=rows.files[0],
            )

    @classmethod
    def fit(cls, train: Table, whole: Table, recipe: RunSettings) -> Self:
        """Return the task with mean and scale of the training part, unless they are set."""
        settings = cls.settings_in(recipe)
        numbers = require_labels(train).to_numpy()
        is_poisson = settings.loss == "poisson"
        if is_poisson and numbers.min() < 0:
            row = int(np.argmin(numbers >= 0))
            raise train.error(
                row,
                f"the loss poisson is for counts of 0 or more, got {numbers[row]:g}; choose "
                "another regress.loss, such as mean_squared_error",
            )
        mean = 0.0 if is_poisson else float(numbers.mean())
        # the numbers of the training part may be equal, though those of all rows differ
        scale = float(numbers.mean() if is_poisson else numbers.std()) or 1.0
        return cls._with_scaling(settings, mean, scale)

    @classmethod
    def restore(cls, recipe: RunSettings) -> Self:
        """Return the task of a model folder."""
        return cls._with_scaling(cls.settings_in(recipe), 0.0, 1.0)

    @classmethod
    def _with_scaling(cls, settings: RegressSettings, mean: float, scale: float) -> Self:
        """Return the task; settings take precedence over values of the data."""
        if settings.loss == "poisson" and settings.mean:
            raise ConfigError("regress.mean: the loss poisson subtracts no mean; leave it out")
        return cls(
            mean if settings.mean is None else settings.mean,
            scale if settings.scale is None else settings.scale,
            settings,
        )

    def remarks(self, train: Table) -> list[str]:
        """Return range, mean and deviation of the numbers, which show a wrong column."""
        numbers = self.targets(train)
        return [
            f"numbers from {numbers.min():g} to {numbers.max():g}, mean {numbers.mean():.4g}, "
            f"standard deviation {numbers.std():.4g}"
        ]

    def targets(self, table: Table) -> Floats:
        """Return the numbers [rows], in the user's unit."""
        return require_labels(table).to_numpy()

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of a batch on standardized numbers, a scalar.

        Args:
            logits: [batch, 1].
            targets: numbers [batch] in the user's unit.
        """
        standardized = ((targets - self.mean) / self.scale).to(logits.dtype)
        return self._row_loss()(logits, standardized[:, None]).mean()

    def _row_loss(self) -> NumberLoss:
        if self.settings.loss == "huber":
            return partial(huber, delta=self.settings.huber_delta)
        return NUMBER_LOSSES[self.settings.loss]

    def numbers(self, logits: Tensor) -> Floats:
        """Return numbers [rows] in the user's unit of logits [rows, 1]."""
        outputs = logits[:, 0].double()
        if self.settings.loss == "poisson":
            outputs = torch.exp(outputs)
        return (outputs * self.scale + self.mean).cpu().numpy()

    def student_settings(self) -> dict[str, Any]:
        """Return the loss, mean and scale."""
        names = {"loss": self.settings.loss, "huber_delta": self.settings.huber_delta}
        return {"regress": {**names, "mean": self.mean, "scale": self.scale}}

    def soft_targets(self, logits: Tensor) -> Floats:
        """Return numbers [rows, 1] in the user's unit of logits [rows, 1]."""
        return self.numbers(logits)[:, None]

    def soft_loss(self, logits: Tensor, soft: Tensor, temperature: float) -> Tensor:
        """Return the task's loss against another model's numbers [batch, 1], [batch].

        Numbers have no temperature.
        """
        standardized = ((soft - self.mean) / self.scale).to(logits.dtype)
        return self._row_loss()(logits, standardized)

    def decide(self, soft: Floats) -> Floats:
        """Return numbers [rows] of numbers [rows, 1]."""
        return soft[:, 0].astype(np.float64)

    def logits_of(self, soft: Floats) -> Tensor:
        """Return logits [rows, 1] of numbers [rows, 1]."""
        standardized = (torch.from_numpy(soft) - self.mean) / self.scale
        if self.settings.loss == "poisson":
            return standardized.clamp(min=torch.finfo(torch.float64).tiny).log()
        return standardized

    def scorer(self, targets: Floats) -> "NumberScorer":
        """Return the scorer against numbers [rows]."""
        return NumberScorer(self, targets, np.empty(len(targets)))

    def answers_of(self, logits: Tensor, truncated: Bools) -> list[NumberAnswer]:
        """Return a number per row."""
        numbers = self.numbers(logits).tolist()
        return [NumberAnswer(n, bool(is_cut)) for n, is_cut in zip(numbers, truncated, strict=True)]

    def explain_logits(self, logits: Tensor, wanted: str | None) -> ExplainedScores:
        """Return the number, in the user's unit; for the loss poisson its logarithm.

        Raises:
            ConfigError: a class is asked for.
        """
        if wanted is not None:
            raise ConfigError("class: a model of numbers has no classes; leave it out")
        answer = f"{self.numbers(logits[None])[0]:.4g}"
        if self.settings.loss == "poisson":
            return linear_scores(
                answer, ["logarithm of the number"], [[1.0]], [math.log(self.scale)]
            )
        return linear_scores(answer, ["the number"], [[self.scale]], [self.mean])

    def state(self) -> dict[str, Any]:
        """Return mean and scale."""
        return {"regress": {"mean": self.mean, "scale": self.scale}}

    def card(self, scores: Mapping[str, Any], noun: str) -> Card:
        """Return mean and standard deviation of the training numbers."""
        unit = f"mean {self.mean:.4g} and standard deviation {self.scale:.4g}"
        if self.settings.loss == "poisson":
            unit = f"mean {self.scale:.4g}"
        return Card(
            kind=f"model that gives {noun}s a number",
            about=f"Numbers of the training part: {unit}.",
            details=f"MAE and RMSE are in the unit of the numbers. Always answering with the mean "
            f"has an RMSE of {_or_dash(scores['baseline_rmse'])}, and an R2 of 0.",
            limits="It always answers with a number,\n"
            "which may lie outside the range of the training data.",
        )


@dataclass(frozen=True)
class NumberScorer:
    """Scorer of numbers; see `munjang.tasks.logits.Scorer`.

    Attributes:
        task: turns logits into numbers.
        targets: numbers [rows].
        answers: answers so far, [rows].
    """

    task: Regress
    targets: Floats
    answers: Floats

    def add(self, rows: npt.NDArray[np.int64], logits: Tensor) -> None:
        """Add the logits [batch, 1] of the rows at some indices."""
        self.answers[rows] = self.task.numbers(logits)

    def scores(self) -> NumberScores:
        """Return the scores of all rows."""
        return score_numbers(self.answers, self.targets)


def _or_dash(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.4f}"
