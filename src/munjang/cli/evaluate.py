"""`munjang evaluate`: how good a model is on text that it has not seen."""

from typing import Annotated

import typer

from munjang.cli.options import AsJson, Encoding, LabelColumn, SkipBadRows, TextColumn
from munjang.cli.outcome import begin


def evaluate(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="A trained model.")],
    data: Annotated[
        list[str],
        typer.Argument(metavar="DATA", help="Files of labelled text, or -; a folder of images."),
    ],
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    as_json: AsJson = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only the result: no notes.")
    ] = False,
) -> None:
    """Judge a model on labelled text that it has not seen.

    Prints accuracy, macro F1, log loss (nats; lower is better), calibration error (how far the
    probabilities are from the truth; 0 is perfect), precision and recall of each class, and the
    confusion matrix. Of a model that gives numbers: MAE and RMSE (in their unit), Spearman's rank
    correlation, and R2 (1 is perfect, 0 no better than always the mean). Columns and encoding are
    those of the training if not given.

    \b
    Examples:
      munjang evaluate my-model test.tsv
      munjang evaluate my-model test.csv --label-column sentiment --json
    """
    from munjang.api import evaluate as judge
    from munjang.cli.progress import notes
    from munjang.cli.results import show_evaluation

    begin()
    scores = judge(
        folder,
        data,
        text_column=text_column,
        label_column=label_column,
        encoding=encoding,
        skip_bad_rows=skip_bad_rows,
        say=notes(quiet=quiet),
    )
    show_evaluation(scores, as_json=as_json)
