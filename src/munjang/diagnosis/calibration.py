"""Calibration of a trained classifier on labeled rows that it has not seen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from munjang.data.table import Table
from munjang.diagnosis.abstention import coverage_points
from munjang.diagnosis.answers import answer_rows
from munjang.diagnosis.calibration_report import CalibrationReport
from munjang.diagnosis.costs import Costs, parse_costs, report_costs
from munjang.diagnosis.intervals import wilson_interval
from munjang.diagnosis.reading import reading_settings, require_model
from munjang.diagnosis.reliability import compute_aurc, compute_reliability
from munjang.diagnosis.temperature import apply_temperature, cross_fit, fit_temperature, log_loss
from munjang.errors import ConfigError, DataError
from munjang.forked import require_polars
from munjang.model import Model
from munjang.reporting import Report, discard
from munjang.tasks.calibration import (
    HIGHEST_TEMPERATURE,
    LOWEST_TEMPERATURE,
    CalibrationSettings,
    DecisionSettings,
)
from munjang.tasks.classification_scores import calibration_error
from munjang.tasks.task import Calibrates

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Fewer rows say next to nothing, and this many probabilities fit into memory.
FEWEST_ROWS, MOST_NUMBERS = 20, 2**27
# Rows from which on an interval of one bin or limit is of use.
ENOUGH_ROWS = 500


@dataclass(frozen=True)
class Calibrated:
    """Result of a calibration.

    Attributes:
        model: the calibrated model.
        report: how well it is calibrated, and what it promises.
        folder: the model folder that keeps it; None if a model was given.
    """

    model: Model
    report: CalibrationReport
    folder: Path | None


def calibrate(
    model: Model | str | Path,
    data: Any,
    *,
    cost_false_positive: float | None = None,
    cost_false_negative: float | None = None,
    positive: str | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    first_column: str | None = None,
    second_column: str | None = None,
    encoding: str | None = None,
    skip_bad_rows: bool = False,
    report: Report | None = None,
) -> Calibrated:
    """Fit the temperature of a classifier and its thresholds of abstention on held-out rows.

    With stated costs of the two errors of a decision between two classes, the answer becomes that
    of the lower expected cost. Without them, no answer changes.

    Args:
        model: a model, or its folder, which then keeps the calibration.
        data: labeled rows that the model has not seen, as for `munjang.evaluate`.
        cost_false_positive: cost of the positive class as a wrong answer.
        cost_false_negative: cost of the other class as a wrong answer.
        positive: name of the positive class; the second one if omitted.
        text_column: column of the texts; that of the training if omitted.
        label_column: column of the labels; that of the training if omitted.
        first_column: column of the first texts; that of the training if omitted.
        second_column: column of the second texts; that of the training if omitted.
        encoding: encoding of text files; that of the training if omitted.
        skip_bad_rows: skip and count unusable rows instead of raising.
        report: function called with notes.

    Raises:
        DataError: a row cannot be used, or there are too few.
        ConfigError: the model is no classifier, or a cost is wrong.
        FolderError: there is no complete model in the folder, or it cannot be written.

    Example:
        >>> munjang.calibrate("my-model", "held-out.tsv").report.temperature
        1.62
        >>> munjang.load("my-model").predict("글쎄", abstain=0.05)[0].answered
        False
    """
    require_polars("A calibration")
    known, report = require_model(model), report or discard
    task = known.task
    if not isinstance(task, Calibrates):
        raise ConfigError(
            f"calibrate: is for models of the task classify, this one is of {known.recipe.task}"
        )
    costs = parse_costs(cost_false_positive, cost_false_negative, positive)
    if costs is not None:
        _check_classes(costs, known.labels)
    named = reading_settings(
        text_column, label_column, first_column, second_column, encoding, skip_bad_rows
    )
    rows = known.read(data, named, report)
    _check_rows(known, rows)
    answered = answer_rows(known, rows)
    logits, targets = task.class_logits(answered.logits), answered.targets
    settings, found = _fit(logits, targets, known.labels, costs)
    note = _note_seen_rows(found, known.metrics)
    found = replace(found, notes=(*found.notes, *note))
    metrics = {**known.metrics, "calibration": found.figures()}
    calibrated = replace(known, task=task.with_calibration(settings), metrics=metrics)
    folder = Path(model) if isinstance(model, str | Path) else None
    if folder is not None:
        calibrated.save(folder)
    return Calibrated(calibrated, found, folder)


def _check_classes(costs: Costs, labels: tuple[str, ...]) -> None:
    """Refuse costs of other than two classes, or of an unknown one."""
    if len(labels) != 2:
        raise ConfigError(
            f"costs of errors: are for two classes, the model has {len(labels)}; leave them out"
        )
    if costs.positive is not None and costs.positive not in labels:
        raise ConfigError(
            f"positive: expected '{labels[0]}' or '{labels[1]}', got '{costs.positive[:80]}'"
        )


def _check_rows(model: Model, rows: Table) -> None:
    """Refuse too few rows to say anything, and more than fit into memory."""
    if len(rows) < FEWEST_ROWS:
        raise DataError(
            f"expected {FEWEST_ROWS} rows or more to calibrate on, better {ENOUGH_ROWS}, got "
            f"{len(rows)}",
            file=rows.files[0],
        )
    if len(rows) * len(model.labels) > MOST_NUMBERS:
        raise DataError(
            f"{len(rows):,} rows with {len(model.labels):,} probabilities each need too much "
            f"memory; {MOST_NUMBERS // len(model.labels):,} rows are enough",
            file=rows.files[0],
        )


def _fit(
    logits: Floats, targets: Ints, labels: tuple[str, ...], costs: Costs | None
) -> tuple[CalibrationSettings, CalibrationReport]:
    """Fit everything on logits [rows, classes] and class numbers [rows]."""
    temperature = fit_temperature(logits, targets)
    raw, fair = apply_temperature(logits, 1.0), cross_fit(logits, targets)
    predicted = raw.argmax(1)
    is_right = predicted == targets
    confidence = raw.max(1)
    points = coverage_points(confidence, is_right)
    calibrated = apply_temperature(logits, temperature)
    stated = None if costs is None else report_costs(costs, labels, calibrated, targets)
    settings = CalibrationSettings(
        rows=len(targets),
        temperature=temperature,
        coverage=points,
        decision=None
        if stated is None
        else DecisionSettings(positive=stated.positive, threshold=stated.threshold),
    )
    places = np.arange(len(targets))
    found = CalibrationReport(
        rows=len(targets),
        accuracy=float(is_right.mean()),
        temperature=temperature,
        error_before=calibration_error(raw, targets),
        error_after=calibration_error(fair, targets),
        log_loss_before=log_loss(raw, targets),
        log_loss_after=log_loss(fair, targets),
        before=compute_reliability(confidence, is_right),
        after=compute_reliability(fair[places, predicted], is_right),
        aurc=compute_aurc(confidence, is_right),
        coverage=points,
        costs=stated,
        notes=tuple(_notes(temperature, is_right)),
    )
    return settings, found


def measure_calibration(
    logits: Floats, targets: Ints, labels: tuple[str, ...]
) -> CalibrationReport:
    """Return how well a classifier is calibrated, and what it may promise when it abstains.

    Args:
        logits: of rows that the model has not seen, [rows, classes].
        targets: true class numbers [rows].
        labels: names of the classes.
    """
    return _fit(logits, targets, labels, None)[1]


def _notes(temperature: float, is_right: npt.NDArray[np.bool_]) -> list[str]:
    """Return what to keep in mind of these rows."""
    notes = []
    if len(is_right) < ENOUGH_ROWS:
        notes.append(
            f"{len(is_right):,} rows are few: limits of the risk are far from the share of wrong "
            f"answers; {ENOUGH_ROWS:,} or more are better"
        )
    if temperature in (LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE):
        notes.append(
            f"the temperature {temperature:g} is the end of its range: these rows say that the "
            "probabilities should be "
            + ("surer without bounds" if temperature < 1 else "equal for all classes")
        )
    return notes


def _note_seen_rows(found: CalibrationReport, metrics: Mapping[str, Any]) -> list[str]:
    """Return a note if the rows seem to be those of the training; else none."""
    validation = metrics.get("validation", {})
    known = validation.get("accuracy")
    if not isinstance(known, int | float):
        return []
    low, _ = wilson_interval(round(found.accuracy * found.rows), found.rows)
    rows = int(validation.get("rows") or 0)
    _, high = wilson_interval(round(known * rows), rows)
    if low <= high:
        return []
    return [
        f"the accuracy here, {found.accuracy:.4f}, is higher than that on the validation part, "
        f"{known:.4f}: if the model was trained on these rows, none of this holds for new ones"
    ]
