"""Stream of texts for prediction, in bounded memory, from a file or standard input."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from munjang.data.readers.delimited import QUOTING_NOTE
from munjang.data.readers.encodings import detect_codec, resolve_codec
from munjang.data.readers.faults import SKIP_HINT, BadRow
from munjang.data.readers.formats import Format, detect_format
from munjang.data.readers.line_stream import LineStream, any_row
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

# Rows of a block, which are read and answered together, and characters per row of it, beyond which
# it becomes several batches: long documents are not to fill the memory.
BATCH_ROWS, ROW_CHARACTERS = 1024, 1024

OnBadRow = Callable[[int, BadRow], object]


def stream_texts(
    source: str | Path,
    *,
    text_column: str | None = None,
    trained_column: str | None = None,
    encoding: str = "utf-8",
    batch_size: int = BATCH_ROWS,
    skipped: Counter[str] | None = None,
    report: Report = lambda note: None,
    wait: bool = False,
) -> Iterator[tuple[Int64s, pl.Series]]:
    """Read texts in batches, as `stream_rows` does.

    Args:
        source: as for `stream_rows`.
        text_column: as for `read_table`.
        trained_column: column that the model was trained on, taken if it exists before one is
            inferred.
        encoding: as for `read_table`.
        batch_size: as for `stream_rows`.
        skipped: counter of bad rows by reason; None raises at the first bad row.
        report: as for `stream_rows`.
        wait: as for `stream_rows`.
    """
    wanted = WantedColumn(text_column, trained_column)
    batches = stream_rows(
        source,
        wanted,
        encoding=encoding,
        batch_size=batch_size,
        on_bad_row=None if skipped is None else count_in(skipped),
        report=report,
        wait=wait,
    )
    return ((rows, pl.Series("text", texts, dtype=pl.String)) for rows, texts in batches)


def stream_rows(
    source: str | Path,
    wanted: Wanted,
    *,
    encoding: str = "utf-8",
    batch_size: int = BATCH_ROWS,
    on_bad_row: OnBadRow | None = None,
    report: Report = lambda note: None,
    wait: bool = False,
    is_wanted: Callable[[int], bool] = any_row,
    on_end: Callable[[int], object] = lambda rows: None,
) -> Iterator[tuple[Int64s, list[Any]]]:
    """Read rows in batches; from a pipe, each as soon as its lines have arrived.

    A batch holds rows of one block of the source, which are rows 1 to `batch_size`, the next
    `batch_size`, and so on: which texts share a batch follows from their row numbers. Blocks of
    very long texts are several batches. From a pipe, a batch also ends if the next line has not yet
    arrived, so that a program that writes one line and waits gets its answer.

    Empty texts are kept: each line gets an answer. TSV from standard input is read without quoting
    unless its header is quoted: whether a file parses only with quoting is known only at its end.

    Args:
        source: a path, or "-" for standard input; the formats of `read_table`.
        wanted: the columns of texts.
        encoding: as for `read_table`.
        batch_size: rows per block.
        on_bad_row: called with the number of each bad row and what is wrong with it, after
            the blocks before it are yielded; None raises at the first bad row.
        report: called with what is inferred.
        wait: wait for whole batches of a pipe, too.
        is_wanted: whether a row is wanted, by its number, which decides about whole blocks; others
            are passed over as fast as the format allows, and may be bad.
        on_end: called with the number of the last line or row, once the source ends.

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
            opened = stack.pop_all()
            pace = _Pace(batch_size, _always, is_wanted, on_end)
            return _make_batches(opened, name, records, pace, on_bad_row)
        codec, mark = detect_codec(head, codec, name=name)
        stream.read(mark)
        lines = LineStream(stream, codec, name=name, strict=on_bad_row is None, mark=mark)
        form = detect_format(name, lines.head(), wanted.names, usual=wanted.usual)
        opened = stack.pop_all()
    for note in form.notes:
        report(note)
    is_file = _is_rereadable(source)
    if form.kind == "tsv" and is_file:
        form = _with_needed_quoting(source, form, codec, mark, report)
    records = read_line_records(lines, form, wanted, report, is_wanted)
    ready = _always if is_file or wait else (lambda: lines.is_ready)
    pace = _Pace(batch_size, ready, is_wanted, lambda row: on_end(max(row, lines.row)))
    return _make_batches(opened, name, records, pace, on_bad_row)


def count_in(skipped: Counter[str]) -> OnBadRow:
    """Return the function that counts bad rows by reason."""
    return lambda row, bad: skipped.update([bad.reason])


def _always() -> bool:
    return True


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


@dataclass(frozen=True)
class _Pace:
    """Pace at which the records of a source are taken.

    Attributes:
        block_rows: rows of the source per block.
        is_ready: whether reading the next record does not wait.
        is_wanted: whether a row is wanted.
        on_end: called with the number of the last row.
    """

    block_rows: int
    is_ready: Callable[[], bool]
    is_wanted: Callable[[int], bool]
    on_end: Callable[[int], object]


class _Batch:
    """Rows that are read together.

    Args:
        block_rows: rows of the source per block, of which a batch holds one at most.

    Attributes:
        rows: row numbers.
        texts: the texts of each row.
        end: number of the last row of their block.
        room: number of characters that still fit; without any left, further rows need a batch of
            their own.
    """

    def __init__(self, block_rows: int) -> None:
        self.end = 0
        self._block_rows = block_rows
        self._begin()

    def _begin(self) -> None:
        self.rows: list[int] = []
        self.texts: list[Texts] = []
        self.room = ROW_CHARACTERS * self._block_rows

    def add(self, row: int, texts: Texts) -> None:
        """Add a row."""
        if not self.rows:
            self.end = row + -row % self._block_rows
        self.rows.append(row)
        self.texts.append(texts)
        self.room -= len(texts) if isinstance(texts, str) else sum(map(len, texts))

    def take(self) -> tuple[Int64s, list[Any]]:
        """Return the rows and begin the next batch."""
        taken = np.array(self.rows, dtype=np.int64), self.texts
        self._begin()
        return taken


def _make_batches(
    opened: ExitStack,
    name: str,
    records: Iterator[Record],
    pace: "_Pace",
    on_bad_row: OnBadRow | None,
) -> Iterator[tuple[Int64s, list[Any]]]:
    """Group texts into batches, and close the source at the end."""
    batch, last = _Batch(pace.block_rows), 0
    waits, chooses = pace.is_ready is not _always, pace.is_wanted is not any_row
    with opened:
        while True:
            if batch.rows and (batch.room <= 0 or (waits and not pace.is_ready())):
                yield batch.take()
            try:
                row, texts = next(records, (0, None))
                if chooses and row and not pace.is_wanted(row):
                    last = row
                    continue
                if on_bad_row is None and isinstance(texts, BadRow):
                    raise DataError(f"{texts.message}; {SKIP_HINT}", file=name, row=row)
            except DataError:
                if batch.rows:  # the texts before the bad row get their answers
                    yield batch.take()
                raise
            if batch.rows and (row == 0 or row > batch.end):
                yield batch.take()
            if row == 0:
                break
            last = row
            if isinstance(texts, BadRow):
                if on_bad_row is not None:
                    on_bad_row(row, texts)
            elif texts is not None:
                batch.add(row, texts)
        pace.on_end(last)
