"""All tasks by name: the class, its settings, and the figures that may decide."""

from dataclasses import dataclass
from typing import Any, Literal

from munjang.config import Settings, nearest
from munjang.data.images.settings import ImageSettings
from munjang.errors import ConfigError
from munjang.tasks.classify import Classify, ClassifySettings
from munjang.tasks.images import Images
from munjang.tasks.multilabel import Multilabel, MultilabelSettings
from munjang.tasks.regress import Regress, RegressSettings
from munjang.tasks.translate import Translate, TranslateSettings

TextTask = Literal["classify", "regress", "multilabel"]
TaskName = Literal["classify", "regress", "multilabel", "images", "translate"]


@dataclass(frozen=True)
class TaskRow:
    """One row of the registry.

    Attributes:
        task: the class.
        settings: of this task alone, a section of `config.yaml` of the same name.
        metrics: figures that may choose the best step; the first does when nothing is said.
        summary: what a text gets.
        reads: texts, images or pairs of texts.
    """

    task: Any  # type[Task], for pairs Translate
    settings: type[Settings]
    metrics: tuple[str, ...]
    summary: str
    reads: Literal["texts", "images", "pairs"] = "texts"


TASKS: dict[TaskName, TaskRow] = {
    "classify": TaskRow(
        Classify, ClassifySettings, ("accuracy", "macro_f1", "log_loss"), "one label a text"
    ),
    "regress": TaskRow(
        Regress, RegressSettings, ("mae", "rmse", "spearman", "r2"), "a number a text"
    ),
    "multilabel": TaskRow(
        Multilabel,
        MultilabelSettings,
        ("micro_f1", "macro_f1", "subset_accuracy", "log_loss"),
        "any number of labels a text",
    ),
    "images": TaskRow(
        Images,
        ImageSettings,
        ("log_loss", "accuracy", "macro_f1"),
        "one label an image",
        reads="images",
    ),
    "translate": TaskRow(
        Translate,
        TranslateSettings,
        ("chrf", "bleu", "exact_match", "cross_entropy"),
        "a text for a text",
        reads="pairs",
    ),
}


def require_task(name: str) -> TaskRow:
    """The row of a task.

    Raises:
        ConfigError: there is no such task; the nearest one is named, and all of them.
    """
    row = row_of(name)
    if row is None:
        raise ConfigError(f"unknown task '{name}'{nearest(name, TASKS)}; known: {', '.join(TASKS)}")
    return row


def row_of(name: object) -> TaskRow | None:
    """The row of a task; None for what names no task, whatever it is."""
    return next((row for task, row in TASKS.items() if task == name), None)
