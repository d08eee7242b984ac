"""Capital markers: their places, that nothing else changes, and decoding."""

import unicodedata

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from munjang.errors import ConfigError
from munjang.text.columns import TokenColumn
from munjang.text.normalize import normalize
from munjang.text.plain.capitals import CAPITAL, CAPITALS, SIGNS
from munjang.text.words import WordTokenizer
from tests.unit.text.strategies import hostile_text, hostile_texts

# what is easily got wrong: a sigma at the end, letters that grow, tones of skin, numbers, marks
UNUSUAL_CHARACTERS = "aBZ ΑΣσςİıǅßẞ'.\u0301\u200d\u00ad²ⅧⒶ_-1🏽😀𐐀𐐨한⇧⇪\ufeff\x00"


def to_series(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def to_words(tokenizer: WordTokenizer, tokens: TokenColumn) -> list[list[str]]:
    names = tokenizer.vocabulary.tokens
    return [[names[number] for number in row] for row in tokens.to_pylist()]


def is_word(token: str) -> bool:
    return unicodedata.category(token[0])[0] in "LN" and token[0] <= "\uffff"


def reference_tokens(text: str) -> list[str]:
    """Add markers word by word, from the text at the range of each word of the plain tokenizer."""
    plain = WordTokenizer().fit(to_series([text]))
    tokens = plain.encode_with_offsets(to_series([text]))
    ids, starts, ends = (part.to_pylist()[0] for part in (tokens.ids, tokens.starts, tokens.ends))
    result, first = [], True
    for number, start, end in zip(ids, starts, ends, strict=True):
        written = text[start:end]
        if is_word(written):
            capitals = [c for c in written if c.lower() != c]
            begins = written[0].lower() != written[0]
            small = [c for c in written if unicodedata.category(c) == "Ll" and c <= "\uffff"]
            if begins and len(capitals) > 1 and not small:
                result.append(CAPITALS)
            elif begins and not first:
                result.append(CAPITAL)
            first = False
        result.append(plain.vocabulary.tokens[number])
    return result


@settings(max_examples=300)
@given(st.text(UNUSUAL_CHARACTERS, max_size=12) | st.text("aB cD.", max_size=20))
@example("What did NASA name after Hubble, “Edwin”?")
@example(" Leading space")
@example("“Quoted first")
@example("MAX_LEN B2B F16 AB²c 10K PC방")
def test_markers_precede_capitalized_words(text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    tokenizer = WordTokenizer(capitals=True).fit(to_series([text]))
    assert to_words(tokenizer, tokenizer.encode(to_series([text]))) == [reference_tokens(text)]


@settings(max_examples=300)
@given(st.lists(st.text(UNUSUAL_CHARACTERS) | hostile_text(), max_size=4))
@example(["ΑΣ.Σ", "x a🏽Bc", "ΑΣ.İ", "A.Σ"])
def test_words_and_offsets_do_not_depend_on_markers(texts: list[str]) -> None:
    plain, with_signs = (
        WordTokenizer(capitals=capitals).fit(to_series(texts)) for capitals in (False, True)
    )
    expected, actual = (t.encode_with_offsets(to_series(texts)) for t in (plain, with_signs))
    assert actual.ids == with_signs.encode(to_series(texts))
    seen = list(zip(*(part.to_pylist() for part in (actual.starts, actual.ends)), strict=True))
    message = to_words(with_signs, actual.ids)
    kept = [
        [triple for triple in zip(row, *positions, strict=True) if triple[0] not in SIGNS]
        for row, positions in zip(message, seen, strict=True)
    ]
    positions = zip(*(part.to_pylist() for part in (expected.starts, expected.ends)), strict=True)
    assert kept == [
        list(zip(row, *span, strict=True))
        for row, span in zip(to_words(plain, expected.ids), positions, strict=True)
    ]


def test_marker_has_empty_range_at_its_word() -> None:
    text = "is DSL in Zu\u0308rich, O'Neill?"
    tokenizer = WordTokenizer(capitals=True).fit(to_series([text]))
    tokens = tokenizer.encode_with_offsets(to_series([text]))
    positions = zip(*(part.to_pylist()[0] for part in (tokens.starts, tokens.ends)), strict=True)
    seen = [text[start:end] for start, end in positions]
    assert seen == ["is", "", "DSL", "in", "", "Zu\u0308rich", ",", "", "O", "'", "", "Neill", "?"]
    names = to_words(tokenizer, tokens.ids)[0]
    signs = [name for name, part in zip(names, seen, strict=True) if not part]
    assert signs == [CAPITALS, CAPITAL, CAPITAL, CAPITAL]
    assert [name for name in names if name not in SIGNS] == [
        normalize(to_series([part]))[0].lower() for part in seen if part
    ]


def test_capitals_are_ignored_if_trained_on_lowercase() -> None:
    lower = WordTokenizer(capitals=True).fit(to_series(["a fine film", "a ⇧ bad one"]))
    shouted = lower.encode_with_offsets(to_series(["A FINE Film"]))
    assert to_words(lower, shouted.ids) == [["a", "fine", "film"]]
    assert shouted.starts.to_pylist() == [[0, 2, 7]]
    names = WordTokenizer(capitals=True).fit(to_series(["of Rome", "of Paris"]))
    assert to_words(names, names.encode(to_series(["of PARIS, Paris"])))[0] == [
        "of", "paris", "<oov>", CAPITAL, "paris",
    ]  # fmt: skip


def test_markers_are_counted_and_may_be_rare() -> None:
    texts = to_series(["of Rome and NASA", "of Paris"])
    counted = WordTokenizer(capitals=True).fit(texts).vocabulary
    assert counted.counts[counted.id_of(CAPITAL)] == 2
    assert counted.counts[counted.id_of(CAPITALS)] == 1
    frequent = WordTokenizer(capitals=True).fit(texts, min_frequency=2)
    assert CAPITALS not in frequent.vocabulary.tokens
    assert to_words(frequent, frequent.encode(texts)) == [
        ["of", CAPITAL, "<oov>", "<oov>", "<oov>"], ["of", CAPITAL, "<oov>"],
    ]  # fmt: skip


def test_decode_restores_capitals() -> None:
    texts = to_series(["who wrote Hamlet and ÖDIPUS?", "", "Of Zorro Ω ǅab", "NO", "⇧ x ⇪"])
    tokenizer = WordTokenizer(capitals=True).fit(texts)
    assert tokenizer.decode(tokenizer.encode(texts)).to_list() == [
        "who wrote Hamlet and ÖDIPUS ?", "", "of Zorro Ω ǅab", "NO", "⇧ x ⇪",
    ]  # fmt: skip
    sign, no = (tokenizer.vocabulary.id_of(name) for name in (CAPITALS, "no"))
    ends_with_sign = tokenizer.encode(texts).from_arrays([0, 2, 3], [no, sign, no])
    assert tokenizer.decode(ends_with_sign).to_list() == ["no", "no"]


@given(hostile_texts())
def test_decode_restores_words_except_case(texts: list[str]) -> None:
    tokenizer = WordTokenizer(capitals=True).fit(to_series([*texts, "x Ab CD"]))
    tokens = tokenizer.encode(to_series(texts))
    decoded = tokenizer.decode(tokens)
    assert [text.casefold().split() for text in decoded] == [
        [word.casefold() for word in row if word not in SIGNS]
        for row in to_words(tokenizer, tokens)
    ]


@pytest.mark.parametrize("settings", [{"lower": False}, {"split": "keras"}])
def test_incompatible_settings_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"capitals goes with lower=true and split=unicode"):
        WordTokenizer(capitals=True, **settings)
