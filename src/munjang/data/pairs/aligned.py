"""Line-aligned plain text: line n of one file belongs to line n of another."""

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
    """Plain text files whose lines belong together, each also compressed with gzip.

    Attributes:
        source: a path, or several.
        target: as many, in the same order.
    """

    source: Paths
    target: Paths


def read_aligned(files: AlignedFiles, *, encoding: str, skip: bool) -> list[Records]:
    """Read pairs of files as records with the columns "source" and "target".

    Where lines end, `munjang.data.readers.line_ends` says, as for any file; one at the end of the
    content begins no other.

    Args:
        files: which belong together.
        encoding: of all of them. A byte order mark wins over it.
        skip: keep lines with invalid or NUL bytes as faults instead of raising.

    Raises:
        DataError: a file cannot be read, or two have different numbers of lines, whatever `skip`.
        ConfigError: there is no such encoding.
    """
    sources, targets = _listed(files.source), _listed(files.target)
    if len(sources) != len(targets) or not sources:
        raise DataError(
            f"expected as many source files as target files, got {len(sources)} and {len(targets)}"
        )
    return [_read_two(*two, encoding, skip) for two in zip(sources, targets, strict=True)]


def _listed(paths: Paths) -> list[str | Path]:
    return [paths] if isinstance(paths, str | Path) else list(paths)


def _read_two(source: str | Path, target: str | Path, encoding: str, skip: bool) -> Records:
    loaded = [_load_text(path, encoding, skip) for path in (source, target)]
    spans = [find_line_spans(each.data) for each in loaded]
    _require_as_many(loaded, [starts for starts, _ in spans])
    rows = np.arange(1, len(spans[0][0]) + 1, dtype=np.int64)
    keep = np.ones(len(rows), dtype=bool)
    faults: list[Fault] = []
    content: list[bytes] = []
    for kind, each, (starts, ends) in zip(SOURCE_AND_TARGET, loaded, spans, strict=True):
        data = each.data
        if each.suspect:
            data, found, damaged = blank_corrupt_rows(data, starts, ends, rows)
            faults += [_named(fault, kind, rows[keep]) for fault in found]
            keep[damaged] = False
        content.append(data)
    kept = np.flatnonzero(keep)
    columns = {
        kind: slice_strings(data, starts[kept], ends[kept])
        for kind, data, (starts, ends) in zip(SOURCE_AND_TARGET, content, spans, strict=True)
    }
    notes = tuple(dict.fromkeys(note for each in loaded for note in each.notes))
    name = " and ".join(each.name for each in loaded)
    return Records(name, rows[kept], SOURCE_AND_TARGET, columns.__getitem__, tuple(faults), notes)


def _load_text(path: str | Path, encoding: str, skip: bool) -> Content:
    loaded = load_content(path, encoding=encoding, skip_bad_rows=skip)
    if loaded.data.startswith(PARQUET_MAGIC):
        raise DataError(
            "expected plain text, one side a line, got Parquet: give it alone, and name its "
            "columns with --source-column and --target-column (source_column=..., ...)",
            file=loaded.name,
        )
    return loaded


def _named(fault: Fault, kind: str, rows: Int64s) -> Fault:
    """Return a fault of one side without the rows that the other side has counted already."""
    left = fault.rows[np.isin(fault.rows, rows)]
    return Fault(f"{fault.reason} in the {kind}", left, fault.message)


def _require_as_many(loaded: Sequence[Content], starts: Sequence[Int64s]) -> None:
    counts = [len(each) for each in starts]
    if counts[0] == counts[1]:
        return
    longer = int(counts[1] > counts[0])
    more, fewer = counts[longer], counts[1 - longer]
    surplus = loaded[longer].data[int(starts[longer][fewer]) :]
    hint = (
        "its lines after the last of the other are blank: delete them"
        if not surplus.strip()
        else "nobody can tell after which line they no longer belong together, so no row can be "
        "left out: align them again"
    )
    raise DataError(
        f"expected as many lines in both files, got {counts[0]:,} lines of sources and "
        f"{counts[1]:,} of targets; {loaded[longer].name} is longer by {more - fewer:,}; {hint}",
        file=" and ".join(each.name for each in loaded),
    )
