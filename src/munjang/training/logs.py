"""What a run leaves to read: `metrics.jsonl`, one JSON record a line, and TensorBoard files."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from munjang.manifest import write_atomically
from munjang.training.loop import Step, finite_or_none

FILE = "metrics.jsonl"
BOARD = "tensorboard"


class RunLog:
    """Writes the steps of a run as they come.

    Args:
        folder: the model folder; `metrics.jsonl` and `tensorboard/` stand in it.
        resumed_at: the step of the checkpoint that the run goes on from, 0 for a new run. Records
            behind it, written by the sitting that was stopped, are dropped; so are all records of
            an earlier run in the folder when this one is new.
        every: steps between two records of the training loss.
    """

    def __init__(self, folder: Path, *, resumed_at: int = 0, every: int = 50) -> None:
        self.path = folder / FILE
        self.every = every
        write_atomically(self.path, "".join(_records_up_to(self.path, resumed_at)))
        self._file = self.path.open("a", encoding="utf-8")
        board = folder / BOARD
        if resumed_at == 0:
            _drop_events(board)
        # imported here: answering needs no TensorBoard
        from tensorboardX import SummaryWriter

        self._board = SummaryWriter(str(board), purge_step=resumed_at + 1 if resumed_at else None)
        self._since, self._tokens = time.perf_counter(), 0

    def step(self, step: Step) -> None:
        """Record one step."""
        self._tokens += step.tokens
        if step.number % self.every == 0 or step.scores is not None:
            now = time.perf_counter()
            rate = self._tokens / max(now - self._since, 1e-9)
            self._since, self._tokens = now, 0
            self._write(step.number, "train", {"loss": step.loss, f"{step.unit}_per_second": rate})
        if step.scores is not None:
            self._write(step.number, "valid", step.scores.figures)

    def _write(self, step: int, part: str, values: Mapping[str, float]) -> None:
        kept = {name: finite_or_none(value) for name, value in values.items()}
        record: dict[str, Any] = {"step": step, "part": part, **kept}
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()
        for name, value in values.items():
            self._board.add_scalar(f"{part}/{name}", value, step)

    def close(self) -> None:
        """Flush and close both."""
        self._file.close()
        self._board.close()


def _records_up_to(path: Path, step: int) -> list[str]:
    if step == 0 or not path.exists():
        return []
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except (ValueError, KeyError, TypeError):
            continue  # the last line of a killed run may be half a line
    return kept


def _drop_events(board: Path) -> None:
    """TensorBoard would draw an earlier run's curve into the new one's."""
    for events in board.glob("events.out.tfevents.*"):
        events.unlink()
