import json
import time
from collections import Counter
from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.data.checks import (
    check_data,
    describe_lengths,
    measure_oov_rates,
    measure_padding,
)
from munjang.data.distributions import describe_numbers
from munjang.data.readers import read_table
from munjang.data.readers.targets import clean_label_sets, clean_numbers
from munjang.text.columns import token_column


class CharacterCounter:
    """Tokenizer of single characters, with the methods that the report calls."""

    def encode(self, texts):
        lengths = texts.str.len_chars().to_numpy()
        return token_column(np.zeros(lengths.sum()), np.concatenate([[0], np.cumsum(lengths)]))


def make_table(texts, labels=None):
    return read_table((texts, labels), need_labels=labels is not None)


def test_report_of_small_table():
    table = make_table(["좋다", "좋다 ", "별로", "별로", "그저 그래"], [1, 1, 0, 1, 0])
    report = check_data(table)
    assert report.rows == 5
    assert report.labels == {"1": 3, "0": 2}
    assert report.majority == 0.6
    assert (report.characters.shortest, report.characters.longest) == (2, 5)
    assert (report.tokens.unit, report.tokens.longest) == ("words", 2)
    assert (report.duplicates.texts, report.duplicates.rows) == (2, 2)
    assert (report.conflicts.texts, report.conflicts.rows) == (1, 2)
    conflict = report.conflicts.examples[0]
    assert (conflict.text, conflict.labels) == ("별로", {"0": 1, "1": 1})
    assert [(index.row, index.label) for index in conflict.places] == [(3, "0"), (4, "1")]
    assert report.test is None


def test_examples_include_every_label():
    table = make_table(["굿"] * 30 + ["다른 글"], ["1"] * 29 + ["0", "0"])
    positions = check_data(table).conflicts.examples[0].places
    assert [index.row for index in positions] == [1, 2, 3, 4, 30]


def test_test_report_counts_overlap_and_unknown_labels():
    train = make_table(["가", "나", "나", "다"], ["x", "x", "y", "y"])
    test = make_table(["나", "나 ", "라", "가"], ["x", "w", "w", "x"])
    report = check_data(train, test).test
    assert report.rows == 4
    assert report.labels == {"w": 2, "x": 2}
    assert report.unknown_labels == {"w": 2}
    assert (report.in_train.texts, report.in_train.rows) == (2, 3)
    first = report.in_train.examples[0]
    assert (first.text, first.rows) == ("나", 4)
    assert {index.row for index in first.places} == {1, 2, 3}


def test_tokenizer_sets_lengths_and_padding():
    report = check_data(make_table(["가", "가나다"], ["x", "y"]), tokenizer=CharacterCounter())
    assert (report.tokens.unit, report.tokens.mean) == ("tokens", 2.0)
    assert report.padding.longest == pytest.approx(1 - 4 / 6)


def test_json_is_serializable():
    report = check_data(make_table(["가 나", "다"], ["x", "y"]), make_table(["가 나"], ["x"]))
    state = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert state["labels"] == {"x": 1, "y": 1}
    assert state["test"]["in_train"]["examples"][0]["places"][0]["row"] == 1
    assert state["estimate"] is None


def test_report_without_labels():
    report = check_data(make_table(["가", "나"]))
    assert report.labels is report.majority is None
    assert report.conflicts.texts == 0


def test_report_of_regression_targets():
    values = [1, 2, 2, 10]
    table = read_table((["가", "나", "나", "다"], values), read_labels=clean_numbers)
    report = check_data(table, table)
    assert report.labels is report.majority is report.sets is None
    result = report.numbers
    assert (result.smallest, result.largest, result.mean) == (1, 10, 3.75)
    assert result.deviation == pytest.approx(np.std(values))
    assert result.lows == result.highs == (1, 2, 10)
    assert result.counts == (1, 2, 1)
    assert report.duplicates.examples[0].labels == {"2": 2}
    assert report.conflicts.texts == 0
    assert report.test.labels is None
    assert report.test.unknown_labels == {}
    json.dumps(report.to_json(), allow_nan=False)


@settings(max_examples=100)
@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_histogram_bins_equal_plain_count(values):
    result = describe_numbers(pl.Series(values, dtype=pl.Float64))
    assert sum(result.counts) == len(values)
    assert len(result.counts) <= 12
    assert (result.lows[0], result.highs[-1]) == pytest.approx((min(values), max(values)))
    if len(set(values)) <= 12:
        assert dict(zip(result.lows, result.counts, strict=True)) == Counter(values)


