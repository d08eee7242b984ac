"""Running text through the command line: sources, reuse, kills, damage, disks, memory."""

import gzip
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from munjang.data.shards.manifest import FILE as MANIFEST
from munjang.folder.workspace import ENCODED
from tests.synthetic import make_corpus
from tests.system.commands import TIMEOUT, CommandResult, environment, invoke, run, start

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = tuple(
    part
    for setting in (
        "model.dim=8",
        "model.heads=1",
        "model.layers=1",
        "training.threads=1",
        "training.epochs=2",
        "training.batch_tokens=200",
        "data.shard_tokens=400",
        "data.window_shards=2",
        "tokenizer.max_size=200",
    )
    for part in ("--set", setting)
)
TASK = ("--task", "masked_lm", "--model", "bert")
# Of metrics.json, what is not the time it took.
TIME_KEYS = {"seconds", "tokens_per_second"}


def make_documents(count: int = 60) -> list[list[str]]:
    """Documents of two or three lines."""
    texts, _ = make_corpus(3 * count)
    return [texts[3 * n : 3 * n + 2 + n % 2] for n in range(count)]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("\n\n".join("\n".join(lines) for lines in make_documents()) + "\n")
    return path


def run_train(data: object, out: Path, *more: object) -> CommandResult:
    return invoke("train", data, *TASK, *SMALL, "--json", "--out", out, *more)


def read_metrics(folder: Path) -> dict[str, object]:
    """Return metrics.json without seconds and names of files."""
    result = json.loads((folder / "metrics.json").read_text())
    history = [{k: v for k, v in row.items() if k not in TIME_KEYS} for row in result["history"]]
    training = {k: v for k, v in result["training"].items() if k not in {*TIME_KEYS, "files"}}
    return {"validation": result["validation"], "history": history, "training": training}


def read_weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def test_train_reports_lines_and_removes_encoded_text(text: Path, tmp_path: Path) -> None:
    result = run_train(text, tmp_path / "m")
    assert result.code == 0, result.err
    lines = sum(map(len, make_documents()))
    assert f"read {lines} lines of text.txt" in result.err
    assert "60 documents; whole ones are held out" in result.err
    assert "encoded text: about" in result.err
    actual = read_metrics(tmp_path / "m")
    training = actual["training"]
    assert isinstance(training, dict)
    assert training["lines"] + training["valid_lines"] == lines
    assert training["rows"] == training["lines"]
    assert not (tmp_path / "m" / ENCODED).exists()
    config = (tmp_path / "m" / "config.yaml").read_text()
    assert "input: lines" in config
    assert "cache" not in config
    scored = invoke("evaluate", tmp_path / "m", text, "--json")
    assert scored.code == 0, scored.err
    assert json.loads(scored.out)["rows"] == lines
    assert "held out" not in scored.err
    apart = run_train(text, tmp_path / "apart", "--valid", text)
    assert apart.code == 0, apart.err
    assert "held out" not in apart.err


