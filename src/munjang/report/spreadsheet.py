"""CSV for people and spreadsheets: UTF-8 with a byte order mark, fields quoted where needed."""

import csv
import io
from collections.abc import Iterable, Sequence

# Without the mark, Excel reads UTF-8 as the encoding of the country.
MARK = "\ufeff"


def format_csv(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""Return CSV (RFC 4180) with lines that end in "\r\n"."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return MARK + text.getvalue()
