"""The file of soft targets: the teachers answer each row once, also in a run that was stopped.

`soft_targets.safetensors` in the folder of the run holds one matrix [rows, soft + hard columns],
see `munjang.tasks.distilled`, and the fingerprint of teachers and rows. It is written whole, with
NaN for every answer, then the answers are filled in from the first row on. So a killed run goes on
after the last answered row. The training maps the file into memory and holds none of it.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from munjang import __version__
from munjang.data.table import Table
from munjang.distillation.teachers import Teacher, average
from munjang.folder.manifest import name_in_errors, write_whole
from munjang.reporting import Report
from munjang.units import format_duration

Targets = npt.NDArray[Any]

# Rows that the teachers answer at a time, and rows that are written at a time.
_ROWS = 4096
# Seconds between two notes on the progress.
_NOTE_SECONDS = 10.0
_MOST_HEADER = 1 << 20
_DTYPES = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}


def fingerprint_answers(
    teachers: Sequence[Teacher], rows: Table, labels: Sequence[str], targets: Targets
) -> str:
    """Return a fingerprint of the files of the teachers, and of the rows and their labels."""
    digest = hashlib.sha256(f"munjang {__version__}".encode())
    for teacher in teachers:
        digest.update(json.dumps(teacher.checksums).encode())
    digest.update(json.dumps(list(labels)).encode())
    keys = rows.keys
    for start in range(0, len(keys), _ROWS):
        part = keys[start : start + _ROWS].to_list()
        digest.update(json.dumps(part).encode())
        digest.update(targets[start : start + _ROWS].tobytes())
    return digest.hexdigest()


def answer_rows(
    teachers: Sequence[Teacher],
    rows: Table,
    labels: Sequence[str],
    begin: int,
    report: Report,
) -> Iterator[tuple[int, Targets]]:
    """Yield the index of a first row and the mean answers [some rows, columns] from there on.

    Args:
        teachers: their answers are averaged.
        rows: all rows.
        labels: order of the columns.
        begin: first row to answer.
        report: called with the progress about every ten seconds.
    """
    started = noted = time.perf_counter()
    for start in range(begin, len(rows), _ROWS):
        some = rows.take(np.arange(start, min(start + _ROWS, len(rows))))
        yield start, average(teachers, some, labels)
        now, done = time.perf_counter(), start + len(some)
        if now - noted >= _NOTE_SECONDS and done < len(rows):
            noted, rate = now, (done - begin) / (now - started)
            left = format_duration((len(rows) - done) / rate)
            report(
                f"teachers: answered {done:,} of {len(rows):,} rows, {rate:,.0f} rows/s, "
                f"{left} left"
            )


def fill_in_memory(
    targets: Targets, columns: int, answers: Callable[[int], Iterator[tuple[int, Targets]]]
) -> Targets:
    """Fill the first `columns` of targets [rows, ...] with the answers."""
    for start, soft in answers(0):
        targets[start : start + len(soft), :columns] = soft
    return targets


def fill_file(
    path: Path,
    targets: Targets,
    columns: int,
    fingerprint: str,
    answers: Callable[[int], Iterator[tuple[int, Targets]]],
) -> Targets:
    """Fill the file of soft targets, and return it mapped into memory, read-only.

    Args:
        path: the file; one with the same fingerprint is continued.
        targets: targets [rows, soft + hard columns] without answers.
        columns: number of soft columns.
        fingerprint: from `fingerprint_answers`.
        answers: yields a first row and the answers from there on, begun at a row.

    Raises:
        OSError: the file cannot be written; it is named.
    """
    begin = count_answered(path, targets, columns, fingerprint)
    if begin is None:
        begin = 0
        _write_unanswered(path, targets, fingerprint)
    data = _data_offset(path)
    with name_in_errors(path), path.open("r+b") as file:
        for start, soft in answers(begin):
            block = targets[start : start + len(soft)].astype(_little(targets.dtype))
            block[:, :columns] = soft
            file.seek(data + start * block.itemsize * block.shape[1])
            file.write(block.tobytes())
            file.flush()
    return _map(path, targets)


def count_answered(path: Path, targets: Targets, columns: int, fingerprint: str) -> int | None:
    """Return how many rows of a file have their answer; None unless it is the file of this run."""
    header = _header(targets, fingerprint)
    try:
        with path.open("rb") as file:
            if file.read(len(header)) != header:
                return None
        if path.stat().st_size != len(header) + targets.nbytes:
            return None
    except OSError:
        return None
    stored = _map(path, targets)
    for start in range(0, len(stored), _ROWS):
        unanswered = np.isnan(stored[start : start + _ROWS, :columns]).any(1)
        if unanswered.any():
            return start + int(unanswered.argmax())
    return len(stored)


def _little(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype.newbyteorder("<")


def _header(targets: Targets, fingerprint: str) -> bytes:
    """Return the first bytes of a safetensors file with one matrix."""
    name = next(name for name, dtype in _DTYPES.items() if dtype == _little(targets.dtype))
    values = {
        "__metadata__": {"fingerprint": fingerprint},
        "targets": {
            "dtype": name,
            "shape": list(targets.shape),
            "data_offsets": [0, targets.nbytes],
        },
    }
    text = json.dumps(values).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _write_unanswered(path: Path, targets: Targets, fingerprint: str) -> None:
    """Write the whole file, so that a full disk is noticed before the teachers answer."""
    with write_whole(path) as partial, partial.open("wb") as file:
        file.write(_header(targets, fingerprint))
        for start in range(0, len(targets), _ROWS):
            file.write(targets[start : start + _ROWS].astype(_little(targets.dtype)).tobytes())


def _data_offset(path: Path) -> int:
    with path.open("rb") as file:
        return 8 + min(int.from_bytes(file.read(8), "little"), _MOST_HEADER)


def _map(path: Path, targets: Targets) -> Targets:
    return np.memmap(
        path, _little(targets.dtype), "r", offset=_data_offset(path), shape=targets.shape
    )
