"""The likeliest of some tokens, and tokens that may not come next."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from munjang.export.onnx.runner.text import EOS, GO, OOV, PAD, Array, Encoder


def log_softmax(logits: Array) -> Array:
    """Return log-probabilities [vocabulary]."""
    shifted = logits - logits.max()
    values: Array = shifted - np.log(np.exp(shifted).sum())
    return values


def find_largest(values: Array, count: int) -> Array:
    """Return the places of the largest values, the largest first, of equal ones the first."""
    places = np.arange(len(values))
    if count < len(values):
        least = np.partition(values, len(values) - count)[len(values) - count]
        places = np.flatnonzero(values >= least)
    return places[np.argsort(-values[places], kind="stable")][:count]


def name_likeliest(encoder: Encoder, logits: Array, top: int) -> list[dict[str, Any]]:
    """Return the `top` likeliest tokens of logits [vocabulary]; -inf: never."""
    shares = np.exp(log_softmax(logits))
    return [
        {
            "token": encoder.name_of(number),
            "piece": "\\n" if number == EOS else encoder.tokens[number],
            "probability": float(shares[number]),
        }
        for number in find_largest(logits, min(top, int((logits > -np.inf).sum()))).tolist()
    ]


def forbid(values: Array, prefix: Sequence[int], decoding: dict[str, Any]) -> None:
    """Set log-probabilities [vocabulary] of tokens that may not come next to -inf."""
    ending, n = values[EOS], decoding["no_repeat_ngram_size"]
    values[[PAD, GO] if decoding["allow_unknown"] else [PAD, GO, OOV]] = -np.inf
    if len(prefix) < decoding["min_length"]:
        values[EOS] = -np.inf
    if 0 < n <= len(prefix):
        beginning = list(prefix[len(prefix) - n + 1 :])
        for place in range(len(prefix) - n + 1):
            if list(prefix[place : place + n - 1]) == beginning:
                values[prefix[place + n - 1]] = -np.inf
    if values.max() == -np.inf:
        values[EOS] = ending


def draw_token(values: Array, decoding: dict[str, Any], draw: np.random.Generator) -> int:
    """Draw a token from log-probabilities [vocabulary]."""
    places = find_largest(values, min(decoding["top_k"] or len(values), len(values)))
    sharper = values[places].astype(np.float64) / decoding["temperature"]
    powers = np.exp(sharper - sharper[0])
    shares = powers / powers.sum()
    kept = int(np.searchsorted(np.cumsum(shares), decoding["top_p"])) + 1
    shares = shares[:kept] / shares[:kept].sum()
    return int(places[draw.choice(len(shares), p=shares)])


Values = dict[str, Array]


def empty_state(graph: Any, rows: int = 1) -> Values:
    """Return the state before the first token: zeros, and no keys and values."""
    sizes = {"rows": rows, "past": 0}
    return {
        value.name: np.zeros([sizes.get(size, size) for size in value.shape], np.float32)
        for value in graph.get_inputs()
        if value.name.startswith("state_")
    }


def run_step(graph: Any, feeds: Values) -> tuple[Array, Values]:
    """Run a graph with a state; return the logits [rows, vocabulary], and the state after it."""
    names = [output.name for output in graph.get_outputs()]
    given = dict(zip(names, graph.run(None, feeds), strict=True))
    logits = given.pop("logits")
    return logits, {name.replace("next_", "state_", 1): value for name, value in given.items()}
