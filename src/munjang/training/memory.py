"""Checks before training that a model and its batches fit in memory."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from munjang.data.buckets import Group
from munjang.errors import ConfigError
from munjang.layers.meta import shapes_only
from munjang.layers.parameters import count_parameters
from munjang.memory import total_memory
from munjang.training.optimizers import RowAdagrad
from munjang.training.settings import TrainingSettings
from munjang.training.state import make_state


def check_model_fits(build: Callable[[], nn.Module], settings: TrainingSettings) -> None:
    """Raise if this machine has too little memory to train a network.

    Weights, optimizer state and copies of the best weights are counted. Activations come on top.

    Args:
        build: returns the network; called once, on PyTorch's device "meta", which allocates
            nothing.
        settings: settings of the training.

    Raises:
        ConfigError: it needs too much; the message says how much, and names the largest parameter.
    """
    available = total_memory()
    try:
        with shapes_only():
            network = build()
    except (RuntimeError, OverflowError, TypeError) as error:
        if "overflow" not in str(error).lower():
            raise
        raise ConfigError(
            "model: out of memory: one layer would have more numbers than can be counted; lower "
            "model.dim, or what else makes it so large"
        ) from None
    if not available:
        return
    needed = _training_bytes(network, settings)
    if needed <= available:
        return
    name, largest = max(network.named_parameters(), key=lambda named: named[1].numel())
    shape = " x ".join(f"{side:,}" for side in largest.shape)
    raise ConfigError(
        f"model: out of memory: {count_parameters(network):,} parameters need "
        f"{needed / 1e9:,.1f} GB or more to train (weights, optimizer state, copies of the best "
        f"weights), and this machine has {available / 1e9:,.1f} GB; the largest parameter is "
        f"{name} [{shape}]; lower model.dim, or what else makes it so large"
    )


def _training_bytes(network: nn.Module, settings: TrainingSettings) -> int:
    weights: int = sum(t.numel() * t.element_size() for t in network.state_dict().values())
    if torch.device(settings.device).type != "cpu":
        return weights  # it is built here before it moves
    optimizer_state: int = sum(
        4 * (len(p) if isinstance(optimizer, RowAdagrad) else 2 * p.numel())
        for optimizer in make_state(network, settings).optimizers
        for group in optimizer.groups
        for p in group.parameters
    )
    copies = 1 + (settings.average_best or int(settings.average_after is not None))
    return weights * (1 + copies) + optimizer_state


def check_batches_fit(groups: Iterable[Group], recipe: Any) -> None:
    """Raise if one layer's activations of a batch do not fit in the memory of this machine.

    Args:
        groups: the batches.
        recipe: its `model.dim` is the number of features per token.

    Raises:
        ConfigError: a batch needs too much; the message gives the size of the largest one.
    """
    dim, available = getattr(recipe.model, "dim", None), total_memory()
    if dim is None or not available:
        return
    largest = max(groups, key=lambda group: group.places)
    # vectors, and their gradient
    needed = 2 * 4 * largest.places * dim
    if needed > available:
        raise ConfigError(
            f"training: out of memory: a batch of {len(largest.rows):,} rows, padded to "
            f"{largest.time:,} tokens, takes {needed / 1e9:,.1f} GB or more, and this machine has "
            f"{available / 1e9:,.1f} GB; lower training.batch_size, tokenizer.max_length, "
            "training.length_buckets or model.dim"
        )
