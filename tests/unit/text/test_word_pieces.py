"""Which tokens continue a word, for every tokenizer."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from munjang.text.huggingface.tokenizer import HuggingFaceTokenizer
from munjang.text.registry import make_tokenizer
from munjang.text.vocabulary import RESERVED, Vocabulary
from munjang.text.word_pieces import find_continuations, has_space_marks
from tests.huggingface_tokenizers import train_tokenizer

TEXTS = [
    "이 영화는 정말 재미있었다!! 2번 봤다",
    "영화가 재미없다. 시간이 아깝다",
    "The film was surprisingly good, unwatchable endings aside.",
] * 3


def fit_tokenizer(name: str) -> Any:
    if name in ("bert", "byte_level", "unigram_hf"):
        library = train_tokenizer(name.removesuffix("_hf"), TEXTS, 400)
        return HuggingFaceTokenizer.from_tokenizer(library).fit(pl.Series(TEXTS))
    return make_tokenizer(name).fit(pl.Series(TEXTS))


def join_words(tokenizer: Any, text: str) -> list[str]:
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
def test_words_are_separated_by_spaces(name: str) -> None:
    tokenizer = fit_tokenizer(name)
    for text in TEXTS[:3]:
        assert join_words(tokenizer, text) == text.split()


def test_jamo_of_a_word_are_joined() -> None:
    tokenizer = fit_tokenizer("jamo")
    assert len(join_words(tokenizer, TEXTS[0])) == len(TEXTS[0].split())


@pytest.mark.parametrize("name", ["bert", "bert_wordpiece"])
def test_bert_separates_punctuation(name: str) -> None:
    words = join_words(fit_tokenizer(name), "the film was good, unwatchable endings")
    assert words == ["the", "film", "was", "good", ",", "unwatchable", "endings"]


def test_byte_level_tokens_mark_spaces() -> None:
    tokenizer = fit_tokenizer("byte_level")
    assert has_space_marks(tokenizer.vocabulary)
    assert join_words(tokenizer, "The film was good") == ["The", "film", "was", "good"]


def test_word_tokenizer_has_no_continuations() -> None:
    assert find_continuations(fit_tokenizer("words").vocabulary) is None


def test_reserved_tokens_begin_a_word() -> None:
    table = find_continuations(fit_tokenizer("wordpiece").vocabulary)
    assert table is not None
    assert not table[: len(RESERVED)].any()
    assert table.any()


def test_rare_marker_is_not_a_space_marker() -> None:
    tokens = [*RESERVED, "\u2581", *(f"t{n}" for n in range(300)), "##s"]
    vocabulary = Vocabulary(tuple(tokens), np.zeros(len(tokens), dtype=np.int64))
    table = find_continuations(vocabulary)
    assert table is not None
    assert [tokens[n] for n in table.nonzero()[0]] == ["##s"]
