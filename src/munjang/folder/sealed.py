"""Reader of a finished model folder, whose files are checked against the manifest.

The manifest is read first. Each file is read once, and the same bytes are checked and used: if the
folder is replaced meanwhile, an error is raised and models are never mixed. Only regular files are
opened, and no more bytes are read than the manifest lists.
"""

import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from munjang.config import parse_mapping
from munjang.errors import FolderError, MunjangError
from munjang.folder.checked_file import CheckedFile, altered_error, open_regular, regular_size
from munjang.folder.manifest import FILE, FORMAT
from munjang.parsing import JSON_BYTES, JSON_VALUES, UnreadableError, parse_json
from munjang.reporting import escape_line

_MOST_BYTES = 64_000  # of the manifest
_MOST_FILES = 64
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Files up to this size are checked even if their content is wrong, to tell altered files.
_QUICK_BYTES = 256_000_000
_LONGEST_LINE = 500
# Baselines have many terms: 150,000 reviews have 700,000 character n-grams.
_MOST_STRINGS, _MOST_STRING_BYTES = 4_000_000, 64_000_000


@dataclass(frozen=True)
class Seal:
    """Size and checksum of a file, as listed in the manifest."""

    size: int
    sha256: str


@dataclass(frozen=True)
class SealedFolder:
    """A model folder with its manifest.

    Attributes:
        path: path of the folder.
        seals: size and checksum of each file by name.
    """

    path: Path
    seals: dict[str, Seal]
    _kept: dict[str, Any] = field(default_factory=dict)

    def expect(self, names: Collection[str], *, or_also: Collection[str] = ()) -> None:
        """Check that the manifest lists exactly the files of one kind of model.

        Args:
            names: files of every such folder.
            or_also: files of which all or none are listed.

        Raises:
            FolderError: a file is not listed or missing, or another one is listed.
        """
        optional = or_also if any(name in self.seals for name in or_also) else ()
        for name in (*names, *optional):
            if name not in self.seals:
                raise FolderError(
                    f"{self.path / FILE}: {name} is not listed; copy the folder again"
                )
        for name, seal in self.seals.items():
            if name not in names and name not in optional:
                raise FolderError(
                    f"{self.path / FILE}: {name} is listed, which such a model does not have; "
                    "copy the folder again"
                )
            if regular_size(self.path / name) != seal.size:
                raise altered_error(self.path / name)

    @contextmanager
    def open(self, name: str, *, in_part: bool = False) -> Iterator[CheckedFile]:
        """Open a file for reading; it is checked at the end, unless read only in part.

        Raises:
            FolderError: the file was altered, or cannot be read.
        """
        path, seal = self.path / name, self.seals[name]
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size != seal.size:
                raise altered_error(path)
            checked = CheckedFile(path, seal.size, file)
            try:
                yield checked
            except FolderError:
                # an altered file is reported as such, whatever its content
                if seal.size > _QUICK_BYTES:
                    raise
                self._check(checked, seal)
                raise
            if not in_part:
                self._check(checked, seal)

    def _check(self, checked: CheckedFile, seal: Seal) -> None:
        checked.skip_rest()
        if checked.digest.hexdigest() != seal.sha256:
            raise altered_error(checked.path)

    def read_data(self, name: str, most: int = JSON_BYTES) -> bytes:
        """Return a whole file of up to `most` bytes; raises as `open`."""
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
            FolderError: as `open`, or the file is no such JSON.
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
            FolderError: as `open`, or the file is no valid YAML.
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

    def read_strings(self, name: str, most: int, *, unique: bool = False) -> tuple[str, ...]:
        """Return the list of about `most` strings in a JSON file, such as terms of a baseline.

        Raises:
            FolderError: as `read_json`, or, with `unique`, a string occurs twice.
        """
        values = self.read_json(
            name,
            most_bytes=_MOST_STRING_BYTES,
            most_values=_MOST_STRINGS,
            most_strings=min(most, _MOST_STRINGS),
        )
        if not are_strings(values):
            raise FolderError(f"{self.path / name}: expected a list of strings")
        if unique and len(set(values)) < len(values):
            raise FolderError(f"{self.path / name}: a term occurs twice")
        return tuple(values)

    def check(self, *names: str) -> None:
        """Check files that are not used, such as the model card; raises as `read_data`."""
        for name in names:
            self.read_data(name)


def are_strings(values: Any) -> bool:
    """Return whether a value is a list of strings only."""
    return isinstance(values, list) and not set(map(type, values)) - {str}


def open_sealed(folder: "str | Path | SealedFolder") -> SealedFolder:
    """Open a folder with its manifest; return a `SealedFolder` as it is.

    Raises:
        FolderError: there is no such folder, or it is unfinished or of another format.
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
        message = str(error)
        message = message if str(path) in message else f"{path}: {message}"
        if len(message) > _LONGEST_LINE:
            message = f"{message[:_LONGEST_LINE]} ..."
        raise FolderError(escape_line(message)) from None
    except OSError as error:
        file = error.filename or path
        raise FolderError(f"{file}: cannot be read: {error.strerror or error}") from None
    except MemoryError:
        raise FolderError(f"{path}: there is not enough memory for this model") from None


def _seals(folder: Path) -> dict[str, Seal]:
    path = folder / FILE
    damaged = FolderError(f"{path}: this file is damaged; copy the folder again")
    try:
        with open_regular(path) as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise FolderError(
            f"{folder}: not a finished model folder ({FILE} is missing); if a training was "
            "stopped here, continue with the same command and --resume"
        ) from None
    try:
        manifest = parse_json(data, most_bytes=_MOST_BYTES)
        version, files = manifest["format"], manifest["files"]
    except (UnreadableError, KeyError, TypeError, IndexError):
        raise damaged from None
    if type(version) is not int:
        raise damaged
    if version != FORMAT:
        advice = "train it again" if version < FORMAT else "upgrade munjang"
        raise FolderError(
            f"{path}: the folder has format {version}, this version of munjang reads "
            f"{FORMAT}; {advice}"
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
