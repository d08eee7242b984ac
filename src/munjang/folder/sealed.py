"""A finished folder, read file by file against its manifest.

The manifest comes first and is small. A file is read once, and what was read is what is checked and
used: whoever replaces the folder meanwhile brings an error about, never half of each model. Nothing
but regular files is opened, and no more of one is read than the manifest says it has.
"""

import hashlib
import os
import re
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from munjang.config import parse_mapping
from munjang.errors import FolderError, MunjangError
from munjang.folder.manifest import FILE, FORMAT
from munjang.parsing import JSON_BYTES, JSON_VALUES, UnreadableError, parse_json
from munjang.reporting import escape_line

_MOST_BYTES = 64_000  # of a manifest
_MOST_FILES = 64
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)  # nothing to wait for in a regular file; Windows has none
_AT_ONCE = 4_000_000
# Up to this size it is looked up whether a file that cannot be used is the one that was saved.
_SOON_READ = 256_000_000
_LONGEST_LINE = 500
# Terms of a baseline are many: 150,000 reviews have 700,000 n-grams of characters.
_MOST_STRINGS, _MOST_STRING_BYTES = 4_000_000, 64_000_000


@dataclass(frozen=True)
class Seal:
    """What the manifest says of a file."""

    size: int
    sha256: str


@dataclass
class CheckedFile:
    """A file that is read from its beginning to its end, and checked on the way."""

    path: Path
    size: int
    file: BinaryIO
    digest: Any = field(default_factory=hashlib.sha256)

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes.

        Raises:
            FolderError: the file ends before.
        """
        data = bytearray(count)
        self.read_into(memoryview(data))
        return bytes(data)

    def read_into(self, memory: memoryview) -> None:
        """Fill `memory`, which is flat bytes, with what comes next; raises as `read`."""
        for start in range(0, len(memory), _AT_ONCE):
            part = memory[start : start + _AT_ONCE]
            if self.file.readinto(part) != len(part):  # type: ignore[attr-defined]
                raise _altered(self.path)
            self.digest.update(part)

    def skip_rest(self) -> None:
        """Go to the end."""
        while part := self.file.read(_AT_ONCE):
            self.digest.update(part)


@dataclass(frozen=True)
class SealedFolder:
    """A folder whose manifest was read.

    Attributes:
        path: of the folder.
        seals: what the manifest says of each file.
    """

    path: Path
    seals: dict[str, Seal]
    _kept: dict[str, Any] = field(default_factory=dict)

    def expect(self, names: Collection[str], *, or_also: Collection[str] = ()) -> None:
        """Check that it holds the files of one kind of model, no more and no less.

        Args:
            names: that every such folder has.
            or_also: that it has all of or none of.

        Raises:
            FolderError: one is not listed or missing, or another one is.
        """
        also = or_also if any(name in self.seals for name in or_also) else ()
        for name in (*names, *also):
            if name not in self.seals:
                raise FolderError(
                    f"{self.path / FILE}: {name} is not listed; copy the folder again"
                )
        for name, seal in self.seals.items():
            if name not in names and name not in also:
                raise FolderError(
                    f"{self.path / FILE}: {name} is listed, which such a model does not have; "
                    "copy the folder again"
                )
            if _regular_size(self.path / name) != seal.size:
                raise _altered(self.path / name)

    @contextmanager
    def open(self, name: str, *, in_part: bool = False) -> Iterator[CheckedFile]:
        """Open a file for reading; it is checked at the end, unless read only in part.

        Raises:
            FolderError: it is not the one that was saved, or no file that can be read.
        """
        path, seal = self.path / name, self.seals[name]
        with _open_regular(path) as file:
            if os.fstat(file.fileno()).st_size != seal.size:
                raise _altered(path)
            checked = CheckedFile(path, seal.size, file)
            try:
                yield checked
            except FolderError:
                # a file that was altered on the way is told as that, whatever is wrong in it
                if seal.size > _SOON_READ:
                    raise
                self._check(checked, seal)
                raise
            if not in_part:
                self._check(checked, seal)

    def _check(self, checked: CheckedFile, seal: Seal) -> None:
        checked.skip_rest()
        if checked.digest.hexdigest() != seal.sha256:
            raise _altered(checked.path)

    def read_data(self, name: str, most: int = JSON_BYTES) -> bytes:
        """Return a whole file of up to `most` bytes; raises as `opened`."""
        size = self.seals[name].size
        if size > most:
            raise FolderError(f"{self.path / name}: {size:,} bytes, where up to {most:,} are read")
        with self.open(name) as file:
            return file.read(file.size)

    def read_json(
        self,
        name: str,
        *,
        most_bytes: int = JSON_BYTES,
        most_values: int = JSON_VALUES,
        most_strings: int = JSON_VALUES,
        nan_is_null: bool = False,
    ) -> Any:
        """Return the values of a JSON file, within the bounds of `munjang.parsing.parse_json`.

        Raises:
            FolderError: as `opened`, or it is not such JSON.
        """
        data = self.read_data(name, most_bytes)
        try:
            return parse_json(
                data,
                most_bytes=most_bytes,
                most_values=most_values,
                most_strings=most_strings,
                nan_is_null=nan_is_null,
            )
        except UnreadableError as error:
            raise FolderError(f"{self.path / name}: {error}") from None

    def read_yaml(self, name: str) -> dict[str, Any]:
        """Return the mapping of a YAML file, which is read once.

        Raises:
            FolderError: as `opened`, or it is no YAML that is read here.
        """
        if name not in self._kept:
            path = self.path / name
            try:
                self._kept[name] = parse_mapping(self.read_data(name).decode("utf-8"), path)
            except UnicodeDecodeError as error:
                raise FolderError(f"{path}: this is not valid YAML: {error}") from None
            except MunjangError as error:
                raise FolderError(str(error)) from None
        return dict(self._kept[name])

    def read_strings(self, name: str, most: int, *, once: bool = False) -> tuple[str, ...]:
        """Return the list of about `most` strings in a JSON file, such as terms of a baseline.

        Raises:
            FolderError: as `json`, or, with `once`, a string stands there twice.
        """
        found = self.read_json(
            name,
            most_bytes=_MOST_STRING_BYTES,
            most_values=_MOST_STRINGS,
            most_strings=min(most, _MOST_STRINGS),
        )
        if not are_strings(found):
            raise FolderError(f"{self.path / name}: expected a list of strings")
        if once and len(set(found)) < len(found):
            raise FolderError(f"{self.path / name}: a term stands there twice")
        return tuple(found)

    def check(self, *names: str) -> None:
        """Check files that nothing is read from, such as the model card; raises as `data`."""
        for name in names:
            self.read_data(name)


def are_strings(values: Any) -> bool:
    """Return whether a value is a list of strings only."""
    return isinstance(values, list) and not set(map(type, values)) - {str}


def open_sealed(folder: "str | Path | SealedFolder") -> SealedFolder:
    """Open a folder with its manifest; return a `SealedFolder` as it is.

    Raises:
        FolderError: there is none, it is not finished, or of another format.
    """
    if isinstance(folder, SealedFolder):
        return folder
    folder = Path(folder)
    if folder.is_file():
        raise FolderError(
            f"{folder}: expected a model folder, but this is a file; the folder comes first, then "
            "texts or data"
        )
    if not folder.is_dir():
        raise FolderError(f"{folder}: there is no such model folder; train one with munjang train")
    return SealedFolder(folder, _seals(folder))


@contextmanager
def as_folder_errors(folder: "str | Path | SealedFolder") -> Iterator[None]:
    """Turn any error about a folder into one `FolderError` of one line."""
    path = folder.path if isinstance(folder, SealedFolder) else folder
    try:
        yield
    except MunjangError as error:
        told = str(error)
        told = told if str(path) in told else f"{path}: {told}"
        if len(told) > _LONGEST_LINE:
            told = f"{told[:_LONGEST_LINE]} ..."
        raise FolderError(escape_line(told)) from None
    except OSError as error:
        named = error.filename or path
        raise FolderError(f"{named}: cannot be read: {error.strerror or error}") from None
    except MemoryError:
        raise FolderError(f"{path}: there is not enough memory for this model") from None


def _seals(folder: Path) -> dict[str, Seal]:
    path = folder / FILE
    damaged = FolderError(f"{path}: this file is damaged; copy the folder again")
    try:
        with _open_regular(path) as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise FolderError(
            f"{folder}: not a finished model folder ({FILE} is missing); if a training was "
            "stopped here, go on with the same command and --resume"
        ) from None
    try:
        manifest = parse_json(data, most_bytes=_MOST_BYTES)
        version, files = manifest["format"], manifest["files"]
    except (UnreadableError, KeyError, TypeError, IndexError):
        raise damaged from None
    if type(version) is not int:
        raise damaged
    if version != FORMAT:
        what_to_do = "train it again" if version < FORMAT else "upgrade munjang"
        raise FolderError(
            f"{path}: the folder has format {version}, this version of munjang reads "
            f"{FORMAT}; {what_to_do}"
        )
    if not isinstance(files, dict) or len(files) > _MOST_FILES:
        raise damaged
    seals = {name: _seal(seal) for name, seal in files.items() if _is_name(name)}
    if len(seals) < len(files) or None in seals.values():
        raise damaged
    return {name: seal for name, seal in seals.items() if seal is not None}


def _seal(values: Any) -> Seal | None:
    if not isinstance(values, dict) or values.keys() != {"bytes", "sha256"}:
        return None
    size, sha256 = values["bytes"], values["sha256"]
    if type(size) is not int or size < 0 or not isinstance(sha256, str):
        return None
    return Seal(size, sha256) if _SHA256.fullmatch(sha256) else None


def _is_name(name: str) -> bool:
    """Return whether a name is that of a file in the folder itself, on any system."""
    return re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", name) is not None


def _open_regular(path: Path) -> BinaryIO:
    """Open a file that is one: a pipe would be waited for, and a device never ends."""
    _regular_size(path)

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | _NONBLOCK)

    file = open(path, "rb", opener=opener)  # noqa: SIM115 (the caller closes it)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise _no_file(path)
    return file


def _regular_size(path: Path) -> int:
    """Return the size in bytes of a regular file, or of the target of a link.

    Raises:
        FileNotFoundError: of the manifest, without which the folder is not finished.
        FolderError: it is missing, or something else.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        if path.name == FILE:
            raise
        raise FolderError(
            f"{path}: this file of the model is missing; copy the whole folder"
        ) from None
    except OSError as error:  # such as links that lead to one another
        raise FolderError(f"{path}: cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(found.st_mode):
        raise _no_file(path)
    return found.st_size


def _no_file(path: Path) -> FolderError:
    return FolderError(f"{path}: expected a file, this is something else; copy the whole folder")


def _altered(path: Path) -> FolderError:
    return FolderError(
        f"{path}: this file is not the one that was saved (its checksum differs); "
        "copy the folder again or train anew"
    )
