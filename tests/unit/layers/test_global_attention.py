"""Scores by the papers' formulas, one query and one state at a time."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from munjang.layers.global_attention import GlobalAttention
from munjang.layers.masking import mask_from_lengths

pytestmark = pytest.mark.usefixtures("one_thread")

WIDTH = 4
SCORES = ["dot", "general", "additive"]
every_score = pytest.mark.parametrize("score", SCORES)


def make_attention(score: str) -> GlobalAttention:
    torch.manual_seed(2)
    return GlobalAttention(score, WIDTH)


def reference_score(attention: GlobalAttention, query: Tensor, state: Tensor) -> Tensor:
    """Of one query and one state, as the papers write it."""
    if attention.score == "dot":
        return sum(query[i] * state[i] for i in range(WIDTH))
    w = attention.key_projection
    if attention.score == "general":
        return query @ (w.weight @ state)
    hidden = attention.query_projection.weight @ query + w.weight @ state + w.bias
    return attention.score_projection.weight[0] @ torch.tanh(hidden)


def reference_attention(
    attention: GlobalAttention, queries: Tensor, states: Tensor, lengths: list[int]
) -> tuple[Tensor, Tensor]:
    contexts, weights = torch.zeros_like(queries), torch.zeros(*queries.shape[:2], states.shape[1])
    for row, length in enumerate(lengths):
        for index, query in enumerate(queries[row]):
            if length:
                scores = [
                    reference_score(attention, query, states[row, i]).exp() for i in range(length)
                ]
                for i in range(length):
                    weights[row, index, i] = scores[i] / sum(scores)
                    contexts[row, index] += scores[i] / sum(scores) * states[row, i]
    return contexts, weights


@every_score
@settings(max_examples=10)
@given(
    lengths=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    extra=st.integers(1, 3),
    count=st.integers(1, 4),
)
def test_attention_equals_formulas(score: str, lengths: list[int], extra: int, count: int) -> None:
    attention = make_attention(score)
    time = max(lengths) + extra
    states = torch.randn(len(lengths), time, WIDTH)
    queries = torch.randn(len(lengths), count, WIDTH)
    memory = attention.project_keys_values(states, mask_from_lengths(torch.tensor(lengths), time))
    context, weights = attention(queries, memory)
    expected, by_hand = reference_attention(attention, queries, states, lengths)
    torch.testing.assert_close(weights, by_hand, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(context, expected, rtol=1e-4, atol=1e-6)
    for row, length in enumerate(lengths):
        assert not weights[row, :, length:].any()
        torch.testing.assert_close(weights[row].sum(-1), torch.full((count,), float(length > 0)))


def test_additive_score_equals_luong_concat() -> None:
    attention = make_attention("additive")
    both = torch.cat([attention.query_projection.weight, attention.key_projection.weight], dim=1)
    query, state = torch.randn(WIDTH), torch.randn(WIDTH)
    concat = torch.tanh(both @ torch.cat([query, state]) + attention.key_projection.bias)
    expected = attention.score_projection.weight[0] @ concat
    memory = attention.project_keys_values(state.view(1, 1, -1), torch.ones(1, 1, dtype=torch.bool))
    actual = attention.scores(query.view(1, 1, -1), memory.keys)
    torch.testing.assert_close(actual[0, 0, 0], expected)


@every_score
def test_queries_are_independent(score: str) -> None:
    attention = make_attention(score)
    memory = attention.project_keys_values(
        torch.randn(2, 5, WIDTH), mask_from_lengths(torch.tensor([5, 3]), 5)
    )
    queries = torch.randn(2, 3, WIDTH)
    batched, weights = attention(queries, memory)
    single, own = attention(queries[:, 1:2], memory)
    torch.testing.assert_close(batched[:, 1:2], single)
    torch.testing.assert_close(weights[:, 1:2], own)


@every_score
def test_keep_selects_rows(score: str) -> None:
    attention = make_attention(score)
    memory = attention.project_keys_values(
        torch.randn(3, 5, WIDTH), mask_from_lengths(torch.tensor([5, 0, 3]), 5)
    )
    queries = torch.randn(3, 2, WIDTH)
    kept = torch.tensor([2, 0])
    batched, _ = attention(queries, memory)
    single, _ = attention(queries[kept], memory.keep(kept))
    torch.testing.assert_close(single, batched[kept])


@every_score
def test_empty_source_has_finite_gradients(score: str) -> None:
    attention = make_attention(score)
    states = torch.randn(1, 3, WIDTH, requires_grad=True)
    memory = attention.project_keys_values(states, torch.zeros(1, 3, dtype=torch.bool))
    context, _ = attention(torch.randn(1, 2, WIDTH), memory)
    (context.sum() + math.pi).backward()
    assert states.grad is not None
    assert not states.grad.any()
