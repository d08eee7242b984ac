"""Contracts of every image encoder: those of text encoders that apply."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from munjang.data.arrays import ArrayDataset
from munjang.tasks.classify import Classify
from munjang.training.loop import Loop
from munjang.training.settings import TrainingSettings
from munjang.training.state import make_state
from tests.architectures import (
    ARCHITECTURES,
    IMAGE_ARCHITECTURES,
    build_image_encoder,
    image_config,
)

pytestmark = pytest.mark.usefixtures("one_thread")

SHAPE = (3, 9, 7)
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "image_cnn": [
        {},
        {"padding": "valid", "pool_size": 1},
        {"pooling": "mean", "activation": "tanh"},
        {"kernel_size": [4, 2], "stride": [2, 1], "pool_size": [1, 2]},
        {"final_pooling": "max", "pool_size": 1, "activation": "gelu"},
        {"final_pooling": "mean", "pool_size": [3, 1], "filters": [12, 24]},
        {"activation": "softmax"},
        {"random_shift": 0.2},
    ]
}
CASES = [
    pytest.param(
        name, model_settings, id="-".join([name, *(f"{k}={v}" for k, v in model_settings.items())])
    )
    for name in IMAGE_ARCHITECTURES
    for model_settings in SETTINGS[name]
]
every_encoder = pytest.mark.parametrize(("name", "model_settings"), CASES)


def random_images(count: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(
        np.random.default_rng(seed).integers(0, 256, (count, *SHAPE), dtype=np.uint8)
    )


def make_encoder(
    name: str, model_settings: dict[str, Any], *, dropout: float = 0.0, seed: int = 3
) -> nn.Module:
    small = {"filters": [5, 6], "dropout": dropout, "random_shift": 0.0}
    torch.manual_seed(seed)
    return build_image_encoder(image_config({"name": name, **small, **model_settings}), SHAPE)


def make_loop(
    name: str, model_settings: dict[str, Any], copies: int, *, dropout: float = 0.0, **training: Any
) -> tuple[Loop, nn.Module]:
    task = Classify(("a", "b", "c"))
    network = task.network(make_encoder(name, model_settings, dropout=dropout))
    tuned = TrainingSettings.parse(training)
    eight, targets = random_images(8).numpy(), np.arange(8) % 3
    train = ArrayDataset(np.tile(eight, (copies, 1, 1, 1)), np.tile(targets, copies), "images")
    valid = ArrayDataset(eight, targets, "images")
    return Loop(make_state(network, tuned), task, train, valid, tuned, seed=7), network


def encode(encoder: nn.Module, batch: Tensor) -> Tensor:
    with torch.inference_mode():
        return encoder(batch).pooled


def test_text_and_image_encoders_are_disjoint_and_have_cases() -> None:
    assert not set(ARCHITECTURES) & set(IMAGE_ARCHITECTURES)
    assert set(SETTINGS) == set(IMAGE_ARCHITECTURES)


@every_encoder
def test_output_shapes(name: str, model_settings: dict[str, Any]) -> None:
    encoder = make_encoder(name, model_settings)
    pooled = encoder(random_images(4)).pooled
    assert pooled.shape == (4, encoder.pooled_dim)
    assert pooled.isfinite().all()


@every_encoder
@settings(max_examples=10)
@given(count=st.integers(1, 9), seed=st.integers(0, 99))
def test_pooled_does_not_depend_on_batch(
    name: str, model_settings: dict[str, Any], count: int, seed: int
) -> None:
    encoder, batch = make_encoder(name, model_settings).eval(), random_images(count, seed)
    batched = encode(encoder, batch)
    for index in range(count):
        single = encode(encoder, batch[index : index + 1])[0]
        torch.testing.assert_close(batched[index], single, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(encode(encoder, batch.flip(0)).flip(0), batched)


@every_encoder
def test_gradient_reaches_every_parameter(name: str, model_settings: dict[str, Any]) -> None:
    encoder = make_encoder(name, model_settings)
    pooled = encoder(random_images(9)).pooled
    (pooled * torch.randn_like(pooled)).sum().backward()
    for key, parameter in encoder.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.abs().max() > 0, key


@every_encoder
def test_saved_and_loaded_encoder_gives_same_outputs(
    name: str, model_settings: dict[str, Any], tmp_path: Path
) -> None:
    first, second = (make_encoder(name, model_settings, seed=seed).eval() for seed in (1, 2))
    before = encode(first, random_images(5))
    assert not torch.equal(before, encode(second, random_images(5)))
    save_file(first.state_dict(), tmp_path / "weights.safetensors")
    second.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(encode(second, random_images(5)), before)


@every_encoder
def test_same_seed_gives_bitwise_equal_training(name: str, model_settings: dict[str, Any]) -> None:
    runs = []
    for noise in (1, 2):
        shifted = {**model_settings, "random_shift": 0.2}
        loop, network = make_loop(name, shifted, 2, dropout=0.3, epochs=2, batch_size=3)
        torch.manual_seed(noise)  # whatever else draws random numbers must not matter
        runs.append(([step.loss for step in loop], network.state_dict()))
    assert runs[0][0] == runs[1][0]
    for key, value in runs[0][1].items():
        assert torch.equal(value, runs[1][1][key]), key


@every_encoder
def test_overfits_small_batch(name: str, model_settings: dict[str, Any]) -> None:
    fast = {"learning_rate": 0.02, "weight_decay": 0.0, "schedule": "linear", "batch_size": 8}
    loop, _ = make_loop(name, {**model_settings, "random_shift": 0.0}, 300, epochs=1, **fast)
    *_, last = loop
    assert last.unit == "images"
    assert last.tokens == 8
    assert last.scores is not None
    assert last.scores.accuracy == 1.0
    assert last.scores.log_loss < 0.02
