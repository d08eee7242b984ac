"""Calibration of a model and its folder: kept, loaded, used, and never half written."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch

import munjang
from munjang.api import train
from munjang.diagnosis.calibration import calibrate
from munjang.errors import ConfigError, DataError
from munjang.folder import save
from munjang.model import Model
from munjang.pretrained.following import is_continued
from tests.synthetic import QUICK, make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")


def noisy(rows: int, seed: int, classes: int = 3) -> tuple[list[str], list[str]]:
    """Texts of a corpus, a fifth of whose labels are drawn anew: nobody can be sure."""
    texts, labels = make_corpus(3 * rows, seed=seed)
    kept = [n for n, label in enumerate(labels) if classes == 3 or label != "so-so"][:rows]
    random = np.random.default_rng(seed)
    names = sorted({labels[n] for n in kept})
    drawn = [str(random.choice(names)) if random.random() < 0.2 else labels[n] for n in kept]
    return [texts[n] for n in kept], drawn


@pytest.fixture(scope="module")
def model() -> Model:
    return train(noisy(120, 0), model="mean", overrides=QUICK).model


@pytest.fixture(scope="module")
def binary() -> Model:
    return train(noisy(80, 0, 2), model="mean", overrides=QUICK).model


@pytest.fixture
def folder(model: Model, tmp_path: Path) -> Path:
    return model.save(tmp_path / "model")


def test_folder_keeps_the_calibration_and_labels_stay(model: Model, folder: Path) -> None:
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "log.jsonl").write_text("{}\n")
    held_out, test = noisy(300, 1), noisy(200, 2)
    result = calibrate(folder, held_out)
    assert result.folder == folder
    assert result.report.rows == 300
    reloaded = munjang.load(folder)
    assert reloaded.task.calibration == result.model.task.calibration
    assert reloaded.metrics["calibration"]["temperature"] == result.report.temperature
    assert "temperature" in (folder / "README.md").read_text(encoding="utf-8")
    assert (folder / "model.safetensors").read_bytes() == weights
    assert (folder / "log.jsonl").exists()
    before, after = model.predict(test[0]), reloaded.predict(test[0])
    assert [a.label for a in after] == [b.label for b in before]
    logits = model.task.class_logits(model.logits(test[0])) / result.report.temperature
    expected = torch.softmax(torch.from_numpy(logits), dim=1).numpy()
    assert reloaded.predict_proba(test[0]) == pytest.approx(expected, abs=1e-9)
    scores = munjang.evaluate(folder, test)
    assert scores.accuracy == model.evaluate(test).accuracy
    assert scores.log_loss != model.evaluate(test).log_loss
    again = calibrate(folder, held_out)
    assert again.report == result.report, "a calibration does not build on the one before"


def test_abstaining_answers_only_sure_rows(model: Model) -> None:
    calibrated = calibrate(model, noisy(800, 3)).model
    points = calibrated.task.calibration.coverage
    risk = points[len(points) // 2].risk
    texts, labels = noisy(300, 4)
    answers = calibrated.predict(texts, abstain=risk)
    threshold = calibrated.task.calibration.find_threshold(risk)
    confidence = model.predict_proba(texts).max(1)
    assert [answer.answered for answer in answers] == (confidence > threshold).tolist()
    assert [a.label for a in answers if a.answered] == [
        a.label for a, b in zip(calibrated.predict(texts), answers, strict=True) if b.answered
    ]
    silent = [answer for answer in answers if not answer.answered]
    assert silent
    assert all(answer.label is None for answer in silent)
    assert silent[0].to_json()["label"] is None
    assert silent[0].lines(1, "text")[0][0] == ""
    assert silent[0].lines(1, "text")[0][2:] == ["no answer", "text"]
    wrong = [a.label != y for a, y in zip(answers, labels, strict=True) if a.answered]
    assert np.mean(wrong) <= risk + 0.1


def test_without_calibration_one_line_says_what_to_run(model: Model) -> None:
    with pytest.raises(ConfigError, match="run munjang calibrate FOLDER DATA"):
        model.predict("good", abstain=0.05)
    numbers = train(
        (make_corpus(40)[0], [float(n) for n in range(40)]),
        task="regress",
        model="mean",
        overrides=QUICK,
    ).model
    with pytest.raises(ConfigError, match="abstain: is for models of the task classify"):
        numbers.predict("good", abstain=0.05)
    with pytest.raises(ConfigError, match="calibrate: is for models of the task classify"):
        calibrate(numbers, (["a"] * 30, list(range(30))))


def test_stated_costs_move_the_answer(binary: Model) -> None:
    texts, labels = noisy(400, 5, 2)
    result = calibrate(binary, (texts, labels), cost_false_positive=1, cost_false_negative=5)
    costs = result.report.costs
    assert costs is not None
    assert costs.positive == "good"
    assert costs.cost_per_row[1] <= costs.cost_per_row[0]
    predicted = [answer.label for answer in result.model.predict(texts)]
    shares = result.model.predict_proba(texts)[:, 1]
    assert predicted == ["good" if p >= costs.threshold else "bad" for p in shares]
    old = list(zip(labels, [answer.label for answer in binary.predict(texts)], strict=True))
    assert costs.false_negatives[0] == old.count(("good", "bad"))
    assert costs.false_positives[0] == old.count(("bad", "good"))
    with pytest.raises(ConfigError, match="stated costs"):
        result.model.predict(texts, abstain=0.3)
    swapped = calibrate(
        binary, (texts, labels), cost_false_positive=1, cost_false_negative=5, positive="bad"
    )
    assert swapped.report.costs is not None
    assert swapped.report.costs.positive == "bad"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cost_false_positive": 1}, "--cost-false-negative is missing"),
        ({"positive": "good"}, "give the costs too"),
        ({"cost_false_positive": -1, "cost_false_negative": 1}, "expected a cost between"),
        ({"cost_false_positive": float("nan"), "cost_false_negative": 1}, "expected a cost"),
        (
            {"cost_false_positive": 1, "cost_false_negative": 1, "positive": "x"},
            "expected 'bad' or 'good', got 'x'",
        ),
    ],
)
def test_wrong_costs_are_refused(binary: Model, options: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        calibrate(binary, noisy(30, 5, 2), **options)


def test_three_classes_have_no_costs_and_few_rows_are_refused(model: Model) -> None:
    with pytest.raises(ConfigError, match="are for two classes, the model has 3"):
        calibrate(model, noisy(30, 1), cost_false_positive=1, cost_false_negative=2)
    with pytest.raises(DataError, match="expected 20 rows or more"):
        calibrate(model, noisy(19, 1))


def test_rows_of_the_training_are_noticed(model: Model) -> None:
    texts, labels = make_corpus(300, seed=9)
    poor = {**model.metrics["validation"], "accuracy": 0.4, "rows": 200}
    known = replace(model, metrics={**model.metrics, "validation": poor})
    clean = calibrate(known, (texts, labels)).report
    assert any("trained on these rows" in note for note in clean.notes)


def test_a_training_does_not_take_the_calibration_over(model: Model, folder: Path) -> None:
    calibrate(folder, noisy(100, 1))
    assert "temperature" in (folder / "config.yaml").read_text(encoding="utf-8")
    trained = train(noisy(60, 2), config=folder / "config.yaml").model
    assert trained.task.calibration is None
    again = trained.save(folder.with_name("again"))
    assert munjang.load(again).task.calibration is None


def test_fine_tuning_takes_the_head_of_a_calibrated_model_over(model: Model) -> None:
    calibrated = calibrate(model, noisy(100, 1)).model
    assert calibrated.task.state() != model.task.state()
    assert is_continued(calibrated, model.task, "classify")


def test_a_write_that_is_killed_leaves_the_old_folder_whole(model: Model, folder: Path) -> None:
    calibrated = calibrate(model, noisy(100, 1)).model
    expected = model.predict_proba("a good film")
    for survived in range(4):
        copy = Path(shutil.copytree(folder, folder.with_name(f"copy {survived}")))
        if os.fork() == 0:  # a child that ends in the middle, as if it were killed
            save_and_die(calibrated, copy, survived)
        _, status = os.wait()
        assert os.waitstatus_to_exitcode(status) == 9
        reloaded = munjang.load(copy)
        assert reloaded.task.calibration is None
        assert np.array_equal(reloaded.predict_proba("a good film"), expected)
        calibrated.save(copy)
        assert munjang.load(copy).task.calibration == calibrated.task.calibration


def save_and_die(model: Model, folder: Path, survived: int) -> NoReturn:
    """Save a model, and end the process once so many files are written."""
    real, count = save.write_atomically, 0

    def write(path: Path, text: str) -> None:
        nonlocal count
        if count == survived:
            os._exit(9)
        count += 1
        real(path, text)

    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(save, "write_atomically", write)
            model.save(folder)
    finally:
        os._exit(1)
