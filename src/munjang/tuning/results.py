"""What a search gives, and its file for machines."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from munjang.folder import TextModel, load
from munjang.manifest import write_atomically
from munjang.tasks.figures import FIGURES
from munjang.tuning.folder import BEST, RESULTS

Ended = Literal["done", "pruned", "failed"]


@dataclass(frozen=True)
class TrialRow:
    """One trial.

    Attributes:
        number: from 1, in the order in which they were judged.
        ended: done; pruned, since it fell behind the others; or failed.
        value: of the metric on the validation part; of a pruned trial the last that was seen.
        settings: what it chose, by dotted keys.
        passes: over the training part that it began.
        steps: of its optimiser.
        seconds: of the whole trial.
        note: why it failed, or how it ended early.
    """

    number: int
    ended: Ended
    value: float | None
    settings: dict[str, Any]
    passes: int = 0
    steps: int = 0
    seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class Tuned:
    """What a search gives.

    Attributes:
        folder: where everything lies.
        metric: that judged.
        space: what was searched, by dotted keys.
        defaults: the values of the first trial.
        trials: all that were judged.
        importance: share of each setting in how the metric varied, or nothing if that is not known.
    """

    folder: Path
    metric: str
    space: dict[str, Any]
    defaults: dict[str, Any]
    trials: tuple[TrialRow, ...]
    importance: dict[str, float]

    @property
    def best(self) -> TrialRow | None:
        """The best of the trials that came to their end; of equal ones the first."""
        return best_of(self.trials, self.metric)

    @property
    def model(self) -> TextModel:
        """The best trial's model.

        Raises:
            FolderError: no trial came to its end.
        """
        return load(self.folder / BEST)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        best = self.best
        return {
            "metric": self.metric,
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
    """The best row that is done; of equal ones the first."""
    sign = 1.0 if FIGURES[metric].larger_is_better else -1.0
    done = [row for row in rows if row.ended == "done" and row.value is not None]
    return max(done, key=lambda row: sign * (row.value or 0.0), default=None)
