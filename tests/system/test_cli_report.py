"""`munjang report` as a person runs it: on a model, a training and a comparison."""

import json
from pathlib import Path

import pytest

from tests.synthetic import make_corpus
from tests.system.browsers import Page
from tests.system.commands import call, invoke, write_table
from tests.system.comparisons import SMALL, compare_command, compare_here


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, labels = make_corpus(240)
    return write_table(
        tmp_path_factory.mktemp("data") / "reviews.csv", zip(texts, labels, strict=True)
    )


@pytest.fixture(scope="module")
def folder(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "model"
    result = invoke("train", table, "--model", "mean", *SMALL, "--out", out, "--quiet")
    assert result.code == 0, result.err
    return out


def test_report_on_a_model_is_a_page_and_data(folder: Path, table: Path, tmp_path: Path) -> None:
    page, data = tmp_path / "report.html", tmp_path / "report.json"
    result = invoke("report", folder, table, "--out", page, "--quiet", "--language", "ko")
    assert result.code == 0, result.err
    assert "240행" in result.out
    assert not Page(page.read_text("utf-8")).open
    result = invoke("report", folder, table, "--out", data, "--quiet")
    assert "240 rows are right" in result.out
    assert json.loads(data.read_text("utf-8"))["facts"]["rows"] == 240


def test_report_on_a_training_has_curves(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "curves.html"
    result = call(capsys, "report", folder, "--out", page)
    assert result.code == 0, result.err
    assert "This training is finished." in result.out
    assert "<polyline" in page.read_text("utf-8")


def test_report_on_a_comparison_is_its_page(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, page = tmp_path / "compared", tmp_path / "page.html"
    command = compare_command(table, out, "--models", "mean,majority", "--seeds", 1)
    assert compare_here(*command).code == 0
    result = call(capsys, "report", out, "--out", page)
    assert result.code == 0, result.err
    assert page.read_text("utf-8") == (out / "compare.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("report", "{empty}"), "metrics.jsonl"),
        (("report", "{folder}", "--language", "fr"), "en or ko"),
        (("report", "{folder}", "--out", "report.pdf"), ".html or .json"),
        (("report", "{folder}", "{table}", "--explained", "1000"), "0 to 100"),
        (("report", "{folder}", "no-such.csv"), "no-such.csv"),
    ],
)
def test_mistakes_are_named_in_one_line(
    arguments: tuple[str, ...],
    message: str,
    folder: Path,
    table: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"empty": tmp_path, "folder": folder, "table": table}
    result = call(capsys, *(argument.format(**places) for argument in arguments))
    assert result.code == 2
    assert message in result.err
    assert len(result.err.strip().splitlines()) <= 2
