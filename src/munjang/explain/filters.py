"""Filters of a `cnn`: the n-grams that they look for over data, and which of them matter.

Only the maximum of a filter over a text reaches the answer, and some n-gram is always the maximum.
Those below a threshold pass by accident (Jacovi, Sar Shalom and Goldberg 2018). As there, a
filter's threshold is the lowest at which the texts whose maximum reaches it get the class that the
filter speaks for often enough: in a share halfway between that class's share of all texts and 1,
which is their 75 % for two classes of equal size; and five texts at least. `agreement` tells how
well the thresholds do: how many answers stay if every maximum below its threshold is replaced by
the mean of those.

A negative n-gram of a filter has all but one token that it looks for: it stays below the threshold,
and would reach it if the token of its lowest slot were padding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from munjang.explain.filter_bank import FilterBank, open_filters
from munjang.explain.filter_passes import Maxima, Ngram, find_maxima, find_negatives, top_ngrams
from munjang.explain.token_rows import encode_rows
from munjang.model import Model

MOST_ROWS = 5000
# n-grams of each filter, and numbers that are held for all filters and texts.
_NGRAMS, _MOST_NUMBERS = 8, 2**25
# A threshold needs so many texts that reach it.
_FEWEST = 5
_DIGITS = 5

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Filter:
    """One filter.

    Attributes:
        number: from 0; filters of the first width come first.
        width: tokens in its window.
        label: class that it speaks for; `higher` or `lower` of a model that answers with a number.
        weights: weight of its maximum in each output of the head.
        bias: bias of the pre-activation.
        importance: standard deviation, over the texts, of its part in the logit of that class.
        threshold: least pre-activation that matters; None if no threshold was found.
        share: share of the texts in which it reaches its threshold; 0 without one.
        ngrams: the n-grams with the largest maxima, these first.
        negatives: n-grams just below the threshold by one token, the lowest slots first.
    """

    number: int
    width: int
    label: str
    weights: tuple[float, ...]
    bias: float
    importance: float
    threshold: float | None
    share: float
    ngrams: tuple[Ngram, ...]
    negatives: tuple[Ngram, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        threshold = None if self.threshold is None else round(self.threshold, _DIGITS)
        return {
            "filter": self.number,
            "width": self.width,
            "label": self.label,
            "weights": [round(weight, _DIGITS) for weight in self.weights],
            "bias": round(self.bias, _DIGITS),
            "importance": round(self.importance, _DIGITS),
            "threshold": threshold,
            "share": round(self.share, _DIGITS),
            "ngrams": [ngram.to_json() for ngram in self.ngrams],
            "negatives": [ngram.to_json() for ngram in self.negatives],
        }


@dataclass(frozen=True)
class Filters:
    """All filters of a model over some texts.

    Attributes:
        outputs: names of the outputs of the head.
        texts: number of texts.
        agreement: share of the texts whose answer stays if maxima below thresholds are replaced by
            their mean; None for a model without classes.
        filters: the most important first.
    """

    outputs: tuple[str, ...]
    texts: int
    agreement: float | None
    filters: tuple[Filter, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "outputs": list(self.outputs),
            "texts": self.texts,
            "agreement": None if self.agreement is None else round(self.agreement, _DIGITS),
            "filters": [one.to_json() for one in self.filters],
        }


def compute_filters(
    model: Model, rows: Any, *, most_rows: int = MOST_ROWS, ngrams: int = _NGRAMS, seed: int = 0
) -> Filters:
    """Return the filters of a `cnn` over texts.

    Args:
        model: a `cnn` that answers by the maxima of its filters.
        rows: texts, as `munjang.explain.token_rows.read_rows` reads them; labels are not used.
        most_rows: texts at most, drawn by the seed; fewer with many filters.
        ngrams: n-grams per filter.
        seed: random seed.

    Raises:
        ConfigError: the model is no such `cnn`.
        DataError: no text has a token.
    """
    bank = open_filters(model.network)
    most = max(1, min(most_rows, _MOST_NUMBERS // bank.encoder.states_dim))
    chosen = encode_rows(model, rows, most=most, seed=seed)
    bank = open_filters(chosen.adapt(model.network))
    maxima = find_maxima(bank, chosen)
    said = _Said.of(bank, maxima, model.labels)
    thresholds = said.thresholds()
    negatives = find_negatives(bank, chosen, thresholds, ngrams)
    tops = top_ngrams(bank, chosen, maxima, ngrams)
    spread, biases = said.importance(), torch.cat([c.bias for c in bank.convolutions]).tolist()
    filters = [
        Filter(
            number,
            width,
            said.names[number],
            tuple(said.weights[:, number].tolist()),
            biases[number],
            float(spread[number]),
            None if np.isnan(threshold) else float(threshold),
            0.0 if np.isnan(threshold) else float((maxima.values[:, number] >= threshold).mean()),
            tuple(tops[number]),
            tuple(negatives[number]),
        )
        for number, (width, threshold) in enumerate(zip(bank.widths, thresholds, strict=True))
    ]
    filters.sort(key=lambda one: -one.importance)
    return Filters(said.outputs, len(maxima.values), said.agreement(thresholds), tuple(filters))


@dataclass(frozen=True)
class _Said:
    """Statistics of the maxima of the filters.

    Attributes:
        maxima: of every text.
        features: what the head reads of them, [texts, filters].
        weights: [outputs, filters].
        classes: number of the class that each filter speaks for, [filters]; None without classes.
        outputs: names of the outputs.
        names: name of what each filter speaks for, [filters].
    """

    maxima: Maxima
    features: Floats
    weights: Floats
    classes: npt.NDArray[np.int64] | None
    outputs: tuple[str, ...]
    names: Sequence[str]

    @classmethod
    def of(cls, bank: FilterBank, maxima: Maxima, labels: Sequence[str]) -> "_Said":
        weights = bank.weights(maxima.pooled).numpy()
        features = bank.features(torch.from_numpy(maxima.values)).numpy()
        if len(weights) == 1:
            highest = (weights[0] > 0).astype(np.int64)
            known = tuple(labels) if len(labels) == 2 else ("lower", "higher")
            classes = highest if len(labels) == 2 else None
            outputs = known[1:] if len(labels) == 2 else ("answer",)
            return cls(maxima, features, weights, classes, outputs, [known[n] for n in highest])
        chosen = weights.argmax(0).astype(np.int64)
        return cls(maxima, features, weights, chosen, tuple(labels), [labels[n] for n in chosen])

    def importance(self) -> npt.NDArray[np.float64]:
        """Return the standard deviation of each filter's part in the logit of its class."""
        centered = self.weights if len(self.weights) == 1 else self.weights - self.weights.mean(0)
        spread: npt.NDArray[np.float64] = self.features.std(0) * np.abs(centered).max(0)
        return spread

    def thresholds(self) -> npt.NDArray[np.float64]:
        """Return the threshold of each filter; NaN where there is none."""
        filters = self.features.shape[1]
        found = np.full(filters, np.nan)
        if self.classes is None:
            return found
        answers = self.maxima.answers
        for number, spoken in enumerate(self.classes.tolist()):
            is_spoken = answers == spoken
            if is_spoken.all():
                continue
            # an n-gram that is the maximum of several texts has one value, but for float rounding
            values = np.round(self.maxima.values[:, number].astype(np.float64), _DIGITS)
            order = np.argsort(-values, kind="stable")
            purity = np.cumsum(is_spoken[order]) / np.arange(1, len(order) + 1)
            is_pure = purity >= (1 + is_spoken.mean()) / 2
            is_last = np.append(np.diff(values[order]) != 0, True)
            reached = np.flatnonzero(is_pure & is_last)
            if len(reached) and reached[-1] + 1 >= _FEWEST:
                found[number] = values[order[reached[-1]]] - 0.5 * 10.0**-_DIGITS
        return found

    def agreement(self, thresholds: npt.NDArray[np.float64]) -> float | None:
        """Return the share of answers that stay without the maxima below their thresholds."""
        if self.classes is None:
            return None
        is_below = ~(self.maxima.values >= thresholds)  # all are, without a threshold
        below = np.where(is_below, self.features, 0.0).sum(0) / np.maximum(1, is_below.sum(0))
        change = np.where(is_below, below - self.features, 0.0).astype(np.float32)
        logits = self.maxima.logits + torch.from_numpy(change @ self.weights.T)
        return float((answers_of(logits).numpy() == self.maxima.answers).mean())


def answers_of(logits: Tensor) -> Tensor:
    """Return the class number of each row of `logits` [rows, outputs]."""
    return (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(1)
