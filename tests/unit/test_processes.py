"""Limits of this machine: more processes than it can bear are refused; files may be open."""

import resource

import pytest

from munjang import processes
from munjang.errors import ConfigError
from munjang.processes import allow_open_files, check_process_count


def test_bounds_follow_cores_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "count_cores", lambda: 2)
    monkeypatch.setattr(processes, "available_memory", lambda: 1 << 40)
    for count in (1, 16):
        check_process_count("workers", count)
    for count in (0, -1, 17, 10**30):
        with pytest.raises(ConfigError, match=r"^workers: expected 1 to 16 processes on 2 cores"):
            check_process_count("workers", count)
    monkeypatch.setattr(processes, "available_memory", lambda: 10**9)
    check_process_count("workers", 7)
    with pytest.raises(ConfigError, match=r"8 processes take at least 1.07 GB .* 1.00 GB is free"):
        check_process_count("workers", 8)
    monkeypatch.setattr(processes, "available_memory", lambda: 1)
    check_process_count("workers", 1)
    monkeypatch.setattr(processes, "available_memory", lambda: None)
    check_process_count("workers", 16)


def test_limit_of_open_files_is_raised_as_far_as_allowed() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        allow_open_files(300)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (300, hard)
        allow_open_files(100)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (300, hard)
        allow_open_files(10**9)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(hard, 10**9), hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
