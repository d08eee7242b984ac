"""Which token takes how much from which other: the weights of attention, with the tokens' names."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from munjang.errors import ConfigError, DataError
from munjang.models.sequence_to_sequence.model import AttentionWeights

Kind = Literal["cross", "source", "target", "pooling"]
# The order in which people meet them: what made the answer comes first.
KINDS: tuple[Kind, ...] = get_args(Kind)
Weights = npt.NDArray[np.float32]

GO_SHOWN, EOS_SHOWN = "⟨go⟩", "⟨eos⟩"
POOLED = "⟨text⟩"
_DIGITS = 5


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """The weights of one head.

    Attributes:
        kind: `cross` (words of the answer on those of the text), `source` (words of the text on one
            another), `target` (words of the answer on those before them) or `pooling` (the vector
            of the whole text on its words).
        layer: from 0, the lowest.
        head: from 0.
        weights: [rows, columns]; each row is 1 in all.
    """

    kind: Kind
    layer: int
    head: int
    weights: Weights

    def to_json(self) -> dict[str, Any]:
        """Plain values, weights as lists of rows."""
        rows = [[round(float(weight), _DIGITS) for weight in row] for row in self.weights]
        return {"kind": self.kind, "layer": self.layer, "head": self.head, "weights": rows}


@dataclass(frozen=True)
class Strongest:
    """Whom a token takes most from.

    Attributes:
        token: of the row.
        sources: tokens of the columns with their weights, the strongest first.
    """

    token: str
    sources: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Attention:
    """All weights of one text, or of one text and its answer.

    Attributes:
        source: tokens of the text, in the person's own characters.
        target: tokens of the answer, the end included; None where there is no answer.
        maps: of all kinds, layers and heads that there are.
        text: the text.
        answer: the answer, None where there is none.
        truncated: whether the text was longer than the model reads; `source` is what it read.
    """

    source: tuple[str, ...]
    target: tuple[str, ...] | None
    maps: tuple[AttentionMap, ...]
    text: str
    answer: str | None = None
    truncated: bool = False

    def __post_init__(self) -> None:
        for one in self.maps:
            shape = (len(self.rows(one.kind)), len(self.columns(one.kind)))
            if one.weights.shape != shape:
                raise ValueError(
                    f"weights of kind {one.kind} are {one.weights.shape}, for tokens {shape}"
                )
            if not np.isfinite(one.weights).all():
                raise DataError(
                    f"layer {one.layer}, head {one.head} of {one.kind}: expected numbers, got "
                    "infinite or no weights; this model has gone astray in training, train it anew"
                )

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that there are, `cross` first."""
        there = {one.kind for one in self.maps}
        return tuple(kind for kind in KINDS if kind in there)

    def rows(self, kind: Kind) -> tuple[str, ...]:
        """Who takes: the tokens of the rows."""
        if kind == "pooling":
            return (POOLED,)
        return self.source if kind == "source" else self._target(kind)

    def columns(self, kind: Kind) -> tuple[str, ...]:
        """Who is taken from: the tokens of the columns.

        A word of the answer is said by a row that has read those before it only, GO first. So the
        columns of `target` stand one place behind its rows.
        """
        return (GO_SHOWN, *self._target(kind)[:-1]) if kind == "target" else self.source

    def _target(self, kind: Kind) -> tuple[str, ...]:
        if self.target is None:
            raise ValueError(f"kind {kind} needs an answer, and there is none")
        return self.target

    def of(self, kind: Kind, layer: int | None = None) -> tuple[AttentionMap, ...]:
        """The heads of a kind, of one layer (-1 = the last) or of all, lowest layer first."""
        found = sorted((m for m in self.maps if m.kind == kind), key=lambda m: (m.layer, m.head))
        wanted = _from_end(layer, {one.layer for one in found})
        return tuple(one for one in found if wanted in (None, one.layer))

    def mean(self, kind: Kind, layer: int = -1) -> Weights:
        """The mean over the heads of a layer (-1 = the last), [rows, columns]; rows are 1 in all.

        Raises:
            ConfigError: there is no such layer, or none of that kind.
        """
        heads = [one.weights for one in self._some(kind, layer, None)]
        mean: Weights = np.mean(heads, axis=0, dtype=np.float32)
        return mean

    def strongest(self, kind: Kind, layer: int = -1, most: int = 1) -> list[Strongest]:
        """For each row, the columns it takes most from by the mean over the heads of a layer.

        Of equal weights the earlier column comes first. Of `cross` it is an alignment: each word
        of the answer with its words of the text.

        Raises:
            ConfigError: as `mean`.
        """
        columns = self.columns(kind)
        found = []
        for token, row in zip(self.rows(kind), self.mean(kind, layer), strict=True):
            order = np.argsort(-row, kind="stable")[:most].tolist()
            named = tuple((columns[place], float(row[place])) for place in order)
            found.append(Strongest(token, named))
        return found

    def only(
        self, kind: Kind | None = None, layer: int | None = None, head: int | None = None
    ) -> "Attention":
        """The same with the maps of one kind, layer (-1 = the last) or head alone.

        Raises:
            ConfigError: there is none such; what there is is named.
        """
        if kind is not None:
            return replace(self, maps=tuple(self._some(kind, layer, head)))
        maps, last = list[AttentionMap](), None
        for each in self.kinds:
            try:
                maps += self._some(each, layer, head)
            except ConfigError as error:  # another kind may have what this one lacks
                last = last or error
        if last is not None and not maps:
            raise last
        return replace(self, maps=tuple(maps))

    def _some(self, kind: Kind, layer: int | None, head: int | None) -> list[AttentionMap]:
        if kind not in self.kinds:
            raise ConfigError(
                f"this model has no attention of kind '{kind}'; it has {', '.join(self.kinds)}"
            )
        in_layer = self.of(kind, layer)
        if not in_layer:
            layers = {one.layer for one in self.of(kind)}
            raise ConfigError(f"there is no layer {layer} of {kind}; {_counted('layer', layers)}")
        heads = {one.head for one in in_layer}
        wanted = _from_end(head, heads)
        found = [one for one in in_layer if wanted in (None, one.head)]
        if not found:
            raise ConfigError(f"there is no head {head} of {kind}; {_counted('head', heads)}")
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain values: texts, tokens, and each map with the tokens of its rows and columns."""
        maps = [
            {**one.to_json(), "rows": list(self.rows(one.kind)),
             "columns": list(self.columns(one.kind))}
            for one in self.maps
        ]  # fmt: skip
        return {
            "text": self.text,
            "answer": self.answer,
            "truncated": self.truncated,
            "source": list(self.source),
            "target": None if self.target is None else list(self.target),
            "maps": maps,
        }


def _from_end(number: int | None, there: Set[int]) -> int | None:
    """-1 as the last of those that there are."""
    return number if number is None or number >= 0 else number + len(there)


def _counted(what: str, there: Set[int]) -> str:
    if len(there) == 1:
        return f"there is one {what}, {min(there)}"
    return f"{what}s are {min(there)} to {max(there)}"


def from_looks(
    looks: Sequence[AttentionWeights],
    source: Sequence[str],
    target: Sequence[str] | None = None,
    *,
    text: str,
    answer: str | None = None,
    truncated: bool = False,
) -> Attention:
    """The weights of one text, or one pair, cut to the tokens that there are.

    Args:
        looks: of a batch of one; each [1, heads, queries, keys], padding on the right.
        source: every token of the text that the model read, as people see it.
        target: likewise of the answer, EOS included and GO not: row i of a look is the i-th word
            of the answer, said by a model that has read GO and the words before it.
        text: the text.
        answer: the answer.
        truncated: whether the text was cut.

    Raises:
        ValueError: weights of more than one text, or of fewer tokens than are named.
    """
    named = Attention(
        tuple(source), None if target is None else tuple(target), (), text, answer, truncated
    )
    maps: list[AttentionMap] = []
    for look in looks:
        rows, columns = len(named.rows(look.kind)), len(named.columns(look.kind))
        if len(look.weights) != 1:
            raise ValueError(f"expected the weights of one text, got those of {len(look.weights)}")
        weights = look.weights[0].detach().float().cpu().numpy()[:, :rows, :columns]
        maps += [AttentionMap(look.kind, look.layer, head, w) for head, w in enumerate(weights)]
    return replace(named, maps=tuple(maps))
