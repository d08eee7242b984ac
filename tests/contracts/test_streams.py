"""Contract of text streams: token by token they give what decoding all tokens gives."""

import unicodedata
from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Library
from tokenizers import decoders, models, normalizers, pre_tokenizers

from munjang.errors import DataError
from munjang.text.columns import token_column
from munjang.text.huggingface.tokenizer import HuggingFaceTokenizer
from munjang.text.registry import make_tokenizer
from munjang.text.stream import open_stream, stream_text
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import EOS, GO, OOV, PAD
from tests.contracts.test_tokenizers import Row, every_row, fit_row
from tests.unit.text.strategies import hostile_text

quick = settings(max_examples=40)


def decoded(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    return str(tokenizer.decode(token_column(list(ids), [0, len(ids)]))[0])


def parts_of(tokenizer: Tokenizer, ids: Sequence[int]) -> list[str]:
    stream = open_stream(tokenizer)
    return [*map(stream.feed, ids), stream.close()]


def shown(text: str) -> str:
    """Return a text as a terminal shows it: jamo beside each other are one syllable."""
    return unicodedata.normalize("NFC", text)


def check(tokenizer: Tokenizer, ids: Sequence[int]) -> None:
    parts = parts_of(tokenizer, ids)
    whole = decoded(tokenizer, ids)
    assert "".join(parts) == whole
    assert "".join(stream_text(tokenizer, ids)) == whole
    for count in range(len(parts)):
        so_far = "".join(parts[:count])
        assert shown(whole).startswith(shown(so_far)), "what was shown is never changed"


@every_row
@quick
@given(text=hostile_text())
@example(text="")
@example(text="한글과 English")
@example(text="값이 싼 가게, 각각")
@example(text="👩‍👩‍👧 café é")
def test_the_tokens_of_a_text_give_it_back_part_by_part(row: Row, text: str) -> None:
    tokenizer = fit_row(row)
    check(tokenizer, tokenizer.encode_text(text).tolist())


@every_row
@quick
@given(data=st.data())
def test_tokens_in_any_order_give_what_decoding_them_gives(row: Row, data: st.DataObject) -> None:
    tokenizer = fit_row(row)
    ids = st.integers(0, tokenizer.vocabulary.size - 1)
    check(tokenizer, data.draw(st.lists(ids, max_size=60)))


@every_row
def test_a_long_stream_gives_what_decoding_it_gives(row: Row) -> None:
    tokenizer = fit_row(row)
    size = tokenizer.vocabulary.size
    ids = [4 + (7 * n * n + n) % (size - 4) for n in range(120)]
    ids[20:30] = [PAD, GO, EOS] * 3 + [OOV]
    if getattr(tokenizer, "tags", False):
        ids = ids[:40]
    check(tokenizer, ids)


@every_row
def test_an_id_outside_of_the_vocabulary_is_refused(row: Row) -> None:
    tokenizer = fit_row(row)
    for number in -1, tokenizer.vocabulary.size:
        with pytest.raises(DataError, match="is not in this vocabulary"):
            open_stream(tokenizer).feed(number)


JAMO = make_tokenizer("jamo").fit(pl.Series(["한글 각각 값이 있다. 가게 abc ㅋㅋ"]))


def jamo_parts(text: str) -> list[str]:
    return parts_of(JAMO, JAMO.encode_text(text).tolist())


def test_a_syllable_comes_when_it_is_certain_and_not_later() -> None:
    assert jamo_parts("한글.") == ["", "", "한", "", "", "글", ".", ""]
    # after 가 a final may follow, and the ᄀ after it begins another syllable
    assert jamo_parts("가게") == ["", "", "가", "", "게"]
    assert jamo_parts("가 a") == ["", "", "가 ", "a", ""]
    assert jamo_parts("ㅋㅋ") == ["ㅋ", "ㅋ", ""]


def test_single_jamo_and_finals_without_a_syllable_come_as_they_are() -> None:
    for text in "\u1112", "\u11ab\u11ab", "\u1161\u1161", "\u1112\u1112\u1161":
        ids = [JAMO.vocabulary.id_of(jamo) for jamo in text]
        assert OOV not in ids
        check(JAMO, ids)


def test_characters_come_at_once() -> None:
    characters = make_tokenizer("characters").fit(pl.Series(["가나다 abc é"]))
    ids = characters.encode_text("가나 aé").tolist()
    assert parts_of(characters, ids) == ["가", "나", " ", "a", "é", ""]


def test_letters_wait_only_where_the_vocabulary_has_a_mark_that_composes_with_them() -> None:
    plain = make_tokenizer("jamo").fit(pl.Series(["abe"]))
    assert parts_of(plain, plain.encode_text("abe").tolist()) == ["a", "b", "e", ""]
    marked = make_tokenizer("jamo").fit(pl.Series(["abe q\u0301"]))
    ids = [marked.vocabulary.id_of(character) for character in "abe\u0301b"]
    assert parts_of(marked, ids) == ["", "ab", "", "é", "b", ""]


def sentencepiece() -> Library:
    """Return a tokenizer that spells unknown characters in bytes, as that of Llama 2."""
    pieces = [f"<0x{number:02X}>" for number in range(256)] + ["▁", "a", "▁a", "안", "▁안"]
    vocabulary = {piece: number for number, piece in enumerate(["<unk>", *pieces])}
    merges = [("▁", "a"), ("▁", "안")]
    library = Library(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True))
    library.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    library.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1),
        ]
    )
    return library


