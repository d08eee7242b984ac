"""Learning rate schedules: linear warm-up, then decay."""

import math
from typing import Literal

Schedule = Literal["cosine", "linear", "constant", "inverse_sqrt"]

# Length of a schedule that follows the clock instead of steps: such parts of its seconds.
CLOCK = 10**6


def learning_rate_factor(step: int, total: int, *, warmup: float, schedule: Schedule) -> float:
    """Return the factor of the peak learning rate at `step` (from 0) of `total` steps.

    It rises linearly over the first `warmup` share of the steps. Then it falls to 0 along half a
    cosine (Loshchilov and Hutter 2017) or a line, stays at 1, or falls as 1 / sqrt(step) (Vaswani
    et al. 2017), which does not depend on the number of steps.
    """
    rising = max(1, round(warmup * total))
    if warmup and step < rising:
        return (step + 1) / rising
    if schedule == "constant":
        return 1.0
    if schedule == "inverse_sqrt":
        return math.sqrt(rising / (step + 1))
    done = min(1.0, (step - rising * bool(warmup)) / max(1, total - rising * bool(warmup)))
    return 1 - done if schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))
