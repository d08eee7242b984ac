"""[MASK] in texts that people write, for every tokenizer."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.errors import DataError
from munjang.text.columns import values_and_offsets
from munjang.text.huggingface.tokenizer import HuggingFaceTokenizer
from munjang.text.masks import MASKED, MaskReader, TokenTexts, find_mask_id
from munjang.text.registry import make_tokenizer
from munjang.text.vocabulary import OOV
from tests.huggingface_tokenizers import train_tokenizer

TEXTS = [
    "이 영화는 정말 재미있었다!! 2번 봤다",
    "영화가 재미없다. 시간이 아깝다",
    "The film was surprisingly good, unwatchable endings aside.",
] * 3
BUILT_IN = ("bert_wordpiece", "wordpiece", "bpe", "unigram", "characters", "jamo", "words")
NAMES = (*BUILT_IN, "bert", "byte_level")


def fit_reader(name: str) -> Any:
    if name in BUILT_IN:
        return make_tokenizer(name).fit(pl.Series(TEXTS))
    library = train_tokenizer(name, TEXTS, 400)
    return HuggingFaceTokenizer.from_tokenizer(library).fit(pl.Series(TEXTS))


READERS = {name: MaskReader(fit_reader(name)) for name in NAMES}
every_tokenizer = pytest.mark.parametrize("name", NAMES)


@every_tokenizer
def test_tokens_around_mask_equal_tokens_of_full_text(name: str) -> None:
    reader = READERS[name]
    for text in TEXTS[:3]:
        words = text.split(" ")
        for index in range(len(words)):
            masked = " ".join([*words[:index], "[MASK]", *words[index + 1 :]])
            ids = reader.encode_text(masked).tolist()
            assert ids.count(MASKED) == 1
            mask = ids.index(MASKED)
            left = reader.tokenizer.encode_text(" ".join(words[:index])).tolist()
            # a space before the mask belongs to it, or is a token of its own
            assert ids[: len(left)] == left
            assert mask - len(left) <= 1
            after = ids[mask + 1 :]
            whole = reader.tokenizer.encode_text(text).tolist()
            assert whole[len(whole) - len(after) :] == after


@every_tokenizer
def test_each_mask_is_one_token(name: str) -> None:
    reader = READERS[name]
    for text, count in {
        "[MASK]": 1,
        "[MASK][MASK]": 2,
        "[MASK] [MASK]": 2,
        "영화[MASK]는 [MASK]": 2,
        "<mask> 영화": 1,
        "  [MASK]  ": 1,
        "\n[MASK]\t!!": 1,
        "[MASK]" * 50: 50,
    }.items():
        assert (reader.encode_text(text) == MASKED).sum() == count, text


@pytest.mark.parametrize("name", ["wordpiece", "bpe", "unigram"])
def test_particle_after_mask_does_not_begin_a_word(name: str) -> None:
    reader = READERS[name]
    glued, apart = (reader.encode_text(f"이 [MASK]{gap}는 정말").tolist() for gap in ("", " "))
    tokens = reader.vocabulary.tokens
    assert not tokens[glued[glued.index(MASKED) + 1]].startswith("\u2581")
    assert apart != glued


@every_tokenizer
@given(parts=st.lists(st.text(max_size=12), min_size=2, max_size=4))
def test_hostile_texts_have_one_token_per_mask(name: str, parts: list[str]) -> None:
    reader = READERS[name]
    text = "[MASK]".join(parts)
    if any("\ud800" <= c <= "\udfff" for c in text):
        return
    alone = reader.encode_text(text)
    expected = len(parts) - 1 + sum(part.count("[MASK]") + part.count("<mask>") for part in parts)
    assert (alone == MASKED).sum() == expected
    values, offsets = values_and_offsets(reader.encode(pl.Series([text, "[MASK]", text])))
    assert np.array_equal(values[: offsets[1]], alone)
    assert np.array_equal(values[offsets[2] :], alone)
    assert values.min() >= MASKED
    assert values.max() < reader.vocabulary.size


def test_private_use_characters_are_kept() -> None:
    reader = READERS["wordpiece"]
    ids = reader.encode_text("영화 \ue000\ue001 [MASK]\ue000\n 재미").tolist()
    assert ids.count(MASKED) == 1
    assert ids.count(OOV) == 2


@every_tokenizer
def test_text_without_mask_is_refused(name: str) -> None:
    with pytest.raises(
        DataError, match=r"expected \[MASK\] in the text, as in .* got \"영화"
    ) as caught:
        READERS[name].encode_text("영화 " * 500)
    assert len(str(caught.value)) < 300
    assert len(READERS[name].encode_text("")) == 0


def test_mask_id_requires_mask_token() -> None:
    assert find_mask_id(READERS["bert"].vocabulary) != OOV
    assert find_mask_id(READERS["wordpiece"].vocabulary) == OOV


def test_token_texts_strip_markers() -> None:
    texts = TokenTexts(READERS["wordpiece"].tokenizer)
    tokens = READERS["wordpiece"].vocabulary.tokens
    for number, token in enumerate(tokens):
        assert texts[number] == token.replace("##", "").replace("\u2581", "") or not texts[
            number
        ].strip("\u2581#")
    bert = READERS["bert"]
    assert {TokenTexts(bert.tokenizer)[bert.vocabulary.id_of(t)] for t in ("the", "##a", "영")} == {
        "the", "a", "영",
    }  # fmt: skip
    bytes_of = READERS["byte_level"]
    ids = bytes_of.tokenizer.encode_text("The film")
    assert "".join(TokenTexts(bytes_of.tokenizer)[int(n)] for n in ids) == "Thefilm"


@every_tokenizer
@given(parts=st.lists(st.text(max_size=12), min_size=2, max_size=4))
def test_offsets_are_those_of_masks_and_of_the_text_between_them(
    name: str, parts: list[str]
) -> None:
    reader = READERS[name]
    text = "[MASK]".join(parts)
    if any("\ud800" <= c <= "\udfff" for c in text):
        return
    tokens = reader.encode_with_offsets(pl.Series([text]))
    ids, starts, ends = (values_and_offsets(p)[0] for p in (tokens.ids, tokens.starts, tokens.ends))
    assert np.array_equal(ids, reader.encode_text(text))
    assert (starts >= 0).all()
    assert (starts <= ends).all()
    assert (ends <= len(text)).all()
    masks = ids == MASKED
    for start, end in zip(starts[masks].tolist(), ends[masks].tolist(), strict=True):
        assert text[start:end] in ("[MASK]", "<mask>")


def test_offsets_of_words_around_a_mask() -> None:
    reader = READERS["wordpiece"]
    text = "이 영화 [MASK] 정말"
    tokens = reader.encode_with_offsets(pl.Series([text]))
    starts, ends = (values_and_offsets(part)[0].tolist() for part in (tokens.starts, tokens.ends))
    covered = [text[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    assert "".join(covered).replace(" ", "") == text.replace(" ", "")
