"""Two kinds of plot: named points, and lines. Plain SVG, no library, no script."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from munjang.report.html import FONTS, element, join
from munjang.report.names import Named, Placed, place_names
from munjang.report.shades import DARK, LIGHT

WIDTH, HEIGHT = 560, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 110, 28, 44
# Okabe and Ito's colors, which color-blind readers can tell apart, and three more; the color of the
# text replaces black, which would be invisible on a dark page.
COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "currentColor"),
    *("#8a7d00", "#9467bd", "#8c8c8c"),
)
Colors = Mapping[str, str]


@dataclass(frozen=True)
class Point:
    """A named point with an error bar from `low` to `high`."""

    name: str
    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    """A named line through points."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]


def colors_of(names: Iterable[str]) -> dict[str, str]:
    """Return a color for each name, by its position."""
    return {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(dict.fromkeys(names))}


def scatter(
    points: Sequence[Point],
    x_name: str,
    y_name: str,
    *,
    up: bool = True,
    colors: Colors | None = None,
) -> Markup:
    """Draw points with names and error bars, x on a logarithmic scale, and the Pareto front.

    Args:
        points: to draw.
        x_name: label of the x axis.
        y_name: label of the y axis.
        up: True if larger y is better.
        colors: by name; one per point when left out.
    """
    colors = colors or colors_of(point.name for point in points)
    axes = _Axes(
        [math.log10(max(p.x, 1e-9)) for p in points],
        [value for p in points for value in (p.low, p.high)],
    )
    marks: list[Markup] = [_frame(axes, x_name, y_name, logarithmic=True)]
    front = [(math.log10(max(p.x, 1e-9)), p.y) for p in front_of(points, up=up)]
    marks.append(_path(axes, *_columns(front), "#999", dashed=True))
    dots = [Named(p.name, axes.x(math.log10(max(p.x, 1e-9))), axes.y(p.y)) for p in points]
    for point, dot in zip(points, dots, strict=True):
        bar = {"x1": dot.x, "x2": dot.x, "y1": axes.y(point.low), "y2": axes.y(point.high)}
        stroke = {"stroke": colors[point.name], "stroke_width": 1.5, "opacity": 0.5}
        marks.append(element("line", **bar, **stroke))
    for dot, place in zip(dots, place_names(dots, _TOP, HEIGHT - _BOTTOM), strict=True):
        marks += _named(dot, place, colors[dot.name])
    return _svg(marks, f"{y_name} against {x_name}")


def _named(dot: Named, place: Placed, color: str) -> list[Markup]:
    """Draw a point and its name, joined by a line where the name had to move."""
    y = round(place.y, 1)
    end = {"x1": dot.x, "y1": dot.y, "x2": round(place.x - 3, 1), "y2": y}
    joint = [element("line", **end, stroke=color, stroke_width=0.7)] if place.moved else []
    circle = element("circle", cx=dot.x, cy=dot.y, r=4.5, fill=color)
    at: dict[str, object] = {"x": round(place.x, 1), "y": round(y + 4, 1)}
    if place.ends:
        at["text_anchor"] = "end"
    return [*joint, circle, element("text", dot.name, **at)]


def lines(
    drawn: Sequence[Line], x_name: str, y_name: str, *, colors: Colors | None = None
) -> Markup:
    """Draw lines; those of one name share a color and one entry in the legend.

    Args:
        drawn: the lines.
        x_name: label of the x axis.
        y_name: label of the y axis.
        colors: by name; one per name when left out.
    """
    axes = _Axes([0.0, *(x for line in drawn for x in line.xs)], [y for d in drawn for y in d.ys])
    names = dict.fromkeys(line.name for line in drawn)
    colors = {name: (colors or colors_of(names))[name] for name in names}
    marks = [_frame(axes, x_name, y_name, logarithmic=False)]
    for line in drawn:
        marks.append(_path(axes, line.xs, line.ys, colors[line.name]))
        marks += [
            element("circle", cx=axes.x(x), cy=axes.y(y), r=2, fill=colors[line.name])
            for x, y in zip(line.xs, line.ys, strict=True)
        ]
    for place, (name, color) in enumerate(colors.items()):
        at = _TOP + 14 + 17 * place
        marks.append(element("circle", cx=WIDTH - _RIGHT + 14, cy=at - 4, r=4.5, fill=color))
        marks.append(element("text", name, x=WIDTH - _RIGHT + 24, y=at))
    return _svg(marks, f"{y_name} against {x_name}")


