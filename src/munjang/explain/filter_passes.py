"""Passes over texts that collect the maxima of filters, and n-grams with their slots."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from munjang.data.batches import Batch
from munjang.explain.filter_bank import FilterBank
from munjang.explain.token_rows import TokenRows
from munjang.tasks.inference import limit_threads_if_forked
from munjang.text.vocabulary import PAD

_BATCH_TOKENS = 2048
_DIGITS = 5

Floats = npt.NDArray[np.float32]
Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Ngram:
    """A window of tokens and what a filter makes of it.

    Attributes:
        tokens: in their order; `·` beyond the ends of the text.
        value: pre-activation: the sum of `slots`, and the bias.
        slots: share of each token in it.
        texts: number of texts in which it is the maximum; 0 for a negative n-gram.
    """

    tokens: tuple[str, ...]
    value: float
    slots: tuple[float, ...]
    texts: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "tokens": list(self.tokens),
            "value": round(self.value, _DIGITS),
            "slots": [round(slot, _DIGITS) for slot in self.slots],
            "texts": self.texts,
        }


@dataclass(frozen=True)
class Maxima:
    """The largest pre-activation of every filter in every text that has a token.

    Attributes:
        values: [texts, filters].
        places: token at which the window of the maximum stands, [texts, filters].
        rows: number of each text in its `TokenRows`, [texts].
        logits: of the texts, [texts, outputs].
        answers: class number of each text, [texts].
        pooled: vectors that the head reads, of some texts, [some, pooled dim].
    """

    values: Floats
    places: Int64s
    rows: Int64s
    logits: Tensor
    answers: Int64s
    pooled: Tensor


# Texts over which the gradient of a head is averaged.
_POOLED = 256


@torch.no_grad()
def find_maxima(bank: FilterBank, rows: TokenRows) -> Maxima:
    """Run a network over texts and return the maxima of its filters."""
    limit_threads_if_forked()
    values, places, numbers, logits, pooled = [], [], [], [], []
    for batch in rows.batches(_BATCH_TOKENS):
        vectors = bank.embed(batch.ids, batch.mask)
        found = bank.pre_activations(vectors).masked_fill(~batch.mask[..., None], -torch.inf).max(1)
        values.append(found.values)
        places.append(found.indices)
        numbers.append(batch.rows)
        pooled.append(bank.encoder(batch.ids, batch.mask).pooled)
        logits.append(bank.head.head(pooled[-1]).float())
        if sum(map(len, pooled[:-1])) > _POOLED:
            pooled.pop()
    scores = torch.cat(logits)
    answers = (scores[:, 0] > 0).long() if scores.shape[1] == 1 else scores.argmax(1)
    return Maxima(
        torch.cat(values).float().numpy(),
        torch.cat(places).numpy(),
        torch.cat(numbers).numpy(),
        scores,
        answers.numpy(),
        torch.cat(pooled),
    )


def windows_of(bank: FilterBank, rows: TokenRows, number: int, maxima: Maxima) -> Int64s:
    """Return the ids of the window of a filter's maximum in every text, [texts, width]."""
    before, width = bank.window(number)
    steps = maxima.places[:, number, None] - before + np.arange(width)
    starts, lengths = rows.offsets[maxima.rows], rows.lengths[maxima.rows]
    is_inside = (steps >= 0) & (steps < lengths[:, None])
    ids: Int64s = rows.values[np.where(is_inside, starts[:, None] + steps, 0)]
    return np.where(is_inside, ids, PAD)


def top_ngrams(bank: FilterBank, rows: TokenRows, maxima: Maxima, most: int) -> list[list[Ngram]]:
    """Return the distinct n-grams with the largest maxima of every filter, these first."""
    chosen: list[list[tuple[int, tuple[int, ...], int]]] = []
    for number in range(maxima.values.shape[1]):
        windows = windows_of(bank, rows, number, maxima)
        own: list[tuple[int, tuple[int, ...], int]] = []
        for text in np.argsort(-maxima.values[:, number], kind="stable").tolist():
            ids = tuple(windows[text].tolist())
            if all(ids != other for _, other, _ in own):
                own.append((text, ids, int((windows == windows[text]).all(1).sum())))
            if len(own) == most:
                break
        chosen.append(own)
    slots = _slots_at(bank, rows, maxima, chosen)
    return [
        [
            Ngram(
                tuple(map(rows.token, ids)),
                float(maxima.values[text, number]),
                tuple(slots[number, text]),
                count,
            )
            for text, ids, count in own
        ]
        for number, own in enumerate(chosen)
    ]


