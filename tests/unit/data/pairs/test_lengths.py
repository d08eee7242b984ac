"""Pairs too far apart in length to belong together."""

from statistics import median_low

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.data.pairs.lengths import length_ratios
from munjang.data.pairs.read import AlignedFiles, read_pairs
from munjang.errors import ConfigError, DataError

USUAL = [("a sentence of some words", "몇 낱말의 문장")] * 6


def to_lists(pairs):
    return [source for source, _ in pairs], [target for _, target in pairs]


def test_extreme_length_ratio_is_refused_or_skipped():
    data = to_lists([*USUAL, ("Yes.", "네, " * 200), USUAL[0], ("Word " * 90, "말")])
    with pytest.raises(
        DataError, match="row 7: the source has 4 characters and the target 600,"
    ) as caught:
        read_pairs(data)
    message = str(caught.value)
    assert "a target usually has 0.53 times those of its source" in message
    assert "more than max_length_ratio=9" in message
    assert "(1 more such row after it)" in message
    assert "--skip-bad-rows" in message
    table = read_pairs(data, skip_bad_rows=True)
    assert table.rows.tolist() == [1, 2, 3, 4, 5, 6, 8]
    assert table.skipped == {"absurd ratio of lengths": 2}
    assert len(read_pairs(data, max_length_ratio=None)) == 9
    assert len(read_pairs(data, max_length_ratio=1000)) == 9


def test_ratio_is_relative_to_median_of_data():
    # Headlines of long articles: every ratio is far from 1, none from the others.
    data = to_lists([("an article " * 100, "a headline")] * 5)
    assert len(read_pairs(data)) == 5


def test_skips_are_counted_with_other_faults(tmp_path):
    rows = [*USUAL, ("", "없다"), ("Yes.", "네, " * 200)]
    for name, side in zip(("a", "b"), to_lists(rows), strict=True):
        (tmp_path / name).write_text("\n".join(side), encoding="utf-8")
    files = AlignedFiles(tmp_path / "a", tmp_path / "b")
    table = read_pairs(files, skip_bad_rows=True)
    assert table.skipped == {"empty source": 1, "absurd ratio of lengths": 1}
    assert len(table) == 6


def test_short_answers_are_accepted():
    assert len(read_pairs(to_lists([("Is it true that you were there?", "네."), *USUAL]))) == 7


@pytest.mark.parametrize("limit", [1, 0.5, -3, float("nan")])
def test_invalid_limits_are_refused(limit):
    with pytest.raises(ConfigError, match="expected max_length_ratio above 1"):
        read_pairs((["a"], ["b"]), max_length_ratio=limit)


texts = st.integers(1, 400).map(lambda length: "가" * length)


@settings(max_examples=60)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=12), st.floats(1.1, 20))
def test_filter_equals_plain_loop(pairs, limit):
    ratios = [(len(target) + 10) / (len(source) + 10) for source, target in pairs]
    usual = median_low(ratios)
    kept = [i + 1 for i, r in enumerate(ratios) if max(r / usual, usual / r) <= limit]
    assert length_ratios(*map(pl.Series, to_lists(pairs))).tolist() == ratios
    table = read_pairs(to_lists(pairs), max_length_ratio=limit, skip_bad_rows=True)
    assert table.rows.tolist() == kept


def test_skipped_rows_are_named() -> None:
    sources = [f"a source of usual length {n}" for n in range(40)]
    targets = [f"ein Ziel von gewohnter Länge {n}" for n in range(40)]
    for row in (3, 5, 8, 13, 21, 34, 39):
        targets[row - 1] = " "
    targets[9] = "wort " * 400
    table = read_pairs((sources, targets), skip_bad_rows=True)
    assert table.skipped == {"empty target": 7, "absurd ratio of lengths": 1}
    first, second = table.notes[-2:]
    assert first.endswith("rows 3, 5, 8, 13, 21 and 2 more: empty target, left out")
    assert second.endswith("row 10: absurd ratio of lengths, left out")
