"""What training and evaluation gave, drawn for people or written for machines."""

import shlex
from typing import TYPE_CHECKING

from munjang.cli.output import console, show, show_json
from munjang.cli.tables import details, summary
from munjang.reporting import pluralize
from munjang.tasks.absent_classes import note_absent_classes

if TYPE_CHECKING:
    from munjang.api import Trained
    from munjang.tasks.task import TaskScores


def show_training(trained: "Trained", *, as_json: bool) -> None:
    """Validation scores, where the folder lies, and what to type next."""
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
    console().print(summary(trained.scores, "validation"))
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
        f"  munjang predict {folder} {row.example}\n"
        f"  munjang evaluate {folder} {row.unseen}"
    )


def show_evaluation(scores: "TaskScores", *, as_json: bool, wide: bool = False) -> None:
    """All scores: of the whole, then what the task tells beside."""
    said = note_absent_classes(scores)
    if as_json:
        show_json({**scores.to_json(), **({"notes": said} if said else {})})
        return
    screen = console(wide=wide)
    screen.print(summary(scores, "score"))
    for line in said:
        show(f"- {line}")
    for table in details(scores):
        screen.print(table)
