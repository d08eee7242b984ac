"""The smallest model that is good enough, and why.

Good enough is told by a test of non-inferiority: not that a model was found no worse, which little
data never finds, but that it was found to be at most so much worse.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from munjang.comparison.standings import Standing
from munjang.reporting import pluralize


@dataclass(frozen=True)
class Choice:
    """Which model to take.

    Attributes:
        name: of the model.
        why: the figures that decided, in words.
        told: whether the data tell that no smaller model is to be taken; if not, the best is named.
    """

    name: str
    why: str
    told: bool = True


def smallest_good_enough(
    standings: Sequence[Standing], *, margin: float, digits: int = 4, by_clock: bool = False
) -> Choice | None:
    """Of the models that are good enough, the one with the smallest folder.

    Good enough is the best itself, and whichever is shown to be at most `margin` behind all
    others. Among equals in size the quicker one. A model that reads no text is never chosen; one
    that lost a run to a crash, or to a busy machine, only if none is whole.

    Args:
        standings: the best first.
        margin: that may not matter.
        digits: of scores, in words.
        by_clock: whether the trainings ended by the clock, so that a busy machine made them worse.

    Returns:
        The choice, or None when no model that reads text came to an end.
    """
    finished = [row for row in standings if row.score is not None and row.reads_text]
    if not finished:
        return None
    best = finished[0]
    near = [row for row in finished if row is best or _is_good(row, margin)]
    whole = [row for row in near if not _is_broken(row, by_clock=by_clock)] or near
    chosen = min(whole, key=_cost)
    untold = [row for row in finished if _cost(row) < _cost(chosen) and row not in near]
    untold = [row for row in untold if row.to_best is not None and not row.to_best.is_worse]
    smallest = all(_cost(chosen) <= _cost(row) for row in finished)
    words = _Words(best, chosen, untold, smallest, margin, digits)
    sentences = [words.size, words.standing(standings[0]), words.untold_smaller()]
    if any(row.to_best is not None and row.to_best.as_trained for row in finished):
        sentences.append("one seed: this holds for the trained models, not for their kinds")
    if _is_broken(chosen, by_clock=by_clock):
        sentences.append("runs of it failed or were starved of the processor: see the notes")
    why = "; ".join(sentence for sentence in sentences if sentence)
    return Choice(chosen.name, why, told=not (untold and chosen is best))


def _is_good(row: Standing, margin: float) -> bool:
    return row.to_best is not None and row.to_best.at_most <= margin


def _is_broken(row: Standing, *, by_clock: bool) -> bool:
    return row.runs < row.seeds or (by_clock and row.starved > 0)


def _cost(row: Standing) -> tuple[int, float]:
    return row.folder_bytes or 0, row.p50 or 0.0


@dataclass(frozen=True)
class _Words:
    """The sentences of a choice.

    Attributes:
        best: of those that read text.
        chosen: the one to take.
        untold: smaller ones of which it cannot be told.
        smallest: whether none is smaller than the chosen one.
        margin: that may not matter.
        digits: of scores.
    """

    best: Standing
    chosen: Standing
    untold: Sequence[Standing]
    smallest: bool
    margin: float
    digits: int

    @property
    def size(self) -> str:
        """What it costs."""
        return f"{size_text(self.chosen.folder_bytes or 0)}, {self.chosen.p50:.2f} ms a text"

    def standing(self, first: Standing) -> str:
        """How good it is."""
        if self.chosen is self.best and first is not self.best:
            return f"the best that reads text, though {first.name} scores higher without reading"
        if self.chosen is self.best and self.smallest:
            return "it is the best, and the smallest"
        if self.chosen is self.best:
            return "it is the best" + ("" if self.untold else "; every smaller one is worse")
        gap = self.chosen.to_best
        assert gap is not None
        times = (self.best.folder_bytes or 0) / max(1, self.chosen.folder_bytes or 0)
        return (
            f"{self._text(gap.value)} behind {self.best.name}, and with 95% confidence at most "
            f"{self._text(gap.at_most)}, within the margin of {self.margin:g}; the folder of "
            f"{self.best.name} is {times:.1f} times as large"
        )

    def untold_smaller(self) -> str:
        """Which smaller models may be good enough too, and what would tell."""
        if not self.untold:
            return ""
        gaps = {row.name: row.to_best for row in self.untold if row.to_best is not None}
        named = ", ".join(
            f"{name} (at most {self._text(gap.at_most)})" for name, gap in gaps.items()
        )
        least = min(gaps.values(), key=lambda gap: gap.rows_needed)
        rows = f"about {_rounded(least.rows_needed):,} rows to judge on"
        seeds = (
            f" and {pluralize(_rounded(least.seeds_needed), 'seed')}" if least.seeds_needed else ""
        )
        return (
            f"smaller ones may stay within {self.margin:g} of the best, but so few rows and seeds "
            f"cannot tell: {named}; {rows}{seeds} would, or allow more with --margin"
        )

    def _text(self, value: float) -> str:
        return f"{value:.{self.digits}f}"


def _rounded(count: int) -> int:
    """Up, to two digits."""
    unit = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // unit) * unit


def size_text(count: float) -> str:
    """Bytes for people: `712 kB`, `3.4 MB`."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} B"
