"""Pairs of texts, exchanged and turned around: against plain lists."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from munjang.data.batches import Batch
from munjang.tasks.sentence_pairs import NO_PAIR, rearrange_pairs
from munjang.text.vocabulary import EOS, GO, PAD
from tests.synthetic import pad_rows

texts = st.lists(st.integers(4, 30), min_size=1, max_size=9)
PAIRS = st.lists(st.tuples(texts, st.none() | texts), min_size=1, max_size=9)


def make_row(first: list[int], second: list[int] | None) -> list[int]:
    return [GO, *first, EOS, *([] if second is None else [*second, EOS])]


def make_batch(rows: list[list[int]], extra: int) -> Batch:
    ids, mask = pad_rows(rows, extra=extra)
    return Batch(ids, mask.sum(1), mask, torch.arange(len(rows)))


def rearrange(pairs: Any, kind: Any, seed: int, extra: int) -> tuple[list[list[int]], list[int]]:
    batch = make_batch([make_row(*pair) for pair in pairs], extra)
    changed, labels = rearrange_pairs(batch, torch.Generator().manual_seed(seed), kind)
    assert torch.equal(changed.mask.sum(1), changed.lengths)
    assert not changed.ids[~changed.mask].any()
    assert PAD not in changed.ids[changed.mask]
    assert changed.ids.shape == batch.ids.shape
    rows = [row[:n].tolist() for row, n in zip(changed.ids, changed.lengths.tolist(), strict=True)]
    return rows, labels.tolist()


@given(pairs=PAIRS, seed=st.integers(0, 50), extra=st.integers(0, 3))
def test_sentence_order_swaps_texts(pairs: Any, seed: int, extra: int) -> None:
    rows, labels = rearrange(pairs, "sentence_order", seed, extra)
    for (first, second), row, label in zip(pairs, rows, labels, strict=True):
        if second is None:
            assert (row, label) == (make_row(first, None), NO_PAIR)
        else:
            assert row == (make_row(first, second) if label else make_row(second, first))
            assert label in (0, 1)


@given(pairs=PAIRS, seed=st.integers(0, 50), extra=st.integers(0, 12))
def test_next_sentence_replaces_second_text(pairs: Any, seed: int, extra: int) -> None:
    rows, labels = rearrange(pairs, "next_sentence", seed, extra)
    time = max(len(make_row(*pair)) for pair in pairs) + extra
    seconds = [second for _, second in pairs if second is not None]
    for (first, second), row, label in zip(pairs, rows, labels, strict=True):
        if second is None:
            assert (row, label) == (make_row(first, None), NO_PAIR)
        elif label == 1:
            assert row == make_row(first, second)
        else:
            assert row[: len(first) + 2] == [GO, *first, EOS]
            assert row[-1] == EOS
            room = time - len(first) - 3
            assert row[len(first) + 2 : -1] in [other[:room] for other in seconds]
    taken = [n for n, label in enumerate(labels) if label == 0]
    assert len(taken) != 1, "a single row has nobody to exchange with"


@pytest.mark.parametrize("kind", ["next_sentence", "sentence_order"])
def test_about_half_of_the_pairs_are_changed(kind: Any) -> None:
    pairs = [([5] * (1 + n % 4), [6 + n % 20] * (1 + n % 3)) for n in range(400)]
    _, labels = rearrange(pairs, kind, 3, 0)
    assert sum(labels) == pytest.approx(200, abs=35)


def test_next_sentence_label_is_never_wrong() -> None:
    pairs = [([4, 5], [100 + n]) for n in range(31)]
    for seed in range(20):
        rows, labels = rearrange(pairs, "next_sentence", seed, 0)
        for number, (row, label) in enumerate(zip(rows, labels, strict=True)):
            assert (row[4] == 100 + number) == (label == 1)
