"""Vocabulary and coverage against dictionaries and loops."""

from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.errors import ConfigError, FolderError
from munjang.text import vocabulary as module
from munjang.text.columns import token_column
from munjang.text.coverage import THRESHOLDS, vocabulary_coverage
from munjang.text.keras import Tokenizer
from munjang.text.segmentation.segment import segment
from munjang.text.segmentation.segmenters import unicode_segmenter
from munjang.text.vocabulary import OOV, PAD, RESERVED, Vocabulary
from tests.unit.text.peer_keras import force_path
from tests.unit.text.strategies import hostile_text, hostile_texts

corpora = st.lists(hostile_text(2), max_size=40)
limits = st.sampled_from([1, 1, 2, 3])
sizes = st.sampled_from([None, None, 5, 6, 9])


def build_vocabulary(tokens, **limits):
    counts = Counter(tokens)
    return Vocabulary.from_counts(list(counts), list(counts.values()), **limits)


@given(tokens=corpora, min_frequency=limits, max_size=sizes)
def test_most_frequent_tokens_first(tokens, min_frequency, max_size):
    vocabulary = build_vocabulary(tokens, min_frequency=min_frequency, max_size=max_size)
    counts = Counter(tokens)
    ranked = [w for w, n in counts.most_common() if n >= min_frequency]
    ranked = ranked[: None if max_size is None else max_size - len(RESERVED)]
    kept = [word for word in ranked if word not in RESERVED]
    assert vocabulary.tokens == (*RESERVED, *kept)
    assert vocabulary.size == len(RESERVED) + len(kept)
    assert vocabulary.counts.tolist() == [0, 0, 0, 0, *(counts[word] for word in kept)]
    assert vocabulary.dropped == sum(n for word, n in counts.items() if word not in kept)
    assert vocabulary.dropped_types == len(counts) - len(kept)


@given(tokens=corpora, other=corpora, few=st.booleans())
def test_ids_of_tokens(tokens, other, few):
    vocabulary = build_vocabulary(tokens)
    limit, module._FEW = module._FEW, 1 << 30 if few else -1
    try:
        ids = vocabulary.ids_of(pl.Series(other, dtype=pl.String))
    finally:
        module._FEW = limit
    known = {token: number for number, token in enumerate(vocabulary.tokens) if number >= 4}
    assert ids.tolist() == [known.get(token, OOV) for token in other]
    assert ids.dtype == np.int32
    assert [vocabulary.id_of(token) for token in other] == ids.tolist()
    assert vocabulary.tokens_of(ids) == [t if t in known else RESERVED[OOV] for t in other]


@given(texts=hostile_texts(), few=st.booleans())
def test_ids_of_segments(texts, few):
    segments = segment(texts, unicode_segmenter(lower=True))
    names = segments.strings(np.arange(len(segments))).to_pylist()
    vocabulary = build_vocabulary(names[::2])
    limit, module._FEW = module._FEW, 1 << 30 if few else -1
    try:
        ids = vocabulary.ids_of(segments)
    finally:
        module._FEW = limit
    assert ids.tolist() == [vocabulary.id_of(name) for name in names]


@given(tokens=corpora, min_frequency=limits, max_size=sizes)
def test_trim_equals_limits_at_build(tokens, min_frequency, max_size):
    whole = build_vocabulary([token for token in tokens if token not in RESERVED])
    assert_same(
        whole.trim(min_frequency=min_frequency, max_size=max_size),
        build_vocabulary(
            [token for token in tokens if token not in RESERVED],
            min_frequency=min_frequency,
            max_size=max_size,
        ),
    )


def assert_same(one, other):
    assert one.to_json() == other.to_json()


@given(tokens=corpora, min_frequency=limits)
def test_json_round_trip(tokens, min_frequency):
    vocabulary = build_vocabulary(tokens, min_frequency=min_frequency)
    assert_same(Vocabulary.from_json(vocabulary.to_json()), vocabulary)


def test_invalid_vocabularies_are_refused():
    with pytest.raises(FolderError, match="vocabulary"):
        Vocabulary.from_json({})
    with pytest.raises(FolderError, match="vocabulary"):
        Vocabulary.from_json({"tokens": None, "counts": []})
    with pytest.raises(ConfigError, match="starts with <pad>"):
        Vocabulary.from_json({"tokens": ["a"], "counts": [1]})
    with pytest.raises(ConfigError, match="5 tokens but 1 counts"):
        Vocabulary(tokens=(*RESERVED, "a"), counts=np.zeros(1, dtype=np.int64))
    with pytest.raises(ConfigError, match="larger than 4"):
        build_vocabulary(["a"], max_size=4)


