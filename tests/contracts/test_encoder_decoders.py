"""Contracts of every encoder-decoder of the registry, one row per setting."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from munjang.data.pairs.dataset import PairBatch, PairDataset
from munjang.decoding.constraints import max_steps
from munjang.decoding.continuous import ContinuousBatch
from munjang.decoding.decode import decode_sources
from munjang.decoding.settings import DecodingSettings
from munjang.models.attention_weights import Attends
from munjang.models.sequence_to_sequence.model import Vocabularies
from munjang.text.vocabulary import EOS
from munjang.training.optimizers import AdamW, ParameterGroup
from tests.architectures import PAIR_ARCHITECTURES, build_encoder_decoder, pair_config
from tests.synthetic import make_column, pad_rows

pytestmark = pytest.mark.usefixtures("one_thread")

SIZE = 13
SMALL = {"dim": 8, "hidden_dim": 8, "heads": 2, "layers": 1}
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "seq2seq": [
        {},
        {"cell": "gru", "reverse_source": False},
        {"layers": 2, "directions": 2},
        {"tie_embeddings": False, "share_embeddings": False, "hidden_dim": 6},
    ],
    "attentive": [
        {},
        {"cell": "gru", "attention": "dot"},
        {"attention": "concat", "layers": 2},
        {"attention": "additive", "directions": 1},
        {"input_feeding": True},
        {"tie_embeddings": False, "hidden_dim": 6},
    ],
    "transformer": [
        {},
        {"norm": "post", "layers": 2},
        {"positions": "sinusoidal", "decoder_layers": 2},
        {"positions": "learned", "activation": "gelu"},
        {"tie_embeddings": False, "share_embeddings": False, "feed_forward_dim": 5},
    ],
}
CASES = [
    pytest.param(
        name, model_settings, id="-".join([name, *(f"{k}={v}" for k, v in model_settings.items())])
    )
    for name in PAIR_ARCHITECTURES
    for model_settings in SETTINGS.get(name, [{}])
]
every_model = pytest.mark.parametrize(("name", "model_settings"), CASES)

Rows = list[list[int]]


def make_model(
    name: str, model_settings: dict[str, Any], *, dropout: float = 0.0, seed: int = 3
) -> Any:
    """A small encoder-decoder in training mode, every dropout at the share given."""
    fields = PAIR_ARCHITECTURES[name].config_class().model_fields
    small = {key: value for key, value in SMALL.items() if key in fields}
    dropouts = {key: dropout for key in fields if key.endswith("dropout")}
    config = pair_config({"name": name, **small, **dropouts, **model_settings})
    torch.manual_seed(seed)
    return build_encoder_decoder(config, Vocabularies(SIZE, SIZE, shared=True))


def random_rows(count: int, seed: int) -> Rows:
    random = np.random.default_rng(seed)
    return [random.integers(4, SIZE, random.integers(1, 9)).tolist() for _ in range(count)]


def make_dataset(sources: Rows, targets: Rows) -> PairDataset:
    return PairDataset(make_column(sources), make_column(targets))


def make_batch(sources: Rows, targets: Rows) -> PairBatch:
    return next(make_dataset(sources, targets).in_order_of_length(len(sources)))


def pad_with_extra(rows: Rows, wider: int = 0) -> tuple[Tensor, Tensor]:
    """Ids and mask [rows, time], with so many columns of padding more than needed."""
    return pad_rows(rows, extra=wider)


SOURCES, TARGETS = random_rows(6, 0), random_rows(6, 1)


def logits_by_row(model: nn.Module, batch: PairBatch) -> dict[int, Tensor]:
    """Logits of each row's real tokens, [tokens, vocabulary]."""
    with torch.inference_mode():
        logits = model(*batch.inputs).logits()
    parts = logits.split(batch.decoder_mask.sum(1).tolist())
    return dict(zip(batch.rows.tolist(), parts, strict=True))


def test_every_architecture_has_a_case() -> None:
    assert {case.values[0] for case in CASES} == set(PAIR_ARCHITECTURES) == set(SETTINGS)


@every_model
def test_logits_do_not_depend_on_batch_order_or_padding(
    name: str, model_settings: dict[str, Any]
) -> None:
    model = make_model(name, model_settings).eval()
    batched = logits_by_row(model, make_batch(SOURCES, TARGETS))
    for row in range(len(SOURCES)):
        single = logits_by_row(model, make_batch([SOURCES[row]], [TARGETS[row]]))[0]
        torch.testing.assert_close(batched[row], single, atol=1e-5, rtol=1e-4)


@every_model
def test_empty_source_gives_finite_logits(name: str, model_settings: dict[str, Any]) -> None:
    model = make_model(name, model_settings).eval()
    for logits in logits_by_row(model, make_batch([[], [5]], [[6], []])).values():
        assert logits.isfinite().all()


@every_model
def test_decoder_is_causal(name: str, model_settings: dict[str, Any]) -> None:
    model = make_model(name, model_settings).eval()
    one = logits_by_row(model, make_batch([[4, 5, 6]], [[7, 8, 9, 10]]))[0]
    other = logits_by_row(model, make_batch([[4, 5, 6]], [[7, 8, 11, 12]]))[0]
    torch.testing.assert_close(one[:3], other[:3])
    assert not torch.allclose(one[3], other[3])


