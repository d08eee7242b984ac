"""The words tokenizer and its offsets against a slow reference."""

import unicodedata
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.errors import ConfigError, DataError, NotFittedError
from munjang.text.columns import values_and_offsets
from munjang.text.keras import text_to_word_sequence
from munjang.text.normalize import normalize
from munjang.text.vocabulary import OOV, RESERVED, Vocabulary
from munjang.text.words import WordTokenizer
from tests.unit.text.strategies import hostile_text, hostile_texts

SPLITS = st.sampled_from(["unicode", "keras"])


def to_series(texts):
    return pl.Series(texts, dtype=pl.String)


def character_kind(character):
    category = unicodedata.category(character)
    if character == "\u200d":
        return "joiner"
    if "\U0001f3fb" <= character <= "\U0001f3ff" or category[0] == "M":
        return "mark"
    if category == "Cf":
        return "format"
    if category == "Cc" or category[0] == "Z":
        return "space"
    return "word" if category[0] in "LN" else "symbol"


def reference_unicode_words(text):
    """Find words character by character; `base` is the class that a mark would join."""
    words: list[str] = []
    base, tied = "space", False
    for character in text:
        kind = character_kind(character)
        if kind == "mark" and base == "space":
            words.append(character)
            base = "lonely mark"
        elif kind == "mark" and base == "lonely mark":
            words[-1] += character
        elif kind == "word" and base in ("word", "lonely mark"):
            words[-1] += character
            base = "word"
        elif kind == "space" or (kind in ("format", "joiner") and base in ("space", "lonely mark")):
            base = "space"
        elif kind in ("mark", "format", "joiner") or (kind == "symbol" and tied):
            words[-1] += character
        else:
            words.append(character)
            base = kind
        tied = kind == "joiner" and base == "symbol"
    return words


def reference_words(tokenizer, text):
    composed = normalize(to_series([text])).item() if tokenizer.nfc else text
    if tokenizer.split == "keras":
        return text_to_word_sequence(composed, lower=tokenizer.lower)
    return reference_unicode_words(composed.lower() if tokenizer.lower else composed)


@settings(max_examples=150)
@given(
    texts=hostile_texts(),
    other=hostile_texts(),
    split=SPLITS,
    lower=st.booleans(),
    nfc=st.booleans(),
)
def test_vocabulary_and_ids_equal_reference(texts, other, split, lower, nfc):
    tokenizer = WordTokenizer(split=split, lower=lower, nfc=nfc).fit(to_series(texts))
    ids = {}
    for word in (word for text in texts for word in reference_words(tokenizer, text)):
        ids[word] = ids.get(word, 0) + 1
    ranked = sorted((w for w in ids if w not in RESERVED), key=lambda word: -ids[word])
    assert tokenizer.vocabulary.tokens == (*RESERVED, *ranked)
    assert tokenizer.vocabulary.counts.tolist() == [0] * 4 + [ids[word] for word in ranked]
    known = {word: number for number, word in enumerate(ranked, start=len(RESERVED))}
    expected = [
        [known.get(word, OOV) for word in reference_words(tokenizer, text)] for text in other
    ]
    assert tokenizer.encode(to_series(other)).to_pylist() == expected
    assert tokenizer.encode_with_offsets(to_series(other)).ids.to_pylist() == expected


@settings(max_examples=150)
@given(texts=hostile_texts(), split=SPLITS, lower=st.booleans())
def test_offsets_point_into_original_text(texts, split, lower):
    tokenizer = WordTokenizer(split=split, lower=lower).fit(to_series(texts))
    tokens = tokenizer.encode_with_offsets(to_series(texts))
    rows = zip(texts, tokens.starts.to_pylist(), tokens.ends.to_pylist(), strict=True)
    for text, starts, ends in rows:
        words = reference_words(tokenizer, text)
        assert len(words) == len(starts) == len(ends)
        assert starts == sorted(starts)
        assert all(0 <= start < end <= len(text) for start, end in zip(starts, ends, strict=True))
        given_words = [text[start:end] for start, end in zip(starts, ends, strict=True)]
        composed, *composed_words = normalize(to_series([text, *given_words]))
        for word, here in zip(words, composed_words, strict=True):
            word = word.replace("ς", "σ")
            here = (here.lower() if lower else here).replace("ς", "σ")
            assert here == word if composed == text else word in here


