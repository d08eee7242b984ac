"""From the records of all runs to a table: how good, how sure, how dear."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from munjang.comparison.entrants import Entrant
from munjang.comparison.statistics import (
    Difference,
    Floats,
    Interval,
    Ints,
    Metric,
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
        probabilities: of the test part [rows, classes], in the order of the labels.
    """

    record: Mapping[str, Any]
    probabilities: Floats


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

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        noise = None if self.to_best is None else self.to_best.is_noise
        return {**asdict(self), "within_noise_of_best": noise}


def make_standings(
    metric: Metric,
    outcomes: Mapping[Entrant, Sequence[Outcome]],
    reasons: Mapping[Entrant, Sequence[str]],
    seeds: int,
    targets: Ints,
) -> list[Standing]:
    """The table, the best first, those without a finished run last.

    Args:
        metric: what is compared.
        outcomes: of the finished runs of every entrant.
        reasons: of the failed ones.
        seeds: how many runs a network should have.
        targets: true classes of the test part.
    """
    runs = {who.name: [one.probabilities for one in ran] for who, ran in outcomes.items() if ran}
    drawn = resampled(metric, runs, targets) if runs else {}
    rows = [
        _standing(metric, who, outcomes.get(who, ()), reasons.get(who, ()), seeds, targets, drawn)
        for who in outcomes
    ]
    rows.sort(key=lambda row: _worse(metric, row.score))
    if not rows or rows[0].score is None:
        return rows
    best = rows[0]
    return [best, *(_against(metric, best, row, drawn) for row in rows[1:])]


def _worse(metric: Metric, value: float | None) -> float:
    if value is None:
        return math.inf
    return value if metric == "log_loss" else -value


def _standing(
    metric: Metric,
    who: Entrant,
    ran: Sequence[Outcome],
    reasons: Sequence[str],
    seeds: int,
    targets: Ints,
    drawn: Mapping[str, Floats],
) -> Standing:
    asked = len(who.seeds(seeds))
    empty = Standing(who.name, len(ran), asked, tuple(dict.fromkeys(reasons)))
    if not ran:
        return empty
    scores = [score(metric, one.probabilities, targets) for one in ran]
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
    )


def _mean(ran: Sequence[Outcome], key: str) -> float:
    return float(np.mean([one.record[key] for one in ran]))


def _whole_mean(ran: Sequence[Outcome], key: str) -> int:
    return round(_mean(ran, key))


def _against(
    metric: Metric, best: Standing, row: Standing, drawn: Mapping[str, Floats]
) -> Standing:
    if row.score is None or best.score is None:
        return row
    gap = difference(metric, drawn[best.name], drawn[row.name], best.score - row.score)
    return replace(row, to_best=gap)
