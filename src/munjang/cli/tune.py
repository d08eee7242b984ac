"""`munjang tune`: a search over the settings of a model."""

from typing import Annotated

import typer

from munjang.cli.options import (
    AsJson,
    ConfigFile,
    Encoding,
    FreezeVectors,
    LabelColumn,
    ModelName,
    Quiet,
    Seed,
    Settings,
    SkipBadRows,
    TaskName,
    TextColumn,
    TokenizerName,
    Vectors,
    Wide,
)
from munjang.stopping import raise_on_signals


def tune(
    data: Annotated[
        list[str], typer.Argument(metavar="DATA", help="Files of labelled text, or -.")
    ],
    out: Annotated[str, typer.Option(metavar="FOLDER", help="Where everything is kept.")],
    model: ModelName = None,
    trials: Annotated[
        int, typer.Option(metavar="N", help="How many, those before --resume included.")
    ] = 30,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="N", help="End after so many seconds of trials, if that is sooner."),
    ] = None,
    space: Annotated[
        str | None, typer.Option(metavar="FILE", help="What to search otherwise, in YAML.")
    ] = None,
    task: TaskName = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    valid: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Judges the trials.  [default: a tenth of DATA]"),
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
        bool, typer.Option("--resume", help="Go on with the search stopped in FOLDER.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the search in FOLDER.")
    ] = False,
    as_json: AsJson = False,
    wide: Wide = False,
    quiet: Quiet = False,
) -> None:
    """Try many settings of one model on the same split, and keep the best.

    The first trial takes the model's own settings; Optuna chooses the others. They are judged on
    the validation part by training.metric; one that falls behind the median is given up, one that
    fails costs its own row. FOLDER/best is the best trial's model, FOLDER/tune.json tells of all.

    \b
    Examples:
      munjang tune reviews.tsv --model cnn --trials 30 --out tuned
      munjang tune reviews.tsv --model lstm --seconds 600 --set model.dim=64 --out tuned
      munjang tune reviews.tsv --model cnn --trials 60 --out tuned --resume

    What --set gives is fixed; --config is where the search begins. --space takes a file with lines
    such as 'model.dim: [32, 64]' or 'model.dropout: {low: 0.1, high: 0.6}'.
    """
    from munjang.cli.names import check_names, model_override
    from munjang.cli.progress import notes
    from munjang.cli.trials import show_tuning
    from munjang.tuning.run import tune as run

    raise_on_signals()
    check_names(task, model, tokenizer)
    tuned = run(
        data,
        out=out,
        trials=trials,
        seconds=seconds,
        space=space,
        task=task,
        text_column=text_column,
        label_column=label_column,
        valid=valid,
        config=config,
        overrides=[*model_override(model), *(settings or [])],
        seed=seed,
        tokenizer=tokenizer,
        vectors=vectors,
        freeze_vectors=freeze_vectors or None,
        encoding=encoding,
        skip_bad_rows=skip_bad_rows or None,
        resume=resume,
        overwrite=overwrite,
        report=notes(quiet=quiet),
    )
    show_tuning(tuned, as_json=as_json, wide=wide)
