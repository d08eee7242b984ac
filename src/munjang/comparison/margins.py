"""The margin: how far behind the best a model may stay and still be good enough."""

import math

from munjang.errors import ConfigError
from munjang.tasks.metric_table import METRICS

# Share of the whole range of a metric: 0.01 of accuracy, 1 of chrF and BLEU.
_SHARE = 0.01
# Metrics without a range: nats and bits, the share of variance, and standard deviations of the
# numbers.
_NATS = {"log_loss": 0.02, "cross_entropy": 0.02}
_BITS = {"bits_per_character": 0.02, "bits_per_byte": 0.02}
_OPEN_ENDED = {**_NATS, **_BITS, "r2": 0.01, "mae": 0.01, "rmse": 0.01}
# Those whose margin is relative: it grows with the unit of the data.
RELATIVE = ("mae", "rmse")


def default_margin(metric: str, unit: float = 1.0) -> float:
    """Return the margin that suits the metric.

    Args:
        metric: Name of the metric.
        unit: Standard deviation of the numbers of the training part: MAE and RMSE have a hundredth
            of it as their margin, rounded to three digits and known before any model is scored.
    """
    if metric in RELATIVE:
        return float(f"{_OPEN_ENDED[metric] * unit:.3g}")
    if metric in _OPEN_ENDED:
        return _OPEN_ENDED[metric]
    return _SHARE * _width(metric)


def margin_of(metric: str, given: float | None, unit: float = 1.0) -> float:
    """Return the margin that a person gave, or the default.

    Args:
        metric: Name of the metric.
        given: In the unit of the metric; None for the default.
        unit: As for `default_margin`.

    Raises:
        ConfigError: It is not a positive number within the range of the metric.
    """
    if given is None:
        return default_margin(metric, unit)
    width = _width(metric)
    if not isinstance(given, int | float) or not 0 < given < width:
        below = "" if width == math.inf else f" and below {width:g}"
        raise ConfigError(
            f"margin: expected a number above 0{below}, in the unit of {METRICS[metric].title}, "
            f"such as {default_margin(metric, unit):g}; got {given}"
        )
    return given


def _width(metric: str) -> float:
    """Return the length of the range of the metric."""
    figure = METRICS[metric]
    if figure.lowest is None or figure.highest is None:
        return math.inf
    return figure.highest - figure.lowest
