"""A training run on disk: steps, log, checkpoints, and a clean stop on request."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from munjang.folder.manifest import FILE as MANIFEST
from munjang.folder.replacement import SOFT_TARGETS
from munjang.training.checkpoints import FILE as CHECKPOINT
from munjang.training.checkpoints import load_checkpoint, save_checkpoint
from munjang.training.logs import RunLog
from munjang.training.loop import Loop, Step
from munjang.training.settings import TrainingSettings
from munjang.training.signals import StopRequest, catch_signals
from munjang.training.threads import use_threads

OnStep = Callable[[Step], None]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM stopped a training at a checkpoint; the message says how to resume."""


def run(
    loop: Loop,
    settings: TrainingSettings,
    *,
    folder: Path | None = None,
    fingerprint: str = "",
    resume: bool = False,
    on_step: OnStep | None = None,
    out: str | Path = "",
) -> None:
    """Take every step of `loop`; with a `folder`, log and checkpoint there.

    Args:
        loop: the training. Its state is left at the last step.
        settings: settings of the loop, with the interval of checkpoints.
        folder: the model folder, or None to write nothing.
        fingerprint: identifies data and settings in the checkpoint.
        resume: continue from the checkpoint in `folder`, if there is one.
        on_step: called with every step.
        out: the folder's name in messages, if the user knows it by another one.

    Raises:
        Interrupted: a signal came; with a folder, the last step is checkpointed there.
        OSError: a file cannot be written; the message names it. An earlier checkpoint stays.
        FolderError: the checkpoint is damaged, or belongs to another run.
    """
    state, workers = loop.state, loop.workers
    if folder is not None and resume:
        load_checkpoint(folder, state, fingerprint)
    workers.share_state(state)
    log = None
    if folder is not None:
        resumed_at, rate = state.counters.step, settings.learning_rate
        log = RunLog(folder, resumed_at=resumed_at, learning_rate=rate)
    is_due = _CheckpointTimer(settings)
    try:
        with use_threads(settings.threads), catch_signals() as request:
            for step in loop:
                if log is not None:
                    log.record(step)
                if on_step is not None:
                    on_step(step)
                stop, is_written = workers.agree(
                    stop=request.is_made,
                    checkpoint=folder is not None and is_due(step.number),
                )
                if stop or is_written:
                    with request.defer():
                        workers.gather_carried(state)
                        if folder is not None:
                            save_checkpoint(folder, state, fingerprint)
                        workers.deal_carried(state)
                if stop:
                    raise Interrupted(_describe_stop(folder, loop, out)) from request.reason
            workers.gather_carried(state)
            if folder is not None and state.counters.seconds > settings.checkpoint_seconds:
                # until the model is saved, and its checkpoint removed, a long run may not be lost
                save_checkpoint(folder, state, fingerprint)
    except OSError as error:
        # a file could not be written, after a whole step: a disk that has no room for a log may
        # have some for the checkpoint
        is_whole = workers.count == 1  # the others are in the next step
        if folder is not None and is_whole and error.filename != str(folder / CHECKPOINT):
            with suppress(OSError):
                save_checkpoint(folder, state, fingerprint)
        raise
    finally:
        if log is not None:
            log.close()


@contextmanager
def checkpoint_on_stop(
    request: StopRequest,
    loop: Loop,
    folder: Path | None,
    fingerprint: str,
    out: str | Path = "",
) -> Iterator[None]:
    """Checkpoint the last step if the block, which scores and saves the model, is stopped.

    No step is left to finish, so a signal stops the block at once; a short run has no checkpoint
    yet. A full disk is handled likewise, if the checkpoint still fits.

    Args:
        request: from a `catch_signals` that encloses both `run` and this block, with no gap.
        loop: the training, whose steps are all done.
        folder: the model folder, or None.
        fingerprint: as for `run`.
        out: as for `run`.

    Raises:
        Interrupted: a signal came.
        OSError: a file cannot be written; the message names it.
    """
    try:
        with request.raise_at_once():
            yield
    except KeyboardInterrupt:
        raise Interrupted(_keep_last_step(loop, folder, fingerprint, out)) from request.reason
    except OSError:
        with suppress(OSError):
            _keep_last_step(loop, folder, fingerprint, out)
        raise


def _keep_last_step(loop: Loop, folder: Path | None, fingerprint: str, out: str | Path) -> str:
    """Checkpoint the last step unless the model is saved; return the message for the user."""
    if folder is not None and (folder / MANIFEST).exists():
        remove_checkpoint(folder)
        return f"stopped; the model was complete and is saved in {out or folder}"
    if folder is not None:
        save_checkpoint(folder, loop.state, fingerprint)
    return _describe_stop(folder, loop, out)


def remove_checkpoint(folder: Path) -> None:
    """Remove the checkpoint of a run whose model is saved, and a student's soft targets."""
    for name in (CHECKPOINT, SOFT_TARGETS):
        (folder / name).unlink(missing_ok=True)


def _describe_stop(folder: Path | None, loop: Loop, out: str | Path) -> str:
    position = f"stopped after {loop.describe_position()}"
    if folder is None:
        return position
    return f"{position}; the same command with --resume continues from {out or folder}"


class _CheckpointTimer:
    """Decides when a checkpoint is due: after a number of steps, or of seconds."""

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
