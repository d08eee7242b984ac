"""`munjang label-issues`: rows whose label is likely wrong."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from munjang.cli.options import (
    AsJson,
    Encoding,
    FromFolder,
    LabelColumn,
    NoNotes,
    Settings,
    SkipBadRows,
    TextColumn,
    Wide,
)
from munjang.cli.output import make_console, note, show, show_json
from munjang.reporting import pluralize
from munjang.stopping import raise_on_signals

if TYPE_CHECKING:
    from munjang.diagnosis.label_issues import LabelIssues

# Lines of each table on the terminal, and characters of a text there.
_ISSUES, _PAIRS, _LONGEST = 20, 10, 120


def label_issues(
    file: Annotated[str, typer.Argument(metavar="FILE", help="File of labeled texts.")],
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Model that judges the labels: tfidf-characters, tfidf-words, nbsvm, or an "
            "architecture such as mean, which takes longer. Repeatable, also beside --from: "
            "their probabilities are pooled.  [default: tfidf-characters]",
        ),
    ] = None,
    from_folder: FromFolder = None,
    folds: Annotated[
        int,
        typer.Option(metavar="N", help="Number of folds; a model is trained for each, 2 to 100."),
    ] = 5,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write the rows to FILE: .csv with an empty column corrected, which munjang "
            "relabel reads, or .json.",
        ),
    ] = None,
    most: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Most rows, the likeliest first.  [default: all]"),
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    settings: Settings = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    seed: Annotated[int, typer.Option(metavar="N", help="Random seed of the folds.")] = 0,
    as_json: AsJson = False,
    wide: Wide = False,
    quiet: NoNotes = False,
) -> None:
    """List rows whose label is likely wrong.

    The rows are parted into folds, equal texts in one, and each fold is answered by a model of the
    other folds, which has not seen it. A row is listed if another label than its own is likely by
    the measure of that label (confident learning), the likeliest first. Write the right label into
    the column corrected of --out, and munjang relabel makes the new file.

    \b
    Examples:
      munjang label-issues reviews.tsv
      munjang label-issues reviews.tsv --out issues.csv
      munjang label-issues reviews.tsv --model tfidf-characters --model nbsvm
      munjang label-issues reviews.tsv --from pretrained --model nbsvm --set training.epochs=2
      munjang relabel reviews.tsv issues.csv --out corrected.tsv
    """
    from munjang.cli.progress import notes
    from munjang.cli.stages import showing_stages
    from munjang.config import parse_overrides
    from munjang.diagnosis.label_issues import find_label_issues
    from munjang.report.label_issues import LABEL_ISSUES

    raise_on_signals()
    if out is not None:
        LABEL_ISSUES.check(out)
    with showing_stages(quiet=quiet):
        found = find_label_issues(
            file,
            model=model,
            from_folder=from_folder,
            config=parse_overrides(settings or ()),
            folds=folds,
            text_column=text_column,
            label_column=label_column,
            encoding=encoding or "utf-8",
            skip_bad_rows=skip_bad_rows,
            seed=seed,
            report=notes(quiet=quiet),
        )
    total = len(found.issues)
    found = replace(found, issues=found.issues[:most])
    if out is not None:
        note(f"written: {LABEL_ISSUES.write(found, out)}")
    if as_json:
        show_json(found.to_json())
        return
    if out is None:
        _show(found, wide=wide)
    show(
        f"{pluralize(total, 'row')} of {found.rows:,} ({total / found.rows:.1%}) may have a wrong "
        f"label; without having seen it, {found.model} predicted {found.accuracy:.1%} of the labels"
    )
    if out is not None and Path(out).suffix.lower() == ".csv":
        options = {
            "--text-column": text_column,
            "--label-column": label_column,
            "--encoding": encoding,
            "--skip-bad-rows": skip_bad_rows,
        }
        _show_next(file, out, options)


def _show_next(file: str, out: str, options: dict[str, str | bool | None]) -> None:
    """Print the command that applies the corrections, which reads the file as this one did."""
    given = [
        part
        for name, value in options.items()
        if value
        for part in ((name,) if value is True else (name, str(value)))
    ]
    source = "FILE" if file == "-" else file
    new = str(Path(source).with_name(f"corrected-{Path(source).name}"))
    parts = ("munjang", "relabel", source, out, *given, "--out", new)
    show(f"write the right labels into its column corrected, then:\n  {shlex.join(parts)}")


def _show(found: "LabelIssues", *, wide: bool) -> None:
    from munjang.cli.tables import label_text, make_table

    screen = make_console(wide=wide)
    table = make_table("text", "given", "suggested", "probability", "row")
    for issue in found.issues[:_ISSUES]:
        table.add_row(
            label_text(issue.text[:_LONGEST]),
            label_text(issue.given),
            label_text(issue.suggested),
            f"{issue.probability:.3f}",
            str(issue.row),
        )
    screen.print(table)
    pairs = make_table("given", "suggested", "rows")
    for given, suggested, rows in found.pairs()[:_PAIRS]:
        pairs.add_row(label_text(given), label_text(suggested), f"{rows:,}")
    screen.print(pairs)
