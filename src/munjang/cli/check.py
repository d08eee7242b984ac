"""The command `munjang check`: check data and cost before training."""

from typing import Annotated

import typer

from munjang.cli.options import (
    AsJson,
    ConfigFile,
    Encoding,
    InputName,
    LabelColumn,
    ModelName,
    Settings,
    SkipBadRows,
    SourceColumn,
    SourceFile,
    TargetColumn,
    TargetFile,
    TaskName,
    TextColumn,
    TokenizerName,
    Wide,
)
from munjang.cli.output import note, show_json, shown
from munjang.stopping import raise_on_signals


def check(
    data: Annotated[
        list[str] | None,
        typer.Argument(metavar="DATA", help="Files of text or pairs, a folder of images, or -."),
    ] = None,
    test: Annotated[
        str | None, typer.Option(metavar="DATA", help="Held-out data, to find what occurs in both.")
    ] = None,
    task: TaskName = None,
    input_name: InputName = None,
    model: ModelName = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    source_column: SourceColumn = None,
    target_column: TargetColumn = None,
    source: SourceFile = None,
    target: TargetFile = None,
    test_source: Annotated[
        str | None, typer.Option(metavar="FILE", help="Held-out sources, one per line.")
    ] = None,
    test_target: Annotated[
        str | None, typer.Option(metavar="FILE", help="Their targets, line by line.")
    ] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    tokenizer: TokenizerName = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    as_json: AsJson = False,
    wide: Wide = False,
) -> None:
    """Check data before training on it, and estimate the cost of a training.

    Reports labels and their balance (numbers for the task regress, labels per row for multilabel),
    lengths, texts that occur twice, under two labels, or in both DATA and the test, OOV rates at
    several thresholds, the share of padding, and an estimate of memory and time from a few real
    training steps.
    For pairs (--task translate): lengths and length ratios of both sides, repeated pairs, sources
    with several targets, targets that are their source, tokens, and pairs that are too long.
    For images (--task images): classes, sizes, modes, files that are no images, and repeats.

    \b
    Examples:
      munjang check reviews.tsv
      munjang check train.csv --test test.csv --model lstm --set training.epochs=3
      munjang check ratings.tsv --task regress
      munjang check pairs.tsv --task translate --source-column en --target-column ko
      munjang check --task translate --source train.en --target train.de
      munjang check pictures --task images
    """
    from munjang.checking import check as check_data
    from munjang.checking import report_blocks
    from munjang.cli.names import check_names
    from munjang.cli.pairs import data_or_pairs, held_out_or_pairs
    from munjang.cli.report import draw
    from munjang.cli.stages import showing_stages

    raise_on_signals()
    check_names(task, model, tokenizer, input_name)
    with showing_stages():
        report = check_data(
            data_or_pairs(data, source, target),
            test=held_out_or_pairs("--test", test, test_source, test_target),
            task=task,
            config=config,
            columns={
                "text_column": text_column,
                "label_column": label_column,
                "source_column": source_column,
                "target_column": target_column,
                "encoding": encoding,
                "skip_bad_rows": skip_bad_rows or None,
            },
            tokenizer=tokenizer,
            model=model,
            input_name=input_name,
            overrides=settings or [],
        )
    for line in report.notes:
        note(shown(line))
    if as_json:
        show_json(report.to_json())
    else:
        draw(report_blocks(report), wide=wide)
