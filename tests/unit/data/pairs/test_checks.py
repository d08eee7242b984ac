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


def pairs_of(*pairs):
    return read_pairs(tuple(map(list, zip(*pairs, strict=True))), max_length_ratio=None)


def test_report_of_a_few_pairs():
    table = pairs_of(
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
    assert [place.row for place in twice.places] == [1, 2]
    assert (report.several.texts, report.several.rows) == (1, 3)
    assert report.several.examples[0].labels == {"안녕.": 2, "안녕하세요.": 1}
    assert (report.copies.texts, report.copies.rows) == (1, 1)
    assert report.copies.examples[0].places[0].row == 4
    assert report.test is None


def test_extremes_of_the_ratio_say_their_row():
    report = check_pairs(pairs_of(("a" * 10, "b" * 10), ("a" * 30, "b"), ("a", "b" * 300)))
    assert report.ratios.median == 1
    assert (report.ratios.smallest.row, report.ratios.largest.row) == (2, 3)
    assert report.ratios.smallest.ratio == pytest.approx(11 / 40)
    assert report.ratios.largest.ratio == pytest.approx(310 / 11)
    assert report.ratios.largest.target == "b" * 200


def test_pairs_and_sources_of_the_test():
    train = pairs_of(("a", "가"), ("b", "나"), ("c", "다"))
    test = pairs_of(("a", "가"), ("b ", "라"), ("b", "나 "), ("d", "다"))
    report = check_pairs(train, test).test
    assert report.rows == 4
    assert (report.pairs.texts, report.pairs.rows) == (2, 2)
    assert (report.sources.texts, report.sources.rows) == (2, 3)
    assert report.pairs.examples[0].labels == {"가": 2}


def test_nothing_in_common_is_said_as_nothing():
    report = check_pairs(pairs_of(("a", "가")), pairs_of(("b", "나")))
    for found in (report.duplicates, report.several, report.copies):
        assert (found.texts, found.rows, found.examples) == (0, 0, ())
    assert (report.test.pairs.rows, report.test.sources.rows) == (0, 0)


def test_json_is_plain():
    report = check_pairs(pairs_of(("a", "a"), ("a", "x" * 900)), pairs_of(("a", "a")))
    state = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert state["copies"]["rows"] == 1
    assert state["test"]["pairs"]["examples"][0]["places"][0]["row"] == 1
    assert max(map(len, state["several"]["examples"][0]["labels"])) == 200
    assert state["ratios"]["largest"]["row"] == 2


def test_sources_alone_are_refused():
    table = read_pairs((["a"], None), need_targets=False)
    with pytest.raises(DataError, match="expected pairs, got sources without targets"):
        check_pairs(table)
    with pytest.raises(DataError, match="expected pairs, got sources without targets"):
        check_pairs(pairs_of(("a", "b")), table)


def plain(text):
    return unicodedata.normalize("NFC", text).strip()


few = st.sampled_from(
    ["가", " 가", unicodedata.normalize("NFD", "가"), "나", "a", "a\t가", "가\ta"]
)
several_pairs = st.lists(st.tuples(few, few), min_size=1, max_size=25)


@settings(max_examples=80)
@given(several_pairs, several_pairs)
def test_counts_equal_those_of_a_counter(train, test):
    report = check_pairs(pairs_of(*train), pairs_of(*test))
    first = [(plain(source), plain(target)) for source, target in train]
    second = [(plain(source), plain(target)) for source, target in test]
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
def test_numbers_of_pairs_are_dense_and_in_order(pairs):
    table = pairs_of(*pairs)
    numbers = number_distinct_pairs(table.keys, table.targets).tolist()
    keys = [(plain(source), plain(target)) for source, target in pairs]
    order = list(dict.fromkeys(keys))
    assert numbers == [order.index(key) for key in keys]
