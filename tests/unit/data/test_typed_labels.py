"""Typed labels get the same names as in CSV."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from munjang.data.readers.read import read_table
from munjang.errors import DataError

TEXTS = ["good", "bad", "fine", "poor"]


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0.1, 0.2, 0.1, 1], dtype=np.float32),
        list(np.array([0.1, 0.2, 0.1, 1], dtype=np.float32)),
        pl.Series([0.1, 0.2, 0.1, 1], dtype=pl.Float32),
        pa.array([0.1, 0.2, 0.1, 1], pa.float32()),
        pa.chunked_array([pa.array([0.1, 0.2, 0.1, 1], pa.float32())]),
        [0.1, 0.2, 0.1, 1.0],
    ],
)
def test_float32_labels_equal_those_of_csv(labels: Any, tmp_path: Path) -> None:
    assert read_table((TEXTS, labels)).targets.to_list() == ["0.1", "0.2", "0.1", "1"]  # type: ignore[union-attr]
    frame = pl.DataFrame(
        {
            "text": TEXTS,
            "label": labels if isinstance(labels, list | np.ndarray) else pl.Series(labels),
        }
    )
    frame.write_parquet(tmp_path / "table.parquet")
    assert read_table(tmp_path / "table.parquet").targets.to_list() == ["0.1", "0.2", "0.1", "1"]  # type: ignore[union-attr]


def test_decimal_labels_equal_those_of_columns() -> None:
    decimals = [Decimal("1.50"), Decimal("2.50"), Decimal("1.50"), Decimal("2.50")]
    for labels in (decimals, pa.array(decimals), pl.Series(decimals, dtype=pl.Decimal(10, 2))):
        assert read_table((TEXTS, labels)).targets.to_list() == list(map(str, decimals))  # type: ignore[union-attr]


def test_very_large_float_has_short_name() -> None:
    labels = read_table((TEXTS, [1e300, 2.0, 1e300, 2.0])).targets
    assert labels is not None
    assert labels.to_list() == ["1e+300", "2", "1e+300", "2"]


def test_arrow_table_with_duplicate_column_names_is_refused() -> None:
    names = ["text", "label", "text"]
    table = pa.Table.from_arrays([pa.array(TEXTS), pa.array(list("abab")), pa.array(TEXTS)], names)
    with pytest.raises(DataError, match="2 columns are named 'text': give each its own name"):
        read_table(table)
    others = table.rename_columns(["text", "label", "label"]).append_column("more", table["label"])
    with pytest.raises(DataError, match="2 columns are named 'label'"):
        read_table(others)
    unused = table.rename_columns(["x", "y", "x"]).append_column("text", table.column(0))
    unused = unused.append_column("label", table.column(1))
    assert read_table(unused).targets.to_list() == list("abab")  # type: ignore[union-attr]
