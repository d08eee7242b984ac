"""Attention between words: sums over tokens, words found in texts, heads scored on references."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from munjang.errors import ConfigError, DataError
from munjang.explain.attention import Attention
from munjang.explain.references import Reference, score_references
from munjang.explain.rollout import compute_rollout
from munjang.explain.word_attention import attention_from_word, find_once
from munjang.models.attention_weights import AttentionWeights

torch = pytest.importorskip("torch")

TEXT = "I love tigers but it is"
TOKENS = ("⟨go⟩", "I", "love", "tig", "ers", "but", "it", "is", "⟨eos⟩")
SPANS = (None, (0, 1), (1, 6), (6, 10), (10, 13), (13, 17), (17, 20), (20, 23), None)
IT, TIG, ERS, LOVE = 6, 3, 4, 2


def random_weights(layers: int = 3, heads: int = 2, seed: int = 0) -> list[AttentionWeights]:
    generator = torch.Generator().manual_seed(seed)
    shape = (1, heads, len(TOKENS), len(TOKENS))
    return [
        AttentionWeights("source", layer, torch.rand(shape, generator=generator).softmax(-1))
        for layer in range(layers)
    ]


def make_attention(weights: list[AttentionWeights]) -> Attention:
    made = Attention.from_weights(weights, TOKENS, text=TEXT)
    return Attention(made.source, None, made.maps, TEXT, spans=SPANS)


def test_weights_of_a_word_are_sums_over_its_tokens() -> None:
    attention = make_attention(random_weights())
    from_it = attention_from_word(attention, "it")
    assert from_it.words == ("⟨go⟩", "I", "love", "tigers", "but", "it", "is", "⟨eos⟩")
    assert from_it.words[from_it.chosen] == "it"
    for head, known in zip(from_it.heads, attention.heads("source"), strict=True):
        assert head.weights.sum() == pytest.approx(1, abs=1e-6)
        assert head.weights[3] == pytest.approx(known.weights[IT, [TIG, ERS]].sum(), abs=1e-6)
    from_tigers = attention_from_word(attention, "tigers")
    for head, known in zip(from_tigers.heads, attention.heads("source"), strict=True):
        expected = known.weights[[TIG, ERS]].mean(0)[LOVE]
        assert head.weights[2] == pytest.approx(expected, abs=1e-6)


def test_heads_are_ordered_by_weight_to_a_word() -> None:
    from_it = attention_from_word(make_attention(random_weights()), "it")
    weights = [head.weights[3] for head in from_it.to_word(3)]
    assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize(
    ("text", "part", "span"),
    [
        ("it is its own", "it", (0, 2)),
        ("나는 그것은 싫다", "그것", (3, 5)),
        ("바라그것 그것은", "그것", (5, 7)),
        ("a.b (it)", "it", (5, 7)),
        ("재미있다 🙂 it", "🙂", (5, 6)),
        ("a+b", "+", (1, 2)),
    ],
)
def test_word_is_found_whole_before_part_of_a_longer_one(
    text: str, part: str, span: tuple[int, int]
) -> None:
    assert find_once(text, part) == span


@pytest.mark.parametrize(
    ("text", "part", "message"),
    [
        ("it was it", "it", "stands 2 times"),
        ("it was", "they", "is not in"),
        ("it was", " ", "blank"),
    ],
)
def test_word_that_is_not_there_once_is_refused(text: str, part: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        find_once(text, part)


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=3))
def test_word_is_found_in_any_text_or_refused(text: str, part: str) -> None:
    try:
        start, end = find_once(text, part)
    except DataError:
        return
    assert text[start:end] == part


def test_model_without_self_attention_over_one_text_is_refused() -> None:
    made = Attention.from_weights(random_weights(), TOKENS, text=TEXT)
    with pytest.raises(ConfigError, match="attend to one another"):
        attention_from_word(made, "it")


def test_word_that_was_cut_off_is_refused() -> None:
    made = make_attention(random_weights())
    cut = Attention(made.source, None, made.maps, f"{TEXT} later", spans=SPANS)
    with pytest.raises(DataError, match="longer than it reads"):
        attention_from_word(cut, "later")


def planted(case: Reference) -> Attention:
    """Head 1 of layer 2 of the attention finds the word that is meant, if it is tigers."""
    weights = random_weights()
    layer = weights[2].weights.clone()
    layer[0, 1, IT] = 0.01
    layer[0, 1, IT, [TIG, ERS]] = 0.46
    return make_attention([*weights[:2], AttentionWeights("source", 2, layer)])


def test_head_that_finds_what_is_meant_is_named_first() -> None:
    cases = [Reference(TEXT, "it", "tigers", other) for other in ("love", "I", "but", "is")]
    scores = score_references(lambda text: planted(cases[0]), cases)
    best = scores.heads[0]
    assert (best.layer, best.head, best.right) == (2, 1, 4)
    assert best.meant == pytest.approx(0.92, abs=1e-6)
    assert best.other == pytest.approx(0.01, abs=1e-6)
    assert scores.to_json()["heads"][0]["right"] == 4


def test_number_that_guessing_heads_reach_is_a_quantile_of_draws() -> None:
    cases = tuple(Reference(TEXT, "it", "tigers", "love") for _ in range(12))
    scores = score_references(lambda text: make_attention(random_weights()), cases)
    draws = np.random.default_rng(0).binomial(12, 0.5, (20_000, 6)).max(1)
    assert scores.right_by_chance == np.quantile(draws, 0.95, method="inverted_cdf")
    assert stats.binom.cdf(scores.right_by_chance, 12, 0.5) ** 6 >= 0.95


def test_case_with_a_word_that_is_not_in_its_text_is_named() -> None:
    good = Reference(TEXT, "it", "tigers", "love")
    bad = Reference(TEXT, "it", "lions", "love")
    with pytest.raises(DataError, match="case 2: 'lions' is not in"):
        score_references(lambda text: planted(good), [good, bad])
    with pytest.raises(DataError, match="at least one case"):
        score_references(lambda text: planted(good), [])


def test_rollout_is_the_product_of_layers_with_residuals() -> None:
    attention = make_attention(random_weights(layers=3))
    expected = np.eye(len(TOKENS))
    for layer in range(3):
        mean = np.mean([head.weights for head in attention.heads("source", layer)], axis=0)
        expected = (0.5 * mean + 0.5 * np.eye(len(TOKENS))) @ expected
    rollout = compute_rollout(attention)
    assert rollout is not None
    np.testing.assert_allclose(rollout, expected, atol=1e-6)
    np.testing.assert_allclose(rollout.sum(1), 1, atol=1e-6)


def test_text_without_self_attention_has_no_rollout() -> None:
    pooling = AttentionWeights("pooling", 0, torch.full((1, 1, 1, len(TOKENS)), 1 / len(TOKENS)))
    assert compute_rollout(Attention.from_weights([pooling], TOKENS, text=TEXT)) is None
