"""Token columns, and the steps below the word tokenizers: segmentation, keys, counting, search."""

import sys
from collections import Counter
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.text.columns import (
    arrow_array,
    flat_ranges,
    row_lengths,
    to_lists,
    token_column,
    type_ids,
    values_and_offsets,
)
from munjang.text.segmentation import keys, keytable, segment
from munjang.text.segmentation.codepoints import (
    CODE_POINTS,
    bounds_of,
    is_irregular,
    lower_table,
)
from munjang.text.segmentation.counting import count_types, merge_counts, rank_by_count
from munjang.text.segmentation.keytable import KeyTable, unique_keys
from munjang.text.segmentation.ragged import Ragged, concatenate
from munjang.text.segmentation.segmenters import (
    character_segmenter,
    keras_segmenter,
    unicode_segmenter,
)
from munjang.text.segmentation.typetable import TypeTable
from munjang.text.segmentation.units import Alphabet, read_line, unit_codes
from tests.unit.text.strategies import hostile_text, hostile_texts

rows_of_ids = st.lists(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=5), max_size=8)
SEGMENTERS = st.sampled_from(
    [
        keras_segmenter(" .!", lower=True, split=" "),
        keras_segmenter("\0😀𐐀𐐨Σ", lower=True, split="a"),
        keras_segmenter("", lower=False, split="\u3000"),
        unicode_segmenter(lower=True),
        character_segmenter(lower=False),
    ]
)


def make_column(rows):
    flat = [number for row in rows for number in row]
    return token_column(flat, np.cumsum([0, *map(len, rows)]))


@pytest.mark.parametrize("kind", ["int32", "int64", "uint64", "float32"])
def test_arrow_array_equals_that_of_pyarrow(kind):
    numbers = np.arange(12).astype(kind)
    numbers.flags.writeable = False
    for part in (numbers, numbers[3:], numbers[::3], numbers[:0]):
        found = arrow_array(part)
        found.validate(full=True)
        assert found.equals(pa.array(part))
        assert found.type == pa.array(part).type


@given(rows=rows_of_ids)
def test_token_column_holds_rows(rows):
    column = make_column(rows)
    assert column.type == type_ids
    assert column.to_pylist() == rows
    assert to_lists(column) == rows
    assert row_lengths(column).tolist() == [len(row) for row in rows]


@given(rows=rows_of_ids, start=st.integers(0, 8), end=st.integers(0, 8))
def test_slices_and_chunks(rows, start, end):
    part = make_column(rows)[start : max(start, end)]
    values, offsets = values_and_offsets(part)
    assert offsets[0] == 0
    assert [values[a:b].tolist() for a, b in pairwise(offsets)] == rows[start : max(start, end)]
    chunked = pa.chunked_array([make_column(rows), part], type_ids)
    assert to_lists(chunked) == [*rows, *rows[start : max(start, end)]]


def test_token_column_shares_memory():
    values = np.arange(6, dtype=np.int32)
    repeated, _ = values_and_offsets(token_column(values, [0, 2, 6]))
    assert np.shares_memory(values, repeated)


@given(ranges=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=8))
def test_flat_ranges(ranges):
    expected = [index for start, length in ranges for index in range(start, start + length)]
    starts, lengths = [a for a, _ in ranges], [b for _, b in ranges]
    assert flat_ranges(starts, lengths).tolist() == expected


def test_lower_table_equals_python():
    table = lower_table()
    for point in range(CODE_POINTS):
        character = chr(point)
        if not is_irregular(character):
            assert chr(table[point]) == character.lower()
            assert table[table[point]] == table[point]
    assert is_irregular("İ")
    assert is_irregular("Σ")


def test_lowercase_of_sigma_depends_on_its_neighbors():
    # Beside a cased letter and a full stop, where Python decides between the two small sigmas.
    for point in range(CODE_POINTS):
        character = chr(point)
        if not is_irregular(character):
            assert len(f"a{character}.".lower()) == 3
            assert f"a{character}.".lower()[1] == character.lower()


@contextmanager
def patched(module, **values):
    before = {name: getattr(module, name) for name in values}
    for name, value in values.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


