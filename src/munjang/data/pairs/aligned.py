"""Reader of line-aligned plain text: line n of one file belongs to line n of another."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from munjang.data.pairs.columns import SOURCE_AND_TARGET
from munjang.data.readers.content import Content, load_content
from munjang.data.readers.corruption import blank_corrupt_rows
from munjang.data.readers.delimited import slice_strings
from munjang.data.readers.faults import Fault
from munjang.data.readers.lines import find_line_spans
from munjang.data.readers.records import Records
from munjang.data.readers.source import PARQUET_MAGIC
from munjang.errors import DataError
from munjang.text.columns import Int64s

Paths = str | Path | Sequence[str | Path]


@dataclass(frozen=True)
class AlignedFiles:
    """Plain text files, plain or gzipped, whose lines belong together.

    Attributes:
        source: one or more paths.
        target: as many paths, in the same order.
    """

    source: Paths
    target: Paths


def read_aligned(files: AlignedFiles, *, encoding: str, skip: bool) -> list[Records]:
    """Read pairs of files as records with the columns "source" and "target".

    Lines end as `munjang.data.readers.line_ends` finds; a line end at the end of a file begins no
    further line.

    Args:
        files: the files.
        encoding: encoding of all files; a byte order mark takes precedence.
        skip: keep lines with invalid or NUL bytes as faults instead of raising.

    Raises:
        DataError: a file cannot be read, or two files have different numbers of lines, even with
            `skip`.
        ConfigError: the encoding is unknown.
    """
    sources, targets = _to_list(files.source), _to_list(files.target)
    if len(sources) != len(targets) or not sources:
        raise DataError(
            f"expected as many source files as target files, got {len(sources)} and {len(targets)}"
        )
    return [_read_two(*paths, encoding, skip) for paths in zip(sources, targets, strict=True)]


def _to_list(paths: Paths) -> list[str | Path]:
    return [paths] if isinstance(paths, str | Path) else list(paths)


def _read_two(source: str | Path, target: str | Path, encoding: str, skip: bool) -> Records:
    contents = [_load_text(path, encoding, skip) for path in (source, target)]
    spans = [find_line_spans(content.data) for content in contents]
    _require_equal_counts(contents, [starts for starts, _ in spans])
    rows = np.arange(1, len(spans[0][0]) + 1, dtype=np.int64)
    keep = np.ones(len(rows), dtype=bool)
    faults: list[Fault] = []
    clean: list[bytes] = []
    for kind, content, (starts, ends) in zip(SOURCE_AND_TARGET, contents, spans, strict=True):
        data = content.data
        if content.suspect:
            data, side_faults, damaged = blank_corrupt_rows(data, starts, ends, rows)
            faults += [_side_fault(fault, kind, rows[keep]) for fault in side_faults]
            keep[damaged] = False
        clean.append(data)
    kept = np.flatnonzero(keep)
    columns = {
        kind: slice_strings(data, starts[kept], ends[kept])
        for kind, data, (starts, ends) in zip(SOURCE_AND_TARGET, clean, spans, strict=True)
    }
    notes = tuple(dict.fromkeys(note for content in contents for note in content.notes))
    name = " and ".join(content.name for content in contents)
    return Records(name, rows[kept], SOURCE_AND_TARGET, columns.__getitem__, tuple(faults), notes)


def _load_text(path: str | Path, encoding: str, skip: bool) -> Content:
    content = load_content(path, encoding=encoding, skip_bad_rows=skip)
    if content.data.startswith(PARQUET_MAGIC):
        raise DataError(
            "expected plain text, one text per line, got Parquet: give it alone, and name its "
            "columns with --source-column and --target-column (source_column=..., ...)",
            file=content.name,
        )
    return content


def _side_fault(fault: Fault, kind: str, rows: Int64s) -> Fault:
    """Return a fault of one side without the rows that the other side has counted already."""
    remaining = fault.rows[np.isin(fault.rows, rows)]
    return Fault(f"{fault.reason} in the {kind}", remaining, fault.message)


def _require_equal_counts(contents: Sequence[Content], starts: Sequence[Int64s]) -> None:
    counts = [len(line_starts) for line_starts in starts]
    if counts[0] == counts[1]:
        return
    longer = int(counts[1] > counts[0])
    more, fewer = counts[longer], counts[1 - longer]
    surplus = contents[longer].data[int(starts[longer][fewer]) :]
    hint = (
        "its lines after the last of the other are blank: delete them"
        if not surplus.strip()
        else "which lines belong together is unknown, so that no row can be skipped: align the "
        "files again"
    )
    raise DataError(
        f"expected as many lines in both files, got {counts[0]:,} lines of sources and "
        f"{counts[1]:,} of targets; {contents[longer].name} is longer by {more - fewer:,}; {hint}",
        file=" and ".join(content.name for content in contents),
    )
