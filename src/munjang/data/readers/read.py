"""Reader of labeled text from files, standard input, data frames or lists into one table."""

import io
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from munjang.data.collection import is_table
from munjang.data.readers.class_names import unify_class_names
from munjang.data.readers.columnar import read_frame, read_lists, read_parquet
from munjang.data.readers.columns import choose_columns
from munjang.data.readers.content import load_content
from munjang.data.readers.delimited import read_delimited
from munjang.data.readers.formats import detect_format
from munjang.data.readers.lines import read_jsonlines, read_text
from munjang.data.readers.records import TEXT_AND_LABEL, Kinds, Records
from munjang.data.readers.table_builder import build_table
from munjang.data.readers.values import ReadLabels, clean_labels
from munjang.data.table import Table
from munjang.errors import DataError
from munjang.forked import require_polars


def read_table(
    sources: Any,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    encoding: str = "utf-8",
    skip_bad_rows: bool = False,
    need_labels: bool = True,
    read_labels: ReadLabels = clean_labels,
) -> Table:
    """Read texts and labels into one table.

    Args:
        sources: a path, several paths, or "-" for standard input; CSV, TSV, JSON Lines, Parquet
            or plain text (one text per line), each also compressed with gzip. Or from Python: a
            data frame (Polars, pandas, PyArrow), or a pair of lists `(texts, labels)`, whose
            labels may be None.
        text_column: name of the text column; "title+body" joins two; inferred if None.
        label_column: name of the label column; inferred if None.
        encoding: encoding of text files. A byte order mark takes precedence.
        skip_bad_rows: count bad rows in `Table.skipped` instead of raising at the first.
        need_labels: whether rows without a label are an error. If False, labels are read only from
            a complete column that is named or has a usual name; otherwise a note of the table
            names the first incomplete row.
        read_labels: function from the values of the label column to clean labels: one name per
            row, or a target of `munjang.data.readers.targets`.

    Raises:
        DataError: a source cannot be read, a column is missing, or a row is bad; names the file
            and the row.
        ConfigError: there is no such encoding.
    """
    columns = (text_column, label_column)
    files = read_records(sources, columns, encoding, skip_bad_rows)
    choose = partial(choose_columns, need_labels=need_labels)
    optional = not need_labels and label_column is None
    table = build_table(files, columns, choose, read_labels, skip_bad_rows, optional=optional)
    return unify_class_names(table)


def read_records(
    sources: Any,
    columns: tuple[str | None, ...],
    encoding: str,
    skip: bool,
    *,
    kinds: Kinds = TEXT_AND_LABEL,
    usual: Collection[str] = (),
) -> list[Records]:
    """Read the records of each file, of the data frame or of the lists, before choosing columns.

    Args:
        sources: as for `read_table`.
        columns: names of the columns, where known.
        encoding: as for `read_table`.
        skip: keep bad rows as faults of the records instead of raising.
        kinds: names of the two columns of lists.
        usual: further usual names of text columns, by which a header is recognized.

    Raises:
        DataError: a source cannot be read.
        ConfigError: reading would hang in a forked process, see `munjang.forked`.
    """
    require_polars("Reading data")
    if isinstance(sources, str | Path):
        return [_read_file(sources, columns, encoding, skip, usual)]
    if is_table(sources):
        return [read_frame(sources)]
    pair = f"({kinds[0]}s, {kinds[1]}s)"
    if not isinstance(sources, Sequence) or isinstance(sources, bytes):
        raise DataError(
            f"expected a path, several paths, a data frame or a pair {pair}, got "
            f"{type(sources).__name__}"
        )
    if sources and all(isinstance(source, str | Path) for source in sources):
        return [_read_file(source, columns, encoding, skip, usual) for source in sources]
    if isinstance(sources, tuple) and len(sources) == 2:
        return [read_lists(*sources, kinds=kinds)]
    raise DataError(f"expected at least one path; give {kinds[0]}s from Python as {pair}")


def _read_file(
    source: str | Path,
    columns: tuple[str | None, ...],
    encoding: str,
    skip: bool,
    usual: Collection[str],
) -> Records:
    content = load_content(source, encoding=encoding, skip_bad_rows=skip)
    form = detect_format(content.name, content.data[: 1 << 16], columns, usual=usual)
    if form.kind == "parquet":
        return read_parquet(io.BytesIO(content.data), name=content.name)
    if form.kind == "jsonl":
        records = read_jsonlines(content)
    elif form.kind == "text":
        records = read_text(content)
    else:
        records = read_delimited(content, form.delimiter, quoting=form.kind == "csv")
    return Records(**{**vars(records), "notes": form.notes + records.notes})
