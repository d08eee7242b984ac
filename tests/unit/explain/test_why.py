"""Why an answer: a word that decides is found, shares are complete, and nothing else moves them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from hypothesis import given, settings
from torch import Tensor
from torch.nn import functional

from munjang.errors import ConfigError, DataError
from munjang.explain.gradients import (
    Spread,
    gradient,
    integrated_gradients,
    spread_evenly,
    spread_from_zero,
)
from munjang.explain.place_shares import leave_out_words
from munjang.explain.row import ExplainedRow, VectorScores
from munjang.model import Model
from tests.planted import ARCHITECTURES, PLANTED, make_planted, planted_model
from tests.unit.text.strategies import hostile_text

pytestmark = pytest.mark.usefixtures("one_thread")

TEXT = "the film was zorpel and 정말 the plot"
every_architecture = pytest.mark.parametrize("name", ARCHITECTURES)


def row_of(model: Model, text: Any = TEXT, wanted: str | None = None) -> ExplainedRow:
    return ExplainedRow.of(model, text, wanted, None)


@every_architecture
@pytest.mark.parametrize("method", [None, "gradient", "leave_one_out"])
def test_planted_word_is_ranked_first(name: str, method: str | None) -> None:
    if (name, method) == ("bert", "gradient"):
        pytest.skip("behind a norm of the embeddings one gradient says little")
    model = planted_model(name)
    texts, labels = make_planted(40, seed=1)
    found = 0
    for text, label in zip(texts, labels, strict=True):
        explanation = model.why(text, method=method)
        words = explanation.rows[0].texts[0].words
        best = list(words)[int(words.values.argmax())][0].strip()
        found += explanation.answer == label and best == PLANTED[label]
    assert found >= 0.95 * len(texts)


@every_architecture
def test_integrated_gradients_equal_those_of_captum(name: str) -> None:
    row = row_of(planted_model(name))
    scores = VectorScores.of(row)
    vectors = scores.vectors(row.ids)
    zeros = tuple(torch.zeros_like(table) for table in vectors)
    found = integrated_gradients(scores, vectors, zeros, steps=20, spread=spread_evenly)
    expected = IntegratedGradients(lambda *tables: scores(tables)[:, 0]).attribute(
        vectors, zeros, n_steps=20, method="gausslegendre"
    )
    shares = torch.stack([table.sum(2)[0] for table in expected]).sum(0)
    torch.testing.assert_close(
        found.shares(vectors, zeros)[0], shares.float(), atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize("spread", [spread_evenly, spread_from_zero])
def test_nodes_give_the_integrals_of_powers(spread: Spread) -> None:
    places, weights = spread(16)
    for power in range(8):
        assert float((weights * places**power).sum()) == pytest.approx(1 / (power + 1), rel=1e-6)


def test_behind_a_norm_few_nodes_are_enough() -> None:
    random = torch.Generator().manual_seed(0)
    x, weight = torch.randn(2, 1, 5, 8, generator=random)
    zeros = torch.zeros_like(x)

    def score(tables: Sequence[Tensor]) -> Tensor:
        normed = functional.layer_norm(tables[0], (8,), eps=1e-5)
        return (normed * weight).sum((1, 2))[:, None]

    def lacking(spread: Spread) -> float:
        found = integrated_gradients(score, [x], [zeros], steps=16, spread=spread)
        return abs(1 - float(found.shares([x], [zeros]).sum() / (found.value - found.base)))

    assert lacking(spread_evenly) > 0.1
    assert lacking(spread_from_zero) < 0.02


@every_architecture
def test_integrated_gradients_are_complete(name: str) -> None:
    attribution = planted_model(name).why(TEXT, method="integrated").rows[0]
    assert attribution.steps is not None
    assert attribution.explained == pytest.approx(1, abs=0.01) or attribution.steps == 256


@every_architecture
def test_scores_of_vectors_equal_those_of_ids(name: str) -> None:
    row = row_of(planted_model(name))
    scores = VectorScores.of(row)
    with torch.no_grad():
        of_vectors = scores(scores.vectors(row.ids))[0, 0]
    of_ids = row.score(np.zeros((1, row.located.places), dtype=np.bool_))[0, 0]
    assert float(of_vectors) == pytest.approx(of_ids, abs=1e-4)


@every_architecture
def test_gradient_equals_differences(name: str) -> None:
    row = row_of(planted_model(name))
    scores = VectorScores.of(row)
    vectors = scores.vectors(row.ids)
    zeros = tuple(torch.zeros_like(table) for table in vectors)
    found = gradient(scores, vectors, zeros).gradients[0][0]
    drawn = torch.randn(found.shape, generator=torch.Generator().manual_seed(1))
    # short vectors behind a norm: a longer step meets other slopes
    step = 1e-3
    for direction in (drawn / drawn.norm(), found / found.norm()):
        with torch.no_grad():
            high, low = (scores((vectors[0] + s * direction, *vectors[1:])) for s in (step, -step))
        expected = float(high[0, 0] - low[0, 0]) / (2 * step)
        assert float((found * direction).sum()) == pytest.approx(expected, rel=0.05, abs=0.005)


@every_architecture
def test_shares_change_when_weights_are_drawn_again(name: str) -> None:
    model = planted_model(name)
    before = model.why(TEXT, method="integrated").rows[0].texts[0].words.values
    state = {key: tensor.clone() for key, tensor in model.network.state_dict().items()}
    generator = torch.Generator().manual_seed(3)
    try:
        with torch.no_grad():
            for parameter in model.network.parameters():
                parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
        after = model.why(TEXT, method="integrated").rows[0].texts[0].words.values
    finally:
        model.network.load_state_dict(state)
    assert abs(np.corrcoef(before, after)[0, 1]) < 0.9


def leave_out_one_by_one(model: Model, text: str, label: str) -> list[float]:
    """The slow reference: a prediction per word, with a word in its place that nobody knows."""
    words = text.split()
    task: Any = model.task

    def score(words: list[str]) -> float:
        logits = model.logits([" ".join(words)])
        return float(logits[0, 0]) * (1 if task.labels.index(label) else -1)

    whole = score(words)
    return [
        whole - score([*words[:place], "qqqqqq", *words[place + 1 :]])
        for place in range(len(words))
    ]


@every_architecture
def test_leave_one_out_equals_predictions_without_each_word(name: str) -> None:
    model = planted_model(name)
    explanation = model.why(TEXT, method="leave_one_out", label="yes")
    expected = leave_out_one_by_one(model, TEXT, "yes")
    actual = explanation.rows[0].texts[0].words.values
    np.testing.assert_allclose(actual, expected, atol=1e-4)


@pytest.mark.parametrize("name", ["mean", "gru", "bert"])
def test_deleted_words_are_not_read(name: str) -> None:
    model = planted_model(name)
    shares = leave_out_words(row_of(model, wanted="yes"), "deleted")
    words = TEXT.split()
    whole = float(model.logits([TEXT])[0, 0])
    for place in range(len(words)):
        rest = " ".join([*words[:place], *words[place + 1 :]])
        fall = whole - float(model.logits([rest])[0, 0])
        assert shares.shares[0, place + 1] == pytest.approx(fall, abs=1e-4), "GO stands first"


@every_architecture
def test_classes_have_opposite_shares(name: str) -> None:
    yes, no = (
        planted_model(name).why(TEXT, label=label).rows[0].texts[0].words.values
        for label in ("yes", "no")
    )
    np.testing.assert_allclose(yes, -no, atol=1e-4)


@every_architecture
@settings(max_examples=10)
@given(text=hostile_text())
def test_any_text_with_a_token_is_explained(name: str, text: str) -> None:
    model = planted_model(name)
    if not model.input.encode_values(text).encoded.rows.lengths[0] > 2:
        with pytest.raises(DataError, match="no token is found"):
            model.why(text)
        return
    explanation = model.why(text)
    attribution = explanation.rows[0]
    assert np.isfinite([attribution.value, attribution.base, attribution.total]).all()
    assert "".join(part for part, _ in attribution.texts[0].words.with_rest()) == text
    assert sum(value for _, value in attribution.texts[0].words) == pytest.approx(
        attribution.texts[0].total - attribution.texts[0].rest, abs=1e-6
    )


def test_network_and_its_gradients_are_untouched() -> None:
    model = planted_model("gru")
    before = {key: tensor.clone() for key, tensor in model.network.state_dict().items()}
    for parameter in model.network.parameters():
        parameter.grad = None  # of the training
    model.why(TEXT)
    assert all(parameter.grad is None for parameter in model.network.parameters())
    assert not model.network.training
    for key, tensor in model.network.state_dict().items():
        assert torch.equal(tensor, before[key])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "shap"}, "unknown method 'shap'"),
        ({"method": "exact"}, "only logits of mean"),
        ({"label": "yess"}, "did you mean 'yes'"),
        ({"baseline": "mean"}, "expected zero or oov"),
        ({"baseline": "zero", "method": "leave_one_out"}, "expected oov or deleted"),
        ({"target": "an answer"}, "target: is for models that write text"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        planted_model("gru").why(TEXT, **arguments)


def test_text_without_a_token_is_refused() -> None:
    with pytest.raises(DataError, match="no token is found"):
        planted_model("mean").why("  ")
