"""The compared tasks: one row per task and input; nothing else here asks which task it is.

Rows import what is heavy when they are asked for it: the process of a baseline needs no torch.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from munjang.comparison.contests.contest import Contest
from munjang.errors import ConfigError
from munjang.names import join_names
from munjang.recipe import named_input, named_task
from munjang.registry import INPUTS, TASKS, TaskRow, import_place, inputs_of


def contest_name(given: Mapping[str, Any]) -> str:
    """Return the name of the contest that settings name.

    It is that of the task, followed by the input where that is not the task's default.

    Raises:
        ConfigError: there is no such task or input, or its models cannot be compared.
    """
    task, kind = named_task(given), named_input(given)
    if _place(task, kind.name) is None:
        known = join_names([row.name for row in TASKS.rows if row.contests])
        raise ConfigError(
            f"task: models of {known} can be compared; got {task.name} on the input {kind.name}"
        )
    return task.name if kind.name == task.inputs[0] else f"{task.name}/{kind.name}"


@cache
def contest_of(name: str) -> Contest:
    """Return the contest of a name that `contest_name` gave.

    Raises:
        ConfigError: there is none.
    """
    task_name, _, input_name = name.partition("/")
    task = TASKS.require(task_name)
    kind = INPUTS.require(input_name or task.inputs[0])
    place = _place(task, kind.name)
    if place is None:
        raise ConfigError(f"task: models of '{name}' cannot be compared")
    contest: Contest = import_place(place, task.name)(task.name, kind.name)
    return contest


def all_contests() -> Iterator[tuple[str, Contest]]:
    """Yield every contest with its name."""
    for task in TASKS.rows:
        for kind in inputs_of(task):
            if _place(task, kind.name) is not None:
                name = contest_name({"task": task.name, "input": kind.name})
                yield name, contest_of(name)


def _place(task: TaskRow, input_name: str) -> str | None:
    """Return where the contest of a task on an input stands; on other inputs the first counts."""
    places = dict(task.contests)
    return places.get(input_name) or next(iter(places.values()), None)
