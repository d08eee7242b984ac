"""What is searched: a table for each model, and what a person fixes or changes in it."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from munjang.config import merge
from munjang.errors import ConfigError
from munjang.recipe import Recipe

Value = float | int | str | bool
# What all trials share, or what no trial may change: the rows, the judge, how a run is run.
_SHARED = {
    "model.name",
    "training.metric",
    "training.buckets",
    "training.device",
    "training.threads",
    "training.checkpoint_seconds",
    "training.checkpoint_steps",
    "training.max_seconds",
}


@dataclass(frozen=True)
class Choice:
    """One of some values.

    Attributes:
        values: which, numbers in rising order.
    """

    values: tuple[Value, ...]

    def with_value(self, value: Value) -> "Choice":
        """The same with one value more."""
        if value in self.values:
            return self
        values = (*self.values, value)
        if all(isinstance(one, float | int) for one in values):
            values = tuple(sorted(values))
        return Choice(values)

    def suggested(self, key: str, trial: Any) -> Any:
        """The value of a trial of Optuna's."""
        return trial.suggest_categorical(key, self.values)

    def holds(self, value: Value) -> bool:
        """Whether a value may be chosen."""
        return value in self.values

    def ends(self) -> tuple[Value, Value]:
        """The first and the last value."""
        return self.values[0], self.values[-1]

    def to_json(self) -> Any:
        """Plain JSON."""
        return list(self.values)


