"""Checks of names on the command line, before any file is read."""

from munjang.recipe import named_input, named_task
from munjang.registry import ARCHITECTURES, INPUTS, TASK_ALIASES, TASKS, require_architecture
from munjang.text.registry import tokenizer_class


def check_names(
    task: str | None = None,
    model: str | None = None,
    tokenizer: str | None = None,
    input_name: str | None = None,
) -> None:
    """Refuse an unknown input, task, model or tokenizer.

    Raises:
        ConfigError: naming the nearest known one.
    """
    if task is not None and task not in TASK_ALIASES:
        TASKS.require(task)
    if input_name is not None:
        INPUTS.require(input_name)
    if model is not None:
        ARCHITECTURES.require(model)
        if task is not None:
            # without a task on the command line, the config file may name another one
            given = {"task": task, "input": input_name, "model": {"name": model}}
            require_architecture(model, named_input(given).name, named_task(given))
    if tokenizer is not None:
        tokenizer_class(tokenizer)
