"""Fingerprint of the model in a folder."""

import hashlib
from pathlib import Path

from munjang.folder.layout import CARD, METRICS_FILE
from munjang.folder.seal import resolve_model_folder
from munjang.folder.sealed import as_folder_errors, open_sealed
from munjang.names import find_existing_path


def fingerprint_folder(folder: str | Path) -> str:
    """Return a fingerprint of the model in a folder: its recipe, tokenizer and weights.

    Raises:
        FolderError: there is no complete model in the folder.
    """
    place = resolve_model_folder(find_existing_path(folder))
    with as_folder_errors(place):
        seals = open_sealed(place).seals
    lines = [
        f"{name} {seal.sha256}"
        for name, seal in sorted(seals.items())
        if name not in (CARD, METRICS_FILE)
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