def front_of(points: Sequence[Point], *, up: bool = True) -> list[Point]:
    """Return the Pareto front: points that no other beats in both x (small) and y, by x."""
    front: list[Point] = []
    sign = 1 if up else -1
    for point in sorted(points, key=lambda p: (p.x, -sign * p.y)):
        if not front or sign * point.y > sign * front[-1].y:
            front.append(point)
    return front


class _Axes:
    """The mapping from values to pixels."""

    def __init__(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        self.low_x, self.high_x = _wider(xs)
        self.low_y, self.high_y = _wider(ys)

    def x(self, value: float) -> float:
        share = (value - self.low_x) / (self.high_x - self.low_x)
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.low_y) / (self.high_y - self.low_y)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)


def _wider(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = 0.06 * (high - low) or 0.5
    return low - room, high + room


def _columns(places: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in places], [y for _, y in places]


def _path(
    axes: _Axes, xs: Sequence[float], ys: Sequence[float], color: str, *, dashed: bool = False
) -> Markup:
    places = " ".join(f"{axes.x(x)},{axes.y(y)}" for x, y in zip(xs, ys, strict=True))
    style = {"stroke_dasharray": "4 4"} if dashed else {}
    return element("polyline", points=places, fill="none", stroke=color, **style)


def _frame(axes: _Axes, x_name: str, y_name: str, *, logarithmic: bool) -> Markup:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    marks = [element("polyline", points=f"{_LEFT},{_TOP} {_LEFT},{bottom} {right},{bottom}",
                     fill="none", stroke="#888")]  # fmt: skip
    for value in _ticks(axes.low_x, axes.high_x):
        shown = f"{10**value if logarithmic else value:.3g}"
        marks.append(element("text", shown, x=axes.x(value), y=bottom + 16, text_anchor="middle"))
    for value in _ticks(axes.low_y, axes.high_y):
        place = axes.y(value)
        marks.append(element("line", x1=_LEFT, x2=right, y1=place, y2=place, stroke="#8883"))
        at = {"x": _LEFT - 6, "y": round(place + 4, 1)}
        marks.append(element("text", f"{value:.4g}", **at, text_anchor="end"))
    middle = (_LEFT + right) / 2
    marks.append(element("text", x_name, x=middle, y=HEIGHT - 8, text_anchor="middle"))
    marks.append(element("text", y_name, x=_LEFT - 6, y=_TOP - 12))
    return join(marks)


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers from `low` to `high`."""
    rough = (high - low) / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * unit for unit in (1, 2, 5, 10) if power * unit >= rough)
    first = math.ceil(low / step)
    return [round(place * step, 12) for place in range(first, math.floor(high / step) + 1)]


def _svg(marks: Sequence[Markup], title: str) -> Markup:
    box = f"0 0 {WIDTH} {HEIGHT}"
    return element("svg", element("title", title), *marks, viewBox=box, width=WIDTH, height=HEIGHT)


def standalone(picture: Markup) -> Markup:
    """Return a plot as a file of its own, on a ground; on a page the page gives font and colors.

    Colors stand at every shape, for programs that read no style sheet, and change in a dark color
    scheme.
    """
    dark = f".ground{{fill:{DARK.ground}}}svg{{fill:{DARK.ink};color:{DARK.ink}}}"
    return element(
        "svg",
        element("style", f"@media (prefers-color-scheme: dark){{{dark}}}"),
        element("rect", class_="ground", width="100%", height="100%", fill=LIGHT.ground),
        picture,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        width=WIDTH,
        height=HEIGHT,
        font_family=FONTS,
        font_size=12,
        fill=LIGHT.ink,
        color=LIGHT.ink,
        role="img",
    )
