"""A check of one kind of input, as a row of the registry names it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from munjang.checking.blocks import Block


@dataclass(frozen=True)
class InputCheck:
    """The check of one kind of input.

    Attributes:
        check: from (data, test, settings, seconds) to a report.
        report: class of the report.
        blocks: from such a report to the blocks that are drawn.
        seconds: upper bound of the time of real training steps, unless given.
    """

    check: Callable[[Any, Any, Mapping[str, Any], float], Any]
    report: type
    blocks: Callable[[Any], Iterator[Block]]
    seconds: float = 2.0
