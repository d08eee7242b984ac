"""A kind of work without a model: a row becomes its text in capitals."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from munjang.data.readers.stream import stream_rows
from munjang.data.readers.stream_records import WantedColumn
from munjang.many_files.inputs import find_inputs
from munjang.many_files.plan import Plan
from munjang.many_files.works import Write, Written

BLOCK_ROWS, ROWS_PER_PART = 4, 8
OPTIONS: Mapping[str, Any] = {"format": "jsonl", "skip_bad_rows": False}


class Capitals:
    """Blocks of four rows, so that small files have many."""

    @classmethod
    def load(cls, plan: Plan) -> Self:
        return cls()

    def read(self, file: str, **reading: Any) -> Iterator[tuple[Any, list[Any]]]:
        return stream_rows(file, WantedColumn(), batch_size=BLOCK_ROWS, **reading)

    @contextmanager
    def open(self, path: Path, file: str, on_bad_row: object, written: Written) -> Iterator[Write]:
        with path.open("w", encoding="utf-8", newline="") as part:

            def write(rows: Sequence[int], values: Sequence[Any]) -> None:
                # the number of rows of a batch shows which rows were together
                part.writelines(
                    f"{row} {len(rows)} {value.upper()!a}\n"
                    for row, value in zip(rows, values, strict=True)
                )
                written.rows += len(rows)

            yield write


def plan_of(sources: Sequence[str | Path], out: Path, **options: Any) -> Plan:
    """The plan of some files."""
    inputs = find_inputs(sources, out)
    return Plan("capitals", "model", "/model", {**OPTIONS, **options}, ROWS_PER_PART, inputs)
