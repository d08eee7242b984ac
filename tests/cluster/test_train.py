"""`munjang train --cluster --workers`: one training by all nodes, whatever happens to them."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.kills import by_progress, count_kills, kill_nodes
from tests.cluster.nodes import TestCluster
from tests.synthetic import make_corpus
from tests.system.commands import TIMEOUT, invoke, run, start, write_table
from tests.system.comparisons import wait_for

pytestmark = pytest.mark.slow

KILLS = count_kills(1)
SETTINGS = {
    # more where more nodes die, so that the training outlasts the starts of their successors
    "training.epochs": max(15, 4 * KILLS),
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
    return start(*command(table, out, "--workers", 3, "--cluster", cluster.address, *more))


def count_validations(out: Path) -> int:
    """How many validation runs the log has."""
    log = out / "metrics.jsonl"
    return log.read_text("utf-8").count('"valid"') if log.exists() else 0


def test_training_whose_nodes_die_and_which_is_stopped_gives_the_weights_of_one_machine(
    whole_cluster: TestCluster, table: Path, here: Path, tmp_path: Path
) -> None:
    """SIGTERM early on, then kills of nodes."""
    out = tmp_path / "model"
    stopped = start_on(whole_cluster, table, out)
    wait_for(lambda: count_validations(out) >= 6 or stopped.poll() is not None)
    stopped.send_signal(signal.SIGTERM)
    errors = stopped.communicate(timeout=TIMEOUT)[1].decode()
    assert stopped.returncode == 143, errors
    assert errors.splitlines()[-1].endswith(f"--resume continues from {out}")

    trained = count_validations(out)
    left = len(read_history(here)) - trained
    waits = by_progress(KILLS, lambda: (count_validations(out) - trained) / left)
    resumed = start_on(whole_cluster, table, out, "--resume")
    kills, result = kill_nodes(resumed, whole_cluster, waits)
    assert result.code == 0, result.err
    assert kills == KILLS
    lines = result.err.splitlines()
    assert "cluster: 3 workers of one core each" in lines
    losses = lines.count("a worker was lost; the training goes on from its last checkpoint")
    assert 1 <= losses <= kills, result.err
    print(f"{losses} times new workers")
    assert_same(out, here)


def test_too_many_workers_are_refused(
    whole_cluster: TestCluster, table: Path, tmp_path: Path
) -> None:
    more = ("--cluster", whole_cluster.address, "--workers", 4)
    result = invoke(*command(table, tmp_path / "model", *more))
    assert result.code == 2
    assert result.err.splitlines()[-1] == (
        "munjang: workers: 4 are asked for, and the cluster has 3 cores"
    )
