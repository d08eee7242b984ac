"""Vectors of rows, such as sentence vectors, without gradients."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munjang.data.buckets import group_equal_lengths
from munjang.data.dataset import AnyBatch, Dataset
from munjang.errors import ConfigError
from munjang.models.vectors import choose_pooling, pool_vectors, vector_dim
from munjang.tasks.heads import find_encoders, find_trained_pooling
from munjang.tasks.inference import device_of, evaluating
from munjang.tasks.memory_check import require_memory

Vectors = npt.NDArray[np.float32]

# Limits of a batch: states of more tokens leave the cache of the processor.
_BATCH_ROWS, _BATCH_TOKENS, _ENOUGH_TOKENS = 256, 4096, 1024


def resolve_pooling(network: nn.Module, pooling: str | None = None) -> str:
    """Return the pooling of a network's vectors.

    Args:
        network: a network of any task with an encoder.
        pooling: mean, first or max of the states, or pooled, the encoder's own vector. None is the
            pooling that the network was trained with, else mean, or pooled without states.

    Raises:
        ConfigError: the network has no such vectors.
    """
    return choose_pooling(_encoders(network)[0], pooling or find_trained_pooling(network))


def count_dimensions(network: nn.Module, pooling: str | None = None) -> int:
    """Return the width of a network's vectors.

    Raises:
        ConfigError: as `resolve_pooling`.
    """
    pooling = resolve_pooling(network, pooling)
    return sum(vector_dim(encoder, pooling) for encoder in _encoders(network))


@torch.inference_mode()
def compute_vectors(
    network: nn.Module, rows: Dataset, *, pooling: str | None = None, normalize: bool = False
) -> Vectors:
    """Return a vector per row, [rows, dim], in the order of the rows.

    An ensemble gives the vectors of its networks one after another.

    Args:
        network: a network of any task with an encoder.
        rows: rows of its input, with or without targets.
        pooling: as for `resolve_pooling`.
        normalize: divide each vector by its length; a vector of zeros stays.

    Raises:
        ConfigError: as `resolve_pooling`.
        DataError: a text is too long for the memory that is free.
    """
    encoders = _encoders(network)
    pooling = choose_pooling(encoders[0], pooling or find_trained_pooling(network))
    dim = sum(vector_dim(encoder, pooling) for encoder in encoders)
    device = device_of(network)
    vectors = np.empty((len(rows), dim), dtype=np.float32)
    with evaluating(network):
        for batch in _make_batches(rows):
            require_memory(network, batch)
            batch = batch.to(device)
            parts = [pool_vectors(encoder, pooling, *batch.inputs) for encoder in encoders]
            joined: Tensor = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
            joined = joined.float()
            if normalize:
                joined = F.normalize(joined, dim=1)
            vectors[batch.rows.cpu().numpy()] = joined.cpu().numpy()
    return vectors


def _encoders(network: nn.Module) -> list[object]:
    """Return the encoders of a network.

    Raises:
        ConfigError: there is none.
    """
    encoders = find_encoders(network)
    if not encoders:
        raise ConfigError(
            "this model has no encoder that gives a vector per text: expected a model of a task "
            "that writes no text, such as one that begins from a language model by --from"
        )
    return encoders


def _make_batches(rows: Dataset) -> Iterator[AnyBatch]:
    if len(rows) == 1:  # which datasets of a few texts make faster
        yield from rows.in_order_of_length()
        return
    yield from rows.batches(
        group_equal_lengths(
            rows.lengths,
            batch_size=_BATCH_ROWS,
            batch_tokens=_BATCH_TOKENS,
            enough_tokens=_ENOUGH_TOKENS,
        )
    )
