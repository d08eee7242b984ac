"""Numbers and sets of labels from Python: train, save, load, judge, answer, train again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from munjang.api import Trained, evaluate, load, train
from munjang.errors import ConfigError, DataError
from tests.synthetic import QUICK, make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

NUMBERS = {"bad": -1000.0, "so-so": 500.0, "good": 2000.0}


def make_regression_data() -> tuple[list[str], list[float]]:
    """Texts and a number that a word of each tells, far from 0 and 1."""
    texts, labels = make_corpus()
    return texts, [NUMBERS[label] for label in labels]


def make_multilabel_data() -> tuple[list[str], list[list[str]]]:
    """Texts of one sentence or two, and the set of what they say; so-so is nothing said."""
    texts, labels = make_corpus(240)
    mixed = [*range(1, 240, 2), *range(0, 240, 2)]
    joined = [
        (f"{texts[one]} {texts[other]}", {labels[one], labels[other]} - {"so-so"})
        for one, other in enumerate(mixed)
    ]
    return [text for text, _ in joined], [sorted(labels_of_text) for _, labels_of_text in joined]


def train_quick(data: Any, task: str, *, model: str = "mean", **more: Any) -> Trained:
    overrides = [*QUICK, *more.pop("overrides", [])]
    return train(data, task=task, model=model, overrides=overrides, **more)


# The maximum over time does not care how long a text is, so that short ones can be asked.
LONG = ("model.dropout=0", "model.embedding_dropout=0", "training.epochs=12")


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "log_cosh"])
def test_regress_learns_in_target_unit(loss: str) -> None:
    overrides = [*LONG, f"regress.loss={loss}"]
    trained = train_quick(make_regression_data(), "regress", model="cnn", overrides=overrides)
    assert trained.scores.metrics["r2"] > 0.9
    answers = trained.model.predict(["a lovely film", "an awful film"])
    assert answers[0].value == pytest.approx(2000, abs=500)
    assert answers[1].value == pytest.approx(-1000, abs=500)


def test_regress_learns_counts_with_poisson() -> None:
    texts, labels = make_corpus()
    counts = [{"bad": 0, "so-so": 3, "good": 40}[label] for label in labels]
    overrides = [*LONG, "regress.loss=poisson"]
    trained = train_quick((texts, counts), "regress", model="cnn", overrides=overrides)
    assert trained.scores.metrics["r2"] > 0.9
    low, high = (one.value for one in trained.model.predict(["awful boring", "great lovely"]))
    assert 0 <= low < 3 < 20 < high


def test_multilabel_learns() -> None:
    trained = train_quick(make_multilabel_data(), "multilabel", overrides=["training.epochs=20"])
    assert trained.model.labels == ("bad", "good")
    assert trained.scores.metrics["micro_f1"] > 0.9
    both, none = trained.model.predict(["awful film . lovely music", "okay average"])
    assert (both.labels, none.labels) == (("bad", "good"), ())
    assert trained.model.predict_proba(["a", "b"]).shape == (2, 2)


@pytest.mark.parametrize(
    ("task", "data"), [("regress", make_regression_data()), ("multilabel", make_multilabel_data())]
)
def test_saved_model_and_retrained_config_give_same_answers(
    task: str, data: Any, tmp_path: Path
) -> None:
    trained = train_quick(data, task, out=tmp_path / "m")
    saved = load(tmp_path / "m")
    texts = ["lovely", "awful", ""]
    assert saved.predict(texts) == trained.model.predict(texts)
    assert saved.predict([]) == []
    assert evaluate(tmp_path / "m", data) == evaluate(trained.model, data)
    metrics = json.loads((tmp_path / "m" / "metrics.json").read_text(), parse_constant=pytest.fail)
    assert metrics["validation"] == json.loads(json.dumps(trained.scores.to_json()))
    repeated = train(data, config=tmp_path / "m" / "config.yaml", out=tmp_path / "n")
    for file in ("model.safetensors", "config.yaml"):
        assert (tmp_path / "m" / file).read_bytes() == (tmp_path / "n" / file).read_bytes()
    assert repeated.scores == trained.scores
    assert "How good it is" in (tmp_path / "m" / "README.md").read_text()


@pytest.mark.parametrize(
    ("task", "data"), [("regress", make_regression_data()), ("multilabel", make_multilabel_data())]
)
def test_interrupted_run_resumes_to_same_weights(task: str, data: Any, tmp_path: Path) -> None:
    def stop(step: Any) -> None:
        if step.number == 11:
            raise InterruptedError

    often = {"overrides": ["training.checkpoint_steps=5"]}
    with pytest.raises(InterruptedError):
        train_quick(data, task, out=tmp_path, on_step=stop, **often)
    resumed = train_quick(data, task, out=tmp_path, resume=True, **often)
    whole = train_quick(data, task, **often)
    assert resumed.model.predict("lovely") == whole.model.predict("lovely")


def test_rare_label_only_in_held_out_rows_is_accepted() -> None:
    texts, sets = make_multilabel_data()
    lines: list[str] = []
    for index in range(len(sets)):
        rare = [*sets[:index], ["rare"], *sets[index + 1 :]]
        train_quick(
            (texts, rare), "multilabel", overrides=["training.epochs=1"], report=lines.append
        )
        if any("no training row has the label rare" in line for line in lines):
            return
    pytest.fail("the rare label was never held out")


def test_invalid_targets_are_refused() -> None:
    texts, numbers = make_regression_data()
    with pytest.raises(DataError, match="row 3: expected a number in column 'label', got 'x'"):
        train_quick((texts, [*numbers[:2], "x", *numbers[3:]]), "regress")
    model = train_quick(make_regression_data(), "regress").model
    with pytest.raises(DataError, match="row 1: expected a number"):
        evaluate(model, (["a"], ["good"]))
    with pytest.raises(ConfigError, match="no probabilities"):
        model.predict_proba("a")
    sets = train_quick(make_multilabel_data(), "multilabel").model
    with pytest.raises(DataError, match="row 2: the label 'new' was never seen in training"):
        evaluate(sets, (["a", "b"], [["good"], ["bad", "new"]]))
    assert np.isfinite(evaluate(sets, (["a", "b"], [[], []])).metrics["micro_f1"])
