"""Reader of a folder of answers: all rows, in the order of the files and rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from munjang.errors import FolderError
from munjang.many_files.layout import file_folder, part_name
from munjang.many_files.plan import read_plan
from munjang.many_files.records import PartRecord, read_done
from munjang.parsing import UnreadableError, parse_json

# Most bytes of the answer to one row, and vectors that are in memory at once.
_MOST_BYTES = 64_000_000
_BLOCK_ROWS = 8192


@dataclass(frozen=True)
class AnsweredRow:
    """The answer to one row of a file.

    Attributes:
        file: path of the file that was answered.
        row: number of the row; None where the parts do not say it (tsv and npy).
        answer: of jsonl the object without the number of the row, of tsv the columns of a line; of
            parquet a dictionary of `vector` and, unless left out, `text`; of npy the vector.
    """

    file: str
    row: int | None
    answer: Any


def read_answers(folder: str | Path) -> Iterator[AnsweredRow]:
    """Iterate over all answers, in the order of the files and rows, in bounded memory.

    Args:
        folder: folder that `munjang predict` or `munjang embed` wrote with `--out`.

    Raises:
        FolderError: the folder is unfinished, damaged, or holds something else.

    Example:
        >>> for answered in munjang.read_answers("answers"):
        ...     print(answered.file, answered.row, answered.answer["label"])
    """
    out = Path(folder)
    _, done = read_plan(out)
    if done is None:
        raise FolderError(f"{out}: these answers are not finished; --resume continues them")
    return _read_all(out)


def _read_all(out: Path) -> Iterator[AnsweredRow]:
    plan, _ = read_plan(out)
    for file in plan.inputs:
        parts = file_folder(out, file.name)
        records = read_done(parts)
        if records is None:
            raise FolderError(f"{parts}: answers are missing; --resume writes them")
        for number, record in enumerate(records):
            path = parts / part_name(number, plan.suffix)
            _check(path, record)
            for row, answer in _READERS[plan.suffix](path):
                yield AnsweredRow(file.path, row, answer)


def _check(path: Path, record: PartRecord) -> None:
    """Refuse a part that is not as it was written."""
    try:
        size = path.stat().st_size
    except OSError:
        raise FolderError(f"{path}: this part is missing; --resume writes it") from None
    if size != record.bytes:
        raise FolderError(
            f"{path}: expected {record.bytes:,} bytes, found {size:,}; it was altered"
        )


def _read_jsonl(path: Path) -> Iterator[tuple[int | None, Any]]:
    with path.open("rb") as lines:
        for line in lines:
            try:
                values = parse_json(line, most_bytes=_MOST_BYTES)
                yield values.pop("row"), values
            except (UnreadableError, AttributeError, KeyError) as error:
                raise FolderError(f"{path}: this part is damaged ({error})") from None


def _read_tsv(path: Path) -> Iterator[tuple[int | None, Any]]:
    with path.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            yield None, line.removesuffix("\n").split("\t")


def _read_parquet(path: Path) -> Iterator[tuple[int | None, Any]]:
    for batch in pq.ParquetFile(path).iter_batches(batch_size=_BLOCK_ROWS):
        vectors = batch["vector"].flatten().to_numpy().reshape(len(batch), -1)
        texts = batch["text"].to_pylist() if "text" in batch.schema.names else None
        for place, row in enumerate(batch["row"].to_pylist()):
            answer = {} if texts is None else {"text": texts[place]}
            yield row, {**answer, "vector": vectors[place]}


def _read_npy(path: Path) -> Iterator[tuple[int | None, Any]]:
    for vector in np.load(path, mmap_mode="r", allow_pickle=False):
        yield None, np.asarray(vector)


_READERS = {
    ".jsonl": _read_jsonl,
    ".tsv": _read_tsv,
    ".parquet": _read_parquet,
    ".npy": _read_npy,
}
