"""A first session on real reviews: check, train, evaluate, predict."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.commands import (
    CommandResult,
    call,
    control_characters,
    copy_head,
    run,
    set_options,
)

LABELS = {"0", "1"}


def test_train_prints_scores_folder_and_next_command(
    training: tuple[Path, CommandResult],
) -> None:
    folder, result = training
    assert result.code == 0, result.err
    assert "accuracy" in result.out
    assert "log loss" in result.out
    assert f"model saved in '{folder}'" in result.out
    assert f"munjang predict '{folder}' \"a text\"" in result.out
    assert "Traceback" not in result.err
    assert {"config.yaml", "model.safetensors", "manifest.json"} <= {
        path.name for path in folder.iterdir()
    }


def test_train_in_a_pipe_writes_plain_lines(training: tuple[Path, CommandResult]) -> None:
    _, result = training
    assert not control_characters(result.out + result.err)
    steps = [line for line in result.err.splitlines() if line.startswith("step ")]
    assert len(steps) >= 2, "one line an evaluation"
    for expected in ("100%", "loss", "accuracy", "tokens/s", "left"):
        assert expected in steps[-1]
    assert "1,500 rows" in result.err


def test_evaluate_prints_every_score(
    model: Path, more_reviews: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = call(capsys, "evaluate", model, more_reviews)
    assert result.code == 0, result.err
    for expected in ("accuracy", "macro F1", "log loss", "calibration error", "400 rows"):
        assert expected in result.out
    for expected in ("precision", "recall", "true \\ predicted"):
        assert expected in result.out
    assert "text column" not in result.err, "the columns are those of the training"


def test_evaluate_reports_absent_class(
    model: Path, more_reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = more_reviews.read_text("utf-8").splitlines()
    one = tmp_path / "one.tsv"
    one.write_text("\n".join([lines[0], *(x for x in lines if x.endswith("\t1"))]) + "\n", "utf-8")
    note = "class '0' does not occur in these rows: macro F1 is the mean over all known classes"
    drawn = call(capsys, "evaluate", model, one)
    assert drawn.code == 0, drawn.err
    assert note in drawn.out
    scores = json.loads(call(capsys, "evaluate", model, one, "--json").out)
    assert note in scores["notes"][0]
    recall = next(c["f1"] for c in scores["classes"] if c["label"] == "1")
    assert scores["macro_f1"] == pytest.approx(recall / 2)
    assert f"over the classes that occur it is {recall:.4f}" in scores["notes"][0]
    whole = call(capsys, "evaluate", model, more_reviews)
    assert "does not occur" not in whole.out


def test_evaluate_json(model: Path, more_reviews: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = call(capsys, "evaluate", model, more_reviews, "--json")
    assert result.code == 0, result.err
    scores = json.loads(result.out)
    assert scores["rows"] == 400
    confusion = scores["confusion"]
    assert sum(map(sum, confusion)) == 400
    right = confusion[0][0] + confusion[1][1]
    assert scores["accuracy"] == pytest.approx(right / 400)
    assert {one["label"] for one in scores["classes"]} == LABELS
    for one in scores["classes"]:
        assert 0 <= one["precision"] <= 1
        assert 0 <= one["recall"] <= 1
    assert scores["accuracy"] > 0.6
    assert scores["log_loss"] > 0
    assert 0 <= scores["calibration_error"] <= 1


def test_predict_texts_of_the_command_line(model: Path) -> None:
    texts = ["정말 재미있다", "", "a\tb\nc", "👨‍👩‍👧 최고", "x" * 5000]
    result = run("predict", model, *texts)
    assert result.code == 0, result.err
    lines = result.out.split("\n")[:-1]
    assert len(lines) == len(texts)
    for line, shown in zip(lines, [*texts[:2], "a\\tb\\nc", *texts[3:]], strict=True):
        label, probability, text = line.split("\t")
        assert label in LABELS
        assert 0.5 <= float(probability) <= 1
        assert text == shown


def test_predict_gzipped_table_as_json(
    model: Path, more_reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = tmp_path / "test.tsv.gz"
    packed.write_bytes(gzip.compress(more_reviews.read_bytes()))
    result = call(
        capsys, "predict", model, "--input", packed, "--text-column", "document", "--json"
    )
    assert result.code == 0, result.err
    answers = [json.loads(line) for line in result.out.splitlines()]
    assert [answer["row"] for answer in answers] == list(range(2, 402)), "the header is row 1"
    for answer in answers:
        assert set(answer["probabilities"]) == LABELS
        assert answer["probability"] == answer["probabilities"][answer["label"]]
        assert sum(answer["probabilities"].values()) == pytest.approx(1)
        assert answer["truncated"] is False
    texts = [line.split("\t")[1] for line in more_reviews.read_text("utf-8").splitlines()[1:4]]
    alone = call(capsys, "predict", model, *texts, "--json")
    for one, many in zip(map(json.loads, alone.out.splitlines()), answers, strict=False):
        assert one["probability"] == pytest.approx(many["probability"], abs=1e-6)


def test_check_reports_everything(
    reviews: Path, more_reviews: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = call(
        capsys, "check", reviews, "--test", more_reviews, "--model", "mean", *set_options()
    )
    assert result.code == 0, result.err
    assert not control_characters(result.out)
    for expected in (
        "1,500 rows",
        "characters per text: 1 to",
        "█",
        "the same text more than once",
        "the same text with two labels",
        "the same text in DATA and in the test",
        "OOV rate (held-out 10%)",
        "in buckets of like length",
        "estimated cost of training mean",
        "peak memory",
        "estimated from",
    ):
        assert expected in result.out


def test_check_json(reviews: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = call(capsys, "check", reviews, "--model", "mean", *set_options(), "--json")
    report = json.loads(result.out)
    assert sum(report["labels"].values()) == report["rows"] == 1500
    assert sum(report["tokens"]["counts"]) == 1500
    padding = report["padding"]
    assert padding["buckets"] < padding["random"] <= padding["longest"]
    estimate = report["estimate"]
    assert estimate["model"] == "mean"
    assert estimate["weights_bytes"] >= 4 * estimate["parameters"]
    assert estimate["optimizer_bytes"] > 0
    assert estimate["checkpoint_bytes"] > 2 * estimate["weights_bytes"]
    assert estimate["memory_bytes"] > estimate["checkpoint_bytes"]
    assert estimate["seconds"] > 0
    assert estimate["timed_steps"] > 0
    assert estimate["steps"] == 2 * -(-1350 // 64), "two passes over nine tenths in batches of 64"


def test_train_on_trec_as_json(
    data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trec = data_folder / "trec"
    train = copy_head(trec / "train.tsv", 2001, tmp_path / "train.tsv")
    files = (train, "--valid", trec / "test.tsv")
    options = ("--model", "mean", *set_options(training__epochs=3), "--json", "--quiet")
    output = call(capsys, "train", *files, "--out", tmp_path / "m", *options)
    assert (output.code, output.err) == (0, "")
    result = json.loads(output.out)
    assert result["folder"] == str(tmp_path / "m")
    assert result["model"] == "mean"
    assert result["validation"]["rows"] == 500
    assert len(result["validation"]["classes"]) == 6
    assert result["validation"]["accuracy"] > 0.6
    assert result["training"]["rows"] == 2000


def test_data_list_and_path(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MUNJANG_DATA", str(data_folder))
    listed = call(capsys, "data", "list", "--json")
    samples = {sample["name"]: sample for sample in json.loads(listed.out)}
    assert {"nsmc", "trec", "sst2"} <= set(samples)
    listed_text = call(capsys, "data", "list")
    assert all(name in listed_text.out for name in samples)
    result = call(capsys, "data", "get", "trec")
    assert result.out.split() == [
        str(data_folder / "trec" / f"{part}.tsv") for part in ("train", "test")
    ]
    assert "munjang train" in result.err
    part = call(capsys, "data", "get", "nsmc", "--part", "train")
    assert part.out == f"{data_folder / 'nsmc' / 'train.tsv'}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["train", "--help"],
        ["evaluate", "--help"],
        ["predict", "-h"],
        ["check", "--help"],
        ["data", "--help"],
        ["data", "get", "--help"],
        ["data", "list", "--help"],
        [],
    ],
    ids=" ".join,
)
def test_help_has_an_example(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    result = call(capsys, *arguments)
    assert result.code == 0
    assert "Usage: munjang" in result.out
    words = [word for word in arguments if not word.startswith("-")]
    assert "  " + " ".join(["munjang", *words]) in result.out, "an example"
    assert "metavar" not in result.out
    assert result.err == ""


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "--version").out == "munjang 0.1.0\n"


# Typer itself reads the arguments of a command through pydantic.
@pytest.mark.parametrize(("arguments", "allowed"), [([], set()), (["train"], {"pydantic"})])
def test_help_imports_nothing_heavy(arguments: list[str], allowed: set[str]) -> None:
    code = (
        "import sys\n"
        "from munjang.cli import main\n"
        f"try: main([*{arguments}, '--help'])\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "Usage: munjang" in result.stdout
    heavy = {"torch", "numpy", "polars", "pyarrow", "pydantic", "sklearn", "yaml", "rich"}
    assert not {name.split(".")[0] for name in result.stderr.split()} & (heavy - allowed)
