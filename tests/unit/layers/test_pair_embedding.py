"""Embeddings of both sides against PyTorch's own, with every sharing of tables."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.layers.pair_embedding import PairEmbedding
from munjang.models.sequence_to_sequence.model import (
    EncoderDecoderConfig,
    Vocabularies,
    pair_embedding,
)
from munjang.text.vocabulary import PAD

pytestmark = pytest.mark.usefixtures("one_thread")

WORDS, DIM = 11, 6
every_sharing = pytest.mark.parametrize(
    ("share", "tie"), [(share, tie) for share in (True, False) for tie in (True, False)]
)


def make_embedding(share: bool, tie: bool, words: int = WORDS, dim: int = DIM) -> PairEmbedding:
    torch.manual_seed(0)
    return PairEmbedding(words, words, dim, share=share, tie=tie)


def tables_by_role(embedding: PairEmbedding) -> tuple[nn.Parameter, nn.Parameter, nn.Parameter]:
    """The tables of source, target and output, by their names on disk."""
    result = dict(embedding.named_parameters())
    target = result["target_table"]
    return result.get("source_table", target), target, result.get("output_table", target)


def random_ids() -> tuple[Tensor, Tensor]:
    return torch.randint(0, WORDS, (3, 5)), torch.randint(0, WORDS, (3, 4))


@every_sharing
def test_only_required_tables_exist(share: bool, tie: bool) -> None:
    names = {name for name, _ in make_embedding(share, tie).named_parameters()}
    own = ({"source_table"} if not share else set()) | ({"output_table"} if not tie else set())
    assert names == {"target_table", "bias"} | own


@every_sharing
def test_values_and_gradients_equal_plain_tables(share: bool, tie: bool) -> None:
    embedding = make_embedding(share, tie)
    source, target = random_ids()
    tables = list(dict.fromkeys([*tables_by_role(embedding), embedding.bias]))
    with torch.no_grad():
        embedding.bias.normal_()

    def plain(ids: Tensor, table: Tensor) -> Tensor:
        return F.embedding(ids, table, padding_idx=PAD)

    read, written, scored = tables_by_role(embedding)
    vectors = embedding.embed_source(source), embedding.embed_target(target)
    expected = plain(source, read), plain(target, written)
    states = torch.randn(7, DIM)
    logits = embedding.project(states).logits()
    theirs = states @ scored.T + embedding.bias
    for mine, other in zip((*vectors, logits), (*expected, theirs), strict=True):
        torch.testing.assert_close(mine, other)
    weights = [torch.randn_like(out) for out in (*expected, theirs)]
    totals = [
        sum((out * w).sum() for out, w in zip(outs, weights, strict=True))
        for outs in ((*vectors, logits), (*expected, theirs))
    ]
    mine, other = (torch.autograd.grad(total, tables) for total in totals)
    for a, b in zip(mine, other, strict=True):
        torch.testing.assert_close(a.to_dense(), b)


@every_sharing
def test_only_output_table_has_dense_gradient(share: bool, tie: bool) -> None:
    embedding = make_embedding(share, tie)
    source, target = random_ids()
    states = embedding.embed_target(target).flatten(0, 1)
    total = embedding.project(states).logits().square().sum() + embedding.embed_source(source).sum()
    total.backward()
    output = tables_by_role(embedding)[2]
    for table in tables_by_role(embedding):
        assert table.grad is not None
        assert table.grad.is_sparse == (table is not output)


@every_sharing
def test_padding_row_is_zero_after_training(share: bool, tie: bool) -> None:
    embedding = make_embedding(share, tie)
    optimizer = torch.optim.SGD(embedding.parameters(), lr=0.5)
    for _ in range(3):
        source, target = random_ids()
        vectors = embedding.embed_source(source).sum(1) + embedding.embed_target(target).sum(1)
        optimizer.zero_grad()
        embedding.project(vectors).loss(torch.tensor([4, 5, 6])).backward()
        optimizer.step()
    pads = torch.full((2, 3), PAD)
    assert not embedding.embed_source(pads).any()
    assert not embedding.embed_target(pads).any()
    assert embedding.embed_target(pads + 4).any()


@every_sharing
def test_initial_logits_have_unit_variance(share: bool, tie: bool) -> None:
    embedding = make_embedding(share, tie, words=4000, dim=64)
    logits = embedding.project(torch.ones(1, 64)).logits()
    assert float(logits.detach().std()) == pytest.approx(1.0, abs=0.05)
    lengths = embedding.embed_source(torch.arange(4, 4000)).norm(dim=1)
    assert float(lengths.detach().mean()) == pytest.approx(1.0, abs=0.05)


def test_separate_output_table_may_have_another_dim() -> None:
    embedding = PairEmbedding(5, WORDS, DIM, share=False, tie=False, out_dim=9)
    assert embedding.project(torch.randn(2, 9)).logits().shape == (2, WORDS)
    assert embedding.embed_source(torch.tensor([[4]])).shape == (1, 1, DIM)
    assert embedding.output_table is not None
    assert float(embedding.output_table.detach().std()) == pytest.approx(1 / math.sqrt(9), rel=0.3)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (5, {"share": True, "tie": True}, "as many ids: 5 and 11"),
        (11, {"share": True, "tie": True, "out_dim": 9}, "states of 9"),
    ],
)
def test_invalid_arguments_are_refused(source: int, options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PairEmbedding(source, WORDS, DIM, **options)


@pytest.mark.parametrize(
    ("settings", "shared", "tables"),
    [
        ({}, True, {"target_table"}),
        ({}, False, {"target_table", "source_table"}),
        ({"share_embeddings": False}, True, {"target_table", "source_table"}),
        ({"tie_embeddings": False}, True, {"target_table", "output_table"}),
    ],
)
def test_settings_and_vocabularies_decide_sharing(
    settings: dict[str, bool], shared: bool, tables: set[str]
) -> None:
    config = EncoderDecoderConfig(dim=DIM, **settings)
    embedding = pair_embedding(config, Vocabularies(WORDS, WORDS, shared), states=9)
    assert {name for name, _ in embedding.named_parameters()} == tables | {"bias"}
    assert embedding.out_dim == (9 if "output_table" in tables else DIM)


@every_sharing
def test_autocast_states_are_accepted(share: bool, tie: bool) -> None:
    embedding = make_embedding(share, tie)
    with torch.autocast("cpu", torch.bfloat16):
        states = F.linear(embedding.embed_target(torch.tensor([4, 5])), torch.eye(DIM))
        assert states.dtype == torch.bfloat16
        loss = embedding.project(states).loss(torch.tensor([5, 6]))
    assert loss.dtype == torch.float32
    loss.backward()
    assert embedding.bias.grad is not None
