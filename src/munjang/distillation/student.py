"""Preparation of a student: its rows, its task, and targets that the teachers answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from munjang.config import merge, shown
from munjang.data.splits import number_distinct_texts, split
from munjang.data.table import Table, concatenate
from munjang.distillation.soft_targets import (
    Targets,
    answer_rows,
    fill_file,
    fill_in_memory,
    fingerprint_answers,
)
from munjang.distillation.teachers import Teacher
from munjang.errors import ConfigError, DataError
from munjang.folder.replacement import SOFT_TARGETS
from munjang.names import KnownLabels
from munjang.preparation import Prepared, prepare_parts
from munjang.pretrained.sources import open_pretrained
from munjang.recipe import Recipe, check_given, make_recipe, section_of
from munjang.reporting import Report, pluralize
from munjang.tasks.distillation_settings import DistillationSettings
from munjang.tasks.distilled import DistilledTask
from munjang.tasks.task import GivesProbabilities
from munjang.training.memory import check_model_fits
from munjang.units import format_bytes

# Epochs by default, as a multiple of those of a training on labels; and the most of them.
_MORE_EPOCHS, _MOST_EPOCHS = 2, 10
# Names of reading in messages, and those that they have for texts without labels.
_READING_UNLABELED = {
    " and --label-column": "",
    "--text-column": "--unlabelled-column",
    "text_column=": "unlabelled_column=",
}


@dataclass(frozen=True)
class Rows:
    """The rows of a student.

    Attributes:
        train: rows to learn from; their label is null where there is none.
        valid: rows to validate on.
        labeled: the labeled rows to learn from; None if there are none.
        all_labeled: those, and the labeled rows to validate on.
    """

    train: Table
    valid: Table
    labeled: Table | None
    all_labeled: Table | None

    @property
    def is_validated_by_labels(self) -> bool:
        """True if the validation rows have labels; else the teachers' answers stand for them."""
        return self.valid.targets is not None


@dataclass(frozen=True)
class Student:
    """A student that is ready to be trained once its teachers have answered.

    Attributes:
        teachers: models whose mean answer it learns.
        rows: rows to learn from and to validate on.
        prepared: recipe, fitted input and encoded rows; the datasets have no targets yet.
        report: called with lines for people.
    """

    teachers: Sequence[Teacher]
    rows: Rows
    prepared: Prepared
    report: Report

    @property
    def task(self) -> DistilledTask:
        """The task, with the weights of its losses."""
        task: Any = self.prepared.task
        return task  # type: ignore[no-any-return]

    def answer(self, prepared: Prepared, folder: Path | None) -> Prepared:
        """Let the teachers answer all rows, and return the preparation with these targets.

        Args:
            prepared: the preparation.
            folder: folder of the run, which keeps the answers; None keeps them in memory.
        """
        check_model_fits(prepared.bare_network, prepared.recipe.training)
        rows = concatenate(
            [table.with_targets(None) for table in (self.rows.train, self.rows.valid)]
        )
        unanswered = np.concatenate(
            [self.task.unanswered(table) for table in (self.rows.train, self.rows.valid)]
        )
        targets = self._fill(rows, unanswered, folder)
        train, valid = targets[: len(self.rows.train)], targets[len(self.rows.train) :]
        soft = np.asarray(valid[:, : self.task.soft_columns], dtype=np.float64)
        if self.rows.is_validated_by_labels:
            valid_data = self.task.task.dataset(prepared.encoded["valid"], self.rows.valid)
        else:
            valid_data = prepared.encoded["valid"].dataset(self.decide(soft))
        return replace(prepared, train=prepared.encoded["train"].dataset(train), valid=valid_data)

    def _fill(self, rows: Table, unanswered: Targets, folder: Path | None) -> Targets:
        labels, columns = self.task.labels, self.task.soft_columns

        def answers(begin: int) -> Any:
            if begin:
                self.report(f"teachers: {begin:,} of {pluralize(len(rows), 'row')} were answered")
            return answer_rows(self.teachers, rows, labels, begin, self.report)

        kept = "in memory" if folder is None else f"in {SOFT_TARGETS} until the model is saved"
        self.report(
            f"teachers: {pluralize(len(self.teachers), 'model')}, {pluralize(len(rows), 'row')} "
            f"to answer; soft targets take {format_bytes(unanswered.nbytes)} {kept}"
        )
        if folder is None:
            return fill_in_memory(unanswered, columns, answers)
        fingerprint = fingerprint_answers(self.teachers, rows, labels, unanswered)
        return fill_file(folder / SOFT_TARGETS, unanswered, columns, fingerprint, answers)

    def decide(self, soft: Any) -> Any:
        """Return what the teachers decide for, of their mean answers [rows, columns].

        One teacher decides as it would alone, with thresholds of its own; several decide as the
        task does without any.
        """
        if len(self.teachers) > 1:
            return self.task.task.decide(soft)
        teacher = self.teachers[0]
        if not self.task.labels:
            return teacher.task.decide(soft)
        return self._in_order_of(teacher, soft)

    def _in_order_of(self, teacher: Teacher, soft: Any) -> Any:
        """Decide with the labels in the teacher's order, and return targets in the student's."""
        from_student = [self.task.labels.index(name) for name in self._names(teacher)]
        decided = teacher.task.decide(soft[:, from_student])
        if decided.ndim == 1:  # class numbers of the teacher
            return np.asarray(from_student, dtype=np.int64)[decided]
        return decided[:, np.argsort(from_student)]

    def _names(self, teacher: Teacher) -> list[str]:
        """Return the student's names of the teacher's labels, in the teacher's order."""
        known = KnownLabels(self.task.labels)
        return [known.find(name) or name for name in teacher.labels]


