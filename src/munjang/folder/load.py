"""Loading a model folder: of any input and task, or a baseline of a comparison."""

from pathlib import Path
from typing import Any

from munjang.baselines import Baseline, load_baseline
from munjang.baselines.baseline import CONFIG as BASELINE
from munjang.errors import FolderError
from munjang.folder.layout import CARD, CONFIG, METRICS, WEIGHTS
from munjang.folder.manifest import FILE as MANIFEST
from munjang.folder.rebuild import (
    check_labels,
    load_metrics,
    load_network,
    reading_metrics,
)
from munjang.folder.replacement import place_of
from munjang.folder.sealed import SealedFolder, as_folder_errors, open_sealed
from munjang.model import Model, model_card
from munjang.names import existing_path
from munjang.network import build_network
from munjang.recipe import parse_recipe

AnyModel = Model | Baseline

# How often a folder is read again whose model was replaced meanwhile.
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
    folder = existing_path(folder)
    for _ in range(_TRIES):
        before = _stamp(folder)
        try:
            return _load_from(place_of(folder))
        except FolderError:
            # another model may have taken the place of this one while it was read
            if _stamp(folder) == before:
                raise
    return _load_from(place_of(folder))


def _stamp(folder: str | Path) -> tuple[Any, ...]:
    """Return what tells one model in `folder` from the next, without opening a file."""
    place = place_of(folder)
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
            sealed.expect((CONFIG, WEIGHTS, METRICS, CARD))
        recipe = parse_recipe(sealed.yaml(CONFIG), where=str(sealed.path / CONFIG))
        kind, learned = recipe.input_class, recipe.task_class
        sealed.expect((CONFIG, *kind.file_names(recipe), WEIGHTS, METRICS, CARD))
        check_labels(sealed, recipe.labels, named=learned.has_labels)
        fitted = kind.load(sealed, recipe)
        task = learned.restore(recipe).with_input(fitted)
        network = load_network(sealed, lambda: build_network(recipe, task, fitted.size))
        metrics = load_metrics(sealed)
        sealed.check(CARD)
        model = Model(recipe, fitted, task, network, metrics)
        with reading_metrics(sealed):
            model_card(model)  # written again when it is saved again
        return model
