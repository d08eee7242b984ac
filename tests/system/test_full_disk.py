"""A disk that fills while a folder is written: one line, nothing finished is lost, and on it goes.

Once with a file that may grow no more (RLIMIT_FSIZE; Python ignores the signal, so that the write
fails), once with a file system of our own that is full, where this user may mount one.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from munjang.api import load
from munjang.cli import main
from munjang.errors import FolderError
from munjang.folder.layout import CARD, CONFIG, METRICS_FILE, TOKENIZER, VOCABULARY, WEIGHTS
from tests.synthetic import make_corpus
from tests.system.commands import CommandResult, call, run, set_options, write_table

resource = pytest.importorskip("resource", reason="this system limits no file sizes")
pytestmark = pytest.mark.usefixtures("one_thread")

FILES = (CONFIG, TOKENIZER, VOCABULARY, WEIGHTS, METRICS_FILE, CARD)

SMALL = (
    "--quiet",
    *("--model", "mean"),
    *set_options(
        model__dim=8, model__subword_ngrams=0, training__epochs=4, training__batch_size=16
    ),
    *("--set", "training.checkpoint_steps=5"),
)
# They tell where the folder lies, or how many seconds it took.
TIMED_FILES = ("config.yaml", "metrics.json", "README.md")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(
        tmp_path_factory.mktemp("made") / "data.csv", zip(*make_corpus(300), strict=True)
    )


def train_command(table: Path, out: Path, *more: object) -> list[object]:
    return ["train", table, "--out", out, *SMALL, *more]


@pytest.fixture(scope="module")
def uninterrupted(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training whose disk had room."""
    out = tmp_path_factory.mktemp("undisturbed") / "m"
    with pytest.raises(SystemExit, match="0"):
        main([str(word) for word in train_command(table, out)])
    return out


@contextmanager
def limit_file_size(size: int) -> Iterator[None]:
    """Within, no file of this process and of those that it starts may be larger, in bytes."""
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))


def assert_disk_error(result: CommandResult, out: Path, cause: str) -> str:
    """The file that the one line names, relative to the folder."""
    assert (result.code, result.out) == (2, ""), result
    *_, last = result.err.splitlines()
    assert "Traceback" not in result.err
    actual = re.fullmatch(
        rf"munjang: (\S+): {cause}; free some space, then the same command .+", last
    )
    assert actual, last
    return str(Path(actual[1]).relative_to(out))


def assert_no_partial_files(out: Path, undisturbed: Path) -> None:
    """Whatever stands under its final name is whole, and no model claims to be finished."""
    for name in (*FILES, "manifest.json"):
        assert name != "manifest.json" or not (out / name).exists()
        if (out / name).exists() and name not in TIMED_FILES:
            assert (out / name).read_bytes() == (undisturbed / name).read_bytes(), name
    if (out / "metrics.json").exists():
        json.loads((out / "metrics.json").read_text("utf-8"))
    assert not list(out.rglob("*.partial"))
    with pytest.raises(FolderError, match="not a finished model folder"):
        load(out)


