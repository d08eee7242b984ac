"""Reader of cases of references: a CSV or TSV file with the columns text, word, meant and other."""

import csv
import io
from pathlib import Path

from munjang.data.readers.source import open_source, source_name
from munjang.errors import DataError
from munjang.explain.references import Reference

COLUMNS = ("text", "word", "meant", "other")
# A case takes a pass of the network; such lists have some hundreds of rows.
_MOST_BYTES = 1 << 24


def read_references(path: str | Path) -> list[Reference]:
    """Read cases.

    Args:
        path: file in UTF-8 whose first row names the columns; others than the four are left out.

    Raises:
        DataError: the file cannot be read, lacks a column or has an empty cell; the row is named.
    """
    name = source_name(path)
    with open_source(path) as source:
        content = source.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise DataError(f"expected a file of at most {_MOST_BYTES:,} bytes", file=name)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"expected text in UTF-8, found other bytes ({error.reason})", file=name
        ) from None
    first = text.split("\n", 1)[0]
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if "\t" in first else ",")
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise DataError(
            f"expected the columns {', '.join(COLUMNS)}; {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing",
            file=name,
        )
    cases = []
    try:
        for row in rows:
            cells = [(row[column] or "").strip() for column in COLUMNS]
            if not all(cells):
                raise DataError(
                    f"expected a {' and a '.join(COLUMNS)}, got an empty cell",
                    file=name,
                    row=rows.line_num,
                )
            cases.append(Reference(*cells))
    except csv.Error as error:
        raise DataError(
            f"expected rows of a table: {error}", file=name, row=rows.line_num
        ) from None
    if not cases:
        raise DataError("expected at least one row below the names of the columns", file=name)
    return cases
