import unicodedata
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings

from munjang.text.plain.pretokens import LONGEST, SPACE_SIGN
from munjang.text.segmentation.codepoints import CODE_POINTS
from munjang.text.subwords.pretokens import pretokenize
from tests.unit.text.strategies import hostile_texts

thorough = settings(max_examples=80)


def to_series(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def character_kind(character: str) -> str:
    if character in (SPACE_SIGN, "#"):
        return character
    category = unicodedata.category(character)
    if category[0] == "M" or category == "Cf" or (category == "Sk" and character > "\x7f"):
        return "mark"
    if category == "So":
        return "symbol"
    if category[0] == "S":
        return "P"
    return category[0] if category[0] in "LNP" else "blank"


def reference_pretokens(text: str) -> list[str]:
    """Apply the rules of the module, one character at a time."""
    pieces: list[str] = []
    last = ""
    swapped = text.translate({ord(" "): SPACE_SIGN, ord(SPACE_SIGN): " "})
    for character in SPACE_SIGN + swapped if text else "":
        here = character_kind(character)
        here = last if here == "mark" else here
        mark = character_kind(character) == "mark"
        joins = mark or (here == last and here not in (SPACE_SIGN, "#"))
        joins = joins or (last == SPACE_SIGN and here != SPACE_SIGN)
        if joins:
            pieces[-1] += character
        else:
            pieces.append(character)
        last = here
    return [p[i : i + LONGEST] for p in pieces for i in range(0, len(p), LONGEST)]


def pretokenize_texts(texts: list[str]) -> list[list[str]]:
    pretokens = pretokenize(to_series(texts))
    distinct, index = pretokens.unique()
    bounds = pretokens.offsets()
    flat = [distinct[i] for i in index]
    return [flat[a:b] for a, b in pairwise(bounds)]


@thorough
@given(texts=hostile_texts())
@example(texts=["a\u0301b", " \u0301a", "👩‍👩‍👧👍🏽!", "##a# #b", "▁ a", "\u200da"])
@example(texts=["", "", " "])
@example(texts=[])
def test_pretokenize_equals_loop_over_characters(texts: list[str]) -> None:
    assert pretokenize_texts(texts) == [reference_pretokens(text) for text in texts]


def test_words_numbers_punctuation_and_symbols_are_separated() -> None:
    assert pretokenize_texts(["재미있다!! 2번 봤다😀"]) == [
        ["▁재미있다", "!!", "▁2", "번", "▁봤다", "😀"]
    ]


def test_pretokens_are_limited_in_length() -> None:
    pieces = pretokenize_texts(["가" * 1_000, "a" + "\u0301" * 1_000])
    assert [max(map(len, row)) for row in pieces] == [LONGEST, LONGEST]
    assert "".join(pieces[0]) == SPACE_SIGN + "가" * 1_000


@pytest.mark.parametrize("name", ["<pad>", "<oov>", "<go>", "<eos>"])
def test_reserved_names_are_split(name: str) -> None:
    texts = [name, f"a{name}b", f" {name} ", f"▁{name}", f"#{name}#", f"\u0301{name}\u0301"]
    assert not any(name in piece for row in pretokenize_texts(texts) for piece in row)


def test_join_with_spaces_splits_at_unknown_characters() -> None:
    known = np.ones(CODE_POINTS, dtype=bool)
    known[ord("뷁")] = False
    spaced = pretokenize(to_series(["영화뷁다 좋다!", "", "네"])).join_with_spaces(known)
    assert [text.split() for text in spaced] == [["▁영화", "다", "▁좋다", "!"], [], ["▁네"]]
