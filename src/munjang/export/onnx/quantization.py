"""Weights in 8 bits: whole numbers from -127 to 127, and a scale per row.

Only weights are quantized. Activations stay floats, since the scale of a quantized activation
comes from all rows of a batch, so that an answer would depend on its neighbors.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from munjang.errors import ConfigError

# Smaller weights stay floats: they take little room, and some of them are biases and norms.
FEWEST_NUMBERS = 4096
_MOST = 127


def quantize_rows(
    rows: npt.NDArray[np.float32], name: str
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float16]]:
    """Return rows in 8 bits and the scale of each: row = scale x numbers, to half a scale.

    Args:
        rows: [rows, dim].
        name: of the weights, for the message.

    Returns:
        [rows, dim] int8 and [rows] float16.

    Raises:
        ConfigError: a number is too large for the scales.
    """
    highest = np.abs(rows).max(axis=1, initial=0.0) / _MOST
    if highest.max(initial=0.0) > float(np.finfo(np.float16).max) / 2:
        raise ConfigError(f"--int8: the weights {name} hold numbers too large for 8 bits")
    scales = highest.astype(np.float16)
    # rounded up, so that no number is beyond 127
    low = scales.astype(np.float32) < highest
    scales[low] = np.nextafter(scales[low], np.float16(np.inf))
    divisors = np.where(scales > 0, scales.astype(np.float32), 1.0)[:, None]
    numbers: npt.NDArray[Any] = rows / divisors
    np.rint(numbers, out=numbers)
    return numbers.astype(np.int8), scales
