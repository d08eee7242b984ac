"""Numbers of bytes and seconds as short texts."""


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
