"""`munjang compare --cluster`: the table of one machine, whatever happens to nodes and driver."""

import signal
import time
from pathlib import Path

import pytest

from tests.cluster.comparisons import compare_command, read_comparison, read_weights
from tests.cluster.kills import KILLS, by_clock, kill_nodes
from tests.cluster.nodes import TestCluster
from tests.synthetic import make_corpus
from tests.system.commands import TIMEOUT, start, write_table
from tests.system.comparisons import compare_here, find_workers, wait_for

pytestmark = pytest.mark.slow

# Lines of the log of a run: of every attempt, and of one that continues.
_SEEN = ("rows to train on", "an earlier attempt left a checkpoint")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, labels = make_corpus(400)
    rows = [(f"{text} 재미있다 👍", label) for text, label in zip(texts, labels, strict=True)]
    return write_table(tmp_path_factory.mktemp("made") / "data.csv", rows)


@pytest.fixture(scope="module")
def alone(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The comparison on one machine."""
    out = tmp_path_factory.mktemp("alone") / "compared"
    result = compare_here(*compare_command(table, out))
    assert result.code == 0, result.err
    return out


def test_stopped_and_killed_comparison_gives_the_table_of_one_machine(
    whole_cluster: TestCluster, table: Path, alone: Path, tmp_path: Path
) -> None:
    """Ctrl-C and a kill of the driver, then kills of nodes."""
    out = tmp_path / "out"
    command = compare_command(table, out, "--cluster", whole_cluster.address, "--resume")
    stopped = start(*command)
    wait_for(lambda: bool(list(out.glob("runs/*/*/model/checkpoint.safetensors"))))
    stopped.send_signal(signal.SIGINT)
    _, errors = stopped.communicate(timeout=TIMEOUT)
    assert stopped.returncode == 130, errors.decode()
    assert b"--resume continues from" in errors
    assert b"Traceback" not in errors
    assert not find_workers(out)

    killed = start(*command)
    wait_for(lambda: bool(find_workers(out)))
    time.sleep(1)
    killed.kill()
    killed.communicate(timeout=TIMEOUT)

    # at once: it waits for what the killed one left
    kills, result = kill_nodes(start(*command), whole_cluster, by_clock(KILLS))
    assert result.code == 0, result.err
    assert kills
    lines = result.err.splitlines()
    (size,) = (line for line in lines if line.startswith("cluster: "))
    assert size.endswith(" at once, 1 core each")  # how many, depends on the first kill
    assert not [line for line in lines if "ray" in line.lower()], result.err
    told = [line for line in lines if line.startswith("[") and "done before" not in line]
    assert len(told) == len(set(told)) == 2 * len({line.split("]")[0] for line in told})
    assert read_comparison(out) == read_comparison(alone)
    assert read_weights(out) == read_weights(alone)
    logs = [file.read_text("utf-8") for file in out.glob("runs/mean/*/log.txt")]
    attempts, resumed = (sum(log.count(line) for log in logs) for line in _SEEN)
    print(f"{len(logs)} trainings in {attempts} attempts, {resumed} from a checkpoint")
