import unicodedata
from collections import Counter

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from munjang.errors import FolderError
from munjang.text.characters import CharacterTokenizer, simple_lower_table
from munjang.text.normalize import normalize
from munjang.text.segmentation.utf32 import from_utf32, to_utf32
from munjang.text.vocabulary import RESERVED, Vocabulary
from tests.unit.text.strategies import ugly_texts

thorough = settings(max_examples=60)


def column(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def characters_of(texts: list[str], lower: bool) -> list[list[str]]:
    """Return the characters, one by one, as a reference for the fast path."""
    composed = normalize(column(texts)).to_list()
    return [[c.lower()[0] if lower else c for c in text] for text in composed]


@pytest.mark.parametrize("lower", [False, True])
@thorough
@given(texts=ugly_texts(), min_frequency=st.integers(1, 3), more=ugly_texts())
def test_it_agrees_with_a_loop_over_characters(
    lower: bool, texts: list[str], min_frequency: int, more: list[str]
) -> None:
    tokenizer = CharacterTokenizer(lower=lower).fit(column(texts), min_frequency=min_frequency)
    counts = Counter(c for text in characters_of(texts, lower) for c in text)  # keeps first order
    kept = {c: n for c, n in counts.items() if n >= min_frequency}
    expected = sorted(kept, key=lambda c: -kept[c])
    assert tokenizer.vocabulary.tokens == (*RESERVED, *expected)
    assert tokenizer.vocabulary.counts.tolist() == [0] * 4 + [kept[c] for c in expected]

    ids = [[tokenizer.vocabulary.id_of(c) for c in text] for text in characters_of(more, lower)]
    assert tokenizer.encode(column(more)).to_pylist() == ids


def test_one_id_a_hangul_syllable_and_one_a_space() -> None:
    tokenizer = CharacterTokenizer().fit(column(["가나가  가"]))
    assert tokenizer.vocabulary.tokens[4:] == ("가", " ", "나")
    assert tokenizer.encode(column(["가  나", "뷁"])).to_pylist() == [[4, 5, 5, 6], [1]]


def test_max_size_keeps_the_most_frequent() -> None:
    tokenizer = CharacterTokenizer().fit(column(["abbccc"]), max_size=6)
    assert tokenizer.vocabulary.tokens[4:] == ("c", "b")
    assert tokenizer.vocabulary.dropped == 1


def test_offsets_of_decomposed_text_point_at_its_own_code_points() -> None:
    decomposed = unicodedata.normalize("NFD", "간 é")
    tokenizer = CharacterTokenizer().fit(column(["간 é"]))
    tokens = tokenizer.encode_with_offsets(column([decomposed]))
    assert tokens.starts.to_pylist() == [[0, 3, 4]]
    assert tokens.ends.to_pylist() == [[3, 4, 6]]


def test_unknown_characters_read_as_the_replacement_character() -> None:
    tokenizer = CharacterTokenizer().fit(column(["영화"]))
    assert tokenizer.decode(tokenizer.encode(column(["영뷁화"]))).to_list() == ["영\ufffd화"]


def test_lower_is_one_character_for_one() -> None:
    tokenizer = CharacterTokenizer(lower=True).fit(column(["straße İstanbul ΟΔΟΣ"]))
    written = tokenizer.decode(tokenizer.encode(column(["STRASSE İSTANBUL ΟΔΟΣ"]))).to_list()
    assert written == ["strasse istanbul οδοσ"]


def test_simple_lower_is_the_first_character_of_pythons() -> None:
    table = simple_lower_table()
    for point in range(0x20000):
        if not 0xD800 <= point < 0xE000:
            assert chr(table[point]) == chr(point).lower()[0]


def test_a_column_made_of_slices_and_chunks() -> None:
    texts = pl.concat([column(["가나", "버림", "다"]), column(["라", ""])], rechunk=False)
    tokenizer = CharacterTokenizer().fit(texts)
    sliced = texts.slice(2, 3)
    assert tokenizer.decode(tokenizer.encode(sliced)).to_list() == ["다", "라", ""]
    encoded = tokenizer.encode(texts)
    assert tokenizer.decode(encoded.slice(2, 2)).to_list() == ["다", "라"]
    assert tokenizer.decode(pa.chunked_array([encoded, encoded])).len() == 10


def test_a_vocabulary_of_words_is_refused() -> None:
    words = Vocabulary.from_counts(["영화", "좋다"], [2, 1])
    with pytest.raises(FolderError, match="another tokenizer"):
        CharacterTokenizer.from_json({"name": "characters", "lower": False}, words)


@thorough
@given(texts=ugly_texts())
def test_texts_to_code_points_and_back(texts: list[str]) -> None:
    assume(texts)
    points, offsets = to_utf32(column(texts))
    assert points.tolist() == [ord(c) for text in texts for c in text]
    assert offsets.tolist()[-1] == sum(map(len, texts))
    assert from_utf32(points, offsets).to_list() == texts
