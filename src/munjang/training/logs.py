"""What a run leaves to read: `metrics.jsonl`, one JSON record a line, and TensorBoard files."""

import json
import math
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from munjang.manifest import naming, write_atomically
from munjang.tasks.figures import finite_or_none
from munjang.tasks.task import TaskScores
from munjang.training.loop import Step

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
        if resumed_at == 0:
            _drop_events(folder / BOARD)
        self._board = _Curves(folder / BOARD, resumed_at)
        self._since, self._tokens = time.perf_counter(), 0

    def step(self, step: Step) -> None:
        """Record one step.

        Raises:
            OSError: a file cannot be written; it is named.
        """
        self._tokens += step.tokens
        if step.number % self.every == 0 or step.scores is not None:
            now = time.perf_counter()
            rate = self._tokens / max(now - self._since, 1e-9)
            self._since, self._tokens = now, 0
            self._write(step.number, "train", {"loss": step.loss, f"{step.unit}_per_second": rate})
        if step.scores is not None:
            self._write(step.number, "valid", step.scores.figures)
            self._write_samples(step.number, step.scores)

    def _write(self, step: int, part: str, values: Mapping[str, float]) -> None:
        kept = {name: finite_or_none(value) for name, value in values.items()}
        self._line({"step": step, "part": part, **kept})
        self._board.add(step, {f"{part}/{name}": value for name, value in values.items()})

    def _write_samples(self, step: int, scores: TaskScores) -> None:
        """Answers of the moment, of tasks that write some."""
        samples = getattr(scores, "named_samples", ())
        if samples:
            self._line({"step": step, "part": "samples", "samples": samples})

    def _line(self, record: Mapping[str, Any]) -> None:
        with naming(self.path):
            self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close both."""
        for file in (self._file, self._board):
            # every record was flushed; what is left did not fit on the disk, and was told
            with suppress(OSError):
                file.close()


class _Curves:
    """The same for TensorBoard.

    tensorboardX's own writer hands records to a thread, which dies of a full disk without a word
    to the training, and lets it wait for ever.

    Args:
        board: the folder of the curves.
        resumed_at: as for `RunLog`; TensorBoard forgets what it has behind it.
    """

    def __init__(self, board: Path, resumed_at: int) -> None:
        # imported here: answering needs no TensorBoard
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event, SessionLog
        from tensorboardX.summary import scalar

        self.board = board
        self._event, self._scalar = Event, scalar
        board.mkdir(exist_ok=True)
        with naming(board):
            # the name has the second in it, and two sittings may begin in one
            self._writer = EventsWriter(str(board / "events"), f".{resumed_at}")
            if resumed_at:
                start = SessionLog(status=SessionLog.START)
                self._writer.write_event(Event(step=resumed_at + 1, session_log=start))
            self._writer.flush()

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point to each curve, and let nothing wait in a buffer."""
        with naming(self.board):
            for name, value in values.items():
                if not math.isfinite(value):
                    continue  # a curve has a gap there; tensorboardX would warn of each
                summary = self._scalar(name, value)
                event = self._event(wall_time=time.time(), step=step, summary=summary)
                self._writer.write_event(event)
            self._writer.flush()

    def close(self) -> None:
        """Close the file."""
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


def _drop_events(board: Path) -> None:
    """TensorBoard would draw an earlier run's curve into the new one's."""
    for events in board.glob("events.out.tfevents.*"):
        events.unlink()
