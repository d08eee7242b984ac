"""The base of inputs whose rows are arrays of one shape."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt
from torch import nn

from munjang.data.arrays import ArrayDataset
from munjang.data.dataset import Dataset
from munjang.data.table import Table
from munjang.inputs.input import Encoded, Input
from munjang.tasks.task import Bools

_PARTS = {"train": "training part", "valid": "validation part"}


@dataclass(frozen=True)
class EncodedArrays:
    """Rows as arrays of one shape.

    Attributes:
        values: [rows, ...].
        unit: unit of sizes and speeds.
    """

    values: npt.NDArray[Any]
    unit: str = "rows"

    @property
    def truncated(self) -> Bools:
        """False for every row, [rows]."""
        return np.zeros(len(self.values), dtype=np.bool_)

    def __len__(self) -> int:
        return len(self.values)

    def dataset(self, targets: Any = None) -> Dataset:
        """Return the rows with their targets [rows, ...], or without."""
        return ArrayDataset(self.values, targets, self.unit)

    def adapt(self, network: nn.Module) -> nn.Module:
        """Return the network as it is."""
        return network


@dataclass(frozen=True)
class ArrayInput(Input):
    """Input of arrays of one shape; a subclass converts values to arrays.

    Attributes:
        unit: unit of sizes and speeds.
    """

    unit: ClassVar[str] = "rows"

    def encode(self, rows: Table) -> Encoded:
        """Encode the rows of a table: the values of the key column."""
        return self.encode_values(rows.keys.to_list())

    def fingerprint(self, encoded: Mapping[str, Encoded]) -> Mapping[str, Iterable[Any]]:
        """Return the arrays of both parts."""
        return {
            f"{self.row}s of the {_PARTS[name]}": [cast(EncodedArrays, part).values]
            for name, part in encoded.items()
        }

    def facts(self, parts: Mapping[str, Table], encoded: Mapping[str, Encoded]) -> dict[str, Any]:
        """Return the numbers of rows."""
        train = parts["train"]
        return {
            "rows": len(train),
            "valid_rows": len(parts["valid"]),
            "files": ", ".join(Path(name).name for name in train.origins or train.files),
            self.unit: len(train),
            "skipped": dict(train.skipped),
        }
