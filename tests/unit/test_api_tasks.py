"""Numbers and sets of labels from Python: train, save, load, judge, answer, train again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from munjang.api import Trained, evaluate, load, train
from munjang.errors import ConfigError, DataError
from tests.made import QUICK, made_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

NUMBERS = {"bad": -1000.0, "so-so": 500.0, "good": 2000.0}


def rated() -> tuple[list[str], list[float]]:
    """Texts and a number that a word of each tells, far from 0 and 1."""
    texts, labels = made_corpus()
    return texts, [NUMBERS[label] for label in labels]


def tagged() -> tuple[list[str], list[list[str]]]:
    """Texts of one sentence or two, and the set of what they say; so-so is nothing said."""
    texts, labels = made_corpus(240)
    mixed = [*range(1, 240, 2), *range(0, 240, 2)]
    joined = [
        (f"{texts[one]} {texts[other]}", {labels[one], labels[other]} - {"so-so"})
        for one, other in enumerate(mixed)
    ]
    return [text for text, _ in joined], [sorted(said) for _, said in joined]


def quick(data: Any, task: str, *, model: str = "mean", **more: Any) -> Trained:
    overrides = [*QUICK, *more.pop("overrides", [])]
    return train(data, task=task, model=model, overrides=overrides, **more)


# The maximum over time does not care how long a text is, so that short ones can be asked.
LONG = ("model.dropout=0", "model.embedding_dropout=0", "training.epochs=12")


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "log_cosh"])
def test_numbers_are_learned_in_the_persons_unit(loss: str) -> None:
    overrides = [*LONG, f"regress.loss={loss}"]
    trained = quick(rated(), "regress", model="cnn", overrides=overrides)
    assert trained.scores.metrics["r2"] > 0.9
    answers = trained.model.predict(["a lovely film", "an awful film"])
    assert answers[0].value == pytest.approx(2000, abs=500)
    assert answers[1].value == pytest.approx(-1000, abs=500)


def test_counts_are_learned_by_poisson() -> None:
    texts, labels = made_corpus()
    counts = [{"bad": 0, "so-so": 3, "good": 40}[label] for label in labels]
    overrides = [*LONG, "regress.loss=poisson"]
    trained = quick((texts, counts), "regress", model="cnn", overrides=overrides)
    assert trained.scores.metrics["r2"] > 0.9
    low, high = (one.value for one in trained.model.predict(["awful boring", "great lovely"]))
    assert 0 <= low < 3 < 20 < high


def test_sets_of_labels_are_learned() -> None:
    trained = quick(tagged(), "multilabel", overrides=["training.epochs=20"])
    assert trained.model.labels == ("bad", "good")
    assert trained.scores.metrics["micro_f1"] > 0.9
    both, none = trained.model.predict(["awful film . lovely music", "okay average"])
    assert (both.labels, none.labels) == (("bad", "good"), ())
    assert trained.model.predict_proba(["a", "b"]).shape == (2, 2)


@pytest.mark.parametrize(("task", "data"), [("regress", rated()), ("multilabel", tagged())])
def test_a_folder_answers_as_its_model_does_and_is_made_again_from_its_config(
    task: str, data: Any, tmp_path: Path
) -> None:
    trained = quick(data, task, out=tmp_path / "m")
    saved = load(tmp_path / "m")
    texts = ["lovely", "awful", ""]
    assert saved.predict(texts) == trained.model.predict(texts)
    assert saved.predict([]) == []
    assert evaluate(tmp_path / "m", data) == evaluate(trained.model, data)
    metrics = json.loads((tmp_path / "m" / "metrics.json").read_text(), parse_constant=pytest.fail)
    assert metrics["validation"] == json.loads(json.dumps(trained.scores.to_json()))
    again = train(data, config=tmp_path / "m" / "config.yaml", out=tmp_path / "n")
    for file in ("model.safetensors", "config.yaml"):
        assert (tmp_path / "m" / file).read_bytes() == (tmp_path / "n" / file).read_bytes()
    assert again.scores == trained.scores
    assert "How good it is" in (tmp_path / "m" / "README.md").read_text()


@pytest.mark.parametrize(("task", "data"), [("regress", rated()), ("multilabel", tagged())])
def test_a_run_that_broke_off_goes_on(task: str, data: Any, tmp_path: Path) -> None:
    def stop(step: Any) -> None:
        if step.number == 11:
            raise InterruptedError

    often = {"overrides": ["training.checkpoint_steps=5"]}
    with pytest.raises(InterruptedError):
        quick(data, task, out=tmp_path, on_step=stop, **often)
    resumed = quick(data, task, out=tmp_path, resume=True, **often)
    whole = quick(data, task, **often)
    assert resumed.model.predict("lovely") == whole.model.predict("lovely")


def test_a_rare_label_that_only_the_held_out_rows_have_is_no_error() -> None:
    texts, sets = tagged()
    said: list[str] = []
    for place in range(len(sets)):
        rare = [*sets[:place], ["rare"], *sets[place + 1 :]]
        quick((texts, rare), "multilabel", overrides=["training.epochs=1"], report=said.append)
        if any("no training row has the label rare" in line for line in said):
            return
    pytest.fail("the rare label was never held out")


def test_mistakes_are_told() -> None:
    texts, numbers = rated()
    with pytest.raises(DataError, match="row 3: expected a number in column 'label', got 'x'"):
        quick((texts, [*numbers[:2], "x", *numbers[3:]]), "regress")
    model = quick(rated(), "regress").model
    with pytest.raises(DataError, match="row 1: expected a number"):
        evaluate(model, (["a"], ["good"]))
    with pytest.raises(ConfigError, match="no probabilities"):
        model.predict_proba("a")
    sets = quick(tagged(), "multilabel").model
    with pytest.raises(DataError, match="row 2: the label 'new' was never seen in training"):
        evaluate(sets, (["a", "b"], [["good"], ["bad", "new"]]))
    assert np.isfinite(evaluate(sets, (["a", "b"], [[], []])).metrics["micro_f1"])
