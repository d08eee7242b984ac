"""Limits of this machine: cores, how many processes it can bear, open files."""

import os

from munjang.errors import ConfigError
from munjang.memory import available_memory
from munjang.units import format_bytes

# Processes per core, of which all but the first only wait for each other.
_MOST_PER_CORE = 8
# Memory of a process with PyTorch that is its own, before it has read anything.
_LEAST_BYTES = 128 << 20


def count_cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_process_count(name: str, count: int) -> None:
    """Refuse more processes than this machine can bear, before any of them starts.

    Args:
        name: the setting, for the message.
        count: number of processes.

    Raises:
        ConfigError: there are too few cores, or too little memory is free.
    """
    cores = count_cores()
    most = _MOST_PER_CORE * cores
    if not 1 <= count <= most:
        machine = f"{cores} core{'s' if cores > 1 else ''}"
        raise ConfigError(f"{name}: expected 1 to {most} processes on {machine}, got {count:,}")
    free, least = available_memory(), count * _LEAST_BYTES
    if free is not None and count > 1 and least > free:
        raise ConfigError(
            f"{name}: {count} processes take at least {format_bytes(least)} of memory, and "
            f"{format_bytes(free)} is free"
        )


def allow_open_files(count: int) -> None:
    """Raise this process's limit of open files to `count`, or to what the system allows.

    A limit of 1,024 is common, and connections beyond it end unanswered.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
