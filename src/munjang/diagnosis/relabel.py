"""Corrected labels: the column `corrected` of a CSV, applied to the file that it was made from."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from munjang.data.readers import read_table
from munjang.data.readers.faults import shorten
from munjang.data.readers.source import STDIN
from munjang.data.rewriting.labels import rewrite_labels
from munjang.data.table import Table
from munjang.errors import ConfigError, DataError
from munjang.names import KnownLabels, find_existing_path, join_names, normalize_name

FILE, ROW, TEXT, CORRECTED = "file", "row", "text", "corrected"
_WANTED = (ROW, TEXT, CORRECTED)
# Digits of a row number.
_LONGEST_NUMBER = 18


@dataclass(frozen=True)
class Correction:
    """A line of the CSV with a corrected label.

    Attributes:
        line: number of the line in the CSV, for messages.
        file: name of the file of the row; "" if the CSV has no such column.
        row: line or row in that file.
        text: its text.
        label: the corrected label, as it is written.
    """

    line: int
    file: str
    row: int
    text: str
    label: str


@dataclass(frozen=True)
class Relabeled:
    """Result of `relabel`.

    Attributes:
        out: the new file.
        rows: number of rows whose label changed.
        unchanged: number of corrections that name the label that the row has already.
    """

    out: Path
    rows: int
    unchanged: int


def relabel(
    source: str | Path,
    corrections: str | Path,
    out: str | Path,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    encoding: str = "utf-8",
    skip_bad_rows: bool = False,
) -> Relabeled:
    """Write a copy of a file with the labels that a CSV corrects; all else stays as it is.

    Args:
        source: file of labeled texts.
        corrections: CSV with the columns row, text and corrected, and file if it lists rows of
            several files, as `munjang label-issues` writes it. Rows whose `corrected` is empty are
            left as they are.
        out: the new file.
        text_column: column of the texts; inferred if omitted.
        label_column: column of the labels; inferred if omitted.
        encoding: encoding of the file.
        skip_bad_rows: leave unusable rows as they are instead of raising.

    Raises:
        DataError: a row is listed twice, does not exist, has another text, or gets a label that no
            row of the file has; the line of the CSV is named.
        ConfigError: `out` is one of the two files, or `source` is standard input.
        OSError: the new file cannot be written.
    """
    if str(source) == STDIN:
        raise ConfigError("relabel: expected a file, got standard input, which is read once")
    for other in (source, corrections):
        if _is_same_file(out, other):
            raise ConfigError(f"--out: {out} is read too; choose another name")
    table = read_table(
        str(source),
        text_column=text_column,
        label_column=label_column,
        encoding=encoding,
        skip_bad_rows=skip_bad_rows,
    )
    chosen = _choose_file(read_corrections(corrections), str(source), str(corrections))
    labels = match_corrections(table, chosen, str(corrections))
    assert table.targets is not None
    before = dict(zip(table.rows.tolist(), table.targets.to_list(), strict=True))
    changed = {row: label for row, label in labels.items() if before[row] != label}
    path = rewrite_labels(source, table, changed, out, encoding=encoding)
    return Relabeled(path, len(changed), len(labels) - len(changed))


def _is_same_file(one: str | Path, other: str | Path) -> bool:
    return Path(one).resolve() == find_existing_path(other).resolve()


def read_corrections(path: str | Path) -> list[Correction]:
    """Read the lines of a CSV whose column `corrected` is not empty.

    Raises:
        DataError: the file cannot be read, lacks a column, or a row is no number.
    """
    name = str(path)
    try:
        with find_existing_path(path).open(encoding="utf-8-sig", newline="") as file:
            return list(_parse(file, name))
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", file=name) from None
    except UnicodeDecodeError:
        raise DataError("not valid UTF-8; save it as CSV in UTF-8", file=name) from None
    except csv.Error as error:
        raise DataError(f"not valid CSV ({error})", file=name) from None


def _parse(file: Any, name: str) -> Iterator[Correction]:
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(file, strict=True)
    heads = [normalize_name(head).lower() for head in next(reader, [])]
    missing = [head for head in _WANTED if head not in heads]
    if missing:
        raise DataError(
            f"expected the columns {join_names(_WANTED)}, as munjang label-issues writes them; "
            f"there is no column {missing[0]!r}",
            file=name,
            row=1,
        )
    places = {head: heads.index(head) for head in (*_WANTED, FILE) if head in heads}
    line = reader.line_num + 1
    for fields in reader:
        start, line = line, reader.line_num + 1
        if not fields:
            continue
        if len(fields) != len(heads):
            raise DataError(
                f"expected {len(heads)} fields as in the header, got {len(fields)}",
                file=name,
                row=start,
            )
        values = {head: fields[place] for head, place in places.items()}
        label = values[CORRECTED].strip()
        if label:
            row = _parse_row(values[ROW], name, start)
            yield Correction(start, values.get(FILE, ""), row, values[TEXT], label)


def _parse_row(value: str, name: str, line: int) -> int:
    number = value.strip()
    if not (number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER):
        raise DataError(f"row: expected a number, got {shorten(value)}", file=name, row=line)
    return int(number)


def _choose_file(corrections: list[Correction], source: str, name: str) -> list[Correction]:
    """Return the corrections of one file; all, if the CSV has rows of one file only."""
    files = dict.fromkeys(correction.file for correction in corrections)
    if len(files) <= 1:
        return corrections
    chosen = [correction for correction in corrections if correction.file == source]
    if not chosen:
        raise DataError(
            f"it lists rows of {len(files)} files, and none is named {source!r}; the first is "
            f"{shorten(next(iter(files)))}",
            file=name,
        )
    return chosen


def match_corrections(table: Table, corrections: list[Correction], name: str) -> Mapping[int, str]:
    """Return the corrected labels, as the file names them, by the number of the row.

    Args:
        table: the rows of one file.
        corrections: lines of the CSV.
        name: name of the CSV, for messages.

    Raises:
        DataError: as `relabel`.
    """
    assert table.targets is not None
    labels = table.targets.unique().sort().to_list()
    known = KnownLabels(labels)
    places = {row: place for place, row in enumerate(table.rows.tolist())}
    found: dict[int, str] = {}
    lines: dict[int, int] = {}
    for correction in corrections:
        problem = _describe_problem(table, correction, places)
        label = known.find(correction.label)
        if problem is None and correction.row in lines:
            problem = f"row {correction.row:,} is listed in line {lines[correction.row]:,} too"
        if problem is None and label is None:
            problem = (
                f"the label {shorten(correction.label)} does not occur in {table.files[0]}; the "
                f"labels are {join_names(labels[:20])}"
            )
        if problem is not None:
            raise DataError(problem, file=name, row=correction.line)
        assert label is not None
        found[correction.row], lines[correction.row] = label, correction.line
    return found


def _describe_problem(
    table: Table, correction: Correction, places: Mapping[int, int]
) -> str | None:
    """Return why a line does not fit the file; None if it does."""
    place, file = places.get(correction.row), table.files[0]
    if place is None:
        return f"{file} has no usable row {correction.row:,}; make the list again"
    text = str(table.keys[place])
    if _normalize_ends(text) != _normalize_ends(correction.text):
        return (
            f"the text of row {correction.row:,} of {file} is {shorten(text)}, and the list has "
            f"{shorten(correction.text)}: the file has changed; make the list again"
        )
    return None


def _normalize_ends(text: str) -> str:
    """Return a text with LF as line ends, which spreadsheets change."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
