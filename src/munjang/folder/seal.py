"""The place of a model's files, and the manifest that seals them."""

from pathlib import Path

MANIFEST = "manifest.json"
# The subfolder of a new model that replaces the one in the folder: `munjang.folder.replacement`.
REPLACEMENT = "replacement"


def resolve_model_folder(folder: str | Path) -> Path:
    """Return the folder of the model's files: `folder`, or the replacement in it if complete."""
    folder = Path(folder)
    new = folder / REPLACEMENT
    return new if (new / MANIFEST).is_file() else folder
