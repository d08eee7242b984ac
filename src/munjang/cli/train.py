"""`munjang train`: from labeled text to a model folder."""

from pathlib import Path
from typing import Annotated

import typer

from munjang.cli.options import (
    AsJson,
    ConfigFile,
    Encoding,
    FreezeVectors,
    InputName,
    LabelColumn,
    ModelName,
    Quiet,
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
    Vectors,
)
from munjang.cli.outcome import resumable
from munjang.stopping import raise_on_signals


def train(
    out: Annotated[str, typer.Option(metavar="FOLDER", help="Where the model is saved.")],
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DATA", help="Files of labeled text or of pairs, or -; a folder of images."
        ),
    ] = None,
    task: TaskName = None,
    input_name: InputName = None,
    model: ModelName = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    valid: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Labeled text to validate on.  [default: a tenth of DATA]"
        ),
    ] = None,
    source_column: SourceColumn = None,
    target_column: TargetColumn = None,
    source: SourceFile = None,
    target: TargetFile = None,
    valid_source: Annotated[
        str | None, typer.Option(metavar="FILE", help="Sources to validate on, one a line.")
    ] = None,
    valid_target: Annotated[
        str | None, typer.Option(metavar="FILE", help="Their targets, line by line.")
    ] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    seed: Seed = None,
    tokenizer: TokenizerName = None,
    vectors: Vectors = None,
    freeze_vectors: FreezeVectors = False,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the training that was stopped in FOLDER.")
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace what an earlier training left in FOLDER; a model stays until the new "
            "one is whole.",
        ),
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a model on labeled text, on images or on pairs of texts, and save it in a folder.

    DATA is CSV, TSV, JSON Lines, Parquet or plain text, each also gzipped; with --task images a
    folder with one subfolder per class, or the sample digits; with --task translate a table with a
    source and a target column, or two files that are aligned line by line: --source and --target.
    What is guessed is said.
    Ctrl-C leaves a folder that the same command with --resume goes on from.

    \b
    Examples:
      munjang train reviews.tsv --text-column document --label-column label --out my-model
      munjang train train.csv --valid dev.csv --model lstm --set training.epochs=3 --out my-model
      munjang train ratings.tsv --task regress --out my-model
      munjang train train.csv --vectors crawl-300d-2M.vec --freeze-vectors --out my-model
      munjang train genres.jsonl --task multilabel --label-column genres --out my-model
      munjang train digits --task images --out my-model
      munjang train pairs.tsv --task translate --source-column en --target-column ko --out my-model
      munjang train --task translate --source train.en --target train.de --out my-model
      munjang train old.csv --encoding cp949 --skip-bad-rows --out my-model --resume

    Settings are those of config.yaml in every model folder; --config takes such a file and --set
    wins over it. An unknown key hears the nearest known one.
    """
    from munjang.api import train as fit
    from munjang.cli.names import check_names
    from munjang.cli.pairs import data_or_pairs, held_out_or_pairs
    from munjang.cli.progress import chosen_metric, watching
    from munjang.cli.results import show_training

    raise_on_signals()
    check_names(task, model, tokenizer, input_name)
    metric = chosen_metric(task, config, settings or [])
    with (
        resumable(lambda: _goes_on(out, overwrite=overwrite)),
        watching(metric, quiet=quiet) as progress,
    ):
        trained = fit(
            data_or_pairs(data, source, target),
            task=task,
            input=input_name,
            model=model,
            text_column=text_column,
            label_column=label_column,
            source_column=source_column,
            target_column=target_column,
            out=out,
            valid=held_out_or_pairs("--valid", valid, valid_source, valid_target),
            config=config,
            overrides=settings or [],
            seed=seed,
            tokenizer=tokenizer,
            vectors=vectors,
            freeze_vectors=freeze_vectors or None,
            encoding=encoding,
            skip_bad_rows=skip_bad_rows or None,
            resume=resume,
            overwrite=overwrite,
            report=progress.report,
            on_step=progress.step,
        )
    show_training(trained, as_json=as_json)


def _goes_on(out: str, *, overwrite: bool) -> str:
    """What to type next, by what stands in the folder."""
    from munjang.folder.layout import find_unfinished
    from munjang.folder.manifest import FILE as MANIFEST

    if (Path(out) / MANIFEST).exists() and not overwrite:
        return f"a finished model stands in {out}"
    if find_unfinished(out) is not None:
        return f"the same command with --resume goes on from {out}"
    return "the same command begins anew"
