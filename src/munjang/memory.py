"""Memory, as the operating system counts it: of this process, and what is free."""

import os
import re
import sys
from contextlib import suppress
from pathlib import Path

# Of control groups, the second version and the first.
_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
_AVAILABLE = re.compile(r"^MemAvailable:\s*(\d+) kB$", re.MULTILINE)
_PEAK = re.compile(r"^VmHWM:\s*(\d+) kB$", re.MULTILINE)


def reset_peak() -> bool:
    """Let `peak_memory` count from now on. False where that is not possible: only Linux can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def available_memory() -> int | None:
    """Bytes that can be had without swapping, as Linux tells; None where nobody does."""
    told = Path("/proc/meminfo")
    found = _AVAILABLE.search(told.read_text()) if told.exists() else None
    return None if found is None else int(found[1]) * 1024


def peak_memory() -> int:
    """The most bytes of memory that this process has held so far; 0 where nobody counts them.

    So far means since `reset_peak`, where that was called and could be done.

    Linux counts in a process, through `getrusage`, also what the one held that started it.
    """
    status = Path("/proc/self/status")
    found = _PEAK.search(status.read_text()) if status.exists() else None
    if found is not None:
        return int(found[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def total_memory() -> int:
    """The bytes of memory that this process may ever hold; 0 where nobody says so.

    Of the machine, or what the container that it runs in is allowed of it.
    """
    try:
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows
        return 0
    limits = [machine]
    for path in _LIMITS:
        with suppress(OSError, ValueError):  # "max" is none
            limits.append(int(path.read_text(encoding="ascii")))
    return min(limits)
