"""`munjang compare --task translate` as a person runs it: the table, the page, resumed.

The tests share one comparison and go on from copies of it; those of its processes are in
`test_compare.py`.
"""

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest

import munjang
from tests.system.browsers import Page, RenderedPage
from tests.system.commands import CommandResult, call, write_table
from tests.system.comparisons import (
    HOSTILE,
    compare_here,
    copy_without,
    read_standings,
)

NETWORKS, BASELINES = ("seq2seq", "attentive", "transformer"), ("copy", "nearest")
SMALL = (
    *("--set", "model.dim=16"),
    *("--set", "training.threads=1"),
    *("--set", "training.learning_rate=0.01"),
    *("--set", "decoding.max_length_ratio=1"),
    *("--set", "translate.bleu_tokenizer=char"),
)
SOURCE_COLUMN, TARGET_COLUMN = "question", "answer"


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 strings of digits and the same backwards; some would like to be HTML."""
    drawn = random.Random(3)
    rows = []
    for number in range(300):
        line = drawn.choices("0123456789", k=drawn.randint(1, 9))
        head = [HOSTILE.replace(" ", "")] if number % 5 == 0 else []
        rows.append((" ".join(head + line), " ".join(reversed(head + line))))
    path = tmp_path_factory.mktemp("made") / "digits.csv"
    return write_table(path, rows, header=f"{SOURCE_COLUMN},{TARGET_COLUMN}")


def pair_command(table: Path, out: Path, *more: object) -> list[object]:
    command = ["compare", table, "--task", "translate", "--out", out, "--seeds", 1]
    columns = ("--source-column", SOURCE_COLUMN, "--target-column", TARGET_COLUMN)
    return [*command, *columns, "--budget", "4k tokens", *SMALL, *more]


@pytest.fixture(scope="module")
def compared(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CommandResult]:
    """A comparison of all that write texts, which came to its end."""
    out = tmp_path_factory.mktemp("compared") / "pairs"
    return out, compare_here(*pair_command(digits, out))


def read_record(out: Path, name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((out / f"runs/{name}/seed-0/run.json").read_text("utf-8"))
    return result


def test_table_shows_scores_and_costs(compared: tuple[Path, CommandResult]) -> None:
    out, result = compared
    assert result.code == 0, result.err
    for expected in (
        "chrF ",
        "BLEU",
        "exact match",
        "cross-entropy",
        "behind the best",
        "tok:char",
    ):
        assert expected in result.out
    assert "the smallest that is good enough: " in result.out
    rows = read_standings(out)
    assert set(rows) == {*NETWORKS, *BASELINES}
    scores = [row["score"] for row in rows.values()]
    assert scores == sorted(scores, reverse=True)
    for name, row in rows.items():
        assert row["score"] == row["figures"]["chrf"]
        assert row["over_rows"]["low"] <= row["score"] <= row["over_rows"]["high"]
        assert 0 < row["p50"] <= row["p99"]
        assert ("cross_entropy" in row["figures"]) == (name in NETWORKS)
    assert rows["copy"]["parameters"] == 0


def test_token_budget_is_respected(compared: tuple[Path, CommandResult]) -> None:
    for name in NETWORKS:
        result = read_record(compared[0], name)
        seen = result["seconds"] * result["tokens_per_second"]
        assert 2_000 < seen <= 4_100
        assert len(result["history"]) >= 3, "a learning curve has points"


def test_every_model_folder_predicts_and_evaluates_as_in_the_table(
    compared: tuple[Path, CommandResult], capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = compared
    rows = read_standings(out)
    for name in (*NETWORKS, *BASELINES):
        folder = out / f"runs/{name}/seed-0/model"
        evaluated = call(capsys, "evaluate", folder, out / "data/test.parquet", "--json")
        assert evaluated.code == 0, evaluated.err
        actual = json.loads(evaluated.out)
        for figure in ("chrf", "bleu", "exact_match"):
            assert actual[figure] == pytest.approx(rows[name]["figures"][figure]), (name, figure)
        assert actual["cross_entropy"] == rows[name]["figures"].get("cross_entropy")
        answers = json.loads((out / f"runs/{name}/seed-0/answers.json").read_text("utf-8"))
        assert len(answers) == actual["rows"]
    copy = munjang.load(out / "runs/copy/seed-0/model")
    assert copy.predict("1 2 3")[0].text == "1 2 3"
    result = call(capsys, "predict", out / "runs/nearest/seed-0/model", "1 2 3", "4 5")
    assert len(result.out.splitlines()) == 2


def test_scores_by_length_are_reported_for_every_model(
    compared: tuple[Path, CommandResult],
) -> None:
    out, _ = compared
    report = json.loads((out / "compare.json").read_text("utf-8"))
    names = [group["name"] for group in report["lengths"]["groups"]]
    assert len(names) > 2
    assert sum(group["rows"] for group in report["lengths"]["groups"]) == report["rows"]["test"]
    with (out / "compare.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    for row, written in zip(report["standings"], table, strict=True):
        assert list(row["by_length"]) == names
        for name, value in row["by_length"].items():
            assert float(written[f"by_length.{name}"]) == value


def test_page_is_complete_and_escaped(compared: tuple[Path, CommandResult]) -> None:
    source = (compared[0] / "compare.html").read_text("utf-8")
    page = Page(source)
    assert not page.open
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert page.tags.count("svg") == 4
    assert any(HOSTILE.replace(" ", "") in words for words in page.words)
    for expected in ("Quality by the length of the source", "Where the answers differ most"):
        assert expected in page.words


def test_browser_shows_page_on_a_narrow_screen(
    compared: tuple[Path, CommandResult], browser: str, tmp_path: Path
) -> None:
    source = (compared[0] / "compare.html").read_text("utf-8")
    shown = RenderedPage(browser, source, tmp_path, "--window-size=400,3000")
    assert shown.console == []
    assert shown.probe["loaded"] == []
    assert int(shown.probe["beyond"]) <= 0


def test_unfinished_comparison_is_resumed(
    digits: Path, compared: tuple[Path, CommandResult], tmp_path: Path
) -> None:
    out = copy_without(compared[0], tmp_path / "out", "seq2seq/seed-0")
    before = (out / "runs/attentive/seed-0/run.json").stat().st_mtime_ns
    result = compare_here(*pair_command(digits, out, "--resume"))
    assert result.code == 0, result.err
    assert (out / "runs/attentive/seed-0/run.json").stat().st_mtime_ns == before
    assert "attentive, seed 0: done before" in result.err
    repeated, first = read_standings(out)["seq2seq"], read_standings(compared[0])["seq2seq"]
    assert repeated["figures"] == first["figures"], "a budget of tokens repeats bit for bit"


def test_crash_loses_one_row(
    digits: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    code = "import sys\nsys.modules['sklearn.feature_extraction.text'] = None\n"
    (broken / "sitecustomize.py").write_text(code, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(broken), prepend=":")
    out = tmp_path / "out"
    result = call(
        capsys, *pair_command(digits, out, "--models", "nearest,copy", "--metric", "bleu")
    )
    assert result.code == 0, result.err
    rows = read_standings(out)
    assert (rows["copy"]["runs"], rows["nearest"]["runs"]) == (1, 0)
    assert rows["copy"]["score"] == rows["copy"]["figures"]["bleu"]
    assert "sklearn.feature_extraction" in rows["nearest"]["reasons"][0]
    assert "nearest" in (out / "compare.html").read_text("utf-8")


def test_tokenizers_are_crossed_with_one_network_on_both_sides(
    digits: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = pair_command(digits, out, "--models", "seq2seq", "--tokenizers", "words,jamo")
    result = compare_here(*command, "--budget", "1k tokens")
    assert result.code == 0, result.err
    for name in ("words", "jamo"):
        model = munjang.load(out / f"runs/seq2seq-on-{name}/seed-0/model")
        tokenizer = model.recipe.section("tokenizer")
        assert (tokenizer.source.name, tokenizer.target.name) == (name, name)


ERRORS: dict[str, tuple[list[object], str]] = {
    "an unknown task": (["--task", "tag"], "unknown task 'tag'; known: classify, regress"),
    "a model of labels": (["--models", "cnn"], "cnn goes with --task classify"),
    "a metric of labels": (["--metric", "accuracy"], "metric: expected chrf, bleu, exact_match"),
    "a column of texts": (["--text-column", "question"], "text_column"),
    "a side alone": (["--test-source", "none.txt"], "--test-source and --test-target go together"),
    "no such file": (["--test", "none.csv"], "none.csv"),
    "a setting of another model": (["--set", "translate.copy_unknown=true"], "copy_unknown"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_are_one_line_before_anything_is_written(
    case: str, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more, expected = ERRORS[case]
    result = call(capsys, *pair_command(digits, tmp_path / "out", *more))
    assert result.code == 2, result
    assert result.out == ""
    last = result.err.splitlines()[-1]
    assert last.startswith("munjang: ")
    assert expected in last
    assert not (tmp_path / "out").exists()


def test_aligned_files_are_compared(tmp_path: Path) -> None:
    command: list[object] = ["compare", "--task", "translate", "--models", "copy", "--quiet"]
    for part, rows in (("", 6), ("valid-", 2), ("test-", 3)):
        for side in ("source", "target"):
            path = tmp_path / f"{part}{side}.txt"
            path.write_text("".join(f"{part}line {row}\n" for row in range(rows)), "utf-8")
            command += [f"--{part}{side}", path]
    out = tmp_path / "out"
    result = compare_here(*command, "--out", out, "--json")
    assert result.code == 0, result.err
    report = json.loads(result.out)
    assert report["rows"] == {"train": 6, "valid": 2, "test": 3}
    assert report["standings"][0]["figures"]["exact_match"] == 1.0


def test_aligned_files_are_refused_by_classification(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = ("--source", tmp_path / "a", "--target", tmp_path / "b")
    result = call(capsys, "compare", *sides, "--out", tmp_path / "out")
    assert result.code == 2
    assert "are for the task translate" in result.err
    assert not (tmp_path / "out").exists()
