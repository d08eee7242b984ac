"""What the runs of a comparison of labelled texts are worth, and what they take for what."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from munjang.comparison.class_tallies import METRICS, class_tally
from munjang.comparison.disagreements import Example, disagreements
from munjang.comparison.entrants import Entrant
from munjang.comparison.kept import Part, class_numbers, labels_of, read_part, read_probabilities
from munjang.comparison.plan import DATA, Plan
from munjang.comparison.standings import Outcome
from munjang.comparison.statistics import Floats, Ints, score
from munjang.tasks.metrics import ConfusedPair, Confusion, confusions


@dataclass(frozen=True)
class ClassDetails:
    """What is told beside the table.

    Attributes:
        labels: the classes.
        confusions: by name [true][guessed], summed over seeds; of many classes the pairs that are
            confused most.
        examples: the texts that the models disagree on most.
        absent: classes of which the test part has no row.
    """

    labels: tuple[str, ...]
    confusions: dict[str, Confusion | tuple[ConfusedPair, ...]] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    absent: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "labels": list(self.labels),
            "confusions": {name: _plain(counts) for name, counts in self.confusions.items()},
            "examples": [asdict(example) for example in self.examples],
            "absent": list(self.absent),
        }


@dataclass(frozen=True)
class ClassJudge:
    """Judges runs by the test part.

    Attributes:
        metric: which decides.
        labels: the classes.
        test: the test part.
        targets: its true classes.
    """

    metric: str
    labels: tuple[str, ...]
    test: Part
    targets: Ints

    @classmethod
    def of(cls, plan: Plan, folder: Path) -> Self:
        """The judge of the comparison in `folder`."""
        labels, test = labels_of(folder / DATA), read_part(folder / DATA, "test")
        return cls(plan.metric, labels, test, class_numbers(test, labels))

    def outcome(self, record: Mapping[str, Any], run: Path) -> Outcome:
        """What the run in a folder, which came to its end, gave."""
        shape = (len(self.targets), len(self.labels))
        probabilities = read_probabilities(run, shape)
        tallies = {name: class_tally(name, probabilities, self.targets) for name in METRICS}
        figures = {name: score(tally) for name, tally in tallies.items()}
        guesses = probabilities.argmax(1)
        one_answer = bool((guesses == guesses[0]).all() and (self.targets != self.targets[0]).any())
        tally = tallies[self.metric]
        return Outcome(record, probabilities, tally, figures, one_answer=one_answer)

    def details(self, outcomes: Mapping[Entrant, Sequence[Outcome]]) -> ClassDetails:
        """What is told beside the table."""
        runs = {who.name: [one.answers for one in ran] for who, ran in outcomes.items() if ran}
        # majority says the same of every text; its disagreement is no news
        readers = {who.name: runs[who.name] for who in outcomes if who.reads_text and outcomes[who]}
        return ClassDetails(
            self.labels,
            {name: _confusion(seeds, self.targets, self.labels) for name, seeds in runs.items()},
            disagreements(readers, self.test.texts, self.targets, self.labels),
            tuple(label for label in self.labels if label not in set(self.test.answers)),
        )


def _confusion(
    seeds: Sequence[Floats], targets: Ints, labels: Sequence[str]
) -> Confusion | tuple[ConfusedPair, ...]:
    guesses = np.concatenate([probabilities.argmax(1) for probabilities in seeds])
    matrix, confused = confusions(np.tile(targets, len(seeds)), guesses, labels)
    return confused if matrix is None else matrix


def _plain(counts: Confusion | tuple[ConfusedPair, ...]) -> list[Any]:
    return [asdict(one) if isinstance(one, ConfusedPair) else list(one) for one in counts]
