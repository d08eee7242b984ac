"""Logs of a run: `metrics.jsonl`, with one JSON record per line, and TensorBoard files."""

import json
import math
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munjang.folder.manifest import name_in_errors, write_atomically
from munjang.tasks.metric_table import finite_or_none

if TYPE_CHECKING:  # the names of the files are needed without torch
    from munjang.tasks.task import TaskScores
    from munjang.training.loop import Step

FILE = "metrics.jsonl"
BOARD = "tensorboard"


class RunLog:
    """Writer of both logs, step by step.

    Args:
        folder: the model folder; `metrics.jsonl` and `tensorboard/` are written in it.
        resumed_at: step of the checkpoint that the run resumes from, 0 for a new run. Later
            records, written before the run was stopped, are removed; a new run removes all records
            of an earlier run.
        every: steps between two records of the training loss.
        learning_rate: peak learning rate; with it records have the rate of their step.
    """

    def __init__(
        self,
        folder: Path,
        *,
        resumed_at: int = 0,
        every: int = 50,
        learning_rate: float | None = None,
    ) -> None:
        self.path = folder / FILE
        self.every = every
        self.learning_rate = learning_rate
        write_atomically(self.path, "".join(_records_up_to(self.path, resumed_at)))
        self._file = self.path.open("a", encoding="utf-8")
        if resumed_at == 0:
            _remove_events(folder / BOARD)
        self._board = _TensorBoard(folder / BOARD, resumed_at)
        self._last_time, self._tokens = time.perf_counter(), 0

    def record(self, step: "Step") -> None:
        """Count one step, and write a record where one is due.

        Raises:
            OSError: a file cannot be written; the message names it.
        """
        self._tokens += step.tokens
        if step.number % self.every == 0 or step.scores is not None:
            now = time.perf_counter()
            rate = self._tokens / max(now - self._last_time, 1e-9)
            self._last_time, self._tokens = now, 0
            values = {"loss": step.loss, f"{step.unit}_per_second": rate}
            if self.learning_rate is not None:
                values["learning_rate"] = step.learning_rate_factor * self.learning_rate
            self._write(step.number, "train", values)
        if step.scores is not None:
            self._write(step.number, "valid", step.scores.metrics)
            self._write_samples(step.number, step.scores)

    def _write(self, step: int, part: str, values: Mapping[str, float]) -> None:
        kept = {name: finite_or_none(value) for name, value in values.items()}
        self._line({"step": step, "part": part, **kept})
        self._board.add(step, {f"{part}/{name}": value for name, value in values.items()})

    def _write_samples(self, step: int, scores: "TaskScores") -> None:
        """Write sample answers, for tasks that generate text."""
        samples = getattr(scores, "named_samples", ())
        if samples:
            self._line({"step": step, "part": "samples", "samples": samples})

    def _line(self, record: Mapping[str, Any]) -> None:
        with name_in_errors(self.path):
            self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close both logs."""
        for file in (self._file, self._board):
            # every record was flushed; one that did not fit on the disk has raised before
            with suppress(OSError):
                file.close()


class _TensorBoard:
    """Writer of TensorBoard curves.

    tensorboardX's own writer hands records to a thread. On a full disk that thread ends without an
    error, and the training waits for it for ever.

    Args:
        board: folder of the event files.
        resumed_at: as for `RunLog`; TensorBoard drops the points after it.
    """

    def __init__(self, board: Path, resumed_at: int) -> None:
        # imported here, since predicting needs no TensorBoard
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event, SessionLog
        from tensorboardX.summary import scalar

        self.board = board
        self._event, self._scalar = Event, scalar
        board.mkdir(exist_ok=True)
        with name_in_errors(board):
            # the file name holds the time in seconds, and a run may be resumed within one
            self._writer = EventsWriter(str(board / "events"), f".{resumed_at}")
            if resumed_at:
                start = SessionLog(status=SessionLog.START)
                self._writer.write_event(Event(step=resumed_at + 1, session_log=start))
            self._writer.flush()

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point to each curve and flush."""
        with name_in_errors(self.board):
            for name, value in values.items():
                if not math.isfinite(value):
                    continue  # leaves a gap in the curve; tensorboardX would print a warning
                summary = self._scalar(name, value)
                event = self._event(wall_time=time.time(), step=step, summary=summary)
                self._writer.write_event(event)
            self._writer.flush()

    def close(self) -> None:
        """Close the event file."""
        self._writer.close()


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


def _remove_events(board: Path) -> None:
    """Remove event files of an earlier run, which TensorBoard would draw into the new curves."""
    for events in board.glob("events.out.tfevents.*"):
        events.unlink()