@torch.no_grad()
def _slots_at(
    bank: FilterBank,
    rows: TokenRows,
    maxima: Maxima,
    chosen: list[list[tuple[int, tuple[int, ...], int]]],
) -> dict[tuple[int, int], list[float]]:
    """Return the slots of some filters at their maxima in some texts, by filter and text."""
    by_text: dict[int, list[int]] = {}
    for number, own in enumerate(chosen):
        for text, _, _ in own:
            by_text.setdefault(text, []).append(number)
    firsts = np.cumsum([0, *(len(c.bias) for c in bank.convolutions)])
    found: dict[tuple[int, int], list[float]] = {}
    for text, numbers in by_text.items():
        ids = torch.from_numpy(rows.row(int(maxima.rows[text])))[None]
        vectors = bank.embed(ids, torch.ones_like(ids, dtype=torch.bool))
        for place, convolution in enumerate(bank.convolutions):
            inside = [n for n in numbers if firsts[place] <= n < firsts[place + 1]]
            before, width = convolution.left, convolution.width
            padded = torch.nn.functional.pad(vectors[0], (0, 0, before, width - 1 - before))
            for number in inside:
                window = padded[maxima.places[text, number] :][:width]
                weight = convolution.weight[..., number - int(firsts[place])]
                found[number, text] = (window * weight).sum(-1).tolist()
    return found


@torch.no_grad()
def find_negatives(
    bank: FilterBank, rows: TokenRows, thresholds: npt.NDArray[np.float64], most: int
) -> list[list[Ngram]]:
    """Return the distinct negative n-grams of every filter, those of the lowest slots first.

    Args:
        bank: the filters.
        rows: texts.
        thresholds: [filters]; NaN for a filter that has none.
        most: n-grams per filter.
    """
    found: list[dict[tuple[int, ...], Ngram]] = [{} for _ in thresholds]
    for batch in rows.batches(_BATCH_TOKENS):
        vectors, first = bank.embed(batch.ids, batch.mask), 0
        for convolution in bank.convolutions:
            count = len(convolution.bias)
            own = torch.from_numpy(thresholds[first : first + count]).float()
            slots = bank.slots(convolution, vectors)
            totals = slots.sum(-1) + convolution.bias
            lowest = slots.amin(-1)
            is_negative = (totals < own) & (totals - lowest >= own) & batch.mask[..., None]
            ranked = torch.where(is_negative, -lowest, -torch.inf).flatten(0, 1)
            best = ranked.topk(min(most, len(ranked)), dim=0)
            for place, filter_ in (best.values > -torch.inf).nonzero().tolist():
                row, at = divmod(int(best.indices[place, filter_]), batch.ids.shape[1])
                kept = found[first + filter_]
                ids = _window_ids(batch, row, at, convolution.left, convolution.width)
                parts = slots[row, at, filter_].tolist()
                other = kept.get(ids)
                if other is None or min(parts) < min(other.slots):
                    value = float(totals[row, at, filter_])
                    kept[ids] = Ngram(tuple(map(rows.token, ids)), value, tuple(parts))
            first += count
        found = [_lowest(kept, most) for kept in found]
    return [list(kept.values()) for kept in found]


def _lowest(kept: dict[tuple[int, ...], Ngram], most: int) -> dict[tuple[int, ...], Ngram]:
    """Keep the n-grams with the lowest slots."""
    ranked = sorted(kept.items(), key=lambda item: min(item[1].slots))
    return dict(ranked[:most])


def _window_ids(batch: Batch, row: int, place: int, before: int, width: int) -> tuple[int, ...]:
    length = int(batch.lengths[row])
    steps = range(place - before, place - before + width)
    return tuple(int(batch.ids[row, s]) if 0 <= s < length else PAD for s in steps)
