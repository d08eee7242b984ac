"""Results in a notebook: short lines and inert fragments, whatever the texts are."""

import dataclasses
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from torch import nn

from munjang.api import Trained
from munjang.baselines import fit_baseline
from munjang.displayed import Displayed
from munjang.distillation.comparison import Comparison as Beside
from munjang.distillation.comparison import Judged
from munjang.model import Model
from munjang.report import notebook
from munjang.report.html import within_notebook
from munjang.report.surprisal_page import draw_surprisal_page
from munjang.tasks.classification_scores import Scores, score_classes
from munjang.tasks.language_scores import LanguageScores, LanguageScoresBeside
from munjang.tasks.number_scores import NumberScores
from munjang.tasks.translation_scores import TranslationScores
from munjang.tuning.results import TrialRow, Tuned
from tests.unit.report.fragments import assert_inert
from tests.unit.report.test_attention import make_attention
from tests.unit.report.test_surprisal import make_surprisal
from tests.unit.text.strategies import hostile_text

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>\u202e"


def assert_shown(result: Displayed, *texts: str) -> str:
    """It has a line, and a fragment that shows the texts; return the line."""
    fragment = assert_inert(result._repr_html_())
    for text in texts:
        assert text in fragment.text
    line = repr(result)
    assert len(line) <= 402
    assert "\n" not in line
    assert "\x1b" not in line
    return line


def make_scores(*labels: str) -> Scores:
    targets = np.arange(4) % len(labels)
    scores = score_classes(np.eye(len(labels))[targets], targets, labels)
    return dataclasses.replace(
        scores, accuracy=0.75, macro_f1=0.5, log_loss=math.nan, calibration_error=0.1
    )


@settings(max_examples=30)
@given(text=hostile_text())
def test_attention_and_surprisal_of_any_text(text: str) -> None:
    attention = make_attention([text, MARKUP], layers=2, heads=2)
    assert_shown(attention, "layer 1, mean of heads")
    assert_shown(make_surprisal(f"{text}{MARKUP}"), "bits per character")


def test_lines_of_attention_and_surprisal() -> None:
    assert repr(make_attention(["a", "b"], ["x"], layers=2, heads=3)) == (
        "Attention(cross 1 x 2; 2 layers, 6 heads)"
    )
    assert repr(make_surprisal("ab cd", most=2)) == (
        "Surprisal(5 characters, 2 words, 3.0 bits, 0.60 bits per character)"
    )


@settings(max_examples=30)
@given(text=hostile_text())
def test_scores_with_any_labels(text: str) -> None:
    line = assert_shown(make_scores(f"a{text}", MARKUP), "alert(1)", "calibration error", "–")
    assert line == (
        "Scores(4 rows, accuracy 0.7500, macro F1 0.5000, log loss nan, calibration error 0.1000)"
    )


def test_scores_of_other_tasks() -> None:
    assert "MAE 0.5000" in assert_shown(NumberScores(3, 0.5, 0.6, 0.7, 0.8, 0.9), "RMSE", "0.9000")
    samples = ((MARKUP, "b", "c"),)
    written = TranslationScores(1, 1.0, 2.0, 0.0, 0.5, 0.0, (), samples, ("c",))
    assert "chrF 2.0000" in assert_shown(written, "alert(1)", "reference")


def test_more_classes_than_a_matrix_has() -> None:
    labels = [f"c{number}" for number in range(20)]
    targets = np.arange(20)
    scores = score_classes(np.eye(20)[np.roll(targets, 1)], targets, labels)
    assert_shown(scores, "most confused", "c19")


def test_language_scores_stand_beside_their_baseline() -> None:
    plain = LanguageScores.from_nats(10.0, rows=1, tokens=5, characters=9, bytes=9)
    fields = {field.name: getattr(plain, field.name) for field in dataclasses.fields(plain)}
    beside = LanguageScoresBeside(**fields, baseline_name=MARKUP, baseline=plain)
    assert assert_shown(beside, "alert(1)").startswith("LanguageScoresBeside(1 token, ")
    assert beside.to_frame()["baseline.cross_entropy"].to_list() == [2.0]


