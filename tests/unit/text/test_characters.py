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
from tests.unit.text.strategies import hostile_texts

thorough = settings(max_examples=60)


def to_series(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def to_characters(texts: list[str], lower: bool) -> list[list[str]]:
    """Return the characters, one by one, as a reference for the fast path."""
    composed = normalize(to_series(texts)).to_list()
    return [[c.lower()[0] if lower else c for c in text] for text in composed]


@pytest.mark.parametrize("lower", [False, True])
@thorough
@given(texts=hostile_texts(), min_frequency=st.integers(1, 3), more=hostile_texts())
def test_ids_equal_loop_over_characters(
    lower: bool, texts: list[str], min_frequency: int, more: list[str]
) -> None:
    tokenizer = CharacterTokenizer(lower=lower).fit(to_series(texts), min_frequency=min_frequency)
    counts = Counter(c for text in to_characters(texts, lower) for c in text)  # keeps first order
    kept = {c: n for c, n in counts.items() if n >= min_frequency}
    expected = sorted(kept, key=lambda c: -kept[c])
    assert tokenizer.vocabulary.tokens == (*RESERVED, *expected)
    assert tokenizer.vocabulary.counts.tolist() == [0] * 4 + [kept[c] for c in expected]

    ids = [[tokenizer.vocabulary.id_of(c) for c in text] for text in to_characters(more, lower)]
    assert tokenizer.encode(to_series(more)).to_pylist() == ids


def test_syllables_and_spaces_have_one_id_each() -> None:
    tokenizer = CharacterTokenizer().fit(to_series(["가나가  가"]))
    assert tokenizer.vocabulary.tokens[4:] == ("가", " ", "나")
    assert tokenizer.encode(to_series(["가  나", "뷁"])).to_pylist() == [[4, 5, 5, 6], [1]]


def test_max_size_keeps_most_frequent() -> None:
    tokenizer = CharacterTokenizer().fit(to_series(["abbccc"]), max_size=6)
    assert tokenizer.vocabulary.tokens[4:] == ("c", "b")
    assert tokenizer.vocabulary.dropped == 1


def test_offsets_of_decomposed_text_are_code_points() -> None:
    decomposed = unicodedata.normalize("NFD", "간 é")
    tokenizer = CharacterTokenizer().fit(to_series(["간 é"]))
    tokens = tokenizer.encode_with_offsets(to_series([decomposed]))
    assert tokens.starts.to_pylist() == [[0, 3, 4]]
    assert tokens.ends.to_pylist() == [[3, 4, 6]]


def test_decode_oov_as_replacement_character() -> None:
    tokenizer = CharacterTokenizer().fit(to_series(["영화"]))
    assert tokenizer.decode(tokenizer.encode(to_series(["영뷁화"]))).to_list() == ["영\ufffd화"]


def test_lower_maps_characters_one_to_one() -> None:
    tokenizer = CharacterTokenizer(lower=True).fit(to_series(["straße İstanbul ΟΔΟΣ"]))
    written = tokenizer.decode(tokenizer.encode(to_series(["STRASSE İSTANBUL ΟΔΟΣ"]))).to_list()
    assert written == ["strasse istanbul οδοσ"]


def test_simple_lower_table_equals_python() -> None:
    table = simple_lower_table()
    for point in range(0x20000):
        if not 0xD800 <= point < 0xE000:
            assert chr(table[point]) == chr(point).lower()[0]


def test_sliced_and_chunked_column() -> None:
    texts = pl.concat([to_series(["가나", "버림", "다"]), to_series(["라", ""])], rechunk=False)
    tokenizer = CharacterTokenizer().fit(texts)
    sliced = texts.slice(2, 3)
    assert tokenizer.decode(tokenizer.encode(sliced)).to_list() == ["다", "라", ""]
    encoded = tokenizer.encode(texts)
    assert tokenizer.decode(encoded.slice(2, 2)).to_list() == ["다", "라"]
    assert tokenizer.decode(pa.chunked_array([encoded, encoded])).len() == 10


def test_vocabulary_of_another_tokenizer_is_refused() -> None:
    words = Vocabulary.from_counts(["영화", "좋다"], [2, 1])
    with pytest.raises(FolderError, match="another tokenizer"):
        CharacterTokenizer.from_json({"name": "characters", "lower": False}, words)


@thorough
@given(texts=hostile_texts())
def test_utf32_round_trip(texts: list[str]) -> None:
    assume(texts)
    points, offsets = to_utf32(to_series(texts))
    assert points.tolist() == [ord(c) for text in texts for c in text]
    assert offsets.tolist()[-1] == sum(map(len, texts))
    assert from_utf32(points, offsets).to_list() == texts
