"""The check of an export: its outputs are those of the network, alone and in every batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from munjang.errors import ConfigError
from munjang.export.onnx.graph import Array

# Largest difference of an output, in units of the largest output or of 1.
TOLERANCE = 1e-5
_FEW = 3

# Outputs of a model [rows, ...] for some values.
Outputs = Callable[[Sequence[Any]], Array]


@dataclass(frozen=True)
class Checked:
    """Result of a check.

    Attributes:
        rows: number of rows.
        difference: largest difference of an output.
    """

    rows: int
    difference: float


def run_in_batches(outputs: Outputs, values: Sequence[Any]) -> list[Array]:
    """Return the outputs of values alone, in batches of three, and all at once."""
    batches = (
        [[value] for value in values],
        [values[start : start + _FEW] for start in range(0, len(values), _FEW)],
        [values],
    )
    return [np.concatenate([outputs(part) for part in parts]) for parts in batches]


def check_outputs(
    outputs: Outputs,
    values: Sequence[Any],
    expected: Array,
    *,
    what: str = "export onnx: the graph",
) -> Checked:
    """Compare the outputs of an exported model with those that are expected.

    Args:
        outputs: of the exported model.
        values: texts, or pairs of them.
        expected: outputs, [rows, ...].
        what: the command and the exported model, for the error.

    Raises:
        ConfigError: they differ by more than rounding does.
    """
    most = TOLERANCE * max(1.0, float(np.abs(expected).max(initial=0.0)))
    differences = [np.abs(found - expected) for found in run_in_batches(outputs, values)]
    difference = max(float(part.max(initial=0.0)) for part in differences)
    if not difference <= most:
        worst = max(differences, key=lambda part: float(part.max(initial=0.0)))
        row = int(np.nan_to_num(worst, nan=np.inf).reshape(len(worst), -1).max(1).argmax())
        value = values[row] if len(worst) == len(values) else values[0]
        raise ConfigError(
            f"{what} does not compute what the network does: an output differs by "
            f"{difference:.2g}, and rounding explains {most:.2g}, as for {str(value)[:60]!r}; "
            "nothing was written"
        )
    return Checked(len(values), difference)
