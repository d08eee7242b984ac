"""A worker of a training, as the command line runs it: it joins the others, and ends with them."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from munjang.cli.outcome import MISTAKE
from munjang.cli.output import note, to_one_line
from munjang.errors import ConfigError, MunjangError
from munjang.stopping import ENDED_BY_SIGNAL, exit_code

if TYPE_CHECKING:
    from munjang.api import Trained
    from munjang.training.workers import Workers

# The file in which the workers meet; as in `munjang.training.workers.joining`, which needs torch.
MEETING = "MUNJANG_MEETING"
# Exit code of a worker that lost the others; the one that ended first is at fault.
LOST = 75
# Seconds that a worker without its parent takes to write a checkpoint.
_LAST_SECONDS = 10.0


def is_worker() -> bool:
    """Return whether this process is one of several workers already."""
    return "RANK" in os.environ and (MEETING in os.environ or "MASTER_ADDR" in os.environ)


@contextmanager
def choose_trainer(
    count: int | None, cluster: str | None, describe_resuming: Callable[[], str]
) -> Iterator[tuple[Callable[..., "Trained"], bool]]:
    """Yield the function that trains, and whether this process shows what it does.

    Args:
        count: number of workers that the user named.
        cluster: address of a Ray cluster; None trains on this machine.
        describe_resuming: returns how the training is continued.
    """
    if cluster is not None:
        from munjang.parallel import train_on_cluster

        yield partial(train_on_cluster, cluster=cluster, workers=count), True
        return
    from munjang.api import train

    with _join(count, describe_resuming) as workers:
        # what it does is shown by the command
        yield partial(train, workers=workers, progress=False), workers.leads


@contextmanager
def _join(count: int | None, describe_resuming: Callable[[], str]) -> Iterator["Workers"]:
    """Join the workers that the environment describes; those that do not lead end silently.

    Args:
        count: number of workers that the user named.
        describe_resuming: returns how the training is continued.

    Raises:
        MunjangError: a worker has failed, or is another one than `count` says.
    """
    from munjang.training.workers.collectives import WorkerLostError
    from munjang.training.workers.joining import join_workers

    if MEETING in os.environ:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    with join_workers() as workers:
        if count not in (None, workers.count):
            raise ConfigError(
                f"--workers: {workers.count} workers were started, and it says {count}; omit it"
            )
        try:
            yield workers
        except WorkerLostError as error:
            if MEETING in os.environ or not workers.leads:
                raise SystemExit(LOST) from None
            raise ConfigError(f"{error}; {describe_resuming()}") from None
        except MunjangError as error:
            if workers.leads:
                raise
            with suppress(MunjangError):
                workers.announce_failure(str(error))
            if MEETING in os.environ:  # read by the process that watches
                note(to_one_line(str(error)))
            raise SystemExit(MISTAKE) from None
        except KeyboardInterrupt as stop:
            if workers.leads:
                raise
            raise SystemExit(exit_code(stop)) from None


def _end_with_parent() -> None:
    """Wait until the parent has ended; then checkpoint and end, as at SIGTERM."""
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_LAST_SECONDS)
    os._exit(ENDED_BY_SIGNAL + signal.SIGTERM)
