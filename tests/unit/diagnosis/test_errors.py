"""Errors of a model: each row is where it says, and the page is inert."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from munjang.api import train
from munjang.diagnosis.errors import ErrorReport, find_errors
from munjang.errors import ConfigError
from munjang.model import Model
from munjang.report.errors import ERRORS, draw_errors
from tests.synthetic import QUICK, make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

HOSTILE = "</td><script>alert(1)</script> &amp; \u202e"


@pytest.fixture(scope="module")
def model() -> Model:
    return train(make_corpus(120), model="mean", overrides=QUICK).model


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two files; in the second, half of the labels of long texts are wrong."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    paths = []
    for number in range(2):
        texts, labels = make_corpus(150, seed=number + 5)
        if number:
            texts = [text + " " + "film " * 20 + HOSTILE for text in texts]
            labels = [str(random.choice(["bad", "good", "so-so"])) for _ in labels]
        path = folder / f"{number}.csv"
        pl.DataFrame({"text": texts, "label": labels}).write_csv(path)
        paths.append(str(path))
    return paths


@pytest.fixture(scope="module")
def report(model: Model, files: list[str]) -> ErrorReport:
    return find_errors(model, files, most=30)


def test_counts_are_those_of_the_evaluation(
    model: Model, files: list[str], report: ErrorReport
) -> None:
    scores = model.evaluate(files)
    assert report.rows == scores.rows
    assert report.score == scores.accuracy
    pairs = {(pair.true, pair.predicted): pair.rows for pair in scores.confused}
    assert {(cell.given, cell.predicted): cell.rows for cell in report.cells} == pairs
    assert [cell.rows for cell in report.cells] == sorted(pairs.values(), reverse=True)


def test_rows_are_where_they_say_the_highest_loss_first(
    model: Model, files: list[str], report: ErrorReport
) -> None:
    tables = {path: pl.read_csv(path) for path in files}
    for row in report.worst:
        line = tables[row.file].row(row.row - 2, named=True)
        assert (row.text, row.given) == (line["text"], line["label"])
        answer = model.predict(row.text)[0]
        assert row.predicted == answer.label
        assert row.probability == pytest.approx(answer.probability, abs=1e-5)
        assert row.loss == pytest.approx(-np.log(answer.probabilities[row.given]), abs=1e-3)
        assert row.is_right is (row.given == row.predicted)
        for number in row.cells:
            cell = report.cells[number]
            assert (cell.given, cell.predicted) == (row.given, row.predicted)
    losses = [row.loss for row in report.worst]
    assert losses == sorted(losses, reverse=True)
    assert len(report.worst) >= 30


def test_the_bad_file_and_its_long_texts_are_found(report: ErrorReport) -> None:
    worse = {(part.kind, part.name) for part in report.slices if part.is_worse}
    assert ("file", "1.csv") in worse
    assert ("length", "101 to 200 characters") in worse
    assert not any(kind == "file" and name == "0.csv" for kind, name in worse)
    first = report.slices[0]
    assert first.is_worse
    assert first.low <= first.score <= first.high < first.rest


def test_page_is_inert_and_csv_and_json_hold_the_rows(report: ErrorReport, tmp_path: Path) -> None:
    page = str(draw_errors(report))
    assert page.count("<script>") == 1, "that of the page"
    assert "alert(1)&lt;/script&gt;" in page
    assert "\u202e" not in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert 'data-cell="0"' in page
    sheet = ERRORS.write(report, tmp_path / "errors.csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(sheet, newline="")))
    assert [row["text"] for row in rows] == [row.text for row in report.worst]
    values = json.loads(ERRORS.write(report, tmp_path / "errors.json").read_text())
    assert values["worst"][0]["row"] == report.worst[0].row
    with pytest.raises(ConfigError, match=r"\.html, \.csv, \.json"):
        ERRORS.write(report, tmp_path / "errors.pdf")


def test_numbers_are_ranked_by_absolute_error() -> None:
    texts, _ = make_corpus(60)
    numbers = [float(n % 3) for n in range(60)]
    model = train((texts, numbers), task="regress", model="mean", overrides=QUICK).model
    report = find_errors(model, (texts, numbers), most=5)
    assert report.score_name == "mean absolute error"
    assert report.score == pytest.approx(model.evaluate((texts, numbers)).metrics["mae"])
    errors = [abs(a.value - y) for a, y in zip(model.predict(texts), numbers, strict=True)]
    assert report.worst[0].loss == pytest.approx(max(errors), abs=1e-4)
    assert report.cells == ()
    assert "Confusions" not in str(draw_errors(report))


def test_label_sets_count_missed_and_wrongly_given_labels() -> None:
    texts, labels = make_corpus(90)
    sets = [[label, "all"] for label in labels]
    settings = [*QUICK, "training.epochs=2"]
    model = train((texts, sets), task="multilabel", model="mean", overrides=settings).model
    report = find_errors(model, (texts, sets))
    assert report.score == pytest.approx(model.evaluate((texts, sets)).metrics["subset_accuracy"])
    assert all(bool(cell.given) != bool(cell.predicted) for cell in report.cells)
    assert ">Slices</h2>" in str(draw_errors(report))


def test_tasks_without_right_and_wrong_rows_are_refused(model: Model) -> None:
    with pytest.raises(ConfigError, match="most: expected 1 to 10,000 rows, got 0"):
        find_errors(model, make_corpus(9), most=0)
