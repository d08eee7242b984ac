"""One training by several processes of this machine: stopped, killed, resumed, under torchrun."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import munjang
from tests.system.commands import MUNJANG, TIMEOUT, copy_head, environment, invoke, run

SETTINGS = {
    "training.epochs": 6,
    "training.threads": 1,
    "training.checkpoint_steps": 3,
    "training.validations_per_epoch": 4,
    "training.average_after": 0.0,
    "training.embedding_optimizer": "adagrad",
    "model.dim": 8,
    "model.ngrams": 2,
    "model.ngram_buckets": 500,
    "model.filters": 8,
}
OPTIONS = [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]


def command(data: Path, out: Path, *more: object) -> list[str]:
    arguments = ("train", data, "--model", "cnn", "--out", out, *OPTIONS, *more)
    return [str(argument) for argument in arguments]


class Training:
    """A training by two workers in the background."""

    def __init__(self, data: Path, out: Path, errors: Path) -> None:
        self.data, self.out, self.errors = data, out, errors
        self.start()

    def start(self, *more: str) -> None:
        """Begin, or go on with `--resume`."""
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [*MUNJANG, *command(self.data, self.out, "--workers", 2, *more)],
                env=environment(),
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        self.workers: list[int] = []

    def wait_until_trained(self, share: float) -> None:
        """Until a share of the epochs is done."""
        limit = time.monotonic() + TIMEOUT
        while self.process.poll() is None and read_epoch(self.out) < share * 6:
            assert time.monotonic() < limit, "nothing happened"
            time.sleep(0.01)
        self.workers = children(self.process.pid)
        assert len(self.workers) == 2, self.errors.read_text("utf-8")

    def finish(self) -> int:
        """Wait for the end of all processes, and return the exit code."""
        code = self.process.wait(TIMEOUT)
        limit = time.monotonic() + 30
        while any(is_running(worker) for worker in self.workers):
            assert time.monotonic() < limit, "a worker is left"
            time.sleep(0.01)
        return code

    @property
    def last_line(self) -> str:
        """The last line of standard error."""
        return self.errors.read_text("utf-8").splitlines()[-1]


def read_epoch(out: Path) -> float:
    """The number of validation runs in the log, in epochs."""
    log = out / "metrics.jsonl"
    return log.read_text("utf-8").count('"valid"') / 4 if log.exists() else 0.0


def children(parent: int) -> list[int]:
    """The processes that a process started, the first one first."""
    if not Path("/proc").is_dir():
        pytest.skip("processes are found in /proc")
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(stat.parent.name))
    return sorted(found)


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture(scope="module")
def trec(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 2,000 questions of six kinds."""
    path = data_folder / "trec" / "train.tsv"
    if not path.is_file():
        pytest.skip(f"no {path}")
    return copy_head(path, 2001, tmp_path_factory.mktemp("trec") / "train.tsv")


