"""The results of a comparison, and their files: compare.json and compare.csv."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from munjang.comparison.folder import RESULTS, TABLE
from munjang.comparison.plan import Plan
from munjang.comparison.selection import Choice
from munjang.comparison.standings import Standing
from munjang.data.frames import flatten_rows, to_frame
from munjang.displayed import Drawn
from munjang.folder.manifest import write_atomically
from munjang.report.svg import colors_of
from munjang.reporting import pluralize
from munjang.tasks.metric_table import METRICS

if TYPE_CHECKING:
    from polars import DataFrame

_NAMED = 3  # models in `repr`


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


@dataclass(frozen=True, repr=False)
class Comparison(Drawn):
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

    drawings: ClassVar[str] = "munjang.comparison.page:COMPARISON"

    def summary(self) -> str:
        """Return what was compared, the best models with their scores, and the choice."""
        judged = [row for row in self.standings if row.score is not None]
        best = ", ".join(f"{row.name} {row.score:.4f}" for row in judged[:_NAMED])
        more = "" if len(judged) <= _NAMED else f" and {len(judged) - _NAMED} more"
        choice = "none" if self.choice is None else self.choice.name
        metric = METRICS[self.plan.metric].title
        return (
            f"{self.plan.task}, {pluralize(len(self.standings), 'model')}, {metric} on "
            f"{pluralize(self.rows['test'], 'test row')}: {best or 'no run finished'}{more}; "
            f"choice: {choice}"
        )

    def to_frame(self) -> "DataFrame":
        """Return one row per model, the best first, nested values with a dot in their names.

        The columns are those of compare.csv. `to_pandas()` gives a frame of pandas.
        """
        return to_frame([row.to_json() for row in self.standings])

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
    heads, rows = flatten_rows([row.to_json() for row in standings])
    out = io.StringIO()
    writer = csv.DictWriter(out, heads)
    writer.writeheader()
    writer.writerows({head: _cell(value) for head, value in row.items()} for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    """Return a value for CSV. A spreadsheet would run what begins as a formula: it is quoted."""
    text = "; ".join(value) if isinstance(value, tuple | list) else value
    is_formula = isinstance(text, str) and text.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{text}" if is_formula else text
