"""Type of a dropout rate in settings."""

from typing import Annotated

from pydantic import AfterValidator, Field


def _check_rate(rate: float) -> float:
    if rate and not round(rate * 256):
        raise ValueError("a dropout rate must be 0, or more than 1/512 (0.002)")
    return rate


# See `munjang.layers.fast.dropout`: a rate is a multiple of 1/256.
DropoutRate = Annotated[float, Field(ge=0, lt=1), AfterValidator(_check_rate)]
