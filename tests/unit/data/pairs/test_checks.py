"""The look at pairs before training, against plain Python."""

import json
import unicodedata
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.data.pairs.checks import check_pairs, number_distinct_pairs
from munjang.data.pairs.read import read_pairs
from munjang.errors import DataError


def make_table(*pairs):
    return read_pairs(tuple(map(list, zip(*pairs, strict=True))), max_length_ratio=None)


def test_report_of_small_table():
    table = make_table(
        ("Hello.", "안녕."),
        ("Hello. ", unicodedata.normalize("NFD", "안녕.")),
        ("Hello.", "안녕하세요."),
        ("OK", "OK"),
        ("Good night to you", "잘 자"),
    )
    report = check_pairs(table)
    assert (report.rows, report.source_column, report.target_column) == (5, "source", "target")
    assert (report.source.words.longest, report.source.words.quantiles["0.5"]) == (4, 1)
    assert (report.source.characters.shortest, report.source.characters.longest) == (2, 17)
    assert (report.target.words.longest, report.target.characters.longest) == (2, 7)
    assert (report.duplicates.texts, report.duplicates.rows) == (1, 1)
    twice = report.duplicates.examples[0]
    assert (twice.text, twice.rows, twice.labels) == ("Hello.", 2, {"안녕.": 2})
    assert [index.row for index in twice.places] == [1, 2]
    assert (report.several.texts, report.several.rows) == (1, 3)
    assert report.several.examples[0].labels == {"안녕.": 2, "안녕하세요.": 1}
    assert (report.copies.texts, report.copies.rows) == (1, 1)
    assert report.copies.examples[0].places[0].row == 4
    assert report.test is None


def test_ratio_extremes_name_their_rows():
    report = check_pairs(make_table(("a" * 10, "b" * 10), ("a" * 30, "b"), ("a", "b" * 300)))
    assert report.ratios.median == 1
    assert (report.ratios.smallest.row, report.ratios.largest.row) == (2, 3)
    assert report.ratios.smallest.ratio == pytest.approx(11 / 40)
    assert report.ratios.largest.ratio == pytest.approx(310 / 11)
    assert report.ratios.largest.target == "b" * 200


def test_test_report_counts_shared_pairs_and_sources():
    train = make_table(("a", "가"), ("b", "나"), ("c", "다"))
    test = make_table(("a", "가"), ("b ", "라"), ("b", "나 "), ("d", "다"))
    report = check_pairs(train, test).test
    assert report.rows == 4
    assert (report.pairs.texts, report.pairs.rows) == (2, 2)
    assert (report.sources.texts, report.sources.rows) == (2, 3)
    assert report.pairs.examples[0].labels == {"가": 2}


def test_report_without_overlap_is_empty():
    report = check_pairs(make_table(("a", "가")), make_table(("b", "나")))
    for result in (report.duplicates, report.several, report.copies):
        assert (result.texts, result.rows, result.examples) == (0, 0, ())
    assert (report.test.pairs.rows, report.test.sources.rows) == (0, 0)


def test_json_is_serializable():
    report = check_pairs(make_table(("a", "a"), ("a", "x" * 900)), make_table(("a", "a")))
    state = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert state["copies"]["rows"] == 1
    assert state["test"]["pairs"]["examples"][0]["places"][0]["row"] == 1
    assert max(map(len, state["several"]["examples"][0]["labels"])) == 200
    assert state["ratios"]["largest"]["row"] == 2


def test_sources_without_targets_are_refused():
    table = read_pairs((["a"], None), need_targets=False)
    with pytest.raises(DataError, match="expected pairs, got sources without targets"):
        check_pairs(table)
    with pytest.raises(DataError, match="expected pairs, got sources without targets"):
        check_pairs(make_table(("a", "b")), table)


def normalize_text(text):
    return unicodedata.normalize("NFC", text).strip()


few = st.sampled_from(
    ["가", " 가", unicodedata.normalize("NFD", "가"), "나", "a", "a\t가", "가\ta"]
)
several_pairs = st.lists(st.tuples(few, few), min_size=1, max_size=25)


@settings(max_examples=80)
@given(several_pairs, several_pairs)
def test_counts_equal_those_of_counter(train, test):
    report = check_pairs(make_table(*train), make_table(*test))
    first = [(normalize_text(source), normalize_text(target)) for source, target in train]
    second = [(normalize_text(source), normalize_text(target)) for source, target in test]
    twice = [count for count in Counter(first).values() if count > 1]
    assert (report.duplicates.texts, report.duplicates.rows) == (
        len(twice),
        sum(twice) - len(twice),
    )
    kinds = Counter(source for source, _ in set(first))
    several = [source for source, count in kinds.items() if count > 1]
    rows = sum(source in several for source, _ in first)
    assert (report.several.texts, report.several.rows) == (len(several), rows)
    assert report.copies.rows == sum(source == target for source, target in first)
    assert report.test.pairs.rows == sum(pair in first for pair in second)
    sources = {source for source, _ in first}
    assert report.test.sources.rows == sum(source in sources for source, _ in second)


@settings(max_examples=80)
@given(several_pairs)
def test_distinct_pair_numbers_are_dense_and_ordered(pairs):
    table = make_table(*pairs)
    numbers = number_distinct_pairs(table.keys, table.targets).tolist()
    keys = [(normalize_text(source), normalize_text(target)) for source, target in pairs]
    order = list(dict.fromkeys(keys))
    assert numbers == [order.index(key) for key in keys]
