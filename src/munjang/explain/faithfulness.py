"""Faithfulness of scores of words: does the answer change without the words that they name?

DeYoung et al. (2020), "ERASER: a benchmark to evaluate rationalized NLP models". With the words of
a text ranked by their scores, and p the probability of the answer:

    comprehensiveness = p(text) - p(text without the first k words)      high if these were needed
    sufficiency       = p(text) - p(first k words alone)                 low if these are enough

Both are means over k = 1, 5, 10, 20 and 50 % of the words (the "area over the perturbation curve",
AOPC). Beside them stands Kendall's tau (1938) between the scores and leave-one-out, the fall of the
answer's score without each word. The scores may be of any origin, such as attention.

A word that is left out is replaced by OOV, or deleted; deleting makes neighbors of words that were
none, which matters to models of n-grams.
"""

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from munjang.errors import ConfigError, DataError
from munjang.explain.attribution import METHODS
from munjang.explain.place_shares import (
    PlaceShares,
    choose_method,
    compute_shares,
    leave_out_words,
    words_of,
)
from munjang.explain.row import ExplainedRow, Floats
from munjang.explain.text_attention import compute_attention

Removal = Literal["oov", "deleted"]
REMOVALS: tuple[Removal, ...] = get_args(Removal)

# Shares of the words that are left out, or kept alone.
SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
RANDOM, ATTENTION = "random", "attention"


@dataclass(frozen=True)
class Faithfulness:
    """Faithfulness of the scores of one text.

    Attributes:
        comprehensiveness: mean fall of the probability without the first words; higher is better.
        sufficiency: mean fall with these words alone; lower is better.
        tau: Kendall's tau with leave-one-out, -1 to 1; NaN for a single word or equal scores.
    """

    comprehensiveness: float
    sufficiency: float
    tau: float


@dataclass(frozen=True)
class MeanFaithfulness:
    """Means over texts, each with its standard error.

    Attributes:
        method: name of the method.
        removal: how words were left out: oov or deleted.
        texts: number of texts.
        means: by name: comprehensiveness, sufficiency, tau.
        errors: standard errors of the means; NaN for a single text.
    """

    method: str
    removal: Removal
    texts: int
    means: Mapping[str, float]
    errors: Mapping[str, float]


@dataclass(frozen=True)
class FaithfulnessTable:
    """Faithfulness of several methods over the same texts.

    Attributes:
        rows: one per removal and method.
        skipped: number of texts without two words.
    """

    rows: tuple[MeanFaithfulness, ...]
    skipped: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain values; NaN becomes None."""
        rows = [
            {
                "method": row.method,
                "removal": row.removal,
                "texts": row.texts,
                **{name: _number(value) for name, value in row.means.items()},
                **{f"{name}_error": _number(value) for name, value in row.errors.items()},
            }
            for row in self.rows
        ]
        return {"rows": rows, "skipped": self.skipped}


def measure_faithfulness(
    row: ExplainedRow, scores: Floats, *, removal: Removal = "oov", referee: Floats | None = None
) -> Faithfulness:
    """Return the faithfulness of the scores of a row's words.

    What falls is the probability of the answer; of models without one, such as those of numbers,
    the score itself.

    Args:
        row: the row; its first score is meant.
        scores: a score per word of `words_of`, higher for words that speak for the answer [words].
        removal: how words are left out.
        referee: leave-one-out of the words [words]; computed if None.
    """
    words = words_of(row)
    if len(scores) != len(words):
        raise ValueError(f"expected a score for each of {len(words)} words, got {len(scores)}")
    order = np.argsort(-scores, kind="stable")
    absent = np.zeros((1 + 2 * len(SHARES), row.located.places), dtype=np.bool_)
    for number, share in enumerate(SHARES, start=1):
        first = order[: math.ceil(share * len(words))]
        for word, places in enumerate(words):
            absent[number, places] = word in first
            absent[number + len(SHARES), places] = word not in first
    deleted = removal == "deleted"
    kept = row.score(absent, deleted=deleted, compute=row.scores.probabilities)[:, 0]
    falls = kept[0] - kept[1:]
    if referee is None:
        referee = word_scores(row, leave_out_words(row, removal))
    return Faithfulness(
        float(falls[: len(SHARES)].mean()),
        float(falls[len(SHARES) :].mean()),
        kendall_tau(scores, referee),
    )


def kendall_tau(scores: Floats, others: Floats) -> float:
    """Return Kendall's tau-b of two rankings; NaN if one of them has a single value."""
    from scipy.stats import kendalltau

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(kendalltau(scores, others).statistic)


