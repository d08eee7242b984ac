"""Rows of nested values as tables."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang import forked
from munjang.data.frames import flatten_rows, to_frame
from munjang.errors import ConfigError

LEAVES = st.none() | st.integers(-9, 9) | st.text(max_size=3)
NESTED = st.recursive(
    st.dictionaries(st.sampled_from("abcd"), LEAVES, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), LEAVES | inner, max_size=3),
    max_leaves=6,
)


def paths_of(values: dict[str, Any]) -> dict[str, Any]:
    """Every leaf with the way to it: one after the other, without recursion."""
    paths, todo = {}, [((key,), value) for key, value in values.items()]
    while todo:
        way, value = todo.pop(0)
        if isinstance(value, dict):
            todo += [((*way, key), inner) for key, inner in value.items()]
        else:
            paths[".".join(way)] = value
    return paths


@given(st.lists(NESTED, max_size=4))
def test_every_leaf_is_in_its_column(rows: list[dict[str, Any]]) -> None:
    names, flat = flatten_rows(rows)
    assert all(list(row) == names for row in flat)
    for row, flattened in zip(rows, flat, strict=True):
        for name, value in paths_of(row).items():
            is_nested_elsewhere = any(other.startswith(f"{name}.") for other in names)
            if not is_nested_elsewhere:
                assert flattened[name] == value
        assert {name for name in names if flattened[name] is not None} <= set(paths_of(row))


def test_none_beside_a_mapping_is_none_in_each_of_its_columns() -> None:
    rows = [{"name": "x", "gap": None}, {"name": "y", "gap": {"low": 1.0, "high": 2.0}}]
    frame = to_frame(rows)
    assert frame.columns == ["name", "gap.low", "gap.high"]
    assert frame.rows() == [("x", None, None), ("y", 1.0, 2.0)]


def test_lists_and_numbers_of_several_kinds() -> None:
    frame = to_frame([{"a": (), "b": 1}, {"a": ("x", "y"), "b": 0.5}])
    assert frame["a"].to_list() == [[], ["x", "y"]]
    assert frame["b"].to_list() == [1.0, 0.5]


def test_a_fork_without_threads_of_polars_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(forked._state, "polars", False)
    with pytest.raises(ConfigError, match="A data frame would wait for ever"):
        to_frame([{"a": 1}])
