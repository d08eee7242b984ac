"""Exact search: the same hits as of a sort of all cosines, however the rows are cut into blocks."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.data import nearest
from munjang.data.nearest import NearestRows, normalize_rows
from munjang.errors import ConfigError


def reference_hits(queries: np.ndarray, rows: np.ndarray, k: int) -> list[list[tuple[float, int]]]:
    """All cosines by plain loops, rounded; the largest first, and equal ones by row."""
    result = []
    queries, rows = queries.astype(float), rows.astype(float)
    for query in queries:
        scores = []
        for number, row in enumerate(rows):
            lengths = float(np.linalg.norm(query) * np.linalg.norm(row))
            cosine = 0.0 if lengths == 0 else float(query @ row) / lengths
            scores.append((cosine, number))
        result.append(sorted(scores, key=lambda pair: (-round(pair[0], 9), pair[1]))[:k])
    return result


@given(
    seed=st.integers(0, 99),
    count=st.integers(0, 60),
    k=st.integers(1, 12),
    cuts=st.lists(st.integers(0, 60), max_size=4),
    repeats=st.booleans(),
)
def test_hits_equal_sort_of_all_cosines(seed, count, k, cuts, repeats):
    random = np.random.default_rng(seed)
    # whole numbers, so that equal cosines are common
    rows = random.integers(-2, 3, (count, 3)).astype(np.float32)
    if repeats and count:
        rows = rows[random.integers(0, max(1, count // 4), count)]
    queries = random.integers(-2, 3, (3, 3)).astype(np.float32)
    search = NearestRows(queries, k)
    bounds = [0, *sorted(min(cut, count) for cut in cuts), count]
    for start, end in pairwise(bounds):
        texts = [str(row) for row in range(start, end)]
        search.add(rows[start:end], np.arange(start, end), texts)
    for hits, expected in zip(search.hits(), reference_hits(queries, rows, k), strict=True):
        assert [hit.row for hit in hits] == [row for _, row in expected]
        assert [hit.score for hit in hits] == pytest.approx([c for c, _ in expected], abs=2e-6)
        assert [hit.text for hit in hits] == [str(hit.row) for hit in hits]


def test_products_are_computed_in_blocks(monkeypatch):
    random = np.random.default_rng(0)
    rows = random.normal(size=(500, 8)).astype(np.float32)
    queries = random.normal(size=(7, 8)).astype(np.float32)

    def rows_of(search: NearestRows) -> list[list[int]]:
        search.add(rows, np.arange(500))
        return [[hit.row for hit in hits] for hits in search.hits()]

    whole = rows_of(NearestRows(queries, 9))
    monkeypatch.setattr(nearest, "_MOST_COSINES", 7 * 13)
    assert rows_of(NearestRows(queries, 9)) == whole


def test_ties_are_ordered_by_row():
    search = NearestRows(np.ones((1, 5), np.float32), 3)
    row = np.random.default_rng(0).normal(size=5).astype(np.float32)
    search.add(np.tile(row, (50, 1)), np.arange(50))
    search.add(np.tile(row, (1, 1)), np.arange(50, 51))
    assert [hit.row for hit in search.hits()[0]] == [0, 1, 2]


def test_zero_vector_has_cosine_zero():
    assert not normalize_rows(np.zeros((2, 3), np.float32)).any()
    search = NearestRows(np.zeros((1, 3), np.float32), 2)
    search.add(np.eye(3, dtype=np.float32), np.arange(3))
    assert [hit.score for hit in search.hits()[0]] == [0.0, 0.0]


@pytest.mark.parametrize("k", [0, -1, nearest.MOST_HITS + 1])
def test_k_out_of_range_is_refused(k):
    with pytest.raises(ConfigError, match="k: expected a number of texts from 1 to 10,000"):
        NearestRows(np.ones((1, 2), np.float32), k)
