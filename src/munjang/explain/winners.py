"""Shares of the n-grams of a text in a score of a CNN with max pooling and a linear head.

A filter passes on its maximum over the text. So it gives weight x (maximum after activation) to the
score, and that comes from one n-gram, the window at the place of the maximum (Jacovi, Shalom and
Goldberg 2018, "Understanding convolutional neural networks for text classification"). The sum over
all filters, with the bias of the head, is the score.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from munjang.explain.attribution import Attribution, NgramShare, NgramShares
from munjang.explain.located import LocatedRow
from munjang.explain.place_shares import linear_shares
from munjang.explain.row import ExplainedRow, VectorScores
from munjang.layers.embedding import combine
from munjang.models.encoder import TokenVectors
from munjang.tasks.heads import find_heads


def find_winners(row: ExplainedRow, rows: Sequence[Attribution]) -> tuple[Attribution, ...]:
    """Return the attributions with the n-grams of each; unchanged without filters.

    Args:
        row: the row.
        rows: an attribution per score.
    """
    scores = VectorScores.of(row)
    heads = find_heads(scores.network)
    coefficients = row.scores.coefficients
    if coefficients is None or not all(hasattr(head.encoder, "find_maxima") for head in heads):
        return tuple(rows)
    (places,) = row.places
    mask = torch.ones_like(places, dtype=torch.bool)
    tables = iter(scores.vectors(row.ids))
    given: dict[tuple[int, int], list[tuple[int, Tensor]]] = {}
    bias = torch.zeros(row.size) if row.scores.offsets is None else row.scores.offsets.clone()
    others = linear_shares(row).value.clone()
    number = 0
    for head, has_bag in zip(heads, scores.has_bag, strict=True):
        vectors = TokenVectors(next(tables), next(tables) if has_bag else None)
        with torch.no_grad():
            found = head.encoder.find_maxima(vectors, mask)
            if found is None:
                return tuple(rows)
            factor = scores.weight / len(heads) * coefficients
            weights = factor @ head.head.weight.cpu()
            bias += factor @ head.head.bias.cpu()
            maxima, at = (part[0].cpu() for part in found)
            if vectors.bag is not None:
                bag = combine(vectors.bag, mask, "sqrtn")[0].cpu()
                others += weights[:, len(maxima) :] @ bag
            shares = weights[:, : len(maxima)] * maxima
        windows = head.encoder.filter_windows()
        for (before, after), place, share in zip(windows, at.tolist(), shares.T, strict=True):
            window = max(0, place - before), min(len(places[0]), place + after + 1)
            given.setdefault(window, []).append((number, share))
            number += 1
    return tuple(
        replace(
            attribution,
            ngrams=NgramShares(
                _ngrams_of(row.located, given, score), float(bias[score]), float(others[score])
            ),
        )
        for score, attribution in enumerate(rows)
    )


def _ngrams_of(
    located: LocatedRow, given: dict[tuple[int, int], list[tuple[int, Tensor]]], score: int
) -> tuple[NgramShare, ...]:
    """Return the n-grams with a share in one score; `given` has filters and shares by window."""
    found: dict[tuple[str, int, int, int], dict[int, float]] = {}
    for (begin, end), filters in given.items():
        shares = {number: float(share[score]) for number, share in filters}
        active = {number: share for number, share in shares.items() if share}
        if active:
            # windows that differ in tokens of no text alone are one n-gram
            found.setdefault(_characters(located, begin, end), {}).update(active)
    ngrams = [
        NgramShare(*place, tuple(sorted(shares)), sum(shares.values()))
        for place, shares in found.items()
    ]
    return tuple(sorted(ngrams, key=lambda ngram: -abs(ngram.share)))


def _characters(located: LocatedRow, begin: int, end: int) -> tuple[str, int, int, int]:
    """Return the characters of places: the text, its number, first and last one, half-open."""
    for side, text in enumerate(located.texts):
        inside = (text.places >= begin) & (text.places < end) & (text.ends > text.starts)
        if inside.any():
            start = int(text.starts[inside].min())
            stop = int(text.ends[inside].max())
            return text.text[start:stop], side, start, stop
    labels: dict[int, Any] = dict(located.specials())
    return "".join(labels.get(place, "") for place in range(begin, end)), 0, 0, 0
