"""Vocabulary: the tokens that have an id, their counts, and the number of dropped ones.

Ids are dense. The first four are fixed everywhere: PAD 0, OOV 1, GO 2, EOS 3. The others follow by
falling frequency, ties by first appearance, so the same texts always give the same ids.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import polars as pl

from munjang.errors import ConfigError, FolderError
from munjang.text.columns import Int32s, Int64s
from munjang.text.segmentation.counting import rank_by_count
from munjang.text.segmentation.segment import Segments, as_strings, segment_strings
from munjang.text.segmentation.typetable import TypeTable

PAD, OOV, GO, EOS = 0, 1, 2, 3
RESERVED = ("<pad>", "<oov>", "<go>", "<eos>")
# Limits of a vocabulary in a model folder: number of tokens, and their bytes in UTF-8.
MOST_TOKENS, MOST_BYTES = 1_000_000, 20_000_000
_FEW = 4096  # up to here, looking up tokens one by one is faster than hashing all types


@dataclass(frozen=True)
class Vocabulary:
    """An immutable list of tokens; the index of a token is its id.

    Attributes:
        tokens: all tokens, the reserved four first.
        counts: occurrences of each in the fitted texts; 0 for the reserved ones [tokens].
        dropped: number of tokens (not types) of the fitted texts without an id.
        dropped_types: number of types without an id.
    """

    tokens: tuple[str, ...]
    counts: Int64s
    dropped: int = 0
    dropped_types: int = 0

    def __post_init__(self) -> None:
        if self.tokens[:4] != RESERVED:
            raise ConfigError(
                f"a vocabulary starts with {', '.join(RESERVED)}; this one with "
                f"{', '.join(self.tokens[:4])}"
            )
        if len(self.counts) != len(self.tokens):
            raise ConfigError(f"{len(self.tokens)} tokens but {len(self.counts)} counts")
        if self.size > MOST_TOKENS or sum(map(len, self.tokens)) * 4 > MOST_BYTES:
            size = len("".join(self.tokens).encode("utf-8", "surrogatepass"))
            if self.size > MOST_TOKENS or size > MOST_BYTES:
                raise ConfigError(
                    f"{self.size:,} tokens of {size:,} bytes; up to {MOST_TOKENS:,} of "
                    f"{MOST_BYTES:,} bytes can be kept: set tokenizer.max_size, or raise "
                    "tokenizer.min_frequency, to leave the rarest out"
                )

    @classmethod
    def from_counts(
        cls,
        tokens: Sequence[str] | pl.Series,
        counts: Sequence[int] | Int64s,
        *,
        min_frequency: int = 1,
        max_size: int | None = None,
    ) -> Self:
        """Keep the tokens seen at least `min_frequency` times, the most frequent first.

        Args:
            tokens: distinct tokens in order of first appearance.
            counts: occurrences of each [tokens].
            min_frequency: rarer tokens get no id and are encoded as OOV.
            max_size: upper bound of `size`, the reserved four included.
        """
        if max_size is not None and max_size <= len(RESERVED):
            raise ConfigError(
                f"max_size counts the {len(RESERVED)} reserved tokens, so it must be larger "
                f"than {len(RESERVED)}; it is {max_size}"
            )
        seen = np.asarray(counts, dtype=np.int64)
        order = rank_by_count(seen, min_frequency)
        if max_size is not None:
            order = order[: max_size - len(RESERVED)]
        names = pl.Series("token", tokens, dtype=pl.String)[order].to_list()
        reserved = set(RESERVED)
        free = [i for i, name in enumerate(names) if name not in reserved]
        kept = seen[order][free]
        return cls(
            tokens=(*RESERVED, *(names[i] for i in free)),
            counts=np.concatenate([np.zeros(len(RESERVED), dtype=np.int64), kept]),
            dropped=int(seen.sum() - kept.sum()),
            dropped_types=len(seen) - len(kept),
        )

    def trim(self, *, min_frequency: int = 1, max_size: int | None = None) -> Self:
        """Return the vocabulary without its rarest tokens; ids of the others may change.

        Args:
            min_frequency: rarer tokens are left out.
            max_size: upper bound of `size`, the reserved four included.
        """
        smaller = self.from_counts(
            self.tokens[len(RESERVED) :],
            self.counts[len(RESERVED) :],
            min_frequency=min_frequency,
            max_size=max_size,
        )
        return replace(
            smaller,
            dropped=self.dropped + smaller.dropped,
            dropped_types=self.dropped_types + smaller.dropped_types,
        )

    @property
    def size(self) -> int:
        """Number of ids, the reserved four included: the number of rows of an embedding."""
        return len(self.tokens)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {token: i for i, token in enumerate(self.tokens) if i >= len(RESERVED)}

    @cached_property
    def longest(self) -> int:
        """Length of the longest token [characters]."""
        return max(map(len, self.tokens))

    @cached_property
    def _table(self) -> TypeTable:
        table = TypeTable.of_types(pl.Series(self.tokens[len(RESERVED) :], dtype=pl.String))
        return table.renumber(np.arange(len(RESERVED), self.size, dtype=np.int32), OOV)

    def id_of(self, token: str) -> int:
        """Return the id of one token; OOV for an unknown one and for a reserved name."""
        return self._ids.get(token, OOV)

    def ids_of_few(self, tokens: Sequence[str]) -> Int32s:
        """Return the ids of the tokens of one text [tokens]; OOV for unknown ones."""
        find = self._ids.get
        return np.array([find(token, OOV) for token in tokens], dtype=np.int32)

    def ids_of(self, tokens: pl.Series | Segments) -> Int32s:
        """Return the ids of a column of tokens or of segments [tokens]; OOV for unknown ones."""
        few = _few(tokens)
        if few is not None:
            return self.ids_of_few(few)
        if isinstance(tokens, pl.Series):
            tokens = segment_strings(as_strings(tokens))
        return self._table.find(tokens)

    def tokens_of(self, ids: Iterable[int]) -> list[str]:
        """Return the tokens of some ids."""
        return [self.tokens[i] for i in ids]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON: `tokens`, `counts`, `dropped`, `dropped_types`."""
        return {
            "tokens": list(self.tokens),
            "counts": self.counts.tolist(),
            "dropped": self.dropped,
            "dropped_types": self.dropped_types,
        }

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Self:
        """Return the vocabulary that `to_json` described.

        Raises:
            FolderError: it is not a vocabulary, or holds a token twice.
        """
        wrong = FolderError("vocabulary.json does not hold a vocabulary")
        optional = {"dropped", "dropped_types"}
        if not isinstance(state, dict) or state.keys() - optional != {"tokens", "counts"}:
            raise wrong
        tokens, counts = state["tokens"], state["counts"]
        numbers = [state.get(key, 0) for key in ("dropped", "dropped_types")]
        if not isinstance(tokens, list) or not isinstance(counts, list):
            raise wrong
        if set(map(type, tokens)) - {str} or set(map(type, counts + numbers)) - {int}:
            raise wrong
        if min(counts + numbers) < 0 or max(counts + numbers) >= 2**62:
            raise wrong
        if len(set(tokens)) < len(tokens):
            raise FolderError("vocabulary.json holds a token twice")
        return cls(tuple(tokens), np.asarray(counts, dtype=np.int64), *numbers)


def _few(tokens: pl.Series | Segments) -> list[str] | None:
    if isinstance(tokens, pl.Series):
        return tokens.to_list() if len(tokens) <= _FEW else None
    size = len(tokens)
    return tokens.strings(np.arange(size)).to_pylist() if size <= _FEW else None
