"""`munjang tune`: hyperparameter search for one architecture."""

from typing import Annotated

import typer

from munjang.cli.options import (
    AsJson,
    Cluster,
    ConfigFile,
    Cores,
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
    Wide,
)
from munjang.stopping import raise_on_signals


def tune(
    out: Annotated[str, typer.Option(metavar="FOLDER", help="Folder of the search to write.")],
    data: Data = None,
    model: ModelName = None,
    trials: Annotated[
        int, typer.Option(metavar="N", help="Number of trials, including those before --resume.")
    ] = 30,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="N", help="Time limit of all trials together, in seconds."),
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Search space in YAML, instead of the built-in one."),
    ] = None,
    task: TaskName = None,
    input_name: InputName = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    first_column: FirstColumn = None,
    second_column: SecondColumn = None,
    source_column: SourceColumn = None,
    target_column: TargetColumn = None,
    source: SourceFile = None,
    target: TargetFile = None,
    valid: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="Validation data, which scores the trials.  [default: 10% of DATA, held out]",
        ),
    ] = None,
    valid_source: ValidSource = None,
    valid_target: ValidTarget = None,
    config: ConfigFile = None,
    settings: Settings = None,
    seed: Seed = None,
    tokenizer: TokenizerName = None,
    vectors: Vectors = None,
    freeze_vectors: FreezeVectors = False,
    from_folder: FromFolder = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    parallel: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            help="Trials at once, each in a process of its own.  [default: 1; on a cluster its "
            "cores]",
        ),
    ] = None,
    cluster: Cluster = None,
    cores: Cores = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the search in FOLDER.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the search in FOLDER.")
    ] = False,
    as_json: AsJson = False,
    wide: Wide = False,
    quiet: Quiet = False,
) -> None:
    """Search for the best settings of one architecture.

    The first trial uses the default settings, Optuna chooses the others. All trials share one
    split, and training.metric on the validation data ranks them. A trial that is worse than the
    median is pruned; if one fails, the search continues. FOLDER/best is the best model,
    FOLDER/tune.json lists all trials.

    \b
    Examples:
      munjang tune reviews.tsv --model cnn --trials 30 --out tuned
      munjang tune reviews.tsv --model lstm --seconds 600 --set model.dim=64 --out tuned
      munjang tune reviews.tsv --model cnn --trials 60 --out tuned --resume
      munjang tune reviews.tsv --model cnn --trials 60 --out tuned --parallel 4
      munjang tune /shared/reviews.tsv --trials 60 --out /shared/tuned --cluster auto
      munjang tune pairs.tsv --task translate --model attentive --trials 20 --out tuned
      munjang tune symbols/ --task images --trials 20 --out tuned

    Settings of --set are fixed; --config is where the search starts. --space is a file with lines
    such as 'model.dim: [32, 64]' or 'model.dropout: {low: 0.1, high: 0.6}'.
    """
    from munjang.cli.names import check_names
    from munjang.cli.progress import notes
    from munjang.cli.sources import choose_data, choose_held_out
    from munjang.cli.trials import show_tuning
    from munjang.config import parse_overrides
    from munjang.tuning.run import tune as run

    raise_on_signals()
    check_names(task, model, tokenizer, input_name)
    tuned = run(
        choose_data(data, source, target),
        out=out,
        model=model,
        trials=trials,
        seconds=seconds,
        space=space,
        task=task,
        input=input_name,
        text_column=text_column,
        label_column=label_column,
        first_column=first_column,
        second_column=second_column,
        source_column=source_column,
        target_column=target_column,
        valid=choose_held_out("--valid", valid, valid_source, valid_target),
        config=config,
        overrides=parse_overrides(settings or ()),
        seed=seed,
        tokenizer=tokenizer,
        vectors=vectors,
        freeze_vectors=freeze_vectors or None,
        from_folder=from_folder,
        encoding=encoding,
        skip_bad_rows=skip_bad_rows or None,
        parallel=parallel,
        cluster=cluster,
        cores=cores,
        resume=resume,
        overwrite=overwrite,
        report=notes(quiet=quiet),
        progress=False,
    )
    show_tuning(tuned, as_json=as_json, wide=wide)
