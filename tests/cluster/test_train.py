"""`munjang train --cluster --workers`: one training by all nodes, whatever happens to them."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.nodes import TestCluster
from tests.synthetic import make_corpus
from tests.system.commands import MUNJANG, TIMEOUT, environment, run, write_table

pytestmark = pytest.mark.slow

SETTINGS = {
    "training.epochs": 30,
    "training.batch_size": 16,
    "training.checkpoint_steps": 5,
    "training.validations_per_epoch": 2,
    "model.dim": 8,
    "model.ngram_buckets": 500,
    "model.filters": 8,
}
OPTIONS = [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]


def command(data: Path, out: Path, *more: object) -> list[str]:
    arguments = ("train", data, "--model", "cnn", "--out", out, *OPTIONS, *more)
    return [str(argument) for argument in arguments]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, labels = make_corpus(400, korean=True)
    rows = [(f"{text} 재미있다 👍", label) for text, label in zip(texts, labels, strict=True)]
    return write_table(tmp_path_factory.mktemp("made") / "data.csv", rows)


@pytest.fixture(scope="module")
def here(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The training by three workers of this machine."""
    out = tmp_path_factory.mktemp("here") / "model"
    result = run(*command(table, out, "--workers", 3))
    assert result.code == 0, result.err
    return out


def read_history(folder: Path) -> list[dict[str, Any]]:
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    return [{**record, "seconds": 0} for record in metrics["history"]]


def assert_same(out: Path, here: Path) -> None:
    name = "model.safetensors"
    assert (out / name).read_bytes() == (here / name).read_bytes()
    assert read_history(out) == read_history(here)


def start_on(cluster: TestCluster, table: Path, out: Path, *more: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*MUNJANG, *command(table, out, "--workers", 3, "--cluster", cluster.address, *more)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_until_trained(process: "subprocess.Popen[bytes]", out: Path, validations: int) -> None:
    """Until the log has so many validation runs."""
    log, limit = out / "metrics.jsonl", time.monotonic() + TIMEOUT
    while process.poll() is None and time.monotonic() < limit:
        if log.exists() and log.read_text("utf-8").count('"valid"') >= validations:
            return
        time.sleep(0.02)
    raise AssertionError(process.communicate()[1].decode())


def test_killed_node_changes_nothing(
    whole_cluster: TestCluster, table: Path, here: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model"
    process = start_on(whole_cluster, table, out)
    wait_until_trained(process, out, 6)
    whole_cluster.kill()
    whole_cluster.add()
    errors = process.communicate(timeout=TIMEOUT)[1].decode()
    assert process.returncode == 0, errors
    lines = errors.splitlines()
    assert "cluster: 3 workers of one core each" in lines
    assert lines.count("a worker was lost; the training goes on from its last checkpoint") == 1, (
        errors
    )
    assert_same(out, here)


def test_stopped_training_is_resumed(
    whole_cluster: TestCluster, table: Path, here: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model"
    process = start_on(whole_cluster, table, out)
    wait_until_trained(process, out, 6)
    os.kill(process.pid, signal.SIGTERM)
    errors = process.communicate(timeout=TIMEOUT)[1].decode()
    assert process.returncode == 143, errors
    assert errors.splitlines()[-1].endswith(f"--resume continues from {out}")
    process = start_on(whole_cluster, table, out, "--resume")
    errors = process.communicate(timeout=TIMEOUT)[1].decode()
    assert process.returncode == 0, errors
    assert_same(out, here)


def test_too_many_workers_are_refused(
    whole_cluster: TestCluster, table: Path, tmp_path: Path
) -> None:
    more = ("--cluster", whole_cluster.address, "--workers", 4)
    result = run(*command(table, tmp_path / "model", *more))
    assert result.code == 2
    assert result.err.splitlines()[-1] == (
        "munjang: workers: 4 are asked for, and the cluster has 3 cores"
    )
