"""Capital markers: their places, that nothing else changes, and decoding."""

import unicodedata

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from munjang.errors import ConfigError
from munjang.text.capitals import CAPITAL, CAPITALS, SIGNS
from munjang.text.columns import TokenColumn
from munjang.text.normalize import normalize
from munjang.text.words import WordTokenizer
from tests.unit.text.strategies import ugly_text, ugly_texts

# what is easily got wrong: a sigma at the end, letters that grow, tones of skin, numbers, marks
TRICKY = "aBZ ΑΣσςİıǅßẞ'.\u0301\u200d\u00ad²ⅧⒶ_-1🏽😀𐐀𐐨한⇧⇪\ufeff\x00"


def column(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def words_of(tokenizer: WordTokenizer, tokens: TokenColumn) -> list[list[str]]:
    names = tokenizer.vocabulary.tokens
    return [[names[number] for number in row] for row in tokens.to_pylist()]


def is_word(token: str) -> bool:
    return unicodedata.category(token[0])[0] in "LN" and token[0] <= "\uffff"


def signed(text: str) -> list[str]:
    """Add markers word by word, from the text at the range of each word of the plain tokenizer."""
    plain = WordTokenizer().fit(column([text]))
    tokens = plain.encode_with_offsets(column([text]))
    ids, starts, ends = (part.to_pylist()[0] for part in (tokens.ids, tokens.starts, tokens.ends))
    found, first = [], True
    for number, start, end in zip(ids, starts, ends, strict=True):
        written = text[start:end]
        if is_word(written):
            capitals = [c for c in written if c.lower() != c]
            begins = written[0].lower() != written[0]
            small = [c for c in written if unicodedata.category(c) == "Ll" and c <= "\uffff"]
            if begins and len(capitals) > 1 and not small:
                found.append(CAPITALS)
            elif begins and not first:
                found.append(CAPITAL)
            first = False
        found.append(plain.vocabulary.tokens[number])
    return found


@settings(max_examples=300)
@given(st.text(TRICKY, max_size=12) | st.text("aB cD.", max_size=20))
@example("What did NASA name after Hubble, “Edwin”?")
@example(" Leading space")
@example("“Quoted first")
@example("MAX_LEN B2B F16 AB²c 10K PC방")
def test_signs_stand_before_words_of_capitals_and_words_that_begin_so(text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    tokenizer = WordTokenizer(capitals=True).fit(column([text]))
    assert words_of(tokenizer, tokenizer.encode(column([text]))) == [signed(text)]


@settings(max_examples=300)
@given(st.lists(st.text(TRICKY) | ugly_text(), max_size=4))
@example(["ΑΣ.Σ", "x a🏽Bc", "ΑΣ.İ", "A.Σ"])
def test_but_for_the_signs_the_words_and_their_places_are_those_without(texts: list[str]) -> None:
    plain, with_signs = (
        WordTokenizer(capitals=capitals).fit(column(texts)) for capitals in (False, True)
    )
    expected, found = (t.encode_with_offsets(column(texts)) for t in (plain, with_signs))
    assert found.ids == with_signs.encode(column(texts))
    seen = list(zip(*(part.to_pylist() for part in (found.starts, found.ends)), strict=True))
    words = words_of(with_signs, found.ids)
    kept = [
        [triple for triple in zip(row, *places, strict=True) if triple[0] not in SIGNS]
        for row, places in zip(words, seen, strict=True)
    ]
    places = zip(*(part.to_pylist() for part in (expected.starts, expected.ends)), strict=True)
    assert kept == [
        list(zip(row, *place, strict=True))
        for row, place in zip(words_of(plain, expected.ids), places, strict=True)
    ]


def test_the_sign_has_no_character_of_the_text_and_stands_where_its_word_begins() -> None:
    text = "is DSL in Zu\u0308rich, O'Neill?"
    tokenizer = WordTokenizer(capitals=True).fit(column([text]))
    tokens = tokenizer.encode_with_offsets(column([text]))
    places = zip(*(part.to_pylist()[0] for part in (tokens.starts, tokens.ends)), strict=True)
    seen = [text[start:end] for start, end in places]
    assert seen == ["is", "", "DSL", "in", "", "Zu\u0308rich", ",", "", "O", "'", "", "Neill", "?"]
    names = words_of(tokenizer, tokens.ids)[0]
    signs = [name for name, part in zip(names, seen, strict=True) if not part]
    assert signs == [CAPITALS, CAPITAL, CAPITAL, CAPITAL]
    assert [name for name in names if name not in SIGNS] == [
        normalize(column([part]))[0].lower() for part in seen if part
    ]


def test_to_who_learned_from_lower_case_capitals_are_nothing() -> None:
    lower = WordTokenizer(capitals=True).fit(column(["a fine film", "a ⇧ bad one"]))
    shouted = lower.encode_with_offsets(column(["A FINE Film"]))
    assert words_of(lower, shouted.ids) == [["a", "fine", "film"]]
    assert shouted.starts.to_pylist() == [[0, 2, 7]]
    names = WordTokenizer(capitals=True).fit(column(["of Rome", "of Paris"]))
    assert words_of(names, names.encode(column(["of PARIS, Paris"])))[0] == [
        "of", "paris", "<oov>", CAPITAL, "paris",
    ]  # fmt: skip


def test_signs_are_counted_and_may_be_too_rare() -> None:
    texts = column(["of Rome and NASA", "of Paris"])
    counted = WordTokenizer(capitals=True).fit(texts).vocabulary
    assert counted.counts[counted.id_of(CAPITAL)] == 2
    assert counted.counts[counted.id_of(CAPITALS)] == 1
    frequent = WordTokenizer(capitals=True).fit(texts, min_frequency=2)
    assert CAPITALS not in frequent.vocabulary.tokens
    assert words_of(frequent, frequent.encode(texts)) == [
        ["of", CAPITAL, "<oov>", "<oov>", "<oov>"], ["of", CAPITAL, "<oov>"],
    ]  # fmt: skip


def test_decoding_gives_the_capitals_back() -> None:
    texts = column(["who wrote Hamlet and ÖDIPUS?", "", "Of Zorro Ω ǅab", "NO", "⇧ x ⇪"])
    tokenizer = WordTokenizer(capitals=True).fit(texts)
    assert tokenizer.decode(tokenizer.encode(texts)).to_list() == [
        "who wrote Hamlet and ÖDIPUS ?", "", "of Zorro Ω ǅab", "NO", "⇧ x ⇪",
    ]  # fmt: skip
    sign, no = (tokenizer.vocabulary.id_of(name) for name in (CAPITALS, "no"))
    ends_with_sign = tokenizer.encode(texts).from_arrays([0, 2, 3], [no, sign, no])
    assert tokenizer.decode(ends_with_sign).to_list() == ["no", "no"]


@given(ugly_texts())
def test_but_for_their_case_the_words_come_back(texts: list[str]) -> None:
    tokenizer = WordTokenizer(capitals=True).fit(column([*texts, "x Ab CD"]))
    tokens = tokenizer.encode(column(texts))
    decoded = tokenizer.decode(tokens)
    assert [text.casefold().split() for text in decoded] == [
        [word.casefold() for word in row if word not in SIGNS]
        for row in words_of(tokenizer, tokens)
    ]


@pytest.mark.parametrize("settings", [{"lower": False}, {"split": "keras"}])
def test_where_no_capital_is_lost_or_by_keras_rule_there_are_none(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"capitals goes with lower=true and split=unicode"):
        WordTokenizer(capitals=True, **settings)
