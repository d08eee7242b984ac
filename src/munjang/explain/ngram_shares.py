"""Shares of n-grams, divided among their tokens.

The vector of a token may hold the rows of n-grams that begin at it (`munjang.layers.embedding`). A
derivative gives their share to that token. It belongs to all tokens of the n-gram, so it is divided
evenly: "not good" is as much of "good" as of "not". Sums do not change.
"""

from typing import Any

import torch
from torch import Tensor

from munjang.layers.embedding import TokenEmbedding
from munjang.layers.masking import reverse_rows
from munjang.layers.ngram_rows import spread_ngrams


def divide_ngrams(
    encoder: Any,
    ids: tuple[Tensor, ...],
    other_ids: tuple[Tensor, ...] | None,
    gradients: Tensor,
    shares: Tensor,
    *,
    of_bag: bool = False,
) -> Tensor:
    """Return the shares of all places with those of n-grams divided, [scores, places].

    Args:
        encoder: a network with an attribute `embedding`, and `bag` for a bag of n-grams.
        ids: of each side, [1, time] each.
        other_ids: those of the baseline; None for zero vectors.
        gradients: with respect to the table, [scores, places, dim].
        shares: of all places, [scores, places].
        of_bag: whether the table is that of the bag.
    """
    embedding = encoder.bag if of_bag else getattr(encoder, "embedding", None)
    if not isinstance(embedding, TokenEmbedding) or embedding.ngrams == 1:
        return shares
    # language models, and encoders that begin with one, add the n-grams that end at a token
    ends = not of_bag and bool(getattr(encoder, "ngrams_end", not hasattr(encoder, "encode")))
    parts, begin = [], 0
    for side, ids_of_side in enumerate(ids):
        time = ids_of_side.shape[1]
        part = slice(begin, begin + time)
        begin += time
        vectors = _ngram_vectors(embedding, ids_of_side, ends=ends)
        if other_ids is not None:
            vectors = vectors - _ngram_vectors(embedding, other_ids[side], ends=ends)
        of_ngrams = torch.einsum("tnd,std->stn", vectors[0], gradients[:, part])
        own = shares[:, part] - of_ngrams.sum(2)
        values = torch.cat([own[..., None], of_ngrams], dim=2)
        parts.append(spread_ngrams(values, end=ends))
    return torch.cat(parts, dim=1)


@torch.no_grad()
def _ngram_vectors(embedding: TokenEmbedding, ids: Tensor, *, ends: bool) -> Tensor:
    """Return the rows of the n-grams that begin, or end, at each token [1, time, ngrams - 1, dim].

    Those that end at a token are n-grams of the reversed text.
    """
    mask = torch.ones_like(ids, dtype=torch.bool)
    if not ends:
        return embedding.ngram_vectors(ids, mask)
    backwards = reverse_rows(ids[..., None], mask)[..., 0]
    return embedding.ngram_vectors(backwards, mask).flip(1)
