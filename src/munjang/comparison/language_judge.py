"""The judge of a comparison of language models: bits of each line of the test part."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from munjang.comparison.candidates import Candidate
from munjang.comparison.continuations import choose_prompt
from munjang.comparison.folder import DATA
from munjang.comparison.plan import Plan
from munjang.comparison.standings import Outcome
from munjang.comparison.statistics import Floats, most_divided, ratio_tally, score
from munjang.comparison.stored import (
    read_answers,
    read_arrays,
    read_part,
    run_again,
    write_answers,
    write_arrays,
)
from munjang.errors import FolderError

BITS = "bits.safetensors"
_EXAMPLES = 20


@dataclass(frozen=True, eq=False)
class LanguageAnswers:
    """The answers of one run.

    Attributes:
        bits: bits of each line of the test part, [lines].
        continuation: what the model writes after the prompt.
    """

    bits: Floats
    continuation: str

    def write(self, run: Path) -> None:
        """Write them into the folder of the run.

        Raises:
            ValueError: some bits are not finite.
        """
        write_arrays(run / BITS, {"bits": self.bits})
        write_answers(run, [self.continuation])

    @classmethod
    def read(cls, run: Path, lines: int) -> Self:
        """Read what `write` wrote.

        Raises:
            FolderError: a file is missing, damaged, or of another test part.
        """
        (bits,) = read_arrays(run / BITS, ["bits"])
        if bits.shape != (lines,):
            raise FolderError(f"{run / BITS}: expected {lines:,} numbers; {run_again(run)}")
        (continuation,) = read_answers(run, 1)
        return cls(np.asarray(bits, dtype=np.float64), continuation)


@dataclass(frozen=True)
class Continuation:
    """Text that a model writes after the prompt, in its first run."""

    name: str
    text: str


@dataclass(frozen=True)
class LineExample:
    """A line of the test part, and how well each model predicts it.

    Attributes:
        line: number of the line, from 1.
        text: the line.
        spread: standard deviation over models of `bits_per_character`.
        bits_per_character: by model, the mean over its seeds.
    """

    line: int
    text: str
    spread: float
    bits_per_character: dict[str, float]


@dataclass(frozen=True)
class LanguageDetails:
    """The parts of page and JSON beside the table.

    Attributes:
        prompt: what every model continues.
        continuations: one per model.
        examples: the lines on which the models differ most.
    """

    prompt: str
    continuations: tuple[Continuation, ...] = ()
    examples: tuple[LineExample, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return asdict(self)


def line_sizes(lines: Sequence[str]) -> dict[str, Floats]:
    """Return what the bits of each line are divided by, with its line break, [lines] by metric."""
    return {
        "bits_per_character": np.array([len(line) + 1.0 for line in lines]),
        "bits_per_byte": np.array([len(line.encode()) + 1.0 for line in lines]),
    }


@dataclass(frozen=True, eq=False)
class LanguageJudge:
    """Judges runs on the test part, whose rows are lines.

    Attributes:
        metric: the metric that decides.
        lines: lines of the test part.
        sizes: result of `line_sizes`.
    """

    metric: str
    lines: Sequence[str]
    sizes: Mapping[str, Floats]

    @classmethod
    def of(cls, plan: Plan, folder: Path) -> Self:
        """Return the judge of the comparison in `folder`."""
        lines = read_part(folder / DATA, "test").inputs
        return cls(plan.metric, lines, line_sizes(lines))

    def outcome(self, record: Mapping[str, Any], run: Path) -> Outcome:
        """Return the outcome of the finished run in a folder."""
        answers = LanguageAnswers.read(run, len(self.lines))
        tallies = {name: ratio_tally(answers.bits, sizes) for name, sizes in self.sizes.items()}
        figures = {name: score(tally) for name, tally in tallies.items()} | record["judged"]
        return Outcome(record, answers, tallies[self.metric], figures)

    def details(self, outcomes: Mapping[Candidate, Sequence[Outcome]]) -> LanguageDetails:
        """Return what the models write, and the lines on which they differ most."""
        finished = {candidate: runs for candidate, runs in outcomes.items() if runs}
        sizes = self.sizes["bits_per_character"]
        rates = {
            candidate.name: np.mean([run.answers.bits for run in runs], axis=0) / sizes
            for candidate, runs in finished.items()
            if not candidate.is_constant
        }
        continuations = (
            Continuation(candidate.name, runs[0].answers.continuation)
            for candidate, runs in finished.items()
        )
        return LanguageDetails(
            choose_prompt(self.lines), tuple(continuations), self._examples(rates)
        )

    def _examples(self, rates: Mapping[str, Floats]) -> tuple[LineExample, ...]:
        return tuple(
            LineExample(
                row + 1,
                self.lines[row],
                spread,
                {name: float(rate[row]) for name, rate in rates.items()},
            )
            for row, spread in most_divided(rates, self.sizes["bits_per_character"], _EXAMPLES)
        )