@every_model
def test_step_equals_teacher_forcing(name: str, model_settings: dict[str, Any]) -> None:
    model = make_model(name, model_settings).eval()
    batch = make_batch(SOURCES, TARGETS)
    whole = logits_by_row(model, batch)
    with torch.inference_mode():
        state = model.begin(batch.source, batch.source_mask)
        state = state.pick(torch.zeros(len(SOURCES), 2, dtype=torch.int64))
        for index in range(batch.decoder_inputs.shape[1]):
            stepped = model.step(state, batch.decoder_inputs[:, index : index + 1].expand(-1, 2))
            state = stepped.state
            for number, row in enumerate(batch.rows.tolist()):
                if batch.decoder_mask[number, index]:
                    for beam in range(2):
                        torch.testing.assert_close(
                            stepped.logits[number, beam], whole[row][index], atol=1e-5, rtol=1e-4
                        )


@every_model
def test_state_pick_and_keep_select_hypotheses_and_rows(
    name: str, model_settings: dict[str, Any]
) -> None:
    model = make_model(name, model_settings).eval()
    batch = make_batch(SOURCES, TARGETS)
    random = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        state = model.begin(batch.source, batch.source_mask).pick(torch.zeros(6, 3).long())
        first = torch.randint(4, SIZE, (6, 3), generator=random)
        state = model.step(state, first).state
        parents = torch.randint(0, 3, (6, 2), generator=random)
        kept = torch.tensor([4, 1])
        ids = torch.randint(4, SIZE, (6, 3), generator=random)
        full = model.step(state, ids).logits
        some = model.step(state.pick(parents).keep(kept), ids.gather(1, parents)[kept]).logits
    expected = full.gather(1, parents[..., None].expand(-1, -1, SIZE))[kept]
    torch.testing.assert_close(some, expected, atol=1e-5, rtol=1e-4)


@every_model
@settings(max_examples=3)
@given(seed=st.integers(0, 999), wider=st.integers(0, 3))
def test_state_join_gives_same_logits_as_separate_states(
    name: str, model_settings: dict[str, Any], seed: int, wider: int
) -> None:
    """Three groups of rows, of other lengths, each two steps later; then some of all are kept.

    Every hypothesis is compared with one that is alone from the beginning, without any padding.
    """
    model = make_model(name, model_settings, seed=seed % 7).eval()
    random = torch.Generator().manual_seed(seed)
    sources = [*random_rows(4, seed), [], *random_rows(1, seed + 1)]
    alone: list[list[Any]] = []
    state: Any = None
    with torch.inference_mode():
        for group in (sources[:2], sources[2:4], sources[4:]):
            new = model.begin(*pad_with_extra(group, wider)).pick(
                torch.zeros(2, 2, dtype=torch.int64)
            )
            state = new if state is None else state.join([new])
            alone += [[model.begin(*pad_with_extra([source]))] * 2 for source in group]
            for _ in range(2):
                state, alone = _step_and_compare(model, state, alone, sources, random)
                parents = torch.randint(0, 2, (len(alone), 2), generator=random)
                state = state.pick(parents)
                rows = zip(alone, parents.tolist(), strict=True)
                alone = [[row[parent] for parent in some] for row, some in rows]
        for kept in ([5, 1, 2], [2, 0]):
            state = state.keep(torch.tensor(kept))
            sources, alone = [sources[k] for k in kept], [alone[k] for k in kept]
            state, alone = _step_and_compare(model, state, alone, sources, random)


def _step_and_compare(
    model: Any, state: Any, single: list[list[Any]], sources: Rows, random: torch.Generator
) -> tuple[Any, list[list[Any]]]:
    """The states after a random token, of all rows together and of each hypothesis alone."""
    ids = torch.randint(4, SIZE, (len(single), 2), generator=random)
    batched, after = model.step(state, ids), []
    for row, hypotheses in enumerate(single):
        outputs = [model.step(h, ids[row, i].view(1, 1)) for i, h in enumerate(hypotheses)]
        after.append([output.state for output in outputs])
        logits = torch.cat([output.logits[0] for output in outputs])
        torch.testing.assert_close(batched.logits[row], logits, atol=1e-5, rtol=1e-4)
        if batched.attention is not None and sources[row]:
            length = len(sources[row])
            attention = torch.cat([output.attention[0] for output in outputs])
            torch.testing.assert_close(
                batched.attention[row, :, :length], attention, atol=1e-5, rtol=1e-4
            )
            assert not batched.attention[row, :, length:].any()
    return batched.state, after


