"""What a comparison gave, drawn for people or written for machines."""

import shlex
from typing import TYPE_CHECKING

from munjang.cli.fitting import Column, FittedTable
from munjang.cli.output import console, show, show_json
from munjang.cli.tables import plain_table

# Of each column how soon it is left out; 0 stays: the score's interval, the verdict, size and time.
_RANKS = {
    **dict.fromkeys(("over rows", "behind the best", "verdict", "folder", "p50"), 0),
    "training": 2,
    "parameters": 3,
    "over seeds": 4,
    **dict.fromkeys(("p99", "memory", "tokens/s"), 6),
}
_OTHER = 5
_TEXTS = ("behind the best", "verdict")

if TYPE_CHECKING:
    from munjang.comparison.results import Comparison


def show_comparison(comparison: "Comparison", *, as_json: bool, wide: bool = False) -> None:
    """The table, how to read it, the choice, and where everything lies."""
    from munjang.comparison.plan import PAGE, RESULTS, TABLE
    from munjang.comparison.texts import cells, headline, heads, notes

    if as_json:
        show_json({"folder": str(comparison.folder), **comparison.to_json()})
        return
    table = _table(heads(comparison.plan))
    for row in comparison.standings:
        table.add_row(*cells(row, comparison.plan))
    console(wide=wide).print(table)
    for line in notes(comparison):
        show(f"- {line}")
    told = headline(comparison)
    show(f"\n{told.before}{told.name}")
    if told.why:
        show(f"  {told.why}")
    show(f"\n{PAGE}, {RESULTS}, {TABLE} and every model lie in {_quoted(comparison)}")


def _table(heads: list[str]) -> FittedTable:
    """The heads as columns. What decides stays where a terminal is narrow: see `_RANKS`."""
    known = {**_RANKS, "behind the best": 1} if "verdict" in heads else _RANKS
    model, metric, *others = heads
    columns = (Column(head, known.get(head, _OTHER), flows=head in _TEXTS) for head in others)
    return plain_table(model, metric, *columns)


def _quoted(comparison: "Comparison") -> str:
    return shlex.quote(str(comparison.folder))
