"""The results of a comparison, as a table for people or as JSON."""

import shlex
from typing import TYPE_CHECKING

from munjang.cli.fitting import Column, FittedTable
from munjang.cli.output import make_console, show, show_json
from munjang.cli.tables import make_table

# Rank of each column on a narrow terminal: the highest are left out first, 0 always stays.
_RANKS = {
    **dict.fromkeys(("over rows", "behind the best", "verdict", "folder", "p50"), 0),
    "training": 2,
    "parameters": 3,
    "over seeds": 4,
    **dict.fromkeys(("p99", "memory", "tokens/s", "images/s"), 6),
}
_OTHER = 5
_TEXTS = ("behind the best", "verdict")

if TYPE_CHECKING:
    from munjang.comparison.results import Comparison


def show_comparison(comparison: "Comparison", *, as_json: bool, wide: bool = False) -> None:
    """Show the table, how to read it, the choice, and where the files are."""
    from munjang.comparison.folder import PAGE, RESULTS, TABLE
    from munjang.comparison.wording import cells, headline, heads, notes

    if as_json:
        show_json({"folder": str(comparison.folder), **comparison.to_json()})
        return
    table = _table(heads(comparison.plan))
    for row in comparison.standings:
        table.add_row(*cells(row, comparison.plan))
    make_console(wide=wide).print(table)
    for line in notes(comparison):
        show(f"- {line}")
    choice = headline(comparison)
    show(f"\n{choice.before}{choice.name}")
    if choice.why:
        show(f"  {choice.why}")
    folder = shlex.quote(str(comparison.folder))
    show(f"\n{PAGE}, {RESULTS}, {TABLE} and every model are in {folder}")


def _table(heads: list[str]) -> FittedTable:
    """Return a table with these heads; a narrow terminal leaves some out, see `_RANKS`."""
    known = {**_RANKS, "behind the best": 1} if "verdict" in heads else _RANKS
    model, metric, *others = heads
    columns = (Column(head, known.get(head, _OTHER), flows=head in _TEXTS) for head in others)
    return make_table(model, metric, *columns)
