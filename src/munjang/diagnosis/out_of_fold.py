"""Probabilities of models that did not see the row: a model per fold, trained on the others."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from munjang.api import train
from munjang.baselines.classes import BASELINES, READ_NO_TEXT, fit_baseline
from munjang.errors import ConfigError
from munjang.model import Model
from munjang.registry import ARCHITECTURES, unknown_name
from munjang.reporting import stage

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Texts, their class numbers, and texts to answer -> probabilities [texts, classes].
Predict = Callable[[Sequence[str], Ints, Sequence[str]], Floats]


def list_models() -> list[str]:
    """Return the names of models that read a text: baselines first, then architectures."""
    architectures = [row.name for row in ARCHITECTURES.rows if _reads_text(row)]
    return [
        *(name for name in BASELINES if name not in READ_NO_TEXT),
        *dict.fromkeys(architectures),
    ]


def _reads_text(row: Any) -> bool:
    return "text" in row.takes and "pooled" in row.gives


def fit_named(
    name: str, labels: Sequence[str], *, settings: Mapping[str, Any], seed: int
) -> Predict:
    """Return the function that fits a model of a name and answers with it.

    Args:
        name: a baseline, or an architecture.
        labels: the classes.
        settings: of an architecture, nested as in `config.yaml`.
        seed: random seed of an architecture.

    Raises:
        ConfigError: there is no such model.
    """
    known = list_models()
    if name not in known:
        raise ConfigError(unknown_name("model", name, known))
    if name in BASELINES:
        return lambda texts, targets, others: fit_baseline(
            name, texts, targets, labels
        ).predictor()(others)
    return _training(labels, {"model": name, "config": settings, "seed": seed})


def fit_from(
    start: Model, labels: Sequence[str], *, settings: Mapping[str, Any], seed: int
) -> Predict:
    """Return the function that trains a model from an encoder and answers with it.

    Args:
        start: trained model whose encoder each training begins from.
        labels: the classes.
        settings: nested as in `config.yaml`.
        seed: random seed.
    """
    return _training(labels, {"from_folder": start, "config": settings, "seed": seed})


def _training(labels: Sequence[str], arguments: Mapping[str, Any]) -> Predict:
    """Return a function that trains a classifier with these arguments of `train`."""

    def predict(texts: Sequence[str], targets: Ints, others: Sequence[str]) -> Floats:
        given = [labels[number] for number in targets.tolist()]
        trained = train((list(texts), given), task="classify", **arguments)
        answered = trained.model.predict_proba(list(others))
        columns = [trained.model.labels.index(label) for label in labels]
        return np.asarray(answered[:, columns])

    return predict


def out_of_fold(
    predict: Predict, texts: pl.Series, targets: Ints, fold: Ints, classes: int, name: str
) -> Floats:
    """Return probabilities [rows, classes] of models that did not see the row's fold.

    Args:
        predict: fits a model on some rows and answers others.
        texts: [rows].
        targets: class numbers [rows].
        fold: number of each row's fold, [rows].
        classes: number of classes.
        name: name of the model, for the display of stages.
    """
    probabilities = np.empty((len(targets), classes))
    count = int(fold.max()) + 1
    for number in range(count):
        held = np.flatnonzero(fold == number)
        rest = np.flatnonzero(fold != number)
        with stage(f"{name}, fold {number + 1} of {count}"):
            probabilities[held] = predict(
                texts.gather(rest).to_list(), targets[rest], texts.gather(held).to_list()
            )
    return probabilities