def test_offsets_with_changed_lengths():
    given_text = "İİ ja " + unicodedata.normalize("NFD", "재미있다, İstanbul")
    tokenizer = WordTokenizer().fit(to_series([given_text]))
    tokens = tokenizer.encode_with_offsets(to_series([given_text]))
    cut = zip(tokens.starts.to_pylist()[0], tokens.ends.to_pylist()[0], strict=True)
    pieces = [unicodedata.normalize("NFC", given_text[start:end]) for start, end in cut]
    assert pieces == ["İİ", "ja", "재미있다", ",", "İstanbul"]
    assert tokenizer.decode(tokens.ids).to_list() == ["i̇i̇ ja 재미있다 , i̇stanbul"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("재미있다!! don't", ["재미있다", "!", "!", "don", "'", "t"]),
        ("3.14 a_b №1", ["3", ".", "14", "a", "_", "b", "№", "1"]),
        ("I ❤️ 👩‍👩‍👧 👍🏽!", ["i", "❤️", "👩‍👩‍👧", "👍🏽", "!"]),
        ("ㅋㅋ^^ㅠㅠ", ["ㅋㅋ", "^", "^", "ㅠㅠ"]),
        ("soft\u00adhyphen \ufeffword", ["soft\u00adhyphen", "word"]),
        (" \t\x00\u3000", []),
    ],
)
def test_unicode_words_of_examples(text, message):
    assert reference_unicode_words(text.lower()) == message
    tokenizer = WordTokenizer().fit(to_series([text]))
    assert tokenizer.decode(tokenizer.encode(to_series([text]))).to_list() == [" ".join(message)]


@given(texts=hostile_texts(), split=SPLITS, lower=st.booleans(), nfc=st.booleans())
def test_json_round_trip(texts, split, lower, nfc):
    made = WordTokenizer(split=split, lower=lower, nfc=nfc).fit(to_series(texts))
    vocabulary = Vocabulary.from_json(made.vocabulary.to_json())
    loaded = WordTokenizer.from_json(made.to_json(), vocabulary)
    assert loaded.to_json() == made.to_json()
    assert loaded.encode(to_series(texts)).equals(made.encode(to_series(texts)))


@given(text=hostile_text(), times=st.integers(1, 3))
def test_single_text_equals_text_in_column(text, times):
    tokenizer = WordTokenizer().fit(to_series([text, "영화 the"]))
    alone = tokenizer.encode(to_series([text])).to_pylist()[0]
    among = tokenizer.encode(to_series(["the", *[text] * times, "", "영화"])).to_pylist()
    assert among[1 : 1 + times] == [alone] * times


def test_decomposed_hangul_has_same_ids():
    tokenizer = WordTokenizer().fit(to_series(["영화 재미"]))
    decomposed = unicodedata.normalize("NFD", "영화 재미")
    assert tokenizer.encode(to_series([decomposed])).to_pylist() == [[4, 5]]


def test_min_frequency_and_max_size():
    texts = to_series(["a a a b b c", "a b c d"])
    assert WordTokenizer().fit(texts, min_frequency=2).vocabulary.tokens[4:] == ("a", "b", "c")
    smaller = WordTokenizer().fit(texts, max_size=6).vocabulary
    assert smaller.tokens[4:] == ("a", "b")
    assert (smaller.dropped, smaller.dropped_types) == (3, 2)


def test_invalid_use_is_refused():
    with pytest.raises(ConfigError, match="split must be one of unicode, keras"):
        WordTokenizer(split="spaces")
    for use in ("encode", "encode_with_offsets"):
        with pytest.raises(NotFittedError, match="words tokenizer"):
            getattr(WordTokenizer(), use)(to_series(["a"]))
    with pytest.raises(DataError, match="row 2"):
        WordTokenizer().fit(to_series(["a", None]))
    with pytest.raises(DataError, match="strings"):
        WordTokenizer(nfc=False).fit(pl.Series([1]))


def test_empty_column():
    tokenizer = WordTokenizer().fit(to_series([]))
    assert tokenizer.vocabulary.tokens == RESERVED
    tokens = tokenizer.encode_with_offsets(to_series([]))
    assert [len(part) for part in (tokens.ids, tokens.starts, tokens.ends)] == [0, 0, 0]
    assert tokenizer.encode(to_series(["", "x"])).to_pylist() == [[], [OOV]]


def test_many_texts_equal_reference():
    texts = [f"영화 {number % 977} 최고! İ{number % 5}" for number in range(3000)]
    tokenizer = WordTokenizer().fit(to_series(texts))
    ids, offsets = values_and_offsets(tokenizer.encode(to_series(texts)))
    names = tokenizer.vocabulary.tokens_of(ids)
    assert [names[a:b] for a, b in pairwise(offsets)] == [
        reference_unicode_words(text.lower()) for text in texts
    ]
