"""The budget of each training: seconds, or tokens, images or rows; the same for every model."""

import math
import re
from dataclasses import dataclass
from typing import Literal

from munjang.config import shown
from munjang.errors import ConfigError

Unit = Literal["seconds", "tokens", "images", "rows"]

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_COUNTS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}
_MOST: dict[Unit, float] = {"seconds": 1e8, "tokens": 1e15, "images": 1e15, "rows": 1e15}
_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*?)\s*(tokens?|images?|rows?)?", re.IGNORECASE)


@dataclass(frozen=True)
class Budget:
    """An amount of seconds, tokens, images or rows.

    Attributes:
        amount: How many.
        unit: Unit of the amount.
    """

    amount: float
    unit: Unit

    @property
    def seconds(self) -> float | None:
        """The amount of a budget in seconds; None for other units."""
        return self.amount if self.unit == "seconds" else None

    def __str__(self) -> str:
        return f"{self.amount:,.10g} {self.unit}"


def parse_budget(text: str, counts: Unit = "tokens") -> Budget:
    """Parse a budget such as `60s`, `5m`, `1h`, `500k tokens` or `2M tokens`.

    Args:
        text: What to parse.
        counts: The unit of budgets that are not in seconds: tokens, images or rows.

    Raises:
        ConfigError: It is not a budget, or has the other unit.
    """
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise _not_a_budget(text, counts)
    number, suffix, counted = float(form[1]), form[2].lower(), form[3]
    unit: Unit = counts if counted else "seconds"
    factor = (_COUNTS if counted else _SECONDS).get(suffix)
    is_other_unit = counted is not None and not counts.startswith(counted.lower().rstrip("s"))
    if factor is None or is_other_unit or not 0 < number < math.inf:
        raise _not_a_budget(text, counts)
    if number * factor > _MOST[unit]:
        raise ConfigError(f"budget: at most {_MOST[unit]:,.0f} {unit}, got {shown(text)}")
    return Budget(number * factor, unit)


def _not_a_budget(text: str, counts: Unit) -> ConfigError:
    return ConfigError(
        f"budget: expected seconds such as 60s or 5m, or {counts} such as '2M {counts}'; got "
        f"{shown(text)}"
    )
