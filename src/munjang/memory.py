"""Memory as the operating system counts it: peak, available, total; and errors for lack of it."""

import os
import re
import sys
from contextlib import suppress
from pathlib import Path

# Limits of control groups, version 2 and version 1.
_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
_AVAILABLE = re.compile(r"^MemAvailable:\s*(\d+) kB$", re.MULTILINE)
_PEAK = re.compile(r"^VmHWM:\s*(\d+) kB$", re.MULTILINE)


def reset_peak() -> bool:
    """Let `peak_memory` count from now on, and return whether that is possible: only on Linux."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def available_memory() -> int | None:
    """Return the bytes that Linux can give without swapping; None on other systems."""
    path = Path("/proc/meminfo")
    match = _AVAILABLE.search(path.read_text()) if path.exists() else None
    return None if match is None else int(match[1]) * 1024


def peak_memory() -> int:
    """Return the largest number of bytes held by this process since its start or `reset_peak`.

    0 on Windows. On Linux it is read from `/proc`, since `getrusage` counts also the memory of the
    parent process.
    """
    status = Path("/proc/self/status")
    match = _PEAK.search(status.read_text()) if status.exists() else None
    if match is not None:
        return int(match[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def total_memory() -> int:
    """Return the bytes that this process may hold at most; 0 if unknown.

    It is the memory of the machine, or the limit of the container that the process runs in.
    """
    try:
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows
        return 0
    limits = [machine]
    for path in _LIMITS:
        with suppress(OSError, ValueError):  # "max" means no limit
            limits.append(int(path.read_text(encoding="ascii")))
    return min(limits)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that memory ran out.

    PyTorch raises a plain `RuntimeError` on a CPU and a subclass of it on a GPU.
    """
    if isinstance(error, MemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in text or "out of memory" in text
    )
