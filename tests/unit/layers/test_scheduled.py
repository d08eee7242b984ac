"""Predictions mixed into decoder inputs, against a loop over places."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.layers import scheduled
from munjang.layers.projection import Projected
from munjang.layers.scheduled import argmax_tokens, mix_predictions
from munjang.text.vocabulary import GO, PAD
from tests.synthetic import pad_rows

pytestmark = pytest.mark.usefixtures("one_thread")

WORDS = 9


def predict_tokens(words: list[int]) -> Projected:
    """Return states that predict `words`, one per row: the word's own unit vector."""
    states = torch.eye(WORDS)[torch.tensor(words, dtype=torch.int64)]
    return Projected(states, torch.eye(WORDS), torch.zeros(WORDS))


some_rows = st.lists(
    st.lists(st.integers(4, WORDS - 1), max_size=6).map(lambda row: [GO, *row]),
    min_size=1,
    max_size=5,
)


@settings(max_examples=50)
@given(rows=some_rows, extra=st.integers(0, 2), seed=st.integers(0, 999))
def test_each_token_is_given_or_predicted(rows: list[list[int]], extra: int, seed: int) -> None:
    ids, mask = pad_rows(rows, extra=extra)
    tokens = [token % 5 + 3 if token != GO else 8 for row in rows for token in row]
    of_place = iter(tokens)
    predictions = [[next(of_place) for _ in row] for row in rows]
    torch.manual_seed(seed)
    mixed = mix_predictions(ids, mask, predict_tokens(tokens), 0.5).tolist()
    torch.manual_seed(seed)
    drawn = (torch.rand(ids.shape) < 0.5).tolist()
    for row, tokens in enumerate(rows):
        for index, token in enumerate(tokens):
            replaced = index > 0 and drawn[row][index]
            assert mixed[row][index] == (predictions[row][index - 1] if replaced else token)
        assert all(token == PAD for token in mixed[row][len(tokens) :])


def test_rates_of_zero_and_one() -> None:
    ids, mask = pad_rows([[GO, 4, 5], [GO], [GO, 6]])
    predictions = predict_tokens([7, 8, 7, 8, 5, 8])
    assert torch.equal(mix_predictions(ids, mask, predictions, 0.0), ids)
    mixed = mix_predictions(ids, mask, predictions, 1.0)
    assert mixed.tolist() == [[GO, 7, 8], [GO, 0, 0], [GO, 5, 0]]


def test_rate_is_respected() -> None:
    ids, mask = pad_rows([[GO, *[4] * 99]] * 50)
    mixed = mix_predictions(ids, mask, predict_tokens([7] * 5000), 0.25)
    assert float((mixed == 7).float().mean()) == pytest.approx(0.25, abs=0.03)


def test_input_ids_are_not_modified() -> None:
    ids, mask = pad_rows([[GO, 4, 5]])
    before = ids.clone()
    mix_predictions(ids, mask, predict_tokens([7, 7, 7]), 1.0)
    assert torch.equal(ids, before)


@pytest.mark.parametrize("piece", [1, 20, 1 << 20])
def test_argmax_tokens_equals_argmax_of_logits(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduled, "_CHUNK", piece)
    torch.manual_seed(0)
    projected = Projected(torch.randn(12, 3), torch.randn(WORDS, 3), torch.randn(WORDS))
    rows = torch.tensor([3, 0, 11, 11, 7])
    assert torch.equal(argmax_tokens(projected, rows), projected.logits().argmax(1)[rows])
