"""Names on the command line, checked before any file is read; a wrong one hears the nearest."""

from munjang.models.registry import (
    IMAGE_ARCHITECTURES,
    PAIR_ARCHITECTURES,
    architecture,
    image_architecture,
    pair_architecture,
)
from munjang.tasks.registry import TASKS, require_task
from munjang.text.registry import tokenizer_class


def check_names(
    task: str | None = None, model: str | None = None, tokenizer: str | None = None
) -> None:
    """Refuse an unknown task, model or tokenizer.

    Raises:
        ConfigError: naming the nearest known one.
    """
    if task is not None:
        require_task(task)
    if model is not None:
        # without a task on the command line, the config file may name that of images
        reads = next((row.reads for name, row in TASKS.items() if name == task), None)
        if reads == "images" or (task is None and model in IMAGE_ARCHITECTURES):
            image_architecture(model)
        elif reads == "pairs" or (task is None and model in PAIR_ARCHITECTURES):
            pair_architecture(model)
        else:
            architecture(model)
    if tokenizer is not None:
        tokenizer_class(tokenizer)


def model_override(model: str | None) -> list[str]:
    """`--model` as a setting: what is typed wins over the config file."""
    return [] if model is None else [f"model.name={model}"]
