"""Hashed n-grams: how many there are, and how many rows they get."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.layers import hashing
from munjang.layers.hashing import choose_buckets, count_distinct_ngrams

TEXTS = {
    "Hangul": "영희는 밥을 먹는다. 철수는 책을 읽는다.\n" * 20,
    "emoji": "👩‍👩‍👧 👍🏽 ok\n" * 20,
    "one letter": "a" * 100,
    "shorter than an n-gram": "a",
    "empty": "",
}


@given(ngrams=st.integers(0, 2**26), rows=st.sampled_from([2, 4]))
def test_tables_of_ngrams_are_bounded_powers_of_two(ngrams: int, rows: int) -> None:
    buckets = choose_buckets(ngrams, rows=rows, fewest=2**10, most=2**21)
    assert buckets.bit_count() == 1
    assert 2**10 <= buckets <= 2**21
    assert buckets >= min(rows * ngrams, 2**21)
    assert buckets < 2 * max(rows * ngrams, 2**10)


@pytest.mark.parametrize("longest", [2, 3])
@pytest.mark.parametrize("name", TEXTS)
def test_distinct_ngrams_are_counted(
    name: str, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = TEXTS[name]
    ids = np.array([ord(letter) for letter in text], dtype=np.int32)
    expected = {text[i : i + n] for n in range(2, longest + 1) for i in range(len(text) - n + 1)}
    for chunk in (7, 2**18):  # n-grams across the border of two chunks count, too
        monkeypatch.setattr(hashing, "_CHUNK", chunk)
        assert count_distinct_ngrams(ids, longest, enough=2**16) == len(expected)


def test_counting_ends_when_there_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "_CHUNK", 50)
    ids = np.arange(1000, dtype=np.int32)
    assert count_distinct_ngrams(ids, 2, enough=60) == 100
    assert count_distinct_ngrams(ids, 2, enough=2000) == 999
