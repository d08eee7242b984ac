"""Numbers of bytes and seconds as short texts, and back."""

import re

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,12})?)\s*([kmg]?b)?", re.IGNORECASE)
_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,12})?)\s*(s|min|m|h|d)?", re.IGNORECASE)


def format_bytes(count: int) -> str:
    """Return a number of bytes in a decimal unit, to three digits: `34.1 MB`."""
    if count < 1000:
        return f"{count} B"
    value, unit = next(
        (count / scale, unit)
        for scale, unit in ((1e3, "kB"), (1e6, "MB"), (1e9, "GB"))
        if count < 1000 * scale or unit == "GB"
    )
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f} {unit}"


def format_duration(seconds: float) -> str:
    """Return seconds as `0:07`, `12:30` or `1:02:03`."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def parse_bytes(text: str) -> int:
    """Parse `2MB`, `500kB`, `1.5 MB` or a number of bytes; units are decimal.

    Raises:
        ValueError: it is no size; the message says what is expected.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None or float(found[1]) <= 0:
        raise ValueError("expected a size such as 2MB or 500kB")
    return int(float(found[1]) * _BYTES[(found[2] or "").lower()])


def parse_duration(text: str) -> float:
    """Parse `90s`, `45m`, `2h`, `1h30m` or a number of seconds; return seconds.

    Raises:
        ValueError: it is no duration; the message says what is expected.
    """
    compact = "".join(text.split())
    parts = list(_DURATION.finditer(compact))
    is_whole = "".join(part[0] for part in parts) == compact
    without_unit = sum(part[2] is None for part in parts)
    if not parts or not is_whole or (without_unit and len(parts) > 1):
        raise ValueError("expected a duration such as 90s, 45m, 2h or 1h30m")
    return sum(float(part[1]) * _SECONDS[(part[2] or "").lower()] for part in parts)
