"""Norms of Jacobians equal finite differences, whatever is in the batch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.errors import ConfigError
from munjang.explain.half_life import HalfLife, half_life
from munjang.explain.jacobian import squared_norms
from munjang.explain.margins import margin_squared_norms, margins_of
from munjang.explain.token_network import open_network
from tests.synthetic import pad_rows
from tests.unit.explain.networks import VOCABULARY, every_network, make_network, slow_squares

pytestmark = pytest.mark.usefixtures("one_thread")

NETWORKS = every_network()
ROW = [5, 6, 7, 8, 5, 9]
rows_of_ids = st.lists(
    st.lists(st.integers(4, VOCABULARY - 1), min_size=1, max_size=7), min_size=1, max_size=4
)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("place", [0, 3, 5])
def test_exact_norms_equal_finite_differences(name: str, place: int) -> None:
    network = NETWORKS[name]
    slow = slow_squares(network, ROW, place)
    ids, mask = pad_rows([ROW])
    fast = squared_norms(open_network(network), ids, mask, torch.tensor([place]), probes=None)[0]
    # a kink of an activation may lie between the two differences
    torch.testing.assert_close(fast, slow, rtol=2e-2, atol=1e-5)


def test_language_models_do_not_feel_later_tokens() -> None:
    ids, mask = pad_rows([ROW])
    for name in ("language rnn", "language lstm", "language transformer"):
        squares = squared_norms(open_network(NETWORKS[name]), ids, mask, torch.tensor([2]))[0]
        assert squares[:3].min() > 0
        assert not squares[3:].any()


@pytest.mark.parametrize("name", ["cnn", "lstm", "gru", "transformer", "bert"])
@settings(max_examples=8)
@given(rows=rows_of_ids, extra=st.integers(0, 3), filler=st.integers(0, VOCABULARY - 1))
def test_norms_do_not_depend_on_padding_or_batch(
    name: str, rows: list[list[int]], extra: int, filler: int
) -> None:
    reader = open_network(NETWORKS[name])
    last = torch.tensor([len(row) - 1 for row in rows])
    batched = squared_norms(reader, *pad_rows(rows, extra=extra, filler=filler), last)
    for number, row in enumerate(rows):
        single = squared_norms(reader, *pad_rows([row]), last[number : number + 1])[0]
        torch.testing.assert_close(batched[number, : len(row)], single, rtol=1e-3, atol=1e-6)
        assert not batched[number, len(row) :].any()


def test_random_vectors_estimate_the_norm() -> None:
    reader = open_network(make_network("gru", hidden_dim=24))
    rows = [ROW[:4], ROW, [7, 7, 8]]
    arguments = (reader, *pad_rows(rows), torch.tensor([3, 5, 2]))
    exact = squared_norms(*arguments, probes=None)
    many = squared_norms(*arguments, probes=40)
    torch.testing.assert_close(many.sum(), exact.sum(), rtol=0.2, atol=0.0)
    assert torch.equal(many, squared_norms(*arguments, probes=40)), "the seed repeats them"
    torch.testing.assert_close(squared_norms(*arguments, probes=10**6), exact)


def test_no_gradient_is_left_in_the_network() -> None:
    network = make_network("lstm")
    with torch.inference_mode():
        squared_norms(open_network(network), *pad_rows([ROW]), torch.tensor([5]))
        margin_squared_norms(network, *pad_rows([ROW]))
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b", "c")])
def test_gradients_of_the_margin_equal_finite_differences(labels: tuple[str, ...]) -> None:
    network = make_network("gru", labels, bag_dim=3, bag_buckets=16, pooling="mean").double()
    ids, mask = pad_rows([ROW])
    encoder = network.encoder
    with torch.no_grad():
        vectors = encoder.embed(ids, mask)
        slow = torch.zeros(len(ROW), dtype=torch.float64)
        for tensor in (vectors.tokens, vectors.bag):
            for token in range(len(ROW)):
                for column in range(tensor.shape[2]):
                    margins = []
                    for step in (1e-5, -2e-5):
                        tensor[0, token, column] += step
                        pooled = encoder.encode(vectors, mask).pooled
                        margins.append(float(margins_of(network.head(pooled))))
                    tensor[0, token, column] += 1e-5
                    slow[token] += ((margins[0] - margins[1]) / 2e-5) ** 2
    torch.testing.assert_close(margin_squared_norms(network, ids, mask)[0], slow, rtol=1e-4, atol=0)


def test_networks_without_states_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"this model \(mean\) has no state per token"):
        open_network(make_network("mean"))


def test_half_life_of_an_exponential_decay_is_that_of_the_decay() -> None:
    assert half_life([7.0, *(2.0 ** (-k / 3) for k in range(90))]) == pytest.approx(3, abs=0.15)
    assert half_life([7.0, *(2.0**-k for k in range(50))]) == pytest.approx(1)
    assert half_life([0.5] * 21) == pytest.approx(10)
    assert half_life([1.0, 0.0, 0.0]) == half_life([1.0]) == 0.0
    assert half_life([9.0, 0.1, 0.1, 0.1, 5.0]) > 3, "a token from far back counts"


def test_half_life_says_where_it_is_a_lower_bound() -> None:
    flat, falling = [1.0] * 20, [2.0**-k for k in range(20)]
    assert HalfLife.of(flat, [flat]).is_lower_bound
    life = HalfLife.of(falling, [falling, flat, [1.0]])
    assert not life.is_lower_bound
    assert life.quartiles[0] < life.quartiles[1] < life.quartiles[2] < 10
