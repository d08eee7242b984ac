"""Contracts of every architecture on loading: the same bits, and no random draws."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from munjang.folder.layout import WEIGHTS
from munjang.folder.manifest import write_manifest
from munjang.folder.rebuild import load_network
from munjang.folder.sealed import open_sealed
from munjang.models.sequence_to_sequence.model import Vocabularies
from munjang.registry import ArchitectureRow
from tests.architectures import (
    ARCHITECTURES,
    PAIR_ARCHITECTURES,
    build_encoder,
    build_encoder_decoder,
    build_image_encoder,
    image_config,
    model_config,
    pair_config,
)
from tests.contracts import test_encoder_decoders as of_pairs
from tests.contracts import test_encoders as of_texts
from tests.contracts import test_image_encoders as of_images
from tests.synthetic import pad_rows

pytestmark = pytest.mark.usefixtures("one_thread")


def random_states() -> tuple[bytes, Any, Any]:
    """Return the states of the generators of torch, NumPy and Python."""
    return torch.get_rng_state().numpy().tobytes(), str(np.random.get_state()), random.getstate()


def save_and_load(network: nn.Module, build: Callable[[], nn.Module], folder: Path) -> nn.Module:
    """The network out of a folder of its weights, after looking at all that `load` must leave."""
    folder.mkdir(exist_ok=True)
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, folder / WEIGHTS)
    write_manifest(folder, [WEIGHTS], "0")
    before = random_states()
    reloaded = load_network(open_sealed(folder), build, lambda network: None)
    assert random_states() == before
    assert not reloaded.training
    for module in reloaded.modules():
        kept = [*module._parameters.values(), *module._buffers.values(), *vars(module).values()]
        assert not any(isinstance(one, Tensor) and one.is_meta for one in kept)
    own, actual = network.state_dict(), reloaded.state_dict()
    assert list(own) == list(actual)
    for name, tensor in own.items():
        assert tensor.dtype == actual[name].dtype
        assert torch.equal(tensor, actual[name])
    expected = {name: p.requires_grad for name, p in network.named_parameters()}
    assert {name: p.requires_grad for name, p in reloaded.named_parameters()} == expected
    return reloaded


def with_small_sizes(
    row: ArchitectureRow, sizes: dict[str, Any], model_settings: dict[str, Any]
) -> dict[str, Any]:
    """Settings of a model, as the contract of its kind makes it."""
    fields = row.config_class().model_fields
    return {**{key: size for key, size in sizes.items() if key in fields}, **model_settings}


@of_texts.every_encoder
def test_load_text_encoder_draws_no_random_numbers(
    name: str, model_settings: dict[str, Any], tmp_path: Path
) -> None:
    network = of_texts.make_encoder(name, model_settings).eval()
    config = model_config(
        {"name": name, **with_small_sizes(ARCHITECTURES[name], of_texts.SMALL, model_settings)}
    )
    reloaded = save_and_load(network, lambda: build_encoder(config, of_texts.VOCABULARY), tmp_path)
    ids, mask = pad_rows(of_texts.ROWS)
    both = (of_texts.encode(one, ids, mask) for one in (network, reloaded))
    assert all(torch.equal(mine, its) for mine, its in zip(*both, strict=True))


@of_pairs.every_model
def test_load_encoder_decoder_draws_no_random_numbers(
    name: str, model_settings: dict[str, Any], tmp_path: Path
) -> None:
    network = of_pairs.make_model(name, model_settings).eval()
    config = pair_config(
        {"name": name, **with_small_sizes(PAIR_ARCHITECTURES[name], of_pairs.SMALL, model_settings)}
    )
    sizes = Vocabularies(of_pairs.SIZE, of_pairs.SIZE, shared=True)
    reloaded = save_and_load(network, lambda: build_encoder_decoder(config, sizes), tmp_path)
    batch = of_pairs.make_batch(of_pairs.SOURCES, of_pairs.TARGETS)
    with torch.inference_mode():
        assert torch.equal(network(*batch.inputs).logits(), reloaded(*batch.inputs).logits())


@of_images.every_encoder
def test_load_image_encoder_draws_no_random_numbers(
    name: str, model_settings: dict[str, Any], tmp_path: Path
) -> None:
    network = of_images.make_encoder(name, model_settings).eval()
    config = image_config({"name": name, "filters": [5, 6], **model_settings})
    reloaded = save_and_load(
        network, lambda: build_image_encoder(config, of_images.SHAPE), tmp_path
    )
    some = of_images.random_images(4)
    with torch.inference_mode():
        assert torch.equal(network(some).pooled, reloaded(some).pooled)
