"""JSON as this program writes it: on one line or indented, without NaN and control characters."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

# JSON allows these characters unescaped, but terminals interpret them.
_CONTROLS = re.compile("[\x7f-\x9f\u2028\u2029]")


# Most values are plain already: the encoder in C refuses NaN and other types.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def json_text(values: Any, *, indent: int | None = None) -> str:
    """Return values as JSON. NaN and infinity become null."""
    if indent is None:
        try:
            return _escape(_ENCODER.encode(values))
        except (TypeError, ValueError):
            pass
    return _escape(json.dumps(_to_plain(values), ensure_ascii=False, indent=indent))


def _escape(text: str) -> str:
    if text.isascii():  # which a string knows of itself; those below the space are escaped already
        return text.replace("\x7f", "\\u007f")
    if text.isprintable():  # which is faster than a search
        return text
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _to_plain(values: Any) -> Any:
    if isinstance(values, Mapping):
        return {str(key): _to_plain(value) for key, value in values.items()}
    if isinstance(values, Sequence) and not isinstance(values, str):
        return [_to_plain(value) for value in values]
    if isinstance(values, float) and not math.isfinite(values):
        return None
    return values
