"""Which format a file has: by its name, else by what it begins with."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePath

from munjang.data.readers.columns import LABEL_NAMES, TEXT_NAMES
from munjang.data.readers.opening import PARQUET_MAGIC
from munjang.names import usual_key

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
    """A format: "csv", "tsv", "jsonl", "parquet" or "text"; and the delimiter of the first two.

    Attributes:
        notes: what was guessed from the content.
    """

    kind: str
    delimiter: str = ","
    notes: tuple[str, ...] = ()


def find_format(
    name: str,
    head: bytes,
    columns: Collection[str | None] = (),
    *,
    usual: Collection[str | None] = (),
) -> Format:
    """Name the format of a file.

    Args:
        name: of the file; its suffix decides, `.gz` left aside.
        head: its first bytes, at least the first line, in UTF-8 and uncompressed.
        columns: names the caller expects; where the suffix says nothing, a first line with one
            of them, or with usual names such as "text" and "라벨", is taken for a header.
        usual: more names of text columns that are usual here.
    """
    if head.startswith(PARQUET_MAGIC):
        return Format("parquet")
    first = head.lstrip().split(b"\n", 1)[0].decode(errors="replace").strip("\r")
    suffixes = [s.lower() for s in PurePath(name).suffixes if s.lower() not in (".gz", ".gzip")]
    kind = _SUFFIXES.get(suffixes[-1]) if suffixes else None
    if kind == "csv":
        return _delimited(first)
    if kind is not None:
        return Format(kind, "\t")
    text_names = {*TEXT_NAMES, *_lowered(usual)}
    return _by_content(first, _lowered(columns), text_names)


def _delimited(header: str) -> Format:
    """CSV, unless its header has no comma but another delimiter."""
    if "," in header:
        return Format("csv", ",")
    if "\t" in header:
        return Format("tsv", "\t", ("fields are separated by tabs (guessed from the header)",))
    if ";" in header:
        return Format("csv", ";", ("fields are separated by semicolons (guessed from the header)",))
    return Format("csv", ",")


def _lowered(columns: Collection[str | None]) -> set[str]:
    """Names of columns as they are compared; those that "title+body" joins, too."""
    return {usual_key(part) for name in columns if name for part in (name, *name.split("+"))}


def _by_content(first: str, wanted: set[str], text_names: set[str]) -> Format:
    if first.startswith(("{", "[{")):
        return Format("jsonl", notes=("format: JSON Lines (guessed from the first line)",))
    for delimiter, kind in _DELIMITERS.items():
        names = {usual_key(name.strip().strip('"')) for name in first.split(delimiter)}
        # A sentence may hold a comma and a word such as "review"; a tab is seldom in one.
        usual = [names & text_names, names & set(LABEL_NAMES)]
        known = any(usual) if delimiter == "\t" else all(usual)
        if len(names) > 1 and (known or names & wanted):
            note = f"format: {kind.upper()} (guessed from the first line)"
            return Format(kind, delimiter, (note,))
    return Format("text")
