"""Which tokens are masked, and what stands in their place: against plain loops."""

from collections import Counter
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from munjang.data.batches import Batch
from munjang.tasks.masking import Masking
from munjang.text.vocabulary import EOS, GO, OOV, RESERVED
from tests.synthetic import pad_rows, random_rows

SIZE, MASK = 40, 4


def make_batch(rows: list[list[int]]) -> Batch:
    ids, mask = pad_rows(rows)
    return Batch(ids, mask.sum(1), mask, torch.arange(len(rows)))


def make_generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


rows_of_ids = st.lists(st.lists(st.integers(1, SIZE + 3), max_size=14), min_size=1, max_size=8)


def is_maskable(token: int) -> bool:
    return len(RESERVED) <= token < SIZE and token != MASK


@given(rows=rows_of_ids, rate=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_mask_rate_of_each_row_with_at_least_one_token(
    rows: list[list[int]], rate: float, seed: int
) -> None:
    batch = make_batch(rows)
    masked = Masking(MASK, SIZE).choose(batch.ids, make_generator(seed), rate)
    for row, tokens in enumerate(rows):
        free = [index for index, token in enumerate(tokens) if is_maskable(token)]
        positions = masked[row].nonzero()[:, 0].tolist()
        assert set(positions) <= set(free)
        expected = round(torch.tensor(len(free) * rate).round().item())
        assert len(positions) == min(len(free), max(1, expected))


@given(rows=rows_of_ids, seed=st.integers(0, 99))
def test_masked_batch_has_original_tokens_as_targets(rows: list[list[int]], seed: int) -> None:
    batch = make_batch(rows)
    masked = Masking(MASK, SIZE).mask(batch, make_generator(seed), 0.3)
    before, after = batch.ids.flatten(), masked.ids.flatten()
    assert torch.equal(before[masked.places], masked.targets)
    untouched = torch.ones_like(before, dtype=torch.bool)
    untouched[masked.places] = False
    assert torch.equal(before[untouched], after[untouched])
    assert all(len(RESERVED) <= n < SIZE for n in after[masked.places].tolist())
    assert masked.size == batch.size
    repeated = Masking(MASK, SIZE).mask(batch, make_generator(seed), 0.3)
    assert torch.equal(repeated.ids, masked.ids)


def test_default_shares_are_80_10_10() -> None:
    rows = random_rows(400, vocabulary=SIZE, shortest=30, longest=30)
    masked = Masking(MASK, SIZE).mask(make_batch(rows), make_generator(), 0.5)
    after = masked.ids.flatten()[masked.places]
    kinds = Counter(
        "mask" if now == MASK else "same" if now == before else "other"
        for now, before in zip(after.tolist(), masked.targets.tolist(), strict=True)
    )
    total = len(masked.places)
    assert kinds["mask"] / total == pytest.approx(0.8, abs=0.02)
    assert kinds["other"] / total == pytest.approx(0.1, abs=0.02)
    assert kinds["same"] / total == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(("masked_share", "random_share"), [(1.0, 0.0), (0.0, 0.0), (0.0, 1.0)])
def test_shares_are_configurable(masked_share: float, random_share: float) -> None:
    rows = random_rows(20, vocabulary=SIZE, shortest=9, longest=9)
    masking = Masking(MASK, SIZE, masked_share, random_share)
    masked = masking.mask(make_batch(rows), make_generator(), 0.5)
    after = masked.ids.flatten()[masked.places]
    assert bool((after == MASK).all()) == (masked_share == 1)
    assert torch.equal(after, masked.targets) == (masked_share == random_share == 0)


# Ids from 20 up continue the word before them.
CONTINUES = torch.arange(SIZE) >= 20


def split_words(row: list[int]) -> list[list[int]]:
    """The places of each word, by a plain loop."""
    words: list[list[int]] = []
    for index, token in enumerate(row):
        goes_on = 20 <= token < SIZE and index > 0 and row[index - 1] >= len(RESERVED)
        if goes_on:
            words[-1].append(index)
        else:
            words.append([index])
    return [
        free for word in words if (free := [index for index in word if is_maskable(row[index])])
    ]


@given(rows=rows_of_ids, rate=st.floats(0.05, 0.9), seed=st.integers(0, 99))
def test_whole_words_are_masked_together(rows: list[list[int]], rate: float, seed: int) -> None:
    masking = Masking(MASK, SIZE, continues=CONTINUES)
    masked = masking.choose(make_batch(rows).ids, make_generator(seed), rate)
    for row, tokens in enumerate(rows):
        words = split_words(tokens)
        free = sum(map(len, words))
        positions = set(masked[row].nonzero()[:, 0].tolist())
        expected = min(free, max(1, round(torch.tensor(free * rate).round().item())))
        assert bool(positions) == bool(free)
        if any(len(word) <= 2 * expected for word in words):
            for word in words:
                assert set(word) <= positions or not positions & set(word)
            # the middle of the last chosen word lies within the share
            longest = max(len(word) for word in words if set(word) <= positions)
            assert len(positions) <= expected + longest / 2
        else:
            assert len(positions) == expected


def test_whole_words_keep_the_mask_rate() -> None:
    random = torch.Generator().manual_seed(1)
    rows = []
    for _ in range(300):
        row = [GO]
        while len(row) < 30:
            row.append(int(torch.randint(5, 20, (), generator=random)))
            row += [25] * int(torch.randint(0, 4, (), generator=random))
        rows.append([*row, EOS])
    masking = Masking(MASK, SIZE, continues=CONTINUES)
    masked = masking.choose(make_batch(rows).ids, make_generator(), 0.2)
    free = sum(map(len, rows)) - 2 * len(rows)
    assert int(masked.sum()) / free == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize("continues", [None, CONTINUES])
@pytest.mark.parametrize("rows", [[[]], [[], []], [[GO, EOS]], [[GO, OOV, EOS], []]])
def test_rows_without_tokens_have_no_targets(rows: Any, continues: Any) -> None:
    masking = Masking(MASK, SIZE, continues=continues)
    masked = masking.mask(make_batch(rows), make_generator(), 0.3)
    assert len(masked.places) == len(masked.targets) == 0
    assert torch.equal(masked.ids, make_batch(rows).ids)


def test_reserved_tokens_are_not_masked() -> None:
    masked = Masking(OOV, len(RESERVED)).mask(make_batch([[GO, OOV, EOS]]), make_generator(), 0.5)
    assert len(masked.places) == 0
