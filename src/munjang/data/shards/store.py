"""Folder of encoded text: found, reused, encoded anew, removed."""

import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from munjang.data.shards import manifest as manifests
from munjang.data.shards.manifest import Manifest
from munjang.errors import ConfigError, FolderError
from munjang.folder.lock import FILE as LOCK
from munjang.folder.manifest import PARTIAL
from munjang.folder.workspace import ENCODED, Workspace

_ENCODED_FILE = re.compile(r"[a-z]{1,20}-\d{5,9}\.arrow")
_COPY = re.compile(r"copy-\d{5}")


@dataclass(frozen=True)
class Store:
    """A folder that holds the encoded text of a training.

    Attributes:
        folder: the folder, which may not exist yet.
        workspace: keeps a temporary folder as long as the store is used.
    """

    folder: Path
    workspace: Workspace

    @classmethod
    def open(cls, cache: str | None, workspace: Workspace, name: str = ENCODED) -> "Store":
        """Return the store of a training.

        Args:
            cache: folder that the user named; it is kept.
            workspace: where the store is otherwise, and removed from in the end.
            name: name of the folder there.

        Raises:
            FolderError: the folder holds other files.
        """
        workspace.wait()
        if cache is not None:
            store = cls(Path(cache) if name == ENCODED else Path(cache) / name, workspace)
        else:
            store = cls(workspace.subfolder(name), workspace)
            workspace.remove_later(store.remove)
        store._refuse_foreign()
        return store

    def _refuse_foreign(self) -> None:
        if self.folder.exists() and not self.folder.is_dir():
            raise FolderError(f"{self.folder}: expected a folder for encoded text, this is a file")
        foreign = sorted(path.name for path in self._entries() if not self._is_ours(path))
        if foreign:
            raise FolderError(
                f"{self.folder}: this folder holds other files ({foreign[0]}); name an empty one "
                "for encoded text"
            )

    def _entries(self) -> list[Path]:
        return list(self.folder.iterdir()) if self.folder.is_dir() else []

    @staticmethod
    def _is_ours(path: Path) -> bool:
        if path.is_dir():
            return path.name == f"{ENCODED}-validation"
        name = path.name.removesuffix(PARTIAL)
        patterns = (_ENCODED_FILE, _COPY)
        return name in (LOCK, manifests.FILE) or any(p.fullmatch(name) for p in patterns)

    def find(self, source: Mapping[str, Any]) -> Manifest | None:
        """Return the manifest if the text of this description is encoded here, else None.

        Raises:
            FolderError: the manifest is damaged.
        """
        found = manifests.read(self.folder)
        if found is None or found.source != source:
            return None
        return found

    def make(self) -> Path:
        """Make the folder.

        Raises:
            FolderError: it cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FolderError(f"{self.folder}: cannot make this folder: {error.strerror}") from None
        return self.folder

    def check_room(self, needed: int) -> str:
        """Return how much the encoded text will take, in words.

        Args:
            needed: bytes of the encoded text, about.

        Raises:
            ConfigError: the disk has less room.
        """
        free = shutil.disk_usage(self.folder).free
        size = f"about {_size(needed)}"
        if needed > free:
            raise ConfigError(
                f"data.cache: the encoded text takes {size}, and {self.folder} has {_size(free)} "
                "free; free some space, or name a folder on another disk with --cache"
            )
        return size

    def clear(self) -> None:
        """Remove what an interrupted or another encoding left; the manifest first."""
        (self.folder / manifests.FILE).unlink(missing_ok=True)
        self._unlink(_ENCODED_FILE)

    def remove_copies(self) -> None:
        """Remove the copies of what can be read only once."""
        self._unlink(_COPY)

    def _unlink(self, pattern: re.Pattern[str]) -> None:
        for path in self._entries():
            if pattern.fullmatch(path.name.removesuffix(PARTIAL)) and not path.is_dir():
                path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the files and, if nothing else is in it, the folder."""
        with suppress(OSError):
            self.clear()
            self.remove_copies()
            for name in (manifests.FILE + PARTIAL, LOCK):
                (self.folder / name).unlink(missing_ok=True)
            self.folder.rmdir()


def _size(count: int) -> str:
    """Return a number of bytes in words."""
    for unit, size in (("GB", 10**9), ("MB", 10**6)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{max(1, count // 1000):,} kB"
