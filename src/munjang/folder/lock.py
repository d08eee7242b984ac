"""Locks of folders: one writer per folder, by a lock of the operating system on a file in it.

The system releases a lock when its process ends in any way, so that the file of a killed process is
no obstacle. Readers need no lock.
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
# Patience with processes of a program that was killed, or of a machine that died: they end within
# seconds, as soon as they notice.
ORPHAN_SECONDS = 120.0

# Errors of file systems without locks.
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
# Windows denies reading of locked bytes: the locked one is far behind the content.
_LOCKED_BYTE = 1 << 30
# The holder is written a moment after the lock is taken: attempts to read it, seconds between.
_ATTEMPTS, _PAUSE = 50, 0.02

# Locks of this process by folder and thread: a holder may call functions that lock again.
_held: dict[tuple[str, int], int] = {}


@contextmanager
def hold_lock(folder: Path, report: Report = discard, *, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock of a folder, which exists, for the duration of the block.

    Args:
        folder: folder to write into.
        report: called if the file system has no locks, and none is held.
        patience: seconds to wait for a process that holds the lock and is about to end.

    Raises:
        FolderError: another process holds the lock and is named, or the folder is not writable.
    """
    key = (os.path.realpath(folder), threading.get_ident())
    if key in _held:
        yield
        return
    descriptor = _acquire_patiently(folder, report, patience)
    _held[key] = descriptor
    try:
        yield
    finally:
        del _held[key]
        _release(folder / FILE, descriptor)


def refuse_locked(folder: Path) -> None:
    """Refuse a folder that another process is writing to; change nothing.

    Raises:
        FolderError: another process holds the lock.
    """
    if (os.path.realpath(folder), threading.get_ident()) in _held:
        return
    try:
        descriptor = os.open(folder / FILE, os.O_RDWR)
    except OSError:
        return  # never locked, or not writable
    try:
        _lock(folder, descriptor)
    except OSError:
        return
    finally:
        os.close(descriptor)


def _acquire_patiently(folder: Path, report: Report, patience: float) -> int:
    """Acquire the lock as `_acquire` does, again and again for some seconds."""
    end = time.monotonic() + patience
    while True:
        try:
            return _acquire(folder, report)
        except FolderError:
            if time.monotonic() >= end:
                raise
        time.sleep(_PAUSE)


def is_locked(folder: Path) -> bool:
    """Return whether a process is writing to a folder, as far as its lock can be read.

    Unlike `refuse_locked`, it needs no right to write, and others may ask at the same time.
    """
    if fcntl is None:
        try:
            refuse_locked(folder)
        except FolderError:
            return True
        return False
    try:
        descriptor = os.open(folder / FILE, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _NO_LOCKS
    finally:
        os.close(descriptor)
    return False


def _acquire(folder: Path, report: Report) -> int:
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
                f"{folder}: this file system has no locks; make sure that no other "
                "process writes there"
            )
        except BaseException:
            os.close(descriptor)
            raise
        if _is_at(path, descriptor):
            break
        os.close(descriptor)  # the holder ended meanwhile and removed the file
    _write_holder(descriptor)
    return descriptor


def _lock(folder: Path, descriptor: int) -> None:
    """Lock an open file.

    Raises:
        FolderError: another process holds the lock.
        OSError: the file system has no locks.
    """
    try:
        if fcntl is None:
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
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


def _write_holder(descriptor: int) -> None:
    """Write the holder of the lock to the file."""
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": now}
    with suppress(OSError):  # a full disk does not matter to the lock
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, json.dumps(holder).encode())


def _holder(descriptor: int) -> str:
    """Return the holder of the lock, as the lock file names it."""
    for _ in range(_ATTEMPTS):
        os.lseek(descriptor, 0, os.SEEK_SET)
        with suppress(ValueError, TypeError, KeyError):
            holder = json.loads(os.read(descriptor, 4096))
            return f"process {holder['pid']} on {holder['host']} (since {holder['since']})"
        time.sleep(_PAUSE)
    return "another process"


def _release(path: Path, descriptor: int) -> None:
    """Remove the file and release the lock; others notice that the file has changed."""
    if fcntl is None:  # Windows cannot remove open files
        os.close(descriptor)
    with suppress(OSError):
        path.unlink()
    if fcntl is not None:
        os.close(descriptor)


def _release_in_child() -> None:
    """Release all locks in a forked child, which may outlive the training."""
    for descriptor in _held.values():
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release_in_child)
