"""Attention weights of one text as data: which token takes how much from which other."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, get_args

import numpy as np
import numpy.typing as npt

from munjang.displayed import Drawn
from munjang.errors import ConfigError, DataError
from munjang.models.attention_weights import AttentionKind, AttentionWeights
from munjang.reporting import pluralize

# The order in which kinds are shown: what made the answer comes first.
KINDS: tuple[AttentionKind, ...] = get_args(AttentionKind)
Weights = npt.NDArray[np.float32]
# The first character of a token in its text, and one past its last.
Span = tuple[int, int]

GO_LABEL, EOS_LABEL, TEXT_LABEL = "⟨go⟩", "⟨eos⟩", "⟨text⟩"
_DIGITS = 5


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """The weights of one head.

    Attributes:
        kind: `cross` (tokens of the answer on those of the text), `source` (tokens of the text on
            one another), `target` (tokens of the answer on those before them) or `pooling` (the
            vector of the whole text on its tokens).
        layer: from 0, the lowest.
        head: from 0.
        weights: [queries, keys]; each row sums to 1.
    """

    kind: AttentionKind
    layer: int
    head: int
    weights: Weights

    def to_json(self) -> dict[str, Any]:
        """Return plain values, the weights as a list of rows."""
        rows = [[round(float(weight), _DIGITS) for weight in row] for row in self.weights]
        return {"kind": self.kind, "layer": self.layer, "head": self.head, "weights": rows}


@dataclass(frozen=True)
class Strongest:
    """The keys with the largest weights of one query.

    Attributes:
        token: the query.
        sources: keys with their weights, the largest first.
    """

    token: str
    sources: tuple[tuple[str, float], ...]


@dataclass(frozen=True, repr=False)
class Attention(Drawn):
    """All attention weights of one text, or of one text and its answer.

    Attributes:
        source: tokens of the text, in the user's own characters.
        target: tokens of the answer, EOS included; None without an answer.
        maps: one per head, of all kinds and layers.
        text: the text.
        answer: the answer; None without one.
        truncated: True if the text was longer than the model reads; `source` is what it read.
        spans: first character in the text and one past the last of each token of `source`; None
            for tokens that stand for no character, such as GO. Empty if not known.
    """

    source: tuple[str, ...]
    target: tuple[str, ...] | None
    maps: tuple[AttentionMap, ...]
    text: str
    answer: str | None = None
    truncated: bool = False
    spans: tuple[Span | None, ...] = ()

    drawings: ClassVar[str] = "munjang.report.attention:ATTENTION"

    def summary(self) -> str:
        """Return the kinds of attention, and the number of tokens, layers and heads."""
        kinds = ", ".join(
            f"{kind} {len(self.rows(kind))} x {len(self.columns(kind))}" for kind in self.kinds
        )
        layers = len({(head.kind, head.layer) for head in self.maps})
        return f"{kinds}; {pluralize(layers, 'layer')}, {pluralize(len(self.maps), 'head')}"

    def __post_init__(self) -> None:
        for head in self.maps:
            shape = (len(self.rows(head.kind)), len(self.columns(head.kind)))
            if head.weights.shape != shape:
                raise ValueError(
                    f"weights of kind {head.kind} are {head.weights.shape}, for tokens {shape}"
                )
            if not np.isfinite(head.weights).all():
                raise DataError(
                    f"layer {head.layer}, head {head.head} of {head.kind}: expected finite "
                    "weights, got NaN or infinity; the training diverged, train the model again"
                )

    @classmethod
    def from_weights(
        cls,
        weights: Sequence[AttentionWeights],
        source: Sequence[str],
        target: Sequence[str] | None = None,
        *,
        text: str,
        answer: str | None = None,
        truncated: bool = False,
    ) -> Self:
        """Cut the weights of one text, or one pair, to its tokens, a map per head.

        Args:
            weights: of a batch of one, [1, heads, queries, keys] each, padding on the right.
            source: every token of the text that the model read, as it is displayed.
            target: tokens of the answer, with EOS and without GO: query i predicts token i from GO
                and the tokens before it.
            text: the text.
            answer: the answer.
            truncated: True if the text was cut.

        Raises:
            ValueError: the weights are of several texts, or of fewer tokens than are named.
        """
        tokens = None if target is None else tuple(target)
        named = cls(tuple(source), tokens, (), text, answer, truncated)
        maps: list[AttentionMap] = []
        for layer in weights:
            rows, columns = len(named.rows(layer.kind)), len(named.columns(layer.kind))
            if len(layer.weights) != 1:
                raise ValueError(f"expected the weights of one text, got {len(layer.weights)}")
            heads = layer.weights[0].detach().float().cpu().numpy()[:, :rows, :columns]
            maps += [AttentionMap(layer.kind, layer.layer, n, w) for n, w in enumerate(heads)]
        return replace(named, maps=tuple(maps))

    @property
    def kinds(self) -> tuple[AttentionKind, ...]:
        """The kinds with weights, `cross` first."""
        present = {head.kind for head in self.maps}
        return tuple(kind for kind in KINDS if kind in present)

    def rows(self, kind: AttentionKind) -> tuple[str, ...]:
        """Return the tokens of the rows: the queries."""
        if kind == "pooling":
            return (TEXT_LABEL,)
        return self.source if kind == "source" else self._target(kind)

    def columns(self, kind: AttentionKind) -> tuple[str, ...]:
        """Return the tokens of the columns: the keys.

        A token of the answer is predicted from GO and the tokens before it, so the columns of
        `target` are its rows shifted by one place.
        """
        return (GO_LABEL, *self._target(kind)[:-1]) if kind == "target" else self.source

    def _target(self, kind: AttentionKind) -> tuple[str, ...]:
        if self.target is None:
            raise ValueError(f"kind {kind} needs an answer, and there is none")
        return self.target

    def heads(self, kind: AttentionKind, layer: int | None = None) -> tuple[AttentionMap, ...]:
        """Return the heads of a kind, of one layer (-1 = the last) or of all, lowest first."""
        heads = sorted((m for m in self.maps if m.kind == kind), key=lambda m: (m.layer, m.head))
        wanted = _from_end(layer, {head.layer for head in heads})
        return tuple(head for head in heads if wanted in (None, head.layer))

    def mean(self, kind: AttentionKind, layer: int = -1) -> Weights:
        """Return the mean over the heads of a layer (-1 = the last), [queries, keys].

        Raises:
            ConfigError: there is no such layer or kind.
        """
        heads = [head.weights for head in self._select(kind, layer, None)]
        mean: Weights = np.mean(heads, axis=0, dtype=np.float32)
        return mean

    def strongest(self, kind: AttentionKind, layer: int = -1, most: int = 1) -> list[Strongest]:
        """Return the keys with the largest mean weights over the heads of a layer, per query.

        Of equal weights the earlier key comes first. With `cross` this is an alignment of the
        answer's tokens with those of the text.

        Raises:
            ConfigError: there is no such layer or kind.
        """
        columns = self.columns(kind)
        strongest = []
        for token, row in zip(self.rows(kind), self.mean(kind, layer), strict=True):
            order = np.argsort(-row, kind="stable")[:most].tolist()
            sources = tuple((columns[place], float(row[place])) for place in order)
            strongest.append(Strongest(token, sources))
        return strongest

    def select(
        self,
        kind: AttentionKind | None = None,
        layer: int | None = None,
        head: int | None = None,
    ) -> Self:
        """Return a copy with the maps of one kind, layer (-1 = the last) or head alone.

        Raises:
            ConfigError: there is no such map; those that there are are named.
        """
        if kind is not None:
            return replace(self, maps=tuple(self._select(kind, layer, head)))
        maps, last = list[AttentionMap](), None
        for present in self.kinds:
            try:
                maps += self._select(present, layer, head)
            except ConfigError as error:  # another kind may have what this one lacks
                last = last or error
        if last is not None and not maps:
            raise last
        return replace(self, maps=tuple(maps))

    def _select(
        self, kind: AttentionKind, layer: int | None, head: int | None
    ) -> list[AttentionMap]:
        if kind not in self.kinds:
            raise ConfigError(
                f"this model has no attention of kind '{kind}'; it has {', '.join(self.kinds)}"
            )
        in_layer = self.heads(kind, layer)
        if not in_layer:
            layers = {other.layer for other in self.heads(kind)}
            raise ConfigError(f"there is no layer {layer} of {kind}; {_range('layer', layers)}")
        numbers = {other.head for other in in_layer}
        wanted = _from_end(head, numbers)
        selected = [other for other in in_layer if wanted in (None, other.head)]
        if not selected:
            raise ConfigError(f"there is no head {head} of {kind}; {_range('head', numbers)}")
        return selected

    def to_json(self) -> dict[str, Any]:
        """Return plain values: texts, tokens, and each map with the tokens of its rows, columns."""
        maps = [
            {
                **head.to_json(),
                "rows": list(self.rows(head.kind)),
                "columns": list(self.columns(head.kind)),
            }
            for head in self.maps
        ]
        return {
            "text": self.text,
            "answer": self.answer,
            "truncated": self.truncated,
            "source": list(self.source),
            "target": None if self.target is None else list(self.target),
            "maps": maps,
        }


def _from_end(number: int | None, present: Set[int]) -> int | None:
    """Resolve -1 to the last of the numbers that there are."""
    return number if number is None or number >= 0 else number + len(present)


def _range(noun: str, present: Set[int]) -> str:
    if len(present) == 1:
        return f"there is one {noun}, {min(present)}"
    return f"{noun}s are {min(present)} to {max(present)}"
