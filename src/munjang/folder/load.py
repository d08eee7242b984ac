"""Loading of model folders of any input and task, and of baselines of a comparison."""

from pathlib import Path
from typing import Any

from munjang.baselines import Baseline, load_baseline
from munjang.baselines.baseline import CONFIG as BASELINE
from munjang.errors import FolderError
from munjang.folder.layout import CARD, CONFIG, METRICS_FILE, WEIGHTS
from munjang.folder.manifest import FILE as MANIFEST
from munjang.folder.rebuild import (
    check_labels,
    explain_missing_metrics,
    load_metrics,
    load_network,
)
from munjang.folder.seal import resolve_model_folder
from munjang.folder.sealed import SealedFolder, as_folder_errors, open_sealed
from munjang.model import Model, model_card
from munjang.names import find_existing_path
from munjang.network import build_network
from munjang.recipe import parse_recipe

AnyModel = Model | Baseline

# Attempts to read a folder whose model is replaced meanwhile.
_TRIES = 5


def load(folder: str | Path) -> AnyModel:
    """Load the model in a folder, ready to predict on the CPU.

    No random number is drawn.

    Args:
        folder: a model folder, or that of a baseline of a comparison.

    Returns:
        A `munjang.model.Model`, or a `munjang.baselines.Baseline`.

    Raises:
        FolderError: the folder is missing, incomplete, altered, or of another format.

    Example:
        >>> model = munjang.load("my-model")
        >>> model.predict(["정말 재미있다"])[0].label
        '1'
    """
    if "\0" in str(folder):
        raise FolderError(f"expected the path of a model folder, got {str(folder)[:80]!r}")
    folder = find_existing_path(folder)
    for _ in range(_TRIES):
        before = _stamp(folder)
        try:
            return _load_from(resolve_model_folder(folder))
        except FolderError:
            # the model may have been replaced while it was read
            if _stamp(folder) == before:
                raise
    return _load_from(resolve_model_folder(folder))


def _stamp(folder: str | Path) -> tuple[Any, ...]:
    """Return values that differ between successive models in `folder`, without opening files."""
    place = resolve_model_folder(folder)
    try:
        found = (place / MANIFEST).stat()
    except OSError:
        return (place,)
    return place, found.st_ino, found.st_mtime_ns, found.st_size


def _load_from(folder: Path) -> AnyModel:
    with as_folder_errors(folder):
        sealed = open_sealed(folder)
        if BASELINE in sealed.seals:
            return load_baseline(sealed)
        return load_model(sealed)


def load_model(folder: str | Path | SealedFolder) -> Model:
    """Load a trained model.

    Raises:
        FolderError: as `load`.
    """
    with as_folder_errors(folder):
        sealed = open_sealed(folder)
        if CONFIG not in sealed.seals:
            sealed.expect((CONFIG, WEIGHTS, METRICS_FILE, CARD))
        recipe = parse_recipe(sealed.read_yaml(CONFIG), where=str(sealed.path / CONFIG))
        input_class, task_class = recipe.input_class, recipe.task_class
        sealed.expect((CONFIG, *input_class.file_names(recipe), WEIGHTS, METRICS_FILE, CARD))
        check_labels(sealed, recipe.labels, named=task_class.has_labels)
        fitted = input_class.load(sealed, recipe)
        task = task_class.restore(recipe).with_input(fitted)
        network = load_network(
            sealed, lambda: build_network(recipe, task, fitted.size), fitted.index_words
        )
        metrics = load_metrics(sealed)
        sealed.check(CARD)
        model = Model(recipe, fitted, task, network, metrics)
        with explain_missing_metrics(sealed):
            model_card(model)  # it must be possible to save the model again
        return model
