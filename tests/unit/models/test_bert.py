"""BERT against PyTorch's own post-norm layers, and the embeddings of its input."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from munjang.errors import ConfigError
from munjang.layers.blocks import Block
from munjang.models.bert import Bert, BertConfig
from munjang.text.vocabulary import EOS, GO
from tests.synthetic import pad_rows, random_rows

pytestmark = pytest.mark.usefixtures("one_thread")

VOCABULARY = 20
ROWS = [[GO, EOS], [GO, 4, EOS], *random_rows(5, vocabulary=VOCABULARY, shortest=2, longest=9)]


def make_bert(**model_settings: Any) -> Bert:
    """Return a small model whose norms and biases are not those of a fresh one."""
    torch.manual_seed(1)
    small = {"dim": 8, "heads": 2, "layers": 3, "dropout": 0.0, "embedding_dropout": 0.0}
    model = Bert(BertConfig(**{**small, **model_settings}), VOCABULARY)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            nn.init.uniform_(parameter, 0.5 if name.endswith("norm.weight") else -0.5, 1.5)
        elif "embedding" not in name:
            nn.init.normal_(parameter, std=0.3)
    return model


def to_pytorch_layer(block: Block, eps: float) -> nn.TransformerEncoderLayer:
    """Return PyTorch's post-norm layer with the weights of a block."""
    dim, hidden = block.down.out_features, block.down.in_features
    peer = nn.TransformerEncoderLayer(
        dim, 2, hidden, dropout=0.0, activation="gelu", batch_first=True, layer_norm_eps=eps
    )
    pairs: list[tuple[Any, Any]] = [
        (peer.self_attn.in_proj_weight, block.attention.in_proj.weight),
        (peer.self_attn.in_proj_bias, block.attention.in_proj.bias),
        (peer.self_attn.out_proj.weight, block.attention.out_proj.weight),
        (peer.self_attn.out_proj.bias, block.attention.out_proj.bias),
    ]
    for theirs, ours in [
        (peer.norm1, block.attention_norm),
        (peer.norm2, block.feed_forward_norm),
        (peer.linear1, block.up),
        (peer.linear2, block.down),
    ]:
        pairs += [(theirs.weight, ours.weight), (theirs.bias, ours.bias)]
    for theirs, ours in pairs:
        theirs.data = ours.detach().clone()
    return peer


def reference_embedding(model: Bert, ids: Tensor) -> Tensor:
    """Return the input of the layers, one token at a time."""
    vectors = torch.zeros(*ids.shape, model.states_dim)
    for row, tokens in enumerate(ids.tolist()):
        for index, token in enumerate(tokens):
            ends = sum(before == EOS for before in tokens[:index])
            segment = model.segments.weight[min(ends, len(model.segments.weight) - 1)]
            total = model.embedding.weight[token] + model.positions.weight[index] + segment
            vectors[row, index] = model.embedding_norm(total)
    return vectors


@pytest.mark.parametrize("eps", [1e-12, 1e-3])
def test_layers_equal_pytorch(eps: float) -> None:
    model = make_bert(norm_eps=eps)
    ids, mask = pad_rows(ROWS)
    expected = reference_embedding(model, ids)
    for block in model.blocks:
        assert isinstance(block, Block)
        expected = to_pytorch_layer(block, eps)(expected, src_key_padding_mask=~mask)
    torch.testing.assert_close(model(ids, mask).states[mask], expected[mask], atol=1e-5, rtol=1e-4)


def test_single_row_equals_row_in_batch() -> None:
    model = make_bert().eval()
    for row in ROWS:
        ids, mask = pad_rows([row])
        with torch.inference_mode():
            single = model(ids, mask)
        batched = model(*pad_rows([row, [*row, 5, 6]]))
        torch.testing.assert_close(single.states[0], batched.states[0, : len(row)])
        torch.testing.assert_close(single.pooled[0], batched.pooled[0])


@pytest.mark.parametrize(
    ("segments", "expected"),
    [(2, [0, 0, 0, 1, 1, 1]), (3, [0, 0, 0, 1, 1, 2]), (1, [0, 0, 0, 0, 0, 0])],
)
def test_segments_follow_separators(segments: int, expected: list[int]) -> None:
    model = make_bert(segments=segments)
    ids, mask = pad_rows([[GO, 5, EOS, 6, EOS, 7]])
    added = model.token_vectors(ids, mask) - model.embedding(ids, mask)
    torch.testing.assert_close(added[0], model.segments.weight[torch.tensor(expected)])


def test_pooler_reads_first_state() -> None:
    model = make_bert(pooling="first", pooler=True).eval()
    ids, mask = pad_rows(ROWS)
    encoded = model(ids, mask)
    assert model.pooler is not None
    torch.testing.assert_close(encoded.pooled, model.pooler(encoded.states[:, 0]).tanh())


def test_text_beyond_positions_is_refused() -> None:
    model = make_bert(max_positions=4)
    model(*pad_rows([[GO, 5, 6, EOS]]))
    with pytest.raises(ValueError, match="a text of 5 tokens, but learned positions for 4"):
        model(*pad_rows([[GO, 5, 6, 7, EOS]]))


def test_dim_not_divisible_by_heads_is_refused() -> None:
    with pytest.raises(ConfigError, match="heads"):
        BertConfig.parse({"dim": 10, "heads": 4}, where="model")


def test_tied_output_keeps_padding_row_at_zero() -> None:
    model = make_bert()
    model.embedding.tied_weight().square().sum().backward()
    gradient = model.embedding.weight.grad
    assert gradient is not None
    assert not gradient[0].any()
    torch.testing.assert_close(gradient[1:], 2 * model.embedding.weight.detach()[1:])
