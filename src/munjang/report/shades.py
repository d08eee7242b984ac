"""Weights from 0 to 1 as shades of one color, in a light and a dark color scheme."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from munjang.report.html import element

Weights = npt.NDArray[np.float32]
_LEVELS = 10  # shades of a small map, whose cells are no larger than a letter


@dataclass(frozen=True)
class Colors:
    """The colors of one color scheme.

    Attributes:
        ground: the background, and the weight 0.
        full: the weight 1.
        ink: letters, and figures on weak shades.
        on_full: figures on strong shades.
        line: rules and borders.
        mark: the border of the largest weight of a row.
    """

    ground: str
    full: str
    ink: str
    on_full: str
    line: str
    mark: str

    @property
    def full_rgb(self) -> str:
        """`full` as three decimal numbers for CSS."""
        return ", ".join(map(str, _numbers(self.full)))

    def blend(self, opacity: float) -> str:
        """Return the full color with that opacity on the ground, as a hexadecimal number."""
        pairs = zip(_numbers(self.ground), _numbers(self.full), strict=True)
        return "#" + "".join(f"{round(low + opacity * (high - low)):02x}" for low, high in pairs)


def _numbers(color: str) -> list[int]:
    """Return red, green and blue of a hexadecimal number."""
    return [int(color[at : at + 2], 16) for at in (1, 3, 5)]


LIGHT = Colors("#ffffff", "#08306b", "#000000", "#ffffff", "#d5d9e0", "#d55e00")
DARK = Colors("#15171c", "#81aadf", "#ffffff", "#000000", "#3a3f4a", "#f0a04b")
# From this shade on figures are set in `on_full`: there both are equally legible.
STRONG = 0.66


def shade(weight: float) -> float:
    """Return the opacity of the full color for a weight, from 0 to 1.

    The square root: with sixty tokens a usual weight is 1/60 and a large one 1/10, and on a linear
    scale neither would be visible.
    """
    return math.sqrt(min(1.0, max(0.0, weight)))


def thousandths(weights: Weights) -> list[list[int]]:
    """Return weights in thousandths, [rows][columns]."""
    rows: list[list[int]] = np.rint(weights * 1000).astype(int).tolist()
    return rows


def format_weight(thousandth: int) -> str:
    """Return a weight in two digits: `.43`, `1`, and `0` below half a hundredth."""
    rounded = hundredths(thousandth)
    return str(rounded // 100) if rounded in (0, 100) else f".{rounded:02}"


def hundredths(thousandth: int) -> int:
    """Round to the nearest hundredth, half a hundredth up."""
    return (thousandth + 5) // 10


def small_map(weights: Weights, *, longest: float = 88.0, least: float = 14.0) -> Markup:
    """Return a map without labels as an SVG; the page gives `.full` its color.

    Args:
        weights: [rows, columns].
        longest: longer side in pixels.
        least: minimum of the shorter side in pixels.
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
    """Return the cells of a small map, 1 x 1 each: one path per shade, none for the weakest."""
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
