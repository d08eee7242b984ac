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
from tests.made import random_rows
from tests.unit.models.sequence_to_sequence.small_recurrent import (
    SMALL,
    SOURCES,
    TARGETS,
    WORDS,
    by_steps,
    make,
    pair_of,
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


def cases(chosen: dict[str, list[dict[str, Any]]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("name", "chosen"),
        [
            pytest.param(name, each, id="-".join([name, *(f"{k}={v}" for k, v in each.items())]))
            for name, rows in chosen.items()
            for each in rows
        ],
    )


every_setting = cases(SETTINGS)
Chosen = dict[str, Any]


@every_setting
def test_shapes(name: str, chosen: Chosen) -> None:
    model = make(name, **chosen)
    pair = pair_of(extra=2)
    projected = model(*pair)
    tokens = sum(len(row) for row in TARGETS)
    width = model.embedding.out_dim
    assert projected.states.shape == (tokens, width)
    assert projected.logits().shape == (tokens, WORDS)
    assert projected.logits().isfinite().all()
    stepped = model.step(model.begin(*pair[:2]), torch.full((len(SOURCES), 1), GO))
    assert stepped.logits.shape == (len(SOURCES), 1, WORDS)


@every_setting
def test_teacher_forcing_is_the_steps(name: str, chosen: Chosen) -> None:
    model = make(name, **chosen).eval()
    pair = pair_of(extra=1)
    expected, _ = by_steps(model, pair)
    found = model(*pair).logits()
    torch.testing.assert_close(found, expected[pair[3]], atol=1e-5, rtol=1e-4)


@every_setting
def test_teacher_forcing_has_the_gradients_of_the_steps(name: str, chosen: Chosen) -> None:
    model = make(name, **chosen)
    pair = pair_of(extra=1)
    expected, found = by_steps(model, pair)[0][pair[3]], model(*pair).logits()
    weights = torch.randn_like(found)
    names, parameters = zip(*model.named_parameters(), strict=True)
    mine = torch.autograd.grad((found * weights).sum(), parameters)
    theirs = torch.autograd.grad((expected * weights).sum(), parameters)
    for place, a, b in zip(names, mine, theirs, strict=True):
        torch.testing.assert_close(
            a.to_dense(), b.to_dense(), atol=2e-5, rtol=1e-4, msg=lambda m, p=place: f"{p}: {m}"
        )


some_ids = st.lists(st.integers(1, WORDS - 1), max_size=7)
some_pairs = st.lists(st.tuples(some_ids, some_ids.map(lambda ids: [GO, *ids])), max_size=4)


@every_setting
@settings(max_examples=3)
@given(pairs=some_pairs, extra=st.integers(0, 4), filler=st.integers(0, WORDS - 1))
def test_padding_and_neighbors_never_change_an_answer(
    name: str, chosen: Chosen, pairs: list[tuple[list[int], list[int]]], extra: int, filler: int
) -> None:
    model = make(name, **chosen).eval()
    sources, targets = zip(*[*pairs, ([], [GO, 4]), ([5], [GO]), ([6, 7], TARGETS[3])], strict=True)
    together = model(*pair_of(sources, targets, extra=extra, filler=filler)).logits()
    of_rows = together.split([len(target) for target in targets])
    for source, target, logits in zip(sources, targets, of_rows, strict=True):
        alone = model(*pair_of([source], [target])).logits()
        torch.testing.assert_close(logits, alone, atol=1e-5, rtol=1e-4)


@every_setting
def test_padding_changes_no_step(name: str, chosen: Chosen) -> None:
    model = make(name, **chosen).eval()
    tight, loose = pair_of(), pair_of(extra=3, filler=9)
    expected, _ = by_steps(model, tight)
    found, _ = by_steps(model, loose)
    mask = tight[3]
    torch.testing.assert_close(
        found[:, : mask.shape[1]][mask], expected[mask], atol=1e-5, rtol=1e-4
    )


@every_setting
def test_a_gradient_reaches_every_parameter(name: str, chosen: Chosen) -> None:
    model = make(name, **chosen)
    projected = model(*pair_of())
    projected.loss(torch.randint(4, WORDS, (len(projected.states),))).backward()
    for place, parameter in model.named_parameters():
        assert parameter.grad is not None, place
        assert parameter.grad.to_dense().abs().max() > 0, place
        assert parameter.grad.to_dense().isfinite().all(), place


@every_setting
def test_empty_sources_alone_are_finite_and_give_no_gradient_trouble(
    name: str, chosen: Chosen
) -> None:
    model = make(name, **chosen)
    projected = model(*pair_of([[], []], [[GO, 4], [GO]]))
    projected.loss(torch.tensor([4, EOS, EOS])).backward()
    assert projected.states.isfinite().all()
    for place, parameter in model.named_parameters():
        if parameter.grad is not None:
            assert parameter.grad.to_dense().isfinite().all(), place


@every_setting
def test_saved_and_loaded_it_gives_the_same_answers(
    name: str, chosen: Chosen, tmp_path: Path
) -> None:
    first, second = (make(name, seed=seed, **chosen).eval() for seed in (1, 2))
    pair = pair_of()
    before = first(*pair).logits()
    assert not torch.equal(before, second(*pair).logits())
    save_file(first.state_dict(), tmp_path / "weights.safetensors")
    second.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(second(*pair).logits(), before)


@every_setting
def test_the_same_seed_gives_the_same_run_bit_for_bit(name: str, chosen: Chosen) -> None:
    one, other = (
        make(name, dropout=0.4, seed=5, scheduled_sampling=0.5, **chosen)(*pair_of()).logits()
        for _ in range(2)
    )
    assert torch.equal(one, other)


@every_setting
def test_hypotheses_never_change_one_another(name: str, chosen: Chosen) -> None:
    """Picked, reordered and kept, each goes on as if it had been alone from the beginning."""
    model = make(name, **chosen).eval()
    source, mask = pair_of()[:2]
    state = model.step(model.begin(source, mask), torch.full((len(SOURCES), 1), GO)).state
    state = state.pick(torch.zeros(len(SOURCES), 3, dtype=torch.int64))
    first = torch.tensor([[4, 5, 6]]).expand(len(SOURCES), 3)
    state = model.step(state, first).state
    parents = torch.tensor([[2, 0], [1, 1], [0, 1], [2, 2], [1, 0], [0, 2]])
    kept = torch.tensor([4, 0, 3])
    second = torch.tensor([[7, 8]]).expand(3, 2)
    stepped = model.step(state.pick(parents).keep(kept), second)
    assert stepped.logits.shape == (3, 2, WORDS)
    for place, row in enumerate(kept.tolist()):
        for beam in range(2):
            ids = [GO, int(first[row, parents[row, beam]]), int(second[0, beam])]
            alone = pair_of([SOURCES[row]], [ids])
            torch.testing.assert_close(
                stepped.logits[place, beam], model(*alone).logits()[-1], atol=1e-5, rtol=1e-4
            )


@every_setting
def test_a_step_leaves_the_state_it_was_given(name: str, chosen: Chosen) -> None:
    model = make(name, **chosen).eval()
    state = model.begin(*pair_of()[:2])
    ids = torch.full((len(SOURCES), 1), GO)
    before = model.step(state, ids).logits
    model.step(model.step(state, ids).state, ids + 5)
    state.pick(torch.zeros(len(SOURCES), 2, dtype=torch.int64))
    assert torch.equal(model.step(state, ids).logits, before)


@every_setting
def test_a_state_of_no_rows_can_step(name: str, chosen: Chosen) -> None:
    model = make(name, **chosen).eval()
    state = model.begin(*pair_of()[:2]).keep(torch.zeros(0, dtype=torch.int64))
    stepped = model.step(state, torch.zeros(0, 1, dtype=torch.int64))
    assert stepped.logits.shape == (0, 1, WORDS)


@every_setting
def test_autocast_trains(name: str, chosen: Chosen) -> None:
    model = make(name, dropout=0.2, **chosen)
    exact = model.eval()(*pair_of()).logits()
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(*pair_of())
    torch.testing.assert_close(rough.logits(), exact, atol=0.1, rtol=0.1)
    with torch.autocast("cpu", torch.bfloat16):
        projected = model.train()(*pair_of())
        loss = projected.loss(torch.full((len(projected.states),), 5))
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.decoder.parameters())


LEARNERS = {
    "seq2seq": [{}, {"cell": "gru"}, {"directions": 2, "layers": 2}],
    "attentive": [*LUONG, *BAHDANAU],
}


@cases(LEARNERS)
def test_a_handful_of_pairs_is_learned_to_near_zero_loss(name: str, chosen: Chosen) -> None:
    sources = random_rows(4, vocabulary=WORDS, shortest=3, longest=4)
    targets = random_rows(4, vocabulary=WORDS, shortest=2, longest=3, seed=4)
    pair = pair_of(sources, [[GO, *row] for row in targets])
    wanted = torch.tensor([token for row in targets for token in [*row, EOS]])
    model = make(name, **{**chosen, "dim": 8, "hidden_dim": 16})
    optimizer = AdamW([ParameterGroup(list(model.parameters()), 0.05)])
    for _ in range(40):
        model.zero_grad()
        model(*pair).loss(wanted).backward()
        optimizer.step()
    projected = model.eval()(*pair)
    assert projected.loss(wanted).item() < 0.05
    assert torch.equal(projected.logits().argmax(1), wanted)


@pytest.mark.parametrize("name", SETTINGS)
def test_scheduled_sampling_reads_its_own_predictions_in_training_only(name: str) -> None:
    plain, sampled = make(name), make(name, scheduled_sampling=1.0)
    pair = pair_of()
    assert torch.equal(sampled.eval()(*pair).logits(), plain.eval()(*pair).logits())
    sampled.train()
    predictions = plain(*pair).logits().argmax(1).tolist()
    own = []
    for row in TARGETS:
        targets = [predictions.pop(0) for _ in row]
        own.append([GO, *targets[:-1]])
    expected = plain(*pair_of(SOURCES, own)).logits()
    torch.testing.assert_close(sampled(*pair).logits(), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_gradient_goes_through_the_second_pass_alone(name: str) -> None:
    sampled = make(name, scheduled_sampling=0.5)
    sampled(*pair_of()).logits().sum().backward()
    assert all(parameter.grad is not None for parameter in sampled.parameters())


@pytest.mark.parametrize("name", SETTINGS)
def test_dropout_drops_in_training_only(name: str) -> None:
    model = make(name, dropout=0.5)
    pair = pair_of()
    assert not torch.equal(model(*pair).logits(), model(*pair).logits())
    model.eval()
    assert torch.equal(model(*pair).logits(), model(*pair).logits())


@pytest.mark.parametrize("name", SETTINGS)
def test_each_side_may_have_a_vocabulary_of_its_own(name: str) -> None:
    model = make(name, sources=40)
    assert model.embedding.source_table is not None
    assert model.embedding.source_table.shape[0] == 40
    assert model(*pair_of([[39, 4]], [[GO, WORDS - 1]])).logits().shape == (2, WORDS)
    assert make(name).embedding.source_table is None


@pytest.mark.parametrize("name", SETTINGS)
def test_an_odd_width_is_not_shared_by_two_directions(name: str) -> None:
    with pytest.raises(ConfigError, match="9 is odd"):
        make(name, **{**SMALL, "hidden_dim": 9, "directions": 2})
    make(name, **{**SMALL, "hidden_dim": 9, "directions": 1})
