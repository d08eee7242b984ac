"""Processes that this machine can bear; more are refused before any starts."""

import pytest

from munjang import processes
from munjang.errors import ConfigError
from munjang.processes import check_process_count


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
