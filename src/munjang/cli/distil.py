"""`munjang distil`: large models teach a small one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from munjang.cli.options import (
    AsJson,
    ConfigFile,
    Encoding,
    FromFolder,
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
from munjang.errors import ConfigError
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
    static: Annotated[
        bool,
        typer.Option(
            "--static",
            help="Make static vectors of the teacher's tokens instead: no texts are needed.",
        ),
    ] = False,
    dim: Annotated[
        int | None,
        typer.Option(metavar="N", help="Width of the vectors of --static.  [default: 256 or less]"),
    ] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    seed: Seed = None,
    tokenizer: TokenizerName = None,
    from_folder: FromFolder = None,
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

    With --static the student is an embedding: the vector of each token of an encoder such as bert,
    read alone. Texts are the mean of their tokens (model2vec). It is a model of the architecture
    mean for munjang embed, munjang search and munjang train --from.

    \b
    Examples:
      munjang distil my-model --model mean --unlabelled reviews.txt.gz --out student
      munjang distil one two --model cnn --unlabelled more.txt --data reviews.tsv --out student
      munjang distil one two --from pretrained --unlabelled more.txt --out student
      munjang distil my-model --unlabelled dump.parquet --unlabelled-column body --out student
      munjang distil minilm --static --out vectors
    """
    from munjang.cli.distilled import show_distillation
    from munjang.cli.names import check_names
    from munjang.cli.progress import watching
    from munjang.distillation.run import distil as run

    raise_on_signals()
    check_names(None, model, tokenizer, None)
    if static:
        others = {
            "--unlabelled": unlabelled,
            "--unlabelled-column": unlabelled_column,
            "--data": data,
            "--text-column": text_column,
            "--label-column": label_column,
            "--valid": valid,
            "--model": model,
            "--temperature": temperature,
            "--soft-weight": soft_weight,
            "--config": config,
            "--set": settings,
            "--seed": seed,
            "--tokenizer": tokenizer,
            "--from": from_folder,
            "--encoding": encoding,
            "--skip-bad-rows": skip_bad_rows or None,
            "--resume": resume or None,
        }
        _make_static(teachers, out, dim, others, overwrite=overwrite, as_json=as_json, quiet=quiet)
        return
    if dim is not None:
        raise ConfigError("--dim: is the width of the vectors of --static; use --set model.dim=64")
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
            from_folder=from_folder,
            encoding=encoding,
            skip_bad_rows=skip_bad_rows or None,
            resume=resume,
            overwrite=overwrite,
            report=progress.report,
            on_step=progress.step,
            progress=False,  # it is shown here
        )
    show_distillation(distilled, as_json=as_json, wide=wide)


def _make_static(
    teachers: list[str],
    out: str,
    dim: int | None,
    others: Mapping[str, object],
    *,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make static vectors; `others` are options that do not go with them, if they are given."""
    from munjang.cli.distilled import show_static
    from munjang.cli.progress import notes
    from munjang.cli.stages import showing_stages
    from munjang.distillation.static import distil_static

    named = next((name for name, value in others.items() if value is not None), None)
    if named is not None:
        raise ConfigError(f"{named}: --static reads the tokens of the teacher alone; leave it out")
    if len(teachers) > 1:
        raise ConfigError(f"--static: expected one teacher, got {len(teachers)}")
    with showing_stages(quiet=quiet):
        model = distil_static(
            teachers[0], dim=dim, out=out, overwrite=overwrite, report=notes(quiet=quiet)
        )
    show_static(model, out, as_json=as_json)


def _describe_resuming(out: str) -> str:
    """Return what to do next, according to what is in the folder."""
    from munjang.folder.layout import find_unfinished
    from munjang.folder.manifest import FILE as MANIFEST

    if find_unfinished(out) is not None:
        return f"the same command with --resume goes on from {out}"
    if (Path(out) / MANIFEST).exists():
        return f"a complete model is in {out}"
    return "the same command starts again"
