"""How anything that takes a while tells people what it does: a line at a time."""

from collections.abc import Callable

Say = Callable[[str], object]


def silent(line: str) -> None:
    """Say nothing."""