@dataclass(frozen=True)
class Span:
    """A number from `low` to `high`, both included.

    Attributes:
        low: the smallest.
        high: the largest.
        log: whether each factor is as likely as any other, rather than each difference.
        whole: whether it is a whole number.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def with_value(self, value: Value) -> "Span":
        """The same, wide enough to hold a value."""
        number = float(value)
        return Span(min(self.low, number), max(self.high, number), self.log, self.whole)

    def suggested(self, key: str, trial: Any) -> Any:
        """The value of a trial of Optuna's."""
        if self.whole:
            return trial.suggest_int(key, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(key, self.low, self.high, log=self.log)

    def holds(self, value: Value) -> bool:
        """Whether a value may be chosen."""
        return is_finite(value) and self.low <= float(value) <= self.high

    def ends(self) -> tuple[Value, Value]:
        """The lowest and the highest value."""
        return (int(self.low), int(self.high)) if self.whole else (self.low, self.high)

    def to_json(self) -> Any:
        """Plain JSON."""
        return {"low": self.ends()[0], "high": self.ends()[1], "log": self.log}


Part = Choice | Span
Space = dict[str, Part]

_TRAINING: Space = {
    "training.learning_rate": Span(3e-4, 1e-2, log=True),
    "training.embedding_learning_rate": Span(1e-3, 3e-1, log=True),
    "training.batch_rows": Choice((32, 64, 128, 256)),
    "training.epochs": Span(2, 10, whole=True),
}
_POOLED: Space = {
    "model.pooling": Choice(("max", "mean", "max+mean", "attention")),
    "model.embedding_dropout": Span(0.0, 0.5),
    "model.dropout": Span(0.0, 0.6),
}
_RECURRENT: Space = {
    **_TRAINING,
    "model.dim": Choice((32, 64, 128, 256)),
    "model.ngrams": Span(1, 2, whole=True),
    "model.hidden": Choice((32, 64, 128, 256)),
    "model.layers": Span(1, 2, whole=True),
    **_POOLED,
}

# One row a model. The model's own defaults are always within reach: see `searched`.
SPACES: dict[str, Space] = {
    "mean": {
        **_TRAINING,
        "model.dim": Choice((16, 32, 64, 128)),
        "model.ngrams": Span(1, 4, whole=True),
        "model.combiner": Choice(("mean", "sqrtn")),
        "model.token_dropout": Span(0.0, 0.3),
        "model.dropout": Span(0.0, 0.5),
    },
    "cnn": {
        **_TRAINING,
        "model.dim": Choice((32, 64, 128, 256)),
        "model.ngrams": Span(1, 2, whole=True),
        "model.filters": Choice((50, 100, 200)),
        **_POOLED,
    },
    "rnn": _RECURRENT,
    "lstm": _RECURRENT,
    "gru": _RECURRENT,
    "transformer": {
        **_TRAINING,
        "model.dim": Choice((32, 64, 128, 256)),
        "model.ngrams": Span(1, 2, whole=True),
        "model.layers": Span(1, 4, whole=True),
        "model.heads": Choice((1, 2, 4, 8)),
        **_POOLED,
    },
}


def searched(recipe: Recipe, fixed: Collection[str], own: Mapping[str, Part]) -> Space:
    """What the trials may choose.

    The table of the model without what a person fixed, and with what they want searched. The
    recipe's own values are always among it; values of the table that the fixed settings do not
    allow are not.

    Args:
        recipe: what a training would use without a search.
        fixed: dotted keys of the settings that the person fixed.
        own: the person's part of the space, by dotted keys (`munjang.tuning.ranges.read_space`).

    Raises:
        ConfigError: a setting does not exist, takes no such value, or is one that all trials share.
    """
    space: Space = {}
    for key, part in SPACES.get(recipe.model_name, _TRAINING).items():
        if key in fixed or key in own or (key == "training.batch_rows" and _by_tokens(recipe)):
            continue
        usable = _usable(part.with_value(value_of(recipe, key)), key, recipe)
        if usable is not None:
            space[key] = usable
    for key in own:
        if key in fixed:
            raise ConfigError(f"{key}: --set fixes it, and the space searches it; choose one")
    for end in (0, 1):  # together, since one may need another, such as heads a width
        changed(recipe, {key: part.ends()[end] for key, part in own.items()})
    space.update(own)
    if not space:
        raise ConfigError("every setting is fixed, so there is nothing to search")
    return space


def refuse_shared(key: str) -> None:
    """Raises `ConfigError` about a setting that trials cannot differ in."""
    section = key.partition(".")[0]
    if section not in ("model", "training") or key in _SHARED:
        raise ConfigError(
            f"{key}: all trials share this setting; fix it with --set, and search settings of "
            "model and training"
        )


def changed(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """The recipe with other values by dotted keys.

    Raises:
        ConfigError: a setting does not exist or does not take its value.
    """
    settings: dict[str, Any] = recipe.to_dict()
    for key, value in values.items():
        for part in reversed(key.split(".")):
            value = {part: value}
        settings = merge(settings, cast(dict[str, Any], value))
    return Recipe.parse(settings)


def value_of(recipe: Recipe, key: str) -> Value:
    """What a recipe has for a dotted key; one that is left out stands for what it means."""
    section, name = key.split(".")
    value = getattr(getattr(recipe, section), name)
    if value is None and name == "embedding_learning_rate":
        return recipe.training.learning_rate
    return cast(Value, value)


def flat(settings: Mapping[str, Any], *, before: str = "") -> dict[str, Any]:
    """Nested settings by dotted keys."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            found |= flat(value, before=f"{name}.")
        else:
            found[name] = value
    return found


def _by_tokens(recipe: Recipe) -> bool:
    return recipe.training.batch_tokens is not None


def _usable(part: Part, key: str, recipe: Recipe) -> Part | None:
    """The part without values that the recipe refuses; None when no choice is left."""
    if isinstance(part, Span):
        return part
    allowed = tuple(_allowed(part.values, key, recipe))
    return Choice(allowed) if len(allowed) > 1 else None


def _allowed(values: Iterable[Value], key: str, recipe: Recipe) -> Iterable[Value]:
    for value in values:
        try:
            changed(recipe, {key: value})
        except ConfigError:
            continue
        yield value


def is_finite(value: object) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, float | int) and math.isfinite(value)


def shown(value: Any) -> str:
    """A setting's value, short."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
