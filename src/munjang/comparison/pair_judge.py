"""The judge of a comparison of pairs: scores of the whole, and by length of the source."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from munjang.comparison.candidates import Candidate
from munjang.comparison.contests.translate import count_settings
from munjang.comparison.diverging_answers import Answered, PairExample, diverging_answers
from munjang.comparison.folder import DATA
from munjang.comparison.lengths import Lengths, group_by_length
from munjang.comparison.pair_tallies import METRICS, PairTallies
from munjang.comparison.plan import Plan
from munjang.comparison.standings import Outcome
from munjang.comparison.statistics import score
from munjang.comparison.stored import Part, read_answers, read_part


@dataclass(frozen=True)
class PairDetails:
    """The parts of page and JSON beside the table.

    Attributes:
        signatures: Signatures of sacrebleu for BLEU and chrF; none if no run finished.
        lengths: Rows of the test part by the length of their source.
        examples: The pairs whose answers differ most.
    """

    signatures: tuple[str, ...]
    lengths: Lengths
    examples: tuple[PairExample, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON. The scores of the groups are in the rows of the table."""
        groups = [
            {
                "name": group.name,
                "shortest": group.shortest,
                "longest": group.longest,
                "mean": group.mean,
                "rows": len(group.rows),
            }
            for group in self.lengths.groups
        ]
        return {
            "signatures": list(self.signatures),
            "lengths": {"unit": self.lengths.unit, "groups": groups},
            "examples": [asdict(example) for example in self.examples],
        }


@dataclass(frozen=True)
class PairJudge:
    """Judges runs on the test part.

    Attributes:
        metric: The metric that decides.
        test: The test part.
        tallies: Scores answers against its targets.
        lengths: Its rows by the length of their source.
    """

    metric: str
    test: Part
    tallies: PairTallies
    lengths: Lengths

    @classmethod
    def of(cls, plan: Plan, folder: Path) -> Self:
        """Return the judge of the comparison in `folder`."""
        test = read_part(folder / DATA, "test")
        tallies = PairTallies(test.targets, **count_settings(plan.given))
        return cls(plan.metric, test, tallies, group_by_length(test.inputs))

    def outcome(self, record: Mapping[str, Any], run: Path) -> Outcome:
        """Return the outcome of the finished run in a folder."""
        answers = read_answers(run, len(self.test.inputs))
        tallies = {name: self.tallies.tally(name, answers) for name in METRICS}
        figures = {name: score(tally) for name, tally in tallies.items()} | record["judged"]
        tally = tallies[self.metric]
        by_length = {group.name: tally.of(group.rows) for group in self.lengths.groups}
        one_answer = len(set(answers)) == 1 and len(set(self.test.targets)) > 1
        return Outcome(record, answers, tally, figures, by_length, one_answer)

    def details(self, outcomes: Mapping[Candidate, Sequence[Outcome]]) -> PairDetails:
        """Return groups by length, and the answers that differ most."""
        finished = {candidate: runs for candidate, runs in outcomes.items() if runs}
        models = {
            candidate.name: self._answered(candidate, runs)
            for candidate, runs in finished.items()
            if candidate.model != "copy"  # the source itself is shown beside the answers
        }
        return PairDetails(
            self.tallies.signatures if finished else (),
            self.lengths,
            diverging_answers(models, self.test.inputs, self.test.targets),
        )

    def _answered(self, candidate: Candidate, runs: Sequence[Outcome]) -> Answered:
        counted = [self.tallies.tally("chrf", outcome.answers) for outcome in runs]
        chrf = np.stack([tally.figure(tally.counts) for tally in counted])
        return Answered(runs[0].answers, chrf, decides=not candidate.is_baseline)
