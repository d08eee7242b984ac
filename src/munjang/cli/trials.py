"""The results of a search, as tables for people or as JSON."""

import shlex
from typing import TYPE_CHECKING

from munjang.cli.fitting import Column
from munjang.cli.output import make_console, show, show_json
from munjang.cli.tables import make_table, text_column

if TYPE_CHECKING:
    from munjang.tuning.results import TrialRow, Tuned


def show_tuning(tuned: "Tuned", *, as_json: bool, wide: bool = False) -> None:
    """Show the trials, the best settings with their importance, and what to type next."""
    from munjang.registry import INPUTS, TASKS
    from munjang.tuning.folder import BEST, RESULTS

    if as_json:
        show_json({"folder": str(tuned.folder), **tuned.to_json()})
        return
    screen, best = make_console(wide=wide), tuned.best
    screen.print(_trials(tuned, best))
    if best is None:
        return
    screen.print(_settings(tuned, best))
    folder = shlex.quote(str(tuned.folder / BEST))
    row = INPUTS.require(tuned.input)
    show(
        f"\nthe best model is in {folder}, all trials in "
        f"{shlex.quote(str(tuned.folder / RESULTS))}\n"
        f"it was selected as the best of {len(tuned.trials):,} on these validation rows, so its "
        "score is optimistic: evaluate it on others\n"
        "\nnext:\n"
        f"  munjang evaluate {folder} {row.unseen}\n"
        f"  munjang predict {folder} {TASKS.require(tuned.task).example or row.example}"
    )


def _trials(tuned: "Tuned", best: "TrialRow | None") -> object:
    from munjang.comparison.formatting import figure_text
    from munjang.tasks.metric_table import METRICS

    table = make_table(
        "trial",
        METRICS[tuned.metric].title,
        Column("epochs", rank=2),
        Column("steps", rank=1),
        "seconds",
        text_column("ended"),
    )
    for row in tuned.trials:
        mark = "best" if row is best else row.ended
        table.add_row(
            f"{row.number}",
            "" if row.value is None else figure_text(tuned.metric, row.value),
            f"{row.epochs}",
            f"{row.steps:,}",
            f"{row.seconds:.1f}",
            f"{mark}: {row.note}" if row.note else mark,
        )
    return table


def _settings(tuned: "Tuned", best: "TrialRow") -> object:
    from munjang.tuning.parameters import shown

    importance = [Column("importance", rank=1)] if tuned.importance else []
    table = make_table("setting", "best", "default", *importance)
    for key, value in best.settings.items():
        share = [f"{tuned.importance.get(key, 0.0):.0%}"] if tuned.importance else []
        table.add_row(key, shown(value), shown(tuned.defaults[key]), *share)
    return table
