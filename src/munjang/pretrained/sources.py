"""Sources of initial weights: word vectors, or the encoder of a model folder."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from munjang.config import merge
from munjang.data.table import Table
from munjang.inputs.input import Encoded, Input
from munjang.names import find_existing_path
from munjang.pretrained.model_folder import open_model_folder, open_vector_folder
from munjang.pretrained.word_vectors import open_word_vectors
from munjang.recipe import IN_MEMORY, PretrainedSettings, Recipe, section_of
from munjang.tasks.task import Task


class Pretrained(Protocol):
    """Initial weights of a run, once the data is known."""

    @property
    def setting(self) -> str:
        """Setting of the section `pretrained` that names the file or folder."""

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the weights."""

    @property
    def fixed(self) -> frozenset[str]:
        """Dotted settings that follow from the weights and cannot be searched."""

    def apply(self, network: nn.Module) -> None:
        """Write the weights into a fresh network."""

    def facts(self, encoded: Mapping[str, Encoded]) -> dict[str, Any]:
        """Return facts for `metrics.json`, by the key that they get there."""

    def fact_lines(self, facts: Mapping[str, Any]) -> list[str]:
        """Return what `facts` gave as lines for people."""


class PretrainedSource(Protocol):
    """Source of initial weights, before the data is known."""

    def fit_input(self, train: Table, recipe: Recipe) -> Input:
        """Return the input: fitted on the training part, or taken over."""

    def find(self, recipe: Recipe, fitted: Any, task: Task) -> Pretrained:
        """Return the initial weights of a run.

        Args:
            recipe: complete.
            fitted: the input that `fit_input` gave.
            task: fitted.
        """


def open_pretrained(
    given: Mapping[str, Any], *, vectors: Any = None, folder: Any = None
) -> tuple[PretrainedSource | None, dict[str, Any]]:
    """Return the source of initial weights, if any, and the settings that follow from it.

    Args:
        given: the user's settings, nested as in `config.yaml`.
        vectors: word vectors, as a path or an object; those that `given` names if None.
        folder: a model folder, or a loaded model; the one that `given` names if None.

    Raises:
        ConfigError: `given` contradicts the weights, or names some that were given from Python and
            are in no file.
        DataError: the word vectors cannot be read.
        FolderError: the folder cannot be read.
    """
    settings = dict(given)
    for key, value in (("vectors", vectors), ("folder", folder)):
        if value is not None:
            path = str(value) if isinstance(value, str | PathLike) else IN_MEMORY
            settings = merge(settings, {"pretrained": {key: path}})
    named = PretrainedSettings.parse(section_of(settings, "pretrained"), where="pretrained")
    if named.vectors is not None:
        source = named.vectors if vectors is None else vectors
        if isinstance(source, str | PathLike) and find_existing_path(Path(source)).is_dir():
            return open_vector_folder(str(source), settings)
        return open_word_vectors(source, settings)
    if named.folder is not None:
        return open_model_folder(named.folder if folder is None else folder, settings)
    return None, settings
