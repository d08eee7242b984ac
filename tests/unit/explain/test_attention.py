"""Attention as data: the right weights beside the right tokens."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from munjang.data.encode import encode_texts
from munjang.errors import ConfigError, DataError
from munjang.explain.attention import (
    EOS_LABEL,
    GO_LABEL,
    TEXT_LABEL,
    Attention,
    AttentionMap,
)
from munjang.explain.text_attention import compute_attention, label_tokens, text_attention
from munjang.models.attention_weights import AttentionWeights
from munjang.models.gru import GruConfig
from munjang.models.mean import MeanConfig
from munjang.models.transformer import TransformerConfig
from munjang.tasks.heads import Head
from munjang.text.registry import make_tokenizer
from munjang.text.vocabulary import EOS, GO, OOV, Vocabulary
from tests.architectures import build_encoder

pytestmark = pytest.mark.usefixtures("one_thread")
SOURCE, TARGET = ("the", "film", "bored"), ("영화가", "지루했다", EOS_LABEL)
TEXTS = pl.Series(["정말 재미있다 the film", "영화가 정말 지루했다"])


def random_weights(rows: int, columns: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    made = np.random.default_rng(seed).random((rows, columns)).astype(np.float32)
    return made / made.sum(1, keepdims=True)


def pad_weights(*parts: Any, queries: int, keys: int) -> torch.Tensor:
    """[1, heads, queries, keys] with zeros behind the real ones."""
    full = torch.zeros(1, len(parts), queries, keys)
    for head, part in enumerate(parts):
        full[0, head, : part.shape[0], : part.shape[1]] = torch.from_numpy(part)
    return full


def make_pair_attention() -> Attention:
    maps = [
        AttentionMap("source", 0, 0, random_weights(3, 3, 5)),
        *(AttentionMap("cross", n // 2, n % 2, random_weights(3, 3, n)) for n in range(4)),
    ]
    return Attention(SOURCE, TARGET, tuple(maps), "the film bored", "영화가 지루했다")


def test_from_weights_cuts_padding_and_splits_heads() -> None:
    cross = [random_weights(3, 3, seed) for seed in range(2)]
    target = np.tril(random_weights(3, 3, 9))
    layers = [
        AttentionWeights("cross", 1, pad_weights(*cross, queries=5, keys=7)),
        AttentionWeights("target", 0, pad_weights(target, queries=5, keys=5)),
    ]
    actual = Attention.from_weights(layers, SOURCE, TARGET, text="t", answer="a")
    assert [(one.kind, one.layer, one.head) for one in actual.maps] == [
        ("cross", 1, 0), ("cross", 1, 1), ("target", 0, 0),
    ]  # fmt: skip
    for one, expected in zip(actual.maps, [*cross, target], strict=True):
        np.testing.assert_array_equal(one.weights, expected)
    assert actual.kinds == ("cross", "target")


def test_rows_and_columns_of_decoder_attention() -> None:
    result = make_pair_attention()
    assert result.rows("cross") == result.rows("target") == TARGET
    assert result.columns("cross") == SOURCE
    assert result.columns("target") == (GO_LABEL, "영화가", "지루했다")
    assert (result.rows("pooling"), result.columns("pooling")) == ((TEXT_LABEL,), SOURCE)


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (torch.ones(2, 1, 3, 3), "one text, got 2"),
        (torch.ones(1, 1, 3, 2), r"\(3, 2\), for tokens"),
    ],
)
def test_weights_of_wrong_shape_are_refused(tensor: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Attention.from_weights([AttentionWeights("cross", 0, tensor)], SOURCE, TARGET, text="t")


def test_non_finite_weights_are_refused() -> None:
    with pytest.raises(DataError, match="layer 2, head 0 of source: expected finite weights"):
        Attention.from_weights(
            [AttentionWeights("source", 2, torch.full((1, 1, 3, 3), torch.nan))], SOURCE, text="t"
        )


def test_mean_is_over_heads_of_one_layer() -> None:
    result = make_pair_attention()
    np.testing.assert_allclose(
        result.mean("cross", 0), (random_weights(3, 3, 0) + random_weights(3, 3, 1)) / 2, rtol=1e-6
    )
    np.testing.assert_array_equal(result.mean("cross"), result.mean("cross", 1))
    np.testing.assert_allclose(result.mean("cross").sum(1), 1, rtol=1e-6)


@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=1, max_size=5))
def test_strongest_equals_sorting(rows: list[list[int]]) -> None:
    table = np.array(rows, dtype=np.float32)
    target = tuple(f"t{n}" for n in range(len(rows)))
    only = AttentionMap("cross", 0, 0, table)
    actual = Attention(tuple("abcd"), target, (only,), "").strongest("cross", most=2)
    for one, token, row in zip(actual, target, rows, strict=True):
        expected = sorted(zip("abcd", map(float, row), strict=True), key=lambda pair: -pair[1])
        assert one.token == token
        assert list(one.sources) == expected[:2]


def test_select_kind_layer_and_head() -> None:
    def kept(**selection: Any) -> list[tuple[str, int, int]]:
        return [
            (one.kind, one.layer, one.head)
            for one in make_pair_attention().select(**selection).maps
        ]

    assert kept(kind="cross", layer=-1) == [("cross", 1, 0), ("cross", 1, 1)]
    assert kept(head=-1) == [("cross", 0, 1), ("cross", 1, 1), ("source", 0, 0)]
    assert kept(layer=1) == [("cross", 1, 0), ("cross", 1, 1)], "the text's own has no layer 1"
    assert len(kept()) == 5


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"kind": "pooling"}, "no attention of kind 'pooling'; it has cross, source"),
        ({"layer": 7}, "no layer 7 of cross; layers are 0 to 1"),
        ({"kind": "source", "layer": -2}, "no layer -2 of source; there is one layer, 0"),
        ({"kind": "cross", "head": 2}, "no head 2 of cross; heads are 0 to 1"),
    ],
)
def test_select_missing_map_is_refused(selection: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_pair_attention().select(**selection)


def test_json_holds_all_maps() -> None:
    result = json.loads(json.dumps(make_pair_attention().to_json()))
    assert (result["text"], result["answer"]) == ("the film bored", "영화가 지루했다")
    assert (tuple(result["source"]), tuple(result["target"])) == (SOURCE, TARGET)
    assert (result["maps"][1]["rows"], result["maps"][1]["columns"]) == (list(TARGET), list(SOURCE))
    np.testing.assert_allclose(result["maps"][1]["weights"], random_weights(3, 3, 0), atol=1e-5)


def attention_of_text(
    text: str, config: Any, *, name: str = "words", longest: int = 50, ends: bool = False
):  # type: ignore[no-untyped-def]
    tokenizer = make_tokenizer(name).fit(TEXTS)
    torch.manual_seed(0)
    network = Head(build_encoder(config, tokenizer.vocabulary.size), 2).eval()
    encoded = encode_texts(tokenizer, pl.Series([text]), max_length=longest, add_go_eos=ends)
    result = text_attention(text, encoded, tokenizer=tokenizer, network=network, ends=ends)
    return result, network, tokenizer


@pytest.mark.parametrize("ends", [False, True])
def test_text_attention_has_every_layer_head_and_pooling(ends: bool) -> None:
    config = TransformerConfig(dim=16, layers=3, heads=2, pooling="max+attention")
    actual, network, tokenizer = attention_of_text("The film 지루했다 정말", config, ends=ends)
    named = ("The", "film", "지루했다", "정말")
    assert actual.source == ((GO_LABEL, *named, EOS_LABEL) if ends else named)
    assert actual.target is None
    assert not actual.truncated

    ids = [tokenizer.vocabulary.id_of(word) for word in ("the", "film", "지루했다", "정말")]
    real = [GO, *ids, EOS] if ends else ids
    # padded, and beside a longer row: the same weights
    batch = torch.tensor([[*real, 0, 0], [OOV] * (len(real) + 2)])
    mask = batch != 0
    _, layers = network.encoder.forward_with_attention(batch, mask)
    for layer in range(3):
        seen = layers[layer].weights[0]
        for one in actual.heads("source", layer):
            expected = seen[one.head, : len(real), : len(real)].detach().numpy()
            np.testing.assert_allclose(one.weights, expected, atol=1e-6)
    (pooled,) = actual.heads("pooling")
    expected = network.encoder(batch, mask).attention[0, 0, :, : len(real)].detach().numpy()
    np.testing.assert_allclose(pooled.weights, expected, atol=1e-6)
    assert len(actual.maps) == 3 * 2 + 1


def test_attention_pooling_has_one_row() -> None:
    result, *_ = attention_of_text("the film", GruConfig(dim=8, hidden_dim=4, pooling="attention"))
    (only,) = result.maps
    assert (only.kind, only.weights.shape) == ("pooling", (1, 2))


def test_truncated_text_is_reported() -> None:
    result, *_ = attention_of_text("정말 정말 film", TransformerConfig(dim=8, heads=2), longest=2)
    assert (result.source, result.truncated) == (("정말", "정말"), True)
    assert result.text == "정말 정말 film"


def test_model_without_attention_or_text_without_tokens_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"\(mean\) has no attention to show; attentive, bert and transformer"
    ):
        attention_of_text("정말", MeanConfig(dim=8))
    with pytest.raises(DataError, match="no token is found"):
        attention_of_text(" ", TransformerConfig(dim=8, heads=2))
    with pytest.raises(ConfigError, match="no attention to show; attentive, bert and transformer"):
        compute_attention(object(), "정말")


def test_model_with_attention_capability_is_called() -> None:
    class Looking:
        def attention(self, text: str, target: str | None) -> Attention:
            return Attention(SOURCE, TARGET, (), text, target)

    result = compute_attention(Looking(), "text", "answer")
    assert (result.text, result.answer) == ("text", "answer")


def test_jamo_are_shown_as_single_letters() -> None:
    result, *_ = attention_of_text("한글 ㅋ", TransformerConfig(dim=8, heads=2), name="jamo")
    assert "".join(result.source[-2:]) == " ㅋ"
    known, *_ = attention_of_text("정말", TransformerConfig(dim=8, heads=2), name="jamo")
    assert known.source == ("ㅈ", "ㅓ", "ㅇ", "ㅁ", "ㅏ", "ㄹ")


def labels_of(text: str, ranges: Sequence[tuple[str, int, int]]) -> list[str]:
    tokens = list(dict.fromkeys(token for token, *_ in ranges if token != "<oov>"))
    vocabulary = Vocabulary.from_counts(tokens, [1] * len(tokens))
    ids = [vocabulary.id_of(token) for token, *_ in ranges]
    starts, ends = ([one[n] for one in ranges] for n in (1, 2))
    return label_tokens(text, ids, starts, ends, vocabulary)


def test_token_labels_are_original_characters_unless_shared() -> None:
    assert labels_of("The Film", [("the", 0, 3), ("film", 4, 8)]) == ["The", "Film"]
    assert labels_of("예뻤다", [("예쁘", 0, 2), ("었", 1, 2), ("다", 2, 3)]) == [
        "예쁘",
        "었",
        "다",
    ]
    assert labels_of("힣", [("<oov>", 0, 1)]) == ["힣"]
    assert labels_of("a", [("▁", 0, 0), ("a", 0, 1)]) == ["▁", "a"]
    assert labels_of("", []) == []
