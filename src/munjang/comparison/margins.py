"""The margin: how far behind the best a model may stay and still be good enough."""

import math

from munjang.errors import ConfigError
from munjang.tasks.figures import FIGURES

# Of the whole range of a figure: 0.01 of an accuracy, 1 of chrF and BLEU.
_SHARE = 0.01
# Of a figure without an end above, which is a mean of nats.
_NATS = 0.02


def margin_of(metric: str, given: float | None) -> float:
    """The margin that a person gave, or the one that suits the metric.

    Raises:
        ConfigError: it is no positive number within the range of the metric.
    """
    figure = FIGURES[metric]
    open_ended = figure.lowest is None or figure.highest is None
    width = math.inf if open_ended else figure.highest - figure.lowest  # type: ignore[operator]
    if given is None:
        return _NATS if open_ended else _SHARE * width
    if not isinstance(given, int | float) or not 0 < given < width:
        below = "" if open_ended else f" and below {width:g}"
        raise ConfigError(
            f"margin: expected a number above 0{below}, in the unit of {figure.title}, such as "
            f"{margin_of(metric, None):g}; got {given}"
        )
    return given
