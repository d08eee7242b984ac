"""Vectors as points in the plane: principal components, or t-SNE by openTSNE."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from munjang.errors import ConfigError

Vectors = npt.NDArray[np.float32]
Points = npt.NDArray[np.float32]
ProjectionName = Literal["pca", "tsne"]

# t-SNE looks at three times as many neighbors as its perplexity.
_PERPLEXITY, _NEIGHBORS = 30, 3


@dataclass(frozen=True, eq=False)
class Projection:
    """Points in the plane.

    Attributes:
        name: pca or tsne.
        points: [rows, 2].
        shares: share of the variance along each axis, for pca; distances of t-SNE have no scale.
    """

    name: ProjectionName
    points: Points
    shares: tuple[float, float] | None

    @property
    def axes(self) -> tuple[str, str]:
        """Names of the axes."""
        if self.shares is None:
            return "t-SNE 1", "t-SNE 2"
        first, second = (f"component {n} ({100 * s:.0f} % of the variance)"
                         for n, s in enumerate(self.shares, start=1))  # fmt: skip
        return first, second


def project(vectors: Vectors, name: ProjectionName = "pca", *, seed: int = 0) -> Projection:
    """Project vectors to the plane.

    Args:
        vectors: [rows, dim], at least one row.
        name: pca, or tsne, which needs the extra `maps`.
        seed: of t-SNE.

    Raises:
        ConfigError: there is no such projection, or openTSNE is not installed.
    """
    project_by = _PROJECTIONS.get(name)
    if project_by is None:
        raise ConfigError(f"expected the projection {' or '.join(_PROJECTIONS)}, got {name!r}")
    return project_by(np.asarray(vectors, dtype=np.float32), seed)


def _project_by_pca(vectors: Vectors, seed: int) -> Projection:
    """Return the first two principal components; the largest number of an axis is positive."""
    centered = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    variances, axes = np.linalg.eigh(centered.T @ centered)
    points = centered @ axes[:, ::-1][:, :2]
    if points.shape[1] < 2:  # vectors of one number
        points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
    farthest = points[np.abs(points).argmax(0), [0, 1]]
    points = points * np.where(farthest < 0, -1, 1)
    total = float(variances.clip(min=0).sum())
    shares = [float(v) / total if total > 0 else 0.0 for v in [*variances[::-1].clip(min=0), 0]]
    return Projection("pca", points.astype(np.float32), (shares[0], shares[1]))


def _project_by_tsne(vectors: Vectors, seed: int) -> Projection:
    """Return the points of t-SNE (van der Maaten and Hinton 2008), begun from the components."""
    if len(vectors) <= _NEIGHBORS:
        raise ConfigError(f"t-SNE needs more than {_NEIGHBORS} rows, got {len(vectors)}; use pca")
    try:
        from openTSNE import TSNE
    except ImportError:
        raise ConfigError(
            "t-SNE needs openTSNE; install it with pip install 'munjang[maps]', or use pca"
        ) from None
    perplexity = min(_PERPLEXITY, (len(vectors) - 1) // _NEIGHBORS)
    embedding: Any = TSNE(
        perplexity=perplexity, metric="cosine", initialization="pca", random_state=seed, n_jobs=1
    )
    points = np.asarray(embedding.fit(vectors), dtype=np.float32)
    return Projection("tsne", points, None)


_PROJECTIONS: dict[str, Callable[[Vectors, int], Projection]] = {
    "pca": _project_by_pca,
    "tsne": _project_by_tsne,
}
