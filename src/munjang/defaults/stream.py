"""Default settings of language models, by architecture."""

from collections.abc import Mapping
from typing import Any

from munjang.config import merge

_ALL: dict[str, Any] = {
    "training": {
        "batch_size": 32,
        "embedding_optimizer": "adamw",
        "learning_rate": 0.003,
        "beta2": 0.99,
        "warmup": 0.02,
        "schedule": "linear",
        "clip_norm": 1.0,
        "epochs": 10,
        "validations_per_epoch": 1,
    },
}
# Tuned on the last tenth of a megabyte of English; see docs/log.md.
_RECURRENT: dict[str, Any] = {
    "model": {"dim": 256, "dropout": 0.1},
    "training": {"learning_rate": 0.01},
}
_BY_MODEL: dict[str, dict[str, Any]] = {
    "rnn": _RECURRENT,
    "lstm": merge(_RECURRENT, {"model": {"dropout": 0.2}}),
    "gru": _RECURRENT,
    "transformer": {
        "data": {"window": 128},
        "training": {"learning_rate": 0.002},
    },
}


def stream_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return default settings of an architecture, nested as in `config.yaml`.

    Args:
        given: the user's settings, with the names of the model and the task.
    """
    name = given.get("model", {}).get("name", "")
    return merge(_ALL, _BY_MODEL.get(name, {}))
