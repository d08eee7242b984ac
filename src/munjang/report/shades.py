"""Weights from 0 to 1 as shades of one colour, on a light page and on a dark one."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from munjang.report.html import Markup, element

Weights = npt.NDArray[np.float32]
_LEVELS = 10  # of a small map, whose cells are no larger than a letter


@dataclass(frozen=True)
class Colours:
    """Of one screen.

    Attributes:
        ground: behind everything, and of the weight 0.
        full: of the weight 1.
        ink: of letters, and of figures on weak shades.
        on_full: of figures on strong shades.
        line: of rules and rims.
        mark: around the strongest of a row.
    """

    ground: str
    full: str
    ink: str
    on_full: str
    line: str
    mark: str


LIGHT = Colours("#ffffff", "#08306b", "#000000", "#ffffff", "#d5d9e0", "#d55e00")
DARK = Colours("#15171c", "#81aadf", "#ffffff", "#000000", "#3a3f4a", "#f0a04b")
# From this shade on figures are set in the other ink: there both are as easy to read.
STRONG = 0.66


def shade(weight: float) -> float:
    """How much of the full colour a weight has, from 0 to 1.

    The square root: of sixty tokens the usual weight is 1/60, and what stands out is 1/10. On an
    even scale neither would be seen.
    """
    return math.sqrt(min(1.0, max(0.0, weight)))


def thousandths(weights: Weights) -> list[list[int]]:
    """Weights in thousandths, [rows][columns]."""
    found: list[list[int]] = np.rint(weights * 1000).astype(int).tolist()
    return found


def written(thousandth: int) -> str:
    """A weight in two digits: `.43`, `1`, and `0` where it is less than half a hundredth."""
    rounded = hundredths(thousandth)
    return str(rounded // 100) if rounded in (0, 100) else f".{rounded:02}"


def hundredths(thousandth: int) -> int:
    """The nearest hundredth, half a hundredth upwards."""
    return (thousandth + 5) // 10


def small_map(weights: Weights, *, longest: float = 88.0, least: float = 14.0) -> Markup:
    """A map without words: an SVG in the shades of its page, which gives `.full` its colour.

    Args:
        weights: [rows, columns].
        longest: of its longer side, in pixels.
        least: of its shorter side.
    """
    rows, columns = weights.shape
    cell = longest / max(rows, columns)
    return element(
        "svg",
        *small_paths(weights),
        width=round(max(least, columns * cell), 1),
        height=round(max(least, rows * cell), 1),
        viewBox=f"0 0 {columns} {rows}",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def small_paths(weights: Weights) -> list[Markup]:
    """The cells of a small map, each 1 x 1: one path a shade, and none for the weakest."""
    levels = np.rint(np.sqrt(np.clip(weights, 0, 1)) * _LEVELS).astype(int)
    paths: dict[int, list[str]] = {}
    for y, row in enumerate(levels.tolist()):
        begin = 0
        for x in range(1, len(row) + 1):
            if x == len(row) or row[x] != row[begin]:
                if row[begin]:
                    cells = f"M{begin} {y}h{x - begin}v1h{begin - x}z"
                    paths.setdefault(row[begin], []).append(cells)
                begin = x
    return [
        element("path", class_="full", d="".join(parts), fill_opacity=level / _LEVELS)
        for level, parts in sorted(paths.items())
    ]
