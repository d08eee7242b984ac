"""Step-size schedules: a rise from nothing, then a fall."""

import math
from typing import Literal

Schedule = Literal["cosine", "linear", "constant", "inverse_sqrt"]


def step_size_factor(step: int, total: int, *, warmup: float, schedule: Schedule) -> float:
    """What the highest step size is multiplied with at `step` (from 0) of `total`.

    Rises linearly over the first `warmup` share of the steps; then falls to 0 along half a cosine
    (Loshchilov and Hutter 2017), along a line, not at all, or as 1 / sqrt(step) (Vaswani et al.
    2017), which does not ask how many steps there will be.
    """
    rising = max(1, round(warmup * total))
    if warmup and step < rising:
        return (step + 1) / rising
    if schedule == "constant":
        return 1.0
    if schedule == "inverse_sqrt":
        return math.sqrt(rising / (step + 1))
    fallen = min(1.0, (step - rising * bool(warmup)) / max(1, total - rising * bool(warmup)))
    return 1 - fallen if schedule == "linear" else 0.5 * (1 + math.cos(math.pi * fallen))
