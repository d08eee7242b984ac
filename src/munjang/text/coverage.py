"""Coverage of a vocabulary, as it is and with other frequency thresholds, computed from types."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from munjang.text.columns import Int32s, Int64s, TokenColumn, values_and_offsets
from munjang.text.segmentation.codepoints import Bools
from munjang.text.segmentation.counting import TypeCounts, rank_by_count
from munjang.text.segmentation.segment import segment_codes
from munjang.text.vocabulary import EOS, GO, PAD, RESERVED, Vocabulary

THRESHOLDS = (1, 2, 3, 5)


@dataclass(frozen=True)
class ValidationTypes:
    """The types of the validation texts, matched to those of the fitted texts.

    Attributes:
        places: index of each validation type among the fitted types, -1 if not there [types].
        counts: occurrences of each in the validation texts [types].
    """

    places: Int32s | Int64s
    counts: Int64s


@dataclass(frozen=True)
class Threshold:
    """Coverage of a vocabulary of the types seen at least `min_frequency` times.

    Attributes:
        min_frequency: rarer types would get no id.
        vocabulary_size: number of ids, reserved ones included.
        token_coverage: share of the tokens of the fitted texts that have an id.
        type_coverage: share of their types that have an id.
        oov_rate: share of the tokens of the validation texts that have none; None without such
            texts.
    """

    min_frequency: int
    vocabulary_size: int
    token_coverage: float
    type_coverage: float
    oov_rate: float | None


@dataclass(frozen=True)
class Coverage:
    """Coverage of a vocabulary with its own and with other thresholds.

    Attributes:
        tokens: number of tokens of the fitted texts.
        types: number of distinct ones among them.
        now: coverage of the vocabulary as it is.
        thresholds: coverage with other thresholds and the same maximum size.
    """

    tokens: int
    types: int
    now: Threshold
    thresholds: tuple[Threshold, ...]

    def __str__(self) -> str:
        """Format a small table with one line per threshold."""
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
    seen: ValidationTypes | None = None,
    min_frequency: int = 1,
    max_size: float | None = None,
    reserved: int = len(RESERVED),
    dropped: tuple[int, int] = (0, 0),
    thresholds: Sequence[int] = THRESHOLDS,
) -> Coverage:
    """Measure coverage from counts.

    Args:
        counts: occurrences of each type in the fitted texts, by first appearance [types].
        seen: the types of the validation texts.
        min_frequency: threshold of the vocabulary as it is.
        max_size: its maximum size, reserved ids included; None for no limit.
        reserved: number of ids that stand for no type.
        dropped: number of tokens and of types of the fitted texts that `counts` does not hold.
        thresholds: other values of `min_frequency` to measure.
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
    order = rank_by_count(counts, min_frequency)
    if max_size is not None:
        order = order[: max(int(np.ceil(max_size)) - reserved, 0)]
    kept = np.zeros(len(counts), dtype=np.bool_)
    kept[order] = True
    return kept


def _oov_rate(kept: Bools, seen: ValidationTypes) -> float:
    unknown = ~np.append(kept, False)[seen.places]
    return _share(int(seen.counts[unknown].sum()), int(seen.counts.sum()))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def match_types(fitted: TypeCounts, validation: TypeCounts) -> ValidationTypes:
    """Find the types of the validation texts among the fitted ones."""
    places = fitted.table.find(segment_codes(validation.codes))
    return ValidationTypes(places=places, counts=validation.counts)


def vocabulary_coverage(
    vocabulary: Vocabulary,
    validation: TokenColumn | None = None,
    *,
    thresholds: Sequence[int] = THRESHOLDS,
) -> Coverage:
    """Measure the coverage of a vocabulary that was fitted with `min_frequency=1`.

    Choose a threshold by the result, then call `vocabulary.trim(...)`. A vocabulary that has
    dropped types does not know their counts: thresholds that need these are left out.

    Args:
        vocabulary: vocabulary of the fitted texts.
        validation: token column of the validation texts, encoded with this vocabulary.
        thresholds: values of `min_frequency` to measure.
    """
    counts = vocabulary.counts[len(RESERVED) :]
    # Dropped types were no more frequent than the rarest one that was kept.
    known = counts.min(initial=np.iinfo(np.int64).max) if vocabulary.dropped_types else 0
    return measure_coverage(
        counts,
        seen=None if validation is None else _seen_ids(vocabulary, validation),
        dropped=(vocabulary.dropped, vocabulary.dropped_types),
        thresholds=[threshold for threshold in thresholds if threshold > known],
    )


def _seen_ids(vocabulary: Vocabulary, column: TokenColumn) -> ValidationTypes:
    ids, _ = values_and_offsets(column)
    counts = np.bincount(ids, minlength=vocabulary.size)
    counts[[PAD, GO, EOS]] = 0
    places = np.maximum(np.arange(vocabulary.size) - len(RESERVED), -1)
    return ValidationTypes(places=places, counts=counts)
