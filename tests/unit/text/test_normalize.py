import unicodedata
from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from munjang.errors import ConfigError, DataError
from munjang.text.columns import token_column
from munjang.text.normalize import normalize, original_offsets
from munjang.text.plain.nfc import Form, normalize_text
from tests.unit.text.strategies import hostile_text, hostile_texts

thorough = settings(max_examples=80)


def to_series(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def known_to_python(texts: list[str]) -> bool:
    """Skip characters that only a newer Unicode version than Python's assigns."""
    return not any(unicodedata.category(character) == "Cn" for character in "".join(texts))


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@thorough
@given(texts=hostile_texts())
def test_normalize_equals_unicodedata(form: str, texts: list[str]) -> None:
    assume(known_to_python(texts))
    expected = [unicodedata.normalize(form, text) for text in texts]
    assert normalize(to_series(texts), form).to_list() == expected


def test_every_character_equals_unicodedata_in_context() -> None:
    points = [point for point in range(0x30000) if not 0xD800 <= point < 0xE000]
    known = [chr(point) for point in points if unicodedata.category(chr(point)) != "Cn"]
    for around in ("{}", "a{}", "가{}", "e{}\u0301"):
        texts = [around.format(character) for character in known]
        expected = [unicodedata.normalize("NFC", text) for text in texts]
        assert normalize(to_series(texts)).to_list() == expected


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@thorough
@given(text=hostile_text(), marks=st.lists(st.sampled_from("\u0345\u0334\u0f73\u0344\u0301\u0316")))
def test_long_text_equals_short_text(form: Form, text: str, marks: list[str]) -> None:
    behind = "a" + "".join(marks) + text
    long = "가" * 1001
    assert normalize_text(long + behind, form) == normalize_text(long, form) + (
        unicodedata.normalize(form, behind)
    )


def test_many_combining_marks_are_fast() -> None:
    marks = normalize_text("a" + "\u0345\u0334" * 50_000)
    assert marks == "a" + "\u0334" * 50_000 + "\u0345" * 50_000


def test_normalized_column_is_returned_unchanged() -> None:
    texts = to_series(["영화 🎬", "café", ""])
    assert normalize(texts) is texts


def test_input_column_is_not_modified() -> None:
    texts = to_series(["e\u0301", "a"])
    assert normalize(texts).to_list() == ["\xe9", "a"]
    assert texts.to_list() == ["e\u0301", "a"]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (pl.Series(["a", None]), "row 2"),
        (pl.Series([None, None]), "row 1"),
        (pl.Series([1, 2]), "Int64"),
        (["a"], "list"),
    ],
)
def test_invalid_columns_are_refused(texts: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        normalize(texts)  # type: ignore[arg-type]


def test_unknown_form_is_refused() -> None:
    with pytest.raises(ConfigError, match="NFKD"):
        normalize(to_series(["a"]), "NFX")  # type: ignore[arg-type]


@cache
def combining_characters() -> frozenset[str]:
    """Return all characters that follow the first one in some full decomposition."""
    decomposed = (unicodedata.normalize("NFD", chr(point)) for point in range(0x30000))
    return frozenset("".join(text[1:] for text in decomposed if len(text) > 1))


def split_clusters(text: str) -> list[tuple[int, int]]:
    """Return character ranges that compose and reorder independently; a slow reference."""
    begins = [0] if text else []
    for index, character in enumerate(text[1:], start=1):
        first = unicodedata.normalize("NFD", character)[0]
        if not unicodedata.combining(first) and first not in combining_characters():
            begins.append(index)
    return list(zip(begins, [*begins[1:], len(text)], strict=True))


def map_each_character(texts: list[str], form: str) -> list[list[tuple[int, int]]]:
    """Return the original range of each normalized character."""
    original = to_series(texts)
    normal = normalize(original, form)
    lengths = [len(text) for text in normal]
    positions = np.concatenate([np.arange(0), *(np.arange(length) for length in lengths)])
    cuts = np.cumsum([0, *lengths])
    starts, ends = original_offsets(
        original,
        normal,
        token_column(positions, cuts),
        token_column(positions + 1, cuts),
        form=form,
    )
    rows = zip(starts.to_pylist(), ends.to_pylist(), strict=True)
    return [list(zip(begins, stops, strict=True)) for begins, stops in rows]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@thorough
@given(texts=hostile_texts())
@example(
    texts=["q\u0323\u0307x", "\u0301a", "a\u0345\u0334", "\u1100\u1161\u11a8가\u11a8", "\u0958"]
)
def test_offsets_map_to_original_cluster(form: str, texts: list[str]) -> None:
    assume(known_to_python(texts))
    for text, ranges in zip(texts, map_each_character(texts, form), strict=True):
        normal = unicodedata.normalize(form, text)
        if normal == text:
            expected = [(index, index + 1) for index in range(len(text))]
        else:
            pairs = zip(split_clusters(text), split_clusters(normal), strict=True)
            expected = [here for here, (start, end) in pairs for _ in range(start, end)]
        assert ranges == expected


@pytest.mark.parametrize("form", ["NFKC", "NFKD"])
@settings(thorough, max_examples=40)
@given(texts=hostile_texts())
@example(texts=["ﬁ\u0301x", "①½", "ﾊﾟ", "㈎", "\ufdfa"])
def test_compatibility_offsets_are_ordered(form: str, texts: list[str]) -> None:
    for text, ranges in zip(texts, map_each_character(texts, form), strict=True):
        starts = [start for start, _ in ranges]
        assert starts == sorted(starts)
        assert all(0 <= start < end <= len(text) for start, end in ranges)
        normal = normalize(to_series([text]), form)[0]
        here = normalize(to_series([text[start:end] for start, end in ranges]), form)
        assert all(character in slice_ for character, slice_ in zip(normal, here, strict=True))


def test_multi_character_and_empty_ranges() -> None:
    original = to_series(["xe\u0301y", "abc"])
    normal = normalize(original)
    starts, ends = original_offsets(
        original,
        normal,
        token_column([0, 1, 3, 0], [0, 3, 4]),
        token_column([2, 1, 3, 3], [0, 3, 4]),
    )
    assert starts.to_pylist() == [[0, 1, 4], [0]]
    assert ends.to_pylist() == [[3, 1, 4], [3]]


@thorough
@given(text=hostile_text())
def test_ranges_cover_the_text(text: str) -> None:
    ranges = map_each_character([text], "NFC")[0]
    covered = {index for start, end in ranges for index in range(start, end)}
    assert covered == set(range(len(text)))
