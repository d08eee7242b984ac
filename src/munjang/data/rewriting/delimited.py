"""Places of fields in CSV and TSV, and fields as such files write them."""

from collections.abc import Iterator, Mapping

from munjang.data.readers.delimited import LayoutPlan, plan_layout
from munjang.data.readers.formats import Format
from munjang.data.rewriting.original import Edit, Original
from munjang.errors import DataError


def edit_fields(
    original: Original, form: Format, column: int, width: int, values: Mapping[int, str]
) -> Iterator[Edit]:
    """Yield the edits that give a field of some rows another value.

    A field keeps its quotes and the spaces around it. One that needs quotes gets them, where the
    file has quoting at all.

    Args:
        original: the file.
        form: its format.
        column: index of the field in a record.
        width: number of fields of a record.
        values: new values, by the number of the row.

    Raises:
        DataError: the quotes of the file are malformed, or a value has no place in a field.
    """
    plan = plan_layout(original.lines, form.delimiter, quoting=form.kind == "csv")
    layout = plan.layout
    if layout is None:
        raise DataError(
            "quotes in this file are malformed (munjang check says where), so that places of "
            "fields are not certain; correct them first",
            file=original.name,
        )
    places = {row: place for place, row in enumerate(layout.lines.tolist())}
    for row, value in values.items():
        place = places[row]
        first = int(layout.first[place])
        inner = layout.delimiters[first : first + width - 1].tolist()
        edges = [int(layout.starts[place]) - 1, *inner, int(layout.ends[place])]
        start, end = edges[column] + 1, edges[column + 1]
        try:
            new = _write_field(original.data[start:end].decode(), value, form, plan)
        except ValueError as error:
            raise DataError(str(error), file=original.name, row=row) from None
        yield start, end, new.encode()


def _write_field(old: str, value: str, form: Format, plan: LayoutPlan) -> str:
    """Return a field with a new value.

    Raises:
        ValueError: the file has no quoting, and the value needs it.
    """
    was_quoted = plan.is_quoted and len(old) > 1 and old[0] == old[-1] == '"'
    inner = old[1:-1] if was_quoted else old
    body = inner.strip()
    before = inner[: len(inner) - len(inner.lstrip())] if body else ""
    after = inner[len(inner.rstrip()) :] if body else ""
    field = f"{before}{value}{after}"
    needs_quotes = any(sign in field for sign in (form.delimiter, '"', "\n", "\r"))
    can_quote = plan.is_quoted or form.kind == "csv"
    if was_quoted or (needs_quotes and can_quote):
        return '"' + field.replace('"', '""') + '"'
    if any(sign in field for sign in (form.delimiter, "\n", "\r")):
        raise ValueError(f"the label {value[:80]!r} has no place in a file without quoting")
    return field
