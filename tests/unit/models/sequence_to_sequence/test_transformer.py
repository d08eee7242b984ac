"""The Transformer from text to text, held to the paper's formulas written out, head by head."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from munjang.errors import ConfigError
from munjang.layers.attention import CrossAttention
from munjang.layers.blocks import Block, DecoderBlock
from munjang.models.sequence_to_sequence.model import Vocabularies
from tests.architectures import build_encoder_decoder, pair_config

pytestmark = pytest.mark.usefixtures("one_thread")


def reference_attention(queries: Tensor, keys: Tensor, values: Tensor, allowed: Tensor) -> Tensor:
    """One query at a time: softmax over the keys that it may see. All [time, d]."""
    result = []
    for index, query in enumerate(queries):
        scores = torch.stack([query @ key / math.sqrt(len(query)) for key in keys])
        scores = scores.masked_fill(~allowed[index], -math.inf)
        result.append((scores.softmax(0)[:, None] * values).sum(0))
    return torch.stack(result)


def reference_heads(
    layer: Any, queries: Tensor, keys: Tensor, values: Tensor, allowed: Tensor
) -> Tensor:
    heads = [part.chunk(layer.heads, dim=1) for part in (queries, keys, values)]
    joined = torch.cat(
        [reference_attention(*head, allowed) for head in zip(*heads, strict=True)], dim=1
    )
    return joined @ layer.out_proj.weight.T


def reference_block(block: DecoderBlock, x: Tensor, source: Tensor) -> Tensor:
    """A decoder layer on one sentence: x [time, dim], source [source time, dim]."""

    def beside(x: Tensor, norm: Any, part: Any) -> Tensor:
        return x + part(norm(x)) if block.norm_first else norm(x + part(x))

    time, dim = x.shape
    earlier = torch.ones(time, time, dtype=torch.bool).tril()
    everything = torch.ones(time, len(source), dtype=torch.bool)
    own = block.attention.in_proj.weight.split(dim)
    other = block.cross.in_proj.weight.split(dim)
    x = beside(
        x, block.attention_norm,
        lambda y: reference_heads(block.attention, *(y @ w.T for w in own), earlier),
    )  # fmt: skip
    x = beside(
        x, block.cross_norm,
        lambda y: reference_heads(
            block.cross, y @ block.cross.query.weight.T, *(source @ w.T for w in other), everything
        ),
    )  # fmt: skip
    return beside(x, block.feed_forward_norm, lambda y: block.down(torch.relu(block.up(y))))


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_decoder_block_equals_formula(norm: Any) -> None:
    torch.manual_seed(0)
    block = DecoderBlock(8, 2, hidden_dim=12, activation="relu", dropout=0.0, norm=norm)
    x, source = torch.randn(2, 5, 8), torch.randn(2, 3, 8)
    result = block(x, block.cross.project_keys_values(source), None, None)
    for row in range(2):
        torch.testing.assert_close(result[row], reference_block(block, x[row], source[row]))


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_forward_with_attention_equals_forward(norm: Any) -> None:
    torch.manual_seed(0)
    block = DecoderBlock(8, 2, hidden_dim=12, activation="gelu", dropout=0.0, norm=norm)
    x, source = torch.randn(2, 5, 8), torch.randn(2, 3, 8)
    memory = block.cross.project_keys_values(source)
    earlier = torch.ones(5, 5, dtype=torch.bool).tril()
    states, own, cross = block.forward_with_attention(x, memory, None, None, earlier)
    torch.testing.assert_close(states, block(x, memory, None, None))
    assert own.shape == (2, 2, 5, 5)
    assert cross.shape == (2, 2, 5, 3)
    assert not own.triu(1).any()
    encoder = Block(8, 2, hidden_dim=12, activation="gelu", dropout=0.0, norm=norm)
    torch.testing.assert_close(
        encoder.forward_with_attention(x, None, None)[0], encoder(x, None, None)
    )


def test_hypotheses_are_queries_on_one_source() -> None:
    torch.manual_seed(0)
    cross = CrossAttention(8, 2)
    source = torch.randn(3, 4, 8)
    queries = torch.randn(3, 5, 8)
    visible = torch.ones(3, 1, 1, 4, dtype=torch.bool)
    visible[1, ..., 2:] = False
    result = cross(queries, cross.project_keys_values(source), visible)
    for beam in range(5):
        alone = cross(queries[:, beam : beam + 1], cross.project_keys_values(source), visible)
        torch.testing.assert_close(result[:, beam : beam + 1], alone)
    cut = cross(queries[1:2], cross.project_keys_values(source[1:2, :2]), None)
    torch.testing.assert_close(result[1:2], cut)


def test_dim_not_divisible_by_heads_is_refused() -> None:
    with pytest.raises(ConfigError, match="no multiple of heads"):
        pair_config({"name": "transformer", "dim": 10, "heads": 4})
    with pytest.raises(ConfigError, match="cannot be paired"):
        pair_config({"name": "transformer", "dim": 12, "heads": 4})
    with pytest.raises(ValueError, match="no multiple"):
        CrossAttention(10, 4)


def test_text_beyond_learned_positions_is_an_error() -> None:
    config = pair_config(
        {"name": "transformer", "dim": 8, "heads": 2, "positions": "learned", "max_positions": 4}
    )
    assert config.most_tokens == 4
    model: Any = build_encoder_decoder(config, Vocabularies(9, 9, shared=True)).eval()
    state = model.begin(torch.tensor([[5, 6]]), torch.ones(1, 2, dtype=torch.bool))
    for _ in range(4):
        state = model.step(state, torch.tensor([[7]])).state
    with pytest.raises(ValueError, match="positions for 4"):
        model.step(state, torch.tensor([[7]]))


def test_shared_vocabulary_shares_one_table() -> None:
    config = pair_config({"name": "transformer", "dim": 8, "heads": 2})
    counts = [
        sum(p.numel() for p in build_encoder_decoder(config, Vocabularies(30, 30, s)).parameters())
        for s in (True, False)
    ]
    assert counts[1] - counts[0] == 30 * 8
