import unicodedata
from collections import Counter

import numpy as np
import polars as pl
from hypothesis import given, settings

from munjang.text.jamo import JamoTokenizer, split_syllables
from munjang.text.normalize import normalize
from munjang.text.vocabulary import RESERVED
from tests.unit.text.strategies import hostile_texts

thorough = settings(max_examples=60)


def to_series(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def split_jamo(text: str) -> list[str]:
    """Take syllables apart as unicodedata does, and leave everything else composed."""
    composed = normalize(to_series([text]))[0]
    apart = (unicodedata.normalize("NFD", c) if "가" <= c <= "힣" else c for c in composed)
    return list("".join(apart))


def test_split_syllables_equals_nfd() -> None:
    points = np.arange(0xAC00, 0xD7A4, dtype=np.uint32)
    jamo, widths = split_syllables(points)
    expected = [unicodedata.normalize("NFD", chr(point)) for point in points.tolist()]
    assert "".join(map(chr, jamo.tolist())) == "".join(expected)
    assert widths.tolist() == [len(syllable) for syllable in expected]


def test_other_characters_are_not_split() -> None:
    points = np.array([0, 0xABFF, 0xD7A4, 0x1100, 0x3131, 0x10FFFF], dtype=np.uint32)
    jamo, widths = split_syllables(points)
    assert jamo.tolist() == points.tolist()
    assert widths.tolist() == [1] * 6


@thorough
@given(texts=hostile_texts(), more=hostile_texts())
def test_ids_equal_loop_over_characters(texts: list[str], more: list[str]) -> None:
    tokenizer = JamoTokenizer().fit(to_series(texts))
    counts = Counter(jamo for text in texts for jamo in split_jamo(text))
    expected = sorted(counts, key=lambda jamo: -counts[jamo])
    assert tokenizer.vocabulary.tokens == (*RESERVED, *expected)
    ids = [[tokenizer.vocabulary.id_of(jamo) for jamo in split_jamo(text)] for text in more]
    assert tokenizer.encode(to_series(more)).to_pylist() == ids


def test_offsets_of_jamo_cover_their_syllable() -> None:
    tokenizer = JamoTokenizer().fit(to_series(["간다!"]))
    tokens = tokenizer.encode_with_offsets(
        to_series(["간다!", unicodedata.normalize("NFD", "간다!")])
    )
    assert tokens.starts.to_pylist() == [[0, 0, 0, 1, 1, 2], [0, 0, 0, 3, 3, 5]]
    assert tokens.ends.to_pylist() == [[1, 1, 1, 2, 2, 3], [3, 3, 3, 5, 5, 6]]


def test_unseen_syllable_of_seen_jamo_is_known() -> None:
    tokenizer = JamoTokenizer().fit(to_series(["강남"]))
    assert tokenizer.decode(tokenizer.encode(to_series(["남강", "낭"]))).to_list() == ["남강", "낭"]


def test_compatibility_jamo_are_kept() -> None:
    tokenizer = JamoTokenizer().fit(to_series(["ㅋㅋ 카"]))
    assert tokenizer.vocabulary.tokens[4:] == ("ㅋ", " ", "\u110f", "\u1161")