def word_scores(row: ExplainedRow, shares: PlaceShares) -> Floats:
    """Return the shares of the first score summed up to the words of `words_of`, [words]."""
    return np.array([shares.shares[0, places].sum() for places in words_of(row)])


def attention_scores(model: Any, value: Any, row: ExplainedRow) -> Floats:
    """Return how much attention each word gets, [words]: pooling's, or the mean of all queries.

    Args:
        model: the model, of one text per row.
        value: the text.
        row: the row of that text.

    Raises:
        ConfigError: the model has no attention.
    """
    attention = compute_attention(model, value)
    kind = "pooling" if "pooling" in attention.kinds else attention.kinds[0]
    received = attention.mean(kind, -1).mean(0)
    return np.array([received[places].sum() for places in words_of(row)], dtype=np.float64)


def compare_faithfulness(
    model: Any,
    values: Iterable[Any],
    *,
    methods: Sequence[str] | None = None,
    removals: Sequence[Removal] = REMOVALS,
    seed: int = 0,
) -> FaithfulnessTable:
    """Return the faithfulness of methods over many texts, beside that of random scores.

    Args:
        model: a `munjang.model.Model` of one text per row.
        values: texts; those of fewer than two words are skipped.
        methods: names of methods of `Model.why`, "attention" and "random"; all that the model has
            if omitted.
        removals: how words are left out.
        seed: random seed of the random scores.

    Raises:
        ConfigError: there is no such method, or the model does not have it.
        DataError: no text has two words.
    """
    random = np.random.default_rng(seed)
    names = None if methods is None else list(methods)
    for name in names or ():
        if name not in _known():
            raise ConfigError(f"unknown method '{name[:80]}'; known: {', '.join(_known())}")
    results: dict[tuple[str, Removal], list[Faithfulness]] = {}
    skipped = 0
    for value in values:
        row = _row_of(model, value)
        if row is None:
            skipped += 1
            continue
        if names is None:
            names = [name for name in _known() if _is_available(name, model, value, row)]
        scores = {name: _scores(name, model, value, row, random) for name in names}
        for removal in removals:
            referee = word_scores(row, leave_out_words(row, removal))
            for name in names:
                found = measure_faithfulness(row, scores[name], removal=removal, referee=referee)
                results.setdefault((name, removal), []).append(found)
    if not results:
        raise DataError("expected texts of two words or more to measure faithfulness on, got none")
    order = sorted(results, key=lambda key: (removals.index(key[1]), _known().index(key[0])))
    return FaithfulnessTable(tuple(_mean(*key, results[key]) for key in order), skipped)


def _known() -> list[str]:
    return [*METHODS, ATTENTION, RANDOM]


def _row_of(model: Any, value: Any) -> ExplainedRow | None:
    """Return the row of a text; None if it has fewer than two words."""
    try:
        row = ExplainedRow.of(model, value, None, None)
    except DataError:
        return None
    return row if len(words_of(row)) > 1 else None


def _is_available(name: str, model: Any, value: Any, row: ExplainedRow) -> bool:
    """Return whether a model has a method."""
    try:
        _scores(name, model, value, row, np.random.default_rng(0))
    except ConfigError:
        return False
    return True


def _scores(
    name: str, model: Any, value: Any, row: ExplainedRow, random: np.random.Generator
) -> Floats:
    if name == RANDOM:
        return random.random(len(words_of(row)))
    if name == ATTENTION:
        return attention_scores(model, value, row)
    return word_scores(row, compute_shares(row, choose_method(row, name), None))


def _mean(method: str, removal: Removal, found: Sequence[Faithfulness]) -> MeanFaithfulness:
    means, errors = {}, {}
    for name in ("comprehensiveness", "sufficiency", "tau"):
        values = np.array([getattr(one, name) for one in found])
        values = values[np.isfinite(values)]
        count = len(values)
        means[name] = float(values.mean()) if count else math.nan
        errors[name] = float(values.std(ddof=1) / math.sqrt(count)) if count > 1 else math.nan
    return MeanFaithfulness(method, removal, len(found), means, errors)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