def prepare_student(
    teachers: Sequence[Teacher],
    given: Mapping[str, Any],
    report: Report,
    *,
    unlabelled: Any = None,
    unlabelled_column: str | None = None,
    data: Any = None,
    valid: Any = None,
    from_folder: Any = None,
) -> Student:
    """Read the rows of a student, split them, and fit its task and its input.

    Args:
        teachers: models of one task and one input, with the same labels.
        given: the user's settings, nested as in `config.yaml`.
        report: called with lines for people.
        unlabelled: texts without labels.
        unlabelled_column: column of the texts of `unlabelled`; inferred if omitted.
        data: labeled rows.
        valid: labeled rows to validate on; a share of `data` is held out if None.
        from_folder: model folder that the student begins from, or its model; the one of `given` if
            None.

    Raises:
        MunjangError: the data or a setting cannot be used.
    """
    given = _with_teachers_settings(teachers[0], given)
    source, given = open_pretrained(given, folder=from_folder)
    checked = check_given(given)
    input_class, task_class = checked.input_class, checked.task_class
    labeled = unlabeled = None
    if data is not None:
        labeled = input_class.read(data, checked, task_class.reader(checked), report)
    if unlabelled is not None:
        unlabeled = _read_unlabeled(unlabelled, unlabelled_column, checked, report)
    everything = _join(labeled, unlabeled)
    recipe = _with_more_epochs(make_recipe(given, everything), given)
    held_out = None
    if valid is not None:
        held_out = input_class.read(valid, recipe, task_class.reader(recipe), report)
    rows = _divide(labeled, unlabeled, held_out, recipe, report)
    if rows.labeled is not None and rows.all_labeled is not None:
        task = task_class.fit(rows.labeled, rows.all_labeled, recipe)
    else:
        task = task_class.restore(recipe)
    assert recipe.distillation is not None
    distilled: Any = DistilledTask(task, recipe.distillation)
    report(_describe(rows))
    parts = {"train": rows.train, "valid": rows.valid}
    return Student(teachers, rows, prepare_parts(recipe, distilled, parts, source, report), report)


