"""Rows by the length of their source: every row in one group, equal lengths together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.comparison.lengths import group_by_length
from munjang.comparison.pair_judge import PairDetails


@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=60),
    most=st.integers(1, 8),
)
def test_groups_partition_rows_by_length(counts: list[int], most: int) -> None:
    result = group_by_length([" ".join("a" * count) for count in counts], most)
    assert result.unit == ("words" if np.median(counts) >= 4 else "characters")
    lengths = np.array(counts if result.unit == "words" else [2 * n - 1 for n in counts])
    assert 1 <= len(result.groups) <= most
    rows = np.concatenate([group.rows for group in result.groups])
    assert sorted(rows.tolist()) == list(range(len(counts)))
    before = 0
    for group in result.groups:
        own = lengths[group.rows]
        assert (group.shortest, group.longest) == (own.min(), own.max())
        assert group.mean == pytest.approx(own.mean())
        assert before < group.shortest, "equal lengths are together"
        before = group.longest


def test_groups_have_similar_sizes() -> None:
    result = group_by_length([" ".join("a" * n) for n in range(4, 64)], 6)
    assert [len(group.rows) for group in result.groups] == [10] * 6
    assert [group.name for group in result.groups][:2] == ["4-13", "14-23"]


def test_single_word_sources_are_grouped_by_characters() -> None:
    result = group_by_length(["서울", "부산", "상트페테르부르크", "New York"])
    assert result.unit == "characters"
    assert [group.name for group in result.groups] == ["2", "8"]


def test_json_names_shortest_and_longest_of_group() -> None:
    details = PairDetails((), group_by_length(["서울", "부산", "상트페테르부르크"]))
    assert details.to_json()["lengths"] == {
        "unit": "characters",
        "groups": [
            {"name": "2", "shortest": 2, "longest": 2, "mean": 2.0, "rows": 2},
            {"name": "8", "shortest": 8, "longest": 8, "mean": 8.0, "rows": 1},
        ],
    }
