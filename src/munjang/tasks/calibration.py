"""The calibration of a classifier, as its model folder keeps it.

`munjang.diagnosis.calibration` fits it on held-out rows; the task applies it.
"""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from munjang.config import LONGEST_LABEL, Settings
from munjang.errors import ConfigError

# Bounds of the temperature: beyond them rows that are all right, or chance, drive it anywhere.
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0
# Thresholds at once, and rows.
_MOST_POINTS, _MOST_ROWS = 1000, 10**12

NOT_CALIBRATED = (
    "this model does not know its risk yet; run munjang calibrate FOLDER DATA, with labeled rows "
    "that it has not seen"
)

_Share = Annotated[float, Field(ge=0, le=1)]
_Count = Annotated[int, Field(ge=0, le=_MOST_ROWS)]


class CoveragePoint(Settings):
    """A threshold of abstention, and the rows of the calibration that it answered.

    A row is answered if its confidence without temperature exceeds the threshold.
    """

    threshold: _Share = Field(description="confidence that an answer must exceed")
    answered: _Count = Field(description="rows that were answered")
    wrong: _Count = Field(description="rows that were answered wrongly")
    risk: _Share = Field(description="upper limit of the share of wrong answers")


class DecisionSettings(Settings):
    """The probability from which on one of two classes is the answer."""

    positive: str = Field(max_length=LONGEST_LABEL, description="the class")
    threshold: _Share = Field(description="its lowest probability")


class CalibrationSettings(Settings):
    """Temperature and thresholds that `munjang calibrate` fitted on held-out rows."""

    rows: int = Field(ge=1, le=_MOST_ROWS, description="number of rows")
    temperature: float = Field(
        ge=LOWEST_TEMPERATURE, le=HIGHEST_TEMPERATURE, description="divisor of the logits"
    )
    coverage: tuple[CoveragePoint, ...] = Field(
        (), max_length=_MOST_POINTS, description="thresholds of abstention"
    )
    decision: DecisionSettings | None = Field(
        None, description="threshold for stated costs of errors, of two classes"
    )

    @model_validator(mode="after")
    def _check_points(self) -> Self:
        for point in self.coverage:
            if not point.wrong <= point.answered <= self.rows:
                raise ValueError("coverage: wrong, answered and rows must not decrease")
        return self

    def find_threshold(self, risk: float) -> float:
        """Return the threshold that answers most rows among those that keep a risk.

        Args:
            risk: largest share of wrong answers among the answered rows, between 0 and 1.

        Raises:
            ConfigError: no threshold keeps it, or it is no share, or labels follow stated costs.
        """
        if not 0 < risk < 1:
            raise ConfigError(
                f"abstain: expected a share of wrong answers between 0 and 1, got {risk:g}"
            )
        if self.decision is not None:
            raise ConfigError(
                "abstain: the labels of this model follow stated costs, and abstaining counts all "
                "errors alike; run munjang calibrate FOLDER DATA without costs"
            )
        kept = [point for point in self.coverage if point.risk <= risk]
        if not kept:
            raise ConfigError(_describe_no_threshold(risk, self.coverage, self.rows))
        return max(kept, key=lambda point: point.answered).threshold


def _describe_no_threshold(risk: float, points: Sequence[CoveragePoint], rows: int) -> str:
    lowest = min((point.risk for point in points), default=1.0)
    return (
        f"abstain: no threshold keeps the risk {risk:g} for certain; {rows:,} rows of calibration "
        f"allow {lowest:.4f} or more: calibrate with more rows, or allow a higher risk"
    )
