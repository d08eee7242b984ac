"""The results of a search, and their file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from munjang.data.frames import to_frame
from munjang.displayed import Drawn
from munjang.folder.load import AnyModel, load
from munjang.folder.manifest import write_atomically
from munjang.reporting import pluralize
from munjang.tasks.metric_table import METRICS
from munjang.tuning.folder import BEST, RESULTS

if TYPE_CHECKING:
    from polars import DataFrame

Ended = Literal["done", "pruned", "failed"]


@dataclass(frozen=True)
class TrialRow:
    """One trial.

    Attributes:
        number: From 1, in the order in which the trials ended.
        ended: Done; pruned, since it fell behind the others; or failed.
        value: The metric on the validation part; of a pruned trial its last value.
        settings: Its settings, by dotted keys.
        epochs: Epochs that it began.
        steps: Optimizer steps.
        seconds: Seconds of the whole trial.
        note: Why it failed, or how it ended early.
    """

    number: int
    ended: Ended
    value: float | None
    settings: dict[str, Any]
    epochs: int = 0
    steps: int = 0
    seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True, repr=False)
class Tuned(Drawn):
    """The results of a search.

    Attributes:
        folder: Where all files are.
        metric: The metric that decides.
        space: What was searched, by dotted keys.
        defaults: Values of the first trial.
        trials: All trials that ended.
        importance: Share of each setting in the variance of the metric; empty if not known.
        task: Name of the task.
        input: Name of the input.
        wanted: Number of trials that were asked for.
        is_finished: False while the search runs, and of one that was stopped.
    """

    folder: Path
    metric: str
    space: dict[str, Any]
    defaults: dict[str, Any]
    trials: tuple[TrialRow, ...]
    importance: dict[str, float]
    task: str = "classify"
    input: str = "text"
    wanted: int | None = None
    is_finished: bool = True

    drawings: ClassVar[str] = "munjang.tuning.page:TUNED"

    def summary(self) -> str:
        """Return the number of trials, and the best value with its settings."""
        trials, best = pluralize(len(self.trials), "trial"), self.best
        if best is None:
            return f"{trials}, none finished"
        settings = ", ".join(f"{key}={value}" for key, value in best.settings.items())
        return f"{trials}, best {METRICS[self.metric].title} {best.value:.4f}: {settings}"

    def to_frame(self) -> "DataFrame":
        """Return one row per trial, settings as columns `settings.NAME`."""
        return to_frame([asdict(row) for row in self.trials])

    @property
    def best(self) -> TrialRow | None:
        """The best of the trials that finished; of equal ones the first."""
        return best_of(self.trials, self.metric)

    @property
    def model(self) -> AnyModel:
        """The model of the best trial.

        Raises:
            FolderError: No trial finished.
        """
        return load(self.folder / BEST)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        best = self.best
        return {
            "task": self.task,
            "metric": self.metric,
            "wanted": self.wanted,
            "is_finished": self.is_finished,
            "best": None if best is None else asdict(best),
            "space": self.space,
            "defaults": self.defaults,
            "importance": self.importance,
            "trials": [asdict(row) for row in self.trials],
        }

    def write(self) -> None:
        """Write `tune.json` into the folder."""
        text = json.dumps(self.to_json(), ensure_ascii=False, indent=2)
        write_atomically(self.folder / RESULTS, text + "\n")


def best_of(rows: Sequence[TrialRow], metric: str) -> TrialRow | None:
    """Return the best row that is done; of equal ones the first."""
    sign = 1.0 if METRICS[metric].larger_is_better else -1.0
    done = [row for row in rows if row.ended == "done" and row.value is not None]
    return max(done, key=lambda row: sign * (row.value or 0.0), default=None)
