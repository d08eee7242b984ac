"""`munjang compare`: many models on the same data, split, budget and seeds."""

from typing import Annotated

import typer

from munjang.cli import completion
from munjang.cli.options import (
    AsJson,
    Cluster,
    ConfigFile,
    Cores,
    Data,
    Encoding,
    FirstColumn,
    InputName,
    LabelColumn,
    Quiet,
    SecondColumn,
    Settings,
    SkipBadRows,
    SourceColumn,
    SourceFile,
    TargetColumn,
    TargetFile,
    TaskName,
    TestSource,
    TestTarget,
    TextColumn,
    ValidSource,
    ValidTarget,
    Wide,
)
from munjang.cli.outcome import DONE, FAILED, resumable
from munjang.cli.output import note
from munjang.stopping import raise_on_signals


def compare(
    out: Annotated[str, typer.Option(metavar="FOLDER", help="Folder of the comparison to write.")],
    data: Data = None,
    task: TaskName = None,
    input_name: InputName = None,
    models: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Architectures and baselines, such as mean,cnn,nbsvm; or all.",
            autocompletion=completion.compared_models,
        ),
    ] = "all",
    tokenizers: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Tokenizers to train one architecture with, such as words,jamo.",
            autocompletion=completion.tokenizers,
        ),
    ] = None,
    from_folder: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="FOLDER",
            help="Model folder: a model of its architecture that begins from it is compared too. "
            "Repeatable.",
        ),
    ] = None,
    budget: Annotated[
        str,
        typer.Option(
            metavar="AMOUNT",
            help="Budget per training: 60s, 5m, '2M tokens' or, for images, '20k images'.",
        ),
    ] = "60s",
    seeds: Annotated[
        int,
        typer.Option(metavar="N", help="Number of runs per architecture, each with its own seed."),
    ] = 3,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Metric that ranks the models, such as macro_f1, log_loss, rmse or bleu.  "
            "[default: {compared_metrics}]",
            autocompletion=completion.metrics,
        ),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="A model this far behind the best is still good enough, in the unit of the "
            "metric.  [default: 1% of its range; of log_loss and of bits 0.02; of mae and rmse 1% "
            "of the standard deviation of the training numbers]",
        ),
    ] = None,
    valid: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="Validation data, which selects checkpoints.  [default: 10% of DATA, held out]",
        ),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="Test data, which all models are scored on.  [default: 10% of DATA, held out]",
        ),
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    first_column: FirstColumn = None,
    second_column: SecondColumn = None,
    source_column: SourceColumn = None,
    target_column: TargetColumn = None,
    source: SourceFile = None,
    target: TargetFile = None,
    valid_source: ValidSource = None,
    valid_target: ValidTarget = None,
    test_source: TestSource = None,
    test_target: TestTarget = None,
    config: ConfigFile = None,
    settings: Settings = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    cluster: Cluster = None,
    cores: Cores = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume the comparison in FOLDER.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the comparison in FOLDER.")
    ] = False,
    as_json: AsJson = False,
    wide: Wide = False,
    quiet: Quiet = False,
) -> int:
    """Compare models, and find the smallest that is good enough.

    Every model trains on the same data and split, within the same budget, with its own default
    settings. Each run is a process of its own: if one fails, the others continue; if all fail, the
    exit code is 1. Baselines without a network, such as majority, tfidf-words and nbsvm, are
    compared too. FOLDER holds every model, compare.json, compare.csv and compare.html.

    \b
    Examples:
      munjang compare reviews.tsv --budget 60s --seeds 3 --out compared
      munjang compare reviews.tsv --models cnn --tokenizers words,characters,jamo --out tokenizers
      munjang compare reviews.tsv --models bert,cnn --from pretrained-bert --out compared
      munjang compare reviews.tsv --budget 60s --seeds 3 --out compared --resume
      munjang compare reviews.tsv --seeds 5 --out /shared/compared --cluster auto
      munjang compare pairs.tsv --task translate --models all --budget 5m --out compared
      munjang compare --task translate --source train.en --target train.de --out compared
      munjang compare ratings.tsv --task regress --metric rmse --out compared
      munjang compare symbols/ --task images --budget '20k images' --out compared
      munjang compare book.txt --task language --budget 3m --out compared
      munjang compare book.txt --task language --models gru --tokenizers jamo,bpe --out compared
      munjang compare reviews.txt --task masked_lm --models bert,gru --budget 3m --out compared
    """
    from munjang.cli.progress import notes
    from munjang.cli.sources import choose_data, choose_held_out
    from munjang.cli.standings import show_comparison
    from munjang.comparison.run import compare as run
    from munjang.config import parse_overrides

    raise_on_signals()
    with resumable(lambda: f"the same command with --resume continues from {out}"):
        comparison = run(
            choose_data(data, source, target),
            out=out,
            task=task,
            input=input_name,
            models=models,
            tokenizers=tokenizers,
            from_folder=from_folder or (),
            budget=budget,
            seeds=seeds,
            metric=metric,
            margin=margin,
            valid=choose_held_out("--valid", valid, valid_source, valid_target),
            test=choose_held_out("--test", test, test_source, test_target),
            text_column=text_column,
            label_column=label_column,
            first_column=first_column,
            second_column=second_column,
            source_column=source_column,
            target_column=target_column,
            config=config,
            overrides=parse_overrides(settings or ()),
            encoding=encoding,
            skip_bad_rows=skip_bad_rows or None,
            cluster=cluster,
            cores=cores,
            resume=resume,
            overwrite=overwrite,
            report=notes(quiet=quiet),
            progress=False,
        )
    show_comparison(comparison, as_json=as_json, wide=wide)
    if not comparison.finished:
        note(f"munjang: no run finished; see {out}/runs/*/*/log.txt")
        return FAILED
    return DONE
