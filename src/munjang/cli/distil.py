"""`munjang distil`: large models teach a small one."""

from pathlib import Path
from typing import Annotated

import typer

from munjang.cli.options import (
    AsJson,
    ConfigFile,
    Encoding,
    LabelColumn,
    ModelName,
    Quiet,
    Seed,
    Settings,
    SkipBadRows,
    TextColumn,
    TokenizerName,
    Wide,
)
from munjang.cli.outcome import resumable
from munjang.stopping import raise_on_signals


def distil(
    teachers: Annotated[
        list[str], typer.Argument(metavar="TEACHER", help="Model folders whose answers to learn.")
    ],
    out: Annotated[str, typer.Option(metavar="FOLDER", help="Model folder to write.")],
    unlabelled: Annotated[
        list[str] | None,
        typer.Option(
            "--unlabelled",
            "--unlabeled",
            metavar="FILE",
            help="Texts without labels, which the teachers answer. Repeatable.",
        ),
    ] = None,
    unlabelled_column: Annotated[
        str | None,
        typer.Option(
            "--unlabelled-column",
            "--unlabeled-column",
            metavar="NAME",
            help="Column of the texts in --unlabelled. Inferred if omitted.",
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data", metavar="FILE", help="Labeled texts, to learn from as well. Repeatable."
        ),
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    valid: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Labeled texts to validate on.  [default: 10% of --data, held out; without "
            "labels 10% of --unlabelled]",
        ),
    ] = None,
    model: ModelName = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            metavar="T",
            help="Softens the probabilities; above 1 small ones count more.  [default: 1]",
        ),
    ] = None,
    soft_weight: Annotated[
        float | None,
        typer.Option(
            metavar="W",
            help="Weight of the teachers' answer in the loss of a labeled row, 0 to 1.  "
            "[default: 0.5]",
        ),
    ] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    seed: Seed = None,
    tokenizer: TokenizerName = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume the run that was stopped in FOLDER.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier training in FOLDER.")
    ] = False,
    as_json: AsJson = False,
    wide: Wide = False,
    quiet: Quiet = False,
) -> None:
    """Train a small model on the answers of larger ones.

    The teachers answer every text once. The student learns their probabilities (of regress their
    numbers), and the labels of --data. Several teachers of one task, with the same labels, are
    averaged. At the end the student is compared with its teachers: what was lost, and what each
    costs. After Ctrl-C the same command with --resume continues.

    \b
    Examples:
      munjang distil my-model --model mean --unlabelled reviews.txt.gz --out student
      munjang distil one two --model cnn --unlabelled more.txt --data reviews.tsv --out student
      munjang distil my-model --unlabelled dump.parquet --unlabelled-column body --out student
    """
    from munjang.cli.distilled import show_distillation
    from munjang.cli.names import check_names
    from munjang.cli.progress import watching
    from munjang.distillation.run import distil as run

    raise_on_signals()
    check_names(None, model, tokenizer, None)
    with resumable(lambda: _describe_resuming(out)), watching(quiet=quiet) as progress:
        distilled = run(
            teachers,
            unlabelled or None,
            data=data or None,
            model=model,
            unlabelled_column=unlabelled_column,
            text_column=text_column,
            label_column=label_column,
            valid=valid,
            out=out,
            temperature=temperature,
            soft_weight=soft_weight,
            config=config,
            overrides=settings or [],
            seed=seed,
            tokenizer=tokenizer,
            encoding=encoding,
            skip_bad_rows=skip_bad_rows or None,
            resume=resume,
            overwrite=overwrite,
            report=progress.report,
            on_step=progress.step,
        )
    show_distillation(distilled, as_json=as_json, wide=wide)


def _describe_resuming(out: str) -> str:
    """Return what to do next, according to what is in the folder."""
    from munjang.folder.layout import find_unfinished
    from munjang.folder.manifest import FILE as MANIFEST

    if find_unfinished(out) is not None:
        return f"the same command with --resume goes on from {out}"
    if (Path(out) / MANIFEST).exists():
        return f"a complete model is in {out}"
    return "the same command starts again"
