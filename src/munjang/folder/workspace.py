"""Folders for files that a training needs only until its model is saved."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

# Folder of encoded text beside the checkpoint.
ENCODED = "encoded"


class Workspace:
    """Place for files beside the checkpoint, or in a temporary folder if there is none.

    Args:
        folder: folder of the run; None for a training that writes none.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._is_new = folder is not None and not folder.exists()
        self._temporary: TemporaryDirectory[str] | None = None
        self._removals: list[Callable[[], None]] = []

    def wait(self) -> None:
        """Wait until the files can be read or written: at once in the process that writes them."""

    def subfolder(self, name: str) -> Path:
        """Return the path of a folder of this name, which may not exist yet."""
        if self._folder is not None:
            return self._folder / name
        if self._temporary is None:
            self._temporary = TemporaryDirectory(prefix="munjang-")
        return Path(self._temporary.name) / name

    def remove_later(self, remove: Callable[[], None]) -> None:
        """Let `remove` be called once the files are no longer needed."""
        self._removals.append(remove)

    def remove(self) -> None:
        """Remove the files, and the folder of the run if it is new and nothing else is in it."""
        for remove in self._removals:
            remove()
        self._removals.clear()
        if self._folder is not None and self._is_new:
            with suppress(OSError):
                self._folder.rmdir()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None


class SharedWorkspace(Workspace):
    """The files of another process, which writes and removes them.

    Args:
        folder: folder of the run.
        wait: returns once the other process has written them.
    """

    def __init__(self, folder: Path, wait: Callable[[], None]) -> None:
        super().__init__(folder)
        self._wait = wait

    def wait(self) -> None:
        """Wait until the other process has written the files."""
        self._wait()

    def remove_later(self, remove: Callable[[], None]) -> None:
        """Leave the files to the process that wrote them."""

    def remove(self) -> None:
        """Leave the files to the process that wrote them."""
