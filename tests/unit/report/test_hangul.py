"""Hangul in strokes: the letters of every syllable, inside its block."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.report.hangul import _LEANING, _PENS, _TWO, _placed, is_drawn, strokes

SYLLABLES = st.integers(0xAC00, 0xD7A3).map(chr)
LETTERS = [chr(point) for point in range(0x3131, 0x3164)]


def letters(syllable: str) -> list[str]:
    """Its letters by Unicode's own decomposition, as letters that stand alone."""
    names = (unicodedata.name(c).split(" ")[-1] for c in unicodedata.normalize("NFD", syllable))
    return [unicodedata.lookup(f"HANGUL LETTER {name}") for name in names]


def test_every_modern_character_is_drawn_and_no_other() -> None:
    assert all(map(is_drawn, [*LETTERS, "가", "힣"]))
    assert not any(map(is_drawn, ["a", " ", "漢", "ᄒ", "ㆍ", "\ud7a4", "\uabff"]))


@given(SYLLABLES)
def test_a_syllable_is_made_of_its_letters(syllable: str) -> None:
    expected = [part for letter in letters(syllable) for part in _TWO.get(letter, letter)]
    written = [pens for pens, _ in _placed(syllable)]
    assert len(written) == len(expected)
    for pens, letter in zip(written, expected, strict=True):
        assert pens in (_PENS[letter], _LEANING.get(letter))


@pytest.mark.parametrize("letter", LETTERS)
def test_a_letter_alone_is_made_of_itself(letter: str) -> None:
    assert [pens for pens, _ in _placed(letter)] == [_PENS[p] for p in _TWO.get(letter, letter)]


@given(SYLLABLES | st.sampled_from(LETTERS), st.floats(0, 900), st.floats(0, 900))
def test_strokes_stay_inside_the_block(character: str, x: float, y: float) -> None:
    drawn = strokes(character, x, y, 20)
    places = re.findall(r"[MLQ ](-?[\d.]+) (-?[\d.]+)(?=[MLQa ]|$)", re.sub(r"a[^aM]*", "", drawn))
    assert places
    for across, down in places:
        assert x - 0.5 <= float(across) <= x + 20.5
        assert y - 0.5 <= float(down) <= y + 20.5


@given(SYLLABLES, SYLLABLES)
def test_two_syllables_never_look_the_same(one: str, other: str) -> None:
    assert (strokes(one, 0, 0, 100) == strokes(other, 0, 0, 100)) == (one == other)
