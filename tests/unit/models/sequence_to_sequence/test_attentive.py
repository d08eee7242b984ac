"""Attention of the recurrent decoder: its weights, and both papers' steps written out."""

from typing import Any

import pytest
import torch
from torch import Tensor

from munjang.errors import ConfigError
from munjang.layers.cells import gru_step, lstm_step, weights_of
from munjang.models.sequence_to_sequence.attentive import Attentive, AttentiveConfig
from tests.unit.models.sequence_to_sequence.small_recurrent import (
    SOURCES,
    TARGETS,
    make_model,
    make_pair,
    run_steps,
)

pytestmark = pytest.mark.usefixtures("one_thread")

KINDS: list[dict[str, Any]] = [
    {"attention": attention, "input_feeding": feeding, "cell": cell}
    for attention in ("general", "dot", "concat", "additive")
    for feeding in (False, True)
    for cell in ("lstm", "gru")
    if not (attention == "additive" and feeding)
]
every_kind = pytest.mark.parametrize(
    "model_settings", KINDS, ids=lambda c: "-".join(map(str, c.values()))
)


def make_attentive(**model_settings: Any) -> Attentive:
    model = make_model("attentive", **model_settings).eval()
    assert isinstance(model, Attentive)
    return model


@every_kind
def test_attention_sums_to_one_and_is_zero_at_padding(model_settings: dict[str, Any]) -> None:
    model = make_attentive(**model_settings)
    source, source_mask, decoder_ids, decoder_mask = pair = make_pair(extra=2, filler=5)
    _, [layer] = model.forward_with_attention(*pair)
    assert (layer.kind, layer.layer) == ("cross", 0)
    assert layer.weights.shape == (len(SOURCES), 1, decoder_ids.shape[1], source.shape[1])
    of_queries = layer.weights[:, 0]
    assert not of_queries.masked_select(~source_mask[:, None]).any()
    assert not of_queries[~decoder_mask].any()
    expected = (decoder_mask & source_mask.any(1)[:, None]).float()
    torch.testing.assert_close(of_queries.sum(-1), expected)


@every_kind
def test_step_returns_attention_of_teacher_forcing(model_settings: dict[str, Any]) -> None:
    model = make_attentive(**model_settings)
    pair = make_pair(extra=1)
    _, stepped = run_steps(model, pair)
    _, [layer] = model.forward_with_attention(*pair)
    assert stepped is not None
    torch.testing.assert_close(stepped[pair[3]], layer.weights[:, 0][pair[3]], atol=1e-5, rtol=1e-4)


def reference_attention(model: Attentive, query: Tensor, states: Tensor) -> Tensor:
    """The context of one query [hidden] over the states of one source [time, hidden]."""
    attention = model.attention
    if attention.score == "dot":
        scores = states @ query
    elif attention.score == "general":
        scores = (states @ attention.key_projection.weight.T) @ query
    else:
        hidden = attention.query_projection(query) + attention.key_projection(states)
        scores = hidden.tanh() @ attention.score_projection.weight[0]
    return scores.softmax(0) @ states


def reference_logits(model: Attentive, source: list[int], decoder_ids: list[int]) -> Tensor:
    """Logits [tokens, words] of one pair, as the papers write the steps."""
    ids = torch.tensor([source])
    states, ends = model.encode(ids, torch.ones_like(ids, dtype=torch.bool))
    states, (layer,) = states[0], model.decoder.layers
    weights = weights_of(layer)
    parts = list(ends[0, 0].split(1))  # of the one layer: h, and c of an lstm, each [1, hidden]
    previous, logits = torch.zeros(1, states.shape[1]), []
    for token in decoder_ids:
        x = model.embedding.embed_target(torch.tensor([token])) * model.scale
        if model.attends_before_cell:
            context = reference_attention(model, parts[0][0], states)
            x = torch.cat([x, context[None]], dim=1)
        elif model.has_input_feeding:
            x = torch.cat([x, previous], dim=1)
        if len(parts) == 2:
            parts = list(lstm_step(x, *parts, weights))
        else:
            parts = [gru_step(x, *parts, weights)]
        if not model.attends_before_cell:
            context = reference_attention(model, parts[0][0], states)
        previous = torch.tanh(torch.cat([context[None], parts[0]], dim=1) @ model.combine.weight.T)
        table = model.embedding.target_table
        logits.append((previous @ model.to_out_dim.weight.T) @ table.T + model.embedding.bias)
    return torch.cat(logits)


