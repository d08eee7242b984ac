"""Files of running text: named, found in folders, or values from Python."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from munjang.data.collection import is_table
from munjang.data.readers import read_table
from munjang.data.readers.source import STDIN, STDIN_NAME, open_source
from munjang.errors import DataError
from munjang.folder.manifest import write_whole
from munjang.names import find_existing_path

# Bytes at the start, in the middle and at the end of a file by which its content is recognized.
_PROBE = 1 << 16


@dataclass(frozen=True)
class TextFile:
    """One file of text, or texts in memory.

    Attributes:
        name: name for messages.
        path: path of the file; None for texts in memory.
        texts: the texts in memory; None for a file.
    """

    name: str
    path: Path | None = None
    texts: pl.Series | None = None

    def fingerprint(self) -> str:
        """Return a text that changes with the content, without reading all of a large file."""
        digest = hashlib.sha256()
        if self.path is None:
            assert self.texts is not None
            for text in self.texts.to_list():
                digest.update(str(len(text)).encode() + b":" + text.encode())
            return digest.hexdigest()
        status = self.path.stat()
        with self.path.open("rb") as file:
            for start in (0, status.st_size // 2, max(0, status.st_size - _PROBE)):
                file.seek(start)
                digest.update(file.read(_PROBE))
        # a copy of standard input is as old as its process
        age = 0 if self.name == STDIN_NAME else status.st_mtime_ns
        return f"{status.st_size} {age} {digest.hexdigest()}"


def find_files(data: Any, text_column: str | None, spool: Callable[[], Path]) -> list[TextFile]:
    """Return the files that `data` names, those of folders in order of their paths.

    Args:
        data: a path or several, of files and folders; "-" for standard input; a data frame, or a
            pair (texts, labels) whose labels are ignored.
        text_column: column of a data frame.
        spool: makes the folder for copies of standard input and pipes, which cannot be read twice.

    Raises:
        DataError: there is no such file, or a folder holds none.
    """
    if isinstance(data, str | Path):
        data = [data]
    if is_table(data) or not _are_paths(data):
        table = read_table(data, text_column=text_column, need_labels=False)
        return [TextFile(table.files[0], texts=table["text"])]
    return [file for number, source in enumerate(data) for file in _find(source, number, spool)]


def _are_paths(data: Any) -> bool:
    return (
        isinstance(data, Sequence)
        and len(data) > 0
        and all(isinstance(source, str | Path) for source in data)
    )


def _find(source: str | Path, number: int, spool: Callable[[], Path]) -> Iterator[TextFile]:
    if str(source) == STDIN:
        yield TextFile(STDIN_NAME, _copy(source, spool() / f"copy-{number:05}"))
        return
    path = find_existing_path(source)
    if path.is_dir():
        yield from _find_in_folder(path)
    elif path.exists() and not path.is_file():
        yield TextFile(str(source), _copy(source, spool() / f"copy-{number:05}"))
    else:
        with open_source(path):  # names what is wrong with it
            yield TextFile(str(source), path)


def _find_in_folder(folder: Path) -> Iterator[TextFile]:
    """Yield the files below a folder, without hidden ones and links to folders."""
    paths = [
        Path(place) / name
        for place, _, names in os.walk(folder)
        for name in names
        if not any(part.startswith(".") for part in (Path(place) / name).relative_to(folder).parts)
    ]
    paths = sorted(path for path in paths if path.is_file() and path.stat().st_size)
    if not paths:
        raise DataError("expected files of text in this folder, found none", file=str(folder))
    for path in paths:
        yield TextFile(str(path), path)


def _copy(source: str | Path, path: Path) -> Path:
    """Copy what can be read only once, unpacked."""
    with open_source(source) as stream, write_whole(path) as partial, partial.open("wb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)
    return path
