"""The manifest of a model folder: which files it holds, and their checksums.

It is written last: a folder without one is unfinished, and a file that differs from it is altered.
"""

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from munjang.folder.seal import MANIFEST

FILE = MANIFEST
FORMAT = 3

PARTIAL = ".partial"
_OS_ERROR = re.compile(r"\(os error (\d+)\)")


def require_writable(path: Path) -> None:
    """Raise the error of writing a file there, as far as it is known before.

    Raises:
        OSError: its folder is missing or read-only, or the path is a folder.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


@contextmanager
def write_whole(path: Path, *, writer: str = "") -> Iterator[Path]:
    """Yield a temporary path to write to, which replaces `path` at the end of the block.

    If writing fails or is interrupted, `path` is unchanged and the temporary file is removed, which
    would take space on a full disk.

    Args:
        path: file to write.
        writer: name of the writer, in the temporary path, if several may write the same file.

    Raises:
        OSError: the file cannot be written; the error names `path`.
    """
    partial = path.with_name(".".join(filter(None, (path.name, writer))) + PARTIAL)
    try:
        with name_in_errors(path):
            # safetensors moves a file of its own here, readable by the user only
            partial.touch()
            mode = partial.stat().st_mode
            yield partial
            partial.chmod(mode)
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def name_in_errors(path: Path) -> Iterator[None]:
    """Add `path` to an `OSError` of the block: that of a failed write names no file.

    Errors of safetensors on a full disk become an `OSError`, too.
    """
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise
    except Exception as error:
        # known by its text, since readers of folders need no safetensors
        match = _OS_ERROR.search(str(error))
        if match is None:
            raise
        number = int(match[1])
        raise OSError(number, os.strerror(number), str(path)) from None


def write_atomically(path: Path, text: str, *, writer: str = "") -> None:
    """Write `text` so that the file is either complete or unchanged; `writer` as `write_whole`.

    Raises:
        OSError: as `write_whole`.
    """
    with write_whole(path, writer=writer) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def list_manifest_files(folder: Path) -> tuple[str, ...]:
    """Return the names that the manifest of a folder lists; none where there is no manifest."""
    try:
        files = json.loads((folder / FILE).read_text(encoding="utf-8"))["files"]
        return tuple(name for name in files if Path(name).name == name)
    except (OSError, ValueError, LookupError, TypeError):
        return ()


def write_manifest(folder: Path, names: Iterable[str], version: str) -> None:
    """Seal `folder`: record size and SHA-256 of every named file."""
    files = {name: _digest(folder / name) for name in names}
    manifest = {"format": FORMAT, "munjang": version, "files": files}
    write_atomically(folder / FILE, json.dumps(manifest, indent=2) + "\n")


def _digest(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}
