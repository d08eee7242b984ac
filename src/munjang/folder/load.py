"""Loading a model folder: of any input and task, or a baseline of a comparison."""

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
from munjang.folder.replacement import resolve_model_folder
from munjang.folder.sealed import SealedFolder, as_folder_errors, open_sealed
from munjang.model import Model, model_card
from munjang.names import find_existing_path
from munjang.network import build_network
from munjang.recipe import parse_recipe

AnyModel = Model | Baseline

# How often a folder is read again whose model was replaced meanwhile.
_TRIES = 5


def load(folder: str | Path) -> AnyModel:
    """Load the model in `folder`, ready to predict on the CPU. No random number is drawn.

    Returns:
        A `munjang.model.Model`, or a baseline of a comparison.

    Raises:
        FolderError: the folder is missing, unfinished, altered, or of another format.
    """
    folder = find_existing_path(folder)
    for _ in range(_TRIES):
        before = _stamp(folder)
        try:
            return _load_from(resolve_model_folder(folder))
        except FolderError:
            # another model may have taken the place of this one while it was read
            if _stamp(folder) == before:
                raise
    return _load_from(resolve_model_folder(folder))


def _stamp(folder: str | Path) -> tuple[Any, ...]:
    """Return what tells one model in `folder` from the next, without opening a file."""
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
        kind, learned = recipe.input_class, recipe.task_class
        sealed.expect((CONFIG, *kind.file_names(recipe), WEIGHTS, METRICS_FILE, CARD))
        check_labels(sealed, recipe.labels, named=learned.has_labels)
        fitted = kind.load(sealed, recipe)
        task = learned.restore(recipe).with_input(fitted)
        network = load_network(sealed, lambda: build_network(recipe, task, fitted.size))
        metrics = load_metrics(sealed)
        sealed.check(CARD)
        model = Model(recipe, fitted, task, network, metrics)
        with explain_missing_metrics(sealed):
            model_card(model)  # written again when it is saved again
        return model
