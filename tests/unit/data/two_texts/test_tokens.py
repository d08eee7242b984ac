"""Two token rows per pair, against loops that drop one token at a time."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from munjang.data.buckets import Bucketing
from munjang.data.two_texts.tokens import Side, join_sides, split_limit, truncate_pairs
from munjang.data.two_texts.towers import TowersDataset
from munjang.text.segmentation.codepoints import bounds_of
from munjang.text.vocabulary import EOS, GO, PAD

MARKER = 4
rows_of_ids = st.lists(
    st.tuples(st.lists(st.integers(4, 9), max_size=8), st.lists(st.integers(4, 9), max_size=8)),
    max_size=5,
)


def make_side(rows: list[list[int]]) -> Side:
    values = np.array([i for row in rows for i in row], dtype=np.int32)
    return Side(values, bounds_of(np.array([len(row) for row in rows], dtype=np.int64)))


def to_lists(tokens: Side) -> list[list[int]]:
    pieces = zip(tokens.offsets[:-1].tolist(), tokens.offsets[1:].tolist(), strict=True)
    return [tokens.values[a:b].tolist() for a, b in pieces]


def reference_truncation(first: int, second: int, most: int) -> tuple[int, int]:
    """Drop one token after another from the longer text, of equal ones from the second."""
    while first + second > most:
        if first > second:
            first -= 1
        else:
            second -= 1
    return first, second


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 26))
def test_longer_text_is_truncated_first(first: int, second: int, most: int) -> None:
    kept = split_limit(np.array([first]), np.array([second]), most)
    assert (kept[0][0], kept[1][0]) == reference_truncation(first, second, most)


@given(rows_of_ids, st.integers(1, 10))
def test_rows_without_markers_keep_first_tokens(pairs: Any, most: int) -> None:
    first, second = ([row[k] for row in pairs] for k in (0, 1))
    *kept, truncated = truncate_pairs(make_side(first), make_side(second), most)
    limits = [reference_truncation(len(a), len(b), most) for a, b in pairs]
    assert to_lists(kept[0]) == [row[:n] for row, (n, _) in zip(first, limits, strict=True)]
    assert to_lists(kept[1]) == [row[:n] for row, (_, n) in zip(second, limits, strict=True)]
    assert truncated.tolist() == [len(a) + len(b) > most for a, b in pairs]


@given(rows_of_ids, st.integers(1, 10), st.integers(1, 12))
def test_marker_is_cut_with_its_word(pairs: Any, most: int, tokens: int) -> None:
    # a sign is followed by its word
    pairs = [
        tuple([i for j in text for i in ([MARKER, 9] if j == MARKER else [j])] for text in pair)
        for pair in pairs
    ]
    first, second = ([row[k] for row in pairs] for k in (0, 1))
    *kept, truncated = truncate_pairs(
        make_side(first), make_side(second), most, signs=(MARKER,), max_tokens=tokens
    )
    for row, (a, b) in enumerate(zip(to_lists(kept[0]), to_lists(kept[1]), strict=True)):
        words = [i for i in (*a, *b) if i != MARKER]
        assert len(words) <= most
        assert len(a) + len(b) <= tokens
        assert a == first[row][: len(a)]
        assert b == second[row][: len(b)]
        assert all(text[-1:] != [MARKER] for text in (a, b))
        assert truncated[row] == (len(a) + len(b) < len(first[row]) + len(second[row]))


@given(rows_of_ids)
def test_joined_rows_are_go_first_eos_second_eos(pairs: Any) -> None:
    joined = join_sides(make_side([a for a, _ in pairs]), make_side([b for _, b in pairs]))
    assert to_lists(joined) == [[GO, *a, EOS, *b, EOS] for a, b in pairs]


@given(rows_of_ids, st.integers(1, 3))
def test_towers_hold_both_texts_of_a_row(pairs: Any, size: int) -> None:
    targets = np.arange(len(pairs))
    data = TowersDataset(
        make_side([a for a, _ in pairs]), make_side([b for _, b in pairs]), targets
    )
    seen: list[int] = []
    for batch in data.batches(Bucketing(size).shuffle(data.lengths, (0,))):
        ids, mask, other_ids, other_mask = batch.inputs
        assert batch.targets is not None
        assert batch.targets.tolist() == batch.rows.tolist()
        assert batch.size == int(mask.sum() + other_mask.sum())
        for k, row in enumerate(batch.rows.tolist()):
            seen.append(row)
            for side_ids, side_mask, text in (
                (ids, mask, pairs[row][0]),
                (other_ids, other_mask, pairs[row][1]),
            ):
                assert side_ids[k][side_mask[k]].tolist() == text
                assert (side_ids[k][~side_mask[k]] == PAD).all()
    assert sorted(seen) == targets.tolist()
    if pairs:
        taken = data.take(np.array([len(pairs) - 1]))
        assert to_lists(taken.second) == [pairs[-1][1]]
