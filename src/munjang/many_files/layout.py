"""The folder of answers.

munjang-answers.json        what was asked, and, once everything is done, a summary
reviews/may.csv.gz/         the answers of one file, by its path below the folder of all files
    part-00000.jsonl        answers to rows 1 to `rows_per_part`
    part-00001.jsonl        the next rows
    bad-rows.jsonl          rows that were skipped, if there are any
    done.json               what its parts hold; written when all of them are there

While a file is not done, each part has two files more: part-00000.json, which is written after the
part and says that it is whole, and part-00000.bad.jsonl with the rows that were skipped.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from munjang.errors import ConfigError, FolderError
from munjang.folder.lock import FILE as LOCK
from munjang.folder.lock import refuse_locked
from munjang.folder.manifest import PARTIAL

MANIFEST, DONE, BAD_ROWS = "munjang-answers.json", "done.json", "bad-rows.jsonl"
RECORD, BAD_PART = ".json", ".bad.jsonl"

_PART = re.compile(r"part-([0-9]{5,})\.\S+")


def part_name(number: int, suffix: str) -> str:
    """Return the name of a file of a part."""
    return f"part-{number:05d}{suffix}"


def part_number(path: Path) -> int | None:
    """Return the number of a part of which a path is a file; None for another file."""
    match = _PART.fullmatch(path.name)
    return None if match is None else int(match[1])


def file_folder(out: Path, name: str) -> Path:
    """Return the folder of the answers of a file.

    Args:
        out: folder of all answers.
        name: name of the file in the plan.

    Raises:
        FolderError: the name leads out of the folder, by itself or by a link.
    """
    path = PurePosixPath(name)
    folder = out / path
    is_inside = bool(path.parts) and not path.is_absolute() and ".." not in path.parts
    if not is_inside or not folder.resolve().is_relative_to(out.resolve()):
        raise FolderError(f"{out}: {name!r} leads out of this folder; choose another folder")
    return folder


def check_names(names: Iterable[str]) -> None:
    """Refuse files whose folders would take the places of this program's own files.

    Raises:
        ConfigError: there is such a file.
    """
    for name in names:
        first = PurePosixPath(name).parts[0]
        if first.removesuffix(PARTIAL) in (MANIFEST, LOCK):
            raise ConfigError(f"{name}: a file of this name has its place in the output; rename it")


def refuse_occupied(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse a folder in which something would be destroyed; change nothing.

    Raises:
        FolderError: it holds answers, or other files, or another process writes to it.
    """
    if out.exists() and not out.is_dir():
        raise FolderError(f"{out}: expected a folder to write answers to, this is a file")
    if not out.exists():
        return
    refuse_locked(out)
    if (out / MANIFEST).exists():
        if not (resume or overwrite):
            raise FolderError(
                f"{out}: holds answers already; --resume continues them, --overwrite replaces them"
            )
        return
    foreign = sorted(path.name for path in out.iterdir() if path.name not in _OURS)
    if foreign:
        raise FolderError(
            f"{out}: this folder holds other files ({foreign[0]}); choose an empty one"
        )


_OURS = (LOCK, MANIFEST + PARTIAL)


def delete_answers(out: Path, names: Iterable[str]) -> None:
    """Delete the answers of files, the manifest last; other files stay."""
    for name in names:
        folder = file_folder(out, name)
        for path in list_own_files(folder):
            path.unlink(missing_ok=True)
        _remove_empty(folder, out)
    (out / MANIFEST).unlink(missing_ok=True)


def list_own_files(folder: Path) -> Iterator[Path]:
    """Yield the files of this program in the folder of a file."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        name = path.name.removesuffix(PARTIAL)
        if name in (DONE, BAD_ROWS) or _PART.fullmatch(name):
            yield path


def delete_partial_files(folder: Path) -> None:
    """Delete what killed processes left half written."""
    for path in list_own_files(folder):
        if path.name.endswith(PARTIAL):
            path.unlink(missing_ok=True)


def _remove_empty(folder: Path, out: Path) -> None:
    """Remove a folder, and those around it within `out`, as far as they are empty."""
    while folder != out:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
