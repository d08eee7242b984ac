"""`munjang check`: a look at the data before training."""

from typing import TYPE_CHECKING, Annotated

import typer

from munjang.cli.options import (
    AsJson,
    ConfigFile,
    Encoding,
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

if TYPE_CHECKING:
    from munjang.data.data_report import DataReport
    from munjang.data.pairs.checks import PairReport


def check(
    data: Annotated[
        list[str] | None,
        typer.Argument(metavar="DATA", help="Files of labelled text or of pairs, or -."),
    ] = None,
    test: Annotated[
        str | None, typer.Option(metavar="FILE", help="Held-out text, to see what stands in both.")
    ] = None,
    task: TaskName = None,
    model: ModelName = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    source_column: SourceColumn = None,
    target_column: TargetColumn = None,
    source: SourceFile = None,
    target: TargetFile = None,
    test_source: Annotated[
        str | None, typer.Option(metavar="FILE", help="Held-out sources, one a line.")
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
    """Look at the data before training on it.

    Tells rows, labels and their balance (of the task regress how large the numbers are, of
    multilabel how many labels a row has), lengths, texts that stand twice or under two labels or in
    both DATA and the test, words out of vocabulary at several thresholds, what padding would cost,
    and an estimate of the memory and time of a training, from a few real steps of it.
    Of pairs (--task translate) the lengths of both sides and how far they are apart, pairs that
    stand twice, sources with two targets, targets that are their source, tokens of both sides, and
    pairs that are too long.

    \b
    Examples:
      munjang check reviews.tsv
      munjang check train.csv --test test.csv --model lstm --set training.epochs=3
      munjang check ratings.tsv --task regress
      munjang check pairs.tsv --task translate --source-column en --target-column ko
      munjang check --task translate --source train.en --target train.de
    """
    from munjang.checking import check as look
    from munjang.cli.names import check_names, model_override
    from munjang.cli.pairs import data_or_pairs, held_out_or_pairs
    from munjang.cli.stages import showing_stages

    raise_on_signals()
    check_names(task, model, tokenizer)
    with showing_stages():
        report = look(
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
            overrides=[*model_override(model), *(settings or [])],
        )
    _show(report, as_json=as_json, wide=wide)


def _show(report: "DataReport | PairReport", *, as_json: bool, wide: bool) -> None:
    """Everything that was found; notes go to standard error."""
    from munjang.cli.pair_report import show_pairs
    from munjang.cli.report import show_texts
    from munjang.data.pairs.checks import PairReport

    for line in report.notes:
        note(shown(line))
    if as_json:
        show_json(report.to_json())
    elif isinstance(report, PairReport):
        show_pairs(report, wide=wide)
    else:
        show_texts(report, wide=wide)
