"""Alerts of a report on a model: findings worth acting on, by severity.

An alert is data: the kind says what was found, the values are its numbers and names. The sentences,
in English and Korean, are in `munjang.report.model_report_words`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from munjang.diagnosis.calibration_report import CalibrationReport
from munjang.diagnosis.errors import ErrorReport
from munjang.diagnosis.intervals import wilson_interval
from munjang.diagnosis.slices import Slice

Severity = Literal["high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")

# Expected calibration errors from which on probabilities mislead, and are far off.
_MISCALIBRATED, _FAR_OFF = 0.05, 0.15
# Shares of rows from which on it is worth looking.
_SURELY_CONTRADICTED, _TRUNCATED, _OOV = 0.01, 0.05, 0.2
# Slices of one kind that are named; a report of all labels is in its table.
_MOST_SLICES = 5


@dataclass(frozen=True)
class Alert:
    """A finding worth acting on.

    Attributes:
        severity: high: the model should not be used before it is understood; medium: it costs
            quality; low: good to know.
        kind: what was found, a key of the sentences.
        values: numbers and names of the sentence.
        section: id of the section of the page that shows it.
    """

    severity: Severity
    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)
    section: str = "errors"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "severity": self.severity,
            "kind": self.kind,
            "values": {
                name: value.to_json() if isinstance(value, Slice) else value
                for name, value in self.values.items()
            },
            "section": self.section,
        }


@dataclass(frozen=True)
class RowFacts:
    """Counts over the rows of a report.

    Attributes:
        rows: number of rows.
        sure_and_wrong: wrong rows whose answer has a probability of 0.9 or more; None of numbers.
        most_frequent: rows of the most frequent label; None without classes.
        contradicting: rows whose text is there again with another label.
        truncated: rows that are longer than the model reads.
        oov_rate: mean share of the tokens of a row that are out of vocabulary; None without tokens.
        label_issues: rows for which the model finds another label likelier, by confident learning;
            None if labels are not checked.
    """

    rows: int
    sure_and_wrong: int | None
    most_frequent: int | None
    contradicting: int
    truncated: int
    oov_rate: float | None
    label_issues: int | None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return dict(vars(self))


def find_alerts(
    errors: ErrorReport,
    calibration: CalibrationReport | None,
    facts: RowFacts,
    validation: Mapping[str, Any],
) -> tuple[Alert, ...]:
    """Return the alerts of a report, the most severe first.

    Args:
        errors: errors of the model.
        calibration: its calibration; None for tasks without.
        facts: counts over the rows.
        validation: metrics of the validation part of its training.
    """
    found = [
        *_compare_with_majority(errors, facts),
        *_compare_with_validation(errors, validation),
        *_judge_slices(errors),
        *_judge_labels(facts),
        *(() if calibration is None else _judge_calibration(calibration)),
        *_judge_texts(facts),
    ]
    return tuple(sorted(found, key=lambda alert: SEVERITIES.index(alert.severity)))


def _compare_with_majority(errors: ErrorReport, facts: RowFacts) -> Iterator[Alert]:
    if facts.most_frequent is None:
        return
    share = facts.most_frequent / facts.rows
    if errors.low <= share:
        yield Alert("high", "no_better_than_majority", {"score": errors.score, "share": share})


def _compare_with_validation(errors: ErrorReport, validation: Mapping[str, Any]) -> Iterator[Alert]:
    known, rows = validation.get("accuracy"), int(validation.get("rows") or 0)
    if errors.score_name != "accuracy" or not isinstance(known, int | float) or not rows:
        return
    low, high = wilson_interval(round(known * rows), rows)
    values = {"score": errors.score, "validation": float(known)}
    if errors.high < low:
        yield Alert("high", "worse_than_validation", values)
    elif errors.low > high:
        yield Alert("high", "better_than_validation", values)


def _judge_slices(errors: ErrorReport) -> Iterator[Alert]:
    worse = [part for part in errors.slices if part.is_worse]
    for part in worse[:_MOST_SLICES]:
        yield Alert("medium", "slice_is_worse", {"slice": part}, "slices")
    if len(worse) > _MOST_SLICES:
        yield Alert("medium", "more_slices", {"count": len(worse) - _MOST_SLICES}, "slices")


def _judge_labels(facts: RowFacts) -> Iterator[Alert]:
    sure = facts.sure_and_wrong or 0
    if facts.label_issues and sure >= _SURELY_CONTRADICTED * facts.rows:
        values = {"rows": sure, "share": sure / facts.rows}
        yield Alert("medium", "labels_likely_wrong", values, "labels")
    if facts.contradicting:
        yield Alert("medium", "labels_contradict", {"rows": facts.contradicting}, "labels")


def _judge_calibration(calibration: CalibrationReport) -> Iterator[Alert]:
    error = calibration.error_before
    if error >= _MISCALIBRATED and calibration.error_after < error:
        severity: Severity = "high" if error >= _FAR_OFF else "medium"
        kind = "too_sure" if calibration.temperature > 1 else "too_unsure"
        values = {"error": error, "after": calibration.error_after}
        yield Alert(severity, kind, values, "calibration")


def _judge_texts(facts: RowFacts) -> Iterator[Alert]:
    if facts.truncated >= _TRUNCATED * facts.rows:
        values = {"rows": facts.truncated, "share": facts.truncated / facts.rows}
        yield Alert("medium", "texts_truncated", values)
    elif facts.truncated:
        yield Alert("low", "some_texts_truncated", {"rows": facts.truncated})
    if facts.oov_rate is not None and facts.oov_rate >= _OOV:
        yield Alert("medium", "many_oov_tokens", {"share": facts.oov_rate})
