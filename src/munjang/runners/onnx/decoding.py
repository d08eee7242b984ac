"""Tokens one after another: the likeliest ones, random ones, and those that may not come next."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from munjang.runners.onnx.model import Array
from munjang.runners.tokenizer import Tokenizer
from munjang.text.plain.ids import EOS, GO, OOV, PAD

Values = dict[str, Array]
# Reads a token and returns the logits [vocabulary] of the next one.
Read = Callable[[int], Array]
_BITS = 2**64 - 1


def extend(
    read: Read,
    limit: int,
    decoding: dict[str, Any],
    *,
    seed: int = 0,
    row: int = 0,
    sample: int = 0,
) -> Iterator[tuple[int, float]]:
    """Yield tokens with their log-probabilities, up to EOS or `limit`.

    Args:
        read: function that reads a token, GO at first.
        limit: most tokens.
        decoding: settings; the most likely token is taken unless their method is sample.
        seed: random seed. The draws follow from it and the next two numbers, as in munjang.
        row: number of the text.
        sample: number of the answer among those to the text.
    """
    prefix, last = list[int](), GO
    for step in range(limit):
        values = log_softmax(read(last))
        forbid(values, prefix, decoding)
        if decoding["method"] == "sample":
            last = draw_token(values, decoding, draw_number(seed, row, step, sample))
        else:
            last = int(values.argmax())
        yield last, float(values[last])
        if last == EOS:
            return
        prefix.append(last)


def log_softmax(logits: Array) -> Array:
    """Return log-probabilities [vocabulary]."""
    shifted = logits - logits.max()
    values: Array = shifted - np.log(np.exp(shifted).sum())
    return values


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


def draw_token(values: Array, decoding: dict[str, Any], drawn: float) -> int:
    """Return the token at which the cumulative probability passes a number from 0 to 1.

    Args:
        values: log-probabilities [vocabulary].
        decoding: `temperature`, `top_k` and `top_p`.
        drawn: the number.
    """
    values = values / max(decoding["temperature"], 1e-30)  # still numbers in float32
    places = np.arange(len(values))
    if decoding["top_k"] or decoding["top_p"] < 1:
        places = find_largest(values, min(decoding["top_k"] or len(values), len(values)))
    powers = np.exp((values[places] - values.max()).astype(np.float64))
    ends = np.cumsum(powers)
    if decoding["top_p"] < 1:  # the fewest tokens that have this share together
        ends = ends[: np.searchsorted(ends, decoding["top_p"] * ends[-1]) + 1]
    return int(places[np.searchsorted(ends, drawn * ends[-1], side="right")])


def draw_number(*numbers: int) -> float:
    """Return a number from 0 to 1 that follows from others, by SplitMix64."""
    seed, row, step, sample = numbers
    mixed = _mix(_mix(_mix(_mix(seed) + row) + step) + sample)
    return float((mixed >> 12) * 2.0**-52)


def _mix(number: int) -> int:
    mixed = (number + 0x9E3779B97F4A7C15) & _BITS
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 & _BITS
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB & _BITS
    return mixed ^ (mixed >> 31)


def find_largest(values: Array, count: int) -> Array:
    """Return the places of the largest values, the largest first, of equal ones the first."""
    places = np.arange(len(values))
    if count < len(values):
        least = np.partition(values, len(values) - count)[len(values) - count]
        places = np.flatnonzero(values >= least)
    return places[np.argsort(-values[places], kind="stable")][:count]


def name_likeliest(tokenizer: Tokenizer, logits: Array, top: int) -> list[dict[str, Any]]:
    """Return the `top` likeliest tokens of logits [vocabulary]; -inf: never."""
    shares = np.exp(log_softmax(logits))
    return [
        {
            "token": tokenizer.name_of(number),
            "piece": "\\n" if number == EOS else tokenizer.tokens[number],
            "probability": float(shares[number]),
        }
        for number in find_largest(logits, min(top, int((logits > -np.inf).sum()))).tolist()
    ]


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
