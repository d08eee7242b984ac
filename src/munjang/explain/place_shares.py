"""Shares of places: each method of attribution, from a row to a number per score and token."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from munjang.config import suggest_nearest
from munjang.errors import ConfigError
from munjang.explain.attribution import Baseline, Method
from munjang.explain.gradients import (
    Spread,
    VectorGradients,
    gradient,
    integrated_gradients,
    spread_evenly,
    spread_from_zero,
)
from munjang.explain.ngram_shares import divide_ngrams
from munjang.explain.row import ExplainedRow, Floats, VectorScores, can_decompose
from munjang.layers.tfidf_linear import TfidfLinear
from munjang.tasks.heads import LinearEnsemble, find_encoders
from munjang.text.columns import Int64s

_BASELINES: dict[Baseline, str] = {"zero": "zero vectors", "oov": "vectors of OOV tokens"}


@dataclass(frozen=True, eq=False)
class PlaceShares:
    """Shares of all places of a row.

    Attributes:
        shares: [scores, places].
        value: F(x), [scores].
        base: F(x'), [scores].
        baseline: x' in words.
        steps: number of nodes of integrated gradients, or None.
        summed: True if the shares are meant to sum to `value` - `base`.
    """

    shares: Floats
    value: Floats
    base: Floats
    baseline: str
    steps: int | None = None
    summed: bool = True


@dataclass(frozen=True)
class MethodRow:
    """A method of attribution.

    Attributes:
        summary: one line for help texts.
        compute: computes shares for a baseline.
        baselines: what may stand for "no text", the default first.
    """

    summary: str
    compute: Callable[[ExplainedRow, Baseline], PlaceShares]
    baselines: tuple[Baseline, ...]


def choose_method(row: ExplainedRow, method: str | None) -> Method:
    """Return the method that is asked for; by default the exact one where there is one.

    Raises:
        ConfigError: there is no such method, or the network has no exact one.
    """
    if method is None:
        return "exact" if _has_exact(row) else "integrated"
    known = {str(name): name for name in METHOD_TABLE}
    if method not in known:
        raise ConfigError(
            f"unknown method '{method[:80]}'{suggest_nearest(method, known)}; known: "
            f"{', '.join(known)}"
        )
    if method == "exact" and not _has_exact(row):
        raise ConfigError(
            "method: only logits of mean, and of cnn without softmax, for one text per row are "
            "exact sums; leave it out, or choose integrated"
        )
    return known[method]


def compute_shares(row: ExplainedRow, method: Method, baseline: str | None) -> PlaceShares:
    """Return the shares of a row by a method.

    Raises:
        ConfigError: the method has no such baseline.
    """
    known = METHOD_TABLE[method].baselines
    if baseline is None:
        wanted = _null_vectors(row)
        return METHOD_TABLE[method].compute(row, wanted if wanted in known else known[0])
    chosen = next((name for name in known if name == baseline), None)
    if chosen is None:
        raise ConfigError(
            f"baseline: expected {' or '.join(known)} with the method {method}, got "
            f"'{baseline[:80]}'"
        )
    return METHOD_TABLE[method].compute(row, chosen)


def _null_vectors(row: ExplainedRow) -> Baseline:
    """Return what stands for "no text" in a network by default: zero vectors, or OOV tokens."""
    kinds = {getattr(encoder, "null_vectors", "zero") for encoder in find_encoders(row.network)}
    return "oov" if "oov" in kinds else "zero"


def _has_exact(row: ExplainedRow) -> bool:
    network = row.network
    return row.scores.coefficients is not None and can_decompose(network)


def _exact(row: ExplainedRow, baseline: Baseline) -> PlaceShares:
    """Return what each token gives: derivatives of the decomposed pooled vector times vectors."""
    plain = VectorScores.of(row)
    vectors = plain.vectors(row.ids)
    zeros = tuple(torch.zeros_like(table) for table in vectors)
    found = gradient(VectorScores.of(row, decomposed=True), vectors, zeros)
    with torch.no_grad():
        ends = [torch.cat(pair) for pair in zip(vectors, zeros, strict=True)]
        value, base = plain(ends).unbind(0)
    found = VectorGradients(found.gradients, value, base, 1)
    return _divided(plain, found, vectors, zeros, "zero", None)


def _gradient(row: ExplainedRow, baseline: Baseline) -> PlaceShares:
    scores = VectorScores.of(row)
    vectors, others = _vectors(scores, baseline)
    return _divided(scores, gradient(scores, vectors, others), vectors, others, baseline, None)


# Only near zero does a norm change much: other vectors are as long as those of a text.
_SPREADS: dict[Baseline, Spread] = {"zero": spread_from_zero, "oov": spread_evenly}


def _integrated(row: ExplainedRow, baseline: Baseline) -> PlaceShares:
    scores = VectorScores.of(row)
    vectors, others = _vectors(scores, baseline)
    found = integrated_gradients(scores, vectors, others, spread=_SPREADS[baseline])
    return _divided(scores, found, vectors, others, baseline, found.steps)


def _vectors(
    scores: VectorScores, baseline: Baseline
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return the tables of the row, and those of the baseline."""
    vectors = scores.vectors(scores.row.ids)
    if baseline == "zero":
        return vectors, tuple(torch.zeros_like(table) for table in vectors)
    return vectors, scores.vectors(scores.row.oov_ids)


def _divided(
    scores: VectorScores,
    found: VectorGradients,
    vectors: tuple[Tensor, ...],
    others: tuple[Tensor, ...],
    baseline: Baseline,
    steps: int | None,
) -> PlaceShares:
    """Return shares from gradients, with those of a model beside the network."""
    row = scores.row
    other_ids = None if baseline == "zero" else row.oov_ids
    shares = torch.zeros(row.size, row.located.places)
    table = 0
    for encoder, has_bag in zip(scores.encoders, scores.has_bag, strict=True):
        for of_bag in (False, True)[: 1 + has_bag]:
            gradients = found.gradients[table]
            own = ((vectors[table] - others[table]) * gradients).sum(2)
            shares += divide_ngrams(
                encoder, row.ids, other_ids, gradients, own, of_bag=of_bag
            ).cpu()
            table += 1
    beside = linear_shares(row)
    # `scores` are C logits + c of the network alone: the offsets c count once
    offsets = torch.zeros(row.size) if row.scores.offsets is None else row.scores.offsets
    weight = scores.weight
    value = weight * (found.value.cpu() - offsets) + offsets + beside.value
    base = weight * (found.base.cpu() - offsets) + offsets + beside.base
    return PlaceShares(
        (weight * shares + beside.shares).double().numpy(),
        value.double().numpy(),
        base.double().numpy(),
        _BASELINES[baseline],
        steps,
    )


@dataclass(frozen=True, eq=False)
class LinearShares:
    """Shares of a linear n-gram model beside the network: [scores, places], [scores] twice."""

    shares: Tensor
    value: Tensor
    base: Tensor


def linear_shares(row: ExplainedRow) -> LinearShares:
    """Return the exact shares in the logits of a linear model; its baseline is its bias."""
    network, coefficients = row.network, row.scores.coefficients
    if not isinstance(network, LinearEnsemble) or coefficients is None:
        none = torch.zeros(row.size)
        return LinearShares(torch.zeros(row.size, row.located.places), none, none)
    linear = network.linear
    assert isinstance(linear, TfidfLinear)
    (ids,) = row.ids
    with torch.no_grad():
        weights = network.linear_weight * coefficients
        shares = weights @ linear.token_shares(ids, torch.ones_like(ids).bool())[0].T.cpu()
        base = weights @ linear.bias.cpu()
    return LinearShares(shares, base + shares.sum(1), base)


def leave_out_words(row: ExplainedRow, baseline: Baseline = "oov") -> PlaceShares:
    """Return how much each score falls when one word is left out.

    The share of a word is divided evenly among its tokens. Shares need not sum to anything.

    Args:
        row: the row.
        baseline: oov: OOV stands in the place of each token; deleted: the tokens are deleted.
    """
    deleted = baseline == "deleted"
    words = words_of(row)
    absent = np.zeros((len(words) + 2, row.located.places), dtype=np.bool_)
    for number, places in enumerate(words, start=2):
        absent[number, places] = True
    absent[1] = row.droppable
    scores = row.score(absent, deleted=deleted)
    shares = np.zeros((row.size, row.located.places))
    for places, without in zip(words, scores[2:], strict=True):
        shares[:, places] = ((scores[0] - without) / len(places))[:, None]
    name = "each word deleted" if deleted else "each word replaced by OOV"
    return PlaceShares(shares, scores[0], scores[1], name, summed=False)


def words_of(row: ExplainedRow) -> list[Int64s]:
    """Return the places of each word that may be left out, text by text."""
    words: list[Int64s] = []
    for text in row.located.texts:
        free = row.droppable[text.places]
        numbers = text.word_of()
        words += [
            text.places[(numbers == number) & free] for number in np.unique(numbers[free]).tolist()
        ]
    return words


METHOD_TABLE: dict[Method, MethodRow] = {
    "exact": MethodRow("terms of the sum that the score is, where it is one", _exact, ("zero",)),
    "integrated": MethodRow("gradients along a path to no text", _integrated, ("zero", "oov")),
    "gradient": MethodRow("gradient x input; the fastest", _gradient, ("zero", "oov")),
    "leave_one_out": MethodRow(
        "fall of the score without the word", leave_out_words, ("oov", "deleted")
    ),
}
