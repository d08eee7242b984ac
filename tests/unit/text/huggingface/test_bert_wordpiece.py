"""BERT's WordPiece, learned here: its words are the library's, its pieces always the same."""

import json
import random
import unicodedata
from functools import cache
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from tokenizers import Tokenizer, normalizers, pre_tokenizers

from munjang.errors import ConfigError, FolderError
from munjang.text.huggingface.bert_wordpiece import SPECIAL, BertWordPieceTokenizer
from munjang.text.huggingface.words import split_words
from munjang.text.registry import tokenizer_from_json
from munjang.text.vocabulary import OOV, RESERVED, Vocabulary
from tests.unit.text.strategies import hostile_texts

TEXTS = ["이 영화 정말 재미있다!! 최고", "재미없다... 시간이 아깝다 ㅠㅠ", "The good, the bad"] * 20


def to_series(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def fit_tokenizer(**options: int) -> BertWordPieceTokenizer:
    return BertWordPieceTokenizer().fit(to_series(TEXTS), **options)


def split_with_library(text: str) -> list[str]:
    normalizer = normalizers.BertNormalizer(strip_accents=False, lowercase=False)
    splitter = pre_tokenizers.BertPreTokenizer()
    clean = normalizer.normalize_str(unicodedata.normalize("NFC", text))
    return [word for word, _ in splitter.pre_tokenize_str(clean)]


@given(texts=hostile_texts())
@settings(max_examples=150, deadline=None)
def test_split_words_equals_library(texts: list[str]) -> None:
    words = split_words(to_series(texts), lowercase=False)
    cuts = words.offsets()
    for row, text in enumerate(texts):
        starts = words.starts[cuts[row] : cuts[row + 1] + 1]
        ours = [
            words.points[a:b].astype("<u4").tobytes().decode("utf-32-le")
            for a, b in pairwise(starts)
        ]
        assert ours == split_with_library(text)


@given(texts=hostile_texts())
@settings(max_examples=150, deadline=None)
def test_encode_column_equals_library_per_text(texts: list[str]) -> None:
    tokenizer = _fit_hostile_texts()
    column_ids = tokenizer.encode(to_series(texts)).to_pylist()
    assert column_ids == [tokenizer.encode_text(text).tolist() for text in texts]


@cache
def _fit_hostile_texts() -> BertWordPieceTokenizer:
    strange = [
        "a\u0301b ㄱㅏ",
        unicodedata.normalize("NFD", "각힣"),
        "漢字a",
        "\x00b \ufffd",
        "[MASK]",
    ]
    return BertWordPieceTokenizer().fit(to_series([*TEXTS, *strange]))


def test_special_tokens_and_mask_have_first_ids() -> None:
    tokenizer = fit_tokenizer()
    assert tokenizer.special_tokens == dict(zip(RESERVED, list(SPECIAL.values())[:4], strict=True))
    assert tokenizer.vocabulary.tokens[4] == "[MASK]"
    assert tokenizer.huggingface_ids[:5].tolist() == [0, 1, 2, 3, 4]
    assert not set(tokenizer.encode_text("[MASK] [CLS] <pad>").tolist()) & {0, 2, 3, 4}


def test_ids_do_not_depend_on_order_of_texts() -> None:
    shuffled = list(TEXTS)
    random.Random(1).shuffle(shuffled)
    other = BertWordPieceTokenizer().fit(to_series(shuffled))
    assert fit_tokenizer().vocabulary.tokens == other.vocabulary.tokens
    assert fit_tokenizer().library_state == other.library_state


def test_max_size_and_min_frequency_limit_vocabulary() -> None:
    for size in (6, 40, 60):
        assert fit_tokenizer(max_size=size).vocabulary.size <= size
    rare = BertWordPieceTokenizer().fit(to_series([*TEXTS, "뷁"]), min_frequency=2)
    assert rare.encode_text("뷁").tolist() == [OOV]
    with pytest.raises(ConfigError, match="larger than 5; it is 5"):
        fit_tokenizer(max_size=5)


def test_lowercase_keeps_hangul_and_accents() -> None:
    texts = to_series(["CAFÉ 영화"] * 3)
    tokenizer = BertWordPieceTokenizer(lowercase=True).fit(texts)
    assert tokenizer.vocabulary.tokens_of(tokenizer.encode_text("Café 영화")) == ["café", "영화"]


def test_long_words_are_oov_and_not_trained_on() -> None:
    tokenizer = BertWordPieceTokenizer().fit(to_series(["a b", "c" * 101, ""]))
    assert "c" not in tokenizer.vocabulary.tokens
    assert tokenizer.encode_text("c" * 100_000).tolist() == [OOV]


def test_empty_texts_give_special_tokens_only() -> None:
    tokenizer = BertWordPieceTokenizer().fit(to_series(["", " "]))
    assert tokenizer.vocabulary.tokens == (*RESERVED, "[MASK]")
    assert tokenizer.encode_text("a").tolist() == [OOV]


def test_restored_from_vocabulary() -> None:
    tokenizer = fit_tokenizer()
    state, vocabulary = tokenizer.to_json(), tokenizer.vocabulary
    same = tokenizer_from_json(state, vocabulary)
    assert same.encode_text(TEXTS[0]).tolist() == tokenizer.encode_text(TEXTS[0]).tolist()
    assert same.library_state == tokenizer.library_state
    tokens = vocabulary.tokens
    for wrong in (
        tokens[:4],
        (*tokens[:4], *tokens[5:]),
        (*tokens, "[PAD]"),
        (*tokens, "a" * 2000),
    ):
        with pytest.raises(FolderError, match=r"vocabulary\.json"):
            tokenizer_from_json(state, Vocabulary(wrong, np.zeros(len(wrong), np.int64)))
    with pytest.raises(FolderError, match="lowercase is no bool"):
        tokenizer_from_json({**state, "lowercase": 1}, vocabulary)


def test_library_state_is_a_library_tokenizer() -> None:
    tokenizer = fit_tokenizer()
    library = Tokenizer.from_str(json.dumps(tokenizer.library_state))
    for text in (*TEXTS[:3], "영화 good 뷁"):
        ids = library.encode(text, add_special_tokens=False).ids
        assert tokenizer.huggingface_ids[tokenizer.encode_text(text)].tolist() == ids
