"""One training run on disk: steps, log, checkpoints, and a clean stop when asked."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.random import fork_rng

from munjang.training.checkpoints import FILE as CHECKPOINT
from munjang.training.checkpoints import load_checkpoint, save_checkpoint
from munjang.training.logs import RunLog
from munjang.training.loop import Loop, Step
from munjang.training.settings import TrainingSettings

OnStep = Callable[[Step], None]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C reached a training that left a checkpoint: `str` says how to go on."""


def run(
    loop: Loop,
    settings: TrainingSettings,
    *,
    folder: Path | None = None,
    fingerprint: str = "",
    resume: bool = False,
    on_step: OnStep | None = None,
) -> None:
    """Take every step of `loop`; with a `folder`, log and checkpoint there.

    Args:
        loop: what is trained. Its state is left at the last step.
        settings: of the loop; says how often to checkpoint.
        folder: the model folder, or None to keep nothing on disk.
        fingerprint: of data and settings, kept in the checkpoint.
        resume: go on from the folder's checkpoint when there is one.
        on_step: called with every step.

    Raises:
        Interrupted: Ctrl-C came; with a folder, a checkpoint of the last whole step stands in it.
        FolderError: the checkpoint is damaged or of another run.
    """
    state = loop.state
    if folder is not None and resume:
        load_checkpoint(folder, state, fingerprint)
    log = None if folder is None else RunLog(folder, resumed_at=state.counters.step)
    due = _Due(settings)
    try:
        with _threads(settings.threads), fork_rng(devices=[]), _stop_asked() as asked:
            for step in loop:
                if log is not None:
                    log.step(step)
                if on_step is not None:
                    on_step(step)
                stop = asked.is_set()
                if folder is not None and (stop or due(step.number)):
                    save_checkpoint(folder, state, fingerprint)
                if stop:
                    raise Interrupted(_interrupted(folder, step))
            if folder is not None and state.counters.seconds > settings.checkpoint_seconds:
                # until the model is saved, and its checkpoint removed, a long run may not be lost
                save_checkpoint(folder, state, fingerprint)
    finally:
        if log is not None:
            log.close()


def remove_checkpoint(folder: Path) -> None:
    """Drop the checkpoint of a run whose model is saved."""
    (folder / CHECKPOINT).unlink(missing_ok=True)


def _interrupted(folder: Path | None, step: Step) -> str:
    at = f"stopped after step {step.number} of {step.total}"
    if folder is None:
        return at
    return f"{at}; the same command with --resume goes on from {folder}"


class _Due:
    """Says when a checkpoint is due: every so many steps, or seconds since the last one."""

    def __init__(self, settings: TrainingSettings) -> None:
        self.steps = settings.checkpoint_steps
        self.seconds = settings.checkpoint_seconds
        self.last = time.monotonic()

    def __call__(self, step: int) -> bool:
        if self.steps is not None:
            return step % self.steps == 0
        if time.monotonic() - self.last < self.seconds:
            return False
        self.last = time.monotonic()
        return True


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _stop_asked() -> Iterator[threading.Event]:
    """Turn Ctrl-C into an event that is looked at between steps; a second one stops at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
