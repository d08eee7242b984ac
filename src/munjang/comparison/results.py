"""What a comparison gives, and its files for machines: compare.json and compare.csv."""

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
from munjang.manifest import write_atomically
from munjang.report.svg import colours_of


@dataclass(frozen=True)
class Curve:
    """One run's validation scores by the seconds it had trained."""

    name: str
    seed: int
    seconds: tuple[float, ...]
    scores: tuple[float, ...]


class Details(Protocol):
    """What a task tells of its runs beside the table."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""


@dataclass(frozen=True)
class Comparison:
    """What was compared, and what came out.

    Attributes:
        plan: what was compared.
        folder: where everything lies.
        rows: rows of each part.
        standings: one row an entrant, the best first.
        choice: the smallest that is good enough; None when no model that reads text came to an end.
        details: what the task tells beside.
        curves: learning curves of the networks.
        machine: what the times were measured on.
    """

    plan: Plan
    folder: Path
    rows: dict[str, int]
    standings: tuple[Standing, ...]
    choice: Choice | None
    details: Details
    curves: tuple[Curve, ...] = ()
    machine: str = ""

    @property
    def finished(self) -> bool:
        """Whether any run came to its end."""
        return any(row.score is not None for row in self.standings)

    @property
    def colours(self) -> dict[str, str]:
        """One colour a model on all pictures."""
        return colours_of(entrant.name for entrant in self.plan.entrants)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON: all figures."""
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
    """The table as CSV: one row a model, nested figures with a dot in their names."""
    rows = [_flat(row.to_json()) for row in standings]
    found = dict.fromkeys(key for row in rows for key in row)
    nested = {key.rpartition(".")[0] for key in found}
    out = io.StringIO()
    # where a row has no interval, its place is empty as a whole
    heads = [key for key in found if key not in nested]
    writer = csv.DictWriter(out, heads, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = _cell(value)
    return found


def _cell(value: Any) -> Any:
    """A value for CSV. What begins as a formula would be run by a spreadsheet: it is quoted."""
    text = "; ".join(value) if isinstance(value, tuple | list) else value
    is_formula = isinstance(text, str) and text.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{text}" if is_formula else text
