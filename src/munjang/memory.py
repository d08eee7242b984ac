"""Memory as the operating system counts it: peak, available, total; and errors for lack of it."""

import ctypes
import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# Limits of control groups, version 2 and version 1.
_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
_STATM = Path("/proc/self/statm")
_AVAILABLE = re.compile(r"^MemAvailable:\s*(\d+) kB$", re.MULTILINE)
_PEAK = re.compile(r"^VmHWM:\s*(\d+) kB$", re.MULTILINE)
# Parameters of glibc's mallopt, and the largest block that it lets come from the heap.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_ON_HEAP = 32 << 20


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


def resident_memory() -> int | None:
    """Return the bytes that this process holds now; None on systems other than Linux."""
    try:
        pages = int(_STATM.read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _find_trim() -> Callable[[int], int] | None:
    """Return `malloc_trim` of glibc; None with another C library."""
    if not sys.platform.startswith("linux"):
        return None
    trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim


def _keep_freed_memory() -> None:
    """Let glibc keep what a training step frees for the next step.

    By default it returns the end of the heap at once, and the system clears every page again at the
    next step: that took a tenth of the processor's time of a GRU.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt: Callable[[int, int], int] | None = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, HeapTrimmer.growth)
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_ON_HEAP)


class HeapTrimmer:
    """Keeps free memory in the process, and returns it to the system when the process has grown.

    Buffers of ever new sizes, as batches of texts of all lengths have them, leave holes in the heap
    of glibc, which it keeps: a training grows by gigabytes that nothing uses. Returning them takes
    about 0.1 s and is therefore done every five seconds at most. No result depends on it.

    Attributes:
        growth: bytes by which the process must have grown since the last time.
        interval: seconds between two times.
    """

    growth = 256 << 20
    interval = 5.0

    def __init__(self) -> None:
        _keep_freed_memory()
        self._trim = _find_trim()
        self._held = resident_memory() or 0
        self._next = 0.0

    def trim_if_grown(self) -> bool:
        """Return free memory to the system if it is time to; return whether that was done."""
        if self._trim is None or time.monotonic() < self._next:
            return False
        held = resident_memory()
        if held is None or held < self._held + self.growth:
            return False
        self._trim(0)
        self._held = resident_memory() or 0
        self._next = time.monotonic() + self.interval
        return True


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
