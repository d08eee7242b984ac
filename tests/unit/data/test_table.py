"""Tables by role: taking rows, joining tables, other targets; every row keeps its place."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from munjang.data.table import Table, concatenate
from munjang.errors import DataError
from tests.tables import make_table, make_text_table


def make_image_table(file: str, *, labels: bool = True, **more: Any) -> Table:
    columns: dict[str, Any] = {
        "digest": pl.Series(["a", "b", "c"]),
        "image": np.arange(12, dtype=np.uint8).reshape(3, 1, 2, 2),
    }
    if labels:
        columns["label"] = pl.Series(["x", "y", "x"])
    return make_table(columns, key_role="digest", files=(file,), **more)


def test_columns_are_found_by_role() -> None:
    names = {"text": "title+body", "label": "stars"}
    columns = {"text": pl.Series(["a"]), "label": pl.Series([3])}
    table = make_table(columns, names=names)
    assert (table.key_name, table.target_name) == ("title+body", "stars")
    assert table.keys is table["text"]
    assert table.targets is table["label"]
    with pytest.raises(KeyError):
        table["image"]


def test_take_keeps_file_and_row_of_each_row() -> None:
    table = make_image_table("f.csv")
    taken = table.take([2, 0, 2])
    assert len(taken) == 3
    assert taken.keys.to_list() == ["c", "a", "c"]
    assert taken.targets is not None
    assert taken.targets.to_list() == ["x", "x", "x"]
    assert np.array_equal(taken["image"], table["image"][[2, 0, 2]])
    assert [taken.place(row) for row in range(3)] == [("f.csv", 3), ("f.csv", 1), ("f.csv", 3)]
    assert len(table.take([])) == 0
    error = taken.error(1, "is wrong")
    assert isinstance(error, DataError)
    assert (error.file, error.row) == ("f.csv", 1)


def test_with_targets_replaces_targets_only() -> None:
    table = make_image_table("f")
    other = table.with_targets(pl.Series([1.0, 2.0, 3.0]))
    assert other.targets is not None
    assert other.targets.to_list() == [1.0, 2.0, 3.0]
    assert other.keys is table.keys
    assert other["image"] is table["image"]
    bare = table.with_targets(None)
    assert bare.targets is None
    assert list(bare.columns) == ["digest", "image"]
    assert table.targets is not None
    assert table.targets.to_list() == ["x", "y", "x"]


def test_concatenate_keeps_files_of_rows() -> None:
    first = make_image_table("a", notes=("n", "m"), skipped={"empty": 2})
    second = make_image_table("b", notes=("m", "o"), skipped={"empty": 1, "bad": 3})
    whole = concatenate([first, second.take([1])])
    assert len(whole) == 4
    assert whole.keys.to_list() == ["a", "b", "c", "b"]
    assert [whole.place(row) for row in range(4)] == [("a", 1), ("a", 2), ("a", 3), ("b", 2)]
    assert np.array_equal(whole["image"][3], second["image"][1])
    assert whole["image"].dtype == np.uint8
    assert whole.notes == ("n", "m", "o")
    assert whole.skipped == {"empty": 3, "bad": 3}
    assert first.skipped == {"empty": 2}
    assert whole.key_role == "digest"
    assert concatenate([first]) is first


def test_concatenate_keeps_targets_only_if_all_tables_have_them() -> None:
    whole = concatenate([make_image_table("a"), make_image_table("b", labels=False)])
    assert whole.targets is None
    assert len(whole["image"]) == 6
    texts = concatenate([make_text_table(["a"], ["x"]), make_text_table(["b", "c"], ["y", "z"])])
    assert texts.targets is not None
    assert texts.targets.to_list() == ["x", "y", "z"]
