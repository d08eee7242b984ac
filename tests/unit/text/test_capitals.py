"""Capitals as tokens: where the sign stands, what else stays as it was, and the way back."""

import unicodedata
from itertools import groupby

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from munjang.errors import ConfigError
from munjang.text.capitals import CAPITAL, CAPITALS, SIGNS, with_capitals
from munjang.text.columns import TokenColumn
from munjang.text.normalise import normalise
from munjang.text.words import WordTokenizer
from tests.unit.text.strategies import ugly_texts


def column(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def signed(text: str) -> str:
    """Word by word, with Python's Unicode tables."""
    found = ""
    for inside, run in groupby(text, key=lambda c: unicodedata.category(c)[0] in "LNM"):
        word = "".join(run)
        kinds = [unicodedata.category(character) for character in word]
        letters = [kind for kind in kinds if kind[0] == "L"]
        if inside and kinds[0] == "Lu" and len(letters) > 1 and set(letters) == {"Lu"}:
            found += CAPITALS
        elif inside and kinds[0] in ("Lu", "Lt") and found and found[-1] != CAPITALS:
            found += CAPITAL
        found += word
    return found


def words_of(tokenizer: WordTokenizer, tokens: TokenColumn) -> list[list[str]]:
    names = tokenizer.vocabulary.tokens
    return [[names[number] for number in row] for row in tokens.to_pylist()]


@given(st.lists(st.text("aBZ Ω'.\u03011ǅ⇧⇪"), max_size=4))
@example(["NASA is in USA, B2B and F16", "I am BIG", "\u0301AB", "⇪ ⇪US A⇪B"])
def test_a_sign_stands_before_words_of_capitals_and_words_that_begin_so(texts: list[str]) -> None:
    assert with_capitals(column(texts)).to_list() == [signed(text) for text in texts]


@given(ugly_texts())
def test_but_for_the_signs_the_words_are_those_without(texts: list[str]) -> None:
    texts = [text.replace(CAPITAL, "").replace(CAPITALS, "") for text in texts]
    plain, with_signs = (
        WordTokenizer(capitals=capitals).fit(column(texts)) for capitals in (False, True)
    )
    expected = words_of(plain, plain.encode(column(texts)))
    found = words_of(with_signs, with_signs.encode(column(texts)))
    assert [[word for word in row if word not in SIGNS] for row in found] == expected


def test_the_sign_has_no_character_of_the_text_and_all_others_have_their_own() -> None:
    text = "is DSL in ⇧Zu\u0308rich, O'Neill? I\u0307"
    tokenizer = WordTokenizer(capitals=True).fit(column([text]))
    tokens = tokenizer.encode_with_offsets(column([text]))
    places = zip(*(part.to_pylist()[0] for part in (tokens.starts, tokens.ends)), strict=True)
    seen = [text[start:end] for start, end in places]
    assert seen == [
        "is", "", "DSL", "in", "⇧", "", "Zu\u0308rich", ",", "", "O", "'", "", "Neill", "?",
        "", "I\u0307",
    ]  # fmt: skip
    names = words_of(tokenizer, tokens.ids)[0]
    assert [name for name, part in zip(names, seen, strict=True) if not part] == [
        CAPITALS, *[CAPITAL] * 4,
    ]  # fmt: skip
    plain = [name for name, part in zip(names, seen, strict=True) if part]
    assert plain == [normalise(column([part]))[0].lower() for part in seen if part]


def test_to_who_learned_from_lower_case_capitals_are_nothing() -> None:
    lower = WordTokenizer(capitals=True).fit(column(["a fine film", "a bad one"]))
    shouted = lower.encode_with_offsets(column(["A FINE Film"]))
    assert words_of(lower, shouted.ids) == [["a", "fine", "film"]]
    assert shouted.starts.to_pylist() == [[0, 2, 7]]
    names = WordTokenizer(capitals=True).fit(column(["of Rome", "of Paris"]))
    assert words_of(names, names.encode(column(["of PARIS"]))) == [["of", CAPITAL, "paris"]]


def test_decoding_gives_the_capitals_back() -> None:
    texts = column(["who wrote Hamlet and ÖDIPUS?", "", "Of Zorro Ω", "NO"])
    tokenizer = WordTokenizer(capitals=True).fit(texts)
    decoded = tokenizer.decode(tokenizer.encode(texts)).to_list()
    assert decoded == ["who wrote Hamlet and ÖDIPUS ?", "", "of Zorro Ω", "NO"]
    sign = tokenizer.vocabulary.tokens.index(CAPITAL)
    no = tokenizer.vocabulary.tokens.index("no")
    ends_with_sign = tokenizer.encode(texts).from_arrays([0, 2, 3], [no, sign, no])
    assert tokenizer.decode(ends_with_sign).to_list() == ["no", "no"]


@pytest.mark.parametrize("settings", [{"lower": False}, {"split": "keras"}])
def test_where_no_capital_is_lost_or_by_keras_rule_there_are_none(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"capitals goes with lower=true and split=unicode"):
        WordTokenizer(capitals=True, **settings)
