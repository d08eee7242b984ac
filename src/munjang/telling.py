"""What people are told: by anything that takes a while, a line at a time."""

from collections.abc import Callable

Say = Callable[[str], object]


def counted(count: int, noun: str) -> str:
    """`1 row`, `2 rows`, `1,000 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def silent(line: str) -> None:
    """Say nothing."""
