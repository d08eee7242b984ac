"""Surprisal in a file: a page, a picture, or numbers, chosen by the suffix of the file name."""

import json
from collections.abc import Callable
from pathlib import Path

from munjang.errors import ConfigError
from munjang.explain.surprisal import Surprisal
from munjang.folder.manifest import write_atomically
from munjang.report.surprisal_page import draw_surprisal_page
from munjang.report.surprisal_svg import draw_surprisal_svg


def _write_json(surprisal: Surprisal) -> str:
    return json.dumps(surprisal.to_json(), ensure_ascii=False) + "\n"


SURPRISAL_FORMATS: dict[str, Callable[[Surprisal], str]] = {
    ".html": draw_surprisal_page,
    ".svg": draw_surprisal_svg,
    ".json": _write_json,
}


def surprisal_writer(path: Path) -> Callable[[Surprisal], str]:
    """Return the function that renders surprisal for a file of that name.

    Raises:
        ConfigError: the name has none of the three suffixes.
    """
    writer = SURPRISAL_FORMATS.get(path.suffix.lower())
    if writer is None:
        known = ", ".join(SURPRISAL_FORMATS)
        raise ConfigError(f"{path}: expected a file name that ends in one of {known}")
    return writer


def write_surprisal(surprisal: Surprisal, path: str | Path) -> Path:
    """Write surprisal to a file, atomically.

    Raises:
        ConfigError: the file name has none of the three suffixes.
        OSError: the file cannot be written.
    """
    path = Path(path)
    write_atomically(path, surprisal_writer(path)(surprisal))
    return path
