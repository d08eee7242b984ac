"""The recurrent encoders: what a saved folder relies on."""

import pytest

from tests.architectures import build_encoder, model_config


@pytest.mark.parametrize("pooling", ["max", "mean", "last", "max+mean"])
def test_parameter_names_are_stable(pooling: str) -> None:
    settings = {"name": "lstm", "dim": 4, "hidden_dim": 3, "layers": 2, "pooling": pooling}
    encoder = build_encoder(model_config(settings), 9)
    layers = [f"recurrent.{way}.{n}" for way in ("forwards", "backwards") for n in (0, 1)]
    kinds = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    expected = {"embedding.weight", *(f"{layer}.{kind}" for layer in layers for kind in kinds)}
    assert set(encoder.state_dict()) == expected


@pytest.mark.parametrize(("name", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_parameter_count_grows_with_gates(name: str, gates: int) -> None:
    config = model_config({"name": name, "dim": 4, "hidden_dim": 3, "directions": 1})
    encoder = build_encoder(config, 9)
    size = sum(p.numel() for key, p in encoder.named_parameters() if "recurrent" in key)
    assert size == gates * (3 * 4 + 3 * 3 + 3 + 3)


def test_only_lstm_has_variational_dropout_off_by_default() -> None:
    """Runs of `lstm` from before `variational` was a setting repeat."""
    configs = {name: model_config({"name": name}) for name in ("rnn", "lstm", "gru")}
    assert {name: config.variational_dropout for name, config in configs.items()} == {
        "rnn": True,
        "lstm": False,
        "gru": True,
    }
