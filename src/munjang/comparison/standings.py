"""From the records of all runs to a table: how good, how sure, how dear."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from munjang.comparison.entrants import Entrant
from munjang.comparison.gaps import Difference, Gaps, Measured
from munjang.comparison.processor import ENOUGH
from munjang.comparison.statistics import Interval, Scale, Tally, score, seeds_interval
from munjang.tasks.figures import FIGURES

THE_BEST, WORSE, SLIGHTLY = "the best", "worse", "worse within the margin"
GOOD, UNTOLD, BLIND = "good enough", "cannot tell", "reads no text"
AS_TRAINED = " as trained"


@dataclass(frozen=True)
class Outcome:
    """What one run gave.

    Attributes:
        record: of its `run.json`.
        answers: to the test part, as the task keeps them.
        tally: of the metric that decides, on the test part.
        figures: all figures of the test part, by name.
        by_length: the metric that decides, of sources of like length, by what that length is;
            empty where answers are no texts.
        one_answer: whether it answers the same to every text, though the true answers differ.
    """

    record: Mapping[str, Any]
    answers: Any
    tally: Tally
    figures: Mapping[str, float]
    by_length: Mapping[str, float] = field(default_factory=dict)
    one_answer: bool = False


@dataclass(frozen=True)
class Standing:
    """One row of the table. Figures over several seeds are means; None where there are none.

    Attributes:
        name: what the row is called.
        runs: how many seeds came to an end.
        seeds: how many should have.
        reasons: why the others did not.
        score: on the test part.
        over_seeds: where the mean over seeds lies.
        over_rows: where the score lies, were the seeds and the rows of the test part drawn anew.
        to_best: how far it is from the best; None for the best itself.
        verdict: the best, worse, good enough, cannot tell, or that it reads no text.
        reads_text: whether its answers depend on the text.
        starved: how many runs got too little of the processor.
        processor_share: of the time that was asked for, what the run that got least got; None
            where that was not measured.
        passes: over the training part, of the run that made the fewest; None for baselines.
        parameters: fitted numbers.
        folder_bytes: of the model folder.
        seconds: of training, evaluations included.
        tokens_per_second: real tokens, in training.
        p50: milliseconds of one text on one core, half of all.
        p99: likewise, 99 of 100.
        memory_bytes: the most that the process held in training, libraries included.
        figures: all figures of the test part, by name; one that a model has not is left out.
        by_length: the score of sources of like length, where answers are texts.
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
    reads_text: bool = True
    starved: int = 0
    processor_share: float | None = None
    passes: float | None = None
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
        """Plain JSON."""
        return {key: value for key, value in asdict(self).items() if value != {}}


def make_standings(
    outcomes: Mapping[Entrant, Sequence[Outcome]],
    reasons: Mapping[Entrant, Sequence[str]],
    seeds: int,
    *,
    metric: str,
    margin: float,
) -> list[Standing]:
    """The table, the best first, those without a finished run last.

    Args:
        outcomes: of the finished runs of every entrant.
        reasons: of the failed ones.
        seeds: how many runs a network should have.
        metric: which decides.
        margin: a gap to the best that is small enough not to matter.
    """
    figure = FIGURES[metric]
    up, scale = figure.larger_is_better, Scale(figure.lowest, figure.highest)
    measured = {
        who.name: Measured.of([one.tally for one in ran], chance=not who.is_baseline)
        for who, ran in outcomes.items()
        if ran
    }
    gaps = Gaps(measured, scale, up=up)
    rows = [_standing(who, ran, reasons.get(who, ()), seeds, gaps) for who, ran in outcomes.items()]
    rows.sort(key=lambda row: math.inf if row.score is None else row.score * (-1 if up else 1))
    if not rows or rows[0].score is None:
        return rows
    best = rows[0]
    first = replace(best, verdict=THE_BEST if best.reads_text else BLIND)
    return [first, *(_against(best, row, gaps, margin) for row in rows[1:])]


def _standing(
    who: Entrant,
    ran: Sequence[Outcome],
    reasons: Sequence[str],
    seeds: int,
    gaps: Gaps,
) -> Standing:
    asked = len(who.seeds(seeds))
    empty = Standing(who.name, len(ran), asked, tuple(dict.fromkeys(reasons)))
    if not ran:
        return empty
    scores = [score(one.tally) for one in ran]
    rates = [one.record["tokens_per_second"] for one in ran]
    # records of earlier versions have neither
    shares = [one.record.get("processor_share") for one in ran]
    passes = [one.record.get("passes") for one in ran]
    return replace(
        empty,
        score=float(np.mean(scores)),
        over_seeds=seeds_interval(scores, gaps.scale, gaps.models[who.name].rows),
        over_rows=gaps.over_rows(who.name),
        reads_text=who.reads_text and not all(one.one_answer for one in ran),
        starved=sum(share is not None and share < ENOUGH for share in shares),
        processor_share=min((share for share in shares if share is not None), default=None),
        passes=min((one for one in passes if one is not None), default=None),
        parameters=_whole_mean(ran, "parameters"),
        folder_bytes=_whole_mean(ran, "folder_bytes"),
        seconds=_mean(ran, "seconds"),
        tokens_per_second=None if None in rates else float(np.mean(rates)),
        p50=float(np.mean([one.record["latency"]["p50"] for one in ran])),
        p99=float(np.mean([one.record["latency"]["p99"] for one in ran])),
        memory_bytes=max(int(one.record["memory_bytes"]) for one in ran),
        figures=means_of([one.figures for one in ran]),
        by_length=means_of([one.by_length for one in ran]),
    )


def means_of(seeds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean over seeds of each figure that all of them have."""
    return {
        name: float(np.mean([one[name] for one in seeds]))
        for name in seeds[0]
        if all(name in one for one in seeds)
    }


def _mean(ran: Sequence[Outcome], key: str) -> float:
    return float(np.mean([one.record[key] for one in ran]))


def _whole_mean(ran: Sequence[Outcome], key: str) -> int:
    return round(_mean(ran, key))


def _against(best: Standing, row: Standing, gaps: Gaps, margin: float) -> Standing:
    if row.score is None:
        return row
    gap = gaps.behind(best.name, row.name, margin)
    return replace(row, to_best=gap, verdict=_verdict(gap, margin, reads_text=row.reads_text))


def _verdict(gap: Difference, margin: float, *, reads_text: bool) -> str:
    good = gap.at_most <= margin
    if not reads_text and (good or not gap.is_worse):
        return BLIND
    if gap.is_worse:
        word = SLIGHTLY if good else WORSE
    elif good:
        word = GOOD
    else:
        return UNTOLD
    return word + AS_TRAINED if gap.as_trained else word
