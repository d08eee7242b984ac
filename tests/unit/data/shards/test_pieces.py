"""Rows made of lines, against plain lists."""

from itertools import groupby, pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from munjang.data.shards.pieces import (
    Joiner,
    Pieces,
    empty_pieces,
    joined_rows,
    single_rows,
    split_lines,
)
from munjang.text.vocabulary import EOS, GO

MARKER = 4
# lines, each with the step to its document and to its own number
LINES = st.lists(
    st.tuples(st.lists(st.integers(MARKER, 9), max_size=12), st.booleans(), st.booleans()),
    max_size=12,
)
Row = list[int]


def to_arrays(lines: list[tuple[Row, bool, bool]]) -> tuple[list[Row], list[int], list[int]]:
    """Tokens, numbers of lines and numbers of documents."""
    number, document = 0, 0
    tokens, numbers, documents = [], [], []
    for ids, is_new, has_gap in lines:
        number += 1 + has_gap
        document += is_new
        tokens.append(ids)
        numbers.append(number)
        documents.append(document)
    return tokens, numbers, documents


def split_tokens(tokens: list[Row], numbers: list[int], documents: list[int], most: int) -> Pieces:
    values = np.array([i for ids in tokens for i in ids], dtype=np.int32)
    offsets = np.cumsum([0, *map(len, tokens)])
    origins = np.array(numbers, dtype=np.int64), np.array(documents, dtype=np.int64)
    return split_lines(values, offsets, *origins, most_tokens=most)


def to_rows(values: np.ndarray, offsets: np.ndarray) -> list[Row]:
    return [values[a:b].tolist() for a, b in pairwise(offsets.tolist())]


def reference_split(
    tokens: list[Row], numbers: list[int], documents: list[int], most: int
) -> list[tuple[Row, int, int]]:
    return [
        (ids[start : start + most], number, document)
        for ids, number, document in zip(tokens, numbers, documents, strict=True)
        for start in range(0, len(ids), most)
    ]


@given(LINES, st.integers(1, 5))
def test_long_lines_are_split_losslessly(lines: list[tuple[Row, bool, bool]], most: int) -> None:
    tokens, numbers, documents = to_arrays(lines)
    pieces = split_tokens(tokens, numbers, documents, most)
    expected = reference_split(tokens, numbers, documents, most)
    actual = zip(
        to_rows(pieces.values, pieces.offsets), pieces.lines, pieces.documents, strict=True
    )
    assert [(ids, int(a), int(b)) for ids, a, b in actual] == expected
    ends = to_rows(*single_rows(pieces, add_go_eos=True))
    assert ends == [[GO, *ids, EOS] for ids, _, _ in expected]
    assert to_rows(*single_rows(pieces, add_go_eos=False)) == [ids for ids, _, _ in expected]


@given(st.lists(st.integers(MARKER, 6), max_size=40), st.integers(1, 5))
def test_pieces_do_not_end_with_a_marker(line: Row, most: int) -> None:
    values = np.array(line, dtype=np.int32)
    one = np.array([0])
    pieces = split_lines(
        values, np.array([0, len(line)]), one, one, most_tokens=most, signs=(MARKER,)
    )
    rows = to_rows(pieces.values, pieces.offsets)
    assert [i for row in rows for i in row] == line
    assert all(1 <= len(row) <= most for row in rows)
    for row in rows[:-1]:
        assert row[-1] != MARKER or set(row) == {MARKER}


@given(LINES, st.integers(1, 4), st.integers(1, 5))
def test_neighboring_pieces_are_joined_once(
    lines: list[tuple[Row, bool, bool]], most: int, block: int
) -> None:
    tokens, numbers, documents = to_arrays(lines)
    pieces = reference_split(tokens, numbers, documents, most)
    runs: list[list[Row]] = []
    last: tuple[int, int] | None = None
    for ids, number, document in pieces:
        if last is None or document != last[1] or number > last[0] + 1:
            runs.append([])
        runs[-1].append(ids)
        last = number, document
    expected = [
        [GO, *run[k], EOS, *([*run[k + 1], EOS] if k + 1 < len(run) else [])]
        for run in runs
        for k in range(0, len(run), 2)
    ]
    joiner, actual = Joiner(), []
    for start in range(0, len(tokens), block):
        part = slice(start, start + block)
        some = split_tokens(tokens[part], numbers[part], documents[part], most)
        actual += to_rows(*joined_rows(*joiner.join(some)))
    actual += to_rows(*joined_rows(*joiner.join(empty_pieces(), is_last=True)))
    assert actual == expected


def test_document_of_three_lines_gives_one_pair_and_one_single() -> None:
    pieces = split_tokens([[5], [6], [7], [8]], [0, 1, 2, 3], [0, 0, 0, 1], 9)
    joined, partners = Joiner().join(pieces, is_last=True)
    assert to_rows(*joined_rows(joined, partners)) == [
        [GO, 5, EOS, 6, EOS],
        [GO, 7, EOS],
        [GO, 8, EOS],
    ]
    assert [len(list(run)) for _, run in groupby(pieces.documents)] == [3, 1]
