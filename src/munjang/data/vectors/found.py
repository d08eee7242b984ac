"""Which tokens of a vocabulary find a vector, and how much of the text that is.

A token is looked for in Unicode's composed form (NFC), as the source's words are; one that is not
there may take the vector of its lower-cased form. Of a word that stands twice, the first counts:
these files are sorted by frequency. Nothing of the other words is kept.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl

from munjang.data.readers.faults import shorten
from munjang.data.vectors.block import Floats, VectorSource
from munjang.errors import DataError
from munjang.text.columns import Int64s, TokenColumn, values_and_offsets
from munjang.text.normalise import normalise
from munjang.text.vocabulary import EOS, GO, PAD, RESERVED, Vocabulary


@dataclass(frozen=True)
class WordVectors:
    """The vectors of those tokens that have one.

    Attributes:
        ids: ascending ids of these tokens, [found].
        vectors: [found, dim].
        source: for messages.
        kind: of the source, in words.
        words: how many words the source has.
        promised: how many its header promises; None without one.
        lowered: tokens found by their lower-cased form.
        repeated: wanted words that stood there again.
        skipped: lines or vectors that could not be read.
    """

    ids: Int64s
    vectors: Floats
    source: str
    kind: str
    words: int
    promised: int | None = None
    lowered: int = 0
    repeated: int = 0
    skipped: int = 0

    @property
    def dim(self) -> int:
        """Numbers of each vector."""
        return int(self.vectors.shape[1])

    @property
    def fingerprint(self) -> str:
        """SHA-256 of ids and vectors: another file with the same ones is as good."""
        digest = hashlib.sha256(self.ids.astype("<i8").tobytes())
        digest.update(self.vectors.astype("<f4").tobytes())
        return digest.hexdigest()

    def share_of_tokens(self, column: TokenColumn) -> float:
        """Share of a column's tokens that have a vector; PAD, GO and EOS do not count."""
        values, _ = values_and_offsets(column)
        real = values[~np.isin(values, (PAD, GO, EOS))]
        return float(np.isin(real, self.ids).mean()) if len(real) else 0.0


class _Bad:
    """Raises what cannot be read, or counts it."""

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
        source: of `open_vectors`.
        vocabulary: the reserved tokens are not looked for.
        skip_bad_lines: leave out and count what cannot be read.

    Raises:
        DataError: a line cannot be read (only of words that are wanted are the numbers looked at),
            or no token has a vector.
    """
    tokens = _composed(vocabulary.tokens[len(RESERVED) :])
    wanted: dict[str, Floats | None] = dict.fromkeys(tokens)
    wanted.update(dict.fromkeys(token.lower() for token in tokens))
    bad = _Bad(skip=skip_bad_lines)
    words = repeated = without_numbers = 0
    last = ""
    for block in source.blocks(bad):
        words += len(block.words)
        for number, word in enumerate(_composed(block.words)):
            if word not in wanted:
                continue
            if wanted[word] is not None:
                repeated += 1
                continue
            try:
                wanted[word] = block.numbers(number)
            except DataError as error:
                bad(error)
                without_numbers += 1
        last = block.words[-1] if block.words else last
    ids, vectors, lowered = _of_tokens(tokens, wanted)
    if not ids:
        shown = f"for example, it ends with {shorten(last)}, and the text has {shorten(tokens[0])}"
        raise DataError(
            f"none of its {words:,} words is one of the {len(tokens):,} tokens of the text"
            f"{f'; {shown}' if words and tokens else ''}; expected vectors of the same language, "
            "cut into words as the tokenizer cuts",
            file=source.name,
        )
    return WordVectors(
        ids=np.array(ids, dtype=np.int64),
        vectors=np.stack(vectors),
        source=source.name,
        kind=source.kind,
        words=words + bad.count - without_numbers,
        promised=source.promised,
        lowered=lowered,
        repeated=repeated,
        skipped=bad.count,
    )


def _composed(words: list[str] | tuple[str, ...]) -> list[str]:
    return normalise(pl.Series(words, dtype=pl.String)).to_list()


def _of_tokens(
    tokens: list[str], vectors: dict[str, Floats | None]
) -> tuple[list[int], list[Floats], int]:
    """Ids and vectors of the tokens that have one, and how many took their lower-cased form's."""
    ids, found, lowered = [], [], 0
    for number, token in enumerate(tokens, start=len(RESERVED)):
        vector = vectors[token]
        if vector is None:
            vector = vectors[token.lower()]
            lowered += vector is not None
        if vector is not None:
            ids.append(number)
            found.append(vector)
    return ids, found, lowered
