"""Which tokens continue a word, for every tokenizer."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from munjang.text.huggingface.tokenizer import HuggingFaceTokenizer
from munjang.text.registry import make_tokenizer
from munjang.text.vocabulary import RESERVED, Vocabulary
from munjang.text.word_pieces import find_continuations, has_space_marks
from tests.made_tokenizers import made_tokenizer

TEXTS = [
    "이 영화는 정말 재미있었다!! 2번 봤다",
    "영화가 재미없다. 시간이 아깝다",
    "The film was surprisingly good, unwatchable endings aside.",
] * 3


def fitted(name: str) -> Any:
    if name in ("bert", "byte_level", "unigram_hf"):
        library = made_tokenizer(name.removesuffix("_hf"), TEXTS, 400)
        return HuggingFaceTokenizer.from_tokenizer(library).fit(pl.Series(TEXTS))
    return make_tokenizer(name).fit(pl.Series(TEXTS))


def words_of(tokenizer: Any, text: str) -> list[str]:
    """The words of a text, put together of the tokens that continue them."""
    table = find_continuations(tokenizer.vocabulary)
    assert table is not None
    words: list[str] = []
    for number in tokenizer.encode_text(text).tolist():
        token = tokenizer.vocabulary.tokens[number]
        if table[number] and words:
            words[-1] += token
        else:
            words.append(token)
    marks = ("##", "\u2581", "\u0120", " ")
    for mark in marks:
        words = [word.replace(mark, "") for word in words]
    return words


@pytest.mark.parametrize("name", ["wordpiece", "bpe", "unigram", "characters", "unigram_hf"])
def test_words_stand_between_spaces(name: str) -> None:
    tokenizer = fitted(name)
    for text in TEXTS[:3]:
        assert words_of(tokenizer, text) == text.split()


def test_jamo_of_a_word_stand_together() -> None:
    tokenizer = fitted("jamo")
    assert len(words_of(tokenizer, TEXTS[0])) == len(TEXTS[0].split())


@pytest.mark.parametrize("name", ["bert", "bert_wordpiece"])
def test_bert_parts_punctuation_from_words(name: str) -> None:
    words = words_of(fitted(name), "the film was good, unwatchable endings")
    assert words == ["the", "film", "was", "good", ",", "unwatchable", "endings"]


def test_a_byte_level_tokenizer_marks_spaces() -> None:
    tokenizer = fitted("byte_level")
    assert has_space_marks(tokenizer.vocabulary)
    assert words_of(tokenizer, "The film was good") == ["The", "film", "was", "good"]


def test_tokens_that_are_words_say_nothing() -> None:
    assert find_continuations(fitted("words").vocabulary) is None


def test_reserved_tokens_begin_a_word() -> None:
    table = find_continuations(fitted("wordpiece").vocabulary)
    assert table is not None
    assert not table[: len(RESERVED)].any()
    assert table.any()


def test_a_rare_mark_in_a_text_is_no_mark_of_spaces() -> None:
    tokens = [*RESERVED, "\u2581", *(f"t{n}" for n in range(300)), "##s"]
    vocabulary = Vocabulary(tuple(tokens), np.zeros(len(tokens), dtype=np.int64))
    table = find_continuations(vocabulary)
    assert table is not None
    assert [tokens[n] for n in table.nonzero()[0]] == ["##s"]
