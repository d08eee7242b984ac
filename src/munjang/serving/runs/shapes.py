"""Shapes of runs: bodies of responses, and the parts of files that are read for them."""

from typing import Annotated, Any

from msgspec import Meta, Struct

# Larger whole numbers are not exact in JavaScript.
Count = Annotated[int, Meta(ge=0, le=2**53)]


class Progress(Struct):
    """Progress of a run: steps of a training, runs of a comparison, or trials of a search."""

    unit: str
    done: Count
    total: Count | None = None


class Best(Struct):
    """The best score: of a training at a step, of a comparison that of a model."""

    metric: str
    value: float
    at: str = ""


class RunSummary(Struct):
    """A run in the list.

    `state` is running, stopped, finished or damaged; `problem` says why a run cannot be read, or
    why a finished model is not served. `updated` are seconds since 1970. `loadable` tells whether
    the model can be loaded by the name of the run.
    """

    name: str
    kind: str
    state: str = "damaged"
    updated: float = 0.0
    task: str = ""
    architecture: str = ""
    progress: Progress | None = None
    best: Best | None = None
    served: bool = False
    loadable: bool = False
    problem: str = ""


class RunsResponse(Struct):
    """The runs, the newest first; `folder` is null if the server was given none."""

    folder: str | None = None
    runs: list[RunSummary] = []
    left_out: Count = 0


class Curve(Struct):
    """A value over steps, or over seconds of training. A long one is thinned."""

    name: str
    part: str
    x: list[float]
    y: list[float]


class Interval(Struct):
    """A confidence interval."""

    low: float | None = None
    high: float | None = None


class Gap(Struct):
    """Distance of a model to the best one, and its upper bound."""

    value: float | None = None
    at_most: float | None = None


class Standing(Struct):
    """A row of the table of a comparison."""

    name: str
    runs: Count = 0
    seeds: Count = 0
    reasons: list[str] = []
    score: float | None = None
    over_seeds: Interval | None = None
    over_rows: Interval | None = None
    to_best: Gap | None = None
    verdict: str = ""
    parameters: float | None = None
    folder_bytes: float | None = None
    seconds: float | None = None
    tokens_per_second: float | None = None
    p50: float | None = None
    p99: float | None = None
    memory_bytes: float | None = None


class Choice(Struct):
    """The smallest model that is good enough."""

    name: str
    why: str = ""
    is_conclusive: bool = True


class ComparedRun(Struct):
    """One run of one model: done, failed, running or waiting."""

    name: str
    seed: Count
    state: str
    seconds: float | None = None
    reason: str = ""


class ComparisonTable(Struct):
    """A comparison: its table once it is finished, and its runs until then."""

    metric: str
    machine: str = ""
    rows: dict[str, Count] = {}
    standings: list[Standing] = []
    choice: Choice | None = None
    runs: list[ComparedRun] = []


class Trial(Struct):
    """A trial of a search."""

    number: Count
    ended: str
    value: float | None = None
    settings: dict[str, Any] = {}
    epochs: float = 0
    steps: float = 0
    seconds: float = 0
    note: str = ""


class SearchTable(Struct):
    """A search: its newest trials, the best one, and the share of each setting in the metric."""

    metric: str
    best: Trial | None = None
    defaults: dict[str, Any] = {}
    importance: dict[str, float] = {}
    trials: list[Trial] = []
    left_out: Count = 0


class RunResponse(Struct):
    """A run, and what there is to show of it. `pages` are names for /runs/{name}/pages/{page}."""

    run: RunSummary
    pages: list[str] = []
    rate: float | None = None
    unit: str = ""
    curves: list[Curve] = []
    comparison: ComparisonTable | None = None
    search: SearchTable | None = None
