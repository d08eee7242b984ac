"""Read labelled text from files, standard input, data frames or lists into one table."""

import io
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from munjang.data.collection import is_table
from munjang.data.readers.class_names import one_name_each
from munjang.data.readers.columns import choose_columns
from munjang.data.readers.delimited import read_delimited
from munjang.data.readers.formats import find_format
from munjang.data.readers.gather import gather
from munjang.data.readers.lines import read_jsonlines, read_text
from munjang.data.readers.records import TEXT_AND_LABEL, Kinds, Records
from munjang.data.readers.sources import load
from munjang.data.readers.typed import read_frame, read_lists, read_parquet
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
    """Read texts and labels.

    Args:
        sources: a path, several paths, or "-" for standard input; CSV, TSV, JSON Lines, Parquet
            or plain text (one text a line), each also compressed with gzip. Or from Python: a
            data frame (Polars, pandas, PyArrow), or a pair of lists `(texts, labels)`, whose
            labels may be None.
        text_column: name of the column of texts; "title+body" joins two. None guesses.
        label_column: name of the column of labels. None guesses.
        encoding: of text files. A byte order mark wins over it.
        skip_bad_rows: count bad rows in `Table.skipped` instead of raising at the first.
        need_labels: whether rows without a label are an error. If False, labels are taken where
            the column is named or has a usual name and is complete; a note of the table names the
            first row where it is not.
        read_labels: from the values of the label column to clean labels: one name a row, or what
            `munjang.data.readers.targets` reads.

    Raises:
        DataError: with the file and the row, about the first thing that is wrong.
        ConfigError: there is no such encoding.
    """
    columns = (text_column, label_column)
    files = read_records(sources, columns, encoding, skip_bad_rows)
    choose = partial(choose_columns, need_labels=need_labels)
    optional = not need_labels and label_column is None
    table = gather(files, columns, choose, read_labels, skip_bad_rows, optional=optional)
    return one_name_each(table)


def read_records(
    sources: Any,
    columns: tuple[str | None, str | None],
    encoding: str,
    skip: bool,
    *,
    kinds: Kinds = TEXT_AND_LABEL,
    usual: Collection[str] = (),
) -> list[Records]:
    """What each of the files holds, or the frame or the lists, before columns are chosen.

    Args:
        sources, encoding: as for `read_table`.
        columns: names of the columns of texts and labels, where they are known.
        skip: keep bad rows as faults of the records instead of raising.
        kinds: what the columns of lists are called.
        usual: more names of columns by which a header is known.

    Raises:
        DataError: a source cannot be read.
        ConfigError: it would wait for ever, see `munjang.forked`.
    """
    require_polars("Reading data")
    if isinstance(sources, str | Path):
        return [_read_file(sources, columns, encoding, skip, usual)]
    if is_table(sources):
        return [read_frame(sources)]
    given = f"({kinds[0]}s, {kinds[1]}s)"
    if not isinstance(sources, Sequence) or isinstance(sources, bytes):
        raise DataError(
            f"expected a path, several paths, a data frame or a pair {given}, got "
            f"{type(sources).__name__}"
        )
    if sources and all(isinstance(source, str | Path) for source in sources):
        return [_read_file(source, columns, encoding, skip, usual) for source in sources]
    if isinstance(sources, tuple) and len(sources) == 2:
        return [read_lists(*sources, kinds=kinds)]
    raise DataError(f"expected at least one path; give {kinds[0]}s from Python as {given}")


def _read_file(
    source: str | Path,
    columns: tuple[str | None, str | None],
    encoding: str,
    skip: bool,
    usual: Collection[str],
) -> Records:
    loaded = load(source, encoding=encoding, skip_bad_rows=skip)
    form = find_format(loaded.name, loaded.data[: 1 << 16], columns, usual=usual)
    if form.kind == "parquet":
        return read_parquet(io.BytesIO(loaded.data), name=loaded.name)
    if form.kind == "jsonl":
        records = read_jsonlines(loaded)
    elif form.kind == "text":
        records = read_text(loaded)
    else:
        records = read_delimited(loaded, form.delimiter, quoting=form.kind == "csv")
    return Records(**{**vars(records), "notes": form.notes + records.notes})
