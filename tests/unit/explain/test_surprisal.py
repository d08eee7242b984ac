"""Surprisal of a text by pieces, characters and words: nothing is lost, no syllable is cut."""

import json
import unicodedata
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings

from munjang.explain.surprisal import Surprisal
from munjang.text.columns import to_lists
from munjang.text.joining import find_joined
from munjang.text.plain.joining import joins
from munjang.text.tokenizer import Tokenizer
from tests.contracts.test_tokenizers import Row, every_row, fit_row
from tests.unit.text.strategies import hostile_text


def of_tokens(text: str, *tokens: tuple[int, int, float]) -> Surprisal:
    return Surprisal.from_tokens(text, *zip(*tokens, strict=True))


def read(tokenizer: Tokenizer, text: str) -> tuple[list[int], list[int]]:
    tokens = tokenizer.encode_with_offsets(pl.Series([text]))
    starts, ends = (to_lists(column)[0] for column in (tokens.starts, tokens.ends))
    return starts, ends


def rounded(parts: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    return [(text, round(nats, 9)) for text, nats in parts]


def test_each_token_is_a_piece_and_words_are_sums() -> None:
    text = "나는 밥을"
    surprisal = of_tokens(text, (0, 2, 4.0), (3, 4, 6.0), (4, 5, 0.5))
    assert list(surprisal.pieces) == [("나는", 4.0), ("밥", 6.0), ("을", 0.5)]
    expected = [("나", 2.0), ("는", 2.0), (" ", 0.0), ("밥", 6.0), ("을", 0.5)]
    assert list(surprisal.characters) == expected
    assert list(surprisal.words) == [("나는", 4.0), ("밥을", 6.5)]
    assert (surprisal.rest, surprisal.nats) == (0.0, 10.5)


def test_white_space_counts_to_the_word_after_it() -> None:
    tokens = [(place, place + 1, 2.0**place) for place in range(6)]
    assert list(of_tokens(" a  b\n", *tokens).words) == [("a", 3.0), ("b", 28.0), ("\n", 32.0)]
    assert list(of_tokens("  ", (0, 1, 1.0), (1, 2, 2.0)).words) == [("  ", 3.0)]


@pytest.mark.parametrize("written", ["한a", unicodedata.normalize("NFD", "한a")])
def test_jamo_are_summed_up_to_their_syllable(written: str) -> None:
    end = len(written) - 1
    tokens = [(0, end, 1.0), (0, end, 2.0), (0, end, 4.0), (end, end + 1, 8.0)]
    surprisal = of_tokens(written, *tokens)
    for spans in surprisal.pieces, surprisal.characters:
        assert list(spans) == [(written[:-1], 7.0), ("a", 8.0)]


def test_tokens_that_cut_a_syllable_are_summed_up() -> None:
    # three bytes of 안, the last of which is in a token with the beginning of 녕
    surprisal = of_tokens("안녕a", (0, 1, 1.0), (0, 2, 2.0), (1, 2, 4.0), (2, 3, 8.0))
    assert list(surprisal.pieces) == [("안녕", 7.0), ("a", 8.0)]
    assert list(surprisal.characters) == [("안", 3.5), ("녕", 3.5), ("a", 8.0)]
    # decomposed, each jamo a token of its own
    jamo = unicodedata.normalize("NFD", "각")
    assert list(of_tokens(jamo, *((n, n + 1, 1.0) for n in range(3))).pieces) == [(jamo, 3.0)]
    # an old syllable, which has no composed form
    old = "\u1112\u119e\u11ab"
    assert list(of_tokens(old, *((n, n + 1, 1.0) for n in range(3))).characters) == [(old, 3.0)]


def test_tokens_without_characters_count_to_what_begins_at_their_place() -> None:
    # a capital marker before "the", and the end of the text
    surprisal = of_tokens("a the", (0, 1, 1.0), (2, 2, 2.0), (2, 5, 4.0), (5, 5, 8.0))
    assert list(surprisal.pieces) == [("a", 1.0), ("the", 6.0)]
    assert surprisal.rest == 8.0
    assert surprisal.nats == 15.0


def test_a_text_without_tokens_has_no_surprisal() -> None:
    for text in "", " ", "가":
        surprisal = Surprisal.from_tokens(text, [], [], [])
        assert surprisal.nats == 0
        assert len(surprisal.pieces) == 0
        assert len(surprisal.characters) == len(text)
    only_end = of_tokens("", (0, 0, 3.0))
    assert (only_end.rest, len(only_end.words)) == (3.0, 0)


def test_plain_values_say_where_each_part_is() -> None:
    values = of_tokens("나 밥", (0, 1, 1 / 3), (1, 2, 1.0), (2, 3, 2.0), (3, 3, 4.0)).to_json()
    assert json.loads(json.dumps(values)) == values
    assert values["text"] == "나 밥"
    assert values["nats"] == 7.33333
    assert values["rest"] == 4.0
    assert values["words"][1] == {"text": "밥", "start": 2, "end": 3, "nats": 3.0}
    assert len(values["pieces"]) == len(values["characters"]) == 3


@every_row
@settings(max_examples=25)
@given(text=hostile_text())
@example(text="한글과 English 👍🏽 café")
@example(text=unicodedata.normalize("NFD", "각각 값이 é ệ"))
def test_sums_are_those_of_the_tokens_of_any_tokenizer(row: Row, text: str) -> None:
    starts, ends = read(fit_row(row), text)
    nats = np.random.default_rng(0).random(len(starts))
    surprisal = Surprisal.from_tokens(text, starts, ends, nats)
    assert surprisal.nats == pytest.approx(nats.sum())
    for spans in surprisal.characters, surprisal.words:
        assert spans.nats.sum() + surprisal.rest == pytest.approx(nats.sum())
    joined = find_joined(text)
    for spans in surprisal.pieces, surprisal.characters, surprisal.words:
        bounds = np.column_stack([spans.starts, spans.ends]).ravel()
        assert (np.diff(bounds) >= 0).all(), "in order, without overlap"
        assert (spans.ends > spans.starts).all()
        assert not joined[spans.starts].any(), "no part begins inside a syllable"
    assert "".join(part for part, _ in surprisal.characters) == text
    covered = np.zeros(len(text), dtype=bool)
    for start, end in zip(surprisal.pieces.starts, surprisal.pieces.ends, strict=True):
        covered[start:end] = True
    for start, end in zip(starts, ends, strict=True):
        assert covered[start:end].all()


@given(text=hostile_text())
def test_composing_never_crosses_a_character_that_joins_none(text: str) -> None:
    for place in np.flatnonzero(~find_joined(text)).tolist():
        parts = (unicodedata.normalize("NFC", part) for part in (text[:place], text[place:]))
        assert "".join(parts) == unicodedata.normalize("NFC", text)


def test_what_joins_the_character_before_it() -> None:
    joining = ["\u1161", "\u11a8", "\u119e", "\u0301", "\u09be", "\ufe0f", "\u0f73", "\u3099"]
    assert all(map(joins, joining))
    assert not any(map(joins, ["\u1100", "가", "ㅋ", "a", " ", "é", "漢", "Ж", "\ufffd", "ｱ"]))