def reference_coverage(fitted, validation, keeps):
    """Compute coverage of tokens and types, and OOV rate, one token at a time."""
    tokens = [token in keeps for token in fitted]
    types = [token in keeps for token in set(fitted)]
    unknown = [token not in keeps for token in validation]
    return tuple(sum(part) / len(part) if part else 0.0 for part in (tokens, types, unknown))


def to_rates(row):
    return (row.token_coverage, row.type_coverage, row.oov_rate)


@given(tokens=corpora, other=corpora)
def test_coverage_of_full_vocabulary(tokens, other):
    tokens = [token for token in tokens if token not in RESERVED]
    vocabulary = build_vocabulary(tokens)
    ids = [PAD, *(vocabulary.id_of(token) for token in other)]
    column = token_column(ids, [0, len(ids)])
    report = vocabulary_coverage(vocabulary, column)
    assert (report.tokens, report.types) == (len(tokens), len(set(tokens)))
    assert [row.min_frequency for row in report.thresholds] == list(THRESHOLDS)
    for row in (report.now, *report.thresholds):
        keeps = {t for t, count in Counter(tokens).items() if count >= row.min_frequency}
        assert row.vocabulary_size == len(RESERVED) + len(keeps)
        assert to_rates(row) == reference_coverage(tokens, other, keeps)
    assert vocabulary_coverage(vocabulary).now.oov_rate is None


@given(tokens=corpora, min_frequency=limits, max_size=sizes)
def test_coverage_of_trimmed_vocabulary_omits_unknown_thresholds(tokens, min_frequency, max_size):
    tokens = [token for token in tokens if token not in RESERVED]
    vocabulary = build_vocabulary(tokens, min_frequency=min_frequency, max_size=max_size)
    report = vocabulary_coverage(vocabulary)
    keeps = set(vocabulary.tokens)
    assert to_rates(report.now)[:2] == reference_coverage(tokens, [], keeps)[:2]
    for row in report.thresholds:
        keeps = {t for t, count in Counter(tokens).items() if count >= row.min_frequency}
        assert to_rates(row)[:2] == reference_coverage(tokens, [], keeps)[:2]


@given(
    texts=hostile_texts(),
    other=hostile_texts(),
    num_words=st.sampled_from([None, 3, 6]),
    oov_token=st.sampled_from([None, "<oov>"]),
    min_frequency=limits,
    columns=st.booleans(),
    twice=st.booleans(),
)
def test_coverage_of_keras_tokenizer(
    texts, other, num_words, oov_token, min_frequency, columns, twice
):
    tokenizer = Tokenizer(num_words, oov_token=oov_token, min_frequency=min_frequency)
    whole = Tokenizer()
    texts = ["영화", *texts]
    with force_path(columns):
        for _ in range(1 + twice):
            tokenizer.fit_on_texts(texts)
        whole.fit_on_texts([*texts, *other])
        report = tokenizer.coverage(other)
        fitted, validation = (
            [whole.index_word[i] for row in whole.texts_to_sequences(part) for i in row]
            for part in (texts * (1 + twice), other)
        )
    limit = num_words or len(tokenizer.word_index) + 2
    keeps = {w for w, i in tokenizer.word_index.items() if i < limit and w != oov_token}
    assert to_rates(report.now) == reference_coverage(fitted, validation, keeps)
    assert report.now.vocabulary_size == len(keeps) + 1 + (oov_token is not None)
    if min_frequency == 1 and oov_token is None:
        assert report.now.vocabulary_size == tokenizer.vocab_size


def test_coverage_prints_a_table():
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(["하나 둘 하나", "셋 하나"])
    assert str(tokenizer.coverage(["하나 넷"])) == (
        "5 tokens of 3 types\n"
        "  seen       ids   tokens    types      OOV\n"
        "   now         4  100.00%  100.00%   50.00%\n"
        "  >= 1         4  100.00%  100.00%   50.00%\n"
        "  >= 2         2   60.00%   33.33%   50.00%\n"
        "  >= 3         2   60.00%   33.33%   50.00%\n"
        "  >= 5         1    0.00%    0.00%  100.00%"
    )
