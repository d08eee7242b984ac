"""The judge of a comparison of models that give sets of labels."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from munjang.comparison.candidates import Candidate
from munjang.comparison.class_tallies import f1_tally
from munjang.comparison.folder import DATA
from munjang.comparison.plan import Plan
from munjang.comparison.set_answers import SetAnswers
from munjang.comparison.standings import Outcome, answers_by_name
from munjang.comparison.statistics import Floats, Ints, Tally, mean_tally, score
from munjang.comparison.stored import Bools, Part, read_labels, read_part, set_targets

METRICS = ("micro_f1", "macro_f1", "subset_accuracy", "log_loss")
_EXAMPLES = 20


@dataclass(frozen=True)
class SetExample:
    """A text, its labels, and the labels that the first run of each model gives it.

    Attributes:
        text: The text.
        labels: Its labels.
        spread: Standard deviation over models of the log loss, the mean over seeds.
        answers: By model.
    """

    text: str
    labels: tuple[str, ...]
    spread: float
    answers: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class SetDetails:
    """The parts of page and JSON beside the table.

    Attributes:
        labels: All labels.
        rows: Rows of the test part that have each label.
        f1: By model, F1 of each label, the mean over seeds.
        examples: The texts on which the models differ most.
        absent: Labels that no row of the test part has.
    """

    labels: tuple[str, ...]
    rows: tuple[int, ...] = ()
    f1: dict[str, tuple[float, ...]] = field(default_factory=dict)
    examples: tuple[SetExample, ...] = ()
    absent: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON; `rows` is the size of the parts there."""
        details = asdict(self)
        return {"label_rows": details.pop("rows"), **details}


def set_tally(metric: str, answers: SetAnswers, targets: Bools) -> Tally:
    """Return one of `METRICS` of one run; `targets` [rows, labels]."""
    if metric == "log_loss":
        return mean_tally(answers.loss)
    count, labels = targets.shape
    rows = np.repeat(np.arange(count), np.diff(answers.starts))
    is_hit = targets[rows, answers.labels]
    hits = np.bincount(rows[is_hit], minlength=count).astype(np.float64)
    either = np.diff(answers.starts) + targets.sum(1).astype(np.float64)
    if metric == "micro_f1":
        return Tally(np.stack([hits, either], axis=1), _micro_f1)
    if metric == "subset_accuracy":
        return mean_tally((2 * hits == either).astype(np.float64))
    true_rows, true_labels = np.nonzero(targets)
    return f1_tally(
        np.concatenate([rows, true_rows, rows[is_hit]]),
        np.concatenate([answers.labels, true_labels, labels + answers.labels[is_hit]]),
        (count, labels),
    )


def _micro_f1(sums: Floats) -> Floats:
    return np.asarray(2 * sums[:, 0] / np.maximum(sums[:, 1], 1))


@dataclass(frozen=True)
class SetJudge:
    """Judges runs on the test part.

    Attributes:
        metric: The metric that decides.
        labels: All labels.
        test: The test part.
        targets: Which labels each of its rows has, [rows, labels].
    """

    metric: str
    labels: tuple[str, ...]
    test: Part
    targets: Bools

    @classmethod
    def of(cls, plan: Plan, folder: Path) -> Self:
        """Return the judge of the comparison in `folder`."""
        labels, test = read_labels(folder / DATA), read_part(folder / DATA, "test")
        return cls(plan.metric, labels, test, set_targets(test, labels))

    def outcome(self, record: Mapping[str, Any], run: Path) -> Outcome:
        """Return the outcome of the finished run in a folder."""
        answers = SetAnswers.read(run, *self.targets.shape)
        tallies = {name: set_tally(name, answers, self.targets) for name in METRICS}
        figures = {name: score(tally) for name, tally in tallies.items()}
        first, sizes = answers.row(0), np.diff(answers.starts)
        is_constant = bool((sizes == len(first)).all()) and np.array_equal(
            answers.labels, np.tile(first, len(sizes))
        )
        one_answer = is_constant and bool((self.targets != self.targets[0]).any())
        return Outcome(record, answers, tallies[self.metric], figures, one_answer=one_answer)

    def details(self, outcomes: Mapping[Candidate, Sequence[Outcome]]) -> SetDetails:
        """Return F1 per label, and the texts on which the models differ most."""
        runs = answers_by_name(outcomes)
        compared = answers_by_name({c: outcomes[c] for c in outcomes if not c.is_constant})
        true = self.targets.sum(0)
        return SetDetails(
            self.labels,
            tuple(true.tolist()),
            {name: self._f1(seeds, true) for name, seeds in runs.items()},
            self._examples(compared),
            tuple(label for label, rows in zip(self.labels, true, strict=True) if not rows),
        )

    def _f1(self, seeds: Sequence[SetAnswers], true: Ints) -> tuple[float, ...]:
        return tuple(np.mean([self._f1_of(answers, true) for answers in seeds], axis=0).tolist())

    def _f1_of(self, answers: SetAnswers, true: Ints) -> Floats:
        rows = np.repeat(np.arange(len(self.targets)), np.diff(answers.starts))
        is_hit = self.targets[rows, answers.labels]
        hits = np.bincount(answers.labels[is_hit], minlength=len(self.labels))
        chosen = np.bincount(answers.labels, minlength=len(self.labels))
        return np.asarray(2 * hits / np.maximum(chosen + true, 1))

    def _examples(self, runs: Mapping[str, Sequence[SetAnswers]]) -> tuple[SetExample, ...]:
        if len(runs) < 2:
            return ()
        losses = [np.mean([answers.loss for answers in seeds], axis=0) for seeds in runs.values()]
        spread = np.stack(losses).std(0)
        rows = np.argsort(-spread, kind="stable")[:_EXAMPLES].tolist()
        return tuple(
            SetExample(
                self.test.texts[row],
                self._names(np.flatnonzero(self.targets[row])),
                float(spread[row]),
                {name: self._names(seeds[0].row(row)) for name, seeds in runs.items()},
            )
            for row in rows
        )

    def _names(self, places: Ints) -> tuple[str, ...]:
        return tuple(self.labels[place] for place in places.tolist())
