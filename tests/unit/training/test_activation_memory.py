"""Activations of image networks: counted by arithmetic, and against what autograd saves."""

from typing import Any

import numpy as np
import pytest
import torch

from munjang import train
from munjang.errors import ConfigError
from munjang.models.image_cnn import ImageCnn, ImageCnnConfig, ImageShape

BATCH = 4


def count_saved_numbers(network: torch.nn.Module, images: torch.Tensor) -> float:
    """Return the bytes of all tensors kept for the backward pass, weights excepted, over 4."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    sizes: dict[int, int] = {}
    kept = []  # else the storage of one could be that of the next

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights and tensor.dtype != torch.bool:
            sizes[storage.data_ptr()] = storage.nbytes()
            kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        network(images).pooled.square()  # as the head, it saves the vectors
    return sum(sizes.values()) / 4 / len(images)


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({}, (3, 64, 64)),
        ({"filters": [8, 16, 32], "pooling": "mean"}, (1, 28, 28)),
        (
            {"filters": [16, 8], "pool_size": [3, 1], "kernel_size": 5, "padding": "valid"},
            (3, 40, 50),
        ),
    ],
)
def test_estimate_equals_tensors_saved_by_autograd(
    settings: dict[str, Any], shape: ImageShape
) -> None:
    config = ImageCnnConfig(**settings, dropout=0)
    network = ImageCnn(config, shape).train()
    images = torch.randint(0, 256, (BATCH, *shape), dtype=torch.uint8)
    first = ImageCnnConfig(**settings).layers[0].filters
    height, width = config.sizes(*shape[1:])[0][0]
    gradient = first * height * width
    counted = config.activations(shape)
    assert counted - gradient == pytest.approx(count_saved_numbers(network, images), rel=0.02)


def test_batch_larger_than_memory_is_refused_before_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = [np.full((32, 32), 5 * shade, dtype=np.uint8) for shade in range(40)]
    data = (images, ["x", "y"] * 20)
    monkeypatch.setattr("munjang.training.activation_memory.total_memory", lambda: 10**6)
    with pytest.raises(ConfigError, match=r"32 images of 32x32 needs .* training\.batch_size"):
        train(data, task="images")
