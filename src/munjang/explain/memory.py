"""How far back a network still feels its input: gradients by distance in tokens.

    text        x_1   x_2   ...   x_(T-1)   x_T
    distance    T-1   T-2   ...      1       0       in tokens, back from the last state h_T

The norm of the Jacobian ∂h_T / ∂x_(T-k) says how much the last state changes with the token k
places back. The state of an lstm is its hidden state and its memory cell. In a simple recurrent
network the Jacobian is a product of k matrices and shrinks about exponentially: the vanishing
gradient (Hochreiter 1991; Bengio, Simard and Frasconi 1994, "Learning long-term dependencies with
gradient descent is difficult"). Gates are there to prevent this, and attention reaches any distance
in one step.

A network learns from a distance only if gradients reach it, and answers by it only if they still do
after training; so both moments are measured, with the weights of the first step drawn anew.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from torch import nn

from munjang.errors import ConfigError, DataError
from munjang.explain.half_life import HalfLife
from munjang.explain.jacobian import PROBES, squared_norms
from munjang.explain.margins import margin_squared_norms
from munjang.explain.redraw import is_pretrained, redraw_network
from munjang.explain.token_network import open_network
from munjang.explain.token_rows import TokenRows, encode_rows
from munjang.model import Model

Moment = Literal["before", "after"]
MOMENTS: tuple[Moment, ...] = get_args(Moment)
Of = Literal["state", "answer"]

MOST_TEXTS, MOST_DISTANCE = 200, 100
# A distance needs so many texts that are long enough, or this share of all, to be in a curve.
_FEWEST_TEXTS, _FEWEST_SHARE = 5, 0.1
_BATCH_TOKENS = 2048


@dataclass(frozen=True)
class MemoryCurve:
    """Norms of gradients by distance, of one model at one moment.

    Attributes:
        name: name of the model.
        moment: `before` (initial weights, drawn anew) or `after` training.
        norms: mean norm over the texts, by distance from 0.
        texts: number of texts that are long enough, by distance.
        half_life: half-life of the norms.
        is_pretrained: True if the training began from other weights than those of `before`.
    """

    name: str
    moment: Moment
    norms: tuple[float, ...]
    texts: tuple[int, ...]
    half_life: HalfLife
    is_pretrained: bool = False

    @property
    def relative(self) -> tuple[float, ...]:
        """The norms divided by that at distance 1; empty where that is 0 or missing."""
        unit = self.norms[1] if len(self.norms) > 1 else 0.0
        return tuple(norm / unit for norm in self.norms) if unit > 0 else ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name,
            "moment": self.moment,
            "half_life": self.half_life.to_json(),
            "is_pretrained": self.is_pretrained,
            "norms": [float(f"{norm:.6g}") for norm in self.norms],
            "texts": list(self.texts),
        }


@dataclass(frozen=True)
class Memory:
    """Curves of one or more models.

    Attributes:
        of: what the gradients are of: the last `state`, or the `answer` (its logit margin).
        curves: one per model and moment.
    """

    of: Of
    curves: tuple[MemoryCurve, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"of": self.of, "curves": [curve.to_json() for curve in self.curves]}


def compute_memory(
    model: Model,
    rows: Any,
    *,
    name: str | None = None,
    of: Of = "state",
    moments: Sequence[Moment] = MOMENTS,
    most_texts: int = MOST_TEXTS,
    distance: int = MOST_DISTANCE,
    probes: int | None = PROBES,
    seed: int = 0,
) -> Memory:
    """Return the memory of a model over texts.

    Args:
        model: a model with one state per token: an encoder of texts, or a language model.
        rows: texts, as `munjang.explain.token_rows.read_rows` reads them; running text for a
            language model, which is cut into windows.
        name: name of the model; that of its architecture if omitted.
        of: `state`, the last state; or `answer`, the logit of a binary answer or a number, else the
            highest logit minus the second.
        moments: which of before and after training.
        most_texts: texts at most, drawn by the seed.
        distance: largest distance in tokens.
        probes: see `munjang.explain.jacobian.squared_norms`.
        seed: random seed.

    Raises:
        ConfigError: the model has no states, or no answer with logits.
        DataError: the texts have fewer than three tokens.
    """
    if of not in get_args(Of):
        raise ConfigError(f"of: expected state or answer, got '{of}'")
    chosen = encode_rows(model, rows, most=most_texts, seed=seed, window=distance + 1)
    name = name or model.recipe.model_name
    curves = []
    for moment in moments:
        network = model.network if moment == "after" else redraw_network(model)
        norms = _norms_of_texts(chosen.adapt(network), chosen, of, distance, probes, seed)
        curves.append(_curve(name, moment, norms, is_pretrained(model)))
    return Memory(of, tuple(curves))


def join_memories(memories: Iterable[Memory]) -> Memory:
    """Return the curves of several models in one result."""
    memories = list(memories)
    curves = tuple(curve for memory in memories for curve in memory.curves)
    return Memory(memories[0].of, curves)


def _norms_of_texts(
    network: nn.Module, rows: TokenRows, of: Of, distance: int, probes: int | None, seed: int
) -> list[list[float]]:
    """Return the norms of each text by distance."""
    reader = open_network(network) if of == "state" else None
    norms = []
    for batch in rows.batches(_BATCH_TOKENS):
        if reader is None:
            squares = margin_squared_norms(network, batch.ids, batch.mask)
        else:
            last = batch.lengths - 1
            squares = squared_norms(reader, batch.ids, batch.mask, last, probes=probes, seed=seed)
        for row, length in zip(squares.sqrt().tolist(), batch.lengths.tolist(), strict=True):
            norms.append(row[:length][::-1][: distance + 1])
    return norms


def _curve(
    name: str, moment: Moment, norms: Sequence[Sequence[float]], pretrained: bool
) -> MemoryCurve:
    """Average the norms of texts, as far as enough texts are long enough."""
    fewest = max(min(len(norms), _FEWEST_TEXTS), math.ceil(_FEWEST_SHARE * len(norms)))
    longest = max(map(len, norms), default=0)
    counts = [sum(len(text) > distance for text in norms) for distance in range(longest)]
    counts = [count for count in counts if count >= fewest]
    if len(counts) < 3:
        raise DataError(
            "expected texts of three tokens or more, to see how the norm falls; nearly all of "
            f"{len(norms):,} are shorter"
        )
    means = [
        math.fsum(text[distance] for text in norms if len(text) > distance) / count
        for distance, count in enumerate(counts)
    ]
    if not all(map(math.isfinite, means)):
        raise DataError(
            f"{name}: expected finite gradients, got NaN or infinity; the training diverged, train "
            "the model again"
        )
    life = HalfLife.of(means, norms)
    return MemoryCurve(name, moment, tuple(means), tuple(counts), life, pretrained)
