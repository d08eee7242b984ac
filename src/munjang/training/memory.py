"""Whether there is memory for a training at all, before any of it is taken."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from munjang.data.buckets import Group
from munjang.errors import ConfigError
from munjang.memory import total_memory
from munjang.training.optimisers import RowAdagrad
from munjang.training.settings import TrainingSettings
from munjang.training.state import TrainingState


def refuse_impossible(
    build: Callable[[], nn.Module],
    settings: TrainingSettings,
    make_state: Callable[[nn.Module, TrainingSettings], TrainingState],
) -> None:
    """Refuse a network that the memory of this machine cannot hold while it is trained.

    What is counted is what surely comes: weights, what the optimisers remember, copies of the best
    weights. Activations come on top.

    Args:
        build: gives the network; called once, on PyTorch's device "meta", which has shapes and no
            numbers.
        settings: of the training.
        make_state: from network and settings to a fresh state.

    Raises:
        ConfigError: saying how much it would need, and of what.
    """
    available = total_memory()
    try:
        with torch.device("meta"):
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
    state = make_state(network, settings)
    weights = sum(t.numel() * t.element_size() for t in network.state_dict().values())
    remembered = sum(
        4 * (len(p) if isinstance(optimiser, RowAdagrad) else 2 * p.numel())
        for optimiser in state.optimisers
        for group in optimiser.groups
        for p in group.parameters
    )
    copies = 1 + (settings.average_best or int(settings.averaging is not None))
    needed = weights * (1 + copies) + remembered
    if torch.device(settings.device).type != "cpu":
        needed = weights  # it is built here before it moves
    if needed <= available:
        return
    name, largest = max(network.named_parameters(), key=lambda named: named[1].numel())
    shape = " x ".join(f"{side:,}" for side in largest.shape)
    numbers = sum(parameter.numel() for parameter in network.parameters())
    raise ConfigError(
        f"model: out of memory: {numbers:,} parameters need {needed / 1e9:,.1f} GB or more to "
        f"train (weights, optimiser, the best weights), and this machine has "
        f"{available / 1e9:,.1f} GB; the largest part is {name} [{shape}]; lower model.dim, or "
        "what else makes it so large"
    )


def refuse_impossible_batches(groups: Iterable[Group], recipe: Any) -> None:
    """Refuse batches of which one layer alone does not fit into the memory of this machine.

    Args:
        groups: the batches.
        recipe: whose `model.dim` says how wide a token's vector is.

    Raises:
        ConfigError: naming the largest batch.
    """
    dim, available = getattr(recipe.model, "dim", None), total_memory()
    if dim is None or not available:
        return
    largest = max(groups, key=lambda group: len(group.rows) * group.time)
    # vectors, and their gradient
    needed = 2 * 4 * len(largest.rows) * largest.time * dim
    if needed > available:
        raise ConfigError(
            f"training: out of memory: a batch of {len(largest.rows):,} rows, padded to "
            f"{largest.time:,} tokens, takes {needed / 1e9:,.1f} GB or more, and this machine has "
            f"{available / 1e9:,.1f} GB; lower training.batch_rows, tokenizer.max_length, "
            "training.buckets or model.dim"
        )
