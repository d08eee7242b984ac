"""The report on a model: figures of an independent count, two languages, hostile texts."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import munjang
from munjang.diagnosis.model_report import ModelReport, report_model
from munjang.errors import ConfigError
from munjang.report import wording
from munjang.report.model_report import draw_model_report, model_report_formats
from tests.synthetic import make_corpus
from tests.system.browsers import Page

pytestmark = pytest.mark.usefixtures("one_thread")

HOSTILE = "<script>alert('재미있다')</script> & {rows}"
Rows = tuple[list[str], list[str]]


def make_rows(count: int, seed: int, *, wrong: bool = True) -> Rows:
    """Texts of three classes, some hostile; with `wrong` a few wrong labels, two contradict."""
    texts, labels = make_corpus(count, seed=seed)
    names = sorted(set(labels))
    for number in range(0, count, 25):
        texts[number] += f" {HOSTILE}"
    if not wrong:
        return texts, labels
    for number in range(0, count, 25):
        labels[number] = names[(names.index(labels[number]) + 1) % len(names)]
    texts[-1], labels[-1], labels[-2] = texts[-2], names[0], names[1]
    return texts, labels


@pytest.fixture(scope="module")
def model() -> Any:
    overrides = ["model.dim=16", "training.epochs=10", "training.learning_rate=0.02"]
    return munjang.train(make_rows(400, 0, wrong=False), model="cnn", overrides=overrides).model


@pytest.fixture(scope="module")
def rows() -> Rows:
    return make_rows(200, 1)


@pytest.fixture(scope="module")
def found(model: Any, rows: Rows) -> ModelReport:
    return report_model(model, rows, explained=4)


def test_counts_are_those_of_the_predictions(found: ModelReport, model: Any, rows: Rows) -> None:
    texts, labels = rows
    answers = model.predict(texts)
    wrong = np.array([a.label != label for a, label in zip(answers, labels, strict=True)])
    sure = np.array([a.probability >= 0.9 for a in answers])
    assert found.errors.score == pytest.approx(1 - wrong.mean())
    assert found.facts.sure_and_wrong == int((wrong & sure).sum())
    assert found.facts.contradicting == 2
    assert found.facts.most_frequent == max(labels.count(label) for label in set(labels))
    assert found.calibration is not None
    assert found.calibration.accuracy == pytest.approx(found.errors.score)


def test_wrong_labels_are_suspected(found: ModelReport, rows: Rows) -> None:
    flipped = {number + 1 for number in range(0, 200, 25)}
    suspected = {issue.row for issue in found.issues}
    assert len(flipped & suspected) >= 6


def test_explained_rows_are_wrong_ones_with_their_words(found: ModelReport) -> None:
    assert len(found.explained) == 4
    for each in found.explained:
        assert each.row.is_right is False
        assert each.explanation.rows[0].texts[0].text == each.row.text


def test_report_is_plain_json(found: ModelReport) -> None:
    assert set(json.loads(json.dumps(found.to_json(), allow_nan=False))) == {
        *("model", "facts", "alerts", "errors", "calibration", "issues", "explained", "inside")
    }


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_page_is_whole_escaped_and_small(found: ModelReport, language: str, tmp_path: Path) -> None:
    drawn = str(draw_model_report(found, language))
    page = Page(drawn)
    assert not page.open
    assert "<script>alert" not in drawn
    assert not re.search(r"(src|href)=\"(?!#)", drawn)
    assert f'<html lang="{language}"' in drawn
    ids = set(re.findall(r'id="([^"]+)"', drawn))
    assert set(re.findall(r'href="#([^"]*)"', drawn)) <= ids
    assert len(drawn) < 500_000
    path = model_report_formats(language).write(found, tmp_path / "report.html")
    assert path.read_text("utf-8") == drawn


@pytest.fixture(scope="module")
def recurrent(rows: Rows) -> ModelReport:
    small = ["model.dim=8", "model.hidden_dim=8", "training.epochs=2"]
    gru = munjang.train(make_rows(200, 0, wrong=False), model="gru", overrides=small).model
    return report_model(gru, rows, explained=1)


def test_inside_is_filters_of_a_cnn_and_memory_of_a_recurrent_network(
    found: ModelReport, recurrent: ModelReport
) -> None:
    assert [(name, type(view).__name__) for name, view in found.inside.items()] == [
        ("filters", "Filters")
    ]
    page = str(draw_model_report(found))
    assert page.count('class="ngrams"') == 2 * min(20, len(found.inside["filters"].filters))
    assert list(recurrent.inside) == ["memory"]
    page = str(draw_model_report(recurrent))
    assert "before training: half-life" in page
    assert "after training: half-life" in page


def test_inside_of_an_ensemble_is_said_to_be_of_one_network(recurrent: ModelReport) -> None:
    several = replace(recurrent, model=replace(recurrent.model, networks=3))
    said = "Of the first of 3 networks"
    assert said in str(draw_model_report(several))
    assert said not in str(draw_model_report(recurrent))


@pytest.mark.parametrize("of", ["found", "recurrent"])
def test_korean_page_has_no_english_sentence(
    of: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: ModelReport = request.getfixturevalue(of)
    asked = set[str]()

    class Recording(dict[str, str]):
        def get(self, sentence: str, other: Any = None) -> Any:
            asked.add(sentence)
            return super().get(sentence, other)

    monkeypatch.setitem(wording._SENTENCES, "ko", Recording(wording.KOREAN))  # type: ignore[arg-type]
    draw_model_report(found, "ko")
    untranslated = {sentence for sentence in asked if sentence not in wording.KOREAN}
    assert untranslated <= {"p"}
    assert len(asked) > 40


def test_report_on_numbers_and_on_sets_of_labels() -> None:
    texts, labels = make_rows(300, 2)
    numbers = [float(len(label)) for label in labels]
    small = ["model.dim=8", "training.epochs=2", "training.threads=1"]
    regress = munjang.train((texts, numbers), task="regress", model="mean", overrides=small).model
    found = report_model(regress, (texts[:100], numbers[:100]), explained=1)
    assert found.calibration is None
    assert found.facts.most_frequent is None
    assert found.inside == {}
    assert "mean absolute error" in str(draw_model_report(found))
    sets = [f"{label}|x" for label in labels]
    many = munjang.train((texts, sets), task="multilabel", model="mean", overrides=small).model
    found = report_model(many, (texts[:100], sets[:100]), explained=1)
    assert found.issues == ()
    draw_model_report(found, "ko")


def test_other_tasks_and_numbers_out_of_range_are_refused(model: Any, rows: Rows) -> None:
    with pytest.raises(ConfigError, match="0 to 100"):
        report_model(model, rows, explained=101)
    pairs = (rows[0][:60], rows[0][:60])
    small = ["model.dim=8", "training.max_steps=2", "training.threads=1"]
    writes = munjang.train(pairs, task="translate", model="seq2seq", overrides=small).model
    with pytest.raises(ConfigError, match="classify, multilabel and regress"):
        report_model(writes, pairs)


def test_results_show_themselves_in_a_line_and_in_a_notebook(
    found: ModelReport, model: Any, rows: Rows
) -> None:
    assert repr(found).startswith(f"ModelReport(cnn, accuracy {found.errors.score:.4f} on 200 rows")
    assert repr(found.errors).startswith("ErrorReport(accuracy ")
    assert repr(found.calibration).startswith("CalibrationReport(temperature ")
    why = model.why(rows[0][1])
    assert repr(why).startswith("Explanation(")
    for shown in (found, found.errors, found.calibration, why):
        html = shown._repr_html_()
        assert html.startswith('<div class="munjang-view">')
        assert "<script" not in html


def test_calibrated_model_is_judged_by_the_probabilities_that_it_gives(
    model: Any, rows: Rows
) -> None:
    calibrated = munjang.calibrate(model, rows).model
    report = report_model(calibrated, rows, explained=0)
    assert report.calibration is not None
    error = calibrated.evaluate(rows).calibration_error
    assert report.calibration.error_before == pytest.approx(error, abs=1e-6)
