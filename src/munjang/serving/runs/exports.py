"""Models of `munjang export onnx`."""

from pathlib import Path

from msgspec import Struct

from munjang.serving.runs.files import JsonFile, modified_at, plain_text
from munjang.serving.runs.run import Details, Facts

SETTINGS = "munjang.json"


class _Settings(Struct):
    """The part of `munjang.json` that is shown."""

    task: str = ""
    model: str = ""


class ExportReader:
    """Reader of an exported folder.

    Args:
        folder: the folder.
        root: folder that must hold all that is read, its links followed.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        self._path = folder / SETTINGS
        self._settings = JsonFile(self._path, root, _Settings)

    def facts(self) -> Facts:
        """Return what the list tells."""
        settings: _Settings = self._settings.read()
        task, architecture = plain_text(settings.task), plain_text(settings.model)
        return Facts("finished", modified_at(self._path), task, architecture)

    def details(self) -> Details:
        """Return nothing more: an export has no curves."""
        return Details()
