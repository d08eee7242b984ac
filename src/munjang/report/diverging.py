"""Shares of either sign as shades of two colors: blue raises a score, brown lowers it.

Both are told apart with any kind of color vision, and black or white letters are legible on every
shade.
"""

from dataclasses import dataclass

from munjang.report.shades import LIGHT, STRONG, Colors

# The colors of negative shares; those of positive ones are `munjang.report.shades`'.
DOWN_LIGHT, DOWN_DARK = "#661f00", "#e0955a"
# Weaker shades are left out: most of a text keeps its colors.
_WEAKEST = 0.04


@dataclass(frozen=True)
class Shade:
    """The shade of one share.

    Attributes:
        share: the share.
        largest: the share of the full color; the scale of a page.
    """

    share: float
    largest: float

    @property
    def opacity(self) -> float:
        """Opacity of the color, 0 to 1."""
        if not self.largest > 0:
            return 0.0
        opacity = min(1.0, abs(self.share) / self.largest)
        return opacity if opacity >= _WEAKEST else 0.0

    @property
    def css(self) -> str:
        """Opacity as CSS has it."""
        return f"{self.opacity:.3g}"

    @property
    def sign(self) -> str:
        """Name of the color: up or down."""
        return "down" if self.share < 0 else "up"

    @property
    def strength(self) -> str:
        """Class of the letters: strong on strong shades, else weak."""
        return "strong" if self.opacity >= STRONG else "weak"

    def ink(self, colors: Colors = LIGHT) -> str:
        """Return the color of letters, as a hexadecimal number."""
        return colors.on_full if self.opacity >= STRONG else colors.ink

    def ground(self, colors: Colors = LIGHT) -> str:
        """Return the color behind letters, as a hexadecimal number."""
        return full_color(self.sign, colors).blend(self.opacity)


def full_color(sign: str, colors: Colors) -> Colors:
    """Return the colors of a scheme with the full color of a sign."""
    if sign == "up":
        return colors
    down = DOWN_LIGHT if colors == LIGHT else DOWN_DARK
    return Colors(**{**vars(colors), "full": down})


def format_share(share: float) -> str:
    """Return a share with its sign and three digits at least: +2.31, -0.05, +0.0012."""
    if abs(share) >= 0.01 or share == 0:
        return f"{share:+.2f}"
    return f"{share:+.1g}" if abs(share) < 1e-4 else f"{share:+.4f}"
