"""Falling curves on a logarithmic scale as one SVG picture, with a name and a figure for each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from munjang.report.html import element
from munjang.report.labels import Label
from munjang.report.picture import DARK_FULL, draw_picture
from munjang.report.svg import colors_of

_WIDTH, _HEIGHT = 760.0, 400.0
_LEFT, _TOP, _BOTTOM, _ASIDE = 66.0, 34.0, 46.0, 250.0
_SIZE, _LINE = 13.0, 20.0
# Smaller values are not drawn.
_LEAST_POWER = -8


@dataclass(frozen=True)
class Decay:
    """One curve.

    Attributes:
        name: curves of one name have one color.
        dashed: drawn dashed.
        values: by distance from 0; those that are not above 0 are left out.
        note: beside its entry in the legend.
    """

    name: str
    dashed: bool
    values: Sequence[float]
    note: str


def draw_decays(title: str, x_name: str, y_name: str, curves: Sequence[Decay]) -> Markup:
    """Return the picture.

    Args:
        title: for people who do not see it.
        x_name: label of the x axis.
        y_name: label of the y axis.
        curves: at least one.
    """
    axes = _Axes.of(curves)
    colors = colors_of(curve.name for curve in curves)
    marks = [*axes.frame(x_name, y_name)]
    for curve in curves:
        marks.append(axes.path(curve, colors[curve.name]))
    for place, curve in enumerate(curves):
        marks += _entry(curve, colors[curve.name], _TOP + 6 + 1.9 * _LINE * place)
    height = max(_HEIGHT, _TOP + 1.9 * _LINE * len(curves) + _LINE)
    return draw_picture(
        title,
        marks,
        _WIDTH,
        height,
        dark=DARK_FULL,
        color="#555555",
    )


def _entry(curve: Decay, color: str, y: float) -> list[Markup]:
    x = _WIDTH - _ASIDE + 16
    line = element(
        "line", x1=x, x2=x + 26, y1=y, y2=y, stroke=color, stroke_width=2, **_dash(curve)
    )
    name = Label(curve.name, _SIZE, 14.0, is_name=True).draw(x + 34, y + 4.5, ends=False)
    return [line, name, element("text", curve.note, x=x + 34, y=y + 20, font_size=11, opacity=0.8)]


def _dash(curve: Decay) -> dict[str, object]:
    return {"stroke_dasharray": "5 4"} if curve.dashed else {}


@dataclass(frozen=True)
class _Axes:
    """The mapping from distances and powers of ten to pixels."""

    longest: int
    low: int
    high: int

    @classmethod
    def of(cls, curves: Sequence[Decay]) -> "_Axes":
        seen = [math.log10(v) for curve in curves for v in curve.values if v > 0] or [0.0]
        low = max(_LEAST_POWER, math.floor(min(seen)))
        high = max(low + 1, math.ceil(max(seen)))
        return cls(max(1, *(len(curve.values) - 1 for curve in curves)), low, high)

    def x(self, distance: float) -> float:
        return round(_LEFT + distance / self.longest * (_WIDTH - _ASIDE - _LEFT), 1)

    def y(self, power: float) -> float:
        share = (power - self.low) / (self.high - self.low)
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP), 1)

    def path(self, curve: Decay, color: str) -> Markup:
        """Draw a curve; values below the axis end a stretch of it."""
        parts, was_drawn = list[str](), False
        for distance, value in enumerate(curve.values):
            is_drawn = value > 0 and math.log10(value) >= self.low
            if is_drawn:
                at = f"{self.x(distance):g} {self.y(math.log10(value)):g}"
                parts.append(f"{'L' if was_drawn else 'M'}{at}")
            was_drawn = is_drawn
        return element("path", d="".join(parts), fill="none", stroke=color, stroke_width=2,
                       stroke_linejoin="round", **_dash(curve))  # fmt: skip

    def frame(self, x_name: str, y_name: str) -> list[Markup]:
        right, bottom = _WIDTH - _ASIDE, _HEIGHT - _BOTTOM
        marks = [
            element("polyline", points=f"{_LEFT},{_TOP} {_LEFT},{bottom} {right},{bottom}",
                    fill="none", stroke="#888888")
        ]  # fmt: skip
        for power in range(self.low, self.high + 1, max(1, (self.high - self.low) // 6)):
            y = self.y(power)
            marks.append(element("line", x1=_LEFT, x2=right, y1=y, y2=y, stroke="#888888",
                                 stroke_opacity=0.25))  # fmt: skip
            marks.append(element("text", _power(power), x=_LEFT - 8, y=y + 4, text_anchor="end"))
        step = _step(self.longest)
        for distance in range(0, self.longest + 1, step):
            at = {"x": self.x(distance), "y": bottom + 18, "text_anchor": "middle"}
            marks.append(element("text", str(distance), **at))
        middle = (_LEFT + right) / 2
        marks.append(element("text", x_name, x=middle, y=_HEIGHT - 8, text_anchor="middle"))
        marks.append(element("text", y_name, x=8, y=_TOP - 14))
        return marks


def _power(power: int) -> str:
    return "1" if power == 0 else f"{10.0**power:g}" if -3 <= power <= 3 else f"1e{power}"


def _step(longest: int) -> int:
    """Return a round number that fits about eight times."""
    rough = max(1.0, longest / 8)
    unit = 10 ** math.floor(math.log10(rough))
    return int(next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough))
