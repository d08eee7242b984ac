"""Lists of names in help texts, read from the registries when a help text is shown.

Help texts hold `{tasks}` and the like, so that no command reads a registry before it runs.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any


def fill_lists(text: str) -> str:
    """Replace the names in braces of a help text by what the registries hold."""
    return _NAME.sub(lambda match: _LISTS[match[1]](), text)


def _tasks() -> str:
    """Return the tasks with their summaries."""
    from munjang.registry import TASKS

    return _with_summaries(TASKS.rows)


def _aliases() -> str:
    """Return the short names of a task on an input."""
    from munjang.registry import TASK_ALIASES

    return ", ".join(
        f"{alias} is short for --input {kind} --task {task}"
        for alias, (task, kind) in TASK_ALIASES.items()
    )


def _inputs() -> str:
    """Return the inputs with their summaries."""
    from munjang.registry import INPUTS

    return _with_summaries(INPUTS.rows)


def _models() -> str:
    """Return the architectures of each input, and its default."""
    from munjang.registry import ARCHITECTURES, INPUTS

    parts = []
    for row in INPUTS.rows:
        names = [model.name for model in ARCHITECTURES.rows if row.name in model.takes]
        parts.append(f"for {row.name}: {', '.join(names)} [default: {row.default_model}]")
    return "; ".join(parts)


def _encoders() -> str:
    """Return the architectures that write no text."""
    from munjang.registry import ARCHITECTURES

    return _or(row.name for row in ARCHITECTURES.rows if "decoder" not in row.gives)


def _default_metrics() -> str:
    """Return the default metric of each task."""
    from munjang.registry import TASKS

    return ", ".join(f"{row.metrics[0]} for {row.name}" for row in TASKS.rows)


def _compared_metrics() -> str:
    """Return the metric by which models of each task are compared by default."""
    from munjang.comparison.contests import all_contests

    # a task has one on all of its inputs
    metrics = {contest.task: contest.metrics[0] for _, contest in all_contests()}
    return ", ".join(f"{metric} for {task}" for task, metric in metrics.items())


def _tokenizers() -> str:
    from munjang.text.rows import TOKENIZERS

    return _or(TOKENIZERS)


def _views() -> str:
    """Return the views of one text with their summaries."""
    from munjang.cli.views import VIEWS

    return _with_summaries(VIEWS)


def _data_views() -> str:
    """Return the views of a model over data with their summaries."""
    from munjang.cli.data_views import DATA_VIEWS

    return _with_summaries(DATA_VIEWS)


def _with_summaries(rows: Iterable[Any]) -> str:
    return _or(f"{row.name} ({row.summary})" for row in rows)


def _or(names: Iterable[str]) -> str:
    from munjang.names import join_names

    return join_names(dict.fromkeys(names), "or")


_LISTS: dict[str, Callable[[], str]] = {
    "tasks": _tasks,
    "aliases": _aliases,
    "inputs": _inputs,
    "models": _models,
    "encoders": _encoders,
    "default_metrics": _default_metrics,
    "compared_metrics": _compared_metrics,
    "tokenizers": _tokenizers,
    "views": _views,
    "data_views": _data_views,
}
_NAME = re.compile("{(" + "|".join(_LISTS) + ")}")
