"""One writer per folder, with real processes that begin together, are killed, or look on."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import munjang
from munjang.baselines import ClassBaseline, PairBaseline, fit_baseline, fit_pair_baseline
from munjang.comparison.run import compare
from munjang.errors import FolderError
from munjang.folder import lock as locks
from munjang.tuning.run import tune
from tests.synthetic import QUICK, make_corpus
from tests.system.commands import TIMEOUT, call, set_options, write_table

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(
        tmp_path_factory.mktemp("made") / "data.csv", zip(*make_corpus(120), strict=True)
    )


Starters = Callable[..., list[ForkServerProcess]]


def train_endlessly(out: str, begin: Any, **more: Any) -> None:
    """Train for ever, once all are ready; or say in a file beside `out` why not."""
    begin.wait(TIMEOUT)
    endless = [*QUICK, "training.epochs=100000", "training.checkpoint_steps=20"]
    try:
        munjang.train(make_corpus(), model="mean", overrides=endless, out=out, **more)
    except FolderError as error:
        Path(f"{out}-{os.getpid()}").write_text(str(error), encoding="utf-8")


@pytest.fixture
def start_trainings(tmp_path: Path) -> Iterator[Starters]:
    """Begins so many trainings into one folder, at once."""
    # a server forks each, so that torch is imported once and not by every one of them
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch._dynamo", "munjang.api", __name__])
    started: list[ForkServerProcess] = []
    barriers: list[Any] = []  # they go with the last who knows them

    def begin(count: int, **more: Any) -> list[ForkServerProcess]:
        together = context.Barrier(count)
        barriers.append(together)
        arguments = (str(tmp_path / "m"), together)
        processes = [
            context.Process(target=train_endlessly, args=arguments, kwargs=more)
            for _ in range(count)
        ]
        started.extend(processes)
        for process in processes:
            process.start()
        return processes

    yield begin
    for process in started:
        process.kill()
        process.join()


def wait_for(event: Callable[[], bool], process: ForkServerProcess) -> None:
    """Until something happened that a living process does."""
    pause = threading.Event()
    while not event():
        assert process.is_alive()
        pause.wait(0.01)


def test_one_of_eight_concurrent_trainings_wins_and_a_killed_one_does_not_block(
    start_trainings: Starters, tmp_path: Path
) -> None:
    waiting = start_trainings(8)
    losers: list[ForkServerProcess] = []
    while len(losers) < 7:
        ended = connection.wait([process.sentinel for process in waiting], TIMEOUT)
        losers += [process for process in waiting if process.sentinel in ended]
        waiting = [process for process in waiting if process.sentinel not in ended]
        assert waiting, "one goes on"
    (winner,) = waiting
    for loser in losers:
        message = (tmp_path / f"m-{loser.pid}").read_text(encoding="utf-8")
        assert f"process {winner.pid} on {socket.gethostname()} (since 20" in message
        assert "writes into this folder" in message
    log, lock = tmp_path / "m" / "metrics.jsonl", tmp_path / "m" / locks.FILE
    wait_for(lambda: log.exists() and log.stat().st_size > 0, winner)
    winner.kill()
    winner.join()
    assert lock.exists(), "a killed process takes nothing away"
    (next_one,) = start_trainings(1, resume=True, overwrite=True)
    wait_for(lambda: f'"pid": {next_one.pid},' in lock.read_text(), next_one)


def test_locked_folder_error_names_the_writer(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ThreadPoolExecutor(1) as other, locks.hold_lock(tmp_path / "."):
        command = ["train", table, "--model", "mean", "--out", tmp_path, *set_options()]
        result = other.submit(call, capsys, *command).result()
    assert (result.code, result.out) == (2, "")
    *_, last = result.err.splitlines()
    assert last.startswith(f"munjang: {tmp_path}: process {os.getpid()} on ")
    assert last.endswith(" writes into this folder; wait until that ends, or choose another folder")


def train_mean(out: Path, **more: Any) -> Any:
    return munjang.train(make_corpus(), model="mean", overrides=QUICK, out=out, **more)


def make_baseline() -> ClassBaseline:
    return fit_baseline("majority", ["good", "bad"], np.array([0, 1]), ["a", "b"])


def make_pair_baseline() -> PairBaseline:
    return fit_pair_baseline("copy", ["a"], ["b"], {"bleu_tokenizer": "13a", "lowercase": False})


WRITERS: dict[str, Callable[[Path], Any]] = {
    "train": train_mean,
    "train --overwrite": lambda out: train_mean(out, overwrite=True),
    "train --resume": lambda out: train_mean(out, resume=True),
    "compare": lambda out: compare(make_corpus(), out=out, models="majority", seeds=1),
    "tune": lambda out: tune(make_corpus(), out=out, model="mean", trials=1),
    "save": lambda out: train_mean(out.with_name("other")).model.save(out),
    "save of a baseline": lambda out: make_baseline().save(out),
    "save of a baseline of pairs": lambda out: make_pair_baseline().save(str(out)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_writer_locks_its_folder(name: str, tmp_path: Path) -> None:
    held, result = threading.Event(), threading.Event()

    def holding() -> None:
        with locks.hold_lock(tmp_path):
            held.set()
            result.wait(TIMEOUT)

    other = threading.Thread(target=holding)
    other.start()
    try:
        assert held.wait(TIMEOUT)
        before = sorted(tmp_path.iterdir())
        with pytest.raises(FolderError, match=rf"process {os.getpid()} on .* writes into this"):
            WRITERS[name](tmp_path)
        assert sorted(tmp_path.iterdir()) == before
    finally:
        result.set()
        other.join()
    assert not (tmp_path / locks.FILE).exists()


def test_baseline_replaces_a_model_completely(tmp_path: Path) -> None:
    train_mean(tmp_path / "m")
    assert make_baseline().save(str(tmp_path / "m")) == tmp_path / "m"
    assert munjang.load(tmp_path / "m").name == "majority"
    assert not (tmp_path / "m" / "config.yaml").exists()


def test_model_is_not_saved_into_folder_in_training(tmp_path: Path) -> None:
    model = munjang.train(make_corpus(), model="mean", overrides=QUICK).model
    half = tmp_path / "m" / "config.yaml.partial"
    result: list[BaseException] = []

    def save() -> None:
        try:
            model.save(tmp_path / "m")
        except FolderError as error:
            result.append(error)

    def look(step: Any) -> None:
        if step.number == 1:
            half.write_text("of the training itself")
            saving = threading.Thread(target=save)
            saving.start()
            saving.join()
            assert half.exists(), "nobody else takes away what a running training has begun"
            half.unlink()

    train_mean(tmp_path / "m", on_step=look)
    assert "writes into this folder" in str(result[0])
    assert munjang.load(tmp_path / "m").predict("lovely")
    assert not (tmp_path / "m" / locks.FILE).exists()


def test_readers_need_no_lock(tmp_path: Path) -> None:
    train_mean(tmp_path / "m")
    with locks.hold_lock(tmp_path / "m"):
        loading = threading.Thread(target=munjang.load, args=(tmp_path / "m",))
        loading.start()
        loading.join()
    assert munjang.load(tmp_path / "m").predict("lovely")


FORK_SCRIPT = """
import os, signal, sys
from pathlib import Path
from munjang.folder import lock as locks
with locks.hold_lock(Path(sys.argv[1])):
    if os.fork() == 0:
        print("child", flush=True)
        sys.stdin.read()
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_forked_child_does_not_keep_lock_of_killed_parent(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FORK_SCRIPT, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "child\n"
        assert parent.wait(TIMEOUT) == -signal.SIGKILL
        with locks.hold_lock(tmp_path):
            pass


def test_unwritable_folder_is_refused_in_one_line(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    def refuse(*_: Any) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(locks.os, "open", refuse)
    result = call(
        capsys, "train", table, "--model", "mean", "--out", tmp_path / "m", *set_options()
    )
    assert result.code == 2
    assert result.err.splitlines()[-1] == (
        f"munjang: {tmp_path / 'm'}: cannot write into this folder: Read-only file system"
    )


def test_file_system_without_locks_is_reported_and_used(tmp_path: Path, monkeypatch: Any) -> None:
    def unknown(*_: Any) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(locks.fcntl, "flock", unknown)
    lines: list[str] = []
    train_mean(tmp_path / "m", report=lines.append)
    assert any("this file system has no locks" in line for line in lines)
    assert munjang.load(tmp_path / "m").predict("lovely")
