"""Pretraining by the command line, on real reviews without labels."""

import gzip
import json
import math
import os
import re
import signal
import time
from itertools import islice
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.system.commands import CommandResult, call, invoke, start

SIZES = {
    "model.dim": 16,
    "model.layers": 1,
    "model.heads": 2,
    "tokenizer.max_size": 600,
    "training.threads": 1,
    "training.batch_tokens": 2048,
    "training.learning_rate": 0.01,
}


def size_options(**changed: object) -> list[str]:
    named = {**SIZES, **{name.replace("__", "."): value for name, value in changed.items()}}
    return [part for key, value in named.items() for part in ("--set", f"{key}={value}")]


@pytest.fixture(scope="module")
def unlabelled(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 800 reviews, one per line."""
    source = data_folder / "nsmc" / "unlabelled.txt.gz"
    if not source.is_file():
        pytest.skip(f"no {source}")
    into = tmp_path_factory.mktemp("unlabelled") / "reviews.txt"
    with gzip.open(source, "rt", encoding="utf-8") as file:
        into.write_text("".join(islice(file, 800)), "utf-8")
    return into


@pytest.fixture(scope="module")
def pretrained(
    unlabelled: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, CommandResult]:
    folder = tmp_path_factory.mktemp("pretrained") / "m"
    result = invoke("pretrain", unlabelled, "--out", folder, *size_options(training__epochs=20))
    assert result.code == 0, result.err
    return folder, result


def refusal_message(result: CommandResult) -> str:
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    return result.err


def test_pretrain_prints_improvement_over_baseline(pretrained: tuple[Path, CommandResult]) -> None:
    folder, result = pretrained
    assert "token frequencies" in result.out
    for metric in ("cross-entropy", "perplexity", "accuracy"):
        (line,) = [line for line in result.out.splitlines() if metric in line]
        model, baseline = map(float, re.findall(r"[\d.]+", line))
        assert model >= baseline if metric == "accuracy" else model < baseline
    assert "munjang predict" in result.out
    assert "a text with a [MASK]" in result.out
    scores = json.loads((folder / "metrics.json").read_text("utf-8"))["validation"]
    assert scores["cross_entropy"] < scores["baseline_cross_entropy"] - 0.05
    card = (folder / "README.md").read_text("utf-8")
    assert "| | model | token frequencies |" in card
    assert f"{scores['baseline_accuracy']:.4f}" in card


def test_pretrain_equals_train_with_task(
    unlabelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = size_options(training__max_steps=4)
    for name, command in {"a": ["pretrain"], "b": ["train", "--task", "masked_lm"]}.items():
        result = call(capsys, *command, unlabelled, "--out", tmp_path / name, "--quiet", *quick)
        assert result.code == 0, result.err
    for name in ("model.safetensors", "config.yaml", "vocabulary.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_predict_fills_masks(
    pretrained: tuple[Path, CommandResult], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder, _ = pretrained
    texts = ["이 영화 [MASK] 재미있다", "[MASK] 영화는 [MASK]"]
    lines = [line.split("\t") for line in call(capsys, "predict", folder, *texts).out.splitlines()]
    assert [line[:2] for line in lines] == [["1", "1"]] * 5 + [["2", "1"]] * 5 + [["2", "2"]] * 5
    for start_ in (0, 5, 10):
        probabilities = [float(line[2]) for line in lines[start_ : start_ + 5]]
        assert probabilities == sorted(probabilities, reverse=True)
    assert not any(mark in line[3] for line in lines for mark in ("##", "\u2581"))
    result = call(capsys, "predict", folder, *texts, "--json", "--top", "2")
    first, second = map(json.loads, result.out.splitlines())
    assert [len(mask) for mask in (*first["masks"], *second["masks"])] == [2, 2, 2]
    assert first["masks"][0][0]["token"] == lines[0][3]
    assert first["masks"][0][0]["probability"] == pytest.approx(float(lines[0][2]), abs=1e-4)
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(texts * 80) + "\n", "utf-8")
    many = call(capsys, "predict", folder, "--input", file).out.splitlines()
    assert [line.split("\t")[3] for line in many[:15]] == [line[3] for line in lines]
    assert len(many) == 80 * 15


def test_unfillable_input_is_refused(
    pretrained: tuple[Path, CommandResult], model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = pretrained
    message = refusal_message(call(capsys, "predict", folder, "재미있다"))
    assert 'expected [MASK] in the text, as in "이 영화 [MASK] 재미있다", got "재미있다"' in message
    message = refusal_message(call(capsys, "predict", model, "재미있다", "--top", "3"))
    assert "--top: is for models that predict masked or next tokens" in message
    assert "beam" in refusal_message(call(capsys, "predict", folder, "[MASK]", "--beam", "3"))
    assert "from 1 to 1000" in refusal_message(
        call(capsys, "predict", folder, "[MASK]", "--top", "9999")
    )


def test_a_row_without_a_mask_is_named_or_skipped(
    pretrained: tuple[Path, CommandResult], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = pretrained
    file = tmp_path / "texts.txt"
    rows = ["이 [MASK] 영화", "", "재미있다", "그 [MASK]", "별로"]
    file.write_text("\n".join(rows) + "\n", "utf-8")
    result = call(capsys, "predict", folder, "--input", file, "--top", "1")
    assert result.code == 2
    assert f"{file}, row 3: expected [MASK] in the text" in result.err
    assert 'got "재미있다"; fix it, or leave such rows out with --skip-bad-rows' in result.err
    assert result.err.count("\n") == 1
    result = call(capsys, "predict", folder, "--input", file, "--top", "1", "--skip-bad-rows")
    assert result.code == 0, result.err
    assert [line.split("\t")[0] for line in result.out.splitlines()] == ["1", "2", "4"]
    assert "skipped 2 rows: no [MASK]" in result.err


def test_it_goes_on_from_a_folder(
    pretrained: tuple[Path, CommandResult],
    unlabelled: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, _ = pretrained
    quick = ("--set", "training.max_steps=2", "--set", "training.threads=1")
    out = tmp_path / "m"
    result = call(capsys, "pretrain", unlabelled, "--from", folder, "--out", out, *quick)
    assert result.code == 0, result.err
    assert f"weights: begin from {folder} (bert, task masked_lm)" in result.err
    own, other = (json.loads((f / "vocabulary.json").read_text("utf-8")) for f in (out, folder))
    assert own["tokens"] == other["tokens"]


@pytest.mark.parametrize("kind", ["lines", "text"])
def test_frequencies_are_those_of_the_text_that_a_checkpoint_goes_on_with(
    kind: str,
    pretrained: tuple[Path, CommandResult],
    unlabelled: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A checkpoint counts no tokens: its vocabulary would make all of them equally frequent."""
    folder, _ = pretrained
    checkpoint, out = tmp_path / "hf", tmp_path / "m"
    assert call(capsys, "export", "hf", folder, checkpoint).code == 0
    quick = ("--set", "training.max_steps=2", "--set", "training.threads=1")
    asked = ("--from", checkpoint, "--input", kind, "--out", out)
    result = call(capsys, "pretrain", unlabelled, *asked, *quick)
    assert result.code == 0, result.err
    assert result.err.count("tokenizer huggingface: it has") == 1
    scores = json.loads((out / "metrics.json").read_text("utf-8"))["validation"]
    size = len(json.loads((out / "vocabulary.json").read_text("utf-8"))["tokens"])
    assert scores["baseline_cross_entropy"] < math.log(size) - 0.5
    assert scores["baseline_accuracy"] > 2 / size


def test_evaluate_on_other_texts(
    pretrained: tuple[Path, CommandResult],
    unlabelled: Path,
    reviews: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, _ = pretrained
    result = call(capsys, "evaluate", folder, unlabelled, "--json")
    scores = json.loads(result.out)
    assert scores["rows"] == 800
    assert "held out" not in result.err
    assert json.loads(call(capsys, "evaluate", folder, unlabelled, "--json").out) == scores
    assert "token frequencies" in call(capsys, "evaluate", folder, unlabelled).out
    # labels of a table are left alone
    result = call(capsys, "evaluate", folder, reviews, "--text-column", "document", "--json")
    assert json.loads(result.out)["rows"] == 1500


def test_check_reports_data_and_cost(unlabelled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ("check", unlabelled, "--task", "masked_lm", "--input", "text", *size_options())
    result = call(capsys, *command)
    assert result.code == 0, result.err
    assert "estimated cost of training bert" in result.out
    assert "two labels" not in result.out
    timed = ("--set", "training.budget_seconds=90")
    report = json.loads(call(capsys, *command, *timed, "--json").out)
    assert report["estimate"]["seconds"] == 90


def test_running_text_is_looked_at_as_a_stream(
    unlabelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = tmp_path / "test.txt"
    lines = unlabelled.read_text("utf-8").splitlines()
    test.write_text("\n\n".join([*lines[:7], "a new line"]), "utf-8")
    result = call(
        capsys, "check", unlabelled, "--test", test, "--task", "masked_lm", *size_options()
    )
    assert result.code == 0, result.err
    for words in (
        "800 lines of reviews.txt",
        "characters per line: ",
        "tokens per row: ",
        "the same line more than once: ",
        "test: 8 lines",
        "the same line in DATA and in the test: 7 lines, 7 rows",
        "estimated cost of training bert",
    ):
        assert words in result.out
    assert "single lines are held out" in result.err
    assert "rows of" in result.err


def test_budget_ends_training_with_decayed_learning_rate(unlabelled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    result = invoke("pretrain", unlabelled, "--budget", "4s", "--out", folder, *size_options())
    assert result.code == 0, result.err
    assert "a budget of 0:04" in result.err
    assert "the same seed does not repeat the run" in result.err
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    assert metrics["training"]["seconds"] >= 4
    assert len(metrics["history"]) >= 2
    assert "budget_seconds: 4.0" in (folder / "config.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--budget", "soon"], "expected a duration such as 90s, 45m, 2h or 1h30m"),
        (["--budget", "2h", "--set", "training.max_steps=5"], "two ends of the schedule"),
        (["--model", "mean"], "mean"),
        (["--set", "masked_lm.pairs=next_sentence"], "--input lines --set data.join_next=true"),
        (["--set", "masked_lm.mask_rat=0.2"], "did you mean 'mask_rate'"),
        (["--set", "labels=[a, b]"], "labels"),
    ],
)
def test_errors_are_one_line(
    options: list[str],
    message: str,
    unlabelled: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = call(capsys, "pretrain", unlabelled, "--out", tmp_path / "m", "--quiet", *options)
    assert message in refusal_message(result)
    assert not (tmp_path / "m").exists()


def test_killed_run_resumes_to_same_model(unlabelled: Path, tmp_path: Path) -> None:
    options = size_options(
        training__max_steps=60, training__checkpoint_steps=5, training__epochs=20
    )
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    result = invoke("pretrain", unlabelled, "--out", whole, "--quiet", *options)
    assert result.code == 0, result.err
    process = start("pretrain", unlabelled, "--out", killed, "--quiet", *options)
    while process.poll() is None and not (killed / "checkpoint.safetensors").exists():
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    result = invoke("pretrain", unlabelled, "--out", killed, "--quiet", "--resume", *options)
    assert result.code == 0, result.err
    expected = load_file(whole / "model.safetensors")
    for name, tensor in load_file(killed / "model.safetensors").items():
        assert tensor.equal(expected[name]), name
    scores = [json.loads((f / "metrics.json").read_text("utf-8")) for f in (whole, killed)]
    assert scores[0]["validation"] == scores[1]["validation"]


@pytest.mark.parametrize("pairs", ["sentence_order", "next_sentence"])
def test_pair_objectives_are_scored(
    pairs: str, data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = data_folder / "shakespeare" / "input.txt"
    if not source.is_file():
        pytest.skip(f"no {source}")
    lines, folder = tmp_path / "play.txt", tmp_path / "m"
    lines.write_text(source.read_text("utf-8")[:60_000], "utf-8")
    options = size_options(masked_lm__pairs=pairs, data__join_next="true", training__epochs=3)
    result = call(capsys, "pretrain", lines, "--out", folder, *options)
    assert result.code == 0, result.err
    assert "accuracy of pairs" in result.out
    scores = json.loads(call(capsys, "evaluate", folder, lines, "--json").out)
    assert 0.35 < scores["pair_accuracy"] <= 1
    trained = json.loads((folder / "metrics.json").read_text("utf-8"))
    assert "pair_accuracy" in trained["validation"]
    answer = json.loads(call(capsys, "predict", folder, "First [MASK]", "--json").out)
    assert len(answer["masks"][0]) == 5
