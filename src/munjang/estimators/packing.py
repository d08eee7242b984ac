"""A trained model as plain bytes, so that no object of torch or of a tokenizer is ever pickled."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from munjang.folder.load import load
from munjang.folder.manifest import FILE as MANIFEST
from munjang.folder.manifest import list_manifest_files
from munjang.model import Model


def pack(model: Model) -> dict[str, bytes]:
    """Return the files of the model folder, by name."""
    with tempfile.TemporaryDirectory() as folder:
        model.save(folder)
        files = [Path(folder, name) for name in (*list_manifest_files(Path(folder)), MANIFEST)]
        return {file.name: file.read_bytes() for file in files}


def unpack(files: Mapping[str, bytes]) -> Model:
    """Return the model that `pack` wrote.

    Raises:
        FolderError: a file is missing, altered, or of another format.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, Path(name).name).write_bytes(content)
        return cast(Model, load(folder))
