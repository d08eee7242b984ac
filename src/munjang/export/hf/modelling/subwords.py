"""Token vectors, with those of the character n-grams of each word."""

from typing import Any

import torch
from torch import Tensor, nn

from munjang.export.hf.modelling.base import PAD, Tokens
from munjang.export.hf.modelling.embedding import (
    CELLS,
    EMBEDDINGS,
    TokenEmbedding,
    are_set,
    hash_ngrams,
)

# Most n-grams of a word, and their smallest n.
MOST_NGRAMS, SHORTEST = 40, 3


class SubwordEmbedding(nn.Module):
    """The sum of the rows of a word's character n-grams, divided by the root of their number.

    The n-grams of known words were hashed once, those of words out of the vocabulary are hashed
    here (Bojanowski et al. 2017, "Enriching word vectors with subword information").

    Args:
        tokens: number of tokens.
        dim: width of a vector.
        longest: the largest n.
        buckets: number of rows.
    """

    rows: Tensor
    shared: Tensor

    def __init__(self, tokens: int, dim: int, longest: int, buckets: int) -> None:
        super().__init__()
        self.longest, self.buckets = longest, buckets
        self.table = nn.EmbeddingBag(1 + buckets, dim, mode="sum", padding_idx=PAD)
        self.register_buffer("rows", torch.zeros(tokens, MOST_NGRAMS, dtype=torch.int32))
        # a bit per cell: set if two or more words of the vocabulary have the n-gram
        self.register_buffer("shared", torch.zeros(CELLS // 8, dtype=torch.uint8))

    def forward(self, tokens: Tokens) -> Tensor:
        """Return vectors [batch, time, dim], zeros at padding."""
        rows = self.rows[tokens.ids]
        if tokens.letters is not None:
            is_unknown = tokens.letters[..., 0] > 0
            rows[is_unknown] = self.find_rows(tokens.letters[is_unknown])
        rows = rows.flatten(0, 1)
        count = (rows != PAD).sum(1, keepdim=True).clamp(min=1)
        vectors: Tensor = self.table(rows) / count.sqrt()
        return vectors.view(*tokens.ids.shape, -1)

    def find_rows(self, letters: Tensor) -> Tensor:
        """Return the rows of words from their `letters` [words, letters]: [words, MOST_NGRAMS]."""
        lengths = (letters > 0).sum(1)
        cells = hash_ngrams(letters.long(), lengths, self.longest, CELLS)
        cells = cells[..., SHORTEST - 2 :].flatten(1)
        is_kept = (cells >= 0) & are_set(self.shared, cells)
        number = is_kept.cumsum(1) - 1  # of each n-gram that has a row, in its word
        word, place = (is_kept & (number < MOST_NGRAMS)).nonzero(as_tuple=True)
        rows = torch.zeros(len(letters), MOST_NGRAMS, dtype=torch.int32, device=letters.device)
        rows[word, number[word, place]] = (1 + cells[word, place] % self.buckets).int()
        return rows


class SubwordTokenEmbedding(TokenEmbedding):
    """One vector per token, to which those of its character n-grams are added."""

    def __init__(self, longest: int, subword_buckets: int, **sizes: Any) -> None:
        super().__init__(**sizes)
        self.subwords = SubwordEmbedding(sizes["tokens"], sizes["dim"], longest, subword_buckets)

    def forward(self, tokens: Tokens) -> Tensor:
        """Return vectors [batch, time, dim], zeros at padding."""
        return super().forward(tokens) + self.subwords(tokens)


EMBEDDINGS["subwords"] = SubwordTokenEmbedding
