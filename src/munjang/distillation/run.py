"""`munjang.distil`: teachers, their answers, and the training of a student."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from munjang.api import Trained, fit
from munjang.config import collect_settings
from munjang.displayed import Displayed
from munjang.distillation.comparison import Comparison, compare
from munjang.distillation.student import prepare_student
from munjang.distillation.teachers import load_teachers
from munjang.errors import ConfigError
from munjang.folder.layout import refuse_occupied
from munjang.forked import require_polars
from munjang.names import find_existing_path
from munjang.progress.showing import show_progress
from munjang.reporting import Report, discard
from munjang.training.run import OnStep


@dataclass(frozen=True, repr=False)
class Distilled(Displayed):
    """Result of a distillation.

    Attributes:
        trained: the student, as a training returns it.
        comparison: the student beside its teachers.
    """

    trained: Trained
    comparison: Comparison

    drawings: ClassVar[str] = "munjang.report.models:DISTILLED"

    def summary(self) -> str:
        """Return the student, and what it stands beside."""
        return f"{self.trained.model!r}, {self.comparison!r}"


def distil(
    teachers: str | Path | Sequence[str | Path],
    unlabelled: Any = None,
    *,
    data: Any = None,
    model: str | None = None,
    unlabelled_column: str | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    valid: Any = None,
    out: str | Path | None = None,
    temperature: float | None = None,
    soft_weight: float | None = None,
    config: str | Path | Mapping[str, Any] | None = None,
    overrides: Iterable[str] = (),
    seed: int | None = None,
    tokenizer: str | None = None,
    from_folder: Any = None,
    encoding: str | None = None,
    skip_bad_rows: bool | None = None,
    resume: bool = False,
    overwrite: bool = False,
    report: Report | None = None,
    on_step: OnStep | None = None,
    progress: bool = True,
) -> Distilled:
    """Train a student: a model that learns the answers of other models (knowledge distillation).

    The teachers answer every row once. The student learns their probabilities, or their numbers,
    and of labeled rows also the label. It is an ordinary model of its teachers' task.

    Args:
        teachers: model folders of the tasks classify, multilabel or regress, with the same labels.
            The mean of several answers is learned.
        unlabelled: texts without labels: a path or several, as for `munjang.train`.
        data: labeled rows, as for `munjang.train`. A share is held out for validation.
        model: name of the student's architecture; that of `from_folder`, or cnn, if omitted.
        unlabelled_column: column of the texts of `unlabelled`; inferred if omitted.
        text_column: column of the texts of `data`; inferred if omitted.
        label_column: column of the labels of `data`; inferred if omitted.
        valid: labeled rows to validate on, instead of a share of `data`. Without labeled rows a
            share of `unlabelled` is held out, and scores are the agreement with the teachers.
        out: model folder to write; None keeps the model in memory only.
        temperature: softens probabilities, Hinton's T; 1 if omitted.
        soft_weight: weight of the teachers' answer in the loss of a labeled row; 0.5 if omitted.
        config: settings of the student, as for `munjang.train`.
        overrides: `key=value` strings that win over `config`.
        seed: random seed; 0 if omitted.
        tokenizer: name of the student's tokenizer; inferred if omitted.
        from_folder: model folder that the student begins from, or a loaded model: its encoder,
            tokenizer and vocabulary, as for `munjang.train`.
        encoding: encoding of text files; utf-8 if omitted.
        skip_bad_rows: skip and count unusable rows instead of raising.
        resume: continue the run in `out`, if there is one.
        overwrite: replace a model or an unfinished run in `out`.
        report: function called with notes.
        on_step: function called with every step.
        progress: show a bar in a notebook or on a terminal, as `munjang.train` does.

    Raises:
        MunjangError: a teacher, the data, a setting or the folder cannot be used.
        Interrupted: Ctrl-C or SIGTERM stopped the training; `out` holds a checkpoint.

    Example:
        >>> student = munjang.distil("teacher", "reviews.txt.gz", model="mean", out="student")
        >>> student.comparison.models[-1].agreement["accuracy"]
        0.957
    """
    require_polars("A training")
    report = report or discard
    folders = [teachers] if isinstance(teachers, str | Path) else teachers
    names = [str(folder) for folder in folders]
    weights = {"temperature": temperature, "soft_weight": soft_weight}
    columns = {
        "text_column": text_column,
        "label_column": label_column,
        "encoding": encoding,
        "skip_bad_rows": skip_bad_rows,
    }
    named = {
        "seed": seed,
        "data": columns,
        "tokenizer": {"name": tokenizer},
        "model": {"name": model},
        "distillation": {"teachers": names, **weights},
    }
    given = collect_settings(config, named, overrides)
    _refuse_teacher(out, names)
    refuse_occupied(out, resume=resume, overwrite=overwrite)
    with show_progress(progress) as display:
        student = prepare_student(
            load_teachers(names),
            given,
            report,
            unlabelled=unlabelled,
            unlabelled_column=unlabelled_column,
            data=data,
            valid=valid,
            from_folder=from_folder,
        )
        trained = fit(
            student.prepared,
            out,
            resume=resume,
            overwrite=overwrite,
            report=report,
            on_step=display.beside(on_step),
            complete=student.answer,
        )
        comparison = compare(student, trained.model, trained.folder)
        return Distilled(_with_comparison(trained, comparison), comparison)


def _refuse_teacher(out: str | Path | None, names: Sequence[str]) -> None:
    """Refuse to write a student over a teacher, which is asked again once the student is saved.

    Raises:
        ConfigError: naming the folder.
    """
    places = [] if out is None else [find_existing_path(name) for name in names]
    for place in places:
        if out is not None and Path(out).exists() and place.exists() and place.samefile(out):
            raise ConfigError(
                f"out: {out} is the folder of a teacher, which the student is compared with; "
                "choose another folder"
            )


def _with_comparison(trained: Trained, comparison: Comparison) -> Trained:
    """Return the result with the comparison in its metrics, which are saved again."""
    metrics = {**trained.metrics, "distillation": comparison.to_json()}
    model = replace(trained.model, metrics=metrics)
    if trained.folder is not None:
        model.save(trained.folder)
    return replace(trained, model=model, metrics=metrics)
