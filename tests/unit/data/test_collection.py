"""Collections of texts from Python: the same rule in every function."""

import re
import unicodedata

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from munjang.data.collection import collect_texts
from munjang.data.columns import text_column
from munjang.data.readers import read_table
from munjang.errors import DataError
from munjang.text.blank import blank_rows
from munjang.text.plain.blank import is_blank


class SeriesLike:
    """Stand-in for a pandas column: iterable, with a shape and `to_list`."""

    def __init__(self, values: list[object]) -> None:
        self.values, self.shape = values, (len(values),)

    def __iter__(self):
        return iter(self.values)

    def __len__(self):
        return len(self.values)

    def to_list(self):
        return self.values


class FrameLike:
    """Stand-in for a pandas table: iterating over it gives the names of its columns."""

    def __init__(self, names: list[str]) -> None:
        self.columns = names

    def __iter__(self):
        return iter(self.columns)

    def __getitem__(self, name: str) -> list[str]:
        return [name]


TEXTS = ["좋다", "bad", "e\u0301"]


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS,
        tuple(TEXTS),
        (text for text in TEXTS),
        dict.fromkeys(TEXTS).keys(),
        np.array(TEXTS),
        np.array(TEXTS, dtype=object),
        [np.str_(text) for text in TEXTS],
        pl.Series(TEXTS),
        pl.Series(TEXTS, dtype=pl.Categorical),
        SeriesLike(TEXTS),
        pa.array(TEXTS),
        pa.array(TEXTS, type=pa.large_string()),
        pa.array(TEXTS).dictionary_encode(),
        pa.chunked_array([TEXTS[:1], TEXTS[1:]]),
    ],
    ids=lambda texts: f"{type(texts).__module__}.{type(texts).__name__}",
)
def test_collections_of_texts_are_accepted(texts):
    texts = list(texts) if isinstance(texts, type(n for n in ())) else texts
    assert collect_texts(texts) == TEXTS
    assert all(type(text) is str for text in collect_texts(texts))
    assert text_column(texts).to_list() == TEXTS
    assert read_table((texts, None), need_labels=False).keys.to_list() == TEXTS


def test_generator_and_single_string():
    assert collect_texts(text for text in TEXTS) == TEXTS
    assert collect_texts("좋다") == text_column("좋다").to_list() == ["좋다"]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"a": "b"}, "got dict, a mapping"),
        ({"b", "a"}, r"got set, .* no order: give sorted\(given\)"),
        (frozenset("ab"), "no order"),
        (b"bytes", r"got bytes, which has no encoding: decode it first, as in given\.decode"),
        (FrameLike(["review", "n"]), r'\(review, n\): choose one, as in df\["review"\]'),
        (pl.DataFrame({"text": ["b"]}), r'choose one, as in df\["text"\]'),
        (pl.LazyFrame({"text": ["b"]}), r'LazyFrame, .* as in df\["text"\]'),
        (pa.table({"text": ["b"]}), r'Table, .* as in df\["text"\]'),
        (pa.RecordBatch.from_pydict({"text": ["b"]}), r'as in df\["text"\]'),
        (np.array([["a"], ["b"]]), r"an array of shape \(2, 1\); choose one column"),
        (np.array("a"), r"an array of shape \(\)"),
        (3, "expected a string or strings, got int"),
        (None, "expected a string or strings, got NoneType"),
    ],
    ids=lambda data: type(data).__name__,
)
def test_ambiguous_collections_are_refused_in_one_line(texts, message):
    for take in (collect_texts, text_column, lambda data: read_table((data, None))):
        with pytest.raises(DataError, match=message) as caught:
            take(texts)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "texts",
    [
        ["a", None],
        pl.Series(["a", None]),
        SeriesLike(["a", None]),
        np.array(["a", float("nan")], dtype=object),
        pa.array(["a", None]),
        ["a", b"b"],
        [b"a".decode(), ["b"]],
        ["a", "\ud800"],
    ],
)
def test_non_text_entry_is_named_by_index(texts):
    for take in (collect_texts, text_column):
        with pytest.raises(DataError, match=re.escape("texts[1]: ")):
            take(texts)


BLANK = ["", " ", "\t", "\r\n", "\x1c", "\x85", "\xa0", "\u3000", "\u200b", "\ufeff", "\u3164"]
VISIBLE = [".", "⠀가", "\u200b가", "👍🏽", "ㅤㅋ", "0", "\u0301"]


@pytest.mark.parametrize("text", BLANK, ids=ascii)
def test_invisible_text_is_blank_everywhere(text):
    assert is_blank(text)
    assert collect_texts([text, "a"]) == text_column(pl.Series([text, "a"])).to_list() == ["", "a"]
    with pytest.raises(DataError, match="row 2: expected a text"):
        read_table((["a", text], None), need_labels=False)


def test_python_and_polars_agree_on_blank_characters():
    characters = [chr(point) for point in range(0x30000) if not 0xD800 <= point < 0xE000]
    blank = set(blank_rows(pl.Series(characters)).tolist())
    assert blank == {index for index, one in enumerate(characters) if is_blank(one)}
    assert not any(unicodedata.category(characters[index])[0] in "NPS" for index in blank)
    assert blank_rows(pl.Series(VISIBLE)).tolist() == []
