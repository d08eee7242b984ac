"""The judge of a comparison of masked language models: masked tokens of each text."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from munjang.comparison.candidates import Candidate
from munjang.comparison.folder import DATA
from munjang.comparison.plan import Plan
from munjang.comparison.standings import Outcome
from munjang.comparison.statistics import Floats, Tally, most_divided, ratio_tally, score
from munjang.comparison.stored import read_arrays, read_part, run_again, write_arrays
from munjang.errors import DataError, FolderError
from munjang.tasks.masked_rows import RowScores
from munjang.tasks.metric_table import perplexity_of

SCORES = "masked.safetensors"
_NAMES = ("tokens", "nats", "right")
_EXAMPLES = 20


@dataclass(frozen=True)
class MaskedExample:
    """A text of the test part, and how well each model predicts its masked tokens.

    Attributes:
        row: number of the text, from 1.
        text: the text.
        spread: standard deviation over models of `cross_entropy`.
        cross_entropy: nats per masked token by model, the mean over its seeds.
    """

    row: int
    text: str
    spread: float
    cross_entropy: dict[str, float]


@dataclass(frozen=True)
class MaskedDetails:
    """The parts of page and JSON beside the table.

    Attributes:
        tokens: number of masked tokens.
        examples: the texts on which the models differ most.
    """

    tokens: int
    examples: tuple[MaskedExample, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return asdict(self)


def write_scores(run: Path, scores: RowScores) -> None:
    """Write the scores of each text of the test part.

    Raises:
        ValueError: some are not finite.
        DataError: fewer than two texts have a token that can be masked.
    """
    if np.count_nonzero(scores.tokens) < 2:
        raise DataError(
            "fewer than two texts of the test part have a token that can be masked: all others are "
            "out of vocabulary; give more texts, or lower tokenizer.min_frequency"
        )
    write_arrays(run / SCORES, {name: getattr(scores, name) for name in _NAMES})


def read_scores(run: Path, rows: int) -> RowScores:
    """Read what `write_scores` wrote.

    Raises:
        FolderError: the file is missing, damaged, or of another test part.
    """
    arrays = read_arrays(run / SCORES, _NAMES)
    if any(array.shape != (rows,) for array in arrays):
        raise FolderError(f"{run / SCORES}: expected {rows:,} numbers; {run_again(run)}")
    tokens, nats, right = arrays
    return RowScores(tokens.astype(np.int64), nats.astype(np.float64), right.astype(np.int64))


def masked_tally(metric: str, scores: RowScores) -> Tally:
    """Return cross_entropy or accuracy of one run."""
    values = scores.nats if metric == "cross_entropy" else scores.right.astype(np.float64)
    return ratio_tally(values, scores.tokens.astype(np.float64))


@dataclass(frozen=True, eq=False)
class MaskedJudge:
    """Judges runs on the test part.

    Attributes:
        metric: the metric that decides.
        texts: texts of the test part.
    """

    metric: str
    texts: Sequence[str]

    @classmethod
    def of(cls, plan: Plan, folder: Path) -> Self:
        """Return the judge of the comparison in `folder`."""
        return cls(plan.metric, read_part(folder / DATA, "test").inputs)

    def outcome(self, record: Mapping[str, Any], run: Path) -> Outcome:
        """Return the outcome of the finished run in a folder."""
        scores = read_scores(run, len(self.texts))
        figures = {
            name: score(masked_tally(name, scores)) for name in ("cross_entropy", "accuracy")
        }
        perplexity = perplexity_of(figures["cross_entropy"])
        if math.isfinite(perplexity):
            figures["perplexity"] = perplexity
        return Outcome(record, scores, masked_tally(self.metric, scores), figures)

    def details(self, outcomes: Mapping[Candidate, Sequence[Outcome]]) -> MaskedDetails:
        """Return the number of masked tokens, and the texts on which the models differ most."""
        finished = {candidate: runs for candidate, runs in outcomes.items() if runs}
        if not finished:
            return MaskedDetails(0)
        tokens = next(iter(finished.values()))[0].answers.tokens
        rates = {
            candidate.name: np.mean(
                [run.answers.nats / np.maximum(run.answers.tokens, 1) for run in runs], axis=0
            )
            for candidate, runs in finished.items()
            if not candidate.is_constant
        }
        return MaskedDetails(int(tokens.sum()), self._examples(rates, tokens.astype(np.float64)))

    def _examples(self, rates: Mapping[str, Floats], sizes: Floats) -> tuple[MaskedExample, ...]:
        return tuple(
            MaskedExample(
                row + 1,
                self.texts[row],
                spread,
                {name: float(rate[row]) for name, rate in rates.items()},
            )
            for row, spread in most_divided(rates, sizes, _EXAMPLES)
        )
