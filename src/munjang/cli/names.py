"""Names on the command line, checked before any file is read; a wrong one hears the nearest."""

from munjang.config import nearest
from munjang.errors import ConfigError
from munjang.models.registry import architecture
from munjang.tasks.registry import TASKS
from munjang.text.registry import tokenizer_class


def check_names(
    task: str | None = None, model: str | None = None, tokenizer: str | None = None
) -> None:
    """Refuse an unknown task, model or tokenizer.

    Raises:
        ConfigError: naming the nearest known one.
    """
    if task is not None and task not in TASKS:
        raise ConfigError(f"unknown task '{task}'{nearest(task, TASKS)}; known: {', '.join(TASKS)}")
    if model is not None:
        architecture(model)
    if tokenizer is not None:
        tokenizer_class(tokenizer)


def model_override(model: str | None) -> list[str]:
    """`--model` as a setting: what is typed wins over the config file."""
    return [] if model is None else [f"model.name={model}"]
