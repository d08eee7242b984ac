"""Compared models that begin from a model folder."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from munjang.comparison.candidates import Candidate
from munjang.config import merge
from munjang.errors import ConfigError
from munjang.pretrained.embedding_folder import OpenEmbedding
from munjang.pretrained.model_folder import open_model_folder

# Hexadecimal digits of a fingerprint in the name of a folder.
_DIGITS = 8


def candidates_from(
    folders: Iterable[str | Path], given: Mapping[str, Any]
) -> tuple[Candidate, ...]:
    """Return a candidate per model folder, of its architecture.

    Args:
        folders: Model folders, each once.
        given: Settings of all models, with the names of task and input.

    Raises:
        MunjangError: A folder cannot be read, a model of this task cannot begin from it, or it
            holds word vectors.
    """
    candidates = []
    for folder in dict.fromkeys(str(folder) for folder in folders):
        settings = merge(given, {"pretrained": {"folder": folder}})
        opened, _ = open_model_folder(folder, settings)
        if isinstance(opened, OpenEmbedding):
            raise ConfigError(
                f"--from: {folder} holds word vectors, which any encoder begins from; give it with "
                f"--set pretrained.vectors={folder}"
            )
        model, digest = opened.model.recipe.model_name, opened.fingerprint[:_DIGITS]
        candidates.append(Candidate(model, start=folder, digest=digest))
    return tuple(candidates)
