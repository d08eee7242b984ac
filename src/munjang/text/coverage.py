"""What a vocabulary covers, and what another threshold would: counted on types, not on tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from munjang.text.columns import Int32s, Int64s, TokenColumn, values_and_offsets
from munjang.text.cutting.codepoints import Bools
from munjang.text.cutting.counting import TypeCounts, ranked
from munjang.text.cutting.segment import segment_codes
from munjang.text.vocabulary import EOS, GO, PAD, RESERVED, Vocabulary

THRESHOLDS = (1, 2, 3, 5)


@dataclass(frozen=True)
class Seen:
    """The types of a validation text, as the fitted text knows them.

    Attributes:
        places: place of each validation type among the fitted types; -1 if never seen [types].
        counts: how often each stands in the validation text [types].
    """

    places: Int32s | Int64s
    counts: Int64s


@dataclass(frozen=True)
class Threshold:
    """What a vocabulary of the types seen at least `min_frequency` times would cover.

    Attributes:
        min_frequency: rarer types would get no id.
        vocabulary_size: ids, the reserved ones included.
        token_coverage: share of the fitted text's tokens that would have an id.
        type_coverage: share of its types that would.
        oov_rate: share of the validation text's tokens that would not; None without such a text.
    """

    min_frequency: int
    vocabulary_size: int
    token_coverage: float
    type_coverage: float
    oov_rate: float | None


@dataclass(frozen=True)
class Coverage:
    """What a vocabulary covers.

    Attributes:
        tokens: tokens of the fitted text.
        types: distinct ones among them.
        now: the vocabulary as it is.
        thresholds: the same vocabulary with other thresholds, and the same largest size.
    """

    tokens: int
    types: int
    now: Threshold
    thresholds: tuple[Threshold, ...]

    def __str__(self) -> str:
        """A small table, one line a threshold."""
        lines = [f"{self.tokens:,} tokens of {self.types:,} types", _HEADER]
        lines += [_line("now", self.now)]
        lines += [_line(f">= {row.min_frequency}", row) for row in self.thresholds]
        return "\n".join(lines)


_HEADER = f"{'seen':>6} {'ids':>9} {'tokens':>8} {'types':>8} {'OOV':>8}"


def _line(name: str, row: Threshold) -> str:
    oov = "" if row.oov_rate is None else f"{row.oov_rate:.2%}"
    return (
        f"{name:>6} {row.vocabulary_size:>9,} {row.token_coverage:>8.2%} "
        f"{row.type_coverage:>8.2%} {oov:>8}"
    )


def measure_coverage(
    counts: Int64s,
    *,
    seen: Seen | None = None,
    min_frequency: int = 1,
    max_size: float | None = None,
    reserved: int = len(RESERVED),
    dropped: tuple[int, int] = (0, 0),
    thresholds: Sequence[int] = THRESHOLDS,
) -> Coverage:
    """Measure from counts alone.

    Args:
        counts: how often each type of the fitted text stands there, by first appearance [types].
        seen: the validation text's types.
        min_frequency: of the vocabulary as it is.
        max_size: its largest size, the reserved ids included; None for no limit.
        reserved: how many ids stand for no type.
        dropped: tokens and types of the fitted text that are not among `counts`.
        thresholds: which other values of `min_frequency` to try.
    """
    tokens, types = int(counts.sum()) + dropped[0], len(counts) + dropped[1]

    def measure(frequency: int) -> Threshold:
        kept = _kept(counts, frequency, max_size, reserved)
        return Threshold(
            min_frequency=frequency,
            vocabulary_size=reserved + int(kept.sum()),
            token_coverage=_share(int(counts[kept].sum()), tokens),
            type_coverage=_share(int(kept.sum()), types),
            oov_rate=None if seen is None else _oov_rate(kept, seen),
        )

    now = measure(min_frequency)
    return Coverage(tokens, types, now, tuple(measure(frequency) for frequency in thresholds))


def _kept(counts: Int64s, min_frequency: int, max_size: float | None, reserved: int) -> Bools:
    order = ranked(counts, min_frequency)
    if max_size is not None:
        order = order[: max(int(np.ceil(max_size)) - reserved, 0)]
    kept = np.zeros(len(counts), dtype=np.bool_)
    kept[order] = True
    return kept


def _oov_rate(kept: Bools, seen: Seen) -> float:
    unknown = ~np.append(kept, False)[seen.places]
    return _share(int(seen.counts[unknown].sum()), int(seen.counts.sum()))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def seen_types(fitted: TypeCounts, validation: TypeCounts) -> Seen:
    """Find the validation text's types among the fitted ones."""
    places = fitted.table.find(segment_codes(validation.spelled))
    return Seen(places=places, counts=validation.counts)


def vocabulary_coverage(
    vocabulary: Vocabulary,
    validation: TokenColumn | None = None,
    *,
    thresholds: Sequence[int] = THRESHOLDS,
) -> Coverage:
    """Measure a vocabulary that still has every type, fitted with `min_frequency=1`.

    Choose a threshold by the result, then take `vocabulary.trimmed(...)`. A vocabulary that has
    dropped types already no longer knows which these were: thresholds that it cannot answer for
    are left out.

    Args:
        vocabulary: of the fitted text.
        validation: token column of the validation text, encoded with this vocabulary.
        thresholds: which values of `min_frequency` to try.
    """
    counts = vocabulary.counts[len(RESERVED) :]
    # Whatever was dropped was no more frequent than the rarest type that was kept.
    known = counts.min(initial=np.iinfo(np.int64).max) if vocabulary.dropped_types else 0
    return measure_coverage(
        counts,
        seen=None if validation is None else _seen_ids(vocabulary, validation),
        dropped=(vocabulary.dropped, vocabulary.dropped_types),
        thresholds=[threshold for threshold in thresholds if threshold > known],
    )


def _seen_ids(vocabulary: Vocabulary, column: TokenColumn) -> Seen:
    ids, _ = values_and_offsets(column)
    counts = np.bincount(ids, minlength=vocabulary.size)
    counts[[PAD, GO, EOS]] = 0
    places = np.maximum(np.arange(vocabulary.size) - len(RESERVED), -1)
    return Seen(places=places, counts=counts)
