"""Token vectors, with those of hashed n-grams."""

from typing import Any

import torch
from torch import Tensor, nn

from munjang.export.hf.modelling.base import PAD, Tokens

# Odd 64-bit numbers that spread n-grams over the rows of a table; products wrap around.
SPREAD, STEP = -7046029254386353131, 1000003
# n-grams are counted in so many cells, of which frequent ones have a bit that is set.
CELLS = 2**22


def hash_ngrams(ids: Tensor, lengths: Tensor, longest: int, buckets: int) -> Tensor:
    """Hash the n-grams of rows `ids` [batch, time] of some `lengths` [batch].

    Returns:
        Numbers below `buckets`, [batch, time, longest - 1]: at n - 2 that of the n-gram that begins
        at the place; -1 if it would run past the row.
    """
    time = ids.shape[1]
    place = torch.arange(time, device=ids.device)
    rolling, hashes = ids, []
    for n in range(2, longest + 1):
        following = torch.zeros_like(ids)
        following[:, : max(time - n + 1, 0)] = ids[:, n - 1 :]
        rolling = rolling * STEP + following
        mixed = (rolling * SPREAD) >> 20 & 0x7FFFFFFF
        hashes.append(torch.where(place + n <= lengths[:, None], mixed % buckets, -1))
    return torch.stack(hashes, dim=-1)


def are_set(bits: Tensor, places: Tensor) -> Tensor:
    """Return whether the bit at each of `places` is set; `bits` has eight per byte."""
    return (bits[places >> 3].int() << (places & 7)) & 0x80 != 0


class TokenEmbedding(nn.Module):
    """One vector per token: its own row, and those of the n-grams that begin with it.

    Args:
        tokens: number of tokens.
        dim: width of a vector.
        ngrams: the largest n; 1 = tokens only.
        buckets: number of rows that all n-grams share by hashing.
        counted: whether n-grams that were rare in training have no row.
    """

    def __init__(
        self, tokens: int, dim: int, ngrams: int = 1, buckets: int = 0, counted: bool = False
    ) -> None:
        super().__init__()
        self.tokens, self.ngrams, self.buckets = tokens, ngrams, buckets
        self.table = nn.Embedding(tokens + buckets, dim, padding_idx=PAD)
        if counted:
            self.register_buffer("frequent", torch.zeros(CELLS // 8, dtype=torch.uint8))
        else:
            self.frequent = None

    def forward(self, tokens: Tokens) -> Tensor:
        """Return vectors [batch, time, dim], zeros at padding."""
        vectors: Tensor = self.table(tokens.ids)
        if self.ngrams > 1:
            vectors = vectors + self.table(self.find_ngrams(tokens)).sum(2)
        return vectors

    def find_ngrams(self, tokens: Tokens) -> Tensor:
        """Return the rows of n-grams [batch, time, ngrams - 1]; PAD where there is none."""
        if self.frequent is None:
            hashes = hash_ngrams(tokens.ids, tokens.lengths, self.ngrams, self.buckets)
            has_row = hashes >= 0
        else:
            hashes = hash_ngrams(tokens.ids, tokens.lengths, self.ngrams, CELLS)
            has_row = (hashes >= 0) & are_set(self.frequent, hashes)
        return torch.where(has_row, self.tokens + hashes % max(1, self.buckets), PAD)


# Kinds of embeddings, by their name in config.json.
EMBEDDINGS: dict[str, type[TokenEmbedding]] = {"tokens": TokenEmbedding}


def make_embedding(sizes: dict[str, Any]) -> TokenEmbedding:
    """Return the embedding that a section of config.json describes."""
    return EMBEDDINGS[sizes["kind"]](**{key: sizes[key] for key in sizes if key != "kind"})


def embed_ending_ngrams(embedding: TokenEmbedding, tokens: Tokens) -> Tensor:
    """Return vectors with the n-grams that end at each token: those of the reversed rows."""
    place = torch.arange(tokens.ids.shape[1], device=tokens.ids.device)
    mirrored = torch.where(tokens.mask, tokens.lengths[:, None] - 1 - place, place)
    vectors = embedding(tokens.take(mirrored))
    return vectors.gather(1, mirrored[..., None].expand_as(vectors))
