"""Results as data frames and tables: nested values become columns with a dot in their names."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from munjang.forked import require_polars

if TYPE_CHECKING:
    from polars import DataFrame


def flatten_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the names of all columns in order of appearance, and rows that have each of them.

    A value that is a mapping in one row and None in another has a column per key, and in that row
    None in each.

    Args:
        rows: plain JSON values by name, mappings within mappings too.
    """
    flat = [_flatten(row) for row in rows]
    names = dict.fromkeys(name for row in flat for name in row)
    nested = {name.rpartition(".")[0] for name in names}
    kept = [name for name in names if name not in nested]
    return kept, [{name: row.get(name) for name in kept} for row in flat]


def _flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def to_frame(rows: Sequence[Mapping[str, Any]]) -> "DataFrame":
    """Return a Polars data frame with a row per mapping.

    Raises:
        ConfigError: in a forked process without the threads of Polars.
    """
    require_polars("A data frame")
    from polars import DataFrame

    names, flat = flatten_rows(rows)
    columns = {name: [_cell(row[name]) for row in flat] for name in names}
    return DataFrame(columns, strict=False)


def _cell(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
