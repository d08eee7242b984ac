"""Texts to what a model reads: cut, marked, counted."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from munjang.data.encode import add_ends, encode_texts
from munjang.text.characters import CharacterTokenizer
from munjang.text.vocabulary import EOS, GO
from tests.made import column_of
from tests.unit.data.test_batches import rows_of, rows_of_ids
from tests.unit.text.strategies import ugly_texts


@given(rows=rows_of_ids)
def test_ends_stand_around_every_row(rows: list[list[int]]) -> None:
    assert rows_of(add_ends(column_of(rows))) == [[GO, *row, EOS] for row in rows]


@given(rows=rows_of_ids.filter(lambda rows: len(rows) > 2))
def test_ends_of_a_slice(rows: list[list[int]]) -> None:
    assert rows_of(add_ends(column_of(rows)[1:])) == [[GO, *row, EOS] for row in rows[1:]]


@given(texts=ugly_texts(), longest=st.integers(1, 20), ends=st.booleans())
def test_encoded_texts_are_cut_then_marked(texts: list[str], longest: int, ends: bool) -> None:
    column = pl.Series("text", texts, dtype=pl.String)
    tokenizer = CharacterTokenizer().fit(column)
    encoded = encode_texts(tokenizer, column, max_length=longest, ends=ends)
    whole = rows_of(tokenizer.encode(column))
    cut = [row[:longest] for row in whole]
    assert rows_of(encoded.column) == ([[GO, *row, EOS] for row in cut] if ends else cut)
    assert encoded.truncated.tolist() == [len(row) > longest for row in whole]
