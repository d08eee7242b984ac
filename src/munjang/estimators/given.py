"""What people give to an estimator: texts, settings, a random state."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import polars as pl
from sklearn.utils import check_random_state

from munjang.config import merge
from munjang.data.columns import text_column
from munjang.errors import ConfigError, DataError

Settings = Mapping[str, Any] | Sequence[str] | None


def texts_of(given: Any) -> pl.Series:
    """A column of texts, refused as scikit-learn's own text estimators and checks expect."""
    if isinstance(given, str | bytes):
        raise DataError("Iterable over raw text documents expected, string object received.")
    shape = getattr(given, "shape", None)
    if shape is not None and len(shape) != 1:
        raise DataError(
            f"expected one column of texts, a 1D array-like of strings, got the shape {shape}; "
            "choose one column, as in X['text']"
        )
    if not hasattr(given, "__iter__"):
        raise DataError(f"expected a column of texts, got {type(given).__name__}")
    texts = text_column(given)
    if not len(texts):
        raise DataError("Found array with 0 sample(s) while a minimum of 1 is required.")
    return texts


def read_settings(given: Settings) -> tuple[dict[str, Any], list[str]]:
    """Nested settings and overrides."""
    if given is None:
        return {}, []
    if not isinstance(given, Mapping):
        if isinstance(given, str):
            raise ConfigError(f"settings: expected a mapping or a list of key=value, got '{given}'")
        return {}, list(given)
    return _nested(given), []


def _nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names to nested mappings."""
    nested: dict[str, Any] = {}
    for name, value in settings.items():
        inner = _nested(value) if isinstance(value, Mapping) else value
        for part in reversed(str(name).split(".")):
            inner = {part: inner}
        nested = merge(nested, inner)
    return nested


def seed_of(random_state: Any) -> int:
    """An int as it is; a `RandomState` or, for None, NumPy's global state draws one."""
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
