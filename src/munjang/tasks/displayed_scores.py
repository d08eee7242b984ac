"""The base of scores: a short `repr`, HTML in a notebook, and a data frame."""

from typing import TYPE_CHECKING, ClassVar

from munjang.data.frames import to_frame
from munjang.displayed import Displayed
from munjang.reporting import pluralize
from munjang.tasks.metric_table import METRICS

if TYPE_CHECKING:
    from polars import DataFrame


class DisplayedScores(Displayed):
    """Mixin of scores.

    Attributes:
        rows: number of scored rows.
        metrics: metrics over all rows, by name.
        unit: the noun of one row for people, such as "token".
    """

    unit: ClassVar[str] = "row"
    drawings: ClassVar[str] = "munjang.report.scores:SCORES"

    if TYPE_CHECKING:  # a subclass has them as fields or as properties

        @property
        def rows(self) -> int:
            """Number of scored rows."""

        @property
        def metrics(self) -> dict[str, float]:
            """Metrics over all rows, by name."""

    def summary(self) -> str:
        """Return the number of rows, and every metric."""
        values = (f"{METRICS[name].title} {value:.4f}" for name, value in self.metrics.items())
        return ", ".join([pluralize(self.rows, self.unit), *values])

    def to_frame(self) -> "DataFrame":
        """Return one row: the number of rows and every metric, NaN where there is none.

        Scores that stand beside those of a baseline have these too, as `baseline.METRIC`. Rows of
        several models are joined by `polars.concat`; `to_pandas()` gives a frame of pandas.
        """
        baseline = getattr(self, "baseline_metrics", {})
        beside = {f"baseline.{name}": value for name, value in baseline.items()}
        return to_frame([{"rows": self.rows, **self.metrics, **beside}])
