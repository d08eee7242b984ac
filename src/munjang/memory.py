"""Memory, as the operating system counts it: of this process, and what is free."""

import re
import sys
from pathlib import Path

_AVAILABLE = re.compile(r"^MemAvailable:\s*(\d+) kB$", re.MULTILINE)
_PEAK = re.compile(r"^VmHWM:\s*(\d+) kB$", re.MULTILINE)


def available_memory() -> int | None:
    """Bytes that can be had without swapping, as Linux tells; None where nobody does."""
    told = Path("/proc/meminfo")
    found = _AVAILABLE.search(told.read_text()) if told.exists() else None
    return None if found is None else int(found[1]) * 1024


def peak_memory() -> int:
    """The most bytes of memory that this process has held so far; 0 where nobody counts them.

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
