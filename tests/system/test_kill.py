"""A training killed at any moment, and again, ends in the very file of one that never was."""

import json
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from munjang.api import load, train
from munjang.errors import FolderError
from munjang.training.run import Interrupted
from tests.system.commands import TIMEOUT, copy_head

pytestmark = pytest.mark.usefixtures("one_thread")

SETTINGS = (
    "training.epochs=2",
    "training.threads=1",
    "training.checkpoint_steps=3",
    "training.validations_per_epoch=4",
    "training.average_after=0.0",
    "training.embedding_optimizer=adagrad",
    "model.dim=8",
    "model.ngrams=2",
    "model.ngram_buckets=500",
    "model.filters=8",
)
Runs = Callable[..., "Run"]


def train_in_process(data: str, out: str, **options: Any) -> None:
    """Train in the process of a run. Ctrl-C leaves its message in `words.txt` beside `out`."""
    try:
        train(data, model="cnn", overrides=SETTINGS, out=out, **options)
    except Interrupted as stop:
        Path(out).with_name("words.txt").write_text(str(stop), encoding="utf-8")


class Run:
    """One training in a process of its own."""

    def __init__(self, data: Path, out: Path) -> None:
        # a server forks each run, so that torch is imported once and not at each of them
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["torch._dynamo", "munjang.api", __name__])
        self.out = out
        self.process: ForkServerProcess = context.Process(
            target=train_in_process, args=(str(data), str(out)), kwargs={"resume": True}
        )
        self.process.start()

    @property
    def step(self) -> int:
        """The last step that the log tells of."""
        return max((record["step"] for record in read_log(self.out)), default=0)

    def wait_for(self, event: Callable[[], bool]) -> None:
        """Until something happened, or the process ended."""
        limit = time.monotonic() + TIMEOUT
        while self.process.is_alive() and not event():
            assert time.monotonic() < limit, "nothing happened"
            time.sleep(0.001)

    def stop(self, number: int) -> None:
        """Send a signal to the process and wait for its end."""
        if self.process.is_alive():
            assert self.process.pid is not None
            os.kill(self.process.pid, number)
        self.finish()

    def finish(self) -> None:
        """Wait for the end."""
        self.process.join(TIMEOUT)
        assert self.process.exitcode is not None, "the training hangs"


def read_log(out: Path) -> list[dict[str, Any]]:
    """The whole records of a log."""
    log = out / "metrics.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    whole = []
    for line in lines:
        try:
            whole.append(json.loads(line))
        except ValueError:  # half a line
            break
    return whole


@pytest.fixture(scope="module")
def trec(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 2,000 questions of six kinds."""
    path = data_folder / "trec" / "train.tsv"
    if not path.is_file():
        pytest.skip(f"no {path}")
    return copy_head(path, 2001, tmp_path_factory.mktemp("trec") / "train.tsv")


@pytest.fixture(scope="module")
def uninterrupted(trec: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nobody stopped."""
    out = tmp_path_factory.mktemp("undisturbed") / "model"
    train_in_process(str(trec), str(out))
    return out


@pytest.fixture
def start_run(trec: Path, tmp_path: Path) -> Iterator[Runs]:
    """Starts runs in one folder; ends them with the test."""
    started: list[Run] = []

    def start() -> Run:
        started.append(Run(trec, tmp_path / "model"))
        return started[-1]

    yield start
    for run in started:
        run.stop(signal.SIGKILL)


def finish_run(out: Path, runs: Runs) -> None:
    """Resume once more, unless the run was faster than the kill."""
    if not (out / "manifest.json").exists():
        runs().finish()
    else:  # it may have been killed between its last two acts
        (out / "checkpoint.safetensors").unlink(missing_ok=True)


def assert_same_result(out: Path, undisturbed: Path, moments: list[Any]) -> None:
    for name in ("model.safetensors", "vocabulary.json", "tokenizer.json", "config.yaml"):
        same = (out / name).read_bytes() == (undisturbed / name).read_bytes()
        assert same, f"{name} differs after stops at {moments}"
    expected = read_log(undisturbed)
    assert [(r["step"], r["part"]) for r in read_log(out)] == [
        (r["step"], r["part"]) for r in expected
    ]
    assert [r for r in read_log(out) if r["part"] == "valid"] == [
        r for r in expected if r["part"] == "valid"
    ]
    assert not (out / "checkpoint.safetensors").exists()
    assert not list(out.glob("*.partial"))
    load(out)


def test_kill_at_random_moments_is_resumed(
    start_run: Runs, tmp_path: Path, uninterrupted: Path
) -> None:
    out = tmp_path / "model"
    random_moments = random.Random(os.urandom(8))
    last = max(record["step"] for record in read_log(uninterrupted))
    moments: list[Any] = []
    for share in (0.0, 0.3, 0.8):
        run = start_run()
        goal = share * last
        run.wait_for(lambda run=run, goal=goal: run.step >= goal)
        delay = random_moments.uniform(0.0, 0.5 if share == 0.0 else 0.1)
        time.sleep(delay)
        run.stop(signal.SIGKILL)
        moments.append((run.step, round(delay, 4)))
        if not (out / "manifest.json").exists():
            with pytest.raises(FolderError, match=r"not a finished|no such model folder"):
                load(out)
    finish_run(out, start_run)
    assert_same_result(out, uninterrupted, moments)


def test_kill_during_save_is_resumed(start_run: Runs, tmp_path: Path, uninterrupted: Path) -> None:
    out = tmp_path / "model"
    run = start_run()
    run.wait_for((out / "tokenizer.json").exists)
    run.stop(signal.SIGKILL)
    left = sorted(path.name for path in out.iterdir())
    finish_run(out, start_run)
    assert_same_result(out, uninterrupted, left)


def test_ctrl_c_leaves_a_resumable_folder(
    start_run: Runs, tmp_path: Path, uninterrupted: Path
) -> None:
    out = tmp_path / "model"
    run = start_run()
    run.wait_for(lambda: run.step >= 30)
    run.stop(signal.SIGINT)
    assert run.process.exitcode == 0
    words = (tmp_path / "words.txt").read_text(encoding="utf-8")
    assert words.startswith("stopped after step ")
    assert words.endswith(f"the same command with --resume continues from {out}")
    assert (out / "checkpoint.safetensors").exists()
    start_run().finish()
    assert_same_result(out, uninterrupted, [words])
