"""Result of a calibration as data."""

from dataclasses import dataclass
from typing import Any, ClassVar

from munjang.diagnosis.abstention import MISS
from munjang.diagnosis.costs import CostReport
from munjang.diagnosis.reliability import ReliabilityBin
from munjang.displayed import Displayed
from munjang.reporting import pluralize
from munjang.tasks.calibration import CoveragePoint


@dataclass(frozen=True, repr=False)
class CalibrationReport(Displayed):
    """Calibration of a model, measured on the rows that it was fitted on.

    Attributes:
        rows: number of rows.
        accuracy: share of rows whose most probable class is the true one.
        temperature: divisor of the logits.
        error_before: expected calibration error over 15 bins, without temperature.
        error_after: with it; each row's temperature was fitted without its fold (5 folds).
        log_loss_before: in nats, without temperature.
        log_loss_after: with it, by folds likewise.
        before: reliability without temperature.
        after: reliability with it, by folds likewise.
        aurc: area under the risk-coverage curve of the confidence without temperature.
        coverage: thresholds of abstention; their limits hold at once.
        level: probability with which they do.
        costs: errors and costs, where costs are stated.
        notes: what to keep in mind.
    """

    rows: int
    accuracy: float
    temperature: float
    error_before: float
    error_after: float
    log_loss_before: float
    log_loss_after: float
    before: tuple[ReliabilityBin, ...]
    after: tuple[ReliabilityBin, ...]
    aurc: float
    coverage: tuple[CoveragePoint, ...]
    level: float = 1 - MISS
    costs: CostReport | None = None
    notes: tuple[str, ...] = ()

    drawings: ClassVar[str] = "munjang.report.calibration:CALIBRATION"

    def summary(self) -> str:
        """Return the temperature, and the calibration error before and after."""
        return (
            f"temperature {self.temperature:.3f}, calibration error {self.error_before:.4f} to "
            f"{self.error_after:.4f} on {pluralize(self.rows, 'row')}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            **self.figures(),
            "reliability_before": [part.to_json() for part in self.before],
            "reliability_after": [part.to_json() for part in self.after],
            "coverage": [
                {
                    "coverage": point.answered / self.rows,
                    **point.model_dump(),
                }
                for point in self.coverage
            ],
            "level": self.level,
            "costs": None if self.costs is None else self.costs.to_json(),
            "notes": list(self.notes),
        }

    def figures(self) -> dict[str, Any]:
        """Return the single numbers."""
        return {
            "rows": self.rows,
            "accuracy": self.accuracy,
            "temperature": self.temperature,
            "calibration_error_before": self.error_before,
            "calibration_error_after": self.error_after,
            "log_loss_before": self.log_loss_before,
            "log_loss_after": self.log_loss_after,
            "aurc": self.aurc,
        }

    def best_coverage(self, risk: float) -> CoveragePoint | None:
        """Return the point with the most answered rows whose limit keeps a risk, or None."""
        kept = [point for point in self.coverage if point.risk <= risk]
        return max(kept, key=lambda point: point.answered, default=None)
