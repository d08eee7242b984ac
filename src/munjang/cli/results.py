"""Results of a training or an evaluation, as tables for people or as JSON."""

import shlex
from typing import TYPE_CHECKING

from munjang.cli.output import make_console, show, show_json
from munjang.cli.tables import detail_tables, summary_table
from munjang.reporting import pluralize
from munjang.tasks.absent_classes import note_absent_classes

if TYPE_CHECKING:
    from munjang.api import Trained
    from munjang.tasks.task import TaskScores


def show_training(trained: "Trained", *, as_json: bool) -> None:
    """Show validation scores, the model folder, and the commands to type next."""
    if as_json:
        show_json(
            {
                "folder": str(trained.folder),
                "model": trained.model.recipe.model_name,
                **trained.metrics,
            }
        )
        return
    training = trained.metrics["training"]
    make_console().print(summary_table(trained.scores, "validation"))
    for line in note_absent_classes(trained.scores):
        show(f"- {line}")
    folder = shlex.quote(str(trained.folder))
    row = trained.model.recipe.input_row
    unit = next(key for key in training if key.endswith("_per_second")).split("_")[0]
    show(
        f"\n{pluralize(training['steps'], 'step')} in {training['seconds']:.1f} s, "
        f"{training[f'{unit}_per_second']:,.0f} {unit}/s; the weights are those of step "
        f"{training['best_step']:,}, the best\n"
        f"model saved in {folder}\n\n"
        "next:\n"
        f"  munjang predict {folder} {trained.model.recipe.example}\n"
        f"  munjang evaluate {folder} {row.unseen}"
    )


def show_evaluation(scores: "TaskScores", *, as_json: bool, wide: bool = False) -> None:
    """Show all scores: the metrics over all rows, then the details."""
    remarks = note_absent_classes(scores)
    if as_json:
        show_json({**scores.to_json(), **({"notes": remarks} if remarks else {})})
        return
    screen = make_console(wide=wide)
    screen.print(summary_table(scores, "score"))
    for line in remarks:
        show(f"- {line}")
    for table in detail_tables(scores):
        screen.print(table)
