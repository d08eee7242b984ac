"""The header of a delimited file, and records that do not agree with it."""

from collections.abc import Sequence

from munjang.data.readers.corrupt import corruption
from munjang.data.readers.faults import Fault
from munjang.errors import DataError
from munjang.reporting import pluralize
from munjang.text.columns import Int64s


def header_names(fields: Sequence[str], *, file: str, row: int) -> tuple[str, ...]:
    """Column names: the header's fields without surrounding space.

    Raises:
        DataError: all of them are empty, or they hold what no text has.
    """
    reason = corruption("".join(fields).encode(errors="surrogateescape"))
    if reason:
        raise DataError(
            f"the header holds {reason}, and no row can be read without it", file=file, row=row
        )
    names = tuple(field.strip() for field in fields)
    if not any(names):
        raise DataError("expected a header with column names, got an empty one", file=file, row=row)
    return names


def is_quoted(header: bytes, delimiter: bytes) -> bool:
    """Whether every name of a header, the line of a file, stands in double quotes."""
    names = header.removesuffix(b"\r").split(delimiter)
    return all(len(name) > 1 and name[:1] == name[-1:] == b'"' for name in names)


def only_header(names: Sequence[str], *, file: str, row: int) -> DataError:
    """What to say about a file without rows."""
    return DataError(
        f"there is only a header ({shown(names)}) and no row after it", file=file, row=row
    )


def blank_lines(count: int) -> tuple[str, ...]:
    """The note on lines without a field, which are no rows."""
    return (f"{pluralize(count, 'blank line')} left out",) if count else ()


def shown(names: Sequence[str]) -> str:
    """Column names for a message, which is one line."""
    return ", ".join(" ".join(name.split()) for name in names[:12]) + (
        ", ..." if len(names) > 12 else ""
    )


def wrong_fields(rows: Int64s, counts: Int64s, names: Sequence[str], delimiter: str) -> Fault:
    """Records that have more or fewer fields than the header.

    Args:
        rows: where these records start.
        counts: how many fields each has.
        names: of the header.
        delimiter: that separates the fields.
    """
    mark = {"\t": "a tab", ",": "a comma"}.get(delimiter, f"a {delimiter!r}")
    cure = f"no text may hold {mark}"
    if delimiter != "\t":
        cure = f"put double quotes around a text that holds {mark}"

    def message(k: int) -> str:
        expected = (
            f"expected {len(names)} fields as in the header ({shown(names)}), got {counts[k]}"
        )
        return f"{expected}; {cure}" if counts[k] > len(names) else expected

    return Fault("wrong number of fields", rows, message)