def assert_resumes(
    table: Path, out: Path, undisturbed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = call(capsys, *train_command(table, out, "--resume"))
    assert result.code == 0, result.err
    same = (out / "model.safetensors").read_bytes() == (
        undisturbed / "model.safetensors"
    ).read_bytes()
    assert same
    assert load(out).predict("lovely")


LOGS, NEVER = {"metrics.jsonl", "tensorboard"}, 1_000_000


# A file that just does not fit or just does, steps between two checkpoints, and what fails first.
@pytest.mark.parametrize(
    ("file", "room", "steps", "first"),
    [
        ("config.yaml", -100, NEVER, {"config.yaml"}),
        ("config.yaml", 100, NEVER, {*LOGS, "vocabulary.json"}),
        ("model.safetensors", -1, 5, {"checkpoint.safetensors"}),
        ("model.safetensors", -1, NEVER, {"model.safetensors"}),
    ],
)
def test_file_size_limit_stops_training_resumably(
    file: str,
    room: int,
    steps: int,
    first: set[str],
    table: Path,
    uninterrupted: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "m"
    with limit_file_size((uninterrupted / file).stat().st_size + room):
        command = train_command(table, out, "--set", f"training.checkpoint_steps={steps}")
        result = call(capsys, *command)
    assert assert_disk_error(result, out, "File too large") in first
    assert_no_partial_files(out, uninterrupted)
    assert_resumes(table, out, uninterrupted, capsys)


def test_file_size_limit_in_a_subprocess(
    table: Path, uninterrupted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "m"
    with limit_file_size((uninterrupted / "config.yaml").stat().st_size + 100):
        result = run(*train_command(table, out))
    assert_disk_error(result, out, "File too large")
    assert len(result.err.splitlines()) == 1
    assert_no_partial_files(out, uninterrupted)
    assert_resumes(table, out, uninterrupted, capsys)


Fill = Callable[[int], None]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Path, Fill]]:
    """A file system of 8 MB, and a function that leaves so many bytes of it free."""
    folder, ballast = tmp_path / "disk", tmp_path / "disk" / "ballast"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may mount no file system of its own")

    def fill(free: int) -> None:
        ballast.unlink(missing_ok=True)
        with ballast.open("wb", buffering=0) as file:
            status = os.statvfs(folder)
            file.write(bytes(max(0, status.f_bavail * status.f_frsize - free)))

    yield folder, fill
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("free", [0, 20_000, 200_000, 600_000])
def test_full_disk_stops_training_resumably(
    free: int,
    disk: tuple[Path, Fill],
    table: Path,
    uninterrupted: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, fill = disk
    fill(free)
    out = folder / "m"
    result = call(capsys, *train_command(table, out))
    assert_disk_error(result, folder, "No space left on device")
    if out.exists():
        assert_no_partial_files(out, uninterrupted)
    fill(4_000_000)
    assert_resumes(table, out, uninterrupted, capsys)


def comparison_command(table: Path, out: Path, models: str, *more: object) -> list[object]:
    command = ["compare", table, "--out", out, "--models", models, "--seeds", 1]
    return [*command, "--budget", "2k tokens", *SMALL[3:], *more]


def read_rows(out: Path) -> dict[str, dict[str, Any]]:
    result = json.loads((out / "compare.json").read_text("utf-8"))["standings"]
    return {row["name"]: row for row in result}


def test_full_disk_stops_a_comparison_resumably(
    disk: tuple[Path, Fill], table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, fill = disk
    out = folder / "out"
    result = call(capsys, *comparison_command(table, out, "majority"))
    assert result.code == 0, result.err
    first = out / "runs/majority/seed-0/run.json"
    before = first.stat().st_mtime_ns
    fill(44_000)
    command = comparison_command(table, out, "majority,tfidf-characters", "--resume", "--quiet")
    assert "tfidf-characters/seed-0/model" in assert_disk_error(
        call(capsys, *command), out, "No space left .+"
    )
    assert not (out / "runs/tfidf-characters/seed-0/model").exists(), "half a model takes room"
    assert set(read_rows(out)) == {"majority"}, "what was there before stays"
    fill(4_000_000)
    result = call(capsys, *command)
    assert result.code == 0, result.err
    assert first.stat().st_mtime_ns == before
    assert read_rows(out)["tfidf-characters"]["runs"] == 1


def test_model_larger_than_file_limit_loses_its_row_only(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with limit_file_size(14_000):
        result = call(
            capsys, *comparison_command(table, out, "majority,tfidf-characters", "--quiet")
        )
    assert result.code == 0, result.err
    assert read_rows(out)["majority"]["runs"] == 1
    (reason,) = read_rows(out)["tfidf-characters"]["reasons"]
    assert "File too large" in reason
    assert "model.safetensors" in reason
    with limit_file_size(4_000):
        result = call(capsys, *comparison_command(table, out, "majority", "--resume", "--quiet"))
    assert assert_disk_error(result, out, "File too large") in ("compare.json", "compare.html")
    assert read_rows(out)["majority"]["runs"] == 1, "the results from before stay"
