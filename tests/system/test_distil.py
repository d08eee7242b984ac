"""`munjang distil` on real reviews: students of trained models, and what cannot be a teacher."""

import gzip
import json
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.synthetic import make_corpus
from tests.system.commands import (
    TIMEOUT,
    CommandResult,
    call,
    copy_head,
    invoke,
    run,
    set_options,
    start,
    write_table,
)

pytestmark = pytest.mark.usefixtures("one_thread")

HOSTILE_TEXTS = [
    "가\u1100\u1161각",
    "👨\u200d👩\u200d👧",
    "\u202eשלום",
    "a\x07b",
    "x" * 20_000,
    "ㅋ" * 400,
]


@pytest.fixture(scope="module")
def unlabelled(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,500 reviews without labels and some ugly texts, one per line, some blank; gzipped."""
    path = tmp_path_factory.mktemp("texts") / "unlabelled.txt.gz"
    with gzip.open(data_folder / "nsmc" / "unlabelled.txt.gz", "rb") as file:
        lines = b"".join(line for line, _ in zip(file, range(1500), strict=False))
    path.write_bytes(gzip.compress(lines + "\n\n".join(HOSTILE_TEXTS).encode()))
    return path


@pytest.fixture(scope="module")
def distilled(
    model: Path, unlabelled: Path, more_reviews: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, CommandResult]:
    """The folder of a student, and what the command said."""
    folder = tmp_path_factory.mktemp("students") / "a student"
    data = ("--unlabelled", unlabelled, "--data", more_reviews)
    weights = ("--temperature", 2, "--soft-weight", 0.7)
    return folder, invoke(
        "distil", model, *data, "--out", folder, "--model", "mean", *weights, *set_options()
    )


def test_distil_session(
    distilled: tuple[Path, CommandResult], model: Path, more_reviews: Path
) -> None:
    folder, result = distilled
    assert result.code == 0, result.err
    for part in ("agreement", "on disk", "rows/s", "times as fast", "(student)", str(model)):
        assert part in result.out.replace("\n", " ") or part == str(model)
    assert "1,506 unlabeled rows" in result.err
    predicted = invoke("predict", folder, "정말 재미있다")
    assert predicted.code == 0, predicted.err
    assert predicted.out.startswith(("0\t", "1\t"))
    assert run("evaluate", folder, more_reviews).code == 0
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    teacher, student = metrics["distillation"]["models"]
    assert student["is_student"]
    assert 0.5 < student["agreement"]["accuracy"] <= 1
    assert 0.5 < teacher["metrics"]["accuracy"] <= 1
    config = (folder / "config.yaml").read_text(encoding="utf-8")
    assert "temperature: 2.0" in config
    assert "soft_weight: 0.7" in config


def test_columns_of_several_files_as_json(model: Path, tmp_path: Path) -> None:
    texts, _ = make_corpus(60, korean=True)
    files = [
        write_table(tmp_path / f"{name}.csv", [(text, "7") for text in part], header="body,stars")
        for name, part in (("one", texts[:30]), ("two", texts[30:]))
    ]
    sources = [part for file in files for part in ("--unlabeled", file)]
    result = invoke("distill", model, *sources, "--unlabelled-column", "body", "--model", "mean",
                  "--out", tmp_path / "s", "--json", "-q", *set_options())  # fmt: skip
    assert result.code == 0, result.err
    assert result.err == ""
    assert json.loads(result.out)["distillation"]["rows"] == 6


def test_student_as_teacher(
    distilled: tuple[Path, CommandResult], model: Path, unlabelled: Path, tmp_path: Path
) -> None:
    out = tmp_path / "s"
    teachers = (model, distilled[0], "--unlabelled", unlabelled)
    small = set_options(model__filters=8, training__epochs=1)
    result = invoke("distil", *teachers, "--model", "cnn", "--out", out, *small)
    assert result.code == 0, result.err
    assert "mean of the teachers" in result.out


def test_ctrl_c_and_resume(model: Path, unlabelled: Path, tmp_path: Path) -> None:
    out = tmp_path / "s"
    command = ("distil", model, "--unlabelled", unlabelled, "--model", "mean", "--out", out)
    options = set_options(training__epochs=2000, training__checkpoint_steps=1)
    process = start(*command, *options)
    deadline = time.monotonic() + TIMEOUT
    while not (out / "checkpoint.safetensors").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (out / "soft_targets.safetensors").exists()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130, err
    assert b"--resume" in err
    assert invoke(*command, *options).code == 2
    shutil.copytree(out, tmp_path / "other")
    short = set_options(training__epochs=2000, training__max_seconds=0.1)
    result = invoke(*command, "--resume", *short)
    assert result.code == 2
    assert "max_seconds" in result.err


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("numbers")
    rows = [(text, str(len(text))) for text in make_corpus(80)[0]]
    data = write_table(folder / "data.csv", rows)
    result = invoke(
        "train", data, "--task", "regress", "--model", "mean", "--out", folder / "m", *set_options()
    )
    assert result.code == 0, result.err
    return folder / "m"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{model}", "--out", "s"), "--unlabelled FILE"),
        (("nothing", "--unlabelled", "{texts}", "--out", "s"), "no such model folder"),
        (("{model}", "--unlabelled", "nothing.txt", "--out", "s"), "nothing.txt"),
        (("{model}", "--unlabelled", "{empty}", "--out", "s"), "empty"),
        (("{model}", "--unlabelled", "{others}", "--unlabelled-column", "zzz", "--out", "s"),
         "name one with --unlabelled-column"),
        (("{model}", "{numbers}", "--unlabelled", "{texts}", "--out", "s"), "same task"),
        (("{numbers}", "--unlabelled", "{texts}", "--temperature", "2", "--out", "s"), "numbers"),
        (("{model}", "--unlabelled", "{texts}", "--temperature", "-1", "--out", "s"), "0.01"),
        (("{model}", "--data", "{others}", "--out", "s"), "never seen in training"),
        (("{model}", "--unlabelled", "{texts}", "--out", "{model}"), "the folder of a teacher"),
        (("{model}", "--unlabelled", "{texts}", "--model", "seq2seq", "--out", "s"), "seq2seq"),
        (("{model}", "--unlabelled", "{texts}", "--set", "task=regress", "--out", "s"), "classify"),
        (("{model}", "--unlabelled", "{texts}", "--set", "distillation.temprature=2", "--out", "s"),
         "temperature"),
    ],
)  # fmt: skip
def test_errors_are_one_line(
    arguments: tuple[str, ...],
    message: str,
    model: Path,
    numbers: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts.txt").write_text("재미있다\n별로다\n최고\n", encoding="utf-8")
    (tmp_path / "empty.txt").write_text("")
    rows = [(f"text {n}", "yes" if n % 2 else "no") for n in range(20)]
    others = write_table(tmp_path / "others.csv", rows)
    positions = {
        "model": model,
        "numbers": numbers,
        "texts": "texts.txt",
        "empty": "empty.txt",
        "others": others,
    }
    result = call(capsys, "distil", *(part.format(**positions) for part in arguments), "-q")
    assert result.code == 2, result.err
    assert message in result.err
    assert len(result.err.strip().splitlines()) == 1 or result.err.count("munjang: ") == 1
    assert "Traceback" not in result.err
    assert not (tmp_path / "s" / "manifest.json").exists()


def test_equal_texts_cannot_be_split(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "texts.txt").write_text("same\nsame\n")
    result = call(
        capsys, "distil", model, "--unlabelled", tmp_path / "texts.txt", "--out", tmp_path / "s"
    )
    assert result.code == 2
    assert "1 distinct text" in result.err


def test_labeled_data_without_unlabeled_texts(
    model: Path, more_reviews: Path, tmp_path: Path
) -> None:
    """Labeled rows need no others: their soft targets and their labels are learned."""
    data = copy_head(more_reviews, 201, tmp_path / "data.tsv")
    result = invoke(
        "distil", model, "--data", data, "--model", "mean", "--out", tmp_path / "s", *set_options()
    )
    assert result.code == 0, result.err
    assert "180 labeled and 0 unlabeled rows" in result.err


def test_static_vectors_of_a_transformer(reviews: Path, tmp_path: Path) -> None:
    teacher, out = tmp_path / "t", tmp_path / "vectors"
    data = copy_head(reviews, 201, tmp_path / "data.tsv")
    small = set_options(model__layers=1, model__heads=2, training__epochs=1)
    result = invoke("train", data, "--model", "transformer", "--out", teacher, *small)
    assert result.code == 0, result.err
    result = invoke("distil", teacher, "--static", "--dim", 8, "--out", out)
    assert result.code == 0, result.err
    assert "8 numbers each" in result.out
    (tmp_path / "texts.txt").write_text("정말 재미있다\n지루하다\n", encoding="utf-8")
    result = invoke("search", out, tmp_path / "texts.txt", "정말 재미있다", "--k", 1)
    assert result.code == 0, result.err
    assert result.out.endswith("정말 재미있다\n")
    more = ("--set", "training.epochs=1", "--set", "training.threads=1")
    result = invoke("train", data, "--from", out, "--model", "mean", "--out", tmp_path / "m", *more)
    assert result.code == 0, result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{model}", "--static", "--out", "s"), "no state per token"),
        (("{model}", "{model}", "--static", "--out", "s"), "one teacher"),
        (("{model}", "--static", "--data", "x.tsv", "--out", "s"), "--data"),
        (("{model}", "--unlabelled", "x.txt", "--dim", "8", "--out", "s"), "--dim"),
        (("nothing", "--static", "--out", "s"), "no such model folder"),
    ],
)
def test_static_vector_errors_are_one_line(
    arguments: tuple[str, ...],
    message: str,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = call(capsys, "distil", *(part.format(model=model) for part in arguments), "-q")
    assert result.code == 2, result.err
    assert message in result.err
    assert not (tmp_path / "s").exists()
