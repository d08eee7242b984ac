"""The result of `munjang distil`: the student beside its teachers."""

import shlex
from typing import TYPE_CHECKING

from munjang.cli.fitting import Column, FittedTable
from munjang.cli.output import make_console, show, show_json
from munjang.reporting import escape_line, pluralize
from munjang.tasks.metric_table import METRICS
from munjang.units import format_bytes

if TYPE_CHECKING:
    from munjang.distillation.comparison import Comparison, Judged
    from munjang.distillation.run import Distilled
    from munjang.model import Model


def show_distillation(distilled: "Distilled", *, as_json: bool, wide: bool = False) -> None:
    """Show teachers and student, what was lost, and the commands to type next."""
    trained, comparison = distilled.trained, distilled.comparison
    recipe = trained.model.recipe
    if as_json:
        show_json({"folder": str(trained.folder), "model": recipe.model_name, **trained.metrics})
        return
    names = recipe.task_row.metrics
    metrics = [names[0], "log_loss" if "log_loss" in names else names[1]]
    make_console(wide=wide).print(comparison_table(comparison, metrics))
    show(comparison_line(comparison, metrics[0]))
    folder = shlex.quote(str(trained.folder))
    training = trained.metrics["training"]
    show(
        f"\n{pluralize(training['steps'], 'step')} in {training['seconds']:.1f} s; the weights are "
        f"those of step {training['best_step']:,}, the best\n"
        f"model saved in {folder}\n\n"
        "next:\n"
        f"  munjang predict {folder} {recipe.input_row.example}\n"
        f"  munjang evaluate {folder} {recipe.input_row.unseen}"
    )


def show_static(model: "Model", out: str, *, as_json: bool) -> None:
    """Show the size of static vectors, and the commands to type next."""
    tokens = model.input.size
    dim = int(getattr(model.recipe.model, "dim", 0))
    if as_json:
        show_json({"folder": out, "tokens": tokens, "dim": dim})
        return
    folder = shlex.quote(out)
    show(
        f"static vectors of {tokens:,} tokens, {dim} numbers each, saved in {folder}\n\n"
        "next:\n"
        f'  munjang search {folder} TEXTS "a query"\n'
        f"  munjang train DATA --from {folder} --model mean --out my-model"
    )


def comparison_table(comparison: "Comparison", metrics: list[str]) -> FittedTable:
    """Return a row per model: metrics on labels, agreement, size and speed."""
    titles = [METRICS[name].title for name in metrics]
    heads = titles if comparison.labeled else []
    table = FittedTable(
        [
            Column("model", left=True, flows=True),
            *(Column(title, rank=2 * place) for place, title in enumerate(heads)),
            Column(f"agreement ({titles[0]})", rank=1),
            Column("parameters", rank=3),
            Column("on disk", rank=1),
            Column("rows/s", rank=0),
        ],
        title=f"on {pluralize(comparison.rows, 'validation row')}",
    )
    for model in comparison.models:
        values = [model.metrics.get(name) for name in metrics] if comparison.labeled else []
        agreement = model.agreement.get(metrics[0])
        table.add_row(
            escape_line(f"{model.name} (student)" if model.is_student else model.name),
            *(_number(value) for value in (*values, agreement)),
            "–" if model.parameters is None else f"{model.parameters:,}",
            "–" if model.bytes is None else format_bytes(model.bytes),
            "–" if model.rows_per_second is None else f"{model.rows_per_second:,.0f}",
        )
    return table


def comparison_line(comparison: "Comparison", metric: str) -> str:
    """Return what was lost, and how much smaller and faster the student is."""
    from munjang.distillation.comparison import lost

    student = comparison.models[-1]
    parts = []
    difference = lost(comparison.models, metric)
    if difference is not None:
        better = (difference < 0) == METRICS[metric].larger_is_better
        word = "better" if better else "worse"
        parts.append(f"{METRICS[metric].title} {abs(difference):.4f} {word} than its teachers")
    teachers = [model for model in comparison.models[:-1] if model.rows_per_second]
    together = sum(1 / _speed(model) for model in teachers)
    parts.append(f"{_speed(student) * together:,.1f} times as fast")
    sizes = sum(model.bytes or 0 for model in teachers)
    if sizes and student.bytes:
        share = student.bytes / sizes
        size = f"{share:.1%} of" if share <= 1 else f"{share:,.1f} times"
        parts.append(f"{size} their size on disk")
    return f"the student: {', '.join(parts)}"


def _speed(model: "Judged") -> float:
    return max(model.rows_per_second or 0.0, 1e-9)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
