"""`munjang evaluate`: scores of a model on data it has not seen."""

from typing import Annotated

import typer

from munjang.cli.options import (
    AsJson,
    Beam,
    Data,
    DecodingSettings,
    Encoding,
    FirstColumn,
    LabelColumn,
    ModelFolder,
    NoNotes,
    SecondColumn,
    SkipBadRows,
    SourceColumn,
    SourceFile,
    TargetColumn,
    TargetFile,
    TextColumn,
    Wide,
)
from munjang.stopping import raise_on_signals


def evaluate(
    folder: ModelFolder,
    data: Data = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    first_column: FirstColumn = None,
    second_column: SecondColumn = None,
    source_column: SourceColumn = None,
    target_column: TargetColumn = None,
    source: SourceFile = None,
    target: TargetFile = None,
    hypotheses: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write the answers to FILE, one per line; for models that write text.",
        ),
    ] = None,
    beam: Beam = None,
    settings: DecodingSettings = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    as_json: AsJson = False,
    wide: Wide = False,
    quiet: NoNotes = False,
) -> None:
    """Evaluate a model on data it has not seen.

    \b
    Scores:
      classify    accuracy, macro F1, log loss in nats, calibration error (0 is
                  best), precision and recall per class, confusion matrix
      regress     MAE, RMSE, Spearman correlation, R2 (1 is best; always
                  answering with the mean has 0)
      multilabel  micro F1, macro F1, subset accuracy, log loss, every label
      similarity  Spearman and Pearson correlation, RMSE; without numbers how often
                  the partner of a text is the nearest one, and mean reciprocal rank
      masked_lm   cross-entropy in nats per masked token, its exponential, accuracy;
                  beside those of token frequencies
      vectors     loss with negative sampling in nats per prediction, beside that of
                  word frequencies
      translate   chrF and BLEU by sacrebleu, exact match, cross-entropy in
                  nats per token, share of answers cut at the length limit

    Columns and encoding are those of the training if omitted.

    \b
    Examples:
      munjang evaluate my-model test.tsv
      munjang evaluate my-model test.csv --label-column sentiment --json
      munjang evaluate my-model --source test.en --target test.de --hypotheses answers.txt
    """
    from munjang.api import evaluate as run
    from munjang.cli.decoding import decoding_settings, write_hypotheses
    from munjang.cli.progress import notes
    from munjang.cli.results import show_evaluation
    from munjang.cli.sources import choose_data
    from munjang.cli.stages import showing_stages

    raise_on_signals()
    with showing_stages(quiet=quiet):
        scores = run(
            folder,
            choose_data(data, source, target),
            text_column=text_column,
            label_column=label_column,
            first_column=first_column,
            second_column=second_column,
            source_column=source_column,
            target_column=target_column,
            decoding=decoding_settings(beam, None, settings),
            encoding=encoding,
            skip_bad_rows=skip_bad_rows,
            report=notes(quiet=quiet),
        )
    if hypotheses is not None:
        write_hypotheses(hypotheses, scores)
    show_evaluation(scores, as_json=as_json, wide=wide)