def test_every_source_of_same_documents_gives_same_model(text: Path, tmp_path: Path) -> None:
    content = text.read_bytes()
    packed = tmp_path / "text.gz"
    packed.write_bytes(gzip.compress(content))
    half = content.index(b"\n\n", len(content) // 2) + 1
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_bytes(content[:half])
    (folder / "sub" / "b.txt").write_bytes(content[half:])
    table = tmp_path / "table.jsonl"
    table.write_text("".join(json.dumps({"text": "\n".join(d)}) + "\n" for d in make_documents()))
    assert run_train(text, tmp_path / "m").code == 0
    for name, source in (("a", packed), ("b", folder), ("c", table)):
        result = run_train(source, tmp_path / name)
        assert result.code == 0, result.err
        assert read_weights(tmp_path / name) == read_weights(tmp_path / "m"), name
    piped = run("train", "-", *TASK, *SMALL, "--out", tmp_path / "p", stdin=content)
    assert piped.code == 0, piped.err
    assert "of standard input" in piped.err
    assert read_weights(tmp_path / "p") == read_weights(tmp_path / "m")
    assert not (tmp_path / "p" / ENCODED).exists()


def test_named_cache_is_reused_until_text_or_settings_change(text: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = run_train(text, tmp_path / "a", "--cache", cache)
    assert first.code == 0, first.err
    times = {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}
    assert MANIFEST in times
    repeated = run_train(text, tmp_path / "b", "--cache", cache)
    assert f"the text was encoded before, in {cache}" in repeated.err
    assert {path.name: path.stat().st_mtime_ns for path in cache.iterdir()} == times
    assert read_weights(tmp_path / "b") == read_weights(tmp_path / "a")
    assert read_metrics(tmp_path / "b") == read_metrics(tmp_path / "a")
    longer = run_train(text, tmp_path / "c", "--cache", cache, "--set", "tokenizer.max_length=5")
    assert "encoded before" not in longer.err
    assert "of more than 5 tokens, split into several rows" in longer.err
    with text.open("a") as file:
        file.write("\none more document\n")
    changed = run_train(text, tmp_path / "d", "--cache", cache)
    assert "encoded before" not in changed.err
    assert "61 documents" in changed.err


def test_tokenizer_of_another_model_is_not_confused_with_a_fitted_one(
    text: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("\n".join(f"word{n} again word{n}" for n in range(40)))
    cache = tmp_path / "cache"
    assert run_train(other, tmp_path / "first").code == 0
    pretrained = run_train(text, tmp_path / "a", "--cache", cache, "--from", tmp_path / "first")
    assert pretrained.code == 0, pretrained.err
    repeated = run_train(text, tmp_path / "b", "--cache", cache, "--from", tmp_path / "first")
    assert "the text was encoded before" in repeated.err
    assert read_weights(tmp_path / "b") == read_weights(tmp_path / "a")
    learned = run_train(text, tmp_path / "c", "--cache", cache)
    assert "the text was encoded before" not in learned.err
    assert run_train(text, tmp_path / "d").code == 0
    assert read_weights(tmp_path / "c") == read_weights(tmp_path / "d")


def test_neighboring_lines_are_joined_within_documents(text: Path, tmp_path: Path) -> None:
    result = run_train(text, tmp_path / "m", "--set", "data.join_next=true")
    assert result.code == 0, result.err
    training = read_metrics(tmp_path / "m")["training"]
    assert isinstance(training, dict)
    assert training["rows"] + training["valid_rows"] == sum(
        -(-len(document) // 2) for document in make_documents()
    )
    pairs = ("--set", "data.join_next=true", "--set", "masked_lm.pairs=sentence_order")
    assert run_train(text, tmp_path / "o", *pairs).code == 0
    flat = tmp_path / "flat.txt"
    flat.write_text("\n".join(line for document in make_documents() for line in document))
    refused = run_train(flat, tmp_path / "n", "--set", "data.join_next=true")
    assert refused.code == 2
    assert "data.join_next: expected documents of several lines" in refused.err
    assert not (tmp_path / "n").exists()


def test_validation_text_is_streamed(text: Path, tmp_path: Path) -> None:
    valid = tmp_path / "valid.txt"
    valid.write_text("good film\nbad film\n")
    result = run_train(text, tmp_path / "m", "--valid", valid)
    assert result.code == 0, result.err
    training = read_metrics(tmp_path / "m")["training"]
    assert isinstance(training, dict)
    assert (training["rows"], training["valid_rows"]) == (sum(map(len, make_documents())), 2)
    assert {path.name for path in (tmp_path / "m").iterdir()}.isdisjoint(
        {ENCODED, f"{ENCODED}-validation"}
    )


def test_damaged_line_is_named_or_skipped(text: Path, tmp_path: Path) -> None:
    text.write_bytes(b"good\n\xb0\xa1\xff\n" + text.read_bytes())
    refused = run_train(text, tmp_path / "m")
    assert refused.code == 2
    last = refused.err.splitlines()[-1]
    assert f"{text}, row 2: the row holds invalid bytes" in last
    assert "--encoding" in last
    assert not (tmp_path / "m").exists()
    result = run_train(text, tmp_path / "m", "--skip-bad-rows")
    assert result.code == 0, result.err
    assert "skipped 1 row: invalid bytes" in result.err


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "expected lines of text, found none"),
        (b"one line\n", "1 line cannot be split"),
        (b"same\nsame\nsame\n", "3 lines cannot be split"),
    ],
)
def test_too_little_text_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    result = run_train(path, tmp_path / "m")
    assert result.code == 2
    assert expected in result.err.splitlines()[-1]
    assert "Traceback" not in result.err
    assert not (tmp_path / "m").exists()


def test_hostile_caches_are_refused_in_one_line(text: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert run_train(text, tmp_path / "a", "--cache", cache).code == 0
    files = sorted(path for path in cache.iterdir() if path.name.startswith("training"))
    assert len(files) > 2
    good = {path: path.read_bytes() for path in cache.iterdir()}

    def damage(change: Callable[[], object], *expected: str) -> None:
        change()
        result = run_train(text, tmp_path / "b", "--cache", cache)
        assert result.code == 2, result
        last = result.err.splitlines()[-1]
        assert "Traceback" not in result.err
        assert all(words in last for words in expected), last
        for path, content in good.items():
            path.write_bytes(content)
        shutil.rmtree(tmp_path / "b", ignore_errors=True)

    note = "encodes the text again"
    damage(files[1].unlink, files[1].name, "missing", note)
    damage(lambda: files[1].write_bytes(b"x" * len(good[files[1]])), files[1].name, note)
    damage(lambda: files[0].write_bytes(good[files[0]][:-9]), files[0].name, "size", note)
    manifest = cache / MANIFEST
    damage(lambda: manifest.write_text("{"), MANIFEST, note)
    damage(lambda: manifest.write_text("[]"), MANIFEST, note)
    values = json.loads(good[manifest])
    values["parts"]["training"]["shards"][0]["file"] = "../../x.arrow"
    damage(lambda: manifest.write_text(json.dumps(values)), MANIFEST, "damaged", note)
    values = json.loads(good[manifest])
    values["vocabulary"] = {"tokens": "x"}
    damage(lambda: manifest.write_text(json.dumps(values)), "vocabulary")
    values = json.loads(good[manifest])
    values["counts"] = {"lines": "many"}
    damage(lambda: manifest.write_text(json.dumps(values)), MANIFEST, "damaged", note)
    other = tmp_path / "mine"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    result = run_train(text, tmp_path / "b", "--cache", other)
    assert result.code == 2
    assert "other files (thesis.txt)" in result.err.splitlines()[-1]
    assert (other / "thesis.txt").read_text() == "years of work"


def send_when(process: "subprocess.Popen[bytes]", reached: Callable[[], bool], sent: int) -> None:
    """Send a signal once something is there, or wait for the end."""
    limit = time.monotonic() + TIMEOUT
    while process.poll() is None and not reached():
        assert time.monotonic() < limit, "nothing happened"
        time.sleep(0.002)
    if process.poll() is None:
        process.send_signal(sent)
    process.communicate(timeout=TIMEOUT)


def test_killed_training_resumes_to_same_model(text: Path, tmp_path: Path) -> None:
    text.write_text("\n\n".join("\n".join(d) for d in make_documents(400)) + "\n")
    # many files, so that a kill meets the encoding
    more = (*TASK, *SMALL, "--set", "training.checkpoint_steps=3", "--set", "data.shard_tokens=40")
    whole = invoke("train", text, *more, "--out", tmp_path / "whole")
    assert whole.code == 0, whole.err
    out = tmp_path / "killed"
    encoded = out / ENCODED
    process = start("train", text, *more, "--out", out, "--resume")
    send_when(process, lambda: (encoded / "training-00003.arrow").exists(), signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, "it ended before it could be killed"
    process = start("train", text, *more, "--out", out, "--resume")
    send_when(process, lambda: (out / "checkpoint.safetensors").exists(), signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert (encoded / MANIFEST).exists(), "encoded text stays beside the checkpoint"
    process = start("train", text, *more, "--out", out, "--resume")
    send_when(process, lambda: False, 0)
    assert process.returncode == 0
    assert read_weights(out) == read_weights(tmp_path / "whole")
    assert not encoded.exists()


def test_ctrl_c_during_encoding_and_training(text: Path, tmp_path: Path) -> None:
    text.write_text("\n\n".join("\n".join(d) for d in make_documents(400)) + "\n")
    more = (*TASK, *SMALL, "--set", "data.shard_tokens=40", "--set", "training.epochs=1000")
    out = tmp_path / "m"
    process = start("train", text, *more, "--out", out)
    send_when(process, lambda: (out / ENCODED / "training-00003.arrow").exists(), signal.SIGINT)
    assert process.returncode == 130
    assert not out.exists()
    process = start("train", text, *more, "--out", out)
    log = out / "metrics.jsonl"
    send_when(process, lambda: log.exists() and log.stat().st_size > 0, signal.SIGINT)
    assert process.returncode == 130
    assert (out / "checkpoint.safetensors").exists()
    assert (out / ENCODED / MANIFEST).exists()
    resumed = invoke(
        "train", text, *more, "--out", out, "--resume", "--set", "training.max_seconds=0.1"
    )
    assert "training.max_seconds was" in resumed.err, "the checkpoint is of other settings"


def test_concurrent_trainings_with_one_cache_are_refused(text: Path, tmp_path: Path) -> None:
    from munjang.folder.lock import hold_lock

    cache = tmp_path / "cache"
    cache.mkdir()
    with hold_lock(cache):  # the lock of a process lets this one write
        result = run("train", text, *TASK, *SMALL, "--cache", cache, "--out", tmp_path / "m")
    assert result.code == 2
    assert f"{cache}: process" in result.err.splitlines()[-1]
    assert "writes into this folder" in result.err


def test_full_disk_is_reported_in_one_line(text: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="this system limits no file sizes")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
    try:
        result = run_train(text, tmp_path / "m", "--set", "data.shard_tokens=4000")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert result.code == 2
    last = result.err.splitlines()[-1]
    assert "Traceback" not in result.err
    assert f"{ENCODED}/training-00000.arrow" in last
    assert not (tmp_path / "m").exists()


def test_real_reviews_are_read_from_gzip(data_folder: Path, tmp_path: Path) -> None:
    path = data_folder / "nsmc" / "unlabelled.txt.gz"
    if not path.exists():
        pytest.skip(f"no {path}")
    some = tmp_path / "some.txt.gz"
    with gzip.open(path) as file, gzip.open(some, "wb") as cut:
        cut.writelines(line for line, _ in zip(file, range(3000), strict=False))
    small = ("--set", "training.max_steps=3", "--set", "data.shard_tokens=9000")
    result = run_train(some, tmp_path / "m", "--tokenizer", "characters", *small)
    assert result.code == 0, result.err
    assert "read 3,000 lines of some.txt.gz" in result.err
    assert "single lines are held out" in result.err


LIMITED_MEMORY_SCRIPT = """
import resource, sys
from munjang.cli import main
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
main(sys.argv[2:])
"""


@pytest.mark.slow
def test_text_larger_than_memory_is_trained_on(tmp_path: Path) -> None:
    """The limit lets the text through as a stream, and not as a table in memory."""
    if sys.platform != "linux":
        pytest.skip("only Linux limits the data of a process")
    path = tmp_path / "large.txt"
    texts, _ = make_corpus(5000)
    with path.open("w") as file:
        for number in range(600):
            file.writelines(f"{text} {number}\n" for text in texts)
    assert path.stat().st_size > 90_000_000
    settings = (
        *("--task", "masked_lm", "--model", "bert", "--tokenizer", "characters", "--quiet"),
        *("--set", "model.dim=8", "--set", "model.heads=1", "--set", "model.layers=1"),
        *("--set", "training.max_steps=20", "--set", "training.threads=1"),
        *("--set", "tokenizer.max_length=60"),
    )

    def limited(*more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [
                sys.executable,
                "-c",
                LIMITED_MEMORY_SCRIPT,
                str(2_400_000_000),
                "train",
                str(path),
                *settings,
                *more,
            ],
            capture_output=True,
            text=True,
            timeout=TIMEOUT * 3,
            env={**environment(), "POLARS_MAX_THREADS": "2"},
            check=False,
        )

    stream = limited("--set", "data.tokenizer_sample=1", "--out", str(tmp_path / "m"))
    assert stream.returncode == 0, stream.stderr[-2000:]
    in_memory = limited("--input", "text", "--out", str(tmp_path / "n"))
    assert in_memory.returncode != 0, "the limit lets the whole text into memory: it tests nothing"
