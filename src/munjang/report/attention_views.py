"""The maps of attention that a reader can choose between, and the title of each kind."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from munjang.explain.attention import Attention, Weights
from munjang.explain.rollout import compute_rollout
from munjang.models.attention_weights import AttentionKind
from munjang.report.shades import small_map

TITLES: dict[AttentionKind, str] = {
    "cross": "Attention of the answer to the text",
    "source": "Self-attention of the text",
    "target": "Self-attention of the answer",
    "pooling": "Attention pooling of the text",
}


@dataclass(frozen=True)
class View:
    """One of the maps that a reader can choose.

    Attributes:
        layer: from 0, the lowest; None for the rollout through all layers.
        head: from 0; None for the mean over the heads of the layer.
        weights: [queries, keys].
    """

    layer: int | None
    head: int | None
    weights: Weights

    @property
    def row(self) -> str:
        """The name of its row in an overview."""
        return "all" if self.layer is None else f"layer {self.layer}"

    @property
    def name(self) -> str:
        """The full name."""
        if self.layer is None:
            return "attention rollout through all layers"
        return f"layer {self.layer}, {'mean of heads' if self.head is None else self.short}"

    @property
    def short(self) -> str:
        """The name beside that of the layer."""
        if self.layer is None:
            return "rollout"
        return "mean" if self.head is None else f"head {self.head}"

    @property
    def picture(self) -> Markup:
        """The weights as a small map."""
        return small_map(self.weights)


def views_of(attention: Attention, kind: AttentionKind) -> list[View]:
    """Return all views of a kind by layer; the mean first where a layer has several heads.

    Self-attention of several layers has their rollout as its last view.
    """
    views = list[View]()
    layers = sorted({head.layer for head in attention.heads(kind)})
    for layer in layers:
        heads = attention.heads(kind, layer)
        if len(heads) > 1:
            views.append(View(layer, None, attention.mean(kind, layer)))
        views += [View(layer, head.head, head.weights) for head in heads]
    rollout = compute_rollout(attention) if kind == "source" and len(layers) > 1 else None
    return views if rollout is None else [*views, View(None, None, rollout)]


def rows_of(views: Sequence[View]) -> dict[str, list[View]]:
    """Return views by the name of their row in an overview."""
    rows: dict[str, list[View]] = {}
    for view in views:
        rows.setdefault(view.row, []).append(view)
    return rows


def first_view(views: Sequence[View]) -> int:
    """Return the place of the view shown first: the mean of the last layer, or its only head."""
    last = max(view.layer for view in views if view.layer is not None)
    return next(place for place, view in enumerate(views) if view.layer == last)
