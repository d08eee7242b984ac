"""A map of texts as a picture: a point per text, its color that of the label."""

from collections import Counter

from markupsafe import Markup

from munjang.explain.text_map import MapOfTexts
from munjang.report.html import element
from munjang.report.picture import draw_picture
from munjang.report.shades import LIGHT
from munjang.report.svg import COLOURS
from munjang.report.visible import cut_visible

_WIDTH, _HEIGHT, _EDGE, _LEGEND = 720.0, 520.0, 24.0, 170.0
_RADIUS = 3.4
_LONGEST, _LONGEST_LABEL = 300, 18  # characters of a text in its tooltip, of a label
# Labels with a color of their own; the rest share one.
MOST_COLORS = len(COLOURS) - 1
OTHER_LABELS = "other labels"


def colors_of_labels(shown: MapOfTexts) -> dict[str, str]:
    """Return the color of each label, the most frequent first; rare ones share one."""
    if shown.labels is None:
        return {}
    names = [name for name, _ in Counter(shown.labels).most_common()]
    palette = [color if color != "currentColor" else "#8c8c8c" for color in COLOURS]
    colors = dict(zip(names[:MOST_COLORS], palette, strict=False))
    if len(names) > MOST_COLORS:
        colors[OTHER_LABELS] = palette[-1]
    return colors


def draw_text_map(shown: MapOfTexts) -> Markup:
    """Return the picture."""
    colors = colors_of_labels(shown)
    names = shown.labels or ("",) * len(shown.texts)
    marks = []
    for text, name, (x, y) in zip(shown.texts, names, _places(shown), strict=True):
        title = cut_visible(text, _LONGEST)
        color = colors.get(name, colors.get(OTHER_LABELS, LIGHT.full))
        marks.append(
            element("circle", element("title", f"{name}: {title}" if name else title),
                    cx=f"{x:.5g}", cy=f"{y:.5g}", r=_RADIUS, fill=color, fill_opacity=0.65)
        )  # fmt: skip
    return draw_picture(
        "Map of texts",
        [*_axis_names(shown), element("g", *marks, class_="points"), *_legend(colors)],
        _WIDTH + _LEGEND,
        _HEIGHT,
        style=".points .off{opacity:.08}.points .found{stroke:CanvasText;fill-opacity:1}",
    )


def _places(shown: MapOfTexts) -> list[tuple[float, float]]:
    """Return the pixels of every point; both axes have one scale, so that distances compare."""
    points = shown.projection.points
    low, high = points.min(0), points.max(0)
    room = (_WIDTH - 2 * _EDGE, _HEIGHT - 3 * _EDGE)
    scale = min(side / max(float(span), 1e-9) for side, span in zip(room, high - low, strict=True))
    middle = (low + high) / 2
    return [
        (_WIDTH / 2 + scale * float(x), _HEIGHT / 2 - _EDGE / 2 - scale * float(y))
        for x, y in points - middle
    ]


def _axis_names(shown: MapOfTexts) -> list[Markup]:
    across, up = shown.projection.axes
    return [
        element("text", f"→ {across}", x=f"{_EDGE:g}", y=f"{_HEIGHT - 8:g}"),
        element("text", f"↑ {up}", x=f"{_EDGE:g}", y="16"),
    ]


def _legend(colors: dict[str, str]) -> list[Markup]:
    marks = []
    for place, (name, color) in enumerate(colors.items()):
        y = _EDGE + 20 * (place + 1)
        marks.append(element("circle", cx=_WIDTH + 8, cy=y - 4, r=5, fill=color))
        label = cut_visible(name, _LONGEST_LABEL)
        marks.append(element("text", label, x=_WIDTH + 20, y=y))
    return marks
