"""Texts for prediction as they arrive, in bounded memory: from a file or from standard input."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from munjang.data.readers.arriving import Lines
from munjang.data.readers.delimited import ONLY_QUOTED
from munjang.data.readers.encodings import marked_codec, text_codec
from munjang.data.readers.faults import SKIP_HINT
from munjang.data.readers.formats import Format, find_format
from munjang.data.readers.opening import PARQUET_MAGIC, STDIN, open_source, source_name
from munjang.data.readers.quoted import parses_only_quoted
from munjang.data.readers.streamed import Bad, Record, Wanted, line_records, parquet_records
from munjang.errors import DataError
from munjang.names import existing_path
from munjang.reporting import Report
from munjang.text.columns import Int64s


def stream_texts(
    source: str | Path,
    *,
    text_column: str | None = None,
    trained_column: str | None = None,
    encoding: str = "utf-8",
    batch_rows: int = 1024,
    skipped: Counter[str] | None = None,
    report: Report = lambda note: None,
) -> Iterator[tuple[Int64s, pl.Series]]:
    """Read texts in batches, each as soon as its lines are there.

    A batch ends after `batch_rows` texts, or earlier when the next line has not yet arrived, so
    that a program that writes one line and waits gets its answer. Empty texts are passed on as
    they are: each line gets an answer. TSV from standard input is read without quoting, unless its
    header is quoted: whether a file parses only with quoting is known at its end.

    Args:
        source: a path, or "-" for standard input; the formats of `read_table`.
        text_column: as for `read_table`.
        trained_column: taken, where it is there, before one is guessed.
        encoding: as for `read_table`.
        batch_rows: the most texts in a batch.
        skipped: where to count bad rows by reason; None raises at the first.
        report: called with each thing that was guessed.

    Yields:
        Row numbers as in `Table.rows`, and as many texts.

    Raises:
        DataError: the source cannot be opened (at once), or a row is bad (when it is reached, after
            the texts before it).
    """
    codec = text_codec(encoding)
    name = source_name(source)
    with ExitStack() as guard:
        stream = guard.enter_context(open_source(source))
        head = stream.peek()
        if not head and str(source) != STDIN:
            raise DataError("the file is empty", file=name)
        wanted = Wanted(text_column, trained_column)
        if head.startswith(PARQUET_MAGIC):
            records = parquet_records(stream, name, wanted, report, batch_rows)
            return _batches(guard.pop_all(), name, records, lambda: True, batch_rows, skipped)
        codec, mark = marked_codec(head, codec, name=name)
        stream.read(mark)
        lines = Lines(stream, codec, name=name, strict=skipped is None, mark=mark)
        form = find_format(name, lines.head(), (text_column,), usual=(trained_column,))
        opened = guard.pop_all()
    for note in form.notes:
        report(note)
    if form.kind == "tsv" and _reads_twice(source):
        form = _heeding_quotes(source, form, codec, mark, report)
    records = line_records(lines, form, wanted, report)
    return _batches(opened, name, records, lambda: lines.ready, batch_rows, skipped)


def _reads_twice(source: str | Path) -> bool:
    """Whether a source is a file, not standard input nor a pipe."""
    return str(source) != STDIN and existing_path(source).is_file()


def _heeding_quotes(
    source: str | Path, form: Format, codec: str, mark: int, report: Report
) -> Format:
    """The format of a TSV file, with quotes as in CSV where it parses only so."""
    with ExitStack() as opened:

        def lines() -> Lines:
            stream = opened.enter_context(open_source(source))
            stream.read(mark)
            return Lines(stream, codec, name=source_name(source), strict=False)

        if not parses_only_quoted(lines, form.delimiter):
            return form
    report(ONLY_QUOTED)
    return replace(form, kind="csv")


def _batches(
    opened: ExitStack,
    name: str,
    records: Iterator[Record],
    ready: Callable[[], bool],
    batch_rows: int,
    skipped: Counter[str] | None,
) -> Iterator[tuple[Int64s, pl.Series]]:
    with opened:
        rows: list[int] = []
        texts: list[str] = []
        while True:
            if rows and (len(rows) >= batch_rows or not ready()):
                yield np.array(rows, dtype=np.int64), pl.Series("text", texts, dtype=pl.String)
                rows, texts = [], []
            try:
                row, text = next(records, (0, None))
                if isinstance(text, Bad) and skipped is None:
                    raise DataError(f"{text.message}; {SKIP_HINT}", file=name, row=row)
            except DataError:
                if rows:  # what stands before the bad row gets its answers
                    yield np.array(rows, dtype=np.int64), pl.Series("text", texts, dtype=pl.String)
                raise
            if row == 0:
                break
            if isinstance(text, str):
                rows.append(row)
                texts.append(text)
            elif isinstance(text, Bad) and skipped is not None:
                skipped[text.reason] += 1
        if rows:
            yield np.array(rows, dtype=np.int64), pl.Series("text", texts, dtype=pl.String)
