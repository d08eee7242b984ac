"""Exact shares of mean and cnn: whatever the settings, they sum to the logit."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from munjang.explain.attribution import Attribution
from munjang.explain.located import LocatedRow, LocatedText
from munjang.explain.place_shares import compute_shares
from munjang.explain.row import ExplainedRow, can_decompose
from munjang.explain.why import attribution_of
from munjang.explain.winners import find_winners
from munjang.layers.embedding import TokenEmbedding
from munjang.layers.tfidf_linear import TfidfLinear
from munjang.tasks.explained import linear_scores
from munjang.tasks.heads import Ensemble, Head, LinearEnsemble
from tests.contracts.test_encoders import ROWS, SETTINGS, VOCABULARY, make_encoder
from tests.synthetic import pad_rows

pytestmark = pytest.mark.usefixtures("one_thread")

CASES = [
    pytest.param(name, values, id="-".join([name, *(f"{k}={v}" for k, v in values.items())]))
    for name in ("mean", "cnn")
    for values in [
        *SETTINGS[name],
        {"ngrams": 3, "subword_ngrams": 4},
        *(
            [
                {"ngrams": 2, "bag_dim": 4},
                {"activation": "tanh"},
                {"activation": "gelu"},
                {"activation": "leaky_relu", "pooling": "max+mean+last"},
            ]
            if name == "cnn"
            else []
        ),
    ]
    if values.get("activation") != "softmax"
]
every_case = pytest.mark.parametrize(("name", "values"), CASES)
OUTPUTS = 3


def make_network(name: str, values: dict[str, Any], members: int = 1) -> nn.Module:
    networks: list[nn.Module] = []
    for seed in range(members):
        torch.manual_seed(seed)
        networks.append(Head(make_encoder(name, values, seed=seed), OUTPUTS))
    return (networks[0] if members == 1 else Ensemble(networks)).eval()


def make_linear() -> TfidfLinear:
    linear = TfidfLinear(VOCABULARY, OUTPUTS, ngrams=3, buckets=64)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in (linear.idf, linear.weight, linear.bias):
            parameter.copy_(torch.rand(parameter.shape, generator=generator))
        linear.idf[0] = 0.0
    return linear


class _Encoded:
    """A row that needs no further words."""

    def adapt(self, network: nn.Module) -> nn.Module:
        return network


def make_row(network: nn.Module, ids: list[int]) -> ExplainedRow:
    """A row of ids, as a text with a letter per token and spaces between them."""
    text = " ".join("x" * len(ids))
    starts = 2 * np.arange(len(ids))
    located = LocatedText(text, np.arange(len(ids)), starts, starts + 1)
    row: Any = LocatedRow(_Encoded(), (np.asarray(ids),), (located,))  # type: ignore[arg-type]
    scores = linear_scores("", ["a", "b"], [[1, -1, 0], [0.5, 0, 2]], [0.0, 0.25])
    return ExplainedRow(network, row, scores)


def explain_exactly(network: nn.Module, ids: list[int]) -> tuple[Attribution, ...]:
    row = make_row(network, ids)
    shares = compute_shares(row, "exact", None)
    return find_winners(row, [attribution_of(row, shares, n) for n in range(row.size)])


def score(network: nn.Module, ids: list[int]) -> Tensor:
    """The slow reference: logits of the whole network, times the coefficients."""
    with torch.no_grad():
        logits = network(*pad_rows([ids]))[0]
    return torch.stack([logits[0] - logits[1], 0.5 * logits[0] + 2 * logits[2] + 0.25])


@every_case
@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("linear_weight", [0.0, 0.4])
def test_exact_shares_and_base_sum_to_the_score(
    name: str, values: dict[str, Any], members: int, linear_weight: float
) -> None:
    network = make_network(name, values, members)
    assert can_decompose(network)
    if linear_weight:
        network = LinearEnsemble(network, make_linear(), linear_weight).eval()
    for ids in (ROWS[2], ROWS[-1], [5], [7, 7, 7, 7]):
        for attribution, expected in zip(
            explain_exactly(network, ids), score(network, ids).tolist(), strict=True
        ):
            assert attribution.value == pytest.approx(expected, abs=1e-5)
            assert attribution.base + attribution.total == pytest.approx(expected, abs=1e-5)
            if attribution.ngrams is not None:
                assert attribution.ngrams.total == pytest.approx(expected, abs=1e-5)


def test_share_of_a_token_in_a_mean_is_its_part_of_the_logit() -> None:
    network = make_network("mean", {})
    ids = ROWS[2]
    head: Any = network
    vectors = head.encoder.embedding.weight[torch.tensor(ids)]
    parts = (vectors / len(ids)) @ head.head.weight.T
    expected = (parts[:, 0] - parts[:, 1]).detach().numpy()
    words = explain_exactly(network, ids)[0].texts[0].words
    np.testing.assert_allclose(words.values, expected, atol=1e-6)


def test_share_of_an_ngram_is_divided_among_its_tokens() -> None:
    network: Any = make_network("mean", {"ngrams": 2})
    embedding: TokenEmbedding = network.encoder.embedding
    ids, mask = pad_rows([[5, 6, 7]])
    with torch.no_grad():
        embedding.weight[:VOCABULARY] = 0.0  # tokens alone say nothing
        rows = embedding.ngram_vectors(ids, mask)[0, :, 0] @ network.head.weight.T / 3
    first, second, none = (rows[:, 0] - rows[:, 1]).detach().tolist()
    assert none == 0
    words = explain_exactly(network, [5, 6, 7])[0].texts[0].words
    expected = [first / 2, (first + second) / 2, second / 2]
    np.testing.assert_allclose(words.values, expected, atol=1e-6)


def test_winning_ngrams_are_the_windows_of_the_maxima() -> None:
    network: Any = make_network("cnn", {"kernel_sizes": [2, 3]})
    ids = ROWS[-1]
    attribution = explain_exactly(network, ids)[0]
    assert attribution.ngrams is not None
    with torch.no_grad():
        states = network.encoder(*pad_rows([ids])).states[0]
    weights = (network.head.weight[0] - network.head.weight[1]).detach()
    windows = network.encoder.filter_windows()
    expected: dict[tuple[int, int], float] = {}
    for number, (before, after) in enumerate(windows):
        place = int(states[:, number].argmax())
        window = max(0, place - before), min(len(ids), place + after + 1)
        given = float(weights[number] * states[place, number])
        expected[window] = expected.get(window, 0.0) + given
    actual = {(n.start // 2, (n.end + 1) // 2): n.share for n in attribution.ngrams.ngrams}
    assert actual == {w: pytest.approx(v, abs=1e-6) for w, v in expected.items() if v}


def test_softmax_over_filters_is_not_decomposed() -> None:
    assert not can_decompose(make_network("cnn", {"activation": "softmax"}))
    assert not can_decompose(make_network("gru", {}))
