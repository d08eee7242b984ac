"""The table of kinds of runs."""

from munjang.comparison import folder as comparison
from munjang.folder.manifest import FILE as MANIFEST
from munjang.folder.replacement import FOLDER as REPLACEMENT
from munjang.folder.replacement import is_finished
from munjang.serving.runs.comparisons import ComparisonReader
from munjang.serving.runs.exports import SETTINGS, ExportReader
from munjang.serving.runs.run import Kind
from munjang.serving.runs.searches import SearchReader
from munjang.serving.runs.trainings import TrainingReader
from munjang.training.logs import FILE as LOG
from munjang.tuning import folder as search

# Where `munjang report FOLDER DATA --out FOLDER/report.html` writes it.
REPORT = "report.html"

COMPARISON = Kind(
    "comparison",
    (comparison.PLAN, comparison.RESULTS),
    ComparisonReader,
    {"comparison": comparison.PAGE, "report": REPORT},
)
SEARCH = Kind("search", (search.PLAN, search.RESULTS), SearchReader, {"report": REPORT})
MODEL = Kind(
    "model",
    (MANIFEST, LOG, f"{REPLACEMENT}/{MANIFEST}", f"{REPLACEMENT}/{LOG}"),
    TrainingReader,
    {"report": REPORT},
    has_model=is_finished,
)
EXPORT = Kind("export", (SETTINGS,), ExportReader, {}, has_model=lambda folder: True)
KINDS = (COMPARISON, SEARCH, MODEL, EXPORT)