def test_frames_of_scores_have_one_row_and_can_be_joined() -> None:
    frames = [make_scores("a", "b").to_frame(), make_scores("a", "b", "c").to_frame()]
    joined = pl.concat(frames)
    assert joined.columns == ["rows", "accuracy", "macro_f1", "log_loss", "calibration_error"]
    assert joined["accuracy"].to_list() == [0.75, 0.75]


def make_model(label: str) -> Any:
    recipe = SimpleNamespace(task="classify", input="text", model_name="cnn")
    network = nn.Linear(2, 2)
    metrics = {"validation": {"accuracy": 0.5, "rows": 4, "classes": [], "log_loss": None}}
    task = SimpleNamespace(labels=(label, "b"))
    return Model(recipe, SimpleNamespace(made_of=" on `words`"), task, network, metrics)


@settings(max_examples=30)
@given(text=hostile_text())
def test_models_and_trainings(text: str) -> None:
    model = make_model(f"{MARKUP}{text}")
    line = assert_shown(model, "alert(1)", "cnn on words", "accuracy")
    assert line == (
        "Model(classify on text, cnn, 6 parameters, 2 labels; validation: accuracy 0.5000)"
    )
    metrics = {"training": {"steps": 3, "seconds": 0.5, "best_step": 2}}
    trained = Trained(model, make_scores("a", "b"), Path(f"{MARKUP}\x1b[31m"), metrics)
    assert assert_shown(trained, "3 steps in 0.5 s", "precision").startswith("Trained(Model(")


def test_imported_model_has_no_scores() -> None:
    model = dataclasses.replace(make_model("a"), metrics={"imported": {}})
    assert assert_shown(model, "cnn on words").endswith("2 labels)")


def test_baselines() -> None:
    baseline = fit_baseline("majority", ["a", "b"], np.array([0, 1]), ["x", "y"])
    assert_shown(baseline, "majority")
    assert repr(baseline).startswith("ClassBaseline(majority, classify on text, ")


def test_student_beside_its_teachers() -> None:
    teacher = Judged(MARKUP, False, {"accuracy": 0.9}, {}, 10, 1000, None)
    student = Judged("student", True, {"accuracy": 0.8}, {"accuracy": 0.7}, 5, None, 200.0)
    beside = Beside(4, True, (teacher, student))
    line = assert_shown(beside, "alert(1)", "student (student)", "agreement (accuracy)")
    assert line == "Comparison(1 teacher, 4 rows; agreement of the student: accuracy 0.7000)"
    assert beside.to_frame()["metrics.accuracy"].to_list() == [0.9, 0.8]


def make_tuned(*rows: TrialRow) -> Tuned:
    space = {"model.dim": {}}
    return Tuned(Path("x"), "accuracy", space, {"model.dim": 8}, rows, {"model.dim": 1.0})


def test_searches(tmp_path: Path) -> None:
    failed = TrialRow(2, "failed", None, {"model.dim": 4}, note=MARKUP)
    tuned = make_tuned(TrialRow(1, "done", 0.5, {"model.dim": 16}), failed)
    line = assert_shown(tuned, "alert(1)", "model.dim", "100%")
    assert line == "Tuned(2 trials, best accuracy 0.5000: model.dim=16)"
    assert tuned.to_frame()["settings.model.dim"].to_list() == [16, 4]
    assert tuned.save(tmp_path / "a.svg").read_text("utf-8").startswith("<svg xmlns=")
    assert assert_shown(make_tuned(failed)) == "Tuned(1 trial, none finished)"


def test_a_page_that_is_too_large_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook, "LARGEST", 100)
    html = make_surprisal("ab")._repr_html_()
    assert html.startswith("<code>Surprisal(2 characters")
    assert "too large" in html


def test_a_page_is_whole_again_after_a_notebook() -> None:
    surprisal = make_surprisal("ab")
    with pytest.raises(KeyError), within_notebook():
        raise KeyError
    assert draw_surprisal_page(surprisal).startswith("<!doctype html>")
    assert "munjang-view" not in draw_surprisal_page(surprisal)


def test_long_lines_are_cut() -> None:
    class Long(Displayed):
        def summary(self) -> str:
            return "x\n" * 1000

    assert repr(Long()).startswith("Long(x\\nx")
    assert len(repr(Long())) == 402
