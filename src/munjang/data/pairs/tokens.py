"""Pairs as a model would read them: how many tokens each side has, and which pairs are too long."""

from dataclasses import dataclass

import numpy as np

from munjang.data.checks import describe_lengths
from munjang.data.data_report import Lengths
from munjang.data.pairs.settings import PairTokenizerSettings
from munjang.data.pairs.tokenizer_pair import TokenizerPair, mask_too_long
from munjang.data.table import Table
from munjang.text.columns import row_lengths

EXAMPLES = 5


@dataclass(frozen=True)
class SideTokens:
    """The tokens of one side.

    Attributes:
        tokenizer: its name.
        vocabulary: ids, the reserved ones included.
        oov_rate: share of the tokens of the validation part that are out of it, 0 to 1.
        max_length: most tokens that a training takes.
        lengths: of all texts, in tokens.
    """

    tokenizer: str
    vocabulary: int
    oov_rate: float
    max_length: int
    lengths: Lengths


@dataclass(frozen=True)
class LongPair:
    """A pair that is too long: where it stands, and how many tokens its sides have."""

    file: str
    row: int
    source_tokens: int
    target_tokens: int


@dataclass(frozen=True)
class LeftOut:
    """Pairs that a training leaves out, since a side is longer than its `max_length`.

    Attributes:
        rows: how many.
        examples: the first of them.
    """

    rows: int
    examples: tuple[LongPair, ...]


@dataclass(frozen=True)
class PairTokens:
    """Pairs as token ids.

    Attributes:
        shared: whether both sides have one vocabulary.
        source, target: their tokens.
        left_out: pairs that are too long.
        padding: share of padding in the batches of a training, both sides together, 0 to 1.
    """

    shared: bool
    source: SideTokens
    target: SideTokens
    left_out: LeftOut
    padding: float


def measure_pair_tokens(
    table: Table,
    sides: TokenizerPair,
    settings: PairTokenizerSettings,
    *,
    oov_rates: tuple[float, float],
    padding: float,
) -> PairTokens:
    """Count the tokens of pairs.

    Args:
        table: all pairs, with targets.
        sides: fitted tokenizers.
        settings: theirs.
        oov_rates: of the sources and the targets of the validation part.
        padding: share of padding in the batches.
    """
    assert table.targets is not None
    texts = (table.keys, table.targets)
    tokenizers = (sides.source, sides.target)
    counts = [row_lengths(t.encode(side)) for t, side in zip(tokenizers, texts, strict=True)]
    source, target = (
        SideTokens(
            one.name,
            tokenizer.vocabulary.size,
            rate,
            one.max_length,
            describe_lengths(each, "tokens"),
        )
        for one, tokenizer, rate, each in zip(
            (settings.source, settings.target), tokenizers, oov_rates, counts, strict=True
        )
    )
    long = np.flatnonzero(mask_too_long((counts[0], counts[1]), settings))
    examples = tuple(
        LongPair(*table.place(row), *(int(each[row]) for each in counts))
        for row in long[:EXAMPLES].tolist()
    )
    return PairTokens(sides.shared, source, target, LeftOut(len(long), examples), padding)
