"""The smallest that is good enough, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from munjang.comparison.standings import Standing


@dataclass(frozen=True)
class Choice:
    """Which model to take.

    Attributes:
        name: of the model.
        why: one sentence of the figures that decided.
    """

    name: str
    why: str


def smallest_good_enough(standings: Sequence[Standing], *, digits: int = 4) -> Choice | None:
    """Of the models within noise of the best, the one with the smallest folder.

    Among equals in size the quicker one. A model that lost a run to a crash is not chosen, unless
    none is whole.

    Args:
        standings: the best first.
        digits: of scores, in words.

    Returns:
        The choice, or None when no run came to an end.
    """
    finished = [row for row in standings if row.score is not None]
    if not finished:
        return None
    best = finished[0]
    near = [row for row in finished if row is best or _is_near(row)]
    whole = [row for row in near if row.runs == row.seeds] or near
    chosen = min(whole, key=lambda row: (row.folder_bytes or 0, row.p50 or 0.0))
    return Choice(chosen.name, _why(chosen, best, len(near), len(finished), digits))


def _is_near(row: Standing) -> bool:
    return row.to_best is not None and row.to_best.is_noise


def _why(chosen: Standing, best: Standing, near: int, finished: int, digits: int) -> str:
    size, answer = size_text(chosen.folder_bytes or 0), f"{chosen.p50:.2f} ms a text"
    if near == 1:
        beaten = "; every other one is worse by more than noise" if finished > 1 else ""
        return f"{size}, {answer}: it is the best{beaten}"
    if chosen is best or chosen.to_best is None:
        return f"{size}, {answer}: it is the best, and the smallest of {near} within noise of it"
    gap = chosen.to_best
    times = (best.folder_bytes or 0) / max(1, chosen.folder_bytes or 0)
    return (
        f"{size}, {answer}: {gap.value:.{digits}f} behind {best.name} (p = {gap.p:.2f}, so it may "
        f"be noise; 95% interval {gap.interval.low:.{digits}f} to {gap.interval.high:.{digits}f}), "
        f"whose folder is {times:.1f} times as large"
    )


def size_text(count: float) -> str:
    """Bytes for people: `712 kB`, `3.4 MB`."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} B"
