"""Likely wrong labels as CSV with an empty column `corrected`, which `munjang relabel` reads."""

from munjang.diagnosis.label_issues import LabelIssues
from munjang.diagnosis.relabel import CORRECTED, FILE, ROW, TEXT
from munjang.report.formats import Formats
from munjang.report.spreadsheet import format_csv

HEADS = (FILE, ROW, TEXT, "given", "suggested", "probability", CORRECTED)


def _to_csv(found: LabelIssues) -> str:
    rows = (
        [
            issue.file,
            issue.row,
            issue.text,
            issue.given,
            issue.suggested,
            f"{issue.probability:.4f}",
            "",
        ]
        for issue in found.issues
    )
    return format_csv(HEADS, rows)


LABEL_ISSUES = Formats[LabelIssues]({".csv": _to_csv})
