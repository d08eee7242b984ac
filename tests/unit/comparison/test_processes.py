"""Starting a run's process: Ctrl-C in the very moment leaves none behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from munjang.comparison import processes


def test_ctrl_c_during_start_ends_the_process(tmp_path: Path, monkeypatch: Any) -> None:
    started: list[subprocess.Popen[bytes]] = []
    handler = signal.getsignal(signal.SIGINT)

    class Popen(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            started.append(self)
            os.kill(os.getpid(), signal.SIGINT)  # before anybody knows the process

    monkeypatch.setattr(processes.subprocess, "Popen", Popen)
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    with (tmp_path / "log").open("wb") as log, pytest.raises(KeyboardInterrupt):
        processes._run_to_its_end(command, log)
    assert signal.getsignal(signal.SIGINT) is handler
    assert started[0].returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("code", "reason"), [(3, "exit code 3"), (-9, "memory runs out"), (-11, "SIGSEGV"), (-99, "99")]
)
def test_why_process_ended(code: int, reason: str) -> None:
    assert reason in processes.why_it_ended(code)
