"""Files of labeled rows with other labels in some rows."""

from collections.abc import Mapping
from pathlib import Path

from munjang.data.readers.columns import resolve_column
from munjang.data.readers.formats import detect_format
from munjang.data.readers.read import read_records
from munjang.data.rewriting.delimited import edit_fields
from munjang.data.rewriting.jsonlines import edit_values
from munjang.data.rewriting.original import read_original
from munjang.data.rewriting.parquet import replace_values
from munjang.data.table import Table
from munjang.folder.manifest import write_whole


def rewrite_labels(
    source: str | Path,
    table: Table,
    labels: Mapping[int, str],
    out: str | Path,
    *,
    encoding: str = "utf-8",
) -> Path:
    """Write a file with other labels in some rows; all else stays as it is.

    CSV, TSV and JSON Lines stay byte for byte but for the labels, also packed ones and those in
    other encodings. Of Parquet, schema, row groups and compression stay.

    Args:
        source: path of the file.
        table: its rows, as `munjang.data.readers.read_table` reads them.
        labels: new labels, each of which another row has, by the number of the row.
        out: path of the new file, which is replaced once it is complete.
        encoding: encoding of a text file.

    Returns:
        The path of the new file.

    Raises:
        DataError: the file cannot be read, or not be written back unchanged.
        OSError: the new file cannot be written.
    """
    original = read_original(source, encoding)
    name = table.target_name
    assert name is not None
    assert table.targets is not None
    examples: dict[str, int] = {}
    for row, label in zip(table.rows.tolist(), table.targets.to_list(), strict=True):
        examples.setdefault(label, row)
    form = detect_format(original.name, original.data[: 1 << 16], tuple(table.names.values()))
    if original.is_parquet:
        data = replace_values(original, name, labels, examples)
    elif form.kind == "jsonl":
        data = original.edit(edit_values(original, name, labels, examples))
    else:
        [records] = read_records(source, tuple(table.names.values()), encoding, True)
        column = records.names.index(
            resolve_column(records.names, name, "label", file=original.name)
        )
        edits = edit_fields(original, form, column, len(records.names), labels)
        data = original.edit(edits)
    path = Path(out)
    with write_whole(path) as partial:
        partial.write_bytes(data)
    return path
