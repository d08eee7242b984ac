"""Processes of their own: Ctrl-C in the moment of their start leaves none behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from munjang import own_process
from munjang.own_process import OwnProcess, run_to_its_end, why_it_ended

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
PARENT_SCRIPT = """
import sys
from munjang.own_process import OwnProcess
child = "from munjang.own_process import end_with_parent; end_with_parent(); import time\\n"
child += "print('ready', flush=True); time.sleep(600)"
with open(sys.argv[1], "wb") as log:
    process = OwnProcess([sys.executable, "-c", child], log)
    print(process._process.pid, flush=True)
    process.wait()
"""


def test_ctrl_c_during_start_ends_the_process(tmp_path: Path, monkeypatch: Any) -> None:
    started: list[subprocess.Popen[bytes]] = []
    handler = signal.getsignal(signal.SIGINT)

    class Popen(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            started.append(self)
            os.kill(os.getpid(), signal.SIGINT)  # before anybody knows the process

    monkeypatch.setattr(own_process.subprocess, "Popen", Popen)
    with (tmp_path / "log").open("wb") as log, pytest.raises(KeyboardInterrupt):
        run_to_its_end(SLEEP, log)
    assert signal.getsignal(signal.SIGINT) is handler
    assert started[0].returncode == -signal.SIGKILL


def test_end_of_the_block_ends_the_process(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log, OwnProcess(SLEEP, log) as process:
        pass
    assert process.wait() == -signal.SIGKILL


def test_process_gets_its_threads_and_folder(tmp_path: Path) -> None:
    script = "import os; print(os.environ['OMP_NUM_THREADS'], os.getcwd())"
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-c", script]
        assert run_to_its_end(command, log, threads=3, cwd=tmp_path) == 0
    assert (tmp_path / "log").read_text().split() == ["3", str(tmp_path.resolve())]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="looks for a process in /proc")
def test_process_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", PARENT_SCRIPT, str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        while "ready" not in log.read_text():
            assert parent.poll() is None
        parent.kill()
    words = Path(f"/proc/{child}/cmdline")  # empty once it has ended, until somebody asks why
    while words.exists() and words.read_bytes():
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("code", "reason"), [(3, "exit code 3"), (-9, "memory runs out"), (-11, "SIGSEGV"), (-99, "99")]
)
def test_why_process_ended(code: int, reason: str) -> None:
    assert reason in why_it_ended(code)
