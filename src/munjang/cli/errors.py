"""`munjang errors`: where a model is wrong."""

from typing import TYPE_CHECKING, Annotated

import typer

from munjang.cli.options import (
    AsJson,
    Encoding,
    FirstColumn,
    HeldOutData,
    LabelColumn,
    ModelFolder,
    NoNotes,
    SecondColumn,
    SkipBadRows,
    TextColumn,
    Wide,
)
from munjang.cli.output import make_console, note, show, show_json
from munjang.stopping import raise_on_signals

if TYPE_CHECKING:
    from munjang.diagnosis.errors import ErrorReport

# Lines of each table on the terminal, and characters of a text there.
_CELLS, _SLICES, _ROWS, _LONGEST = 15, 15, 20, 120


def errors(
    folder: ModelFolder,
    data: HeldOutData,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write the report to FILE: a page (.html), the rows (.csv) or all (.json).",
        ),
    ] = None,
    most: Annotated[
        int, typer.Option(metavar="N", help="Number of rows with the highest loss.")
    ] = 100,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    first_column: FirstColumn = None,
    second_column: SecondColumn = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    as_json: AsJson = False,
    wide: Wide = False,
    quiet: NoNotes = False,
) -> None:
    """Show where a model is wrong: confusions, slices, worst rows.

    Slices are rows of similar length, of one script, file or label, or with a similar share of
    tokens out of vocabulary. Each has the accuracy (of numbers the mean absolute error) with a 95 %
    interval; those that are worse than all other rows beyond chance are marked, with a correction
    for the number of slices.

    \b
    Examples:
      munjang errors my-model test.tsv
      munjang errors my-model test.tsv --out errors.html
      munjang errors my-model test.tsv --out errors.csv --most 1000
    """
    from munjang.cli.progress import notes
    from munjang.cli.stages import showing_stages
    from munjang.diagnosis.errors import find_errors
    from munjang.report.errors import ERRORS

    raise_on_signals()
    if out is not None:
        ERRORS.check(out)
    with showing_stages(quiet=quiet):
        found = find_errors(
            folder,
            data,
            most=most,
            text_column=text_column,
            label_column=label_column,
            first_column=first_column,
            second_column=second_column,
            encoding=encoding,
            skip_bad_rows=skip_bad_rows,
            report=notes(quiet=quiet),
        )
    if out is not None:
        note(f"written: {ERRORS.write(found, out)}")
    if as_json:
        show_json(found.to_json())
    elif out is None:
        _show(found, wide=wide)


def _show(report: "ErrorReport", *, wide: bool) -> None:
    from munjang.cli.tables import label_text, make_table, text_column
    from munjang.report.errors import summarize

    screen = make_console(wide=wide)
    show(summarize(report) + "\n")
    if report.cells:
        table = make_table("given", text_column("predicted"), "rows")
        for cell in report.cells[:_CELLS]:
            names = (label_text(name) or "–" for name in (cell.given, cell.predicted))
            table.add_row(*names, f"{cell.rows:,}")
        screen.print(table)
    if report.slices:
        table = make_table("slice", "rows", report.score_name, "95 % interval", "rest", "worse")
        for part in report.slices[:_SLICES]:
            table.add_row(
                label_text(f"{part.kind}: {part.name}"),
                f"{part.rows:,}",
                f"{part.score:.3f}",
                f"{part.low:.3f} to {part.high:.3f}",
                f"{part.rest:.3f}",
                f"p = {part.p_value:.2g}" if part.is_worse else "",
            )
        screen.print(table)
    rows = make_table(
        f"highest {report.loss_name}", "given", "predicted", "probability", report.loss_name, "row"
    )
    for row in report.worst[:_ROWS]:
        rows.add_row(
            label_text(row.text[:_LONGEST] or row.file),
            label_text(row.given),
            label_text(row.predicted),
            "" if row.probability is None else f"{row.probability:.3f}",
            f"{row.loss:.3f}",
            str(row.row or ""),
        )
    screen.print(rows)
