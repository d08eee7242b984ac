"""Regression: a number a text.

The network learns standardized targets, (number - mean) / deviation of the training part, so that
step sizes and losses mean the same whatever the unit; answers and scores are in the person's own.
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
from munjang.tasks.fitting import fitting_loss
from munjang.tasks.logits import LogitsTask
from munjang.tasks.number_scores import NumberScores, number_scores
from munjang.tasks.task import Bools, Card, Floats, RunSettings

RegressLoss = Literal["mean_squared_error", "mean_absolute_error", "huber", "log_cosh", "poisson"]


class RegressSettings(Settings):
    """Settings of the task `regress`."""

    loss: RegressLoss = Field(
        "mean_squared_error", description="mse and mae for short; poisson for counts"
    )
    huber_delta: float = Field(
        1.0,
        gt=0,
        le=10**9,
        description="where huber turns linear, in standard deviations of the numbers",
    )
    mean: float | None = Field(
        None,
        ge=-1e30,
        le=1e30,
        description="taken off each number; that of the training part when left out",
    )
    scale: float | None = Field(
        None,
        gt=0,
        ge=1e-30,
        le=1e30,
        description="each number is divided by it; found when left out",
    )

    @field_validator("loss", mode="before")
    @classmethod
    def _fits(cls, loss: object) -> object:
        return fitting_loss(loss, "regress", get_args(RegressLoss))


@dataclass(frozen=True)
class NumberAnswer:
    """What the model says of one text.

    Attributes:
        value: the number, in the unit of the training data.
        truncated: the text was longer than the model reads; only its beginning counted.
    """

    value: float
    truncated: bool = False

    def lines(self, row: int, text: str) -> list[list[str]]:
        """Number and text."""
        return [[f"{self.value:.4f}", text]]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Regress(LogitsTask):
    """The task: what the numbers are measured in while the network learns them.

    Attributes:
        mean: of the numbers of the training part; 0 for the loss poisson.
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

    @property
    def outputs(self) -> int:
        """One logit per row."""
        return 1

    @classmethod
    def check_recipe(cls, recipe: RunSettings) -> None:
        """Refuse a linear model: there is one for classes alone."""
        if getattr(recipe.model, "linear_share", 0):
            raise ValueError(
                "model.linear_share: the linear model beside a network is for classify and "
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
        counts = settings.loss == "poisson"
        if counts and numbers.min() < 0:
            place = int(np.argmin(numbers >= 0))
            raise train.error(
                place,
                f"the loss poisson is for counts of 0 or more, got {numbers[place]:g}; choose "
                "another regress.loss, such as mean_squared_error",
            )
        mean = 0.0 if counts else float(numbers.mean())
        # the training part of different numbers may be equal ones
        scale = float(numbers.mean() if counts else numbers.std()) or 1.0
        return cls._with(settings, mean, scale)

    @classmethod
    def restore(cls, recipe: RunSettings) -> Self:
        """Return the task of a model folder."""
        return cls._with(cls.settings_in(recipe), 0.0, 1.0)

    @classmethod
    def _with(cls, settings: RegressSettings, mean: float, scale: float) -> Self:
        """What is set wins over what was found."""
        if settings.loss == "poisson" and settings.mean:
            raise ConfigError("regress.mean: the loss poisson takes nothing off; leave it out")
        return cls(
            mean if settings.mean is None else settings.mean,
            scale if settings.scale is None else settings.scale,
            settings,
        )

    def remarks(self, train: Table) -> list[str]:
        """What the numbers are like: a wrong column is seen at once."""
        numbers = self.targets(train)
        return [
            f"numbers from {numbers.min():g} to {numbers.max():g}, mean {numbers.mean():.4g}, "
            f"standard deviation {numbers.std():.4g}"
        ]

    def targets(self, table: Table) -> Floats:
        """The numbers [rows], in the person's unit."""
        return require_labels(table).to_numpy()

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean loss of a batch, of standardized numbers: a scalar.

        `logits` [batch, 1]; `targets` [batch] in the person's unit.
        """
        standardized = ((targets - self.mean) / self.scale).to(logits.dtype)
        return self._row_loss()(logits, standardized[:, None]).mean()

    def _row_loss(self) -> NumberLoss:
        if self.settings.loss == "huber":
            return partial(huber, delta=self.settings.huber_delta)
        return NUMBER_LOSSES[self.settings.loss]

    def numbers(self, logits: Tensor) -> Floats:
        """Logits [rows, 1] to numbers [rows] in the person's unit."""
        outputs = logits[:, 0].double()
        if self.settings.loss == "poisson":
            outputs = torch.exp(outputs)
        return (outputs * self.scale + self.mean).cpu().numpy()

    def scorer(self, targets: Floats) -> "NumberScorer":
        """Judges against numbers [rows]."""
        return NumberScorer(self, targets, np.empty(len(targets)))

    def answers_of(self, logits: Tensor, truncated: Bools) -> list[NumberAnswer]:
        """Return a number per row."""
        numbers = self.numbers(logits).tolist()
        return [NumberAnswer(n, bool(cut)) for n, cut in zip(numbers, truncated, strict=True)]

    def state(self) -> dict[str, Any]:
        """Return mean and scale."""
        return {"regress": {"mean": self.mean, "scale": self.scale}}

    def card(self, scores: Mapping[str, Any], noun: str) -> Card:
        """What the numbers of the training texts were like."""
        unit = f"mean {self.mean:.4g} and standard deviation {self.scale:.4g}"
        if self.settings.loss == "poisson":
            unit = f"mean {self.scale:.4g}"
        return Card(
            kind=f"model that gives {noun}s a number",
            about=f"Numbers of the training part: {unit}.",
            details=f"MAE and RMSE are in the unit of the numbers. Always answering with the mean "
            f"has an RMSE of {_or_dash(scores['baseline_rmse'])}, and an R2 of 0.",
            limits="It always answers with a number,\nwhich may lie outside of those that it saw.",
        )


@dataclass(frozen=True)
class NumberScorer:
    """Takes logits batch by batch; see `munjang.tasks.logits.Scorer`.

    Attributes:
        task: says how logits become numbers.
        targets: numbers [rows].
        answers: of the rows taken so far, [rows].
    """

    task: Regress
    targets: Floats
    answers: Floats

    def add(self, rows: npt.NDArray[np.int64], logits: Tensor) -> None:
        """Take the logits [batch, 1] of some rows."""
        self.answers[rows] = self.task.numbers(logits)

    def scores(self) -> NumberScores:
        """The scores of all rows."""
        return number_scores(self.answers, self.targets)


def _or_dash(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.4f}"
