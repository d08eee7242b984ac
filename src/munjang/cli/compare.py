"""`munjang compare`: many models on the same data, split, budget and seeds."""

from typing import Annotated

import typer

from munjang.cli.options import (
    AsJson,
    ConfigFile,
    Encoding,
    InputName,
    LabelColumn,
    Quiet,
    Settings,
    SkipBadRows,
    SourceColumn,
    SourceFile,
    TargetColumn,
    TargetFile,
    TaskName,
    TextColumn,
    Wide,
)
from munjang.cli.outcome import DONE, FAILED, resumable
from munjang.cli.output import note
from munjang.stopping import raise_on_signals


def compare(
    out: Annotated[str, typer.Option(metavar="FOLDER", help="Folder of the comparison.")],
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DATA", help="Files of labeled text or of pairs, or -; or a folder of images."
        ),
    ] = None,
    task: TaskName = None,
    input_name: InputName = None,
    models: Annotated[
        str,
        typer.Option(
            metavar="NAMES", help="all, or names such as mean,cnn,nbsvm or seq2seq,attentive."
        ),
    ] = "all",
    tokenizers: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Cross one network with these, such as words,jamo."),
    ] = None,
    budget: Annotated[
        str,
        typer.Option(
            metavar="AMOUNT",
            help="Budget of each training: 60s, 5m, '2M tokens'; of images '20k images'.",
        ),
    ] = "60s",
    seeds: Annotated[int, typer.Option(metavar="N", help="Runs of each network.")] = 3,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="accuracy, macro_f1 or log_loss; of numbers mae, rmse or r2; of sets of labels "
            "micro_f1, macro_f1, subset_accuracy or log_loss; of pairs chrf, bleu or exact_match.  "
            "[default: the first]",
        ),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="How far behind the best is good enough, in the unit of the metric.  "
            "[default: 0.01; of chrf and bleu 1, of log_loss 0.02; of mae and rmse 1% of the "
            "standard deviation of the numbers to train on]",
        ),
    ] = None,
    valid: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Chooses best steps.  [default: a tenth of DATA]"),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="All models are judged on it.  [default: a tenth of DATA]"
        ),
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    source_column: SourceColumn = None,
    target_column: TargetColumn = None,
    source: SourceFile = None,
    target: TargetFile = None,
    valid_source: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Sources that choose best steps, one per line."),
    ] = None,
    valid_target: Annotated[
        str | None, typer.Option(metavar="FILE", help="Their targets, line by line.")
    ] = None,
    test_source: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Sources that all models are judged on, one per line."),
    ] = None,
    test_target: Annotated[
        str | None, typer.Option(metavar="FILE", help="Their targets, line by line.")
    ] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the comparison in FOLDER.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the comparison in FOLDER.")
    ] = False,
    as_json: AsJson = False,
    wide: Wide = False,
    quiet: Quiet = False,
) -> int:
    """Compare models on the same data, and name the smallest that is good enough.

    Each model trains with its own settings within the budget, each run in a process of its own: one
    that fails costs its own row; if all fail, the exit code is 1. Baselines without a network are
    compared, too, such as majority, tfidf-words, nbsvm, dummy-mean of numbers, logistic-pixels of
    images, or nearest of pairs; --models all names every one. FOLDER then holds every model,
    compare.json, compare.csv and compare.html.

    \b
    Examples:
      munjang compare reviews.tsv --budget 60s --seeds 3 --out compared
      munjang compare reviews.tsv --models cnn --tokenizers words,characters,jamo --out cut
      munjang compare reviews.tsv --budget 60s --seeds 3 --out compared --resume
      munjang compare pairs.tsv --task translate --models all --budget 5m --out compared
      munjang compare --task translate --source train.en --target train.de --out compared
      munjang compare ratings.tsv --task regress --metric rmse --out compared
      munjang compare symbols/ --task images --budget '20k images' --out compared
    """
    from munjang.cli.pairs import data_or_pairs, held_out_or_pairs
    from munjang.cli.progress import notes
    from munjang.cli.standings import show_comparison
    from munjang.comparison.run import compare as run
    from munjang.config import parse_overrides

    raise_on_signals()
    with resumable(lambda: f"the same command with --resume goes on from {out}"):
        comparison = run(
            data_or_pairs(data, source, target),
            out=out,
            task=task,
            input=input_name,
            models=models,
            tokenizers=tokenizers,
            budget=budget,
            seeds=seeds,
            metric=metric,
            margin=margin,
            valid=held_out_or_pairs("--valid", valid, valid_source, valid_target),
            test=held_out_or_pairs("--test", test, test_source, test_target),
            text_column=text_column,
            label_column=label_column,
            source_column=source_column,
            target_column=target_column,
            config=config,
            overrides=parse_overrides(settings or ()),
            encoding=encoding,
            skip_bad_rows=skip_bad_rows or None,
            resume=resume,
            overwrite=overwrite,
            report=notes(quiet=quiet),
        )
    show_comparison(comparison, as_json=as_json, wide=wide)
    if not comparison.finished:
        note(f"munjang: no run finished; see {out}/runs/*/*/log.txt")
        return FAILED
    return DONE
