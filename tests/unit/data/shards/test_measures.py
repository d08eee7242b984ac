"""Lengths, copies and overlaps of lines, against slow references."""

from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.data.checks import QUANTILES, describe_histogram, describe_lengths
from munjang.data.shards.hashing import hash_texts
from munjang.data.shards.measures import CopyCounter, LengthCounts, Overlap

texts_of_few_words = st.lists(
    st.integers(0, 30).map(lambda number: f"text {number}"), min_size=1, max_size=120
)


def counted(texts: list[str], piece: int, most: int) -> CopyCounter:
    counter = CopyCounter(most)
    for start in range(0, len(texts), piece):
        some = pl.Series("text", texts[start : start + piece])
        lines = np.arange(start, start + len(some), dtype=np.int64)
        counter.add(hash_texts(some, 0), some, lines)
    return counter


@given(texts_of_few_words, st.integers(1, 20))
def test_copies_are_those_of_a_plain_count(texts: list[str], piece: int) -> None:
    copies = counted(texts, piece, most=100).finish()
    repeats, wanted = copies.repeats(), Counter(texts)
    several = {text: count for text, count in wanted.items() if count > 1}
    assert copies.is_whole
    assert (copies.rows, repeats.texts) == (len(texts), len(several))
    assert repeats.rows == sum(several.values()) - len(several)
    best = sorted(several, key=lambda text: (-several[text], texts.index(text)))[:5]
    assert [example.text for example in repeats.examples] == best
    assert [example.rows for example in repeats.examples] == [several[text] for text in best]


@given(texts_of_few_words, st.integers(1, 20), st.integers(1, 9))
def test_of_many_lines_those_with_the_smallest_hashes_are_counted_whole(
    texts: list[str], piece: int, most: int
) -> None:
    copies = counted(texts, piece, most).finish()
    hashes = dict(zip(texts, hash_texts(pl.Series("text", texts), 0).tolist(), strict=True))
    kept = sorted(hashes, key=hashes.__getitem__)[:most]
    assert copies.is_whole == (len(hashes) <= most)
    found = dict(copies.frame.select("text", "rows").rows())
    assert found == {text: texts.count(text) for text in kept}


@given(texts_of_few_words, texts_of_few_words, st.integers(1, 20))
def test_an_overlap_is_that_of_sets(texts: list[str], test: list[str], piece: int) -> None:
    overlap = Overlap(counted(test, piece, most=100).finish())
    for start in range(0, len(texts), piece):
        overlap.add(hash_texts(pl.Series("text", texts[start : start + piece]), 0))
    repeats = overlap.repeats()
    assert repeats.texts == len(set(texts) & set(test))
    assert repeats.rows == sum(text in set(texts) for text in test)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=200), st.integers(1, 50))
def test_lengths_are_described_from_their_counts(lengths: list[int], piece: int) -> None:
    counts, column = LengthCounts(), np.array(lengths, dtype=np.int64)
    for start in range(0, len(lengths), piece):
        counts.add(column[start : start + piece])
    found = describe_histogram(*counts.histogram, "tokens")
    assert found == describe_lengths(column, "tokens")
    assert (found.shortest, found.longest) == (min(lengths), max(lengths))
    assert found.mean == pytest.approx(np.mean(column))
    wanted = np.quantile(column, QUANTILES)
    assert list(found.quantiles.values()) == pytest.approx(wanted.tolist())
    assert sum(found.counts) == len(lengths)
    doubled = LengthCounts()
    doubled.add(*counts.histogram)
    doubled.add(column)
    assert doubled.histogram[1].tolist() == (2 * counts.histogram[1]).tolist()
