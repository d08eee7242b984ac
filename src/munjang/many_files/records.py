"""Records of what is done: of each part, and of a whole file once all its parts are there."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from munjang.errors import FolderError
from munjang.folder.manifest import write_atomically, write_whole
from munjang.json_files import read_object
from munjang.many_files.layout import BAD_PART, BAD_ROWS, DONE, RECORD, part_name

_CURE = "delete it and resume"


@dataclass(frozen=True)
class PartRecord:
    """Content of a part.

    Attributes:
        rows: number of rows with an answer.
        bytes: size of the file.
        truncated: number of texts that were longer than the model reads.
        skipped: number of skipped rows by reason.
    """

    rows: int
    bytes: int
    truncated: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the record of JSON values.

        Raises:
            TypeError: the values are of another form.
        """
        record = cls(**values)
        counts = (record.rows, record.bytes, record.truncated, *dict(record.skipped).values())
        if not all(type(count) is int and count >= 0 for count in counts):
            raise TypeError("expected numbers")
        return record


@dataclass(frozen=True)
class Totals:
    """Sums over parts.

    Attributes:
        parts: number of parts.
        rows: number of rows with an answer.
        truncated: number of texts that were longer than the model reads.
        skipped: number of skipped rows by reason.
    """

    parts: int = 0
    rows: int = 0
    truncated: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)

    def plus(self, records: Iterable[PartRecord]) -> "Totals":
        """Return the sums with further parts."""
        records = list(records)
        skipped = Counter(self.skipped)
        for record in records:
            skipped.update(record.skipped)
        return Totals(
            self.parts + len(records),
            self.rows + sum(record.rows for record in records),
            self.truncated + sum(record.truncated for record in records),
            dict(skipped),
        )


def write_record(folder: Path, number: int, record: PartRecord, writer: str) -> None:
    """Write the record of a part, whose file is in its place; `writer` as for `write_whole`."""
    text = json.dumps(asdict(record), ensure_ascii=False) + "\n"
    write_atomically(folder / part_name(number, RECORD), text, writer=writer)


def read_record(folder: Path, number: int, suffix: str) -> PartRecord | None:
    """Return the record of a part; None if the part is not done.

    Args:
        folder: folder of the answers of a file.
        number: number of the part.
        suffix: suffix of the parts.
    """
    path = folder / part_name(number, RECORD)
    try:
        record = PartRecord.from_json(read_object(path, "record of a part", _CURE))
        size = (folder / part_name(number, suffix)).stat().st_size
    except (FolderError, TypeError, OSError):
        return None  # the part is made anew
    return record if size == record.bytes else None


def finish_file(folder: Path, parts: int, suffix: str) -> list[PartRecord]:
    """Join what the parts of a file say, once all of them are there.

    Raises:
        FolderError: a part is missing.
    """
    records = []
    for number in range(parts):
        record = read_record(folder, number, suffix)
        if record is None:
            missing = folder / part_name(number, suffix)
            raise FolderError(f"{missing}: this part was deleted meanwhile; resume to write it")
        records.append(record)
    _join_bad_rows(folder, parts)
    values = {"parts": [asdict(record) for record in records]}
    write_atomically(folder / DONE, json.dumps(values, ensure_ascii=False, indent=1) + "\n")
    delete_records(folder)
    return records


def _join_bad_rows(folder: Path, parts: int) -> None:
    paths = [folder / part_name(number, BAD_PART) for number in range(parts)]
    if not any(path.exists() for path in paths):
        (folder / BAD_ROWS).unlink(missing_ok=True)
        return
    with write_whole(folder / BAD_ROWS) as partial, partial.open("wb") as joined:
        for path in paths:
            if path.exists():
                with path.open("rb") as file:
                    while chunk := file.read(1 << 20):
                        joined.write(chunk)


def delete_records(folder: Path) -> None:
    """Delete the files of parts that the records of a file that is done have taken the place of."""
    for suffix in (RECORD, BAD_PART):
        for path in folder.glob(f"part-*{suffix}"):
            path.unlink(missing_ok=True)


def read_done(folder: Path) -> Sequence[PartRecord] | None:
    """Return the records of a file that is done, else None.

    Raises:
        FolderError: the file of the records is damaged.
    """
    path = folder / DONE
    if not path.exists():
        return None
    values = read_object(path, "records of a file", _CURE)
    try:
        return [PartRecord.from_json(part) for part in values["parts"]]
    except (KeyError, TypeError) as error:
        raise FolderError(f"{path}: the records of a file are damaged ({error}); {_CURE}") from None
