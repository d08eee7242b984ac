"""`munjang train`: from data to a model folder."""

from pathlib import Path
from typing import Annotated

import typer

from munjang.cli.options import (
    AsJson,
    Budget,
    Cache,
    Cluster,
    ConfigFile,
    Data,
    Encoding,
    FirstColumn,
    FreezeVectors,
    FromFolder,
    InputName,
    LabelColumn,
    ModelName,
    Quiet,
    SecondColumn,
    Seed,
    Settings,
    SkipBadRows,
    SourceColumn,
    SourceFile,
    TargetColumn,
    TargetFile,
    TaskName,
    TextColumn,
    TokenizerName,
    ValidSource,
    ValidTarget,
    Vectors,
    WorkerCount,
)
from munjang.cli.outcome import resumable
from munjang.errors import ConfigError
from munjang.stopping import raise_on_signals


def train(
    out: Annotated[str, typer.Option(metavar="FOLDER", help="Model folder to write.")],
    data: Data = None,
    task: TaskName = None,
    input_name: InputName = None,
    model: ModelName = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    valid: Annotated[
        str | None,
        typer.Option(
            metavar="DATA", help="Validation data, like DATA.  [default: 10% of DATA, held out]"
        ),
    ] = None,
    first_column: FirstColumn = None,
    second_column: SecondColumn = None,
    source_column: SourceColumn = None,
    target_column: TargetColumn = None,
    source: SourceFile = None,
    target: TargetFile = None,
    valid_source: ValidSource = None,
    valid_target: ValidTarget = None,
    config: ConfigFile = None,
    settings: Settings = None,
    seed: Seed = None,
    budget: Budget = None,
    tokenizer: TokenizerName = None,
    vectors: Vectors = None,
    freeze_vectors: FreezeVectors = False,
    from_folder: FromFolder = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    cache: Cache = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume the training that was stopped in FOLDER.")
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace an earlier training in FOLDER; its model stays until the new one is "
            "complete.",
        ),
    ] = False,
    workers: WorkerCount = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a model and save it in a folder.

    DATA is CSV, TSV, JSON Lines, Parquet or plain text, also gzipped. For --task images it is a
    folder with one subfolder per class. For --task translate it is a table with a source and a
    target column, or two files aligned line by line: --source and --target. Whatever is inferred,
    such as columns, is reported. After Ctrl-C the same command with --resume continues.

    \b
    Examples:
      munjang train reviews.tsv --text-column document --label-column label --out my-model
      munjang train train.csv --valid dev.csv --model lstm --set training.epochs=3 --out my-model
      munjang train ratings.tsv --task regress --out my-model
      munjang train train.csv --vectors crawl-300d-2M.vec --freeze-vectors --out my-model
      munjang train train.csv --from my-pretrained-model --out my-model
      munjang train genres.jsonl --task multilabel --label-column genres --out my-model
      munjang train digits --task images --out my-model
      munjang train pairs.tsv --task translate --source-column en --target-column ko --out my-model
      munjang train --task translate --source train.en --target train.de --out my-model
      munjang train train.csv --model lstm --workers 2 --out my-model
      munjang train old.csv --encoding cp949 --skip-bad-rows --out my-model --resume

    All settings are in config.yaml of a model folder. --config reads such a file; --set changes
    single settings. For an unknown setting the nearest known one is suggested.
    """
    from munjang.cli.joining import choose_trainer, is_worker
    from munjang.cli.launching import launch
    from munjang.cli.names import check_names
    from munjang.cli.progress import watching
    from munjang.cli.results import show_training
    from munjang.cli.sources import choose_data, choose_held_out

    def describe_resuming() -> str:
        return _describe_resuming(out, overwrite=overwrite)

    check_names(task, model, tokenizer, input_name)
    if cluster is None and workers is not None and workers > 1 and not is_worker():
        _check_data(data)
        raise typer.Exit(launch(workers, describe_resuming))
    raise_on_signals()
    with (
        choose_trainer(workers, cluster, describe_resuming) as (fit, is_shown),
        resumable(describe_resuming),
        watching(quiet=quiet or not is_shown) as progress,
    ):
        trained = fit(
            choose_data(data, source, target),
            task=task,
            input=input_name,
            model=model,
            text_column=text_column,
            label_column=label_column,
            first_column=first_column,
            second_column=second_column,
            source_column=source_column,
            target_column=target_column,
            out=out,
            valid=choose_held_out("--valid", valid, valid_source, valid_target),
            config=config,
            overrides=settings or [],
            seed=seed,
            budget=budget,
            tokenizer=tokenizer,
            vectors=vectors,
            freeze_vectors=freeze_vectors or None,
            from_folder=from_folder,
            encoding=encoding,
            skip_bad_rows=skip_bad_rows or None,
            cache=cache,
            resume=resume,
            overwrite=overwrite,
            report=progress.report,
            on_step=progress.step,
        )
    show_training(trained, as_json=as_json)


def _check_data(data: list[str] | None) -> None:
    """Refuse what only one process can read."""
    if data and "-" in data:
        raise ConfigError(
            "--workers: standard input (-) is read by one process only; give the name of a file"
        )


def _describe_resuming(out: str, *, overwrite: bool) -> str:
    """Return what to do next, according to what is in the folder."""
    from munjang.folder.layout import find_unfinished
    from munjang.folder.manifest import FILE as MANIFEST

    if (Path(out) / MANIFEST).exists() and not overwrite:
        return f"a complete model is in {out}"
    if find_unfinished(out) is not None:
        return f"the same command with --resume continues from {out}"
    return "the same command starts again"
