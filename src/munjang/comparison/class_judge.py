"""The judge of a comparison of classifiers: scores, confusions and disagreements."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from munjang.comparison.candidates import Candidate
from munjang.comparison.class_answers import ClassAnswers
from munjang.comparison.class_tallies import class_tally
from munjang.comparison.disagreements import Example, disagreements
from munjang.comparison.folder import DATA
from munjang.comparison.plan import Plan
from munjang.comparison.standings import Outcome, answers_by_name
from munjang.comparison.statistics import Ints, score
from munjang.comparison.stored import Part, class_numbers, read_labels, read_part
from munjang.tasks.classification_scores import ConfusedPair, Confusion, count_confusions

METRICS = ("accuracy", "macro_f1", "log_loss")


@dataclass(frozen=True)
class ClassDetails:
    """The parts of page and JSON beside the table.

    Attributes:
        labels: The classes.
        confusions: By model, counts [true][predicted], summed over seeds; of many classes the
            pairs that are confused most.
        examples: The rows that the models disagree on most.
        absent: Classes of which the test part has no row.
    """

    labels: tuple[str, ...]
    confusions: dict[str, Confusion | tuple[ConfusedPair, ...]] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    absent: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {
            "labels": list(self.labels),
            "confusions": {name: _plain(counts) for name, counts in self.confusions.items()},
            "examples": [asdict(example) for example in self.examples],
            "absent": list(self.absent),
        }


@dataclass(frozen=True)
class ClassJudge:
    """Judges runs on the test part.

    Attributes:
        metric: The metric that decides.
        labels: The classes.
        test: The test part.
        targets: Its true classes [rows].
    """

    metric: str
    labels: tuple[str, ...]
    test: Part
    targets: Ints

    @classmethod
    def of(cls, plan: Plan, folder: Path) -> Self:
        """Return the judge of the comparison in `folder`."""
        labels, test = read_labels(folder / DATA), read_part(folder / DATA, "test")
        return cls(plan.metric, labels, test, class_numbers(test, labels))

    def outcome(self, record: Mapping[str, Any], run: Path) -> Outcome:
        """Return the outcome of the finished run in a folder."""
        answers = ClassAnswers.read(run, len(self.targets), len(self.labels))
        tallies = {name: class_tally(name, answers, self.targets) for name in METRICS}
        figures = {name: score(tally) for name, tally in tallies.items()}
        is_constant = bool((answers.likeliest == answers.likeliest[0]).all())
        one_answer = is_constant and bool((self.targets != self.targets[0]).any())
        return Outcome(record, answers, tallies[self.metric], figures, one_answer=one_answer)

    def details(self, outcomes: Mapping[Candidate, Sequence[Outcome]]) -> ClassDetails:
        """Return confusions and disagreements."""
        runs = answers_by_name(outcomes)
        # a constant answer disagrees with all others, which is no news
        compared = answers_by_name({c: outcomes[c] for c in outcomes if not c.is_constant})
        return ClassDetails(
            self.labels,
            {name: _confusion(seeds, self.targets, self.labels) for name, seeds in runs.items()},
            disagreements(compared, self.test.texts, self.targets, self.labels),
            tuple(label for label in self.labels if label not in set(self.test.targets)),
        )


def _confusion(
    seeds: Sequence[ClassAnswers], targets: Ints, labels: Sequence[str]
) -> Confusion | tuple[ConfusedPair, ...]:
    predicted = np.concatenate([answers.likeliest for answers in seeds])
    matrix, confused = count_confusions(np.tile(targets, len(seeds)), predicted, labels)
    return confused if matrix is None else matrix


def _plain(counts: Confusion | tuple[ConfusedPair, ...]) -> list[Any]:
    return [asdict(one) if isinstance(one, ConfusedPair) else list(one) for one in counts]
