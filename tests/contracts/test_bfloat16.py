"""`training.precision=bfloat16` trains every architecture, with and without kernels for it.

The second kind of processor is made here by saying that no kernel runs; `make test-avx2` takes the
instructions away from PyTorch itself.
"""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from munjang.api import Trained, train
from munjang.layers.fast import fused_recurrent as fused
from munjang.training.precision import describe_slow_precision
from munjang.training.settings import TrainingSettings
from tests.architectures import ARCHITECTURES, IMAGE_ARCHITECTURES, PAIR_ARCHITECTURES
from tests.synthetic import make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

STEPS = ["training.max_steps=4", "training.batch_size=8", "training.threads=1"]
SMALL = [*STEPS, "model.dim=8", "model.dropout=0"]
HAS_INSTRUCTIONS = fused.has_kernel(nn.LSTM, "cpu", torch.bfloat16)
RECURRENT = {"rnn", "lstm", "gru", "seq2seq", "attentive"}


def text_data() -> dict[str, Any]:
    return {"data": make_corpus(60), "task": "classify"}


def pair_data() -> dict[str, Any]:
    sources, _ = make_corpus(60)
    return {"data": (sources, sources), "task": "translate"}


def image_data() -> dict[str, Any]:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 9, 9), dtype=np.uint8)
    return {"data": (list(pixels), ["a", "b"] * 20), "task": "images"}


CASES = [
    *(pytest.param(name, text_data, SMALL, id=name) for name in ARCHITECTURES),
    pytest.param("cnn", text_data, [*SMALL, "model.ensemble_size=2"], id="members"),
    pytest.param(
        "lstm", text_data, [*SMALL, "model.ensemble_size=2", "model.layers=2"], id="lstm-members"
    ),
    pytest.param("cnn", text_data, [*SMALL, "model.linear_weight=0.3"], id="linear_weight"),
    *(pytest.param(name, pair_data, SMALL, id=f"pairs-{name}") for name in PAIR_ARCHITECTURES),
    pytest.param("attentive", pair_data, [*SMALL, "model.input_feeding=false"], id="all-at-once"),
    pytest.param("seq2seq", pair_data, [*SMALL, "model.cell=gru"], id="seq2seq-gru"),
    *(pytest.param(name, image_data, STEPS, id=name) for name in IMAGE_ARCHITECTURES),
]


@pytest.fixture(params=["with kernels where there are any", "without kernels"])
def has_kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Allow fused layers in bfloat16, or make any that tries fail."""
    if request.param != "without kernels":
        return True
    for cell in (nn.RNN, nn.LSTM, nn.GRU):
        monkeypatch.setattr(cell, "forward", _refuse_bfloat16(cell.forward))
    monkeypatch.setattr(torch, "lstm", _refuse_bfloat16(torch.lstm))
    monkeypatch.setattr(fused, "_TRIED", {})
    return False


def _refuse_bfloat16(run: Any) -> Any:
    def refuse(*args: Any, **options: Any) -> Any:
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("could not create a primitive descriptor")
        return run(*args, **options)

    return refuse


@pytest.mark.parametrize(("name", "data", "overrides"), CASES)
def test_bfloat16_trains_every_architecture(
    name: str, data: Any, overrides: list[str], has_kernels: bool
) -> None:
    lines: list[str] = []
    losses: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    trained: dict[str, Trained] = {}
    for precision, taken in losses.items():
        trained[precision] = train(
            **data(),
            model=name,
            overrides=[*overrides, f"training.precision={precision}"],
            report=lines.append,
            on_step=lambda step, taken=taken: taken.append(step.loss),
        )
    assert len(losses["bfloat16"]) == 4
    assert all(math.isfinite(loss) for loss in losses["bfloat16"])
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.05)
    weights = trained["bfloat16"].model.network.state_dict().values()
    assert all(t.dtype == torch.float32 for t in weights if t.is_floating_point())
    notes = [line for line in lines if line.startswith("training.precision: ")]
    if has_kernels:
        assert len(notes) == (not HAS_INSTRUCTIONS)
    else:
        assert len(notes) == 1
        assert ("train in float32" in notes[0]) == (name in RECURRENT)


@pytest.mark.parametrize("cell", [nn.RNN, nn.LSTM, nn.GRU])
def test_kernel_is_used_where_available(
    cell: type[nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fused, "_TRIED", {})
    layer, states = cell(6, 5, batch_first=True), torch.randn(3, 4, 6)
    try:
        with torch.autocast("cpu", torch.bfloat16):
            layer(states)[0].sum().backward()
        runs = True
    except RuntimeError:
        runs = False
    assert fused.has_kernel(cell, "cpu", torch.bfloat16) == runs
    with torch.autocast("cpu", torch.bfloat16):
        fused_states, _ = fused.run_fused(layer, states)
    assert torch.equal(fused_states, layer(states)[0]) == (not runs)


def test_float32_prints_and_tries_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: dict[Any, bool] = {}
    monkeypatch.setattr(fused, "_TRIED", tried)
    lines: list[str] = []
    train(**text_data(), model="lstm", overrides=SMALL, report=lines.append)
    assert not tried
    assert not any("precision" in line for line in lines)


def test_has_kernel_draws_no_random_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "_TRIED", {})
    before = torch.get_rng_state()
    for cell in (nn.RNN, nn.LSTM, nn.GRU):
        fused.has_kernel(cell, "cpu", torch.bfloat16)
    with torch.inference_mode():
        fused.has_kernel(nn.GRU, "cpu", torch.float16)
    assert torch.equal(torch.get_rng_state(), before)


def test_slow_precision_message_names_cells_and_alternative(has_kernels: bool) -> None:
    settings = TrainingSettings.parse({"precision": "bfloat16"})
    line = describe_slow_precision(nn.Sequential(nn.LSTM(1, 1), nn.GRU(1, 1)), settings)
    if not has_kernels:
        assert line is not None
        assert "layers of gru, lstm train in float32" in line
        assert "training.precision=float32" in line