def _with_teachers_settings(teacher: Teacher, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the user's settings on top of those that a student shares with its teacher.

    Raises:
        ConfigError: the user names another task or input.
    """
    shared = teacher.settings()
    for key in ("task", "input"):
        if given.get(key) not in (None, shared[key]):
            raise ConfigError(
                f"{key}: the teacher {teacher.name} has {shared[key]}, and so has its student; got "
                f"{shown(given[key])}"
            )
    distillation = section_of(given, "distillation")
    DistillationSettings.parse(distillation, where="distillation")  # its messages name the key
    if "temperature" in distillation and not isinstance(teacher.task, GivesProbabilities):
        raise ConfigError(
            f"distillation.temperature: softens probabilities, and the task {shared['task']} has "
            "numbers; leave it out"
        )
    return merge(shared, given)


def _with_more_epochs(recipe: Recipe, given: Mapping[str, Any]) -> Recipe:
    """Return the recipe with more epochs by default: soft targets overfit later than labels."""
    if "epochs" in section_of(given, "training"):
        return recipe
    epochs = recipe.training.epochs
    more = max(epochs, min(_MOST_EPOCHS, _MORE_EPOCHS * epochs))
    return recipe.model_copy(
        update={"training": recipe.training.model_copy(update={"epochs": more})}
    )


def _read_unlabeled(data: Any, column: str | None, recipe: Recipe, report: Report) -> Table:
    """Read texts without labels; columns of the labeled data say nothing about theirs."""
    known = type(recipe.section("data")).model_fields
    changes = {"text_column": column, "label_column": None}
    if column is not None and "text_column" not in known:
        raise ConfigError(f"unlabelled_column: is for texts; the input is {recipe.input}")
    settings = {key: value for key, value in changes.items() if key in known}
    try:
        rows = recipe.input_class.read(data, recipe.with_section("data", **settings), None, report)
    except DataError as error:
        for known_name, name in _READING_UNLABELED.items():
            error.args = (str(error).replace(known_name, name),)
        raise
    return rows.with_targets(None)


def _join(labeled: Table | None, unlabeled: Table | None) -> Table:
    """Return labeled rows, then rows whose label is null."""
    if labeled is None or unlabeled is None:
        rows = unlabeled if labeled is None else labeled
        if rows is None:
            raise ConfigError(
                "give texts that the teachers answer: --unlabelled FILE, --data FILE or both"
            )
        return rows
    kind = labeled.targets.dtype if labeled.targets is not None else pl.String
    nulls = pl.Series(labeled.target_role, [None] * len(unlabeled), dtype=kind)
    return concatenate([labeled, replace(unlabeled, names=labeled.names).with_targets(nulls)])


def _divide(
    labeled: Table | None,
    unlabeled: Table | None,
    held_out: Table | None,
    recipe: Recipe,
    report: Report,
) -> Rows:
    """Divide rows into those to learn from and those to validate on."""
    if held_out is not None:
        train, valid = labeled, held_out
    elif labeled is not None:
        recipe.input_class.check_rows(labeled, 2)
        recipe.task_class.check_rows(labeled, 2)
        parts = recipe.input_class.hold_out(labeled, recipe)
        train, valid = parts["train"], parts["valid"]
    else:
        assert unlabeled is not None
        share = recipe.section("data").validation_split
        halves = split(unlabeled, valid=share, seed=recipe.seed, stratify=False)
        return Rows(unlabeled.take(halves.train), unlabeled.take(halves.valid), None, None)
    if unlabeled is not None:
        unlabeled = _without_texts_of(valid, unlabeled, report)
    all_labeled = valid if train is None else concatenate([train, valid])
    return Rows(_join(train, unlabeled), valid, train, all_labeled)


def _without_texts_of(valid: Table, unlabeled: Table, report: Report) -> Table:
    """Return the unlabeled rows whose text is not among those to validate on."""
    numbers = number_distinct_texts(pl.concat([valid.keys, unlabeled.keys]))
    kept = np.flatnonzero(~np.isin(numbers[len(valid) :], numbers[: len(valid)]))
    dropped = len(unlabeled) - len(kept)
    if dropped:
        report(f"left out {pluralize(dropped, 'unlabeled row')} whose text is a validation row")
    if not len(kept):
        raise DataError(
            "every text is also a validation row, so there is none to learn from; give other texts",
            file=unlabeled.files[0],
        )
    return unlabeled.take(kept)


def _describe(rows: Rows) -> str:
    labeled = 0 if rows.labeled is None else len(rows.labeled)
    if rows.is_validated_by_labels:
        judged = "scores are those on the labels of the validation rows"
    else:
        judged = "without labels, scores are the agreement with the teachers"
    unlabeled = len(rows.train) - labeled
    return f"{labeled:,} labeled and {unlabeled:,} unlabeled rows to learn from; {judged}"
