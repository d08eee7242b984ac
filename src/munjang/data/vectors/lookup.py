"""Lookup of the vectors of a vocabulary's tokens, and their coverage of the text.

Tokens and words are compared in NFC; a token without a vector may take that of its lower-cased
form. The first of several vectors of one word counts, since these files are sorted by frequency.
No other word is kept in memory.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl

from munjang.data.readers.faults import shorten
from munjang.data.vectors.block import Floats, VectorSource
from munjang.errors import DataError
from munjang.text.columns import Int64s, TokenColumn, values_and_offsets
from munjang.text.normalize import normalize
from munjang.text.vocabulary import EOS, GO, PAD, RESERVED, Vocabulary


@dataclass(frozen=True)
class WordVectors:
    """Vectors of the tokens that have one.

    Attributes:
        ids: ascending ids of these tokens [tokens].
        vectors: their vectors [tokens, dim].
        source: name of the source, for messages.
        kind: name of its format.
        words: number of words of the source.
        header_count: number of words in its header; None without one.
        lowered: number of tokens with the vector of their lower-cased form.
        repeated: number of repeated vectors of wanted words.
        skipped: number of lines or vectors that could not be read.
    """

    ids: Int64s
    vectors: Floats
    source: str
    kind: str
    words: int
    header_count: int | None = None
    lowered: int = 0
    repeated: int = 0
    skipped: int = 0

    @property
    def dim(self) -> int:
        """Numbers per vector."""
        return int(self.vectors.shape[1])

    @property
    def fingerprint(self) -> str:
        """SHA-256 of ids and vectors, which does not depend on the file they come from."""
        digest = hashlib.sha256(self.ids.astype("<i8").tobytes())
        digest.update(self.vectors.astype("<f4").tobytes())
        return digest.hexdigest()

    def share_of_tokens(self, column: TokenColumn) -> float:
        """Return the share of a column's tokens with a vector; PAD, GO and EOS do not count."""
        values, _ = values_and_offsets(column)
        real = values[~np.isin(values, (PAD, GO, EOS))]
        return float(np.isin(real, self.ids).mean()) if len(real) else 0.0


class _ErrorCounter:
    """Handler that raises each error, or counts it."""

    def __init__(self, *, skip: bool) -> None:
        self.skip = skip
        self.count = 0

    def __call__(self, error: DataError) -> None:
        if not self.skip:
            raise error
        self.count += 1


def find_vectors(
    source: VectorSource, vocabulary: Vocabulary, *, skip_bad_lines: bool = False
) -> WordVectors:
    """Read a source once, and keep the vectors of the vocabulary's tokens.

    Args:
        source: source from `open_vectors`.
        vocabulary: vocabulary, whose reserved tokens are not looked up.
        skip_bad_lines: count unreadable lines instead of raising.

    Raises:
        DataError: a line cannot be read (the numbers of unwanted words are not parsed), or no
            token has a vector.
    """
    tokens = _to_nfc(vocabulary.tokens[len(RESERVED) :])
    wanted: dict[str, Floats | None] = dict.fromkeys(tokens)
    wanted.update(dict.fromkeys(token.lower() for token in tokens))
    errors = _ErrorCounter(skip=skip_bad_lines)
    words = repeated = without_numbers = 0
    last = ""
    for block in source.blocks(errors):
        words += len(block.words)
        for number, word in enumerate(_to_nfc(block.words)):
            if word not in wanted:
                continue
            if wanted[word] is not None:
                repeated += 1
                continue
            try:
                wanted[word] = block.numbers(number)
            except DataError as error:
                errors(error)
                without_numbers += 1
        last = block.words[-1] if block.words else last
    ids, vectors, lowered = _match_tokens(tokens, wanted)
    if not ids:
        example = (
            f"for example, it ends with {shorten(last)}, and the text has {shorten(tokens[0])}"
        )
        raise DataError(
            f"none of its {words:,} words is one of the {len(tokens):,} tokens of the text"
            f"{f'; {example}' if words and tokens else ''}; expected vectors of the same language, "
            "split into words as the tokenizer does",
            file=source.name,
        )
    return WordVectors(
        ids=np.array(ids, dtype=np.int64),
        vectors=np.stack(vectors),
        source=source.name,
        kind=source.kind,
        words=words + errors.count - without_numbers,
        header_count=source.header_count,
        lowered=lowered,
        repeated=repeated,
        skipped=errors.count,
    )


def _to_nfc(words: list[str] | tuple[str, ...]) -> list[str]:
    return normalize(pl.Series(words, dtype=pl.String)).to_list()


def _match_tokens(
    tokens: list[str], vectors: dict[str, Floats | None]
) -> tuple[list[int], list[Floats], int]:
    """Return ids and vectors of tokens with a vector, and how many matched only lower-cased."""
    ids, matched, lowered = [], [], 0
    for number, token in enumerate(tokens, start=len(RESERVED)):
        vector = vectors[token]
        if vector is None:
            vector = vectors[token.lower()]
            lowered += vector is not None
        if vector is not None:
            ids.append(number)
            matched.append(vector)
    return ids, matched, lowered