def with_word_ends() -> Library:
    """Return a tokenizer that marks ends of words, as that of GPT."""
    pieces = ["a", "b", "한", "a</w>", "b</w>", "한</w>", "ab</w>", "."]
    vocabulary = {piece: number for number, piece in enumerate(["<unk>", *pieces])}
    library = Library(
        models.BPE(vocabulary, [("a", "b</w>")], unk_token="<unk>", end_of_word_suffix="</w>")
    )
    library.pre_tokenizer = pre_tokenizers.Whitespace()
    library.decoder = decoders.BPEDecoder(suffix="</w>")
    return library


@pytest.mark.parametrize("library", [sentencepiece(), with_word_ends()], ids=["bytes", "ends"])
@settings(max_examples=100)
@given(data=st.data())
def test_other_decoders_of_the_library_give_what_decoding_all_gives(
    library: Library, data: st.DataObject
) -> None:
    tokenizer = HuggingFaceTokenizer.from_tokenizer(library)
    ids = st.lists(st.integers(0, tokenizer.vocabulary.size - 1), max_size=100)
    encoded = hostile_text().map(lambda text: tokenizer.encode_text(text).tolist())
    check(tokenizer, data.draw(ids | encoded))


def test_bytes_wait_for_the_last_one_of_their_characters() -> None:
    tokenizer = HuggingFaceTokenizer.from_tokenizer(sentencepiece())
    ids = tokenizer.encode_text("a 밥").tolist()
    assert parts_of(tokenizer, ids) == ["a", " ", "", "", "", "밥"]


def test_a_prompt_is_shown_as_it_is_written_but_for_a_syllable_that_may_go_on() -> None:
    stream = open_stream(JAMO)
    assert stream.feed_prompt("있다 하", JAMO.encode_text("있다 하").tolist()) == "있다 "
    assert stream.pending == "하"
    nieun = JAMO.vocabulary.id_of("\u11ab")
    assert stream.feed(nieun) == "한"
    assert stream.close() == ""

    stream = open_stream(JAMO)
    assert stream.feed_prompt("있다 각", JAMO.encode_text("있다 각").tolist()) == "있다 각"
    assert stream.close() == ""


@every_row
def test_a_prompt_of_unknown_characters_is_shown_as_it_is_written(row: Row) -> None:
    tokenizer = fit_row(row)
    prompt = "Ω≈ç√ 뷁쀍 Ж"
    for written in prompt, unicodedata.normalize("NFD", prompt):
        stream = open_stream(tokenizer)
        start = stream.feed_prompt(written, tokenizer.encode_text(written).tolist())
        assert start + stream.pending == prompt or not stream.pending
        assert prompt.startswith(start)
        stream.close()
