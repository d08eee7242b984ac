"""Bits of each line of a text under a language model, by which comparisons judge it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl

from munjang.data.streams.encode import BITS_PER_BYTE, encode_stream, unknown_bytes_per_line
from munjang.tasks.metric_table import perplexity_of
from munjang.text.columns import Int32s
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import EOS

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LineBits:
    """Bits of the lines of a text.

    Attributes:
        bits: sum over the tokens of each line and its line break, [lines]. Tokens out of vocabulary
            also cost 8 bits per byte (`munjang.tasks.language_scores`).
        nats: sum over all tokens, without the cost of those out of vocabulary.
        tokens: number of tokens.
    """

    bits: Floats
    nats: float
    tokens: int

    @classmethod
    def compute(
        cls, tokenizer: Tokenizer, lines: pl.Series, losses: Callable[[Int32s], Floats]
    ) -> Self:
        """Score lines that follow each other, each token given all tokens before it.

        A line break stands before the first line, so that every token of the text is predicted,
        whatever the tokenizer.

        Args:
            tokenizer: the fitted tokenizer.
            lines: one or more.
            losses: the language model, from ids [tokens] to the nats of each but the first.
        """
        ids = encode_stream(tokenizer, lines)
        nats = losses(np.append(EOS, ids).astype(np.int32))
        is_end = ids == EOS
        sums = np.bincount(np.cumsum(is_end) - is_end, nats, minlength=len(lines))
        unknown = unknown_bytes_per_line(tokenizer, lines, ids)
        return cls(sums / math.log(2) + BITS_PER_BYTE * unknown, float(nats.sum()), len(ids))

    @property
    def per_token(self) -> dict[str, float]:
        """Metrics per token, which compare models of the same tokens only."""
        cross_entropy = self.nats / max(1, self.tokens)
        return {"cross_entropy": cross_entropy, "perplexity": perplexity_of(cross_entropy)}
