"""`munjang predict` and `munjang embed` of many files, as used: killed, resumed, damaged."""

import csv
import gzip
import json
import os
import signal
import subprocess
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import munjang
from munjang.memory import available_memory
from tests.system.commands import TIMEOUT, call, invoke, run, start

ROWS = 17_000  # of the larger files: three parts of 8,192 rows
UGLY = (
    "재미있다",
    unicodedata.normalize("NFD", "지루하다"),
    "👍🏽 최고",
    "두 줄\n짜리",
    '"따옴표", 쉼표',
    "",
    " ",
    "길다 " * 300,
    "\u2028 \x7f",
)
PARTS = ("--rows-per-part", 8192)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, reviews: Path) -> Path:
    """Files of all formats, two of them with one name, one empty, one with a header only."""
    folder = tmp_path_factory.mktemp("files")
    with reviews.open(encoding="utf-8") as lines:
        texts = [line.split("\t")[1] for line in lines][1:]
    texts = [UGLY[n // 50 % len(UGLY)] if n % 50 == 0 else texts[n % 1500] for n in range(ROWS)]
    for name in ("a", "b"):
        (folder / name).mkdir()
        with (folder / name / "리뷰.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)  # CRLF, and quoted line ends
            writer.writerow(["n", "document"])
            writer.writerows(enumerate(texts if name == "a" else texts[:40]))
    flat = [text.replace("\n", " ") for text in texts]
    lines = "".join(f"{text}\n" for text in flat)
    (folder / "lines.txt.gz").write_bytes(gzip.compress(lines.encode()))
    objects = (json.dumps({"document": text}, ensure_ascii=False) for text in texts)
    (folder / "objects.jsonl").write_text("".join(f"{line}\n" for line in objects))
    pl.DataFrame({"document": texts}).write_parquet(folder / "table.parquet")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "nothing.txt.gz").write_bytes(gzip.compress(b""))
    (folder / "header.tsv").write_text("document\tlabel\n")
    return folder


@pytest.fixture(scope="module")
def answers(files: Path, model: Path) -> Path:
    """The answers of three processes."""
    out = files.with_name("answers")
    result = run("predict", model, "--input", files, "--out", out, "--workers", 3, *PARTS)
    assert result.code == 0, result.err
    assert result.out == ""
    assert "empty.txt: is empty" in result.err
    # files of one form say the same, which is told once
    assert result.err.count("text column: document (the model was trained on it)") == 1
    return out


def parts_of(out: Path, suffix: str = ".jsonl") -> dict[str, list[Path]]:
    """The parts of each file, in their order."""
    return {
        str(done.parent.relative_to(out)): sorted(done.parent.glob(f"part-*{suffix}"))
        for done in sorted(out.rglob("done.json"))
    }


def tree(out: Path) -> dict[str, bytes]:
    """All files of answers but the manifest, which holds times."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.name != "munjang-answers.json"
    }


def join(parts: list[Path]) -> str:
    return b"".join(part.read_bytes() for part in parts).decode()


def test_parts_are_what_one_process_prints(answers: Path, files: Path, model: Path) -> None:
    found = parts_of(answers)
    assert set(found) == {
        str(path.relative_to(files)) for path in files.rglob("*") if path.is_file()
    }
    assert {name: len(parts) for name, parts in found.items() if len(parts) != 3} == {
        "b/리뷰.csv": 1,
        "empty.txt": 0,
        "nothing.txt.gz": 0,
        "header.tsv": 1,
    }
    for name, parts in found.items():
        printed = invoke("predict", model, "--input", files / name, "--json")
        assert join(parts) == printed.out, name
        assert parts or "the file is empty" in printed.err


def test_number_of_processes_does_not_matter(answers: Path, files: Path, model: Path) -> None:
    out = answers.with_name("alone")
    result = invoke("predict", model, "--input", files, "--out", out, "--workers", 1, *PARTS, "-q")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert tree(out) == tree(answers)


def test_answers_are_read_in_order(answers: Path, files: Path, model: Path) -> None:
    rows = list(munjang.read_answers(answers))
    assert len(rows) == json.loads((answers / "munjang-answers.json").read_text())["done"]["rows"]
    first = [row for row in rows if row.file == str(files / "a" / "리뷰.csv")]
    assert [row.row for row in first] == sorted(row.row for row in first)
    printed = invoke("predict", model, "--input", files / "a" / "리뷰.csv", "--json").out
    assert [{"row": row.row, **row.answer} for row in first] == [
        json.loads(line) for line in printed.splitlines()
    ]
    order = list(dict.fromkeys(row.file for row in rows))
    assert order == sorted(order)


def test_plain_lines(files: Path, model: Path, tmp_path: Path) -> None:
    out, source = tmp_path / "out", files / "b" / "리뷰.csv"
    result = invoke("predict", model, "--input", source, "--out", out, "--format", "tsv")
    assert result.code == 0, result.err
    assert "40 rows of 1 file in 1 part" in result.err
    printed = invoke("predict", model, "--input", source)
    assert join(parts_of(out, ".tsv")["리뷰.csv"]) == printed.out
    read = list(munjang.read_answers(out))
    assert ["\t".join(row.answer) for row in read] == printed.out.splitlines()


def test_refusals(answers: Path, files: Path, model: Path, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    again = ("predict", model, "--input", files, "--out", answers, *PARTS)
    done = call(capsys, *again, "--resume")
    assert (done.code, "everything was done before" in done.err) == (0, True)
    for options, message in (
        (again, "holds answers already; --resume continues them, --overwrite replaces them"),
        ((*again, "--resume", "--seed", 3), "the option seed was 0, and is 3"),
        ((*again[:-1], 16384, "--resume"), "its parts have 8,192 rows, not 16,384"),
        ((*again, "--resume", "--input", "none*.csv"), "none*.csv: no file matches"),
        (("predict", model, "--input", files), "this is a folder"),
        (("predict", model, "--input", "a", "--input", "b"), "expected one --input, got 2"),
        (("predict", model, "--input", "a", "--workers", 2), "--workers: is for many files"),
        (("predict", model, "가", "--out", tmp_path / "o"), "--out: expected files to answer"),
        (("embed", model, "--out", tmp_path / "o"), "expected files to answer, got none"),
        (("embed", model, "--input", "a", "--out", "v.npy", "--resume"), "--resume: is for many"),
        (("embed", model, "--input", files, "--out", answers, "--resume"), "of munjang predict"),
    ):
        result = call(capsys, *options)
        assert result.code == 2, message
        assert message in result.err.replace("\n", " ")
        assert result.err.count("\n") == 1, result.err
    assert not (tmp_path / "o").exists()


def test_unusable_options_leave_no_folder(files: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for options, message in (
        (("--beam", 3), "is for models that write text"),
        (("--text-column", "none"), "there is no text column 'none'"),
    ):
        source = files / "b" / "리뷰.csv"
        result = invoke("predict", model, "--input", source, "--out", out, "--workers", 1, *options)
        assert result.code == 2
        assert message in result.err
        assert not out.exists() or not list(out.iterdir())


def test_bad_row_stops_then_is_skipped(files: Path, model: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "bad.csv", tmp_path / "out"
    rows = [f"{n},글 {n}" for n in range(9000)]
    rows[8500] = "8500"
    source.write_text("\n".join(["n,document", *rows]) + "\n", encoding="utf-8")
    command = ("predict", model, "--input", source, "--out", out, "--workers", 1, *PARTS)
    stopped = invoke(*command)
    assert stopped.code == 2
    assert "bad.csv, row 8502: expected 2 fields as in the header (n, document)" in stopped.err
    assert "1 part done; the same command with --resume continues" in stopped.err
    with pytest.raises(munjang.MunjangError, match="not finished"):
        munjang.read_answers(out)
    before = (out / "bad.csv" / "part-00000.jsonl").stat()
    done = invoke(*command, "--resume", "--skip-bad-rows")
    assert done.code == 0, done.err
    assert "skipped 1 row: wrong number of fields" in done.err
    assert (out / "bad.csv" / "part-00000.jsonl").stat().st_mtime_ns == before.st_mtime_ns
    bad = json.loads((out / "bad.csv" / "bad-rows.jsonl").read_text())
    assert (bad["row"], bad["raw"]) == (8502, "8500")
    printed = invoke("predict", model, "--input", source, "--json", "--skip-bad-rows")
    assert join(parts_of(out)["bad.csv"]) == printed.out


# --- killed ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_files(tmp_path_factory: pytest.TempPathFactory, reviews: Path) -> Path:
    """Files of which each takes some seconds."""
    folder = tmp_path_factory.mktemp("long")
    lines = reviews.read_text(encoding="utf-8").splitlines()
    for name in ("a", "b"):
        (folder / f"{name}.tsv").write_text("\n".join([lines[0], *lines[1:] * 40]) + "\n")
    return folder


def wait_for(process: "subprocess.Popen[bytes]", out: Path, parts: int) -> None:
    """Wait until parts are done."""
    limit = time.monotonic() + TIMEOUT
    while len(list(out.rglob("part-*.json"))) < parts:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.002)


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(folder.name))
    return found


def wait_for_end(pids: list[int]) -> None:
    limit = time.monotonic() + TIMEOUT
    while any(_is_running(pid) for pid in pids):
        assert time.monotonic() < limit, "a worker lives on"
        time.sleep(0.01)


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture
def started(long_files: Path, model: Path, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A command that works, with some parts done."""
    out = tmp_path / "out"
    command = ("predict", model, "--input", long_files, "--out", out, "--workers", 2, *PARTS)
    process = start(*command)
    wait_for(process, out, 3)
    yield process
    process.kill()
    process.communicate()


def resume(long_files: Path, model: Path, out: Path) -> None:
    """Resume; parts that are done stay as they are, and the answers are those of one process."""
    records = {path.name: path.parent for path in out.rglob("part-*.json")}
    kept = {
        part: part.stat().st_mtime_ns
        for name, folder in records.items()
        if (part := folder / name.replace(".json", ".jsonl")).exists()
    }
    assert len(kept) >= 1
    command = ("predict", model, "--input", long_files, "--out", out, "--workers", 2, *PARTS)
    assert "holds answers already" in invoke(*command).err
    done = invoke(*command, "--resume")
    assert done.code == 0, done.err
    assert {part: part.stat().st_mtime_ns for part in kept} == kept
    assert not list(out.rglob("*.partial"))
    for name, parts in parts_of(out).items():
        printed = invoke("predict", model, "--input", long_files / name, "--json")
        assert join(parts) == printed.out


def test_killed_command_is_resumed(
    started: "subprocess.Popen[bytes]", long_files: Path, model: Path, tmp_path: Path
) -> None:
    workers = children(started.pid)
    assert len(workers) == 2
    started.kill()
    wait_for_end(workers)
    resume(long_files, model, tmp_path / "out")


def test_lost_worker_is_named(started: "subprocess.Popen[bytes]", long_files: Path) -> None:
    workers = children(started.pid)
    os.kill(workers[0], signal.SIGKILL)
    _, err = started.communicate(timeout=TIMEOUT)
    assert started.returncode == 2
    last = err.decode().splitlines()[-1]
    assert "SIGKILL; the system does so when memory runs out; fewer --workers" in last
    assert f"munjang: {long_files}" in last
    assert ", part " in last
    wait_for_end(workers)


def test_ctrl_c_stops_all(started: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    workers = children(started.pid)
    started.send_signal(signal.SIGINT)
    _, err = started.communicate(timeout=TIMEOUT)
    assert started.returncode == 130
    assert "the same command with --resume continues in" in err.decode().splitlines()[-1]
    wait_for_end(workers)
    assert not list((tmp_path / "out").rglob("done.json"))


def test_overwrite_replaces_answers(files: Path, model: Path, tmp_path: Path) -> None:
    out, source = tmp_path / "out", files / "b" / "리뷰.csv"
    command = ("predict", model, "--input", source, "--out", out, "--workers", 1)
    assert invoke(*command).code == 0
    changed = invoke(*command, "--overwrite", "--format", "tsv")
    assert changed.code == 0, changed.err
    assert {path.name for path in (out / "리뷰.csv").iterdir()} == {"part-00000.tsv", "done.json"}


# --- vectors --------------------------------------------------------------------------------------


def test_vectors_of_many_files(files: Path, model: Path, tmp_path: Path) -> None:
    out, sources = tmp_path / "vectors", (files / "objects.jsonl", files / "a" / "리뷰.csv")
    inputs = [part for source in sources for part in ("--input", source)]
    result = invoke("embed", model, *inputs, "--out", out, "--workers", 2, "--normalize")
    assert result.code == 0, result.err
    found = parts_of(out, ".parquet")
    assert set(found) == {"objects.jsonl", "a/리뷰.csv"}
    for source in sources:
        parts = found[str(source.relative_to(files))]
        one = tmp_path / "one.parquet"
        assert invoke("embed", model, "--input", source, "--out", one, "--normalize").code == 0
        expected, actual = pl.read_parquet(one), pl.concat([pl.read_parquet(p) for p in parts])
        assert actual.drop("vector").equals(expected.drop("vector"))
        np.testing.assert_array_equal(actual["vector"].to_numpy(), expected["vector"].to_numpy())
    rows = list(munjang.read_answers(out))
    assert len(rows) == 2 * ROWS
    assert rows[0].answer["vector"].shape == (16,)
    hits = invoke("search", model, parts[0], "재미있다", "--k", 1)
    assert hits.code == 0, hits.err


def test_arrays_of_vectors(files: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "vectors"
    done = munjang.embed_files(model, files / "table.parquet", out, format="npy", workers=1)
    assert (done.files, done.parts, done.rows) == (1, 2, ROWS)
    arrays = [np.load(part) for part in parts_of(out, ".npy")["table.parquet"]]
    assert [array.shape for array in arrays] == [(16_384, 16), (ROWS - 16_384, 16)]
    read = [row.answer for row in munjang.read_answers(out)]
    np.testing.assert_array_equal(np.stack(read), np.concatenate(arrays))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_files(model: Path, reviews: Path, tmp_path: Path) -> None:
    assert available_memory() is None or available_memory() > 2 << 30
    lines = reviews.read_text(encoding="utf-8").splitlines()[1:]
    peaks = []
    for times in (10, 160):
        source = tmp_path / f"{times}.txt"
        source.write_text("\n".join(lines * times) + "\n")
        done = munjang.predict_files(model, source, tmp_path / f"out-{times}", workers=2)
        assert done.rows == 1500 * times
        peaks.append(done.memory)
    assert 0 < peaks[1] < peaks[0] + (30 << 20), peaks
