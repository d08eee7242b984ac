"""An input, a task and an architecture for munjang: ordered classes of series of numbers."""

from munjang.registry import ArchitectureRow, InputRow, TaskRow

INPUT = InputRow(
    "series",
    "munjang_series.parts:SeriesInput",
    "one series of numbers per row",
    default_model="attentive_series",
    tasks=("classify", "regress"),
    example='"1 2 3"',
)
TASK = TaskRow(
    "ordinal",
    "munjang_series.parts:Ordinal",
    "one of several ordered labels per row",
    inputs=("text", "series"),
    metrics=("accuracy", "macro_f1", "log_loss"),
    contests=(("series", "munjang.comparison.contests.classify:ClassifyContest"),),
)
ARCHITECTURE = ArchitectureRow(
    "attentive_series",
    "munjang_series.parts:AttentiveSeries",
    "convolution over a series, pooled by attention",
    config="AttentiveSeriesConfig",
    takes=("series",),
)
