"""`munjang predict --cluster` of many files: each part once, also if nodes and driver die."""

import subprocess
import time
from pathlib import Path

import pytest

import munjang
from tests.cluster.kills import KILLS, kill_until
from tests.cluster.nodes import TestCluster
from tests.synthetic import make_corpus
from tests.system.commands import QUICK, TIMEOUT, run, start, write_table

pytestmark = pytest.mark.slow

FILES, ROWS = 200, 1000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 small files, one that is larger, and one that is empty."""
    folder = tmp_path_factory.mktemp("files")
    texts, labels = make_corpus(ROWS, korean=True)
    for number in range(FILES):
        rows = [(f"{text} {number} 👍", label) for text, label in zip(texts, labels, strict=True)]
        write_table(folder / f"글 {number:03d}.csv", rows * (40 if number == 0 else 1))
    (folder / "empty.csv").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "model"
    overrides = [f"{key}={value}" for key, value in QUICK.items()]
    data = make_corpus(120, korean=True)
    munjang.train(data, task="classify", model="mean", overrides=overrides, out=folder)
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


def wait_for_files(process: "subprocess.Popen[bytes]", out: Path) -> None:
    """Wait until some files are done."""
    limit = time.monotonic() + TIMEOUT
    while len(list(out.rglob("done.json"))) < 5:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.05)


def test_killed_nodes_change_nothing(
    whole_cluster: TestCluster, model: Path, files: Path, alone: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = start(*command(model, files, out, whole_cluster))
    wait_for_files(process, out)
    whole_cluster.kill()  # at once: the rest may be done within seconds
    whole_cluster.add()
    _, result = kill_until(process, whole_cluster, KILLS)
    assert result.code == 0, result.err
    assert tree(out) == tree(alone)
    lines = result.err.splitlines()
    assert lines[0] == "cluster: 3 nodes, 3 cores; 3 at once, 1 core each"
    assert f"{FILES * ROWS + 39 * ROWS:,} rows of {FILES + 1} files in" in lines[-1]
    assert not [line for line in lines if "ray" in line.lower()], result.err


def test_killed_driver_is_resumed(
    whole_cluster: TestCluster, model: Path, files: Path, alone: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = command(model, files, out, whole_cluster)
    process = start(*words)
    wait_for_files(process, out)
    process.kill()
    process.communicate()
    kept = {path: path.stat().st_mtime_ns for path in out.rglob("done.json")}
    result = run(*words, "--resume")
    assert result.code == 0, result.err
    assert tree(out) == tree(alone)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_wrong_options_are_told(
    whole_cluster: TestCluster, model: Path, files: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    refused = run(*command(model, files, out, whole_cluster), "--beam", 3)
    assert refused.code == 2
    assert refused.err.splitlines()[-1].startswith("munjang: beam: is for models that write text")
    assert not out.exists()
    both = run(*command(model, files, out, whole_cluster), "--workers", 2)
    assert "a cluster has as many as its cores" in both.err
