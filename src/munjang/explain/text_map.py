"""Sentence vectors of texts as a map, with the labels of the texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from munjang.errors import DataError
from munjang.explain.projection import Projection, ProjectionName, project

_DIGITS = 4
# Texts of a map by default: more hide one another, and make its page large.
MOST_TEXTS = 2000


@dataclass(frozen=True, eq=False)
class MapOfTexts:
    """Texts as points in the plane.

    Attributes:
        texts: the texts on the map.
        labels: label of each text; None without labels.
        projection: a point per text.
        left_out: number of texts that are not on the map, which shows a sample.
        agreement: share of texts whose nearest text by cosine has the same label; None without
            labels, or with one text.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...] | None
    projection: Projection
    left_out: int
    agreement: float | None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        points = np.round(self.projection.points.astype(float), _DIGITS).tolist()
        labels = self.labels or [None] * len(self.texts)
        return {
            "projection": self.projection.name,
            "axes": list(self.projection.axes),
            "left_out": self.left_out,
            "agreement": self.agreement,
            "points": [
                {"text": text, "label": label, "x": x, "y": y}
                for text, label, (x, y) in zip(self.texts, labels, points, strict=True)
            ],
        }


def make_text_map(
    model: Any,
    texts: Sequence[str],
    labels: Sequence[str] | None = None,
    *,
    most: int = MOST_TEXTS,
    projection: ProjectionName = "pca",
    pooling: str | None = None,
    seed: int = 0,
) -> MapOfTexts:
    """Project the sentence vectors of texts to the plane.

    Args:
        model: a model with `embed`.
        texts: at least one.
        labels: of the texts.
        most: texts on the map; of more a sample is drawn.
        projection: pca or tsne.
        pooling: of the vectors, as for `model.embed`.
        seed: of the sample, and of t-SNE.

    Raises:
        DataError: there is no text.
        ConfigError: the model has no such vectors, or t-SNE is not installed.
    """
    if not texts:
        raise DataError("expected at least one text to draw on a map, got none")
    places = np.arange(len(texts))
    if len(texts) > most:
        places = np.sort(np.random.default_rng(seed).choice(len(texts), most, replace=False))
    shown = [texts[place] for place in places.tolist()]
    names = None if labels is None else tuple(labels[place] for place in places.tolist())
    vectors = model.embed(shown, pooling=pooling, normalize=True)
    return MapOfTexts(
        tuple(shown),
        names,
        project(vectors, projection, seed=seed),
        len(texts) - len(shown),
        None if names is None or len(shown) < 2 else _agreement(vectors, names),
    )


def _agreement(directions: Any, labels: Sequence[str]) -> float:
    """Return how often the nearest other text has the same label."""
    cosines = directions @ directions.T
    np.fill_diagonal(cosines, -np.inf)
    nearest = cosines.argmax(1)
    return float(np.mean([labels[a] == labels[b] for a, b in enumerate(nearest.tolist())]))
