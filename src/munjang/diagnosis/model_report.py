"""Report on a trained model over labeled rows: facts, errors, calibration, reasons, alerts."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from munjang.data.table import Table
from munjang.diagnosis.alerts import Alert, RowFacts, find_alerts
from munjang.diagnosis.answers import AnsweredRows, answer_rows, require_judging
from munjang.diagnosis.calibration import FEWEST_ROWS, measure_calibration
from munjang.diagnosis.calibration_report import CalibrationReport
from munjang.diagnosis.errors import WORST, ErrorReport, ErrorRow, oov_rates, report_errors
from munjang.diagnosis.inside import look_inside
from munjang.diagnosis.label_issues import LabelIssue, collect_issues
from munjang.diagnosis.reading import reading_settings, require_model
from munjang.diagnosis.temperature import apply_temperature
from munjang.displayed import Displayed
from munjang.errors import ConfigError, MunjangError
from munjang.explain.attribution import Explanation
from munjang.explain.filters import Filters
from munjang.explain.memory import Memory
from munjang.explain.why import explain_answer
from munjang.forked import require_polars
from munjang.inputs.text import HasTokenizer
from munjang.layers.parameters import count_parameters
from munjang.model import Model
from munjang.reporting import Report, discard, pluralize, stage
from munjang.tasks.heads import find_members
from munjang.tasks.row_judgments import RowJudgments
from munjang.tasks.task import Calibrates

# Wrong rows with the words that decided, and label issues that are listed.
_EXPLAINED, _MOST_EXPLAINED, _ISSUES = 10, 100, 50
# Probability from which on an answer counts as sure.
SURE = 0.9


@dataclass(frozen=True)
class ModelFacts:
    """Name, size and training of a model.

    Attributes:
        name: its folder, or its architecture.
        task: name of its task.
        architecture: name of its architecture.
        parameters: number of parameters.
        networks: number of networks that answer together.
        labels: its labels.
        training_rows: rows of its training; None if it was not trained here.
        seconds: of its training, likewise.
    """

    name: str
    task: str
    architecture: str
    parameters: int
    networks: int
    labels: tuple[str, ...]
    training_rows: int | None
    seconds: float | None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**vars(self), "labels": list(self.labels)}


@dataclass(frozen=True)
class ExplainedError:
    """A wrong row and the words that decided.

    Attributes:
        row: the row.
        explanation: shares of its words in the score of the answer.
    """

    row: ErrorRow
    explanation: Explanation

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"row": self.row.to_json(), "explanation": self.explanation.to_json()}


@dataclass(frozen=True, repr=False)
class ModelReport(Displayed):
    """A report on a model.

    Attributes:
        model: what the model is.
        facts: counts over the rows.
        errors: confusions, slices, and the worst rows.
        calibration: how far probabilities can be believed; None for tasks without, or few rows.
        issues: rows whose label is likely wrong, the likeliest first; empty for other tasks.
        explained: the worst rows with the words that decided.
        inside: the filters of a cnn, or the memory of other networks, by the name of the view; of
            several networks those of the first.
        alerts: what is worth acting on, the most severe first.
    """

    model: ModelFacts
    facts: RowFacts
    errors: ErrorReport
    calibration: CalibrationReport | None
    issues: tuple[LabelIssue, ...]
    explained: tuple[ExplainedError, ...]
    inside: Mapping[str, Filters | Memory]
    alerts: tuple[Alert, ...]

    drawings: ClassVar[str] = "munjang.report.model_report:MODEL_REPORT"

    def summary(self) -> str:
        """Return the model, its score, and the number of alerts."""
        return (
            f"{self.model.name}, {self.errors.score_name} {self.errors.score:.4f} on "
            f"{pluralize(self.facts.rows, 'row')}, {pluralize(len(self.alerts), 'alert')}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "model": self.model.to_json(),
            "facts": self.facts.to_json(),
            "alerts": [alert.to_json() for alert in self.alerts],
            "errors": self.errors.to_json(),
            "calibration": None if self.calibration is None else self.calibration.to_json(),
            "issues": [issue.to_json() for issue in self.issues],
            "explained": [each.to_json() for each in self.explained],
            "inside": {name: view.to_json() for name, view in self.inside.items()},
        }


def report_model(
    model: Any,
    data: Any,
    *,
    explained: int = _EXPLAINED,
    text_column: str | None = None,
    label_column: str | None = None,
    first_column: str | None = None,
    second_column: str | None = None,
    encoding: str | None = None,
    skip_bad_rows: bool = False,
    report: Report | None = None,
) -> ModelReport:
    """Report on a model: what to do next, how good it is, where it is wrong, and why.

    Args:
        model: a model of classify, multilabel or regress, or its folder.
        data: labeled rows that the model has not seen, as for `munjang.evaluate`.
        explained: number of the worst rows that are explained word by word.
        text_column: column of the texts; that of the training if omitted.
        label_column: column of the labels or numbers; that of the training if omitted.
        first_column: column of the first texts; that of the training if omitted.
        second_column: column of the second texts; that of the training if omitted.
        encoding: encoding of text files; that of the training if omitted.
        skip_bad_rows: skip and count unusable rows instead of raising.
        report: function called with notes.

    Raises:
        DataError: a row cannot be used, or its label was never seen in training.
        ConfigError: the task has no right and wrong answers row by row, or `explained` is out of
            range.
        FolderError: there is no complete model in the folder.

    Example:
        >>> found = munjang.report_model("my-model", "test.tsv")
        >>> [alert.kind for alert in found.alerts]
        ['labels_likely_wrong']
    """
    require_polars("A report")
    if not 0 <= explained <= _MOST_EXPLAINED:
        raise ConfigError(f"explained: expected 0 to {_MOST_EXPLAINED} rows, got {explained:,}")
    known = require_model(model)
    task = require_judging(known, "report")
    named = reading_settings(
        text_column, label_column, first_column, second_column, encoding, skip_bad_rows
    )
    answered = answer_rows(known, known.read(data, named, report or discard))
    judgments = answered.judge()
    errors = report_errors(answered, judgments, WORST)
    calibration, issues = None, list[LabelIssue]()
    if isinstance(task, Calibrates):
        # as the model answers: with the temperature that it keeps
        kept = 1.0 if task.calibration is None else task.calibration.temperature
        scores, targets = task.class_logits(answered.logits) / kept, answered.targets
        probabilities = apply_temperature(scores, 1.0)
        issues = collect_issues(answered.table, known.labels, targets, probabilities)
        if len(targets) >= FEWEST_ROWS:
            calibration = measure_calibration(scores, targets, known.labels)
    counted = _count(answered, judgments, issues)
    with stage(f"explaining {pluralize(explained, 'row')}"):
        reasons = _explain(known, errors, explained)
    with stage("looking inside"):
        inside = look_inside(known, answered.table)
    return ModelReport(
        model=_describe(known, model),
        facts=counted,
        errors=errors,
        calibration=calibration,
        issues=tuple(issues[:_ISSUES]),
        explained=reasons,
        inside=inside,
        alerts=find_alerts(errors, calibration, counted, known.metrics.get("validation", {})),
    )


def _describe(model: Model, given: Any) -> ModelFacts:
    training = model.metrics.get("training", {})
    rows, seconds = training.get("rows"), training.get("seconds")
    return ModelFacts(
        name=Path(given).name if isinstance(given, str | Path) else model.recipe.model_name,
        task=model.recipe.task,
        architecture=model.recipe.model_name,
        parameters=count_parameters(model.network),
        networks=len(find_members(model.network)),
        labels=model.labels,
        training_rows=rows if isinstance(rows, int) else None,
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
    )


def _count(answered: AnsweredRows, judgments: RowJudgments, issues: list[LabelIssue]) -> RowFacts:
    model, table, targets = answered.model, answered.table, answered.targets
    has_classes = isinstance(model.task, Calibrates)
    is_text = isinstance(model.input, HasTokenizer)
    probability, right = judgments.probability, judgments.right
    is_sure = None if probability is None or right is None else (probability >= SURE) & ~right
    return RowFacts(
        rows=len(table),
        sure_and_wrong=None if is_sure is None else int(is_sure.sum()),
        most_frequent=int(np.bincount(targets).max()) if has_classes else None,
        contradicting=_count_contradicting(table, targets) if has_classes and is_text else 0,
        truncated=int(np.asarray(answered.encoded.truncated).sum()),
        oov_rate=float(oov_rates(model, table.keys).mean()) if is_text else None,
        label_issues=len(issues) if has_classes else None,
    )


def _count_contradicting(table: Table, targets: npt.NDArray[Any]) -> int:
    """Return the number of rows whose text is there again with another label."""
    texts = table.keys.to_list()
    labels = defaultdict[Any, set[int]](set)
    for text, target in zip(texts, targets.tolist(), strict=True):
        labels[text].add(target)
    counts = Counter(texts)
    return sum(counts[text] for text, found in labels.items() if len(found) > 1)


def _explain(model: Model, errors: ErrorReport, most: int) -> tuple[ExplainedError, ...]:
    """Explain the worst wrong rows of one text; rows that cannot be explained are left out."""
    if not isinstance(model.input, HasTokenizer) or model.recipe.input != "text":
        return ()
    found: list[ExplainedError] = []
    for row in errors.worst:
        if len(found) == most:
            break
        if row.is_right:
            continue
        try:
            explanation = explain_answer(model, row.text)
        except MunjangError:  # such as a text without a token
            continue
        found.append(ExplainedError(row, explanation))
    return tuple(found)