@every_kind
def test_logits_equal_reference_steps(model_settings: dict[str, Any]) -> None:
    model = make_attentive(**model_settings)
    actual = model(*make_pair(SOURCES[1:], TARGETS[1:])).logits()
    pairs = zip(SOURCES[1:], TARGETS[1:], strict=True)
    expected = torch.cat(
        [reference_logits(model, source, decoder_ids) for source, decoder_ids in pairs]
    )
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("model_settings", "stepwise"),
    [
        ({}, False),
        ({"attention": "concat"}, False),
        ({"input_feeding": True}, True),
        ({"attention": "additive"}, True),
    ],
)
def test_teacher_forcing_runs_steps_only_with_feedback(
    model_settings: dict[str, Any], stepwise: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_attentive(**model_settings)
    calls: list[int] = []
    step = model.decoder.step
    monkeypatch.setattr(model.decoder, "step", lambda *a: calls.append(1) or step(*a))
    pair = make_pair()
    model(*pair)
    assert len(calls) == (pair[2].shape[1] if stepwise else 0)


def test_stepwise_and_fused_forward_have_same_gradients() -> None:
    """By the fused layers, and with the loop over steps, which this model does not need."""
    model = make_model("attentive", layers=3, dropout=0.4)
    assert isinstance(model, Attentive)
    results = []
    for stepwise in (False, True):
        model.is_stepwise = stepwise
        model.zero_grad()
        torch.manual_seed(9)
        logits = model(*make_pair()).logits()
        logits.square().sum().backward()
        results.append([logits, *(p.grad.to_dense().clone() for p in model.parameters())])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)


def test_input_feeding_with_additive_attention_is_refused() -> None:
    with pytest.raises(ConfigError, match="additive attention feeds the decoder's cell already"):
        AttentiveConfig.parse({"attention": "additive", "input_feeding": True})


@pytest.mark.parametrize(
    ("model_settings", "own"),
    [
        ({"attention": "dot"}, set()),
        ({"attention": "general"}, {"key_projection.weight"}),
        (
            {"attention": "concat"},
            {
                "key_projection.weight",
                "key_projection.bias",
                "query_projection.weight",
                "score_projection.weight",
            },
        ),
    ],
)
def test_parameter_names_are_stable(model_settings: dict[str, Any], own: set[str]) -> None:
    kinds = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    layers = ("encoder.forwards.0", "encoder.backwards.0", "decoder.layers.0")
    expected = {f"{layer}.{kind}" for layer in layers for kind in kinds}
    expected |= {
        f"bridge.projections.{part}.{kind}" for part in (0, 1) for kind in ("weight", "bias")
    }
    expected |= {"embedding.target_table", "embedding.bias", "to_out_dim.weight", "combine.weight"}
    assert set(make_attentive(**model_settings).state_dict()) == expected | {
        f"attention.{name}" for name in own
    }


def test_source_is_stored_once_per_row() -> None:
    model = make_attentive(input_feeding=True)
    state = model.begin(*make_pair()[:2])
    wide = state.pick(torch.zeros(len(SOURCES), 4, dtype=torch.int64))
    assert wide.encoder is state.encoder
    assert wide.hidden.shape[:2] == (len(SOURCES), 4)
    assert wide.attentional is not None
    assert wide.attentional.shape == (len(SOURCES), 4, 8)
