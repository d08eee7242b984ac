"""`munjang relabel`: a copy of a file with corrected labels."""

from typing import Annotated

import typer

from munjang.cli.options import Encoding, LabelColumn, SkipBadRows, TextColumn
from munjang.cli.output import show
from munjang.reporting import pluralize
from munjang.stopping import raise_on_signals


def relabel(
    file: Annotated[str, typer.Argument(metavar="FILE", help="File of labeled texts.")],
    corrections: Annotated[
        str,
        typer.Argument(
            metavar="CSV",
            help="CSV of munjang label-issues, with right labels in its column corrected.",
        ),
    ],
    out: Annotated[str, typer.Option(metavar="NEW", help="The new file.")] = ...,  # type: ignore[assignment]
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
) -> None:
    """Write a copy of a file with corrected labels.

    All else stays: format, encoding, compression, line ends, quotes and the order of the columns.
    Rows with an empty column corrected stay as they are. Nothing is written if a text is not the
    one that the CSV lists, a label is unknown, or a row is listed twice. NEW is replaced once it is
    complete.

    \b
    Examples:
      munjang label-issues reviews.tsv --out issues.csv
      munjang relabel reviews.tsv issues.csv --out corrected.tsv
    """
    from munjang.diagnosis.relabel import relabel as run

    raise_on_signals()
    done = run(
        file,
        corrections,
        out,
        text_column=text_column,
        label_column=label_column,
        encoding=encoding or "utf-8",
        skip_bad_rows=skip_bad_rows,
    )
    kept = f", {done.unchanged:,} had the right one already" if done.unchanged else ""
    show(f"{pluralize(done.rows, 'label')} corrected{kept}; written: {done.out}")
