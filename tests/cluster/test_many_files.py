"""`munjang predict --cluster` of many files: each part once, also if nodes and driver die."""

from pathlib import Path

import pytest

import munjang
from tests.cluster.kills import by_progress, count_kills, kill_nodes
from tests.cluster.nodes import TestCluster
from tests.synthetic import make_corpus
from tests.system.commands import TIMEOUT, invoke, start, write_table
from tests.system.comparisons import wait_for

pytestmark = pytest.mark.slow

KILLS = count_kills(1)
# More work where more nodes die, so that it outlasts the starts of their successors: each takes
# seconds, and so does the work per kill.
FILES, ROWS = 200, 250 * KILLS
# The file with the number 0 is longer, of several parts.
LONGER = 40


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 small files, one of which is larger, and one that is empty."""
    folder = tmp_path_factory.mktemp("files")
    texts, labels = make_corpus(ROWS, korean=True)
    for number in range(FILES):
        rows = [(f"{text} {number} 👍", label) for text, label in zip(texts, labels, strict=True)]
        write_table(folder / f"글 {number:03d}.csv", rows * (LONGER if number == 0 else 1))
    (folder / "empty.csv").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes its time."""
    folder = tmp_path_factory.mktemp("models") / "model"
    overrides = ["model.dim=16", "training.epochs=2", "training.threads=1"]
    data = make_corpus(120, korean=True)
    munjang.train(data, task="classify", model="cnn", overrides=overrides, out=folder)
    return folder


@pytest.fixture(scope="module")
def alone(model: Path, files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The answers of one process."""
    out = tmp_path_factory.mktemp("alone") / "answers"
    munjang.predict_files(model, files, out, workers=1, rows_per_part=8192)
    return out


def tree(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.name != "munjang-answers.json"
    }


def command(model: Path, files: Path, out: Path, cluster: TestCluster) -> tuple[object, ...]:
    sources = ("predict", model, "--input", files, "--out", out, "--rows-per-part", 8192)
    return (*sources, "--cluster", cluster.address)


def count_done(out: Path) -> int:
    """How many files are done."""
    return sum(1 for _ in out.glob("*/done.json"))


def test_stopped_prediction_and_killed_nodes_give_the_answers_of_one_machine(
    whole_cluster: TestCluster, model: Path, files: Path, alone: Path, tmp_path: Path
) -> None:
    """A kill of the driver, then kills of nodes."""
    out = tmp_path / "out"
    words = command(model, files, out, whole_cluster)
    killed = start(*words)
    wait_for(lambda: count_done(out) >= 5 or killed.poll() is not None)
    killed.kill()
    _, errors = killed.communicate(timeout=TIMEOUT)
    kept = {path: path.stat().st_mtime_ns for path in out.glob("*/done.json")}
    assert 5 <= len(kept) < FILES, errors.decode()

    left = FILES - len(kept)
    waits = by_progress(KILLS, lambda: (count_done(out) - len(kept)) / left)
    kills, result = kill_nodes(start(*words, "--resume"), whole_cluster, waits)
    assert result.code == 0, result.err
    assert kills == KILLS
    assert tree(out) == tree(alone)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    lines = result.err.splitlines()
    assert lines[0] == "cluster: 3 nodes, 3 cores; 3 at once, 1 core each"
    rows = (FILES - 1 + LONGER) * ROWS
    assert f"{rows:,} rows of {FILES + 1} files in" in lines[-1]
    assert not [line for line in lines if "ray" in line.lower()], result.err


def test_wrong_options_are_told(
    whole_cluster: TestCluster, model: Path, files: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    refused = invoke(*command(model, files, out, whole_cluster), "--beam", 3)
    assert refused.code == 2
    assert refused.err.splitlines()[-1].startswith("munjang: beam: is for models that write text")
    assert not out.exists()
    both = invoke(*command(model, files, out, whole_cluster), "--workers", 2)
    assert "a cluster has as many as its cores" in both.err
