"""`munjang calibrate`: probabilities that mean what they say, and a promise about wrong answers."""

import shlex
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
from munjang.reporting import pluralize
from munjang.stopping import raise_on_signals

if TYPE_CHECKING:
    from munjang.diagnosis.calibration_report import CalibrationReport
    from munjang.diagnosis.costs import CostReport


# Risks of which the lowest that is kept is shown as an example.
_RISKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)


def calibrate(
    folder: ModelFolder,
    data: HeldOutData,
    cost_false_positive: Annotated[
        float | None,
        typer.Option(
            metavar="COST",
            help="Cost of the positive class as a wrong answer, for two classes: the answer is "
            "then that of the lower cost.",
        ),
    ] = None,
    cost_false_negative: Annotated[
        float | None,
        typer.Option(metavar="COST", help="Cost of the other class as a wrong answer."),
    ] = None,
    positive: Annotated[
        str | None,
        typer.Option(metavar="LABEL", help="The positive class.  [default: the second one]"),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write the report to FILE: a page (.html), or .json."),
    ] = None,
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
    """Calibrate a classifier on labeled rows that it has not seen.

    A temperature is fitted that divides the logits, so that of the answers with a probability of
    0.9 about 90 % are right; no answer changes. Thresholds of confidence are found whose share of
    wrong answers has an upper limit. The model folder keeps both: predict and evaluate use the
    temperature, and predict --abstain RISK the threshold that answers most rows with RISK at most.

    All limits hold at once with a probability of 95 %, for rows from the same source as DATA.

    \b
    Examples:
      munjang calibrate my-model held-out.tsv
      munjang calibrate my-model held-out.tsv --out calibration.html
      munjang calibrate my-model held-out.tsv --cost-false-positive 1 --cost-false-negative 5
      munjang predict my-model "글쎄" --abstain 0.05
    """
    from munjang.cli.progress import notes
    from munjang.cli.stages import showing_stages
    from munjang.diagnosis.calibration import calibrate as run
    from munjang.report.calibration import CALIBRATION

    raise_on_signals()
    if out is not None:
        CALIBRATION.check(out)
    with showing_stages(quiet=quiet):
        calibrated = run(
            folder,
            data,
            cost_false_positive=cost_false_positive,
            cost_false_negative=cost_false_negative,
            positive=positive,
            text_column=text_column,
            label_column=label_column,
            first_column=first_column,
            second_column=second_column,
            encoding=encoding,
            skip_bad_rows=skip_bad_rows,
            report=notes(quiet=quiet),
        )
    if out is not None:
        note(f"written: {CALIBRATION.write(calibrated.report, out)}")
    if as_json:
        show_json(calibrated.report.to_json())
        return
    _show(calibrated.report, wide=wide)
    show(f"\nthe calibration is kept in {shlex.quote(folder)}")
    kept = [risk for risk in _RISKS if calibrated.report.best_coverage(risk)]
    if calibrated.report.costs is None and kept:
        show(f'next:\n  munjang predict {shlex.quote(folder)} "a text" --abstain {kept[0]:g}')


def _show(report: "CalibrationReport", *, wide: bool) -> None:
    """Show the numbers, the reliability and the coverage."""
    from munjang.cli.tables import make_table

    screen = make_console(wide=wide)
    table = make_table(pluralize(report.rows, "row"), "before", "after")
    table.add_row("temperature", "1.0000", f"{report.temperature:.4f}")
    for name, before, after in (
        ("calibration error", report.error_before, report.error_after),
        ("log loss", report.log_loss_before, report.log_loss_after),
    ):
        table.add_row(name, f"{before:.4f}", f"{after:.4f}")
    screen.print(table)
    for line in report.notes:
        show(f"- {line}")
    bins = make_table("probability", "rows", "mean", "right", "95 % interval")
    for part in report.after:
        bins.add_row(
            f"{part.low:.2f} to {part.high:.2f}",
            f"{part.rows:,}",
            f"{part.confidence:.3f}",
            f"{part.accuracy:.3f}",
            f"{part.accuracy_low:.3f} to {part.accuracy_high:.3f}",
        )
    screen.print(bins)
    if report.costs is not None:
        _show_costs(report.costs, wide=wide)
        return
    coverage = make_table("answered", "wrong among them", "limit (95 %)")
    for point in report.coverage:
        coverage.add_row(
            f"{point.answered / report.rows:.0%}",
            f"{point.wrong / point.answered:.2%}",
            f"{point.risk:.2%}",
        )
    screen.print(coverage)
    show(f"area under the risk-coverage curve: {report.aurc:.4f}")


def _show_costs(costs: "CostReport", *, wide: bool) -> None:
    from munjang.cli.tables import label_text, make_table

    name = label_text(costs.positive)
    table = make_table(f"answer {name}", "most probable", f"from {costs.threshold:.4f} on")
    table.add_row("false positives", *(f"{count:,}" for count in costs.false_positives))
    table.add_row("false negatives", *(f"{count:,}" for count in costs.false_negatives))
    table.add_row("cost per row", *(f"{cost:.4f}" for cost in costs.cost_per_row))
    make_console(wide=wide).print(table)
    show(f"{pluralize(costs.changed, 'answer')} changed")
