"""Attention in a file: a page, a picture, or the figures; the end of the name says which."""

import json
from collections.abc import Callable
from pathlib import Path

from munjang.errors import ConfigError
from munjang.explain.attention import Attention
from munjang.manifest import write_atomically
from munjang.report.attention_page import draw_page
from munjang.report.attention_svg import draw_svg


def _figures(attention: Attention) -> str:
    return json.dumps(attention.to_json(), ensure_ascii=False) + "\n"


FORMATS: dict[str, Callable[[Attention], str]] = {
    ".html": draw_page,
    ".svg": draw_svg,
    ".json": _figures,
}


def format_of(path: Path) -> Callable[[Attention], str]:
    """What draws for a file of that name.

    Raises:
        ConfigError: the name ends otherwise than those of the three formats.
    """
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        known = ", ".join(FORMATS)
        raise ConfigError(f"{path}: expected a file name that ends in one of {known}")
    return found


def write_attention(attention: Attention, path: str | Path) -> Path:
    """Write a file that is either whole or as it was before.

    Raises:
        ConfigError: as `format_of`.
        OSError: the file cannot be written.
    """
    path = Path(path)
    write_atomically(path, format_of(path)(attention))
    return path
