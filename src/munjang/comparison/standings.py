"""The table of a comparison: scores, confidence intervals and costs of all runs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from munjang.comparison.candidates import Candidate
from munjang.comparison.gaps import Difference, Gaps, Measured
from munjang.comparison.processor import ENOUGH
from munjang.comparison.statistics import Interval, Scale, Tally, score, seeds_interval
from munjang.tasks.metric_table import METRICS

THE_BEST, WORSE, SLIGHTLY = "the best", "worse", "worse within the margin"
GOOD, UNCLEAR, CONSTANT = "good enough", "cannot tell", "constant"
AS_TRAINED = " as trained"


@dataclass(frozen=True)
class Outcome:
    """The outcome of one run.

    Attributes:
        record: Its `run.json`.
        answers: Answers to the test part, as the task stores them.
        tally: The metric that decides, on the test part.
        figures: All scores on the test part, by name.
        by_length: The metric that decides by length of the source; empty where answers are not
            texts.
        one_answer: True if the answer is the same for every row, though the true ones differ.
    """

    record: Mapping[str, Any]
    answers: Any
    tally: Tally
    figures: Mapping[str, float]
    by_length: Mapping[str, float] = field(default_factory=dict)
    one_answer: bool = False


def answers_by_name(outcomes: Mapping[Candidate, Sequence[Outcome]]) -> dict[str, list[Any]]:
    """Return the answers of each candidate with a finished run, one per seed, by name."""
    return {
        candidate.name: [outcome.answers for outcome in finished]
        for candidate, finished in outcomes.items()
        if finished
    }


@dataclass(frozen=True)
class Standing:
    """One row of the table. Scores over several seeds are means; None where there are none.

    Attributes:
        name: Name of the row.
        runs: How many seeds finished.
        seeds: How many should have.
        reasons: Why the others did not.
        score: On the test part.
        over_seeds: Interval of the mean over seeds.
        over_rows: Interval over rows of the test part and seeds.
        to_best: Gap to the best; None for the best itself.
        verdict: The best, worse, good enough, cannot tell, or constant.
        is_constant: True if the answer is the same for every row.
        starved: How many runs got too little of the processor.
        processor_share: Smallest share of processor time that a run got; None if not measured.
        epochs: Epochs of the run that made the fewest; None for baselines.
        parameters: Fitted numbers.
        folder_bytes: Size of the model folder.
        seconds: Seconds of training, evaluations included.
        tokens_per_second: Tokens, without padding, or images per second of training.
        p50: Median latency of one row on one core, in milliseconds.
        p99: 99th percentile of the latency.
        memory_bytes: Peak memory of the process in training, libraries included.
        figures: All scores on the test part, by name; what a model does not have is left out.
        by_length: Score by length of the source, where answers are texts.
    """

    name: str
    runs: int
    seeds: int
    reasons: tuple[str, ...] = ()
    score: float | None = None
    over_seeds: Interval | None = None
    over_rows: Interval | None = None
    to_best: Difference | None = None
    verdict: str = ""
    is_constant: bool = False
    starved: int = 0
    processor_share: float | None = None
    epochs: float | None = None
    parameters: int | None = None
    folder_bytes: int | None = None
    seconds: float | None = None
    tokens_per_second: float | None = None
    p50: float | None = None
    p99: float | None = None
    memory_bytes: int | None = None
    figures: dict[str, float] = field(default_factory=dict)
    by_length: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {key: value for key, value in asdict(self).items() if value != {}}


def make_standings(
    outcomes: Mapping[Candidate, Sequence[Outcome]],
    reasons: Mapping[Candidate, Sequence[str]],
    seeds: int,
    *,
    metric: str,
    margin: float,
) -> list[Standing]:
    """Return the table, the best first, models without a finished run last.

    Args:
        outcomes: Finished runs of every model.
        reasons: Why other runs failed.
        seeds: How many runs a network should have.
        metric: The metric that decides.
        margin: How far behind the best is good enough.
    """
    figure = METRICS[metric]
    up, scale = figure.larger_is_better, Scale(figure.lowest, figure.highest)
    measured = {
        candidate.name: Measured.of([run.tally for run in runs], chance=not candidate.is_baseline)
        for candidate, runs in outcomes.items()
        if runs
    }
    gaps = Gaps(measured, scale, up=up)
    rows = [
        _standing(candidate, runs, reasons.get(candidate, ()), seeds, gaps)
        for candidate, runs in outcomes.items()
    ]
    rows.sort(key=lambda row: math.inf if row.score is None else row.score * (-1 if up else 1))
    if not rows or rows[0].score is None:
        return rows
    best = rows[0]
    first = replace(best, verdict=CONSTANT if best.is_constant else THE_BEST)
    return [first, *(_against(best, row, gaps, margin) for row in rows[1:])]


def _standing(
    candidate: Candidate,
    runs: Sequence[Outcome],
    reasons: Sequence[str],
    seeds: int,
    gaps: Gaps,
) -> Standing:
    expected = len(candidate.seeds(seeds))
    empty = Standing(candidate.name, len(runs), expected, tuple(dict.fromkeys(reasons)))
    if not runs:
        return empty
    scores = [score(run.tally) for run in runs]
    rates = [run.record["tokens_per_second"] for run in runs]
    # records of earlier versions have neither
    shares = [run.record.get("processor_share") for run in runs]
    epochs = [run.record.get("epochs") for run in runs]
    return replace(
        empty,
        score=float(np.mean(scores)),
        over_seeds=seeds_interval(scores, gaps.scale, gaps.models[candidate.name].rows),
        over_rows=gaps.over_rows(candidate.name),
        is_constant=candidate.is_constant or all(run.one_answer for run in runs),
        starved=sum(share is not None and share < ENOUGH for share in shares),
        processor_share=min((share for share in shares if share is not None), default=None),
        epochs=min((count for count in epochs if count is not None), default=None),
        parameters=_whole_mean(runs, "parameters"),
        folder_bytes=_whole_mean(runs, "folder_bytes"),
        seconds=_mean(runs, "seconds"),
        tokens_per_second=None if None in rates else float(np.mean(rates)),
        p50=float(np.mean([run.record["latency"]["p50"] for run in runs])),
        p99=float(np.mean([run.record["latency"]["p99"] for run in runs])),
        memory_bytes=max(int(run.record["memory_bytes"]) for run in runs),
        figures=means_of([run.figures for run in runs]),
        by_length=means_of([run.by_length for run in runs]),
    )


def means_of(seeds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean over seeds of each score that all of them have."""
    return {
        name: float(np.mean([scores[name] for scores in seeds]))
        for name in seeds[0]
        if all(name in scores for scores in seeds)
    }


def _mean(runs: Sequence[Outcome], key: str) -> float:
    return float(np.mean([run.record[key] for run in runs]))


def _whole_mean(runs: Sequence[Outcome], key: str) -> int:
    return round(_mean(runs, key))


def _against(best: Standing, row: Standing, gaps: Gaps, margin: float) -> Standing:
    if row.score is None:
        return row
    gap = gaps.behind(best.name, row.name, margin)
    return replace(row, to_best=gap, verdict=_verdict(gap, margin, is_constant=row.is_constant))


def _verdict(gap: Difference, margin: float, *, is_constant: bool) -> str:
    is_good = gap.at_most <= margin
    if is_constant and (is_good or not gap.is_worse):
        return CONSTANT
    if gap.is_worse:
        verdict = SLIGHTLY if is_good else WORSE
    elif is_good:
        verdict = GOOD
    else:
        return UNCLEAR
    return verdict + AS_TRAINED if gap.as_trained else verdict
