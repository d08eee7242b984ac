"""Stream of texts for prediction, in bounded memory, from a file or standard input."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from munjang.data.readers.delimited import QUOTING_NOTE
from munjang.data.readers.encodings import detect_codec, resolve_codec
from munjang.data.readers.faults import SKIP_HINT, BadRow
from munjang.data.readers.formats import Format, detect_format
from munjang.data.readers.line_stream import LineStream
from munjang.data.readers.rowwise import parses_only_quoted
from munjang.data.readers.source import PARQUET_MAGIC, STDIN, open_source, source_name
from munjang.data.readers.stream_records import (
    Record,
    Texts,
    Wanted,
    WantedColumn,
    read_line_records,
    read_parquet_records,
)
from munjang.errors import DataError
from munjang.names import find_existing_path
from munjang.reporting import Report
from munjang.text.columns import Int64s


def stream_texts(
    source: str | Path,
    *,
    text_column: str | None = None,
    trained_column: str | None = None,
    encoding: str = "utf-8",
    batch_size: int = 1024,
    skipped: Counter[str] | None = None,
    report: Report = lambda note: None,
) -> Iterator[tuple[Int64s, pl.Series]]:
    """Read texts in batches, as `stream_rows` does.

    Args:
        source: as for `stream_rows`.
        text_column: as for `read_table`.
        trained_column: column that the model was trained on, taken if it exists before one is
            inferred.
        encoding: as for `read_table`.
        batch_size: as for `stream_rows`.
        skipped: as for `stream_rows`.
        report: as for `stream_rows`.
    """
    wanted = WantedColumn(text_column, trained_column)
    batches = stream_rows(
        source,
        wanted,
        encoding=encoding,
        batch_size=batch_size,
        skipped=skipped,
        report=report,
    )
    return ((rows, pl.Series("text", texts, dtype=pl.String)) for rows, texts in batches)


def stream_rows(
    source: str | Path,
    wanted: Wanted,
    *,
    encoding: str = "utf-8",
    batch_size: int = 1024,
    skipped: Counter[str] | None = None,
    report: Report = lambda note: None,
) -> Iterator[tuple[Int64s, list[Any]]]:
    """Read rows in batches, each as soon as its lines have arrived.

    A batch ends after `batch_size` texts, or earlier if the next line has not yet arrived, so
    that a program that writes one line and waits gets its answer. Empty texts are kept: each line
    gets an answer. TSV from standard input is read without quoting unless its header is quoted:
    whether a file parses only with quoting is known only at its end.

    Args:
        source: a path, or "-" for standard input; the formats of `read_table`.
        wanted: the columns of texts.
        encoding: as for `read_table`.
        batch_size: maximum number of texts per batch.
        skipped: counter of bad rows by reason; None raises at the first bad row.
        report: called with what is inferred.

    Yields:
        Row numbers as in `Table.rows`, and the text of each row, or a tuple of its texts.

    Raises:
        DataError: the source cannot be opened (at once), or a row is bad (after the texts before
            it are yielded).
    """
    codec = resolve_codec(encoding)
    name = source_name(source)
    with ExitStack() as stack:
        stream = stack.enter_context(open_source(source))
        head = stream.peek()
        if not head and str(source) != STDIN:
            raise DataError("the file is empty", file=name)
        if head.startswith(PARQUET_MAGIC):
            records = read_parquet_records(stream, name, wanted, report, batch_size)
            return _make_batches(stack.pop_all(), name, records, lambda: True, batch_size, skipped)
        codec, mark = detect_codec(head, codec, name=name)
        stream.read(mark)
        lines = LineStream(stream, codec, name=name, strict=skipped is None, mark=mark)
        form = detect_format(name, lines.head(), wanted.names, usual=wanted.usual)
        opened = stack.pop_all()
    for note in form.notes:
        report(note)
    if form.kind == "tsv" and _is_rereadable(source):
        form = _with_needed_quoting(source, form, codec, mark, report)
    records = read_line_records(lines, form, wanted, report)
    return _make_batches(opened, name, records, lambda: lines.is_ready, batch_size, skipped)


def _is_rereadable(source: str | Path) -> bool:
    """Return whether a source can be read twice: a file, not standard input or a pipe."""
    return str(source) != STDIN and find_existing_path(source).is_file()


def _with_needed_quoting(
    source: str | Path, form: Format, codec: str, mark: int, report: Report
) -> Format:
    """Return the format of a TSV file, with quoting as in CSV if it parses only so."""
    with ExitStack() as opened:

        def lines() -> LineStream:
            stream = opened.enter_context(open_source(source))
            stream.read(mark)
            return LineStream(stream, codec, name=source_name(source), strict=False)

        if not parses_only_quoted(lines, form.delimiter):
            return form
    report(QUOTING_NOTE)
    return replace(form, kind="csv")


def _make_batches(
    opened: ExitStack,
    name: str,
    records: Iterator[Record],
    ready: Callable[[], bool],
    batch_size: int,
    skipped: Counter[str] | None,
) -> Iterator[tuple[Int64s, list[Any]]]:
    """Group texts into batches, and close the source at the end."""
    with opened:
        rows: list[int] = []
        texts: list[Texts] = []
        while True:
            if rows and (len(rows) >= batch_size or not ready()):
                yield np.array(rows, dtype=np.int64), texts
                rows, texts = [], []
            try:
                row, text = next(records, (0, None))
                if isinstance(text, BadRow) and skipped is None:
                    raise DataError(f"{text.message}; {SKIP_HINT}", file=name, row=row)
            except DataError:
                if rows:  # the texts before the bad row get their answers
                    yield np.array(rows, dtype=np.int64), texts
                raise
            if row == 0:
                break
            if isinstance(text, str | tuple):
                rows.append(row)
                texts.append(text)
            elif isinstance(text, BadRow) and skipped is not None:
                skipped[text.reason] += 1
        if rows:
            yield np.array(rows, dtype=np.int64), texts
