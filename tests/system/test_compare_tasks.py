"""`munjang compare` on numbers, sets of labels and images: table, page, files, baselines."""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.synthetic import make_corpus
from tests.system.browsers import Page
from tests.system.commands import CommandResult, call, write_table
from tests.system.comparisons import HOSTILE, SMALL, compare_here, read_standings


def write_task_table(folder: Path, task: str) -> Path:
    """120 texts with a number or with labels each; some would like to be HTML."""
    texts, names = make_corpus(120)
    answers = {
        "regress": {"bad": "10", "so-so": "20", "good": "40"},
        "multilabel": {"bad": "bad|strong", "so-so": "", "good": "good|strong"},
    }[task]
    rows = [
        (f"{HOSTILE} {number}" if name == "good" else text, answers[name])
        for number, (text, name) in enumerate(zip(texts, names, strict=True))
    ]
    return write_table(folder / "data.csv", rows)


def write_images(folder: Path) -> Path:
    """40 images of two classes: bright on the left, or on the right."""
    random = np.random.default_rng(0)
    for number in range(40):
        name = ("left", "right")[number % 2]
        pixels = random.integers(0, 99, (8, 8)).astype(np.uint8)
        pixels[:, slice(0, 4) if name == "left" else slice(4, 8)] += 100
        (folder / "images" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / "images" / name / f"{number}.png")
    return folder / "images"


@dataclass(frozen=True)
class Case:
    """A comparison of one task.

    Attributes:
        data: writes the data into a folder.
        models: a network, a linear model and a constant.
        options: of the command.
        metrics: that `munjang evaluate` and the table have both.
        section: a heading of the page.
    """

    data: Callable[[Path], Path]
    models: tuple[str, str, str]
    options: tuple[object, ...]
    metrics: tuple[str, ...]
    section: str


CASES: dict[str, Case] = {
    "regress": Case(
        lambda folder: write_task_table(folder, "regress"),
        ("mean", "tfidf-words", "dummy-mean"),
        ("--budget", "4k tokens", "--metric", "rmse", *SMALL),
        ("mae", "rmse", "r2"),
        "Where the models differ most",
    ),
    "multilabel": Case(
        lambda folder: write_task_table(folder, "multilabel"),
        ("mean", "tfidf-words", "dummy-prior"),
        ("--budget", "4k tokens", *SMALL),
        ("micro_f1", "macro_f1", "subset_accuracy", "log_loss"),
        "F1 of each label",
    ),
    "images": Case(
        write_images,
        ("image_cnn", "logistic-pixels", "majority"),
        ("--budget", "200 images", "--set", "model.filters=[4]", "--set", "training.threads=1"),
        ("accuracy", "macro_f1", "log_loss"),
        "Confusions",
    ),
}


@pytest.mark.parametrize("task", CASES)
def test_task_is_compared_from_data_to_page(
    task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case, out = CASES[task], tmp_path / "out"
    data = case.data(tmp_path)
    command = ["compare", data, "--task", task, "--models", ",".join(case.models), "--seeds", 1]
    result = compare_here(*command, "--out", out, *case.options)
    assert result.code == 0, result.err
    rows = read_standings(out)
    assert set(rows) == set(case.models)
    network, linear, constant = (rows[name] for name in case.models)
    assert linear["to_best"] is None or not linear["verdict"].startswith("worse")
    assert [row["is_constant"] for row in (linear, constant)] == [False, True]
    assert constant["verdict"] in ("constant", "worse")
    assert network["tokens_per_second"] > 0
    assert linear["tokens_per_second"] is None
    for row in rows.values():
        assert row["over_rows"]["low"] <= row["score"] <= row["over_rows"]["high"]
        assert 0 < row["p50"] <= row["p99"]
    check_files(out, rows, case)
    check_models(out, rows, case, capsys)
    check_resumed(command, out, case, capsys)


def check_files(out: Path, rows: dict[str, dict[str, object]], case: Case) -> None:
    """The table for machines has the same scores; the page is whole, and escapes texts."""
    with (out / "compare.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert float(row["score"]) == rows[row["name"]]["score"]
    source = (out / "compare.html").read_text("utf-8")
    page = Page(source)
    assert not page.open
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert case.section in page.words
    assert "<script>" not in source


def check_models(
    out: Path,
    rows: dict[str, dict[str, object]],
    case: Case,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`munjang evaluate` gives a model's folder the scores of the table."""
    if case.section == "Confusions":
        return  # the parts of images are no folder of images
    for name in case.models:
        folder = out / f"runs/{name}/seed-0/model"
        evaluated = call(capsys, "evaluate", folder, out / "data/test.parquet", "--json")
        assert evaluated.code == 0, evaluated.err
        scores, figures = json.loads(evaluated.out), rows[name]["figures"]
        assert isinstance(figures, dict)
        for metric in case.metrics:
            assert figures[metric] == pytest.approx(scores[metric], abs=1e-9), (name, metric)


def check_resumed(
    arguments: list[object], out: Path, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """Resumed, nothing is run again; a damaged answer is named."""
    result = call(capsys, *arguments, "--out", out, *case.options, "--resume")
    assert result.code == 0, result.err
    assert "..." not in result.err
    (answers,) = (out / f"runs/{case.models[1]}/seed-0").glob("*.safetensors")
    answers.write_bytes(answers.read_bytes()[:20])
    result = call(capsys, *arguments, "--out", out, *case.options, "--resume")
    assert result.code == 2
    assert result.err.splitlines()[-1].startswith(f"munjang: {answers}: ")


ERRORS: dict[str, tuple[str, list[object], str]] = {
    "a metric of classes": ("regress", ["--metric", "accuracy"], "expected mae, rmse, r2"),
    "a margin of nothing": ("regress", ["--margin", 0], "margin: expected a number above 0"),
    "a baseline of pairs": ("regress", ["--models", "nearest"], "goes with --task translate"),
    "labels by hand": ("multilabel", ["--set", "labels=[a, b]"], "finds the labels in DATA"),
    "a label that DATA lacks": ("multilabel", ["--test", "other.csv"], "never seen in training"),
    "words for numbers": ("regress", ["--test", "other.csv"], "expected a number"),
    "tokens of images": ("images", ["--budget", "4k tokens"], "or images such as '2M images'"),
    "images of texts": ("regress", ["--budget", "4k images"], "or tokens such as '2M tokens'"),
    "a column of images": ("images", ["--text-column", "text"], "text_column"),
    "tokenizers of images": ("images", ["--tokenizers", "jamo"], "images have none"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_are_one_line_before_anything_is_written(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    task, more, expected = ERRORS[case]
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "other.csv", [("a film", "wonderful")])
    data = CASES[task].data(tmp_path)
    result: CommandResult = call(capsys, "compare", data, "--task", task, "--out", "out", *more)
    assert (result.code, result.out) == (2, ""), result
    last = result.err.splitlines()[-1]
    assert last.startswith("munjang: ")
    assert expected in last
    assert not (tmp_path / "out").exists()
