"""From the records of all runs to a table: how good, how sure, how dear."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from munjang.comparison.entrants import Entrant
from munjang.comparison.statistics import (
    Difference,
    Floats,
    Interval,
    Tally,
    difference,
    percentiles,
    resampled,
    score,
    seeds_interval,
)


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
    """

    record: Mapping[str, Any]
    answers: Any
    tally: Tally
    figures: Mapping[str, float]
    by_length: Mapping[str, float] = field(default_factory=dict)


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
        noise = None if self.to_best is None else self.to_best.is_noise
        values = {**asdict(self), "within_noise_of_best": noise}
        return {key: value for key, value in values.items() if value != {}}


def make_standings(
    outcomes: Mapping[Entrant, Sequence[Outcome]],
    reasons: Mapping[Entrant, Sequence[str]],
    seeds: int,
    *,
    up: bool,
) -> list[Standing]:
    """The table, the best first, those without a finished run last.

    Args:
        outcomes: of the finished runs of every entrant.
        reasons: of the failed ones.
        seeds: how many runs a network should have.
        up: whether a larger score is better.
    """
    runs = {who.name: [one.tally for one in ran] for who, ran in outcomes.items() if ran}
    drawn = resampled(runs) if runs else {}
    rows = [
        _standing(who, ran, reasons.get(who, ()), seeds, drawn) for who, ran in outcomes.items()
    ]
    rows.sort(key=lambda row: math.inf if row.score is None else row.score * (-1 if up else 1))
    if not rows or rows[0].score is None:
        return rows
    best = rows[0]
    return [best, *(_against(best, row, drawn, up=up) for row in rows[1:])]


def _standing(
    who: Entrant,
    ran: Sequence[Outcome],
    reasons: Sequence[str],
    seeds: int,
    drawn: Mapping[str, Floats],
) -> Standing:
    asked = len(who.seeds(seeds))
    empty = Standing(who.name, len(ran), asked, tuple(dict.fromkeys(reasons)))
    if not ran:
        return empty
    scores = [score(one.tally) for one in ran]
    rates = [one.record["tokens_per_second"] for one in ran]
    return replace(
        empty,
        score=float(np.mean(scores)),
        over_seeds=seeds_interval(scores),
        over_rows=percentiles(drawn[who.name]),
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


def _against(best: Standing, row: Standing, drawn: Mapping[str, Floats], *, up: bool) -> Standing:
    if row.score is None or best.score is None:
        return row
    gap = difference(drawn[best.name], drawn[row.name], best.score - row.score, up=up)
    return replace(row, to_best=gap)