def colliding_hash(last, middle):
    """Return equal hashes for all tokens that begin with the same lane."""
    return np.zeros(len(last), dtype=np.uint64)


def reference_counts(rows):
    tokens = [token for row in rows for token in row]
    documents = Counter(token for row in rows for token in set(row))
    counts = Counter(tokens)
    return [(token, count, documents[token]) for token, count in counts.items()]


def to_rows(segments):
    tokens = segments.strings(np.arange(len(segments))).to_pylist()
    cuts = segments.offsets.tolist()
    return [tokens[a:b] for a, b in pairwise(cuts)]


def to_tuples(counted):
    return list(
        zip(
            counted.types.to_list(),
            counted.counts.tolist(),
            counted.documents.tolist(),
            strict=True,
        )
    )


@given(
    texts=hostile_texts(),
    other=hostile_texts(),
    segmenter=SEGMENTERS,
    collide=st.booleans(),
    part=st.sampled_from([1, 7, 1 << 17]),
    rows=st.sampled_from([1, 3, 1 << 10]),
)
def test_counting_and_lookup_do_not_depend_on_parts(texts, other, segmenter, collide, part, rows):
    """Also when hashes collide, and when the texts are worked on in the smallest parts."""
    whole = to_rows(segment.segment(texts, segmenter))
    hashes = {"_fold": colliding_hash} if collide else {}
    sizes = {
        "_PART_CHARACTERS": part,
        "_BATCH_CHARACTERS": part,
        "_PART_ROWS": range(rows, 1 << 13),
    }
    with patched(keys, **hashes), patched(segment, **sizes):
        segments = segment.segment(texts, segmenter)
        assert to_rows(segments) == whole
        counted = count_types(segments)
        assert to_tuples(counted) == reference_counts(whole)
        batches = [count_types(batch) for batch in segment.segment_batches(texts, segmenter)]
        assert to_tuples(merge_counts(batches)) == reference_counts(whole)
        unknown = segment.segment(other, segmenter)
        positions = {token: index for index, token in enumerate(counted.types)}
        expected = [positions.get(token, -1) for row in to_rows(unknown) for token in row]
        merged = merge_counts(batches)
        for table in (TypeTable.of_types(counted.types), counted.table, merged.table):
            assert table.find(unknown).tolist() == expected
            pieces = segment.map_segments(other, segmenter, table.find)
            assert [index for piece in pieces for index in piece] == expected
            numbers = np.arange(len(positions), dtype=np.int32) + 10
            renumbered = table.renumber(numbers, unknown=7).find(unknown)
            assert renumbered.tolist() == [index + 10 if index >= 0 else 7 for index in expected]


@given(texts=hostile_texts(), segmenter=SEGMENTERS, part=st.sampled_from([1, 7, 1 << 17]))
def test_ranges_of_tokens(texts, segmenter, part):
    with patched(segment, _PART_CHARACTERS=part):
        segments = segment.segment(texts, segmenter)
    starts, ends = segments.ranges()
    cuts = segments.offsets.tolist()
    for row, text in enumerate(texts):
        lowered = text.lower() if segmenter.alphabet.lower else text
        pieces = [lowered[starts[i] : ends[i]] for i in range(cuts[row], cuts[row + 1])]
        assert pieces == to_rows(segments)[row]


@given(
    rows=st.lists(st.lists(hostile_text(2), max_size=5), max_size=5),
    lower=st.booleans(),
    collide=st.booleans(),
)
def test_segment_tokens(rows, lower, collide):
    hashes = {"_fold": colliding_hash} if collide else {}
    with patched(keys, **hashes):
        segments = segment.segment_tokens(rows, lower=lower)
        expected = [[token.lower() if lower else token for token in row] for row in rows]
        assert to_rows(segments) == expected
        assert to_tuples(count_types(segments)) == reference_counts(expected)


@given(strings=st.lists(hostile_text(3), max_size=8), start=st.integers(0, 8))
def test_segment_strings(strings, start):
    part = segment.as_strings(pl.Series(strings, dtype=pl.String))[start:]
    assert to_rows(segment.segment_strings(part)) == [strings[start:]]


