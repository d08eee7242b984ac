"""The maps of attention that a person can choose between, and what each kind of them says."""

from collections.abc import Sequence
from dataclasses import dataclass

from munjang.explain.attention import Attention, Weights
from munjang.models.attention_weights import AttentionKind

TITLES: dict[AttentionKind, str] = {
    "cross": "The answer looks at the text",
    "source": "The text looks at itself",
    "target": "The answer looks back at itself",
    "pooling": "What the text as a whole is made of",
}


@dataclass(frozen=True)
class View:
    """One of the maps that a person can choose.

    Attributes:
        layer: from 0, the lowest.
        head: from 0; None for the mean over the heads of the layer.
        weights: [rows, columns].
    """

    layer: int
    head: int | None
    weights: Weights

    @property
    def name(self) -> str:
        """For people."""
        return f"layer {self.layer}, {'mean of heads' if self.head is None else self.short}"

    @property
    def short(self) -> str:
        """Its name beside that of the layer."""
        return "mean" if self.head is None else f"head {self.head}"


def views_of(attention: Attention, kind: AttentionKind) -> list[View]:
    """All views of a kind, layer by layer; where a layer has several heads their mean first."""
    views = []
    for layer in sorted({one.layer for one in attention.heads(kind)}):
        heads = attention.heads(kind, layer)
        if len(heads) > 1:
            views.append(View(layer, None, attention.mean(kind, layer)))
        views += [View(layer, one.head, one.weights) for one in heads]
    return views


def first_view(views: Sequence[View]) -> int:
    """The place of the view to begin with: the mean of the last layer, or its only head."""
    last = max(view.layer for view in views)
    return next(place for place, view in enumerate(views) if view.layer == last)
