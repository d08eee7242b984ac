"""`munjang tune` with several trials at once: the same trials on one machine and on a cluster."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from munjang.api import load
from munjang.cluster.connect import connect
from munjang.tuning.places import Place
from munjang.tuning.runners import Tasks
from munjang.tuning.worker import main
from tests.cluster.kills import KILLS, by_clock, kill_nodes
from tests.cluster.nodes import TestCluster
from tests.synthetic import make_corpus
from tests.system.commands import TIMEOUT, CommandResult, run, start, write_table
from tests.system.comparisons import wait_for

pytest.importorskip("optuna", reason="optuna (extra tune)")
pytestmark = pytest.mark.slow

# More where more nodes die, so that the search outlives them.
TRIALS = max(5, KILLS)
SETTINGS = {
    "training.threads": 1,
    "training.epochs": 4,
    "training.batch_size": 4,
    "model.ngrams": 1,
    "model.combiner": "mean",
    "model.dropout": 0.0,
}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, labels = make_corpus(300)
    rows = [(f"{text} 재미있다 👍", label) for text, label in zip(texts, labels, strict=True)]
    return write_table(tmp_path_factory.mktemp("made") / "데이터.csv", rows)


def tune_command(table: Path, out: Path, *more: object) -> list[object]:
    fixed = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
    common = ("--model", "mean", "--seed", 5, "--trials", TRIALS, "--resume")
    return ["tune", table, "--out", out, *common, *fixed, *more]


@pytest.fixture(scope="module")
def alone(table: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CommandResult]:
    """A search with three trials at once on this machine, stopped and killed on its way."""
    out = tmp_path_factory.mktemp("alone") / "tuned"
    command = tune_command(table, out, "--parallel", 3)
    stopped = start(*command)
    wait_for(lambda: bool(list(out.glob("trials/*/log.txt"))))
    stopped.send_signal(signal.SIGINT)
    _, errors = stopped.communicate(timeout=TIMEOUT)
    assert stopped.returncode == 130, errors.decode()
    assert b"--resume continues from" in errors

    killed = start(*command)
    wait_for(lambda: (out / "tune.json").exists())
    killed.kill()
    killed.communicate(timeout=TIMEOUT)
    return out, run(*tune_command(table, out))  # with as many at once


def read_trials(out: Path) -> list[dict[str, Any]]:
    rows = json.loads((out / "tune.json").read_text("utf-8"))["trials"]
    return [{**row, "seconds": 0} for row in rows]


def test_search_on_one_machine_comes_to_its_end(alone: tuple[Path, CommandResult]) -> None:
    out, result = alone
    assert result.code == 0, result.err
    assert "3 trials at once, 1 core each" in result.err.splitlines()
    assert [row["number"] for row in read_trials(out)] == list(range(1, TRIALS + 1))
    assert {row["ended"] for row in read_trials(out)} <= {"done", "pruned"}
    assert sorted(path.name for path in out.iterdir()) == [
        *("best", "study.sqlite3", "tune.json", "tuning.json")
    ]
    best = json.loads((out / "tune.json").read_text())["best"]
    assert load(out / "best").metrics["validation"]["accuracy"] == best["value"]


def test_cluster_whose_nodes_die_gives_the_same_trials(
    whole_cluster: TestCluster, table: Path, alone: tuple[Path, CommandResult], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    # by default as many at once as there are cores, which depends on the first kill
    command = tune_command(table, out, "--cluster", whole_cluster.address, "--parallel", 3)
    kills, result = kill_nodes(start(*command), whole_cluster, by_clock(KILLS, seed=1))
    assert result.code == 0, result.err
    assert kills
    lines = result.err.splitlines()
    (size,) = (line for line in lines if line.startswith("cluster: "))
    assert size.endswith("3 at once, 1 core each")
    assert not [line for line in lines if "ray" in line.lower()], result.err
    assert read_trials(out) == read_trials(alone[0])
    weights = [folder / "best" / "model.safetensors" for folder in (out, alone[0])]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_trials_at_once_are_those_that_the_cluster_has_cores_for(
    whole_cluster: TestCluster, tmp_path: Path
) -> None:
    lines: list[str] = []
    prepared: Any = None  # used by trials in this process only
    for asked, expected in ((None, 3), (2, 2)):
        with connect(whole_cluster.address):
            place = Place(whole_cluster.address, asked, None)
            runner, at_once = place.open(prepared, tmp_path, {}, lines.append)
        assert at_once == expected
        assert isinstance(runner, Tasks)
        assert lines[-1] == f"cluster: 3 nodes, 3 cores; {expected} at once, 1 core each"


def test_changed_data_is_refused(
    table: Path, alone: tuple[Path, CommandResult], tmp_path: Path
) -> None:
    """Also if only the processes of the trials see the change."""
    out = tmp_path / "out"
    job = {"data": [str(table)], "valid": None, "given": {}, "run": "other rows"}
    out.mkdir()
    (out / "job.json").write_text(json.dumps(job))
    assert main(out, None) == 0
    result = json.loads((out / "result.json").read_text())
    assert "the rows to train on are not those that the search began with" in result["refused"]
