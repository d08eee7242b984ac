"""The files that are asked for: names, patterns and folders become a list of files."""

import glob
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from munjang.data.readers.source import STDIN
from munjang.errors import ConfigError, DataError
from munjang.names import find_existing_path


@dataclass(frozen=True)
class InputFile:
    """A file to answer, as it was when the answers were begun.

    Attributes:
        path: absolute path.
        name: path below the folder that all files have in common, with "/": the name of the folder
            of its answers.
        bytes: size.
        modified: time of the last change in nanoseconds.
    """

    path: str
    name: str
    bytes: int
    modified: int

    @property
    def shown(self) -> str:
        """Path for messages: relative, if it is below the working directory."""
        path = Path(self.path)
        here = Path.cwd()
        return str(path.relative_to(here)) if path.is_relative_to(here) else self.path

    def require_unchanged(self) -> None:
        """Check that the file is as it was.

        Raises:
            DataError: it is gone, or was changed.
        """
        try:
            now = Path(self.path).stat()
        except OSError as error:
            raise DataError(f"is gone: {error.strerror}", file=self.shown) from None
        if (now.st_size, now.st_mtime_ns) != (self.bytes, self.modified):
            raise DataError(
                "was changed since its answers were begun; --overwrite begins anew",
                file=self.shown,
            )


def find_inputs(sources: Iterable[str | Path], out: Path) -> tuple[InputFile, ...]:
    """Return the files of paths, patterns such as `data/*.csv.gz` and folders, each file once.

    Files of a pattern or a folder are in the order of their names. Of a folder those in its
    subfolders are taken too, and hidden ones are not.

    Args:
        sources: paths, patterns and folders, in the order wanted.
        out: folder of the answers, whose files are left out.

    Raises:
        ConfigError: there is no source, or standard input is among them.
        DataError: a pattern or a folder has no file, or a file does not exist.
    """
    own = _absolute(out)
    paths: dict[str, None] = {}
    for source in sources:
        found = [_absolute(path) for path in _expand(str(source))]
        others = [path for path in found if not _is_below(path, own)]
        if not others:
            raise DataError(f"there are only answers of {out} there", file=str(source))
        paths.update(dict.fromkeys(others))
    if not paths:
        raise ConfigError("expected files to answer, got none; name them with --input")
    return tuple(_describe(list(paths)))


def _expand(source: str) -> list[str]:
    """Return the files of one source."""
    if source == STDIN:
        raise ConfigError(
            "standard input cannot be read again when answers are resumed; name a file, or leave "
            "out the folder of the answers"
        )
    if "\0" in source:
        raise ConfigError(f"expected the path of a file, got {source[:80]!r}")
    path = find_existing_path(source)
    if path.is_dir():
        files = [str(file) for file in sorted(path.rglob("*")) if _is_data(file, path)]
        if not files:
            raise DataError("this folder has no files", file=source)
        return files
    if not path.exists() and glob.has_magic(source):
        files = _match(source)
        if not files:
            raise DataError("no file matches this pattern", file=source)
        return files
    return [str(path)]


def _is_data(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return not hidden and file.is_file()


def _match(pattern: str) -> list[str]:
    """Return the files that match, in whatever normal form their names are written."""
    forms = {pattern, *(unicodedata.normalize(form, pattern) for form in ("NFC", "NFD"))}
    found = {path for form in forms for path in _glob(form)}
    return sorted(path for path in found if Path(path).is_file())


def _glob(pattern: str) -> list[str]:
    return glob.glob(pattern, recursive=True)  # noqa: PTH207 (of relative and absolute patterns)


def _absolute(path: str | Path) -> str:
    return os.path.normpath(Path(path).absolute())


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


def _describe(paths: list[str]) -> Iterator[InputFile]:
    common = str(Path(paths[0]).parent) if len(paths) == 1 else os.path.commonpath(paths)
    for path in paths:
        name = Path(os.path.relpath(path, common)).as_posix()
        if not _is_unicode(path):
            raise ConfigError(f"{path}: the name of this file is not valid Unicode; rename it")
        try:
            state = Path(path).stat()
        except FileNotFoundError:
            raise DataError("there is no such file", file=path) from None
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror}", file=path) from None
        if not stat.S_ISREG(state.st_mode):
            raise DataError("expected a file that can be read again, such as no pipe", file=path)
        yield InputFile(path, name, state.st_size, state.st_mtime_ns)


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
