"""Rows of a file whose label is likely wrong, with the label that a model suggests."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from munjang.data.labels import check_known_labels, check_labels, require_labels
from munjang.data.readers import read_table
from munjang.data.table import Table
from munjang.diagnosis.confident_learning import rank_issues
from munjang.diagnosis.folds import assign_folds
from munjang.diagnosis.judges import make_judges
from munjang.errors import ConfigError
from munjang.forked import require_polars
from munjang.inputs.text import report_read
from munjang.model import Model
from munjang.pretrained.model_folder import read_start
from munjang.reporting import Report, discard, stage

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEWEST_FOLDS, MOST_FOLDS = 2, 100
_LARGEST_SEED = 2**31 - 1  # of a recipe


@dataclass(frozen=True)
class LabelIssue:
    """A row whose label is likely wrong.

    Attributes:
        file: name of its file.
        row: line or row in the file, from 1.
        text: its text.
        given: its label.
        suggested: the likely true label.
        probability: probability of the suggested label by a model that did not see the row.
        given_probability: that of the given label.
    """

    file: str
    row: int
    text: str
    given: str
    suggested: str
    probability: float
    given_probability: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True)
class LabelIssues:
    """Likely wrong labels of a file.

    Attributes:
        model: name of the model, or names of the models.
        folds: number of folds.
        labels: the labels of the file.
        rows: number of rows.
        accuracy: share of rows whose label the model gives without having seen them. If it is low,
            the issues say more about the model than about the labels.
        issues: the rows, the likeliest first.
    """

    model: str
    folds: int
    labels: tuple[str, ...]
    rows: int
    accuracy: float
    issues: tuple[LabelIssue, ...]

    def pairs(self) -> list[tuple[str, str, int]]:
        """Return given and suggested labels with their number of rows, the most rows first."""
        counts = Counter((issue.given, issue.suggested) for issue in self.issues)
        return [(*pair, count) for pair, count in counts.most_common()]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "model": self.model,
            "folds": self.folds,
            "labels": list(self.labels),
            "rows": self.rows,
            "accuracy": self.accuracy,
            "issues": [issue.to_json() for issue in self.issues],
        }


def find_label_issues(
    data: Any,
    *,
    model: str | Sequence[str] | None = None,
    from_folder: str | Path | Model | None = None,
    folds: int = 5,
    text_column: str | None = None,
    label_column: str | None = None,
    encoding: str = "utf-8",
    skip_bad_rows: bool = False,
    config: Mapping[str, Any] | None = None,
    seed: int = 0,
    report: Report | None = None,
) -> LabelIssues:
    """Find rows whose label is likely wrong, by models that did not see them.

    The rows are parted into folds, equal texts in one. Each fold is answered by a model of the
    other folds, and confident learning compares its probabilities with the labels; see
    `munjang.diagnosis.confident_learning`.

    Args:
        data: labeled texts: a file, a data frame, or (texts, labels).
        model: a baseline (tfidf-characters, tfidf-words, nbsvm) or an architecture, or several,
            whose probabilities are pooled (`munjang.diagnosis.pooling`): models that err on
            different rows find more together. tfidf-characters if neither it nor `from_folder` is
            given.
        from_folder: model folder, or a loaded model, whose encoder a further model of each fold
            begins from: one that was pretrained on texts, not on these labels.
        folds: number of folds; a model is trained for each.
        text_column: column of the texts; inferred if omitted.
        label_column: column of the labels; inferred if omitted.
        encoding: encoding of text files.
        skip_bad_rows: skip and count unusable rows instead of raising.
        config: settings of the architectures, nested as in `config.yaml`.
        seed: random seed of folds and training.
        report: function called with notes.

    Raises:
        DataError: a row cannot be used, or a class has too few distinct texts to be learned without
            one fold of them: one, or with an architecture or `from_folder` two.
        ConfigError: there is no such model, one is named twice, `folds` or `seed` is out of range,
            or there are settings and no model has any.
        FolderError: `from_folder` cannot be read.

    Example:
        >>> found = munjang.find_label_issues("reviews.tsv")
        >>> found.issues[0].given, found.issues[0].suggested
        ('1', '0')
        >>> munjang.find_label_issues("reviews.tsv", model=["tfidf-characters", "nbsvm"])
    """
    require_polars("Finding label issues")
    if not FEWEST_FOLDS <= folds <= MOST_FOLDS:
        raise ConfigError(f"folds: expected {FEWEST_FOLDS} to {MOST_FOLDS}, got {folds:,}")
    if not 0 <= seed <= _LARGEST_SEED:
        raise ConfigError(f"seed: expected 0 to {_LARGEST_SEED:,}, got {str(seed)[:40]}")
    report = report or discard
    start = None if from_folder is None else _load_start(from_folder, report)
    judges = make_judges(model, start, settings=config or {}, seed=seed)
    with stage("reading texts"):
        table = read_table(
            data,
            text_column=text_column,
            label_column=label_column,
            encoding=encoding,
            skip_bad_rows=skip_bad_rows,
        )
    report_read(table, "text", report)
    labels = tuple(sorted(check_labels(table)))
    targets = check_known_labels(require_labels(table), labels, table)
    fold = assign_folds(table, targets, folds, seed, fewest=judges.fewest_texts)
    probabilities = judges.judge(table.keys, targets, fold, labels)
    return _collect(table, labels, targets, probabilities, str(judges), folds)


def _load_start(folder: str | Path | Model, report: Report) -> Model:
    """Return the model to begin from, with a note if it knows labels already."""
    start = folder if isinstance(folder, Model) else read_start(Path(folder), report)
    if start.labels:
        report(
            "the model to begin from was trained on labels: of rows that it has seen, it knows the "
            "wrong labels, too, and does not find them"
        )
    return start


def _collect(
    table: Table,
    labels: tuple[str, ...],
    targets: Ints,
    probabilities: Floats,
    model: str,
    folds: int,
) -> LabelIssues:
    issues = tuple(collect_issues(table, labels, targets, probabilities))
    accuracy = float((probabilities.argmax(1) == targets).mean())
    return LabelIssues(model, folds, labels, len(table), accuracy, issues)


def collect_issues(
    table: Table, labels: tuple[str, ...], targets: Ints, probabilities: Floats
) -> list[LabelIssue]:
    """Return the rows whose label is likely wrong, the likeliest first.

    Args:
        table: the rows.
        labels: names of the classes.
        targets: given class numbers [rows].
        probabilities: of a model that did not see the row, [rows, classes].
    """
    ranked = rank_issues(probabilities, targets)
    issues = []
    for row, suggested in zip(ranked.rows.tolist(), ranked.suggested.tolist(), strict=True):
        file, line = table.place(row)
        given = int(targets[row])
        issues.append(
            LabelIssue(
                file,
                line,
                str(table.keys[row]),
                labels[given],
                labels[suggested],
                float(probabilities[row, suggested]),
                float(probabilities[row, given]),
            )
        )
    return issues
