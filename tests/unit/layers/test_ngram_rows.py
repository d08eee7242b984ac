"""Rows of the n-grams of one token."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from munjang.layers.ngram_rows import NgramRows


@given(
    ids=st.lists(st.integers(0, 10**6), min_size=1, max_size=8),
    buckets=st.integers(1, 2**24),
)
def test_rows_of_one_are_those_of_many(ids: list[int], buckets: int) -> None:
    rows = NgramRows(10**6, len(ids), buckets, min_frequency=1)
    assert rows.of_first_one(ids) == rows.of_first(np.array([ids, ids]))[0].tolist()
