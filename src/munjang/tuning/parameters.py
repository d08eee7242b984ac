"""A searched setting: a choice among values, or a range of numbers."""

import math
from dataclasses import dataclass
from typing import Any

Value = float | int | str | bool


@dataclass(frozen=True)
class Choice:
    """A categorical setting.

    Attributes:
        values: What may be chosen, numbers in ascending order.
    """

    values: tuple[Value, ...]

    def with_value(self, value: Value) -> "Choice":
        """Return the choice with one more value."""
        if value in self.values:
            return self
        values = (*self.values, value)
        if all(isinstance(choice, float | int) for choice in values):
            values = tuple(sorted(values))
        return Choice(values)

    def suggested(self, key: str, trial: Any) -> Any:
        """Return the value that a trial of Optuna suggests."""
        return trial.suggest_categorical(key, self.values)

    def holds(self, value: Value) -> bool:
        """Return whether a value may be chosen."""
        return value in self.values

    def ends(self) -> tuple[Value, Value]:
        """Return the first and the last value."""
        return self.values[0], self.values[-1]

    def to_json(self) -> Any:
        """Return plain JSON."""
        return list(self.values)


@dataclass(frozen=True)
class Span:
    """A number from `low` to `high`, both included.

    Attributes:
        low: The smallest value.
        high: The largest value.
        log: Sample on a logarithmic scale.
        whole: Whole numbers only.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def with_value(self, value: Value) -> "Span":
        """Return the range, widened to contain a value."""
        number = float(value)
        return Span(min(self.low, number), max(self.high, number), self.log, self.whole)

    def suggested(self, key: str, trial: Any) -> Any:
        """Return the value that a trial of Optuna suggests."""
        if self.whole:
            return trial.suggest_int(key, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(key, self.low, self.high, log=self.log)

    def holds(self, value: Value) -> bool:
        """Return whether a value may be chosen."""
        return is_finite(value) and self.low <= float(value) <= self.high

    def ends(self) -> tuple[Value, Value]:
        """Return the lowest and the highest value."""
        return (int(self.low), int(self.high)) if self.whole else (self.low, self.high)

    def to_json(self) -> Any:
        """Return plain JSON."""
        return {"low": self.ends()[0], "high": self.ends()[1], "log": self.log}


Part = Choice | Span
Space = dict[str, Part]  # by dotted key


def is_finite(value: object) -> bool:
    """Return whether a value is a finite number."""
    return isinstance(value, float | int) and math.isfinite(value)


def shown(value: Any) -> str:
    """Return a short text of a setting's value, as YAML has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:.3g}" if isinstance(value, float) else str(value)
