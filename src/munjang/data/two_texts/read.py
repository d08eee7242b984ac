"""Reader of two texts per row, with or without labels, into one table."""

from functools import partial
from typing import Any

from munjang.data.collection import column_names, is_table
from munjang.data.readers.class_names import unify_class_names
from munjang.data.readers.columnar import read_columns
from munjang.data.readers.read import read_records
from munjang.data.readers.records import Records
from munjang.data.readers.table_builder import build_table
from munjang.data.readers.values import ReadLabels, clean_labels
from munjang.data.two_texts.collection import split_pairs
from munjang.data.two_texts.columns import USUAL, choose_two_columns
from munjang.data.two_texts.table import FIRST, LABEL, SECOND, PairTable


def read_two_texts(
    data: Any,
    *,
    first_column: str | None = None,
    second_column: str | None = None,
    label_column: str | None = None,
    encoding: str = "utf-8",
    skip_bad_rows: bool = False,
    need_labels: bool = True,
    read_labels: ReadLabels = clean_labels,
) -> PairTable:
    """Read rows of two texts into one table.

    Args:
        data: what `munjang.data.readers.read_table` takes: paths of CSV, TSV, JSON Lines or
            Parquet, "-", or a data frame. From Python also (pairs, labels), where pairs are a list
            of (first, second) or a tuple of two lists (firsts, seconds), and labels may be None.
        first_column: name of the column of first texts. None guesses.
        second_column: name of the column of second texts. None guesses.
        label_column: name of the label column. None guesses.
        encoding: encoding of text files; a byte order mark takes precedence.
        skip_bad_rows: count bad rows in `Table.skipped` instead of raising at the first.
        need_labels: as for `read_table`.
        read_labels: as for `read_table`.

    Raises:
        DataError: a source cannot be read, a column is missing, or a row is bad; names the file,
            the row and the column.
        ConfigError: the encoding is unknown.
    """
    columns = (first_column, second_column, label_column)
    files = _read_files(data, columns, encoding, skip_bad_rows)
    table = build_table(
        files,
        columns,
        partial(choose_two_columns, need_labels=need_labels),
        read_labels,
        skip_bad_rows,
        optional=not need_labels and label_column is None,
        kinds=(FIRST, SECOND, LABEL),
    )
    return PairTable(**vars(unify_class_names(table)))


def _read_files(
    data: Any, columns: tuple[str | None, ...], encoding: str, skip: bool
) -> list[Records]:
    if is_pairs_and_labels(data):
        firsts, seconds = split_pairs(data[0])
        columns_given = {FIRST: firsts, SECOND: seconds, LABEL: data[1]}
        return [read_columns(columns_given, "the pairs given")]
    return read_records(data, columns, encoding, skip, kinds=("pair", LABEL), usual=USUAL)


def is_pairs_and_labels(data: Any) -> bool:
    """Return whether data from Python is (pairs, labels), and not paths."""
    if not isinstance(data, tuple) or len(data) != 2 or is_table(data):
        return False
    return _holds_pairs(data[0])


def _holds_pairs(pairs: Any) -> bool:
    """Return whether a value holds two texts per row: as rows, as two columns, or as an array."""
    if isinstance(pairs, str | bytes):
        return False
    if is_table(pairs):
        return len(column_names(pairs)) == 2
    shape = getattr(pairs, "shape", None)
    if isinstance(shape, tuple) and len(shape) == 2:
        return shape[1] == 2 and isinstance(pairs[0][0] if shape[0] else "", str)
    if not isinstance(pairs, list | tuple) or not pairs:
        return False
    entry = pairs[0]
    if isinstance(entry, str | bytes) or not hasattr(entry, "__len__") or not len(entry):
        return False
    is_row = isinstance(pairs, list) and len(entry) == 2
    is_column = isinstance(pairs, tuple) and len(pairs) == 2
    return (is_row or is_column) and isinstance(next(iter(entry)), str)
