"""One writer per folder: a lock of the operating system on a file in it.

The system lets go of a lock when its process ends, however that ends, so the file of a process
that was killed is no obstacle. Readers of a folder ask for no lock.
"""

import errno
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from munjang.errors import FolderError
from munjang.reporting import Report, discard

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt

FILE = "munjang.lock"

# What a file system without locks answers.
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
# Windows lets nobody read what is locked: far behind what the file says.
_BEHIND = 1 << 30
# Between taking a lock and saying who has it there is a moment.
_LOOKS, _PAUSE = 50, 0.02

# Open locks of this process, by folder and thread: whoever holds a folder may write into it by
# functions that hold it themselves.
_held: dict[tuple[str, int], int] = {}


@contextmanager
def hold_lock(folder: Path, report: Report = discard) -> Iterator[None]:
    """Hold the lock of a folder, which exists, for the duration of the block.

    Args:
        folder: to write into.
        report: called when the file system of `folder` has no locks, and nothing is held.

    Raises:
        FolderError: another holds it, who is named; or nothing can be written there.
    """
    key = (os.path.realpath(folder), threading.get_ident())
    if key in _held:
        yield
        return
    descriptor = _take(folder, report)
    _held[key] = descriptor
    try:
        yield
    finally:
        del _held[key]
        _release(folder / FILE, descriptor)


def refuse_locked(folder: Path) -> None:
    """Refuse a folder that another process is writing to; change nothing.

    Raises:
        FolderError: somebody does.
    """
    if (os.path.realpath(folder), threading.get_ident()) in _held:
        return
    try:
        descriptor = os.open(folder / FILE, os.O_RDWR)
    except OSError:
        return  # nobody ever did, or may
    try:
        _lock(folder, descriptor)
    except OSError:
        return
    finally:
        os.close(descriptor)


def _take(folder: Path, report: Report) -> int:
    """Open the lock file, lock it, and return its descriptor."""
    path = folder / FILE
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise FolderError(
                f"{folder}: cannot write into this folder: {error.strerror}"
            ) from None
        try:
            _lock(folder, descriptor)
        except OSError:
            report(
                f"{folder}: this file system has no locks; see to it that no other process "
                "writes there"
            )
        except BaseException:
            os.close(descriptor)
            raise
        if _is_at(path, descriptor):
            break
        os.close(descriptor)  # its holder ended in between, and took the file away
    _sign(descriptor)
    return descriptor


def _lock(folder: Path, descriptor: int) -> None:
    """Lock an open file.

    Raises:
        FolderError: another has it.
        OSError: the file system has no locks.
    """
    try:
        if fcntl is None:
            os.lseek(descriptor, _BEHIND, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise
        raise FolderError(
            f"{folder}: {_holder(descriptor)} writes into this folder; wait until that ends, or "
            "choose another folder"
        ) from None


def _is_at(path: Path, descriptor: int) -> bool:
    with suppress(OSError):
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False


def _sign(descriptor: int) -> None:
    """Say in the file who has the lock."""
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    who = {"pid": os.getpid(), "host": socket.gethostname(), "since": now}
    with suppress(OSError):  # on a full disk the lock holds all the same
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, json.dumps(who).encode())


def _holder(descriptor: int) -> str:
    """Return the holder of the lock, as the lock file names it."""
    for _ in range(_LOOKS):
        os.lseek(descriptor, 0, os.SEEK_SET)
        with suppress(ValueError, TypeError, KeyError):
            who = json.loads(os.read(descriptor, 4096))
            return f"process {who['pid']} on {who['host']} (since {who['since']})"
        time.sleep(_PAUSE)
    return "another process"


def _release(path: Path, descriptor: int) -> None:
    """Take the file away and let go. Whoever waits for it sees that it is another."""
    if fcntl is None:  # Windows removes no open file
        os.close(descriptor)
    with suppress(OSError):
        path.unlink()
    if fcntl is not None:
        os.close(descriptor)


def _let_go_in_child() -> None:
    """Release all locks in a forked child, which may outlive the training."""
    for descriptor in _held.values():
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_in_child)
