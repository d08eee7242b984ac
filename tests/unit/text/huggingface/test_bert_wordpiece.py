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
from tests.unit.text.strategies import ugly_texts

TEXTS = ["이 영화 정말 재미있다!! 최고", "재미없다... 시간이 아깝다 ㅠㅠ", "The good, the bad"] * 20


def column(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def fitted(**options: int) -> BertWordPieceTokenizer:
    return BertWordPieceTokenizer().fit(column(TEXTS), **options)


def words_of_library(text: str) -> list[str]:
    normalizer = normalizers.BertNormalizer(strip_accents=False, lowercase=False)
    splitter = pre_tokenizers.BertPreTokenizer()
    clean = normalizer.normalize_str(unicodedata.normalize("NFC", text))
    return [word for word, _ in splitter.pre_tokenize_str(clean)]


@given(texts=ugly_texts())
@settings(max_examples=150, deadline=None)
def test_words_are_those_of_the_library(texts: list[str]) -> None:
    words = split_words(column(texts), lowercase=False)
    cuts = words.offsets()
    for row, text in enumerate(texts):
        starts = words.starts[cuts[row] : cuts[row + 1] + 1]
        ours = [
            words.points[a:b].astype("<u4").tobytes().decode("utf-32-le")
            for a, b in pairwise(starts)
        ]
        assert ours == words_of_library(text)


@given(texts=ugly_texts())
@settings(max_examples=150, deadline=None)
def test_a_column_has_the_ids_that_the_library_gives_each_text(texts: list[str]) -> None:
    tokenizer = _of_ugly_texts()
    column_ids = tokenizer.encode(column(texts)).to_pylist()
    assert column_ids == [tokenizer.encode_text(text).tolist() for text in texts]


@cache
def _of_ugly_texts() -> BertWordPieceTokenizer:
    strange = [
        "a\u0301b ㄱㅏ",
        unicodedata.normalize("NFD", "각힣"),
        "漢字a",
        "\x00b \ufffd",
        "[MASK]",
    ]
    return BertWordPieceTokenizer().fit(column([*TEXTS, *strange]))


def test_special_tokens_stand_for_the_reserved_ones_and_mask_is_a_token() -> None:
    tokenizer = fitted()
    assert tokenizer.special_tokens == dict(zip(RESERVED, list(SPECIAL.values())[:4], strict=True))
    assert tokenizer.vocabulary.tokens[4] == "[MASK]"
    assert tokenizer.huggingface_ids[:5].tolist() == [0, 1, 2, 3, 4]
    assert not set(tokenizer.encode_text("[MASK] [CLS] <pad>").tolist()) & {0, 2, 3, 4}


def test_the_same_texts_give_the_same_ids_in_any_order() -> None:
    shuffled = list(TEXTS)
    random.Random(1).shuffle(shuffled)
    other = BertWordPieceTokenizer().fit(column(shuffled))
    assert fitted().vocabulary.tokens == other.vocabulary.tokens
    assert fitted().library_state == other.library_state


def test_bounds_of_the_vocabulary_hold() -> None:
    for size in (6, 40, 60):
        assert fitted(max_size=size).vocabulary.size <= size
    rare = BertWordPieceTokenizer().fit(column([*TEXTS, "뷁"]), min_frequency=2)
    assert rare.encode_text("뷁").tolist() == [OOV]
    with pytest.raises(ConfigError, match="larger than 5; it is 5"):
        fitted(max_size=5)


def test_lower_case_keeps_hangul_and_accents() -> None:
    texts = column(["CAFÉ 영화"] * 3)
    tokenizer = BertWordPieceTokenizer(lowercase=True).fit(texts)
    assert tokenizer.vocabulary.tokens_of(tokenizer.encode_text("Café 영화")) == ["café", "영화"]


def test_long_words_are_unknown_and_not_learned_from() -> None:
    tokenizer = BertWordPieceTokenizer().fit(column(["a b", "c" * 101, ""]))
    assert "c" not in tokenizer.vocabulary.tokens
    assert tokenizer.encode_text("c" * 100_000).tolist() == [OOV]


def test_no_text_gives_the_special_tokens_alone() -> None:
    tokenizer = BertWordPieceTokenizer().fit(column(["", " "]))
    assert tokenizer.vocabulary.tokens == (*RESERVED, "[MASK]")
    assert tokenizer.encode_text("a").tolist() == [OOV]


def test_it_is_restored_from_its_vocabulary() -> None:
    tokenizer = fitted()
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


def test_it_is_a_tokenizer_of_the_library() -> None:
    tokenizer = fitted()
    library = Tokenizer.from_str(json.dumps(tokenizer.library_state))
    for text in (*TEXTS[:3], "영화 good 뷁"):
        ids = library.encode(text, add_special_tokens=False).ids
        assert tokenizer.huggingface_ids[tokenizer.encode_text(text)].tolist() == ids
