"""Words of a text, and the word that each token begins in."""

import numpy as np
from hypothesis import given

from munjang.text.parts import TokenSums, find_words, number_words
from tests.unit.text.strategies import hostile_text


def test_words_are_runs_without_white_space() -> None:
    words = [word for word, _ in find_words(" 나는  밥을\n먹는다 ")]
    assert words == ["나는", "밥을", "먹는다", " "]
    assert len(find_words("")) == 0


def test_space_before_a_word_belongs_to_it() -> None:
    words = find_words("ab  cd e")
    assert number_words(words, np.array([0, 1, 2, 3, 4, 7, 8])).tolist() == [0, 0, 1, 1, 1, 2, 2]


@given(text=hostile_text())
def test_every_character_is_in_the_word_that_it_is_counted_to(text: str) -> None:
    words = find_words(text)
    assert "".join(word for word, _ in words.with_rest()) == text
    for place in range(len(text)):
        number = int(number_words(words, np.array([place]))[0])
        ends = [0, *words.ends.tolist()]
        assert ends[number] <= place < ends[number + 1]


@given(text=hostile_text())
def test_sums_over_parts_are_those_of_the_tokens(text: str) -> None:
    starts = np.arange(len(text))
    sums = TokenSums.of(text, starts, starts + 1, np.arange(len(text)))
    for parts in (sums.pieces, sums.characters, sums.words):
        np.testing.assert_allclose(parts.values.sum() + sums.rest, sum(range(len(text))))
