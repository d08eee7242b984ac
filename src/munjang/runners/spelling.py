"""Words out of vocabulary, which a model reads by their letters."""

from collections.abc import Iterable
from typing import Any

from munjang.runners.tokenizer import TOKENIZERS, Tokenizer
from munjang.runners.words import CapitalsTokenizer, KerasTokenizer, WordTokenizer
from munjang.text.plain.jamo import split_syllables

_MOST_LETTERS = 40


class Spelling(Tokenizer):
    """A tokenizer of words, where those out of vocabulary stand among the ids as they are."""

    def find(self, tokens: Iterable[str]) -> list[Any]:
        """Return the ids of words, or the words."""
        return [self.known.get(token, token) for token in tokens]

    def number_words(self, sides: list[list[list[Any]]]) -> dict[str, Any]:
        """Replace words by numbers behind the vocabulary; return the letters of each."""
        numbers: dict[str, int] = {}
        for side in sides:
            side[:] = [
                [
                    len(self.tokens) + numbers.setdefault(n, len(numbers))
                    if isinstance(n, str)
                    else n
                    for n in row
                ]
                for row in side
            ]
        return {"word_": [spell_word(word, self.settings["units"]) for word in numbers]}


def spell_word(word: str, units: str) -> list[int]:
    """Return the numbers of the letters or jamo of a word, with its boundaries."""
    word = word[:_MOST_LETTERS]
    if units == "jamo":
        word = "".join(split_syllables(word, always_three=True))
    return [1, *(ord(letter) + 3 for letter in word[:_MOST_LETTERS]), 2]


class SpellingWordTokenizer(Spelling, WordTokenizer):
    """Words of letters, numbers and marks."""


class SpellingKerasTokenizer(Spelling, KerasTokenizer):
    """Words as Keras cuts them."""


class SpellingCapitalsTokenizer(Spelling, CapitalsTokenizer):
    """Words in lower case, with markers of their capitals."""


TOKENIZERS["words, spelled"] = SpellingWordTokenizer
TOKENIZERS["words of Keras, spelled"] = SpellingKerasTokenizer
TOKENIZERS["words with capitals, spelled"] = SpellingCapitalsTokenizer
