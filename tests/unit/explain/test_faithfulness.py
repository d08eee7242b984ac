"""Faithfulness: scores that name the word that decides are better than random ones."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau

from munjang.errors import ConfigError, DataError
from munjang.explain.faithfulness import (
    SHARES,
    Removal,
    compare_faithfulness,
    kendall_tau,
    measure_faithfulness,
    word_scores,
)
from munjang.explain.place_shares import leave_out_words
from munjang.explain.row import ExplainedRow
from munjang.model import Model
from tests.planted import make_planted, planted_model

pytestmark = pytest.mark.usefixtures("one_thread")

TEXT = "the film was zorpel and the plot music actors 영화"


def probability(model: Model, words: list[str], label: str) -> float:
    task: Any = model.task
    return float(model.predict_proba([" ".join(words)])[0, task.labels.index(label)])


@pytest.mark.parametrize("name", ["mean", "gru"])
@pytest.mark.parametrize("removal", ["oov", "deleted"])
def test_measures_equal_predictions_of_shortened_texts(name: str, removal: Removal) -> None:
    model = planted_model(name)
    words, label = TEXT.split(), str(model.predict([TEXT])[0].label)  # type: ignore[attr-defined]
    scores = np.random.default_rng(4).random(len(words))
    order = np.argsort(-scores).tolist()
    whole = probability(model, words, label)

    def fall(absent: list[int]) -> float:
        kept = [None if n in absent else word for n, word in enumerate(words)]
        if removal == "oov":
            return whole - probability(model, [word or "qqqqqq" for word in kept], label)
        return whole - probability(model, [word for word in kept if word], label)

    counts = [math.ceil(share * len(words)) for share in SHARES]
    actual = measure_faithfulness(ExplainedRow.of(model, TEXT, None, None), scores, removal=removal)
    expected = np.mean([fall(order[:count]) for count in counts])
    assert actual.comprehensiveness == pytest.approx(expected, abs=1e-5)
    expected = np.mean([fall(order[count:]) for count in counts])
    assert actual.sufficiency == pytest.approx(expected, abs=1e-5)


def test_tau_is_that_with_leave_one_out() -> None:
    row = ExplainedRow.of(planted_model("gru"), TEXT, None, None)
    referee = word_scores(row, leave_out_words(row))
    scores = np.arange(len(referee), dtype=np.float64)
    actual = measure_faithfulness(row, scores).tau
    assert actual == pytest.approx(kendalltau(scores, referee).statistic)
    assert measure_faithfulness(row, referee).tau == pytest.approx(1)
    assert math.isnan(kendall_tau(np.zeros(3), np.arange(3.0)))


def test_methods_are_better_than_random_scores() -> None:
    texts, _ = make_planted(12, seed=2)
    table = compare_faithfulness(planted_model("cnn"), [*texts, "film", " "], seed=1)
    assert table.skipped == 2
    rows = {(row.removal, row.method): row for row in table.rows}
    methods = {"exact", "integrated", "gradient", "leave_one_out", "random"}
    assert {name for _, name in rows} == methods
    for removal in ("oov", "deleted"):
        random = rows[removal, "random"]
        for name in methods - {"random"}:
            row = rows[removal, name]
            assert row.texts == 12
            assert row.means["comprehensiveness"] > random.means["comprehensiveness"]
            assert row.means["sufficiency"] < random.means["sufficiency"]
            assert row.errors["comprehensiveness"] >= 0
    # masked by OOV as the referee does it
    assert rows["oov", "leave_one_out"].means["tau"] == pytest.approx(1)


def test_attention_is_a_method_of_models_that_have_it() -> None:
    texts, _ = make_planted(3, seed=2)
    table = compare_faithfulness(planted_model("transformer"), texts, removals=["oov"])
    assert "attention" in {row.method for row in table.rows}
    with pytest.raises(ConfigError, match="no attention"):
        compare_faithfulness(planted_model("gru"), texts, methods=["attention"])


def test_what_cannot_be_measured_is_refused() -> None:
    model = planted_model("mean")
    with pytest.raises(ConfigError, match="unknown method 'lime'"):
        compare_faithfulness(model, ["the film"], methods=["lime"])
    with pytest.raises(DataError, match="two words or more"):
        compare_faithfulness(model, ["film", ""])
    with pytest.raises(ValueError, match="a score for each of 2 words"):
        measure_faithfulness(ExplainedRow.of(model, "the film", None, None), np.zeros(3))
