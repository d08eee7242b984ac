"""One training run on disk: steps, log, checkpoints, and a clean stop when asked."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from munjang.manifest import FILE as MANIFEST
from munjang.stopping import Terminated, free_to_take
from munjang.training.checkpoints import FILE as CHECKPOINT
from munjang.training.checkpoints import load_checkpoint, save_checkpoint
from munjang.training.logs import RunLog
from munjang.training.loop import Loop, Step
from munjang.training.settings import TrainingSettings

OnStep = Callable[[Step], None]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, or SIGTERM, reached a training that left a checkpoint: `str` says how to go on."""


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
        loop: what is trained. Its state is left at the last step.
        settings: of the loop; says how often to checkpoint.
        folder: the model folder, or None to keep nothing on disk.
        fingerprint: of data and settings, kept in the checkpoint.
        resume: go on from the folder's checkpoint when there is one.
        on_step: called with every step.
        out: what people call the folder, if that is another one.

    Raises:
        Interrupted: Ctrl-C came; with a folder, a checkpoint of the last whole step stands in it.
        OSError: a file cannot be written; it is named. An earlier checkpoint stays.
        FolderError: the checkpoint is damaged or of another run.
    """
    state = loop.state
    if folder is not None and resume:
        load_checkpoint(folder, state, fingerprint)
    log = None if folder is None else RunLog(folder, resumed_at=state.counters.step)
    due = _Due(settings)
    try:
        with _threads(settings.threads), ctrl_c() as asked:
            for step in loop:
                if log is not None:
                    log.step(step)
                if on_step is not None:
                    on_step(step)
                stop = asked.stop
                if folder is not None and (stop or due(step.number)):
                    with asked.held():
                        save_checkpoint(folder, state, fingerprint)
                if stop:
                    raise Interrupted(_interrupted(folder, loop, out)) from asked.reason
            if folder is not None and state.counters.seconds > settings.checkpoint_seconds:
                # until the model is saved, and its checkpoint removed, a long run may not be lost
                save_checkpoint(folder, state, fingerprint)
    except OSError as error:
        # a file could not be written, after a whole step: a disk that has no room for a log may
        # have some for the checkpoint
        if folder is not None and error.filename != str(folder / CHECKPOINT):
            with suppress(OSError):
                save_checkpoint(folder, state, fingerprint)
        raise
    finally:
        if log is not None:
            log.close()


@contextmanager
def finishing(
    asked: "CtrlC",
    loop: Loop,
    folder: Path | None,
    fingerprint: str,
    out: str | Path = "",
) -> Iterator[None]:
    """Within, the model of a run whose steps are all done is scored and written.

    Ctrl-C has no step to wait for any more, so it ends this at once, and leaves a checkpoint of the
    last step: a short run has none yet. So does a disk that is full, if the checkpoint still fits.

    Args:
        asked: what `ctrl_c` gave; it has to stand around `run` and this, with no gap in between.
        loop: whose steps are done.
        folder: the model folder, or None.
        fingerprint: as for `run`.
        out: likewise.

    Raises:
        Interrupted: Ctrl-C came.
        OSError: a file cannot be written; it is named.
    """
    try:
        with asked.at_once():
            yield
    except KeyboardInterrupt:
        raise Interrupted(_kept(loop, folder, fingerprint, out)) from asked.reason
    except OSError:
        with suppress(OSError):
            _kept(loop, folder, fingerprint, out)
        raise


def _kept(loop: Loop, folder: Path | None, fingerprint: str, out: str | Path) -> str:
    """See to it that the last step is kept on disk. Returns words for people."""
    if folder is not None and (folder / MANIFEST).exists():
        remove_checkpoint(folder)
        return f"stopped; the model was finished, and stands in {out or folder}"
    if folder is not None:
        save_checkpoint(folder, loop.state, fingerprint)
    return _interrupted(folder, loop, out)


def remove_checkpoint(folder: Path) -> None:
    """Drop the checkpoint of a run whose model is saved."""
    (folder / CHECKPOINT).unlink(missing_ok=True)


def _interrupted(folder: Path | None, loop: Loop, out: str | Path) -> str:
    at = f"stopped after step {loop.state.counters.step} of {loop.total}"
    if folder is None:
        return at
    return f"{at}; the same command with --resume goes on from {out or folder}"


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


class CtrlC:
    """What Ctrl-C and SIGTERM do to a training. It is the handler of both signals.

    Attributes:
        stop: one came, and whoever takes the steps should stop at the end of this one.
        reason: the SIGTERM among them, for whoever raises the end.
    """

    def __init__(self) -> None:
        self.stop = False
        self.reason: Terminated | None = None
        self._raises, self._held = False, False

    def __call__(self, number: int, frame: object) -> None:
        """Note a signal; a Ctrl-C behind it stops at once.

        A second SIGTERM is not taken for impatience: schedulers send it to a process, and again to
        all of its group.
        """
        again = self.stop and number == signal.SIGINT
        self.stop = True
        if number == signal.SIGTERM:
            self.reason = self.reason or Terminated()
        if not self._held and (again or self._raises):
            # who catches the one that ends the finishing writes a checkpoint
            self._held = self._raises
            raise KeyboardInterrupt

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Within, the first signal stops at once; so does one that came before and was only noted.

        Raises:
            KeyboardInterrupt: it came.
        """
        self._raises = True
        if self.stop:
            self._held = True
            raise KeyboardInterrupt
        yield
        # what is done is done: nothing that follows here is worth breaking off
        self._held = True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within, nothing stops: a checkpoint is what the next run needs."""
        before, self._held = self._held, True
        try:
            yield
        finally:
            self._held = before


@contextmanager
def ctrl_c() -> Iterator[CtrlC]:
    """Let Ctrl-C and SIGTERM be noted, to be looked at between steps.

    Within itself it changes nothing. A SIGTERM that somebody else handles, or that is ignored,
    stays theirs.
    """
    before, asked = signal.getsignal(signal.SIGINT), CtrlC()
    in_main = threading.current_thread() is threading.main_thread()
    if isinstance(before, CtrlC) or not in_main:
        yield before if isinstance(before, CtrlC) and in_main else asked
        return
    taken = {signal.SIGINT: before}
    if free_to_take(signal.SIGTERM):
        taken[signal.SIGTERM] = signal.getsignal(signal.SIGTERM)
    for number in taken:
        signal.signal(number, asked)
    try:
        yield asked
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)
