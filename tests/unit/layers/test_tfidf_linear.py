"""A linear model on hashed n-grams, held against dictionaries and against scikit-learn."""

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from munjang.layers.tfidf_linear import TfidfLinear
from munjang.tasks.linear import INVERSE_PENALTY, solve_logistic
from munjang.text.vocabulary import OOV
from tests.synthetic import Rows, pad_rows, random_rows

VOCABULARY = 12
# so many that two of the few n-grams of these rows do not meet by chance
BUCKETS = 2**16

rows_of_ids = st.lists(
    st.lists(st.integers(1, VOCABULARY + 3), max_size=9), min_size=2, max_size=12
)


def count_terms(row: list[int], ngrams: int) -> Counter[tuple[int, ...]]:
    """Every n-gram of a row; ids behind the vocabulary are OOV."""
    known = [token if token < VOCABULARY else OOV for token in row]
    spans = [(n, start) for n in range(1, ngrams + 1) for start in range(len(known) - n + 1)]
    return Counter(tuple(known[start : start + n]) for n, start in spans)


def reference_features(train: Rows, rows: Rows, ngrams: int) -> list[dict[tuple[int, ...], float]]:
    """TF-IDF by dictionaries. The norm is of each place of a text, so that no sort is needed."""
    texts = Counter(term for row in train for term in count_terms(row, ngrams))
    idf = {t: math.log((1 + len(train)) / (1 + n)) + 1 for t, n in texts.items() if n >= 2}
    features = []
    for row in rows:
        counts = count_terms(row, ngrams)
        norm = math.sqrt(sum(n * idf.get(term, 0) ** 2 for term, n in counts.items()))
        features.append({t: n * idf[t] / norm for t, n in counts.items() if t in idf})
    return features


def fit_linear(train: Rows, targets: Any, *, ngrams: int = 2, outputs: int = 3, solve: Any) -> Any:
    linear = TfidfLinear(VOCABULARY, outputs, ngrams=ngrams, buckets=BUCKETS)
    # in two batches of other widths, the later rows first
    batches, cut = [], len(train) // 2
    for start, part in ((cut, train[cut:]), (0, train[:cut])):
        ids, mask = pad_rows(part, extra=1, filler=VOCABULARY + 1)
        batches.append((ids, mask, torch.arange(start, start + len(part))))
    linear.fit(batches, np.asarray(targets), solve)
    return linear


@given(rows_of_ids, st.integers(1, 3))
def test_features_equal_reference(train: list[list[int]], ngrams: int) -> None:
    seen: list[Any] = []

    def solve(features: Any, targets: Any) -> Any:
        seen.append(features.toarray())
        return np.ones((1, features.shape[1])), np.zeros(1)

    linear = fit_linear(train, [0] * len(train), ngrams=ngrams, outputs=1, solve=solve)
    reference = reference_features(train, train, ngrams)
    for result, row in zip(seen[0], reference, strict=True):
        assert sorted(result[result > 0]) == pytest.approx(sorted(row.values()), abs=1e-5)
    # with weights of one, what it answers is the sum of the features
    answers = linear(*pad_rows(train))[:, 0].tolist()
    assert answers == pytest.approx([sum(row.values()) for row in reference], abs=1e-4)


@given(rows_of_ids, rows_of_ids)
def test_logits_do_not_depend_on_padding_or_batch(
    train: list[list[int]], rows: list[list[int]]
) -> None:
    targets = [index % 3 for index in range(len(train))]
    linear = fit_linear(train, targets, solve=lambda f, t: solve_logistic(f, t, 3))
    single = torch.cat([linear(*pad_rows([row])) for row in rows])
    batched = linear(*pad_rows(rows, extra=3, filler=VOCABULARY + 2))
    torch.testing.assert_close(single, batched)


def test_logits_equal_scikit_learn() -> None:
    """Rows without a repeated term, where the norm of places is the norm of terms."""
    rows = [
        list(dict.fromkeys(row)) for row in random_rows(80, vocabulary=12, shortest=3, longest=9)
    ]
    targets = np.asarray([row[0] % 3 for row in rows])
    linear = fit_linear(rows, targets, solve=lambda f, t: solve_logistic(f, t, 3))
    words = [" ".join(map(str, row)) for row in rows]
    tfidf = TfidfVectorizer(ngram_range=(1, 2), min_df=2, token_pattern=r"\d+")
    peer = LogisticRegression(C=INVERSE_PENALTY, max_iter=1000).fit(
        tfidf.fit_transform(words), targets
    )
    ours = torch.softmax(linear(*pad_rows(rows)), dim=1).numpy()
    assert ours == pytest.approx(peer.predict_proba(tfidf.transform(words)), abs=0.01)
    assert (ours.argmax(1) == targets).mean() > 0.9


def test_row_without_terms_gives_bias() -> None:
    train = [[4, 5], [4, 5], [6, 7], [6, 7]]
    linear = fit_linear(train, [0, 0, 1, 1], outputs=1, solve=lambda f, t: solve_logistic(f, t, 1))
    for rows in ([[]], [[8, 9, 10]], [[VOCABULARY + 5]]):
        assert torch.equal(linear(*pad_rows(rows)), linear.bias[None])
    assert linear(*pad_rows([[4, 5]])) < linear.bias < linear(*pad_rows([[6, 7]]))


def test_parameters_are_frozen() -> None:
    linear = TfidfLinear(VOCABULARY, 2, ngrams=2, buckets=8)
    assert not any(parameter.requires_grad for parameter in linear.parameters())
    assert set(linear.state_dict()) == {"idf", "weight", "bias"}


def test_token_shares_and_bias_sum_to_the_logits() -> None:
    linear = TfidfLinear(20, 3, ngrams=3, buckets=16)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in (linear.idf, linear.weight, linear.bias):
            tensor.copy_(torch.rand(tensor.shape, generator=generator))
        linear.idf[0] = 0.0
    ids, mask = pad_rows([[5, 6, 7, 5], [4], [9, 9]])
    shares = linear.token_shares(ids, mask)
    assert shares.shape == (3, 4, 3)
    torch.testing.assert_close(shares.sum(1) + linear.bias, linear(ids, mask))
    assert not shares[~mask].any()
