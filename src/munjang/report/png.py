"""Pictures as PNG, drawn from their SVG by resvg, an optional dependency."""

import math
import re
import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from munjang.errors import ConfigError

# Pixels per pixel of the SVG: about 200 per inch, which is fine enough for print.
_SCALE = 2.0
# Most pixels of a picture; four bytes each are needed to draw it.
_MOST_PIXELS = 64_000_000
_SIDES = re.compile(r'<svg\b[^>]*?\bwidth="(\d+(?:\.\d+)?)"[^>]*?\bheight="(\d+(?:\.\d+)?)"')
# resvg knows no default fonts: those that most systems have which do not tell theirs.
_FAMILIES = {"sans-serif": "DejaVu Sans", "monospace": "DejaVu Sans Mono"}


def require_resvg(path: Path) -> None:
    """Refuse to write PNG without resvg.

    Raises:
        ConfigError: it is not installed.
    """
    if find_spec("resvg_py") is None:
        raise ConfigError(
            f"{path}: PNG needs the package resvg_py; install it with pip install 'munjang[png]', "
            "or write .svg"
        )


def to_png(svg: str) -> bytes:
    """Return a picture on a light ground, twice its size; a very large one is drawn smaller.

    Letters are drawn with the fonts of this machine; those that none of them has become boxes.

    Args:
        svg: the picture, with its width and height in pixels.
    """
    import resvg_py

    sides = _SIDES.match(svg)
    if sides is None:
        raise ValueError("expected an SVG with a width and a height")
    pixels = float(sides[1]) * float(sides[2])
    scale = min(_SCALE, math.sqrt(_MOST_PIXELS / max(pixels, 1.0)))
    drawn: bytes = resvg_py.svg_to_bytes(
        svg_string=svg,
        zoom=scale,
        sans_serif_family=_default_font("sans-serif"),
        monospace_family=_default_font("monospace"),
    )
    return drawn


@cache
def _default_font(generic: str) -> str:
    """Return the font that this machine has for a generic family, as fontconfig tells it.

    Pictures name fonts of macOS and Windows, which have no fontconfig, before the generic family.
    """
    program = shutil.which("fc-match")
    if program is None:
        return _FAMILIES[generic]
    command = [program, "--format=%{family[0]}", generic]
    matched = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return matched.stdout.strip() or _FAMILIES[generic]
