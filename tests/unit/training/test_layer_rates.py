"""Learning rates by layer: each parameter's own, written out by hand."""

from typing import Any

import pytest
import torch
from torch import nn

from munjang.errors import ConfigError
from munjang.tasks.heads import Head, MaskedHead
from munjang.training.settings import TrainingSettings
from munjang.training.state import make_state
from tests.architectures import ARCHITECTURES, build_encoder, model_config

SIZE = 11


def make_network(name: str, **model: Any) -> Head:
    torch.manual_seed(0)
    return Head(build_encoder(model_config({"name": name, "dim": 8, **model}), SIZE), 3)


def get_rates(model: nn.Module, **settings: Any) -> dict[str, float]:
    """The learning rate of every parameter by name; each is in one group of one optimizer."""
    state = make_state(model, TrainingSettings(learning_rate=0.5, **settings))
    result: dict[int, float] = {}
    for optimizer in state.optimizers:
        for group in optimizer.groups:
            for parameter in group.parameters:
                assert id(parameter) not in result
                result[id(parameter)] = group.lr
    return {name: result[id(parameter)] for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_layer_groups_are_all_parameters_except_pooled_vector(name: str) -> None:
    more = {} if name == "mean" else {"bag_dim": 4, "pooling": "attention"}
    encoder = make_network(name, **more).encoder
    listed = [id(p) for group in encoder.layer_groups() for p in group]
    assert len(set(listed)) == len(listed)
    others = {n for n, p in encoder.named_parameters() if id(p) not in listed}
    assert all(n.startswith(("bag.", "pooling.", "pooler.")) for n in others)
    table = id(encoder.embedding.weight)
    assert table in [id(p) for p in encoder.layer_groups()[0]]


@pytest.mark.parametrize("name", [n for n in ARCHITECTURES if n != "mean"])
def test_lowest_groups_are_closest_to_input(name: str) -> None:
    deep = {} if name == "cnn" else {"layers": 3}
    network = make_network(name, **deep).eval()
    groups = network.encoder.layer_groups()
    assert len(groups) == (2 if name == "cnn" else 4)
    # without dropout, what is above a frozen layer needs no gradient below it
    ids = torch.tensor([[4, 5, 6, 7]])
    for frozen in range(len(groups)):
        for parameter in groups[frozen]:
            parameter.requires_grad_(False)
        network.zero_grad()
        network(ids, torch.ones_like(ids, dtype=torch.bool)).sum().backward()
        for below in groups[: frozen + 1]:
            assert all(parameter.grad is None for parameter in below)
        for above in groups[frozen + 1 :]:
            assert any(parameter.grad is not None for parameter in above)


def test_layer_decay_lowers_rates_per_layer() -> None:
    actual = get_rates(make_network("bert", layers=2), layer_decay=0.5)
    expected = {"encoder.blocks.1.": 0.5, "encoder.blocks.0.": 0.25, "head.": 0.5}
    for name, rate in actual.items():
        layer = next((value for prefix, value in expected.items() if name.startswith(prefix)), None)
        assert rate == (0.125 if layer is None else layer), name
    assert actual["encoder.embedding.weight"] == actual["encoder.positions.weight"] == 0.125


def test_tables_and_head_have_their_own_rates() -> None:
    for optimizer in ("adamw", "adagrad"):
        result = get_rates(
            make_network("cnn", bag_dim=4),
            layer_decay=0.5,
            embedding_learning_rate=8.0,
            head_learning_rate=3.0,
            embedding_optimizer=optimizer,
        )
        assert result["encoder.embedding.weight"] == 4.0
        # a table in no layer has the rate of tables
        assert result["encoder.bag.weight"] == 8.0
        assert result["head.weight"] == result["head.bias"] == 3.0
        assert {r for n, r in result.items() if "convolutions" in n} == {0.5}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_default_has_one_rate(name: str) -> None:
    network = make_network(name)
    assert set(get_rates(network).values()) == {0.5}
    (optimizer,) = make_state(network, TrainingSettings()).optimizers
    assert len(optimizer.groups) == 1


def test_ensemble_members_and_tied_head_have_layer_rates() -> None:
    one, two = make_network("gru"), make_network("gru")
    result = get_rates(nn.ModuleList([one, two]), layer_decay=0.5)
    assert result["0.encoder.embedding.weight"] == result["1.encoder.embedding.weight"] == 0.25
    masked = get_rates(MaskedHead(make_network("cnn").encoder, SIZE), layer_decay=0.5)
    assert (masked["encoder.embedding.weight"], masked["bias"]) == (0.25, 0.5)


@pytest.mark.parametrize("key", ["layer_decay", "head_learning_rate"])
def test_model_without_layers_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match=f"training.{key}: this model has no encoder that lists"):
        make_state(nn.Linear(2, 2), TrainingSettings(**{key: 0.5}))
