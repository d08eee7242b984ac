"""Format of a file: by its name, else by its first line."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePath

from munjang.data.readers.columns import LABEL_NAMES, TEXT_NAMES
from munjang.data.readers.source import PARQUET_MAGIC
from munjang.names import column_key

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_DELIMITERS = {"\t": "tsv", ",": "csv", ";": "csv"}


@dataclass(frozen=True)
class Format:
    """Format of a file.

    Attributes:
        kind: "csv", "tsv", "jsonl", "parquet" or "text".
        delimiter: separator of fields, of CSV and TSV.
        notes: what was inferred from the content.
    """

    kind: str
    delimiter: str = ","
    notes: tuple[str, ...] = ()


def detect_format(
    name: str,
    head: bytes,
    columns: Collection[str | None] = (),
    *,
    usual: Collection[str | None] = (),
) -> Format:
    """Detect the format of a file.

    Args:
        name: name of the file; its suffix decides, ignoring `.gz`.
        head: first bytes of the file, at least the first line, in UTF-8 and uncompressed.
        columns: column names that the caller expects; without a known suffix, a first line with
            one of them, or with usual names such as "text" and "라벨", is taken as a header.
        usual: further usual names of text columns.
    """
    if head.startswith(PARQUET_MAGIC):
        return Format("parquet")
    first = head.lstrip().split(b"\n", 1)[0].decode(errors="replace").strip("\r")
    suffixes = [s.lower() for s in PurePath(name).suffixes if s.lower() not in (".gz", ".gzip")]
    kind = _SUFFIXES.get(suffixes[-1]) if suffixes else None
    if kind == "csv":
        return _detect_delimiter(first)
    if kind is not None:
        return Format(kind, "\t")
    text_names = {*TEXT_NAMES, *_to_keys(usual)}
    return _detect_by_content(first, _to_keys(columns), text_names)


def _detect_delimiter(header: str) -> Format:
    """Return CSV, unless the header has no comma but another delimiter."""
    if "," in header:
        return Format("csv", ",")
    if "\t" in header:
        return Format("tsv", "\t", ("fields are separated by tabs (inferred from the header)",))
    if ";" in header:
        note = "fields are separated by semicolons (inferred from the header)"
        return Format("csv", ";", (note,))
    return Format("csv", ",")


def _to_keys(columns: Collection[str | None]) -> set[str]:
    """Return the keys by which column names are compared, with the parts of "title+body"."""
    return {column_key(part) for name in columns if name for part in (name, *name.split("+"))}


def _detect_by_content(first: str, wanted: set[str], text_names: set[str]) -> Format:
    if first.startswith(("{", "[{")):
        return Format("jsonl", notes=("format: JSON Lines (inferred from the first line)",))
    for delimiter, kind in _DELIMITERS.items():
        names = {column_key(name.strip().strip('"')) for name in first.split(delimiter)}
        # a sentence may hold a comma and a word such as "review", but seldom a tab
        matches = [names & text_names, names & set(LABEL_NAMES)]
        known = any(matches) if delimiter == "\t" else all(matches)
        if len(names) > 1 and (known or names & wanted):
            note = f"format: {kind.upper()} (inferred from the first line)"
            return Format(kind, delimiter, (note,))
    return Format("text")
