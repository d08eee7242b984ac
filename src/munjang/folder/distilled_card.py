"""The part of a model card about the teachers of a distilled model."""

from collections.abc import Mapping
from typing import Any

from munjang.reporting import escape_markdown
from munjang.tasks.metric_table import METRICS
from munjang.units import format_bytes

# Most models in the table.
_MOST = 20


def describe_teachers(distillation: Mapping[str, Any] | None) -> str:
    """Return a section with a table of the student and its teachers; "" for other models.

    Args:
        distillation: the section `distillation` of `metrics.json`.
    """
    if distillation is None:
        return ""
    models = distillation["models"][-_MOST:]
    student = models[-1]
    names = [name for name in METRICS if name in student["agreement"]][:1]
    heads = [METRICS[name].title for name in names]
    judged = "with labels" if distillation["labeled"] else "without labels"
    lines = [
        "## Its teachers",
        "",
        "It was trained on the answers of other models (`munjang distil`). All were compared on "
        f"the {distillation['rows']:,} validation rows, {judged}; agreement is measured against "
        "the answers of the teachers.",
        "",
        "| " + " | ".join(["model", *heads, "agreement", "parameters", "on disk", "rows/s"]) + " |",
        "|---" * (len(heads) + 5) + "|",
    ]
    for model in models:
        name = "this model" if model["is_student"] else escape_markdown(model["name"])
        metrics = [_number(model["metrics"].get(metric)) for metric in names]
        agreement = [_number(model["agreement"].get(metric)) for metric in names]
        size = "–" if model["bytes"] is None else format_bytes(int(model["bytes"]))
        costs = [_count(model["parameters"]), size, _count(model["rows_per_second"])]
        lines.append("| " + " | ".join([name, *metrics, *agreement, *costs]) + " |")
    return "\n".join([*lines, "", ""])


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
