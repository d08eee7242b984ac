"""Default settings of a training that begins from a model folder, by architecture.

Trained weights need smaller steps than random ones, fewer epochs, and a warm-up in which the new
head, which is random, does not move them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from munjang.config import merge

_SLOW_BEGIN = {"schedule": "linear", "warmup": 0.1}

# Learning rate of self-attention layers by their width: up to the first number, the second one.
_RATES = ((256, 0.0003), (512, 0.0001))
_LOWEST_RATE = 0.00005
# The same, where tables have an optimizer of their own.
_RATES_OF_TABLES = ((256, 0.001), (512, 0.0003))
# Share of the rate of embedding tables at which a trained embedding learns: with few rows it keeps
# more of what it knows, with many rows it can move further (docs/log.md).
_EMBEDDING_SHARE, _SHARE_OF_MANY, _MANY_ROWS = 0.1, 0.5, 30_000
_EPOCHS_OF_MANY = 2


def _attention(model: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Return the defaults of self-attention layers: the wider, the smaller the steps."""
    width = _whole(model.get("dim"), 0)
    rate = next((rate for widest, rate in _RATES if width <= widest), _LOWEST_RATE)
    return {
        "model": {"embedding_dropout": 0.1, "dropout": 0.1},
        "training": {
            **_SLOW_BEGIN,
            "batch_size": 64,
            "batch_tokens": None,
            "learning_rate": rate,
            "embedding_optimizer": "adamw",
            "embedding_learning_rate": None,
        },
    }


def _transformer(model: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Return the defaults of `transformer`: its wide tables of n-grams learn by rows, as at first.

    At the rates of `bert` it moves too little in the few epochs of fine-tuning (docs/log.md).
    """
    width = _whole(model.get("dim"), 0)
    rate = next((rate for widest, rate in _RATES_OF_TABLES if width <= widest), _LOWEST_RATE)
    return {
        "model": {"embedding_dropout": 0.1, "dropout": 0.1},
        "training": {
            **_SLOW_BEGIN,
            "learning_rate": rate,
            "embedding_optimizer": "adagrad",
            "embedding_learning_rate": 0.03,
        },
    }


def _with_bag(model: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Return the defaults of short paths from token to answer, and of a bag of n-grams beside.

    The bag begins at random and learns at the rate of tables; the trained embedding below the
    layers learns at a share of it.
    """
    layers = max(1, _whole(model.get("layers"), 1))
    has_many = rows >= _MANY_ROWS
    decay = (_SHARE_OF_MANY if has_many else _EMBEDDING_SHARE) ** (1 / layers)
    # with many rows, a bag of n-grams overfits in a third epoch
    epochs = {"epochs": _EPOCHS_OF_MANY} if has_many and model.get("bag_dim") else {}
    return {"training": {**_SLOW_BEGIN, "learning_rate": 0.002, "layer_decay": decay, **epochs}}


def _mean(model: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Return the defaults of a trained table, and of a fresh head with nothing between them.

    The first step of Adagrad moves each number of a row by its learning rate: 0.05 is as much as
    the numbers of trained vectors of 256, which were lost before the head knew what they mean.
    """
    rates = {"head_learning_rate": 0.03, "embedding_learning_rate": 0.002}
    return {"training": {**_SLOW_BEGIN, **rates}}


def _images(model: Mapping[str, Any], rows: int) -> dict[str, Any]:
    return {"training": {**_SLOW_BEGIN, "learning_rate": 0.0003}}


def _other(model: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Return the defaults of architectures of other distributions."""
    return {"training": _SLOW_BEGIN}


def _whole(value: Any, otherwise: int) -> int:
    """Return a whole number; any other value is refused where settings are parsed."""
    return value if isinstance(value, int) else otherwise


_BY_MODEL: Mapping[str, Callable[[Mapping[str, Any], int], dict[str, Any]]] = {
    "bert": _attention,
    "transformer": _transformer,
    "cnn": _with_bag,
    "rnn": _with_bag,
    "lstm": _with_bag,
    "gru": _with_bag,
    "mean": _mean,
    "image_cnn": _images,
}

# Tasks that go on with pretraining have their own defaults.
_BY_TASK: dict[str, dict[str, Any]] = {"masked_lm": {}, "language": {}, "vectors": {}}

# Rows per training, and the fewest and most epochs.
_ROWS, _FEWEST, _MOST = 30_000, 3, 8


def fine_tuning_defaults(given: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Return the defaults of a training that begins from a model folder.

    Args:
        given: the user's settings, with the names of input, model and task, and with the model's
            defaults from scratch.
        rows: number of rows; 0 = unknown.
    """
    own = _BY_TASK.get(given["task"])
    if own is not None:
        return own
    epochs = min(_MOST, max(_FEWEST, round(_ROWS / max(1, rows))))
    model = given["model"]
    row = _BY_MODEL.get(str(model["name"]), _other)
    return merge({"training": {"epochs": epochs}}, row(model, rows))
