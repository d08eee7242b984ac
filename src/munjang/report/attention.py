"""Attention in a file: a page, a picture, or numbers, chosen by the suffix of the file name."""

import json
from collections.abc import Callable
from pathlib import Path

from munjang.errors import ConfigError
from munjang.explain.attention import Attention
from munjang.folder.manifest import write_atomically
from munjang.report.attention_page import draw_page
from munjang.report.attention_svg import draw_svg


def _write_json(attention: Attention) -> str:
    return json.dumps(attention.to_json(), ensure_ascii=False) + "\n"


FORMATS: dict[str, Callable[[Attention], str]] = {
    ".html": draw_page,
    ".svg": draw_svg,
    ".json": _write_json,
}


def writer_for(path: Path) -> Callable[[Attention], str]:
    """Return the function that renders attention for a file of that name.

    Raises:
        ConfigError: the name has none of the three suffixes.
    """
    writer = FORMATS.get(path.suffix.lower())
    if writer is None:
        known = ", ".join(FORMATS)
        raise ConfigError(f"{path}: expected a file name that ends in one of {known}")
    return writer


def write_attention(attention: Attention, path: str | Path) -> Path:
    """Write attention to a file, atomically.

    Raises:
        ConfigError: the file name has none of the three suffixes.
        OSError: the file cannot be written.
    """
    path = Path(path)
    write_atomically(path, writer_for(path)(attention))
    return path
