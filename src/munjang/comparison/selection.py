"""The smallest model that is good enough, and why.

Good enough means non-inferior: not that no difference was found, which little data never finds, but
that the difference was found to be smaller than the margin.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from munjang.comparison.standings import Standing
from munjang.reporting import pluralize


@dataclass(frozen=True)
class Choice:
    """Which model to take.

    Attributes:
        name: Name of the model.
        why: The scores and costs that decided, in words.
        is_conclusive: True if the data show that no smaller model is good enough; else the best is
            named.
    """

    name: str
    why: str
    is_conclusive: bool = True


def smallest_good_enough(
    standings: Sequence[Standing],
    *,
    margin: float,
    text: Callable[[float], str] = "{:.4f}".format,
    by_clock: bool = False,
    noun: str = "text",
) -> Choice | None:
    """Return the model with the smallest folder of those that are good enough.

    Good enough are the best itself, and those shown to be at most `margin` behind all others.
    Among equal sizes the faster one wins. A constant model is never chosen; one that lost a run to
    a crash, or to a busy machine, only if every other did.

    Args:
        standings: The best first.
        margin: How far behind the best is good enough.
        text: Formats a score.
        by_clock: True if the clock ended the trainings, so that a busy machine made models worse.
        noun: One row of the input, in words.

    Returns:
        The choice, or None if every finished model is constant.
    """
    finished = [row for row in standings if row.score is not None and not row.is_constant]
    if not finished:
        return None
    best = finished[0]
    near = [row for row in finished if row is best or _is_good(row, margin)]
    whole = [row for row in near if not _is_broken(row, by_clock=by_clock)] or near
    chosen = min(whole, key=_cost)
    unclear = [row for row in finished if _cost(row) < _cost(chosen) and row not in near]
    unclear = [row for row in unclear if row.to_best is not None and not row.to_best.is_worse]
    smallest = all(_cost(chosen) <= _cost(row) for row in finished)
    words = _Words(best, chosen, unclear, smallest, margin, text, noun)
    sentences = [words.size, words.standing(standings[0]), words.unclear_smaller()]
    if any(row.to_best is not None and row.to_best.as_trained for row in finished):
        sentences.append(
            "one seed: this holds for these trained models, not for their architectures"
        )
    if _is_broken(chosen, by_clock=by_clock):
        sentences.append("runs of it failed or were starved of the processor: see the notes")
    why = "; ".join(sentence for sentence in sentences if sentence)
    return Choice(chosen.name, why, is_conclusive=not (unclear and chosen is best))


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
        best: The best that is not constant.
        chosen: The choice.
        unclear: Smaller models that may or may not be good enough.
        smallest: True if none is smaller than the chosen one.
        margin: How far behind the best is good enough.
        text: Formats a score.
        noun: One row of the input, in words.
    """

    best: Standing
    chosen: Standing
    unclear: Sequence[Standing]
    smallest: bool
    margin: float
    text: Callable[[float], str]
    noun: str

    @property
    def size(self) -> str:
        """Its size and latency."""
        size = size_text(self.chosen.folder_bytes or 0)
        return f"{size}, {self.chosen.p50:.2f} ms per {self.noun}"

    def standing(self, first: Standing) -> str:
        """Return its gap to the best, in words."""
        if self.chosen is self.best and first is not self.best:
            return f"the best that is not constant, though the constant {first.name} scores higher"
        if self.chosen is self.best and self.smallest:
            return "it is the best, and the smallest"
        if self.chosen is self.best:
            return "it is the best" + ("" if self.unclear else "; every smaller one is worse")
        gap = self.chosen.to_best
        assert gap is not None
        times = (self.best.folder_bytes or 0) / max(1, self.chosen.folder_bytes or 0)
        return (
            f"{self.text(gap.value)} behind {self.best.name}, and with 95% confidence at most "
            f"{self.text(gap.at_most)}, within the margin of {self.margin:g}; the folder of "
            f"{self.best.name} is {times:.1f} times as large"
        )

    def unclear_smaller(self) -> str:
        """Return which smaller models may be good enough, too, and which data would show it."""
        if not self.unclear:
            return ""
        gaps = {row.name: row.to_best for row in self.unclear if row.to_best is not None}
        named = ", ".join(
            f"{name} (at most {self.text(gap.at_most)})" for name, gap in gaps.items()
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


def _rounded(count: int) -> int:
    """Round up to two digits."""
    unit = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // unit) * unit


def size_text(count: float) -> str:
    """Return bytes as text: `712 kB`, `3.4 MB`."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} B"
