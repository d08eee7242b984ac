"""The plain encoder-decoder: which way it reads, what it hands over, what its weights are named."""

import pytest
import torch

from munjang.models.attention_weights import Attends
from munjang.models.sequence_to_sequence.seq2seq import Seq2Seq, Seq2SeqConfig
from tests.unit.models.sequence_to_sequence.small_recurrent import (
    SOURCES,
    TARGETS,
    make_model,
    make_pair,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def copy_model(model: Seq2Seq, **model_settings: object) -> Seq2Seq:
    """Another setting with the same weights."""
    other = make_model("seq2seq", **model_settings)
    other.load_state_dict(model.state_dict())
    assert isinstance(other, Seq2Seq)
    return other


@pytest.mark.parametrize("directions", [1, 2])
def test_reverse_source_equals_reversed_ids(directions: int) -> None:
    model = make_model("seq2seq", reverse_source=True, directions=directions)
    assert isinstance(model, Seq2Seq)
    straight = copy_model(model, reverse_source=False, directions=directions)
    backwards = [row[::-1] for row in SOURCES]
    result = model(*make_pair(extra=2, filler=7)).logits()
    torch.testing.assert_close(
        result, straight(*make_pair(backwards)).logits(), atol=1e-6, rtol=1e-5
    )
    assert not torch.allclose(result, straight(*make_pair()).logits(), atol=1e-3)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_one_direction_passes_final_state_unchanged(cell: str) -> None:
    model = make_model("seq2seq", cell=cell, layers=2, reverse_source=False)
    assert isinstance(model, Seq2Seq)
    state = model.begin(*make_pair()[:2])
    for row, ids in enumerate(SOURCES):
        if not ids:
            assert not state.hidden[row].any()
            continue
        below = model.embedding.embed_source(torch.tensor([ids])) * model.scale
        for layer, stacked in enumerate(model.encoder.forwards):
            below, end = stacked(below)
            parts = end if isinstance(end, tuple) else (end,)
            expected = torch.stack([part[0, 0] for part in parts])
            torch.testing.assert_close(state.hidden[row, 0, layer], expected)


def test_two_directions_use_a_bridge() -> None:
    model = make_model("seq2seq", directions=2, layers=2)
    names = {name.split(".")[0] for name in model.state_dict()}
    assert "bridge" in names
    state = model.begin(*make_pair()[:2])
    assert state.hidden.shape == (len(SOURCES), 1, 2, 2, 8)
    assert float(state.hidden.detach().abs().max()) < 1.0


def test_parameter_names_are_stable() -> None:
    model = make_model("seq2seq", layers=2)
    kinds = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    layers = [f"{side}.{n}" for side in ("encoder.forwards", "decoder.layers") for n in (0, 1)]
    expected = {f"{layer}.{kind}" for layer in layers for kind in kinds}
    expected |= {"embedding.target_table", "embedding.bias", "to_out_dim.weight"}
    assert set(model.state_dict()) == expected


def test_decoder_depends_on_source_through_initial_state_only() -> None:
    model = make_model("seq2seq").eval()
    assert not isinstance(model, Attends)
    state = model.begin(*make_pair()[:2])
    stepped = model.step(state, torch.full((len(SOURCES), 1), TARGETS[0][0]))
    assert stepped.attention is None
    assert vars(stepped.state).keys() == {"hidden"}


def test_default_reverses_source_in_one_direction() -> None:
    config = Seq2SeqConfig()
    assert (config.reverse_source, config.directions, config.cell) == (True, 1, "lstm")
