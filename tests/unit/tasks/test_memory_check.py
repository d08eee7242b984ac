"""A text that memory cannot hold is refused in a line, and long rows share no batch."""

import numpy as np
import pytest
import torch
from torch import nn

from munjang.data.buckets import Bucketing
from munjang.data.token_rows import TokenRows
from munjang.errors import DataError
from munjang.tasks import memory_check
from munjang.tasks.heads import Head
from munjang.tasks.inference import compute_logits
from munjang.text.columns import Int64s
from tests.architectures import build_encoder, model_config


def make_rows(*lengths: int) -> TokenRows:
    offsets = np.cumsum([0, *lengths])
    return TokenRows(np.full(offsets[-1], 5, dtype=np.int32), offsets)


@pytest.fixture
def network() -> nn.Module:
    return Head(build_encoder(model_config({"name": "cnn", "dim": 4, "filters": 4}), 9), 2).eval()


def test_text_too_long_for_memory_is_refused_before_allocation(
    network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_check, "available_memory", lambda: 10_000_000)
    with pytest.raises(DataError, match=r"a text of 3,000,000 tokens takes about .* GB .* 0\.0 GB"):
        compute_logits(network, make_rows(3_000_000))


def test_text_that_fits_in_memory_is_predicted(
    network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_check, "_UNCHECKED_TOKENS", 10)
    monkeypatch.setattr(memory_check, "available_memory", lambda: 10_000_000)
    assert compute_logits(network, make_rows(40, 30)).shape == (2, 2)
    monkeypatch.setattr(memory_check, "available_memory", lambda: None)
    assert compute_logits(network, make_rows(40)).shape == (1, 2)


@pytest.mark.parametrize("name", ["mean", "cnn", "rnn", "lstm", "gru", "transformer"])
def test_bytes_per_token_grow_with_dim(name: str) -> None:
    torch.manual_seed(0)
    narrow, wide = (
        memory_check.bytes_per_token(build_encoder(model_config({"name": name, "dim": dim}), 9))
        for dim in (8, 64)
    )
    assert 0 < narrow < wide


def test_very_long_rows_are_batched_by_tokens() -> None:
    lengths: Int64s = np.array([3] * 300 + [1_000_000] * 3 + [20_000] * 20)
    groups = Bucketing(256).in_order_of_length(lengths)
    assert sorted(np.concatenate([group.rows for group in groups]).tolist()) == list(range(323))
    assert len(groups[0].rows) == 256
    assert all(len(g.rows) * g.time <= 256 * 512 or len(g.rows) == 1 for g in groups)
    assert sum(len(g.rows) == 1 for g in groups) >= 3