@every_model
@pytest.mark.parametrize("method", [{"method": "greedy"}, {"method": "sample", "nbest": 2}])
def test_continuous_batch_gives_same_answers_as_single_rows(
    name: str, model_settings: dict[str, Any], method: dict[str, Any]
) -> None:
    model = make_model(name, model_settings).eval()
    options = DecodingSettings.parse({**method, "max_length": 6, "min_length": 2})
    batch = ContinuousBatch(model.step, options, seed=3)
    finished: dict[int, Any] = {}
    for source in SOURCES:
        ids, mask = pad_with_extra([source])
        batch.join(model.begin(ids, mask), max_steps(mask.sum(1), options))
        finished.update(batch.step().finished)
    for step in batch:
        finished.update(step.finished)
    assert sorted(finished) == list(range(len(SOURCES)))
    for row, source in enumerate(SOURCES):
        [alone] = decode_sources(model, *pad_with_extra([source]), options, seed=3, rows=[row])
        assert [h.ids for h in alone] == [h.ids for h in finished[row]]
        scores = [h.score for h in finished[row]]
        assert [h.score for h in alone] == pytest.approx(scores, abs=1e-4)


@every_model
def test_attention_sums_to_one_and_ignores_padding(
    name: str, model_settings: dict[str, Any]
) -> None:
    model = make_model(name, model_settings).eval()
    batch = make_batch(SOURCES, TARGETS)
    attends = pair_config({"name": name}).has_attention
    with torch.inference_mode():
        maps = []
        if isinstance(model, Attends):
            projected, maps = model.forward_with_attention(*batch.inputs)
            torch.testing.assert_close(projected.logits(), model(*batch.inputs).logits())
        stepped = model.step(
            model.begin(batch.source, batch.source_mask), batch.decoder_inputs[:, :1]
        )
    assert bool(maps) == attends == (stepped.attention is not None)
    for layer in maps:
        keys = batch.decoder_mask if layer.kind == "target" else batch.source_mask
        queries = batch.source_mask if layer.kind == "source" else batch.decoder_mask
        assert not layer.weights.masked_select(~keys[:, None, None, :]).any()
        sums = layer.weights.sum(-1)
        expected = queries[:, None].expand_as(sums).float()
        torch.testing.assert_close(sums, expected)
    if stepped.attention is not None:
        cross = [layer.weights[:, :, 0] for layer in maps if layer.kind == "cross"]
        assert any(torch.allclose(c.mean(1), stepped.attention[:, 0], atol=1e-5) for c in cross)


@every_model
def test_gradient_reaches_every_parameter(name: str, model_settings: dict[str, Any]) -> None:
    model = make_model(name, model_settings)
    batch = make_batch([*SOURCES, [4]], [*TARGETS, [5, 6]])
    model(*batch.inputs).loss(batch.targets, 0.1).backward()
    for key, weight in model.named_parameters():
        if weight.numel() and not key.endswith("places"):
            assert weight.grad is not None, key
            gradient = weight.grad.to_dense()
            assert gradient.isfinite().all(), key
            assert gradient.any(), key


@every_model
def test_saved_and_loaded_model_gives_same_logits(
    name: str, model_settings: dict[str, Any], tmp_path: Path
) -> None:
    model = make_model(name, model_settings).eval()
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, tmp_path / "m")
    other = make_model(name, model_settings, seed=4).eval()
    other.load_state_dict(load_file(tmp_path / "m"))
    batch = make_batch(SOURCES, TARGETS)
    one, two = logits_by_row(model, batch), logits_by_row(other, batch)
    assert all(torch.equal(one[row], two[row]) for row in one)


@every_model
def test_overfits_small_batch_and_generates_it(name: str, model_settings: dict[str, Any]) -> None:
    model = make_model(name, {**model_settings, "dim": 16, **_wide_settings(name)})
    batch = make_batch(SOURCES, TARGETS)
    optimizer = AdamW([ParameterGroup(list(model.parameters()), 0.01)])
    for _ in range(300):
        for weight in model.parameters():
            weight.grad = None
        loss = model(*batch.inputs).loss(batch.targets)
        loss.backward()
        optimizer.step()
        if loss.item() < 0.02:
            break
    assert loss.item() < 0.02
    result = decode_sources(model.eval(), batch.source, batch.source_mask, DecodingSettings(beam=3))
    answers = {
        row: list(best[0].ids) for row, best in zip(batch.rows.tolist(), result, strict=True)
    }
    assert answers == dict(enumerate(TARGETS))


def _wide_settings(name: str) -> dict[str, Any]:
    return {} if name == "transformer" else {"hidden_dim": 16}


@every_model
@settings(max_examples=5)
@given(seed=st.integers(0, 99))
def test_decoding_ends_and_does_not_depend_on_batch(
    name: str, model_settings: dict[str, Any], seed: int
) -> None:
    model = make_model(name, model_settings, seed=seed).eval()
    batch = make_batch(random_rows(5, seed), [[4]] * 5)
    limits = DecodingSettings(beam=3, max_length=7)
    batched = decode_sources(model, batch.source, batch.source_mask, limits)
    for row, best in enumerate(batched):
        assert all(len(h.ids) <= 7 and EOS not in h.ids for h in best)
        mask = batch.source_mask[row]
        single = decode_sources(model, batch.source[row, mask][None], mask[mask][None], limits)[0]
        assert [h.ids for h in single] == [h.ids for h in best]
        assert [h.score for h in single] == pytest.approx([h.score for h in best], abs=1e-4)
