"""`munjang check`: the data and the cost of a training, before it starts."""

from typing import Annotated

import typer

from munjang.cli.options import (
    AsJson,
    ConfigFile,
    Data,
    Encoding,
    FirstColumn,
    InputName,
    LabelColumn,
    ModelName,
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
    TokenizerName,
    Wide,
)
from munjang.cli.output import note, show_json
from munjang.reporting import escape_line
from munjang.stopping import raise_on_signals


def check(
    data: Data = None,
    test: Annotated[
        str | None,
        typer.Option(metavar="DATA", help="Test data, to find rows that are also in DATA."),
    ] = None,
    task: TaskName = None,
    input_name: InputName = None,
    model: ModelName = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    first_column: FirstColumn = None,
    second_column: SecondColumn = None,
    source_column: SourceColumn = None,
    target_column: TargetColumn = None,
    source: SourceFile = None,
    target: TargetFile = None,
    test_source: TestSource = None,
    test_target: TestTarget = None,
    config: ConfigFile = None,
    settings: Settings = None,
    tokenizer: TokenizerName = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    as_json: AsJson = False,
    wide: Wide = False,
) -> None:
    """Check data before training, and estimate the cost.

    Shows lengths, duplicate rows, rows that are in both DATA and --test, OOV rates at several
    vocabulary thresholds, the share of padding, and memory and time of a training, estimated from
    a few real steps. It also shows what the task needs: the balance of labels and texts with two
    labels; the distribution of numbers; labels per row; for pairs of texts length ratios and
    sources with several targets; for images sizes, color modes and unreadable files.

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
    from munjang.cli.report import draw
    from munjang.cli.sources import choose_data, choose_held_out
    from munjang.cli.stages import showing_stages

    raise_on_signals()
    check_names(task, model, tokenizer, input_name)
    with showing_stages():
        report = check_data(
            choose_data(data, source, target),
            test=choose_held_out("--test", test, test_source, test_target),
            task=task,
            config=config,
            columns={
                "text_column": text_column,
                "label_column": label_column,
                "first_column": first_column,
                "second_column": second_column,
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
        note(escape_line(line))
    if as_json:
        show_json(report.to_json())
    else:
        draw(report_blocks(report), wide=wide)