def test_report_of_label_sets():
    pairs = (["가", "나", "나", "다"], [["x", "y"], ["x"], ["y"], []])
    table = read_table(pairs, read_labels=partial(clean_label_sets, separator="|"))
    other = read_table((["라"], [["z", "x"]]), read_labels=partial(clean_label_sets, separator="|"))
    report = check_data(table, other)
    assert report.labels == {"x": 2, "y": 2}
    assert report.majority is report.numbers is None
    assert report.sets == {0: 1, 1: 2, 2: 1}
    assert report.conflicts.examples[0].labels == {"x": 1, "y": 1}
    assert report.test.unknown_labels == {"z": 1}
    json.dumps(report.to_json(), allow_nan=False)


def test_report_of_one_row():
    report = check_data(make_table(["가"], ["x"]))
    assert report.padding.longest == report.padding.random == report.padding.buckets == 0


@settings(max_examples=100)
@given(lengths=st.lists(st.integers(0, 5000), min_size=1, max_size=300))
def test_length_histogram_equals_plain_count(lengths):
    result = describe_lengths(np.array(lengths), "tokens")
    assert sum(result.counts) == len(lengths)
    for i, (edge, count) in enumerate(zip(result.edges, result.counts, strict=True)):
        upper = result.edges[i + 1] if i + 1 < len(result.edges) else np.inf
        assert count == sum(edge <= n < upper for n in lengths)
    assert (result.shortest, result.longest) == (min(lengths), max(lengths))
    assert result.mean == pytest.approx(np.mean(lengths))


@settings(max_examples=100)
@given(lengths=st.lists(st.integers(1, 300), min_size=1, max_size=400), seed=st.integers(0, 99))
def test_padding_equals_plain_count(lengths, seed):
    result = measure_padding(np.array(lengths), seed, batch_size=16)
    order = np.random.default_rng(seed).permutation(len(lengths))
    batches = [[lengths[i] for i in order[at : at + 16]] for at in range(0, len(order), 16)]
    positions = sum(len(batch) * max(batch) for batch in batches)
    assert result.random == pytest.approx(1 - sum(lengths) / positions)
    assert result.longest == pytest.approx(1 - np.mean(lengths) / max(lengths))
    assert 0 <= result.buckets <= 1
    assert result.random <= result.longest + 1e-9


@settings(max_examples=60)
@given(
    texts=st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=6), min_size=1, max_size=40),
    seed=st.integers(0, 99),
)
def test_oov_rates_equal_plain_count(texts, seed):
    drawn = np.random.PCG64(seed).random_raw(len(texts))
    held = set(np.argsort(drawn, kind="stable")[: max(1, len(texts) // 10)].tolist())
    seen = Counter(w for i, words in enumerate(texts) if i not in held for w in words)
    held_words = [w for i in held for w in texts[i]]
    words = pl.Series(texts, dtype=pl.List(pl.String))
    for result in measure_oov_rates(words, np.arange(len(texts)), seed):
        least = result.min_frequency
        assert result.vocabulary_size == 4 + sum(count >= least for count in seen.values())
        out = sum(seen[w] < least for w in held_words)
        assert result.share == pytest.approx(out / len(held_words) if held_words else 0)


def test_duplicate_texts_are_held_out_together():
    words = pl.Series([["같은", "글"]] * 500 + [[f"글{i}"] for i in range(9)])
    texts = np.concatenate([np.zeros(500, dtype=np.int64), np.arange(1, 10)])
    for seed in range(20):
        assert {row.share for row in measure_oov_rates(words, texts, seed)} == {1.0}


def test_report_of_real_reviews(real_data):
    train = read_table(real_data / "nsmc" / "train.tsv")
    test = read_table(real_data / "nsmc" / "test.tsv")
    start = time.process_time()
    report = check_data(train, test)
    assert time.process_time() - start < 15
    assert report.labels == dict(Counter(train.targets.to_list()).most_common())
    assert report.duplicates.rows == len(train) - len({t.strip() for t in train.keys.to_list()})
    train_texts = {t.strip() for t in train.keys.to_list()}
    assert report.test.in_train.rows == sum(t.strip() in train_texts for t in test.keys.to_list())
    shares = [row.share for row in report.unknown]
    assert shares == sorted(shares)
    assert report.padding.buckets < 0.1 < report.padding.random < report.padding.longest
