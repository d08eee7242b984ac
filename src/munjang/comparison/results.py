"""The results of a comparison, and their files: compare.json and compare.csv."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from munjang.comparison.plan import RESULTS, TABLE, Plan
from munjang.comparison.selection import Choice
from munjang.comparison.standings import Standing
from munjang.folder.manifest import write_atomically
from munjang.report.svg import colors_of


@dataclass(frozen=True)
class Curve:
    """Validation scores of one run by seconds of training."""

    name: str
    seed: int
    seconds: tuple[float, ...]
    scores: tuple[float, ...]


class Details(Protocol):
    """The parts of page and JSON beside the table, by task."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""


@dataclass(frozen=True)
class Comparison:
    """The results of a comparison.

    Attributes:
        plan: What was compared.
        folder: Where all files are.
        rows: Rows of each part.
        standings: One row per model, the best first.
        choice: The smallest that is good enough; None if every finished model is constant.
        details: What the task adds.
        curves: Learning curves of the networks.
        machine: The machine that the times were measured on.
    """

    plan: Plan
    folder: Path
    rows: dict[str, int]
    standings: tuple[Standing, ...]
    choice: Choice | None
    details: Any  # a `Details` of the task
    curves: tuple[Curve, ...] = ()
    machine: str = ""

    @property
    def finished(self) -> bool:
        """True if any run finished."""
        return any(row.score is not None for row in self.standings)

    @property
    def colors(self) -> dict[str, str]:
        """One color per model on all pictures."""
        return colors_of(candidate.name for candidate in self.plan.candidates)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON: everything."""
        return {
            **self.plan.to_json(),
            "machine": self.machine,
            "rows": self.rows,
            "standings": [row.to_json() for row in self.standings],
            "choice": None if self.choice is None else asdict(self.choice),
            "curves": [asdict(curve) for curve in self.curves],
            **self.details.to_json(),
        }

    def write(self) -> None:
        """Write compare.json and compare.csv."""
        text = json.dumps(self.to_json(), ensure_ascii=False, indent=2)
        write_atomically(self.folder / RESULTS, text + "\n")
        write_atomically(self.folder / TABLE, to_csv(self.standings))


def to_csv(standings: Sequence[Standing]) -> str:
    """Return the table as CSV: one row per model, nested values with a dot in their names."""
    rows = [_flat(row.to_json()) for row in standings]
    keys = dict.fromkeys(key for row in rows for key in row)
    nested = {key.rpartition(".")[0] for key in keys}
    out = io.StringIO()
    # a row without an interval has an empty cell for each of its ends
    heads = [key for key in keys if key not in nested]
    writer = csv.DictWriter(out, heads, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = _cell(value)
    return flat


def _cell(value: Any) -> Any:
    """Return a value for CSV. A spreadsheet would run what begins as a formula: it is quoted."""
    text = "; ".join(value) if isinstance(value, tuple | list) else value
    is_formula = isinstance(text, str) and text.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{text}" if is_formula else text
