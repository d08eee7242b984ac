"""Draws follow the probabilities, and nothing but the seed, the row, the sample and the step."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from munjang.decoding.decode import decode_sources
from munjang.decoding.sampling import draw, draw_one, random_streams, uniform, uniform_one
from munjang.decoding.settings import DecodingSettings
from munjang.text.vocabulary import EOS
from tests.unit.decoding import reference
from tests.unit.decoding.small_models import TableModel, TinyRecurrent, pad_rows
from tests.unit.decoding.test_beam import SOURCES

pytestmark = pytest.mark.usefixtures("one_thread")


def make_options(**options: float) -> DecodingSettings:
    return DecodingSettings.parse({"method": "sample", **options})


def count_draws(
    log_probabilities: torch.Tensor, draws: int, options: DecodingSettings
) -> np.ndarray:
    """Count how often each token is drawn by `draws` rows with the same probabilities."""
    drawn = torch.from_numpy(uniform(5, np.arange(draws), 0, 1))
    ids = draw(log_probabilities.expand(draws, 1, -1), drawn, options)
    return np.bincount(ids.flatten().numpy(), minlength=log_probabilities.shape[-1])


def reference_probabilities(
    log_probabilities: torch.Tensor, options: DecodingSettings
) -> list[float]:
    """By the book: one token at a time, likeliest first."""
    sharp = (log_probabilities.double() / options.temperature).softmax(-1).tolist()
    order = sorted(range(len(sharp)), key=lambda i: (-sharp[i], i))
    order = order[: options.top_k or len(order)]
    whole, kept, mass = sum(sharp[i] for i in order), [], 0.0
    for i in order:
        if mass >= options.top_p:
            break
        kept.append(i)
        mass += sharp[i] / whole
    total = sum(sharp[i] for i in kept)
    return [sharp[i] / total if i in kept else 0.0 for i in range(len(sharp))]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 0.6},
        {"temperature": 2.5},
        {"top_k": 4},
        {"top_p": 0.7},
        {"temperature": 1.5, "top_k": 9, "top_p": 0.8},
    ],
    ids=str,
)
def test_sample_frequencies_equal_softmax(options: dict[str, float]) -> None:
    settings = make_options(**options)
    log_probabilities = torch.randn(12, generator=torch.Generator().manual_seed(3)).log_softmax(-1)
    actual = count_draws(log_probabilities, 20_000, settings)
    expected = np.array(reference_probabilities(log_probabilities, settings))
    assert actual[expected == 0].sum() == 0
    possible = expected > 0
    assert stats.chisquare(actual[possible], 20_000 * expected[possible]).pvalue > 0.01


@settings(max_examples=30)
@given(
    vocabulary=st.integers(2, 400),
    spread=st.sampled_from([0.0, 0.1, 1.0, 5.0]),
    top_p=st.sampled_from([0.05, 0.3, 0.5, 0.9, 0.999, 1.0]),
    top_k=st.sampled_from([None, 1, 3, 70, 1000]),
    seed=st.integers(0, 99),
)
def test_draw_maps_each_uniform_interval_to_one_token(
    vocabulary: int, spread: float, top_p: float, top_k: int | None, seed: int
) -> None:
    """Draws at even distances hit each token as often as its share says, to one; none left out.

    Few tokens and many, equal and unequal, so that the nucleus is found at once or by widening.
    """
    options = DecodingSettings(method="sample", top_p=top_p, top_k=top_k)
    noise = torch.randn(vocabulary, generator=torch.Generator().manual_seed(seed))
    log_probabilities = (noise * spread).log_softmax(-1)
    even = (torch.arange(2000).double() + 0.5) / 2000
    ids = draw(log_probabilities.expand(2000, 1, -1), even[:, None], options).flatten()
    actual = torch.bincount(ids, minlength=vocabulary) / 2000
    expected = reference_probabilities(log_probabilities, options)
    if spread or top_p == 1:  # of equal tokens, rounding decides whether one more is in
        np.testing.assert_allclose(actual, expected, atol=2.1 / 2000)


def test_top_p_keeps_smallest_set() -> None:
    """0.5, 0.3 and 0.2: 0.5 is reached by one token, 0.51 needs two."""
    log_probabilities = torch.tensor([0.2, 0.5, 0.3]).double().log()
    for top_p, kept in ((0.4999, {1}), (0.51, {1, 2}), (0.7999, {1, 2}), (0.81, {0, 1, 2})):
        result = count_draws(log_probabilities.float(), 500, make_options(top_p=top_p))
        assert set(np.flatnonzero(result)) == kept


def test_draw_at_both_ends_of_unit_interval() -> None:
    """Forbidden tokens are drawn neither by 0 nor by the highest number there is."""
    inf = float("-inf")
    log_probabilities = torch.tensor([inf, -1.0, inf, -2.0, inf]).expand(2, 1, -1)
    drawn = torch.tensor([[0.0], [1 - 2.0**-52]], dtype=torch.float64)
    assert draw(log_probabilities, drawn, make_options()).tolist() == [[1], [3]]


@pytest.mark.parametrize("model", [TableModel(20, 2), TinyRecurrent(20, 2)])
def test_top_k_1_and_low_temperature_equal_greedy(model: TableModel) -> None:
    greedy = decode_sources(
        model, *pad_rows(SOURCES), DecodingSettings(method="greedy", max_length=12)
    )
    for options in ({"top_k": 1}, {"top_p": 1e-6}, {"temperature": 1e-4}, {"temperature": 5e-324}):
        settings = make_options(**options, max_length=12)
        for seed in range(3):
            result = decode_sources(model, *pad_rows(SOURCES), settings, seed=seed)
            assert [h[0].ids for h in result] == [h[0].ids for h in greedy]
            assert [h[0].score for h in result] == pytest.approx([h[0].score for h in greedy])


def test_same_seed_gives_same_samples() -> None:
    model = TinyRecurrent(40, 0)
    options = make_options(nbest=3, max_length=15)
    first, repeated, other = (
        [
            [h.ids for h in some]
            for some in decode_sources(model, *pad_rows(SOURCES), options, seed=seed)
        ]
        for seed in (7, 7, 8)
    )
    assert first == repeated
    assert first != other


def test_samples_of_a_row_differ_and_are_sorted() -> None:
    result = decode_sources(
        TinyRecurrent(40, 0), *pad_rows(SOURCES), make_options(nbest=8, max_length=9)
    )
    for hypotheses in result:
        assert len(hypotheses) == 8
        assert len({h.ids for h in hypotheses}) > 4
        ranks = [(h.finished, h.score) for h in hypotheses]
        assert ranks == sorted(ranks, reverse=True)


def test_log_probability_is_sum_over_tokens_of_each_sample() -> None:
    """Samples of one source end at different steps; what the model says afterwards is no part."""
    options = make_options(nbest=6, max_length=9, coverage_penalty=0.5)
    for seed in range(5):
        model = TableModel(9, seed, ending=1.0)
        actual = decode_sources(model, *pad_rows(SOURCES), options, seed=seed)
        for source, hypotheses in zip(SOURCES, actual, strict=True):
            for h in hypotheses:
                ids = [*h.ids, *([EOS] if h.finished else [])]
                total = sum(
                    model.log_probabilities(source, h.ids[:index])[i] for index, i in enumerate(ids)
                )
                assert h.log_probability == pytest.approx(total)
                expected = reference.score_answer(model, source, h.ids, total, h.finished, options)
                assert h.score == pytest.approx(expected[1])


def test_equal_sources_of_different_rows_get_different_samples() -> None:
    result = decode_sources(TableModel(30), *pad_rows([(5, 6)] * 20), make_options(max_length=6))
    assert len({h[0].ids for h in result}) > 10
    result = decode_sources(
        TableModel(30), *pad_rows([(5, 6)] * 20), make_options(max_length=6), rows=[4] * 20
    )
    assert len({h[0].ids for h in result}) == 1


@pytest.mark.parametrize("seed", [7, -1, 2**70])
def test_few_draws_are_those_among_many(seed: int) -> None:
    rows, steps = np.arange(400) * 10**15, np.arange(400) % 7
    many = uniform(seed, rows, steps, 2)
    for row in (0, 5, 396):
        some = slice(row, row + 3)
        assert uniform(seed, rows[some], steps[some], 2).tolist() == many[some].tolist()
    assert uniform(seed, rows[:1], 3, 5).tolist() == uniform(seed, rows, 3, 5)[:1].tolist()


def test_uniform_numbers_are_uniform_and_independent() -> None:
    rows = np.arange(400)
    drawn = np.stack([uniform(0, rows, step, 5) for step in range(10)])
    assert drawn.min() >= 0
    assert drawn.max() < 1
    assert len(np.unique(drawn)) == drawn.size
    assert stats.kstest(drawn.ravel(), "uniform").pvalue > 0.01
    for one, other in ((drawn[1:], drawn[:-1]), (drawn[:, 1:], drawn[:, :-1])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.03
    assert uniform(-1, rows, 0, 1).shape == (400, 1)


def test_row_numbers_must_match_rows() -> None:
    with pytest.raises(ValueError, match="expected one row number per row, 6, got 2"):
        decode_sources(TableModel(9), *pad_rows(SOURCES), make_options(), rows=[1, 2])


@given(
    seed=st.integers(0, 2**53),
    row=st.integers(0, 10**6),
    step=st.integers(0, 10**5),
)
def test_the_number_of_one_row_is_that_of_many(seed: int, row: int, step: int) -> None:
    rows = np.arange(row, row + 9)
    stream = int(random_streams(seed, rows)[0])
    assert uniform_one(stream, step) == uniform(seed, rows, step, 1)[0, 0]


@pytest.mark.parametrize(
    "options",
    [{}, {"temperature": 0.6}, {"temperature": 1e-30}, {"top_k": 4}, {"top_p": 0.7}],
    ids=str,
)
def test_one_token_is_drawn_as_many_are(options: dict[str, float]) -> None:
    settings, rows = make_options(**options), 500
    generator = torch.Generator().manual_seed(4)
    values = (3 * torch.randn(rows, 1, 40, generator=generator)).log_softmax(-1)
    values[..., 5] = -torch.inf
    numbers = uniform(1, np.arange(rows), 0, 1)
    expected = draw(values, torch.from_numpy(numbers), settings).flatten().tolist()
    pairs = zip(values[:, 0].numpy(), numbers[:, 0], strict=True)
    assert [draw_one(each, float(number), settings) for each, number in pairs] == expected
