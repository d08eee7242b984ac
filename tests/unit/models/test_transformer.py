"""The Transformer against PyTorch's own layers, and what is seen inside it."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from munjang.models.transformer import Block, Transformer, TransformerConfig
from tests.synthetic import pad_rows, random_rows

pytestmark = pytest.mark.usefixtures("one_thread")

VOCABULARY = 20
ROWS = [[], [4], *random_rows(5, vocabulary=VOCABULARY, shortest=2, longest=9)]
POSITIONS = ["sinusoidal", "learned", "rotary"]


def make_transformer(**model_settings: Any) -> Transformer:
    torch.manual_seed(1)
    small = {"dim": 8, "heads": 2, "dropout": 0.0, "embedding_dropout": 0.0}
    return Transformer(TransformerConfig(**{**small, **model_settings}), VOCABULARY)


def to_pytorch_layer(block: Block) -> nn.TransformerEncoderLayer:
    """The framework's pre-norm layer with the weights of a block; its further biases are zero."""
    dim, hidden = block.down.out_features, block.down.in_features
    peer = nn.TransformerEncoderLayer(
        dim, 2, hidden, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    attention = peer.self_attn
    for theirs, ours in [
        (attention.in_proj_weight, block.attention.in_proj.weight),
        (attention.out_proj.weight, block.attention.out_proj.weight),
        (peer.norm1.weight, block.attention_norm.weight),
        (peer.norm2.weight, block.feed_forward_norm.weight),
        (peer.linear1.weight, block.up.weight),
        (peer.linear1.bias, block.up.bias),
        (peer.linear2.weight, block.down.weight),
        (peer.linear2.bias, block.down.bias),
    ]:
        theirs.data = ours.detach().clone()
    for bias in (attention.in_proj_bias, attention.out_proj.bias):
        bias.data.zero_()
    return peer


def test_layers_equal_pytorch_in_values_and_gradients() -> None:
    encoder = make_transformer(layers=3, pooling="mean", positions="rotary")
    encoder.rotary_dim = None  # the framework's layers know no places
    for norm in (m for m in encoder.modules() if isinstance(m, nn.LayerNorm)):
        nn.init.uniform_(norm.weight, 0.5, 1.5)  # so that a forgotten one would be seen
    peers = [to_pytorch_layer(block) for block in encoder.blocks]
    ids, mask = pad_rows(ROWS[1:])
    states = encoder.embedding(ids, mask).detach()
    for peer in peers:
        states = peer(states, src_key_padding_mask=~mask)
    expected = encoder.norm(states)
    actual = encoder(ids, mask).states
    torch.testing.assert_close(actual[mask], expected[mask], atol=1e-5, rtol=1e-4)
    output_weights = torch.randn_like(actual[mask])
    (actual[mask] * output_weights).sum().backward()
    (expected[mask] * output_weights).sum().backward()
    for block, peer in zip(encoder.blocks, peers, strict=True):
        for ours, theirs in [
            (block.attention.in_proj.weight, peer.self_attn.in_proj_weight),
            (block.attention_norm.bias, peer.norm1.bias),
            (block.up.weight, peer.linear1.weight),
            (block.down.bias, peer.linear2.bias),
        ]:
            torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("pooling", ["max", "max+attention"])
def test_forward_with_attention_gives_same_states_and_all_weights(
    positions: str, pooling: str
) -> None:
    encoder = make_transformer(layers=3, positions=positions, pooling=pooling)
    ids, mask = pad_rows(ROWS, extra=2)
    plain, (seen, layers) = encoder(ids, mask), encoder.forward_with_attention(ids, mask)
    of_layers = [("source", layer) for layer in range(3)]
    of_pooling = [("pooling", 0)] if "attention" in pooling else []
    assert [(one.kind, one.layer) for one in layers] == of_layers + of_pooling
    assert bool(of_pooling) == (plain.attention is not None)
    if of_pooling:
        torch.testing.assert_close(layers.pop().weights, plain.attention)
    torch.testing.assert_close(seen.pooled, plain.pooled, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(seen.states[mask], plain.states[mask], atol=1e-6, rtol=1e-5)
    sums = mask[:, None].expand(-1, 2, -1).float()
    for layer in layers:
        assert layer.weights.shape == (len(ROWS), 2, ids.shape[1], ids.shape[1])
        torch.testing.assert_close(layer.weights.sum(-1), sums)
        assert not layer.weights.masked_select(~mask[:, None, None, :]).any()


def test_layers_have_different_attention() -> None:
    encoder, batch = make_transformer(layers=3), pad_rows(ROWS)
    first, second, last = (one.weights for one in encoder.forward_with_attention(*batch)[1])
    assert not torch.allclose(first, second, atol=1e-3)
    assert not torch.allclose(second, last, atol=1e-3)


@pytest.mark.parametrize("pooling", ["max", "mean", "last", "max+mean"])
@pytest.mark.parametrize("bag", [0, 4])
def test_empty_row_gives_zeros(pooling: str, bag: int) -> None:
    encoder = make_transformer(pooling=pooling, bag_dim=bag, bag_buckets=16)
    batched, single = encoder(*pad_rows(ROWS)).pooled[0], encoder(*pad_rows([[]])).pooled[0]
    assert torch.equal(batched, torch.zeros(encoder.pooled_dim))
    assert torch.equal(single, batched)


@pytest.mark.parametrize("positions", POSITIONS)
def test_token_order_changes_the_output(positions: str) -> None:
    encoder = make_transformer(positions=positions, pooling="mean")
    ahead, back = encoder(*pad_rows([[3, 7, 9], [9, 7, 3]])).pooled.detach()
    assert float((ahead - back).abs().max()) > 1e-3
    blind = make_transformer(positions="rotary", pooling="mean")
    blind.rotary_dim = None
    ahead, back = blind(*pad_rows([[3, 7, 9], [9, 7, 3]])).pooled
    torch.testing.assert_close(ahead, back, atol=1e-6, rtol=1e-5)


def test_text_beyond_learned_positions_is_an_error() -> None:
    encoder = make_transformer(positions="learned", max_positions=4)
    with pytest.raises(ValueError, match="a text of 5 tokens, but learned positions for 4"):
        encoder(*pad_rows([[1, 2, 3, 4, 5]]))


def test_dropout_is_active_in_training_only() -> None:
    encoder, batch = make_transformer(dropout=0.5), pad_rows(ROWS)
    assert not torch.equal(encoder(*batch).states, encoder(*batch).states)
    encoder.eval()
    assert torch.equal(encoder(*batch).states, encoder(*batch).states)


@pytest.mark.parametrize("positions", POSITIONS)
def test_gradcheck(positions: str) -> None:
    encoder = make_transformer(
        positions=positions, max_positions=4, pooling="mean", layers=1, dim=4
    ).double()
    ids, mask = pad_rows([[2, 5, 3], [4], []])
    parameters = [p for name, p in encoder.named_parameters() if "embedding" not in name]

    def pooled(*_: Tensor) -> Tensor:
        return encoder(ids, mask).pooled

    assert pooled().dtype == torch.float64
    assert torch.autograd.gradcheck(pooled, tuple(parameters))
