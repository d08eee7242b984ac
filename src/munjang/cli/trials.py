"""What a search over settings gave, drawn for people or written for machines."""

import shlex
from typing import TYPE_CHECKING

from munjang.cli.fitting import Column
from munjang.cli.output import console, show, show_json
from munjang.cli.tables import plain_table, text_column

if TYPE_CHECKING:
    from munjang.tuning.results import TrialRow, Tuned


def show_tuning(tuned: "Tuned", *, as_json: bool, wide: bool = False) -> None:
    """The trials, what the best chose, what mattered, and what to type next."""
    from munjang.tuning.folder import BEST, RESULTS

    if as_json:
        show_json({"folder": str(tuned.folder), **tuned.to_json()})
        return
    screen, best = console(wide=wide), tuned.best
    screen.print(_trials(tuned, best))
    if best is None:
        return
    screen.print(_settings(tuned, best))
    folder = shlex.quote(str(tuned.folder / BEST))
    show(
        f"\nthe best model lies in {folder}, all trials in "
        f"{shlex.quote(str(tuned.folder / RESULTS))}\n"
        f"it is the best of {len(tuned.trials):,} on the rows that chose it: judge it on others\n\n"
        "next:\n"
        f"  munjang evaluate {folder} FILE-THAT-NO-TRIAL-HAS-SEEN\n"
        f'  munjang predict {folder} "a text"'
    )


def _trials(tuned: "Tuned", best: "TrialRow | None") -> object:
    from munjang.tasks.figures import FIGURES

    table = plain_table(
        "trial",
        FIGURES[tuned.metric].title,
        Column("passes", rank=2),
        Column("steps", rank=1),
        "seconds",
        text_column("ended"),
    )
    for row in tuned.trials:
        mark = "best" if row is best else row.ended
        table.add_row(
            f"{row.number}",
            "" if row.value is None else f"{row.value:.4f}",
            f"{row.passes}",
            f"{row.steps:,}",
            f"{row.seconds:.1f}",
            f"{mark}: {row.note}" if row.note else mark,
        )
    return table


def _settings(tuned: "Tuned", best: "TrialRow") -> object:
    from munjang.tuning.space import shown

    importance = [Column("importance", rank=1)] if tuned.importance else []
    table = plain_table("setting", "best", "own", *importance)
    for key, value in best.settings.items():
        share = [f"{tuned.importance.get(key, 0.0):.0%}"] if tuned.importance else []
        table.add_row(key, shown(value), shown(tuned.defaults[key]), *share)
    return table
