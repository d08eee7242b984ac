"""Default settings of a training that begins from a model folder, by architecture.

Trained weights need smaller steps than random ones, fewer epochs, and a warm-up in which the new
head, which is random, does not move them.
"""

from collections.abc import Mapping
from typing import Any

from munjang.config import merge

_ATTENTION: dict[str, Any] = {
    "model": {"embedding_dropout": 0.1, "dropout": 0.1},
    "training": {
        "batch_size": 64,
        "batch_tokens": None,
        "embedding_optimizer": "adamw",
        "embedding_learning_rate": None,
        "schedule": "linear",
        "warmup": 0.1,
    },
}

# Learning rate of self-attention layers by their width: up to the first number, the second one.
_RATES = ((256, 0.0003), (512, 0.0001))
_LOWEST_RATE = 0.00005

_BY_MODEL: dict[str, dict[str, Any]] = {
    "bert": _ATTENTION,
    "transformer": _ATTENTION,
}

# Architectures of short paths from a token to the answer, and those of other distributions.
_OTHER: dict[str, Any] = {
    "training": {
        "learning_rate": 0.001,
        "embedding_optimizer": "adamw",
        "embedding_learning_rate": None,
        "schedule": "linear",
        "warmup": 0.1,
    }
}

# Inputs without embedding tables.
_BY_INPUT: dict[str, dict[str, Any]] = {
    "image": {"training": {"learning_rate": 0.0003, "schedule": "linear", "warmup": 0.1}},
}

# A task that goes on with pretraining has its own defaults.
_BY_TASK: dict[str, dict[str, Any]] = {"masked_lm": {}}

# Rows per training, and the fewest and most epochs.
_ROWS, _FEWEST, _MOST = 30_000, 3, 8


def fine_tuning_defaults(given: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Return the defaults of a training that begins from a model folder.

    Args:
        given: the user's settings, with the names of input, model and task.
        rows: number of rows; 0 = unknown.
    """
    own = _BY_TASK.get(given["task"])
    if own is not None:
        return own
    epochs = min(_MOST, max(_FEWEST, round(_ROWS / max(1, rows))))
    shared = {"training": {"epochs": epochs, "learning_rate": _learning_rate(given["model"])}}
    model = _BY_MODEL.get(str(given["model"]["name"]), _OTHER)
    return merge(shared, _BY_INPUT.get(given["input"], model))


def _learning_rate(model: Mapping[str, Any]) -> float:
    """Return the learning rate for the width of a model, that of the smallest if unknown."""
    dim = model.get("dim", 0)
    width = dim if isinstance(dim, int) else 0  # anything else is refused later
    return next((rate for widest, rate in _RATES if width <= widest), _LOWEST_RATE)
