"""The table of kinds of folders that can be served."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from munjang.errors import ConfigError, FolderError
from munjang.folder.seal import MANIFEST, resolve_model_folder
from munjang.serving.backend import Backend


@dataclass(frozen=True)
class FolderKind:
    """A kind of folders. What runs its models is imported when there is one.

    Attributes:
        about: what it is, for messages.
        seal: returns the file that has the hashes of all others.
        opener: `module:function` from a folder and a number of threads to the model.
        install: what installs the packages that it needs.
    """

    about: str
    seal: Callable[[Path], Path]
    opener: str
    install: str

    def open(self, folder: Path, threads: int) -> Backend:
        """Open the model of a folder.

        Raises:
            ConfigError: a model that cannot be served, or a package is missing.
            FolderError: a folder that cannot be loaded.
        """
        module, _, name = self.opener.partition(":")
        try:
            model: Backend = getattr(import_module(module), name)(folder, threads)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"{folder}: {self.about} needs the package {error.name}; install it with: "
                f"{self.install}"
            ) from None
        return model


KINDS = (
    FolderKind(
        "a folder of munjang export onnx",
        lambda folder: folder / "munjang.json",
        "munjang.serving.exported:open_exported",
        "pip install onnxruntime tokenizers",
    ),
    FolderKind(
        "a model folder of munjang train",
        lambda folder: resolve_model_folder(folder) / MANIFEST,
        "munjang.serving.trained:open_trained",
        'pip install "munjang[serve]"',
    ),
)


def is_model(folder: Path) -> bool:
    """Return whether a folder can be served as a model."""
    return any(kind.seal(folder).is_file() for kind in KINDS)


def find_folder_kind(folder: Path) -> FolderKind:
    """Return the kind of a folder.

    Raises:
        FolderError: it is of none.
    """
    for kind in KINDS:
        if kind.seal(folder).is_file():
            return kind
    seals = " and ".join(kind.seal(folder).name for kind in KINDS)
    about = " or ".join(kind.about for kind in KINDS)
    raise FolderError(f"{folder}: expected {about}; {seals} are missing")
