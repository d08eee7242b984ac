import unicodedata
from collections import Counter

import numpy as np
import polars as pl
from hypothesis import given, settings

from munjang.text.jamo import JamoTokenizer, split_syllables
from munjang.text.normalize import normalize
from munjang.text.vocabulary import RESERVED
from tests.unit.text.strategies import ugly_texts

thorough = settings(max_examples=60)


def column(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def jamo_of(text: str) -> list[str]:
    """Take syllables apart as unicodedata does, and leave everything else composed."""
    composed = normalize(column([text]))[0]
    apart = (unicodedata.normalize("NFD", c) if "가" <= c <= "힣" else c for c in composed)
    return list("".join(apart))


def test_every_syllable_is_taken_apart_as_unicode_says() -> None:
    points = np.arange(0xAC00, 0xD7A4, dtype=np.uint32)
    jamo, widths = split_syllables(points)
    expected = [unicodedata.normalize("NFD", chr(point)) for point in points.tolist()]
    assert "".join(map(chr, jamo.tolist())) == "".join(expected)
    assert widths.tolist() == [len(syllable) for syllable in expected]


def test_what_borders_on_the_syllables_is_left_alone() -> None:
    points = np.array([0, 0xABFF, 0xD7A4, 0x1100, 0x3131, 0x10FFFF], dtype=np.uint32)
    jamo, widths = split_syllables(points)
    assert jamo.tolist() == points.tolist()
    assert widths.tolist() == [1] * 6


@thorough
@given(texts=ugly_texts(), more=ugly_texts())
def test_it_agrees_with_a_loop_over_characters(texts: list[str], more: list[str]) -> None:
    tokenizer = JamoTokenizer().fit(column(texts))
    counts = Counter(jamo for text in texts for jamo in jamo_of(text))
    expected = sorted(counts, key=lambda jamo: -counts[jamo])
    assert tokenizer.vocabulary.tokens == (*RESERVED, *expected)
    ids = [[tokenizer.vocabulary.id_of(jamo) for jamo in jamo_of(text)] for text in more]
    assert tokenizer.encode(column(more)).to_pylist() == ids


def test_all_jamo_of_a_syllable_point_at_the_whole_syllable() -> None:
    tokenizer = JamoTokenizer().fit(column(["간다!"]))
    tokens = tokenizer.encode_with_offsets(column(["간다!", unicodedata.normalize("NFD", "간다!")]))
    assert tokens.starts.to_pylist() == [[0, 0, 0, 1, 1, 2], [0, 0, 0, 3, 3, 5]]
    assert tokens.ends.to_pylist() == [[1, 1, 1, 2, 2, 3], [3, 3, 3, 5, 5, 6]]


def test_an_unseen_syllable_of_seen_jamo_is_known() -> None:
    tokenizer = JamoTokenizer().fit(column(["강남"]))
    assert tokenizer.decode(tokenizer.encode(column(["남강", "낭"]))).to_list() == ["남강", "낭"]


def test_jamo_typed_alone_stay_what_they_are() -> None:
    tokenizer = JamoTokenizer().fit(column(["ㅋㅋ 카"]))
    assert tokenizer.vocabulary.tokens[4:] == ("ㅋ", " ", "\u110f", "\u1161")
