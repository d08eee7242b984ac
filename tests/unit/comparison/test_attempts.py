"""A second attempt of a run whose node died: from its checkpoint, never beside the first one."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from munjang.comparison import worker
from munjang.comparison.budget import Budget
from munjang.comparison.candidates import Candidate
from munjang.comparison.contests import contest_of
from munjang.comparison.contests.contest import Sources
from munjang.comparison.folder import DATA, MODEL, RUN
from munjang.comparison.plan import Job
from munjang.comparison.processor import ProcessorWatch
from munjang.errors import FolderError
from munjang.folder.lock import hold_lock
from munjang.own_process import LOCKED
from tests.synthetic import make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

SETTINGS = {
    "model": {"dim": 8, "ngrams": 1},
    "training": {"threads": 1, "checkpoint_steps": 5, "batch_size": 16, "metric": "accuracy"},
}
TOKENS = Budget(4000, "tokens")
# What depends on the clock; a folder's bytes count the digits of its times.
_TIMES = {
    *("seconds", "tokens_per_second", "memory_bytes", "latency", "processor_share", "history"),
    "folder_bytes",
}


class KilledError(BaseException):
    """Stands for a kill: nothing of ours is asked before the end."""


@pytest.fixture(autouse=True)
def quick_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the process on all its cores."""
    monkeypatch.setattr("munjang.comparison.measure._stay_on_one_core", lambda: None)


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder of a comparison with its parts, and the settings of its runs."""
    out, contest = tmp_path_factory.mktemp("compared"), contest_of("classify")
    given = contest.named(SETTINGS)
    parts = contest.split(Sources(make_corpus(120)), given, lambda line: None)
    contest.write(parts, out / DATA)
    return out, contest.settings(given, parts)


@pytest.fixture
def lay_out(compared: tuple[Path, dict[str, Any]], tmp_path: Path) -> Callable[..., Path]:
    """Makes the folder of a run."""

    def make(name: str, budget: Budget = TOKENS) -> Path:
        job = Job("classify", Candidate("mean"), 0, budget, compared[1])
        folder = tmp_path / name
        folder.mkdir()
        (folder / worker.JOB).write_text(json.dumps(job.to_json()), encoding="utf-8")
        return folder

    return make


def run_until(step: int, folder: Path, parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a job, and kill it at that step."""
    steps = []

    def look(self: ProcessorWatch, *taken: Any) -> None:
        steps.extend(taken)
        if len(steps) == step:
            raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(ProcessorWatch, "look", look)
        with pytest.raises(KilledError):
            worker.main(folder, parts)


def read_untimed(folder: Path) -> dict[str, Any]:
    record = json.loads((folder / RUN).read_text("utf-8"))
    return {key: value for key, value in record.items() if key not in _TIMES}


@pytest.mark.parametrize("budget", [TOKENS, Budget(3.0, "seconds")])
def test_second_attempt_continues_from_the_checkpoint(
    budget: Budget,
    compared: tuple[Path, dict[str, Any]],
    lay_out: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    parts, folder = compared[0] / DATA, lay_out("run", budget)
    run_until(12, folder, parts, monkeypatch)
    steps: list[int] = []
    monkeypatch.setattr(ProcessorWatch, "look", lambda self, *step: steps.extend(map(number, step)))
    assert worker.main(folder, parts) == 0, capsys.readouterr().out
    assert steps[0] == 11  # step 10 is in the checkpoint
    record = read_untimed(folder)
    assert record["status"] == "done"
    if budget.seconds is None:
        whole = lay_out("whole")
        assert worker.main(whole, parts) == 0
        assert record == read_untimed(whole)
        weights = [each / MODEL / "model.safetensors" for each in (folder, whole)]
        assert weights[0].read_bytes() == weights[1].read_bytes()
    assert steps[-1] == record["planned_steps"] or budget.seconds is not None


def number(step: Any) -> int:
    return int(step.number)


def test_finished_model_is_not_trained_again(
    compared: tuple[Path, dict[str, Any]],
    lay_out: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts, folder = compared[0] / DATA, lay_out("run")
    assert worker.main(folder, parts) == 0
    before = read_untimed(folder)
    (folder / RUN).unlink()  # killed before it was written
    monkeypatch.setattr("munjang.comparison.networks.fit", lambda *a, **k: pytest.fail("trained"))
    assert worker.main(folder, parts) == 0
    assert read_untimed(folder) == before
    assert worker.main(folder, parts) == 0  # all is done


def test_damaged_checkpoint_begins_anew(
    compared: tuple[Path, dict[str, Any]],
    lay_out: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    parts, folder = compared[0] / DATA, lay_out("run")
    run_until(12, folder, parts, monkeypatch)
    checkpoint = folder / MODEL / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    assert worker.main(folder, parts) == 0
    assert "from the start: " in capsys.readouterr().out
    assert read_untimed(folder)["status"] == "done"


HOLD_SCRIPT = """
import sys, time
from pathlib import Path
from munjang.folder.lock import hold_lock
with hold_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.mark.parametrize(("seconds", "code"), [(0.3, 0), (600, LOCKED)])
def test_second_attempt_waits_for_the_first(
    seconds: float,
    code: int,
    compared: tuple[Path, dict[str, Any]],
    lay_out: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts, folder = compared[0] / DATA, lay_out("run")
    if code:
        monkeypatch.setattr(worker, "ORPHAN_SECONDS", 0.1)
    command = [sys.executable, "-c", HOLD_SCRIPT, str(folder), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FolderError, match="writes into this folder"), hold_lock(folder):
            pass
        assert worker.main(folder, parts) == code
        holder.kill()
    assert (folder / RUN).exists() == (code == 0)
