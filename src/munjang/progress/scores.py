"""Scores of a validation run in a few words."""

from typing import TYPE_CHECKING

from munjang.tasks.metric_table import METRICS

if TYPE_CHECKING:
    from munjang.tasks.task import TaskScores


def format_score(scores: "TaskScores", metric: str) -> str:
    """Return one metric with its title, such as `accuracy 0.8133`."""
    return f"{METRICS[metric].title} {scores.metrics[metric]:.4f}"


def format_scores(scores: "TaskScores") -> str:
    """Return all metrics that may select a checkpoint, separated by commas."""
    names = (name for name in scores.metrics if METRICS[name].can_select)
    return ", ".join(format_score(scores, name) for name in names)
