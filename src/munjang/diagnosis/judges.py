"""Models that judge labels: one, or several whose probabilities are pooled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from munjang.baselines.classes import BASELINES
from munjang.diagnosis.out_of_fold import (
    Floats,
    Ints,
    Predict,
    fit_from,
    fit_named,
    out_of_fold,
)
from munjang.diagnosis.pooling import pool
from munjang.errors import ConfigError, DataError
from munjang.model import Model
from munjang.names import join_names

DEFAULT_MODEL = "tfidf-characters"


@dataclass(frozen=True)
class Judges:
    """Models whose probabilities are pooled.

    Attributes:
        names: names of models.
        start: model whose encoder a further model begins from.
        settings: of the architectures, nested as in `config.yaml`.
        seed: random seed.
    """

    names: tuple[str, ...]
    start: Model | None
    settings: Mapping[str, Any]
    seed: int

    def __str__(self) -> str:
        return join_names(self._all_names)

    @property
    def _all_names(self) -> tuple[str, ...]:
        if self.start is None:
            return self.names
        return (*self.names, f"{self.start.recipe.model_name} from a model folder")

    @property
    def fewest_texts(self) -> int:
        """Distinct texts that each class needs: a training has one more, to validate on."""
        return 1 if self.start is None and set(self.names) <= set(BASELINES) else 2

    def judge(self, texts: pl.Series, targets: Ints, fold: Ints, labels: Sequence[str]) -> Floats:
        """Return probabilities [rows, classes] of models that did not see the row's fold.

        Args:
            texts: [rows].
            targets: class numbers [rows].
            fold: number of each row's fold, [rows].
            labels: the classes.

        Raises:
            DataError: a model gives numbers that are not finite.
        """
        answers = []
        for predict, name in zip(self.fit(labels), self._all_names, strict=True):
            answers.append(out_of_fold(predict, texts, targets, fold, len(labels), name))
            if not np.isfinite(answers[-1]).all():
                raise DataError(f"{name} gives numbers that are not finite; choose another model")
        return answers[0] if len(answers) == 1 else pool(answers, targets, fold)

    def fit(self, labels: Sequence[str]) -> list[Predict]:
        """Return the functions that fit each model and answer with it.

        Raises:
            ConfigError: there is no model of a name.
        """
        options: dict[str, Any] = {"settings": self.settings, "seed": self.seed}
        models = [fit_named(name, labels, **options) for name in self.names]
        if self.start is not None:
            models.append(fit_from(self.start, labels, **options))
        return models


def make_judges(
    model: str | Sequence[str] | None,
    start: Model | None,
    *,
    settings: Mapping[str, Any],
    seed: int,
) -> Judges:
    """Return the judges that are asked for.

    Args:
        model: name of a model, or several; `DEFAULT_MODEL` if there is neither it nor a start.
        start: model whose encoder a further model begins from.
        settings: of the architectures.
        seed: random seed.

    Raises:
        ConfigError: a model is unknown or named twice, or there are settings and none has any.
    """
    names = (model,) if isinstance(model, str) else tuple(model or ())
    if not names and start is None:
        names = (DEFAULT_MODEL,)
    judges = Judges(names, start, settings, seed)
    judges.fit(())  # an unknown name is refused before any file is read
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"model: expected each model once, got {twice} more than once")
    if settings and start is None and set(names) <= set(BASELINES):
        verb = "has" if len(names) == 1 else "have"
        raise ConfigError(f"config: {join_names(names)} {verb} no settings; name an architecture")
    return judges
