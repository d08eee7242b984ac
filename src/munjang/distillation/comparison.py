"""Comparison of a student with its teachers: what was lost, and what each of them costs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from munjang.data.frames import to_frame
from munjang.displayed import Displayed
from munjang.distillation.student import Student
from munjang.distillation.teachers import Teacher, average, folder_bytes
from munjang.model import Model
from munjang.reporting import pluralize, stage
from munjang.tasks.metric_table import METRICS, finite_or_none
from munjang.tasks.task import TaskScores

if TYPE_CHECKING:
    from polars import DataFrame

# Most rows by which speeds are measured, and rows before the clock starts.
_TIMED, _WARM_UP = 2000, 64


@dataclass(frozen=True)
class Judged:
    """A model on the validation rows.

    Attributes:
        name: folder, or what the model is.
        is_student: True for the student.
        metrics: metrics on the labels; empty without labels.
        agreement: metrics against what the teachers decide for; empty for a teacher that is the
            only one.
        parameters: number of parameters; None for several models together.
        bytes: size of the folder; None if there is none.
        rows_per_second: rows that it answers per second, encoding included.
    """

    name: str
    is_student: bool
    metrics: dict[str, float]
    agreement: dict[str, float]
    parameters: int | None
    bytes: int | None
    rows_per_second: float | None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "name": self.name,
            "is_student": self.is_student,
            "metrics": {name: finite_or_none(value) for name, value in self.metrics.items()},
            "agreement": {name: finite_or_none(value) for name, value in self.agreement.items()},
            "parameters": self.parameters,
            "bytes": self.bytes,
            "rows_per_second": self.rows_per_second,
        }


@dataclass(frozen=True, repr=False)
class Comparison(Displayed):
    """Teachers and student on the same validation rows.

    Attributes:
        rows: number of validation rows.
        labeled: True if those have labels.
        models: each teacher, the mean of several, and the student at the end.
    """

    rows: int
    labeled: bool
    models: tuple[Judged, ...]

    drawings: ClassVar[str] = "munjang.report.models:TEACHERS"

    def summary(self) -> str:
        """Return how far the student agrees with its teachers."""
        student = self.models[-1]
        agreement = (f"{METRICS[name].title} {v:.4f}" for name, v in student.agreement.items())
        return (
            f"{pluralize(len(self.models) - 1, 'teacher')}, {pluralize(self.rows, 'row')}; "
            f"agreement of the student: {', '.join(agreement)}"
        )

    def to_frame(self) -> "DataFrame":
        """Return one row per model, nested values with a dot in their names."""
        return to_frame([model.to_json() for model in self.models])

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "rows": self.rows,
            "labeled": self.labeled,
            "models": [model.to_json() for model in self.models],
        }


def compare(student: Student, model: Model, folder: Path | None) -> Comparison:
    """Score and time the teachers and the student on the validation rows.

    Args:
        student: teachers and rows.
        model: the trained student.
        folder: its folder, if it was saved.
    """
    valid, labeled = student.rows.valid, student.rows.is_validated_by_labels
    with stage(f"comparing {model.recipe.model_name} with its teachers"):
        soft = average(student.teachers, valid, student.task.labels)
        judged = [_judge_teacher(teacher, student) for teacher in student.teachers]
        if len(judged) > 1:
            metrics = _metrics_of_mean(student, soft) if labeled else {}
            judged.append(Judged("mean of the teachers", False, metrics, {}, None, None, None))
        agreement = _metrics(_scores_against(model, student, student.decide(soft)))
        metrics = {}
        if labeled:
            metrics = _metrics(_scores_against(model, student, student.task.task.targets(valid)))
        judged.append(
            Judged(
                "student" if folder is None else str(folder),
                True,
                metrics,
                agreement,
                Teacher("", model).parameters,
                None if folder is None else folder_bytes(folder),
                measure_speed(model, student),
            )
        )
    return Comparison(len(valid), labeled, tuple(judged))


def _judge_teacher(teacher: Teacher, student: Student) -> Judged:
    valid = student.rows.valid
    metrics = {}
    if student.rows.is_validated_by_labels:
        metrics = _metrics(teacher.evaluate(valid))
    return Judged(
        teacher.name,
        False,
        metrics,
        {},
        teacher.parameters,
        folder_bytes(teacher.name),
        measure_speed(teacher.model, student),
    )


def _metrics_of_mean(student: Student, soft: Any) -> dict[str, float]:
    task = student.task.task
    return _metrics(task.scores(task.logits_of(soft).float(), task.targets(student.rows.valid)))


def _scores_against(model: Model, student: Student, targets: Any) -> TaskScores:
    """Return the scores of the student's answers to the validation rows against targets."""
    encoded = student.prepared.encoded["valid"]
    return model.task.evaluate(encoded.adapt(model.network), encoded.dataset(targets))


def _metrics(scores: TaskScores) -> dict[str, float]:
    return dict(scores.metrics)


def measure_speed(model: Model, student: Student) -> float:
    """Return how many validation rows a model answers per second, encoding included."""
    valid = student.rows.valid
    rows = valid.take(np.arange(min(_TIMED, len(valid))))
    task: Any = model.task
    task.logits(model.network, model.input.encode(rows.take(np.arange(min(_WARM_UP, len(rows))))))
    seconds = []
    for _ in range(2):  # the faster one, as other programs may run meanwhile
        started = time.perf_counter()
        task.logits(model.network, model.input.encode(rows))
        seconds.append(time.perf_counter() - started)
    return len(rows) / max(min(seconds), 1e-9)


def lost(models: Sequence[Judged], metric: str) -> float | None:
    """Return the metric of the teachers less that of the student; None without labels."""
    teachers = [model for model in models if not model.is_student]
    student = next(model for model in models if model.is_student)
    if not student.metrics:
        return None
    return teachers[-1].metrics[metric] - student.metrics[metric]
