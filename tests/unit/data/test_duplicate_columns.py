"""Errors about two columns of the same name, for pairs."""

from pathlib import Path

import pytest

from munjang.data.pairs.read import read_pairs
from munjang.errors import DataError


def test_duplicate_column_name_is_refused_when_inferred_or_named(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("en\tko\ten\n" + "Tom is here.\t톰이 왔다.\tHe is here.\n" * 4)
    for source in (None, "en"):
        with pytest.raises(DataError, match="2 columns are named 'en': give each its own name"):
            read_pairs(path, source_column=source)
