"""The table of kinds of folders that can be served."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from munjang.errors import FolderError
from munjang.serving.backend import Backend


@dataclass(frozen=True)
class FolderKind:
    """A kind of folders. What runs its models is imported when there is one.

    Attributes:
        about: what it is, for messages.
        seal: returns the file that has the hashes of all others.
        opener: `module:function` from a folder and a number of threads to the model.
    """

    about: str
    seal: Callable[[Path], Path]
    opener: str

    def open(self, folder: Path, threads: int) -> Backend:
        """Open the model of a folder.

        Raises:
            ConfigError: a model that cannot be served, or a package is missing.
            FolderError: a folder that cannot be loaded.
        """
        module, _, name = self.opener.partition(":")
        model: Backend = getattr(import_module(module), name)(folder, threads)
        return model


def _find_manifest(folder: Path) -> Path:
    from munjang.folder.manifest import FILE
    from munjang.folder.replacement import resolve_model_folder

    return resolve_model_folder(folder) / FILE


KINDS = (
    FolderKind(
        "a folder of munjang export onnx (munjang.json)",
        lambda folder: folder / "munjang.json",
        "munjang.serving.exported:open_exported",
    ),
    FolderKind(
        "a model folder, as munjang train saves it (manifest.json)",
        _find_manifest,
        "munjang.serving.trained:open_trained",
    ),
)


def find_folder_kind(folder: Path) -> FolderKind:
    """Return the kind of a folder.

    Raises:
        FolderError: it is of none.
    """
    for kind in KINDS:
        if kind.seal(folder).is_file():
            return kind
    raise FolderError(f"{folder}: expected {' or '.join(kind.about for kind in KINDS)}")
