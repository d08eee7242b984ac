"""Contracts of both recurrent encoder-decoders, one row per setting."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from munjang.errors import ConfigError
from munjang.text.vocabulary import EOS, GO
from munjang.training.optimizers import AdamW, ParameterGroup
from tests.synthetic import random_rows
from tests.unit.models.sequence_to_sequence.small_recurrent import (
    SMALL,
    SOURCES,
    TARGETS,
    WORDS,
    make_model,
    make_pair,
    run_steps,
)

pytestmark = pytest.mark.usefixtures("one_thread")

LUONG = [
    {"attention": attention, "cell": cell, "input_feeding": feeding}
    for attention in ("general", "dot", "concat")
    for cell in ("lstm", "gru")
    for feeding in (False, True)
]
BAHDANAU = [{"attention": "additive", "cell": cell} for cell in ("lstm", "gru")]
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "seq2seq": [
        {},
        {"cell": "gru"},
        {"reverse_source": False},
        {"directions": 2, "layers": 2},
        {"directions": 2, "cell": "gru", "reverse_source": False},
        {"layers": 3, "tie_embeddings": False},
        {"share_embeddings": False},
        {"dim": 8},
    ],
    "attentive": [
        *LUONG,
        *BAHDANAU,
        {"layers": 2, "directions": 1},
        {"layers": 2, "input_feeding": True, "cell": "gru", "directions": 1},
        {"layers": 2, "attention": "additive", "tie_embeddings": False, "share_embeddings": False},
        {"share_embeddings": False, "input_feeding": True, "dim": 8},
    ],
}


def parametrize_cases(model_settings: dict[str, list[dict[str, Any]]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("name", "model_settings"),
        [
            pytest.param(name, each, id="-".join([name, *(f"{k}={v}" for k, v in each.items())]))
            for name, rows in model_settings.items()
            for each in rows
        ],
    )


every_setting = parametrize_cases(SETTINGS)
ModelSettings = dict[str, Any]


@every_setting
def test_output_shapes(name: str, model_settings: ModelSettings) -> None:
    model = make_model(name, **model_settings)
    pair = make_pair(extra=2)
    projected = model(*pair)
    tokens = sum(len(row) for row in TARGETS)
    width = model.embedding.out_dim
    assert projected.states.shape == (tokens, width)
    assert projected.logits().shape == (tokens, WORDS)
    assert projected.logits().isfinite().all()
    stepped = model.step(model.begin(*pair[:2]), torch.full((len(SOURCES), 1), GO))
    assert stepped.logits.shape == (len(SOURCES), 1, WORDS)


@every_setting
def test_teacher_forcing_equals_steps(name: str, model_settings: ModelSettings) -> None:
    model = make_model(name, **model_settings).eval()
    pair = make_pair(extra=1)
    expected, _ = run_steps(model, pair)
    actual = model(*pair).logits()
    torch.testing.assert_close(actual, expected[pair[3]], atol=1e-5, rtol=1e-4)


@every_setting
def test_teacher_forcing_and_steps_have_same_gradients(
    name: str, model_settings: ModelSettings
) -> None:
    model = make_model(name, **model_settings)
    pair = make_pair(extra=1)
    expected, actual = run_steps(model, pair)[0][pair[3]], model(*pair).logits()
    weights = torch.randn_like(actual)
    names, parameters = zip(*model.named_parameters(), strict=True)
    mine = torch.autograd.grad((actual * weights).sum(), parameters)
    theirs = torch.autograd.grad((expected * weights).sum(), parameters)
    for key, a, b in zip(names, mine, theirs, strict=True):
        torch.testing.assert_close(
            a.to_dense(), b.to_dense(), atol=2e-5, rtol=1e-4, msg=lambda m, p=key: f"{p}: {m}"
        )


some_ids = st.lists(st.integers(1, WORDS - 1), max_size=7)
some_pairs = st.lists(st.tuples(some_ids, some_ids.map(lambda ids: [GO, *ids])), max_size=4)


@every_setting
@settings(max_examples=3)
@given(pairs=some_pairs, extra=st.integers(0, 4), filler=st.integers(0, WORDS - 1))
def test_logits_do_not_depend_on_padding_or_batch(
    name: str,
    model_settings: ModelSettings,
    pairs: list[tuple[list[int], list[int]]],
    extra: int,
    filler: int,
) -> None:
    model = make_model(name, **model_settings).eval()
    sources, targets = zip(*[*pairs, ([], [GO, 4]), ([5], [GO]), ([6, 7], TARGETS[3])], strict=True)
    batched = model(*make_pair(sources, targets, extra=extra, filler=filler)).logits()
    of_rows = batched.split([len(target) for target in targets])
    for source, target, logits in zip(sources, targets, of_rows, strict=True):
        single = model(*make_pair([source], [target])).logits()
        torch.testing.assert_close(logits, single, atol=1e-5, rtol=1e-4)


@every_setting
def test_steps_do_not_depend_on_padding(name: str, model_settings: ModelSettings) -> None:
    model = make_model(name, **model_settings).eval()
    tight, loose = make_pair(), make_pair(extra=3, filler=9)
    expected, _ = run_steps(model, tight)
    actual, _ = run_steps(model, loose)
    mask = tight[3]
    torch.testing.assert_close(
        actual[:, : mask.shape[1]][mask], expected[mask], atol=1e-5, rtol=1e-4
    )


@every_setting
def test_gradient_reaches_every_parameter(name: str, model_settings: ModelSettings) -> None:
    model = make_model(name, **model_settings)
    projected = model(*make_pair())
    projected.loss(torch.randint(4, WORDS, (len(projected.states),))).backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.to_dense().abs().max() > 0, key
        assert parameter.grad.to_dense().isfinite().all(), key


@every_setting
def test_empty_sources_give_finite_outputs_and_gradients(
    name: str, model_settings: ModelSettings
) -> None:
    model = make_model(name, **model_settings)
    projected = model(*make_pair([[], []], [[GO, 4], [GO]]))
    projected.loss(torch.tensor([4, EOS, EOS])).backward()
    assert projected.states.isfinite().all()
    for key, parameter in model.named_parameters():
        if parameter.grad is not None:
            assert parameter.grad.to_dense().isfinite().all(), key


@every_setting
def test_saved_and_loaded_model_gives_same_logits(
    name: str, model_settings: ModelSettings, tmp_path: Path
) -> None:
    first, second = (make_model(name, seed=seed, **model_settings).eval() for seed in (1, 2))
    pair = make_pair()
    before = first(*pair).logits()
    assert not torch.equal(before, second(*pair).logits())
    save_file(first.state_dict(), tmp_path / "weights.safetensors")
    second.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(second(*pair).logits(), before)


@every_setting
def test_same_seed_gives_bitwise_equal_forward(name: str, model_settings: ModelSettings) -> None:
    one, other = (
        make_model(name, dropout=0.4, seed=5, scheduled_sampling=0.5, **model_settings)(
            *make_pair()
        ).logits()
        for _ in range(2)
    )
    assert torch.equal(one, other)


@every_setting
def test_hypotheses_are_independent(name: str, model_settings: ModelSettings) -> None:
    """Picked, reordered and kept, each goes on as if it had been alone from the beginning."""
    model = make_model(name, **model_settings).eval()
    source, mask = make_pair()[:2]
    state = model.step(model.begin(source, mask), torch.full((len(SOURCES), 1), GO)).state
    state = state.pick(torch.zeros(len(SOURCES), 3, dtype=torch.int64))
    first = torch.tensor([[4, 5, 6]]).expand(len(SOURCES), 3)
    state = model.step(state, first).state
    parents = torch.tensor([[2, 0], [1, 1], [0, 1], [2, 2], [1, 0], [0, 2]])
    kept = torch.tensor([4, 0, 3])
    second = torch.tensor([[7, 8]]).expand(3, 2)
    stepped = model.step(state.pick(parents).keep(kept), second)
    assert stepped.logits.shape == (3, 2, WORDS)
    for index, row in enumerate(kept.tolist()):
        for beam in range(2):
            ids = [GO, int(first[row, parents[row, beam]]), int(second[0, beam])]
            alone = make_pair([SOURCES[row]], [ids])
            torch.testing.assert_close(
                stepped.logits[index, beam], model(*alone).logits()[-1], atol=1e-5, rtol=1e-4
            )


@every_setting
def test_step_does_not_modify_its_state(name: str, model_settings: ModelSettings) -> None:
    model = make_model(name, **model_settings).eval()
    state = model.begin(*make_pair()[:2])
    ids = torch.full((len(SOURCES), 1), GO)
    before = model.step(state, ids).logits
    model.step(model.step(state, ids).state, ids + 5)
    state.pick(torch.zeros(len(SOURCES), 2, dtype=torch.int64))
    assert torch.equal(model.step(state, ids).logits, before)


@every_setting
def test_step_without_rows(name: str, model_settings: ModelSettings) -> None:
    model = make_model(name, **model_settings).eval()
    state = model.begin(*make_pair()[:2]).keep(torch.zeros(0, dtype=torch.int64))
    stepped = model.step(state, torch.zeros(0, 1, dtype=torch.int64))
    assert stepped.logits.shape == (0, 1, WORDS)


@every_setting
def test_autocast_trains(name: str, model_settings: ModelSettings) -> None:
    model = make_model(name, dropout=0.2, **model_settings)
    exact = model.eval()(*make_pair()).logits()
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(*make_pair())
    torch.testing.assert_close(rough.logits(), exact, atol=0.1, rtol=0.1)
    with torch.autocast("cpu", torch.bfloat16):
        projected = model.train()(*make_pair())
        loss = projected.loss(torch.full((len(projected.states),), 5))
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.decoder.parameters())


LEARNERS = {
    "seq2seq": [{}, {"cell": "gru"}, {"directions": 2, "layers": 2}],
    "attentive": [*LUONG, *BAHDANAU],
}


@parametrize_cases(LEARNERS)
def test_overfits_few_pairs(name: str, model_settings: ModelSettings) -> None:
    sources = random_rows(4, vocabulary=WORDS, shortest=3, longest=4)
    targets = random_rows(4, vocabulary=WORDS, shortest=2, longest=3, seed=4)
    pair = make_pair(sources, [[GO, *row] for row in targets])
    expected = torch.tensor([token for row in targets for token in [*row, EOS]])
    model = make_model(name, **{**model_settings, "dim": 8, "hidden_dim": 16})
    optimizer = AdamW([ParameterGroup(list(model.parameters()), 0.05)])
    for _ in range(40):
        model.zero_grad()
        model(*pair).loss(expected).backward()
        optimizer.step()
    projected = model.eval()(*pair)
    assert projected.loss(expected).item() < 0.05
    assert torch.equal(projected.logits().argmax(1), expected)


@pytest.mark.parametrize("name", SETTINGS)
def test_scheduled_sampling_uses_predictions_in_training_only(name: str) -> None:
    plain, sampled = make_model(name), make_model(name, scheduled_sampling=1.0)
    pair = make_pair()
    assert torch.equal(sampled.eval()(*pair).logits(), plain.eval()(*pair).logits())
    sampled.train()
    predictions = plain(*pair).logits().argmax(1).tolist()
    own = []
    for row in TARGETS:
        targets = [predictions.pop(0) for _ in row]
        own.append([GO, *targets[:-1]])
    expected = plain(*make_pair(SOURCES, own)).logits()
    torch.testing.assert_close(sampled(*pair).logits(), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", SETTINGS)
def test_scheduled_sampling_gradient_reaches_every_parameter(name: str) -> None:
    sampled = make_model(name, scheduled_sampling=0.5)
    sampled(*make_pair()).logits().sum().backward()
    assert all(parameter.grad is not None for parameter in sampled.parameters())


@pytest.mark.parametrize("name", SETTINGS)
def test_dropout_is_active_in_training_only(name: str) -> None:
    model = make_model(name, dropout=0.5)
    pair = make_pair()
    assert not torch.equal(model(*pair).logits(), model(*pair).logits())
    model.eval()
    assert torch.equal(model(*pair).logits(), model(*pair).logits())


@pytest.mark.parametrize("name", SETTINGS)
def test_sides_may_have_separate_vocabularies(name: str) -> None:
    model = make_model(name, sources=40)
    assert model.embedding.source_table is not None
    assert model.embedding.source_table.shape[0] == 40
    assert model(*make_pair([[39, 4]], [[GO, WORDS - 1]])).logits().shape == (2, WORDS)
    assert make_model(name).embedding.source_table is None


@pytest.mark.parametrize("name", SETTINGS)
def test_odd_hidden_dim_with_two_directions_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="9 is odd"):
        make_model(name, **{**SMALL, "hidden_dim": 9, "directions": 2})
    make_model(name, **{**SMALL, "hidden_dim": 9, "directions": 1})