@pytest.fixture(scope="module")
def uninterrupted(trec: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training by two workers that nobody stopped."""
    out = tmp_path_factory.mktemp("undisturbed") / "model"
    result = run(*command(trec, out, "--workers", 2))
    assert result.code == 0, result.err
    assert result.err.count("read 2,000 rows") == 1, "a worker that does not lead writes"
    return out


@pytest.fixture
def training(trec: Path, tmp_path: Path) -> Iterator[Training]:
    """A training that ends with the test."""
    started = Training(trec, tmp_path / "model", tmp_path / "errors.txt")
    yield started
    started.process.kill()
    started.finish()


def assert_resumes_as_if_nothing_had_happened(out: Path, trec: Path, uninterrupted: Path) -> None:
    result = run(*command(trec, out, "--workers", 2, "--resume"))
    assert result.code == 0, result.err
    for name in ("model.safetensors", "vocabulary.json", "config.yaml"):
        assert (out / name).read_bytes() == (uninterrupted / name).read_bytes(), name
    history, expected = (
        [{**record, "seconds": 0} for record in read_metrics(folder)["history"]]
        for folder in (out, uninterrupted)
    )
    assert history == expected


def read_metrics(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text("utf-8"))


def test_figures_name_the_workers(uninterrupted: Path) -> None:
    facts = read_metrics(uninterrupted)["training"]
    assert facts["workers"] == 2
    assert 0 < facts["exchange_seconds"] < facts["seconds"] + 60


def assert_killed_worker_is_named(training: Training, rank: int) -> None:
    killed = time.monotonic()
    os.kill(training.workers[rank], signal.SIGKILL)
    assert training.finish() == 1
    assert time.monotonic() - killed < 20
    assert training.last_line == (
        f"munjang: worker {rank} of 2 (process {training.workers[rank]}) was killed (SIGKILL: by "
        f"hand, or for lack of memory); the same command with --resume continues from "
        f"{training.out}"
    )


def assert_signal_stops_all(training: Training, number: int, code: int) -> None:
    training.process.send_signal(number)
    assert training.finish() == code
    assert training.last_line.startswith("munjang: stopped after step ")
    assert training.last_line.endswith(
        f"the same command with --resume continues from {training.out}"
    )


def test_stopped_and_killed_training_is_resumed(
    training: Training, trec: Path, uninterrupted: Path
) -> None:
    """Ctrl-C, then a kill of the worker that does not lead: each start takes seconds."""
    training.wait_until_trained(0.3)
    assert_signal_stops_all(training, signal.SIGINT, 130)
    training.start("--resume")
    training.wait_until_trained(0.6)
    assert_killed_worker_is_named(training, 1)
    assert_resumes_as_if_nothing_had_happened(training.out, trec, uninterrupted)


@pytest.mark.slow
def test_killed_and_stopped_training_is_resumed(
    training: Training, trec: Path, uninterrupted: Path
) -> None:
    """A kill of the worker that leads, then SIGTERM."""
    training.wait_until_trained(0.3)
    assert_killed_worker_is_named(training, 0)
    training.start("--resume")
    training.wait_until_trained(0.6)
    assert_signal_stops_all(training, signal.SIGTERM, 143)
    assert_resumes_as_if_nothing_had_happened(training.out, trec, uninterrupted)


@pytest.mark.slow
def test_stopped_worker_stops_all(training: Training, trec: Path, uninterrupted: Path) -> None:
    training.wait_until_trained(0.3)
    os.kill(training.workers[1], signal.SIGTERM)
    assert training.finish() in (130, 143), training.errors.read_text("utf-8")
    assert training.last_line.startswith("munjang: stopped after step ")
    assert_resumes_as_if_nothing_had_happened(training.out, trec, uninterrupted)


@pytest.mark.slow
def test_worker_stopped_before_the_first_step_stops_all(training: Training) -> None:
    limit = time.monotonic() + TIMEOUT
    while len(workers := children(training.process.pid)) < 2:
        assert time.monotonic() < limit
        time.sleep(0.01)
    time.sleep(1.0)
    os.kill(workers[1], signal.SIGTERM)
    training.workers = workers
    assert training.finish() == 143


@pytest.mark.slow
def test_no_worker_outlives_the_command(
    training: Training, trec: Path, uninterrupted: Path
) -> None:
    training.wait_until_trained(0.3)
    training.process.kill()
    training.finish()
    assert (training.out / "checkpoint.safetensors").exists()
    assert_resumes_as_if_nothing_had_happened(training.out, trec, uninterrupted)


@pytest.mark.slow
def test_torchrun_is_joined(trec: Path, uninterrupted: Path, tmp_path: Path) -> None:
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    result = subprocess.run(
        [*torchrun, "-m", "munjang", *command(trec, tmp_path / "model")],
        env=environment(),
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert result.returncode == 0, result.stderr.decode()
    assert result.stderr.decode().count("read 2,000 rows") == 1
    name = "model.safetensors"
    assert (tmp_path / "model" / name).read_bytes() == (uninterrupted / name).read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(["--set", "training.epochs=0"], "training.epochs", marks=pytest.mark.slow),
        (["--set", "model.ensemble_size=2"], "training.ensemble_leave_out"),
        pytest.param(["--out", "."], "holds other files", marks=pytest.mark.slow),
    ],
)
def test_mistakes_are_told_once(
    trec: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    result = run(*command(trec, tmp_path / "model", *options, "--workers", 2))
    assert result.code == 2
    lines = [line for line in result.err.splitlines() if line.startswith("munjang: ")]
    assert len(lines) == 1, result.err
    assert message in lines[0]


def test_standard_input_is_refused() -> None:
    result = invoke("train", "-", "--out", "unused", "--workers", 2, stdin="text\tlabel\n")
    assert result.code == 2
    assert "--workers: standard input (-) is read by one process only" in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "{data}", "--model", "mean", "--out", "{out}", "--workers", 1000),
        ("tune", "{data}", "--model", "mean", "--trials", 2, "--out", "{out}", "--parallel", 1000),
        ("predict", "{model}", "--input", "{folder}", "--out", "{out}", "--workers", 1000),
        ("serve", "{model}", "--workers", 256, "--port", 0),
    ],
    ids=lambda arguments: arguments[0],
)
def test_more_processes_than_the_machine_bears_are_refused(
    arguments: tuple[object, ...], tmp_path: Path
) -> None:
    data = tmp_path / "texts.tsv"
    lines = (f"text {number}\t{'ab'[number % 2]}\n" for number in range(60))
    data.write_text("text\tlabel\n" + "".join(lines), encoding="utf-8")
    model, out = tmp_path / "model", tmp_path / "out"
    if "{model}" in arguments:
        config = {"training": {"max_steps": 1}}
        munjang.train(data, model="mean", config=config).model.save(model)
    names = {"data": data, "model": model, "out": out, "folder": tmp_path}
    result = run(*(str(each).format(**names) for each in arguments))
    assert result.code == 2, result.err
    last = result.err.strip().splitlines()[-1]
    assert re.search(r"(workers|parallel): expected 1 to \d+ processes on \d+ cores?, got", last)
    assert not out.exists()