@given(
    known=st.lists(st.one_of(st.integers(0, 40), st.integers(0, 2**64 - 1)), max_size=60),
    others=st.lists(st.integers(0, 60), max_size=20),
    crowded=st.booleans(),
)
def test_key_table(known, others, crowded):
    """Also when all homes are the same, or few, so that most keys find theirs taken."""
    with patched(keytable, **({"_GOLDEN": 1} if crowded else {})):
        every = unique_keys(np.array(known, dtype=np.uint64))
        assert every.tolist() == list(dict.fromkeys(known))
        result = KeyTable(every).find(np.array([*known, *others], dtype=np.uint64)).tolist()
        repeats = keytable.find_repeats(np.array(known, dtype=np.uint64)).tolist()
    positions = {key: index for index, key in enumerate(every.tolist())}
    assert result == [positions.get(key, -1) for key in (*known, *others)]
    left = [key for index, key in enumerate(known) if index not in repeats]
    assert sorted(left) == sorted(positions)
    assert len(repeats) == len(known) - len(left)


pieces = st.lists(st.lists(st.integers(0, 2), max_size=3), max_size=6)


def make_ragged(rows):
    return Ragged(
        np.array([n for row in rows for n in row], dtype=int), bounds_of([*map(len, rows)])
    )


def ragged_to_lists(ragged):
    return [ragged.values[a:b].tolist() for a, b in pairwise(ragged.bounds)]


@given(rows=pieces, others=pieces, data=st.data())
def test_ragged_pieces(rows, others, data):
    drawn = data.draw(st.lists(st.integers(0, 5), max_size=6))
    positions = np.array([index for index in drawn if index < len(rows)], dtype=np.int64)
    assert ragged_to_lists(make_ragged(rows)) == rows
    assert ragged_to_lists(make_ragged(rows).take(positions)) == [
        rows[index] for index in positions
    ]
    assert ragged_to_lists(concatenate([make_ragged(rows), make_ragged(others)])) == [
        *rows,
        *others,
    ]
    where = st.integers(-1, len(others) - 1)
    compared = data.draw(st.lists(where, min_size=len(rows), max_size=len(rows)))
    same = make_ragged(rows).same(make_ragged(others), np.array(compared, dtype=np.int32))
    expected = [i >= 0 and others[i] == row for i, row in zip(compared, rows, strict=True)]
    assert same.tolist() == expected


@given(text=hostile_text())
def test_code_point_and_utf16_positions(text):
    line = read_line(text, np.array([len(text)]), Alphabet(unit_codes(False), lower=False))
    assert line.points().tolist() == [ord(character) for character in text]
    positions = np.arange(len(text) + 1)
    units = line.to_units(positions)
    assert units.tolist() == [len(text[:i].encode("utf-16-le")) // 2 for i in positions]
    assert line.to_characters(units).tolist() == positions.tolist()


@given(counts=st.lists(st.integers(0, 2**40), max_size=20), limit=st.integers(0, 5))
def test_rank_by_count(counts, limit):
    for some in (counts, [count % 7 for count in counts], [65533 + count % 5 for count in counts]):
        kept = [index for index, count in enumerate(some) if count >= limit]
        expected = sorted(kept, key=lambda index: -some[index])
        assert rank_by_count(np.array(some, dtype=np.int64), limit).tolist() == expected


def test_single_very_long_token():
    token = "가" * 300_000
    segments = segment.segment([f"a {token} a", token[1:]], unicode_segmenter(lower=True))
    assert to_tuples(count_types(segments)) == [("a", 2, 1), (token, 1, 1), (token[1:], 1, 1)]


def test_lone_surrogates_are_refused():
    with pytest.raises(UnicodeEncodeError):
        segment.segment(["a \ud800"], unicode_segmenter(lower=True))


@pytest.mark.skipif(sys.byteorder != "little", reason="states the layout of a little machine")
def test_key_of_up_to_four_characters_is_the_text():
    segments = segment.segment(["abcd abc"], keras_segmenter("", lower=True, split=" "))
    expected = [sum(ord(c) << 16 * i for i, c in enumerate(word)) for word in ("abcd", "abc")]
    assert segments.keys.keys.tolist() == expected
