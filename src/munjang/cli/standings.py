"""What a comparison gave, drawn for people or written for machines."""

import shlex
from typing import TYPE_CHECKING

from munjang.cli.output import console, show, show_json
from munjang.cli.tables import plain_table

if TYPE_CHECKING:
    from munjang.comparison.results import Comparison


def show_comparison(comparison: "Comparison", *, as_json: bool) -> None:
    """The table, how to read it, the choice, and where everything lies."""
    from munjang.comparison.plan import PAGE, RESULTS, TABLE
    from munjang.comparison.texts import cells, headline, heads, notes

    if as_json:
        show_json({"folder": str(comparison.folder), **comparison.to_json()})
        return
    table = plain_table(*heads(comparison.plan))
    for row in comparison.standings:
        table.add_row(*cells(row, comparison.plan))
    console().print(table)
    for line in notes(comparison):
        show(f"- {line}")
    told = headline(comparison)
    show(f"\n{told.before}{told.name}")
    if told.why:
        show(f"  {told.why}")
    show(f"\n{PAGE}, {RESULTS}, {TABLE} and every model lie in {_quoted(comparison)}")


def _quoted(comparison: "Comparison") -> str:
    return shlex.quote(str(comparison.folder))
