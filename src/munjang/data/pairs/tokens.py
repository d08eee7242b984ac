"""Token statistics of pairs: lengths and OOV rate of each side, and pairs that are too long."""

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
        tokenizer: name of the tokenizer.
        vocabulary: vocabulary size, reserved ids included.
        oov_rate: share of validation tokens out of vocabulary, 0 to 1.
        max_length: most tokens of a text in training.
        lengths: lengths of all texts in tokens.
    """

    tokenizer: str
    vocabulary: int
    oov_rate: float
    max_length: int
    lengths: Lengths


@dataclass(frozen=True)
class LongPair:
    """A pair that is too long: file, row, and the number of tokens of both sides."""

    file: str
    row: int
    source_tokens: int
    target_tokens: int


@dataclass(frozen=True)
class LeftOut:
    """Pairs that are left out of training, as a side is longer than its `max_length`.

    Attributes:
        rows: number of such pairs.
        examples: the first of them.
    """

    rows: int
    examples: tuple[LongPair, ...]


@dataclass(frozen=True)
class PairTokens:
    """Token statistics of pairs.

    Attributes:
        shared: True if both sides have one vocabulary.
        source, target: statistics of each side.
        left_out: pairs that are too long.
        padding: share of padding in training batches, both sides together, 0 to 1.
    """

    shared: bool
    source: SideTokens
    target: SideTokens
    left_out: LeftOut
    padding: float


def measure_pair_tokens(
    table: Table,
    tokenizers: TokenizerPair,
    settings: PairTokenizerSettings,
    *,
    oov_rates: tuple[float, float],
    padding: float,
) -> PairTokens:
    """Count the tokens of pairs.

    Args:
        table: all pairs, with targets.
        tokenizers: fitted tokenizers.
        settings: settings of the tokenizers.
        oov_rates: OOV rates of validation sources and targets.
        padding: share of padding in training batches.
    """
    assert table.targets is not None
    texts = (table.keys, table.targets)
    both = (tokenizers.source, tokenizers.target)
    lengths = [row_lengths(t.encode(column)) for t, column in zip(both, texts, strict=True)]
    source, target = (
        SideTokens(
            side.name,
            tokenizer.vocabulary.size,
            rate,
            side.max_length,
            describe_lengths(counts, "tokens"),
        )
        for side, tokenizer, rate, counts in zip(
            (settings.source, settings.target), both, oov_rates, lengths, strict=True
        )
    )
    long = np.flatnonzero(mask_too_long((lengths[0], lengths[1]), settings))
    examples = tuple(
        LongPair(*table.place(row), *(int(counts[row]) for counts in lengths))
        for row in long[:EXAMPLES].tolist()
    )
    return PairTokens(tokenizers.shared, source, target, LeftOut(len(long), examples), padding)
