"""Shares as settings give them."""

from typing import Annotated

from pydantic import AfterValidator, Field


def _of_bytes(share: float) -> float:
    if share and not round(share * 256):
        raise ValueError("a dropout share is 0, or more than 1/512 (0.002)")
    return share


# See `munjang.layers.dropout`: a share is a number of bytes out of 256.
DropoutShare = Annotated[float, Field(ge=0, lt=1), AfterValidator(_of_bytes)]
