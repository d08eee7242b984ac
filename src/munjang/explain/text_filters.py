"""The filters of a `cnn` over one text: which n-gram is the maximum of each, and what it adds.

The margin of the answer is a sum over filters, if the head is linear:

    margin = Σ_f weight_f · activation(maximum_f) + rest

with the difference of the weights of the highest and the second output. The rest is the bias, the
bag of n-grams and other poolings.
"""

from dataclasses import dataclass
from typing import Any

import torch

from munjang.explain.filter_bank import leading_outputs, open_filters
from munjang.explain.text_tokens import TextTokens, read_tokens
from munjang.model import Model

_DIGITS = 5
_OUTSIDE = "·"


@dataclass(frozen=True)
class FilterMaximum:
    """The maximum of one filter in a text.

    Attributes:
        number: of the filter.
        place: token at which its window begins; below 0 before the text.
        tokens: of the window; `·` beyond the ends of the text.
        value: pre-activation: the sum of `slots`, and the bias.
        slots: share of each token in it.
        contribution: its part in the margin.
    """

    number: int
    place: int
    tokens: tuple[str, ...]
    value: float
    slots: tuple[float, ...]
    contribution: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "filter": self.number,
            "place": self.place,
            "tokens": list(self.tokens),
            "value": round(self.value, _DIGITS),
            "slots": [round(slot, _DIGITS) for slot in self.slots],
            "contribution": round(self.contribution, _DIGITS),
        }


@dataclass(frozen=True)
class TextFilters:
    """The maxima of all filters in a text.

    Attributes:
        tokens: the tokens, and their words.
        answer: what the margin speaks for.
        against: the second answer; None of a model that answers with a number.
        margin: logit of the answer minus that of the second.
        rest: part of the margin that is not of the maxima.
        maxima: the largest contributions first.
    """

    tokens: TextTokens
    answer: str
    against: str | None
    margin: float
    rest: float
    maxima: tuple[FilterMaximum, ...]

    @property
    def truncated(self) -> bool:
        """True if the end of the text was not read."""
        return self.tokens.truncated

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            **self.tokens.to_json(),
            "answer": self.answer,
            "against": self.against,
            "margin": round(self.margin, _DIGITS),
            "rest": round(self.rest, _DIGITS),
            "maxima": [maximum.to_json() for maximum in self.maxima],
        }


@torch.no_grad()
def compute_text_filters(model: Model, text: Any) -> TextFilters:
    """Return the maxima of the filters of a `cnn` over one text.

    Args:
        model: a `cnn` that answers by the maxima of its filters; of several members the first.
        text: the text; (first, second) of two texts.

    Raises:
        ConfigError: the model is no such `cnn`.
        DataError: there is no token in the text.
    """
    tokens, network = read_tokens(model, text)
    bank = open_filters(network)
    ids = torch.tensor([tokens.ids])
    mask = torch.ones_like(ids, dtype=torch.bool)
    vectors = bank.embed(ids, mask)
    found = bank.pre_activations(vectors)[0].max(0)
    pooled = bank.encoder(ids, mask).pooled
    logits = bank.head.head(pooled)[0].float()
    weights, sign = bank.weights(pooled), 1.0
    first, second = leading_outputs(logits)
    if second is None and len(model.labels) == 2 and logits[0] < 0:
        sign = -1.0  # one logit speaks for the second class, and against the first
    weight = weights[first] if second is None else weights[first] - weights[second]
    margin = float(sign * (logits[first] if second is None else logits[first] - logits[second]))
    contributions = sign * weight * bank.features(found.values)
    slots = [
        part
        for convolution in bank.convolutions
        for part in bank.slots(convolution, vectors)[0].unbind(1)
    ]
    maxima = []
    for number, place in enumerate(found.indices.tolist()):
        before, width = bank.window(number)
        start = place - before
        labels = (
            tokens.labels[n] if 0 <= n < len(tokens.labels) else _OUTSIDE
            for n in range(start, start + width)
        )
        maxima.append(
            FilterMaximum(
                number,
                start,
                tuple(labels),
                float(found.values[number]),
                tuple(slots[number][place].tolist()),
                float(contributions[number]),
            )
        )
    maxima.sort(key=lambda one: -abs(one.contribution))
    answer, against = _names(model.labels, logits, first, second)
    rest = margin - float(contributions.sum())
    return TextFilters(tokens, answer, against, margin, rest, tuple(maxima))


def _names(
    labels: tuple[str, ...], logits: torch.Tensor, first: int, second: int | None
) -> tuple[str, str | None]:
    """Return what the margin speaks for, and against."""
    if second is not None:
        return labels[first], labels[second]
    if len(labels) != 2:
        return "the number", None
    return (labels[0], labels[1]) if logits[0] < 0 else (labels[1], labels[0])
