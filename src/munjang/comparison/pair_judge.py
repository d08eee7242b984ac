"""What the runs of a comparison of pairs are worth, as a whole and by the length of the source."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from munjang.comparison.answers_apart import Answered, PairExample, answers_apart
from munjang.comparison.entrants import Entrant
from munjang.comparison.kept import Part, read_answers, read_part
from munjang.comparison.lengths import Lengths, group_by_length
from munjang.comparison.pair_fits import counted_by
from munjang.comparison.pair_tallies import METRICS, PairTallies
from munjang.comparison.plan import DATA, Plan
from munjang.comparison.standings import Outcome
from munjang.comparison.statistics import score


@dataclass(frozen=True)
class PairDetails:
    """What is told beside the table.

    Attributes:
        signatures: of sacrebleu for BLEU and chrF; none where no run came to an end.
        lengths: rows of the test part by the length of their source.
        examples: the pairs whose answers differ most.
    """

    signatures: tuple[str, ...]
    lengths: Lengths
    examples: tuple[PairExample, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON. The scores of the groups stand in the rows of the table."""
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
    """Judges runs by the test part.

    Attributes:
        metric: which decides.
        test: the test part.
        tallies: counts answers against its targets.
        lengths: its rows by the length of their source.
    """

    metric: str
    test: Part
    tallies: PairTallies
    lengths: Lengths

    @classmethod
    def of(cls, plan: Plan, folder: Path) -> Self:
        """The judge of the comparison in `folder`."""
        test = read_part(folder / DATA, "test")
        tallies = PairTallies(test.answers, **counted_by(plan.given))
        return cls(plan.metric, test, tallies, group_by_length(test.texts))

    def outcome(self, record: Mapping[str, Any], run: Path) -> Outcome:
        """What the run in a folder, which came to its end, gave."""
        answers = read_answers(run, len(self.test.texts))
        tallies = {name: self.tallies.tally(name, answers) for name in METRICS}
        figures = {name: score(tally) for name, tally in tallies.items()} | record["judged"]
        tally = tallies[self.metric]
        by_length = {group.name: tally.of(group.rows) for group in self.lengths.groups}
        one_answer = len(set(answers)) == 1 and len(set(self.test.answers)) > 1
        return Outcome(record, answers, tally, figures, by_length, one_answer)

    def details(self, outcomes: Mapping[Entrant, Sequence[Outcome]]) -> PairDetails:
        """What is told beside the table."""
        finished = {who: ran for who, ran in outcomes.items() if ran}
        models = {
            who.name: self._answered(who, ran)
            for who, ran in finished.items()
            if who.model != "copy"  # which is the source, and that stands beside the answers
        }
        return PairDetails(
            self.tallies.signatures if finished else (),
            self.lengths,
            answers_apart(models, self.test.texts, self.test.answers),
        )

    def _answered(self, who: Entrant, ran: Sequence[Outcome]) -> Answered:
        counted = [self.tallies.tally("chrf", one.answers) for one in ran]
        chrf = np.stack([tally.figure(tally.counts) for tally in counted])
        return Answered(ran[0].answers, chrf, decides=not who.is_baseline)
