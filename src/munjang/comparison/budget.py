"""What each training may spend: seconds or tokens, the same for every model."""

import math
import re
from dataclasses import dataclass
from typing import Literal

from munjang.config import shown
from munjang.errors import ConfigError

Unit = Literal["seconds", "tokens"]

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_TOKENS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}
_MOST: dict[Unit, float] = {"seconds": 1e8, "tokens": 1e15}
_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*?)\s*(tokens?)?", re.IGNORECASE)


@dataclass(frozen=True)
class Budget:
    """So many seconds, or so many tokens.

    Attributes:
        amount: how many.
        unit: of what.
    """

    amount: float
    unit: Unit

    @property
    def seconds(self) -> float | None:
        """The seconds of a budget in seconds."""
        return self.amount if self.unit == "seconds" else None

    def __str__(self) -> str:
        return f"{self.amount:,.10g} {self.unit}"


def parse_budget(text: str) -> Budget:
    """The budget that `60s`, `5m`, `1h`, `500k tokens` or `2M tokens` names.

    Raises:
        ConfigError: it names none.
    """
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise _not_a_budget(text)
    number, suffix, tokens = float(form[1]), form[2].lower(), form[3]
    unit: Unit = "tokens" if tokens else "seconds"
    factor = (_TOKENS if tokens else _SECONDS).get(suffix)
    if factor is None or not 0 < number < math.inf:
        raise _not_a_budget(text)
    if number * factor > _MOST[unit]:
        raise ConfigError(f"budget: at most {_MOST[unit]:,.0f} {unit}, got {shown(text)}")
    return Budget(number * factor, unit)


def _not_a_budget(text: str) -> ConfigError:
    return ConfigError(
        "budget: expected seconds such as 60s or 5m, or tokens such as '2M tokens'; got "
        f"{shown(text)}"
    )
