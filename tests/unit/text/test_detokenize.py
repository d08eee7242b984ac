"""Spaces around punctuation in decoded text."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.text.detokenize import attach_punctuation


@pytest.mark.parametrize(
    ("spaced", "written"),
    [
        ("ein mann , der ( rot ) trägt .", "ein mann, der (rot) trägt."),
        ("정말 좋아요 ! ( 진짜 )", "정말 좋아요! (진짜)"),
        ("« oui » , dit-il : …", "«oui», dit-il:…"),
        ('a " b " c', 'a " b " c'),
        ("", ""),
        ("a  b", "a  b"),
        ("( [ a ] )", "([a])"),
    ],
)
def test_attach_punctuation(spaced: str, written: str) -> None:
    assert attach_punctuation(pl.Series([spaced]))[0] == written


@given(texts=st.lists(st.text(max_size=30), max_size=5))
def test_attach_punctuation_removes_only_spaces(texts: list[str]) -> None:
    closed = attach_punctuation(pl.Series(texts, dtype=pl.String)).to_list()
    assert [t.replace(" ", "") for t in closed] == [t.replace(" ", "") for t in texts]
