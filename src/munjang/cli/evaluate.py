"""`munjang evaluate`: how good a model is on text that it has not seen."""

from typing import Annotated

import typer

from munjang.cli.options import (
    AsJson,
    Beam,
    DecodingSettings,
    Encoding,
    LabelColumn,
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
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="A trained model.")],
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DATA", help="Files of labeled text or of pairs, or -; a folder of images."
        ),
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    source_column: SourceColumn = None,
    target_column: TargetColumn = None,
    source: SourceFile = None,
    target: TargetFile = None,
    hypotheses: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write the answers there, one a line (translate)."),
    ] = None,
    beam: Beam = None,
    settings: DecodingSettings = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    as_json: AsJson = False,
    wide: Wide = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only the result: no notes.")
    ] = False,
) -> None:
    """Judge a model on labeled text that it has not seen.

    Prints accuracy, macro F1, log loss (nats; lower is better), calibration error (how far the
    probabilities are from the truth; 0 is perfect), precision and recall of each class, and the
    confusion matrix. Of a model that gives numbers: MAE and RMSE (in their unit), Spearman's rank
    correlation, and R2 (1 is perfect, 0 no better than always the mean). Of a model that answers
    with texts: chrF and BLEU by sacrebleu with their signatures, exact match, cross-entropy (nats a
    token), and the share of answers that were cut. Columns and encoding are those of the training
    if not given.

    \b
    Examples:
      munjang evaluate my-model test.tsv
      munjang evaluate my-model test.csv --label-column sentiment --json
      munjang evaluate my-model --source test.en --target test.de --hypotheses answers.txt
    """
    from munjang.api import evaluate as judge
    from munjang.cli.pairs import data_or_pairs, decoding_settings, write_hypotheses
    from munjang.cli.progress import notes
    from munjang.cli.results import show_evaluation
    from munjang.cli.stages import showing_stages

    raise_on_signals()
    with showing_stages(quiet=quiet):
        scores = judge(
            folder,
            data_or_pairs(data, source, target),
            text_column=text_column,
            label_column=label_column,
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
