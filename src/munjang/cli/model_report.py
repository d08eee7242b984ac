"""`munjang report`: one page on a model, a training or a comparison."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from munjang.cli.options import (
    AsJson,
    Encoding,
    FirstColumn,
    LabelColumn,
    NoNotes,
    SecondColumn,
    SkipBadRows,
    TextColumn,
)
from munjang.cli.output import note, show, show_json
from munjang.errors import ConfigError
from munjang.folder.manifest import require_writable
from munjang.stopping import raise_on_signals

if TYPE_CHECKING:
    from munjang.report.formats import Formats

_LANGUAGES = "en or ko"


def report(
    folder: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER",
            help="Model folder; that of a training, which may be running; or of a comparison.",
        ),
    ],
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATA]",
            help="Files of labeled rows that the model has not seen; for a model folder.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="File to write: a page (.html) or data (.json)."),
    ] = None,
    language: Annotated[
        str, typer.Option(metavar="LANGUAGE", help=f"Language of the page: {_LANGUAGES}.")
    ] = "en",
    explained: Annotated[
        int, typer.Option(metavar="N", help="Number of wrong rows explained word by word.")
    ] = 10,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    first_column: FirstColumn = None,
    second_column: SecondColumn = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    as_json: AsJson = False,
    quiet: NoNotes = False,
) -> None:
    """Report on a model, a training or a comparison on one page.

    The page says how good a model is, where it is wrong, and what to do next. It begins with a
    verdict, the next step and alerts by severity. Confusions, slices and the worst rows follow,
    wrong rows with the words that decided, the filters of a cnn or how far back another network
    reaches, labels that are likely wrong, and how far the probabilities can be believed. The page
    loads nothing and can be read without script.

    Without DATA the page shows the curves of a training, finished or running; of a comparison it is
    the page of munjang compare on the runs that are finished.

    \b
    Examples:
      munjang report my-model test.tsv --out report.html
      munjang report my-model test.tsv --out report.html --language ko
      munjang report my-model --out curves.html
      munjang report compared --out comparison.html
    """
    from munjang.report.wording import translator

    raise_on_signals()
    translator(language)
    if out is not None:
        if Path(out).suffix.lower() not in (".html", ".json"):
            raise ConfigError(f"{out}: expected a file name that ends in .html or .json")
        require_writable(Path(out))
    if data:
        named = {
            "text_column": text_column,
            "label_column": label_column,
            "first_column": first_column,
            "second_column": second_column,
            "encoding": encoding,
            "skip_bad_rows": skip_bad_rows,
        }
        _report_model(folder, data, explained, named, _Output(out, language, as_json, quiet))
    else:
        _report_folder(folder, _Output(out, language, as_json, quiet))


@dataclass(frozen=True)
class _Output:
    """File, language and format of a report.

    Attributes:
        out: file to write; None for none.
        language: of the page.
        as_json: write JSON to standard output.
        quiet: print no notes.
    """

    out: str | None
    language: str
    as_json: bool
    quiet: bool

    def write(self, found: Any, formats: "Formats[Any]", lines: list[str]) -> None:
        """Write the file; without one show JSON, or the lines of a summary."""
        if self.out is not None:
            note(f"written: {formats.write(found, self.out)}")
        if self.as_json:
            show_json(found.to_json())
        else:
            show("\n".join(lines))


def _report_model(
    folder: str, data: list[str], explained: int, named: dict[str, Any], output: _Output
) -> None:
    from munjang.cli.progress import notes
    from munjang.cli.stages import showing_stages
    from munjang.diagnosis.model_report import report_model
    from munjang.report.model_report import model_report_formats
    from munjang.report.model_report_words import summarize_report
    from munjang.report.wording import translator

    with showing_stages(quiet=output.quiet):
        found = report_model(
            folder, data, explained=explained, report=notes(quiet=output.quiet), **named
        )
    lines = summarize_report(found, translator(output.language))
    output.write(found, model_report_formats(output.language), lines)


def _report_folder(folder: str, output: _Output) -> None:
    """Report on a training or a comparison."""
    from munjang.comparison.page import COMPARISON, headline_of
    from munjang.comparison.reopen import is_comparison, reopen_comparison
    from munjang.diagnosis.run_progress import read_progress
    from munjang.report.run_progress import progress_formats, summarize_progress
    from munjang.report.wording import translator

    if is_comparison(folder):
        comparison = reopen_comparison(folder)
        output.write(comparison, COMPARISON, [headline_of(comparison)])
        return
    progress = read_progress(folder)
    summary = summarize_progress(progress, translator(output.language))
    output.write(progress, progress_formats(output.language), [summary])
