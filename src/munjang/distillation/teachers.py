"""Teachers: model folders whose answers a student learns."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from munjang.data.readers.header import join_names
from munjang.data.table import Table
from munjang.errors import ConfigError
from munjang.folder.load import load
from munjang.folder.seal import resolve_model_folder
from munjang.folder.sealed import open_sealed
from munjang.layers.parameters import count_parameters
from munjang.model import Model
from munjang.names import find_existing_path, label_key
from munjang.tasks.task import Floats, GivesSoftTargets, TaskScores


@dataclass(frozen=True)
class Teacher:
    """A model, and the task that its answers belong to.

    Attributes:
        name: its folder, as the user named it.
        model: the loaded model.
    """

    name: str
    model: Model

    @property
    def task(self) -> Any:
        """The fitted task."""
        return self.model.task

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels in the order of its answers; empty for numbers."""
        return self.model.labels

    def settings(self) -> dict[str, Any]:
        """Return settings that its student shares, nested as in `config.yaml`."""
        recipe = self.model.recipe
        return {"input": recipe.input, "task": recipe.task, **self.task.student_settings()}

    def answer(self, rows: Table, labels: Sequence[str]) -> Floats:
        """Return soft targets [rows, columns], one column per label, in the order of `labels`."""
        logits = self.task.logits(self.model.network, self.model.input.encode(rows))
        soft: Floats = self.task.soft_targets(logits)
        return soft[:, _order(self.labels, labels)] if self.labels else soft

    def evaluate(self, rows: Table) -> TaskScores:
        """Return scores on labeled rows."""
        encoded = self.model.input.encode(rows)
        dataset = self.task.dataset(encoded, rows)
        scores: TaskScores = self.task.evaluate(encoded.adapt(self.model.network), dataset)
        return scores

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return count_parameters(self.model.network)

    @cached_property
    def checksums(self) -> dict[str, str]:
        """SHA-256 of each file of its folder, by name."""
        sealed = open_sealed(resolve_model_folder(find_existing_path(self.name)))
        return {name: seal.sha256 for name, seal in sorted(sealed.seals.items())}


def folder_bytes(folder: str | Path) -> int:
    """Return the size of a model folder: of the files that its manifest lists."""
    sealed = open_sealed(resolve_model_folder(find_existing_path(folder)))
    return sum(seal.size for seal in sealed.seals.values())


def load_teachers(folders: Sequence[str]) -> list[Teacher]:
    """Load the teachers of one student.

    Raises:
        FolderError: there is no complete model in a folder.
        ConfigError: a model has no answers to learn, or two have different tasks or labels.
    """
    if not folders:
        raise ConfigError("teachers: expected one model folder at least")
    teachers = [_load_teacher(folder) for folder in folders]
    first = teachers[0]
    for other in teachers[1:]:
        _require_alike(first, other)
    return teachers


def _load_teacher(folder: str) -> Teacher:
    model = load(folder)
    if not isinstance(model, Model):
        raise ConfigError(
            f"{folder}: this is the baseline {model.name}; expected a model that munjang train, "
            "tune or compare trained"
        )
    if not isinstance(model.task, GivesSoftTargets):
        raise ConfigError(
            f"{folder}: a model of the task {model.recipe.task} has no answer per row that a "
            "student can learn; expected classify, multilabel or regress"
        )
    return Teacher(folder, model)


def _require_alike(first: Teacher, other: Teacher) -> None:
    """Raise unless both have one input, one task and the same labels."""
    for key in ("task", "input"):
        mine, its = (getattr(teacher.model.recipe, key) for teacher in (first, other))
        if mine != its:
            raise ConfigError(
                f"{other.name}: its {key} is {its}, that of {first.name} is {mine}; teachers of "
                f"one student have the same {key}"
            )
    mine, its = ({label_key(name) for name in teacher.labels} for teacher in (first, other))
    if mine != its:
        alone = [name for name in other.labels if label_key(name) not in mine]
        lacks = [name for name in first.labels if label_key(name) not in its]
        raise ConfigError(
            f"{other.name}: its labels differ from those of {first.name}"
            f"{f'; more: {join_names(alone)}' if alone else ''}"
            f"{f'; missing: {join_names(lacks)}' if lacks else ''}; teachers of one student have "
            "the same labels"
        )


def _order(own: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Return the index in `own` of each wanted label."""
    places = {label_key(name): place for place, name in enumerate(own)}
    return [places[label_key(name)] for name in wanted]


def average(teachers: Sequence[Teacher], rows: Table, labels: Sequence[str]) -> Floats:
    """Return the mean of the teachers' soft targets [rows, columns].

    Raises:
        DataError: an answer is not finite; its row is named.
    """
    mean: Floats = np.mean([teacher.answer(rows, labels) for teacher in teachers], axis=0)
    wrong = np.flatnonzero(~np.isfinite(mean).all(1))
    if len(wrong):
        raise rows.error(int(wrong[0]), "the answer of a teacher is not a finite number")
    return mean
