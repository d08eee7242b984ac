"""Pictures as SVG files of their own: a ground, fonts of the system, light and dark colors.

Colors stand at every shape, for programs that read no style sheet; the style sheet has those of a
dark color scheme.
"""

from collections.abc import Iterable

from markupsafe import Markup

from munjang.report.html import FONTS, element
from munjang.report.shades import DARK, LIGHT

# Rules of a dark color scheme for shapes in the full color of `munjang.report.shades`.
DARK_FULL = f".full{{fill:{DARK.full}}}text{{fill:{DARK.ink}}}"
# For texts whose letters have places: every letter has one width, every Hangul syllable two.
MONOSPACE = "ui-monospace, D2Coding, NanumGothicCoding, Menlo, Consolas, monospace"


def draw_picture(
    title: str,
    marks: Iterable[Markup],
    width: float,
    height: float,
    *,
    dark: str = f"text{{fill:{DARK.ink}}}",
    style: str = "",
    fonts: str = FONTS,
    size: float = 13.0,
    **attributes: object,
) -> Markup:
    """Return an SVG that can stand alone.

    Args:
        title: description for people who do not see the picture.
        marks: its shapes, from the back to the front.
        width: in pixels.
        height: in pixels.
        dark: CSS rules in a dark color scheme, besides that of the ground.
        style: further CSS rules.
        fonts: font families.
        size: of the font, in pixels.
        attributes: of the `<svg>`.
    """
    ground = f".ground{{fill:{DARK.ground}}}"
    sheet = f"@media (prefers-color-scheme: dark){{{ground}{dark}}}"
    return element(
        "svg",
        element("title", title),
        element("style", f"text{{unicode-bidi:isolate}}{style}{sheet}"),
        element("rect", class_="ground", width="100%", height="100%", fill=LIGHT.ground),
        *marks,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:.6g} {height:.6g}",
        width=f"{width:.6g}",
        height=f"{height:.6g}",
        font_family=fonts,
        font_size=size,
        role="img",
        **attributes,
    )
