"""What each n-gram of a text gives to a score of a CNN with max pooling and a linear head.

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
from munjang.explain.row import ExplainedRow, VectorScores
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
            shares = weights[:, : len(maxima)] * maxima
        windows = head.encoder.filter_windows()
        for (before, after), place, share in zip(windows, at.tolist(), shares.T, strict=True):
            window = max(0, place - before), min(len(places[0]), place + after + 1)
            given.setdefault(window, []).append((number, share))
            number += 1
    return tuple(
        replace(
            attribution, ngrams=_shares_of(row.located, given, score, float(bias[score]), attribution)
        )
        for score, attribution in enumerate(rows)
    )


def _shares_of(
    located: LocatedRow,
    given: dict[tuple[int, int], list[tuple[int, Tensor]]],
    score: int,
    bias: float,
    attribution: Attribution,
) -> NgramShares:
    """Return what the n-grams give to one score; `given` has filters and shares by window."""
    ngrams = []
    for (begin, end), filters in given.items():
        active = [(number, float(share[score])) for number, share in filters]
        active = [(number, share) for number, share in active if share]
        if active:
            numbers = tuple(number for number, _ in active)
            share = sum(share for _, share in active)
            ngrams.append(NgramShare(*_characters(located, begin, end), numbers, share))
    ngrams.sort(key=lambda ngram: -abs(ngram.share))
    known = sum(ngram.share for ngram in ngrams) + bias
    return NgramShares(tuple(ngrams), bias, attribution.value - known)


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
