"""Memory of this process, as the operating system counts it."""

import sys


def peak_memory() -> int:
    """The most bytes of memory that this process has held so far; 0 where nobody counts them."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
