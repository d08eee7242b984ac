"""Models that judge labels: one, or the mean of several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from munjang.baselines.classes import BASELINES
from munjang.diagnosis.out_of_fold import Predict, average, fit_from, fit_named
from munjang.errors import ConfigError
from munjang.model import Model
from munjang.names import join_names

DEFAULT_MODEL = "tfidf-characters"


@dataclass(frozen=True)
class Judges:
    """Models whose probabilities are averaged.

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
        names = list(self.names)
        if self.start is not None:
            names.append(f"{self.start.recipe.model_name}, pretrained,")
        return names[0] if len(names) == 1 else f"the mean of {join_names(names)}"

    @property
    def fewest_texts(self) -> int:
        """Distinct texts that each class needs: a training has one more, to validate on."""
        return 1 if self.start is None and set(self.names) <= set(BASELINES) else 2

    def fit(self, labels: Sequence[str]) -> Predict:
        """Return the function that fits all of them and averages their answers.

        Raises:
            ConfigError: there is no model of a name.
        """
        options: dict[str, Any] = {"settings": self.settings, "seed": self.seed}
        models = [fit_named(name, labels, **options) for name in self.names]
        if self.start is not None:
            models.append(fit_from(self.start, labels, **options))
        return models[0] if len(models) == 1 else average(models)


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
